#include <config.h>

#include "tenants/links.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "qos/profile.h"
#include "qos/share.h"
#include "tenants/counters.h"
#include "tenants/model.h"
#include "tenants/parse_limits.h"
#include "tenants/tenant.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(links);

#define INTERVAL_MS 1000

/* Less than this says nothing of what is used. */
#define LOOK_MS 500

struct link_share {
    uint64_t bps;                       /* In force, 0: none yet. */
    uint64_t before_bps;                /* In force when it was looked at. */
    uint64_t link_bps;                  /* Of what. */
    struct uplink_counters seen;        /* When it was looked at last. */
    long long int seen_ms;
    uint64_t used_bps;                  /* Before that. */
    bool wants;
    bool wanted;                        /* It is on a link still. */
};

void
links_init(struct links *links)
{
    shash_init(&links->shares);
    links->next_ms = 0;
}

void
links_finish(struct links *links)
{
    shash_destroy_free_data(&links->shares);
}

static struct link_share *
share_of(struct links *links, const char *tenant)
{
    struct link_share *share = shash_find_data(&links->shares, tenant);

    if (!share) {
        share = xzalloc(sizeof *share);
        shash_add(&links->shares, tenant, share);
    }
    return share;
}

/* What 'tenant' used, and whether it was held back, since it was looked at. */
static void
look(struct link_share *share, const struct want_tenant *want,
     const struct tenant *tenant, long long int now_ms, struct qos_share *s)
{
    struct uplink_counters now = { 0, 0 };
    long long int passed_ms = now_ms - share->seen_ms;

    *s = (struct qos_share) {
        .guarantee_bps = parse_tenant_claim(want, true),
        .max_bps = want->vf_rate_bps,
        .weight = want->limits.tx.weight,
    };
    if (tenant) {
        counters_uplink(tenant->counters, &now);
    }
    if (passed_ms >= LOOK_MS) {
        bool same_life = now.tx_bytes >= share->seen.tx_bytes
                         && now.held >= share->seen.held;
        uint64_t bytes = same_life ? now.tx_bytes - share->seen.tx_bytes : 0;

        share->used_bps = MIN(bytes, UINT64_MAX / 8000) * 8000 / passed_ms;
        share->wants = qos_share_wants(share->used_bps, same_life
                                       && now.held > share->seen.held,
                                       share->bps, share->before_bps);
        share->before_bps = share->bps;
        share->seen = now;
        share->seen_ms = now_ms;
    }
    s->used_bps = share->used_bps;
    s->wants = share->wants;
}

/* Divides the link among 'wants[0..n)', all of whose tenants are on it. */
static bool
divide(struct links *links, struct want_tenant *const wants[], size_t n,
       const struct shash *tenants, long long int now_ms)
{
    struct qos_share *s = xcalloc(n, sizeof *s);
    uint64_t link_bps = wants[0]->link_bps;
    bool changed = false;

    for (size_t i = 0; i < n; i++) {
        look(share_of(links, wants[i]->name), wants[i],
             shash_find_data(tenants, wants[i]->name), now_ms, &s[i]);
    }
    qos_share_divide(link_bps, s, n);
    for (size_t i = 0; i < n; i++) {
        const struct link_share *share = share_of(links, wants[i]->name);

        changed |= share->link_bps != link_bps
                   || s[i].share_bps < s[i].guarantee_bps
                   || share->bps < s[i].guarantee_bps
                   || (s[i].max_bps && share->bps > s[i].max_bps)
                   || !qos_share_is_near(link_bps, share->bps,
                                         s[i].share_bps);
    }
    /* All or none: some new ones beside old ones could be too much. */
    for (size_t i = 0; i < n; i++) {
        struct link_share *share = share_of(links, wants[i]->name);

        if (changed) {
            VLOG_DBG("%s: %"PRIu64" bit/s of link %s (used %"PRIu64"%s)",
                     wants[i]->name, s[i].share_bps, wants[i]->link,
                     s[i].used_bps, s[i].wants ? ", wants more" : "");
            share->bps = MAX(s[i].share_bps, QOS_RATE_MIN_BPS);
            share->link_bps = link_bps;
        }
        share->wanted = true;
        wants[i]->uplink_bps = share->bps;
    }
    free(s);
    return changed;
}

static bool
same_link(const struct want_tenant *a, const struct want_tenant *b)
{
    return a->link && b->link && !strcmp(a->link, b->link);
}

/* Those that are on no link any more are forgotten. */
static void
prune(struct links *links)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &links->shares) {
        struct link_share *share = node->data;

        if (!share->wanted) {
            free(share);
            shash_delete(&links->shares, node);
        } else {
            share->wanted = false;
        }
    }
}

bool
links_run(struct links *links, struct want *want, const struct shash *tenants,
          bool changed, long long int now_ms)
{
    const struct shash_node **nodes;
    size_t n = shash_count(&want->tenants);
    bool any = false;

    if (!changed && now_ms < links->next_ms) {
        return false;
    }
    links->next_ms = now_ms + INTERVAL_MS;

    struct want_tenant **on_link = xcalloc(n, sizeof *on_link);
    nodes = shash_sort(&want->tenants);
    for (size_t i = 0; i < n; i++) {
        struct want_tenant *first = nodes[i]->data;
        size_t n_on_link = 0;
        bool done = false;

        for (size_t j = 0; first->link && j < n; j++) {
            struct want_tenant *tenant = nodes[j]->data;

            if (same_link(first, tenant)) {
                done |= j < i;
                on_link[n_on_link++] = tenant;
            }
        }
        if (n_on_link && !done) {
            any |= divide(links, on_link, n_on_link, tenants, now_ms);
        }
    }
    free(nodes);
    free(on_link);
    prune(links);
    return any;
}

void
links_wait(const struct links *links)
{
    if (!shash_is_empty(&links->shares)) {
        poll_timer_wait_until(links->next_ms);
    }
}
