"""devices.py - linux.devices, the default devices, and the rules of linux.resources.devices."""
import fcntl
import pty
import select
import termios

from kit import *

DENIED = "Operation not permitted"
DEFAULTS = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
D, RULES = "/linux/devices", "/linux/resources/devices"
FUSE = (10, 229)


def device(path, kind="c", major=None, minor=None, **members):
    numbers = {} if major is None else {"major": major, "minor": minor}
    return dict(path=path, type=kind, **numbers, **members)


def with_devices(*devices, config=None):
    config = config or spec("sleep", "1000")
    config["linux"]["devices"] = list(devices)
    return config


def nodes(t, config, *paths):
    """{path: (type letter, mode, uid, gid, major, minor)} as seen in the container; absent ones are left out."""
    script = "stat -c '%n %A %a %u %g %t %T' " + " ".join(paths) + "; true"
    found = {}
    for line in says(t, script, config).splitlines():
        name, kind, mode, uid, gid, major, minor = line.split()
        found[name] = (kind[0], int(mode, 8), int(uid), int(gid), int(major, 16), int(minor, 16))
    return found


def rule(allow, access="rwm", kind=None, major=None, minor=None):
    r = {"allow": allow, "access": access, "type": kind, "major": major, "minor": minor}
    return {k: v for k, v in r.items() if v is not None}


def ruled(*rules, deny=True):
    """The default configuration, which denies all, with more rules; the container may make nodes in /tmp."""
    config = spec("sleep", "1000")
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind].append("CAP_MKNOD")
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]})
    config["linux"]["resources"]["devices"] = ([rule(False)] if deny else []) + list(rules)
    return config


def opens(t, config, kind="c", numbers=FUSE):
    """Which of "rw" a process may open of a device that it makes; "-" when it cannot even make it."""
    script = """mknod /tmp/d %s %d %d 2>/dev/null || echo -
        m=$( (exec 3</tmp/d) 2>&1); case $m in *"%s"*);; *) echo r;; esac
        m=$( (exec 3>>/tmp/d) 2>&1); case $m in *"%s"*);; *) echo w;; esac""" % (kind, *numbers, DENIED, DENIED)
    return "".join(says(t, script, config).split())


# ---- nodes -------------------------------------------------------------------------------------------------

@row("DEV-01", need=["userns", "devnull"])
def every_entry_is_there(t):
    entries = [device("/dev/one", "c", 1, 3), device("/dev/two", "b", 7, 99), device("/dev/three", "p")]
    found = nodes(t, with_devices(*entries), "/dev/one", "/dev/two", "/dev/three")
    t.eq({n: (v[0],) + v[4:] for n, v in found.items()},
         {"/dev/one": ("c", 1, 3), "/dev/two": ("b", 7, 99), "/dev/three": ("p", 0, 0)})
    config = with_devices(device("/dev/net/tun", "c", 10, 200), config=userns_spec())
    t.eq(nodes(t, config, "/dev/net/tun", "/dev/null")["/dev/net/tun"][4:], (10, 200), "the host's, bound")
    if is_husk():
        facts = json.loads(read(os.path.join(HOSTS, "v2.json")))
        facts["caps_effective"] = "%#x" % (int(facts["caps_effective"], 0) & ~(1 << 27))
        write(t.path("no-mknod.json"), json.dumps(facts))
        p = plan(t, with_devices(device("/dev/one", "c", 1, 3)), t.path("no-mknod"))
        t.ok([op for op in p.ops if op.get("source") == "/dev/one"], "root without CAP_MKNOD binds the host's")


@row("DEV-02")
def a_node_by_any_means(t):
    found = nodes(t, with_devices(device("/dev/x", "c", 1, 5)), "/dev/x")
    t.eq(found["/dev/x"][4:], (1, 5))
    t.eq(says(t, "head -c 3 /dev/x | od -An -tx1", with_devices(device("/dev/x", "c", 1, 5))).split(), ["00"] * 3)


@row("DEV-03")
def types(t):
    for wrong in ("a", "x", "C", "", None, 5):
        entry = device("/dev/x", wrong, 1, 3)
        if wrong is None:
            del entry["type"]
        refused(t, with_devices(entry), D + "/0")
    found = nodes(t, with_devices(device("/dev/u", "u", 1, 3)), "/dev/u")
    t.eq(found["/dev/u"][0], "c")


