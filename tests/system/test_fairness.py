"""A polling thread's time is a resource, too: frames that cost much cost their
sender's time, and not its neighbours'."""

import re
import time

import pytest

from lab.session import wait_for
from switch import Guest, Switch
from test_limits import set_policy, wait_in_force
from test_netback import MAC, Pair


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


def counts(switch, pair, *names):
    return [switch.counter(pair.ports[1], name) for name in names]


def add_flow(switch, flow):
    socket = switch.dir / "br0.mgmt"
    wait_for(socket.exists, 10, "the bridge's OpenFlow socket")
    switch.session.run(["ovs-ofctl", "add-flow", socket, flow],
                       env=switch.env)


def shares(switch, *pairs):
    """What each had of the thread's time, in ns, and how many of its frames
    arrived, in three seconds."""
    def now():
        return [counts(switch, pair, "cpu_ns") + [pair.flow()["frames"]]
                for pair in pairs]

    time.sleep(1)
    before = now()
    time.sleep(3)
    return [[end - start for start, end in zip(*both)]
            for both in zip(before, now())]


def test_each_has_its_part_of_the_time(switch):
    """Frames that connection tracking looks at forty times, beside frames
    that it looks at eight times: both want all of the thread's time, and have
    about half of it."""
    dear = Pair(switch, 1, size=64, rate="max")
    cheap = Pair(switch, 2, size=64, rate="max")
    for pair, times in ((dear, 40), (cheap, 8)):
        add_flow(switch, "in_port=%s,udp,actions=%s,NORMAL" % (
            pair.ports[1], ",".join("ct(commit,zone=%d)" % zone
                                    for zone in range(1, times + 1))))
    (used_dear, n_dear), (used_cheap, n_cheap) = shares(switch, dear, cheap)
    assert counts(switch, dear, "cpu_waits")[0] > 0
    assert 0.7 < used_dear / used_cheap < 1.4, (used_dear, used_cheap)
    assert n_cheap > 1.3 * n_dear, (n_cheap, n_dear)


def ns_per_frame(switch, pair):
    """What a frame is charged, in a second."""
    def now():
        return counts(switch, pair, "cpu_ns")[0], pair.sent()

    before = now()
    time.sleep(1)
    ns, frames = [end - start for start, end in zip(before, now())]
    return ns / frames


def test_delivery_is_its_senders(switch):
    """Giving frames to a guest is charged to the guest who sent them.  These
    are so large that copying them, once more if they arrive, is what costs."""
    pair = Pair(switch, 1, size=64294, rate="max", type="tcp", gso=1460)
    pair.wait_frames(1000)
    delivered = ns_per_frame(switch, pair)
    assert switch.counter(pair.ports[0], "cpu_ns") < 0.05e9
    add_flow(switch, "tcp,actions=drop")
    dropped = ns_per_frame(switch, pair)
    assert delivered > 1.4 * dropped, (delivered, dropped)


def test_a_little_traffic_loses_nothing(switch):
    """One that sends little, beside a flood of what costs most: a new flow,
    and a new connection, for each frame."""
    victim = Pair(switch, 1, rate="2kpps")
    victim.wait_frames(2000)
    add_flow(switch, "udp,actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],"
             "ct(commit,zone=1),NORMAL")
    flood = Pair(switch, 2, size=64, rate="max", flows=60000)
    time.sleep(3)
    flow = victim.expect_all()
    assert flow["frames"] > 4000, flow
    flood.expect_counted()


def test_new_flows_are_bounded(switch):
    """A flood of new flows waits in its guest, and does not fill the table of
    flows."""
    # A flow for each port: it is looked at.
    add_flow(switch,
             "udp,actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],NORMAL")
    flood = Pair(switch, 1, size=64, rate="max", flows=60000)
    flood.wait_frames(6000)
    victim = Pair(switch, 2, rate="2kpps", flows=100)
    victim.wait_frames(500)
    begin = time.monotonic()
    before, _ = counts(switch, flood, "upcalls", "upcall_waits")
    time.sleep(3)
    upcalls, waits = counts(switch, flood, "upcalls", "upcall_waits")
    seconds = time.monotonic() - begin
    assert waits > 0
    assert 8000 < upcalls - before < 4000 * (seconds + 0.5)
    assert counts(switch, victim, "upcall_waits") == [0]
    victim.expect_all()
    flood.expect_counted()


