/* A limit that any number of threads draw from at once: so many bytes, or
 * packets, per second, with a burst.  No lock, and no leases, which would each
 * be an extra burst.
 *
 * It is the generic cell rate algorithm (ITU-T I.371, annex A): what is kept
 * is the time at which the limit will be full again, in whole nanoseconds, in
 * one 64-bit word that is moved on by compare-and-swap.  What is left of a
 * nanosecond when something is charged stays with the thread that was charged,
 * in a 'rest', and counts next time: so nothing is lost or gained however
 * often it is asked, whatever the rate.
 *
 * The window rule that follows: in any window of w seconds no more passes than
 * rate * w + burst, plus one frame if there are frames larger than the burst,
 * plus what passes in one nanosecond for each thread.
 *
 * Thread: any, but for qos_limit_init() and qos_limit_set(), which are for one
 *         thread at a time; they may run while others draw.  A rest belongs
 *         to one thread, and to one limit.
 * Owner:  the caller's memory; there is nothing to free.
 * Time:   monotonic, below 2^59 ns (18 years).  One that runs backwards earns
 *         nothing; clocks of different threads may differ, which widens the
 *         window by as much.
 * Errors: none; what is set was checked before. */

#ifndef QOS_LIMIT_H
#define QOS_LIMIT_H 1

#include <stdbool.h>
#include <stdint.h>

/* More than this is never charged at once. */
#define QOS_CHARGE_MAX ((1u << 31) - 1)

enum qos_unit {
    QOS_BYTES,                          /* Rates are in bit/s. */
    QOS_PACKETS,
};

/* How fast, and how much at once. */
struct qos_pace {
    uint64_t rate;                      /* Bits or packets per second; 0: no
                                         * limit. */
    uint64_t burst;                     /* Bytes or packets, below 2^31. */
    uint64_t unit_ns;                   /* What one costs at a rate of 1. */
    uint64_t burst_ns;                  /* Time in which it fills. */
};

struct qos_limit {
    uint64_t word;                      /* Full-again time << 4, generation. */
    struct qos_pace paces[2];           /* The generation's last bit says
                                         * which is in force. */
};

/* Starts full. */
void qos_limit_init(struct qos_limit *, enum qos_unit, uint64_t rate,
                    uint64_t burst);

/* From now on 'rate' and 'burst' hold.  What was earned until 'now_ns' is
 * earned at the old rate, debt stays, and credit above the new burst is gone,
 * so that a change makes neither a burst nor a gap. */
void qos_limit_set(struct qos_limit *, uint64_t rate, uint64_t burst,
                   uint64_t now_ns);

/* Is there a limit at all? */
bool qos_limit_on(const struct qos_limit *);

/* What is in force. */
struct qos_pace qos_limit_pace(const struct qos_limit *);

/* How much may pass now, behind 'reserve', which is left alone; UINT64_MAX if
 * there is no limit.  If the next frame, of 'first', is larger than the burst
 * without the reserve, it passes when that is half full, and leaves a debt:
 * late, never stuck. */
uint64_t qos_limit_room(const struct qos_limit *, uint64_t first,
                        uint64_t reserve, uint64_t now_ns);

/* Takes 'n', whose first frame is 'first', if there is room for them, and
 * returns true; otherwise takes nothing. */
bool qos_limit_take(struct qos_limit *, uint64_t n, uint64_t first,
                    uint64_t reserve, uint64_t now_ns, uint64_t *rest);

/* Takes 'n' whatever there is: it has passed.  The debt delays what follows. */
void qos_limit_owe(struct qos_limit *, uint64_t n, uint64_t now_ns,
                   uint64_t *rest);

/* Gives back 'n' that were taken and have not passed. */
void qos_limit_give(struct qos_limit *, uint64_t n, uint64_t now_ns,
                    uint64_t *rest);

/* When there will be room for a frame of 'first'; 'now_ns' if there is. */
uint64_t qos_limit_ready_ns(const struct qos_limit *, uint64_t first,
                            uint64_t reserve, uint64_t now_ns);

/* What passes in 'ns', at most the burst; 0 if there is no limit. */
uint64_t qos_limit_earned(const struct qos_limit *, uint64_t ns);

/* What may pass now, below 0 if it owes; 0 if there is no limit. */
int64_t qos_limit_credit(const struct qos_limit *, uint64_t now_ns);

#endif /* qos/limit.h */
