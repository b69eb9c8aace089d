/* A VIF's limit as toolstacks let people write it: xl's "rate" and XAPI's
 * "kbps".  Both become an amount of bytes and an interval, which is what a
 * backend gets and what its burst follows from (interval_rate.h).
 *
 * Thread: any.  Owner: nothing is allocated.
 * Errors: a sentence for a person in 'error' (always null-terminated), which
 *         says what was wrong and what would be right.  Then '*profile' is
 *         untouched.
 * Trust:  any text. */

#ifndef QOS_TOOLSTACK_RATE_H
#define QOS_TOOLSTACK_RATE_H 1

#include <stdbool.h>

#include "qos/profile.h"
#include "qos/rate_text.h"

/* xl's form, xl-network-configuration(5): a whole number; G, M or K (powers of
 * 1000) or nothing; b for bits or B for bytes; "/s"; and, behind an @, the
 * interval in "s", "ms" or "us" (50 ms if there is none): "10Mb/s@50ms".  A
 * number alone is an interval in seconds.  Rounded down as xl does. */
bool qos_xen_rate_parse(const char *text, struct qos_profile *profile,
                        char error[QOS_TEXT_BYTES]);

/* XAPI's qos_algorithm_params:kbps, which are units of 1024 bytes per second in
 * spite of their name (that is what its xenopsd makes of them), and, behind a
 * comma, its timeslice_us (50000 if there is none): "1000", "1000,20000". */
bool qos_xapi_kbps_parse(const char *text, struct qos_profile *profile,
                         char error[QOS_TEXT_BYTES]);

#endif /* qos/toolstack_rate.h */
