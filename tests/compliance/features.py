"""features.py - the features document, and annotations."""
from kit import *

# features.md of 1.3: what may be there, with its type; a dict names members, a list is one of strings.
DOCUMENT = {
    "ociVersionMin": str, "ociVersionMax": str, "hooks": list, "mountOptions": list, "annotations": dict,
    "potentiallyUnsafeConfigAnnotations": list,
    "linux": {
        "namespaces": list, "capabilities": list,
        "cgroup": {"v1": bool, "v2": bool, "systemd": bool, "systemdUser": bool, "rdma": bool},
        "seccomp": {"enabled": bool, "actions": list, "operators": list, "archs": list, "knownFlags": list,
                    "supportedFlags": list},
        "apparmor": {"enabled": bool}, "selinux": {"enabled": bool},
        "intelRdt": {"enabled": bool, "schemata": bool, "monitoring": bool},
        "memoryPolicy": {"modes": list, "flags": list},
        "mountExtensions": {"idmap": {"enabled": bool}}, "netDevices": {"enabled": bool},
    },
}
OPTIONS = ("async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime "
           "noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev "
           "rdiratime relatime remount rexec rnoatime rnodiratime rnodev rnoexec rnorelatime rnostrictatime rnosuid "
           "rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw "
           "shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap "
           "dest-nofollow src-nofollow").split()        # these two are not of the specification

BIG_ENDIAN = {"SCMP_ARCH_" + a for a in "MIPS MIPS64 MIPS64N32 PPC PPC64 S390 S390X PARISC PARISC64 M68K SHEB".split()}


def features(t, **keywords):
    r = t.rt("features", **keywords)
    t.eq(r.rc, 0, r)
    return r.json()


def linux(t):
    return features(t).get("linux", {})


def strangers(value, known, place=""):
    """Members that the document does not define, or of another type."""
    for name, member in value.items():
        here = known.get(name)
        if here is None or not isinstance(member, dict if isinstance(here, dict) else here):
            yield "%s/%s" % (place, name)
        elif isinstance(here, dict):
            yield from strangers(member, here, place + "/" + name)
        elif here is list and not all(isinstance(s, str) for s in member):
            yield "%s/%s: not all are strings" % (place, name)


@row("FEA-01")
def there_is_a_document(t):
    t.ok({"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux"} <= set(features(t)), features(t).keys())


@row("FEA-02")
def the_build_decides(t):
    def other_host():
        mounted = [libc.mount(b"none", p, b"tmpfs", 1, None) for p in (b"/sys", b"/etc", b"/run")]
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        if any(mounted) or os.listdir("/sys"):
            os._exit(99)

    def elsewhere():
        if libc.unshare(0x20000):
            os._exit(99)
        other_host()
    here, there = features(t), features(t, preexec=elsewhere)
    for document in (here, there):
        document["linux"].get("seccomp", {}).pop("supportedFlags", None)
    t.eq(there, here)


@row("FEA-03")
def versions(t):
    document = features(t)
    low, high = (tuple(int(n) for n in re.match(r"(\d+)\.(\d+)\.(\d+)", document[k]).groups())
                 for k in ("ociVersionMin", "ociVersionMax"))
    t.ok(low <= high, document)
    for name in ("ociVersionMin", "ociVersionMax"):
        accepted(t, spec(*FOREVER) | {"ociVersion": document[name]})


@row("FEA-04")
def only_what_is_defined(t):
    document = features(t)
    t.match(document["ociVersionMax"], r"^1\.3\.")         # the version that DOCUMENT is of
    t.eq(list(strangers(document, DOCUMENT)), [])


@row("FEA-05")
def null_is_not_empty(t):
    document = features(t)
    t.ok(document["hooks"] and document["mountOptions"], "lists that are never empty")
    t.eq([s for s in strangers(document, DOCUMENT) if s], [], "null is none of the types")
    t.ok(isinstance(document["potentiallyUnsafeConfigAnnotations"], list), "known, even when there are none")


def seccomp_of(archs, actions, operators):
    """A profile with all of them."""
    args = [{"index": 0, "value": 1, "valueTwo": 1, "op": op} for op in operators]
    rules = [{"names": ["acct"], "action": action, "args": [{"index": 0, "value": i, "op": "SCMP_CMP_EQ"}]}
             for i, action in enumerate(actions) if action not in ("SCMP_ACT_NOTIFY", "SCMP_ACT_ALLOW")]
    rules += [{"names": ["swapoff"], "action": "SCMP_ACT_ERRNO", "args": [arg]} for arg in args]
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": archs, "syscalls": rules}


