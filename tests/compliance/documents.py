"""documents.py - config.json as a document, and the bundle it lies in."""
from kit import *

FREE = ("/annotations", "/linux/sysctl", "/linux/resources/unified")     # objects whose members are data


def rich():
    """A valid configuration with objects at many levels."""
    config = spec("true", consoleSize={"height": 20, "width": 80}, oomScoreAdj=0)
    config["annotations"] = {"org.example.a": "b"}
    config["hooks"] = {"poststop": [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]}
    config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "0"}
    config["linux"]["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}
    return config


def nodes(value, pointer=""):
    """(pointer, value) of everything in a document."""
    yield pointer, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from nodes(member, "%s/%s" % (pointer, key))


def replaced(config, pointer, value):
    """A copy with another value there; keys with a slash or a dot in them are whole."""
    def copy(node, here):
        if here == pointer:
            return value
        if isinstance(node, dict):
            return {k: copy(v, here + "/" + k) for k, v in node.items()}
        if isinstance(node, list):
            return [copy(v, "%s/%d" % (here, i)) for i, v in enumerate(node)]
        return node
    return copy(config, "")


def refused_each(t, documents):
    """Each (text or dict, words) is refused; one bundle for all."""
    control(t)
    b = t.bundle()
    b.config = None
    for document, words in documents:
        text = json.dumps(document) if isinstance(document, dict) else document
        write(os.path.join(b.path, "config.json"), text)
        b.before = None
        try:
            refused(t, b, *words)
        except Fail as e:
            raise Fail("%s, with ...%.200r" % (e, text[:200]))


@row("JSON-01")
def malformed_documents(t):
    good = json.dumps(spec("true"))
    name = b'"hostname": "husk"'
    raw = good.encode()
    t.ok(name in raw)
    refused_each(t, [(text, ("config.json:",)) for text in (
        b"", b"   ", b"[]", b"null", raw[:-1], raw[:len(raw) // 2], raw + b"x", raw + raw, raw[:-1] + b",}",
        raw.replace(name, b"'hostname': 'husk'"), raw.replace(name, b"hostname: 1"),
        raw.replace(name, b'"hostname": "a\xffb"'), raw.replace(name, b'"hostname": "\xc0\xaf"'),
        raw.replace(name, b'"hostname": "\xed\xa0\x80"'), raw.replace(name, b'"hostname": "a\nb"'),
        raw.replace(name, b'"hostname": "\\q"'), raw.replace(name, b'"hostname": 01'),
        raw.replace(name, b'"x": ' + b"[" * 100000 + b"]" * 100000), good.encode("utf-16"))])
    config = spec("echo", "h\u00e4\u2713\U0001f600")
    t.eq(t.run(bundle_of(t, json.dumps(config, ensure_ascii=False))).outb, "h\u00e4\u2713\U0001f600\n".encode())
    t.eq(t.run(bundle_of(t, json.dumps(config, ensure_ascii=True))).outb, "h\u00e4\u2713\U0001f600\n".encode())


@row("JSON-02")
def duplicate_names(t):
    control(t)
    config = json.dumps(spec("hostname"))
    double = config.replace('"hostname": "husk"', '"hostname": "first", "hostname": "second"')
    t.ok(double != config)
    c = t.new(bundle_of(t, double))
    r = c.run()
    if r.rc:
        t.ok(not is_husk() or "/hostname" in r.err, r)
        t.ok(t.rt("state", c.id).rc != 0, "refused, but there is a container")
    else:
        t.ok(r.out in ("first\n", "second\n"), r)


@row("JSON-03")
def member_order(t):
    def reversed_members(value):
        if isinstance(value, dict):
            return {k: reversed_members(v) for k, v in reversed(list(value.items()))}
        return [reversed_members(v) for v in value] if isinstance(value, list) else value

    config = rich()
    seen = look(t, config)
    b = probed(t, reversed_members(config))
    text = read(os.path.join(b.path, "config.json"))
    t.ok(text.index('"linux"') < text.index('"mounts"') < text.index('"root"') < text.index('"ociVersion"'))
    r = t.run(b)
    t.eq(r.rc, 0, r)
    again = dict(line.split("=", 1) for line in r.out.splitlines())
    for name in ("uts.hostname", "cwd", "rlimit.NOFILE", "status.CapBnd", "sched.nice", "groups"):
        t.eq(again.get(name), seen.get(name), name)
    t.ok("uts.hostname" in seen and "rlimit.NOFILE" in seen, sorted(seen)[:20])


@row("JSON-04")
def unknown_members(t):
    config = rich()
    for pointer, value in list(nodes(config)):
        if isinstance(value, dict) and pointer not in FREE:
            value["org.example.unknown"] = {"any": [1, None, {"x": True}]}
            value["Path"] = value["CWD"] = 5        # names have one spelling: these are unknown too
    config["process"]["args"] = ["hostname"]
    config["HOSTNAME"] = "other"
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "husk\n"), r)


