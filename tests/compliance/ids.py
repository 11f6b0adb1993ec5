"""ids.py - namespaces, id mappings, time offsets, and whose the container's cgroup is."""
import stat
from kit import *
from spaces import Holder, bare

FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "user": "user", "cgroup": "cgroup",
         "time": "time"}
NODE = ["userns", "devnull"]            # what devices in a user namespace need


def ns(pid, kind):
    return os.readlink("/proc/%s/ns/%s" % (pid, FILES[kind]))


def with_path(kind, path, config=None):
    config = config or bare()
    config["linux"]["namespaces"].append({"type": kind, "path": path})
    return config


# ---- namespaces --------------------------------------------------------------------------------------------

@row("NS-01", need=NODE + ["timens"])
def every_type(t):
    config = bare(kinds=FILES)
    for kind in ("uidMappings", "gidMappings"):
        config["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    with t.container(config) as c:
        t.eq([k for k in FILES if ns(c.pid, k) == ns("self", k)], [])


@row("NS-02")
def type_is_needed(t):
    for wrong in ({}, {"type": "net"}, {"type": ""}, {"type": 1}, {"path": "/proc/self/ns/net"}):
        config = bare()
        config["linux"]["namespaces"].append(wrong)
        refused(t, config, "/linux/namespaces/1")


@row("NS-03", "NS-08")
def new_ones_and_none(t):
    for kind in ("pid", "network", "ipc", "uts", "cgroup"):
        with t.container(bare(kinds=("mount", kind))) as c:
            for other in set(FILES) - {"time"}:
                same = ns(c.pid, other) == ns("self", other)
                t.eq(same, other not in ("mount", kind), "%s, only %s is new" % (other, kind))


@row("NS-04")
def joined_ones(t):
    with Holder(t, "-n", "-i", "-u", "-C", "-m") as h:
        for kind in ("network", "ipc", "uts", "cgroup"):
            with t.container(with_path(kind, "/proc/%d/ns/%s" % (h.pid, FILES[kind]))) as c:
                t.eq(ns(c.pid, kind), ns(h.pid, kind))
                t.ok(ns(c.pid, kind) != ns("self", kind))


@row("NS-05")
def a_path_is_absolute(t):
    refused(t, with_path("network", "proc/self/ns/net"), "/linux/namespaces/1/path")
    with Holder(t, "-n") as h:
        os.symlink("/proc/%d/ns/net" % h.pid, t.path("link"))       # the host's, though the rootfs has no such path
        with t.container(with_path("network", t.path("link"))) as c:
            t.eq(ns(c.pid, "network"), ns(h.pid, "network"))


@row("NS-06")
def a_path_of_another_type(t):
    with Holder(t, "-u") as h:
        refused(t, with_path("network", "/proc/%d/ns/uts" % h.pid), "/linux/namespaces/1")
        accepted(t, with_path("uts", "/proc/%d/ns/uts" % h.pid))


@row("NS-07")
def a_path_to_nothing(t):
    for path in ("/no/such", "/etc/passwd", "/proc/self/ns", t.canary):
        refused(t, with_path("network", path), "/linux/namespaces/1")


@row("NS-09")
def twice(t):
    refused(t, bare(kinds=("mount", "pid", "pid")), "/linux/namespaces/2")
    refused(t, with_path("network", "/proc/self/ns/net", bare(kinds=("mount", "network"))), "/linux/namespaces/2")


@row("NS-10")
def an_empty_path(t):
    with t.container(with_path("uts", "")) as c:
        t.ok(ns(c.pid, "uts") != ns("self", "uts"))


@row("NS-11", need=NODE)
def whoever_owns_them(t):
    with t.container(userns_spec("sleep", "1000"), start=True) as first, Holder(t, "-n", "-i") as h:
        joined = userns_spec("sleep", "1000")
        joined["linux"]["namespaces"][-1]["path"] = "/proc/%d/ns/user" % first.pid
        for config, owner in ((userns_spec("sleep", "1000"), h.pid), (joined, h.pid), (joined, first.pid)):
            for n in config["linux"]["namespaces"]:
                if n["type"] in ("network", "ipc"):
                    n["path"] = "/proc/%d/ns/%s" % (owner, FILES[n["type"]])
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith(("/sys", "/dev/mqueue"))]
            with t.container(config) as c:
                t.eq([ns(c.pid, k) for k in ("network", "ipc")], [ns(owner, k) for k in ("network", "ipc")])


