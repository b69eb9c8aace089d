/* What the guest receives: each frame fills as many posted buffers as it
 * needs, one page each; what is said about it takes slots behind its first. */

#include <errno.h>
#include <string.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_conn_private.h"

#define RX_FRAME_MAX_BYTES 0xffffu
#define RX_EXTRAS_MAX 3u                /* GSO, hash, XDP. */

/* A frame that found its buffers. */
struct rx_frame {
    uint16_t slot, n_slots;             /* In the journal. */
    uint16_t seg, n_segs;               /* In 'copies'. */
    uint16_t frame;                     /* In the caller's array. */
};

struct rx_batch {
    unsigned int n_frames, n_slots;
    struct rx_frame frames[VIF_BURST_FRAMES];
    struct vif_copies copies;
};

struct rx_extras {
    unsigned int n;
    struct netif_extra_info infos[RX_EXTRAS_MAX];
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

static struct netif_extra_info *
add_extra(struct rx_extras *extras, uint8_t type)
{
    struct netif_extra_info *extra = &extras->infos[extras->n];

    if (extras->n++) {
        extra[-1].flags = XEN_NETIF_EXTRA_FLAG_MORE;
    }
    memset(extra, 0, sizeof *extra);
    extra->type = type;
    return extra;
}

/* What there is to say about 'frame'. */
static void
describe(const struct vif_frame *frame, uint16_t xdp_headroom_bytes,
         struct rx_extras *extras)
{
    extras->n = 0;
    if (frame->gso_type) {
        struct netif_extra_info *e = add_extra(extras,
                                               XEN_NETIF_EXTRA_TYPE_GSO);
        e->u.gso.type = frame->gso_type;
        e->u.gso.size = frame->gso_bytes;
    }
    if (frame->flags & VIF_FRAME_HASHED) {
        struct netif_extra_info *e = add_extra(extras,
                                               XEN_NETIF_EXTRA_TYPE_HASH);
        e->u.hash.type = frame->hash_type;
        e->u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        memcpy(e->u.hash.value, &frame->hash, sizeof frame->hash);
    }
    if (xdp_headroom_bytes) {
        /* Netif.h does not have it: a 16-bit headroom, then padding, as in
         * Linux's include/xen/interface/io/netif.h. */
        struct netif_extra_info *e = add_extra(extras, VIF_EXTRA_TYPE_XDP);
        memcpy(&e->u, &xdp_headroom_bytes, sizeof xdp_headroom_bytes);
    }
}

/* Takes the next posted buffer; its request is slot 'slot' of the burst. */
static uint32_t
take_buffer(struct vif_conn *conn, unsigned int slot)
{
    struct netif_rx_request req;

    vif_ring_copy_rx(&conn->rx, conn->rx.cons + slot, &req);
    conn->journal->rx_ids[slot] = req.id;
    return req.gref;
}

/* How many buffers 'frame' fills, if its first part begins 'headroom_bytes'
 * into its page. */
static inline uint32_t
count_data(const struct vif_frame *frame, uint16_t headroom_bytes)
{
    return (frame->bytes + headroom_bytes + XEN_PAGE_BYTES - 1)
           / XEN_PAGE_BYTES;
}

/* Consumes the requests that 'frame' needs: its first part, the extras, the
 * rest.  Linux's netback says 0 for the offset and counts the headroom as
 * data; its netfront takes the offset from the extra, and the length for what
 * it is: so both are told the truth here. */
static void
fill_slots(struct vif_conn *conn, struct rx_batch *batch,
           const struct vif_frame *frame, const struct rx_extras *extras,
           uint16_t headroom_bytes)
{
    union vif_response *responses = conn->journal->rx.responses;
    uint16_t flags = ring_flags(frame)
                     | (extras->n ? NETRXF_extra_info : 0);
    uint16_t in_page = headroom_bytes;
    uint32_t offset = 0;

    do {
        unsigned int slot = batch->n_slots++;
        uint32_t left = frame->bytes - offset;
        uint32_t room = XEN_PAGE_BYTES - in_page;
        uint32_t bytes = left < room ? left : room;
        uint32_t gref = take_buffer(conn, slot);

        vif_copies_add(&batch->copies, conn, frame->region,
                       frame->offset + offset, gref, in_page, bytes,
                       XEN_COPY_TO_GUEST);
        responses[slot].rx = (struct netif_rx_response) {
            .id = conn->journal->rx_ids[slot],
            .offset = in_page,
            .flags = flags | (bytes < left ? NETRXF_more_data : 0),
            .status = bytes,
        };
        for (unsigned int i = 0; !offset && i < extras->n; i++) {
            slot = batch->n_slots++;
            take_buffer(conn, slot);
            responses[slot].extra = extras->infos[i];
        }
        flags = in_page = 0;
        offset += bytes;
    } while (offset < frame->bytes);
}

/* Gives frames their buffers until either runs out.  Returns how many frames
 * were used up. */
static unsigned int
collect(struct vif_conn *conn, const struct vif_frame *frames,
        unsigned int n, uint32_t waiting, struct vif_stats *stats,
        struct rx_batch *batch)
{
    uint16_t headroom_bytes = __atomic_load_n(&conn->xdp_headroom_bytes,
                                              __ATOMIC_RELAXED);
    unsigned int i;

