/* The class "tenantvf": a shell around a port of OVS's class "dpdk". */

#include <config.h>

#include "datapath/tenantvf.h"

#include <errno.h>

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "datapath/doorbell.h"
#include "datapath/foreign.h"
#include "datapath/pool.h"
#include "datapath/port_qos.h"
#include "datapath/tenantvf_port.h"
#include "dp-packet.h"
#include "dpdk.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdev_tenantvf);

/* netdev_close() may not be called in destruct: done in the class's run. */
struct leaving_netdev {
    struct ovs_list node;
    struct netdev *netdev;
};

static struct ovs_list leaving = OVS_LIST_INITIALIZER(&leaving);
static struct ovs_list all_vfs = OVS_LIST_INITIALIZER(&all_vfs);

static struct qos_settings dom0_limit = { .weight = 1 };

static void
apply_limit(struct tenantvf *vf)
{
    struct qos_settings s = dom0_limit;

    qos_settings_lower(&s, &vf->qos);
    tenantvf_queue_set_limit(&vf->queue, s.rate_bps, s.burst_bytes);
}

void
tenantvf_set_limit(uint64_t rate_bps, uint64_t burst_bytes)
{
    struct tenantvf *vf;

    dom0_limit.rate_bps = rate_bps;
    dom0_limit.burst_bytes = burst_bytes;
    LIST_FOR_EACH (vf, all_node, &all_vfs) {
        apply_limit(vf);
    }
}

static struct netdev *
tenantvf_alloc(void)
{
    struct tenantvf *vf = xzalloc_cacheline(sizeof *vf);
    return &vf->up;
}

static int
tenantvf_construct(struct netdev *netdev)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    netdev->ol_flags |= NETDEV_TX_OFFLOAD_IPV4_CKSUM
                        | NETDEV_TX_OFFLOAD_TCP_CKSUM
                        | NETDEV_TX_OFFLOAD_UDP_CKSUM
                        | NETDEV_TX_OFFLOAD_TCP_TSO;
    atomic_init(&vf->n_segmented, 0);
    atomic_init(&vf->n_no_buffer, 0);
    atomic_init(&vf->n_malformed, 0);
    tenantvf_queue_init(&vf->queue);
    vf->port_id = -1;
    vf->qos.weight = 1;
    apply_limit(vf);
    ovs_list_push_back(&all_vfs, &vf->all_node);
    return 0;
}

static void
tenantvf_destruct(struct netdev *netdev)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    ovs_list_remove(&vf->all_node);
    tenantvf_queue_finish(&vf->queue);
    free(vf->qos_type);
    if (vf->under) {
        struct leaving_netdev *l = xmalloc(sizeof *l);
        l->netdev = vf->under;
        ovs_list_push_back(&leaving, &l->node);
    }
    free(vf->devargs);
    vif_pool_release(vf->pool);
}

static void
tenantvf_dealloc(struct netdev *netdev)
{
    free_cacheline(tenantvf_cast(netdev));
}

/* Passes on what the port below wants and what became of it: its link goes up
 * and down without a call through us. */
static void
follow_under(struct tenantvf *vf)
{
    uint64_t under_seq = netdev_get_change_seq(vf->under);

    if (netdev_is_reconf_required(vf->under)
        && !netdev_is_reconf_required(&vf->up)) {
        netdev_request_reconfigure(&vf->up);
    }
    if (vf->under_seq != under_seq) {
        vf->under_seq = under_seq;
        netdev_change_seq_changed(&vf->up);
    }
}

static void
tenantvf_run(const struct netdev_class *class OVS_UNUSED)
{
    struct leaving_netdev *l;
    struct tenantvf *vf;

    LIST_FOR_EACH_SAFE (l, node, &leaving) {
        ovs_list_remove(&l->node);
        netdev_close(l->netdev);
        free(l);
    }
    LIST_FOR_EACH (vf, all_node, &all_vfs) {
        if (vf->under) {
            follow_under(vf);
        }
        foreign_check(&vf->up);
    }
}

