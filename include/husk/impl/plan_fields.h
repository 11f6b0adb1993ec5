/* husk/impl/plan_fields.h - the one description of every operation's fields.
 *
 * Part of plan.h's implementation. Printing, parsing, JSON, verifying and the tests read these tables; a new
 * field of op.h needs one line here and nothing else.
 */
#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_FIELDS_IMPLEMENTED)
#define HUSK_PLAN_FIELDS_IMPLEMENTED
#include "husk/impl/sys.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* How a field is written. Numbers have 1, 4 or 8 bytes: the table knows. Absent fields are 0, UINT32_MAX for
 * ID and UMASK. */
enum husk__field_type {
    HUSK__NUM,      /* 5; absent when 0 */
    HUSK__INT,      /* -5; absent when 0 */
    HUSK__ID,       /* 5; absent when HUSK_ID_KEEP, so 0 is seen */
    HUSK__UMASK,    /* 022; absent when HUSK_ID_KEEP */
    HUSK__MODE,     /* 0755, or with a node's type c0666 */
    HUSK__COUNT,    /* 5; always written */
    HUSK__LIMIT,    /* 5, unlimited; always written */
    HUSK__BOOL,     /* the name alone */
    HUSK__ENUM,     /* one word; always written */
    HUSK__OPTION,   /* one word; absent when 0 */
    HUSK__FLAGS,    /* words and rest in hex: nosuid|nodev|0x4000; absent when 0 */
    HUSK__CAPS,     /* the same, always written: none */
    HUSK__SLOT,     /* @rootfs, which must be defined */
    HUSK__NEW_SLOT, /* @rootfs, which this operation defines */
    HUSK__PATH,     /* /a/b below HUSK_SLOT_HOST, else @rootfs:a/b */
    HUSK__STR,      /* a word, or "quoted"; absent when NULL */
    HUSK__LIST,     /* ["a","b"] */
    HUSK__BYTES,    /* base64 */
    HUSK__NUMS,     /* [1,2], or words when the field has some: [private|rec] */
    HUSK__ON_FAIL,  /* ignore(ENOENT), else(2,ENOENT); absent when it aborts */
};

/* Words for numbers: `own` first, so that combined bits come before single ones, then what `more` lists. */
struct husk__words {
    const struct husk_name *own;
    const char *(*more)(int table, uint32_t i,
                        uint64_t *value); /* NULL after the last; value 0 is passed over in flags */
    int table;
    const char *prefix; /* of the names in that table; what follows is written in lower case */
};

struct husk__field {
    const char *name; /* NULL ends a list */
    enum husk__field_type type;
    bool must; /* an operation without it makes no sense: verify's business */
    uint16_t offset, size;
    const struct husk__words *words;
};

static const char *husk__more_names(int table, uint32_t i, uint64_t *value)
{
    const struct husk_name *n = &husk_table((enum husk_table)table)[i];

    *value = n->value;
    return n->name;
}

static const char *husk__more_caps(int table, uint32_t i, uint64_t *value)
{
    const char *name = husk__more_names(table, i, value);

    *value = UINT64_C(1) << (*value & 63);
    return name;
}

/* table: the kind of mount option that has the flags wanted here; the others have no name here. */
static const char *husk__more_mount(int table, uint32_t i, uint64_t *value)
{
    const struct husk_mount_option *o = &husk_mount_options()[i];
    bool recursive = table == HUSK_MOPT_RECURSIVE;
    bool wanted = o->on && (recursive ? o->kind == HUSK_MOPT_RECURSIVE
                                      : o->kind == HUSK_MOPT_FLAG || o->kind == HUSK_MOPT_PROPAGATION);

    *value = wanted ? o->value : 0;
    return wanted || o->name == NULL ? o->name : "";
}

static const char *husk__more_hooks(int table, uint32_t i, uint64_t *value)
{
    (void)table;
    *value = i;
    return i < HUSK_HOOK_KINDS ? husk_hook_kind_name((enum husk_hook_kind)i) : NULL;
}

/* clang-format off */
#define HUSK__OWN(...) (const struct husk_name[]){ __VA_ARGS__, {NULL, 0} }
/* clang-format on */

