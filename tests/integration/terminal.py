#!/usr/bin/python3
"""terminal.py - process.terminal: pty in the foreground, and the console socket."""
import array
import fcntl
import os
import pty
import select
import socket
import struct
import sys
import termios
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import *


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    """A pty whose slave is the runtime's controlling terminal, as a user's shell would give it."""

    def __init__(self, t):
        self.t = t
        self.master, self.slave = pty.openpty()
        set_size(self.slave, 33, 77)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

    def spawn(self, *args, **keywords):
        def control():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = self.t.popen(*args, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                    preexec=control,
                                    **keywords)
        return self

    def send(self, data):
        os.write(self.master, data)

    def expect(self, text, timeout=10):
        end = time.monotonic() + timeout
        while text not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise Fail("no %r on the terminal within %g s: %r" % (text, timeout, self.seen[-300:]))
            self.seen += os.read(self.master, 65536)
        before, _, self.seen = self.seen.partition(text)
        return before

    def finish(self):
        """Wait for the end, draining what is printed; returns (rc, all that was left to read)."""
        end = time.monotonic() + LIMIT
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.02)[0]:
                self.seen += os.read(self.master, 65536)
        while select.select([self.master], [], [], 0.05)[0]:
            self.seen += os.read(self.master, 65536)
        rc = self.process.poll()
        if rc is None:
            raise Fail("no end after %g s; last seen %r" % (LIMIT, self.seen[-300:]))
        self.t.eq(termios.tcgetattr(self.slave), self.before, "the terminal's settings are restored")
        return rc, self.seen

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.master)
        os.close(self.slave)


def on_terminal(*args, **process):
    return spec(*args, terminal=True, **process)


def foreground(t, term, config):
    c = t.new(config)
    c.bundle.sealed()
    term.spawn("run", "--bundle", c.bundle.path, c.id)
    return c


@test
def run_is_on_a_terminal(t):
    script = "test -t 0 && test -t 1 && test -t 2 && echo all-tty; tty; ls -l /dev/console | cut -c1; exit 7"
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c", script))
        rc, text = term.finish()
        t.eq((rc, text), (7, b"all-tty\r\n/dev/pts/0\r\nc\r\n"))


@test
def it_is_the_controlling_terminal(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c",
                                        "echo via-tty >/dev/tty; cut -d' ' -f5-8 /proc/self/stat"))
        rc, text = term.finish()
        t.eq(rc, 0)
        t.has(text, b"via-tty\r\n")
        # pgrp, session, tty_nr, foreground pgrp of `cut`: a session of the container's own, on pts 0
        session, tty = text.split(b"\r\n")[1].split()[1:3]
        t.eq((int(session), int(tty)), (1, 136 << 8))


@test
def the_size_is_passed_on(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c",
                                        "trap 'stty size' WINCH; sleep 0.2; stty size; echo ready; "
                                        "while ! read -t 1 x; do :; done"))
        term.expect(b"33 77\r\nready")
        set_size(term.slave, 44, 88)
        term.expect(b"44 88")
        set_size(term.slave, 20, 30)
        term.expect(b"20 30")
        term.send(b"\r")
        t.eq(term.finish()[0], 0)


@test
def console_size_of_the_config(t):
    """consoleSize is the size at the start; a terminal in the foreground then gives its own."""
    c, connection, fd = created_on_socket(t, on_terminal("sh", "-c", "stty size; sleep 1000",
                                                         consoleSize={"height": 12, "width": 34}))
    with c:
        t.eq(c.start().rc, 0)
        t.eq(read_until(fd, b"\r\n"), b"12 34\r\n")
        os.close(fd)


@test
def raw_mode_while_it_runs(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c", "stty -echo; echo ready; read x; echo got-$x"))
        term.expect(b"ready")
        now = termios.tcgetattr(term.slave)
        t.ok(not now[3] & (termios.ICANON | termios.ECHO | termios.ISIG), "the user's terminal must be raw")
        term.send(b"word\r")
        term.expect(b"got-word")
        t.eq(term.finish()[0], 0)


@test
def control_c_reaches_the_container(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c",
                                        "trap 'echo int; exit 5' INT; echo ready; while :; do sleep 1; done"))
        term.expect(b"ready")
        term.send(b"\x03")
        term.expect(b"int")
        t.eq(term.finish()[0], 5)


