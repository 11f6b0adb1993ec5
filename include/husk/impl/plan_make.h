/* husk/impl/plan_make.h - the order of everything: the list that create, run and exec share.
 *
 * Part of plan.h's implementation. Each function appends the operations of one step; husk_plan_make reads as the list
 * of steps. Where a rule of the kernel dictates a place in the order, the comment there says which.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_MAKE_IMPLEMENTED)
#define HUSK_PLAN_MAKE_IMPLEMENTED
#include "husk/impl/plan_backends.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

HUSK_API struct husk_op *husk_add(struct husk_planner *p, enum husk_op_kind kind, enum husk_who who, const char *why)
{
    struct husk_op *op;

    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 128;
        op = husk_arena_grow(p->arena, p->ops, p->n * sizeof *op, cap * sizeof *op);
        if (op == NULL)
            return &p->scratch;
        p->ops = op;
        p->cap = cap;
    }
    op = &p->ops[p->n++];
    op->kind = kind;
    op->who = who;
    op->why = why;
    return op;
}

HUSK_API const char *husk_plan_str(struct husk_planner *p, const char *fmt, ...)
{
    char text[4096], *copy;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text)
        p->arena->failed = true;
    copy = p->arena->failed ? NULL : husk_strndup(p->arena, text, (size_t)n);
    return copy ? copy : "";
}

HUSK_API const char *husk_plan_member(struct husk_planner *p, const char *parent, const char *name)
{
    struct husk_text t = {.arena = p->arena};

    husk_textf(&t, "%s/", parent);
    for (; *name != '\0'; name++)
        if (*name == '~' || *name == '/')
            husk_text_str(&t, *name == '~' ? "~0" : "~1");
        else
            husk_text_add(&t, name, 1);
    return t.data ? t.data : "";
}

HUSK_API void husk_plan_note(struct husk_planner *p, const char *at, const char *fmt, ...)
{
    struct husk_note *v = husk_arena_grow(p->arena, p->notes, p->n_notes * sizeof *v, (p->n_notes + 1) * sizeof *v);
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (v == NULL)
        return;
    p->notes = v;
    v[p->n_notes++] = (struct husk_note){at, husk_plan_str(p, "%s", text)};
}

HUSK_API struct husk_op *husk_add_write(struct husk_planner *p, enum husk_who who, enum husk_slot slot,
                                        const char *file, const char *data, const char *why)
{
    struct husk_op *op = husk_add(p, HUSK_OP_WRITE, who, why);

    op->u.write = (struct husk_op_write){{slot, file}, data};
    return op;
}

HUSK_API struct husk_op *husk_add_open(struct husk_planner *p, enum husk_who who, enum husk_slot defines,
                                       enum husk_slot slot, const char *path, uint32_t flags, enum husk_expect expect,
                                       const char *why)
{
    struct husk_op *op = husk_add(p, HUSK_OP_OPEN, who, why);

    op->u.open = (struct husk_op_open){defines, {slot, path}, flags, expect};
    return op;
}

/* A slot that nobody has yet. More than there are is found out by husk_plan_verify(). */
static enum husk_slot husk__new_aux(struct husk_planner *p)
{
    return (enum husk_slot)(HUSK_SLOT_AUX + p->n_aux++);
}

/* A copy that ends with NULL, as lists of operations do; initialisers of the caller need not. */
static struct husk_list husk__list(struct husk_planner *p, const struct husk_strs *s)
{
    const char **v = husk_arena_grow(p->arena, s->v, s->n * sizeof *v, (s->n + 1) * sizeof *v);

    return (struct husk_list){v, v ? s->n : 0};
}

static void husk__ignore(struct husk_op *op, int32_t a, int32_t b, int32_t c)
{
    op->on_fail = HUSK_IGNORE;
    op->errnos[0] = a;
    op->errnos[1] = b;
    op->errnos[2] = c;
}

