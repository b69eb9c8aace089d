/* Limits as nodes in xenstore: those of a vif, and those that vifs share.
 *
 * Thread: main.
 * Owner:  the caller; have_groups_free() for what is observed.
 * Errors: false with errno, or -errno.
 * Trust:  only dom0 writes these nodes; what is not a number is one that no
 *         limit has. */

#ifndef TENANTS_XEN_LIMITS_H
#define TENANTS_XEN_LIMITS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

struct have_group;
struct limits;
struct want_tenant;

/* The nodes in 'dir'. */
bool xen_limits_put(struct xs_handle *, xs_transaction_t, const char *dir,
                    const struct limits *);
void xen_limits_get(struct xs_handle *, const char *dir, struct limits *);

/* What the vifs of domain 'own' share: of all, and of groups. */
bool xen_shared_put(struct xs_handle *, xs_transaction_t, uint32_t own,
                    const struct want_tenant *);
int xen_shared_observe(struct xs_handle *, uint32_t own,
                       struct have_group **, size_t *n);

#endif /* tenants/xen_limits.h */
