#include <config.h>

#include "tenants/controller.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "ovsdb-idl.h"
#include "ovsdb-schema/netdom-idl.h"
#include "tenants/ovsconf.h"
#include "tenants/plan.h"
#include "tenants/tenant.h"
#include "tenants/uplink.h"
#include "tenants/xen.h"
#include "timeval.h"
#include "util.h"

enum { XENBUS_CONNECTED = 4, XENBUS_CLOSING = 5, XENBUS_CLOSED = 6 };

/* "2026-01-02T03:04:05.678Z".  The caller frees it. */
static char *
timestamp(void)
{
    return xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", time_wall_msec(), true);
}

/* Each returns true if it wrote. */

static bool
write_tenant_state(const struct ndrec_tenant *row, const char *state,
                   const char *error)
{
    bool wrote = false;

    if (!text_equals(row->state, state)) {
        char *now = timestamp();

        ndrec_tenant_set_state(row, state);
        ndrec_tenant_set_state_since(row, now);
        free(now);
        wrote = true;
    }
    if (!text_equals(row->error, error)) {
        ndrec_tenant_set_error(row, error);
        wrote = true;
    }
    return wrote;
}

static bool
write_vif_state(const struct ndrec_vif *row, const char *state,
                const char *error)
{
    bool wrote = false;

    if (!text_equals(row->state, state)) {
        char *now = timestamp();

        ndrec_vif_set_state(row, state);
        ndrec_vif_set_state_since(row, now);
        free(now);
        wrote = true;
    }
    if (!text_equals(row->error, error)) {
        ndrec_vif_set_error(row, error);
        wrote = true;
    }
    return wrote;
}

static bool
write_vif_place(const struct ndrec_vif *row, uint32_t domid,
                const char *port)
{
    bool wrote = false;

    if (!text_equals(row->port, port)) {
        ndrec_vif_set_port(row, port);
        wrote = true;
    }
    if (row->n_domid != (domid != 0) || (domid && *row->domid != domid)) {
        int64_t value = domid;

        ndrec_vif_set_domid(row, &value, domid != 0);
        wrote = true;
    }
    return wrote;
}

/* What the switch says that is in force; null: nothing. */
static bool
write_vif_limits(const struct ndrec_vif *row, const struct smap *limits)
{
    static const struct smap none = SMAP_INITIALIZER(&none);

    if (!limits) {
        limits = &none;
    }
    if (smap_equal(limits, &row->limits)) {
        return false;
    }
    ndrec_vif_set_limits(row, limits);
    return true;
}

static const struct want_vif *
find_vif(const struct tenant *tenant, const struct uuid *row)
{
    for (size_t i = 0; tenant && tenant->want && i < tenant->want->n_vifs;
         i++) {
        if (uuid_equals(&tenant->want->vifs[i].row, row)) {
            return &tenant->want->vifs[i];
        }
    }
    return NULL;
}

/* Its switch serves.  One that was adopted did so before and has only not
 * been asked yet. */
static bool
is_running(const struct tenant *tenant, const struct ndrec_tenant *row)
{
    return tenant->up
           || (!tenant->ran && tenant->have->vswitch == PROC_RUNNING
               && text_equals(row->state, "running"));
}

/* What a dead switch left in xenstore says nothing about now, except that it
 * had cut the guest off. */
static const char *
vif_state(const struct tenant *tenant, const struct ndrec_tenant *row,
          const struct have_vif *vif, const char *error)
{
    return vif && vif->quarantine ? "quarantined"
           : error ? "error"
           : !vif || !is_running(tenant, row) ? "connecting"
           : vif->state == XENBUS_CONNECTED ? "connected"
           : vif->state == XENBUS_CLOSING || vif->state == XENBUS_CLOSED
             ? "closed" : "connecting";
}

