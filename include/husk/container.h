/* husk/container.h - the OCI operations, made of the three stages and the state directory.
 *
 *     struct husk_container c = { .arena = &arena, .root = "/run/husk" };
 *     struct husk_launch l = { .spec = &spec, .host = &host, .request = { .id = "box", .bundle = "/srv/box" } };
 *
 *     if (husk_container_create(&c, &l, &err)) return report(&err);    // request.action: HUSK_CREATE, or HUSK_RUN
 *     if (husk_container_start(&c, &err)) ...                          // only after HUSK_CREATE
 *     waitpid(l.pid, &status, 0); husk_launch_close(&l);
 *     if (husk_container_delete(&c, false, &err)) ...
 *     husk_container_close(&c);
 *
 * or, in another process, husk_container_open() first. The calling process is the parent of what create and
 * exec make. An operation that fails leaves things as they were; a failed create or start leaves nothing.
 * Errors: HUSK_ESTATE when the container is absent or in the wrong state; those of the stages, with line and
 * column when the configuration's text is known. Threads: one container in one thread at a time; processes
 * wait for each other.
 */
#ifndef HUSK_CONTAINER_H
#define HUSK_CONTAINER_H

#include "husk/apply.h"
#include "husk/backends.h"
#include "husk/state.h"

struct husk_container {
    /* From the caller. */
    struct husk_arena *arena;             /* lives as long as the container is open */
    const char *root;                     /* the directory of all state directories */
    const struct husk_backends *backends; /* NULL: husk_backends_default */
    void (*warn)(void *ctx,
                 const struct husk_err *err); /* what went wrong without stopping anything; NULL: unheard */
    void *ctx;
    /* Made by create and open. */
    struct husk_state_dir dir;
    struct husk_state state;
    const struct husk_spec *spec; /* what create was given; NULL after open, until husk_container_config() */
};

/* A process to make: by create, run or exec. What the members point to must live as long as the container is
 * open. */
struct husk_launch {
    const struct husk_spec *spec; /* exec: NULL for the saved configuration's */
    const struct husk_host *host;
    struct husk_request request; /* exec sets action, id, bundle, cgroups and no_new_keyring itself */
    const char *config;          /* text of the spec, kept for exec and poststop hooks; or NULL */
    size_t config_len;
    bool ignore_paused; /* exec: the process then waits for resume */
    /* Results. */
    int32_t pid;
    int pidfd;      /* -1 where the kernel has none */
    int console_fd; /* pty master of a process with a terminal, when request.console_socket is NULL; else -1 */
};

HUSK_BEGIN_DECLS

