"""mounts.py - mounts, id-mapped mounts, propagation of the root, masked and read-only paths."""
from kit import *

SHARED = 1 << 20
AT = "/mounts/%d" % len(spec()["mounts"])           # of the first mount that a test adds


def tmpfs(destination, *options):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def bind(source, destination, *options, **members):
    return {"destination": destination, "source": source, "options": ["bind", *options], **members}


def with_mounts(config, *mounts):
    config["mounts"] += mounts
    return config


def loose(t, *mounts, config=None):
    """A bundle whose root directory may get mount points."""
    b = t.bundle(with_mounts(config or spec(), *mounts))
    b.loose = True
    return b


def maps(file_id, host_id, size):
    """uidMappings and gidMappings of a mount."""
    same = [{"containerID": file_id, "hostID": host_id, "size": size}]
    return {"uidMappings": same, "gidMappings": same}


def volume(t, name="volume"):
    """A directory of the host's root, with a file that knows its name."""
    path = t.path(name)
    os.mkdir(path)
    write(path + "/file", name, 0o644)
    return path


class Mount:
    """A tmpfs, shared or not, for a block; with all that came on it."""

    def __init__(self, path, flags=0, after=0):
        os.makedirs(path, exist_ok=True)
        mount("tmpfs", path, "tmpfs", flags, "mode=755")
        if after:
            mount("none", path, "none", after)
        self.path = path

    def __enter__(self):
        return self.path

    def __exit__(self, *exc):
        for m in reversed([m for m in mountinfo() if (m["point"] + "/").startswith(self.path + "/")]):
            umount(m["point"])


def in_mounts(t, c, *command):
    """Run a command of the host in the container's mount namespace and root: a Result."""
    return t.rt("nsenter", "-t", c.pid, "-m", "--root", *command, raw=True)


# ---- places and sources ------------------------------------------------------------------------------------

@row("MNT-01")
def in_the_listed_order(t):
    config = with_mounts(spec(), tmpfs("/mnt"), tmpfs("/mnt/a"), bind(volume(t), "/mnt/a/b"), tmpfs("/tmp/x"),
                         tmpfs("/tmp"))
    t.eq(says(t, "cat /mnt/a/b/file; ls /tmp", loose(t, config=config)), "volume")
    with t.container(config) as c:
        points = [m["point"] for m in mountinfo(c.pid)]
        t.ok(points.index("/mnt") < points.index("/mnt/a") < points.index("/mnt/a/b"), points)
        t.ok(points.index("/tmp/x") < points.index("/tmp"), points)


@row("MNT-02")
def destination_is_required(t):
    refused(t, with_mounts(spec(), {"type": "tmpfs", "source": "tmpfs"}), AT)
    refused(t, with_mounts(spec(), tmpfs("")), AT)


@row("MNT-03")
def relative_destinations(t):
    t.ok("/mnt" in [l.split()[1] for l in says(t, "cat /proc/self/mounts", with_mounts(spec(), tmpfs("mnt")))
                    .splitlines()])


@row("MNT-04")
def what_a_bind_mount_is(t):
    path = volume(t)
    for kind in ("none", "tmpfs", "no-such-type", "bind", None):
        m = bind(path, "/mnt", "ro")
        m["type"] = kind
        t.eq(says(t, "cat /mnt/file", with_mounts(spec(), {k: v for k, v in m.items() if v})), "volume")
    refused(t, with_mounts(spec(), {"destination": "/mnt", "type": "bind", "source": path, "options": ["ro"]}), AT)


@row("MNT-05")
def sources(t):
    b = t.bundle(with_mounts(spec(), bind("beside", "/mnt")))
    os.mkdir(b.path + "/beside")
    write(b.path + "/beside/file", "relative", 0o644)
    t.eq(says(t, "cat /mnt/file", b), "relative")
    t.eq(says(t, "cat /mnt/file", with_mounts(spec(), bind(volume(t), "/mnt"))), "volume")
    refused(t, with_mounts(spec(), bind("/no/such/source", "/mnt")), AT, "/no/such/source", "ENOENT")
    refused(t, with_mounts(spec(), bind("nor-this", "/mnt")), AT, "ENOENT")


