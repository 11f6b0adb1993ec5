#!/usr/bin/python3
"""readme.py - what README shows is so: its C program compiles, linked and from the headers alone, and runs."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
PROGRAM = """#include "husk.h"
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
int main(void)
{
    struct husk_arena arena = {0};
    struct husk_host host;
    struct husk_plan plan;
    struct husk_err err;
    int status = 0;
%s}
"""


def example(rootfs, name):
    with open(os.path.join(ROOT, "README.md")) as f:
        code = re.search(r"```c\n(.*?)```", f.read(), re.S).group(1)
    return PROGRAM % code.replace("/srv/rootfs", rootfs).replace('"box"', '"%s"' % name)


def compile_and_run(t, source, *more):
    c = os.path.join(t.dir, "example.c")
    with open(c, "w") as f:
        f.write(source)
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-I" + os.path.join(ROOT, "include"),
               "-o", c[:-2], c, *more]
    p = subprocess.run(command, capture_output=True, text=True)
    t.eq((p.returncode, p.stderr), (0, ""))
    p = subprocess.run([c[:-2]], capture_output=True, text=True, timeout=20)
    t.eq((p.returncode, p.stderr), (0, ""))
    t.ok("uid=0" in p.stdout and "bin" in p.stdout, p.stdout)


@test
def the_example_linked(t):
    t.need("root", "cgroup:memory", "cgroup:pids")
    compile_and_run(t, example(t.bundle().rootfs, t.id()), os.path.join(BUILD, "libhusk.a"), "-lcjson", "-lseccomp")


@test
def the_example_from_the_headers_alone(t):
    t.need("root", "cgroup:memory", "cgroup:pids")
    backends = [os.path.join(ROOT, "backends", f) for f in sorted(os.listdir(os.path.join(ROOT, "backends"))) if f.endswith(".c")]
    compile_and_run(t, "#define HUSK_IMPLEMENTATION\n" + example(t.bundle().rootfs, t.id()), *backends,
                    "-DHUSK_WITH_CJSON=1", "-DHUSK_WITH_SECCOMP=1", "-DHUSK_WITH_BPF=1", "-lcjson", "-lseccomp")


main()
