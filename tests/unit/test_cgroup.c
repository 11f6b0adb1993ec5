/* The cgroup backends' plans: every value of linux.resources on v1 and v2, the order of writing, what is
 * refused and how; making, joining and showing cgroups. */
#include "husk.h"
#include "husk/backend/resources.h"
#include "tap.h"
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

extern const struct husk_cgroup_backend husk_cgroup_skeleton;

static const char *const all_v1[] = {"memory",  "cpu",     "cpuacct",  "cpuset", "pids",    "blkio",
                                     "hugetlb", "net_cls", "net_prio", "rdma",   "devices", "freezer"};
static const char *const all_v2[] = {"memory", "cpu", "cpuset", "pids", "io", "hugetlb", "rdma", "misc"};
static const char *const some_v2[] = {"hugetlb"};
static const char *const enabled_v2[] = {"cpu", "pids"};
static const char *const cpu_cpuacct[] = {"cpu", "cpuacct"};
static const char *const cpuset[] = {"cpuset"}, *const named[] = {"name=systemd"},
                         *const memory[] = {"memory"};
static const char *const sizes[] = {"2MB", "1GB"};

static const struct husk_hierarchy on_v1[] = {{.version = 1,
                                               .mountpoint = "/cg/all",
                                               .mount_root = "/",
                                               .controllers = all_v1,
                                               .n_controllers = HUSK_COUNT(all_v1)}};
static const struct husk_hierarchy on_v2[] = {{.version = 2,
                                               .mountpoint = "/sys/fs/cgroup",
                                               .mount_root = "/",
                                               .controllers = all_v2,
                                               .n_controllers = HUSK_COUNT(all_v2),
                                               .enabled = enabled_v2,
                                               .n_enabled = HUSK_COUNT(enabled_v2)}};
static const struct husk_hierarchy on_poor_v2[] = {{.version = 2,
                                                    .mountpoint = "/sys/fs/cgroup",
                                                    .mount_root = "/",
                                                    .controllers = some_v2,
                                                    .n_controllers = 1}};
static const struct husk_hierarchy on_many[] = {{.version = 1,
                                                 .mountpoint = "/sys/fs/cgroup/cpu,cpuacct",
                                                 .mount_root = "/",
                                                 .controllers = cpu_cpuacct,
                                                 .n_controllers = 2},
                                                {.version = 1,
                                                 .mountpoint = "/sys/fs/cgroup/cpuset",
                                                 .mount_root = "/",
                                                 .controllers = cpuset,
                                                 .n_controllers = 1},
                                                {.version = 1,
                                                 .mountpoint = "/sys/fs/cgroup/systemd",
                                                 .mount_root = "/",
                                                 .controllers = named,
                                                 .n_controllers = 1},
                                                {.version = 1,
                                                 .mountpoint = "/sys/fs/cgroup/memory",
                                                 .mount_root = "/",
                                                 .controllers = memory,
                                                 .n_controllers = 1},
                                                {.version = 2,
                                                 .mountpoint = "/sys/fs/cgroup/unified",
                                                 .mount_root = "/",
                                                 .controllers = some_v2,
                                                 .n_controllers = 1}};

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
    b->host = (struct husk_host){
        .hierarchies = h, .n_hierarchies = n, .hugepage_sizes = sizes, .n_hugepage_sizes = 2};
    b->host.features[HUSK_FEATURE_BFQ] = true;
    b->host.features[HUSK_FEATURE_CLONE_INTO_CGROUP] = true;
    b->req.id = "id";
    b->spec.oci_version = "1.3.0";
    b->p = (struct husk_planner){.arena = &b->arena,
                                 .spec = &b->spec,
                                 .host = &b->host,
                                 .req = &b->req,
                                 .err = &b->err,
                                 .backends = &husk_backends_default,
                                 .cgroups = b->places,
                                 .n_cgroups = n};
    for (uint32_t i = 0; i < n; i++) {
        struct husk_text names = {.arena = &b->arena};
        for (uint32_t k = 0; h[i].version == 1 && k < h[i].n_controllers; k++)
            husk_textf(&names, "%s%s", k ? "," : "", h[i].controllers[k]);
        b->places[i] = (struct husk_cgroup_place){h[i].version == 1 ? "cgroup-v1" : "cgroup-v2", h[i].version, i, names.data ? names.data : "", path,
                                                  husk_strf(&b->arena, "%s%s", h[i].mountpoint, path)};
    }
}

static void tear_down(struct bench *b)
{
    husk_arena_fini(&b->arena);
}

/* "file=data file=data", with ? behind what may be missing, ! behind what may fail anyhow; an error as
 * "POINTER: message". */