HUSK_API HUSK_MUST_USE int husk_container_create(struct husk_container *c, struct husk_launch *l,
                                                 struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_container_open(struct husk_container *c, const char *id,
                                               struct husk_err *err);
HUSK_API void husk_container_close(struct husk_container *c);
HUSK_API void husk_launch_close(struct husk_launch *l);

HUSK_API HUSK_MUST_USE int husk_container_start(struct husk_container *c, struct husk_err *err);
HUSK_API enum husk_status husk_container_status(const struct husk_container *c);
/* Only to init; SIGKILL without an own pid namespace to all. `all`: to every process, also of a container
 * whose init has ended. */
HUSK_API HUSK_MUST_USE int husk_container_kill(struct husk_container *c, int signo, bool all,
                                               struct husk_err *err);
/* A created container is killed, a running one only with force. Waits until init is gone. */
HUSK_API HUSK_MUST_USE int husk_container_delete(struct husk_container *c, bool force, struct husk_err *err);
/* What a crash left under an id that cannot be opened; no container: nothing to do. One that can be opened
 * after all, since its create was at work, is HUSK_DIAG_EXISTS. c->arena and c->root are used. */
HUSK_API HUSK_MUST_USE int husk_container_clean(struct husk_container *c, const char *id,
                                                struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_container_exec(struct husk_container *c, struct husk_launch *l,
                                               struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_container_pause(struct husk_container *c, struct husk_err *err);
HUSK_API HUSK_MUST_USE int husk_container_resume(struct husk_container *c, struct husk_err *err);
/* New limits: of *wanted, the resources and the schemas of intelRdt count. What is not set stays as it is, and device rules
 * always do. When one cannot be written, those before it get their old values back, as far as the kernel takes them.
 * HUSK_ESTATE for one that is stopped, or uses more than checkBeforeUpdate lets it; HUSK_EHOST without the controller. */
HUSK_API HUSK_MUST_USE int husk_container_update(struct husk_container *c, const struct husk_host *host,
                                                 const struct husk_linux *wanted, struct husk_err *err);
/* All processes, ascending, in the arena. */
HUSK_API HUSK_MUST_USE int husk_container_pids(struct husk_container *c, const int32_t **pids, uint32_t *n,
                                               struct husk_err *err);
/* The configuration as it was at create, and its text (may be NULL). Sets c->spec. */
HUSK_API HUSK_MUST_USE int husk_container_config(struct husk_container *c, const char **text, size_t *len,
                                                 struct husk_err *err);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_CONTAINER_IMPLEMENTED)
#define HUSK_CONTAINER_IMPLEMENTED
#include "husk/impl/sys.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int husk__wrong_state(struct husk_err *err, const char *text)
{
    return husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, 0, NULL, "%s", text);
}

static void husk__container_warn(const struct husk_container *c, const struct husk_err *err)
{
    if (c->warn != NULL)
        c->warn(c->ctx, err);
}

static void husk__warn_notes(const struct husk_container *c, const struct husk_notes *notes)
{
    struct husk_err note;

    for (uint32_t i = 0; i < notes->n; i++) {
        (void)husk_fail(&note, HUSK_OK, HUSK_DIAG_NONE, 0, notes->v[i].at, "%s", notes->v[i].msg);
        husk__container_warn(c, &note);
    }
}

#include "husk/impl/container_cgroup.h"

/* ---- open, create, start ---- */

HUSK_API int husk_container_open(struct husk_container *c, const char *id, struct husk_err *err)
{
    int rc = husk_state_open(&c->dir, c->root, id, err);

    c->spec = NULL;
    if (rc != 0)
        return rc;
    rc = husk_state_load(&c->dir, c->arena, &c->state, err);
    if (rc != 0)
        husk_state_close(&c->dir);
    return rc;
}

HUSK_API void husk_container_close(struct husk_container *c)
{
    husk_state_close(&c->dir);
}

HUSK_API void husk_launch_close(struct husk_launch *l)
{
    if (l->pidfd >= 0)
        close(l->pidfd);
    if (l->console_fd >= 0)
        close(l->console_fd);
    l->pidfd = l->console_fd = -1;
}

HUSK_API enum husk_status husk_container_status(const struct husk_container *c)
{
    enum husk_status status = husk_state_status(&c->dir, &c->state);

    return (status == HUSK_RUNNING || status == HUSK_CREATED) && husk__places_frozen(c) ? HUSK_PAUSED
                                                                                        : status;
}

HUSK_API int husk_container_config(struct husk_container *c, const char **text, size_t *len,
                                   struct husk_err *err)
{
    struct husk_spec *spec = husk_arena_alloc(c->arena, sizeof *spec);
    int rc = husk_state_get(&c->dir, "config.json", c->arena, text, len, err);

    if (rc == 0 && spec != NULL)
        rc = husk_spec_parse(spec, c->arena, *text, *len, NULL, err);
    if (rc == 0)
        c->spec = spec;
    return rc;
}

/* Called by apply's record operations: from here on any other process can find the container's. */
static int husk__container_record(void *ctx, const char *status, int32_t pid, struct husk_err *err)
{
    struct husk_container *c = ctx;
    char path[32];
    bool alive;
    int fd;

    c->state.status = husk__status_of(status);
    if (pid != c->state.pid) {
        snprintf(path, sizeof path, "/proc/%d", pid);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        c->state.pid = pid;
        c->state.start_ticks = 0; /* a program that has ended already is a stopped container */
        alive = fd >= 0 && husk_process_start(fd, &c->state.start_ticks);
        if (fd >= 0)
            close(fd);
        if (!alive && errno != ESRCH && errno != ENOENT) /* one that lives must not look stopped to others */
            return husk__state_error(err, "read start time of", path);
    }
    return husk_state_save(&c->dir, &c->state, err);
}

/* Called by apply: a first process that was killed under a memory limit was killed by that, most likely. */
static void husk__container_died(void *ctx, int status, struct husk_err *err)
{
    struct husk_container *c = ctx;
    bool oom = husk__places_oom_killed(c);
    uint32_t op = err->op;
    struct husk_err ignored;
    const char *text;
    size_t len;

    if (!oom && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        return;
    if (c->spec == NULL && husk_container_config(c, &text, &len, &ignored) != 0)
        return;
    if (c->spec->linux_.resources.memory.limit_bytes.v <= 0) /* none, or unlimited */
        return;
    (void)husk_fail(err, HUSK_ESYS, HUSK_DIAG_CHILD_DIED, 0, "/linux/resources/memory/limit",
                    "the container's first process was %s before it executed its program: the limit may be "
                    "too low", oom ? "OOM-killed" : "killed");
    err->op = op;
}

static int husk__plan_make_for(struct husk_container *c, struct husk_launch *l, struct husk_plan *plan,
                               struct husk_err *err)
{
    int rc;

    l->pid = 0;
    l->pidfd = l->console_fd = -1;
    if (l->request.backends == NULL)
        l->request.backends = c->backends;
    rc = husk_plan_make(plan, c->arena, l->spec, l->host, &l->request, err);
    if (rc == 0)
        husk__warn_notes(c, &plan->notes);
    return rc;
}

static int husk__apply_to(struct husk_container *c, struct husk_launch *l, struct husk_apply *a,
                          struct husk_err *err)
{
    int rc;

    a->backends = c->backends;
    a->ctx = c;
    a->pidfd = a->console_fd = -1;
    rc = husk_apply(a, err);
    if (rc == 0) {
        l->pid = a->pid;
        l->pidfd = a->pidfd;
        l->console_fd = a->console_fd;
        a->pidfd = a->console_fd = -1;
    }
    husk_apply_fini(a);
    return rc;
}

static void husk__state_fill(struct husk_container *c, const struct husk_launch *l,
                             const struct husk_plan *plan)
{
    const struct husk_namespace *pid = husk_spec_namespace(l->spec, CLONE_NEWPID);
    const char *rootfs = l->spec->root.path ? l->spec->root.path : "rootfs";
    const char *bundle = l->request.bundle ? l->request.bundle : "/";

    c->state = (struct husk_state){
        .id = c->dir.id,
        .bundle = bundle,
        .rootfs = rootfs[0] == '/'
                      ? rootfs
                      : husk_strf(c->arena, "%s/%s", strcmp(bundle, "/") == 0 ? "" : bundle, rootfs),
        .created = l->request.created,
        .status = HUSK_CREATING,
        .annotations = l->spec->annotations,
        .cgroups = plan->cgroups,
        .n_cgroups = plan->n_cgroups,
        .pid_namespace = pid != NULL && pid->path == NULL,
        .poststop = l->spec->hooks[HUSK_HOOK_POSTSTOP].n > 0,
        .no_new_keyring = l->request.no_new_keyring,
    };
}

/* What other commands need, before the first thing is made that they would have to clean up. */
static int husk__state_write(struct husk_container *c, const struct husk_launch *l,
                             const struct husk_plan *plan, struct husk_err *err)
{
    struct husk_text text = {.arena = c->arena};
    int rc = 0;

    if (l->config != NULL)
        rc = husk_state_put(&c->dir, "config.json", l->config, l->config_len, err);
    if (rc == 0 && plan->action == HUSK_CREATE) {
        husk_plan_print(plan, &text);
        if (text.data != NULL)
            rc = husk_state_put(&c->dir, "plan", text.data, text.len, err);
    }
    if (rc == 0 && c->arena->failed)
        rc = husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL, "out of memory");
    return rc ? rc : husk_state_save(&c->dir, &c->state, err);
}

static struct husk_list husk__container_list(struct husk_container *c, const struct husk_strs *strs)
{
    return (struct husk_list){
        husk_arena_grow(c->arena, strs->v, strs->n * sizeof *strs->v, (strs->n + 1) * sizeof *strs->v),
        strs->n};
}

/* The lifecycle ends with poststop however far create came; a failing one is a warning, and the next still
 * run. */
static void husk__poststop(struct husk_container *c)
{
    struct husk_text text = {.arena = c->arena};
    struct husk_err err;
    const char *config;
    size_t len;

    if (!c->state.poststop)
        return;
    if (c->spec == NULL && husk_container_config(c, &config, &len, &err) != 0) {
        husk__container_warn(c, &err);
        return;
    }
    husk_state_print(&c->state, HUSK_STOPPED, NULL, NULL, &text);
    husk_text_str(&text, "\n");
    for (uint32_t i = 0; i < c->spec->hooks[HUSK_HOOK_POSTSTOP].n; i++) {
        const struct husk_hook *h = &c->spec->hooks[HUSK_HOOK_POSTSTOP].v[i];
        const struct husk_strs path_only = {&h->path, 1, true};
        const struct husk_op_hook op = {
            .kind = HUSK_HOOK_POSTSTOP,
            .path = h->path,
            .argv = husk__container_list(c, h->args.n ? &h->args : &path_only),
            .envp = husk__container_list(c, &h->env),
            .timeout_sec = h->timeout_sec.v,
        };
        const char *why = husk_strf(c->arena, "/hooks/poststop/%u", i);

        if (!c->arena->failed && husk_hook_run(&op, text.data, text.len, why, &err) != 0)
            husk__container_warn(c, &err);
    }
}

HUSK_API int husk_container_create(struct husk_container *c, struct husk_launch *l, struct husk_err *err)
{
    struct husk_plan plan;
    struct husk_apply a = {
        .plan = &plan, .target_fd = -1, .record = husk__container_record, .died = husk__container_died};
    struct husk_err ignored, own;
    char now[40];
    int rc;

    if (err == NULL)
        err = &own;
    c->spec = l->spec;
    c->dir.fd = c->dir.root = -1;
    husk_time_now(now, true);
    if (l->request.created == NULL)
        l->request.created = husk_strdup(c->arena, now);
    if ((rc = husk_id_check(l->request.id, err)) != 0)
        return rc;
    rc = husk__plan_make_for(c, l, &plan, err);
    if (rc == 0)
        rc = husk_state_create(&c->dir, c->root, l->request.id, err);
    if (rc != 0) {
        if (l->config != NULL)
            husk_err_locate(err, l->config, l->config_len);
        return rc;
    }
    husk__state_fill(c, l, &plan);
    rc = husk__state_write(c, l, &plan, err);
    a.state_fd = c->dir.fd;
    a.undo_fd = rc ? -1 : openat(c->dir.fd, "undo", O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (rc == 0 && a.undo_fd < 0)
        rc = husk_fail(err, HUSK_ESYS, HUSK_DIAG_STATE_FILE, errno, NULL, "state directory: make undo: %s",
                       strerror(errno));
    if (rc == 0 && (rc = husk__apply_to(c, l, &a, err)) != 0 && err->op != HUSK_NO_OP)
        husk__poststop(c);
    if (a.undo_fd >= 0)
        close(a.undo_fd);
    if (rc != 0) {
        if (l->config != NULL)
            husk_err_locate(err, l->config, l->config_len);
        if (husk_state_remove(&c->dir, &ignored) != 0)
            husk__container_warn(c, &ignored);
        husk_state_close(&c->dir);
        return rc;
    }
    husk_state_unlock(&c->dir);
    return 0;
}

/* ---- kill and delete ---- */

/* After husk_process_open() or husk__init_open() gave none: it has ended, or that cannot be told. */
static int husk__no_init(struct husk_err *err, const char *text)
{
    int sys = errno;

    if (sys == ESRCH)
        return husk__wrong_state(err, text);
    return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, sys, NULL, "look at the container's process: %s",
                     strerror(sys));
}

/* A descriptor that stands for the recorded process and no later one; -1 with ESRCH when it has ended.
 * *is_pidfd: else it is /proc/PID. */
static int husk__init_open(const struct husk_container *c, bool *is_pidfd)
{
    int proc, fd;

    fd = c->state.pid > 0 ? (int)syscall(__NR_pidfd_open, c->state.pid, 0) : -1;
    *is_pidfd = fd >= 0;
    proc = husk_process_open(c->state.pid, c->state.start_ticks);
    if (fd < 0)
        return proc;
    if (proc < 0) {
        close(fd);
        return -1;
    }
    close(proc);
    return fd;
}

static int husk__init_signal(const struct husk_container *c, int fd, bool is_pidfd, int signo)
{
    int rc = is_pidfd ? (int)syscall(__NR_pidfd_send_signal, fd, signo, NULL, 0) : -1;

    return is_pidfd && (rc == 0 || errno != ENOSYS) ? rc : kill(c->state.pid, signo);
}

/* SIGKILL, and wait until init is a zombie or gone. */
static int husk__container_end(struct husk_container *c, struct husk_err *err)
{
    bool is_pidfd;
    uint64_t ticks;
    int fd = husk__init_open(c, &is_pidfd), rc = 0;

    if (fd < 0 && errno != ESRCH)
        return husk__no_init(err, "");
    if (fd >= 0 && husk__init_signal(c, fd, is_pidfd, SIGKILL) != 0 && errno != ESRCH)
        rc = husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, errno, NULL, "kill process %d: %s", c->state.pid,
                       strerror(errno));
    if (rc == 0 && (!c->state.pid_namespace || c->state.pid == 0)) /* a create at work did not say yet who init is */
        husk__places_kill(c);
    else if (rc == 0)
        husk__places_freeze(c, false);
    if (rc == 0 && fd >= 0 && is_pidfd) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        while ((rc = poll(&wait, 1, 500)) < 0 && errno == EINTR)
            ;
        if (rc == 0) {
            husk__places_take_back(c);
            while ((rc = poll(&wait, 1, 10000)) < 0 && errno == EINTR)
                ;
        }
        rc = rc > 0 ? 0 : -1;
    } else if (rc == 0 && fd >= 0) {
        for (int tries = 0; husk_process_start(fd, &ticks) && (rc = tries < 1000 ? 0 : -1) == 0; tries++)
            poll(NULL, 0, 10);
    }
    if (rc == -1)
        rc = husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, ETIMEDOUT, NULL,
                       "container init still running after SIGKILL");
    if (fd >= 0)
        close(fd);
    return rc;
}

