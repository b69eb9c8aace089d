#include <config.h>
#include "tools/guest/guest.h"

#include <inttypes.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

struct member {
    const char *name;
    uint64_t value;
};

static struct json *
members_to_json(const struct member *members, size_t n)
{
    struct json *json = json_object_create();

    for (size_t i = 0; i < n; i++) {
        json_object_put(json, members[i].name,
                        json_integer_create(members[i].value));
    }
    return json;
}

static void
members_to_text(const struct member *members, size_t n, const char *title,
                struct ds *ds)
{
    ds_put_format(ds, "%s:", title);
    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%s %s %"PRIu64, i ? "," : "", members[i].name,
                      members[i].value);
    }
    ds_put_char(ds, '\n');
}

#define TX_MEMBERS(C)                               \
    {                                               \
        { "frames", (C)->frames },                  \
        { "bytes", (C)->bytes },                    \
        { "slots", (C)->slots },                    \
        { "notifies", (C)->notifies },              \
        { "ring_full", (C)->full },                 \
        { "backend_drops", (C)->backend_drops },    \
        { "backend_errors", (C)->backend_errors },  \
    }

#define RX_MEMBERS(C)                               \
    {                                               \
        { "frames", (C)->frames },                  \
        { "bytes", (C)->bytes },                    \
        { "slots", (C)->slots },                    \
        { "notifies", (C)->notifies },              \
        { "bad_status", (C)->bad_status },          \
        { "bad_layout", (C)->bad_layout },          \
        { "checksum_blank", (C)->checksum_blank },  \
        { "gso", (C)->gso },                        \
    }

static struct json *
vif_to_json(const struct guest *g)
{
    const struct frontend *f = &g->frontend;
    struct json *json = json_object_create();

    json_object_put(json, "devid", json_integer_create(f->devid));
    json_object_put_string(json, "state", frontend_state_name(f->view.own));
    json_object_put_string(json, "backend_state",
                           frontend_state_name(f->view.backend));
    json_object_put(json, "plugged", json_boolean_create(f->view.plugged));
    json_object_put(json, "up", json_boolean_create(g->vif.up));
    json_object_put(json, "connects", json_integer_create(f->n_connects));
    json_object_put(json, "closes", json_integer_create(f->n_closes));
    return json;
}

struct json *
guest_report_json(const struct guest *g)
{
    const struct member tx[] = TX_MEMBERS(&g->vif.tx_counters);
    const struct member rx[] = RX_MEMBERS(&g->vif.rx_counters);
    struct json *json = json_object_create();

    json_object_put_string(json, "name", g->options.name);
    json_object_put(json, "time_ns", json_integer_create(guest_now_ns()));
    json_object_put(json, "domid", json_integer_create(g->domain.domid));
    json_object_put(json, "vif", vif_to_json(g));
    json_object_put(json, "tx", members_to_json(tx, ARRAY_SIZE(tx)));
    json_object_put(json, "rx", members_to_json(rx, ARRAY_SIZE(rx)));
    if (g->source) {
        g->source->class->report_json(g->source, json);
    }
    if (g->sink && g->sink != g->source) {
        g->sink->class->report_json(g->sink, json);
    }
    return json;
}

void
guest_report_text(const struct guest *g, struct ds *ds)
{
    const struct member tx[] = TX_MEMBERS(&g->vif.tx_counters);
    const struct member rx[] = RX_MEMBERS(&g->vif.rx_counters);

    members_to_text(tx, ARRAY_SIZE(tx), "sent", ds);
    members_to_text(rx, ARRAY_SIZE(rx), "received", ds);
    if (g->source) {
        g->source->class->report_text(g->source, ds);
    }
    if (g->sink && g->sink != g->source) {
        g->sink->class->report_text(g->sink, ds);
    }
}

static void
show_rings(const struct vif *vif, struct ds *ds)
{
    ds_put_format(ds, "  tx ring: grant %u, pushed %u, answered %u, "
                  "port %u\n", vif->tx.page, vif->tx.req_pushed,
                  vif->tx.rsp_cons, vif->tx_channel.port);
    ds_put_format(ds, "  rx ring: grant %u, posted %u, taken %u, port %u\n",
                  vif->rx.page, vif->rx.req_pushed, vif->rx.rsp_cons,
                  vif->split ? vif->rx_channel.port : vif->tx_channel.port);
}

void
guest_show(const struct guest *g, struct ds *ds)
{
    const struct frontend *f = &g->frontend;

    ds_put_format(ds, "guest %s: domain %u\n", g->options.name,
                  g->domain.domid);
    ds_put_format(ds, "vif %u: %s%s%s\n", f->devid,
                  f->view.plugged ? frontend_state_name(f->view.own)
                  : "not plugged in",
                  g->vif.up ? ", up" : "",
                  f->wanted ? "" : ", closed by guest/disconnect");
    if (f->view.plugged) {
        ds_put_format(ds, "  backend: %s, %s\n", f->backend_dir,
                      frontend_state_name(f->view.backend));
        ds_put_format(ds, "  mac %02x:%02x:%02x:%02x:%02x:%02x, mtu %u\n",
                      f->config.mac[0], f->config.mac[1], f->config.mac[2],
                      f->config.mac[3], f->config.mac[4], f->config.mac[5],
                      f->config.mtu);
    }
    if (g->vif.connected) {
        show_rings(&g->vif, ds);
    }
    ds_put_format(ds, "  connected %"PRIu64" times, closed %"PRIu64"\n",
                  f->n_connects, f->n_closes);
    ds_put_format(ds, "memory: %u pages free, %u held by backends\n",
                  g->memory.n_free, g->memory.n_held);
    guest_report_text(g, ds);
}
