/* What a burst must do, worked out beforehand from the guest's pages, grants
 * and mapped pages as they are: every response, every byte on either side,
 * every counter.  Afterwards all of it is compared.
 *
 * Thread: one.
 * Owner:  the caller's memory; finish frees what init made; 'ours' and
 *         'expected' stay the caller's.
 * Errors: what differs aborts.
 *
 * In the middle of a burst, when the grant copies are about to be made, the
 * guest may rewrite its rings and revoke a grant (the hook), and the journal
 * must say all that a successor would need. */

#ifndef TESTS_FUZZ_CONN_MODEL_H
#define TESTS_FUZZ_CONN_MODEL_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_journal.h"
#include "tests/fakes/xen_ops_fake.h"

#define MODEL_PAGES 12u
#define MODEL_GREFS 24u

/* One ring: the guest's page, and where we are. */
struct model_ring {
    uint32_t page;                      /* Of the guest's; fixed at open. */
    uint32_t slot_bytes;
    uint32_t cons;
};

struct conn_model {
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_conn *conn;              /* Null: closed. */
    struct vif_journal *vif;
    struct vif_journal_queue *journal;  /* The queue's part of it. */

    struct model_ring tx, rx;
    enum vif_malice malice;
    bool sg, waits_for_us;              /* Gated or starved. */
    uint16_t headroom_bytes;
    struct vif_stats stats;

    struct model_gref {
        bool mapped, readonly;
        uint32_t page;
    } grefs[MODEL_GREFS];

    uint32_t n_mcast;
    uint8_t mcast[VIF_MCAST_MAX][6];

    uint8_t *pages[MODEL_PAGES];        /* What must be in the guest's. */
    struct xen_region ours;             /* Where its frames go. */
    uint8_t *expected;                  /* What must be in 'ours'. */

    /* The hook. */
    bool hostile;                       /* The guest acts in it, once. */
    uint32_t revoked;                   /* What it revokes. */
    struct model_ring *ring;            /* What the burst is about, */
    uint32_t n_slots;                   /* and what it is to answer. */
    uint16_t ids[VIF_RING_SLOTS];       /* Of the requests. */
    union vif_response responses[VIF_RING_SLOTS];
};

void conn_model_init(struct conn_model *, struct fake_guest *,
                     struct xen_region ours, uint8_t *expected);
void conn_model_finish(struct conn_model *);

/* Has just opened a connection, or failed to with 'error'. */
void conn_model_opened(struct conn_model *, int error, uint32_t tx_gref,
                       uint32_t rx_gref);

/* Does a burst, and compares. */
void conn_model_tx(struct conn_model *, struct vif_supply *, unsigned int n,
                   struct vif_gate *);
void conn_model_rx(struct conn_model *, const struct vif_frame *,
                   unsigned int n);

/* Arms, and sees that no event can be missed. */
void conn_model_arm(struct conn_model *, bool want_rx);

/* For the two halves, conn_model_tx.c and conn_model_rx.c. */

/* Begins: takes the guest's pages as they are. */
void conn_model_begin(struct conn_model *, struct model_ring *);

/* Requests that wait, or more than a ring: malice. */
uint32_t conn_model_waiting(const struct conn_model *,
                            const struct model_ring *);

/* A slot as it is in the expected page. */
uint8_t *conn_model_slot(const struct conn_model *,
                         const struct model_ring *, uint32_t i);

/* The page behind 'gref' if the guest may be read (written), or null: first
 * as mapped, then as granted now. */
uint8_t *conn_model_mapped(const struct conn_model *, uint32_t gref,
                           bool write);
uint8_t *conn_model_granted(const struct conn_model *, uint32_t gref,
                            bool write);

/* What happens in the hook, to the expected pages. */
void conn_model_hook(struct conn_model *, uint32_t n_segs);

/* Ends: the responses are written and published.  Returns whether the guest
 * is to be told. */
bool conn_model_answer(struct conn_model *);

/* Compares pages, our memory, journal and counters. */
void conn_model_compare(const struct conn_model *,
                        const struct vif_stats *stats);

/* Bytes that are allocated now, if a sanitizer can tell. */
size_t conn_model_heap(void);

#endif /* tests/fuzz/conn_model.h */