@row("NS-12")
def pid_1_and_others(t):
    with t.container(bare("sh", "-c", "echo $$; exec sleep 1000", kinds=("mount", "pid")), start=True) as first:
        t.until(lambda: first.out, "output")
        t.eq(first.out, "1\n")
        joined = with_path("pid", "/proc/%d/ns/pid" % first.pid, bare("sh", "-c", "echo $$; exec sleep 1000"))
        with t.container(joined, start=True) as second:
            t.until(lambda: second.out, "output")
            t.ok(int(second.out) > 1, second.out)
            t.eq(ns(second.pid, "pid"), ns(first.pid, "pid"))
            pid = second.pid
            t.eq(second.kill("KILL").rc, 0)
            os.waitpid(pid, 0)                          # or it would stay in the first one's namespace
        t.ok(int(first.exec("sh", "-c", "echo $$").out) > 1)


@row("NS-13")
def loopback_is_up(t):
    t.match(says(t, "ip -o link show lo", bare(kinds=("mount", "network"))), r"<[^>]*\bUP\b")
    with Holder(t, "-n") as h:
        out = says(t, "ip -o link show lo", with_path("network", "/proc/%d/ns/net" % h.pid))
        t.ok("UP" not in out.split(">")[0], "a joined one is left as it is: %s" % out)


@row("NS-14", views=("v1", "v2", "hybrid"))
def the_cgroup_namespace_begins_at_the_container(t):
    config = bare(kinds=("mount", "pid", "cgroup"))
    config["linux"]["cgroupsPath"] = "/" + t.id()
    with t.container(config, start=True) as c:
        mine = [line.split(":", 2)[2] for line in c.exec("cat", "/proc/self/cgroup").out.splitlines()]
        t.eq(mine and set(mine), {"/"})
        t.has(read("/proc/%d/cgroup" % c.pid), config["linux"]["cgroupsPath"])


@row("NS-15")
def the_host_s_mounts_are_not_changed(t):
    for member, value in (("maskedPaths", ["/proc/kcore"]), ("readonlyPaths", ["/proc/sys"])):
        config = bare(kinds=("pid",))
        config["mounts"], config["root"]["readonly"] = [], False
        config["linux"][member] = value
        refused(t, config, "/linux/" + member)
    config = bare(kinds=("pid",))
    config["root"]["readonly"] = False
    refused(t, config, "/mounts")


@row("NS-16", need=NODE)
def what_goes_with_a_namespace(t):
    config = bare("cat", "/proc/sys/kernel/shm_rmid_forced", kinds=("mount", "ipc"))
    config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
    t.eq(t.run(config).out, "1\n")
    without = bare()
    without["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
    refused(t, without, "/linux/sysctl/kernel.shm_rmid_forced")
    c = t.new(without_namespace(userns_spec("sleep", "1000"), "network"))       # sysfs belongs to the host's network
    r = c.create()
    if r.rc == 0:                                                               # then it is the host's, bound
        with c:
            shown = mounts_of(c)["/sys"]
            t.eq((shown["type"], "ro" in shown["options"]), ("sysfs", True))


@row("NS-17")
def nobody_may_trace_it_on_its_way(t):
    """The order of the plan: undumpable before the first namespace, and again after each change of user."""
    p = plan(t, spec("true", user={"uid": 5, "gid": 5}), "v2", "--action", "exec")
    hidden = [op["op"] for op in p.find("prctl", option="dumpable", value=0)]
    t.ok(hidden and hidden[0] < p.find("setns")[0]["op"], p.text)
    for change in p.find("user"):
        t.has(hidden, change["op"] + 1)


# ---- id mappings -------------------------------------------------------------------------------------------

@row("MAP-01", need=NODE)
def mappings(t):
    config = userns_spec()
    config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10},
                                      {"containerID": 4294967000, "hostID": 4294960000, "size": 100}]
    out = says(t, "cat /proc/self/uid_map /proc/self/gid_map", config).split()
    t.eq(out, ["0", "100000", "10", "4294967000", "4294960000", "100", "0", "100000", "65536"])
    for kind in ("uidMappings", "gidMappings"):
        for member in ("containerID", "hostID", "size"):
            for value in (None, -1, 1 << 32, "0", 1.5):
                config = userns_spec()
                config["linux"][kind][0][member] = value
                if value is None:
                    del config["linux"][kind][0][member]
                control(t)
                r = t.new(config).create()
                t.ok(r.rc != 0, "%s %s %r" % (kind, member, value))
                if is_husk():
                    t.has(r.err, "/linux/%s/0/%s" % (kind, member))


