/* husk/impl/child_main.h - the child's loop over its operations, and how it talks to the parent. Part of child.h's
 * implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CHILD_MAIN_IMPLEMENTED)
#define HUSK_CHILD_MAIN_IMPLEMENTED

#include "husk/impl/child_file.h"
#include "husk/impl/child_mount.h"
#include "husk/impl/child_process.h"
#include "husk/impl/child_copyup.h"
#include "husk/impl/child_sched.h"
#include "husk/impl/child_net.h"

/* Does the operation's on_fail let this errno (below 0) pass? */
static bool husk__excused(const struct husk_op *op, long r)
{
    bool any = true, listed = false;

    for (size_t i = 0; i < HUSK_COUNT(op->errnos); i++) {
        any = any && op->errnos[i] == 0;
        listed = listed || (op->errnos[i] != 0 && op->errnos[i] == -r);
    }
    return op->on_fail != HUSK_ABORT && (any || listed);
}

/* write(2), since that is what a seccomp filter is most likely to allow. */
static long husk__send_report(const struct husk_child *c, int32_t err, int64_t detail)
{
    struct husk_report rep = {c->at, err, detail};
    long r;

    do
        r = husk__sys(__NR_write, c->channel, &rep, sizeof rep);
    while (r == -EINTR);
    return r < 0 ? r : r == (long)sizeof rep ? 0 : -EIO; /* a filter may answer a write that was never made with 0 */
}

/* The parent's word that it came to this operation. Its end closed: nobody waits for us any more. */
static long husk__await(const struct husk_child *c)
{
    struct husk_report rep;
    long r;

    do
        r = husk__sys(__NR_read, c->channel, &rep, sizeof rep);
    while (r == -EINTR);
    return r < 0 ? r : r == (long)sizeof rep && rep.op == c->at && rep.err == 0 ? 0 : -EPIPE;
}

static void husk__end(int status) __attribute__((noreturn));
static void husk__end(int status)
{
    for (;;) {
        (void)husk__sys(__NR_exit_group, status);
        (void)husk__sys(__NR_exit, status);
        __builtin_trap(); /* a filter forbids both */
    }
}

static long husk__do_sync(struct husk_child *c, const struct husk_op *op)
{
    return op->u.sync.from == HUSK_CHILD ? husk__send_report(c, 0, 0) : husk__await(c);
}

static long husk__do_give(struct husk_child *c, const struct husk_op *op)
{
    struct husk_report rep = {c->at, 0, 0};
    int fd = husk__slot(c, op->u.give.slot);

    if (fd < 0)
        return fd;
    return op->u.give.by_number ? husk__send_report(c, 0, fd) : husk__send_fd(c->channel, &rep, sizeof rep, fd);
}

/* Goes on as a sibling, once the parent knows its pid: only then can it tell our reports from those of the
 * first. */
static long husk__do_fork(struct husk_child *c, const struct husk_op *op)
{
    unsigned long flags = (unsigned long)op->u.fork.flags | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
    long pid = husk__sys(__NR_clone, flags, 0L, c->forked, 0L, 0L);

    if (pid < 0)
        return pid;
    if (pid == 0)
        return husk__await(c);
    (void)husk__send_report(c, 1, pid);
    husk__end(0);
}

/* From here on `start` is who listens. */
static long husk__do_gate(struct husk_child *c, const struct husk_op *op)
{
    int gate = husk__slot(c, HUSK_SLOT_GATE);
    long fd;

    (void)op;
    if (gate < 0)
        return gate;
    husk__close(c->channel);
    c->channel = -1;
    do
        fd = husk__sys(__NR_accept4, gate, NULL, NULL, SOCK_CLOEXEC);
    while (fd == -EINTR || fd == -ECONNABORTED);
    if (fd < 3) /* no filter's answer in place of the kernel's is taken for the word of `start` */
        return fd < 0 ? fd : -EPROTO;
    c->channel = (int)fd;
    husk__define(c, HUSK_SLOT_GATE, -1);
    return 0;
}

typedef long husk__do_fn(struct husk_child *c, const struct husk_op *op);

