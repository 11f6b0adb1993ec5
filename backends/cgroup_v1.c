/* cgroup v1: any number of hierarchies, each with its own tree and its own directory of the container.
 *
 * A member joins by writing "0" to `tasks` itself: writing a pid to cgroup.procs takes a kernel-wide lock
 * whose grace period costs 10 ms on an idle machine, and only a lone thread writing itself to `tasks` is
 * spared it.
 */
#include "husk/backend/resources.h"
#include "cgroup_common.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FREEZE_MSEC 5000
#define KILL_MSEC 10000
#define KILL_BLIND_MSEC 50

static int probe(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    (void)host;
    if (h->version == 1)
        return 1;
    *reason = "not a hierarchy of cgroup v1";
    return 0;
}

/* A process cannot join a cpuset without processors or memory nodes, and new ones have none: each level takes
 * its parent's, from the top. What the configuration sets for the last level is written there by plan_limits.
 */
static void plan_cpuset(struct husk_planner *p, uint32_t place, const char *below,
                        const struct husk_hierarchy *h)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    const struct husk_cpu *cpu = &p->spec->linux_.resources.cpu;
    const char *const given[] = {cpu->cpus, cpu->mems};
    enum husk_slot slot = (enum husk_slot)(HUSK_SLOT_CG + place);

    for (size_t from = 0, to = strcspn(below, "/"); to > from;
         from = to, to += below[to] ? 1 + strcspn(below + to + 1, "/") : 0)
        for (uint32_t i = 0; i < 2; i++) {
            const char *file = files[i] + (h->noprefix ? 7 : 0);
            struct husk_op *op;
            if (below[to] == '\0' && given[i] != NULL && given[i][0] != '\0')
                continue;
            op = husk_add(p, HUSK_OP_COPY, HUSK_PARENT, husk__cgroup_why(p));
            op->u.copy.from = (struct husk_path){
                slot, husk_plan_str(p, "%.*s%s%s", (int)from, below, from ? "/" : "", file)};
            op->u.copy.to = (struct husk_path){slot, husk_plan_str(p, "%.*s/%s", (int)to, below, file)};
        }
}

static int plan_create(struct husk_planner *p, uint32_t place)
{
    const struct husk_cgroup_place *c = &p->cgroups[place];
    const struct husk_hierarchy *h = &p->host->hierarchies[c->hierarchy];
    const char *why = husk__cgroup_why(p), *below;
    enum husk_slot slot = (enum husk_slot)(HUSK_SLOT_CG + place);
    int rc;

    if (p->req->action == HUSK_EXEC) {
        husk_add_open(p, HUSK_PARENT, slot, HUSK_SLOT_HOST, c->dir, O_PATH | O_DIRECTORY,
                      HUSK_EXPECT_CGROUPFS, why);
    } else {
        if ((rc = husk__cgroup_make(p, place, &below)) != 0)
            return rc;
        for (uint32_t i = 0; i < h->n_controllers; i++)
            if (strcmp(h->controllers[i], "cpuset") == 0)
                plan_cpuset(p, place, below, h);
        husk_add_open(p, HUSK_PARENT, slot, slot, below, O_PATH | O_DIRECTORY, HUSK_EXPECT_CGROUPFS, why);
    }
    husk_add_open(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_JOIN + place), slot, "tasks", O_WRONLY,
                  HUSK_EXPECT_CGROUPFS, why);
    return HUSK_OK;
}

static int plan_join(struct husk_planner *p, uint32_t place)
{
    husk_add_write(p, HUSK_CHILD, (enum husk_slot)(HUSK_SLOT_JOIN + place), "", "0", husk__cgroup_why(p));
    return HUSK_OK;
}

/* 1 frozen, 0 thawed, -EAGAIN on the way, -ENOSYS where the freezer is not. */
static int freezer_state(int dir)
{
    char text[32];
    int rc = husk__cgroup_read(dir, "freezer.state", text, sizeof text);

    if (rc != 0)
        return rc == -ENOENT ? -ENOSYS : rc;
    return strncmp(text, "FROZEN", 6) == 0 ? 1 : strncmp(text, "THAWED", 6) == 0 ? 0 : -EAGAIN;
}

/* Writing FROZEN again while it is under way makes the kernel look again at tasks that could not stop then. */
static int freeze_for(int dir, bool frozen, uint32_t msec)
{
    struct husk__wait w = husk__wait_start(msec);
    int rc;

    do {
        rc = husk__cgroup_write(dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
        if (rc == 0)
            rc = freezer_state(dir);
        if (rc == -ENOENT || rc == -ENOSYS)
            return -ENOSYS;
        if (rc == frozen)
            return 0;
    } while ((rc >= 0 || rc == -EAGAIN) && husk__wait_more(&w));
    if (frozen)
        (void)husk__cgroup_write(dir, "freezer.state", "THAWED");
    return rc >= 0 || rc == -EAGAIN ? -ETIMEDOUT : rc;
}

static int freeze(int dir, bool frozen)
{
    return freeze_for(dir, frozen, FREEZE_MSEC);
}

static int is_frozen(int dir)
{
    int rc = freezer_state(dir);

    return rc == -EAGAIN ? 0 : rc;
}

static int thaw_one(void *ctx, int dir, int parent, const char *name)
{
    (void)ctx, (void)parent, (void)name;
    (void)husk__cgroup_write(dir, "freezer.state", "THAWED");
    return 0;
}

/* A frozen task dies only when thawed, and sub-cgroups may be frozen of their own. From the second pass on,
 * who forks faster than it is killed is frozen first. Both need the freezer's hierarchy; in others EBUSY
 * comes soon, and tells to try that. */
static int kill_all(int dir)
{
    bool freezer = freezer_state(dir) != -ENOSYS, again = false;
    struct husk__wait w = husk__wait_start(freezer ? KILL_MSEC : KILL_BLIND_MSEC);
    int n, rc;

    do {
        if (freezer && again)
            (void)freeze_for(dir, true, 100);
        n = husk__cgroup_kill_members(dir);
        if (freezer && (rc = husk__cgroup_walk(dir, thaw_one, NULL)) < 0)
            return rc;
        again = true;
    } while (n > 0 && husk__wait_more(&w));
    return n > 0 ? -EBUSY : n;
}

static int oom_kills(int dir)
{
    return husk__cgroup_key(dir, "memory.oom_control", "oom_kill");
}

const struct husk_cgroup_backend husk_cgroup_v1 = {
    .size = sizeof husk_cgroup_v1,
    .abi = HUSK_CGROUP_ABI,
    .name = "cgroup-v1",
    .probe = probe,
    .plan_create = plan_create,
    .plan_join = plan_join,
    .plan_limits = husk_resources_plan,
    .plan_mount = husk__cgroup_plan_mount,
    .each_pid = husk__cgroup_each_pid,
    .freeze = freeze,
    .is_frozen = is_frozen,
    .kill_all = kill_all,
    .remove = husk__cgroup_remove,
    .oom_kills = oom_kills,
};
