#include <errno.h>
#include <string.h>

#include "datapath/vif_judge.h"
#include "tests/fuzz/conn_model.h"
#include "tests/fuzz/script.h"

#define RX_COPIES_MAX VIF_RING_SLOTS

struct rx_plan {
    int result;
    unsigned int n_frames;
    struct {
        unsigned int first, n_slots;    /* Of 'responses'. */
        const struct vif_frame *frame;
        bool bad;
    } frames[VIF_BURST_FRAMES];
    unsigned int n_copies;
    struct {
        unsigned int frame;             /* Of 'frames'. */
        uint32_t gref;
        const uint8_t *from;
        uint32_t offset, bytes;
    } copies[RX_COPIES_MAX];
    uint32_t n_segs, n_mapped;
};

/* The extras that describe 'frame', in their order. */
static unsigned int
extras_of(const struct conn_model *m, const struct vif_frame *frame,
          union vif_response extras[3])
{
    unsigned int n = 0;

    memset(extras, 0, 3 * sizeof extras[0]);
    if (frame->gso_type) {
        struct netif_extra_info *e = &extras[n++].extra;

        e->type = XEN_NETIF_EXTRA_TYPE_GSO;
        e->u.gso.size = frame->gso_bytes;
        e->u.gso.type = frame->gso_type;
    }
    if (frame->flags & VIF_FRAME_HASHED) {
        struct netif_extra_info *e = &extras[n++].extra;

        e->type = XEN_NETIF_EXTRA_TYPE_HASH;
        e->u.hash.type = frame->hash_type;
        e->u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        memcpy(e->u.hash.value, &frame->hash, 4);
    }
    if (m->headroom_bytes) {
        struct netif_extra_info *e = &extras[n++].extra;

        e->type = VIF_EXTRA_TYPE_XDP;
        memcpy(&e->u, &m->headroom_bytes, 2);
    }
    for (unsigned int i = 0; i + 1 < n; i++) {
        extras[i].extra.flags = XEN_NETIF_EXTRA_FLAG_MORE;
    }
    return n;
}

/* The request that slot 'i' of the burst answers. */
static struct netif_rx_request
request(const struct conn_model *m, unsigned int i)
{
    struct netif_rx_request req;

    memcpy(&req, conn_model_slot(m, &m->rx, m->rx.cons + i), sizeof req);
    return req;
}

/* Lays out 'frame': page by page, the first of which begins behind the
 * headroom, extras behind the first. */
static void
plan_frame(struct conn_model *m, const struct vif_frame *frame,
           const union vif_response *extras, unsigned int n_extras,
           struct rx_plan *plan)
{
    const uint8_t *from = (uint8_t *) frame->region->base + frame->offset;
    uint32_t begin = m->headroom_bytes, left = frame->bytes;
    bool first = true;

    plan->frames[plan->n_frames].first = m->n_slots;
    plan->frames[plan->n_frames].frame = frame;
    while (left) {
        uint32_t bytes = left < 4096 - begin ? left : 4096 - begin;
        struct netif_rx_request req = request(m, m->n_slots);
        uint16_t flags = left > bytes ? NETRXF_more_data : 0;

        if (first) {
            flags |= n_extras ? NETRXF_extra_info : 0;
            flags |= frame->flags & VIF_FRAME_CSUM_BLANK
                     ? NETRXF_csum_blank | NETRXF_data_validated : 0;
            flags |= frame->flags & VIF_FRAME_DATA_VALIDATED
                     ? NETRXF_data_validated : 0;
        }
        plan->copies[plan->n_copies].frame = plan->n_frames;
        plan->copies[plan->n_copies].gref = req.gref;
        plan->copies[plan->n_copies].from = from;
        plan->copies[plan->n_copies].offset = begin;
        plan->copies[plan->n_copies++].bytes = bytes;
        m->responses[m->n_slots++].rx = (struct netif_rx_response) {
            req.id, begin, flags, bytes,
        };
        for (unsigned int i = 0; first && i < n_extras; i++) {
            m->responses[m->n_slots++] = extras[i];
        }
        first = false;
        begin = 0;
        from += bytes;
        left -= bytes;
    }
    plan->frames[plan->n_frames].n_slots
        = m->n_slots - plan->frames[plan->n_frames].first;
    plan->n_frames++;
}

