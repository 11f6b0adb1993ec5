#!/usr/bin/python3
"""attacks.py - attacks that a reviewer tried, beyond the known ones of security.py: a container with unusual
capabilities that watches what enters it, hostile state, plans and logs, commands that are killed half-way."""
import os
import socket
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *
from agent import stuck_socket


def with_caps(config, *names):
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind] += list(names)
    return config


@test
def stopping_a_process_that_enters(t):
    """SIGSTOP holds what exec sends in: its descriptors, root and cwd must not lead out."""
    script = """echo ready; while :; do for p in /proc/[0-9]*; do q=${p#/proc/}
        [ $q -gt $$ ] || continue; kill -STOP $q 2>/dev/null || continue
        for f in $p/root $p/cwd $p/fd/*; do
            [ -e $f/../../../../../../../../../..%s/file ] && echo ESCAPED $f; done
        kill -CONT $q; done; done""" % t.canary
    config = with_caps(spec("sh", "-c", script), "CAP_SYS_PTRACE", "CAP_KILL")
    with t.container(config, start=True) as c:
        t.until(lambda: c.out, "ready")
        end, rounds = time.monotonic() + 3, 0
        while time.monotonic() < end:
            c.exec("true")
            rounds += 1
        found = [line for line in c.out.splitlines() if "ESCAPED" in line]
    t.ok(rounds > 3, "only %d rounds" % rounds)
    t.eq(found[:5], [])



@test
def the_state_of_hooks_is_not_the_containers_to_change(t):
    """A startContainer hook, of the image, must not change what poststart, on the host, reads."""
    forge = """exec 3<&0; (for i in $(seq 9); do
        echo FORGED | dd of=/proc/self/fd/3 conv=notrunc; sleep 0.02; done) \\
        >/dev/null 2>&1 </dev/null &"""
    config = spec("sleep", "0.5", user={"uid": 1000, "gid": 1000})
    config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", forge]}],
                       "poststart": [{"path": "/bin/sh",
                                      "args": ["sh", "-c", "sleep 0.1; cat >" + t.path("seen")]}]}
    r = t.run(config)
    t.eq(r.rc, 0, r)
    t.ok("id" in json.loads(read(t.path("seen"))), read(t.path("seen")))


@test(need=["husk"])
def a_start_container_hook_runs_under_the_filter(t):
    """It is a program of the image; runc loads the filter before it, with and without no_new_privs."""
    for nnp in (True, False):
        config = spec("true", noNewPrivileges=nnp)
        config["root"]["readonly"] = False
        config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
        config["hooks"] = {"startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/tmp/made"]}]}
        b = t.bundle(config)
        b.loose = True
        r = t.run(b)
        t.ok(r.rc != 0 and not os.path.exists(b.rootfs + "/tmp/made"), "no_new_privs %s: %s" % (nnp, r))


@test(need=["husk"])
def a_state_directory_that_another_user_prepared(t):
    """Its hooks would run as root, its undo log remove root's files."""
    root = t.path("theirs")
    os.makedirs(root + "/x")
    config = spec("true")
    config["hooks"] = {"poststop": [{"path": "/bin/touch", "args": ["touch", t.path("touched")]}]}
    write(root + "/x/config.json", json.dumps(config))
    write(root + "/x/undo", 'unlink "%s"\n' % write(t.path("victim"), ""))
    write(root + "/x/state.json", json.dumps({
        "ociVersion": "1.2.0", "id": "x", "pid": 0, "status": "created", "bundle": "/", "rootfs": "/",
        "created": "", "startTicks": 0, "pidNamespace": True, "poststop": True, "cgroups": []}))
    for top, dirs, files in os.walk(root):
        for name in [top] + [os.path.join(top, f) for f in files]:
            os.chown(name, 1000, 1000)
    r = t.rt(HUSK, "--root", root, "delete", "x", raw=True)
    t.eq((r.rc, os.path.exists(t.path("touched")), os.path.exists(t.path("victim"))), (1, False, True), r)


