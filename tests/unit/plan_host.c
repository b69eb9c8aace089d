#include <config.h>

#include "tests/unit/plan_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util.h"

#define STATE_CONNECTED 4
#define STATE_CLOSED 6

void
plan_host_init(struct plan_host *host, const char *tenant)
{
    memset(host, 0, sizeof *host);
    host->have = have_tenant_create(tenant);
    host->have->xen_up = true;
    host->vf_on_host = true;
    host->vf_iface = "veth-test";
    guests_init(&host->guests);
}

void
plan_host_finish(struct plan_host *host)
{
    have_tenant_destroy(host->have);
    guests_finish(&host->guests);
}

static void
replace(char **text, const char *with)
{
    free(*text);
    *text = nullable_xstrdup(with);
}

static void
drop_vif(struct have_tenant *have, struct have_vif *vif)
{
    have_vif_finish(vif);
    *vif = have->vifs[--have->n_vifs];
}

static void
set_limits(struct have_vif *vif, const struct want_vif *want)
{
    vif->managed = true;
    vif->mtu = want->mtu;
    vif->limits = want->limits;
    vif->releases = want->releases;
    replace(&vif->mac, want->mac);
    replace(&vif->group, want->group);
    replace(&vif->anti_spoof, want->anti_spoof);
    replace(&vif->addresses, want->addresses);
}

static void
apply_vif(struct plan_host *host, const struct action *action)
{
    struct have_tenant *have = host->have;
    struct have_vif *vif = have_vif_find(have, action->domid, action->devid);

    assert_true(have->domain && have->xen_up);
    switch (action->type) {
    case ACT_VIF_CREATE:
        assert_null(vif);
        have->vifs = xrealloc(have->vifs,
                              (have->n_vifs + 1) * sizeof *have->vifs);
        vif = &have->vifs[have->n_vifs++];
        memset(vif, 0, sizeof *vif);
        vif->domid = action->domid;
        vif->devid = action->devid;
        vif->backend = vif->online = true;
        vif->state = 1;
        set_limits(vif, action->vif);
        break;
    case ACT_VIF_LIMITS:
        assert_non_null(vif);
        assert_true(vif->online);
        set_limits(vif, action->vif);
        break;
    case ACT_VIF_OFFLINE:
        assert_non_null(vif);
        assert_true(vif->online);
        vif->online = false;
        break;
    case ACT_VIF_REMOVE:
        assert_non_null(vif);
        assert_true(!vif->backend || vif->closed
                    || have->vswitch != PROC_RUNNING);
        drop_vif(have, vif);
        break;
    default:
        fail();
    }
}

static void
apply_port(struct plan_host *host, const struct action *action)
{
    struct have_tenant *have = host->have;
    const char *name = action->port ? action->port->name : action->object;
    struct port_spec *port = have_port_find(have, name);

    assert_true(have->db_ready && have->bridge && have->bridge_ours);
    if (port) {
        assert_true(port->ours);
        port_spec_finish(port);
        *port = have->ports[--have->n_ports];
    } else {
        assert_int_equal(action->type, ACT_PORT_SET);
    }
    if (action->type == ACT_PORT_SET) {
        if (!strcmp(name, UPLINK_PORT)) {
            assert_non_null(have->iface);
        }
        have->ports = xrealloc(have->ports,
                               (have->n_ports + 1) * sizeof *have->ports);
        port = &have->ports[have->n_ports++];
        port_spec_clone(port, action->port);
        port->ours = true;
    }
}

static void
apply_relay(struct plan_host *host, const struct action *action)
{
    struct have_tenant *have = host->have;
    struct have_relay *relay = have_relay_find(have, action->object);

    if (action->type == ACT_RELAY_STOP) {
        assert_non_null(relay);
        free(relay->target);
        free(relay->path);
        *relay = have->relays[--have->n_relays];
        return;
    }
    if (!relay) {
        have->relays = xrealloc(have->relays, (have->n_relays + 1)
                                              * sizeof *have->relays);
        relay = &have->relays[have->n_relays++];
        relay->target = xstrdup(action->object);
        relay->path = xasprintf("unix:/run/%s", action->object);
    }
    relay->state = PROC_RUNNING;
}

static void
apply_bridge(struct plan_host *host, const struct want_tenant *want,
             const struct action *action)
{
    struct have_tenant *have = host->have;

    assert_true(have->db_ready);
    have->bridge = have->bridge_ours = true;
    replace(&have->datapath_type, "netdev");
    replace(&have->fail_mode, want->fail_mode);
    replace(&have->pmd_mask, have->pmd_mask_want);
    svec_destroy(&have->targets);
    svec_clone(&have->targets, &action->targets);
}

static void
destroy(struct plan_host *host)
{
    struct have_tenant *have = host->have;

    assert_null(have->iface);
    assert_int_equal(have->n_relays, 0);
    assert_true(!have->n_vifs || !have->xen_up);
    assert_int_equal(have->db, PROC_NONE);
    assert_int_equal(have->vswitch, PROC_NONE);

    struct have_tenant *empty = have_tenant_create(have->name);
    empty->xen_up = have->xen_up;
    empty->place = have->place;
    have_tenant_destroy(have);
    host->have = empty;
}

