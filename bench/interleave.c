/* interleave.c - times commands against each other, in random order each round: all meet the same noise.
 *
 *     interleave [-n ROUNDS] [-w WARM-UPS] [-g GAP_MS] [-b FIRST] [-p PREFIX] -s STEP,STEP...
 *                -- NAME COMMAND... [+ COMMAND...]... [-- NAME ...]...
 *
 * A row is a NAME and its steps, timed one by one; the rows are shuffled, the steps of a row stay in order.
 * `@id` in a word becomes PREFIX NAME "-" ROUND, with rounds counted from FIRST. The command `@reap` is not
 * timed: it waits for processes that earlier steps left behind, which become our children. Each command needs
 * a STEP, its table's title.
 *
 * Prints a table for each step: times from posix_spawn to wait4 in us, processor time of the command and of
 * what it waited for, of both the median of each round's ratio to the first row, the largest memory, and
 * failures, whose times do not count. A child starts with our memory's size, so a smaller one is "<" ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS 16
#define MAX_STEPS 12
#define MAX_WORDS 64

extern char **environ;

struct step {
    char **words; /* ends with NULL */
    double *wall_us, *cpu_us; /* one a round, NAN when it failed */
    long rss_kb;
    int failed;
};

struct row {
    const char *name;
    struct step steps[MAX_STEPS];
    int count;
};

static struct row rows[MAX_ROWS];
static int row_count, rounds = 50, warm_ups = 3, gap_ms, first;
static const char *prefix = "bench-";
static const char *labels[MAX_STEPS];
static int label_count;
static volatile sig_atomic_t stopped; /* by a signal: what runs now still ends in order */
static int output; /* where commands write errors, to show the first failure's */

static void die(const char *what)
{
    fprintf(stderr, "interleave: %s\n", what);
    exit(2);
}

