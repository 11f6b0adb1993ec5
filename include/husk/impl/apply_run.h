/* husk/impl/apply_run.h - the parent's loop, and what happens when an operation fails. Part of apply.h's
 * implementation. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_APPLY_RUN_IMPLEMENTED)
#define HUSK_APPLY_RUN_IMPLEMENTED

#include "husk/impl/apply_parent.h"

/* exec's environment, in a list of our own: the child puts HOME there. */
static void husk__run_env(struct husk__run *run)
{
    struct husk_child *c = &run->c;

    for (uint32_t i = 0; i < c->n; i++) {
        const struct husk_list *env = &c->ops[i].u.exec.envp;
        if (c->ops[i].kind != HUSK_OP_EXEC)
            continue;
        c->env_n = env->n;
        c->envp =
            husk_arena_grow(&run->arena, env->v, env->n * sizeof *env->v, (env->n + 1) * sizeof *env->v);
    }
}

static int husk__run_init(struct husk__run *run, struct husk_apply *a, struct husk_err *err)
{
    int code;

    memset(run, 0, sizeof *run);
    if ((code = husk__verify_uses(a->plan, run->c.used_until, err)) != 0)
        return code;
    run->a = a;
    run->err = err;
    run->undo.arena = &run->arena;
    run->reached = HUSK_NO_OP;
    run->inside = -1;
    run->c.ops = a->plan->ops;
    run->c.n = a->plan->n;
    run->c.channel = run->c.cwd = run->c.empty = -1;
    run->c.making = husk__making;
    run->c.umask = HUSK_ID_KEEP;
    run->c.fail_op = a->fail_op;
    run->c.fail_errno = a->spare[HUSK_PARENT] ? 0 : a->fail_errno;
    run->c.buffer = husk_arena_alloc(&run->arena, HUSK_CHILD_BUFFER);
    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        run->c.slot[i] = -1;
    run->c.slot[HUSK_SLOT_STATE] = a->state_fd;
    run->c.slot[HUSK_SLOT_TARGET] = a->target_fd;
    husk__run_env(run);
    a->pidfd = a->console_fd = -1;
    a->gate = HUSK_NO_OP;
    if (!run->arena.failed)
        return HUSK_OK;
    husk_arena_fini(&run->arena);
    return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
}

/* Closes all but what the caller lent, and gives him what is his. */
static void husk__run_fini(struct husk__run *run, bool keep)
{
    struct husk_apply *a = run->a;
    int *slot = run->c.slot;

    slot[HUSK_SLOT_STATE] = slot[HUSK_SLOT_TARGET] = -1;
    if (keep) {
        a->pid = run->c.pid;
        a->pidfd = slot[HUSK_SLOT_PIDFD];
        a->console_fd = slot[HUSK_SLOT_CONSOLE];
        slot[HUSK_SLOT_PIDFD] = slot[HUSK_SLOT_CONSOLE] = -1;
    }
    for (uint32_t i = 0; i < HUSK_SLOT_COUNT; i++)
        husk__close(slot[i]);
    husk__close(run->c.channel);
    husk__close(run->inside);
    if (run->c.forked != NULL)
        munmap(run->c.forked, sizeof *run->c.forked);
    husk_arena_fini(&run->arena);
}

/* Reaps what it kills when that is ours, and returns how it ended, else -1. */
static int husk__kill_one(const struct husk__run *run, int32_t pid, int pidfd)
{
    int status = -1;

    if (pid <= 0)
        return -1;
    if (pidfd < 0 || husk__sys(__NR_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == -ENOSYS)
        (void)husk__sys(__NR_kill, pid, SIGKILL);
    while (run->ours && waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR)
            return -1;
    return run->ours ? status : -1;
}

/* The child, and the one that it forked without having told yet. */
static int husk__kill_child(const struct husk__run *run)
{
    int status = husk__kill_one(run, run->c.pid, run->c.slot[HUSK_SLOT_PIDFD]);

    if (run->c.forked != NULL && *run->c.forked != run->c.pid)
        (void)husk__kill_one(run, *run->c.forked, -1);
    return status;
}

static bool husk__readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    int r;

    do
        r = poll(&p, 1, 0);
    while (r < 0 && errno == EINTR);
    return r > 0;
}

/* The parent's operation failed with r, perhaps only because the child had: what it said comes first. */
static void husk__ask_child(struct husk__run *run, long r)
{
    struct husk_report rep;
    int fd = -1;

    while (!run->told && !run->died && run->c.channel >= 0 && husk__readable(run->c.channel)) {
        long n = husk__read_report(run, &rep, &fd);
        husk__close(fd);
        if (n == 1 && rep.op < run->c.n && rep.err < 0)
            (void)husk__child_failed(run, &rep);
        else if (n == 1)
            continue; /* a sync point that does not matter any more */
        else if (r == -ESRCH)
            run->died = !run->child_ready;
        if (n != 1)
            return;
    }
}

static void husk__died(const struct husk__run *run, int status)
{
    (void)husk__fail_died(run->a->plan, run->reached, status, run->err);
    if (run->a->died != NULL && run->err != NULL)
        run->a->died(run->a->ctx, status, run->err);
}

