#include "tools/guest/histogram.h"

#include <string.h>

void
histogram_init(struct histogram *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
}

/* Values below 16 have a bucket each; from there on, 16 per power of 2. */
static unsigned int
bucket(uint64_t value)
{
    if (value < HISTOGRAM_SUB) {
        return value;
    }

    unsigned int shift = 63 - __builtin_clzll(value) - 4;
    return (shift + 1) * HISTOGRAM_SUB + (value >> shift) - HISTOGRAM_SUB;
}

uint64_t
histogram_bucket_end(unsigned int i)
{
    if (i < HISTOGRAM_SUB) {
        return i;
    }

    unsigned int shift = i / HISTOGRAM_SUB - 1;
    uint64_t top = i % HISTOGRAM_SUB + HISTOGRAM_SUB;
    return ((top + 1) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
    h->counts[bucket(value)]++;
    h->n++;
    h->sum += value;
    if (value < h->min) {
        h->min = value;
    }
    if (value > h->max) {
        h->max = value;
    }
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
    uint64_t want = q * h->n;
    uint64_t sum = 0;

    if (!h->n) {
        return 0;
    }
    if (want < q * h->n || !want) {
        want++;
    }
    for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += h->counts[i];
        if (sum >= want) {
            uint64_t end = histogram_bucket_end(i);
            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}
