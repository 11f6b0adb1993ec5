#!/usr/bin/python3
"""harness_itself.py - the leak check finds and removes each kind of leak: else no other test proves much."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import harness
from harness import *


def caught(t, leak, word):
    """A test that only leaks must fail with that word, and the next one must start clean."""
    result, detail = harness.run_one("leaks", leak, ())
    t.eq(result, "fail", detail)
    t.has(detail, word)
    result, detail = harness.run_one("clean", lambda inner: None, ())
    t.eq((result, detail), ("ok", ""))


def orphan(command):
    """Leave a process that is no child of ours: its parent ends at once."""
    subprocess.run(["sh", "-c", "(setsid %s >/dev/null 2>&1 &)" % command], check=True)


@test
def a_process(t):
    caught(t, lambda inner: orphan("sleep 1000"), "sleep")


@test
def a_process_in_a_frozen_cgroup(t):
    """It cannot die before it is thawed."""
    def leak(inner):
        point = v1_controllers().get("freezer") or v2_mount()
        directory = "%s/%sfrozen" % (point, PREFIX)
        os.mkdir(directory)
        orphan("sleep 1000")
        for pid in descendants():
            write(directory + "/cgroup.procs", str(pid))
        if os.path.exists(directory + "/freezer.state"):
            write(directory + "/freezer.state", "FROZEN")
        else:
            write(directory + "/cgroup.freeze", "1")
    caught(t, leak, "sleep")


@test
def a_cgroup(t):
    point = v1_controllers().get("pids") or v2_mount()
    caught(t, lambda inner: os.makedirs("%s/%sleft/inner" % (point, PREFIX)), "cgroup " + point)


@test
def a_mount(t):
    caught(t, lambda inner: mount("tmpfs", inner.canary + "/dir", "tmpfs"), "mount ")


@test
def a_state_directory(t):
    caught(t, lambda inner: os.makedirs(inner.rt.root + "/abc"), "state root/abc")


@test
def a_changed_canary(t):
    caught(t, lambda inner: write(inner.canary + "/file", "changed"), "canary ~file")
    caught(t, lambda inner: write(inner.canary + "/dir/new", ""), "canary +dir/new")
    caught(t, lambda inner: os.chmod(inner.canary + "/dir", 0o700), "canary ~dir")


@test
def a_file_in_the_rootfs(t):
    def leak(name, text):
        def run(inner):
            b = inner.bundle()
            b.sealed()
            write(b.path + "/" + name, text)
        return run
    caught(t, leak("rootfs/etc/new", ""), "+rootfs/etc/new")
    caught(t, leak("rootfs/etc/passwd", "x"), "~rootfs/etc/passwd")
    caught(t, leak("left", ""), "+left")


@test
def a_damaged_null_device(t):
    caught(t, lambda inner: os.chmod("/dev/null", 0o755), "/dev/null was changed")

    def replace(inner):
        os.unlink("/dev/null")
        write("/dev/null", "a file")
    caught(t, replace, "/dev/null was changed")


@test
def a_mount_point_that_a_runtime_may_make_is_no_leak(t):
    def make(inner):
        config = spec()
        config["mounts"].append({"destination": "/a/b", "type": "tmpfs"})
        b = inner.bundle(config)
        b.sealed()
        os.makedirs(b.rootfs + "/a/b")
    t.eq(harness.run_one("stub", make, ()), ("ok", ""))


main(VIEWS)
