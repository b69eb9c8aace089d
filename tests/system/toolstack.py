"""dom0 by hand, for tests of the switch alone: creates domains at
netdom-xenlocald's registry and writes a vif's nodes as a toolstack would."""

import ctypes
import os
import pathlib
import socket
import struct

REQUEST = "=6IQ64s"
REPLY = "=iIIIQQ"
DOMAIN_CREATE = 1
DOMAIN_LOOKUP = 3


class Permission(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint), ("perms", ctypes.c_int)]


class Xenstore:
    """dom0's xenstore, through libxenstore."""

    def __init__(self, path):
        ctypes.CDLL(None).setenv(b"XENSTORED_PATH", os.fsencode(path), 1)
        self.lib = ctypes.CDLL("libxenstore.so.4", use_errno=True)
        self.lib.xs_open.restype = ctypes.c_void_p
        self.lib.xs_read.restype = ctypes.c_void_p
        self.lib.xs_directory.restype = ctypes.POINTER(ctypes.c_char_p)
        self.handle = ctypes.c_void_p(self.lib.xs_open(0))
        assert self.handle.value, "cannot open xenstore at %s" % path

    def close(self):
        self.lib.xs_close(self.handle)

    def write(self, path, value):
        if isinstance(value, str):
            value = value.encode()
        assert self.lib.xs_write(self.handle, 0, path.encode(), value,
                                 len(value)), path

    def read(self, path):
        """The node's value, or None."""
        n = ctypes.c_uint()
        value = self.lib.xs_read(self.handle, 0, path.encode(),
                                 ctypes.byref(n))
        return (None if value is None
                else ctypes.string_at(value, n.value).decode())

    def remove(self, path):
        self.lib.xs_rm(self.handle, 0, path.encode())

    def below(self, path):
        """The paths, from there, of all nodes without others below them."""
        n = ctypes.c_uint()
        leaves = self.lib.xs_directory(self.handle, 0, path.encode(),
                                       ctypes.byref(n))
        for i in range(n.value):
            leaf = leaves[i].decode()
            under = list(self.below(path + "/" + leaf))
            yield from (leaf + "/" + more for more in under)
            if not under:
                yield leaf

    def share(self, path, owner, reader):
        """Gives 'path' and the nodes in it to 'owner', readable by
        'reader'."""
        n = ctypes.c_uint()
        leaves = self.lib.xs_directory(self.handle, 0, path.encode(),
                                       ctypes.byref(n))
        both = (Permission * 2)(Permission(owner, 0), Permission(reader, 1))
        for node in [path] + [path + "/" + leaves[i].decode()
                              for i in range(n.value)]:
            assert self.lib.xs_set_permissions(self.handle, 0, node.encode(),
                                               both, 2), node


def registry_call(run_dir, op, name):
    """Returns (error, domid)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(str(run_dir / "registry.sock"))
        sock.send(struct.pack(REQUEST, op, 0, 0, 0, 0, 0, 0, name.encode()))
        error, domid, *_ = struct.unpack(REPLY, sock.recv(256))
        return error, domid


def create_domain(run_dir, name):
    """A domain that lives until it is destroyed.  Returns its domid."""
    error, domid = registry_call(run_dir, DOMAIN_CREATE, name)
    assert error == 0, error
    return domid


def find_domain(run_dir, name):
    """The domid of a living domain, or None."""
    error, domid = registry_call(run_dir, DOMAIN_LOOKUP, name)
    return None if error else domid


def backend_path(backend, guest, devid=0):
    return "/local/domain/%d/backend/vif/%d/%d" % (backend, guest, devid)


def frontend_path(guest, devid=0):
    return "/local/domain/%d/device/vif/%d" % (guest, devid)


def policy_path(backend, guest, devid=0):
    return "/netdom/%d/%d/%d" % (backend, guest, devid)


def add_vif(xs, backend, guest, mac, devid=0, policy=None):
    """Writes what libxl writes for a vif, and its policy if there is one."""
    fe = frontend_path(guest, devid)
    be = backend_path(backend, guest, devid)
    common = {"handle": devid, "mac": mac, "mtu": 1500}
    for leaf, value in {"backend": be, "backend-id": backend,
                        **common}.items():
        xs.write("%s/%s" % (fe, leaf), str(value))
    for leaf, value in {"frontend": fe, "frontend-id": guest, "online": 1,
                        **common}.items():
        xs.write("%s/%s" % (be, leaf), str(value))
    xs.share(fe, guest, backend)
    xs.share(be, backend, guest)
    if policy is not None:
        set_policy(xs, backend, guest, policy, devid)
    # Last: whoever waits for it adds nodes, which inherit the permissions.
    for path in (fe, be):
        xs.write(path + "/state", "1")


def set_policy(xs, backend, guest, policy, devid=0):
    path = policy_path(backend, guest, devid)
    for leaf, value in policy.items():
        xs.write("%s/%s" % (path, leaf), str(value))
    for node in ("/netdom/%d" % backend, "/netdom/%d/%d" % (backend, guest),
                 path):
        xs.share(node, 0, backend)


def set_limits(xs, backend, where, limits):
    """What the vifs of 'backend' share: 'where' is "limits" or
    "groups/NAME"; no limits take it away."""
    path = "/netdom/%d/%s" % (backend, where)
    if not limits:
        xs.remove(path)
        return
    for leaf, value in limits.items():
        xs.write("%s/%s" % (path, leaf), str(value))
    parts = path.split("/")
    for n in range(3, len(parts) + 1):
        xs.share("/".join(parts[:n]), 0, backend)


def scribble_tx_ring(xs, pid, domid):
    """Adds a million to the first Tx ring's req_prod, in the memory of guest
    'domid', which process 'pid' is."""
    fe = frontend_path(domid)
    gref = int(xs.read(fe + "/tx-ring-ref")
               or xs.read(fe + "/queue-0/tx-ring-ref"))
    memory = next(link for link in pathlib.Path("/proc/%d/fd" % pid).iterdir()
                  if "memfd:" in os.readlink(link))
    with open(memory, "r+b", buffering=0) as f:
        f.seek(gref * 8 + 4)            # struct grant_entry_v1: frame.
        frame = int.from_bytes(f.read(4), "little")
        f.seek(frame * 4096)
        req_prod = int.from_bytes(f.read(4), "little")
        f.seek(frame * 4096)
        f.write(((req_prod + 1000000) & 0xffffffff).to_bytes(4, "little"))
