/* What the guest sends: judge a private copy of the requests, journal the
 * answers, copy the frames out of the guest's pages in one call, answer. */

#include <errno.h>

#include "datapath/gso.h"
#include "datapath/vif_conn.h"
#include "datapath/vif_conn_private.h"

_Static_assert(VIF_TX_SLOTS_PER_CALL == VIF_RING_SLOTS,
               "a call takes one ring's worth at most");

/* Ethernet, IP and TCP with timestamps: what most segments have. */
#define GSO_HEADER_BYTES 66u
#define GSO_HEADER_BYTES_V6 86u

/* A frame that passed. */
struct tx_frame {
    uint16_t slot, n_slots;             /* In the journal. */
    uint16_t seg, n_segs, mapped;       /* In 'copies'. */
    uint64_t cost_bytes;                /* At the gate. */
    struct vif_buffers *from;           /* Where its buffer is from, */
    struct vif_buffer buffer;           /* and which. */
};

/* One burst, on the stack: shared by all vifs of the thread, so it stays in
 * its cache.  Only what is used is ever touched. */
struct tx_batch {
    unsigned int n_frames, n_slots;
    uint64_t cost_bytes;
    struct qos_budget budget;           /* From the first frame on. */
    struct tx_frame frames[VIF_BURST_FRAMES];
    struct vif_copies copies;
};

/* A data slot of a chain. */
struct tx_part {
    uint32_t gref;
    uint16_t offset;
    uint16_t bytes;
};

uint64_t
vif_gate_cost(uint32_t bytes, uint8_t gso_type, uint16_t gso_bytes)
{
    uint32_t header_bytes = gso_type == XEN_NETIF_GSO_TYPE_TCPV6
                            ? GSO_HEADER_BYTES_V6 : GSO_HEADER_BYTES;

    if (!gso_type || bytes <= header_bytes) {
        return bytes;
    }
    return bytes + (uint64_t) header_bytes
                   * (gso_segments(bytes - header_bytes, gso_bytes) - 1);
}

static inline void
respond(struct vif_conn *conn, unsigned int slot, uint16_t id, int status)
{
    conn->journal->tx.responses[slot].tx = (struct netif_tx_response) {
        id, status,
    };
}

/* Reads the rest of the chain that begins at 'batch->n_slots', at most up to
 * slot 'waiting' of this burst, feeding 'judge'.  Prepares its responses as
 * if all were well and stores its data slots in 'parts'.  Returns the number
 * of slots in the chain. */
static unsigned int
read_chain(struct vif_conn *conn, const struct tx_batch *batch,
           uint32_t waiting, struct vif_judge *judge,
           struct tx_part parts[VIF_TX_SLOTS_FATAL])
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
            respond(conn, slot, copy.req.id, NETIF_RSP_OKAY);
        } else {
            respond(conn, slot, 0, NETIF_RSP_NULL);
        }
        n++;
    }
    return n;
}

/* Answers 'n' slots from 'slot' on as failed. */
static void
fail_slots(struct vif_conn *conn, unsigned int slot, unsigned int n)
{
    for (unsigned int i = slot; i < slot + n; i++) {
        struct netif_tx_response *rsp = &conn->journal->tx.responses[i].tx;

        if (rsp->status != NETIF_RSP_NULL) {
            rsp->status = NETIF_RSP_ERROR;
        }
    }
}

/* A dummy request that amends the multicast list. */
static void
amend_multicast(struct vif_conn *conn, const struct vif_judge *judge,
                unsigned int slot, struct vif_stats *stats)
{
    bool done = true;

    if (vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_ADD)) {
        done &= vif_mcast_amend(conn->mcast, true, judge->mcast_add);
    }
    if (vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_DEL)) {
        done &= vif_mcast_amend(conn->mcast, false, judge->mcast_del);
    }
    if (!done) {
        vif_count(&stats->tx_multicast_refused, 1);
        fail_slots(conn, slot, 1);
    }
}