static const char *limits(struct bench *b)
{
    struct husk_text t = {.arena = &b->arena};
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
                   op->on_fail != HUSK_IGNORE ? ""
                   : op->errnos[0] == ENOENT  ? "?"
                                              : "!");
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
static const struct {
    const char *json, *v1, *v2;
} values[] = {
    {"{}", "", ""},
    {"{\"memory\":{},\"cpu\":{\"shares\":0},\"blockIO\":{\"weight\":0},\"pids\":{\"limit\":-1},\"network\":{}"
     "}",
     "pids.max=max?", "pids.max=max?"},
    {"{\"memory\":{\"limit\":1048576}}", "memory.limit_in_bytes=1048576", "memory.max=1048576"},
    {"{\"memory\":{\"limit\":9223372036854775807}}", "memory.limit_in_bytes=9223372036854775807",
     "memory.max=9223372036854775807"},
    {"{\"memory\":{\"limit\":0,\"reservation\":0,\"kernel\":0,\"kernelTCP\":0,\"swap\":0}}", "", ""},
    {"{\"memory\":{\"limit\":-1}}",
     "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=-1? memory.memsw.limit_in_bytes=-1?",
     "memory.max=max? memory.swap.max=max?"},
    {"{\"memory\":{\"limit\":100,\"swap\":300}}",
     "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=300",
     "memory.max=100 memory.swap.max=200"},
    {"{\"memory\":{\"limit\":100,\"swap\":100}}",
     "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=100",
     "memory.max=100 memory.swap.max=0?"},
    {"{\"memory\":{\"limit\":100,\"swap\":-1}}",
     "memory.memsw.limit_in_bytes=-1! memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=-1?",
     "memory.max=100 memory.swap.max=max?"},
    {"{\"memory\":{\"reservation\":4096}}", "memory.soft_limit_in_bytes=4096", "memory.low=4096"},
    {"{\"memory\":{\"reservation\":-1}}", "memory.soft_limit_in_bytes=-1?", "memory.low=max?"},
    {"{\"memory\":{\"kernel\":4096}}", "memory.kmem.limit_in_bytes=4096",
     R "/memory/kernel: " NOT_ON_V2("memory kernel")},
    {"{\"memory\":{\"kernel\":-1,\"kernelTCP\":-1}}",
     "memory.kmem.limit_in_bytes=-1? memory.kmem.tcp.limit_in_bytes=-1?", ""},
    {"{\"memory\":{\"kernelTCP\":4096}}", "memory.kmem.tcp.limit_in_bytes=4096",
     R "/memory/kernelTCP: " NOT_ON_V2("memory kernelTCP")},
    {"{\"memory\":{\"swappiness\":0}}", "memory.swappiness=0",
     R "/memory/swappiness: " NOT_ON_V2("memory swappiness")},
    {"{\"memory\":{\"disableOOMKiller\":true}}", "memory.oom_control=1",
     R "/memory/disableOOMKiller: " NOT_ON_V2("memory disableOOMKiller")},
    {"{\"memory\":{\"disableOOMKiller\":false}}", "", ""},
    {"{\"memory\":{\"useHierarchy\":true}}", "memory.use_hierarchy=1?", ""},
    {"{\"memory\":{\"useHierarchy\":false}}", "memory.use_hierarchy=0",
     R "/memory/useHierarchy: " NOT_ON_V2("memory useHierarchy")},
    {"{\"memory\":{\"checkBeforeUpdate\":true}}", "", ""},
    {"{\"cpu\":{\"shares\":1024}}", "cpu.shares=1024", "cpu.weight=100"},
    {"{\"cpu\":{\"quota\":50000}}", "cpu.cfs_quota_us=-1! cpu.cfs_quota_us=50000", "cpu.max=50000 100000"},
    {"{\"cpu\":{\"quota\":50000,\"period\":20000}}",
     "cpu.cfs_quota_us=-1! cpu.cfs_period_us=20000 cpu.cfs_quota_us=50000", "cpu.max=50000 20000"},
    {"{\"cpu\":{\"quota\":-1,\"period\":20000}}",
     "cpu.cfs_quota_us=-1! cpu.cfs_period_us=20000 cpu.cfs_quota_us=-1?", "cpu.max=max 20000?"},
    {"{\"cpu\":{\"quota\":0,\"period\":20000}}", "cpu.cfs_period_us=20000", "cpu.max=max 20000?"},
    {"{\"cpu\":{\"quota\":50000,\"burst\":10000}}",
     "cpu.cfs_quota_us=-1! cpu.cfs_burst_us=0! cpu.cfs_quota_us=50000 cpu.cfs_burst_us=10000",
     "cpu.max.burst=0! cpu.max=50000 100000 cpu.max.burst=10000"},
    {"{\"cpu\":{\"idle\":0,\"shares\":2}}", "cpu.idle=0? cpu.shares=2", "cpu.idle=0? cpu.weight=1"},
    {"{\"cpu\":{\"idle\":1}}", "cpu.idle=1", "cpu.idle=1"},
    {"{\"cpu\":{\"idle\":1,\"shares\":0}}", "cpu.idle=1", "cpu.idle=1"},
    {"{\"cpu\":{\"idle\":1,\"shares\":2}}", R "/cpu/shares: a cgroup that gets only idle time has no shares",
     R "/cpu/shares: a cgroup that gets only idle time has no shares"},
    {"{\"cpu\":{\"realtimePeriod\":1000000,\"realtimeRuntime\":950000}}",
     "cpu.rt_period_us=1000000 cpu.rt_runtime_us=950000",
     R "/cpu/realtimePeriod: " NOT_ON_V2("cpu realtimePeriod")},
    {"{\"cpu\":{\"realtimeRuntime\":950000}}", "cpu.rt_runtime_us=950000",
     R "/cpu/realtimeRuntime: " NOT_ON_V2("cpu realtimeRuntime")},
    {"{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}}", "cpuset.cpus=0-1 cpuset.mems=0",
     "cpuset.cpus=0-1 cpuset.mems=0"},
    {"{\"cpu\":{\"cpus\":\"\",\"mems\":\"\"}}", "", ""},
    {"{\"pids\":{\"limit\":32}}", "pids.max=32", "pids.max=32"},
    {"{\"pids\":{\"limit\":0}}", "pids.max=1", "pids.max=1"},
    {"{\"blockIO\":{\"weight\":10}}", "blkio.bfq.weight=10", "io.bfq.weight=10"},
    {"{\"blockIO\":{\"leafWeight\":10}}", "blkio.leaf_weight=10",
     R "/blockIO/leafWeight: " NOT_ON_V2("blockIO leafWeight")},
    {"{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}",
     "blkio.bfq.weight_device=8:0 500", "io.bfq.weight=8:0 500"},
    {"{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":300}]}}",
     "blkio.leaf_weight_device=8:0 300",
     R "/blockIO/weightDevice/0/leafWeight: " NOT_ON_V2("blockIO weightDevice")},
    {"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1},{\"major\":8,\"minor\":"
     "16,\"rate\":0}]}}",
     "blkio.throttle.read_bps_device=8:0 1 blkio.throttle.read_bps_device=8:16 0?",
     "io.max=8:0 rbps=1 io.max=8:16 rbps=max?"},
    {"{\"blockIO\":{\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":2}]}}",
     "blkio.throttle.write_bps_device=8:0 2", "io.max=8:0 wbps=2"},
    {"{\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}]}}",
     "blkio.throttle.read_iops_device=8:0 3", "io.max=8:0 riops=3"},
    {"{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":4}]}}",
     "blkio.throttle.write_iops_device=8:0 4", "io.max=8:0 wiops=4"},
    {"{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},{\"pageSize\":\"1GB\",\"limit\":0}]}",
     "hugetlb.2MB.rsvd.limit_in_bytes=4194304? hugetlb.2MB.limit_in_bytes=4194304 "
     "hugetlb.1GB.rsvd.limit_in_bytes=0? hugetlb.1GB.limit_in_bytes=0",
     "hugetlb.2MB.rsvd.max=4194304? hugetlb.2MB.max=4194304 hugetlb.1GB.rsvd.max=0? hugetlb.1GB.max=0"},
    {"{\"hugepageLimits\":[{\"pageSize\":\"3MB\",\"limit\":0}]}",
     R "/hugepageLimits/0: this kernel has no huge pages of 3MB",
     R "/hugepageLimits/0: this kernel has no huge pages of 3MB"},
    {"{\"network\":{\"classID\":1048577}}", "net_cls.classid=1048577",
     R "/network/classID: cannot set network classID: this host has no net_cls controller "
       "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)"},
    {"{\"network\":{\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]}}", "net_prio.ifpriomap=eth0 500",
     R "/network/priorities/0: cannot set network priorities: this host has no net_prio controller "
       "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)"},
    {"{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},\"mlx4_0\":{\"hcaObjects\":0}}}",
     "rdma.max=mlx5_1 hca_handle=3 hca_object=10000 rdma.max=mlx4_0 hca_object=0",
     "rdma.max=mlx5_1 hca_handle=3 hca_object=10000 rdma.max=mlx4_0 hca_object=0"},
    {"{\"memory\":{\"limit\":5},\"unified\":{\"memory.high\":\"4\",\"cgroup.max.depth\":\"3\",\"io.max\":\"8:"
     "0 rbps=1\\n8:16 rbps=2\\n\"}}",
     R "/unified/memory.high: cannot set memory.high: the container has no cgroup of v2 (cgroup v1 offers: "
       "memory, cpu,",
     "memory.max=5 memory.high=4 cgroup.max.depth=3 io.max=8:0 rbps=1 io.max=8:16 rbps=2"},
    {"{\"unified\":{\"nothing.max\":\"4\"}}",
     R "/unified/nothing.max: cannot set nothing.max: the container has no cgroup of v2",
     R "/unified/nothing.max: cannot set nothing.max: this host has no nothing controller "
       "(cgroup v2 at /sys/fs/cgroup offers: memory, cpu, cpuset, pids, io, hugetlb, rdma, misc)"},
};

