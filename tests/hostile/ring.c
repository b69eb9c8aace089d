/* Raw rings, and threads that race with whoever reads them. */

#include "tests/hostile/hostile.h"

#include <string.h>
#include <time.h>

#define SETTLE_NS 3000000000ull

void
hostile_ring_init(struct hostile *h, struct hostile_ring *ring,
                  uint32_t slot_bytes, uint32_t n_slots)
{
    uint32_t page;

    /* A new page each time: the last backend may hold the old one still. */
    if (guest_memory_take(&h->memory, &page, 1)) {
        page = h->memory.n_grant_pages;
    }
    *ring = (struct hostile_ring) {
        .gref = page,
        .page = (struct hostile_ring_page *) hostile_page(h, page),
        .slot_bytes = slot_bytes,
        .n_slots = n_slots,
    };
    memset(ring->page, 0, sizeof *ring->page);
    ring->page->req_event = ring->page->rsp_event = 1;
    guest_memory_grant(&h->memory, page, h->backend_domid, false);
}

void
hostile_ring_push(struct hostile_ring *ring)
{
    __atomic_store_n(&ring->page->req_prod, ring->prod, __ATOMIC_SEQ_CST);
    guest_channel_kick(ring->channel);
}

/* A racing thread may publish a slot as soon as 'prod' covers it, so the id
 * that its answer is judged by is there first. */
static void *
next_tx(struct hostile *h, bool extra)
{
    struct hostile_ring *tx = &h->queues[0].tx;
    uint32_t i = tx->prod % HOSTILE_SLOTS;
    struct netif_tx_request *req = hostile_ring_slot(tx, i);

    memset(req, 0, tx->slot_bytes);
    tx->extra[i] = extra;
    if (!extra) {
        tx->ids[i] = req->id = (tx->prod + 1) * 7;
    }
    __atomic_store_n(&tx->prod, tx->prod + 1, __ATOMIC_RELEASE);
    return req;
}

struct netif_tx_request *
hostile_tx(struct hostile *h)
{
    return next_tx(h, false);
}

struct netif_extra_info *
hostile_tx_extra(struct hostile *h)
{
    return next_tx(h, true);
}

void
hostile_tx_push(struct hostile *h)
{
    hostile_ring_push(&h->queues[0].tx);
}

void
hostile_tx_take(struct hostile *h, struct hostile_ring *tx)
{
    uint32_t prod = __atomic_load_n(&tx->page->rsp_prod, __ATOMIC_ACQUIRE);

    if (prod - tx->cons > tx->prod - tx->cons) {
        /* The backend answered what was not asked, or a racer of ours wrote
         * the index. */
        h->strange++;
        return;
    }
    for (; tx->cons != prod; tx->cons++) {
        uint32_t i = tx->cons % HOSTILE_SLOTS;
        const struct netif_tx_response *rsp = hostile_ring_slot(tx, i);

        switch (rsp->status) {
        case NETIF_RSP_OKAY: h->okay++; break;
        case NETIF_RSP_ERROR: h->error++; break;
        case NETIF_RSP_NULL: h->null++; break;
        default: h->strange++; break;
        }
        h->wrong_ids += !tx->extra[i] && rsp->id != tx->ids[i];
    }
}

int
hostile_tx_settle_ring(struct hostile *h, struct hostile_ring *tx)
{
    uint64_t deadline_ns = hostile_now_ns() + SETTLE_NS;

    for (unsigned int i = 1; ; i++) {
        hostile_tx_take(h, tx);
        if (tx->cons == tx->prod) {
            return 0;
        }
        if (i % 64 == 0 && hostile_now_ns() > deadline_ns) {
            return hostile_fail(h, "%u requests are not answered; the "
                                "backend is in state %u",
                                tx->prod - tx->cons,
                                hostile_backend_state(h));
        }
        if (i > 100) {
            struct timespec time = { 0, 50000 };
            nanosleep(&time, NULL);
        }
    }
}

int
hostile_tx_settle(struct hostile *h)
{
    return hostile_tx_settle_ring(h, &h->queues[0].tx);
}

int
hostile_tx_room(struct hostile *h, unsigned int n)
{
    struct hostile_ring *tx = &h->queues[0].tx;

    if (tx->prod - tx->cons + n <= HOSTILE_SLOTS) {
        return 0;
    }
    hostile_tx_push(h);
    return hostile_tx_settle(h);
}

