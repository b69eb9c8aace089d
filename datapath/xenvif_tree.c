/* Whose limits a vif is under: its own, those of its group if dom0 put it into
 * one, and those of all vifs together.  A tree for each direction. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include "openvswitch/vlog.h"

VLOG_DEFINE_THIS_MODULE(xenvif_tree);

/* Limits that several vifs share. */
struct shared {
    struct ovs_list node;               /* In 'groups'. */
    struct xenvif_shared is;
    struct qos_node tx_node, rx_node;
};

/* Main thread. */
static struct ovs_list groups = OVS_LIST_INITIALIZER(&groups);
static struct shared root;              /* All vifs. */

static const struct qos_settings no_limit = { .weight = 1 };
static const struct xenvif_shared none = {
    .tx = { .weight = 1 }, .rx = { .weight = 1 },
};

static struct qos_node *
node_of_shared(struct shared *shared, bool tx)
{
    return tx ? &shared->tx_node : &shared->rx_node;
}

static struct qos_node *
node_of_vif(struct xenvif *vif, bool tx)
{
    return tx ? &vif->tx_node : &vif->rx_node;
}

static struct shared *
find_group(const char *name)
{
    struct shared *group;

    LIST_FOR_EACH (group, node, &groups) {
        if (!strcmp(group->is.name, name)) {
            return group;
        }
    }
    return NULL;
}

static struct shared *
shared_of_vif(const struct xenvif *vif)
{
    const struct xenvif_policy *policy
        = ovsrcu_get_protected(struct xenvif_policy *, &vif->policy);
    struct shared *group = policy->group[0] ? find_group(policy->group)
                                            : NULL;

    return group ? group : &root;
}

/* Those who share a node, as far as they have been found. */
struct members {
    struct qos_family *family;
    size_t allocated;
    uint64_t reserve_bytes;
};

static void
add_member(struct members *m, struct qos_node *node,
           const struct qos_settings *settings)
{
    if (m->family->n >= m->allocated) {
        m->allocated = 2 * m->allocated + 8;
        m->family = xrealloc(m->family, sizeof *m->family
                             + m->allocated * sizeof m->family->members[0]);
    }
    m->family->members[m->family->n++] = &node->member;
    m->reserve_bytes += settings->guarantee_bps
                        ? settings->guarantee_burst_bytes
                        : node->reserve_bytes;
}

/* Tells the node of 'shared' who its members are now. */
static void
connect_node(struct shared *shared, bool tx)
{
    struct qos_node *node = node_of_shared(shared, tx);
    struct members m = { .family = xzalloc(sizeof *m.family) };
    struct xenvif *vif;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        if (shared_of_vif(vif) == shared) {
            struct qos_settings s;
            const char *source;

            xenvif_limits(vif, tx, &s, &source);
            qos_node_move(node_of_vif(vif, tx), node);
            add_member(&m, node_of_vif(vif, tx), &s);
        }
    }
    if (shared == &root) {
        struct shared *group;

        LIST_FOR_EACH (group, node, &groups) {
            add_member(&m, node_of_shared(group, tx),
                       tx ? &group->is.tx : &group->is.rx);
        }
    }
    qos_node_set_reserve(node, m.reserve_bytes);

    struct qos_family *old = qos_node_share(node, m.family);
    if (old) {
        ovsrcu_postpone(free, old);
    }
}

void
xenvif_tree_connect(void)
{
    struct shared *group;

    for (int tx = 0; tx < 2; tx++) {
        LIST_FOR_EACH (group, node, &groups) {
            connect_node(group, tx);
        }
        connect_node(&root, tx);
    }
}

static void
init(struct shared *shared, const struct xenvif_shared *is,
     struct shared *parent)
{
    shared->is = *is;
    qos_node_init(&shared->tx_node, parent ? &parent->tx_node : NULL,
                  &is->tx);
    qos_node_init(&shared->rx_node, parent ? &parent->rx_node : NULL,
                  &is->rx);
}

void
xenvif_tree_init(void)
{
    init(&root, &none, NULL);
}

void
xenvif_tree_add(struct xenvif *vif)
{
    qos_node_init(&vif->tx_node, &root.tx_node, &no_limit);
    qos_node_init(&vif->rx_node, &root.rx_node, &no_limit);
}

static void
set(struct shared *shared, const struct xenvif_shared *is, uint64_t now_ns)
{
    shared->is = *is;
    qos_node_set(&shared->tx_node, &is->tx, now_ns);
    qos_node_set(&shared->rx_node, &is->rx, now_ns);
}

static void
free_group(struct shared *group)
{
    free(qos_node_share(&group->tx_node, NULL));
    free(qos_node_share(&group->rx_node, NULL));
    free(group);
}

static const struct xenvif_shared *
find_wanted(const struct xenvif_shared *wanted, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(wanted[i].name, name)) {
            return &wanted[i];
        }
    }
    return NULL;
}

