/* husk/impl/apply_parent.h - the operations of the parent, and its half of those that both run. Part of apply.h's
 * implementation. What has the same meaning in both actors is in child_file.h and child_hook.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_PARENT_IMPLEMENTED)
#define HUSK_APPLY_PARENT_IMPLEMENTED

#include "husk/impl/apply_error.h"
#include "husk/impl/apply_file.h"
#include "husk/impl/apply_undo.h"
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* One call of husk_apply() or husk_apply_start(). The first member is what the shared operations work on:
 * they get its address, husk__run() leads back. */
struct husk__run {
    struct husk_child c;
    struct husk_apply *a;
    struct husk_err *err;
    struct husk_arena arena;
    struct husk_text undo;
    const char *gate_file; /* below @state; start: to be removed when the child is through */
    struct husk__moved *moved; /* network devices, the last one first: apply_net.h */
    int inside;            /* rtnetlink(7) where they are */
    uint32_t reached;      /* by the child, as far as it said */
    bool child_ready;      /* its last word came: if the channel ends now, the program was executed */
    bool ours;             /* the child is this process's: to be reaped, and killed with all that was made */
    bool died;             /* without a report */
    bool told;             /* *err is filled already */
};

static struct husk__run *husk__run(struct husk_child *c)
{
    return (struct husk__run *)(void *)c;
}

/* Called before something that outlives the container is made. */
static long husk__making(struct husk_child *c, const char *verb, int dir, const char *name)
{
    struct husk__run *run = husk__run(c);
    char path[40], where[PATH_MAX];
    size_t before = run->undo.len;
    long n;

    if (!c->ops[c->at].undo)
        return 0;
    n = husk__sys(__NR_readlinkat, AT_FDCWD, husk__fd_path(path, "/proc/self/fd/", dir), where,
                  sizeof where - 1);
    if (n < 0)
        return n;
    where[n] = '\0';
    husk__undo_line(&run->undo, verb, where, name);
    if (run->arena.failed)
        return -ENOMEM;
    return run->a->undo_fd < 0
               ? 0
               : husk__write_all(run->a->undo_fd, run->undo.data + before, run->undo.len - before);
}

/* One report; a descriptor that came with it goes to *fd. 1, or 0 at the end of the channel. */
static long husk__read_report(struct husk__run *run, struct husk_report *rep, int *fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    size_t have = 0;
    long n;

    *fd = -1;
    while (have < sizeof *rep) {
        struct iovec part = {(char *)rep + have, sizeof *rep - have};
        struct msghdr m = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
        n = husk__sys(__NR_recvmsg, run->c.channel, &m, MSG_CMSG_CLOEXEC);
        if (n == -EINTR || n == -ECONNRESET) /* told once, before the words of one that did not read all of ours */
            continue;
        if (n <= 0)
            return n;
        if (m.msg_flags & MSG_CTRUNC)
            return -EMFILE; /* the descriptor that came found no free number here */
        if (m.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_level == SOL_SOCKET &&
            control.header.cmsg_type == SCM_RIGHTS) {
            husk__close(*fd);
            memcpy(fd, CMSG_DATA(&control.header), sizeof *fd);
        }
        have += (size_t)n;
    }
    return 1;
}

/* The child's failure becomes ours. */
static long husk__child_failed(struct husk__run *run, const struct husk_report *rep)
{
    struct husk__failure f = {.op = rep->op, .in_child = true, .sys = -rep->err, .detail = rep->detail};
    size_t have = 0;
    long n = 1;

    if (run->c.ops[rep->op].kind == HUSK_OP_HOOK) {
        memset(&run->c.output, 0, sizeof run->c.output);
        while (have < sizeof run->c.output && (n > 0 || n == -EINTR || n == -ECONNRESET)) {
            n = husk__sys(__NR_read, run->c.channel, (char *)&run->c.output + have,
                          sizeof run->c.output - have);
            have += n > 0 ? (size_t)n : 0;
        }
        if (run->c.output.out_len <= sizeof run->c.output.out &&
            run->c.output.err_len <= sizeof run->c.output.err)
            f.output = &run->c.output;
    }
    husk__fail_op(run->a->plan, &f, run->err);
    run->told = true;
    return -f.sys;
}

