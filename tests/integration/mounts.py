#!/usr/bin/python3
"""mounts.py - mounts that need more than mount(2): id-mapped ones, sources that the container's root cannot reach,
events that go to the host and come from it, a tmpfs that starts with what it covers."""
import os
import struct
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

SHARED_FLAG, SLAVE_FLAG = 1 << 20, 1 << 19


def bind(source, destination, *options, **members):
    return {"source": source, "destination": destination, "options": ["bind", *options], **members}


def maps(*rows):
    """uidMappings and gidMappings of a mount: (id in the file, id that it is seen as on the host, how many)."""
    same = [{"containerID": a, "hostID": b, "size": n} for a, b, n in rows]
    return {"uidMappings": same, "gidMappings": same}


def with_mounts(config, *mounts):
    config["mounts"] += list(mounts)
    return config


def volume(t, name="volume", owner=0):
    """A directory of ours, a tmpfs, with the file `own` in it."""
    path = t.path(name)
    os.mkdir(path)
    write(path + "/own", name, 0o644)
    os.chown(path + "/own", owner, owner)
    os.chown(path, owner, owner)
    return path


class Mount:
    """A tmpfs for a `with` block; also what others put below it goes."""

    def __init__(self, path, flags=0):
        self.path = path
        os.makedirs(path, exist_ok=True)
        mount("tmpfs", path, "tmpfs", 0, "mode=755")
        if flags:
            mount("none", path, "none", flags)

    def __enter__(self):
        return self.path

    def __exit__(self, *exc):
        for m in reversed([m for m in mountinfo() if (m["point"] + "/").startswith(self.path + "/")]):
            umount(m["point"])


def mount_of(pid, point):
    found = [m for m in mountinfo(pid) if m["point"] == point]
    return found[-1] if found else None


def inside(pid, path):
    return "/proc/%d/root%s" % (pid, path)


def in_mounts_of(t, pid, *command):
    """A command of the host in the mount namespace and root of a container."""
    r = t.rt("nsenter", "-t", pid, "-m", "--root", *command, raw=True)
    if r.rc:
        raise Fail("nsenter %s: %s" % (" ".join(command), r))


# ids

@test
def ids_of_a_mount_are_mapped(t):
    """On the way in and on the way out; the source keeps its own."""
    path = volume(t, owner=0)
    config = with_mounts(spec("sh", "-c", "stat -c %u:%g /mnt/own; touch /mnt/new; id -u",
                              user={"uid": 1000, "gid": 1000}),
                         bind(path, "/mnt", "idmap", **maps((0, 1000, 10))))
    r = t.run(config)
    t.eq((r.rc, r.out.split()), (0, ["1000:1000", "1000"]), r)
    st = os.stat(path + "/new")
    t.eq((st.st_uid, st.st_gid), (0, 0))


@test
def mappings_alone_are_enough(t):
    path = volume(t)
    r = t.run(with_mounts(spec("stat", "-c", "%u", "/mnt/own"), bind(path, "/mnt", **maps((0, 77, 1)))))
    t.eq((r.rc, r.out.strip()), (0, "77"), r)


@test(need=["userns", "devnull"])
def the_mapping_of_the_container(t):
    """What root of the host owns is root's in the container, too, and what it makes there is root's on the host."""
    path = volume(t)
    r = t.sh("stat -c %u:%g /mnt/own; touch /mnt/new", with_mounts(userns_spec(), bind(path, "/mnt", "idmap")))
    t.eq((r.rc, r.out.split()), (0, ["0:0"]), r)
    t.eq(os.stat(path + "/new").st_uid, 0)
    r = t.sh("stat -c %u:%g /mnt/own", with_mounts(userns_spec(), bind(path, "/mnt")))
    t.eq(r.out.split(), ["65534:65534"], r)


@test(need=["userns", "devnull"])
def the_mapping_of_a_joined_user_namespace(t):
    path = volume(t)
    with t.container(userns_spec("sleep", "1000"), start=True) as first:
        config = with_mounts(spec("stat", "-c", "%u", "/mnt/own"), bind(path, "/mnt", "idmap"))
        config["linux"]["namespaces"].append({"type": "user", "path": "/proc/%d/ns/user" % first.pid})
        for n in config["linux"]["namespaces"]:
            if n["type"] in ("network", "ipc"):
                n["path"] = "/proc/%d/ns/%s" % (first.pid, "net" if n["type"] == "network" else "ipc")
        r = t.run(config)
        t.eq((r.rc, r.out.strip()), (0, "0"), r)


