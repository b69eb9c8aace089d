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

static void
limit_init(struct xenvif_limit *limit)
{
    atomic_flag_clear(&limit->taken);
    atomic_init(&limit->limited, false);
}

static int
xenvif_construct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_init(&vif->mutex);
    ovs_list_init(&vif->all_node);
    vif->serial = xenvif_next_serial();
    vif->mtu = vif->requested_mtu = MTU_DEFAULT;
    vif->requested_n_txq = vif->requested_n_rxq = 1;
    vif->max_queues = 1;
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
    struct xenvif_policy_rcu *policy = xzalloc(sizeof *policy);
    policy->serial = 1;
    ovsrcu_init(&vif->policy, policy);
    atomic_init(&vif->policy_serial, 0);
    atomic_init(&vif->malice, VIF_MALICE_NONE);
    for (int i = 0; i < VIF_N_MALICES; i++) {
        atomic_init(&vif->n_malices[i], 0);
    }
    atomic_init(&vif->closing, false);
    atomic_init(&vif->rx_queue_limit_bytes, XENVIF_RX_QUEUE_MAX_BYTES);
    limit_init(&vif->tx_limit);
    limit_init(&vif->rx_limit);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        atomic_init(&vif->send_drops[i], 0);
    }

    ovs_list_push_back(&xenvif_all, &vif->all_node);
    return 0;
}

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
    atomic_init(&q->gone, false);
    doorbell_member_init(&q->member, &xenvif_doorbell_ops);
    return q;
}

/* Nobody polls it or sends to it. */
static void
queue_destroy(struct xenvif_queue *q)
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

/* At the last reference: no thread polls the port or sends to it. */
static void
xenvif_destruct(struct netdev *netdev)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_list_remove(&vif->all_node);
    xenvif_unlink(vif);
    for (unsigned int i = 0; i < VIF_QUEUES_MAX; i++) {
        queue_destroy(vif->queues[i]);
        vif->queues[i] = NULL;
    }
    vif_pool_release(vif->pool);
    vif_pool_release(vif->big_pool);
    ovsrcu_postpone(free, ovsrcu_get_protected(struct xenvif_policy_rcu *,
                                               &vif->policy));
    ovs_mutex_destroy(&vif->mutex);
    xenvif_changed();
}

static void
xenvif_dealloc(struct netdev *netdev)
{
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

/* An option that may be missing: a whole number from 'min' to 'max'. */
static bool
parse_number(const struct smap *options, const char *key, unsigned int min,
             unsigned int max, unsigned int fallback, unsigned int *value,
             char **errp)
{
    const char *text = smap_get(options, key);

    *value = fallback;
    if (text && (!str_to_uint(text, 10, value) || *value < min
                 || *value > max)) {
        *errp = xasprintf("options:%s must be a whole number from %u to %u "
                          "(it is %s)", key, min, max, text);
        return false;
    }
    return true;
}

/* What may change while the port is at work. */
static bool
set_tunables(struct xenvif *vif, const struct smap *options, char **errp)
{
    unsigned int n_cores = MAX(count_cpu_cores(), 1);
    unsigned int n_rxq, drain_ms, gone_ms;

    if (!parse_number(options, "n_rxq", 1, VIF_QUEUES_MAX,
                      MIN(n_cores, VIF_QUEUES_MAX), &n_rxq, errp)
        || !parse_number(options, "rx-drain-ms", 1, 3600000,
                         VIF_STALL_DRAIN_MS, &drain_ms, errp)
        || !parse_number(options, "rx-stall-ms", 1, 3600000,
                         VIF_STALL_GONE_MS, &gone_ms, errp)) {
        return false;
    }
    if (vif->max_queues != n_rxq) {
        vif->max_queues = n_rxq;
        xenvif_changed();
    }
    vif->stall_limits.drain_ns = drain_ms * UINT64_C(1000000);
    vif->stall_limits.gone_ns = gone_ms * UINT64_C(1000000);
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
    if (!set_tunables(vif, options, errp)) {
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
        smap_add_format(args, "n_rxq", "%u", vif->max_queues);
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
static int
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

struct custom_stats {
    struct netdev_custom_stats *out;
    size_t allocated;
};

static void
add_custom(struct custom_stats *c, const char *name, uint64_t value)
{
    struct netdev_custom_stats *out = c->out;

    if (c->allocated == out->size) {
        out->counters = x2nrealloc(out->counters, &c->allocated,
                                   sizeof *out->counters);
    }
    struct netdev_custom_counter *counter = &out->counters[out->size++];
    memset(counter, 0, sizeof *counter);
    ovs_strlcpy(counter->name, name, sizeof counter->name);
    counter->value = value;
}

static int
xenvif_get_custom_stats(const struct netdev *netdev,
                        struct netdev_custom_stats *out)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct custom_stats c = { out, 0 };
    struct vif_stats s;

    out->size = 0;
    out->counters = NULL;
    xenvif_sum_stats(vif, &s);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        add_custom(&c, vif_drop_names[i], s.drops[i]);
    }
    for (int i = 1; i < VIF_N_MALICES; i++) {
        uint64_t n;

        atomic_read_relaxed(&vif->n_malices[i], &n);
        add_custom(&c, vif_malice_names[i], n);
    }
#define X(NAME) add_custom(&c, #NAME, s.NAME);
    VIF_COUNTS(X)
#undef X
    return 0;
}

static int
xenvif_get_status(const struct netdev *netdev, struct smap *status)
{
    struct xenvif *vif = xenvif_cast(netdev);
    const struct xenvif_link *link = ovsrcu_get(struct xenvif_link *,
                                                &vif->link);
    const char *malice = xenvif_malice(vif->id);
    char text[128];

    ovs_mutex_lock(&vif->mutex);
    smap_add_format(status, "domid", "%u", vif->id.domid);
    smap_add_format(status, "devid", "%u", vif->id.devid);
    ovs_mutex_unlock(&vif->mutex);
    smap_add(status, "state",
             malice ? "cut-off" : link ? "connected" : "not-connected");
    if (malice) {
        smap_add(status, "reason", malice);
    }
    if (link) {
        smap_add_format(status, "queues", "%u", link->n_queues);
    }
    offload_describe(text, sizeof text);
    smap_add(status, "segmentation", text);
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
    xenvif_ctl_init();
    xenvif_show_init();
    netdev_register_provider(&xenvif_class);
}
