/* husk/host.h - facts about a machine: the second input of the plan.
 *
 *     struct husk_host host;
 *     if (husk_host_probe(&host, &arena, &err)) ...   // the only reader of /proc, /sys and ids before apply
 *     husk_host_print(&host, &text);                  // save it; husk_host_parse() loads it on any machine
 *
 * Probing tries each facility itself (a system call with harmless arguments) rather than trust a version.
 * Errors: HUSK_EHOST when /proc cannot be read, HUSK_EARG at a JSON pointer for text that is no facts,
 * HUSK_ENOMEM.
 */
#ifndef HUSK_HOST_H
#define HUSK_HOST_H

#include "husk/json.h"

/* X(suffix, name in JSON, meaning). Each is probed alone. Append only. */
#define HUSK_FEATURES(X)                                                                            \
    X(CLONE3, "clone3", "clone3(2)")                                                                \
    X(CLONE_INTO_CGROUP, "clone_into_cgroup", "CLONE_INTO_CGROUP, and a cgroup2 mount to use it on") \
    X(OPENAT2, "openat2", "openat2(2) with RESOLVE_IN_ROOT")                                        \
    X(PIDFD, "pidfd", "pidfd_open(2) and pidfd_send_signal(2)")                                     \
    X(CLOSE_RANGE, "close_range", "close_range(2) with CLOSE_RANGE_CLOEXEC")                        \
    X(OPEN_TREE, "open_tree", "open_tree(2) and move_mount(2)")                                     \
    X(MOUNT_SETATTR, "mount_setattr", "mount_setattr(2)")                                           \
    X(MOUNT_IDMAP, "mount_idmap", "MOUNT_ATTR_IDMAP is known")                                      \
    X(CGROUP_KILL, "cgroup_kill", "cgroup.kill on cgroup2")                                         \
    X(CGROUP_FREEZE, "cgroup_freeze", "cgroup.freeze on cgroup2")                                   \
    X(BPF_CGROUP_DEVICE, "bpf_cgroup_device", "BPF_PROG_TYPE_CGROUP_DEVICE can be loaded")          \
    X(SECCOMP_FILTER, "seccomp_filter", "seccomp(2) filters")                                       \
    X(SECCOMP_LOG, "seccomp_log", "SECCOMP_FILTER_FLAG_LOG")                                        \
    X(SECCOMP_SPEC_ALLOW, "seccomp_spec_allow", "SECCOMP_FILTER_FLAG_SPEC_ALLOW")                   \
    X(SECCOMP_LISTENER, "seccomp_listener", "SECCOMP_FILTER_FLAG_NEW_LISTENER")                     \
    X(SECCOMP_WAIT_KILLABLE, "seccomp_wait_killable", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")     \
    X(NOSYMFOLLOW, "nosymfollow", "the nosymfollow mount flag")                                     \
    X(MEMFD, "memfd", "memfd_create(2) with sealing")                                               \
    X(KCORE, "kcore", "/proc/kcore exists")                                                         \
    X(NUMA, "numa", "set_mempolicy(2)")                                                             \
    X(KEYRINGS, "keyrings", "keyctl(2)")                                                            \
    X(APPARMOR, "apparmor", "AppArmor is enabled")                                                  \
    X(SELINUX, "selinux", "SELinux is enabled")                                                     \
    X(RESCTRL, "resctrl", "resctrl is mounted at /sys/fs/resctrl")                                  \
    X(SYSTEMD, "systemd", "/run/systemd/system exists")                                             \
    X(BFQ, "bfq", "the BFQ disk scheduler, and with it blkio.bfq.weight or io.bfq.weight")         \
    X(PIDFD_GETFD, "pidfd_getfd", "pidfd_getfd(2)")

enum husk_feature {
#define X(id, name, text) HUSK_FEATURE_##id,
    HUSK_FEATURES(X)
#undef X
        HUSK_FEATURE_COUNT
};

/* One mounted cgroup hierarchy. Controllers as the kernel names them; v1 named ones as "name=systemd". On v2
 * those in cgroup.controllers of the mount's root, or of own_path's parent when only that is `delegated`. */
struct husk_hierarchy {
    uint32_t version;       /* 1 or 2 */
    const char *mountpoint; /* absolute */
    const char *mount_root; /* what of the hierarchy is mounted there: "/" but in nested containers */
    const char *own_path;   /* the caller's cgroup, in the hierarchy, as /proc/self/cgroup says */
    const char *const *controllers;
    uint32_t n_controllers;
    bool writable;   /* the caller may make a cgroup: in the mount's root, or else where `delegated` says */
    bool delegated;  /* only in own_path, on v2 its parent, of which `controllers` and `enabled` then tell */
    bool noprefix;   /* v1 cpuset with Android's noprefix: "cpus", not "cpuset.cpus" */
    bool nsdelegate; /* v2 mount option */
    const char *const *enabled; /* v2: cgroup.subtree_control of the same directory */
    uint32_t n_enabled;
};

struct husk_subid { uint32_t start, count; };
struct husk_subids { const struct husk_subid *v; uint32_t n; };

struct husk_host {
    const char *machine, *release; /* uname: "x86_64", "6.1.0-13-amd64"; for people, decisions use features */
    bool features[HUSK_FEATURE_COUNT];
    uint64_t namespaces;           /* CLONE_NEW* that this kernel has */
    uint32_t euid, egid;
    bool in_userns;                /* the caller is not in the initial user namespace */
    uint64_t caps_effective, caps_bounding; /* bits by number */
    uint32_t cap_last;             /* /proc/sys/kernel/cap_last_cap */
    const struct husk_hierarchy *hierarchies;
    uint32_t n_hierarchies;
    struct husk_subids subuids, subgids; /* /etc/subuid, /etc/subgid of the caller */
    const char *newuidmap, *newgidmap;   /* absolute path of the helper in PATH, or NULL */
    const char *const *hugepage_sizes;   /* "2MB", "1GB" as hugetlb.* files name them */
    uint32_t n_hugepage_sizes;
    const char *const *delegate;   /* /sys/kernel/cgroup/delegate, or the built-in three names */
    uint32_t n_delegate;
};

HUSK_BEGIN_DECLS

/* Memory: in the arena. Fails only when /proc cannot be read. Leaves nothing behind. */
HUSK_API HUSK_MUST_USE int husk_host_probe(struct husk_host *host, struct husk_arena *arena,
                                           struct husk_err *err);
/* As JSON with a newline at its end. Exact: parse gives the same facts back. */
HUSK_API void husk_host_print(const struct husk_host *host, struct husk_text *out);
/* Unknown members and features are ignored, absent ones are zero. */
HUSK_API HUSK_MUST_USE int husk_host_parse(struct husk_host *host, struct husk_arena *arena, const char *text,
                                           size_t len, struct husk_err *err);
/* Index into hierarchies of the one that has this controller, or -1. "devices" and "freezer" live on v2
 * without being listed, when no v1 hierarchy has them. "io" and "blkio" are each asked by its own name. */
HUSK_API int husk_host_controller(const struct husk_host *host, const char *controller);
HUSK_API bool husk_host_has_cap(const struct husk_host *host, uint32_t capability);
HUSK_API const char *husk_feature_name(enum husk_feature feature);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_HOST_IMPLEMENTED)
#define HUSK_HOST_IMPLEMENTED
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "husk/impl/host_probe.h"
#include "husk/names.h"

