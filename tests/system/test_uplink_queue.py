"""The queue in front of the uplink: what is sent too fast waits in the guest
who sent it, and each has its share of the wire."""

import time

import pytest

from bench.guest import BenchGuest
from lab.session import wait_for
from switch import Guest, Switch
from test_controller import Bench
from test_fairness import add_flow
from test_limits import set_limits, set_policy
from test_netback import MAC, Pair
from test_switch import sleeps

FRAME_BYTES = 1000
LIMIT_MBIT = 40


class World:
    """Behind the uplink: counts what arrives."""

    def __init__(self, switch):
        self.session = switch.session
        self.ns = self.session.add_namespace("world")
        names = [self.session.link_name("vf" + end) for end in "ab"]
        self.session.add_veth(names[0], switch.ns, names[1], self.ns)
        self.link = names[1]
        self.mac = self.read("address")
        switch.vsctl("add-port", "br0", "vf0", "--", "set", "interface",
                     "vf0", "type=tenantvf",
                     "options:dpdk-devargs=net_af_packet0,iface=%s"
                     % names[0])

    def read(self, name):
        return self.session.run(["cat", "/sys/class/net/%s/%s" % (
            self.link, name)], ns=self.ns).stdout.strip()

    def frames(self):
        return int(self.read("statistics/rx_packets"))


class Source:
    """A generator that floods the world."""

    def __init__(self, switch, world, number):
        self.switch = switch
        self.guest = Guest(
            switch, "flood%d" % number, "--pktgen=dst=%s,size=%d,rate=20kpps,"
            "id=%d" % (world.mac, FRAME_BYTES, number))
        self.guest.plug(MAC % (100 + number))
        self.domid = self.guest.domid
        self.port = "vif%d.0" % self.guest.domid

    def sent(self):
        """What its switch took."""
        return self.guest.stats()["pktgen"]["frames"]


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


def statistics(switch, name):
    found = switch.vsctl("--if-exists", "get", "interface", "vf0",
                         "statistics:" + name, check=False).stdout.strip()
    return int(found or 0)


def expect(world, sources, *wanted_mbit):
    """What each sends settles, within a twentieth, and all of it arrives."""
    for _ in range(6):
        time.sleep(0.5)
        begin_s = time.monotonic()
        before = [source.sent() for source in sources] + [world.frames()]
        time.sleep(2)
        seconds = time.monotonic() - begin_s
        after = [source.sent() for source in sources] + [world.frames()]
        mbit = [(end - start) * FRAME_BYTES * 8 / seconds / 1e6
                for start, end in zip(before, after)]
        if (all(abs(found - wanted) < wanted / 20
                for found, wanted in zip(mbit, wanted_mbit))
                and abs(mbit[-1] - sum(wanted_mbit)) < sum(wanted_mbit) / 30):
            return
    raise AssertionError("%s, not %s" % (mbit, wanted_mbit))


