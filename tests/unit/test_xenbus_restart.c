/* The xenbus handshake where a process before us has begun it: rings that go on,
 * or a frontend that is called back. */

#include "tests/unit/xenbus_vif.h"

/* Connected on both sides, at our first look. */
static struct vif
vif_left_connected(void)
{
    struct vif v = fresh_vif();

    v.in.ours = XENBUS_CONNECTED;
    v.in.theirs = XENBUS_CONNECTED;
    return v;
}

static void
test_restart_goes_on(void **state)
{
    struct vif v = vif_left_connected();

    v.in.have_policy = false;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 0);
    v.in.have_policy = true;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 1);

    /* Once: a link that is lost later is not resumed. */
    v.in.link = XENBUS_DETACHED;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CLOSED);
    assert_int_equal(v.n_attached, 1);
}

/* Any of what stands in a connection's way stands in this one's. */
static void
test_restart_goes_on_only_if_all_is_well(void **state)
{
    for (int i = 0; i < 5; i++) {
        struct vif v = vif_left_connected();

        v.in.online = i != 0;
        v.in.have_port = i != 1;
        v.in.quarantined = i == 2;
        v.in.refused = i == 3;
        v.lost = i == 4;
        settle(&v);
        assert_int_equal(v.in.ours, XENBUS_CLOSED);
        assert_int_equal(v.n_attached, 0);
    }
}

static void
test_restart_closes_and_invites(void **state)
{
    /* The process before us died; its rings cannot be resumed. */
    struct vif v = vif_left_connected();

    v.lost = true;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CLOSED);
    assert_int_equal(v.n_attached, 0);

    assert_int_equal(frontend_goes(&v, XENBUS_CLOSING), XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_INITIALISING),
                     XENBUS_INIT_WAIT);
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 1);
}

static void
test_frontend_returns_between_two_looks(void **state)
{
    struct vif v = vif_left_connected();

    v.lost = true;
    settle(&v);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_INIT_WAIT);

    /* It went through Initialising while nobody looked. */
    assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CONNECTED);
    assert_int_equal(v.n_attached, 1);
}

static void
test_restart_while_closed(void **state)
{
    /* Killed between Closed and the frontend's answer, or after it. */
    struct vif v = fresh_vif();

    v.in.ours = XENBUS_CLOSED;
    v.in.theirs = XENBUS_CONNECTED;
    settle(&v);
    assert_int_equal(v.in.ours, XENBUS_CLOSED);
    assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_INIT_WAIT);

    struct vif w = fresh_vif();
    w.in.ours = XENBUS_CLOSED;
    w.in.theirs = XENBUS_CLOSED;
    settle(&w);
    assert_int_equal(w.in.ours, XENBUS_INIT_WAIT);
}

static void
test_restart_while_reconfiguring(void **state)
{
    static const enum xenbus_state left[] = {
        XENBUS_CONNECTED, XENBUS_RECONFIGURED,
    };

    for (size_t i = 0; i < 2; i++) {
        struct vif v = fresh_vif();

        v.in.ours = left[i];
        v.in.theirs = XENBUS_RECONFIGURING;
        v.lost = true;
        settle(&v);
        assert_int_equal(v.in.ours, XENBUS_CLOSED);

        /* It goes on as if nothing were: those are its old rings. */
        assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED), XENBUS_CLOSED);
        assert_int_equal(v.n_attached, 0);
        assert_int_equal(frontend_goes(&v, XENBUS_CLOSED), XENBUS_INIT_WAIT);
        assert_int_equal(frontend_goes(&v, XENBUS_CONNECTED),
                         XENBUS_CONNECTED);

        struct vif w = fresh_vif();

        w.in.ours = left[i];
        w.in.theirs = XENBUS_RECONFIGURING;
        settle(&w);
        assert_int_equal(w.in.ours, XENBUS_RECONFIGURED);
        assert_int_equal(frontend_goes(&w, XENBUS_CONNECTED),
                         XENBUS_CONNECTED);
        assert_int_equal(w.n_attached, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_goes_on),
        cmocka_unit_test(test_restart_goes_on_only_if_all_is_well),
        cmocka_unit_test(test_restart_closes_and_invites),
        cmocka_unit_test(test_frontend_returns_between_two_looks),
        cmocka_unit_test(test_restart_while_closed),
        cmocka_unit_test(test_restart_while_reconfiguring),
    };

    return cmocka_run_group_tests_name("xenbus_restart", tests, NULL, NULL);
}
