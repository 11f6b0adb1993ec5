#!/usr/bin/python3
"""limits.py - resource limits and device rules are in force; where the host cannot, the error says what."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

MIB = 1 << 20


def limited(*args, **resources):
    config = spec(*(args or ("sleep", "1000")))
    config["linux"]["resources"].update(resources)
    return config


def setting(c, controller, v1_file, v2_file):
    """The container's value of a setting, as the kernel shows it."""
    directory = controller_dir(c.pid, controller)
    is_v1 = controller in v1_controllers()
    return read(os.path.join(directory, v1_file if is_v1 else v2_file)).strip()


# memory, pids, cpu: the files, then the effect

@test(need=["cgroup:pids"])
def pids_limit(t):
    with t.container(limited(pids={"limit": 7})) as c:
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "7")
    with t.container(limited(pids={"limit": -1})) as c:
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "max")


@test(need=["cgroup:pids"])
def pids_limit_refuses_a_fork(t):
    script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done; wait; echo all"
    r = t.run(limited("sh", "-c", script, pids={"limit": 5}))
    t.ok(r.rc != 0 and "all" not in r.out, r)
    t.has(r.err, "can't fork")
    r = t.run(limited("sh", "-c", script.replace("sleep 2", "true"), pids={"limit": 50}))
    t.eq((r.rc, r.out), (0, "all\n"), r)


@test(need=["cgroup:memory"])
def memory_limit(t):
    config = limited(memory={"limit": 48 * MIB, "reservation": 24 * MIB})
    with t.container(config) as c:
        t.eq(setting(c, "memory", "memory.limit_in_bytes", "memory.max"), str(48 * MIB))
        t.eq(setting(c, "memory", "memory.soft_limit_in_bytes", "memory.low"), str(24 * MIB))
    with t.container(limited(memory={"limit": -1})) as c:
        t.ok(setting(c, "memory", "memory.limit_in_bytes", "memory.max") in ("max", "9223372036854771712"))


@test(need=["cgroup:memory"])
def memory_limit_kills_a_glutton(t):
    script = "dd if=/dev/zero of=/dev/null bs=%s count=1 2>/dev/null; echo $?"
    t.eq(t.run(limited("sh", "-c", script % "4M", memory={"limit": 48 * MIB})).out, "0\n")
    t.eq(t.run(limited("sh", "-c", script % "200M", memory={"limit": 48 * MIB})).out, "137\n")


@test(need=["v1:memory"])
def memory_settings_of_v1(t):
    with t.container(limited(memory={"limit": 64 * MIB, "swappiness": 0})) as c:
        t.eq(setting(c, "memory", "memory.swappiness", ""), "0")
    with t.container(limited(memory={"limit": 64 * MIB, "disableOOMKiller": True})) as c:
        t.has(setting(c, "memory", "memory.oom_control", ""), "oom_kill_disable 1")
    directory = v1_controllers()["memory"]
    if not os.path.exists(directory + "/memory.memsw.limit_in_bytes"):
        t.skip("no swap accounting")
    with t.container(limited(memory={"limit": 64 * MIB, "swap": 96 * MIB})) as c:
        t.eq(setting(c, "memory", "memory.memsw.limit_in_bytes", ""), str(96 * MIB))


@test(need=["cgroup:cpu"])
def cpu_quota_and_weight(t):
    with t.container(limited(cpu={"shares": 2048, "quota": 25000, "period": 50000})) as c:
        if "cpu" in v1_controllers():
            t.eq(setting(c, "cpu", "cpu.shares", ""), "2048")
            t.eq(setting(c, "cpu", "cpu.cfs_quota_us", ""), "25000")
            t.eq(setting(c, "cpu", "cpu.cfs_period_us", ""), "50000")
        else:
            t.eq(setting(c, "cpu", "", "cpu.max"), "25000 50000")
            t.ok(setting(c, "cpu", "", "cpu.weight") in ("79", "170"), "weight of 2048 shares")


@test(need=["cgroup:cpu"])
def cpu_quota_slows_down(t):
    """A tenth of a cpu: half a second of work takes several."""
    work = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; cat /proc/uptime"
    free = t.sh(work)
    t.eq(free.rc, 0, free)
    slow = t.run(limited("sh", "-c", work, cpu={"quota": 5000, "period": 50000}), timeout=60)
    t.eq(slow.rc, 0, slow)
    t.ok(slow.seconds > 2 * free.seconds, "%.2f s with a tenth of a cpu, %.2f s without" % (slow.seconds,
                                                                                            free.seconds))


