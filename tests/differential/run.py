#!/usr/bin/python3
"""Differential test: the same configs under the reference (runc) and under husk, seen from inside by probe.c.

    run.py [--view hybrid|v1|v2] [CASE...]      TAP, a case a test; CASE is a glob
    run.py --list-differences                   what differs on purpose, and why
    run.py --also crun [CASE...]                also print where a third runtime differs from the reference
    run.py --show CASE                          print both observations of a case

HUSK is the runtime under test, RUNC the reference.
"""
import atexit
import copy
import fnmatch
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

import cases            # noqa: E402
import harness          # noqa: E402
import modes            # noqa: E402
from differences import DIFFERENCES, MISSING        # noqa: E402

RUNC = os.environ.get("RUNC") or shutil.which("runc") or "runc"
also, show = None, False
used = {}               # Difference -> names of the cases in which it was seen
unexplained = {}        # (key, reference, husk) -> names of the cases
_probe = None


# ---- a case becomes a bundle -------------------------------------------------------------------------------

def patched(config, pointer, value):
    """Set, append or remove what a JSON pointer names."""
    *path, last = pointer.strip("/").split("/")
    at = config
    for step in path:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if value is cases.REMOVE:
        at.pop(last, None)
    elif isinstance(at, list):
        if last == "-":
            at.append(value)
        else:
            at[int(last)] = value
    else:
        at[last] = value


def namespaces(words):
    rows = []
    for word in words.split():
        kind, _, path = word.partition("=")
        rows.append({"type": kind, "path": path} if path else {"type": kind})
    return rows


def build_config(run):
    case, config = run.case, run.bundle.config
    if case.namespaces:
        config["linux"]["namespaces"] = namespaces(case.namespaces)
    for pointer, value in case.patch.items():
        patched(config, pointer, value if value is cases.REMOVE else copy.deepcopy(value))
    if "mounts" in config:
        kept = [m for m in config["mounts"] if m["destination"] not in case.without]
        config["mounts"] = kept + list(case.mounts)
    run.bundle.config = run.expand(config)
    run.bundle.save()


