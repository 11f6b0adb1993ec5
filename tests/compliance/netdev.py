"""netdev.py - network devices. Each test has a network namespace of its own in the host's place."""
from kit import *
from spaces import device_names, host_network, ip, moving

NEED = ["prog:ip"]


def output(t, config):
    r = t.run(config)
    t.eq(r.rc, 0, r)
    return r.out


@row("NET-01", need=NEED)
def the_device_moves(t):
    host_network(t)
    with t.container(moving({"h0": {}}, "sleep", "100")) as c:
        t.eq(device_names(ip(t, "-o link")), ["h1", "lo"])
        t.eq(device_names(t.rt("nsenter", "-t", c.pid, "-n", "ip", "-o", "link", raw=True).out), ["h0", "lo"])
    refused(t, moving({"no-such": {}}), "/linux/netDevices/no-such")


@row("NET-02", need=NEED)
def its_name_inside(t):
    for device, want in (({}, "h0"), ({"name": "inside"}, "inside")):
        host_network(t)
        t.eq(device_names(output(t, moving({"h0": device}, "ip", "-o", "link"))), sorted([want, "lo"]))


@row("NET-03", need=NEED)
def a_name_that_is_taken(t):
    host_network(t, "link add h2 type veth peer name h3")
    refused(t, moving({"h0": {"name": "lo"}}), "/linux/netDevices/h0", "EEXIST")
    t.has(device_names(ip(t, "-o link")), "h0", "moved nevertheless")
    refused(t, moving({"h0": {"name": "same"}, "h2": {"name": "same"}}), "/linux/netDevices/h2", "EEXIST")


@row("NET-04", need=NEED)
def a_template_for_the_name(t):
    host_network(t, "link add h2 type veth peer name h3")
    both = moving({"h0": {"name": "n%d"}, "h2": {"name": "n%d"}}, "ip", "-o", "link")
    t.eq(device_names(output(t, both)), ["lo", "n0", "n1"])


@row("NET-05", need=NEED)
def its_properties(t):
    host_network(t, "link set h0 mtu 1400 address 02:11:22:33:44:55 up", "link set h1 up",
                 "addr add 10.1.2.3/24 brd 10.1.2.254 dev h0", "addr add 10.1.2.4/24 dev h0", "addr add fd00::5/64 dev h0",
                 "addr add 10.7.0.1/16 dev h0 valid_lft 999 preferred_lft 999", "addr add 169.254.7.7/16 scope link dev h0")
    text = output(t, moving({"h0": {}}, "sh", "-c", "ip -o link show h0; ip -o addr show dev h0"))
    for word in ("mtu 1400", "02:11:22:33:44:55", "10.1.2.3/24 brd 10.1.2.254", "10.1.2.4/24", "fd00::5/64"):
        t.has(text, word)
    for word in ("10.7.0.1", "169.254.7.7"):
        t.ok(word not in text, "%s is not permanent, or not global: %s" % (word, text))


@row("NET-06", need=NEED)
def it_is_up(t):
    host_network(t, "link set h0 down")
    t.match(output(t, moving({"h0": {}}, "ip", "-o", "link", "show", "h0")), r"<[^>]*\bUP\b")


@row("NET-07", need=NEED)
def it_stays(t):
    host_network(t)
    p = t.popen("unshare", "-n", "sh", "-c", "echo ready; exec sleep 100", raw=True, stdout=subprocess.PIPE)
    try:
        t.eq(p.stdout.readline(), b"ready\n")
        config = moving({"h0": {"name": "given"}})
        next(n for n in config["linux"]["namespaces"] if n["type"] == "network")["path"] = "/proc/%d/ns/net" % p.pid
        output(t, config)
        t.eq(device_names(t.rt("nsenter", "-t", p.pid, "-n", "ip", "-o", "link", raw=True).out), ["given", "lo"])
        t.eq(device_names(ip(t, "-o link")), ["h1", "lo"])
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


@row("NET-08", need=NEED)
def what_is_no_name_and_no_place(t):
    host_network(t)
    for bad in (".", "..", "a/b", "a:b", "a b", "a\tb", "sixteen-bytes-16"):
        refused(t, moving({"h0": {"name": bad}}), "/linux/netDevices/h0/name")
    refused(t, without_namespace(moving({"h0": {}}), "network"), "/linux/netDevices")
    config = moving({"h0": {}})
    next(n for n in config["linux"]["namespaces"] if n["type"] == "network")["path"] = "/proc/self/ns/net"
    refused(t, config, "/linux/namespaces/")
    t.eq(device_names(ip(t, "-o link")), ["h0", "h1", "lo"])
    accepted(t, moving({"h0": {"name": "fifteen-bytes-1"}}, "sleep", "100"))
