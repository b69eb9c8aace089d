/* A polling thread's time, shared by those that it polls in turn.
 *
 * What one used, from when it was polled until the thread came to the next, is
 * known only afterwards.  So each has an account of the time that it used, and
 * whoever is ahead of the busy one that used least, by more than a quantum, is
 * not polled until the others have caught up: start-time fair queuing, with
 * time in place of bytes.  What one does not use, the others have.
 *
 * How much one is given to do in a turn is as much as would fit the quantum,
 * going by what its frames cost so far: so its neighbours wait for it no longer
 * than a quantum, or one frame.
 *
 * Thread: the polling thread.   Owner: the caller's memory; all zero is a
 *         thread, or a member, of whom nothing is known.
 * Errors: none.   Time is passed in. */

#ifndef QOS_CPU_H
#define QOS_CPU_H 1

#include <stdbool.h>
#include <stdint.h>

/* More than a burst of small frames takes, so that these come whole; little
 * enough to wait for. */
#define QOS_CPU_QUANTUM_NS 50000u

/* What took longer than this was no frame's doing. */
#define QOS_CPU_USE_MAX_NS 20000000u

/* Costs are averages over this many turns. */
#define QOS_CPU_TURNS 4

/* A polling thread. */
struct qos_cpu {
    uint64_t id;                        /* No other thread's account. */
    uint64_t floor_ns;                  /* What the busy one used that used
                                         * least, one round ago. */
    uint64_t least_ns;                  /* The same, in this round so far. */
    bool some;                          /* There was one. */
};

/* One that it polls. */
struct qos_cpu_share {
    const struct qos_cpu *cpu;          /* Whose account 'used_ns' is of, and
                                         * which: compared, not followed. */
    uint64_t cpu_id;
    uint64_t used_ns;
    uint32_t frame_ns;                  /* What a frame costs, on average. */
    bool busy;                          /* It had frames the last time. */
};

/* All have had their turn. */
static inline void
qos_cpu_round(struct qos_cpu *cpu)
{
    if (cpu->some) {
        cpu->floor_ns = cpu->least_ns;
        cpu->some = false;
    }
}

/* The turn of 'share' has come.  Returns how many frames it may have, at most
 * 'max'; 0: others are first. */
static inline unsigned int
qos_cpu_turn(struct qos_cpu *cpu, struct qos_cpu_share *share,
             unsigned int max)
{
    /* One that was idle begins where the busy ones are. */
    if (!share->busy && share->used_ns < cpu->floor_ns) {
        share->used_ns = cpu->floor_ns;
    }
    if (share->used_ns > cpu->floor_ns + QOS_CPU_QUANTUM_NS) {
        return 0;
    }
    if ((uint64_t) share->frame_ns * max <= QOS_CPU_QUANTUM_NS) {
        return max;
    }

    unsigned int n = QOS_CPU_QUANTUM_NS / share->frame_ns;
    return n > max ? max : n ? n : 1;
}

/* What 'share', one of 'n_shares' of its vif, used since its turn: 'used_ns'
 * for 'n_frames'.  'waits': it had its turn, or not, and there are more. */
static inline void
qos_cpu_charge(struct qos_cpu *cpu, struct qos_cpu_share *share,
               unsigned int n_shares, uint64_t used_ns,
               unsigned int n_frames, bool waits)
{
    if (share->cpu != cpu || share->cpu_id != cpu->id) {
        /* It came from another thread, and begins as a newcomer here. */
        share->cpu = cpu;
        share->cpu_id = cpu->id;
        share->used_ns = 0;
        share->busy = false;
        return;
    }
    if (used_ns > QOS_CPU_USE_MAX_NS) {
        used_ns = QOS_CPU_USE_MAX_NS;
    }
    share->used_ns += used_ns * n_shares;
    if (n_frames) {
        int64_t frame_ns = used_ns / n_frames;

        share->frame_ns += (frame_ns - (int64_t) share->frame_ns)
                           / QOS_CPU_TURNS;
    }
    share->busy = n_frames || waits;
    if (share->busy && (!cpu->some || share->used_ns < cpu->least_ns)) {
        cpu->least_ns = share->used_ns;
        cpu->some = true;
    }
}

#endif /* qos/cpu.h */