@row("MNT-06")
def a_bind_mount_without_a_source(t):
    refused(t, with_mounts(spec(), {"destination": "/mnt", "options": ["bind"]}), AT + "/source")


@row("MNT-07")
def missing_destinations_are_made(t):
    path = volume(t)
    b = loose(t, bind(path, "/made/for/dir"), bind(path + "/file", "/made/for/file"), tmpfs("/made/for/tmpfs"))
    script = "cat /made/for/dir/file /made/for/file; test -d /made/for/tmpfs && echo; stat -c %a /made /made/for"
    t.eq(says(t, script, b), "volumevolume\n755\n755\n")
    st = os.stat(b.rootfs + "/made/for/file")
    t.eq((stat.S_ISREG(st.st_mode), st.st_size, st.st_uid), (True, 0, 0))


@row("MNT-08")
def symlinks_stay_inside(t):
    path = volume(t)
    b = loose(t, *(bind(path, "/%s/x" % name) for name in ("up", "absolute", "dangling")),
              bind(path + "/file", "/etc/name"))
    os.symlink("../../../../.." + t.canary, b.rootfs + "/up")
    os.symlink(t.canary, b.rootfs + "/absolute")
    os.symlink("/not/there", b.rootfs + "/dangling")
    os.symlink("/usr/name", b.rootfs + "/etc/name")
    t.eq(says(t, "cat /up/x/file /absolute/x/file /dangling/x/file /not/there/x/file /usr/name /etc/name", b),
         "volume" * 6)
    t.eq(sorted(os.listdir(t.canary)), ["dir", "file"])


@row("MNT-09")
def proc_and_sys_need_directories(t):
    for name in ("proc", "sys"):
        b = t.bundle()
        os.rmdir(b.rootfs + "/" + name)
        os.symlink("/tmp", b.rootfs + "/" + name)
        refused(t, b, "/mounts/%d" % [m["destination"] for m in spec()["mounts"]].index("/" + name))


@row("MNT-10")
def places_in_proc(t):
    path = volume(t)
    for destination in ("/proc", "/proc/sys", "/proc/self/attr", "/proc/1", "/proc/../proc/sys", "//proc//sys"):
        refused(t, with_mounts(spec(), tmpfs(destination)), AT)
        refused(t, with_mounts(spec(), bind(path, destination)), AT)
    for name in ("cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg"):
        config = with_mounts(spec(), bind(path + "/file", "/proc/" + name))
        t.eq(says(t, "cat /proc/" + name, config), "volume", name)
    link = t.bundle(with_mounts(spec(), bind(path, "/link")))
    os.symlink("/proc/sys", link.rootfs + "/link")
    refused(t, link, AT)


@row("MNT-11")
def nothing_on_the_root(t):
    for destination in ("/", "//", "/.", "/etc/.."):
        refused(t, with_mounts(spec(), tmpfs(destination)), AT)
        refused(t, with_mounts(spec(), bind(volume(t, "v%d" % t.count), destination)), AT)


@row("MNT-12")
def a_type_is_needed(t):
    refused(t, with_mounts(spec(), {"destination": "/mnt", "source": "tmpfs"}), AT + "/type")
    refused(t, with_mounts(spec(), {"destination": "/mnt", "source": "tmpfs", "type": ""}), AT)


@row("MNT-13")
def an_unknown_type(t):
    refused(t, with_mounts(spec(), {"destination": "/mnt", "type": "no-such-fs", "source": "x"}), AT, "ENODEV")


# ---- options as data, flags --------------------------------------------------------------------------------

@row("MNT-14")
def unknown_options_are_data(t):
    with t.container(with_mounts(spec(), tmpfs("/mnt", "size=128k", "nosuid", "mode=701", "nr_inodes=99"))) as c:
        data = mounts_of(c)["/mnt"]["super"]
        t.ok({"size=128k", "mode=701", "nr_inodes=99"} <= set(data), data)
    refused(t, with_mounts(spec(), tmpfs("/mnt", "no-such-option")), AT, "EINVAL")
    refused(t, with_mounts(spec(), bind(volume(t), "/mnt", "size=1m")), AT)


