"""cgroups.py - where a container's cgroups are, who is in them, and how they end."""
import signal
import subprocess

from kit import *

AT = "/linux/cgroupsPath"
KNOWN = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb", "")


def placed(path, *args, **resources):
    """The default configuration with this cgroupsPath; NAME in it becomes one that the leak check knows."""
    config = spec(*(args or ("sleep", "1000")))
    config["linux"]["cgroupsPath"] = path.replace("NAME", PREFIX + "x")
    config["linux"]["resources"].update(resources)
    return config


def mine(pid):
    """{controller: directory} of a process, as far as runtimes promise to join: all of v1, and v2."""
    return {name: d for name, d in cgroup_of(pid).items() if name in KNOWN}


def tops():
    """{controller: mount point} of this view."""
    found = {name: point for name, point in v1_controllers().items() if name in KNOWN}
    if v2_mount():
        found[""] = v2_mount()
    return found


class Cgroup:
    """A cgroup of the test's own, in the cgroup2 hierarchy unless a controller of v1 is named; gone after the block."""

    def __init__(self, name, controller=""):
        self.path = "/%s%s" % (PREFIX, name)
        self.top = tops()[controller]
        self.directory = self.top + self.path
        self.processes = []

    def __enter__(self):
        os.mkdir(self.directory)
        return self

    def set(self, name, value):
        write(os.path.join(self.directory, name), value)

    def hold(self, sub=""):
        """A process in it."""
        p = subprocess.Popen(["sleep", "1000"])
        self.processes.append(p)
        write(os.path.join(self.directory, sub, "cgroup.procs"), str(p.pid))
        return p

    def __exit__(self, *_):
        for p in self.processes:
            p.kill()
            p.wait()
        for top, _, _ in sorted(os.walk(self.directory), reverse=True):
            for _ in range(100):                    # the last process leaves a little later
                try:
                    os.rmdir(top)
                    break
                except OSError:
                    time.sleep(0.01)


def from_within(cgroup, controller=""):
    """For preexec: the runtime runs in this cgroup."""
    path = os.path.join(cgroup.directory, "cgroup.procs")

    def move():
        with open(path, "w") as f:
            f.write(str(os.getpid()))
    return move


def parents_too():
    """Other runtimes leave the parents that they made."""
    if not is_husk():
        remove_cgroups(cgroup_dirs())


# ---- the path ----------------------------------------------------------------------------------------------

@row("CGP-01", views=("hybrid", "v1", "v2"))
def absolute(t):
    with t.container(placed("/NAME/a//b")) as c:
        t.eq(mine(c.pid), {name: top + "/%sx/a/b" % PREFIX for name, top in tops().items()})
    parents_too()


@row("CGP-02", views=("v1", "v2"))
def relative(t):
    controller = "pids" if v1_controllers() else ""
    with Cgroup("own", controller) as own:
        if controller == "":
            os.mkdir(own.directory + "/runtime")
        inner = Cgroup("own/runtime" if controller == "" else "own", controller)
        with t.container(placed("NAME/rel"), preexec=from_within(inner, controller)) as c:
            place = mine(c.pid)[controller]
            t.ok(place.endswith("/%sx/rel" % PREFIX), place)
            t.eq(place, own.directory + "/%sx/rel" % PREFIX) if is_husk() else None
    parents_too()


@row("CGP-03", views=("v1", "v2"))
def same_value_same_place(t):
    controller = "pids" if v1_controllers() else ""
    seen = []
    with Cgroup("other", controller) as other:
        for preexec in (None, from_within(other, controller), None):
            with t.container(placed("/NAME/same"), preexec=preexec) as c:
                seen.append(mine(c.pid))
    t.eq(seen, [{name: top + "/%sx/same" % PREFIX for name, top in tops().items()}] * 3)
    parents_too()


