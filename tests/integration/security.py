#!/usr/bin/python3
"""security.py - known attacks on container runtimes, replayed. A host canary is compared after every test."""
import hashlib
import os
import socket
import sys
import threading
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

RACE_SECONDS = 3.0


def refused_or_inside(t, r, what):
    """Either an error, or the runtime stayed inside; the canary check decides. Anything else is odd."""
    t.ok(r.rc in (0, 1, 255), "%s: %s" % (what, r))


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def with_caps(config, *names):
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind] += list(names)
    return config


# descriptors, working directory, the host's binary

@test
def only_three_descriptors_reach_the_program(t):
    files = [open(write(t.path("secret%d" % i), "secret"), "rb") for i in range(3)]
    for f in files:
        os.set_inheritable(f.fileno(), True)
    fds = [f.fileno() for f in files]
    script = "ls /proc/self/fd | tr '\\n' ' '"
    t.eq(t.sh(script, pass_fds=fds).out.split(), ["0", "1", "2", "3"], "3 is ls itself")
    with t.container(spec("sleep", "1000"), start=True, pass_fds=fds) as c:
        t.eq(c.exec("sh", "-c", script, pass_fds=fds).out.split(), ["0", "1", "2", "3"])
        t.eq(sorted(os.listdir("/proc/%d/fd" % c.pid)), ["0", "1", "2"])


@test
def a_working_directory_through_a_descriptor(t):
    """CVE-2024-21626: a leaked fd of a host directory as cwd. Refused, or it is the container's own root."""
    last = 31 if is_husk() else 12
    where = ["sh", "-c", "pwd; stat -c %i ."]
    with t.container(spec("sleep", "1000"), start=True) as c:
        inside = "/\n%d\n" % os.stat(c.bundle.rootfs).st_ino
        for n in range(3, last):
            for tail in ("", "/", "/..", "/../../..") if n < 10 else ("",):
                path = "/proc/self/fd/%d%s" % (n, tail)
                r = c.exec(*where, options=["--cwd", path])
                t.ok(r.rc == 255 or r.out == inside, "exec --cwd %s: %s" % (path, r))
            if n % 3 == 0:
                r = t.run(spec(*where, cwd="/proc/self/fd/%d" % n))
                t.eq(r.rc, 1, "fd %d: %s" % (n, r))


@test
def a_working_directory_through_a_symlink_of_the_image(t):
    b = t.bundle(spec("pwd", cwd="/link"))
    for n in range(3, 12):
        link = b.rootfs + "/link"
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink("/proc/self/fd/%d" % n, link)
        b.save()
        r = t.run(b)
        t.eq(r.rc, 1, "link to fd %d: %s" % (n, r))


@test
def the_runtimes_own_binary_as_the_program(t):
    """CVE-2019-5736."""
    before, times = digest(HUSK), os.stat(HUSK).st_mtime_ns
    b = t.bundle(spec("/proc/self/exe", "--version"))
    os.symlink("/proc/self/exe", b.rootfs + "/bin/entry")
    write(b.rootfs + "/bin/script", "#!/proc/self/exe\n", 0o755)
    b.save()
    for program in ("/proc/self/exe", "/bin/entry", "/bin/script"):
        b.config["process"]["args"] = [program, "list"]
        b.save()
        t.run(b)
    t.eq((digest(HUSK), os.stat(HUSK).st_mtime_ns), (before, times), "the runtime's binary was changed")


