#!/usr/bin/python3
"""robust.py - odd callers and bad moments: closed descriptors, odd signals and paths, kill -9, races."""
import os
import random
import resource
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

SECONDS = 2.0           # for each of the tests that repeat something


# what the caller leaves to the runtime

@test
def closed_standard_descriptors(t):
    """A runtime that opens its files as 0, 1 or 2 mixes them up with the program's streams."""
    script = "exec 9>/out; for i in 0 1 2; do echo $i $(readlink /proc/$$/fd/$i) >&9; done"
    for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
        def close():
            for fd in closed:
                os.close(fd)
        out = write(t.path("out"), "", 0o666)
        config = spec("sh", "-c", script)
        config["mounts"].append({"destination": "/out", "type": "bind", "source": out, "options": ["bind"]})
        r = t.run(config, preexec=close)
        if r.rc and not is_husk():
            continue
        t.eq(r.rc, 0, "%s: %s" % (closed, r))
        links = [line.partition(" ")[2] for line in read(out).splitlines()]
        t.eq(len(links), 3)
        for link in links:
            ours = link.startswith("pipe:") or os.path.basename(link).startswith("call")
            t.ok(link in ("", "/dev/null") or ours,
                 "%s closed: a stream is %s" % (closed, link))


@test
def signals_that_the_caller_blocks_or_ignores(t):
    def odd():
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        for s in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(s, signal.SIG_IGN)
    for _ in range(3):
        r = t.run(spec("sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; exit 7"), preexec=odd)
        t.eq(r.rc, 7, r)
        if is_husk():
            values = {line.split()[0]: int(line.split()[1], 16) for line in r.out.splitlines()}
            t.eq(values["SigBlk:"] & 0x7fffffff, 0, "the program starts with no signal blocked: %s" % r)
    c = t.new(spec("sleep", "1000"))
    t.eq(c.create(preexec=odd).rc, 0)
    with c:
        t.eq(c.start(preexec=odd).rc, 0)
        t.eq(c.exec("sh", "-c", "exit 3", preexec=odd).rc, 3)


@test
def umasks(t):
    for mask in (0, 0o077, 0o777):
        def odd():
            os.umask(mask)
        c = t.new(spec("sh", "-c", "ls -ld /dev/null /dev/shm | cut -c1-10; sleep 1000"))
        r = c.create("--pid-file", t.path("pid"), preexec=odd)
        t.eq(r.rc, 0, r)
        with c:
            t.eq(c.start(preexec=odd).rc, 0)
            t.until(lambda: c.out.count("\n") == 2, "output")
            t.eq(c.out.split(), ["crw-rw-rw-", "drwxrwxrwt"], oct(mask))
            t.eq(oct(os.stat(t.rt.root + "/" + c.id).st_mode & 0o7777), "0o711" if is_husk() else oct(
                os.stat(t.rt.root + "/" + c.id).st_mode & 0o7777))
            t.eq(read(t.path("pid")), str(c.pid))


@test
def a_directory_that_is_gone(t):
    os.mkdir(t.path("gone"))

    def odd():
        os.chdir(t.path("gone"))
        os.rmdir(t.path("gone"))
    c = t.new(spec("true"))
    r = c.run(preexec=odd)
    t.eq(r.rc, 0, r)


@test
def few_descriptors(t):
    """Too few: one clear line and nothing left. Enough: it works."""
    for limit in (3, 4, 6, 8, 12, 20, 64):
        def odd():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        config = spec("echo", "ok", rlimits=[])
        r = t.run(config, preexec=odd)
        if is_husk():
            t.ok((r.rc, r.out) == (0, "ok\n") or r.rc in (1, 127) and len(r.err.splitlines()) <= 1,
                 "%d: %s" % (limit, r))
    t.eq(r.out, "ok\n", "64 are enough")


@test(need=["husk"])
def no_room_for_files(t):
    def odd():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    r = t.run(spec("true"), preexec=odd)
    t.eq(r.rc, 1, r)
    t.eq(t.rt("list", "-q").out, "")


@test
def a_state_root_that_cannot_be_used(t):
    write(t.path("file"), "")
    b = t.bundle(spec("true"))
    b.sealed()
    for root in (t.path("file"), t.path("file") + "/x", "/proc/nothing", "/sys/x"):
        r = t.rt(HUSK, "--root", root, "run", "--bundle", b.path, t.id(), raw=True)
        t.eq(r.rc, 1, "%s: %s" % (root, r))
        if is_husk():
            t.eq(len(r.err.splitlines()), 1, r)


