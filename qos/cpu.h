/* A polling thread's time, shared by those whose frames it polls for in turn.
 *
 * What one uses, from when it was polled until the thread came to the next, is
 * known only afterwards: a frame that needs a flow of its own takes a thousand
 * times as long as another.  So there is an account for each.  In a round, in
 * which each had its turn, all may use as much as the one that used least of
 * those that were left wanting more; what one used beyond that is a debt, and
 * one that owes a round gets no turn.  So those that want all they can get have
 * equal parts of the time, whatever their frames cost (deficit round robin,
 * Shreedhar and Varghese, SIGCOMM 1995, with time in place of bytes, and a
 * quantum that is what the others could use); and in a round that left nobody
 * wanting, debts are forgiven: nobody waits for the sake of waiting.
 *
 * How much one is given to do at once is what would fit the quantum, going by
 * what its frames cost so far: so whoever comes waits no longer than a quantum
 * or one frame, and where frames suddenly get dear, a burst of them.
 *
 * Thread: the polling thread.
 * Owner:  the caller's memory; all zero is a thread of which nothing is known.
 * Errors: none.   Time is passed in. */

#ifndef QOS_CPU_H
#define QOS_CPU_H 1

#include <stdbool.h>
#include <stdint.h>

/* More than a burst of small frames takes, so that these come whole; little
 * enough to wait for. */
#define QOS_CPU_QUANTUM_NS 50000u

/* Nobody owes more: what took longer was no frame's doing. */
#define QOS_CPU_DEBT_MAX_NS 5000000u

/* A frame's cost goes up at once, and down by this part of the way a turn. */
#define QOS_CPU_FORGET 8

/* More than these share no thread; those that find no room have their turns
 * free. */
#define QOS_CPU_ACCOUNTS 256u
#define QOS_CPU_NONE UINT32_MAX

struct qos_cpu_account {
    uint64_t key;
    uint64_t round;                     /* When it was seen last. */
    uint64_t debt_ns;
    uint64_t used_ns;                   /* In this round. */
    uint64_t total_ns;                  /* Not yet told: qos_cpu_told(). */
    uint32_t frame_ns;                  /* What a frame costs. */
    bool wants;                         /* It was left wanting more. */
    bool waits;                         /* It had no turn, for its debt. */
};

struct qos_cpu {
    uint64_t round;
    uint64_t allowed_ns;                /* Last round. */
    unsigned int n_accounts;
    struct qos_cpu_account accounts[QOS_CPU_ACCOUNTS];
};

/* All have had their turns: settles what each used. */
void qos_cpu_round(struct qos_cpu *);

/* The account of 'key', which is not 0: an index, QOS_CPU_NONE if there is no
 * room.  'hint' is what was returned last time, or anything. */
unsigned int qos_cpu_account(struct qos_cpu *, uint64_t key,
                             unsigned int hint);

/* One of the account's 'n_turns' in a round has come, which together may take
 * 'quantum_ns' or one frame each.  Returns how many frames it may have, at most
 * 'max'; 0: others are first. */
unsigned int qos_cpu_turn(struct qos_cpu *, unsigned int account,
                          unsigned int n_turns, uint64_t quantum_ns,
                          unsigned int max);

/* That turn is over, in which it used 'used_ns' for 'n_frames', good or bad.
 * 'wants': there are more, which it would have taken. */
void qos_cpu_charge(struct qos_cpu *, unsigned int account, uint64_t used_ns,
                    unsigned int n_frames, bool wants);

/* What it used since this was asked last. */
uint64_t qos_cpu_told(struct qos_cpu *, unsigned int account);

#endif /* qos/cpu.h */