static bool
write_vif(const struct controller *c, const struct tenant *tenant,
          const struct ndrec_tenant *tenant_row, const struct ndrec_vif *row)
{
    const char *bad = row_errors_find(&c->errors, &row->header_.uuid);
    const struct want_vif *want = find_vif(tenant, &row->header_.uuid);
    uint32_t domid = want ? guests_find(xen_guests(c->env.xen), want->guest)
                          : 0;

    if (!domid) {
        bool wrote = write_vif_place(row, 0, NULL);

        wrote |= write_vif_limits(row, NULL);
        return write_vif_state(row, bad ? "error" : "no-guest", bad) || wrote;
    }

    char *name = vif_port_name(domid, want->devid);
    const struct port_spec *port = have_port_find(tenant->have, name);
    const struct have_vif *vif = have_vif_find(tenant->have, domid,
                                               want->devid);
    char *error = bad ? xstrdup(bad)
        : port && !port->ours
          ? xasprintf("port %s is taken: remove it from " BRIDGE_NAME, name)
        : port && port->error ? xstrdup(port->error)
        : vif && vif->error ? xstrdup(vif->error) : NULL;
    bool wrote = write_vif_place(row, domid, name);

    wrote |= write_vif_limits(row, port && port->ours
                                   && is_running(tenant, tenant_row)
                                   ? port->limits : NULL);
    wrote |= write_vif_state(row, vif_state(tenant, tenant_row, vif, error),
                             error);
    free(error);
    free(name);
    return wrote;
}

static bool
write_controllers(const struct controller *c, const struct tenant *tenant,
                  const struct ndrec_tenant *row)
{
    bool wrote = false;

    for (size_t i = 0; i < row->n_controllers; i++) {
        const struct ndrec_openflow_controller *oc = row->controllers[i];
        const char *state = row_errors_find(&c->errors, &oc->header_.uuid);

        if (!state) {
            const struct want_controller *wc = NULL;

            for (size_t j = 0; tenant && tenant->want
                               && j < tenant->want->n_controllers; j++) {
                if (!strcmp(tenant->want->controllers[j].target,
                            oc->target)) {
                    wc = &tenant->want->controllers[j];
                }
            }

            const char *target
                = wc ? plan_switch_target(tenant->have, wc) : NULL;
            state = target && tenant->conf
                    && ovsconf_target_connected(tenant->conf, target)
                    ? "connected" : "connecting";
        }
        if (!text_equals(oc->state, state)) {
            ndrec_openflow_controller_set_state(oc, state);
            wrote = true;
        }
    }
    return wrote;
}

static const char *
tenant_state(const struct tenant *tenant, const struct ndrec_tenant *row)
{
    return !tenant->want ? "deleting"
           : tenant->error || tenant->have->failing ? "failed"
           : is_running(tenant, row) ? "running"
           : tenant->ran ? "restarting" : "creating";
}

static bool
write_group(const struct controller *c, const struct ndrec_qos_group *row)
{
    const char *error = row_errors_find(&c->errors, &row->header_.uuid);

    if (text_equals(error, row->error)) {
        return false;
    }
    ndrec_qos_group_set_error(row, error);
    return true;
}

static bool
write_tenant(const struct controller *c, const struct ndrec_tenant *row)
{
    const struct tenant *tenant = shash_find_data(&c->tenants, row->name);
    const char *bad = row_errors_find(&c->errors, &row->header_.uuid);
    bool wrote = write_controllers(c, tenant, row);

    for (size_t i = 0; i < row->n_vifs; i++) {
        wrote |= write_vif(c, tenant, row, row->vifs[i]);
    }
    for (size_t i = 0; i < row->n_groups; i++) {
        wrote |= write_group(c, row->groups[i]);
    }
    if (!tenant) {
        return write_tenant_state(row, "failed", bad) || wrote;
    }

    struct smap status = SMAP_INITIALIZER(&status);
    char *error = bad ? xstrdup(bad) : tenant_error(tenant);
    uint32_t domid = tenant->have->domid;

    wrote |= write_tenant_state(row, tenant_state(tenant, row), error);
    free(error);

    tenant->driver->status(tenant->domain, &status);
    if (tenant->want && tenant->want->link) {
        smap_add_format(&status, "uplink-share-bps", "%"PRIu64,
                        tenant->want->uplink_bps);
    }
    if (!smap_equal(&status, &row->status)) {
        ndrec_tenant_set_status(row, &status);
        wrote = true;
    }
    smap_destroy(&status);
    if (row->n_domid != (domid != 0) || (domid && *row->domid != domid)) {
        int64_t value = domid;

        ndrec_tenant_set_domid(row, &value, domid != 0);
        wrote = true;
    }
    return wrote;
}