def build_files(run):
    """The rows of Case.files: dir PATH [MODE], file PATH CONTENT [MODE], link PATH TARGET, none PATH,
    probe PATH (a link to it), tmpfs PATH [OPTIONS] (mount, in our own namespace), shared PATH (a mount)."""
    for kind, path, *rest in run.case.files:
        at = run.bundle.rootfs + path if path.startswith("/") else os.path.join(run.bundle.path, path)
        if kind == "dir":
            os.makedirs(at, exist_ok=True)
            os.chmod(at, rest[0] if rest else 0o755)
        elif kind == "file":
            harness.write(at, rest[0], rest[1] if len(rest) > 1 else 0o644)
        elif kind == "link":
            os.symlink(rest[0], at)
        elif kind == "none":
            os.unlink(at)
        elif kind == "probe":
            os.link(run.probe, at)
        elif kind == "tmpfs":
            os.makedirs(at, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", rest[0] if rest else "rw", "tmpfs", at], check=True)
            run.mounted.append(at)
        elif kind == "shared":
            subprocess.run(["mount", "--make-shared", at], check=True)
    rows = run.bundle.config.get("linux", {}).get("uidMappings", [])
    owner = [row["hostID"] for row in rows if row["containerID"] == 0]
    if owner or "{ns:user}" in run.case.namespaces:
        run.bundle.chown(*(owner or [100000]) * 2)


def names_of(run):
    """[(text, what to put instead)] for what names this one run: its directory and its id."""
    # mountinfo names a bind's root from the root of its file system
    points = [m["point"] for m in harness.mountinfo() if run.bundle.path.startswith(m["point"] + "/")]
    inside = run.bundle.path[len(max(points, key=len)):] if points else run.bundle.path
    return [(run.bundle.path, "BUNDLE"), (inside, "BUNDLE"), (run.id, "ID")]


def normal(value, names):
    for text, instead in names:
        value = value.replace(text, instead)
    return value


def observe(t, case, command, name):
    """Run a case under one runtime: {key: value}."""
    wanted = set(re.findall(r"\{ns:(\w+)\}", case.namespaces))
    foreign = modes.Foreign(wanted) if wanted else None
    run = modes.Run(t, case, t.runtime(command, name), probe(), foreign)
    try:
        build_config(run)
        build_files(run)
        run.ask()
        seen = getattr(modes, case.mode)(run)
    finally:
        run.finish()
        if foreign:
            foreign.close()
    lines = seen.lines()
    lines.update(run.extra)
    lines["rc"] = str(seen.rc)
    if case.compare_error:
        lines["error.class"] = seen.error_class()
    if show:
        print("\n".join("# %s %s=%s" % (name, k, lines[k]) for k in sorted(lines)))
    if seen.err.strip() and show:
        print("# %s stderr: %s" % (name, seen.err.strip()))
    names = names_of(run)
    found = {normal(k, names): normal(v, names) for k, v in lines.items()}
    found["~stderr"] = normal(seen.err.strip(), names)
    return found


def probe():
    """The probe, on the file system of the bundles: make's, or compiled here when that is missing or old."""
    global _probe
    built, source = os.path.join(harness.BUILD, "tests/probe"), HERE + "/probe.c"
    if _probe is None and os.path.exists(built) and os.path.getmtime(built) >= os.path.getmtime(source):
        _probe = shutil.copy(built, os.path.join(harness._base, "probe"))
    elif _probe is None:
        _probe = os.path.join(harness._base, "probe")
        compiler = os.environ.get("CC", "cc").split()
        subprocess.run(compiler + ["-std=gnu11", "-Os", "-static", "-o", _probe, source], check=True)
    return _probe


# ---- comparing ---------------------------------------------------------------------------------------------

def unlike(left, right):
    """[(key, left, right)] of the lines that differ; what is printed on stderr is everybody's own."""
    started = ["~end" in side for side in (left, right)]
    if started[0] != started[1]:        # one line instead of all
        return [("started", str(started[0]), str(started[1]))]
    keys = sorted((set(left) | set(right)) - {"~stderr"})
    return [(k, left.get(k, MISSING), right.get(k, MISSING)) for k in keys if left.get(k) != right.get(k)]


def explained(case, key, reference, husk):
    for row in DIFFERENCES:
        if (fnmatch.fnmatchcase(case.name, row.case) and fnmatch.fnmatchcase(key, row.key) and
                re.fullmatch(row.reference, reference) and re.fullmatch(row.husk, husk)):
            used.setdefault(row, set()).add(case.name)
            return True
    return False


def unmet(case, seen):
    """[(key, value, wanted)] of the expectations that do not hold."""
    found = []
    for pattern, wanted in case.expect.items():
        keys = [pattern] if pattern in seen else [k for k in seen if re.fullmatch(pattern, k)]
        found += [(k, seen[k], wanted) for k in keys if not re.fullmatch(wanted, seen[k], re.S)]
        if not keys:
            found.append((pattern, MISSING, wanted))
    return found


def demands(case, husk):
    """What the case wants of husk, whatever the reference does."""
    faults = ["%s is %s, expected %s" % row for row in unmet(case, husk)]
    if case.fails and husk["rc"] == "0":
        faults.append("husk accepted it")
    if not case.fails and husk["rc"] != "0" and "rc" not in case.expect:
        faults.append("husk refuses")
    return faults


def judge(case, reference, husk):
    """All faults of husk, and of the case where even the reference does not do what it expects."""
    rows, missed = unlike(reference, husk), unmet(case, reference)
    if case.lacks:
        # What the reference does not know is not compared; where it refused, there is nothing to compare.
        alone = reference["rc"] != "0" and husk["rc"] == "0" or case.fails and reference["rc"] == "0"
        rows = [] if alone else [row for row in rows if row[0] not in {key for key, _, _ in missed}]
        missed = []
    accepted = [row for row in rows if explained(case, *row)]
    rows = [row for row in rows if row not in accepted]
    for row in rows:
        unexplained.setdefault(row, []).append(case.name)
    keys = {row[0] for row in accepted}
    faults = [] if ("started", "True", "False") in accepted else demands(case, husk)
    faults += ["reference: %s is %s, expected %s" % row for row in missed if not {"started", row[0]} & keys]
    return faults + ["%s: reference %s, husk %s" % row for row in rows]


def compare(t, case):
    reference = observe(t, case, RUNC, "reference")
    for _ in range(3):  # runc 1.1 restores RLIMIT_NOFILE in a race with its own exec: the reference only is asked again
        if case.lacks or not unmet(case, reference):
            break
        reference = observe(t, case, RUNC, "reference")
    husk = observe(t, case, harness.HUSK, "husk")
    if also:
        for row in unlike(reference, observe(t, case, also, "also")):
            print("# %s: %s: reference %s, %s %s" % (case.name, *row[:2], os.path.basename(also), row[2]))
    faults = judge(case, reference, husk)
    if not faults:
        return
    more = " (and %d more)" % (len(faults) - 4) if len(faults) > 4 else ""
    words = ["%s says: %s" % (name, seen["~stderr"])
             for name, seen in (("husk", husk), ("reference", reference))
             if seen["~stderr"] and husk["rc"] != reference["rc"]]
    raise harness.Fail("; ".join(faults[:4] + words) + more)


# ---- the program -------------------------------------------------------------------------------------------

def list_differences():
    for row in DIFFERENCES:
        print("%s | %s | reference %s | husk %s\n    %s" % row)
    for case in cases.CASES:
        if case.lacks:
            print("%s | %s\n    %s" % (case.name, " ".join(case.expect), case.lacks))


def report():
    """What repeats is said once, most frequent first."""
    for row, names in sorted(unexplained.items(), key=lambda item: -len(item[1])):
        print("# unexplained: %s: reference %s, husk %s" % row)
        print("#     in %d cases: %s" % (len(names), " ".join(names[:12])))
    for row, names in used.items():
        print("# on purpose, in %d cases: %s: %s" % (len(names), row.key, row.reason))


def register(case):
    harness.test(lambda t: compare(t, case), name=case.name,
                 need=("root", "prog:" + RUNC, "prog:cc") + tuple(case.need))


def option(name, has_value):
    if name not in sys.argv:
        return None
    at = sys.argv.index(name)
    value = sys.argv[at + 1] if has_value else True
    del sys.argv[at:at + (2 if has_value else 1)]
    return value


if __name__ == "__main__":
    if option("--list-differences", False):
        list_differences()
        sys.exit(0)
    show = bool(option("--show", False))
    also = option("--also", True)
    also = also and (shutil.which(also) or also)
    for one in cases.CASES:
        register(one)
    atexit.register(report)
    harness.main()
