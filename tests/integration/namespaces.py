#!/usr/bin/python3
"""namespaces.py - new, joined and shared namespaces, user namespaces with mappings, the time namespace."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *
from spaces import Holder, bare

ALL = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}


def ns(pid, kind):
    return os.readlink("/proc/%s/ns/%s" % (pid, ALL.get(kind, kind)))


@test
def each_one_alone_is_new_and_the_others_shared(t):
    for kind in ("pid", "network", "ipc", "uts", "cgroup"):
        with t.container(bare(kinds=("mount", kind))) as c:
            for other in ALL:
                same = ns(c.pid, other) == ns("self", other)
                t.eq(same, other not in ("mount", kind), "%s, with only %s" % (other, kind))


@test
def all_are_new(t):
    with t.container(bare(kinds=list(ALL))) as c:
        t.eq([k for k in ALL if ns(c.pid, k) == ns("self", k)], [])


@test
def init_is_pid_1(t):
    r = t.run(bare("sh", "-c", "echo $$; ls /proc | grep -c '^[0-9]*$'", kinds=("mount", "pid")))
    t.eq(r.out.split()[0], "1", r)
    t.ok(int(r.out.split()[1]) <= 4, r)


@test
def a_new_network_has_only_lo_and_it_is_up(t):
    r = t.run(bare("sh", "-c", "ip -o link | cut -d' ' -f2; ip -o link show lo", kinds=("mount",
                                                                                                "network")))
    t.eq(r.out.split()[0], "lo:", r)
    t.match(r.out, r"LOOPBACK,UP", r)
    t.eq(len([x for x in r.out.splitlines() if x.startswith("eth")]), 0)


@test
def hostname_and_domainname(t):
    config = bare("sh", "-c", "hostname; cat /proc/sys/kernel/domainname", kinds=("mount", "uts"))
    config["hostname"] = "name.of.it"
    if is_husk():
        config["domainname"] = "example.org"
    r = t.run(config)
    t.eq(r.out.splitlines()[0], "name.of.it", r)
    if is_husk():
        t.eq(r.out.splitlines()[1], "example.org", r)
    t.ok(os.uname().nodename != "name.of.it")
    for member in ("hostname", "domainname") if is_husk() else ("hostname",):
        config = bare("true")
        config[member] = "x"
        t.fails(t.run(config), "/" + member if is_husk() else "")


@test
def joined_by_path(t):
    with Holder(t, "-n", "-i", "-u", "-C") as h:
        for kind in ("network", "ipc", "uts", "cgroup"):
            path = "/proc/%d/ns/%s" % (h.pid, ALL[kind])
            config = bare()
            config["linux"]["namespaces"].append({"type": kind, "path": path})
            with t.container(config) as c:
                t.eq(ns(c.pid, kind), ns(h.pid, kind))
                t.ok(ns(c.pid, kind) != ns("self", kind))


@test
def a_pid_namespace_of_another_container(t):
    with t.container(bare(kinds=("mount", "pid")), start=True) as first:
        config = bare("sh", "-c", "echo $$; exec sleep 1000")
        config["linux"]["namespaces"].append({"type": "pid", "path": "/proc/%d/ns/pid" % first.pid})
        second = t.container(config, start=True)
        t.until(lambda: second.out, "output")
        t.ok(int(second.out) > 1, second.out)
        t.eq(ns(second.pid, "pid"), ns(first.pid, "pid"))
        pid = second.pid
        t.eq(second.kill("KILL").rc, 0)
        os.waitpid(pid, 0)
        t.eq(second.delete().rc, 0)
        t.eq(first.state()["status"], "running")


@test
def a_mount_namespace_by_path(t):
    with Holder(t, "-m") as h:
        config = bare("true", kinds=())
        config["linux"]["namespaces"] = [{"type": "mount", "path": "/proc/%d/ns/mnt" % h.pid}]
        with t.container(config) as c:
            t.eq(ns(c.pid, "mount"), ns(h.pid, "mount"))
    t.ok(True)


@test
def paths_that_are_no_such_namespace(t):
    for path in ("/proc/self/ns/uts", "/etc/passwd", "/no/such", "/proc/self/ns", t.canary):
        config = bare()
        config["linux"]["namespaces"].append({"type": "network", "path": path})
        r = t.new(config).create()
        t.eq(r.rc, 1, "%s: %s" % (path, r))
        if is_husk():
            t.has(r.err, "/linux/namespaces/1")


# user namespaces

@test(need=["userns", "devnull"])
def a_user_namespace_with_mappings(t):
    script = ("id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; "
              "stat -c %u /etc/passwd /proc/1")
    with t.container(userns_spec("sh", "-c", script + "; sleep 1000"), start=True) as c:
        t.until(lambda: len(c.out.split()) >= 11, "output")
        # The rootfs is owned by the host's root, which is not mapped.
        t.eq(c.out.split(), ["0", "0", "0", "100000", "65536", "0", "100000", "65536", "allow", "65534", "0"])
        t.match(read("/proc/%d/status" % c.pid), r"Uid:\s+100000\s+100000\s+100000\s+100000")


@test(need=["userns", "devnull"])
def several_mappings(t):
    config = userns_spec("cat", "/proc/self/uid_map")
    config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10},
                                      {"containerID": 10, "hostID": 200000, "size": 100},
                                      {"containerID": 5000, "hostID": 300000, "size": 1}]
    r = t.run(config)
    t.eq(r.out.split(), ["0", "100000", "10", "10", "200000", "100", "5000", "300000", "1"], r)


@test(need=["userns", "devnull"])
def hundreds_of_mappings(t):
    """340 lines is the kernel's limit; they have to fit into one page as well."""
    for count, works in ((340, True), (341, False)):
        config = userns_spec("wc", "-l", "/proc/self/uid_map")
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": i, "hostID": 1000 + 2 * i, "size": 1}
                                     for i in range(count)]
        r = t.run(config)
        t.eq((r.rc, r.out.split()[:1]), (0, [str(count)]) if works else (1, []), r)