@row("DEV-04")
def paths(t):
    b = t.bundle(with_devices(device("/deep/er/x", "c", 1, 3)))
    b.loose = True
    t.eq(nodes(t, b, "/deep/er/x")["/deep/er/x"][4:], (1, 3), "outside of /dev, with its parents")
    for wrong in ("dev/x", "x", ""):
        refused(t, with_devices(device(wrong, "c", 1, 3)), D + "/0/path")
    entry = device("/dev/x", "c", 1, 3)
    del entry["path"]
    refused(t, with_devices(entry), D + "/0/path")


def in_image(t, make, *devices, config=None):
    """A bundle whose rootfs has something at /x; no tmpfs hides it."""
    b = t.bundle(with_devices(*devices, config=config))
    b.loose = True
    make(b.rootfs + "/x")
    return b


@row("DEV-05", need=["userns", "devnull"])
def an_existing_file_that_differs(t):
    null = device("/x", "c", 1, 3)
    for make in (lambda p: write(p, "text"), lambda p: os.mknod(p, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
                 lambda p: os.mknod(p, stat.S_IFBLK | 0o666, os.makedev(1, 3)), os.mkfifo, os.mkdir,
                 lambda p: os.symlink("/dev/zero", p)):
        refused(t, in_image(t, make, null), D + "/0", "EEXIST")
    refused(t, with_devices(device("/dev/x", "c", 1, 3), device("/dev/x", "c", 1, 5)), D + "/1")
    same = in_image(t, lambda p: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(1, 3)), null)
    t.eq(nodes(t, same, "/x")["/x"][4:], (1, 3), "one that is the same stays")
    for minor in (200, 201):        # a user namespace gets what it asks for, whatever the host has at that path
        config = with_devices(device("/dev/net/tun", "c", 10, minor), config=userns_spec())
        t.eq(nodes(t, config, "/dev/net/tun")["/dev/net/tun"][4:], (10, minor))


@row("DEV-06")
def numbers_are_required(t):
    for missing in ("major", "minor"):
        for kind in "cbu":
            entry = device("/dev/x", kind, 1, 3)
            del entry[missing]
            refused(t, with_devices(entry), "%s/0/%s" % (D, missing))
    accepted(t, with_devices(device("/dev/x", "p")))


@row("DEV-07")
def file_mode(t):
    modes = {"/dev/a": 0o600, "/dev/b": 0o000, "/dev/c": 0o777, "/dev/d": 0o20622, "/dev/e": None}
    entries = [device(p, "c", 1, 3, **({} if m is None else {"fileMode": m})) for p, m in modes.items()]
    config = with_devices(*entries)
    config["process"]["user"]["umask"] = 0o77
    found = nodes(t, config, *modes)
    t.eq({p: found[p][1] for p in modes}, {p: 0o666 if m is None else m & 0o777 for p, m in modes.items()})


@row("DEV-08", need=["userns"])
def owners(t):
    entries = (device("/dev/a", "c", 1, 3, uid=12, gid=34), device("/dev/b", "p", uid=5, gid=6), device("/dev/c", "p"))
    found = nodes(t, with_devices(*entries), "/dev/a", "/dev/b", "/dev/c")
    t.eq({p: v[2:4] for p, v in found.items()}, {"/dev/a": (12, 34), "/dev/b": (5, 6), "/dev/c": (0, 0)})
    found = nodes(t, with_devices(*entries[1:], config=userns_spec()), "/dev/b", "/dev/c")
    t.eq({p: v[2:4] for p, v in found.items()}, {"/dev/b": (5, 6), "/dev/c": (0, 0)}, "ids of the container")


@row("DEV-09")
def the_same_number_twice(t):
    found = nodes(t, with_devices(device("/dev/a", "c", 1, 3), device("/dev/b", "c", 1, 3)), "/dev/a", "/dev/b")
    t.eq([v[4:] for v in found.values()], [(1, 3)] * 2, "the caller should not, and may")


@row("DEV-10")
def others_are_out_of_reach(t):
    seen = says(t, "find / -xdev \\( -type b -o -type c \\); find /dev -type b -o -type c", spec()).split()
    t.eq({p for p in seen if not p.startswith("/dev/pts/")}, {"/dev/" + n for n in DEFAULTS})
    for numbers in ((8, 0), (7, 0)):
        t.eq(opens(t, ruled(), "b", numbers), "")
    t.eq(opens(t, ruled(), "c", (1, 1)), "", "/dev/mem")


@row("DEV-11")
def default_devices(t):
    found = nodes(t, spec(), *("/dev/" + n for n in DEFAULTS))
    t.eq({p: (v[0], v[1], *v[4:]) for p, v in found.items()},
         {"/dev/" + n: ("c", 0o666, *numbers) for n, numbers in DEFAULTS.items()})


