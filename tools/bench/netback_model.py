"""A model of how Linux's xen-netback limits what a guest sends: each queue has
a credit of its own, which is topped up at most once per interval; what is not
used adds up to no more than a large frame.  So a VIF with N queues may send N
times its limit.  Written from what the driver does (drivers/net/xen-netback,
tx_credit_exceeded), on a simulated clock.

Thread: any; pure.   Errors: none.
"""

MAX_BURST_BYTES = 131072
INTERVAL_US = 50000                     # What toolstacks write.


class Queue:
    """A queue whose guest has frames without end."""

    def __init__(self, rate_bps):
        self.credit_bytes = rate_bps / 8 * INTERVAL_US / 1e6
        self.left_bytes = self.credit_bytes
        self.window_us = 0
        self.sent_bytes = 0

    def run(self, now_us, frame_bytes):
        """Sends what it may at 'now_us'.  Returns when to try again."""
        while True:
            next_us = self.window_us + INTERVAL_US
            if now_us >= next_us:
                self.window_us = now_us
                self.left_bytes = min(
                    self.left_bytes + self.credit_bytes,
                    max(MAX_BURST_BYTES, self.credit_bytes))
            if frame_bytes > self.left_bytes:
                return self.window_us + INTERVAL_US
            self.left_bytes -= frame_bytes
            self.sent_bytes += frame_bytes


def sent_bps(rate_bps, n_queues, frame_bytes, seconds=10):
    """What a VIF with 'n_queues' sends, in bit/s."""
    total = 0
    for _ in range(n_queues):
        queue, now_us = Queue(rate_bps), 0
        while now_us < seconds * 1e6:
            now_us = queue.run(now_us, frame_bytes)
        total += queue.sent_bytes
    return total * 8 / seconds
