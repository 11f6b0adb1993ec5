"""lifecycle.py - the state, the operations and when each is allowed, descriptors."""
import ctypes

from kit import *


def gone(t, c):
    """No state, no cgroup: the container does not exist any more."""
    r = t.rt("state", c.id)
    t.ok(r.rc != 0 and (not is_husk() or "does not exist" in r.err), "the container is still there: %s" % r)
    t.ok(c.id not in (os.listdir(t.rt.root) if os.path.isdir(t.rt.root) else []), "state directory left")
    t.eq(cgroup_dirs("*" + c.id + "*"), [])


def fails_without_id(t, command, *options):
    """No id and an unknown id are errors; the control shows that the command works at all."""
    control(t)
    t.ok(t.rt(command, *options).rc != 0, "%s without an id" % command)
    r = t.rt(command, *options, "no-such-container")
    t.ok(r.rc != 0, "%s with an unknown id" % command)
    t.ok(not is_husk() or r.rc == 1, r)
    if is_husk() or command == "state":         # callers look for these words
        t.has(r.err, "does not exist")


# ---- the state ---------------------------------------------------------------------------------------------

@row("STA-01")
def state_version(t):
    with t.container() as c:
        t.match(c.state()["ociVersion"], r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$")


@row("STA-02")
def state_id(t):
    with t.container() as a, t.container() as b:
        t.eq((a.state()["id"], b.state()["id"]), (a.id, b.id))
        config = spec()
        config["linux"]["cgroupsPath"] = "/%sother" % PREFIX        # else it would be the same one
        other = Container(t, t.bundle(config), a.id, t.rt)
        t.ok(other.create().rc != 0, "a second container with the id")
        other.rt = t.runtime(HUSK, "other-root")
        t.eq(other.create().rc, 0, "the same id below another root")
        with other:
            t.eq(other.state()["id"], a.id)
            t.ok(other.state()["pid"] != a.state()["pid"], "they are one")


@row("STA-03")
def state_status_words(t):
    b = logged(t, {"createRuntime": "cat >>LOG; echo @ >>LOG"})
    with t.container(b) as c:
        seen = [states(t)[0]["status"], c.state()["status"]]
        c.start()
        seen.append(c.state()["status"])
        c.kill("KILL")
        c.wait()
        seen.append(c.state()["status"])
    t.eq(seen, ["creating", "created", "running", "stopped"])


@row("STA-04")
def creating_until_create_is_done(t):
    b = logged(t, {kind: "cat >>LOG; echo @ >>LOG; %s" for kind in PROCESS_HOOKS})
    c = t.new(b)
    for kind in ("prestart", "createRuntime"):
        ask = "%s --root %s state %s >>%s; echo @ >>%s" % (HUSK, t.rt.root, c.id, t.path("log"), t.path("log"))
        b.config["hooks"][kind][0]["args"][2] = b.config["hooks"][kind][0]["args"][2].replace("%s", ask)
    b.config["hooks"]["createContainer"][0]["args"][2] = \
        b.config["hooks"]["createContainer"][0]["args"][2].replace("%s", "")
    b.save()
    with c:
        t.eq(c.create().rc, 0)
        t.eq([s["status"] for s in states(t)], ["creating"] * 5)
        t.eq(c.state()["status"], "created")


@row("STA-05")
def created_running_stopped(t):
    b = logged(t, {"startContainer": "echo hook >>LOG; while ! test -s /log2; do sleep 0.01; done"},
               "sh", "-c", "echo program >>LOG; read x </log2; sleep 1000")
    write(t.path("log2"), "")
    b.config["mounts"].append({"destination": "/log2", "type": "bind", "source": t.path("log2"), "options": ["bind"]})
    b.save()
    with t.container(b) as c:
        t.eq(c.state()["status"], "created")
        start = t.popen("start", c.id)
        t.until(lambda: "hook" in log(t), "the hook")
        t.eq(c.state()["status"], "created", "the program has not been executed yet")
        write(t.path("log2"), "go\n")
        t.eq(start.wait(LIMIT), 0)
        t.eq(c.state()["status"], "running")
        pid = c.pid
        os.kill(pid, signal.SIGKILL)
        t.until(lambda: status(read("/proc/%d/status" % pid))["State"].startswith("Z"), "a zombie")
        t.eq(c.state()["status"], "stopped")


@row("STA-06")
def state_pid(t):
    show = "cat >>LOG; echo @ >>LOG"
    b = logged(t, {k: show for k in PROCESS_HOOKS + ("startContainer", "poststart")})
    with t.container(b) as c:
        pid = c.state()["pid"]
        t.eq(os.readlink("/proc/%d/cwd" % pid), "/")
        t.ok(c.id in read("/proc/%d/cgroup" % pid), "not a process of the container")
        c.start()
        t.eq(c.state()["pid"], pid)
        t.eq([s["pid"] for s in states(t)], [pid, pid, 1, 1, pid])


@row("STA-07")
def state_bundle_is_absolute(t):
    b = logged(t, {"createRuntime": "cat >>LOG; echo @ >>LOG", "startContainer": "cat >>LOG; echo @ >>LOG"})
    b.sealed()
    id = t.id()
    with Container(t, b, id, t.rt) as c:
        t.eq(t.rt("create", "--bundle", os.path.basename(b.path), id, cwd=os.path.dirname(b.path)).rc, 0)
        c.start()
        t.eq([s["bundle"] for s in states(t)] + [c.state()["bundle"]], [b.path] * 3)


@row("STA-08")
def state_annotations(t):
    wanted = {"org.example.key": "value", "empty": "", "odd \u00e4 \"\\": "line\nbreak"}
    config = spec(*FOREVER)
    config["annotations"] = wanted
    with t.container(config) as c:
        t.eq(c.state()["annotations"], wanted)
    with t.container() as c:
        t.eq(c.state().get("annotations", {}), {})


@row("STA-09")
def state_more_properties(t):
    with t.container() as c:
        s = c.state()
        t.eq((s["rootfs"], s["owner"]), (c.bundle.rootfs, ""))
        t.match(s["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")


def fits_schema(t, s):
    """state-schema.json, by hand."""
    for name in ("ociVersion", "id", "status", "bundle"):
        t.ok(isinstance(s[name], str) and s[name], "%s: %r" % (name, s.get(name)))
    t.match(s["ociVersion"], r"^[0-9]+\.[0-9]+\.[0-9]+")
    t.ok(s["status"] in ("creating", "created", "running", "stopped"), s["status"])
    t.ok("pid" not in s or type(s["pid"]) is int and s["pid"] >= 0, s.get("pid"))
    t.ok("pid" in s and s["pid"] > 0 or s["status"] not in ("created", "running"), s)
    t.ok(all(isinstance(v, str) for v in s.get("annotations", {}).values()), s.get("annotations"))


@row("STA-10")
def state_fits_the_schema(t):
    kinds = PROCESS_HOOKS + ("startContainer", "poststart", "poststop")
    b = logged(t, {k: "cat >>LOG; echo @ >>LOG" for k in kinds})
    b.config["annotations"] = {"a": "b"}
    b.save()
    found = []
    with t.container(b) as c:
        found.append(c.state())
        c.start()
        found.append(c.state())
        c.kill("KILL")
        c.wait()
        found.append(c.state())
    found += states(t)
    t.eq(len(found), 9)
    for s in found:
        fits_schema(t, s)


def fork_as(pid):
    """A child with this very process id, if it is free; it waits to be killed."""
    number = ctypes.c_int(pid)
    arguments = (ctypes.c_uint64 * 10)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(number), 1)
    child = libc.syscall(435, arguments, ctypes.sizeof(arguments))          # clone3, with set_tid
    if child == 0:
        while True:
            libc.pause()
    return child


@row("STA-11")
def reused_process_id(t):
    with t.container(start=True, config=spec(*FOREVER)) as c:
        pid = c.pid
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        t.eq(c.state()["status"], "stopped")
        time.sleep(0.02)                                                    # start times are in ticks of 10 ms
        if fork_as(pid) != pid:
            untestable("clone3 does not let a process choose its id here")
        try:
            t.eq(c.state()["status"], "stopped", "a stranger with the same process id")
            t.ok(c.kill("KILL").rc != 0, "kill of a stranger")
            t.eq(os.waitpid(pid, os.WNOHANG)[0], 0, "the stranger was killed")
            t.eq(c.delete().rc, 0)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


# ---- create ------------------------------------------------------------------------------------------------

@row("OP-01")
def every_operation_later(t):
    c = t.container(spec("sh", "-c", "echo ran; sleep 1000"))
    with c:
        for keywords in ({"cwd": "/"}, {"env": {"PATH": "/nowhere"}}):
            t.eq(t.rt("state", c.id, **keywords).json()["status"], "created")
        t.eq(c.start(cwd="/").rc, 0)
        t.until(lambda: c.out == "ran\n", "output")
        t.eq(t.rt("kill", c.id, "KILL", cwd="/", env={"PATH": "/nowhere"}).rc, 0)
        c.wait()
        t.eq(t.rt("delete", c.id, cwd="/").rc, 0)
        gone(t, c)


@row("OP-02", views=("hybrid", "v1", "v2"))
def a_failed_create_leaves_nothing(t):
    control(t)
    before = {m["point"] for m in mountinfo()}, set(descendants())
    late = spec("true")
    late["hooks"] = {"createContainer": [hook("exit 3")]}
    mount_fails = spec("true")
    mount_fails["mounts"].append({"destination": "/mnt", "type": "bind", "source": "/no/such", "options": ["bind"]})
    sysctl = spec("true")
    sysctl["linux"]["sysctl"] = {"net.no.such": "1"}
    device = spec("true")
    device["linux"]["devices"] = [{"path": "/proc/self/x", "type": "c", "major": 1, "minor": 3}]
    for config, options in ((late, ()), (mount_fails, ()), (sysctl, ()), (device, ()), (spec("/no/such"), ()),
                            (spec("true", oomScoreAdj=2000), ()), (spec("true"), ("--preserve-fds", "5")),
                            (spec("true"), ("--console-socket", t.path("none"))),
                            (spec("true", terminal=True), ())):
        c = t.new(config)
        r = c.create(*options)
        if r.rc == 0:
            c.delete("--force")
            raise Fail("accepted: %s %s" % (config["process"]["args"], options))
        gone(t, c)
        t.until(lambda: ({m["point"] for m in mountinfo()}, set(descendants())) == before or reap(), "clean", 2)


@row("OP-03")
def a_warning_changes_nothing(t):
    caps = {k: ["CAP_KILL", "CAP_NO_SUCH"] for k in ("bounding", "effective", "permitted")}
    c = t.new(spec("sh", "-c", "echo ran; exit 7", capabilities=caps))
    r = t.rt("--log", t.path("warnings"), "run", "-b", c.bundle.path, c.id)
    t.eq((r.rc, r.out), (7, "ran\n"), r)
    t.ok(not is_husk() or log_messages(read(t.path("warnings")), "warning"), "no warning")
    gone(t, c)


@row("OP-04")
def state_needs_an_id(t):
    fails_without_id(t, "state")


@row("OP-05")
def create_needs_an_id_and_a_bundle(t):
    control(t)
    b = t.bundle()
    t.ok(t.rt("create", "--bundle", b.path).rc != 0, "create without an id")
    t.ok(t.rt("create", t.id(), cwd=t.canary).rc != 0, "create where there is no bundle")
    t.eq(os.listdir(t.rt.root) if os.path.isdir(t.rt.root) else [], [])
    accepted(t, b)


@row("OP-06")
def create_with_an_id_in_use(t):
    with t.container(spec("sh", "-c", "echo first; sleep 1000")) as c:
        for _ in range(2):
            before = c.state()
            r = t.rt("create", "--bundle", t.bundle(spec("echo", "second")).path, c.id)
            t.ok(r.rc != 0, "accepted")
            t.has(r.err, "exist")
            t.eq(c.state(), before)
            if before["status"] == "created":
                t.eq(c.start().rc, 0)
        t.until(lambda: c.out == "first\n", "the first one's output")


@row("OP-07")
def create_with_an_invalid_id(t):
    b = t.bundle(spec(*FOREVER))
    for id in ("", ".", "..", "/", "a/b", "../a", "/abs", "a b", "a\tb", "a\n", "a;b", "a*", "\u00e4", "x" * 2000):
        r = t.rt("create", "--bundle", b.path, "--", id)
        if r.rc == 0:
            t.rt("delete", "--force", "--", id)
            raise Fail("accepted %r" % id)
        t.eq(os.listdir(t.rt.root) if os.path.isdir(t.rt.root) else [], [], repr(id))
    for id in ("a" + PREFIX, "A_b+c.d-" + PREFIX, PREFIX + "0" * 100):
        t.eq(t.rt("create", "--bundle", b.path, id).rc, 0, id)
        t.eq((t.rt("state", id).json()["id"], t.rt("delete", "--force", id).rc), (id, 0))


def inside(pid, *command):
    """What a program of the host prints in the namespaces of a process that has not run its own program yet."""
    return subprocess.run(["nsenter", "-t", str(pid), "-u", "-n", "-i", *command], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


@row("OP-08", need=["prog:nsenter"])
def create_applies_all_but_the_program(t):
    config = spec("sh", "-c", "echo ran >>/log; sleep 1000")
    config["domainname"] = "example"
    config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "1234"}
    config["linux"]["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3}]
    write(t.path("log"), "", 0o666)
    config["mounts"].append({"destination": "/log", "type": "bind", "source": t.path("log"), "options": ["bind"]})
    with t.container(config) as c:
        there = mounts_of(c)
        t.eq([m["destination"] for m in config["mounts"] if m["destination"] not in there], [])
        t.ok("ro" in there["/"]["options"], there["/"])
        t.ok("/proc/keys" in there and "/proc/sys" in there, "masked and read-only paths: %s" % sorted(there))
        t.eq(inside(c.pid, "cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname",
                    "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax"), "husk\nexample\n1\n1234\n")
        t.ok(stat.S_ISCHR(os.stat("/proc/%d/root/dev/mine" % c.pid).st_mode))
        for kind in ("pid", "net", "ipc", "uts", "mnt"):
            t.ok(os.readlink("/proc/%d/ns/%s" % (c.pid, kind)) != os.readlink("/proc/self/ns/" + kind), kind)
        time.sleep(0.1)
        t.eq(read(t.path("log")), "", "the program ran")
        c.start()
        t.until(lambda: read(t.path("log")) == "ran\n", "the program's output")


@row("OP-09")
def create_checks_the_program(t):
    refused(t, spec("no-such-program"), "no-such-program")
    refused(t, spec("/bin/none"), "/bin/none")


@row("OP-10")
def what_cannot_be_applied_is_an_error(t):
    config = spec("true")
    config["linux"]["sysctl"] = {"kernel.msgmax": "nonsense"}
    refused(t, config, "/linux/sysctl")
    refused(t, spec("true", oomScoreAdj=1001), "/process/oomScoreAdj")
    config = spec("true")
    config["linux"]["namespaces"][1]["path"] = "/proc/self/ns/uts"
    refused(t, config, "/linux/namespaces/1")
    config = spec("true")
    config["mounts"].append({"destination": "/mnt", "type": "nosuchfs", "source": "none"})
    refused(t, config, "/mounts/7")


@row("OP-11")
def resources_exist_after_create(t):
    with t.container(spec(*FOREVER)) as c:
        mine = [d for d in cgroup_of(c.pid).values() if c.id in d]
        t.ok(mine and all(os.path.isdir(d) and str(c.pid) in read(d + "/cgroup.procs").split() for d in mine), mine)
        t.eq(len({os.readlink("/proc/%s/ns/net" % p) for p in ("self", c.pid)}), 2)


# ---- start, kill, delete -----------------------------------------------------------------------------------

@row("OP-12")
def start_needs_an_id(t):
    fails_without_id(t, "start")


@row("OP-13")
def start_needs_a_created_one(t):
    with t.container(spec("sh", "-c", "echo ran; sleep 1000"), start=True) as c:
        pid = c.pid
        t.until(lambda: c.out == "ran\n", "output")
        t.ok(c.start().rc != 0, "start of a running one")
        t.eq((c.state()["status"], c.pid, c.out), ("running", pid, "ran\n"))
        c.kill("KILL")
        c.wait()
        t.ok(c.start().rc != 0, "start of a stopped one")
        t.eq((c.state()["status"], c.out), ("stopped", "ran\n"))


@row("OP-14")
def start_runs_the_program(t):
    with t.container(spec("sh", "-c", 'echo "$0" "$@" $A; cat /proc/1/comm; sleep 1000', "zero", "one two", "",
                          env=["PATH=/bin", "A=b"])) as c:
        t.eq((c.out, c.start().rc), ("", 0))
        t.until(lambda: c.out == "zero one two  b\nsh\n", "the program's output")


@row("OP-15")
def start_without_a_process(t):
    config = spec()
    del config["process"]
    with t.container(config) as c:
        t.eq(c.state()["status"], "created")
        r = c.start()
        t.ok(r.rc != 0, "started without a process")
        t.ok(not is_husk() or "process" in r.err, r)
        t.ok(t.rt("state", c.id).json()["status"] in ("created", "stopped"))


@row("OP-16")
def kill_needs_an_id(t):
    fails_without_id(t, "kill")


@row("OP-17")
def kill_needs_a_process(t):
    with t.container(spec(*FOREVER), start=True) as c:
        t.eq(c.kill("KILL").rc, 0)
        c.wait()
        before = c.state()
        for name in ("KILL", "TERM", "0"):
            t.ok(c.kill(name).rc != 0, "kill %s of a stopped one" % name)
        t.eq(c.state(), before)
    with t.container(spec(*FOREVER)) as c:
        t.eq(c.kill("KILL").rc, 0, "kill of a created one")
        c.wait()


@row("OP-18")
def kill_sends_that_signal(t):
    names = {"HUP": 1, "INT": 2, "QUIT": 3, "USR1": 10, "USR2": 12, "TERM": 15, "WINCH": 28}
    traps = "".join("trap 'echo %d' %d;" % (n, n) for n in names.values())
    with t.container(spec("sh", "-c", traps + "trap 'echo 36' 36; echo ready; while :; do sleep 0.01; done"),
                     start=True) as c:
        t.until(lambda: c.out == "ready\n", "ready")
        wanted = "ready\n"
        for form in ([], ["36"], *[[f] for name, n in names.items() for f in (name, "SIG" + name, str(n))]):
            t.eq(c.kill(*form).rc, 0, form)
            number = 15 if not form else int(form[0]) if form[0].isdigit() else names[form[0].replace("SIG", "")]
            wanted += "%d\n" % number
            t.until(lambda: c.out == wanted, "signal %s, got %r" % (form, c.out[-30:]))
        for wrong in ("NOPE", "SIGSIG", "99", "-1", ""):
            t.ok(c.kill("--", wrong).rc != 0 if wrong.startswith("-") else c.kill(wrong).rc != 0, "signal %r" % wrong)
        t.eq((c.state()["status"], c.out), ("running", wanted))


@row("OP-19", views=("hybrid", "v1", "v2"))
def kill_without_a_pid_namespace(t):
    config = without_namespace(spec("sh", "-c", "sleep 1000 & sleep 1000 & setsid sleep 1000 & wait"), "pid")
    before = set(descendants())
    with t.container(config, start=True) as c:
        t.until(lambda: sum("sleep" in name for name in descendants().values()) == 3, "three children")
        t.eq(c.kill("KILL").rc, 0)
        c.wait()
        t.until(lambda: not [p for p, name in descendants().items() if p not in before and "(Z)" not in name],
                "all are dead: %s" % descendants())


@row("OP-20", views=("hybrid", "v1", "v2"))
def kill_of_a_paused_one(t):
    with t.container(spec(*FOREVER), start=True) as c:
        t.eq(t.rt("pause", c.id).rc, 0)
        t.eq(c.state()["status"], "paused")
        t.eq(c.kill("KILL").rc, 0)
        c.wait()


@row("OP-21")
def delete_needs_an_id(t):
    fails_without_id(t, "delete")
    r = t.rt("delete", "--force", "no-such-container")
    t.eq(r.rc, 0, r)


@row("OP-22")
def delete_needs_a_stopped_one(t):
    with t.container(spec(*FOREVER), start=True) as c:
        before = c.state()
        r = c.delete()
        t.ok(r.rc != 0, "deleted a running one")
        t.ok(not is_husk() or "running" in r.err, r)
        t.eq(c.state(), before)
        c.kill("KILL")
        c.wait()
        t.eq(c.delete().rc, 0)
        gone(t, c)
    with t.container(spec(*FOREVER)) as c:
        pid = c.pid
        r = c.delete()
        t.eq(r.rc, 0, "a created one")
        t.ok(not is_husk() or "never started" in r.err, r)
        gone(t, c)
        t.until(lambda: reap() or not os.path.exists("/proc/%d" % pid), "its end")


@row("OP-23", views=("hybrid", "v1", "v2"))
def delete_removes_what_create_made(t):
    parents = [m["point"] + "/" + PREFIX + "parent" for m in mountinfo() if m["type"] in ("cgroup", "cgroup2")]
    for p in parents:
        os.mkdir(p)
    config = spec(*FOREVER)
    config["linux"]["cgroupsPath"] = "/%sparent/new/one" % PREFIX
    with t.container(spec(*FOREVER), start=True) as other, t.container(config, start=True) as c:
        state, pid = other.state(), c.pid
        made = [d for d in cgroup_of(pid).values() if PREFIX + "parent/new/one" in d]
        t.ok(made and all(os.path.isdir(d) for d in made), made)
        c.kill("KILL")
        c.wait()
        t.eq(c.delete().rc, 0)
        gone(t, c)
        t.eq([d for d in made if os.path.exists(d)], [])
        t.ok(all(os.path.isdir(p) for p in parents), "a cgroup of another was removed")
        t.eq(other.state(), state)
        t.ok(os.path.exists(c.bundle.rootfs + "/bin/busybox"), "the bundle")
    remove_cgroups(cgroup_dirs())


@row("OP-24")
def the_id_can_be_used_again(t):
    c = t.new(spec(*FOREVER))
    pids = set()
    for _ in range(3):
        t.eq((c.create().rc, c.start().rc), (0, 0))
        pids.add(c.pid)
        t.eq(c.kill("KILL").rc, 0)
        c.wait()
        t.eq(c.delete().rc, 0)
    t.eq(len(pids), 3)


# ---- hooks and the order of things -------------------------------------------------------------------------

@row("OP-25")
def order_of_everything(t):
    # The program waits for poststart's mark, or it could be first.
    b = logged(t, {k: "echo %s >>LOG" % k for k in ALL_HOOKS},
               "sh", "-c", "echo program >>LOG; until grep -q poststart LOG; do sleep 0.01; done; sleep 1000")
    b.config["hooks"]["poststart"] = [hook("until grep -q program %s; do sleep 0.01; done; echo poststart >>%s"
                                           % (t.path("log"), t.path("log")))]
    b.save()
    with t.container(b) as c:
        t.eq(log(t).split(), list(PROCESS_HOOKS))
        t.eq(c.start().rc, 0)
        t.eq(log(t).split(), [*PROCESS_HOOKS, "startContainer", "program", "poststart"])
        c.kill("KILL")
        c.wait()
        t.eq(c.delete().rc, 0)
        t.eq(log(t).split()[6:], ["poststop"])


@row("OP-26")
def a_failing_create_hook(t):
    for kind in PROCESS_HOOKS:
        b = logged(t, {kind: ["echo one >>LOG", "exit 3", "echo three >>LOG"], "poststop": "cat >>LOG; echo @ >>LOG"},
                   "sh", "-c", "echo program >>LOG")
        c = t.new(b)
        r = c.create()
        t.ok(r.rc != 0, "create succeeded with a failing %s" % kind)
        t.ok(not is_husk() or "/hooks/%s/1" % kind in r.err, r)
        gone(t, c)
        first, _, rest = log(t).partition("\n")
        t.eq(first, "one")
        t.eq((rest.count("@"), "three" in rest, "program" in rest), (1, False, False), "poststop only: %r" % rest)
        t.eq(json.loads(rest.partition("@")[0])["status"], "stopped")


@row("OP-27")
def a_failing_start_container_hook(t):
    b = logged(t, {"startContainer": ["exit 4", "echo second >>LOG"], "poststop": "echo poststop >>LOG"},
               "sh", "-c", "echo program >>LOG")
    with t.container(b) as c:
        r = c.start()
        t.ok(r.rc != 0, "start succeeded")
        t.ok(not is_husk() or "/hooks/startContainer/0" in r.err, r)
        gone(t, c)
        t.eq(log(t), "poststop\n")


@row("OP-28")
def a_failing_poststart_hook(t):
    b = logged(t, {"poststart": ["exit 5", "echo second >>LOG"], "poststop": "echo poststop >>LOG"})
    with t.container(b) as c:
        pid = c.pid
        r = c.start()
        t.ok(r.rc != 0, "start succeeded")
        t.ok(not is_husk() or "/hooks/poststart/0" in r.err, r)
        gone(t, c)
        t.until(lambda: reap() or not os.path.exists("/proc/%d" % pid), "the program's end")
        t.eq(log(t), "poststop\n")


@row("OP-29")
def a_failing_poststop_hook(t):
    b = logged(t, {"poststop": ["echo one >>LOG; exit 6", "echo two >>LOG"]})
    with t.container(b, start=True) as c:
        c.kill("KILL")
        c.wait()
        r = c.delete()
        t.eq(r.rc, 0, r)
        t.ok(not is_husk() or "/hooks/poststop/0" in r.err, "no warning: %s" % r)
        gone(t, c)
        t.eq(log(t), "one\ntwo\n")


# ---- what is not in the specification ----------------------------------------------------------------------

@row("OP-30", views=("v1", "v2"))
def an_unfit_cgroup(t):
    control(t)
    tops = [m["point"] for m in mountinfo() if m["type"] == "cgroup2" or "freezer" in m["super"]]
    sleeper = t.popen("sleep", "1000", raw=True)
    for top in tops:
        os.mkdir(top + "/" + PREFIX + "busy")
        write(top + "/" + PREFIX + "busy/cgroup.procs", "%d\n" % sleeper.pid)
    config = spec(*FOREVER)
    config["linux"]["cgroupsPath"] = "/%sbusy" % PREFIX
    try:
        refused(t, config, "cgroup")
        t.eq(sleeper.poll(), None, "the process that was there was killed")
    finally:
        sleeper.kill()
        sleeper.wait()
    t.eq(t.run(dict(config, process=spec("true")["process"])).rc, 0, "the same cgroup, empty")
    remove_cgroups(cgroup_dirs())
    with t.container(spec(*FOREVER)) as c:
        t.eq(t.rt("pause", c.id).rc, 0)
        r = c.rt("start", c.id, timeout=5)
        t.ok(r.rc != 0, "start of a paused one")
        t.eq(t.rt("resume", c.id).rc, 0)
        t.eq(c.start().rc, 0)


@row("OP-31")
def exec_by_status(t):
    with t.container(spec(*FOREVER)) as c:
        t.eq(c.exec("echo", "created").out, "created\n")
        c.start()
        t.eq(c.exec("echo", "running").out, "running\n")
        t.eq(t.rt("pause", c.id).rc, 0)
        t.ok(c.exec("echo", "paused", timeout=5).rc != 0, "exec in a paused one")
        t.eq(t.rt("resume", c.id).rc, 0)
        c.kill("KILL")
        c.wait()
        r = c.exec("echo", "stopped")
        t.ok(r.rc != 0 and "stopped\n" != r.out, r)


@row("OP-32")
def pause_and_resume_by_status(t):
    with t.container(spec(*FOREVER), start=True) as c:
        t.ok(t.rt("resume", c.id).rc != 0, "resume of a running one")
        t.eq(t.rt("pause", c.id).rc, 0)
        t.ok(t.rt("pause", c.id).rc != 0, "pause of a paused one")
        t.eq(c.state()["status"], "paused")
        t.eq(t.rt("resume", c.id).rc, 0)
        t.eq(c.state()["status"], "running")
        t.ok(t.rt("resume", c.id).rc != 0, "resume of a running one")


@row("OP-33")
def no_process_of_the_runtime_stays(t):
    before = set(descendants())
    for how in ("create", "start", "run"):
        c = t.new(spec(*FOREVER))
        with c:
            t.eq((c.run("--detach") if how == "run" else c.create()).rc, 0)
            if how == "start":
                t.eq(c.start().rc, 0)
            t.eq(set(descendants()) - before, {c.pid}, how)
            t.eq(status(read("/proc/%d/status" % c.pid))["PPid"], str(os.getpid()), "the parent is the caller")
        reap()


# ---- descriptors -------------------------------------------------------------------------------------------

def with_descriptors(t, numbers, *options, **env):
    """The program's descriptors, as `N=LINK` lines, and LISTEN_*, when the caller has these open, too."""
    c = t.new(spec("sh", "-c", "env | grep LISTEN; cd /proc/self/fd; for f in *; do echo $f=$(readlink $f); done"))
    c.bundle.sealed()
    script = "exec %s; export LISTEN_PID=$$; exec \"$@\"" % " ".join("%d</dev/zero" % n for n in numbers)
    r = t.rt("sh", "-c", script, "sh", *t.rt.argv("run", "--bundle", c.bundle.path, *options, c.id), raw=True, env=env)
    t.eq(r.rc, 0, r)
    return [line for line in sorted(r.out.splitlines()) if line[0] in "012" or "pipe:" not in line]


@row("FD-01")
def only_standard_descriptors(t):
    found = with_descriptors(t, (3, 4, 7, 9))
    t.eq([line[:2] for line in found], ["0=", "1=", "2="], found)
    t.eq(sum("/dev/zero" in line for line in with_descriptors(t, (3, 4, 7, 9), "--preserve-fds", "1")), 1)


@row("FD-02")
def descriptors_on_request(t):
    passed = ["3=/dev/zero", "4=/dev/zero"]
    t.eq(with_descriptors(t, (3, 4, 7), "--preserve-fds", "2")[3:], passed)
    t.eq(with_descriptors(t, (3, 4, 7), LISTEN_FDS="2")[3:], [*passed, "LISTEN_FDS=2", "LISTEN_PID=1"])
    t.ok("LISTEN_FDS=2" not in with_descriptors(t, (3, 4, 7)))


@row("FD-03")
def null_on_stdin(t):
    r = shell(t, "test /proc/self/fd/0 -ef /dev/null && echo null; test -c /dev/stdin; cat; readlink /proc/self/fd/0")
    t.eq((r.rc, r.out), (0, "null\n/dev/null\n"), r)
