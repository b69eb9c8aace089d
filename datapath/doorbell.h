/* How a PMD thread of OVS sleeps when its VIFs are idle.
 *
 * OVS 3.1 polls for ever.  A doorbell collects the receive queues that one
 * PMD thread polls (its members); after DOORBELL_QUIET_NS without work it
 * asks every member to arm its interrupt, lets one more whole turn pass, and
 * then blocks on one epoll descriptor until a member's descriptor fires,
 * another thread kicks it, a member's deadline passes (a rate limit that
 * lets the next frame go), or DOORBELL_SLEEP_MAX_NS is over: OVS's main
 * thread waits for this thread at times, so it must come by.  RCU does not wait
 * for one that sleeps.
 *
 * Thread: doorbell_poll() and doorbell_report() on the polling thread;
 *         doorbell_leave() and the functions for all on any other.
 * Owner:  a member is embedded in its queue, which destroys it before it is
 *         freed.  A queue that OVS moves to another thread changes doorbells
 *         when that thread polls it first.
 * Errors: none; where epoll cannot be had the thread just polls. */

#ifndef DATAPATH_DOORBELL_H
#define DATAPATH_DOORBELL_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/list.h"
#include "ovs-atomic.h"

#define DOORBELL_QUIET_NS 50000ull
#define DOORBELL_SLEEP_MAX_NS 10000000ull
#define DOORBELL_FDS_MAX 2

struct doorbell;
struct doorbell_member;

struct doorbell_ops {
    /* Makes the source wake us at its next work.  True: there is work now. */
    bool (*arm)(struct doorbell_member *);
    /* The thread woke up, by whatever. */
    void (*woke)(struct doorbell_member *);
};

struct doorbell_member {
    const struct doorbell_ops *ops;
    ATOMIC(struct doorbell *) doorbell; /* Whose member it is, or null. */
    struct ovs_list node;               /* Under the doorbell's mutex. */
    uint64_t deadline_ns;               /* UINT64_MAX: none. */
    bool polled;                        /* Since its doorbell looked. */
    unsigned int n_fds;
    int fds[DOORBELL_FDS_MAX];          /* Duplicates, the member's own: they
                                         * are never another file's. */
};

void doorbell_member_init(struct doorbell_member *,
                          const struct doorbell_ops *);
/* The member is not polled any more. */
void doorbell_leave(struct doorbell_member *);
/* And never will be. */
void doorbell_member_destroy(struct doorbell_member *);

/* The clock of all times here: monotonic, read once per batch. */
uint64_t doorbell_now_ns(void);

/* Called first in each rxq_recv: joins this thread's doorbell if need be,
 * and sleeps if this is the moment for it: nothing that RCU protects is held.
 * 'now_ns' is monotonic; returns the time after a sleep, otherwise 'now_ns'. */
uint64_t doorbell_poll(struct doorbell_member *, uint64_t now_ns);

/* How often this thread has polled all of its members. */
uint64_t doorbell_rounds(void);

/* The member that this thread polled last: what it does now, it does for the
 * member's frames.  Null: there is none, or it has left; any thread may ask. */
struct doorbell_member *doorbell_polled(void);

/* Called last in each rxq_recv: whether this turn brought work, and when the
 * queue has something to do even if nothing comes in. */
void doorbell_report(struct doorbell_member *, bool busy,
                     uint64_t deadline_ns, uint64_t now_ns);

/* The descriptors that wake the member's thread, at most DOORBELL_FDS_MAX.
 * They replace the ones before and stay the caller's: the doorbell watches
 * duplicates.  Called on the polling thread, or before there is one. */
void doorbell_set_fds(struct doorbell_member *, const int fds[],
                      unsigned int n);

/* Something was put in the member's queue: wakes its thread if it sleeps, or
 * has it look once more if it is the caller. */
void doorbell_kick(struct doorbell_member *);

/* Main thread.  Wakes all: OVS is about to wait for its PMD threads. */
void doorbell_kick_all(void);
/* Main thread.  False as long as a port polled by a PMD thread cannot wake
 * it (a class that is not ours). */
void doorbell_allow_sleep(bool allow);

/* Sums since the start, for "xenvif/show". */
struct doorbell_counts {
    uint64_t sleeps, kicks;
};
void doorbell_get_counts(struct doorbell_counts *);

#endif /* datapath/doorbell.h */
