"""The command 'receive-delay': how long frames wait for a guest that is limited
in what it receives, with CoDel and with the queue's bound alone, in turn.

Thread: the main thread.
Errors: LabError.
"""

import statistics

from bench.frame import run_in_session
from bench.rate import format_rate, parse_positive, parse_rates
from bench.result import Result
from lab import traffic
from lab.host import Host

NAME = "receive-delay"
SUMMARY = "how long frames wait for a guest that TCP floods"
DESCRIPTION = """\
Starts a host of its own with one tenant and two guests.  One sends TCP to the
other with iperf3, as fast as it can, and pings it meanwhile; what the other may
receive is limited.  Each limit is measured with CoDel in front of the guest and
with the bound of the queue alone (50 ms of the limit), in turn, so that what
else the machine does falls on both.  Needs root."""

TENANT = "bench"
SENDER, RECEIVER = "delay-from", "delay-to"
ARMS = (("codel", "on"), ("bound", "off"))
PING_INTERVAL_S = 0.02
MAX_DELAY_RATIO = 0.6
MIN_GOODPUT_PERCENT = 95.0


def add_options(parser):
    parser.add_argument("--rates", type=parse_rates, metavar="RATE,...",
                        default="10Mbit,100Mbit,300Mbit",
                        help="limits to set (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N",
                        help="how often each arm's turn comes (default:"
                        " %(default)s)")
    parser.add_argument("--seconds", type=parse_positive, default=5.0,
                        help="how long a turn is (default: %(default)s)")


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


class ReceiveDelayBench:
    def __init__(self, session, options, tell):
        self.session = session
        self.options = options
        self.tell = tell
        self.host = Host(session)
        self.guests = {}
        self.found = {}
        self.result = Result(
            NAME, "one TCP connection (Reno) and a ping each %d ms, guest to"
            " guest; %d rounds of %g s for each arm." % (
                PING_INTERVAL_S * 1e3, options.rounds, options.seconds))

    def start(self):
        host = self.host
        self.tell("starting a host")
        host.start_with_tenant(TENANT)
        for number, vif in enumerate((SENDER, RECEIVER), 1):
            host.ctl("vif-add", TENANT, vif, "guest=" + vif, "devid=0",
                     "mac=02:00:00:00:01:%02x" % number)
            self.guests[vif] = host.start_guest(vif, "10.0.1.%d/24" % number)
            host.wait_connected(vif)
            traffic.set_congestion_control(self.session, self.guests[vif].ns,
                                           "reno")
        traffic.start_iperf_server(self.session, self.guests[RECEIVER].ns)

    def turn(self, rate_bps, arm, switch):
        source, sink = self.guests[SENDER], self.guests[RECEIVER]
        self.host.appctl(TENANT, "xenvif/codel", switch)
        ping = traffic.LongPing(self.session, source.ns, sink.address,
                                PING_INTERVAL_S)
        goodput_bps = traffic.Iperf(self.session, source.ns, sink.address,
                                    self.options.seconds).result()[
                                        "goodput_bps"]
        rtts_ms = ping.stop().rtts_ms
        found = self.found.setdefault((rate_bps, arm), {
            "goodput_bps": [], "rtts_ms": []})
        found["goodput_bps"].append(goodput_bps)
        found["rtts_ms"] += rtts_ms
        self.tell("%s, %s: %.1f Mbit/s, median %.1f ms, p99 %.1f ms" % (
            format_rate(rate_bps), arm, goodput_bps / 1e6,
            statistics.median(rtts_ms), quantile(rtts_ms, 0.99)))

    def add_rows(self, rate_bps):
        name = format_rate(rate_bps)
        codel, bound = (self.found[rate_bps, arm] for arm, _ in ARMS)
        delay = {arm: statistics.median(found["rtts_ms"])
                 for arm, found in (("codel", codel), ("bound", bound))}
        ratio = delay["codel"] / delay["bound"]
        self.result.add(
            "%s, median round trip with CoDel over that without" % name,
            "%g or less" % MAX_DELAY_RATIO, round(ratio, 2), "times",
            ratio <= MAX_DELAY_RATIO,
            "with: median %.1f ms, p99 %.1f ms; without: median %.1f ms, p99"
            " %.1f ms" % (delay["codel"], quantile(codel["rtts_ms"], 0.99),
                          delay["bound"], quantile(bound["rtts_ms"], 0.99)),
            {"with_ms": codel["rtts_ms"], "without_ms": bound["rtts_ms"]})
        goodput = [statistics.median(found["goodput_bps"])
                   for found in (codel, bound)]
        percent = 100 * goodput[0] / goodput[1]
        self.result.add(
            "%s, throughput with CoDel in parts of that without" % name,
            "%g or more" % MIN_GOODPUT_PERCENT, round(percent, 1), "%",
            percent >= MIN_GOODPUT_PERCENT,
            "with %.1f Mbit/s, without %.1f Mbit/s" % (
                goodput[0] / 1e6, goodput[1] / 1e6),
            {"with_bps": codel["goodput_bps"],
             "without_bps": bound["goodput_bps"]})

    def run(self):
        self.start()
        for rate_bps in self.options.rates:
            self.host.ctl("--wait", "set-rate", RECEIVER, "rx",
                          format_rate(rate_bps))
            for _ in range(self.options.rounds):
                for arm, switch in ARMS:
                    self.turn(rate_bps, arm, switch)
            self.add_rows(rate_bps)
        return self.result


def run(options, tell):
    return run_in_session(ReceiveDelayBench, options, tell)
