"""harness.py - what the tests that run real containers share.

    from harness import *

    @test(need=["root", "cgroup:pids"])
    def pids_max_is_set(t):
        config = spec("sh", "-c", "cat /proc/self/status")
        config["linux"]["resources"]["pids"] = {"limit": 7}
        with t.container(config) as c:              # create; delete --force at the end of the block
            t.eq(c.state()["status"], "created")
        r = t.run(config)                           # bundle + run + result, in one line
        t.eq(r.rc, 0, r)

    main()

Each test gets a scratch directory, a private state root, unique ids, and a host canary. After every test the
leak check compares processes, cgroups, mounts, the state root, bundles and the canary with what they were:
a leak fails the test, and is then removed, so that the next test starts clean.

A program that ends with main(VIEWS) runs in each view of the cgroup world, main() only in the host's own;
`--view hybrid|v1|v2` or HUSK_VIEW chooses one. Each run first enters a private mount namespace with a private
/dev, so nothing here can harm the host's mounts or device nodes.
"""
import fnmatch
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from configs import *
from host import *
from leaks import *

BUSYBOX = os.environ.get("BUSYBOX") or "/bin/busybox"
LIMIT = 20.0            # seconds for one command of the runtime

SHARED = {"harness.py"} # files whose lines do not tell which check of a test failed

_tests, _numbers = [], itertools.count(1)


class Fail(Exception):
    """The test failed; the text says how."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


# ---- running commands --------------------------------------------------

class Result:
    """What a command did. `out` and `err` are text; `outb` is the bytes."""

    def __init__(self, argv, rc, outb, errb, seconds):
        self.argv, self.rc, self.outb, self.errb, self.seconds = argv, rc, outb, errb, seconds
        self.out = outb.decode("utf-8", "surrogateescape")
        self.err = errb.decode("utf-8", "surrogateescape")

    def __str__(self):
        return "rc %s, stdout %.300r, stderr %.600r" % (self.rc, self.out, self.err)

    def json(self):
        return json.loads(self.out)

    def errors(self):
        """The msg of every level=error line on stderr, text or JSON form."""
        return log_messages(self.err)


def log_messages(text, level="error"):
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry.get("level") == level:
                found.append(entry.get("msg", ""))
        elif " level=%s " % level in line and " msg=" in line:
            msg = line.split(" msg=", 1)[1]
            found.append(_unquote(msg) if msg.startswith('"') else msg.split(" ")[0])
    return found


def _unquote(text):
    """A logfmt string: JSON's escapes are a superset of those a text log uses."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except ValueError:
        return text


def clean_env(**extra):
    drop = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "XDG_RUNTIME_DIR", "LD_PRELOAD")
    env = {k: v for k, v in os.environ.items() if k not in drop}
    env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env.update(extra)
    return {k: v for k, v in env.items() if v is not None}


class Runtime:
    """One runtime with its private state root. Calls capture through files, so that a container which keeps
    stdout open does not keep the caller waiting."""

    def __init__(self, scratch, command=None, name="root"):
        self.command = [command or HUSK]
        self.scratch = scratch
        self.root = os.path.join(scratch, name)
        self.calls = 0

    def argv(self, *args):
        return self.command + ["--root", self.root] + [str(a) for a in args]

    def popen(self, *args, stdin=None, stdout=None, stderr=None, cwd=None, env=None, raw=False, pass_fds=(),
              new_session=True, preexec=None):
        """Start and return a Popen. With raw=True args are the whole argv."""
        argv = [str(a) for a in args] if raw else self.argv(*args)
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL if stdin is None else stdin, stdout=stdout,
                                stderr=stderr, cwd=cwd or self.scratch, env=clean_env(**(env or {})),
                                pass_fds=pass_fds, start_new_session=new_session, preexec_fn=preexec)

    def __call__(self, *args, input=None, timeout=LIMIT, **keywords):
        """Run to the end and return a Result."""
        self.calls += 1
        base = os.path.join(self.scratch, "call%d" % self.calls)
        begin = time.monotonic()
        with open(base + ".out", "w+b") as out, open(base + ".err", "w+b") as err:
            if input is not None:
                keywords["stdin"] = open(write(base + ".in", input), "rb")
            process = self.popen(*args, stdout=out, stderr=err, **keywords)
            try:
                rc = process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                out.seek(0), err.seek(0)
                raise Fail("no end after %g s: %s; stdout %.200r stderr %.400r"
                           % (timeout, " ".join(process.args), out.read(), err.read()))
            finally:
                if input is not None:
                    keywords["stdin"].close()
            out.seek(0), err.seek(0)
            self.last_out, self.last_err = base + ".out", base + ".err"
            return Result(process.args, rc, out.read(), err.read(), time.monotonic() - begin)


