"""cases.py - broken configs, each with the place that the error has to name.

A row of VALUES is a JSON pointer into base() and raw JSON texts to put there, one case each. The error must
name that pointer and the line and column of that very value. The other tables say more per case.
"""
import json

MARK = "@@mark@@"


def base():
    """A config in which every member of the tables exists; it is valid, and runs as it is."""
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "consoleSize": {"height": 20, "width": 80},
            "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1]},
            "args": ["true", "x"],
            "env": ["PATH=/bin", "A=b"],
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_KILL"], "effective": [], "permitted": [], "inheritable": [],
                             "ambient": []},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
            "noNewPrivileges": True,
            "oomScoreAdj": 100,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "bad",
        "domainname": "example",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        ],
        "hooks": {"poststop": [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]},
        "annotations": {"org.example.a": "b"},
        "linux": {
            "namespaces": [{"type": n} for n in ("pid", "network", "ipc", "uts", "mount")],
            "devices": [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0,
                         "gid": 0}],
            "resources": {
                "devices": [{"allow": False, "access": "rwm"},
                            {"allow": True, "type": "c", "major": 1, "minor": 3,
                             "access": "rw"}],
            },
            "sysctl": {"net.ipv4.ip_forward": "0"},
            "rootfsPropagation": "private",
            "seccomp": {
                "defaultAction": "SCMP_ACT_ALLOW",
                "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                              "args": [{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]}],
            },
            "maskedPaths": ["/proc/keys"],
            "readonlyPaths": ["/proc/sys"],
            "personality": {"domain": "LINUX"},
        },
    }


ID = ["-1", "4294967295", "4294967296", "1e10", "1.5", '"0"', "true", "[]", "99999999999999999999"]
STRING = ["5", "true", "[]", "{}"]
NUL = ['"a\\u0000b"']
LIST = ["5", '"x"', "{}", "true"]
OBJECT = ["5", '"x"', "[]", "true"]
BOOL = ["1", '"true"', "[]"]

VALUES = [
    ("/ociVersion", ["1", '""', '"abc"', '"2.0.0"', '"1.0"', "[]"]),
    ("/process", OBJECT),
    ("/process/terminal", BOOL),
    ("/process/consoleSize", OBJECT),
    ("/process/consoleSize/height", ["-1", '"x"', "1.5", "18446744073709551616"]),
    ("/process/user", OBJECT),
    ("/process/user/uid", ID),
    ("/process/user/gid", ID),
    ("/process/user/umask", ["-1", '"022"', "1.5", "4294967296"]),
    ("/process/user/additionalGids", LIST),
    ("/process/user/additionalGids/0", ID),
    ("/process/args", LIST + ["[]"]),
    ("/process/args/1", STRING),
    ("/process/env", LIST),
    ("/process/env/1", STRING + ['"novalue"', '"=x"', '""']),
    ("/process/cwd", STRING + ['""', '"relative"', '"./x"']),
    ("/process/capabilities", OBJECT),
    ("/process/capabilities/bounding", LIST),
    ("/process/capabilities/bounding/0", ["5", "[]"]),
    ("/process/rlimits", LIST),
    ("/process/rlimits/0", OBJECT),
    ("/process/rlimits/0/type", ["5", '"RLIMIT_FOO"', '"NOFILE"', '""']),
    ("/process/rlimits/0/soft", ["-1", "18446744073709551616", "1e3", '"100"', "1.0"]),
    ("/process/rlimits/0/hard", ["-1", "[]"]),
    ("/process/noNewPrivileges", BOOL),
    ("/process/oomScoreAdj", ['"1"', "1.5", "1001", "-1001", "4294967296"]),
    ("/root", OBJECT),
    ("/root/path", STRING + ['""']),
    ("/root/readonly", BOOL),
    ("/hostname", STRING),
    ("/mounts", LIST),
    ("/mounts/0", OBJECT),
    ("/mounts/0/destination", STRING + ['""', '"/"']),
    ("/mounts/0/type", ["5", "[]"]),
    ("/mounts/1/options", LIST),
    ("/mounts/1/options/0", ["5", "[]"]),
    ("/hooks", OBJECT),
    ("/hooks/poststop", LIST),
    ("/hooks/poststop/0", OBJECT),
    ("/hooks/poststop/0/path", ["5", '""', '"true"', '"./true"']),
    ("/hooks/poststop/0/args", LIST),
    ("/hooks/poststop/0/env/0", ["5", '"novalue"']),
    ("/hooks/poststop/0/timeout", ["0", "-1", '"5"', "1.5"]),
    ("/annotations", ["5", '"x"', "[]"]),
    ("/annotations/org.example.a", ["5", "[]", "true"]),
    ("/linux", OBJECT),
    ("/linux/namespaces", LIST),
    ("/linux/namespaces/0/type", ["5", '"foo"', '""', '"PID"']),
    ("/linux/devices", LIST),
    ("/linux/devices/0/path", ["5", '""', '"dev/x"']),
    ("/linux/devices/0/type", ["5", '"x"', '""']),
    ("/linux/devices/0/major", ["-1", '"1"', "1.5", "9223372036854775808"]),
    ("/linux/devices/0/fileMode", ["-1", '"0666"', "1e3"]),
    ("/linux/devices/0/uid", ["-1", "4294967295", '"0"']),
    ("/linux/resources", OBJECT),
    ("/linux/resources/devices", LIST),
    ("/linux/resources/devices/1/allow", BOOL),
    ("/linux/resources/devices/1/access", ["5", '"rwx"', '"RW"']),
    ("/linux/resources/devices/1/type", ["5", '"z"']),
    ("/linux/resources/devices/1/major", ['"1"', "1.5"]),
    ("/linux/sysctl", ["5", "[]"]),
    ("/linux/sysctl/net.ipv4.ip_forward", ["0", "[]"]),
    ("/linux/rootfsPropagation", ["5", '"foo"']),
    ("/linux/seccomp", ["5", "[]"]),
    ("/linux/seccomp/defaultAction", ["5", '"SCMP_ACT_FOO"', '"ALLOW"']),
    ("/linux/seccomp/architectures/0", ["5", '"SCMP_ARCH_FOO"']),
    ("/linux/seccomp/syscalls/0/action", ["5", '"SCMP_ACT_FOO"']),
    ("/linux/seccomp/syscalls/0/names", LIST),
    ("/linux/seccomp/syscalls/0/errnoRet", ["-1", '"1"', "4294967296"]),
    ("/linux/seccomp/syscalls/0/args/0/index", ["6", "-1", '"0"']),
    ("/linux/seccomp/syscalls/0/args/0/op", ['"SCMP_CMP_FOO"', "1"]),
    ("/linux/seccomp/syscalls/0/args/0/value", ["-1", "18446744073709551616", '"1"']),
    ("/linux/maskedPaths", LIST),
    ("/linux/maskedPaths/0", ["5"]),
    ("/linux/readonlyPaths/0", ["5"]),
    ("/linux/personality/domain", ["5", '"BSD"']),
]

