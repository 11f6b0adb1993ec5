#!/usr/bin/python3
"""run.py - the reader judges each case of members.py as the specification's JSON schema does, or is listed otherwise.

The reader is asked by `husk-plan --why`, which reads a configuration and plans nothing. Its error has to be at the
edited place. With a schema (see schema.py) its verdicts in members.py are checked against it, and that they leave out
none of its members.
"""
import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import differences
import members
import schema

BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(HERE, "..", "..", "build")))
HOST = os.path.join(HERE, "..", "golden", "host", "v2.json")

counts = {True: 0, False: 0}


def report(good, name, detail=""):
    counts[good] += 1
    print("%s - %s%s" % ("ok" if good else "not ok", name, "" if good else ": " + detail))


def ask_husk(directory, number, config):
    """(is it valid, the error)"""
    path = os.path.join(directory, "%d.json" % number)
    with open(path, "w") as f:
        json.dump(config, f)
    r = subprocess.run([os.path.join(BUILD, "husk-plan"), "--why", "--config", path, "--host", HOST],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = r.stderr.decode("utf-8", "replace").strip()
    return r.returncode == 0 and not text, text.replace(path, "config.json")


def matching(name):
    return [p for p in differences.DIFFERENCES if fnmatch.fnmatchcase(name, p)]


def names_place(error, pointer):
    """Is the error at the place, in it, or at the object that lacks it?"""
    at = re.search(r"config\.json:\d+:\d+: (/[^ ]*?): ", error)
    place = at.group(1) if at else ""
    return place == pointer or place.startswith(pointer + "/") or pointer.startswith(place)


def judge(name, pointer, valid, answer, used):
    """As by the schema, or differing as listed."""
    good, error = answer
    listed = matching(name)
    used.update(listed)
    if good == valid and listed:
        return report(False, name, "does not differ, but is listed as %r" % listed[0])
    if good != valid and not listed:
        return report(False, name, "the schema says %s, husk %s" % ("valid" if valid else "invalid", error or "too"))
    if not good and not names_place(error, pointer):
        return report(False, name, "the error is elsewhere: %s" % error)
    report(True, name)


def check_table(table):
    """What members.py says of the schema, against the schema."""
    faults = schema.validator("config-schema.json")
    for name, _, config, valid in table:
        found = faults(config)
        report((not found) == valid, "schema: " + name, "; ".join(found) or "valid")
    described = schema.Members("config-schema.json")
    left = described.all()
    for pointer, *_ in members.rows():
        for definition in described.passed(pointer):
            left.pop(definition, None)
    report(not left, "no member of the schema is left out", " ".join(sorted(left.values())))


def main():
    table = list(members.cases())
    names = [name for name, *_ in table]
    used = set()
    report(len(names) == len(set(names)), "every case has its own name")
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda at: ask_husk(directory, at, table[at][2]), range(len(table))))
    for (name, pointer, _, valid), answer in zip(table, answers):
        judge(name, pointer, valid, answer, used)
    for pattern in differences.DIFFERENCES:
        report(pattern in used, "the difference %r has a case" % pattern, "no case matches")
    if schema.DIRECTORY:
        check_table(table)
    else:
        print("ok - the schema itself # SKIP RUNTIME_SPEC_SCHEMA names no schema/ of runtime-spec")
    print("1..%d" % (counts[True] + counts[False] + (not schema.DIRECTORY)))
    sys.exit(1 if counts[False] else 0)


main()
