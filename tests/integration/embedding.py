#!/usr/bin/python3
"""embedding.py - the small programs of examples/: they are documentation, so what they say must be true."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *


def program(t, name):
    path = os.path.join(os.environ.get("BUILD") or os.path.dirname(HUSK), name)
    if not os.access(path, os.X_OK):
        t.skip("%s is not built" % name)
    return path


def left(pattern):
    return cgroup_dirs(pattern) + [n for n in os.listdir("/tmp") if n.startswith("tiny-undo-")]


@test(need=["husk", "cgroup:memory", "cgroup:pids"])
def tiny_is_a_sandbox(t):
    tiny, b = program(t, "tiny"), t.bundle()
    script = "id -u; hostname; echo $$; grep CapBnd /proc/self/status; touch /x 2>/dev/null || echo read-only; cat /sys/x; exit 7"
    r = t.rt(tiny, b.rootfs, "sh", "-c", script, raw=True)
    t.eq(r.rc, 7, r)
    t.eq(r.out.split(), ["0", "tiny", "1", "CapBnd:", "0" * 16, "read-only"], r)
    t.eq(left("*tiny-*"), [])


@test(need=["husk", "cgroup:memory", "cgroup:pids"])
def its_limits_are_in_force(t):
    tiny, b = program(t, "tiny"), t.bundle()
    r = t.rt(tiny, b.rootfs, "sh", "-c", "for i in $(seq 40); do sleep 1 & done; wait", raw=True)
    t.has(r.err, "can't fork")
    r = t.rt(tiny, b.rootfs, "sh", "-c", "head -c 200000000 /dev/zero | tail -n 1 >/dev/null", raw=True)
    t.ok(r.rc != 0 or "Killed" in r.err, r)
    t.eq(left("*tiny-*"), [])


@test(need=["husk", "cgroup:memory", "cgroup:pids"])
def its_failures_leave_nothing(t):
    tiny, b = program(t, "tiny"), t.bundle()
    r = t.rt(tiny, b.rootfs, "no-such-program", raw=True)
    t.eq(r.rc, 125, r)
    t.has(r.err, "executable file not found")
    t.eq(t.rt(tiny, "/no/such/dir", "true", raw=True).rc, 125)
    t.eq(left("*tiny-*"), [])


@test(need=["husk"])
def a_saved_plan_can_be_applied(t):
    apply_plan, b = program(t, "apply-plan"), t.bundle(spec("sh", "-c", "hostname; exit 5"))
    name = t.id()
    r = t.rt("plan", "--bundle", b.path, name)
    t.eq(r.rc, 0, r)
    os.unlink(b.path + "/config.json")
    r = t.rt(apply_plan, write(t.path("saved.plan"), r.out), raw=True)
    t.eq((r.rc, r.out), (5, "husk\n"), r)
    t.eq(left("*%s*" % name), [])


@test(need=["husk"])
def a_damaged_plan_is_refused(t):
    apply_plan = program(t, "apply-plan")
    for text in ("", "x", "husk-plan 1\n", "husk-plan 99\n"):
        t.eq(t.rt(apply_plan, write(t.path("saved.plan"), text), raw=True).rc, 125)


main(VIEWS)
