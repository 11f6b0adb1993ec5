/* husk/spec.h - what the configuration says. Stage 1 of spec -> plan -> apply.
 *
 *     struct husk_spec spec;
 *     if (husk_spec_parse(&spec, &arena, text, len, NULL, &err)) return report(&err);
 *
 * or without JSON, by designated initialisers (an all-zero spec is valid: everything absent):
 *
 *     struct husk_spec spec = {
 *         .root = { .path = "/srv/rootfs" },
 *         .process = &(struct husk_process){ .cwd = "/", .args = HUSK_STRS("sh", "-c", "id") },
 *         .linux_ = { .namespaces = HUSK_ARRAY(struct husk_namespace, { .type = CLONE_NEWNS },
 *                                              { .type = CLONE_NEWPID }),
 *                     .resources = { .memory = { .limit_bytes = HUSK_SOME(64 << 20) } } } };
 *     if (husk_spec_check(&spec, NULL, NULL, &err)) ...
 *
 * Pure: no system call. Absent stays distinct from 0 (struct husk_opt_*). Names are numbers here, by names.h.
 * Memory: what parse makes lives in the arena, and nothing points into `text`.
 * Errors: HUSK_ESPEC with a JSON pointer, line and column; HUSK_EHOST without a JSON library.
 * The JSON pointer of a value follows from its place: mounts.v[3] is /mounts/3.
 */
#ifndef HUSK_SPEC_H
#define HUSK_SPEC_H

#include "husk/json.h"
#include "husk/names.h"

struct husk_opt_i64 { bool set; int64_t v; };
struct husk_opt_u64 { bool set; uint64_t v; };
struct husk_opt_u32 { bool set; uint32_t v; };
struct husk_opt_bool { bool set; bool v; };
#define HUSK_SOME(value) { true, (value) }

/* Lists: `set` tells an empty list from an absent one where that matters. What HUSK_STRS and HUSK_ARRAY make inside a function
 * ends with its block (they are compound literals): keep the spec in the block that uses it. */
struct husk_strs { const char *const *v; uint32_t n; bool set; };
#define HUSK_STRS(...)                                                                                       \
    { (const char *const[]){ __VA_ARGS__ },                                                                  \
      (uint32_t)HUSK_COUNT(((const char *const[]){ __VA_ARGS__ })), true }
#define HUSK_ARRAY(type, ...)                                                                                \
    { (const type[]){ __VA_ARGS__ }, (uint32_t)HUSK_COUNT(((const type[]){ __VA_ARGS__ })) }
#define HUSK_LIST_OF(type) struct { const type *v; uint32_t n; }

struct husk_pair { const char *name, *value; }; /* annotations, sysctl, unified: in the order of the text */
struct husk_pairs { const struct husk_pair *v; uint32_t n; };
struct husk_idmap { uint32_t container_id, host_id, size; };
struct husk_idmaps { const struct husk_idmap *v; uint32_t n; };

struct husk_rlimit { uint32_t type; uint64_t soft, hard; }; /* type: RLIMIT_* */
struct husk_rlimits { const struct husk_rlimit *v; uint32_t n; };

struct husk_user {
    uint32_t uid, gid; /* ids inside the container */
    struct husk_opt_u32 umask;
    struct { const uint32_t *v; uint32_t n; } additional_gids;
};

/* Bit masks by capability number. `set` is false when process.capabilities is absent. `unknown` lists the
 * names this build does not know, for a warning (the specification forbids to fail). */
struct husk_caps {
    bool set;
    uint64_t effective, permitted, inheritable, bounding, ambient;
    struct husk_strs unknown;
};

struct husk_scheduler {
    bool set;
    uint32_t policy; /* SCHED_* */
    int32_t nice, priority;
    uint64_t flags, runtime_nsec, deadline_nsec, period_nsec;
};

