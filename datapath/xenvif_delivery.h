/* How a frame is given to a guest.
 *
 * Thread: the one that polls the guest's queue.   Owner: the caller.
 * Errors: see each function. */

#ifndef DATAPATH_XENVIF_DELIVERY_H
#define DATAPATH_XENVIF_DELIVERY_H 1

#include "datapath/xenvif_port.h"

struct xenvif_delivery {
    struct headers headers;             /* If 'blank' or 'mss_bytes'. */
    bool blank;                         /* Its checksum is. */
    bool cut;
    uint16_t mss_bytes;
};

/* False: no guest could take it. */
bool xenvif_plan_delivery(const struct xenvif *, const struct vif_frontend *,
                          const struct dp_packet *, struct xenvif_delivery *);

bool xenvif_takes_blank(const struct vif_frontend *, const struct headers *);

/* Completes the packet as far as the guest needs it, and describes it. */
void xenvif_describe(struct dp_packet *, const struct vif_frontend *,
                     const struct xenvif_delivery *, struct vif_frame *);

#endif /* datapath/xenvif_delivery.h */
