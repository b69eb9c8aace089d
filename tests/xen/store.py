"""What random operations come to on the stand-in's xenstore, for the bench to
hold against Xen's own.

Thread: one.
Errors: CannotRun.
"""

import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import time

from lab.appliance import ours
from lab.proof import CannotRun

SEEDS = (1, 2, 3, 4)
OPERATIONS = 2000
BASE = {"dom0": "/tool/storeops", "guest": "storeops"}
PATIENCE_S = 10

REQUEST = "=6IQ64s"                     # xenlocal/xenlocal.h.
REPLY = "=iIIIQQ"
CREATE = 1


class StandIn:
    """netdom-xenlocald with one domain, in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.child = subprocess.Popen(
            [ours("netdom-xenlocald"), "--run-dir=%s" % self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            self.guest = self._create()
        except BaseException:
            self.close()
            raise

    def _create(self):
        until = time.monotonic() + PATIENCE_S
        path = self.folder / "registry.sock"
        while not path.exists():
            if time.monotonic() > until or self.child.poll() is not None:
                raise CannotRun("netdom-xenlocald does not start: it needs"
                                " root")
            time.sleep(0.05)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.connect(str(path))
            sock.send(struct.pack(REQUEST, CREATE, 0, 0, 0, 0, 0, 0,
                                  b"storeops"))
            error, domid, *_ = struct.unpack(REPLY, sock.recv(256))
        if error:
            raise CannotRun("netdom-xenlocald makes no domain: error %d"
                            % error)
        return domid

    def run(self, domid, *words):
        path = self.folder / str(domid) / "xenstore.sock"
        done = subprocess.run(
            [str(word) for word in words], capture_output=True, timeout=120,
            env=dict(os.environ, XENSTORED_PATH=str(path)), check=False)
        if done.returncode:
            raise CannotRun("%s: %s" % (words[0], done.stderr.decode()))
        return done.stdout

    def operations(self, who, seed):
        """As dom0/store.sh does them."""
        domid = 0 if who == "dom0" else self.guest
        base = BASE[who]
        full = (base if who == "dom0"
                else "/local/domain/%d/%s" % (self.guest, base))
        self.run(0, "xenstore-rm", full)
        self.run(0, "xenstore-write", full, "")
        if who == "guest":
            self.run(0, "xenstore-chmod", full, "n%d" % domid)
        return self.run(domid, ours("netdom-xen-storeops"), base, seed,
                        OPERATIONS)

    def close(self):
        self.child.terminate()
        self.child.wait()


def expected():
    """{(who, seed): text}."""
    with tempfile.TemporaryDirectory(prefix="netdom-store.") as folder:
        stand_in = StandIn(folder)
        try:
            return {(who, seed): stand_in.operations(who, seed)
                    for who in BASE for seed in SEEDS}
        finally:
            stand_in.close()
