#!/usr/bin/python3
"""network.py - network devices that move into the container. Each test has a network of its own for a host."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *
from spaces import device_names, host_network, ip, moving

NEED = ["husk", "prog:ip"]


@test(need=NEED)
def a_device_moves_and_keeps_its_properties(t):
    host_network(t, "link set h0 mtu 1400 address 02:11:22:33:44:55 txqueuelen 77 up",
                 "addr add 10.1.2.3/24 brd 10.1.2.254 dev h0", "addr add 10.9.9.9/32 peer 10.8.8.8 dev h0",
                 "addr add 10.1.2.4/24 dev h0", "addr add fd00::5/64 dev h0")
    r = t.run(moving({"h0": {}}, "sh", "-c", "ip -o link show h0; ip -o addr show dev h0"))
    t.eq(r.rc, 0, r)
    for word in ("mtu 1400", "qlen 77", "link/ether 02:11:22:33:44:55", ",UP", "10.1.2.3/24 brd 10.1.2.254",
                 "10.9.9.9 peer 10.8.8.8/32", "10.1.2.4/24", "fd00::5/64"):
        t.has(r.out, word)
    t.ok("10.1.2.4/24 brd" not in r.out, "a broadcast address that nobody gave: %s" % r)


@test(need=NEED)
def the_host_loses_it(t):
    host_network(t)
    with t.container(moving({"h0": {}}, "sleep", "100")) as c:
        t.eq(device_names(ip(t, "-o link")), ["h1", "lo"])
        t.eq(device_names(t.rt("nsenter", "-t", c.pid, "-n", "ip", "-o", "link", raw=True).out), ["h0", "lo"])


@test(need=NEED)
def names_change(t):
    host_network(t, "link add h2 type veth peer name h3")
    for new, want in (("eth0", "eth0"), ("eth%d", "eth0"), ("a-name-of-15-by", "a-name-of-15-by")):
        host_network(t, "addr add 10.1.2.3/24 dev h0")
        r = t.run(moving({"h0": {"name": new}}))
        t.eq(r.rc, 0, r)
        t.match(r.out, r"\d: %s +inet 10.1.2.3/24 " % want)


@test(need=NEED)
def a_template_takes_the_next_free_name(t):
    host_network(t, "link add h2 type veth peer name h3", "addr add 10.0.0.1/8 dev h0", "addr add 10.0.0.2/8 dev h2")
    r = t.run(moving({"h0": {"name": "n%d"}, "h2": {"name": "n%d"}}))
    t.eq(r.rc, 0, r)
    t.match(r.out, r": n0 +inet 10.0.0.1/8")
    t.match(r.out, r": n1 +inet 10.0.0.2/8")


@test(need=NEED)
def addresses_that_are_not_the_users_stay_behind(t):
    host_network(t, "link set h0 up", "link set h1 up", "addr add 10.1.2.3/24 dev h0 valid_lft 1000 preferred_lft 1000",
                 "addr add 169.254.1.1/16 scope link dev h0", "addr add 10.1.2.5/24 dev h0")
    r = t.run(moving({"h0": {}}, "ip", "-o", "-4", "addr", "show", "dev", "h0"))
    t.eq([line.split()[3] for line in r.out.splitlines()], ["10.1.2.5/24"], r)


def devices_now(t):
    return sorted((d["ifname"], d["address"], d["mtu"], "UP" in d["flags"],
                   sorted((a["local"], a["prefixlen"]) for a in d["addr_info"] if a["scope"] == "global"))
                  for d in json.loads(ip(t, "-j addr")))


def fails_and_gives_back(t, config, *command):
    host_network(t, "link add h2 type veth peer name h3", "link set h2 mtu 1234", "addr add 10.2.2.3/24 dev h2",
                 "link set h0 up", "addr add 10.1.2.3/24 dev h0", "addr add fd00::5/64 dev h0")
    before = devices_now(t)
    c = t.new(config)
    r = t.rt(*command, "--bundle", c.bundle.path, c.id)
    t.ok(r.rc != 0, r)
    t.eq(devices_now(t), before, r)
    return r


@test(need=NEED)
def a_create_that_fails_gives_devices_back(t):
    """Else the kernel destroys them with the namespace."""
    both = {"h0": {"name": "e%d"}, "h2": {"name": "h0"}}
    false = [{"path": shutil.which("false")}]
    missing = moving(both, "no-such-program")
    sysctl = moving(both)
    sysctl["linux"]["sysctl"] = {"net.ipv4.nope": "1"}
    r = fails_and_gives_back(t, missing, "create")
    t.has(r.err, "no-such-program", r)
    fails_and_gives_back(t, sysctl, "create")
    fails_and_gives_back(t, moving({"h0": {}, "h2": {"name": "h0"}}), "create")
    for kind, command in (("createRuntime", "create"), ("createContainer", "create"), ("startContainer", "run"),
                          ("poststart", "run")):
        config = moving(both, "sleep", "100")
        config["hooks"] = {kind: false}
        fails_and_gives_back(t, config, command)


@test(need=NEED + ["userns", "devnull"])
def a_create_that_fails_gives_devices_back_from_a_user_namespace(t):
    config = userns_spec("no-such-program")
    config["linux"]["netDevices"] = {"h0": {"name": "e0"}, "h2": {}}
    fails_and_gives_back(t, config, "create")


@test(need=NEED)
def a_name_that_is_taken_is_an_error(t):
    host_network(t, "link add h2 type veth peer name h3")
    for devices, place in (({"h0": {"name": "lo"}}, "h0"), ({"h0": {"name": "x"}, "h2": {"name": "x"}}, "h2")):
        host_network(t, "link add h2 type veth peer name h3")
        c = t.new(moving(devices))
        t.fails(c.create(), "/linux/netDevices/" + place, "EEXIST")
        t.ok(place in device_names(ip(t, "-o link")), "%s was moved" % place)
        t.ok(t.rt("state", c.id).rc != 0)


@test(need=NEED)
def a_device_that_is_not_there_is_an_error(t):
    host_network(t)
    t.fails(t.new(moving({"h9": {}})).create(), "/linux/netDevices/h9", "ENODEV")
    t.fails(t.new(moving({"lo": {"name": "lo2"}})).create(), "/linux/netDevices/lo", "move network device lo")
    t.eq(device_names(ip(t, "-o link")), ["h0", "h1", "lo"])


@test(need=NEED)
def bad_names_and_no_namespace_are_errors(t):
    host_network(t)
    for bad in (".", "..", "a/b", "a:b", "a b", "a\tb", "sixteen-bytes-16"):
        t.fails(t.new(moving({"h0": {"name": bad}})).create(), "/linux/netDevices/h0/name")
        t.fails(t.new(moving({bad: {}})).create(), "/linux/netDevices")
    t.fails(t.new(without_namespace(moving({"h0": {}}), "network")).create(), "/linux/netDevices")
    config = moving({"h0": {}})
    for n in config["linux"]["namespaces"]:
        if n["type"] == "network":
            n["path"] = "/proc/self/ns/net"
    t.fails(t.new(config).create(), "/linux/namespaces/")
    t.eq(device_names(ip(t, "-o link")), ["h0", "h1", "lo"])


@test(need=NEED)
def a_number_that_is_taken_in_there(t):
    """A device keeps its number where it can: in a joined namespace that may be another's."""
    host_network(t, "addr add 10.1.2.3/24 dev h0")
    number = ip(t, "-o link show h0").split(":")[0]
    p = t.popen("unshare", "-n", "sh", "-c", "ip link add name taken index %s type veth peer name t2 && echo ready; "
                "exec sleep 100" % number, raw=True, stdout=subprocess.PIPE)
    t.eq(p.stdout.readline(), b"ready\n")
    try:
        config = moving({"h0": {"name": "n%d"}})
        for n in config["linux"]["namespaces"]:
            if n["type"] == "network":
                n["path"] = "/proc/%d/ns/net" % p.pid
        r = t.run(config)
        t.eq(r.rc, 0, r)
        t.match(r.out, r": n0 +inet 10.1.2.3/24")
        t.has(t.rt("nsenter", "-t", p.pid, "-n", "ip", "-o", "link", raw=True).out, ": n0", "it stays where it is")
        config["linux"]["netDevices"] = {"h1": {"name": "taken"}}
        t.fails(t.new(config).create(), "EEXIST")
        t.eq(device_names(ip(t, "-o link")), ["h1", "lo"])
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