@row("FEA-06", need=["userns", "timens"])
def every_name_is_recognised(t):
    document = features(t)
    config, seccomp = spec(*FOREVER), document["linux"]["seccomp"]
    for option in document["mountOptions"]:
        if option not in ("idmap", "ridmap", "remount", "bind", "rbind", "tmpcopyup"):     # IDM-* and MOP-* have those
            config["mounts"].append({"destination": "/tmp/" + option, "type": "tmpfs", "source": "tmpfs",
                                     "options": [option]})
    config["linux"]["seccomp"] = seccomp_of([a for a in seccomp["archs"] if a not in BIG_ENDIAN], seccomp["actions"],
                                            seccomp["operators"])
    accepted(t, config)
    for arch in set(seccomp["archs"]) & BIG_ENDIAN:         # known, but no filter is for both byte orders
        refused(t, changed("/linux/seccomp", seccomp_of([arch], [], [])), "byte order")
    config["mounts"][-1]["options"] = ["no-such-option"]
    refused(t, config)

    names = document["linux"]["namespaces"]
    t.eq(sorted(names), sorted("pid network mount ipc uts user cgroup time".split()))
    config = userns_spec(*FOREVER)
    config["linux"]["namespaces"] = [{"type": n} for n in names]
    with t.container(mapped(t, config)) as c:
        for kind in ("pid", "net", "mnt", "ipc", "uts", "user", "cgroup", "time"):
            t.ok(os.readlink("/proc/%d/ns/%s" % (c.pid, kind)) != os.readlink("/proc/self/ns/" + kind), kind)
    t.eq(len(document["linux"]["capabilities"]), 41)


@row("FEA-07")
def no_option_of_a_file_system(t):
    options = features(t)["mountOptions"]
    t.eq([o for o in options if o not in OPTIONS], [])
    t.eq(len(options), len(set(options)))
    t.ok({"bind", "ro", "rro", "nosuid", "rprivate"} <= set(options), options)


