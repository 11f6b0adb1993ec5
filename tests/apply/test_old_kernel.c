/* The other tests again on older kernels: a filter answers ENOSYS to each newer system call in turn, then to
 * all of them. */
#include "husk/impl/sys.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    int nr, also;
} calls[] = {
    {"openat2", __NR_openat2, 0},
    {"clone3", __NR_clone3, 0},
    {"open_tree and move_mount", __NR_open_tree, __NR_move_mount},
    {"mount_setattr", __NR_mount_setattr, 0},
    {"close_range", __NR_close_range, 0},
    {"pidfd_open and pidfd_send_signal", __NR_pidfd_open, __NR_pidfd_send_signal},
    {"faccessat2", __NR_faccessat2, 0},
};
#define CALLS (sizeof calls / sizeof calls[0])
#define ALL CALLS

/* For each call alone those that use it in every way; with all of them missing, everything. */
static const struct {
    const char *name;
    bool alone;
} programs[] = {
    {"test_run", true},     {"test_join", true},   {"test_start", false},
    {"test_inject", false}, {"test_paths", false}, {"test_threads", false},
};

static int install(size_t which)
{
    struct sock_filter f[4 * CALLS + 2];
    struct sock_fprog program = {0, f};
    unsigned short n = 0;

    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < 2 * CALLS; i++) {
        int nr = i % 2 ? calls[i / 2].also : calls[i / 2].nr;
        if ((which != ALL && which != i / 2) || nr == 0)
            continue;
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1);
        f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = n;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L);
}

/* Reads a program's results: how many good, and the first bad one. */
static void judge(FILE *f, const char *name, int *good, char *bad, size_t size)
{
    char line[1024];
    bool planned = false;

    *good = 0;
    bad[0] = '\0';
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        *good += strncmp(line, "ok - ", 5) == 0;
        planned = planned || strncmp(line, "1..", 3) == 0;
        if (strncmp(line, "not ok", 6) == 0 && bad[0] == '\0')
            snprintf(bad, size, "%s", line);
    }
    if (bad[0] == '\0' && !planned)
        snprintf(bad, size, "%s stopped after %d results", name, *good);
}

static void run(const char *dir, const char *name, size_t which)
{
    const char *missing = which == ALL ? "all of them" : calls[which].name;
    char path[PATH_MAX + 32], bad[1200];
    int pair[2], status, good;
    pid_t pid;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (pipe(pair) < 0 || fflush(stdout) || (pid = fork()) < 0) {
        tap_ok(false, "%s: %s", name, strerror(errno));
        return;
    }
    if (pid == 0) {
        dup2(pair[1], 1);
        close(pair[0]);
        close(pair[1]);
        if (install(which) == 0)
            execl(path, path, (char *)NULL);
        perror(path);
        _exit(127);
    }
    close(pair[1]);
    f = fdopen(pair[0], "r");
    judge(f, name, &good, bad, sizeof bad);
    fclose(f);
    waitpid(pid, &status, 0);
    if (bad[0] == '\0' && status != 0)
        snprintf(bad, sizeof bad, "%s ended with status %x", name, (unsigned)status);
    tap_ok(bad[0] == '\0' && good > 0, "without %s: %s: %d results%s%s", missing, name, good,
           bad[0] ? ", then " : "", bad);
}

int main(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (n < 0 || geteuid() != 0) {
        printf("1..0 # SKIP needs root\n");
        return 0;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t which = 0; which <= ALL; which++)
        for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
            if (which == ALL || programs[i].alone)
                run(self, programs[i].name, which);
    return tap_done();
}
