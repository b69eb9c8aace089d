/* The class "tenantvf": a shell around a port of OVS's class "dpdk". */

#include <config.h>

#include "datapath/tenantvf.h"

#include <errno.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "datapath/doorbell.h"
#include "datapath/foreign.h"
#include "datapath/pool.h"
#include "datapath/tenantvf_port.h"
#include "datapath/turn.h"
#include "datapath/wakeup.h"
#include "dp-packet.h"
#include "dpdk.h"
#include "netdev-provider.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdev_tenantvf);

struct tenantvf_rxq {
    struct netdev_rxq up;
    struct netdev_rxq *under;
    struct doorbell_member member;
    struct turn turn;                   /* Nobody's. */
    int wake_fd;                        /* -1: the device needs none, or has
                                         * none.  Not shared: each thread
                                         * empties its own. */
};

/* netdev_close() may not be called in destruct: done in the class's run. */
struct leaving_netdev {
    struct ovs_list node;
    struct netdev *netdev;
};

static struct ovs_list leaving = OVS_LIST_INITIALIZER(&leaving);
static struct ovs_list all_vfs = OVS_LIST_INITIALIZER(&all_vfs);

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
    ovs_list_push_back(&all_vfs, &vf->all_node);
    return 0;
}

static void
tenantvf_destruct(struct netdev *netdev)
{
    struct tenantvf *vf = tenantvf_cast(netdev);

    ovs_list_remove(&vf->all_node);
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
PASS_ON(get_qos_types, 0,
        (const struct netdev *netdev, struct sset *types), (under, types))
PASS_ON(get_qos, EOPNOTSUPP,
        (const struct netdev *netdev, const char **type,
         struct smap *details), (under, type, details))
PASS_ON(set_qos, EOPNOTSUPP,
        (struct netdev *netdev, const char *type,
         const struct smap *details), (under, type, details))

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

static bool
tenantvf_arm(struct doorbell_member *member)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(member, struct tenantvf_rxq,
                                            member);

    /* A frame that came before this is found in the turn that follows. */
    if (rxq->wake_fd >= 0) {
        wakeup_drain(rxq->wake_fd);
    }
    return false;
}

static void
tenantvf_woke(struct doorbell_member *member OVS_UNUSED)
{
}

static const struct doorbell_ops tenantvf_doorbell_ops = {
    tenantvf_arm, tenantvf_woke
};

static struct netdev_rxq *
tenantvf_rxq_alloc(void)
{
    struct tenantvf_rxq *rxq = xzalloc(sizeof *rxq);
    return &rxq->up;
}

/* The interface behind "net_af_packet0,iface=NAME", or null. */
static char *
af_packet_iface(const char *devargs)
{
    const char *iface = strstr(devargs, ",iface=");

    if (strncmp(devargs, "net_af_packet", 13) || !iface) {
        return NULL;
    }
    iface += strlen(",iface=");
    return xmemdup0(iface, strcspn(iface, ","));
}

static void
open_wakeup(struct tenantvf_rxq *rxq, const struct tenantvf *vf)
{
    char *iface = af_packet_iface(vf->devargs);

    rxq->wake_fd = -1;
    if (iface) {
        int fd = wakeup_open(iface);

        if (fd >= 0) {
            rxq->wake_fd = fd;
            doorbell_set_fds(&rxq->member, &fd, 1);
        } else {
            VLOG_WARN("%s: no wake-up socket on %s (%s): it is looked after "
                      "all the time", netdev_get_name(&vf->up), iface,
                      ovs_strerror(-fd));
        }
        free(iface);
    }
}

static void
close_wakeup(struct tenantvf_rxq *rxq)
{
    doorbell_member_destroy(&rxq->member);
    if (rxq->wake_fd >= 0) {
        close(rxq->wake_fd);
    }
}

static int
tenantvf_rxq_construct(struct netdev_rxq *rxq_)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);
    struct tenantvf *vf = tenantvf_cast(rxq_->netdev);

    doorbell_member_init(&rxq->member, &tenantvf_doorbell_ops);
    open_wakeup(rxq, vf);

    int error = netdev_rxq_open(vf->under, &rxq->under, rxq_->queue_id);
    if (error) {
        close_wakeup(rxq);
    }
    return error;
}

static void
tenantvf_rxq_destruct(struct netdev_rxq *rxq_)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);

    close_wakeup(rxq);
    netdev_rxq_close(rxq->under);
}

static void
tenantvf_rxq_dealloc(struct netdev_rxq *rxq_)
{
    free(CONTAINER_OF(rxq_, struct tenantvf_rxq, up));
}

static int
tenantvf_rxq_recv(struct netdev_rxq *rxq_, struct dp_packet_batch *batch,
                  int *qfill)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);
    uint64_t polled_ns = doorbell_now_ns();
    turn_end(polled_ns);
    uint64_t now_ns = doorbell_poll(&rxq->member, polled_ns);
    turn_begin(&rxq->turn, polled_ns, now_ns, NETDEV_MAX_BURST);
    const struct netdev_class *class = rxq->under->netdev->netdev_class;

    int error = class->rxq_recv(rxq->under, batch, qfill);

    /* A device that cannot wake us is looked after often. */
    uint64_t deadline_ns = rxq->wake_fd >= 0 ? UINT64_MAX : now_ns + 100000;
    doorbell_report(&rxq->member, !error, deadline_ns, now_ns);
    return error;
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
tenantvf_register(void)
{
    netdev_register_provider(&tenantvf_class);
}