/* The process is gone: everything else goes, too. What fails keeps the state, so that delete can be tried
 * again. */
static int husk__container_destroy(struct husk_container *c, struct husk_err *err)
{
    const struct husk_plan made = {.cgroups = c->state.cgroups, .n_cgroups = c->state.n_cgroups};
    struct husk_text log = {.arena = c->arena};
    int rc = husk__container_undo_log(c, &log, err);

    if (rc == 0 && log.len > 0) {
        husk__undo_cgroups(&made, c->backends, &log); /* and what was started and made in them since */
        rc = husk_undo(log.data, log.len, err);
    }
    if (rc != 0)
        return rc;
    husk__poststop(c);
    return husk_state_remove(&c->dir, err);
}

static int husk__lock_and_reload(struct husk_container *c, struct husk_err *err)
{
    int rc = husk_state_lock(&c->dir, false, err);

    if (rc == 0 && (rc = husk_state_load(&c->dir, c->arena, &c->state, err)) != 0)
        husk_state_unlock(&c->dir);
    return rc;
}

/* Killing comes before the lock: whoever holds that may wait for the very process. */
HUSK_API int husk_container_delete(struct husk_container *c, bool force, struct husk_err *err)
{
    enum husk_status status;
    int rc = 0;

    for (int locked = 0; locked < 2; locked++) {
        if (locked && (rc = husk__lock_and_reload(c, err)) != 0)
            return rc;
        status = husk_container_status(c);
        if (status != HUSK_STOPPED && status != HUSK_CREATED && !force)
            rc = husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, 0, NULL,
                           "cannot delete container %.64s that is not stopped: %s", c->dir.id,
                           husk_status_name(status));
        else if (status != HUSK_STOPPED)
            rc = husk__container_end(c, err);
        if (rc != 0)
            break;
    }
    if (rc == 0)
        rc = husk__container_destroy(c, err);
    husk_state_unlock(&c->dir);
    return rc;
}

