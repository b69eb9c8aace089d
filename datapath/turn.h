/* Whose turn it is on a polling thread, and how much of its time that takes:
 * from when a queue was polled until the thread came to the next port of ours,
 * whatever Open vSwitch did for its frames in between.  How the time is shared
 * is qos/cpu.h's business.
 *
 * Two things are somebody else's: while the thread was not running, and moving
 * frames into the guest's ring, for which those pay who sent them.
 *
 * Thread: the polling thread, each its own.   Owner: the thread.
 * Errors: none. */

#ifndef DATAPATH_TURN_H
#define DATAPATH_TURN_H 1

#include <stdbool.h>
#include <stdint.h>

/* One of several queues of a vif. */
struct turn {
    uint64_t key;                       /* The vif's; 0: nobody's. */
    unsigned int n_queues;
    uint64_t quantum_ns;                /* For all of them, once round. */
    unsigned int account;               /* Kept from turn to turn. */
};

/* The turn before is over.  Called first in each rxq_recv. */
void turn_end(uint64_t now_ns);

/* The turn of '*t' begins, which was polled at 'polled_ns' and had the thread
 * from 'now_ns' on.  Returns how many frames it may bring, at most 'max'; 0:
 * others are first. */
unsigned int turn_begin(struct turn *t, uint64_t polled_ns, uint64_t now_ns,
                        unsigned int max);

/* So much of this turn was for others' sake. */
void turn_for_others(uint64_t ns);

/* It brought so many frames, good or bad, and could bring more. */
void turn_brought(unsigned int n_frames, bool more);

/* What was sent will take so much of somebody's time. */
void turn_owe(uint64_t ns);

/* What the turns of '*t' took since this was asked. */
uint64_t turn_told(const struct turn *t);

#endif /* datapath/turn.h */
