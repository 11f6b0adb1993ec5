/* The cgroup backends' actions on real cgroups below the test's own: processes are found, frozen, killed
 * (frozen, nested and forking ones too), and trees removed. */
#include "husk.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const struct husk_cgroup_backend husk_cgroup_skeleton;

static char top[600]; /* the test's cgroup */
static int dir;

static bool put(const char *cgroup, const char *file, const char *data)
{
    char path[800];
    int fd, n = -1;

    snprintf(path, sizeof path, "%s/%s", cgroup, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = (int)write(fd, data, strlen(data));
        close(fd);
    }
    return n > 0;
}

static const char *sub(const char *name)
{
    static char path[4][700];
    static unsigned i;

    snprintf(path[i %= 4], sizeof path[0], "%s/%s", top, name);
    return path[i++];
}

static void leave(int signo)
{
    _exit(signo);
}

/* A process in the cgroup that waits, or forks for ever; some time it ends by itself. */
static pid_t start(const char *cgroup, bool forks)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGTERM, leave); /* handled: the default action would end a frozen process of v2 at once */
    if (!put(cgroup, "cgroup.procs", "0"))
        _exit(1);
    while (forks) {
        if (fork() == 0)
            alarm(20); /* in case nobody kills it */
        usleep(1000);
    }
    alarm(60);
    for (;;)
        pause();
}

static int count_pid(void *ctx, int32_t pid)
{
    (void)pid;
    ++*(int *)ctx;
    return 0;
}

static int stop_at_first(void *ctx, int32_t pid)
{
    *(int32_t *)ctx = pid;
    return 7;
}

static int members(const struct husk_cgroup_backend *b, int at)
{
    int n = 0, rc = b->each_pid(at, count_pid, &n);

    return rc ? rc : n;
}

static bool wait_members(const struct husk_cgroup_backend *b, int want)
{
    for (int i = 0; i < 1000; i++) {
        if (members(b, dir) == want)
            return true;
        usleep(2000);
    }
    return false;
}

