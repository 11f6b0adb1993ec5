#!/usr/bin/python3
"""update.py - new limits for a container: options, files, what depends on older values, and all or nothing."""
import json
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

MIB = 1 << 20


def setting(c, controller, v1_file, v2_file=""):
    """The container's value of a setting, as the kernel shows it."""
    directory = controller_dir(c.pid, controller)
    return read(os.path.join(directory, v1_file if controller in v1_controllers() else v2_file)).strip()


def sleeper(**resources):
    config = spec("sleep", "1000")
    config["linux"]["resources"].update(resources)
    return config


def updated(t, c, *options, **keywords):
    r = t.rt("update", *options, c.id, **keywords)
    t.eq((r.rc, r.out), (0, ""), r)


@test(need=["cgroup:pids"])
def pids_limit(t):
    with t.container(sleeper(pids={"limit": 50})) as c:
        updated(t, c, "--pids-limit", "20")
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "20")
        updated(t, c, "--pids-limit=-1")
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "max")
        updated(t, c, "--pids-limit", "0")           # no further process
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "1")
        r = c.exec("true")
        t.ok(r.rc != 0, r)


@test(need=["cgroup:pids"])
def states(t):
    with t.container(sleeper()) as c:
        updated(t, c, "--pids-limit", "30")
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "30")
        c.start()
        t.eq(t.rt("pause", c.id).rc, 0)
        updated(t, c, "--pids-limit", "31")
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "31")
        t.eq(t.rt("resume", c.id).rc, 0)
        c.kill("KILL")
        c.wait()
        t.fails(t.rt("update", "--pids-limit", "32", c.id), "container not running")
    t.fails(t.rt("update", "--pids-limit", "5", t.id()), "does not exist")


@test(need=["cgroup:memory"])
def memory(t):
    files = "memory.limit_in_bytes", "memory.max"
    with t.container(sleeper(memory={"limit": 200 * MIB})) as c:
        for text, want in (("104857600", 100 * MIB), ("50M", 50 * MIB), ("60m", 60 * MIB), ("0.25g", 256 * MIB),
                           ("70MiB", 70 * MIB), ("81920kb", 80 * MIB)):
            updated(t, c, "--memory", text)
            t.eq(setting(c, "memory", *files), str(want), text)
        updated(t, c, "--memory-reservation", "20M")
        t.eq(setting(c, "memory", "memory.soft_limit_in_bytes", "memory.low"), str(20 * MIB))
        t.eq(setting(c, "memory", *files), str(80 * MIB), "a limit that was not named")
        updated(t, c, "--memory", "-1")
        t.ok(setting(c, "memory", *files) in ("max", "9223372036854771712"))


