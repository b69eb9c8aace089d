/* The lesser and the greater of two.
 *
 * Thread: any.   Owner: nothing.   Errors: none. */

#ifndef QOS_MINMAX_H
#define QOS_MINMAX_H 1

#include <stdint.h>

static inline uint64_t
min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t
max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif /* qos/minmax.h */
