"""One run's processes, namespaces and links, and their end.

Thread:  the main thread, unless a function says otherwise.
Owner:   whoever made the Session calls close(), or uses it with 'with'.
Errors:  LabError, with one line that says what to do.

Everything that outlives a process is written to a journal in the run's
folder before it is made, so that clean_leftovers() of remains.py can remove
what a run that was killed left behind.  Names carry the run's id: runs do not collide.
"""

import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

from lab.remains import LAB_DIR, remove_run, start_ticks

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class LabError(Exception):
    """Something did not start, or did not become true in time."""


class Interrupted(BaseException):
    """A signal asked this program to end."""

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


def end_on_signals():
    """SIGINT, SIGTERM and SIGHUP raise Interrupted in the main thread."""
    def handler(signum, frame):
        raise Interrupted(signum)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)


@contextlib.contextmanager
def signals_held():
    """Within, the signals above wait."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_for(condition, timeout_s, what, poll_s=0.05):
    """Waits until condition() is true, and returns what it returned."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise LabError("waited %g s for %s" % (timeout_s, what))
        time.sleep(poll_s)


def find_program(name):
    """A program of ours in the build folder (NETDOM_BUILD, default build/)
    or installed, or one of the system."""
    build = pathlib.Path(os.environ.get("NETDOM_BUILD", ROOT / "build"))
    ours = name.startswith(("netdom-", "bench-"))
    if ours:
        for pattern in ("*/" + name, "*/*/" + name):
            for path in build.glob(pattern):
                if path.is_file() and os.access(path, os.X_OK):
                    return str(path)
    # Installed, this file is PREFIX/share/netdom/python/lab/session.py.
    helpers = pathlib.Path(__file__).resolve().parents[4] / "libexec/netdom"
    path = shutil.which(name, path="%s:/usr/sbin:/sbin:%s" % (
        os.environ.get("PATH", ""), helpers))
    if path is None and ours:
        raise LabError("%s is neither built in %s nor installed: run"
                       " tools/setup" % (name, build))
    if path is None:
        raise LabError("%s is not installed: run tools/setup" % name)
    return path


class Daemon:
    """A process that the session started and will end."""

    def __init__(self, name, popen, log):
        self.name = name
        self.popen = popen
        self.pid = popen.pid
        self.ticks = start_ticks(popen.pid)
        self.log = log

    def running(self):
        return self.popen.poll() is None

    def kill(self, signum=signal.SIGKILL):
        if self.running():
            os.kill(self.pid, signum)
        self.popen.wait(timeout=10)

    def log_tail(self, lines=8):
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