@test(need=["cgroup:cpuset"])
def cpuset(t):
    config = limited("grep", "Cpus_allowed_list", "/proc/self/status", cpu={"cpus": "0"})
    r = t.run(config)
    t.eq(r.out.split(), ["Cpus_allowed_list:", "0"], r)
    with t.container(limited(cpu={"cpus": "0", "mems": "0"})) as c:
        t.eq(setting(c, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0")
        t.eq(setting(c, "cpuset", "cpuset.mems", "cpuset.mems"), "0")


@test(need=["husk", "v2:hugetlb"])
def hugetlb_and_unified_on_v2(t):
    with t.container(limited(hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])) as c:
        t.eq(read(cgroup_of(c.pid)[""] + "/hugetlb.2MB.max").strip(), str(4 * MIB))
    t.need("view:v2")
    with t.container(limited(unified={"hugetlb.2MB.max": "2097152", "cgroup.max.depth": "3"})) as c:
        t.eq(read(cgroup_of(c.pid)[""] + "/hugetlb.2MB.max").strip(), "2097152")
        t.eq(read(cgroup_of(c.pid)[""] + "/cgroup.max.depth").strip(), "3")


@test(need=["userns", "cgroup:memory"])
def limits_hold_with_a_user_namespace(t):
    config = userns_spec("sleep", "1000")
    config["linux"]["resources"]["memory"] = {"limit": 32 * MIB}
    config["linux"]["resources"]["pids"] = {"limit": 20}
    with t.container(config) as c:
        t.eq(setting(c, "memory", "memory.limit_in_bytes", "memory.max"), str(32 * MIB))
        t.eq(setting(c, "pids", "pids.max", "pids.max"), "20")


@test(need=["cgroup:pids"])
def an_exec_counts_too(t):
    with t.container(limited("sh", "-c", "sleep 1000 & sleep 1000 & sleep 1000 & wait", pids={"limit": 6}),
                     start=True) as c:
        t.until(lambda: len(descendants()) == 4, "its processes")
        r = c.exec("sh", "-c", "for i in 1 2 3 4 5 6; do sleep 2 & done; wait; echo all")
        t.ok(r.rc != 0 and "all" not in r.out, r)


# a controller that this host lacks: an error that says so, and nothing left

def refused(t, controller, pointer, **resources):
    for command in ("create", "run"):
        r = getattr(t.new(limited("echo", "ran", **resources)), command)()
        t.eq((r.rc, r.out), (1, ""), r)
        t.has(r.err, pointer if is_husk() else controller)
        t.ok(len(r.err.splitlines()) == 1 or not is_husk(), "one line: %s" % r)


@test(need=["no-cgroup:memory"])
def memory_limit_without_the_controller(t):
    refused(t, "memory", "/linux/resources/memory", memory={"limit": 32 * MIB})


@test(need=["no-cgroup:pids"])
def pids_limit_without_the_controller(t):
    refused(t, "pids", "/linux/resources/pids", pids={"limit": 10})


@test(need=["no-cgroup:cpu"])
def cpu_limits_without_the_controller(t):
    refused(t, "cpu", "/linux/resources/cpu", cpu={"shares": 512})
    refused(t, "cpu", "/linux/resources/cpu", cpu={"quota": 5000})
    refused(t, "cpu", "/linux/resources/cpu", cpu={"cpus": "0"})


@test(need=["husk"])
def a_limit_the_kernel_refuses_names_its_place(t):
    if "pids" in v1_controllers() or "pids" in v2_controllers():
        refused(t, "cpuset", "/linux/resources/cpu/cpus", cpu={"cpus": "4000"})
    refused(t, "unified", "/linux/resources/unified", unified={"no.such.file": "1"})
    refused(t, "unified", "/linux/resources/unified", unified={"../x": "1"})
    refused(t, "hugetlb", "/linux/resources/hugepageLimits", hugepageLimits=[{"pageSize": "3MB", "limit": 1}])


# devices

def device_config(script, *rules, devices=(), caps=("CAP_MKNOD",)):
    config = spec("sh", "-c", script)
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind] += list(caps)
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs",
                            "source": "tmpfs", "options": ["mode=1777"]})
    config["linux"]["resources"]["devices"] += list(rules)
    config["linux"]["devices"] = list(devices)
    return config


def rule(access, kind=None, major=None, minor=None, allow=True):
    r = {"allow": allow, "access": access, "type": kind, "major": major, "minor": minor}
    return {k: v for k, v in r.items() if v is not None}


DENIED = "Operation not permitted"


@test
def the_default_devices_work(t):
    script = """for d in null zero full random urandom; do
        exec 3<>/dev/$d || echo bad $d
        dd if=/dev/$d of=/dev/null bs=1 count=1 2>/dev/null || echo bad read $d; done
        echo x >/dev/null || echo bad write
        ls -l /dev/null /dev/tty | cut -c1-10; exec 3<>/dev/ptmx && echo ptmx"""
    r = t.sh(script)
    t.eq((r.rc, r.out), (0, "crw-rw-rw-\ncrw-rw-rw-\nptmx\n"), r)


@test
def another_device_is_denied(t):
    for kind, major, minor in (("b", 8, 0), ("b", 254, 0), ("c", 1, 1), ("c", 1, 11), ("c", 10, 229)):
        script = "mknod /tmp/d %s %d %d && cat /tmp/d" % (kind, major, minor)
        r = t.run(device_config(script))
        t.has(r.err, DENIED, "%s %d:%d: %s" % (kind, major, minor, r))
        t.eq((r.rc, r.out), (1, ""), r)