static void husk__sync(struct husk_planner *p, enum husk_who from, const char *name)
{
    husk_add(p, HUSK_OP_SYNC, HUSK_BOTH, "default")->u.sync = (struct husk_op_sync){from, name};
}

/* In the order of joining without root's rights: user first, which gives the right to join what it owns. */
static const struct {
    uint64_t type;
    enum husk_slot slot;
    const char *file;
} husk__ns_order[] = {
    {CLONE_NEWUSER, HUSK_SLOT_NS_USER, "ns/user"}, {CLONE_NEWPID, HUSK_SLOT_NS_PID, "ns/pid"},
    {CLONE_NEWNET, HUSK_SLOT_NS_NET, "ns/net"},    {CLONE_NEWIPC, HUSK_SLOT_NS_IPC, "ns/ipc"},
    {CLONE_NEWUTS, HUSK_SLOT_NS_UTS, "ns/uts"},    {CLONE_NEWCGROUP, HUSK_SLOT_NS_CGROUP, "ns/cgroup"},
    {CLONE_NEWTIME, HUSK_SLOT_NS_TIME, "ns/time"}, {CLONE_NEWNS, HUSK_SLOT_NS_MNT, "ns/mnt"},
};

static const char *husk__ns_why(struct husk_planner *p, uint64_t type)
{
    for (uint32_t i = 0; i < p->spec->linux_.namespaces.n; i++)
        if (p->spec->linux_.namespaces.v[i].type == type)
            return husk_plan_str(p, "/linux/namespaces/%u", i);
    return "default";
}

static int husk__plan_namespaces(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    for (uint32_t i = 0; i < l->namespaces.n; i++) {
        uint64_t type = l->namespaces.v[i].type;
        if (!(p->host->namespaces & type))
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, husk__ns_why(p, type),
                             "this kernel has no %s namespaces", husk_name_of(HUSK_TABLE_NAMESPACE, type));
        if (p->req->action == HUSK_EXEC || l->namespaces.v[i].path != NULL)
            p->join_ns |= type;
        else
            p->new_ns |= type;
    }
    p->new_userns = p->new_ns & CLONE_NEWUSER;
    p->joined_userns = p->join_ns & CLONE_NEWUSER;
    p->userns = p->new_userns || p->joined_userns || p->host->in_userns;
    p->new_cgroupns = p->new_ns & CLONE_NEWCGROUP;
    if (p->host->euid != 0 && !p->new_userns && !p->joined_userns)
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, 0, "/linux/namespaces",
                         "without root a container needs a user namespace");
    return HUSK_OK;
}

/* The namespaces whose properties the configuration sets: a joined one must then not be the host's. */
static uint64_t husk__changed_namespaces(const struct husk_spec *spec)
{
    uint64_t changed = CLONE_NEWNS | (spec->hostname != NULL || spec->domainname != NULL ? CLONE_NEWUTS : 0);

    changed |= spec->linux_.net_devices.n > 0 ? CLONE_NEWNET : 0;
    for (uint32_t i = 0; i < spec->linux_.sysctl.n; i++) {
        const char *key = spec->linux_.sysctl.v[i].name;
        if (strncmp(key, "net", 3) == 0)
            changed |= CLONE_NEWNET;
        else if (strncmp(key, "user", 4) == 0)
            changed |= CLONE_NEWUSER;
        else
            changed |=
                strstr(key, "name") != NULL ? CLONE_NEWUTS : CLONE_NEWIPC; /* kernel.domainname; kernel.shmmax ... */
    }
    return changed;
}

