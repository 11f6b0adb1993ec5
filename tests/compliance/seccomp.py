"""seccomp.py - linux.seccomp: actions, conditions, architectures, flags; and the protocol of the seccomp agent.

tests/sim/test_seccomp.c asks the filters themselves, for every system call."""
import errno
import struct

from agent import Agent
from kit import *

TMP = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}
SAID = {errno.EPERM: "Operation not permitted", errno.ENOSPC: "No space left", errno.ENOSYS: "not implemented"}
SIGSYS_RC = 128 + 31


def profile(*rules, default="ALLOW", config=None, **more):
    """The default configuration, with a profile of (action, names, {more members}) and a /tmp to write into."""
    config = config or spec()
    config["mounts"].append(dict(TMP))
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_" + default, "syscalls": [
        {"names": names.split(), "action": "SCMP_ACT_" + action, **rest} for action, names, rest in rules], **more}
    return config


def allowing(*left_out, **more):
    """An engine's profile, without these calls."""
    theirs = json.loads(read(os.path.join(SPECS, "docker.json")))["linux"]["seccomp"]
    rules = [(r["action"][9:], " ".join(set(r["names"]) - set(left_out)), {k: r[k] for k in r if k not in ("names", "action")})
             for r in theirs["syscalls"] if set(r["names"]) - set(left_out)]
    return profile(*rules, default="ERRNO", architectures=theirs["architectures"], **more)


def mkdir(t, config):
    """What `mkdir` says under this profile, "" when it works."""
    return says(t, "mkdir /tmp/a 2>&1; echo $?", config)


def program(t, config, nr, wide=True):
    """The exit status of a program of two system calls: the number nr, by the 64-bit or the 32-bit entry, then exit with
    the negative of what it gave."""
    if os.uname().machine != "x86_64":
        untestable("needs an x86-64 machine")
    code = b"\xb8" + struct.pack("<I", nr) + (b"\x0f\x05" if wide else b"\xcd\x80") + \
        b"\x89\xc7\xf7\xdf\xb8\x3c\x00\x00\x00\x0f\x05"
    size = 64 + 56 + len(code)
    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0) + \
        struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000) + code
    b = t.bundle(config)
    write(b.rootfs + "/program", elf, 0o755)
    b.config["process"]["args"] = ["/program"]
    b.save()
    return t.run(b).rc


# ---- the profile -------------------------------------------------------------------------------------------

@row("SEC-01")
def default_action(t):
    for seccomp in ({}, {"syscalls": []}, {"defaultAction": "SCMP_ACT_DENY"}, {"defaultAction": "ALLOW"}, {"defaultAction": 1}):
        config = spec()
        config["linux"]["seccomp"] = seccomp
        refused(t, config, "/linux/seccomp")
    t.eq(status(says(t, "cat /proc/self/status", profile()))["Seccomp"], "2")


@row("SEC-02")
def actions(t):
    path = t.path("agent")
    config = profile(("KILL", "sync", {}), ("KILL_PROCESS", "chroot", {}), ("KILL_THREAD", "sethostname", {}),
                     ("TRAP", "link linkat", {}), ("ERRNO", "mkdir mkdirat", {}), ("TRACE", "symlink symlinkat", {}),
                     ("LOG", "mknod mknodat", {}), ("ALLOW", "rename renameat renameat2", {}),
                     ("NOTIFY", "rmdir unlinkat", {}), listenerPath=path, default="LOG")
    script = "exec 2>&1; cd /tmp; touch a; " + "; ".join("%s; echo $?" % c for c in (
        "sync", "chroot / true", "hostname x", "ln a b", "mkdir c", "ln -s a d", "mkfifo e", "mv a f", "rmdir g"))
    with Agent(path, lambda call: errno.ENOSPC) as agent:
        out = says(t, script, config)
    codes = [int(x) for x in re.findall(r"^\d+$", out, re.M)]
    t.eq(codes, [SIGSYS_RC] * 4 + [1, 1, 0, 0, 1], out)
    for line in ("c': Operation not permitted", "d: Function not implemented", "'g': No space left on device"):
        t.has(out, line)
    t.eq(len(agent.calls), 1)
    refused(t, profile(("DENY", "mkdir", {})), "/linux/seccomp/syscalls/0/action")


