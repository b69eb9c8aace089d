/* A guest with one queue whose rings, pages and journal outlive the process
 * that works on them, and what it knows of its own requests; wrong results
 * fail the running cmocka test.
 *
 * Thread: one, but for what is in struct shared.
 * Owner:  the caller's memory. */

#ifndef TESTS_UNIT_CRASH_GUEST_H
#define TESTS_UNIT_CRASH_GUEST_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_journal.h"
#include "tests/fakes/vif_front.h"

#define CRASH_FRAMES (1u << 20)         /* More than are ever sent. */
#define CRASH_NUMBER_OFFSET 20u         /* Of a frame's own number. */
#define CRASH_PAGES (2 + 2 * VIF_RING_SLOTS)

/* What a process leaves behind, beside its journal. */
struct shared {
    uint32_t n_bursts;
    uint32_t next_rx;                   /* Number of the next frame. */
    uint32_t stop;                      /* Answer all, then end. */
    uint8_t forwarded[CRASH_FRAMES];    /* How often. */
    uint8_t pages[CRASH_PAGES][XEN_PAGE_BYTES] __attribute__((aligned(4096)));
};

struct world {
    struct shared *shared;
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_front front;
    struct vif_journal *journal;
    int journal_fd;
    uint64_t seed;
    uint32_t tx_grefs[VIF_RING_SLOTS], rx_grefs[VIF_RING_SLOTS], bad_gref;

    /* The guest's books. */
    union vif_tx_slot tx_posted[VIF_RING_SLOTS];
    uint32_t tx_numbers[VIF_RING_SLOTS];    /* 0: not a frame's first. */
    bool tx_is_extra[VIF_RING_SLOTS];
    struct netif_rx_request rx_posted[VIF_RING_SLOTS];
    uint32_t next_tx, last_rx;
    bool rx_in_frame, rx_extra_next;
    uint8_t answers[CRASH_FRAMES];      /* 1: OK, 2: error. */

    /* In what state rings were found, how often. */
    unsigned int n_journaled, n_published, n_idle;
};

void open_world(struct world *);
void close_world(struct world *);

/* A number below 'below', from a seed that is always the same. */
uint32_t draw(struct world *, uint32_t below);

/* Takes all responses, and judges them. */
void take_responses(struct world *);

/* Fills both rings up to 'n' requests, at least 4: of every kind, some
 * nonsense. */
void post(struct world *, uint32_t n);

/* Holds what the journal says against the books: exactly the requests without
 * a published answer, and whatever is journaled belongs to its request. */
void check_rest(struct world *, const struct vif_journal *);

/* Answers what is journaled. */
void redo(struct world *, const struct vif_journal *);

#endif /* tests/unit/crash_guest.h */
