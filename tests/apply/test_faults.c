/* Every operation of the plans that husk makes here fails in turn, in each actor that runs it: the error
 * names the operation, the place in config.json and the errno, and nothing is left. Hand-written plans are
 * test_inject's; real shortage is test_faults_short's.
 */
#include "faults_host.h"
#include <sys/syscall.h>

/* Of an operation that both run: which halves fail. */
enum half { ANY, ONLY_PARENT, ONLY_CHILD };

/* One failure of one operation, and what became of it. */
struct fault {
    const struct subject *of;
    uint32_t at;
    int sys;
    enum half half;
    struct husk_err err;
    int code;
    bool started; /* husk_apply() went well up to the gate: *err is of husk_apply_start() */
};

static bool (*covered)[2]; /* [HUSK_OP_COUNT], by enum husk_who; shared with processes of ours */

static const struct husk_op *op_of(const struct fault *f)
{
    return &f->of->plan.ops[f->at];
}

/* Is this errno one that the operation lets pass? */
static bool passes(const struct fault *f)
{
    const struct husk_op *op = op_of(f);
    bool any = true;

    for (size_t i = 0; i < HUSK_COUNT(op->errnos); i++) {
        if (op->errnos[i] != 0 && op->errnos[i] == f->sys)
            return op->on_fail != HUSK_ABORT;
        any = any && op->errnos[i] == 0;
    }
    return any && op->on_fail != HUSK_ABORT;
}

/* It is there for when the one before it fails, which does not. */
static bool is_left_out(const struct fault *f)
{
    const struct husk_op *ops = f->of->plan.ops;

    for (uint32_t i = 0; i < f->at; i++)
        if (ops[i].on_fail == HUSK_ELSE && f->at - i <= ops[i].skip)
            return true;
    return false;
}

static struct husk_apply apply_of(const struct fault *f, int state, int log)
{
    return (struct husk_apply){
        .plan = &f->of->plan,
        .state_fd = state,
        .target_fd = f->of->target,
        .undo_fd = log,
        .fail_op = f->at,
        .fail_errno = f->sys,
        .spare = {f->half == ONLY_CHILD, f->half == ONLY_PARENT},
    };
}

/* The container is to be dead without our help after a start that failed. */
static const char *end_of(int32_t pid, bool kill_it)
{
    struct pollfd p = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
    bool dead;

    if (kill_it)
        kill(pid, SIGKILL);
    dead = poll(&p, 1, 5000) == 1;
    close(p.fd);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return dead ? "" : "a container that lives";
}

/* A child that fails between its last word and the gate has nobody to tell: start finds it dead. */
static bool silent(const struct fault *f)
{
    const struct husk_op *ops = f->of->plan.ops;
    uint32_t i = f->at;

    if (f->half != ONLY_CHILD || f->of->plan.action != HUSK_CREATE)
        return false;
    while (ops[i].kind == HUSK_OP_FILL || (ops[i].kind == HUSK_OP_SYNC && ops[i].u.sync.from == HUSK_PARENT))
        i++;
    return ops[i].kind == HUSK_OP_GATE;
}

/* From create to the container's end. Returns what was left that nobody else finds. */
static const char *go(struct fault *f)
{
    int state = mkdir(faults_state, 0700) ? -1 : open(faults_state, O_PATH | O_DIRECTORY | O_CLOEXEC),
        log = memfd_create("undo", MFD_CLOEXEC);
    struct husk_apply a = apply_of(f, state, log), b = a;
    const char *left = "";
    struct husk_err undone;
    siginfo_t dead;

    if (f->of->prepare != NULL)
        f->of->prepare();
    f->code = husk_apply(&a, &f->err);
    f->started = f->code == 0 && a.gate != HUSK_NO_OP;
    if (f->code != 0 && (a.pid != 0 || a.pidfd != -1 || a.console_fd != -1))
        left = "something in struct husk_apply";
    if (f->started) {
        if (silent(f))
            waitid(P_PID, (id_t)a.pid, &dead, WEXITED | WNOWAIT);
        b.pid = a.pid;
        f->code = husk_apply_start(&b, &f->err);
        husk_apply_fini(&b);
    }
    if (a.pid > 0 && left[0] == '\0') {
        const char *log_text = kit_read(kit_str("/proc/self/fd/%d", log));
        left = end_of(a.pid, f->code == 0);
        if (husk_undo(log_text, strlen(log_text), &undone) != 0)
            left = kit_str("what cannot be undone: %s", undone.msg);
        unlink(faults_pidfile); /* is the caller's once it was made */
        if (f->started)
            unlinkat(state, "gate", 0); /* a start that fails leaves the rest to delete */
    }
    husk_apply_fini(&a);
    close(log);
    close(state);
    close(state);
    return left;
}

