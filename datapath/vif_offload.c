#include "datapath/vif_offload.h"

#include <xen/io/netif.h>

#include "datapath/gso.h"

static enum vif_drop
judge_gso(uint32_t bytes, const struct vif_claim *claim, uint32_t room_bytes,
          struct vif_offload *o)
{
    const struct headers *h = &o->headers;
    uint8_t version = claim->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? 4 : 6;

    if (!h->l4 || h->protocol != HEADERS_TCP || h->ip_version != version
        || claim->gso_bytes < VIF_GSO_MIN_BYTES) {
        return VIF_DROP_TX_GSO;
    }
    if (gso_segments(h->end - h->payload_offset, claim->gso_bytes) == 1) {
        /* One segment is no segmentation. */
        return bytes > room_bytes ? VIF_DROP_TX_OVERSIZE : VIF_N_DROPS;
    }
    if (gso_frame_bytes(h, claim->gso_bytes) > room_bytes) {
        return VIF_DROP_TX_OVERSIZE;
    }
    o->mss_bytes = claim->gso_bytes;
    return VIF_N_DROPS;
}

enum vif_drop
vif_offload_judge(const uint8_t *frame, uint32_t bytes,
                  const struct vif_claim *claim, uint32_t room_bytes,
                  struct vif_offload *o)
{
    o->csum = claim->csum_blank || claim->gso_type;
    o->mss_bytes = 0;
    if (!o->csum) {
        return VIF_N_DROPS;
    }
    if (!headers_parse(frame, bytes, &o->headers)) {
        return claim->gso_type ? VIF_DROP_TX_GSO : VIF_DROP_TX_CHECKSUM;
    }
    if (claim->gso_type) {
        return judge_gso(bytes, claim, room_bytes, o);
    }
    return o->headers.l4 ? VIF_N_DROPS : VIF_DROP_TX_CHECKSUM;
}

uint64_t
vif_offload_wire_bytes(const struct vif_offload *o, uint32_t bytes)
{
    const struct headers *h = &o->headers;

    if (!o->mss_bytes) {
        return bytes;
    }
    return bytes + (uint64_t) h->payload_offset
                   * (gso_segments(h->end - h->payload_offset, o->mss_bytes)
                      - 1);
}