@row("MAP-02", need=NODE)
def owners_of_the_rootfs(t):
    b = t.bundle(userns_spec("echo", "ran"))
    owned = {name: os.lstat(os.path.join(b.rootfs, name))[4:6] for name in os.listdir(b.rootfs)}
    r = t.run(b)
    t.eq((r.rc, r.out), (0, "ran\n"), r)
    t.eq({name: os.lstat(os.path.join(b.rootfs, name))[4:6] for name in owned}, owned)
    t.eq(set(owned.values()), {(0, 0)})


@row("MAP-03", need=NODE)
def the_kernel_s_limit(t):
    for count, works in ((340, True), (341, False)):
        config = userns_spec("sleep", "1000")
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": i, "hostID": 1000 + 2 * i, "size": 1} for i in range(count)]
        (accepted if works else refused)(t, config)


@row("MAP-04")
def without_the_namespace(t):
    for kind in ("uidMappings", "gidMappings"):
        config = spec()
        config["linux"][kind] = [{"containerID": 0, "hostID": 0, "size": 1}]
        refused(t, config, "/linux/" + kind)


@row("MAP-05", need=NODE)
def a_namespace_without_mappings(t):
    """An error, or something sensible; husk's is one to one, each list on its own."""
    config = userns_spec("sleep", "1000")
    del config["linux"]["uidMappings"], config["linux"]["gidMappings"]
    control(t)
    c = t.new(config)
    r = c.create()
    if not is_husk():
        with c:
            t.ok(r.rc != 0 or read("/proc/%d/uid_map" % c.pid).split()[0] == "0", r)
        return
    t.eq(r.rc, 0, r)
    with c:
        for name in ("uid_map", "gid_map"):
            t.eq(read("/proc/%d/%s" % (c.pid, name)).split(), ["0", "0", "4294967295"])
    p = plan(t, config, "rootless-subuid")
    t.eq([op["argv"] for op in p.find("helper")],
         [["newuidmap", "PID", "0", "1000", "1", "1", "100000", "65536"],
          ["newgidmap", "PID", "0", "1000", "1", "1", "100000", "65536"]])
    t.eq(plan(t, config, "rootless").writes("uid_map"), ["0 1000 1\n"])


@row("MAP-06", need=NODE)
def mappings_of_a_joined_namespace(t):
    with t.container(userns_spec("sleep", "1000"), start=True) as first:
        config = userns_spec("sleep", "1000")
        config["linux"]["namespaces"][-1]["path"] = "/proc/%d/ns/user" % first.pid
        accepted(t, config)
        config["linux"]["gidMappings"][0]["hostID"] += 1
        refused(t, config, "/linux/gidMappings")
        del config["linux"]["uidMappings"], config["linux"]["gidMappings"]
        accepted(t, config)


class User:
    """Runs the runtime as an ordinary user without any right."""

    def __init__(self, t):
        self.t, self.home = t, t.path("home")
        os.mkdir(self.home, 0o700)
        os.chown(self.home, NOBODY, NOBODY)

    def run(self, config):
        b = bundle_of(self.t, config)
        b.chown(NOBODY, NOBODY)
        prefix = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--bounding-set=-all"]
        return self.t.rt(*prefix, HUSK, "--root", self.home + "/root", "run", "--bundle", b.path, self.t.id(), raw=True,
                         cwd=self.home, env={"HOME": self.home, "XDG_RUNTIME_DIR": self.home})