/* An error need not be written out to its end. */
static void same(const char *got, const char *want, const char *name)
{
    size_t n = strlen(want);

    if ((want[0] == '/' || strncmp(want, "default", 7) == 0) && strncmp(got, want, n) == 0)
        got = want;
    tap_same(got, want, name);
}

static void test_values(void)
{
    struct bench b;

    for (size_t i = 0; i < HUSK_COUNT(values); i++) {
        set_up(&b, on_v1, 1, "/id");
        same(limits_of(&b, values[i].json), values[i].v1, husk_strf(&b.arena, "v1 %s", values[i].json));
        tear_down(&b);
        set_up(&b, on_v2, 1, "/id");
        same(limits_of(&b, values[i].json), values[i].v2, husk_strf(&b.arena, "v2 %s", values[i].json));
        tear_down(&b);
    }
    set_up(&b, on_v1, 1, "/id");
    b.host.features[HUSK_FEATURE_BFQ] = false;
    same(limits_of(
             &b, "{\"blockIO\":{\"weight\":500,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":10}]}}"),
         "blkio.weight=500 blkio.weight_device=8:0 10", "v1 without BFQ");
    tear_down(&b);
    set_up(&b, on_v2, 1, "/id");
    b.host.features[HUSK_FEATURE_BFQ] = false;
    same(limits_of(
             &b, "{\"blockIO\":{\"weight\":500,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":10}]}}"),
         "io.weight=4950 io.weight=8:0 1", "v2 without BFQ");
    tear_down(&b);
}

