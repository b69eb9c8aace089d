/* The planner's part that deals with vifs: their nodes in xenstore and their
 * ports in the tenant's bridge.  As pure as plan.h, and only for its use.
 *
 * Thread: any.  Owner: the plan owns what is put into it.  Errors: none. */

#ifndef TENANTS_PLAN_VIF_H
#define TENANTS_PLAN_VIF_H 1

#include "tenants/plan.h"

/* Appends an empty action of 'type'; the plan owns what is put into it. */
struct action *plan_add(struct plan *, enum action_type type);

/* Plans 'port' unless 'old' (null: there is none) is it already, or is
 * somebody else's. */
void plan_port(const struct port_spec *old, const struct port_spec *port,
               struct plan *);

void plan_shared_limits(const struct have_tenant *, const struct want_tenant *,
                        struct plan *);
void plan_vif_nodes(const struct have_tenant *, const struct want_tenant *,
                    const struct guests *, struct plan *);
void plan_vif_ports(const struct have_tenant *, const struct want_tenant *,
                    const struct guests *, struct plan *);

/* Plans the end of every vif.  Returns true when none has to be waited
 * for. */
bool plan_vifs_go(const struct have_tenant *, struct plan *);

#endif /* tenants/plan_vif.h */
