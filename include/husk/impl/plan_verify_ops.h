/* husk/impl/plan_verify_ops.h - the rules that belong to one kind of operation. Part of plan_verify.h. */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_VERIFY_OPS_IMPLEMENTED)
#define HUSK_PLAN_VERIFY_OPS_IMPLEMENTED
#include "husk/impl/sys.h"

#define HUSK__NEW_ANY                                                                                        \
    ((uint64_t)CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER |     \
     CLONE_NEWCGROUP | CLONE_NEWTIME)

static void husk__verify_mount_ns(struct husk__verifier *v)
{
    if (v->op->who == HUSK_CHILD && !(v->own & CLONE_NEWNS))
        husk__refuse(v, "would change mounts of the host: the child has no mount namespace");
}

static void husk__verify_propagation(struct husk__verifier *v, const struct husk_u32s *p)
{
    const uint32_t types = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

    for (uint32_t k = 0; k < p->n && k < HUSK__MAX_ITEMS; k++) {
        uint32_t type = p->v[k] & types;
        if (type == 0 || (type & (type - 1)) != 0 || p->v[k] & ~(types | (uint32_t)MS_REC)) {
            husk__refuse(v, "propagation has no such value");
            return;
        }
    }
}

/* Options for an existing mount: known, and none both set and cleared. */
static void husk__verify_options(struct husk__verifier *v, uint64_t set, uint64_t clear, uint64_t rec_set,
                                 uint64_t rec_clear)
{
    const uint64_t not_options =
        MS_BIND | MS_MOVE | MS_REC | MS_REMOUNT | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    const uint64_t recursive = HUSK__ATTR_RDONLY | HUSK__ATTR_NOSUID | HUSK__ATTR_NODEV | HUSK__ATTR_NOEXEC |
                               HUSK__ATTR_ATIME | HUSK__ATTR_NODIRATIME | HUSK__ATTR_NOSYMFOLLOW;

    if ((set | clear) > UINT32_MAX || (set | clear) & not_options || set & clear)
        husk__refuse(v, "set and clear are not options of a mount");
    if ((rec_set | rec_clear) & ~recursive || (rec_set & rec_clear) & ~(uint64_t)HUSK__ATTR_ATIME)
        husk__refuse(v, "rec_set and rec_clear are not options of mounts");
}

static void husk__verify_mount(struct husk__verifier *v)
{
    const struct husk_op_mount *m = &v->op->u.mount;
    bool bind = m->flags & MS_BIND, move = m->flags & MS_MOVE;

    husk__verify_mount_ns(v);
    husk__verify_propagation(v, &m->propagation);
    husk__verify_options(v, m->set, m->clear, m->rec_set, m->rec_clear);
    if (m->flags > UINT32_MAX ||
        m->flags & (MS_REMOUNT | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) || (bind && move))
        husk__refuse(v, "flags are not those of a new mount");
    if ((bind || move) && m->flags & ~(uint64_t)(MS_BIND | MS_MOVE | MS_REC))
        husk__refuse(v, "a bind takes its options from set and clear");
    if (move && !husk__in_range(m->source.slot, HUSK_SLOT_AUX))
        husk__refuse(v, "only a tree is moved");
    if ((bind || move) != (m->fstype == NULL))
        husk__refuse(v, bind || move ? "a bind has no file system type" : "the file system type is missing");
    if (!bind && !move && (m->set || m->clear || m->create == HUSK_CREATE_LIKE_SOURCE))
        husk__refuse(v, "only a bind has set, clear and create=like-source");
}

/* The namespace that a descriptor of the slot joins; 0 for other slots. */
static uint64_t husk__slot_ns(enum husk_slot slot)
{
    static const struct {
        enum husk_slot slot;
        uint64_t type;
    } rows[] = {
        {HUSK_SLOT_NS_USER, CLONE_NEWUSER},     {HUSK_SLOT_NS_MNT, CLONE_NEWNS},
        {HUSK_SLOT_NS_PID, CLONE_NEWPID},       {HUSK_SLOT_NS_NET, CLONE_NEWNET},
        {HUSK_SLOT_NS_IPC, CLONE_NEWIPC},       {HUSK_SLOT_NS_UTS, CLONE_NEWUTS},
        {HUSK_SLOT_NS_CGROUP, CLONE_NEWCGROUP}, {HUSK_SLOT_NS_TIME, CLONE_NEWTIME},
    };

    for (size_t k = 0; k < HUSK_COUNT(rows); k++)
        if (rows[k].slot == slot)
            return rows[k].type;
    return 0;
}

