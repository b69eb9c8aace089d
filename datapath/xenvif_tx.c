/* Frames from the guest: the class's rxq_recv(), where the transmit gate, the
 * entry into the switch and the receive side's drain run, on the polling
 * thread. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "datapath/backlog.h"
#include "datapath/isolation.h"
#include "datapath/pool.h"

/* Brings the stack up to 'n' buffers of 'pool', or as many as there are; what
 * a burst does not use stays for the next. */
static void
top_up(struct vif_buffers *buffers, struct rte_mempool *pool, unsigned int n)
{
    struct rte_mbuf *mbufs[VIF_BURST_FRAMES];
    unsigned int missing = n - buffers->n;

    if (!missing) {
        return;
    }
    if (OVS_UNLIKELY(rte_pktmbuf_alloc_bulk(pool, mbufs, missing))) {
        unsigned int n_there = 0;

        while (n_there < missing
               && (mbufs[n_there] = rte_pktmbuf_alloc(pool))) {
            n_there++;
        }
        if (!n_there) {
            return;
        }
        missing = n_there;
    }
    buffers->region = &xen_region_self;
    buffers->room_bytes = mbufs[0]->buf_len;
    buffers->headroom_bytes = RTE_PKTMBUF_HEADROOM;
    for (unsigned int i = 0; i < missing; i++) {
        buffers->stack[buffers->n++] = (struct vif_buffer) {
            (uintptr_t) mbufs[i]->buf_addr, mbufs[i],
        };
    }
}

/* One burst out of the ring, into the queue's entries. */
static void
burst(struct xenvif_queue *q, const struct xenvif_policy *policy,
      struct vif_conn *conn, unsigned int max, struct vif_gate *gate)
{
    struct vif_frame frames[VIF_BURST_FRAMES];
    int64_t owed_bytes = 0;

    q->supply.frame_bytes = XENVIF_FRAME_BYTES(q->vif->mtu);
    top_up(&q->supply.small, q->vif->pool, VIF_BURST_FRAMES);
    if (OVS_UNLIKELY(!q->supply.big.n)) {
        top_up(&q->supply.big, q->vif->big_pool, XENVIF_BIG_BURST);
    }

    int n = vif_conn_tx_burst(conn, &q->supply, frames, max, gate,
                              &q->stats);
    if (OVS_UNLIKELY(n < 0)) {
        xenvif_cut_off(q->vif, vif_conn_malice(conn));
    }
    for (int i = 0; i < n; i++) {
        xenvif_entry_add(q, policy, &frames[i], &owed_bytes);
    }
    if (gate->leaf && owed_bytes) {
        qos_leaf_correct(gate->leaf, owed_bytes, 0, gate->now_ns);
    }

    /* Of big ones a burst takes what there is; none means that all are on
     * their way. */
    q->out_of_buffers = q->supply.starved
                        && !(q->supply.small.n && n > 0);
}

static void
receive(struct xenvif_queue *q, const struct xenvif_policy *policy,
        struct vif_conn *conn, unsigned int max, uint64_t now_ns,
        uint64_t *deadline_ns)
{
    struct qos_leaf *leaf = &q->tx_leaf;
    struct vif_gate gate = {
        .leaf = qos_leaf_limited(leaf) ? leaf : NULL, .now_ns = now_ns,
    };

    if (!vif_conn_tx_pending(conn)) {
        xenvif_entry_spare(q);
    } else {
        burst(q, policy, conn, max, &gate);
        q->tx_more = !gate.blocked_bytes && !q->out_of_buffers
                     && vif_conn_tx_pending(conn);
    }
    uint64_t ready_ns = xenvif_leaf_held(leaf, gate.blocked_bytes,
                                         &q->tx_held_ns,
                                         &q->stats.tx_throttled_ns, now_ns);
    *deadline_ns = MIN(*deadline_ns, ready_ns);

    /* What waits is in the ring, which is the guest's own memory. */
    if (gate.blocked_bytes || q->out_of_buffers) {
        vif_count(&q->stats.tx_throttled, 1);
    }
}