@test(need=["v1:memory", "file:/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"])
def memory_and_swap(t):
    def values(c):
        return [int(setting(c, "memory", "memory.%slimit_in_bytes" % part)) // MIB for part in ("", "memsw.")]
    with t.container(sleeper(memory={"limit": 100 * MIB, "swap": 200 * MIB})) as c:
        updated(t, c, "--memory-swap", "300M")       # the limit that it goes with is known
        t.eq(values(c), [100, 300])
        updated(t, c, "--memory", "400M", "--memory-swap", "500M")
        t.eq(values(c), [400, 500])
        updated(t, c, "--memory", "50M", "--memory-swap", "60M")
        t.eq(values(c), [50, 60])
        t.fails(t.rt("update", "--memory-swap", "40M", c.id), "below the limit for memory")
        r = t.rt("update", "--memory", "70M", c.id)  # would exceed both together
        t.fails(r, "/linux/resources/memory/limit", "EINVAL")
        t.eq(values(c), [50, 60])


@test(need=["cgroup:memory"])
def memory_in_use(t):
    """checkBeforeUpdate refuses a limit below what is used; without it the kernel may take or kill."""
    script = "dd if=/dev/zero of=/tmp/a bs=1M count=20 2>/dev/null; echo full; exec sleep 1000"
    config = sleeper(memory={"limit": 200 * MIB})
    config["process"]["args"] = ["sh", "-c", script]
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    with t.container(config, start=True) as c:
        t.until(lambda: "full" in c.out, "20 MiB of files in memory")
        text = json.dumps({"memory": {"limit": 8 * MIB, "checkBeforeUpdate": True}})
        r = t.rt("update", "--resources", "-", c.id, input=text)
        t.fails(r, "standard input:1:", "/memory/limit", "more than the new limit of 8388608")
        t.eq(setting(c, "memory", "memory.limit_in_bytes", "memory.max"), str(200 * MIB))
        text = json.dumps({"memory": {"limit": 100 * MIB, "checkBeforeUpdate": True}})
        updated(t, c, "--resources", "-", input=text)
        t.eq(setting(c, "memory", "memory.limit_in_bytes", "memory.max"), str(100 * MIB))


@test(need=["cgroup:cpu"])
def cpu(t):
    def cfs(c):
        if "cpu" in v1_controllers():
            return [setting(c, "cpu", "cpu.cfs_%s_us" % part) for part in ("quota", "period")]
        return setting(c, "cpu", "", "cpu.max").replace("max", "-1").split()
    with t.container(sleeper(cpu={"quota": 40000, "period": 80000})) as c:
        updated(t, c, "--cpu-quota", "30000")
        t.eq(cfs(c), ["30000", "80000"], "the period stays")
        updated(t, c, "--cpu-period", "60000")
        t.eq(cfs(c), ["30000", "60000"], "the quota stays")
        updated(t, c, "--cpu-quota", "-1")
        t.eq(cfs(c), ["-1", "60000"])
        for option in ("--cpu-share", "--cpu-shares"):
            updated(t, c, option, "2048")
        t.eq(setting(c, "cpu", "cpu.shares", "cpu.weight"), "2048" if "cpu" in v1_controllers() else "170")
        if os.path.exists(os.path.join(controller_dir(c.pid, "cpu"), "cpu.idle")):
            updated(t, c, "--cpu-idle", "1")
            t.eq(setting(c, "cpu", "cpu.idle", "cpu.idle"), "1")


@test(need=["cgroup:cpuset"])
def cpuset(t):
    with t.container(sleeper()) as c:
        updated(t, c, "--cpuset-cpus", "0", "--cpuset-mems", "0")
        t.eq(setting(c, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0")
        t.eq(setting(c, "cpuset", "cpuset.mems", "cpuset.mems"), "0")
        t.has(read("/proc/%d/status" % c.pid), "Cpus_allowed_list:\t0\n")


@test(need=["cgroup:pids", "cgroup:memory"])
def resources_from_a_file(t):
    path = t.path("resources.json")
    with t.container(sleeper(memory={"limit": 90 * MIB})) as c:
        write(path, json.dumps({"memory": {"limit": 64 * MIB}, "pids": {"limit": 12}}))
        updated(t, c, "-r", path, "--pids-limit", "99")      # options do not count then
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "12")
        t.eq(setting(c, "memory", "memory.limit_in_bytes", "memory.max"), str(64 * MIB))
        write(path, '{"pids": {"limit": 13},\n "memory": {"limit": "much"}}')
        t.fails(t.rt("update", "--resources", path, c.id), "resources.json:2:22: /memory/limit")
        write(path, '{"pids": {"limit": 13},\n "cpu": {"cpus": "4000"}}')
        r = t.rt("update", "--resources", path, c.id)
        t.fails(r, "resources.json:2:")
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "12", "all or nothing")
        t.fails(t.rt("update", "--resources", "/no/such/file", c.id), "/no/such/file")
        updated(t, c)                                        # nothing to do


@test(need=["v1:pids", "v1:cpu", "v1:cpuset"])
def a_failure_takes_back_what_was_written(t):
    """The impossible value comes last: what was written before it is as it was."""
    config = sleeper(cpu={"shares": 512, "quota": 20000, "period": 40000}, pids={"limit": 40})
    with t.container(config) as c:
        before = [setting(c, "cpu", f) for f in ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us")]
        r = t.rt("update", "--cpu-share", "1000", "--cpu-quota", "50000", "--cpu-period", "50000",
                 "--pids-limit", "7", "--cpuset-mems", "4000", c.id)
        t.fails(r, "/linux/resources/cpu/mems", "cpuset.mems")
        t.eq([setting(c, "cpu", f) for f in ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us")], before)
        t.eq(setting(c, "pids", "pids.max"), "40")


@test(need=["v1:blkio"])
def a_new_line_of_a_list_is_taken_back(t):
    disk = [b for b in os.listdir("/sys/block") if os.path.exists("/sys/block/%s/device" % b)]
    if not disk:
        t.skip("no disk")
    major, minor = map(int, read("/sys/block/%s/dev" % disk[0]).split(":"))
    rate = {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1 << 20}]}
    with t.container(sleeper()) as c:
        wrong = dict(blockIO=dict(rate, throttleWriteBpsDevice=[{"major": 4000, "minor": 0, "rate": 1}]))
        r = t.rt("update", "--resources", "-", c.id, input=json.dumps(wrong))
        t.fails(r, "/blockIO/throttleWriteBpsDevice/0")
        t.eq(setting(c, "blkio", "blkio.throttle.read_bps_device"), "")
        updated(t, c, "--resources", "-", input=json.dumps({"blockIO": rate}))
        t.eq(setting(c, "blkio", "blkio.throttle.read_bps_device"), "%d:%d %d" % (major, minor, 1 << 20))


@test(need=["cgroup:hugetlb", "file:/sys/kernel/mm/hugepages/hugepages-2048kB"])
def huge_pages(t):
    with t.container(sleeper()) as c:
        text = json.dumps({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]})
        updated(t, c, "--resources", "-", input=text)
        t.eq(setting(c, "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"), str(4 * MIB))


@test(need=["v2:"])
def unified(t):
    with t.container(sleeper()) as c:
        updated(t, c, "--resources", "-", input='{"unified": {"cgroup.max.depth": "5"}}')
        t.eq(read(os.path.join(cgroup_of(c.pid)[""], "cgroup.max.depth")).strip(), "5")
        r = t.rt("update", "--resources", "-", c.id, input='{"unified": {"no-such.thing": "5"}}')
        t.fails(r, "/unified/no-such.thing", "no-such controller")


@test(need=["no-cgroup:memory"])
def what_the_host_cannot(t):
    with t.container(sleeper()) as c:
        r = t.rt("update", "--memory", "100M", c.id)
        t.fails(r, "/linux/resources/memory/limit", "cannot set memory limit", "no memory controller")


@test
def schemas_need_a_group_in_resctrl(t):
    with t.container(sleeper()) as c:
        for option in ("--l3-cache-schema", "--mem-bw-schema"):
            t.fails(t.rt("update", option, "L3:0=f", c.id), "/linux/intelRdt", "created without intelRdt")


@test
def wrong_options(t):
    with t.container(sleeper()) as c:
        for option, value in (("--memory", "lots"), ("--memory", "5x"), ("--memory", "-2"), ("--memory", "5Mx"),
                              ("--cpu-quota", "5k"), ("--cpu-period", "-1"), ("--blkio-weight", "1001"),
                              ("--pids-limit", "1.5"), ("--memory", "99999999999999999999")):
            t.fails(t.rt("update", option, value, c.id), value, "for " + option)
        t.fails(t.rt("update", "--cpu-share", "1", c.id), "cpu")
    t.eq(t.rt("update", "--memory", "5M").rc, 1)


main(VIEWS)