@test
def ridmap_holds_below_idmap_does_not(t):
    path = volume(t)
    with Mount(path + "/sub"):
        write(path + "/sub/file", "")
        for option, below in (("idmap", "0"), ("ridmap", "5")):
            config = with_mounts(spec("stat", "-c", "%u", "/mnt/own", "/mnt/sub/file"),
                                 bind(path, "/mnt", "rbind", option, **maps((0, 5, 1))))
            r = t.run(config)
            t.eq((r.rc, r.out.split()), (0, ["5", below]), "%s: %s" % (option, r))


@test
def several_mounts_with_two_mappings(t):
    a, b = volume(t, "a"), volume(t, "b", owner=3)
    config = spec("stat", "-c", "%u", "/m1/own", "/m2/own", "/m3/own")
    with_mounts(config, bind(a, "/m1", "idmap", **maps((0, 11, 1))), bind(a, "/m2", "idmap", **maps((0, 11, 1))),
                bind(b, "/m3", "idmap", **maps((3, 12, 1))))
    config["root"]["readonly"] = False
    bundle = t.bundle(config)
    for name in ("m1", "m2", "m3"):
        os.mkdir(bundle.rootfs + "/" + name)
    r = t.run(bundle)
    t.eq((r.rc, r.out.split()), (0, ["11", "11", "12"]), r)


@test(need=["husk"])
def id_maps_that_cannot_be(t):
    path = volume(t)
    tmpfs = {"type": "tmpfs", "destination": "/mnt", "options": ["idmap"], **maps((0, 1, 1))}
    at = "/mounts/%d" % len(spec()["mounts"])
    t.fails(t.run(with_mounts(spec("true"), tmpfs)), at, "only a bind mount")
    t.fails(t.run(with_mounts(spec("true"), bind(path, "/mnt", "idmap"))), at + "/options")
    # proc cannot be mapped: the kernel says so, we say where.
    t.fails(t.run(with_mounts(spec("true"), bind("/proc", "/mnt", "idmap", **maps((0, 1, 1))))), at, "EINVAL",
            "clone mount /proc: in the parent")


# sources and places that root of a user namespace cannot reach

@test(need=["userns", "devnull"])
def a_source_below_a_closed_directory(t):
    os.mkdir(t.path("closed"), 0o700)
    path = volume(t, "closed/volume")
    os.symlink("closed/volume", t.path("link"))
    for source in (path, t.path("link")):
        r = t.run(with_mounts(userns_spec("cat", "/mnt/own"), bind(source, "/mnt", "ro", "nosuid")))
        t.eq((r.rc, r.out), (0, "closed/volume"), r)


@test(need=["userns", "devnull"])
def a_root_directory_below_a_closed_directory(t):
    """Without pivot_root(2) it has to be reached, since it must lie at its place."""
    os.mkdir(t.path("closed"), 0o700)
    bundle = t.bundle(userns_spec("sh", "-c", "ls /bin/sh; id -u"))
    os.rename(bundle.rootfs, t.path("closed/rootfs"))
    bundle.config["root"]["path"] = t.path("closed/rootfs")
    bundle.save()
    r = t.run(bundle)
    t.eq((r.rc, r.out.split()), (0, ["/bin/sh", "0"]), r)
    if is_husk():
        t.fails(t.run(bundle, "--no-pivot"), "/root/path", "EACCES")


@test(need=["userns", "devnull"])
def hooks_find_the_root_of_a_user_namespace(t):
    config = userns_spec("cat", "/tmp/from-hook")
    config["mounts"].append({"type": "tmpfs", "destination": "/tmp", "options": ["mode=1777"]})
    config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "echo here > tmp/from-hook"]}]}
    bundle = t.bundle(config)
    config["hooks"]["createContainer"][0]["args"][2] = "echo here > %s/tmp/from-hook" % bundle.rootfs
    bundle.save()
    r = t.run(bundle)
    t.eq((r.rc, r.out.strip()), (0, "here"), r)


@test(need=["userns", "devnull"])
def devices_of_a_user_namespace_are_for_their_purpose_only(t):
    with t.container(userns_spec("sleep", "1000")) as c:
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            options = mount_of(c.pid, "/dev/" + name)["options"]
            t.ok("nosuid" in options and "noexec" in options, options)


def admin(*args):
    """A root in a user namespace that may mount."""
    config = userns_spec(*args)
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind].append("CAP_SYS_ADMIN")
    return config


