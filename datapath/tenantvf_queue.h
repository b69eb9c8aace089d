/* What waits in front of the uplink: a queue for each vif that sends, served
 * fairly (qos/fair.h), as fast as a limit allows.  A vif of which enough waits
 * is held at its gate, so the rest of what it has waits in its guest; nothing
 * is lost for want of room on the wire.
 *
 * Thread: any, with the queue locked where it says so.
 * Owner:  the port.   Errors: none. */

#ifndef DATAPATH_TENANTVF_QUEUE_H
#define DATAPATH_TENANTVF_QUEUE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/thread.h"
#include "ovs-atomic.h"
#include "qos/fair.h"
#include "qos/limit.h"

struct dp_packet;
struct ds;
struct vif_backlog;

/* Frames of one vif: more than what its queues bring between two looks at its
 * backlog. */
#define TENANTVF_QUEUE_FRAMES 512u

/* How much of a vif's waits here before it is held: what the limit passes in
 * this time, between two bounds. */
#define TENANTVF_ENOUGH_US 2000u
#define TENANTVF_ENOUGH_MIN_BYTES (16u * 1024)
#define TENANTVF_ENOUGH_MAX_BYTES (256u * 1024)

struct tenantvf_frame {
    struct dp_packet *packet;
    uint32_t cost_bytes;                /* On the wire, cut to pieces. */
    int qid;                            /* Its sender's. */
};

struct tenantvf_source {
    uint64_t key;                       /* The vif's; 0: of all that is
                                         * nobody's. */
    char name[16];                      /* Of the vif's port. */
    struct vif_backlog *backlog;        /* Null: nobody's. */
    unsigned int head, n;
    struct tenantvf_frame frames[TENANTVF_QUEUE_FRAMES];
};

struct tenantvf_queue {
    struct ovs_mutex mutex;
    struct qos_fair fair OVS_GUARDED;
    struct qos_limit limit;
    uint64_t rest OVS_GUARDED;
    struct tenantvf_source *sources[QOS_FAIR_SOURCES] OVS_GUARDED;

    atomic_bool limited;
    atomic_uint32_t n_waiting;          /* Frames. */
    atomic_uint64_t n_queued;           /* Frames that went through it. */
    atomic_uint64_t n_held;             /* Times that the limit let none
                                         * pass. */
    atomic_uint64_t n_full;             /* Frames that found no room. */
};

void tenantvf_queue_init(struct tenantvf_queue *);

/* Nobody sends any more.  Frees what waits. */
void tenantvf_queue_finish(struct tenantvf_queue *);

/* Main thread.  0: no limit. */
void tenantvf_queue_set_limit(struct tenantvf_queue *, uint64_t rate_bps,
                              uint64_t burst_bytes);

/* Main thread.  Adds a line: the limit, what of it is left, what waits. */
void tenantvf_queue_describe(struct tenantvf_queue *, struct ds *);

/* Nothing waits, and nothing needs to. */
bool tenantvf_queue_is_free(struct tenantvf_queue *);

/* Takes over 'packets[0..n)', each of which costs 'costs_bytes' on the wire,
 * from the vif whose turn it is on this thread. */
void tenantvf_queue_put(struct tenantvf_queue *q,
                        struct dp_packet *const packets[],
                        const uint32_t costs_bytes[], size_t n, int qid,
                        uint64_t now_ns)
    OVS_REQUIRES(q->mutex);

/* The next frame that may be sent, the caller's; null: there is none, or not
 * before '*ready_ns', UINT64_MAX if nothing waits. */
struct dp_packet *tenantvf_queue_pop(struct tenantvf_queue *q, uint64_t now_ns,
                                     int *qid, uint64_t *ready_ns)
    OVS_REQUIRES(q->mutex);

#endif /* datapath/tenantvf_queue.h */
