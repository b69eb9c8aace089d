"""Guests that generate and count packets, on a lab's host.

Thread: the main thread.
Owner:  the Session ends them.
Errors: LabError.
"""

import json

from lab.session import LabError, find_program, wait_for


class BenchGuest:
    """A netdom-guest with --pktgen or --sink; 'wrap' is a command that runs
    it."""

    def __init__(self, host, name, *options, wrap=()):
        self.session = host.session
        self.name = name
        self.socket = host.run_dir / "guests" / (name + ".ctl")
        self.daemon = self.session.start(
            "guest-" + name,
            [*wrap, find_program("netdom-guest"), "--name=" + name,
             "--xen-dir=%s" % (host.run_dir / "xen"), *options])
        self.session.wait_daemon(
            self.daemon, lambda: self.command("version", check=False), 10,
            "guest %s to start" % name)

    def command(self, *words, check=True):
        return self.session.run(["ovs-appctl", "--timeout=10", "-t",
                                 self.socket, *words], check=check).stdout

    def stats(self):
        text = self.command("guest/stats", "--json")
        try:
            return json.loads(text)
        except ValueError:
            raise LabError("guest/stats of %s: '%s'"
                           % (self.name, text[:200])) from None

    def wait_up(self, timeout_s=30):
        wait_for(lambda: self.stats()["vif"]["up"], timeout_s,
                 "the vif of guest %s to connect; its log ends: %s"
                 % (self.name, self.daemon.log_tail(3)), poll_s=0.1)
