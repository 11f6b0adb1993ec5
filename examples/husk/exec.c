/* exec.c - the command `exec`: another process in a container. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static int bad(struct husk_err *err, const char *option, const char *value)
{
    return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "invalid value \"%.64s\" for --%s", value,
                     option);
}

/* Digits and nothing else; 4294967295 is (uid_t)-1, which the kernel takes for "leave it". */
static bool read_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t v = 0;

    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)v;
    return v < UINT32_MAX;
}

static int set_user(struct cli *c, struct husk_user *user, struct husk_err *err)
{
    uint32_t *gids;

    if (c->user != NULL) {
        size_t len = strcspn(c->user, ":");

        if (!read_id(c->user, len, &user->uid) ||
            (c->user[len] == ':' && !read_id(c->user + len + 1, strlen(c->user + len + 1), &user->gid)))
            return bad(err, "user", c->user);
    }
    if (c->gids.n == 0)
        return 0;
    gids = husk_arena_grow(&c->arena, user->additional_gids.v, user->additional_gids.n * sizeof *gids,
                           (user->additional_gids.n + c->gids.n) * sizeof *gids);
    for (uint32_t i = 0; gids != NULL && i < c->gids.n; i++) {
        if (!read_id(c->gids.v[i], strlen(c->gids.v[i]), &gids[user->additional_gids.n + i]))
            return bad(err, "additional-gids", c->gids.v[i]);
    }
    user->additional_gids.v = gids;
    user->additional_gids.n += c->gids.n;
    return 0;
}

/* Never inheritable, and ambient only what is inheritable already (CVE-2022-29162). */
static int add_capabilities(struct cli *c, struct husk_caps *caps, struct husk_err *err)
{
    uint64_t bit;

    for (uint32_t i = 0; i < c->caps.n; i++) {
        if (!husk_name_value(HUSK_TABLE_CAPABILITY, c->caps.v[i], &bit))
            return bad(err, "cap", c->caps.v[i]);
        bit = UINT64_C(1) << bit;
        caps->set = true;
        caps->bounding |= bit;
        caps->permitted |= bit;
        caps->effective |= bit;
        caps->ambient |= caps->inheritable & bit;
    }
    return 0;
}

static void add_strings(struct cli *c, struct husk_strs *list, const struct texts *more)
{
    const char **v = husk_arena_alloc(&c->arena, (list->n + more->n + 1) * sizeof *v);

    if (v == NULL || more->n == 0)
        return;
    if (list->n > 0)
        memcpy(v, list->v, list->n * sizeof *v);
    memcpy(v + list->n, more->v, more->n * sizeof *v);
    *list = (struct husk_strs){v, list->n + more->n, true};
}

/* The container's process with the command's changes. */
static int from_options(struct cli *c, struct husk_process *p, struct husk_err *err)
{
    int rc;

    if (c->n_args < 2)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL, "exec args cannot be empty");
    p->args = (struct husk_strs){c->args + 1, (uint32_t)c->n_args - 1, true};
    p->terminal = c->tty;
    p->console_size.set = false;
    if (c->cwd != NULL)
        p->cwd = c->cwd;
    if (c->process_label != NULL)
        p->selinux_label = c->process_label;
    if (c->apparmor != NULL)
        p->apparmor_profile = c->apparmor;
    if (c->no_new_privs)
        p->no_new_privileges = true;
    add_strings(c, &p->env, &c->env);
    rc = set_user(c, &p->user, err);
    return rc ? rc : add_capabilities(c, &p->caps, err);
}

/* What the file leaves out and the container has: above all, a label is not given up by saying nothing. */
static void inherit(struct husk_process *p, const struct husk_process *from)
{
    if (p->apparmor_profile == NULL)
        p->apparmor_profile = from->apparmor_profile;
    if (p->selinux_label == NULL)
        p->selinux_label = from->selinux_label;
    if (!p->scheduler.set)
        p->scheduler = from->scheduler;
    if (!p->io_priority.set)
        p->io_priority = from->io_priority;
    if (p->exec_cpu_affinity.initial == NULL && p->exec_cpu_affinity.final == NULL)
        p->exec_cpu_affinity = from->exec_cpu_affinity;
}

static int from_file(struct cli *c, struct husk_process *p, struct husk_err *err)
{
    const char *text;
    size_t len;
    int rc = read_file(c, c->process, true, &text, &len, err);

    c->document = c->process;
    if (rc == 0)
        rc = husk_process_parse(p, &c->arena, text, len, err);
    if (rc == 0 && c->tty)
        p->terminal = true;
    return rc;
}

