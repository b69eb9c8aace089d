/* A host on paper, for the planner's tests: it obeys actions, refuses those
 * whose time has not come, and lets time pass.
 *
 * Thread: one.
 * Owner:  the caller; plan_host_finish().
 * Errors: an action out of order fails the cmocka test that runs. */

#ifndef PLAN_HOST_H
#define PLAN_HOST_H 1

#include "tenants/plan.h"

struct plan_host {
    struct have_tenant *have;
    struct guests guests;
    bool vf_on_host;                    /* Its interface exists out there. */
    const char *vf_iface;
    bool lazy_backend;                  /* Never says Closed. */
};

void plan_host_init(struct plan_host *, const char *tenant);
void plan_host_finish(struct plan_host *);

/* Does what 'plan' says, in order. */
void plan_host_apply(struct plan_host *, const struct want_tenant *want,
                     const struct plan *plan);

/* Processes come up or end, databases answer, backends close. */
void plan_host_tick(struct plan_host *, const struct want_tenant *want);

/* Plans, applies and ticks until there is nothing to do.  Returns how many
 * plans that took; fails the test beyond 12. */
int plan_host_settle(struct plan_host *, const struct want_tenant *want);

#endif /* plan_host.h */
