/* husk/impl/plan_mounts.h - the root filesystem: mounts, devices, hooks around them, the root switch.
 * Part of plan.h's implementation; see plan_make.h.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_MOUNTS_IMPLEMENTED)
#define HUSK_PLAN_MOUNTS_IMPLEMENTED
#include <linux/capability.h>
#include <sys/stat.h>

static const char *husk__root_path(struct husk_planner *p)
{
    const char *path = p->spec->root.path ? p->spec->root.path : "rootfs";
    const char *full = path[0] == '/' ? path : husk_plan_str(p, "%s/%s", p->req->bundle, path);
    size_t n = strlen(full);

    while (n > 1 && full[n - 1] == '/') /* O_NOFOLLOW follows "link/" */
        n--;
    return husk_plan_str(p, "%.*s", (int)n, full);
}

static const char *husk__below(const char *path)
{
    while (*path == '/')
        path++;
    return path;
}

/* A destination below the root: "a/../b" is b, as written (others do so, too); symlinks are apply's, inside the root. */
static const char *husk__clean(struct husk_planner *p, const char *path)
{
    size_t n = 0, part;
    bool plain = !strstr(path, "..") && !strstr(path, "//") && !strstr(path, "/./");
    char *out = plain ? NULL : husk_strdup(p->arena, path);

    if (out == NULL)
        return husk__below(path);
    for (path = husk__below(path); *path != '\0'; path = husk__below(path + part)) {
        part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            while (n > 0 && out[--n] != '/')
                ;
        } else if (part != 1 || path[0] != '.') {
            if (n > 0)
                out[n++] = '/';
            memmove(out + n, path, part);
            n += part;
        }
    }
    out[n] = '\0';
    return out;
}

/* Is `destination` lexically the directory `dir` (absolute, no trailing slash)? */
static bool husk__is_dir(const char *destination, const char *dir)
{
    size_t n = strlen(dir);
    const char *d = husk__below(destination), *want = husk__below(dir);

    n -= (size_t)(want - dir);
    if (strncmp(d, want, n) != 0)
        return false;
    for (d += n; *d == '/' || (*d == '.' && (d[1] == '/' || d[1] == '\0')); d++)
        ;
    return *d == '\0';
}

static bool husk__is_bind(const struct husk_mount *m)
{
    return m->flags_set & MS_BIND;
}

static bool husk__is_cgroup(const struct husk_mount *m)
{
    return !husk__is_bind(m) && m->type != NULL && (strcmp(m->type, "cgroup") == 0 || strcmp(m->type, "cgroup2") == 0);
}

#include "husk/impl/plan_binds.h"

/* A read-only tmpfs is filled first: what lies below it is made by later operations. */
static bool husk__ro_later(const struct husk_mount *m)
{
    return !husk__is_bind(m) && (m->flags_set & MS_RDONLY) && m->type != NULL && strcmp(m->type, "tmpfs") == 0;
}

static int husk__check_mount_label(struct husk_planner *p)
{
    const char *label = p->spec->linux_.mount_label;

    if (label == NULL || label[0] == '\0' || p->host->features[HUSK_FEATURE_SELINUX])
        return HUSK_OK;
    return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_FEATURE, 0, "/linux/mountLabel", "SELinux is not enabled here");
}

/* With SELinux, for all files of a file system that holds no labels of its own. The kernel's have theirs; mqueue is
 * mounted already, with another context. */
static const char *husk__mount_data(struct husk_planner *p, const struct husk_mount *m)
{
    static const char *const unlabelled[] = {"proc", "sysfs", "mqueue"};
    const char *label = p->spec->linux_.mount_label;

    for (size_t i = 0; i < HUSK_COUNT(unlabelled); i++)
        if (label == NULL || label[0] == '\0' || strcmp(m->type, unlabelled[i]) == 0)
            return m->data;
    return husk_plan_str(p, "%s%scontext=\"%s\"", m->data ? m->data : "", m->data ? "," : "", label);
}

