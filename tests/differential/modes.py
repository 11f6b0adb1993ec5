"""modes.py - the ways to run one case under one runtime: each returns what was observed, as a dict of lines.

A mode is a function (run) -> Seen; the names are the values of Case.mode.
"""
import ctypes
import fcntl
import json
import os
import platform
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import harness

NAMESPACE_FILES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children",
"user", "uts")
CLONE = {"net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "pid": 0x20000000, "user": 0x10000000}
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
# Engines turn an error's words into the exit codes 127 and 126; these are the words that they look for.
ERROR_CLASSES = (
    ("not found", "executable file not found in|no such file or directory"),
    ("not permitted", "permission denied|operation not permitted|is a directory|not a directory"))


class Seen:
    """What a command did: exit code, stdout, stderr."""

    def __init__(self, rc, out, err):
        self.rc, self.out, self.err = rc, out.replace("\r\n", "\n"), err

    def error_class(self):
        text = "\n".join(line for line in self.err.splitlines() if "level=warning" not in line)
        return next((name for name, words in ERROR_CLASSES if re.search(words, text, re.I)), "other")

    def lines(self):
        """The probe's lines, or the whole text when it was another program."""
        if "\n~end=" not in "\n" + self.out:
            return {"out": self.out.strip()} if self.out.strip() else {}
        rows = (line.partition("=") for line in self.out.splitlines() if "=" in line)
        return {key: value for key, _, value in rows}


def make_rootfs(path):
    """A few programs and directories: two are made for each case."""
    for d in ("", "bin", "dev", "etc", "home", "mnt", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var"):
        os.mkdir(os.path.join(path, d), 0o755)
    os.link(harness.template() + "/bin/busybox", path + "/bin/busybox")
    for applet in ("cat", "sh", "sleep"):
        os.symlink("busybox", path + "/bin/" + applet)
    for name in ("passwd", "group"):
        shutil.copy(harness.template() + "/etc/" + name, path + "/etc/" + name)


class Run:
    """One case under one runtime, in a fresh bundle."""

    def __init__(self, t, case, runtime, probe, foreign):
        self.t, self.case, self.rt, self.probe, self.foreign = t, case, runtime, probe, foreign
        self.bundle = t.bundle(harness.spec("/probe"), rootfs=False)
        self.bundle.loose = True        # other tests watch what a runtime leaves in a bundle
        make_rootfs(self.bundle.rootfs)
        self.id = t.id()
        self.mounted, self.extra = [], {}
        os.link(probe, self.bundle.rootfs + "/probe")

    def expand(self, value):
        """Fill {bundle}, {id} and {ns:TYPE} in, at any depth."""
        if isinstance(value, dict):
            return {k: self.expand(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.expand(v) for v in value]
        if not isinstance(value, str):
            return value
        value = re.sub(r"\{ns:(\w+)\}", lambda m: "/proc/%d/ns/%s" % (self.foreign.pid, m[1]), value)
        return value.replace("{bundle}", self.bundle.path).replace("{id}", self.id)

    def ask(self, init=None):
        """Write the probe's questions."""
        rows = ["ns %s host %d" % (n, os.stat("/proc/self/ns/" + n).st_ino) for n in NAMESPACE_FILES]
        for name, pid in (("foreign", self.foreign and self.foreign.pid), ("container", init)):
            for n in NAMESPACE_FILES if pid else ():
                rows.append("ns %s %s %d" % (n, name, os.stat("/proc/%d/ns/%s" % (pid, n)).st_ino))
        rows += ["path " + p for p in self.case.path] + ["read " + p for p in self.case.read]
        if KEYCTL:
            rows.append("keyring %d" % ctypes.CDLL(None).syscall(KEYCTL, 0, -3, 0))
        # The container's namespaces first: where it shares the host's, "host" is the more telling name.
        harness.write(self.bundle.rootfs + "/.probe", "\n".join(rows) + "\n")

    def argv(self, command, *options, after=()):
        return self.rt.argv(command, *options, self.id, *after)

    def caller(self, argv):
        """The argv under which the runtime inherits what the case wants."""
        caller, steps = self.case.caller, []
        if "umask" in caller:
            steps.append("umask %04o" % caller["umask"])
        if "oom" in caller:
            steps.append("echo %d > /proc/self/oom_score_adj" % caller["oom"])
        if "nice" in caller:
            steps.append("renice -n %d -p $$ > /dev/null" % caller["nice"])
        if "cpus" in caller:
            steps.append("taskset -pc %s $$ > /dev/null" % ",".join(map(str, caller["cpus"])))
        steps += ["trap '' %d" % s for s in caller.get("ignored", ())]
        steps += ["exec %d<>/dev/null" % fd for fd in caller.get("fds", ())]
        if "listen" in caller:
            steps.append("export LISTEN_FDS=%d LISTEN_PID=$$" % caller["listen"])
        return ["/bin/bash", "-c", "; ".join(steps + ['exec "$@"']), "caller"] + argv if steps else argv

    def preexec(self):
        if "blocked" in self.case.caller:
            signal.pthread_sigmask(signal.SIG_BLOCK, self.case.caller["blocked"])

    def popen(self, argv, **keywords):
        return self.t.popen(*self.caller(argv), raw=True, runtime=self.rt, preexec=self.preexec,
                            cwd=self.bundle.path, **keywords)

    def call(self, argv, text=""):
        """Run to the end of the command and of everybody who holds its stdout."""
        pipe = subprocess.PIPE
        p = self.popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            out, err = p.communicate(text.encode(), harness.LIMIT)
        except subprocess.TimeoutExpired:
            p.kill()
            self.quiet("delete", "--force")
            raise harness.Fail("no end after %g s: %s" % (harness.LIMIT, " ".join(argv)))
        return Seen(p.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def quiet(self, command, *options):
        """A command whose output does not hold anybody up: (rc, stdout, stderr) through files."""
        return self.rt(command, *options, self.id)

    def state(self, moment):
        r = self.quiet("state")
        if r.rc:
            self.extra["state." + moment] = "rc %d" % r.rc
            return {}
        state = r.json()
        self.extra["state." + moment] = "%s pid=%d" % (state["status"], state["pid"] > 0)
        for key in ("bundle", "annotations", "id"):
            self.extra["state.%s.%s" % (moment, key)] = json.dumps(state.get(key))
        return state

    def finish(self):
        """Whatever happened, leave nothing; what was there already is an observation."""
        left = os.listdir(self.rt.root) if os.path.isdir(self.rt.root) else []
        self.extra["left.state"] = " ".join(left)
        if left:
            self.quiet("delete", "--force")
        cgroups = harness.cgroup_dirs("*" + self.id + "*")
        self.extra["left.cgroups"] = " ".join(sorted({d[d.index(self.id):] for d in cgroups}))
        harness.remove_cgroups(cgroups)
        for point in reversed(self.mounted):
            harness.umount(point)
        marks = [p for p in (self.bundle.path + "/marks", self.bundle.rootfs + "/marks") if os.path.exists(p)]
        for p in marks:
            for n, line in enumerate(harness.read(p).splitlines()):
                where = "rootfs" if "rootfs" in p else "bundle"
                self.extra["hook:%s.%02d" % (where, n)] = line


# ---- the modes ---------------------------------------------------------------------------------------------

def run(r):
    """In the foreground, with three pipes."""
    return r.call(r.argv("run", "--bundle", r.bundle.path, *r.expand(r.case.options)),
                  r.case.caller.get("input", ""))


def _until_stopped(r, pid):
    """We are the subreaper, so the exit status of a detached container is ours to collect."""
    end = time.monotonic() + harness.LIMIT
    while time.monotonic() < end:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if done:
            r.extra["exit-status"] = str(os.waitstatus_to_exitcode(status))
            return
        time.sleep(0.01)
    raise harness.Fail("the container did not end")


def detached(r):
    pid_file = r.bundle.path + "/pid"
    seen = r.call(r.argv("run", "--detach", "--pid-file", pid_file, "--bundle", r.bundle.path,
                         *r.case.options))
    if seen.rc == 0:
        text = harness.read(pid_file)
        r.extra["pid-file"] = "a number" if text.isdigit() else repr(text)
        _until_stopped(r, int(text))
        r.state("stopped")
        r.extra["delete"] = str(r.quiet("delete").rc)
        r.state("deleted")
    return seen


def create(r):
    pid_file, pipe = r.bundle.path + "/pid", subprocess.PIPE
    p = r.popen(r.argv("create", "--pid-file", pid_file, "--bundle", r.bundle.path, *r.case.options),
                stdin=pipe, stdout=pipe, stderr=pipe)
    p.wait(harness.LIMIT)
    r.extra["create"] = str(p.returncode)
    if p.returncode == 0:
        r.state("created")
        r.extra["hooks-before-start"] = harness.read(r.bundle.path + "/marks") if os.path.exists(
            r.bundle.path + "/marks") else ""
        started = r.quiet("start")
        r.extra["start"] = str(started.rc)
    out, err = p.communicate(timeout=harness.LIMIT)
    if p.returncode == 0:
        _until_stopped(r, int(harness.read(pid_file)))
        r.state("stopped")
        r.extra["start-again"] = str(r.quiet("start").rc)
        r.extra["delete"] = str(r.quiet("delete").rc)
        r.state("deleted")
    return Seen(p.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def _drain(master, done):
    """Read a pty master until all slaves are closed."""
    data, end = b"", time.monotonic() + harness.LIMIT
    while time.monotonic() < end:
        if select.select([master], [], [], 0.05)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:             # EIO: the last slave is gone
                return data
            if not part:
                return data
            data += part
        elif done():
            return data
    raise harness.Fail("the terminal stays open; so far %.300r" % data)


def _with_terminal(r, argv):
    """Run a foreground command on a terminal of 40 x 100."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        p = r.t.popen(*argv, raw=True, runtime=r.rt, cwd=r.bundle.path,
                      stdin=slave, stdout=slave, stderr=slave,
                      preexec=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        before = termios.tcgetattr(slave)
        data = _drain(master, lambda: p.poll() is not None)
        rc = p.wait(harness.LIMIT)
        r.extra["terminal-restored"] = str(termios.tcgetattr(slave) == before)
    finally:
        os.close(master)
        os.close(slave)
    text = data.decode("utf-8", "replace")
    return Seen(rc, text, text)


def tty(r):
    return _with_terminal(r, r.argv("run", "--bundle", r.bundle.path, *r.case.options))


def tty_socket(r):
    """Detached, with a console socket, as conmon and containerd do it."""
    path = r.bundle.path + "/s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(harness.LIMIT)
        made = r.quiet("create", "--bundle", r.bundle.path, "--console-socket", path,
                       "--pid-file", r.bundle.path + "/pid")
        if made.rc:
            return Seen(made.rc, made.out, made.err)
        connection, _ = listener.accept()
    message, fds, _, _ = socket.recv_fds(connection, 4096, 4)
    connection.close()
    r.extra["console.fds"] = str(len(fds))
    r.extra["console.message"] = "empty" if not message else "not empty"
    try:
        r.extra["start"] = str(r.quiet("start").rc)
        data = _drain(fds[0], lambda: False)
    finally:
        for fd in fds:
            os.close(fd)
    _until_stopped(r, int(harness.read(r.bundle.path + "/pid")))
    return Seen(0, data.decode("utf-8", "replace"), "")


def _exec_argv(r):
    words = list(r.case.exec)
    command = ["/probe"]
    if None in words:
        command = words[words.index(None) + 1:]
        words = words[:words.index(None)]
    for n, word in enumerate(words):
        if isinstance(word, dict):      # a process object: goes into a file
            words[n] = harness.write(r.bundle.path + "/process.json", json.dumps(word))
    return r.argv("exec", *r.expand(words), after=command)


def _exec(r, *first, call):
    """Start a container that waits, call() in it, and end it."""
    r.bundle.config["process"]["args"] = ["/probe", "pause"]
    r.bundle.save()
    made = r.quiet(*first, "--bundle", r.bundle.path)
    if made.rc:
        return Seen(made.rc, made.out, made.err)
    r.ask(r.state("running")["pid"])
    seen = call(_exec_argv(r))
    if os.path.exists(r.bundle.path + "/exec.pid"):
        _until_stopped(r, int(harness.read(r.bundle.path + "/exec.pid")))
    r.state("after-exec")
    r.extra["delete"] = str(r.quiet("delete", "--force").rc)
    return seen


def exec(r):
    return _exec(r, "run", "--detach", call=r.call)


def exec_tty(r):
    return _exec(r, "run", "--detach", call=lambda argv: _with_terminal(r, argv))


def exec_created(r):
    return _exec(r, "create", call=r.call)


def _flat(prefix, value, rows):
    """JSON as lines: {pointer: scalar}."""
    if isinstance(value, (dict, list)) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            _flat("%s/%s" % (prefix, key), inner, rows)
    else:
        rows[prefix] = json.dumps(value)
    return rows


def spec(r):
    """No container: the config that the runtime writes by itself."""
    os.unlink(r.bundle.path + "/config.json")
    p = r.call(r.rt.argv("spec", "--bundle", r.bundle.path, *r.case.options))
    if p.rc == 0:
        r.extra.update(_flat("", json.loads(harness.read(r.bundle.path + "/config.json")), {}))
        r.extra["spec-again"] = str(r.call(r.rt.argv("spec", "--bundle", r.bundle.path)).rc)
    return p


# ---- a process with namespaces of its own, to join ---------------------------------------------------------

class Foreign:
    """Holds the namespaces of the given types open; `pid` is pid 1 of the pid namespace, if there is one."""

    def __init__(self, types):
        flags = 0
        for name in types:
            flags |= CLONE[name]
        ready, told = os.pipe()
        start, self.go = os.pipe()
        self.holder = os.fork()
        if self.holder == 0:
            try:
                os.close(self.go)       # else we would keep our own `start` open
                self._hold(flags, told, start)
            finally:
                os._exit(1)
        os.close(told)
        os.close(start)
        with os.fdopen(ready) as f:
            self.pid = int(f.readline())
        if "user" in types:
            for kind in ("uid_map", "gid_map"):
                harness.write("/proc/%d/%s" % (self.pid, kind), "0 100000 65536\n")

    @staticmethod
    def _hold(flags, told, start):
        """In the child: new namespaces, and in them a process that only waits."""
        if harness.libc.unshare(flags):
            return
        inner = os.fork()
        while inner == 0:
            signal.pause()
        os.write(told, b"%d\n" % inner)
        os.read(start, 1)               # until close(), or the death of the runner
        os.kill(inner, signal.SIGKILL)

    def close(self):
        os.close(self.go)
        os.waitpid(self.holder, 0)
