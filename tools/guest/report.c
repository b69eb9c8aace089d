#include <config.h>
#include "tools/guest/guest.h"

#include <inttypes.h>
#include <string.h>

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
        { "gso", (C)->gso },                        \
        { "csum_blank", (C)->csum_blank },          \
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
        { "gso", (C)->gso },                        \
        { "csum_blank", (C)->csum_blank },          \
        { "xdp", (C)->xdp },                        \
        { "notifies", (C)->notifies },              \
        { "bad_status", (C)->bad_status },          \
        { "bad_layout", (C)->bad_layout },          \
        { "bad_extra", (C)->bad_extra },            \
        { "csum_declined", (C)->csum_declined },    \
        { "gso_declined", (C)->gso_declined },      \
    }

/* Adds the counters of all queues. */
static void
sum_counters(const struct vif *vif, struct tx_counters *tx,
             struct rx_counters *rx)
{
    memset(tx, 0, sizeof *tx);
    memset(rx, 0, sizeof *rx);
    for (uint32_t i = 0; i < QUEUES_MAX; i++) {
        tx_counters_add(tx, &vif->queues[i].tx_counters);
        rx_counters_add(rx, &vif->queues[i].rx_counters);
    }
}

/* The counters of each queue there is or was. */
static struct json *
queues_to_json(const struct vif *vif)
{
    struct json *array = json_array_create_empty();

    for (uint32_t i = 0; i < QUEUES_MAX; i++) {
        const struct vif_queue *q = &vif->queues[i];
        const struct member tx[] = TX_MEMBERS(&q->tx_counters);
        const struct member rx[] = RX_MEMBERS(&q->rx_counters);

        if (i < vif->shape.n_queues || q->tx_counters.frames
            || q->rx_counters.frames) {
            struct json *json = json_object_create();

            json_object_put(json, "tx", members_to_json(tx, ARRAY_SIZE(tx)));
            json_object_put(json, "rx", members_to_json(rx, ARRAY_SIZE(rx)));
            json_array_add(array, json);
        }
    }
    return array;
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
    json_object_put(json, "n_queues", json_integer_create(
                        g->vif.connected ? g->vif.shape.n_queues : 0));
    json_object_put(json, "connects", json_integer_create(f->n_connects));
    json_object_put(json, "closes", json_integer_create(f->n_closes));
    json_object_put(json, "suspends", json_integer_create(f->n_suspends));
    return json;
}

static struct json *
control_to_json(const struct guest *g)
{
    const struct hash_check *h = &g->vif.hash;
    const struct member members[] = {
        { "hashing", h->active },
        { "hash_ok", h->n_ok },
        { "hash_wrong", h->n_wrong },
        { "hash_wrong_queue", h->n_wrong_queue },
        { "hash_missing", h->n_missing },
        { "grefs_mapped", g->frontend.control.open
                          ? control_script_mapped(&g->frontend.control.script)
                          : 0 },
    };

    return members_to_json(members, ARRAY_SIZE(members));
}

struct json *
guest_report_json(const struct guest *g)
{
    struct tx_counters tx_sum;
    struct rx_counters rx_sum;

    sum_counters(&g->vif, &tx_sum, &rx_sum);
    const struct member tx[] = TX_MEMBERS(&tx_sum);
    const struct member rx[] = RX_MEMBERS(&rx_sum);
    struct json *json = json_object_create();

    json_object_put_string(json, "name", g->options.name);
    json_object_put(json, "time_ns", json_integer_create(guest_now_ns()));
    json_object_put(json, "domid", json_integer_create(g->domain.domid));
    json_object_put(json, "vif", vif_to_json(g));
    json_object_put(json, "tx", members_to_json(tx, ARRAY_SIZE(tx)));
    json_object_put(json, "rx", members_to_json(rx, ARRAY_SIZE(rx)));
    json_object_put(json, "control", control_to_json(g));
    json_object_put(json, "queues", queues_to_json(&g->vif));
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
    struct tx_counters tx_sum;
    struct rx_counters rx_sum;

    sum_counters(&g->vif, &tx_sum, &rx_sum);
    const struct member tx[] = TX_MEMBERS(&tx_sum);
    const struct member rx[] = RX_MEMBERS(&rx_sum);

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
    for (uint32_t i = 0; i < vif->shape.n_queues; i++) {
        const struct vif_queue *q = &vif->queues[i];

        ds_put_format(ds, "  queue %u: tx ring: grant %u, pushed %u, "
                      "answered %u, port %u, frames %"PRIu64"\n", i,
                      q->tx.page, q->tx.req_pushed, q->tx.rsp_cons,
                      q->tx_channel.port, q->tx_counters.frames);
        ds_put_format(ds, "           rx ring: grant %u, posted %u, "
                      "taken %u, port %u, frames %"PRIu64"\n",
                      q->rx.page, q->rx.req_pushed, q->rx.rsp_cons,
                      vif_rx_channel(vif, q)->port, q->rx_counters.frames);
    }
}

static void
show_offloads(const char *who, const struct offload_set *set, struct ds *ds)
{
    ds_put_format(ds, "  %s:%s%s%s%s%s\n", who,
                  set->sg ? " sg" : "", set->csum4 ? " csum4" : "",
                  set->csum6 ? " csum6" : "", set->gso4 ? " gso4" : "",
                  set->gso6 ? " gso6" : "");
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
        show_offloads("the backend takes", &g->vif.shape.tx_takes, ds);
        show_offloads("the guest takes", &g->vif.shape.rx_takes, ds);
        show_rings(&g->vif, ds);
    }
    if (g->frontend.control.open) {
        const struct hash_check *h = &g->vif.hash;

        ds_put_format(ds, "  control ring: hashing %s, hashes ok %"PRIu64
                      ", wrong %"PRIu64", in the wrong queue %"PRIu64
                      ", missing %"PRIu64"; %u pages kept mapped\n",
                      h->active ? "yes" : "no", h->n_ok, h->n_wrong,
                      h->n_wrong_queue, h->n_missing,
                      control_script_mapped(&g->frontend.control.script));
    }
    ds_put_format(ds, "  connected %"PRIu64" times, closed %"PRIu64"\n",
                  f->n_connects, f->n_closes);
    ds_put_format(ds, "memory: %u pages free, %u held by backends\n",
                  g->memory.n_free, g->memory.n_held);
    guest_report_text(g, ds);
}