static void husk__plan_new_filesystem(struct husk_planner *p, const struct husk_mount *m, const char *why)
{
    struct husk_path target = {HUSK_SLOT_ROOTFS, husk__clean(p, m->destination)};
    struct husk_op *op;

    if (m->tmpcopyup) { /* what will be covered is held first; a tmpfs takes its mode, also where nothing was before */
        husk_add(p, HUSK_OP_MKDIR, HUSK_CHILD, why)->u.mkdir =
            (struct husk_op_mkdir){target, 01777, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
        if (p->covered == HUSK_SLOT_HOST)
            p->covered = husk__new_aux(p);
        husk_add_open(p, HUSK_CHILD, p->covered, target.slot, target.rel, O_PATH | O_DIRECTORY, HUSK_EXPECT_DIR, why);
    }
    op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, why);
    op->u.mount = (struct husk_op_mount){
        .source = {HUSK_SLOT_HOST, m->source ? m->source : m->type},
        .target = target,
        .fstype = m->type,
        .data = husk__mount_data(p, m),
        .flags = husk__ro_later(m) ? m->flags_set & ~(uint64_t)MS_RDONLY : m->flags_set,
        .rec_set = m->rec_set,
        .rec_clear = m->rec_clear,
        .propagation = husk__propagation(m),
        .create = HUSK_CREATE_DIR,
    };
    if (m->tmpcopyup)
        husk_add(p, HUSK_OP_COPYUP, HUSK_CHILD, why)->u.copyup = (struct husk_op_copyup){p->covered, target};
}

/* The kernel mounts sysfs for the owner of the network namespace alone. */
static bool husk__is_foreign_sysfs(const struct husk_planner *p, const struct husk_mount *m)
{
    return strcmp(m->type, "sysfs") == 0 && (p->new_userns || p->joined_userns) &&
           !((p->new_ns | p->join_ns) & CLONE_NEWNET) && p->host->features[HUSK_FEATURE_MOUNT_SETATTR];
}

/* The host's, with its cgroups, and therefore read-only all through. */
static void husk__plan_foreign_sysfs(struct husk_planner *p, const struct husk_mount *m, const char *why)
{
    struct husk_mount bind = *m;

    bind.source = "/sys";
    bind.flags_set |= MS_BIND | MS_REC;
    bind.rec_set |= HUSK__ATTR_RDONLY;
    husk__plan_bind(p, &bind, why);
    husk_plan_note(p, why, "the network namespace is not the user namespace's: the host's /sys is bound, read-only");
}

static int husk__plan_mount(struct husk_planner *p, const struct husk_mount *m, const char *why)
{
    int r = husk__can_mount(p, m, why);
    struct husk_op *op;

    if (r != 0)
        return r;
    if (m->flags_set & MS_REMOUNT) {
        op = husk_add(p, HUSK_OP_ATTR, HUSK_CHILD, why);
        op->u.attr = (struct husk_op_attr){{HUSK_SLOT_ROOTFS, husk__clean(p, m->destination)},
                                           m->flags_set & ~(uint64_t)(MS_REMOUNT | MS_BIND),
                                           m->flags_clear,
                                           m->rec_set,
                                           m->rec_clear,
                                           husk__propagation(m)};
        return HUSK_OK;
    }
    if (husk__is_bind(m)) {
        husk__plan_bind(p, m, why);
        return HUSK_OK;
    }
    if (husk__is_cgroup(m)) {
        for (uint32_t i = 0; i < p->n_cgroups; i++) /* one backend lays out all: v1 when the host has any */
            if (p->cgroups[i].version == 1 || i + 1 == p->n_cgroups)
                return husk__place_backend(p, i)->plan_mount(p, m, why);
        husk_plan_note(p, why, "the container has no cgroup: %s is left out", m->destination);
        return HUSK_OK;
    }
    if (husk__is_foreign_sysfs(p, m))
        husk__plan_foreign_sysfs(p, m, why);
    else
        husk__plan_new_filesystem(p, m, why);
    return HUSK_OK;
}

static const struct {
    const char *path;
    uint32_t major, minor;
} husk__default_devices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static struct husk_op_mknod husk__mknod(const struct husk_device *d, struct husk_path path)
{
    return (struct husk_op_mknod){path,
                                  d->type | (d->mode.set ? d->mode.v : 0666u),
                                  d->major,
                                  d->minor,
                                  d->uid.set ? d->uid.v : 0,
                                  d->gid.set ? d->gid.v : 0};
}