/* What parsing may refuse already, so set by hand; and what depends on more than the value. */
static void test_special_values(void)
{
    struct bench b;

    for (unsigned v = 1; v <= 2; v++) {
        const struct husk_hierarchy *h = v == 1 ? on_v1 : on_v2;
        set_up(&b, h, 1, "/id");
        b.spec.linux_.resources.memory.swap_bytes = (struct husk_opt_i64)HUSK_SOME(5);
        same(limits(&b), R "/memory/swap: a limit for memory and swap together needs a limit for memory",
             "swap without limit");
        b.spec.linux_.resources.memory.limit_bytes = (struct husk_opt_i64)HUSK_SOME(-1);
        same(limits(&b), R "/memory/swap: a limit for memory and swap together needs",
             "swap with memory unlimited");
        b.spec.linux_.resources.memory.limit_bytes = (struct husk_opt_i64)HUSK_SOME(6);
        same(limits(&b), R "/memory/swap: the limit for memory and swap together is below",
             "swap below limit");
        tap_equal(b.err.code, HUSK_ESPEC, "an error of the configuration");
        tear_down(&b);

        set_up(&b, h, 1, "/id");
        b.spec.linux_.resources.memory.swappiness = (struct husk_opt_u64)HUSK_SOME(UINT64_MAX);
        same(limits(&b), "", "swappiness -1 as unsigned is not set");
        b.spec.linux_.resources.memory.swappiness = (struct husk_opt_u64)HUSK_SOME(101);
        same(limits(&b), R "/memory/swappiness: memory swappiness is 0 to 100", "swappiness 101");
        tear_down(&b);

        set_up(&b, h, 1, "/id");
        b.spec.oci_version = "1.0.2-dev";
        b.spec.linux_.resources.pids_limit = (struct husk_opt_i64)HUSK_SOME(0);
        same(limits(&b), "", "pids 0 before 1.3 is not set");
        b.spec.oci_version = NULL;
        same(limits(&b), "pids.max=1", "pids 0 is a limit now");
        tear_down(&b);

        set_up(&b, h, 1, "/id");
        b.spec.linux_.resources.block_io.weight = (struct husk_opt_u32)HUSK_SOME(1001);
        same(limits(&b), R "/blockIO/weight: a block IO weight is 10 to 1000", "weight 1001");
        tear_down(&b);

        set_up(&b, h, 1, "/id");
        b.spec.linux_.resources.cpu.shares = (struct husk_opt_u64)HUSK_SOME(1);
        same(limits(&b), v == 1 ? R "/cpu/shares: cpu shares are 2 to 262144" : "cpu.weight=1", "shares 1");
        tear_down(&b);
    }
    set_up(&b, on_v2, 1, "/id");
    b.spec.linux_.resources.unified.v = &(struct husk_pair){"../x", "1"};
    b.spec.linux_.resources.unified.n = 1;
    same(limits(&b), R "/unified/..~1x: a key of unified is the name of a file", "a key with a slash");
    b.spec.linux_.resources.unified.v = &(struct husk_pair){"nodot", "1"};
    same(limits(&b), R "/unified/nodot: a key of unified is the name of a file", "a key without a controller");
    tear_down(&b);
}

#define POOR "(cgroup v2 at /sys/fs/cgroup offers: hugetlb)"

