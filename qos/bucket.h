/* A token bucket: one rate, one burst, in bytes of L2 frame without FCS.
 *
 * Thread: one at a time per bucket; a profile is constant and may be shared.
 * Owner:  the caller's memory; there is nothing to free.
 * Errors: none; a profile is checked once, by qos_profile_check().
 *
 * Credit is kept in bit-nanoseconds per second ("bitns": one byte is
 * 8 * 10^9 of them), so that rate_bps * elapsed_ns is exact and no fraction
 * of a byte is ever lost, whatever the rate and however often it is asked.
 * The window rule that follows: in any window of w seconds a bucket passes
 * at most rate_bps * w / 8 + burst_bytes, and one frame more if there are
 * frames larger than the burst. */

#ifndef QOS_BUCKET_H
#define QOS_BUCKET_H 1

#include <stdbool.h>
#include <stdint.h>

#define QOS_RATE_MIN_BPS 8000ull                /* 1 kB/s. */
#define QOS_RATE_MAX_BPS 400000000000ull        /* 400 Gbit/s. */
#define QOS_BURST_MIN_BYTES 1514u               /* One Ethernet frame. */
#define QOS_BURST_MAX_BYTES (1u << 30)

struct qos_profile {
    uint64_t rate_bps;                  /* 0: no limit. */
    uint64_t burst_bytes;               /* At least one frame. */
};

struct qos_bucket {
    int64_t credit_bitns;               /* Never above the burst. */
    uint64_t refilled_ns;               /* Monotonic. */
};

/* Returns null if 'profile' can be used, otherwise a sentence for a person
 * (constant memory) that says what is wrong and what would be right. */
const char *qos_profile_check(const struct qos_profile *profile);

/* What keeps within both 'a' and 'b': the lower rate and the smaller burst. */
struct qos_profile qos_profile_lower(const struct qos_profile *a,
                                     const struct qos_profile *b);

/* A burst that suits 'rate_bps' when nobody chose one: 10 ms' worth, at least
 * 16 KiB, at most QOS_BURST_MAX_BYTES.  A thread that shares its core comes
 * by every few milliseconds only: with less, a limit would not be reached. */
uint64_t qos_burst_default_bytes(uint64_t rate_bps);

/* Starts 'bucket' full at 'now_ns'. */
void qos_bucket_init(struct qos_bucket *bucket,
                     const struct qos_profile *profile, uint64_t now_ns);

/* Adds what 'profile' has granted since the last call.  A 'now_ns' that runs
 * backwards grants nothing.  Call it once per batch, before
 * qos_bucket_take(). */
void qos_bucket_refill(struct qos_bucket *bucket,
                       const struct qos_profile *profile, uint64_t now_ns);

/* Takes 'frame_bytes' if the credit covers them and returns true; otherwise
 * takes nothing and returns false.  A frame larger than the burst passes when
 * the bucket is half full and leaves a debt, so that it is late, never stuck,
 * and the rate is reached even if the caller comes late.
 * Always true if the profile has no limit. */
bool qos_bucket_take(struct qos_bucket *bucket,
                     const struct qos_profile *profile, uint64_t frame_bytes);

/* Gives 'frame_bytes' back: they were taken and then not sent. */
void qos_bucket_give(struct qos_bucket *bucket,
                     const struct qos_profile *profile, uint64_t frame_bytes);

/* Takes 'frame_bytes' whatever the credit: they were sent, and cost more than
 * was known when they were let through.  The debt delays what follows. */
void qos_bucket_owe(struct qos_bucket *bucket,
                    const struct qos_profile *profile, uint64_t frame_bytes);

/* How many nanoseconds from the last refill until qos_bucket_take() of
 * 'frame_bytes' would succeed; 0 if it would now. */
uint64_t qos_bucket_wait_ns(const struct qos_bucket *bucket,
                            const struct qos_profile *profile,
                            uint64_t frame_bytes);

/* The profile changed from 'before' to 'after' at 'now_ns': what was earned
 * until then is earned at the old rate, debt stays, and credit above the new
 * burst is gone, so that a change makes neither a burst nor a gap. */
void qos_bucket_change(struct qos_bucket *bucket,
                       const struct qos_profile *before,
                       const struct qos_profile *after, uint64_t now_ns);

#endif /* qos/bucket.h */