HUSK_API int husk_container_clean(struct husk_container *c, const char *id, struct husk_err *err)
{
    struct husk_err own, ignored;
    int rc;

    if (err == NULL)
        err = &own;
    rc = husk_state_open(&c->dir, c->root, id, err);
    if (rc != 0)
        return err->diag == HUSK_DIAG_ABSENT ? 0 : rc;
    c->spec = NULL;
    rc = husk_state_lock(&c->dir, false, err);
    if (rc != 0) {
        rc = err->diag == HUSK_DIAG_ABSENT ? 0 : rc;
    } else if (husk_state_load(&c->dir, c->arena, &c->state, &ignored) == 0) {
        rc = husk_fail(err, HUSK_ESTATE, HUSK_DIAG_EXISTS, 0, NULL, "container exists: delete it");
    } else {
        memset(&c->state, 0, sizeof c->state);
        rc = husk__container_destroy(c, err);
    }
    husk_state_close(&c->dir);
    return rc;
}

static int husk__container_kill_one(void *ctx, int32_t pid)
{
    if (kill(pid, *(const int *)ctx) != 0 && errno != ESRCH)
        return -errno;
    return 0;
}

HUSK_API int husk_container_kill(struct husk_container *c, int signo, bool all, struct husk_err *err)
{
    bool is_pidfd, every = all || (signo == SIGKILL && !c->state.pid_namespace);
    int fd = husk__init_open(c, &is_pidfd), rc = 0;

    if (fd < 0 && (!all || errno != ESRCH))
        return husk__no_init(err, "container not running");
    if (every && signo == SIGKILL)
        husk__places_kill(c);
    else if (every)
        rc = husk__places_each(c, husk__container_kill_one, &signo);
    if (rc == -ENOENT)
        rc = 0;
    if (fd >= 0 && (!every || signo == SIGKILL || c->state.n_cgroups == 0) &&
        husk__init_signal(c, fd, is_pidfd, signo) != 0 && errno != ESRCH)
        rc = -errno;
    if (fd >= 0)
        close(fd);
    if (rc == 0 && signo == SIGKILL)
        husk__places_freeze(c, false);
    if (rc != 0)
        return husk_fail(err, HUSK_ESYS, HUSK_DIAG_OP_FAILED, -rc, NULL, "send signal %d: %s", signo,
                         strerror(-rc));
    return 0;
}

