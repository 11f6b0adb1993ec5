#!/usr/bin/python3
"""cli.py - how the command reads its options and what it prints: logs, list, ps, spec, features, ids."""
import datetime
import os
import socket
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

TEXT_LINE = (r'^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)" level=error '
             r'msg="?.*container.*does not exist.*"?\n$')


@test
def unknown_command(t):
    r = t.rt("no-such-command")
    t.eq(r.rc, 3, r)
    t.has(r.out + r.err, "No help topic for 'no-such-command'")


@test
def unknown_option(t):
    for args in (["state", "--nope", "x"], ["run", "-nope", "x"], ["kill", "--nope=3", "x", "TERM"]):
        r = t.rt(*args)
        t.eq(r.rc, 1, r)
        t.has(r.out + r.err, "flag provided but not defined: -nope")
    r = t.rt(HUSK, "--nope", "list", raw=True)
    t.eq(r.rc, 1, r)
    t.has(r.out + r.err, "flag provided but not defined: -nope")


@test
def wrong_number_of_arguments(t):
    for command in ("state", "start", "delete", "create", "run"):
        for args in ([], ["a", "b"]):
            r = t.rt(command, *args)
            t.eq(r.rc, 1, r)
            t.has(r.err, "exactly 1 argument(s)" if is_husk() else "exactly 1 argument")
            t.has(r.err, command)
    t.eq(t.rt("kill").rc, 1)
    t.eq(t.rt("exec").rc, 255 if is_husk() else 1)


@test
def an_option_without_its_value(t):
    t.eq(t.rt("create", "--bundle").rc, 1)
    t.eq(t.rt(HUSK, "--root", raw=True).rc, 1)


@test
def version(t):
    for option in ("--version", "-v", "-version"):
        r = t.rt(HUSK, option, raw=True)
        t.eq(r.rc, 0, r)
        lines = r.out.splitlines()
        t.match(lines[0], r"^\S+ version \S+")
        for prefix in ("commit: ", "spec: "):
            if prefix == "spec: " or is_husk():
                t.ok(any(line.startswith(prefix) for line in lines), r.out)


@test
def help_is_on_stdout(t):
    for args in (["--help"], ["-h"], ["help"], ["run", "--help"], ["help", "run"], ["exec", "-h"]):
        r = t.rt(HUSK, *args, raw=True)
        t.eq(r.rc, 0, r)
        t.ok(len(r.out) > 100, r)
        t.eq(r.err, "")


@test
def option_forms(t):
    b = t.bundle(spec("true"))
    b.sealed()
    for form in (["--bundle", b.path], ["--bundle=" + b.path], ["-bundle", b.path], ["-bundle=" + b.path],
                 ["-b", b.path], ["-b=" + b.path], ["--bundle", os.path.relpath(b.path, t.dir)]):
        r = t.rt("run", *form, t.id())
        t.eq(r.rc, 0, "%s: %s" % (form, r))
    t.eq(t.rt("run", t.id(), cwd=b.path).rc, 0)
    for form in (["--root", t.rt.root], ["--root=" + t.rt.root],
                 ["-root", t.rt.root], ["-root=" + t.rt.root]):
        r = t.rt(HUSK, *form, "--debug=false", "run", "-no-pivot=false", "--bundle", b.path, "--", t.id(),
                 raw=True)
        t.eq(r.rc, 0, "%s: %s" % (form, r))


@test
def a_bad_bool_is_refused(t):
    r = t.rt("delete", "--force=maybe", t.id())
    t.eq(r.rc, 1, r)


@test
def bundle_without_config(t):
    os.mkdir(t.path("empty"))
    for command in ("create", "run"):
        t.fails(t.rt(command, "--bundle", t.path("empty"), t.id()), "config.json")
        t.fails(t.rt(command, "--bundle", t.path("no-such"), t.id()), "no-such")


@test
def text_log_on_stderr(t):
    r = t.rt("state", t.id())
    t.eq(r.rc, 1)
    t.match(r.err, TEXT_LINE)
    t.eq(r.out, "")


@test
def json_log_on_stderr(t):
    r = t.rt(HUSK, "--root", t.rt.root, "--log-format", "json", "state", t.id(), raw=True)
    t.eq(r.rc, 1)
    check_json_log(t, r.err)


def check_json_log(t, text):
    lines = text.splitlines()
    t.eq(len(lines), 1, text)
    entry = json.loads(lines[0])
    t.eq(entry["level"], "error")
    t.has(entry["msg"], "does not exist")
    t.eq(sorted(entry), list(entry), "keys are sorted")
    datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))


