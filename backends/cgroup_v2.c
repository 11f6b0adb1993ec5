/* cgroup v2: one tree for all controllers, which every level hands down to the next by its
 * cgroup.subtree_control.
 *
 * Where the kernel can, the container is cloned into its cgroup (CLONE_INTO_CGROUP);
 * else it writes itself to cgroup.procs.
 */
#include "husk/backend/resources.h"
#include "cgroup_common.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FREEZE_MSEC 5000
#define KILL_MSEC 10000
#define EMPTY_MSEC 5000

static int probe(const struct husk_host *host, const struct husk_hierarchy *h, const char **reason)
{
    (void)host;
    if (h->version == 2)
        return 1;
    *reason = "not a cgroup2 hierarchy";
    return 0;
}

static bool listed(const char *const *list, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* "+memory +pids": of the hierarchy's controllers those needed, or those not needed that its root hands down. */
static const char *additions(struct husk_planner *p, const struct husk_hierarchy *h, uint64_t needs,
                             bool needed, bool root)
{
    struct husk_text t = {.arena = p->arena};

    for (uint32_t i = 0; i < h->n_controllers && i < 64; i++) {
        bool need = needs >> i & 1, enabled = listed(h->enabled, h->n_enabled, h->controllers[i]);
        if (needed ? need && !(root && enabled) : !need && enabled && !root)
            husk_textf(&t, "%s+%s", t.len ? " " : "", h->controllers[i]);
    }
    return t.data;
}

static void plan_enable(struct husk_planner *p, enum husk_slot slot, const char *level, size_t len,
                        const char *data, bool needed)
{
    struct husk_op *op;

    if (data == NULL)
        return;
    op = husk_add_write(p, HUSK_PARENT, slot,
                        husk_plan_str(p, "%.*s%scgroup.subtree_control", (int)len, level, len ? "/" : ""),
                        data, needed ? "/linux/resources" : "default");
    op->on_fail = HUSK_IGNORE;
    if (needed) { /* a level that was delegated to us is not ours to change, and has had it done; else the
                     limit's file is missing */
        op->errnos[0] = EACCES;
        op->errnos[1] = EPERM;
    }
}

/* Every level above the container's cgroup must hand down what its limits need. Beside that, what the mount's
 * root hands down already goes on to the container, so that its statistics exist; nothing more is switched on
 * for the host. At the root only what is missing is written: the kernel locks and walks all cgroups below for
 * each write, changed or not. */
static void plan_controllers(struct husk_planner *p, uint32_t place, const char *below)
{
    const struct husk_hierarchy *h = &p->host->hierarchies[p->cgroups[place].hierarchy];
    enum husk_slot slot = (enum husk_slot)(HUSK_SLOT_CG + place);
    uint64_t needs = husk_resources_needs(p, place);
    const char *need = additions(p, h, needs, true, false), *rest = additions(p, h, needs, false, false);

    plan_enable(p, slot, below, 0, additions(p, h, needs, true, true), true);
    for (size_t at = strcspn(below, "/"); below[at] == '/'; at += 1 + strcspn(below + at + 1, "/")) {
        plan_enable(p, slot, below, at, need, true);
        plan_enable(p, slot, below, at, rest, false);
    }
}

static bool enters_by_clone(const struct husk_planner *p)
{
    return p->host->features[HUSK_FEATURE_CLONE_INTO_CGROUP] && !p->join_by_write;
}

static int plan_create(struct husk_planner *p, uint32_t place)
{
    const struct husk_cgroup_place *c = &p->cgroups[place];
    const char *why = husk__cgroup_why(p), *below;
    enum husk_slot slot = (enum husk_slot)(HUSK_SLOT_CG + place);
    int rc;

    if (p->req->action == HUSK_EXEC) {
        husk_add_open(p, HUSK_PARENT, slot, HUSK_SLOT_HOST, c->dir, O_PATH | O_DIRECTORY,
                      HUSK_EXPECT_CGROUPFS, why);
    } else {
        if ((rc = husk__cgroup_make(p, place, &below)) != 0)
            return rc;
        plan_controllers(p, place, below);
        husk_add_open(p, HUSK_PARENT, slot, slot, below, O_PATH | O_DIRECTORY,
                      HUSK_EXPECT_CGROUPFS, why);
    }
    if (enters_by_clone(p))
        p->spawn_cgroup = slot;
    else
        husk_add_open(p, HUSK_PARENT, (enum husk_slot)(HUSK_SLOT_JOIN + place), slot,
                      "cgroup.procs", O_WRONLY, HUSK_EXPECT_CGROUPFS, why);
    return HUSK_OK;
}

static int plan_join(struct husk_planner *p, uint32_t place)
{
    if (!enters_by_clone(p))
        husk_add_write(p, HUSK_CHILD, (enum husk_slot)(HUSK_SLOT_JOIN + place), "", "0", husk__cgroup_why(p));
    return HUSK_OK;
}

/* Waits until the key of cgroup.events has that value: the kernel wakes us at each change. */
static int wait_event(int dir, const char *key, int want, int msec)
{
    int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;
    struct pollfd wake = {.fd = fd, .events = POLLPRI};
    struct husk__wait w = husk__wait_start((uint32_t)msec);
    struct timespec now;
    int64_t left;

    if (fd < 0)
        return -errno;
    do {
        char text[128];
        ssize_t n = pread(fd, text, sizeof text, 0); /* arms poll(2) */
        rc = n < 0 ? -errno : husk__cgroup_key(dir, "cgroup.events", key);
        if (rc < 0 || rc == want)
            break;
        clock_gettime(CLOCK_MONOTONIC, &now);
        left = (w.until_nsec - now.tv_sec * INT64_C(1000000000) - now.tv_nsec) / 1000000;
        if (left > 0)
            poll(&wake, 1, (int)left);
    } while (left > 0);
    close(fd);
    return rc < 0 ? rc : rc == want ? 0 : -ETIMEDOUT;
}

static int freeze(int dir, bool frozen)
{
    int rc = husk__cgroup_write(dir, "cgroup.freeze", frozen ? "1" : "0");

    if (rc != 0)
        return rc == -ENOENT ? -ENOSYS : rc;
    rc = wait_event(dir, "frozen", frozen, FREEZE_MSEC);
    if (rc != 0 && frozen)
        (void)husk__cgroup_write(dir, "cgroup.freeze", "0");
    return rc;
}

static int is_frozen(int dir)
{
    int rc = husk__cgroup_key(dir, "cgroup.events", "frozen");

    return rc == -ENOENT ? -ENOSYS : rc;
}

/* Without cgroup.kill (before Linux 5.14): frozen processes of v2 can be killed and cannot fork. */
static int kill_all(int dir)
{
    struct husk__wait w = husk__wait_start(KILL_MSEC);
    bool freezer;
    int n;

    if (husk__cgroup_write(dir, "cgroup.kill", "1") == 0)
        return 0;
    do {
        freezer = husk__cgroup_write(dir, "cgroup.freeze", "1") == 0;
        n = husk__cgroup_kill_members(dir);
        if (freezer)
            (void)husk__cgroup_write(dir, "cgroup.freeze", "0");
    } while (n > 0 && husk__wait_more(&w));
    return n > 0 ? -EBUSY : n;
}

static int remove_tree(int dir, const char *path)
{
    if (dir >= 0 && husk__cgroup_key(dir, "cgroup.events", "populated") == 1)
        (void)wait_event(dir, "populated", 0, EMPTY_MSEC);
    return husk__cgroup_remove(dir, path);
}

static int oom_kills(int dir)
{
    return husk__cgroup_key(dir, "memory.events", "oom_kill");
}

const struct husk_cgroup_backend husk_cgroup_v2 = {
    .size = sizeof husk_cgroup_v2,
    .abi = HUSK_CGROUP_ABI,
    .name = "cgroup-v2",
    .probe = probe,
    .plan_create = plan_create,
    .plan_join = plan_join,
    .plan_limits = husk_resources_plan,
    .plan_mount = husk__cgroup_plan_mount,
    .each_pid = husk__cgroup_each_pid,
    .freeze = freeze,
    .is_frozen = is_frozen,
    .kill_all = kill_all,
    .remove = remove_tree,
    .oom_kills = oom_kills,
};
