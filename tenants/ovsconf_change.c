#include <config.h>

#include "tenants/ovsconf.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "vswitch-idl.h"

/* A bridge's ports while they change: the column is written once, whole. */
struct change {
    struct ovsdb_idl_txn *txn;
    const struct ovsrec_open_vswitch *root;
    const struct ovsrec_bridge *bridge;
    struct ovsrec_port **ports;
    size_t n_ports;
    bool ports_changed;
};

static void
init_mark(struct smap *ids)
{
    smap_init(ids);
    smap_add(ids, OVSCONF_OWNER_KEY, OVSCONF_OWNER);
}

static struct ovsrec_interface *
new_interface(struct ovsdb_idl_txn *txn, const char *name)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(txn);
    struct smap mark;

    init_mark(&mark);
    ovsrec_interface_set_name(iface, name);
    ovsrec_interface_set_external_ids(iface, &mark);
    smap_destroy(&mark);
    return iface;
}

static size_t
find_port(const struct change *change, const char *name)
{
    size_t i = 0;

    while (i < change->n_ports && strcmp(change->ports[i]->name, name)) {
        i++;
    }
    return i;
}

static void
add_port(struct change *change, struct ovsrec_port *port)
{
    change->ports = xrealloc(change->ports, (change->n_ports + 1)
                                            * sizeof *change->ports);
    change->ports[change->n_ports++] = port;
    change->ports_changed = true;
}

static struct ovsrec_port *
new_port(struct change *change, const char *name)
{
    struct ovsrec_port *port = ovsrec_port_insert(change->txn);
    struct ovsrec_interface *iface = new_interface(change->txn, name);
    struct smap mark;

    init_mark(&mark);
    ovsrec_port_set_name(port, name);
    ovsrec_port_set_external_ids(port, &mark);
    ovsrec_port_set_interfaces(port, &iface, 1);
    smap_destroy(&mark);
    add_port(change, port);
    return port;
}

static void
set_port(struct change *change, const struct port_spec *spec)
{
    const int64_t tag = spec->vlan_tag, mtu = spec->mtu_request;
    size_t i = find_port(change, spec->name);
    const struct ovsrec_port *port;

    if (i == change->n_ports) {
        port = new_port(change, spec->name);
    } else {
        port = change->ports[i];
        if (port->n_interfaces != 1
            || strcmp(port->interfaces[0]->name, spec->name)) {
            struct ovsrec_interface *own = new_interface(change->txn,
                                                         spec->name);
            ovsrec_port_set_interfaces(port, &own, 1);
        }
    }

    const struct ovsrec_interface *iface = port->interfaces[0];
    ovsrec_interface_set_type(iface, spec->type);
    ovsrec_interface_set_options(iface, spec->options);
    ovsrec_interface_set_mtu_request(iface, &mtu, mtu ? 1 : 0);
    ovsrec_port_set_tag(port, &tag, tag >= 0 ? 1 : 0);
    ovsrec_port_set_trunks(port, spec->trunks, spec->n_trunks);
}

static void
del_port(struct change *change, const char *name)
{
    size_t i = find_port(change, name);

    if (i < change->n_ports) {
        change->ports[i] = change->ports[--change->n_ports];
        change->ports_changed = true;
    }
}

/* The bridge's MAC and datapath id, from the tenant's name: an OpenFlow
 * controller knows the bridge again whatever was restarted, and whichever
 * ports came first. */
static void
name_bridge(const struct ovsrec_bridge *bridge, const char *tenant)
{
    uint32_t high = hash_string(tenant, 1), low = hash_string(tenant, 2);
    struct smap config;

    smap_init(&config);
    smap_add_format(&config, "hwaddr", "02:%02x:%02x:%02x:%02x:%02x",
                    high & 0xff, low >> 24, low >> 16 & 0xff,
                    low >> 8 & 0xff, low & 0xff);
    smap_add_format(&config, "datapath-id", "000002%02x%08x", high & 0xff,
                    low);
    ovsrec_bridge_set_other_config(bridge, &config);
    smap_destroy(&config);
}

