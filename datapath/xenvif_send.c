/* Frames towards the guest, as far as its bounded queues: the class's send(),
 * on any thread. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/isolation.h"
#include "datapath/pool.h"

static void
count_send_drops(struct xenvif *vif, enum vif_drop reason, uint64_t n)
{
    uint64_t orig;

    if (n) {
        atomic_add_relaxed(&vif->send_drops[reason], n, &orig);
    }
}

/* Who sends what this thread sends now: a number for each vif, as far as they
 * go, and 0 for all others. */
static unsigned int
find_sender(void)
{
    struct doorbell_member *m = doorbell_polled();
    struct xenvif_queue *q = m ? xenvif_queue_of_member(m) : NULL;

    return q ? 1 + q->vif->serial % (XENVIF_RX_SENDERS - 1) : 0;
}

/* Where 'queued' of 'limit' wait, the room for one who has 'own' of them: no
 * more than XENVIF_RX_SHARE times what is free, so that the others find some,
 * too. */
static uint32_t
share_room(uint32_t limit, uint32_t queued, uint32_t own)
{
    uint32_t room = limit > queued ? limit - queued : 0;
    uint64_t share = (uint64_t) (own + room) * XENVIF_RX_SHARE
                     / (XENVIF_RX_SHARE + 1);

    if (OVS_UNLIKELY(!isolation_is_on())) {
        return room;
    }
    return own < share ? MIN(room, share - own) : 0;
}

/* Claims room in the queue, one of 'n_queues', by bytes, for the first frames
 * of 'packets[0..n)', which 'sender' sent.  Returns for how many. */
static unsigned int
claim_bytes(struct xenvif_queue *q, unsigned int n_queues,
            unsigned int sender, struct dp_packet *const packets[],
            unsigned int n)
{
    uint32_t wanted_bytes = 0, queued_bytes, own_bytes, limit_bytes, orig;

    if (OVS_UNLIKELY(!n)) {
        return 0;
    }
    for (unsigned int i = 0; i < n; i++) {
        wanted_bytes += dp_packet_size(packets[i]);
    }
    uint32_t claimed_bytes = wanted_bytes;
    atomic_read_relaxed(&q->vif->rx_queue_limit_bytes, &limit_bytes);
    limit_bytes = MAX(limit_bytes / n_queues, XENVIF_RX_QUEUE_MIN_BYTES);
    atomic_add_relaxed(&q->rx_queue_bytes, wanted_bytes, &queued_bytes);
    atomic_add_relaxed(&q->rx_of[sender].bytes, wanted_bytes, &own_bytes);
    uint32_t room_bytes = share_room(limit_bytes, queued_bytes, own_bytes);
    if (OVS_UNLIKELY(!own_bytes && queued_bytes < limit_bytes)) {
        /* One frame of each sender's, however large. */
        room_bytes = MAX(room_bytes, MIN(dp_packet_size(packets[0]),
                                         limit_bytes - queued_bytes));
    }
    while (OVS_UNLIKELY(n && claimed_bytes > room_bytes)) {
        claimed_bytes -= dp_packet_size(packets[--n]);
    }
    if (OVS_UNLIKELY(claimed_bytes != wanted_bytes)) {
        uint32_t unused_bytes = wanted_bytes - claimed_bytes;

        atomic_sub_relaxed(&q->rx_queue_bytes, unused_bytes, &orig);
        atomic_sub_relaxed(&q->rx_of[sender].bytes, unused_bytes, &orig);
    }
    return n;
}

/* The same in all of the vif's queues, by frames, for up to 'n'. */
static unsigned int
claim_packets(struct xenvif_queue *q, unsigned int sender, unsigned int n)
{
    uint32_t queued, own, orig;

    atomic_add_relaxed(&q->vif->rx_queued_packets, n, &queued);
    atomic_add_relaxed(&q->rx_of[sender].packets, n, &own);
    unsigned int room = share_room(XENVIF_RX_QUEUE_PACKETS, queued, own);
    if (OVS_UNLIKELY(n > room)) {
        atomic_sub_relaxed(&q->vif->rx_queued_packets, n - room, &orig);
        atomic_sub_relaxed(&q->rx_of[sender].packets, n - room, &orig);
        n = room;
    }
    return n;
}

