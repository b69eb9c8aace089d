"""The scene of the demo and of most system tests: two tenants, red and blue,
two guests each, with the same addresses in both, and the world behind them.

Thread: the main thread.
Owner:  the Session ends everything.
Errors: LabError.
"""

from lab import traffic
from lab.host import Host
from lab.world import World

MBIT = 1_000_000


class Vif:
    """One VIF as it is to be defined.  Rates in bit/s."""

    def __init__(self, name, tenant, mac, address, tx_bps, rx_bps):
        self.name = name
        self.tenant = tenant
        self.mac = mac
        self.address = address
        self.limits = {"tx": tx_bps, "rx": rx_bps}


MAC_A, MAC_B = "02:00:00:00:00:01", "02:00:00:00:00:02"
VLANS = {"red": 10, "blue": 20}
VIFS = (
    Vif("red-a", "red", MAC_A, "10.0.0.1/24", 8 * MBIT, 50 * MBIT),
    Vif("red-b", "red", MAC_B, "10.0.0.2/24", 100 * MBIT, 200 * MBIT),
    Vif("blue-a", "blue", MAC_A, "10.0.0.1/24", 500 * MBIT, 150 * MBIT),
    Vif("blue-b", "blue", MAC_B, "10.0.0.2/24", 300 * MBIT, 800 * MBIT),
)


class End:
    """Where traffic can begin and end: a guest's tap, or the world's host in
    a tenant's VLAN."""

    def __init__(self, name, ns, iface, address):
        self.name = name
        self.ns = ns
        self.iface = iface
        self.address = address


class TwoTenants:
    def __init__(self, session, limits=True, tell=lambda text: None):
        self.session = session
        self.limits = limits            # Whether to set any.
        self.tell = tell
        self.world = World(session)
        self.host = Host(session)
        self.ends = {}
        self.sampler = None
        self.limits_over_time = {}      # (VIF, "tx"): [(seconds, bit/s)].

    def start(self):
        self.tell("the world: a VLAN-aware bridge")
        self.world.start()
        for tenant, vlan in VLANS.items():
            uplink = self.world.add_uplink(tenant, vlan)
            self.ends[tenant + "-world"] = End(
                tenant + "-world", uplink.host_ns, uplink.host_iface,
                uplink.host_address)
        self.tell("the host: ovsdb-server, netdom-xenlocald,"
                  " netdom-controller")
        self.host.start()
        self.host.start_controller()
        self.define()
        self.start_guests()
        self.start_measuring()

    def define(self):
        host = self.host
        self.tell("two tenants, two VIFs each, by netdom-ctl")
        host.ctl("--may-exist", "host-add", "here")
        for tenant in VLANS:
            host.add_tenant(tenant, self.world.uplinks[tenant])
            host.ctl("set-fail-mode", tenant, "standalone")
        for vif in VIFS:
            host.ctl("vif-add", vif.tenant, vif.name, "guest=" + vif.name,
                     "devid=0", "mac=" + vif.mac,
                     "addresses=" + vif.address.split("/")[0],
                     "anti_spoof=mac,arp,ip")
            if self.limits:
                for direction, bps in vif.limits.items():
                    host.ctl("set-rate", vif.name, direction,
                             "%gMbit" % (bps / MBIT))

    def start_guests(self):
        self.tell("four guests")
        for vif in VIFS:
            # A limit counts wire frames; the kernel's counters, by which it
            # is measured here, count a frame of 64 KiB as one.
            guest = self.host.start_guest(vif.name, vif.address,
                                          ["--no-gso"])
            self.ends[vif.name] = End(vif.name, guest.ns, guest.iface,
                                      guest.address)
        for vif in VIFS:
            self.host.wait_connected(vif.name, 30)

    def start_measuring(self):
        """Counters of all taps over time, and an iperf3 server at every
        end."""
        self.sampler = traffic.Sampler()
        self.session.at_end(self.sampler.stop)
        for end in self.ends.values():
            self.sampler.add(end.name, end.ns, end.iface)
            traffic.start_iperf_server(self.session, end.ns)
        for vif in VIFS:
            for direction, bps in vif.limits.items():
                self.limits_over_time[(vif.name, direction)] = [(0.0, bps)]

    def set_rate(self, vif, direction, bps):
        """Changes a limit while traffic may run."""
        if self.limits:
            self.host.ctl("--wait", "set-rate", vif, direction,
                          "%gMbit" % (bps / MBIT))
        self.limits_over_time[(vif, direction)].append(
            (self.sampler.seconds(), bps))

    def link(self, end):
        return self.sampler.links[end]
