"""The command 'qos-cost': cycles per packet of the limits, beside rte_meter
and rte_sched.

Thread: the main thread.
Errors: LabError.
"""

import json
import os
import statistics
import subprocess

from bench.rate import parse_count
from bench.result import Result
from lab.session import LabError, find_program

NAME = "qos-cost"
SUMMARY = "cycles per packet of limits, beside rte_meter and rte_sched"
DESCRIPTION = """\
Charges bursts of 32 packets of 64 bytes to limits, and measures what that
costs: a tree of three levels as a tenant's, each with a maximum in bytes and in
packets, the lowest with a guarantee too; one level; none.  In the same run, one
after the other, there and back: a meter of DPDK's rte_meter for each level, and
DPDK's rte_sched, which queues besides.  Needs no root."""

GOAL_CYCLES = 25.0
PROGRAM = "bench-qos-cost"
ARMS = (("tree", "three levels of limits, 64 B"),
        ("vif", "one level"), ("none", "no limit set"))
PEERS = (("rte_meter", "three of rte_meter's, asked for each packet"),
         ("rte_sched", "rte_sched, in and out"))


def add_options(parser):
    parser.add_argument("--rounds", type=parse_count, default=20, metavar="N",
                        help="how often each has its turn (default:"
                        " %(default)s)")
    parser.add_argument("--batches", type=parse_count, default=20000,
                        metavar="N", help="bursts in a turn (default:"
                        " %(default)s)")


def interval(values):
    """Median, and the bounds between which it lies with 95 % confidence (by
    rank: the binomial distribution's, as a normal one)."""
    ordered = sorted(values)
    n = len(ordered)
    half = 0.98 * n ** 0.5
    low = max(int(n / 2 - half), 0)
    high = min(int(n / 2 + half), n - 1)
    return statistics.median(ordered), ordered[low], ordered[high]


def shown(values):
    return "%.1f (95 %%: %.1f to %.1f)" % interval(values)


def judge(found):
    """A Result of what the program found."""
    result = Result(NAME, "Bursts of %d packets of %d bytes; %d rounds, one"
                    " arm after the other, there and back; medians." % (
                        found["burst"], found["frame_bytes"],
                        len(found["tree"])))
    for name, words in ARMS:
        cycles = statistics.median(found[name])
        result.add(words, "%g or less" % GOAL_CYCLES, round(cycles, 2),
                   "cycles/packet", cycles <= GOAL_CYCLES,
                   shown(found[name]), {"rounds": found[name]})
    for name, words in PEERS:
        result.add(words, "none: for comparison",
                   round(statistics.median(found[name]), 2), "cycles/packet",
                   True, shown(found[name]), {"rounds": found[name]})
    return result


def run(options, tell):
    tell("%d rounds" % options.rounds)
    done = subprocess.run(
        [find_program(PROGRAM), str(options.rounds), str(options.batches)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=dict(os.environ, LC_ALL="C"), check=False)
    if done.returncode:
        raise LabError("%s: %s" % (PROGRAM, done.stderr.strip()[-300:]))
    try:
        found = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError:
        raise LabError("%s said: %s" % (PROGRAM, done.stdout[-200:])) from None
    return judge(found)
