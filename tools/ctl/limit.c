/* set-rate, and profiles: profile-add, -set, -del, -list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "qos/rate_text.h"
#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "util.h"

struct vif_limits
vif_limits(const struct ndrec_vif *vif)
{
    const struct ndrec_qos_profile *profile = vif->profile;
    struct vif_limits limits = {
        vif->tx_rate_bps, vif->tx_burst_bytes,
        vif->rx_rate_bps, vif->rx_burst_bytes,
    };

    if (profile) {
        limits.tx_rate_bps = limits.tx_rate_bps ? limits.tx_rate_bps
                                                : profile->tx_rate_bps;
        limits.tx_burst_bytes = (limits.tx_burst_bytes
                                 ? limits.tx_burst_bytes
                                 : profile->tx_burst_bytes);
        limits.rx_rate_bps = limits.rx_rate_bps ? limits.rx_rate_bps
                                                : profile->rx_rate_bps;
        limits.rx_burst_bytes = (limits.rx_burst_bytes
                                 ? limits.rx_burst_bytes
                                 : profile->rx_burst_bytes);
    }
    return limits;
}

static void
pre_limit(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_vif);
    pre_table(ctx, &ndrec_table_qos_profile);
}

/* What "set-rate" is asked for. */
struct rate_request {
    bool tx, rx;
    const int64_t *rate_bps;            /* Null: no limit. */
    const int64_t *burst_bytes;         /* Null: the default for the rate. */
    int64_t rate, burst;                /* What they point to. */
};

/* Reads "[tx|rx|both] RATE|none [burst SIZE]" from 'words'. */
static bool
parse_rate_request(struct ctl_context *ctx, char *const words[], int n,
                   struct rate_request *request)
{
    char error[QOS_TEXT_BYTES];
    const char *direction = "both";
    uint64_t value;
    int i = 0;

    memset(request, 0, sizeof *request);
    if (!strcmp(words[0], "tx") || !strcmp(words[0], "rx")
        || !strcmp(words[0], "both")) {
        direction = words[i++];
    }
    request->tx = strcmp(direction, "rx");
    request->rx = strcmp(direction, "tx");

    if (i >= n) {
        ctl_error(ctx, "set-rate: say which rate behind \"%s\": 100Mbit, say, "
                  "or none", direction);
        return false;
    }
    if (strcmp(words[i], "none")) {
        if (!qos_rate_parse(words[i], &value, error)) {
            ctl_error(ctx, "%s", error);
            return false;
        }
        request->rate = value;
        request->rate_bps = &request->rate;
    }
    i++;

    if (i == n) {
        return true;
    }
    if (n - i != 2 || strcmp(words[i], "burst") || !request->rate_bps) {
        ctl_error(ctx, "set-rate: \"%s\" makes no sense here: write set-rate "
                  "NAME [tx|rx|both] RATE [burst SIZE], or ... none",
                  words[i]);
        return false;
    }
    if (!qos_burst_parse(words[i + 1], &value, error)) {
        ctl_error(ctx, "%s", error);
        return false;
    }
    request->burst = value;
    request->burst_bytes = &request->burst;
    return true;
}

/* Tells that 'profile' limits 'vif' now that its own limit is gone. */
static void
tell_profile(struct ctl_context *ctx, const struct ndrec_vif *vif,
             const char *direction, const int64_t *profile_bps)
{
    char text[QOS_TEXT_BYTES];

    if (profile_bps) {
        qos_rate_format(*profile_bps, text);
        ds_put_format(&ctx->output, "%s %s: %s, from profile %s\n",
                      vif->name, direction, text, vif->profile->name);
    }
}

static void
set_vif_rate(struct ctl_context *ctx, const struct ndrec_vif *vif,
             const struct rate_request *r)
{
    if (r->tx) {
        ndrec_vif_set_tx_rate_bps(vif, r->rate_bps, r->rate_bps != NULL);
        ndrec_vif_set_tx_burst_bytes(vif, r->burst_bytes,
                                     r->burst_bytes != NULL);
    }
    if (r->rx) {
        ndrec_vif_set_rx_rate_bps(vif, r->rate_bps, r->rate_bps != NULL);
        ndrec_vif_set_rx_burst_bytes(vif, r->burst_bytes,
                                     r->burst_bytes != NULL);
    }
    if (!r->rate_bps && vif->profile) {
        if (r->tx) {
            tell_profile(ctx, vif, "tx", vif->profile->tx_rate_bps);
        }
        if (r->rx) {
            tell_profile(ctx, vif, "rx", vif->profile->rx_rate_bps);
        }
    }
    ctl_touch(&vif->header_);
}