/* ---- start and exec ---- */

static int husk__container_start(struct husk_container *c, struct husk_err *err)
{
    struct husk_plan plan;
    struct husk_apply a = {.plan = &plan,
                           .state_fd = c->dir.fd,
                           .target_fd = -1,
                           .backends = c->backends,
                           .record = husk__container_record,
                           .died = husk__container_died,
                           .ctx = c,
                           .pid = c->state.pid,
                           .pidfd = -1,
                           .console_fd = -1};
    struct husk_err ignored, own;
    const char *text;
    size_t len;
    int rc;

    if (err == NULL)
        err = &own;
    rc = husk_state_get(&c->dir, "plan", c->arena, &text, &len, err);
    if (rc == 0)
        rc = husk_plan_parse(&plan, c->arena, text, len, err);
    for (uint32_t i = 0; rc == 0 && i < plan.n; i++)
        if (plan.ops[i].kind == HUSK_OP_EXEC && plan.ops[i].u.exec.argv.n == 0)
            rc = husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, 0, "/process",
                           "cannot start a container that was created without a process");
    if (rc != 0)
        return rc;
    a.undo_fd = openat(c->dir.fd, "undo", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    rc = husk_apply_start(&a, err);
    if (a.undo_fd >= 0)
        close(a.undo_fd);
    husk_apply_fini(&a);
    if (rc == 0 || rc == HUSK_ESTATE)
        return rc;
    /* The lifecycle of the specification: a failed start stops and deletes the container. */
    if (husk_state_get(&c->dir, "config.json", c->arena, &text, &len, &ignored) == 0)
        husk_err_locate(err, text, len);
    if (husk__container_end(c, &ignored) != 0 || husk__container_destroy(c, &ignored) != 0)
        husk__container_warn(c, &ignored);
    return rc;
}