# A NUL or a broken character is found by the JSON reader: it may know the place in the file only.
TEXT_PLACES = ["/ociVersion", "/process/args/1", "/process/env/1", "/process/cwd", "/root/path", "/hostname",
               "/mounts/0/destination", "/mounts/0/source", "/hooks/poststop/0/path",
               "/annotations/org.example.a",
               "/linux/namespaces/0/type", "/linux/devices/0/path", "/linux/sysctl/net.ipv4.ip_forward",
               "/linux/maskedPaths/0"]
BAD_TEXT = [b'"a\\u0000b"', b'"\xff"']
MORE_BAD_TEXT = [b'"a\\u0000"', b'"\\u0000"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00x"',
                 b'"\xe2\x82"',
                 b'"\xf5\x80\x80\x80"', b'"a\nb"', b'"a\x01b"', b'"a\x00b"', b'"\\x41"', b'"\\u12"']

# Members that must be there: the pointer that goes, and the places that the error may name.
MISSING = [
    ("/ociVersion", ("/ociVersion", "ociVersion")),
    ("/root", ("/root",)),
    ("/root/path", ("/root",)),
    ("/process/cwd", ("/process",)),
    ("/process/args", ("/process",)),
    ("/process/rlimits/0/type", ("/process/rlimits/0",)),
    ("/process/rlimits/0/soft", ("/process/rlimits/0",)),
    ("/process/consoleSize/width", ("/process/consoleSize",)),
    ("/mounts/0/destination", ("/mounts/0",)),
    ("/mounts/0/type", ("/mounts/0",)),
    ("/hooks/poststop/0/path", ("/hooks/poststop/0",)),
    ("/linux/namespaces/0/type", ("/linux/namespaces/0",)),
    ("/linux/devices/0/path", ("/linux/devices/0",)),
    ("/linux/devices/0/type", ("/linux/devices/0",)),
    ("/linux/resources/devices/1/allow", ("/linux/resources/devices/1",)),
    ("/linux/seccomp/defaultAction", ("/linux/seccomp",)),
    ("/linux/seccomp/syscalls/0/names", ("/linux/seccomp/syscalls/0",)),
    ("/linux/seccomp/syscalls/0/action", ("/linux/seccomp/syscalls/0",)),
    ("/linux/seccomp/syscalls/0/args/0/op", ("/linux/seccomp/syscalls/0/args/0",)),
]

