#include "tests/fuzz/conn_model.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/script.h"

size_t __sanitizer_get_current_allocated_bytes(void)
    __attribute__((weak));

size_t
conn_model_heap(void)
{
    return __sanitizer_get_current_allocated_bytes
           ? __sanitizer_get_current_allocated_bytes() : 0;
}

static struct vif_ring_page *
indices(const struct conn_model *m, const struct model_ring *ring)
{
    return (struct vif_ring_page *) m->pages[ring->page];
}

uint8_t *
conn_model_slot(const struct conn_model *m, const struct model_ring *ring,
                uint32_t i)
{
    return m->pages[ring->page] + 64 + i % VIF_RING_SLOTS * ring->slot_bytes;
}

uint32_t
conn_model_waiting(const struct conn_model *m, const struct model_ring *ring)
{
    return indices(m, ring)->req_prod - ring->cons;
}

uint8_t *
conn_model_granted(const struct conn_model *m, uint32_t gref, bool write)
{
    if (gref >= m->guest->n_grants) {
        return NULL;
    }

    const struct grant_entry_v1 *entry = &m->guest->grants[gref];
    if ((entry->flags & GTF_type_mask) != GTF_permit_access
        || entry->domid != m->fake->own_domid
        || (write && entry->flags & GTF_readonly)
        || entry->frame >= MODEL_PAGES) {
        return NULL;
    }
    return m->pages[entry->frame];
}

uint8_t *
conn_model_mapped(const struct conn_model *m, uint32_t gref, bool write)
{
    if (gref >= MODEL_GREFS || !m->grefs[gref].mapped
        || (write && m->grefs[gref].readonly)) {
        return NULL;
    }
    return m->pages[m->grefs[gref].page];
}

/* What a hostile guest does to its rings; to the real ones, or to those
 * expected. */
static void
scribble(uint8_t *tx_page, uint8_t *rx_page)
{
    memset(tx_page + 64, 0xff, 512);
    memset(rx_page + 64, 0xff, 512);
    ((struct vif_ring_page *) tx_page)->req_prod += 3;
    ((struct vif_ring_page *) rx_page)->rsp_event += 1;
}

/* The journal holds what is about to be answered, and a successor would
 * understand it. */
static void
check_journal(const struct conn_model *m)
{
    bool tx = m->ring == &m->tx;
    const struct vif_journal_ring *ring = tx ? &m->journal->tx
                                             : &m->journal->rx;
    struct vif_ring_page page = {
        .req_prod = m->ring->cons + m->n_slots, .rsp_prod = m->ring->cons,
    };
    struct vif_journal_rest rest;

    CHECK(!vif_journal_rest(ring, &page, &rest));
    CHECK(rest.rsp_prod == m->ring->cons);
    CHECK(rest.n_journaled == m->n_slots && rest.n_unanswered == m->n_slots);
    for (uint32_t i = 0; i < m->n_slots; i++) {
        if (tx) {
            union vif_response answer = vif_journal_tx_answer(m->journal, i);
            CHECK(answer.tx.id == m->responses[i].tx.id);
        } else {
            union vif_response answer = vif_journal_rx_answer(m->journal, i);
            CHECK(answer.rx.status == NETIF_RSP_ERROR);
            CHECK(answer.rx.id == m->ids[i]);
        }
    }
}

static void
before_copy(struct xen_fake *fake, void *m_)
{
    struct conn_model *m = m_;

    check_journal(m);
    if (m->hostile) {
        scribble(m->guest->pages[m->tx.page], m->guest->pages[m->rx.page]);
        fake_guest_revoke(m->guest, m->revoked);
        m->hostile = false;
    }
}

void
conn_model_hook(struct conn_model *m, uint32_t n_segs)
{
    if (n_segs && m->hostile) {
        scribble(m->pages[m->tx.page], m->pages[m->rx.page]);
    }
}

void
conn_model_init(struct conn_model *m, struct fake_guest *guest,
                struct xen_region ours, uint8_t *expected)
{
    *m = (struct conn_model) {
        .fake = guest->fake,
        .guest = guest,
        .tx.slot_bytes = 12,
        .rx.slot_bytes = 8,
        .ours = ours,
        .expected = expected,
    };
    CHECK(guest->n_pages == MODEL_PAGES && guest->n_grants == MODEL_GREFS);
    memset(ours.base, 0xa5, ours.bytes);
    memset(expected, 0xa5, ours.bytes);
    for (unsigned int i = 0; i < MODEL_PAGES; i++) {
        m->pages[i] = malloc(XEN_PAGE_BYTES);
        CHECK(m->pages[i]);
    }
    guest->fake->before_copy = before_copy;
    guest->fake->before_copy_aux = m;
}

