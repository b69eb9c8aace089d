/* The frontend's state machine, as a table, and whole lives of a vif. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <xen/io/xenbus.h>

#include "tools/guest/frontend_step.h"

#define INIT XenbusStateInitialising
#define WAIT XenbusStateInitWait
#define CONNECTED XenbusStateConnected
#define CLOSING XenbusStateClosing
#define CLOSED XenbusStateClosed
#define RECONFIGURING XenbusStateReconfiguring
#define GONE XenbusStateUnknown

/* Plugged, wanted, online, no back-off. */
static struct frontend_view
view(unsigned int own, unsigned int backend)
{
    return (struct frontend_view) {
        .plugged = true,
        .wanted = true,
        .online = true,
        .may_connect = true,
        .same_backend = true,
        .own = own,
        .backend = backend,
    };
}

static void
test_without_rings(void **state)
{
    static const struct {
        unsigned int own, backend;
        bool online;
        enum frontend_step step;
    } rows[] = {
        { INIT, GONE, false, FRONTEND_REST },
        { INIT, INIT, true, FRONTEND_REST },
        { INIT, WAIT, true, FRONTEND_CONNECT },
        { INIT, CONNECTED, true, FRONTEND_REST },
        { INIT, CLOSING, true, FRONTEND_SAY_CLOSED },
        { INIT, CLOSED, true, FRONTEND_REST },
        { INIT, CLOSED, false, FRONTEND_SAY_CLOSED },
        { CONNECTED, GONE, false, FRONTEND_SAY_CLOSED },
        { CONNECTED, WAIT, true, FRONTEND_SAY_INIT },
        { CLOSING, WAIT, true, FRONTEND_SAY_INIT },
        { CLOSED, GONE, false, FRONTEND_REST },
        { CLOSED, INIT, true, FRONTEND_SAY_INIT },
        { CLOSED, WAIT, true, FRONTEND_SAY_INIT },
        { CLOSED, CONNECTED, true, FRONTEND_REST },
        { CLOSED, CLOSING, true, FRONTEND_REST },
        { CLOSED, CLOSED, true, FRONTEND_SAY_INIT },
        { CLOSED, CLOSED, false, FRONTEND_REST },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frontend_view v = view(rows[i].own, rows[i].backend);

        v.online = rows[i].online;
        if (frontend_next(&v) != rows[i].step) {
            fail_msg("own %s, backend %s: step %d",
                     frontend_state_name(v.own),
                     frontend_state_name(v.backend), frontend_next(&v));
        }
    }
}

static void
test_with_rings(void **state)
{
    static const struct {
        unsigned int own, backend;
        bool was_connected;
        enum frontend_step step;
    } rows[] = {
        { CONNECTED, WAIT, false, FRONTEND_REST },
        { CONNECTED, GONE, false, FRONTEND_REST },
        { CONNECTED, CONNECTED, false, FRONTEND_REST },
        { CONNECTED, CONNECTED, true, FRONTEND_REST },
        { CONNECTED, CLOSING, false, FRONTEND_CLOSE },
        { CONNECTED, CLOSING, true, FRONTEND_CLOSE },
        { CONNECTED, CLOSED, true, FRONTEND_CLOSE },
        { CONNECTED, WAIT, true, FRONTEND_CLOSE },
        { CONNECTED, INIT, true, FRONTEND_CLOSE },
        { CONNECTED, GONE, true, FRONTEND_CLOSE },
        { INIT, CONNECTED, true, FRONTEND_CLOSE },
        { INIT, WAIT, false, FRONTEND_CLOSE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frontend_view v = view(rows[i].own, rows[i].backend);

        v.rings = true;
        v.was_connected = rows[i].was_connected;
        if (frontend_next(&v) != rows[i].step) {
            fail_msg("own %s, backend %s, was_connected %d: step %d",
                     frontend_state_name(v.own),
                     frontend_state_name(v.backend), v.was_connected,
                     frontend_next(&v));
        }
    }
}

static void
test_overruling(void **state)
{
    struct frontend_view v = view(CONNECTED, CONNECTED);

    v.rings = v.was_connected = true;
    v.broken = true;
    assert_int_equal(frontend_next(&v), FRONTEND_CLOSE);
    v.broken = false;
    v.same_backend = false;
    assert_int_equal(frontend_next(&v), FRONTEND_CLOSE);
    v.same_backend = true;
    v.plugged = false;
    assert_int_equal(frontend_next(&v), FRONTEND_FORGET);
    v.rings = false;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);

    v = view(INIT, WAIT);
    v.may_connect = false;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);
}