/* The JSON form. One table drives print and parse. What is false, empty or NULL is left out; what is absent
 * is zero, but for the strings that may not be NULL. */
enum husk__host_kind {
    HUSK__HOST_END,
    HUSK__HOST_STRING,   /* required */
    HUSK__HOST_OPTIONAL, /* string or null */
    HUSK__HOST_BOOL,
    HUSK__HOST_U32,
    HUSK__HOST_MASK,    /* uint64_t as "0x1f" */
    HUSK__HOST_STRINGS, /* pointer and count */
    HUSK__HOST_LIST,    /* pointer and count of structs */
    HUSK__HOST_NAMESPACES,
    HUSK__HOST_FEATURES,
};

struct husk__host_member {
    const char *name;
    enum husk__host_kind kind;
    size_t at, count_at;
    const struct husk__host_member *of; /* LIST: of each element, */
    size_t size;                        /* and its size */
};

/* Rows: a member's name in C is its name in JSON; a list NAME has its count in n_NAME. */
#define HUSK__ONE(kind, type, member) #member, HUSK__HOST_##kind, offsetof(struct type, member), 0, NULL, 0
#define HUSK__MANY(type, member)                                                                             \
    #member, HUSK__HOST_STRINGS, offsetof(struct type, member), offsetof(struct type, n_##member), NULL, 0
