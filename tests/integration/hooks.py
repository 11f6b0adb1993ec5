#!/usr/bin/python3
"""hooks.py - the six kinds of hooks: when, in what order, with what around them, and what failing ones do."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
IN_CONTAINER = ("startContainer",)


def hook(t, script, kind="createRuntime", **more):
    """A hook that runs a shell script: in the container for startContainer, on the host for the others."""
    shell = "/bin/sh" if kind in IN_CONTAINER else BUSYBOX
    return dict({"path": shell, "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"]}, **more)


def hooked(t, hooks, *args):
    config = spec(*(args or ("sleep", "1000")))
    config["hooks"] = hooks
    return config


def log_bundle(t, scripts, *args):
    """A bundle whose hooks append to t.path("log"), which the container sees as /log."""
    write(t.path("log"), "", 0o666)
    hooks = {kind: [hook(t, s.replace("LOG", "/log" if kind in IN_CONTAINER else t.path("log")), kind)
                    for s in some]
             for kind, some in scripts.items()}
    config = hooked(t, hooks, *args)
    config["mounts"].append({"destination": "/log", "type": "bind",
                            "source": t.path("log"), "options": ["bind"]})
    return t.bundle(config)


def lines(t):
    return read(t.path("log")).splitlines()


@test
def all_kinds_in_order(t):
    b = log_bundle(t, {k: ["echo %s 1 >>LOG" % k, "echo %s 2 >>LOG" % k] for k in KINDS},
                   "sh", "-c", "echo program >>/log; sleep 1000")
    before_start = ["%s %d" % (k, n) for k in KINDS[:3] for n in (1, 2)]
    with t.container(b) as c:
        got = lines(t)
        if not is_husk():
            got = [line for line in got if "poststart" not in line]
        t.eq(got, before_start)
        t.eq(c.start().rc, 0)
        t.until(lambda: "program" in lines(t), "the program")
        after_start = lines(t)[len(before_start):]
        if is_husk():
            t.eq([x for x in after_start if "program" not in x],
                 ["startContainer 1", "startContainer 2", "poststart 1", "poststart 2"])
            t.ok(after_start.index("startContainer 2") < after_start.index("program"), after_start)
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")
        t.ok("poststop 1" not in lines(t))
        t.eq(c.delete().rc, 0)
        t.eq(lines(t)[-2:], ["poststop 1", "poststop 2"])


@test
def run_does_them_all(t):
    b = log_bundle(t, {k: ["echo %s >>LOG" % k] for k in KINDS}, "sh", "-c", "echo program >>/log")
    r = t.run(b)
    t.eq((r.rc, r.err), (0, ""))
    got = lines(t)
    t.eq(sorted(got), sorted(KINDS + ["program"]))
    t.eq((got[:3], got[-1]), (KINDS[:3], "poststop"))


@test
def state_is_on_stdin(t):
    wanted = {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
              "startContainer": "created", "poststart": "running", "poststop": "stopped"}
    b = log_bundle(t, {k: ["cat >>LOG; echo >>LOG"] for k in KINDS}, "sleep", "1000")
    b.config["annotations"] = {"org.example.a": "b"}
    b.save()
    with t.container(b) as c:
        pid = c.pid
        t.eq(c.start().rc, 0)
        c.kill("KILL")
        c.wait("stopped")
    states = [json.loads(x) for x in read(t.path("log")).split("\n") if x]
    t.eq(len(states), 6)
    for kind, state in zip(KINDS, states):
        if not is_husk() and kind in ("startContainer", "poststart"):
            continue
        t.eq(state["id"], c.id, kind)
        t.eq(state["status"], wanted[kind], kind)
        t.eq(state["annotations"]["org.example.a"], "b")
        t.eq(state["bundle"], b.path, kind)
        t.ok(isinstance(state["ociVersion"], str))
        if kind in ("prestart", "createRuntime", "poststart"):
            t.eq(state["pid"], pid, kind)


@test
def directory_namespaces_and_environment(t):
    show = ("pwd >>LOG; readlink /proc/self/ns/mnt >>LOG; readlink /proc/self/ns/pid >>LOG; "
            "env | sort | tr '\\n' ' ' >>LOG; echo >>LOG")
    ours = [os.readlink("/proc/self/ns/mnt"), os.readlink("/proc/self/ns/pid")]
    for kind in ("prestart", "createRuntime", "createContainer", "poststop"):
        b = log_bundle(t, {kind: [show]}, "sleep", "1000")
        b.config["process"]["env"].append("LD_PRELOAD=./evil.so")
        b.config["hooks"][kind][0]["env"] = ["PATH=/bin:/usr/bin", "ONLY=this"]
        b.save()
        with t.container(b) as c:
            inner = [os.readlink("/proc/%d/ns/%s" % (c.pid, n)) for n in ("mnt", "pid")]
        got = lines(t)
        t.eq(got[1:3], inner if kind == "createContainer" else ours, kind)
        if kind != "createContainer":
            t.eq(got[0], b.path if kind != "poststop" or is_husk() else got[0], kind)
        env = {x for x in got[3].split() if not x.startswith(("PWD=", "SHLVL=", "_=", "OLDPWD="))}
        t.eq(env, {"ONLY=this", "PATH=/bin:/usr/bin"}, kind)


@test(need=["husk"])             # runc 1.1 gives it the environment of the process
def an_environment_that_is_not_given(t):
    """createContainer must never get the image's environment (CVE-2025-23266)."""
    b = log_bundle(t, {"createContainer": ["export >>LOG; echo end >>LOG"]}, "sleep", "1000")
    b.config["process"]["env"].append("LD_PRELOAD=./evil.so")
    del b.config["hooks"]["createContainer"][0]["env"]
    b.save()
    with t.container(b, env={"HOST_SECRET": "x"}):
        text = read(t.path("log"))
        t.has(text, "end\n")
        t.ok("LD_PRELOAD" not in text and "HOST_SECRET" not in text, text)


