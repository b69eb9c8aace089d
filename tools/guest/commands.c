#include <config.h>
#include "tools/guest/guest.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "packets.h"
#include "unixctl.h"
#include "util.h"

#include "tools/guest/frontend_change.h"
#include "tools/guest/pktgen.h"
#include "tools/guest/xs_node.h"

static void
reply_ds(struct unixctl_conn *conn, struct ds *ds)
{
    unixctl_command_reply(conn, ds_cstr(ds));
    ds_destroy(ds);
}

static void
cmd_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
         const char *argv[] OVS_UNUSED, void *g)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    guest_show(g, &ds);
    reply_ds(conn, &ds);
}

static void
cmd_stats(struct unixctl_conn *conn, int argc, const char *argv[], void *g)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (argc > 1 && strcmp(argv[1], "--json")) {
        unixctl_command_reply_error(conn, "the only option is --json");
        return;
    }
    if (argc > 1) {
        struct json *json = guest_report_json(g);

        json_to_ds(json, JSSF_SORT, &ds);
        json_destroy(json);
    } else {
        guest_report_text(g, &ds);
    }
    reply_ds(conn, &ds);
}

static void
cmd_rate(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
         void *g_)
{
    struct guest *g = g_;
    char error[SPEC_ERROR_BYTES];

    if (!g->options.pktgen) {
        unixctl_command_reply_error(conn, "this guest was started without "
                                    "--pktgen");
    } else if (!pktgen_set_rate(g->source, argv[1], error, guest_now_ns())) {
        unixctl_command_reply_error(conn, error);
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
cmd_disconnect(struct unixctl_conn *conn, int argc OVS_UNUSED,
               const char *argv[] OVS_UNUSED, void *g_)
{
    struct guest *g = g_;

    frontend_set_wanted(&g->frontend, false);
    unixctl_command_reply(conn, NULL);
}

static void
cmd_reconnect(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *g_)
{
    struct guest *g = g_;

    if (g->stopping) {
        unixctl_command_reply_error(conn, "the guest is stopping");
        return;
    }
    frontend_set_wanted(&g->frontend, true);
    unixctl_command_reply(conn, NULL);
}

static void
cmd_queues(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
           void *g_)
{
    struct guest *g = g_;
    uint32_t n;

    if (!xs_uint_parse(argv[1], QUEUES_MAX, &n) || !n) {
        unixctl_command_reply_error(conn, "expected a number from 1 to 8");
        return;
    }
    g->frontend.options.n_queues = n;
    frontend_restart(&g->frontend);
    unixctl_command_reply(conn, NULL);
}

static void
reply_error(struct unixctl_conn *conn, int error)
{
    if (error) {
        unixctl_command_reply_error(conn, ovs_strerror(-error));
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
cmd_multicast(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[], void *g_)
{
    struct guest *g = g_;
    bool add = !strcmp(argv[1], "add");
    struct netif_extra_info extra = {
        .type = add ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD
                    : XEN_NETIF_EXTRA_TYPE_MCAST_DEL,
    };
    struct eth_addr ea;

    if ((!add && strcmp(argv[1], "del"))
        || !eth_addr_from_string(argv[2], &ea)) {
        unixctl_command_reply_error(conn, "expected add or del, and a MAC");
        return;
    }
    memcpy(extra.u.mcast.addr, ea.ea, sizeof ea.ea);
    reply_error(conn, vif_send_extra(&g->vif, &extra));
}

static void
cmd_multicast_control(struct unixctl_conn *conn, int argc OVS_UNUSED,
                      const char *argv[], void *g_)
{
    struct guest *g = g_;
    bool on = !strcmp(argv[1], "on");

    if (!on && strcmp(argv[1], "off")) {
        unixctl_command_reply_error(conn, "expected on or off");
        return;
    }
    reply_error(conn, frontend_set_multicast_control(&g->frontend, on));
}

static void
cmd_xdp_headroom(struct unixctl_conn *conn, int argc OVS_UNUSED,
                 const char *argv[], void *g_)
{
    struct guest *g = g_;
    uint32_t bytes;

    if (!xs_uint_parse(argv[1], XDP_HEADROOM_MAX, &bytes)) {
        unixctl_command_reply_error(conn, "expected 0 to 2048 bytes");
        return;
    }
    reply_error(conn, frontend_set_xdp_headroom(&g->frontend, bytes));
}

static void
cmd_suspend(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[] OVS_UNUSED, void *g_)
{
    struct guest *g = g_;

    reply_error(conn, frontend_suspend(&g->frontend, guest_now_ns()));
}

/* The ids of requests that the backend has not answered, per queue. */
static void
cmd_in_flight(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *g_)
{
    struct guest *g = g_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '[');
    for (uint32_t i = 0; g->vif.connected && i < g->vif.shape.n_queues; i++) {
        struct tx_ring *tx = &g->vif.queues[i].tx;
        const char *separator = "";

        ds_put_cstr(&ds, i ? ", [" : "[");
        tx_ring_reap(tx);
        for (uint32_t id = 0; id < RING_SLOTS; id++) {
            if (tx->in_flight[id]) {
                ds_put_format(&ds, "%s%"PRIu32, separator, id);
                separator = ", ";
            }
        }
        ds_put_char(&ds, ']');
    }
    ds_put_char(&ds, ']');
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
cmd_exit(struct unixctl_conn *conn, int argc OVS_UNUSED,
         const char *argv[] OVS_UNUSED, void *g_)
{
    struct guest *g = g_;

    g->stopping = true;
    unixctl_command_reply(conn, NULL);
}

void
guest_commands_register(struct guest *g)
{
    unixctl_command_register("guest/show", "", 0, 0, cmd_show, g);
    unixctl_command_register("guest/stats", "[--json]", 0, 1, cmd_stats, g);
    unixctl_command_register("guest/rate", "RATE", 1, 1, cmd_rate, g);
    unixctl_command_register("guest/disconnect", "", 0, 0, cmd_disconnect, g);
    unixctl_command_register("guest/reconnect", "", 0, 0, cmd_reconnect, g);
    unixctl_command_register("guest/queues", "N", 1, 1, cmd_queues, g);
    unixctl_command_register("guest/multicast", "add|del MAC", 2, 2,
                             cmd_multicast, g);
    unixctl_command_register("guest/multicast-control", "on|off", 1, 1,
                             cmd_multicast_control, g);
    unixctl_command_register("guest/xdp-headroom", "BYTES", 1, 1,
                             cmd_xdp_headroom, g);
    unixctl_command_register("guest/suspend", "", 0, 0, cmd_suspend, g);
    unixctl_command_register("guest/in-flight", "", 0, 0, cmd_in_flight, g);
    unixctl_command_register("exit", "", 0, 0, cmd_exit, g);
}