static int
open_under(struct tenantvf *vf, const char *devargs, char **errp)
{
    char *name = xasprintf("%s-dpdk", netdev_get_name(&vf->up));
    int error = netdev_open(name, "dpdk", &vf->under);

    free(name);
    if (error) {
        *errp = xasprintf("cannot open a dpdk port under %s (%s)",
                          netdev_get_name(&vf->up), ovs_strerror(error));
        return error;
    }
    vf->devargs = xstrdup(devargs);
    return 0;
}

static int
tenantvf_set_config(struct netdev *netdev, const struct smap *options,
                    char **errp)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    const char *devargs = smap_get(options, "dpdk-devargs");

    if (!dpdk_available()) {
        *errp = xstrdup("DPDK is not started: start netdom-vswitchd with "
                        "--eal-args (see netdom-vswitchd(8))");
        return ENODEV;
    }
    if (!devargs) {
        *errp = xstrdup("options:dpdk-devargs is missing: set it to the VF's "
                        "PCI address, or to net_af_packet0,iface=NAME");
        return EINVAL;
    }
    if (!devargs_allowed(devargs)) {
        *errp = xasprintf("device '%s' is not allowed: use a PCI address or "
                          "a driver that --vf-drivers lists", devargs);
        return EPERM;
    }
    if (vf->under && strcmp(vf->devargs, devargs)) {
        *errp = xasprintf("%s is device '%s': delete the port and add it "
                          "anew to make it another",
                          netdev_get_name(netdev), vf->devargs);
        return EBUSY;
    }
    if (!vf->under) {
        int error = open_under(vf, devargs, errp);
        if (error) {
            return error;
        }
    }

    int error = vf->under->netdev_class->set_config(vf->under, options, errp);
    if (!error && netdev_is_reconf_required(vf->under)) {
        netdev_request_reconfigure(netdev);
    }
    return error;
}

static int
tenantvf_get_config(const struct netdev *netdev, struct smap *args)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    if (vf->under) {
        return vf->under->netdev_class->get_config(vf->under, args);
    }
    return 0;
}

static int
tenantvf_set_tx_multiq(struct netdev *netdev, unsigned int n_txq)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    doorbell_kick_all();
    if (!vf->under) {
        return 0;
    }

    int error = vf->under->netdev_class->set_tx_multiq(vf->under, n_txq);
    if (netdev_is_reconf_required(vf->under)) {
        netdev_request_reconfigure(netdev);
    }
    return error;
}

static int
tenantvf_set_mtu(struct netdev *netdev, int mtu)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    if (!vf->under) {
        return ENODEV;
    }

    int error = vf->under->netdev_class->set_mtu(vf->under, mtu);
    if (netdev_is_reconf_required(vf->under)) {
        netdev_request_reconfigure(netdev);
    }
    return error;
}

static int
tenantvf_get_mtu(const struct netdev *netdev, int *mtup)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    return vf->under ? vf->under->netdev_class->get_mtu(vf->under, mtup)
                     : ENODEV;
}

/* Pieces of frames: what waits in the device's own queue, and a batch. */
#define PIECES 2048u

/* Buffers for pieces of the MTU, if the device cannot cut frames itself. */
static int
make_pool(struct tenantvf *vf)
{
    int mtu = RTE_ETHER_MTU;

    vf->under->netdev_class->get_mtu(vf->under, &mtu);
    if (tenantvf_is_able(vf) || (vf->pool && vf->mtu == mtu)) {
        vf->mtu = mtu;
        return 0;
    }

    struct rte_mempool *pool = vif_pool_create(
        netdev_get_name(&vf->up), PIECES,
        ROUND_UP(RTE_PKTMBUF_HEADROOM + mtu + VLAN_ETH_HEADER_LEN + 4,
                 RTE_CACHE_LINE_SIZE));
    if (!pool) {
        return ENOMEM;
    }
    vif_pool_release(vf->pool);
    vf->pool = pool;
    vf->mtu = mtu;
    return 0;
}

/* DPDK's number of the device, -1 if it is not known or if the device cannot
 * say how much room it has. */
static int
find_port_id(const struct netdev *under)
{
    struct smap status = SMAP_INITIALIZER(&status);
    int id = -1;

    if (!under->netdev_class->get_status(under, &status)) {
        id = smap_get_int(&status, "port_no", -1);
    }
    smap_destroy(&status);
    return id >= 0 && rte_eth_tx_descriptor_status(id, 0, 0) >= 0 ? id : -1;
}

