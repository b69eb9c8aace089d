/* The guest's transmit ring: frames from the guest to its backend.
 *
 * Each slot id owns one page, granted for as long as the ring lives.  A
 * producer asks for the buffers of the next frame, fills them, and puts the
 * frame; nothing is seen by the backend before tx_ring_push().  What a frame
 * leaves to the backend goes into an extra slot, which owns no page and whose
 * response carries no id.
 *
 * Thread: one at a time.
 * Owner:  tx_ring_finish() gives the pages back to the memory.
 * Errors: 0 or -errno; -EPROTO means that the backend broke the protocol
 *         and the ring must be torn down.
 * Trust:  every shared field is read once and judged as a copy. */

#ifndef GUEST_TX_RING_H
#define GUEST_TX_RING_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tools/guest/ring_index.h"

struct frame_offload;
struct guest_memory;
struct netif_extra_info;
struct netif_tx_sring;

struct tx_counters {
    uint64_t frames;                    /* Handed to the backend. */
    uint64_t bytes;                     /* L2, without FCS. */
    uint64_t slots;
    uint64_t gso;                       /* Frames that left a job to the */
    uint64_t csum_blank;                /* backend. */
    uint64_t notifies;                  /* Kicks that the backend asked for. */
    uint64_t full;                      /* Times that the ring was full. */
    uint64_t backend_drops;             /* Answered NETIF_RSP_DROPPED. */
    uint64_t backend_errors;            /* Answered NETIF_RSP_ERROR. */
};

struct tx_ring {
    struct guest_memory *memory;
    struct netif_tx_sring *shared;
    uint32_t page;                      /* Of the ring; its grant, too. */
    uint32_t req_prod;                  /* Next request to write. */
    uint32_t req_pushed;                /* What the backend can see. */
    uint32_t rsp_cons;
    uint16_t free_ids[RING_SLOTS];      /* Stack. */
    uint32_t n_free;
    bool in_flight[RING_SLOTS];
    uint32_t n_extras;                  /* Slots in flight without an id. */
    uint32_t pages[RING_SLOTS];         /* By id. */
    struct tx_counters *counters;
};

/* Adds the second to the first. */
void tx_counters_add(struct tx_counters *, const struct tx_counters *);

/* Allocates pages and grants them to 'backend_domid'. */
int tx_ring_init(struct tx_ring *, struct guest_memory *,
                 uint16_t backend_domid, struct tx_counters *);
void tx_ring_finish(struct tx_ring *);

/* Slots that are free.  There is a page for each of them. */
static inline uint32_t
tx_ring_room(const struct tx_ring *tx)
{
    return RING_SLOTS - ring_distance(tx->req_prod, tx->rsp_cons);
}

/* Is there room for a frame of 'n_slots', its extra slot among them? */
static inline bool
tx_ring_has_room(const struct tx_ring *tx, uint32_t n_slots)
{
    return tx_ring_room(tx) >= n_slots;
}

/* Requests that the backend has not yet answered. */
static inline uint32_t
tx_ring_owed(const struct tx_ring *tx)
{
    return ring_distance(tx->req_pushed, tx->rsp_cons);
}

/* The buffers of the next frame: up to 'n' pages, as many as are free.
 * Returns their number. */
uint32_t tx_ring_buffers(const struct tx_ring *, struct iovec *, uint32_t n);

/* The id whose page tx_ring_buffers() gives first. */
static inline uint16_t
tx_ring_next_id(const struct tx_ring *tx)
{
    return tx->free_ids[tx->n_free - 1];
}

/* Puts the frame of 'bytes' that lies in the first buffers.  'offload' may be
 * null: the frame is complete. */
void tx_ring_put(struct tx_ring *, uint32_t bytes,
                 const struct frame_offload *offload);

/* Puts a request that carries 'extra' and no frame. */
void tx_ring_put_extra(struct tx_ring *, const struct netif_extra_info *extra);

/* Publishes what was put.  True if the backend wants to be kicked. */
bool tx_ring_push(struct tx_ring *);

/* Takes the backend's responses. */
int tx_ring_reap(struct tx_ring *);

/* Asks for an event once about half of the owed responses are there, or, with
 * 'all', the last one.  True if they are there already, so that the caller
 * must not sleep; false if nothing is owed. */
bool tx_ring_arm(struct tx_ring *, bool all);

#endif /* tx_ring.h */
