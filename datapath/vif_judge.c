#include "datapath/vif_judge.h"

#include <string.h>

static void
malice(struct vif_judge *judge, enum vif_malice what)
{
    judge->verdict = VIF_MALICE;
    judge->malice = what;
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

    if (vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_ADD)
        || vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_DEL)) {
        /* A dummy request: its size and page mean nothing. */
        if (judge->flags & NETTXF_more_data || judge->gso_type) {
            drop(judge, VIF_DROP_TX_EXTRA);
        } else if (judge->verdict == VIF_PASS) {
            judge->verdict = VIF_CONTROL;
        }
        return;
    }

    uint32_t room_bytes = judge->gso_type ? judge->gso_room_bytes
                                          : judge->room_bytes;

    /* If the later slots claim more than the whole, the first slot's own size
     * is unknown, and the frame is dropped already. */
    if (judge->rest_bytes <= judge->total_bytes
        && crosses_page(judge->first_offset, vif_judge_first_bytes(judge))) {
        malice(judge, VIF_MALICE_TX_PAGE);
    } else if (judge->total_bytes < VIF_FRAME_MIN_BYTES) {
        drop(judge, VIF_DROP_TX_RUNT);
    } else if (judge->total_bytes > room_bytes) {
        drop(judge, VIF_DROP_TX_OVERSIZE);
    }
}

/* A type twice says two things about one frame. */
static void
judge_extra_type(struct vif_judge *judge, const struct netif_extra_info *extra)
{
    if (extra->type == XEN_NETIF_EXTRA_TYPE_NONE
        || extra->type > VIF_EXTRA_TYPE_XDP) {
        malice(judge, VIF_MALICE_EXTRA_TYPE);
        return;
    }
    if (vif_judge_saw(judge, extra->type)) {
        drop(judge, VIF_DROP_TX_EXTRA);
    }
    judge->seen |= 1u << extra->type;

    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        if (!extra->u.gso.size) {
            malice(judge, VIF_MALICE_GSO_SIZE);
        } else if (extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4
                   && extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6) {
            malice(judge, VIF_MALICE_GSO_TYPE);
        }
        judge->gso_type = extra->u.gso.type;
        judge->gso_bytes = extra->u.gso.size;
        break;

    case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
        memcpy(judge->mcast_add, extra->u.mcast.addr,
               sizeof judge->mcast_add);
        break;

    case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
        memcpy(judge->mcast_del, extra->u.mcast.addr,
               sizeof judge->mcast_del);
        break;

    default:
        /* A hash that a guest has chosen is of no use to us, and a headroom
         * is about received frames. */
        break;
    }
}

static void
judge_extra(struct vif_judge *judge, const struct netif_extra_info *extra)
{
    if (judge->n_extras >= VIF_TX_EXTRAS_MAX) {
        malice(judge, VIF_MALICE_EXTRAS);
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
        malice(judge, VIF_MALICE_TX_SLOTS);
        return;
    }
    judge->n_data++;
    if (judge->n_data > VIF_TX_SLOTS_MAX) {
        drop(judge, VIF_DROP_TX_SLOTS);
    }

    if (crosses_page(req->offset, req->size)) {
        malice(judge, VIF_MALICE_TX_PAGE);
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
    malice(judge, VIF_MALICE_TX_CHAIN);
}