@test
def a_denied_device_by_exec(t):
    with t.container(device_config("sleep 1000"), start=True) as c:
        r = c.exec("sh", "-c", "mknod /tmp/d b 8 0 && cat /tmp/d")
        t.has(r.err, DENIED, r)


@test(need=["file:/dev/fuse"])
def access_letters_are_kept_apart(t):
    script = "mknod /tmp/d c 10 229; (exec 3</tmp/d) 2>&1 && echo read; (exec 3>>/tmp/d) 2>&1 && echo write"
    t.eq(t.run(device_config(script, rule("rw", "c", 10, 229))).out, "read\nwrite\n")
    r = t.run(device_config(script, rule("r", "c", 10, 229)))
    t.match(r.out, r"^read\n.*%s\n$" % DENIED, r)
    r = t.run(device_config(script, rule("w", "c", 10, 229)))
    t.match(r.out, r"%s\nwrite\n$" % DENIED, r)
    r = t.run(device_config(script, rule("rwm", "b", 10, 229)))
    t.ok("read" not in r.out and "write" not in r.out, "a block rule opened a character device: %s" % r)


@test(need=["file:/dev/fuse"])
def the_last_rule_that_matches_wins(t):
    script = "mknod /tmp/d c 10 229; (exec 3</tmp/d) 2>&1 && echo open"
    t.eq(t.run(device_config(script, rule("rwm", "c", 10))).out, "open\n")
    t.eq(t.run(device_config(script, rule("rwm", "c"))).out, "open\n")
    r = t.run(device_config(script, rule("rwm", "c", 10, 229), rule("rwm", "c", 10, 229, allow=False)))
    t.has(r.out, DENIED, r)
    r = t.run(device_config(script, rule("rwm", allow=True)))
    t.eq(r.out, "open\n", "allow all")
    r = t.run(device_config(script, rule("rwm", allow=True), rule("rwm", allow=False)))
    t.has(r.out, DENIED, r)


@test
def device_nodes_of_the_config(t):
    devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o642, "uid": 12,
                "gid": 34},
               {"path": "/dev/sub/fifo", "type": "p"},
               {"path": "/dev/blk", "type": "b", "major": 7, "minor": 99}]
    script = "stat -c '%n %f %u %g %t %T' /dev/mine /dev/sub/fifo /dev/blk; echo x >/dev/mine && echo ok"
    r = t.run(device_config(script,
                            devices=devices))
    t.eq(r.rc, 0, r)
    lines = [line.split() for line in r.out.splitlines()]
    t.eq(lines[0], ["/dev/mine", "21a2", "12", "34", "1", "3"], r)
    t.eq(lines[1][0], "/dev/sub/fifo", r)
    t.eq(lines[1][1][0], "1", "a fifo")
    t.eq(lines[2][4:], ["7", "63"], r)
    t.eq(lines[3], ["ok"], r)


# cgroup places

@test
def cgroups_path(t):
    config = spec("sleep", "1000")
    config["linux"]["cgroupsPath"] = "/%sabsolute" % PREFIX
    with t.container(config) as c:
        dirs = cgroup_of(c.pid)
        used = [d for d in dirs.values() if d.endswith("/%sabsolute" % PREFIX)]
        t.ok(len(used) >= (1 if view() == "v2" else 5), dirs)
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")


@test(need=["husk"])
def every_directory_that_create_made_is_removed(t):
    config = spec("sleep", "1000")
    config["linux"]["cgroupsPath"] = "/%stop/middle/leaf" % PREFIX
    with t.container(config) as c:
        t.ok(any(d.endswith("/middle/leaf") for d in cgroup_of(c.pid).values()))


@test
def a_cgroup_below_the_containers_is_removed_too(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        for name, directory in cgroup_of(c.pid).items():
            if PREFIX in directory:
                os.mkdir(directory + "/inner")


@test
def the_cgroup_mount_is_read_only(t):
    r = t.sh("ls /sys/fs/cgroup | head -1; for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do "
             "mkdir $d/x 2>/dev/null && echo made $d; done; "
             "find /sys/fs/cgroup -name release_agent | head -3 | "
             "while read f; do echo x 2>/dev/null >$f && echo wrote $f; done; true")
    t.eq(r.rc, 0, r)
    t.ok(r.out and "made" not in r.out and "wrote" not in r.out, r)


@test
def a_cgroup_namespace_hides_the_path(t):
    config = spec("cat", "/proc/self/cgroup")
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    config["linux"]["namespaces"].append({"type": "cgroup"})
    r = t.run(config)
    paths = {line.split(":")[1]: line.split(":", 2)[2] for line in r.out.splitlines()}
    joined = [name for name in paths if name in ("pids", "memory", "devices")] if v1_controllers() else [""]
    t.eq([paths[name] for name in joined], ["/"] * len(joined), r)
    t.ok(PREFIX not in r.out, r)


main(VIEWS)
