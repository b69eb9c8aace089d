/* A connected vif: its queues, each with two rings and their event channels,
 * and the endpoints behind it.
 *
 * Thread: the guest's only one.
 * Owner:  vif_disconnect() gives back all that vif_connect() took.
 * Errors: 0 or -errno. */

#ifndef GUEST_VIF_H
#define GUEST_VIF_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/domain.h"
#include "tools/guest/endpoint.h"
#include "tools/guest/hash_check.h"
#include "tools/guest/offload.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tx_path.h"
#include "tools/guest/tx_ring.h"

struct guest_memory;
struct netif_extra_info;

/* How to connect: what frontend and backend agree on. */
struct vif_shape {
    uint16_t backend_domid;
    uint32_t n_queues;
    bool split;                         /* One channel per ring. */
    bool rx_notify;                     /* Kick for posted Rx buffers. */
    struct offload_set tx_takes;        /* What the backend takes, */
    struct offload_set rx_takes;        /* and what we do. */
};

struct vif_queue {
    struct tx_counters tx_counters;     /* Over all connections. */
    struct rx_counters rx_counters;

    /* While connected. */
    struct tx_ring tx;
    struct rx_ring rx;
    struct guest_channel tx_channel;
    struct guest_channel rx_channel;    /* Unused unless 'split'. */
};

struct vif {
    struct guest_domain *domain;
    struct guest_memory *memory;
    struct endpoint *source;            /* Null: nothing is sent. */
    struct endpoint *sink;              /* Null: received frames are
                                         * counted and dropped. */
    uint64_t spin_ns;                   /* How long to poll after the last
                                         * frame before sleeping. */
    struct vif_queue queues[QUEUES_MAX];
    struct hash_check hash;             /* Of received frames. */

    /* While connected. */
    bool connected;                     /* The rings exist. */
    bool up;                            /* Frames may move. */
    bool broken;                        /* The backend broke the protocol. */
    bool full;                          /* A transmit ring, just now. */
    struct vif_shape shape;
    struct tx_path path;                /* To the transmit rings. */
    uint64_t busy_ns;                   /* When a frame last moved. */
};

void vif_init(struct vif *, struct guest_domain *, struct guest_memory *);

/* Makes rings and channels.  Frames move only after vif_set_up(). */
int vif_connect(struct vif *, const struct vif_shape *);
void vif_disconnect(struct vif *, uint64_t now_ns);

/* Tells the endpoints that frames may, or may no longer, move. */
void vif_set_up(struct vif *, bool up, uint64_t now_ns);

/* Moves a batch each way.  Returns the number of frames moved. */
unsigned int vif_run(struct vif *, uint64_t now_ns);

/* Sends a request that carries 'extra' and no frame.  -ENOTCONN if frames may
 * not move, -EAGAIN if there is no room. */
int vif_send_extra(struct vif *, const struct netif_extra_info *extra);

/* Has the backend answered all that was sent?  True without rings. */
bool vif_is_drained(struct vif *);

/* Registers what wakes the vif.  Wakes at once if there is work. */
void vif_wait(struct vif *, uint64_t now_ns);

/* The channel of a queue's receive ring. */
static inline const struct guest_channel *
vif_rx_channel(const struct vif *vif, const struct vif_queue *q)
{
    return vif->shape.split ? &q->rx_channel : &q->tx_channel;
}

#endif /* vif.h */