@test
def end_of_file_reaches_the_container(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c", "stty -echo; echo ready; cat; echo end"))
        term.expect(b"ready\r\n")
        term.send(b"line\r\x04")
        term.expect(b"line\r\nend")
        t.eq(term.finish()[0], 0)


@test
def every_byte_passes_in_raw_mode(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c",
                                        "stty raw -echo; echo ready; head -c 256 | od -An -v -tu1"))
        term.expect(b"ready")
        term.send(bytes(range(256)))
        rc, text = term.finish()
        t.eq((rc, [int(x) for x in text.split()]), (0, list(range(256))))


@test
def a_lot_of_output_arrives(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("sh", "-c", "seq 1 20000"))
        rc, text = term.finish()
        t.eq(rc, 0)
        t.eq(text.split(), [b"%d" % i for i in range(1, 20001)])


@test
def restored_when_the_container_is_killed(t):
    with Terminal(t) as term:
        c = foreground(t, term, on_terminal("sh", "-c", "echo ready; sleep 1000"))
        term.expect(b"ready")
        t.eq(c.kill("KILL").rc, 0)
        t.eq(term.finish()[0], 137)


@test
def restored_when_run_fails(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("no-such-program"))
        rc, text = term.finish()
        t.eq(rc, 1)
        t.has(text, b"executable file not found in $PATH")


@test
def the_pty_belongs_to_the_user(t):
    with Terminal(t) as term:
        foreground(t, term, on_terminal("stat", "-c", "%u %n", "/dev/pts/0", user={"uid": 1000, "gid": 1000}))
        t.eq(term.finish(), (0, b"1000 /dev/pts/0\r\n"))


