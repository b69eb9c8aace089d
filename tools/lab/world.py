"""The world: one VLAN-aware bridge in a namespace of its own, a stock Open
vSwitch, because kernels without VLAN filtering exist.  Each tenant's VF is an
access port, and each tenant's VLAN has one host, in a namespace of its own.

Thread: the main thread.
Owner:  the Session ends everything.
"""

from lab.session import find_program

HOST_MAC = "02:00:00:00:01:00"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Uplink:
    """One tenant's way out: the VF's stand-in in the host's namespace, and
    the world's host in its VLAN."""

    def __init__(self, name, vlan, iface, host_ns, host_address):
        self.name = name
        self.vlan = vlan
        self.iface = iface
        self.host_ns = host_ns
        self.host_address = host_address
        self.host_iface = "eth0"


class World:
    def __init__(self, session):
        self.session = session
        self.ns = session.add_namespace("world")
        self.dir = session.dir / "world"
        self.dir.mkdir()
        self.env = {"OVS_RUNDIR": str(self.dir), "OVS_LOGDIR": str(self.dir),
                    "OVS_DBDIR": str(self.dir)}
        self.uplinks = {}

    def start(self):
        """Starts the bridge, with no port yet."""
        session = self.session
        session.run(["ovsdb-tool", "create", self.dir / "conf.db", SCHEMA])
        database = session.start(
            "world-ovsdb-server",
            ["ovsdb-server", self.dir / "conf.db", "--no-chdir",
             "--remote=punix:%s" % (self.dir / "db.sock"),
             "--unixctl=%s" % (self.dir / "ovsdb.ctl")],
            ns=self.ns, env=self.env)
        session.wait_daemon(database, (self.dir / "db.sock").exists, 10,
                            "the world's database")
        switch = session.start(
            "world-ovs-vswitchd",
            ["ovs-vswitchd", "unix:%s" % (self.dir / "db.sock"),
             "--no-chdir", "--unixctl=%s" % (self.dir / "vswitchd.ctl")],
            ns=self.ns, env=self.env)
        session.wait_daemon(switch, (self.dir / "vswitchd.ctl").exists, 10,
                            "the world's switch")
        self.vsctl("--no-wait", "init")
        self.vsctl("add-br", "world", "--", "set", "bridge", "world",
                   "datapath_type=netdev")

    def vsctl(self, *words):
        return self.session.run(
            [find_program("ovs-vsctl"), "--timeout=15",
             "--db=unix:%s" % (self.dir / "db.sock"), *words],
            ns=self.ns, env=self.env).stdout

    def add_uplink(self, name, vlan, address="10.0.0.100/24"):
        """Gives a tenant a VF's stand-in and a host in its VLAN.  Every
        tenant's host may have the same address: they never meet."""
        session = self.session
        iface = session.link_name("v" + name)
        host_ns = session.add_namespace(name + "-host")
        session.add_veth(iface, None, "vf-" + name, self.ns)
        session.add_veth("eth0", host_ns, "host-" + name, self.ns)
        session.run(["ip", "link", "set", "eth0", "address", HOST_MAC],
                    ns=host_ns)
        session.run(["ip", "address", "add", address, "dev", "eth0"],
                    ns=host_ns)
        for port in ("vf-" + name, "host-" + name):
            self.vsctl("add-port", "world", port, "tag=%d" % vlan)
        uplink = Uplink(name, vlan, iface, host_ns, address.split("/")[0])
        self.uplinks[name] = uplink
        return uplink
