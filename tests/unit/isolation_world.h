/* A polling thread, a victim's and an attacker's vif, and the link behind them,
 * on a simulated clock: the parts of qos/ as the data path puts them together,
 * or none of them.
 *
 * Thread: one.  Owner: the caller's memory.  Errors: none. */

#ifndef TESTS_UNIT_ISOLATION_WORLD_H
#define TESTS_UNIT_ISOLATION_WORLD_H 1

#include <stdbool.h>
#include <stdint.h>

/* What the attacker does. */
struct attack {
    const char *name;
    uint32_t frame_bytes;               /* 0: no good frames. */
    uint32_t wire_frames;               /* Each becomes so many on the link;
                                         * 0: it does not go there. */
    uint64_t frame_ns;                  /* What one costs the thread. */
    uint64_t every_ns;                  /* 0: without end. */
    bool new_flow;                      /* Each needs an upcall. */
    unsigned int burst;                 /* How many a turn takes, at most. */
};

/* What is beside the victim. */
enum isolation_arm {
    ARM_ALONE,
    ARM_SPINNER,                        /* Somebody who takes the attacker's
                                         * part of the thread's time. */
    ARM_ATTACKED,                       /* Gates, accounts, fair queues. */
    ARM_OFF,                            /* None of them. */
    N_ARMS,
};

struct isolation_result {
    uint64_t mean_ns, p99_ns;           /* From the victim's ring to the end
                                         * of the link. */
    unsigned int n_sent, n_lost;
    uint64_t attacker_frames;
};

/* Half a second of it. */
void isolation_run(const struct attack *, enum isolation_arm,
                   struct isolation_result *);

#endif /* tests/unit/isolation_world.h */