def test_a_full_queue_has_room_for_others(switch):
    """What one sends to a guest faster than that may receive fills no more
    than a part of its queue, and does not make others' frames be dropped."""
    flood = Pair(switch, 1, size=1000, rate="12kpps")
    set_policy(switch, flood.sink, rx_rate_bps=10000000)
    wait_in_force(switch, "at most 10000000 bit/s")
    flood.wait_frames(1000)
    modest = Guest(switch, "modest", "--pktgen=dst=%s,size=200,rate=100pps,"
                   "id=2" % (MAC % 3))
    modest.plug(MAC % 50)
    time.sleep(5)
    modest.command("guest/rate", "1pps")
    flood.source.command("guest/rate", "1pps")
    time.sleep(0.5)
    flows = {flow["generator"]: flow for flow
             in flood.sink.stats()["sink"]["generators"]}
    assert flows[2]["lost"] == 0 and flows[2]["frames"] > 400, flows
    assert flows[1]["lost"] > 10000, flows
    # Some for want of room, some since the queue stood.
    sink = flood.ports[0]
    assert switch.counter(sink, "rx_drop_queue_full") > 0
    assert switch.counter(sink, "rx_drop_standing") > 0


def test_the_largest_frames_have_room(switch):
    """A frame of 64 KiB passes a limit for which little may wait."""
    pair = Pair(switch, 1, size=64294, rate="100pps", type="tcp", gso=1460)
    set_policy(switch, pair.sink, rx_rate_bps=10000000)
    wait_in_force(switch, "at most 10000000 bit/s")
    pair.wait_frames(40)


def test_new_connections_are_bounded(switch):
    """A flood of new connections waits in its guest, and the table that all
    share grows slowly."""
    add_flow(switch, "udp,actions=ct(commit,zone=1),NORMAL")
    victim = Pair(switch, 2, rate="2kpps", flows=100)
    flood = Pair(switch, 1, size=64, rate="max", vary="all")
    flood.wait_frames(12000)
    begin = time.monotonic()
    before, _ = counts(switch, flood, "conns", "conn_waits")
    time.sleep(3)
    conns, waits = counts(switch, flood, "conns", "conn_waits")
    seconds = time.monotonic() - begin
    assert waits > 0
    assert 20000 < conns - before < 10000 * (seconds + 0.5)
    assert counts(switch, victim, "conns", "conn_waits") == [100, 0]
    table = int(switch.appctl("dpctl/ct-get-nconns"))
    assert conns <= table <= 10000 * (seconds + 60)
    victim.expect_all()
    flood.expect_counted()


def masks(switch):
    """What the flows look at, of addresses and ports."""
    flows = switch.appctl("dpctl/dump-flows").splitlines()
    return {tuple(re.findall(r"\b(src|dst)=[^,)/]*(/[0-9a-fx.]*)?", flow))
            for flow in flows if "ipv4(" in flow and "udp" in flow}


def test_tuple_space_is_bounded(switch):
    """A guest that picks addresses and ports so that as many masks as may be
    are needed to tell rules apart (CVE-2019-25076) makes few."""
    for rule in ("priority=9,udp,nw_src=198.18.0.1,actions=NORMAL",
                 "priority=8,udp,nw_dst=198.19.0.1,actions=NORMAL",
                 "priority=7,udp,tp_src=1024,actions=NORMAL",
                 "priority=6,udp,tp_dst=9,actions=NORMAL"):
        add_flow(switch, rule)
    Pair(switch, 1, size=64, rate="2kpps", vary="prefix").wait_frames(4000)
    assert 20 < len(masks(switch)) <= 225
    switch.appctl("xenvif/isolation", "off")
    switch.appctl("dpctl/del-flows")
    wait_for(lambda: len(masks(switch)) > 500, 10, "hundreds of masks")
