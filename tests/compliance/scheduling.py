"""scheduling.py - where and how processes run: scheduler, I/O priority, processors, memory policy, personality."""
import ctypes

from kit import *

POLICIES = dict(SCHED_OTHER=0, SCHED_FIFO=1, SCHED_RR=2, SCHED_BATCH=3, SCHED_IDLE=5, SCHED_DEADLINE=6)
SCHED_FLAGS = dict(RESET_ON_FORK=1, RECLAIM=2, DL_OVERRUN=4, KEEP_POLICY=8, KEEP_PARAMS=0x10, UTIL_CLAMP_MIN=0x20,
                   UTIL_CLAMP_MAX=0x40)
MODES = dict(DEFAULT=0, PREFERRED=1, BIND=2, INTERLEAVE=3, LOCAL=4, PREFERRED_MANY=5, WEIGHTED_INTERLEAVE=6)
MODE_FLAGS = dict(NUMA_BALANCING=1 << 13, RELATIVE_NODES=1 << 14, STATIC_NODES=1 << 15)
IO_CLASSES = dict(RT=1, BE=2, IDLE=3)
DEADLINE = dict(policy="SCHED_DEADLINE", runtime=10000000, deadline=20000000, period=30000000)
IOPRIO_GET = {"x86_64": 252, "aarch64": 31}.get(os.uname().machine)
PERSONALITY_NOW = 0xffffffff
libc = ctypes.CDLL(None, use_errno=True)


class Changed:
    """Something of this process is different for a while: what the runtime is started with."""

    def __init__(self, change, value, usual):
        self.change, self.value, self.usual = change, value, usual

    def __enter__(self):
        self.change(self.value)

    def __exit__(self, *exc):
        self.change(self.usual)


def scheduled(t, **scheduler):
    return look(t, spec(scheduler=scheduler))


def scheduler_refused(t, member, **scheduler):
    refused(t, spec(scheduler=scheduler), "/process/scheduler" + member)


# ---- scheduler: in the view of cgroup v2, since the cpu controller of v1 gives no real-time to new cgroups ----

@row("SCH-01", views=("v2",))
def policies(t):
    more = dict(SCHED_FIFO=dict(priority=1), SCHED_RR=dict(priority=99), SCHED_DEADLINE=DEADLINE)
    for name, number in POLICIES.items():
        seen = scheduled(t, **dict(more.get(name, {}), policy=name))
        t.eq(seen["sched.policy"], str(number), name)
    scheduler_refused(t, "/policy", policy="SCHED_NORMAL")
    scheduler_refused(t, "/policy", nice=1)
    scheduler_refused(t, "/policy", policy="SCHED_ISO")         # a name that no kernel has a policy for


@row("SCH-02")
def nice(t):
    for value in (-20, 19):
        t.eq(scheduled(t, policy="SCHED_OTHER", nice=value)["sched.nice"], str(value))
    t.eq(scheduled(t, policy="SCHED_BATCH", nice=7)["sched.nice"], "7")
    with Changed(lambda n: os.setpriority(os.PRIO_PROCESS, 0, n), 5, os.getpriority(os.PRIO_PROCESS, 0)):
        t.eq(look(t)["sched.nice"], "5")
        t.eq(scheduled(t, policy="SCHED_OTHER")["sched.nice"], "0")
    for value in (-21, 20):
        scheduler_refused(t, "/nice", policy="SCHED_OTHER", nice=value)


@row("SCH-03", views=("v2",))
def priority(t):
    for name in ("SCHED_FIFO", "SCHED_RR"):
        for value in (1, 99):
            seen = scheduled(t, policy=name, priority=value)
            t.eq((seen["sched.policy"], seen["sched.priority"]), (str(POLICIES[name]), str(value)))
        for value in (0, 100):
            scheduler_refused(t, "/priority", policy=name, priority=value)
    t.eq(scheduled(t, policy="SCHED_OTHER", priority=0)["sched.priority"], "0")
    for name in ("SCHED_OTHER", "SCHED_BATCH", "SCHED_IDLE"):
        scheduler_refused(t, "/priority", policy=name, priority=1)


