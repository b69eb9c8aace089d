/* What the main thread does to a port from the netdom room: policy, malice,
 * what a frontend changes while it is attached. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include "openvswitch/vlog.h"
#include "seq.h"

VLOG_DEFINE_THIS_MODULE(xenvif);

struct ovs_list xenvif_all = OVS_LIST_INITIALIZER(&xenvif_all);

static struct seq *changed_seq;

struct seq *
xenvif_seq(void)
{
    return changed_seq;
}

void
xenvif_changed(void)
{
    seq_change(changed_seq);
}

void
xenvif_kick(struct xenvif *vif)
{
    for (int i = 0; i < vif->up.n_rxq; i++) {
        if (vif->queues[i]) {
            doorbell_kick(&vif->queues[i]->member);
        }
    }
}

struct xenvif *
xenvif_find(struct xenvif_id id)
{
    struct xenvif *vif;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        if (vif->configured && vif->id.domid == id.domid
            && vif->id.devid == id.devid) {
            return vif;
        }
    }
    return NULL;
}

size_t
xenvif_list(struct xenvif_id *ids, size_t max)
{
    struct xenvif *vif;
    size_t n = 0;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        /* Without a pool the port is not part of a datapath yet. */
        if (vif->configured && vif->pool) {
            if (n < max) {
                ids[n] = vif->id;
            }
            n++;
        }
    }
    return n;
}

uint64_t
xenvif_port_serial(struct xenvif_id id)
{
    const struct xenvif *vif = xenvif_find(id);

    return vif && vif->pool ? vif->serial : 0;
}

unsigned int
xenvif_max_queues(struct xenvif_id id)
{
    const struct xenvif *vif = xenvif_find(id);

    return vif ? vif->max_queues : 0;
}

static struct xenvif_link *
find_link(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);

    return vif ? ovsrcu_get_protected(struct xenvif_link *, &vif->link)
               : NULL;
}

int
xenvif_set_multicast_control(struct xenvif_id id, bool on)
{
    struct xenvif_link *link = find_link(id);

    if (!link) {
        return -ENOENT;
    }
    vif_mcast_want(&link->journal->mcast, on);
    link->journal->frontend.multicast_control = on;
    return 0;
}

int
xenvif_set_xdp_headroom(struct xenvif_id id, uint16_t bytes)
{
    struct xenvif_link *link = find_link(id);

    if (!link) {
        return -ENOENT;
    }
    if (bytes > VIF_XDP_HEADROOM_MAX) {
        return -EINVAL;
    }
    for (unsigned int i = 0; i < link->n_queues; i++) {
        vif_conn_set_xdp_headroom(link->queues[i], bytes);
    }
    link->journal->frontend.xdp_headroom_bytes = bytes;
    return 0;
}

bool
xenvif_carrier(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    uint32_t flags = 0;

    if (vif) {
        atomic_read_relaxed(&vif->flags, &flags);
    }
    return flags & NETDEV_UP;
}

unsigned int
xenvif_mtu(struct xenvif_id id)
{
    const struct xenvif *vif = xenvif_find(id);

    return vif && vif->pool ? vif->mtu : 0;
}

int
xenvif_set_mtu_wish(struct xenvif_id id, unsigned int mtu)
{
    struct xenvif *vif = xenvif_find(id);

    if (!vif) {
        return -ENOENT;
    }
    if (mtu < 68 || mtu > XENVIF_MTU_MAX) {
        return -EINVAL;
    }
    if (!vif->mtu_by_database && vif->requested_mtu != (int) mtu) {
        ovs_mutex_lock(&vif->mutex);
        vif->requested_mtu = mtu;
        ovs_mutex_unlock(&vif->mutex);
        netdev_request_reconfigure(&vif->up);
    }
    return 0;
}

int
xenvif_set_policy(struct xenvif_id id, const struct xenvif_policy *policy)
{
    struct xenvif *vif = xenvif_find(id);
    if (!vif) {
        return -ENOENT;
    }

    struct xenvif_policy *old
        = ovsrcu_get_protected(struct xenvif_policy *, &vif->policy);
    if (!memcmp(old, policy, sizeof *policy)) {
        return 0;
    }

    ovsrcu_set(&vif->policy, xmemdup(policy, sizeof *policy));
    ovsrcu_postpone(free, old);
    xenvif_apply_limits(vif);
    return 0;
}

const char *
xenvif_malice(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    uint32_t malice;

    if (!vif) {
        return NULL;
    }
    atomic_read_explicit(&vif->malice, &malice, memory_order_acquire);
    return (malice == VIF_MALICE_BEFORE ? vif->accused
            : malice ? vif_malice_sentences[malice] : NULL);
}

void
xenvif_pardon(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);

    if (vif) {
        atomic_store_relaxed(&vif->malice, VIF_MALICE_NONE);
        vif->accused[0] = '\0';
    }
}

void
xenvif_accuse(struct xenvif_id id, const char *why)
{
    struct xenvif *vif = xenvif_find(id);

    if (vif) {
        ovs_strlcpy(vif->accused, why, sizeof vif->accused);
        xenvif_cut_off(vif, VIF_MALICE_BEFORE);
    }
}

int
xenvif_get_stats(struct xenvif_id id, struct vif_stats *stats, char name[16])
{
    struct xenvif *vif = xenvif_find(id);
    if (!vif) {
        return -ENOENT;
    }
    xenvif_sum_stats(vif, stats);
    ovs_strzcpy(name, netdev_get_name(&vif->up), 16);
    return 0;
}

void
xenvif_ctl_init(void)
{
    changed_seq = seq_create();
}
