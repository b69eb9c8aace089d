/* Ports of other classes in the switch, and what they cannot do: wake a
 * sleeping PMD thread; take frames whose checksum is blank or that are still
 * to be segmented, which OVS 3.1 drops in front of them.
 *
 * Thread: main, but for offload_whole().
 * Owner:  nothing is owned.   Errors: none. */

#ifndef DATAPATH_FOREIGN_H
#define DATAPATH_FOREIGN_H 1

#include <stdbool.h>
#include <stddef.h>

struct netdev;

/* Looks over all ports of the datapath that 'ours' is part of.  Returns false
 * if it is not part of one yet. */
bool foreign_check(const struct netdev *ours);

/* Does every port take frames as guests give them, so that they can cross the
 * switch whole?  Otherwise they are completed and cut at entry.  Any
 * thread. */
bool offload_whole(void);

/* Says so, or which port does not, in 'text'. */
void offload_describe(char *text, size_t bytes);

#endif /* datapath/foreign.h */
