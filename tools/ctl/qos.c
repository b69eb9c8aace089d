/* qos-show: what limits tenants, groups and VIFs, and who said so. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "smap.h"
#include "util.h"

/* One direction of one of them. */
struct shown {
    const char *name, *what;
    bool tx;
    const char *in_force;
    const int64_t *rate_bps, *burst_bytes, *rate_pps, *min_rate_bps, *weight;
    const char *from;
};

static void
show(struct ctl_context *ctx, const struct shown *s)
{
    list_row(ctx);
    list_text(ctx, s->name);
    list_text(ctx, s->what);
    list_text(ctx, s->tx ? "tx" : "rx");
    list_text(ctx, s->in_force);
    list_integer(ctx, s->rate_bps);
    list_integer(ctx, s->burst_bytes);
    list_integer(ctx, s->rate_pps);
    list_integer(ctx, s->min_rate_bps);
    list_integer(ctx, s->weight);
    list_text(ctx, s->from);
}

/* What a profile says; null: nothing. */
static void
show_profile(struct ctl_context *ctx, const char *name, const char *what,
             const char *in_force, const struct ndrec_qos_profile *p)
{
    char *from = p ? xasprintf("profile %s", p->name) : NULL;

    for (int tx = 1; tx >= 0; tx--) {
        struct shown s = { name, what, tx, in_force, .from = from };

        if (p) {
            s.rate_bps = tx ? p->tx_rate_bps : p->rx_rate_bps;
            s.burst_bytes = tx ? p->tx_burst_bytes : p->rx_burst_bytes;
            s.rate_pps = tx ? p->tx_rate_pps : p->rx_rate_pps;
            s.min_rate_bps = tx ? p->tx_min_rate_bps : p->rx_min_rate_bps;
            s.weight = tx ? p->tx_weight : p->rx_weight;
        }
        show(ctx, &s);
    }
    free(from);
}

/* A VIF's own column, or else its profile's. */
#define OWN_OR_PROFILE(COLUMN)                                              \
    (vif->COLUMN ? vif->COLUMN : vif->profile ? vif->profile->COLUMN : NULL)

/* What the database asks for, as long as nobody enforces it. */
static void
show_intended(struct ctl_context *ctx, const struct ndrec_vif *vif, bool tx)
{
    struct shown s = { vif->name, "vif", tx, "no" };
    char *from = NULL;

    if (tx) {
        s.rate_bps = OWN_OR_PROFILE(tx_rate_bps);
        s.burst_bytes = OWN_OR_PROFILE(tx_burst_bytes);
        s.rate_pps = OWN_OR_PROFILE(tx_rate_pps);
        s.min_rate_bps = OWN_OR_PROFILE(tx_min_rate_bps);
        s.weight = OWN_OR_PROFILE(tx_weight);
    } else {
        s.rate_bps = OWN_OR_PROFILE(rx_rate_bps);
        s.burst_bytes = OWN_OR_PROFILE(rx_burst_bytes);
        s.rate_pps = OWN_OR_PROFILE(rx_rate_pps);
        s.min_rate_bps = OWN_OR_PROFILE(rx_min_rate_bps);
        s.weight = OWN_OR_PROFILE(rx_weight);
    }
    if (s.rate_bps) {
        bool own = tx ? vif->tx_rate_bps != NULL : vif->rx_rate_bps != NULL;

        from = own ? xstrdup("the VIF") : xasprintf("profile %s",
                                                    vif->profile->name);
    }
    s.from = from;
    show(ctx, &s);
    free(from);
}

/* The number of 'leaf' in that direction, null if there is none. */
static const int64_t *
number_of(const struct smap *limits, bool tx, const char *leaf,
          int64_t *number)
{
    char key[32];

    snprintf(key, sizeof key, "%s_%s", tx ? "tx" : "rx", leaf);
    const char *text = smap_get(limits, key);
    long long int value;

    if (!text || !str_to_llong(text, 10, &value)) {
        return NULL;
    }
    *number = value;
    return number;
}

