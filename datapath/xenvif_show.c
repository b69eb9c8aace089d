/* A port's counters and status, for the database and for "xenvif/show". */

#include <config.h>

#include "datapath/xenvif_port.h"

#include "datapath/foreign.h"
#include "datapath/isolation.h"
#include "datapath/vif_ctrl.h"
#include "datapath/vif_grefs.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xenvif_show);

void
xenvif_sum_stats(const struct xenvif *vif_, struct vif_stats *stats)
{
    struct xenvif *vif = CONST_CAST(struct xenvif *, vif_);

    memset(stats, 0, sizeof *stats);
    for (unsigned int i = 0; i < VIF_QUEUES_MAX; i++) {
        if (vif->queues[i]) {
            vif_stats_add(stats, &vif->queues[i]->stats);
        }
    }
    for (int i = 0; i < VIF_N_DROPS; i++) {
        uint64_t n;

        atomic_read_relaxed(&vif->send_drops[i], &n);
        stats->drops[i] += n;
    }
}

int
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

int
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

static void
add_number(struct smap *status, bool tx, const char *name, uint64_t value)
{
    if (value) {
        char *key = xasprintf("%s_%s", tx ? "tx" : "rx", name);

        smap_add_format(status, key, "%"PRIu64, value);
        free(key);
    }
}

/* What is in force, in words that a controller reads. */
static void
add_limits(const struct xenvif *vif, bool tx, struct smap *status)
{
    struct qos_settings s;
    const char *source;

    xenvif_limits(vif, tx, &s, &source);
    add_number(status, tx, "rate_bps", s.rate_bps);
    add_number(status, tx, "burst_bytes", s.rate_bps ? s.burst_bytes : 0);
    add_number(status, tx, "rate_pps", s.rate_pps);
    add_number(status, tx, "min_rate_bps", s.guarantee_bps);
    add_number(status, tx, "weight", s.weight);
    if (s.rate_bps) {
        smap_add(status, tx ? "tx_source" : "rx_source", source);
    }
}

int
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
    for (int tx = 0; tx < 2; tx++) {
        add_limits(vif, tx, status);
    }
    return 0;
}

static void
show_profile(struct ds *ds, const char *direction,
             const struct qos_settings *s)
{
    if (s->rate_bps) {
        ds_put_format(ds, "  %s limit: %"PRIu64" bit/s, burst %"PRIu64
                      " bytes\n", direction, s->rate_bps, s->burst_bytes);
    } else {
        ds_put_format(ds, "  %s limit: none\n", direction);
    }
}

static void
show_queue(struct ds *ds, const struct xenvif_queue *q,
           const struct vif_conn *conn)
{
    const struct vif_grefs *grefs = vif_conn_grefs(conn);
    struct vif_conn_info info;
    uint32_t queued_bytes;

    vif_conn_info(conn, &info);
    atomic_read_relaxed(&CONST_CAST(struct xenvif_queue *, q)->rx_queue_bytes,
                        &queued_bytes);
    ds_put_format(ds, "  queue %u: tx ring req_prod %"PRIu32" req_cons %"
                  PRIu32" rsp_prod %"PRIu32"; rx ring req_prod %"PRIu32
                  " req_cons %"PRIu32" rsp_prod %"PRIu32"; rx queue %"PRIu32
                  " bytes; %u pages mapped; tx %"PRIu64" rx %"PRIu64
                  " frames\n", q->id, info.tx_req_prod, info.tx_req_cons,
                  info.tx_rsp_prod, info.rx_req_prod, info.rx_req_cons,
                  info.rx_rsp_prod, queued_bytes, grefs ? grefs->n : 0,
                  q->stats.tx_frames, q->stats.rx_frames);
}

static void
show_link(struct ds *ds, const struct xenvif *vif,
          const struct xenvif_link *link)
{
    const struct vif_frontend *f = &link->frontend;
    const struct vif_hash *hash = ovsrcu_get(struct vif_hash *, &link->hash);

    ds_put_format(ds, "  frontend takes:%s%s%s%s%s%s%s; multicast control %s,"
                  " %u addresses; headroom %u bytes; hash %s,"
                  " %u control requests\n",
                  f->sg ? " sg" : "", f->gso_v4 ? " gso-tcpv4" : "",
                  f->gso_v6 ? " gso-tcpv6" : "",
                  f->csum_v4 ? " csum-ipv4" : "",
                  f->csum_v6 ? " csum-ipv6" : "",
                  f->rx_notify ? " rx-notify" : "",
                  f->has_ctrl ? " ctrl-ring" : "",
                  link->journal->mcast.wanted ? "on" : "off",
                  link->journal->mcast.n,
                  link->journal->frontend.xdp_headroom_bytes,
                  hash->algorithm && hash->flags ? "toeplitz" : "our own",
                  (unsigned int) (vif->n_ctrl_requests
                                  + (link->ctrl
                                     ? vif_ctrl_n_requests(link->ctrl) : 0)));
    for (unsigned int i = 0; i < link->n_queues; i++) {
        show_queue(ds, vif->queues[i], link->queues[i]);
    }
}