class Bundle:
    """A bundle directory: `rootfs` is a copy of the busybox template, `config` a dict that save() writes."""

    def __init__(self, path, config, rootfs=True):
        self.path, self.config, self.rootfs = path, config, os.path.join(path, "rootfs")
        os.mkdir(path, 0o755)
        if rootfs:
            copy_tree(template(), self.rootfs)
        self.loose = False          # True: the test lets the container write into the rootfs
        self.before = None
        self.save()

    def save(self):
        if self.config is not None:
            write(os.path.join(self.path, "config.json"), json.dumps(self.config, indent=1))
        self.before = None

    def sealed(self):
        """Remember the tree as it is now; the leak check compares with it."""
        if self.before is None:
            self.before = tree(self.path)

    def chown(self, uid, gid):
        for top, dirs, files in os.walk(self.path):
            for name in dirs + files:
                os.lchown(os.path.join(top, name), uid, gid)
        os.chown(self.path, uid, gid)


class Container:
    """A container of one test: the operations by name, each returning a Result."""

    def __init__(self, t, bundle, id, runtime):
        self.t, self.bundle, self.id, self.rt = t, bundle, id, runtime
        self.outfile = self.errfile = None

    def create(self, *options, **keywords):
        self.bundle.sealed()
        r = self.rt("create", "--bundle", self.bundle.path, *options, self.id, **keywords)
        self.outfile, self.errfile = self.rt.last_out, self.rt.last_err
        return r

    def run(self, *options, **keywords):
        self.bundle.sealed()
        r = self.rt("run", "--bundle", self.bundle.path, *options, self.id, **keywords)
        self.outfile, self.errfile = self.rt.last_out, self.rt.last_err
        return r

    def start(self, **keywords):
        return self.rt("start", self.id, **keywords)

    def kill(self, *signal_name):
        return self.rt("kill", self.id, *signal_name)

    def delete(self, *options):
        return self.rt("delete", *options, self.id)

    def exec(self, *args, options=(), **keywords):
        return self.rt("exec", *options, self.id, *args, **keywords)

    def state(self):
        r = self.rt("state", self.id)
        if r.rc:
            raise Fail("state: %s" % r)
        return r.json()

    @property
    def pid(self):
        return self.state()["pid"]

    @property
    def out(self):
        """All that the container has written to stdout so far (create, run -d)."""
        return read(self.outfile)

    @property
    def err(self):
        return read(self.errfile)

    def wait(self, status="stopped", timeout=10):
        self.t.until(lambda: self.state()["status"] == status, "status %s" % status, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        r = self.delete("--force")
        if r.rc and exc[0] is None:
            raise Fail("delete --force: %s" % r)


class Test:
    """What a test function gets: its scratch directory, runtime, and checks."""

    def __init__(self, name, directory):
        self.name, self.dir = name, directory
        os.mkdir(directory, 0o711)
        self.rt = Runtime(directory)
        self.runtimes = [self.rt]
        self.bundles, self.popens = [], []
        self.count = 0
        self.canary = os.path.join(directory, "canary")
        os.mkdir(self.canary, 0o755)
        write(os.path.join(self.canary, "file"), "do not touch\n", 0o644)
        os.mkdir(os.path.join(self.canary, "dir"), 0o755)
        self.canary_before = tree(self.canary)

    # making things
    def runtime(self, command, name):
        """Another runtime, with its own state root; leak-checked too."""
        self.runtimes.append(Runtime(self.dir, command, name))
        return self.runtimes[-1]

    def id(self):
        self.count += 1
        return "%s%s-%d" % (PREFIX, re.sub(r"[^A-Za-z0-9_]", "-", self.name[:40]), self.count)

    def bundle(self, config=None, **keywords):
        self.count += 1
        b = Bundle(os.path.join(self.dir, "bundle%d" % self.count), config or spec(), **keywords)
        self.bundles.append(b)
        return b

    def new(self, config=None, runtime=None):
        """A Container that does not exist yet."""
        b = config if isinstance(config, Bundle) else self.bundle(config)
        return Container(self, b, self.id(), runtime or self.rt)

    def container(self, config=None, *options, start=False, runtime=None, **keywords):
        """A created (or started) container, for a `with` block."""
        c = self.new(config, runtime)
        r = c.create(*options, **keywords)
        if r.rc:
            raise Fail("create: %s" % r)
        if start:
            r = c.start()
            if r.rc:
                c.delete("--force")
                raise Fail("start: %s" % r)
        return c

    def run(self, config=None, *options, runtime=None, **keywords):
        """Foreground run of a fresh bundle: a Result."""
        return self.new(config, runtime).run(*options, **keywords)

    def sh(self, script, config=None, **keywords):
        """Run `sh -c script` in the default container: a Result."""
        config = config or spec()
        config["process"]["args"] = ["/bin/sh", "-c", script]
        return self.run(config, **keywords)

    def path(self, name):
        return os.path.join(self.dir, name)

    def popen(self, *args, runtime=None, **keywords):
        p = (runtime or self.rt).popen(*args, **keywords)
        self.popens.append(p)
        return p

    # checking
    def ok(self, condition, detail=""):
        if not condition:
            raise Fail(str(detail) or "condition is false")

    def eq(self, got, want, detail=""):
        if got != want:
            raise Fail("got %.400r, want %.400r%s" % (got, want, "; %s" % detail if detail else ""))

    def has(self, text, part, detail=""):
        if part not in text:
            raise Fail("no %r in %.600r%s" % (part, text, "; %s" % detail if detail else ""))

    def match(self, text, pattern, detail=""):
        if not re.search(pattern, text):
            raise Fail("%.600r does not match %r%s" % (text, pattern, "; %s" % detail if detail else ""))

    def fails(self, r, *words, rc=1):
        """The command failed with this rc, and stderr has all the words."""
        self.eq(r.rc, rc, r)
        for word in words:
            self.has(r.err, word)
        return r

    def until(self, condition, what, timeout=10):
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                raise Fail("not within %g s: %s" % (timeout, what))
            time.sleep(0.01)

    def need(self, *conditions):
        for c in conditions:
            reason = lacking(c)
            if reason:
                raise Skip(reason)

    def skip(self, reason):
        raise Skip(reason)


# ---- the program -------------------------------------------------------

def template():
    """A busybox root filesystem, made once per program."""
    global _template
    if _template is None:
        _template = os.path.join(_base, "template")
        for d in ("", "bin", "dev", "etc", "proc", "root", "sys",
                  "tmp", "usr", "usr/bin", "var", "home", "mnt"):
            os.mkdir(os.path.join(_template, d), 0o755)
        os.chmod(os.path.join(_template, "tmp"), 0o1777)
        shutil.copyfile(BUSYBOX, _template + "/bin/busybox")
        os.chmod(_template + "/bin/busybox", 0o755)
        applets = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE,
                                 check=True).stdout.decode().split()
        for a in applets:
            if a != "busybox":
                os.symlink("busybox", _template + "/bin/" + a)
        write(_template + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
        write(_template + "/etc/group", "root:x:0:\ntty:x:5:\nuser:x:1000:\n")
    return _template


_template = None
_base = None


def copy_tree(source, target):
    """Copy by hard links: the template's files are never written."""
    for top, dirs, files in os.walk(source):
        at = os.path.normpath(os.path.join(target, os.path.relpath(top, source)))
        os.mkdir(at)
        os.chmod(at, stat.S_IMODE(os.lstat(top).st_mode))
        for name in files:
            here, there = os.path.join(top, name), os.path.join(at, name)
            if os.path.islink(here):
                os.symlink(os.readlink(here), there)
            elif name == "busybox":
                os.link(here, there)
            else:
                shutil.copy2(here, there)


def test(function=None, need=(), name=None):
    """Register a test; `need` lists conditions of lacking()."""
    def register(f):
        _tests.append((name or f.__name__, f, tuple(need)))
        return f
    return register(function) if callable(function) else register


def become_subreaper():
    libc.prctl(36, 1, 0, 0, 0)          # PR_SET_CHILD_SUBREAPER


def setup(wanted):
    """Private mounts, /dev and view; returns a reason when the whole program has to be skipped."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.access(HUSK, os.X_OK):
        return "no runtime at %s" % HUSK
    if not os.access(BUSYBOX, os.X_OK) or b"/ld-linux" in open(BUSYBOX, "rb").read(4096):
        return "needs a static busybox (Debian: busybox-static)"
    if libc.unshare(0x00020000):        # CLONE_NEWNS
        return "cannot make a mount namespace"
    mount("none", "/", "none", 0x4000 | 0x40000)     # MS_REC | MS_PRIVATE
    private_dev()
    return enter_view(wanted) if wanted else None


def run_one(name, function, need):
    """Returns (word, detail): ok, fail or skip."""
    for condition in need:
        reason = lacking(condition)
        if reason:
            return "skip", reason
    leaks = Leaks()
    t = Test(name, os.path.join(_base, "t%d" % next(_numbers)))
    word, detail = "ok", ""
    try:
        function(t)
    except Skip as e:
        word, detail = "skip", str(e)
    except Fail as e:
        word, detail = "fail", str(e)
        where = traceback.extract_tb(e.__traceback__)
        lines = [str(f.lineno) for f in where if os.path.basename(f.filename) not in SHARED]
        detail = "line %s: %s" % (lines[-1] if lines else "?", detail)
    except Exception as e:
        word, detail = "fail", "%s: %s" % (type(e).__name__, e)
        frame = traceback.extract_tb(e.__traceback__)[-1]
        detail += " (%s:%d)" % (os.path.basename(frame.filename), frame.lineno)
    for p in t.popens:
        if word == "fail" and p.poll() is None:
            p.kill()
            p.wait()
    left = leaks.check(t)
    if left:
        word, detail = "fail", (detail + "; " if detail else "") + "left over: " + ", ".join(left[:8])
    shutil.rmtree(t.dir, ignore_errors=True)
    return word, detail


def run_views(views):
    """This program once per view, as children; one plan for all. Returns whether any failed."""
    count = failed = 0
    for one in views:
        with subprocess.Popen([sys.executable, *sys.argv, "--view", one], stdout=subprocess.PIPE, text=True,
                              errors="backslashreplace") as child:
            for line in child.stdout:
                word, dash, rest = line.partition(" - ")
                if dash and word in ("ok", "not ok"):
                    count += 1
                    print("%s - %s: %s" % (word, one, rest), end="")
                elif line.startswith("1..0"):
                    count += 1
                    print("ok - %s # SKIP %s" % (one, line.rpartition("SKIP ")[2]), end="")
                elif not line.startswith("1.."):
                    print(line, end="")
        failed += child.returncode != 0
    print("1..%d" % count)
    return failed > 0


def take_view(arguments):
    """The view of --view or HUSK_VIEW, or None."""
    one = os.environ.pop("HUSK_VIEW", None)
    if "--view" in arguments[:-1]:
        at = arguments.index("--view")
        one = arguments[at + 1]
        del arguments[at:at + 2]
    if one and one not in VIEWS:
        sys.exit("unknown view %r: one of %s" % (one, " ".join(VIEWS)))
    return one


def main(views=None):
    """Run the registered tests whose names match the arguments (globs; none = all), print TAP, exit."""
    global _base
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = sys.argv[1:]
    one = take_view(arguments)
    if views and not one:
        sys.exit(run_views(views))
    reason = setup(one)
    if reason:
        print("1..0 # SKIP %s" % reason)
        return
    become_subreaper()
    os.umask(0o022)
    _base = tempfile.mkdtemp(prefix="husk-test.")
    mount("tmpfs", _base, "tmpfs", 0, "mode=711")          # ours alone, and fast: a bundle has 300 symlinks
    failed = count = 0
    try:
        for name, function, need in _tests:
            if arguments and not any(fnmatch.fnmatch(name, a) for a in arguments):
                continue
            count += 1
            begin = time.monotonic()
            word, detail = run_one(name, function, need)
            detail = detail.replace("\n", "\\n")
            if word == "ok":
                print("ok - %s" %
                      name + (" (%.1f s)" %
                              (time.monotonic() - begin) if os.environ.get("SLOW") else ""))
            elif word == "skip":
                print("ok - %s # SKIP %s" % (name, detail))
            else:
                failed += 1
                print("not ok - %s: %s" % (name, detail))
        print("1..%d" % count)
    finally:
        kill_all()
        remove_cgroups(cgroup_dirs())
        umount(_base)
        os.rmdir(_base)
    sys.exit(1 if failed else 0)
