#include <config.h>

#include "tenants/model.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "uuid.h"

bool
text_equals(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static int64_t *
trunks_clone(const int64_t *trunks, size_t n)
{
    return n ? xmemdup(trunks, n * sizeof *trunks) : NULL;
}

static bool
trunks_equal(const int64_t *a, size_t n_a, const int64_t *b, size_t n_b)
{
    return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof *a));
}

bool
limits_equal(const struct limits *a, const struct limits *b)
{
    return qos_settings_equal(&a->tx, &b->tx)
           && qos_settings_equal(&a->rx, &b->rx);
}

bool
limits_are_none(const struct limits *limits)
{
    static const struct limits none = LIMITS_NONE;

    return limits_equal(limits, &none);
}

const struct want_vif *
want_vif_of_row(const struct want_tenant *tenant, const struct uuid *row)
{
    for (size_t i = 0; tenant && i < tenant->n_vifs; i++) {
        if (uuid_equals(&tenant->vifs[i].row, row)) {
            return &tenant->vifs[i];
        }
    }
    return NULL;
}

const struct want_group *
want_group_of_row(const struct want_tenant *tenant, const struct uuid *row)
{
    for (size_t i = 0; tenant && i < tenant->n_groups; i++) {
        if (uuid_equals(&tenant->groups[i].row, row)) {
            return &tenant->groups[i];
        }
    }
    return NULL;
}

struct want_group *
want_group_find(const struct want_tenant *tenant, const char *name)
{
    for (size_t i = 0; i < tenant->n_groups; i++) {
        if (!strcmp(tenant->groups[i].name, name)) {
            return &tenant->groups[i];
        }
    }
    return NULL;
}

const struct have_group *
have_group_find(const struct have_tenant *have, const char *name)
{
    for (size_t i = 0; i < have->n_groups; i++) {
        if (!strcmp(have->groups[i].name, name)) {
            return &have->groups[i];
        }
    }
    return NULL;
}

void
have_groups_free(struct have_group *groups, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(groups[i].name);
    }
    free(groups);
}

char *
vif_port_name(uint32_t domid, uint32_t devid)
{
    return xasprintf("vif%"PRIu32".%"PRIu32, domid, devid);
}

void
want_init(struct want *want)
{
    shash_init(&want->tenants);
}

void
want_finish(struct want *want)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &want->tenants) {
        want_tenant_destroy(node->data);
    }
    shash_destroy(&want->tenants);
}

struct want_tenant *
want_find(const struct want *want, const char *tenant)
{
    return shash_find_data(&want->tenants, tenant);
}

void
want_vif_finish(struct want_vif *vif)
{
    free(vif->name);
    free(vif->guest);
    free(vif->mac);
    free(vif->trunks);
    free(vif->group);
    free(vif->anti_spoof);
    free(vif->addresses);
}

void
want_vif_clone(struct want_vif *to, const struct want_vif *from)
{
    *to = *from;
    to->name = xstrdup(from->name);
    to->guest = xstrdup(from->guest);
    to->mac = xstrdup(from->mac);
    to->trunks = trunks_clone(from->trunks, from->n_trunks);
    to->group = nullable_xstrdup(from->group);
    to->anti_spoof = xstrdup(from->anti_spoof);
    to->addresses = xstrdup(from->addresses);
}

bool
want_vif_equals(const struct want_vif *a, const struct want_vif *b)
{
    return uuid_equals(&a->row, &b->row)
           && !strcmp(a->name, b->name)
           && !strcmp(a->guest, b->guest)
           && a->devid == b->devid
           && !strcmp(a->mac, b->mac)
           && a->mtu == b->mtu
           && a->mtu_set == b->mtu_set
           && a->queues == b->queues
           && a->vlan_tag == b->vlan_tag
           && trunks_equal(a->trunks, a->n_trunks, b->trunks, b->n_trunks)
           && limits_equal(&a->limits, &b->limits)
           && text_equals(a->group, b->group)
           && !strcmp(a->anti_spoof, b->anti_spoof)
           && !strcmp(a->addresses, b->addresses)
           && a->releases == b->releases;
}