@test(need=["userns", "devnull"])
def what_the_host_locked_stays_locked(t):
    """Options of the host's mounts, and what they hide, are not for the root of a user namespace to take away."""
    script = """for flags in rw suid dev exec; do mount -o remount,bind,$flags /mnt && echo $flags; done
        umount /mnt/covered && cat /mnt/covered/key; echo x >/mnt/own && echo written; echo end"""
    with Mount(t.path("source")) as path:
        volume(t, "source/covered")
        write(path + "/covered/key", "key", 0o644)
        write(path + "/own", "", 0o666)
        mount("tmpfs", path + "/covered", "tmpfs", 1)
        mount("none", path, "none", 0x1020 | 1 | 2 | 4 | 8)        # remount, bind: ro, nosuid, nodev, noexec
        r = t.run(with_mounts(admin("sh", "-c", script), bind(path, "/mnt", "rbind")))
        t.eq((r.rc, r.out), (0, "end\n"), r)
        t.eq(read(path + "/own"), "")


@test(need=["userns", "devnull"])
def what_is_mounted_below_the_root_stays(t):
    bundle = t.bundle(admin("sh", "-c", "umount /data && cat /data/key; echo end"))
    bundle.loose = True
    os.mkdir(bundle.rootfs + "/data")
    write(bundle.rootfs + "/data/key", "key", 0o644)
    with Mount(bundle.rootfs + "/data"):
        r = t.run(bundle)
        t.eq((r.rc, r.out), (0, "end\n"), r)


@test(need=["husk", "userns", "devnull"])
def a_part_of_a_tree_does_not_show_what_is_covered(t):
    """So a bind that is not recursive has to be of a directory without other mounts; the kernel knows no other way."""
    with Mount(t.path("source")) as path, Mount(path + "/below"):
        r = t.run(with_mounts(admin("true"), bind(path, "/mnt")))
        t.eq(r.rc, 1, r)
        t.has(r.err, "clone mount " + path)
        t.has(r.err, "has to take what is mounted below it")
        t.eq(t.run(with_mounts(admin("true"), bind(path, "/mnt", "rbind"))).rc, 0)


@test(need=["husk", "userns", "devnull"])
def a_device_of_its_own_in_a_user_namespace(t):
    """One that the host lacks, with the mode and the owner that it asks for; the place of state may be nodev."""
    config = userns_spec("sh", "-c", "stat -c '%a %u:%g %t:%T' /dev/of-mine && echo x >/dev/of-mine && echo works")
    config["linux"]["devices"] = [{"type": "c", "path": "/dev/of-mine", "major": 1, "minor": 3, "fileMode": 0o620,
                                   "uid": 0, "gid": 7}]
    os.mkdir(t.rt.root, 0o700)
    mount("tmpfs", t.rt.root, "tmpfs", 2 | 4, "mode=700")           # nosuid, nodev
    try:
        r = t.run(config)
        t.eq((r.rc, r.out.split()), (0, ["620", "0:7", "1:3", "works"]), r)
        with t.container(config) as c:
            made = os.path.join(t.rt.root, c.id, "devices")
            t.eq((os.listdir(made), os.stat(made).st_mode & 0o777), (["0"], 0o700), "nobody else may use it")
            st = os.stat(made + "/0")
            t.eq((st.st_uid, st.st_gid), (100000, 100007))
        t.eq(os.listdir(t.rt.root), [])
    finally:
        umount(t.rt.root)


@test(need=["husk"])
def a_dev_that_leads_elsewhere(t):
    """Without a mount there, devices and links would be made where the image wants them."""
    config = spec("true")
    config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
    config["root"]["readonly"] = False
    for target in (t.canary, "/etc", "etc", "../../../.." + t.canary):
        bundle = t.bundle(config)
        os.rmdir(bundle.rootfs + "/dev")
        os.symlink(target, bundle.rootfs + "/dev")
        t.fails(t.run(bundle), "open /dev", "ENOTDIR")
        t.eq(sorted(os.listdir(bundle.rootfs + "/etc")), ["group", "passwd"])
    bundle = t.bundle(config)
    bundle.loose = True
    os.rmdir(bundle.rootfs + "/dev")
    t.eq(t.run(bundle).rc, 0)


