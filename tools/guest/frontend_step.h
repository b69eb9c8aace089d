/* What a frontend does next: the xenbus state machine of a vif as a pure
 * function of what the frontend sees.
 *
 * The frontend looks, asks frontend_next(), does that one step, and looks
 * again, until the answer is FRONTEND_REST.
 *
 * Thread: any.  Trust: the backend's state may be any number. */

#ifndef GUEST_FRONTEND_STEP_H
#define GUEST_FRONTEND_STEP_H 1

#include <stdbool.h>

/* What the frontend sees.  States are those of xen/io/xenbus.h; 0 where the
 * node is missing or makes no sense. */
struct frontend_view {
    bool plugged;           /* The toolstack's nodes are there. */
    bool wanted;            /* Our user wants the vif to run. */
    bool online;            /* The backend's 'online' is not 0. */
    bool rings;             /* Our rings and channels exist. */
    bool mapped;            /* The backend maps pages that it should let go
                             * before we close. */
    bool reconfigure;       /* Our user has changed the XDP headroom. */
    bool reconfigured;      /* The backend knows it, or never will. */
    bool same_backend;      /* They are for the backend that is named now. */
    bool was_connected;     /* The backend was Connected with them. */
    bool broken;            /* The backend broke the ring protocol. */
    bool may_connect;       /* No back-off is running. */
    unsigned int own;       /* Our state. */
    unsigned int backend;   /* The backend's state. */
};

enum frontend_step {
    FRONTEND_REST,          /* Nothing until something changes. */
    FRONTEND_CONNECT,       /* Make rings, write keys, then Connected. */
    FRONTEND_CLOSE,         /* Destroy the rings, then Closed. */
    FRONTEND_FORGET,        /* Destroy the rings; write nothing. */
    FRONTEND_SAY_INIT,      /* State Initialising. */
    FRONTEND_UNMAP,         /* Ask the backend to let pages go; then rest. */
    FRONTEND_RECONFIGURE,   /* Write the headroom, then Reconfiguring. */
    FRONTEND_SAY_CONNECTED, /* State Connected, as before Reconfiguring. */
    FRONTEND_SAY_CLOSING,   /* State Closing; the rings stay, unused. */
    FRONTEND_SAY_CLOSED,    /* State Closed. */
};

enum frontend_step frontend_next(const struct frontend_view *);

/* "Connected" and so on, for people. */
const char *frontend_state_name(unsigned int state);

#endif /* frontend_step.h */