struct husk_process {
    bool terminal;
    struct { bool set; uint16_t height, width; } console_size;
    struct husk_user user;
    struct husk_strs args, env;
    const char *cwd;
    struct husk_caps caps;
    struct husk_rlimits rlimits;
    bool no_new_privileges;
    const char *apparmor_profile, *selinux_label;
    struct husk_opt_i64 oom_score_adj;
    struct husk_scheduler scheduler;
    struct { bool set; uint32_t class_; struct husk_opt_u32 priority; } io_priority; /* 0 to 7; IDLE needs none */
    struct { const char *initial, *final; } exec_cpu_affinity; /* lists such as "0-3,7", checked */
};

struct husk_root { const char *path; bool readonly; };

struct husk_mount {
    const char *destination, *type, *source;
    uint64_t flags_set, flags_clear; /* MS_*; MS_BIND here makes it a bind mount */
    struct { const uint32_t *v; uint32_t n; } propagation; /* MS_SHARED | MS_REC …, applied in order */
    uint64_t rec_set, rec_clear;     /* MOUNT_ATTR_* for the whole tree */
    const char *data;                /* options for the filesystem, joined by ',' */
    bool has_options, tmpcopyup, idmap, ridmap;
    bool source_nofollow, destination_nofollow; /* bind: a symlink at the end is not followed */
    struct husk_idmaps uid_mappings, gid_mappings;
};

struct husk_hook {
    const char *path;
    struct husk_strs args, env;
    struct husk_opt_u32 timeout_sec;
};
struct husk_hook_list { const struct husk_hook *v; uint32_t n; };
enum husk_hook_kind { /* in the order of the lifecycle */
    HUSK_HOOK_PRESTART, HUSK_HOOK_CREATE_RUNTIME, HUSK_HOOK_CREATE_CONTAINER, HUSK_HOOK_START_CONTAINER,
    HUSK_HOOK_POSTSTART, HUSK_HOOK_POSTSTOP, HUSK_HOOK_KINDS
};

struct husk_namespace { uint64_t type; const char *path; }; /* type: CLONE_NEW*; path NULL: a new one */

struct husk_device { /* linux.devices */
    uint32_t type; /* S_IFCHR, S_IFBLK, S_IFIFO */
    const char *path;
    uint32_t major, minor;
    struct husk_opt_u32 mode, uid, gid; /* default 0666, 0, 0 */
};

enum { HUSK_DEV_READ = 1, HUSK_DEV_WRITE = 2, HUSK_DEV_MKNOD = 4 };
struct husk_device_rule { /* linux.resources.devices; -1 is the wildcard */
    bool allow;
    char type; /* 'a', 'b', 'c' */
    int64_t major, minor;
    uint32_t access;
};

struct husk_memory {
    struct husk_opt_i64 limit_bytes, reservation_bytes, swap_bytes, kernel_bytes, kernel_tcp_bytes;
    struct husk_opt_u64 swappiness;
    struct husk_opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};
struct husk_cpu {
    struct husk_opt_u64 shares, burst_usec, period_usec, realtime_period_usec;
    struct husk_opt_i64 quota_usec, realtime_runtime_usec, idle;
    const char *cpus, *mems;
};
struct husk_block_weight { int64_t major, minor; struct husk_opt_u32 weight, leaf_weight; };
struct husk_block_rate { int64_t major, minor; uint64_t rate; };
struct husk_block_rates { const struct husk_block_rate *v; uint32_t n; };
struct husk_block_io {
    struct husk_opt_u32 weight, leaf_weight;
    HUSK_LIST_OF(struct husk_block_weight) weight_device;
    struct husk_block_rates read_bps, write_bps, read_iops, write_iops;
};
struct husk_hugepage { const char *page_size; uint64_t limit_bytes; };
struct husk_net_priority { const char *name; uint32_t priority; };
struct husk_rdma { const char *device; struct husk_opt_u32 handles, objects; };

