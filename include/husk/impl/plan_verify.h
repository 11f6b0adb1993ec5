/* husk/impl/plan_verify.h - is a plan safe to apply? Part of plan.h's implementation.
 *
 * A plan may come from a file, so nothing is taken for granted. It says what it likes about the host, being
 * as powerful as who applies it; what is refused is a plan whose steps do not fit together, so that one would
 * act on the wrong thing, at the wrong time, or not at all:
 *
 *   who      each kind is its actors' own; child operations lie between the one spawn and the one exec; at most one
 *            fork; create has one gate, run and exec have none
 *   slots    defined earlier, by the same actor or before spawn, whichever operations failed or were left out meanwhile;
 *            a slot is made by its own kind of operation, and its kind of file was expected
 *   paths    absolute without a slot, relative below one; ".." only where the slot is a root; once the child's root has
 *            changed, only "/" without a slot
 *   host     a child mounts, renames and brings up interfaces only in namespaces that are known not to be the caller's;
 *            the parent mounts nothing
 *   order    once the child set capabilities or became the program's user: no mount, node, directory, namespace, root,
 *            terminal, host name. Once it has a seccomp filter: only caps, give of the listener, waits, startContainer hooks,
 *            fds, exec. Descriptors are closed and the program is found before exec. A listener given by its number is
 *            waited for before gate and exec
 *   failure  what lowers privileges, and what both actors run, is never left out and aborts; the operations of an else
 *            are its actor's own
 *   sizes    texts, lists, filters bounded; every number one that its field can have
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_VERIFY_IMPLEMENTED)
#define HUSK_PLAN_VERIFY_IMPLEMENTED
#include <errno.h>
#include <stdarg.h>

#define HUSK__MAX_PATH 4096u           /* PATH_MAX, with the NUL */
#define HUSK__MAX_TEXT (4u << 20)      /* any other string */
#define HUSK__MAX_ARG 131072u          /* the kernel's MAX_ARG_STRLEN, with the NUL */
#define HUSK__MAX_ITEMS 65536u         /* of a list; the kernel's NGROUPS_MAX, too */
#define HUSK__MAX_FILTER (4096u * 8)   /* BPF_MAXINSNS struct sock_filter */
#define HUSK__MAX_PROGRAM (65536u * 8) /* struct bpf_insn; the kernel's verifier has the last word */
#define HUSK__MAX_NESTED 4u            /* else within else */

/* Who may run a kind: 1 << enum husk_who. */
#define HUSK__P (1u << HUSK_PARENT)
#define HUSK__C (1u << HUSK_CHILD)
#define HUSK__B (1u << HUSK_BOTH)
enum husk__op_traits {
    HUSK__ABORTS = 8,    /* going on without it would go on with too much privilege, or out of step */
    HUSK__EARLY = 16,    /* of the child: needs what caps and user take away */
    HUSK__FILTERED = 32, /* of the child: may follow seccomp */
    HUSK__UNDOABLE = 64, /* makes something that has a name and outlives the container */
};