@row("SCH-04")
def scheduler_flags(t):
    t.has(scheduled(t, policy="SCHED_OTHER", flags=["SCHED_FLAG_RESET_ON_FORK"])["sched.attr"], "flags=0x1 ")
    t.has(scheduled(t, policy="SCHED_OTHER")["sched.attr"], "flags=0 ")
    if is_husk():
        for name in SCHED_FLAGS:
            op = plan(t, spec(scheduler=dict(policy="SCHED_OTHER", flags=["SCHED_FLAG_" + name]))).one("sched")
            t.eq(op["flags"], [name.lower()])
        every = ["SCHED_FLAG_" + name for name in SCHED_FLAGS]
        op = plan(t, spec(scheduler=dict(policy="SCHED_OTHER", flags=every))).one("sched")
        t.eq(sorted(op["flags"]), sorted(n.lower() for n in SCHED_FLAGS))
    scheduler_refused(t, "/flags/1", policy="SCHED_OTHER", flags=["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_SUGOV"])


@row("SCH-05", views=("v2",))
def deadline(t):
    t.has(scheduled(t, **DEADLINE)["sched.attr"], "runtime=10000000 deadline=20000000 period=30000000")
    seen = scheduled(t, policy="SCHED_DEADLINE", runtime=1024000, deadline=20000000)
    t.has(seen["sched.attr"], "runtime=1024000 deadline=20000000 period=20000000")
    for wrong in (dict(runtime=0), dict(deadline=0), dict(runtime=1023), dict(runtime=20000001),
                  dict(deadline=30000001), dict(runtime=1 << 63, deadline=1 << 63, period=0)):
        scheduler_refused(t, "", **dict(DEADLINE, **wrong))
    for name in ("runtime", "deadline", "period"):
        scheduler_refused(t, "", policy="SCHED_OTHER", **{name: 10000000})


# ---- ioPriority ----

def io_priority(t, **priority):
    return look(t, spec(ioPriority=priority))["sched.ioprio"]


@row("IOP-01")
def io_classes(t):
    for name, number in IO_CLASSES.items():
        t.eq(io_priority(t, **{"class": "IOPRIO_CLASS_" + name, "priority": 3}).split(":")[0], str(number))
    for wrong in ({"class": "IOPRIO_CLASS_NONE", "priority": 0}, {"priority": 0}):
        refused(t, spec(ioPriority=wrong), "/process/ioPriority/class")