struct husk_resources {
    HUSK_LIST_OF(struct husk_device_rule) devices;
    struct husk_memory memory;
    struct husk_cpu cpu;
    struct husk_opt_i64 pids_limit;
    struct husk_block_io block_io;
    HUSK_LIST_OF(struct husk_hugepage) hugepages;
    struct husk_opt_u32 net_class_id;
    HUSK_LIST_OF(struct husk_net_priority) net_priorities;
    HUSK_LIST_OF(struct husk_rdma) rdma;
    struct husk_pairs unified;
};

struct husk_seccomp_arg { uint32_t index; uint64_t value, value_two; enum husk_seccomp_op op; };
struct husk_seccomp_rule {
    struct husk_strs names;
    uint32_t action; /* SECCOMP_RET_* */
    struct husk_opt_u32 errno_ret;
    HUSK_LIST_OF(struct husk_seccomp_arg) args;
};
struct husk_seccomp {
    bool set;
    uint32_t default_action;
    struct husk_opt_u32 default_errno_ret;
    struct { const uint32_t *v; uint32_t n; } archs; /* values of HUSK_TABLE_SECCOMP_ARCH */
    bool flags_set; /* `flags` present, though perhaps empty */
    uint32_t flags;
    const char *listener_path, *listener_metadata;
    HUSK_LIST_OF(struct husk_seccomp_rule) rules;
};

struct husk_time_offset { uint32_t clock; int64_t secs; uint32_t nanosecs; };
struct husk_net_device { const char *host_name, *name; };
struct husk_intel_rdt {
    bool set;
    const char *clos_id, *l3_schema, *mem_bw_schema;
    struct husk_strs schemata;
    bool enable_monitoring;
};

struct husk_linux {
    bool set; /* the member is present; initialisers need not say so */
    HUSK_LIST_OF(struct husk_namespace) namespaces;
    struct husk_idmaps uid_mappings, gid_mappings;
    HUSK_LIST_OF(struct husk_time_offset) time_offsets;
    HUSK_LIST_OF(struct husk_device) devices;
    HUSK_LIST_OF(struct husk_net_device) net_devices;
    const char *cgroups_path;
    struct husk_resources resources;
    struct husk_intel_rdt intel_rdt;
    struct { bool set; uint32_t mode; const char *nodes; uint32_t flags; } memory_policy;
    struct husk_pairs sysctl;
    struct husk_seccomp seccomp;
    struct husk_opt_u32 rootfs_propagation; /* MS_* */
    struct husk_strs masked_paths, readonly_paths;
    const char *mount_label;
    struct husk_opt_u32 personality; /* PER_* */
};

/* A remark that does not stop anything: an unknown capability, a relative destination … */
struct husk_note { const char *at, *msg; };
struct husk_notes { const struct husk_note *v; uint32_t n; };

struct husk_spec {
    const char *oci_version;
    const struct husk_process *process; /* NULL: absent */
    struct husk_root root;
    const char *hostname, *domainname;
    HUSK_LIST_OF(struct husk_mount) mounts;
    struct husk_hook_list hooks[HUSK_HOOK_KINDS];
    struct husk_pairs annotations;
    struct husk_linux linux_; /* not `linux`: gnu dialects define that as 1 */
    struct husk_notes notes;
};

/* All errors of one document, at most HUSK_ERRS_MAX. In the arena of the spec. */
#define HUSK_ERRS_MAX 100u
struct husk_errs { struct husk_err *v; uint32_t n, cap; };

HUSK_BEGIN_DECLS

/* Parse, and check what could be parsed. With `all` not NULL every error is collected there (the first is
 * also in *err). As the engines mean it, null and an empty string are the same as an absent member. err.at is
 * cut to the enclosing value when the pointer would not fit. */
HUSK_API HUSK_MUST_USE int husk_spec_parse(struct husk_spec *spec, struct husk_arena *arena, const char *text,
                                           size_t len, struct husk_errs *all, struct husk_err *err);
/* Contradictions inside a spec, however it was made: what parse runs last. `arena` is for `all` only. */
HUSK_API HUSK_MUST_USE int husk_spec_check(const struct husk_spec *spec, struct husk_arena *arena,
                                           struct husk_errs *all, struct husk_err *err);
