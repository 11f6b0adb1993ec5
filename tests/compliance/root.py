"""root.py - the root file system, host and domain names, default file systems."""
from kit import *


@row("ROOT-01")
def root_path_is_required(t):
    config = spec("true")
    del config["root"]["path"]
    refused(t, config, "/root/path")
    for wrong in ("", "none", "rootfs/none", "rootfs/bin/busybox", "rootfs/none/../bin"):
        config["root"]["path"] = wrong
        refused(t, config, "/root/path")


@row("ROOT-02")
def root_path_that_is_a_symlink(t):
    b = t.bundle(spec("true"))
    os.symlink("rootfs", b.path + "/link")
    os.symlink("/", b.path + "/host")
    for path in ("link", "host", b.path + "/link"):
        b.config["root"]["path"] = path
        b.save()
        refused(t, b, "/root/path")


@row("ROOT-03")
def root_is_read_only_on_request(t):
    config = spec()
    for readonly in (True, False, None):
        config["root"].pop("readonly", None)
        if readonly is not None:
            config["root"]["readonly"] = readonly
        b = t.bundle(config)
        b.loose = not readonly
        r = shell(t, "touch /file && echo written; touch /dev/shm/file && echo mount", b)
        t.eq(r.out.split(), ["mount"] if readonly else ["written", "mount"], r)
        t.eq(os.path.exists(b.rootfs + "/file"), not readonly)


@row("ROOT-04")
def the_old_root_is_out_of_reach(t):
    for options in ((), ("--no-pivot",)):
        config = spec(*FOREVER)
        with t.container(config, *options, start=True) as c:
            known = [m["destination"] for m in config["mounts"]]
            known += config["linux"]["maskedPaths"] + config["linux"]["readonlyPaths"] + ["/", "/sys/fs/cgroup"]
            text = c.exec("cat", "/proc/self/mountinfo").out
            seen = [line.split(" ")[4] for line in text.splitlines()]
            strange = [p for p in seen if p not in known and not p.startswith("/sys/fs/cgroup/")]
            t.eq(("/" in seen, strange), (True, []), options)
            t.ok(not os.path.exists("/proc/%d/root%s" % (c.pid, t.canary)), "the host's files")
            t.eq(c.exec("sh", "-c", "cd ..; ls -d bin; stat -c %i / /.. /../..").out.split()[0], "bin")
            t.eq(len(set(c.exec("stat", "-c", "%d:%i", "/", "/..", "/../..").out.split())), 1)
            for place in ("/", t.dir):
                t.ok(os.stat("/proc/%d/root" % c.pid).st_ino == os.stat(c.bundle.rootfs).st_ino, place)


@row("ROOT-05")
def without_a_mount_namespace(t):
    config = without_namespace(spec(*FOREVER), "mount")
    config["mounts"] = []
    config["linux"].update(maskedPaths=[], readonlyPaths=[])
    config["root"]["readonly"] = False
    b = t.bundle(config)
    b.loose = True
    before = [(m["id"], m["point"]) for m in mountinfo()]
    with t.container(b, start=True) as c:
        t.eq(os.readlink("/proc/%d/root" % c.pid), b.rootfs)
        t.eq(os.readlink("/proc/%d/ns/mnt" % c.pid), os.readlink("/proc/self/ns/mnt"))
        t.eq([(m["id"], m["point"]) for m in mountinfo()], before)


@row("ROOT-06")
def nothing_propagates_to_the_host(t):
    b = t.bundle(spec(*FOREVER))
    mount(b.path, b.path, "none", 0x1000)                   # MS_BIND
    mount("none", b.path, "none", 1 << 20)                  # MS_SHARED
    try:
        for propagation in (None, "private", "slave", "unbindable", "shared"):
            b.config["linux"]["rootfsPropagation"] = propagation
            b.save()
            before = sorted(m["point"] for m in mountinfo())
            with t.container(b, start=True) as c:
                t.ok("/proc" in mounts_of(c), "the container has its mounts")
                t.eq(sorted(m["point"] for m in mountinfo()), before, propagation)
            t.eq(sorted(m["point"] for m in mountinfo()), before, propagation)
    finally:
        umount(b.path)


@row("UTS-01")
def hostname(t):
    t.eq(says(t, "hostname; cat /proc/sys/kernel/hostname", spec()), "husk\nhusk\n")
    before = os.uname().nodename
    refused(t, without_namespace(spec("true"), "uts"), "/hostname")
    t.eq(os.uname().nodename, before)
    config = spec()
    del config["hostname"]
    t.eq(says(t, "hostname", config), before + "\n")


@row("UTS-02")
def domainname(t):
    config = spec()
    config["domainname"] = "example.org"
    t.eq(says(t, "cat /proc/sys/kernel/domainname", config), "example.org\n")
    before = read("/proc/sys/kernel/domainname")
    config = without_namespace(spec("true"), "uts")
    del config["hostname"]
    accepted(t, dict(config, process=spec(*FOREVER)["process"]))
    config["domainname"] = "example.org"
    refused(t, config, "/domainname")
    t.eq(read("/proc/sys/kernel/domainname"), before)


@row("DFS-01")
def default_file_systems(t):
    wanted = {"/proc": "proc", "/sys": "sysfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs"}
    with t.container() as c:
        there = mounts_of(c)
        t.eq({p: there[p]["type"] for p in wanted if p in there}, wanted)