@row("SEC-03")
def default_error(t):
    for more, wanted in (({}, errno.EPERM), ({"defaultErrnoRet": errno.ENOSPC}, errno.ENOSPC)):
        t.has(mkdir(t, allowing("mkdir", "mkdirat", **more)), SAID[wanted])


@row("SEC-04")
def errors_where_there_are_none(t):
    for action in ("KILL", "ALLOW", "TRAP", "LOG"):
        refused(t, profile((action, "mkdir", {"errnoRet": 1})), "/linux/seccomp/syscalls/0/errnoRet")
        if action != "KILL":
            refused(t, profile(default=action, defaultErrnoRet=1), "/linux/seccomp/defaultErrnoRet")
    accepted(t, profile(("ERRNO", "mkdir", {"errnoRet": 1}), ("TRACE", "rmdir", {"errnoRet": 1})))


@row("SEC-05")
def architectures(t):
    X86, GETPID = "SCMP_ARCH_X86", 20
    rule = ("ERRNO", "getpid", {"errnoRet": 7})
    if program(t, spec(), GETPID, wide=False) != 255:       # minus 1, the pid
        untestable("this kernel has no 32-bit system calls")
    for more, wide, narrow in (({}, 7, 128 + 31), ({"architectures": []}, 7, 128 + 31),
                               ({"architectures": [X86]}, 7, 7), ({"architectures": ["SCMP_ARCH_X32"]}, 7, 128 + 31)):
        t.eq(program(t, profile(rule, **more), 39), wide, more)
        t.eq(program(t, profile(rule, **more), GETPID, wide=False), narrow, more)
    little = ("X86 X86_64 X32 ARM AARCH64 MIPSEL MIPSEL64 MIPSEL64N32 PPC64LE RISCV64").split()
    accepted(t, profile(rule, architectures=["SCMP_ARCH_" + a for a in little]))
    for wrong in ("X86", "SCMP_ARCH_VAX"):
        refused(t, profile(rule, architectures=["SCMP_ARCH_X86", wrong]), "/linux/seccomp/architectures/1")


@row("SEC-06")
def flags(t):
    rule = ("ERRNO", "mkdir mkdirat", {})
    for flag in ("TSYNC", "LOG", "SPEC_ALLOW"):
        t.has(mkdir(t, profile(rule, flags=["SECCOMP_FILTER_FLAG_" + flag])), SAID[errno.EPERM])
    with Agent(t.path("agent"), lambda call: errno.EPERM):
        t.has(mkdir(t, profile(("NOTIFY", "mkdir mkdirat", {}), listenerPath=t.path("agent"),
                               flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])), SAID[errno.EPERM])
    for wrong in ("LOG", "SECCOMP_FILTER_FLAG_NEW_LISTENER"):
        refused(t, profile(rule, flags=[wrong]), "/linux/seccomp/flags/0")
    if is_husk():
        no_plan(t, profile(rule, flags=["SECCOMP_FILTER_FLAG_LOG"]), "/linux/seccomp/flags", host="old-4.9")


@row("SEC-07")
def absent_flags(t):
    for more, host, wanted in (({}, "v2", ["spec_allow"]), ({"flags": []}, "v2", []), ({}, "android-4.14", []),
                               ({"flags": ["SECCOMP_FILTER_FLAG_LOG"]}, "v2", ["log"])):
        config = profile(("ERRNO", "mkdir", {}), **more)
        config["linux"].pop("resources")
        t.eq(plan(t, config, host).one("seccomp").get("flags", []), wanted)


