#!/usr/bin/python3
"""planning.py - `husk plan` and `husk check`: what would be done, and all that is wrong, without doing it."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

HUSK_ONLY = ["husk"]


def nobody(t, *args):
    return t.rt("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", HUSK, *args, raw=True)


@test(need=HUSK_ONLY)
def plan_prints_and_does_nothing(t):
    b = t.bundle(spec("sh", "-c", "echo ran"))
    b.sealed()
    r = t.rt("plan", "--bundle", b.path)
    t.eq((r.rc, r.err), (0, ""), r)
    for word in ("mount", "/proc", "exec", "spawn"):
        t.has(r.out, word)
    t.ok(len(r.out.splitlines()) > 20, r.out)
    t.ok(not os.path.exists(t.rt.root) or not os.listdir(t.rt.root))


@test(need=HUSK_ONLY)
def plan_is_the_same_each_time(t):
    b = t.bundle()
    b.sealed()
    for form in ([], ["--json"]):
        t.eq(t.rt("plan", *form, "--bundle", b.path).out, t.rt("plan", *form, "--bundle", b.path).out)


@test(need=HUSK_ONLY)
def plan_as_json(t):
    b = t.bundle()
    b.sealed()
    r = t.rt("plan", "--json", "--bundle", b.path)
    t.eq(r.rc, 0, r)
    t.ok(isinstance(r.json(), (dict, list)) and len(r.out) > 1000, r)


@test(need=HUSK_ONLY + ["prog:setpriv"])
def plan_works_as_nobody(t):
    os.chmod(t.dir, 0o755)
    b = t.bundle()
    b.sealed()
    r = nobody(t, "plan", "--bundle", b.path)
    t.ok(r.rc in (0, 1), r)
    if r.rc == 1:           # a root config may be impossible for nobody: then a clear error
        t.eq(len(r.err.splitlines()), 1, r)
    b = t.bundle(rootless_spec("true"))
    b.sealed()
    r = nobody(t, "plan", "--bundle", b.path)
    t.eq(r.rc, 0, r)


@test(need=HUSK_ONLY)
def plan_with_facts_of_a_host(t):
    probe = os.path.join(BUILD, "husk-probe")
    if not os.access(probe, os.X_OK):
        t.skip("needs build/husk-probe")
    b = t.bundle()
    b.sealed()
    facts = t.rt(probe, raw=True)
    t.eq(facts.rc, 0, facts)
    json.loads(facts.out)
    write(t.path("facts"), facts.out)
    r = t.rt("plan", "--host", t.path("facts"), "--bundle", b.path)
    t.eq(r.rc, 0, r)
    t.eq(r.out, t.rt("plan", "--bundle", b.path).out, "the same host, the same plan")
    for broken in ("", "{", "[]", '{"kernel": 5}'):
        write(t.path("facts"), broken)
        r = t.rt("plan", "--host", t.path("facts"), "--bundle", b.path)
        t.eq(r.rc, 1, "%r: %s" % (broken, r))


@test(need=HUSK_ONLY)
def plan_diff(t):
    one, two = t.bundle(), t.bundle()
    two.config["hostname"] = "another"
    for b in (one, two):
        b.save()
        b.sealed()
    r = t.rt("plan", "--diff", two.path, "--bundle", one.path)
    t.ok(r.rc in (0, 1), r)
    t.has(r.out, "another")
    changed = [line for line in r.out.splitlines() if line[:1] in "+-"]
    t.ok(0 < len(changed) < 20, r)
    t.ok(any("another" in line for line in changed if line[0] == "-"), "the other one is the old one: %s" % r)


@test(need=HUSK_ONLY)
def plan_of_a_bad_config(t):
    b = t.bundle()
    b.config["process"]["cwd"] = "relative"
    b.save()
    b.sealed()
    r = t.rt("plan", "--bundle", b.path)
    t.fails(r, "/process/cwd", "config.json:")
    t.eq(r.out, "")


@test(need=HUSK_ONLY)
def check_of_a_good_bundle(t):
    b = t.bundle()
    b.sealed()
    r = t.rt("check", "--bundle", b.path)
    t.eq((r.rc, r.err), (0, ""), r)


@test(need=HUSK_ONLY)
def check_reports_all_errors_at_once(t):
    b = t.bundle()
    b.config["process"]["cwd"] = 5
    b.config["process"]["user"]["uid"] = -1
    b.config["hostname"] = []
    b.config["linux"]["namespaces"].append({"type": "nope"})
    b.config["mounts"][2]["destination"] = True
    b.save()
    b.sealed()
    r = t.rt("check", "--bundle", b.path)
    t.eq(r.rc, 1, r)
    for place in ("/process/cwd", "/process/user/uid", "/hostname",
                  "/linux/namespaces/", "/mounts/2/destination"):
        lines = [line for line in (r.out + r.err).splitlines() if place in line]
        t.eq(len(lines), 1, "%s in %s" % (place, r))
        t.match(lines[0], r"config\.json:\d+:\d+: ")


@test(need=HUSK_ONLY + ["prog:setpriv"])
def check_works_as_nobody(t):
    os.chmod(t.dir, 0o755)
    b = t.bundle(rootless_spec("true"))
    b.sealed()
    r = nobody(t, "check", "--bundle", b.path)
    t.eq(r.rc, 0, r)


main(VIEWS)
