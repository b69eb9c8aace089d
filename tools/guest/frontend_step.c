#include "tools/guest/frontend_step.h"

#include <xen/io/xenbus.h>

/* With rings that are wanted, Connected or Reconfiguring. */
static enum frontend_step
next_connected(const struct frontend_view *v)
{
    if (v->own == XenbusStateReconfiguring) {
        return v->reconfigured ? FRONTEND_SAY_CONNECTED : FRONTEND_REST;
    }
    return v->reconfigure && v->was_connected ? FRONTEND_RECONFIGURE
                                              : FRONTEND_REST;
}

/* With rings. */
static enum frontend_step
next_with_rings(const struct frontend_view *v)
{
    if (!v->plugged) {
        return FRONTEND_FORGET;
    }
    if (v->broken || !v->same_backend) {
        return FRONTEND_CLOSE;
    }

    switch (v->backend) {
    case XenbusStateClosing:
    case XenbusStateClosed:
        return FRONTEND_CLOSE;

    case XenbusStateUnknown:
    case XenbusStateInitialising:
    case XenbusStateInitWait:
        /* Before the backend has answered our keys it is still here.  Once
         * it had answered, another one has come in its place. */
        if (v->was_connected) {
            return FRONTEND_CLOSE;
        }
        break;
    }

    if (v->own == XenbusStateConnected
        || v->own == XenbusStateReconfiguring) {
        return v->wanted ? next_connected(v)
               : v->mapped ? FRONTEND_UNMAP : FRONTEND_SAY_CLOSING;
    }
    if (v->own == XenbusStateClosing && !v->wanted) {
        return FRONTEND_REST;           /* Until the backend follows. */
    }
    /* Our state was written by someone else: the vif was plugged anew. */
    return FRONTEND_CLOSE;
}

/* Without rings, and our user wants the vif. */
static enum frontend_step
next_without_rings(const struct frontend_view *v)
{
    bool down = v->own == XenbusStateClosing || v->own == XenbusStateClosed;

    switch (v->backend) {
    case XenbusStateInitWait:
        if (down || v->own == XenbusStateConnected) {
            return v->may_connect ? FRONTEND_SAY_INIT : FRONTEND_REST;
        }
        return v->may_connect ? FRONTEND_CONNECT : FRONTEND_REST;

    case XenbusStateInitialising:
        return down && v->may_connect ? FRONTEND_SAY_INIT : FRONTEND_REST;

    case XenbusStateClosing:
        return v->own == XenbusStateClosed ? FRONTEND_REST
                                           : FRONTEND_SAY_CLOSED;

    case XenbusStateClosed:
        /* A backend that stays online waits for us to come back. */
        if (v->online) {
            return down && v->may_connect ? FRONTEND_SAY_INIT
                                          : FRONTEND_REST;
        }
        return v->own == XenbusStateClosed ? FRONTEND_REST
                                           : FRONTEND_SAY_CLOSED;

    default:
        /* Gone, or connected to rings of ours that are no more. */
        return v->own == XenbusStateConnected ? FRONTEND_SAY_CLOSED
                                              : FRONTEND_REST;
    }
}

enum frontend_step
frontend_next(const struct frontend_view *v)
{
    if (v->rings) {
        return next_with_rings(v);
    }
    if (!v->plugged) {
        return FRONTEND_REST;
    }
    if (!v->wanted) {
        return v->own == XenbusStateClosed ? FRONTEND_REST
                                           : FRONTEND_SAY_CLOSED;
    }
    return next_without_rings(v);
}

const char *
frontend_state_name(unsigned int state)
{
    static const char *const names[] = {
        [XenbusStateUnknown] = "Unknown",
        [XenbusStateInitialising] = "Initialising",
        [XenbusStateInitWait] = "InitWait",
        [XenbusStateInitialised] = "Initialised",
        [XenbusStateConnected] = "Connected",
        [XenbusStateClosing] = "Closing",
        [XenbusStateClosed] = "Closed",
        [XenbusStateReconfiguring] = "Reconfiguring",
        [XenbusStateReconfigured] = "Reconfigured",
    };

    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}
