/* The xenbus side of a vif's frontend: watches the toolstack's and the
 * backend's nodes, walks the state machine of frontend_step.h, and connects
 * and disconnects the vif.
 *
 * Thread: the guest's only one.
 * Owner:  frontend_finish() closes the vif and ends the watches.
 * Errors: logged here; frontend_run() returns -errno only where going on is
 *         of no use (xenstore went away, the endpoint cannot be set up). */

#ifndef GUEST_FRONTEND_H
#define GUEST_FRONTEND_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/control.h"
#include "tools/guest/endpoint.h"
#include "tools/guest/frontend_keys.h"
#include "tools/guest/frontend_step.h"
#include "tools/guest/vif.h"

struct frontend {
    struct guest_domain *domain;
    struct vif *vif;
    uint32_t devid;
    struct frontend_options options;
    struct control control;
    bool wanted;                        /* By our user. */

    char *dir;                          /* Our vif's directory. */
    char *backend_dir;                  /* Null: not plugged. */
    uint32_t backend_domid;
    char *rings_backend_dir;            /* Whom the rings are for. */
    struct vif_config config;
    struct frontend_view view;          /* As last seen. */
    bool carrier;                       /* The backend's word on it. */

    bool dirty;                         /* Look again. */
    uint64_t close_by_ns;               /* Give up waiting for the backend to
                                         * follow our Closing; 0: not. */
    uint64_t connect_at_ns;             /* Back-off; 0: none. */
    uint64_t connected_ns;              /* When the rings were made. */
    uint32_t backoff_ms;
    bool reconfigure;                   /* The XDP headroom is to be told. */
    bool reconfigured_before;           /* The backend was Reconfigured when
                                         * we began. */
    uint64_t reconfigured_by_ns;        /* Go on then; 0: not asked. */
    bool restart;                       /* Close in order, then go on. */

    uint64_t n_connects;                /* Times the backend connected. */
    uint64_t n_closes;
    uint64_t n_suspends;
};

int frontend_init(struct frontend *, struct guest_domain *, struct vif *,
                  uint32_t devid, const struct frontend_options *);
void frontend_finish(struct frontend *, uint64_t now_ns);

int frontend_run(struct frontend *, uint64_t now_ns);
void frontend_wait(const struct frontend *, uint64_t now_ns);

/* Is it closed, so that nothing would be lost by exiting? */
bool frontend_is_closed(const struct frontend *);

#endif /* frontend.h */