/* Reads until the child has come to the operation `wanted` (HUSK_NO_OP: to the end of the channel). rep->err
 * is 0 or above then. */
static long husk__wait_for(struct husk__run *run, uint32_t wanted, struct husk_report *rep, int *fd)
{
    for (;;) {
        long n = husk__read_report(run, rep, fd);
        if (n < 0)
            return n;
        if (n == 0) {
            run->died = !run->child_ready;
            return wanted == HUSK_NO_OP && run->child_ready ? 0 : -EPIPE;
        }
        if (rep->op >= run->c.n)
            return -EPROTO;
        if (rep->err < 0)
            return husk__child_failed(run, rep);
        run->reached = rep->op;
        if (rep->op == wanted)
            return 0;
        husk__close(*fd);
        if (run->c.ops[rep->op].kind != HUSK_OP_EXEC && run->c.ops[rep->op].kind != HUSK_OP_SECCOMP)
            return -EPROTO;
        run->child_ready = true;
    }
}

/* Tell the child that we came to this operation, with a descriptor or -1. A child that is gone has perhaps left word why. */
static long husk__tell_fd(struct husk__run *run, int with)
{
    struct husk_report rep = {run->c.at, 0, 0};
    long r = husk__send_fd(run->c.channel, &rep, sizeof rep, with);
    int fd;

    if (r != -EPIPE && r != -ECONNRESET)
        return r;
    return husk__wait_for(run, HUSK_NO_OP, &rep, &fd) < 0 ? -EPIPE : r;
}

static long husk__tell(struct husk__run *run)
{
    return husk__tell_fd(run, -1);
}

