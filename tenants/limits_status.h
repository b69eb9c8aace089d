/* What a tenant's switch says of the limits that are in force.
 *
 * Thread: any.   Owner: the caller frees what is returned.   Errors: none.
 * Trust:  the tenant may have written it: only what is known, and looks as it
 *         should, is taken. */

#ifndef TENANTS_LIMITS_STATUS_H
#define TENANTS_LIMITS_STATUS_H 1

struct smap;

/* Out of an Interface's status; never null. */
struct smap *limits_in_force(const struct smap *status);

#endif /* tenants/limits_status.h */
