#include "netdom/xenbus_fsm.h"

/* True if a frontend in 'state' uses rings, or believes that it does. */
static bool
is_up(enum xenbus_state state)
{
    return state == XENBUS_CONNECTED || state == XENBUS_RECONFIGURING;
}

/* True if nothing but the frontend's state can stand in a connection's
 * way. */
static bool
may_connect(const struct xenbus_input *in)
{
    return (in->online && in->have_port && in->have_policy
            && !in->quarantined && !in->refused && !in->unseen);
}

/* True if a frontend could begin, or is about to. */
static bool
may_begin(const struct xenbus_input *in)
{
    if (!in->online || !in->have_port || in->quarantined) {
        return false;
    }
    switch (in->theirs) {
    case XENBUS_INITIALISING:
    case XENBUS_INIT_WAIT:
    case XENBUS_INITIALISED:
        return true;
    case XENBUS_CONNECTED:
    case XENBUS_RECONFIGURING:
        /* A frontend that was there before us (boot from the network, or our
         * restart before anything was attached). */
        return !in->unseen && !in->refused;
    case XENBUS_CLOSED:
        /* We closed, it followed: invite it back.  If it closed by itself it
         * comes back by itself. */
        return in->invite;
    case XENBUS_UNKNOWN:
    case XENBUS_CLOSING:
    case XENBUS_RECONFIGURED:           /* No honest frontend's. */
    case XENBUS_N_STATES:
        break;
    }
    return false;
}

/* From Connected, or with rings attached: down, one step at a time. */
static enum xenbus_action
go_down(const struct xenbus_input *in)
{
    if (in->ours != XENBUS_CLOSING && in->ours != XENBUS_CLOSED) {
        return XENBUS_SET_CLOSING;
    }
    switch (in->link) {
    case XENBUS_ATTACHED:
        return XENBUS_DETACH;
    case XENBUS_DETACHING:
        return XENBUS_WAIT;
    case XENBUS_DETACHED:
        break;
    }
    return in->ours == XENBUS_CLOSED ? XENBUS_WAIT : XENBUS_SET_CLOSED;
}

/* Both sides have had a connection. */
static enum xenbus_action
stay_up(const struct xenbus_input *in)
{
    if (in->resume && in->link == XENBUS_DETACHED && is_up(in->theirs)
        && in->online && in->have_port && !in->quarantined && !in->refused) {
        return in->have_policy ? XENBUS_ATTACH : XENBUS_WAIT;
    }
    if (!is_up(in->theirs) || !may_connect(in)
        || in->link != XENBUS_ATTACHED) {
        return go_down(in);
    }

    bool asks = in->theirs == XENBUS_RECONFIGURING;
    bool answered = in->ours == XENBUS_RECONFIGURED;
    return (asks == answered ? XENBUS_WAIT
            : asks ? XENBUS_RECONFIGURE : XENBUS_SET_CONNECTED);
}

enum xenbus_action
xenbus_next(const struct xenbus_input *in)
{
    switch (in->ours) {
    case XENBUS_CONNECTED:
    case XENBUS_RECONFIGURED:
        return stay_up(in);

    case XENBUS_CLOSING:
        return go_down(in);

    case XENBUS_CLOSED:
        if (in->link != XENBUS_DETACHED) {
            return go_down(in);
        }
        if (!in->online && (in->theirs == XENBUS_CLOSED
                            || in->theirs == XENBUS_UNKNOWN)) {
            return XENBUS_REMOVE;
        }
        return may_begin(in) ? XENBUS_WRITE_FEATURES : XENBUS_WAIT;

    case XENBUS_INIT_WAIT:
        if (in->link != XENBUS_DETACHED) {
            return go_down(in);
        }
        if (in->theirs == XENBUS_CONNECTED && may_connect(in)) {
            return XENBUS_ATTACH;
        }
        /* A frontend that closes before it ever connected gets its answer,
         * or it would wait for ever. */
        if (!in->online || !in->have_port || in->quarantined
            || in->theirs == XENBUS_CLOSING
            || (in->theirs == XENBUS_CLOSED && !in->invite)) {
            return XENBUS_SET_CLOSING;
        }
        return XENBUS_WAIT;

    case XENBUS_UNKNOWN:
    case XENBUS_INITIALISING:
    case XENBUS_INITIALISED:
    case XENBUS_RECONFIGURING:
    case XENBUS_N_STATES:
        break;
    }

    /* The toolstack has just made the vif. */
    if (in->link != XENBUS_DETACHED) {
        return go_down(in);
    }
    if (!in->online || in->quarantined || in->theirs == XENBUS_CLOSING) {
        return XENBUS_SET_CLOSING;
    }
    return in->have_port ? XENBUS_WRITE_FEATURES : XENBUS_WAIT;
}

static bool
is_down(enum xenbus_state state)
{
    return state == XENBUS_CLOSING || state == XENBUS_CLOSED;
}

/* True if a frontend in 'state' is on its way to a connection. */
static bool
is_coming(enum xenbus_state state)
{
    return (state == XENBUS_INITIALISING || state == XENBUS_INIT_WAIT
            || state == XENBUS_INITIALISED);
}

void
xenbus_looked(struct xenbus_memory *m, enum xenbus_state ours,
              enum xenbus_state theirs)
{
    if (!m->known) {
        /* What an earlier process left half closed was its wish. */
        m->known = true;
        m->unseen = m->invite = is_down(ours);
        m->resume = ours == XENBUS_CONNECTED || ours == XENBUS_RECONFIGURED;
    }
    if (!is_up(theirs)) {
        m->unseen = m->resume = false;
        if (is_coming(theirs)) {
            m->invite = false;          /* By itself. */
        }
    }
}

void
xenbus_closing(struct xenbus_memory *m, enum xenbus_state theirs)
{
    m->resume = false;
    if (is_up(theirs)) {
        m->unseen = m->invite = true;
    }
}

void
xenbus_pardoned(struct xenbus_memory *m, enum xenbus_state theirs)
{
    m->unseen = is_up(theirs);
    m->invite = true;
}

void
xenbus_connected(struct xenbus_memory *m)
{
    m->unseen = m->invite = m->resume = false;
}

void
xenbus_cannot_resume(struct xenbus_memory *m)
{
    m->resume = false;
}

const char *
xenbus_state_name(enum xenbus_state state)
{
    static const char *const names[XENBUS_N_STATES] = {
        "Unknown", "Initialising", "InitWait", "Initialised", "Connected",
        "Closing", "Closed", "Reconfiguring", "Reconfigured",
    };

    return state < XENBUS_N_STATES ? names[state] : names[0];
}

const char *
xenbus_action_name(enum xenbus_action action)
{
    switch (action) {
    case XENBUS_WAIT: return "wait";
    case XENBUS_WRITE_FEATURES: return "write features";
    case XENBUS_ATTACH: return "attach";
    case XENBUS_DETACH: return "detach";
    case XENBUS_RECONFIGURE: return "reconfigure";
    case XENBUS_SET_CONNECTED: return "connected";
    case XENBUS_SET_CLOSING: return "closing";
    case XENBUS_SET_CLOSED: return "closed";
    case XENBUS_REMOVE: return "remove";
    }
    return "?";
}