@row("SEC-08")
def names_and_action(t):
    base = profile(("ERRNO", "mkdir", {}))
    accepted(t, base)
    for member, value in (("names", None), ("names", []), ("action", None)):
        config = json.loads(json.dumps(base))
        config["linux"]["seccomp"]["syscalls"][0][member] = value
        if value is None:
            del config["linux"]["seccomp"]["syscalls"][0][member]
        refused(t, config, "/linux/seccomp/syscalls/0/" + member)


@row("SEC-09")
def rule_error(t):
    for more, wanted in (({}, errno.EPERM), ({"errnoRet": errno.ENOSPC}, errno.ENOSPC)):
        t.has(mkdir(t, profile(("ERRNO", "mkdir mkdirat", more))), SAID[wanted])


CHLD, CONT, URG, WINCH = 17, 18, 23, 28         # ignored unless one asks for them


def kills(t, *args):
    """Which of the signals a shell may send to itself when these conditions on kill(2) give an error."""
    script = "for s in %d %d %d %d; do kill -$s $$ 2>/dev/null && echo $s; done; true" % (CHLD, CONT, URG, WINCH)
    return [int(x) for x in says(t, script, profile(("ERRNO", "kill", {"args": list(args)}))).split()]


def condition(index, op, value, **more):
    return {"index": index, "op": "SCMP_CMP_" + op, "value": value, **more}


@row("SEC-10")
def arguments(t):
    t.eq(kills(t), [])
    t.eq(kills(t, condition(0, "EQ", 1), condition(1, "EQ", CONT)), [CHLD, URG, WINCH], "both")
    t.eq(kills(t, condition(0, "EQ", 2), condition(1, "EQ", CONT)), [CHLD, CONT, URG, WINCH], "both")
    t.eq(kills(t, condition(1, "EQ", URG), condition(1, "EQ", CONT)), [CHLD, WINCH], "one argument: either")
    accepted(t, profile(("ERRNO", "kill", {"args": [condition(5, "EQ", 1 << 63, valueTwo=0)]})))
    for member, value in (("index", 6), ("index", None), ("value", None), ("op", None), ("value", -1)):
        wrong = condition(0, "EQ", 1)
        wrong[member] = value
        if value is None:
            del wrong[member]
        refused(t, profile(("ERRNO", "kill", {"args": [wrong]})), "/linux/seccomp/syscalls/0/args/0/" + member)


@row("SEC-11")
def comparisons(t):
    signals = [CHLD, CONT, URG, WINCH]
    for op, holds in (("NE", lambda s: s != CONT), ("LT", lambda s: s < URG), ("LE", lambda s: s <= URG),
                      ("EQ", lambda s: s == URG), ("GE", lambda s: s >= CONT), ("GT", lambda s: s > CONT)):
        value = CONT if op in ("NE", "GE", "GT") else URG
        t.eq(kills(t, condition(1, op, value)), [s for s in signals if not holds(s)], op)
    t.eq(kills(t, condition(1, "MASKED_EQ", 12, valueTwo=8)), [s for s in signals if s & 12 != 8])
    for wrong in ("EQUAL", "==", ""):
        refused(t, profile(("ERRNO", "kill", {"args": [condition(0, wrong, 1)]})), "/linux/seccomp/syscalls/0/args/0/op")


@row("SEC-12")
def unknown_calls(t):
    config = profile(("ERRNO", "not_a_call mkdir mkdirat", {}))
    t.has(mkdir(t, config), SAID[errno.EPERM])
    config["annotations"] = {"run.oci.seccomp_fail_unknown_syscall": "1"}
    if is_husk():
        refused(t, config, "/linux/seccomp/syscalls/0/names/0", "not_a_call")


@row("SEC-13")
def the_default_as_a_rule(t):
    t.eq(mkdir(t, profile(("ALLOW", "mkdir mkdirat", {}))), "0\n")
    t.has(mkdir(t, profile(("ALLOW", "mkdir mkdirat", {}), ("ERRNO", "mkdir mkdirat", {}))), SAID[errno.EPERM])