struct netif_tx_request *
hostile_tx_frame(struct hostile *h, unsigned int i, uint16_t bytes)
{
    struct netif_tx_request *req = hostile_tx(h);

    req->gref = h->tx_pages[i % HOSTILE_SLOTS];
    req->size = bytes;
    h->frames++;
    return req;
}

void
hostile_rx_post(struct hostile *h, unsigned int n,
                uint32_t (*gref)(struct hostile *, unsigned int i))
{
    struct hostile_ring *rx = &h->queues[0].rx;

    for (unsigned int i = 0; i < n; i++) {
        uint32_t slot = rx->prod++ % HOSTILE_SLOTS;
        struct netif_rx_request *req = hostile_ring_slot(rx, slot);

        rx->ids[slot] = req->id = slot;
        req->gref = gref ? gref(h, slot) : h->rx_pages[slot];
    }
    hostile_ring_push(rx);
}

void
hostile_rx_take(struct hostile *h)
{
    struct hostile_ring *rx = &h->queues[0].rx;
    uint32_t prod = __atomic_load_n(&rx->page->rsp_prod, __ATOMIC_ACQUIRE);

    if (prod - rx->cons > rx->prod - rx->cons) {
        h->strange++;
        return;
    }
    for (; rx->cons != prod; rx->cons++) {
        uint32_t i = rx->cons % HOSTILE_SLOTS;
        const struct netif_rx_response *rsp = hostile_ring_slot(rx, i);

        if (rx->extra_follows) {
            const struct netif_extra_info *extra = hostile_ring_slot(rx, i);

            rx->extra_follows = extra->flags & XEN_NETIF_EXTRA_FLAG_MORE;
            continue;
        }
        rx->extra_follows = rsp->flags & NETRXF_extra_info;
        h->wrong_ids += rsp->id != rx->ids[i];
        if (rsp->status > 0) {
            h->received++;
        } else {
            h->error++;
        }
    }
}

void
hostile_rx_serve(struct hostile *h, unsigned int ms,
                 uint32_t (*gref)(struct hostile *, unsigned int i))
{
    struct hostile_ring *rx = &h->queues[0].rx;
    uint64_t until_ns = hostile_now_ns() + ms * 1000000ull;

    while (hostile_now_ns() < until_ns) {
        hostile_rx_take(h);
        hostile_rx_post(h, HOSTILE_SLOTS - (rx->prod - rx->cons), gref);
        hostile_sleep_ms(1);
    }
    hostile_rx_take(h);
}

int
hostile_ctrl_call(struct hostile *h, uint16_t type, uint32_t data0,
                  uint32_t data1, uint32_t data2, uint32_t *data)
{
    struct hostile_ring *ctrl = &h->ctrl;
    uint32_t idx = ctrl->prod++;
    struct xen_netif_ctrl_request *req = hostile_ring_slot(ctrl, idx);
    uint64_t deadline_ns = hostile_now_ns() + SETTLE_NS;

    *req = (struct xen_netif_ctrl_request) {
        .id = idx * 3, .type = type, .data = { data0, data1, data2 },
    };
    hostile_ring_push(ctrl);
    while (__atomic_load_n(&ctrl->page->rsp_prod, __ATOMIC_ACQUIRE)
           != ctrl->prod) {
        if (hostile_now_ns() > deadline_ns) {
            return hostile_fail(h, "control request %u is not answered",
                                type);
        }
        hostile_sleep_ms(1);
    }
    ctrl->cons = ctrl->prod;

    struct xen_netif_ctrl_response rsp
        = *(struct xen_netif_ctrl_response *) hostile_ring_slot(ctrl, idx);
    h->wrong_ids += rsp.id != (uint16_t) (idx * 3) || rsp.type != type;
    if (data) {
        *data = rsp.data;
    }
    return rsp.status;
}

static void *
race(void *aux)
{
    struct hostile_racer *racer = aux;

    while (!__atomic_load_n(&racer->stop, __ATOMIC_RELAXED)) {
        racer->turn(racer->h, racer->turns++);
    }
    return NULL;
}

int
hostile_race_begin(struct hostile *h, struct hostile_racer *racer,
                   void (*turn)(struct hostile *, uint64_t i))
{
    *racer = (struct hostile_racer) { .h = h, .turn = turn };
    return pthread_create(&racer->thread, NULL, race, racer)
           ? hostile_fail(h, "no thread") : 0;
}

void
hostile_race_end(struct hostile *h, struct hostile_racer *racer)
{
    __atomic_store_n(&racer->stop, true, __ATOMIC_RELAXED);
    pthread_join(racer->thread, NULL);
    h->turns += racer->turns;
}