static void husk__verify_spawn(struct husk__verifier *v)
{
    if (v->spawned)
        husk__refuse(v, "there is a child already");
    if (v->op->u.spawn.flags & ~HUSK__NEW_ANY)
        husk__refuse(v, "flags: only new namespaces");
    if (v->op->u.spawn.cgroup != HUSK_SLOT_HOST && !husk__in_range(v->op->u.spawn.cgroup, HUSK_SLOT_CG))
        husk__refuse(v, "enters a cgroup only");
    v->spawned = true;
    v->own |= v->op->u.spawn.flags & HUSK__NEW_ANY;
    memcpy(v->defined[HUSK_CHILD], v->defined[HUSK_PARENT], sizeof v->defined[HUSK_CHILD]);
    v->defined[HUSK_PARENT][HUSK_SLOT_TASK] = v->defined[HUSK_PARENT][HUSK_SLOT_PIDFD] = true;
}

static void husk__verify_namespaces(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    uint64_t flags = op->kind == HUSK_OP_FORK      ? op->u.fork.flags
                     : op->kind == HUSK_OP_UNSHARE ? op->u.unshare.flags
                                                   : op->u.setns.type;

    if (flags & ~HUSK__NEW_ANY)
        husk__refuse(v, "flags: only namespaces");
    if (op->kind != HUSK_OP_SETNS || ((uint32_t)op->u.setns.slot < HUSK_SLOT_COUNT && v->other[op->u.setns.slot]))
        v->own |= flags & HUSK__NEW_ANY;
    if (op->kind == HUSK_OP_FORK && (flags & CLONE_NEWTIME))
        husk__refuse(v, "flags: clone(2) makes no time namespace");
    if (op->kind == HUSK_OP_FORK && v->forked)
        husk__refuse(v, "there is a fork already");
    if (op->kind == HUSK_OP_FORK)
        v->forked = true;
    if (op->kind == HUSK_OP_SETNS && husk__slot_ns(op->u.setns.slot) != flags)
        husk__refuse(v, "the slot holds another type of namespace");
    if (op->kind == HUSK_OP_SETNS && flags == CLONE_NEWNS && v->plan->action == HUSK_EXEC)
        v->root_changed =
            true; /* setns(2) moves the root, too; run goes on to mount a root of its own there */
}

static void husk__verify_tree(struct husk__verifier *v, const struct husk_op_tree *t)
{
    if ((uint32_t)t->userns < HUSK_SLOT_COUNT && t->userns != HUSK_SLOT_HOST && t->userns != HUSK_SLOT_NS_USER &&
        !husk__in_range(t->userns, HUSK_SLOT_AUX))
        husk__refuse(v, "userns is not a user namespace");
    if (t->idmap_recursive && t->userns == HUSK_SLOT_HOST)
        husk__refuse(v, "there is no id map");
    if (t->inside && t->source.slot != HUSK_SLOT_HOST)
        husk__refuse(v, "a slot of the parent is not inside");
    if (t->inside && (!v->spawned || !(v->own & CLONE_NEWNS)))
        husk__refuse(v, "inside needs a child with a mount namespace");
}

static void husk__verify_send(struct husk__verifier *v, const struct husk_op_send *s)
{
    if ((s->data == NULL) == (s->content == HUSK_SLOT_HOST))
        husk__refuse(v, "sends either data or the content of a memfd");
    if (s->content != HUSK_SLOT_HOST && !husk__in_range(s->content, HUSK_SLOT_AUX))
        husk__refuse(v, "content is not a memfd");
    if (s->socket != HUSK_SLOT_CONSOLE_SOCKET && s->socket != HUSK_SLOT_PIDFD_SOCKET &&
        s->socket != HUSK_SLOT_LISTENER_SOCKET)
        husk__refuse(v, "sends to a connected socket only");
    else
        v->defined[HUSK_PARENT][s->socket] = false; /* it is closed */
    if (s->slot != HUSK_SLOT_CONSOLE && s->slot != HUSK_SLOT_PIDFD && s->slot != HUSK_SLOT_LISTENER)
        husk__refuse(v, "sends @console, @pidfd and @listener only");
}