static const uint8_t husk__op_rules[HUSK_OP_COUNT] = {
    [HUSK_OP_OPEN] = HUSK__P | HUSK__C,
    [HUSK_OP_MKDIR] = HUSK__P | HUSK__C | HUSK__EARLY | HUSK__UNDOABLE,
    [HUSK_OP_WRITE] = HUSK__P | HUSK__C,
    [HUSK_OP_SYMLINK] = HUSK__P | HUSK__C | HUSK__EARLY | HUSK__UNDOABLE,
    [HUSK_OP_MKNOD] = HUSK__P | HUSK__C | HUSK__EARLY | HUSK__UNDOABLE,
    [HUSK_OP_MOUNT] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_ATTR] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_MASK] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_ROOT] = HUSK__C | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_SPAWN] = HUSK__B | HUSK__ABORTS,
    [HUSK_OP_FORK] = HUSK__B | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_SETNS] = HUSK__C | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_UNSHARE] = HUSK__C | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_SYNC] = HUSK__B | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_PTY] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_GIVE] = HUSK__B | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_SEND] = HUSK__P,
    [HUSK_OP_STDIO] = HUSK__C,
    [HUSK_OP_HOSTNAME] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_IFUP] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_RLIMIT] = HUSK__P | HUSK__C,
    [HUSK_OP_KEYRING] = HUSK__C,
    [HUSK_OP_USER] = HUSK__C | HUSK__ABORTS,
    [HUSK_OP_BOUND] = HUSK__C | HUSK__ABORTS,
    [HUSK_OP_CAPS] = HUSK__C | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_PRCTL] = HUSK__C | HUSK__ABORTS,
    [HUSK_OP_SECCOMP] = HUSK__C | HUSK__ABORTS,
    [HUSK_OP_CHDIR] = HUSK__C,
    [HUSK_OP_HOME] = HUSK__C,
    [HUSK_OP_LOOKUP] = HUSK__C | HUSK__ABORTS,
    [HUSK_OP_SOCKET] = HUSK__P | HUSK__UNDOABLE,
    [HUSK_OP_GATE] = HUSK__B | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_MEMFD] = HUSK__P,
    [HUSK_OP_FILL] = HUSK__P,
    [HUSK_OP_HOOK] = HUSK__P | HUSK__C | HUSK__FILTERED,
    [HUSK_OP_BPF] = HUSK__P,
    [HUSK_OP_RECORD] = HUSK__P,
    [HUSK_OP_PIDFILE] = HUSK__P | HUSK__UNDOABLE,
    [HUSK_OP_FDS] = HUSK__C | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_EXEC] = HUSK__B | HUSK__ABORTS | HUSK__FILTERED,
    [HUSK_OP_COPY] = HUSK__P | HUSK__C,
    [HUSK_OP_COPYUP] = HUSK__C | HUSK__EARLY,
    [HUSK_OP_TREE] = HUSK__B | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_USERNS] = HUSK__P,
    [HUSK_OP_NETDEV] = HUSK__B | HUSK__EARLY | HUSK__ABORTS,
    [HUSK_OP_SCHED] = HUSK__C,
    [HUSK_OP_IOPRIO] = HUSK__C,
    [HUSK_OP_MEMPOLICY] = HUSK__C,
    [HUSK_OP_PERSONALITY] = HUSK__C,
    [HUSK_OP_AFFINITY] = HUSK__C,
    [HUSK_OP_CHOWN] = HUSK__P,
    [HUSK_OP_CHECK] = HUSK__P,
    [HUSK_OP_HELPER] = HUSK__P,
};

/* Which operation makes a slot, and what the file must have been expected to be. A family follows its first
 * slot. */
static const struct {
    uint16_t slot;
    uint8_t maker, expect;
} husk__slot_rules[] = {
    {HUSK_SLOT_ROOTFS, HUSK_OP_OPEN, HUSK_EXPECT_DIR},
    {HUSK_SLOT_PROC, HUSK_OP_OPEN, HUSK_EXPECT_PROCFS},
    {HUSK_SLOT_DEVNULL, HUSK_OP_OPEN, HUSK_EXPECT_NULL_DEVICE},
    {HUSK_SLOT_CONSOLE_SOCKET, HUSK_OP_SOCKET, 0},
    {HUSK_SLOT_PIDFD_SOCKET, HUSK_OP_SOCKET, 0},
    {HUSK_SLOT_GATE, HUSK_OP_SOCKET, 0},
    {HUSK_SLOT_HOOK_STATE, HUSK_OP_MEMFD, 0},
    {HUSK_SLOT_HOOK_CREATE, HUSK_OP_MEMFD, 0},
    {HUSK_SLOT_HOOK_START, HUSK_OP_MEMFD, 0},
    {HUSK_SLOT_LISTENER_SOCKET, HUSK_OP_SOCKET, 0},
    {HUSK_SLOT_NS_USER, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_MNT, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_PID, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_NET, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_IPC, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_UTS, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_CGROUP, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_NS_TIME, HUSK_OP_OPEN, HUSK_EXPECT_NSFS},
    {HUSK_SLOT_CG, HUSK_OP_OPEN, HUSK_EXPECT_CGROUPFS},
    {HUSK_SLOT_JOIN, HUSK_OP_OPEN, HUSK_EXPECT_CGROUPFS},
    {HUSK_SLOT_AUX, HUSK_OP_OPEN, HUSK_EXPECT_ANY},
};

