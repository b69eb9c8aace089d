/* The class "xenvif" towards OVS: life and small callbacks.  What runs on
 * polling threads is in xenvif_tx.c and xenvif_rx.c. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include "datapath/backlog.h"
#include "datapath/foreign.h"
#include "datapath/pool.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdev_xenvif);

#define MTU_DEFAULT 1500

/* What the class does with frames whose checksum is blank, or that are to be
 * segmented: it passes them on, or completes them. */
#define OFFLOADS (NETDEV_TX_OFFLOAD_IPV4_CKSUM | NETDEV_TX_OFFLOAD_TCP_CKSUM \
                  | NETDEV_TX_OFFLOAD_UDP_CKSUM | NETDEV_TX_OFFLOAD_TCP_TSO)

static struct netdev *
xenvif_alloc(void)
{
    struct xenvif *vif = xzalloc_cacheline(sizeof *vif);
    return &vif->up;
}

/* Until dom0's comes. */
static const struct xenvif_policy no_policy = {
    .tx = { .weight = 1 }, .rx = { .weight = 1 },
};

static int
xenvif_construct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_init(&vif->mutex);
    ovs_list_init(&vif->all_node);
    vif->serial = xenvif_next_serial();
    vif->backlog = vif_backlog_create();
    qos_limit_init(&vif->upcalls, QOS_PACKETS, XENVIF_UPCALLS_PER_S,
                   XENVIF_UPCALLS_BURST);
    qos_limit_init(&vif->conns, QOS_PACKETS, XENVIF_CONNS_PER_S,
                   XENVIF_CONNS_BURST);
    vif->mtu = vif->requested_mtu = MTU_DEFAULT;
    vif->requested_n_txq = vif->requested_n_rxq = 1;
    vif->max_queues = 1;
    atomic_init(&vif->turn_ns, QOS_CPU_QUANTUM_NS);
    vif->was_up = true;
    vif->stall_limits = (struct vif_stall_limits) {
        VIF_STALL_DRAIN_MS * UINT64_C(1000000),
        VIF_STALL_GONE_MS * UINT64_C(1000000),
    };
    /* Not the guest's: a bridge takes its own from its ports, and then its
     * frames would draw the guest's.  It takes none that is marked local, as
     * random ones are. */
    eth_addr_random(&vif->etheraddr);
    netdev->ol_flags |= OFFLOADS;

    atomic_init(&vif->flags, NETDEV_UP | NETDEV_PROMISC);
    ovsrcu_init(&vif->link, NULL);
    ovsrcu_init(&vif->policy, xmemdup(&no_policy, sizeof no_policy));
    atomic_init(&vif->malice, VIF_MALICE_NONE);
    for (int i = 0; i < VIF_N_MALICES; i++) {
        atomic_init(&vif->n_malices[i], 0);
    }
    atomic_init(&vif->closing, false);
    atomic_init(&vif->rx_queued_packets, 0);
    atomic_init(&vif->rx_queue_limit_bytes, XENVIF_RX_QUEUE_MAX_BYTES);
    atomic_init(&vif->rx_target_ns, QOS_CODEL_TARGET_NS);
    xenvif_tree_add(vif);
    vif->db_tx.weight = vif->db_rx.weight = 1;
    for (int i = 0; i < VIF_N_DROPS; i++) {
        atomic_init(&vif->send_drops[i], 0);
    }

    ovs_list_push_back(&xenvif_all, &vif->all_node);
    xenvif_tree_connect();
    return 0;
}

/* At the last reference: no thread polls the port or sends to it. */
static void
xenvif_destruct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_list_remove(&vif->all_node);
    xenvif_tree_connect();
    xenvif_unlink(vif);
    for (unsigned int i = 0; i < VIF_QUEUES_MAX; i++) {
        xenvif_queue_destroy(vif->queues[i]);
        vif->queues[i] = NULL;
    }
    vif_pool_release(vif->pool);
    vif_pool_release(vif->big_pool);
    xenvif_queues_share(vif, 0);
    vif_backlog_unref(vif->backlog);
    ovsrcu_postpone(free, ovsrcu_get_protected(struct xenvif_policy *,
                                               &vif->policy));
    free(vif->db_qos_type);
    ovs_mutex_destroy(&vif->mutex);
    xenvif_changed();
}

static void
xenvif_dealloc(struct netdev *netdev)
{
    ovsrcu_postpone(free_cacheline, xenvif_cast(netdev));
}

/* A guest's memory may be on any node: the first one is as good as another,
 * and OVS warns if it is given none. */
static int
xenvif_get_numa_id(const struct netdev *netdev OVS_UNUSED)
{
    return 0;
}

static int
xenvif_set_tx_multiq(struct netdev *netdev, unsigned int n_txq)
{
    struct xenvif *vif = xenvif_cast(netdev);

    /* OVS calls this just before it waits for its PMD threads. */
    doorbell_kick_all();
    ovs_mutex_lock(&vif->mutex);
    if (vif->requested_n_txq != n_txq) {
        vif->requested_n_txq = n_txq;
        netdev_request_reconfigure(netdev);
    }
    ovs_mutex_unlock(&vif->mutex);
    return 0;
}