@test
def log_file(t):
    for extra, check in (([], lambda text: t.match(text, TEXT_LINE)),
                         (["--log-format=json"], lambda text: check_json_log(t, text))):
        log = t.path("log")
        r = t.rt(HUSK, "--root", t.rt.root, "--log", log, *extra, "state", t.id(), raw=True)
        t.eq(r.rc, 1)
        check(read(log))
        t.match(r.err, r"^[^\n]*does not exist[^\n]*\n$", "the plain message is on stderr too")
        t.ok("level=" not in r.err and "{" not in r.err, r.err)
        t.eq(oct(os.stat(log).st_mode & 0o777), "0o644")
        os.unlink(log)


@test
def log_file_is_appended_to(t):
    log = write(t.path("log"), "first\n")
    t.rt(HUSK, "--root", t.rt.root, "--log", log, "--log-format", "json", "state", t.id(), raw=True)
    t.match(read(log), r'^first\n\{[^\n]*\}\n$')


@test(need=["husk"])
def log_through_a_symlink(t):
    """To a file that is there, as /dev/stderr is one; never to make one somewhere else."""
    os.symlink(t.path("target"), t.path("log"))
    argv = (HUSK, "--root", t.rt.root, "--log", t.path("log"), "state", t.id())
    r = t.rt(*argv, raw=True)
    t.eq((r.rc, os.path.exists(t.path("target"))), (1, False), r)
    t.has(r.err, t.path("log"))
    write(t.path("target"), "")
    t.rt(*argv, raw=True)
    t.match(read(t.path("target")), TEXT_LINE)


@test
def log_of_a_failing_create(t):
    """What containerd and podman read: one JSON object, and nothing after a success."""
    log = t.path("log")
    b = t.bundle(spec("no-such-program"))
    b.sealed()
    r = t.rt(HUSK, "--root", t.rt.root, "--log", log, "--log-format", "json", "create", "--bundle", b.path,
             t.id(),
             raw=True)
    t.eq(r.rc, 1)
    if is_husk():
        t.eq(len(read(log).splitlines()), 1, read(log))
    entry = json.loads(read(log).splitlines()[-1])
    t.eq(entry["level"], "error")
    t.has(entry["msg"], "executable file not found in $PATH")
    os.unlink(log)
    b = t.bundle(spec("true"))
    b.sealed()
    r = t.rt(HUSK, "--root", t.rt.root, "--log", log, "--log-format", "json", "run", "--bundle", b.path,
             t.id(), raw=True)
    t.eq((r.rc, read(log) if os.path.exists(log) else ""), (0, ""))


@test
def bad_log_options(t):
    r = t.rt(HUSK, "--log-format", "foo", "list", raw=True)
    t.eq(r.rc, 1, r)
    t.has(r.err, "foo")
    r = t.rt(HUSK, "--log", "/no/such/dir/log", "list", raw=True)
    t.eq(r.rc, 1, r)


@test(need=["husk"])
def log_with_its_kind_named(t):
    """crun's form of the option."""
    log = t.path("log")
    r = t.rt(HUSK, "--root", t.rt.root, "--log=file:" + log, "state", t.id(), raw=True)
    t.eq(r.rc, 1)
    t.match(read(log), TEXT_LINE)
    for kind in ("syslog:husk", "journald:husk"):
        r = t.rt(HUSK, "--root", t.rt.root, "--log", kind, "list", raw=True, cwd=t.dir)
        t.eq(r.rc, 1, r)
        t.has(r.err, "only a file")
        t.ok(not os.path.exists(t.path(kind)))


@test
def messages_survive_odd_characters(t):
    """An id that needs escaping stays one line of valid JSON."""
    r = t.rt(HUSK, "--root", t.rt.root, "--log-format", "json", "state", 'a"b\\c\nd\x01', raw=True)
    t.eq(r.rc, 1)
    t.eq(len(r.err.splitlines()), 1, r.err)
    json.loads(r.err)


@test
def ids(t):
    b = t.bundle(spec("true"))
    b.sealed()
    bad = ["", ".", "..", "a/b", "/", "../x", "a b", "a\tb", "a\n", "\u00e9", "a:b", "a@b", "a*", "x" * 1025]
    for name in bad:
        for command in ("create", "run"):
            r = t.rt(command, "--bundle", b.path, name)
            t.eq(r.rc, 1, "%r: %s" % (name, r))
    t.ok(not os.path.isdir(t.rt.root) or not os.listdir(t.rt.root))
    for name in ("a", "a.b", "A_b-c+d", "..a", "0"):
        name = PREFIX + name
        r = t.rt("run", "--bundle", b.path, name)
        t.eq(r.rc, 0, "%r: %s" % (name, r))