static int
tenantvf_reconfigure(struct netdev *netdev)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    if (!vf->under) {
        return ENODEV;
    }
    if (netdev_is_reconf_required(vf->under)) {
        int error = netdev_reconfigure(vf->under);
        if (error && error != EOPNOTSUPP) {
            return error;
        }
    }
    int error = make_pool(vf);
    if (error) {
        return error;
    }
    vf->port_id = find_port_id(vf->under);
    netdev->n_rxq = vf->under->n_rxq;
    netdev->n_txq = vf->under->n_txq;
    netdev_change_seq_changed(netdev);
    return 0;
}

/* What only passes a call on, with 'error' where there is no device yet. */
#define PASS_ON(NAME, ERROR, PARAMS, ARGS)                                  \
    static int                                                              \
    tenantvf_##NAME PARAMS                                                  \
    {                                                                       \
        struct netdev *under = tenantvf_cast(netdev)->under;                \
        return under ? under->netdev_class->NAME ARGS : ERROR;              \
    }

PASS_ON(set_etheraddr, ENODEV,
        (struct netdev *netdev, const struct eth_addr mac), (under, mac))
PASS_ON(get_stats, ENODEV,
        (const struct netdev *netdev, struct netdev_stats *stats),
        (under, stats))
PASS_ON(get_features, EOPNOTSUPP,
        (const struct netdev *netdev, enum netdev_features *current,
         enum netdev_features *advertised, enum netdev_features *supported,
         enum netdev_features *peer),
        (under, current, advertised, supported, peer))
PASS_ON(get_status, EOPNOTSUPP,
        (const struct netdev *netdev, struct smap *status), (under, status))
PASS_ON(set_policing, EOPNOTSUPP,
        (struct netdev *netdev, unsigned int rate, unsigned int burst,
         unsigned int pkts_rate, unsigned int pkts_burst),
        (under, rate, burst, pkts_rate, pkts_burst))

/* A limit of the port's row holds for its queue: what the device's own class
 * would drop waits. */
static int
tenantvf_get_qos_types(const struct netdev *netdev OVS_UNUSED,
                       struct sset *types)
{
    port_qos_types(types);
    return 0;
}

static int
tenantvf_get_qos(const struct netdev *netdev, const char **typep,
                 struct smap *details)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    *typep = vf->qos_type ? vf->qos_type : "";
    port_qos_describe(*typep, &vf->qos, details);
    return 0;
}

static int
tenantvf_set_qos(struct netdev *netdev, const char *type,
                 const struct smap *details)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    struct qos_settings wanted;
    int error = port_qos_parse(netdev_get_name(netdev), type, details,
                               &wanted);

    if (!error) {
        port_qos_fit(netdev_get_name(netdev), &wanted);
        free(vf->qos_type);
        vf->qos_type = xstrdup(type);
        vf->qos = wanted;
        apply_limit(vf);
    }
    return error;
}

/* The device's, and ours behind them. */
static int
tenantvf_get_custom_stats(const struct netdev *netdev,
                          struct netdev_custom_stats *stats)
{
    struct tenantvf *vf = tenantvf_cast(netdev);
    const struct {
        const char *name;
        atomic_uint64_t *counter;
    } ours[] = {
        { "tx_segmented", &vf->n_segmented },
        { "tx_drop_no_buffer", &vf->n_no_buffer },
        { "tx_drop_offload", &vf->n_malformed },
        { "tx_queued", &vf->queue.n_queued },
        { "tx_held", &vf->queue.n_held },
        { "tx_drop_queue_full", &vf->queue.n_full },
    };

    if (!vf->under
        || vf->under->netdev_class->get_custom_stats(vf->under, stats)) {
        stats->size = 0;
        stats->counters = NULL;
    }
    stats->counters = xrealloc(stats->counters,
                               (stats->size + ARRAY_SIZE(ours))
                               * sizeof *stats->counters);
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        struct netdev_custom_counter *c = &stats->counters[stats->size++];

