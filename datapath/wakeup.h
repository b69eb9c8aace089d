/* A packet socket that only says "something came": DPDK's af_packet driver
 * has no receive interrupt, so a sleeping PMD thread needs another bell.
 *
 * Thread: open on main; the rest on the polling thread.
 * Owner:  the descriptor is the caller's to close().
 * Errors: -errno. */

#ifndef DATAPATH_WAKEUP_H
#define DATAPATH_WAKEUP_H 1

/* Opens a packet socket on network interface 'iface' that keeps one byte of
 * each frame that comes in, and very few of them.  Needs CAP_NET_RAW in this
 * network namespace. */
int wakeup_open(const char *iface);

/* Empties it, so that it becomes readable at the next frame. */
void wakeup_drain(int fd);

#endif /* datapath/wakeup.h */
