/* Physical links that several tenants' VFs are on: each tenant has a share of
 * what may be sent, which is divided anew once a second by what they used and
 * wanted (qos/share.h).  A share is a limit of the tenant's uplink.
 *
 * Thread: main.   Owner: links_init() and links_finish().   Errors: none.
 * Trust:  what a tenant used and wanted, its own switch says.  A lie wins no
 *         more than wanting does: its part by weight. */

#ifndef TENANTS_LINKS_H
#define TENANTS_LINKS_H 1

#include <stdbool.h>

#include "openvswitch/shash.h"

struct want;

struct links {
    struct shash shares;                /* By tenant: struct link_share. */
    long long int next_ms;
};

void links_init(struct links *);
void links_finish(struct links *);

/* Divides the links of 'want' among its tenants, if it is time or 'changed'
 * (there are others, or other guarantees), and writes 'uplink_bps' of each.
 * 'tenants' are what runs, by name: struct tenant.  Returns true if any share
 * is another than before. */
bool links_run(struct links *, struct want *, const struct shash *tenants,
               bool changed, long long int now_ms);
void links_wait(const struct links *);

#endif /* tenants/links.h */
