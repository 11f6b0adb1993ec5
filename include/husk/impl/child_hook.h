/* husk/impl/child_hook.h - other programs: hooks, and what each execve(2) needs before it. Part of child.h's
 * implementation; the parent runs its hooks by the same functions.
 *
 * A hook gets its arguments and environment, the state on stdin, a process group of its own, and no other
 * descriptor. What it prints is kept as far as an error text needs it, never passed on: stdout and stderr
 * belong to the container.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_HOOK_IMPLEMENTED)
#define HUSK_CHILD_HOOK_IMPLEMENTED

#include "husk/impl/child_path.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define HUSK__TICK_MSEC 20 /* between looks at a hook where the kernel has no pidfd_open(2) */

/* The kernel's, not libc's, which is wider on some 32-bit systems. */
struct husk__timespec {
    long sec, nsec;
};

static uint64_t husk__now_msec(void)
{
    struct husk__timespec t = {0, 0};

    (void)husk__sys(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &t);
    return (uint64_t)t.sec * 1000 + (uint64_t)t.nsec / 1000000;
}

/* Signals as the kernel numbers them, those that libc keeps for itself too. Returns the mask so far. */
static uint64_t husk__set_mask(uint64_t mask)
{
    uint64_t old = 0;

    (void)husk__sys(__NR_rt_sigprocmask, SIG_SETMASK, &mask, &old, sizeof mask);
    return old;
}

static void husk__reset_signals(void)
{
    static const unsigned long action[16]; /* the kernel's struct sigaction: SIG_DFL, no flags */

    for (int i = 1; i <= 64; i++)
        (void)husk__sys(__NR_rt_sigaction, i, action, NULL, sizeof(uint64_t));
}

/* The lowest descriptor from `from` on that the child needs; ~0 when there is none. */
static uint32_t husk__next_kept(const struct husk_child *c, uint32_t from)
{
    const int own[] = {c->channel, c->cwd, c->empty};
    uint32_t least = ~0u;

    for (uint32_t i = 0; i < HUSK_SLOT_COUNT + HUSK_COUNT(own); i++) {
        int fd = i < HUSK_SLOT_COUNT ? c->slot[i] : own[i - HUSK_SLOT_COUNT];
        if (fd >= 0 && (uint32_t)fd >= from && (uint32_t)fd < least)
            least = (uint32_t)fd;
    }
    return least;
}