@test(need=NEED + ["userns", "devnull"])
def into_a_user_namespace(t):
    host_network(t, "addr add 10.1.2.3/24 dev h0")
    config = userns_spec("ip", "-o", "addr", "show", "dev", "e0")
    config["linux"]["netDevices"] = {"h0": {"name": "e0"}}
    r = t.run(config)
    t.eq(r.rc, 0, r)
    t.has(r.out, "inet 10.1.2.3/24")


@test(need=NEED)
def hooks_see_it_in_its_place_and_sysctls_reach_it(t):
    host_network(t, "addr add 10.1.2.3/24 dev h0")
    config = moving({"h0": {"name": "e0"}}, "cat", "/proc/sys/net/ipv4/conf/e0/forwarding")
    config["linux"]["sysctl"] = {"net.ipv4.conf.e0.forwarding": "1"}
    config["hooks"] = {"createRuntime": [{"path": shutil.which("ip"), "args": ["ip", "link", "show", "h1"]}],
                       "createContainer": [{"path": shutil.which("ip"), "args": ["ip", "link", "show", "e0"]}]}
    r = t.run(config)
    t.eq((r.rc, r.out), (0, "1\n"), r)


@test(need=NEED)
def many_addresses(t):
    host_network(t)
    t.rt("sh", "-c", "for i in $(seq 1 200); do echo addr add 10.2.$i.1/24 dev h0; done | ip -batch -", raw=True)
    r = t.run(moving({"h0": {}}, "sh", "-c", "ip -o -4 addr show dev h0 | wc -l"))
    t.eq((r.rc, r.out), (0, "200\n"), r)


@test(need=NEED)
def exec_and_delete_leave_it_alone(t):
    host_network(t)
    with t.container(moving({"h0": {}}, "sleep", "100"), start=True) as c:
        r = c.exec("ip", "-o", "link")
        t.eq(device_names(r.out), ["h0", "lo"], r)
        t.eq(c.delete("--force").rc, 0)
    t.until(lambda: device_names(ip(t, "-o link")) == ["lo"], "the pair to die with the namespace")


main()