@test(need=["devnull", "userns"])
def symlinks_that_are_not_followed(t):
    """src-nofollow and dest-nofollow, as crun has them."""
    path = volume(t)
    os.symlink("own", path + "/link")
    for make in (spec, userns_spec):
        for options, script, want in (
                (["src-nofollow", "dest-nofollow"], "readlink /target", "own"),
                (["dest-nofollow"], "cat /target", "volume"),
                (["dest-nofollow", "ro"], "readlink /target || cat /target; ls /etc", "volumegroup\npasswd"),
                ([], "readlink /target; cat /etc/made", "/etc/made\nvolume")):
            bundle = t.bundle(with_mounts(make("sh", "-c", script), bind(path + "/link", "/target", *options)))
            bundle.loose = True
            os.chmod(bundle.rootfs + "/etc", 0o777)
            os.symlink("/etc/made", bundle.rootfs + "/target")
            r = t.run(bundle)
            t.eq((r.rc, r.out.strip()), (0, want), "%s: %s" % (options, r))
    link = t.bundle(with_mounts(spec("true"), bind(path + "/link", "/proc-link/self", "src-nofollow", "dest-nofollow")))
    os.symlink("proc", link.rootfs + "/proc-link")
    r = t.run(link)
    t.eq(r.rc, 1, r)


# events

def propagation_of(t, config, source):
    """What goes which way through a bind mount of source on /mnt: ("to host", "to container") as a set."""
    seen = set()
    os.makedirs(source + "/from-host", exist_ok=True)
    os.makedirs(source + "/from-container", exist_ok=True)
    with t.container(config, start=True) as c:
        mount("tmpfs", source + "/from-host", "tmpfs", 0, "")
        if mount_of(c.pid, "/mnt/from-host"):
            seen.add("to container")
        in_mounts_of(t, c.pid, "/bin/mount", "-t", "tmpfs", "x", "/mnt/from-container")
        if mount_of("self", source + "/from-container"):
            seen.add("to host")
            umount(source + "/from-container")
        umount(source + "/from-host")
    return seen


@test
def mounts_go_both_ways(t):
    """Kubernetes' Bidirectional, HostToContainer and None; docker's rshared, rslave and rprivate."""
    host = [m["id"] for m in mountinfo()]
    with Mount(t.path("volume"), SHARED_FLAG) as path:
        for option, root, want in (("rshared", "rshared", {"to host", "to container"}),
                                   ("shared", None, {"to host", "to container"}),
                                   ("rslave", "rshared", {"to container"}),
                                   ("rslave", None, {"to container"}),
                                   ("rprivate", "rshared", set()),
                                   (None, "shared", {"to container"}),
                                   (None, None, {"to container"})):
            config = with_mounts(spec("sleep", "1000"), bind(path, "/mnt", "rbind", *([option] if option else [])))
            if root:
                config["linux"]["rootfsPropagation"] = root
            t.eq(propagation_of(t, config, path), want, [option, root])
    t.eq([m["id"] for m in mountinfo()], host)


@test(need=["husk"])
def an_image_cannot_mount_on_the_host(t):
    """What its symlinks lead into a volume that is shared with the host would be mounted there, and stay."""
    cases = {"mounts": (1, "mount tmpfs on /link/dir"), "maskedPaths": (1, "mask /link/file"),
             "readonlyPaths": (1, "mount /link/dir on /link/dir"), "below": (0, "")}
    for where, (rc, words) in cases.items():
        with Mount(t.path(where), SHARED_FLAG) as path:
            os.mkdir(path + "/dir")
            write(path + "/file", "the host's")
            config = with_mounts(spec("true"), bind(path, "/mnt", "rbind", "rshared"))
            tmpfs = {"type": "tmpfs", "source": "tmpfs", "destination": "/link/dir"}
            if where == "below":                # what the configuration asks for by name it gets
                tmpfs["destination"] = "/mnt/dir"
            if where in ("mounts", "below"):
                config["mounts"].append(tmpfs)
            else:
                config["linux"][where] = ["/link/file" if where == "maskedPaths" else "/link/dir"]
            bundle = t.bundle(config)
            bundle.loose = True
            os.symlink("/mnt", bundle.rootfs + "/link")
            r = t.run(bundle)
            t.eq(r.rc, rc, [where, r])
            t.has(r.err, words)
            seen = [m["point"] for m in mountinfo() if m["point"].startswith(path + "/")]
            t.eq(seen, [path + "/dir"] if where == "below" else [], where)


