/* Groups of a tenant's VIFs: group-add, -set, -del, -list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "util.h"

static const struct setting group_settings[] = {
    { "profile", "profile", canon_profile, .optional = true },
    { NULL, NULL, NULL, 0, 0, false, NULL },
};

static void
pre_group(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_qos_group);
}

const struct ndrec_qos_group *
find_group(const struct ndrec_tenant *tenant, const char *name)
{
    for (size_t i = 0; i < tenant->n_groups; i++) {
        if (!strcmp(tenant->groups[i]->name, name)) {
            return tenant->groups[i];
        }
    }
    return NULL;
}

const struct ndrec_qos_group *
must_group(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
           const char *name)
{
    const struct ndrec_qos_group *group = find_group(tenant, name);

    if (!group) {
        ctl_error(ctx, "tenant %s has no group \"%s\": \"netdom-ctl group-add "
                  "%s %s\" makes it, and group-list shows those that there "
                  "are", tenant->name, name, tenant->name, name);
    }
    return group;
}

/* The VIFs in the group are told of it. */
static void
touch_group(struct ctl_context *ctx, const struct ndrec_qos_group *group)
{
    const struct ndrec_vif *vif;

    ctl_touch(&group->header_);
    NDREC_VIF_FOR_EACH (vif, ctx->idl) {
        if (vif->group == group) {
            ctl_touch(&vif->header_);
        }
    }
}

static void
change_group(struct ctl_context *ctx, const struct ndrec_qos_group *group)
{
    if (apply_words(ctx, "QoS_Group", &group->header_, group_settings, NULL,
                    ctx->argv + 3, ctx->argc - 3)) {
        touch_group(ctx, group);
    }
}

static void
cmd_group_add(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);
    const char *name = ctx->argv[2];
    const struct ndrec_qos_group *group;
    char error[CHECK_ERROR_BYTES];

    if (!tenant) {
        return;
    }
    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the group's name \"%s\" %s", name, error);
        return;
    }
    ndrec_tenant_verify_groups(tenant);
    group = find_group(tenant, name);
    if (group && !has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "tenant %s has a group \"%s\" already: choose another "
                  "name, add --may-exist, or change it with group-set",
                  tenant->name, name);
        return;
    }
    if (!group) {
        struct ndrec_qos_group **groups;
        size_t n;

        group = ndrec_qos_group_insert(ctx->txn);
        ndrec_qos_group_set_name(group, name);
        groups = rows_with(tenant->groups, tenant->n_groups, group, &n);
        ndrec_tenant_set_groups(tenant, groups, n);
        free(groups);
    }
    change_group(ctx, group);
}

/* The group that the command names, or null; with --if-exists a missing one is
 * no error. */
static const struct ndrec_qos_group *
named_group(struct ctl_context *ctx, const struct ndrec_tenant **tenantp)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);

    *tenantp = tenant;
    return (!tenant ? NULL
            : has_option(ctx, "--if-exists")
              ? find_group(tenant, ctx->argv[2])
              : must_group(ctx, tenant, ctx->argv[2]));
}

static void
cmd_group_set(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant;
    const struct ndrec_qos_group *group = named_group(ctx, &tenant);

    if (group) {
        change_group(ctx, group);
    }
}

static void
cmd_group_del(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant;
    const struct ndrec_qos_group *group = named_group(ctx, &tenant);
    struct ndrec_qos_group **groups;
    const struct ndrec_vif *vif;
    size_t n;

    if (!group) {
        return;
    }
    NDREC_VIF_FOR_EACH (vif, ctx->idl) {
        if (vif->group != group) {
            continue;
        }
        if (!has_option(ctx, "--force")) {
            ctl_error(ctx, "group \"%s\" still has VIFs, such as %s: take "
                      "them out with \"vif-set VIF group=\" first, or add "
                      "--force to do so", group->name, vif->name);
            return;
        }
        ndrec_vif_set_group(vif, NULL);
        ctl_touch(&vif->header_);
    }
    ndrec_tenant_verify_groups(tenant);
    groups = rows_without(tenant->groups, tenant->n_groups, group, &n);
    ndrec_tenant_set_groups(tenant, groups, n);
    free(groups);
    ndrec_qos_group_delete(group);
}

static void
cmd_group_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "group", "tenant", "profile", "vifs", "error", NULL
    };
    const struct ndrec_tenant **tenants, *only = NULL;
    size_t n;

    if (ctx->argc > 1) {
        only = must_tenant(ctx, ctx->argv[1]);
        if (!only) {
            return;
        }
    }
    tenants = rows_sorted(ctx, &ndrec_table_tenant, &ndrec_tenant_col_name,
                          &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < tenants[i]->n_groups; j++) {
            const struct ndrec_qos_group *group = tenants[i]->groups[j];
            const struct ndrec_vif *vif;
            int64_t n_vifs = 0;

            if (only && tenants[i] != only) {
                continue;
            }
            NDREC_VIF_FOR_EACH (vif, ctx->idl) {
                n_vifs += vif->group == group;
            }
            list_row(ctx);
            list_text(ctx, group->name);
            list_text(ctx, tenants[i]->name);
            list_text(ctx, group->profile ? group->profile->name : NULL);
            list_integer(ctx, &n_vifs);
            list_text(ctx, group->error);
        }
    }
    free(tenants);
}

const struct ctl_command_syntax group_commands[] = {
    { "group-add", 2, INT_MAX, "TENANT NEW-GROUP [KEY=VALUE]...", pre_group,
      cmd_group_add, NULL, "--may-exist", RW },
    { "group-set", 3, INT_MAX, "TENANT GROUP KEY=VALUE...", pre_group,
      cmd_group_set, NULL, "--if-exists", RW },
    { "group-del", 2, 2, "TENANT GROUP", pre_group, cmd_group_del, NULL,
      "--if-exists,--force", RW },
    { "group-list", 0, 1, "[TENANT]", pre_group, cmd_group_list, NULL, "",
      RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
