/* Frames towards the tenant's device: what may not go at once waits in fair
 * queues (tenantvf_queue.h); those whose checksum is blank, or that are to be
 * segmented, are completed unless the device does it. */

#include <config.h>

#include "datapath/tenantvf_port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "datapath/csum.h"
#include "datapath/gso.h"
#include "datapath/pool.h"
#include "datapath/xenvif_port.h"
#include "dp-packet.h"

#define OFFLOADS_NEEDED (NETDEV_TX_OFFLOAD_TCP_TSO                          \
                         | NETDEV_TX_OFFLOAD_TCP_CKSUM                      \
                         | NETDEV_TX_OFFLOAD_UDP_CKSUM)

/* Free descriptors with which one goes on: a batch, or a frame of 64 KiB in
 * pieces of the smallest MTU that is usual. */
#define ROOM_FRAMES 128

struct sending {
    struct tenantvf *vf;
    int qid;
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
        /* Any thread may send what another's guest had: OVS's class takes
         * its lock. */
        int error = under->netdev_class->send(under, s->qid, &s->ready, true);

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

/* Does the device need help with it? */
static bool
is_plain(const struct dp_packet *packet)
{
    return !dp_packet_hwol_tx_l4_checksum(packet)
           && !dp_packet_hwol_is_tso(packet);
}

/* Adds 'packet' as the device takes it. */
static void
finish(struct sending *s, struct dp_packet *packet)
{
    if (OVS_LIKELY(is_plain(packet)) || tenantvf_is_able(s->vf)) {
        add(s, packet);
    } else {
        complete(s, packet);
    }
}

/* Has the device room for a batch, or for the pieces of a frame?  One that
 * cannot say takes what it is given, or blocks. */
static bool
has_room(const struct tenantvf *vf, int qid)
{
    return vf->port_id < 0
           || rte_eth_tx_descriptor_status(vf->port_id,
                                           qid % vf->up.n_txq, ROOM_FRAMES)
              != RTE_ETH_TX_DESC_FULL;
}

/* What 'packet' is on the wire, in pieces of the MTU. */
static uint32_t
wire_bytes(const struct tenantvf *vf, const struct dp_packet *packet)
{
    uint32_t bytes = dp_packet_size(packet);
    struct headers h;

    if (OVS_UNLIKELY(dp_packet_hwol_is_tso(packet))
        && headers_parse(dp_packet_data(packet), bytes, &h) && h.l4) {
        uint32_t mss_bytes = gso_fit(&h, packet->source == DPBUF_DPDK
                                         ? packet->mbuf.tso_segsz : 0,
                                     vf->mtu + h.l3_offset);
        uint32_t payload_bytes = h.end - h.payload_offset;

        if (mss_bytes && payload_bytes) {
            bytes += (gso_segments(payload_bytes, mss_bytes) - 1)
                     * h.payload_offset;
        }
    }
    return bytes;
}

static void
begin(struct sending *s, struct tenantvf *vf, int qid)
{
    s->vf = vf;
    s->qid = qid;
    s->error = 0;
    dp_packet_batch_init(&s->ready);
}

static uint64_t
drain(struct tenantvf *vf, uint64_t now_ns)
    OVS_REQUIRES(vf->queue.mutex)
{
    unsigned int n = 0;
    uint64_t ready_ns;
    struct sending s;
    int qid = 0;

    begin(&s, vf, 0);
    for (;;) {
        if (!(n++ % NETDEV_MAX_BURST)) {
            flush(&s);
            if (!has_room(vf, qid)) {
                ready_ns = now_ns + XENVIF_RETRY_NS;
                break;
            }
        }
        struct dp_packet *packet = tenantvf_queue_pop(&vf->queue, now_ns,
                                                      &qid, &ready_ns);
        if (!packet) {
            break;
        }
        if (qid != s.qid) {
            flush(&s);
            s.qid = qid;
        }
        finish(&s, packet);
    }
    flush(&s);
    return ready_ns;
}

uint64_t
tenantvf_drain(struct tenantvf *vf, uint64_t now_ns)
{
    uint64_t ready_ns = now_ns + XENVIF_RETRY_NS;
    uint32_t n_waiting;

    atomic_read_relaxed(&vf->queue.n_waiting, &n_waiting);
    if (OVS_LIKELY(!n_waiting)) {
        return UINT64_MAX;
    }
    if (!ovs_mutex_trylock(&vf->queue.mutex)) { /* Or another is at it. */
        ready_ns = drain(vf, now_ns);
        ovs_mutex_unlock(&vf->queue.mutex);
    }
    return ready_ns;
}

/* Nothing waits: sends at once. */
static int
send_now(struct tenantvf *vf, int qid, struct dp_packet_batch *batch)
{
    struct netdev *under = vf->under;
    struct dp_packet *packet;
    bool plain = true;
    struct sending s;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        plain &= is_plain(packet);
    }
    if (OVS_LIKELY(plain) || tenantvf_is_able(vf)) {
        return under->netdev_class->send(under, qid, batch, true);
    }
    begin(&s, vf, qid);
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        finish(&s, packet);
    }
    dp_packet_batch_init(batch);
    flush(&s);
    return s.error;
}

int
tenantvf_send(struct netdev *netdev, int qid, struct dp_packet_batch *batch,
              bool concurrent_txq OVS_UNUSED)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    uint32_t costs_bytes[NETDEV_MAX_BURST];
    struct dp_packet *packet;

    if (OVS_LIKELY(tenantvf_queue_is_free(&vf->queue) && has_room(vf, qid))) {
        return send_now(vf, qid, batch);
    }

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        costs_bytes[i] = wire_bytes(vf, packet);
    }

    uint64_t now_ns = doorbell_now_ns();
    ovs_mutex_lock(&vf->queue.mutex);
    tenantvf_queue_put(&vf->queue, batch->packets, costs_bytes,
                       dp_packet_batch_size(batch), qid, now_ns);
    uint64_t ready_ns = drain(vf, now_ns);
    ovs_mutex_unlock(&vf->queue.mutex);
    dp_packet_batch_init(batch);
    if (ready_ns != UINT64_MAX && vf->drains) {
        doorbell_kick(vf->drains);      /* To come back in time. */
    }
    return 0;
}
