"""mount_options.py - each option of a mount: what /proc/self/mountinfo of the container says of the mounts with it.

A tree is two tmpfs, one on the other, that the container has as a bind mount at /mnt; what is true of the upper one
alone is not recursive.
"""
from kit import *

BIT = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "nosymfollow": 256,
       "relatime": 1 << 21, "strictatime": 1 << 24}
SHARED = 1 << 20


class Tree:
    """The two tmpfs, with these options, shared or not; gone at the end of the block."""

    def __init__(self, t, *options, shared=False):
        self.top = t.path("tree%d" % t.count)
        t.count += 1
        flags = sum(BIT[o] for o in options)
        os.mkdir(self.top)
        mount("tmpfs", self.top, "tmpfs", flags & ~BIT["ro"], "mode=755")
        os.mkdir(self.top + "/sub")
        mount("tmpfs", self.top + "/sub", "tmpfs", flags, "mode=755")
        if flags & BIT["ro"]:
            mount("tmpfs", self.top, "tmpfs", flags | 32, "")               # MS_REMOUNT
        for path in (self.top, self.top + "/sub") if shared else ():
            mount("none", path, "none", SHARED)

    def __enter__(self):
        return self.top

    def __exit__(self, *exc):
        umount(self.top + "/sub")
        umount(self.top)