/* The words for an operation's failure; the three that engines match on have texts of their own. */
static const char *words_of(const struct husk_op *op)
{
    static const char *const words[] = {
#define X(id, name, member, text) text,
        HUSK_OPS(X)
#undef X
    };

    switch (op->kind) {
    case HUSK_OP_LOOKUP:
        return kit_str("exec: \"%s\": ", op->u.lookup.name);
    case HUSK_OP_EXEC:
        return kit_str("exec %s: ", op->u.exec.argv.v[0]);
    case HUSK_OP_HOOK:
        return kit_str("error running %s hook #0: ",
                       husk_hook_kind_name((enum husk_hook_kind)op->u.hook.kind));
    default:
        return words[op->kind];
    }
}

/* "" when the error is as it should be. */
static const char *wrong_error(const struct fault *f)
{
    const struct husk_op *op = op_of(f);
    const struct husk_err *e = &f->err;
    bool own_text = op->kind == HUSK_OP_LOOKUP || op->kind == HUSK_OP_EXEC || op->kind == HUSK_OP_HOOK;
    bool child = f->half == ANY ? op->who == HUSK_CHILD : f->half == ONLY_CHILD;

    if (f->code != HUSK_ESYS || f->code != (int)e->code)
        return kit_str("code %d", f->code);
    if (e->op != f->at)
        return kit_str("operation %d", (int)e->op);
    if (e->sys != f->sys)
        return kit_str("errno %d", e->sys);
    if (strcmp(e->at, op->why) != 0)
        return kit_str("place %s", e->at);
    if (strncmp(e->msg, words_of(op), strlen(words_of(op))) != 0)
        return "text, its words";
    if (own_text)
        return strstr(e->msg, "umerical argument out of domain") ? "" : "text, its reason";
    if (strstr(e->msg, husk_errno_name(f->sys)) == NULL)
        return "text, its errno";
    if ((op->who != HUSK_BOTH || f->half != ANY) &&
        strstr(e->msg, child ? ": in the child: " : ": in the parent: ") == NULL)
        return "text, its actor";
    return "";
}

/* A working directory that could not be made is for chdir to complain about. */
static bool missed(const struct fault *f)
{
    return op_of(f)->kind == HUSK_OP_MKDIR && f->err.op > f->at &&
           f->of->plan.ops[f->err.op].kind == HUSK_OP_CHDIR && f->err.sys == ENOENT;
}

static bool try_fault(struct fault *f, const struct kit_sight *before)
{
    const char *left = go(f), *wrong = "";
    bool child = f->half == ANY ? op_of(f)->who == HUSK_CHILD : f->half == ONLY_CHILD;

    if (silent(f))
        wrong = f->code == HUSK_ESTATE && f->err.diag == HUSK_DIAG_CHILD_DIED ? "" : wrong_error(f);
    else if (passes(f) || is_left_out(f))
        wrong = f->code == 0 || missed(f) ? "" : "an errno that is to be let pass";
    else
        wrong = wrong_error(f);
    if (left[0] == '\0')
        left = faults_left(f->of, before);
    covered[op_of(f)->kind][child] = true;
    if (wrong[0] == '\0' && left[0] == '\0')
        return true;
    return tap_ok(false, "%s, operation %u (%s), %s, in %s: %s%s%s%s; it said: %s", f->of->name,
                  (unsigned)f->at, husk_op_name(op_of(f)->kind), husk_errno_name(f->sys),
                  (const char *[]){"whoever", "the parent", "the child"}[f->half], wrong[0] ? "wrong " : "",
                  wrong, left[0] ? " leaves " : "", left, f->code ? f->err.msg : "nothing");
}

