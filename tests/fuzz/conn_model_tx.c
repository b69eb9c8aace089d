#include <errno.h>
#include <string.h>

#include "tests/fuzz/conn_model.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/tx_model.h"

/* What is expected of a burst. */
struct tx_plan {
    int result;
    unsigned int n_frames;
    struct vif_frame frames[VIF_BURST_FRAMES];
    struct tx_copy {
        struct tx_model chain;
        unsigned int slot;
        struct vif_buffers *from;
        struct vif_buffer buffer;
        uint64_t cost_bytes;
    } copies[VIF_BURST_FRAMES];
    uint32_t n_segs, n_mapped;
    bool starved;
    uint64_t blocked_bytes, cost_bytes;
    struct qos_budget budget;
};

static bool
amend(struct conn_model *m, bool add, const uint8_t addr[6])
{
    unsigned int i;

    if (!(addr[0] & 1)) {
        return false;
    }
    for (i = 0; i < m->n_mcast; i++) {
        if (!memcmp(m->mcast[i], addr, 6)) {
            break;
        }
    }
    if (add && i == m->n_mcast) {
        if (m->n_mcast == VIF_MCAST_MAX) {
            return false;
        }
        memcpy(m->mcast[m->n_mcast++], addr, 6);
    } else if (!add) {
        if (i == m->n_mcast) {
            return false;
        }
        memmove(m->mcast[i], m->mcast[--m->n_mcast], 6);
    }
    return true;
}

/* The answers to a chain, its frame taken or not. */
static void
respond(struct conn_model *m, const union vif_tx_slot *slots,
        const struct tx_model *chain, unsigned int first, int status)
{
    for (unsigned int i = 0; i < chain->n_slots; i++) {
        bool extra = chain->is_extra[i];

        m->responses[first + i].tx = (struct netif_tx_response) {
            .id = extra ? 0 : slots[first + i].req.id,
            .status = extra ? NETIF_RSP_NULL : status,
        };
    }
}

