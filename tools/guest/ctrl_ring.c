#include "tools/guest/ctrl_ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"
#include "tools/guest/ring_index.h"

_Static_assert(__CONST_RING_SIZE(xen_netif_ctrl, RING_PAGE_BYTES)
               == CTRL_RING_SLOTS, "a control ring has 128 slots");

static uint32_t
slot(uint32_t index)
{
    return index & (CTRL_RING_SLOTS - 1);
}

int
ctrl_ring_init(struct ctrl_ring *ring, struct guest_memory *memory,
               uint16_t backend_domid)
{
    memset(ring, 0, sizeof *ring);

    int error = guest_memory_take(memory, &ring->page, 1);
    if (error) {
        return error;
    }
    ring->memory = memory;
    ring->shared = guest_memory_page(memory, ring->page);
    memset(ring->shared, 0, RING_PAGE_BYTES);
    ring->shared->req_event = 1;
    ring->shared->rsp_event = 1;
    guest_memory_grant(memory, ring->page, backend_domid, false);
    return 0;
}

void
ctrl_ring_finish(struct ctrl_ring *ring)
{
    if (ring->shared) {
        guest_memory_give_back(ring->memory, &ring->page, 1);
        ring->shared = NULL;
    }
}

bool
ctrl_ring_put(struct ctrl_ring *ring, const struct xen_netif_ctrl_request *req)
{
    if (ring_distance(ring->req_prod, ring->rsp_cons) >= CTRL_RING_SLOTS) {
        return false;
    }
    ring->shared->ring[slot(ring->req_prod++)].req = *req;
    return true;
}

bool
ctrl_ring_push(struct ctrl_ring *ring)
{
    uint32_t old = ring->req_pushed;

    __atomic_store_n(&ring->shared->req_prod, ring->req_prod,
                     __ATOMIC_RELEASE);
    ring->req_pushed = ring->req_prod;

    /* The backend sees the requests before we look at what it asked for. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t event = __atomic_load_n(&ring->shared->req_event,
                                     __ATOMIC_RELAXED);
    return ring_wants_event(old, ring->req_pushed, event);
}

int
ctrl_ring_take(struct ctrl_ring *ring, struct xen_netif_ctrl_response *rsp)
{
    uint32_t prod = __atomic_load_n(&ring->shared->rsp_prod,
                                    __ATOMIC_ACQUIRE);

    if (!ring_prod_is_sane(prod, ring->rsp_cons,
                           ring_distance(ring->req_pushed, ring->rsp_cons))) {
        return -EPROTO;
    }
    if (prod == ring->rsp_cons) {
        return 0;
    }
    *rsp = *(volatile struct xen_netif_ctrl_response *)
           &ring->shared->ring[slot(ring->rsp_cons++)].rsp;
    return 1;
}

bool
ctrl_ring_arm(struct ctrl_ring *ring)
{
    __atomic_store_n(&ring->shared->rsp_event, ring->rsp_cons + 1,
                     __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&ring->shared->rsp_prod, __ATOMIC_ACQUIRE)
           != ring->rsp_cons;
}
