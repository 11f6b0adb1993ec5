"""spaces.py - namespaces around a test: processes that hold some, and a network in the host's place."""
import subprocess

import harness
from harness import libc, spec

harness.SHARED.add("spaces.py")
CLONE_NEWNET = 0x40000000


def bare(*args, kinds=("mount",), **process):
    """A configuration that needs nothing but these namespaces."""
    config = spec(*(args or ("sleep", "1000")), **process)
    config["linux"] = {"namespaces": [{"type": k} for k in kinds]}
    config["mounts"] = [m for m in config["mounts"] if m["destination"] in ("/proc", "/dev")]
    del config["hostname"]
    return config


class Holder:
    """A process in namespaces of its own, whose /proc/PID/ns files a configuration can name."""

    def __init__(self, t, *options):
        self.p = t.popen("unshare", *options, "sh", "-c", "echo ready; exec sleep 1000", raw=True,
                         stdout=subprocess.PIPE)
        t.eq(self.p.stdout.readline(), b"ready\n")
        self.pid = self.p.pid

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


def ip(t, *commands):
    """Run ip(8) on the host; what the last one printed."""
    for command in commands:
        r = t.rt("ip", *command.split(), raw=True)
        t.eq(r.rc, 0, r)
    return r.out


def host_network(t, *commands):
    """A new network namespace takes the host's place; h0 and h1 are a pair of devices in it."""
    t.eq(libc.unshare(CLONE_NEWNET), 0)
    ip(t, "link set lo up", "link add h0 type veth peer name h1", *commands)


def moving(devices, *args):
    """A configuration that gets these devices, and shows them."""
    config = spec(*(args or ("ip", "-o", "addr")))
    config["linux"]["netDevices"] = devices
    return config


def device_names(text):
    """Devices in what `ip -o link` prints."""
    return sorted(line.split(":")[1].strip().split("@")[0] for line in text.splitlines())
