"""process.py - process: terminal, directory, environment, user, capabilities, rlimits."""
import array
import fcntl
import resource
import select
import socket
import struct
import termios

from kit import *

RLIMITS = dict(CPU=0, FSIZE=1, DATA=2, STACK=3, CORE=4, RSS=5, NPROC=6, NOFILE=7, MEMLOCK=8, AS=9, LOCKS=10,
               SIGPENDING=11, MSGQUEUE=12, NICE=13, RTPRIO=14, RTTIME=15)
CAPS = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
        "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE "
        "SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE "
        "AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
SETS = {"effective": "CapEff", "permitted": "CapPrm", "inheritable": "CapInh", "bounding": "CapBnd",
        "ambient": "CapAmb"}


# ---- terminal ----------------------------------------------------------------------------------------------

class Console:
    """A container created on a console socket: `fd` is the master of its terminal."""

    def __init__(self, t, config):
        self.t, path = t, t.path("console")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(LIMIT)
            self.container = t.container(config, "--console-socket", path)
            connection, _ = listener.accept()
        with connection:
            _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
        t.eq([(level, kind) for level, kind, _ in ancillary], [(socket.SOL_SOCKET, socket.SCM_RIGHTS)])
        self.fd = array.array("i", ancillary[0][2])[0]
        os.unlink(path)

    def start(self, until):
        """Start; what is printed up to that text."""
        self.t.eq(self.container.start().rc, 0)
        seen = b""
        while until not in seen:
            if not select.select([self.fd], [], [], 10)[0]:
                raise Fail("no %r on the terminal: %r" % (until, seen))
            seen += os.read(self.fd, 65536)
        return seen.replace(b"\r", b"").decode()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.fd)
        self.container.__exit__(*exc)


def on_terminal(script, **process):
    return spec("sh", "-c", script + "; echo end; sleep 1000", terminal=True, **process)


@row("PRC-01")
def process_may_be_absent_at_create(t):
    config = spec()
    del config["process"]
    with t.container(config) as c:
        t.eq(c.state()["status"], "created")
        t.ok(c.start().rc != 0, "started")
    c = t.new(config)
    t.ok(c.run().rc != 0, "run without a process")
    t.ok(t.rt("state", c.id).rc != 0, "and it left a container")


@row("PRC-02")
def terminal(t):
    script = ("for n in 0 1 2; do readlink /proc/self/fd/$n; test -t $n && echo tty; done; echo via >/dev/tty; "
              "cut -d' ' -f6,7 /proc/self/stat; stat -c %t:%T /dev/pts/0")
    with Console(t, on_terminal(script)) as c:
        text = c.start(b"end\r\n")
        # session 1, and its terminal is pts 0
        t.eq(text.split(), ["/dev/pts/0", "tty"] * 3 + ["via", "1", "%d" % (136 << 8), "88:0", "end"])
        os.write(c.fd, b"x")                            # it is the master of that one
    t.ok(t.rt("create", "-b", t.bundle(on_terminal("true")).path, t.id()).rc != 0, "create without a console socket")
    t.eq(says(t, "test -t 0 || test -t 1 || echo none"), "none\n")


@row("PRC-03")
def terminal_belongs_to_the_user(t):
    with Console(t, on_terminal("tty; stat -c '%u %g %a' /dev/pts/0; exec 3<>/dev/tty && echo open",
                                user={"uid": 1000, "gid": 1001})) as c:
        t.eq(c.start(b"end\r\n").split("\n")[:3], ["/dev/pts/0", "1000 5 620", "open"])


@row("PRC-04")
def streams_without_a_terminal(t):
    for config in (spec("sh", "-c", "echo out; echo err >&2; sleep 1000"),
                   spec("sh", "-c", "echo out; echo err >&2; sleep 1000", terminal=False)):
        if config["process"]["terminal"] is False:
            del config["process"]["terminal"]
        with t.container(config, start=True) as c:
            t.until(lambda: (c.out, c.err) == ("out\n", "err\n"), "output")
            t.eq([os.readlink("/proc/%d/fd/%d" % (c.pid, n)) for n in (1, 2)], [c.outfile, c.errfile])
    r = t.run(spec("sh", "-c", "cat; echo err >&2"), input=b"through\0\xff")
    t.eq((r.rc, r.outb, r.errb), (0, b"through\0\xff", b"err\n"))