        memset(c, 0, sizeof *c);
        ovs_strlcpy(c->name, ours[i].name, sizeof c->name);
        atomic_read_relaxed(ours[i].counter, &c->value);
    }
    return 0;
}

static int
tenantvf_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    struct netdev *under = tenantvf_cast(netdev)->under;

    if (!under) {
        *mac = eth_addr_zero;
        return 0;
    }
    return under->netdev_class->get_etheraddr(under, mac);
}

static int
tenantvf_get_numa_id(const struct netdev *netdev)
{
    struct netdev *under = tenantvf_cast(netdev)->under;

    return under ? under->netdev_class->get_numa_id(under)
                 : NETDEV_NUMA_UNSPEC;
}

static int
tenantvf_get_carrier(const struct netdev *netdev, bool *carrier)
{
    struct netdev *under = tenantvf_cast(netdev)->under;

    *carrier = false;
    return under ? under->netdev_class->get_carrier(under, carrier) : 0;
}

static long long int
tenantvf_get_carrier_resets(const struct netdev *netdev)
{
    struct netdev *under = tenantvf_cast(netdev)->under;

    return under ? under->netdev_class->get_carrier_resets(under) : 0;
}

static int
tenantvf_update_flags(struct netdev *netdev, enum netdev_flags off,
                      enum netdev_flags on, enum netdev_flags *old_flags)
{
    struct netdev *under = tenantvf_cast(netdev)->under;

    *old_flags = 0;
    return under ? under->netdev_class->update_flags(under, off, on,
                                                     old_flags)
                 : 0;
}

static const struct netdev_class tenantvf_class = {
    .type = "tenantvf",
    .is_pmd = true,
    .run = tenantvf_run,
    .alloc = tenantvf_alloc,
    .construct = tenantvf_construct,
    .destruct = tenantvf_destruct,
    .dealloc = tenantvf_dealloc,
    .get_config = tenantvf_get_config,
    .set_config = tenantvf_set_config,
    .get_numa_id = tenantvf_get_numa_id,
    .set_tx_multiq = tenantvf_set_tx_multiq,
    .send = tenantvf_send,
    .set_etheraddr = tenantvf_set_etheraddr,
    .get_etheraddr = tenantvf_get_etheraddr,
    .get_mtu = tenantvf_get_mtu,
    .set_mtu = tenantvf_set_mtu,
    .get_carrier = tenantvf_get_carrier,
    .get_carrier_resets = tenantvf_get_carrier_resets,
    .get_stats = tenantvf_get_stats,
    .get_custom_stats = tenantvf_get_custom_stats,
    .get_features = tenantvf_get_features,
    .get_status = tenantvf_get_status,
    .set_policing = tenantvf_set_policing,
    .get_qos_types = tenantvf_get_qos_types,
    .get_qos = tenantvf_get_qos,
    .set_qos = tenantvf_set_qos,
    .update_flags = tenantvf_update_flags,
    .reconfigure = tenantvf_reconfigure,
    .rxq_alloc = tenantvf_rxq_alloc,
    .rxq_construct = tenantvf_rxq_construct,
    .rxq_destruct = tenantvf_rxq_destruct,
    .rxq_dealloc = tenantvf_rxq_dealloc,
    .rxq_recv = tenantvf_rxq_recv,
};

void
tenantvf_counts(uint64_t *tx_bytes, uint64_t *n_held)
{
    struct tenantvf *vf;

    *tx_bytes = *n_held = 0;
    LIST_FOR_EACH (vf, all_node, &all_vfs) {
        struct netdev_stats stats;
        uint64_t n;

        if (vf->under && !tenantvf_get_stats(&vf->up, &stats)) {
            *tx_bytes += stats.tx_bytes;
        }
        atomic_read_relaxed(&vf->queue.n_held, &n);
        *n_held += n;
    }
}

static void
unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct tenantvf *vf;

    LIST_FOR_EACH (vf, all_node, &all_vfs) {
        ds_put_format(&ds, "%s: ", netdev_get_name(&vf->up));
        tenantvf_queue_describe(&vf->queue, &ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
tenantvf_register(void)
{
    netdev_register_provider(&tenantvf_class);
    unixctl_command_register("tenantvf/show", "", 0, 0, unixctl_show, NULL);
}