/* Everything back to how it was; returns the code that *err holds. */
static int husk__give_up(struct husk__run *run, long r)
{
    struct husk__failure f = {
        .op = run->c.at, .sys = (int)-r, .detail = run->c.detail, .output = &run->c.output};
    struct husk_err left;
    int status;

    husk__ask_child(run, r);
    status = husk__kill_child(run);
    if (run->died && !run->told)
        husk__died(run, status);
    else if (!run->told)
        husk__fail_op(run->a->plan, &f, run->err);
    husk__net_give_back(run);
    if (run->undo.len > 0) {
        husk__undo_cgroups(run->a->plan, run->a->backends, &run->undo);
        if (husk_undo(run->undo.data, run->undo.len, &left) != 0 && run->err != NULL) {
            size_t n = strlen(run->err->msg);
            snprintf(run->err->msg + n, sizeof run->err->msg - n, "; then: %.300s", left.msg);
        }
    }
    for (uint32_t i = 0; i < run->c.at && run->gate_file == NULL;
         i++) /* not of start: those before the gate were create's */
        if (run->c.ops[i].kind == HUSK_OP_PIDFILE)
            (void)unlink(run->c.ops[i].u.pidfile.path);
    run->a->pid = 0;
    husk__run_fini(run, false);
    return run->err ? (int)run->err->code : HUSK_ESYS;
}

/* The parent's operations from c->at on, up to the gate. */
static long husk__run_on(struct husk__run *run)
{
    struct husk_child *c = &run->c;

    for (; c->at < c->n; c->at++) {
        const struct husk_op *op = &c->ops[c->at];
        long r;
        if (op->who == HUSK_CHILD)
            continue;
        if (op->kind == HUSK_OP_GATE) {
            run->a->gate = c->at;
            return c->fail_errno != 0 && c->fail_op == c->at ? -c->fail_errno : 0;
        }
        r = husk__carry_out(c, husk__parent_does);
        if (r < 0)
            return r;
    }
    return 0;
}

static int husk__run_out(struct husk__run *run)
{
    long r = husk__run_on(run);

    if (r < 0)
        return husk__give_up(run, r);
    husk__run_fini(run, true);
    return HUSK_OK;
}

HUSK_API int husk_apply(struct husk_apply *a, struct husk_err *err)
{
    struct husk__run run;
    int code;

    a->pidfd = a->console_fd = -1;
    code = husk__run_init(&run, a, err);
    if (code != 0)
        return code;
    return husk__run_out(&run);
}

/* Connects to the gate that the plan's create listened at. */
static long husk__open_gate(struct husk__run *run)
{
    struct husk_op connecting = {.kind = HUSK_OP_SOCKET, .u.socket = {.slot = HUSK_SLOT_GATE}};
    struct husk_child *c = &run->c;
    uint32_t gate = HUSK_NO_OP;
    long r;

    for (uint32_t i = 0; i < c->n; i++) {
        const struct husk_op *op = &c->ops[i];
        if (op->kind == HUSK_OP_SOCKET && op->u.socket.slot == HUSK_SLOT_GATE)
            connecting.u.socket.path = op->u.socket.path;
        if (op->kind == HUSK_OP_GATE)
            gate = i;
    }
    if (gate == HUSK_NO_OP || connecting.u.socket.path.slot != HUSK_SLOT_STATE)
        return -EINVAL;
    run->reached = gate;
    c->at = gate + 1;
    r = husk__do_socket(c, &connecting);
    if (r < 0)
        return r;
    run->gate_file = connecting.u.socket.path.rel;
    c->channel = c->slot[HUSK_SLOT_GATE];
    c->slot[HUSK_SLOT_GATE] = -1;
    return 0;
}

HUSK_API int husk_apply_start(struct husk_apply *a, struct husk_err *err)
{
    struct husk__run run;
    int32_t pid = a->pid;
    long r;
    int code;

    a->pidfd = a->console_fd = -1;
    code = husk__run_init(&run, a, err);
    if (code != 0)
        return code;
    r = husk__open_gate(&run);
    if (r < 0) {
        husk__run_fini(&run, false);
        if (r == -ECONNREFUSED || r == -ECONNRESET)
            return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_CHILD_DIED, (int)-r, NULL,
                             "the container's first process ended before it was started");
        return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, (int)-r, NULL,
                         "nobody waits to be started: %s (%s)", husk_errno_name((int)-r), strerror((int)-r));
    }
    (void)husk__know_child(&run, pid, -1); /* a child that ends at once leaves its word in the channel */
    return husk__run_out(&run);
}

HUSK_API void husk_apply_fini(struct husk_apply *a)
{
    husk__close(a->pidfd);
    husk__close(a->console_fd);
    a->pidfd = a->console_fd = -1;
}

HUSK_API int husk_hook_run(const struct husk_op_hook *hook, const char *state, size_t len, const char *why,
                           struct husk_err *err)
{
    struct husk_op op = {.kind = HUSK_OP_HOOK, .who = HUSK_PARENT, .why = why, .u.hook = *hook};
    struct husk_plan plan = {.ops = &op, .n = 1};
    struct husk_child c = {.ops = &op, .n = 1, .umask = HUSK_ID_KEEP};
    long fd = husk__sys(__NR_memfd_create, "husk", 1 /* MFD_CLOEXEC */), r = fd;

    if (fd >= 0)
        r = husk__write_all((int)fd, state, len);
    if (r == 0)
        r = husk__hook_run(&c, hook, (int)fd);
    husk__close((int)fd);
    if (r >= 0)
        return HUSK_OK;
    return husk__fail_op(
        &plan, &(struct husk__failure){.sys = (int)-r, .detail = c.detail, .output = &c.output}, err);
}
#endif
