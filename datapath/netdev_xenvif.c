/* The class "xenvif" towards OVS: life, configuration, counters.  What runs
 * on polling threads is in xenvif_rx.c and xenvif_tx.c. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include <rte_ring.h>

#include "datapath/foreign.h"
#include "datapath/pool.h"
#include "dpdk.h"
#include "ovs-numa.h"
#include "openvswitch/vlog.h"
#include "seq.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdev_xenvif);

#define MTU_DEFAULT 1500
#define MTU_MAX 9000

static struct netdev *
xenvif_alloc(void)
{
    struct xenvif *vif = xzalloc_cacheline(sizeof *vif);
    return &vif->up;
}

static int
xenvif_construct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_init(&vif->mutex);
    ovs_list_init(&vif->all_node);
    vif->serial = xenvif_next_serial();
    vif->mtu = vif->requested_mtu = MTU_DEFAULT;
    vif->requested_n_txq = 1;
    /* Not the guest's: a bridge takes its own from its ports, and then its
     * frames would draw the guest's.  It takes none that is marked local, as
     * random ones are. */
    eth_addr_random(&vif->etheraddr);

    atomic_init(&vif->flags, NETDEV_UP | NETDEV_PROMISC);
    ovsrcu_init(&vif->link, NULL);
    struct xenvif_policy_rcu *policy = xzalloc(sizeof *policy);
    ovsrcu_init(&vif->policy, policy);
    atomic_init(&vif->malice, NULL);
    atomic_init(&vif->closing, false);
    atomic_init(&vif->rx_queue_bytes, 0);
    atomic_init(&vif->rx_queue_limit_bytes, XENVIF_RX_QUEUE_MAX_BYTES);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        atomic_init(&vif->send_drops[i], 0);
    }
    doorbell_member_init(&vif->member, &xenvif_doorbell_ops);

    ovs_list_push_back(&xenvif_all, &vif->all_node);
    return 0;
}

/* At the last reference: no thread polls the port or sends to it. */
static void
xenvif_destruct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_list_remove(&vif->all_node);
    doorbell_member_destroy(&vif->member);
    xenvif_unlink(vif);
    xenvif_rx_flush(vif, VIF_DROP_RX_DISCONNECT);
    rte_ring_free(vif->rx_queue);
    vif_pool_release(vif->pool);
    ovsrcu_postpone(free, ovsrcu_get_protected(struct xenvif_policy_rcu *,
                                               &vif->policy));
    ovs_mutex_destroy(&vif->mutex);
    xenvif_changed();
}

static void
xenvif_dealloc(struct netdev *netdev)
{
    /* A link that was detached a moment ago still points here. */
    ovsrcu_postpone(free_cacheline, xenvif_cast(netdev));
}

static bool
parse_id(const struct smap *options, const char *key, int max, uint16_t *id,
         char **errp)
{
    const char *text = smap_get(options, key);
    int value;

    if (!text || !str_to_int(text, 10, &value) || value < 0 || value > max) {
        *errp = xasprintf("options:%s must be a whole number from 0 to %d "
                          "(it is %s): set interface NAME options:%s=N",
                          key, max, text ? text : "missing", key);
        return false;
    }
    *id = value;
    return true;
}

static int
xenvif_set_config(struct netdev *netdev, const struct smap *options,
                  char **errp)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct xenvif_id id;
    struct xenvif *other;

    if (!dpdk_available()) {
        *errp = xstrdup("DPDK is not started: start netdom-vswitchd with "
                        "--eal-args (see netdom-vswitchd(8))");
        return ENODEV;
    }
    if (!parse_id(options, "domid", 0x7fef, &id.domid, errp)
        || !parse_id(options, "devid", UINT16_MAX, &id.devid, errp)) {
        return EINVAL;
    }
    if (vif->configured && vif->id.domid == id.domid
        && vif->id.devid == id.devid) {
        return 0;
    }
    LIST_FOR_EACH (other, all_node, &xenvif_all) {
        if (other != vif && other->configured
            && other->id.domid == id.domid && other->id.devid == id.devid) {
            *errp = xasprintf("vif %u of domain %u is already port %s: "
                              "delete that port first", id.devid, id.domid,
                              netdev_get_name(&other->up));
            return EBUSY;
        }
    }
    if (vif->configured) {
        *errp = xasprintf("port %s is vif %u of domain %u: delete it and add "
                          "it anew to make it another",
                          netdev_get_name(netdev), vif->id.devid,
                          vif->id.domid);
        return EBUSY;
    }

    ovs_mutex_lock(&vif->mutex);
    vif->id = id;
    vif->configured = true;
    ovs_mutex_unlock(&vif->mutex);
    netdev_request_reconfigure(netdev);
    xenvif_changed();
    return 0;
}

