"""host.py - facts of the host that the tests ask for, and the private mount namespace they run in."""
import ctypes
import os
import shutil
import stat
import struct

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(REPO, "build"))
HUSK = os.path.abspath(os.environ.get("HUSK") or os.path.join(BUILD, "husk"))
VIEWS = ("hybrid", "v1", "v2")

libc = ctypes.CDLL(None, use_errno=True)


def view():
    """The view that this process has: its mounts say it."""
    return "v2" if not v1_controllers() else "hybrid" if v2_mount() else "v1"


def mountinfo(pid="self"):
    """[{id, parent, dev, root, point, options, optional, type, source, super}] of a process."""
    rows = []
    with open("/proc/%s/mountinfo" % pid, encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            left, _, right = line.rstrip("\n").partition(" - ")
            a, b = left.split(" "), right.split(" ")
            rows.append({"id": int(a[0]), "parent": int(a[1]), "dev": a[2], "root": a[3], "point": a[4],
                         "options": a[5].split(","), "optional": a[6:], "type": b[0], "source": b[1],
                         "super": b[2].split(",")})
    return rows


def v1_controllers():
    """{controller: mount point} of the v1 hierarchies in this view."""
    known = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls",
             "net_prio",
             "hugetlb", "perf_event", "rdma", "misc"}
    found = {}
    for m in mountinfo():
        if m["type"] == "cgroup":
            for name in m["super"]:
                if name in known or name.startswith("name="):
                    found[name] = m["point"]
    return found


def v2_mount():
    """The mount point of the cgroup2 hierarchy, or None."""
    points = [m["point"] for m in mountinfo() if m["type"] == "cgroup2"]
    return points[-1] if points else None


def v2_controllers():
    point = v2_mount()
    return read(point + "/cgroup.controllers").split() if point else []


def cgroup_of(pid):
    """{controller: directory} of a process; the v2 one under "". """
    mounts, dirs = {}, {}
    for m in mountinfo():
        if m["type"] == "cgroup2":
            mounts[""] = m
        elif m["type"] == "cgroup":
            for name in m["super"]:
                mounts[name] = m
    for line in read("/proc/%s/cgroup" % pid).splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            if name in mounts:
                dirs[name] = os.path.normpath(mounts[name]["point"] + "/" + path)
    return dirs


def controller_dir(pid, name):
    """The directory whose files limit `pid` for a controller, whichever version has it."""
    dirs = cgroup_of(pid)
    return dirs[name] if name in dirs else dirs[""]


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def write(path, text, mode=None):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    if mode is not None:
        os.chmod(path, mode)
    return path


def is_husk():
    """False while the tests are being checked against another runtime."""
    return os.path.basename(HUSK) not in ("runc", "crun")


def _probe(flags):
    """Whether a child can unshare(flags)."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.unshare(flags) == 0 else 1)
    return os.waitpid(pid, 0)[1] == 0


def _dev_null_reason():
    st = os.stat("/dev/null")
    if not stat.S_ISCHR(st.st_mode) or st.st_rdev != os.makedev(1, 3) or stat.S_IMODE(st.st_mode) != 0o666:
        return "/dev/null is not a 0666 character device 1:3 here"
    return None


def lacking(condition):
    """Why a condition of need=[...] does not hold here, or None when it does.

    root, husk, userns, timens, devnull, view:NAME, v1:CTRL, v2:CTRL (v2: = any v2), cgroup:CTRL (v1 or v2),
    no-cgroup:CTRL, python:MODULE, prog:NAME, file:PATH
    """
    kind, _, arg = condition.partition(":")
    checks = {
        "root": lambda: None if os.geteuid() == 0 else "needs root",
        "husk": lambda: None if is_husk() else "husk only; %s is under test" % os.path.basename(HUSK),
        "userns": lambda: None if _probe(0x10000000) else "needs user namespaces",
        "timens": lambda: None if os.path.exists("/proc/self/ns/time") else "needs time namespaces",
        "devnull": _dev_null_reason,
        "view": lambda: None if view() == arg else "only in the %s view" % arg,
        "v1": lambda: None if arg in v1_controllers() else "no v1 controller %s in this view" % arg,
        "v2": lambda: None if (v2_mount() and (not arg or arg in v2_controllers()))
        else "no v2 %s in this view" % ("controller " + arg if arg else "hierarchy"),
        "cgroup": lambda: None if arg in v1_controllers() or arg in v2_controllers()
        else "no %s controller in this view" % arg,
        "no-cgroup": lambda: "this view has the %s controller" % arg
        if arg in v1_controllers() or arg in v2_controllers() else None,
        "prog": lambda: None if shutil.which(arg) else "needs the program %s" % arg,
        "file": lambda: None if os.path.exists(arg) else "needs %s" % arg,
    }
    if kind == "python":
        try:
            __import__(arg)
            return None
        except ImportError:
            return "needs the python module %s" % arg
    return checks[kind]()


# the private mount namespace

def umount(path):
    return libc.umount2(os.fsencode(path), 2) == 0      # MNT_DETACH


def make_node(path, major, minor, mode=0o666):
    if os.path.lexists(path):
        os.unlink(path)
    os.mknod(path, stat.S_IFCHR | mode, os.makedev(major, minor))
    os.chmod(path, mode)


def mount(source, target, kind, flags=0, data=""):
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()):
        e = ctypes.get_errno()
        raise OSError(e, "mount %s on %s: %s" % (kind, target, os.strerror(e)))


def private_dev():
    """Mount our own /dev, so that no mistake of a runtime can reach the host's nodes."""
    mount("tmpfs", "/dev", "tmpfs", 0, "mode=755")
    for node, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8),
                               ("urandom", 1, 9),
                               ("tty", 5, 0), ("fuse", 10, 229)):
        make_node("/dev/" + node, major, minor)
    for d in ("pts", "shm", "net", "mqueue"):
        os.mkdir("/dev/" + d)
    make_node("/dev/net/tun", 10, 200)
    mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620,gid=5")
    mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777")
    for name, to in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                     ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(to, "/dev/" + name)