/* All failures of one operation. */
static void try_op(const struct subject *s, uint32_t at, const struct kit_sight *before, uint32_t *done,
                   uint32_t *good)
{
    const struct husk_op *op = &s->plan.ops[at];
    bool halves = op->who == HUSK_BOTH && op->kind != HUSK_OP_SPAWN;

    for (enum half half = ANY; half <= (halves ? ONLY_CHILD : ANY); half++, ++*done)
        *good += try_fault(&(struct fault){.of = s, .at = at, .sys = EDOM, .half = half}, before);
    for (size_t i = 0; i < HUSK_COUNT(op->errnos) && op->errnos[i] != 0; i++, ++*done)
        *good += try_fault(&(struct fault){.of = s, .at = at, .sys = op->errnos[i]}, before);
}

/* Before anything fails it has to work. That also makes the mount points, which stay. */
static bool works(struct subject *s)
{
    struct fault none = {.of = s};
    struct kit_sight before;
    const char *left;

    kit_look(&before);
    left = go(&none);
    if (left[0] == '\0')
        left = faults_left(s, &before);
    return tap_ok(none.code == 0 && left[0] == '\0', "%s: %u operations work%s%s%s%s", s->name,
                  (unsigned)s->plan.n, none.code ? ", but not: " : "", none.code ? none.err.msg : "",
                  left[0] ? ", and leave " : "", left);
}

static void sweep(struct subject *s)
{
    static char files[2][16384];
    struct kit_sight before;
    uint32_t done = 0, good = 0;

    if (!works(s))
        return;
    kit_look(&before);
    faults_files(files[0]);
    for (uint32_t i = 0; i < s->plan.n; i++)
        try_op(s, i, &before, &done, &good);
    faults_files(files[1]);
    tap_ok(good == done && done >= s->plan.n, "%s: %u of %u failures are named, and leave nothing", s->name,
           (unsigned)good, (unsigned)done);
    tap_ok(strcmp(files[0], files[1]) == 0, "%s: no new file in the root directory", s->name);
    if (s->container == 0)
        tap_same(faults_cgroups(), "", kit_str("%s: no cgroup anywhere", s->name));
}

