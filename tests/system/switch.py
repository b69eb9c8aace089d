"""A switch alone, without a controller, and guests whose traffic is counted:
what the tests of both need."""

import json
import re
import time

import toolstack
from lab.session import find_program, wait_for

EAL_ARGS = ("--no-huge --legacy-mem --no-shconf --no-pci --no-telemetry"
            " -m 256 -l 0")
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Switch:
    """A database, the stand-in, a domain, and a switch in it."""

    def __init__(self, session, eal_args=EAL_ARGS, wrap=(), tag="",
                 options=()):
        self.session = session
        self.dir = session.dir / ("switch" + tag)
        self.dir.mkdir()
        self.xen_dir = session.dir / ("xen" + tag)
        self.eal_args = eal_args
        self.wrap = wrap
        self.options = options
        self.env = {"OVS_RUNDIR": str(self.dir), "OVS_LOGDIR": str(self.dir),
                    "OVS_DBDIR": str(self.dir)}
        self.guests = {}
        # Every netdev datapath has a tap "ovs-netdev": not in the host's
        # namespace, where another may run.
        self.ns = session.add_namespace("switch" + tag)

        xenlocald = session.start("netdom-xenlocald", [
            "netdom-xenlocald", "--run-dir=%s" % self.xen_dir])
        self.xenlocald = xenlocald
        session.wait_daemon(xenlocald,
                            (self.xen_dir / "registry.sock").exists, 10,
                            "netdom-xenlocald")
        self.domid = toolstack.create_domain(self.xen_dir, "netdom-test")
        self.xs = toolstack.Xenstore(self.xen_dir / "0/xenstore.sock")

        session.run(["ovsdb-tool", "create", self.dir / "conf.db", SCHEMA])
        ovsdb = session.start("ovsdb-server", [
            "ovsdb-server", self.dir / "conf.db", "--no-chdir", "--pidfile",
            "--remote=punix:%s" % (self.dir / "db.sock")], env=self.env)
        session.wait_daemon(ovsdb, (self.dir / "db.sock").exists, 10,
                            "ovsdb-server")
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "add-br", "br0", "--", "set", "bridge",
                   "br0", "datapath_type=netdev")
        self.daemon = None
        self.start()

    def start(self):
        argv = [*self.wrap, find_program("netdom-vswitchd"), "--no-chdir",
                "--pidfile",
                "--domid=%d" % self.domid, "--xen-dir=%s" % self.xen_dir,
                *self.options]
        if self.eal_args:
            argv.append("--eal-args=%s" % self.eal_args)
        self.daemon = self.session.start("netdom-vswitchd", argv,
                                         ns=self.ns, env=self.env)
        self.session.wait_daemon(
            self.daemon, lambda: self.appctl("version", check=False), 15,
            "netdom-vswitchd")

    def vsctl(self, *words, check=True):
        return self.session.run(["ovs-vsctl", "--timeout=10", *words],
                                env=self.env, check=check)

    def refused(self, name, says, done):
        """True if the switch says 'says' of interface 'name', which it could
        not take: in ovs-vsctl's words or in the error column.  OVS loses the
        column's first writing if it conflicts with its own statistics; at
        the next change of the database it tries, and says so, again."""
        def said():
            if says in done.stderr + self.vsctl("get", "interface", name,
                                                "error").stdout:
                return True
            self.vsctl("set", "interface", name, "external_ids:look=%d"
                       % time.monotonic_ns())
            return False
        return wait_for(said, 10, "'%s' of %s, not: %s" % (says, name,
                                                           done.stderr))

    def appctl(self, *words, check=True):
        return self.session.run(
            ["ovs-appctl", "-t", "netdom-vswitchd", *words], env=self.env,
            check=check).stdout

    def start_guest(self, name, address, *options):
        ns = self.session.add_namespace(name)
        self.session.start("guest-" + name, [
            "netdom-guest", "--name=%s" % name, "--tap=eth0",
            "--netns=%s" % ns, "--xen-dir=%s" % self.xen_dir, *options])
        wait_for(lambda: toolstack.find_domain(self.xen_dir, name), 10,
                 "guest " + name)
        self.guests[name] = ns, address
        return toolstack.find_domain(self.xen_dir, name)

    def plug(self, name, guest, mac, policy=None):
        """Adds the guest's vif 0; returns when it is connected."""
        toolstack.add_vif(self.xs, self.domid, guest, mac, policy=policy)
        self.vsctl("add-port", "br0", "vif%d.0" % guest, "--", "set",
                   "interface", "vif%d.0" % guest, "type=xenvif",
                   "options:domid=%d" % guest, "options:devid=0")
        self.wait_state(guest, 4)
        ns, address = self.guests[name]
        wait_for(lambda: "eth0" in self.session.run(
            ["ip", "-br", "link"], ns=ns).stdout, 10, "tap of " + name)
        self.session.run(["ip", "address", "replace", address, "dev",
                          "eth0"], ns=ns)
        self.session.run(["ip", "link", "set", "eth0", "up"], ns=ns)

    def backend(self, guest, leaf):
        return self.xs.read("%s/%s" % (
            toolstack.backend_path(self.domid, guest), leaf))

    def wait_state(self, guest, state, timeout_s=10):
        wait_for(lambda: self.backend(guest, "state") == str(state),
                 timeout_s, "vif%d.0 to reach state %d, it is in %s: %s" % (
                     guest, state, self.backend(guest, "state"),
                     self.backend(guest, "error")))

    def ping(self, name, address, count=3):
        """The number of answers."""
        done = self.session.run(
            ["ping", "-n", "-q", "-c", str(count), "-i", "0.1", "-W", "1",
             address], ns=self.guests[name][0], check=False)
        return int(re.search(r"(\d+) received", done.stdout).group(1))

    def counter(self, port, name):
        """A counter of a vif, or 0 if it has none of that name."""
        shown = self.appctl("xenvif/show", port)
        found = re.search(r"^  %s: (\d+)$" % name, shown, re.MULTILINE)
        return int(found.group(1)) if found else 0

    def limit_bps(self, guest, direction):
        shown = self.appctl("xenvif/show", "vif%d.0" % guest)
        found = re.search(r"%s limit: (\d+|none)" % direction, shown)
        return found.group(1)