/* Puts 'packets[0..n)' in the queue, as many as there is room for.  Returns
 * how many; the rest stays the caller's. */
static unsigned int
enqueue(struct xenvif_queue *q, unsigned int n_queues,
        struct dp_packet *const packets[], unsigned int n)
{
    uint32_t unused_bytes = 0, orig;
    unsigned int sender = find_sender();
    unsigned int n_claimed = claim_packets(q, sender, n);
    unsigned int n_room = claim_bytes(q, n_queues, sender, packets,
                                      n_claimed);
    uint64_t now_ns = doorbell_now_ns();

    for (unsigned int i = 0; i < n_room; i++) {
        XENVIF_RX_CAME_NS(packets[i]) = now_ns;
        XENVIF_RX_SENDER(packets[i]) = sender;
    }
    unsigned int n_queued = rte_ring_mp_enqueue_burst(
        q->rx_queue, (void *const *) packets, n_room, NULL);

    for (unsigned int i = n_queued; i < n_room; i++) {
        unused_bytes += dp_packet_size(packets[i]);
    }
    if (OVS_UNLIKELY(unused_bytes)) {
        atomic_sub_relaxed(&q->rx_queue_bytes, unused_bytes, &orig);
        atomic_sub_relaxed(&q->rx_of[sender].bytes, unused_bytes, &orig);
    }
    if (OVS_UNLIKELY(n_queued < n_claimed)) {
        atomic_sub_relaxed(&q->vif->rx_queued_packets, n_claimed - n_queued,
                           &orig);
        atomic_sub_relaxed(&q->rx_of[sender].packets, n_claimed - n_queued,
                           &orig);
    }
    return n_queued;
}

/* What the queue's thread will need to give the guest 'packets[0..n)'. */
static uint64_t
moving_cost_ns(struct xenvif_queue *q, struct dp_packet *const packets[],
               unsigned int n)
{
    uint32_t cost_ps;
    uint64_t weight = 0;

    for (unsigned int i = 0; i < n; i++) {
        weight += XENVIF_RX_WEIGHT(dp_packet_size(packets[i]));
    }
    atomic_read_relaxed(&q->rx_cost_ps, &cost_ps);
    return weight * cost_ps / 1000;
}

/* Queues 'packets[0..n)', which this takes over, on 'q', one of 'n_queues'. */
static void
send_to_queue(struct xenvif_queue *q, unsigned int n_queues,
              struct dp_packet *const packets[], unsigned int n)
{
    enum vif_drop reason = VIF_DROP_RX_QUEUE_FULL;
    unsigned int n_queued = 0;
    uint64_t cost_ns = 0;
    bool gone;

    atomic_read_relaxed(&q->gone, &gone);
    if (OVS_UNLIKELY(gone)) {
        reason = VIF_DROP_RX_STALLED;
    } else {
        cost_ns = moving_cost_ns(q, packets, n);
        n_queued = enqueue(q, n_queues, packets, n);
    }
    for (unsigned int i = n_queued; i < n; i++) {
        dp_packet_delete(packets[i]);
    }
    turn_owe(cost_ns * n_queued / n);
    count_send_drops(q->vif, reason, n - n_queued);
    if (n_queued) {
        doorbell_kick(&q->member);
    }
}

/* A copy of 'packet', which OVS made with malloc(), in a buffer of the
 * port's. */