static int
plan_frames(struct conn_model *m, const struct vif_frame *frames,
            unsigned int n, uint32_t waiting, struct rx_plan *plan)
{
    unsigned int i;

    for (i = 0; i < n; i++) {
        union vif_response extras[3];
        uint32_t n_data = (m->headroom_bytes + frames[i].bytes + 4095) / 4096;
        unsigned int n_extras = extras_of(m, &frames[i], extras);

        if (!frames[i].bytes || frames[i].bytes > 65535
            || (n_data > 1 && !m->sg)) {
            m->stats.drops[VIF_DROP_RX_OVERSIZE]++;
            continue;
        }
        if (m->n_slots + n_data + n_extras > waiting) {
            break;
        }
        plan_frame(m, &frames[i], extras, n_extras, plan);
    }
    return i;
}

static void
copy_parts(struct conn_model *m, struct rx_plan *plan, bool mapped,
           bool hook_ran)
{
    for (unsigned int i = 0; i < plan->n_copies; i++) {
        uint32_t gref = plan->copies[i].gref;
        uint8_t *page = conn_model_mapped(m, gref, true);

        if ((page != NULL) != mapped) {
            continue;
        }
        *(mapped ? &plan->n_mapped : &plan->n_segs) += 1;
        if (!mapped) {
            page = hook_ran && gref == m->revoked
                   ? NULL : conn_model_granted(m, gref, true);
        }
        if (page) {
            memcpy(page + plan->copies[i].offset, plan->copies[i].from,
                   plan->copies[i].bytes);
        } else {
            plan->frames[plan->copies[i].frame].bad = true;
        }
    }
}

/* What failed is answered so, extras and all. */
static void
settle(struct conn_model *m, const struct rx_plan *plan)
{
    for (unsigned int i = 0; i < plan->n_frames; i++) {
        const struct vif_frame *frame = plan->frames[i].frame;

        if (!plan->frames[i].bad) {
            m->stats.rx_frames++;
            m->stats.rx_bytes += frame->bytes;
            m->stats.rx_csum_blank
                += !!(frame->flags & VIF_FRAME_CSUM_BLANK);
            m->stats.rx_gso_frames += !!frame->gso_type;
            continue;
        }
        m->stats.drops[VIF_DROP_RX_GRANT]++;
        for (unsigned int j = 0; j < plan->frames[i].n_slots; j++) {
            unsigned int slot = plan->frames[i].first + j;

            m->responses[slot].rx = (struct netif_rx_response) {
                m->ids[slot], 0, 0, NETIF_RSP_ERROR,
            };
        }
    }
    m->stats.rx_grant_copies += plan->n_segs;
    m->stats.rx_mapped_copies += plan->n_mapped;
}

static void
plan_burst(struct conn_model *m, const struct vif_frame *frames,
           unsigned int n, struct rx_plan *plan)
{
    *plan = (struct rx_plan) { .result = -EPROTO };
    conn_model_begin(m, &m->rx);
    if (m->malice) {
        return;
    }

    uint32_t waiting = conn_model_waiting(m, &m->rx);
    if (waiting > VIF_RING_SLOTS) {
        m->malice = VIF_MALICE_RX_INDEX;
        return;
    }
    plan->result = plan_frames(m, frames, n, waiting, plan);
    if (!m->n_slots) {
        return;
    }

    uint32_t n_granted = 0;
    bool acts = m->hostile;
    for (unsigned int i = 0; i < m->n_slots; i++) {
        m->ids[i] = request(m, i).id;
    }
    for (unsigned int i = 0; i < plan->n_copies; i++) {
        n_granted += !conn_model_mapped(m, plan->copies[i].gref, true);
    }
    copy_parts(m, plan, true, false);
    conn_model_hook(m, n_granted);
    copy_parts(m, plan, false, acts);
    settle(m, plan);
    m->stats.rx_notifies += conn_model_answer(m);
}

void
conn_model_rx(struct conn_model *m, const struct vif_frame *frames,
              unsigned int n)
{
    struct vif_stats stats = m->stats;
    struct xen_ops_counts before = m->fake->counts;
    struct rx_plan plan;

    plan_burst(m, frames, n, &plan);

    m->rx.cons -= m->n_slots;
    size_t heap = conn_model_heap();
    int result = vif_conn_rx_burst(m->conn, frames, n, &stats);
    CHECK(conn_model_heap() == heap);
    m->rx.cons += m->n_slots;

    CHECK(result == plan.result);
    CHECK(m->fake->counts.copy_calls - before.copy_calls
          == (plan.n_segs != 0));
    CHECK(m->fake->counts.copy_segs - before.copy_segs == plan.n_segs);
    conn_model_compare(m, &stats);
}