@row("PRC-05")
def console_size(t):
    with Console(t, on_terminal("stty size", consoleSize={"height": 12, "width": 34})) as c:
        t.eq(struct.unpack("HHHH", fcntl.ioctl(c.fd, termios.TIOCGWINSZ, b"\0" * 8))[:2], (12, 34), "before start")
        t.eq(c.start(b"end\r\n"), "12 34\nend\n")
    accepted(t, spec("true", consoleSize={"height": 12, "width": 34}))
    refused(t, spec("true", consoleSize={"height": 12}), "/process/consoleSize")
    refused(t, spec("true", consoleSize={"width": 12}), "/process/consoleSize")


# ---- directory, environment, program -----------------------------------------------------------------------

@row("PRC-06")
def cwd_is_required_and_absolute(t):
    for wrong in ("", "tmp", "./tmp", "../tmp"):
        refused(t, spec("true", cwd=wrong), "/process/cwd")
    config = spec("true")
    del config["process"]["cwd"]
    refused(t, config, "/process/cwd")


@row("PRC-07")
def the_program_starts_in_cwd(t):
    t.eq(t.run(spec("pwd", cwd="/usr/bin")).out, "/usr/bin\n")
    config = spec("sh", "-c", "pwd; stat -c '%a %u' .; touch x 2>&1", cwd="/made/by/runtime")
    b = t.bundle(config)
    b.loose = True
    r = t.run(b)
    t.eq(r.out.splitlines()[:2], ["/made/by/runtime", "755 0"], r)
    t.has(r.out, "Read-only")
    t.ok(os.path.isdir(b.rootfs + "/made/by/runtime"), "not in the rootfs")


@row("PRC-08")
def cwd_that_only_root_may_enter(t):
    b = t.bundle(spec("readlink", "/proc/self/cwd", cwd="/private", user={"uid": 1000, "gid": 1000}))
    os.mkdir(b.rootfs + "/private", 0o700)
    t.eq(t.run(b).out, "/private\n")
    os.chown(b.rootfs + "/private", 1000, 1000)
    t.eq(t.run(b).out, "/private\n")
    b.config["process"]["cwd"] = "/private/deep"
    b.save()
    os.mkdir(b.rootfs + "/private/deep", 0o700)
    t.eq(t.run(b).out, "/private/deep\n")


@row("PRC-09")
def cwd_outside_the_root(t):
    control(t)
    for number in (3, 4, 5, 6, 7, 8):
        c = t.new(spec("pwd", cwd="/proc/self/fd/%d" % number))
        c.bundle.sealed()
        argv = t.rt.argv("run", "--bundle", c.bundle.path, "--preserve-fds", "2", c.id)
        r = t.rt("sh", "-c", 'exec 3</ 4<%s; exec "$@"' % t.canary, "sh", *argv, raw=True)
        t.ok(r.rc != 0 and r.out == "", "fd %d: %s" % (number, r))


@row("PRC-10")
def environment_is_exact(t):
    env = ["PATH=/bin", "A=b=c", "EMPTY=", "HOME=/h", "SPACE= x y "]
    out = t.run(spec("env", env=env), env={"CALLER": "yes"}).out
    t.eq(sorted(out.splitlines()), sorted(env))
    for wrong in ("NOVALUE", "=x", ""):
        refused(t, spec("true", env=["PATH=/bin", wrong]), "/process/env/1")


@row("PRC-11")
def home_is_added(t):
    for uid, home in ((0, "/root"), (1000, "/home"), (4242, "/")):
        t.eq(t.run(spec("sh", "-c", "echo $HOME", user={"uid": uid, "gid": 0})).out, home + "\n")
    t.eq(t.run(spec("sh", "-c", "echo $HOME", env=["PATH=/bin", "HOME=/own"])).out, "/own\n")


