/* Frames towards the guest, out of its queue: the thread that polls it moves
 * them into the guest's Rx ring, as fast as the receive limit and the guest's
 * buffers allow, and completes or cuts what this guest does not take as it
 * is. */

#include <config.h>

#include "datapath/xenvif_delivery.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/pool.h"
#include "ovs-thread.h"

#define RX_BURSTS_PER_POLL 4

/* Off only to be compared with. */
static atomic_bool codel_on = ATOMIC_VAR_INIT(true);

void
xenvif_rx_set_codel(bool on)
{
    atomic_store_relaxed(&codel_on, on);
}

/* Where frames are cut, a burst of them; what a thread never needs is never
 * touched. */
#define CUT_BYTES ROUND_UP(XENVIF_FRAME_BYTES(XENVIF_MTU_MAX) + 64, 64)
struct cutting_board {
    uint8_t frames[VIF_BURST_FRAMES][CUT_BYTES];
};

DEFINE_PER_THREAD_MALLOCED_DATA(struct cutting_board *, cutting_board);

static struct cutting_board *
get_board(void)
{
    struct cutting_board *board = cutting_board_get();

    if (OVS_UNLIKELY(!board)) {
        board = xmalloc(sizeof *board); /* Once a thread. */
        cutting_board_set_unsafe(board);
    }
    return board;
}

/* Tops up 'staged', the frames at the queue's head. */
static void
stage(struct xenvif_queue *q)
{
    if (!q->n_staged) {
        q->staged_head = 0;
        q->n_staged = rte_ring_sc_dequeue_burst(
            q->rx_queue, (void **) q->staged, VIF_BURST_FRAMES, NULL);
    }
}

/* 'n' frames of 'bytes' that 'sender' sent wait no longer. */
static void
release(struct xenvif_queue *q, unsigned int sender, unsigned int n,
        uint32_t bytes)
{
    uint32_t orig;

    atomic_sub_relaxed(&q->rx_of[sender].packets, n, &orig);
    atomic_sub_relaxed(&q->rx_of[sender].bytes, bytes, &orig);
}

/* Takes the first 'n' staged frames off; they are gone or dropped. */
static void
unstage(struct xenvif_queue *q, unsigned int n)
{
    struct dp_packet **done = &q->staged[q->staged_head];
    uint32_t bytes = 0, run_bytes = 0, orig;
    unsigned int n_run = 0;

    for (unsigned int i = 0; i < n; i++) {
        unsigned int sender = XENVIF_RX_SENDER(done[i]);
        bool last = i + 1 == n || XENVIF_RX_SENDER(done[i + 1]) != sender;

        run_bytes += dp_packet_size(done[i]);
        n_run++;
        dp_packet_delete(done[i]);
        if (last) {
            release(q, sender, n_run, run_bytes);
            bytes += run_bytes;
            run_bytes = n_run = 0;
        }
    }
    q->staged_head += n;
    q->n_staged -= n;
    q->rx_moved += n * XENVIF_RX_WEIGHT(0) + bytes;
    q->rx_gso.frame = NULL;
    atomic_sub_relaxed(&q->rx_queue_bytes, bytes, &orig);
    atomic_sub_relaxed(&q->vif->rx_queued_packets, n, &orig);
}

/* A burst of frames for the guest. */
struct rx_burst {
    struct xenvif_queue *q;
    const struct xenvif_link *link;
    struct qos_leaf *leaf;              /* Null: no limit. */
    uint64_t now_ns;
    uint64_t blocked_bytes;             /* Cost of the frame that waits for
                                         * the limit; 0: none does. */
    unsigned int n;
    uint64_t cost_bytes;                /* Of these: */
    struct vif_frame frames[VIF_BURST_FRAMES];
    uint64_t costs_bytes[VIF_BURST_FRAMES];
    struct qos_budget budget;           /* From the first frame on. */
};

static void
begin(struct rx_burst *b)
{
    b->n = 0;
    b->cost_bytes = b->blocked_bytes = 0;
}

