/* A vif's nodes in xenstore, as a toolstack writes them: see the planner's
 * actions of the same names.
 *
 * Thread: main.
 * Owner:  the caller; have_vif_finish() for what is observed.
 * Errors: 0 or -errno.
 * Trust:  the backend's directory is the tenant's and the frontend's is the
 *         guest's: what lies there is read within bounds; which vifs there
 *         are is told by /netdom alone, which only dom0 can write. */

#ifndef TENANTS_XEN_VIF_H
#define TENANTS_XEN_VIF_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct have_vif;
struct want_tenant;
struct want_vif;
struct xen;

/* "own" is the tenant's domain, "domid" the guest's. */
int xen_vif_create(struct xen *, uint32_t own, uint32_t domid,
                   uint32_t devid, const struct want_vif *);
/* The same, but that the guest's side and the backend's are the toolstack's:
 * what the switch is told of the vif, and that it is gone. */
int xen_vif_admit(struct xen *, uint32_t own, uint32_t domid, uint32_t devid,
                  const struct want_vif *);
int xen_vif_forget(struct xen *, uint32_t own, uint32_t domid,
                   uint32_t devid);
int xen_vif_limits(struct xen *, uint32_t own, uint32_t domid,
                   uint32_t devid, const struct want_vif *);
int xen_vif_offline(struct xen *, uint32_t own, uint32_t domid,
                    uint32_t devid);
int xen_vif_remove(struct xen *, uint32_t own, uint32_t domid,
                   uint32_t devid);

/* Makes the limits that the vifs of 'own' share what is wanted. */
int xen_shared_limits(struct xen *, uint32_t own, const struct want_tenant *);

/* Says that every vif of 'own' has its node in /netdom, and takes that
 * back. */
int xen_manage(struct xen *, uint32_t own);
int xen_unmanage(struct xen *, uint32_t own);
bool xen_is_managed(struct xen *, uint32_t own);

/* All vifs of 'own', in '*vifs' (freed by the caller). */
int xen_vifs_observe(struct xen *, uint32_t own, struct have_vif **vifs,
                     size_t *n);

#endif /* tenants/xen_vif.h */