static void husk__plan_ns_open(struct husk_planner *p)
{
    for (uint32_t i = 0; i < HUSK_COUNT(husk__ns_order); i++) {
        uint64_t type = husk__ns_order[i].type;
        const char *why = husk__ns_why(p, type);
        if (!(p->join_ns & type))
            continue;
        if (p->req->action == HUSK_EXEC)
            husk_add_open(p, HUSK_PARENT, husk__ns_order[i].slot, HUSK_SLOT_TARGET, husk__ns_order[i].file, O_RDONLY,
                          HUSK_EXPECT_NSFS, why);
        else
            husk_add_open(p, HUSK_PARENT, husk__ns_order[i].slot, HUSK_SLOT_HOST,
                          husk_spec_namespace(p->spec, type)->path, O_RDONLY,
                          husk__changed_namespaces(p->spec) & type ? HUSK_EXPECT_OTHER_NS : HUSK_EXPECT_NSFS, why);
    }
}

/* Absolute paths are below what is mounted of the hierarchy, others below the caller's cgroup; on v2 beside it, since a cgroup
 * with processes takes no controllers below it. Never above the mount's root. */
static void husk__place_path(struct husk_planner *p, const struct husk_hierarchy *h, struct husk_cgroup_place *c)
{
    const char *want = p->spec->linux_.cgroups_path, *from = h->own_path ? h->own_path : "/";
    size_t root = strcmp(h->mount_root, "/") == 0 ? 0 : strlen(h->mount_root), base = strlen(from);

    if (want == NULL || want[0] == '\0')
        want = p->req->id;
    if (want[0] == '/' || strncmp(from, h->mount_root, root) != 0) {
        from = h->mount_root;
        base = root;
    } else if (h->version == 2) {
        while (base > root && from[base - 1] != '/')
            base--;
    }
    while (base > root && from[base - 1] == '/')
        base--;
    c->path = husk_plan_str(p, "%.*s/%s", (int)base, from, want + strspn(want, "/"));
    c->dir = husk_plan_str(p, "%s%s", h->mountpoint, c->path + root);
}

static void husk__plan_places(struct husk_planner *p)
{
    static const char empty[] = "";
    const struct husk_cgroup_backend *backend;

    p->cgroups = husk_arena_alloc(p->arena, HUSK_SLOT_FAMILY * sizeof *p->cgroups);
    for (uint32_t i = 0; p->cgroups != NULL && i < p->host->n_hierarchies && p->n_cgroups < HUSK_SLOT_FAMILY; i++) {
        const struct husk_hierarchy *h = &p->host->hierarchies[i];
        struct husk_cgroup_place *c = &p->cgroups[p->n_cgroups];
        struct husk_text names = {.arena = p->arena};
        if ((backend = husk__backend_for(p, HUSK_BACKEND_CGROUP, h, NULL, NULL)) == NULL)
            continue;
        if (!h->writable && (p->host->euid != 0 || p->host->in_userns || p->req->ignore_cgroup_errors))
            continue;
        for (uint32_t k = 0; h->version == 1 && k < h->n_controllers; k++)
            husk_textf(&names, "%s%s", k ? "," : "", h->controllers[k]);
        c->backend = backend->name;
        c->version = h->version;
        c->hierarchy = i;
        c->controllers = names.data ? names.data : empty;
        husk__place_path(p, h, c);
        p->n_cgroups++;
    }
}

static bool husk__place_is_on(const struct husk_cgroup_place *c, const struct husk_hierarchy *h)
{
    size_t len = strlen(h->mountpoint);

    return h->version == c->version && strncmp(h->mountpoint, c->dir, len) == 0 &&
           (c->dir[len] == '/' || c->dir[len] == '\0');
}

