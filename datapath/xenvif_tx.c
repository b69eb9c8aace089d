/* Frames from the guest: the class's rxq_recv(), where the transmit gate, the
 * fence and the receive side's drain run, on the polling thread. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "datapath/csum.h"
#include "datapath/pool.h"

static uint32_t
rx_queue_limit_bytes(uint64_t rate_bps)
{
    uint64_t bytes = rate_bps / 8 / 1000 * XENVIF_RX_QUEUE_MS;

    return (!rate_bps || bytes > XENVIF_RX_QUEUE_MAX_BYTES
            ? XENVIF_RX_QUEUE_MAX_BYTES
            : MAX(bytes, XENVIF_RX_QUEUE_MIN_BYTES));
}

/* Takes over a policy that the main thread has set. */
static const struct xenvif_policy *
apply_policy(struct xenvif *vif, uint64_t now_ns)
{
    const struct xenvif_policy_rcu *p
        = ovsrcu_get(struct xenvif_policy_rcu *, &vif->policy);

    if (OVS_UNLIKELY(p->serial != vif->policy_serial)) {
        qos_bucket_change(&vif->tx_bucket, &vif->tx_profile, &p->policy.tx,
                          now_ns);
        qos_bucket_change(&vif->rx_bucket, &vif->rx_profile, &p->policy.rx,
                          now_ns);
        vif->tx_profile = p->policy.tx;
        vif->rx_profile = p->policy.rx;
        vif->policy_serial = p->serial;
        atomic_store_relaxed(&vif->rx_queue_limit_bytes,
                             rx_queue_limit_bytes(p->policy.rx.rate_bps));
    }
    return &p->policy;
}

/* Puts one received frame into 'batch' unless the fence or a checksum that
 * cannot be filled in drops it. */
static void
deliver(struct xenvif *vif, const struct xenvif_policy *policy,
        struct rte_mbuf *mbuf, const struct vif_frame *frame,
        struct dp_packet_batch *batch)
{
    struct dp_packet *packet = CONTAINER_OF(mbuf, struct dp_packet, mbuf);
    uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);

    enum vif_drop drop = fence_judge(&policy->fence, data, frame->bytes);
    if (OVS_LIKELY(drop == VIF_N_DROPS)
        && frame->flags & VIF_FRAME_CSUM_BLANK
        && !csum_fill(data, frame->bytes)) {
        drop = VIF_DROP_TX_CHECKSUM;
    }
    if (OVS_UNLIKELY(drop != VIF_N_DROPS)) {
        vif->stats.drops[drop]++;
        rte_pktmbuf_free(mbuf);
        return;
    }

    if (frame->flags & (VIF_FRAME_CSUM_BLANK | VIF_FRAME_DATA_VALIDATED)) {
        mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    }
    dp_packet_set_size(packet, frame->bytes);
    batch->packets[batch->count++] = packet;
}

static void
receive(struct xenvif *vif, const struct xenvif_policy *policy,
        struct vif_conn *conn, struct dp_packet_batch *batch,
        uint64_t now_ns, uint64_t *deadline_ns)
{
    struct vif_frame frames[VIF_BURST_FRAMES];
    struct rte_mbuf *mbufs[VIF_BURST_FRAMES];

    vif->out_of_buffers = false;
    if (!vif_conn_tx_pending(conn)) {
        return;
    }
    if (OVS_UNLIKELY(rte_pktmbuf_alloc_bulk(vif->pool, mbufs,
                                            VIF_BURST_FRAMES))) {
        /* The frames stay in the ring, which is the guest's own memory. */
        vif->stats.tx_throttled++;
        *deadline_ns = MIN(*deadline_ns, now_ns + 100000);
        vif->out_of_buffers = true;
        return;
    }

    uint32_t room_bytes = vif->mtu + VLAN_ETH_HEADER_LEN;
    for (int i = 0; i < VIF_BURST_FRAMES; i++) {
        frames[i].region = &xen_region_self;
        frames[i].offset = (uintptr_t) rte_pktmbuf_mtod(mbufs[i], void *);
        frames[i].room_bytes = room_bytes;
    }

    qos_bucket_refill(&vif->tx_bucket, &vif->tx_profile, now_ns);
    struct vif_gate gate = { &vif->tx_bucket, &vif->tx_profile, 0 };
    int n = vif_conn_tx_burst(conn, frames, VIF_BURST_FRAMES, &gate,
                              &vif->stats);
    if (OVS_UNLIKELY(n < 0)) {
        xenvif_cut_off(vif, conn);
        n = 0;
    }

    for (int i = 0; i < n; i++) {
        deliver(vif, policy, mbufs[i], &frames[i], batch);
    }
    if (n < VIF_BURST_FRAMES) {
        rte_mempool_put_bulk(vif->pool, (void **) &mbufs[n],
                             VIF_BURST_FRAMES - n);
    }
    if (gate.blocked_bytes) {
        vif->stats.tx_throttled++;
        *deadline_ns = MIN(*deadline_ns, vif->tx_bucket.refilled_ns
                           + qos_bucket_wait_ns(&vif->tx_bucket,
                                                &vif->tx_profile,
                                                gate.blocked_bytes));
    }
}