static const struct husk__words husk__who_words = {
    .own = HUSK__OWN({"parent", HUSK_PARENT}, {"child", HUSK_CHILD}, {"both", HUSK_BOTH})};
static const struct husk__words husk__action_words = {
    .own = HUSK__OWN({"create", HUSK_CREATE}, {"run", HUSK_RUN}, {"exec", HUSK_EXEC})};
static const struct husk__words husk__expect_words = {
    .own = HUSK__OWN({"any", HUSK_EXPECT_ANY}, {"dir", HUSK_EXPECT_DIR}, {"null", HUSK_EXPECT_NULL_DEVICE},
                     {"procfs", HUSK_EXPECT_PROCFS}, {"cgroupfs", HUSK_EXPECT_CGROUPFS},
                     {"nsfs", HUSK_EXPECT_NSFS}, {"other-ns", HUSK_EXPECT_OTHER_NS})};
static const struct husk__words husk__create_words = {
    .own = HUSK__OWN({"nothing", HUSK_CREATE_NOTHING}, {"dir", HUSK_CREATE_DIR}, {"file", HUSK_CREATE_FILE},
                     {"like-source", HUSK_CREATE_LIKE_SOURCE})};
static const struct husk__words husk__root_words = {
    .own = HUSK__OWN({"pivot", HUSK_ROOT_PIVOT}, {"move", HUSK_ROOT_MOVE}, {"chroot", HUSK_ROOT_CHROOT})};
static const struct husk__words husk__open_words = {
    .own = HUSK__OWN({"rdwr", O_RDWR}, {"wronly", O_WRONLY}, {"path", O_PATH}, {"directory", O_DIRECTORY},
                     {"nofollow", O_NOFOLLOW}, {"nonblock", O_NONBLOCK}, {"noctty", O_NOCTTY},
                     {"append", O_APPEND}, {"creat", O_CREAT}, {"excl", O_EXCL}, {"trunc", O_TRUNC},
                     {"cloexec", O_CLOEXEC})};
static const struct husk__words husk__prctl_words = {
    .own = HUSK__OWN({"no_new_privs", PR_SET_NO_NEW_PRIVS}, {"dumpable", PR_SET_DUMPABLE},
                     {"pdeathsig", PR_SET_PDEATHSIG}, {"keepcaps", PR_SET_KEEPCAPS},
                     {"securebits", PR_SET_SECUREBITS}, {"child_subreaper", PR_SET_CHILD_SUBREAPER},
                     {"speculation_ctrl", PR_SET_SPECULATION_CTRL}, {"thp_disable", PR_SET_THP_DISABLE})};
static const struct husk__words husk__clone_words = {
    .own = HUSK__OWN({"parent", CLONE_PARENT}, {"pidfd", CLONE_PIDFD},
                     {"vm", CLONE_VM}, {"vfork", CLONE_VFORK}),
    .more = husk__more_names,
    .table = HUSK_TABLE_NAMESPACE};
static const struct husk__words husk__ms_words = {
    .own = HUSK__OWN({"rec", MS_REC}, {"move", MS_MOVE}), .more = husk__more_mount, .table = HUSK_MOPT_FLAG};
static const struct husk__words husk__propagation_words = {.more = husk__more_names,
                                                           .table = HUSK_TABLE_PROPAGATION};
static const struct husk__words husk__attr_words = {.own = HUSK__OWN({"atime", MOUNT_ATTR__ATIME}),
                                                    .more = husk__more_mount,
                                                    .table = HUSK_MOPT_RECURSIVE,
                                                    .prefix = "r"};
static const struct husk__words husk__cap_words = {
    .more = husk__more_caps, .table = HUSK_TABLE_CAPABILITY, .prefix = "CAP_"};
static const struct husk__words husk__rlimit_words = {
    .more = husk__more_names, .table = HUSK_TABLE_RLIMIT, .prefix = "RLIMIT_"};
static const struct husk__words husk__filter_words = {
    .own = HUSK__OWN({"new_listener", HUSK__FILTER_NEW_LISTENER}), /* no profile can ask for it: listenerPath does */
    .more = husk__more_names,
    .table = HUSK_TABLE_SECCOMP_FLAG,
    .prefix = "SECCOMP_FILTER_FLAG_"};