# Members added below an object or at the end of a list: name, where, key,
# value, the places the error may name.
ADDED = [
    ("duplicate namespace", "/linux/namespaces", None, {"type": "pid"}, ["/linux/namespaces/"]),
    ("duplicate rlimit", "/process/rlimits", None,
     {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}, ["/process/rlimits/"]),
    ("rlimit soft above hard", "/process/rlimits", None, {"type": "RLIMIT_CORE", "soft": 5, "hard": 2},
     ["/process/rlimits/1"]),
    ("mappings without user namespace", "/linux", "uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}],
     ["/linux/uidMappings", "/linux/namespaces"]),
    ("relative namespace path", "/linux/namespaces", None, {"type": "cgroup", "path": "proc/self/ns/cgroup"},
     ["/linux/namespaces/5"]),
    ("namespace path that does not exist", "/linux/namespaces", None,
     {"type": "cgroup", "path": "/no/such/ns"},
     ["/linux/namespaces/5"]),
    ("namespace path that is a file", "/linux/namespaces", None, {"type": "cgroup", "path": "/etc/passwd"},
     ["/linux/namespaces/5"]),
    ("namespace path of another type", "/linux/namespaces", None,
     {"type": "cgroup", "path": "/proc/self/ns/uts"},
     ["/linux/namespaces/5"]),
    ("time offsets without time namespace", "/linux", "timeOffsets",
     {"boottime": {"secs": 1}}, ["/linux/timeOffsets"]),
    ("mount of an unknown filesystem", "/mounts", None,
     {"destination": "/mnt", "type": "nosuchfs", "source": "x"},
     ["/mounts/2", "mounts[2]"]),
    ("mount without type", "/mounts", None, {"destination": "/mnt", "source": "x"}, ["/mounts/2"]),
    ("bind mount without source", "/mounts", None,
     {"destination": "/mnt", "options": ["bind"]}, ["/mounts/2"]),
    ("bind mount of nothing", "/mounts", None,
     {"destination": "/mnt", "source": "/no/such/dir", "options": ["rbind"]},
     ["/mounts/2", "mounts[2]"]),
    ("mount over the root", "/mounts", None,
     {"destination": "/../", "type": "tmpfs", "source": "x"}, ["/mounts/2"]),
    ("mount over proc", "/mounts", None, {"destination": "/proc/sys",
     "type": "tmpfs", "source": "x"}, ["/mounts/2"]),
    ("tmpfs on proc", "/mounts", None, {"destination": "/proc",
     "type": "tmpfs", "source": "x"}, ["/mounts/2"]),
    ("mount idmap on one side only", "/mounts", None,
     {"destination": "/mnt", "source": "/", "options": ["bind"],
         "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]},
     ["/mounts/2"]),
    ("sysctl of the host", "/linux/sysctl", "kernel.core_pattern",
     "x", ["/linux/sysctl/kernel.core_pattern"]),
    ("sysctl with dots", "/linux/sysctl", "net/../kernel/core_pattern",
     "x", ["/linux/sysctl/net~1..~1kernel~1core_pattern"]),
    ("sysctl with double dots", "/linux/sysctl", "net..ipv4", "x", ["/linux/sysctl/net..ipv4"]),
    ("sysctl with a blank", "/linux/sysctl", "net.ipv4 .x", "x", ["/linux/sysctl/net.ipv4 .x"]),
    ("sysctl that does not exist", "/linux/sysctl", "net.no.such.key", "x", ["/linux/sysctl"]),
    ("sysctl with a bad value", "/linux/sysctl", "kernel.shm_rmid_forced", "1+kernel.core_pattern=x",
     ["/linux/sysctl/kernel.shm_rmid_forced"]),
    ("unknown clock", "/linux", "timeOffsets", {"realtime": {"secs": 1}}, ["/linux/timeOffsets"]),
    ("personality flags", "/linux/personality", "flags", ["x"], ["/linux/personality/flags"]),
    ("unified with a slash", "/linux/resources", "unified", {"../x": "1"}, ["/linux/resources/unified"]),
    ("hugepages of a wrong size", "/linux/resources", "hugepageLimits", [{"pageSize": "3XB", "limit": 1}],
     ["/linux/resources/hugepageLimits/0"]),
    ("memory limit as a string", "/linux/resources", "memory",
     {"limit": "32M"}, ["/linux/resources/memory/limit"]),
    ("memory limit too large", "/linux/resources", "memory",
     {"limit": 9223372036854775808}, ["/linux/resources/memory/limit"]),
    ("memory swap below limit", "/linux/resources", "memory",
     {"limit": 67108864, "swap": 33554432}, ["/linux/resources/memory"]),
    ("swappiness", "/linux/resources", "memory", {"swappiness": 101}, ["/linux/resources/memory/swappiness"]),
    ("pids limit as a fraction", "/linux/resources", "pids", {"limit": 1.5}, ["/linux/resources/pids/limit"]),
    ("cpu shares negative", "/linux/resources", "cpu", {"shares": -1}, ["/linux/resources/cpu/shares"]),
    ("cpu idle", "/linux/resources", "cpu", {"idle": 2}, ["/linux/resources/cpu/idle"]),
    ("cpus as a number", "/linux/resources", "cpu", {"cpus": 0}, ["/linux/resources/cpu/cpus"]),
    ("block weight", "/linux/resources", "blockIO", {"weight": 5}, ["/linux/resources/blockIO/weight"]),
    ("rdt closID", "/linux", "intelRdt", {"closID": "../x"}, ["/linux/intelRdt"]),
    ("memory policy", "/linux", "memoryPolicy", {"mode": "MPOL_FOO"}, ["/linux/memoryPolicy/mode"]),
    ("seccomp notify without listener", "/linux/seccomp/syscalls", None,
     {"names": ["chdir"], "action": "SCMP_ACT_NOTIFY"},
     ["/linux/seccomp"]),
    ("seccomp errnoRet with allow", "/linux/seccomp/syscalls", None,
     {"names": ["chdir"], "action": "SCMP_ACT_KILL", "errnoRet": 5}, ["/linux/seccomp/syscalls/1"]),
    ("seccomp flag", "/linux/seccomp", "flags", ["SECCOMP_FILTER_FLAG_FOO"], ["/linux/seccomp/flags/0"]),
    ("mount label without selinux", "/linux", "mountLabel", 5, ["/linux/mountLabel"]),
    ("cgroupsPath type", "/linux", "cgroupsPath", 5, ["/linux/cgroupsPath"]),
    ("cgroupsPath leaves the tree", "/linux", "cgroupsPath", "../../x", ["/linux/cgroupsPath"]),
    ("cgroupsPath leaves the tree inside", "/linux", "cgroupsPath", "/a/../../b", ["/linux/cgroupsPath"]),
    ("device of another kind exists", "/linux/devices", None,
     {"path": "/etc/passwd", "type": "c", "major": 1, "minor": 3},
     ["/linux/devices/1"]),
    ("device path leaves the root", "/linux/devices", None,
     {"path": "/dev/../../x", "type": "q", "major": 1, "minor": 3},
     ["/linux/devices/1"]),
    ("scheduler policy", "/process", "scheduler", {"policy": "SCHED_FOO"}, ["/process/scheduler/policy"]),
    ("scheduler without policy", "/process", "scheduler", {"nice": 1}, ["/process/scheduler"]),
    ("scheduler nice", "/process", "scheduler", {"policy": "SCHED_OTHER", "nice": 20},
     ["/process/scheduler/nice"]),
    ("I/O priority class", "/process", "ioPriority", {"class": "IOPRIO_CLASS_FOO", "priority": 4},
     ["/process/ioPriority/class"]),
    ("I/O priority without class", "/process", "ioPriority", {"priority": 4}, ["/process/ioPriority"]),
    ("I/O priority", "/process", "ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8},
     ["/process/ioPriority/priority"]),
    ("cpu affinity", "/process", "execCPUAffinity", {"initial": "0-"}, ["/process/execCPUAffinity"]),
    ("network device name", "/linux", "netDevices", {"lo": {"name": "a/b"}}, ["/linux/netDevices"]),
]


def _step(config, pointer):
    """(container, key) of a pointer; no key of base() holds a slash."""
    at, parts = config, pointer.split("/")[1:]
    keys = [int(p) if p.isdigit() else p for p in parts]
    for key in keys[:-1]:
        at = at[key]
    return at, keys[-1]


def replaced(pointer, raw):
    """(bytes, line, column): base() with raw JSON at the pointer, and where that is."""
    config = base()
    at, key = _step(config, pointer)
    at[key] = MARK
    text = json.dumps(config, indent=1).encode()
    offset = text.index(json.dumps(MARK).encode())
    line = text.count(b"\n", 0, offset) + 1
    return text.replace(json.dumps(MARK).encode(), raw), line, offset - text.rfind(b"\n", 0, offset)


def without(pointer):
    config = base()
    at, key = _step(config, pointer)
    del at[key]
    return json.dumps(config, indent=1).encode()


def added(where, key, value):
    config = base()
    at = config
    if where:
        parent, last = _step(config, where)
        at = parent[last]
    if key is None:
        at.append(value)
    else:
        at[key] = value
    return json.dumps(config, indent=1).encode()


def duplicates():
    """(name, bytes, words): objects with the same member twice, also when it is spelled with an escape."""
    text = json.dumps(base(), indent=1)
    yield "top level", text.replace('"hostname"', '"hostname": "x",\n "hostname"'), ["/hostname"]
    yield "below process", text.replace('"cwd"', '"cwd": "/",\n "cwd"'), ["/process/cwd"]
    yield "spelled by an escape", text.replace('"cwd"', '"c\\u0077d": "/",\n "cwd"'), ["/process/cwd"]
    two = '"destination": "/x", "destination": "/proc"'
    yield "in a list", text.replace('"destination": "/proc"', two), ["/mounts/0/"]
    two = '"org.example.a": "x", "org.example.a"'
    yield "of a map", text.replace('"org.example.a"', two), ["/annotations/"]


def malformed():
    """(name, bytes): not JSON at all. The error has line and column, there is no pointer."""
    text = json.dumps(base(), indent=1).encode()
    for i in range(1, 30):
        yield "cut at %d/30" % i, text[:len(text) * i // 30]
    for tail in (b"x", b"{}", b",", b"\x00", b"]", b"\n\n}"):
        yield "trailing %s" % ascii(tail), text + tail
    one = b'{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, %s}'
    for bad in (b'"a": 01', b'"a": +1', b'"a": 1.', b'"a": .5', b'"a": 0x10', b'"a": NaN', b'"a": Infinity',
                b'"a": tru',
                b"'a': 1", b"a: 1", b'"a" 1', b'"a": 1,', b'"a":', b'"a"', b'"a": [1,]', b'"a": [1 2]',
                b'"a": {"b"}',
                b'// x\n"a": 1', b'/* x */ "a": 1', b'"a": "\t"', b'"a": -', b'"a": 1e', b'"a": "',
                b'"a": \xef\xbb\xbf1'):
        yield "syntax %s" % ascii(bad), one % bad
    for name, whole in (("empty", b""), ("blank", b" \n "), ("a list", b"[]"), ("null", b"null"),
                        ("a number", b"5"),
                        ("a string", b'"x"'), ("binary", bytes(range(256))), ("zeros", b"\0" * 4096),
                        ("two bytes a letter", text.decode().encode("utf-16"))):
        yield name, whole


def huge():
    """(name, bytes, words): large inputs; they must end in seconds."""
    text = json.dumps(base(), indent=1).encode()
    million = 1000000
    yield "10 MB of [", b"[" * (10 * million), []
    yield "10 MB of {", b'{"a":' * (2 * million), []
    yield "10 MB of nesting below linux", text.replace(b'"rootfsPropagation"', b'"x": ' + b"[" * (5 * million)
                                                       + b"]" * (5 * million) + b', "rootfsPropagation"'), []
    yield "a host name of 10 MB", text.replace(b'"bad"', b'"' + b"x" * (10 * million) + b'"'), ["/hostname"]
    long = b'"cwd": "/' + b"x" * (10 * million) + b'"'
    yield "a working directory of 10 MB", text.replace(b'"cwd": "/"', long), [
        "/process/cwd"]
    yield "a mount point of 64 KiB", text.replace(b'"/proc"', b'"/' + b"x" * 65552 + b'"'), ["/mounts/0"]
    many = json.dumps([{"containerID": i, "hostID": i, "size": 1} for i in range(20000)]).encode()
    yield "20000 mappings", text.replace(b'"rootfsPropagation"', b'"uidMappings": ' + many
                                         + b', "rootfsPropagation"'), ["/linux/"]
    long = b'{"path": "/' + b"x" * 65552 + b'",\n    "type": "ipc"'
    yield "a namespace path of 64 KiB", text.replace(b'{\n    "type": "ipc"', long), [
        "/linux/namespaces/2"]
    long = b'"uid": ' + b"9" * 100000
    yield "an id of 100000 digits", text.replace(b'"uid": 0', long, 1), []