/* Keeps the doorbell's descriptors those of 'link'. */
static void
watch_link(struct xenvif *vif, const struct xenvif_link *link)
{
    if (OVS_LIKELY(vif->watched == (link ? link->serial : 0))) {
        return;
    }

    int fds[DOORBELL_FDS_MAX];
    unsigned int n = link ? vif_conn_fds(link->conn, fds) : 0;

    doorbell_set_fds(&vif->member, fds, n);
    vif->watched = link ? link->serial : 0;
    vif->rx_stalled_ns = 0;
}

/* Null: nothing is attached, or its guest was cut off. */
static const struct xenvif_link *
get_link(struct xenvif *vif)
{
    const struct xenvif_link *link = ovsrcu_get(struct xenvif_link *,
                                                &vif->link);
    const char *malice;

    atomic_read_relaxed(&vif->malice, &malice);
    return malice ? NULL : link;
}

int
xenvif_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                int *qfill)
{
    struct xenvif *vif = xenvif_cast(rxq->netdev);
    uint64_t deadline_ns = UINT64_MAX;
    uint32_t flags;

    batch->count = 0;
    uint64_t now_ns = doorbell_poll(&vif->member, doorbell_now_ns());
    const struct xenvif_policy *policy = apply_policy(vif, now_ns);

    /* After the sleep, if there was one: the link may be new. */
    const struct xenvif_link *link = get_link(vif);
    watch_link(vif, link);

    bool busy = false;
    atomic_read_relaxed(&vif->flags, &flags);
    if (OVS_LIKELY(link)) {
        busy = xenvif_rx_drain(vif, link->conn, now_ns, &deadline_ns);
        if (OVS_LIKELY(flags & NETDEV_UP)) {
            receive(vif, policy, link->conn, batch, now_ns, &deadline_ns);
        }
    } else {
        xenvif_rx_flush(vif, VIF_DROP_RX_DISCONNECT);
    }

    busy |= batch->count > 0;
    doorbell_report(&vif->member, busy, deadline_ns, now_ns);
    if (qfill) {
        *qfill = -ENOTSUP;
    }
    if (!batch->count) {
        return EAGAIN;
    }
    dp_packet_batch_init_packet_fields(batch);
    return 0;
}

static bool
xenvif_arm(struct doorbell_member *member)
{
    struct xenvif *vif = CONTAINER_OF(member, struct xenvif, member);
    const struct xenvif_link *link = get_link(vif);
    uint32_t flags;

    if ((link ? link->serial : 0) != vif->watched) {
        return true;
    }
    atomic_read_relaxed(&vif->flags, &flags);
    if (!link || !(flags & NETDEV_UP) || vif->out_of_buffers) {
        /* What waits in the ring has to wait: a deadline wakes us. */
        return false;
    }
    return vif_conn_arm(link->conn, vif->rx_wants_buffers);
}

static void
xenvif_woke(struct doorbell_member *member)
{
    struct xenvif *vif = CONTAINER_OF(member, struct xenvif, member);
    const struct xenvif_link *link = get_link(vif);

    if (link && link->serial == vif->watched) {
        vif_conn_ack(link->conn);
    }
}

const struct doorbell_ops xenvif_doorbell_ops = { xenvif_arm, xenvif_woke };
