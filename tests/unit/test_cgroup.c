/* The cgroup backends' plans: every value of linux.resources on v1 and v2, the order of writing, what is refused and how;
 * making, joining and showing cgroups. */
#include "husk.h"
#include "husk/backend/resources.h"
#include "tap.h"
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <sys/mount.h>

extern const struct husk_cgroup_backend husk_cgroup_skeleton;

#define NAMES(...) (const char *const[]){ __VA_ARGS__ }, (uint32_t)HUSK_COUNT(((const char *const[]){ __VA_ARGS__ }))
#define V1(name, ...) { .version = 1, .mountpoint = "/sys/fs/cgroup/" name, .mount_root = "/", .controllers = NULL, .writable = true }

static const char *const all_v1[] = { "memory", "cpu", "cpuacct", "cpuset", "pids", "blkio", "hugetlb", "net_cls", "net_prio", "rdma",
                                      "devices", "freezer" };
static const char *const all_v2[] = { "memory", "cpu", "cpuset", "pids", "io", "hugetlb", "rdma", "misc" };
static const char *const some_v2[] = { "hugetlb" };
static const char *const enabled_v2[] = { "cpu", "pids" };
static const char *const cpu_cpuacct[] = { "cpu", "cpuacct" };
static const char *const cpuset[] = { "cpuset" }, *const named[] = { "name=systemd" }, *const memory[] = { "memory" };
static const char *const sizes[] = { "2MB", "1GB" };

static const struct husk_hierarchy on_v1[] = {
    { .version = 1, .mountpoint = "/cg/all", .mount_root = "/", .controllers = all_v1, .n_controllers = HUSK_COUNT(all_v1) } };
static const struct husk_hierarchy on_v2[] = {
    { .version = 2, .mountpoint = "/sys/fs/cgroup", .mount_root = "/", .controllers = all_v2, .n_controllers = HUSK_COUNT(all_v2),
      .enabled = enabled_v2, .n_enabled = HUSK_COUNT(enabled_v2) } };
static const struct husk_hierarchy on_poor_v2[] = {
    { .version = 2, .mountpoint = "/sys/fs/cgroup", .mount_root = "/", .controllers = some_v2, .n_controllers = 1 } };
static const struct husk_hierarchy on_many[] = {
    { .version = 1, .mountpoint = "/sys/fs/cgroup/cpu,cpuacct", .mount_root = "/", .controllers = cpu_cpuacct, .n_controllers = 2 },
    { .version = 1, .mountpoint = "/sys/fs/cgroup/cpuset", .mount_root = "/", .controllers = cpuset, .n_controllers = 1 },
    { .version = 1, .mountpoint = "/sys/fs/cgroup/systemd", .mount_root = "/", .controllers = named, .n_controllers = 1 },
    { .version = 1, .mountpoint = "/sys/fs/cgroup/memory", .mount_root = "/", .controllers = memory, .n_controllers = 1 },
    { .version = 2, .mountpoint = "/sys/fs/cgroup/unified", .mount_root = "/", .controllers = some_v2, .n_controllers = 1 } };

struct bench {
    struct husk_arena arena;
    struct husk_host host;
    struct husk_spec spec;
    struct husk_request req;
    struct husk_err err;
    struct husk_planner p;
    struct husk_cgroup_place places[8];
};

static void set_up(struct bench *b, const struct husk_hierarchy *h, uint32_t n, const char *path)
{
    memset(b, 0, sizeof *b);
    b->host = (struct husk_host){ .hierarchies = h, .n_hierarchies = n, .hugepage_sizes = sizes, .n_hugepage_sizes = 2 };
    b->host.features[HUSK_FEATURE_BFQ] = true;
    b->host.features[HUSK_FEATURE_CLONE_INTO_CGROUP] = true;
    b->req.id = "id";
    b->spec.oci_version = "1.3.0";
    b->p = (struct husk_planner){ .arena = &b->arena, .spec = &b->spec, .host = &b->host, .req = &b->req, .err = &b->err,
                                  .backends = &husk_backends_default, .cgroups = b->places, .n_cgroups = n };
    for (uint32_t i = 0; i < n; i++) {
        struct husk_text names = { .arena = &b->arena };
        for (uint32_t k = 0; h[i].version == 1 && k < h[i].n_controllers; k++)
            husk_textf(&names, "%s%s", k ? "," : "", h[i].controllers[k]);
        b->places[i] = (struct husk_cgroup_place){ h[i].version, i, names.data ? names.data : "", path,
                                                   husk_strf(&b->arena, "%s%s", h[i].mountpoint, path) };
    }
}