@test
def ids_of_other_commands_stay_below_the_root(t):
    os.mkdir(t.path("victim"))
    write(t.path("victim/state.json"), "{}")
    for command in (["state"], ["delete"], ["start"], ["kill"], ["delete", "--force"]):
        r = t.rt(*command, "../victim")
        t.ok(r.rc == 1 or (r.rc == 0 and "--force" in command), r)
    t.eq(os.listdir(t.path("victim")), ["state.json"])


@test
def list_table(t):
    head = t.rt("list").out
    t.match(head, r"^ID +PID +STATUS +BUNDLE +CREATED +OWNER *\n$")
    with t.container(spec("sleep", "1000"), start=True) as c:
        lines = t.rt("list").out.splitlines()
        t.eq(len(lines), 2, lines)
        t.eq(lines[1].split(), [c.id, str(c.pid), "running", c.bundle.path, c.state()["created"], "root"])
        at = lines[0].index("BUNDLE")
        t.eq(lines[1][at:].split()[0], c.bundle.path, "columns are aligned")
        for option in ("-q", "--quiet"):
            t.eq(t.rt("list", option).out, c.id + "\n")


@test
def list_json(t):
    for form in (["--format", "json"], ["--format=json"], ["-f", "json"]):
        t.eq(t.rt("list", *form).out.strip(), "null")
    with t.container(spec("sleep", "1000")) as c:
        r = t.rt("list", "--format=json")
        t.eq(r.out.count("\n"), 1, r.out)
        entry = r.json()[0]
        t.eq((entry["id"], entry["pid"], entry["status"], entry["owner"]), (c.id, c.pid, "created", "root"))
        for key in ("bundle", "rootfs", "created", "ociVersion"):
            t.eq(entry[key], c.state()[key])
    t.fails(t.rt("list", "--format", "xml"), "invalid format option")


@test
def list_skips_what_it_cannot_read(t):
    with t.container(spec("sleep", "1000")) as c:
        os.mkdir(t.rt.root + "/broken")
        write(t.rt.root + "/broken/state.json", "{not json")
        r = t.rt("list", "-q")
        t.eq((r.rc, r.out), (0, c.id + "\n"), r)
        t.has(r.err, "broken")
        shutil.rmtree(t.rt.root + "/broken")


@test
def state_of_a_broken_directory(t):
    name = t.id()
    for text in ("", "{", "[]", "{}", "null", '{"id": 5}', "\0" * 100):
        os.makedirs(t.rt.root + "/" + name)
        write(t.rt.root + "/" + name + "/state.json", text)
        r = t.rt("state", name)
        if text not in ("{}", "null") or is_husk():
            t.eq(r.rc, 1, "%r: %s" % (text, r))
        t.rt("delete", "--force", name)
        shutil.rmtree(t.rt.root + "/" + name, ignore_errors=True)


@test
def ps(t):
    with t.container(spec("sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait"), start=True) as c:
        t.until(lambda: c.out == "ready\n", "ready")
        r = t.rt("ps", "--format", "json", c.id)
        t.eq(sorted(r.json()), sorted(descendants()))
        t.ok(r.out.endswith("]\n"), r.out)
        t.eq(sorted(t.rt("ps", "-f=json", c.id).json()), sorted(descendants()))
        t.fails(t.rt("ps", "--format", "xml", c.id), "invalid format option")
        t.need("prog:ps")
        lines = t.rt("ps", c.id).out.splitlines()
        t.has(lines[0], "PID")
        t.eq(len(lines), 4, lines)
        lines = t.rt("ps", c.id, "-o", "pid,comm").out.splitlines()
        t.eq(sorted(int(line.split()[0]) for line in lines[1:]), sorted(descendants()))
    t.fails(t.rt("ps", t.id()), "does not exist")


