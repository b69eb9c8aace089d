/* What the guest sends: judge a private copy of the requests, copy the frames
 * out of the guest's pages in one call, answer. */

#include <errno.h>
#include <string.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_conn_private.h"

_Static_assert(VIF_TX_SLOTS_PER_CALL == VIF_RING_SLOTS,
               "a call takes one ring's worth at most");

/* A frame that passed. */
struct tx_frame {
    uint16_t slot, n_slots;             /* In 'responses'. */
    uint16_t seg, n_segs;               /* In 'segs'. */
};

/* One burst, on the stack: shared by all vifs of the thread, so it stays in
 * its cache.  Only what is used is ever touched. */
struct tx_batch {
    unsigned int n_frames, n_slots, n_segs;
    struct tx_frame frames[VIF_BURST_FRAMES];
    struct netif_tx_response responses[VIF_RING_SLOTS];
    struct xen_copy_seg segs[VIF_RING_SLOTS];
};

/* A data slot of a chain. */
struct tx_part {
    uint32_t gref;
    uint16_t offset;
    uint16_t bytes;
};

static inline void
add_seg(struct tx_batch *batch, const struct vif_conn *conn,
        const struct vif_frame *frame, uint32_t frame_offset,
        const struct tx_part *part)
{
    batch->segs[batch->n_segs++] = (struct xen_copy_seg) {
        .region = frame->region,
        .local_offset = frame->offset + frame_offset,
        .gref = part->gref,
        .domid = conn->domid,
        .foreign_offset = part->offset,
        .bytes = part->bytes,
        .dir = XEN_COPY_FROM_GUEST,
    };
}

static inline void
respond(struct tx_batch *batch, unsigned int slot, uint16_t id, int status)
{
    batch->responses[slot].id = id;
    batch->responses[slot].status = status;
}

/* Reads the rest of the chain that begins at 'batch->n_slots', at most up to
 * slot 'waiting' of this burst, feeding 'judge'.  Prepares its responses as
 * if all were well and stores its data slots in 'parts'.  Returns the number
 * of slots in the chain. */
static unsigned int
read_chain(struct vif_conn *conn, struct tx_batch *batch, uint32_t waiting,
           struct vif_judge *judge, struct tx_part parts[VIF_TX_SLOTS_FATAL])
{
    unsigned int n = 1;

    while (judge->wants != VIF_WANTS_NOTHING) {
        unsigned int slot = batch->n_slots + n;
        union vif_tx_slot copy;

        if (slot >= waiting) {
            vif_judge_starved(judge);
            break;
        }
        vif_ring_copy_tx(&conn->tx, conn->tx.cons + slot, &copy);

        bool data = judge->wants == VIF_WANTS_DATA;
        vif_judge_next(judge, &copy);
        if (judge->verdict == VIF_MALICE) {
            break;
        }
        if (data) {
            parts[judge->n_data - 1] = (struct tx_part) {
                copy.req.gref, copy.req.offset, copy.req.size,
            };
            respond(batch, slot, copy.req.id, NETIF_RSP_OKAY);
        } else {
            respond(batch, slot, 0, NETIF_RSP_NULL);
        }
        n++;
    }
    return n;
}

/* Turns 'n' data slots into segments; those without bytes need none, whatever
 * their grant reference says (XSA-448). */
static void
add_chain_segs(struct tx_batch *batch, const struct vif_conn *conn,
               const struct vif_frame *frame, const struct tx_part *parts,
               unsigned int n)
{
    uint32_t offset = 0;

    for (unsigned int i = 0; i < n; i++) {
        if (parts[i].bytes) {
            add_seg(batch, conn, frame, offset, &parts[i]);
            offset += parts[i].bytes;
        }
    }
}

/* Answers 'n' slots from 'slot' on as failed. */
static void
fail_slots(struct tx_batch *batch, unsigned int slot, unsigned int n)
{
    for (unsigned int i = slot; i < slot + n; i++) {
        if (batch->responses[i].status != NETIF_RSP_NULL) {
            batch->responses[i].status = NETIF_RSP_ERROR;
        }
    }
}

/* Reads and judges frames into 'batch' until something ends the burst. */
static void
collect(struct vif_conn *conn, struct vif_frame *frames, unsigned int n,
        uint32_t waiting, struct vif_gate *gate, struct vif_stats *stats,
        struct tx_batch *batch)
{
    batch->n_frames = batch->n_slots = batch->n_segs = 0;

