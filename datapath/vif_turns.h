/* Queues that share one limit draw from it in turns: where credit comes slower
 * than frames, it would otherwise all go to whoever is polled first.
 *
 * A queue that wants more than there is waits; whoever has the turn draws
 * next, and passes it on once it has drawn something.  One that does not come
 * loses its turn.
 *
 * Thread: one at a time, under the limit.   Owner: the limit; all zero is
 *         empty.
 * Errors: none.   Time is passed in. */

#ifndef DATAPATH_VIF_TURNS_H
#define DATAPATH_VIF_TURNS_H 1

#include <stdbool.h>
#include <stdint.h>

/* How late a queue may come: a thread that shares its core comes by every few
 * milliseconds only. */
#define VIF_TURNS_LATE_NS UINT64_C(5000000)

struct vif_turns {
    uint32_t waiting;                   /* Queues, a bit each. */
    unsigned int next;                  /* Whose turn it is, if any waits. */
    uint64_t ready_ns;                  /* When it should come. */
};

/* May queue 'id' draw now?  If not, it waits from now on. */
static inline bool
vif_turns_mine(struct vif_turns *turns, unsigned int id, uint64_t now_ns)
{
    if (!(turns->waiting & ~(1u << id)) || turns->next == id) {
        return true;
    }
    if (now_ns > turns->ready_ns + VIF_TURNS_LATE_NS) {
        turns->waiting &= ~(1u << turns->next);
        turns->next = id;
        return true;
    }
    turns->waiting |= 1u << id;
    return false;
}

/* Queue 'id' was here and 'drew' something, or not.  'ready_ns' says when
 * there is enough for what it wants besides; 0: nothing. */
static inline void
vif_turns_drawn(struct vif_turns *turns, unsigned int id, bool drew,
                uint64_t ready_ns, uint64_t now_ns)
{
    turns->waiting &= ~(1u << id);
    turns->waiting |= (uint32_t) (ready_ns != 0) << id;
    turns->next = id;
    turns->ready_ns = ready_ns > now_ns ? ready_ns : now_ns;
    if (turns->waiting & ~(1u << id) && (drew || !ready_ns)) {
        turns->ready_ns = now_ns;
        do {
            turns->next = (turns->next + 1) % 32;
        } while (!(turns->waiting & 1u << turns->next));
    }
}

#endif /* datapath/vif_turns.h */
