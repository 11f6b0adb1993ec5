#!/usr/bin/python3
"""lifecycle.py - create, start, run, state, kill, delete: what happens to a container and when."""
import sys
import os
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

EVERY_BYTE = bytes(range(256)) * 2048


def on_term(text="got-term", code=9):
    """A program that answers SIGTERM; as pid 1 it would ignore a signal that it has no handler for."""
    script = "trap 'echo %s; exit %d' TERM; echo ready; while :; do sleep 0.05; done"
    return spec("sh", "-c", script % (text, code))


@test
def run_returns_the_exit_status(t):
    for code in (0, 1, 2, 42, 255):
        t.eq(t.sh("exit %d" % code).rc, code)


@test
def run_returns_128_plus_the_signal(t):
    config = without_namespace(spec("sh", "-c", "kill -%s $$; sleep 9"), "pid")
    for name, number in (("TERM", 15), ("KILL", 9), ("USR1", 10), ("SEGV", 11)):
        config["process"]["args"][2] = "kill -%s $$; sleep 9" % name
        r = t.run(json.loads(json.dumps(config)))
        t.eq(r.rc, 128 + number, r)


@test
def run_is_binary_safe_on_stdin_and_stdout(t):
    r = t.run(spec("cat"), input=EVERY_BYTE)
    t.eq(r.rc, 0, r.err)
    t.ok(r.outb == EVERY_BYTE, "%d bytes came back of %d" % (len(r.outb), len(EVERY_BYTE)))