@test
def odd_paths(t):
    for name in ("with space", "with'quote\"s", "new\nline", "\u00fcml\u00e4ut", "back\\slash", "-dash",
                 "x" * 200):
        b = t.bundle(spec("sh", "-c", "echo ok"))
        os.rename(b.path, t.path(name))
        b.path = t.path(name)
        b.rootfs = b.path + "/rootfs"
        b.before = None
        b.sealed()
        root = t.path(name + ".root")
        c = Container(t, b, t.id(), Runtime(t.dir, name=name + ".root"))
        r = c.run()
        t.eq((r.rc, r.out), (0, "ok\n"), "%r: %s" % (name, r))
        t.eq(c.create("--pid-file", t.path(name + ".pid")).rc, 0)
        with c:
            t.eq(c.state()["bundle"], b.path)
            t.eq(c.rt("list", "--format", "json").json()[0]["bundle"], b.path)
        t.eq(os.listdir(root), [])


@test
def a_relative_state_root(t):
    b = t.bundle(spec("sleep", "1000"))
    b.sealed()
    name = t.id()
    r = t.rt(HUSK, "--root", "rel/root", "run", "-d", "--bundle", b.path, name, raw=True)
    t.eq(r.rc, 0, r)
    t.eq(os.listdir(t.path("rel/root")), [name])
    t.eq(t.rt(HUSK, "--root", "root", "state", name, raw=True, cwd=t.path("rel")).json()["status"], "running")
    t.eq(t.rt(HUSK, "--root", t.path("rel/root"), "delete", "-f", name, raw=True).rc, 0)
    t.eq(os.listdir(t.path("rel/root")), [])


@test
def large_configs(t):
    config = spec("sh", "-c", "env | wc -c; echo $#", "sh", *["x" * 100] * 1000)
    config["process"]["env"] += ["V%d=%s" % (i, "y" * 1000) for i in range(500)]
    config["annotations"] = {"org.example.k%d" % i: "z" * 1000 for i in range(2000)}
    r = t.run(config)
    t.eq((r.rc, r.out.split()[1]), (0, "1000"), r)
    t.ok(int(r.out.split()[0]) > 500000, r)
    config = spec("sh", "-c", "grep -c ' /m/' /proc/self/mountinfo")
    config["mounts"] += [{"destination": "/m/%d" % i, "type": "tmpfs", "source": "x"} for i in range(300)]
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "300\n"), r)
    r = t.run(spec("true", "x" * 300000))
    t.eq(r.rc, 1, "one argument above the kernel's 128 KiB: %s" % r)


# bad moments

def killed_at_any_time(t, *command):
    """kill -9 the runtime after a random time; delete --force must always clean up all that it did."""
    begin = time.monotonic()
    r = t.run(spec("true"))
    t.eq(r.rc, 0, r)
    whole = max(r.seconds, 0.005)
    b = t.bundle(spec("sleep", "1000"))
    b.loose = True
    random.seed(1)
    rounds = 0
    while time.monotonic() < begin + SECONDS:
        name = t.id()
        p = t.popen(*command, "--bundle", b.path, name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 1.5 * whole))
        p.kill()
        p.wait()
        r = t.rt("delete", "--force", name)
        t.eq(r.rc, 0, "round %d: %s" % (rounds, r))
        t.until(lambda: reap() or not descendants(), "round %d: processes %s" % (rounds, descendants()), 3)
        t.eq(os.listdir(t.rt.root), [], "round %d: state" % rounds)
        t.eq(cgroup_dirs(), [], "round %d" % rounds)
        t.eq(t.rt("list", "-q").out, "")
        rounds += 1
    t.ok(rounds > 5, "%d rounds" % rounds)


@test(need=["husk"])
def the_state_is_written_before_the_program_runs(t):
    """Else a runtime killed in between leaves a running container that state, kill and exec do not know."""
    b = t.bundle(spec("sh", "-c", "echo ready; sleep 1000"))
    b.loose = True
    begin, rounds = time.monotonic(), 0
    while time.monotonic() < begin + SECONDS:
        c = Container(t, b, t.id(), t.rt)
        p = t.popen("run", "--bundle", b.path, c.id, stdout=subprocess.PIPE)
        t.eq(p.stdout.readline(), b"ready\n")
        p.kill()
        p.wait()
        p.stdout.close()
        with c:
            t.eq(c.state()["status"], "running", "round %d: %s" % (rounds, c.state()))
        reap()
        rounds += 1


@test(need=["husk"])
def create_killed_at_any_time(t):
    killed_at_any_time(t, "create")


@test(need=["husk"])
def run_killed_at_any_time(t):
    killed_at_any_time(t, "run")


@test(need=["husk"])
def run_detached_killed_at_any_time(t):
    killed_at_any_time(t, "run", "--detach")


@test(need=["husk"])
def delete_killed_at_any_time(t):
    begin, rounds = time.monotonic(), 0
    random.seed(2)
    while time.monotonic() < begin + SECONDS:
        c = t.container(spec("sleep", "1000"), start=True)
        c.bundle.loose = True
        p = t.popen("delete", "--force", c.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.03))
        p.kill()
        p.wait()
        r = c.delete("--force")
        t.eq(r.rc, 0, r)
        reap()
        t.eq((os.listdir(t.rt.root), cgroup_dirs()), ([], []), "round %d" % rounds)
        shutil.rmtree(c.bundle.path)
        rounds += 1
    t.ok(rounds > 5, "%d rounds" % rounds)