@row("PRC-12")
def args_has_an_entry(t):
    refused(t, spec("true") | {"process": dict(spec()["process"], args=[])}, "/process/args")
    config = spec()
    del config["process"]["args"]
    refused(t, config, "args")


@row("PRC-13")
def the_program_is_looked_up(t):
    b = t.bundle()
    for d in ("one", "two"):
        os.makedirs(b.rootfs + "/" + d)
        write(b.rootfs + "/%s/tool" % d, "#!/bin/sh\necho %s\n" % d, 0o755)
    write(b.rootfs + "/two/plain", "#!/bin/sh\necho plain\n", 0o644)
    os.mkdir(b.rootfs + "/one/only")
    write(b.rootfs + "/two/only", "#!/bin/sh\necho only\n", 0o755)
    for args, path, cwd, want in (
            (["tool"], "/one:/two", "/", "one\n"), (["tool"], "/none:/two:/one", "/", "two\n"),
            (["/two/tool"], "/one", "/", "two\n"), (["./tool"], "/one", "/two", "two\n"),
            (["two/tool"], "/one", "/", "two\n"), (["only"], "/one:/two", "/", "only\n")):
        b.config["process"].update(args=args, env=["PATH=" + path], cwd=cwd)
        b.save()
        t.eq(t.run(b).out, want, "%s with PATH=%s in %s" % (args, path, cwd))
    b.config["process"].update(args=["tool"], env=["PATH=" + t.canary], cwd="/two")
    write(t.canary + "/tool", "#!/bin/sh\necho host\n", 0o755)
    t.canary_before = tree(t.canary)
    b.save()
    r = t.run(b)
    t.ok(r.rc != 0 and r.out == "", "found outside, or in the directory: %s" % r)
    t.has(r.err, "executable file")
    t.has(r.err, "not found in $PATH")


@row("PRC-14")
def what_cannot_be_executed(t):
    b = t.bundle()
    write(b.rootfs + "/plain", "x", 0o644)
    for program in ("/plain", "/usr"):
        b.config["process"]["args"] = [program]
        b.save()
        refused(t, b, "permission denied")


@row("PRC-15")
def interpreter_that_is_missing(t):
    control(t)
    b = t.bundle(spec("/script"))
    write(b.rootfs + "/script", "#!/no/such/interpreter\n", 0o755)
    r = t.run(b)
    t.ok(r.rc != 0, r)
    t.match(r.err, "(?i)no such file or directory")


@row("PRC-16")
def oom_score(t):
    for value in (0, 1, 500, 1000):
        t.eq(says(t, "cat /proc/self/oom_score_adj", spec(oomScoreAdj=value)), "%d\n" % value)


@row("PRC-17")
def oom_score_is_inherited(t):
    def raise_it():
        write("/proc/self/oom_score_adj", "321")
    t.eq(says(t, "cat /proc/self/oom_score_adj", spec(), preexec=raise_it), "321\n")


def own_caps():
    return int(status(read("/proc/self/status"))["CapEff"], 16)


def mask(names):
    return sum(1 << CAPS.index(name) for name in names)


@row("PRC-18")
def oom_score_that_cannot_be_set(t):
    for wrong in (1001, -1001, 2 ** 31 - 1):
        refused(t, spec("true", oomScoreAdj=wrong), "/process/oomScoreAdj")
    least = int(read("/proc/self/oom_score_adj"))
    if own_caps() & mask(["SYS_RESOURCE"]):
        t.eq(says(t, "cat /proc/self/oom_score_adj", spec(oomScoreAdj=-500)), "-500\n")
    elif least > -1000:
        refused(t, spec("true", oomScoreAdj=-1000), "/process/oomScoreAdj")


@row("PRC-19")
def no_new_privileges(t):
    for value, want in ((True, "1"), (False, "0"), (None, "0")):
        config = spec(noNewPrivileges=value)
        if value is None:
            del config["process"]["noNewPrivileges"]
        t.eq(status(says(t, "cat /proc/self/status", config))["NoNewPrivs"], want)


