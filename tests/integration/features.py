#!/usr/bin/python3
"""features.py - each name in the output of `features` is one that a configuration can use, and no other is.

`husk check` and `husk plan` judge, for a recorded host that has everything: nothing runs.
"""
import os
import sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "schema")]
from harness import *
import members

GOLDEN = os.path.join(HERE, "..", "golden", "host")
NEED = ["husk"]
MAP = [{"containerID": 0, "hostID": 0, "size": 1000}]


def plain():
    return {"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "mounts": [],
            "process": {"args": ["sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
            "linux": {"namespaces": [{"type": "mount"}], "resources": {}}}


def ask(t, command, config, host="v2"):
    """host: a recorded one; None: this machine."""
    directory = t.path("bundle")
    os.makedirs(directory + "/rootfs", exist_ok=True)
    write(directory + "/config.json", json.dumps(config))
    facts = ["--host", os.path.join(GOLDEN, host + ".json")] if host else []
    return t.rt(command, "--bundle", directory, *facts)


def features(t, *path):
    value = t.rt("features").json()
    for name in path:
        value = value[name]
    return value


def others(names, more=()):
    """Words that are not in the list but look as if."""
    near = {change(n) for n in names for change in (str.lower, str.upper, lambda n: n + "X", lambda n: n[1:])}
    return sorted((near | set(more)) - set(names) - {""})


def each_accepted(t, names, config_of, host="v2"):
    """A configuration with the name is good, and nothing is noted about the name."""
    t.ok(names)
    for name in names:
        r = ask(t, "check", config_of(name), host)
        t.eq((r.rc, r.out), (0, ""), "%s: %s" % (name, r))
        t.ok(name not in r.err, "%s: %s" % (name, r))


def each_refused(t, names, config_of, noted=False):
    """A configuration with the name is refused, or the name is warned of."""
    for name in names:
        r = ask(t, "check", config_of(name))
        t.ok(r.rc == 1 or (noted and "level=warning" in r.err), "%r: %s" % (name, r))


@test(need=NEED)
def versions(t):
    def config_of(version):
        return {**plain(), "ociVersion": version}
    f = features(t)
    each_accepted(t, [f["ociVersionMin"], f["ociVersionMax"]], config_of)
    each_refused(t, ["0.9.0", "2.0.0", "1.99.0", ""], config_of)


@test(need=NEED)
def hooks(t):
    """A member that is not read may be anything."""
    def config_of(kind):
        return {**plain(), "hooks": {kind: 5}}
    names = features(t, "hooks")
    t.eq(len(names), 6)
    each_refused(t, names, config_of)
    each_accepted(t, others(names), config_of)


def mount_of(option):
    m = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": [option]}
    if option in ("bind", "rbind"):
        m.update(source="/tmp", type="none")
    if option in ("idmap", "ridmap"):
        m.update(source="/tmp", type="none", options=["rbind", option], uidMappings=MAP, gidMappings=MAP)
    return {**plain(), "mounts": [m]}


@test(need=NEED)
def mount_options(t):
    """What is none of them is handed to the filesystem; remount has no mount of its own."""
    names = features(t, "mountOptions")
    t.ok(len(names) > 50, names)
    t.eq(names, sorted(names))
    for name in names:
        r = ask(t, "plan", mount_of(name))
        t.eq(r.rc, 0, "%s: %s" % (name, r))
        lines = [line for line in r.out.splitlines() if "/mounts/0" in line]
        t.ok(lines or name == "defaults", "%s: no operation" % name)
        t.ok("data=" not in "".join(lines), "%s: %s" % (name, lines))
    near = [change for n in names for change in ("r" + n, "no" + n, n[2:])]
    for name in others(names, near + ["size=5", "mode=755"]):
        r = ask(t, "plan", mount_of(name))
        t.ok(r.rc == 1 or "data=" in r.out, "%s: %s" % (name, r))


@test(need=NEED)
def namespaces(t):
    def config_of(name):
        config = plain()
        if name != "mount":
            config["linux"]["namespaces"].append({"type": name})
        if name == "user":
            config["linux"].update(uidMappings=MAP, gidMappings=MAP)
        return config
    names = features(t, "linux", "namespaces")
    each_accepted(t, names, config_of)
    each_refused(t, others(names, members.WORDS["namespace"].split()), config_of)


@test(need=NEED)
def capabilities(t):
    def config_of(name):
        config = plain()
        config["process"]["capabilities"] = {k: [name] for k in ("bounding", "permitted", "effective")}
        return config
    names = features(t, "linux", "capabilities")
    t.eq(len(names), 41)
    each_accepted(t, names, config_of)
    each_refused(t, others(names), config_of, noted=True)


def seccomp_of(**rule):
    config = plain()
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", **rule}]}
    if rule.get("action") == "SCMP_ACT_NOTIFY":
        config["linux"]["seccomp"]["listenerPath"] = "/run/listener"
    return config


def with_archs(name):
    config = seccomp_of()
    config["linux"]["seccomp"]["architectures"] = [name]
    return config


def with_flags(name):
    config = seccomp_of(action="SCMP_ACT_NOTIFY") if "WAIT" in name else seccomp_of()
    config["linux"]["seccomp"]["flags"] = [name]
    return config


@test(need=NEED)
def seccomp(t):
    have = features(t, "linux", "seccomp")
    if not have["enabled"]:
        t.eq(ask(t, "check", seccomp_of()).rc, 1)
        t.skip("built without seccomp")
    for member, kind, config_of in (
            ("actions", "action", lambda n: seccomp_of(action=n)),
            ("operators", "operator", lambda n: seccomp_of(args=[{"index": 0, "value": 1, "op": n}])),
            ("knownFlags", "filter-flag", with_flags)):
        each_accepted(t, have[member], config_of)
        each_refused(t, others(have[member], members.WORDS[kind].split()), config_of)
    for name in have["archs"]: # the library may know fewer, and no filter is for both byte orders
        r = ask(t, "check", with_archs(name))
        t.ok(r.rc == 0 or re.search("byte order|library does not know", r.out), "%s: %s" % (name, r))
    each_refused(t, others(have["archs"], members.WORDS["arch"].split()), with_archs)
    t.ok(set(have["supportedFlags"]) <= set(have["knownFlags"]), have)
    for name in have["supportedFlags"]:
        r = ask(t, "check", with_flags(name), None)
        t.eq((r.rc, r.out), (0, ""), "%s on this host: %s" % (name, r))


@test(need=NEED)
def memory_policy(t):
    def with_mode(name):
        config = plain()
        config["linux"]["memoryPolicy"] = {"mode": name}
        if name not in ("MPOL_DEFAULT", "MPOL_LOCAL"):
            config["linux"]["memoryPolicy"]["nodes"] = "0"
        return config

    def with_flag(name):
        config = plain()
        config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": [name]}
        return config
    have = features(t, "linux", "memoryPolicy")
    for member, kind, config_of in (("modes", "memory-mode", with_mode), ("flags", "memory-flag", with_flag)):
        each_accepted(t, have[member], config_of)
        each_refused(t, others(have[member], members.WORDS[kind].split()), config_of)


def with_process(**more):
    config = plain()
    config["process"].update(more)
    return config


def with_linux(*namespaces, **more):
    config = plain()
    config["linux"]["namespaces"] += [{"type": n} for n in namespaces]
    config["linux"].update(more)
    return config


def with_cgroups_path(path):
    return with_linux(cgroupsPath=path, resources={"pids": {"limit": 5}})


# Each switch of linux, a configuration that needs it, and a host that has it.
SWITCHES = [
    (("apparmor", "enabled"), with_process(apparmorProfile="profile"), "v2-apparmor"),
    (("selinux", "enabled"), with_process(selinuxLabel="system_u:system_r:container_t:s0"), "v2-selinux"),
    (("intelRdt", "enabled"), with_linux(intelRdt={"closID": "a"}), "v2-rdt"),
    (("intelRdt", "schemata"), with_linux(intelRdt={"closID": "a", "schemata": ["L3:0=f"]}), "v2-rdt"),
    (("intelRdt", "monitoring"), with_linux(intelRdt={"closID": "a", "enableMonitoring": True}), "v2-rdt"),
    (("mountExtensions", "idmap", "enabled"), mount_of("idmap"), "v2"),
    (("netDevices", "enabled"), with_linux("network", netDevices={"dummy0": {"name": "eth0"}}), "v2"),
    (("cgroup", "v1"), with_cgroups_path("/a/b"), "v1"),
    (("cgroup", "v2"), with_cgroups_path("/a/b"), "v2"),
    (("cgroup", "rdma"), with_linux(resources={"rdma": {"mlx5": {"hcaHandles": 1}}}), "v2"),
]


@test(need=NEED)
def switches(t):
    """What is on can be planned, what is off is refused."""
    linux = features(t, "linux")
    for path, config, host in SWITCHES:
        on = linux
        for name in path:
            on = on[name]
        r = ask(t, "check", config, host)
        t.eq(r.rc, 0 if on else 1, "%s is %s: %s" % ("/".join(path), on, r))


@test(need=NEED)
def unsafe_annotations(t):
    """What the document warns of changes the plan, and nothing else does."""
    def plan_of(name):
        config = plain()
        config["process"]["user"]["additionalGids"] = [5]
        config["annotations"] = {name: "1"}
        return ask(t, "plan", config)
    names = features(t, "potentiallyUnsafeConfigAnnotations")
    without = plan_of("org.example.a")
    t.eq((without.rc, without.err), (0, ""), without)
    for name in names:
        r = plan_of(name)
        t.eq(r.rc, 0, r)
        t.ok(r.out != without.out, name)
    for name in others(names, ("run.oci.keep_original_groups", "run.oci.handler", "org.systemd.property.X",
                               "org.criu.config", "bundle")):
        r = plan_of(name)
        t.eq((r.rc, r.out, r.err), (0, without.out, ""), name)


@test(need=NEED)
def no_list_has_a_name_twice(t):
    def look(value, at):
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, "%s/%s" % (at, name))
        elif isinstance(value, list):
            t.eq(len(value), len(set(value)), at)
    look(features(t), "")


main()