@row("CGP-04", views=("v1", "v2"))
def by_default_the_id(t):
    for path in (None, ""):
        config = spec("sleep", "1000")
        if path is not None:
            config["linux"]["cgroupsPath"] = path
        with t.container(config) as c:
            t.eq({os.path.basename(d) for d in mine(c.pid).values()}, {c.id})


@row("CGP-05")
def upwards_is_refused(t):
    for path in ("/..", "../NAME", "/NAME/../../x", "NAME/../../../x", ".."):
        refused(t, placed(path), AT)
    refused(t, placed("/"), AT)
    with t.container(placed("/NAME/..x/x..")) as c:
        t.ok(all(d.endswith("/..x/x..") for d in mine(c.pid).values()), "dots in a name")


@row("CGP-06")
def the_form_of_systemd(t):
    config = placed("NAME.slice:husk:box")
    r = t.rt("--systemd-cgroup", "create", "--bundle", t.bundle(config).path, t.id())
    t.fails(r, "systemd")
    with t.container(config) as c:
        t.eq({os.path.basename(d) for d in mine(c.pid).values()}, {"%sx.slice:husk:box" % PREFIX})
    if is_husk():
        t.eq([n["at"] for n in plan(t, config).notes if "systemd" in n["msg"]], [AT])
        t.eq(plan(t, placed("/a/b:c:d")).notes, [])


@row("CGP-07", views=("v1", "v2"))
def missing_ones_are_made(t):
    with t.container(placed("/NAME/one/two/three")) as c:
        for d in mine(c.pid).values():
            for up in (d, d + "/..", d + "/../.."):
                t.eq(stat.S_IMODE(os.stat(up).st_mode), 0o755, up)
    for top in tops().values():
        t.ok(not is_husk() or not os.path.exists("%s/%sx" % (top, PREFIX)), "what create made, delete removes")
    parents_too()


@row("CGP-08", views=("hybrid", "v1"))
def all_hierarchies_are_joined(t):
    with t.container(spec("sleep", "1000")) as c:
        dirs = cgroup_of(c.pid)
        t.eq({name for name in v1_controllers() if os.path.basename(dirs[name]) != c.id}, set())


@row("CGP-09", views=("v1", "v2"))
def every_process_is_inside(t):
    config = spec("sh", "-c", "cat /proc/self/cgroup; sleep 1000")
    config["root"]["readonly"] = False
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "cat /proc/self/cgroup >/hook"]}]}
    b = t.bundle(config)
    b.loose = True
    names = [n for n in tops() if n] or [""]

    def outside(text, id):
        here = {n: line.split(":", 2)[2] for line in text.splitlines() for n in line.split(":")[1].split(",")}
        return [n for n in names if not here[n].endswith("/" + id)]

    with t.container(b, start=True) as c:
        t.until(lambda: c.out.count("\n") >= len(names), "output")
        t.eq(outside(c.out, c.id), [], "init's first look")
        t.eq(outside(read(b.rootfs + "/hook"), c.id), [], "a hook in the container")
        r = c.exec("cat", "/proc/self/cgroup")
        t.eq((r.rc, outside(r.out, c.id)), (0, []), "exec: %s" % r)
        t.eq(outside(read("/proc/%d/cgroup" % c.pid), c.id), [])


# ---- controllers -------------------------------------------------------------------------------------------

HUGE = {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}


@row("CGP-10", views=("hybrid", "v2"))
def controllers_go_down_the_tree(t):
    t.need("v2:hugetlb")
    with t.container(placed("/NAME/a/b", **HUGE)) as c:
        for up in ("..", "../..", "../../.."):
            t.has(read(os.path.join(cgroup_of(c.pid)[""], up, "cgroup.subtree_control")), "hugetlb")
    with Cgroup("busy") as busy:
        busy.hold()
        r = refused(t, placed(busy.path + "/sub", **HUGE), "EBUSY", "cgroup.subtree_control", "processes in it")
        t.ok("ubtree_control" in r.err or "busy" in r.err.lower(), r)
    with Cgroup("threads") as threads:
        threads.set("cgroup.type", "threaded")
        refused(t, placed(threads.path + "/sub", **HUGE))
    parents_too()