@row("PRC-20")
def other_systems_members(t):
    config = spec("echo", "ran", commandLine="other.exe /x", user={"uid": 0, "gid": 0, "username": "someone"})
    config.update({name: {"any": [1]} for name in ("windows", "vm", "solaris", "zos", "freebsd")})
    t.eq(t.run(config).out, "ran\n")


# ---- user --------------------------------------------------------------------------------------------------

def as_user(*args, **user):
    return spec(*args, user=dict({"uid": 0, "gid": 0}, **user))


@row("USR-01", need=["userns"])
def user_and_group(t):
    seen = look(t, as_user(uid=1000, gid=1001))
    t.eq((seen["uid"], seen["gid"]), ("1000 1000 1000", "1001 1001 1001"))
    config = userns_spec(*FOREVER, user={"uid": 5, "gid": 7})
    with t.container(mapped(t, config), start=True) as c:
        found = status(read("/proc/%d/status" % c.pid))
        t.eq((found["Uid"].split(), found["Gid"].split()), (["100005"] * 4, ["100007"] * 4))


@row("USR-02", need=["userns"])
def user_that_is_not_mapped(t):
    for user in ({"uid": 10, "gid": 0}, {"uid": 0, "gid": 10}, {"uid": 0, "gid": 0, "additionalGids": [10]}):
        refused(t, userns_spec("true", size=10, user=user), "/process/user")


@row("USR-08")
def user_minus_one(t):
    for user in ({"uid": 4294967295, "gid": 0}, {"uid": 0, "gid": 4294967295},
                 {"uid": 0, "gid": 0, "additionalGids": [4294967295]}):
        refused(t, spec("true", user=user), "/process/user")


@row("USR-03")
def additional_groups(t):
    def have_some():
        os.setgroups([50, 51])
    for gids in ([5, 7, 70000], [], None):
        config = as_user("sh", "-c", "grep ^Groups: /proc/self/status", uid=1000, gid=1000)
        if gids is not None:
            config["process"]["user"]["additionalGids"] = gids
        r = t.run(config, preexec=have_some)
        t.eq(r.out.split()[1:], [str(g) for g in gids or []], r)


@row("USR-04")
def umask_is_set(t):
    for value in (0, 0o27, 0o777):
        t.eq(says(t, "umask", as_user(umask=value), preexec=lambda: os.umask(0o22)), "%04o\n" % value)


@row("USR-05")
def umask_is_inherited(t):
    for value in (0o22, 0o77, 0o2):
        t.eq(says(t, "umask", preexec=lambda: os.umask(value)), "%04o\n" % value)


@row("USR-06", need=["userns", "devnull", "prog:setpriv"])
def groups_where_they_are_denied(t):
    os.mkdir(t.path("run"))
    os.chown(t.path("run"), 1234, 1234)
    rt = t.runtime("setpriv", "run")
    rt.command = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--inh-caps=-all",
                  "--bounding-set=-all", HUSK]
    for gids, works in ((None, True), ([0], False)):
        config = rootless_spec("echo", "ran", uid=1234, gid=1234)
        if gids:
            config["process"]["user"]["additionalGids"] = gids
        r = t.run(mapped(t, config, 1234), runtime=rt, env={"XDG_RUNTIME_DIR": t.path("run")})
        t.eq(r.out, "ran\n" if works else "", r)
        t.eq(r.rc == 0, works, r)
        t.ok(works or not is_husk() or "/process/user" in r.err, r)


@row("USR-07")
def streams_belong_to_the_user(t):
    script = "echo one >/dev/stdout && echo two >>/dev/stderr && stat -L -c %u /proc/self/fd/1"
    r = shell(t, script, as_user(uid=1000, gid=1000))
    t.eq((r.rc, r.out.split()[-1]), (0, "1000"), r)
    null = os.stat("/dev/null")
    t.eq((null.st_uid, null.st_gid), (0, 0), "the host's /dev/null")


# ---- capabilities ------------------------------------------------------------------------------------------

def caps(**sets):
    return {name: ["CAP_" + c for c in value.split()] for name, value in sets.items()}


def created_caps(t, config):
    """{set: mask} before the program is executed, which would compute them anew."""
    with t.container(config) as c:
        found = status(read("/proc/%d/status" % c.pid))
        return {name: int(found[word], 16) for name, word in SETS.items()}


