"""A Netdom database of a test's own, and netdom-ctl on it.  Needs no root."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("NETDOM_BUILD", ROOT / "build"))
CTL = BUILD / "tools/ctl/netdom-ctl"
SCHEMA = ROOT / "ovsdb-schema/netdom.ovsschema"


def listening(path):
    """True once a server accepts connections at 'path': its file is there a
    little earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


class Database:
    """An ovsdb-server with an empty Netdom database in a folder below
    /tmp."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="netdom-db-"))
        self.socket = self.dir / "db.sock"
        self.file = self.dir / "netdom.db"
        self.server = None
        subprocess.run(["ovsdb-tool", "create", self.file, SCHEMA],
                       check=True)
        self.start()

    def start(self):
        self.server = subprocess.Popen(
            ["/usr/sbin/ovsdb-server", "--no-chdir", "-vconsole:off",
             "--remote=punix:%s" % self.socket,
             "--unixctl=%s" % (self.dir / "server.ctl"),
             "--log-file=%s" % (self.dir / "server.log"), str(self.file)],
            stdin=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not listening(self.socket):
            assert self.server.poll() is None, "ovsdb-server did not start"
            assert time.monotonic() < until, "ovsdb-server does not listen"
            time.sleep(0.01)

    def stop(self):
        self.server.terminate()
        self.server.wait(timeout=10)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir)

    def ctl(self, *argv, timeout_s=30):
        """Runs netdom-ctl.  Returns a CompletedProcess with text."""
        return subprocess.run(
            [str(CTL), "--run-dir=%s" % self.dir, *map(str, argv)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout_s)

    def do(self, *argv):
        """Runs netdom-ctl, which must succeed and complain of nothing.
        Returns what it printed."""
        done = self.ctl(*argv)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refuse(self, *argv, status=1):
        """Runs netdom-ctl, which must refuse with 'status', say why in one
        line, and change nothing.  Returns the line."""
        before = self.dump()
        done = self.ctl(*argv)
        assert done.returncode == status, done
        assert done.stdout == "", done
        assert done.stderr.count("\n") == 1, done
        assert done.stderr.startswith("netdom-ctl: "), done
        assert self.dump() == before
        return done.stderr[len("netdom-ctl: "):-1]

    def dump(self):
        """The whole contents, as text."""
        return subprocess.run(
            ["ovsdb-client", "dump", "unix:%s" % self.socket, "Netdom"],
            check=True, capture_output=True, text=True, timeout=30).stdout

    def transact(self, *operations):
        """As the controller would: writes past netdom-ctl."""
        done = subprocess.run(
            ["ovsdb-client", "transact", "unix:%s" % self.socket,
             json.dumps(["Netdom", *operations])],
            check=True, capture_output=True, text=True, timeout=30)
        results = json.loads(done.stdout)
        assert not any("error" in result for result in results), results
        return results

    def set_status(self, table, name, **columns):
        self.transact({"op": "update", "table": table,
                       "where": [["name", "==", name]], "row": columns})

    def rows(self, *argv):
        """The rows of one of our lists, as dictionaries."""
        table = json.loads(self.do("--format=json", *argv))
        return [dict(zip(table["headings"], row)) for row in table["data"]]

    def get(self, table, record, column):
        """A column's value as ovs-vsctl's get prints it."""
        return self.do("get", table, record, column).strip()

    def show(self):
        return json.loads(self.do("--format=json", "show"))
