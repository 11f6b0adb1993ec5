/* husk/impl/plan_process.h - what the program is given: streams, user, capabilities, environment, filter; and the end of the list.
 * Part of plan.h's implementation; see plan_make.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_PROCESS_IMPLEMENTED)
#define HUSK_PLAN_PROCESS_IMPLEMENTED

#include "husk/impl/plan_seccomp.h"

#define HUSK__DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Last entry of a name wins; LISTEN_* are ours when descriptors are passed on; "HOME=" is filled by the home operation. */
static struct husk_list husk__plan_env(struct husk_planner *p, bool *wants_home)
{
    const struct husk_strs *env = &p->process->env;
    const char **v = husk_arena_alloc(p->arena, (env->n + 4) * sizeof *v);
    uint32_t n = 0;

    *wants_home = true;
    for (uint32_t i = 0; v != NULL && i < env->n; i++) {
        size_t name = strcspn(env->v[i], "=") + 1;
        bool again = p->req->listen_fds > 0 &&
                     (strncmp(env->v[i], "LISTEN_FDS=", 11) == 0 || strncmp(env->v[i], "LISTEN_PID=", 11) == 0);
        for (uint32_t k = i + 1; k < env->n && !again; k++)
            again = strncmp(env->v[i], env->v[k], name) == 0;
        if (again || strcmp(env->v[i], "HOME=") == 0)
            continue;
        if (strncmp(env->v[i], "HOME=", 5) == 0)
            *wants_home = false;
        v[n++] = env->v[i];
    }
    if (v != NULL && *wants_home)
        v[n++] = "HOME=";
    if (v != NULL && p->req->listen_fds > 0) {
        v[n++] = husk_plan_str(p, "LISTEN_FDS=%u", p->req->listen_fds);
        v[n++] = "LISTEN_PID=1";
    }
    return (struct husk_list){v, n};
}

/* What execvp(3) would try, in the container. Relative and empty entries of PATH are left out: they would search the cwd. */
static struct husk_list husk__plan_candidates(struct husk_planner *p)
{
    const char *name = p->process->args.v[0], *path = HUSK__DEFAULT_PATH;
    const struct husk_strs *env = &p->process->env;
    const char **v;
    uint32_t n = 0, max = 1;

    for (uint32_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], "PATH=", 5) == 0)
            path = env->v[i] + 5;
    for (const char *c = path; *c; c++)
        max += *c == ':';
    v = husk_arena_alloc(p->arena, (max + 1) * sizeof *v);
    if (v == NULL)
        return (struct husk_list){NULL, 0};
    if (strchr(name, '/') != NULL) {
        v[n++] = name;
        return (struct husk_list){v, n};
    }
    for (const char *c = path; name[0] != '\0'; c++) {
        size_t len = strcspn(c, ":");
        if (c[0] == '/')
            v[n++] = husk_plan_str(p, "%.*s/%s", (int)len, c, name);
        c += len;
        if (*c == '\0')
            break;
    }
    return (struct husk_list){v, n};
}

/* The sets as they will be: what the caller cannot grant is left out with a note (config.md: must not be an error). A new user
 * namespace has all. Ambient needs permitted and inheritable, capabilities(7). */
static struct husk_op_caps husk__plan_caps(struct husk_planner *p, uint64_t *bounding)
{
    const struct husk_caps *c = &p->process->caps;
    uint64_t all = p->host->cap_last >= 63 ? UINT64_MAX : (UINT64_C(2) << p->host->cap_last) - 1;
    uint64_t can = p->new_userns || p->joined_userns ? all : p->host->caps_effective & p->host->caps_bounding & all;
    uint64_t want = c->effective | c->permitted | c->inheritable | c->bounding | c->ambient;
    struct husk_op_caps out = {c->effective & c->permitted & can, c->permitted & can, c->inheritable & can, 0};

    out.ambient = c->ambient & out.permitted & out.inheritable;
    *bounding = c->bounding & can;
    for (uint32_t i = 0; i < 64; i++)
        if (want & ~can & (UINT64_C(1) << i)) {
            const char *name = husk_name_of(HUSK_TABLE_CAPABILITY, i);
            husk_plan_note(p, "/process/capabilities", "%s cannot be granted here", name ? name : "a capability");
        }
    return out;
}

/* Podman's --group-add keep-groups: the caller's groups stay, which a user namespace cannot give again. crun(1). */
static bool husk__keeps_groups(const struct husk_spec *spec)
{
    for (uint32_t i = 0; i < spec->annotations.n; i++)
        if (strcmp(spec->annotations.v[i].name, "run.oci.keep_original_groups") == 0)
            return strcmp(spec->annotations.v[i].value, "0") != 0;
    return false;
}

