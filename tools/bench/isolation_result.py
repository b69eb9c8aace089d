"""What the isolation bench found, judged.

Thread: any.  Pure.
"""

import statistics

ARMS = ("alone", "spinner", "attacked", "off")
MAX_P99_RATIO = 1.10
MIN_GUARANTEE_PERCENT = 99.0
MIN_FLOOD_HARM = 10.0
MIN_HARM = 1.10                         # Of an attack that is no flood.

# More slices that are set aside, and nothing can be said.
MAX_SPOILT_PART = 0.25


def too_many_spoilt(n_spoilt, n_slices):
    return n_spoilt > MAX_SPOILT_PART * n_slices


def median(rounds, arm, what):
    return statistics.median(turn[arm][what] for turn in rounds)


def harm(rounds):
    """How many times worse the victim fares without isolation than alone: by
    the median or the p99 of its delays, or by what of its frames arrives at
    all, whichever is most; less than a hundredth of them is taken as that."""
    times = [median(rounds, "off", what)
             / max(median(rounds, "alone", what), 1e-3)
             for what in ("p50_us", "p99_us")]
    times.append(median(rounds, "alone", "of_guarantee_percent")
                 / max(median(rounds, "off", "of_guarantee_percent"), 1))
    return max(times)


def quartiles(values):
    ordered = sorted(values)
    n = len(ordered)
    return ordered[n // 4], ordered[-1 - n // 4]


def shown(rounds, arm):
    values = [turn[arm]["p99_us"] for turn in rounds]
    low, high = quartiles(values)
    return "%s %.0f us (%.0f to %.0f)" % (arm, statistics.median(values), low,
                                          high)


def add_rows(result, what, rounds, is_flood):
    """The rows of one attack in one arrangement; 'rounds' are those that
    count."""
    ratio = (median(rounds, "attacked", "p99_us")
             / max(median(rounds, "spinner", "p99_us"), 1e-3))
    delays = "p99, median and quartiles: " + ", ".join(shown(rounds, arm) for arm in ARMS)
    result.add(what + ": p99 attacked over that beside a spinner",
               "%g or less" % MAX_P99_RATIO, round(ratio, 3), "times",
               ratio <= MAX_P99_RATIO, delays,
               {"rounds": rounds})
    lost = sum(turn["attacked"]["lost"] for turn in rounds)
    sent = sum(turn["attacked"]["frames"] for turn in rounds) + lost
    result.add(what + ": lost while attacked", 0, lost, "frames", not lost,
               "of %d; alone %d, without isolation %d" % (
                   sent, sum(turn["alone"]["lost"] for turn in rounds),
                   sum(turn["off"]["lost"] for turn in rounds)))
    percent = median(rounds, "attacked", "of_guarantee_percent")
    result.add(what + ": part of the guarantee while attacked",
               "%g or more" % MIN_GUARANTEE_PERCENT, percent, "%",
               percent >= MIN_GUARANTEE_PERCENT, "without isolation %g %%" %
               median(rounds, "off", "of_guarantee_percent"))
    times = harm(rounds)
    goal = MIN_FLOOD_HARM if is_flood else MIN_HARM
    result.add(what + ": harm without isolation",
               "%g or more" % goal, round(times, 2), "times", times >= goal,
               "an attack that does little harm shows little")