@row("IOP-02")
def io_levels(t):
    for level in (0, 7):
        t.eq(io_priority(t, **{"class": "IOPRIO_CLASS_BE", "priority": level}), "2:%d" % level)
    t.eq(io_priority(t, **{"class": "IOPRIO_CLASS_IDLE"}), "3:0")       # its level has no meaning
    for wrong in (-1, 8):
        refused(t, spec(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": wrong}), "/process/ioPriority/priority")
    refused(t, spec(ioPriority={"class": "IOPRIO_CLASS_BE"}), "/process/ioPriority/priority")


@row("IOP-03")
def io_priority_of_the_group(t):
    """ioprio_get(2) of a group is the best of its members; from here on each shall have it."""
    if IOPRIO_GET is None:
        untestable("the number of ioprio_get(2) on this machine is not known to the test")
    config = spec("sleep", "100", ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    with t.container(config, start=True) as c:
        group = os.getpgid(c.pid)
        t.eq(group, c.pid)
        t.eq((libc.syscall(IOPRIO_GET, 2, group), libc.syscall(IOPRIO_GET, 1, c.pid)), (2 << 13 | 6, 2 << 13 | 6))
        t.eq(libc.syscall(IOPRIO_GET, 1, 0) == 2 << 13 | 6, False, "the caller has it, too")


# ---- execCPUAffinity ----

def list_of(cpus):
    """{0, 1, 3} as the kernel writes it: "0-1,3"."""
    out = []
    for cpu in sorted(cpus):
        if out and out[-1][1] == cpu - 1:
            out[-1][1] = cpu
        else:
            out.append([cpu, cpu])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in out)


def processors():
    """This process's, and two lists that differ from it and from each other."""
    all_cpus = sorted(os.sched_getaffinity(0))
    if len(all_cpus) < 2:
        untestable("needs two processors")
    return list_of(all_cpus), str(all_cpus[0]), str(all_cpus[-1])


def allowed(t, c, *process):
    """The processors of an exec'd process: the container's own way, or --process FILE."""
    r = t.rt("exec", *process, c.id, *([] if process else ["grep", "Cpus_allowed_list", "/proc/self/status"]))
    t.eq(r.rc, 0, r)
    return status(r.out)["Cpus_allowed_list"]


def running(t, **affinity):
    return t.container(spec("sleep", "100", **({"execCPUAffinity": affinity} if affinity else {})), start=True)


def planned_exec(t, host, **affinity):
    return plan(t, spec("x", execCPUAffinity=affinity), host, "--action", "exec").ops


def order(ops):
    """What of it matters here: which cpus when, and how the cgroups are entered."""
    out = []
    for op in ops:
        if op["do"] == "affinity":
            out.append(tuple(op["cpus"]))
        elif op["do"] == "spawn":
            out.append("into the cgroup" if "cgroup" in op else "spawn")
        elif op["do"] == "write" and op["path"].startswith("@join"):
            out.append("join")
    return [o for i, o in enumerate(out) if i == 0 or o != "join" or out[i - 1] != "join"]


@row("AFF-01")
def init_keeps_its_processors(t):
    mine, first, last = processors()
    with running(t, initial=first, final=last) as c:
        t.eq(status(read("/proc/%d/status" % c.pid))["Cpus_allowed_list"], mine)
        t.eq(allowed(t, c), last)


@row("AFF-02")
def affinity_before_the_cgroup(t):
    mine, first, last = processors()
    with running(t, initial=first) as c:
        t.eq(allowed(t, c), first)
    with running(t, initial=last) as c:
        t.eq(allowed(t, c), last)
    if is_husk():
        for host in ("v2", "hybrid", "old-4.9"):
            t.eq(order(planned_exec(t, host, initial="0", final="1")), ["spawn", (0,), "join", (1,)], host)


@row("AFF-03")
def affinity_after_the_cgroup(t):
    mine, first, last = processors()
    with running(t, initial=first, final=last) as c:
        t.eq(allowed(t, c), last)
    with running(t, final=first) as c:
        t.eq(allowed(t, c), first)
    if is_husk():
        t.eq(order(planned_exec(t, "v2", final="1")), ["into the cgroup", (1,)])
        t.eq(order(planned_exec(t, "v1", final="1")), ["spawn", "join", (1,)])


@row("AFF-04")
def affinity_without_final(t):
    mine, first, last = processors()
    with running(t, initial=first) as c:
        t.eq(allowed(t, c), first)
    with running(t) as c:
        t.eq(allowed(t, c), mine)


@row("AFF-05")
def affinity_lists(t):
    mine, first, last = processors()
    for text in (mine, " %s , %s " % (first, last), "%s,%s,%s" % (last, first, last), "%s - %s" % (first, last)):
        with running(t, initial=first, final=text) as c:
            got = allowed(t, c)
            t.ok(got in (mine, list_of({int(first), int(last)})), "%r became %s" % (text, got))
    if is_husk():
        for text, cpus in (("0-3,7", (0, 1, 2, 3, 7)), (" 9 , 2 - 3,3", (2, 3, 9))):
            t.eq(order(planned_exec(t, "v2", final=text)), ["into the cgroup", cpus])
    for wrong in ("a", "1-0", "0,,1", "-1", " ", "0,", "0x1", "99999999999"):
        for member in ("initial", "final"):
            refused(t, spec("true", execCPUAffinity={member: wrong}), "/process/execCPUAffinity/" + member)


@row("AFF-06")
def affinity_of_the_command(t):
    mine, first, last = processors()
    process = spec("grep", "Cpus_allowed_list", "/proc/self/status")["process"]
    path = t.path("process.json")
    with running(t, final=first) as c:
        write(path, json.dumps(process))
        t.eq(allowed(t, c, "--process", path), first)
        write(path, json.dumps(dict(process, execCPUAffinity={"initial": last})))
        t.eq(allowed(t, c, "--process", path), last)
        write(path, json.dumps(dict(process, execCPUAffinity={"initial": "1-0"})))
        t.fails(t.rt("exec", "--process", path, c.id), *(["/execCPUAffinity/initial"] if is_husk() else []), rc=255)


# ---- memoryPolicy ----

def with_policy(**policy):
    config = spec()
    config["linux"]["memoryPolicy"] = policy
    return config


def policy_refused(t, member, **policy):
    refused(t, with_policy(**policy), "/linux/memoryPolicy" + member)


def policy_of(t, mode, *flags, nodes=None):
    """(mode and flags, mask of nodes) in the container."""
    policy = dict(mode="MPOL_" + mode, flags=["MPOL_F_" + f for f in flags])
    if nodes is not None:
        policy["nodes"] = nodes
    seen = look(t, with_policy(**policy))
    if "mempolicy" not in seen:
        untestable("this kernel has no NUMA")
    mode, mask = seen["mempolicy"].split()
    return int(mode), int(mask, 16)


@row("MPL-01")
def memory_modes(t):
    for name, number in MODES.items():
        got = policy_of(t, name, nodes=None if name in ("DEFAULT", "LOCAL") else "0")
        t.eq(got[0], number, name)
    for wrong in ({}, {"nodes": "0"}, {"mode": "BIND", "nodes": "0"}, {"mode": "MPOL_MAX"}):
        policy_refused(t, "/mode", **wrong)


@row("MPL-02")
def memory_nodes(t):
    t.eq(policy_of(t, "BIND", nodes="0"), (2, 1))
    t.eq(policy_of(t, "INTERLEAVE", nodes=" 0 - 0,0"), (3, 1))
    if is_husk():
        op = plan(t, with_policy(mode="MPOL_BIND", nodes="0-1, 70")).one("mempolicy")
        t.eq(op["nodes"], [0, 1, 70])
    for wrong in ("bad", "1-0", "10284838"):
        policy_refused(t, "/nodes", mode="MPOL_BIND", nodes=wrong)
    policy_refused(t, "", mode="MPOL_BIND", nodes="1023")       # no machine here has it: the kernel says so


@row("MPL-03")
def modes_and_nodes(t):
    for name in ("DEFAULT", "LOCAL"):
        t.eq(policy_of(t, name), (MODES[name], 0))
        policy_refused(t, "/nodes", mode="MPOL_" + name, nodes="0")
    for name in ("BIND", "INTERLEAVE", "PREFERRED_MANY", "WEIGHTED_INTERLEAVE"):
        policy_refused(t, "/nodes", mode="MPOL_" + name)
    t.ok(policy_of(t, "PREFERRED")[0] in (MODES["PREFERRED"], MODES["LOCAL"]))       # without nodes: the local one


@row("MPL-04")
def memory_flags(t):
    for name, bit in MODE_FLAGS.items():
        t.eq(policy_of(t, "BIND", name, nodes="0")[0], 2 | bit, name)
    t.eq(policy_of(t, "BIND", "NUMA_BALANCING", "RELATIVE_NODES", nodes="0")[0], 2 | 1 << 13 | 1 << 14)
    policy_refused(t, "/flags", mode="MPOL_BIND", nodes="0", flags=["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"])
    policy_refused(t, "/flags/0", mode="MPOL_BIND", nodes="0", flags=["MPOL_F_MOVE"])
    policy_refused(t, "/flags", mode="MPOL_PREFERRED", nodes="0", flags=["MPOL_F_NUMA_BALANCING"])


@row("MPL-05")
def no_numa(t):
    with open(os.path.join(HOSTS, "v2.json"), encoding="utf-8") as f:
        host = json.load(f)
    del host["features"]["numa"]
    write(t.path("no-numa.json"), json.dumps(host))
    no_plan(t, with_policy(mode="MPOL_DEFAULT"), "/linux/memoryPolicy", "NUMA", host=t.path("no-numa"))


# ---- personality ----

def with_personality(**personality):
    config = spec()
    config["linux"]["personality"] = personality
    return config


def machine_of(config_seen):
    return config_seen["personality"], config_seen["uts.machine"]


@row("PER-01")
def personality(t):
    machine = os.uname().machine
    t.eq(machine_of(look(t, with_personality(domain="LINUX"))), ("0", machine))
    number, shown = machine_of(look(t, with_personality(domain="LINUX32")))
    t.eq((number, shown != machine or machine != "x86_64"), ("0x8", True), shown)
    with Changed(libc.personality, 8, libc.personality(PERSONALITY_NOW)):
        t.eq(look(t, with_personality(domain="LINUX"))["personality"], "0")
    config = with_personality(domain="LINUX32")
    config["process"]["args"] = ["sleep", "100"]
    with t.container(config, start=True) as c:
        r = c.exec("uname", "-m")
        t.eq((r.rc, r.out), (0, shown + "\n"), r)
    for wrong in ("linux", "BSD"):
        refused(t, with_personality(domain=wrong), "/linux/personality/domain")


@row("PER-02")
def personality_flags(t):
    t.eq(look(t, with_personality(domain="LINUX32", flags=[]))["personality"], "0x8")
    refused(t, with_personality(domain="LINUX32", flags=["ADDR_NO_RANDOMIZE"]), "/linux/personality/flags/0")


@row("PER-03")
def personality_before_the_filter(t):
    for privileges in (True, False):
        config = with_personality(domain="LINUX32")
        config["process"]["noNewPrivileges"] = privileges
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                      "syscalls": [{"names": ["personality", "set_mempolicy", "sched_setattr"],
                                                    "action": "SCMP_ACT_KILL_PROCESS"}]}
        r = shell(t, "uname -m", config)
        t.ok(r.rc == 0 and r.out not in ("", os.uname().machine + "\n"), r)
