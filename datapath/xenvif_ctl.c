/* What the main thread does to a port from the netdom room: attach and detach
 * rings, set policy, read counters; and "xenvif/show". */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include <rte_ring.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "seq.h"
#include "unixctl.h"

VLOG_DEFINE_THIS_MODULE(xenvif);

struct ovs_list xenvif_all = OVS_LIST_INITIALIZER(&xenvif_all);

static const struct xen_ops *xen_ops;
static struct xen_platform *xen_platform;
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
xenvif_cut_off(struct xenvif *vif, const struct vif_conn *conn)
{
    atomic_store_explicit(&vif->malice, vif_conn_malice(conn),
                          memory_order_release);
    xenvif_changed();
}

/* Main thread.  Never 0. */
uint64_t
xenvif_next_serial(void)
{
    static uint64_t serial;
    return ++serial;
}

static struct xenvif *
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
    return xenvif_find(id) ? 1 : 0;
}

int
xenvif_set_multicast_control(struct xenvif_id id, bool on OVS_UNUSED)
{
    return xenvif_find(id) ? 0 : -ENOENT;
}

int
xenvif_set_xdp_headroom(struct xenvif_id id, uint16_t bytes OVS_UNUSED)
{
    return xenvif_find(id) ? 0 : -ENOENT;
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

    return vif ? vif->mtu : 0;
}

int
xenvif_set_mtu_wish(struct xenvif_id id, unsigned int mtu OVS_UNUSED)
{
    return xenvif_find(id) ? 0 : -ENOENT;
}

int
xenvif_attach(struct xenvif_id id, const struct vif_frontend *frontend)
{
    struct xenvif *vif = xenvif_find(id);
    const struct vif_queue_params *queue = &frontend->queues[0];
    struct vif_conn_params params = {
        frontend->domid, queue->tx_gref, queue->rx_gref, queue->tx_port,
        queue->rx_port, frontend->sg, frontend->rx_notify,
    };
    bool closing;

    if (!vif || !vif->pool) {
        return -ENOENT;
    }
    if (!xen_ops) {
        return -ENODEV;
    }
    atomic_read_relaxed(&vif->closing, &closing);
    if (closing || ovsrcu_get_protected(struct xenvif_link *, &vif->link)) {
        return -EBUSY;
    }

    if (frontend->n_queues > xenvif_max_queues(id)) {
        return -E2BIG;
    }

    struct vif_conn *conn;
    int error = vif_conn_open(xen_ops, xen_platform, &params, &conn);
    if (error) {
        return error;
    }

    struct xenvif_link *link = xmalloc(sizeof *link);
    link->conn = conn;
    link->vif = vif;
    link->serial = xenvif_next_serial();
    atomic_store_relaxed(&vif->malice, NULL);
    ovsrcu_set(&vif->link, link);
    vif->carrier_resets++;
    netdev_change_seq_changed(&vif->up);
    doorbell_kick(&vif->member);
    return 0;
}

/* Runs when no thread can reach 'link' any more. */
static void
xenvif_link_close(struct xenvif_link *link)
{
    vif_conn_close(link->conn);
    atomic_store_explicit(&link->vif->closing, false, memory_order_release);
    free(link);
    xenvif_changed();
}

int
xenvif_detach(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    if (!vif) {
        return -ENOENT;
    }

    struct xenvif_link *link = ovsrcu_get_protected(struct xenvif_link *,
                                                    &vif->link);
    if (link) {
        atomic_store_relaxed(&vif->closing, true);
        ovsrcu_set(&vif->link, NULL);
        ovsrcu_postpone(xenvif_link_close, link);
        vif->carrier_resets++;
        netdev_change_seq_changed(&vif->up);
        doorbell_kick(&vif->member);
    }
    return 0;
}

bool
xenvif_detached(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    bool closing;

    if (!vif) {
        return true;
    }
    atomic_read_explicit(&vif->closing, &closing, memory_order_acquire);
    return !closing && !ovsrcu_get_protected(struct xenvif_link *,
                                             &vif->link);
}

void
xenvif_unlink(struct xenvif *vif)
{
    struct xenvif_link *link = ovsrcu_get_protected(struct xenvif_link *,
                                                    &vif->link);
    if (link) {
        ovsrcu_set(&vif->link, NULL);
        vif_conn_close(link->conn);
        free(link);
    }
}

int
xenvif_set_policy(struct xenvif_id id, const struct xenvif_policy *policy)
{
    struct xenvif *vif = xenvif_find(id);
    if (!vif) {
        return -ENOENT;
    }

    struct xenvif_policy_rcu *old
        = ovsrcu_get_protected(struct xenvif_policy_rcu *, &vif->policy);
    if (!memcmp(&old->policy, policy, sizeof *policy)) {
        return 0;
    }
    struct xenvif_policy_rcu *new = xmalloc(sizeof *new);
    memcpy(&new->policy, policy, sizeof *policy);
    new->serial = old->serial + 1;
    ovsrcu_set(&vif->policy, new);
    ovsrcu_postpone(free, old);
    doorbell_kick(&vif->member);
    return 0;
}