@test
def overwriting_the_binary_while_it_enters(t):
    """The container tries to write to the exe of every process it sees, while exec is called all the time."""
    before, times = digest(HUSK), os.stat(HUSK).st_mtime_ns
    script = """echo ready; while :; do for p in /proc/[0-9]*; do
        case $(readlink $p/exe 2>/dev/null) in ""|/bin/busybox) ;;
        *) (echo x >>$p/exe) 2>/dev/null && echo WROTE $p
        ;; esac; done; done"""
    config = with_caps(spec("sh", "-c", script), "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
    with t.container(config, start=True) as c:
        t.until(lambda: c.out, "ready")
        end, rounds = time.monotonic() + RACE_SECONDS, 0
        while time.monotonic() < end:
            c.exec("/proc/self/exe", "list")
            c.exec("true")
            rounds += 1
        t.ok(rounds > 3, "only %d rounds" % rounds)
        wrote = [line for line in c.out.splitlines() if "WROTE" in line]
    t.eq((digest(HUSK), os.stat(HUSK).st_mtime_ns), (before, times), "the runtime's binary was changed")
    if is_husk():
        t.eq(wrote, [])


@test
def looking_into_processes_that_enter(t):
    """CVE-2016-9962: descriptors, root and cwd of a process that joins must not lead outside."""
    script = """echo ready; while :; do for p in /proc/[0-9]*; do
        readlink $p/cwd $p/root $p/fd/* 2>/dev/null; done; done"""
    config = with_caps(spec("sh", "-c", script), "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
    with t.container(config, start=True) as c:
        t.until(lambda: c.out, "ready")
        end = time.monotonic() + RACE_SECONDS
        while time.monotonic() < end:
            c.exec("true")
        seen = set(c.out.splitlines())
    own = c.bundle.rootfs
    outside = [x for x in seen if x.startswith((t.dir, "/sys", "/run", os.path.dirname(HUSK)))
               and not x.startswith(own)
               and not x.startswith(t.path("call"))]       # the captured stdout itself
    t.eq(outside, [])


@test
def the_waiting_init_cannot_be_inspected(t):
    config = spec("sleep", "1000", user={"uid": 1000, "gid": 1000})
    with t.container(config) as c:
        t.eq(os.stat("/proc/%d/fd" % c.pid).st_uid, 0, "not dumpable: its /proc files belong to root")


@test
def no_abstract_sockets(t):
    def abstract():
        return {line.split()[-1] for line in read("/proc/net/unix").splitlines()
                if line.split()[-1].startswith("@")}
    before = abstract()
    with t.container(spec("sleep", "1000"), start=True):
        t.eq(abstract() - before, set())


# paths in the rootfs

def replace_by_link(b, place, target):
    path = b.rootfs + place
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)
    b.loose = True          # what is made inside the rootfs is its own business


@test
def symlinks_at_mount_destinations(t):
    for place in ("/dev", "/mnt", "/etc/resolv.conf", "/data/deep"):
        for target in (t.canary, "/../../../../.." + t.canary, "../../../../../../../.." + t.canary,
                       t.canary + "/none",
                       t.canary + "/file"):
            config = spec("true")
            config["mounts"].append({"destination": place + "/sub", "type": "tmpfs", "source": "x"})
            config["mounts"].append({"destination": place, "type": "bind",
                                    "source": t.path("empty"), "options": ["bind"]})
            write(t.path("empty"), "")
            b = t.bundle(config)
            replace_by_link(b, place, target)
            b.save()
            refused_or_inside(t, t.run(b), "%s -> %s" % (place, target))
            t.eq(tree_difference(t.canary_before, tree(t.canary)), [], "%s -> %s" % (place, target))
            shutil.rmtree(b.path)


@test
def proc_or_sys_as_a_symlink(t):
    for place in ("/proc", "/sys"):
        b = t.bundle(spec("true"))
        os.mkdir(b.rootfs + "/x")
        replace_by_link(b, place, "/x")
        b.save()
        t.fails(t.run(b), *([place] if is_husk() else []))


@test
def a_symlink_with_a_trailing_slash(t):
    for place in ("/link/", "/link//", "/link/."):
        config = spec("true")
        config["mounts"].append({"destination": place, "type": "tmpfs", "source": "x"})
        b = t.bundle(config)
        replace_by_link(b, "/link", "../../../../../../.." + t.canary)
        b.save()
        refused_or_inside(t, t.run(b), place)


@test
def dev_as_a_symlink(t):
    """CVE-2026-41579: the default nodes and links must not be made, or removed, outside."""
    for devices in ([], [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}],
                    [{"path": "/dev/../x", "type": "c", "major": 1, "minor": 3}],
                    [{"path": "/dev/file", "type": "p"}]):
        for target in (t.canary, "../../../../../../../.." + t.canary):
            config = spec("true")
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
            config["root"]["readonly"] = False
            config["linux"]["devices"] = devices
            b = t.bundle(config)
            replace_by_link(b, "/dev", target)
            b.save()
            refused_or_inside(t, t.run(b), str(devices))
            t.eq(tree_difference(t.canary_before, tree(t.canary)), [])


