#!/usr/bin/python3
"""rootless.py - the runtime as an ordinary user: with a map of the user's own id alone, and with subordinate ids."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

UID, GID = 23456, 23457
NEED = ["userns", "devnull", "prog:setpriv"]


class User:
    """Runs the runtime as UID in a home of its own; the state root is the runtime's default for that user."""

    def __init__(self, t, *options):
        """options: of setpriv; by default nothing can be gained."""
        self.t, self.home = t, t.path("home")
        for d in (self.home, self.home + "/run"):
            os.mkdir(d, 0o700)
            os.chown(d, UID, GID)
        self.env = {"HOME": self.home, "XDG_RUNTIME_DIR": self.home + "/run", "USER": "someone",
                    "LOGNAME": "someone"}
        self.prefix = ["setpriv", "--reuid", UID, "--regid", GID, *(options or ["--clear-groups",
                       "--bounding-set=-all"]), "--inh-caps=-all", HUSK]

    def __call__(self, *args, **keywords):
        return self.t.rt(*self.prefix, *args, raw=True, cwd=self.home, env=self.env, **keywords)

    def bundle(self, config=None):
        b = self.t.bundle(config or rootless_spec("sleep", "1000", uid=UID, gid=GID))
        b.chown(UID, GID)
        b.sealed()
        return b

    def run(self, config, *options, **keywords):
        return self("run", *options, "--bundle", self.bundle(config).path, self.t.id(), **keywords)

    def nothing_left(self):
        root = [os.path.join(top, name) for top, dirs, files in os.walk(self.home + "/run") for name in files]
        self.t.eq(root, [], "state files")


@test(need=NEED)
def the_bundle_of_spec_rootless_runs(t):
    user = User(t)
    t.eq(user("spec", "--rootless").rc, 0)
    config = json.loads(read(user.home + "/config.json"))
    t.eq(config["linux"]["uidMappings"], [{"containerID": 0, "hostID": UID, "size": 1}])
    t.eq(config["linux"]["gidMappings"], [{"containerID": 0, "hostID": GID, "size": 1}])
    config["process"]["terminal"] = False
    config["process"]["args"] = ["sh", "-c", "id -u; id -g; cat /proc/self/uid_map; echo $$; hostname"]
    r = user.run(config)
    t.eq(r.rc, 0, r)
    t.eq(r.out.split(), ["0", "0", "0", str(UID), "1", "1", config["hostname"]])
    user.nothing_left()


@test(need=NEED)
def lifecycle(t):
    user = User(t)
    b, name = user.bundle(rootless_spec("sh", "-c", "echo up; sleep 1000", uid=UID, gid=GID)), t.id()
    r = user("create", "--bundle", b.path, name)
    t.eq(r.rc, 0, r)
    out = t.rt.last_out
    state = user("state", name).json()
    t.eq((state["status"], state["bundle"]), ("created", b.path))
    t.match(read("/proc/%d/status" % state["pid"]), r"Uid:\s+%d\s" % UID)
    t.eq(user("start", name).rc, 0)
    t.until(lambda: read(out) == "up\n", "output")
    t.eq(user("state", name).json()["status"], "running")
    t.eq(user("list", "-q").out, name + "\n")
    t.eq(user("list", "--format", "json").json()[0]["owner"], "#%d" % UID)
    t.fails(user("delete", name), "is not stopped")
    r = user("kill", name, "KILL")
    t.eq(r.rc, 0, r)
    t.until(lambda: user("state", name).json()["status"] == "stopped", "stopped")
    t.eq(user("delete", name).rc, 0)
    user.nothing_left()


@test(need=NEED)
def exit_status_and_streams(t):
    user = User(t)
    r = user.run(rootless_spec("sh", "-c", "cat; echo err >&2; exit 9", uid=UID, gid=GID), input=b"\0\1\2\n")
    t.eq((r.rc, r.outb, r.err), (9, b"\0\1\2\n", "err\n"))


@test(need=NEED)
def exec_works(t):
    user = User(t)
    b, name = user.bundle(), t.id()
    t.eq(user("run", "-d", "--bundle", b.path, name).rc, 0)
    pid = user("state", name).json()["pid"]
    script = "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/mnt; exit 4"
    r = user("exec", name, "sh", "-c", script)
    t.eq((r.rc, r.out.split()), (4, ["0"] +
                                 [os.readlink("/proc/%d/ns/%s" %
                                              (pid, n)) for n in ("user", "mnt")]), r)
    r = user("exec", name, "no-such-program")
    t.eq(r.rc, 255, r)
    t.eq(user("delete", "--force", name).rc, 0)
    user.nothing_left()