static void
control(struct conn_model *m, const union vif_tx_slot *slots,
        const struct tx_model *chain, unsigned int first)
{
    bool ok = true;

    if (chain->mcast_add) {
        ok &= amend(m, true, chain->mcast_add->u.mcast.addr);
    }
    if (chain->mcast_del) {
        ok &= amend(m, false, chain->mcast_del->u.mcast.addr);
    }
    m->stats.tx_multicast_refused += !ok;
    respond(m, slots, chain, first, ok ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
}

static void
plan_frames(struct conn_model *m, struct vif_supply *supply, unsigned int n,
            struct vif_gate *gate, const union vif_tx_slot *slots,
            uint32_t waiting, struct tx_plan *plan)
{
    while (plan->n_frames < n && m->n_slots < waiting) {
        struct tx_copy *copy = &plan->copies[plan->n_frames];
        struct tx_model *chain = &copy->chain;
        unsigned int first = m->n_slots;

        tx_model_read(&slots[first], waiting - first, supply->frame_bytes,
                      supply->big.room_bytes, chain);
        if (chain->verdict == VIF_MALICE) {
            m->malice = chain->malice;
            return;
        }
        if (chain->verdict != VIF_PASS && gate->leaf && plan->n_frames) {
            return;                     /* For the next burst. */
        }
        if (chain->verdict == VIF_PASS) {
            uint8_t gso_type = chain->gso ? chain->gso->u.gso.type : 0;
            uint16_t gso_bytes = chain->gso ? chain->gso->u.gso.size : 0;
            struct vif_buffers *from
                = chain->bytes + supply->small.headroom_bytes
                  <= supply->small.room_bytes ? &supply->small : &supply->big;

            if (!from->n) {
                plan->starved = m->waits_for_us = true;
                return;
            }
            copy->cost_bytes = vif_gate_cost(chain->bytes, gso_type,
                                             gso_bytes);
            CHECK(copy->cost_bytes >= chain->bytes);
            if (gate->leaf && !plan->n_frames) {
                qos_leaf_ask(gate->leaf, copy->cost_bytes, gate->now_ns,
                             &plan->budget);
            }
            if (gate->leaf
                && (plan->cost_bytes + copy->cost_bytes > plan->budget.bytes
                    || plan->n_frames >= plan->budget.packets)) {
                plan->blocked_bytes = copy->cost_bytes;
                m->waits_for_us = true;
                return;
            }
            plan->cost_bytes += copy->cost_bytes;
            copy->slot = first;
            copy->from = from;
            copy->buffer = from->stack[--from->n];

            /* As much headroom as there is, up to what is wanted. */
            uint32_t spare = from->room_bytes - chain->bytes;
            plan->frames[plan->n_frames++] = (struct vif_frame) {
                .region = &m->ours,
                .offset = copy->buffer.offset
                          + (spare < from->headroom_bytes
                             ? spare : from->headroom_bytes),
                .owner = copy->buffer.owner,
                .bytes = chain->bytes,
                .flags = slots[first].req.flags & (NETTXF_csum_blank
                                                   | NETTXF_data_validated),
                .gso_type = gso_type,
                .gso_bytes = gso_bytes,
            };
            respond(m, slots, chain, first, NETIF_RSP_OKAY);
        } else if (chain->verdict == VIF_CONTROL) {
            control(m, slots, chain, first);
        } else {
            m->stats.drops[chain->drop]++;
            respond(m, slots, chain, first, NETIF_RSP_ERROR);
        }
        m->n_slots += chain->n_slots;
    }
}

/* Copies the parts that are mapped, or those that are granted.  In 'bad',
 * frames of which a part failed. */
static void
copy_parts(struct conn_model *m, struct tx_plan *plan, bool mapped,
           bool hook_ran, bool bad[VIF_BURST_FRAMES])
{
    for (unsigned int i = 0; i < plan->n_frames; i++) {
        const struct tx_model *chain = &plan->copies[i].chain;
        uint64_t offset = plan->frames[i].offset;

        for (unsigned int j = 0; j < chain->n_data; j++) {
            const struct tx_model_part *part = &chain->parts[j];
            bool is_mapped = conn_model_mapped(m, part->gref, false);

            if (is_mapped == mapped && part->bytes) {
                const uint8_t *page
                    = mapped ? conn_model_mapped(m, part->gref, false)
                      : hook_ran && part->gref == m->revoked
                      ? NULL : conn_model_granted(m, part->gref, false);

                *(mapped ? &plan->n_mapped : &plan->n_segs) += 1;
                if (page) {
                    memcpy(m->expected + offset, page + part->offset,
                           part->bytes);
                }
                bad[i] |= !page;
            }
            offset += part->bytes;
        }
    }
}

/* Frames that did not arrive are no frames. */
static void
settle(struct conn_model *m, const union vif_tx_slot *slots,
       struct vif_gate *gate, const bool bad[VIF_BURST_FRAMES],
       struct tx_plan *plan)
{
    unsigned int n_kept = 0;

    for (unsigned int i = 0; i < plan->n_frames; i++) {
        const struct tx_copy *copy = &plan->copies[i];
        const struct vif_frame *frame = &plan->frames[i];

        if (bad[i]) {
            respond(m, slots, &copy->chain, copy->slot, NETIF_RSP_ERROR);
            m->stats.drops[VIF_DROP_TX_GRANT]++;
            copy->from->stack[copy->from->n++] = copy->buffer;
            if (gate->leaf) {
                qos_leaf_correct(gate->leaf, -(int64_t) copy->cost_bytes, -1,
                                 gate->now_ns);
            }
            continue;
        }
        m->stats.tx_frames++;
        m->stats.tx_bytes += frame->bytes;
        m->stats.tx_csum_blank += !!(frame->flags & VIF_FRAME_CSUM_BLANK);
        m->stats.tx_gso_frames += !!frame->gso_type;
        m->stats.tx_gso_not_blank
            += frame->gso_type && !(frame->flags & VIF_FRAME_CSUM_BLANK);
        plan->frames[n_kept++] = *frame;
    }
    plan->n_frames = n_kept;
    m->stats.tx_grant_copies += plan->n_segs;
    m->stats.tx_mapped_copies += plan->n_mapped;
}

static void
plan_burst(struct conn_model *m, struct vif_supply *supply, unsigned int n,
           struct vif_gate *gate, struct tx_plan *plan)
{
    union vif_tx_slot slots[VIF_RING_SLOTS];
    bool bad[VIF_BURST_FRAMES] = { false };

    *plan = (struct tx_plan) { .result = -EPROTO };
    conn_model_begin(m, &m->tx);
    m->waits_for_us = false;
    if (m->malice) {
        return;
    }

    uint32_t waiting = conn_model_waiting(m, &m->tx);
    if (waiting > VIF_RING_SLOTS) {
        m->malice = VIF_MALICE_TX_INDEX;
        return;
    }
    for (uint32_t i = 0; i < waiting; i++) {
        memcpy(&slots[i], conn_model_slot(m, &m->tx, m->tx.cons + i),
               sizeof slots[i]);
    }
    plan_frames(m, supply, n, gate, slots, waiting, plan);
    CHECK(!gate->leaf || !plan->n_frames
          || qos_leaf_charge(gate->leaf, &plan->budget, plan->cost_bytes,
                             plan->n_frames, gate->now_ns));
    if (!m->n_slots) {
        plan->result = m->malice ? -EPROTO : 0;
        return;
    }

    copy_parts(m, plan, true, false, bad);
    bool acts = m->hostile;
    for (unsigned int i = 0; i < plan->n_frames && !plan->n_segs; i++) {
        const struct tx_model *chain = &plan->copies[i].chain;

        for (unsigned int j = 0; j < chain->n_data; j++) {
            plan->n_segs |= chain->parts[j].bytes
                            && !conn_model_mapped(m, chain->parts[j].gref,
                                                  false);
        }
    }
    conn_model_hook(m, plan->n_segs);
    plan->n_segs = 0;
    copy_parts(m, plan, false, acts, bad);
    settle(m, slots, gate, bad, plan);
    m->stats.tx_notifies += conn_model_answer(m);
    plan->result = plan->n_frames;
}

static void
check_frames(const struct vif_frame *is, const struct tx_plan *plan)
{
    for (unsigned int i = 0; i < plan->n_frames; i++) {
        const struct vif_frame *want = &plan->frames[i];

        CHECK(is[i].region == want->region && is[i].offset == want->offset);
        CHECK(is[i].owner == want->owner && is[i].bytes == want->bytes);
        CHECK(is[i].flags == want->flags);
        CHECK(is[i].gso_type == want->gso_type);
        CHECK(is[i].gso_bytes == want->gso_bytes);
    }
}

static void
check_buffers(const struct vif_buffers *is, const struct vif_buffers *want)
{
    CHECK(is->n == want->n);
    for (unsigned int i = 0; i < is->n; i++) {
        CHECK(is->stack[i].owner == want->stack[i].owner);
        CHECK(is->stack[i].offset == want->stack[i].offset);
    }
}

static void
check_mcast(const struct conn_model *m, const struct vif_mcast *mcast)
{
    CHECK(mcast->n == m->n_mcast && !mcast->busy);
    for (unsigned int i = 0; i < m->n_mcast; i++) {
        CHECK(vif_mcast_match(mcast, m->mcast[i]));
    }
}

void
conn_model_tx(struct conn_model *m, struct vif_supply *supply, unsigned int n,
              struct vif_gate *gate)
{
    struct vif_frame frames[VIF_BURST_FRAMES];
    struct vif_supply want = *supply;
    struct vif_stats stats = m->stats;
    struct xen_ops_counts before = m->fake->counts;
    struct vif_gate want_gate = *gate;
    struct qos_node want_node;
    struct qos_leaf want_leaf;
    struct tx_plan plan;

    if (gate->leaf) {
        want_node = *gate->leaf->node;
        want_leaf = *gate->leaf;
        want_leaf.node = &want_node;
        want_gate.leaf = &want_leaf;
    }
    plan_burst(m, &want, n, &want_gate, &plan);

    /* A journal between bursts says nothing of this one yet, so the model's
     * ring is ahead already: the hook looks at where it was. */
    m->tx.cons -= m->n_slots;
    size_t heap = conn_model_heap();
    int result = vif_conn_tx_burst(m->conn, supply, frames, n, gate, &stats);
    CHECK(conn_model_heap() == heap);
    m->tx.cons += m->n_slots;

    CHECK(result == plan.result);
    CHECK(gate->blocked_bytes == plan.blocked_bytes);
    CHECK(supply->starved == plan.starved);
    check_frames(frames, &plan);
    check_buffers(&supply->small, &want.small);
    check_buffers(&supply->big, &want.big);
    if (gate->leaf) {
        CHECK(!memcmp(gate->leaf->node, &want_node, sizeof want_node));
        CHECK(!memcmp(gate->leaf->rests, want_leaf.rests,
                      sizeof want_leaf.rests));
    }
    CHECK(m->fake->counts.copy_calls - before.copy_calls
          == (plan.n_segs != 0));
    CHECK(m->fake->counts.copy_segs - before.copy_segs == plan.n_segs);
    check_mcast(m, &m->vif->mcast);
    conn_model_compare(m, &stats);
}
