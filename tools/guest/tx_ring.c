#include "tools/guest/tx_ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"
#include "tools/guest/offload.h"

_Static_assert(__CONST_RING_SIZE(netif_tx, RING_PAGE_BYTES) == RING_SLOTS,
               "a Tx ring has 256 slots");

void
tx_counters_add(struct tx_counters *sum, const struct tx_counters *c)
{
    ring_counters_add((uint64_t *) sum, (const uint64_t *) c,
                      sizeof *c / sizeof(uint64_t));
}

int
tx_ring_init(struct tx_ring *tx, struct guest_memory *memory,
             uint16_t backend_domid, struct tx_counters *counters)
{
    memset(tx, 0, sizeof *tx);

    int error = guest_memory_take(memory, &tx->page, 1);
    if (error) {
        return error;
    }
    error = guest_memory_take(memory, tx->pages, RING_SLOTS);
    if (error) {
        guest_memory_give_back(memory, &tx->page, 1);
        return error;
    }
    tx->memory = memory;
    tx->counters = counters;

    for (uint32_t id = 0; id < RING_SLOTS; id++) {
        guest_memory_grant(memory, tx->pages[id], backend_domid, true);
        tx->free_ids[tx->n_free++] = RING_SLOTS - 1 - id;
    }

    tx->shared = guest_memory_page(memory, tx->page);
    memset(tx->shared, 0, RING_PAGE_BYTES);
    tx->shared->req_event = 1;
    tx->shared->rsp_event = 1;
    guest_memory_grant(memory, tx->page, backend_domid, false);
    return 0;
}

void
tx_ring_finish(struct tx_ring *tx)
{
    if (tx->shared) {
        guest_memory_give_back(tx->memory, tx->pages, RING_SLOTS);
        guest_memory_give_back(tx->memory, &tx->page, 1);
        tx->shared = NULL;
    }
}

uint32_t
tx_ring_buffers(const struct tx_ring *tx, struct iovec *iov, uint32_t n)
{
    if (n > tx->n_free) {
        n = tx->n_free;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint16_t id = tx->free_ids[tx->n_free - 1 - i];
        iov[i].iov_base = guest_memory_page(tx->memory, tx->pages[id]);
        iov[i].iov_len = RING_PAGE_BYTES;
    }
    return n;
}

/* The next request to write, with the page of the next free id. */
static struct netif_tx_request *
next_request(struct tx_ring *tx)
{
    uint16_t id = tx->free_ids[--tx->n_free];
    struct netif_tx_request *req
        = &tx->shared->ring[ring_slot(tx->req_prod++)].req;

    req->gref = tx->pages[id];
    req->offset = 0;
    req->id = id;
    tx->in_flight[id] = true;
    tx->counters->slots++;
    return req;
}

static void
put_extra(struct tx_ring *tx, const struct netif_extra_info *extra)
{
    memcpy(&tx->shared->ring[ring_slot(tx->req_prod++)], extra,
           sizeof *extra);
    tx->n_extras++;
    tx->counters->slots++;
}

static void
put_gso(struct tx_ring *tx, const struct frame_offload *offload)
{
    const struct netif_extra_info extra = {
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .u.gso.size = offload->gso_bytes,
        .u.gso.type = offload->gso_type,
    };

    put_extra(tx, &extra);
    tx->counters->gso++;
}

void
tx_ring_put(struct tx_ring *tx, uint32_t bytes,
            const struct frame_offload *offload)
{
    static const struct frame_offload none;
    uint32_t n_slots = ring_slots_for(bytes);
    uint32_t left = bytes;

    offload = offload ? offload : &none;
    for (uint32_t i = 0; i < n_slots; i++) {
        uint32_t in_page = left < RING_PAGE_BYTES ? left : RING_PAGE_BYTES;
        struct netif_tx_request *req = next_request(tx);
        uint16_t flags = i + 1 < n_slots ? NETTXF_more_data : 0;

        /* The first slot tells the whole frame's size, a later one its own
         * part. */
        req->size = i ? in_page : bytes;
        if (!i) {
            flags |= (offload->csum_blank ? NETTXF_csum_blank : 0)
                     | (offload->data_validated ? NETTXF_data_validated : 0)
                     | (offload->gso_bytes ? NETTXF_extra_info : 0);
        }
        req->flags = flags;
        if (!i && offload->gso_bytes) {
            put_gso(tx, offload);
        }
        left -= in_page;
    }
    tx->counters->frames++;
    tx->counters->bytes += bytes;
    tx->counters->csum_blank += offload->csum_blank;
}

void
tx_ring_put_extra(struct tx_ring *tx, const struct netif_extra_info *extra)
{
    struct netif_tx_request *req = next_request(tx);

    req->size = 0;
    req->flags = NETTXF_extra_info;
    put_extra(tx, extra);
}

bool
tx_ring_push(struct tx_ring *tx)
{
    uint32_t old = tx->req_pushed;

    if (old == tx->req_prod) {
        return false;
    }
    __atomic_store_n(&tx->shared->req_prod, tx->req_prod, __ATOMIC_RELEASE);
    tx->req_pushed = tx->req_prod;

    /* The backend sees the requests before we look at what it asked for. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t event = __atomic_load_n(&tx->shared->req_event,
                                     __ATOMIC_RELAXED);
    bool notify = ring_wants_event(old, tx->req_pushed, event);
    tx->counters->notifies += notify;
    return notify;
}

int
tx_ring_reap(struct tx_ring *tx)
{
    uint32_t prod = __atomic_load_n(&tx->shared->rsp_prod, __ATOMIC_ACQUIRE);

    if (!ring_prod_is_sane(prod, tx->rsp_cons, tx_ring_owed(tx))) {
        return -EPROTO;
    }
    for (; tx->rsp_cons != prod; tx->rsp_cons++) {
        struct netif_tx_response rsp
            = *(volatile struct netif_tx_response *)
              &tx->shared->ring[ring_slot(tx->rsp_cons)].rsp;

        if (rsp.status == NETIF_RSP_NULL) {
            /* An extra's.  Backends that answer out of order write it behind
             * its frame's response, wherever that is. */
            if (!tx->n_extras) {
                return -EPROTO;
            }
            tx->n_extras--;
            continue;
        }
        if (rsp.id >= RING_SLOTS || !tx->in_flight[rsp.id]) {
            return -EPROTO;
        }
        tx->in_flight[rsp.id] = false;
        tx->free_ids[tx->n_free++] = rsp.id;
        if (rsp.status == NETIF_RSP_DROPPED) {
            tx->counters->backend_drops++;
        } else if (rsp.status == NETIF_RSP_ERROR) {
            tx->counters->backend_errors++;
        }
    }
    return 0;
}

bool
tx_ring_arm(struct tx_ring *tx, bool all)
{
    uint32_t owed = tx_ring_owed(tx);
    if (!owed) {
        return false;
    }

    uint32_t event = all ? tx->rsp_cons + owed
                         : ring_event_halfway(tx->rsp_cons, owed);

    __atomic_store_n(&tx->shared->rsp_event, event, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    uint32_t prod = __atomic_load_n(&tx->shared->rsp_prod, __ATOMIC_ACQUIRE);
    return ring_distance(prod, tx->rsp_cons)
           >= ring_distance(event, tx->rsp_cons);
}
