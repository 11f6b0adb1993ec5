"""sysctl.py - linux.sysctl."""
from kit import *

AT = "/linux/sysctl"


def tuned(values, *without, config=None):
    """A configuration with these sysctls, without some namespaces."""
    config = without_namespace(config or spec(), *without)
    if "uts" in without:
        del config["hostname"]
    config["linux"]["sysctl"] = dict(values)
    return config


def place(key):
    return "%s/%s" % (AT, key.replace("~", "~0").replace("/", "~1"))


def shown(t, config, *names):
    return says(t, "cd /proc/sys; for n in %s; do cat $n; done" % " ".join(names), config).splitlines()


def of_host(name):
    return read("/proc/sys/" + name)


def kept_out(t, values, *without, words=()):
    """Refused with the place of the key, and the host's own value is what it was."""
    key = next(iter(values))
    name = key.replace(".", "/")
    before = of_host(name) if os.path.isfile("/proc/sys/" + name) else None
    refused(t, tuned(values, *without), place(key), *words)
    if before is not None:
        t.eq(of_host(name), before, "the host's")


@row("SYS-01")
def keys_and_values(t):
    config = tuned({"net.ipv4.ip_forward": "1", "net/ipv4/ip_default_ttl": "77", "kernel.msgmax": "5000"})
    hosts = [of_host("net/ipv4/ip_default_ttl"), of_host("kernel/msgmax")]
    t.eq(shown(t, config, "net/ipv4/ip_forward", "net/ipv4/ip_default_ttl", "kernel/msgmax"), ["1", "77", "5000"])
    t.eq([of_host("net/ipv4/ip_default_ttl"), of_host("kernel/msgmax")], hosts, "the host's")
    if is_husk():
        t.eq([op["path"] for op in plan(t, tuned({"net.ipv4.conf.eth0/1.forwarding": "1",
                                                  "net/ipv4/conf/eth0.2/forwarding": "1"})).find("write")
              if op["why"].startswith(AT)],
             ["@proc:sys/net/ipv4/conf/eth0.1/forwarding", "@proc:sys/net/ipv4/conf/eth0.2/forwarding"])


@row("SYS-02")
def a_failed_write(t):
    kept_out(t, {"net.ipv4.no_such_thing": "1"})
    kept_out(t, {"net.ipv4.ip_default_ttl": "lots"})
    kept_out(t, {"kernel.msgmax": "-5"})
    kept_out(t, {"net.ipv4.ip_default_ttl": 64})


@row("SYS-03")
def ipc(t):
    values = {"kernel.msgmax": "5001", "kernel.msgmnb": "5002", "kernel.msgmni": "503", "kernel.shmall": "50000",
              "kernel.sem": "200 32000 100 128", "kernel.shmmax": "500000", "kernel.shmmni": "404",
              "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "9", "fs.mqueue.queues_max": "99"}
    found = shown(t, tuned(values), *(k.replace(".", "/") for k in values))
    t.eq([line.split() for line in found], [v.split() for v in values.values()])
    for key in values:
        kept_out(t, {key: values[key]}, "ipc")
    for key in ("kernel.pid_max", "kernel.core_pattern", "vm.overcommit_memory", "fs.file-max", "kernel.msg",
                "fs.mqueue", "kernel.msgmax.x", "kernel.sem_next_id", "abi.x"):
        kept_out(t, {key: "1"})


@row("SYS-04")
def net(t):
    t.eq(shown(t, tuned({"net.ipv4.ip_default_ttl": "33"}), "net/ipv4/ip_default_ttl"), ["33"])
    kept_out(t, {"net.ipv4.ip_default_ttl": "33"}, "network")
    config = tuned({"net.ipv4.ip_default_ttl": "33"}, "network")
    before = of_host("net/ipv4/ip_default_ttl")
    config["linux"]["namespaces"].append({"type": "network", "path": "/proc/%d/ns/net" % os.getpid()})
    refused(t, config)
    t.eq(of_host("net/ipv4/ip_default_ttl"), before, "the host's, by its path")
    refused(t, tuned({"network.x": "1", "net": "1"}), AT)


@row("SYS-05")
def uts(t):
    before = of_host("kernel/domainname")
    config = tuned({"kernel.domainname": "example.org"})
    t.eq(shown(t, config, "kernel/domainname"), ["example.org"])
    kept_out(t, {"kernel.domainname": "example.org"}, "uts")
    kept_out(t, {"kernel.hostname": "box"})
    if is_husk():
        config = tuned({"kernel.domainname": "example.org"})
        config["domainname"] = "example.net"
        refused(t, config, place("kernel.domainname"))
        config["domainname"] = "example.org"
        t.eq(shown(t, config, "kernel/domainname"), ["example.org"])
    t.eq(of_host("kernel/domainname"), before)


@row("SYS-06", need=["userns"])
def user(t):
    before = of_host("user/max_net_namespaces")
    config = tuned({"user.max_net_namespaces": "17"}, config=userns_spec())
    t.eq(shown(t, config, "user/max_net_namespaces"), ["17"])
    kept_out(t, {"user.max_net_namespaces": "17"})
    t.eq(of_host("user/max_net_namespaces"), before)


@row("SYS-07")
def never_outside_of_proc_sys(t):
    before = of_host("kernel/core_pattern")
    for key in ("net/../kernel/core_pattern", "net/ipv4/../../../sysrq-trigger", "net/..", "net//ipv4/ip_forward",
                "/net/ipv4", "net/./ipv4", "..", "", "net/ipv4/ip_forward/", "net/ipv4 /x"):
        refused(t, tuned({key: "1"}), AT)
    t.eq(of_host("kernel/core_pattern"), before)
    if is_husk():
        ops = plan(t, tuned({"net.ipv4.ip_forward": "1"})).ops
        opened = [op for op in ops if op["do"] == "open" and op.get("slot") == "@proc"]
        t.eq([(op["path"], op["expect"]) for op in opened], [("/proc", "procfs")])
        t.eq([op["path"] for op in ops if op.get("why", "").startswith(AT)], ["@proc:sys/net/ipv4/ip_forward"])