HUSK_API int husk_container_start(struct husk_container *c, struct husk_err *err)
{
    static const char *const refused[] = {
        [HUSK_CREATING] = "cannot start a container that is still being created",
        [HUSK_RUNNING] = "cannot start an already running container",
        [HUSK_PAUSED] = "cannot start a container in the paused state",
        [HUSK_STOPPED] = "cannot start a container that has stopped",
    };
    enum husk_status status;
    int rc = husk__lock_and_reload(c, err);

    if (rc != 0)
        return rc;
    status = husk_container_status(c);
    rc = status == HUSK_CREATED ? husk__container_start(c, err) : husk__wrong_state(err, refused[status]);
    husk_state_unlock(&c->dir);
    return rc;
}

static int husk__exec_allowed(const struct husk_container *c, bool ignore_paused, struct husk_err *err)
{
    switch (husk_container_status(c)) {
    case HUSK_CREATING:
        return husk__wrong_state(err, "cannot exec in a container that is still being created");
    case HUSK_STOPPED:
        return husk__wrong_state(err, "cannot exec in a stopped container");
    case HUSK_PAUSED:
        if (!ignore_paused)
            return husk__wrong_state(err,
                                     "cannot exec in a paused container (use --ignore-paused to override)");
        return 0;
    default:
        return 0;
    }
}

