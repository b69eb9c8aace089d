/* Ports of other classes on the same PMD threads (type=dpdk, vhost-user):
 * nothing wakes a thread for their frames, so it must not sleep.
 *
 * Thread: main.   Owner: nothing.   Errors: none. */

#ifndef DATAPATH_FOREIGN_H
#define DATAPATH_FOREIGN_H 1

#include <stdbool.h>

struct netdev;

/* Looks at all ports of the datapath that 'ours' is a port of, and allows
 * PMD threads to sleep or not.  False if it is part of none. */
bool foreign_check(const struct netdev *ours);

#endif /* datapath/foreign.h */
