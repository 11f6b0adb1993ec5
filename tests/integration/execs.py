#!/usr/bin/python3
"""execs.py - `exec`: more processes in a container."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

EVERY_BYTE = bytes(range(256)) * 2048


def sleeper(t, config=None, **process):
    return t.container(config or spec("sleep", "1000", **process), start=True)


@test
def exit_status_and_streams(t):
    with sleeper(t) as c:
        for code in (0, 1, 7, 255):
            t.eq(c.exec("sh", "-c", "exit %d" % code).rc, code)
        r = c.exec("sh", "-c", "echo out; echo err >&2")
        t.eq((r.rc, r.out, r.err), (0, "out\n", "err\n"))
        r = c.exec("sh", "-c", "kill -KILL $$")
        t.eq(r.rc, 137, r)
        r = c.exec("sh", "-c", "kill -TERM $$")
        t.eq(r.rc, 143, r)


@test
def stdin_is_binary_safe(t):
    with sleeper(t) as c:
        r = c.exec("cat", input=EVERY_BYTE)
        t.eq(r.rc, 0, r.err)
        t.ok(r.outb == EVERY_BYTE, "%d bytes" % len(r.outb))
        p = t.popen("exec", c.id, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = p.communicate(EVERY_BYTE, timeout=LIMIT)
        t.ok(out == EVERY_BYTE and p.returncode == 0, "%d bytes" % len(out))


@test
def failures_are_255(t):
    with sleeper(t) as c:
        t.fails(c.exec("no-such-program"), "executable file not found in $PATH", rc=255)
        t.fails(c.exec("/no/such"), "no such file or directory", rc=255)
        t.match(t.fails(c.exec("/etc/passwd"), rc=255).err, "(?i)permission denied")
        t.fails(c.exec(), rc=255)
        t.fails(t.rt("exec", t.id(), "true"), "does not exist", rc=255)
        t.fails(c.exec("true", options=["--process", t.path("none")]), rc=255)
        r = c.exec("true", options=["--no-such-option"])
        t.ok(r.rc in (1, 255), r)
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")
        t.fails(c.exec("true"), rc=255)


@test
def in_a_created_container(t):
    with t.container(spec("sh", "-c", "echo started; sleep 1000")) as c:
        r = c.exec("sh", "-c", "echo in; ps | grep -c started")
        t.eq(r.out.split()[0], "in", r)
        t.eq((c.state()["status"], c.out), ("created", ""))
        t.eq(c.start().rc, 0)
        t.until(lambda: c.out == "started\n", "start still works")


@test
def the_programs_own_options_are_not_read(t):
    with sleeper(t) as c:
        r = c.exec("echo", "-d", "--tty", "-e", "X=1", "--", "-x")
        t.eq((r.rc, r.out), (0, "-d --tty -e X=1 -- -x\n"), r)


@test
def joins_namespaces_and_cgroup(t):
    with sleeper(t) as c:
        for name in ("pid", "net", "ipc", "uts", "mnt", "user", "cgroup"):
            r = c.exec("readlink", "/proc/self/ns/" + name)
            t.eq(r.out.strip(), os.readlink("/proc/%d/ns/%s" % (c.pid, name)), name)
        p = t.popen("exec", c.id, "sh", "-c", "echo; exec sleep 1000", stdout=subprocess.PIPE)
        t.eq(p.stdout.readline(), b"\n")

        def sleeps():
            return [pid for pid, name in descendants().items() if "sleep" in name and pid != c.pid]
        t.until(lambda: len(sleeps()) == 1, "one more sleep")
        others = sleeps()
        t.eq(read("/proc/%d/cgroup" % others[0]), read("/proc/%d/cgroup" % c.pid))
        os.kill(others[0], signal.SIGKILL)
        t.eq(p.wait(LIMIT), 137)
        p.stdout.close()


@test
def environment(t):
    with sleeper(t, env=["PATH=/bin", "A=config", "B=config"]) as c:
        r = c.exec("env", options=["-e", "A=new", "-e", "C=c=d", "-e=E="])
        got = dict(line.split("=", 1) for line in r.out.splitlines())
        t.eq((got["A"], got["B"], got["C"], got["E"], got["PATH"]), ("new", "config", "c=d", "", "/bin"), r)
        t.eq(set(got) - {"A", "B", "C", "E", "PATH", "HOME", "PWD", "SHLVL"}, set())
        t.eq(c.exec("sh", "-c", "echo $A", options=["--env", "A=1", "--env=A=2"]).out, "2\n")
        if is_husk():
            t.eq(c.exec("true", options=["-e", "NOEQUALS"]).rc, 255)


@test
def working_directory(t):
    with sleeper(t, cwd="/etc") as c:
        t.eq(c.exec("pwd").out, "/etc\n")
        t.eq(c.exec("pwd", options=["--cwd", "/tmp"]).out, "/tmp\n")
        t.eq(c.exec("pwd", options=["--cwd=relative"]).rc, 255)


@test
def user(t):
    with sleeper(t) as c:
        t.eq(c.exec("id", "-u", options=["-u", "1000"]).out, "1000\n")
        r = c.exec("sh", "-c", "id -u; id -g", options=["--user", "1000:1001"])
        t.eq(r.out.split(), ["1000", "1001"])
        r = c.exec("grep", "-E", "^(Uid|Gid|Groups)", "/proc/self/status", options=["-u", "5:6", "-g", "7",
                                                                                    "-g", "8"])
        t.eq([line.split()[1:] for line in r.out.splitlines()], [["5"] * 4, ["6"] * 4, ["7", "8"]], r)


@test
def wrong_users_are_refused(t):
    """A text that is no uid must never become another user (CVE-2026-30892)."""
    bad = ["5x", "x", "root", "-1", "4294967295", "4294967296", "1:", ":1", "1:2:3", " 1", "0x5", "1.0", "+1",
           "18446744073709551616", "1:-1", "1:4294967295"]
    with sleeper(t) as c:
        for text in bad if is_husk() else ["5x", "x", "root", "1:", ":1", " 1", "1.0"]:
            r = c.exec("id", "-u", options=["--user=" + text])
            t.eq((r.rc, r.out), (255, ""), "%r: %s" % (text, r))


@test
def capabilities(t):
    with sleeper(t) as c:
        def caps(*options):
            r = c.exec("grep", "^Cap", "/proc/self/status", options=options)
            t.eq(r.rc, 0, r)
            return {line.split()[0][3:6]: int(line.split()[1], 16) for line in r.out.splitlines()}
        default = 1 << 29 | 1 << 5 | 1 << 10
        t.eq(caps(), {"Inh": 0, "Prm": default, "Eff": default, "Bnd": default, "Amb": 0})
        more = default | 1 << 13
        t.eq(caps("--cap", "CAP_NET_RAW"), {"Inh": 0, "Prm": more, "Eff": more, "Bnd": more, "Amb": 0})
        got = caps("-u", "1000")
        t.eq((got["Inh"], got["Amb"], got["Bnd"]), (0, 0, default))
        got = caps("-u", "1000", "-c", "CAP_NET_RAW")
        t.eq((got["Inh"], got["Amb"]), (0, 0))


@test
def no_new_privileges(t):
    config = spec("sleep", "1000", noNewPrivileges=False)
    with sleeper(t, config) as c:
        get = ["grep", "NoNewPrivs", "/proc/self/status"]
        t.eq(c.exec(*get).out.split()[1], "0")
        t.eq(c.exec(*get, options=["--no-new-privs"]).out.split()[1], "1")
    with sleeper(t) as c:
        t.eq(c.exec("grep", "NoNewPrivs", "/proc/self/status").out.split()[1], "1")


@test
def same_confinement_as_init(t):
    config = spec("sh", "-c", "cat /proc/self/status; ulimit -n; umask; echo; exec sleep 1000", oomScoreAdj=321,
                  rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}])
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                  "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}
    with sleeper(t, config) as c:
        t.until(lambda: c.out.endswith("\n\n"), "output")
        r = c.exec("sh", "-c", "cat /proc/self/status; ulimit -n; umask; echo")
        keys = ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "CapEff", "CapBnd", "CapInh", "CapAmb",
                "CapPrm")

        def pick(text):
            lines = text.splitlines()
            return [line.split() for line in lines if line.split(":")[0] in keys] + lines[-3:]
        t.eq(pick(r.out), pick(c.out))
        t.eq(c.exec("ulimit", "-n").rc, 255)
        t.eq(c.exec("cat", "/proc/self/oom_score_adj").out, "321\n")
        t.eq(c.exec("mkdir", "/tmp/x").rc, 1, "the seccomp filter is in force")


@test
def process_file(t):
    process = {"args": ["sh", "-c", "id -u; id -g; pwd; echo $X; umask"], "cwd": "/tmp",
               "env": ["PATH=/bin", "X=y"],
               "user": {"uid": 12, "gid": 34, "umask": 63}}
    with sleeper(t) as c:
        for option in (["--process", t.path("p")], ["-p", t.path("p")], ["--process=" + t.path("p")]):
            write(t.path("p"), json.dumps(process))
            r = t.rt("exec", *option, c.id)
            t.eq(r.out.split(), ["12", "34", "/tmp", "y", "0077" if is_husk() else "0022"], r)
        for broken in ("", "{", '{"args": []}', '{"args": "x", "cwd": "/"}', '{"args": ["true"]}', "[]",
                       '{"args": ["true"], "cwd": "/", "user": {"uid": -1}}'):
            write(t.path("p"), broken)
            r = t.rt("exec", "--process", t.path("p"), c.id)
            t.eq(r.rc, 255, "%s: %s" % (broken, r))


@test(need=["husk"])
def process_file_errors_name_the_place(t):
    with sleeper(t) as c:
        write(t.path("p"), '{"args": ["true"],\n "cwd": "/", "user": {"uid": "0"}}')
        t.fails(t.rt("exec", "--process", t.path("p"), c.id), "/user/uid", ":2:", rc=255)


@test
def detached_with_a_pid_file(t):
    with sleeper(t) as c:
        r = c.exec("sh", "-c", "echo hi; sleep 1000", options=["--detach", "--pid-file", t.path("pid")])
        t.eq(r.rc, 0, r)
        pid = int(read(t.path("pid")))
        t.eq(read(t.path("pid")), str(pid))
        t.eq(os.readlink("/proc/%d/ns/pid" % pid), os.readlink("/proc/%d/ns/pid" % c.pid))
        fields = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
        t.eq(int(fields[1]), os.getpid(), "its parent is the caller's subreaper")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)          # the pid namespace cannot end before its parent has reaped it


@test
def forwards_signals(t):
    with sleeper(t) as c:
        p = t.popen("exec", c.id, "sh", "-c",
                    "trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
                    stdout=subprocess.PIPE)
        t.eq(p.stdout.readline(), b"ready\n")
        p.send_signal(signal.SIGTERM)
        t.eq((p.stdout.read(), p.wait(LIMIT)), (b"term\n", 3))


@test
def ends_with_the_container(t):
    with sleeper(t) as c:
        p = t.popen("exec", c.id, "sleep", "1000")
        t.until(lambda: sum("sleep" in n for n in descendants().values()) == 2, "exec is there")
        t.eq(c.kill("KILL").rc, 0)
        t.eq(p.wait(LIMIT), 137)


@test
def preserved_fds(t):
    with sleeper(t) as c, open(write(t.path("f"), "three"), "rb") as f:
        def fd():
            os.dup2(f.fileno(), 3)
            os.set_inheritable(3, True)
        r = c.exec("sh", "-c", "cat <&3", options=["--preserve-fds", "1"], preexec=fd, pass_fds=(3,))
        t.eq((r.rc, r.out), (0, "three"), r)
        r = c.exec("ls", "/proc/self/fd")
        t.eq(r.out.split(), ["0", "1", "2", "3"], "3 is ls reading the directory")


@test(need=["husk"])
def the_session_keyring_is_as_create_was_told(t):
    """Without --no-new-keyring neither the container's program nor exec's sees the caller's."""
    config = spec("sleep", "1000")
    config["linux"]["maskedPaths"] = []
    for options, new in (([], True), (["--no-new-keyring"], False)):
        c = t.new(config)
        t.eq(c.create(*options).rc, 0)
        with c:
            t.eq(c.start().rc, 0)
            keys = c.exec("cat", "/proc/keys").out
            t.eq("_ses." + c.id in keys, new, keys)


@test
def many_in_parallel(t):
    with sleeper(t) as c:
        running = [t.popen("exec", c.id, "sh", "-c", "echo %d" % i, stdout=subprocess.PIPE) for i in range(8)]
        for i, p in enumerate(running):
            out, _ = p.communicate(timeout=LIMIT)
            t.eq((p.returncode, out), (0, b"%d\n" % i))


@test(need=["userns"])
def in_a_user_namespace(t):
    b = t.bundle(userns_spec("sleep", "1000"))
    with t.container(b, start=True) as c:
        r = c.exec("sh", "-c", "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user")
        t.eq(r.out.split(), ["0", "0", "100000", "65536", os.readlink("/proc/%d/ns/user" % c.pid)], r)
        t.eq(c.exec("id", "-u", options=["-u", "5"]).out, "5\n")
        r = c.exec("id", "-u", options=["-u", "70000"])
        t.eq(r.rc, 255, r)


main(VIEWS)