static void husk__verify_descriptors(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    enum husk_slot slot;

    switch (op->kind) {
    case HUSK_OP_OPEN:
        if (op->u.open.flags & (O_CREAT | O_EXCL | O_TRUNC) ||
            (op->u.open.flags & __O_TMPFILE) == __O_TMPFILE)
            husk__refuse(v, "flags: open does not make files");
        if (op->u.open.slot == HUSK_SLOT_PROC && v->plan->action == HUSK_EXEC && op->who == HUSK_PARENT)
            husk__refuse(v, "others in the container could reach the host by it: exec opens the container's");
        break;
    case HUSK_OP_SOCKET:
        if ((op->u.socket.slot == HUSK_SLOT_GATE) != op->u.socket.listen)
            husk__refuse(v, "@gate listens, other sockets connect");
        break;
    case HUSK_OP_GIVE:
        slot = op->u.give.slot;
        if (slot != HUSK_SLOT_CONSOLE && slot != HUSK_SLOT_LISTENER)
            husk__refuse(v, "the child gives @console and @listener only");
        else
            husk__define_slot(v, HUSK_PARENT, slot);
        if (v->filtered && slot != HUSK_SLOT_LISTENER)
            husk__refuse(v, "comes after the seccomp filter");
        if (op->u.give.by_number != (slot == HUSK_SLOT_LISTENER))
            husk__refuse(v, "the listener, and only that, is given by its number");
        v->given = v->given || op->u.give.by_number;
        break;
    case HUSK_OP_TREE:
        husk__verify_tree(v, &op->u.tree);
        break;
    case HUSK_OP_SEND:
        husk__verify_send(v, &op->u.send);
        break;
    case HUSK_OP_FILL:
        if ((op->u.fill.slot < HUSK_SLOT_HOOK_STATE || op->u.fill.slot > HUSK_SLOT_HOOK_START) &&
            !husk__in_range(op->u.fill.slot, HUSK_SLOT_AUX))
            husk__refuse(v, "fills a memfd only");
        break;
    case HUSK_OP_BPF:
        if (!husk__in_range(op->u.bpf.slot, HUSK_SLOT_CG))
            husk__refuse(v, "attaches to a cgroup only");
        if (op->u.bpf.program.n % 8 != 0 || op->u.bpf.program.n > HUSK__MAX_PROGRAM)
            husk__refuse(v, "program is not whole instructions, or too long");
        break;
    default:
        break;
    }
}

/* Numbers that become bits of a fixed mask in the child. */
static void husk__verify_bits(struct husk__verifier *v, const struct husk_u32s *numbers)
{
    for (uint32_t k = 0; k < numbers->n && k < HUSK__MAX_ITEMS; k++)
        if (numbers->v[k] >= HUSK_MASK_BITS) {
            husk__refuse(v, "has a number above %u", HUSK_MASK_BITS - 1);
            return;
        }
}

