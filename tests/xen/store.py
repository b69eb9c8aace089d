"""What random operations come to on the stand-in's xenstore, for the bench to
hold against Xen's own.

Thread: one.
Errors: CannotRun.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from lab.appliance import ours
from lab.proof import CannotRun

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "system"))

from toolstack import Xenstore, create_domain               # noqa: E402

SEEDS = (1, 2, 3, 4)
OPERATIONS = 2000
BASE = {"dom0": "/tool/storeops", "guest": "data/storeops"}
PATIENCE_S = 10


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
            self.xs = Xenstore(self.folder / "0/xenstore.sock")
            # The toolstack's.
            self.xs.write("/local/domain/%d/domid" % self.guest,
                          str(self.guest))
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
        return create_domain(self.folder, "storeops")

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
        self.xs.remove(full)
        self.xs.write(full, "")
        if who == "guest":
            self.xs.share(full, domid, 0)
        return self.run(domid, ours("netdom-xen-storeops"), base, seed,
                        OPERATIONS, *(["--no-watches"] if domid else []))

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