@test
def dev_entries_as_symlinks(t):
    """Names that the runtime makes in /dev exist as links to the canary."""
    for name in ("ptmx", "fd", "stdin", "null", "tty", "console", "core", "shm", "pts", "mqueue"):
        config = spec("true")
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
        config["root"]["readonly"] = False
        b = t.bundle(config)
        replace_by_link(b, "/dev/" + name, "../../../../../../../../.." + t.canary + "/file")
        b.save()
        refused_or_inside(t, t.run(b), name)
        t.eq(tree_difference(t.canary_before, tree(t.canary)), [], name)


def without_openat2():
    """preexec: a seccomp filter that answers openat2 with ENOSYS, as kernels before 5.6 do."""
    deny_syscalls(437)


@test(need=["husk"])
def the_same_without_openat2(t):
    for place, target in (("/mnt", t.canary), ("/mnt", "../../../../../../../.." + t.canary),
                          ("/dev", t.canary),
                          ("/mnt", t.canary + "/none")):
        config = spec("true")
        config["mounts"].append({"destination": place + "/new", "type": "tmpfs", "source": "x"})
        b = t.bundle(config)
        replace_by_link(b, place, target)
        b.save()
        refused_or_inside(t, t.run(b, preexec=without_openat2), "%s -> %s" % (place, target))
        t.eq(tree_difference(t.canary_before, tree(t.canary)), [])
    r = t.run(spec("echo", "fine"), preexec=without_openat2)
    t.eq((r.rc, r.out), (0, "fine\n"), r)


def exchange(a, b, stop):
    """Swap two names again and again (RENAME_EXCHANGE)."""
    libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    while not stop.is_set():
        libc.renameat2(-100, a.encode(), -100, b.encode(), 2)


def race(t, destination, prepare):
    """Run containers while a name in a shared volume flips between a directory and a link out of the root."""
    volume = t.path("volume")
    os.makedirs(volume + "/a")
    os.symlink("../../../../../../../.." + t.canary, volume + "/x")
    config = spec("true")
    config["mounts"] += [{"destination": "/V", "type": "bind", "source": volume, "options": ["rbind", "rw"]},
                         prepare(destination)]
    b = t.bundle(config)
    b.loose = True
    stop = threading.Event()
    flipper = threading.Thread(target=exchange, args=(volume + "/a", volume + "/x", stop))
    flipper.start()
    rounds = 0
    try:
        end = time.monotonic() + RACE_SECONDS
        while time.monotonic() < end:
            refused_or_inside(t, t.run(b), "round %d" % rounds)
            rounds += 1
            t.eq(tree_difference(t.canary_before, tree(t.canary)), [], "round %d" % rounds)
    finally:
        stop.set()
        flipper.join()
    t.ok(rounds > 5, "only %d rounds" % rounds)


@test
def a_race_at_a_mount_destination(t):
    """CVE-2021-30465, CVE-2024-45310."""
    race(t, "/V/a/new", lambda d: {"destination": d, "type": "tmpfs", "source": "x"})


@test
def a_race_at_a_file_destination(t):
    write(t.path("source"), "from the host")
    race(t, "/V/a/newfile", lambda d: {"destination": d, "type": "bind", "source": t.path("source"),
                                       "options": ["bind"]})


# /proc, masks, /dev/null

@test
def masked_and_read_only_paths(t):
    script = """for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug; do test -e $f || continue
            test "$(stat -c %t:%T $f)" = 1:3 || echo not masked $f
            test -z "$(cat $f 2>/dev/null)" || echo readable $f; done
        for d in /proc/acpi /proc/scsi /sys/firmware; do test -d $d || continue
            test -z "$(ls $d)" || echo not empty $d; touch $d/x 2>/dev/null && echo writable $d; done
        for f in /proc/sys/kernel/domainname /proc/sysrq-trigger /proc/irq/0/smp_affinity /proc/bus/x \
            /proc/fs/x; do
            (echo x >$f) 2>/dev/null && echo wrote $f; done; echo end"""
    r = t.sh(script, with_caps(spec(), "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"))
    t.eq((r.rc, r.out), (0, "end\n"), r)