/* Touches the VIFs that use 'profile': their state tells how it went. */
static void
touch_users(struct ctl_context *ctx, const struct ndrec_qos_profile *profile)
{
    const struct ndrec_vif *vif;

    const struct ndrec_qos_group *group;
    const struct ndrec_tenant *tenant;

    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        if (tenant->profile == profile) {
            ctl_touch(&tenant->header_);
        }
    }
    NDREC_QOS_GROUP_FOR_EACH (group, ctx->idl) {
        if (group->profile == profile) {
            ctl_touch(&group->header_);
        }
    }
    NDREC_VIF_FOR_EACH (vif, ctx->idl) {
        if (vif->profile == profile) {
            ctl_touch(&vif->header_);
        }
    }
}

static void
set_profile_rate(struct ctl_context *ctx,
                 const struct ndrec_qos_profile *profile,
                 const struct rate_request *r)
{
    if (r->tx) {
        ndrec_qos_profile_set_tx_rate_bps(profile, r->rate_bps,
                                          r->rate_bps != NULL);
        ndrec_qos_profile_set_tx_burst_bytes(profile, r->burst_bytes,
                                             r->burst_bytes != NULL);
    }
    if (r->rx) {
        ndrec_qos_profile_set_rx_rate_bps(profile, r->rate_bps,
                                          r->rate_bps != NULL);
        ndrec_qos_profile_set_rx_burst_bytes(profile, r->burst_bytes,
                                             r->burst_bytes != NULL);
    }
    touch_users(ctx, profile);
}

static void
cmd_set_rate(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_qos_profile *profile = find_profile(ctx, name);
    const struct ndrec_vif *vif = find_vif(ctx, name);
    struct rate_request request;

    if (!parse_rate_request(ctx, ctx->argv + 2, ctx->argc - 2, &request)) {
        return;
    }
    if (vif && profile) {
        ctl_error(ctx, "\"%s\" is a VIF and a profile: use \"vif-set %s "
                  "tx_rate=RATE\" or \"profile-set %s tx_rate=RATE\"", name,
                  name, name);
    } else if (vif) {
        set_vif_rate(ctx, vif, &request);
    } else if (profile) {
        set_profile_rate(ctx, profile, &request);
    } else {
        char *vifs = names_hint(ctx, &ndrec_table_vif, &ndrec_vif_col_name,
                                name, "vif-add TENANT VIF guest=GUEST");

        ctl_error(ctx, "there is no VIF and no profile \"%s\": %s", name,
                  vifs);
        free(vifs);
    }
}

static void
cmd_profile_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_qos_profile *profile = find_profile(ctx, name);
    char error[CHECK_ERROR_BYTES];

    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the profile's name \"%s\" %s", name, error);
        return;
    }
    if (profile && !has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "profile \"%s\" is there already: choose another "
                  "name, add --may-exist, or change it with profile-set",
                  name);
        return;
    }
    if (!profile) {
        struct ndrec_qos_profile **profiles;
        size_t n;

        profile = ndrec_qos_profile_insert(ctx->txn);
        ndrec_qos_profile_set_name(profile, name);
        ndrec_netdom_verify_profiles(root);
        profiles = rows_with(root->profiles, root->n_profiles, profile, &n);
        ndrec_netdom_set_profiles(root, profiles, n);
        free(profiles);
    }
    if (apply_words(ctx, "QoS_Profile", &profile->header_, limit_settings,
                    NULL, ctx->argv + 2, ctx->argc - 2)) {
        touch_users(ctx, profile);
    }
}

static void
cmd_profile_set(struct ctl_context *ctx)
{
    const struct ndrec_qos_profile *profile;

    profile = (has_option(ctx, "--if-exists")
               ? find_profile(ctx, ctx->argv[1])
               : must_profile(ctx, ctx->argv[1]));
    if (profile
        && apply_words(ctx, "QoS_Profile", &profile->header_, limit_settings,
                       NULL, ctx->argv + 2, ctx->argc - 2)) {
        touch_users(ctx, profile);
    }
}