static void tear_down(struct bench *b)
{
    husk_arena_fini(&b->arena);
}

/* "file=data file=data", with ? behind what may be missing, ! behind what may fail anyhow; an error as "POINTER: message". */
static const char *limits(struct bench *b)
{
    struct husk_text t = { .arena = &b->arena };
    int rc = husk_resources_check(&b->p);

    for (uint32_t i = 0; rc == 0 && i < b->p.n_cgroups; i++)
        rc = husk_resources_plan(&b->p, i);
    if (rc != 0)
        return husk_strf(&b->arena, "%s: %s", b->err.at, b->err.msg);
    for (uint32_t i = 0; i < b->p.n; i++) {
        const struct husk_op *op = &b->p.ops[i];
        if (op->kind != HUSK_OP_WRITE || op->who != HUSK_PARENT)
            return "not a write of the parent";
        husk_textf(&t, "%s%s=%s%s", i ? " " : "", op->u.write.path.rel, op->u.write.data,
                   op->on_fail != HUSK_IGNORE ? "" : op->errnos[0] == ENOENT ? "?" : "!");
    }
    return t.data ? t.data : "";
}

static const char *limits_of(struct bench *b, const char *json)
{
    if (husk_resources_parse(&b->spec.linux_.resources, &b->arena, json, strlen(json), &b->err) != 0)
        return husk_strf(&b->arena, "cannot parse: %s: %s", b->err.at, b->err.msg);
    return limits(b);
}

#define R "/linux/resources"
#define NOT_ON_V2(what) "cannot set " what ": cgroup v2 has nothing like it"

