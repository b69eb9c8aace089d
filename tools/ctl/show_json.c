#include <config.h>

#include "tools/ctl/show_json.h"

#include "openvswitch/json.h"
#include "tools/ctl/ctl.h"

static void
put_text(struct json *object, const char *name, const char *text)
{
    if (text) {
        json_object_put_string(object, name, text);
    }
}

static void
put_integer(struct json *object, const char *name, const int64_t *number)
{
    if (number) {
        json_object_put(object, name, json_integer_create(*number));
    }
}

static struct json *
texts(char *const values[], size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_string_create(values[i]));
    }
    return array;
}

static struct json *
integers(const int64_t *values, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_integer_create(values[i]));
    }
    return array;
}

static struct json *
vif_json(const struct ndrec_vif *vif)
{
    struct vif_limits limits = vif_limits(vif);
    struct json *object = json_object_create();

    put_text(object, "name", vif->name);
    put_text(object, "guest", vif->guest);
    put_integer(object, "devid", &vif->devid);
    put_text(object, "mac", vif->mac);
    put_integer(object, "mtu", vif->mtu);
    put_integer(object, "vlan_tag", vif->vlan_tag);
    json_object_put(object, "vlan_trunks",
                    integers(vif->vlan_trunks, vif->n_vlan_trunks));
    json_object_put(object, "anti_spoof",
                    texts(vif->anti_spoof, vif->n_anti_spoof));
    json_object_put(object, "addresses",
                    texts(vif->addresses, vif->n_addresses));
    put_text(object, "profile", vif->profile ? vif->profile->name : NULL);
    put_integer(object, "tx_rate_bps", limits.tx_rate_bps);
    put_integer(object, "tx_burst_bytes", limits.tx_burst_bytes);
    put_integer(object, "rx_rate_bps", limits.rx_rate_bps);
    put_integer(object, "rx_burst_bytes", limits.rx_burst_bytes);
    put_text(object, "group", vif->group ? vif->group->name : NULL);
    put_text(object, "state", vif->state);
    put_text(object, "state_since", vif->state_since);
    put_text(object, "error", vif->error);
    put_text(object, "port", vif->port);
    put_integer(object, "domid", vif->domid);
    return object;
}

static struct json *
tenant_json(const struct ndrec_tenant *tenant,
            const struct ndrec_vif *const vifs[], size_t n_vifs)
{
    struct json *controllers = json_array_create_empty();
    struct json *own_vifs = json_array_create_empty();
    struct json *groups = json_array_create_empty();
    struct json *object = json_object_create();

    for (size_t i = 0; i < tenant->n_groups; i++) {
        const struct ndrec_qos_group *group = tenant->groups[i];
        struct json *json = json_object_create();

        put_text(json, "name", group->name);
        put_text(json, "profile", group->profile ? group->profile->name
                                                 : NULL);
        put_text(json, "error", group->error);
        json_array_add(groups, json);
    }
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        struct json *controller = json_object_create();

        put_text(controller, "target", tenant->controllers[i]->target);
        put_text(controller, "state", tenant->controllers[i]->state);
        json_array_add(controllers, controller);
    }
    for (size_t i = 0; i < n_vifs; i++) {
        for (size_t j = 0; j < tenant->n_vifs; j++) {
            if (tenant->vifs[j] == vifs[i]) {
                json_array_add(own_vifs, vif_json(vifs[i]));
            }
        }
    }
    put_text(object, "name", tenant->name);
    put_text(object, "host", tenant->host ? tenant->host->name : NULL);
    put_text(object, "vf", tenant->vf ? tenant->vf->name : NULL);
    put_text(object, "fail_mode", tenant->fail_mode);
    put_text(object, "profile", tenant->profile ? tenant->profile->name
                                                : NULL);
    json_object_put(object, "groups", groups);
    put_text(object, "state", tenant->state);
    put_text(object, "state_since", tenant->state_since);
    put_text(object, "error", tenant->error);
    put_integer(object, "domid", tenant->domid);
    json_object_put(object, "controllers", controllers);
    json_object_put(object, "vifs", own_vifs);
    return object;
}

static struct json *
host_json(const struct ndrec_host *host)
{
    struct json *vfs = json_array_create_empty();
    struct json *object = json_object_create();

    for (size_t i = 0; i < host->n_vfs; i++) {
        const struct ndrec_vf *vf = host->vfs[i];
        struct json *vf_object = json_object_create();

        put_text(vf_object, "name", vf->name);
        put_text(vf_object, "iface", vf->iface);
        put_text(vf_object, "pci_address", vf->pci_address);
        put_integer(vf_object, "vlan", vf->vlan);
        put_integer(vf_object, "numa_node", vf->numa_node);
        put_integer(vf_object, "max_rate_bps", vf->max_rate_bps);
        put_text(vf_object, "state", vf->state);
        put_text(vf_object, "error", vf->error);
        json_array_add(vfs, vf_object);
    }
    put_text(object, "name", host->name);
    put_text(object, "platform", host->platform);
    put_integer(object, "cur_cfg", &host->cur_cfg);
    json_object_put(object, "vfs", vfs);
    return object;
}

struct json *
show_json(struct ctl_context *ctx)
{
    const struct ndrec_netdom *root = ndrec_netdom_first(ctx->idl);
    struct json *hosts_array = json_array_create_empty();
    struct json *tenants_array = json_array_create_empty();
    struct json *object = json_object_create();
    const struct ndrec_tenant **tenants;
    const struct ndrec_host **hosts;
    const struct ndrec_vif **vifs;
    size_t n_hosts, n_tenants, n_vifs;

    hosts = rows_sorted(ctx, &ndrec_table_host, &ndrec_host_col_name,
                        &n_hosts);
    tenants = rows_sorted(ctx, &ndrec_table_tenant, &ndrec_tenant_col_name,
                          &n_tenants);
    vifs = rows_sorted(ctx, &ndrec_table_vif, &ndrec_vif_col_name, &n_vifs);
    for (size_t i = 0; i < n_hosts; i++) {
        json_array_add(hosts_array, host_json(hosts[i]));
    }
    for (size_t i = 0; i < n_tenants; i++) {
        json_array_add(tenants_array, tenant_json(tenants[i], vifs, n_vifs));
    }
    if (root) {
        put_integer(object, "next_cfg", &root->next_cfg);
        put_integer(object, "cur_cfg", &root->cur_cfg);
    }
    json_object_put(object, "hosts", hosts_array);
    json_object_put(object, "tenants", tenants_array);
    free(hosts);
    free(tenants);
    free(vifs);
    return object;
}
