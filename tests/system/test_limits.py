"""Limits that vifs share: a host's maximum for all of them, groups, guarantees
and weights, both ways.  Rates come from the guests' own generators and
sinks."""

import time

import pytest

import toolstack
from lab.session import wait_for
from switch import Switch
from test_netback import Pair

MBIT = 1e6
FRAME_BYTES = 1000


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


@pytest.fixture
def pairs(switch):
    """Three, each with more to send than any limit below allows."""
    return [Pair(switch, number, size=FRAME_BYTES, rate="12kpps")
            for number in (1, 2, 3)]


def set_limits(switch, where="limits", **limits):
    toolstack.set_limits(switch.xs, switch.domid, where, {
        name.replace("_", "-"): value for name, value in limits.items()})


def set_policy(switch, guest, **policy):
    toolstack.set_policy(switch.xs, switch.domid, guest.domid, {
        name.replace("_", "-"): value for name, value in policy.items()})


def rates_mbit(pairs, seconds=2):
    """What each sink gets."""
    def look():
        return [pair.sink.stats() for pair in pairs]
    begin = look()
    time.sleep(seconds)
    return [8e3 * (after["sink"]["bytes"] - before["sink"]["bytes"])
            / (after["time_ns"] - before["time_ns"])
            for before, after in zip(begin, look())]


def wait_in_force(switch, what):
    wait_for(lambda: what in switch.appctl("xenvif/limits"), 5, what)


def expect(pairs, *wanted_mbit):
    """Settles, within a twentieth.  On a loaded machine a sink may be late, and
    what its generator may not send meanwhile the others have."""
    for _ in range(5):
        time.sleep(0.5)
        found = rates_mbit(pairs)
        if all(abs(is_mbit - mbit) < mbit / 20
               for is_mbit, mbit in zip(found, wanted_mbit)):
            return
    raise AssertionError("%s, not %s" % (found, wanted_mbit))


def test_weights_then_groups(switch, pairs):
    """What all send together is limited; who gets how much goes by weight,
    and a group is one among the others."""
    expect(pairs, 96, 96, 96)
    for pair, weight in zip(pairs, (1, 2, 3)):
        set_policy(switch, pair.source, tx_weight=weight)
    set_limits(switch, tx_rate_bps=60000000)
    wait_in_force(switch, "at most 60000000 bit/s")
    expect(pairs, 10, 20, 30)
    for pair in pairs:
        assert switch.counter(pair.ports[1], "tx_throttled") > 0
        # Always backlogged, so held back nearly all the time.
        held = switch.counter(pair.ports[1], "tx_throttled_ns")
        time.sleep(1)
        held = switch.counter(pair.ports[1], "tx_throttled_ns") - held
        assert 0.5e9 < held < 1.5e9, held
    assert "queued for it: 0 frames" in switch.appctl("xenvif/limits")

    set_limits(switch, "groups/first", tx_weight=3)
    for pair in pairs[:2]:
        set_policy(switch, pair.source, group="first")
    wait_in_force(switch, "group first")
    expect(pairs, 10, 20, 30)

    set_limits(switch, "groups/first", tx_rate_bps=15000000)
    wait_in_force(switch, "at most 15000000 bit/s")
    expect(pairs, 5, 10, 45)

    # A group that is not there is no limit, and no harm.
    set_limits(switch, "groups/first")
    wait_for(lambda: "group first" not in switch.appctl("xenvif/limits"), 5,
             "the group to go")
    expect(pairs, 10, 20, 30)
    set_limits(switch)
    wait_for(lambda: "60000000" not in switch.appctl("xenvif/limits"), 5,
             "the limit to go")
    expect(pairs, 96, 96, 96)


def test_guarantee(switch, pairs):
    """One has its guarantee beside others of a thousand times its weight."""
    set_policy(switch, pairs[0].source, tx_min_rate_bps=40000000)
    for pair in pairs[1:]:
        set_policy(switch, pair.source, tx_weight=1000)
    # The guarantee's burst is not for the others, and they need some.
    set_limits(switch, tx_rate_bps=60000000, tx_burst_bytes=400000)
    wait_in_force(switch, "at least 40000000 bit/s")
    expect(pairs, 40, 10, 10)


