/* When to drop frames of a queue so that it does not stand: CoDel, after
 * RFC 8289.  A queue that absorbs a burst is left alone; one in which every
 * frame of the last QOS_CODEL_INTERVAL_NS waited for longer than the target
 * loses one frame, and then others ever more often, until it is short again.
 *
 * Thread: the one that takes frames off the queue.
 * Owner:  the caller's memory; all zero is a queue that is short.
 * Errors: none.   Time is passed in. */

#ifndef QOS_CODEL_H
#define QOS_CODEL_H 1

#include <stdbool.h>
#include <stdint.h>

/* The RFC's (section 4.2 to 4.4). */
#define QOS_CODEL_TARGET_NS UINT64_C(5000000)
#define QOS_CODEL_INTERVAL_NS UINT64_C(100000000)

struct qos_codel {
    uint64_t above_ns;                  /* When it will have been above the
                                         * target for an interval; 0: it is
                                         * not above. */
    uint64_t next_ns;                   /* When the next one goes. */
    uint32_t n_drops, n_drops_before;   /* Since dropping began, and at the
                                         * end of the time before. */
    bool dropping;
};

/* A frame that waited 'waited_ns' is about to leave the queue, which has
 * 'queue_bytes' with it; no more than 'frame_bytes', a frame, is as short as a
 * queue can be.  'target_ns' is QOS_CODEL_TARGET_NS, or the time
 * that a frame takes if that is longer.  True: drop it. */
bool qos_codel_drop(struct qos_codel *, uint64_t waited_ns,
                    uint64_t target_ns, uint64_t queue_bytes,
                    uint64_t frame_bytes, uint64_t now_ns);

#endif /* qos/codel.h */
