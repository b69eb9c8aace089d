/* show: hosts, tenants, VIFs and their limits, with their state. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "qos/rate_text.h"
#include "tools/ctl/show_json.h"
#include "util.h"

/* "100Mbit, burst 64kB" or "no limit". */
static void
put_limit(struct ds *s, const char *direction, const int64_t *rate_bps,
          const int64_t *burst_bytes)
{
    char text[QOS_TEXT_BYTES];

    if (!rate_bps) {
        ds_put_format(s, "%s no limit", direction);
        return;
    }
    qos_rate_format(*rate_bps, text);
    ds_put_format(s, "%s %s", direction, text);
    if (burst_bytes) {
        qos_burst_format(*burst_bytes, text);
        ds_put_format(s, " burst %s", text);
    }
}

static void
put_state(struct ds *s, const char *state, const char *since)
{
    ds_put_cstr(s, state ? state : "not taken up yet");
    if (state && since) {
        ds_put_format(s, " since %s", since);
    }
}

static void
put_error(struct ds *s, int indent, const char *error)
{
    if (error) {
        ds_put_char_multiple(s, ' ', indent);
        ds_put_format(s, "error: %s\n", error);
    }
}

static void
put_texts(struct ds *s, const char *what, char *const texts[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(s, "%s%s", i ? "," : what, texts[i]);
    }
}

static void
show_vif(struct ds *s, const struct ndrec_vif *vif)
{
    struct vif_limits limits = vif_limits(vif);

    ds_put_format(s, "        VIF %s: ", vif->name);
    put_state(s, vif->state, vif->state_since);
    ds_put_char(s, '\n');

    ds_put_format(s, "            guest %s device %"PRId64", %s", vif->guest,
                  vif->devid, vif->mac);
    if (vif->mtu) {
        ds_put_format(s, ", mtu %"PRId64, *vif->mtu);
    }
    if (vif->vlan_tag) {
        ds_put_format(s, ", vlan %"PRId64, *vif->vlan_tag);
    }
    for (size_t i = 0; i < vif->n_vlan_trunks; i++) {
        ds_put_format(s, "%s%"PRId64, i ? "," : ", trunks ",
                      vif->vlan_trunks[i]);
    }
    if (vif->port) {
        ds_put_format(s, ", port %s", vif->port);
    }
    ds_put_char(s, '\n');

    ds_put_cstr(s, "            ");
    put_limit(s, "tx", limits.tx_rate_bps, limits.tx_burst_bytes);
    put_limit(s, ", rx", limits.rx_rate_bps, limits.rx_burst_bytes);
    if (vif->profile) {
        ds_put_format(s, " (profile %s)", vif->profile->name);
    }
    if (vif->group) {
        ds_put_format(s, ", in group %s", vif->group->name);
    }
    ds_put_char(s, '\n');

    if (vif->n_anti_spoof || vif->n_addresses) {
        ds_put_cstr(s, "            ");
        put_texts(s, "checks ", vif->anti_spoof, vif->n_anti_spoof);
        put_texts(s, vif->n_anti_spoof ? ", addresses " : "addresses ",
                  vif->addresses, vif->n_addresses);
        ds_put_char(s, '\n');
    }
    put_error(s, 12, vif->error);
}

static void
show_tenant(struct ds *s, const struct ndrec_tenant *tenant,
            const struct ndrec_vif *const vifs[], size_t n_vifs)
{
    ds_put_format(s, "    tenant %s: ", tenant->name);
    put_state(s, tenant->state, tenant->state_since);
    ds_put_char(s, '\n');

    ds_put_cstr(s, "        ");
    if (tenant->vf) {
        ds_put_format(s, "VF %s", tenant->vf->name);
    } else {
        ds_put_cstr(s, "no VF");
    }
    if (tenant->domid) {
        ds_put_format(s, ", domain %"PRId64, *tenant->domid);
    }
    ds_put_format(s, ", fail mode %s\n", tenant->fail_mode);
    if (tenant->profile) {
        ds_put_format(s, "        together under profile %s\n",
                      tenant->profile->name);
    }
    for (size_t i = 0; i < tenant->n_groups; i++) {
        const struct ndrec_qos_group *group = tenant->groups[i];

        ds_put_format(s, "        group %s: %s%s\n", group->name,
                      group->profile ? "profile " : "no limits",
                      group->profile ? group->profile->name : "");
        put_error(s, 12, group->error);
    }
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        const struct ndrec_openflow_controller *c = tenant->controllers[i];

        ds_put_format(s, "        controller %s%s%s\n", c->target,
                      c->state ? ": " : "", c->state ? c->state : "");
    }
    put_error(s, 8, tenant->error);
    for (size_t i = 0; i < n_vifs; i++) {
        for (size_t j = 0; j < tenant->n_vifs; j++) {
            if (tenant->vifs[j] == vifs[i]) {
                show_vif(s, vifs[i]);
            }
        }
    }
}

