/* The fence's part for IPv6 and its neighbour discovery, and what both parts
 * share.  For fence.c alone.
 *
 * Thread: any.  Owner: the caller's frame.  Errors: none; the verdict is the
 * answer.  Trust: as in fence.h, the frame is hostile, but private. */

#ifndef DATAPATH_FENCE_IPV6_H
#define DATAPATH_FENCE_IPV6_H 1

#include "datapath/fence.h"

/* A part of the frame: what is still to be judged. */
struct fence_span {
    const uint8_t *data;
    uint32_t bytes;
};

static inline uint16_t
fence_get_be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* 'span' without its first 'bytes', which it has. */
static inline struct fence_span
fence_skip(struct fence_span span, uint32_t bytes)
{
    return (struct fence_span) { span.data + bytes, span.bytes - bytes };
}

/* Judges 'ip', what follows the Ethernet type of IPv6. */
enum vif_drop fence_judge_ipv6(const struct fence *fence,
                               struct fence_span ip);

#endif /* datapath/fence_ipv6.h */
