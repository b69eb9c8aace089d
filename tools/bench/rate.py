"""The command 'rate': limits as set against limits as measured, on the real
data path, both directions.

Thread: the main thread.
Errors: LabError.
"""

import argparse
import re
import time

from bench.chart import ratio_svg
from bench.frame import run_in_session
from bench.guest import BenchGuest
from bench.result import Result
from lab import plot
from lab.host import Host
from lab.session import LabError

NAME = "rate"
SUMMARY = "limits as set against limits as measured"
DESCRIPTION = """\
Starts a host of its own (ovsdb-server, netdom-xenlocald, netdom-controller)
with one tenant and two guests, a packet generator and a sink, each with a
VIF.  Sets one limit after another with netdom-ctl, on what the generator's
VIF sends (tx) or on what the sink's VIF receives (rx), offers more than that,
and counts L2 bytes (without FCS) at the sink.  Needs root."""

UNITS = {"kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}
MBIT = 1e6
TENANT = "bench"
SENDER, RECEIVER = "bench-from", "bench-to"
MACS = {SENDER: "02:00:00:00:00:01", RECEIVER: "02:00:00:00:00:02"}
SERIES_MS = 100
GENERATOR = 1


def parse_rate(text):
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(kbit|Mbit|Gbit)", text)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(
            "'%s' is no rate; write it like 100Mbit" % text)
    return float(match[1]) * UNITS[match[2]]


def parse_rates(text):
    return [parse_rate(one) for one in text.split(",")]


def parse_directions(text):
    words = text.split(",")
    if not words or not set(words) <= {"tx", "rx"}:
        raise argparse.ArgumentTypeError("'%s': expected tx, rx or tx,rx"
                                         % text)
    return words


def parse_positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(
            "'%s': expected a positive number" % text)
    return value


def parse_count(text):
    if not text.isdigit() or not 0 < int(text) <= 1000000:
        raise argparse.ArgumentTypeError(
            "'%s': expected a number from 1 to 1000000" % text)
    return int(text)


def parse_size(text):
    if not text.isdigit() or not 64 <= int(text) <= 1514:
        raise argparse.ArgumentTypeError(
            "'%s': expected bytes from 64 to 1514" % text)
    return int(text)


def add_options(parser):
    parser.add_argument("--rates", type=parse_rates, metavar="RATE,...",
                        default="1Mbit,10Mbit,100Mbit,500Mbit",
                        help="limits to set (default: %(default)s)")
    parser.add_argument("--directions", type=parse_directions,
                        metavar="tx,rx", default="tx,rx",
                        help="which limits (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=1514,
                        metavar="BYTES", help="L2 bytes of a frame, without"
                        " FCS (default: %(default)s)")
    parser.add_argument("--seconds", type=parse_positive, default=5.0,
                        help="how long each is measured (default:"
                        " %(default)s)")
    parser.add_argument("--warm-up", type=parse_positive, default=1.0,
                        metavar="SECONDS", help="before that (default:"
                        " %(default)s)")
    parser.add_argument("--offer", type=parse_positive, default=1.25,
                        metavar="FACTOR", help="offered load over the limit"
                        " (default: %(default)s), and 5 Mbit/s more")
    parser.add_argument("--low", type=parse_positive, default=95.0,
                        metavar="PERCENT", help="goal: measured at least"
                        " this share of the limit (default: %(default)s)")
    parser.add_argument("--high", type=parse_positive, default=102.0,
                        metavar="PERCENT", help="and at most this (default:"
                        " %(default)s)")


def format_rate(bps):
    """As netdom-ctl and netdom-guest read it, in whole units."""
    for unit, scale in sorted(UNITS.items(), key=lambda item: -item[1]):
        if bps >= scale and round(bps) % scale == 0:
            return "%d%s" % (round(bps) / scale, unit)
    return "%dbit" % round(bps)