static void husk__sweep_one(const struct husk_child *keep, uint32_t fd)
{
    if (keep == NULL)
        (void)husk__sys(HUSK__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
    else if (husk__next_kept(keep, fd) != fd)
        (void)husk__sys(__NR_close, fd);
}

/* By the list of what is open; without a procfs to trust, by number. */
static void husk__sweep_listed(const struct husk_child *keep, uint32_t first)
{
    char list[1024];
    long n, dir = husk__sys(__NR_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0 || husk__fs_type((int)dir, NULL) != HUSK__MAGIC_PROC) {
        for (uint32_t fd = first; fd < 65536; fd++)
            husk__sweep_one(keep, fd);
        return;
    }
    while ((n = husk__sys(__NR_getdents64, dir, list, sizeof list)) > 0)
        for (long at = 0; at < n;) {
            const char *name =
                list + at + 19; /* struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name */
            uint32_t fd = 0, len = (uint32_t)(uint8_t)list[at + 16] | (uint32_t)(uint8_t)list[at + 17] << 8;
            bool number = *name != '.';
            for (; *name >= '0' && *name <= '9'; name++)
                fd = fd * 10 + (uint32_t)(*name - '0');
            if (number && fd >= first && fd != (uint32_t)dir)
                husk__sweep_one(keep, fd);
            at += len;
        }
    husk__close((int)dir);
}

/* Descriptors from first on: closed but for those of *keep, or with NULL made close-on-exec. */
static void husk__sweep(const struct husk_child *keep, uint32_t first)
{
    long r = 0;

    if (keep == NULL)
        r = husk__sys(__NR_close_range, first, ~0u, HUSK__CLOSE_RANGE_CLOEXEC);
    for (uint32_t end = 0; keep != NULL && r == 0 && end != ~0u; first = end + 1) {
        end = husk__next_kept(keep, first);
        if (end > first)
            r = husk__sys(__NR_close_range, first, end == ~0u ? end : end - 1, 0);
        if (r < 0)
            break;
    }
    if (r < 0)
        husk__sweep_listed(keep, first);
}

/* One run of a hook, as its caller holds it. */
struct husk__hook {
    int32_t pid;
    int pidfd;
    int out, err, failed; /* read ends: stdout, stderr, and the errno of an execve(2) that failed */
    int32_t exec_errno;
};

static void husk__hook_program(struct husk_child *c, const struct husk_op_hook *h, const int fds[4])
{
    int32_t failed;
    long r = husk__sys(__NR_setpgid, 0, 0);

    husk__reset_signals();
    for (int i = 0; i < 3 && r >= 0; i++)
        r = husk__sys(__NR_dup3, fds[i], i, 0);
    if (c->umask != HUSK_ID_KEEP)
        (void)husk__sys(__NR_umask, c->umask);
    husk__sweep(NULL, 3);
    husk__set_mask(0);
    if (r >= 0)
        r = husk__sys(__NR_execve, h->path, h->argv.v, h->envp.v);
    failed = (int32_t)-r;
    (void)husk__sys(__NR_write, fds[3], &failed, sizeof failed);
    for (;;)
        (void)husk__sys(__NR_exit_group, 127);
}

static long husk__hook_start(struct husk_child *c, const struct husk_op_hook *h, int state,
                             struct husk__hook *run)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    uint64_t mask;
    long r = husk__sys(__NR_lseek, state, 0L, SEEK_SET);

    for (int i = 0; i < 3 && r >= 0; i++)
        r = husk__sys(__NR_pipe2, pipes[i], O_CLOEXEC);
    if (r >= 0) {
        mask = husk__set_mask(~UINT64_C(0)); /* the caller's handlers must not run in the hook's process */
        r = husk__sys(__NR_clone, SIGCHLD, 0L, 0L, 0L, 0L);
        if (r == 0)
            husk__hook_program(c, h, (const int[]){state, pipes[0][1], pipes[1][1], pipes[2][1]});
        husk__set_mask(mask);
    }
    for (int i = 0; i < 3; i++) {
        husk__close(pipes[i][1]);
        if (r < 0)
            husk__close(pipes[i][0]);
    }
    if (r < 0)
        return r;
    *run =
        (struct husk__hook){.pid = (int32_t)r, .out = pipes[0][0], .err = pipes[1][0], .failed = pipes[2][0]};
    run->pidfd = (int)husk__sys(__NR_pidfd_open, run->pid, 0);
    return 0;
}

/* Reads what is there; keeps at most cap bytes of all. */
static void husk__hook_read(int *fd, char *to, uint32_t cap, uint32_t *len)
{
    char more[4096];
    long n = husk__sys(__NR_read, *fd, more, sizeof more);

    if (n == -EINTR || n == -EAGAIN)
        return;
    if (n <= 0) {
        husk__close(*fd);
        *fd = -1;
        return;
    }
    for (long i = 0; i < n && *len < cap; i++)
        to[(*len)++] = more[i];
}

