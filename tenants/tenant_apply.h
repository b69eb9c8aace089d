/* The planner's actions, done: with the domain driver, in xenstore, in the
 * tenant's database.  The only place from which a plan has effects.
 *
 * Thread: main.
 * Errors: a sentence that the caller frees: the first action that failed;
 *         those after it are not tried. */

#ifndef TENANTS_TENANT_APPLY_H
#define TENANTS_TENANT_APPLY_H 1

struct plan;
struct tenant;

char *tenant_apply(struct tenant *, const struct plan *,
                   long long int now_ms);

#endif /* tenants/tenant_apply.h */