@row("CAP-01")
def capability_sets_are_exact(t):
    sets = dict(bounding="KILL CHOWN SETUID SETGID NET_RAW", permitted="KILL CHOWN SETUID NET_RAW",
                effective="KILL SETUID", inheritable="KILL CHOWN NET_RAW", ambient="KILL NET_RAW")
    for uid in (0, 1000):
        config = as_user(*FOREVER, uid=uid)
        config["process"]["capabilities"] = caps(**sets)
        t.eq(created_caps(t, config), {name: mask(value.split()) for name, value in sets.items()}, "uid %d" % uid)
    # capabilities(7): what is left after execve(2) for a user who is not root
    after = status(says(t, "cat /proc/self/status", config))
    want = dict(sets, permitted=sets["ambient"], effective=sets["ambient"])
    t.eq({name: int(after[word], 16) for name, word in SETS.items()}, {n: mask(v.split()) for n, v in want.items()})


@row("CAP-02")
def unknown_capabilities_warn(t):
    names = ["CAP_KILL", "CAP_NO_SUCH", "CAP_99", "CAP_kill"]
    config = spec("sh", "-c", "grep CapBnd /proc/self/status", capabilities={name: names for name in SETS})
    b = t.bundle(config)
    r = t.rt("--log", t.path("warnings"), "run", "-b", b.path, t.id())
    t.eq((r.rc, int(r.out.split()[1], 16)), (0, mask(["KILL"])), r)
    if is_husk():
        t.has(" ".join(log_messages(read(t.path("warnings")), "warning")), "CAP_NO_SUCH")


@row("CAP-03")
def capabilities_that_the_caller_lacks(t):
    def without_net_raw():
        if libc.prctl(24, CAPS.index("NET_RAW"), 0, 0, 0):              # PR_CAPBSET_DROP
            os._exit(99)
    both = caps(**{name: "KILL NET_RAW" for name in SETS})
    r = t.run(spec("sh", "-c", "grep Cap /proc/self/status", capabilities=both), preexec=without_net_raw)
    t.eq((r.rc, {int(line.split()[1], 16) for line in r.out.splitlines()}), (0, {mask(["KILL"])}), r)
    r = t.run(spec("sh", "-c", "grep Cap /proc/self/status", capabilities=both))
    t.eq({int(line.split()[1], 16) for line in r.out.splitlines()}, {mask(["KILL", "NET_RAW"])}, r)


@row("CAP-04")
def absent_lists_are_empty(t):
    none = dict.fromkeys(SETS, 0)
    t.eq(created_caps(t, spec(capabilities={})), none)
    t.eq(created_caps(t, spec(capabilities={name: [] for name in SETS})), none)
    t.eq(created_caps(t, spec(capabilities=caps(bounding="KILL"))), dict(none, bounding=mask(["KILL"])))
    t.eq(created_caps(t, spec(capabilities=caps(bounding="KILL", permitted="KILL"))),
         dict(none, bounding=mask(["KILL"]), permitted=mask(["KILL"])))


@row("CAP-05")
def capabilities_absent(t):
    config = spec()
    del config["process"]["capabilities"]
    t.eq(created_caps(t, config), dict.fromkeys(SETS, 0))


@row("CAP-06")
def every_capability_by_name(t):
    last = int(read("/proc/sys/kernel/cap_last_cap"))
    t.ok(len(CAPS) == 41 and last >= 40, (len(CAPS), last))
    for bit in range(6):                        # each name is in its own combination of these
        names = [c for i, c in enumerate(CAPS) if i >> bit & 1]
        want = mask(names) & own_caps()
        t.eq(created_caps(t, spec(capabilities=caps(bounding=" ".join(names), permitted=" ".join(names)))),
             {"bounding": want, "permitted": want, "effective": 0, "inheritable": 0, "ambient": 0})