@row("MNT-15")
def options_are_those_of_mount(t):
    """mount(8) itself, with the same words, is the judge."""
    for options in (["nosuid", "nodev", "noexec", "mode=700"], ["ro", "noatime", "nodiratime"], ["sync", "dirsync"],
                    ["strictatime", "lazytime"], ["relatime", "suid", "exec", "dev", "rw"], ["defaults"],
                    ["silent", "iversion", "nosymfollow"]):
        os.makedirs(t.path("by-mount"), exist_ok=True)
        r = t.rt("mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", t.path("by-mount"), raw=True)
        t.eq(r.rc, 0, r)
        want = [m for m in mountinfo() if m["point"] == t.path("by-mount")][-1]
        umount(t.path("by-mount"))
        with t.container(with_mounts(spec(), tmpfs("/mnt", *options))) as c:
            got = mounts_of(c)["/mnt"]
            t.eq(got["options"], want["options"], options)
            t.eq((set(got["super"]) ^ set(want["super"])) - {"ro", "rw", "mode=755"}, set(), options)


FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024}


@row("MNT-16")
def a_bind_keeps_flags(t):
    with Mount(t.path("v"), sum(FLAGS.values())) as path:
        for options, gone in (((), ()), (("ro",), ()), (("exec",), ("noexec",)),
                              (("suid", "dev"), ("nosuid", "nodev"))):
            with t.container(with_mounts(spec(), bind(path, "/mnt", *options))) as c:
                got = mounts_of(c)["/mnt"]["options"]
                t.eq({f for f in FLAGS if f in got}, set(FLAGS) - set(gone), [options, got])
                t.eq("ro" in got, "ro" in options)


@row("MNT-17", need=["userns", "devnull"])
def flags_that_a_user_namespace_cannot_change(t):
    """The kernel locks them on what the user namespace got from the host, such as its root's tree."""
    with Mount(t.path("v"), sum(FLAGS.values())) as path:
        for options in ((), ("ro",), ("ro", "nosuid")):
            with t.container(with_mounts(userns_spec(), bind(path, "/mnt", *options))) as c:
                got = mounts_of(c)["/mnt"]["options"]
                t.ok(set(FLAGS) <= set(got), (options, got))
                t.eq("ro" in got, "ro" in options)
                t.ok(in_mounts(t, c, "/bin/mount", "-o", "remount,bind,rw,suid", "/mnt").rc in (0, 1, 32, 255))


@row("MNT-18")
def the_mode_of_a_tmpfs(t):
    b = loose(t, tmpfs("/of-dir"), tmpfs("/of-option", "mode=1701"), tmpfs("/of-none"))
    for name in ("of-dir", "of-option"):
        os.mkdir(b.rootfs + "/" + name)
        os.chmod(b.rootfs + "/" + name, 0o2712)
    t.eq(says(t, "stat -c %a /of-dir /of-option /of-none", b).split(), ["2712", "1701", "1777"])


@row("MNT-19")
def a_read_only_tmpfs_is_filled_first(t):
    config = with_mounts(spec(), tmpfs("/mnt", "ro"), tmpfs("/mnt/a/b"), bind(volume(t), "/mnt/c"))
    config["linux"]["devices"] = [{"type": "p", "path": "/mnt/fifo"}]
    r = shell(t, "touch /mnt/a/b/x && cat /mnt/c/file && test -p /mnt/fifo && echo; touch /mnt/x", config)
    t.eq((r.out, r.rc), ("volume\n", 1), r)
    t.has(r.err, "Read-only")


@row("MNT-20")
def no_options(t):
    """The kernel's defaults, whatever the file system."""
    for kind, destination in (("tmpfs", "/mnt"), ("devpts", "/dev/pts"), ("proc", "/proc"), ("mqueue", "/dev/mqueue")):
        config = spec()
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != destination]
        at = [m["destination"] for m in config["mounts"]].index("/dev") + 1
        config["mounts"].insert(at, {"destination": destination, "type": kind, "source": kind})
        with t.container(config) as c:
            t.eq(mounts_of(c)[destination]["options"], ["rw", "relatime"], kind)


# ---- file systems ------------------------------------------------------------------------------------------

