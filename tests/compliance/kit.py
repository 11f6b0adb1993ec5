"""kit.py - what the tests of the rows share: registering, and the ways to see whether a row holds.

Everything of tests/lib/harness.py is here too: t.run, t.container, t.eq, spec(), userns_spec() ...
"""
import os
import sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import harness                          # noqa: E402
from harness import *                   # noqa: E402

harness.SHARED.add("kit.py")
OWN = "own"                             # the cgroup view that the machine has anyway
HUSK_PLAN = os.environ.get("HUSK_PLAN") or os.path.join(BUILD, "husk-plan")
HOSTS = os.path.join(HERE, "..", "golden", "host")
SPECS = os.path.join(HERE, "..", "golden", "spec")

FOREVER = ("sleep", "1000")
PROCESS_HOOKS = ("prestart", "createRuntime", "createContainer")
ALL_HOOKS = PROCESS_HOOKS + ("startContainer", "poststart", "poststop")

tests = {}                              # id -> Row


class Row:
    """The test of one row."""

    def __init__(self, function, views, need):
        self.function, self.views, self.need = function, views, need
        code = function.__code__
        self.place = "%s:%s" % (os.path.basename(code.co_filename), function.__name__)
        self.takes_id = code.co_argcount == 2

    def call(self, t):
        return self.function(t, t.name) if self.takes_id else self.function(t)


def row(*ids, views=(OWN,), need=()):
    """Register a function as the test of these rows: f(t), or f(t, id) when a table drives several."""
    def register(function):
        for one in ids:
            if one in tests:
                sys.exit("two tests for %s: %s and %s" % (one, tests[one].place, function.__name__))
            tests[one] = Row(function, views, need)
        return function
    return register


def untestable(why):
    """Neither pass nor fail: this machine cannot show it, nor can a plan."""
    raise Skip(why)


# ---- containers --------------------------------------------------------------------------------------------

def control(t):
    """The default configuration works: what is refused after this is refused for what was changed in it."""
    if not getattr(t, "controlled", False):
        r = t.run(spec("echo", "control"))
        t.eq((r.rc, r.out), (0, "control\n"), "the default configuration: %s" % r)
        t.controlled = True


def changed(pointer, value, config=None):
    """The default configuration with one member set (a JSON pointer without escapes; - appends)."""
    config = config or spec("true")
    *path, last = pointer.strip("/").split("/")
    at = config
    for step in path:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if not isinstance(at, list):
        at[last] = value
    elif last == "-":
        at.append(value)
    else:
        at[int(last)] = value
    return config


def bundle_of(t, config):
    """A bundle of a dict, of the text of config.json, or a bundle as it is."""
    if isinstance(config, (str, bytes)):
        b = t.bundle()
        b.config = None
        write(os.path.join(b.path, "config.json"), config)
        return b
    return config if isinstance(config, Bundle) else t.bundle(config)


def refused(t, config, *words, options=()):
    """create must fail and leave no container. husk's error has the words, such as the place in config.json."""
    control(t)
    c = t.new(bundle_of(t, config))
    r = c.create(*options)
    if r.rc == 0:
        c.delete("--force")
        raise Fail("accepted; expected an error%s" % "".join(" with %r" % w for w in words))
    if is_husk():
        t.fails(r, *words)
    left = os.listdir(t.rt.root) if os.path.isdir(t.rt.root) else []
    t.ok(c.id not in left, "refused, but there is a container")
    return r


def accepted(t, config, *options):
    """create, start and delete work."""
    with t.container(bundle_of(t, config), *options, start=True):
        pass


def shell(t, script, config=None, *options, **keywords):
    """Run a shell script in the container of a configuration or bundle: a Result."""
    b = bundle_of(t, config or spec())
    b.config["process"]["args"] = ["/bin/sh", "-c", script]
    b.save()
    return t.run(b, *options, **keywords)


def says(t, script, config=None, *options, **keywords):
    """What a shell script in the container prints; it has to succeed."""
    r = shell(t, script, config, *options, **keywords)
    t.eq(r.rc, 0, r)
    return r.out


def mapped(t, config, host_id=100000):
    """A bundle in which root of a user namespace may make directories. Files are shared with other bundles."""
    b = bundle_of(t, config)
    for top, _, _ in os.walk(b.path):
        os.chown(top, host_id, host_id)
    return b