@test
def arguments(t):
    config = hooked(t, {"createRuntime": [
        {"path": write(t.path("h"), "#!/bin/sh\necho $# $0 $* >>%s\n" %
                       t.path("log"), 0o755), "args": ["zero", "a b", ""]},
        {"path": t.path("h")}]})
    with t.container(config):
        t.eq(lines(t), ["2 %s a b" % t.path("h"), "0 %s" % t.path("h")])


@test(need=["husk"])             # runc 1.1 leaks three into createContainer
def no_descriptors_of_the_runtime(t):
    for kind in ("createRuntime", "createContainer", "startContainer"):
        b = log_bundle(t, {kind: ["ls /proc/self/fd | tr '\\n' ' ' >>LOG"]}, "sleep", "1000")
        with t.container(b, start=True):
            t.eq(read(t.path("log")).split(), ["0", "1", "2", "3"], kind)


@test
def output_does_not_reach_the_container(t):
    config = hooked(t, {k: [hook(t, "echo noise; echo noise >&2", k)] for k in KINDS}, "echo", "program")
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "program\n"), r)


@test
def a_failing_one_stops_create(t):
    for kind in KINDS[:3]:
        for command in ("create", "run"):
            b = log_bundle(t, {kind: ["echo first >>LOG", "echo why >&2; exit 3", "echo third >>LOG"],
                               "poststop": ["echo poststop >>LOG"]}, "sh", "-c", "echo program >>/log")
            r = getattr(t.new(b), command)()
            t.fails(r, kind if is_husk() else "hook", "3")
            t.has(r.err, "why")
            if is_husk():
                t.has(r.err, "/hooks/%s/1" % kind)
            t.eq(lines(t)[0], "first")
            t.ok("third" not in lines(t) and "program" not in lines(t), lines(t))
            if is_husk():
                t.eq(lines(t), ["first", "poststop"], "%s %s" % (kind, command))


