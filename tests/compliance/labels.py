"""labels.py - AppArmor profiles, SELinux labels, the session keyring. Where a module is off: plans for other hosts."""
import ctypes

from kit import *

KEYCTL = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
LABEL = "system_u:system_r:container_t:s0:c1,c2"
FILES = "system_u:object_r:container_file_t:s0:c1,c2"


def has_apparmor():
    path = "/sys/module/apparmor/parameters/enabled"
    return os.path.exists(path) and read(path).startswith("Y")


def label_writes(p):
    """What the child writes below /proc/self/attr, as "WHO FILE TEXT", and what else matters for the order."""
    out = []
    for op in p.ops:
        if op["do"] == "write" and "/attr/" in op["path"]:
            out.append("%s %s %s" % (op["who"], op["path"], op["data"]))
        elif op["do"] in ("keyring", "seccomp", "user", "exec", "setns"):
            out.append(op["do"])
    return [o for i, o in enumerate(out) if i == 0 or o != out[i - 1]]


def filtered(**process):
    config = spec("x", **process)
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    return config


def both_actions(t, config, host):
    return [(action, plan(t, config, host, "--action", action)) for action in ("run", "create", "exec")]


@row("LBL-01")
def apparmor_profile(t):
    refused(t, spec(apparmorProfile="husk-no-such-profile"), "/process/apparmorProfile")
    if has_apparmor():
        r = t.run(spec("cat", "/proc/self/attr/current", apparmorProfile="unconfined"))
        t.eq((r.rc, r.out.strip()), (0, "unconfined"), r)
    if not is_husk():
        untestable("n/a: plans are husk's own") if not has_apparmor() else None
        return
    config = filtered(apparmorProfile="box")
    for action, p in both_actions(t, config, "v2-apparmor"):
        t.eq([o for o in label_writes(p) if o not in ("keyring", "setns", "user")],
             ["child @proc:self/attr/apparmor/exec exec box", "child @proc:self/attr/exec exec box", "seccomp", "exec"],
             action)
        first = next(op for op in p.ops if op.get("path") == "@proc:self/attr/apparmor/exec")
        t.eq(first["on_fail"], {"do": "else", "count": 1, "errnos": ["ENOENT"]})
        second = p.ops[p.ops.index(first) + 1]
        t.ok(second["path"] == "@proc:self/attr/exec" and "on_fail" not in second, second)
    no_plan(t, config, "/process/apparmorProfile", "AppArmor is not enabled")
    t.eq(label_writes(plan(t, filtered(apparmorProfile=""), "v2-apparmor"))[-2:], ["seccomp", "exec"])


@row("LBL-02")
def selinux_label(t):
    if os.path.exists("/sys/fs/selinux/enforce"):
        untestable("SELinux is on here: the test knows no label that this policy allows")
    refused(t, spec(selinuxLabel=LABEL), "/process/selinuxLabel")
    config = filtered(selinuxLabel=LABEL)
    for action, p in both_actions(t, config, "v2-selinux"):
        t.eq([o for o in label_writes(p) if o not in ("setns", "user")],
             ["child @proc:self/attr/keycreate " + LABEL, "keyring", "child @proc:self/attr/exec " + LABEL, "seccomp",
              "exec"], action)
        t.ok(not any("on_fail" in op for op in p.ops if "/attr/" in op.get("path", "")))
    p = plan(t, config, "v2-selinux", "--no-new-keyring")
    t.eq([o for o in label_writes(p) if o != "user"], ["child @proc:self/attr/exec " + LABEL, "seccomp", "exec"])
    no_plan(t, config, "/process/selinuxLabel", "SELinux is not enabled")


@row("LBL-03")
def mount_label(t):
    config = spec()
    config["linux"]["mountLabel"] = FILES
    if not os.path.exists("/sys/fs/selinux/enforce"):
        refused(t, config, "/linux/mountLabel")
    mounts = {op["target"]: op.get("data", "") for op in plan(t, config, "v2-selinux").find("mount") if "fstype" in op}
    for name in ("dev", "dev/pts", "dev/shm"):
        t.has(mounts["@rootfs:" + name], 'context="%s"' % FILES)
    t.has(mounts["@rootfs:dev/pts"], "ptmxmode=0666")
    for name in ("proc", "sys", "dev/mqueue"):
        t.eq("context=" in mounts["@rootfs:" + name], False, name)


@row("LBL-04")
def labels_need_the_hosts_procfs(t):
    """Nothing that the image or a mount puts at /proc is written to, and only procfs may be mounted there."""
    for options in ({"type": "tmpfs", "source": "tmpfs"}, {"type": "bind", "source": "/tmp", "options": ["bind"]}):
        config = spec()
        config["mounts"][0] = dict(options, destination="/proc")
        refused(t, config, "/mounts/0")
    for host, label in (("v2-apparmor", {"apparmorProfile": "box"}), ("v2-selinux", {"selinuxLabel": LABEL})):
        for action, p in both_actions(t, spec("x", **label), host):
            opened = p.one("open", slot="@proc")
            t.ok("directory" in opened["flags"], opened)
            if action == "exec":    # what the parent has open could be reached from the container
                t.eq((opened["who"], opened["path"], opened["expect"]), ("child", "@rootfs:proc", "procfs"))
            else:
                t.eq((opened["who"], opened["path"], opened["expect"]), ("parent", "/proc", "procfs"))
                spawned = p.ops.index(p.one("spawn"))
                t.ok(p.ops.index(opened) < spawned, "opened before there is any namespace")
            written = [op["path"] for op in p.find("write") if "/attr/" in op["path"]]
            t.ok(written and all(path.startswith("@proc:self/attr/") for path in written), written)


@row("LBL-05")
def session_keyring(t):
    if KEYCTL is None:
        untestable("the number of keyctl(2) on this machine is not known to the test")
    mine = ctypes.CDLL(None).syscall(KEYCTL, 0, -3, 0)          # KEYCTL_GET_KEYRING_ID of the session keyring
    if mine < 0:
        untestable("no session keyring here")
    seen = {}
    for options in ((), ("--no-new-keyring",)):
        b = probed(t)
        write(b.rootfs + "/.probe", "keyring %d\n" % mine, 0o644)
        r = t.run(b, *options)
        t.eq(r.rc, 0, r)
        seen[options] = re.search(r"^keyring=(.*)$", r.out, re.M).group(1)
    t.eq(seen, {(): "new", ("--no-new-keyring",): "host"})
    if is_husk():
        for action, p in both_actions(t, spec("x"), "v2"):
            t.eq(p.one("keyring")["on_fail"], {"do": "ignore", "errnos": ["ENOSYS", "EPERM", "EACCES"]}, action)