@test(need=NEED)
def another_user_cannot_touch_it(t):
    user = User(t)
    b, name = user.bundle(), t.id()
    t.eq(user("create", "--bundle", b.path, name).rc, 0)
    root = user.home + "/run/" + os.listdir(user.home + "/run")[0]
    other = ["setpriv", "--reuid", UID + 1, "--regid", GID + 1, "--clear-groups", HUSK, "--root", root]
    for args in (["state", name], ["kill", name, "KILL"], [
                 "delete", "--force", name], ["exec", name, "true"]):
        r = t.rt(*other, *args, raw=True)
        t.ok(r.rc != 0 or args[0] == "delete", "%s: %s" % (args, r))
    t.eq(user("state", name).json()["status"], "created")
    t.eq(user("delete", "--force", name).rc, 0)


@test(need=NEED)
def the_caller_gains_nothing(t):
    user = User(t)
    secret = write(t.path("secret"), "secret", 0o600)
    config = rootless_spec("sh", "-c", "cat /secret; id -u", uid=UID, gid=GID)
    config["mounts"].append({"destination": "/secret", "type": "bind",
                            "source": secret, "options": ["bind", "ro"]})
    r = user.run(config)
    t.ok("secret" not in r.out.split(), r)


@test(need=NEED)
def terminal_by_console_socket(t):
    import socket
    user = User(t)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(user.home + "/sock")
        os.chown(user.home + "/sock", UID, GID)
        server.listen(1)
        server.settimeout(10)
        b, name = user.bundle(rootless_spec("sh", "-c", "tty; sleep 1000",
                              uid=UID, gid=GID, terminal=True)), t.id()
        r = user("create", "--console-socket", user.home + "/sock", "--bundle", b.path, name)
        t.eq(r.rc, 0, r)
        connection, _ = server.accept()
        _, fds, _, _ = socket.recv_fds(connection, 4096, 2)
        connection.close()
    t.eq(user("start", name).rc, 0)
    t.eq(os.read(fds[0], 100), b"/dev/pts/0\r\n")
    os.close(fds[0])
    t.eq(user("delete", "--force", name).rc, 0)


@test(need=NEED)
def what_the_map_lacks_is_refused(t):
    user = User(t)
    for change in ({"uid": 5, "gid": 0}, {"uid": 0, "gid": 5}, {"uid": 0, "gid": 0, "additionalGids": [0]},
                   {"uid": 0, "gid": 0, "additionalGids": [5]}):
        r = user.run(rootless_spec("id", uid=UID, gid=GID, user=change))
        t.eq((r.rc, r.out), (1, ""), "%s: %s" % (change, r))
    user.nothing_left()


@test(need=NEED)
def limits_need_a_delegated_cgroup(t):
    user = User(t)
    config = rootless_spec("echo", "ran", uid=UID, gid=GID)
    config["linux"]["resources"] = {"pids": {"limit": 10}}
    r = user.run(config)
    t.eq((r.rc, r.out), (1, ""), r)
    if is_husk():
        t.has(r.err, "/linux/resources")
    user.nothing_left()


@test(need=NEED)
def ids_of_others_cannot_be_mapped_without_the_helper(t):
    user = User(t)
    config = rootless_spec("id", uid=UID, gid=GID)
    config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]
    r = user.run(config)
    t.eq((r.rc, r.out), (1, ""), r)
    user.nothing_left()


# ---- subordinate ids: newuidmap and newgidmap write the maps

HELPERS = NEED + ["husk", "prog:newuidmap", "prog:newgidmap", "file:/etc/subuid", "file:/etc/subgid"]


class SubIds:
    """The user has a name and ranges of ids, as far as this test's mounts reach."""

    FILES = {"/etc/passwd": "someone:x:%d:%d::/:/bin/sh\n" % (UID, GID),
             "/etc/subuid": "someone:200000:1000\nsomeone:300000:10\n", "/etc/subgid": "someone:400000:2000\n"}

    def __init__(self, t):
        self.t = t

    def __enter__(self):
        for name, text in self.FILES.items():
            old = read(name) if name == "/etc/passwd" else ""
            new = write(self.t.path(os.path.basename(name)), old + text, 0o644)
            mount(new, name, "none", 0x1000)            # MS_BIND

    def __exit__(self, *exc):
        for name in self.FILES:
            umount(name)


