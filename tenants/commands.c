#include <config.h>

#include "tenants/controller.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "tenants/counters.h"
#include "tenants/tenant.h"
#include "tenants/xen.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

static const struct shash_node **
by_name(const struct controller *c)
{
    return shash_sort(&c->tenants);
}

static void
command_plan(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *controller_)
{
    const struct controller *c = controller_;
    const struct shash_node **nodes = by_name(c);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < shash_count(&c->tenants); i++) {
        tenant_format_plan(nodes[i]->data, &ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
    free(nodes);
}

static const char *
proc_text(enum proc_state state)
{
    return state == PROC_RUNNING ? "running"
           : state == PROC_STOPPING ? "stopping"
           : state == PROC_HELD ? "waits for its back-off" : "down";
}

static void
format_tenant(const struct tenant *tenant, struct ds *ds)
{
    const struct have_tenant *have = tenant->have;
    char *error = tenant_error(tenant);

    ds_put_format(ds, "tenant %s: %s\n", tenant->name,
                  !tenant->want ? "goes"
                  : tenant->up ? "up" : "comes up");
    ds_put_format(ds, "    domid %"PRIu32", switch %s, database %s%s\n",
                  have->domid, proc_text(have->vswitch), proc_text(have->db),
                  have->db_ready ? "" : " (not connected)");
    ds_put_format(ds, "    uplink %s, %"PRIuSIZE" ports, %"PRIuSIZE" vifs\n",
                  have->iface ? have->iface : "none", have->n_ports,
                  have->n_vifs);
    if (error) {
        ds_put_format(ds, "    error: %s\n", error);
    }
    free(error);
}

static void
command_status(struct unixctl_conn *conn, int argc OVS_UNUSED,
               const char *argv[] OVS_UNUSED, void *controller_)
{
    const struct controller *c = controller_;
    const struct shash_node **nodes = by_name(c);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "host %s\ndatabase %s: %s\nxen %s: %s\n"
                  "configuration %"PRId64": %s\n", c->host, c->db,
                  c->db_up ? "connected" : "not connected",
                  xen_place(c->env.xen),
                  xen_is_up(c->env.xen) ? "connected" : "not connected",
                  c->cfg, status_all_applied(c) ? "applied" : "under way");
    for (size_t i = 0; i < shash_count(&c->tenants); i++) {
        format_tenant(nodes[i]->data, &ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
    free(nodes);
}

static void
command_counters(struct unixctl_conn *conn, int argc OVS_UNUSED,
                 const char *argv[] OVS_UNUSED, void *controller_)
{
    const struct controller *c = controller_;
    struct json *json = json_object_create();
    struct json *tenants = json_object_create();
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->tenants) {
        const struct tenant *tenant = node->data;
        struct json *one = json_object_create();

        json_object_put(one, "vifs", counters_to_json(tenant->counters));
        json_object_put(tenants, node->name, one);
    }
    json_object_put(json, "time_ms", json_integer_create(time_wall_msec()));
    json_object_put(json, "tenants", tenants);

    char *text = json_to_string(json, JSSF_SORT);
    unixctl_command_reply(conn, text);
    free(text);
    json_destroy(json);
}

void
commands_init(struct controller *c)
{
    unixctl_command_register("netdom/plan", "", 0, 0, command_plan, c);
    unixctl_command_register("netdom/status", "", 0, 0, command_status, c);
    unixctl_command_register("netdom/counters", "", 0, 0, command_counters,
                             c);
}