#define HUSK__SUBIDS(member)                                                                                 \
    #member, HUSK__HOST_LIST, offsetof(struct husk_host, member.v), offsetof(struct husk_host, member.n),    \
        husk__subid_members, sizeof(struct husk_subid)
#define HUSK__END NULL, HUSK__HOST_END, 0, 0, NULL, 0

static const struct husk__host_member husk__hierarchy_members[] = {
    { HUSK__ONE(U32, husk_hierarchy, version) },
    { HUSK__ONE(STRING, husk_hierarchy, mountpoint) },
    { HUSK__ONE(STRING, husk_hierarchy, mount_root) },
    { HUSK__ONE(STRING, husk_hierarchy, own_path) },
    { HUSK__MANY(husk_hierarchy, controllers) },
    { HUSK__MANY(husk_hierarchy, enabled) },
    { HUSK__ONE(BOOL, husk_hierarchy, writable) },
    { HUSK__ONE(BOOL, husk_hierarchy, delegated) },
    { HUSK__ONE(BOOL, husk_hierarchy, noprefix) },
    { HUSK__ONE(BOOL, husk_hierarchy, nsdelegate) },
    { HUSK__END },
};
static const struct husk__host_member husk__subid_members[] = {
    { HUSK__ONE(U32, husk_subid, start) },
    { HUSK__ONE(U32, husk_subid, count) },
    { HUSK__END },
};
static const struct husk__host_member husk__host_members[] = {
    { HUSK__ONE(STRING, husk_host, machine) },
    { HUSK__ONE(STRING, husk_host, release) },
    { HUSK__ONE(U32, husk_host, euid) },
    { HUSK__ONE(U32, husk_host, egid) },
    { HUSK__ONE(BOOL, husk_host, in_userns) },
    { HUSK__ONE(MASK, husk_host, caps_effective) },
    { HUSK__ONE(MASK, husk_host, caps_bounding) },
    { HUSK__ONE(U32, husk_host, cap_last) },
    { HUSK__ONE(NAMESPACES, husk_host, namespaces) },
    { HUSK__ONE(FEATURES, husk_host, features) },
    { "hierarchies", HUSK__HOST_LIST, offsetof(struct husk_host, hierarchies),
      offsetof(struct husk_host, n_hierarchies), husk__hierarchy_members, sizeof(struct husk_hierarchy) },
    { HUSK__MANY(husk_host, delegate) },
    { HUSK__MANY(husk_host, hugepage_sizes) },
    { HUSK__SUBIDS(subuids) },
    { HUSK__SUBIDS(subgids) },
    { HUSK__ONE(OPTIONAL, husk_host, newuidmap) },
    { HUSK__ONE(OPTIONAL, husk_host, newgidmap) },
    { HUSK__END },
};
#undef HUSK__ONE
#undef HUSK__MANY
#undef HUSK__SUBIDS
#undef HUSK__END

/* Members are copied out and in by offset, whatever their pointed-to type. */
static uint32_t husk__host_u32(const void *object, size_t at)
{
    uint32_t v;

    memcpy(&v, (const char *)object + at, sizeof v);
    return v;
}

static const void *husk__host_pointer(const void *object, size_t at)
{
    const void *p;

    memcpy(&p, (const char *)object + at, sizeof p);
    return p;
}

/* ---- print ---- */

static void husk__host_print_members(struct husk_json_out *o, const void *object,
                                     const struct husk__host_member *m);

static void husk__host_print_list(struct husk_json_out *o, const void *object,
                                  const struct husk__host_member *m)
{
    const char *v = husk__host_pointer(object, m->at);
    uint32_t n = husk__host_u32(object, m->count_at), i;
    const char *indent = o->indent;

    if (n == 0)
        return;
    husk_json_begin(o, m->name, '[');
    for (i = 0; i < n; i++) {
        if (m->kind == HUSK__HOST_STRINGS) {
            o->indent = NULL; /* strings share a line, a struct has one of its own */
            husk_json_put_str(o, NULL, husk__host_pointer(v, i * sizeof(char *)));
        } else {
            husk_json_begin(o, NULL, '{');
            o->indent = NULL;
            husk__host_print_members(o, v + i * m->size, m->of);
            husk_json_end(o, '}');
            o->indent = indent;
        }
    }
    husk_json_end(o, ']');
    o->indent = indent;
}

