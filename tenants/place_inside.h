/* place.h's other half: what the child does that becomes the first inhabitant
 * of a tenant's namespaces.
 *
 * Thread: a child after fork(), which never returns.
 * Errors: a step's number and an errno, told to the parent.
 * Trust:  as place.h. */

#ifndef TENANTS_PLACE_INSIDE_H
#define TENANTS_PLACE_INSIDE_H 1

#include "openvswitch/compiler.h"

struct place_spec;

/* Makes the namespaces, says so on 'up', waits on 'down' until the parent has
 * bound them, furnishes them, says so on 'up', exits. */
OVS_NO_RETURN void place_inside(const struct place_spec *, int up, int down);

/* What step 'step' of the above does, for an error message. */
const char *place_step_name(int step);

#endif /* tenants/place_inside.h */
