#include <config.h>

#include "tenants/parse_limits.h"

#include <stdlib.h>
#include <string.h>

#include "ovsdb-schema/netdom-idl.h"
#include "tenants/parse.h"
#include "util.h"
#include "uuid.h"

/* A column of a row, else of its profile, else 'none'. */
static uint64_t
choose(const int64_t *own, const int64_t *profile, uint64_t none)
{
    return own ? *own : profile ? *profile : none;
}

/* The columns of one direction, of rows that have them all. */
#define CHOOSE(OWN, PROFILE, D)                                             \
    (struct qos_settings) {                                                 \
        .rate_bps = choose((OWN)->D##_rate_bps, (PROFILE)->D##_rate_bps,    \
                           0),                                              \
        .burst_bytes = choose((OWN)->D##_burst_bytes,                       \
                              (PROFILE)->D##_burst_bytes, 0),               \
        .rate_pps = choose((OWN)->D##_rate_pps, (PROFILE)->D##_rate_pps,    \
                           0),                                              \
        .burst_packets = choose((OWN)->D##_burst_packets,                   \
                                (PROFILE)->D##_burst_packets, 0),           \
        .guarantee_bps = choose((OWN)->D##_min_rate_bps,                    \
                                (PROFILE)->D##_min_rate_bps, 0),            \
        .guarantee_burst_bytes = choose((OWN)->D##_min_burst_bytes,         \
                                        (PROFILE)->D##_min_burst_bytes, 0), \
        .weight = choose((OWN)->D##_weight, (PROFILE)->D##_weight, 1),      \
    }

static const struct ndrec_qos_profile no_profile;

/* A burst that is not chosen yet stays 0: it may depend on others. */
static char *
check(const char *direction, const struct qos_settings *settings)
{
    struct qos_settings complete = *settings;

    qos_settings_complete(&complete);
    const char *problem = qos_settings_check(&complete);
    return problem ? xasprintf("%s limit: %s", direction, problem) : NULL;
}

/* A burst without a rate says nothing. */
static void
drop_idle_bursts(struct qos_settings *s)
{
    s->burst_bytes = s->rate_bps ? s->burst_bytes : 0;
    s->burst_packets = s->rate_pps ? s->burst_packets : 0;
    s->guarantee_burst_bytes = s->guarantee_bps ? s->guarantee_burst_bytes
                                                : 0;
}

static char *
check_limits(struct limits *limits)
{
    drop_idle_bursts(&limits->tx);
    drop_idle_bursts(&limits->rx);

    char *error = check("tx", &limits->tx);
    return error ? error : check("rx", &limits->rx);
}

char *
parse_vif_limits(const struct ndrec_vif *row, struct limits *limits)
{
    const struct ndrec_qos_profile *p = row->profile ? row->profile
                                                     : &no_profile;

    limits->tx = CHOOSE(row, p, tx);
    limits->rx = CHOOSE(row, p, rx);
    return check_limits(limits);
}

/* Null 'profile': none. */
static char *
parse_profile_limits(const struct ndrec_qos_profile *profile,
                     struct limits *limits)
{
    const struct ndrec_qos_profile *p = profile ? profile : &no_profile;

    limits->tx = CHOOSE(p, &no_profile, tx);
    limits->rx = CHOOSE(p, &no_profile, rx);
    return check_limits(limits);
}

static void
add_group(const struct ndrec_qos_group *row, const struct want_tenant *before,
          struct want_tenant *tenant, struct row_errors *errors)
{
    const struct want_group *old = want_group_of_row(before, &row->header_.uuid);
    struct want_group group = { .row = row->header_.uuid };
    char *error = NULL;

    if (!parse_name_ok(row->name)) {
        error = xasprintf("name \"%s\": use letters, digits, '_', '.' and "
                          "'-', the first of them a letter, a digit or '_'",
                          row->name);
    } else if (want_group_find(tenant, row->name)) {
        error = xasprintf("this tenant has a group \"%s\" already: choose "
                          "another name", row->name);
    }
    if (error) {
        row_errors_add(errors, &row->header_.uuid, error);
        return;
    }

    error = parse_profile_limits(row->profile, &group.limits);
    if (error) {
        static const struct limits none = LIMITS_NONE;

        row_errors_add(errors, &row->header_.uuid, error);
        group.limits = old ? old->limits : none;
    }
    group.name = xstrdup(row->name);
    tenant->groups[tenant->n_groups++] = group;
}

static int
compare_groups(const void *a_, const void *b_)
{
    const struct ndrec_qos_group *const *a = a_;
    const struct ndrec_qos_group *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

/* Which link its VF is on, and what that carries. */
static void
find_link(const struct ndrec_host *host, const struct ndrec_tenant *row,
          struct want_tenant *tenant, struct row_errors *errors)
{
    const char *name = row->vf ? row->vf->link : NULL;

    if (!name) {
        return;
    }
    for (size_t i = 0; i < host->n_links; i++) {
        if (!strcmp(host->key_links[i], name)) {
            tenant->link = xstrdup(name);
            tenant->link_bps = host->value_links[i];
            return;
        }
    }
    row_errors_add(errors, &row->header_.uuid, xasprintf(
        "vf \"%s\" is on link \"%s\", which host \"%s\" does not have: add "
        "it with link-set, or clear the VF's link", row->vf->name, name,
        host->name));
}

void
parse_shared_limits(const struct ndrec_host *host,
                    const struct ndrec_tenant *row,
                    const struct want_tenant *before,
                    struct want_tenant *tenant, struct row_errors *errors)
{
    static const struct limits none = LIMITS_NONE;
    char *error = parse_profile_limits(row->profile, &tenant->limits);

    if (error) {
        row_errors_add(errors, &row->header_.uuid, error);
        tenant->limits = before ? before->limits : none;
    }
    tenant->vf_rate_bps = row->vf && row->vf->n_max_rate_bps
                          ? *row->vf->max_rate_bps : 0;
    tenant->uplink_bps = tenant->vf_rate_bps;
    find_link(host, row, tenant, errors);

    struct ndrec_qos_group **rows = xmemdup(row->groups,
                                            row->n_groups * sizeof *rows);
    qsort(rows, row->n_groups, sizeof *rows, compare_groups);
    tenant->groups = xcalloc(row->n_groups, sizeof *tenant->groups);
    for (size_t i = 0; i < row->n_groups; i++) {
        add_group(rows[i], before, tenant, errors);
    }
    free(rows);
}
