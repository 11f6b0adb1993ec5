#!/usr/bin/python3
"""attacks.py - attacks that a reviewer tried, beyond the known ones of security.py: a container with unusual
capabilities that watches what enters it, hostile state, plans and logs, commands that are killed half-way."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *


def with_caps(config, *names):
    for kind in ("bounding", "effective", "permitted"):
        config["process"]["capabilities"][kind] += list(names)
    return config


@test
def stopping_a_process_that_enters(t):
    """SIGSTOP holds a process of exec where it is: what it has open, its root and its cwd must not lead out."""
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


main()