static void
show_stats(struct ds *ds, const struct xenvif *vif)
{
    struct vif_stats stats;

    xenvif_sum_stats(vif, &stats);
    ds_put_format(ds, "  tx: %"PRIu64" frames %"PRIu64" bytes, throttled %"
                  PRIu64"\n  rx: %"PRIu64" frames %"PRIu64" bytes\n",
                  stats.tx_frames, stats.tx_bytes, stats.tx_throttled,
                  stats.rx_frames, stats.rx_bytes);
#define X(NAME)                                                             \
    if (stats.NAME) {                                                       \
        ds_put_format(ds, "  " #NAME ": %"PRIu64"\n", stats.NAME);          \
    }
    VIF_COUNTS(X)
#undef X
    for (int i = 0; i < VIF_N_DROPS; i++) {
        if (stats.drops[i]) {
            ds_put_format(ds, "  %s: %"PRIu64"\n", vif_drop_names[i],
                          stats.drops[i]);
        }
    }
}

static void
show_port(struct ds *ds, struct xenvif *vif)
{
    const struct xenvif_link *link
        = ovsrcu_get(struct xenvif_link *, &vif->link);
    const char *malice = xenvif_malice(vif->id);

    ds_put_format(ds, "%s: guest domid %u devid %u, mtu %d, %s",
                  netdev_get_name(&vif->up), vif->id.domid, vif->id.devid,
                  vif->mtu, link ? "connected" : "not connected");
    if (link) {
        ds_put_format(ds, ", %u queue%s", link->n_queues,
                      link->n_queues > 1 ? "s" : "");
    }
    if (malice) {
        ds_put_format(ds, ", cut off: %s", malice);
    }
    ds_put_char(ds, '\n');
    for (int tx = 1; tx >= 0; tx--) {
        struct qos_settings s;
        const char *source;

        xenvif_limits(vif, tx, &s, &source);
        show_profile(ds, tx ? "transmit" : "receive", &s);
    }
    if (link) {
        show_link(ds, vif, link);
    }
    show_stats(ds, vif);
}

static void
show_all(struct ds *ds)
{
    struct xen_ops_counts counts = { .copy_calls = 0 };
    struct doorbell_counts sleeps;
    struct xen_platform *platform;
    const struct xen_ops *ops = xenvif_platform(&platform);
    char text[128];

    if (ops && platform) {
        ops->counts(platform, &counts);
    }
    doorbell_get_counts(&sleeps);
    offload_describe(text, sizeof text);
    ds_put_format(ds, "all: %"PRIu64" grant copies of %"PRIu64" segments, %"
                  PRIu64" maps, %"PRIu64" unmaps, %"PRIu64" notifies, %"PRIu64
                  " sleeps, %"PRIu64" kicks\nsegmentation: %s\n",
                  counts.copy_calls, counts.copy_segs, counts.maps,
                  counts.unmaps, counts.notifies, sleeps.sleeps,
                  sleeps.kicks, text);
}

static void
unixctl_show(struct unixctl_conn *conn, int argc, const char *argv[],
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
        if (argc < 2) {
            show_all(&ds);
        }
        unixctl_command_reply(conn, ds_cstr(&ds));
    } else {
        unixctl_command_reply_error(conn, "no such xenvif port");
    }
    ds_destroy(&ds);
}

static void
unixctl_limits(struct unixctl_conn *conn, int argc OVS_UNUSED,
               const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    xenvif_tree_show(&ds);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* False: it has been refused. */
static bool
parse_switch(struct unixctl_conn *conn, const char *text, bool *on)
{
    *on = !strcmp(text, "on");
    if (!*on && strcmp(text, "off")) {
        unixctl_command_reply_error(conn, "say on or off");
        return false;
    }
    return true;
}

static void
unixctl_isolation(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[], void *aux OVS_UNUSED)
{
    bool on;

    if (parse_switch(conn, argv[1], &on)) {
        if (!on) {
            VLOG_WARN("vifs are no longer kept apart: xenvif/isolation off");
        }
        atomic_store_relaxed(&isolation_on, on);
        unixctl_command_reply(conn, NULL);
    }
}

static void
unixctl_codel(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[], void *aux OVS_UNUSED)
{
    bool on;

    if (parse_switch(conn, argv[1], &on)) {
        xenvif_rx_set_codel(on);
        unixctl_command_reply(conn, NULL);
    }
}

void
xenvif_show_init(void)
{
    unixctl_command_register("xenvif/codel", "on|off", 1, 1, unixctl_codel,
                             NULL);
    unixctl_command_register("xenvif/isolation", "on|off", 1, 1,
                             unixctl_isolation, NULL);
    unixctl_command_register("xenvif/limits", "", 0, 0, unixctl_limits, NULL);
    unixctl_command_register("xenvif/show", "[PORT]", 0, 1, unixctl_show,
                             NULL);
}
