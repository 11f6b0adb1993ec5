"""hooks.py - the six kinds of hooks: in what order, where, with what, and what a failing one does."""
from kit import *

STATE = "cat >>LOG; echo @ >>LOG"
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts")
WHERE = "for n in %s; do readlink /proc/self/ns/$n; done >>LOG" % " ".join(NAMESPACES)
PID = "p=$(tr -d '\\n' | sed 's/.*\"pid\" *: *\\([0-9]*\\).*/\\1/'); "


def namespaces_of(pid):
    return [os.readlink("/proc/%s/ns/%s" % (pid, n)) for n in NAMESPACES]


def with_hook(kind, **members):
    config = spec(*FOREVER)
    config["hooks"] = {kind: [members]}
    return config


def through(t, c):
    """Start, end and delete a created container, so that all its hooks run."""
    t.eq(c.start().rc, 0)
    t.eq(c.kill("KILL").rc, 0)
    c.wait()
    t.eq(c.delete().rc, 0)


@row("HK-01")
def one_after_the_other_in_order(t):
    scripts = ["echo begin%d >>LOG; sleep 0.05; echo end%d >>LOG" % (i, i) for i in range(3)]
    wanted = " ".join("begin%d end%d" % (i, i) for i in range(3)).split()
    b = logged(t, {kind: scripts for kind in ALL_HOOKS})
    with t.container(b) as c:
        t.eq(log(t).split(), wanted * 3)
        through(t, c)
        t.eq(log(t).split(), wanted * 6)


@row("HK-02")
def the_state_is_on_stdin(t):
    b = logged(t, {kind: STATE for kind in ALL_HOOKS})
    b.config["annotations"] = {"a": "b"}
    b.save()
    with t.container(b) as c:
        through(t, c)
        found = states(t)                               # cat ended, so there was an end
        t.eq([(s["id"], s["bundle"], s["annotations"]) for s in found], [(c.id, b.path, {"a": "b"})] * 6)


@row("HK-03")
def path_is_absolute(t):
    for kind in ALL_HOOKS:
        place = "/hooks/%s/0" % kind
        refused(t, with_hook(kind, args=["x"]), place)
        refused(t, with_hook(kind, path="bin/true"), place)
        refused(t, with_hook(kind, path=""), place)
        accepted(t, with_hook(kind, path="/bin/true"))


@row("HK-04")
def arguments_are_exact(t):
    script = "#!/bin/sh\necho \"$(tr '\\0' '|' </proc/self/cmdline)\" >>%s\n" % t.path("log")
    write(t.path("h"), script.replace("/proc/self", "/proc/$$"), 0o755)
    config = spec(*FOREVER)
    config["hooks"] = {"createRuntime": [
        {"path": BUSYBOX, "args": ["sh", "-c", "tr '\\0' '|' </proc/$$/cmdline >>%s; echo >>%s"
                                   % (t.path("log"), t.path("log")), "a b", "", "c"]},
        {"path": t.path("h")}]}
    with t.container(config):
        first, second = log(t).splitlines()
        t.ok(first.startswith("sh|-c|") and first.endswith("|a b||c|"), first)
        t.match(second, r"^[^|]*sh\|%s\|$" % re.escape(t.path("h")))


@row("HK-05")
def environment_is_exact(t):
    show = "tr '\\0' '|' </proc/self/environ >>LOG; echo >>LOG"
    b = logged(t, {kind: [show, show] for kind in ALL_HOOKS})
    for kind in ALL_HOOKS:
        one, two = b.config["hooks"][kind]
        one["env"], two["env"] = ["A=b", "EMPTY=", "C=d=e f"], []
    b.config["process"]["env"].append("IMAGE=yes")
    b.save()
    with t.container(b, env={"CALLER": "yes"}) as c:
        through(t, c)
        t.eq(log(t).splitlines(), ["A=b|EMPTY=|C=d=e f|", ""] * 6)


@row("HK-06")
def timeout_is_positive(t):
    for wrong in (0, -1, 1.5, "1"):
        refused(t, with_hook("createRuntime", path="/bin/true", timeout=wrong), "/hooks/createRuntime/0/timeout")
    accepted(t, with_hook("createRuntime", path="/bin/true", timeout=1))


@row("HK-07")
def timeout_aborts(t):
    b = logged(t, {"createRuntime": "sleep 30; echo late >>LOG"})
    b.config["hooks"]["createRuntime"][0]["timeout"] = 1
    b.save()
    begin = time.monotonic()
    refused(t, b, "/hooks/createRuntime/0")
    t.ok(0.9 < time.monotonic() - begin < 5, "%.1f s" % (time.monotonic() - begin))
    t.eq(log(t), "")                                    # and the leak check looks for the sleep


def in_the_runtimes_namespaces(t, kind):
    b = logged(t, {kind: [WHERE]})
    with t.container(b) as c:
        inner = namespaces_of(c.pid)
        if kind in ("poststart", "poststop"):
            through(t, c)
        t.eq(log(t).split(), namespaces_of("self"))
        t.ok(not set(inner) & set(log(t).split()), "the container has the same")


@row("HK-08")
def prestart_in_the_runtime_namespace(t):
    in_the_runtimes_namespaces(t, "prestart")


def before_pivot_root(t, kind):
    """The hook sees the container's namespaces by its pid, the mounts below the rootfs, and the host's root still."""
    script = PID + ("echo pid $p >>LOG; readlink /proc/$p/ns/net >>LOG; "
                    "grep -c ' ROOTFS/proc ' /proc/$p/mountinfo >>LOG; test -e /proc/$p/rootCANARY && echo old >>LOG")
    b = logged(t, {kind: script})
    text = b.config["hooks"][kind][0]["args"]
    text[2] = text[2].replace("ROOTFS", b.rootfs).replace("CANARY", t.canary)
    b.save()
    with t.container(b) as c:
        net = os.readlink("/proc/%d/ns/net" % c.pid)
        t.eq(log(t).splitlines(), ["pid %d" % c.pid, net, "1", "old"])
        t.ok(not os.path.exists("/proc/%d/root%s" % (c.pid, t.canary)), "the old root is there after create")


