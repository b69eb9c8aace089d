/* tenant-add, tenant-set, tenant-del, tenant-list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "util.h"

static bool
canon_host(struct ctl_context *ctx, const struct setting *setting OVS_UNUSED,
           const char *value, struct ds *text)
{
    const struct ndrec_host *host = must_host(ctx, value);

    if (host) {
        put_row(text, &host->header_);
    }
    return host != NULL;
}

static bool
canon_vf(struct ctl_context *ctx, const struct setting *setting OVS_UNUSED,
         const char *value, struct ds *text)
{
    const struct ndrec_vf *vf = must_vf(ctx, value);

    if (vf) {
        put_row(text, &vf->header_);
    }
    return vf != NULL;
}

static bool
canon_fail_mode(struct ctl_context *ctx, const struct setting *setting,
                const char *value, struct ds *text)
{
    if (strcmp(value, "standalone") && strcmp(value, "secure")) {
        ctl_error(ctx, "%s=%s: use standalone (a bridge without its "
                  "controller is a learning switch) or secure (it keeps the "
                  "flows it has)", setting->key, value);
        return false;
    }
    ds_put_cstr(text, value);
    return true;
}

static const struct setting tenant_settings[] = {
    { "host", "host", canon_host, 0, 0, false },
    { "vf", "vf", canon_vf, .optional = true },
    { "fail_mode", "fail_mode", canon_fail_mode, 0, 0, false },
    { "profile", "profile", canon_profile, .optional = true },
    { NULL, NULL, NULL, 0, 0, false, NULL },
};

static void
pre_tenant(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_tenant);
}

/* Reports an error if 'tenant' has a VF that is elsewhere, or another's. */
static bool
check_vf(struct ctl_context *ctx, const struct ndrec_tenant *tenant)
{
    const struct ndrec_vf *vf = tenant->vf;
    const struct ndrec_tenant *other;
    const struct ndrec_host *host;

    if (!vf) {
        return true;
    }
    NDREC_TENANT_FOR_EACH (other, ctx->idl) {
        if (other != tenant && other->vf == vf) {
            ctl_error(ctx, "VF \"%s\" belongs to tenant %s already: choose "
                      "another (netdom-ctl vf-list shows them), or make one "
                      "with vf-add", vf->name, other->name);
            return false;
        }
    }
    host = host_of_vf(ctx, vf);
    if (host && tenant->host && host != tenant->host) {
        ctl_error(ctx, "VF \"%s\" is on host %s, and tenant %s on host %s: "
                  "choose a VF of the tenant's host", vf->name, host->name,
                  tenant->name, tenant->host->name);
        return false;
    }
    return true;
}

/* Writes what 'words' say into 'tenant'.  A tenant without a host gets its
 * VF's, or the only one. */
static void
change_tenant(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
              char *const words[], int n)
{
    if (!apply_words(ctx, "Tenant", &tenant->header_, tenant_settings, NULL,
                     words, n)) {
        return;
    }
    if (!tenant->host) {
        const struct ndrec_host *host;

        host = tenant->vf ? host_of_vf(ctx, tenant->vf) : NULL;
        host = host ? host : only_host(ctx);
        if (!host) {
            return;
        }
        ndrec_tenant_set_host(tenant, host);
    }
    if (check_vf(ctx, tenant)) {
        ctl_touch(&tenant->header_);
    }
}

static void
cmd_tenant_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_tenant *tenant = find_tenant(ctx, name);
    char error[CHECK_ERROR_BYTES];

    if (!check_name(name, CTL_TENANT_NAME_MAX, error)) {
        ctl_error(ctx, "the tenant's name \"%s\" %s", name, error);
        return;
    }
    if (tenant && !has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "tenant \"%s\" is there already: choose another name, "
                  "add --may-exist, or change it with tenant-set", name);
        return;
    }
    ndrec_netdom_verify_tenants(root);
    if (!tenant) {
        struct ndrec_tenant **tenants;
        size_t n;

        tenant = ndrec_tenant_insert(ctx->txn);
        ndrec_tenant_set_name(tenant, name);
        ndrec_tenant_set_fail_mode(tenant, "standalone");
        tenants = rows_with(root->tenants, root->n_tenants, tenant, &n);
        ndrec_netdom_set_tenants(root, tenants, n);
        free(tenants);
    }
    change_tenant(ctx, tenant, ctx->argv + 2, ctx->argc - 2);
}