static void
new_bridge(struct change *change, const char *tenant)
{
    const struct ovsrec_open_vswitch *root = change->root;
    struct ovsrec_bridge *bridge = ovsrec_bridge_insert(change->txn);
    struct smap mark;

    init_mark(&mark);
    ovsrec_bridge_set_name(bridge, BRIDGE_NAME);
    ovsrec_bridge_set_external_ids(bridge, &mark);
    smap_destroy(&mark);
    name_bridge(bridge, tenant);

    /* The bridge's own port, which every bridge has; it is not one that the
     * planner knows of, so it carries no mark. */
    struct ovsrec_interface *iface = ovsrec_interface_insert(change->txn);
    ovsrec_interface_set_name(iface, BRIDGE_NAME);
    ovsrec_interface_set_type(iface, "internal");

    struct ovsrec_port *port = ovsrec_port_insert(change->txn);
    ovsrec_port_set_name(port, BRIDGE_NAME);
    ovsrec_port_set_interfaces(port, &iface, 1);
    add_port(change, port);

    struct ovsrec_bridge **bridges = xcalloc(root->n_bridges + 1,
                                             sizeof *bridges);
    for (size_t i = 0; i < root->n_bridges; i++) {
        bridges[i] = root->bridges[i];
    }
    bridges[root->n_bridges] = bridge;
    ovsrec_open_vswitch_verify_bridges(root);
    ovsrec_open_vswitch_set_bridges(root, bridges, root->n_bridges + 1);
    free(bridges);
    change->bridge = bridge;
}

/* Keeps the controllers of others, and ours that stay, as they are. */
static void
set_targets(struct change *change, const struct svec *targets)
{
    const struct ovsrec_bridge *bridge = change->bridge;
    struct ovsrec_controller **rows
        = xcalloc(bridge->n_controller + targets->n, sizeof *rows);
    struct svec missing;
    size_t n = 0;

    svec_clone(&missing, targets);
    for (size_t i = 0; i < bridge->n_controller; i++) {
        struct ovsrec_controller *c = bridge->controller[i];
        bool ours = ovsconf_is_ours(&c->external_ids);

        if (!ours || svec_contains(&missing, c->target)) {
            rows[n++] = c;
        }
        if (ours) {
            svec_del(&missing, c->target);
        }
    }
    for (size_t i = 0; i < missing.n; i++) {
        struct ovsrec_controller *c = ovsrec_controller_insert(change->txn);
        struct smap mark;

        init_mark(&mark);
        ovsrec_controller_set_target(c, missing.names[i]);
        ovsrec_controller_set_external_ids(c, &mark);
        smap_destroy(&mark);
        rows[n++] = c;
    }
    ovsrec_bridge_verify_controller(bridge);
    ovsrec_bridge_set_controller(bridge, rows, n);
    svec_destroy(&missing);
    free(rows);
}

/* Keys of others in the root row stay. */
static void
set_root(const struct change *change, const struct want_tenant *want,
         const struct have_tenant *have)
{
    const struct ovsrec_open_vswitch *root = change->root;
    struct smap map;

    smap_clone(&map, &root->external_ids);
    smap_replace(&map, "netdom-tenant", want->name);
    ovsrec_open_vswitch_verify_external_ids(root);
    ovsrec_open_vswitch_set_external_ids(root, &map);
    smap_destroy(&map);

    if (have->pmd_mask_want) {
        smap_clone(&map, &root->other_config);
        smap_replace(&map, "pmd-cpu-mask", have->pmd_mask_want);
        ovsrec_open_vswitch_verify_other_config(root);
        ovsrec_open_vswitch_set_other_config(root, &map);
        smap_destroy(&map);
    }
}

static void
set_bridge(struct change *change, const struct want_tenant *want,
           const struct have_tenant *have, const struct svec *targets)
{
    if (!change->bridge) {
        new_bridge(change, want->name);
    }
    ovsrec_bridge_set_datapath_type(change->bridge, "netdev");
    ovsrec_bridge_set_fail_mode(change->bridge, want->fail_mode);
    set_targets(change, targets);
    set_root(change, want, have);
}

void
ovsconf_change(struct ovsdb_idl_txn *txn,
               const struct ovsrec_open_vswitch *root,
               const struct ovsrec_bridge *bridge,
               const struct want_tenant *want, const struct have_tenant *have,
               const struct plan *plan)
{
    struct change change = {
        .txn = txn,
        .root = root ? root : ovsrec_open_vswitch_insert(txn),
        .bridge = bridge,
    };

    if (bridge) {
        change.n_ports = bridge->n_ports;
        change.ports = xmemdup(bridge->ports,
                               bridge->n_ports * sizeof *bridge->ports);
    }
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *action = &plan->actions[i];

        if (action->type == ACT_BRIDGE_SET) {
            set_bridge(&change, want, have, &action->targets);
        } else if (action->type == ACT_PORT_SET && change.bridge) {
            set_port(&change, action->port);
        } else if (action->type == ACT_PORT_DEL && change.bridge) {
            del_port(&change, action->object);
        }
    }
    if (change.ports_changed) {
        ovsrec_bridge_verify_ports(change.bridge);
        ovsrec_bridge_set_ports(change.bridge, change.ports, change.n_ports);
    }
    ovsdb_idl_txn_increment(txn, &change.root->header_,
                            &ovsrec_open_vswitch_col_next_cfg, false);
    free(change.ports);
}