@row("JSON-05")
def values_of_the_wrong_type(t):
    config = rich()
    wrong = {bool: "true", int: {"a": 1}, str: {}, list: "x", dict: "x"}
    cases = [(replaced(config, pointer, wrong[type(value)]), (pointer,))
             for pointer, value in nodes(config) if pointer]
    cases += [(replaced(config, pointer, value), (pointer,)) for pointer, value in (
        ("/process/rlimits/0/type", "RLIMIT_FOO"), ("/linux/namespaces/0/type", "foo"), ("/process/cwd", "x/y"),
        ("/linux/seccomp/defaultAction", "SCMP_ACT_FOO"), ("/linux/devices/0/type", "x"), ("/process/args", []),
        ("/hooks/poststop/0/path", "bin/true"))]
    t.ok(len(cases) > 100, len(cases))
    refused_each(t, cases)
    accepted(t, config)


@row("JSON-06")
def what_is_not_supported_is_named(t):
    config = spec("true")
    config["linux"]["resources"]["network"] = {"classID": 5}
    t.eq(plan(t, config, "hybrid-5.4").writes("net_cls.classid"), ["5"])
    no_plan(t, config, "/linux/resources/network/classID", host="v2")


@row("JSON-07")
def sixty_four_bits(t):
    odd, most = 2 ** 53 + 1, 2 ** 64 - 1             # a double cannot hold them
    config = spec(rlimits=[{"type": "RLIMIT_FSIZE", "soft": odd, "hard": most},
                           {"type": "RLIMIT_CPU", "soft": most, "hard": most}])
    seen = look(t, config)
    t.eq((seen["rlimit.FSIZE"], seen["rlimit.CPU"]), ("%d -1" % odd, "-1 -1"))
    config = spec()
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["ftruncate"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95,
         "args": [{"index": 1, "value": odd, "op": "SCMP_CMP_EQ"}]}]}
    script = "for n in %d %d %d; do truncate -s $n /dev/shm/f 2>/dev/null; echo $?; done" % (odd - 1, odd, odd + 1)
    t.eq(says(t, script, config), "0\n1\n0\n")


@row("JSON-08")
def integers_outside_their_range(t):
    refused_each(t, [(changed(pointer, value), (pointer,)) for pointer, value in (
        ("/process/user/uid", -1), ("/process/user/gid", 4294967296), ("/process/user/uid", 1.5),
        ("/process/user/uid", 1e10), ("/process/user/uid", "0"), ("/process/oomScoreAdj", 2 ** 40),
        ("/process/user/umask", -1), ("/process/rlimits/0/soft", -1), ("/process/rlimits/0/hard", 2 ** 64))])


@row("JSON-09")
def nothing_is_made_before_all_is_checked(t):
    config = spec("true")
    config["hooks"] = {"prestart": [{"path": BUSYBOX, "args": ["touch", t.path("mark")]}]}
    with t.container(config):
        t.ok(os.path.exists(t.path("mark")), "the hook did not run")
    os.unlink(t.path("mark"))
    config["linux"]["readonlyPaths"].append(5)
    refused(t, config, "/linux/readonlyPaths/5")
    t.ok(not os.path.exists(t.path("mark")), "a hook ran for a configuration that is not valid")


@row("JSON-10")
def null_is_absent(t):
    config = spec("echo", "ran")
    config["linux"].update(dict.fromkeys(("seccomp", "devices", "sysctl", "uidMappings", "gidMappings", "cgroupsPath",
                                          "rootfsPropagation", "mountLabel", "intelRdt", "personality", "netDevices",
                                          "timeOffsets", "memoryPolicy")))
    config["linux"]["resources"].update(dict.fromkeys(("memory", "cpu", "pids", "blockIO", "hugepageLimits",
                                                       "network", "rdma", "unified")))
    config["process"].update(dict.fromkeys(("consoleSize", "apparmorProfile", "selinuxLabel", "oomScoreAdj",
                                            "ioPriority", "scheduler", "execCPUAffinity", "commandLine", "rlimits")))
    config["process"]["user"].update(umask=None, additionalGids=None)
    config["process"]["capabilities"]["ambient"] = None
    config.update(domainname=None, hooks=None, annotations=None)
    config["root"]["readonly"] = None
    config["mounts"][0]["options"] = None
    t.eq(shell(t, "echo ran; touch /mark", config_bundle(t, config)).out, "ran\n")
    refused(t, changed("/process/cwd", None), "/process/cwd")
    refused(t, changed("/root", None), "/root")


def config_bundle(t, config):
    """A bundle into whose rootfs the container may write."""
    b = t.bundle(config)
    b.loose = True
    return b


@row("JSON-11")
def no_nul(t):
    evil = "a\0b"
    cases = [("/process/args/0", "/bin/true\0x"), ("/process/args/-", evil), ("/process/env/-", "A=" + evil),
             ("/process/cwd", "/\0x"), ("/hostname", evil), ("/root/path", "rootfs\0x"),
             ("/mounts/0/destination", "/proc\0x"), ("/mounts/0/source", "proc\0x"), ("/mounts/1/options/-", evil),
             ("/linux/maskedPaths/-", "/" + evil), ("/linux/readonlyPaths/-", "/" + evil),
             ("/linux/cgroupsPath", "/" + evil)]
    refused_each(t, [(changed(pointer, value), ("config.json:",)) for pointer, value in cases])