@row("CGP-11", views=("hybrid", "v2"))
def threaded_cgroups(t):
    with Cgroup("threads") as threads:
        threads.set("cgroup.type", "threaded")
        config = placed(threads.path + "/sub")
        if is_husk():
            refused(t, config, "EOPNOTSUPP", "threaded")
            t.eq(os.listdir(threads.directory + "/sub") if os.path.isdir(threads.directory + "/sub") else [], [])
            return
        with t.container(config) as c:
            t.eq(read(cgroup_of(c.pid)[""] + "/cgroup.type"), "threaded\n")


@row("CGP-12", views=("hybrid", "v1"))
def cpusets_take_their_parents(t):
    top = v1_controllers()["cpuset"]
    with t.container(placed("/NAME/a/b")) as c:
        d = mine(c.pid)["cpuset"]
        for name in ("cpuset.cpus", "cpuset.mems"):
            t.eq([read(os.path.join(d, up, name)) for up in ("", "..", "../..")], [read(os.path.join(top, name))] * 3)
    with Cgroup("narrow", "cpuset") as narrow:
        narrow.set("cpuset.cpus", "0")
        narrow.set("cpuset.mems", "0")
        with t.container(placed(narrow.path + "/a/b", "cat", "/proc/self/status")) as c:
            t.eq(read(mine(c.pid)["cpuset"] + "/cpuset.cpus"), "0\n")
            t.eq(status(read("/proc/%d/status" % c.pid))["Cpus_allowed_list"], "0")
    parents_too()


@row("CGP-13", views=("v2",))
def a_limit_without_its_controller(t):
    for member, place in (({"memory": {"limit": 1 << 26}}, "memory"), ({"pids": {"limit": 5}}, "pids"),
                          ({"cpu": {"shares": 100}}, "cpu"), ({"blockIO": {"weight": 100}}, "blockIO")):
        r = refused(t, placed("/NAME", **member), "/linux/resources/" + place, "controller")
        t.ok(place in r.err or "io" in r.err, r)


def rootless(**linux):
    config = rootless_spec("sleep", "1000", uid=1000, gid=1000)
    config["linux"].update(linux)
    return config


@row("CGP-14")
def a_user_who_may_not_make_cgroups(t):
    p = plan(t, rootless(), "rootless-v2")
    t.eq((p.cgroups, [op for op in p.ops if "cgroup" in str(op.get("path")) and op["who"] == "parent"]), ([], []))
    no_plan_here = (("/linux/resources/pids/limit: ", {"resources": {"pids": {"limit": 9}}}),
                    (AT + ": ", {"cgroupsPath": "/some/where"}))
    for place, linux in no_plan_here:
        p = plan_or_error(t, rootless(**linux), "rootless-v2")
        t.eq(p.rc, 1, "planned with %r" % linux)
        t.has(p.err, place)
    p = plan(t, rootless(resources={"pids": {"limit": 9}}), "rootless-delegated")
    t.eq((p.writes("pids.max"), len(p.cgroups)), (["9"], 1), "a delegated tree is used")


# ---- the end, freezing, exec -------------------------------------------------------------------------------

@row("CGP-15", views=("hybrid", "v1", "v2"))
def delete_leaves_nothing(t):
    config = spec("sh", "-c", "sleep 1000 & sleep 1000 & wait")
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]
    with t.container(config, start=True) as c:
        controller = "pids" if v1_controllers() else ""
        d = mine(c.pid)[controller]
        t.until(lambda: len(read(d + "/cgroup.procs").split()) == 3, "its processes")
        pids = [int(p) for p in read(d + "/cgroup.procs").split()]
        os.makedirs(d + "/deep/er")
        write(d + "/deep/er/cgroup.procs", str(pids[-1]))
        os.kill(c.pid, signal.SIGKILL)
        c.wait("stopped")
        t.eq(c.delete().rc, 0, "its init has ended, others have not")
        t.ok(not os.path.exists(d), d)
        t.until(lambda: not any(os.path.exists("/proc/%d/root" % p) and
                                status(read("/proc/%d/status" % p))["State"][0] != "Z" for p in pids), "their end")