/* Namespaces as a list of names, features as an object of booleans, a mask as a hexadecimal string. */
static void husk__host_print_set(struct husk_json_out *o, const char *v, const struct husk__host_member *m)
{
    const char *indent = o->indent;
    const struct husk_name *ns;
    uint64_t mask = 0;
    char text[24];
    bool has;
    size_t i;

    if (m->kind == HUSK__HOST_FEATURES) {
        husk_json_begin(o, m->name, '{');
        for (i = 0; i < HUSK_FEATURE_COUNT; i++) {
            memcpy(&has, v + i * sizeof has, sizeof has);
            husk_json_put_bool(o, husk_feature_name((enum husk_feature)i), has);
        }
        husk_json_end(o, '}');
        return;
    }
    memcpy(&mask, v, sizeof mask);
    if (m->kind == HUSK__HOST_MASK) {
        snprintf(text, sizeof text, "0x%" PRIx64, mask);
        husk_json_put_str(o, m->name, text);
        return;
    }
    husk_json_begin(o, m->name, '[');
    o->indent = NULL;
    for (ns = husk_table(HUSK_TABLE_NAMESPACE); ns->name != NULL; ns++) {
        if (mask & ns->value)
            husk_json_put_str(o, NULL, ns->name);
        mask &= ~ns->value; /* a second name of the same */
    }
    husk_json_end(o, ']');
    o->indent = indent;
}

static void husk__host_print_members(struct husk_json_out *o, const void *object,
                                     const struct husk__host_member *m)
{
    const char *string;
    bool flag;

    for (; m->kind != HUSK__HOST_END; m++) {
        switch (m->kind) {
        case HUSK__HOST_STRING:
        case HUSK__HOST_OPTIONAL:
            string = husk__host_pointer(object, m->at);
            if (string != NULL)
                husk_json_put_str(o, m->name, string);
            break;
        case HUSK__HOST_BOOL:
            memcpy(&flag, (const char *)object + m->at, sizeof flag);
            if (flag)
                husk_json_put_bool(o, m->name, flag);
            break;
        case HUSK__HOST_U32:
            husk_json_put_u64(o, m->name, husk__host_u32(object, m->at));
            break;
        case HUSK__HOST_STRINGS:
        case HUSK__HOST_LIST:
            husk__host_print_list(o, object, m);
            break;
        default:
            husk__host_print_set(o, (const char *)object + m->at, m);
        }
    }
}

HUSK_API void husk_host_print(const struct husk_host *host, struct husk_text *out)
{
    struct husk_json_out o = { .text = out, .indent = "  " };

    husk_json_begin(&o, NULL, '{');
    husk__host_print_members(&o, host, husk__host_members);
    husk_json_end(&o, '}');
    husk_text_str(out, "\n");
}

/* ---- parse ---- */

struct husk__host_reader {
    struct husk_arena *arena;
    const char *text;
    size_t len;
    struct husk_err *err;
    char at[256]; /* JSON pointer of the value that is being read */
};

static int husk__host_bad(struct husk__host_reader *r, const struct husk_json *v, enum husk_diag diag,
                          const char *what)
{
    husk_fail(r->err, HUSK_EARG, diag, 0, r->at, "host facts: must be %s", what);
    if (r->err != NULL)
        husk_json_line(r->text, r->len, v->offset, &r->err->line, &r->err->column);
    return HUSK_EARG;
}

static int husk__host_read_members(struct husk__host_reader *r, const struct husk_json *v, void *object,
                                   const struct husk__host_member *m);

