"""A limit that is changed while traffic runs: the new one holds at once, without
a burst or a gap."""

import time

import pytest

from bench.guest import BenchGuest
from test_controller import Bench

MBIT = 1e6
FRAME_BYTES = 1000
STEP_NS = 10_000_000                    # What the sink counts bytes in.
WINDOW = 10                             # Steps.
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


def burst_bytes(rate_bps):
    """The default: ten milliseconds of the rate, at least 16 KiB."""
    return max(rate_bps / 800, 16384)


@pytest.fixture
def bench(session):
    made = Bench(session)
    made.start()
    made.add_tenant("red")
    for name, mac in zip(("from", "to"), MACS):
        made.host.ctl("--wait", "vif-add", "red", "red-" + name,
                      "guest=" + name, "mac=" + mac)
    return made


class Series:
    """What arrived, in steps of time."""

    def __init__(self, sink):
        self.begin_ns = sink["first_ns"]
        self.bytes = [pair[1] for pair in sink["series"]]

    def windows(self, begin_ns, end_ns):
        """Bytes of all windows that lie between."""
        first = -(-(begin_ns - self.begin_ns) // STEP_NS)
        last = (end_ns - self.begin_ns) // STEP_NS - WINDOW
        return [sum(self.bytes[i:i + WINDOW]) for i in range(first, last)]


@pytest.mark.parametrize("vif,direction", (("red-from", "tx"),
                                           ("red-to", "rx")))
def test_a_new_limit_holds_at_once(bench, vif, direction):
    host = bench.host
    sink = BenchGuest(host, "to", "--sink=interval-ms=%d"
                      % (STEP_NS // 1_000_000))
    source = BenchGuest(
        host, "from", "--pktgen=dst=%s,size=%d,rate=1pps,id=1"
        % (MACS[1], FRAME_BYTES))
    for guest in (sink, source):
        guest.wait_up()
    source.command("guest/rate", "12kpps")      # 96 Mbit/s.

    changes = []
    for mbit in (40, 10, 60):
        begin_ns = time.monotonic_ns()
        host.ctl("--wait", "set-rate", vif, direction, "%dMbit" % mbit)
        changes.append((begin_ns, time.monotonic_ns(), mbit * MBIT))
        time.sleep(1.5)
    end_ns = time.monotonic_ns()
    series = Series(sink.stats()["sink"])

    seconds = WINDOW * STEP_NS / 1e9
    for i, (begin_ns, done_ns, rate_bps) in enumerate(changes):
        assert done_ns - begin_ns < 1e9, "set-rate took more than a second"
        until_ns = changes[i + 1][0] if i + 1 < len(changes) else end_ns
        found = series.windows(done_ns, until_ns)
        assert len(found) > 50, found
        # From when the command returns, in each window: no burst, and no gap.
        # (A step begins with the frame that is counted in it.)
        most = (rate_bps / 8 * (seconds + STEP_NS / 1e9)
                + burst_bytes(rate_bps) + FRAME_BYTES)
        assert max(found) <= most, (rate_bps, found)
        assert min(found) > rate_bps / 8 * seconds / 4, (rate_bps, found)
        # And it is the new one: in the middle of all windows.
        middle_bps = sorted(found)[len(found) // 2] * 8 / seconds
        assert abs(middle_bps - rate_bps) < rate_bps / 20, middle_bps
