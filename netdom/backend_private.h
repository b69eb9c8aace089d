/* One vif backend from the inside: shared by backend.c (the set, watches and
 * events) and backend_vif.c (one vif's handshake), no one else.
 *
 * Thread: main.  Owner: the set in backend.c.  Errors: see backend.h. */

#ifndef NETDOM_BACKEND_PRIVATE_H
#define NETDOM_BACKEND_PRIVATE_H 1

#include "netdom/vif_nodes.h"
#include "netdom/xenbus_fsm.h"
#include "openvswitch/hmap.h"

/* Why a vif does not do what it should, the most serious first: the first one
 * that holds is in its "error" node. */
enum backend_why {
    WHY_QUARANTINE,
    WHY_FRONTEND,
    WHY_POLICY,
    N_WHYS,
};

struct backend {
    struct hmap_node node;              /* By id. */
    struct xenvif_id id;
    uint64_t port;                      /* Its serial; 0: there is none. */
    bool dirty;                         /* Look at it. */

    /* What the handshake has to remember; the rest is in xenstore. */
    enum xenbus_state seen;             /* Frontend's state, seen last. */
    bool attached;
    bool begun;                         /* We wrote a state: Initialising
                                         * is a new vif. */
    struct xenbus_memory memory;
    bool refused, quarantined;
    bool have_policy;
    char why[N_WHYS][VIF_WHY_BYTES];    /* "": does not hold. */
    char error[VIF_WHY_BYTES];          /* In the "error" node; "": none. */
};

/* Walks the vif as far as both sides' nodes allow.  Returns true if it must
 * be looked at again at once: its share of this turn is used up. */
bool backend_vif_run(struct backend *, struct xs_handle *,
                     uint16_t own_domid);

#endif /* netdom/backend_private.h */
