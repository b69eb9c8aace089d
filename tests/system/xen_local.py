"""Clients of netdom-xenlocald for tests: its registry and broker by socket,
its store through libxenstore."""

import array
import ctypes
import fcntl
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import time

from lab.session import find_program

REQUEST = struct.Struct("=6IQ64s")
REPLY = struct.Struct("=iIIIQQ")

(CREATE, DESTROY, LOOKUP, SET_MEMORY, GET_MEMORY, ALLOC, BIND,
 CLOSE) = range(1, 9)
WITH_CONNECTION = 1
TIMEOUT_S = 5


class Refused(Exception):
    """The reply was an error: args[0] is its errno."""


class Reply:
    def __init__(self, data, fds):
        (error, self.domid, self.port, self.count, self.bytes,
         self.generation) = REPLY.unpack(data)
        self.fds = fds
        if error:
            raise Refused(-error)


class Client:
    """A connection to registry.sock or a broker.sock."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(str(path))
        self.fds = []

    def call(self, op, flags=0, domid=0, port=0, uid=0, count=0, n_bytes=0,
             name="", send_fds=()):
        """Returns the Reply, or raises Refused."""
        rights = ([(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", send_fds))] if send_fds else [])
        self.sock.sendmsg([REQUEST.pack(op, flags, domid, port, uid, count,
                                        n_bytes, name.encode())], rights)
        data, control, _, _ = self.sock.recvmsg(256, 1024)
        fds = array.array("i")
        for _, kind, value in control:
            if kind == socket.SCM_RIGHTS:
                fds.frombytes(value)
        self.fds += list(fds)
        return Reply(data, list(fds))

    def close(self):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def errno_of(function, *args, **kwargs):
    """The errno with which the call is refused, or None."""
    try:
        function(*args, **kwargs)
    except Refused as refused:
        return refused.args[0]
    return None


class Permission(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint), ("perms", ctypes.c_int)]


def libxenstore():
    lib = ctypes.CDLL("libxenstore.so.4", use_errno=True)
    for name in ("xs_open", "xs_read", "xs_get_domain_path"):
        getattr(lib, name).restype = ctypes.c_void_p
    for name in ("xs_directory", "xs_check_watch"):
        getattr(lib, name).restype = ctypes.POINTER(ctypes.c_char_p)
    for name in ("xs_transaction_end", "xs_write", "xs_mkdir", "xs_rm",
                 "xs_watch", "xs_unwatch", "xs_set_permissions",
                 "xs_is_domain_introduced"):
        getattr(lib, name).restype = ctypes.c_bool
    lib.xs_transaction_start.restype = ctypes.c_uint32
    return lib


class Store:
    """One domain's xenstore.  Failures raise OSError."""

    def __init__(self, run_dir, domid):
        path = run_dir / str(domid) / "xenstore.sock"
        os.environ["XENSTORED_PATH"] = str(path)
        self.lib = libxenstore()
        self.handle = ctypes.c_void_p(self.lib.xs_open(0))
        if not self.handle.value:
            raise OSError("cannot open %s" % path)

    def close(self):
        self.lib.xs_close(self.handle)

    def call(self, name, *args):
        ctypes.set_errno(0)
        result = getattr(self.lib, name)(self.handle, *args)
        if not result:
            error = ctypes.get_errno()
            raise OSError(error, "%s: %s" % (name, os.strerror(error)))
        return result

    def write(self, path, value, t=0):
        value = value.encode()
        self.call("xs_write", t, path.encode(), value, len(value))

    def read(self, path, t=0):
        n = ctypes.c_uint()
        value = self.call("xs_read", t, path.encode(), ctypes.byref(n))
        return ctypes.string_at(value, n.value).decode()

    def directory(self, path, t=0):
        n = ctypes.c_uint()
        names = self.call("xs_directory", t, path.encode(), ctypes.byref(n))
        return [names[i].decode() for i in range(n.value)]

    def remove(self, path, t=0):
        self.call("xs_rm", t, path.encode())

    def share(self, path, *perms):
        """Sets permissions: pairs of domid and 0..3 (none, read, write,
        both); the first is the owner's."""
        array_of = (Permission * len(perms))(*[Permission(*p) for p in perms])
        self.call("xs_set_permissions", 0, path.encode(), array_of,
                  len(perms))

    def watch(self, path, token):
        self.call("xs_watch", path.encode(), token.encode())

    def events(self, timeout_s=TIMEOUT_S):
        """Waits for an event; returns all that are there as 'path token'."""
        found = []
        fd = self.lib.xs_fileno(self.handle)
        while select.select([fd], [], [], 0.1 if found else timeout_s)[0]:
            event = self.lib.xs_check_watch(self.handle)
            if event:
                found.append("%s %s" % (event[0].decode(),
                                        event[1].decode()))
        return found


class Daemon:
    """A netdom-xenlocald of its own."""

    def __init__(self, run_dir):
        self.run_dir = pathlib.Path(run_dir)
        self.env = dict(os.environ, OVS_RUNDIR=str(self.run_dir),
                        OVS_LOGDIR=str(self.run_dir))
        self.start()

    def start(self):
        self.process = self.spawn()
        deadline = time.monotonic() + TIMEOUT_S
        while not self.answers():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def answers(self):
        try:
            self.registry().close()
        except OSError:
            return False
        return True

    def spawn(self):
        return subprocess.Popen(
            [find_program("netdom-xenlocald"), "--pidfile",
             "--run-dir=%s" % self.run_dir, "-vconsole:off"],
            env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)

    def appctl(self, *words):
        return subprocess.run(
            ["ovs-appctl", "-T", "10", "-t", "netdom-xenlocald", *words],
            env=self.env, text=True, capture_output=True, check=True).stdout

    def usage(self):
        """memory/show as a dictionary."""
        return {key: int(value) for key, value in
                (word.split(":") for word
                 in self.appctl("memory/show").split())}

    def settles_at(self, **wanted):
        """Waits until memory/show says so: a closed connection takes a turn
        of the daemon's loop."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            usage = self.usage()
            if all(usage[key.replace("_", "-")] == value
                   for key, value in wanted.items()):
                return
            assert time.monotonic() < deadline, usage
            time.sleep(0.02)

    def registry(self):
        return Client(self.run_dir / "registry.sock")

    def broker(self, domid):
        return Client(self.run_dir / str(domid) / "broker.sock")

    def store(self, domid):
        return Store(self.run_dir, domid)

    def kill(self, signum=signal.SIGKILL):
        self.process.send_signal(signum)
        return self.process.wait(TIMEOUT_S)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stderr.close()


def memory(n_pages=4, seals=fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW,
           flags=0):
    """A guest's memory: a memfd that the caller closes."""
    fd = os.memfd_create("guest", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
                         | flags)
    os.ftruncate(fd, n_pages * 4096)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def is_pending(fd, timeout_s=TIMEOUT_S):
    """Waits for an event and takes it."""
    if not select.select([fd], [], [], timeout_s)[0]:
        return False
    os.read(fd, 8)
    return True


def kick(fd):
    os.write(fd, struct.pack("=Q", 1))