def probed(t, config=None):
    """A bundle that runs the probe (tests/differential/probe.c) from a link in its rootfs."""
    b = bundle_of(t, config or spec())
    base = os.path.join(harness._base, "probe")
    if not os.path.exists(base):
        shutil.copy(os.path.join(BUILD, "tests/probe"), base)
    os.link(base, b.rootfs + "/probe")
    if b.config is not None:
        b.config["process"]["args"] = ["/probe"]
        b.save()
    return b


def look(t, config=None, paths=(), reads=(), options=()):
    """Run the probe: {key: value} of what it sees. `paths` asks for type and reach, `reads` for content."""
    b = probed(t, config)
    write(b.rootfs + "/.probe", "".join("path %s\n" % p for p in paths) + "".join("read %s\n" % p for p in reads),
          0o644)
    r = t.run(b, *options)
    t.eq(r.rc, 0, r)
    seen = dict(line.split("=", 1) for line in r.out.splitlines() if "=" in line)
    t.eq(seen.get("~end"), "1", "the probe did not end: %s" % r)
    return seen


def status(text):
    """{name: value} of the text of a /proc/PID/status."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def mounts_of(c):
    """{mount point: its row, see host.mountinfo} in a created or running container."""
    return {m["point"]: m for m in mountinfo(c.pid)}


# ---- hooks that write down what they see -------------------------------------------------------------------

def hook(script, kind="createRuntime"):
    """A hook that runs a script with the host's busybox, for startContainer with the container's."""
    return {"path": "/bin/sh" if kind == "startContainer" else BUSYBOX, "args": ["sh", "-c", script],
            "env": ["PATH=/bin:/usr/bin"]}


def logged(t, scripts, *args):
    """A bundle whose hooks ({kind: script}) and program know LOG, a file that the container has, too."""
    write(t.path("log"), "", 0o666)
    config = spec(*(args or FOREVER))
    config["process"]["args"] = [a.replace("LOG", "/log") for a in config["process"]["args"]]
    config["hooks"] = {kind: [hook(s.replace("LOG", "/log" if kind == "startContainer" else t.path("log")), kind)
                              for s in ([script] if isinstance(script, str) else script)]
                       for kind, script in scripts.items()}
    config["mounts"].append({"destination": "/log", "type": "bind", "source": t.path("log"), "options": ["bind"]})
    return t.bundle(config)


def log(t):
    return read(t.path("log"))


def states(t):
    """The states that hooks wrote with `cat >>LOG; echo @ >>LOG`."""
    return [json.loads(text) for text in log(t).split("@\n") if text.strip()]


# ---- plans: for what this machine cannot do ----------------------------------------------------------------

class Plan:
    """What husk would do: `ops` as dicts (see husk-plan --json), or the error."""

    def __init__(self, result):
        self.rc, self.err, self.text = result.returncode, result.stderr, result.stdout
        self.ops, self.notes, self.cgroups = [], [], []
        if self.rc == 0:
            document = json.loads(self.text)
            self.ops, self.notes, self.cgroups = document["ops"], document["notes"], document["cgroups"]

    def find(self, do, **fields):
        """The operations of this kind whose fields have these values, in order."""
        return [op for op in self.ops if op["do"] == do and all(op.get(k) == v for k, v in fields.items())]

    def one(self, do, **fields):
        found = self.find(do, **fields)
        if len(found) != 1:
            raise Fail("%d operations %s %r in the plan; expected one: %r" % (len(found), do, fields, found))
        return found[0]

    def writes(self, name):
        """What is written to files of this name, in order; a path is like @cg.1:pids.max."""
        return [op["data"] for op in self.find("write") if re.split("[/:]", op["path"])[-1] == name]


def plan_or_error(t, config, host="v2", *options):
    """Plan a configuration for a recorded host (tests/golden/host)."""
    if not is_husk():
        raise Skip("n/a: plans are husk's own")
    t.count += 1
    path = write(t.path("plan%d.json" % t.count), config if isinstance(config, str) else json.dumps(config))
    argv = [HUSK_PLAN, "--json", "--config", path, "--host", os.path.join(HOSTS, host + ".json"), *options]
    return Plan(subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT))


def plan(t, config, host="v2", *options):
    """The same, and there has to be a plan."""
    p = plan_or_error(t, config, host, *options)
    t.eq(p.rc, 0, p.err)
    return p


def no_plan(t, config, *words, host="v2"):
    """There must be no plan, for a reason with these words; there is one for the default configuration."""
    t.ok(plan(t, spec(), host).ops, "the default configuration has an empty plan")
    p = plan_or_error(t, config, host)
    t.eq(p.rc, 1, "planned for %s; expected an error: %.300s" % (host, p.err))
    for word in words:
        t.has(p.err, word)