/* Waits up to msec (-1: no limit) and reads. Returns true when the hook has ended. */
static bool husk__hook_poll(struct husk_child *c, struct husk__hook *run, int64_t msec)
{
    struct pollfd p[4] = {
        {run->out, POLLIN, 0}, {run->err, POLLIN, 0}, {run->failed, POLLIN, 0}, {run->pidfd, POLLIN, 0}};
    struct husk_hook_output *o = &c->output;
    struct husk__timespec t = {(long)(msec / 1000), (long)(msec % 1000) * 1000000};
    uint32_t got = 0;

    if (husk__sys(__NR_ppoll, p, 4, msec < 0 ? NULL : &t, NULL, 0) < 0)
        return false;
    if (p[0].revents)
        husk__hook_read(&run->out, o->out, sizeof o->out, &o->out_len);
    if (p[1].revents)
        husk__hook_read(&run->err, o->err, sizeof o->err, &o->err_len);
    if (p[2].revents)
        husk__hook_read(&run->failed, (char *)&run->exec_errno, sizeof run->exec_errno, &got);
    return p[3].revents != 0;
}

/* 0 with c->detail, the wait status; or -ETIMEDOUT, when it was killed for that. */
static long husk__hook_wait(struct husk_child *c, struct husk__hook *run, uint32_t timeout_sec)
{
    uint64_t begin = husk__now_msec(), limit = (uint64_t)timeout_sec * 1000, spent = 0;
    bool timed = timeout_sec > 0, ended = false;
    int32_t status = 0;
    long r = 0;

    while (!ended && r == 0) {
        int64_t left = timed ? (int64_t)(limit - spent) : -1;
        if (run->pidfd < 0 && (left < 0 || left > HUSK__TICK_MSEC))
            left = HUSK__TICK_MSEC;
        ended = husk__hook_poll(c, run, left);
        if (run->pidfd < 0) {
            r = husk__sys(__NR_wait4, run->pid, &status, WNOHANG, NULL);
            ended = r != 0;
            r = r > 0 ? 0 : r;
        }
        spent = husk__now_msec() - begin;
        if (!ended && timed && spent >= limit)
            r = -ETIMEDOUT;
    }
    if (r == -ETIMEDOUT) { /* before it is reaped: the group's number is still its own */
        (void)husk__sys(__NR_kill, -run->pid, SIGKILL);
        (void)husk__sys(__NR_kill, run->pid, SIGKILL);
    }
    while (r == -ETIMEDOUT || run->pidfd >= 0) {
        long w = husk__sys(__NR_wait4, run->pid, &status, 0, NULL);
        if (w == -EINTR)
            continue;
        r = r == 0 && w < 0 ? w : r;
        break;
    }
    c->detail = status;
    return r;
}

/* Runs a hook to its end. 0: it ended with 0. Else c->detail (-EIO: the wait status) and c->output tell more;
 * an errno with no status is that of execve(2). */
static long husk__hook_run(struct husk_child *c, const struct husk_op_hook *h, int state)
{
    struct husk__hook run;
    long r;

    c->output.out_len = c->output.err_len = 0;
    c->detail = 0;
    r = state < 0 ? state : husk__hook_start(c, h, state, &run);
    if (r < 0)
        return r;
    r = husk__hook_wait(c, &run, h->timeout_sec);
    for (int i = 0; i < 64 && (run.out >= 0 || run.err >= 0 || run.failed >= 0);
         i++) { /* what is left in the pipes */
        int pidfd = run.pidfd, before = run.out + run.err + run.failed;
        uint32_t had = c->output.out_len + c->output.err_len;
        run.pidfd = -1;
        (void)husk__hook_poll(c, &run, 0);
        run.pidfd = pidfd;
        if (before == run.out + run.err + run.failed && had == c->output.out_len + c->output.err_len)
            break; /* a process that the hook left behind keeps them open */
    }
    husk__close(run.out);
    husk__close(run.err);
    husk__close(run.failed);
    husk__close(run.pidfd);
    if (run.exec_errno != 0) {
        c->detail = 0;
        return -run.exec_errno;
    }
    return r ? r : c->detail != 0 ? -EIO : 0;
}

static long husk__do_hook(struct husk_child *c, const struct husk_op *op)
{
    return husk__hook_run(c, &op->u.hook, husk__slot(c, husk_hook_slot(op->u.hook.kind)));
}
#endif