@row("MNT-21", views=("hybrid", "v1"))
def cgroup_v1(t):
    with t.container(spec(*FOREVER)) as c:
        there = mounts_of(c)
        t.eq(there["/sys/fs/cgroup"]["type"], "tmpfs")
        t.ok("ro" in there["/sys/fs/cgroup"]["options"])
        own = cgroup_of(c.pid)
        for name in v1_controllers():
            m = there["/sys/fs/cgroup/" + name.replace("name=", "")]
            t.eq(m["type"], "cgroup")
            t.ok({"ro", "nosuid", "nodev", "noexec"} <= set(m["options"]), m)
            t.ok(name in m["super"], m)
            if name in own and os.path.basename(own[name]) == c.id:
                t.ok(m["root"].endswith(c.id), m)


@row("MNT-22", views=("v2",))
def cgroup_v2(t):
    line = says(t, "grep ' /sys/fs/cgroup ' /proc/self/mountinfo; cat /proc/self/cgroup", spec()).split()
    t.eq((line[3], "cgroup2" in line, "ro" in line[5].split(","), line[-1]), ("/", True, True, "0::/"), line)
    config = spec()
    config["mounts"].insert(-1, {"destination": "/sys", "source": "/sys", "options": ["rbind", "ro"]})
    lines = says(t, "grep -c ' /sys/fs/cgroup ' /proc/self/mountinfo; cat /sys/fs/cgroup/cgroup.procs", config).split()
    t.eq((int(lines[0]) > 1, lines[1]), (True, "1"), lines)
    config = without_namespace(spec(*FOREVER), "cgroup")
    with t.container(config, start=True) as c:
        r = c.exec("cat", "/sys/fs/cgroup/cgroup.procs")
        t.ok("1" in r.out.split(), "its own cgroup, and not the host's: %s" % r)


@row("MNT-23")
def types(t):
    lower = volume(t, "lower")
    config = with_mounts(spec(*FOREVER), {"destination": "/mnt", "type": "overlay", "source": "overlay", "options": [
        "lowerdir=" + lower, "upperdir=" + t.path("over/upper"), "workdir=" + t.path("over/work")]},
        {"destination": "/home", "type": "ramfs", "source": "x"},
        {"destination": "/var", "type": "mqueue", "source": "q"})
    with Mount(t.path("over")):
        os.makedirs(t.path("over/upper"))
        os.makedirs(t.path("over/work"))
        with t.container(config, start=True) as c:
            there = mounts_of(c)
            t.eq({p: there[p]["type"] for p in ("/mnt", "/home", "/var", "/proc", "/sys", "/dev/pts", "/dev/shm",
                                                "/dev/mqueue")},
                 {"/mnt": "overlay", "/home": "ramfs", "/var": "mqueue", "/proc": "proc", "/sys": "sysfs",
                  "/dev/pts": "devpts", "/dev/shm": "tmpfs", "/dev/mqueue": "mqueue"})
            t.eq(c.exec("cat", "/mnt/file").out, "lower")


@row("MNT-24", need=["userns", "devnull"])
def sysfs_of_another_network(t):
    """Nothing of it can be written, the host's cgroups below neither; a cgroup mount goes on top of it as usual."""
    config = without_namespace(userns_spec(*FOREVER), "network")
    for sys in ({"type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid"]},
                {"source": "/sys", "options": ["rbind", "ro"]}):
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys"]
        config["mounts"].insert(-1, {"destination": "/sys", **sys})
        with t.container(config) as c:
            t.ok("ro" in mounts_of(c)["/sys"]["options"] and "ro" in mounts_of(c)["/sys/fs/cgroup"]["options"])
            t.ok(os.path.isdir("/proc/%d/root/sys/class/net" % c.pid))
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    config["mounts"][-1] = {"destination": "/sys", "type": "sysfs", "source": "sysfs"}
    with t.container(config) as c:
        below = [m for m in mountinfo(c.pid) if m["point"].startswith("/sys")]
        t.ok(all("ro" in m["options"] for m in below), below)


