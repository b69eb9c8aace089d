/* The xenbus handshake: a table of single steps, whole conversations with
 * frontends of every kind, and every input there is. */

#include "tests/unit/xenbus_vif.h"

static void
test_linux_frontend(void **state)
{
    struct vif v = connected_vif();

    /* rmmod xen-netfront; modprobe xen-netfront. */
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSING), XENBUS_CLOSED);
    assert_int_equal(v.in.link, XENBUS_DETACHED);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 2);
}

static void
test_windows_frontend_closes_first(void **state)
{
    struct vif v = fresh_vif();

    settle(&v);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSING), XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 1);
}

static void
test_frontend_jumps_to_closed(void **state)
{
    struct vif v = connected_vif();

    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_CLOSED);
    assert_int_equal(v.in.link, XENBUS_DETACHED);
    assert_false(v.removed);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
}

static void
test_frontend_starts_over_without_closing(void **state)
{
    struct vif v = connected_vif();

    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(v.in.link, XENBUS_DETACHED);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
}

static void
test_connected_before_us(void **state)
{
    struct vif v = fresh_vif();

    v.in.theirs = XENBUS_CONNECTED;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CONNECTED);
}

static void
test_removal(void **state)
{
    struct vif v = connected_vif();

    v.in.online = false;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CLOSED);
    assert_false(v.removed);            /* The frontend is still there. */
    frontend_goes(&v, XENBUS_CLOSED);
    assert_true(v.removed);
}

static void
test_guest_dies(void **state)
{
    struct vif v = connected_vif();

    assert_int_equal(frontend_goes(&v, XENBUS_UNKNOWN), XENBUS_CLOSED);
    assert_false(v.removed);
    v.in.online = false;
    settle(&v);
    assert_true(v.removed);
}

static void
test_port_deleted(void **state)
{
    struct vif v = connected_vif();

    v.in.have_port = false;
    v.in.link = XENBUS_DETACHED;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CLOSED);
}

static void
test_waits_for_policy(void **state)
{
    struct vif v = fresh_vif();

    v.in.have_policy = false;
    settle(&v);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_INIT_WAIT);
    assert_int_equal(v.n_attached, 0);
    v.in.have_policy = true;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CONNECTED);
}

static void
test_quarantine_holds(void **state)
{
    static const enum xenbus_state tries[] = {
        XENBUS_CLOSING, XENBUS_CLOSED, XENBUS_INITIALISING,
        XENBUS_INITIALISED, XENBUS_CONNECTED, XENBUS_RECONFIGURING,
        XENBUS_RECONFIGURED, XENBUS_UNKNOWN, XENBUS_INITIALISING,
    };
    struct vif v = connected_vif();

    v.in.quarantined = true;
    settle(&v);
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        assert_int_equal(frontend_goes(&v, tries[i]), XENBUS_CLOSED);
        assert_int_equal(v.in.link, XENBUS_DETACHED);
    }
    assert_int_equal(v.n_attached, 1);
}

/* Whatever the frontend did meanwhile, it is called back once it has
 * closed, and rings from before the release are not attached. */
static void
test_pardon_calls_back(void **state)
{
    for (int last = 0; last < XENBUS_N_STATES; last++) {
        struct vif v = connected_vif();

        v.in.quarantined = true;
        settle(&v);
        frontend_goes(&v, XENBUS_CLOSED);
        frontend_goes(&v, XENBUS_INITIALISING);
        frontend_goes(&v, last);

        v.in.quarantined = false;
        xenbus_pardoned(&v.memory, last);
        settle(&v);
        assert_int_equal(v.n_attached, 1);

        if (v.in.ours != XENBUS_INIT_WAIT) {
            assert_int_equal(frontend_goes(&v, XENBUS_CLOSED),
                             XENBUS_INIT_WAIT);
        }
        assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                         XENBUS_INIT_WAIT);
        assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED),
                         XENBUS_CONNECTED);
        assert_int_equal(v.n_attached, 2);
    }
}

static void
test_reconfigures_while_connected(void **state)
{
    struct vif v = connected_vif();

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(frontend_goes(&v, XENBUS_RECONFIGURING),
                         XENBUS_RECONFIGURED);
        assert_int_equal(v.n_reconfigured, i);
        assert_int_equal(v.in.link, XENBUS_ATTACHED);
        assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED),
                         XENBUS_CONNECTED);
        assert_int_equal(v.in.link, XENBUS_ATTACHED);
    }
    assert_int_equal(v.n_attached, 1);

    /* It closes in the middle. */
    frontend_goes(&v, XENBUS_RECONFIGURING);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSING), XENBUS_CLOSED);
    frontend_goes(&v, XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
}

static void
test_reconfiguring_is_no_way_in(void **state)
{
    struct vif v = fresh_vif();

    settle(&v);
    assert_int_equal(frontend_goes(&v, XENBUS_RECONFIGURING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_RECONFIGURED),
                     XENBUS_INIT_WAIT);
    assert_int_equal(v.n_reconfigured, 0);
    assert_int_equal(v.n_attached, 0);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);

    /* Ours is no state of a frontend's. */
    assert_int_equal(frontend_goes(&v, XENBUS_RECONFIGURED), XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
}

