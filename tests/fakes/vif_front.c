#include "tests/fakes/vif_front.h"

#include <stdlib.h>
#include <string.h>

static void *
new_page(struct fake_guest *guest, uint32_t *gref)
{
    uint32_t frame;
    void *page = fake_guest_page(guest, &frame);

    *gref = fake_guest_grant(guest, frame, false);
    return page;
}

void
vif_front_init(struct vif_front *front, struct fake_guest *guest,
               uint32_t index, bool split_ports)
{
    memset(front, 0, sizeof *front);
    front->guest = guest;
    front->tx = new_page(guest, &front->tx_gref);
    front->rx = new_page(guest, &front->rx_gref);
    front->tx->req_prod = front->tx->rsp_prod = index;
    front->tx->req_event = front->tx->rsp_event = index + 1;
    front->rx->req_prod = front->rx->rsp_prod = index;
    front->rx->req_event = front->rx->rsp_event = index + 1;
    front->tx_prod = front->tx_cons = index;
    front->rx_prod = front->rx_cons = index;
    front->tx_port = fake_guest_alloc_port(guest);
    front->rx_port = split_ports ? fake_guest_alloc_port(guest)
                                 : front->tx_port;
}

struct vif_frontend
vif_front_frontend(const struct vif_front *front)
{
    return (struct vif_frontend) {
        .domid = front->guest->domid,
        .n_queues = 1,
        .queues = { { front->tx_gref, front->rx_gref, front->tx_port,
                      front->rx_port } },
        .sg = true,
        .gso_v4 = true,
        .gso_v6 = true,
        .csum_v4 = true,
        .csum_v6 = true,
        .rx_notify = true,
    };
}

int
vif_front_open(const struct vif_front *front,
               const struct vif_frontend *frontend,
               struct vif_journal **journal, struct vif_conn **conn)
{
    *journal = calloc(1, vif_journal_bytes(frontend->n_queues));
    if (!*journal) {
        abort();
    }
    vif_journal_init(*journal, 0, frontend);
    int error = vif_conn_open(&xen_ops_fake,
                              xen_fake_platform(front->guest->fake), *journal,
                              0, conn);
    if (error) {
        free(*journal);
        *journal = NULL;
    }
    return error;
}

void
vif_front_tx_put(struct vif_front *front, const struct netif_tx_request *req)
{
    front->tx->ring[front->tx_prod++ % FRONT_SLOTS].req = *req;
}

void
vif_front_tx_put_extra(struct vif_front *front,
                       const struct netif_extra_info *extra)
{
    memcpy(&front->tx->ring[front->tx_prod++ % FRONT_SLOTS], extra,
           sizeof *extra);
}

static bool
push(uint32_t *req_prod, uint32_t req_event, uint32_t prod)
{
    uint32_t old = *req_prod;

    *req_prod = prod;
    return prod - req_event < prod - old;
}

bool
vif_front_tx_push(struct vif_front *front)
{
    return push(&front->tx->req_prod, front->tx->req_event, front->tx_prod);
}

bool
vif_front_tx_take(struct vif_front *front, struct netif_tx_response *rsp)
{
    if (front->tx_cons == front->tx->rsp_prod) {
        return false;
    }
    *rsp = front->tx->ring[front->tx_cons++ % FRONT_SLOTS].rsp;
    return true;
}

void
vif_front_tx_want_event(struct vif_front *front)
{
    front->tx->rsp_event = front->tx_cons + 1;
}

void
vif_front_rx_put(struct vif_front *front, uint16_t id, uint32_t gref)
{
    front->rx->ring[front->rx_prod++ % FRONT_SLOTS].req
        = (struct netif_rx_request) { .id = id, .gref = gref };
}

bool
vif_front_rx_push(struct vif_front *front)
{
    return push(&front->rx->req_prod, front->rx->req_event, front->rx_prod);
}

bool
vif_front_rx_take(struct vif_front *front, struct netif_rx_response *rsp)
{
    if (front->rx_cons == front->rx->rsp_prod) {
        return false;
    }
    *rsp = front->rx->ring[front->rx_cons++ % FRONT_SLOTS].rsp;
    return true;
}

void
vif_front_rx_want_event(struct vif_front *front)
{
    front->rx->rsp_event = front->rx_cons + 1;
}