/* exec: the places come from the container's state; find their hierarchies here again. */
static int husk__plan_known_places(struct husk_planner *p)
{
    p->n_cgroups = p->req->n_cgroups < HUSK_SLOT_FAMILY ? p->req->n_cgroups : HUSK_SLOT_FAMILY;
    p->cgroups = husk_arena_grow(p->arena, p->req->cgroups, p->n_cgroups * sizeof *p->cgroups,
                                 HUSK_SLOT_FAMILY * sizeof *p->cgroups);
    for (uint32_t i = 0; p->cgroups != NULL && i < p->n_cgroups; i++) {
        struct husk_cgroup_place *c = &p->cgroups[i];
        uint32_t k = 0;
        if (husk_cgroup_backend_named(p->backends, c->backend) == NULL)
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_BACKEND, 0, NULL,
                             "the container's cgroup %s was made by a backend that is not here: %s", c->dir,
                             c->backend ? c->backend : "unknown");
        while (k < p->host->n_hierarchies && !husk__place_is_on(c, &p->host->hierarchies[k]))
            k++;
        if (k == p->host->n_hierarchies)
            return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, NULL,
                             "the container's cgroup %s is on no hierarchy of this host", c->dir);
        c->hierarchy = k;
    }
    return HUSK_OK;
}

/* Never NULL: the places are those of usable backends. */
static const struct husk_cgroup_backend *husk__place_backend(const struct husk_planner *p, uint32_t place)
{
    return husk_cgroup_backend_named(p->backends, p->cgroups[place].backend);
}

/* What every container may use, after the configuration's own rules: the specification's default devices, ptys, and
 * making nodes (which the others then guard). config-linux.md "Default Devices"; and tun, which is of use only with
 * CAP_NET_ADMIN. runc and crun allow the same. */
static const struct husk_device_rule husk__default_rules[] = {
    {true, 'c', -1, -1, HUSK_DEV_MKNOD},
    {true, 'b', -1, -1, HUSK_DEV_MKNOD},
    {true, 'c', 1, 3, 7},
    {true, 'c', 1, 5, 7},
    {true, 'c', 1, 7, 7},
    {true, 'c', 1, 8, 7},
    {true, 'c', 1, 9, 7},
    {true, 'c', 5, 0, 7},
    {true, 'c', 5, 2, 7},
    {true, 'c', 136, -1, 7},
    {true, 'c', 10, 200, 7},
};

static int husk__plan_device_rules(struct husk_planner *p)
{
    const struct husk_resources *r = &p->spec->linux_.resources;
    int at = husk_host_controller(p->host, "devices");
    const struct husk_device_backend *b;
    /* Without rules all but the defaults is denied, where that can be: a root that may make nodes must not use them. */
    static const struct husk_device_rule deny_all = {false, 'a', -1, -1, 7};
    const bool implied = r->devices.n == 0, optional = implied || p->userns || p->req->ignore_cgroup_errors;
    struct husk_device_rule *rules;
    uint32_t n = implied ? 1 : r->devices.n, place = 0;

    while (at >= 0 && place < p->n_cgroups && p->cgroups[place].hierarchy != (uint32_t)at)
        place++;
    if (at < 0 || place == p->n_cgroups) {
        if (optional)
            return HUSK_OK; /* in a user namespace no device can be made, and a bound one is guarded by its permissions */
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, "/linux/resources/devices",
                         "this host has no device controller");
    }
    b = husk__backend_for(p, HUSK_BACKEND_DEVICE, &p->host->hierarchies[at], "/linux/resources/devices",
                          optional ? NULL : "cannot put device rules in force");
    if (b == NULL)
        return optional ? HUSK_OK : HUSK_EHOST;
    rules = husk_arena_grow(p->arena, implied ? &deny_all : r->devices.v, n * sizeof *rules,
                            n * sizeof *rules + sizeof husk__default_rules);
    if (rules == NULL)
        return HUSK_OK;
    memcpy(rules + n, husk__default_rules, sizeof husk__default_rules);
    return b->plan_rules(p, place, rules, n + (uint32_t)HUSK_COUNT(husk__default_rules));
}

