#include "tools/guest/rx_ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"

/* What Linux calls so, and Xen's header has not. */
#define EXTRA_TYPE_XDP 5
#define EXTRA_TYPE_MAX 6

#define FRAME_BYTES_MIN 14u             /* An Ethernet header. */

_Static_assert(__CONST_RING_SIZE(netif_rx, RING_PAGE_BYTES) == RING_SLOTS,
               "an Rx ring has 256 slots");

/* What is wrong with a frame; the first thing found counts. */
enum rx_verdict {
    RX_GOOD,
    RX_BAD_STATUS,
    RX_BAD_LAYOUT,
    RX_BAD_EXTRA,
    RX_CSUM_DECLINED,
    RX_GSO_DECLINED,
};

/* What is known of a frame before its first slot's data can be judged. */
struct rx_extras {
    uint32_t types;                     /* Bit mask of those seen. */
    struct netif_extra_info gso;
    struct netif_extra_info hash;
    struct netif_extra_info xdp;
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

void
rx_counters_add(struct rx_counters *sum, const struct rx_counters *c)
{
    ring_counters_add((uint64_t *) sum, (const uint64_t *) c,
                      sizeof *c / sizeof(uint64_t));
}

int
rx_ring_init(struct rx_ring *rx, struct guest_memory *memory,
             uint16_t backend_domid, const struct offload_set *takes,
             struct rx_counters *counters)
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
    rx->takes = takes;
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

/* Keeps one extra.  False if it makes no sense. */
static bool
keep_extra(struct rx_extras *extras, const struct netif_extra_info *extra)
{
    uint32_t bit = extra->type < EXTRA_TYPE_MAX ? 1u << extra->type : 0;

    if (!bit || extras->types & bit) {
        return false;
    }
    extras->types |= bit;
    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        extras->gso = *extra;
        return extra->u.gso.size
               && (extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4
                   || extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6);
    case XEN_NETIF_EXTRA_TYPE_HASH:
        extras->hash = *extra;
        return true;
    case EXTRA_TYPE_XDP:
        extras->xdp = *extra;
        return true;
    }
    return false;
}

/* Walks the extra-info slots that begin at '*index'; moves it behind them.
 * False if they go on beyond what the backend has published. */
static bool
walk_extras(const struct rx_ring *rx, uint32_t *index,
            struct rx_extras *extras, enum rx_verdict *verdict)
{
    bool more = true;

    while (more) {
        if (*index == rx->rsp_seen) {
            return false;
        }

        struct netif_extra_info extra
            = *(volatile struct netif_extra_info *)
              &rx->shared->ring[ring_slot((*index)++)];
        if (!keep_extra(extras, &extra) && *verdict == RX_GOOD) {
            *verdict = RX_BAD_EXTRA;
        }
        more = extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
    }
    return true;
}

/* Adds the data of 'slot' to the frame. */
static enum rx_verdict
add_data(const struct rx_ring *rx, struct rx_frame *frame, uint32_t slot,
         const struct netif_rx_response *rsp)
{
    if (rsp->status < 0) {
        return RX_BAD_STATUS;
    }

    uint32_t begin = rsp->offset + (frame->headroom_counted
                                    ? frame->headroom : 0);
    uint32_t end = rsp->offset + rsp->status;
    if (end > RING_PAGE_BYTES || begin > end
        || frame->n_iov == RING_FRAME_SLOTS_MAX) {
        return RX_BAD_LAYOUT;
    }

    uint8_t *page = guest_memory_page(rx->memory, rx->pages[slot]);
    frame->iov[frame->n_iov].iov_base = page + begin;
    frame->iov[frame->n_iov++].iov_len = end - begin;
    frame->bytes += end - begin;
    return RX_GOOD;
}

/* What the first slot's flags and the extras say of the frame. */
static enum rx_verdict
judge_offload(const struct rx_ring *rx, struct rx_frame *frame,
              const struct netif_rx_response *rsp,
              const struct rx_extras *extras)
{
    const struct offload_set *takes = rx->takes;
    uint16_t flags = rsp->flags;
    struct frame_offload *o = &frame->offload;

    o->csum_blank = flags & NETRXF_csum_blank;
    o->data_validated = flags & (NETRXF_csum_blank | NETRXF_data_validated);
    if (extras->types & 1u << XEN_NETIF_EXTRA_TYPE_GSO) {
        o->gso_type = extras->gso.u.gso.type;
        o->gso_bytes = extras->gso.u.gso.size;
    }
    if (extras->types & 1u << XEN_NETIF_EXTRA_TYPE_HASH) {
        const uint8_t *v = extras->hash.u.hash.value;

        frame->hashed = true;
        frame->hash_type = extras->hash.u.hash.type;
        frame->hash_algorithm = extras->hash.u.hash.algorithm;
        frame->hash = v[0] | v[1] << 8 | v[2] << 16 | (uint32_t) v[3] << 24;
    }
    if (extras->types & 1u << EXTRA_TYPE_XDP) {
        frame->headroom = extras->xdp.u.pad[0];
        frame->headroom_counted = rsp->offset < frame->headroom;
    }
    if (o->gso_bytes && !(o->gso_type == XEN_NETIF_GSO_TYPE_TCPV4
                          ? takes->gso4 : takes->gso6)) {
        return RX_GSO_DECLINED;
    }
    if (o->csum_blank && !takes->csum4 && !takes->csum6) {
        return RX_CSUM_DECLINED;
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
        c->gso += frame->offload.gso_bytes != 0;
        c->csum_blank += frame->offload.csum_blank;
        c->xdp += frame->headroom != 0;
        break;
    case RX_BAD_STATUS:
        c->bad_status++;
        break;
    case RX_BAD_LAYOUT:
        c->bad_layout++;
        break;
    case RX_BAD_EXTRA:
        c->bad_extra++;
        break;
    case RX_CSUM_DECLINED:
        c->csum_declined++;
        break;
    case RX_GSO_DECLINED:
        c->gso_declined++;
        break;
    }
}

/* Reads the frame that begins at rsp_cons.  Returns the slots it takes, 0 if
 * part of it is still to come, or -EPROTO. */
static int
read_frame(const struct rx_ring *rx, struct rx_frame *frame,
           enum rx_verdict *verdict)
{
    struct rx_extras extras = { .types = 0 };
    uint32_t index = rx->rsp_cons;
    bool first = true, more = true;

    *verdict = RX_GOOD;
    frame->n_iov = frame->bytes = frame->headroom = 0;
    frame->offload = (struct frame_offload) { .gso_bytes = 0 };
    frame->hashed = frame->headroom_counted = false;
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

        if (first && rsp.flags & NETRXF_extra_info
            && !walk_extras(rx, &index, &extras, verdict)) {
            return 0;
        }
        if (first && *verdict == RX_GOOD) {
            *verdict = judge_offload(rx, frame, &rsp, &extras);
        }
        if (*verdict == RX_GOOD) {
            *verdict = add_data(rx, frame, slot, &rsp);
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
    return ring_wants_event(old, rx->req_pushed, event);
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
