/* Whose frame is next where several wait in front of one link: first those to
 * whom the link was guaranteed, then all by weight, in byte quanta (deficit
 * round robin, Shreedhar and Varghese, SIGCOMM 1995).
 *
 * It knows sources by number; their frames are kept elsewhere.
 *
 * Thread: one at a time.   Owner: the caller's memory.
 * Errors: none.   Time is passed in. */

#ifndef QOS_FAIR_H
#define QOS_FAIR_H 1

#include <stdbool.h>
#include <stdint.h>

#include "qos/limit.h"

#define QOS_FAIR_SOURCES 64u
#define QOS_FAIR_NONE UINT32_MAX

/* What a source of weight 1 sends at a time: a frame of the usual size. */
#define QOS_FAIR_QUANTUM_BYTES 1514u

struct qos_fair_source {
    bool waits;                         /* It has frames. */
    uint32_t weight;
    int64_t deficit_bytes;              /* What it may send in its turn. */
    uint64_t first_bytes;               /* Its next frame. */
    struct qos_limit guarantee;
    uint64_t rest;
};

struct qos_fair {
    unsigned int n_turns;               /* Sources that wait: */
    uint32_t turns[QOS_FAIR_SOURCES];   /* from 'turn' on, in this order. */
    unsigned int turn;
    bool turn_begun;                    /* Its quantum was added. */
    struct qos_fair_source sources[QOS_FAIR_SOURCES];
};

void qos_fair_init(struct qos_fair *);

/* Source 'i' has frames, the first of 'first_bytes'.  A guarantee of 0
 * is none; the weight is 1 at least. */
void qos_fair_wait(struct qos_fair *, unsigned int i, uint64_t first_bytes,
                   uint32_t weight, uint64_t guarantee_bps,
                   uint64_t guarantee_burst_bytes, uint64_t now_ns);

/* Whose frame is next, QOS_FAIR_NONE if nobody waits.  '*guaranteed': because
 * the link owes it that. */
unsigned int qos_fair_next(struct qos_fair *, uint64_t now_ns,
                           bool *guaranteed);

/* That frame was sent.  The source's next one is of 'next_bytes', 0: it has no
 * more. */
void qos_fair_sent(struct qos_fair *, unsigned int i, bool guaranteed,
                   uint64_t next_bytes, uint64_t now_ns);

#endif /* qos/fair.h */