class Session:
    def __init__(self, verbose=False):
        if os.geteuid() != 0:
            raise LabError("needs root, for network namespaces: use sudo")
        self.id = secrets.token_hex(2)
        self.dir = LAB_DIR / self.id
        self.verbose = verbose
        self.daemons = []
        self.namespaces = []
        self._enders = []
        self._closed = False
        (self.dir / "log").mkdir(parents=True)
        self._journal = open(self.dir / "journal.new", "w", encoding="ascii")
        self.record("owner", os.getpid(), start_ticks(os.getpid()))
        # A journal that is there always names its owner.
        os.rename(self.dir / "journal.new", self.dir / "journal")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def record(self, *words):
        self._journal.write(" ".join(map(str, words)) + "\n")
        self._journal.flush()

    def at_end(self, function):
        """Has close() call 'function' before processes are ended; the last
        one that was added runs first."""
        self._enders.append(function)

    def name(self, what):
        """A name for something that the whole machine sees."""
        return "netdom-%s-%s" % (self.id, what)

    def link_name(self, what):
        """The same for a network interface: 15 characters at most."""
        name = "nd%s%s" % (self.id, what)
        if len(name) > 15:
            raise LabError("'%s' is too long for an interface" % name)
        return name

    def run(self, argv, ns=None, timeout_s=30, check=True, env=None):
        """Runs a command, in namespace 'ns' if given.  Returns a
        CompletedProcess with text."""
        argv = [str(word) for word in argv]
        argv[0] = find_program(argv[0])
        full = self._in_ns(ns) + argv
        if self.verbose:
            print("+ " + " ".join(full), file=sys.stderr)
        try:
            done = subprocess.run(full, capture_output=True, text=True,
                                  errors="replace",
                                  stdin=subprocess.DEVNULL,
                                  env=dict(os.environ, **(env or {})),
                                  timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise LabError("'%s' took more than %g s" % (" ".join(argv),
                                                         timeout_s)) from None
        if check and done.returncode:
            raise LabError("'%s' failed: %s" % (
                " ".join(argv), (done.stderr or done.stdout).strip()))
        return done

    def popen(self, argv, ns=None, env=None, **kwargs):
        """Starts a command of which the caller reads the output."""
        argv = [str(word) for word in argv]
        argv[0] = find_program(argv[0])
        with signals_held():
            child = subprocess.Popen(
                self._in_ns(ns) + argv, stdin=subprocess.DEVNULL,
                env=dict(os.environ, **(env or {})), start_new_session=True,
                preexec_fn=_unblock_signals, **kwargs)
            self.record("pid", child.pid, start_ticks(child.pid))
        return child

    def start(self, name, argv, ns=None, env=None):
        """Starts a daemon, in the foreground, its output in log/NAME.log."""
        log = self.dir / "log" / (name + ".log")
        with open(log, "ab") as out:
            child = self.popen(argv, ns=ns, env=env, stdout=out, stderr=out)
        daemon = Daemon(name, child, log)
        self.daemons.append(daemon)
        return daemon

    def wait_daemon(self, daemon, condition, timeout_s, what):
        """As wait_for(), but ends early if the daemon does."""
        def ready():
            if not daemon.running():
                raise LabError("%s ended with status %s: %s" % (
                    daemon.name, daemon.popen.returncode,
                    daemon.log_tail() or "it said nothing"))
            return condition()
        return wait_for(ready, timeout_s, what)

    def _in_ns(self, ns):
        return [find_program("ip"), "netns", "exec", ns] if ns else []

    def add_namespace(self, what):
        """Makes a network namespace with loopback up and no IPv6 of its own
        accord.  Returns its name."""
        name = self.name(what)
        self.record("netns", name)
        self.run(["ip", "netns", "add", name])
        self.namespaces.append(name)
        self.run(["sh", "-c",
                  "ip link set lo up; for f in all default; do"
                  " echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done"
                  " 2>/dev/null; true"], ns=name)
        return name

    def add_veth(self, end, end_ns, peer, peer_ns):
        """Makes a veth pair; a namespace of None is the host's.  Offloads
        are off at both ends: who reads them by packet socket must see whole
        frames with whole checksums."""
        for link, ns in ((end, end_ns), (peer, peer_ns)):
            if ns is None:
                self.record("link", link)
        argv = ["ip", "link", "add", end]
        argv += ["netns", end_ns] if end_ns else []
        argv += ["type", "veth", "peer", "name", peer]
        argv += ["netns", peer_ns] if peer_ns else []
        self.run(argv)
        for link, ns in ((end, end_ns), (peer, peer_ns)):
            self.run(["ethtool", "-K", link, "rx", "off", "tx", "off",
                      "sg", "off", "tso", "off", "gso", "off", "gro", "off"],
                     ns=ns)
            self.run(["ip", "link", "set", link, "up"], ns=ns)

    def close(self):
        """Ends and removes everything.  Says nothing, raises nothing."""
        if self._closed:
            return
        self._closed = True
        with signals_held():
            while self._enders:
                try:
                    self._enders.pop()()
                except (LabError, OSError, subprocess.SubprocessError):
                    pass                # The journal below is surer.
            self._journal.close()
            remove_run(self.dir)


def _unblock_signals():
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