static int
xenvif_set_mtu(struct netdev *netdev, int mtu)
{
    struct xenvif *vif = xenvif_cast(netdev);

    if (mtu < 68 || mtu > XENVIF_MTU_MAX) {
        VLOG_WARN("%s: MTU %d refused: it must be from 68 to %d",
                  netdev_get_name(netdev), mtu, XENVIF_MTU_MAX);
        return EINVAL;
    }
    ovs_mutex_lock(&vif->mutex);
    vif->mtu_by_database = true;
    if (vif->requested_mtu != mtu) {
        vif->requested_mtu = mtu;
        netdev_request_reconfigure(netdev);
    }
    ovs_mutex_unlock(&vif->mutex);
    return 0;
}

static int
xenvif_get_mtu(const struct netdev *netdev, int *mtup)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_lock(&vif->mutex);
    *mtup = vif->mtu;
    ovs_mutex_unlock(&vif->mutex);
    return 0;
}

static int
xenvif_set_etheraddr(struct netdev *netdev, const struct eth_addr mac)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_lock(&vif->mutex);
    vif->etheraddr = mac;
    ovs_mutex_unlock(&vif->mutex);
    netdev_change_seq_changed(netdev);
    return 0;
}

static int
xenvif_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_lock(&vif->mutex);
    *mac = vif->etheraddr;
    ovs_mutex_unlock(&vif->mutex);
    return 0;
}

static int
xenvif_get_carrier(const struct netdev *netdev, bool *carrier)
{
    struct xenvif *vif = xenvif_cast(netdev);

    const struct xenvif_link *link = ovsrcu_get(struct xenvif_link *,
                                                &vif->link);

    *carrier = link != NULL;
    for (unsigned int i = 0; link && i < link->n_queues; i++) {
        bool gone;

        atomic_read_relaxed(&vif->queues[i]->gone, &gone);
        *carrier &= !gone;
    }
    return 0;
}

static long long int
xenvif_get_carrier_resets(const struct netdev *netdev)
{
    return xenvif_cast(netdev)->carrier_resets;
}

/* Called on any thread, even from a signal handler. */
static int
xenvif_update_flags(struct netdev *netdev, enum netdev_flags off,
                    enum netdev_flags on, enum netdev_flags *old_flags)
{
    struct xenvif *vif = xenvif_cast(netdev);
    uint32_t old;

    atomic_read_relaxed(&vif->flags, &old);
    *old_flags = old;
    if ((off || on) && ((old & ~off) | on) != old) {
        atomic_store_relaxed(&vif->flags, (old & ~off) | on);
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static struct netdev_rxq *
xenvif_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
xenvif_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
xenvif_rxq_destruct(struct netdev_rxq *rxq)
{
    struct xenvif_queue *q
        = xenvif_cast(rxq->netdev)->queues[rxq->queue_id];

    if (q) {
        doorbell_leave(&q->member);
    }
}

static void
xenvif_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

static void
xenvif_run(const struct netdev_class *class OVS_UNUSED)
{
    struct xenvif *vif;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        if (foreign_check(&vif->up)) {
            break;
        }
    }
    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        uint32_t flags;

        atomic_read_relaxed(&vif->flags, &flags);
        if (vif->was_up != !!(flags & NETDEV_UP)) {
            vif->was_up = !vif->was_up;
            xenvif_changed();
        }
    }
    xenvif_links_run();
    vif_pools_sweep();
}

static void
xenvif_wait(const struct netdev_class *class OVS_UNUSED)
{
    xenvif_links_wait();
}

static const struct netdev_class xenvif_class = {
    .type = "xenvif",
    .is_pmd = true,
    .run = xenvif_run,
    .wait = xenvif_wait,
    .alloc = xenvif_alloc,
    .construct = xenvif_construct,
    .destruct = xenvif_destruct,
    .dealloc = xenvif_dealloc,
    .get_config = xenvif_get_config,
    .set_config = xenvif_set_config,
    .get_numa_id = xenvif_get_numa_id,
    .set_tx_multiq = xenvif_set_tx_multiq,
    .send = xenvif_send,
    .set_etheraddr = xenvif_set_etheraddr,
    .get_etheraddr = xenvif_get_etheraddr,
    .get_mtu = xenvif_get_mtu,
    .set_mtu = xenvif_set_mtu,
    .get_carrier = xenvif_get_carrier,
    .get_carrier_resets = xenvif_get_carrier_resets,
    .get_stats = xenvif_get_stats_cb,
    .get_custom_stats = xenvif_get_custom_stats,
    .get_status = xenvif_get_status,
    .set_policing = xenvif_set_policing,
    .get_qos_types = xenvif_get_qos_types,
    .get_qos = xenvif_get_qos,
    .set_qos = xenvif_set_qos,
    .set_queue = xenvif_set_queue,
    .update_flags = xenvif_update_flags,
    .reconfigure = xenvif_reconfigure,
    .rxq_alloc = xenvif_rxq_alloc,
    .rxq_construct = xenvif_rxq_construct,
    .rxq_destruct = xenvif_rxq_destruct,
    .rxq_dealloc = xenvif_rxq_dealloc,
    .rxq_recv = xenvif_rxq_recv,
};

void
xenvif_register(const struct xen_ops *ops, struct xen_platform *platform)
{
    xenvif_links_init(ops, platform);
    xenvif_tree_init();
    xenvif_ctl_init();
    xenvif_show_init();
    netdev_register_provider(&xenvif_class);
}
