/* Rates and sizes as people write them.
 *
 * Thread: any.  Owner: nothing is allocated.
 * Errors: a sentence for a person in 'error' (always null-terminated), which
 *         says what was wrong and what would be right. */

#ifndef QOS_RATE_TEXT_H
#define QOS_RATE_TEXT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QOS_TEXT_BYTES 160              /* Enough for any 'error' here. */

/* Parses a bit rate with its unit: "100Mbit", "1.5Gbit", "64kbit",
 * "8000bit", and the same with "/s" or "bps" behind the SI prefix
 * ("100Mbps" is 100 Mbit/s, as in iperf3 and OVS; "MB/s" and other bytes per
 * second are refused, because people mean different things by them).  SI
 * prefixes k, M, G, T (powers of 1000).  A number without a unit, a 0, or a
 * rate outside QOS_RATE_MIN_BPS to QOS_RATE_MAX_BPS is an error. */
bool qos_rate_parse(const char *text, uint64_t *rate_bps,
                    char error[QOS_TEXT_BYTES]);

/* Parses a size with its unit: "1514B", "64kB" (1000), "64KiB" (1024), MB,
 * MiB.  Outside QOS_BURST_MIN_BYTES to QOS_BURST_MAX_BYTES is an error. */
bool qos_burst_parse(const char *text, uint64_t *burst_bytes,
                     char error[QOS_TEXT_BYTES]);

/* Writes 'rate_bps' so that qos_rate_parse() reads the same number back, in
 * the largest unit that loses nothing: "100Mbit", "1500kbit", "8001bit". */
void qos_rate_format(uint64_t rate_bps, char text[QOS_TEXT_BYTES]);
void qos_burst_format(uint64_t burst_bytes, char text[QOS_TEXT_BYTES]);

#endif /* qos/rate_text.h */
