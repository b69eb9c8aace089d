/* The guest's receive ring: frames from the backend to the guest.
 *
 * Each slot owns one page, granted for as long as the ring lives; the ring
 * is kept full of posted pages.  A frame may lie in several pages; it stays
 * valid until rx_ring_release().
 *
 * Thread: one at a time.
 * Owner:  rx_ring_finish() gives the pages back to the memory.
 * Errors: 0 or -errno; -EPROTO means that the backend broke the protocol
 *         and the ring must be torn down.
 * Trust:  every shared field is read once and judged as a copy.  A frame's
 *         bytes can change while they are read: copy before parsing. */

#ifndef GUEST_RX_RING_H
#define GUEST_RX_RING_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tools/guest/offload.h"
#include "tools/guest/ring_index.h"

struct guest_memory;
struct netif_rx_sring;

struct rx_counters {
    uint64_t frames;                    /* Good ones. */
    uint64_t bytes;                     /* L2, without FCS. */
    uint64_t slots;
    uint64_t gso;                       /* Good frames that left a job to */
    uint64_t csum_blank;                /* us. */
    uint64_t xdp;                       /* Good frames behind a headroom. */
    uint64_t notifies;                  /* Kicks: the caller counts them. */
    uint64_t bad_status;                /* The backend says it failed. */
    uint64_t bad_layout;                /* Outside its page, too many slots,
                                         * shorter than a header. */
    uint64_t bad_extra;                 /* Of no known type, or twice, or GSO
                                         * of size 0. */
    uint64_t csum_declined;             /* A blank checksum that we declined:
                                         * not delivered. */
    uint64_t gso_declined;              /* Likewise. */
};

struct rx_frame {
    struct iovec iov[RING_FRAME_SLOTS_MAX];
    uint32_t n_iov;
    uint32_t bytes;
    struct frame_offload offload;
    bool hashed;                        /* The backend says its hash: */
    uint8_t hash_type;                  /* _XEN_NETIF_CTRL_HASH_TYPE_*, */
    uint8_t hash_algorithm;             /* XEN_NETIF_CTRL_HASH_ALGORITHM_*, */
    uint32_t hash;                      /* and value. */
    uint32_t headroom;                  /* Bytes of it that the backend left
                                         * before the frame. */
    bool headroom_counted;              /* In each slot, in 'status', as
                                         * Linux does; else in the first
                                         * one's 'offset'. */
};

struct rx_ring {
    struct guest_memory *memory;
    struct netif_rx_sring *shared;
    uint32_t page;                      /* Of the ring; its grant, too. */
    uint32_t req_prod;                  /* Next request to write. */
    uint32_t req_pushed;                /* What the backend can see. */
    uint32_t rsp_cons;                  /* Next response to look at. */
    uint32_t rsp_seen;                  /* The backend's producer index. */
    uint32_t released;                  /* Slots before it can be posted. */
    uint32_t pages[RING_SLOTS];         /* By slot. */
    const struct offload_set *takes;
    struct rx_counters *counters;
};

/* Adds the second to the first. */
void rx_counters_add(struct rx_counters *, const struct rx_counters *);

/* Allocates pages, grants them to 'backend_domid', posts them all.  'takes':
 * the offloads that were announced; a frame with another is not delivered. */
int rx_ring_init(struct rx_ring *, struct guest_memory *,
                 uint16_t backend_domid, const struct offload_set *takes,
                 struct rx_counters *);
void rx_ring_finish(struct rx_ring *);

/* Takes the next good frame: 1 and '*frame' filled in, 0 if there is none,
 * or -EPROTO.  Bad frames are counted and skipped. */
int rx_ring_take(struct rx_ring *, struct rx_frame *);

/* All frames taken so far are done with: posts their pages again.  True if
 * the backend wants to be kicked. */
bool rx_ring_release(struct rx_ring *);

/* Asks for an event at the next response.  True if there is one already, so
 * that the caller must not sleep. */
bool rx_ring_arm(struct rx_ring *);

#endif /* rx_ring.h */
