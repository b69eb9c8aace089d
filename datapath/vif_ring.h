/* The backend's half of a shared ring: indices, publishing, event hold-off.
 * For vif_conn's own files.
 *
 * Thread: the one that polls the vif; attach on the main thread, before.
 * Owner:  the page belongs to the guest; vif_conn.c maps it.
 * Errors: none here.
 * Trust:  the whole page is hostile.  What we produced and consumed is kept
 *         in private copies; of the shared indices only the guest's are read,
 *         each once per call, and the difference to ours is checked against
 *         the ring's size (the macros of ring.h would clamp and hide it).
 *
 * Every request is answered in its own slot before the call that consumed it
 * returns, so one private index is both req_cons and rsp_prod. */

#ifndef DATAPATH_VIF_RING_H
#define DATAPATH_VIF_RING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_judge.h"
#include "datapath/xen_ops.h"

#define VIF_RING_SLOTS 256u             /* Both rings: one page each. */
#define VIF_RING_MASK (VIF_RING_SLOTS - 1)

_Static_assert(__CONST_RING_SIZE(netif_tx, XEN_PAGE_BYTES) == VIF_RING_SLOTS,
               "Tx ring");
_Static_assert(__CONST_RING_SIZE(netif_rx, XEN_PAGE_BYTES) == VIF_RING_SLOTS,
               "Rx ring");
_Static_assert(sizeof(union netif_tx_sring_entry) == 12
               && sizeof(union vif_tx_slot) == 12, "Tx slot");
_Static_assert(sizeof(union netif_rx_sring_entry) == 8, "Rx slot");
_Static_assert(offsetof(struct netif_tx_sring, rsp_event)
                   == offsetof(struct netif_rx_sring, rsp_event)
               && offsetof(struct netif_tx_sring, ring) == 64
               && offsetof(struct netif_rx_sring, ring) == 64, "indices");

/* The indices at the head of both kinds of ring. */
struct vif_ring_page {
    uint32_t req_prod, req_event;       /* The guest's; ours. */
    uint32_t rsp_prod, rsp_event;       /* Ours; the guest's. */
};

struct vif_ring {
    struct vif_ring_page *page;
    uint32_t cons;                      /* Consumed and answered up to here. */
    uint32_t prod_seen;                 /* The last req_prod that was read. */
};

/* How many requests wait; more than VIF_RING_SLOTS: malice. */
static inline uint32_t
vif_ring_waiting(struct vif_ring *ring)
{
    ring->prod_seen = __atomic_load_n(&ring->page->req_prod,
                                      __ATOMIC_ACQUIRE);
    return ring->prod_seen - ring->cons;
}

/* Publishes 'n' responses, which the caller has written.  Returns true if the
 * guest asked for an event at one of them. */
static inline bool
vif_ring_publish(struct vif_ring *ring, uint32_t n)
{
    uint32_t rsp_prod = ring->cons + n;

    ring->cons = rsp_prod;

    /* Both sequentially consistent: either the guest sees these responses
     * when it looks again after it moved rsp_event, or we see rsp_event. */
    __atomic_store_n(&ring->page->rsp_prod, rsp_prod, __ATOMIC_SEQ_CST);
    uint32_t rsp_event = __atomic_load_n(&ring->page->rsp_event,
                                         __ATOMIC_SEQ_CST);
    return rsp_prod - rsp_event < n;
}

/* Asks for an event at the request after those seen.  Returns true if the
 * guest's index has moved since it was last read. */
static inline bool
vif_ring_arm(struct vif_ring *ring)
{
    __atomic_store_n(&ring->page->req_event, ring->prod_seen + 1,
                     __ATOMIC_SEQ_CST);
    return __atomic_load_n(&ring->page->req_prod, __ATOMIC_SEQ_CST)
           != ring->prod_seen;
}

static inline void *
vif_ring_slot(const struct vif_ring *ring, uint32_t idx, size_t slot_bytes)
{
    return (char *) ring->page + 64 + (idx & VIF_RING_MASK) * slot_bytes;
}

/* Copies a Tx slot, each word once. */
static inline void
vif_ring_copy_tx(const struct vif_ring *ring, uint32_t idx,
                 union vif_tx_slot *slot)
{
    const uint32_t *words
        = vif_ring_slot(ring, idx, sizeof(union netif_tx_sring_entry));

    for (int i = 0; i < 3; i++) {
        slot->words[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
    }
}

/* Copies an Rx request, once. */
static inline void
vif_ring_copy_rx(const struct vif_ring *ring, uint32_t idx,
                 struct netif_rx_request *req)
{
    const uint64_t *word
        = vif_ring_slot(ring, idx, sizeof(union netif_rx_sring_entry));
    uint64_t copy = __atomic_load_n(word, __ATOMIC_RELAXED);

    __builtin_memcpy(req, &copy, sizeof copy);
}

#endif /* datapath/vif_ring.h */