static inline uint32_t
buffers_frame_bytes(const struct vif_buffers *buffers)
{
    return buffers->room_bytes - buffers->headroom_bytes;
}

/* Which buffers a frame of 'bytes' takes; null: there is none left. */
static inline struct vif_buffers *
choose_buffers(struct vif_supply *supply, uint32_t bytes)
{
    struct vif_buffers *buffers = bytes <= buffers_frame_bytes(&supply->small)
                                  ? &supply->small : &supply->big;

    if (__builtin_expect(!buffers->n, 0)) {
        supply->starved = true;
        return NULL;
    }
    return buffers;
}

/* Takes the frame that 'judge' let pass into 'batch'. */
static void
accept(struct vif_conn *conn, const struct vif_judge *judge,
       const struct tx_part *parts, struct vif_buffers *from,
       struct vif_frame *frame, struct tx_frame *tx,
       struct vif_copies *copies)
{
    uint32_t spare_bytes = from->room_bytes - judge->total_bytes;
    uint64_t offset;

    tx->from = from;
    tx->buffer = from->stack[--from->n];
    *frame = (struct vif_frame) {
        .region = from->region,
        .offset = tx->buffer.offset
                  + (spare_bytes < from->headroom_bytes
                     ? spare_bytes : from->headroom_bytes),
        .owner = tx->buffer.owner,
        .bytes = judge->total_bytes,
        .flags = judge->flags & (VIF_FRAME_CSUM_BLANK
                                 | VIF_FRAME_DATA_VALIDATED),
        .gso_bytes = judge->gso_bytes,
        .gso_type = judge->gso_type,
    };

    tx->seg = copies->n_segs;
    tx->mapped = copies->n_mapped;
    offset = frame->offset;
    for (unsigned int i = 0; i < judge->n_data; i++) {
        /* A slot without bytes needs no copy, whatever its grant reference
         * says (XSA-448). */
        if (parts[i].bytes) {
            vif_copies_add(copies, conn, frame->region, offset,
                           parts[i].gref, parts[i].offset, parts[i].bytes,
                           XEN_COPY_FROM_GUEST);
            offset += parts[i].bytes;
        }
    }
    tx->n_segs = copies->n_segs - tx->seg;
}

_Static_assert(VIF_FRAME_CSUM_BLANK == NETTXF_csum_blank
               && VIF_FRAME_DATA_VALIDATED == NETTXF_data_validated,
               "Tx flags are the ring's own");

/* May one more frame pass, of 'cost_bytes'? */
static inline bool
gate_lets(const struct vif_gate *gate, struct tx_batch *batch,
          uint64_t cost_bytes)
{
    const struct qos_budget *budget = &batch->budget;

    if (!gate->leaf) {
        return true;
    }
    if (!batch->n_frames) {
        qos_leaf_ask(gate->leaf, cost_bytes, gate->now_ns, &batch->budget);
    }
    return batch->cost_bytes + cost_bytes <= budget->bytes
           && batch->n_frames < budget->packets;
}

static inline void
block(struct vif_conn *conn, struct vif_gate *gate, uint64_t cost_bytes)
{
    gate->blocked_bytes = cost_bytes;
    conn->tx_gated = true;
}

/* Charges the batch.  If other queues of the limit were quicker, frames go
 * back to where they came from, the last first, until the rest may pass. */
static void
charge(struct vif_conn *conn, struct vif_gate *gate, struct tx_batch *batch)
{
    while (batch->n_frames
           && !qos_leaf_charge(gate->leaf, &batch->budget, batch->cost_bytes,
                               batch->n_frames, gate->now_ns)) {
        qos_leaf_ask(gate->leaf, batch->frames[0].cost_bytes, gate->now_ns,
                     &batch->budget);
        do {
            const struct tx_frame *tx = &batch->frames[--batch->n_frames];

            tx->from->stack[tx->from->n++] = tx->buffer;
            batch->copies.n_segs = tx->seg;
            batch->copies.n_mapped = tx->mapped;
            batch->n_slots = tx->slot;
            batch->cost_bytes -= tx->cost_bytes;
            block(conn, gate, tx->cost_bytes);
        } while (batch->n_frames
                 && (batch->cost_bytes > batch->budget.bytes
                     || batch->n_frames > batch->budget.packets));
    }
}