/* Whoever names a cgroup wants one. The form slice:prefix:name is for systemd to take apart, and here a name like others. */
static int husk__check_places(struct husk_planner *p)
{
    static const char at[] = "/linux/cgroupsPath";
    const char *want = p->spec->linux_.cgroups_path ? p->spec->linux_.cgroups_path : "", *colon = strchr(want, ':');

    if (colon != NULL && strchr(colon + 1, ':') != NULL && strchr(want, '/') == NULL)
        husk_plan_note(p, at, "slice:prefix:name is for the systemd cgroup driver; a cgroup of the name %s is made",
                       want);
    if (want[0] == '\0' || p->n_cgroups > 0 || p->backends->cgroup == NULL)
        return HUSK_OK;
    if (p->host->n_hierarchies == 0)
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_CONTROLLER, 0, at, "no cgroup hierarchy is mounted");
    return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, 0, at, "this user may not make a cgroup");
}

static int husk__plan_cgroups(struct husk_planner *p)
{
    int r = HUSK_OK;

    for (uint32_t i = 0; r == 0 && i < p->n_cgroups; i++)
        r = husk__place_backend(p, i)->plan_create(p, i);
    if (p->req->action == HUSK_EXEC)
        return r;
    if (r == 0 && (r = husk_resources_check(p)) == 0)
        r = husk__check_places(p);
    for (uint32_t i = 0; r == 0 && i < p->n_cgroups; i++)
        r = husk__place_backend(p, i)->plan_limits(p, i);
    return r ? r : husk__plan_device_rules(p);
}

static void husk__plan_rlimits(struct husk_planner *p, enum husk_who who)
{
    for (uint32_t i = 0; i < p->process->rlimits.n; i++) {
        const struct husk_rlimit *r = &p->process->rlimits.v[i];
        husk_add(p, HUSK_OP_RLIMIT, who, husk_plan_str(p, "/process/rlimits/%u", i))->u.rlimit =
            (struct husk_op_rlimit){r->type, r->soft, r->hard};
    }
}

#include "husk/impl/plan_ids.h"

/* What the parent does for a child that it can still reach as it was made: id maps, and what a user namespace would forbid. */
static int husk__plan_parent_setup(struct husk_planner *p)
{
    const struct husk_idmap_backend *b;
    int r = HUSK_OK;

    if (p->new_userns) {
        b = husk__backend_for(p, HUSK_BACKEND_IDMAP, NULL, "/linux/uidMappings", "cannot write the id maps");
        if (b == NULL)
            return HUSK_EHOST;
        if ((r = b->plan_map(p)) != 0)
            return r;
    }
    if (p->joined_userns && p->req->action != HUSK_EXEC)
        husk__plan_check_maps(p);
    if (p->process->oom_score_adj.set)
        husk_add_write(p, HUSK_PARENT, HUSK_SLOT_TASK, "oom_score_adj",
                       husk_plan_str(p, "%lld", (long long)p->process->oom_score_adj.v), "/process/oomScoreAdj");
    if (p->new_userns || p->joined_userns)
        husk__plan_rlimits(p, HUSK_PARENT);
    if (p->new_userns || p->joined_userns || p->process->oom_score_adj.set)
        husk__sync(p, HUSK_PARENT, p->new_userns ? "ids-mapped" : "prepared");
    return r;
}

#include "husk/impl/plan_lsm.h"
#include "husk/impl/plan_sched.h"

static void husk__plan_undumpable(struct husk_planner *p)
{
    husk_add(p, HUSK_OP_PRCTL, HUSK_CHILD, "default")->u.prctl = (struct husk_op_prctl){PR_SET_DUMPABLE, 0};
}

#include "husk/impl/plan_rdt.h"

/* Root joins the user namespace last: then it need not own the others. */
static void husk__plan_joins(struct husk_planner *p)
{
    const uint32_t n = HUSK_COUNT(husk__ns_order), first = p->host->euid == 0 ? 1 : 0;

    if (p->join_ns) /* processes of these namespaces could look at us: nothing of the host may be reached by ptrace(2) */
        husk__plan_undumpable(p);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (first + k) % n;
        if (p->join_ns & husk__ns_order[i].type)
            husk_add(p, HUSK_OP_SETNS, HUSK_CHILD, husk__ns_why(p, husk__ns_order[i].type))->u.setns =
                (struct husk_op_setns){husk__ns_order[i].slot, husk__ns_order[i].type};
    }
}

