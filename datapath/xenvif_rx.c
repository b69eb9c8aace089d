/* Frames towards the guest: send() puts them in the port's bounded queue, on
 * any thread; the thread that polls the port moves them into the guest's Rx
 * ring, as fast as the receive limit and the guest's buffers allow. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/pool.h"

#define RX_BURSTS_PER_POLL 4

static void
count_send_drops(struct xenvif *vif, enum vif_drop reason, uint64_t n)
{
    uint64_t orig;

    if (n) {
        atomic_add_relaxed(&vif->send_drops[reason], n, &orig);
    }
}

/* Claims room in the queue, by bytes, for the first frames of 'packets[0..n)'.
 * Returns for how many. */
static unsigned int
claim_room(struct xenvif *vif, struct dp_packet *const packets[],
           unsigned int n)
{
    uint32_t wanted_bytes = 0, queued_bytes, limit_bytes, orig;

    for (unsigned int i = 0; i < n; i++) {
        wanted_bytes += dp_packet_size(packets[i]);
    }
    uint32_t claimed_bytes = wanted_bytes;
    atomic_read_relaxed(&vif->rx_queue_limit_bytes, &limit_bytes);
    atomic_add_relaxed(&vif->rx_queue_bytes, wanted_bytes, &queued_bytes);
    while (OVS_UNLIKELY(n && queued_bytes + claimed_bytes > limit_bytes)) {
        claimed_bytes -= dp_packet_size(packets[--n]);
    }
    if (OVS_UNLIKELY(claimed_bytes != wanted_bytes)) {
        atomic_sub_relaxed(&vif->rx_queue_bytes,
                           wanted_bytes - claimed_bytes, &orig);
    }
    return n;
}

/* A copy of 'packet', which OVS made with malloc(), in a buffer of the
 * port's. */
static struct dp_packet *
copy_to_pool(struct xenvif *vif, const struct dp_packet *packet)
{
    uint32_t bytes = dp_packet_size(packet);
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(vif->pool);

    if (!mbuf) {
        return NULL;
    }

    void *data = rte_pktmbuf_append(mbuf, bytes);
    if (!data) {
        rte_pktmbuf_free(mbuf);
        return NULL;
    }
    memcpy(data, dp_packet_data(packet), bytes);

    struct dp_packet *copy = CONTAINER_OF(mbuf, struct dp_packet, mbuf);
    *dp_packet_ol_flags_ptr(copy) = *dp_packet_ol_flags_ptr(packet)
                                    & DP_PACKET_OL_SUPPORTED_MASK;
    return copy;
}

/* Puts 'packets[0..n)' in the queue, as many as there is room for.  Returns
 * how many; the rest stays the caller's. */
static unsigned int
enqueue(struct xenvif *vif, struct dp_packet *const packets[], unsigned int n)
{
    uint32_t unused_bytes = 0, orig;
    unsigned int n_room = claim_room(vif, packets, n);
    unsigned int n_queued = rte_ring_mp_enqueue_burst(
        vif->rx_queue, (void *const *) packets, n_room, NULL);

    for (unsigned int i = n_queued; i < n_room; i++) {
        unused_bytes += dp_packet_size(packets[i]);
    }
    if (OVS_UNLIKELY(unused_bytes)) {
        atomic_sub_relaxed(&vif->rx_queue_bytes, unused_bytes, &orig);
    }
    return n_queued;
}

int
xenvif_send(struct netdev *netdev, int qid OVS_UNUSED,
            struct dp_packet_batch *batch, bool concurrent_txq OVS_UNUSED)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct dp_packet *queueable[NETDEV_MAX_BURST];
    uint64_t n_oversize = 0, n_no_buffer = 0;
    struct dp_packet *packet;
    unsigned int n = 0;

    if (OVS_UNLIKELY(!ovsrcu_get(struct xenvif_link *, &vif->link))) {
        count_send_drops(vif, VIF_DROP_RX_NOT_CONNECTED,
                         dp_packet_batch_size(batch));
        dp_packet_delete_batch(batch, true);
        return 0;
    }

    uint32_t max_bytes = vif->mtu + VLAN_ETH_HEADER_LEN;
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (OVS_UNLIKELY(dp_packet_size(packet) > max_bytes)) {
            n_oversize++;
            dp_packet_delete(packet);
            continue;
        }
        if (OVS_UNLIKELY(packet->source != DPBUF_DPDK)) {
            struct dp_packet *copy = copy_to_pool(vif, packet);

            dp_packet_delete(packet);
            if (OVS_UNLIKELY(!copy)) {
                n_no_buffer++;
                continue;
            }
            packet = copy;
        }
        queueable[n++] = packet;
    }
    dp_packet_batch_init(batch);

    unsigned int n_queued = n ? enqueue(vif, queueable, n) : 0;
    for (unsigned int i = n_queued; i < n; i++) {
        dp_packet_delete(queueable[i]);
    }
    count_send_drops(vif, VIF_DROP_RX_QUEUE_FULL, n - n_queued);
    count_send_drops(vif, VIF_DROP_RX_OVERSIZE, n_oversize);
    count_send_drops(vif, VIF_DROP_RX_NO_BUFFER, n_no_buffer);
    if (n_queued) {
        doorbell_kick(&vif->member);
    }
    return 0;
}