static void test_missing(void)
{
    static const struct {
        const char *json, *want;
    } missing[] = {
        {"{\"memory\":{\"limit\":1024}}",
         R "/memory/limit: cannot set memory limit: this host has no memory controller " POOR},
        {"{\"cpu\":{\"shares\":512}}",
         R "/cpu/shares: cannot set cpu shares: this host has no cpu controller " POOR},
        {"{\"cpu\":{\"cpus\":\"0\"}}",
         R "/cpu/cpus: cannot set cpu cpus: this host has no cpuset controller " POOR},
        {"{\"pids\":{\"limit\":3}}",
         R "/pids/limit: cannot set pids limit: this host has no pids controller " POOR},
        {"{\"blockIO\":{\"weight\":30}}",
         R "/blockIO/weight: cannot set blockIO weight: this host has no io controller " POOR},
        {"{\"unified\":{\"memory.max\":\"1\"}}",
         R "/unified/memory.max: cannot set memory.max: this host has no memory controller " POOR},
        /* What says only how it is anyway passes: engines send such values. */
        {"{\"memory\":{\"limit\":-1,\"swap\":-1,\"reservation\":-1,\"kernel\":-1,\"disableOOMKiller\":false,"
         "\"useHierarchy\":true},"
         "\"cpu\":{\"quota\":-1,\"idle\":0,\"burst\":0},\"pids\":{\"limit\":-1}}",
         ""},
        {"{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}]}",
         "hugetlb.2MB.rsvd.max=0? hugetlb.2MB.max=0"},
    };
    struct bench b;

    for (size_t i = 0; i < HUSK_COUNT(missing); i++) {
        set_up(&b, on_poor_v2, 1, "/id");
        same(limits_of(&b, missing[i].json), missing[i].want,
             husk_strf(&b.arena, "poor host %s", missing[i].json));
        if (missing[i].want[0] == '/')
            tap_ok(b.err.code == HUSK_EHOST && b.err.diag == HUSK_DIAG_NO_CONTROLLER,
                   "the host's lack, by its diag");
        tear_down(&b);
    }
    set_up(&b, on_v2, 1, "/id");
    b.p.n_cgroups = 0;
    same(limits_of(&b, "{\"memory\":{\"limit\":1}}"),
         R "/memory/limit: cannot set memory limit: this user may not make a cgroup below /sys/fs/cgroup, "
           "which has the memory",
         "no cgroup for this user");
    tap_equal(b.err.diag, HUSK_DIAG_NO_PERMISSION, "and its diag");
    tear_down(&b);
}

/* Each value goes to the hierarchy that has its controller. */
static void test_hybrid(void)
{
    struct bench b;
    char slot[24];

    set_up(&b, on_many, HUSK_COUNT(on_many), "/id");
    same(
        limits_of(
            &b,
            "{\"memory\":{\"limit\":7},\"cpu\":{\"shares\":8,\"cpus\":\"0\"},"
            "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"unified\":{\"cgroup.freeze\":\"0\"}}"),
        "cpu.shares=8 cpuset.cpus=0 memory.limit_in_bytes=7 hugetlb.2MB.rsvd.max=0? hugetlb.2MB.max=0 "
        "cgroup.freeze=0",
        "hybrid");
    tap_same(husk_slot_name(b.p.ops[0].u.write.path.slot, slot), "@cg.0", "cpu's directory");
    tap_same(husk_slot_name(b.p.ops[1].u.write.path.slot, slot), "@cg.1", "cpuset's directory");
    tap_same(husk_slot_name(b.p.ops[2].u.write.path.slot, slot), "@cg.3", "memory's directory");
    tap_same(husk_slot_name(b.p.ops[3].u.write.path.slot, slot), "@cg.4", "cgroup2's directory");
    tap_same(b.p.ops[2].why, R "/memory/limit", "why");
    tear_down(&b);
}

static void test_weights(void)
{
    static const uint32_t table[][2] = {
        {0, 0},      {1, 1},       {2, 1},        {10, 4},         {64, 12},       {100, 17},
        {128, 21},   {256, 35},    {512, 59},     {1024, 100},     {2048, 174},    {4096, 303},
        {8192, 532}, {10000, 627}, {65536, 3023}, {262144, 10000}, {262145, 10000}};
    uint32_t hash = 0;

    for (size_t i = 0; i < HUSK_COUNT(table); i++)
        tap_ok(husk_cpu_weight(table[i][0]) == table[i][1], "shares %u are weight %u, got %u", table[i][0],
               table[i][1], husk_cpu_weight(table[i][0]));
    for (uint32_t shares = 2; shares <= 262144; shares++)
        hash = hash * 31 + husk_cpu_weight(shares);
    tap_equal(hash, 613087350,
              "every value of cpu.shares, as 40 decimal digits give them"); /* Python's decimal module */
    tap_equal(husk_cpu_weight(UINT64_MAX), 10000, "the largest number");
    tap_ok(husk_io_weight(10) == 1 && husk_io_weight(1000) == 10000 && husk_io_weight(500) == 4950,
           "io weights");
}

/* All operations, one a line, without "why". */
static const char *plan_text(struct bench *b)
{
    struct husk_text t = {.arena = &b->arena};
    char *why;

    for (uint32_t i = 0; i < b->p.n; i++) {
        struct husk_text line = {.arena = &b->arena};
        husk_op_print(&b->p.ops[i], &line);
        if ((why = strstr(line.data, " why=")) != NULL)
            *why = '\0';
        husk_textf(&t, "%s\n", line.data);
    }
    return t.data ? t.data : "";
}