/* exec joins a container, which must not notice. */
static void sweep_exec(struct subject *s, struct subject *container)
{
    struct fault none = {.of = container};
    int log = memfd_create("undo", MFD_CLOEXEC), state = open(kit_work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct husk_apply a = apply_of(&none, state, log);
    struct husk_err err;
    const char *text;
    int code;

    container->req.console_socket = container->req.pidfd_socket = container->req.pid_file = NULL;
    if (!faults_plan(container))
        return;
    code = husk_apply(&a, &err);
    if (!tap_ok(code == 0, "%s: a container%s%s", s->name, code ? ": " : "", code ? err.msg : ""))
        return;
    s->target = open(kit_str("/proc/%d", (int)a.pid), O_PATH | O_DIRECTORY | O_CLOEXEC);
    s->container = a.pid;
    s->req.process = &s->process;
    s->req.cgroups = container->plan.cgroups;
    s->req.n_cgroups = container->plan.n_cgroups;
    if (faults_plan(s))
        faults_apart(sweep, s);
    tap_ok(waitpid(a.pid, NULL, WNOHANG) == 0, "%s: the container still runs", s->name);
    close(s->target);
    end_of(a.pid, true);
    husk_apply_fini(&a);
    text = kit_read(kit_str("/proc/self/fd/%d", log));
    tap_ok(husk_undo(text, strlen(text), &err) == 0, "%s: the container's end", s->name);
    close(log);
}

/* Two plans in one: on a host with both kinds of hierarchies all but cgroup2 is hidden, so that its device
 * program is planned. */
static void only_cgroup2(struct husk_host *host)
{
    struct husk_hierarchy *kept = husk_arena_alloc(&faults_arena, sizeof *kept);
    uint32_t n = 0;

    for (uint32_t i = 0; i < host->n_hierarchies && n == 0; i++)
        if (host->hierarchies[i].version == 2)
            kept[n++] = host->hierarchies[i];
    host->hierarchies = kept;
    host->n_hierarchies = n;
}

static void sweep_default(void)
{
    static struct subject s, box;

    if (faults_default(&s, "default, run", HUSK_RUN, false) && faults_plan(&s))
        sweep(&s);
    if (faults_default(&s, "default, run with a terminal", HUSK_RUN, true) && faults_plan(&s))
        sweep(&s);
    if (faults_default(&s, "default, create", HUSK_CREATE, false) && faults_plan(&s))
        sweep(&s);
    if (faults_default(&s, "default, create with a terminal", HUSK_CREATE, true) && faults_plan(&s))
        sweep(&s);
    if (faults_default(&s, "default, exec", HUSK_EXEC, false) && faults_default(&box, "box", HUSK_RUN, false))
        sweep_exec(&s, &box);
    if (faults_default(&s, "default, exec with a terminal", HUSK_EXEC, true) &&
        faults_default(&box, "box", HUSK_RUN, false))
        sweep_exec(&s, &box);
    if (!faults_default(&s, "default on cgroup2", HUSK_RUN, false))
        return;
    only_cgroup2(&s.host);
    if (s.host.n_hierarchies == 0)
        tap_ok(true, "default on cgroup2 # SKIP cgroup2 is not mounted");
    else if (faults_plan(&s))
        sweep(&s);
}

static void sweep_rich(void)
{
    static struct subject s, box;

    if (faults_all(&s, "everything, create", HUSK_CREATE, true) && faults_plan(&s))
        sweep(&s);
    if (faults_all(&s, "everything without user namespace, run", HUSK_RUN, false) && faults_plan(&s))
        sweep(&s);
    if (faults_all(&s, "everything, exec", HUSK_EXEC, true) && faults_all(&box, "box", HUSK_RUN, true))
        sweep_exec(&s, &box);
}

/* What the host has to lend. */
static void sweep_host(void)
{
    static struct subject s;

    if (faults_helper(&s, HUSK_RUN) && faults_plan(&s))
        sweep(&s);
    if (faults_owner(&s, HUSK_CREATE)) {
        only_cgroup2(&s.host);
        if (s.host.n_hierarchies > 0 && faults_plan(&s))
            sweep(&s);
    }
    if (faults_resctrl() && faults_rdt(&s, "/", "L3:0=7FF", "MB:0=20;1=100") && faults_plan(&s))
        sweep(&s);
    if (faults_has_tap() && faults_net_device(&s, HUSK_RUN) && faults_plan(&s))
        sweep(&s);
}

static bool has_hierarchy(uint32_t version, const char *controller)
{
    int at = husk_host_controller(&faults_host, controller);

    return at >= 0 && faults_host.hierarchies[at].version == version;
}

/* Each kind of operation was made to fail, but for those that this machine or build cannot have in a plan. */
static void test_coverage(void)
{
    struct husk_host v2 = faults_host;
    bool missing[HUSK_OP_COUNT] = {
        [HUSK_OP_SECCOMP] = !HUSK_WITH_SECCOMP,
        [HUSK_OP_COPY] = !has_hierarchy(1, "cpuset"),
        [HUSK_OP_USERNS] = !kit_maps_ids(faults_bundle),
        [HUSK_OP_TREE] = !faults_host.features[HUSK_FEATURE_OPEN_TREE],
        [HUSK_OP_NETDEV] = !faults_has_tap(),
    };

    only_cgroup2(&v2);
    missing[HUSK_OP_BPF] = missing[HUSK_OP_CHOWN] = v2.n_hierarchies == 0;
    for (int kind = 0; kind < HUSK_OP_COUNT; kind++) {
        const char *name = husk_op_name((enum husk_op_kind)kind);
        if (missing[kind])
            tap_ok(true, "%s fails # SKIP no plan here needs it", name);
        else
            tap_ok(covered[kind][0] || covered[kind][1], "%s fails%s%s", name,
                   covered[kind][HUSK_PARENT] ? " in the parent" : "",
                   covered[kind][HUSK_CHILD] ? " in the child" : "");
    }
}

int main(void)
{
    if (!faults_begin())
        return 0;
    covered = mmap(NULL, HUSK_OP_COUNT * sizeof *covered, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    sweep_default();
    sweep_rich();
    sweep_host();
    test_coverage();
    husk_arena_fini(&faults_arena);
    close(faults_listener);
    return tap_done();
}
