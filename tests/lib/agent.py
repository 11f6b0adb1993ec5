"""agent.py - a seccomp agent: takes the container process state from a socket, and decides the calls that a filter
asks about.

    with Agent(t.path("agent"), lambda call: errno.EPERM) as agent:     # or 0: the kernel goes on with the call
        t.run(config)
    agent.states[0].document["pid"], agent.calls[0].nr
"""
import array
import collections
import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import threading

NOTIF, RESPONSE = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
RECV, SEND = 0xC0002100 | NOTIF.size << 16, 0xC0002101 | RESPONSE.size << 16      # linux/seccomp.h
CONTINUE = 1

Call = collections.namedtuple("Call", "pid nr args")


@contextlib.contextmanager
def stuck_socket(path):
    """Somebody listens there and takes no connection; no more can wait."""
    with contextlib.ExitStack() as open_sockets:
        server = open_sockets.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(path)
        server.listen(0)
        try:
            while True:
                client = open_sockets.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(path)
        except BlockingIOError:
            yield


class State:
    """What came over one connection."""

    def __init__(self):
        self.data, self.fds, self.late_fds, self.ended = b"", [], 0, False

    @property
    def document(self):
        return json.loads(self.data)


class Agent:
    """Listens from `with` on. `answer` gets a Call and returns an errno, or 0. take=False: closes what connects,
    and then makes the file PATH.closed; serve=False: keeps the listener and answers nothing."""

    def __init__(self, path, answer=lambda call: 0, take=True, serve=True):
        self.answer, self.take, self.serve = answer, take, serve
        self.path, self.states, self.calls, self.trouble = path, [], [], []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(path)
        self.socket.listen(8)
        self.open = {}                          # fd -> what to do when it can be read
        self.wake, self.stop = os.pipe()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        os.close(self.stop)
        self.thread.join(10)
        for state in self.states:
            for fd in state.fds:
                os.close(fd)
        os.close(self.wake)
        self.socket.close()

    def work(self):
        poll = self.poll = select.poll()
        poll.register(self.wake, select.POLLIN | select.POLLHUP)
        poll.register(self.socket, select.POLLIN)
        while True:
            for fd, events in poll.poll():
                if fd == self.wake:
                    return
                try:
                    self.accept() if fd == self.socket.fileno() else self.open[fd](fd, events)
                except (OSError, ValueError) as e:
                    self.trouble.append(repr(e))
                    poll.unregister(fd)

    def accept(self):
        connection, _ = self.socket.accept()
        if not self.take:
            connection.close()
            open(self.path + ".closed", "w").close()
            return
        state = State()
        self.states.append(state)
        self.open[connection.fileno()] = lambda fd, events: self.read(connection, state)
        self.poll.register(connection, select.POLLIN)

    def read(self, connection, state):
        data, control, _, _ = connection.recvmsg(1 << 20, socket.CMSG_SPACE(64))
        for level, kind, value in control:
            fds = array.array("i")
            fds.frombytes(value[:len(value) - len(value) % fds.itemsize])
            state.late_fds += len(fds) if state.data else 0
            state.fds += fds
        state.data += data
        if not data:
            state.ended = True
            self.poll.unregister(connection)
            connection.close()
        elif control and self.serve:
            for fd in state.fds:
                self.open[fd] = self.decide
                self.poll.register(fd, select.POLLIN)

    def decide(self, fd, events):
        if not events & select.POLLIN:          # the last process under the filter has ended
            self.poll.unregister(fd)
            return
        buffer = bytearray(NOTIF.size)
        try:
            fcntl.ioctl(fd, RECV, buffer, True)
        except FileNotFoundError:               # it was killed meanwhile
            return
        cookie, pid, _, nr, _, _, *args = NOTIF.unpack(buffer)
        self.calls.append(Call(pid, nr, args))
        error = self.answer(self.calls[-1])
        reply = RESPONSE.pack(cookie, 0, -error, 0 if error else CONTINUE)
        try:
            fcntl.ioctl(fd, SEND, bytearray(reply), True)
        except FileNotFoundError:
            pass
