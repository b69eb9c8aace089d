#include "qos/bucket.h"

#include <stddef.h>

/* Credit of one byte: rate_bps * elapsed_ns counts bits in units of 10^-9. */
#define BITNS_PER_BYTE (8 * 1000000000ll)

/* Ten milliseconds of 'rate_bps' bits, in bytes: rate * 10 / 1000 / 8. */
#define BURST_DEFAULT_DIVISOR 800
#define BURST_DEFAULT_MIN_BYTES (16u * 1024)

/* A bucket never owes more than this.  With QOS_BURST_MAX_BYTES above it, the
 * distance from the deepest debt to a full bucket still fits 64 bits. */
#define CREDIT_MIN_BITNS (-INT64_MAX)

_Static_assert(QOS_BURST_MAX_BYTES <= INT64_MAX / BITNS_PER_BYTE,
               "a full bucket must fit the credit");

const char *
qos_profile_check(const struct qos_profile *profile)
{
    if (!profile->rate_bps) {
        return NULL;
    }
    if (profile->rate_bps < QOS_RATE_MIN_BPS) {
        return "the rate is below 8 kbit/s: choose a higher one, "
               "or none for no limit";
    }
    if (profile->rate_bps > QOS_RATE_MAX_BPS) {
        return "the rate is above 400 Gbit/s: choose a lower one, "
               "or none for no limit";
    }
    if (profile->burst_bytes < QOS_BURST_MIN_BYTES) {
        return "the burst is below one Ethernet frame: "
               "choose at least 1514 bytes";
    }
    if (profile->burst_bytes > QOS_BURST_MAX_BYTES) {
        return "the burst is above 1 GiB: choose a smaller one";
    }
    return NULL;
}

static uint64_t
lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct qos_profile
qos_profile_lower(const struct qos_profile *a, const struct qos_profile *b)
{
    if (!a->rate_bps) {
        return *b;
    } else if (!b->rate_bps) {
        return *a;
    }
    return (struct qos_profile) {
        .rate_bps = lower(a->rate_bps, b->rate_bps),
        .burst_bytes = lower(a->burst_bytes, b->burst_bytes),
    };
}

uint64_t
qos_burst_default_bytes(uint64_t rate_bps)
{
    uint64_t bytes = rate_bps / BURST_DEFAULT_DIVISOR;

    return (bytes < BURST_DEFAULT_MIN_BYTES ? BURST_DEFAULT_MIN_BYTES
            : bytes > QOS_BURST_MAX_BYTES ? QOS_BURST_MAX_BYTES
            : bytes);
}

static int64_t
full_bitns(const struct qos_profile *profile)
{
    return (int64_t) profile->burst_bytes * BITNS_PER_BYTE;
}

/* What 'frame_bytes' cost.  Saturates far above any bucket. */
static __int128
cost_bitns(uint64_t frame_bytes)
{
    return (__int128) frame_bytes * BITNS_PER_BYTE;
}

/* The credit at which 'frame_bytes' may pass: their cost, or half a bucket if
 * they cost more than a whole one.  The other half keeps what is earned while
 * nobody looks. */
static int64_t
needed_bitns(const struct qos_profile *profile, uint64_t frame_bytes)
{
    int64_t full = full_bitns(profile);
    __int128 cost = cost_bitns(frame_bytes);

    return cost <= full ? cost : full / 2;
}

void
qos_bucket_init(struct qos_bucket *bucket, const struct qos_profile *profile,
                uint64_t now_ns)
{
    bucket->credit_bitns = profile->rate_bps ? full_bitns(profile) : 0;
    bucket->refilled_ns = now_ns;
}

void
qos_bucket_refill(struct qos_bucket *bucket,
                  const struct qos_profile *profile, uint64_t now_ns)
{
    /* 'refilled_ns' never goes back, or a caller with an older clock would
     * have the same nanoseconds granted twice. */
    if (now_ns <= bucket->refilled_ns) {
        return;
    }

    uint64_t elapsed_ns = now_ns - bucket->refilled_ns;
    bucket->refilled_ns = now_ns;
    if (!profile->rate_bps) {
        return;
    }

    int64_t full = full_bitns(profile);
    if (bucket->credit_bitns >= full) {
        bucket->credit_bitns = full;
        return;
    }

    uint64_t missing = (uint64_t) full - (uint64_t) bucket->credit_bitns;
    unsigned __int128 earned
        = (unsigned __int128) elapsed_ns * profile->rate_bps;
    if (earned >= missing) {
        bucket->credit_bitns = full;
    } else {
        /* Their sum is below 'full'; unsigned, because 'earned' alone may be
         * above INT64_MAX. */
        bucket->credit_bitns
            = (int64_t) ((uint64_t) bucket->credit_bitns + (uint64_t) earned);
    }
}

bool
qos_bucket_take(struct qos_bucket *bucket, const struct qos_profile *profile,
                uint64_t frame_bytes)
{
    if (!profile->rate_bps) {
        return true;
    }
    if (bucket->credit_bitns < needed_bitns(profile, frame_bytes)) {
        return false;
    }
    qos_bucket_owe(bucket, profile, frame_bytes);
    return true;
}

void
qos_bucket_owe(struct qos_bucket *bucket, const struct qos_profile *profile,
               uint64_t frame_bytes)
{
    if (profile->rate_bps) {
        __int128 left = bucket->credit_bitns - cost_bitns(frame_bytes);

        bucket->credit_bitns = left > CREDIT_MIN_BITNS ? left
                                                       : CREDIT_MIN_BITNS;
    }
}

void
qos_bucket_give(struct qos_bucket *bucket, const struct qos_profile *profile,
                uint64_t frame_bytes)
{
    if (!profile->rate_bps) {
        return;
    }

    int64_t full = full_bitns(profile);
    __int128 credit = bucket->credit_bitns + cost_bitns(frame_bytes);
    bucket->credit_bitns = credit < full ? credit : full;
}

uint64_t
qos_bucket_wait_ns(const struct qos_bucket *bucket,
                   const struct qos_profile *profile, uint64_t frame_bytes)
{
    if (!profile->rate_bps) {
        return 0;
    }

    int64_t needed = needed_bitns(profile, frame_bytes);
    if (bucket->credit_bitns >= needed) {
        return 0;
    }

    uint64_t missing = (uint64_t) needed - (uint64_t) bucket->credit_bitns;
    return missing / profile->rate_bps + (missing % profile->rate_bps != 0);
}

void
qos_bucket_change(struct qos_bucket *bucket, const struct qos_profile *before,
                  const struct qos_profile *after, uint64_t now_ns)
{
    qos_bucket_refill(bucket, before, now_ns);

    if (!before->rate_bps || !after->rate_bps) {
        /* Without a limit there is no credit to carry over. */
        qos_bucket_init(bucket, after, bucket->refilled_ns);
    } else if (bucket->credit_bitns > full_bitns(after)) {
        bucket->credit_bitns = full_bitns(after);
    }
}