static void
test_reconfigure(void **state)
{
    struct frontend_view v = view(CONNECTED, CONNECTED);

    v.rings = v.reconfigure = true;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);
    v.was_connected = true;
    assert_int_equal(frontend_next(&v), FRONTEND_RECONFIGURE);
    v.own = RECONFIGURING;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);
    v.backend = XenbusStateReconfigured;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);
    v.reconfigured = true;
    assert_int_equal(frontend_next(&v), FRONTEND_SAY_CONNECTED);
    v.wanted = false;
    assert_int_equal(frontend_next(&v), FRONTEND_SAY_CLOSING);
    v.wanted = true;
    v.backend = CLOSING;
    assert_int_equal(frontend_next(&v), FRONTEND_CLOSE);
}

static void
test_unwanted(void **state)
{
    struct frontend_view v = view(CONNECTED, CONNECTED);

    v.rings = v.was_connected = true;
    v.wanted = false;
    v.mapped = true;
    assert_int_equal(frontend_next(&v), FRONTEND_UNMAP);
    v.mapped = false;
    assert_int_equal(frontend_next(&v), FRONTEND_SAY_CLOSING);
    v.own = CLOSING;
    assert_int_equal(frontend_next(&v), FRONTEND_REST);
    v.backend = CLOSING;
    assert_int_equal(frontend_next(&v), FRONTEND_CLOSE);
    v.rings = false;
    v.own = CLOSED;
    for (v.backend = 0; v.backend < 10; v.backend++) {
        assert_int_equal(frontend_next(&v), FRONTEND_REST);
    }
}

/* Whatever the states are, doing the steps comes to an end. */
static void
test_settles(void **state)
{
    for (unsigned int i = 0; i < 10 * 10 * 128; i++) {
        struct frontend_view v = view(i % 10, i / 10 % 10);
        unsigned int bits = i / 100;
        int n;

        v.rings = bits & 1;
        v.was_connected = bits & 2;
        v.wanted = bits & 4;
        v.online = bits & 8;
        v.mapped = bits & 16;
        v.reconfigure = bits & 32;
        v.reconfigured = bits & 64;
        for (n = 0; n < 8; n++) {
            switch (frontend_next(&v)) {
            case FRONTEND_REST:
                n = 100;
                break;
            case FRONTEND_CONNECT:
                v.rings = true;
                v.was_connected = false;
                v.own = CONNECTED;
                break;
            case FRONTEND_CLOSE:
                v.rings = v.was_connected = false;
                v.may_connect = false;
                v.own = CLOSED;
                break;
            case FRONTEND_FORGET:
                v.rings = false;
                break;
            case FRONTEND_UNMAP:
                v.mapped = false;
                break;
            case FRONTEND_RECONFIGURE:
                v.reconfigure = false;
                v.own = RECONFIGURING;
                break;
            case FRONTEND_SAY_CONNECTED:
                v.own = CONNECTED;
                break;
            case FRONTEND_SAY_INIT:
                v.own = INIT;
                break;
            case FRONTEND_SAY_CLOSING:
                v.own = CLOSING;
                break;
            case FRONTEND_SAY_CLOSED:
                v.own = CLOSED;
                break;
            }
        }
        assert_true(n > 100);
    }
}

static void
test_names(void **state)
{
    assert_string_equal(frontend_state_name(CONNECTED), "Connected");
    assert_string_equal(frontend_state_name(GONE), "Unknown");
    assert_string_equal(frontend_state_name(9), "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_rings),
        cmocka_unit_test(test_with_rings),
        cmocka_unit_test(test_overruling),
        cmocka_unit_test(test_reconfigure),
        cmocka_unit_test(test_unwanted),
        cmocka_unit_test(test_settles),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