@test(need=["husk"])
def a_failing_start_container_hook(t):
    b = log_bundle(t, {"startContainer": ["exit 4"], "poststop": [
                   "echo poststop >>LOG"]}, "sh", "-c", "echo program >>/log")
    r = t.run(b)
    t.ok(r.rc in (1, 255), r)
    t.has(r.err, "startContainer")
    t.eq(lines(t), ["poststop"])
    b = log_bundle(t, {"startContainer": ["exit 4"]}, "sh", "-c", "echo program >>/log")
    with t.container(b) as c:
        t.fails(c.start(), "/hooks/startContainer/0")
        t.fails(t.rt("state", c.id), "does not exist")
        t.eq(lines(t), [])


@test(need=["husk"])
def a_failing_poststart_hook(t):
    b = log_bundle(t, {"poststart": ["exit 5"], "poststop": ["echo poststop >>LOG"]}, "sleep", "1000")
    r = t.run(b)
    t.fails(r, "/hooks/poststart/0")
    t.eq(lines(t), ["poststop"])
    with t.container(b) as c:
        t.fails(c.start(), "/hooks/poststart/0")
        t.until(lambda: t.rt("state", c.id).rc == 1 or c.state()["status"] == "stopped", "stopped or gone")


@test(need=["husk"])
def a_failing_poststop_hook_only_warns(t):
    b = log_bundle(t, {"poststop": ["exit 6", "echo second >>LOG"]}, "true")
    r = t.run(b)
    t.eq(r.rc, 0, r)
    t.eq(lines(t), ["second"])
    t.has(r.err, "/hooks/poststop/0")
    c = t.container(b)
    r = c.delete("--force")
    t.eq(r.rc, 0, r)


@test
def one_that_does_not_exist(t):
    for kind in KINDS[:3]:
        r = t.run(hooked(t, {kind: [{"path": "/no/such/hook"}]}))
        t.fails(r, "no such file or directory")


@test
def a_timeout_kills_it(t):
    for kind in ("createRuntime", "createContainer"):
        config = hooked(t, {kind: [hook(t, "sleep 1000", timeout=1)]})
        begin = time.monotonic()
        r = t.run(config)
        t.ok(0.9 < time.monotonic() - begin < 6, "%.1f s" % (time.monotonic() - begin))
        t.fails(r, "hook" if not is_husk() else "/hooks/%s/0" % kind)


@test(need=["husk"])
def a_timeout_kills_its_children_too(t):
    r = t.run(hooked(t, {"createRuntime": [hook(t, "sleep 1000 & sleep 1000 & wait", timeout=1)]}))
    t.fails(r, "/hooks/createRuntime/0")
    # The leak check now looks for the sleeps.


@test
def much_output_of_a_failing_one_is_bounded(t):
    r = t.run(hooked(t, {"createRuntime": [hook(t, "yes noise | head -c 20000000 >&2; exit 1")]}))
    t.eq(r.rc, 1)
    if is_husk():
        t.ok(len(r.err) < 10000, "%d bytes of message" % len(r.err))


@test
def one_may_see_the_container(t):
    """prestart and createRuntime get the pid: they can configure its network namespace."""
    script = "p=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); readlink /proc/$p/ns/net >>LOG"
    b = log_bundle(t, {"createRuntime": [script.replace("sed", "tr -d '\\n' | sed")]}, "sleep", "1000")
    with t.container(b) as c:
        t.eq(lines(t), [os.readlink("/proc/%d/ns/net" % c.pid)])


@test
def create_container_sees_the_rootfs(t):
    """It runs in the container's namespaces before the root is switched: the mounts are below the rootfs."""
    script = "hostname >>LOG; test -e ROOTFS/proc/self/status && echo mounted >>LOG"
    b = log_bundle(t, {"createContainer": [script]},
                   "sleep", "1000")
    args = b.config["hooks"]["createContainer"][0]["args"]
    args[2] = args[2].replace("ROOTFS", b.rootfs)
    b.save()
    with t.container(b):
        t.eq(lines(t)[-1], "mounted")


main(VIEWS)