@row("MNT-25", need=["userns", "devnull"])
def sources_that_cannot_be_reached(t):
    os.mkdir(t.path("closed"), 0o700)
    path = volume(t, "closed/volume")
    os.symlink("closed/volume", t.path("link"))
    for source, destination in ((path, "/mnt"), (t.path("link"), "/mnt"), (path + "/file", "/etc/passwd")):
        config = with_mounts(userns_spec(), bind(source, destination, "ro"))
        t.eq(says(t, "cat %s" % (destination if destination != "/mnt" else "/mnt/file"), config), "closed/volume")


@row("MNT-26")
def propagation_comes_last(t):
    """Of a mount that is made read-only and slave at once, both hold, whatever the order."""
    with Mount(t.path("v"), after=SHARED) as path:
        for options in (("ro", "private", "nosuid"), ("private", "nosuid", "ro"), ("nosuid", "ro", "slave", "private")):
            with t.container(with_mounts(spec(), bind(path, "/mnt", *options))) as c:
                m = mounts_of(c)["/mnt"]
                t.eq(("ro" in m["options"], "nosuid" in m["options"], m["optional"]), (True, True, []), options)


# ---- ids ---------------------------------------------------------------------------------------------------

def owners(t, config, *paths):
    """uid:gid of paths in the container."""
    return says(t, "stat -c %u:%g " + " ".join(paths), config).split()


@row("IDM-01", "IDM-03", "IDM-07", "IDM-09")
def id_mapped_mounts(t, id):
    """With the option and without; what is made in there belongs to whom the map says."""
    path = volume(t)
    options = () if id == "IDM-07" else ("idmap",)
    t.eq(owners(t, with_mounts(spec(), bind(path, "/mnt")), "/mnt/file"), ["0:0"])
    t.eq(owners(t, with_mounts(spec(), bind(path, "/mnt", *options, **maps(0, 1000, 5))), "/mnt/file"), ["1000:1000"])
    config = with_mounts(spec(user={"uid": 1002, "gid": 1003}), bind(path, "/mnt", *options, **maps(0, 1000, 5)))
    os.chmod(path, 0o777)
    says(t, "touch /mnt/new", config)
    st = os.stat(path + "/new")
    t.eq((st.st_uid, st.st_gid), (2, 3))
    if id == "IDM-07":
        with Mount(path + "/sub"):
            config = with_mounts(spec(), bind(path, "/mnt", "rbind", **maps(0, 7, 1)))
            t.eq(owners(t, config, "/mnt", "/mnt/sub"), ["7:7", "0:0"])


@row("IDM-02")
def ridmap(t):
    path = volume(t)
    with Mount(path + "/sub"):
        for option, below in (("idmap", "0:0"), ("ridmap", "7:7")):
            config = with_mounts(spec(), bind(path, "/mnt", "rbind", option, **maps(0, 7, 1)))
            t.eq(owners(t, config, "/mnt", "/mnt/sub"), ["7:7", below], option)


@row("IDM-04")
def mappings_come_in_pairs(t):
    for kept in ("uidMappings", "gidMappings"):
        members = {kept: maps(0, 7, 1)[kept]}
        refused(t, with_mounts(spec(), bind(volume(t, kept), "/mnt", "idmap", **members)), AT)


@row("IDM-05", need=["userns", "devnull"])
def the_map_of_the_container(t):
    path = volume(t)
    t.eq(owners(t, with_mounts(userns_spec(), bind(path, "/mnt")), "/mnt/file"), ["65534:65534"])
    t.eq(owners(t, with_mounts(userns_spec(), bind(path, "/mnt", "idmap")), "/mnt/file"), ["0:0"])


@row("IDM-06")
def no_map_at_all(t):
    for option in ("idmap", "ridmap"):
        refused(t, with_mounts(spec(), bind(volume(t, option), "/mnt", option)), AT + "/options")


@row("IDM-08")
def what_has_no_ids_to_map(t):
    refused(t, with_mounts(spec(), bind("/proc", "/mnt", "idmap", **maps(0, 7, 1))), AT, "EINVAL")
    no_plan(t, with_mounts(spec(), bind("/tmp", "/mnt", "idmap", **maps(0, 7, 1))), AT, "Linux 5.12", host="hybrid-5.4")