static husk__do_fn *const husk__child_does[HUSK_OP_COUNT] = {
    [HUSK_OP_OPEN] = husk__do_open,       [HUSK_OP_MKDIR] = husk__do_mkdir,       [HUSK_OP_WRITE] = husk__do_write,
    [HUSK_OP_SYMLINK] = husk__do_symlink, [HUSK_OP_MKNOD] = husk__do_mknod,       [HUSK_OP_MOUNT] = husk__do_mount,
    [HUSK_OP_ATTR] = husk__do_attr,       [HUSK_OP_MASK] = husk__do_mask,         [HUSK_OP_ROOT] = husk__do_root,
    [HUSK_OP_FORK] = husk__do_fork,       [HUSK_OP_SETNS] = husk__do_setns,       [HUSK_OP_UNSHARE] = husk__do_unshare,
    [HUSK_OP_SYNC] = husk__do_sync,       [HUSK_OP_PTY] = husk__do_pty,           [HUSK_OP_GIVE] = husk__do_give,
    [HUSK_OP_STDIO] = husk__do_stdio,     [HUSK_OP_HOSTNAME] = husk__do_hostname, [HUSK_OP_IFUP] = husk__do_ifup,
    [HUSK_OP_RLIMIT] = husk__do_rlimit,   [HUSK_OP_KEYRING] = husk__do_keyring,   [HUSK_OP_USER] = husk__do_user,
    [HUSK_OP_BOUND] = husk__do_bound,     [HUSK_OP_CAPS] = husk__do_caps,         [HUSK_OP_PRCTL] = husk__do_prctl,
    [HUSK_OP_SECCOMP] = husk__do_seccomp, [HUSK_OP_CHDIR] = husk__do_chdir,       [HUSK_OP_HOME] = husk__do_home,
    [HUSK_OP_LOOKUP] = husk__do_lookup,   [HUSK_OP_GATE] = husk__do_gate,         [HUSK_OP_HOOK] = husk__do_hook,
    [HUSK_OP_FDS] = husk__do_fds,         [HUSK_OP_EXEC] = husk__do_exec,         [HUSK_OP_COPY] = husk__do_copy,
    [HUSK_OP_COPYUP] = husk__do_copyup,   [HUSK_OP_TREE] = husk__child_tree,      [HUSK_OP_NETDEV] = husk__child_netdev,
    [HUSK_OP_SCHED] = husk__do_sched,     [HUSK_OP_IOPRIO] = husk__do_ioprio,     [HUSK_OP_MEMPOLICY] = husk__do_mempolicy,
    [HUSK_OP_AFFINITY] = husk__do_affinity,
    [HUSK_OP_PERSONALITY] = husk__do_personality,
};

/* The current operation, by the actor's table; 0 also for a failure that on_fail lets pass. */
static long husk__carry_out(struct husk_child *c, husk__do_fn *const table[HUSK_OP_COUNT])
{
    const struct husk_op *op = &c->ops[c->at];
    husk__do_fn *fn = op->kind < HUSK_OP_COUNT ? table[op->kind] : NULL;
    long r;

    c->detail = 0;
    if (c->fail_errno != 0 && c->fail_op == c->at)
        r = -c->fail_errno;
    else
        r = fn ? fn(c, op) : -ENOSYS;
    if (r < 0 && !husk__excused(op, r))
        return r;
    if (r >= 0 && op->on_fail == HUSK_ELSE)
        c->at += op->skip;
    return 0;
}

/* Does nothing that can be waited for follow the current operation? */
static bool husk__is_last(const struct husk_child *c)
{
    for (uint32_t i = c->at + 1; i < c->n; i++)
        if (c->ops[i].who != HUSK_PARENT && c->ops[i].kind != HUSK_OP_CAPS && c->ops[i].kind != HUSK_OP_EXEC)
            return false;
    return true;
}

/* Called before the filter, which may not let us, and before exec: say that nothing but exec follows, when that is so,
 * and become what the program will find. A signal that waited is the program's, not a failure to start it: the word
 * comes first. */
static void husk__last_words(struct husk_child *c)
{
    if (!c->last_word && husk__is_last(c)) {
        c->last_word = true;
        (void)husk__send_report(c, 0, 0);
    }
    if (!c->settled) {
        c->settled = true;
        (void)husk__sys(__NR_umask, c->umask);
        husk__set_mask(0);
    }
}

/* Slots that no later operation uses are closed at once: others may be able to look into a process that enters their
 * namespaces. */
static void husk__drop_slots(struct husk_child *c, uint32_t next)
{
    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        if (c->slot[i] >= 0 && c->used_until[i] <= next)
            husk__define(c, (enum husk_slot)i, -1);
}

static void husk__child_begin(struct husk_child *c)
{
    uint32_t preserve = 0;
    bool mounts = false;

    for (uint32_t i = c->at; i < c->n; i++) {
        if (c->ops[i].kind == HUSK_OP_FDS)
            preserve = c->ops[i].u.fds.preserve;
        mounts = mounts || c->ops[i].kind == HUSK_OP_ROOT;
    }
    husk__reset_signals();
    c->pid = 0;
    c->making = NULL;
    c->umask = (uint32_t)husk__sys(__NR_umask, 0);
    c->cwd = c->empty = -1;
    if (mounts)
        husk__keep_cwd(c);
    husk__drop_slots(c, c->at);
    /* The caller's files, and what other threads were just opening, must not be kept open from in here. */
    husk__sweep(c, 3 + preserve);
}

HUSK_API void husk_child_run(struct husk_child *c)
{
    long r = -ENOEXEC;

    husk__child_begin(c);
    for (; c->at < c->n; c->at++) {
        const struct husk_op *op = &c->ops[c->at];
        if (op->kind == HUSK_OP_SPAWN || op->who == HUSK_PARENT)
            continue;
        if (op->kind == HUSK_OP_EXEC || op->kind == HUSK_OP_SECCOMP)
            husk__last_words(c);
        r = husk__carry_out(c, husk__child_does);
        if (r < 0)
            break;
        r = -ENOEXEC;
        husk__drop_slots(c, c->at + 1);
    }
    if (c->at == c->n)
        c->at--;
    if (husk__send_report(c, (int32_t)r, c->detail) == 0 && c->at < c->n && c->ops[c->at].kind == HUSK_OP_HOOK)
        (void)husk__sys(__NR_write, c->channel, &c->output, sizeof c->output);
    husk__end(127);
}
#endif