static const struct husk__words husk__sched_words = {
    .more = husk__more_names, .table = HUSK_TABLE_SCHED_POLICY, .prefix = "SCHED_"};
static const struct husk__words husk__sched_flag_words = {
    .more = husk__more_names, .table = HUSK_TABLE_SCHED_FLAG, .prefix = "SCHED_FLAG_"};
static const struct husk__words husk__ioprio_words = {
    .more = husk__more_names, .table = HUSK_TABLE_IOPRIO_CLASS, .prefix = "IOPRIO_CLASS_"};
static const struct husk__words husk__mempolicy_words = {
    .more = husk__more_names, .table = HUSK_TABLE_MEMPOLICY_MODE, .prefix = "MPOL_"};
static const struct husk__words husk__mempolicy_flag_words = {
    .more = husk__more_names, .table = HUSK_TABLE_MEMPOLICY_FLAG, .prefix = "MPOL_F_"};
static const struct husk__words husk__personality_words = {.more = husk__more_names, .table = HUSK_TABLE_PERSONALITY};
static const struct husk__words husk__hook_words = {.more = husk__more_hooks};

/* clang-format off */
#define HUSK__AT(type_, member_, name_, kind_, must_, words_)                                                \
    { name_, HUSK__##kind_, must_, (uint16_t)offsetof(type_, member_),                                       \
      (uint16_t)sizeof(((type_ *)0)->member_), words_ }