@row("IDM-10")
def without_root(t):
    config = with_mounts(rootless_spec(uid=1000, gid=1000), bind("/tmp", "/mnt"))
    t.ok(plan(t, config, "rootless").find("mount", target="@rootfs:mnt"))
    config["mounts"][-1] = bind("/tmp", "/mnt", "idmap")
    p = plan_or_error(t, config, "rootless")
    t.eq(p.rc, 1)
    t.has(p.err, "without root")


# ---- propagation of the root -------------------------------------------------------------------------------

class SharedRoot:
    """A bundle whose root directory is a shared mount on the host; mounts there may come and go."""

    def __init__(self, t, value):
        config = spec(*FOREVER)
        config["root"]["readonly"] = False
        if value:
            config["linux"]["rootfsPropagation"] = value
        self.bundle = t.bundle(config)
        self.rootfs = self.bundle.rootfs
        self.bundle.loose = True

    def __enter__(self):
        mount(self.rootfs, self.rootfs, "none", 4096)                   # MS_BIND
        mount("none", self.rootfs, "none", SHARED)
        self.group = [m for m in mountinfo() if m["point"] == self.rootfs][-1]["optional"]
        self.before = [dict(m) for m in mountinfo()]
        return self

    def __exit__(self, *exc):
        for m in reversed([m for m in mountinfo() if m["point"].startswith(self.rootfs)]):
            umount(m["point"])


def ways(t, value):
    """Where mounts go: from the host's rootfs/mnt into the container, and from the container's /home to the host."""
    with SharedRoot(t, value) as root, t.container(root.bundle, start=True) as c:
        seen = {"shared with the host"} if set(root.group) & set(mounts_of(c)["/"]["optional"]) else set()
        mount("tmpfs", root.rootfs + "/mnt", "tmpfs", 0, "")
        seen |= {"in"} if "/mnt" in mounts_of(c) else set()
        t.eq(in_mounts(t, c, "/bin/mount", "-t", "tmpfs", "x", "/home").rc, 0)
        seen |= {"out"} if [m for m in mountinfo() if m["point"] == root.rootfs + "/home"] else set()
        return seen, mounts_of(c)["/"]["optional"]


@row("PRP-01")
def shared(t):
    with t.container(spec(*FOREVER)) as c:
        t.ok(not any(w.startswith("shared:") for w in mounts_of(c)["/"]["optional"]))
    seen, words = ways(t, "shared")
    t.ok(any(w.startswith("shared:") for w in words), words)
    t.ok("out" not in seen and "shared with the host" not in seen, seen)


@row("PRP-02")
def slave(t):
    seen, words = ways(t, "slave")
    t.eq(seen, {"in"}, words)
    t.ok(any(w.startswith("master:") for w in words) and not any(w.startswith("shared:") for w in words), words)


@row("PRP-03")
def private(t):
    t.eq(ways(t, "private"), (set(), []))


@row("PRP-04")
def unbindable(t):
    seen, words = ways(t, "unbindable")
    t.eq((seen, words), (set(), ["unbindable"]))
    for value, can in (("private", True), ("unbindable", False)):
        config = spec(*FOREVER)
        config["linux"]["rootfsPropagation"] = value
        with t.container(config, start=True) as c:
            t.eq(in_mounts(t, c, "/bin/mount", "--bind", "/", "/mnt").rc == 0, can, value)


@row("PRP-05")
def no_other_value(t):
    for value in ("public", "bind", "SHARED", " shared", "ro"):
        config = spec()
        config["linux"]["rootfsPropagation"] = value
        refused(t, config, "/linux/rootfsPropagation")


@row("PRP-06")
def absent(t):
    seen, words = ways(t, None)
    t.ok("out" not in seen and "shared with the host" not in seen, (seen, words))
    t.ok(not any(w.startswith("shared:") for w in words), words)


@row("PRP-07")
def the_host_keeps_its_mounts(t):
    for value in ("shared", "slave", "private", "unbindable", None):
        with SharedRoot(t, value) as root:
            with t.container(root.bundle, start=True) as c:
                t.eq(mounts_of(c)["/dev/shm"]["type"], "tmpfs")
                t.eq([m for m in mountinfo() if m not in root.before], [], value)
                t.eq([m for m in root.before if m not in mountinfo()], [], value)
            t.eq(mountinfo(), root.before, value)