static int husk__host_read_list(struct husk__host_reader *r, const struct husk_json *v, void *object,
                                const struct husk__host_member *m)
{
    bool strings = m->kind == HUSK__HOST_STRINGS;
    size_t size = strings ? sizeof(char *) : m->size, used = strlen(r->at);
    const struct husk_json *c;
    char *list, *element;
    int code;

    if (v->type != HUSK_JSON_ARRAY)
        return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "an array");
    if (v->count == 0)
        return HUSK_OK;
    element = list = husk_arena_alloc(r->arena, v->count * size);
    for (c = v->child; c != NULL && list != NULL; c = c->next, element += size) {
        snprintf(r->at + used, sizeof r->at - used, "/%zu", (size_t)(element - list) / size);
        if (strings && c->type != HUSK_JSON_STRING)
            return husk__host_bad(r, c, HUSK_DIAG_JSON_TYPE, "a string");
        if (strings)
            memcpy(element, &c->text, sizeof c->text);
        else if ((code = husk__host_read_members(r, c, element, m->of)) != HUSK_OK)
            return code;
    }
    r->at[used] = '\0';
    memcpy((char *)object + m->at, &list, sizeof list);
    memcpy((char *)object + m->count_at, &v->count, sizeof v->count);
    return HUSK_OK;
}

static int husk__host_read_features(struct husk__host_reader *r, const struct husk_json *v, bool *features)
{
    const struct husk_json *c;
    size_t i;

    if (v->type != HUSK_JSON_OBJECT)
        return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "an object");
    for (c = v->child; c != NULL; c = c->next) {
        if (c->type != HUSK_JSON_BOOL)
            return husk__host_bad(r, c, HUSK_DIAG_JSON_TYPE, "an object of booleans");
        for (i = 0; i < HUSK_FEATURE_COUNT; i++) {
            if (strcmp(c->name, husk_feature_name((enum husk_feature)i)) == 0)
                features[i] = c->boolean;
        }
    }
    return HUSK_OK;
}

static int husk__host_read_namespaces(struct husk__host_reader *r, const struct husk_json *v, uint64_t *mask)
{
    const struct husk_json *c;
    uint64_t type;

    if (v->type != HUSK_JSON_ARRAY)
        return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "an array");
    for (c = v->child; c != NULL; c = c->next) {
        if (c->type != HUSK_JSON_STRING || !husk_name_value(HUSK_TABLE_NAMESPACE, c->text, &type))
            return husk__host_bad(r, c, HUSK_DIAG_UNKNOWN_VALUE, "names of namespaces");
        *mask |= type;
    }
    return HUSK_OK;
}

static int husk__host_read_mask(struct husk__host_reader *r, const struct husk_json *v, uint64_t *mask)
{
    const char *p, *digit;

    if (v->type != HUSK_JSON_STRING || strncmp(v->text, "0x", 2) != 0 || v->text[2] == '\0' ||
        strlen(v->text) > 18)
        return husk__host_bad(r, v, HUSK_DIAG_BAD_VALUE, "a string like \"0x1f\"");
    for (p = v->text + 2; *p; p++) {
        static const char digits[] = "0123456789abcdef";
        if ((digit = strchr(digits, *p)) == NULL)
            return husk__host_bad(r, v, HUSK_DIAG_BAD_VALUE, "a string like \"0x1f\"");
        *mask = *mask << 4 | (uint64_t)(digit - digits);
    }
    return HUSK_OK;
}

static int husk__host_read_value(struct husk__host_reader *r, const struct husk_json *v, void *object,
                                 const struct husk__host_member *m)
{
    void *to = (char *)object + m->at;
    uint64_t number;
    uint32_t small;

    switch (m->kind) {
    case HUSK__HOST_BOOL:
        if (v->type != HUSK_JSON_BOOL)
            return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "true or false");
        memcpy(to, &v->boolean, sizeof v->boolean);
        return HUSK_OK;
    case HUSK__HOST_U32:
        if (v->type != HUSK_JSON_NUMBER || !husk_json_u64(v, &number) || number > UINT32_MAX)
            return husk__host_bad(r, v, HUSK_DIAG_JSON_RANGE, "a number from 0 to 4294967295");
        small = (uint32_t)number;
        memcpy(to, &small, sizeof small);
        return HUSK_OK;
    case HUSK__HOST_MASK:
        return husk__host_read_mask(r, v, to);
    case HUSK__HOST_NAMESPACES:
        return husk__host_read_namespaces(r, v, to);
    case HUSK__HOST_FEATURES:
        return husk__host_read_features(r, v, to);
    case HUSK__HOST_STRINGS:
    case HUSK__HOST_LIST:
        return husk__host_read_list(r, v, object, m);
    default:
        if (v->type != HUSK_JSON_STRING)
            return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "a string");
        memcpy(to, &v->text, sizeof v->text);
        return HUSK_OK;
    }
}

