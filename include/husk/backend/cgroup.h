/* husk/backend/cgroup.h - one vtable for each kind of control group hierarchy.
 *
 * plan_* append operations and are pure; the rest act on a container's cgroup directory that the caller opened (O_PATH is
 * enough). On a hybrid host two backends serve one container, each its own hierarchies.
 * Mandatory: name and all methods but freeze, is_frozen and oom_kills. See backends/skeleton.c for the least that a backend
 * needs.
 */
#ifndef HUSK_BACKEND_CGROUP_H
#define HUSK_BACKEND_CGROUP_H

#include "husk/plan.h"

#define HUSK_CGROUP_ABI 1u

/* Called for each process in a cgroup tree; a non-zero result stops the walk and is returned. */
typedef int husk_pid_fn(void *ctx, int32_t pid);

struct husk_cgroup_backend {
    uint32_t size, abi;
    const char *name; /* "cgroup-v1"; a container's state keeps it to find the backend again */

    /* A score above 0 when this backend serves the hierarchy, or 0 and *reason: then no other method is called for it. There
     * is no other way to decline. Pure. */
    int (*probe)(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason);
    /* Parent operations before spawn: make the cgroup (undo; not for exec, which joins one that exists), open its directory
     * as @cg.PLACE, which limits and device rules are written below, and what membership needs: a file that the child writes,
     * as @join.PLACE, or, unless p->join_by_write, p->spawn_cgroup. place->path and place->dir are filled. */
    int (*plan_create)(struct husk_planner *p, uint32_t place);
    /* The child's first operations: it becomes a member. Nothing where p->spawn_cgroup is this one. */
    int (*plan_join)(struct husk_planner *p, uint32_t place);
    /* All fields of linux.resources that this hierarchy's controllers hold, devices excepted. */
    int (*plan_limits)(struct husk_planner *p, uint32_t place);
    /* What a mount of type "cgroup" becomes; `why` is the mount's pointer. Called once for all places of the container. */
    int (*plan_mount)(struct husk_planner *p, const struct husk_mount *mount, const char *why);

    /* Actions. dir is the cgroup's directory. Return 0 or a negative errno. */
    int (*each_pid)(int dir, husk_pid_fn *fn, void *ctx); /* sub-cgroups included */
    int (*freeze)(int dir, bool frozen);                  /* returns when it is in force; -ENOSYS: not this hierarchy's */
    int (*is_frozen)(int dir);                            /* 1, 0, or a negative errno */
    int (*kill_all)(int dir);                             /* SIGKILL to every member, frozen ones too */
    int (*remove)(int dir, const char *path);             /* the tree below and itself; path is absolute; gone already is success */
    int (*oom_kills)(int dir);                            /* how many there were; a negative errno: not this hierarchy's to know */
};

HUSK_BEGIN_DECLS
/* Every resource that the spec sets must be served by a hierarchy of the container's places, else HUSK_EHOST with
 * HUSK_DIAG_NO_CONTROLLER at its pointer. Pure. */
HUSK_API HUSK_MUST_USE int husk_resources_check(struct husk_planner *p);
HUSK_END_DECLS

#endif
