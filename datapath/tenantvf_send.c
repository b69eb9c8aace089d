/* Frames towards the tenant's device: those whose checksum is blank, or that
 * are to be segmented, are completed here unless the device does it. */

#include <config.h>

#include "datapath/tenantvf_port.h"

#include <rte_mbuf.h>

#include "datapath/csum.h"
#include "datapath/gso.h"
#include "datapath/pool.h"
#include "dp-packet.h"

#define OFFLOADS_NEEDED (NETDEV_TX_OFFLOAD_TCP_TSO                          \
                         | NETDEV_TX_OFFLOAD_TCP_CKSUM                      \
                         | NETDEV_TX_OFFLOAD_UDP_CKSUM)

struct sending {
    struct tenantvf *vf;
    int qid;
    bool concurrent_txq;
    int error;
    struct dp_packet_batch ready;
};

bool
tenantvf_is_able(const struct tenantvf *vf)
{
    return vf->under
           && (vf->under->ol_flags & OFFLOADS_NEEDED) == OFFLOADS_NEEDED;
}

static void
count(atomic_uint64_t *counter, uint64_t n)
{
    uint64_t orig;

    atomic_add_relaxed(counter, n, &orig);
}

static void
flush(struct sending *s)
{
    struct netdev *under = s->vf->under;

    if (!dp_packet_batch_is_empty(&s->ready)) {
        int error = under->netdev_class->send(under, s->qid, &s->ready,
                                              s->concurrent_txq);

        s->error = s->error ? s->error : error;
        dp_packet_batch_init(&s->ready);
    }
}

/* A batch is of one kind: mbufs or what OVS made with malloc(). */
static void
add(struct sending *s, struct dp_packet *packet)
{
    if (dp_packet_batch_is_full(&s->ready)
        || (!dp_packet_batch_is_empty(&s->ready)
            && s->ready.packets[0]->source != packet->source)) {
        flush(s);
    }
    dp_packet_batch_add(&s->ready, packet);
}

/* Adds 'packet' cut to pieces, and frees it. */
static void
add_pieces(struct sending *s, struct dp_packet *packet,
           const struct headers *h, uint32_t mss_bytes)
{
    uint32_t piece_bytes = gso_frame_bytes(h, mss_bytes);
    struct gso gso;

    gso_begin(&gso, dp_packet_data(packet), h, mss_bytes);
    count(&s->vf->n_segmented, 1);
    while (gso_more(&gso)) {
        struct rte_mbuf *mbuf = vif_pool_alloc(s->vf->pool, s->vf->pool,
                                               piece_bytes);
        struct headers headers;

        if (!mbuf) {
            flush(s);                   /* Which may give some back. */
            mbuf = vif_pool_alloc(s->vf->pool, s->vf->pool, piece_bytes);
        }
        if (!mbuf) {
            count(&s->vf->n_no_buffer,
                  gso_segments(gso.headers.end - gso.next, mss_bytes));
            break;
        }
        mbuf->data_len = mbuf->pkt_len
            = gso_next(&gso, rte_pktmbuf_mtod(mbuf, uint8_t *), false,
                       &headers);
        add(s, CONTAINER_OF(mbuf, struct dp_packet, mbuf));
    }
    dp_packet_delete(packet);
}

static void
complete(struct sending *s, struct dp_packet *packet)
{
    uint8_t *data = dp_packet_data(packet);
    uint32_t mss_bytes = 0;
    struct headers h;

    if (!headers_parse(data, dp_packet_size(packet), &h) || !h.l4) {
        goto malformed;
    }
    if (dp_packet_hwol_is_tso(packet) && h.protocol == HEADERS_TCP) {
        /* Copies that OVS made do not say. */
        mss_bytes = gso_fit(&h, packet->source == DPBUF_DPDK
                                ? packet->mbuf.tso_segsz : 0,
                            s->vf->mtu + h.l3_offset);
        if (!mss_bytes) {
            goto malformed;
        }
    }
    if (h.ip_version == 4) {
        csum_fill_ipv4(data, &h);       /* OVS may have left it, too. */
    }
    if (gso_segments(h.end - h.payload_offset, mss_bytes) > 1) {
        add_pieces(s, packet, &h, mss_bytes);
        return;
    }
    csum_fill(data, &h);
    *dp_packet_ol_flags_ptr(packet)
        &= ~(DP_PACKET_OL_TX_L4_MASK | DP_PACKET_OL_TX_TCP_SEG
             | DP_PACKET_OL_TX_IPV4 | DP_PACKET_OL_TX_IPV6);
    add(s, packet);
    return;

malformed:
    count(&s->vf->n_malformed, 1);
    dp_packet_delete(packet);
}

int
tenantvf_send(struct netdev *netdev, int qid, struct dp_packet_batch *batch,
              bool concurrent_txq)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    struct netdev *under = vf->under;
    struct dp_packet *packet;
    bool plain = true;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        plain &= !dp_packet_hwol_tx_l4_checksum(packet)
                 && !dp_packet_hwol_is_tso(packet);
    }
    if (OVS_LIKELY(plain) || tenantvf_is_able(vf)) {
        return under->netdev_class->send(under, qid, batch, concurrent_txq);
    }

    struct sending s;
    s.vf = vf;
    s.qid = qid;
    s.concurrent_txq = concurrent_txq;
    s.error = 0;
    dp_packet_batch_init(&s.ready);
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (dp_packet_hwol_tx_l4_checksum(packet)
            || dp_packet_hwol_is_tso(packet)) {
            complete(&s, packet);
        } else {
            add(&s, packet);
        }
    }
    dp_packet_batch_init(batch);
    flush(&s);
    return s.error;
}
