#!/usr/bin/python3
"""podman.py - a container of a local busybox image under podman with husk as its runtime, on private storage.

Needs root, podman and busybox. HUSK names another runtime. Nothing is fetched: the image is imported from a tar file.
"""
import glob
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HUSK = os.environ.get("HUSK") or os.path.join(HERE, "../../build/husk")
results = []


def result(name, good, detail=""):
    results.append(good)
    print("ok - " + name if good else "not ok - %s: %s" % (name, detail.replace("\n", " | ")[-600:]), flush=True)


def skip(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def make_image(path):
    root = os.path.join(path, "image")
    for d in ("bin", "etc", "proc", "sys", "dev", "tmp"):
        os.makedirs(os.path.join(root, d))
    shutil.copy("/bin/busybox", os.path.join(root, "bin"))
    for applet in ("sh", "echo", "id", "cat", "sleep", "hostname", "true", "kill"):
        os.symlink("busybox", os.path.join(root, "bin", applet))
    with open(os.path.join(root, "etc/passwd"), "w") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n")
    tar = os.path.join(path, "image.tar")
    with tarfile.open(tar, "w") as t:
        t.add(root, arcname=".")
    return tar


class Podman:
    def __init__(self, path):
        conf = os.path.join(path, "containers.conf")
        with open(conf, "w") as f:
            # limits below the machine's own, which a root without CAP_SYS_RESOURCE cannot raise
            f.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "none"\n'
                    '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
        self.env = dict(os.environ, CONTAINERS_CONF=conf, TMPDIR=path)
        self.base = ["podman", "--root", path + "/root", "--runroot", path + "/run", "--tmpdir", path + "/tmp",
                     "--storage-driver", "vfs", "--runtime", os.path.abspath(HUSK)]

    def __call__(self, *args, stdin=None):
        p = subprocess.run(self.base + list(args), env=self.env, input=stdin, capture_output=True, text=True, timeout=90)
        return p.returncode, p.stdout, p.stderr


def tests(podman, tar):
    rc, out, err = podman("import", "-q", tar, "husk-test")
    result("the image is imported", rc == 0, err)
    run = ["run", "--rm", "--network", "none"]
    rc, out, err = podman(*run, "husk-test", "echo", "hello from", "a container")
    result("run prints what it should", rc == 0 and out == "hello from a container\n", "rc %d %r %s" % (rc, out, err))
    rc, out, err = podman(*run, "husk-test", "sh", "-c", "exit 7")
    result("run returns the exit status", rc == 7, "rc %d %s" % (rc, err))
    rc, out, err = podman(*run, "husk-test", "no-such-program")
    result("a missing program is status 127", rc == 127, "rc %d %s" % (rc, err))
    rc, out, err = podman(*run, "--user", "1000:1000", "--hostname", "box", "husk-test", "sh", "-c", "id -u; hostname")
    result("user and hostname", (rc, out) == (0, "1000\nbox\n"), "rc %d %r %s" % (rc, out, err))
    rc, out, err = podman(*run, "-i", "husk-test", "cat", stdin="through a pipe\n")
    result("stdin reaches the program", (rc, out) == (0, "through a pipe\n"), "rc %d %r %s" % (rc, out, err))
    rc, out, err = podman("run", "-d", "--name", "box", "--network", "none", "husk-test", "sleep", "100")
    result("run -d", rc == 0, err)
    cgroup = "libpod-" + out.strip()
    rc, out, err = podman("exec", "box", "echo", "inside")
    result("exec", (rc, out) == (0, "inside\n"), "rc %d %r %s" % (rc, out, err))
    rc, out, err = podman("exec", "-t", "box", "sh", "-c", "test -t 0 && echo terminal")
    result("exec -t has a terminal", rc == 0 and out.strip() == "terminal", "rc %d %r %s" % (rc, out, err))
    rc, out, err = podman("update", "--memory", "64m", "--cpu-quota", "50000", "box")
    files = [glob.glob("/sys/fs/cgroup/%s/**/%s/%s" % (controller, cgroup, name), recursive=True)
             for controller, name in (("memory", "memory.limit_in_bytes"), ("cpu", "cpu.cfs_quota_us"))]
    if not all(files):
        print("ok - update # SKIP looked for on cgroup v1 alone")
    else:
        limits = [int(open(f[0]).read()) for f in files]
        result("update", rc == 0 and limits == [64 << 20, 50000], "rc %d %s %s" % (rc, limits, err))
    rc, out, err = podman("stop", "-t", "1", "box")
    result("stop", rc == 0, err)
    rc, out, err = podman("rm", "-f", "box")
    result("rm", rc == 0, err)
    rc, out, err = podman("ps", "-a", "-q")
    result("no container is left", (rc, out) == (0, ""), out + err)


def main():
    if os.geteuid() != 0:
        skip("needs root")
    for program in ("podman", "conmon", "busybox"):
        if not shutil.which(program):
            skip("needs " + program)
    # conmon binds sockets below this path: it has to be short
    path = tempfile.mkdtemp(prefix="husk-podman-", dir="/tmp")
    podman = Podman(path)
    try:
        tests(podman, make_image(path))
    finally:
        podman("rm", "-a", "-f", "-t", "0")
        shutil.rmtree(path, ignore_errors=True)
    result("nothing of podman is left", not os.path.exists(path), path)
    print("1..%d" % len(results))
    sys.exit(0 if all(results) else 1)


main()