static const char *created(struct bench *b, const struct husk_cgroup_backend *backend)
{
    for (uint32_t i = 0; i < b->p.n_cgroups; i++)
        if (backend->plan_create(&b->p, i) != 0)
            return husk_strf(&b->arena, "%s: %s", b->err.at, b->err.msg);
    for (uint32_t i = 0; i < b->p.n_cgroups; i++)
        if (backend->plan_join(&b->p, i) != 0)
            return "cannot join";
    return plan_text(b);
}

static void test_create_v1(void)
{
    struct bench b;

    set_up(&b, on_many + 1, 2, "/a//b");
    tap_same(created(&b, &husk_cgroup_v1),
             "parent open slot=@cg.0 path=/sys/fs/cgroup/cpuset flags=path|directory expect=cgroupfs\n"
             "parent mkdir path=@cg.0:a/b mode=0755 undo\n"
             "parent copy from=@cg.0:cpuset.cpus to=@cg.0:a/cpuset.cpus\n"
             "parent copy from=@cg.0:cpuset.mems to=@cg.0:a/cpuset.mems\n"
             "parent copy from=@cg.0:a/cpuset.cpus to=@cg.0:a/b/cpuset.cpus\n"
             "parent copy from=@cg.0:a/cpuset.mems to=@cg.0:a/b/cpuset.mems\n"
             "parent open slot=@cg.0 path=@cg.0:a/b flags=path|directory expect=cgroupfs\n"
             "parent open slot=@join.0 path=@cg.0:tasks flags=wronly expect=cgroupfs\n"
             "parent open slot=@cg.1 path=/sys/fs/cgroup/systemd flags=path|directory expect=cgroupfs\n"
             "parent mkdir path=@cg.1:a/b mode=0755 undo\n"
             "parent open slot=@cg.1 path=@cg.1:a/b flags=path|directory expect=cgroupfs\n"
             "parent open slot=@join.1 path=@cg.1:tasks flags=wronly expect=cgroupfs\n"
             "child write path=@join.0 data=0\n"
             "child write path=@join.1 data=0\n",
             "v1: make and join");
    tear_down(&b);

    struct husk_hierarchy android = on_many[1];
    android.noprefix = true;
    set_up(&b, &android, 1, "/a");
    b.spec.linux_.resources.cpu.mems = "0";
    tap_ok(strstr(created(&b, &husk_cgroup_v1), "copy from=@cg.0:cpus to=@cg.0:a/cpus\nparent open") != NULL,
           "v1: cpuset with noprefix, and mems that the limits set");
    b.p.n = 0;
    same(limits(&b), "mems=0", "v1: the file of noprefix");
    tear_down(&b);

    for (unsigned i = 0; i < 3; i++) {
        const char *path = i == 0 ? "/" : i == 1 ? "/a/../b" : "/..";
        set_up(&b, on_v1, 1, path);
        same(created(&b, &husk_cgroup_v1), "default: the container needs a cgroup of its own below /cg/all",
             path);
        b.spec.linux_.cgroups_path = path;
        same(created(&b, &husk_cgroup_v1), "/linux/cgroupsPath: the container needs a cgroup of its own",
             path);
        tear_down(&b);
    }
    set_up(&b, on_v1, 1, "/a");
    b.req.action = HUSK_EXEC;
    tap_same(created(&b, &husk_cgroup_v1),
             "parent open slot=@cg.0 path=/cg/all/a flags=path|directory expect=cgroupfs\n"
             "parent open slot=@join.0 path=@cg.0:tasks flags=wronly expect=cgroupfs\n"
             "child write path=@join.0 data=0\n",
             "v1: exec makes nothing");
    tear_down(&b);
}