#define HUSK__END { NULL, HUSK__NUM, false, 0, 0, NULL }
#define HUSK__FIELDS(...) (const struct husk__field[]){ __VA_ARGS__, HUSK__END }
/* A field that may be absent, a Must field, and their forms with words. */
#define HUSK__F(op, field, kind) HUSK__AT(struct husk_op, u.op.field, #field, kind, false, NULL)
#define HUSK__M(op, field, kind) HUSK__AT(struct husk_op, u.op.field, #field, kind, true, NULL)
#define HUSK__FW(op, field, kind, words) \
    HUSK__AT(struct husk_op, u.op.field, #field, kind, false, &husk__##words##_words)
#define HUSK__MW(op, field, kind, words) \
    HUSK__AT(struct husk_op, u.op.field, #field, kind, true, &husk__##words##_words)
/* clang-format on */

/* In the order of printing. */
static const struct husk__field *const husk__op_fields[HUSK_OP_COUNT] = {
    [HUSK_OP_OPEN] = HUSK__FIELDS(HUSK__M(open, slot, NEW_SLOT), HUSK__M(open, path, PATH),
                                  HUSK__FW(open, flags, FLAGS, open), HUSK__FW(open, expect, OPTION, expect)),
    [HUSK_OP_MKDIR] = HUSK__FIELDS(HUSK__M(mkdir, path, PATH), HUSK__F(mkdir, mode, MODE),
                                   HUSK__F(mkdir, uid, ID), HUSK__F(mkdir, gid, ID), HUSK__F(mkdir, excl, BOOL)),
    [HUSK_OP_WRITE] = HUSK__FIELDS(HUSK__M(write, path, PATH), HUSK__M(write, data, STR)),
    [HUSK_OP_SYMLINK] = HUSK__FIELDS(HUSK__M(symlink, path, PATH), HUSK__M(symlink, target, STR)),
    [HUSK_OP_MKNOD] =
        HUSK__FIELDS(HUSK__M(mknod, path, PATH), HUSK__M(mknod, mode, MODE), HUSK__F(mknod, major, COUNT),
                     HUSK__F(mknod, minor, COUNT), HUSK__F(mknod, uid, ID), HUSK__F(mknod, gid, ID)),
    [HUSK_OP_MOUNT] =
        HUSK__FIELDS(HUSK__F(mount, source, PATH), HUSK__M(mount, target, PATH), HUSK__F(mount, fstype, STR),
                     HUSK__FW(mount, flags, FLAGS, ms), HUSK__FW(mount, set, FLAGS, ms),
                     HUSK__FW(mount, clear, FLAGS, ms), HUSK__FW(mount, rec_set, FLAGS, attr),
                     HUSK__FW(mount, rec_clear, FLAGS, attr), HUSK__FW(mount, propagation, NUMS, propagation),
                     HUSK__F(mount, data, STR), HUSK__FW(mount, create, OPTION, create)),
    [HUSK_OP_ATTR] =
        HUSK__FIELDS(HUSK__M(attr, target, PATH), HUSK__FW(attr, set, FLAGS, ms),
                     HUSK__FW(attr, clear, FLAGS, ms), HUSK__FW(attr, rec_set, FLAGS, attr),
                     HUSK__FW(attr, rec_clear, FLAGS, attr), HUSK__FW(attr, propagation, NUMS, propagation)),
    [HUSK_OP_MASK] = HUSK__FIELDS(HUSK__M(mask, path, PATH)),
    [HUSK_OP_ROOT] = HUSK__FIELDS(HUSK__FW(root, how, ENUM, root)),
    [HUSK_OP_SPAWN] = HUSK__FIELDS(HUSK__FW(spawn, flags, FLAGS, clone), HUSK__F(spawn, cgroup, SLOT)),
    [HUSK_OP_FORK] = HUSK__FIELDS(HUSK__FW(fork, flags, FLAGS, clone)),
    [HUSK_OP_SETNS] = HUSK__FIELDS(HUSK__M(setns, slot, SLOT), HUSK__MW(setns, type, FLAGS, clone)),
    [HUSK_OP_UNSHARE] = HUSK__FIELDS(HUSK__MW(unshare, flags, FLAGS, clone)),
    [HUSK_OP_SYNC] = HUSK__FIELDS(HUSK__FW(sync, from, ENUM, who), HUSK__M(sync, name, STR)),
    [HUSK_OP_PTY] = HUSK__FIELDS(HUSK__F(pty, rows, NUM), HUSK__F(pty, cols, NUM), HUSK__F(pty, uid, ID)),
    [HUSK_OP_GIVE] = HUSK__FIELDS(HUSK__M(give, slot, SLOT), HUSK__F(give, by_number, BOOL)),
    [HUSK_OP_SEND] =
        HUSK__FIELDS(HUSK__M(send, socket, SLOT), HUSK__M(send, slot, SLOT), HUSK__F(send, data, STR),
                     HUSK__F(send, content, SLOT)),
    [HUSK_OP_STDIO] = HUSK__FIELDS(HUSK__F(stdio, terminal, BOOL), HUSK__F(stdio, uid, ID)),
    [HUSK_OP_HOSTNAME] = HUSK__FIELDS(HUSK__M(hostname, name, STR), HUSK__F(hostname, domain, BOOL)),
    [HUSK_OP_IFUP] = HUSK__FIELDS(HUSK__M(ifup, name, STR)),
    [HUSK_OP_RLIMIT] = HUSK__FIELDS(HUSK__FW(rlimit, type, ENUM, rlimit), HUSK__F(rlimit, soft, LIMIT),
                                    HUSK__F(rlimit, hard, LIMIT)),
    [HUSK_OP_KEYRING] = HUSK__FIELDS(HUSK__F(keyring, name, STR)),
    [HUSK_OP_USER] = HUSK__FIELDS(HUSK__F(user, uid, ID), HUSK__F(user, gid, ID), HUSK__F(user, umask, UMASK),
                                  HUSK__F(user, no_setgroups, BOOL), HUSK__F(user, groups, NUMS)),
    [HUSK_OP_BOUND] = HUSK__FIELDS(HUSK__FW(bound, keep, CAPS, cap)),
    [HUSK_OP_CAPS] = HUSK__FIELDS(HUSK__FW(caps, effective, CAPS, cap), HUSK__FW(caps, permitted, CAPS, cap),
                                  HUSK__FW(caps, inheritable, CAPS, cap), HUSK__FW(caps, ambient, CAPS, cap)),
    [HUSK_OP_PRCTL] = HUSK__FIELDS(HUSK__MW(prctl, option, ENUM, prctl), HUSK__F(prctl, value, COUNT)),
    [HUSK_OP_SECCOMP] =
        HUSK__FIELDS(HUSK__FW(seccomp, flags, FLAGS, filter), HUSK__M(seccomp, filter, BYTES)),
    [HUSK_OP_CHDIR] = HUSK__FIELDS(HUSK__M(chdir, path, STR)),
    [HUSK_OP_HOME] = HUSK__FIELDS(HUSK__F(home, uid, ID)),
    [HUSK_OP_LOOKUP] = HUSK__FIELDS(HUSK__M(lookup, name, STR), HUSK__M(lookup, candidates, LIST)),
    [HUSK_OP_SOCKET] = HUSK__FIELDS(HUSK__M(socket, slot, NEW_SLOT), HUSK__M(socket, path, PATH),
                                    HUSK__F(socket, listen, BOOL)),
    [HUSK_OP_MEMFD] = HUSK__FIELDS(HUSK__M(memfd, slot, NEW_SLOT)),
    [HUSK_OP_FILL] = HUSK__FIELDS(HUSK__M(fill, slot, SLOT), HUSK__M(fill, head, STR), HUSK__F(fill, middle, STR),
                                  HUSK__M(fill, tail, STR), HUSK__F(fill, in_container, BOOL)),
    [HUSK_OP_HOOK] =
        HUSK__FIELDS(HUSK__FW(hook, kind, ENUM, hook), HUSK__M(hook, path, STR), HUSK__F(hook, argv, LIST),
                     HUSK__F(hook, envp, LIST), HUSK__F(hook, timeout_sec, NUM)),
    [HUSK_OP_BPF] = HUSK__FIELDS(HUSK__M(bpf, slot, SLOT), HUSK__M(bpf, program, BYTES)),
    [HUSK_OP_RECORD] = HUSK__FIELDS(HUSK__M(record, status, STR)),
    [HUSK_OP_PIDFILE] = HUSK__FIELDS(HUSK__M(pidfile, path, STR)),
    [HUSK_OP_FDS] = HUSK__FIELDS(HUSK__F(fds, preserve, NUM)),
    [HUSK_OP_EXEC] = HUSK__FIELDS(HUSK__F(exec, argv, LIST), HUSK__F(exec, envp, LIST)),
    [HUSK_OP_COPY] = HUSK__FIELDS(HUSK__M(copy, from, PATH), HUSK__M(copy, to, PATH)),
    [HUSK_OP_COPYUP] = HUSK__FIELDS(HUSK__M(copyup, from, SLOT), HUSK__M(copyup, to, PATH)),
    [HUSK_OP_TREE] = HUSK__FIELDS(HUSK__M(tree, slot, NEW_SLOT), HUSK__M(tree, source, PATH), HUSK__F(tree, recursive, BOOL),
                                  HUSK__F(tree, inside, BOOL), HUSK__F(tree, nofollow, BOOL), HUSK__F(tree, userns, SLOT), HUSK__F(tree, idmap_recursive, BOOL)),
    [HUSK_OP_USERNS] = HUSK__FIELDS(HUSK__M(userns, slot, NEW_SLOT), HUSK__M(userns, uid_map, STR),
                                    HUSK__M(userns, gid_map, STR)),
    [HUSK_OP_NETDEV] = HUSK__FIELDS(HUSK__M(netdev, name, STR), HUSK__F(netdev, new_name, STR)),
    [HUSK_OP_SCHED] =
        HUSK__FIELDS(HUSK__FW(sched, policy, ENUM, sched), HUSK__FW(sched, flags, FLAGS, sched_flag),
                     HUSK__F(sched, nice, INT), HUSK__F(sched, priority, NUM), HUSK__F(sched, runtime, NUM),
                     HUSK__F(sched, deadline, NUM), HUSK__F(sched, period, NUM)),
    [HUSK_OP_IOPRIO] = HUSK__FIELDS(HUSK__FW(ioprio, class_, ENUM, ioprio), HUSK__F(ioprio, level, COUNT)),
    [HUSK_OP_MEMPOLICY] = HUSK__FIELDS(HUSK__FW(mempolicy, mode, ENUM, mempolicy),
                                       HUSK__FW(mempolicy, flags, FLAGS, mempolicy_flag), HUSK__F(mempolicy, nodes, NUMS)),
    [HUSK_OP_PERSONALITY] = HUSK__FIELDS(HUSK__FW(personality, domain, ENUM, personality)),
    [HUSK_OP_AFFINITY] = HUSK__FIELDS(HUSK__M(affinity, cpus, NUMS)),
    [HUSK_OP_CHOWN] = HUSK__FIELDS(HUSK__M(chown, path, PATH), HUSK__F(chown, uid, ID), HUSK__F(chown, gid, ID)),
    [HUSK_OP_CHECK] = HUSK__FIELDS(HUSK__M(check, path, PATH), HUSK__M(check, text, STR)),
    [HUSK_OP_HELPER] = HUSK__FIELDS(HUSK__M(helper, path, STR), HUSK__M(helper, argv, LIST), HUSK__F(helper, pid_at, COUNT)),
};

/* What any operation can say, written after its own fields. */
static const struct husk__field husk__common_fields[] = {
    HUSK__AT(struct husk_op, on_fail, "on_fail", ON_FAIL, false, NULL),
    HUSK__AT(struct husk_op, undo, "undo", BOOL, false, NULL),
    HUSK__AT(struct husk_op, why, "why", STR, false, NULL),
    HUSK__END,
};

static const struct husk__field husk__place_fields[] = {
    HUSK__AT(struct husk_cgroup_place, backend, "backend", STR, true, NULL),
    HUSK__AT(struct husk_cgroup_place, version, "version", NUM, true, NULL),
    HUSK__AT(struct husk_cgroup_place, controllers, "controllers", STR, false, NULL),
    HUSK__AT(struct husk_cgroup_place, path, "path", STR, true, NULL),
    HUSK__AT(struct husk_cgroup_place, dir, "dir", STR, true, NULL),
    HUSK__END,
};

static const struct husk__field husk__note_fields[] = {
    HUSK__AT(struct husk_note, at, "at", STR, false, NULL),
    HUSK__AT(struct husk_note, msg, "msg", STR, false, NULL),
    HUSK__END,
};

/* The operation's own fields; an empty list for a kind that has none, or that does not exist. */
static const struct husk__field *husk__fields_of(enum husk_op_kind kind)
{
    static const struct husk__field none = HUSK__END;

    return (uint32_t)kind < HUSK_OP_COUNT && husk__op_fields[kind] ? husk__op_fields[kind] : &none;
}

static const void *husk__field_at(const void *base, const struct husk__field *f)
{
    return (const char *)base + f->offset;
}

static uint64_t husk__field_num(const void *base, const struct husk__field *f)
{
    uint8_t one;
    uint32_t four;
    uint64_t eight;

    switch (f->size) {
    case 1:
        memcpy(&one, husk__field_at(base, f), 1);
        return one;
    case 4:
        memcpy(&four, husk__field_at(base, f), 4);
        return four;
    default:
        memcpy(&eight, husk__field_at(base, f), 8);
        return eight;
    }
}

static int64_t husk__field_int(const void *base, const struct husk__field *f)
{
    uint64_t v = husk__field_num(base, f);

    return f->size == 4 ? (int32_t)v : (int64_t)v;
}

static void husk__field_set_num(void *base, const struct husk__field *f, uint64_t value)
{
    uint8_t one = (uint8_t)value;
    uint32_t four = (uint32_t)value;
    const void *from = f->size == 1   ? (const void *)&one
                       : f->size == 4 ? (const void *)&four
                                      : (const void *)&value;

    memcpy((char *)base + f->offset, from, f->size);
}

/* Word number i, without its prefix; NULL after the last. */
static const char *husk__word(const struct husk__words *w, uint32_t i, uint64_t *value)
{
    uint32_t own = 0;
    const char *name;
    size_t skip;

    for (; w->own != NULL && w->own[own].name != NULL; own++)
        if (own == i) {
            *value = w->own[i].value;
            return w->own[i].name;
        }
    name = w->more ? w->more(w->table, i - own, value) : NULL;
    skip = name && w->prefix ? strlen(w->prefix) : 0;
    return skip && strncmp(name, w->prefix, skip) == 0 ? name + skip : name;
}

/* What follows a prefix is a constant's name: CAP_CHOWN is written chown. */
static char husk__word_char(const struct husk__words *w, char c)
{
    return w->prefix != NULL && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool husk__word_value(const struct husk__words *w, const char *s, size_t len, uint64_t *value)
{
    const char *name;
    size_t k;

    for (uint32_t i = 0; (name = husk__word(w, i, value)) != NULL; i++) {
        for (k = 0; k < len && name[k] != '\0' && husk__word_char(w, name[k]) == s[k]; k++)
            ;
        if (len > 0 && k == len && name[k] == '\0')
            return true;
    }
    return false;
}

#define HUSK__WORD 48 /* the longest word, or a number in hex */

static void husk__copy_word(const struct husk__words *w, const char *name, char out[HUSK__WORD])
{
    size_t k;

    for (k = 0; k < HUSK__WORD - 1 && name[k] != '\0'; k++)
        out[k] = husk__word_char(w, name[k]);
    out[k] = '\0';
}

/* The word for exactly this value, or the number. */
static void husk__word_of(const struct husk__words *w, uint64_t value, char out[HUSK__WORD])
{
    const char *name;
    uint64_t v;

    for (uint32_t i = 0; (name = husk__word(w, i, &v)) != NULL; i++)
        if (v == value) {
            husk__copy_word(w, name, out);
            return;
        }
    snprintf(out, HUSK__WORD, "%llu", (unsigned long long)value);
}

/* Takes the bits of one word out of *rest, of all of it if there is one: rbind, not bind|rec. The bits that
 * have none come last, together. False when nothing is left. */
static bool husk__next_flag(const struct husk__words *w, uint64_t *rest, char out[HUSK__WORD])
{
    const char *name;
    uint64_t v;

    if (*rest == 0)
        return false;
    for (int whole = 1; whole >= 0; whole--)
        for (uint32_t i = 0; (name = husk__word(w, i, &v)) != NULL; i++)
            if (v != 0 && (whole ? *rest == v : (*rest & v) == v)) {
                *rest &= ~v;
                husk__copy_word(w, name, out);
                return true;
            }
    snprintf(out, HUSK__WORD, "0x%llx", (unsigned long long)*rest);
    *rest = 0;
    return true;
}

#define HUSK__FAMILY(name)                                                                                   \
    "@" name ".0", "@" name ".1", "@" name ".2", "@" name ".3", "@" name ".4", "@" name ".5", "@" name ".6", \
        "@" name ".7", "@" name ".8", "@" name ".9", "@" name ".10", "@" name ".11", "@" name ".12",         \
        "@" name ".13", "@" name ".14", "@" name ".15"
static const char *const husk__slot_names[] = {
#define X(id, name, how) "@" name,
    HUSK_SLOTS(X)
#undef X
    HUSK__FAMILY("cg"),
    HUSK__FAMILY("join"),
    HUSK__FAMILY("aux"),
};
#undef HUSK__FAMILY
_Static_assert(HUSK_COUNT(husk__slot_names) == HUSK_SLOT_COUNT, "a name for each slot");

HUSK_API const char *husk_slot_name(enum husk_slot slot, char buffer[24])
{
    if ((uint32_t)slot < HUSK_SLOT_COUNT)
        return husk__slot_names[slot];
    snprintf(buffer, 24, "@?%u", (unsigned)slot);
    return buffer;
}

HUSK_API enum husk_resolve husk_slot_resolve(enum husk_slot slot)
{
    static const uint8_t how[] = {
#define X(id, name, how) HUSK_RESOLVE_##how,
        HUSK_SLOTS(X)
#undef X
    };

    if ((uint32_t)slot < HUSK_COUNT(how))
        return (enum husk_resolve)how[slot];
    return (uint32_t)slot >= HUSK_SLOT_COUNT || (slot >= HUSK_SLOT_JOIN && slot < HUSK_SLOT_AUX)
               ? HUSK_RESOLVE_NONE
               : HUSK_RESOLVE_BENEATH;
}

HUSK_API const char *husk_op_name(enum husk_op_kind kind)
{
    static const char *const names[] = {
#define X(id, name, member, text) name,
        HUSK_OPS(X)
#undef X
    };

    return (uint32_t)kind < HUSK_OP_COUNT ? names[kind] : "?";
}
#endif