static void husk__plan_user(struct husk_planner *p)
{
    const struct husk_user *u = &p->process->user;
    struct husk_op *op = husk_add(p, HUSK_OP_USER, HUSK_CHILD, "/process/user");
    bool keep = husk__keeps_groups(p->spec);

    op->u.user = (struct husk_op_user){
        .uid = u->uid,
        .gid = u->gid,
        .umask = u->umask.set ? u->umask.v : HUSK_ID_KEEP,
        .groups = {u->additional_gids.v, keep ? 0 : u->additional_gids.n},
        .no_setgroups = keep || (u->additional_gids.n == 0 && husk__setgroups_denied(p)),
    };
    if (keep && u->additional_gids.n > 0)
        husk_plan_note(p, "/process/user/additionalGids", "run.oci.keep_original_groups keeps the caller's groups instead");
}

static void husk__plan_set_caps(struct husk_planner *p, const struct husk_op_caps *caps)
{
    husk_add(p, HUSK_OP_CAPS, HUSK_CHILD, "/process/capabilities")->u.caps = *caps;
}

/* Directory, home and executable are looked up as the user; a missing program fails create already. */
static void husk__plan_find(struct husk_planner *p, bool wants_home)
{
    struct husk_op *op;

    husk_add(p, HUSK_OP_CHDIR, HUSK_CHILD, "/process/cwd")->u.chdir.path = p->process->cwd ? p->process->cwd : "/";
    if (wants_home)
        husk_add(p, HUSK_OP_HOME, HUSK_CHILD, "default")->u.home.uid = p->process->user.uid;
    if (p->process->args.n == 0)
        return;
    op = husk_add(p, HUSK_OP_LOOKUP, HUSK_CHILD, "/process/args/0");
    op->u.lookup = (struct husk_op_lookup){p->process->args.v[0], husk__plan_candidates(p)};
}

/* exec: the root is the one that setns(mnt) brought, or the caller's. */
static void husk__plan_enter(struct husk_planner *p)
{
    husk_add_open(p, HUSK_CHILD, HUSK_SLOT_ROOTFS, HUSK_SLOT_HOST, "/", O_PATH | O_DIRECTORY, HUSK_EXPECT_DIR,
                  "default");
    if (husk__has_label(p))
        husk_add_open(p, HUSK_CHILD, HUSK_SLOT_PROC, HUSK_SLOT_ROOTFS, "proc", O_PATH | O_DIRECTORY, HUSK_EXPECT_PROCFS,
                      "default");
    husk__plan_console(p);
}

/* What goes to others before the program can do anything: the container itself, its terminal. Then descriptors are closed.
 * With create the gate comes first, unless an agent decides how soon. */
static void husk__plan_hand_out(struct husk_planner *p)
{
    struct husk_op *op;

    if (p->req->action == HUSK_RUN ||
        (p->req->action == HUSK_CREATE && husk__notifies(&p->spec->linux_.seccomp))) {
        husk_add(p, HUSK_OP_RECORD, HUSK_PARENT, "default")->u.record.status = "creating";
        husk__sync(p, HUSK_PARENT, "recorded");
    }
    if (p->process->terminal) {
        husk_add(p, HUSK_OP_GIVE, HUSK_BOTH, "/process/terminal")->u.give.slot = HUSK_SLOT_CONSOLE;
        if (p->req->console_socket != NULL) {
            op = husk_add(p, HUSK_OP_SEND, HUSK_PARENT, "/process/terminal");
            op->u.send = (struct husk_op_send){HUSK_SLOT_CONSOLE_SOCKET, HUSK_SLOT_CONSOLE, "/dev/ptmx", HUSK_SLOT_HOST};
        }
    }
    husk_add(p, HUSK_OP_FDS, HUSK_CHILD, "default")->u.fds.preserve = p->req->preserve_fds;
}

/* The child has come to its end; parent operations that end create: pid file, state. */
static void husk__plan_ready(struct husk_planner *p)
{
    struct husk_op *op;

    husk__sync(p, HUSK_CHILD, "ready");
    if (p->req->pidfd_socket != NULL) {
        op = husk_add(p, HUSK_OP_SEND, HUSK_PARENT, "default");
        op->u.send = (struct husk_op_send){HUSK_SLOT_PIDFD_SOCKET, HUSK_SLOT_PIDFD,
                                           p->req->action == HUSK_EXEC ? "setns" : "standard", HUSK_SLOT_HOST};
    }
    if (p->req->pid_file != NULL)
        husk_add(p, HUSK_OP_PIDFILE, HUSK_PARENT, "default")->u.pidfile.path = p->req->pid_file;
    if (p->req->action == HUSK_CREATE)
        husk_add(p, HUSK_OP_RECORD, HUSK_PARENT, "default")->u.record.status = "created";
}

