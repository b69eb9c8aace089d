#include "tests/fakes/ctrl_front.h"

#include <string.h>

void
ctrl_front_init(struct ctrl_front *front, struct fake_guest *guest,
                uint32_t index, struct vif_frontend *frontend)
{
    uint32_t frame;

    memset(front, 0, sizeof *front);
    front->guest = guest;
    front->ring = (void *) fake_guest_page(guest, &frame);
    front->gref = fake_guest_grant(guest, frame, false);
    front->port = fake_guest_alloc_port(guest);
    front->ring->req_prod = front->ring->rsp_prod = index;
    front->ring->req_event = front->ring->rsp_event = index + 1;
    front->prod = front->cons = index;
    frontend->has_ctrl = true;
    frontend->ctrl_gref = front->gref;
    frontend->ctrl_port = front->port;
}

uint16_t
ctrl_front_put(struct ctrl_front *front, uint16_t type, uint32_t data0,
               uint32_t data1, uint32_t data2)
{
    front->ring->ring[front->prod++ % CTRL_FRONT_SLOTS].req
        = (struct xen_netif_ctrl_request) {
        .id = front->next_id,
        .type = type,
        .data = { data0, data1, data2 },
    };
    return front->next_id++;
}

bool
ctrl_front_push(struct ctrl_front *front)
{
    uint32_t old = front->ring->req_prod;

    front->ring->req_prod = front->prod;
    return front->prod - front->ring->req_event < front->prod - old;
}

bool
ctrl_front_take(struct ctrl_front *front, struct xen_netif_ctrl_response *rsp)
{
    if (front->cons == front->ring->rsp_prod) {
        return false;
    }
    *rsp = front->ring->ring[front->cons++ % CTRL_FRONT_SLOTS].rsp;
    return true;
}
