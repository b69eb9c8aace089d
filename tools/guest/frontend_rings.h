/* Makes and drops what a connected frontend has: rings, channels, and the
 * nodes that tell of them.
 *
 * Thread: the guest's only one.
 * Errors: 0 or -errno; what a person should know is logged. */

#ifndef GUEST_FRONTEND_RINGS_H
#define GUEST_FRONTEND_RINGS_H 1

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/xenbus.h>

struct frontend;

/* Writes our state. */
void frontend_say(struct frontend *, enum xenbus_state);

/* For the backend that is named now, as it and our user want it. */
int frontend_rings_make(struct frontend *, uint64_t now_ns);

/* Writes no node. */
void frontend_rings_drop(struct frontend *, uint64_t now_ns);

#endif /* frontend_rings.h */