def test_who_floods_waits(switch):
    """Three share the wire, by weight; nothing is lost, and those who stay
    inside do not notice."""
    world = World(switch)
    # It never says where it is.
    add_flow(switch, "dl_dst=%s,actions=vf0" % world.mac)
    sources = [Source(switch, world, number) for number in (1, 2, 3)]
    inside = Pair(switch, 4, size=FRAME_BYTES, rate="2kpps")
    expect(world, sources, 160, 160, 160)
    assert statistics(switch, "tx_queued") == 0

    set_limits(switch, uplink_rate_bps=2 * LIMIT_MBIT * 10**6)
    switch.vsctl("set", "port", "vf0", "qos=@q", "--", "--id=@q", "create",
                 "qos", "type=linux-htb",
                 "other_config:max-rate=%d" % (LIMIT_MBIT * 10**6))
    expect(world, sources, *3 * [LIMIT_MBIT / 3])
    for source in sources:
        assert switch.counter(source.port, "uplink_waits") > 0
    # Nor does the thread spin for frames that have to wait.
    before = sleeps(switch)
    time.sleep(1)
    assert sleeps(switch) > before + 200
    for source, weight in zip(sources, (1, 2, 5)):
        set_policy(switch, source, tx_weight=weight)
    expect(world, sources, *[LIMIT_MBIT * weight / 8 for weight in (1, 2, 5)])

    # A guarantee comes before weights.
    set_policy(switch, sources[0], tx_min_rate_bps=LIMIT_MBIT * 10**6 // 2)
    set_policy(switch, sources[1], tx_weight=1)
    set_policy(switch, sources[2], tx_weight=1)
    expect(world, sources, *[LIMIT_MBIT * part / 6 for part in (4, 1, 1)])

    # dom0's word is what the row cannot go beyond.
    switch.vsctl("clear", "port", "vf0", "qos")
    expect(world, sources, LIMIT_MBIT * 0.5 + LIMIT_MBIT * 1.5 / 3,
           LIMIT_MBIT / 2, LIMIT_MBIT / 2)

    for source in sources:
        source.guest.command("guest/rate", "1pps")
    set_limits(switch)
    assert inside.expect_all()["frames"] > 10000
    assert switch.counter(inside.ports[1], "uplink_waits") == 0
    wait_for(lambda: world.frames() >= sum(source.sent()
                                           for source in sources), 10,
             "all frames to arrive")
    wait_for(lambda: statistics(switch, "tx_queued") > 0, 10, "statistics")
    assert statistics(switch, "tx_drop_queue_full") == 0


def test_tenants_share_a_link(session):
    """Two tenants on one link: alone, one has nearly all; beside each other,
    their parts by weight; what is promised beyond it is refused."""
    bench = Bench(session)
    bench.start()
    host = bench.host
    host.ctl("link-set", "pf0", "100Mbit", "--",
             "profile-add", "heavy", "tx_weight=3")
    sources = {}
    for number, tenant in enumerate(("blue", "red"), 1):
        ns = session.add_namespace("world-" + tenant)
        link, peer = [session.link_name(tenant + end) for end in "ab"]
        session.add_veth(link, None, peer, ns)
        host.ctl("vf-add", "vf-" + tenant, "iface=" + link, "link=pf0")
        bench.host.ctl("--wait", "tenant-add", tenant, "host=here",
                       "vf=vf-" + tenant)
        host.tenants.append(tenant)
        host.ctl("vif-add", tenant, tenant + "-a", "guest=" + tenant,
                 "mac=02:00:00:00:00:%02x" % number)
        mac = session.run(["cat", "/sys/class/net/%s/address" % peer],
                          ns=ns).stdout.strip()
        sources[tenant] = BenchGuest(
            host, tenant, "--pktgen=dst=%s,size=1000,rate=1pps,id=%d"
            % (mac, number))
        sources[tenant].wait_up()

    def shares():
        return {tenant: int(bench.status(tenant, "uplink-share-bps"))
                for tenant in sources}

    def wait_shares(**wanted_mbit):
        """Within a twentieth of the link."""
        wait_for(lambda: all(abs(shares()[tenant] / 1e6 - mbit) < 5
                             for tenant, mbit in wanted_mbit.items()), 15,
                 "shares of %s: %s" % (wanted_mbit, shares()))

    def rate_mbit(tenant, seconds=2):
        sent = sources[tenant].stats()["pktgen"]["frames"]
        begin = time.monotonic()
        time.sleep(seconds)
        return ((sources[tenant].stats()["pktgen"]["frames"] - sent) * 8e-3
                / (time.monotonic() - begin))

    def wait_rate(tenant, least_mbit, most_mbit):
        """Others may use this machine's cores, too."""
        found = []
        for _ in range(6):
            found.append(rate_mbit(tenant))
            if least_mbit < found[-1] < most_mbit:
                return
        raise AssertionError("%s: %s" % (tenant, found))

    wait_shares(red=50, blue=50)
    sources["red"].command("guest/rate", "20kpps")
    wait_shares(red=97, blue=3)
    wait_rate("red", 80, 101)
    sources["blue"].command("guest/rate", "20kpps")
    wait_shares(red=50, blue=50)
    host.ctl("--wait", "tenant-set", "blue", "profile=heavy")
    wait_shares(red=25, blue=75)
    wait_rate("blue", 65, 80)
    assert sum(shares().values()) <= 100000000

    # A promise is kept whoever wants what; one too many is refused.
    host.ctl("--wait", "profile-add", "sure", "tx_min_rate=60Mbit", "--",
             "tenant-set", "red", "profile=sure")
    wait_shares(red=70, blue=30)
    sources["red"].command("guest/rate", "1pps")
    wait_shares(red=60, blue=40)
    refused = host.ctl("--wait", "profile-set", "heavy", "tx_min_rate=36Mbit",
                       check=False)
    assert refused.returncode == 1
    assert ("would add up to 96000000 bit/s, and 95 % of its rate is "
            "95000000" in refused.stderr), refused
    wait_shares(red=60, blue=40)

    # Nobody is told what has not changed.
    before = bench.control("netdom/status")
    assert bench.control("netdom/plan") == "", before