@row("CAP-07")
def capabilities_survive_the_change_of_the_user(t):
    config = as_user("sh", "-c", "cat /proc/self/status", uid=1000, gid=1000)
    config["process"]["capabilities"] = caps(**{name: "KILL NET_RAW" for name in SETS})
    found = status(says(t, "cat /proc/self/status", config))
    t.eq({int(found[word], 16) for word in SETS.values()}, {mask(["KILL", "NET_RAW"])})
    t.eq(found["Uid"].split(), ["1000"] * 4)


@row("CAP-08")
def ambient_needs_inheritable_and_permitted(t):
    for sets in (dict(permitted="KILL", bounding="KILL"), dict(inheritable="KILL", bounding="KILL")):
        t.eq(created_caps(t, spec(capabilities=caps(ambient="KILL", **sets)))["ambient"], 0, sets)
    t.eq(created_caps(t, spec(capabilities=caps(**dict.fromkeys(SETS, "KILL"))))["ambient"], mask(["KILL"]))


# ---- resource limits ---------------------------------------------------------------------------------------

def limits(*triples):
    return [{"type": "RLIMIT_" + name, "soft": soft, "hard": hard} for name, soft, hard in triples]


@row("RLM-01")
def both_limits_are_exact(t):
    seen = look(t, spec(rlimits=limits(("NOFILE", 100, 200), ("CORE", 0, 0), ("FSIZE", 2 ** 40 + 1, 2 ** 41))))
    t.eq([seen["rlimit." + n] for n in ("NOFILE", "CORE", "FSIZE")],
         ["100 200", "0 0", "%d %d" % (2 ** 40 + 1, 2 ** 41)])
    for name in ("type", "soft", "hard"):
        config = spec("true", rlimits=limits(("NOFILE", 100, 200)))
        del config["process"]["rlimits"][0][name]
        refused(t, config, "/process/rlimits/0")


@row("RLM-02")
def unknown_limit(t):
    for name in ("RLIMIT_FOO", "NOFILE", "rlimit_nofile", ""):
        refused(t, spec("true", rlimits=[{"type": name, "soft": 1, "hard": 1}]), "/process/rlimits/0/type")


@row("RLM-03")
def every_limit(t):
    wanted = {}
    for name, number in RLIMITS.items():
        hard = resource.prlimit(0, number)[1]
        most = 1 << 30 if hard == resource.RLIM_INFINITY else hard
        wanted[name] = (max(most - 2 * number - 1, 0), most)
    seen = look(t, spec(rlimits=limits(*((name, *pair) for name, pair in wanted.items()))))
    t.eq({n: seen["rlimit." + n] for n in wanted}, {n: "%d %d" % wanted[n] for n in wanted})


@row("RLM-04")
def a_limit_twice(t):
    accepted(t, spec(*FOREVER, rlimits=limits(("NOFILE", 100, 200), ("CORE", 1, 1))))
    for second in ((50, 60), (100, 200)):
        refused(t, spec("true", rlimits=limits(("NOFILE", 100, 200), ("CORE", 1, 1), ("NOFILE", *second))),
                "/process/rlimits/2")


@row("RLM-05", need=["userns"])
def more_than_the_caller_has(t):
    privileged = own_caps() & mask(["SYS_RESOURCE"])

    def lower():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10 ** 6, 10 ** 6 if privileged else 10 ** 9))
    for make in (spec, userns_spec):
        config = make("sh", "-c", "ulimit -f; ulimit -H -f", rlimits=limits(("FSIZE", 512 * 10 ** 5, 512 * 10 ** 6)))
        r = t.run(mapped(t, config) if make is userns_spec else config, preexec=lower)
        t.eq((r.rc, r.out.split()), (0, ["100000", "1000000"]), r)


@row("RLM-06")
def soft_above_hard(t):
    refused(t, spec("true", rlimits=limits(("NOFILE", 201, 200))), "/process/rlimits/0")
    accepted(t, spec("true", rlimits=limits(("NOFILE", 200, 200))))


@row("RLM-07")
def limits_of_the_caller(t):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (301, 4011))
    r = t.run(spec("sh", "-c", "ulimit -n; ulimit -H -n", rlimits=[]), preexec=lower)
    t.eq((r.rc, r.out.split()), (0, ["301", "4011"]), r)