/* Tops up 'staged', the frames at the queue's head. */
static void
stage(struct xenvif *vif)
{
    if (!vif->n_staged) {
        vif->staged_head = 0;
        vif->n_staged = rte_ring_sc_dequeue_burst(
            vif->rx_queue, (void **) vif->staged, VIF_BURST_FRAMES, NULL);
    }
}

/* Takes the first 'n' staged frames off; they are gone or dropped. */
static void
unstage(struct xenvif *vif, unsigned int n)
{
    struct dp_packet **done = &vif->staged[vif->staged_head];
    uint32_t bytes = 0, orig;

    for (unsigned int i = 0; i < n; i++) {
        bytes += dp_packet_size(done[i]);
        dp_packet_delete(done[i]);
    }
    vif->staged_head += n;
    vif->n_staged -= n;
    atomic_sub_relaxed(&vif->rx_queue_bytes, bytes, &orig);
}

/* Fills 'frames' with as many staged frames as the limit lets pass now. */
static unsigned int
admit(struct xenvif *vif, struct vif_frame frames[], uint64_t *deadline_ns)
{
    const struct qos_profile *profile = &vif->rx_profile;
    unsigned int n;

    for (n = 0; n < vif->n_staged; n++) {
        const struct dp_packet *packet = vif->staged[vif->staged_head + n];
        uint32_t bytes = dp_packet_size(packet);
        uint64_t ol_flags = packet->mbuf.ol_flags;

        if (!qos_bucket_take(&vif->rx_bucket, profile, bytes)) {
            *deadline_ns = MIN(*deadline_ns, vif->rx_bucket.refilled_ns
                               + qos_bucket_wait_ns(&vif->rx_bucket,
                                                    profile, bytes));
            break;
        }
        frames[n] = (struct vif_frame) {
            .region = &xen_region_self,
            .offset = (uintptr_t) dp_packet_data(packet),
            .bytes = bytes,
            .flags = ((ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK)
                      == RTE_MBUF_F_RX_L4_CKSUM_GOOD
                      ? VIF_FRAME_DATA_VALIDATED : 0),
        };
    }
    return n;
}

/* Frames for a guest that takes none are not kept: they are buffers of its
 * neighbours'. */
static void
check_stall(struct xenvif *vif, bool moved, uint64_t now_ns)
{
    if (moved) {
        vif->rx_stalled_ns = 0;
    } else if (vif->rx_wants_buffers) {
        if (!vif->rx_stalled_ns) {
            vif->rx_stalled_ns = now_ns;
        } else if (now_ns - vif->rx_stalled_ns >= XENVIF_RX_STALL_NS) {
            xenvif_rx_flush(vif, VIF_DROP_RX_STALLED);
        }
    }
}

bool
xenvif_rx_drain(struct xenvif *vif, struct vif_conn *conn, uint64_t now_ns,
                uint64_t *deadline_ns)
{
    struct vif_frame frames[VIF_BURST_FRAMES];
    bool moved = false;

    vif->rx_wants_buffers = false;
    qos_bucket_refill(&vif->rx_bucket, &vif->rx_profile, now_ns);
    for (int i = 0; i < RX_BURSTS_PER_POLL; i++) {
        stage(vif);
        if (!vif->n_staged) {
            break;
        }

        unsigned int n = admit(vif, frames, deadline_ns);
        if (!n) {
            break;
        }

        int used = vif_conn_rx_burst(conn, frames, n, &vif->stats);
        if (OVS_UNLIKELY(used < 0)) {
            xenvif_cut_off(vif, conn);
        }

        unsigned int n_used = MAX(used, 0);
        for (unsigned int j = n_used; j < n; j++) {
            qos_bucket_give(&vif->rx_bucket, &vif->rx_profile,
                            frames[j].bytes);
        }
        unstage(vif, n_used);
        moved |= n_used > 0;
        if (n_used < n) {
            vif->rx_wants_buffers = true;
            break;
        }
    }
    check_stall(vif, moved, now_ns);
    return moved;
}

void
xenvif_rx_flush(struct xenvif *vif, enum vif_drop reason)
{
    while (vif->rx_queue) {
        stage(vif);
        if (!vif->n_staged) {
            break;
        }
        vif->stats.drops[reason] += vif->n_staged;
        unstage(vif, vif->n_staged);
    }
}