static int
xenvif_get_config(const struct netdev *netdev, struct smap *args)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_lock(&vif->mutex);
    if (vif->configured) {
        smap_add_format(args, "domid", "%u", vif->id.domid);
        smap_add_format(args, "devid", "%u", vif->id.devid);
    }
    ovs_mutex_unlock(&vif->mutex);
    return 0;
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

    if (mtu < 68 || mtu > MTU_MAX) {
        VLOG_WARN("%s: MTU %d refused: it must be from 68 to %d",
                  netdev_get_name(netdev), mtu, MTU_MAX);
        return EINVAL;
    }
    ovs_mutex_lock(&vif->mutex);
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

/* No thread polls the port or sends to it meanwhile. */
static int
xenvif_reconfigure(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);
    int error = 0;

    ovs_mutex_lock(&vif->mutex);
    if (!vif->rx_queue) {
        char name[RTE_RING_NAMESIZE];

        snprintf(name, sizeof name, "rx%u.%u", vif->id.domid, vif->id.devid);
        vif->rx_queue = rte_ring_create(name, XENVIF_RX_QUEUE_PACKETS,
                                        SOCKET_ID_ANY,
                                        RING_F_SC_DEQ | RING_F_EXACT_SZ);
        if (!vif->rx_queue) {
            error = ENOMEM;
            goto out;
        }
    }
    if (!vif->pool || vif->mtu != vif->requested_mtu) {
        struct rte_mempool *pool = vif_pool_create(
            netdev_get_name(netdev),
            vif->requested_mtu + VLAN_ETH_HEADER_LEN, SOCKET_ID_ANY);
        if (pool) {
            vif_pool_release(vif->pool);
            vif->pool = pool;
            vif->mtu = vif->requested_mtu;
            xenvif_changed();
        } else if (vif->pool) {
            /* An error would remove a port that works. */
            VLOG_WARN("%s: MTU stays %d", netdev_get_name(netdev), vif->mtu);
            vif->requested_mtu = vif->mtu;
        } else {
            error = ENOMEM;
            goto out;
        }
    }
    netdev->n_rxq = 1;
    netdev->n_txq = vif->requested_n_txq;
out:
    ovs_mutex_unlock(&vif->mutex);
    netdev_change_seq_changed(netdev);
    return error;
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

    *carrier = ovsrcu_get(struct xenvif_link *, &vif->link) != NULL;
    return 0;
}

static long long int
xenvif_get_carrier_resets(const struct netdev *netdev)
{
    return xenvif_cast(netdev)->carrier_resets;
}

static int
xenvif_get_stats_cb(const struct netdev *netdev, struct netdev_stats *out)
{
    struct vif_stats s;
    uint64_t rx_dropped = 0, tx_dropped = 0;

    xenvif_sum_stats(xenvif_cast(netdev), &s);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        *(i < VIF_DROP_RX_NOT_CONNECTED ? &rx_dropped : &tx_dropped)
            += s.drops[i];
    }

    /* OVS looks from the switch: what the guest sends is received. */
    out->rx_packets = s.tx_frames;
    out->rx_bytes = s.tx_bytes;
    out->rx_dropped = rx_dropped;
    out->tx_packets = s.rx_frames;
    out->tx_bytes = s.rx_bytes;
    out->tx_dropped = tx_dropped;
    out->rx_errors = s.drops[VIF_DROP_TX_GRANT];
    out->tx_errors = s.drops[VIF_DROP_RX_GRANT];
    return 0;
}

static int
xenvif_get_custom_stats(const struct netdev *netdev,
                        struct netdev_custom_stats *out)
{
    struct vif_stats s;

    xenvif_sum_stats(xenvif_cast(netdev), &s);
    out->size = VIF_N_DROPS + 3;
    out->counters = xcalloc(out->size, sizeof *out->counters);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        ovs_strlcpy(out->counters[i].name, vif_drop_names[i],
                    NETDEV_CUSTOM_STATS_NAME_SIZE);
        out->counters[i].value = s.drops[i];
    }

    const struct netdev_custom_counter extra[3] = {
        { s.tx_throttled, "tx_throttled" },
        { s.tx_notifies, "tx_notifies" },
        { s.rx_notifies, "rx_notifies" },
    };
    memcpy(&out->counters[VIF_N_DROPS], extra, sizeof extra);
    return 0;
}

static int
xenvif_get_status(const struct netdev *netdev, struct smap *status)
{
    struct xenvif *vif = xenvif_cast(netdev);
    const char *malice;

    ovs_mutex_lock(&vif->mutex);
    smap_add_format(status, "domid", "%u", vif->id.domid);
    smap_add_format(status, "devid", "%u", vif->id.devid);
    ovs_mutex_unlock(&vif->mutex);
    atomic_read_relaxed(&vif->malice, &malice);
    smap_add(status, "state",
             malice ? "cut-off"
             : ovsrcu_get(struct xenvif_link *, &vif->link) ? "connected"
             : "not-connected");
    if (malice) {
        smap_add(status, "reason", malice);
    }
    return 0;
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
    doorbell_leave(&xenvif_cast(rxq->netdev)->member);
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
    vif_pools_sweep();
}

static const struct netdev_class xenvif_class = {
    .type = "xenvif",
    .is_pmd = true,
    .run = xenvif_run,
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
    xenvif_ctl_init(ops, platform);
    netdev_register_provider(&xenvif_class);
}
