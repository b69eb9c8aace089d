"""Who is attacked: a generator at a steady rate, and what comes out of its
uplink.

Thread: the main thread.
Errors: LabError.
"""

import json

from bench.guest import BenchGuest
from lab.session import find_program

FRAME_BYTES = 512
# No multiple of Linux's timer ticks: else all ticks of a turn, or none, fall
# together with a frame, and turns differ by that.
RATE_PPS = 2039
RATE_BPS = RATE_PPS * FRAME_BYTES * 8
FLOWS = 16
MAX_SLICES = 10000                      # No turn has more.
GENERATOR = 7
BEHIND_MAC = "02:4e:44:00:00:%02x"      # bench-sink's, by generator.


class Victim:
    """A guest of 'uplink''s tenant whose VIF has a guarantee of all that it
    sends.  Its own programs come first on core 'cpu': what they suffer is the
    switch's doing."""

    def __init__(self, host, uplink, number, cpu):
        self.host = host
        self.session = host.session
        self.uplink = uplink
        self.vif = uplink.tenant + "-v"
        self.mac = "02:00:00:00:%02x:01" % number
        self.report = self.session.dir / (uplink.tenant + ".sink")
        self.wrap = ("taskset", "-c", str(cpu), "chrt", "-r", "5")
        self.source = None

    def define(self):
        self.host.ctl("vif-add", self.uplink.tenant, self.vif,
                      "guest=" + self.vif, "devid=0", "mac=" + self.mac)
        self.host.ctl("set", "VIF", self.vif, "tx_min_rate_bps=%d" % RATE_BPS)

    def start(self):
        sink = self.session.start(
            "sink-" + self.uplink.tenant,
            [*self.wrap, find_program("bench-sink"), self.uplink.behind,
             str(GENERATOR), self.report], ns=self.uplink.ns)
        self.session.wait_daemon(sink, self.report.exists, 5, "bench-sink")
        self.source = BenchGuest(
            self.host, self.vif, "--pktgen=dst=%s,size=%d,flows=%d,rate=1pps,"
            "id=%d" % (BEHIND_MAC % GENERATOR, FRAME_BYTES, FLOWS, GENERATOR),
            wrap=self.wrap)
        self.source.wait_up()

    def go(self):
        self.source.wait_up()
        self.source.command("guest/rate", "%dpps" % RATE_PPS)

    def halt(self):
        self.source.command("guest/rate", "1pps")

    def slices(self, begin_ns, end_ns):
        """bench-sink's lines for what lies between."""
        lines = self.report.read_text().splitlines()
        found = [json.loads(line) for line in lines[-MAX_SLICES:]
                 if line.endswith("}")]
        return [one for one in found if one["begin_ns"] >= begin_ns
                and one["end_ns"] <= end_ns]
