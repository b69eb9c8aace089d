/* A guest's control ring (xen/io/netif.h): how its frames are to be spread
 * over its queues, and which pages stay mapped.
 *
 * Thread: main; what the polling threads use is swapped, never changed, and
 *         freed through 'retire'.
 * Owner:  whoever called vif_ctrl_open(); the queues are the caller's and
 *         outlive it.
 * Errors: 0 or -errno; what a guest gets wrong is answered on the ring.  A
 *         producer index that cannot be is malice: run says so, for good.
 * Trust:  each request is copied once and judged; tables in granted pages are
 *         copied before they are looked at; requests per turn are bounded by
 *         VIF_CTRL_REQUESTS_PER_TURN, one if it is about mapped pages, and
 *         turns are VIF_CTRL_TURN_NS apart, or VIF_CTRL_GREFS_TURN_NS. */

#ifndef DATAPATH_VIF_CTRL_H
#define DATAPATH_VIF_CTRL_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_hash.h"

#define VIF_CTRL_REQUESTS_PER_TURN 8u
#define VIF_CTRL_TURN_NS UINT64_C(2000000)
#define VIF_CTRL_GREFS_TURN_NS UINT64_C(20000000)

struct vif_ctrl;

/* What the caller does for it. */
struct vif_ctrl_ops {
    /* 'hash' is in force from now on; copied. */
    void (*set_hash)(void *aux, const struct vif_hash *hash);
    /* Calls 'done(arg)' on the main thread, later, when no polling thread can
     * hold what it held until now. */
    void (*retire)(void *aux, void (*done)(void *arg), void *arg);
};

/* Takes up the control ring of 'journal''s vif, whose queues are
 * 'queues[0..n_queues)'. */
int vif_ctrl_open(const struct xen_ops *, struct xen_platform *,
                  struct vif_journal *journal, struct vif_conn *const *queues,
                  const struct vif_ctrl_ops *, void *aux, struct vif_ctrl **);

/* Lets go of the ring and of all mapped pages.  No polling thread uses the
 * queues any more, and nothing that was retired is still to come.  Accepts
 * null. */
void vif_ctrl_close(struct vif_ctrl *);

/* Answers requests.  Returns when it wants to run again even without an event
 * (UINT64_MAX: never), or 0: the guest broke the protocol. */
uint64_t vif_ctrl_run(struct vif_ctrl *, uint64_t now_ns);

/* Readable: there is something to run for. */
int vif_ctrl_fd(const struct vif_ctrl *);

/* Is something still to come from 'retire'? */
bool vif_ctrl_busy(const struct vif_ctrl *);

uint64_t vif_ctrl_n_requests(const struct vif_ctrl *);

#endif /* datapath/vif_ctrl.h */