@test
def run_works_between_pipes(t):
    c = t.new(spec("sh", "-c", "cat; echo done >&2"))
    c.bundle.sealed()
    p = t.popen("run", "--bundle", c.bundle.path, c.id, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
    out, err = p.communicate(EVERY_BYTE, timeout=LIMIT)
    t.eq((p.returncode, err), (0, b"done\n"))
    t.ok(out == EVERY_BYTE, "%d bytes of %d" % (len(out), len(EVERY_BYTE)))


@test
def run_keeps_stdout_and_stderr_apart_and_adds_nothing(t):
    r = t.sh("echo one; echo two >&2; echo three")
    t.eq((r.rc, r.out, r.err), (0, "one\nthree\n", "two\n"))


@test
def run_passes_the_end_of_stdin(t):
    r = t.sh("cat; echo end", input=b"")
    t.eq((r.rc, r.out), (0, "end\n"), r)


@test
def run_when_the_reader_has_gone(t):
    c = t.new(spec("sh", "-c", "yes | head -n 100000; echo $? >&2"))
    c.bundle.sealed()
    p = t.popen("run", "--bundle", c.bundle.path, c.id, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdout.read(10)
    p.stdout.close()
    p.wait(LIMIT)


@test
def create_start_kill_delete(t):
    c = t.new(spec("sh", "-c", "echo started; sleep 1000"))
    r = c.create()
    t.eq((r.rc, r.out, r.err), (0, "", ""))
    s = c.state()
    t.eq(s["status"], "created")
    os.kill(s["pid"], 0)
    time.sleep(0.1)
    t.eq(c.out, "", "the program must not run before start")
    r = c.start()
    t.eq((r.rc, r.out, r.err), (0, "", ""))
    t.until(lambda: c.out == "started\n", "the program's output")
    t.eq((c.state()["status"], c.state()["pid"]), ("running", s["pid"]))
    t.eq(c.kill("KILL").rc, 0)
    c.wait("stopped")
    t.eq(c.state()["pid"], 0)
    r = c.delete()
    t.eq((r.rc, r.out, r.err), (0, "", ""))
    t.fails(t.rt("state", c.id), "does not exist")


@test
def state_has_what_callers_read(t):
    config = spec("sleep", "1000")
    config["annotations"] = {"org.example.key": "value", "empty": ""}
    with t.container(config) as c:
        s = c.state()
        kinds = {"ociVersion": str, "id": str, "pid": int, "status": str, "bundle": str, "rootfs": str,
                 "created": str,
                 "owner": str}
        for key, kind in kinds.items():
            t.ok(type(s.get(key)) is kind, "%s is %r" % (key, s.get(key)))
        t.eq(s["id"], c.id)
        t.eq(s["bundle"], c.bundle.path)
        t.eq(s["rootfs"], c.bundle.rootfs)
        t.eq(s["annotations"], config["annotations"])
        t.match(s["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


@test
def state_of_one_without_annotations_has_none(t):
    with t.container() as c:
        t.ok("annotations" not in c.state(), c.state())


@test
def detached_init_is_the_callers_child(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        stat_fields = read("/proc/%d/stat" % c.pid).rpartition(")")[2].split()
        t.eq(int(stat_fields[1]), os.getpid(), "the parent of init must be the caller's subreaper")
        t.eq([p for p, name in descendants().items() if p != c.pid], [], "no process of the runtime stays")


@test
def run_detached(t):
    c = t.new(spec("sh", "-c", "echo up; sleep 1000"))
    begin = time.monotonic()
    r = c.run("--detach")
    t.eq(r.rc, 0, r)
    t.ok(time.monotonic() - begin < 5, "took too long")
    with c:
        t.until(lambda: c.out == "up\n", "output")
        t.eq(c.state()["status"], "running")


@test
def run_keep_leaves_a_stopped_container(t):
    c = t.new(spec("sh", "-c", "exit 4"))
    r = c.run("--keep")
    if "not defined" in r.err:
        t.skip("this runtime has no --keep")
    t.eq(r.rc, 4, r)
    t.eq(c.state()["status"], "stopped")
    t.eq(c.delete().rc, 0)


@test
def run_forwards_signals(t):
    c = t.new(on_term())
    c.bundle.sealed()
    p = t.popen("run", "--bundle", c.bundle.path, c.id, stdout=subprocess.PIPE)
    t.eq(p.stdout.readline(), b"ready\n")
    p.send_signal(signal.SIGTERM)
    t.eq(p.stdout.read(), b"got-term\n")
    t.eq(p.wait(LIMIT), 9)


@test
def the_program_outlives_a_killed_foreground_runtime(t):
    c = t.new(spec("sh", "-c", "echo ready; sleep 1000"))
    c.bundle.sealed()
    p = t.popen("run", "--bundle", c.bundle.path, c.id, stdout=subprocess.PIPE)
    t.eq(p.stdout.readline(), b"ready\n")
    p.kill()
    p.wait()
    t.eq(c.state()["status"], "running")
    t.eq(c.delete("--force").rc, 0)


@test
def start_twice_is_refused(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.fails(c.start(), "cannot start an already running container")
        t.eq(c.state()["status"], "running")


@test
def start_of_a_stopped_one_is_refused(t):
    with t.container(spec("true"), start=True) as c:
        c.wait("stopped")
        t.fails(c.start(), "cannot start a container that has stopped")


@test
def start_of_a_missing_one_is_refused(t):
    t.fails(t.rt("start", t.id()), "does not exist")


@test
def start_by_another_directory_and_later(t):
    with t.container(spec("sh", "-c", "pwd; sleep 1000")) as c:
        t.eq(c.start(cwd="/").rc, 0)
        t.until(lambda: c.out == "/\n", "output")


@test
def a_used_id_is_refused_and_the_old_one_untouched(t):
    with t.container(spec("sleep", "1000")) as c:
        before = c.state()
        for command in ("create", "run"):
            b = t.bundle(spec("true"))
            b.sealed()
            t.fails(t.rt(command, "--bundle", b.path, c.id), "already exists")
        t.eq(c.state(), before)
        t.eq(c.start().rc, 0)
        t.eq(c.state()["status"], "running")


@test
def an_id_can_be_used_again_after_delete(t):
    c = t.new(spec("sh", "-c", "exit 5"))
    for _ in range(3):
        t.eq(c.run().rc, 5)
    t.eq(c.create().rc, 0)
    t.eq(c.delete("-f").rc, 0)
    t.eq(c.create().rc, 0)
    t.eq(c.delete("-f").rc, 0)


@test
def delete_of_a_running_one_is_refused(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.fails(c.delete(), "is not stopped")
        t.eq(c.state()["status"], "running")


@test
def delete_of_a_created_one_kills_it(t):
    c = t.container(spec("sleep", "1000"))
    t.eq(c.delete().rc, 0)


@test
def delete_of_a_missing_one(t):
    missing = t.id()
    t.fails(t.rt("delete", missing), "does not exist")
    for option in ("--force", "-f", "-force", "--force=true"):
        r = t.rt("delete", option, missing)
        t.eq(r.rc, 0, r)


@test
def delete_force_of_a_running_one(t):
    c = t.container(spec("sleep", "1000"), start=True)
    t.eq(c.delete("--force").rc, 0)


@test
def delete_leaves_the_mount_points_it_made(t):
    config = spec("true")
    config["mounts"].append({"destination": "/made/here", "type": "tmpfs", "source": "tmpfs"})
    b = t.bundle(config)
    t.eq(t.run(b).rc, 0)
    t.ok(os.path.isdir(b.rootfs + "/made/here"), "only what create made on the host's side is removed")


@test
def kill_by_name_and_number(t):
    names = ["TERM", "SIGTERM", "15", None]
    names += ["term", "sigterm", "SigTerm"]
    for name in names:
        with t.container(on_term(), start=True) as c:
            t.until(lambda: c.out == "ready\n", "ready")
            r = c.kill(*([name] if name else []))
            t.eq((r.rc, r.out, r.err), (0, "", ""), name)
            c.wait("stopped")
            t.eq(c.out, "ready\ngot-term\n", name)


@test
def kill_sends_exactly_that_signal(t):
    script = ("for s in HUP INT USR1 USR2 CONT WINCH; do trap \"echo $s\" $s; done; echo ready; "
              "while :; do sleep 0.02; done")
    with t.container(spec("sh", "-c", script), start=True) as c:
        t.until(lambda: c.out == "ready\n", "ready")
        want = "ready\n"
        for name in ("HUP", "INT", "USR1", "USR2", "CONT", "WINCH"):
            t.eq(c.kill(name).rc, 0)
            want += name + "\n"
            t.until(lambda: c.out == want, name)


@test
def kill_with_a_wrong_signal(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.fails(c.kill("FOO"), 'unknown signal', "FOO")
        for bad in ("SIG", "TERMX", "SIGSIG", "1x", "-1", "99999", "4294967305"):
            if bad == "4294967305" and not is_husk():
                continue            # runc 1.1 truncates it to 9
            r = t.rt("kill", c.id, bad)
            t.eq(r.rc, 1, "%s: %s" % (bad, r))
        t.eq(c.state()["status"], "running")


@test
def kill_of_a_created_one(t):
    with t.container(spec("sleep", "1000")) as c:
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")


@test
def kill_of_a_stopped_or_missing_one(t):
    with t.container(spec("true"), start=True) as c:
        c.wait("stopped")
        t.fails(c.kill("TERM"), "container not running")
        t.fails(c.kill("KILL"), "container not running")
    t.fails(t.rt("kill", t.id(), "TERM"), "does not exist")


@test(need=["husk"])             # runc 1.1 wants --all for it
def kill_without_a_pid_namespace_kills_all(t):
    config = without_namespace(spec("sh", "-c", "for i in 1 2 3; do sleep 1000 & done; echo ready; wait"),
                               "pid")
    with t.container(config, start=True) as c:
        t.until(lambda: c.out == "ready\n", "ready")
        t.eq(len(descendants()), 4)
        t.eq(c.kill("KILL").rc, 0)
        t.until(lambda: reap() or not descendants(), "all processes are dead: %s" % descendants())


def freeze(pid, on):
    dirs = cgroup_of(pid)
    if "freezer" in dirs:
        write(dirs["freezer"] + "/freezer.state", "FROZEN" if on else "THAWED")
    else:
        write(dirs[""] + "/cgroup.freeze", "1" if on else "0")


@test
def a_frozen_one_is_paused_and_can_be_deleted(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        freeze(c.pid, True)
        t.until(lambda: c.state()["status"] == "paused", "paused")
        t.fails(c.start(), "cannot start")
        t.fails(c.delete(), "is not stopped")
        t.fails(c.exec("true"), rc=255)
        t.eq(c.delete("--force").rc, 0)


@test
def a_frozen_one_can_be_killed(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        freeze(c.pid, True)
        r = c.kill("KILL")
        t.eq(r.rc, 0, r)
        c.wait("stopped")


@test
def a_dead_init_is_stopped_even_as_a_zombie(t):
    with t.container(spec("true"), start=True) as c:
        pid = c.pid or 0
        c.wait("stopped")           # nobody has reaped it: we are its parent
        t.ok(pid == 0 or " (Z)" in descendants().get(pid, " (Z)"), descendants())
        t.eq(c.delete().rc, 0)
        c.create()


@test
def config_edits_after_create_have_no_effect(t):
    b = t.bundle(spec("sh", "-c", "hostname; sleep 1000"))
    with t.container(b) as c:
        changed = spec("sh", "-c", "echo CHANGED")
        changed["hostname"] = "other"
        write(b.path + "/config.json", json.dumps(changed))
        t.eq(c.start().rc, 0)
        t.until(lambda: c.out, "output")
        t.eq(c.out, "husk\n")
    b.before = None


@test
def the_bundle_may_vanish_after_create(t):
    b = t.bundle(spec("sh", "-c", "echo ok; sleep 1000"))
    with t.container(b) as c:
        os.unlink(b.path + "/config.json")
        t.eq(c.start().rc, 0)
        t.until(lambda: c.out == "ok\n", "output")
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")
    b.before = None


@test
def a_missing_program_fails_create(t):
    for command in ("create", "run"):
        c = t.new(spec("no-such-program"))
        t.fails(getattr(c, command)(), "executable file not found in $PATH")
        c = t.new(spec("/no/such/program"))
        t.fails(getattr(c, command)(), "no such file or directory")


@test
def a_program_that_cannot_be_executed_fails(t):
    for program in ("/etc/passwd", "/etc"):
        t.match(t.fails(t.run(spec(program))).err, "(?i)permission denied|is a directory")


@test
def the_program_is_found_in_the_containers_path(t):
    b = t.bundle(spec("mytool", env=["PATH=/nowhere:/opt/x:/bin"]))
    os.makedirs(b.rootfs + "/opt/x")
    write(b.rootfs + "/opt/x/mytool", "#!/bin/sh\necho mine\n", 0o755)
    r = t.run(b)
    t.eq((r.rc, r.out), (0, "mine\n"), r)


@test
def several_at_once(t):
    all_of_them = [t.container(spec("sh", "-c", "echo %d; sleep 1000" % i)) for i in range(5)]
    listed = t.rt("list", "--format", "json").json()
    t.eq(sorted(s["id"] for s in listed), sorted(c.id for c in all_of_them))
    for c in all_of_them[1:]:
        t.eq(c.start().rc, 0)
    for i, c in enumerate(all_of_them[1:], 1):
        t.until(lambda: c.out == "%d\n" % i, "output of %d" % i)
        t.eq(c.state()["status"], "running")
    t.eq(all_of_them[0].state()["status"], "created")
    for c in all_of_them:
        t.eq(c.delete("--force").rc, 0)


@test
def many_in_parallel(t):
    made = [t.new(spec("sh", "-c", "echo %d" % i)) for i in range(6)]
    for c in made:
        c.bundle.sealed()
    running = [t.popen("run", "--bundle", c.bundle.path, c.id, stdout=subprocess.PIPE) for c in made]
    for i, p in enumerate(running):
        out, _ = p.communicate(timeout=LIMIT)
        t.eq((p.returncode, out), (0, b"%d\n" % i))


@test(need=["husk"])             # runc 1.1 loses this race
def one_id_created_in_parallel_exists_once(t):
    c = t.new(spec("sleep", "1000"))
    c.bundle.sealed()
    running = [t.popen("create", "--bundle", c.bundle.path, c.id, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
               for _ in range(4)]
    t.eq(sorted(p.wait(LIMIT) for p in running), [0, 1, 1, 1])
    with c:
        t.eq(c.state()["status"], "created")


@test
def pid_file(t):
    b = t.bundle(spec("sleep", "1000"))
    os.mkdir(t.path("where"))
    c = t.new(b)
    t.eq(c.create("--pid-file", "pid", cwd=t.path("where")).rc, 0)
    with c:
        text = read(t.path("where/pid"))
        t.eq(text, str(c.pid), "decimal, no newline, relative to the caller's directory")
        t.eq(os.listdir(t.path("where")), ["pid"])
        t.eq(oct(os.stat(t.path("where/pid")).st_mode & 0o777), "0o644")


@test
def pid_file_is_replaced_not_written_through(t):
    os.symlink(t.canary + "/file", t.path("pid"))
    c = t.new(spec("sleep", "1000"))
    t.eq(c.create("--pid-file", t.path("pid")).rc, 0)
    with c:
        t.ok(not os.path.islink(t.path("pid")), "still the symlink")
        t.eq(read(t.path("pid")), str(c.pid))


@test
def a_pid_file_that_cannot_be_written_fails_create(t):
    for command in ("create", "run"):
        t.fails(getattr(t.new(spec("sleep", "1000")), command)("--pid-file", t.path("no/such/dir/pid")))


@test
def preserved_fds(t):
    for count, name in ((1, "one"), (2, "two")):
        write(t.path(name), name)
    config = spec("sh", "-c", "cat <&3; echo; cat <&4; echo; echo $LISTEN_FDS")

    def fds():
        for n, name in ((3, "one"), (4, "two")):
            fd = os.open(t.path(name), os.O_RDONLY)
            os.dup2(fd, n)
            os.set_inheritable(n, True)

    c = t.new(config)
    r = c.run("--preserve-fds", "2", preexec=fds, pass_fds=(3, 4))
    t.eq(r.rc, 0, r)
    t.eq(r.out.splitlines()[:2], ["one", "two"])


@test
def other_fds_are_not_passed(t):
    with open(t.path("secret"), "w+") as f:
        os.set_inheritable(f.fileno(), True)
        r = t.sh("exec ls -l /proc/self/fd", pass_fds=(f.fileno(),))
        t.eq(r.rc, 0, r)
        links = [line.split(" -> ")[1] for line in r.out.splitlines() if " -> " in line]
        t.eq(len([x for x in links if x.endswith("/fd") is False]), 3, r.out)


@test
def a_missing_preserved_fd_is_an_error(t):
    c = t.new(spec("true"))
    r = c.run("--preserve-fds", "7")
    if r.rc == 1 and not is_husk():
        c.delete("--force")         # runc 1.1 leaves its state directory here
    t.eq(r.rc, 1, r)


@test(need=["husk"])
def pidfd_socket(t):
    import socket
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(t.path("pidfd"))
        server.listen(1)
        c = t.new(spec("sleep", "1000"))
        r = c.create("--pidfd-socket", t.path("pidfd"))
        t.eq(r.rc, 0, r)
        with c:
            peer, _ = server.accept()
            data, fds, _, _ = socket.recv_fds(peer, 100, 4)
            t.eq((data, len(fds)), (b"standard", 1))
            t.has(read("/proc/self/fdinfo/%d" % fds[0]), "Pid:\t%d\n" % c.pid)
            os.close(fds[0])
            peer.close()


@test(need=["husk"])
def a_config_without_process_can_never_start(t):
    config = spec()
    del config["process"]
    c = t.new(config)
    r = c.create()
    if r.rc == 0:
        with c:
            t.fails(c.start(), "process")
    else:
        t.fails(r, "/process")


@test
def no_namespaces_at_all(t):
    config = spec("sh", "-c", "echo $$; hostname")
    del config["hostname"]
    config["linux"] = {"namespaces": [{"type": "mount"}]}
    config["mounts"] = [m for m in config["mounts"] if m["destination"] in ("/proc", "/dev")]
    r = t.run(config)
    t.eq(r.rc, 0, r)
    t.eq(r.out.split()[1], os.uname().nodename)
    t.ok(int(r.out.split()[0]) > 1, r.out)


@test
def the_default_spec_bundle_runs(t):
    os.mkdir(t.path("made"))
    t.eq(t.rt("spec", "--bundle", t.path("made")).rc, 0)
    config = json.loads(read(t.path("made/config.json")))
    config["process"]["terminal"] = False
    script = "id -u; hostname; echo $$; touch /x 2>/dev/null || echo read-only"
    config["process"]["args"] = ["sh", "-c", script]
    r = t.run(config)
    t.eq(r.rc, 0, r)
    t.eq(r.out.split(), ["0", config["hostname"], "1", "read-only"])


main(VIEWS)
