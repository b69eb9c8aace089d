/* A port's queues and packet pools: made and taken away while no thread polls
 * the port. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/pool.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xenvif_queue);

static struct xenvif_queue *
queue_create(struct xenvif *vif, unsigned int id)
{
    struct xenvif_queue *q = xzalloc_cacheline(sizeof *q);
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof name, "rx%u.%u.%u", vif->id.domid, vif->id.devid,
             id);
    q->rx_queue = rte_ring_create(name, XENVIF_RX_QUEUE_PACKETS,
                                  SOCKET_ID_ANY,
                                  RING_F_SC_DEQ | RING_F_EXACT_SZ);
    if (!q->rx_queue) {
        free_cacheline(q);
        return NULL;
    }
    q->vif = vif;
    q->id = id;
    atomic_init(&q->rx_queue_bytes, 0);
    for (int i = 0; i < XENVIF_RX_SENDERS; i++) {
        atomic_init(&q->rx_of[i].packets, 0);
        atomic_init(&q->rx_of[i].bytes, 0);
    }
    atomic_init(&q->gone, false);
    atomic_init(&q->rx_cost_ps, 0);
    q->turn.key = vif->serial;
    qos_leaf_init(&q->tx_leaf, &vif->tx_node);
    qos_leaf_init(&q->rx_leaf, &vif->rx_node);
    doorbell_member_init(&q->member, &xenvif_doorbell_ops);
    return q;
}

/* Nobody polls it or sends to it. */
void
xenvif_queue_destroy(struct xenvif_queue *q)
{
    if (q) {
        doorbell_member_destroy(&q->member);
        xenvif_rx_flush(q, VIF_DROP_RX_DISCONNECT, 0);
        xenvif_entry_flush(q);
        rte_ring_free(q->rx_queue);
        /* A link that was detached a moment ago may still lead here. */
        ovsrcu_postpone(free_cacheline, q);
    }
}

static void
share(struct qos_node *node, struct xenvif *vif, unsigned int n, bool tx)
{
    struct qos_family *family = NULL;

    if (n) {
        family = xmalloc(sizeof *family + n * sizeof family->members[0]);
        family->n = n;
        for (unsigned int i = 0; i < n; i++) {
            struct xenvif_queue *q = vif->queues[i];

            family->members[i] = tx ? &q->tx_leaf.member
                                    : &q->rx_leaf.member;
        }
    }

    struct qos_family *old = qos_node_share(node, family);
    if (old) {
        ovsrcu_postpone(free, old);
    }
}

void
xenvif_queues_share(struct xenvif *vif, unsigned int n)
{
    share(&vif->tx_node, vif, n, true);
    share(&vif->rx_node, vif, n, false);
}

/* Makes as many queues as were asked for. */
static bool
make_queues(struct xenvif *vif)
{
    for (int i = 0; i < vif->requested_n_rxq; i++) {
        if (!vif->queues[i]) {
            vif->queues[i] = queue_create(vif, i);
            if (!vif->queues[i]) {
                return false;
            }
        }
        vif->up.n_rxq = i + 1;
    }
    xenvif_queues_share(vif, vif->up.n_rxq);
    return true;
}

/* Pools for frames of the MTU that was asked for. */
static bool
make_pools(struct xenvif *vif)
{
    const char *name = netdev_get_name(&vif->up);

    if (vif->pool && vif->mtu == vif->requested_mtu) {
        return true;
    }
    if (!vif->big_pool) {
        vif->big_pool = vif_pool_create(name, VIF_BIG_POOL_PACKETS,
                                        VIF_BIG_ROOM_BYTES);
        if (!vif->big_pool) {
            return false;
        }
    }

    struct rte_mempool *pool = vif_pool_create(
        name, VIF_POOL_PACKETS,
        ROUND_UP(RTE_PKTMBUF_HEADROOM
                 + XENVIF_FRAME_BYTES(vif->requested_mtu),
                 RTE_CACHE_LINE_SIZE));
    if (!pool) {
        return false;
    }
    for (unsigned int i = 0; i < VIF_QUEUES_MAX; i++) {
        if (vif->queues[i]) {
            xenvif_entry_flush(vif->queues[i]);
        }
    }
    vif_pool_release(vif->pool);
    vif->pool = pool;
    vif->mtu = vif->requested_mtu;
    xenvif_changed();
    return true;
}

/* No thread polls the port or sends to it meanwhile.  An error would remove a
 * port that works: it goes on with what it has. */
int
xenvif_reconfigure(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);
    int error = 0;

    ovs_mutex_lock(&vif->mutex);
    if (!make_pools(vif)) {
        if (vif->pool) {
            VLOG_WARN("%s: MTU stays %d", netdev_get_name(netdev), vif->mtu);
            vif->requested_mtu = vif->mtu;
        } else {
            error = ENOMEM;
        }
    }
    if (!error && !make_queues(vif)) {
        if (vif->queues[0]) {
            VLOG_WARN("%s: no memory for more than %d queues",
                      netdev_get_name(netdev), netdev->n_rxq);
            vif->requested_n_rxq = vif->max_queues = netdev->n_rxq;
        } else {
            error = ENOMEM;
        }
    }
    netdev->n_txq = vif->requested_n_txq;
    ovs_mutex_unlock(&vif->mutex);
    netdev_change_seq_changed(netdev);
    xenvif_changed();
    return error;
}