uint64_t
xenvif_leaf_held(struct qos_leaf *leaf, uint64_t bytes, uint64_t *held_ns,
                 uint64_t *counter, uint64_t now_ns)
{
    if (OVS_LIKELY(!bytes && !*held_ns)) {
        qos_leaf_idle(leaf);
        return UINT64_MAX;
    }
    if (*held_ns) {
        vif_count(counter, now_ns - *held_ns);
    }
    *held_ns = bytes ? now_ns : 0;
    if (!bytes) {
        qos_leaf_idle(leaf);
        return UINT64_MAX;
    }
    return qos_leaf_wait(leaf, bytes, now_ns);
}

/* Keeps the doorbell's descriptors those of 'link'. */
static void
watch_link(struct xenvif_queue *q, const struct xenvif_link *link)
{
    uint64_t serial = link && q->id < link->n_queues ? link->serial : 0;

    if (OVS_LIKELY(q->watched == serial)) {
        return;
    }

    int fds[DOORBELL_FDS_MAX];
    unsigned int n = serial ? vif_conn_fds(link->queues[q->id], fds) : 0;

    doorbell_set_fds(&q->member, fds, n);
    q->watched = serial;
    if (q->stall.gone) {
        atomic_store_relaxed(&q->gone, false);
        netdev_change_seq_changed(&q->vif->up);
    }
    vif_stall_over(&q->stall);
}

/* Null: this queue has no rings, or its guest was cut off. */
static const struct xenvif_link *
get_link(const struct xenvif_queue *q)
{
    const struct xenvif_link *link = ovsrcu_get(struct xenvif_link *,
                                                &q->vif->link);
    uint32_t malice;

    atomic_read_relaxed(&q->vif->malice, &malice);
    return malice || !link || q->id >= link->n_queues ? NULL : link;
}

/* How many frames the queue may bring in this turn; 0: others are first. */
static unsigned int
take_turn(struct xenvif_queue *q, const struct xenvif_link *link,
          uint64_t polled_ns, uint64_t now_ns)
{
    q->tx_more = false;
    q->turn.n_queues = link ? link->n_queues : 1;
    atomic_read_relaxed(&q->vif->turn_ns, &q->turn.quantum_ns);

    unsigned int max = turn_begin(&q->turn, polled_ns, now_ns,
                                  VIF_BURST_FRAMES);
    vif_count(&q->stats.cpu_ns, turn_told(&q->turn));
    if (OVS_UNLIKELY(!max)) {
        vif_count(&q->stats.cpu_waits, 1);
    }
    return max;
}

/* May the switch have more of the vif's frames?  Otherwise says when to come
 * back. */
static bool
may_enter(struct xenvif_queue *q, uint64_t now_ns, uint64_t *ready_ns)
{
    *ready_ns = qos_limit_ready_ns(&q->vif->upcalls, 1, 0, now_ns);
    if (OVS_UNLIKELY(*ready_ns > now_ns && isolation_is_on())) {
        vif_count(&q->stats.upcall_waits, 1);
        return false;
    }
    *ready_ns = qos_limit_ready_ns(&q->vif->conns, 1, 0, now_ns);
    if (OVS_UNLIKELY(*ready_ns > now_ns && isolation_is_on())) {
        vif_count(&q->stats.conn_waits, 1);
        return false;
    }
    if (OVS_UNLIKELY(vif_backlog_is_enough(q->vif->backlog)
                     && isolation_is_on())) {
        vif_count(&q->stats.uplink_waits, 1);
        *ready_ns = now_ns + XENVIF_RETRY_NS;
        return false;
    }
    return true;
}

