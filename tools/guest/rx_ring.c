#include "tools/guest/rx_ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"

#define FRAME_BYTES_MIN 14u             /* An Ethernet header. */

_Static_assert(__CONST_RING_SIZE(netif_rx, RING_PAGE_BYTES) == RING_SLOTS,
               "an Rx ring has 256 slots");

/* What is wrong with a frame; the first thing found counts. */
enum rx_verdict {
    RX_GOOD,
    RX_BAD_STATUS,
    RX_BAD_LAYOUT,
    RX_CHECKSUM_BLANK,
    RX_GSO,
};

/* Writes requests for all slots that have been released. */
static void
post(struct rx_ring *rx)
{
    while (ring_distance(rx->req_prod, rx->released) < RING_SLOTS) {
        uint32_t slot = ring_slot(rx->req_prod++);
        struct netif_rx_request *req = &rx->shared->ring[slot].req;

        req->id = slot;
        req->pad = 0;
        req->gref = rx->pages[slot];
    }
}

int
rx_ring_init(struct rx_ring *rx, struct guest_memory *memory,
             uint16_t backend_domid, struct rx_counters *counters)
{
    memset(rx, 0, sizeof *rx);

    int error = guest_memory_take(memory, &rx->page, 1);
    if (error) {
        return error;
    }
    error = guest_memory_take(memory, rx->pages, RING_SLOTS);
    if (error) {
        guest_memory_give_back(memory, &rx->page, 1);
        return error;
    }
    rx->memory = memory;
    rx->counters = counters;

    for (uint32_t slot = 0; slot < RING_SLOTS; slot++) {
        guest_memory_grant(memory, rx->pages[slot], backend_domid, false);
    }

    rx->shared = guest_memory_page(memory, rx->page);
    memset(rx->shared, 0, RING_PAGE_BYTES);
    rx->shared->req_event = 1;
    rx->shared->rsp_event = 1;
    post(rx);
    rx->req_pushed = rx->req_prod;
    __atomic_store_n(&rx->shared->req_prod, rx->req_prod, __ATOMIC_RELEASE);
    guest_memory_grant(memory, rx->page, backend_domid, false);
    return 0;
}

void
rx_ring_finish(struct rx_ring *rx)
{
    if (rx->shared) {
        guest_memory_give_back(rx->memory, rx->pages, RING_SLOTS);
        guest_memory_give_back(rx->memory, &rx->page, 1);
        rx->shared = NULL;
    }
}

/* Walks the extra-info slots that begin at '*index'; moves it behind them.
 * False if they go on beyond what the backend has published. */
static bool
walk_extras(const struct rx_ring *rx, uint32_t *index,
            enum rx_verdict *verdict)
{
    bool more = true;

    while (more) {
        if (*index == rx->rsp_seen) {
            return false;
        }

        struct netif_extra_info extra
            = *(volatile struct netif_extra_info *)
              &rx->shared->ring[ring_slot((*index)++)];
        if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO && *verdict == RX_GOOD) {
            *verdict = RX_GSO;
        }
        more = extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
    }
    return true;
}

static enum rx_verdict
judge(const struct netif_rx_response *rsp)
{
    if (rsp->status < 0) {
        return RX_BAD_STATUS;
    }
    if ((uint32_t) rsp->offset + rsp->status > RING_PAGE_BYTES) {
        return RX_BAD_LAYOUT;
    }
    return RX_GOOD;
}

static void
count(struct rx_counters *c, enum rx_verdict verdict,
      const struct rx_frame *frame, uint32_t n_slots)
{
    c->slots += n_slots;
    switch (verdict) {
    case RX_GOOD:
        c->frames++;
        c->bytes += frame->bytes;
        break;
    case RX_BAD_STATUS:
        c->bad_status++;
        break;
    case RX_BAD_LAYOUT:
        c->bad_layout++;
        break;
    case RX_CHECKSUM_BLANK:
        c->checksum_blank++;
        break;
    case RX_GSO:
        c->gso++;
        break;
    }
}