static void husk__plan_time_offsets(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    for (uint32_t i = 0; i < l->time_offsets.n; i++) {
        const struct husk_time_offset *o = &l->time_offsets.v[i];
        const char *clock = husk_name_of(HUSK_TABLE_CLOCK, o->clock);
        husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, "self/timens_offsets",
                       husk_plan_str(p, "%s %lld %u\n", clock, (long long)o->secs, o->nanosecs),
                       husk_plan_str(p, "/linux/timeOffsets/%s", clock));
    }
}

static int husk__plan_memberships(struct husk_planner *p)
{
    int r = husk__plan_affinity(p, p->process->exec_cpu_affinity.initial, "/process/execCPUAffinity/initial");

    for (uint32_t i = 0; r == 0 && i < p->n_cgroups; i++)
        r = husk__place_backend(p, i)->plan_join(p, i);
    if (r != 0)
        return r;
    husk__plan_rdt_join(p);
    return husk__plan_affinity(p, p->process->exec_cpu_affinity.final, "/process/execCPUAffinity/final");
}

/* Spawn, and the child's way into its cgroups and namespaces. setns(pid), and a time namespace with offsets, hold for children
 * only, and a pid-1 process may not clone a sibling: then NEWPID waits for the fork, too. New namespaces belong to the new user
 * namespace, which waits until others were joined that it has no rights over. */
static int husk__plan_spawn(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    bool offsets = l->time_offsets.n > 0 && p->req->action != HUSK_EXEC && (p->new_ns & CLONE_NEWTIME);
    bool late = p->new_userns && p->join_ns && p->host->euid == 0;
    bool fork = p->joined_userns || (p->join_ns & CLONE_NEWPID) || offsets ||
                (late && p->new_ns & (CLONE_NEWPID | CLONE_NEWTIME)) ||
                ((p->new_ns & CLONE_NEWTIME) && !p->host->features[HUSK_FEATURE_CLONE3]);
    uint64_t later = CLONE_NEWCGROUP | (fork ? (uint64_t)CLONE_NEWPID | CLONE_NEWTIME : 0);
    uint64_t flags = p->joined_userns || late ? 0 : p->new_ns & ~later, rest = p->new_ns & ~flags;
    struct husk_op *op = husk_add(p, HUSK_OP_SPAWN, HUSK_BOTH, flags ? "/linux/namespaces" : "default");
    int r;

    op->u.spawn.flags = flags;
    op->u.spawn.cgroup = p->spawn_cgroup;
    if (p->new_userns && !late && (r = husk__plan_parent_setup(p)) != 0)
        return r;
    if ((r = husk__plan_memberships(p)) != 0)
        return r;
    husk__plan_joins(p);
    if (rest)
        husk_add(p, HUSK_OP_UNSHARE, HUSK_CHILD, "/linux/namespaces")->u.unshare.flags = rest;
    if (late) {
        husk__sync(p, HUSK_CHILD, "user-namespace");
        if ((r = husk__plan_parent_setup(p)) != 0)
            return r;
    }
    if (offsets)
        husk__plan_time_offsets(p);
    if (p->new_userns || p->joined_userns) { /* become the namespace's root, whom its mounts and files belong to */
        op = husk_add(p, HUSK_OP_USER, HUSK_CHILD, "default");
        op->u.user = (struct husk_op_user){.uid = husk__setup_id(p, &l->uid_mappings, p->process->user.uid),
                                           .gid = husk__setup_id(p, &l->gid_mappings, p->process->user.gid),
                                           .umask = HUSK_ID_KEEP,
                                           .no_setgroups = true};
    }
    if (!p->join_ns) /* only now: an undumpable process may not write its own timens_offsets */
        husk__plan_undumpable(p);
    if (fork)
        husk_add(p, HUSK_OP_FORK, HUSK_BOTH, "default");
    return p->new_userns ? HUSK_OK : husk__plan_parent_setup(p);
}