static void test_create_v2(void)
{
    struct bench b;

    set_up(&b, on_v2, 1, "/a/b/c");
    b.spec.linux_.resources.memory.limit_bytes = (struct husk_opt_i64)HUSK_SOME(1);
    b.spec.linux_.resources.pids_limit = (struct husk_opt_i64)HUSK_SOME(1);
    b.spec.linux_.resources.unified.v = &(struct husk_pair){"io.max", ""};
    b.spec.linux_.resources.unified.n = 1;
    tap_same(
        created(&b, &husk_cgroup_v2),
        "parent open slot=@cg.0 path=/sys/fs/cgroup flags=path|directory expect=cgroupfs\n"
        "parent mkdir path=@cg.0:a/b/c mode=0755 undo\n"
        "parent write path=@cg.0:cgroup.subtree_control data=\"+memory +io\" on_fail=ignore(EACCES,EPERM)\n"
        "parent write path=@cg.0:a/cgroup.subtree_control data=\"+memory +pids +io\" "
        "on_fail=ignore(EACCES,EPERM)\n"
        "parent write path=@cg.0:a/cgroup.subtree_control data=+cpu on_fail=ignore\n"
        "parent write path=@cg.0:a/b/cgroup.subtree_control data=\"+memory +pids +io\" "
        "on_fail=ignore(EACCES,EPERM)\n"
        "parent write path=@cg.0:a/b/cgroup.subtree_control data=+cpu on_fail=ignore\n"
        "parent open slot=@cg.0 path=@cg.0:a/b/c flags=path|directory expect=cgroupfs\n",
        "v2: make, cloned into");
    tear_down(&b);

    set_up(&b, on_v2, 1, "/a");
    b.host.features[HUSK_FEATURE_CLONE_INTO_CGROUP] = false;
    tap_same(created(&b, &husk_cgroup_v2),
             "parent open slot=@cg.0 path=/sys/fs/cgroup flags=path|directory expect=cgroupfs\n"
             "parent mkdir path=@cg.0:a mode=0755 undo\n"
             "parent open slot=@cg.0 path=@cg.0:a flags=path|directory expect=cgroupfs\n"
             "parent open slot=@join.0 path=@cg.0:cgroup.procs flags=wronly expect=cgroupfs\n"
             "child write path=@join.0 data=0\n",
             "v2: nothing is switched on that nobody needs; joined by writing");
    tear_down(&b);
    set_up(&b, on_v2, 1, "/a");
    b.req.action = HUSK_EXEC;
    tap_same(created(&b, &husk_cgroup_v2),
             "parent open slot=@cg.0 path=/sys/fs/cgroup/a flags=path|directory expect=cgroupfs\n",
             "v2: exec");
    tear_down(&b);
    set_up(&b, on_v2, 1, "/a");
    tap_same(created(&b, &husk_cgroup_skeleton),
             "parent mkdir path=/sys/fs/cgroup/a mode=0755 undo\n"
             "parent open slot=@cg.0 path=/sys/fs/cgroup/a flags=path|directory expect=cgroupfs\n"
             "parent open slot=@join.0 path=@cg.0:cgroup.procs flags=wronly expect=cgroupfs\n"
             "child write path=@join.0 data=0\n",
             "the skeleton");
    tear_down(&b);
}

static const char *mounted(struct bench *b, uint64_t flags)
{
    const struct husk_mount m = {
        .destination = "/sys/fs/cgroup", .type = "cgroup", .source = "cgroup", .flags_set = flags};
    const struct husk_cgroup_backend *any = b->places[0].version == 1 ? &husk_cgroup_v1 : &husk_cgroup_v2;

    return any->plan_mount(&b->p, &m, "/mounts/0") == 0 ? plan_text(b) : "failed";
}

static void test_mounts(void)
{
    struct bench b;

    set_up(&b, on_v2, 1, "/id");
    b.p.new_cgroupns = true;
    tap_same(
        mounted(&b, MS_NOSUID | MS_RDONLY),
        "child mount source=cgroup target=@rootfs:sys/fs/cgroup fstype=cgroup2 flags=nosuid|ro create=dir "
        "on_fail=else(1,EBUSY,EPERM)\n"
        "child mount source=/sys/fs/cgroup/id target=@rootfs:sys/fs/cgroup flags=bind set=nosuid|ro create=dir\n",
        "v2 with a namespace: a mount, or else a bind");
    tear_down(&b);
    set_up(&b, on_v2, 1, "/id");
    tap_same(mounted(&b, MS_NOSUID),
             "child mount source=/sys/fs/cgroup/id target=@rootfs:sys/fs/cgroup flags=bind set=nosuid "
             "create=dir\n",
             "v2 without: a bind of the container's own cgroup");
    b.p.n = 0;
    b.p.userns = true;
    tap_same(mounted(&b, MS_NOSUID),
             "child mount source=/sys/fs/cgroup/id target=@rootfs:sys/fs/cgroup flags=bind set=nosuid|ro "
             "create=dir\n",
             "v2 in a user namespace: read-only");
    tear_down(&b);
    set_up(&b, on_many, HUSK_COUNT(on_many), "/id");
    tap_same(mounted(&b, MS_NOSUID | MS_RDONLY),
             "child mount source=tmpfs target=@rootfs:sys/fs/cgroup fstype=tmpfs flags=nosuid data=mode=755 "
             "create=dir\n"
             "child mount source=/sys/fs/cgroup/cpu,cpuacct/id target=@rootfs:sys/fs/cgroup/cpu,cpuacct "
             "flags=bind set=nosuid|ro create=dir\n"
             "child symlink path=@rootfs:sys/fs/cgroup/cpu target=cpu,cpuacct\n"
             "child symlink path=@rootfs:sys/fs/cgroup/cpuacct target=cpu,cpuacct\n"
             "child mount source=/sys/fs/cgroup/cpuset/id target=@rootfs:sys/fs/cgroup/cpuset flags=bind "
             "set=nosuid|ro create=dir\n"
             "child mount source=/sys/fs/cgroup/systemd/id target=@rootfs:sys/fs/cgroup/systemd flags=bind "
             "set=nosuid|ro create=dir\n"
             "child mount source=/sys/fs/cgroup/memory/id target=@rootfs:sys/fs/cgroup/memory flags=bind "
             "set=nosuid|ro create=dir\n"
             "child mount source=/sys/fs/cgroup/unified/id target=@rootfs:sys/fs/cgroup/unified flags=bind "
             "set=nosuid|ro create=dir\n"
             "child attr target=@rootfs:sys/fs/cgroup set=ro\n",
             "hybrid: a tmpfs with all of them");
    tear_down(&b);
    set_up(&b, on_many, 3, "/id");
    b.p.new_cgroupns = true;
    tap_ok(strstr(mounted(&b, MS_NOSUID), "child mount source=cgroup target=@rootfs:sys/fs/cgroup/systemd "
                                          "fstype=cgroup flags=nosuid data=none,name=systemd "
                                          "create=dir\n") != NULL,
           "v1 with a namespace: named hierarchies");
    tear_down(&b);
}