# ---- masked and read-only paths ----------------------------------------------------------------------------

def masking(*paths, readonly=()):
    config = spec()
    config["linux"]["maskedPaths"], config["linux"]["readonlyPaths"] = list(paths), list(readonly)
    return config


@row("MSK-01")
def masked_paths(t):
    script = """test -s /etc/passwd || echo empty; cat /etc/passwd; stat -c '%F %t:%T' /etc/passwd
        ls -A /home; touch /home/x 2>/dev/null || echo sealed; ls -A /bin | head -1"""
    config = masking("/etc/passwd", "/home")
    config["root"]["readonly"] = False
    t.ok("root" in says(t, "cat /etc/passwd", spec()))
    b = t.bundle(config)
    os.mkdir(b.rootfs + "/home/secret")
    t.eq(says(t, script, b).splitlines()[:3], ["empty", "character special file 1:3", "sealed"])


@row("MSK-02", "ROP-02")
def paths_are_absolute(t, id):
    config = masking("etc/passwd") if id == "MSK-02" else masking(readonly=["etc/passwd"])
    refused(t, config, "/linux/" + ("maskedPaths" if id == "MSK-02" else "readonlyPaths"))


@row("MSK-03", "ROP-03")
def missing_paths_are_skipped(t, id):
    paths = ["/no/such/path", "/etc/passwd/below-a-file", "/nowhere"]
    config = masking(*paths) if id == "MSK-03" else masking(readonly=paths)
    t.eq(says(t, "test -e /nowhere || echo nothing", config), "nothing\n")


@row("MSK-04")
def the_null_device_is_the_real_one(t):
    """Not what the image has in its place."""
    config = masking("/etc/passwd")
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
    fake = t.path("dev")
    os.mkdir(fake)
    write(fake + "/null", "fake", 0o666)
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(fake + "/" + name)
    config["mounts"].insert(1, bind(fake, "/dev"))
    t.eq(says(t, "stat -c '%F %t:%T' /etc/passwd; cat /dev/null", config), "character special file 1:3\nfake")
    write(fake + "/null", "fake")


@row("MSK-05")
def masked_twice(t):
    config = masking("/etc/passwd", "/home", "/etc/passwd", "/home", "/etc/../etc/passwd")
    t.eq(says(t, "cat /etc/passwd; ls -A /home; echo end", config), "end\n")


@row("MSK-06")
def links_in_masked_paths(t):
    b = t.bundle(masking("/link/file", "/up/passwd"))
    os.symlink(t.canary, b.rootfs + "/link")                # the host's, if it were followed there
    os.makedirs(b.rootfs + t.canary)
    write(b.rootfs + t.canary + "/file", "secret", 0o644)
    os.symlink("../../../../etc", b.rootfs + "/up")
    t.eq(says(t, "cat %s/file /etc/passwd; echo end" % t.canary, b), "end\n")
    t.ok("do not touch" in read(t.canary + "/file"))


@row("ROP-01")
def read_only_paths(t):
    """With what is mounted below, and what options the mount had before."""
    config = masking(readonly=["/home", "/etc/passwd", "/proc/sys"])
    config["root"]["readonly"] = False
    with_mounts(config, tmpfs("/home", "nosuid", "noexec"))
    b = t.bundle(config)
    b.loose = True
    r = shell(t, "touch /home/x; echo x >/etc/passwd; touch /etc/new && echo written; true", b)
    t.eq((r.out, r.err.count("Read-only")), ("written\n", 2), r)
    with t.container(config) as c:
        got = mounts_of(c)["/home"]["options"]
        t.ok({"ro", "nosuid", "noexec"} <= set(got), got)
        t.ok("ro" in mounts_of(c)["/proc/sys"]["options"])


@row("ROP-04")
def masked_and_read_only(t):
    config = masking("/etc/passwd", "/home", readonly=["/etc/passwd", "/home"])
    t.eq(says(t, "cat /etc/passwd; ls -A /home; echo end", config), "end\n")