@test(need=["userns", "devnull"])
def devices_and_mounts_work_in_a_user_namespace(t):
    script = """echo x >/dev/null && head -c 1 /dev/zero | od -An -tu1
        ls /dev/pts | head -1; touch /dev/shm/x && echo shm
        for d in null zero full random urandom tty; do test -c /dev/$d || echo missing $d; done
        exec 3<>/dev/ptmx && echo pty"""
    r = t.sh(script, userns_spec())
    t.eq((r.rc, r.out.split()), (0, ["0", "ptmx", "shm", "pty"]), r)


@test(need=["userns", "devnull"])
def an_unmapped_user_is_refused(t):
    for user in ({"uid": 70000, "gid": 0}, {"uid": 0, "gid": 70000},
                 {"uid": 0, "gid": 0, "additionalGids": [70000]}):
        r = t.run(userns_spec("id", user=user))
        t.eq((r.rc, r.out), (1, ""), "%s: %s" % (user, r))


@test(need=["userns", "devnull"])
def a_user_of_the_namespace(t):
    r = t.run(userns_spec("sh", "-c", "id -u; id -g; id -G", user={"uid": 1000, "gid": 1001,
                                                                   "additionalGids": [5, 7]}))
    t.eq((r.rc, r.out.split()), (0, ["1000", "1001", "1001", "5", "7"]), r)


@test(need=["userns", "devnull"])
def the_other_namespaces_belong_to_the_user_namespace(t):
    """Root of the container may set its host name, but not the host's clock or modules."""
    config = userns_spec("sh", "-c", "hostname changed && hostname; mount -t tmpfs x /mnt && echo mounted; "
                         "mknod /tmp/d c 1 3 2>/dev/null && echo node")
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind] += ["CAP_SYS_ADMIN", "CAP_MKNOD"]
    config["root"]["readonly"] = False
    r = t.run(config)
    t.eq(r.out.split(), ["changed", "mounted"], r)


@test(need=["userns", "devnull"])
def a_user_namespace_by_path(t):
    with t.container(userns_spec("sleep", "1000"), start=True) as first:
        config = spec("sh", "-c", "cat /proc/self/uid_map; sleep 1000")
        config["linux"]["namespaces"] += [{"type": "user", "path": "/proc/%d/ns/user" % first.pid}]
        for n in config["linux"]["namespaces"]:
            if n["type"] in ("network", "ipc"):
                n["path"] = "/proc/%d/ns/%s" % (first.pid, ALL[n["type"]])
        if not is_husk():
            for kind in ("uidMappings", "gidMappings"):
                config["linux"][kind] = first.bundle.config["linux"][kind]
        second = t.new(config)
        r = second.create()
        if r.rc and not is_husk():
            t.skip("this runtime cannot: %s" % r.err[:100])
        t.eq(r.rc, 0, r)
        with second:
            t.eq(second.start().rc, 0)
            t.eq(ns(second.pid, "user"), ns(first.pid, "user"))
            t.eq(ns(second.pid, "network"), ns(first.pid, "network"))
            t.until(lambda: second.out, "output")
            t.eq(second.out.split(), ["0", "100000", "65536"])