/* A lone process object, as `exec --process` reads. */
HUSK_API HUSK_MUST_USE int husk_process_parse(struct husk_process *process, struct husk_arena *arena,
                                              const char *text, size_t len, struct husk_err *err);
/* A lone linux.resources object, as `update --resources` reads. */
HUSK_API HUSK_MUST_USE int husk_resources_parse(struct husk_resources *res, struct husk_arena *arena,
                                                const char *text, size_t len, struct husk_err *err);
/* Set err->line and err->column from err->at, by reading the document again: for errors of later stages. */
HUSK_API void husk_err_locate(struct husk_err *err, const char *text, size_t len);
/* The entry for a namespace type, or NULL. */
HUSK_API const struct husk_namespace *husk_spec_namespace(const struct husk_spec *spec, uint64_t type);
/* The numbers of a list such as "0-3, 7", of processors or memory nodes. False: it is no such list. */
struct husk_bits { uint64_t v[HUSK_MASK_BITS / 64]; };
HUSK_API bool husk_list_bits(const char *list, struct husk_bits *bits);
/* The hook kind's member name, "prestart". */
HUSK_API const char *husk_hook_kind_name(enum husk_hook_kind kind);
/* The default configuration of `husk spec` as text: rootless with the ids of the caller when wanted. */
HUSK_API void husk_spec_default(struct husk_text *out, bool rootless, uint32_t uid, uint32_t gid,
                                bool cgroup_namespace);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_SPEC_IMPLEMENTED)
#define HUSK_SPEC_IMPLEMENTED
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The place of a value, as a chain up the stack: costs nothing until an error prints it. */
struct husk__at {
    const struct husk__at *up;
    const char *name; /* NULL: an element of an array */
    uint32_t index;
};
#define HUSK__IN(up, name) (&(const struct husk__at){ (up), (name), 0 })
#define HUSK__NTH(up, index) (&(const struct husk__at){ (up), NULL, (index) })

/* Errors never change the flow of reading and checking: the first one is kept, or all. */
struct husk__report {
    struct husk_arena *arena;
    struct husk_errs *all;
    struct husk_err *err;
    int code;
    uint32_t unread; /* while checking: that many values, the first of *all, could not be read */
};

/* A value from the document for use in a message: short, quoted, one line. */
struct husk__shown { char text[72]; };
#define HUSK__SHOW(s) husk__show(&(struct husk__shown){ "" }, (s))

static const char *husk__show(struct husk__shown *shown, const char *s)
{
    size_t len = 1, n;

    shown->text[0] = '"';
    for (; *s != '\0'; s += n) {
        n = husk__utf8(s, strlen(s));
        if (len + n > 44)
            break;
        if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f) {
            n = 1;
            shown->text[len] = '?';
        } else {
            memcpy(shown->text + len, s, n);
        }
        len += n;
    }
    snprintf(shown->text + len, sizeof shown->text - len, "%s\"", *s != '\0' ? "..." : "");
    return shown->text;
}

/* False when the pointer did not fit: then *out is that of the innermost enclosing value that does. */
static bool husk__at_print(const struct husk__at *at, char *out, size_t size)
{
    size_t start, len;
    char number[12];
    const char *s = number;

    if (at == NULL) {
        out[0] = '\0';
        return true;
    }
    if (!husk__at_print(at->up, out, size))
        return false;
    start = len = strlen(out);
    if (at->name != NULL)
        s = at->name;
    else
        snprintf(number, sizeof number, "%u", at->index);
    out[len++] = '/'; /* there is always room for this one: it takes the place of the NUL */
    for (; *s != '\0' && len + 3 < size; s++) {
        if (*s == '~' || *s == '/')
            out[len++] = '~';
        out[len++] = *s == '~' ? '0' : *s == '/' ? '1' : (unsigned char)*s < 0x20 ? '?' : *s;
    }
    out[*s == '\0' ? len : start] = '\0';
    return *s == '\0';
}