/* The tenant of ours that has 'vf', or null. */
static const struct tenant *
vf_user(const struct controller *c, const char *vf)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->tenants) {
        const struct tenant *tenant = node->data;

        if (tenant->want && text_equals(tenant->want->vf, vf)) {
            return tenant;
        }
    }
    return NULL;
}

static bool
write_vf(const struct controller *c, const struct ndrec_vf *row)
{
    const struct tenant *user = vf_user(c, row->name);
    bool xen = !strcmp(c->platform, "xen");
    const char *device = parse_vf_device(row, xen);
    const char *state, *error = NULL;

    if (!device) {
        state = "error";
        error = xen ? "on Xen a VF needs its pci_address"
                    : "a VF needs its iface or its pci_address";
    } else if (user && user->have->place == IFACE_INSIDE) {
        state = "used";
    } else if (!uplink_is_on_host(device)) {
        state = "missing";
        error = vf_is_pci(device) ? "there is no such device on this host's PCI"
                    : "there is no such interface on this host";
    } else {
        state = user ? "used" : "free";
    }

    bool wrote = false;
    if (!text_equals(row->state, state)) {
        ndrec_vf_set_state(row, state);
        wrote = true;
    }
    if (!text_equals(row->error, error)) {
        ndrec_vf_set_error(row, error);
        wrote = true;
    }
    return wrote;
}

bool
status_all_applied(const struct controller *c)
{
    struct shash_node *node;

    if (!c->parsed || !xen_is_up(c->env.xen)) {
        return false;
    }
    SHASH_FOR_EACH (node, &c->tenants) {
        if (!tenant_is_applied(node->data)) {
            return false;
        }
    }
    return true;
}

/* As far as every host has come, the database has come. */
static bool
write_cfg(const struct controller *c, const struct ndrec_netdom *root,
          const struct ndrec_host *host)
{
    int64_t cfg = status_all_applied(c) ? c->cfg : host->cur_cfg;
    int64_t lowest = cfg;
    bool wrote = false;

    if (cfg != host->cur_cfg) {
        ndrec_host_set_cur_cfg(host, cfg);
        wrote = true;
    }
    for (size_t i = 0; i < root->n_hosts; i++) {
        if (root->hosts[i] != host) {
            lowest = MIN(lowest, root->hosts[i]->cur_cfg);
        }
    }
    if (lowest != root->cur_cfg) {
        ndrec_netdom_set_cur_cfg(root, lowest);
        wrote = true;
    }
    return wrote;
}

static bool
write_host(const struct controller *c, const struct ndrec_host *host)
{
    struct smap status = SMAP_INITIALIZER(&status);
    bool wrote = false;

    smap_add_format(&status, "controller-pid", "%d", (int) getpid());
    smap_add(&status, "driver", c->driver->name);
    smap_add(&status, "xen", xen_is_up(c->env.xen) ? "up" : "down");
    if (host->platform && strcmp(host->platform, c->platform)) {
        smap_add_format(&status, "error", "platform \"%s\": this controller "
                        "runs with --platform=%s", host->platform,
                        c->platform);
    }
    if (!smap_equal(&status, &host->status)) {
        ndrec_host_set_status(host, &status);
        wrote = true;
    }
    if (!host->platform) {
        ndrec_host_set_platform(host, c->platform);
        wrote = true;
    }
    smap_destroy(&status);
    return wrote;
}

bool
status_write(struct controller *c, struct ovsdb_idl_txn *txn)
{
    const struct ndrec_netdom *root = controller_root(c);
    const struct ndrec_host *host = controller_host(c);
    bool wrote = write_host(c, host);

    ovsdb_idl_txn_add_comment(txn, "netdom-controller: status");
    for (size_t i = 0; i < host->n_vfs; i++) {
        wrote |= write_vf(c, host->vfs[i]);
    }
    for (size_t i = 0; i < root->n_tenants; i++) {
        if (parse_tenant_is_ours(root, host, root->tenants[i])) {
            wrote |= write_tenant(c, root->tenants[i]);
        }
    }
    return write_cfg(c, root, host) || wrote;
}