@test
def spec_writes_the_default_config(t):
    os.mkdir(t.path("b"))
    r = t.rt("spec", cwd=t.path("b"))
    t.eq((r.rc, r.out, r.err), (0, "", ""))
    text = read(t.path("b/config.json"))
    got = json.loads(text)
    t.ok("\n\t\"process\": {\n\t\t" in text, "indented by tabs")
    process = got["process"]
    t.eq((process["terminal"], process["args"], process["cwd"]), (True, ["sh"], "/"))
    t.eq(process["user"], {"uid": 0, "gid": 0})
    t.eq(process["noNewPrivileges"], True)
    t.eq(process["rlimits"], [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}])
    wanted = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    for name in ("bounding", "effective", "permitted"):
        t.eq(sorted(process["capabilities"][name]), wanted)
    if is_husk():
        t.eq([k for k in ("inheritable", "ambient") if process["capabilities"].get(k)], [])
    t.eq(got["root"], {"path": "rootfs", "readonly": True})
    t.eq([m["destination"] for m in got["mounts"]],
         ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"])
    t.eq({m["destination"]: m.get("options", []) for m in got["mounts"]},
         {m["destination"]: m["options"] for m in spec()["mounts"]})
    names = {n["type"] for n in got["linux"]["namespaces"]}
    t.ok(names >= {"pid", "network", "ipc", "uts", "mount"}, names)
    t.eq(got["linux"]["resources"]["devices"], [{"allow": False, "access": "rwm"}])
    t.ok(set(got["linux"]["maskedPaths"]) >= set(MASKED), got["linux"]["maskedPaths"])
    t.eq(sorted(got["linux"]["readonlyPaths"]), READONLY)


@test
def spec_refuses_to_overwrite(t):
    os.mkdir(t.path("b"))
    write(t.path("b/config.json"), "mine")
    t.fails(t.rt("spec", "--bundle", t.path("b")), "config.json exists. Remove it first")
    t.eq(read(t.path("b/config.json")), "mine")
    t.need("husk")
    os.unlink(t.path("b/config.json"))
    os.symlink(t.canary + "/new", t.path("b/config.json"))
    r = t.rt("spec", "-b", t.path("b"))
    t.ok(r.rc == 1 or not os.path.exists(t.canary + "/new"), "a dangling symlink was written through: %s" % r)


@test
def spec_rootless(t):
    os.mkdir(t.path("b"))
    t.eq(t.rt("spec", "--rootless", "--bundle=" + t.path("b")).rc, 0)
    got = json.loads(read(t.path("b/config.json")))
    types = [n["type"] for n in got["linux"]["namespaces"]]
    t.ok("user" in types and "network" not in types, types)
    for kind in ("uidMappings", "gidMappings"):
        t.eq(got["linux"][kind], [{"containerID": 0, "hostID": 0, "size": 1}])
    t.ok("resources" not in got["linux"])
    by_place = {m["destination"]: m for m in got["mounts"]}
    t.eq(by_place["/sys"]["options"], ["rbind", "nosuid", "noexec", "nodev", "ro"])
    t.ok("gid=5" not in by_place["/dev/pts"]["options"])


@test
def features(t):
    r = t.rt("features")
    if r.rc == 3:
        t.skip("this runtime has no features command")
    t.eq(r.rc, 0, r)
    f = r.json()
    t.ok(f["ociVersionMax"] >= f["ociVersionMin"])
    t.eq(sorted(f["hooks"]), sorted(["prestart", "createRuntime",
         "createContainer", "startContainer", "poststart", "poststop"]))
    for option in ("ro", "rw", "bind", "rbind", "nosuid", "nodev", "noexec", "rprivate", "rro"):
        t.has(f["mountOptions"], option)
    t.ok(set(f["linux"]["namespaces"]) >= {"cgroup", "ipc", "mount", "network", "pid", "user", "uts"})
    t.ok(all(c.startswith("CAP_") for c in f["linux"]["capabilities"]), f["linux"]["capabilities"])
    t.eq((f["linux"]["cgroup"]["v1"], f["linux"]["cgroup"]["v2"]), (True, True))
    if is_husk():
        t.ok(len(f["linux"]["capabilities"]) == 41 and "time" in f["linux"]["namespaces"])


@test(need=["husk"])
def features_only_names_what_config_takes(t):
    f = t.rt("features").json()
    for version in (f["ociVersionMin"], f["ociVersionMax"]):
        config = spec("true")
        config["ociVersion"] = version
        r = t.run(config)
        t.eq(r.rc, 0, "%s: %s" % (version, r))
    config = spec("true")
    config["process"]["capabilities"] = {k: f["linux"]["capabilities"] for k in ("bounding",)}
    t.eq(t.run(config).rc, 0)
    seccomp = f["linux"]["seccomp"]
    for key, known in (("action", seccomp.get("actions", [])), ("flag", seccomp.get("supportedFlags", []))):
        for name in known:
            if name == "SCMP_ACT_NOTIFY":       # needs a listener: seccomp.py
                continue
            config = spec("true")
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["swapon"], "action": name if key == "action" else "SCMP_ACT_ERRNO"}]}
            if key == "flag":
                config["linux"]["seccomp"]["flags"] = [name]
            r = t.run(config)
            t.eq(r.rc, 0, "%s %s: %s" % (key, name, r))
    b = t.bundle(spec("true"))
    b.config["mounts"].append({"destination": "/mnt", "type": "tmpfs", "source": "x"})
    for option in f["mountOptions"]:
        b.config["mounts"][-1]["options"] = [option]
        b.save()
        r = t.rt("plan", "--bundle", b.path)
        t.ok("not supported" not in r.err, "mount option %s: %s" % (option, r))


