/* vif-add, vif-set, vif-del, vif-release, vif-list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "tools/ctl/vif_settings.h"
#include "util.h"

#define DEVID_MAX 65535

static void
pre_vif(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_vif);
}

/* The lowest device number that 'guest' does not use yet. */
static int64_t
free_devid(struct ctl_context *ctx, const char *guest)
{
    int64_t devid = 0;
    const struct ndrec_vif *vif;
    bool used = true;

    while (used && devid < DEVID_MAX) {
        used = false;
        NDREC_VIF_FOR_EACH (vif, ctx->idl) {
            if (vif->devid == devid && !strcmp(vif->guest, guest)) {
                used = true;
                devid++;
                break;
            }
        }
    }
    return devid;
}

/* Gives 'vif' the first MAC made from its name that no other VIF has. */
static void
set_own_mac(struct ctl_context *ctx, const struct ndrec_vif *vif)
{
    struct sset used = SSET_INITIALIZER(&used);
    const struct ndrec_vif *other;
    char mac[CHECK_MAC_BYTES];
    unsigned int attempt = 0;

    NDREC_VIF_FOR_EACH (other, ctx->idl) {
        if (other != vif) {
            sset_add(&used, other->mac);
        }
    }
    do {
        mac_from_name(vif->name, attempt++, mac);
    } while (sset_contains(&used, mac));
    ndrec_vif_set_mac(vif, mac);
    sset_destroy(&used);
}

/* True if both are in the same one VLAN. */
static bool
share_vlan(const struct ndrec_vif *a, const struct ndrec_vif *b)
{
    return (!a->n_vlan_trunks && !b->n_vlan_trunks
            && ((a->n_vlan_tag ? *a->vlan_tag : 0)
                == (b->n_vlan_tag ? *b->vlan_tag : 0)));
}

/* Reports an error if 'vif', of 'tenant', takes another VIF's place, or
 * contradicts itself. */
static bool
check_vif(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
          const struct ndrec_vif *vif)
{
    const struct ndrec_vif *other;

    NDREC_VIF_FOR_EACH (other, ctx->idl) {
        if (other != vif && other->devid == vif->devid
            && !strcmp(other->guest, vif->guest)) {
            ctl_error(ctx, "device %"PRId64" of guest %s is VIF \"%s\" "
                      "already: choose another devid, or leave devid= out to "
                      "get a free one", vif->devid, vif->guest, other->name);
            return false;
        }
    }
    for (size_t i = 0; tenant && i < tenant->n_vifs; i++) {
        other = tenant->vifs[i];
        if (other != vif && !strcmp(other->mac, vif->mac)
            && share_vlan(other, vif)) {
            ctl_error(ctx, "VIF \"%s\" of tenant %s has the MAC %s already: "
                      "choose another, or leave mac= out to get one",
                      other->name, tenant->name, vif->mac);
            return false;
        }
    }
    if (vif->n_vlan_tag && vif->n_vlan_trunks) {
        ctl_error(ctx, "VIF \"%s\" would have vlan_tag and vlan_trunks: "
                  "clear one of them, with vlan_tag= or vlan_trunks=",
                  vif->name);
        return false;
    }
    return true;
}

/* Puts 'vif' into the group that 'words' name, if they do. */
static bool
set_group(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
          const struct ndrec_vif *vif, char *const words[], int n)
{
    const char *name = word_of(words, n, "group");
    const struct ndrec_qos_group *group = NULL;

    if (!name || !tenant) {
        return true;
    }
    if (name[0]) {
        group = must_group(ctx, tenant, name);
        if (!group) {
            return false;
        }
    }
    ndrec_vif_set_group(vif, group);
    return true;
}

static void
change_vif(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
           const struct ndrec_vif *vif, char *const words[], int n)
{
    if (apply_words(ctx, "VIF", &vif->header_, vif_settings, limit_settings,
                    words, n)
        && set_group(ctx, tenant, vif, words, n)
        && check_vif(ctx, tenant, vif)) {
        ctl_touch(&vif->header_);
    }
}

static void
insert_vif(struct ctl_context *ctx, const struct ndrec_tenant *tenant,
           const char *name, char *const words[], int n)
{
    const char *guest = word_of(words, n, "guest");
    const struct ndrec_vif *vif;
    struct ndrec_vif **vifs;
    int64_t devid;
    size_t n_vifs;

    if (!guest) {
        ctl_error(ctx, "VIF \"%s\": say whose it is, with guest=GUEST, the "
                  "guest's name in Xen", name);
        return;
    }
    devid = free_devid(ctx, guest);
    vif = ndrec_vif_insert(ctx->txn);
    ndrec_vif_set_name(vif, name);
    ndrec_vif_set_devid(vif, devid);
    if (!word_of(words, n, "mac")) {
        set_own_mac(ctx, vif);
    }
    ndrec_tenant_verify_vifs(tenant);
    vifs = rows_with(tenant->vifs, tenant->n_vifs, vif, &n_vifs);
    ndrec_tenant_set_vifs(tenant, vifs, n_vifs);
    free(vifs);
    change_vif(ctx, tenant, vif, words, n);
}