/* May the next frame of the burst pass? */
static bool
limit_lets(struct rx_burst *b, uint64_t bytes)
{
    if (b->leaf) {
        if (!b->n) {
            qos_leaf_ask(b->leaf, bytes, b->now_ns, &b->budget);
        }
        if (b->cost_bytes + bytes > b->budget.bytes
            || b->n >= b->budget.packets) {
            b->blocked_bytes = bytes;
            return false;
        }
    }
    b->costs_bytes[b->n] = bytes;
    b->cost_bytes += bytes;
    return true;
}

/* Charges the burst.  If other queues of the limit were quicker, the last
 * frames wait. */
static void
charge(struct rx_burst *b)
{
    while (b->n && !qos_leaf_charge(b->leaf, &b->budget, b->cost_bytes, b->n,
                                    b->now_ns)) {
        qos_leaf_ask(b->leaf, b->costs_bytes[0], b->now_ns, &b->budget);
        do {
            b->blocked_bytes = b->costs_bytes[--b->n];
            b->cost_bytes -= b->blocked_bytes;
        } while (b->n && (b->cost_bytes > b->budget.bytes
                          || b->n > b->budget.packets));
    }
}

/* Offers the burst.  Returns how many frames the guest has, or -EPROTO. */
static int
offer(struct rx_burst *b)
{
    struct vif_conn *conn = b->link->queues[b->q->id];
    int64_t unused_bytes = 0;

    if (b->leaf) {
        charge(b);
    }

    int used = vif_conn_rx_burst(conn, b->frames, b->n, &b->q->stats);
    if (OVS_UNLIKELY(used < 0)) {
        xenvif_cut_off(b->q->vif, vif_conn_malice(conn));
    }
    if (used < (int) b->n) {
        b->q->rx_wants_buffers = true;
        if (b->leaf) {
            unsigned int n_used = MAX(used, 0);

            for (unsigned int i = n_used; i < b->n; i++) {
                unused_bytes += b->costs_bytes[i];
            }
            qos_leaf_correct(b->leaf, -unused_bytes,
                             -(int64_t) (b->n - n_used), b->now_ns);
        }
    }
    return used;
}

/* Gives the guest pieces of the first staged frame, as many as it has posted
 * buffers for. */
static bool
deliver_pieces(struct rx_burst *b, const struct xenvif_delivery *d)
{
    struct xenvif_queue *q = b->q;
    struct cutting_board *board = get_board();
    uint32_t piece_bytes = gso_frame_bytes(&d->headers, d->mss_bytes);
    unsigned int n_posted = vif_conn_rx_posted(b->link->queues[q->id]);
    unsigned int max = n_posted / DIV_ROUND_UP(piece_bytes, XEN_PAGE_BYTES);
    bool blank = xenvif_takes_blank(&b->link->frontend, &d->headers);

    if (!gso_more(&q->rx_gso)) {
        gso_begin(&q->rx_gso, dp_packet_data(q->staged[q->staged_head]),
                  &d->headers, d->mss_bytes);
        vif_count(&q->stats.rx_segmented, 1);
    }

    struct gso before = q->rx_gso;
    for (begin(b); b->n < MIN(max, VIF_BURST_FRAMES) && gso_more(&q->rx_gso);
         b->n++) {
        uint8_t *data = board->frames[b->n];
        struct gso here = q->rx_gso;
        struct headers headers;

        b->frames[b->n] = (struct vif_frame) {
            .region = &xen_region_self,
            .offset = (uintptr_t) data,
            .bytes = gso_next(&q->rx_gso, data, blank, &headers),
            .flags = blank ? VIF_FRAME_CSUM_BLANK : VIF_FRAME_DATA_VALIDATED,
        };
        if (!limit_lets(b, b->frames[b->n].bytes)) {
            q->rx_gso = here;
            break;
        }
    }
    if (!b->n) {
        if (!max) {
            offer(b);                   /* Takes note of what is posted, or
                                         * that would count as news. */
            q->rx_wants_buffers = true;
        }
        return false;
    }

    int n_cut = b->n, used = offer(b);
    if (used < n_cut) {
        /* The guest has fewer: they are cut anew. */
        gso_rewind(&q->rx_gso, &before, MAX(used, 0));
    }
    if (!gso_more(&q->rx_gso)) {
        unstage(q, 1);
    }
    return used > 0;
}

