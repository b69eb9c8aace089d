#include "datapath/vif_judge.h"

static void
malice(struct vif_judge *judge, const char *why)
{
    judge->verdict = VIF_MALICE;
    judge->malice = why;
    judge->wants = VIF_WANTS_NOTHING;
}

/* The first reason is the one that counts. */
static void
drop(struct vif_judge *judge, enum vif_drop why)
{
    if (judge->verdict == VIF_PASS) {
        judge->verdict = VIF_DROP;
        judge->drop = why;
    }
}

static bool
crosses_page(uint32_t offset, uint32_t bytes)
{
    return offset + bytes > XEN_PAGE_BYTES;
}

void
vif_judge_finish(struct vif_judge *judge)
{
    judge->wants = VIF_WANTS_NOTHING;

    if (judge->control) {
        /* A dummy request: its size and page mean nothing. */
        if (judge->verdict == VIF_PASS) {
            judge->verdict = VIF_CONTROL;
        }
        return;
    }

    /* If the later slots claim more than the whole, the first slot's own size
     * is unknown, and the frame is dropped already. */
    if (judge->rest_bytes <= judge->total_bytes
        && crosses_page(judge->first_offset, vif_judge_first_bytes(judge))) {
        malice(judge, "Tx slot crosses its page");
    } else if (judge->total_bytes < VIF_FRAME_MIN_BYTES) {
        drop(judge, VIF_DROP_TX_RUNT);
    } else if (judge->total_bytes > judge->room_bytes) {
        drop(judge, VIF_DROP_TX_OVERSIZE);
    }
}

/* We advertise neither GSO, nor multicast control, nor hashes, nor XDP: what
 * would change the frame's meaning drops it. */
static void
judge_extra_type(struct vif_judge *judge, const struct netif_extra_info *extra)
{
    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        if (!extra->u.gso.size) {
            malice(judge, "GSO segment size is 0");
        } else if (extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4
                   && extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6) {
            malice(judge, "GSO type is unknown");
        } else {
            drop(judge, VIF_DROP_TX_EXTRA);
        }
        break;

    case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
    case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
        judge->control = true;
        if (judge->flags & NETTXF_more_data) {
            drop(judge, VIF_DROP_TX_EXTRA);
        }
        break;

    case XEN_NETIF_EXTRA_TYPE_HASH:
    case VIF_EXTRA_TYPE_XDP:
        drop(judge, VIF_DROP_TX_EXTRA);
        break;

    default:
        malice(judge, "extra info of unknown type");
        break;
    }
}

static void
judge_extra(struct vif_judge *judge, const struct netif_extra_info *extra)
{
    if (judge->n_extras >= VIF_TX_EXTRAS_MAX) {
        malice(judge, "more extra info slots than there are types");
        return;
    }
    judge->n_extras++;

    judge_extra_type(judge, extra);
    if (judge->verdict == VIF_MALICE) {
        return;
    }

    if (!(extra->flags & XEN_NETIF_EXTRA_FLAG_MORE)) {
        if (judge->flags & NETTXF_more_data) {
            judge->wants = VIF_WANTS_DATA;
        } else {
            vif_judge_finish(judge);
        }
    }
}

static void
judge_data(struct vif_judge *judge, const struct netif_tx_request *req)
{
    if (judge->n_data >= VIF_TX_SLOTS_FATAL) {
        malice(judge, "Tx frame of too many slots");
        return;
    }
    judge->n_data++;
    if (judge->n_data > VIF_TX_SLOTS_MAX) {
        drop(judge, VIF_DROP_TX_SLOTS);
    }

    if (crosses_page(req->offset, req->size)) {
        malice(judge, "Tx slot crosses its page");
        return;
    }

    /* At most VIF_TX_SLOTS_FATAL pages: no overflow. */
    judge->rest_bytes += req->size;
    if (judge->rest_bytes > judge->total_bytes) {
        drop(judge, VIF_DROP_TX_LENGTH);
    }

    if (!(req->flags & NETTXF_more_data)) {
        vif_judge_finish(judge);
    }
}

void
vif_judge_next(struct vif_judge *judge, const union vif_tx_slot *slot)
{
    switch (judge->wants) {
    case VIF_WANTS_EXTRA:
        judge_extra(judge, &slot->extra);
        break;

    case VIF_WANTS_DATA:
        judge_data(judge, &slot->req);
        break;

    default:
        break;
    }
}

void
vif_judge_starved(struct vif_judge *judge)
{
    malice(judge, "Tx frame runs past the requests");
}