static void stop(int signo)
{
    (void)signo;
    stopped = 1;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double time_us(struct timeval t)
{
    return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static void pause_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

/* Copies of words with `@id` replaced, in buffer. */
static void expand(char **words, const char *name, int round, char **argv, char *buffer, size_t size)
{
    int n = 0;
    for (; words[n]; n++) {
        char *at = strstr(words[n], "@id");
        argv[n] = words[n];
        if (!at)
            continue;
        int before = (int)(at - words[n]);
        int used = snprintf(buffer, size, "%.*s%s%s-%d%s", before, words[n], prefix, name, round, at + 3);
        if (used < 0 || (size_t)used >= size)
            die("a word is too long");
        argv[n] = buffer;
        buffer += used + 1;
        size -= (size_t)used + 1;
    }
    argv[n] = NULL;
}

/* Until all adopted processes have ended, or two seconds. */
static void reap(int wait_for_all)
{
    for (int tries = 0; tries < 2000; tries++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid > 0)
            continue;
        if (pid < 0 || !wait_for_all)
            return;
        pause_ms(1);
    }
}

static void show_failure(const struct row *row, int step, int status)
{
    char text[512];
    ssize_t n = pread(output, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    fprintf(stderr, "%s %s: status %d: %s\n", row->name, labels[step],
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text);
}

static void measure(struct row *row, int at, int round)
{
    struct step *step = &row->steps[at];
    char *argv[MAX_WORDS + 1], buffer[4096];
    posix_spawn_file_actions_t files;
    struct rusage used;
    int status;
    pid_t pid;
    expand(step->words, row->name, first + round, argv, buffer, sizeof buffer);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    double start = now_us();
    if (posix_spawnp(&pid, argv[0], &files, NULL, argv, environ))
        die(argv[0]);
    while (wait4(pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            die("wait4");
    double wall = now_us() - start;
    posix_spawn_file_actions_destroy(&files);
    if (status && !step->failed++)
        show_failure(row, at, status);
    if (used.ru_maxrss > step->rss_kb)
        step->rss_kb = used.ru_maxrss;
    if (round >= warm_ups) {
        double cpu = time_us(used.ru_utime) + time_us(used.ru_stime);
        step->wall_us[round - warm_ups] = status ? (double)NAN : wall;
        step->cpu_us[round - warm_ups] = status ? (double)NAN : cpu;
    }
    if (ftruncate(output, 0))
        die("ftruncate");
}

static void run_row(struct row *row, int round)
{
    if (gap_ms)
        pause_ms(gap_ms);
    for (int i = 0; i < row->count && !stopped; i++) {
        if (!strcmp(row->steps[i].words[0], "@reap"))
            reap(1);
        else
            measure(row, i, round);
    }
    reap(0);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The numbers of values / reference in order, in a new array; with no reference, of values. */
static double *sorted(const double *values, const double *reference, int *count)
{
    double *copy = calloc((size_t)rounds + 1, sizeof *copy);
    int n = 0;
    if (!copy)
        die("no memory");
    for (int i = 0; i < rounds; i++) {
        double value = reference ? values[i] / reference[i] : values[i];
        if (!isnan(value) && !isinf(value))
            copy[n++] = value;
    }
    qsort(copy, (size_t)n, sizeof *copy, ascending);
    *count = n;
    return copy;
}

static void print_quantile(const double *values, const double *reference, int percent, int width,
                           int decimals)
{
    int n;
    double *in_order = sorted(values, reference, &n);
    if (n)
        printf("%*.*f", width, decimals, in_order[n * percent / 100]);
    else
        printf("%*s", width, "-");
    free(in_order);
}

static void print_step(const struct row *row, int at, long own_kb)
{
    static const int percents[] = { 0, 25, 50, 75, 90 };
    const struct step *step = &row->steps[at], *reference = &rows[0].steps[at];
    printf("%-14.14s", row->name);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        print_quantile(step->wall_us, NULL, percents[i], 9, 0);
    print_quantile(step->wall_us, reference->wall_us, 50, 8, 2);
    print_quantile(step->cpu_us, NULL, 50, 9, 0);
    print_quantile(step->cpu_us, reference->cpu_us, 50, 8, 2);
    printf("%5s%6ld%8d\n", step->rss_kb <= own_kb ? "<" : "", step->rss_kb, step->failed);
}

static void print_tables(void)
{
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    for (int at = 0; at < rows[0].count; at++) {
        if (!strcmp(rows[0].steps[at].words[0], "@reap"))
            continue;
        printf("%-14.14s%9s%9s%9s%9s%9s%8s%9s%8s%11s%8s\n", labels[at], "min us", "p25", "median", "p75",
               "p90", "ratio", "cpu us", "ratio", "memory KB", "failed");
        for (int i = 0; i < row_count; i++)
            print_step(&rows[i], at, own.ru_maxrss);
    }
}

static void add_step(struct row *row, char **words)
{
    struct step *step = &row->steps[row->count];
    int n = 0;
    while (words[n])
        n++;
    if (!n || n > MAX_WORDS || row->count++ == MAX_STEPS)
        die("too many steps, or one without words or with too many");
    step->words = words;
    step->wall_us = calloc((size_t)rounds + 1, sizeof *step->wall_us);
    step->cpu_us = calloc((size_t)rounds + 1, sizeof *step->cpu_us);
    if (!step->wall_us || !step->cpu_us)
        die("no memory");
}

/* From the word after a "--": ends each step's words with NULL. */
static char **parse_row(char **word)
{
    struct row *row = &rows[row_count];
    char **from = word + 1;
    if (!*word || row_count++ == MAX_ROWS)
        die("too many rows, or one without a name");
    row->name = *word++;
    for (;; word++) {
        int ends_row = !*word || !strcmp(*word, "--"), last = !*word;
        if (!ends_row && strcmp(*word, "+"))
            continue;
        *word = NULL;
        add_step(row, from);
        from = word + 1;
        if (ends_row)
            return last ? word : word + 1;
    }
}

static void parse(int argc, char **argv)
{
    char *steps = NULL;
    int option;
    while ((option = getopt(argc, argv, "+n:w:g:b:p:s:")) != -1)
        switch (option) {
        case 'n': rounds = atoi(optarg); break;
        case 'w': warm_ups = atoi(optarg); break;
        case 'g': gap_ms = atoi(optarg); break;
        case 'b': first = atoi(optarg); break;
        case 'p': prefix = optarg; break;
        case 's': steps = optarg; break;
        default: exit(2);
        }
    if (rounds < 1 || rounds > 100000 || warm_ups < 0 || warm_ups > 1000 || gap_ms < 0)
        die("-n 1..100000, -w 0..1000, -g 0..");
    for (char *s = steps ? strtok(steps, ",") : NULL; s && label_count < MAX_STEPS; s = strtok(NULL, ","))
        labels[label_count++] = s;
    for (char **word = argv + optind; *word;)
        word = parse_row(word);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    if (!row_count)
        die("nothing to measure");
    for (int i = 0; i < row_count; i++)
        if (rows[i].count != rows[0].count)
            die("the rows differ in their number of steps");
    if (label_count < rows[0].count)
        die("fewer titles (-s) than steps");
    output = memfd_create("errors", MFD_CLOEXEC);
    if (output < 0 || fcntl(output, F_SETFL, O_APPEND) || prctl(PR_SET_CHILD_SUBREAPER, 1))
        die("memfd or subreaper");
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    srandom((unsigned)getpid());
    for (int round = 0; round < warm_ups + rounds; round++) {
        int order[MAX_ROWS];
        for (int i = 0; i < row_count; i++)
            order[i] = i;
        for (int i = row_count - 1; i > 0; i--) {
            int other = (int)(random() % (i + 1)), kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        for (int i = 0; i < row_count && !stopped; i++)
            run_row(&rows[order[i]], round);
        if (stopped)
            return 130;
    }
    print_tables();
    return 0;
}
