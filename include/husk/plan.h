/* husk/plan.h - decide what to do. Stage 2 of spec -> plan -> apply.
 *
 *     struct husk_plan plan;
 *     if (husk_plan_make(&plan, &arena, &spec, &host, &req, &err)) return report(&err);
 *     husk_plan_print(&plan, &text);             // needs no privilege
 *
 * Pure: reads only its arguments, makes no system call; same input, same bytes.
 * Memory: everything in *plan lives in *arena; it may point into strings of the spec only while both arenas live
 * (print and parse give an independent copy).
 * Errors: HUSK_ESPEC at a JSON pointer, HUSK_EHOST naming the missing facility, HUSK_EARG, HUSK_ENOMEM.
 */
#ifndef HUSK_PLAN_H
#define HUSK_PLAN_H

#include "husk/host.h"
#include "husk/op.h"
#include "husk/spec.h"

struct husk_backends; /* backends.h */

enum husk_action { HUSK_CREATE, HUSK_RUN, HUSK_EXEC }; /* create waits at the gate; run and exec do not */

/* One cgroup of the container: enough to find it again, and what the state file keeps. */
struct husk_cgroup_place {
    const char *backend;     /* who made it: the vtable's name */
    uint32_t version;        /* 1 or 2 */
    uint32_t hierarchy;      /* index into host->hierarchies; not kept in the state file */
    const char *controllers; /* "cpu,cpuacct", "name=systemd"; "" on v2 */
    const char *path;        /* in the hierarchy, as /proc/PID/cgroup shows it: "/a/b" */
    const char *dir;         /* absolute, in the host's mounts */
};

/* What the caller wants done. All-zero but `id` and `bundle` is a plain foreground run without terminal sockets. */
struct husk_request {
    enum husk_action action;
    const char *id;
    const char *bundle;         /* absolute */
    const char *console_socket; /* absolute path, or NULL: @console stays with the parent */
    const char *pidfd_socket;
    const char *pid_file;       /* absolute */
    uint32_t preserve_fds;
    uint32_t listen_fds;        /* of preserve_fds, how many to announce in LISTEN_FDS */
    bool no_pivot, no_new_keyring, ignore_cgroup_errors;
    const char *created;        /* RFC 3339 time for the state that hooks read; "" when NULL */
    const struct husk_process *process;       /* exec: what to run; otherwise NULL, the spec's process */
    const struct husk_cgroup_place *cgroups;  /* exec: the container's, from its state */
    uint32_t n_cgroups;
    const struct husk_backends *backends;     /* NULL: husk_backends_default */
};

struct husk_plan {
    const struct husk_op *ops;
    uint32_t n;
    enum husk_action action;
    const char *id;
    const struct husk_cgroup_place *cgroups;
    uint32_t n_cgroups;
    struct husk_notes notes; /* warnings: capabilities that cannot be granted … */
};

/* What the planner and the backends work on. A backend appends operations with husk_add() and reads the rest. */
struct husk_planner {
    struct husk_arena *arena;
    const struct husk_spec *spec;       /* the caller's, with the id maps that it lacks */
    const struct husk_process *process; /* never NULL while process operations are planned */
    const struct husk_host *host;
    const struct husk_request *req;
    const struct husk_backends *backends;
    struct husk_err *err;
    struct husk_op *ops;
    uint32_t n, cap;
    struct husk_cgroup_place *cgroups; /* the container's, one a hierarchy; cgroups[i] uses slots CG+i and JOIN+i */
    uint32_t n_cgroups;
    struct husk_note *notes;
    uint32_t n_notes;
    bool new_userns, joined_userns, userns; /* userns: either of them, or the host is in one */
    bool new_cgroupns;
    uint64_t new_ns, join_ns;          /* CLONE_NEW* bits */
    uint32_t n_aux;                    /* slots aux.0 … that are taken */
    enum husk_slot tree, mount_ids, source, covered; /* of these, what mounts use one after the other; HOST: none yet */
    enum husk_slot rdt[2];             /* files of resctrl that the child writes itself into */
    uint32_t n_rdt;
    bool join_by_write;                /* the child has something to do before it is in its cgroups: no spawn_cgroup */
    enum husk_slot spawn_cgroup;       /* set by a cgroup backend: spawn enters this cgroup, and plan_join has nothing to do */
    bool full_dev;                     /* default devices are wanted: /dev is not a bind mount */
    bool own_nodes;                    /* there is a directory for device nodes that the caller makes */
    struct husk_op scratch;            /* what husk_add() gives when out of memory: written, never read */
};

HUSK_BEGIN_DECLS