def tmpfs(*options):
    return {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def bind(source, *options, recursive=False):
    return {"destination": "/mnt", "source": source, "options": ["rbind" if recursive else "bind", *options]}


def seen(t, *mounts):
    """What the container has: mounts_of."""
    config = spec(*FOREVER)
    config["mounts"] += mounts
    with t.container(config) as c:
        return mounts_of(c)


def both(t, source, *options):
    """The mount options of a recursive bind, and of what is below."""
    there = seen(t, bind(source, *options, recursive=True))
    return there["/mnt"]["options"], there["/mnt/sub"]["options"]


# ---- one flag ----------------------------------------------------------------------------------------------

SETS = {"MOP-13": "noatime", "MOP-14": "nodev", "MOP-15": "nodiratime", "MOP-16": "noexec", "MOP-22": "nosuid",
        "MOP-23": "nosymfollow", "MOP-40": "ro"}
CLEARS = {"MOP-02": ("atime", "noatime"), "MOP-05": ("dev", "nodev"), "MOP-06": ("diratime", "nodiratime"),
          "MOP-08": ("exec", "noexec"), "MOP-51": ("rw", "ro"), "MOP-56": ("suid", "nosuid"),
          "MOP-57": ("symfollow", "nosymfollow")}


@row(*SETS)
def a_flag_is_set(t, id):
    """On a file system and on a bind mount; of a tree only at its top. What did not ask for it has it not."""
    option = SETS[id]
    t.ok(option not in seen(t, tmpfs())["/mnt"]["options"])
    t.ok(option in seen(t, tmpfs(option))["/mnt"]["options"])
    with Tree(t) as source:
        top, below = both(t, source)
        t.ok(option not in top + below, (top, below))
        top, below = both(t, source, option)
        t.eq((option in top, option in below), (True, False), [top, below])


@row(*CLEARS)
def a_flag_is_cleared(t, id):
    """What was set before, and what the source has; of a tree only at its top."""
    option, flag = CLEARS[id]
    t.ok(flag in seen(t, tmpfs(flag))["/mnt"]["options"])
    t.ok(flag not in seen(t, tmpfs(flag, option))["/mnt"]["options"])
    with Tree(t, flag) as source:
        top, below = both(t, source)
        t.ok(flag in top and flag in below, (top, below))
        top, below = both(t, source, option)
        t.eq((flag in top, flag in below), (False, True), [top, below])


@row("MOP-29")
def relatime(t):
    with Tree(t, "noatime") as source:
        top, below = both(t, source, "relatime")
        t.eq(("relatime" in top, "noatime" in top, "noatime" in below), (True, False, True), [top, below])


@row("MOP-55")
def strictatime(t):
    t.ok("relatime" in seen(t, tmpfs())["/mnt"]["options"])
    t.eq([o for o in seen(t, tmpfs("strictatime"))["/mnt"]["options"] if "atime" in o], [])
    with Tree(t, "noatime") as source:
        top, _ = both(t, source, "strictatime")
        t.eq([o for o in top if "atime" in o], [])


@row("MOP-20")
def norelatime(t):
    """Nothing takes its place: the kernel's default is relatime."""
    t.ok("relatime" in seen(t, tmpfs("norelatime"))["/mnt"]["options"])
    t.ok("relatime" in seen(t, tmpfs("relatime", "norelatime"))["/mnt"]["options"])
    t.ok("noatime" in seen(t, tmpfs("noatime", "norelatime"))["/mnt"]["options"])


@row("MOP-21")
def nostrictatime(t):
    t.ok("relatime" not in seen(t, tmpfs("strictatime"))["/mnt"]["options"])
    t.ok("relatime" in seen(t, tmpfs("strictatime", "nostrictatime"))["/mnt"]["options"])


# ---- flags of the file system ------------------------------------------------------------------------------

@row("MOP-07", "MOP-10", "MOP-58")
def super_options(t, id):
    option = {"MOP-07": "dirsync", "MOP-10": "lazytime", "MOP-58": "sync"}[id]
    t.ok(option not in seen(t, tmpfs())["/mnt"]["super"])
    t.ok(option in seen(t, tmpfs(option))["/mnt"]["super"])


@row("MOP-01", "MOP-18")
def super_options_cleared(t, id):
    option, flag = {"MOP-01": ("async", "sync"), "MOP-18": ("nolazytime", "lazytime")}[id]
    t.ok(flag in seen(t, tmpfs(flag))["/mnt"]["super"])
    t.ok(flag not in seen(t, tmpfs(flag, option))["/mnt"]["super"])
    t.ok(flag in seen(t, tmpfs(option, flag))["/mnt"]["super"])


@row("MOP-09", "MOP-11", "MOP-12", "MOP-17", "MOP-19", "MOP-53")
def flags_that_the_kernel_does_not_show(t, id):
    """They are no data for the file system, which would refuse them. The plan has the flag, or no more."""
    option, flag, on = {"MOP-09": ("iversion", "iversion", True), "MOP-17": ("noiversion", "iversion", False),
                        "MOP-12": ("mand", "mand", True), "MOP-19": ("nomand", "mand", False),
                        "MOP-53": ("silent", "silent", True), "MOP-11": ("loud", "silent", False)}[id]
    t.eq(seen(t, tmpfs("size=64k", option))["/mnt"]["type"], "tmpfs")
    if is_husk():
        config = spec()
        config["mounts"].append(tmpfs(*([flag] if not on else []), option))
        op = plan(t, config).one("mount", target="@rootfs:mnt")
        t.eq((flag in op.get("flags", []), op.get("data", "")), (on, ""))


@row("MOP-04")
def defaults(t):
    """As if it were not there."""
    t.eq(seen(t, tmpfs("defaults"))["/mnt"]["options"], seen(t, tmpfs())["/mnt"]["options"])
    with Tree(t, "noexec") as source:
        t.eq(both(t, source, "defaults"), both(t, source))


# ---- binds -------------------------------------------------------------------------------------------------

@row("MOP-03", "MOP-26")
def binds(t, id):
    with Tree(t) as source:
        there = seen(t, bind(source, recursive=id == "MOP-26"))
        t.eq(("/mnt" in there, "/mnt/sub" in there), (True, id == "MOP-26"))
        t.eq(there["/mnt"]["type"], "tmpfs")


@row("MOP-30")
def remount(t):
    there = seen(t, tmpfs("noexec"), {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs",
                                      "options": ["remount", "ro", "noexec"]})
    t.ok("ro" in there["/mnt"]["options"] and "noexec" in there["/mnt"]["options"], there["/mnt"])
    config = spec()
    config["mounts"].append({"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "ro"]})
    refused(t, config, "/mounts/7", "EINVAL")


@row("MOP-59")
def tmpcopyup(t):
    for options in (["tmpcopyup"], ["tmpcopyup", "ro", "size=1m"]):
        config = spec("sh", "-c", "cat /etc/passwd; grep -c ' /etc tmpfs' /proc/self/mounts")
        config["mounts"].append({"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": options})
        r = t.run(config)
        t.eq((r.rc, r.out.splitlines()[0], r.out.splitlines()[-1]), (0, "root:x:0:0:root:/root:/bin/sh", "1"), r)
    config = spec()
    config["mounts"].append({"destination": "/etc", "source": "/etc", "options": ["bind", "tmpcopyup"]})
    refused(t, config, "/mounts/7")


# ---- the whole tree ----------------------------------------------------------------------------------------

RECURSIVE_SETS = {"MOP-32": ("rnoatime", "noatime"), "MOP-33": ("rnodiratime", "nodiratime"),
                  "MOP-34": ("rnodev", "nodev"), "MOP-35": ("rnoexec", "noexec"), "MOP-38": ("rnosuid", "nosuid"),
                  "MOP-39": ("rnosymfollow", "nosymfollow")}
RECURSIVE_CLEARS = {"MOP-25": ("ratime", "noatime"), "MOP-27": ("rdev", "nodev"), "MOP-28": ("rdiratime", "nodiratime"),
                    "MOP-31": ("rexec", "noexec"), "MOP-44": ("rrw", "ro"), "MOP-48": ("rsuid", "nosuid"),
                    "MOP-49": ("rsymfollow", "nosymfollow")}


@row(*RECURSIVE_SETS)
def all_of_a_tree_gets_a_flag(t, id):
    option, flag = RECURSIVE_SETS[id]
    with Tree(t) as source:
        for options, want in (((), False), ((option,), True)):
            top, below = both(t, source, *options)
            t.eq((flag in top, flag in below), (want, want), [options, top, below])
    t.ok(flag in seen(t, tmpfs(option))["/mnt"]["options"])


@row(*RECURSIVE_CLEARS)
def all_of_a_tree_loses_a_flag(t, id):
    option, flag = RECURSIVE_CLEARS[id]
    with Tree(t, flag) as source:
        for options, want in (((), True), ((option,), False)):
            top, below = both(t, source, *options)
            t.eq((flag in top, flag in below), (want, want), [options, top, below])


@row("MOP-43")
def rro(t):
    """Not only shown: written to is neither."""
    with Tree(t) as source:
        config = spec()
        config["mounts"].append(bind(source, "rro", recursive=True))
        r = shell(t, "touch /mnt/a; touch /mnt/sub/a; true", config)
        t.eq(r.err.count("Read-only file system"), 2, r)
        t.eq(os.listdir(source + "/sub"), [])
        config["mounts"][-1] = bind(source, "ro", recursive=True)
        shell(t, "touch /mnt/a; touch /mnt/sub/a; true", config)
        t.eq((os.listdir(source), os.listdir(source + "/sub")), (["sub"], ["a"]))


@row("MOP-36", "MOP-37", "MOP-42", "MOP-47")
def recursive_access_times(t, id):
    """(what the source has, the option, what all have then)"""
    source, option, want = {"MOP-36": ("relatime", "rnorelatime", "relatime"),
                            "MOP-37": ("strictatime", "rnostrictatime", "relatime"),
                            "MOP-42": ("noatime", "rrelatime", "relatime"),
                            "MOP-47": ("noatime", "rstrictatime", None)}[id]
    with Tree(t, source) as path:
        for options in both(t, path, option):
            t.eq([o for o in options if "atime" in o], [want] if want else [], options)
        before = [o for o in both(t, path)[1] if "atime" in o]
        t.eq(before, [] if source == "strictatime" else [source])


@row("MOP-62")
def not_on_an_old_kernel(t):
    for option in ("rro", "rnoatime", "rsuid"):
        config = spec()
        config["mounts"].append(bind("/tmp", option, recursive=True))
        no_plan(t, config, "/mounts/7", "mount_setattr(2)", host="old-4.9")
    t.eq(plan(t, config).one("mount", target="@rootfs:mnt")["rec_clear"], ["nosuid"])


# ---- propagation -------------------------------------------------------------------------------------------

def kinds(words):
    """shared:5 master:6 as a set of words without numbers."""
    return {w.split(":")[0] for w in words}


def propagation(t, source, *options):
    there = seen(t, bind(source, *options, recursive=True))
    return kinds(there["/mnt"]["optional"]), kinds(there["/mnt/sub"]["optional"])


@row("MOP-52", "MOP-45")
def shared(t, id):
    recursive = id == "MOP-45"
    option = "rshared" if recursive else "shared"
    with Tree(t) as source:
        t.eq(propagation(t, source), (set(), set()))
        t.eq(propagation(t, source, option), ({"shared"}, {"shared"} if recursive else set()))
    t.eq(kinds(seen(t, tmpfs(option))["/mnt"]["optional"]), {"shared"})
    if is_husk():               # what would be shared with nobody is not what was asked for
        config = spec()
        config["mounts"].append(bind("/tmp", option, recursive=True))
        no_plan(t, config, "/mounts/7", "open_tree(2)", host="old-4.9")


@row("MOP-54", "MOP-46")
def slave(t, id):
    """Of what was shared, with the host; below it only the recursive one."""
    recursive = id == "MOP-46"
    with Tree(t, shared=True) as source:
        top, below = propagation(t, source, "rshared")
        t.ok("shared" in top and "shared" in below, (top, below))
        top, below = propagation(t, source, "rshared", "rslave" if recursive else "slave")
        t.eq((top, "shared" in below), ({"master"}, not recursive), [top, below])
        t.ok("master" in below or not recursive, below)


@row("MOP-24", "MOP-41")
def private(t, id):
    recursive = id == "MOP-41"
    with Tree(t, shared=True) as source:
        top, below = propagation(t, source)
        t.ok("master" in top and "master" in below, (top, below))
        top, below = propagation(t, source, "rprivate" if recursive else "private")
        t.eq((top, "master" in below), (set(), not recursive), [top, below])


@row("MOP-60", "MOP-50")
def unbindable(t, id):
    recursive = id == "MOP-50"
    option = "runbindable" if recursive else "unbindable"
    with Tree(t) as source:
        t.eq(propagation(t, source, option), ({"unbindable"}, {"unbindable"} if recursive else set()))
    t.eq(kinds(seen(t, tmpfs(option))["/mnt"]["optional"]), {"unbindable"})


# ---- several -----------------------------------------------------------------------------------------------

@row("MOP-61")
def the_last_one_counts(t):
    for options, want in ((("ro", "rw"), False), (("rw", "ro"), True)):
        t.eq("ro" in seen(t, tmpfs(*options))["/mnt"]["options"], want, options)
    for options, want in ((("noexec", "exec", "noexec"), True), (("exec", "noexec", "exec"), False)):
        t.eq("noexec" in seen(t, tmpfs(*options))["/mnt"]["options"], want, options)
    with Tree(t) as source:
        for options, want in ((("rro", "rrw"), False), (("rrw", "rro"), True)):
            t.eq(["ro" in o for o in both(t, source, *options)], [want, want], options)
        for options, want in ((("rnoatime", "rrelatime"), "relatime"), (("rrelatime", "rnoatime"), "noatime")):
            t.eq([[w for w in o if "atime" in w] for o in both(t, source, *options)], [[want], [want]], options)
        t.eq(propagation(t, source, "rshared", "rprivate"), (set(), set()))
        t.eq(propagation(t, source, "private", "shared"), ({"shared"}, set()))