@test(need=["husk"])
def a_runtime_on_a_mount_that_becomes_writable(t):
    """CVE-2019-5736 with patience: what was opened on a read-only mount is written after a remount."""
    place = t.path("readonly")
    os.mkdir(place)
    mount("tmpfs", place, "tmpfs", 0, "")
    try:
        shutil.copy2(HUSK, place + "/husk")
        size = os.path.getsize(place + "/husk")
        mount("none", place, "", 0x20 | 0x1000 | 1, "")                 # MS_REMOUNT | MS_BIND | MS_RDONLY
        script = """echo ready; while :; do for p in /proc/[0-9]*; do q=${p#/proc/}
            [ $q -gt $$ ] || continue; kill -STOP $q 2>/dev/null || continue
            case $(readlink $p/exe) in */husk) exec 3<$p/exe; kill -CONT $q; echo open
                while ! (echo x >>/proc/self/fd/3) 2>/dev/null; do sleep 0.05; done; echo written; exit;; esac
            kill -CONT $q; done; done"""
        config = with_caps(spec("sh", "-c", script), "CAP_SYS_PTRACE", "CAP_KILL", "CAP_DAC_OVERRIDE")
        with t.container(config, start=True) as c:
            t.until(lambda: c.out, "ready")
            for _ in range(20):
                t.rt(place + "/husk", "--root", t.rt.root, "exec", c.id, "true", raw=True)
            mount("none", place, "", 0x20 | 0x1000, "")
            time.sleep(0.5)
        t.eq(os.path.getsize(place + "/husk"), size, "the runtime's binary was changed")
    finally:
        umount(place)


# cgroups

@test
def containers_that_share_a_parent_cgroup(t):
    """Deleting the first, which made the parent, must not fail or take long while the second is there. After
    that the parent is nobody's."""
    made = []
    for name in "ab":
        config = spec("sleep", "1000")
        config["linux"]["cgroupsPath"] = "/%spod/%s" % (PREFIX, name)
        made.append(t.container(config))
    begin = time.monotonic()
    try:
        first = t.rt("delete", "--force", made[0].id, timeout=60)
    finally:
        second = t.rt("delete", "--force", made[1].id)
        t.rt("delete", "--force", made[0].id)
        left = cgroup_dirs()
        remove_cgroups(set(left))
    t.ok(all(d.endswith("pod") for d in left), left)
    t.eq((first.rc, second.rc), (0, 0), first)
    t.ok(first.seconds < 3, "%.1f s" % first.seconds)


@test(need=["husk"])
def a_cgroup_with_processes_of_others(t):
    """Its kill, pause and device rules would hit them: refused, as runc does."""
    config = spec("sleep", "1000")
    config["linux"]["cgroupsPath"] = "/%ssame" % PREFIX
    with t.container(config, start=True) as first:
        second = t.new(without_namespace(spec("sleep", "1000"), "pid"))
        second.bundle.config["linux"]["cgroupsPath"] = config["linux"]["cgroupsPath"]
        second.bundle.save()
        r = second.create()
        if r.rc == 0:
            second.kill("KILL")
            second.delete("--force")
        t.eq(first.state()["status"], "running", "another container's kill ended this one")
        t.ok(r.rc != 0, r)


@test
def many_nested_cgroups_made_by_the_container(t):
    """Nesting is free for whoever may write: it must not make a container that nobody can delete."""
    config = spec("sh", "-c", "cd /sys/fs/cgroup; [ -d unified ] && cd unified; i=0; "
                  "while [ $i -lt 80 ] && mkdir d && cd d; do i=$((i+1)); done; echo $i")
    config["linux"]["namespaces"].append({"type": "cgroup"})
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                             "options": ["rw"]})
    c = t.new(config)
    r = c.run("--keep")
    if r.out != "80\n":
        c.delete("--force")
        t.skip("the cgroup mount cannot be written: %s" % r)
    r = c.delete()
    left = [d for d in cgroup_dirs() if c.id in d]
    remove_cgroups(set(left))
    c.delete("--force")
    t.eq(r.rc, 0, r)