static bool in_state(pid_t pid, const char *states)
{
    char path[64], text[256] = "";
    int fd;
    char *at;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    if (fd >= 0)
        close(fd);
    at = strrchr(text, ')');
    return at != NULL && strchr(states, at[2]) != NULL;
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static bool make_top(const char *mount)
{
    errno = ENOENT;
    if (mount[0] == '\0')
        return false;
    snprintf(top, sizeof top, "%s/husk-actions-%d", mount, (int)getpid());
    if (mkdir(top, 0755) != 0)
        return false;
    dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0;
}

static void test_walk(const struct husk_cgroup_backend *b)
{
    int32_t first = 0;

    mkdir(sub("a"), 0755);
    mkdir(sub("a/b"), 0755);
    tap_equal(members(b, dir), 0, "an empty tree has no processes");
    start(top, false);
    start(sub("a/b"), false);
    tap_ok(wait_members(b, 2), "%s: processes of sub-cgroups are found", b->name);
    tap_equal(b->each_pid(dir, stop_at_first, &first), 7, "the callback's result ends the walk");
    tap_ok(first > 0, "with a pid");
    tap_equal(b->kill_all(dir), 0, "kill_all");
    tap_ok(wait_members(b, 0), "all are gone");
    reap();
}

/* Nested as a container may that can write to its cgroup: processes at the bottom and beside it are found and
 * killed, everything is removed, with few descriptors. */
static void test_deep(const struct husk_cgroup_backend *b)
{
    enum { LEVELS = 300, BESIDE = 40 };
    struct rlimit few = {16, 16}, before;
    char deep[6000];
    int start_of;

    snprintf(deep, sizeof deep, "%s/deep", top);
    mkdir(deep, 0755);
    start_of = open(deep, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < LEVELS; i++) {
        strcat(deep, "/d");
        mkdir(deep, 0755);
    }
    for (int i = 0; i < BESIDE; i++) {
        mkdir(sub("deep/d/d"), 0755);
        for (int k = 0; k < 2; k++) {
            char beside[700];
            snprintf(beside, sizeof beside, "%s/deep/d/d/x%d%s", top, i, k ? "/y" : "");
            mkdir(beside, 0755);
        }
    }
    start(deep, false);
    start(sub("deep/d/d/x7/y"), false);
    wait_members(b, 2);
    getrlimit(RLIMIT_NOFILE, &before);
    few.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    tap_equal(members(b, start_of), 2, "processes are found however deep they are");
    tap_equal(b->kill_all(start_of), 0, "and killed");
    tap_ok(wait_members(b, 0), "all of them");
    tap_equal(b->remove(start_of, sub("deep")), 0, "and their cgroups removed");
    tap_ok(access(sub("deep"), F_OK) != 0, "all of them");
    setrlimit(RLIMIT_NOFILE, &before);
    close(start_of);
    reap();
}

/* While others come and go, who stays is found in every walk. */
static void test_restless(const struct husk_cgroup_backend *b)
{
    char path[4][700];
    int missed = 0, failed = 0;
    pid_t pid;

    for (int i = 0; i < 4; i++)
        snprintf(path[i], sizeof path[i], "%s/%c%s", top, 'a' + i / 2, i % 2 ? "/b" : "");
    mkdir(sub("z"), 0755);
    mkdir(sub("z/z"), 0755);
    start(sub("z/z"), false);
    wait_members(b, 1);
    pid = fork();
    if (pid == 0) {
        alarm(20);
        for (;;) {
            for (int i = 0; i < 4; i++)
                mkdir(path[i], 0755);
            for (int i = 3; i >= 0; i--)
                rmdir(path[i]);
        }
    }
    for (int i = 0; i < 2000; i++) {
        int n = members(b, dir);
        missed += n == 0;
        failed += n < 0;
    }
    if (pid < 0)
        abort(); /* kill(-1) would be everybody's end */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    tap_ok(missed == 0 && failed == 0, "a restless tree: missed %d, failed %d of 2000", missed, failed);
    for (int i = 3; i >= 0; i--)
        rmdir(path[i]);
    tap_equal(b->kill_all(dir), 0, "kill_all");
    wait_members(b, 0);
    reap();
}

static void test_freeze(const struct husk_cgroup_backend *b, bool v1)
{
    pid_t pid = start(top, false), inner;
    int spoiled = open("/", O_PATH | O_CLOEXEC);

    wait_members(b, 1);
    tap_equal(b->freeze(spoiled, true), -ENOSYS, "a directory without freezer says so");
    close(spoiled);
    tap_equal(b->is_frozen(dir), 0, "not frozen");
    tap_equal(b->freeze(dir, true), 0, "freeze");
    tap_equal(b->is_frozen(dir), 1, "frozen");
    kill(pid, SIGTERM);
    usleep(20000);
    tap_ok(in_state(pid, "DSTIt"), "a frozen process does not handle signals");
    tap_equal(b->freeze(dir, false), 0, "thaw");
    tap_ok(wait_members(b, 0), "thawed, it does");
    reap();

    mkdir(sub("inner"), 0755);
    inner = start(sub("inner"), false);
    start(top, false);
    wait_members(b, 2);
    put(sub("inner"), v1 ? "freezer.state" : "cgroup.freeze", v1 ? "FROZEN" : "1");
    tap_equal(b->freeze(dir, true), 0, "freeze with a frozen sub-cgroup");
    tap_equal(b->kill_all(dir), 0, "kill_all of frozen ones");
    tap_ok(wait_members(b, 0), "a process in a sub-cgroup that was frozen of its own is dead, too");
    tap_ok(waitpid(inner, NULL, 0) == inner, "and reaped");
    reap();
    b->freeze(dir, false);
}

static void test_forks(const struct husk_cgroup_backend *b)
{
    start(top, true);
    for (int i = 0; i < 500 && members(b, dir) < 8; i++)
        usleep(2000);
    tap_equal(b->kill_all(dir), 0, "kill_all of processes that fork");
    tap_ok(wait_members(b, 0), "none is left");
    reap();
}

/* As before Linux 5.14: something that cannot be written lies over the file, in a mount namespace of the
 * test's own. */
static void test_without_kill_file(void)
{
    char file[700];

    snprintf(file, sizeof file, "%s/cgroup.kill", top);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("/proc/version", file, NULL, MS_BIND, NULL) != 0) {
        tap_ok(true, "kill_all without cgroup.kill # SKIP %s", strerror(errno));
        return;
    }
    close(dir);
    dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    test_forks(&husk_cgroup_v2);
    test_freeze(&husk_cgroup_v2, false);
    umount2(file, MNT_DETACH);
}

