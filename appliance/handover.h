/* The vifs of a driver domain that was destroyed and made anew under its old
 * number: its guests are still connected to rings that nobody serves.  The
 * toolstack's copies of the backends' nodes are written to the new domain's
 * folder, as Connected, and the domain may read the frontends' again; what runs
 * there then goes on with those rings.
 *
 * Thread: any.
 * Errors: 0 or -errno. */

#ifndef APPLIANCE_HANDOVER_H
#define APPLIANCE_HANDOVER_H 1

struct xs_handle;

/* Hands over each vif of each guest whose backend is in 'domid'; the domain has
 * not run yet.  '*n_vifsp' gets their number. */
int handover_vifs(struct xs_handle *, unsigned int domid,
                  unsigned int *n_vifsp);

#endif /* appliance/handover.h */