def test_the_port_s_row_lowers(switch, pairs):
    """What the domain's own database says of a port makes limits tighter, and
    can do no more."""
    pair = pairs[0]
    sink, source = pair.ports
    set_policy(switch, pair.source, tx_rate_bps=40000000)
    wait_in_force(switch, "at most 40000000 bit/s")

    def interface(port, *words):
        switch.vsctl("set", "interface", port, *words)

    interface(source, "ingress_policing_rate=20000",
              "ingress_policing_burst=800")
    wait_in_force(switch, "at most 20000000 bit/s (burst 50000 bytes")
    assert "from the port's row" in switch.appctl("xenvif/limits")
    expect(pairs, 20, 96, 96)
    interface(source, "ingress_policing_rate=80000")
    wait_in_force(switch, "at most 40000000 bit/s")
    assert "from policy" in switch.appctl("xenvif/limits")
    expect(pairs, 40, 96, 96)
    interface(source, "ingress_policing_rate=0",
              "ingress_policing_kpkts_rate=2",
              "ingress_policing_kpkts_burst=1")
    wait_in_force(switch, "at most 2000 packets/s (burst 1000,")
    expect(pairs, 16, 96, 96)
    interface(source, "ingress_policing_kpkts_rate=0")

    for qos in (("type=linux-htb", "other-config:max-rate=10000000"),
                ("type=egress-policer", "other-config:cir=1250000",
                 "other-config:cbs=20000")):
        switch.vsctl("set", "port", sink, "qos=@q", "--", "--id=@q",
                     "create", "qos", *qos)
        wait_in_force(switch, "at most 10000000 bit/s")
        expect(pairs, 10, 96, 96)
        switch.vsctl("--", "clear", "port", sink, "qos", "--", "--all",
                     "destroy", "qos")
        expect(pairs, 40, 96, 96)

    # What we do not have is said, not swallowed.
    for words, part in (
            (("type=linux-codel",), 'QoS of type "linux-codel" is none'),
            (("type=linux-htb", "queues:1=@u", "--", "--id=@u", "create",
              "queue", "other-config:max-rate=1000000"),
             "queue 1 of its QoS is without effect")):
        switch.vsctl("set", "port", sink, "qos=@q", "--", "--id=@q",
                     "create", "qos", *words)
        wait_for(lambda part=part: part in switch.daemon.log.read_text(), 5,
                 part)


def test_receive(switch, pairs):
    """The same for what guests receive."""
    for pair, weight in zip(pairs, (1, 2, 3)):
        set_policy(switch, pair.sink, rx_weight=weight)
    set_limits(switch, rx_rate_bps=60000000)
    wait_in_force(switch, "at most 60000000 bit/s")
    expect(pairs, 10, 20, 30)
    for pair in pairs:
        assert switch.counter(pair.ports[0], "rx_drop_queue_full") > 0
        assert switch.counter(pair.ports[0], "rx_throttled_ns") > 1e9
        assert switch.counter(pair.ports[1], "tx_throttled") == 0
    assert "dropped: rx_drop_queue_full" in switch.appctl("xenvif/limits")


def test_packets(switch, pairs):
    set_policy(switch, pairs[0].source, tx_rate_pps=2000)
    wait_in_force(switch, "at most 2000 packets/s (burst 32")
    expect(pairs, 16, 96, 96)


@pytest.mark.parametrize("limits", [
    {"tx_rate_bps": 1}, {"tx_rate_bps": "fast"}, {"rx_rate_bps": 10 ** 12},
    {"tx_weight": 0}, {"tx_weight": 1001}, {"tx_rate_pps": 10 ** 11}], ids=str)
def test_nonsense_is_refused(switch, limits):
    """What held goes on holding, and the log says why."""
    set_limits(switch, tx_rate_bps=60000000)
    wait_in_force(switch, "at most 60000000 bit/s")
    set_limits(switch, "groups/bad", **limits)
    wait_for(lambda: "the limits that vifs share stay as they are" in
             switch.daemon.log.read_text(), 5, "the refusal")
    assert "group bad" not in switch.appctl("xenvif/limits")
    assert "at most 60000000 bit/s" in switch.appctl("xenvif/limits")