/* Each value alone: the files of v1 and of v2. */
static const struct { const char *json, *v1, *v2; } values[] = {
    { "{}", "", "" },
    { "{\"memory\":{},\"cpu\":{\"shares\":0},\"blockIO\":{\"weight\":0},\"pids\":{\"limit\":-1},\"network\":{}}", "pids.max=max?",
      "pids.max=max?" },
    { "{\"memory\":{\"limit\":1048576}}", "memory.limit_in_bytes=1048576", "memory.max=1048576" },
    { "{\"memory\":{\"limit\":9223372036854775807}}", "memory.limit_in_bytes=9223372036854775807", "memory.max=9223372036854775807" },
    { "{\"memory\":{\"limit\":0,\"reservation\":0,\"kernel\":0,\"kernelTCP\":0,\"swap\":0}}", "", "" },
    { "{\"memory\":{\"limit\":-1}}",
      "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=-1? memory.memsw.limit_in_bytes=-1?",
      "memory.max=max? memory.swap.max=max?" },
    { "{\"memory\":{\"limit\":100,\"swap\":300}}",
      "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=300",
      "memory.max=100 memory.swap.max=200" },
    { "{\"memory\":{\"limit\":100,\"swap\":100}}",
      "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=100",
      "memory.max=100 memory.swap.max=0?" },
    { "{\"memory\":{\"limit\":100,\"swap\":-1}}",
      "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=-1?",
      "memory.max=100 memory.swap.max=max?" },
    { "{\"memory\":{\"reservation\":4096}}", "memory.soft_limit_in_bytes=4096", "memory.low=4096" },
    { "{\"memory\":{\"reservation\":-1}}", "memory.soft_limit_in_bytes=-1?", "memory.low=max?" },
    { "{\"memory\":{\"kernel\":4096}}", "memory.kmem.limit_in_bytes=4096", R "/memory/kernel: " NOT_ON_V2("memory kernel") },
    { "{\"memory\":{\"kernel\":-1,\"kernelTCP\":-1}}", "memory.kmem.limit_in_bytes=-1? memory.kmem.tcp.limit_in_bytes=-1?", "" },
    { "{\"memory\":{\"kernelTCP\":4096}}", "memory.kmem.tcp.limit_in_bytes=4096",
      R "/memory/kernelTCP: " NOT_ON_V2("memory kernelTCP") },
    { "{\"memory\":{\"swappiness\":0}}", "memory.swappiness=0", R "/memory/swappiness: " NOT_ON_V2("memory swappiness") },
    { "{\"memory\":{\"disableOOMKiller\":true}}", "memory.oom_control=1",
      R "/memory/disableOOMKiller: " NOT_ON_V2("memory disableOOMKiller") },
    { "{\"memory\":{\"disableOOMKiller\":false}}", "", "" },
    { "{\"memory\":{\"useHierarchy\":true}}", "memory.use_hierarchy=1?", "" },
    { "{\"memory\":{\"useHierarchy\":false}}", "memory.use_hierarchy=0",
      R "/memory/useHierarchy: " NOT_ON_V2("memory useHierarchy") },
    { "{\"memory\":{\"checkBeforeUpdate\":true}}", "", "" },
    { "{\"cpu\":{\"shares\":1024}}", "cpu.shares=1024", "cpu.weight=100" },
    { "{\"cpu\":{\"quota\":50000}}", "cpu.cfs_quota_us=-1! cpu.cfs_quota_us=50000", "cpu.max=50000 100000" },
    { "{\"cpu\":{\"quota\":50000,\"period\":20000}}",
      "cpu.cfs_quota_us=-1! cpu.cfs_period_us=20000 cpu.cfs_quota_us=50000", "cpu.max=50000 20000" },
    { "{\"cpu\":{\"quota\":-1,\"period\":20000}}", "cpu.cfs_quota_us=-1! cpu.cfs_period_us=20000 cpu.cfs_quota_us=-1?",
      "cpu.max=max 20000?" },
    { "{\"cpu\":{\"quota\":0,\"period\":20000}}", "cpu.cfs_period_us=20000", "cpu.max=max 20000?" },
    { "{\"cpu\":{\"quota\":50000,\"burst\":10000}}",
      "cpu.cfs_quota_us=-1! cpu.cfs_burst_us=0! cpu.cfs_quota_us=50000 cpu.cfs_burst_us=10000",
      "cpu.max.burst=0! cpu.max=50000 100000 cpu.max.burst=10000" },
    { "{\"cpu\":{\"idle\":0,\"shares\":2}}", "cpu.idle=0? cpu.shares=2", "cpu.idle=0? cpu.weight=1" },
    { "{\"cpu\":{\"idle\":1}}", "cpu.idle=1", "cpu.idle=1" },
    { "{\"cpu\":{\"realtimePeriod\":1000000,\"realtimeRuntime\":950000}}", "cpu.rt_period_us=1000000 cpu.rt_runtime_us=950000",
      R "/cpu/realtimePeriod: " NOT_ON_V2("cpu realtimePeriod") },
    { "{\"cpu\":{\"realtimeRuntime\":950000}}", "cpu.rt_runtime_us=950000",
      R "/cpu/realtimeRuntime: " NOT_ON_V2("cpu realtimeRuntime") },
    { "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}}", "cpuset.cpus=0-1 cpuset.mems=0", "cpuset.cpus=0-1 cpuset.mems=0" },
    { "{\"cpu\":{\"cpus\":\"\",\"mems\":\"\"}}", "", "" },
    { "{\"pids\":{\"limit\":32}}", "pids.max=32", "pids.max=32" },
    { "{\"pids\":{\"limit\":0}}", "pids.max=1", "pids.max=1" },
    { "{\"blockIO\":{\"weight\":10}}", "blkio.bfq.weight=10", "io.bfq.weight=10" },
    { "{\"blockIO\":{\"leafWeight\":10}}", "blkio.leaf_weight=10", R "/blockIO/leafWeight: " NOT_ON_V2("blockIO leafWeight") },
    { "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}", "blkio.bfq.weight_device=8:0 500",
      "io.bfq.weight=8:0 500" },
    { "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":300}]}}", "blkio.leaf_weight_device=8:0 300",
      R "/blockIO/weightDevice/0/leafWeight: " NOT_ON_V2("blockIO weightDevice") },
    { "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1},{\"major\":8,\"minor\":16,\"rate\":0}]}}",
      "blkio.throttle.read_bps_device=8:0 1 blkio.throttle.read_bps_device=8:16 0?", "io.max=8:0 rbps=1 io.max=8:16 rbps=max?" },
    { "{\"blockIO\":{\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":2}]}}", "blkio.throttle.write_bps_device=8:0 2",
      "io.max=8:0 wbps=2" },
    { "{\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}]}}", "blkio.throttle.read_iops_device=8:0 3",
      "io.max=8:0 riops=3" },
    { "{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":4}]}}",
      "blkio.throttle.write_iops_device=8:0 4", "io.max=8:0 wiops=4" },
    { "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},{\"pageSize\":\"1GB\",\"limit\":0}]}",
      "hugetlb.2MB.rsvd.limit_in_bytes=4194304? hugetlb.2MB.limit_in_bytes=4194304 "
      "hugetlb.1GB.rsvd.limit_in_bytes=0? hugetlb.1GB.limit_in_bytes=0",
      "hugetlb.2MB.rsvd.max=4194304? hugetlb.2MB.max=4194304 hugetlb.1GB.rsvd.max=0? hugetlb.1GB.max=0" },
    { "{\"hugepageLimits\":[{\"pageSize\":\"3MB\",\"limit\":0}]}", R "/hugepageLimits/0: this kernel has no huge pages of 3MB",
      R "/hugepageLimits/0: this kernel has no huge pages of 3MB" },
    { "{\"network\":{\"classID\":1048577}}", "net_cls.classid=1048577",
      R "/network/classID: cannot set network classID: this host has no net_cls controller "
        "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)" },
    { "{\"network\":{\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]}}", "net_prio.ifpriomap=eth0 500",
      R "/network/priorities/0: cannot set network priorities: this host has no net_prio controller "
        "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)" },
    { "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},\"mlx4_0\":{\"hcaObjects\":0}}}",
      "rdma.max=mlx5_1 hca_handle=3 hca_object=10000 rdma.max=mlx4_0 hca_object=0",
      "rdma.max=mlx5_1 hca_handle=3 hca_object=10000 rdma.max=mlx4_0 hca_object=0" },
    { "{\"memory\":{\"limit\":5},\"unified\":{\"memory.high\":\"4\",\"cgroup.max.depth\":\"3\",\"io.max\":\"8:0 rbps=1\\n8:16 rbps=2\\n\"}}",
      R "/unified/memory.high: cannot set memory.high: the container has no cgroup of v2, which has no memory controller", 
      "memory.max=5 memory.high=4 cgroup.max.depth=3 io.max=8:0 rbps=1 io.max=8:16 rbps=2" },
    { "{\"unified\":{\"nothing.max\":\"4\"}}",
      R "/unified/nothing.max: cannot set nothing.max: the container has no cgroup of v2",
      R "/unified/nothing.max: cannot set nothing.max: this host has no nothing controller "
        "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)" },
};

static void test_values(void)
{
    struct bench b;

    for (size_t i = 0; i < HUSK_COUNT(values); i++) {
        set_up(&b, on_v1, 1, "/id");
        tap_same(limits_of(&b, values[i].json), values[i].v1, husk_strf(&b.arena, "v1 %s", values[i].json));
        tear_down(&b);
        set_up(&b, on_v2, 1, "/id");
        tap_same(limits_of(&b, values[i].json), values[i].v2, husk_strf(&b.arena, "v2 %s", values[i].json));
        tear_down(&b);
    }
}
