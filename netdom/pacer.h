/* How often one vif may have the main thread's attention, which looks at its
 * nodes in xenstore: a handshake's burst at once, and then so many a second.
 * What a guest causes beyond that waits, and is one look however much it is.
 *
 * Thread: one at a time.  Owner: the caller's memory.  Errors: none. */

#ifndef NETDOM_PACER_H
#define NETDOM_PACER_H 1

#include <stdbool.h>
#include <stdint.h>

#include "qos/limit.h"

#define PACER_LOOKS_PER_S 50u
#define PACER_BURST_LOOKS 32u

struct pacer {
    struct qos_limit limit;
    uint64_t rest, asked_ns;
    bool waits;
    uint64_t n_looks;
    uint64_t n_deferred;                /* Of these, those that waited. */
};

void pacer_init(struct pacer *, uint64_t now_ns);

/* Returns true, and counts, if a look may be had now. */
bool pacer_may_look(struct pacer *, uint64_t now_ns);

/* How long from the last call until the next look may be had. */
uint64_t pacer_wait_ns(const struct pacer *);

#endif /* netdom/pacer.h */