/* For a user namespace, made by its caller: the host need not have it, and mode and owner are the configuration's. */
static bool husk__plan_own_node(struct husk_planner *p, const struct husk_device *d, struct husk_path node, const char *why)
{
    const struct husk_linux *l = &p->spec->linux_;
    struct husk_op_mknod m = husk__mknod(d, node);
    struct husk_op *op;

    if (!husk__clones_sources(p) || !husk_host_has_cap(p->host, CAP_MKNOD) ||
        !husk__host_id(&l->uid_mappings, m.uid, &m.uid) || !husk__host_id(&l->gid_mappings, m.gid, &m.gid))
        return false;
    if (!p->own_nodes) { /* whoever may use them in the container, on the host it is root alone */
        op = husk_add(p, HUSK_OP_MKDIR, HUSK_PARENT, why);
        op->u.mkdir = (struct husk_op_mkdir){{HUSK_SLOT_STATE, "devices"}, 0700, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
        op->undo = p->own_nodes = true;
    }
    op = husk_add(p, HUSK_OP_MKNOD, HUSK_PARENT, why);
    op->u.mknod = m;
    op->undo = true;
    return true;
}

/* Who may not make nodes, as in a user namespace, has one bound: the host's, or its own, which goes by the name `node`.
 * mknod then finds it there, and compares. */
static void husk__plan_device(struct husk_planner *p, const struct husk_device *d, const char *node, const char *why)
{
    static const uint32_t rslave[] = {MS_SLAVE | MS_REC};
    struct husk_path target = {HUSK_SLOT_ROOTFS, husk__clean(p, d->path)}, source = {HUSK_SLOT_HOST, d->path},
                     own = {HUSK_SLOT_STATE, node};
    bool may = !p->userns && husk_host_has_cap(p->host, CAP_MKNOD);
    uint64_t flags = MS_MOVE;
    struct husk_op *op;

    if (!may && d->type != S_IFIFO) {
        bool made = node != NULL && husk__plan_own_node(p, d, own, why);
        if (made) /* the child cannot see it; of one node there is nothing to lock */
            source = husk__plan_tree(p, &(struct husk_op_tree){.source = own}, why);
        else
            flags = husk_add_source(p, &source, false, why);
        op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, why);
        op->u.mount = (struct husk_op_mount){.source = source,
                                             .target = target,
                                             .flags = flags,
                                             .set = MS_NOSUID | MS_NOEXEC,
                                             .clear = made ? MS_NODEV : 0, /* where the state is kept */
                                             .propagation = {rslave, flags == MS_MOVE},
                                             .create = HUSK_CREATE_FILE};
    }
    husk_add(p, HUSK_OP_MKNOD, HUSK_CHILD, why)->u.mknod = husk__mknod(d, target);
}

static void husk__plan_symlink(struct husk_planner *p, const char *path, const char *target)
{
    struct husk_op *op = husk_add(p, HUSK_OP_SYMLINK, HUSK_CHILD, "default");

    op->u.symlink = (struct husk_op_symlink){{HUSK_SLOT_ROOTFS, path}, target};
    husk__ignore(op, EEXIST, 0, 0);
}

/* An image whose /dev is a symlink wants its devices and links made somewhere else. */
static void husk__plan_dev(struct husk_planner *p)
{
    struct husk_op *op;

    for (uint32_t i = 0; i < p->spec->mounts.n; i++)
        if (husk__is_dir(p->spec->mounts.v[i].destination, "/dev"))
            return;
    if (p->covered == HUSK_SLOT_HOST)
        p->covered = husk__new_aux(p);
    op = husk_add_open(p, HUSK_CHILD, p->covered, HUSK_SLOT_ROOTFS, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW,
                       HUSK_EXPECT_DIR, "default");
    husk__ignore(op, ENOENT, 0, 0);
}