static struct dp_packet *
copy_to_pool(struct xenvif *vif, const struct dp_packet *packet)
{
    uint32_t bytes = dp_packet_size(packet);
    struct rte_mbuf *mbuf = vif_pool_alloc(vif->pool, vif->big_pool, bytes);

    if (!mbuf) {
        return NULL;
    }
    memcpy(rte_pktmbuf_mtod(mbuf, void *), dp_packet_data(packet), bytes);

    struct dp_packet *copy = CONTAINER_OF(mbuf, struct dp_packet, mbuf);
    *dp_packet_ol_flags_ptr(copy) = *dp_packet_ol_flags_ptr(packet)
                                    & DP_PACKET_OL_SUPPORTED_MASK;
    return copy;
}

/* Is 'packet' for this guest at all?  Otherwise counts why not. */
static bool
is_welcome(struct xenvif *vif, const struct xenvif_link *link,
           const struct dp_packet *packet)
{
    if (OVS_UNLIKELY(dp_packet_size(packet) > XENVIF_FRAME_BYTES(vif->mtu)
                     && !dp_packet_hwol_is_tso(packet))) {
        count_send_drops(vif, VIF_DROP_RX_OVERSIZE, 1);
        return false;
    }
    if (OVS_UNLIKELY(!vif_mcast_match(&link->journal->mcast,
                                      dp_packet_data(packet)))) {
        count_send_drops(vif, VIF_DROP_RX_MULTICAST, 1);
        return false;
    }
    return true;
}

/* Which queue 'packet' goes to.  Its hash, if the guest has asked for it, is
 * kept where the polling thread looks for it. */
static unsigned int
choose_queue(const struct xenvif_link *link, const struct vif_hash *hash,
             struct dp_packet *packet)
{
    struct vif_hash_value v
        = vif_hash_frame(hash, dp_packet_data(packet), dp_packet_size(packet),
                         link->n_queues);

    packet->md.dp_hash = v.value;
    packet->md.recirc_id = v.type;
    return v.queue;
}

/* Spreads 'packets[0..n)' over the queues. */
static void
spread(struct xenvif *vif, const struct xenvif_link *link,
       struct dp_packet *packets[], unsigned int n)
{
    const struct vif_hash *hash = ovsrcu_get(struct vif_hash *, &link->hash);
    struct dp_packet *chosen[VIF_QUEUES_MAX][NETDEV_MAX_BURST];
    unsigned int n_chosen[VIF_QUEUES_MAX] = { 0 };

    for (unsigned int i = 0; i < n; i++) {
        unsigned int id = choose_queue(link, hash, packets[i]);

        chosen[id][n_chosen[id]++] = packets[i];
    }
    for (unsigned int id = 0; id < link->n_queues; id++) {
        if (n_chosen[id]) {
            send_to_queue(vif->queues[id], link->n_queues, chosen[id],
                          n_chosen[id]);
        }
    }
}

int
xenvif_send(struct netdev *netdev, int qid OVS_UNUSED,
            struct dp_packet_batch *batch, bool concurrent_txq OVS_UNUSED)
{
    struct xenvif *vif = xenvif_cast(netdev);
    const struct xenvif_link *link = ovsrcu_get(struct xenvif_link *,
                                                &vif->link);
    struct dp_packet *packets[NETDEV_MAX_BURST];
    struct dp_packet *packet;
    unsigned int n = 0;

    if (OVS_UNLIKELY(!link)) {
        count_send_drops(vif, VIF_DROP_RX_NOT_CONNECTED,
                         dp_packet_batch_size(batch));
        dp_packet_delete_batch(batch, true);
        return 0;
    }

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (OVS_UNLIKELY(!is_welcome(vif, link, packet))) {
            dp_packet_delete(packet);
            continue;
        }
        if (OVS_UNLIKELY(packet->source != DPBUF_DPDK)) {
            struct dp_packet *copy = copy_to_pool(vif, packet);

            dp_packet_delete(packet);
            if (OVS_UNLIKELY(!copy)) {
                count_send_drops(vif, VIF_DROP_RX_NO_BUFFER, 1);
                continue;
            }
            packet = copy;
        }
        packets[n++] = packet;
    }
    dp_packet_batch_init(batch);

    if (OVS_LIKELY(n)) {
        spread(vif, link, packets, n);
    }
    return 0;
}
