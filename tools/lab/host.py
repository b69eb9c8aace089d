"""A netdom host on this machine: an ovsdb-server with the Netdom database,
the stand-in for Xen, the controller, and guests whose interfaces are taps in
namespaces of their own.

Thread: the main thread.
Owner:  the Session ends everything.
Errors: LabError.
"""

import contextlib
import json
import os
import pathlib
import signal

from lab.remains import daemons_naming
from lab.session import LabError, ROOT, find_program, wait_for

# In the tree, or where it is installed.
SCHEMA = ROOT / "ovsdb-schema/netdom.ovsschema"
if not SCHEMA.is_file():
    SCHEMA = ROOT / "netdom.ovsschema"


class Guest:
    """A guest: its process, and its namespace, in which any program runs 'in
    the guest'."""

    def __init__(self, name, ns, address, daemon):
        self.name = name
        self.ns = ns
        self.address = address
        self.daemon = daemon
        self.iface = "eth0"


def threads_of(pid, prefix=""):
    """Those of a process whose names begin so; none, if it ended."""
    found = []
    for task in pathlib.Path("/proc/%d/task" % pid).glob("*/comm"):
        with contextlib.suppress(OSError):
            if task.read_text().startswith(prefix):
                found.append(int(task.parent.name))
    return found


class Host:
    def __init__(self, session):
        self.session = session
        # The control groups that the controller makes carry this name.
        self.run_dir = session.dir / "run"
        self.run_dir.mkdir()
        self.database_path = session.dir / "netdom.db"
        self.tenants = []
        self.guests = {}
        self.ovsdb_server = None
        self.xenlocald = None
        self.controller = None

    @property
    def database(self):
        return "unix:%s" % (self.run_dir / "db.sock")

    def start(self):
        session = self.session
        session.run(["ovsdb-tool", "create", self.database_path, SCHEMA])
        self.start_database()
        self.start_xenlocald()
        self.ctl("init")
        session.at_end(self.remove_tenants)

    def start_database(self):
        socket = self.run_dir / "db.sock"
        socket.unlink(missing_ok=True)
        self.ovsdb_server = self.session.start(
            "netdom-ovsdb-server",
            ["ovsdb-server", self.database_path, "--no-chdir",
             "--remote=punix:%s" % socket,
             "--unixctl=%s" % (self.run_dir / "ovsdb-server.ctl")])
        self.session.wait_daemon(self.ovsdb_server, socket.exists, 10,
                                 "the Netdom database")

    def start_xenlocald(self):
        self.xenlocald = self.session.start(
            "netdom-xenlocald",
            ["netdom-xenlocald", "--run-dir=%s" % (self.run_dir / "xen")])
        self.session.wait_daemon(
            self.xenlocald, (self.run_dir / "xen/registry.sock").exists, 10,
            "netdom-xenlocald")

    def start_controller(self, host="here"):
        self.controller = self.session.start(
            "netdom-controller",
            ["netdom-controller", "--run-dir=%s" % self.run_dir,
             "--host=%s" % host, "--db=%s" % self.database,
             "--vswitchd=%s" % find_program("netdom-vswitchd")])

    def ctl(self, *words, check=True, timeout_s=30):
        """netdom-ctl on this host's database."""
        return self.session.run(
            ["netdom-ctl", "--db=%s" % self.database,
             "--timeout=%d" % timeout_s, *words],
            check=check, timeout_s=timeout_s + 5)

    def add_tenant(self, name, uplink=None, host="here"):
        """Defines a tenant, with an uplink of the World if given."""
        words = ["tenant-add", name, "host=%s" % host]
        if uplink is not None:
            self.ctl("vf-add", "vf-" + name, "iface=%s" % uplink.iface,
                     "vlan=%d" % uplink.vlan)
            words.append("vf=vf-%s" % name)
        self.ctl(*words)
        self.tenants.append(name)

    def start_with_tenant(self, name):
        """Starts all, with one tenant, whose bridge learns by itself."""
        self.start()
        self.start_controller()
        self.ctl("--may-exist", "host-add", "here")
        self.add_tenant(name)
        self.ctl("set-fail-mode", name, "standalone")

    def wait_applied(self, timeout_s=30):
        """Waits until the controller has done all that was asked for."""
        self.ctl("--wait", "show", timeout_s=timeout_s)

    def start_guest(self, name, address, extra=()):
        """Starts a guest whose tap has 'address' (10.0.0.1/24)."""
        session = self.session
        ns = session.name(name)
        if ns not in session.namespaces:
            session.add_namespace(name)
        daemon = session.start(
            "guest-" + name,
            ["netdom-guest", "--name=%s" % name, "--tap=eth0",
             "--netns=%s" % ns, "--xen-dir=%s" % (self.run_dir / "xen"),
             *extra])
        guest = Guest(name, ns, address.split("/")[0], daemon)
        session.wait_daemon(
            daemon, lambda: session.run(
                ["ip", "link", "show", "eth0"], ns=ns,
                check=False).returncode == 0, 15, "the tap of " + name)
        session.run(["ip", "address", "add", address, "dev", "eth0"], ns=ns)
        session.run(["ip", "link", "set", "eth0", "up"], ns=ns)
        self.guests[name] = guest
        return guest

    def vif_state(self, vif):
        return self.ctl("get", "VIF", vif, "state",
                        check=False).stdout.strip()

    def wait_connected(self, vif, timeout_s=20):
        try:
            wait_for(lambda: self.vif_state(vif) == "connected", timeout_s,
                     "VIF %s to connect" % vif, poll_s=0.2)
        except LabError as error:
            raise LabError("%s; its state is '%s' and its error %s; tenants:"
                           " %s" % (
                error, self.vif_state(vif),
                self.ctl("get", "VIF", vif, "error",
                         check=False).stdout.strip(),
                " ".join(self.ctl(
                    "--format=csv", "--no-headings",
                    "--columns=name,state,error", "list", "Tenant",
                    check=False).stdout.split()))) from None

    # One tenant's switch, with Open vSwitch's own tools.

    def tenant_dir(self, tenant):
        return self.run_dir / "tenants" / tenant

    def tenant_env(self, tenant):
        """Where Open vSwitch's tools find the tenant's sockets."""
        folder = str(self.tenant_dir(tenant))
        return {"OVS_RUNDIR": folder, "OVS_LOGDIR": folder,
                "OVS_DBDIR": folder}

    def _tool(self, tenant, argv, check):
        argv = [find_program(argv[0]), "--timeout=15", *argv[1:]]
        return self.session.run(argv, check=check,
                                env=self.tenant_env(tenant))

    def vsctl(self, tenant, *words, check=True):
        return self._tool(tenant, ["ovs-vsctl", *words], check).stdout

    def ofctl(self, tenant, command, *words, check=True):
        return self._tool(tenant, ["ovs-ofctl", command, "br0", *words],
                          check).stdout

    def appctl(self, tenant, *words, check=True):
        return self._tool(
            tenant, ["ovs-appctl", "-t", self.control_socket(tenant),
                     *words], check).stdout

    def control_socket(self, tenant):
        """The control socket of the tenant's switch."""
        found = sorted(self.tenant_dir(tenant).glob("netdom-vswitchd.*.ctl"),
                       key=lambda path: path.stat().st_mtime)
        if not found:
            raise LabError("the switch of %s has no control socket" % tenant)
        return str(found[-1])

    def port(self, vif):
        """The OVS port of a VIF: vifDOMID.DEVID."""
        return self.ctl("get", "VIF", vif, "port").stdout.strip().strip('"')

    def counters(self, tenant):
        """What the switch counts for each VIF, by port name."""
        text = self.appctl(tenant, "netdom/counters")
        try:
            return json.loads(text)["vifs"]
        except (ValueError, KeyError):
            raise LabError("netdom/counters of %s: '%s'"
                           % (tenant, text[:200])) from None

    def wait_running(self, tenant, timeout_s=60):
        wait_for(lambda: self.ctl("get", "Tenant", tenant, "state")
                 .stdout.strip() == "running", timeout_s,
                 "tenant %s to run" % tenant, poll_s=0.2)

    def polling_cpu(self, tenant):
        """The core on which its frames are polled."""
        return int(self.ctl("get", "Tenant", tenant,
                            "status:cpu").stdout.strip().strip('"'))

    def confine(self, tenant, cpu):
        """All threads of the tenant's programs stay on that core.  New ones
        are where those are that start them."""
        for pid in daemons_naming("%s/" % self.tenant_dir(tenant)):
            for task in threads_of(pid):
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(task, {cpu})

    def polling_threads(self, tenant):
        """Those of the tenant's switch that poll ports."""
        return [task for pid in self.switch_pids(tenant)
                for task in threads_of(pid, "pmd-")]

    def uplink_port(self, tenant):
        """The port of the tenant's bridge that is its way out."""
        return self.vsctl(tenant, "--bare", "--columns=name", "find",
                          "Interface", "type=tenantvf").strip()

    def switch_pids(self, tenant):
        """The pids of the tenant's netdom-vswitchd as this machine sees
        them, whatever namespace it is in."""
        found = []
        for pid in daemons_naming("%s/" % self.tenant_dir(tenant)):
            try:
                comm = pathlib.Path("/proc/%d/comm" % pid).read_text()
            except OSError:
                continue
            if comm.startswith("netdom-vswitch"):
                found.append(pid)
        return found

    def remove_tenants(self):
        """Has the controller take down what it put up, for as long as it is
        there to do so."""
        if self.controller is None or not self.controller.running():
            return
        if not self.ovsdb_server.running():
            return
        words = []
        for tenant in self.tenants:
            words += ["--", "--if-exists", "--force", "tenant-del", tenant]
        if words:
            self.ctl("--wait", *words[1:], check=False, timeout_s=10)

    def restart_controller(self):
        self.controller.kill(signal.SIGTERM)
        self.start_controller()
