#!/usr/bin/python3
"""seccomp.py - calls that an agent decides: what it is told, when, what it can do, and what comes of an agent that
is not there, goes away, or does not answer."""
import errno
import os
import socket
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *
from agent import Agent, stuck_socket

MKDIR = {"x86_64": 83}.get(os.uname().machine, 34)          # mkdir, or mkdirat where that is all there is
UID, GID = 23456, 23457


def asking(config, path, *names, **more):
    """The configuration, with a filter that asks the agent at `path` about these calls."""
    config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path,
        "syscalls": [{"names": list(names or ("mkdir", "mkdirat")), "action": "SCMP_ACT_NOTIFY"}], **more}
    return config


def writable(config):
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    return config


def shell(script, path, *names, **more):
    return asking(writable(spec("sh", "-c", script)), path, *names, **more)


@test(need=["husk"])
def an_agent_decides(t):
    path = t.path("agent")
    with Agent(path, lambda call: errno.ENOSPC) as agent:
        r = t.run(shell("mkdir /tmp/a; echo $?; ls -A /tmp", path))
        t.eq((r.rc, r.out), (0, "1\n"), r)
        t.has(r.err, "No space left")
    t.eq([c.nr for c in agent.calls], [MKDIR])
    path = t.path("other")
    with Agent(path, lambda call: 0) as agent:
        r = t.run(shell("mkdir /tmp/a; echo $?; ls -A /tmp", path))
        t.eq((r.rc, r.out), (0, "0\na\n"), r)
    t.eq((len(agent.calls), agent.trouble), (1, []))


@test(need=["husk"])
def it_is_told_of_create_before_start(t):
    path = t.path("agent")
    config = shell("mkdir /tmp/a || echo refused", path, listenerMetadata="for \"you\"\n")
    config["annotations"] = {"a/b": "c", "large": "x" * 300000}
    for nnp in (True, False):
        config["process"]["noNewPrivileges"] = nnp
        told_of_create(t, config, path + str(nnp))


def told_of_create(t, config, path):
    config["linux"]["seccomp"]["listenerPath"] = path
    with Agent(path, lambda call: errno.EPERM) as agent:
        with t.container(config) as c:
            t.until(lambda: agent.states and agent.states[0].ended, "the whole state")
            state, pid = agent.states[0], c.pid
            t.eq(state.document, {
                "ociVersion": c.state()["ociVersion"], "fds": ["seccompFd"], "pid": pid, "metadata": "for \"you\"\n",
                "state": {"ociVersion": c.state()["ociVersion"], "id": c.id, "status": "creating", "pid": pid,
                          "bundle": c.bundle.path, "annotations": config["annotations"]}})
            t.eq((len(state.fds), state.late_fds), (1, 0))
            t.eq(os.readlink("/proc/self/fd/%d" % state.fds[0]), "anon_inode:seccomp notify")
            t.eq((c.state()["status"], agent.calls), ("created", []))
            t.eq(status_of(pid)["Seccomp"], "2", "the filter is there before start")
            t.eq([status_of(pid)[k] for k in ("CapEff", "CapPrm")], ["0000000020000420"] * 2, "its own capabilities")
            t.eq(c.start().rc, 0)
            c.wait("stopped")
            t.eq(c.out, "refused\n")
    t.eq((len(agent.states), len(agent.calls), agent.trouble), (1, 1, []))


def status_of(pid):
    return {k: v.strip() for k, _, v in (line.partition(":") for line in read("/proc/%d/status" % pid).splitlines())}


