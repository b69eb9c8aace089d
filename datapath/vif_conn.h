/* A connected queue of a guest's VIF: its Tx and Rx ring, mapped, with their
 * event channels.  Xen's names: Tx is what the guest sends (we consume), Rx is
 * what it receives (we fill).  The protocol is xen/io/netif.h.
 *
 * Thread: open on the main thread; burst, arm and ack on the one thread
 *         that polls the queue; close once that thread cannot reach it any
 *         more; set_grefs and set_xdp_headroom on the main thread.
 * Owner:  whoever called vif_conn_open().
 * Errors: 0 or a count when well; -errno when the call failed; -EPROTO from a
 *         burst is malice: the caller stops polling, and vif_conn_malice()
 *         says why.  Malice is for good.  Frames that came before it in the
 *         same burst are returned first; until a burst has told the caller,
 *         vif_conn_arm() and vif_conn_tx_pending() are true.
 * Trust:  every byte of both rings is hostile.  Each slot is copied once and
 *         the copy is judged by vif_judge.h; each index is loaded once.  What
 *         is done is journaled first (vif_journal.h). */

#ifndef DATAPATH_VIF_CONN_H
#define DATAPATH_VIF_CONN_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_stats.h"
#include "datapath/xen_ops.h"
#include "qos/tree.h"

struct vif_conn;
struct vif_grefs;
struct vif_journal;

#define VIF_BURST_FRAMES 32u            /* At most, per call. */
#define VIF_TX_SLOTS_PER_CALL 256u      /* One ring's worth. */

/* Buffers for the guest's frames, all in 'region' and of one size; a stack.
 * A frame begins 'headroom_bytes' into its buffer, or before if it would not
 * fit otherwise. */
struct vif_buffers {
    const struct xen_region *region;
    uint32_t room_bytes, headroom_bytes;    /* Headroom is part of room. */
    unsigned int n;
    struct vif_buffer {
        uint64_t offset;                /* From region->base. */
        void *owner;                    /* The caller's. */
    } stack[VIF_BURST_FRAMES];
};

/* What a Tx burst may take.  Frames above 'frame_bytes' are dropped unless
 * they are to be segmented; what does not fit a small buffer takes a big
 * one. */
struct vif_supply {
    uint32_t frame_bytes;
    struct vif_buffers small, big;
    bool starved;                       /* Out: a frame waits in the ring for
                                         * a buffer. */
};

/* A frame in memory of ours that is inside 'region'. */
struct vif_frame {
    const struct xen_region *region;
    uint64_t offset;                    /* Of byte 0, from region->base. */
    void *owner;                        /* Tx: of its buffer. */
    uint32_t bytes;
    uint16_t flags;                     /* VIF_FRAME_*. */
    uint16_t gso_bytes;                 /* Payload of a segment. */
    uint8_t gso_type;                   /* XEN_NETIF_GSO_TYPE_*; 0: none. */
    uint8_t hash_type;                  /* Rx: with VIF_FRAME_HASHED. */
    uint32_t hash;
};
#define VIF_FRAME_CSUM_BLANK 0x1u       /* NETTXF/NETRXF_csum_blank. */
#define VIF_FRAME_DATA_VALIDATED 0x2u
#define VIF_FRAME_HASHED 0x100u         /* Not the ring's own. */

/* The gate in front of the Tx ring: frames pass while 'leaf' may draw, and are
 * charged to it; null leaf: no limit.  A frame that is to be segmented is
 * charged for headers of a common size; the caller, who sees them, settles the
 * difference. */
struct vif_gate {
    struct qos_leaf *leaf;
    uint64_t now_ns;
    uint64_t blocked_bytes;             /* Out: cost of the frame that waits
                                         * for its limit, 0 if none does. */
};

/* What the gate charges. */
uint64_t vif_gate_cost(uint32_t bytes, uint8_t gso_type, uint16_t gso_bytes);

/* Binds the ports and maps the rings of queue 'queue' of 'journal''s vif, and
 * goes on where their last backend left them.  'journal' stays the caller's
 * and outlives the queue.  -EPROTO: the indices on a ring cannot be those of
 * its size. */
int vif_conn_open(const struct xen_ops *, struct xen_platform *,
                  struct vif_journal *journal, unsigned int queue,
                  struct vif_conn **);
void vif_conn_close(struct vif_conn *);             /* Accepts null. */

/* Consumes frames that the guest sent into 'frames[0..returned)', at most
 * 'n', each in a buffer taken from 'supply'.  Frames dropped for cause are
 * answered, counted in 'stats' and not returned.  Stops at 'gate', at 'n'
 * frames, when 'supply' has no buffer for the next frame, at the end of the
 * ring, or at a bound of work per call (VIF_TX_SLOTS_PER_CALL slots).  All
 * responses are published, with at most one notify, before it returns.  One
 * grant_copy call per burst, none if all pages are mapped.
 *
 * A frame whose grant copy failed is dropped after the gate was passed: what
 * it was charged is given back.  tx_throttled is the caller's to count. */
int vif_conn_tx_burst(struct vif_conn *, struct vif_supply *supply,
                      struct vif_frame *frames, unsigned int n,
                      struct vif_gate *, struct vif_stats *);

/* Offers 'frames[0..n)' to the guest.  Returns how many were used up
 * (delivered, or dropped for cause and counted): the rest found no posted
 * buffers and stays the caller's.  One grant_copy call, at most one notify. */
int vif_conn_rx_burst(struct vif_conn *, const struct vif_frame *frames,
                      unsigned int n, struct vif_stats *);

/* How many buffers has the guest posted?  One load; what is malice is for a
 * burst to find. */
unsigned int vif_conn_rx_posted(const struct vif_conn *);

/* Before the thread sleeps: asks the guest for an event at the next Tx
 * request, and, if 'want_rx', at the next posted Rx buffer.  Returns true if
 * there is work that no event will tell of: then do not sleep.
 *
 * Behind the gate (the last burst set 'blocked_bytes'), or for lack of a
 * buffer ('starved'), no event is asked for: the caller comes back when there
 * is credit, or a buffer.  A frontend without rx_notify
 * tells nothing of Rx buffers: the caller comes back after a while. */
bool vif_conn_arm(struct vif_conn *, bool want_rx);

/* Acknowledges events.  Cheap when none is pending; call it after a sleep. */
void vif_conn_ack(struct vif_conn *);

/* Descriptors to sleep on: fds[0..returned), 1 or 2. */
unsigned int vif_conn_fds(const struct vif_conn *, int fds[2]);

/* True if a Tx request is waiting (behind the gate, say).  One load. */
bool vif_conn_tx_pending(const struct vif_conn *);

/* Puts 'grefs' (may be null) in force and returns those before, which the
 * polling thread may still be using.  The pages stay the caller's. */
struct vif_grefs *vif_conn_set_grefs(struct vif_conn *, struct vif_grefs *);
const struct vif_grefs *vif_conn_grefs(const struct vif_conn *);

/* From the next frame on. */
void vif_conn_set_xdp_headroom(struct vif_conn *, uint16_t bytes);

/* Why a burst returned -EPROTO, or VIF_MALICE_NONE. */
enum vif_malice vif_conn_malice(const struct vif_conn *);

/* Ring state for "xenvif/show". */
struct vif_conn_info {
    uint32_t tx_req_prod, tx_req_cons, tx_rsp_prod;
    uint32_t rx_req_prod, rx_req_cons, rx_rsp_prod;
};
void vif_conn_info(const struct vif_conn *, struct vif_conn_info *);

#endif /* datapath/vif_conn.h */