/* Reads and judges frames into 'batch' until something ends the burst. */
static void
collect(struct vif_conn *conn, struct vif_supply *supply,
        struct vif_frame *frames, unsigned int n, uint32_t waiting,
        struct vif_gate *gate, struct vif_stats *stats,
        struct tx_batch *batch)
{
    uint32_t gso_room_bytes = supply->big.room_bytes;

    batch->n_frames = batch->n_slots = 0;
    batch->cost_bytes = 0;
    batch->copies.n_segs = batch->copies.n_mapped = 0;

    while (batch->n_frames < n && batch->n_slots < waiting) {
        struct tx_part parts[VIF_TX_SLOTS_FATAL];
        union vif_tx_slot first;
        struct vif_judge judge;
        unsigned int n_slots = 1;

        vif_ring_copy_tx(&conn->tx, conn->tx.cons + batch->n_slots, &first);
        respond(conn, batch->n_slots, first.req.id, NETIF_RSP_OKAY);
        vif_judge_first(&judge, &first, supply->frame_bytes, gso_room_bytes);
        if (judge.wants != VIF_WANTS_NOTHING) {
            n_slots = read_chain(conn, batch, waiting, &judge, parts);
        }

        if (__builtin_expect(judge.verdict != VIF_PASS, 0)) {
            if (judge.verdict == VIF_MALICE) {
                vif_conn_blame(conn, judge.malice);
                return;
            }
            if (gate->leaf && batch->n_frames) {
                return;                 /* What is behind a frame that may go
                                         * back has no effect yet. */
            }
            if (judge.verdict == VIF_CONTROL) {
                amend_multicast(conn, &judge, batch->n_slots, stats);
            } else {
                vif_count(&stats->drops[judge.drop], 1);
                fail_slots(conn, batch->n_slots, n_slots);
            }
            batch->n_slots += n_slots;
            continue;
        }

        struct vif_buffers *from = choose_buffers(supply, judge.total_bytes);
        if (!from) {
            conn->tx_starved = true;
            return;
        }

        uint64_t cost_bytes = vif_gate_cost(judge.total_bytes,
                                            judge.gso_type, judge.gso_bytes);
        if (!gate_lets(gate, batch, cost_bytes)) {
            block(conn, gate, cost_bytes);
            return;
        }

        struct tx_frame *tx = &batch->frames[batch->n_frames];
        parts[0] = (struct tx_part) {
            first.req.gref, first.req.offset, vif_judge_first_bytes(&judge),
        };
        accept(conn, &judge, parts, from, &frames[batch->n_frames], tx,
               &batch->copies);
        tx->cost_bytes = cost_bytes;
        tx->slot = batch->n_slots;
        tx->n_slots = n_slots;
        batch->cost_bytes += cost_bytes;
        batch->n_frames++;
        batch->n_slots += n_slots;
    }
}

static bool
frame_copied(const struct tx_batch *batch, const struct tx_frame *tx)
{
    for (unsigned int i = 0; i < tx->n_segs; i++) {
        if (batch->copies.segs[tx->seg + i].status != GNTST_okay) {
            return false;
        }
    }
    return true;
}