static void test_remove(const struct husk_cgroup_backend *b)
{
    pid_t pid;

    mkdir(sub("x"), 0755);
    mkdir(sub("x/y"), 0755);
    mkdir(sub("z"), 0755);
    pid = fork();
    if (pid == 0) { /* leaves while remove is waiting */
        put(sub("x/y"), "cgroup.procs", "0");
        usleep(150000);
        _exit(0);
    }
    wait_members(b, 1);
    tap_equal(b->remove(dir, top), 0, "remove the tree, waiting for who is leaving");
    tap_ok(access(top, F_OK) != 0, "it is gone");
    tap_equal(b->remove(dir, top), 0, "gone already is fine");
    tap_equal(b->remove(-1, top), 0, "by the path alone, too");
    tap_equal(members(b, dir), 0, "a removed cgroup has no processes");
    close(dir);
    waitpid(pid, NULL, 0);
}

static void test_backend(const struct husk_cgroup_backend *b, const char *mount, bool v1)
{
    if (!make_top(mount)) {
        tap_ok(true, "actions on %s # SKIP cannot make a cgroup in %s: %s", b->name,
               mount[0] ? mount : "a hierarchy", strerror(errno));
        return;
    }
    printf("# %s at %s\n", b->name, mount);
    test_walk(b);
    test_deep(b);
    test_restless(b);
    test_freeze(b, v1);
    test_forks(b);
    if (!v1)
        test_without_kill_file();
    test_remove(b);
    if (b->remove(-1, top) != 0)
        printf("# %s is left\n", top);
}

/* On v1 one directory has no freezer: kill_all has to say soon that frozen processes are left, and the
 * freezer's works. */
static void test_without_freezer(const char *freezer, const char *other)
{
    char frozen[600];
    struct timespec a, z;
    pid_t pid;
    int fd;

    if (!freezer[0] || !other[0] || !make_top(freezer))
        return;
    memcpy(frozen, top, sizeof frozen);
    fd = dir;
    if (!make_top(other))
        return;
    pid = start(top, false);
    wait_members(&husk_cgroup_v1, 1);
    char text[24];
    snprintf(text, sizeof text, "%d", (int)pid);
    put(frozen, "cgroup.procs", text);
    husk_cgroup_v1.freeze(fd, true);
    clock_gettime(CLOCK_MONOTONIC, &a);
    tap_equal(husk_cgroup_v1.kill_all(dir), -EBUSY, "frozen processes cannot be killed by another hierarchy");
    clock_gettime(CLOCK_MONOTONIC, &z);
    tap_ok(z.tv_sec - a.tv_sec < 2, "which takes no time to say");
    tap_equal(husk_cgroup_v1.kill_all(fd), 0, "but by the freezer's");
    waitpid(pid, NULL, 0);
    tap_equal(husk_cgroup_v1.remove(dir, top), 0, "removed");
    tap_equal(husk_cgroup_v1.remove(fd, frozen), 0, "removed");
    close(dir);
    close(fd);
}

static void test_skeleton(const char *mount)
{
    const struct husk_cgroup_backend *b = &husk_cgroup_skeleton;
    pid_t pid;

    if (!mount[0] || !make_top(mount)) {
        tap_ok(true, "the skeleton's actions # SKIP needs cgroup2 and root");
        return;
    }
    pid = start(top, false);
    tap_ok(wait_members(b, 1), "the skeleton finds processes");
    tap_ok(!HUSK_HAS(b, freeze), "and cannot freeze them");
    tap_equal(b->kill_all(dir), 0, "it kills them");
    waitpid(pid, NULL, 0);
    tap_equal(b->remove(dir, top), 0, "and removes the cgroup");
    close(dir);
}

static void find_mount(const char *type, const char *option, char *path, size_t size)
{
    char line[1024], at[512], fs[64], opts[256];
    FILE *f = fopen("/proc/self/mounts", "r");

    path[0] = '\0';
    while (f != NULL && path[0] == '\0' && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%*s %511s %63s %255s", at, fs, opts) == 3 && strcmp(fs, type) == 0 &&
            (option == NULL || strstr(opts, option) != NULL))
            snprintf(path, size, "%s", at);
    if (f != NULL)
        fclose(f);
}

int main(void)
{
    char v1[512], v2[512], other[512];

    setbuf(stdout, NULL);
    find_mount("cgroup", "freezer", v1, sizeof v1);
    find_mount("cgroup", "pids", other, sizeof other);
    find_mount("cgroup2", NULL, v2, sizeof v2);
    test_backend(&husk_cgroup_v1, v1, true);
    test_without_freezer(v1, other);
    test_backend(&husk_cgroup_v2, v2, false);
    test_skeleton(v2);
    return tap_done();
}