static void
show_vf(struct ds *s, const struct ndrec_vf *vf)
{
    char text[QOS_TEXT_BYTES];

    ds_put_format(s, "    VF %s: %s %s", vf->name,
                  vf->iface ? "device" : "PCI",
                  vf->iface ? vf->iface
                            : vf->pci_address ? vf->pci_address : "none");
    if (vf->vlan) {
        ds_put_format(s, ", vlan %"PRId64, *vf->vlan);
    }
    if (vf->max_rate_bps) {
        qos_rate_format(*vf->max_rate_bps, text);
        ds_put_format(s, ", at most %s", text);
    }
    if (vf->state) {
        ds_put_format(s, ", %s", vf->state);
    }
    ds_put_char(s, '\n');
    put_error(s, 8, vf->error);
}

static void
show_host(struct ds *s, const struct ndrec_host *host, int64_t next_cfg)
{
    ds_put_format(s, "host %s", host->name);
    if (host->platform) {
        ds_put_format(s, " (%s)", host->platform);
    }
    if (host->cur_cfg < next_cfg) {
        ds_put_format(s, ": applied change %"PRId64" of %"PRId64,
                      host->cur_cfg, next_cfg);
    }
    ds_put_char(s, '\n');
    for (size_t i = 0; i < host->n_vfs; i++) {
        show_vf(s, host->vfs[i]);
    }
}

static void
show_text(struct ctl_context *ctx)
{
    const struct ndrec_netdom *root = ndrec_netdom_first(ctx->idl);
    const struct ndrec_tenant **tenants;
    const struct ndrec_host **hosts;
    const struct ndrec_vif **vifs;
    size_t n_hosts, n_tenants, n_vifs;
    bool homeless = false;

    hosts = rows_sorted(ctx, &ndrec_table_host, &ndrec_host_col_name,
                        &n_hosts);
    tenants = rows_sorted(ctx, &ndrec_table_tenant, &ndrec_tenant_col_name,
                          &n_tenants);
    vifs = rows_sorted(ctx, &ndrec_table_vif, &ndrec_vif_col_name, &n_vifs);
    for (size_t i = 0; i < n_hosts; i++) {
        show_host(&ctx->output, hosts[i], root ? root->next_cfg : 0);
        for (size_t j = 0; j < n_tenants; j++) {
            if (tenants[j]->host == hosts[i]) {
                show_tenant(&ctx->output, tenants[j], vifs, n_vifs);
            }
        }
    }
    for (size_t j = 0; j < n_tenants; j++) {
        if (!tenants[j]->host) {
            if (!homeless) {
                ds_put_cstr(&ctx->output, "no host\n");
                homeless = true;
            }
            show_tenant(&ctx->output, tenants[j], vifs, n_vifs);
        }
    }
    free(hosts);
    free(tenants);
    free(vifs);
}

static void
cmd_show(struct ctl_context *ctx)
{
    if (ctl_opts.style.format == TF_JSON) {
        struct json *json = show_json(ctx);

        json_to_ds(json, ctl_opts.style.json_flags, &ctx->output);
        ds_put_char(&ctx->output, '\n');
        json_destroy(json);
    } else {
        show_text(ctx);
    }
}

const struct ctl_command_syntax show_commands[] = {
    { "show", 0, 0, "", pre_all, cmd_show, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