/* Some segment failed: drops its frame, and closes the gap. */
static unsigned int
settle_failures(struct vif_conn *conn, struct vif_frame *frames,
                struct vif_gate *gate, struct vif_stats *stats,
                const struct tx_batch *batch)
{
    unsigned int n_kept = 0;

    for (unsigned int i = 0; i < batch->n_frames; i++) {
        const struct tx_frame *tx = &batch->frames[i];

        if (frame_copied(batch, tx)) {
            frames[n_kept++] = frames[i];
            continue;
        }
        vif_count(&stats->drops[VIF_DROP_TX_GRANT], 1);
        fail_slots(conn, tx->slot, tx->n_slots);
        tx->from->stack[tx->from->n++] = tx->buffer;
        if (gate->leaf) {
            qos_leaf_correct(gate->leaf, -(int64_t) tx->cost_bytes, -1,
                             gate->now_ns);
        }
    }
    return n_kept;
}

/* Writes the responses into their slots and publishes them. */
static void
answer(struct vif_conn *conn, unsigned int n_slots, struct vif_stats *stats)
{
    for (unsigned int i = 0; i < n_slots; i++) {
        struct netif_tx_response *rsp
            = vif_ring_slot(&conn->tx, conn->tx.cons + i,
                            sizeof(union netif_tx_sring_entry));
        *rsp = conn->journal->tx.responses[i].tx;
    }

    bool notify = vif_ring_publish(&conn->tx, n_slots);
    vif_journal_note(&conn->journal->tx, conn->tx.cons, 0);
    if (notify) {
        conn->ops->evtchn_notify(conn->tx_evtchn);
        vif_count(&stats->tx_notifies, 1);
    }
}

static void
count_frames(const struct vif_frame *frames, unsigned int n,
             struct vif_stats *stats)
{
    uint64_t bytes = 0, n_blank = 0, n_gso = 0, n_not_blank = 0;

    for (unsigned int i = 0; i < n; i++) {
        bool blank = frames[i].flags & VIF_FRAME_CSUM_BLANK;
        bool gso = frames[i].gso_type;

        bytes += frames[i].bytes;
        n_blank += blank;
        n_gso += gso;
        n_not_blank += gso && !blank;
    }
    vif_count(&stats->tx_frames, n);
    vif_count(&stats->tx_bytes, bytes);
    if (n_blank | n_gso) {
        vif_count(&stats->tx_csum_blank, n_blank);
        vif_count(&stats->tx_gso_frames, n_gso);
        vif_count(&stats->tx_gso_not_blank, n_not_blank);
    }
}

int
vif_conn_tx_burst(struct vif_conn *conn, struct vif_supply *supply,
                  struct vif_frame *frames, unsigned int n,
                  struct vif_gate *gate, struct vif_stats *stats)
{
    gate->blocked_bytes = 0;
    supply->starved = false;
    conn->tx_gated = conn->tx_starved = false;
    if (conn->malice) {
        return -EPROTO;
    }

    uint32_t waiting = vif_ring_waiting(&conn->tx);
    if (!waiting) {
        return 0;
    }
    if (waiting > VIF_RING_SLOTS) {
        vif_conn_blame(conn, VIF_MALICE_TX_INDEX);
        return -EPROTO;
    }

    struct tx_batch batch;
    collect(conn, supply, frames, n < VIF_BURST_FRAMES ? n : VIF_BURST_FRAMES,
            waiting, gate, stats, &batch);
    if (gate->leaf) {
        charge(conn, gate, &batch);
    }
    if (!batch.n_slots) {
        return conn->malice ? -EPROTO : 0;
    }

    /* From here on a successor would answer so, and copy nothing again. */
    vif_journal_note(&conn->journal->tx, conn->tx.cons, batch.n_slots);

    unsigned int n_frames = batch.n_frames;
    if (n_frames) {
        if (__builtin_expect(vif_copies_run(&batch.copies, conn), 0)) {
            n_frames = settle_failures(conn, frames, gate, stats, &batch);
        }
        vif_count(&stats->tx_grant_copies, batch.copies.n_segs);
        if (batch.copies.n_mapped) {
            vif_count(&stats->tx_mapped_copies, batch.copies.n_mapped);
        }
    }
    answer(conn, batch.n_slots, stats);
    count_frames(frames, n_frames, stats);
    return n_frames;
}