/* Reads the frame that begins at rsp_cons.  Returns the slots it takes, 0 if
 * part of it is still to come, or -EPROTO. */
static int
read_frame(const struct rx_ring *rx, struct rx_frame *frame,
           enum rx_verdict *verdict)
{
    uint32_t index = rx->rsp_cons;
    bool first = true, more = true;

    *verdict = RX_GOOD;
    frame->n_iov = frame->bytes = 0;
    while (more) {
        if (index == rx->rsp_seen) {
            return 0;
        }

        uint32_t slot = ring_slot(index++);
        struct netif_rx_response rsp
            = *(volatile struct netif_rx_response *)
              &rx->shared->ring[slot].rsp;
        if (rsp.id != slot) {
            return -EPROTO;
        }

        if (*verdict == RX_GOOD) {
            *verdict = judge(&rsp);
        }
        if (*verdict == RX_GOOD && frame->n_iov == RING_FRAME_SLOTS_MAX) {
            *verdict = RX_BAD_LAYOUT;
        }
        if (*verdict == RX_GOOD) {
            uint8_t *page = guest_memory_page(rx->memory, rx->pages[slot]);
            frame->iov[frame->n_iov].iov_base = page + rsp.offset;
            frame->iov[frame->n_iov++].iov_len = rsp.status;
            frame->bytes += rsp.status;
        }

        if (first && rsp.flags & NETRXF_csum_blank && *verdict == RX_GOOD) {
            *verdict = RX_CHECKSUM_BLANK;
        }
        if (rsp.flags & NETRXF_extra_info
            && !walk_extras(rx, &index, verdict)) {
            return 0;
        }
        more = rsp.flags & NETRXF_more_data;
        first = false;
    }
    if (*verdict == RX_GOOD && (frame->bytes < FRAME_BYTES_MIN
                                || frame->bytes > UINT16_MAX)) {
        *verdict = RX_BAD_LAYOUT;
    }
    return ring_distance(index, rx->rsp_cons);
}

int
rx_ring_take(struct rx_ring *rx, struct rx_frame *frame)
{
    enum rx_verdict verdict;

    do {
        rx->rsp_seen = __atomic_load_n(&rx->shared->rsp_prod,
                                       __ATOMIC_ACQUIRE);
        if (!ring_prod_is_sane(rx->rsp_seen, rx->rsp_cons,
                               ring_distance(rx->req_pushed,
                                             rx->rsp_cons))) {
            return -EPROTO;
        }
        if (rx->rsp_seen == rx->rsp_cons) {
            return 0;
        }

        int n_slots = read_frame(rx, frame, &verdict);
        if (n_slots <= 0) {
            /* A frame that fills the ring and does not end never will. */
            bool hopeless = ring_distance(rx->rsp_seen, rx->rsp_cons)
                            == RING_SLOTS;
            return hopeless ? -EPROTO : n_slots;
        }
        rx->rsp_cons += n_slots;
        count(rx->counters, verdict, frame, n_slots);
    } while (verdict != RX_GOOD);
    return 1;
}

bool
rx_ring_release(struct rx_ring *rx)
{
    uint32_t old = rx->req_pushed;

    rx->released = rx->rsp_cons;
    post(rx);
    if (old == rx->req_prod) {
        return false;
    }
    __atomic_store_n(&rx->shared->req_prod, rx->req_prod, __ATOMIC_RELEASE);
    rx->req_pushed = rx->req_prod;

    /* The backend sees the pages before we look at what it asked for. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t event = __atomic_load_n(&rx->shared->req_event,
                                     __ATOMIC_RELAXED);
    bool notify = ring_wants_event(old, rx->req_pushed, event);
    rx->counters->notifies += notify;
    return notify;
}

bool
rx_ring_arm(struct rx_ring *rx)
{
    /* A frame whose end is still to come may have begun: what we wait for
     * is anything beyond what we have seen. */
    __atomic_store_n(&rx->shared->rsp_event, rx->rsp_seen + 1,
                     __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&rx->shared->rsp_prod, __ATOMIC_ACQUIRE)
           != rx->rsp_seen;
}