static void husk__plan_devices(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    if (p->full_dev)
        husk__plan_dev(p);
    for (uint32_t i = 0; p->full_dev && i < HUSK_COUNT(husk__default_devices); i++) {
        struct husk_device d = {.type = S_IFCHR,
                                .path = husk__default_devices[i].path,
                                .major = husk__default_devices[i].major,
                                .minor = husk__default_devices[i].minor};
        bool replaced = false;
        for (uint32_t k = 0; k < l->devices.n; k++)
            replaced = replaced || husk__is_dir(husk__clean(p, l->devices.v[k].path), d.path);
        if (!replaced)
            husk__plan_device(p, &d, NULL, "default");
    }
    for (uint32_t i = 0; i < l->devices.n; i++)
        husk__plan_device(p, &l->devices.v[i], husk_plan_str(p, "devices/%u", i),
                          husk_plan_str(p, "/linux/devices/%u", i));
    if (!p->full_dev)
        return;
    husk__plan_symlink(p, "dev/fd", "/proc/self/fd");
    husk__plan_symlink(p, "dev/stdin", "/proc/self/fd/0");
    husk__plan_symlink(p, "dev/stdout", "/proc/self/fd/1");
    husk__plan_symlink(p, "dev/stderr", "/proc/self/fd/2");
    if (p->host->features[HUSK_FEATURE_KCORE])
        husk__plan_symlink(p, "dev/core", "/proc/kcore");
    husk__plan_symlink(p, "dev/ptmx", "pts/ptmx");
}

static void husk__plan_console(struct husk_planner *p)
{
    struct husk_op *op;

    if (!p->process->terminal)
        return;
    op = husk_add(p, HUSK_OP_PTY, HUSK_CHILD, "/process/terminal");
    op->u.pty =
        (struct husk_op_pty){p->process->console_size.height, p->process->console_size.width, p->process->user.uid};
    if (p->req->action == HUSK_EXEC)
        return;
    op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, "/process/terminal");
    op->u.mount = (struct husk_op_mount){.source = {HUSK_SLOT_TTY, NULL},
                                         .target = {HUSK_SLOT_ROOTFS, "dev/console"},
                                         .flags = MS_BIND,
                                         .create = HUSK_CREATE_FILE};
}

/* A container's state, runtime.md, as far as a plan knows it: what comes before the pid, and what after. */
static void husk__state_text(struct husk_planner *p, const char *status, struct husk_text *head, struct husk_text *tail)
{
    struct husk_json_out o = {.text = tail};

    husk_textf(head, "{\"ociVersion\":\"%s\",\"id\":", HUSK_OCI_VERSION);
    husk_json_quote(head, p->req->id);
    husk_textf(head, ",\"status\":\"%s\",\"pid\":", status);
    husk_text_str(tail, ",\"bundle\":");
    husk_json_quote(tail, p->req->bundle ? p->req->bundle : "/");
    if (p->spec->annotations.n > 0) {
        husk_text_str(tail, ",\"annotations\":");
        husk_json_begin(&o, NULL, '{');
        for (uint32_t i = 0; i < p->spec->annotations.n; i++)
            husk_json_put_str(&o, p->spec->annotations.v[i].name, p->spec->annotations.v[i].value);
        husk_json_end(&o, '}');
    }
    husk_text_str(tail, "}");
}

/* The state that hooks of a kind read. */
static void husk__plan_hook_state(struct husk_planner *p, enum husk_slot slot, const char *status)
{
    bool in_container = slot != HUSK_SLOT_HOOK_STATE;
    struct husk_text head = {.arena = p->arena}, tail = {.arena = p->arena};
    struct husk_op *op;

    husk__state_text(p, status, &head, &tail);
    husk_text_str(&tail, "\n");
    if (slot == HUSK_SLOT_HOOK_STATE)
        husk_add(p, HUSK_OP_MEMFD, HUSK_PARENT, "/hooks")->u.memfd.slot = slot;
    op = husk_add(p, HUSK_OP_FILL, HUSK_PARENT, "/hooks");
    op->u.fill = (struct husk_op_fill){slot, head.data, NULL, tail.data, in_container && (p->new_ns & CLONE_NEWPID)};
}

static void husk__plan_hooks(struct husk_planner *p, enum husk_hook_kind kind, enum husk_who who)
{
    const struct husk_hook_list *list = &p->spec->hooks[kind];

    for (uint32_t i = 0; i < list->n; i++) {
        const struct husk_hook *h = &list->v[i];
        struct husk_op *op =
            husk_add(p, HUSK_OP_HOOK, who, husk_plan_str(p, "/hooks/%s/%u", husk_hook_kind_name(kind), i));
        const struct husk_strs path_only = {&h->path, 1, true};
        op->u.hook = (struct husk_op_hook){
            .kind = kind,
            .path = h->path,
            .timeout_sec = h->timeout_sec.v,
            .argv = husk__list(p, h->args.n ? &h->args : &path_only),
            .envp = husk__list(p, &h->env),
        };
    }
}

