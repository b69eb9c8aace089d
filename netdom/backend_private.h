/* One vif backend from the inside: shared by backend.c (the set, watches and
 * events), backend_vif.c (one vif's handshake) and backend_limits.c (what it
 * may send), no one else.
 *
 * Thread: main.  Owner: the set in backend.c.  Errors: see backend.h. */

#ifndef NETDOM_BACKEND_PRIVATE_H
#define NETDOM_BACKEND_PRIVATE_H 1

#include "netdom/pacer.h"
#include "netdom/vif_nodes.h"
#include "netdom/xenbus_fsm.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"

/* Why a vif does not do what it should, the most serious first: the first one
 * that holds is in its "error" node. */
enum backend_why {
    WHY_QUARANTINE,
    WHY_FRONTEND,
    WHY_POLICY,
    WHY_RATE,
    WHY_MTU,
    N_WHYS,
};

/* What may have changed since the last look. */
enum backend_news {
    NEWS_STATE = 1 << 0,                /* Of either side, or the port's. */
    NEWS_LIMITS = 1 << 1,               /* dom0's or the toolstack's. */
    NEWS_MTU = 1 << 2,
    NEWS_MULTICAST = 1 << 3,
    NEWS_ALL = (1 << 4) - 1,
};

/* What there is to see of a port without asking anybody; all zero: there is
 * none. */
struct backend_port {
    uint64_t serial;
    const char *malice;
    bool carrier;
    unsigned int max_queues;
};

struct backend {
    struct hmap_node node;              /* By id. */
    struct ovs_list due_node;           /* Empty: not to be looked at. */
    unsigned int news;                  /* Of enum backend_news. */
    struct pacer pacer;
    struct vlog_rate_limit rl;          /* A guest that goes in circles does
                                         * not fill the disk. */
    struct xenvif_id id;
    struct backend_port port;

    /* What the handshake has to remember; the rest is in xenstore. */
    enum xenbus_state seen;             /* Frontend's state, seen last. */
    bool looked;                        /* At what is left of the process
                                         * before. */
    bool attached;
    bool waits_for_port;                /* It does not let go of rings yet. */
    bool begun;                         /* We wrote a state: Initialising
                                         * is a new vif. */
    struct xenbus_memory memory;
    bool refused;
    struct quarantine quarantine;
    bool unsaved;                       /* The node says otherwise. */
    int carrier;                        /* In the node; -1: not written. */
    unsigned int offered_queues;        /* The same; 0. */

    /* What was good last.  Without both there is no connection. */
    bool have_policy, have_rate;
    struct xenvif_policy policy;        /* dom0's. */
    struct qos_profile rate;            /* The toolstack's. */

    char why[N_WHYS][VIF_WHY_BYTES];    /* "": does not hold. */
    char error[VIF_WHY_BYTES];          /* In the "error" node; "": none. */
};

/* Walks the vif as far as both sides' nodes allow.  Returns true if it must
 * be looked at again at once: its share of this turn is used up. */
bool backend_vif_run(struct backend *, struct xs_handle *,
                     uint16_t own_domid, unsigned int news);

/* Notes why something is not as it should be, "" if it is, in the log and the
 * "error" node. */
void backend_set_why(struct backend *, struct xs_handle *,
                     uint16_t own_domid, enum backend_why, const char *text);

/* Reads limits and identity and puts the tighter ones in force. */
void backend_refresh_limits(struct backend *, struct xs_handle *,
                            uint16_t own_domid);
void backend_refresh_mtu(struct backend *, struct xs_handle *,
                         uint16_t own_domid);

/* The limit in force for what the guest sends, and who set it: a word. */
struct qos_profile backend_tx_limit(const struct backend *,
                                    const char **source);

#endif /* netdom/backend_private.h */
