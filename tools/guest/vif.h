/* A connected vif: its two rings, its event channels, and the endpoints
 * behind it.
 *
 * Thread: the guest's only one.
 * Owner:  vif_disconnect() gives back all that vif_connect() took.
 * Errors: 0 or -errno. */

#ifndef GUEST_VIF_H
#define GUEST_VIF_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/domain.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tx_ring.h"

struct endpoint;
struct guest_memory;

struct vif {
    struct guest_domain *domain;
    struct guest_memory *memory;
    struct endpoint *source;            /* Null: nothing is sent. */
    struct endpoint *sink;              /* Null: received frames are
                                         * counted and dropped. */
    struct tx_counters tx_counters;     /* Over all connections. */
    struct rx_counters rx_counters;
    uint64_t spin_ns;                   /* How long to poll after the last
                                         * frame before sleeping. */

    /* While connected. */
    bool connected;                     /* The rings exist. */
    bool up;                            /* Frames may move. */
    bool sg;
    bool split;                         /* One channel per ring. */
    bool broken;                        /* The backend broke the protocol. */
    bool full;                          /* The transmit ring, just now. */
    struct tx_ring tx;
    struct rx_ring rx;
    struct guest_channel tx_channel;
    struct guest_channel rx_channel;    /* Unused unless 'split'. */
    uint64_t busy_ns;                   /* When a frame last moved. */
};

void vif_init(struct vif *, struct guest_domain *, struct guest_memory *);

/* Makes rings and channels for 'backend_domid'.  Frames move only after
 * vif_set_up(). */
int vif_connect(struct vif *, uint16_t backend_domid, bool split, bool sg);
void vif_disconnect(struct vif *, uint64_t now_ns);

/* Tells the endpoints that frames may, or may no longer, move. */
void vif_set_up(struct vif *, bool up, uint64_t now_ns);

/* Moves a batch each way.  Returns the number of frames moved. */
unsigned int vif_run(struct vif *, uint64_t now_ns);

/* Has the backend answered all that was sent?  True without rings. */
bool vif_is_drained(struct vif *);

/* Registers what wakes the vif.  Wakes at once if there is work. */
void vif_wait(struct vif *, uint64_t now_ns);

#endif /* vif.h */
