/* The planner: what to do to one tenant so that the host becomes what the
 * database wants.
 *
 * Thread: any; nothing is shared.
 * Owner:  a plan owns its actions; plan_finish() frees them.
 * Errors: none: what cannot be done yet is not in the plan.
 *
 * A pure function.  An action is planned only when all that it needs is
 * there, either in 'have' or by an earlier action of the same plan; so a
 * caller applies a plan in order, looks again, and plans again until the plan
 * is empty.  On a host that is as it should be, the plan is empty. */

#ifndef TENANTS_PLAN_H
#define TENANTS_PLAN_H 1

#include "tenants/model.h"

struct ds;

enum action_type {
    ACT_DOMAIN_CREATE,                  /* 'object': the uplink that it is to
                                         * have, or null. */
    ACT_VF_SET,                         /* 'object': the VF. */
    ACT_UPLINK_TAKE,                    /* 'object': interface. */
    ACT_UPLINK_RETURN,                  /* 'object': interface. */
    ACT_DB_START,
    ACT_DB_STOP,
    ACT_SWITCH_START,
    ACT_SWITCH_STOP,
    ACT_RELAY_START,                    /* 'object': target. */
    ACT_RELAY_STOP,                     /* 'object': target. */
    ACT_BRIDGE_SET,                     /* 'targets'. */
    ACT_PORT_SET,                       /* 'port'. */
    ACT_PORT_DEL,                       /* 'object': port. */
    ACT_SHARED_LIMITS,                  /* All of the tenant's. */
    ACT_VIF_CREATE,                     /* 'vif', domid, devid. */
    ACT_VIF_LIMITS,                     /* 'vif', domid, devid. */
    ACT_VIF_OFFLINE,                    /* domid, devid. */
    ACT_VIF_REMOVE,                     /* domid, devid. */
    ACT_DOMAIN_DESTROY,
    ACT_N
};

struct action {
    enum action_type type;
    char *object;
    uint32_t domid;                     /* The guest's. */
    uint32_t devid;
    struct want_vif *vif;
    struct port_spec *port;
    struct svec targets;
};

struct plan {
    struct action *actions;
    size_t n_actions;
    size_t allocated;
};

void plan_init(struct plan *);
void plan_finish(struct plan *);

/* Adds to 'plan' what turns 'have' into 'want'.  A null 'want' takes the
 * tenant down. */
void plan_tenant(const struct have_tenant *have,
                 const struct want_tenant *want,
                 const struct guests *guests, struct plan *plan);

/* True if the database should hold 'want''s uplink port now. */
bool plan_wants_uplink_port(const struct have_tenant *,
                            const struct want_tenant *);

/* The target that the switch is given for 'controller', or null if its relay
 * does not run.  Constant memory of 'have' or 'controller'. */
const char *plan_switch_target(const struct have_tenant *,
                               const struct want_controller *);

/* Appends one line per action: "red: port-set vif3.0". */
void plan_format(const struct plan *, const char *tenant, struct ds *);
const char *action_type_name(enum action_type);

#endif /* tenants/plan.h */