/* Back from a suspend with new rings: Initialising, or at once Connected
 * after a moment in which nobody looked, and never Closing. */
static void
test_frontend_resumes(void **state)
{
    struct vif v = connected_vif();

    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(v.in.link, XENBUS_DETACHED);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISED),
                     XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 2);
}

/* Any three states, one after the other, and an honest frontend comes in
 * all the same. */
static void
test_honest_after_hostile(void **state)
{
    enum { N = XENBUS_N_STATES };

    for (int i = 0; i < N * N * N; i++) {
        struct vif v = connected_vif();

        frontend_goes(&v, i % N);
        frontend_goes(&v, i / N % N);
        frontend_goes(&v, i / N / N);

        frontend_goes(&v, XENBUS_CLOSING);
        frontend_goes(&v, XENBUS_CLOSED);
        assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                         XENBUS_INIT_WAIT);
        assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED),
                         XENBUS_CONNECTED);
        assert_int_equal(v.in.link, XENBUS_ATTACHED);
    }
}

static void
test_refused_waits_for_the_frontend(void **state)
{
    struct vif v = fresh_vif();

    settle(&v);
    v.in.refused = true;
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_INIT_WAIT);
    assert_int_equal(v.n_attached, 0);
}

/* Whatever is found, it comes to rest; rings are attached only if everything
 * that must hold does. */
static void
test_every_input(void **state)
{
    int n = 0;

    for (int ours = 0; ours < XENBUS_N_STATES; ours++) {
        for (int theirs = 0; theirs < XENBUS_N_STATES; theirs++) {
            for (int link = 0; link < 3; link++) {
                for (int bits = 0; bits < 1024; bits++) {
                    struct vif v = {
                        .in = {
                            .ours = ours,
                            .theirs = theirs,
                            .link = link,
                            .online = bits & 1,
                            .have_port = bits & 2,
                            .have_policy = bits & 4,
                            .quarantined = bits & 8,
                            .refused = bits & 16,
                        },
                        .memory = {
                            .known = bits & 32,
                            .unseen = bits & 64,
                            .invite = bits & 128,
                            .resume = bits & 256,
                        },
                        .lost = bits & 512,
                    };

                    settle(&v);
                    if (v.in.link == XENBUS_ATTACHED) {
                        assert_int_equal(v.in.ours,
                                         v.in.theirs == XENBUS_CONNECTED
                                         ? XENBUS_CONNECTED
                                         : XENBUS_RECONFIGURED);
                        assert_true(v.in.theirs == XENBUS_CONNECTED
                                    || v.in.theirs == XENBUS_RECONFIGURING);
                        assert_true(v.in.online && v.in.have_port
                                    && v.in.have_policy
                                    && !v.in.quarantined);
                    }
                    if (v.removed) {
                        assert_false(v.in.online);
                        assert_int_equal(v.in.link, XENBUS_DETACHED);
                    }
                    n++;
                }
            }
        }
    }
    assert_int_equal(n, 9 * 9 * 3 * 1024);
}

static void
test_names(void **state)
{
    assert_string_equal(xenbus_state_name(XENBUS_INIT_WAIT), "InitWait");
    assert_string_equal(xenbus_state_name(99), "Unknown");
    assert_string_equal(xenbus_state_name(XENBUS_RECONFIGURED),
                        "Reconfigured");
    assert_string_equal(xenbus_action_name(XENBUS_REMOVE), "remove");
    for (int i = XENBUS_WAIT; i <= XENBUS_REMOVE; i++) {
        for (int j = XENBUS_WAIT; j < i; j++) {
            assert_string_not_equal(xenbus_action_name(i),
                                    xenbus_action_name(j));
        }
    }
    assert_string_equal(xenbus_action_name(XENBUS_REMOVE + 1), "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux_frontend),
        cmocka_unit_test(test_windows_frontend_closes_first),
        cmocka_unit_test(test_frontend_jumps_to_closed),
        cmocka_unit_test(test_frontend_starts_over_without_closing),
        cmocka_unit_test(test_connected_before_us),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_guest_dies),
        cmocka_unit_test(test_port_deleted),
        cmocka_unit_test(test_waits_for_policy),
        cmocka_unit_test(test_quarantine_holds),
        cmocka_unit_test(test_pardon_calls_back),
        cmocka_unit_test(test_reconfigures_while_connected),
        cmocka_unit_test(test_reconfiguring_is_no_way_in),
        cmocka_unit_test(test_frontend_resumes),
        cmocka_unit_test(test_honest_after_hostile),
        cmocka_unit_test(test_refused_waits_for_the_frontend),
        cmocka_unit_test(test_every_input),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("xenbus_fsm", tests, NULL, NULL);
}