/* prestart and createRuntime in the caller's namespaces, then createContainer in the container's: after the mounts, before the
 * root is changed (config.md, "POSIX-platform Hooks"). */
static void husk__plan_create_hooks(struct husk_planner *p)
{
    const struct husk_hook_list *h = p->spec->hooks;
    bool inside = h[HUSK_HOOK_CREATE_CONTAINER].n > 0,
         outside = h[HUSK_HOOK_PRESTART].n + h[HUSK_HOOK_CREATE_RUNTIME].n > 0;

    if (!inside && !outside)
        return;
    husk__sync(p, HUSK_CHILD, "mounted");
    husk_add(p, HUSK_OP_RECORD, HUSK_PARENT, "/hooks")->u.record.status = "creating";
    if (outside) {
        husk__plan_hook_state(p, HUSK_SLOT_HOOK_STATE, "creating");
        husk__plan_hooks(p, HUSK_HOOK_PRESTART, HUSK_PARENT);
        husk__plan_hooks(p, HUSK_HOOK_CREATE_RUNTIME, HUSK_PARENT);
    }
    if (inside)
        husk__plan_hook_state(p, HUSK_SLOT_HOOK_CREATE, "creating");
    husk__sync(p, HUSK_PARENT, "runtime-hooks-done");
    husk__plan_hooks(p, HUSK_HOOK_CREATE_CONTAINER, HUSK_CHILD);
}

/* Protection of paths comes last, so that hooks see what they have to set up; it still is before the root switch, where
 * the host's verified /dev/null can be bound. */
static void husk__plan_protect(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;
    struct husk_op *op;

    for (uint32_t i = 0; i < l->readonly_paths.n; i++) {
        struct husk_path path = {HUSK_SLOT_ROOTFS, husk__clean(p, l->readonly_paths.v[i])};
        op = husk_add(p, HUSK_OP_MOUNT, HUSK_CHILD, husk_plan_str(p, "/linux/readonlyPaths/%u", i));
        op->u.mount =
            (struct husk_op_mount){.source = path, .target = path, .flags = MS_BIND | MS_REC, .set = MS_RDONLY};
        husk__ignore(op, ENOENT, ENOTDIR, 0);
    }
    if (l->masked_paths.n > 0)
        husk_add_open(p, HUSK_CHILD, HUSK_SLOT_DEVNULL, HUSK_SLOT_HOST, "/dev/null", O_PATH | O_NOFOLLOW,
                      HUSK_EXPECT_NULL_DEVICE, "/linux/maskedPaths");
    for (uint32_t i = 0; i < l->masked_paths.n; i++) {
        op = husk_add(p, HUSK_OP_MASK, HUSK_CHILD, husk_plan_str(p, "/linux/maskedPaths/%u", i));
        op->u.mask.path = (struct husk_path){HUSK_SLOT_ROOTFS, husk__clean(p, l->masked_paths.v[i])};
        husk__ignore(op, ENOENT, ENOTDIR, 0);
    }
    for (uint32_t i = 0; i < p->spec->mounts.n; i++) {
        const struct husk_mount *m = &p->spec->mounts.v[i];
        if (!husk__ro_later(m))
            continue;
        op = husk_add(p, HUSK_OP_ATTR, HUSK_CHILD, husk_plan_str(p, "/mounts/%u", i));
        op->u.attr =
            (struct husk_op_attr){.target = {HUSK_SLOT_ROOTFS, husk__clean(p, m->destination)}, .set = MS_RDONLY};
    }
    if (p->spec->root.readonly) {
        op = husk_add(p, HUSK_OP_ATTR, HUSK_CHILD, "/root/readonly");
        op->u.attr = (struct husk_op_attr){.target = {HUSK_SLOT_ROOTFS, NULL}, .set = MS_RDONLY};
    }
}

