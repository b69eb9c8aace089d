/* Which domains live, by name.
 *
 * Thread: main.  Owner: the caller.  Errors: an unreadable domain is left
 * out.  Trust: see xen.h; of two domains with one name neither counts. */

#ifndef TENANTS_XEN_GUESTS_H
#define TENANTS_XEN_GUESTS_H 1

#include <stdbool.h>

struct guests;
struct xs_handle;

/* Reads them anew.  Returns true if anything changed; '*nameless' becomes
 * true if a domain has no name yet, so that another look is due. */
bool xen_guests_read(struct xs_handle *, struct guests *, bool *nameless);

#endif /* tenants/xen_guests.h */
