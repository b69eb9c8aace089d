/* What the guest's user, or its host, changes of a vif while it runs.
 *
 * Thread: the guest's only one.
 * Errors: 0 or -errno. */

#ifndef GUEST_FRONTEND_CHANGE_H
#define GUEST_FRONTEND_CHANGE_H 1

#include <stdbool.h>
#include <stdint.h>

struct frontend;

/* Closes the vif in order (and keeps it closed), or lets it connect. */
void frontend_set_wanted(struct frontend *, bool wanted);

/* Closes the vif in order and connects it anew, as 'options' say by then. */
void frontend_restart(struct frontend *);

/* Does what a frontend does that wakes up on another host: forgets rings,
 * channels and memory without a word, and begins anew. */
int frontend_suspend(struct frontend *, uint64_t now_ns);

/* Whether the backend shall deliver only multicast that was asked for. */
int frontend_set_multicast_control(struct frontend *, bool on);

/* Has the backend leave 'bytes' before each frame from now on.  -EOPNOTSUPP if
 * it is connected and cannot. */
int frontend_set_xdp_headroom(struct frontend *, uint32_t bytes);

/* Tells the backend of the headroom: the step FRONTEND_RECONFIGURE. */
void frontend_reconfigure(struct frontend *, uint64_t now_ns);

#endif /* frontend_change.h */