/* Takes 'profile' from tenants and groups, with --force.  False: there are
 * some, and they were named. */
static bool
leave_shared(struct ctl_context *ctx, const struct ndrec_qos_profile *profile)
{
    const char *what = NULL, *name = NULL;
    const struct ndrec_qos_group *group;
    const struct ndrec_tenant *tenant;
    bool force = has_option(ctx, "--force");

    NDREC_TENANT_FOR_EACH (tenant, ctx->idl) {
        if (tenant->profile == profile) {
            what = "tenant";
            name = tenant->name;
            if (force) {
                ndrec_tenant_set_profile(tenant, NULL);
                ctl_touch(&tenant->header_);
            }
        }
    }
    NDREC_QOS_GROUP_FOR_EACH (group, ctx->idl) {
        if (group->profile == profile) {
            what = "group";
            name = group->name;
            if (force) {
                ndrec_qos_group_set_profile(group, NULL);
                ctl_touch(&group->header_);
            }
        }
    }
    if (!what || force) {
        return true;
    }
    ctl_error(ctx, "profile \"%s\" still limits %s %s: give it another with "
              "profile=NAME first, or add --force to leave it without",
              profile->name, what, name);
    return false;
}

static void
cmd_profile_del(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_netdom *root = ctl_root(ctx);
    const struct ndrec_qos_profile *profile;
    struct ndrec_qos_profile **profiles;
    const struct ndrec_vif *vif;
    size_t n;

    profile = has_option(ctx, "--if-exists") ? find_profile(ctx, name)
                                             : must_profile(ctx, name);
    if (!profile) {
        return;
    }
    NDREC_VIF_FOR_EACH (vif, ctx->idl) {
        if (vif->profile != profile) {
            continue;
        }
        if (!has_option(ctx, "--force")) {
            ctl_error(ctx, "profile \"%s\" still limits VIFs, such as %s: "
                      "give them another with \"vif-set VIF profile=NAME\" "
                      "first, or add --force to leave them without", name,
                      vif->name);
            return;
        }
        ndrec_vif_set_profile(vif, NULL);
        ctl_touch(&vif->header_);
    }
    if (!leave_shared(ctx, profile)) {
        return;
    }
    ndrec_netdom_verify_profiles(root);
    profiles = rows_without(root->profiles, root->n_profiles, profile, &n);
    ndrec_netdom_set_profiles(root, profiles, n);
    free(profiles);
    ndrec_qos_profile_delete(profile);
}

static void
cmd_profile_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "profile", "tx_rate_bps", "tx_burst_bytes", "rx_rate_bps",
        "rx_burst_bytes", "vifs", NULL
    };
    const struct ndrec_qos_profile **profiles;
    size_t n;

    profiles = rows_sorted(ctx, &ndrec_table_qos_profile,
                           &ndrec_qos_profile_col_name, &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        const struct ndrec_vif *vif;
        int64_t n_vifs = 0;

        NDREC_VIF_FOR_EACH (vif, ctx->idl) {
            n_vifs += vif->profile == profiles[i];
        }
        list_row(ctx);
        list_text(ctx, profiles[i]->name);
        list_rate(ctx, profiles[i]->tx_rate_bps);
        list_integer(ctx, profiles[i]->tx_burst_bytes);
        list_rate(ctx, profiles[i]->rx_rate_bps);
        list_integer(ctx, profiles[i]->rx_burst_bytes);
        list_integer(ctx, &n_vifs);
    }
    free(profiles);
}

const struct ctl_command_syntax limit_commands[] = {
    { "set-rate", 2, 5, "NAME [tx|rx|both] RATE [burst] [SIZE]", pre_limit,
      cmd_set_rate, NULL, "", RW },
    { "profile-add", 1, INT_MAX, "NEW-PROFILE [KEY=VALUE]...", pre_limit,
      cmd_profile_add, NULL, "--may-exist", RW },
    { "profile-set", 2, INT_MAX, "PROFILE KEY=VALUE...", pre_limit,
      cmd_profile_set, NULL, "--if-exists", RW },
    { "profile-del", 1, 1, "PROFILE", pre_limit, cmd_profile_del, NULL,
      "--if-exists,--force", RW },
    { "profile-list", 0, 0, "", pre_limit, cmd_profile_list, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