@test
def a_null_device_that_is_none(t):
    """CVE-2025-31133: masks must never become something else."""
    def link(path):
        os.symlink("/proc/sys/kernel/core_pattern", path)
    before = read("/proc/sys/kernel/core_pattern")
    for what in (link, os.mkfifo, os.mkdir, lambda p: write(p, "x"), lambda p: None,
                 lambda p: os.mknod(p, stat.S_IFCHR | 0o666, os.makedev(1, 5))):
        dev = t.path("dev")
        shutil.rmtree(dev, ignore_errors=True)
        os.makedirs(dev + "/pts")
        os.makedirs(dev + "/shm")
        os.makedirs(dev + "/mqueue")
        what(dev + "/null")
        config = spec("stat", "-c", "%t:%T", "/proc/keys", "/proc/timer_list")
        config["mounts"][1] = {"destination": "/dev", "type": "bind", "source": dev, "options": ["rbind"]}
        r = t.run(config)
        t.ok(r.rc != 0 or r.out.split() == ["1:3", "1:3"], r)
    t.eq(read("/proc/sys/kernel/core_pattern"), before)


@test
def a_console_that_is_a_link(t):
    """CVE-2025-52565: /dev/console in a volume leads to the canary."""
    for target in (t.canary + "/file", "../../../../../../../../.." + t.canary + "/file", t.canary + "/none"):
        dev = t.path("dev")
        shutil.rmtree(dev, ignore_errors=True)
        for d in ("/pts", "/shm", "/mqueue"):
            os.makedirs(dev + d)
        os.symlink(target, dev + "/console")
        os.symlink("pts/ptmx", dev + "/ptmx")
        config = spec("sleep", "1000", terminal=True)
        config["mounts"][1] = {"destination": "/dev", "type": "bind", "source": dev, "options": ["rbind"]}
        path = t.path("sock")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            c = t.new(config)
            c.bundle.loose = True           # the link may be followed inside the rootfs
            if c.create("--console-socket", path).rc == 0:
                with c:
                    t.eq(tree_difference(t.canary_before, tree(t.canary)), [])


@test
def a_false_proc_for_exec(t):
    """The container covers its /proc; exec must not write to what it finds there."""
    names = ["self/attr/exec", "self/attr/apparmor/exec", "self/oom_score_adj", "self/setgroups",
             "self/uid_map",
             "thread-self/attr/exec", "sys/kernel/x", "1/oom_score_adj"]
    script = "mount -t tmpfs x /proc; cd /proc; mkdir -p %s; touch %s; echo ready; sleep 1000" % (
        " ".join(os.path.dirname(n) for n in names), " ".join(names))
    config = with_caps(spec("sh", "-c", script, oomScoreAdj=5), "CAP_SYS_ADMIN")
    with t.container(config, start=True) as c:
        t.until(lambda: c.out == "ready\n", "ready")
        for options in ([], ["-u", "1000"], ["--cap", "CAP_KILL"]):
            r = c.exec("true", options=options)
            t.ok(r.rc in (0, 255), r)
        for name in names:
            t.eq(os.stat("/proc/%d/root/proc/%s" % (c.pid, name)).st_size, 0, name)


@test
def sysctls_of_the_host_are_refused(t):
    config = without_namespace(spec("true"), "network")
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys"]
    ours = read("/proc/sys/net/ipv4/ip_forward").strip()            # harmless, should it be written after all
    config["linux"]["sysctl"] = {"net.ipv4.ip_forward": ours}
    t.fails(t.run(config))
    config["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"})
    t.fails(t.run(config))
    config = without_namespace(spec("true"), "ipc")
    config["linux"]["sysctl"] = {"kernel.msgmax": read("/proc/sys/kernel/msgmax").strip()}
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "mqueue"]
    t.fails(t.run(config))
    config = spec("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax")
    config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"}
    t.eq(t.run(config).out.split(), ["1", "4096"])


# users, groups, capabilities

@test
def groups_are_exactly_those_of_the_config(t):
    def more_groups():
        os.setgroups([1, 2, 3, 4])
    r = t.run(spec("grep", "Groups", "/proc/self/status"), preexec=more_groups)
    t.eq(r.out.split(), ["Groups:"], r)
    user = {"uid": 5, "gid": 6, "additionalGids": [9, 8]}
    r = t.run(spec("grep", "Groups", "/proc/self/status", user=user),
              preexec=more_groups)
    t.eq(r.out.split(), ["Groups:", "8", "9"], r)


@test
def a_number_as_a_user_name(t):
    """CVE-2016-3697: no names are looked up."""
    b = t.bundle(spec("id", "-u", user={"uid": 1000, "gid": 1000}))
    write(b.rootfs + "/etc/passwd", "1000::0:0::/:\n")
    b.save()
    t.eq(t.run(b).out, "1000\n")


