#!/usr/bin/python3
"""pause.py - `pause` and `resume`: who stops, what is refused meanwhile, and how it ends."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

COUNT = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


@test
def pause_stops_every_process_and_resume_lets_them_go_on(t):
    with t.container(spec("sh", "-c", "(%s) & wait" % COUNT), start=True) as c:
        t.until(lambda: c.out.count("\n") > 2, "counting")
        r = t.rt("pause", c.id)
        t.eq((r.rc, r.out, r.err), (0, "", ""))
        t.eq(c.state()["status"], "paused")
        before = c.out
        time.sleep(0.2)
        t.eq(c.out, before, "nothing runs")
        r = t.rt("resume", c.id)
        t.eq((r.rc, r.out, r.err), (0, "", ""))
        t.eq(c.state()["status"], "running")
        t.until(lambda: len(c.out) > len(before), "it counts again")


@test
def refused_in_the_wrong_state(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.fails(t.rt("resume", c.id), "container not paused")
        t.eq(t.rt("pause", c.id).rc, 0)
        t.fails(t.rt("pause", c.id))
        t.fails(c.delete(), "is not stopped: paused")
        t.fails(c.start(), "cannot start")
        t.fails(c.exec("true"), "paused", rc=255)
        t.eq(t.rt("resume", c.id).rc, 0)
        t.eq(c.kill("KILL").rc, 0)
        c.wait("stopped")
        for command in ("pause", "resume"):
            t.fails(t.rt(command, c.id), "container not")
    for command in ("pause", "resume"):
        t.fails(t.rt(command, t.id()), "does not exist")


@test
def a_paused_one_gets_its_signals_on_resume(t):
    with t.container(spec("sh", "-c", "trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.01; done"), start=True) as c:
        t.until(lambda: c.out == "up\n", "up")
        t.eq(t.rt("pause", c.id).rc, 0)
        t.eq(c.kill("TERM").rc, 0)
        time.sleep(0.1)
        t.eq((c.state()["status"], c.out), ("paused", "up\n"))
        t.eq(t.rt("resume", c.id).rc, 0)
        c.wait("stopped")
        t.eq(c.out, "up\nterm\n")


@test
def a_paused_one_can_be_killed_and_deleted(t):
    for command in (["kill", "KILL"], ["delete", "--force"]):
        with t.container(spec("sleep", "1000"), start=True) as c:
            t.eq(t.rt("pause", c.id).rc, 0)
            r = t.rt("kill", c.id, "KILL") if command[0] == "kill" else c.delete("--force")
            t.eq(r.rc, 0, r)
            if command[0] == "kill":
                c.wait("stopped")


@test(need=["husk"])
def exec_can_wait_for_resume(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.eq(t.rt("pause", c.id).rc, 0)
        p = t.popen("exec", "--ignore-paused", c.id, "echo", "late", stdout=subprocess.PIPE)
        time.sleep(0.2)
        t.eq(p.poll(), None, "it waits")
        t.eq(t.rt("resume", c.id).rc, 0)
        t.eq((p.stdout.read(), p.wait(LIMIT)), (b"late\n", 0))


def write_file(directory, name, text):
    with open(os.path.join(directory, name), "w") as f:
        f.write(text)


@test(need=["v1:freezer"])
def deleted_though_frozen_by_others(t):
    """Somebody moved init to a freezer of his own, where no signal ends it."""
    other = os.path.join(v1_controllers()["freezer"], t.id())
    c = t.container(spec("sleep", "1000"), start=True)
    os.mkdir(other)
    try:
        write_file(other, "tasks", str(c.pid))
        write_file(other, "freezer.state", "FROZEN")
        t.eq(c.delete("--force").rc, 0)
    finally:
        write_file(other, "freezer.state", "THAWED")
        os.rmdir(other)


@test
def a_created_one_can_be_paused(t):
    with t.container(spec("sh", "-c", "echo up; sleep 1000")) as c:
        t.eq(t.rt("pause", c.id).rc, 0)
        t.eq(c.state()["status"], "paused")
        t.eq(t.rt("resume", c.id).rc, 0)
        t.eq(c.state()["status"], "created")
        t.eq(c.start().rc, 0)
        t.until(lambda: c.out == "up\n", "up")


main(VIEWS)