@test(need=["husk"])
def exec_has_a_listener_of_its_own(t):
    path = t.path("agent")
    with Agent(path, lambda call: errno.EPERM) as agent:
        with t.container(asking(writable(spec("sleep", "1000")), path), start=True) as c:
            r = c.exec("sh", "-c", "mkdir /tmp/x; echo $?")
            t.eq((r.rc, r.out), (0, "1\n"), r)
            t.until(lambda: len(agent.states) == 2 and agent.states[1].ended, "a second state")
            document = agent.states[1].document
            t.eq((document["state"]["status"], document["state"]["pid"]), ("running", c.pid))
            t.ok(document["pid"] not in (c.pid, 0, 1), document)
            t.eq(document["state"]["bundle"], c.bundle.path)
            t.eq(c.exec("true").rc, 0)
    t.eq((len(agent.states), len(agent.calls)), (3, 1))


@test(need=["husk"])
def nothing_of_it_reaches_the_program(t):
    path = t.path("agent")
    config = shell("ls -l /proc/self/fd; grep -E 'SigBlk|Umask' /proc/self/status", path)
    config["process"]["user"]["umask"] = 0o27
    with Agent(path) as agent:
        for nnp in (True, False):
            config["process"]["noNewPrivileges"] = nnp
            r = t.run(config)
            t.eq(r.rc, 0, r)
            fds = re.findall(r" (\d+)(?: -> .*)?$", r.out.split("Umask")[0], re.M)
            t.eq(sorted(set(fds) - {"0"}), ["1", "2", "3"], "3 is what ls reads: %s" % r.out)
            t.ok("anon_inode" not in r.out and "socket" not in r.out, r.out)
            t.has(r.out, "Umask:\t0027")
            t.has(r.out, "SigBlk:\t0000000000000000")
    t.eq((len(agent.states), agent.trouble), (2, []))


@test(need=["husk"])
def the_runtime_itself_may_be_asked_about(t):
    """From the moment when the agent has the listener, calls of the runtime are its business, too."""
    path = t.path("agent")
    config = shell("echo hello", path, "read", "close", "accept4", "execve", "capset", "prctl", "fcntl", "openat")
    for nnp in (True, False):
        config["process"]["noNewPrivileges"] = nnp
        with Agent(path + str(nnp)) as agent:
            config["linux"]["seccomp"]["listenerPath"] = path + str(nnp)
            r = t.run(config)
            t.eq((r.rc, r.out), (0, "hello\n"), r)
            with t.container(config) as c:
                t.eq(c.start().rc, 0)
                c.wait("stopped")
                t.eq(c.out, "hello\n")
        t.ok(len(agent.calls) > 4, agent.calls)


@test(need=["husk"])
def hooks_run_under_it(t):
    path = t.path("agent")
    config = shell("mkdir /tmp/b; echo $?", path)
    config["hooks"] = {"startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/tmp/a"]}]}
    with Agent(path) as agent:
        with t.container(config, start=True) as c:
            c.wait("stopped")
            t.eq(c.out, "0\n")
    t.eq(len(agent.calls), 2)
    with Agent(path + "2", lambda call: errno.EPERM) as agent:
        config["linux"]["seccomp"]["listenerPath"] = path + "2"
        with t.container(config) as c:
            t.fails(c.start(), "startContainer hook #0")
            t.eq(t.rt("state", c.id).rc, 1, "a failed start deletes the container")
            c.delete = lambda *a: t.rt("list")


@test(need=["husk"])
def terminal_and_pidfd_go_out_as_well(t):
    path, console, pidfd = t.path("agent"), t.path("console"), t.path("pidfd")
    config = shell("test -t 0 || exit 3; mkdir /tmp/a", path)
    config["process"]["terminal"] = True
    with Agent(path, lambda call: errno.EPERM) as agent, Agent(console, serve=False) as terminal, \
            Agent(pidfd, serve=False) as process:
        with t.container(config, "--console-socket", console, "--pidfd-socket", pidfd, start=True) as c:
            t.until(lambda: len(agent.calls) == 1, "the call")
            c.wait("stopped")
            t.until(lambda: terminal.states[0].ended and process.states[0].ended, "both messages")
            t.eq([s.data for s in terminal.states + process.states], [b"/dev/ptmx", b"standard"])
    t.eq(len(agent.states), 1)