# ---- the bundle --------------------------------------------------------------------------------------------

@row("BND-01")
def a_bundle_is_a_directory_with_a_config(t):
    control(t)
    whole, empty = t.bundle(), t.bundle()
    os.unlink(empty.path + "/config.json")
    odd = t.bundle()
    os.unlink(odd.path + "/config.json")
    os.mkdir(odd.path + "/config.json")
    for bundle in (t.path("none"), empty.path, odd.path, whole.path + "/config.json"):
        r = t.rt("create", "--bundle", bundle, t.id())
        t.ok(r.rc != 0, "accepted %s" % bundle)
        t.ok(not is_husk() or r.rc == 1 and ("config.json" in r.err or bundle in r.err), r)
    accepted(t, whole)


@row("BND-02")
def relative_root_path(t):
    b = t.bundle(spec("cat", "/which"))
    os.makedirs(b.path + "/deep")
    os.rename(b.rootfs, b.path + "/deep/tree")
    write(b.path + "/deep/tree/which", "the bundle's\n", 0o644)
    for path in ("deep/tree", "./deep/../deep/tree", b.path + "/deep/tree"):
        b.config["root"]["path"] = path
        b.save()
        for keywords in ({"cwd": "/"}, {"cwd": t.dir}):
            t.eq(t.run(b, **keywords).out, "the bundle's\n", path)
    b.config["root"]["path"] = "rootfs"
    b.save()
    refused(t, b, "rootfs")


@row("BND-03")
def bundle_by_option_or_directory(t):
    a, b = t.bundle(spec("echo", "a")), t.bundle(spec("echo", "b"))
    t.eq(t.rt("run", t.id(), cwd=a.path).out, "a\n")
    t.eq(t.rt("run", "--bundle", b.path, t.id(), cwd=a.path).out, "b\n")
    t.eq(t.rt("run", "-b", os.path.basename(b.path), t.id(), cwd=t.dir).out, "b\n")


@row("BND-04")
def edits_after_create(t):
    b = t.bundle(spec("sh", "-c", "hostname; echo $A; sleep 100", env=["A=before", "PATH=/bin"]))
    b.loose = True
    with t.container(b) as c:
        for edit in (json.dumps(spec("echo", "after", env=["A=after"])), "{"):
            write(b.path + "/config.json", edit)
            t.eq(c.state()["status"], "created")
        t.eq(c.start().rc, 0)
        t.until(lambda: c.out == "husk\nbefore\n", "the output of the program of create")
        os.unlink(b.path + "/config.json")
        t.eq(c.exec("/bin/sh", "-c", "echo $A").out, "before\n")
        t.eq((c.kill("KILL").rc, c.wait(), c.delete().rc), (0, None, 0))


@row("BND-05")
def version_is_semantic(t):
    config = spec("true")
    del config["ociVersion"]
    cases = [(config, ("ociVersion",))]
    for version in ("", "1", "1.0", "v1.0.2", "1.0.2.3", "01.0.2", "1.0.02", "1.0.2-", "1.0.2+", "1.0.2-a..b",
                    "1.0.2-01", "1.0.x", " 1.0.2", "1.0.2 ", "abc", 1, 1.0, None):
        cases.append((changed("/ociVersion", version), ("ociVersion",)))
    refused_each(t, cases)
    for version in ("1.0.2", "1.0.2-dev", "1.0.0-rc5+build.7", "1.1.0+sha-5"):
        accepted(t, changed("/ociVersion", version))


@row("BND-06")
def versions_of_the_same_major(t):
    features = t.rt("features").json()
    low, high = features["ociVersionMin"], features["ociVersionMax"]
    versions = [low, high, "1.0.0", "1.0.1", "1.0.2"]
    versions += ["1.%d.%d" % (minor, patch) for minor in range(int(high.split(".")[1]) + 1) for patch in (0, 1, 9)]
    for version in versions:
        accepted(t, changed("/ociVersion", version))


@row("BND-07")
def root_is_required(t):
    config = spec("true")
    del config["root"]
    refused(t, config, "/root")


@row("BND-08")
def without_linux(t):
    config = spec("sh", "-c", "echo ran; sleep 100")
    for name in ("linux", "hostname", "mounts"):
        del config[name]
    config["root"]["readonly"] = False
    with t.container(config_bundle(t, config), start=True) as c:
        t.until(lambda: c.out == "ran\n", "the program's output")
        for name in ("pid", "net", "ipc", "uts", "mnt", "user", "cgroup"):
            t.eq(os.readlink("/proc/%d/ns/%s" % (c.pid, name)), os.readlink("/proc/self/ns/" + name))
        t.eq(os.readlink("/proc/%d/root" % c.pid), c.bundle.rootfs)


@row("BND-09")
def without_mounts(t):
    config = spec("echo", "ran")
    del config["mounts"]
    config["linux"].update(maskedPaths=[], readonlyPaths=[])
    t.eq(t.run(config_bundle(t, config)).out, "ran\n")