static void husk__plan_gate(struct husk_planner *p)
{
    const struct husk_hook_list *h = p->spec->hooks;

    if (p->req->action == HUSK_EXEC)
        return;
    if (h[HUSK_HOOK_START_CONTAINER].n > 0) {
        husk__plan_hook_state(p, HUSK_SLOT_HOOK_START, "created");
        husk__sync(p, HUSK_PARENT, "created");
    }
    if (p->req->action == HUSK_CREATE)
        husk_add(p, HUSK_OP_GATE, HUSK_BOTH, "default");
}

static void husk__plan_after_exec(struct husk_planner *p)
{
    if (p->req->action == HUSK_EXEC)
        return;
    husk_add(p, HUSK_OP_RECORD, HUSK_PARENT, "default")->u.record.status = "running";
    if (p->spec->hooks[HUSK_HOOK_POSTSTART].n == 0)
        return;
    husk__plan_hook_state(p, HUSK_SLOT_HOOK_STATE, "running");
    husk__plan_hooks(p, HUSK_HOOK_POSTSTART, HUSK_PARENT);
}

static int husk__plan_filter(struct husk_planner *p, const struct husk_op_caps *caps)
{
    int r = husk__plan_seccomp(p);

    if (r == 0 && !p->process->no_new_privileges)
        husk__plan_set_caps(p, caps);
    return r;
}

/* From here to the end. A filter may be loaded either with no_new_privs or with CAP_SYS_ADMIN: with the first it comes right
 * before startContainer hooks and exec; with the second, CAP_SYS_ADMIN is kept up to it and given up after. One with a listener
 * comes before the gate, since it is create that fails when the agent does not take it. */
static int husk__plan_process(struct husk_planner *p)
{
    const struct husk_process *c = p->process;
    bool filter = p->spec->linux_.seccomp.set, early_filter = husk__notifies(&p->spec->linux_.seccomp);
    bool nnp = c->no_new_privileges, wants_home;
    struct husk_op_caps caps, early;
    struct husk_list env;
    struct husk_op *op;
    uint64_t bounding;
    int r;

    if (c->args.n == 0 && (p->req->action != HUSK_CREATE || p->spec->process != NULL)) /* only start needs it */
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_MISSING, 0, "/process", "no process to run: args is needed");
    if (c->args.n > 0 && husk__plan_candidates(p).n == 0 && !p->arena->failed)
        return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_NOT_FOUND, 0, "/process/args/0",
                         "exec: \"%s\": executable file not found in $PATH", c->args.v[0]);
    env = husk__plan_env(p, &wants_home);
    caps = husk__plan_caps(p, &bounding);
    if (!p->new_userns && !p->joined_userns)
        husk__plan_rlimits(p, HUSK_CHILD);
    op = husk_add(p, HUSK_OP_STDIO, HUSK_CHILD, c->terminal ? "/process/terminal" : "default");
    op->u.stdio = (struct husk_op_stdio){c->terminal, c->user.uid};
    if ((r = husk__plan_labels(p)) != 0)
        return r;
    if (nnp)
        husk_add(p, HUSK_OP_PRCTL, HUSK_CHILD, "/process/noNewPrivileges")->u.prctl =
            (struct husk_op_prctl){PR_SET_NO_NEW_PRIVS, 1};
    if ((r = husk__plan_sched(p)) != 0)
        return r;
    op =
        husk_add(p, HUSK_OP_CHDIR, HUSK_CHILD, "/process/cwd"); /* a directory that root alone may enter is fine, too */
    op->u.chdir.path = c->cwd ? c->cwd : "/";
    husk__ignore(op, EACCES, EPERM, 0);
    husk_add(p, HUSK_OP_BOUND, HUSK_CHILD, "/process/capabilities/bounding")->u.bound.keep = bounding;
    husk__plan_user(p);
    husk__plan_undumpable(p); /* a change of ids resets it to what fs.suid_dumpable says */
    early = caps;
    if (filter && !nnp) {
        early.effective |= UINT64_C(1) << CAP_SYS_ADMIN;
        early.permitted |= UINT64_C(1) << CAP_SYS_ADMIN;
        early.ambient = 0;
    }
    husk__plan_set_caps(p, &early);
    husk__plan_find(p, wants_home);
    husk__plan_hand_out(p);
    if (early_filter && (r = husk__plan_filter(p, &caps)) != 0)
        return r;
    husk__plan_ready(p);
    husk__plan_gate(p);
    if (filter && !early_filter && (r = husk__plan_filter(p, &caps)) != 0)
        return r;
    if (p->req->action != HUSK_EXEC) /* programs of the image: under the filter, with the program's capabilities */
        husk__plan_hooks(p, HUSK_HOOK_START_CONTAINER, HUSK_CHILD);
    husk_add(p, HUSK_OP_EXEC, HUSK_BOTH, "/process/args")->u.exec = (struct husk_op_exec){husk__list(p, &c->args), env};
    husk__plan_after_exec(p);
    return HUSK_OK;
}
#endif