@test(need=["husk"])
def without_an_agent_nothing_is_made(t):
    path = t.path("agent")
    config = asking(spec("true"), path)
    for make in ("create", "run"):
        c = t.new(config)
        r = getattr(c, make)()
        t.fails(r, "open socket", path, "ENOENT", "/linux/seccomp/listenerPath")
        t.eq(t.rt("state", c.id).rc, 1)
    write(path, "")
    t.fails(t.run(config), "/linux/seccomp/listenerPath", "ECONNREFUSED")
    os.unlink(path)
    with Agent(path) as agent:
        with t.container(asking(spec("sleep", "1000"), path), start=True) as c:
            os.rename(path, path + ".away")
            t.fails(c.exec("true"), "/linux/seccomp/listenerPath", "ENOENT", rc=255)
            t.eq(c.state()["status"], "running")
    t.eq(len(agent.states), 1)


@test(need=["husk"])
def an_agent_that_closes_the_connection(t):
    path = t.path("agent")
    config = asking(spec("true"), path)
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", "until test -e %s.closed; do sleep 0.01; done" % path]}]}
    with Agent(path, take=False):
        for make in ("create", "run"):
            c = t.new(config)
            t.fails(getattr(c, make)(), "send descriptor", "EPIPE", "/linux/seccomp/listenerPath")
            t.eq(t.rt("state", c.id).rc, 1)
            os.unlink(path + ".closed")


@test(need=["husk"])
def an_agent_that_goes_away(t):
    """Its calls then do not exist; and the container neither hangs nor needs it to be deleted."""
    path = t.path("agent")
    with Agent(path, serve=False) as agent:
        c = t.container(shell("mkdir /tmp/a; echo $?", path))
        t.until(lambda: agent.states and agent.states[0].ended, "the state")
    with c:
        t.eq(c.start().rc, 0)
        c.wait("stopped")
        t.eq(c.out, "1\n")
        t.has(c.err, "not implemented")


@test(need=["husk"])
def an_agent_that_does_not_answer(t):
    path = t.path("agent")
    with Agent(path, serve=False) as agent:
        with t.container(shell("mkdir /tmp/a; echo $?", path), start=True) as c:
            t.until(lambda: "seccomp" in read("/proc/%d/wchan" % c.pid) or children(c.pid), "it asks")
            t.eq(c.state()["status"], "running")
            t.eq(c.kill("KILL").rc, 0)
            c.wait("stopped")
    t.eq(agent.calls, [])


def children(pid):
    return read("/proc/%d/task/%d/children" % (pid, pid)).split()


@test(need=["husk"])
def a_listener_for_nothing_is_ignored(t):
    config = spec("echo", "fine")
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": t.path("nobody"),
                                  "listenerMetadata": "m", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
                                  "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "fine\n"), r)