/* @pidfd and @task for the process that is the child now. */
static long husk__know_child(struct husk__run *run, int32_t pid, int pidfd)
{
    char path[32] = "/proc/";
    int task;

    run->c.pid = pid;
    if (pidfd < 0)
        pidfd = (int)husk__sys(__NR_pidfd_open, pid, 0);
    husk__define(&run->c, HUSK_SLOT_PIDFD, pidfd < 0 ? -1 : pidfd);
    husk__decimal(path + 6, pid);
    task = (int)husk__sys(__NR_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (task >= 0 && husk__fs_type(task, NULL) != HUSK__MAGIC_PROC) {
        husk__close(task);
        task = -EINVAL;
    }
    husk__define(&run->c, HUSK_SLOT_TASK, task < 0 ? -1 : task);
    return task < 0 ? task : 0;
}

/* clone3(2), or clone(2) for the flags that fit there. Returns twice. */
static long husk__clone(uint64_t flags, int cgroup, int *pidfd)
{
    struct husk__clone_args args = {
        .flags = flags | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    long r;

    if (flags & CLONE_INTO_CGROUP) {
        if (cgroup < 0)
            return cgroup;
        args.cgroup = (uint64_t)cgroup;
    }
    r = husk__sys(__NR_clone3, &args, sizeof args);
    if (r != -ENOSYS || flags > UINT32_MAX || (flags & 0xff))
        return r;
        /* Before Linux 5.2 CLONE_PIDFD does nothing and *pidfd stays as it was. */
#ifdef __s390__
    return husk__sys(__NR_clone, 0L, (unsigned long)flags | CLONE_PIDFD | SIGCHLD, pidfd, NULL, 0L);
#else
    return husk__sys(__NR_clone, (unsigned long)flags | CLONE_PIDFD | SIGCHLD, 0L, pidfd, NULL, 0L);
#endif
}

/* Where the kernel writes the pid that a fork makes: whoever made it may be killed before he tells. */
static long husk__share_forked(struct husk_child *c)
{
    void *page = NULL;

    for (uint32_t i = c->at; i < c->n && page == NULL; i++)
        if (c->ops[i].kind == HUSK_OP_FORK)
            page = mmap(NULL, sizeof *c->forked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    c->forked = page;
    return 0;
}

static long husk__do_spawn(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);
    int pair[2], pidfd = -1;
    uint64_t mask;
    long r = c->pid > 0 ? -EALREADY : husk__share_forked(c);

    if (r == 0)
        r = husk__sys(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    if (r < 0)
        return r;
    mask = husk__set_mask(~UINT64_C(0));
    r = husk__clone(op->u.spawn.flags | (op->u.spawn.cgroup != HUSK_SLOT_HOST ? CLONE_INTO_CGROUP : 0),
                    husk__slot(c, op->u.spawn.cgroup), &pidfd);
    if (r == 0) {
        c->channel = pair[1];
        c->fail_errno = run->a->spare[HUSK_CHILD] ? 0 : run->a->fail_errno;
        c->at++;
        husk_child_run(c);
    }
    husk__set_mask(mask);
    husk__close(pair[1]);
    if (r < 0) {
        husk__close(pair[0]);
        return r;
    }
    c->channel = pair[0];
    run->reached = c->at;
    run->ours = true;
    return husk__know_child(run, (int32_t)r, pidfd);
}

/* Wait until the channel can be read. The first child may be killed before it names the second, which keeps
 * the channel open. */
static long husk__wait_fork(struct husk__run *run)
{
    struct pollfd p[2] = {{run->c.channel, POLLIN, 0}, {run->c.slot[HUSK_SLOT_PIDFD], POLLIN, 0}};

    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    run->died = p[0].revents == 0;
    return run->died ? -EPIPE : 0;
}

static long husk__parent_fork(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);
    struct husk_report rep;
    int fd = -1;
    long r = husk__wait_fork(run);

    (void)op;
    if (r == 0)
        r = husk__wait_for(run, c->at, &rep, &fd);
    husk__close(fd);
    if (r < 0)
        return r;
    if (rep.err != 1 || rep.detail <= 0 || rep.detail > INT32_MAX)
        return -EPROTO;
    while (waitpid(c->pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    r = husk__know_child(run, (int32_t)rep.detail, -1);
    return r ? r : husk__tell(run);
}

static long husk__parent_sync(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);
    struct husk_report rep;
    int fd;
    long r;

    if (op->u.sync.from == HUSK_PARENT)
        return husk__tell(run);
    r = husk__wait_for(run, c->at, &rep, &fd);
    husk__close(r == 0 ? fd : -1);
    return r;
}

static long husk__parent_give(struct husk_child *c, const struct husk_op *op)
{
    struct husk_report rep;
    int fd;
    long r = husk__wait_for(husk__run(c), c->at, &rep, &fd);

    if (r == 0 && op->u.give.by_number) {
        husk__close(fd);
        r = fd = (int)husk__sys(__NR_pidfd_getfd, c->slot[HUSK_SLOT_PIDFD], (int)rep.detail, 0);
        r = r < 0 ? r : 0;
    }
    if (r == 0 && fd < 0)
        return -EPROTO;
    if (r == 0)
        husk__define(c, op->u.give.slot, fd);
    return r;
}

/* The program was executed when the channel ends: it is close-on-exec. */
static long husk__parent_exec(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);
    struct husk_report rep;
    int fd;
    long r = husk__wait_for(run, HUSK_NO_OP, &rep, &fd);

    (void)op;
    if (r == 0 && run->gate_file != NULL)
        (void)husk__sys(__NR_unlinkat, run->a->state_fd, run->gate_file, 0);
    return r;
}

static long husk__parent_rlimit(struct husk_child *c, const struct husk_op *op)
{
    return c->pid > 0 ? husk__do_rlimit(c, op) : -ESRCH; /* never the caller's own */
}

static long husk__do_record(struct husk_child *c, const struct husk_op *op)
{
    struct husk__run *run = husk__run(c);

    if (run->a->record == NULL || run->a->record(run->a->ctx, op->u.record.status, c->pid, run->err) == 0)
        return 0;
    run->told = true;
    if (run->err != NULL)
        run->err->op = c->at;
    return -EIO;
}

/* Beside its place, then renamed: a reader sees all of it or nothing, and a symlink there is replaced, not
 * followed. */
static long husk__do_pidfile(struct husk_child *c, const struct husk_op *op)
{
    const char *path = op->u.pidfile.path, *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char temporary[PATH_MAX], text[24];
    size_t n = husk__decimal(text, c->pid);
    int fd;
    long r;

    if (snprintf(temporary, sizeof temporary, "%.*s.%s", (int)(name - path), path, name) >=
        (int)sizeof temporary)
        return -ENAMETOOLONG;
    (void)unlink(temporary); /* of a run that was killed */
    fd = (int)husk__sys(__NR_openat, AT_FDCWD, temporary,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return fd;
    r = husk__sys(__NR_fchmod, fd, 0644);
    if (r == 0)
        r = husk__write_all(fd, text, n);
    husk__close(fd);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}

static long husk__bpf_load(const struct husk_bytes *program)
{
    union bpf_attr attr;
    static const char license[] = "Dual MIT/GPL";

    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insn_cnt = (uint32_t)(program->n / sizeof(struct bpf_insn));
    attr.insns = (uint64_t)(uintptr_t)program->v;
    attr.license = (uint64_t)(uintptr_t)license;
    return husk__sys(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

/* The cgroup keeps the program; ours is one of several when an outer manager attached its own. */
static long husk__do_bpf(struct husk_child *c, const struct husk_op *op)
{
    union bpf_attr attr;
    int slot = husk__slot(c, op->u.bpf.slot), cgroup, program;
    long r;

    if (slot < 0)
        return slot;
    cgroup = (int)husk__sys(__NR_openat, slot, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0)
        return cgroup;
    r = program = (int)husk__bpf_load(&op->u.bpf.program);
    if (program >= 0) {
        memset(&attr, 0, sizeof attr);
        attr.target_fd = (uint32_t)cgroup;
        attr.attach_bpf_fd = (uint32_t)program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI;
        r = husk__sys(__NR_bpf, BPF_PROG_ATTACH, &attr, sizeof attr);
    }
    husk__close(program);
    husk__close(cgroup);
    return r;
}

#include "husk/impl/apply_helper.h"
#include "husk/impl/apply_net.h"
#include "husk/impl/apply_tree.h"

/* What would change the calling program itself is not here: ENOSYS. */
static husk__do_fn *const husk__parent_does[HUSK_OP_COUNT] = {
    [HUSK_OP_OPEN] = husk__do_open,         [HUSK_OP_MKDIR] = husk__do_mkdir,
    [HUSK_OP_WRITE] = husk__do_write,       [HUSK_OP_SYMLINK] = husk__do_symlink,
    [HUSK_OP_MKNOD] = husk__do_mknod,       [HUSK_OP_SPAWN] = husk__do_spawn,
    [HUSK_OP_FORK] = husk__parent_fork,     [HUSK_OP_SYNC] = husk__parent_sync,
    [HUSK_OP_GIVE] = husk__parent_give,     [HUSK_OP_SEND] = husk__do_send,
    [HUSK_OP_RLIMIT] = husk__parent_rlimit, [HUSK_OP_SOCKET] = husk__do_socket,
    [HUSK_OP_MEMFD] = husk__do_memfd,       [HUSK_OP_FILL] = husk__do_fill,
    [HUSK_OP_HOOK] = husk__do_hook,         [HUSK_OP_BPF] = husk__do_bpf,
    [HUSK_OP_RECORD] = husk__do_record,     [HUSK_OP_PIDFILE] = husk__do_pidfile,
    [HUSK_OP_EXEC] = husk__parent_exec,     [HUSK_OP_COPY] = husk__do_copy,
    [HUSK_OP_TREE] = husk__parent_tree,     [HUSK_OP_USERNS] = husk__do_userns,
    [HUSK_OP_NETDEV] = husk__parent_netdev, [HUSK_OP_CHOWN] = husk__do_chown,
    [HUSK_OP_CHECK] = husk__do_check,       [HUSK_OP_HELPER] = husk__do_helper,
};
#endif
