#include <config.h>

#include "tenants/plan.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tenants/plan_vif.h"
#include "util.h"

static const char *const action_names[ACT_N] = {
    [ACT_DOMAIN_CREATE] = "domain-create",
    [ACT_VF_SET] = "vf-set",
    [ACT_UPLINK_TAKE] = "uplink-take",
    [ACT_UPLINK_RETURN] = "uplink-return",
    [ACT_DB_START] = "db-start",
    [ACT_DB_STOP] = "db-stop",
    [ACT_SWITCH_START] = "switch-start",
    [ACT_SWITCH_STOP] = "switch-stop",
    [ACT_RELAY_START] = "relay-start",
    [ACT_RELAY_STOP] = "relay-stop",
    [ACT_BRIDGE_SET] = "bridge-set",
    [ACT_PORT_SET] = "port-set",
    [ACT_PORT_DEL] = "port-del",
    [ACT_SHARED_LIMITS] = "shared-limits",
    [ACT_VIF_CREATE] = "vif-create",
    [ACT_VIF_LIMITS] = "vif-limits",
    [ACT_VIF_OFFLINE] = "vif-offline",
    [ACT_VIF_REMOVE] = "vif-remove",
    [ACT_DOMAIN_DESTROY] = "domain-destroy",
};

const char *
action_type_name(enum action_type type)
{
    return action_names[type];
}

void
plan_init(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
}

void
plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        struct action *action = &plan->actions[i];

        free(action->object);
        if (action->vif) {
            want_vif_finish(action->vif);
            free(action->vif);
        }
        if (action->port) {
            port_spec_finish(action->port);
            free(action->port);
        }
        svec_destroy(&action->targets);
    }
    free(plan->actions);
}

struct action *
plan_add(struct plan *plan, enum action_type type)
{
    if (plan->n_actions >= plan->allocated) {
        plan->actions = x2nrealloc(plan->actions, &plan->allocated,
                                   sizeof *plan->actions);
    }

    struct action *action = &plan->actions[plan->n_actions++];
    memset(action, 0, sizeof *action);
    action->type = type;
    svec_init(&action->targets);
    return action;
}

void
plan_format(const struct plan *plan, const char *tenant, struct ds *ds)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *action = &plan->actions[i];

        ds_put_format(ds, "%s: %s", tenant, action_names[action->type]);
        if (action->object) {
            ds_put_format(ds, " %s", action->object);
        }
        if (action->port) {
            ds_put_format(ds, " %s", action->port->name);
        }
        if (action->type >= ACT_VIF_CREATE && action->type <= ACT_VIF_REMOVE) {
            ds_put_format(ds, " vif%"PRIu32".%"PRIu32, action->domid,
                          action->devid);
        }
        ds_put_char(ds, '\n');
    }
}