@test(need=["husk"])
def flags_of_the_filter(t):
    for flags in ([], ["SECCOMP_FILTER_FLAG_TSYNC"], ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
                  ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"]):
        path = t.path("agent%d" % t.count)
        with Agent(path, lambda call: errno.EPERM) as agent:
            r = t.run(shell("mkdir /tmp/a; echo $?", path, flags=flags))
            t.eq((r.rc, r.out), (0, "1\n"), "%s: %s" % (flags, r))
        t.eq(len(agent.calls), 1)


@test(need=["husk"])
def in_a_user_namespace(t):
    path = t.path("agent")
    with Agent(path, lambda call: errno.EPERM) as agent:
        config = asking(writable(userns_spec("sh", "-c", "mkdir /tmp/a; echo $?")), path)
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
        r = t.run(config)
        t.eq((r.rc, r.out), (0, "1\n"), r)
    t.eq(len(agent.calls), 1)


def as_user(t, *args):
    prefix = ["setpriv", "--reuid", UID, "--regid", GID, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    return t.rt(*prefix, HUSK, "--root", t.path("user"), *args, raw=True, cwd="/")


@test(need=["husk", "userns", "devnull", "prog:setpriv"])
def without_privilege(t):
    """The parent may take the listener of its own container's first process, but not that of one among others."""
    path = t.path("agent")
    os.mkdir(t.path("user"), 0o700)
    os.chown(t.path("user"), UID, GID)
    config = rootless_spec("sh", "-c", "mkdir /tmp/a; echo $?; sleep 1000", uid=UID, gid=GID)
    b = t.bundle(asking(writable(config), path))
    b.chown(UID, GID)
    b.sealed()
    with Agent(path, lambda call: errno.EPERM) as agent:
        os.chmod(path, 0o666)
        name = t.id()
        r = as_user(t, "run", "--detach", "--bundle", b.path, name)
        t.eq(r.rc, 0, r)
        out = t.rt.last_out
        t.until(lambda: read(out) == "1\n", "the answer")
        t.fails(as_user(t, "exec", name, "true"), "/linux/seccomp/listenerPath", "CAP_SYS_PTRACE", rc=255)
        t.eq(as_user(t, "delete", "--force", name).rc, 0)
    t.eq((len(agent.states), len(agent.calls)), (1, 1))


@test(need=["husk"])
def a_create_that_waits_for_an_answer_can_be_ended(t):
    """The child's own read(2) waits for an agent that is silent, before create is through."""
    path = t.path("agent")
    with Agent(path, serve=False) as agent:
        for command in (("delete", "--force"), ("kill",), ("kill", "--all")):
            c, n = t.new(asking(spec("true"), path, "read")), len(agent.states)
            p = t.rt.popen("create", "--bundle", c.bundle.path, c.id)
            t.until(lambda: agent.states[n:] and agent.states[n].fds, "the listener")
            t.eq((c.state()["status"], p.poll()), ("creating", None))
            pid = c.pid
            t.eq(status_of(pid)["Seccomp"], "2")
            r = t.rt(command[0], *command[1:], c.id, *(["KILL"] if command[0] == "kill" else []))
            t.eq(r.rc, 0, r)
            t.eq((p.wait(10), t.rt("state", c.id).rc), (1, 1), command[0])
            t.ok(not os.path.exists("/proc/%d" % pid), "process %d is left" % pid)


@test(need=["husk"])
def answers_of_the_filter_are_not_taken_for_the_kernels(t):
    """Errno 0 in place of a call: a report that was never sent, a `start` that never came."""
    for call in ("write", "accept4"):
        path = t.path(call)
        with Agent(path):
            config = asking(spec("sh", "-c", "echo it ran; exec sleep 100"), path, "mkdir")
            config["linux"]["seccomp"]["syscalls"].append(
                {"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": 0})
            c = t.new(config)
            created = c.create(timeout=15)
            started = c.start() if created.rc == 0 else created
            t.ok(started.rc != 0, "%s: %s" % (call, started))
            t.eq(c.out, "", call)
            c.delete("--force")


@test(need=["husk"])
def an_agent_that_is_stuck(t):
    """It takes no connection, or reads nothing: that must not keep the container locked for ever."""
    deaf, large = t.path("deaf"), shell("true", t.path("deaf"))
    large["annotations"] = {"large": "x" * 300000}
    with stuck_socket(t.path("stuck")), socket.socket(socket.AF_UNIX) as server:
        server.bind(deaf)
        server.listen(8)
        running = []
        for config in (shell("true", t.path("stuck")), large):
            c = t.new(config)
            running.append(t.rt.popen("create", "--bundle", c.bundle.path, c.id, stderr=subprocess.PIPE))
        for p in running:
            _, err = p.communicate(timeout=20)
            t.eq(p.returncode, 1)
            t.has(err.decode(), "/linux/seccomp/listenerPath")
            t.has(err.decode(), "ETIMEDOUT")
        t.eq(t.rt("list", "--quiet").out, "")


main()