/* Where something could not be read, what misses it or contradicts it is no second error. */
static bool husk__is_follow_up(const struct husk__report *r, enum husk_diag diag, const char *where)
{
    for (uint32_t i = 0; i < r->unread; i++) {
        const char *at = r->all->v[i].at;
        size_t n = strlen(at) < strlen(where) ? strlen(at) : strlen(where);

        if (strncmp(at, where, n) == 0 && strchr("/", at[n]) != NULL && strchr("/", where[n]) != NULL)
            return true;
    }
    return r->unread > 0 && diag != HUSK_DIAG_BAD_VALUE && diag != HUSK_DIAG_VERSION;
}

HUSK_PRINTF(4, 5)
static void husk__complain(struct husk__report *r, enum husk_diag diag, const struct husk__at *at,
                           const char *fmt, ...)
{
    struct husk_errs *all = r->all;
    char where[sizeof r->err->at], msg[sizeof r->err->msg];
    va_list ap;

    if (r->code != HUSK_OK && (all == NULL || all->n == HUSK_ERRS_MAX))
        return;
    husk__at_print(at, where, sizeof where);
    if (husk__is_follow_up(r, diag, where))
        return;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (r->code == HUSK_OK)
        r->code = husk_fail(r->err, HUSK_ESPEC, diag, 0, where, "%s", msg);
    if (all == NULL)
        return;
    if (all->n == all->cap) {
        uint32_t cap = all->cap ? all->cap * 2 : 8;
        void *bigger = husk_arena_grow(r->arena, all->v, all->n * sizeof *all->v, cap * sizeof *all->v);
        if (bigger == NULL)
            return;
        all->v = bigger;
        all->cap = cap;
    }
    (void)husk_fail(&all->v[all->n++], HUSK_ESPEC, diag, 0, where, "%s", msg);
}

/* Line and column of err->at or, when it is a missing member, of the innermost enclosing value. */
static void husk__locate(struct husk_err *err, const struct husk_json *root, const char *text, size_t len)
{
    char pointer[sizeof err->at];
    const struct husk_json *v;
    char *end;

    memcpy(pointer, err->at, sizeof pointer);
    while ((v = husk_json_at(root, pointer)) == NULL && (end = strrchr(pointer, '/')) != NULL)
        *end = '\0';
    if (v != NULL)
        husk_json_line(text, len, v->offset, &err->line, &err->column);
}

HUSK_API void husk_err_locate(struct husk_err *err, const char *text, size_t len)
{
    struct husk_arena arena = { 0 };
    const struct husk_json *root;

    if (err->at[0] == '/' && husk_json_parse(&root, &arena, text, len, NULL) == HUSK_OK)
        husk__locate(err, root, text, len);
    husk_arena_fini(&arena);
}

HUSK_API const struct husk_namespace *husk_spec_namespace(const struct husk_spec *spec, uint64_t type)
{
    for (uint32_t i = 0; i < spec->linux_.namespaces.n; i++)
        if (spec->linux_.namespaces.v[i].type == type)
            return &spec->linux_.namespaces.v[i];
    return NULL;
}

HUSK_API const char *husk_hook_kind_name(enum husk_hook_kind kind)
{
    static const char *const names[HUSK_HOOK_KINDS] = {
        [HUSK_HOOK_PRESTART] = "prestart",
        [HUSK_HOOK_CREATE_RUNTIME] = "createRuntime",
        [HUSK_HOOK_CREATE_CONTAINER] = "createContainer",
        [HUSK_HOOK_START_CONTAINER] = "startContainer",
        [HUSK_HOOK_POSTSTART] = "poststart",
        [HUSK_HOOK_POSTSTOP] = "poststop",
    };
    return (size_t)kind < HUSK_HOOK_KINDS ? names[kind] : "unknown";
}

#include "husk/impl/spec_check.h"
#include "husk/impl/spec_read.h"
#include "husk/impl/spec_members.h"
#include "husk/impl/spec_parse.h"
#include "husk/impl/spec_default.h"
#endif
