/* What the domain's own database says of a port's limits, in the columns that
 * any port of Open vSwitch has: ingress_policing_*, and qos with a type.  It
 * can make dom0's limits tighter, and no more: the lower rate and the smaller
 * burst hold.
 *
 * What the guest sends is "ingress" here, what it receives is "egress".  Frames
 * are not dropped for it at once, as a policer would: they wait, as for any
 * other limit of ours. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include "datapath/port_qos.h"
#include "openvswitch/vlog.h"
#include "smap.h"

VLOG_DEFINE_THIS_MODULE(xenvif_qos);

/* Open vSwitch's own: a policing burst of 0, in kbit. */
#define POLICING_BURST_KBIT 8000u

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* What is in force: dom0's, lowered by the database's. */
void
xenvif_limits(const struct xenvif *vif, bool tx, struct qos_settings *s,
              const char **source)
{
    const struct xenvif_policy *policy
        = ovsrcu_get_protected(struct xenvif_policy *, &vif->policy);
    const struct qos_settings *ours = tx ? &vif->db_tx : &vif->db_rx;

    *s = tx ? policy->tx : policy->rx;
    uint64_t before_bps = s->rate_bps;
    qos_settings_lower(s, ours);
    *source = (s->rate_bps != before_bps ? "the port's row"
               : tx && policy->tx_source ? policy->tx_source : "policy");
}

void
xenvif_apply_limits(struct xenvif *vif)
{
    uint64_t now_ns = doorbell_now_ns();
    struct qos_settings tx, rx;
    const char *source;

    xenvif_limits(vif, true, &tx, &source);
    xenvif_limits(vif, false, &rx, &source);
    qos_node_set(&vif->tx_node, &tx, now_ns);
    qos_node_set(&vif->rx_node, &rx, now_ns);

    uint64_t bytes = rx.rate_bps / 8 / 1000 * XENVIF_RX_QUEUE_MS;
    if (!rx.rate_bps || bytes > XENVIF_RX_QUEUE_MAX_BYTES) {
        bytes = XENVIF_RX_QUEUE_MAX_BYTES;
    }
    atomic_store_relaxed(&vif->rx_queue_limit_bytes,
                         MAX(bytes, XENVIF_RX_QUEUE_MIN_BYTES));
    /* No less than a frame takes. */
    uint64_t frame_ns = rx.rate_bps
                        ? XENVIF_FRAME_BYTES(vif->mtu) * UINT64_C(8000000000)
                          / rx.rate_bps : 0;
    atomic_store_relaxed(&vif->rx_target_ns,
                         MAX(frame_ns, QOS_CODEL_TARGET_NS));
    xenvif_tree_connect();
    xenvif_kick(vif);
    netdev_change_seq_changed(&vif->up);    /* Its status says so. */
}

/* Puts what the database says in force. */
static void
set_ours(struct xenvif *vif, struct qos_settings *ours,
         struct qos_settings wanted)
{
    port_qos_fit(netdev_get_name(&vif->up), &wanted);
    if (!qos_settings_equal(ours, &wanted)) {
        *ours = wanted;
        xenvif_apply_limits(vif);
    }
}

int
xenvif_set_policing(struct netdev *netdev, unsigned int kbits_rate,
                    unsigned int kbits_burst, unsigned int kpkts_rate,
                    unsigned int kpkts_burst)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct qos_settings wanted = {
        .rate_bps = UINT64_C(1000) * kbits_rate,
        .rate_pps = UINT64_C(1000) * kpkts_rate,
        .burst_packets = UINT64_C(1000) * kpkts_burst,
    };

    if (kbits_rate) {
        wanted.burst_bytes = UINT64_C(1000) / 8
                             * (kbits_burst ? kbits_burst
                                            : POLICING_BURST_KBIT);
    }
    set_ours(vif, &vif->db_tx, wanted);
    return 0;
}

int
xenvif_get_qos_types(const struct netdev *netdev OVS_UNUSED,
                     struct sset *types)
{
    port_qos_types(types);
    return 0;
}

int
xenvif_set_qos(struct netdev *netdev, const char *type,
               const struct smap *details)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct qos_settings wanted;
    int error = port_qos_parse(netdev_get_name(netdev), type, details,
                               &wanted);

    if (!error) {
        free(vif->db_qos_type);
        vif->db_qos_type = xstrdup(type);
        set_ours(vif, &vif->db_rx, wanted);
    }
    return error;
}

int
xenvif_get_qos(const struct netdev *netdev, const char **typep,
               struct smap *details)
{
    const struct xenvif *vif = xenvif_cast(netdev);

    *typep = vif->db_qos_type ? vif->db_qos_type : "";
    port_qos_describe(*typep, &vif->db_rx, details);
    return 0;
}

/* All frames for a guest are in one queue.  That Open vSwitch makes an empty
 * queue 0 means nothing; another has settings that would be lost. */
int
xenvif_set_queue(struct netdev *netdev, unsigned int queue_id,
                 const struct smap *details)
{
    if (!queue_id && smap_is_empty(details)) {
        return 0;
    }
    VLOG_WARN_RL(&rl, "%s: queue %u of its QoS is without effect: a port of "
                 "this type has limits, and no queues of OpenFlow",
                 netdev_get_name(netdev), queue_id);
    return EOPNOTSUPP;
}
