#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "ovsdb-idl-provider.h"
#include "svec.h"
#include "tools/ctl/check.h"

#define HINT_NAMES_MAX 8

bool
has_option(const struct ctl_context *ctx, const char *name)
{
    return shash_find(&ctx->options, name) != NULL;
}

const struct ndrec_host *
find_host(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_host *host;

    NDREC_HOST_FOR_EACH (host, ctx->idl) {
        if (!strcmp(host->name, name)) {
            return host;
        }
    }
    return NULL;
}

const struct ndrec_vf *
find_vf(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_vf *vf;

    NDREC_VF_FOR_EACH (vf, ctx->idl) {
        if (!strcmp(vf->name, name)) {
            return vf;
        }
    }
    return NULL;
}

const struct ndrec_tenant *
find_tenant(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_tenant *tenant;

    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        if (!strcmp(tenant->name, name)) {
            return tenant;
        }
    }
    return NULL;
}

const struct ndrec_vif *
find_vif(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_vif *vif;

    NDREC_VIF_FOR_EACH (vif, ctx->idl) {
        if (!strcmp(vif->name, name)) {
            return vif;
        }
    }
    return NULL;
}

const struct ndrec_qos_profile *
find_profile(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_qos_profile *profile;

    NDREC_QOS_PROFILE_FOR_EACH (profile, ctx->idl) {
        if (!strcmp(profile->name, name)) {
            return profile;
        }
    }
    return NULL;
}

char *
names_hint(struct ctl_context *ctx, const struct ovsdb_idl_table_class *table,
           const struct ovsdb_idl_column *name_column, const char *typed,
           const char *make)
{
    const struct ovsdb_idl_row *row;
    struct svec names = SVEC_EMPTY_INITIALIZER;
    struct ds hint = DS_EMPTY_INITIALIZER;
    const char *nearest = NULL;
    unsigned int distance = 3;          /* Two typing errors at most. */

    for (row = ovsdb_idl_first_row(ctx->idl, table); row;
         row = ovsdb_idl_next_row(row)) {
        const struct ovsdb_datum *datum = ovsdb_idl_read(row, name_column);

        if (datum->n == 1) {
            svec_add(&names, datum->keys[0].s->string);
        }
    }
    svec_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        unsigned int d = text_distance(typed, names.names[i], distance);

        if (d < distance) {
            distance = d;
            nearest = names.names[i];
        }
    }

    if (!names.n) {
        ds_put_format(&hint, "there is none yet; \"netdom-ctl %s\" makes one",
                      make);
    } else if (nearest && distance < strlen(nearest)) {
        ds_put_format(&hint, "did you mean \"%s\"?", nearest);
    } else {
        ds_put_cstr(&hint, "there is ");
        for (size_t i = 0; i < names.n && i < HINT_NAMES_MAX; i++) {
            ds_put_format(&hint, "%s%s", i ? ", " : "", names.names[i]);
        }
        if (names.n > HINT_NAMES_MAX) {
            ds_put_format(&hint, " and %"PRIuSIZE" more",
                          names.n - HINT_NAMES_MAX);
        }
    }
    svec_destroy(&names);
    return ds_steal_cstr(&hint);
}

/* Reports that 'table' has no 'typed', which is 'what'. */
static void
report_missing(struct ctl_context *ctx, const char *what, const char *typed,
               const struct ovsdb_idl_table_class *table,
               const struct ovsdb_idl_column *name_column, const char *make)
{
    char *hint = names_hint(ctx, table, name_column, typed, make);

    ctl_error(ctx, "there is no %s \"%s\": %s", what, typed, hint);
    free(hint);
}

const struct ndrec_host *
must_host(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_host *host = find_host(ctx, name);

    if (!host) {
        report_missing(ctx, "host", name, &ndrec_table_host,
                       &ndrec_host_col_name, "host-add HOST");
    }
    return host;
}

const struct ndrec_vf *
must_vf(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_vf *vf = find_vf(ctx, name);

    if (!vf) {
        report_missing(ctx, "VF", name, &ndrec_table_vf, &ndrec_vf_col_name,
                       "vf-add VF iface=IFACE");
    }
    return vf;
}

const struct ndrec_tenant *
must_tenant(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_tenant *tenant = find_tenant(ctx, name);

    if (!tenant) {
        report_missing(ctx, "tenant", name, &ndrec_table_tenant,
                       &ndrec_tenant_col_name, "tenant-add TENANT");
    }
    return tenant;
}

const struct ndrec_vif *
must_vif(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_vif *vif = find_vif(ctx, name);

    if (!vif) {
        report_missing(ctx, "VIF", name, &ndrec_table_vif,
                       &ndrec_vif_col_name, "vif-add TENANT VIF guest=GUEST");
    }
    return vif;
}

