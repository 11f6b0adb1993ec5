#!/usr/bin/python3
"""recovery.py - commands killed at any moment, and several commands at once on one id: `delete --force` always cleans up."""
import os
import random
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

ROUNDS = 25
CALM = 0.03             # seconds that a create takes here, about


def killed(t, seed, *args, **keywords):
    """Start a command, kill it after a random part of its time; its result."""
    p = t.popen(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)
    time.sleep(random.Random(seed).uniform(0, CALM))
    p.kill()
    return p.wait()


def gone(t, c):
    r = c.delete("--force")
    t.eq(r.rc, 0, r)
    t.fails(t.rt("state", c.id), "does not exist")
    t.until(lambda: reap() or not descendants(), "no process is left: %s" % descendants())
    t.ok(not any(c.id in d for d in cgroup_dirs()), "a cgroup is left")


@test(need=["husk"])
def a_killed_create(t):
    b = t.bundle(spec("sleep", "1000"))
    b.sealed()
    for seed in range(ROUNDS):
        c = t.new(b)
        killed(t, seed, "create", "--bundle", b.path, c.id)
        gone(t, c)


@test(need=["husk"])
def a_killed_create_without_a_pid_namespace(t):
    b = t.bundle(without_namespace(spec("sleep", "1000"), "pid"))
    b.sealed()
    for seed in range(ROUNDS):
        c = t.new(b)
        killed(t, seed, "run", "--detach", "--bundle", b.path, c.id)
        gone(t, c)


@test(need=["husk"])
def a_killed_start(t):
    b = t.bundle(spec("sleep", "1000"))
    for seed in range(ROUNDS // 2):
        c = t.container(b)
        killed(t, seed, "start", c.id)
        t.ok(c.state()["status"] in ("created", "running", "stopped"))
        gone(t, c)


@test(need=["husk"])
def a_killed_delete(t):
    b = t.bundle(spec("sleep", "1000"))
    for seed in range(ROUNDS // 2):
        c = t.container(b, start=True)
        killed(t, seed, "delete", "--force", c.id)
        gone(t, c)


@test(need=["husk"])
def a_killed_exec(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        for seed in range(ROUNDS // 2):
            killed(t, seed, "exec", c.id, "sleep", "1000")
        t.eq(c.exec("echo", "well").out, "well\n")
        for pid in descendants():       # ours now; a pid namespace ends when all its processes were reaped
            if pid != c.pid:
                os.kill(pid, signal.SIGKILL)
        t.until(lambda: reap() or list(descendants()) == [c.pid], "only init is left")


@test(need=["husk"])
def start_kill_and_delete_at_once(t):
    b = t.bundle(spec("sleep", "1000"))
    for _ in range(8):
        c = t.container(b)
        running = [t.popen(*args, c.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for args in (["start"], ["kill"], ["delete", "--force"], ["delete", "--force"], ["state"], ["pause"])]
        for p in running:
            p.wait(LIMIT)
        gone(t, c)


@test(need=["husk"])
def what_is_not_a_state_directory_is_not_removed(t):
    """Only files that husk writes are deleted: a foreign file keeps the directory, a symlink is not followed."""
    with t.container(spec("true"), start=True) as c:
        c.wait("stopped")
        directory = os.path.join(t.rt.root, c.id)
        os.unlink(directory + "/plan")
        os.symlink(t.canary + "/file", directory + "/plan")
        write(directory + "/foreign", "mine")
        r = c.delete()
        t.eq(r.rc, 1, r)
        t.ok(os.path.exists(t.canary + "/file") and os.path.exists(directory + "/foreign"))
        shutil.rmtree(directory)


main(VIEWS)
