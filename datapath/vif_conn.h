/* A connected queue of a guest's VIF: its Tx and Rx ring, mapped, with the
 * event channel.  Xen's names: Tx is what the guest sends (we consume), Rx is
 * what it receives (we fill).  The protocol is xen/io/netif.h.
 *
 * Thread: open on the main thread; burst, arm and stats on the one thread
 *         that polls the vif; close once that thread cannot reach it any
 *         more.
 * Owner:  whoever called vif_conn_open().
 * Errors: 0 or a count when well; -errno when the call failed; -EPROTO from a
 *         burst is malice: the caller stops polling, and vif_conn_malice()
 *         says why.  Malice is for good.  Frames that came before it in the
 *         same burst are returned first; until a burst has told the caller,
 *         vif_conn_arm() and vif_conn_tx_pending() are true.
 * Trust:  every byte of both rings is hostile.  Each slot is copied once and
 *         the copy is judged by vif_judge.h; each index is loaded once. */

#ifndef DATAPATH_VIF_CONN_H
#define DATAPATH_VIF_CONN_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_stats.h"
#include "datapath/xen_ops.h"
#include "qos/bucket.h"

struct vif_conn;

struct vif_conn_params {
    uint16_t domid;                     /* The guest. */
    uint32_t tx_gref, rx_gref;          /* The ring pages. */
    uint32_t tx_port, rx_port;          /* Equal: one channel for both. */
    bool can_sg;                        /* Frontend takes chained Rx slots. */
    bool rx_notify;                     /* Frontend tells of Rx buffers. */
};

#define VIF_BURST_FRAMES 32u            /* At most, per call. */
#define VIF_TX_SLOTS_PER_CALL 256u      /* One ring's worth. */

/* A frame in memory of ours that is inside 'region'. */
struct vif_frame {
    const struct xen_region *region;
    uint64_t offset;                    /* Of byte 0, from region->base. */
    uint32_t bytes;                     /* Tx: out.  Rx: in. */
    uint32_t room_bytes;                /* Tx: in, largest frame that fits. */
    uint16_t flags;                     /* VIF_FRAME_*. */
};
#define VIF_FRAME_CSUM_BLANK 0x1u       /* NETTXF/NETRXF_csum_blank. */
#define VIF_FRAME_DATA_VALIDATED 0x2u

/* The gate in front of the Tx ring: frames pass while 'bucket' has credit
 * (which the caller refilled); null bucket: no limit. */
struct vif_gate {
    struct qos_bucket *bucket;
    const struct qos_profile *profile;
    uint32_t blocked_bytes;             /* Out: size of the frame that waits
                                         * for credit, 0 if none does. */
};

/* Binds the ports, maps the rings and goes on where their last backend left
 * them.  -EPROTO: the indices on a ring cannot be those of its size. */
int vif_conn_open(const struct xen_ops *, struct xen_platform *,
                  const struct vif_conn_params *, struct vif_conn **);
void vif_conn_close(struct vif_conn *);             /* Accepts null. */

/* Consumes frames that the guest sent into 'frames[0..n)', whose region,
 * offset and room_bytes the caller has set.  Returns how many are filled,
 * always a prefix of 'frames'; frames dropped for cause are answered, counted
 * in 'stats' and not returned.  Stops at 'gate', at 'n' frames, at the end of
 * the ring, or at a bound of work per call (VIF_TX_SLOTS_PER_CALL slots).
 * All responses are published, with at most one notify, before it returns.
 * One grant_copy call per burst.
 *
 * A frame whose grant copy failed is dropped after the gate was passed: what
 * it was charged is given back, and later frames move up in 'frames', data
 * and all.  tx_throttled is the caller's to count. */
int vif_conn_tx_burst(struct vif_conn *, struct vif_frame *frames,
                      unsigned int n, struct vif_gate *,
                      struct vif_stats *);

/* Offers 'frames[0..n)' to the guest.  Returns how many were used up
 * (delivered, or dropped for cause and counted): the rest found no posted
 * buffers and stays the caller's.  One grant_copy call, at most one notify. */
int vif_conn_rx_burst(struct vif_conn *, const struct vif_frame *frames,
                      unsigned int n, struct vif_stats *);

/* Before the thread sleeps: asks the guest for an event at the next Tx
 * request, and, if 'want_rx', at the next posted Rx buffer.  Returns true if
 * there is work that no event will tell of: then do not sleep.
 *
 * Behind the gate (the last burst set 'blocked_bytes') no event is asked for:
 * the caller comes back when there is credit.  A frontend without rx_notify
 * tells nothing of Rx buffers: the caller comes back after a while. */
bool vif_conn_arm(struct vif_conn *, bool want_rx);

/* Acknowledges events.  Cheap when none is pending; call it after a sleep. */
void vif_conn_ack(struct vif_conn *);

/* Descriptors to sleep on: fds[0..returned), 1 or 2. */
unsigned int vif_conn_fds(const struct vif_conn *, int fds[2]);

/* True if a Tx request is waiting (behind the gate, say).  One load. */
bool vif_conn_tx_pending(const struct vif_conn *);

/* Why a burst returned -EPROTO: a constant sentence, or null. */
const char *vif_conn_malice(const struct vif_conn *);

/* Ring state for "xenvif/show". */
struct vif_conn_info {
    uint32_t tx_req_prod, tx_req_cons, tx_rsp_prod;
    uint32_t rx_req_prod, rx_req_cons, rx_rsp_prod;
};
void vif_conn_info(const struct vif_conn *, struct vif_conn_info *);

#endif /* datapath/vif_conn.h */
