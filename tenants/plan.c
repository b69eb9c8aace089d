#include <config.h>

#include "tenants/plan.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tenants/plan_vif.h"
#include "util.h"

static bool
running(enum proc_state state)
{
    return state == PROC_RUNNING || state == PROC_STOPPING;
}

/* The order matters: the switch goes before its database, both before the
 * uplink goes back to the host.  Returns true once nothing runs and the
 * uplink is, or by this plan will be, back. */
static bool
plan_stop_all(const struct have_tenant *have, struct plan *plan)
{
    bool quiet = !running(have->vswitch) && !running(have->db);

    for (size_t i = 0; i < have->n_relays; i++) {
        if (have->relays[i].state != PROC_STOPPING) {
            plan_add(plan, ACT_RELAY_STOP)->object
                = xstrdup(have->relays[i].target);
        }
        if (running(have->relays[i].state)) {
            quiet = false;
        }
    }
    if (have->vswitch == PROC_RUNNING) {
        plan_add(plan, ACT_SWITCH_STOP);
    } else if (have->vswitch != PROC_STOPPING && have->db == PROC_RUNNING) {
        plan_add(plan, ACT_DB_STOP);
    }
    if (quiet && have->iface) {
        plan_add(plan, ACT_UPLINK_RETURN)->object = xstrdup(have->iface);
    }
    return quiet;
}

static void
plan_take_down(const struct have_tenant *have, struct plan *plan)
{
    if (plan_vifs_go(have, plan) && plan_stop_all(have, plan)
        && have->remains) {
        plan_add(plan, ACT_DOMAIN_DESTROY);
    }
}

/* The wanted uplink, or null: through a VF that is not in the tenant's VLAN no
 * frame may leave.  (Its MAC and rate are less than that: a card that refuses them
 * is told of.) */
static const char *
usable_iface(const struct have_tenant *have, const struct want_tenant *want)
{
    bool apart = !want->pf.vlan
                 || (have->pf_known && have->pf.vlan == want->pf.vlan);

    return apart ? want->iface : NULL;
}

/* Frames must not leave through a VF that is no longer the tenant's: the
 * port goes first, then the interface. */
static void
plan_uplink(const struct have_tenant *have, const struct want_tenant *want,
            struct plan *plan)
{
    const char *iface = usable_iface(have, want);

    if (have->iface && !text_equals(have->iface, iface)) {
        const struct port_spec *port = have_port_find(have, UPLINK_PORT);
        bool free = !running(have->vswitch)
                    || (have->db_ready && (!port || !port->ours));

        if (!free) {
            return;
        }
        plan_add(plan, ACT_UPLINK_RETURN)->object = xstrdup(have->iface);
    }
    if (iface && have->place == IFACE_ON_HOST) {
        plan_add(plan, ACT_UPLINK_TAKE)->object = xstrdup(iface);
    }
}

static void
plan_processes(const struct have_tenant *have, const struct want_tenant *want,
               struct plan *plan)
{
    if (have->db == PROC_NONE) {
        plan_add(plan, ACT_DB_START);
    }
    if (have->vswitch == PROC_NONE && have->db_ready) {
        plan_add(plan, ACT_SWITCH_START);
    }

    for (size_t i = 0; i < have->n_relays; i++) {
        const struct have_relay *relay = &have->relays[i];
        bool wanted = false;

        for (size_t j = 0; j < want->n_controllers; j++) {
            wanted |= want->controllers[j].relay
                      && !strcmp(want->controllers[j].target, relay->target);
        }
        if (!wanted && relay->state != PROC_STOPPING) {
            plan_add(plan, ACT_RELAY_STOP)->object = xstrdup(relay->target);
        }
    }
    for (size_t i = 0; i < want->n_controllers; i++) {
        const struct want_controller *c = &want->controllers[i];
        const struct have_relay *relay = have_relay_find(have, c->target);

        if (c->relay && (!relay || relay->state == PROC_NONE)) {
            plan_add(plan, ACT_RELAY_START)->object = xstrdup(c->target);
        }
    }
}

const char *
plan_switch_target(const struct have_tenant *have,
                   const struct want_controller *c)
{
    if (!c->relay) {
        return c->target;
    }

    const struct have_relay *relay = have_relay_find(have, c->target);
    return relay ? relay->path : NULL;
}

static void
plan_bridge(const struct have_tenant *have, const struct want_tenant *want,
            struct plan *plan)
{
    struct svec targets = SVEC_EMPTY_INITIALIZER;

