#include <config.h>

#include "tenants/plan_vif.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* The wanted VIF that is (domid, devid) today, or null. */
static const struct want_vif *
vif_wanted(const struct want_tenant *want, const struct guests *guests,
           uint32_t domid, uint32_t devid)
{
    for (size_t i = 0; i < want->n_vifs; i++) {
        if (want->vifs[i].devid == devid
            && guests_find(guests, want->vifs[i].guest) == domid) {
            return &want->vifs[i];
        }
    }
    return NULL;
}

static struct action *
add_vif_action(struct plan *plan, enum action_type type, uint32_t domid,
               uint32_t devid, const struct want_vif *vif)
{
    struct action *action = plan_add(plan, type);

    action->domid = domid;
    action->devid = devid;
    if (vif) {
        action->vif = xmalloc(sizeof *action->vif);
        want_vif_clone(action->vif, vif);
    }
    return action;
}

/* The backend is told to close and given time, so that the guest sees an
 * orderly end.  Returns true once the nodes go (by this plan). */
static bool
vif_goes(const struct have_tenant *have, const struct have_vif *vif,
         struct plan *plan)
{
    bool can_close = have->vswitch == PROC_RUNNING;

    if (vif->busy) {
        return false;
    }
    if (vif->backend && vif->online && can_close) {
        add_vif_action(plan, ACT_VIF_OFFLINE, vif->domid, vif->devid, NULL);
        return false;
    }
    if (vif->backend && !vif->closed && can_close) {
        return false;
    }
    add_vif_action(plan, ACT_VIF_REMOVE, vif->domid, vif->devid, NULL);
    return true;
}

bool
plan_vifs_go(const struct have_tenant *have, struct plan *plan)
{
    bool gone = true;

    if (have->xen_up) {
        for (size_t i = 0; i < have->n_vifs; i++) {
            gone &= vif_goes(have, &have->vifs[i], plan);
        }
    }
    return gone;
}

static bool
limits_differ(const struct have_vif *have, const struct want_vif *want)
{
    return !have->managed
           || !limits_equal(&have->limits, &want->limits)
           || !text_equals(have->group, want->group)
           || !text_equals(have->anti_spoof, want->anti_spoof)
           || !text_equals(have->addresses, want->addresses)
           || have->releases != want->releases;
}

/* A guest reads its MAC and MTU when it connects: those need a new plug. */
static bool
needs_replug(const struct have_vif *have, const struct want_vif *want)
{
    return have->managed
           && (!text_equals(have->mac, want->mac) || have->mtu != want->mtu);
}

static void
plan_one_vif(const struct have_tenant *have, const struct want_vif *want,
             uint32_t domid, struct plan *plan)
{
    const struct have_vif *vif = have_vif_find(have, domid, want->devid);

    if (vif && vif->backend && vif->online && !needs_replug(vif, want)) {
        if (limits_differ(vif, want)) {
            add_vif_action(plan, ACT_VIF_LIMITS, domid, want->devid, want);
        }
        return;
    }
    if (vif && vif->busy) {
        return;
    }
    if (vif && !vif_goes(have, vif, plan)) {
        return;
    }
    add_vif_action(plan, ACT_VIF_CREATE, domid, want->devid, want);
}

/* True if a port of that name is there and not ours: plugging the guest in
 * would join it to who knows what. */
static bool
port_taken(const struct have_tenant *have, uint32_t domid, uint32_t devid)
{
    char *name = vif_port_name(domid, devid);
    const struct port_spec *port = have_port_find(have, name);

    free(name);
    return port && !port->ours;
}

static bool
shared_limits_differ(const struct have_tenant *have,
                     const struct want_tenant *want)
{
    const struct have_group *all = have_group_find(have, "");
    size_t n_groups = have->n_groups - (all != NULL);

    if (all ? !limits_equal(&all->limits, &want->limits)
              || all->uplink_bps != want->uplink_bps
            : !limits_are_none(&want->limits) || want->uplink_bps) {
        return true;
    }
    for (size_t i = 0; i < want->n_groups; i++) {
        const struct have_group *group
            = have_group_find(have, want->groups[i].name);

        if (!group || !limits_equal(&group->limits,
                                    &want->groups[i].limits)) {
            return true;
        }
    }
    return n_groups != want->n_groups;
}

void
plan_shared_limits(const struct have_tenant *have,
                   const struct want_tenant *want, struct plan *plan)
{
    if (shared_limits_differ(have, want)) {
        plan_add(plan, ACT_SHARED_LIMITS);
    }
}

void
plan_vif_nodes(const struct have_tenant *have, const struct want_tenant *want,
               const struct guests *guests, struct plan *plan)
{
    for (size_t i = 0; i < have->n_vifs; i++) {
        const struct have_vif *vif = &have->vifs[i];

        if (!vif_wanted(want, guests, vif->domid, vif->devid)) {
            vif_goes(have, vif, plan);
        }
    }
    for (size_t i = 0; i < want->n_vifs; i++) {
        uint32_t domid = guests_find(guests, want->vifs[i].guest);

        if (domid && !port_taken(have, domid, want->vifs[i].devid)) {
            plan_one_vif(have, &want->vifs[i], domid, plan);
        }
    }
}

/* A port stays while its vif still closes in an orderly way. */
static bool
port_may_go(const struct have_tenant *have, const struct port_spec *port)
{
    uint32_t domid = smap_get_uint(port->options, "domid", 0);
    uint32_t devid = smap_get_uint(port->options, "devid", 0);
    const struct have_vif *vif = have_vif_find(have, domid, devid);

    return !vif || !vif->backend || vif->closed
           || have->vswitch != PROC_RUNNING;
}

void
plan_vif_ports(const struct have_tenant *have, const struct want_tenant *want,
               const struct guests *guests, struct plan *plan)
{
    struct svec wanted = SVEC_EMPTY_INITIALIZER;

    for (size_t i = 0; i < want->n_vifs; i++) {
        const struct want_vif *vif = &want->vifs[i];
        uint32_t domid = guests_find(guests, vif->guest);

        if (!domid) {
            continue;
        }

        char *name = vif_port_name(domid, vif->devid);
        struct port_spec port;

        port_spec_init(&port, name, "xenvif");
        smap_add_format(port.options, "domid", "%"PRIu32, domid);
        smap_add_format(port.options, "devid", "%"PRIu16, vif->devid);
        if (vif->queues) {
            smap_add_format(port.options, "n_rxq", "%u", vif->queues);
        }
        port.vlan_tag = vif->vlan_tag;
        if (vif->n_trunks) {
            port.trunks = xmemdup(vif->trunks,
                                  vif->n_trunks * sizeof *vif->trunks);
            port.n_trunks = vif->n_trunks;
        }
        port.mtu_request = vif->mtu_set ? vif->mtu : 0;
        plan_port(have_port_find(have, name), &port, plan);
        port_spec_finish(&port);
        svec_add_nocopy(&wanted, name);
    }
    svec_sort(&wanted);

    for (size_t i = 0; i < have->n_ports; i++) {
        const struct port_spec *port = &have->ports[i];

        if (port->ours && strcmp(port->name, UPLINK_PORT)
            && !svec_contains(&wanted, port->name)
            && have->xen_up && port_may_go(have, port)) {
            plan_add(plan, ACT_PORT_DEL)->object = xstrdup(port->name);
        }
    }
    svec_destroy(&wanted);
}