void
xenvif_set_shared(const struct xenvif_shared *wanted, size_t n)
{
    const struct xenvif_shared *all = find_wanted(wanted, n, "");
    struct ovs_list gone = OVS_LIST_INITIALIZER(&gone);
    uint64_t now_ns = doorbell_now_ns();
    struct shared *group;
    struct xenvif *vif;

    set(&root, all ? all : &none, now_ns);
    LIST_FOR_EACH_SAFE (group, node, &groups) {
        if (!find_wanted(wanted, n, group->is.name)) {
            ovs_list_remove(&group->node);
            ovs_list_push_back(&gone, &group->node);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!wanted[i].name[0]) {
            continue;
        }
        group = find_group(wanted[i].name);
        if (group) {
            set(group, &wanted[i], now_ns);
        } else {
            group = xzalloc(sizeof *group);
            init(group, &wanted[i], &root);
            ovs_list_push_back(&groups, &group->node);
        }
    }
    xenvif_tree_connect();

    /* No vif is below them any more. */
    LIST_FOR_EACH_POP (group, node, &gone) {
        ovsrcu_postpone(free_group, group);
    }
    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        xenvif_kick(vif);
    }
}

/* One line about a node. */
static void
show_node(struct ds *ds, const char *indent, const char *what,
          const struct qos_node *node, const struct qos_settings *s,
          const char *source, uint64_t now_ns)
{
    ds_put_format(ds, "%s%s:", indent, what);
    if (s->rate_bps) {
        ds_put_format(ds, " at most %"PRIu64" bit/s (burst %"PRIu64
                      " bytes, %"PRId64" left)", s->rate_bps, s->burst_bytes,
                      qos_limit_credit(&node->bytes, now_ns));
        ds_put_format(ds, "%s%s", source ? " from " : "",
                      source ? source : "");
    }
    if (s->rate_pps) {
        ds_put_format(ds, " at most %"PRIu64" packets/s (burst %"PRIu64
                      ", %"PRId64" left)", s->rate_pps, s->burst_packets,
                      qos_limit_credit(&node->packets, now_ns));
    }
    if (s->guarantee_bps) {
        ds_put_format(ds, " at least %"PRIu64" bit/s (burst %"PRIu64
                      " bytes, %"PRId64" left)", s->guarantee_bps,
                      s->guarantee_burst_bytes,
                      qos_limit_credit(&node->guarantee, now_ns));
    }
    if (!s->rate_bps && !s->rate_pps) {
        ds_put_cstr(ds, " no limit");
    }
    ds_put_format(ds, ", weight %u\n", s->weight);
}

/* What the limits have done to a vif. */
static void
show_held(struct ds *ds, const char *indent, const struct xenvif *vif)
{
    uint32_t n_queued, bytes, queued_bytes = 0;
    struct vif_stats stats;
    const char *sep = "";

    atomic_read_relaxed(&vif->rx_queued_packets, &n_queued);
    for (int i = 0; i < vif->up.n_rxq; i++) {
        atomic_read_relaxed(&vif->queues[i]->rx_queue_bytes, &bytes);
        queued_bytes += bytes;
    }
    xenvif_sum_stats(vif, &stats);
    ds_put_format(ds, "%squeued for it: %u frames, %u bytes; held back: "
                  "%"PRIu64" us transmit, %"PRIu64" us receive; took %"
                  PRIu64" us of threads' time; dropped:",
                  indent, n_queued, queued_bytes,
                  stats.tx_throttled_ns / 1000, stats.rx_throttled_ns / 1000,
                  stats.cpu_ns / 1000);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        if (stats.drops[i]) {
            ds_put_format(ds, "%s %s %"PRIu64, sep, vif_drop_names[i],
                          stats.drops[i]);
            sep = ",";
        }
    }
    ds_put_format(ds, "%s\n", *sep ? "" : " nothing");
}

static void
show_shared(struct ds *ds, const char *indent, const char *inner,
            struct shared *shared, uint64_t now_ns)
{
    struct xenvif *vif;

    show_node(ds, indent, "transmit", &shared->tx_node, &shared->is.tx,
              NULL, now_ns);
    show_node(ds, indent, "receive", &shared->rx_node, &shared->is.rx,
              NULL, now_ns);
    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        if (shared_of_vif(vif) == shared) {
            char *more = xasprintf("%s  ", inner);

            ds_put_format(ds, "%s%s\n", inner, netdev_get_name(&vif->up));
            for (int tx = 1; tx >= 0; tx--) {
                struct qos_settings s;
                const char *source;

                xenvif_limits(vif, tx, &s, &source);
                show_node(ds, more, tx ? "transmit" : "receive",
                          node_of_vif(vif, tx), &s, source, now_ns);
            }
            show_held(ds, more, vif);
            free(more);
        }
    }
}

void
xenvif_tree_show(struct ds *ds)
{
    uint64_t now_ns = doorbell_now_ns();
    struct shared *group;

    ds_put_cstr(ds, "all vifs\n");
    show_shared(ds, "  ", "  ", &root, now_ns);
    LIST_FOR_EACH (group, node, &groups) {
        ds_put_format(ds, "  group %s\n", group->is.name);
        show_shared(ds, "    ", "    ", group, now_ns);
    }
}
