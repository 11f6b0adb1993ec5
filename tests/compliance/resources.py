"""resources.py - linux.resources but for devices: which file of which cgroup version gets which value.

Each case of CASES says it for both versions. It is planned for a recorded host of each, and where this machine has
the controllers, it is looked up in the cgroup of a real container.
"""
import glob

from kit import *

V1, V2 = "hybrid-5.4", "v2"                     # recorded hosts: every controller, without the BFQ scheduler
MIB = 1 << 20
MAX_V1 = "9223372036854771712"                  # how v1 shows that memory is not limited
R = "/linux/resources"


def limited(version="1.0.2", path=None, **resources):
    config = spec("sleep", "1000")
    config["ociVersion"] = version
    config["linux"]["resources"].update(resources)
    if path:
        config["linux"]["cgroupsPath"] = path
    return config


def a_disk():
    """MAJ:MIN of a disk; the kernel takes no others."""
    names = sorted(os.listdir("/sys/dev/block")) if os.path.isdir("/sys/dev/block") else []
    return names[-1] if names else "8:0"


DISK = a_disk()
MAJOR, MINOR = map(int, DISK.split(":"))


def disk(**members):
    return [dict(major=MAJOR, minor=MINOR, **members)]


class Case:
    """Members of linux.resources, and {file: value} for v1 and v2. A value may be (written, shown by the kernel); None:
    the file is not written. Instead of a dict: the place of the error. v2_bfq, v1_bfq: with the BFQ scheduler."""

    def __init__(self, resources, v1, v2, v1_bfq=None, v2_bfq=None, version="1.0.2"):
        self.resources, self.files, self.version = resources, {"v1": v1, "v2": v2}, version
        self.bfq = {"v1": v1_bfq, "v2": v2_bfq}

    def config(self):
        return limited(self.version, **self.resources)


def same(resources, files, **keywords):
    """The same files on both versions."""
    return Case(resources, files, files, **keywords)


def memory(v1, v2, **members):
    return Case({"memory": members}, v1, v2)


def cpu(v1, v2, **members):
    return Case({"cpu": members}, v1, v2)


def block(v1, v2, v1_bfq=None, v2_bfq=None, **members):
    return Case({"blockIO": members}, v1, v2, v1_bfq, v2_bfq)


def throttle(member, v1, v2):
    """The cases of one list. The kernel shows nothing for a disk without limits, and on v2 always all four."""
    big = str((1 << 64) - 1)
    shown = " ".join("%s=%s" % (key, 600 if key == v2 else "max") for key in ("rbps", "wbps", "riops", "wiops"))
    return [block({v1: DISK + " 600"}, {"io.max": ("%s %s=600" % (DISK, v2), DISK + " " + shown)},
                  **{member: disk(rate=600)}),
            block({v1: (DISK + " 0", "")}, {"io.max": ("%s %s=max" % (DISK, v2), "")}, **{member: disk(rate=0)}),
            block({v1: (DISK + " " + big, None)}, {"io.max": ("%s %s=%s" % (DISK, v2, big), None)},
                  **{member: disk(rate=int(big))})]