@row("HK-09")
def prestart_before_pivot_root(t):
    before_pivot_root(t, "prestart")
    b = logged(t, {"createRuntime": "echo second >>LOG", "prestart": "echo first >>LOG"})
    with t.container(b):
        t.eq(log(t).split(), ["first", "second"])


@row("HK-10")
def create_runtime_before_pivot_root(t):
    in_the_runtimes_namespaces(t, "createRuntime")
    before_pivot_root(t, "createRuntime")


@row("HK-11", need=["prog:nsenter", "prog:ip"])
def create_runtime_configures_the_network(t):
    b = logged(t, {"createRuntime": PID + "nsenter -t $p -n ip addr add 192.0.2.7/32 dev lo && echo done >>LOG"})
    b.config["hooks"]["createRuntime"][0]["env"] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    b.config["process"]["args"] = ["ip", "addr"]
    b.save()
    r = t.run(b)
    t.eq((r.rc, log(t)), (0, "done\n"), r)
    t.has(r.out, "inet 192.0.2.7/32")


@row("HK-12")
def create_container_in_both_worlds(t):
    b = logged(t, {"createRuntime": "echo runtime >>LOG", "createContainer": "echo container >>LOG; " + WHERE})
    os.rename(b.rootfs + "/bin/busybox", b.rootfs + "/bin/other")      # its path is the host's alone
    shutil.copy(BUSYBOX, t.path("mine"))
    b.config["hooks"]["createContainer"][0]["path"] = t.path("mine")
    b.config["process"]["args"] = ["/bin/other", "sleep", "1000"]
    b.save()
    with t.container(b) as c:
        t.eq(log(t).split(), ["runtime", "container", *namespaces_of(c.pid)])


@row("HK-13")
def start_container_in_the_container(t):
    b = logged(t, {"startContainer": "echo hook >>LOG; " + WHERE}, "sh", "-c", "echo program >>LOG; sleep 1000")
    os.link(b.rootfs + "/bin/busybox", b.rootfs + "/bin/mine")         # its path is the image's alone
    b.config["hooks"]["startContainer"][0]["path"] = "/bin/mine"
    b.save()
    with t.container(b) as c:
        t.eq(log(t), "", "before start")
        t.eq(c.start().rc, 0)
        t.until(lambda: "program" in log(t), "the program")
        t.eq(log(t).split(), ["hook", *namespaces_of(c.pid), "program"])


@row("HK-14")
def poststart_in_start(t):
    in_the_runtimes_namespaces(t, "poststart")
    b = logged(t, {"poststart": [PID + "readlink /proc/$p/exe >>LOG; sleep 0.2; echo end >>LOG", STATE]})
    with t.container(b) as c:
        t.eq((log(t), c.start().rc), ("", 0))
        exe, end, state = log(t).split("\n", 2)
        t.eq((os.path.basename(exe), end, json.loads(state.strip("@\n"))["status"]), ("busybox", "end", "running"))


@row("HK-15")
def poststop_in_delete(t):
    in_the_runtimes_namespaces(t, "poststop")
    script = "kill -0 $(cat %s) 2>/dev/null || echo dead >>LOG; sleep 0.2; echo end >>LOG" % t.path("pid")
    with t.container(logged(t, {"poststop": [STATE, script]}), start=True) as c:
        pid = c.pid
        write(t.path("pid"), "%d\n" % pid)
        t.eq(c.kill("KILL").rc, 0)
        os.waitpid(pid, 0)
        t.eq((log(t), c.delete().rc), ("", 0))
        state, rest = log(t).split("@\n")
        t.eq((json.loads(state)["status"], rest), ("stopped", "dead\nend\n"))


@row("HK-16")
def a_failure_is_reported(t):
    for kind in PROCESS_HOOKS:
        r = refused(t, with_hook(kind, **hook("echo the reason >&2; exit 37", kind)), "/hooks/%s/0" % kind, "37")
        t.has(r.err, "the reason")
        r = refused(t, with_hook(kind, **hook("kill -9 $$", kind)), "/hooks/%s/0" % kind)
        t.match(r.err, r"(?i)signal.*9|9.*signal|kill")
        refused(t, with_hook(kind, path="/no/such/hook"), "no such file or directory")


@row("HK-17")
def every_kind_of_the_features_works(t):
    kinds = t.rt("features").json()["hooks"]
    t.eq(sorted(kinds), sorted(ALL_HOOKS))
    b = logged(t, {kind: "echo %s >>LOG" % kind for kind in kinds})
    with t.container(b) as c:
        through(t, c)
        t.eq(sorted(log(t).split()), sorted(kinds))


@row("HK-18")
def output_stays_out_of_the_container(t):
    config = spec("echo", "program")
    config["hooks"] = {kind: [hook("echo noise; echo noise >&2", kind)] for kind in ALL_HOOKS}
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "program\n"), r)
    t.ok(not is_husk() or r.err == "", r)


@row("HK-19")
def no_descriptors_of_the_runtime(t):
    script = "n=0; while [ $n -lt 64 ]; do test -h /proc/self/fd/$n && echo -n $n, >>LOG; n=$((n+1)); done; echo >>LOG"
    b = logged(t, {kind: script for kind in ALL_HOOKS})
    with t.container(b) as c:
        through(t, c)
        t.eq(log(t).splitlines(), ["0,1,2,"] * 6)