@test(need=["userns", "devnull"])
def a_user_namespace_never_mounts_on_the_host(t):
    with Mount(t.path("volume"), SHARED_FLAG) as path:
        for option in ("rshared", "rslave", "rprivate"):
            for more in ((), ("idmap",)):
                config = with_mounts(userns_spec("sleep", "1000"), bind(path, "/mnt", "rbind", option, *more))
                config["linux"]["rootfsPropagation"] = "shared"
                seen = propagation_of(t, config, path)
                t.eq(seen, set() if option == "rprivate" else {"to container"}, [option, more])


@test
def an_id_mapped_mount_keeps_to_itself(t):
    with Mount(t.path("volume"), SHARED_FLAG) as path:
        config = with_mounts(spec("sleep", "1000"), bind(path, "/mnt", "rbind", "rprivate", **maps((0, 0, 10))))
        with t.container(config) as c:
            t.eq(mount_of(c.pid, "/mnt")["optional"], [])


@test
def the_root_is_in_a_group_of_its_own(t):
    for value, want in (("shared", "shared:"), ("private", None), ("slave", None), ("unbindable", "unbindable")):
        config = spec("sleep", "1000")
        config["linux"]["rootfsPropagation"] = value
        bundle = t.bundle(config)
        groups = {w for m in mountinfo() for w in m["optional"]}
        with t.container(bundle) as c:
            words = mount_of(c.pid, "/")["optional"]
            t.ok(any(w.startswith(want) for w in words) if want else not words, (value, words))
            t.ok(not groups & set(words), (groups, words))


# tmpcopyup

SCRIPT = """cd /data; cat file; stat -c '%a %u %g %Y' file set dir dir/deep/x; readlink link; readlink abs
    test -p fifo && echo fifo; test -c null && echo null; ls -A empty | wc -l; stat -c %a .
    grep ' /data ' /proc/self/mounts | cut -d' ' -f3; touch new && echo written"""


