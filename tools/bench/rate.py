"""The command 'rate': limits as set against limits as measured, on the real
data path, both directions.

Thread: the main thread.
Errors: LabError.
"""

import argparse
import pathlib
import re
import signal
import time

from bench import netback_model
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
and counts L2 bytes (without FCS) at the sink, of large frames what they are
when cut to the MTU.  --matrix does that with 1, 2, 4 and 8 queues and frames
of 64 bytes, 1514 bytes and 64 KiB, each for ten seconds, and wants the limit
within 0.1 % or one frame; limits of more than 60 % of what the machine carries
without one are left out.  Beside each is how long the polling threads were
ready and had no core; and a model of xen-netback's algorithm, which has a
limit for each queue.  Needs root."""

UNITS = {"kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}
MBIT = 1e6
TENANT = "bench"
SENDER, RECEIVER = "bench-from", "bench-to"
MACS = {SENDER: "02:00:00:00:00:01", RECEIVER: "02:00:00:00:00:02"}
SERIES_MS = 100
GENERATOR = 1

# TCP over IPv4 without options: the largest frame of whole segments.
HEADER_BYTES, MSS_BYTES = 54, 1460
GSO_BYTES = HEADER_BYTES + 44 * MSS_BYTES

MATRIX = {"queues": [1, 2, 4, 8], "sizes": [64, 1514, GSO_BYTES],
          "rates": [10 * MBIT, 100 * MBIT, 1000 * MBIT, 10000 * MBIT],
          "seconds": 10.0, "precision": 0.1}
UNLIMITED_S = 2
FLOWS = 64                              # Over all queues.
MAX_PART = 0.6


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
    if not text.isdigit() or not 64 <= int(text) <= GSO_BYTES:
        raise argparse.ArgumentTypeError(
            "'%s': expected bytes from 64 to %d" % (text, GSO_BYTES))
    return int(text)


def parse_sizes(text):
    return [parse_size(one) for one in text.split(",")]


def parse_queues(text):
    words = text.split(",")
    if not all(word.isdigit() and 1 <= int(word) <= 8 for word in words):
        raise argparse.ArgumentTypeError("'%s': expected numbers from 1 to 8"
                                         % text)
    return [int(word) for word in words]


def wire_bytes(size):
    """What a frame is charged: itself, or the pieces that it becomes, each
    with a header of its own."""
    if size <= 1514:
        return size
    payload = size - HEADER_BYTES
    return payload + -(-payload // MSS_BYTES) * HEADER_BYTES


def add_options(parser):
    parser.add_argument("--rates", type=parse_rates, metavar="RATE,...",
                        default="1Mbit,10Mbit,100Mbit,500Mbit",
                        help="limits to set (default: %(default)s)")
    parser.add_argument("--directions", type=parse_directions,
                        metavar="tx,rx", default="tx,rx",
                        help="which limits (default: %(default)s)")
    parser.add_argument("--sizes", "--size", type=parse_sizes,
                        default="1514", metavar="BYTES,...",
                        help="L2 bytes of a frame, without FCS, up to %d;"
                        " above 1514 it is to be segmented (default:"
                        " %%(default)s)" % GSO_BYTES)
    parser.add_argument("--queues", type=parse_queues, default="1",
                        metavar="N,...", help="queues of both VIFs, 1 to 8"
                        " (default: %(default)s)")
    parser.add_argument("--matrix", action="store_true",
                        help="queues, sizes, limits, time and goal as said"
                        " above; about a quarter of an hour")
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
    parser.add_argument("--precision", type=parse_positive, metavar="PERCENT",
                        help="goal instead: within this much of the limit, or"
                        " one frame")
    parser.add_argument("--high", type=parse_positive, default=102.0,
                        metavar="PERCENT", help="and at most this (default:"
                        " %(default)s)")


def format_rate(bps):
    """As netdom-ctl and netdom-guest read it, in whole units."""
    for unit, scale in sorted(UNITS.items(), key=lambda item: -item[1]):
        if bps >= scale and round(bps) % scale == 0:
            return "%d%s" % (round(bps) / scale, unit)
    return "%dbit" % round(bps)


def waited_ms(threads):
    """For how long threads were ready to run and had no core, so far: the
    second number of schedstat (Linux's
    Documentation/scheduler/sched-stats.rst)."""
    total_ns = 0
    for task in threads:
        path = pathlib.Path("/proc/%d/schedstat" % task)
        total_ns += int(path.read_text().split()[1])
    return total_ns / 1e6


def judge(measured_bytes, limit_bps, seconds, options, frame_bytes):
    """(goal, result, unit, ok) of what passed in that time."""
    limit_bytes = limit_bps / 8 * seconds
    share = 100 * measured_bytes / limit_bytes
    if options.precision is None:
        return ("%g to %g %%" % (options.low, options.high), round(share, 3),
                "% of the limit", options.low <= share <= options.high)
    slack = max(limit_bytes * options.precision / 100, frame_bytes)
    return ("%.4g %% or less off" % (100 * slack / limit_bytes),
            round(share - 100, 4), "% off the limit",
            abs(measured_bytes - limit_bytes) <= slack)


class RateBench:
    def __init__(self, session, options, tell):
        self.session = session
        self.options = options
        self.tell = tell
        self.host = Host(session)
        self.sender = self.receiver = None
        self.queues, self.size = 1, 1514
        self.result = Result(NAME, "L2 bytes without FCS, counted by"
                             " netdom-guest --sink; frames from"
                             " netdom-guest --pktgen.")
        self.points = {"tx": [], "rx": []}
        self.series = []                # (time_ns, bit/s), of the chart.
        self.limits = []
        self.marks = []                 # (time_ns, words).

    def start(self):
        self.tell("starting a host")
        self.host.start_with_tenant(TENANT)

    def plug(self, queues, size):
        """Two guests with so many queues, one of which sends such frames."""
        host = self.host
        self.queues, self.size = queues, size
        for vif in (SENDER, RECEIVER):
            host.ctl("vif-add", TENANT, vif, "guest=" + vif, "devid=0",
                     "mac=" + MACS[vif], "queues=%d" % queues)
        kind = ("type=tcp,gso=%d," % MSS_BYTES if size > 1514 else "")
        self.receiver = BenchGuest(
            host, RECEIVER, "--sink=interval-ms=%d" % SERIES_MS,
            "--queues=%d" % queues)
        self.receiver.wait_up()
        self.sender = BenchGuest(
            host, SENDER, "--pktgen=dst=%s,%ssize=%d,flows=%d,rate=1pps,id=%d"
            % (MACS[RECEIVER], kind, size, FLOWS if queues > 1 else 1,
               GENERATOR), "--queues=%d" % queues)
        self.sender.wait_up()

    def unplug(self):
        self.keep_series()
        for guest in (self.sender, self.receiver):
            guest.daemon.kill(signal.SIGTERM)
        for vif in (SENDER, RECEIVER):
            self.host.ctl("--wait", "vif-del", vif)

    def keep_series(self):
        sink = self.receiver.stats()["sink"]
        step_s = sink["interval_ms"] / 1e3
        self.series += [(sink["first_ns"] + i * step_s * 1e9,
                         8 * pair[1] / step_s)
                        for i, pair in enumerate(sink["series"])]

    def lost(self, stats):
        for generator in stats["sink"]["generators"]:
            if generator["generator"] == GENERATOR:
                return generator["lost"]
        return 0

    def offered(self, limit_bps):
        """What to send against a limit.  The fixed part empties a bucket
        that is full when the measurement begins."""
        return limit_bps * self.options.offer + 5 * MBIT

    def passed_bytes(self, begin, end):
        """What was charged for what arrived in between."""
        if self.size <= 1514:
            return end["sink"]["bytes"] - begin["sink"]["bytes"]
        return ((end["sink"]["frames"] - begin["sink"]["frames"])
                * wire_bytes(self.size))

    def what(self):
        """Of the guests, if there are several kinds."""
        words = []
        if len(self.options.queues) > 1:
            words.append("%d queue%s" % (self.queues,
                                         "s" if self.queues > 1 else ""))
        if len(self.options.sizes) > 1:
            words.append("%d B" % self.size)
        return "".join(", " + word for word in words)

    def unlimited_bps(self):
        """As fast as this machine goes."""
        self.sender.command("guest/rate", "max")
        time.sleep(0.5)
        begin = self.receiver.stats()
        time.sleep(UNLIMITED_S)
        end = self.receiver.stats()
        self.sender.command("guest/rate", "1pps")
        bps = (8e9 * self.passed_bytes(begin, end)
               / (end["time_ns"] - begin["time_ns"]))
        self.result.facts["without a limit" + self.what()] = (
            "%.4g Mbit/s" % (bps / MBIT))
        return bps

    def measure(self, direction, limit_bps):
        """One limit."""
        name = "%s %s%s" % (direction, format_rate(limit_bps), self.what())
        vif = SENDER if direction == "tx" else RECEIVER
        threads = self.host.polling_threads(TENANT)
        self.host.ctl("--wait", "set-rate", vif, direction,
                      format_rate(limit_bps))
        self.sender.command("guest/rate",
                            format_rate(self.offered(limit_bps)))
        time.sleep(self.options.warm_up)
        begin, waited = self.receiver.stats(), waited_ms(threads)
        self.marks.append((begin["time_ns"], name))
        self.limits.append((begin["time_ns"], limit_bps))
        time.sleep(self.options.seconds)
        end, waited = self.receiver.stats(), waited_ms(threads) - waited
        self.limits.append((end["time_ns"], limit_bps))
        self.sender.command("guest/rate", "1pps")
        self.host.ctl("--wait", "set-rate", vif, direction, "none")

        seconds = (end["time_ns"] - begin["time_ns"]) / 1e9
        measured = self.passed_bytes(begin, end)
        bps = 8 * measured / seconds
        self.points[direction].append((limit_bps, bps))
        goal, result, unit, ok = judge(measured, limit_bps, seconds,
                                       self.options, wire_bytes(self.size))
        self.result.add(
            name, goal, result, unit, ok,
            "%.6g Mbit/s in %.2f s; polling threads had no core for %.1f ms"
            % (bps / MBIT, seconds, waited),
            {"direction": direction, "limit_bps": round(limit_bps),
             "queues": self.queues, "frame_bytes": self.size,
             "measured_bps": round(bps), "seconds": round(seconds, 6),
             "offered_bps": round(self.offered(limit_bps)),
             "waited_ms": round(waited, 3),
             "lost_frames": self.lost(end) - self.lost(begin)})
        self.tell("%s: %s %s" % (name, result, unit))

    def measure_all(self):
        limits = self.options.rates
        if self.options.matrix:
            most_bps = self.unlimited_bps() * MAX_PART
            for limit_bps in limits:
                if limit_bps > most_bps:
                    self.tell("%s%s: left out, the machine carries no more"
                              " than %.4g Mbit/s" % (
                                  format_rate(limit_bps), self.what(),
                                  most_bps / MAX_PART / MBIT))
            limits = [bps for bps in limits if bps <= most_bps]
        for direction in self.options.directions:
            for limit_bps in limits:
                self.measure(direction, limit_bps)

    def add_model(self):
        """What another algorithm would have done."""
        limit_bps = self.options.rates[0]
        for queues in self.options.queues:
            times = netback_model.sent_bps(
                limit_bps, queues, 1514) / limit_bps
            self.result.add(
                "model of xen-netback, tx %s, %d queue%s" % (
                    format_rate(limit_bps), queues, "s"[:queues > 1]),
                "%d limits: one for each queue" % queues, round(times, 3),
                "times the limit", abs(times - queues) < queues / 20)

    def add_charts(self):
        svg = ratio_svg("ratio", "measured as a share of the limit",
                        [(name, points) for name, points
                         in self.points.items()],
                        self.options.low, self.options.high)
        if svg:
            self.result.charts.append(("Measured against set", svg))

        begin_ns = self.series[0][0]
        got = [((ns - begin_ns) / 1e9, bps) for ns, bps in self.series]

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
                             got[-1][0])
        self.result.charts.append(("Over time", svg))

    def run(self):
        self.start()
        for queues in self.options.queues:
            for size in self.options.sizes:
                self.plug(queues, size)
                self.measure_all()
                self.unplug()
        if len(self.options.queues) > 1:
            self.add_model()
        if self.options.html:
            self.add_charts()
        return self.result


def run(options, tell):
    for name, parse in (("rates", parse_rates), ("sizes", parse_sizes),
                        ("queues", parse_queues),
                        ("directions", parse_directions)):
        value = getattr(options, name)  # Defaults are text.
        if isinstance(value, str):
            setattr(options, name, parse(value))
    if options.matrix:
        vars(options).update(MATRIX)
    if options.low > options.high:
        raise LabError("--low is above --high")
    return run_in_session(RateBench, options, tell)