class RateBench:
    def __init__(self, session, options, tell):
        self.session = session
        self.options = options
        self.tell = tell
        self.host = Host(session)
        self.sender = self.receiver = None
        self.result = Result(NAME, "L2 bytes without FCS, counted by"
                             " netdom-guest --sink; frames of %d bytes from"
                             " netdom-guest --pktgen." % options.size)
        self.points = {"tx": [], "rx": []}
        self.limits = []                # (time_ns, bit/s), of the chart.
        self.marks = []                 # (time_ns, words).

    def start(self):
        host = self.host
        self.tell("starting a host")
        host.start_with_tenant(TENANT)
        for vif in (SENDER, RECEIVER):
            host.ctl("vif-add", TENANT, vif, "guest=" + vif, "devid=0",
                     "mac=" + MACS[vif])
        self.tell("starting two guests")
        self.receiver = BenchGuest(host, RECEIVER,
                                   "--sink=interval-ms=%d" % SERIES_MS)
        self.receiver.wait_up()
        self.sender = BenchGuest(
            host, SENDER, "--pktgen=dst=%s,size=%d,rate=1pps,id=%d"
            % (MACS[RECEIVER], self.options.size, GENERATOR))
        self.sender.wait_up()

    def lost(self, stats):
        for generator in stats["sink"]["generators"]:
            if generator["generator"] == GENERATOR:
                return generator["lost"]
        return 0

    def offered(self, limit_bps):
        """What to send against a limit.  The fixed part empties a bucket
        that is full when the measurement begins."""
        return limit_bps * self.options.offer + 5 * MBIT

    def measure(self, direction, limit_bps):
        """One limit."""
        name = "%s %s" % (direction, format_rate(limit_bps))
        vif = SENDER if direction == "tx" else RECEIVER
        self.host.ctl("--wait", "set-rate", vif, direction,
                      format_rate(limit_bps))
        self.sender.command("guest/rate",
                            format_rate(self.offered(limit_bps)))
        time.sleep(self.options.warm_up)
        begin = self.receiver.stats()
        self.marks.append((begin["time_ns"], name))
        self.limits.append((begin["time_ns"], limit_bps))
        time.sleep(self.options.seconds)
        end = self.receiver.stats()
        self.limits.append((end["time_ns"], limit_bps))
        self.sender.command("guest/rate", "1pps")
        self.host.ctl("--wait", "set-rate", vif, direction, "none")

        seconds = (end["time_ns"] - begin["time_ns"]) / 1e9
        bps = 8 * (end["sink"]["bytes"] - begin["sink"]["bytes"]) / seconds
        share = 100 * bps / limit_bps
        self.points[direction].append((limit_bps, bps))
        row = self.result.add(
            name, "%g to %g %%" % (self.options.low, self.options.high),
            round(share, 3), "% of the limit",
            self.options.low <= share <= self.options.high,
            "%.6g Mbit/s in %.2f s" % (bps / MBIT, seconds),
            {"direction": direction, "limit_bps": round(limit_bps),
             "measured_bps": round(bps), "seconds": round(seconds, 6),
             "offered_bps": round(self.offered(limit_bps)),
             "lost_frames": self.lost(end) - self.lost(begin)})
        self.tell("%s: %s %% of the limit" % (name, row.result))

    def add_charts(self):
        svg = ratio_svg("ratio", "measured as a share of the limit",
                        [(name, points) for name, points
                         in self.points.items()],
                        self.options.low, self.options.high)
        if svg:
            self.result.charts.append(("Measured against set", svg))

        sink = self.receiver.stats()["sink"]
        begin_ns, step_s = sink["first_ns"], sink["interval_ms"] / 1e3
        got = [(i * step_s, 8 * pair[1] / step_s)
               for i, pair in enumerate(sink["series"])]

        def at(time_ns):
            return (time_ns - begin_ns) / 1e9
        lines = [plot.Line("received", got)]
        for i in range(0, len(self.limits), 2):
            lines.append(plot.Line(
                "limit" if i == 0 else "", colour="#333333", steps=True,
                points=[(at(ns), bps) for ns, bps in self.limits[i:i + 2]]))
        svg = plot.chart_svg("time", "received by the sink, over time", lines,
                             [(at(ns), words, False)
                              for ns, words in self.marks],
                             len(got) * step_s)
        self.result.charts.append(("Over time", svg))

    def run(self):
        self.start()
        for direction in self.options.directions:
            for limit_bps in self.options.rates:
                self.measure(direction, limit_bps)
        if self.options.html:
            self.add_charts()
        return self.result


def run(options, tell):
    for name in ("rates", "directions"):    # Defaults are text.
        value = getattr(options, name)
        if isinstance(value, str):
            parse = parse_rates if name == "rates" else parse_directions
            setattr(options, name, parse(value))
    if options.low > options.high:
        raise LabError("--low is above --high")
    return run_in_session(RateBench, options, tell)