HUSK_API int husk_container_exec(struct husk_container *c, struct husk_launch *l, struct husk_err *err)
{
    struct husk_plan plan;
    struct husk_apply a = {.plan = &plan, .state_fd = c->dir.fd, .undo_fd = -1};
    const char *text;
    size_t len;
    int rc = husk__exec_allowed(c, l->ignore_paused, err);

    if (rc != 0)
        return rc;
    l->request.action = HUSK_EXEC;
    l->request.id = c->dir.id;
    l->request.bundle = c->state.bundle;
    l->request.no_new_keyring = c->state.no_new_keyring;
    if (l->request.cgroups == NULL) {
        l->request.cgroups = husk__places_of_init(c);
        l->request.n_cgroups = c->state.n_cgroups;
    }
    if (l->spec == NULL && (rc = husk_container_config(c, &text, &len, err)) == 0)
        l->spec = c->spec;
    if (rc == 0)
        rc = husk__plan_make_for(c, l, &plan, err);
    if (rc == 0)
        rc = husk_state_lock(&c->dir, true, err); /* delete must not remove the cgroup that is being joined */
    if (rc != 0)
        return rc;
    a.target_fd = husk_process_open(c->state.pid, c->state.start_ticks);
    if (a.target_fd < 0) {
        rc = husk__no_init(err, "cannot exec in a stopped container");
    } else {
        rc = husk__apply_to(c, l, &a, err);
        close(a.target_fd);
    }
    husk_state_unlock(&c->dir);
    return rc;
}

#include "husk/impl/container_update.h"
#endif
