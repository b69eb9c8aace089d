#include <config.h>

#include "tenants/ovsconf.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "tenants/limits_status.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(ovsconf);

struct ovsconf {
    char *tenant;
    struct ovsdb_idl *idl;
    unsigned int seqno;
    struct ovsdb_idl_txn *txn;          /* Under way, or null. */
    int64_t our_cfg;                    /* next_cfg of our last change, or
                                         * -1 before the first look. */
    bool expect_switch;                 /* Increment next_cfg once more. */
};

static void
add_columns(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ovsrec_open_vswitch_col_bridges,
        &ovsrec_open_vswitch_col_cur_cfg,
        &ovsrec_open_vswitch_col_external_ids,
        &ovsrec_open_vswitch_col_next_cfg,
        &ovsrec_open_vswitch_col_other_config,
        &ovsrec_bridge_col_controller,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_bridge_col_external_ids,
        &ovsrec_bridge_col_fail_mode,
        &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_ports,
        &ovsrec_port_col_external_ids,
        &ovsrec_port_col_interfaces,
        &ovsrec_port_col_name,
        &ovsrec_port_col_tag,
        &ovsrec_port_col_trunks,
        &ovsrec_interface_col_error,
        &ovsrec_interface_col_mtu_request,
        &ovsrec_interface_col_name,
        &ovsrec_interface_col_options,
        &ovsrec_interface_col_status,
        &ovsrec_interface_col_type,
        &ovsrec_controller_col_external_ids,
        &ovsrec_controller_col_is_connected,
        &ovsrec_controller_col_target,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
    }
    ovsdb_idl_omit_alert(idl, &ovsrec_open_vswitch_col_external_ids);
}

struct ovsconf *
ovsconf_create(const char *socket, const char *tenant)
{
    struct ovsconf *conf = xzalloc(sizeof *conf);
    char *remote = xasprintf("unix:%s", socket);

    conf->tenant = xstrdup(tenant);
    conf->our_cfg = -1;
    conf->idl = ovsdb_idl_create(remote, &ovsrec_idl_class, false, true);
    add_columns(conf->idl);
    free(remote);
    return conf;
}

void
ovsconf_destroy(struct ovsconf *conf)
{
    if (!conf) {
        return;
    }
    if (conf->txn) {
        ovsdb_idl_txn_destroy(conf->txn);
    }
    ovsdb_idl_destroy(conf->idl);
    free(conf->tenant);
    free(conf);
}

/* Returns true if the transaction is over. */
static bool
run_txn(struct ovsconf *conf)
{
    if (!conf->txn) {
        return false;
    }

    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(conf->txn);
    if (status == TXN_INCOMPLETE) {
        return false;
    }
    if (status == TXN_SUCCESS) {
        conf->our_cfg = ovsdb_idl_txn_get_increment_new_value(conf->txn);
    } else if (status != TXN_UNCHANGED && status != TXN_TRY_AGAIN) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

        VLOG_WARN_RL(&rl, "%s: changing its database failed: %s",
                     conf->tenant, ovsdb_idl_txn_get_error(conf->txn));
    }
    ovsdb_idl_txn_destroy(conf->txn);
    conf->txn = NULL;
    return true;
}

bool
ovsconf_run(struct ovsconf *conf)
{
    ovsdb_idl_run(conf->idl);

    bool changed = run_txn(conf);
    unsigned int seqno = ovsdb_idl_get_seqno(conf->idl);

    changed |= seqno != conf->seqno;
    conf->seqno = seqno;

    const struct ovsrec_open_vswitch *root = ovsconf_root(conf);
    if (root && conf->our_cfg < 0) {
        conf->our_cfg = root->next_cfg;
    }
    if (root && conf->expect_switch && ovsconf_is_ready(conf)) {
        conf->expect_switch = false;
        conf->txn = ovsdb_idl_txn_create(conf->idl);
        ovsdb_idl_txn_increment(conf->txn, &root->header_,
                                &ovsrec_open_vswitch_col_next_cfg, true);
        changed |= run_txn(conf);
    }
    return changed;
}

void
ovsconf_wait(struct ovsconf *conf)
{
    ovsdb_idl_wait(conf->idl);
    if (conf->txn) {
        ovsdb_idl_txn_wait(conf->txn);
    }
}

bool
ovsconf_is_ready(const struct ovsconf *conf)
{
    return !conf->txn && ovsdb_idl_has_ever_connected(conf->idl)
           && ovsdb_idl_is_connected(conf->idl);
}

const struct ovsrec_open_vswitch *
ovsconf_root(const struct ovsconf *conf)
{
    return ovsrec_open_vswitch_first(conf->idl);
}