@test(need=["husk"])
def root_slash_is_refused(t):
    r = t.rt(HUSK, "--root", "/", "list", raw=True)
    t.eq(r.rc, 1, r)


@test
def state_directory_modes(t):
    with t.container(spec("sleep", "1000")) as c:
        t.eq(oct(os.stat(t.rt.root).st_mode & 0o7777), "0o700")
        t.eq(oct(os.stat(t.rt.root + "/" + c.id).st_mode & 0o7777), "0o711")
        t.eq(oct(os.stat(t.rt.root + "/" + c.id + "/state.json").st_mode & 0o7777), "0o600")


@test(need=["husk"])
def cgroup_manager(t):
    def run(manager, config):
        b = t.bundle(config)
        b.sealed()
        return t.rt(HUSK, "--root", t.rt.root, "--cgroup-manager", manager, "run", "--bundle", b.path, t.id(),
                    raw=True)
    config = spec("cat", "/proc/self/cgroup")
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    r = run("cgroupfs", config)
    t.eq(r.rc, 0, r)
    t.ok(r.out != read("/proc/self/cgroup"), r)
    r = run("disabled", config)
    t.eq((r.rc, r.out), (0, read("/proc/self/cgroup")), r)
    config["linux"]["resources"]["pids"] = {"limit": 10}
    t.fails(run("disabled", config), "/linux/resources/pids/limit")
    t.fails(run("systemd", spec("true")), "systemd")
    t.fails(run("openrc", spec("true")), 'openrc', "--cgroup-manager: cgroupfs, systemd or disabled")


@test(need=["husk"])
def a_container_without_a_cgroup(t):
    """All commands that do not need one."""
    b = t.bundle(spec("sleep", "1000"))
    b.sealed()
    id = t.id()
    before = cgroup_dirs()
    r = t.rt(HUSK, "--root", t.rt.root, "--cgroup-manager=disabled", "create", "--bundle", b.path, id, raw=True)
    t.eq(r.rc, 0, r)
    t.eq(cgroup_dirs(), before)
    t.eq(t.rt("start", id).rc, 0)
    t.eq(t.rt("exec", id, "echo", "hi").out, "hi\n")
    t.eq(len(t.rt("ps", "--format", "json", id).json()), 1)
    t.fails(t.rt("pause", id), "no cgroup")
    t.eq(t.rt("delete", "--force", id).rc, 0)


@test(need=["husk"])
def delete_by_regular_expression(t):
    ids = [t.id() + end for end in ("-a", "-b", "-other")]
    for id in ids:
        c = t.new(spec("sleep", "1000"))
        c.id = id
        t.eq(c.create().rc, 0)
    def there():
        return [i for i in t.rt("list", "--quiet").out.split() if i in ids]
    t.eq(there(), sorted(ids))
    t.eq(t.rt("delete", "--force", "--regex", "(-a|-b)$").rc, 0)
    t.eq(there(), [ids[2]])
    t.fails(t.rt("delete", "--regex", "(", t.dir, "x"), "exactly 1 argument")
    t.fails(t.rt("delete", "--regex", "("), "regular expression", "Unmatched")
    t.eq(t.rt("delete", "--regex", "matches-nothing").rc, 0)
    t.eq(t.rt("start", ids[2]).rc, 0)
    t.fails(t.rt("delete", "--regex", "other"), "not stopped: running")
    t.eq(there(), [ids[2]])
    t.eq(t.rt("delete", "-f", "-r", "other").rc, 0)
    t.eq(there(), [])