/* Who said the rate: the switch knows where it came from, the database whose
 * column that was. */
static char *
who_said(const struct ndrec_vif *vif, bool tx, const int64_t *rate_bps)
{
    const char *source = smap_get(&vif->limits, tx ? "tx_source"
                                                   : "rx_source");
    const int64_t *own_bps = tx ? vif->tx_rate_bps : vif->rx_rate_bps;

    if (!rate_bps || !source) {
        return NULL;
    }
    if (strcmp(source, "policy")) {
        return xstrdup(source);
    }
    return (own_bps ? xstrdup("the VIF")
            : vif->profile ? xasprintf("profile %s", vif->profile->name)
            : xstrdup("the controller"));
}

static void
show_in_force(struct ctl_context *ctx, const struct ndrec_vif *vif, bool tx)
{
    int64_t rate_bps, burst_bytes, rate_pps, min_rate_bps, weight;
    const struct smap *limits = &vif->limits;
    struct shown s = {
        vif->name, "vif", tx, "yes",
        number_of(limits, tx, "rate_bps", &rate_bps),
        number_of(limits, tx, "burst_bytes", &burst_bytes),
        number_of(limits, tx, "rate_pps", &rate_pps),
        number_of(limits, tx, "min_rate_bps", &min_rate_bps),
        number_of(limits, tx, "weight", &weight),
    };
    char *from = who_said(vif, tx, s.rate_bps);

    s.from = from;
    show(ctx, &s);
    free(from);
}

static void
show_vif(struct ctl_context *ctx, const struct ndrec_vif *vif)
{
    for (int tx = 1; tx >= 0; tx--) {
        if (smap_is_empty(&vif->limits)) {
            show_intended(ctx, vif, tx);
        } else {
            show_in_force(ctx, vif, tx);
        }
    }
}

static void
show_tenant(struct ctl_context *ctx, const struct ndrec_tenant *tenant)
{
    const char *in_force = (tenant->state && !strcmp(tenant->state, "running")
                            && !tenant->error ? "yes" : "no");

    show_profile(ctx, tenant->name, "tenant", in_force, tenant->profile);
    for (size_t i = 0; i < tenant->n_groups; i++) {
        const struct ndrec_qos_group *group = tenant->groups[i];

        show_profile(ctx, group->name, "group",
                     group->error ? "no" : in_force, group->profile);
    }
}

static void
cmd_qos_show(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "name", "what", "direction", "in_force", "rate_bps", "burst_bytes",
        "rate_pps", "min_rate_bps", "weight", "from", NULL
    };
    const char *name = ctx->argc > 1 ? ctx->argv[1] : NULL;
    const struct ndrec_vif *only = name ? find_vif(ctx, name) : NULL;
    const struct ndrec_tenant *one = NULL;
    const struct ndrec_tenant **tenants;
    const struct ndrec_vif **vifs;
    size_t n_tenants, n_vifs;

    if (name && !only) {
        one = must_tenant(ctx, name);
        if (!one) {
            return;
        }
    }
    list_begin(ctx, headings);
    if (only) {
        show_vif(ctx, only);
        return;
    }
    tenants = rows_sorted(ctx, &ndrec_table_tenant, &ndrec_tenant_col_name,
                          &n_tenants);
    vifs = rows_sorted(ctx, &ndrec_table_vif, &ndrec_vif_col_name, &n_vifs);
    for (size_t i = 0; i < n_tenants; i++) {
        if (one && tenants[i] != one) {
            continue;
        }
        show_tenant(ctx, tenants[i]);
        for (size_t j = 0; j < n_vifs; j++) {
            if (tenant_of_vif(ctx, vifs[j]) == tenants[i]) {
                show_vif(ctx, vifs[j]);
            }
        }
    }
    free(tenants);
    free(vifs);
}

const struct ctl_command_syntax qos_commands[] = {
    { "qos-show", 0, 1, "[TENANT|VIF]", pre_all, cmd_qos_show, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
