#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/crash_guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint32_t
draw(struct world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (w->seed >> 33) % below;
}

void
open_world(struct world *w)
{
    uint32_t frame;

    memset(w, 0, sizeof *w);
    w->seed = 42;
    w->next_tx = 1;
    w->shared = mmap(NULL, sizeof *w->shared, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(w->shared, MAP_FAILED);
    w->shared->next_rx = 1;
    w->fake = xen_fake_create(1);
    w->guest = xen_fake_add_guest(w->fake, 7, CRASH_PAGES, 1024);
    for (uint32_t i = 0; i < CRASH_PAGES; i++) {
        free(w->guest->pages[i]);
        w->guest->pages[i] = w->shared->pages[i];
    }
    vif_front_init(&w->front, w->guest, UINT32_MAX - 5000, false);
    for (unsigned int i = 0; i < VIF_RING_SLOTS; i++) {
        fake_guest_page(w->guest, &frame);
        w->tx_grefs[i] = fake_guest_grant(w->guest, frame, true);
        fake_guest_page(w->guest, &frame);
        w->rx_grefs[i] = fake_guest_grant(w->guest, frame, false);
    }
    w->bad_gref = fake_guest_grant(w->guest, frame, true);
    fake_guest_revoke(w->guest, w->bad_gref);

    struct vif_frontend frontend = vif_front_frontend(&w->front);
    assert_int_equal(vif_journal_create("crash", 0, &frontend,
                                        &w->journal_fd, &w->journal), 0);
}

void
close_world(struct world *w)
{
    vif_journal_destroy(w->journal, w->journal_fd);
    for (uint32_t i = 0; i < CRASH_PAGES; i++) {
        w->guest->pages[i] = NULL;
    }
    xen_fake_destroy(w->fake);
    munmap(w->shared, sizeof *w->shared);
}

static void
put_slot(struct world *w, const union vif_tx_slot *slot, uint32_t number,
         bool is_extra)
{
    uint32_t at = w->front.tx_prod & VIF_RING_MASK;

    w->tx_posted[at] = *slot;
    w->tx_numbers[at] = number;
    w->tx_is_extra[at] = is_extra;
    if (is_extra) {
        vif_front_tx_put_extra(&w->front, &slot->extra);
    } else {
        vif_front_tx_put(&w->front, &slot->req);
    }
}

/* One frame of 1 to 3 slots, some with an extra, some nonsense, some with a
 * grant that was revoked. */
static void
put_frame(struct world *w)
{
    unsigned int n = 1 + draw(w, 3), what = draw(w, 16);
    uint32_t number = w->next_tx++;
    union vif_tx_slot slot = { .req = {
        .size = what == 1 ? 9 : 60 + 100 * (n - 1),
        .flags = (what == 2 || what == 3 ? NETTXF_extra_info : 0)
                 | (n > 1 ? NETTXF_more_data : 0),
    } };

    assert_true(number < CRASH_FRAMES);
    for (unsigned int i = 0; i < n; i++) {
        uint32_t at = w->front.tx_prod & VIF_RING_MASK;

        slot.req.gref = w->tx_grefs[at];
        slot.req.id = w->front.tx_prod;
        if (!i) {
            uint32_t frame = w->guest->grants[slot.req.gref].frame;

            memcpy(w->guest->pages[frame] + CRASH_NUMBER_OFFSET, &number,
                   sizeof number);
        } else {
            slot.req.size = 100;
            slot.req.flags = i + 1 < n ? NETTXF_more_data : 0;
        }
        if (what == 4 && i + 1 == n) {
            slot.req.gref = w->bad_gref;
        }
        put_slot(w, &slot, i ? 0 : number, false);
        if (!i && slot.req.flags & NETTXF_extra_info) {
            union vif_tx_slot extra = { .extra = {
                .type = XEN_NETIF_EXTRA_TYPE_GSO,
                .u.gso = { .size = 500, .type = XEN_NETIF_GSO_TYPE_TCPV4 },
            } };

            put_slot(w, &extra, 0, true);
        }
    }
}

void
post(struct world *w, uint32_t n)
{
    while (w->front.tx_prod - w->front.tx_cons <= n - 4) {
        put_frame(w);
    }
    while (w->front.rx_prod - w->front.rx_cons < n) {
        uint32_t at = w->front.rx_prod & VIF_RING_MASK;

        w->rx_posted[at] = (struct netif_rx_request) {
            .id = w->front.rx_prod, .gref = w->rx_grefs[at],
        };
        vif_front_rx_put(&w->front, w->front.rx_prod, w->rx_grefs[at]);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    vif_front_tx_push(&w->front);
    vif_front_rx_push(&w->front);
}

static void
take_tx(struct world *w)
{
    uint32_t at = w->front.tx_cons & VIF_RING_MASK;
    struct netif_tx_response rsp;

    while (__atomic_thread_fence(__ATOMIC_SEQ_CST),
           vif_front_tx_take(&w->front, &rsp)) {
        if (w->tx_is_extra[at]) {
            assert_int_equal(rsp.status, NETIF_RSP_NULL);
        } else {
            assert_int_equal(rsp.id, w->tx_posted[at].req.id);
            assert_in_range(rsp.status + 1, 0, 1);
            uint32_t number = w->tx_numbers[at];
            if (number) {
                assert_int_equal(w->answers[number], 0);
                w->answers[number] = rsp.status == NETIF_RSP_OKAY ? 1 : 2;
            }
        }
        at = w->front.tx_cons & VIF_RING_MASK;
    }
}

/* Frames come whole, in order, and none twice. */
static void
take_rx(struct world *w)
{
    uint32_t at = w->front.rx_cons & VIF_RING_MASK;
    struct netif_rx_response rsp;

    while (__atomic_thread_fence(__ATOMIC_SEQ_CST),
           vif_front_rx_take(&w->front, &rsp)) {
        if (w->rx_extra_next) {
            w->rx_extra_next = false;
        } else {
            assert_int_equal(rsp.id, w->rx_posted[at].id);
            if (rsp.status < 0) {
                assert_false(w->rx_in_frame);
            } else if (!w->rx_in_frame) {
                uint32_t frame = w->guest->grants[w->rx_grefs[at]].frame;
                uint32_t number;

                memcpy(&number, w->guest->pages[frame] + CRASH_NUMBER_OFFSET,
                       sizeof number);
                assert_true(number > w->last_rx);
                w->last_rx = number;
            }
            w->rx_extra_next = rsp.status >= 0
                               && rsp.flags & NETRXF_extra_info;
            w->rx_in_frame = rsp.status >= 0
                             && rsp.flags & NETRXF_more_data;
        }
        at = w->front.rx_cons & VIF_RING_MASK;
    }
}

void
take_responses(struct world *w)
{
    take_tx(w);
    take_rx(w);
}

static void
count_rest(struct world *w, const struct vif_journal_ring *ring,
           const struct vif_journal_rest *rest)
{
    if (rest->n_journaled) {
        w->n_journaled++;
    } else if (ring->state >> 32) {
        w->n_published++;
    } else {
        w->n_idle++;
    }
}

static void
check_tx(struct world *w, const struct vif_journal_queue *q)
{
    const struct netif_tx_sring *ring = w->front.tx;
    struct vif_journal_rest rest;

    assert_int_equal(vif_journal_rest(&q->tx, (const void *) ring, &rest), 0);
    count_rest(w, &q->tx, &rest);
    assert_int_equal(rest.rsp_prod, ring->rsp_prod);
    assert_int_equal(rest.n_unanswered, w->front.tx_prod - ring->rsp_prod);
    for (uint32_t i = 0; i < rest.n_unanswered; i++) {
        uint32_t at = (rest.rsp_prod + i) & VIF_RING_MASK;

        if (i >= rest.n_journaled) {    /* Nobody has touched it. */
            assert_memory_equal(&ring->ring[at], &w->tx_posted[at],
                                w->tx_is_extra[at] ? 8 : 12);
        } else if (!w->tx_is_extra[at]) {
            assert_int_equal(vif_journal_tx_answer(q, i).tx.id,
                             w->tx_posted[at].req.id);
        }
    }
}

static void
check_rx(struct world *w, const struct vif_journal_queue *q)
{
    const struct netif_rx_sring *ring = w->front.rx;
    struct vif_journal_rest rest;

    assert_int_equal(vif_journal_rest(&q->rx, (const void *) ring, &rest), 0);
    count_rest(w, &q->rx, &rest);
    assert_int_equal(rest.rsp_prod, ring->rsp_prod);
    assert_int_equal(rest.n_unanswered, w->front.rx_prod - ring->rsp_prod);
    for (uint32_t i = 0; i < rest.n_unanswered; i++) {
        uint32_t at = (rest.rsp_prod + i) & VIF_RING_MASK;

        if (i >= rest.n_journaled) {
            assert_memory_equal(&ring->ring[at], &w->rx_posted[at], 8);
        } else {
            assert_int_equal(vif_journal_rx_answer(q, i).rx.id,
                             w->rx_posted[at].id);
        }
    }
}

void
check_rest(struct world *w, const struct vif_journal *journal)
{
    check_tx(w, &journal->queues[0]);
    check_rx(w, &journal->queues[0]);
}

void
redo(struct world *w, const struct vif_journal *journal)
{
    const struct vif_journal_queue *q = &journal->queues[0];
    struct netif_tx_sring *tx = w->front.tx;
    struct netif_rx_sring *rx = w->front.rx;
    struct vif_journal_rest rest;

    assert_int_equal(vif_journal_rest(&q->tx, (void *) tx, &rest), 0);
    for (uint32_t i = 0; i < rest.n_journaled; i++) {
        tx->ring[tx->rsp_prod++ & VIF_RING_MASK].rsp
            = vif_journal_tx_answer(q, i).tx;
    }
    assert_int_equal(vif_journal_rest(&q->rx, (void *) rx, &rest), 0);
    for (uint32_t i = 0; i < rest.n_journaled; i++) {
        rx->ring[rx->rsp_prod++ & VIF_RING_MASK].rsp
            = vif_journal_rx_answer(q, i).rx;
    }
}
