/* Can what is guaranteed to tenants whose VFs are on one link be kept? */

#include <config.h>

#include "tenants/parse_limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/shash.h"
#include "tenants/parse.h"
#include "util.h"

/* Of what a link carries, so much may be promised. */
#define LINK_PERCENT 95

static bool
is_on(const struct want_tenant *tenant, const char *link)
{
    return tenant->link && !strcmp(tenant->link, link);
}

/* What the tenants on 'link' are guaranteed together. */
static uint64_t
sum_of_link(const struct want *want, const char *link)
{
    struct shash_node *node;
    uint64_t sum_bps = 0;

    SHASH_FOR_EACH (node, &want->tenants) {
        const struct want_tenant *tenant = node->data;

        if (is_on(tenant, link)) {
            sum_bps += parse_tenant_claim(tenant, true);
        }
    }
    return sum_bps;
}

/* Makes 'limits' what they were; what is new gets no guarantee, and keeps its
 * maximum. */
static void
revert_limits(struct limits *limits, const struct limits *old)
{
    if (old) {
        *limits = *old;
    } else {
        limits->tx.guarantee_bps = limits->tx.guarantee_burst_bytes = 0;
    }
}

/* The same for all limits of 'tenant'. */
static void
revert(const struct want_tenant *before, struct want_tenant *tenant)
{
    revert_limits(&tenant->limits, before ? &before->limits : NULL);
    for (size_t i = 0; i < tenant->n_groups; i++) {
        struct want_group *group = &tenant->groups[i];
        const struct want_group *old = want_group_of_row(before, &group->row);

        revert_limits(&group->limits, old ? &old->limits : NULL);
    }
    for (size_t i = 0; i < tenant->n_vifs; i++) {
        struct want_vif *vif = &tenant->vifs[i];
        const struct want_vif *old = want_vif_of_row(before, &vif->row);

        revert_limits(&vif->limits, old && text_equals(old->group, vif->group)
                                    ? &old->limits : NULL);
    }
}

/* The last by name that claims more of 'link' than it did, or is new there. */
static struct want_tenant *
find_asker(const struct want *before, const struct want *want,
           const char *link, const struct want_tenant **old)
{
    const struct shash_node **nodes = shash_sort(&want->tenants);
    struct want_tenant *found = NULL;

    for (size_t i = 0; i < shash_count(&want->tenants); i++) {
        struct want_tenant *tenant = nodes[i]->data;
        const struct want_tenant *was = want_find(before, tenant->name);
        uint64_t was_bps = was && is_on(was, link)
                           ? parse_tenant_claim(was, true) : 0;

        if (is_on(tenant, link) && parse_tenant_claim(tenant, true) > was_bps) {
            found = tenant;
            *old = was && is_on(was, link) ? was : NULL;
        }
    }
    free(nodes);
    return found;
}

static char *
describe(const struct want_tenant *tenant, uint64_t sum_bps)
{
    return xasprintf("tx guarantees of the tenants on link \"%s\" would add up "
                     "to %"PRIu64" bit/s, and 95 %% of its rate is %"PRIu64
                     " bit/s: lower one of them", tenant->link, sum_bps,
                     tenant->link_bps / 100 * LINK_PERCENT);
}

static void
admit_link(const struct want *before, struct want *want,
           struct want_tenant *first, struct row_errors *errors)
{
    uint64_t most_bps = first->link_bps / 100 * LINK_PERCENT, sum_bps;

    while ((sum_bps = sum_of_link(want, first->link)) > most_bps) {
        const struct want_tenant *old;
        struct want_tenant *asker = find_asker(before, want, first->link,
                                               &old);

        if (!asker) {
            /* The link became slower: all have a part of it. */
            row_errors_add(errors, &first->row, describe(first, sum_bps));
            break;
        }
        row_errors_add(errors, &asker->row, describe(asker, sum_bps));
        revert(old, asker);
    }
}

void
parse_admit_links(const struct want *before, struct want *want,
                  struct row_errors *errors)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &want->tenants) {
        struct want_tenant *tenant = node->data;

        if (tenant->link) {
            admit_link(before, want, tenant, errors);
        }
    }
}