@test
def another_user_has_no_capabilities(t):
    r = t.run(spec("grep", "^Cap", "/proc/self/status", user={"uid": 1000, "gid": 1000}))
    got = {line.split()[0]: int(line.split()[1], 16) for line in r.out.splitlines()}
    t.eq((got["CapInh:"], got["CapPrm:"], got["CapEff:"], got["CapAmb:"]), (0, 0, 0, 0))


@test(need=["userns", "devnull"])
def setgroups_is_denied_to_an_unprivileged_map(t):
    t.need("prog:setpriv")
    os.chmod(t.dir, 0o777)
    b = t.bundle(rootless_spec("cat", "/proc/self/setgroups"))
    b.chown(NOBODY, NOBODY)
    b.sealed()
    os.mkdir(t.path("run"))
    os.chown(t.path("run"), NOBODY, NOBODY)
    r = t.rt("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", HUSK,
             "--root", t.path("run/r"), "run",
             "--bundle", b.path, t.id(), raw=True,
             env={"XDG_RUNTIME_DIR": t.path("run"), "HOME": t.path("run")})
    t.eq((r.rc, r.out), (0, "deny\n"), r)


@test(need=["husk"])
def a_set_uid_runtime_refuses_to_work(t):
    t.need("prog:setpriv")
    shutil.copyfile(HUSK, t.path("suid"))
    os.chmod(t.path("suid"), 0o4755)
    r = t.rt("setpriv", "--reuid", 1000, "--regid", 1000, "--clear-groups", t.path("suid"),
             "--root", t.rt.root, "list",
             raw=True)
    t.ok(r.rc != 0, r)


# cgroups

@test
def a_cgroup_path_cannot_leave_the_tree(t):
    for path in ("../../%sout" % PREFIX, "/a/../../%sout" % PREFIX, "/../%sout" % PREFIX):
        config = spec("sleep", "1000")
        config["linux"]["cgroupsPath"] = path
        c = t.new(config)
        r = c.create()
        if r.rc == 0:
            with c:
                t.ok(".." not in read("/proc/%d/cgroup" % c.pid))
                t.ok(read("/proc/%d/cgroup" % c.pid) != read("/proc/self/cgroup"),
                     "in the caller's own cgroup")
        else:
            t.eq(r.rc, 1, r)


@test(need=["husk"])
def the_root_cgroup_is_refused(t):
    """Asked of `plan` only: a runtime that took it would put its device rules on the whole host."""
    for path in ("/", "..", "/..", "/a/..", "."):
        config = spec("true")
        config["linux"]["cgroupsPath"] = path
        b = t.bundle(config)
        b.sealed()
        t.fails(t.rt("plan", "--bundle", b.path), "/linux/cgroupsPath")


@test(need=["husk"])
def an_exec_cgroup_cannot_leave_the_container(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        for path in ("..", "../..", "/..", "x/../..", "no-such"):
            r = c.exec("true", options=["--cgroup", path])
            t.ok(r.rc != 0, "%s: %s" % (path, r))


@test
def a_cgroup_of_the_image_is_not_mounted(t):
    r = t.sh("mkdir /tmp/c && mount -t cgroup -o memory x /tmp/c && echo mounted; echo end",
             json.loads(json.dumps(spec())))
    t.has(r.out, "end")
    t.ok("mounted" not in r.out, r)


# memory of the runtime

@test
def a_slow_reader_does_not_fill_the_runtime(t):
    for command in ("run", "exec"):
        with t.container(spec("sleep", "1000"), start=True) as other:
            if command == "run":
                c = t.new(spec("yes"))
                c.bundle.sealed()
                p = t.popen("run", "--bundle", c.bundle.path, c.id, stdout=subprocess.PIPE)
            else:
                c = other
                p = t.popen("exec", c.id, "yes", stdout=subprocess.PIPE)
            p.stdout.read(100)
            time.sleep(0.7)
            rss = int(re.search(r"VmRSS:\s+(\d+)", read("/proc/%d/status" % p.pid)).group(1))
            t.ok(rss < 40000, "%s has %d KiB" % (command, rss))
            t.eq(t.rt("kill", c.id, "KILL").rc, 0)
            p.stdout.close()
            p.wait(LIMIT)


@test
def the_hidden_command_fails_by_hand(t):
    r = t.rt(HUSK, "init", raw=True)
    t.ok(r.rc != 0, r)


main(VIEWS)