@row("SEC-14")
def newer_calls(t):
    create_module = 174             # of Linux 2.4
    t.eq(program(t, allowing(defaultErrnoRet=errno.ENOSPC), 4000), errno.ENOSYS, "newer than all that are named")
    t.eq(program(t, allowing(defaultErrnoRet=errno.ENOSPC), create_module), errno.ENOSPC, "older")


@row("SEC-15", "SEC-16")
def when_it_is_loaded(t):
    rule = ("ERRNO", "mkdir mkdirat", {})
    for nnp in (True, False):
        config = profile(rule, config=spec(noNewPrivileges=nnp, user={"uid": 1000, "gid": 1000}))
        seen = status(says(t, "cat /proc/self/status", config))
        t.eq((seen["Seccomp"], seen["NoNewPrivs"], seen["CapBnd"]), ("2", str(int(nnp)), "0000000020000420"))
        # Whoever needs the filter's permission to give up capabilities has loaded it before.
        config = profile(rule, ("ERRNO", "capset", {}), config=spec("true", noNewPrivileges=nnp))
        t.eq(t.run(config).rc == 0, nnp, "capset before the filter, with no_new_privs only")
        if is_husk():
            order = [op["do"] for op in plan(t, config).ops if op["who"] != "parent"]
            t.eq(order[order.index("seccomp") + 1:], ["exec"] if nnp else ["caps", "exec"])


@row("SEC-17")
def exec_has_it(t):
    config = profile(("ERRNO", "mkdir mkdirat", {}), config=spec("sleep", "1000"))
    with t.container(config, start=True) as c:
        r = c.exec("sh", "-c", "grep Seccomp: /proc/self/status; mkdir /tmp/a")
        t.eq((r.rc, r.out), (1, "Seccomp:\t2\n"), r)
        t.has(r.err, SAID[errno.EPERM])


@row("SEC-18")
def without_seccomp(t):
    host = json.loads(read(os.path.join(HOSTS, "v2.json")))
    for feature in host["features"]:
        host["features"][feature] &= not feature.startswith("seccomp")
    write(t.path("bare.json"), json.dumps(host))
    no_plan(t, profile(("ERRNO", "mkdir", {})), "/linux/seccomp", "no seccomp filters", host=t.path("bare"))


# ---- the agent ---------------------------------------------------------------------------------------------

def asking(path, script="mkdir /tmp/a; echo $?", *names, **more):
    config = profile(("NOTIFY", " ".join(names or ("mkdir", "mkdirat")), {}), listenerPath=path, **more)
    config["process"]["args"] = ["sh", "-c", script]
    return config


def one_state(t, agent):
    t.until(lambda: agent.states and agent.states[0].ended, "a container process state")
    return agent.states[0]


@row("NOT-01")
def the_agent_is_there_first(t):
    path = t.path("agent")
    refused(t, asking(path), path)
    with Agent(path, lambda call: errno.EPERM) as agent:
        with t.container(asking(path), start=True) as c:
            c.wait("stopped")
            t.eq(c.out, "1\n")
    t.eq((len(agent.states), len(agent.calls)), (1, 1))


@row("NOT-02", "NOT-04")
def one_message_a_connection(t):
    path = t.path("agent")
    config = asking(path, "true")
    config["annotations"] = {"large": "x" * 200000}
    with Agent(path) as agent:
        for n in (1, 2):
            with t.container(config, start=True):
                t.until(lambda: len(agent.states) == n and agent.states[-1].ended, "state %d, and the end" % n)
        for state in agent.states:
            t.eq(state.document["fds"], ["seccompFd"])
            t.eq((len(state.fds), state.late_fds), (1, 0))
            t.eq(os.readlink("/proc/self/fd/%d" % state.fds[0]), "anon_inode:seccomp notify")


