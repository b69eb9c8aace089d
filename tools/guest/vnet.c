#include "tools/guest/vnet.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/checksum.h"
#include "tools/guest/packet.h"

int
vnet_to_offload(const struct virtio_net_hdr *hdr, const uint8_t *head,
                size_t bytes, const struct offload_set *takes,
                struct frame_offload *offload, bool *fill)
{
    struct packet p;

    *offload = (struct frame_offload) { .gso_bytes = 0 };
    *fill = false;
    if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
        offload->data_validated = hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID;
        return hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : -EINVAL;
    }

    packet_parse(head, bytes, &p);
    bool plain = p.l4 && hdr->csum_start == p.l4
                 && hdr->csum_start + hdr->csum_offset
                    == packet_checksum_at(&p);
    offload->csum_blank = plain && (p.ip == 4 ? takes->csum4 : takes->csum6);
    offload->data_validated = true;

    switch (hdr->gso_type) {
    case VIRTIO_NET_HDR_GSO_NONE:
        *fill = !offload->csum_blank;
        return 0;

    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        if (!plain || p.protocol != PACKET_TCP || !hdr->gso_size
            || p.ip != (hdr->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 ? 4 : 6)) {
            return -EINVAL;
        }
        offload->gso_bytes = hdr->gso_size;
        offload->gso_type = p.ip == 4 ? XEN_NETIF_GSO_TYPE_TCPV4
                                      : XEN_NETIF_GSO_TYPE_TCPV6;
        return offload->csum_blank && (p.ip == 4 ? takes->gso4 : takes->gso6)
               ? 0 : -EOPNOTSUPP;

    default:
        return -EINVAL;
    }
}

void
vnet_fill_checksum(const struct virtio_net_hdr *hdr, const struct iovec *iov,
                   uint32_t n, size_t bytes)
{
    size_t at = hdr->csum_start + hdr->csum_offset;
    uint16_t checksum;
    uint64_t sum = 0;

    if (at + sizeof checksum > bytes
        || hdr->csum_start + hdr->csum_offset > iov[0].iov_len) {
        return;
    }

    size_t skip = hdr->csum_start;
    size_t left = bytes - skip;
    for (uint32_t i = 0; i < n && left; i++) {
        size_t part = iov[i].iov_len - skip;

        part = part < left ? part : left;
        sum = checksum_add(sum, (const uint8_t *) iov[i].iov_base + skip,
                           part);
        left -= part;
        skip = 0;
    }
    checksum = ~checksum_fold(sum);
    if (!checksum) {
        checksum = 0xffff;              /* To UDP, zero means "none". */
    }
    packet_scatter(iov, n, at, &checksum, sizeof checksum);
}

int
vnet_from_offload(const struct frame_offload *offload,
                  const struct iovec *iov, uint32_t n,
                  struct virtio_net_hdr *hdr)
{
    uint8_t head[PACKET_HEAD_BYTES];
    struct packet p;

    memset(hdr, 0, sizeof *hdr);
    if (!offload->csum_blank && !offload->gso_bytes) {
        hdr->flags = offload->data_validated ? VIRTIO_NET_HDR_F_DATA_VALID
                                             : 0;
        return 0;
    }

    packet_parse(head, packet_gather(iov, n, 0, head, sizeof head), &p);
    if (!p.l4 || p.end <= p.l4) {
        return -EINVAL;
    }
    hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    hdr->csum_start = p.l4;
    hdr->csum_offset = packet_checksum_at(&p) - p.l4;
    if (offload->gso_bytes) {
        if (p.protocol != PACKET_TCP || !p.payload
            || p.ip != (offload->gso_type == XEN_NETIF_GSO_TYPE_TCPV4
                        ? 4 : 6)) {
            return -EINVAL;
        }
        hdr->gso_type = p.ip == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
                                  : VIRTIO_NET_HDR_GSO_TCPV6;
        hdr->gso_size = offload->gso_bytes;
        hdr->hdr_len = p.payload;
    }

    uint16_t sum = checksum_fold(checksum_pseudo(head, &p, p.end - p.l4));
    packet_scatter(iov, n, packet_checksum_at(&p), &sum, sizeof sum);
    return 0;
}