#include "husk/impl/plan_mounts.h"
#include "husk/impl/plan_process.h"

static int husk__plan_sockets(struct husk_planner *p)
{
    struct husk_op *op;
    int r = husk__plan_agent(p);

    if (p->req->console_socket != NULL && p->process->terminal) {
        op = husk_add(p, HUSK_OP_SOCKET, HUSK_PARENT, "/process/terminal");
        op->u.socket =
            (struct husk_op_socket){HUSK_SLOT_CONSOLE_SOCKET, {HUSK_SLOT_HOST, p->req->console_socket}, false};
    }
    if (p->req->pidfd_socket != NULL) {
        op = husk_add(p, HUSK_OP_SOCKET, HUSK_PARENT, "default");
        op->u.socket = (struct husk_op_socket){HUSK_SLOT_PIDFD_SOCKET, {HUSK_SLOT_HOST, p->req->pidfd_socket}, false};
    }
    if (p->req->action == HUSK_CREATE) {
        op = husk_add(p, HUSK_OP_SOCKET, HUSK_PARENT, "default");
        op->u.socket = (struct husk_op_socket){HUSK_SLOT_GATE, {HUSK_SLOT_STATE, "gate"}, true};
        op->undo = true;
    }
    /* Before spawn, so that the child has them; the parent fills them when the pid is known. */
    for (int k = HUSK_HOOK_CREATE_CONTAINER; k <= HUSK_HOOK_START_CONTAINER && p->req->action != HUSK_EXEC; k++)
        if (p->spec->hooks[k].n > 0)
            husk_add(p, HUSK_OP_MEMFD, HUSK_PARENT, "/hooks")->u.memfd.slot = husk_hook_slot((uint32_t)k);
    return r;
}

/* Who may write to his own part of /sys/fs/cgroup gets the cgroup, and of its files those that the kernel calls delegatable.
 * config-linux.md, "Cgroup ownership": on cgroup v2, in a new cgroup namespace, with a mount that is not read-only. */
