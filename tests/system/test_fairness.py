"""A polling thread's time is a resource, too: frames that cost much, since
each needs a flow of its own, cost their sender's time and not its
neighbours'."""

import time

import pytest

from switch import Switch
from test_netback import Pair


@pytest.fixture
def switch(session):
    made = Switch(session)
    # Each new pair of ports is a new flow, and none stays: an upcall for
    # nearly every frame.
    made.appctl("upcall/disable-megaflows")
    made.vsctl("set", "Open_vSwitch", ".", "other_config:flow-limit=100")
    yield made
    made.xs.close()


def counts(switch, pair, *names):
    return [switch.counter(pair.ports[1], name) for name in names]


def test_each_has_its_part_of_the_time(switch):
    """One that floods with new flows, beside one that floods with one: both
    want all of the thread's time, and have about half of it."""
    pairs = (Pair(switch, 1, size=64, rate="max", flows=60000),
             Pair(switch, 2, size=1000, rate="max"))
    time.sleep(1)
    before = [counts(switch, pair, "cpu_ns") for pair in pairs]
    time.sleep(3)
    (dear,), (cheap,) = [
        [end - start for start, end in zip(earlier, counts(switch, pair,
                                                           "cpu_ns"))]
        for earlier, pair in zip(before, pairs)]
    assert counts(switch, pairs[0], "cpu_waits")[0] > 0
    assert 0.7 < dear / cheap < 1.4, (dear, cheap)


def test_a_little_traffic_loses_nothing(switch):
    """One that sends little, beside the flood of new flows."""
    victim = Pair(switch, 1, rate="2kpps")
    victim.wait_frames(2000)
    Pair(switch, 2, size=64, rate="max", flows=60000)
    time.sleep(3)
    flow = victim.expect_all()
    assert flow["frames"] > 4000, flow