class Guest:
    """netdom-guest with a report; 'wrap' runs it with a command in front."""

    def __init__(self, switch, name, *options, wrap=()):
        self.switch = switch
        self.name = name
        self.report = switch.session.dir / (name + ".json")
        self.socket = switch.session.dir / "guests" / (name + ".ctl")
        self.daemon = switch.session.start("guest-" + name, [
            *wrap, find_program("netdom-guest"), "--name=" + name,
            "--xen-dir=%s" % switch.xen_dir, "--json",
            "--output=%s" % self.report, *options])
        wait_for(lambda: toolstack.find_domain(switch.xen_dir, name), 10,
                 "guest " + name)
        self.domid = toolstack.find_domain(switch.xen_dir, name)

    def plug(self, mac):
        port = "vif%d.0" % self.domid
        toolstack.add_vif(self.switch.xs, self.switch.domid, self.domid, mac)
        self.switch.vsctl("--may-exist", "add-port", "br0", port, "--", "set",
                          "interface", port, "type=xenvif",
                          "options:domid=%d" % self.domid, "options:devid=0")
        self.wait_up(True)

    def unplug(self):
        self.switch.xs.remove(toolstack.frontend_path(self.domid))

    def command(self, *words):
        return self.switch.session.run(
            ["ovs-appctl", "-t", self.socket, *words]).stdout

    def stats(self):
        return json.loads(self.command("guest/stats", "--json"))

    def wait_up(self, up):
        wait_for(lambda: self.stats()["vif"]["up"] is up, 10,
                 "%s to be %s" % (self.name, "up" if up else "down"))

    def end(self, status=0):
        assert self.daemon.popen.wait(timeout=10) == status
        return json.loads(self.report.read_text())
