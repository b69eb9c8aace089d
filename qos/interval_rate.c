#include "qos/interval_rate.h"

#include <inttypes.h>
#include <stdio.h>

#define BIT_USEC_PER_BYTE_S 8000000u    /* 8 bits, 10^6 microseconds. */

/* Reads digits up to 'end' and returns what follows it, or null: no number
 * of 64 bits is there. */
static const char *
read_number(const char *text, char end, uint64_t *number)
{
    const char *p;

    *number = 0;
    for (p = text; *p >= '0' && *p <= '9'; p++) {
        unsigned int digit = *p - '0';

        if (*number > (UINT64_MAX - digit) / 10) {
            return NULL;
        }
        *number = *number * 10 + digit;
    }
    return p > text && *p == end ? p + 1 : NULL;
}

bool
qos_interval_rate_parse(const char *text, struct qos_profile *profile,
                        char error[QOS_TEXT_BYTES])
{
    uint64_t bytes, usec;
    const char *rest = read_number(text, ',', &bytes);

    error[0] = '\0';
    if (!rest || !read_number(rest, '\0', &usec)) {
        snprintf(error, QOS_TEXT_BYTES, "rate is not BYTES,MICROSECONDS: "
                 "write two whole numbers, for example 625000,50000 for "
                 "100 Mbit/s");
        return false;
    }
    if (!bytes) {
        *profile = (struct qos_profile) { 0, 0 };
        return true;
    }
    if (!usec) {
        snprintf(error, QOS_TEXT_BYTES, "rate %" PRIu64 ",0 is bytes in no "
                 "time: write at least 1 microsecond, for example 50000",
                 bytes);
        return false;
    }

    unsigned __int128 rate_bps
        = (unsigned __int128) bytes * BIT_USEC_PER_BYTE_S / usec;
    if (rate_bps < QOS_RATE_MIN_BPS || rate_bps > QOS_RATE_MAX_BPS) {
        snprintf(error, QOS_TEXT_BYTES, "rate %" PRIu64 ",%" PRIu64 " is %s "
                 "bit/s: write 8 kbit/s (1000,1000000) to 400 Gbit/s", bytes,
                 usec, rate_bps < QOS_RATE_MIN_BPS ? "below 8000"
                                                   : "above 400000000000");
        return false;
    }
    profile->rate_bps = rate_bps;
    profile->burst_bytes = (bytes < QOS_BURST_MIN_BYTES ? QOS_BURST_MIN_BYTES
                            : bytes > QOS_BURST_MAX_BYTES
                            ? QOS_BURST_MAX_BYTES : bytes);
    return true;
}