@row("NOT-03")
def what_it_is_told(t):
    for metadata in ({}, {"listenerMetadata": "any \"thing\"\n"}):
        path = t.path("agent%d" % len(metadata))
        config = asking(path, "true", **metadata)
        config["annotations"] = {"a": "b"}
        with Agent(path) as agent:
            with t.container(config) as c:
                document = one_state(t, agent).document
                t.eq(set(document) - {"metadata"}, {"ociVersion", "fds", "pid", "state"})
                t.eq(document.get("metadata"), metadata.get("listenerMetadata"))
                t.match(document["ociVersion"], r"^1\.\d+\.\d+")
                t.eq({k: document["state"][k] for k in ("id", "bundle", "annotations")},
                     {"id": c.id, "bundle": c.bundle.path, "annotations": {"a": "b"}})
                t.match(document["state"]["ociVersion"], r"^1\.\d+\.\d+")


@row("NOT-05", "NOT-06")
def whose_pid_and_state(t):
    path = t.path("agent")
    with Agent(path) as agent:
        with t.container(asking(path, "sleep 1000")) as c:
            first = one_state(t, agent).document
            t.eq((first["pid"], first["state"]["pid"], first["state"]["status"]), (c.pid, c.pid, "creating"))
            t.eq(c.start().rc, 0)
            r = t.rt("exec", "--detach", "--pid-file", t.path("pid"), c.id, "sleep", "1000")
            t.eq(r.rc, 0, r)
            t.until(lambda: len(agent.states) == 2 and agent.states[1].ended, "the state of exec")
            second = agent.states[1].document
            t.eq((second["pid"], second["state"]["pid"], second["state"]["status"]),
                 (int(read(t.path("pid"))), c.pid, "running"))
            os.kill(second["pid"], signal.SIGKILL)
            os.waitpid(second["pid"], 0)            # the pid namespace cannot end before its parent has reaped it


@row("NOT-07")
def what_cannot_be_sent(t):
    path = t.path("agent")
    config = asking(path, "true")
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", "n=0; until test -e %s.closed || test $n -gt 50; do n=$((n+1)); sleep 0.01; done" % path]}]}
    with Agent(path, take=False):
        refused(t, config, "/linux/seccomp/listenerPath")


@row("NOT-08")
def nothing_to_ask(t):
    config = profile(("ERRNO", "mkdir mkdirat", {}), listenerPath=t.path("nobody"), listenerMetadata="m")
    t.has(mkdir(t, config), SAID[errno.EPERM])


@row("NOT-09")
def metadata_for_nobody(t):
    refused(t, profile(("ERRNO", "mkdir", {}), listenerMetadata="m"), "/linux/seccomp/listenerMetadata")


@row("NOT-10")
def nobody_to_ask(t):
    refused(t, profile(("NOTIFY", "mkdir", {})), "/linux/seccomp/listenerPath")


@row("NOT-11")
def what_cannot_be_asked(t):
    path = t.path("agent")
    with Agent(path) as agent:
        refused(t, profile(default="NOTIFY", listenerPath=path), "/linux/seccomp/defaultAction")
        refused(t, asking(path, "true", "mkdir", "write"), "/linux/seccomp/syscalls/0/names/1")
    t.eq(agent.states, [])


@row("NOT-12")
def the_runtime_asks_nobody_meanwhile(t):
    """Had the runtime used one of these before the agent had the listener, it would wait for ever."""
    path, other = t.path("agent"), t.path("other")
    names = "sendmsg sendmmsg sendto recvmsg recvfrom socket connect dup dup2 dup3 fcntl clone clone3 fork vfork".split()
    with Agent(path) as agent:
        r = t.run(asking(path, "echo hello; true", *names))
        t.eq((r.rc, r.out), (0, "hello\n"), r)
    t.eq(len(agent.states), 1)
    config = asking(other)
    config["linux"]["seccomp"]["syscalls"].append({"names": names[:7], "action": "SCMP_ACT_ERRNO"})
    with Agent(other, lambda call: errno.EPERM):
        r = t.run(config)
        t.eq((r.rc, r.out), (0, "1\n"), r)