CASES = {
    "MEM-01": [
        memory({"memory.limit_in_bytes": str(64 * MIB)}, {"memory.max": str(64 * MIB)}, limit=64 * MIB),
        memory({"memory.limit_in_bytes": ("-1", MAX_V1)}, {"memory.max": "max"}, limit=-1),
        memory({"memory.limit_in_bytes": None}, {"memory.max": None}, limit=0)],
    "MEM-02": [
        memory({"memory.limit_in_bytes": str(64 * MIB), "memory.memsw.limit_in_bytes": str(96 * MIB)},
               {"memory.max": str(64 * MIB), "memory.swap.max": str(32 * MIB)}, limit=64 * MIB, swap=96 * MIB)],
    "MEM-05": [
        memory({"memory.soft_limit_in_bytes": str(24 * MIB)}, {"memory.low": str(24 * MIB)}, reservation=24 * MIB),
        memory({"memory.soft_limit_in_bytes": ("-1", MAX_V1)}, {"memory.low": "max"}, reservation=-1)],
    "MEM-06": [
        memory({"memory.kmem.limit_in_bytes": (str(64 * MIB), None)}, R + "/memory/kernel", kernel=64 * MIB),
        memory({"memory.kmem.limit_in_bytes": ("-1", MAX_V1)}, {"memory.max": None}, kernel=-1)],
    "MEM-07": [
        memory({"memory.kmem.tcp.limit_in_bytes": str(8 * MIB)}, R + "/memory/kernelTCP", kernelTCP=8 * MIB)],
    "MEM-08": [
        memory({"memory.swappiness": "0"}, R + "/memory/swappiness", swappiness=0),
        memory({"memory.swappiness": "100"}, R + "/memory/swappiness", swappiness=100),
        memory(R + "/memory/swappiness", R + "/memory/swappiness", swappiness=101)],
    "MEM-09": [
        memory({"memory.oom_control": ("1", "oom_kill_disable 1\nunder_oom 0\noom_kill 0")},
               R + "/memory/disableOOMKiller", disableOOMKiller=True),
        memory({"memory.oom_control": None}, {}, disableOOMKiller=False)],
    "MEM-10": [
        memory({"memory.use_hierarchy": "1"}, {"memory.use_hierarchy": None}, useHierarchy=True),
        memory({"memory.use_hierarchy": ("0", None)}, R + "/memory/useHierarchy", useHierarchy=False)],
    "CPU-04": [
        cpu({"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "20000"}, {"cpu.max": "50000 20000"},
            quota=50000, period=20000),
        cpu({"cpu.cfs_quota_us": "20000", "cpu.cfs_period_us": (None, "100000")}, {"cpu.max": "20000 100000"},
            quota=20000),
        cpu({"cpu.cfs_quota_us": (None, "-1"), "cpu.cfs_period_us": "20000"}, {"cpu.max": "max 20000"}, period=20000),
        cpu({"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "20000"}, {"cpu.max": "max 20000"},
            quota=-1, period=20000),
        cpu({"cpu.cfs_quota_us": "-1"}, {"cpu.max": "max 100000"}, quota=-1),
        cpu({"cpu.cfs_quota_us": (None, "-1")}, {"cpu.max": None}, quota=0)],
    "CPU-05": [
        cpu({"cpu.cfs_quota_us": "50000", "cpu.cfs_burst_us": "30000"},
            {"cpu.max": "50000 100000", "cpu.max.burst": "30000"}, quota=50000, burst=30000),
        cpu({"cpu.cfs_burst_us": "50000"}, {"cpu.max.burst": "50000"}, quota=50000, burst=50000),
        cpu({"cpu.cfs_burst_us": "0"}, {"cpu.max.burst": "0"}, burst=0),
        cpu(R + "/cpu/burst", R + "/cpu/burst", quota=50000, burst=50001)],
    "CPU-06": [
        cpu({"cpu.idle": "1"}, {"cpu.idle": "1"}, idle=1),
        cpu({"cpu.idle": "0", "cpu.shares": "512"}, {"cpu.idle": "0", "cpu.weight": "59"}, idle=0, shares=512),
        cpu(R + "/cpu/shares", R + "/cpu/shares", idle=1, shares=512),
        cpu(R + "/cpu/idle", R + "/cpu/idle", idle=2)],
    "CPU-07": [
        cpu({"cpu.rt_period_us": "500000"}, R + "/cpu/realtimePeriod", realtimePeriod=500000),
        cpu({"cpu.rt_runtime_us": ("95000", None), "cpu.rt_period_us": ("500000", None)}, R + "/cpu/realtimePeriod",
            realtimeRuntime=95000, realtimePeriod=500000),
        cpu({"cpu.rt_runtime_us": ("95000", None)}, R + "/cpu/realtimeRuntime", realtimeRuntime=95000)],
    "CPU-08": [same({"cpu": {"cpus": "0", "mems": "0"}}, {"cpuset.cpus": "0", "cpuset.mems": "0"})],
    "BLK-01": [
        block({"blkio.weight": "10"}, {"io.weight": ("1", "default 1")},
              {"blkio.bfq.weight": "10"}, {"io.bfq.weight": ("10", "default 10")}, weight=10),
        block({"blkio.weight": "500"}, {"io.weight": ("4950", "default 4950")},
              {"blkio.bfq.weight": "500"}, {"io.bfq.weight": ("500", "default 500")}, weight=500),
        block({"blkio.weight": "1000"}, {"io.weight": ("10000", "default 10000")},
              {"blkio.bfq.weight": "1000"}, {"io.bfq.weight": ("1000", "default 1000")}, weight=1000),
        block(R + "/blockIO/weight", R + "/blockIO/weight", weight=9),
        block(R + "/blockIO/weight", R + "/blockIO/weight", weight=1001)],
    "BLK-02": [block({"blkio.leaf_weight": ("50", None)}, R + "/blockIO/leafWeight", leafWeight=50)],
    "BLK-03": [
        block({"blkio.weight_device": DISK + " 500"}, {"io.weight": (DISK + " 4950", None)},
              {"blkio.bfq.weight_device": (DISK + " 500", None)}, {"io.bfq.weight": (DISK + " 500", None)},
              weightDevice=disk(weight=500)),
        block({"blkio.leaf_weight_device": (DISK + " 300", None)}, R + "/blockIO/weightDevice/0/leafWeight",
              weightDevice=disk(leafWeight=300))],
    "BLK-05": throttle("throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps") +
    throttle("throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps") +
    throttle("throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops") +
    throttle("throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"),
    "HTL-01": [
        Case({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]},
             {"hugetlb.2MB.limit_in_bytes": str(4 * MIB)}, {"hugetlb.2MB.max": str(4 * MIB)}),
        Case({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]},
             {"hugetlb.2MB.limit_in_bytes": "0"}, {"hugetlb.2MB.max": "0"})],
    "NCL-01": [Case({"network": {"classID": 1048577}}, {"net_cls.classid": "1048577"}, R + "/network/classID")],
    "NCL-02": [Case({"network": {"priorities": [{"name": "lo", "priority": 500}]}},
                    {"net_prio.ifpriomap": "lo 500"}, R + "/network/priorities/0")],
    "PID-01": [same({"pids": {"limit": 7}}, {"pids.max": "7"})],
    "PID-02": [same({"pids": {"limit": -1}}, {"pids.max": "max"}), same({"pids": {"limit": -9}}, {"pids.max": "max"})],
    "PID-03": [
        same({"pids": {"limit": 0}}, {"pids.max": "1"}, version="1.3.0"),
        same({"pids": {"limit": 0}}, {"pids.max": (None, "max")}, version="1.2.1")],
    "RDM-01": [
        same({"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}}},
             {"rdma.max": ("mlx5_1 hca_handle=3 hca_object=10000", None)}),
        same({"rdma": {"mlx5_1": {"hcaHandles": 0}}}, {"rdma.max": ("mlx5_1 hca_handle=0", None)}),
        same({"rdma": {"mlx5_1": {"hcaObjects": 7}}}, {"rdma.max": ("mlx5_1 hca_object=7", None)})],
}


def with_bfq(t, host):
    """The recorded host, but its disks have the BFQ scheduler."""
    facts = json.loads(read(os.path.join(HOSTS, host + ".json")))
    facts["features"]["bfq"] = True
    write(t.path(host + "-bfq.json"), json.dumps(facts))
    return t.path(host + "-bfq")


def has_bfq():
    return any("bfq" in read(path) for path in glob.glob("/sys/block/*/queue/scheduler"))


def planned(t, config, files, host):
    if not isinstance(files, dict):
        no_plan(t, config, files + ": ", host=host)
        return
    p = plan(t, config, host)
    for name, value in files.items():
        value = value[0] if isinstance(value, tuple) else value
        t.eq(p.writes(name)[-1:], [value] if value is not None else [], "%s on %s" % (name, host))


def in_force(t, config, files):
    """In a real container, where this machine has the controllers; whether anything was looked at."""
    visible = {name: v[1] if isinstance(v, tuple) else v for name, v in files.items()}
    visible = {name: v for name, v in visible.items() if v is not None}
    if not visible:
        return False
    with t.container(config) as c:
        for name, shown in visible.items():
            got = read(os.path.join(controller_dir(c.pid, name.split(".")[0]), name)).strip()
            t.eq(got, shown, name)
    return True


def version_here(files):
    """The version whose files this machine has, all of them, or None."""
    controllers = {"v1": v1_controllers(), "v2": v2_controllers()}
    for version, known in controllers.items():
        names = files[version] if isinstance(files[version], dict) else {}
        if names and all(n.split(".")[0] in known for n in names):
            return version
    return None


def check(t, one):
    here = version_here(one.files)
    seen = here and in_force(t, one.config(), one.bfq[here] if one.bfq[here] and has_bfq() else one.files[here])
    if not is_husk():
        return seen
    for version, host in (("v1", V1), ("v2", V2)):
        planned(t, one.config(), one.files[version], host)
        if one.bfq[version]:
            planned(t, one.config(), one.bfq[version], with_bfq(t, host))
    return True


@row(*CASES)
def values(t, one):
    if not [case for case in CASES[one] if check(t, case)]:
        untestable("this machine has no such controller")
    EXTRA.get(one, lambda t: None)(t)


# ---- more than a file and its value ------------------------------------------------------------------------

def order(t, config, host, *names):
    """The writes of these files, in the plan's order: [(file, value)]."""
    found = [(op["path"].split("/")[-1].split(":")[-1], op["data"]) for op in plan(t, config, host).find("write")]
    return [(name, data) for name, data in found if name in names]


def existing(t, controller, **old):
    """The path of an empty cgroup that is there already, with these values: (cgroupsPath, its directory)."""
    path = "/%sthere-%d" % (PREFIX, t.count)
    directory = v1_controllers()[controller] + path
    os.mkdir(directory)
    for name, value in old.items():
        write(os.path.join(directory, name.replace("__", ".")), value)
    return path, directory


def over(t, controller, resources, want, **old):
    """Values that take the place of older ones, which would forbid some orders of writing."""
    path, directory = existing(t, controller, **old)
    try:
        with t.container(limited(path=path, **resources)):
            for name, value in want.items():
                t.eq(read(os.path.join(directory, name)).strip(), value, name)
    finally:
        if os.path.isdir(directory):
            os.rmdir(directory)


def cpu_over_old(t):
    for old, quota, period in ((("10000", "5000"), 400000, 800000), (("800000", "400000"), 5000, 10000)):
        over(t, "cpu", {"cpu": {"quota": quota, "period": period}},
             {"cpu.cfs_quota_us": str(quota), "cpu.cfs_period_us": str(period)},
             cpu__cfs_period_us=old[0], cpu__cfs_quota_us=old[1])


def burst_over_old(t):
    over(t, "cpu", {"cpu": {"quota": 10000, "burst": 5000}}, {"cpu.cfs_quota_us": "10000", "cpu.cfs_burst_us": "5000"},
         cpu__cfs_quota_us="90000", cpu__cfs_burst_us="80000")


def idle_over_old(t):
    over(t, "cpu", {"cpu": {"idle": 0, "shares": 512}}, {"cpu.idle": "0", "cpu.shares": "512"}, cpu__idle="1")


def where(controller, *checks):
    """Checks that need a real v1 controller."""
    def run(t):
        if controller in v1_controllers():
            for one in checks:
                one(t)
    return run


def bad_cpus(t):
    if "cpuset" in v1_controllers():
        for bad in ("4000", "0-", "nonsense"):
            refused(t, limited(cpu={"cpus": bad}), R + "/cpu/cpus")
        refused(t, limited(cpu={"mems": "900"}), R + "/cpu/mems")
    if is_husk():
        for host in (V1, V2):
            t.eq(plan(t, limited(cpu={"cpus": "0-"}), host).writes("cpuset.cpus")[-1:], ["0-"], "the kernel's to judge")


def before_joining(t):
    if is_husk():
        ops = plan(t, limited(cpu={"realtimeRuntime": 95000}), V1).ops
        kinds = [op["path"].split(":")[-1] if op["do"] == "write" else op["do"] for op in ops]
        t.ok(kinds.index("cpu.rt_runtime_us") < kinds.index("spawn"), kinds)


def weight_range(t):
    for weight in (9, 1001):
        refused(t, limited(blockIO={"weight": weight}), R + "/blockIO/weight")


def no_size_is_no_file(t):
    if "hugetlb" in v2_controllers():
        refused(t, limited(hugepageLimits=[{"pageSize": "3MB", "limit": 0}]), R + "/hugepageLimits/0")


EXTRA = {
    "CPU-04": where("cpu", cpu_over_old),
    "CPU-05": where("cpu", burst_over_old,
                    lambda t: refused(t, limited(cpu={"quota": 10000, "burst": 10001}), R + "/cpu/burst")),
    "CPU-06": where("cpu", idle_over_old),
    "CPU-07": before_joining,
    "CPU-08": bad_cpus,
    "BLK-01": weight_range,
    "MEM-08": lambda t: refused(t, limited(memory={"swappiness": 101}), R + "/memory/swappiness"),
    "HTL-01": no_size_is_no_file,
}


# ---- memory ------------------------------------------------------------------------------------------------

@row("MEM-03")
def swap_is_memory_and_swap(t):
    if is_husk():
        for members, swap in ((dict(limit=64 * MIB, swap=-1), "max"), (dict(limit=64 * MIB, swap=64 * MIB), "0"),
                              (dict(limit=-1, swap=0), "max"), (dict(limit=64 * MIB, swap=65 * MIB), str(MIB))):
            op = plan(t, limited(memory=members), V2).one("write", path="@cg.0:memory.swap.max")
            t.eq(op["data"], swap, members)
            t.eq("ENOENT" in op.get("on_fail", {}).get("errnos", []), swap in ("0", "max"), op)
    wrong = (dict(swap=64 * MIB), dict(limit=64 * MIB, swap=63 * MIB), dict(limit=-1, swap=64 * MIB))
    for members in wrong:
        if is_husk():
            no_plan(t, limited(memory=members), R + "/memory/swap: ", host=V2)
    if "memory" not in v1_controllers() and not is_husk():
        untestable("needs a memory controller")
    if "memory" in v1_controllers():
        refused(t, limited(memory=wrong[1]), R + "/memory/swap")


@row("MEM-04", need=["v1:memory"])
def memory_is_written_in_the_right_order(t):
    small, big = (32 * MIB, 48 * MIB), (64 * MIB, 96 * MIB)
    for old, new in ((small, big), (big, small)):
        over(t, "memory", {"memory": {"limit": new[0], "swap": new[1]}},
             {"memory.limit_in_bytes": str(new[0]), "memory.memsw.limit_in_bytes": str(new[1])},
             memory__limit_in_bytes=str(old[0]), memory__memsw__limit_in_bytes=str(old[1]))
    over(t, "memory", {"memory": {"limit": -1}},
         {"memory.limit_in_bytes": MAX_V1, "memory.memsw.limit_in_bytes": MAX_V1},
         memory__limit_in_bytes=str(small[0]), memory__memsw__limit_in_bytes=str(small[1]))
    over(t, "memory", {"memory": {"limit": 64 * MIB, "swap": -1}},
         {"memory.limit_in_bytes": str(64 * MIB), "memory.memsw.limit_in_bytes": MAX_V1},
         memory__limit_in_bytes=str(small[0]), memory__memsw__limit_in_bytes=str(small[1]))
    if is_husk():
        with t.container(limited(memory={"limit": 64 * MIB}), start=True) as c:
            t.fails(t.rt("update", "--memory", "4096", c.id), "EBUSY", "in use")
            t.eq(read(controller_dir(c.pid, "memory") + "/memory.limit_in_bytes").strip(), str(64 * MIB))


@row("MEM-11", need=["cgroup:memory"])
def an_update_below_what_is_used(t):
    if "memory" in v1_controllers() and not is_husk():
        untestable("no v2 controller memory in this view")
    name = "memory.limit_in_bytes" if "memory" in v1_controllers() else "memory.max"
    with t.container(limited(memory={"limit": 64 * MIB}), start=True) as c:
        file = os.path.join(controller_dir(c.pid, "memory"), name)
        for limit, works in ((4096, False), (32 * MIB, True)):
            wanted = {"memory": {"limit": limit, "checkBeforeUpdate": True}}
            r = t.rt("update", "--resources", "-", c.id, input=json.dumps(wanted))
            t.eq(r.rc == 0, works, r)
            t.eq(read(file).strip(), str(32 * MIB if works else 64 * MIB))
            if not works and is_husk():
                t.has(r.err, "/memory/limit: ")


@row("MEM-12", need=["cgroup:memory"])
def a_limit_that_is_too_low_is_named(t):
    r = refused(t, limited(memory={"limit": 4096}), R + "/memory/limit")
    t.match(r.err, "memory|OOM")


# ---- cpu ---------------------------------------------------------------------------------------------------

WEIGHTS = {2: 1, 10: 4, 64: 12, 100: 17, 128: 21, 256: 35, 512: 59, 1024: 100, 2048: 174, 4096: 303, 8192: 532,
           10000: 627, 65536: 3023, 262144: 10000}


@row("CPU-01")
def shares(t):
    if "cpu" in v1_controllers():
        in_force(t, limited(cpu={"shares": 2048}), {"cpu.shares": "2048"})
        for wrong in (1, 262145):
            refused(t, limited(cpu={"shares": wrong}), R + "/cpu/shares")
    elif not is_husk():
        untestable("needs a cpu controller of v1")
    if is_husk():
        t.eq(plan(t, limited(cpu={"shares": 2048}), V1).writes("cpu.shares"), ["2048"])
        t.eq(plan(t, limited(cpu={"shares": 2048}), V2).writes("cpu.weight"), ["174"])
        for wrong in (1, 262145):
            no_plan(t, limited(cpu={"shares": wrong}), R + "/cpu/shares: ", host=V1)


@row("CPU-02")
def weight_at_the_ends(t):
    for value, weight in ((0, []), (1, ["1"]), (2, ["1"]), (3, ["2"]), (262143, ["10000"]), (262144, ["10000"]),
                          (1 << 40, ["10000"])):
        t.eq(plan(t, limited(cpu={"shares": value}), V2).writes("cpu.weight"), weight, "%d shares" % value)


@row("CPU-03")
def weight_of_shares(t):
    for value, weight in WEIGHTS.items():
        t.eq(plan(t, limited(cpu={"shares": value}), V2).writes("cpu.weight"), [str(weight)], "%d shares" % value)


@row("CPU-09")
def unit_properties(t):
    untestable("husk has no systemd cgroup driver")


# ---- blockIO, hugepageLimits, rdma -------------------------------------------------------------------------

@row("BLK-04")
def a_weight_is_needed(t):
    refused(t, limited(blockIO={"weightDevice": disk()}), R + "/blockIO/weightDevice/0")


@row("HTL-02")
def reservations_are_limited_too(t):
    config = limited(hugepageLimits=[{"pageSize": "2MB", "limit": 6 * MIB}])
    if "hugetlb" in v2_controllers():
        in_force(t, config, {"hugetlb.2MB.rsvd.max": str(6 * MIB), "hugetlb.2MB.max": str(6 * MIB)})
    for host, reserved, used in ((V1, "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.limit_in_bytes"),
                                 (V2, "hugetlb.2MB.rsvd.max", "hugetlb.2MB.max")):
        writes = {op["path"].split(":")[-1]: op for op in plan(t, config, host).find("write")}
        t.eq([writes[name]["data"] for name in (reserved, used)], [str(6 * MIB)] * 2)
        t.eq(writes[reserved]["on_fail"]["errnos"], ["ENOENT"], "an older kernel counts no reservations")
        t.ok("on_fail" not in writes[used], writes[used])


@row("HTL-03", need=["cgroup:hugetlb"])
def an_unknown_page_size(t):
    refused(t, limited(hugepageLimits=[{"pageSize": "3MB", "limit": 0}]), R + "/hugepageLimits/0", "3MB")
    for wrong in ("2mb", "02MB", "2", "MB", "2MB/../x"):
        refused(t, limited(hugepageLimits=[{"pageSize": wrong, "limit": 0}]), R + "/hugepageLimits/0/pageSize")


@row("RDM-02")
def rdma_needs_a_limit(t):
    refused(t, limited(rdma={"mlx5_1": {}}), R + "/rdma/mlx5_1")


# ---- unified -----------------------------------------------------------------------------------------------

@row("UNI-01", views=("own", "v2"))
def unified_files(t):
    keys = {"hugetlb.2MB.max": str(2 * MIB), "cgroup.max.depth": "3"}
    if "hugetlb" in v2_controllers():
        in_force(t, limited(unified=keys, hugepageLimits=[{"pageSize": "2MB", "limit": 0}]), keys)
    lines = {"io.max": "8:0 rbps=1\n8:16 rbps=2\n", "memory.high": "1000"}
    t.eq(order(t, limited(unified=lines, memory={"limit": 5}), V2, "io.max", "memory.high", "memory.max"),
         [("memory.max", "5"), ("io.max", "8:0 rbps=1"), ("io.max", "8:16 rbps=2"), ("memory.high", "1000")])


@row("UNI-02", views=("own", "v2"))
def unified_enables_its_controllers(t):
    path = "/%suni/a/b" % PREFIX
    if "hugetlb" in v2_controllers():
        with t.container(limited(path=path, unified={"hugetlb.2MB.max": "0"})) as c:
            for up in ("..", "../.."):
                t.has(read(os.path.join(cgroup_of(c.pid)[""], up, "cgroup.subtree_control")), "hugetlb")
    p = plan(t, limited(path="/a/b", unified={"memory.high": "1", "cpu.max": "max", "cgroup.max.depth": "1"}), V2)
    t.eq(p.writes("cgroup.subtree_control")[0].split(), ["+cpu", "+memory"])


@row("UNI-03", views=("own", "v2"))
def unknown_keys_are_written(t):
    t.eq(plan(t, limited(unified={"memory.of_the_future": "1 2"}), V2).writes("memory.of_the_future"), ["1 2"])
    if "hugetlb" in v2_controllers():
        refused(t, limited(unified={"hugetlb.of_the_future": "1"}), R + "/unified/hugetlb.of_the_future", "ENOENT")


@row("UNI-04", views=("v2",))
def unified_needs_its_controller(t):
    refused(t, limited(unified={"memory.high": "1000000"}), R + "/unified/memory.high", "no memory controller")
    refused(t, limited(unified={"nothing.max": "1"}), R + "/unified/nothing.max", "no nothing controller")


@row("UNI-05", views=("own", "v1", "v2"))
def unified_keys_are_names_of_files(t):
    refused(t, limited(unified={"a/b": "1"}), R + "/unified/a~1b")
    refused(t, limited(unified={"../cgroup.procs": "1"}), R + "/unified/..~1cgroup.procs")
    refused(t, limited(unified={"nodot": "1"}), R + "/unified/nodot")
    if v1_controllers():
        refused(t, limited(unified={"pids.max": "7"}), R + "/unified/pids.max")


# ---- all of them -------------------------------------------------------------------------------------------

@row("RES-01", views=("own", "v2"))
def in_force_when_create_returns(t):
    if "memory" in v1_controllers():
        in_force(t, limited(memory={"limit": 64 * MIB}, pids={"limit": 9}, cpu={"shares": 300, "cpus": "0"}),
                 {"memory.limit_in_bytes": str(64 * MIB), "pids.max": "9", "cpu.shares": "300", "cpuset.cpus": "0"})
    else:
        for member, place in (({"memory": {"limit": MIB}}, "/memory/limit"), ({"pids": {"limit": 9}}, "/pids/limit"),
                              ({"cpu": {"shares": 300}}, "/cpu/shares"), ({"cpu": {"cpus": "0"}}, "/cpu/cpus")):
            refused(t, limited(**member), R + place)


@row("RES-02")
def values_of_v1_on_v2(t):
    config = limited(memory={"limit": 64 * MIB, "swap": 96 * MIB, "reservation": MIB, "useHierarchy": True},
                     cpu={"shares": 1024, "quota": 5000, "period": 10000}, blockIO={"weight": 500})
    p = plan(t, config, V2)
    want = {"memory.max": [str(64 * MIB)], "memory.swap.max": [str(32 * MIB)], "memory.low": [str(MIB)],
            "cpu.weight": ["100"], "cpu.max": ["5000 10000"], "io.weight": ["4950"]}
    t.eq({name: p.writes(name) for name in want}, want)


@row("RES-03", views=("own", "v2"))
def what_v2_has_nothing_for(t):
    only_v1 = {"/memory/kernel": {"memory": {"kernel": MIB}}, "/memory/kernelTCP": {"memory": {"kernelTCP": MIB}},
               "/memory/swappiness": {"memory": {"swappiness": 60}},
               "/memory/disableOOMKiller": {"memory": {"disableOOMKiller": True}},
               "/memory/useHierarchy": {"memory": {"useHierarchy": False}},
               "/cpu/realtimeRuntime": {"cpu": {"realtimeRuntime": 95000}},
               "/cpu/realtimePeriod": {"cpu": {"realtimePeriod": 1000000}},
               "/blockIO/leafWeight": {"blockIO": {"leafWeight": 50}},
               "/blockIO/weightDevice/0/leafWeight": {"blockIO": {"weightDevice": disk(leafWeight=50)}},
               "/network/classID": {"network": {"classID": 1}},
               "/network/priorities/0": {"network": {"priorities": [{"name": "lo", "priority": 1}]}}}
    for place, member in only_v1.items():
        if view() == "v2":
            refused(t, limited(**member), R + place)
        else:
            no_plan(t, limited(**member), R + place + ": ", host=V2)
            t.ok(plan(t, limited(**member), V1).ops, "v1 has it: %s" % place)


@row("RES-04")
def zero_is_not_set(t):
    zeros = dict(memory=dict.fromkeys(("limit", "reservation", "swap", "kernel", "kernelTCP"), 0),
                 cpu=dict.fromkeys(("shares", "quota", "period", "realtimeRuntime", "realtimePeriod"), 0),
                 blockIO={"weight": 0, "leafWeight": 0}, network={"classID": 0})
    zeros["cpu"].update(cpus="", mems="")
    places = tuple(R + "/" + name for name in zeros)
    for host in (V1, V2):
        p = plan(t, limited(**zeros), host)
        t.eq([op for op in p.find("write") if op["why"].startswith(places)], [], host)
        real = plan(t, limited(cpu={"idle": 0, "burst": 0}, blockIO={"throttleReadBpsDevice": disk(rate=0)},
                               hugepageLimits=[{"pageSize": "2MB", "limit": 0}], memory={"swappiness": 0}
                               if host == V1 else {}), host)
        whys = {op["why"] for op in real.find("write") if op["why"].startswith(places + (R + "/hugepageLimits",))}
        t.eq(len(whys), 5 if host == V1 else 4, "what takes 0 as a value: %r" % whys)
    accepted(t, limited(**zeros))
