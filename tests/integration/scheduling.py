#!/usr/bin/python3
"""scheduling.py - scheduler, I/O priority, memory policy, personality and processors: exec'd processes have the container's,
they are where they belong whatever they do first, and what the kernel refuses is an error at its place.

What a container's own process has is asked row by row in tests/compliance/scheduling.py.
"""
import ctypes
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

IOPRIO_GET = {"x86_64": 252, "aarch64": 31}.get(os.uname().machine)
libc = ctypes.CDLL(None, use_errno=True)


def with_all(*args, **process):
    config = spec(*args, scheduler={"policy": "SCHED_BATCH", "nice": 3},
                  ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6}, **process)
    config["linux"]["memoryPolicy"] = {"mode": "MPOL_INTERLEAVE", "nodes": "0"}
    config["linux"]["personality"] = {"domain": "LINUX32"}
    return config


def how_it_runs(pid):
    """What the host sees of a process."""
    numa = read("/proc/%d/numa_maps" % pid).split("\n")[0].split()[1:2] if os.path.exists("/proc/self/numa_maps") else None
    return {"policy": os.sched_getscheduler(pid), "nice": os.getpriority(os.PRIO_PROCESS, pid),
            "ioprio": libc.syscall(IOPRIO_GET, 1, pid) if IOPRIO_GET else None,
            "personality": int(read("/proc/%d/personality" % pid), 16), "memory": numa,
            "cpus": os.sched_getaffinity(pid)}


def executed(t, c, look, process=None):
    """What look(pid) tells of a detached `sleep`, made by the container's own process object or by this one."""
    path = t.path("pid")
    what = ["--process", write(t.path("process.json"), json.dumps(process)), c.id] if process else [c.id, "sleep", "99"]
    r = t.rt("exec", "--detach", "--pid-file", path, *what)
    t.eq(r.rc, 0, r)
    pid = int(read(path))
    try:
        return look(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)          # the pid namespace cannot end before its parent has reaped it


@test
def exec_runs_as_the_container_does(t):
    with t.container(with_all("sleep", "100"), start=True) as c:
        seen = how_it_runs(c.pid)
        t.eq((seen["policy"], seen["nice"], seen["personality"]), (3, 3, 8))
        if IOPRIO_GET:
            t.eq(seen["ioprio"], 2 << 13 | 6)
        if seen["memory"] is not None:
            t.eq(seen["memory"], ["interleave:0"])
        t.eq(executed(t, c, how_it_runs), seen)


@test(need=["husk"])
def a_process_of_a_file_has_what_it_leaves_out(t):
    """And its own where it says something: the reference's rule."""
    process = spec("sleep", "99")["process"]
    with t.container(with_all("sleep", "100"), start=True) as c:
        seen = how_it_runs(c.pid)
        t.eq(executed(t, c, how_it_runs, process), seen)
        process["scheduler"] = {"policy": "SCHED_OTHER", "nice": 9}
        process["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE"}
        other = executed(t, c, how_it_runs, process)
        t.eq((other["policy"], other["nice"]), (0, 9))
        if IOPRIO_GET:
            t.eq(other["ioprio"] >> 13, 3)
        t.eq((other["memory"], other["personality"]), (seen["memory"], seen["personality"]))


@test(need=["husk"])
def processors_first_and_then_the_cgroup(t):
    """exec with `initial` joins its cgroups later than without: it has to be in all of them nevertheless."""
    cpu = str(min(os.sched_getaffinity(0)))
    with t.container(spec("sleep", "100"), start=True) as c:
        own = read("/proc/%d/cgroup" % c.pid)
        for affinity in ({}, {"initial": cpu}, {"final": cpu}, {"initial": cpu, "final": cpu}):
            process = dict(spec("sleep", "99")["process"], execCPUAffinity=affinity)
            cgroup, cpus = executed(t, c, lambda pid: (read("/proc/%d/cgroup" % pid), os.sched_getaffinity(pid)), process)
            t.eq(cgroup, own, affinity)
            t.eq(cpus, {int(cpu)} if affinity else os.sched_getaffinity(0))


@test(need=["husk"])
def what_the_kernel_refuses(t):
    """With the place, and nothing is left (the harness looks)."""
    config = spec("true")
    config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "1022-1023"}
    t.fails(t.new(config).create(), "/linux/memoryPolicy", "EINVAL")
    absent = str(os.cpu_count() + 500)
    with t.container(spec("sleep", "100", execCPUAffinity={"final": absent}), start=True) as c:
        t.fails(c.exec("true"), "/process/execCPUAffinity/final", "EINVAL", rc=255)


@test(need=["husk", "userns"])
def real_time_is_not_for_user_namespaces(t):
    config = userns_spec("true", scheduler={"policy": "SCHED_FIFO", "priority": 1})
    t.fails(t.new(config).create(), "/process/scheduler", "EPERM")
    r = t.run(userns_spec("true", scheduler={"policy": "SCHED_BATCH", "nice": 5}))
    t.eq(r.rc, 0, r)


main(VIEWS)
