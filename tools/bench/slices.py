"""What became of the victim's frames in a turn, in slices of a fiftieth of a
second, without those in which the machine was not all there.

Thread: any.  Pure.
"""

# A stall is felt by what waits behind it.
AFTERMATH_NS = 20_000_000

# A turn of which less is left says nothing.
MIN_SLICES = 8


# bench-sink has as many classes of delays between a power of two and the next.
CLASSES = 16


def class_begin_ns(end_ns):
    """Where the class begins that ends with 'end_ns'."""
    return end_ns + 1 - max((1 << end_ns.bit_length() - 1) // CLASSES, 1)


def quantile_ns(delays, part):
    """Of a histogram, {at most so many nanoseconds: frames}; within a class,
    frames are taken as spread evenly, or else a quantile could only differ by
    whole classes."""
    total = sum(delays.values())
    seen = 0
    for end_ns, frames in sorted(delays.items()):
        if frames and seen + frames >= part * total:
            begin_ns = class_begin_ns(end_ns)
            return begin_ns + ((end_ns - begin_ns)
                               * (part * total - seen) / frames)
        seen += frames
    return 0


def parse_stalls(text):
    """bench-stolen's lines, as [(from_ns, until_ns)]."""
    return [tuple(map(int, line.split()[1:]))
            for line in text.splitlines() if line.count(" ") == 2]


def is_spoilt(one, stalls):
    """Whether a core was away in the slice, or shortly before."""
    return any(from_ns < one["end_ns"]
               and until_ns > one["begin_ns"] - AFTERMATH_NS
               for from_ns, until_ns in stalls)


class Turn:
    """The slices of one turn of one arm, judged."""

    def __init__(self, slices, stalls, rate_pps):
        kept = [one for one in slices if not is_spoilt(one, stalls)]
        self.n_slices = len(slices)
        self.n_spoilt = len(slices) - len(kept)
        self.counts = len(kept) >= MIN_SLICES
        self.seconds = sum(one["end_ns"] - one["begin_ns"]
                           for one in kept) / 1e9
        self.frames = sum(one["frames"] for one in kept)
        # What came late may have been sent in the turn before.
        self.lost = max(sum(one["lost"] for one in kept), 0)
        self.delays = {}
        for one in kept:
            for delay_ns, frames in one["delays"]:
                self.delays[delay_ns] = self.delays.get(delay_ns, 0) + frames
        self.rate_pps = rate_pps

    def as_dict(self):
        return {"p50_us": round(quantile_ns(self.delays, 0.5) / 1e3, 3),
                "p99_us": round(quantile_ns(self.delays, 0.99) / 1e3, 3),
                "frames": self.frames, "lost": self.lost,
                "seconds": round(self.seconds, 3),
                "of_guarantee_percent": round(
                    100 * self.frames / (self.rate_pps * self.seconds), 3)}
