#!/usr/bin/python3
"""outputs.py - the state, as the caller and hooks get it, and `features` are of the specification's form.

FORMS says that form; where the specification's JSON schema is at hand (see schema.py), it judges too.
"""
import os
import sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from harness import *
import schema

STATUS = ("creating", "created", "running", "stopped")
ON_OFF = {"enabled": bool}

# Member: a type, [type] of a list's elements, {} of members, or a tuple of the words. `!`: it must be there.
FORMS = {
    "state-schema.json": {
        "ociVersion!": str, "id!": str, "status!": STATUS, "pid": int, "bundle!": str, "annotations": {"*": str},
        "rootfs": str, "created": str, "owner": str},  # more is allowed: what callers of runc look for
    "features-schema.json": {
        "ociVersionMin!": str, "ociVersionMax!": str, "hooks": [str], "mountOptions": [str],
        "annotations": {"*": str}, "potentiallyUnsafeConfigAnnotations": [str],
        "linux": {
            "namespaces": [str], "capabilities": [str],
            "cgroup": {"v1": bool, "v2": bool, "systemd": bool, "systemdUser": bool, "rdma": bool},
            "seccomp": {"enabled": bool, "actions": [str], "operators": [str], "archs": [str], "knownFlags": [str],
                        "supportedFlags": [str]},
            "apparmor": ON_OFF, "selinux": ON_OFF, "netDevices": ON_OFF,
            "memoryPolicy": {"modes": [str], "flags": [str]},
            "intelRdt": {"enabled": bool, "schemata": bool, "monitoring": bool},
            "mountExtensions": {"idmap": ON_OFF},
        },
    },
}


def faults(form, value, at=""):
    """Where a value is not of its form; what the form does not name is a fault too."""
    if isinstance(form, tuple):
        return [] if value in form else ["%s is %r" % (at, value)]
    if isinstance(form, list):
        if type(value) is not list:
            return ["%s is %r" % (at, value)]
        return [f for i, v in enumerate(value) for f in faults(form[0], v, "%s/%d" % (at, i))]
    if isinstance(form, dict):
        if type(value) is not dict:
            return ["%s is %r" % (at, value)]
        members = {name.rstrip("!"): inner for name, inner in form.items()}
        found = ["%s/%s is missing" % (at, n[:-1]) for n in form if n.endswith("!") and n[:-1] not in value]
        for name, inner in value.items():
            if name in members or "*" in members:
                found += faults(members.get(name, members.get("*")), inner, "%s/%s" % (at, name))
            else:
                found.append("%s/%s is none of its members" % (at, name))
        return found
    return [] if type(value) is form else ["%s is %r" % (at, value)]


def valid(t, name, document):
    t.eq(faults(FORMS[name], document), [])
    if schema.DIRECTORY:
        t.eq(schema.validator(name)(document), [], "by the schema")


@test
def the_forms_find_faults(t):
    good = {"ociVersion": "1.0.0", "id": "x", "status": "created", "bundle": "/"}
    t.eq(faults(FORMS["state-schema.json"], good), [])
    for member, value in (("id", 5), ("status", "paused"), ("pid", "1"), ("annotations", {"a": 1}), ("more", 1)):
        t.eq(len(faults(FORMS["state-schema.json"], {**good, member: value})), 1, member)
    del good["bundle"]
    t.eq(faults(FORMS["state-schema.json"], good), ["/bundle is missing"])


@test
def state_at_every_status(t):
    config = spec("sleep", "60")
    config["annotations"] = {"org.example.a": "b", "c": ""}
    with t.container(config) as c:
        for status, step in (("created", c.start), ("running", lambda: c.kill("KILL")), ("stopped", None)):
            c.wait(status)
            state = c.state()
            valid(t, "state-schema.json", state)
            t.eq((state["status"], state["id"], state["bundle"], state["annotations"]),
                 (status, c.id, c.bundle.path, config["annotations"]))
            t.eq("pid" in state and state["pid"] > 0, status != "stopped", state)
            if step:
                step()


@test
def state_that_hooks_get(t):
    config = spec("true")
    config["annotations"] = {"org.example.a": "b"}
    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    paths = {kind: t.path(kind) for kind in kinds}
    config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", "cat > %s" % path]}]
                       for kind, path in paths.items()}
    b = t.bundle(config)
    b.loose = True
    r = t.run(b)
    t.eq((r.rc, r.err), (0, ""), r)
    for kind, path in paths.items():
        state = json.loads(read(path))
        valid(t, "state-schema.json", state)
        t.eq(state["annotations"], config["annotations"], kind)
        t.ok(state["status"] in {"poststart": ("running", "stopped"), "poststop": ("stopped",)}.get(
            kind, ("creating", "created")), "%s: %s" % (kind, state))


@test
def features(t):
    valid(t, "features-schema.json", t.rt("features").json())


main()