static void husk__plan_root_switch(struct husk_planner *p, bool mount_ns)
{
    static const uint32_t shared[] = {MS_SHARED}, slave[] = {MS_SLAVE}, none[] = {MS_PRIVATE},
                          unbindable[] = {MS_UNBINDABLE};
    const struct husk_opt_u32 *want = &p->spec->linux_.rootfs_propagation;
    const uint32_t *value = none;
    struct husk_op *op = husk_add(p, HUSK_OP_ROOT, HUSK_CHILD, "/root/path");

    op->u.root.how = !mount_ns ? HUSK_ROOT_CHROOT : p->req->no_pivot ? HUSK_ROOT_MOVE : HUSK_ROOT_PIVOT;
    if (!want->set || !mount_ns)
        return;
    if (want->v & MS_SHARED)
        value = shared;
    else if (want->v & MS_SLAVE)
        value = slave;
    else if (want->v & MS_UNBINDABLE)
        value = unbindable;
    op = husk_add(p, HUSK_OP_ATTR, HUSK_CHILD, "/linux/rootfsPropagation");
    op->u.attr = (struct husk_op_attr){.target = {HUSK_SLOT_ROOTFS, NULL}, .propagation = {value, 1}};
}

/* One for all processes of the container, by its name; keys of the caller stay outside. */
static int husk__plan_keyring(struct husk_planner *p)
{
    struct husk_op *op;
    int r;

    if (p->req->no_new_keyring || !p->host->features[HUSK_FEATURE_KEYRINGS])
        return HUSK_OK;
    if ((r = husk__plan_key_labels(p)) != 0)
        return r;
    op = husk_add(p, HUSK_OP_KEYRING, HUSK_CHILD, "default");
    op->u.keyring.name = husk_plan_str(p, "_ses.%s", p->req->id);
    husk__ignore(op, ENOSYS, EPERM, EACCES);
    return HUSK_OK;
}

static void husk__plan_network(struct husk_planner *p)
{
    if (p->new_ns & CLONE_NEWNET)
        husk_add(p, HUSK_OP_IFUP, HUSK_CHILD, "default")->u.ifup.name = "lo";
}

/* Late, since a virtual device dies with the container's namespace when what follows fails; but hooks see it. */
static int husk__plan_net_devices(struct husk_planner *p)
{
    const struct husk_linux *l = &p->spec->linux_;

    if (l->net_devices.n > 0 && !husk_host_has_cap(p->host, CAP_NET_ADMIN))
        return husk_fail(p->err, HUSK_EHOST, HUSK_DIAG_NO_PERMISSION, 0, "/linux/netDevices",
                         "to move the host's network devices needs CAP_NET_ADMIN");
    for (uint32_t i = 0; i < l->net_devices.n; i++)
        husk_add(p, HUSK_OP_NETDEV, HUSK_BOTH, husk_plan_member(p, "/linux/netDevices", l->net_devices.v[i].host_name))
            ->u.netdev = (struct husk_op_netdev){l->net_devices.v[i].host_name, l->net_devices.v[i].name};
    return HUSK_OK;
}

/* Keys are checked by the spec stage: only namespaced ones come here. "a.b/c" and "a/b.c": the first separator decides. */
static void husk__plan_sysctl(struct husk_planner *p)
{
    const struct husk_pairs *s = &p->spec->linux_.sysctl;

    for (uint32_t i = 0; i < s->n; i++) {
        char *path = husk_arena_alloc(p->arena, strlen(s->v[i].name) + sizeof "sys/");
        const char *first = strpbrk(s->v[i].name, "./");
        if (path == NULL)
            return;
        strcpy(path, "sys/");
        strcpy(path + 4, s->v[i].name);
        for (char *c = path + 4; first != NULL && *first == '.' && *c; c++)
            *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
        husk_add_write(p, HUSK_CHILD, HUSK_SLOT_PROC, path, s->v[i].value,
                       husk_plan_member(p, "/linux/sysctl", s->v[i].name));
    }
}

