/* The backend's half of the xenbus handshake (xen/io/xenbus.h), as a pure
 * function: what to do next, given what both sides say.
 *
 * Thread: any.  Owner: nothing.  Errors: none; every input has an answer.
 * Trust:  the frontend's state is a hostile guest's; any value in any order
 *         leads to a state from which an honest frontend can go on.
 *
 * Frontends walk 1 Initialising, 3 Initialised, 4 Connected, 5 Closing,
 * 6 Closed, and some jump.  A Windows frontend closes once before it
 * connects.  Closed with "online" waits for the frontend's return; Closed
 * without it removes the vif.
 *
 * Where both sides are Connected at our first look, the process before us has
 * ended without the frontend's notice.  Its rings are as they were, and are
 * attached as they are: the frontend does not notice either.
 *
 * A connected frontend that wants another XDP headroom says 7 Reconfiguring,
 * is answered 8 Reconfigured, and says Connected again; so do we then.  The
 * rings stay attached meanwhile. */

#ifndef NETDOM_XENBUS_FSM_H
#define NETDOM_XENBUS_FSM_H 1

#include <stdbool.h>

enum xenbus_state {                     /* enum xenbus_state of io/xenbus.h. */
    XENBUS_UNKNOWN = 0,
    XENBUS_INITIALISING = 1,
    XENBUS_INIT_WAIT = 2,
    XENBUS_INITIALISED = 3,
    XENBUS_CONNECTED = 4,
    XENBUS_CLOSING = 5,
    XENBUS_CLOSED = 6,
    XENBUS_RECONFIGURING = 7,           /* Theirs only. */
    XENBUS_RECONFIGURED = 8,            /* Ours only. */
    XENBUS_N_STATES = 9,
};

/* Where the vif's rings are. */
enum xenbus_link {
    XENBUS_DETACHED,
    XENBUS_ATTACHED,
    XENBUS_DETACHING,                   /* Asked for, not yet unmapped. */
};

struct xenbus_input {
    enum xenbus_state ours;             /* What we wrote last. */
    enum xenbus_state theirs;           /* XENBUS_UNKNOWN: their node is
                                         * gone, or says nonsense. */
    enum xenbus_link link;
    bool online;                        /* The toolstack wants the vif. */
    bool have_port;                     /* The switch has a port for it. */
    bool have_policy;                   /* dom0 has said its limits. */
    bool quarantined;                   /* Closed for malice. */
    bool refused;                       /* The frontend's keys made no
                                         * connection; wait until it
                                         * changes state. */
    bool unseen;                        /* We closed, and "theirs" is still
                                         * from before. */
    bool invite;                        /* We closed: call it back once it
                                         * has closed too. */
    bool resume;                        /* The rings are of the process before
                                         * us, and can be taken over. */
};

/* What is remembered of a frontend from one look to the next; all zero: it
 * was never looked at. */
struct xenbus_memory {
    bool known, unseen, invite, resume;
};

enum xenbus_action {
    XENBUS_WAIT,                        /* Nothing, until something changes. */
    XENBUS_WRITE_FEATURES,              /* Then InitWait. */
    XENBUS_ATTACH,                      /* Then Connected, or refuse, or no
                                         * more to resume. */
    XENBUS_DETACH,                      /* Asks; the link says when. */
    XENBUS_RECONFIGURE,                 /* Then Reconfigured. */
    XENBUS_SET_CONNECTED,               /* The frontend has seen that. */
    XENBUS_SET_CLOSING,
    XENBUS_SET_CLOSED,
    XENBUS_REMOVE,                      /* Delete the backend's path. */
};

/* One step; call it again after having done it. */
enum xenbus_action xenbus_next(const struct xenbus_input *);

/* The events that the memory is made of: a look at both sides, our Closing
 * while the frontend was in 'theirs', a connection, and the end of a
 * quarantine, after which the frontend is called back. */
void xenbus_looked(struct xenbus_memory *, enum xenbus_state ours,
                   enum xenbus_state theirs);
void xenbus_closing(struct xenbus_memory *, enum xenbus_state theirs);
void xenbus_connected(struct xenbus_memory *);
/* What the process before us knew of the frontend, and nobody knows now, is
 * needed: it has to connect anew. */
void xenbus_cannot_resume(struct xenbus_memory *);
void xenbus_pardoned(struct xenbus_memory *, enum xenbus_state theirs);

const char *xenbus_state_name(enum xenbus_state);
const char *xenbus_action_name(enum xenbus_action);

#endif /* netdom/xenbus_fsm.h */
