/* What a frontend says on the control ring, request by request: the backend
 * shall hash what it delivers and choose queues by it, and keep the frontend's
 * pages mapped, until the frontend ends that.
 *
 * Whoever drives the script takes a request, waits for its response, gives
 * that to the script, and takes the next.
 *
 * Thread: one at a time.  Pure, but for the table, a page that the requests
 * refer to.
 * Trust:  responses may say anything. */

#ifndef GUEST_CONTROL_SCRIPT_H
#define GUEST_CONTROL_SCRIPT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/toeplitz.h"
#include "tools/guest/tx_path.h"

/* Entries of the table from hash to queue. */
#define CONTROL_MAPPING_SIZE 128u

struct rx_ring;
struct xen_netif_ctrl_request;
struct xen_netif_ctrl_response;

enum control_step {
    CONTROL_ALGORITHM,
    CONTROL_KEY,
    CONTROL_MAPPING_SIZE_STEP,
    CONTROL_MAPPING,
    CONTROL_FLAGS,                      /* Last: only now does it hash. */
    CONTROL_GREF_SIZE,                  /* These two for each queue. */
    CONTROL_GREF_ADD,
    CONTROL_DONE,                       /* Rests here until told to end. */
    CONTROL_GREF_DEL,                   /* For each queue. */
    CONTROL_END,
};

struct control_wishes {
    bool hash;
    uint8_t hash_key[TOEPLITZ_KEY_BYTES];   /* Padded with zeros. */
    uint32_t hash_key_bytes;
    bool persistent_grants;
};

struct control_script {
    const struct control_wishes *wishes;
    uint32_t n_queues;
    const struct tx_ring *tx[QUEUES_MAX];
    const struct rx_ring *rx[QUEUES_MAX];

    enum control_step step;
    uint32_t queue;                     /* Of a step for each queue. */
    bool hash_failed;
    bool hashing;                       /* The backend does. */
    bool grants_refused;                /* It knows no such thing. */
    uint32_t n_mapped[QUEUES_MAX];      /* Pages that it keeps mapped. */
    uint32_t n_listed;                  /* In the request just made. */
};

void control_script_init(struct control_script *,
                         const struct control_wishes *, uint32_t n_queues);

/* Writes the next request, and what it refers to into 'table', the page of
 * 'table_gref'.  False if there is nothing to say now. */
bool control_script_next(struct control_script *, void *table,
                         uint32_t table_gref, struct xen_netif_ctrl_request *);

/* Takes the response to that request and moves on.  False if it is the
 * response to another. */
bool control_script_answer(struct control_script *,
                           const struct xen_netif_ctrl_request *,
                           const struct xen_netif_ctrl_response *);

/* Has it come to where it rests? */
static inline bool
control_script_is_done(const struct control_script *s)
{
    return s->step == CONTROL_DONE || s->step == CONTROL_END;
}

/* Pages that the backend keeps mapped. */
uint32_t control_script_mapped(const struct control_script *);

/* Begins to end the mappings, from CONTROL_DONE. */
void control_script_unmap(struct control_script *);

#endif /* control_script.h */