const char *
xenvif_malice(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    const char *malice = NULL;

    if (vif) {
        atomic_read_explicit(&vif->malice, &malice, memory_order_acquire);
    }
    return malice;
}

void
xenvif_pardon(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);

    if (vif) {
        atomic_store_relaxed(&vif->malice, NULL);
    }
}

void
xenvif_accuse(struct xenvif_id id, const char *why OVS_UNUSED)
{
    xenvif_find(id);
}

void
xenvif_sum_stats(const struct xenvif *vif_, struct vif_stats *stats)
{
    struct xenvif *vif = CONST_CAST(struct xenvif *, vif_);

    *stats = vif->stats;
    for (int i = 0; i < VIF_N_DROPS; i++) {
        uint64_t n;

        atomic_read_relaxed(&vif->send_drops[i], &n);
        stats->drops[i] += n;
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

static void
show_profile(struct ds *ds, const char *direction,
             const struct qos_profile *profile)
{
    if (profile->rate_bps) {
        ds_put_format(ds, "  %s limit: %"PRIu64" bit/s, burst %"PRIu64
                      " bytes\n", direction, profile->rate_bps,
                      profile->burst_bytes);
    } else {
        ds_put_format(ds, "  %s limit: none\n", direction);
    }
}

static void
show_port(struct ds *ds, struct xenvif *vif)
{
    const struct xenvif_policy_rcu *p
        = ovsrcu_get(struct xenvif_policy_rcu *, &vif->policy);
    const struct xenvif_link *link
        = ovsrcu_get(struct xenvif_link *, &vif->link);
    struct vif_stats stats;
    const char *malice;

    atomic_read_relaxed(&vif->malice, &malice);
    ds_put_format(ds, "%s: guest domid %u devid %u, mtu %d, %s",
                  netdev_get_name(&vif->up), vif->id.domid, vif->id.devid,
                  vif->mtu, link ? "connected" : "not connected");
    if (malice) {
        ds_put_format(ds, ", cut off: %s", malice);
    }
    ds_put_char(ds, '\n');
    show_profile(ds, "transmit", &p->policy.tx);
    show_profile(ds, "receive", &p->policy.rx);
    if (link) {
        struct vif_conn_info info;
        uint32_t queued_bytes;

        vif_conn_info(link->conn, &info);
        atomic_read_relaxed(&vif->rx_queue_bytes, &queued_bytes);
        ds_put_format(ds, "  tx ring: req_prod %"PRIu32" req_cons %"PRIu32
                      " rsp_prod %"PRIu32"\n", info.tx_req_prod,
                      info.tx_req_cons, info.tx_rsp_prod);
        ds_put_format(ds, "  rx ring: req_prod %"PRIu32" req_cons %"PRIu32
                      " rsp_prod %"PRIu32"\n", info.rx_req_prod,
                      info.rx_req_cons, info.rx_rsp_prod);
        ds_put_format(ds, "  rx queue: %"PRIu32" bytes\n", queued_bytes);
    }

    xenvif_sum_stats(vif, &stats);
    ds_put_format(ds, "  tx: %"PRIu64" frames %"PRIu64" bytes, throttled %"
                  PRIu64"\n  rx: %"PRIu64" frames %"PRIu64" bytes\n",
                  stats.tx_frames, stats.tx_bytes, stats.tx_throttled,
                  stats.rx_frames, stats.rx_bytes);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        if (stats.drops[i]) {
            ds_put_format(ds, "  %s: %"PRIu64"\n", vif_drop_names[i],
                          stats.drops[i]);
        }
    }
}

static void
xenvif_unixctl_show(struct unixctl_conn *conn, int argc, const char *argv[],
                    void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct xenvif *vif;
    bool found = argc < 2;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        if (argc < 2 || !strcmp(argv[1], netdev_get_name(&vif->up))) {
            show_port(&ds, vif);
            found = true;
        }
    }
    if (found) {
        struct xen_ops_counts counts = { .copy_calls = 0 };
        struct doorbell_counts sleeps;

        if (xen_ops && xen_platform) {
            xen_ops->counts(xen_platform, &counts);
        }
        doorbell_get_counts(&sleeps);
        if (argc < 2) {
            ds_put_format(&ds, "all: %"PRIu64" grant copies of %"PRIu64
                          " segments, %"PRIu64" notifies, %"PRIu64
                          " sleeps, %"PRIu64" kicks\n", counts.copy_calls,
                          counts.copy_segs, counts.notifies, sleeps.sleeps,
                          sleeps.kicks);
        }
        unixctl_command_reply(conn, ds_cstr(&ds));
    } else {
        unixctl_command_reply_error(conn, "no such xenvif port");
    }
    ds_destroy(&ds);
}

void
xenvif_ctl_init(const struct xen_ops *ops, struct xen_platform *platform)
{
    xen_ops = ops;
    xen_platform = platform;
    changed_seq = seq_create();
    unixctl_command_register("xenvif/show", "[PORT]", 0, 1,
                             xenvif_unixctl_show, NULL);
}