static void husk__verify_identity(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    const struct husk_op_caps *c = &op->u.caps;
    const struct husk_op_user *u = &op->u.user;

    switch (op->kind) {
    case HUSK_OP_RLIMIT:
        if (op->u.rlimit.soft > op->u.rlimit.hard)
            husk__refuse(v, "soft is above hard");
        if (op->who == HUSK_PARENT && !v->spawned)
            husk__refuse(v, "needs the child, which is not there yet");
        break;
    case HUSK_OP_USER:
        if (u->uid == HUSK_ID_KEEP || u->gid == HUSK_ID_KEEP)
            husk__refuse(v, "uid and gid are needed");
        for (uint32_t k = 0; k < u->groups.n && k < HUSK__MAX_ITEMS; k++)
            if (u->groups.v[k] == HUSK_ID_KEEP)
                husk__refuse(v, "groups has no such value");
        if (u->umask != HUSK_ID_KEEP && u->umask > 0777)
            husk__refuse(v, "umask has no such value");
        if (u->no_setgroups && u->groups.n > 0)
            husk__refuse(v, "groups, but no setgroups");
        /* Whoever makes mounts in a user namespace, mostly its root, keeps the umask; the program's user has one. */
        v->dropped = v->dropped || (u->uid != 0 && u->umask != HUSK_ID_KEEP);
        break;
    case HUSK_OP_CAPS:
        if (c->effective & ~c->permitted || c->ambient & ~(c->permitted & c->inheritable))
            husk__refuse(v, "effective must be permitted; ambient permitted and inheritable");
        v->dropped = true;
        break;
    case HUSK_OP_SECCOMP:
        if (op->u.seccomp.filter.n % 8 != 0 || op->u.seccomp.filter.n > HUSK__MAX_FILTER)
            husk__refuse(v, "filter is not whole instructions, or too long");
        if (op->u.seccomp.flags & HUSK__FILTER_NEW_LISTENER)
            husk__define_slot(v, HUSK_CHILD, HUSK_SLOT_LISTENER);
        v->filtered = true;
        break;
    case HUSK_OP_FDS:
        if (op->u.fds.preserve > 1u << 20)
            husk__refuse(v, "preserve is too large");
        v->fds_closed = true;
        break;
    case HUSK_OP_LOOKUP:
        v->found = true;
        break;
    case HUSK_OP_IOPRIO:
        if (op->u.ioprio.level > 7)
            husk__refuse(v, "level is 0 to 7");
        break;
    case HUSK_OP_MEMPOLICY:
    case HUSK_OP_AFFINITY:
        husk__verify_bits(v, op->kind == HUSK_OP_AFFINITY ? &op->u.affinity.cpus : &op->u.mempolicy.nodes);
        break;
    case HUSK_OP_CHDIR:
        if (op->u.chdir.path != NULL && op->u.chdir.path[0] != '/')
            husk__refuse(v, "path is not absolute");
        break;
    default:
        break;
    }
}

/* What is given by its number has to stay open until it is taken. */
static void husk__verify_taken(struct husk__verifier *v)
{
    if (v->given)
        husk__refuse(v, "the parent may not have the listener yet: a sync from it is missing");
}

static void husk__verify_lifecycle(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    const char *path = op->kind == HUSK_OP_HOOK      ? op->u.hook.path
                       : op->kind == HUSK_OP_PIDFILE ? op->u.pidfile.path
                       : op->kind == HUSK_OP_HELPER  ? op->u.helper.path
                                                     : NULL;
    bool inside;

    if (path != NULL && path[0] != '/')
        husk__refuse(v, "path is not absolute");
    switch (op->kind) {
    case HUSK_OP_SYNC:
        if (op->u.sync.from == HUSK_BOTH || (op->u.sync.name != NULL && op->u.sync.name[0] == '\0'))
            husk__refuse(v, "is from the parent or from the child, and has a name");
        if (v->given && op->u.sync.from == HUSK_PARENT)
            husk__may_use_slot(v, HUSK_SLOT_LISTENER); /* until the parent has taken it */
        v->given = v->given && op->u.sync.from != HUSK_PARENT;
        break;
    case HUSK_OP_GATE:
        if (v->plan->action != HUSK_CREATE || v->gated)
            husk__refuse(v, v->gated ? "there is a gate already" : "only create waits for start");
        husk__use_slot(v, HUSK_CHILD, HUSK_SLOT_GATE);
        husk__verify_taken(v);
        v->gated = true;
        memset(v->defined[HUSK_PARENT], 0, sizeof v->defined[HUSK_PARENT]); /* `start` is another process */
        v->defined[HUSK_PARENT][HUSK_SLOT_STATE] = true;
        break;
    case HUSK_OP_HOOK:
        inside =
            op->u.hook.kind == HUSK_HOOK_CREATE_CONTAINER || op->u.hook.kind == HUSK_HOOK_START_CONTAINER;
        if (inside != (op->who == HUSK_CHILD))
            husk__refuse(v, "a hook of this kind is not for that actor");
        if (v->filtered && op->who == HUSK_CHILD && op->u.hook.kind != HUSK_HOOK_START_CONTAINER)
            husk__refuse(v, "comes after the seccomp filter");
        husk__use_slot(v, op->who == HUSK_CHILD ? HUSK_CHILD : HUSK_PARENT, husk_hook_slot(op->u.hook.kind));
        break;
    case HUSK_OP_EXEC:
        if (!v->fds_closed)
            husk__refuse(v, "descriptors of the host would stay open: fds is missing");
        if (op->u.exec.argv.n == 0 && v->plan->action != HUSK_CREATE)
            husk__refuse(v, "argv is missing");
        if (!v->found && op->u.exec.argv.n > 0)
            husk__refuse(v, "there is no program: lookup is missing");
        husk__verify_taken(v);
        v->executed = true;
        break;
    case HUSK_OP_HELPER:
        if (op->u.helper.pid_at == 0 || op->u.helper.pid_at >= op->u.helper.argv.n)
            husk__refuse(v, "pid_at is not an argument");
        if (!v->spawned)
            husk__refuse(v, "needs the child, which is not there yet");
        break;
    case HUSK_OP_RECORD:
    case HUSK_OP_PIDFILE:
        if (!v->spawned)
            husk__refuse(v, "needs the child, which is not there yet");
        break;
    default:
        break;
    }
}

