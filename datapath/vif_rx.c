/* What the guest receives: each frame fills as many posted buffers as it
 * needs, one page each. */

#include <errno.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_conn_private.h"

#define RX_FRAME_MAX_BYTES 0xffffu

/* A frame that found its buffers; its slots are its segments. */
struct rx_frame {
    uint16_t slot, n_slots;
    uint16_t frame;                     /* In the caller's array. */
};

struct rx_batch {
    unsigned int n_frames, n_slots;
    struct rx_frame frames[VIF_BURST_FRAMES];
    struct netif_rx_response responses[VIF_RING_SLOTS];
    struct xen_copy_seg segs[VIF_RING_SLOTS];
};

static uint16_t
ring_flags(const struct vif_frame *frame)
{
    uint16_t flags = 0;

    if (frame->flags & VIF_FRAME_CSUM_BLANK) {
        flags |= NETRXF_csum_blank | NETRXF_data_validated;
    }
    if (frame->flags & VIF_FRAME_DATA_VALIDATED) {
        flags |= NETRXF_data_validated;
    }
    return flags;
}

/* Consumes 'n_slots' requests for 'frame'. */
static inline void
fill_slots(struct vif_conn *conn, struct rx_batch *batch,
           const struct vif_frame *frame, unsigned int n_slots)
{
    uint16_t flags = ring_flags(frame);
    uint32_t offset = 0;

    for (unsigned int i = 0; i < n_slots; i++) {
        unsigned int slot = batch->n_slots + i;
        uint32_t left = frame->bytes - offset;
        uint32_t bytes = left < XEN_PAGE_BYTES ? left : XEN_PAGE_BYTES;
        struct netif_rx_request req;

        vif_ring_copy_rx(&conn->rx, conn->rx.cons + slot, &req);
        batch->segs[slot] = (struct xen_copy_seg) {
            .region = frame->region,
            .local_offset = frame->offset + offset,
            .gref = req.gref,
            .domid = conn->domid,
            .bytes = bytes,
            .dir = XEN_COPY_TO_GUEST,
        };
        batch->responses[slot] = (struct netif_rx_response) {
            .id = req.id,
            .flags = flags | (bytes < left ? NETRXF_more_data : 0),
            .status = bytes,
        };
        flags = 0;
        offset += bytes;
    }
    batch->n_slots += n_slots;
}

/* Gives frames their buffers until either runs out.  Returns how many frames
 * were used up. */
static unsigned int
collect(struct vif_conn *conn, const struct vif_frame *frames,
        unsigned int n, uint32_t waiting, struct vif_stats *stats,
        struct rx_batch *batch)
{
    unsigned int i;

    batch->n_frames = batch->n_slots = 0;
    for (i = 0; i < n; i++) {
        const struct vif_frame *frame = &frames[i];
        uint32_t n_slots = (frame->bytes + XEN_PAGE_BYTES - 1)
                           / XEN_PAGE_BYTES;

        if (__builtin_expect(!frame->bytes || frame->bytes > RX_FRAME_MAX_BYTES
                             || (n_slots > 1 && !conn->can_sg), 0)) {
            vif_count(&stats->drops[VIF_DROP_RX_OVERSIZE], 1);
            continue;
        }
        if (n_slots > waiting - batch->n_slots) {
            break;
        }
        batch->frames[batch->n_frames++] = (struct rx_frame) {
            batch->n_slots, n_slots, i,
        };
        fill_slots(conn, batch, frame, n_slots);
    }
    return i;
}

/* True if 'frame' arrived whole; otherwise answers its slots as failed. */
static bool
settle(struct rx_batch *batch, const struct rx_frame *frame)
{
    int failed = 0;

    for (unsigned int i = 0; i < frame->n_slots; i++) {
        failed |= batch->segs[frame->slot + i].status;
    }
    if (__builtin_expect(!failed, 1)) {
        return true;
    }
    for (unsigned int i = 0; i < frame->n_slots; i++) {
        struct netif_rx_response *rsp = &batch->responses[frame->slot + i];

        rsp->flags = 0;
        rsp->status = NETIF_RSP_ERROR;
    }
    return false;
}

static void
answer(struct vif_conn *conn, const struct rx_batch *batch,
       struct vif_stats *stats)
{
    for (unsigned int i = 0; i < batch->n_slots; i++) {
        struct netif_rx_response *rsp
            = vif_ring_slot(&conn->rx, conn->rx.cons + i,
                            sizeof(union netif_rx_sring_entry));
        *rsp = batch->responses[i];
    }
    if (vif_ring_publish(&conn->rx, batch->n_slots)) {
        conn->ops->evtchn_notify(conn->rx_evtchn);
        vif_count(&stats->rx_notifies, 1);
    }
}

int
vif_conn_rx_burst(struct vif_conn *conn, const struct vif_frame *frames,
                  unsigned int n, struct vif_stats *stats)
{
    if (conn->malice) {
        return -EPROTO;
    }

    uint32_t waiting = vif_ring_waiting(&conn->rx);
    if (waiting > VIF_RING_SLOTS) {
        vif_conn_blame(conn, "Rx request index ran away");
        return -EPROTO;
    }

    struct rx_batch batch;
    unsigned int n_used
        = collect(conn, frames, n < VIF_BURST_FRAMES ? n : VIF_BURST_FRAMES,
                  waiting, stats, &batch);
    if (!batch.n_slots) {
        return n_used;
    }

    conn->ops->grant_copy(conn->platform, batch.segs, batch.n_slots);

    uint64_t n_frames = 0, bytes = 0;
    for (unsigned int i = 0; i < batch.n_frames; i++) {
        const struct rx_frame *frame = &batch.frames[i];

        if (settle(&batch, frame)) {
            n_frames++;
            bytes += frames[frame->frame].bytes;
        } else {
            vif_count(&stats->drops[VIF_DROP_RX_GRANT], 1);
        }
    }
    answer(conn, &batch, stats);

    vif_count(&stats->rx_frames, n_frames);
    vif_count(&stats->rx_bytes, bytes);
    return n_used;
}
