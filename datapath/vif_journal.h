/* What another process would need to go on with a guest's rings if this one
 * died now: kept in a memfd for as long as the rings are attached.
 *
 * A response overwrites its request in place, so the rings alone do not say
 * what was asked.  Therefore each burst goes in this order:
 *
 *     journal    the responses, then how many they are (one store)
 *     copy       between the guest's pages and ours
 *     respond    the responses into their slots, then rsp_prod
 *     forward    the frames to the switch
 *
 * and whoever comes after does what is journaled once more: at most one batch
 * of a queue is lost, none is doubled.
 *
 * Thread: a queue's part belongs to the thread that polls it; the rest to the
 *         main thread, but for the multicast list.
 * Owner:  vif_journal_create() to vif_journal_destroy(); the memory outlives
 *         the process in whoever holds the descriptor.
 * Errors: 0 or -errno.
 * Trust:  written by a switch, which may have been taken over: a reader in
 *         another process calls vif_journal_check() first. */

#ifndef DATAPATH_VIF_JOURNAL_H
#define DATAPATH_VIF_JOURNAL_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_frontend.h"
#include "datapath/vif_hash.h"
#include "datapath/vif_mcast.h"
#include "datapath/vif_ring.h"

#define VIF_JOURNAL_MAGIC UINT64_C(0x316c6e726a666976)  /* "vifjrnl1" */

/* Grant references that a guest may have mapped for a queue: a page's worth
 * of its list, enough for both rings' slots. */
#define VIF_GREFS_MAX 512u

/* One ring.  'state' is read and written whole: in its low half the rsp_prod
 * that was published last, in its high half how many of the responses below
 * are about to follow it. */
struct vif_journal_ring {
    uint64_t state;
    union vif_response {
        struct netif_tx_response tx;
        struct netif_rx_response rx;
        struct netif_extra_info extra;  /* Part of a received frame. */
        uint64_t bits;
    } responses[VIF_RING_SLOTS];
};

struct vif_journal_gref {
    uint32_t gref;
    uint32_t readonly;
};

struct vif_journal_queue {
    struct vif_journal_ring tx, rx;
    uint16_t rx_ids[VIF_RING_SLOTS];    /* Of the requests behind 'rx'. */
    struct vif_queue_params params;
    uint32_t n_grefs;                   /* Mapped ones. */
    struct vif_journal_gref grefs[VIF_GREFS_MAX];
};

struct vif_journal {
    uint64_t magic;
    uint64_t bytes;                     /* Of all. */
    uint32_t devid;
    uint32_t ctrl_rsp_prod;
    struct vif_frontend frontend;
    struct vif_hash hash;
    struct vif_mcast mcast;
    struct vif_journal_queue queues[];
};

/* How much memory the journal of 'n_queues' takes, and the same without a
 * file, in memory that is all zero. */
uint64_t vif_journal_bytes(unsigned int n_queues);
void vif_journal_init(struct vif_journal *, uint32_t devid,
                      const struct vif_frontend *frontend);

/* Makes the journal of a vif with 'frontend''s queues, all zero but for what
 * 'frontend' says.  'name' is the memfd's. */
int vif_journal_create(const char *name, uint32_t devid,
                       const struct vif_frontend *frontend, int *fd,
                       struct vif_journal **);
void vif_journal_destroy(struct vif_journal *, int fd); /* Accepts null. */

/* Is 'journal', mapped from a file of 'bytes', one that can be read? */
bool vif_journal_check(const struct vif_journal *, uint64_t bytes);

static inline uint64_t
vif_journal_state(uint32_t rsp_prod, uint32_t n)
{
    return (uint64_t) n << 32 | rsp_prod;
}

/* 'n' responses are written down and about to be given, or, with 0, all up to
 * 'rsp_prod' were given. */
static inline void
vif_journal_note(struct vif_journal_ring *ring, uint32_t rsp_prod, uint32_t n)
{
    __atomic_store_n(&ring->state, vif_journal_state(rsp_prod, n),
                     __ATOMIC_RELEASE);
}

/* Where a dead process left a ring. */
struct vif_journal_rest {
    uint32_t rsp_prod;                  /* Published. */
    uint32_t n_journaled;               /* Answers that are known. */
    uint32_t n_unanswered;              /* Requests without a published
                                         * answer, those included. */
};

/* Compares the journal with a copy of the indices on the ring's page.
 * -EPROTO: the guest has changed what is not its own, or its index ran
 * away. */
int vif_journal_rest(const struct vif_journal_ring *,
                     const struct vif_ring_page *, struct vif_journal_rest *);

/* The answer to journaled request 'i' that a successor gives: what was
 * decided on the transmit ring; on the receive ring an error, because nobody
 * knows whether the frame's bytes had arrived. */
union vif_response vif_journal_tx_answer(const struct vif_journal_queue *,
                                         uint32_t i);
union vif_response vif_journal_rx_answer(const struct vif_journal_queue *,
                                         uint32_t i);

#endif /* datapath/vif_journal.h */