void
conn_model_finish(struct conn_model *m)
{
    for (unsigned int i = 0; i < MODEL_PAGES; i++) {
        free(m->pages[i]);
    }
}

static void
copy_pages(struct conn_model *m)
{
    for (unsigned int i = 0; i < MODEL_PAGES; i++) {
        memcpy(m->pages[i], m->guest->pages[i], XEN_PAGE_BYTES);
    }
}

/* Takes up 'ring' where it is, if it can be mapped and makes sense. */
static bool
attach(struct conn_model *m, struct model_ring *ring, uint32_t gref)
{
    if (!conn_model_granted(m, gref, true)) {
        return false;
    }
    ring->page = m->guest->grants[gref].frame;
    ring->cons = indices(m, ring)->rsp_prod;
    return conn_model_waiting(m, ring) <= VIF_RING_SLOTS;
}

void
conn_model_opened(struct conn_model *m, int error, uint32_t tx_gref,
                  uint32_t rx_gref)
{
    copy_pages(m);
    bool tx = attach(m, &m->tx, tx_gref);
    bool rx = attach(m, &m->rx, rx_gref);
    CHECK(!error == (tx && rx));
    if (!error) {
        m->malice = VIF_MALICE_NONE;
        m->waits_for_us = false;
    }
}

void
conn_model_begin(struct conn_model *m, struct model_ring *ring)
{
    copy_pages(m);
    m->ring = ring;
    m->n_slots = 0;
}

bool
conn_model_answer(struct conn_model *m)
{
    struct vif_ring_page *page = indices(m, m->ring);

    if (!m->n_slots) {
        return false;
    }
    for (uint32_t i = 0; i < m->n_slots; i++) {
        memcpy(conn_model_slot(m, m->ring, m->ring->cons + i),
               &m->responses[i], m->ring == &m->tx
               ? sizeof m->responses[i].tx : sizeof m->responses[i]);
    }
    m->ring->cons += m->n_slots;
    page->rsp_prod = m->ring->cons;
    return m->ring->cons - page->rsp_event < m->n_slots;
}

static void
compare_stats(const struct vif_stats *is, const struct vif_stats *want)
{
    CHECK(is->tx_frames == want->tx_frames && is->tx_bytes == want->tx_bytes);
    CHECK(is->rx_frames == want->rx_frames && is->rx_bytes == want->rx_bytes);
#define X(NAME) CHECK(is->NAME == want->NAME);
    VIF_COUNTS(X)
#undef X
    for (int i = 0; i < VIF_N_DROPS; i++) {
        CHECK(is->drops[i] == want->drops[i]);
    }
}

void
conn_model_compare(const struct conn_model *m, const struct vif_stats *stats)
{
    const struct vif_journal_ring *journal[2] = {
        &m->journal->tx, &m->journal->rx,
    };
    struct vif_conn_info info;

    for (unsigned int i = 0; i < MODEL_PAGES; i++) {
        CHECK(!memcmp(m->pages[i], m->guest->pages[i], XEN_PAGE_BYTES));
    }
    CHECK(!memcmp(m->expected, m->ours.base, m->ours.bytes));
    compare_stats(stats, &m->stats);

    vif_conn_info(m->conn, &info);
    CHECK(info.tx_rsp_prod == m->tx.cons && info.tx_req_cons == m->tx.cons);
    CHECK(info.rx_rsp_prod == m->rx.cons && info.rx_req_cons == m->rx.cons);
    CHECK(vif_conn_malice(m->conn) == m->malice);
    CHECK(journal[0]->state == vif_journal_state(m->tx.cons, 0));
    CHECK(journal[1]->state == vif_journal_state(m->rx.cons, 0));
}

/* No request that an event would not tell of: the guest sends one when its
 * index passes req_event. */
static void
check_armed(const struct conn_model *m, const struct model_ring *ring)
{
    const struct vif_ring_page *page
        = (struct vif_ring_page *) m->guest->pages[ring->page];

    CHECK(page->req_event == page->req_prod + 1);
}

void
conn_model_arm(struct conn_model *m, bool want_rx)
{
    bool work = vif_conn_arm(m->conn, want_rx);

    if (m->malice) {
        CHECK(work && vif_conn_tx_pending(m->conn));
        return;
    }
    copy_pages(m);
    CHECK(vif_conn_tx_pending(m->conn) == (conn_model_waiting(m, &m->tx)
                                           != 0));
    CHECK(vif_conn_rx_posted(m->conn) == conn_model_waiting(m, &m->rx));
    if (!work) {
        if (!m->waits_for_us && m->rx.page != m->tx.page) {
            check_armed(m, &m->tx);
            CHECK(!conn_model_waiting(m, &m->tx));
        }
        if (want_rx && m->rx.page != m->tx.page) {
            check_armed(m, &m->rx);
        }
    }
}
