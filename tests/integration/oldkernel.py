#!/usr/bin/python3
"""oldkernel.py - a container's life where newer system calls do not exist: each answers ENOSYS in turn."""
import os
import platform
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *

NEWER = {       # x86-64 numbers
    "memfd_create (3.17)": [319], "execveat (3.19)": [322], "copy_file_range (4.5)": [326],
    "pidfd_send_signal (5.1)": [424], "pidfd_open (5.3)": [434], "clone3 (5.3)": [435],
    "close_range (5.9)": [436],
    "openat2 (5.6)": [437], "pidfd_getfd (5.6)": [438], "faccessat2 (5.8)": [439],
    "epoll_pwait2 (5.11)": [441],
    "open_tree and move_mount (5.2)": [428, 429], "fsopen and others (5.2)": [430, 431, 432, 433],
    "mount_setattr (5.12)": [442], "fchmodat2 (6.6)": [452],
    "everything since 5.1": list(range(424, 470)),
}


def life(t, deny):
    """create, state, exec, start, kill, delete and a run, under the filter."""
    def older():
        deny_syscalls(*deny)
    c = t.new(spec("sh", "-c", "echo up; sleep 1000"))
    r = c.create(preexec=older)
    t.eq((r.rc, r.out, r.err), (0, "", ""))
    with c:
        r = c.exec("sh", "-c", "id -u; ls /proc/self/fd | tr '\\n' ' '", preexec=older)
        t.eq((r.rc, r.out.split()), (0, ["0", "0", "1", "2", "3"]), r)
        r = c.start(preexec=older)
        t.eq((r.rc, r.err), (0, ""))
        t.until(lambda: c.out == "up\n", "output")
        r = t.rt("kill", c.id, "KILL", preexec=older)
        t.eq(r.rc, 0, r)
        c.wait("stopped")
        r = t.rt("delete", c.id, preexec=older)
        t.eq(r.rc, 0, r)
    config = userns_spec("sh", "-c", "echo x >/dev/null; cat /proc/self/uid_map; exit 6")
    r = t.run(config, preexec=older)
    t.eq((r.rc, r.out.split()), (6, ["0", "100000", "65536"]), r)
    for bad in ("no-such-program", "/etc"):
        r = t.run(spec(bad), preexec=older)
        t.eq(r.rc, 1, r)


for title, numbers in NEWER.items():
    def run(t, numbers=numbers):
        if platform.machine() != "x86_64":
            t.skip("the numbers are of x86-64")
        life(t, numbers)
    test(run, need=["husk", "userns", "devnull"], name="without " + title)

main(VIEWS)
