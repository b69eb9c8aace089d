/* How much of a frame a flow looks at, where the frame came from a guest.
 *
 * Open vSwitch makes a flow look at no more bits than were needed to tell rules
 * apart, and looks flows up in one table for each set of bits (for a miss, in
 * all of them).  A guest that picks its addresses and ports makes the most of
 * these sets: a rule by an address and one by a port are enough for hundreds,
 * and all who share the switch look through them (CVE-2019-25076; Csikor et
 * al., Tuple Space Explosion, CoNEXT 2019).  So what is looked at in part is
 * looked at in whole bytes, or words where there are many of them.  A flow that
 * looks at more is right as well; there may be more of them, which is bounded
 * for each vif (xenvif_port.h).
 *
 * Thread: any.   Errors: none. */

#ifndef DATAPATH_MEGAFLOW_H
#define DATAPATH_MEGAFLOW_H 1

#include <stddef.h>

/* An IPv4 address and a port have so few bytes that 225 sets are left of them
 * all; with words of 4 bytes an IPv6 address has as many parts. */
#define MEGAFLOW_STEP_IPV4 1
#define MEGAFLOW_STEP_PORT 1
#define MEGAFLOW_STEP_IPV6 4

/* Each 'step' bytes of the mask of which any bit is set become all ones.
 * 'step' divides 'bytes'. */
void megaflow_round(void *mask, size_t bytes, size_t step);

#endif /* datapath/megaflow.h */
