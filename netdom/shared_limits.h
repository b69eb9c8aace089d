/* Limits that vifs share, as dom0 writes them: those of all vifs of this
 * domain in /netdom/DOMID/limits, those of a group in
 * /netdom/DOMID/groups/NAME.  Each has the nodes that vif_read_settings()
 * reads, in both directions.
 *
 * Thread: main.
 * Owner:  one set for the process.
 * Errors: what makes no sense is refused as a whole, in the log, and what
 *         held goes on holding; nothing there is no limit.
 * Trust:  this domain can read these nodes and not write them. */

#ifndef NETDOM_SHARED_LIMITS_H
#define NETDOM_SHARED_LIMITS_H 1

#include <stdint.h>

#include <xenstore.h>

/* The token of the watches that shared_limits_watch() sets. */
#define SHARED_LIMITS_TOKEN "limits"

/* Watches the nodes of domain 'own_domid'; each watch brings an event at
 * once. */
void shared_limits_watch(struct xs_handle *, uint16_t own_domid);

/* Reads the nodes and puts what they say in force. */
void shared_limits_refresh(struct xs_handle *, uint16_t own_domid);

#endif /* netdom/shared_limits.h */
