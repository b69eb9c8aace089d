/* Can what is guaranteed be kept? */

#include <config.h>

#include "tenants/parse_limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tenants/parse.h"
#include "qos/profile.h"
#include "util.h"
#include "uuid.h"

/* Of what a link carries, so much may be promised. */
#define LINK_PERCENT 95

static const struct qos_settings *
side(const struct limits *limits, bool tx)
{
    return tx ? &limits->tx : &limits->rx;
}

/* The group that 'vif' is in, or null. */
static const struct want_group *
group_of(const struct want_tenant *tenant, const struct want_vif *vif)
{
    return vif->group ? want_group_find(tenant, vif->group) : NULL;
}

/* What the vifs of 'group' are guaranteed; null: those that are in none. */
static uint64_t
sum_of_vifs(const struct want_tenant *tenant, const struct want_group *group,
            bool tx)
{
    uint64_t sum_bps = 0;

    for (size_t i = 0; i < tenant->n_vifs; i++) {
        if (group_of(tenant, &tenant->vifs[i]) == group) {
            sum_bps += side(&tenant->vifs[i].limits, tx)->guarantee_bps;
        }
    }
    return sum_bps;
}

/* What a group needs of its tenant. */
static uint64_t
claim_of_group(const struct want_tenant *tenant,
               const struct want_group *group, bool tx)
{
    uint64_t own_bps = side(&group->limits, tx)->guarantee_bps;

    return own_bps ? own_bps : sum_of_vifs(tenant, group, tx);
}

static uint64_t
sum_of_tenant(const struct want_tenant *tenant, bool tx)
{
    uint64_t sum_bps = sum_of_vifs(tenant, NULL, tx);

    for (size_t i = 0; i < tenant->n_groups; i++) {
        sum_bps += claim_of_group(tenant, &tenant->groups[i], tx);
    }
    return sum_bps;
}

uint64_t
parse_tenant_claim(const struct want_tenant *tenant, bool tx)
{
    uint64_t own_bps = side(&tenant->limits, tx)->guarantee_bps;

    return own_bps ? own_bps : sum_of_tenant(tenant, tx);
}

/* A promise that is too large. */
struct excess {
    const struct want_group *group;     /* Whose vifs; null: the tenant's. */
    bool tx;
    uint64_t sum_bps, most_bps;
    const char *of;                     /* What 'most_bps' is. */
};

static bool
exceeds(struct excess *e, uint64_t sum_bps, uint64_t most_bps,
        const char *of)
{
    if (!most_bps || sum_bps <= most_bps) {
        return false;
    }
    e->sum_bps = sum_bps;
    e->most_bps = most_bps;
    e->of = of;
    return true;
}

static bool
find_excess(const struct want_tenant *tenant, struct excess *e)
{
    for (int tx = 1; tx >= 0; tx--) {
        e->tx = tx;
        for (size_t i = 0; i < tenant->n_groups; i++) {
            const struct want_group *group = &tenant->groups[i];
            const struct qos_settings *s = side(&group->limits, tx);
            uint64_t sum_bps = sum_of_vifs(tenant, group, tx);

            e->group = group;
            if (s->guarantee_bps
                ? exceeds(e, sum_bps, s->guarantee_bps,
                          "the group's own guarantee")
                : exceeds(e, sum_bps, s->rate_bps, "the group's maximum")) {
                return true;
            }
        }
        e->group = NULL;

        uint64_t sum_bps = sum_of_tenant(tenant, tx);
        if (exceeds(e, sum_bps, side(&tenant->limits, tx)->rate_bps,
                    "the tenant's maximum")
            || (tx && exceeds(e, sum_bps, tenant->vf_rate_bps / 100
                                          * LINK_PERCENT,
                              "95 % of its VF's rate"))) {
            return true;
        }
    }
    return false;
}

static char *
describe(const struct want_tenant *tenant, const struct excess *e)
{
    return xasprintf("%s guarantees in %s \"%s\" would add up to %"PRIu64
                     " bit/s, and %s is %"PRIu64" bit/s: lower one of them",
                     e->tx ? "tx" : "rx", e->group ? "group" : "tenant",
                     e->group ? e->group->name : tenant->name, e->sum_bps,
                     e->of, e->most_bps);
}

/* Does 'vif' count in 'e', and ask for more there than it did? */
static bool
vif_asks_more(const struct want_tenant *before,
              const struct want_tenant *tenant, const struct want_vif *vif,
              const struct excess *e)
{
    const struct want_group *group = group_of(tenant, vif);
    const struct want_vif *old = want_vif_of_row(before, &vif->row);
    uint64_t bps = side(&vif->limits, e->tx)->guarantee_bps;

    if (e->group ? group != e->group
        : group && side(&group->limits, e->tx)->guarantee_bps) {
        return false;
    }
    return old && text_equals(old->group, vif->group)
           ? bps > side(&old->limits, e->tx)->guarantee_bps : bps > 0;
}