/* A name below the container's cgroup: never upwards. */
static bool is_below(const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += len + (path[len] == '/');
    }
    return true;
}

/* Is one of the names (up to len) in the hierarchy's list? Both are separated by commas. */
static bool has_controller(const char *list, const char *names, size_t len)
{
    for (size_t at = 0, n; at < len; at += n + 1) {
        n = strcspn(names + at, ",:");
        for (const char *p = list; n > 0; p += strcspn(p, ",") + 1) {
            if (strcspn(p, ",") == n && strncmp(p, names + at, n) == 0)
                return true;
            if (p[strcspn(p, ",")] == '\0')
                break;
        }
    }
    return false;
}

/* --cgroup [CTRL[,CTRL]:]PATH: in the named hierarchies, or in all. */
static int set_cgroup(struct cli *c, const struct husk_state *s, struct husk_request *r, struct husk_err *err)
{
    const char *colon = strchr(c->cgroup, ':'), *path = colon ? colon + 1 : c->cgroup;
    struct husk_cgroup_place *v =
        husk_arena_grow(&c->arena, s->cgroups, s->n_cgroups * sizeof *v, (s->n_cgroups + 1) * sizeof *v);
    bool used = false;

    while (*path == '/')
        path++;
    if (!is_below(path))
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "--cgroup %.128s: `.` and `..` components are not allowed", c->cgroup);
    for (uint32_t i = 0; v != NULL && i < s->n_cgroups; i++) {
        if (colon != NULL && !has_controller(v[i].controllers, c->cgroup, (size_t)(colon - c->cgroup)))
            continue;
        used = true;
        if (*path == '\0')
            continue;
        v[i].path = husk_strf(&c->arena, "%s/%s", v[i].path, path);
        v[i].dir = husk_strf(&c->arena, "%s/%s", v[i].dir, path);
    }
    if (!used)
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, NULL,
                         "--cgroup %.128s: the container has no such controller", c->cgroup);
    r->cgroups = v;
    r->n_cgroups = s->n_cgroups;
    return 0;
}

static int prepare(struct cli *c, struct husk_container *container, struct husk_spec *spec,
                   struct husk_process *process, struct husk_launch *l, struct husk_err *err)
{
    const char *text;
    size_t len;
    int rc = husk_container_config(container, &text, &len, err);

    if (rc != 0)
        return rc;
    *spec = *container->spec;
    if (c->process != NULL)
        rc = from_file(c, process, err);
    else if (spec->process == NULL)
        rc = husk_fail(err, HUSK_ESTATE, HUSK_DIAG_WRONG_STATE, 0, NULL,
                       "the container has no process; use exec --process");
    else
        *process = *spec->process;
    if (rc == 0 && c->process == NULL)
        rc = from_options(c, process, err);
    else if (rc == 0 && spec->process != NULL)
        inherit(process, spec->process);
    if (rc != 0)
        return rc;
    spec->process = process;
    l->spec = spec;
    l->request.process = process;
    l->ignore_paused = c->ignore_paused;
    rc = husk_spec_check(spec, NULL, NULL, err);
    if (rc == 0)
        rc = request_fill(c, &l->request, err);
    if (rc == 0 && c->cgroup != NULL)
        rc = set_cgroup(c, &container->state, &l->request, err);
    return rc ? rc : terminal_check(c, process->terminal, c->detach, err);
}

int command_exec(struct cli *c)
{
    struct foreground f = {.host_tty = -1, .signals = -1};
    struct husk_launch l = {.pidfd = -1, .console_fd = -1};
    struct husk_container container;
    struct husk_process process = {0};
    struct husk_spec spec;
    struct husk_host host;
    struct husk_err err;
    int rc;

    c->pid_file = absolute(c, c->pid_file);
    c->console_socket = absolute(c, c->console_socket);
    c->pidfd_socket = absolute(c, c->pidfd_socket);
    l.host = &host;
    log_lend(true);
    if (protect(c, &err) != 0 || container_open(c, &container, &err) != 0 ||
        prepare(c, &container, &spec, &process, &l, &err) != 0 ||
        (!c->detach && foreground_prepare(&f, &process, &err) != 0) ||
        husk_host_probe(&host, &c->arena, &err) != 0 || husk_container_exec(&container, &l, &err) != 0)
        return fail(c, &err);
    husk_container_close(&container);
    log_commit();
    rc = c->detach ? 0 : foreground_wait(&f, l.pid, l.console_fd);
    husk_launch_close(&l);
    return rc;
}