@row("MAP-07", need=NODE + ["prog:setpriv"])
def setgroups_is_denied_first(t):
    r = User(t).run(rootless_spec("cat", "/proc/self/setgroups", "/proc/self/gid_map"))
    t.eq((r.rc, r.out.split()), (0, ["deny", "0", str(NOBODY), "1"]), r)


@row("MAP-08", need=NODE)
def without_the_container_s_root(t):
    config = userns_spec("sh", "-c", "id -u; stat -c %u /dev/shm", user={"uid": 1001, "gid": 7})
    config["linux"]["uidMappings"] = [{"containerID": 1000, "hostID": 100000, "size": 10}]
    config["linux"]["gidMappings"] = [{"containerID": 7, "hostID": 100007, "size": 1}]
    config["mounts"] = [m for m in config["mounts"] if "gid=5" not in m["options"]]
    r = t.run(config)
    t.eq((r.rc, r.out.split()), (0, ["1001", "1001"]), r)
    config["process"]["user"]["uid"] = 0
    refused(t, config, "/process/user/uid")


@row("MAP-09", need=NODE + ["prog:setpriv"])
def what_an_ordinary_user_needs(t):
    user = User(t)
    good = rootless_spec("echo", "ran")
    r = user.run(good)
    t.eq((r.rc, r.out), (0, "ran\n"), r)
    wrong = {"/linux/namespaces": without_namespace(rootless_spec("true"), "user"),
             "/linux/uidMappings": rootless_spec("true", uid=NOBODY - 1), "/mounts/2": rootless_spec("true"),
             "/linux/resources/pids/limit": rootless_spec("true")}
    for kind in ("uidMappings", "gidMappings"):
        del wrong["/linux/namespaces"]["linux"][kind]
    wrong["/mounts/2"]["mounts"][2]["options"].append("gid=5")
    wrong["/linux/resources/pids/limit"]["linux"]["resources"] = {"pids": {"limit": 9}}
    for place, config in wrong.items():
        r = user.run(config)
        t.ok(r.rc != 0, "%s: %s" % (place, r))
        if is_husk():
            t.has(r.err, place)


# ---- time offsets ------------------------------------------------------------------------------------------

def offsets(values, kinds=("mount", "time")):
    config = bare("sh", "-c", "cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets; exec sleep 1000", kinds=kinds)
    config["linux"]["timeOffsets"] = values
    return config


@row("TIM-01", "TIM-04", need=["timens"])
def clocks(t, which):
    here = float(read("/proc/uptime").split()[0])
    config = offsets({"boottime": {"secs": 1000000}, "monotonic": {"secs": -5, "nanosecs": 7}})
    with t.container(config, start=True) as c:
        t.until(lambda: c.out.count("\n") == 3, "output")
        out = c.out.split()
        t.ok(999990 < int(out[0]) - here < 1000100, "uptime %s, here %s" % (out[0], here))
        t.eq(out[1:], ["monotonic", "-5", "7", "boottime", "1000000", "0"])
        if which == "TIM-04":
            t.ok(int(c.exec("cut", "-d.", "-f1", "/proc/uptime").out) - here > 999990)
    with t.container(offsets({"monotonic": {"nanosecs": 7}})) as c:
        t.eq(read("/proc/%d/timens_offsets" % c.pid).split()[:3], ["monotonic", "0", "7"])


@row("TIM-02", need=["timens", "prog:unshare"])
def offsets_need_a_new_time_namespace(t):
    refused(t, offsets({"boottime": {"secs": 1}}, kinds=("mount",)), "/linux/timeOffsets")
    with Holder(t, "-T") as h:
        config = offsets({"boottime": {"secs": 1}}, kinds=("mount",))
        refused(t, with_path("time", "/proc/%d/ns/time_for_children" % h.pid, config), "/linux/timeOffsets")
    accepted(t, offsets({"boottime": {"secs": 1}}))