@row("FEA-08")
def supported_flags_work(t):
    seccomp = linux(t)["seccomp"]
    t.ok(seccomp["supportedFlags"] and set(seccomp["supportedFlags"]) <= set(seccomp["knownFlags"]), seccomp)
    for flag in seccomp["supportedFlags"]:
        if flag.endswith("WAIT_KILLABLE_RECV"):
            continue                                        # the kernel takes it with a listener only: NOT-*
        config = spec(*FOREVER)
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "flags": [flag], "syscalls": [
            {"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}
        with t.container(config, start=True) as c:
            t.eq(status(read("/proc/%d/status" % c.pid))["Seccomp"], "2", flag)


@row("FEA-09", views=("v1", "v2"))
def cgroup_versions(t):
    cgroup = linux(t)["cgroup"]
    t.ok(cgroup[view()] is True, cgroup)
    with t.container(spec(*FOREVER), start=True) as c:
        t.ok([d for d in cgroup_of(c.pid).values() if c.id in d], "no cgroup")
    if not cgroup["systemd"]:
        c = t.new(spec(*FOREVER))
        r = t.rt("--systemd-cgroup", "create", "--bundle", c.bundle.path, c.id)
        t.ok(r.rc != 0, "a driver that is not there was taken")


@row("FEA-10")
def seccomp_members(t):
    seccomp = linux(t)["seccomp"]
    t.eq(seccomp["enabled"], True)
    for name, must in (("actions", "SCMP_ACT_ERRNO"), ("operators", "SCMP_CMP_MASKED_EQ"),
                       ("archs", "SCMP_ARCH_X86_64"), ("knownFlags", "SECCOMP_FILTER_FLAG_LOG")):
        t.ok(must in seccomp[name] and len(set(seccomp[name])) == len(seccomp[name]), seccomp[name])


def enabled_or_refused(t, enabled, config, host, place):
    """A part that is said to be there can be planned for a host that has it; else the configuration is refused."""
    p = plan_or_error(t, config, host)
    t.eq(p.rc == 0, enabled, "features say %s: %s" % (enabled, p.err))
    t.has(p.text if enabled else p.err, place)


@row("FEA-11")
def security_modules(t):
    found = linux(t)
    enabled_or_refused(t, found["apparmor"]["enabled"], spec(apparmorProfile="p"), "v2-apparmor",
                       "/process/apparmorProfile")
    enabled_or_refused(t, found["selinux"]["enabled"], spec(selinuxLabel="system_u:system_r:container_t:s0"),
                       "v2-selinux", "/process/selinuxLabel")
    config = spec()
    config["linux"]["intelRdt"] = {"closID": "group"}
    refused(t, dict(config, process=spec("true")["process"]), "/linux/intelRdt")       # no resctrl here
    t.ok(isinstance(found["intelRdt"]["enabled"], bool))


@row("FEA-12", need=["userns"])
def id_mapped_mounts(t):
    config = spec("stat", "-c", "%u", "/mnt/file")
    ids = [{"containerID": 0, "hostID": 1000, "size": 1}]
    os.mkdir(t.path("source"))
    write(t.path("source") + "/file", "x", 0o644)
    config["mounts"].append({"destination": "/mnt", "type": "bind", "source": t.path("source"),
                             "options": ["bind", "idmap"], "uidMappings": ids, "gidMappings": ids})
    r = t.run(config)
    works = r.rc == 0 and r.out == "1000\n"
    t.eq(linux(t)["mountExtensions"]["idmap"]["enabled"], True, "works: %s" % works)
    t.ok(works, r)


@row("FEA-13")
def newer_members(t):
    found = linux(t)
    t.ok(isinstance(found["netDevices"]["enabled"], bool))
    t.ok("MPOL_BIND" in found["memoryPolicy"]["modes"] and "MPOL_F_STATIC_NODES" in found["memoryPolicy"]["flags"])
    t.ok(isinstance(found["intelRdt"]["schemata"], bool) and isinstance(found["intelRdt"]["monitoring"], bool))
    config = spec()
    config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
    enabled_or_refused(t, True, config, "v2", "/linux/memoryPolicy")
    config = spec()
    config["linux"]["netDevices"] = {"eth9": {}}
    enabled_or_refused(t, found["netDevices"]["enabled"], config, "v2", "/linux/netDevices")


@row("FEA-14")
def unsafe_annotations(t):
    unsafe = features(t)["potentiallyUnsafeConfigAnnotations"]
    t.ok("run.oci.keep_original_groups" in unsafe or "run.oci." in unsafe, unsafe)
    t.eq([u for u in unsafe if not re.fullmatch(r"[a-z0-9_-]+(\.[a-zA-Z0-9_-]+)*\.?", u)], [])


@row("FEA-15")
def annotations_of_the_runtime(t):
    annotations = features(t)["annotations"]
    t.ok(annotations["org.opencontainers.runc.checkpoint.enabled"] in ("true", "false"), annotations)
    t.ok(all(isinstance(v, str) for v in annotations.values()), annotations)
    if is_husk():
        t.match(annotations["husk.version"], r"^\d+\.\d+\.\d+")


# ---- annotations -------------------------------------------------------------------------------------------

def annotated(annotations, *args):
    return spec(*(args or ("true",))) | {"annotations": annotations}


def in_the_state(t, annotations):
    """They are in the state, exactly, and in that of hooks."""
    b = logged(t, {"createRuntime": "cat >>LOG; echo @ >>LOG"})
    b.config["annotations"] = annotations
    b.save()
    with t.container(b) as c:
        t.eq([c.state()["annotations"], states(t)[0]["annotations"]], [annotations] * 2)


@row("ANN-01")
def annotations_are_strings(t):
    for value in (1, True, [], {}, ["x"]):
        refused(t, annotated({"org.example.key": value}), "/annotations/org.example.key")
    for wrong in ([], "x", 5):
        refused(t, annotated(wrong), "/annotations")
    refused(t, annotated({"": "value"}), "/annotations")
    in_the_state(t, {"org.example.key": "", "k": "v"})


@row("ANN-02")
def annotation_keys_of_any_form(t):
    in_the_state(t, {"org.example.key": "1", "plain": "2", "With Blank/And:Other": "3"})


@row("ANN-03")
def the_reserved_names(t):
    defined = re.compile(r"org\.opencontainers\.image\.")
    with t.container(annotated({"org.opencontainers.image.os": "linux"}, *FOREVER)) as c:
        t.eq(c.state()["annotations"], {"org.opencontainers.image.os": "linux"}, "nothing is added")
    with t.container(spec(*FOREVER)) as c:
        t.eq([k for k in c.state().get("annotations", {}) if not defined.match(k)], [])


@row("ANN-04")
def annotations_of_the_image(t):
    names = "os os.version os.features architecture variant author created stopSignal".split()
    in_the_state(t, {"org.opencontainers.image." + n: "value of " + n for n in names})


@row("ANN-05")
def unknown_annotations(t):
    in_the_state(t, {"org.example.unknown": "x", "run.oci.no-such": "1", "org.opencontainers.no-such": "y"})
    t.eq(t.run(annotated({"org.example.unknown": "x"}, "echo", "ran")).out, "ran\n")


@row("ANN-06")
def properties_of_the_systemd_unit(t):
    document = features(t)
    if document["linux"]["cgroup"]["systemd"]:
        t.ok("org.systemd.property." in document["potentiallyUnsafeConfigAnnotations"], document)
        untestable("no systemd here")
    in_the_state(t, {"org.systemd.property.TimeoutStopUSec": "uint64 123456789"})
    untestable("no systemd driver in this version; the annotation is passed on")


@row("ANN-07")
def configuration_of_criu(t):
    document = features(t)
    if document["annotations"].get("org.opencontainers.runc.checkpoint.enabled") == "true":
        t.ok("org.criu.config" in document["potentiallyUnsafeConfigAnnotations"], document)
    in_the_state(t, {"org.criu.config": "/etc/criu.conf"})
    untestable("no checkpoint in this version; the annotation is passed on")


@row("ANN-08")
def annotations_of_another_runtime(t):
    def have_some():
        os.setgroups([50, 51])
    config = annotated({"run.oci.keep_original_groups": "1"}, "sh", "-c", "grep ^Groups: /proc/self/status")
    t.eq(t.run(config, preexec=have_some).out.split(), ["Groups:", "50", "51"])
    t.ok("run.oci.keep_original_groups" in features(t)["potentiallyUnsafeConfigAnnotations"], "not listed as unsafe")
    in_the_state(t, {"run.oci.hooks.stdout": "/no/such/file", "run.oci.systemd.subgroup": "x",
                     "run.oci.handler": "wasm"})
