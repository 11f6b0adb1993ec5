/* What `update` writes: the operations for new limits, with what the kernel says now for values that they depend
 * on, on v1 and v2; what is refused; and what is written back after a failure. This program implements husk
 * itself, and takes the backends alone from the library. */
#define HUSK_IMPLEMENTATION
#include "husk.h"
#include "tap.h"
#include <sys/stat.h>

static const char *const all_v1[] = {"memory", "cpu", "cpuset", "pids", "blkio", "freezer"};
static const char *const all_v2[] = {"memory", "cpu", "cpuset", "pids", "io"};
static const struct husk_hierarchy v1 = {
    .version = 1, .mountpoint = "/cg", .mount_root = "/", .controllers = all_v1, .n_controllers = HUSK_COUNT(all_v1)};
static const struct husk_hierarchy v2 = {
    .version = 2, .mountpoint = "/cg", .mount_root = "/", .controllers = all_v2, .n_controllers = HUSK_COUNT(all_v2)};

struct bench {
    struct husk_arena arena;
    struct husk_host host;
    struct husk_spec spec;
    struct husk_cgroup_place place;
    struct husk_request req;
    struct husk_planner p;
    struct husk_err err;
};

static int plan(struct bench *b, const struct husk_hierarchy *h, struct husk_linux wanted, struct husk__limits_now now)
{
    int rc;

    husk_arena_fini(&b->arena);
    memset(b, 0, sizeof *b);
    b->host = (struct husk_host){.hierarchies = h, .n_hierarchies = 1};
    b->place = (struct husk_cgroup_place){.backend = h->version == 1 ? "cgroup-v1" : "cgroup-v2",
                                          .version = h->version,
                                          .path = "/box",
                                          .dir = "/cg/box"};
    b->req = (struct husk_request){.action = HUSK_EXEC, .id = "box", .cgroups = &b->place, .n_cgroups = 1};
    b->spec.linux_ = wanted;
    b->p = (struct husk_planner){.arena = &b->arena,
                                 .spec = &b->spec,
                                 .host = &b->host,
                                 .req = &b->req,
                                 .backends = &husk_backends_default,
                                 .err = &b->err};
    rc = husk__plan_known_places(&b->p);
    return rc ? rc : husk__update_plan(&b->p, &b->spec.linux_.resources, &now);
}

/* "FILE=DATA FILE=DATA": what is written, in order. */
static const char *written(struct bench *b)
{
    struct husk_text t = {.arena = &b->arena};

    for (uint32_t i = 0; i < b->p.n; i++)
        if (b->p.ops[i].kind == HUSK_OP_WRITE)
            husk_textf(&t, "%s%s=%s", t.len ? " " : "", b->p.ops[i].u.write.path.rel, b->p.ops[i].u.write.data);
    return t.data ? t.data : "";
}

static int limits(struct bench *b, const struct husk_hierarchy *h, struct husk_resources r, struct husk__limits_now now)
{
    return plan(b, h, (struct husk_linux){.resources = r}, now);
}

static void is(struct bench *b, const struct husk_hierarchy *h, struct husk_resources r, struct husk__limits_now now,
               const char *want)
{
    if (limits(b, h, r, now) != 0)
        tap_ok(false, "%s: %s: %s", want, b->err.at, b->err.msg);
    else
        tap_same(written(b), want, want[0] ? want : "nothing is written");
}

static void test_completed(struct bench *b)
{
    const struct husk__limits_now now = {.memory = 1000, .memory_used = 500, .quota = 20000, .period = 40000};
    const struct husk__limits_now unlimited = {.memory = -1, .memory_used = 500, .quota = -1, .period = 100000};
    const struct husk_resources swap = {.memory.swap_bytes = HUSK_SOME(1500)},
                                quota = {.cpu.quota_usec = HUSK_SOME(5000)},
                                period = {.cpu.period_usec = HUSK_SOME(80000)},
                                both = {.cpu = {.quota_usec = HUSK_SOME(5000), .period_usec = HUSK_SOME(6000)}},
                                none = {.memory.limit_bytes = HUSK_SOME(-1)}, nothing = {0};

    is(b, &v2, nothing, now, "");
    tap_equal(b->p.n, 0, "nothing to write: nothing is opened");
    is(b, &v2, quota, now, "cpu.max=5000 40000");
    is(b, &v2, period, now, "cpu.max=20000 80000");
    is(b, &v2, period, unlimited, "cpu.max=max 80000");
    is(b, &v2, both, now, "cpu.max=5000 6000");
    is(b, &v1, quota, (struct husk__limits_now){0}, "cpu.cfs_quota_us=-1 cpu.cfs_quota_us=5000");
    is(b, &v1, period, (struct husk__limits_now){0}, "cpu.cfs_period_us=80000");
    is(b, &v2, swap, now, "memory.max=1000 memory.swap.max=500");
    is(b, &v1, swap, now, "memory.memsw.limit_in_bytes=-1 memory.limit_in_bytes=1000 memory.memsw.limit_in_bytes=1500");
    is(b, &v2, none, now, "memory.max=max memory.swap.max=max");
    tap_equal(limits(b, &v2, swap, unlimited), HUSK_ESPEC, "memory and swap need a limit for memory");
    tap_same(b->err.at, "/linux/resources/memory/swap", "and the place is told");
}