static int husk__plan_root(struct husk_planner *p, bool mount_ns)
{
    static const uint32_t rslave[] = {MS_SLAVE | MS_REC};
    const struct husk_storage_backend *storage;
    struct husk_op *op;

    if (!mount_ns) {
        husk_add_open(p, HUSK_CHILD, HUSK_SLOT_ROOTFS, HUSK_SLOT_HOST, husk__root_path(p),
                      O_PATH | O_DIRECTORY | O_NOFOLLOW, HUSK_EXPECT_DIR, "/root/path");
        return HUSK_OK;
    }
    /* Nothing that is mounted from here on may propagate to the host. */
    op = husk_add(p, HUSK_OP_ATTR, HUSK_CHILD, "default");
    op->u.attr = (struct husk_op_attr){.target = {HUSK_SLOT_HOST, "/"}, .propagation = {rslave, 1}};
    storage = husk__backend_for(p, HUSK_BACKEND_STORAGE, NULL, "/root", "no storage for the root filesystem");
    if (storage == NULL)
        return HUSK_EHOST;
    return storage->plan_root(p, husk__root_path(p));
}

/* Whatever is mounted or made without one would be the host's. */
static int husk__plan_needs_mount_ns(struct husk_planner *p, bool mount_ns)
{
    const struct husk_spec *s = p->spec;
    const struct {
        bool used;
        const char *at;
    } rows[] = {
        {s->mounts.n > 0, "/mounts"},
        {s->root.readonly, "/root/readonly"},
        {s->linux_.devices.n > 0, "/linux/devices"},
        {s->linux_.masked_paths.n > 0, "/linux/maskedPaths"},
        {s->linux_.readonly_paths.n > 0, "/linux/readonlyPaths"},
        {p->process->terminal, "/process/terminal"},
    };

    for (size_t i = 0; i < HUSK_COUNT(rows) && !mount_ns; i++)
        if (rows[i].used)
            return husk_fail(p->err, HUSK_ESPEC, HUSK_DIAG_CONFLICT, 0, rows[i].at,
                             "this needs a mount namespace in /linux/namespaces");
    return HUSK_OK;
}

static int husk__plan_filesystem(struct husk_planner *p)
{
    const struct husk_spec *s = p->spec;
    bool mount_ns = (p->new_ns | p->join_ns) & CLONE_NEWNS;
    int r = husk__plan_needs_mount_ns(p, mount_ns);

    if (r != 0 || (r = husk__check_mount_label(p)) != 0 || (r = husk__plan_keyring(p)) != 0)
        return r;
    husk__plan_network(p);
    if ((r = husk__plan_root(p, mount_ns)) != 0)
        return r;
    p->full_dev = mount_ns;
    for (uint32_t i = 0; i < s->mounts.n; i++) {
        if (husk__is_bind(&s->mounts.v[i]) && husk__is_dir(s->mounts.v[i].destination, "/dev"))
            p->full_dev = false;
        if ((r = husk__plan_mount(p, &s->mounts.v[i], husk_plan_str(p, "/mounts/%u", i))) != 0)
            return r;
    }
    husk__plan_devices(p);
    husk__plan_console(p);
    if ((r = husk__plan_net_devices(p)) != 0)
        return r;
    husk__plan_create_hooks(p);
    husk__plan_sysctl(p);
    if (s->hostname != NULL)
        husk_add(p, HUSK_OP_HOSTNAME, HUSK_CHILD, "/hostname")->u.hostname =
            (struct husk_op_hostname){s->hostname, false};
    if (s->domainname != NULL)
        husk_add(p, HUSK_OP_HOSTNAME, HUSK_CHILD, "/domainname")->u.hostname =
            (struct husk_op_hostname){s->domainname, true};
    if (p->process->cwd != NULL && husk__clean(p, p->process->cwd)[0] != '\0') {
        struct husk_op *op = husk_add(p, HUSK_OP_MKDIR, HUSK_CHILD, "/process/cwd");
        op->u.mkdir = (struct husk_op_mkdir){
            {HUSK_SLOT_ROOTFS, husk__clean(p, p->process->cwd)}, 0755, HUSK_ID_KEEP, HUSK_ID_KEEP, false};
        husk__ignore(op, EACCES, EROFS,
                     ENOTDIR); /* chdir says what is wrong with it, as the user who has to get there */
    }
    husk__plan_protect(p);
    husk__plan_root_switch(p, mount_ns);
    return HUSK_OK;
}
#endif
