/* The arithmetic of Xen's ring indices, from the frontend's side.
 *
 * Indices run freely over 32 bits; a slot is an index modulo the ring's
 * size.  Everything here is pure: the callers load and store the shared
 * fields themselves, each exactly once.
 *
 * Thread: any.  Trust: every argument may be nonsense. */

#ifndef GUEST_RING_INDEX_H
#define GUEST_RING_INDEX_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SLOTS 256u                 /* Of a one-page Tx or Rx ring. */
#define RING_PAGE_BYTES 4096u

/* Most slots that one frame may take (XEN_NETIF_NR_SLOTS_MIN). */
#define RING_FRAME_SLOTS_MAX 18u

static inline uint32_t
ring_slot(uint32_t index)
{
    return index & (RING_SLOTS - 1);
}

/* Slots between 'cons' and 'prod'. */
static inline uint32_t
ring_distance(uint32_t prod, uint32_t cons)
{
    return prod - cons;
}

/* May a peer, who owes us 'owed' responses from 'cons' on, have published up
 * to 'prod'? */
static inline bool
ring_prod_is_sane(uint32_t prod, uint32_t cons, uint32_t owed)
{
    return prod - cons <= owed;
}

/* The producer moved from 'old' to 'new': did it pass the peer's 'event'? */
static inline bool
ring_wants_event(uint32_t old, uint32_t new, uint32_t event)
{
    return new - event < new - old;
}

/* Pages, hence slots, for a frame of 'bytes'. */
static inline uint32_t
ring_slots_for(uint32_t bytes)
{
    return bytes ? (bytes - 1) / RING_PAGE_BYTES + 1 : 1;
}

/* Where to ask for an event so that it comes when about half of the 'owed'
 * responses after 'cons' are there: one wake-up then frees many slots. */
static inline uint32_t
ring_event_halfway(uint32_t cons, uint32_t owed)
{
    return cons + owed / 2 + 1;
}

/* Adds 'n' counters to others; a ring's are a struct of nothing else. */
static inline void
ring_counters_add(uint64_t *sum, const uint64_t *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] += c[i];
    }
}

#endif /* ring_index.h */