static void test_checked(struct bench *b)
{
    const struct husk__limits_now now = {.memory = 1000, .memory_used = 500};
    struct husk_resources r = {.memory = {.limit_bytes = HUSK_SOME(400), .check_before_update = HUSK_SOME(true)}};

    tap_equal(limits(b, &v2, r, now), HUSK_ESTATE, "checkBeforeUpdate: a limit below what is used");
    tap_same(b->err.at, "/linux/resources/memory/limit", "and its place");
    tap_equal(b->err.diag, HUSK_DIAG_CONFLICT, "and its diagnosis");
    r.memory.limit_bytes.v = 500;
    is(b, &v2, r, now, "memory.max=500");
    tap_equal(b->p.n_notes, 0, "it has no remark, as create has one for it");
    r.memory = (struct husk_memory){.limit_bytes = HUSK_SOME(400)};
    is(b, &v2, r, now, "memory.max=400");
}

static void test_refused(struct bench *b)
{
    static const char *const some[] = {"pids"};
    const struct husk_hierarchy poor = {
        .version = 2, .mountpoint = "/cg", .mount_root = "/", .controllers = some, .n_controllers = 1};
    const struct husk_resources memory = {.memory.limit_bytes = HUSK_SOME(400)}, pids = {.pids_limit = HUSK_SOME(0)};
    const struct husk__limits_now now = {0};

    tap_equal(limits(b, &poor, memory, now), HUSK_EHOST, "no controller");
    tap_same(b->err.at, "/linux/resources/memory/limit", "and whose");
    is(b, &poor, pids, now, "pids.max=1");
}

/* The container's group in resctrl, by the name that create gave it. */
static void test_rdt(struct bench *b)
{
    const struct husk_spec made = {.linux_.intel_rdt = {.set = true, .clos_id = "shared"}}, without = {0};
    struct husk_intel_rdt rdt = {.set = true, .l3_schema = "L3:0=f", .mem_bw_schema = "MB:0=50"}, none = {0};
    const struct husk__limits_now now = {0};

    tap_equal(husk__update_group(&without, &none, &b->err), 0, "no schema, no group");
    tap_equal(husk__update_group(&without, &rdt, &b->err), HUSK_ESTATE, "a schema without a group");
    tap_same(b->err.at, "/linux/intelRdt", "and its place");
    for (int own = 0; own < 2; own++) {
        tap_equal(husk__update_group(&made, &rdt, &b->err), 0, "a group");
        rdt.clos_id = own ? NULL : rdt.clos_id;
        tap_equal(plan(b, &v2, (struct husk_linux){.intel_rdt = rdt}, now), 0, "planned");
        tap_same(written(b),
                 own ? "/sys/fs/resctrl/box/schemata=L3:0=f\nMB:0=50\n"
                     : "/sys/fs/resctrl/shared/schemata=L3:0=f\nMB:0=50\n",
                 own ? "the container's own group" : "a shared group");
    }
}

static void test_numbers(void)
{
    tap_equal(husk__update_number("max\n"), -1, "max is no limit");
    tap_equal(husk__update_number("9223372036854771712\n"), -1, "nor is v1's largest number of pages");
    tap_equal(husk__update_number("1073741824\n"), 1073741824, "a number");
    tap_equal(husk__update_number(""), 0, "no file: not known");
}

/* In plain files, each of which keeps the last write. */
static void restored(struct bench *b, const char *dir, const char *data, const char *old, const char *want)
{
    const struct husk_op op = {.kind = HUSK_OP_WRITE,
                               .u.write = {{HUSK_SLOT_HOST, husk_strf(&b->arena, "%s/file", dir)}, data}};
    struct husk_child child = {.channel = -1, .cwd = -1, .empty = -1, .ops = &op, .n = 1};
    char text[256] = "";
    FILE *f = fopen(op.u.write.path.rel, "w");

    child.buffer = husk_arena_alloc(&b->arena, HUSK_CHILD_BUFFER);
    if (f == NULL || fclose(f) != 0 || child.buffer == NULL) {
        tap_ok(false, "scratch file");
        return;
    }
    husk__update_restore(&child, &op, old);
    f = fopen(op.u.write.path.rel, "r");
    if (f == NULL || fgets(text, sizeof text, f) == NULL)
        text[0] = '\0';
    if (f != NULL)
        fclose(f);
    tap_same(text, want, husk_strf(&b->arena, "after %s: %s", data, want));
}

static void test_restored(struct bench *b)
{
    char dir[] = "/tmp/husk-update.XXXXXX";

    if (mkdtemp(dir) == NULL) {
        tap_ok(false, "scratch directory");
        return;
    }
    restored(b, dir, "500", "400\n", "400");
    restored(b, dir, "5000 10000", "max 100000\n", "max 100000");
    restored(b, dir, "8:0 rbps=5", "", "8:0 rbps=max");
    restored(b, dir, "8:0 rbps=5", "8:0 rbps=3 wbps=max riops=max wiops=max\n",
             "8:0 rbps=3 wbps=max riops=max wiops=max");
    restored(b, dir, "8:0 500", "", "8:0 0");
    (void)unlink(husk_strf(&b->arena, "%s/file", dir));
    tap_equal(rmdir(dir), 0, "scratch directory removed");
}

int main(void)
{
    struct bench b = {0};

    test_completed(&b);
    test_checked(&b);
    test_refused(&b);
    test_rdt(&b);
    test_numbers();
    test_restored(&b);
    husk_arena_fini(&b.arena);
    return tap_done();
}