struct husk__verifier {
    const struct husk_plan *plan;
    const struct husk_op *op; /* being looked at, number i */
    uint32_t i, bad;
    enum husk_slot made; /* by op when it succeeds, or HOST; only with an else */
    bool spawned, forked, gated, executed, root_changed, dropped, filtered, fds_closed, found;
    bool given; /* the listener, by its number: not taken for certain */
    uint64_t own;                     /* CLONE_NEW* in which the child is not with the caller */
    bool defined[2][HUSK_SLOT_COUNT]; /* by actor */
    bool other[HUSK_SLOT_COUNT];      /* a namespace that is known not to be the caller's */
    uint32_t *used_until;             /* by slot: 1 + the child's last operation that uses it; may be NULL */
    struct {
        uint32_t end;                  /* the last operation of this else */
        bool defined[HUSK_SLOT_COUNT]; /* what its actor has when the operation succeeded */
    } otherwise[HUSK__MAX_NESTED];
    uint32_t nested;
    struct husk_err *err;
    struct husk_errs *all; /* NULL: stop at the first */
    struct husk_arena *arena;
};

static bool husk__refuse(struct husk__verifier *v, const char *fmt, ...) HUSK_PRINTF(2, 3);
static bool husk__refuse(struct husk__verifier *v, const char *fmt, ...)
{
    const struct husk_op *op = v->op;
    struct husk_err err, *grown;
    char msg[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (op == NULL)
        husk_fail(&err, HUSK_EARG, HUSK_DIAG_PLAN_UNSAFE, 0, "", "unsafe plan: %s", msg);
    else
        husk_fail(&err, HUSK_EARG, HUSK_DIAG_PLAN_UNSAFE, 0, op->why, "unsafe plan: operation %u (%s): %s",
                  (unsigned)v->i, husk_op_name(op->kind), msg);
    err.op = op ? v->i : HUSK_NO_OP;
    if (v->bad++ == 0 && v->err != NULL)
        *v->err = err;
    if (v->all == NULL)
        return false;
    if (v->all->n == v->all->cap) {
        uint32_t cap = v->all->cap ? 2 * v->all->cap : 8;
        grown = husk_arena_grow(v->arena, v->all->v, v->all->n * sizeof err, cap * sizeof err);
        if (grown == NULL)
            return false;
        v->all->v = grown;
        v->all->cap = cap;
    }
    v->all->v[v->all->n++] = err;
    return false;
}

static bool husk__in_range(enum husk_slot slot, enum husk_slot first)
{
    return slot >= first && slot < first + HUSK_SLOT_FAMILY;
}

/* Does the operation run in this actor? */
static bool husk__runs_in(const struct husk_op *op, enum husk_who actor)
{
    return op->who == actor || op->who == HUSK_BOTH;
}

/* The operation looks at the slot when it is there. */
static void husk__may_use_slot(struct husk__verifier *v, enum husk_slot slot)
{
    if (v->used_until != NULL)
        v->used_until[slot] = v->i + 1;
}

static void husk__use_slot(struct husk__verifier *v, enum husk_who actor, enum husk_slot slot)
{
    char name[24];

    if (actor == HUSK_CHILD && (uint32_t)slot < HUSK_SLOT_COUNT)
        husk__may_use_slot(v, slot);

    if ((uint32_t)slot >= HUSK_SLOT_COUNT)
        husk__refuse(v, "there is no slot %u", (unsigned)slot);
    else if (slot != HUSK_SLOT_HOST && !v->defined[actor][slot])
        husk__refuse(v, "%s is not defined here in the %s", husk_slot_name(slot, name),
                     actor == HUSK_PARENT ? "parent" : "child");
}

/* Not when it may fail: then the slot is what it was, or what its else defines. */
static void husk__define_slot(struct husk__verifier *v, enum husk_who actor, enum husk_slot slot)
{
    if (v->op->on_fail == HUSK_ABORT)
        v->defined[actor][slot] = true;
    else if (v->op->on_fail == HUSK_ELSE)
        v->made = slot;
}

static bool husk__makes_aux(enum husk_op_kind kind)
{
    return kind == HUSK_OP_MEMFD || kind == HUSK_OP_TREE || kind == HUSK_OP_USERNS;
}

static void husk__new_slot(struct husk__verifier *v, enum husk_slot slot)
{
    uint32_t first = slot, k = 0;
    char name[24];

    if (husk__in_range(slot, HUSK_SLOT_CG))
        first = HUSK_SLOT_CG;
    else if (husk__in_range(slot, HUSK_SLOT_JOIN))
        first = HUSK_SLOT_JOIN;
    else if (husk__in_range(slot, HUSK_SLOT_AUX))
        first = HUSK_SLOT_AUX;
    while (k < HUSK_COUNT(husk__slot_rules) && husk__slot_rules[k].slot != first)
        k++;
    if (k == HUSK_COUNT(husk__slot_rules) || (v->op->kind != (enum husk_op_kind)husk__slot_rules[k].maker &&
                                              !(first == HUSK_SLOT_AUX && husk__makes_aux(v->op->kind)))) {
        husk__refuse(v, "cannot define %s", husk_slot_name(slot, name));
        return;
    }
    if (v->op->kind == HUSK_OP_OPEN && husk__slot_rules[k].expect != HUSK_EXPECT_ANY &&
        v->op->u.open.expect != (enum husk_expect)husk__slot_rules[k].expect &&
        !(v->op->u.open.expect == HUSK_EXPECT_OTHER_NS && husk__slot_rules[k].expect == HUSK_EXPECT_NSFS))
        husk__refuse(v, "%s must be opened with the right expect=", husk_slot_name(slot, name));
    v->other[slot] = v->op->kind == HUSK_OP_OPEN && v->op->u.open.expect == HUSK_EXPECT_OTHER_NS;
    husk__define_slot(v, v->op->who == HUSK_BOTH ? HUSK_CHILD : v->op->who, slot); /* tree: the parent keeps nothing */
}

static bool husk__has_dotdot(const char *path)
{
    for (const char *c = path; *c; c += strcspn(c, "/"), c += *c == '/')
        if (c[0] == '.' && c[1] == '.' && (c[2] == '/' || c[2] == '\0'))
            return true;
    return false;
}

/* A file system's `source` is a name to show, not a path. */
static bool husk__is_label(const struct husk_op *op, const struct husk_path *path)
{
    return op->kind == HUSK_OP_MOUNT && path == &op->u.mount.source &&
           !(op->u.mount.flags & (MS_BIND | MS_MOVE));
}

static void husk__verify_path(struct husk__verifier *v, const struct husk_path *p, const char *field)
{
    const char *rel = p->rel ? p->rel : "";
    enum husk_resolve how = husk_slot_resolve(p->slot);

    if (strnlen(rel, HUSK__MAX_PATH) == HUSK__MAX_PATH)
        husk__refuse(v, "%s is too long", field);
    else if (husk__is_label(v->op, p) && p->slot != HUSK_SLOT_HOST)
        husk__refuse(v, "%s of a file system cannot be below a slot", field);
    else if (husk__is_label(v->op, p))
        return;
    else if (p->slot == HUSK_SLOT_HOST && rel[0] != '/')
        husk__refuse(v, "%s is neither absolute nor below a slot", field);
    else if (p->slot == HUSK_SLOT_HOST && v->op->who == HUSK_CHILD && v->root_changed && rel[1] != '\0')
        husk__refuse(v, "%s is a path of the host, but the child's root has changed", field);
    else if (p->slot != HUSK_SLOT_HOST && rel[0] == '/')
        husk__refuse(v, "%s is absolute below a slot", field);
    else if (how == HUSK_RESOLVE_NONE && rel[0] != '\0')
        husk__refuse(v, "%s: there is nothing below this slot", field);
    else if ((how == HUSK_RESOLVE_BENEATH || how == HUSK_RESOLVE_MAGIC) && husk__has_dotdot(rel))
        husk__refuse(v, "%s has '..'", field);
    if (p->slot != HUSK_SLOT_HOST)
        husk__use_slot(v, v->op->who == HUSK_CHILD ? HUSK_CHILD : HUSK_PARENT, p->slot);
}

static void husk__verify_strings(struct husk__verifier *v, const struct husk_list *l, const char *field)
{
    if (l->n > HUSK__MAX_ITEMS) {
        husk__refuse(v, "%s has too many items", field);
        return;
    }
    for (uint32_t k = 0; k < l->n; k++)
        if (l->v[k] == NULL || strnlen(l->v[k], HUSK__MAX_ARG) == HUSK__MAX_ARG) {
            husk__refuse(v, "%s has an item that is too long", field);
            return;
        }
}

/* What the table of fields knows: presence, sizes, words, slots. */
static void husk__verify_field(struct husk__verifier *v, const struct husk__field *f)
{
    const void *at = husk__field_at(v->op, f);
    const struct husk_u32s *nums = at;
    uint64_t value;
    const char *s;
    bool known = false;

    if (f->must && husk__field_absent(v->op, f)) {
        husk__refuse(v, "%s is missing", f->name);
        return;
    }
    switch (f->type) {
    case HUSK__PATH:
        husk__verify_path(v, at, f->name);
        break;
    case HUSK__LIST:
        husk__verify_strings(v, at, f->name);
        break;
    case HUSK__STR:
        memcpy(&s, at, sizeof s);
        if (s != NULL && strnlen(s, HUSK__MAX_TEXT) == HUSK__MAX_TEXT)
            husk__refuse(v, "%s is too long", f->name);
        break;
    case HUSK__NUMS:
        if (nums->n > HUSK__MAX_ITEMS)
            husk__refuse(v, "%s has too many items", f->name);
        break;
    case HUSK__ENUM:
    case HUSK__OPTION:
        for (uint32_t k = 0; !known && husk__word(f->words, k, &value) != NULL; k++)
            known = value == husk__field_num(v->op, f);
        if (!known)
            husk__refuse(v, "%s has no such value", f->name);
        break;
    case HUSK__SLOT: /* give: the child's; spawn and tree: the parent's; everything else is its own actor's */
        husk__use_slot(v,
                       v->op->who == HUSK_PARENT || v->op->kind == HUSK_OP_SPAWN || v->op->kind == HUSK_OP_TREE
                           ? HUSK_PARENT
                           : HUSK_CHILD,
                       (enum husk_slot)husk__field_num(v->op, f));
        break;
    case HUSK__NEW_SLOT:
        husk__new_slot(v, (enum husk_slot)husk__field_num(v->op, f));
        break;
    default:
        break;
    }
}

#include "husk/impl/plan_verify_ops.h"

static void husk__verify_failure(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    bool hole = false;

    if (op->on_fail > HUSK_ELSE || (op->on_fail != HUSK_ELSE && op->skip != 0) ||
        (op->on_fail == HUSK_ELSE && op->skip == 0))
        husk__refuse(v, "on_fail makes no sense");
    if (op->on_fail != HUSK_ABORT && husk__op_rules[op->kind] & HUSK__ABORTS)
        husk__refuse(v, "must not fail unnoticed");
    for (size_t k = 0; k < HUSK_COUNT(op->errnos); k++) {
        if (op->errnos[k] < 0 || op->errnos[k] > 4095 ||
            (op->errnos[k] != 0 && (hole || op->on_fail == HUSK_ABORT)))
            husk__refuse(v, "on_fail has a bad errno");
        hole = hole || op->errnos[k] == 0;
    }
    if (op->kind == HUSK_OP_MASK &&
        op->on_fail != HUSK_ABORT) /* a path that is there stays hidden or nothing starts */
        for (size_t k = 0; k < HUSK_COUNT(op->errnos); k++)
            if ((op->errnos[k] == 0 && k == 0) ||
                (op->errnos[k] != 0 && op->errnos[k] != ENOENT && op->errnos[k] != ENOTDIR))
                husk__refuse(v, "only a missing path may be left unmasked");
    if (op->undo && !(op->who == HUSK_PARENT && husk__op_rules[op->kind] & HUSK__UNDOABLE))
        husk__refuse(v, "has nothing to undo");
}

/* Called after the checks of op i: opens its else, and closes those that end here. Each actor has its own
 * list, so what is known about slots is kept for the actor of the else, whose operations alone are in it. */
static void husk__verify_else(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    enum husk_who actor = op->who == HUSK_CHILD ? HUSK_CHILD : HUSK_PARENT;
    uint32_t last = v->plan->n - 1, end = op->skip > last - v->i ? last : v->i + op->skip;

    if (op->on_fail == HUSK_ELSE && op->skip > 0) {
        if (op->skip > last - v->i || (v->nested && end > v->otherwise[v->nested - 1].end))
            husk__refuse(v, "else goes past the end, or past the else around it");
        for (uint32_t k = v->i + 1; k <= end && v->nested < HUSK__MAX_NESTED; k++)
            if (v->plan->ops[k].who != op->who || op->who == HUSK_BOTH ||
                (uint32_t)v->plan->ops[k].kind >= HUSK_OP_COUNT ||
                husk__op_rules[v->plan->ops[k].kind] & HUSK__ABORTS) {
                husk__refuse(v, "else would leave out operation %u", (unsigned)k);
                break;
            }
        if (v->nested == HUSK__MAX_NESTED) {
            husk__refuse(v, "else is nested too deeply");
        } else {
            memcpy(v->otherwise[v->nested].defined, v->defined[actor], sizeof v->defined[actor]);
            v->otherwise[v->nested].defined[v->made] = true;
            v->otherwise[v->nested++].end = end;
        }
    }
    for (; v->nested > 0 && v->otherwise[v->nested - 1].end <= v->i; v->nested--)
        for (uint32_t k = 0; k < HUSK_SLOT_COUNT; k++)
            v->defined[actor][k] = v->defined[actor][k] && v->otherwise[v->nested - 1].defined[k];
}

static void husk__verify_op(struct husk__verifier *v)
{
    const struct husk_op *op = v->op;
    bool child;

    if ((uint32_t)op->kind >= HUSK_OP_COUNT || (uint32_t)op->who > HUSK_BOTH) {
        husk__refuse(v, "no such operation or actor");
        return;
    }
    if (!(husk__op_rules[op->kind] & 1u << op->who))
        husk__refuse(v, "is not for that actor");
    if (op->why != NULL && strnlen(op->why, HUSK__MAX_PATH) == HUSK__MAX_PATH)
        husk__refuse(v, "why is too long");
    child = husk__runs_in(op, HUSK_CHILD);
    if (child && !v->spawned && op->kind != HUSK_OP_SPAWN)
        husk__refuse(v, "needs the child, which is not there yet");
    if (child && v->executed)
        husk__refuse(v, "exec is the child's last operation");
    if (child && v->dropped && husk__op_rules[op->kind] & HUSK__EARLY)
        husk__refuse(v, "comes after the child has given up privileges");
    if (child && v->filtered && !(husk__op_rules[op->kind] & HUSK__FILTERED))
        husk__refuse(v, "comes after the seccomp filter");
    husk__verify_failure(v);
    for (const struct husk__field *f = husk__fields_of(op->kind); f->name != NULL; f++)
        husk__verify_field(v, f);
    husk__verify_kind(v);
}

static void husk__verify_places(struct husk__verifier *v)
{
    const struct husk_plan *plan = v->plan;

    if ((uint32_t)plan->action > HUSK_EXEC)
        husk__refuse(v, "no such action");
    if (plan->id == NULL || plan->id[0] == '\0')
        husk__refuse(v, "the container id is missing");
    if (plan->n == 0 || plan->n > HUSK__PLAN_MAX_OPS || plan->n_cgroups > HUSK_SLOT_FAMILY)
        husk__refuse(v, "no, or too many, operations or cgroups");
    for (uint32_t k = 0; k < plan->n_cgroups && k < HUSK_SLOT_FAMILY; k++) {
        const struct husk_cgroup_place *c = &plan->cgroups[k];
        if (c->backend == NULL || (c->version != 1 && c->version != 2) || c->path == NULL || c->path[0] != '/' || c->dir == NULL ||
            c->dir[0] != '/' || husk__has_dotdot(c->path) || husk__has_dotdot(c->dir))
            husk__refuse(v, "cgroup %u is not a place", (unsigned)k);
    }
}

static uint32_t husk__verify_plan(struct husk__verifier *v)
{
    const struct husk_plan *plan = v->plan;

    v->defined[HUSK_PARENT][HUSK_SLOT_STATE] = true;
    v->defined[HUSK_PARENT][HUSK_SLOT_TARGET] = plan->action == HUSK_EXEC;
    husk__verify_places(v);
    for (uint32_t i = 0; i < plan->n && i < HUSK__PLAN_MAX_OPS && (v->bad == 0 || v->all != NULL); i++) {
        v->i = i;
        v->op = &plan->ops[i];
        v->made = HUSK_SLOT_HOST;
        husk__verify_op(v);
        husk__verify_else(v);
    }
    v->op = NULL;
    if (v->bad > 0 && v->all == NULL)
        return v->bad;
    if (!v->spawned)
        husk__refuse(v, "no process is created");
    if (!v->executed)
        husk__refuse(v, "nothing is executed");
    if (plan->action == HUSK_CREATE && !v->gated)
        husk__refuse(v, "create without a gate would not wait for start");
    return v->bad;
}

/* Verifies, and tells how long the child needs each slot. */
static int husk__verify_uses(const struct husk_plan *plan, uint32_t used_until[HUSK_SLOT_COUNT], struct husk_err *err)
{
    struct husk__verifier v = {.plan = plan, .err = err, .used_until = used_until};

    return husk__verify_plan(&v) ? HUSK_EARG : HUSK_OK;
}

HUSK_API int husk_plan_verify(const struct husk_plan *plan, struct husk_err *err)
{
    return husk__verify_uses(plan, NULL, err);
}

HUSK_API uint32_t husk_plan_lint(const struct husk_plan *plan, struct husk_arena *arena,
                                 struct husk_errs *all)
{
    struct husk__verifier v = {.plan = plan, .all = all, .arena = arena};

    return husk__verify_plan(&v);
}
#endif
