/* What vif_conn.c, vif_copies.c, vif_tx.c and vif_rx.c share.
 *
 * Thread, Owner, Errors, Trust: vif_conn.h's. */

#ifndef DATAPATH_VIF_CONN_PRIVATE_H
#define DATAPATH_VIF_CONN_PRIVATE_H 1

#include "datapath/vif_conn.h"
#include "datapath/vif_grefs.h"
#include "datapath/vif_journal.h"
#include "datapath/vif_mcast.h"
#include "datapath/vif_ring.h"

#define VIF_CACHE_LINE_BYTES 64

struct vif_conn {
    /* Constant once open. */
    const struct xen_ops *ops __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
    struct xen_platform *platform;
    struct xen_evtchn *tx_evtchn;
    struct xen_evtchn *rx_evtchn;       /* May be tx_evtchn. */
    struct vif_journal_queue *journal;
    struct vif_mcast *mcast;
    uint16_t domid;
    bool sg;
    uint32_t tx_gref, rx_gref;

    /* The main thread's to change. */
    struct vif_grefs *grefs;            /* May be null. */
    uint16_t xdp_headroom_bytes;

    /* Not VIF_MALICE_NONE: the guest is hostile and nothing is done for it
     * any more. */
    uint32_t malice;

    struct vif_ring tx __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
    bool tx_gated;                      /* The last burst ended at the gate. */
    bool tx_starved;                    /* Or for lack of a buffer. */

    struct vif_ring rx __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
};

static inline void
vif_conn_blame(struct vif_conn *conn, enum vif_malice what)
{
    __atomic_store_n(&conn->malice, what, __ATOMIC_RELEASE);
}

/* Copies between a mapped page and memory of ours, and grant operations: what
 * one burst has to do, in one place. */
struct vif_copies {
    unsigned int n_segs, n_mapped;
    struct xen_copy_seg segs[VIF_RING_SLOTS];
    struct vif_mapped_copy {
        void *to;
        const void *from;
        uint16_t bytes;
    } mapped[VIF_RING_SLOTS];
};

/* Adds a copy of 'bytes' between 'offset' of 'region' and the granted page.
 * Returns the index of its segment, or -1: it needs no grant operation. */
int vif_copies_add(struct vif_copies *, const struct vif_conn *,
                   const struct xen_region *region, uint64_t offset,
                   uint32_t gref, uint16_t foreign_offset, uint16_t bytes,
                   enum xen_copy_dir);

/* Does them all.  True if some segment failed. */
bool vif_copies_run(struct vif_copies *, const struct vif_conn *);

#endif /* datapath/vif_conn_private.h */