def image_data(rootfs):
    data = rootfs + "/data"
    os.mkdir(data)
    os.chmod(data, 0o712)
    for d in ("dir", "dir/deep", "empty"):
        os.mkdir("%s/%s" % (data, d))
    write(data + "/file", "content\n", 0o646)
    os.chown(data + "/file", 7, 8)
    write(data + "/set", "", 0o644)
    os.chown(data + "/set", 9, 9)
    os.chmod(data + "/set", 0o4755)
    write(data + "/dir/deep/x", "x" * 100000, 0o600)
    os.symlink("file", data + "/link")
    os.symlink("/etc/passwd", data + "/abs")
    os.mkfifo(data + "/fifo")
    os.mknod(data + "/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    for name in ("file", "set", "dir/deep/x", "dir"):
        os.utime("%s/%s" % (data, name), (1000, 2000))
    return data


@test
def a_tmpfs_starts_with_what_it_covers(t):
    for options in (["tmpcopyup"], ["tmpcopyup", "size=8m", "nosuid"], ["tmpcopyup", "ro"]):
        bundle = t.bundle(with_mounts(spec("sh", "-c", SCRIPT),
                                      {"type": "tmpfs", "destination": "/data", "options": options}))
        data = image_data(bundle.rootfs)
        r = t.run(bundle)
        words = r.out.split()
        t.eq(words[:words.index("tmpfs") + 1],
             "content 646 7 8 2000 4755 9 9 2000 755 0 0 2000 600 0 0 2000 "
             "file /etc/passwd fifo null 0 712 tmpfs".split(), r)
        t.eq("written" in words, "ro" not in options, r)
        t.ok(not os.path.exists(data + "/new"))


@test
def a_copy_has_all_of_a_large_directory(t):
    """More names than one read gives, at each of many levels; what lies on another mount stays out."""
    bundle = t.bundle(with_mounts(spec("sh", "-c", "cd /data; find . | wc -l; ls d0/d1/d2/d3 | wc -l; ls other; "
                                       "find . -type f | sort | tail -1; cat d0/d1/d2/d3/f299"),
                                  {"type": "tmpfs", "destination": "/data/other"},
                                  {"type": "tmpfs", "destination": "/data", "options": ["tmpcopyup"]}))
    at = bundle.rootfs + "/data"
    os.mkdir(at)
    os.mkdir(at + "/other")
    for depth in range(4):
        at += "/d%d" % depth
        os.mkdir(at)
        for i in range(300):
            write("%s/f%d" % (at, i), "%d" % i)
    r = t.run(bundle)
    t.eq((r.rc, r.out.split()), (0, ["1205", "300", "./d0/f99", "299"]), r)


@test
def a_copy_keeps_attributes(t):
    bundle = t.bundle(with_mounts(spec("sleep", "1000"),
                                  {"type": "tmpfs", "destination": "/data", "options": ["tmpcopyup"]}))
    path = bundle.rootfs + "/data"
    os.mkdir(path)
    write(path + "/cap", "", 0o755)
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.chown(path + "/cap", 3, 3)
    os.setxattr(path + "/cap", "security.capability", capability)
    with t.container(bundle) as c:
        copy = inside(c.pid, "/data/cap")
        t.eq(os.stat(copy).st_uid, 3)
        t.eq(os.getxattr(copy, "security.capability"), capability)


@test
def a_copy_keeps_access_lists(t):
    bundle = t.bundle(with_mounts(spec("sleep", "1000"),
                                  {"type": "tmpfs", "destination": "/data", "options": ["tmpcopyup"]}))
    path, name = bundle.rootfs + "/data", "system.posix_acl_access"
    rows = ((1, 6, -1), (2, 7, 1000), (4, 0, -1), (0x10, 7, -1), (0x20, 0, -1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows)
    os.mkdir(path)
    write(path + "/listed", "", 0o640)
    try:
        os.setxattr(path + "/listed", name, acl)
    except OSError as e:
        raise Skip("no access lists here: %s" % e)
    with t.container(bundle) as c:
        t.eq(os.getxattr(inside(c.pid, "/data/listed"), name), acl)


@test(need=["husk"])
def a_copy_of_the_kernels_files(t):
    """What a symlink of the image leads to is not covered by a copy of itself that anybody could change."""
    for target in ("/sys/kernel", "/proc/sys"):
        bundle = t.bundle(with_mounts(spec("true"),
                                      {"type": "tmpfs", "destination": "/data", "options": ["tmpcopyup"]}))
        os.symlink(target, bundle.rootfs + "/data")
        r = t.run(bundle)
        t.eq(r.rc, 1, r)
        t.has(r.err, "EPERM")


@test
def a_copy_of_nothing(t):
    r = t.run(with_mounts(spec("sh", "-c", "stat -c %a /new/dir; ls -A /new/dir"),
                          {"type": "tmpfs", "destination": "/new/dir", "options": ["tmpcopyup"]}))
    t.eq((r.rc, r.out.split()), (0, ["1777"]), r)


@test
def a_copy_that_is_too_large_fails(t):
    bundle = t.bundle(with_mounts(spec("true"), {"type": "tmpfs", "destination": "/data",
                                                 "options": ["tmpcopyup", "size=64k"]}))
    os.mkdir(bundle.rootfs + "/data")
    write(bundle.rootfs + "/data/large", "x" * 1000000)
    r = t.run(bundle)
    t.eq(r.rc, 1, r)
    if is_husk():
        t.fails(r, "ENOSPC", "/mounts/7", "copy the covered directory to /data")


@test(need=["userns", "devnull"])
def a_copy_in_a_user_namespace(t):
    """Owners are those that it sees, of those that are not mapped nobody; device nodes are left out."""
    bundle = t.bundle(with_mounts(userns_spec("sh", "-c", "cd /data; cat file; stat -c %u file set; readlink abs; "
                                              "test -e null || echo none; test -p fifo && echo fifo"),
                                  {"type": "tmpfs", "destination": "/data", "options": ["tmpcopyup"]}))
    data = image_data(bundle.rootfs)
    os.chmod(data, 0o755)
    for top, _, files in os.walk(data):
        os.chmod(top, 0o755)
        for name in files:
            if not os.path.islink(top + "/" + name):
                os.chmod(top + "/" + name, 0o644)
    os.chown(data + "/set", 100005, 100005)
    r = t.run(bundle)
    t.eq((r.rc, r.out.split()), (0, ["content", "65534", "5", "/etc/passwd", "none", "fifo"]), r)


@test(need=["husk"])
def tmpcopyup_is_for_a_new_tmpfs(t):
    at = "/mounts/%d" % len(spec()["mounts"])
    for m in ({"type": "tmpfs", "source": "/bin", "options": ["bind", "tmpcopyup"]},
              {"type": "ramfs", "options": ["tmpcopyup"]}):
        t.fails(t.run(with_mounts(spec("true"), {"destination": "/mnt", **m})), at, "tmpcopyup")


# labels

@test(need=["husk"])
def a_label_needs_selinux(t):
    config = spec("true")
    config["linux"]["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    if os.path.exists("/sys/fs/selinux/enforce"):
        t.skip("SELinux is here")
    t.fails(t.run(config), "/linux/mountLabel", "SELinux")


main(VIEWS)