static int husk__host_read_members(struct husk__host_reader *r, const struct husk_json *v, void *object,
                                   const struct husk__host_member *m)
{
    size_t used = strlen(r->at);
    const struct husk_json *c;
    int code;

    if (v->type != HUSK_JSON_OBJECT)
        return husk__host_bad(r, v, HUSK_DIAG_JSON_TYPE, "an object");
    for (; m->kind != HUSK__HOST_END; m++) {
        snprintf(r->at + used, sizeof r->at - used, "/%s", m->name);
        c = husk_json_get(v, m->name);
        if (c == NULL && m->kind == HUSK__HOST_STRING)
            return husk__host_bad(r, v, HUSK_DIAG_MISSING, "present");
        if (c != NULL && (code = husk__host_read_value(r, c, object, m)) != HUSK_OK)
            return code;
    }
    r->at[used] = '\0';
    return HUSK_OK;
}

/* What the plan relies on without looking again. */
static int husk__host_check(struct husk__host_reader *r, const struct husk_json *root,
                            const struct husk_host *host)
{
    uint32_t i;

    for (i = 0; i < host->n_hierarchies; i++) {
        const struct husk_hierarchy *h = &host->hierarchies[i];
        bool paths = h->mountpoint[0] == '/' && h->mount_root[0] == '/' && h->own_path[0] == '/';

        snprintf(r->at, sizeof r->at, "/hierarchies/%" PRIu32, i);
        if (h->version != 1 && h->version != 2)
            return husk__host_bad(r, husk_json_at(root, r->at), HUSK_DIAG_BAD_VALUE, "of version 1 or 2");
        if (!paths)
            return husk__host_bad(r, husk_json_at(root, r->at), HUSK_DIAG_BAD_VALUE,
                                  "described by absolute paths");
    }
    return HUSK_OK;
}

HUSK_API int husk_host_parse(struct husk_host *host, struct husk_arena *arena, const char *text, size_t len,
                             struct husk_err *err)
{
    struct husk__host_reader r = { .arena = arena, .text = text, .len = len, .err = err };
    const struct husk_json *root = NULL;
    int code = husk_json_parse(&root, arena, text, len, err);

    memset(host, 0, sizeof *host);
    if (code == HUSK_ESPEC) { /* which means config.json elsewhere */
        code = HUSK_EARG;
        if (err != NULL)
            err->code = HUSK_EARG;
    }
    if (code == HUSK_OK && root != NULL)
        code = husk__host_read_members(&r, root, host, husk__host_members);
    if (code == HUSK_OK && arena->failed)
        return husk_fail(err, HUSK_ENOMEM, HUSK_DIAG_NO_MEMORY, 0, "host", "out of memory");
    return code != HUSK_OK ? code : husk__host_check(&r, root, host);
}

/* ---- questions ---- */

HUSK_API int husk_host_controller(const struct husk_host *host, const char *controller)
{
    bool unlisted = strcmp(controller, "devices") == 0 || strcmp(controller, "freezer") == 0;
    int unified = -1;
    uint32_t i, k;

    for (i = 0; i < host->n_hierarchies; i++) {
        const struct husk_hierarchy *h = &host->hierarchies[i];

        for (k = 0; k < h->n_controllers; k++) {
            if (strcmp(h->controllers[k], controller) == 0)
                return (int)i;
        }
        if (h->version == 2)
            unified = (int)i;
    }
    return unlisted ? unified : -1;
}

HUSK_API bool husk_host_has_cap(const struct husk_host *host, uint32_t capability)
{
    return capability < 64 && (host->caps_effective >> capability & 1) != 0;
}

HUSK_API const char *husk_feature_name(enum husk_feature feature)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        HUSK_FEATURES(X)
#undef X
    };
    return feature < HUSK_FEATURE_COUNT ? names[feature] : "unknown";
}
#endif
