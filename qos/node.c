/* What is set in a tree of limits, and by whom it is shared. */

#include "qos/tree.h"

#include <stddef.h>

#include "qos/profile.h"

/* Ten milliseconds of packets, and one burst of a switch at least. */
#define PACKETS_BURST_DIVISOR 100
#define PACKETS_BURST_MIN 32u

const char *
qos_settings_check(const struct qos_settings *s)
{
    const struct qos_profile most = { s->rate_bps, s->burst_bytes };
    const struct qos_profile least = { s->guarantee_bps,
                                       s->guarantee_burst_bytes };
    const char *error = qos_profile_check(&most);

    if (error) {
        return error;
    }
    error = qos_profile_check(&least);
    if (error) {
        return "the guarantee is no rate from 8 kbit/s to 400 Gbit/s with a "
               "burst from 1514 bytes to 1 GiB: choose one in between";
    }
    if (s->rate_bps && s->guarantee_bps > s->rate_bps) {
        return "the guarantee is above the maximum: lower it, or raise the "
               "maximum";
    }
    if (s->rate_pps > QOS_RATE_MAX_PPS) {
        return "the packet rate is above 10 Gpacket/s: choose a lower one, "
               "or none for no limit";
    }
    if (s->rate_pps && (!s->burst_packets
                        || s->burst_packets > QOS_CHARGE_MAX)) {
        return "the burst is no number of packets: choose at least 1";
    }
    if (!s->weight || s->weight > QOS_WEIGHT_MAX) {
        return "the weight is not from 1 to 1000";
    }
    return NULL;
}

bool
qos_settings_equal(const struct qos_settings *a, const struct qos_settings *b)
{
    return a->rate_bps == b->rate_bps
           && a->burst_bytes == b->burst_bytes
           && a->rate_pps == b->rate_pps
           && a->burst_packets == b->burst_packets
           && a->guarantee_bps == b->guarantee_bps
           && a->guarantee_burst_bytes == b->guarantee_burst_bytes
           && a->weight == b->weight;
}

/* The lower of two rates, of which 0 is none, and the smaller burst. */
static void
lower(uint64_t *rate, uint64_t *burst, uint64_t by_rate, uint64_t by_burst)
{
    if (!by_rate) {
        return;
    }
    if (!*rate) {
        *rate = by_rate;
        *burst = by_burst;
        return;
    }
    *rate = *rate < by_rate ? *rate : by_rate;
    *burst = *burst < by_burst ? *burst : by_burst;
}

void
qos_settings_lower(struct qos_settings *s, const struct qos_settings *by)
{
    lower(&s->rate_bps, &s->burst_bytes, by->rate_bps, by->burst_bytes);
    lower(&s->rate_pps, &s->burst_packets, by->rate_pps, by->burst_packets);
    if (s->rate_bps && s->guarantee_bps > s->rate_bps) {
        s->guarantee_bps = s->rate_bps;
    }
}

void
qos_settings_complete(struct qos_settings *s)
{
    if (s->rate_bps && !s->burst_bytes) {
        s->burst_bytes = qos_burst_default_bytes(s->rate_bps);
    }
    if (s->guarantee_bps && !s->guarantee_burst_bytes) {
        s->guarantee_burst_bytes
            = qos_burst_default_bytes(s->guarantee_bps);
    }
    if (s->rate_pps && !s->burst_packets) {
        s->burst_packets = s->rate_pps / PACKETS_BURST_DIVISOR;
        if (s->burst_packets < PACKETS_BURST_MIN) {
            s->burst_packets = PACKETS_BURST_MIN;
        }
    }
}

void
qos_node_init(struct qos_node *node, struct qos_node *parent,
              const struct qos_settings *s)
{
    *node = (struct qos_node) {
        .parent = parent,
        .member = { .weight = s->weight },
    };
    qos_limit_init(&node->bytes, QOS_BYTES, s->rate_bps, s->burst_bytes);
    qos_limit_init(&node->packets, QOS_PACKETS, s->rate_pps,
                   s->burst_packets);
    qos_limit_init(&node->guarantee, QOS_BYTES, s->guarantee_bps,
                   s->guarantee_burst_bytes);
}

void
qos_node_set(struct qos_node *node, const struct qos_settings *s,
             uint64_t now_ns)
{
    qos_limit_set(&node->bytes, s->rate_bps, s->burst_bytes, now_ns);
    qos_limit_set(&node->packets, s->rate_pps, s->burst_packets, now_ns);
    qos_limit_set(&node->guarantee, s->guarantee_bps,
                  s->guarantee_burst_bytes, now_ns);
    __atomic_store_n(&node->member.weight, s->weight, __ATOMIC_RELAXED);
}

void
qos_node_move(struct qos_node *node, struct qos_node *parent)
{
    if (qos_node_parent(node) == parent) {
        return;
    }
    /* What it was served among others means nothing here. */
    __atomic_store_n(&node->member.wants_until_ns, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&node->member.served, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&node->parent, parent, __ATOMIC_RELEASE);
}

struct qos_family *
qos_node_share(struct qos_node *node, struct qos_family *family)
{
    return __atomic_exchange_n(&node->family, family, __ATOMIC_ACQ_REL);
}

void
qos_node_set_reserve(struct qos_node *node, uint64_t reserve_bytes)
{
    __atomic_store_n(&node->reserve_bytes, reserve_bytes, __ATOMIC_RELAXED);
}

void
qos_leaf_init(struct qos_leaf *leaf, struct qos_node *node)
{
    *leaf = (struct qos_leaf) {
        .node = node,
        .member = { .weight = 1 },
    };
}

bool
qos_leaf_limited(const struct qos_leaf *leaf)
{
    for (const struct qos_node *node = leaf->node; node;
         node = qos_node_parent(node)) {
        if (qos_limit_on(&node->bytes) || qos_limit_on(&node->packets)) {
            return true;
        }
    }
    return false;
}