    while (batch->n_frames < n && batch->n_slots < waiting) {
        struct vif_frame *frame = &frames[batch->n_frames];
        struct tx_part parts[VIF_TX_SLOTS_FATAL];
        union vif_tx_slot first;
        struct vif_judge judge;
        unsigned int n_slots = 1;

        vif_ring_copy_tx(&conn->tx, conn->tx.cons + batch->n_slots, &first);
        respond(batch, batch->n_slots, first.req.id, NETIF_RSP_OKAY);
        vif_judge_first(&judge, &first, frame->room_bytes);
        if (judge.wants != VIF_WANTS_NOTHING) {
            n_slots = read_chain(conn, batch, waiting, &judge, parts);
        }

        if (__builtin_expect(judge.verdict != VIF_PASS, 0)) {
            if (judge.verdict == VIF_MALICE) {
                vif_conn_blame(conn, judge.malice);
                return;
            }
            if (judge.verdict == VIF_DROP) {
                vif_count(&stats->drops[judge.drop], 1);
                fail_slots(batch, batch->n_slots, n_slots);
            }
            batch->n_slots += n_slots;
            continue;
        }

        if (gate->bucket
            && !qos_bucket_take(gate->bucket, gate->profile,
                                judge.total_bytes)) {
            gate->blocked_bytes = judge.total_bytes;
            conn->tx_gated = true;
            return;
        }

        unsigned int seg = batch->n_segs;
        parts[0] = (struct tx_part) {
            first.req.gref, first.req.offset, vif_judge_first_bytes(&judge),
        };
        if (__builtin_expect(judge.n_data == 1, 1)) {
            add_seg(batch, conn, frame, 0, &parts[0]);
        } else {
            add_chain_segs(batch, conn, frame, parts, judge.n_data);
        }

        frame->bytes = judge.total_bytes;
        frame->flags = judge.flags & (VIF_FRAME_CSUM_BLANK
                                      | VIF_FRAME_DATA_VALIDATED);
        batch->frames[batch->n_frames++] = (struct tx_frame) {
            batch->n_slots, n_slots, seg, batch->n_segs - seg,
        };
        batch->n_slots += n_slots;
    }
}

_Static_assert(VIF_FRAME_CSUM_BLANK == NETTXF_csum_blank
               && VIF_FRAME_DATA_VALIDATED == NETTXF_data_validated,
               "Tx flags are the ring's own");

static uint8_t *
frame_data(const struct vif_frame *frame)
{
    return (uint8_t *) ((uintptr_t) frame->region->base + frame->offset);
}

static bool
frame_copied(const struct tx_batch *batch, const struct tx_frame *frame)
{
    for (unsigned int i = 0; i < frame->n_segs; i++) {
        if (batch->segs[frame->seg + i].status != GNTST_okay) {
            return false;
        }
    }
    return true;
}

/* Some segment failed: drops its frame and moves those behind it up, data
 * and all, because frames are the caller's buffers by position. */
static unsigned int
settle_failures(struct vif_frame *frames, struct vif_gate *gate,
                struct vif_stats *stats, struct tx_batch *batch)
{
    unsigned int n_kept = 0;

    for (unsigned int i = 0; i < batch->n_frames; i++) {
        const struct tx_frame *tx = &batch->frames[i];
        const struct vif_frame *from = &frames[i];
        struct vif_frame *to = &frames[n_kept];

        if (!frame_copied(batch, tx) || from->bytes > to->room_bytes) {
            vif_count(&stats->drops[VIF_DROP_TX_GRANT], 1);
            fail_slots(batch, tx->slot, tx->n_slots);
            if (gate->bucket) {
                qos_bucket_give(gate->bucket, gate->profile, from->bytes);
            }
            continue;
        }
        if (to != from) {
            memcpy(frame_data(to), frame_data(from), from->bytes);
            to->bytes = from->bytes;
            to->flags = from->flags;
        }
        n_kept++;
    }
    return n_kept;
}

/* Writes the responses into their slots and publishes them. */
static void
answer(struct vif_conn *conn, const struct tx_batch *batch,
       struct vif_stats *stats)
{
    for (unsigned int i = 0; i < batch->n_slots; i++) {
        struct netif_tx_response *rsp
            = vif_ring_slot(&conn->tx, conn->tx.cons + i,
                            sizeof(union netif_tx_sring_entry));
        *rsp = batch->responses[i];
    }
    if (vif_ring_publish(&conn->tx, batch->n_slots)) {
        conn->ops->evtchn_notify(conn->tx_evtchn);
        vif_count(&stats->tx_notifies, 1);
    }
}

int
vif_conn_tx_burst(struct vif_conn *conn, struct vif_frame *frames,
                  unsigned int n, struct vif_gate *gate,
                  struct vif_stats *stats)
{
    gate->blocked_bytes = 0;
    conn->tx_gated = false;
    if (conn->malice) {
        return -EPROTO;
    }

    uint32_t waiting = vif_ring_waiting(&conn->tx);
    if (!waiting) {
        return 0;
    }
    if (waiting > VIF_RING_SLOTS) {
        vif_conn_blame(conn, "Tx request index ran away");
        return -EPROTO;
    }

    struct tx_batch batch;
    collect(conn, frames, n < VIF_BURST_FRAMES ? n : VIF_BURST_FRAMES,
            waiting, gate, stats, &batch);
    if (!batch.n_slots) {
        return conn->malice ? -EPROTO : 0;
    }

    unsigned int n_frames = batch.n_frames;
    if (batch.n_segs) {
        conn->ops->grant_copy(conn->platform, batch.segs, batch.n_segs);

        int failed = 0;
        for (unsigned int i = 0; i < batch.n_segs; i++) {
            failed |= batch.segs[i].status;
        }
        if (__builtin_expect(failed, 0)) {
            n_frames = settle_failures(frames, gate, stats, &batch);
        }
    }
    answer(conn, &batch, stats);

    uint64_t bytes = 0;
    for (unsigned int i = 0; i < n_frames; i++) {
        bytes += frames[i].bytes;
    }
    vif_count(&stats->tx_frames, n_frames);
    vif_count(&stats->tx_bytes, bytes);
    return n_frames;
}