void
want_tenant_destroy(struct want_tenant *tenant)
{
    if (!tenant) {
        return;
    }
    for (size_t i = 0; i < tenant->n_controllers; i++) {
        free(tenant->controllers[i].target);
        free(tenant->controllers[i].relay);
    }
    free(tenant->controllers);
    for (size_t i = 0; i < tenant->n_vifs; i++) {
        want_vif_finish(&tenant->vifs[i]);
    }
    free(tenant->vifs);
    for (size_t i = 0; i < tenant->n_groups; i++) {
        free(tenant->groups[i].name);
    }
    free(tenant->groups);
    free(tenant->name);
    free(tenant->vf);
    free(tenant->link);
    free(tenant->iface);
    free(tenant->fail_mode);
    free(tenant);
}

struct want_tenant *
want_tenant_clone(const struct want_tenant *from)
{
    struct want_tenant *to = xmemdup(from, sizeof *from);

    to->name = xstrdup(from->name);
    to->vf = nullable_xstrdup(from->vf);
    to->link = nullable_xstrdup(from->link);
    to->iface = nullable_xstrdup(from->iface);
    to->fail_mode = xstrdup(from->fail_mode);
    to->controllers = xcalloc(from->n_controllers, sizeof *to->controllers);
    for (size_t i = 0; i < from->n_controllers; i++) {
        const struct want_controller *c = &from->controllers[i];

        to->controllers[i].row = c->row;
        to->controllers[i].target = xstrdup(c->target);
        to->controllers[i].relay = nullable_xstrdup(c->relay);
    }
    to->vifs = xcalloc(from->n_vifs, sizeof *to->vifs);
    for (size_t i = 0; i < from->n_vifs; i++) {
        want_vif_clone(&to->vifs[i], &from->vifs[i]);
    }
    to->groups = xmemdup(from->groups, from->n_groups * sizeof *to->groups);
    for (size_t i = 0; i < from->n_groups; i++) {
        to->groups[i].name = xstrdup(from->groups[i].name);
    }
    return to;
}

bool
vf_is_pci(const char *device)
{
    unsigned int domain, bus, slot, function;
    int n = 0;

    return sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot,
                  &function, &n) == 4 && n == 12 && !device[n];
}

bool
vf_settings_suit(const struct vf_settings *have,
                 const struct vf_settings *want)
{
    return (!want->mac[0] || !strcmp(have->mac, want->mac))
           && have->vlan == want->vlan && have->rate_mbps == want->rate_mbps;
}

bool
want_tenant_equals(const struct want_tenant *a, const struct want_tenant *b)
{
    if (!uuid_equals(&a->row, &b->row)
        || strcmp(a->name, b->name)
        || !text_equals(a->vf, b->vf)
        || !text_equals(a->iface, b->iface)
        || strcmp(a->fail_mode, b->fail_mode)
        || a->n_controllers != b->n_controllers
        || a->n_vifs != b->n_vifs
        || a->n_groups != b->n_groups
        || a->vf_rate_bps != b->vf_rate_bps
        || a->uplink_bps != b->uplink_bps
        || a->link_bps != b->link_bps
        || memcmp(&a->pf, &b->pf, sizeof a->pf)
        || !text_equals(a->link, b->link)
        || !limits_equal(&a->limits, &b->limits)) {
        return false;
    }
    for (size_t i = 0; i < a->n_groups; i++) {
        if (!uuid_equals(&a->groups[i].row, &b->groups[i].row)
            || strcmp(a->groups[i].name, b->groups[i].name)
            || !limits_equal(&a->groups[i].limits, &b->groups[i].limits)) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_controllers; i++) {
        if (!uuid_equals(&a->controllers[i].row, &b->controllers[i].row)
            || strcmp(a->controllers[i].target, b->controllers[i].target)
            || !text_equals(a->controllers[i].relay,
                            b->controllers[i].relay)) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_vifs; i++) {
        if (!want_vif_equals(&a->vifs[i], &b->vifs[i])) {
            return false;
        }
    }
    return true;
}

void
port_spec_init(struct port_spec *port, const char *name, const char *type)
{
    memset(port, 0, sizeof *port);
    port->name = xstrdup(name);
    port->type = xstrdup(type);
    port->options = xmalloc(sizeof *port->options);
    smap_init(port->options);
    port->vlan_tag = -1;
}