def manager(t):
    """A service manager's socket, and the environment that names it."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(t.path("manager"))
    s.settimeout(10)
    return s, clean_env(NOTIFY_SOCKET=t.path("manager"))


def notifier(t, *args):
    """With a tmpfs for the mount's target, which would else be left in the root filesystem."""
    config = spec(*args)
    config["mounts"].append({"destination": "/" + t.dir.split("/")[1], "type": "tmpfs", "source": "tmpfs"})
    return config


def heard(t, s):
    """What a program's readiness becomes: three messages, the last with a descriptor that must be closed."""
    said = [s.recv(100).decode(), s.recv(100).decode()]
    barrier, fds, _, _ = socket.recv_fds(s, 100, 1)
    t.eq((barrier, len(fds)), (b"BARRIER=1", 1))
    os.close(fds[0])
    return said


# busybox cannot send a datagram to a path with abstract details: the host's python does it through /proc/PID/root
def say_from_within(t, pid, *messages):
    env = dict(e.split("=", 1) for e in read("/proc/%d/environ" % pid).split("\0") if "=" in e)
    t.eq(env["NOTIFY_SOCKET"], t.path("manager") + "/notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = "/proc/%d/root%s" % (pid, env["NOTIFY_SOCKET"])
    t.until(lambda: os.path.exists(path), "the socket")
    os.chdir(os.path.dirname(path))                    # a socket's address is short
    try:
        for message in messages:
            s.sendto(message, "notify")
    finally:
        os.chdir("/")


@test(need=["husk"])
def readiness_reaches_the_service_manager(t):
    """create and start, as conmon does it: start ends when the program is ready."""
    s, env = manager(t)
    with t.new(notifier(t, "sleep", "1000")) as c:
        t.eq(c.create(env=env).rc, 0)
        t.eq(os.listdir(t.rt.root + "/.notify"), [c.id])
        start = t.popen("start", c.id, env=env)
        c.wait("running")
        say_from_within(t, c.pid, b"STATUS=starting", b"MAINPID=1\nSTOPPING=1")
        time.sleep(0.3)
        t.eq(start.poll(), None, "it waits")
        say_from_within(t, c.pid, b"MAINPID=1\nREADY=1\nSTATUS=up")
        t.eq(heard(t, s), ["READY=1", "MAINPID=%d" % c.pid])
        t.eq(start.wait(LIMIT), 0)
    t.ok(not os.path.exists(t.rt.root + "/.notify"))


@test(need=["husk"])
def readiness_of_run(t):
    for detach in (True, False):
        s, env = manager(t)
        with t.new(notifier(t, "sleep", "1000")) as c:
            c.bundle.sealed()
            p = t.popen("run", *(["--detach"] if detach else []), "--bundle", c.bundle.path, c.id, env=env)
            t.until(lambda: t.rt("state", c.id).rc == 0, "a container")
            c.wait("running")
            say_from_within(t, c.pid, b"READY=1")
            t.eq(heard(t, s), ["READY=1", "MAINPID=%d" % (c.pid if detach else p.pid)])
            if detach:
                t.eq(p.wait(LIMIT), 0)
            else:
                c.kill("KILL")
                t.eq(p.wait(LIMIT), 137)
        t.ok(not os.path.exists(t.rt.root + "/.notify"))
        os.unlink(t.path("manager"))


@test(need=["husk"])
def a_program_that_is_never_ready(t):
    s, env = manager(t)
    config = notifier(t, "sh", "-c", "ls -l $NOTIFY_SOCKET; touch ${NOTIFY_SOCKET}x || echo refused; exit 5")
    r = t.run(config, env=env)
    t.eq(r.rc, 5, r)
    t.match(r.out, r"^srwxrwxrwx [^\n]*/manager/notify\nrefused\n$")
    c = t.new(config)
    t.eq(c.run("--detach", env=env).rc, 0)
    t.eq(c.run("--detach", env=env).rc, 1)
    t.eq(os.listdir(t.rt.root + "/.notify"), [c.id], "of the one that is there")
    t.eq(c.delete().rc, 0)
    t.eq(t.run(notifier(t, "no-such-program"), env=env).rc, 1)
    t.ok(not os.path.exists(t.rt.root + "/.notify"))
    s.settimeout(0)
    try:
        t.ok(False, s.recv(100))
    except BlockingIOError:
        pass


@test
def debug_adds_nothing_to_stdout(t):
    b = t.bundle(spec("echo", "hi"))
    b.sealed()
    r = t.rt(HUSK, "--debug", "--root", t.rt.root, "run", "--bundle", b.path, t.id(), raw=True)
    t.eq((r.rc, r.out), (0, "hi\n"), r)


main(VIEWS)