/* Has the queue stood for so long that 'packet', next in the burst, should be
 * dropped?  Not if who sent it has no more than that waiting: it stands for
 * others' sake.  What waits for buffers is the stall's business. */
static bool
is_standing(struct rx_burst *b, const struct dp_packet *packet)
{
    struct xenvif_queue *q = b->q;
    uint64_t came_ns = XENVIF_RX_CAME_NS(packet), target_ns;
    uint64_t waited_ns = b->now_ns > came_ns ? b->now_ns - came_ns : 0;
    uint32_t frame_bytes, bytes;
    bool on;

    if (OVS_LIKELY(waited_ns < QOS_CODEL_TARGET_NS && !q->codel.above_ns
                   && !q->codel.dropping)) {
        return false;
    }
    atomic_read_relaxed(&codel_on, &on);
    if (!on) {
        return false;
    }
    frame_bytes = MAX(dp_packet_size(packet),
                      XENVIF_FRAME_BYTES(q->vif->mtu));
    atomic_read_relaxed(&q->rx_of[XENVIF_RX_SENDER(packet)].bytes, &bytes);
    if (bytes <= frame_bytes) {
        return false;
    }
    atomic_read_relaxed(&q->rx_queue_bytes, &bytes);
    atomic_read_relaxed(&q->vif->rx_target_ns, &target_ns);
    return qos_codel_drop(&q->codel, waited_ns, target_ns, bytes, frame_bytes,
                          b->now_ns);
}

/* Gives the guest staged frames up to the first that must be cut; true if it
 * took any, or one was no frame for it. */
static bool
deliver_staged(struct rx_burst *b)
{
    struct xenvif_queue *q = b->q;
    enum vif_drop bad = VIF_N_DROPS;    /* Why the next frame goes. */

    for (begin(b); b->n < q->n_staged; b->n++) {
        struct dp_packet *packet = q->staged[q->staged_head + b->n];
        const struct vif_frontend *frontend = &b->link->frontend;
        struct xenvif_delivery d;

        if (OVS_UNLIKELY(!xenvif_plan_delivery(q->vif, frontend, packet, &d))) {
            bad = VIF_DROP_RX_OFFLOAD;
            break;
        }
        if (OVS_UNLIKELY(d.cut)) {
            if (b->n) {
                break;
            }
            if (!gso_more(&q->rx_gso) && is_standing(b, packet)) {
                bad = VIF_DROP_RX_STANDING;
                break;
            }
            return deliver_pieces(b, &d);
        }

        const struct vif_offload offload = { d.headers, d.blank,
                                             d.mss_bytes };
        if (!limit_lets(b, vif_offload_wire_bytes(
                               &offload, dp_packet_size(packet)))) {
            break;
        }
        if (OVS_UNLIKELY(is_standing(b, packet))) {
            b->cost_bytes -= b->costs_bytes[b->n];
            bad = VIF_DROP_RX_STANDING;
            break;
        }
        xenvif_describe(packet, frontend, &d, &b->frames[b->n]);
    }

    unsigned int n_staged = b->n;
    int used = b->n ? offer(b) : 0;
    unsigned int n_used = MAX(used, 0);
    if (bad != VIF_N_DROPS && n_used == n_staged) {
        vif_count(&q->stats.drops[bad], 1);
        n_used++;
    }
    unstage(q, n_used);
    return n_used > 0;
}

/* Frames for a guest that takes none are not kept: they are buffers of its
 * neighbours'. */