@row("CGP-16", views=("hybrid", "v1", "v2"))
def freezing(t):
    with t.container(spec("sh", "-c", "while :; do sleep 0.01; done"), start=True) as c:
        dirs = mine(c.pid)
        v1, v2 = dirs.get("freezer", "") + "/freezer.state", dirs.get("", "") + "/cgroup.events"

        def frozen():
            return "freezer" in dirs and read(v1) == "FROZEN\n" or "" in dirs and "frozen 1" in read(v2)

        t.eq((c.rt("pause", c.id).rc, frozen(), c.state()["status"]), (0, True, "paused"))
        t.eq((c.rt("resume", c.id).rc, frozen(), c.state()["status"]), (0, False, "running"))
        t.eq((c.rt("pause", c.id).rc, frozen()), (0, True))


@row("CGP-17", views=("v1", "v2"))
def exec_in_a_sub_cgroup(t):
    config = spec("sleep", "1000")
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    with t.container(config, start=True) as c:
        dirs = mine(c.pid)
        for d in dirs.values():
            os.mkdir(d + "/sub")
            for name in ("cpuset.cpus", "cpuset.mems"):
                if os.path.exists(d + "/" + name) and v1_controllers():
                    write(d + "/sub/" + name, read(d + "/" + name))

        def where(*options):
            r = c.exec("cat", "/proc/self/cgroup", options=options)
            t.eq(r.rc, 0, r)
            lines = [line.split(":", 2) for line in r.out.splitlines()]
            return {n for _, names, path in lines for n in names.split(",") if path.endswith(c.id + "/sub")}

        if v1_controllers():
            t.eq(where("--cgroup", "pids:sub"), {"pids"})
            t.eq(where("--cgroup", "pids,memory:/sub"), {"pids", "memory"})
            t.ok(c.exec("true", options=("--cgroup", "nothing:sub")).rc != 0, "an unknown controller")
        else:
            t.eq(where("--cgroup", "sub"), {""})
        for wrong in ("..", "sub/../..", "/../x"):
            r = c.exec("true", options=("--cgroup", ("pids:" if v1_controllers() else "") + wrong))
            t.ok(r.rc != 0, "left the container's cgroup: %s" % wrong)
        t.eq(where(), set())


@row("CGP-18", views=("hybrid", "v1", "v2"))
def exec_joins_the_containers_cgroup(t):
    hugetlb = "hugetlb" in v2_controllers()
    config = spec("sleep", "1000")
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    config["linux"]["resources"].update(HUGE if hugetlb else {})
    with t.container(config, start=True) as c:
        dirs = mine(c.pid)

        def joins(name, sub=""):
            """Whether a process of exec comes into the directory."""
            before = set(read(os.path.join(dirs[name], sub, "cgroup.procs")).split())
            r = c.exec("sleep", "1000", options=("--detach",))
            t.eq(r.rc, 0, r)
            new = set(read(os.path.join(dirs[name], sub, "cgroup.procs")).split()) - before
            for pid in map(int, new):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)              # ours by now: this program is the subreaper
            return len(new) == 1

        t.eq([name for name in dirs if not joins(name)], [])
        if not hugetlb:
            return
        os.mkdir(dirs[""] + "/init")            # as systemd in a container does
        for pid in read(dirs[""] + "/cgroup.procs").split():
            write(dirs[""] + "/init/cgroup.procs", pid)
        t.ok(joins(""), "the container's own cgroup, while it takes processes")
        write(dirs[""] + "/cgroup.subtree_control", "+hugetlb")
        t.ok(joins("", "init"), "the container's cgroup takes no processes now")
