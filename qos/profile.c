#include "qos/profile.h"

#include <stddef.h>

/* Ten milliseconds of 'rate_bps' bits, in bytes: rate * 10 / 1000 / 8. */
#define BURST_DEFAULT_DIVISOR 800
#define BURST_DEFAULT_MIN_BYTES (16u * 1024)

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