static void
cmd_vif_add(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant = must_tenant(ctx, ctx->argv[1]);
    const char *name = ctx->argv[2];
    const struct ndrec_tenant *owner;
    const struct ndrec_vif *vif;
    char error[CHECK_ERROR_BYTES];

    if (!tenant) {
        return;
    }
    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the VIF's name \"%s\" %s", name, error);
        return;
    }
    vif = find_vif(ctx, name);
    if (!vif) {
        insert_vif(ctx, tenant, name, ctx->argv + 3, ctx->argc - 3);
        return;
    }
    owner = tenant_of_vif(ctx, vif);
    if (owner && owner != tenant) {
        ctl_error(ctx, "VIF \"%s\" is there already, in tenant %s: choose "
                  "another name", name, owner->name);
    } else if (!has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "VIF \"%s\" is there already: choose another name, "
                  "add --may-exist, or change it with vif-set", name);
    } else {
        change_vif(ctx, tenant, vif, ctx->argv + 3, ctx->argc - 3);
    }
}

static void
cmd_vif_set(struct ctl_context *ctx)
{
    const struct ndrec_vif *vif;

    vif = has_option(ctx, "--if-exists") ? find_vif(ctx, ctx->argv[1])
                                         : must_vif(ctx, ctx->argv[1]);
    if (vif) {
        change_vif(ctx, tenant_of_vif(ctx, vif), vif, ctx->argv + 2,
                   ctx->argc - 2);
    }
}

static void
cmd_vif_del(struct ctl_context *ctx)
{
    const struct ndrec_tenant *tenant;
    const struct ndrec_vif *vif;

    vif = has_option(ctx, "--if-exists") ? find_vif(ctx, ctx->argv[1])
                                         : must_vif(ctx, ctx->argv[1]);
    if (!vif) {
        return;
    }
    tenant = tenant_of_vif(ctx, vif);
    if (tenant) {
        struct ndrec_vif **vifs;
        size_t n;

        ndrec_tenant_verify_vifs(tenant);
        vifs = rows_without(tenant->vifs, tenant->n_vifs, vif, &n);
        ndrec_tenant_set_vifs(tenant, vifs, n);
        free(vifs);
    }
    ndrec_vif_delete(vif);
}

static void
cmd_vif_release(struct ctl_context *ctx)
{
    const struct ndrec_vif *vif = must_vif(ctx, ctx->argv[1]);

    if (!vif) {
        return;
    }
    if (!vif->state || strcmp(vif->state, "quarantined")) {
        ctl_error(ctx, "VIF \"%s\" is %s: only one in quarantine can be "
                  "released", vif->name,
                  vif->state ? vif->state : "not taken up yet");
        return;
    }
    /* Two admins at once release it once. */
    ndrec_vif_verify_releases(vif);
    ndrec_vif_set_releases(vif, vif->releases + 1);
}

static void
cmd_vif_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vif", "tenant", "guest", "devid", "mac", "vlan_tag", "tx_rate_bps",
        "rx_rate_bps", "profile", "state", "port", "error", NULL
    };
    const struct ndrec_tenant *only = NULL;
    const struct ndrec_vif **vifs;
    size_t n;

    if (ctx->argc > 1) {
        only = must_tenant(ctx, ctx->argv[1]);
        if (!only) {
            return;
        }
    }
    vifs = rows_sorted(ctx, &ndrec_table_vif, &ndrec_vif_col_name, &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        const struct ndrec_vif *vif = vifs[i];
        const struct ndrec_tenant *tenant = tenant_of_vif(ctx, vif);
        struct vif_limits limits = vif_limits(vif);

        if (only && tenant != only) {
            continue;
        }
        list_row(ctx);
        list_text(ctx, vif->name);
        list_text(ctx, tenant ? tenant->name : NULL);
        list_text(ctx, vif->guest);
        list_integer(ctx, &vif->devid);
        list_text(ctx, vif->mac);
        list_integer(ctx, vif->vlan_tag);
        list_rate(ctx, limits.tx_rate_bps);
        list_rate(ctx, limits.rx_rate_bps);
        list_text(ctx, vif->profile ? vif->profile->name : NULL);
        list_text(ctx, vif->state);
        list_text(ctx, vif->port);
        list_text(ctx, vif->error);
    }
    free(vifs);
}

static void
pre_vif_list(struct ctl_context *ctx)
{
    pre_vif(ctx);
    pre_table(ctx, &ndrec_table_qos_profile);
}

const struct ctl_command_syntax vif_commands[] = {
    { "vif-add", 2, INT_MAX, "TENANT NEW-VIF [KEY=VALUE]...", pre_vif,
      cmd_vif_add, NULL, "--may-exist", RW },
    { "vif-set", 2, INT_MAX, "VIF KEY=VALUE...", pre_vif, cmd_vif_set, NULL,
      "--if-exists", RW },
    { "vif-del", 1, 1, "VIF", pre_vif, cmd_vif_del, NULL, "--if-exists", RW },
    { "vif-release", 1, 1, "VIF", pre_vif, cmd_vif_release, NULL, "", RW },
    { "vif-list", 0, 1, "[TENANT]", pre_vif_list, cmd_vif_list, NULL, "",
      RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