HUSK_API HUSK_MUST_USE int husk_plan_make(struct husk_plan *plan, struct husk_arena *arena, const struct husk_spec *spec,
                                          const struct husk_host *host, const struct husk_request *req,
                                          struct husk_err *err);
/* Is it safe to apply? One spawn, slots defined before use, no host path after the root changed, no mount after capabilities
 * were dropped, exec last of the child's, sizes bounded, waits matched; after seccomp only what a filter has to allow.
 * Runs before every apply, on parsed plans too. HUSK_EARG with HUSK_DIAG_PLAN_UNSAFE and err->op. */
HUSK_API HUSK_MUST_USE int husk_plan_verify(const struct husk_plan *plan, struct husk_err *err);
/* Every reason that husk_plan_verify() would give, in the arena. Returns how many; some may be consequences of others. */
HUSK_API uint32_t husk_plan_lint(const struct husk_plan *plan, struct husk_arena *arena, struct husk_errs *all);

/* Text: one operation a line, exact: husk_plan_parse() gives the same plan back, print after parse the same bytes. */
HUSK_API void husk_plan_print(const struct husk_plan *plan, struct husk_text *out);
HUSK_API void husk_plan_print_json(const struct husk_plan *plan, struct husk_text *out);
HUSK_API HUSK_MUST_USE int husk_plan_parse(struct husk_plan *plan, struct husk_arena *arena, const char *text, size_t len,
                                           struct husk_err *err);
/* Lines "- op", "+ op", and unchanged ones around them, without index numbers. Returns how many lines differ. */
HUSK_API uint32_t husk_plan_diff(const struct husk_plan *a, const struct husk_plan *b, struct husk_text *out);
/* One operation without index and newline, e.g. `child mount source=proc target=@rootfs:proc … why=/mounts/0`. */
HUSK_API void husk_op_print(const struct husk_op *op, struct husk_text *out);
/* The operation's main argument for an error text: a path, a name; "" when it has none. */
HUSK_API const char *husk_op_subject(const struct husk_op *op);
HUSK_API const char *husk_op_name(enum husk_op_kind kind);
/* "@rootfs", "@cg.3"; static or in the caller's buffer of at least 24 bytes. */
HUSK_API const char *husk_slot_name(enum husk_slot slot, char buffer[24]);
HUSK_API enum husk_resolve husk_slot_resolve(enum husk_slot slot);

/* For backends. The pointer is good until the next husk_add(); `why` must live as long as the plan. Never NULL: after an
 * allocation failure a scratch operation, and the plan fails at its end. */
HUSK_API struct husk_op *husk_add(struct husk_planner *p, enum husk_op_kind kind, enum husk_who who, const char *why);
/* husk_strf in the plan's arena; "" when out of memory. */
HUSK_API const char *husk_plan_str(struct husk_planner *p, const char *fmt, ...) HUSK_PRINTF(2, 3);
/* Maps as the kernel's uid_map has them: "0 100000 65536\n" … */
HUSK_API const char *husk_plan_map_text(struct husk_planner *p, const struct husk_idmaps *maps);
/* The JSON pointer of member `name` (any text: "/" and "~" are escaped) of the object at `parent`. */
HUSK_API const char *husk_plan_member(struct husk_planner *p, const char *parent, const char *name);
HUSK_API void husk_plan_note(struct husk_planner *p, const char *at, const char *fmt, ...) HUSK_PRINTF(3, 4);
/* Parent writes `data` into file below slot; data is copied by the caller's choice (it must live as long as the plan). */
HUSK_API struct husk_op *husk_add_write(struct husk_planner *p, enum husk_who who, enum husk_slot slot, const char *file,
                                        const char *data, const char *why);
HUSK_API struct husk_op *husk_add_open(struct husk_planner *p, enum husk_who who, enum husk_slot defines, enum husk_slot slot,
                                       const char *path, uint32_t flags, enum husk_expect expect, const char *why);
/* For the mount operation that shows *source in the container; returns its flags. Where a user namespace might not reach the
 * source, the parent clones it first, and *source becomes that tree, which is to be moved. It is a peer of the host's mount: the
 * operation's propagation has to begin with slave. */
HUSK_API uint64_t husk_add_source(struct husk_planner *p, struct husk_path *source, bool recursive, const char *why);

HUSK_END_DECLS
#endif

#if defined(HUSK_IMPLEMENTATION) && !defined(HUSK_PLAN_IMPLEMENTED)
#define HUSK_PLAN_IMPLEMENTED
#include "husk/impl/plan_text.h"
#include "husk/impl/plan_verify.h"
#include "husk/impl/plan_make.h"
#endif
