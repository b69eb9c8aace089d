/* init, host-add, host-del, host-list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "util.h"

static const struct setting host_settings[] = {
    { NULL, NULL, NULL, 0, 0, false, NULL },
};

static void
cmd_init(struct ctl_context *ctx OVS_UNUSED)
{
    /* ctl_run() inserts the root row for any command that writes. */
}

static void
pre_host(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_host);
}

static void
cmd_host_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_host *host = find_host(ctx, name);
    char error[CHECK_ERROR_BYTES];
    size_t n;

    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the host's name \"%s\" %s", name, error);
        return;
    }
    if (host && !has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "host \"%s\" is there already: choose another name, "
                  "or add --may-exist", name);
        return;
    }
    if (!host) {
        struct ndrec_host **hosts;

        host = ndrec_host_insert(ctx->txn);
        ndrec_host_set_name(host, name);
        ndrec_netdom_verify_hosts(root);
        hosts = rows_with(root->hosts, root->n_hosts, host, &n);
        ndrec_netdom_set_hosts(root, hosts, n);
        free(hosts);
    }
    apply_words(ctx, "Host", &host->header_, host_settings, NULL,
                ctx->argv + 2, ctx->argc - 2);
}

static void
cmd_host_del(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_tenant *tenant;
    const struct ndrec_host *host;
    struct ndrec_host **hosts;
    size_t n;

    host = has_option(ctx, "--if-exists") ? find_host(ctx, name)
                                          : must_host(ctx, name);
    if (!host) {
        return;
    }
    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        if (tenant->host == host) {
            ctl_error(ctx, "host \"%s\" still has tenants, such as %s: move "
                      "them with tenant-set TENANT host=HOST vf=VF or delete "
                      "them with tenant-del first", name, tenant->name);
            return;
        }
    }
    ndrec_netdom_verify_hosts(root);
    hosts = rows_without(root->hosts, root->n_hosts, host, &n);
    ndrec_netdom_set_hosts(root, hosts, n);
    free(hosts);
    for (size_t i = 0; i < host->n_vfs; i++) {
        ndrec_vf_delete(host->vfs[i]);
    }
    ndrec_host_delete(host);
}

static void
cmd_host_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "host", "platform", "vfs", "tenants", "cur_cfg", NULL
    };
    const struct ndrec_host **hosts;
    size_t n;

    hosts = rows_sorted(ctx, &ndrec_table_host, &ndrec_host_col_name, &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        int64_t n_vfs = hosts[i]->n_vfs, n_tenants = 0;
        const struct ndrec_tenant *tenant;

        NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
            n_tenants += tenant->host == hosts[i];
        }
        list_row(ctx);
        list_text(ctx, hosts[i]->name);
        list_text(ctx, hosts[i]->platform);
        list_integer(ctx, &n_vfs);
        list_integer(ctx, &n_tenants);
        list_integer(ctx, &hosts[i]->cur_cfg);
    }
    free(hosts);
}

const struct ctl_command_syntax host_commands[] = {
    { "init", 0, 0, "", NULL, cmd_init, NULL, "", RW },
    { "host-add", 1, INT_MAX, "NEW-HOST [KEY=VALUE]...", pre_host,
      cmd_host_add, NULL, "--may-exist", RW },
    { "host-del", 1, 1, "HOST", pre_host, cmd_host_del, NULL, "--if-exists",
      RW },
    { "host-list", 0, 0, "", pre_host, cmd_host_list, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