static void
check_stall(struct xenvif_queue *q, const struct xenvif_link *link,
            bool moved, uint64_t now_ns)
{
    struct vif_stall_limits limits = q->vif->stall_limits;
    bool was_gone = q->stall.gone;

    if (moved || (!q->rx_wants_buffers
                  && vif_conn_rx_posted(link->queues[q->id]))) {
        vif_stall_over(&q->stall);
    } else {
        if (!link->frontend.rx_notify) {
            limits.gone_ns = 0;
        }
        switch (vif_stall_waits(&q->stall, &limits, now_ns)) {
        case VIF_STALL_DRAIN:
            xenvif_rx_flush(q, VIF_DROP_RX_STALLED, 0);
            break;
        case VIF_STALL_TRIM:
            xenvif_rx_flush(q, VIF_DROP_RX_STALLED, VIF_STALL_KEEP_PACKETS);
            break;
        case VIF_STALL_NOTHING:
            break;
        }
    }
    if (q->stall.gone) {
        q->rx_wants_buffers = true;     /* To hear of its return. */
    }
    if (q->stall.gone != was_gone) {
        vif_count(&q->stats.rx_stalls, !was_gone);
        atomic_store_relaxed(&q->gone, q->stall.gone);
        netdev_change_seq_changed(&q->vif->up);
    }
}

static bool
drain(struct xenvif_queue *q, const struct xenvif_link *link,
      uint64_t now_ns, uint64_t *deadline_ns)
{
    uint64_t blocked_bytes = 0;
    bool moved = false;

    stage(q);
    q->rx_wants_buffers = q->n_staged
                          && !vif_conn_rx_posted(link->queues[q->id]);
    if (q->n_staged && !q->rx_wants_buffers) {
        struct rx_burst b;

        b.q = q;
        b.link = link;
        b.leaf = qos_leaf_limited(&q->rx_leaf) ? &q->rx_leaf : NULL;
        b.now_ns = now_ns;
        b.blocked_bytes = 0;
        for (int i = 0; i < RX_BURSTS_PER_POLL && q->n_staged; i++) {
            if (!deliver_staged(&b)) {
                break;
            }
            moved = true;
            if (q->rx_wants_buffers) {
                break;
            }
            stage(q);
        }
        blocked_bytes = b.blocked_bytes;
    }
    uint64_t ready_ns = xenvif_leaf_held(&q->rx_leaf, blocked_bytes,
                                         &q->rx_held_ns,
                                         &q->stats.rx_throttled_ns, now_ns);
    *deadline_ns = MIN(*deadline_ns, ready_ns);
    if (OVS_UNLIKELY(q->rx_wants_buffers || q->stall.looked_ns)) {
        check_stall(q, link, moved, now_ns);
    }
    return moved;
}

/* Moving frames took 'ns', which those pay who send more of them.  Now and
 * then the thread is away meanwhile: what seems dear counts for little. */
static void
note_cost(struct xenvif_queue *q, uint64_t weight, uint64_t ns)
{
    uint32_t cost_ps, old_ps;

    turn_for_others(ns);
    if (OVS_UNLIKELY(!weight)) {
        return;
    }
    cost_ps = MIN(ns * 1000 / weight, XENVIF_RX_COST_MAX_PS);
    atomic_read_relaxed(&q->rx_cost_ps, &old_ps);
    if (cost_ps <= old_ps) {
        cost_ps = old_ps - (old_ps - cost_ps + 7) / 8;
    } else if (old_ps) {
        cost_ps = old_ps + (MIN(cost_ps - old_ps, old_ps) + 31) / 32;
    }
    atomic_store_relaxed(&q->rx_cost_ps, cost_ps);
}

bool
xenvif_rx_drain(struct xenvif_queue *q, const struct xenvif_link *link,
                uint64_t now_ns, uint64_t *deadline_ns)
{
    uint64_t moved_before = q->rx_moved;
    bool moved = drain(q, link, now_ns, deadline_ns);

    if (moved) {
        note_cost(q, q->rx_moved - moved_before, doorbell_now_ns() - now_ns);
    }
    return moved;
}

void
xenvif_rx_flush(struct xenvif_queue *q, enum vif_drop reason,
                unsigned int n_keep)
{
    while (rte_ring_count(q->rx_queue) + q->n_staged > n_keep) {
        stage(q);
        if (!q->n_staged) {
            break;
        }
        vif_count(&q->stats.drops[reason], 1);
        unstage(q, 1);
    }
}
