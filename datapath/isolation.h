/* Whether this process keeps its vifs apart: turns on the polling threads by
 * what each used (turn.h), a bound on each one's upcalls and on what sets of
 * bits their flows look at (megaflow.h), a share for each sender in the queues
 * in front of guests (xenvif_send.c), a queue for each in front of the uplink
 * (tenantvf_queue.h).  Off only to be compared with; what then is left is Open
 * vSwitch's own round robin, and queues that are full.
 *
 * Thread: any.   Owner: static.   Errors: none. */

#ifndef DATAPATH_ISOLATION_H
#define DATAPATH_ISOLATION_H 1

#include <stdbool.h>

#include "ovs-atomic.h"

extern atomic_bool isolation_on;

static inline bool
isolation_is_on(void)
{
    bool on;

    atomic_read_relaxed(&isolation_on, &on);
    return on;
}

#endif /* datapath/isolation.h */