static void husk__plan_delegate(struct husk_planner *p)
{
    uint32_t uid = p->process->user.uid;
    bool wanted = false;
    struct husk_op *op;

    for (uint32_t i = 0; i < p->spec->mounts.n; i++) {
        const struct husk_mount *m = &p->spec->mounts.v[i];
        wanted = wanted || (husk__is_cgroup(m) && husk__is_dir(m->destination, "/sys/fs/cgroup") &&
                            !((m->flags_set | m->rec_set) & MS_RDONLY));
    }
    if (!wanted || !p->new_cgroupns || p->host->euid != 0 || p->joined_userns ||
        (p->new_userns && !husk__host_id(&p->spec->linux_.uid_mappings, uid, &uid)) || uid == 0)
        return; /* a cgroup of another user than root is his already */
    for (uint32_t place = 0; place < p->n_cgroups; place++)
        if (p->cgroups[place].version == 1) /* also of a host that has both */
            return;
    for (uint32_t place = 0; place < p->n_cgroups; place++)
        for (uint32_t k = 0; k <= p->host->n_delegate; k++) {
            op = husk_add(p, HUSK_OP_CHOWN, HUSK_PARENT, "/linux/cgroupsPath");
            op->u.chown = (struct husk_op_chown){
                {(enum husk_slot)(HUSK_SLOT_CG + place), k ? p->host->delegate[k - 1] : ""}, uid, HUSK_ID_KEEP};
            if (k > 0)
                husk__ignore(op, ENOENT, 0, 0);
        }
}
static int husk__plan_steps(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    bool exec = p->req->action == HUSK_EXEC;
    int r;

    if ((r = husk__plan_namespaces(p)) != 0 || (r = husk__plan_mapped_user(p)) != 0 ||
        (r = husk__plan_sockets(p)) != 0)
        return r;
    if (!exec) {
        husk_add_open(p, HUSK_PARENT, husk__new_aux(p), HUSK_SLOT_HOST, husk__root_path(p),
                      O_PATH | O_DIRECTORY | O_NOFOLLOW, HUSK_EXPECT_DIR,
                      "/root/path"); /* fails before anything is made */
    }
    /* exec: the container's own, opened in there: other processes of the container could look into ours and go on from here. */
    if (!exec && (husk__has_label(p) || (l->sysctl.n > 0 || l->time_offsets.n > 0)))
        husk_add_open(p, HUSK_PARENT, HUSK_SLOT_PROC, HUSK_SLOT_HOST, "/proc", O_PATH | O_DIRECTORY,
                      HUSK_EXPECT_PROCFS, "default");
    p->join_by_write = husk__wants_affinity(p, p->process->exec_cpu_affinity.initial);
    husk__plan_ns_open(p);
    if (!exec)
        husk__plan_places(p);
    else if ((r = husk__plan_known_places(p)) != 0)
        return r;
    if ((r = husk__plan_cgroups(p)) != 0)
        return r;
    if (!exec)
        husk__plan_delegate(p);
    if ((r = husk__plan_rdt(p)) != 0 || (r = husk__plan_spawn(p)) != 0)
        return r;
    if (!exec && (r = husk__plan_filesystem(p)) != 0)
        return r;
    if (exec) {
        husk__plan_enter(p);
        if ((r = husk__plan_keyring(p)) != 0)
            return r;
    }
    return husk__plan_process(p);
}

HUSK_API int husk_plan_make(struct husk_plan *plan, struct husk_arena *arena, const struct husk_spec *spec,
                            const struct husk_host *host, const struct husk_request *req, struct husk_err *err)
{
    static const struct husk_process nothing; /* create without process is legal; start then refuses */
    struct husk_spec filled = *spec;
    struct husk_planner p = {
        .arena = arena,
        .spec = &filled,
        .host = host,
        .req = req,
        .err = err,
        .process = req->process    ? req->process
                   : spec->process ? spec->process
                                   : &nothing,
        .backends = req->backends ? req->backends : &husk_backends_default,
    };
    int r;

    memset(plan, 0, sizeof *plan);
    if (req->id == NULL || req->id[0] == '\0')
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_ID, 0, NULL, "a plan needs a container id");
    if (req->action != HUSK_EXEC && (req->bundle == NULL || req->bundle[0] != '/') &&
        (spec->root.path == NULL || spec->root.path[0] != '/'))
        return husk_fail(err, HUSK_EARG, HUSK_DIAG_USAGE, 0, "/root/path",
                         "a relative root needs the bundle's absolute path");
    for (uint32_t i = 0; i < spec->notes.n; i++)
        husk_plan_note(&p, spec->notes.v[i].at, "%s", spec->notes.v[i].msg);
    husk__plan_default_maps(&p, &filled.linux_);
    r = husk_spec_check(spec, NULL, NULL, err); /* it may be made by initialisers: what follows relies on it */
    if (r == 0)
        r = husk__backends_check(&p);
    if (r == 0)
        r = husk__plan_lsm_check(&p);
    if (r == 0)
        r = husk__plan_steps(&p);
    if (arena->failed) /* whatever a step made of it */
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, NULL,
                         "out of memory, or a text of the plan is too long");
    if (r != 0)
        return r;
    *plan = (struct husk_plan){.ops = p.ops,
                               .n = p.n,
                               .action = req->action,
                               .id = req->id,
                               .cgroups = p.cgroups,
                               .n_cgroups = p.n_cgroups,
                               .notes = {p.notes, p.n_notes}};
    return HUSK_OK;
}
#endif