static void
cmd_tenant_set(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant;

    tenant = (has_option(ctx, "--if-exists")
              ? find_tenant(ctx, ctx->argv[1])
              : must_tenant(ctx, ctx->argv[1]));
    if (tenant) {
        change_tenant(ctx, tenant, ctx->argv + 2, ctx->argc - 2);
    }
}

/* Says that 'tenant' has VIFs, and which. */
static void
report_vifs(struct ctl_context *ctx, const struct ndrec_tenant *tenant)
{
    struct ds names = DS_EMPTY_INITIALIZER;
    size_t shown = MIN(tenant->n_vifs, 8);

    for (size_t i = 0; i < shown; i++) {
        ds_put_format(&names, "%s%s", i ? ", " : "", tenant->vifs[i]->name);
    }
    if (shown < tenant->n_vifs) {
        ds_put_format(&names, " and %"PRIuSIZE" more",
                      tenant->n_vifs - shown);
    }
    ctl_error(ctx, "tenant \"%s\" still has VIFs (%s): delete them with "
              "vif-del first, or add --force to delete them too",
              tenant->name, ds_cstr(&names));
    ds_destroy(&names);
}

static void
cmd_tenant_del(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_tenant *tenant;
    struct ndrec_tenant **tenants;
    size_t n;

    tenant = has_option(ctx, "--if-exists") ? find_tenant(ctx, name)
                                            : must_tenant(ctx, name);
    if (!tenant) {
        return;
    }
    ndrec_tenant_verify_vifs(tenant);
    if (tenant->n_vifs && !has_option(ctx, "--force")) {
        report_vifs(ctx, tenant);
        return;
    }
    ndrec_netdom_verify_tenants(root);
    tenants = rows_without(root->tenants, root->n_tenants, tenant, &n);
    ndrec_netdom_set_tenants(root, tenants, n);
    free(tenants);
    for (size_t i = 0; i < tenant->n_vifs; i++) {
        ndrec_vif_delete(tenant->vifs[i]);
    }
    for (size_t i = 0; i < tenant->n_groups; i++) {
        ndrec_qos_group_delete(tenant->groups[i]);
    }
    ndrec_tenant_delete(tenant);
}

static void
cmd_tenant_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "tenant", "host", "vf", "vifs", "fail_mode", "profile", "state",
        "domid", "error", NULL
    };
    const struct ndrec_tenant **tenants;
    size_t n;

    tenants = rows_sorted(ctx, &ndrec_table_tenant, &ndrec_tenant_col_name,
                          &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        const struct ndrec_tenant *tenant = tenants[i];
        int64_t n_vifs = tenant->n_vifs;

        list_row(ctx);
        list_text(ctx, tenant->name);
        list_text(ctx, tenant->host ? tenant->host->name : NULL);
        list_text(ctx, tenant->vf ? tenant->vf->name : NULL);
        list_integer(ctx, &n_vifs);
        list_text(ctx, tenant->fail_mode);
        list_text(ctx, tenant->profile ? tenant->profile->name : NULL);
        list_text(ctx, tenant->state);
        list_integer(ctx, tenant->domid);
        list_text(ctx, tenant->error);
    }
    free(tenants);
}

const struct ctl_command_syntax tenant_commands[] = {
    { "tenant-add", 1, INT_MAX, "NEW-TENANT [KEY=VALUE]...", pre_tenant,
      cmd_tenant_add, NULL, "--may-exist", RW },
    { "tenant-set", 2, INT_MAX, "TENANT KEY=VALUE...", pre_tenant,
      cmd_tenant_set, NULL, "--if-exists", RW },
    { "tenant-del", 1, 1, "TENANT", pre_tenant, cmd_tenant_del, NULL,
      "--if-exists,--force", RW },
    { "tenant-list", 0, 0, "", pre_tenant, cmd_tenant_list, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