@test(need=["husk"])
def terminated_while_creating(t):
    """SIGTERM and SIGINT: the same, but the runtime may clean up by itself."""
    random.seed(3)
    b = t.bundle(spec("sleep", "1000"))
    b.loose = True
    begin = time.monotonic()
    while time.monotonic() < begin + SECONDS:
        name = t.id()
        p = t.popen("create", "--bundle", b.path, name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.03))
        p.send_signal(random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP]))
        p.wait(LIMIT)
        t.eq(t.rt("delete", "--force", name).rc, 0)
        reap()
        t.eq((os.listdir(t.rt.root), cgroup_dirs()), ([], []))


@test
def state_and_list_while_containers_come_and_go(t):
    """No reader ever sees a half-written state: only a whole one, or none."""
    b = t.bundle(spec("true"))
    b.loose = True
    name = t.id()
    maker = t.popen("sh", "-c", 'while :; do "$@" || exit 1; done', "sh",
                    *t.rt.argv("run", "--bundle", b.path, name), raw=True)
    begin, seen = time.monotonic(), set()
    while time.monotonic() < begin + SECONDS:
        r = t.rt("state", name)
        if r.rc == 0:
            seen.add(r.json()["status"])
        else:
            t.has(r.err, "does not exist")
        r = t.rt("list", "--format", "json")
        t.eq(r.rc, 0, r)
        json.loads(r.out)
        if is_husk():
            t.eq(r.err, "")
    t.ok(maker.poll() is None, "run failed meanwhile: %s" % maker.returncode)
    os.killpg(maker.pid, signal.SIGTERM)
    maker.wait()
    time.sleep(0.1)
    t.until(lambda: t.rt("delete", "--force", name).rc == 0, "deleted")
    t.ok(seen <= {"creating", "created", "running", "stopped"}, seen)


@test(need=["husk"])
def two_at_the_same_container(t):
    """start, kill and delete --force at once, in every order: each ends, and the container is gone."""
    begin = time.monotonic()
    while time.monotonic() < begin + SECONDS:
        c = t.container(spec("sleep", "1000"))
        c.bundle.loose = True
        commands = [["start", c.id], ["kill", c.id, "KILL"], ["exec", c.id, "true"],
                    ["delete", "--force", c.id], ["delete", "--force", c.id]]
        random.shuffle(commands)
        running = [t.popen(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for args in commands]
        for p in running:
            p.wait(LIMIT)
        t.eq(c.delete("--force").rc, 0)
        reap()
        t.eq((os.listdir(t.rt.root), cgroup_dirs()), ([], []))
        shutil.rmtree(c.bundle.path)


@test
def programs_that_end_at_once(t):
    b = t.bundle(spec("true"))
    b.sealed()
    begin = time.monotonic()
    while time.monotonic() < begin + SECONDS / 2:
        name = t.id()
        r = t.rt("run", "-d", "--bundle", b.path, name)
        t.eq((r.rc, r.err), (0, ""))
        t.until(lambda: t.rt("state", name).json()["status"] == "stopped", "stopped")
        r = t.rt("delete", name)
        t.eq((r.rc, r.err), (0, ""))
        reap()


@test(need=["cgroup:memory"])
def a_memory_limit_too_small_to_start(t):
    config = spec("echo", "ran")
    config["linux"]["resources"]["memory"] = {"limit": 8192}
    r = t.run(config)
    t.ok(r.rc != 0 and r.out == "", r)
    if is_husk():
        t.has(r.err, "/linux/resources/memory/limit")
        t.has(r.err, "OOM-killed")


@test(need=["husk", "cgroup:memory"])
def killed_under_a_memory_limit(t):
    """Not by the kernel as far as its counter tells: perhaps for want of memory all the same."""
    config = spec("echo", "ran")
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", (
        "kill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')")]}]}
    r = t.run(config)
    t.ok(r.rc == 1 and "memory" not in r.err, r)
    config["linux"]["resources"]["memory"] = {"limit": 1 << 30}
    r = t.run(config)
    t.eq(r.rc, 1, r)
    t.has(r.err, "/linux/resources/memory/limit: ")
    t.ok("OOM" not in r.err, r)


@test
def a_file_system_that_is_full(t):
    os.mkdir(t.path("full"))
    mount("tmpfs", t.path("full"), "tmpfs", 0, "size=16k")
    write(t.path("full/fill"), b"x" * 4096)
    b = t.bundle(spec("true"))
    b.sealed()
    try:
        write(t.path("full/more"), b"x" * 65536)
    except OSError:
        pass
    r = t.rt(HUSK, "--root", t.path("full/root"), "run", "--bundle", b.path, t.id(), raw=True)
    left = [name for _, dirs, files in os.walk(t.path("full/root")) for name in files]
    umount(t.path("full"))
    t.eq((r.rc, left), (1, []), r)


main(VIEWS)