void
port_spec_finish(struct port_spec *port)
{
    free(port->name);
    free(port->type);
    smap_destroy(port->options);
    free(port->options);
    free(port->trunks);
    free(port->error);
    if (port->limits) {
        smap_destroy(port->limits);
        free(port->limits);
    }
}

void
port_spec_clone(struct port_spec *to, const struct port_spec *from)
{
    *to = *from;
    to->name = xstrdup(from->name);
    to->type = xstrdup(from->type);
    to->options = xmalloc(sizeof *to->options);
    smap_clone(to->options, from->options);
    to->trunks = trunks_clone(from->trunks, from->n_trunks);
    to->error = nullable_xstrdup(from->error);
    if (from->limits) {
        to->limits = xmalloc(sizeof *to->limits);
        smap_clone(to->limits, from->limits);
    }
}

bool
port_spec_equals(const struct port_spec *a, const struct port_spec *b)
{
    return !strcmp(a->name, b->name)
           && !strcmp(a->type, b->type)
           && smap_equal(a->options, b->options)
           && a->vlan_tag == b->vlan_tag
           && trunks_equal(a->trunks, a->n_trunks, b->trunks, b->n_trunks)
           && a->mtu_request == b->mtu_request;
}

struct have_tenant *
have_tenant_create(const char *name)
{
    struct have_tenant *have = xzalloc(sizeof *have);

    have->name = xstrdup(name);
    svec_init(&have->targets);
    return have;
}

void
have_vif_finish(struct have_vif *vif)
{
    free(vif->mac);
    free(vif->group);
    free(vif->anti_spoof);
    free(vif->addresses);
    free(vif->error);
    free(vif->quarantine);
}

bool
have_release_pending(const struct have_tenant *have)
{
    for (size_t i = 0; i < have->n_vifs; i++) {
        const struct have_vif *vif = &have->vifs[i];

        if (vif->quarantine && vif->releases != vif->quarantine_release) {
            return true;
        }
    }
    return false;
}

void
have_tenant_destroy(struct have_tenant *have)
{
    if (!have) {
        return;
    }
    for (size_t i = 0; i < have->n_relays; i++) {
        free(have->relays[i].target);
        free(have->relays[i].path);
    }
    free(have->relays);
    for (size_t i = 0; i < have->n_ports; i++) {
        port_spec_finish(&have->ports[i]);
    }
    free(have->ports);
    for (size_t i = 0; i < have->n_vifs; i++) {
        have_vif_finish(&have->vifs[i]);
    }
    free(have->vifs);
    have_groups_free(have->groups, have->n_groups);
    svec_destroy(&have->targets);
    free(have->datapath_type);
    free(have->fail_mode);
    free(have->pmd_mask);
    free(have->pmd_mask_want);
    free(have->iface);
    free(have->vf_address);
    free(have->name);
    free(have);
}

struct port_spec *
have_port_find(const struct have_tenant *have, const char *name)
{
    for (size_t i = 0; i < have->n_ports; i++) {
        if (!strcmp(have->ports[i].name, name)) {
            return &have->ports[i];
        }
    }
    return NULL;
}

struct have_vif *
have_vif_find(const struct have_tenant *have, uint32_t domid, uint32_t devid)
{
    for (size_t i = 0; i < have->n_vifs; i++) {
        if (have->vifs[i].domid == domid && have->vifs[i].devid == devid) {
            return &have->vifs[i];
        }
    }
    return NULL;
}

struct have_relay *
have_relay_find(const struct have_tenant *have, const char *target)
{
    for (size_t i = 0; i < have->n_relays; i++) {
        if (!strcmp(have->relays[i].target, target)) {
            return &have->relays[i];
        }
    }
    return NULL;
}

void
guests_init(struct guests *guests)
{
    shash_init(&guests->by_name);
}

void
guests_finish(struct guests *guests)
{
    shash_destroy(&guests->by_name);
}

void
guests_put(struct guests *guests, const char *name, uint32_t domid)
{
    shash_replace(&guests->by_name, name, (void *) (uintptr_t) domid);
}

uint32_t
guests_find(const struct guests *guests, const char *name)
{
    return (uintptr_t) shash_find_data(&guests->by_name, name);
}