def subid_spec(*args, **process):
    config = rootless_spec(*args, uid=UID, gid=GID, **process)
    config["linux"]["uidMappings"] += [{"containerID": 1, "hostID": 200000, "size": 1000},
                                       {"containerID": 1001, "hostID": 300005, "size": 5}]
    config["linux"]["gidMappings"] += [{"containerID": 1, "hostID": 400000, "size": 2000}]
    return config


@test(need=HELPERS)
def subordinate_ids_are_mapped(t):
    with SubIds(t):
        user = User(t, "--groups", "54321")
        r = user.run(subid_spec("sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; id -G",
                                user={"uid": 1000, "gid": 1001, "additionalGids": [5, 7]}))
        t.eq(r.rc, 0, r)
        t.eq(r.out.split(), ["0", str(UID), "1", "1", "200000", "1000", "1001", "300005", "5",
                             "0", str(GID), "1", "1", "400000", "2000", "1000", "1001", "1001", "5", "7"])
        r = user.run(subid_spec("id", "-G"))
        t.eq((r.rc, r.out), (0, "0\n"), "the caller's groups are left behind: %s" % r)
        user.nothing_left()


@test(need=HELPERS)
def exec_with_subordinate_ids(t):
    with SubIds(t):
        user = User(t, "--clear-groups")
        b, name = user.bundle(subid_spec("sleep", "1000")), t.id()
        t.eq(user("run", "-d", "--bundle", b.path, name).rc, 0)
        script = "id -u; id -g; touch /dev/shm/x; stat -c %u /dev/shm/x"
        r = user("exec", "--user", "1000:1000", name, "sh", "-c", script)
        t.eq((r.rc, r.out.split()), (0, ["1000"] * 3), r)
        t.match(read("/proc/%d/status" % user("state", name).json()["pid"]), r"Uid:\s+%d\s" % UID)
        r = user("exec", "--user", "5000", name, "true")
        t.ok(r.rc != 0, r)
        t.eq(user("delete", "--force", name).rc, 0)
        user.nothing_left()


@test(need=HELPERS)
def without_mappings_all_that_the_user_has(t):
    config = subid_spec("cat", "/proc/self/uid_map", "/proc/self/gid_map")
    own = ["0", str(UID), "1"], ["0", str(GID), "1"]
    for kind in ("uidMappings", "gidMappings"):
        del config["linux"][kind]
    with SubIds(t):
        r = User(t, "--clear-groups").run(config)
        t.eq((r.rc, r.out.split()), (0, own[0] + ["1", "200000", "1000", "1001", "300000", "10"] +
                                     own[1] + ["1", "400000", "2000"]), r)
    shutil.rmtree(t.path("home"))
    r = User(t).run(config)
    t.eq((r.rc, r.out.split()), (0, own[0] + own[1]), r)
    if is_husk():
        config["process"]["user"] = {"uid": 1, "gid": 0}
        shutil.rmtree(t.path("home"))
        t.fails(User(t).run(config), "/process/user/uid")


@test(need=HELPERS)
def ids_of_others_are_refused(t):
    with SubIds(t):
        user = User(t, "--clear-groups")
        for kind, wrong in (("uidMappings", 0), ("uidMappings", 199999), ("uidMappings", 200001),
                            ("gidMappings", 0), ("gidMappings", 400001)):
            config = subid_spec("id")
            config["linux"][kind][1]["hostID"] = wrong
            r = user.run(config)
            t.eq((r.rc, r.out), (1, ""), "%s %d: %s" % (kind, wrong, r))
            t.has(r.err, "/linux/uidMappings")
        user.nothing_left()


@test(need=HELPERS)
def what_a_helper_says_is_told(t):
    with SubIds(t):
        user = User(t, "--clear-groups")
        write(user.home + "/newuidmap", "#!/bin/sh\necho not today, $2 >&2\nexit 3\n", 0o755)
        os.chmod(user.home, 0o755)
        user.env["PATH"] = user.home + ":/usr/bin:/bin"
        t.fails(user.run(subid_spec("id")), "/linux/uidMappings", user.home + "/newuidmap", "not today, 0")
        user.nothing_left()


main(VIEWS)
