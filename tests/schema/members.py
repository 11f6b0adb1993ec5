"""members.py - configurations one edit away from a valid one, and what the specification's JSON schema says of each.

MEMBERS has a line for each member that the schema describes: its pointer in base(), its type, `!` when its object
needs it. The type gives the edits: good values, values of other types, out of range, empty, null, absent. EXTRA has
the edits that no type gives. Whether the schema takes an edited configuration follows from the type too; run.py
checks that against the schema itself where it is at hand.
"""
import copy
import fnmatch
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "badconfig"))
from cases import base as runnable

ID_MAP = [{"containerID": 0, "hostID": 0, "size": 4294967295}]

# What runnable() leaves out since it could not run everywhere.
MORE = {
    "process": {
        "apparmorProfile": "profile", "selinuxLabel": "a:b:c:s0",
        "scheduler": {"policy": "SCHED_OTHER", "nice": 1, "priority": 0, "flags": ["SCHED_FLAG_RESET_ON_FORK"],
                      "runtime": 0, "deadline": 0, "period": 0},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
        "execCPUAffinity": {"initial": "0", "final": "0-1,3"},
    },
    "hooks": {kind: [{"path": "/bin/true"}] for kind in (
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart")},
    "linux": {
        "uidMappings": ID_MAP, "gidMappings": ID_MAP,
        "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 2}, "boottime": {"secs": -1, "nanosecs": 0}},
        "netDevices": {"dummy0": {"name": "eth0"}},
        "cgroupsPath": "/a/b",
        "resources": {
            "unified": {"memory.high": "max"},
            "pids": {"limit": 5},
            "blockIO": {
                "weight": 100, "leafWeight": 100,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 100, "leafWeight": 100}],
                **{"throttle%sDevice" % kind: [{"major": 8, "minor": 0, "rate": 1}]
                   for kind in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")}},
            "cpu": {"shares": 1024, "quota": 1000, "burst": 0, "period": 1000, "realtimeRuntime": 0,
                    "realtimePeriod": 0, "idle": 0, "cpus": "0", "mems": "0"},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "memory": {"limit": -1, "reservation": 1, "swap": -1, "kernel": -1, "kernelTCP": -1, "swappiness": 10,
                       "disableOOMKiller": False, "useHierarchy": True, "checkBeforeUpdate": False},
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
            "rdma": {"mlx5_0": {"hcaHandles": 1, "hcaObjects": 1}},
        },
        "seccomp": {"defaultErrnoRet": 1, "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/x",
                    "listenerMetadata": "x"},
        "mountLabel": "a:b:c:s0",
        "intelRdt": {"closID": "a", "schemata": ["L2:0=f"], "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=10",
                     "enableMonitoring": True},
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        "personality": {"flags": []},
    },
}


def merge(into, more):
    for key, value in more.items():
        if isinstance(into.get(key), dict) and isinstance(value, dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def base():
    config = runnable()
    merge(config, MORE)
    config["ociVersion"] = "1.3.0"
    config["linux"]["namespaces"] += [{"type": "user"}, {"type": "time"}, {"type": "cgroup", "path": "/run/ns"}]
    config["linux"]["seccomp"]["defaultAction"] = "SCMP_ACT_ERRNO"
    config["mounts"][1].update(uidMappings=copy.deepcopy(ID_MAP), gidMappings=copy.deepcopy(ID_MAP))
    return config


WORDS = {
    "namespace": "pid network mount ipc uts user time cgroup",
    "scheduler": "SCHED_OTHER SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_ISO SCHED_IDLE SCHED_DEADLINE",
    "scheduler-flag": "SCHED_FLAG_RESET_ON_FORK SCHED_FLAG_RECLAIM SCHED_FLAG_DL_OVERRUN SCHED_FLAG_KEEP_POLICY "
                      "SCHED_FLAG_KEEP_PARAMS SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_UTIL_CLAMP_MAX",
    "io-class": "IOPRIO_CLASS_RT IOPRIO_CLASS_BE IOPRIO_CLASS_IDLE",
    "propagation": "private shared slave unbindable",
    "device": "c b u p",
    "personality": "LINUX LINUX32",
    "memory-mode": "MPOL_DEFAULT MPOL_BIND MPOL_INTERLEAVE MPOL_WEIGHTED_INTERLEAVE MPOL_PREFERRED "
                   "MPOL_PREFERRED_MANY MPOL_LOCAL",
    "memory-flag": "MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES",
    "action": " ".join("SCMP_ACT_" + a for a in "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG "
                       "NOTIFY".split()),
    "operator": " ".join("SCMP_CMP_" + o for o in "NE LT LE EQ GE GT MASKED_EQ".split()),
    "arch": " ".join("SCMP_ARCH_" + a for a in "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 "
                     "MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X SH SHEB PARISC PARISC64 "
                     "RISCV64".split()),
    "filter-flag": " ".join("SECCOMP_FILTER_FLAG_" + f for f in "TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV".split()),
}
INTEGERS = {
    "u16": (0, 65535), "u32": (0, 4294967295), "u64": (0, 18446744073709551615), "mode": (0, 511),
    "i32": (-2147483648, 2147483647), "i64": (-9223372036854775808, 9223372036854775807), "int": (None, None),
    "seconds": (1, None),
}

# POINTER TYPE[! or ?]. A word of WORDS is a string that is one of them; `map` an object with any members. ?: the
# schema can do without it, the specification's text or the rest of base() cannot.
MEMBERS = """
/ociVersion string!
/process object
/process/terminal bool
/process/consoleSize object
/process/consoleSize/height u64!
/process/consoleSize/width u64!
/process/user object
/process/user/uid u32
/process/user/gid u32
/process/user/umask u32
/process/user/additionalGids list
/process/user/additionalGids/0 u32
/process/args list?
/process/args/1 string
/process/env list
/process/env/1 string
/process/cwd string!
/process/capabilities object
/process/capabilities/bounding list
/process/capabilities/bounding/0 string
/process/capabilities/effective list
/process/capabilities/permitted list
/process/capabilities/inheritable list
/process/capabilities/ambient list
/process/rlimits list
/process/rlimits/0 object
/process/rlimits/0/type string!
/process/rlimits/0/soft u64!
/process/rlimits/0/hard u64!
/process/noNewPrivileges bool
/process/apparmorProfile string
/process/selinuxLabel string
/process/oomScoreAdj int
/process/scheduler object
/process/scheduler/policy scheduler!
/process/scheduler/nice i32
/process/scheduler/priority i32
/process/scheduler/flags list
/process/scheduler/flags/0 scheduler-flag
/process/scheduler/runtime u64
/process/scheduler/deadline u64
/process/scheduler/period u64
/process/ioPriority object
/process/ioPriority/class io-class!
/process/ioPriority/priority i32?
/process/execCPUAffinity object
/process/execCPUAffinity/initial string
/process/execCPUAffinity/final string
/root object?
/root/path string!
/root/readonly bool
/hostname string
/domainname string
/mounts list
/mounts/0 object
/mounts/0/destination string!
/mounts/0/type string
/mounts/0/source string
/mounts/1/options list
/mounts/1/options/0 string
/mounts/1/uidMappings list
/mounts/1/uidMappings/0 object
/mounts/1/uidMappings/0/containerID u32!
/mounts/1/uidMappings/0/hostID u32!
/mounts/1/uidMappings/0/size u32!
/mounts/1/gidMappings list
/mounts/1/gidMappings/0 object
/mounts/1/gidMappings/0/containerID u32!
/mounts/1/gidMappings/0/hostID u32!
/mounts/1/gidMappings/0/size u32!
/hooks object
/hooks/prestart list
/hooks/prestart/0 object
/hooks/prestart/0/path string!
/hooks/createRuntime list
/hooks/createRuntime/0/path string!
/hooks/createContainer list
/hooks/createContainer/0/path string!
/hooks/startContainer list
/hooks/startContainer/0/path string!
/hooks/poststart list
/hooks/poststart/0/path string!
/hooks/poststop list
/hooks/poststop/0 object
/hooks/poststop/0/path string!
/hooks/poststop/0/args list
/hooks/poststop/0/args/0 string
/hooks/poststop/0/env list
/hooks/poststop/0/env/0 string
/hooks/poststop/0/timeout seconds
/annotations map
/annotations/org.example.a string
/linux object
/linux/namespaces list
/linux/namespaces/0 object
/linux/namespaces/7/type namespace!
/linux/namespaces/7/path string
/linux/uidMappings list
/linux/uidMappings/0 object
/linux/uidMappings/0/containerID u32!
/linux/uidMappings/0/hostID u32!
/linux/uidMappings/0/size u32!
/linux/gidMappings list
/linux/gidMappings/0/containerID u32!
/linux/gidMappings/0/hostID u32!
/linux/gidMappings/0/size u32!
/linux/timeOffsets map
/linux/timeOffsets/monotonic object
/linux/timeOffsets/monotonic/secs i64
/linux/timeOffsets/monotonic/nanosecs u32
/linux/timeOffsets/boottime object
/linux/timeOffsets/boottime/secs i64
/linux/timeOffsets/boottime/nanosecs u32
/linux/devices list
/linux/devices/0 object
/linux/devices/0/type device!
/linux/devices/0/path string!
/linux/devices/0/major i64?
/linux/devices/0/minor i64?
/linux/devices/0/fileMode mode
/linux/devices/0/uid u32
/linux/devices/0/gid u32
/linux/netDevices map
/linux/netDevices/dummy0 object
/linux/netDevices/dummy0/name string
/linux/cgroupsPath string
/linux/resources object
/linux/resources/devices list
/linux/resources/devices/1 object
/linux/resources/devices/1/allow bool!
/linux/resources/devices/1/type string
/linux/resources/devices/1/major i64
/linux/resources/devices/1/minor i64
/linux/resources/devices/1/access string?
/linux/resources/memory object
/linux/resources/memory/limit i64
/linux/resources/memory/reservation i64
/linux/resources/memory/swap i64
/linux/resources/memory/kernel i64
/linux/resources/memory/kernelTCP i64
/linux/resources/memory/swappiness u64
/linux/resources/memory/disableOOMKiller bool
/linux/resources/memory/useHierarchy bool
/linux/resources/memory/checkBeforeUpdate bool
/linux/resources/cpu object
/linux/resources/cpu/shares u64
/linux/resources/cpu/quota i64
/linux/resources/cpu/burst u64
/linux/resources/cpu/period u64
/linux/resources/cpu/realtimeRuntime i64
/linux/resources/cpu/realtimePeriod u64
/linux/resources/cpu/idle i64
/linux/resources/cpu/cpus string
/linux/resources/cpu/mems string
/linux/resources/pids object
/linux/resources/pids/limit i64!
/linux/resources/blockIO object
/linux/resources/blockIO/weight u16
/linux/resources/blockIO/leafWeight u16
/linux/resources/blockIO/weightDevice list
/linux/resources/blockIO/weightDevice/0 object
/linux/resources/blockIO/weightDevice/0/major i64!
/linux/resources/blockIO/weightDevice/0/minor i64!
/linux/resources/blockIO/weightDevice/0/weight u16
/linux/resources/blockIO/weightDevice/0/leafWeight u16
/linux/resources/blockIO/throttleReadBpsDevice list
/linux/resources/blockIO/throttleReadBpsDevice/0 object
/linux/resources/blockIO/throttleReadBpsDevice/0/major i64!
/linux/resources/blockIO/throttleReadBpsDevice/0/minor i64!
/linux/resources/blockIO/throttleReadBpsDevice/0/rate u64?
/linux/resources/blockIO/throttleWriteBpsDevice list
/linux/resources/blockIO/throttleWriteBpsDevice/0/major i64!
/linux/resources/blockIO/throttleWriteBpsDevice/0/rate u64?
/linux/resources/blockIO/throttleReadIOPSDevice list
/linux/resources/blockIO/throttleReadIOPSDevice/0/minor i64!
/linux/resources/blockIO/throttleReadIOPSDevice/0/rate u64?
/linux/resources/blockIO/throttleWriteIOPSDevice list
/linux/resources/blockIO/throttleWriteIOPSDevice/0/major i64!
/linux/resources/blockIO/throttleWriteIOPSDevice/0/rate u64?
/linux/resources/hugepageLimits list
/linux/resources/hugepageLimits/0 object
/linux/resources/hugepageLimits/0/pageSize string!
/linux/resources/hugepageLimits/0/limit u64!
/linux/resources/network object
/linux/resources/network/classID u32
/linux/resources/network/priorities list
/linux/resources/network/priorities/0 object
/linux/resources/network/priorities/0/name string!
/linux/resources/network/priorities/0/priority u32!
/linux/resources/rdma map
/linux/resources/rdma/mlx5_0 object
/linux/resources/rdma/mlx5_0/hcaHandles u32
/linux/resources/rdma/mlx5_0/hcaObjects u32
/linux/resources/unified map
/linux/resources/unified/memory.high string
/linux/rootfsPropagation propagation
/linux/seccomp object
/linux/seccomp/defaultAction action!
/linux/seccomp/defaultErrnoRet u32
/linux/seccomp/architectures list
/linux/seccomp/architectures/0 arch
/linux/seccomp/flags list
/linux/seccomp/flags/0 filter-flag
/linux/seccomp/listenerPath string
/linux/seccomp/listenerMetadata string
/linux/seccomp/syscalls list
/linux/seccomp/syscalls/0 object
/linux/seccomp/syscalls/0/names list!
/linux/seccomp/syscalls/0/names/0 string
/linux/seccomp/syscalls/0/action action!
/linux/seccomp/syscalls/0/errnoRet u32
/linux/seccomp/syscalls/0/args list
/linux/seccomp/syscalls/0/args/0 object
/linux/seccomp/syscalls/0/args/0/index u32!
/linux/seccomp/syscalls/0/args/0/value u64!
/linux/seccomp/syscalls/0/args/0/valueTwo u64
/linux/seccomp/syscalls/0/args/0/op operator!
/linux/sysctl map
/linux/sysctl/net.ipv4.ip_forward string
/linux/maskedPaths list
/linux/maskedPaths/0 string
/linux/readonlyPaths list
/linux/readonlyPaths/0 string
/linux/mountLabel string
/linux/intelRdt object
/linux/intelRdt/closID string
/linux/intelRdt/schemata list
/linux/intelRdt/schemata/0 string
/linux/intelRdt/l3CacheSchema string
/linux/intelRdt/memBwSchema string
/linux/intelRdt/enableMonitoring bool
/linux/memoryPolicy object
/linux/memoryPolicy/mode memory-mode?
/linux/memoryPolicy/nodes string
/linux/memoryPolicy/flags list
/linux/memoryPolicy/flags/0 memory-flag
/linux/personality object
/linux/personality/domain personality
/linux/personality/flags list
"""

# POINTER, value, is it valid by the schema: what patterns and sizes say, and values that only husk looks at.
EXTRA = [
    *(("/process/scheduler/" + time, 9223372036854775807, True) for time in ("runtime", "deadline", "period")),
    ("/ociVersion", "1.0.0", True), ("/ociVersion", "2.0.0", True), ("/ociVersion", "x", True),
    ("/process/rlimits/0/type", "RLIMIT_CPU", True), ("/process/rlimits/0/type", "NOFILE", False),
    ("/process/rlimits/0/type", "RLIMIT_nofile", False), ("/process/rlimits/0/type", "RLIMIT_FOO", True),
    ("/process/rlimits/0/type", "RLIMIT_", False),
    ("/process/capabilities/bounding/0", "CAP_FOO", True),
    ("/process/execCPUAffinity/initial", "0-3, 7", True), ("/process/execCPUAffinity/initial", "a", False),
    ("/process/execCPUAffinity/final", "0;1", False), ("/process/execCPUAffinity/final", "-,", True),
    ("/process/cwd", "relative", True), ("/process/env/1", "novalue", True),
    ("/hooks/poststop/0/path", "relative", True),
    ("/mounts/0/destination", "relative", True), ("/mounts/0/destination", "/", True),
    ("/linux/devices/0/type", "cb", False), ("/linux/devices/0/fileMode", 33206, False),
    ("/linux/rootfsPropagation", "rslave", False),
    ("/linux/devices/0/path", "relative", True),
    ("/linux/resources/devices/1/type", "x", True), ("/linux/resources/devices/1/access", "x", True),
    ("/linux/resources/hugepageLimits/0/pageSize", "64KB", True),
    ("/linux/resources/hugepageLimits/0/pageSize", "1GB", True),
    ("/linux/resources/hugepageLimits/0/pageSize", "02MB", False),
    ("/linux/resources/hugepageLimits/0/pageSize", "2MiB", False),
    ("/linux/resources/hugepageLimits/0/pageSize", "2", False),
    ("/linux/resources/hugepageLimits/0/pageSize", "MB", False),
    ("/linux/resources/rdma/mlx5_0", {"hcaHandles": 1}, True),
    ("/linux/intelRdt/memBwSchema", "MB:", True), ("/linux/intelRdt/memBwSchema", "L3:0=f", False),
    ("/linux/intelRdt/memBwSchema", "MB:0=1\nL3:0=f", False),
    ("/linux/intelRdt/l3CacheSchema", "anything", True),
    ("/linux/intelRdt/closID", "../x", True),
    ("/linux/personality/flags", ["x"], True),
    ("/linux/memoryPolicy/nodes", "x", True),
    ("/linux/cgroupsPath", "../x", True),
    ("/linux/timeOffsets/realtime", {"secs": 1}, True),
    ("/linux/netDevices/dummy0", {}, True),
    ("/annotations/", "x", True),
]

ABSENT = object()

# What must change too so that the edit alone is judged: a pattern of the case's name, and more edits.
ALONG = {
    '/process/scheduler/policy = "SCHED_FIFO"': {"/process/scheduler/priority": 1},
    '/process/scheduler/policy = "SCHED_RR"': {"/process/scheduler/priority": 1},
    '/process/scheduler/policy = "SCHED_DEADLINE"': {
        "/process/scheduler/runtime": 1024, "/process/scheduler/deadline": 1025, "/process/scheduler/period": 1026},
    "/process/scheduler/[rdp]* = 9223372036854775807": {
        "/process/scheduler/policy": "SCHED_DEADLINE", "/process/scheduler/runtime": 1024,
        "/process/scheduler/deadline": 9223372036854775807},
    "/process/scheduler/* = 18446744073709551615": {
        "/process/scheduler/policy": "SCHED_DEADLINE", "/process/scheduler/runtime": 1024,
        "/process/scheduler/deadline": 9223372036854775807},
    "/linux absent*": {"/hostname": "", "/domainname": "", "/mounts": [], "/root/readonly": False},
    "/linux/namespaces [=a]*": {
        "/hostname": "", "/domainname": "", "/mounts": [], "/root/readonly": False, "/linux/maskedPaths": [],
        "/linux/readonlyPaths": [], "/linux/rootfsPropagation": ABSENT, "/linux/uidMappings": [],
        "/linux/gidMappings": [], "/linux/timeOffsets": {}, "/linux/sysctl": {}, "/linux/netDevices": {}},
    '/linux/namespaces/7/type = "time"': {"/linux/timeOffsets": {}},
    '/linux/memoryPolicy/mode = "MPOL_DEFAULT"': {"/linux/memoryPolicy": {}},
    '/linux/memoryPolicy/mode = "MPOL_LOCAL"': {"/linux/memoryPolicy": {}},
    "/linux/memoryPolicy/nodes [=a]*": {"/linux/memoryPolicy": {"mode": "MPOL_PREFERRED"}},
    "/linux/resources/memory/limit = 9223372036854775807": {"/linux/resources/memory/swap": 0},
    "/linux/resources/cpu/burst = 18446744073709551615": {"/linux/resources/cpu/quota": -1},
    '/linux/resources/devices/1/type [=a]*': {"/linux/resources/devices/1": {"allow": True, "access": "rwm"}},
    "/process/rlimits/0/soft = 18446744073709551615": {"/process/rlimits/0/hard": 18446744073709551615},
    "/process/rlimits/0/hard = 0": {"/process/rlimits/0/soft": 0},
    '/mounts/0/type [=a]*': {"/mounts/0": {"destination": "/mnt", "source": "/", "options": ["bind"]}},
    '/mounts/0/destination = "relative"': {"/mounts/0": {"type": "tmpfs"}},
    "/mounts/1/uidMappings [=a]*": {"/mounts/1/gidMappings": []},
    "/mounts/1/gidMappings [=a]*": {"/mounts/1/uidMappings": []},
    '/linux/seccomp/defaultAction = *': {"/linux/seccomp/defaultErrnoRet": ABSENT},
    '/linux/seccomp/syscalls/0/action = *': {"/linux/seccomp/syscalls/0/errnoRet": ABSENT},
    "/linux/seccomp/listenerPath [=a]*": {"/linux/seccomp/listenerMetadata": ""},
}
# The base has each type once: the entry of the word gives way.
for _i, _type in enumerate(("pid", "network", "ipc", "uts", "mount", "user", "time")):
    ALONG.setdefault('/linux/namespaces/7/type = "%s"' % _type, {})["/linux/namespaces/%d/type" % _i] = "cgroup"


def rows():
    for line in MEMBERS.split("\n"):
        if line:
            pointer, kind = line.split()
            yield pointer, kind.rstrip("!?"), kind[-1]


def wrong_types(kind):
    """A value of each type but the member's own."""
    own = {"bool": bool, "list": list, "object": dict, "map": dict}.get(kind, int if kind in INTEGERS else str)
    return [v for v in (True, 7, "7", [], {}) if type(v) is not own]


def integers(kind):
    low, high = INTEGERS[kind]
    if low is not None:
        yield low, True
        yield low - 1, False
    if high is not None:
        yield high, True
        yield high + 1, False
    yield 1.5, False


def edits(pointer, kind, need):
    """(name, value, is it valid by the schema)"""
    item = pointer.rsplit("/", 1)[1].isdigit()
    for value in wrong_types(kind):
        yield " is ", value, False
    if kind in INTEGERS:
        for value, valid in integers(kind):
            yield " = ", value, valid
    elif kind in WORDS:
        for word in WORDS[kind].split():
            yield " = ", word, True
        for word in ("nonsense", WORDS[kind].split()[0].swapcase(), ""):
            yield " = ", word, False
    elif kind == "bool":
        yield " = ", True, True
        yield " = ", False, True
    elif kind in ("list", "map"):
        yield " = ", [] if kind == "list" else {}, not pointer.endswith("/names")
    elif kind == "string":
        yield " = ", "", not pointer.endswith(("/rlimits/0/type", "/pageSize", "/memBwSchema"))
    if kind == "object":
        yield " has a member of no meaning", dict, True
    # As an optional member's value, null is a case of its own: see differences.py.
    yield " = " if item or need in "!?" else " absent as ", None, False
    if not item:
        yield " absent", ABSENT, need != "!"


def steps(pointer):
    return [int(p) if p.isdigit() else p for p in pointer.split("/")[1:]]


def put(config, pointer, value):
    at, keys = config, steps(pointer)
    for key in keys[:-1]:
        at = at[key]
    if value is ABSENT:
        at.pop(keys[-1], None)
    elif value is dict:
        at[keys[-1]]["nonsense"] = 1
    else:
        at[keys[-1]] = value


def case(name, pointer, value):
    config = base()
    for pattern, more in ALONG.items():
        if fnmatch.fnmatchcase(name, pattern):
            for place, new in more.items():
                put(config, place, new if new is ABSENT else copy.deepcopy(new))
    put(config, pointer, value)
    return config


def cases():
    """(name, pointer, configuration, is it valid by the schema)"""
    yield "as it is", "", base(), True
    for pointer, kind, need in rows():
        for how, value, valid in edits(pointer, kind, need):
            name = pointer + how + ("" if value is ABSENT or value is dict else json.dumps(value))
            yield name, pointer, case(name, pointer, value), valid
    for pointer, value, valid in EXTRA:
        name = "%s = %s" % (pointer, json.dumps(value))
        yield name, pointer, case(name, pointer, value), valid
