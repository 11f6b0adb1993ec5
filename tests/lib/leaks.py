"""leaks.py - what a test left behind: processes, cgroups, mounts, state, files. Found, named, and removed."""
import fnmatch
import os
import shutil
import signal
import stat
import time

from host import detach_device_program, device_programs, make_node, mountinfo, read, umount, v2_mount

PREFIX = "ht%d-" % os.getpid()


def tree(top):
    """{relative path: what identifies its content}, for comparing before and after."""
    found = {}

    def visit(path, name):
        st = os.lstat(path)
        row = [stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, st.st_ino, st.st_rdev]
        if stat.S_ISREG(st.st_mode):
            row += [st.st_size, st.st_mtime_ns]
        elif stat.S_ISLNK(st.st_mode):
            row.append(os.readlink(path))
        found[name or "."] = tuple(row)
        if stat.S_ISDIR(st.st_mode):
            for entry in os.listdir(path):
                visit(path + "/" + entry, (name + "/" if name else "") + entry)

    if os.path.lexists(top):
        visit(top, "")
    return found


def tree_difference(before, after):
    rows = ["+" + p for p in sorted(set(after) - set(before))]
    rows += ["-" + p for p in sorted(set(before) - set(after))]
    rows += ["~" + p for p in sorted(set(before) & set(after)) if before[p] != after[p]]
    return rows


def _mount_stubs(config, path):
    """Whether `path` (below rootfs) is a mount point, or a parent of one, which a runtime may make."""
    wanted = [m.get("destination", "") for m in (config or {}).get("mounts", []) if isinstance(m, dict)]
    wanted += [d.get("path", "") for d in (config or {}).get("linux", {}).get("devices", []) or []]
    here = "/" + path
    return any((os.path.normpath("/" + str(w).lstrip("/")) + "/").startswith(here + "/") for w in wanted)


def descendants():
    """{pid: command} of all processes below this one. We are their subreaper, so nothing escapes upwards."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = read("/proc/%s/stat" % name)
            except OSError:
                continue
            left, _, right = text.rpartition(")")
            fields = right.split()
            children.setdefault(int(fields[1]), []).append((int(name), left.partition("(")[2], fields[0]))
    found, todo = {}, [os.getpid()]
    while todo:
        for pid, command, state in children.get(todo.pop(), []):
            found[pid] = "%s (%s)" % (command, state)
            todo.append(pid)
    return found


def reap():
    """Collect dead orphans. Not for use while a Popen that is still to be waited for runs."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def cgroup_dirs(pattern="*" + PREFIX + "*"):
    """Every cgroup directory, in all hierarchies of this view, whose name contains our prefix."""
    found = []
    for point in sorted({m["point"] for m in mountinfo() if m["type"] in ("cgroup", "cgroup2")}):
        for top, dirs, _ in os.walk(point):
            if fnmatch.fnmatch(os.path.relpath(top, point), pattern):
                found.append(top)
    return found


def strays():
    """What some runtimes make by mistake next to the hierarchies, on the host's tmpfs."""
    points = {m["point"] for m in mountinfo() if m["type"] in ("cgroup", "cgroup2")}
    return [os.path.join(d, name) for d in {os.path.dirname(p) for p in points} - points
            for name in fnmatch.filter(os.listdir(d), "*" + PREFIX + "*")]


def kill_all(limit=5.0):
    """Kill every descendant. A frozen one cannot die, so thaw first."""
    for d in cgroup_dirs():
        for name, text in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            try:
                with open(os.path.join(d, name), "w") as f:
                    f.write(text)
            except OSError:
                pass
    end = time.monotonic() + limit
    while time.monotonic() < end:
        reap()
        left = descendants()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.02)


def remove_cgroups(dirs):
    for d in sorted(dirs, key=len, reverse=True):
        for _ in range(50):
            try:
                os.rmdir(d)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)


class Leaks:
    """A snapshot before a test; check() lists what is left after it, then removes it."""

    def __init__(self):
        reap()
        self.processes = set(descendants())
        self.mounts = {(m["id"], m["point"]) for m in mountinfo()}
        self.cgroups = set(cgroup_dirs())
        self.null = _node("/dev/null")
        self.programs = _root_programs()

    def check(self, t):
        found = []
        for p in t.popens:
            if p.poll() is None:
                found.append("process %d of the test still runs: %s" % (p.pid, " ".join(p.args)[:120]))
        found += self._processes() + self._cgroups() + self._mounts(t) + self._files(t)
        if _node("/dev/null") != self.null:
            found.append("/dev/null was changed")
            make_node("/dev/null", 1, 3)
        for number in _root_programs() - self.programs:
            found.append("device program %d on the root cgroup" % number)
            detach_device_program(v2_mount(), number)
        return found

    def _processes(self):
        left = {}
        for _ in range(30):             # a detached init that was just killed needs a moment
            reap()
            left = {p: c for p, c in descendants().items() if p not in self.processes}
            if not left:
                return []
            time.sleep(0.01)
        kill_all()
        return ["process %d %s" % item for item in sorted(left.items())]

    def _cgroups(self):
        left = [d for d in cgroup_dirs() if d not in self.cgroups]
        remove_cgroups(left)
        for path in strays():
            left.append(path)
            shutil.rmtree(path, ignore_errors=True)
        return ["cgroup %s" % d for d in left[:1]] + ["%d more cgroups" % (len(left) - 1)] * (len(left) > 1)

    def _mounts(self, t):
        left = [m["point"] for m in mountinfo() if (m["id"], m["point"]) not in self.mounts]
        for point in reversed(left):
            umount(point)
        host = [m["point"] for m in mountinfo(1) if t.dir in m["point"]]
        return ["mount %s" % p for p in left] + ["mount in the host's namespace %s" % p for p in host]

    def _files(self, t):
        found = ["canary %s" % row for row in tree_difference(t.canary_before, tree(t.canary))]
        for rt in t.runtimes:
            left = os.listdir(rt.root) if os.path.isdir(rt.root) else []
            found += ["state %s/%s" % (os.path.basename(rt.root), name) for name in left]
        for b in t.bundles:
            if b.before is None or b.loose:
                continue
            after = tree(b.path)
            for row in tree_difference(b.before, after):
                sign, path = row[0], row[1:]
                inside = os.path.relpath(path, "rootfs")
                kind = after[path][0] if path in after else 0
                stub = kind == stat.S_IFDIR or (kind == stat.S_IFREG and after[path][6] == 0)
                if not (sign == "+" and path.startswith("rootfs/")
                        and stub and _mount_stubs(b.config, inside)):
                    found.append("file in %s: %s" % (os.path.basename(b.path), row))
        return found


def _root_programs():
    """A container in the root cgroup would leave its device rules to the whole host."""
    return set(device_programs(v2_mount())) if v2_mount() else set()


def _node(path):
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None
    return (st.st_mode, st.st_rdev, st.st_uid, st.st_gid)
