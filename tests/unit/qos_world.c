#include "tests/unit/qos_world.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/property.h"

struct qos_settings
world_settings(uint64_t rate_bps)
{
    return (struct qos_settings) {
        .rate_bps = rate_bps,
        .burst_bytes = rate_bps / 800 < 16384 ? 16384 : rate_bps / 800,
        .weight = 1,
    };
}

void
world_init(struct world *w, const struct qos_settings *tenant)
{
    memset(w, 0, sizeof *w);
    w->now_ns = WORLD_BEGIN_NS;
    w->tenant_settings = *tenant;
    w->tenant_count.least = (__int128) 1 << 120;
    qos_node_init(&w->tenant, NULL, tenant);
}

unsigned int
world_add_group(struct world *w, const struct qos_settings *s)
{
    w->group_settings[w->n_groups] = *s;
    w->group_counts[w->n_groups].least = (__int128) 1 << 120;
    qos_node_init(&w->groups[w->n_groups], &w->tenant, s);
    return w->n_groups++;
}

unsigned int
world_add_vif(struct world *w, unsigned int group, unsigned int n_queues,
              const struct qos_settings *s)
{
    unsigned int first = w->n_queues;

    w->vif_settings[w->n_vifs] = *s;
    w->vif_counts[w->n_vifs].least = (__int128) 1 << 120;
    w->group_of[w->n_vifs] = group;
    qos_node_init(&w->vifs[w->n_vifs], group < WORLD_GROUPS_MAX
                  ? &w->groups[group] : &w->tenant, s);
    for (unsigned int i = 0; i < n_queues; i++) {
        struct world_queue *q = &w->queues[w->n_queues++];

        qos_leaf_init(&q->leaf, &w->vifs[w->n_vifs]);
        q->vif = w->n_vifs;
    }
    w->n_vifs++;
    return first;
}

static uint64_t
share(struct qos_node *node, struct qos_member *members[], unsigned int n)
{
    struct qos_family *family = malloc(sizeof *family + n * sizeof *members);

    family->n = n;
    memcpy(family->members, members, n * sizeof *members);
    free(qos_node_share(node, family));
    return 0;
}

static uint64_t
claim_bytes(const struct qos_settings *s, const struct qos_node *node)
{
    return s->guarantee_bps ? s->guarantee_burst_bytes : node->reserve_bytes;
}

void
world_connect(struct world *w)
{
    struct qos_member *members[WORLD_QUEUES_MAX];
    uint64_t reserve_bytes, n;

    for (unsigned int v = 0; v < w->n_vifs; v++) {
        n = 0;
        for (unsigned int q = 0; q < w->n_queues; q++) {
            if (w->queues[q].vif == v) {
                members[n++] = &w->queues[q].leaf.member;
            }
        }
        share(&w->vifs[v], members, n);
    }
    for (unsigned int g = 0; g <= w->n_groups; g++) {
        struct qos_node *node = g < w->n_groups ? &w->groups[g] : &w->tenant;
        unsigned int id = g < w->n_groups ? g : WORLD_GROUPS_MAX;

        n = reserve_bytes = 0;
        for (unsigned int v = 0; v < w->n_vifs; v++) {
            if (w->group_of[v] == id) {
                members[n++] = &w->vifs[v].member;
                reserve_bytes += claim_bytes(&w->vif_settings[v],
                                             &w->vifs[v]);
            }
        }
        for (unsigned int i = 0; id == WORLD_GROUPS_MAX && i < w->n_groups;
             i++) {
            members[n++] = &w->groups[i].member;
            reserve_bytes += claim_bytes(&w->group_settings[i],
                                         &w->groups[i]);
        }
        share(node, members, n);
        qos_node_set_reserve(node, reserve_bytes);
    }
}

void
world_disconnect(struct world *w)
{
    for (unsigned int v = 0; v < w->n_vifs; v++) {
        free(qos_node_share(&w->vifs[v], NULL));
    }
    for (unsigned int g = 0; g < w->n_groups; g++) {
        free(qos_node_share(&w->groups[g], NULL));
    }
    free(qos_node_share(&w->tenant, NULL));
}

static void
count(struct world_count *c, uint64_t rate_bps, uint64_t bytes,
      uint64_t packets, uint64_t now_ns)
{
    __int128 granted = (__int128) rate_bps * (now_ns - WORLD_BEGIN_NS);
    __int128 before = (__int128) c->bytes * BITNS_PER_BYTE - granted;

    if (before < c->least) {
        c->least = before;
    }
    c->bytes += bytes;
    c->packets += packets;

    __int128 burst = before + (__int128) bytes * BITNS_PER_BYTE - c->least;
    if (burst > c->worst) {
        c->worst = burst;
    }
}

uint64_t
world_worst_burst(const struct world_count *c)
{
    return c->worst / BITNS_PER_BYTE;
}

static uint32_t
next_bytes(struct world_queue *q)
{
    if (!q->next_bytes) {
        q->next_bytes = q->seed ? 60 + property_random(&q->seed)
                                       % (q->frame_bytes - 59)
                                : q->frame_bytes;
    }
    return q->next_bytes;
}

void
world_flood(struct world *w, unsigned int queue, uint32_t bytes)
{
    w->queues[queue].frame_bytes = bytes;
    w->queues[queue].backlog_frames = UINT64_MAX;
}

unsigned int
world_poll(struct world *w, unsigned int queue)
{
    struct world_queue *q = &w->queues[queue];
    struct qos_budget budget;
    uint64_t bytes = 0;
    unsigned int n = 0;

    if (!q->backlog_frames) {
        qos_leaf_idle(&q->leaf);
        return 0;
    }
    if (w->now_ns < q->ready_ns) {
        return 0;
    }
    qos_leaf_ask(&q->leaf, next_bytes(q), w->now_ns, &budget);
    while (n < WORLD_BURST && n < q->backlog_frames && n < budget.packets
           && bytes + next_bytes(q) <= budget.bytes) {
        bytes += next_bytes(q);
        q->next_bytes = 0;
        n++;
    }
    if (n) {
        unsigned int group = w->group_of[q->vif];

        if (!qos_leaf_charge(&q->leaf, &budget, bytes, n, w->now_ns)) {
            abort();                    /* There is nobody else. */
        }
        q->backlog_frames -= q->backlog_frames == UINT64_MAX ? 0 : n;
        q->bytes += bytes;
        count(&w->vif_counts[q->vif], w->vif_settings[q->vif].rate_bps,
              bytes, n, w->now_ns);
        if (group < WORLD_GROUPS_MAX) {
            count(&w->group_counts[group], w->group_settings[group].rate_bps,
                  bytes, n, w->now_ns);
        }
        count(&w->tenant_count, w->tenant_settings.rate_bps, bytes, n,
              w->now_ns);
    }
    if (n < WORLD_BURST && q->backlog_frames) {
        q->ready_ns = qos_leaf_wait(&q->leaf, next_bytes(q), w->now_ns);
    } else {
        qos_leaf_idle(&q->leaf);
    }
    return n;
}

void
world_run(struct world *w, uint64_t ns, uint64_t round_ns)
{
    uint64_t end_ns = w->now_ns + ns;

    for (; w->now_ns < end_ns; w->now_ns += round_ns) {
        for (unsigned int i = 0; i < w->n_queues; i++) {
            world_poll(w, i);
        }
    }
}

double
world_jain(const double *shares, unsigned int n)
{
    double sum = 0, squares = 0;

    for (unsigned int i = 0; i < n; i++) {
        sum += shares[i];
        squares += shares[i] * shares[i];
    }
    return sum * sum / (n * squares);
}