def on_terminal(t, config, script):
    """What a script prints to the terminal of its container, a pty of ours being the runtime's."""
    config["process"].update(terminal=True, args=["/bin/sh", "-c", script])
    c = t.new(config)
    c.bundle.sealed()
    master, slave = pty.openpty()
    p = t.popen("run", "--bundle", c.bundle.path, c.id, stdin=slave, stdout=slave, stderr=slave,
                preexec=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    text, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end:
        if select.select([master], [], [], 0.05)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            text += part
        elif p.poll() is not None:
            break
    os.close(master)
    t.eq(p.wait(LIMIT), 0, text)
    return text.decode().replace("\r", "")


@row("DEV-12")
def console_is_the_terminal(t):
    config = spec()
    script = "tty; stat -c '%t %T' $(tty) /dev/console; echo to console >/dev/console; grep -c ' /dev/console ' " \
             "/proc/self/mountinfo; test -L /dev/console && echo link; true"
    lines = on_terminal(t, config, script).splitlines()
    t.ok(lines[0].startswith("/dev/pts/"), lines)
    t.eq(lines[1], lines[2], "the same device")
    t.eq(lines[3:5], ["to console", "1"])
    t.eq(says(t, "ls /dev", spec()).split().count("console"), 0, "none without a terminal")


@row("DEV-13")
def ptmx(t):
    t.eq(says(t, "readlink /dev/ptmx; exec 3<>/dev/ptmx && ls /dev/pts", spec()).split(), ["pts/ptmx", "0", "ptmx"])


@row("DEV-14")
def links(t):
    script = "for n in fd stdin stdout stderr; do readlink /dev/$n; done; " \
             "(echo text >/dev/stdout; echo more >/dev/fd/1) | cat"
    fd = "/proc/self/fd"
    t.eq(says(t, script, spec()).split(), [fd, fd + "/0", fd + "/1", fd + "/2", "text", "more"])


@row("DEV-15")
def an_entry_replaces_a_default(t):
    entries = (device("/dev/full", "c", 1, 7, fileMode=0o600, uid=7), device("/dev//zero", "c", 1, 5, fileMode=0o640))
    found = nodes(t, with_devices(*entries), "/dev/full", "/dev/zero", "/dev/null")
    t.eq({p: v[1:3] for p, v in found.items()},
         {"/dev/full": (0o600, 7), "/dev/zero": (0o640, 0), "/dev/null": (0o666, 0)})


@row("DEV-16")
def links_of_the_image_lead_nowhere(t):
    control(t)
    outside = t.path("outside")
    os.mkdir(outside)
    for target in (outside, "../" * 20 + outside.lstrip("/"), "etc/dev"):
        config = with_devices(device("/dev/x", "c", 1, 3), config=spec("stat", "-c", "%t:%T", "/dev/x"))
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
        b = t.bundle(config)
        b.loose = True
        os.rmdir(b.rootfs + "/dev")
        os.symlink(target, b.rootfs + "/dev")
        r = t.run(b)
        t.eq(os.listdir(outside), [], "made outside of the root: %s" % target)
        t.ok(r.rc != 0 or r.out == "1:3\n", "neither refused nor inside: %s" % r)


# ---- rules -------------------------------------------------------------------------------------------------

BOTH = ("v1", "v2")


@row("CGD-01", views=BOTH)
def the_last_match_wins(t):
    t.eq(opens(t, ruled()), "")
    t.eq(opens(t, ruled(rule(True, "rwm", "c", *FUSE))), "rw")
    t.eq(opens(t, ruled(rule(True, "r", "c", *FUSE))), "r")
    t.eq(opens(t, ruled(rule(True, "rwm", "c", *FUSE), rule(False, "w", "c", *FUSE))), "r")
    t.eq(opens(t, ruled(rule(True, "rwm", "c", *FUSE), rule(False, "rwm", "c", *FUSE))), "")
    t.eq(opens(t, ruled(rule(False, "rwm", "c", *FUSE), rule(True, "rw", "c", *FUSE))), "rw")
    t.eq(opens(t, ruled(rule(True), rule(False))), "")


@row("CGD-02", views=BOTH)
def members_of_a_rule(t):
    def broken(member, value):
        one = rule(True, "r", "c", *FUSE)
        one[member] = value
        if value is None:
            del one[member]
        return ruled(one)

    for member, value in (("allow", None), ("allow", "yes"), ("type", "x"), ("type", "u"), ("type", "p"),
                          ("access", ""), ("access", "q"), ("access", "rx"), ("major", -2), ("minor", "1"),
                          ("major", 1 << 32)):
        refused(t, broken(member, value), "%s/1" % RULES)
    t.eq(opens(t, ruled(rule(True, "rw", "c", 10))), "rw", "without minor: any")
    t.eq(opens(t, ruled(rule(True, "rw", "c"))), "rw", "without both")
    t.eq(opens(t, ruled(rule(True, "rw", "c", -1, -1))), "rw", "-1: any")
    t.eq(opens(t, ruled(rule(True))), "rw", "without type: all")
    t.eq(opens(t, ruled(rule(True, "rwm", "b", *FUSE))), "", "of another type")


@row("CGD-03", views=BOTH)
def how_rules_are_put_in_force(t):
    with t.container(ruled(rule(True, "rw", "c", *FUSE), rule(True, "rwm", "b", 7))) as c:
        if v1_controllers():
            lines = read(controller_dir(c.pid, "devices") + "/devices.list").splitlines()
            t.ok({"b 7:* rwm", "c 1:3 rwm"} <= set(lines) and "a *:* rwm" not in lines, lines)
            t.ok([line for line in lines if line.startswith("c 10:229 rw")], lines)
        else:
            t.eq(len(device_programs(cgroup_of(c.pid)[""])), 1)
    config = ruled(rule(True, "r", "b", 8, 0))
    if is_husk():
        p = plan(t, config, "v1")
        t.eq((p.writes("devices.deny"), "b 8:0 rm" in p.writes("devices.allow")), (["a"], True))
        t.eq((len(plan(t, config, "v2").find("bpf")), plan(t, config, "v2").writes("devices.allow")), (1, []))


@row("CGD-04", views=BOTH)
def defaults_come_after_the_rules(t):
    config = ruled(rule(False, "rwm", "c", 1), rule(False))
    for numbers in (*DEFAULTS.values(), (10, 200)):
        t.eq(opens(t, config, "c", numbers), "rw", "%d:%d" % numbers)
    script = "exec 3<>/dev/ptmx && echo ptmx; (exec 4<>/dev/pts/0) 2>&1; " \
             "mknod /tmp/a b 8 0 && mknod /tmp/b c 4 1 && echo made"
    out = says(t, script, config)
    t.ok(out.startswith("ptmx\n") and out.endswith("made\n") and DENIED not in out, out)


@row("CGD-05", views=BOTH)
def an_entry_allows_nothing(t):
    config = with_devices(device("/dev/fuse", "c", *FUSE), config=ruled())
    t.has(says(t, "(exec 3</dev/fuse) 2>&1; true", config), DENIED)
    config["linux"]["resources"]["devices"].append(rule(True, "rwm", "c", *FUSE))
    t.ok(DENIED not in says(t, "(exec 3</dev/fuse) 2>&1; true", config), "allowed by a rule")


@row("CGD-06", views=BOTH)
def a_hole_in_a_wildcard(t):
    hole = ruled(rule(True, "rwm", "c", 10), rule(False, "rwm", "c", *FUSE))
    if v1_controllers():
        refused(t, hole, RULES + "/2")
    else:
        t.eq(opens(t, hole), "")
        t.eq(opens(t, hole, "c", (10, 235)), "rw")
    if is_husk():
        no_plan(t, hole, RULES + "/2: ", host="v1")


@row("CGD-07")
def without_privilege_a_failure_is_ignored(t):
    config = rootless_spec("sleep", "1000", uid=1000, gid=1000)
    config["linux"]["resources"] = {"devices": [rule(False), rule(True, "rw", "c", *FUSE)]}
    for op in plan(t, config, "rootless-delegated").find("bpf"):
        t.ok("EPERM" in op["on_fail"]["errnos"], op)
    t.eq([op.get("on_fail") for op in plan(t, ruled(rule(True, "rw", "c", *FUSE)), "v2").find("bpf")], [None])


@row("CGD-08", views=BOTH)
def all_devices(t):
    for wrong in (rule(True, "rw"), rule(True, "r", "a"), rule(True, "rwm", "a", 1), rule(False, "rwm", None, 1, 3),
                  rule(False, "rwm", "a", minor=3)):
        refused(t, ruled(wrong), RULES + "/1")
    t.eq(opens(t, ruled(rule(True, "rwm", "a"), deny=False)), "rw", "allow all")
    t.eq(opens(t, ruled(rule(True, "rwm", "c", *FUSE), rule(False, "rwm", "a"))), "", "the list begins anew")
    t.eq(opens(t, ruled(rule(False, "rwm", "c", *FUSE), rule(True, "rwm", "a", -1, -1))), "rw")
