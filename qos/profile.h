/* A rate with its burst, in bytes of L2 frame without FCS: what people and
 * toolstacks write, and what a limit is made of.
 *
 * Thread: any.   Owner: nothing is allocated.
 * Errors: qos_profile_check() says what is wrong. */

#ifndef QOS_PROFILE_H
#define QOS_PROFILE_H 1

#include <stdint.h>

#define QOS_RATE_MIN_BPS 8000ull                /* 1 kB/s. */
#define QOS_RATE_MAX_BPS 400000000000ull        /* 400 Gbit/s. */
#define QOS_BURST_MIN_BYTES 1514u               /* One Ethernet frame. */
#define QOS_BURST_MAX_BYTES (1u << 30)

struct qos_profile {
    uint64_t rate_bps;                  /* 0: no limit. */
    uint64_t burst_bytes;               /* At least one frame. */
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

#endif /* qos/profile.h */
