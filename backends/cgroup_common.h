/* What the cgroup backends share; private. */
#ifndef HUSK_CGROUP_COMMON_H
#define HUSK_CGROUP_COMMON_H

#include "husk.h"

/* plan_create's part that is the same on both versions: open the hierarchy's mount point into slot cg.N, make
 * the directory, whose path below the mount point is *below: clean, and not empty. */
int husk__cgroup_make(struct husk_planner *p, uint32_t place, const char **below);
/* Why the container has the cgroup that it has. */
const char *husk__cgroup_why(const struct husk_planner *p);
/* Lays out a mount of type cgroup from all places of the container. */
int husk__cgroup_plan_mount(struct husk_planner *p, const struct husk_mount *mount, const char *why);

/* Below here: actions. Negative errnos. */

/* fn for each cgroup of the tree, children first, `dir` itself last with name NULL: parent is the directory
 * that holds `name`. Cgroups that vanish meanwhile are passed over, and others then may come twice; a non-zero
 * result of fn ends it. At most four descriptors, whatever the tree. */
typedef int husk__cgroup_fn(void *ctx, int dir, int parent, const char *name);
int husk__cgroup_walk(int dir, husk__cgroup_fn *fn, void *ctx);

int husk__cgroup_each_pid(int dir, husk_pid_fn *fn, void *ctx);
int husk__cgroup_kill_members(int dir); /* one pass of SIGKILL; returns how many there were */
int husk__cgroup_remove(int dir, const char *path);

int husk__cgroup_write(int dir, const char *file, const char *text);
int husk__cgroup_read(int dir, const char *file, char *text, size_t size);
/* The number after `key` and a blank in a flat keyed file, or -ENOENT. */
int husk__cgroup_key(int dir, const char *file, const char *key);

/* A deadline on the monotonic clock, and growing sleeps until it. */
struct husk__wait {
    int64_t until_nsec;
    int64_t nap_nsec;
};
struct husk__wait husk__wait_start(uint32_t msec);
bool husk__wait_more(struct husk__wait *w); /* false: the deadline passed */

#endif
