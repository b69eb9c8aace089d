/* Which multicast addresses a guest wants to hear (multicast control,
 * xen/io/netif.h): a short list that its transmit rings amend and that all
 * senders look at.
 *
 * Thread: amend on the guest's polling threads, match on any: no lock for
 *         readers, a spin of a few instructions for writers.
 * Owner:  embedded in the journal; it may be mapped by another process.
 * Errors: amend says whether it was done.
 * Trust:  addresses are the guest's; at most VIF_MCAST_MAX are kept. */

#ifndef DATAPATH_VIF_MCAST_H
#define DATAPATH_VIF_MCAST_H 1

#include <stdbool.h>
#include <stdint.h>

#define VIF_MCAST_MAX 64u               /* As in Linux's backend. */

struct vif_mcast {
    uint32_t wanted;                    /* request-multicast-control. */
    uint32_t busy;                      /* A writer is at it. */
    uint32_t n;
    uint32_t unused;
    uint64_t addrs[VIF_MCAST_MAX];      /* Six bytes each, see vif_mcast.c;
                                         * each is read and written whole. */
};

/* Adds or removes 'addr'.  False: it is no multicast address, or the list is
 * full, or 'addr' was not in it. */
bool vif_mcast_amend(struct vif_mcast *, bool add, const uint8_t addr[6]);

/* Does the guest want the frame to 'dst'?  Frames to one station or to all
 * always are; others if it has not asked for the filter, or are in the
 * list. */
bool vif_mcast_match(const struct vif_mcast *, const uint8_t dst[6]);

static inline void
vif_mcast_want(struct vif_mcast *mcast, bool on)
{
    __atomic_store_n(&mcast->wanted, on, __ATOMIC_RELAXED);
}

#endif /* datapath/vif_mcast.h */
