"""The command 'offload': TCP between two guests with segmentation offload and
without, with mapped pages and without, in turn.

Thread: the main thread.
Errors: LabError.
"""

import statistics

from bench.frame import run_in_session
from bench.rate import parse_positive
from bench.result import Result
from lab import plot, traffic
from lab.host import Host

NAME = "offload"
SUMMARY = "TCP with segmentation offload and mapped pages, and without"
DESCRIPTION = """\
Starts a host of its own with one tenant and three pairs of guests: one with
all offloads, one without TCP segmentation offload, and one with all offloads
and pages that stay mapped (persistent grants).  Runs iperf3 from guest to guest
in one pair after the other, in rounds, so that what else the machine does falls
on all of them, and compares medians and counts.  All guests use TCP Reno, which
every kernel has and which does not pace: BBR, where it is a machine's default,
spreads a large frame's worth of data with timers.  Needs root."""

TENANT = "bench"
# Name, options of its guests, what it is.
KINDS = (("tso", (), "all offloads"),
         ("plain", ("--no-gso",), "no TCP segmentation offload"),
         ("mapped", ("--persistent-grants",), "all offloads, mapped pages"))
CONGESTION_CONTROL = "reno"
ENDS = ("from", "to")
GBIT = 1e9
MIN_RATIO = 5.0
MIN_FRAME_BYTES = 16384
MIN_SEGMENTS_PER_CALL = 8


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=5, metavar="N",
                        help="how often each pair's turn comes (default:"
                        " %(default)s)")
    parser.add_argument("--seconds", type=parse_positive, default=3.0,
                        help="how long a turn is (default: %(default)s)")


def spread(values):
    return "%.2f (%.2f to %.2f)" % (statistics.median(values), min(values),
                                    max(values))


class OffloadBench:
    def __init__(self, session, options, tell):
        self.session = session
        self.options = options
        self.tell = tell
        self.host = Host(session)
        self.guests = {}
        self.rates_bps = {kind: [] for kind, _, _ in KINDS}
        self.counts = {}
        self.result = Result(
            NAME, "iperf3 over TCP (%s), guest to guest through one switch, MTU"
            " 1500; medians of %d rounds of %g s, one pair after the other."
            % (CONGESTION_CONTROL, options.rounds, options.seconds))

    def start(self):
        host = self.host
        self.tell("starting a host")
        host.start_with_tenant(TENANT)
        self.tell("starting %d guests" % (2 * len(KINDS)))
        number = 0
        for subnet, (kind, words, _) in enumerate(KINDS, 1):
            for end in ENDS:
                number += 1
                vif = "%s-%s" % (kind, end)
                host.ctl("vif-add", TENANT, vif, "guest=" + vif, "devid=0",
                         "mac=02:00:00:00:01:%02x" % number)
                self.guests[vif] = host.start_guest(
                    vif, "10.0.%d.%d/24" % (subnet, number), words)
                host.wait_connected(vif)
                traffic.set_congestion_control(
                    self.session, self.guests[vif].ns, CONGESTION_CONTROL)
            traffic.start_iperf_server(self.session,
                                       self.guests[kind + "-to"].ns)

    def count(self, kind):
        """What the switch has counted for a pair of guests."""
        counters = self.host.counters(TENANT)
        total = {}
        for end in ENDS:
            vif = counters[self.host.port("%s-%s" % (kind, end))]
            for name, value in {**vif["counts"], "tx_packets":
                                vif["tx_packets"], "tx_bytes":
                                vif["tx_bytes"]}.items():
                total[name] = total.get(name, 0) + value
        return total

    def turn(self, kind):
        source, sink = (self.guests["%s-%s" % (kind, end)] for end in ENDS)
        before = self.count(kind)
        found = traffic.Iperf(self.session, source.ns, sink.address,
                              self.options.seconds).result()
        after = self.count(kind)
        self.rates_bps[kind].append(found["goodput_bps"])
        counts = self.counts.setdefault(kind, {})
        for name in after:
            counts[name] = counts.get(name, 0) + after[name] - before[name]

    def add_rows(self):
        gbit = {kind: [bps / GBIT for bps in rates]
                for kind, rates in self.rates_bps.items()}
        median = {kind: statistics.median(values)
                  for kind, values in gbit.items()}
        ratio = median["tso"] / median["plain"]
        self.result.add(
            "TSO, throughput over that without", "%g or more" % MIN_RATIO,
            round(ratio, 2), "times", ratio >= MIN_RATIO,
            "with %s Gbit/s, without %s Gbit/s" % (spread(gbit["tso"]),
                                                   spread(gbit["plain"])),
            {"with_bps": self.rates_bps["tso"],
             "without_bps": self.rates_bps["plain"]})

        tso, mapped = self.counts["tso"], self.counts["mapped"]
        frame_bytes = tso["tx_bytes"] / max(tso["tx_packets"], 1)
        self.result.add(
            "TSO, bytes of a frame in the switch, acknowledgements included",
            "%d or more" % MIN_FRAME_BYTES, round(frame_bytes), "bytes",
            frame_bytes >= MIN_FRAME_BYTES)
        self.result.add(
            "TSO, frames cut on their way", "0",
            tso["tx_segmented"] + tso["rx_segmented"], "frames",
            not tso["tx_segmented"] + tso["rx_segmented"])
        grants = mapped["tx_grant_copies"] + mapped["rx_grant_copies"]
        others = tso["tx_grant_copies"] + tso["rx_grant_copies"]
        self.result.add(
            "mapped pages, grant operations", "0", grants, "operations",
            not grants, "%d pages copied without one; without mapped pages %d"
            " operations for %.1f GB; throughput %s Gbit/s" % (
                mapped["tx_mapped_copies"] + mapped["rx_mapped_copies"],
                others, tso["tx_bytes"] / 1e9, spread(gbit["mapped"])),
            {"mapped_bps": self.rates_bps["mapped"],
             "counts": {"tso": tso, "mapped": mapped}})
        events = tso["tx_notifies"] + tso["rx_notifies"]
        per_event = others / max(events, 1)
        self.result.add(
            "TSO, pages copied per event sent",
            "%d or more" % MIN_SEGMENTS_PER_CALL, round(per_event, 1),
            "pages", per_event >= MIN_SEGMENTS_PER_CALL,
            "%d events" % events)

    def add_chart(self):
        width = self.options.seconds
        lines = [plot.Line(what, [(i * width, bps) for i, bps in
                                  enumerate(self.rates_bps[kind])])
                 for kind, _, what in KINDS]
        svg = plot.chart_svg("rounds", "throughput, round by round", lines,
                             [], width * max(self.options.rounds - 1, 1))
        self.result.charts.append(("Throughput", svg))

    def run(self):
        self.start()
        for i in range(self.options.rounds):
            for kind, _, what in KINDS:
                self.turn(kind)
                self.tell("round %d of %d, %s: %.2f Gbit/s" % (
                    i + 1, self.options.rounds, what,
                    self.rates_bps[kind][-1] / GBIT))
        self.add_rows()
        if self.options.html:
            self.add_chart()
        return self.result


def run(options, tell):
    return run_in_session(OffloadBench, options, tell)