const struct ovsrec_bridge *
ovsconf_bridge(const struct ovsconf *conf)
{
    const struct ovsrec_open_vswitch *root = ovsconf_root(conf);

    for (size_t i = 0; root && i < root->n_bridges; i++) {
        if (!strcmp(root->bridges[i]->name, BRIDGE_NAME)) {
            return root->bridges[i];
        }
    }
    return NULL;
}

bool
ovsconf_is_settled(const struct ovsconf *conf)
{
    const struct ovsrec_open_vswitch *root = ovsconf_root(conf);

    return ovsconf_is_ready(conf) && root && !conf->expect_switch
           && root->cur_cfg >= conf->our_cfg;
}

bool
ovsconf_is_ours(const struct smap *external_ids)
{
    const char *owner = smap_get(external_ids, OVSCONF_OWNER_KEY);

    return owner && !strcmp(owner, OVSCONF_OWNER);
}

static void
observe_port(const struct ovsrec_port *port, struct have_tenant *have)
{
    const struct ovsrec_interface *iface
        = port->n_interfaces == 1 ? port->interfaces[0] : NULL;
    struct port_spec *spec = &have->ports[have->n_ports++];

    port_spec_init(spec, port->name, iface ? iface->type : "");
    spec->ours = ovsconf_is_ours(&port->external_ids);
    spec->vlan_tag = port->n_tag ? *port->tag : -1;
    if (port->n_trunks) {
        spec->trunks = xmemdup(port->trunks,
                               port->n_trunks * sizeof *port->trunks);
        spec->n_trunks = port->n_trunks;
    }
    if (iface) {
        smap_destroy(spec->options);
        smap_clone(spec->options, &iface->options);
        spec->mtu_request = iface->n_mtu_request ? *iface->mtu_request : 0;
        spec->error = nullable_xstrdup(iface->error);
        spec->limits = limits_in_force(&iface->status);
    }
}

void
ovsconf_observe(const struct ovsconf *conf, struct have_tenant *have)
{
    const struct ovsrec_open_vswitch *root = ovsconf_root(conf);
    const struct ovsrec_bridge *bridge = ovsconf_bridge(conf);

    have->db_ready = ovsconf_is_ready(conf);
    if (root) {
        have->pmd_mask = nullable_xstrdup(smap_get(&root->other_config,
                                                   "pmd-cpu-mask"));

        const char *vf = smap_get(&root->external_ids, "netdom-vf");
        have->vf_address = vf && vf_is_pci(vf) ? xstrdup(vf) : NULL;
    }
    if (!bridge) {
        return;
    }
    have->bridge = true;
    have->bridge_ours = ovsconf_is_ours(&bridge->external_ids);
    have->datapath_type = xstrdup(bridge->datapath_type);
    have->fail_mode = xstrdup(bridge->fail_mode ? bridge->fail_mode
                                                : "standalone");
    for (size_t i = 0; i < bridge->n_controller; i++) {
        if (ovsconf_is_ours(&bridge->controller[i]->external_ids)) {
            svec_add(&have->targets, bridge->controller[i]->target);
        }
    }
    svec_sort(&have->targets);

    have->ports = xcalloc(bridge->n_ports, sizeof *have->ports);
    for (size_t i = 0; i < bridge->n_ports; i++) {
        observe_port(bridge->ports[i], have);
    }
}

static bool
concerns_us(enum action_type type)
{
    return type == ACT_BRIDGE_SET || type == ACT_PORT_SET
           || type == ACT_PORT_DEL;
}

void
ovsconf_apply(struct ovsconf *conf, const struct want_tenant *want,
              const struct have_tenant *have, const struct plan *plan)
{
    bool any = false;

    for (size_t i = 0; i < plan->n_actions; i++) {
        any |= concerns_us(plan->actions[i].type);
    }
    if (!any || !ovsconf_is_ready(conf)) {
        return;
    }

    conf->txn = ovsdb_idl_txn_create(conf->idl);
    ovsdb_idl_txn_add_comment(conf->txn, "netdom-controller");
    ovsconf_change(conf->txn, ovsconf_root(conf), ovsconf_bridge(conf), want,
                   have, plan);
    run_txn(conf);
}

void
ovsconf_expect_switch(struct ovsconf *conf)
{
    conf->expect_switch = true;
}

bool
ovsconf_target_connected(const struct ovsconf *conf, const char *target)
{
    const struct ovsrec_controller *c;

    OVSREC_CONTROLLER_FOR_EACH (c, conf->idl) {
        if (ovsconf_is_ours(&c->external_ids) && !strcmp(c->target, target)) {
            return c->is_connected;
        }
    }
    return false;
}