/* As far as it matters here; bursts may not have been chosen yet. */
static bool
same_promises(const struct limits *a, const struct limits *b)
{
    return a->tx.rate_bps == b->tx.rate_bps
           && a->rx.rate_bps == b->rx.rate_bps
           && a->tx.guarantee_bps == b->tx.guarantee_bps
           && a->rx.guarantee_bps == b->rx.guarantee_bps;
}

/* Makes limits and group of 'vif' what they were; one that is new gets no
 * guarantees. */
static void
revert_vif(const struct want_tenant *before, struct want_vif *vif)
{
    const struct want_vif *old = want_vif_of_row(before, &vif->row);

    if (old && (!same_promises(&old->limits, &vif->limits)
                || !text_equals(old->group, vif->group))) {
        vif->limits = old->limits;
        free(vif->group);
        vif->group = nullable_xstrdup(old->group);
    } else {
        vif->limits.tx.guarantee_bps = vif->limits.rx.guarantee_bps = 0;
        vif->limits.tx.guarantee_burst_bytes = 0;
        vif->limits.rx.guarantee_burst_bytes = 0;
    }
}

/* Did 'group' make 'e' worse: ask for more of its tenant, or have less for its
 * vifs? */
static bool
group_is_to_blame(const struct want_group *old,
                  const struct want_group *group, const struct excess *e)
{
    return e->group
           ? e->group == group && old
             && !same_promises(&old->limits, &group->limits)
           : side(&group->limits, e->tx)->guarantee_bps
             > (old ? side(&old->limits, e->tx)->guarantee_bps : 0);
}

/* Whoever made the sum larger, or what it must fit into smaller, is refused.
 * False: nobody did. */
static bool
refuse(const struct want_tenant *before, struct want_tenant *tenant,
       const struct excess *e, struct row_errors *errors)
{
    for (size_t i = tenant->n_vifs; i-- > 0;) {
        struct want_vif *vif = &tenant->vifs[i];

        if (vif_asks_more(before, tenant, vif, e)) {
            row_errors_add(errors, &vif->row, describe(tenant, e));
            revert_vif(before, vif);
            return true;
        }
    }
    for (size_t i = tenant->n_groups; i-- > 0;) {
        static const struct limits none = LIMITS_NONE;
        struct want_group *group = &tenant->groups[i];
        const struct want_group *old = want_group_of_row(before, &group->row);

        if (group_is_to_blame(old, group, e)) {
            row_errors_add(errors, &group->row, describe(tenant, e));
            group->limits = old ? old->limits : none;
            return true;
        }
    }

    row_errors_add(errors, &tenant->row, describe(tenant, e));
    if (!before || same_promises(&before->limits, &tenant->limits)) {
        return false;
    }
    tenant->limits = before->limits;
    return true;
}

/* What somebody of these limits, or those below it, may claim at once. */
static uint64_t
claim_bytes(const struct qos_settings *s, uint64_t below_bytes)
{
    return s->guarantee_bps ? s->guarantee_burst_bytes : below_bytes;
}

/* A burst that nobody chose has room for what is claimed at once. */
static void
complete(struct qos_settings *s, uint64_t claimed_bytes)
{
    bool chosen = s->burst_bytes;
    bool least_chosen = s->guarantee_burst_bytes;

    qos_settings_complete(s);
    if (s->rate_bps && !chosen) {
        s->burst_bytes = MIN(s->burst_bytes + claimed_bytes,
                             QOS_BURST_MAX_BYTES);
    }
    if (s->guarantee_bps && !least_chosen) {
        s->guarantee_burst_bytes = MIN(s->guarantee_burst_bytes
                                       + claimed_bytes, QOS_BURST_MAX_BYTES);
    }
}

static void
complete_all(struct want_tenant *tenant, bool tx)
{
    uint64_t tenant_bytes = 0;

    for (size_t i = 0; i < tenant->n_vifs; i++) {
        struct limits *limits = &tenant->vifs[i].limits;
        struct qos_settings *s = tx ? &limits->tx : &limits->rx;

        complete(s, 0);
        if (!group_of(tenant, &tenant->vifs[i])) {
            tenant_bytes += claim_bytes(s, 0);
        }
    }
    for (size_t i = 0; i < tenant->n_groups; i++) {
        struct want_group *group = &tenant->groups[i];
        struct qos_settings *s = tx ? &group->limits.tx : &group->limits.rx;
        uint64_t bytes = 0;

        for (size_t j = 0; j < tenant->n_vifs; j++) {
            if (group_of(tenant, &tenant->vifs[j]) == group) {
                bytes += claim_bytes(side(&tenant->vifs[j].limits, tx), 0);
            }
        }
        complete(s, bytes);
        tenant_bytes += claim_bytes(s, bytes);
    }
    complete(tx ? &tenant->limits.tx : &tenant->limits.rx, tenant_bytes);
}

void
parse_admit(const struct want_tenant *before, struct want_tenant *tenant,
            struct row_errors *errors)
{
    struct excess e;

    /* Each refusal takes one change back, so this ends. */
    while (find_excess(tenant, &e) && refuse(before, tenant, &e, errors)) {
        continue;
    }
    complete_all(tenant, true);
    complete_all(tenant, false);
}