const struct ndrec_qos_profile *
must_profile(struct ctl_context *ctx, const char *name)
{
    const struct ndrec_qos_profile *profile = find_profile(ctx, name);

    if (!profile) {
        report_missing(ctx, "profile", name, &ndrec_table_qos_profile,
                       &ndrec_qos_profile_col_name,
                       "profile-add PROFILE tx_rate=RATE");
    }
    return profile;
}

const struct ndrec_host *
host_of_vf(struct ctl_context *ctx, const struct ndrec_vf *vf)
{
    const struct ndrec_host *host;

    NDREC_HOST_FOR_EACH (host, ctx->idl) {
        for (size_t i = 0; i < host->n_vfs; i++) {
            if (host->vfs[i] == vf) {
                return host;
            }
        }
    }
    return NULL;
}

const struct ndrec_tenant *
tenant_of_vf(struct ctl_context *ctx, const struct ndrec_vf *vf)
{
    const struct ndrec_tenant *tenant;

    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        if (tenant->vf == vf) {
            return tenant;
        }
    }
    return NULL;
}

const struct ndrec_tenant *
tenant_of_vif(struct ctl_context *ctx, const struct ndrec_vif *vif)
{
    const struct ndrec_tenant *tenant;

    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        for (size_t i = 0; i < tenant->n_vifs; i++) {
            if (tenant->vifs[i] == vif) {
                return tenant;
            }
        }
    }
    return NULL;
}

const struct ndrec_host *
only_host(struct ctl_context *ctx)
{
    const struct ndrec_host *host = ndrec_host_first(ctx->idl);

    if (!host) {
        ctl_error(ctx, "there is no host yet: make one with \"netdom-ctl "
                  "host-add HOST\"");
        return NULL;
    }
    if (ndrec_host_next(host)) {
        char *hint = names_hint(ctx, &ndrec_table_host, &ndrec_host_col_name,
                                "", "host-add HOST");

        ctl_error(ctx, "more than one host exists: say which with host=HOST; "
                  "%s", hint);
        free(hint);
        return NULL;
    }
    return host;
}

struct named_row {
    const struct ovsdb_idl_row *row;
    const char *name;
};

static int
compare_named_rows(const void *a_, const void *b_)
{
    const struct named_row *a = a_, *b = b_;

    return strcmp(a->name, b->name);
}

void *
rows_sorted(struct ctl_context *ctx, const struct ovsdb_idl_table_class *table,
            const struct ovsdb_idl_column *name_column, size_t *n_out)
{
    const struct ovsdb_idl_row **rows, *row;
    struct named_row *named = NULL;
    size_t n = 0, allocated = 0;

    for (row = ovsdb_idl_first_row(ctx->idl, table); row;
         row = ovsdb_idl_next_row(row)) {
        const struct ovsdb_datum *datum = ovsdb_idl_read(row, name_column);

        if (n >= allocated) {
            named = x2nrealloc(named, &allocated, sizeof *named);
        }
        named[n].row = row;
        named[n++].name = datum->n == 1 ? datum->keys[0].s->string : "";
    }
    if (n) {
        qsort(named, n, sizeof *named, compare_named_rows);
    }
    rows = xmalloc((n + 1) * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i] = named[i].row;
    }
    free(named);
    *n_out = n;
    return rows;
}

void *
rows_with(const void *rows, size_t n, const void *row, size_t *n_out)
{
    const void **copy = xmalloc((n + 1) * sizeof *copy);

    if (n) {
        memcpy(copy, rows, n * sizeof *copy);
    }
    copy[n] = row;
    *n_out = n + 1;
    return copy;
}

void *
rows_without(const void *rows, size_t n, const void *row, size_t *n_out)
{
    const void *const *from = rows;
    const void **copy = xmalloc((n + 1) * sizeof *copy);
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (from[i] != row) {
            copy[kept++] = from[i];
        }
    }
    *n_out = kept;
    return copy;
}

void
pre_names(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ndrec_netdom_col_hosts,
        &ndrec_netdom_col_tenants,
        &ndrec_netdom_col_profiles,
        &ndrec_host_col_name,
        &ndrec_host_col_vfs,
        &ndrec_vf_col_name,
        &ndrec_tenant_col_name,
        &ndrec_tenant_col_host,
        &ndrec_tenant_col_vf,
        &ndrec_tenant_col_vifs,
        &ndrec_tenant_col_profile,
        &ndrec_tenant_col_groups,
        &ndrec_vif_col_name,
        &ndrec_vif_col_profile,
        &ndrec_vif_col_group,
        &ndrec_qos_group_col_name,
        &ndrec_qos_group_col_profile,
        &ndrec_qos_profile_col_name,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
}

void
pre_table(struct ctl_context *ctx, const struct ovsdb_idl_table_class *table)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        ovsdb_idl_add_column(ctx->idl, &table->columns[i]);
    }
}

void
pre_all(struct ctl_context *ctx)
{
    const struct ovsdb_idl_class *class = ovsdb_idl_get_class(ctx->idl);

    for (size_t i = 0; i < class->n_tables; i++) {
        pre_table(ctx, &class->tables[i]);
    }
}