    batch->n_frames = batch->n_slots = 0;
    batch->copies.n_segs = batch->copies.n_mapped = 0;
    for (i = 0; i < n; i++) {
        const struct vif_frame *frame = &frames[i];
        uint32_t n_data = count_data(frame, headroom_bytes);
        struct rx_extras extras;

        if (__builtin_expect(!frame->bytes || frame->bytes > RX_FRAME_MAX_BYTES
                             || (n_data > 1 && !conn->sg), 0)) {
            vif_count(&stats->drops[VIF_DROP_RX_OVERSIZE], 1);
            continue;
        }
        describe(frame, headroom_bytes, &extras);
        if (n_data + extras.n > waiting - batch->n_slots) {
            break;
        }

        struct rx_frame *rx = &batch->frames[batch->n_frames++];
        rx->slot = batch->n_slots;
        rx->seg = batch->copies.n_segs;
        rx->frame = i;
        fill_slots(conn, batch, frame, &extras, headroom_bytes);
        rx->n_slots = batch->n_slots - rx->slot;
        rx->n_segs = batch->copies.n_segs - rx->seg;
    }
    return i;
}

/* True if 'rx' arrived whole; otherwise answers its slots as failed. */
static bool
settle(struct vif_conn *conn, const struct rx_batch *batch,
       const struct rx_frame *rx)
{
    int failed = 0;

    for (unsigned int i = 0; i < rx->n_segs; i++) {
        failed |= batch->copies.segs[rx->seg + i].status;
    }
    if (__builtin_expect(!failed, 1)) {
        return true;
    }
    for (unsigned int i = rx->slot; i < rx->slot + rx->n_slots; i++) {
        conn->journal->rx.responses[i]
            = vif_journal_rx_answer(conn->journal, i);
    }
    return false;
}

static void
answer(struct vif_conn *conn, unsigned int n_slots, struct vif_stats *stats)
{
    for (unsigned int i = 0; i < n_slots; i++) {
        uint64_t *slot = vif_ring_slot(&conn->rx, conn->rx.cons + i,
                                       sizeof(union netif_rx_sring_entry));
        *slot = conn->journal->rx.responses[i].bits;
    }

    bool notify = vif_ring_publish(&conn->rx, n_slots);
    vif_journal_note(&conn->journal->rx, conn->rx.cons, 0);
    if (notify) {
        conn->ops->evtchn_notify(conn->rx_evtchn);
        vif_count(&stats->rx_notifies, 1);
    }
}

/* The guest has 'frame'. */
static void
count_frame(const struct vif_frame *frame, struct vif_stats *stats)
{
    if (frame->flags & VIF_FRAME_CSUM_BLANK) {
        vif_count(&stats->rx_csum_blank, 1);
    }
    if (frame->gso_type) {
        vif_count(&stats->rx_gso_frames, 1);
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
        vif_conn_blame(conn, VIF_MALICE_RX_INDEX);
        return -EPROTO;
    }

    struct rx_batch batch;
    unsigned int n_used
        = collect(conn, frames, n < VIF_BURST_FRAMES ? n : VIF_BURST_FRAMES,
                  waiting, stats, &batch);
    if (!batch.n_slots) {
        return n_used;
    }

    vif_journal_note(&conn->journal->rx, conn->rx.cons, batch.n_slots);
    vif_copies_run(&batch.copies, conn);
    vif_count(&stats->rx_grant_copies, batch.copies.n_segs);
    if (batch.copies.n_mapped) {
        vif_count(&stats->rx_mapped_copies, batch.copies.n_mapped);
    }

    uint64_t n_frames = 0, bytes = 0;
    for (unsigned int i = 0; i < batch.n_frames; i++) {
        const struct rx_frame *rx = &batch.frames[i];

        if (settle(conn, &batch, rx)) {
            n_frames++;
            bytes += frames[rx->frame].bytes;
            count_frame(&frames[rx->frame], stats);
        } else {
            vif_count(&stats->drops[VIF_DROP_RX_GRANT], 1);
        }
    }
    answer(conn, batch.n_slots, stats);

    vif_count(&stats->rx_frames, n_frames);
    vif_count(&stats->rx_bytes, bytes);
    return n_used;
}
