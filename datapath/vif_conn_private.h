/* What vif_conn.c, vif_tx.c and vif_rx.c share.
 *
 * Thread, Owner, Errors, Trust: vif_conn.h's. */

#ifndef DATAPATH_VIF_CONN_PRIVATE_H
#define DATAPATH_VIF_CONN_PRIVATE_H 1

#include "datapath/vif_conn.h"
#include "datapath/vif_ring.h"

#define VIF_CACHE_LINE_BYTES 64

struct vif_conn {
    /* Constant once open. */
    const struct xen_ops *ops __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
    struct xen_platform *platform;
    struct xen_evtchn *tx_evtchn;
    struct xen_evtchn *rx_evtchn;       /* May be tx_evtchn. */
    uint16_t domid;
    bool can_sg;
    uint32_t tx_gref, rx_gref;

    /* Not null: the guest is hostile and nothing is done for it any more. */
    const char *malice;

    struct vif_ring tx __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
    bool tx_gated;                      /* The last burst ended at the gate. */

    struct vif_ring rx __attribute__((aligned(VIF_CACHE_LINE_BYTES)));
};

static inline void
vif_conn_blame(struct vif_conn *conn, const char *why)
{
    __atomic_store_n(&conn->malice, why, __ATOMIC_RELEASE);
}

/* A counter's only writer adds to it; others read it relaxed. */
static inline void
vif_count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

#endif /* datapath/vif_conn_private.h */