@test
def an_exec_on_a_terminal(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        for option in ("-t", "--tty"):
            with Terminal(t) as term:
                term.spawn("exec", option, c.id, "sh", "-c",
                           "test -t 0 && test -t 2 && tty; sleep 0.2; stty size; read x; exit $x")
                term.expect(b"/dev/pts/")
                term.expect(b"33 77\r\n")
                term.send(b"6\r")
                t.eq(term.finish()[0], 6)
        r = c.exec("sh", "-c", "test -t 0 || echo none")
        t.eq(r.out, "none\n")


@test
def an_exec_without_t_in_a_terminal_container(t):
    c, connection, fd = created_on_socket(t, on_terminal("sleep", "1000"))
    with c:
        t.eq(c.start().rc, 0)
        r = c.exec("sh", "-c", "test -t 0 || echo none")
        t.eq((r.rc, r.out), (0, "none\n"), r)
        os.close(fd)


@test
def without_a_terminal_it_fails(t):
    """terminal: true in the foreground, when stdin, stdout and stderr are files and there is no /dev/tty."""
    r = t.run(on_terminal("true"))
    t.eq(r.rc, 1, r)


# the console socket

def read_until(fd, text, timeout=10):
    end, seen = time.monotonic() + timeout, b""
    while text not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            raise Fail("no %r within %g s: %r" % (text, timeout, seen))
        seen += os.read(fd, 4096)
    return seen


def listen(t, name="sock"):
    path = t.path(name)
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    server.settimeout(10)
    return server, path


def receive(t, server):
    """One connection, one message, one fd: the pty's master, with its name as the data."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        data, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for level, kind, body in ancillary:
            t.eq((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS))
            fds.frombytes(body[:len(body) - len(body) % fds.itemsize])
        t.eq(len(fds), 1)
        t.ok(data, "the data must not be empty")
        t.eq(connection.recv(10), b"", "then the runtime closes")
    t.ok(os.isatty(fds[0]), "not a terminal")
    t.eq(os.major(os.fstat(fds[0]).st_rdev), 5, "a pty master")
    return data, fds[0]


def created_on_socket(t, config, *options):
    server, path = listen(t)
    c = t.new(config)
    with server:
        r = c.create("--console-socket", path, *options)
        if r.rc:
            raise Fail("create: %s" % r)
        data, fd = receive(t, server)
    return c, data, fd


@test
def create_with_a_console_socket(t):
    c, data, fd = created_on_socket(t, on_terminal("sh", "-c",
                                                   "tty; stty -echo; read x; echo got $x; sleep 1000"))
    with c:
        t.match(data.decode(), "^/dev/pt(s/ptmx|mx|s/[0-9]+)$" if is_husk() else "pt")
        t.eq(c.start().rc, 0)
        t.eq(read_until(fd, b"\n"), b"/dev/pts/0\r\n")
        time.sleep(0.2)
        os.write(fd, b"word\n")
        read_until(fd, b"got word\r\n")
        set_size(fd, 9, 9)
        os.close(fd)


@test
def closing_the_master_hangs_up(t):
    c, _, fd = created_on_socket(t, on_terminal("sh", "-c",
                                                "trap 'exit 3' HUP; echo ready; while :; do sleep .1; done"))
    with c:
        t.eq(c.start().rc, 0)
        read_until(fd, b"ready")
        os.close(fd)
        c.wait("stopped")


@test
def run_detached_with_a_console_socket(t):
    server, path = listen(t)
    c = t.new(on_terminal("sh", "-c", "echo up; sleep 1000"))
    with server:
        r = c.run("-d", "--console-socket", path)
        t.eq(r.rc, 0, r)
        _, fd = receive(t, server)
    with c:
        t.eq(read_until(fd, b"\n"), b"up\r\n")
        os.close(fd)


@test
def exec_detached_with_a_console_socket(t):
    with t.container(spec("sleep", "1000"), start=True) as c:
        server, path = listen(t)
        with server:
            r = c.exec("sh", "-c", "tty; sleep 1000", options=["-t", "-d", "--console-socket", path,
                                                               "--pid-file", t.path("pid")])
            t.eq(r.rc, 0, r)
            _, fd = receive(t, server)
        t.match(read_until(fd, b"\n").decode(), r"^/dev/pts/\d+\r\n$")
        pid = int(read(t.path("pid")))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


@test
def console_socket_by_exec_process(t):
    """As conmon calls it: everything from --process, terminal included."""
    with t.container(spec("sleep", "1000"), start=True) as c:
        write(t.path("p"), json.dumps(spec("sh", "-c", "stty size; sleep 1000", terminal=True,
                                           consoleSize={"height": 7, "width": 9})["process"]))
        server, path = listen(t)
        with server:
            r = t.rt("exec", "--pid-file", t.path("pid"), "--process", t.path("p"), "--detach",
                     "--console-socket", path,
                     c.id)
            t.eq(r.rc, 0, r)
            _, fd = receive(t, server)
        t.eq(read_until(fd, b"\n"), b"7 9\r\n")
        pid = int(read(t.path("pid")))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


@test
def a_user_namespace_on_a_terminal(t):
    t.need("userns")
    config = userns_spec("sh", "-c", "tty; stat -c %u /dev/pts/0; echo via >/dev/tty; sleep 1000",
                         terminal=True)
    c, _, fd = created_on_socket(t, config)
    with c:
        t.eq(c.start().rc, 0)
        t.eq(read_until(fd, b"via\r\n"), b"/dev/pts/0\r\n0\r\nvia\r\n")
        os.close(fd)


@test
def detached_without_a_socket_is_refused(t):
    wanted = "cannot allocate tty if runc will detach without setting console socket"
    if is_husk():
        wanted = "without setting console socket"
    for command, options in (("create", []), ("run", ["--detach"])):
        t.fails(getattr(t.new(on_terminal("true")), command)(*options), wanted)
    with t.container(spec("sleep", "1000"), start=True) as c:
        t.fails(c.exec("true", options=["-t", "-d"]), wanted, rc=255)


@test
def a_socket_that_is_not_wanted_is_refused(t):
    server, path = listen(t)
    wanted = "cannot use console socket"
    with server:
        t.fails(t.new(spec("true")).create("--console-socket", path), wanted)
        t.fails(t.new(spec("true")).run("--console-socket", path), wanted)
        t.fails(t.new(on_terminal("true")).run("--console-socket", path), wanted)


@test
def a_socket_that_cannot_be_connected_fails(t):
    write(t.path("file"), "")
    for path in (t.path("none"), t.path("file"), t.path("x" * 200)):
        r = t.new(on_terminal("true")).create("--console-socket", path)
        t.eq(r.rc, 1, r)


@test
def a_socket_inside_the_image_is_not_used(t):
    """The path is the caller's: a socket at the same place in the rootfs gets no connection."""
    server, path = listen(t)
    b = t.bundle(on_terminal("sleep", "1000"))
    inside = b.rootfs + os.path.dirname(path)
    os.makedirs(inside)
    with server, socket.socket(socket.AF_UNIX) as trap:
        here = os.getcwd()
        os.chdir(inside)
        trap.bind("sock")
        os.chdir(here)
        trap.listen(1)
        trap.settimeout(0.1)
        c = t.new(b)
        r = c.create("--console-socket", path)
        t.eq(r.rc, 0, r)
        with c:
            os.close(receive(t, server)[1])
            try:
                trap.accept()
                raise Fail("connected inside the rootfs")
            except TimeoutError:
                pass


main(VIEWS)
