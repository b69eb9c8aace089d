/* A histogram of times, each kept to within 1/16 of its value.
 *
 * Thread: one at a time.  Pure: no clock, no allocation. */

#ifndef GUEST_HISTOGRAM_H
#define GUEST_HISTOGRAM_H 1

#include <stdint.h>

#define HISTOGRAM_SUB 16u               /* Buckets per power of 2. */
#define HISTOGRAM_BUCKETS (61u * HISTOGRAM_SUB)

struct histogram {
    uint64_t n;
    uint64_t sum;
    uint64_t min, max;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *);
void histogram_add(struct histogram *, uint64_t value);

/* The largest value that bucket 'i' holds. */
uint64_t histogram_bucket_end(unsigned int i);

/* The value that a share 'q' (0 to 1) of all values do not exceed, rounded up
 * to its bucket's end, and never above the largest; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *, double q);

#endif /* histogram.h */