# plans

PLAN = """husk-plan 1
action run
id x

%s
%03d child lookup name=true candidates=["/bin/true"]
%03d child fds
%03d both exec argv=["true"]
"""


def apply(t, *lines, prefix=()):
    text = PLAN % ("\n".join("%03d %s" % x for x in enumerate(lines)), *(len(lines) + k for k in range(3)))
    path = write(t.path("hostile.plan"), text)
    return t.rt(*prefix, os.path.join(BUILD, "apply-plan"), path, raw=True)


@test(need=["husk"])
def a_plan_that_joins_the_callers_own_namespace(t):
    """verify promises: a child renames and mounts only in namespaces that are not the caller's."""
    t.need("prog:unshare")
    r = apply(t, "parent open slot=@ns.uts path=/proc/self/ns/uts expect=nsfs", "both spawn",
              "child setns slot=@ns.uts type=uts", "child hostname name=hostile",
              prefix=("unshare", "-u", "sh", "-c", '"$@"; r=$?; hostname; exit $r', "sh"))
    t.ok("hostile" not in r.out.split(), "the host was renamed: %s" % r)


@test(need=["husk"])
def a_plan_without_texts_that_are_needed(t):
    """An error of apply, not the end of the program that embeds it."""
    r = apply(t, "parent memfd slot=@hook-state", "parent fill slot=@hook-state", "both spawn")
    t.ok(r.rc >= 0 and r.rc != 139, "fill: %s" % r)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(t.path("sock"))
        server.listen(1)
        r = apply(t, "parent socket slot=@pidfd-socket path=" + t.path("sock"), "both spawn",
                  "parent send socket=@pidfd-socket slot=@pidfd")
    t.ok(r.rc >= 0 and r.rc != 139, "send: %s" % r)


# several commands at once

@test
def delete_while_create_is_at_work(t):
    """A delete that found no state yet must not take the finished container's cgroups and directory away."""
    end, i = time.monotonic() + 6, 0
    while time.monotonic() < end:
        i += 1
        c = t.new(spec("sleep", "1000"))
        c.bundle.sealed()
        commands = [t.popen("create", "--bundle", c.bundle.path, c.id, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)]
        for _ in range(4):
            commands.append(t.popen("delete", c.id, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(0.0005 * (i % 4))
        try:
            for p in commands:
                p.wait(5)
        except subprocess.TimeoutExpired:
            for p in commands:
                p.kill()
                p.wait()
            raise Fail("round %d: delete waits for the cgroups of a living container" % i)
        finally:
            c.delete("--force")
            shutil.rmtree(c.bundle.path)
            t.bundles.remove(c.bundle)


@test(need=["husk"])
def a_create_that_hangs_does_not_kill_whom_its_cgroup_belongs_to(t):
    """It waits for an agent that takes no connection, before it looked who is at its cgroupsPath."""
    path = "/ht%d-victim" % os.getpid()
    victim, hanging = spec("sleep", "100"), without_namespace(spec("true"), "pid")
    victim["linux"]["cgroupsPath"] = hanging["linux"]["cgroupsPath"] = path
    hanging["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": t.path("agent"),
                                   "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
    with stuck_socket(t.path("agent")), t.container(victim, start=True) as c:
        for command in (("kill", "--all"), ("delete", "--force")):
            h = t.new(hanging)
            p = t.rt.popen("create", "--bundle", h.bundle.path, h.id)
            t.until(lambda: '"creating"' in t.rt("state", h.id).out, "the create to begin")
            q = t.rt.popen(*command, h.id)
            t.until(lambda: command[0] == "delete" or q.poll() is not None, "kill to be through")
            time.sleep(0.3)                     # so long delete may do harm; then it waits for the lock
            t.eq(c.state()["status"], "running", command[0])
            p.kill()
            p.wait()
            t.eq(q.wait(10), 0, command[0])
            t.eq(h.delete("--force").rc, 0)
            t.eq(c.state()["status"], "running", command[0])


main()
