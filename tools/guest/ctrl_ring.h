/* The control ring between a frontend and its backend: single requests and
 * responses out of the way of frames.
 *
 * Thread: one at a time.
 * Owner:  ctrl_ring_finish() gives the page back to the memory.
 * Errors: 0 or -errno; -EPROTO means that the backend broke the protocol.
 * Trust:  every shared field is read once and judged as a copy.  What a
 *         request says is the caller's: this ring judges it not. */

#ifndef GUEST_CTRL_RING_H
#define GUEST_CTRL_RING_H 1

#include <stdbool.h>
#include <stdint.h>

#define CTRL_RING_SLOTS 128u

struct guest_memory;
struct xen_netif_ctrl_request;
struct xen_netif_ctrl_response;
struct xen_netif_ctrl_sring;

struct ctrl_ring {
    struct guest_memory *memory;
    struct xen_netif_ctrl_sring *shared;
    uint32_t page;                      /* Of the ring; its grant, too. */
    uint32_t req_prod;                  /* Next request to write. */
    uint32_t req_pushed;                /* What the backend can see. */
    uint32_t rsp_cons;
};

int ctrl_ring_init(struct ctrl_ring *, struct guest_memory *,
                   uint16_t backend_domid);
void ctrl_ring_finish(struct ctrl_ring *);

/* Writes a request.  False if the ring is full. */
bool ctrl_ring_put(struct ctrl_ring *, const struct xen_netif_ctrl_request *);

/* Publishes what was put.  True if the backend wants to be kicked. */
bool ctrl_ring_push(struct ctrl_ring *);

/* Takes the next response: 1 and '*rsp' filled in, 0 if there is none, or
 * -EPROTO. */
int ctrl_ring_take(struct ctrl_ring *, struct xen_netif_ctrl_response *rsp);

/* Asks for an event at the next response.  True if there is one already, so
 * that the caller must not sleep. */
bool ctrl_ring_arm(struct ctrl_ring *);

#endif /* ctrl_ring.h */
