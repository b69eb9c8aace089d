/* A limit as "BYTES,MICROSECONDS", how much in how long: what toolstacks write
 * into a node named "rate".
 *
 * Thread: any.  Owner: nothing is allocated.
 * Errors: a sentence for a person in 'error' (always null-terminated), which
 *         says what was wrong and what would be right.
 * Trust:  any text. */

#ifndef QOS_INTERVAL_RATE_H
#define QOS_INTERVAL_RATE_H 1

#include <stdbool.h>

#include "qos/profile.h"
#include "qos/rate_text.h"

/* Parses two decimal whole numbers with a comma between them, and nothing
 * else.  No bytes are no limit, in whatever time, as "0,0".  The rate is
 * rounded down; the burst is BYTES, brought into the range of bursts.  On
 * failure '*profile' is untouched. */
bool qos_interval_rate_parse(const char *text, struct qos_profile *profile,
                             char error[QOS_TEXT_BYTES]);

#endif /* qos/interval_rate.h */
