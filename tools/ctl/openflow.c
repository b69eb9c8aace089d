/* set-controller, get-controller, del-controller, set-fail-mode. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "tools/ctl/check.h"
#include "util.h"

static void
pre_openflow(struct ctl_context *ctx)
{
    pre_names(ctx);
    ovsdb_idl_add_column(ctx->idl, &ndrec_tenant_col_controllers);
    ovsdb_idl_add_column(ctx->idl, &ndrec_tenant_col_fail_mode);
    ovsdb_idl_add_column(ctx->idl, &ndrec_openflow_controller_col_target);
}

static void
delete_controllers(const struct ndrec_tenant *tenant)
{
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        ndrec_openflow_controller_delete(tenant->controllers[i]);
    }
    ndrec_tenant_set_controllers(tenant, NULL, 0);
}

/* True if 'tenant' has exactly the controllers 'targets'. */
static bool
same_controllers(const struct ndrec_tenant *tenant, const struct sset *targets)
{
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        if (!sset_contains(targets, tenant->controllers[i]->target)) {
            return false;
        }
    }
    return tenant->n_controllers == sset_count(targets);
}

static void
cmd_set_controller(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);
    struct ndrec_openflow_controller **rows;
    struct sset targets = SSET_INITIALIZER(&targets);
    char error[CHECK_ERROR_BYTES];
    const char *target;
    size_t n = 0;

    if (!tenant) {
        return;
    }
    for (int i = 2; i < ctx->argc; i++) {
        if (!check_target(ctx->argv[i], error)) {
            ctl_error(ctx, "\"%s\" %s", ctx->argv[i], error);
            goto out;
        }
        sset_add(&targets, ctx->argv[i]);
    }
    ctl_touch(&tenant->header_);
    ndrec_tenant_verify_controllers(tenant);
    if (same_controllers(tenant, &targets)) {
        goto out;
    }
    delete_controllers(tenant);
    rows = xmalloc(sset_count(&targets) * sizeof *rows);
    SSET_FOR_EACH (target, &targets) {
        rows[n] = ndrec_openflow_controller_insert(ctx->txn);
        ndrec_openflow_controller_set_target(rows[n++], target);
    }
    ndrec_tenant_set_controllers(tenant, rows, n);
    free(rows);

out:
    sset_destroy(&targets);
}

static void
cmd_get_controller(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);
    struct sset targets = SSET_INITIALIZER(&targets);
    const char **sorted;

    if (!tenant) {
        return;
    }
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        sset_add(&targets, tenant->controllers[i]->target);
    }
    sorted = sset_sort(&targets);
    for (size_t i = 0; i < sset_count(&targets); i++) {
        ds_put_format(&ctx->output, "%s\n", sorted[i]);
    }
    free(sorted);
    sset_destroy(&targets);
}

static void
cmd_del_controller(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);

    if (tenant) {
        ndrec_tenant_verify_controllers(tenant);
        delete_controllers(tenant);
    }
}

static void
cmd_set_fail_mode(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);
    const char *mode = ctx->argv[2];

    if (!tenant) {
        return;
    }
    if (strcmp(mode, "standalone") && strcmp(mode, "secure")) {
        ctl_error(ctx, "\"%s\" is no fail mode: use standalone or secure",
                  mode);
        return;
    }
    ndrec_tenant_set_fail_mode(tenant, mode);
}

static void
cmd_get_fail_mode(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);

    if (tenant) {
        ds_put_format(&ctx->output, "%s\n", tenant->fail_mode);
    }
}

const struct ctl_command_syntax openflow_commands[] = {
    { "set-controller", 2, INT_MAX, "TENANT TARGET...", pre_openflow,
      cmd_set_controller, NULL, "", RW },
    { "get-controller", 1, 1, "TENANT", pre_openflow, cmd_get_controller,
      NULL, "", RO },
    { "del-controller", 1, 1, "TENANT", pre_openflow, cmd_del_controller,
      NULL, "", RW },
    { "set-fail-mode", 2, 2, "TENANT MODE", pre_openflow, cmd_set_fail_mode,
      NULL, "", RW },
    { "get-fail-mode", 1, 1, "TENANT", pre_openflow, cmd_get_fail_mode, NULL,
      "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
