/* A vif whose handshake is walked, for the tests of netdom/xenbus_fsm.h. */

#ifndef TESTS_UNIT_XENBUS_VIF_H
#define TESTS_UNIT_XENBUS_VIF_H 1

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "netdom/xenbus_fsm.h"

/* The backend as backend.c drives it, with a frontend as a script. */
struct vif {
    struct xenbus_input in;
    struct xenbus_memory memory;
    bool removed;
    bool lost;                          /* What resuming would need. */
    int n_attached;
    int n_reconfigured;
};

static inline void
apply(struct vif *v, enum xenbus_action action)
{
    switch (action) {
    case XENBUS_WAIT:
        break;
    case XENBUS_WRITE_FEATURES:
        v->in.ours = XENBUS_INIT_WAIT;
        break;
    case XENBUS_ATTACH:
        if (v->memory.resume && v->lost) {
            xenbus_cannot_resume(&v->memory);
            break;
        }
        v->in.ours = XENBUS_CONNECTED;
        v->in.link = XENBUS_ATTACHED;
        xenbus_connected(&v->memory);
        v->n_attached++;
        break;
    case XENBUS_DETACH:
        v->in.link = XENBUS_DETACHING;
        break;
    case XENBUS_RECONFIGURE:
        v->in.ours = XENBUS_RECONFIGURED;
        v->n_reconfigured++;
        break;
    case XENBUS_SET_CONNECTED:
        v->in.ours = XENBUS_CONNECTED;
        break;
    case XENBUS_SET_CLOSING:
        xenbus_closing(&v->memory, v->in.theirs);
        v->in.ours = XENBUS_CLOSING;
        break;
    case XENBUS_SET_CLOSED:
        v->in.ours = XENBUS_CLOSED;
        break;
    case XENBUS_REMOVE:
        v->removed = true;
        break;
    }
}

/* Runs until there is nothing more to do; unmapping takes no time. */
static inline void
settle(struct vif *v)
{
    for (int i = 0; i < 16; i++) {
        xenbus_looked(&v->memory, v->in.ours, v->in.theirs);
        v->in.unseen = v->memory.unseen;
        v->in.invite = v->memory.invite;
        v->in.resume = v->memory.resume;

        enum xenbus_action action = xenbus_next(&v->in);

        if (action == XENBUS_WAIT && v->in.link == XENBUS_DETACHING) {
            v->in.link = XENBUS_DETACHED;
            continue;
        }
        if (action == XENBUS_WAIT || v->removed) {
            return;
        }
        apply(v, action);
    }
    fail_msg("the handshake does not come to rest");
}

static inline enum xenbus_state
frontend_goes(struct vif *v, enum xenbus_state state)
{
    v->in.theirs = state;
    settle(v);
    return v->in.ours;
}

static inline struct vif
fresh_vif(void)
{
    return (struct vif) {
        .in = {
            .ours = XENBUS_INITIALISING,
            .theirs = XENBUS_INITIALISING,
            .online = true,
            .have_port = true,
            .have_policy = true,
        },
    };
}

static inline struct vif
connected_vif(void)
{
    struct vif v = fresh_vif();

    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.in.link, XENBUS_ATTACHED);
    return v;
}

#endif /* tests/unit/xenbus_vif.h */
