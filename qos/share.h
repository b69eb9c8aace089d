/* How those who share a link without sharing memory divide it: each has a
 * share, which it keeps to by itself until it is told another.
 *
 * What is guaranteed is always in a share, so it can be used at once.  Of the
 * rest, those that want more get it by weight; what they leave goes to all by
 * weight, so that one that was idle can begin before it is asked.  All shares
 * together are never more than the link carries.
 *
 * Thread: any.   Owner: the caller's memory.
 * Errors: none.   Pure: what was used is passed in. */

#ifndef QOS_SHARE_H
#define QOS_SHARE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that is held back and uses so much of its share wants more. */
#define QOS_SHARE_WANTS_PERCENT 70

/* One that wants no more is left this much above what it used, so that it can
 * grow: and this part of its share by weight at least. */
#define QOS_SHARE_HEADROOM_PERCENT 25
#define QOS_SHARE_IDLE_PART 16

struct qos_share {
    uint64_t guarantee_bps;             /* 0: none. */
    uint64_t max_bps;                   /* 0: the link's. */
    uint32_t weight;                    /* 1 at least. */
    uint64_t used_bps;                  /* Of late. */
    bool wants;                         /* It was held back. */
    uint64_t share_bps;                 /* Out. */
};

/* Divides 'link_bps', above 0, among 'shares[0..n)'.  Guarantees above the link
 * are cut, in the order of the array: somebody should have refused them. */
void qos_share_divide(uint64_t link_bps, struct qos_share *shares, size_t n);

/* Does one that used 'used_bps' want more, if it was held back?  What it used is
 * counted where it is sent, and known here up to a round later, and a new share
 * has to be told there first: it is judged by the smaller of its share and of
 * the share 'before_bps' of the round before.  Else one whose share has grown
 * would seem to have left most of it unused, lose it, be seen to use what it had,
 * and so on, each round the other way. */
bool qos_share_wants(uint64_t used_bps, bool held, uint64_t share_bps,
                     uint64_t before_bps);

/* Is 'a' so near to 'b' that it is not worth the telling? */
bool qos_share_is_near(uint64_t link_bps, uint64_t a_bps, uint64_t b_bps);

#endif /* qos/share.h */