/* Everything that a queue does when it is polled.  True if it found work. */
static bool
poll_queue(struct xenvif_queue *q, struct dp_packet_batch *batch,
           uint64_t polled_ns, uint64_t now_ns, uint64_t *deadline_ns)
{
    const struct xenvif_policy *policy
        = ovsrcu_get(struct xenvif_policy *, &q->vif->policy);
    const struct xenvif_link *link = get_link(q);
    unsigned int max = take_turn(q, link, polled_ns, now_ns);
    uint32_t flags;

    watch_link(q, link);
    q->out_of_buffers = false;
    if (OVS_UNLIKELY(!link)) {
        xenvif_rx_flush(q, VIF_DROP_RX_DISCONNECT, 0);
        xenvif_entry_spare(q);
        xenvif_leaf_held(&q->rx_leaf, 0, &q->rx_held_ns,
                         &q->stats.rx_throttled_ns, now_ns);
    }

    bool busy = link && xenvif_rx_drain(q, link, now_ns, deadline_ns);
    atomic_read_relaxed(&q->vif->flags, &flags);
    bool pending = q->n_entries
                   || (link && vif_conn_tx_pending(link->queues[q->id]));
    if (OVS_UNLIKELY(!max)) {
        return busy || pending;         /* Others are first. */
    }
    uint64_t ready_ns = now_ns;
    q->tx_waits = pending && !may_enter(q, now_ns, &ready_ns);
    if (q->tx_waits) {
        *deadline_ns = MIN(*deadline_ns, ready_ns);
        return busy;
    }
    if (OVS_LIKELY(link && flags & NETDEV_UP) && !q->n_entries) {
        receive(q, policy, link->queues[q->id], max, now_ns, deadline_ns);
    } else {
        xenvif_leaf_held(&q->tx_leaf, 0, &q->tx_held_ns,
                         &q->stats.tx_throttled_ns, now_ns);
    }
    if (q->n_entries && !xenvif_entry_emit(q, batch)) {
        q->out_of_buffers = true;
    }
    if (q->out_of_buffers) {
        *deadline_ns = MIN(*deadline_ns, now_ns + XENVIF_RETRY_NS);
    }
    if (pending) {
        turn_brought(MAX(batch->count, 1), q->tx_more || q->n_entries);
    }
    return busy || batch->count > 0;
}

int
xenvif_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                int *qfill)
{
    struct xenvif *vif = xenvif_cast(rxq->netdev);
    struct xenvif_queue *q = vif->queues[rxq->queue_id];
    uint64_t deadline_ns = UINT64_MAX;

    batch->count = 0;
    uint64_t polled_ns = doorbell_now_ns();
    turn_end(polled_ns);
    uint64_t now_ns = doorbell_poll(&q->member, polled_ns);
    bool busy = poll_queue(q, batch, polled_ns, now_ns, &deadline_ns);

    doorbell_report(&q->member, busy, deadline_ns, now_ns);
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
    struct xenvif_queue *q = CONTAINER_OF(member, struct xenvif_queue,
                                          member);
    const struct xenvif_link *link = get_link(q);
    uint32_t flags;

    if ((link ? link->serial : 0) != q->watched) {
        return true;
    }
    if (q->n_entries) {
        return !q->out_of_buffers && !q->tx_waits;
    }
    atomic_read_relaxed(&q->vif->flags, &flags);
    if (!link || !(flags & NETDEV_UP) || q->out_of_buffers || q->tx_waits) {
        /* What waits in the ring has to wait: a deadline wakes us. */
        return false;
    }
    return vif_conn_arm(link->queues[q->id], q->rx_wants_buffers);
}

static void
xenvif_woke(struct doorbell_member *member)
{
    struct xenvif_queue *q = CONTAINER_OF(member, struct xenvif_queue,
                                          member);
    const struct xenvif_link *link = get_link(q);

    if (link && link->serial == q->watched) {
        vif_conn_ack(link->queues[q->id]);
    }
}

const struct doorbell_ops xenvif_doorbell_ops = { xenvif_arm, xenvif_woke };

struct xenvif_queue *
xenvif_queue_of_member(struct doorbell_member *member)
{
    return member->ops == &xenvif_doorbell_ops
           ? CONTAINER_OF(member, struct xenvif_queue, member) : NULL;
}
