"""case.py - a case of the differential test, and the words that cases are written in.

A case is the default config and one small mutation, as data.

A case is compared whole: every line that the probe prints has to be the same under both runtimes, unless
differences.py says why not. `expect` names the lines that the mutation is about and what they must be,
so that
two runtimes which both ignore it do not pass.

In every string {bundle}, {id} and {ns:TYPE} stand for the bundle,
the container and a foreign namespace's file.
"""
import dataclasses

REMOVE = object()       # as a patch value: no such member
ANY = r"(?s).*"


@dataclasses.dataclass
class Case:
    name: str
    patch: dict = dataclasses.field(default_factory=dict)   # JSON pointer -> value; "-" appends
    namespaces: str = ""        # words, instead of the default list; TYPE=PATH joins
    mounts: list = ()           # appended
    without: tuple = ()         # destinations of default mounts that are left out
    files: list = ()            # (kind, path, ...) see run.py: /PATH is in the rootfs, PATH in the bundle
    options: tuple = ()         # of run, create
    mode: str = "run"           # how the container is run: a function of modes.py
    exec: tuple = ()            # for mode exec: options, then None, then the command
    path: tuple = ()            # further questions to the probe: type and reachability
    read: tuple = ()            # ... content
    caller: dict = dataclasses.field(default_factory=dict)  # what the runtime inherits
    expect: dict = dataclasses.field(default_factory=dict)  # key -> regular expression of the whole value
    fails: bool = False         # both must refuse
    compare_error: bool = False     # ... in words that engines map to the same exit code
    lacks: str = ""             # why the reference differs in the expected keys
    need: tuple = ()


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def tmpfs(destination, *options):
    return mount(destination, "tmpfs", "tmpfs", *options)


def bind(destination, source, *options):
    return mount(destination, "bind", source, *(options or ("bind",)))


def caps(**sets):
    return {"/process/capabilities": {k: ["CAP_" + n for n in v.split()] for k, v in sets.items()}}


def user(**members):
    return {"/process/user": dict({"uid": 0, "gid": 0}, **members)}


def rlimits(*triples):
    return {"/process/rlimits": [{"type": "RLIMIT_" + t, "soft": s, "hard": h} for t, s, h in triples]}


def maps(*rows):
    return {"/linux/" + kind: [dict(zip(("containerID", "hostID", "size"), r)) for r in rows]
            for kind in ("uidMappings", "gidMappings")}


def seccomp(*rules, default="SCMP_ACT_ALLOW", **members):
    return {"/linux/seccomp": dict({"defaultAction": default, "syscalls": list(rules)}, **members)}


def rule(names, action="SCMP_ACT_ERRNO", *args, **members):
    entry = dict({"names": names.split(), "action": action}, **members)
    if args:
        entry["args"] = [dict(zip(("index", "value", "op", "valueTwo"), a)) for a in args]
    return entry


def hook(kind, **members):
    file = "/marks" if kind == "startContainer" else "{bundle}/marks"
    return dict({"path": "/probe" if kind == "startContainer" else "{bundle}/rootfs/probe",
                 "args": ["mark-" + kind, "mark", file, kind], "env": ["A=1"]}, **members)


def hooks(*kinds, **members):
    return {"/hooks": {k: [hook(k, **members)] for k in kinds}, "/root/readonly": False}


HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
ALL_CAPS = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
    LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
    SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"""
RW = {"/root/readonly": False}
UNGRANTABLE = "the reference fails where it may not grant a capability; the specification asks for a warning"
OLD = "the reference is older than this part of the specification and ignores it"