@test(need=["userns", "devnull"])
def namespaces_that_the_user_namespace_does_not_own(t):
    """Joined by the runtime's own rights; the new ones belong to the user namespace nevertheless."""
    with Holder(t, "-n", "-i") as h, t.container(userns_spec("sleep", "1000"), start=True) as first:
        joined = userns_spec("sleep", "1000")
        joined["linux"]["namespaces"][-1]["path"] = "/proc/%d/ns/user" % first.pid
        for config in (userns_spec("sleep", "1000"), joined):
            for n in config["linux"]["namespaces"]:
                if n["type"] in ("network", "ipc"):
                    n["path"] = "/proc/%d/ns/%s" % (h.pid, ALL[n["type"]])
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith(("/sys", "/dev/mqueue"))]
            with t.container(config, start=True) as c:
                t.eq([ns(c.pid, k) for k in ("network", "ipc")], [ns(h.pid, k) for k in ("network", "ipc")])
                for kind in ("pid", "uts", "mount"):
                    t.ok(ns(c.pid, kind) not in (ns("self", kind), ns(first.pid, kind)), kind)
                r = c.exec("sh", "-c", "cat /proc/self/uid_map; id -u; echo $$; hostname; readlink /proc/self/ns/net")
                t.eq(r.out.split()[:4], ["0", "100000", "65536", "0"], r)
                t.eq(r.out.split()[5:], ["husk", ns(h.pid, "network")], r)


@test(need=["husk", "userns", "devnull"])
def a_user_namespace_without_mappings(t):
    """Each list that is missing is one to one."""
    config = userns_spec("sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -G; stat -c %u /etc/passwd",
                         user={"uid": 1000, "gid": 1001, "additionalGids": [5]})
    del config["linux"]["uidMappings"], config["linux"]["gidMappings"]
    r = t.run(config)
    every = ["0", "0", "4294967295"]
    t.eq((r.rc, r.out.split()), (0, every + every + ["1000", "1001", "5", "0"]), r)
    config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 2000}]
    r = t.run(config)
    t.eq((r.rc, r.out.split()[:6]), (0, every + ["0", "0", "2000"]), r)


@test(need=["husk", "userns", "devnull"])
def a_map_without_the_container_s_root(t):
    """The process's user then makes the mounts."""
    config = userns_spec("sleep", "1000", user={"uid": 1002, "gid": 7})
    config["linux"]["uidMappings"] = [{"containerID": 1000, "hostID": 100000, "size": 10}]
    config["linux"]["gidMappings"] = [{"containerID": 7, "hostID": 100007, "size": 1}]
    config["mounts"] = [m for m in config["mounts"] if "gid=5" not in m["options"]]
    with t.container(config, start=True) as c:
        t.match(read("/proc/%d/status" % c.pid), r"Uid:\s+100002\s+100002\s+100002\s+100002\nGid:\s+100007\s")
        r = c.exec("sh", "-c", "id -u; stat -c %u:%g /dev/shm; touch /dev/shm/x && echo made")
        t.eq(r.out.split(), ["1002", "1002:7", "made"], r)
        r = c.exec("true", options=["--user", "0"])
        t.ok(r.rc != 0, r)
    config["process"]["user"] = {"uid": 0, "gid": 7}
    t.fails(t.run(config), "/process/user/uid")


@test(need=["husk", "userns", "devnull"])
def mappings_beside_a_path_are_those_of_the_namespace(t):
    with t.container(userns_spec("sleep", "1000"), start=True) as first:
        config = userns_spec("true")
        config["linux"]["namespaces"][-1]["path"] = "/proc/%d/ns/user" % first.pid
        r = t.run(config)
        t.eq(r.rc, 0, r)
        for kind in ("uidMappings", "gidMappings"):
            for member, value in (("size", 65535), ("hostID", 100001), ("containerID", 1)):
                other = json.loads(json.dumps(config))
                other["linux"][kind][0][member] = value
                t.fails(t.new(other).create(), "/linux/" + kind)


# time

@test(need=["husk", "timens"])
def a_time_namespace_with_offsets(t):
    config = bare("sh", "-c", "cut -d. -f1 /proc/uptime; sleep 1000", kinds=("mount", "time"))
    config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 7, "nanosecs": 5}}
    here = float(read("/proc/uptime").split()[0])
    with t.container(config, start=True) as c:
        t.until(lambda: c.out, "output")
        t.ok(999990 < int(c.out) - here < 1000100, "uptime %s, here %s" % (c.out, here))
        r = c.exec("cut", "-d.", "-f1", "/proc/uptime")
        t.ok(int(r.out) - here > 999990, "exec joins it: %s" % r)
        t.ok(ns(c.pid, "time") != ns("self", "time"))


@test(need=["husk", "timens"])
def a_new_time_namespace_without_offsets(t):
    with t.container(bare(kinds=("mount", "time"))) as c:
        t.ok(ns(c.pid, "time") != ns("self", "time"))


main(VIEWS)
