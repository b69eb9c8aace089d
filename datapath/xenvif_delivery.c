/* How a frame is given to a guest: whole or cut, complete or blank, as that
 * guest takes it. */

#include <config.h>

#include "datapath/xenvif_delivery.h"

#include <rte_mbuf.h>

#include <xen/io/netif.h>

#include "datapath/csum.h"
#include "datapath/pool.h"

bool
xenvif_plan_delivery(const struct xenvif *vif,
                     const struct vif_frontend *frontend,
                     const struct dp_packet *packet,
                     struct xenvif_delivery *d)
{
    bool tso = dp_packet_hwol_is_tso(packet);
    struct headers *h = &d->headers;

    d->blank = tso || dp_packet_hwol_tx_l4_checksum(packet);
    d->cut = false;
    d->mss_bytes = 0;
    if (OVS_LIKELY(!d->blank)) {
        return true;
    }
    if (!headers_parse(dp_packet_data(packet), dp_packet_size(packet), h)
        || !h->l4) {
        return false;
    }
    if (tso && h->protocol == HEADERS_TCP) {
        /* Copies that OVS made do not say.  The MTU is IP's; of two tags, one
         * counts. */
        d->mss_bytes = gso_fit(h, packet->mbuf.tso_segsz,
                               MIN(vif->mtu + h->l3_offset,
                                   XENVIF_FRAME_BYTES(vif->mtu)));
        if (!d->mss_bytes) {
            return false;
        }
        if (gso_segments(h->end - h->payload_offset, d->mss_bytes) == 1) {
            d->mss_bytes = 0;
        }
    }
    d->cut = d->mss_bytes && !(frontend->sg
                               && (h->ip_version == 4 ? frontend->gso_v4
                                                      : frontend->gso_v6));
    return true;
}

bool
xenvif_takes_blank(const struct vif_frontend *frontend, const struct headers *h)
{
    return h->ip_version == 4 ? frontend->csum_v4 : frontend->csum_v6;
}

void
xenvif_describe(struct dp_packet *packet, const struct vif_frontend *frontend,
                const struct xenvif_delivery *d, struct vif_frame *frame)
{
    uint8_t *data = dp_packet_data(packet);

    *frame = (struct vif_frame) {
        .region = &xen_region_self,
        .offset = (uintptr_t) data,
        .bytes = dp_packet_size(packet),
    };
    if (OVS_UNLIKELY(packet->md.recirc_id != VIF_HASH_TYPE_NONE)) {
        frame->flags |= VIF_FRAME_HASHED;
        frame->hash_type = packet->md.recirc_id;
        frame->hash = packet->md.dp_hash;
    }
    if (OVS_LIKELY(!d->blank)) {
        if ((packet->mbuf.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK)
            == RTE_MBUF_F_RX_L4_CKSUM_GOOD) {
            frame->flags |= VIF_FRAME_DATA_VALIDATED;
        }
        return;
    }

    if (d->headers.ip_version == 4) {
        csum_fill_ipv4(data, &d->headers);  /* OVS may have left it, too. */
    }
    if (d->mss_bytes || xenvif_takes_blank(frontend, &d->headers)) {
        csum_blank(data, &d->headers);
        frame->flags |= VIF_FRAME_CSUM_BLANK;
    } else {
        /* Once, however long the guest makes it wait. */
        csum_fill(data, &d->headers);
        packet->mbuf.ol_flags = (packet->mbuf.ol_flags
                                 & ~(uint64_t) DP_PACKET_OL_TX_L4_MASK)
                                | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        frame->flags |= VIF_FRAME_DATA_VALIDATED;
    }
    if (d->mss_bytes) {
        frame->gso_type = d->headers.ip_version == 4
                          ? XEN_NETIF_GSO_TYPE_TCPV4
                          : XEN_NETIF_GSO_TYPE_TCPV6;
        frame->gso_bytes = d->mss_bytes;
    }
}