    for (size_t i = 0; i < want->n_controllers; i++) {
        const char *target = plan_switch_target(have, &want->controllers[i]);
        if (target) {
            svec_add(&targets, target);
        }
    }
    svec_sort_unique(&targets);

    if (!have->bridge
        || !text_equals(have->datapath_type, "netdev")
        || !text_equals(have->fail_mode, want->fail_mode)
        || (have->pmd_mask_want
            && !text_equals(have->pmd_mask, have->pmd_mask_want))
        || !svec_equal(&have->targets, &targets)) {
        svec_swap(&plan_add(plan, ACT_BRIDGE_SET)->targets, &targets);
    }
    svec_destroy(&targets);
}

bool
plan_wants_uplink_port(const struct have_tenant *have,
                       const struct want_tenant *want)
{
    const char *iface = usable_iface(have, want);

    return iface && text_equals(have->iface, iface)
           && (!have->is_xen || have->vf_address);
}

static void
plan_uplink_port(const struct have_tenant *have,
                 const struct want_tenant *want, struct plan *plan)
{
    const struct port_spec *old = have_port_find(have, UPLINK_PORT);

    if (!plan_wants_uplink_port(have, want)) {
        if (old && old->ours) {
            plan_add(plan, ACT_PORT_DEL)->object = xstrdup(UPLINK_PORT);
        }
        return;
    }

    struct port_spec port;
    port_spec_init(&port, UPLINK_PORT, "tenantvf");
    if (have->is_xen) {
        smap_add(port.options, "dpdk-devargs", have->vf_address);
    } else if (vf_is_pci(want->iface)) {
        smap_add(port.options, "dpdk-devargs", want->iface);
    } else {
        smap_add_format(port.options, "dpdk-devargs",
                        "net_af_packet0,iface=%s", want->iface);
    }
    plan_port(old, &port, plan);
    port_spec_finish(&port);
}

void
plan_port(const struct port_spec *old, const struct port_spec *port,
          struct plan *plan)
{
    if (!old || (old->ours && !port_spec_equals(old, port))) {
        struct port_spec *copy = xmalloc(sizeof *copy);

        port_spec_clone(copy, port);
        plan_add(plan, ACT_PORT_SET)->port = copy;
    }
}

/* A VF has to be what is wanted before its tenant gets it.  What the card refused
 * is not asked for again.  Returns true if it is asked for now: what comes of
 * that is to be seen first. */
static bool
plan_vf(const struct have_tenant *have, const struct want_tenant *want,
        struct plan *plan)
{
    if (!want->iface || !have->pf_known
        || vf_settings_suit(&have->pf, &want->pf)
        || !memcmp(&have->pf_refused, &want->pf, sizeof want->pf)) {
        return false;
    }
    plan_add(plan, ACT_VF_SET)->object = xstrdup(want->iface);
    return true;
}

static void
plan_create(const struct have_tenant *have, const struct want_tenant *want,
            struct plan *plan)
{
    struct action *action = plan_add(plan, ACT_DOMAIN_CREATE);

    if (have->is_xen && have->place != IFACE_NOWHERE) {
        action->object = nullable_xstrdup(usable_iface(have, want));
    }
}

void
plan_tenant(const struct have_tenant *have, const struct want_tenant *want,
            const struct guests *guests, struct plan *plan)
{
    if (!want) {
        plan_take_down(have, plan);
        return;
    }
    if (have->stale) {
        /* What serves another domid's sockets cannot be kept. */
        if (plan_stop_all(have, plan) && have->xen_up) {
            plan_create(have, want, plan);
        }
        return;
    }
    if (plan_vf(have, want, plan) || have->making) {
        return;
    }
    if (!have->domain) {
        if (!have->xen_up) {
            return;
        }
        plan_create(have, want, plan);
        if (have->is_xen) {
            return;
        }
    }
    plan_uplink(have, want, plan);
    if (have->xen_up && have->domid) {
        /* Before a vif that is to be under them. */
        plan_shared_limits(have, want, plan);
        plan_vif_nodes(have, want, guests, plan);
    }
    plan_processes(have, want, plan);

    if (have->db_ready && (!have->bridge || have->bridge_ours)) {
        plan_bridge(have, want, plan);
        plan_uplink_port(have, want, plan);
        plan_vif_ports(have, want, guests, plan);
    }
}