def enter_view(wanted):
    """In our private mount namespace, leave of the cgroup mounts what the view shows, or say why not."""
    v1, v2 = v1_controllers(), v2_mount()
    if wanted == "hybrid":
        return None if v1 and v2 else "the host's cgroups are not hybrid"
    if wanted == "v1":
        if not v1:
            return "the host has no v1 hierarchies"
        for m in mountinfo():
            if m["type"] == "cgroup2":
                if not umount(m["point"]):
                    return "cannot unmount %s" % m["point"]
                mount("none", m["point"], "tmpfs")  # some runtimes make directories there all the same: not on the host's
        return None
    for m in reversed(mountinfo()):
        if m["point"] == "/sys/fs/cgroup" or m["point"].startswith("/sys/fs/cgroup/"):
            if not umount(m["point"]):
                return "cannot unmount %s" % m["point"]
    try:
        mount("none", "/sys/fs/cgroup", "cgroup2")
    except OSError as e:
        return "no cgroup2 here: %s" % e
    return None


def deny_syscalls(*numbers):
    """For preexec: a seccomp filter that answers these (x86-64) calls with ENOSYS, like an older kernel."""
    bpf = [(0x20, 0, 0, 0)]                                              # load the number
    for at, n in enumerate(numbers):
        bpf.append((0x15, len(numbers) - at, 0, n))                      # equal: jump to the last line
    bpf += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | 38)]     # allow; errno ENOSYS
    code = b"".join(struct.pack("HBBI", *line) for line in bpf)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(len(bpf), ctypes.addressof(buffer))
    if libc.prctl(22, 2, ctypes.byref(program), 0, 0):                   # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


def _bpf(command, *fields, layout):
    """bpf(2) with an attribute of these fields; the attribute comes back unpacked."""
    attribute = ctypes.create_string_buffer(struct.pack(layout, *fields), 128)
    number = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
    result = libc.syscall(number, command, attribute, 128) if number else -1
    return result, struct.unpack_from(layout, attribute.raw)


def device_programs(directory):
    """The ids of the eBPF device programs attached to a v2 cgroup."""
    ids = (ctypes.c_uint32 * 64)()
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:                                                        # BPF_PROG_QUERY, BPF_CGROUP_DEVICE
        result, fields = _bpf(16, fd, 6, 0, 0, ctypes.addressof(ids), 64, layout="IIIIQI")
    finally:
        os.close(fd)
    return [] if result else list(ids)[:fields[5]]


def detach_device_program(directory, number):
    program, _ = _bpf(13, number, layout="I")                   # BPF_PROG_GET_FD_BY_ID
    if program < 0:
        return
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    _bpf(9, fd, program, 6, layout="III")                       # BPF_PROG_DETACH
    os.close(fd)
    os.close(program)