#define RULE(allow, type, major, minor, access)                                                              \
    {                                                                                                        \
        allow, type, major, minor, access                                                                    \
    }

static const char *device_lines(struct bench *b, const struct husk_device_rule *rules, uint32_t n)
{
    struct husk_text t = {.arena = &b->arena};

    b->spec.linux_.resources.devices.n = n; /* which of them are the configuration's */
    if (husk_device_v1.plan_rules(&b->p, 0, rules, n) != 0)
        return husk_strf(&b->arena, "%s: %s", b->err.at, b->err.msg);
    for (uint32_t i = 0; i < b->p.n; i++)
        husk_textf(&t, "%s%s=%s", i ? " " : "", b->p.ops[i].u.write.path.rel + 8, b->p.ops[i].u.write.data);
    return t.data;
}

static void test_devices_v1(void)
{
    static const struct {
        struct husk_device_rule rules[6];
        uint32_t n;
        const char *want;
    } lists[] = {
        {{RULE(false, 'a', -1, -1, 7)}, 0, "deny=a"},
        {{RULE(false, 'a', -1, -1, 7), RULE(true, 'c', 1, 3, 7), RULE(true, 'b', 8, -1, 1)},
         3,
         "deny=a allow=c 1:3 rwm allow=b 8:* r"},
        {{RULE(true, 'c', 1, 3, 7), RULE(true, 'a', -1, -1, 7)}, 2, "allow=a"},
        {{RULE(true, 'a', -1, -1, 7), RULE(false, 'c', 10, 200, 3)}, 2, "allow=a deny=c 10:200 rw"},
        {{RULE(true, 'c', 1, 3, 7), RULE(false, 'c', 1, 3, 2)}, 2, "deny=a allow=c 1:3 rm"},
        {{RULE(true, 'c', 1, 3, 1), RULE(true, 'c', 1, 3, 2)}, 2, "deny=a allow=c 1:3 rw"},
        {{RULE(true, 'c', -1, -1, 4), RULE(true, 'b', -1, -1, 4), RULE(true, 'c', 1, 3, 3)},
         3,
         "deny=a allow=b *:* m allow=c *:* m allow=c 1:3 rwm"},
        {{RULE(true, 'c', 1, -1, 7), RULE(false, 'c', 1, 3, 2)},
         2,
         R "/devices/1: cannot deny part of what an earlier rule allows: cgroup v1"},
        {{RULE(true, 'a', -1, -1, 7), RULE(false, 'c', 1, -1, 7), RULE(true, 'c', 1, 3, 1)},
         3,
         R "/devices/2: cannot allow part of what an earlier rule denies: cgroup v1"},
        {{RULE(false, 'c', 1, 3, 7), RULE(true, 'b', 8, 0, 7), RULE(false, 'b', 8, -1, 7)}, 3, "deny=a"},
    };
    struct bench b;

    for (size_t i = 0; i < HUSK_COUNT(lists); i++) {
        set_up(&b, on_v1, 1, "/id");
        same(device_lines(&b, lists[i].rules, lists[i].n), lists[i].want, lists[i].want);
        tear_down(&b);
    }
    set_up(&b, on_v1, 1, "/id");
    b.req.ignore_cgroup_errors = true;
    device_lines(&b, lists[1].rules, lists[1].n);
    tap_ok(b.p.ops[0].on_fail == HUSK_IGNORE && b.p.ops[0].errnos[0] == EPERM, "rootless: devices may fail");
    tear_down(&b);
}

/* Every value that the table knows has been asked for above, on both versions. */
static void test_table(void)
{
    for (uint32_t i = 0; i < husk_resource_rows_n; i++) {
        const struct husk_resource_row *r = &husk_resource_rows[i];
        bool used = false;
        for (size_t k = 0; k < HUSK_COUNT(values) && !used; k++)
            used = r->file[0] ? strstr(values[k].v1, r->file[0]) != NULL
                              : strstr(values[k].v2, "memory.high") != NULL;
        tap_ok(used, "a test for %s", r->at);
    }
}

int main(void)
{
    test_table();
    test_values();
    test_special_values();
    test_missing();
    test_hybrid();
    test_weights();
    test_create_v1();
    test_create_v2();
    test_mounts();
    test_devices_v1();
    return tap_done();
}