static void
add_have_group(struct have_tenant *have, const char *name,
               const struct limits *limits, uint64_t uplink_bps)
{
    have->groups = xrealloc(have->groups,
                            (have->n_groups + 1) * sizeof *have->groups);
    have->groups[have->n_groups++] = (struct have_group) {
        xstrdup(name), *limits, uplink_bps,
    };
}

static void
drop_groups(struct have_tenant *have)
{
    have_groups_free(have->groups, have->n_groups);
    have->groups = NULL;
    have->n_groups = 0;
}

static void
share_limits(struct have_tenant *have, const struct want_tenant *want)
{
    drop_groups(have);
    if (!limits_are_none(&want->limits) || want->uplink_bps) {
        add_have_group(have, "", &want->limits, want->uplink_bps);
    }
    for (size_t i = 0; i < want->n_groups; i++) {
        add_have_group(have, want->groups[i].name, &want->groups[i].limits,
                       0);
    }
}

static void
apply_one(struct plan_host *host, const struct want_tenant *want,
          const struct action *action)
{
    struct have_tenant *have = host->have;

    switch (action->type) {
    case ACT_DOMAIN_CREATE:
        assert_true(have->xen_up);
        assert_true(!have->domain || have->stale);
        have->domain = have->remains = true;
        have->stale = false;
        drop_groups(have);
        have->domid = have->domid ? have->domid : 7;
        replace(&have->pmd_mask_want, "0x2");
        break;
    case ACT_VF_SET:
        host->have->pf = want->pf;
        break;
    case ACT_UPLINK_TAKE:
        assert_true(have->domain && !have->iface && host->vf_on_host);
        have->iface = xstrdup(action->object);
        break;
    case ACT_UPLINK_RETURN:
        assert_string_equal(have->iface, action->object);
        assert_true(have->vswitch != PROC_RUNNING
                    || !have_port_find(have, UPLINK_PORT));
        replace(&have->iface, NULL);
        break;
    case ACT_DB_START:
        assert_true(have->domain && have->db == PROC_NONE);
        have->db = PROC_RUNNING;
        break;
    case ACT_DB_STOP:
        assert_true(have->vswitch != PROC_RUNNING);
        have->db = PROC_STOPPING;
        break;
    case ACT_SWITCH_START:
        assert_true(have->db_ready && have->vswitch == PROC_NONE);
        have->vswitch = PROC_RUNNING;
        break;
    case ACT_SWITCH_STOP:
        have->vswitch = PROC_STOPPING;
        break;
    case ACT_RELAY_START:
    case ACT_RELAY_STOP:
        apply_relay(host, action);
        break;
    case ACT_BRIDGE_SET:
        apply_bridge(host, want, action);
        break;
    case ACT_PORT_SET:
    case ACT_PORT_DEL:
        apply_port(host, action);
        break;
    case ACT_SHARED_LIMITS:
        assert_true(have->domain && have->xen_up && want);
        share_limits(have, want);
        break;
    case ACT_VIF_CREATE:
    case ACT_VIF_LIMITS:
    case ACT_VIF_OFFLINE:
    case ACT_VIF_REMOVE:
        apply_vif(host, action);
        break;
    case ACT_DOMAIN_DESTROY:
        destroy(host);
        break;
    case ACT_N:
        fail();
    }
}

void
plan_host_apply(struct plan_host *host, const struct want_tenant *want,
                const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        apply_one(host, want, &plan->actions[i]);
    }
}

void
plan_host_tick(struct plan_host *host, const struct want_tenant *want)
{
    struct have_tenant *have = host->have;

    if (have->vswitch == PROC_STOPPING || have->vswitch == PROC_HELD) {
        have->vswitch = PROC_NONE;
    }
    if (have->db == PROC_STOPPING || have->db == PROC_HELD) {
        have->db = PROC_NONE;
    }
    for (size_t i = 0; i < have->n_relays; i++) {
        if (have->relays[i].state == PROC_HELD) {
            have->relays[i].state = PROC_NONE;
        }
    }
    have->db_ready = have->db == PROC_RUNNING;

    for (size_t i = 0; i < have->n_vifs; i++) {
        struct have_vif *vif = &have->vifs[i];

        if (vif->backend && !vif->online) {
            vif->state = STATE_CLOSED;
            vif->closed = true;
            vif->backend = host->lazy_backend;
        } else if (vif->backend && have->vswitch == PROC_RUNNING) {
            vif->state = STATE_CONNECTED;
        }
    }

    have->place = want && text_equals(have->iface, want->iface)
                      && have->iface ? IFACE_INSIDE
                  : want && host->vf_on_host
                      && text_equals(want->iface, host->vf_iface)
                      ? IFACE_ON_HOST : IFACE_NOWHERE;
}

int
plan_host_settle(struct plan_host *host, const struct want_tenant *want)
{
    plan_host_tick(host, want);
    for (int i = 0; ; i++) {
        struct plan plan;

        plan_init(&plan);
        plan_tenant(host->have, want, &host->guests, &plan);
        plan_host_apply(host, want, &plan);

        bool empty = !plan.n_actions;
        plan_finish(&plan);

        bool waiting = host->have->vswitch == PROC_STOPPING
                       || host->have->db == PROC_STOPPING
                       || host->have->vswitch == PROC_HELD
                       || host->have->db == PROC_HELD;
        plan_host_tick(host, want);
        if (empty && !waiting) {
            return i;
        }
        assert_true(i < 12);
    }
}