static void husk__verify_mode(struct husk__verifier *v)
{
    uint32_t type = v->op->u.mknod.mode & S_IFMT;

    if (v->op->kind == HUSK_OP_MKNOD && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)
        husk__refuse(v, "mode is neither a device's nor a fifo's");
    if (v->op->kind == HUSK_OP_MKDIR && v->op->u.mkdir.mode > 07777)
        husk__refuse(v, "mode is not a directory's");
}

static void husk__verify_kind(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;

    switch (op->kind) {
    case HUSK_OP_MOUNT:
        husk__verify_mount(v);
        break;
    case HUSK_OP_ATTR:
        husk__verify_mount_ns(v);
        husk__verify_propagation(v, &op->u.attr.propagation);
        husk__verify_options(v, op->u.attr.set, op->u.attr.clear, op->u.attr.rec_set, op->u.attr.rec_clear);
        break;
    case HUSK_OP_MASK:
        husk__verify_mount_ns(v);
        husk__use_slot(v, HUSK_CHILD, HUSK_SLOT_DEVNULL);
        break;
    case HUSK_OP_ROOT:
        if (op->u.root.how != HUSK_ROOT_CHROOT)
            husk__verify_mount_ns(v);
        husk__use_slot(v, HUSK_CHILD, HUSK_SLOT_ROOTFS);
        v->root_changed = true;
        break;
    case HUSK_OP_MKNOD:
    case HUSK_OP_MKDIR:
        husk__verify_mode(v);
        break;
    case HUSK_OP_SPAWN:
        husk__verify_spawn(v);
        break;
    case HUSK_OP_FORK:
    case HUSK_OP_SETNS:
    case HUSK_OP_UNSHARE:
        husk__verify_namespaces(v);
        break;
    case HUSK_OP_PTY:
        husk__use_slot(v, HUSK_CHILD, HUSK_SLOT_ROOTFS);
        husk__define_slot(v, HUSK_CHILD, HUSK_SLOT_CONSOLE);
        husk__define_slot(v, HUSK_CHILD, HUSK_SLOT_TTY);
        break;
    case HUSK_OP_HOME:
        husk__may_use_slot(v, HUSK_SLOT_ROOTFS);
        break;
    case HUSK_OP_STDIO:
        husk__may_use_slot(v, HUSK_SLOT_ROOTFS);
        if (op->u.stdio.terminal)
            husk__use_slot(v, HUSK_CHILD, HUSK_SLOT_TTY);
        break;
    case HUSK_OP_HOSTNAME:
        if (!(v->own & CLONE_NEWUTS))
            husk__refuse(v, "would rename the host: the child has no uts namespace");
        break;
    case HUSK_OP_NETDEV:
    case HUSK_OP_IFUP:
        if (!(v->own & CLONE_NEWNET))
            husk__refuse(v, "would change the host's network: the child has no network namespace");
        break;
    default:
        husk__verify_descriptors(v);
        husk__verify_identity(v);
        husk__verify_lifecycle(v);
    }
}
#endif
