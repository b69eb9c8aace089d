"""What the isolation bench found, judged.

Thread: any.  Pure.
"""

import random
import statistics

ARMS = ("alone", "spinner", "attacked", "off")
MAX_P99_RATIO = 1.10
# Arms that are compared; of these there may be more turns than of the others.
COMPARED = ("spinner", "attacked")
RESAMPLES = 1000
MIN_GUARANTEE_PERCENT = 99.0
MIN_FLOOD_HARM = 10.0
MIN_HARM = 1.10                         # Of an attack that is no flood.

# More slices that are set aside, and nothing can be said.
MAX_SPOILT_PART = 0.25


def too_many_spoilt(n_spoilt, n_slices):
    return n_spoilt > MAX_SPOILT_PART * n_slices


def values_of(rounds, arm, what):
    return [turn[arm][what] for turn in rounds if arm in turn]


def median(rounds, arm, what):
    return statistics.median(values_of(rounds, arm, what))


def p99_ratio(rounds):
    attacked, spinner = (median(rounds, arm, "p99_us")
                         for arm in ("attacked", "spinner"))
    return attacked / max(spinner, 1e-3)


def p99_interval(rounds):
    """Between which values the ratio lies, with 95 % confidence: Efron's
    bootstrap, of rounds.  The same rounds give the same."""
    chance = random.Random(len(rounds))
    found = sorted(p99_ratio(chance.choices(rounds, k=len(rounds)))
                   for _ in range(RESAMPLES))
    return found[RESAMPLES // 40], found[-1 - RESAMPLES // 40]


def is_decided(rounds):
    """Whether what is found is on one side of the goal, for all that chance
    may have added."""
    low, high = p99_interval(rounds)
    return high <= MAX_P99_RATIO or low > MAX_P99_RATIO


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
    values = values_of(rounds, arm, "p99_us")
    low, high = quartiles(values)
    return "%s %.0f us (%.0f to %.0f)" % (arm, statistics.median(values), low,
                                          high)


def add_rows(result, what, rounds, is_flood):
    """The rows of one attack in one arrangement; 'rounds' are those that
    count."""
    ratio = p99_ratio(rounds)
    delays = "%.2f to %.2f with 95 %% confidence, %d rounds; p99, median and" \
        " quartiles: %s" % (*p99_interval(rounds), len(rounds), ", ".join(
            shown(rounds, arm) for arm in ARMS))
    result.add(what + ": p99 attacked over that beside a spinner",
               "%g or less" % MAX_P99_RATIO, round(ratio, 3), "times",
               ratio <= MAX_P99_RATIO, delays,
               {"rounds": rounds})
    lost = sum(values_of(rounds, "attacked", "lost"))
    sent = sum(values_of(rounds, "attacked", "frames")) + lost
    result.add(what + ": lost while attacked", 0, lost, "frames", not lost,
               "of %d; alone %d, without isolation %d" % (
                   sent, sum(values_of(rounds, "alone", "lost")),
                   sum(values_of(rounds, "off", "lost"))))
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