@row("TIM-03", need=["timens"])
def clocks_that_are_none(t):
    for wrong in ({"realtime": {"secs": 1}}, {"": {"secs": 1}}, {"monotonic": {"nanosecs": 1000000000}},
                  {"monotonic": {"nanosecs": -1}}):
        refused(t, offsets(wrong), "/linux/timeOffsets")
    accepted(t, offsets({"monotonic": {"nanosecs": 999999999}}))


# ---- whose the cgroup is -----------------------------------------------------------------------------------

def delegated(*options, kinds=("pid", "network", "ipc", "uts", "mount", "cgroup"), place="/sys/fs/cgroup", uid=1234):
    """A container with a cgroup namespace and a writable mount of it, for another user than root."""
    config = spec("sleep", "1000", user={"uid": uid, "gid": 5})
    config["linux"]["namespaces"] = [{"type": k} for k in kinds]
    for m in config["mounts"]:
        if m["type"] == "cgroup":
            m.update(destination=place, options=["nosuid", *options])
    return config


def owners(c, version=2):
    """{"": owner of the directory, file: owner} of the container's cgroup."""
    found = {}
    for where in cgroups_of(c.pid, version):
        found[""] = os.stat(where).st_uid
        found.update((name, os.stat(where + "/" + name).st_uid) for name in os.listdir(where)
                     if stat.S_ISREG(os.stat(where + "/" + name).st_mode))
    return found


def cgroups_of(pid, version):
    rows = [line.split(":", 2) for line in read("/proc/%d/cgroup" % pid).splitlines()]
    if version == 2:
        return [v2_mount() + path for _, names, path in rows if names == ""]
    mounts = v1_controllers()
    return [mounts[names.split(",")[0]] + path for _, names, path in rows if names.split(",")[0] in mounts]


@row("CGO-01", views=("v2",), need=NODE)
def the_host_s_number_of_the_user(t):
    with t.container(delegated()) as c:
        t.eq(owners(c)[""], 1234)
    config = delegated(uid=7)
    config["linux"]["namespaces"].append({"type": "user"})
    for kind in ("uidMappings", "gidMappings"):
        config["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    with t.container(config, start=True) as c:
        t.eq(owners(c)[""], 100007)
        t.eq(c.exec("sh", "-c", "mkdir /sys/fs/cgroup/below && echo made").out, "made\n")


@row("CGO-02", views=("v1", "hybrid"))
def never_on_v1(t):
    with t.container(delegated()) as c:
        t.ok(owners(c, 1), "no cgroup was found")
        t.eq(set(owners(c, 1).values()) | set(owners(c).values() if v2_mount() else ()), {0})


@row("CGO-03", views=("v2",))
def never_without_a_namespace(t):
    with t.container(delegated(kinds=("pid", "mount", "network", "ipc", "uts"))) as c:
        t.eq(set(owners(c).values()), {0})
    with t.container(delegated()) as c:
        t.eq(owners(c)[""], 1234)


@row("CGO-04", views=("v2",))
def only_for_a_writable_mount_in_its_place(t):
    none = delegated()
    none["mounts"] = [m for m in none["mounts"] if m["type"] != "cgroup"]
    for config, want in ((delegated("ro"), 0), (delegated(place="/mnt"), 0), (none, 0), (delegated("rw"), 1234)):
        with t.container(config) as c:
            t.eq(owners(c)[""], want, config["mounts"][-1])


@row("CGO-05", "CGO-06", views=("v2",))
def the_files_that_are_listed(t):
    """What the kernel lists and this cgroup has not, such as memory.reclaim without that controller, is no error."""
    listed = read("/sys/kernel/cgroup/delegate").split()
    with t.container(delegated()) as c:
        found = owners(c)
    t.ok(set(listed) - set(found) and len(found) > len(listed), "nothing is missing, or nothing more is there")
    t.eq({name for name, uid in found.items() if uid == 1234}, set(listed) & set(found) | {""})
    t.eq(set(found.values()), {0, 1234})


@row("CGO-07", views=("v2",))
def without_a_list(t):
    mount("none", "/sys/kernel/cgroup", "tmpfs", 0)
    try:
        with t.container(delegated()) as c:
            t.eq({name for name, uid in owners(c).items() if uid == 1234},
                 {"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"})
    finally:
        umount("/sys/kernel/cgroup")
