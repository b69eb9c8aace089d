/* What a source of frames sends through: the vif's transmit rings, and what
 * the backend takes from them.  Frames of one flow go to one ring.
 *
 * Thread: one at a time. */

#ifndef GUEST_TX_PATH_H
#define GUEST_TX_PATH_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/offload.h"
#include "tools/guest/tx_ring.h"

/* Most queues of a vif. */
#define QUEUES_MAX 8u

struct tx_path {
    struct tx_ring *rings[QUEUES_MAX];
    uint32_t n_rings;
    struct offload_set takes;
};

/* Has each ring room for a frame of 'n_slots', its extra slot among them? */
static inline bool
tx_path_has_room(const struct tx_path *path, uint32_t n_slots)
{
    bool room = true;

    for (uint32_t i = 0; i < path->n_rings; i++) {
        room &= tx_ring_has_room(path->rings[i], n_slots);
    }
    return room;
}

#endif /* tx_path.h */
