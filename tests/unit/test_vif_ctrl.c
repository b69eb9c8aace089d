/* The control ring itself: who is answered, how often, and when it ends. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tests/unit/ctrl_fixture.h"

#define GET_SIZE XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
#define SET_KEY XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
#define ADD XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
#define DEL XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING
#define OK XEN_NETIF_CTRL_STATUS_SUCCESS

static unsigned int
take_all(struct ctrl_fixture *f)
{
    struct xen_netif_ctrl_response rsp;
    unsigned int n = 0;

    while (ctrl_front_take(&f->front, &rsp)) {
        n++;
    }
    return n;
}

static void
put_many(struct ctrl_fixture *f, uint16_t type, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        ctrl_front_put(&f->front, type, 0, 0, 0);
    }
    ctrl_front_push(&f->front);
}

static void
test_unknown_types(void **state)
{
    static const uint16_t types[] = { 0, 11, 12, 255, 256, 0x7fff, 0xffff };
    struct ctrl_fixture f;

    open_ctrl(&f, 2, 0);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(ask(&f, types[i], 0, 0, 0, NULL),
                         XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED);
    }
    assert_int_equal(vif_ctrl_n_requests(f.ctrl),
                     sizeof types / sizeof types[0]);
    assert_int_equal(f.n_set_hash, 0);
    close_ctrl(&f);
}

/* Several rounds of the ring, over 2^32. */
static void
test_wrap(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, UINT32_MAX - 200);
    for (int i = 0; i < 500; i++) {
        uint32_t data;

        assert_int_equal(ask(&f, GET_SIZE, 0, 0, 0, &data), OK);
        assert_int_equal(data, VIF_HASH_MAPPING_MAX);
        assert_int_equal(f.journal->ctrl_rsp_prod, f.front.ring->rsp_prod);
        assert_int_equal(f.front.ring->rsp_prod, f.front.prod);
    }
    close_ctrl(&f);
}

/* However many requests there are, only so many are answered a turn, and
 * turns are apart. */
static void
test_xsa_332_work_per_turn(void **state)
{
    struct ctrl_fixture f;
    unsigned int n = 0;

    open_ctrl(&f, 1, 0);
    put_many(&f, GET_SIZE, 128);
    uint64_t next_ns = f.now_ns;
    while (n < 128) {
        assert_int_equal(vif_ctrl_run(f.ctrl, next_ns),
                         n + 8 < 128 ? next_ns + VIF_CTRL_TURN_NS
                                     : UINT64_MAX);
        assert_int_equal(take_all(&f), VIF_CTRL_REQUESTS_PER_TURN);
        n += VIF_CTRL_REQUESTS_PER_TURN;

        /* An event storm brings it no nearer. */
        for (int i = 0; i < 100; i++) {
            fake_guest_kick(f.guest, f.front.port);
            assert_int_equal(vif_ctrl_run(f.ctrl, next_ns + i),
                             next_ns + VIF_CTRL_TURN_NS);
        }
        assert_int_equal(vif_ctrl_run(f.ctrl, next_ns + VIF_CTRL_TURN_NS - 1),
                         next_ns + VIF_CTRL_TURN_NS);
        assert_int_equal(take_all(&f), 0);
        next_ns += VIF_CTRL_TURN_NS;
    }
    assert_int_equal(vif_ctrl_n_requests(f.ctrl), 128);
    close_ctrl(&f);
}

/* Requests about pages cost more, well-formed or not. */
static void
test_xsa_332_grefs_per_turn(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 0);
    for (int i = 0; i < 5; i++) {
        ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
        ctrl_front_put(&f.front, i & 1 ? DEL : ADD, 99, 0, 1);
    }
    ctrl_front_push(&f.front);
    uint64_t now_ns = f.now_ns;
    for (int i = 0; i < 5; i++) {
        uint64_t next_ns = now_ns + VIF_CTRL_GREFS_TURN_NS;

        assert_int_equal(vif_ctrl_run(f.ctrl, now_ns),
                         i < 4 ? next_ns : UINT64_MAX);
        assert_int_equal(take_all(&f), 2);
        assert_int_equal(vif_ctrl_run(f.ctrl, next_ns - 1), next_ns);
        assert_int_equal(take_all(&f), 0);
        now_ns = next_ns;
    }
    close_ctrl(&f);
}

/* A removal that waits for other threads counts as well. */
static void
test_xsa_332_removals_per_turn(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 0);
    put_many(&f, DEL, 2);
    uint64_t start_ns = f.now_ns;
    assert_int_equal(vif_ctrl_run(f.ctrl, start_ns), UINT64_MAX);
    assert_true(vif_ctrl_busy(f.ctrl));
    finish_retired(&f);
    assert_int_equal(take_all(&f), 1);
    assert_int_equal(vif_ctrl_run(f.ctrl, start_ns + 1),
                     start_ns + VIF_CTRL_GREFS_TURN_NS);
    assert_int_equal(take_all(&f), 0);
    assert_int_equal(turn(&f), UINT64_MAX);
    finish_retired(&f);
    assert_int_equal(take_all(&f), 1);
    close_ctrl(&f);
}

/* More requests than slots: malice, for good, and no answer. */
static void
test_index_runs_away(void **state)
{
    static const uint32_t jumps[] = {
        129, 130, 1000, INT32_MAX, UINT32_MAX - 5, UINT32_MAX,
    };

    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct ctrl_fixture f;

        open_ctrl(&f, 1, UINT32_MAX - 1);
        f.front.prod += jumps[i];
        ctrl_front_push(&f.front);
        assert_int_equal(turn(&f), 0);
        f.front.prod = f.front.cons + 1;
        ctrl_front_push(&f.front);
        assert_int_equal(turn(&f), 0);
        assert_int_equal(take_all(&f), 0);
        assert_int_equal(vif_ctrl_n_requests(f.ctrl), 0);
        close_ctrl(&f);
    }
}

/* In the middle of a turn, while a request is handled. */
static void
run_away(struct xen_fake *fake, void *front_)
{
    ((struct ctrl_front *) front_)->ring->req_prod += 1000;
}

static void
test_index_runs_away_in_a_turn(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 0);
    ctrl_front_put(&f.front, SET_KEY, f.table_gref, 40, 0);
    ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
    ctrl_front_push(&f.front);
    f.fake->before_copy = run_away;
    f.fake->before_copy_aux = &f.front;
    assert_int_equal(turn(&f), 0);
    expect_answer(&f, 0, SET_KEY, OK, 0);
    expect_no_answer(&f);
    close_ctrl(&f);
}

/* A request that is rewritten after it was copied. */
static void
rewrite(struct xen_fake *fake, void *front_)
{
    struct ctrl_front *front = front_;

    for (unsigned int i = 0; i < CTRL_FRONT_SLOTS; i++) {
        front->ring->ring[i].req = (struct xen_netif_ctrl_request) {
            .id = 0xffff, .type = 0xffff,
            .data = { UINT32_MAX, UINT32_MAX, UINT32_MAX },
        };
    }
}

static void
test_xsa_155_request_rewritten(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 0);
    f.table[39] = 0x77;
    uint16_t id = ctrl_front_put(&f.front, SET_KEY, f.table_gref, 40, 0);
    ctrl_front_push(&f.front);
    f.fake->before_copy = rewrite;
    f.fake->before_copy_aux = &f.front;
    turn(&f);
    expect_answer(&f, id, SET_KEY, OK, 0);
    assert_int_equal(((uint8_t *) f.hash.key)[39], 0x77);
    close_ctrl(&f);
}

/* The shared index that is ours is never read again. */
static void
test_shared_rsp_prod_ignored(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 5);
    f.front.ring->rsp_prod = 0xdeadbeef;
    ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
    ctrl_front_push(&f.front);
    turn(&f);
    assert_int_equal(f.front.ring->rsp_prod, 6);
    expect_answer(&f, 0, GET_SIZE, OK, VIF_HASH_MAPPING_MAX);
    close_ctrl(&f);
}

/* Events only where they are asked for; and we ask for one before we rest. */
static void
test_events(void **state)
{
    struct ctrl_fixture f;
    uint32_t port;

    open_ctrl(&f, 1, UINT32_MAX - 10);
    port = f.front.port;
    assert_true(vif_ctrl_fd(f.ctrl) >= 0);
    assert_int_equal(turn(&f), UINT64_MAX);
    assert_false(f.guest->ports[port - 1].pending);
    assert_false(f.guest->ports[port - 1].masked);

    for (int i = 0; i < 30; i++) {
        ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
        assert_true(ctrl_front_push(&f.front));
        assert_int_equal(turn(&f), UINT64_MAX);
    }
    assert_int_equal(fake_guest_kicks(f.guest, port), 1);   /* The first. */
    take_all(&f);
    f.front.ring->rsp_event = f.front.cons + 3;
    put_many(&f, GET_SIZE, 2);
    turn(&f);
    assert_int_equal(fake_guest_kicks(f.guest, port), 1);
    put_many(&f, GET_SIZE, 2);
    turn(&f);
    assert_int_equal(fake_guest_kicks(f.guest, port), 2);

    /* However a turn ended, an event tells of the next request. */
    put_many(&f, GET_SIZE, VIF_CTRL_REQUESTS_PER_TURN);
    assert_int_equal(turn(&f), UINT64_MAX);
    ctrl_front_put(&f.front, ADD, 99, 0, 0);
    assert_true(ctrl_front_push(&f.front));
    assert_int_equal(turn(&f), UINT64_MAX);
    ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
    assert_true(ctrl_front_push(&f.front));
    close_ctrl(&f);
}

/* Requests that nobody answered before are taken up. */
static void
test_attach_running_ring(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, UINT32_MAX - 1);
    put_many(&f, GET_SIZE, 2);
    turn(&f);
    vif_ctrl_close(f.ctrl);
    put_many(&f, GET_SIZE, 2);
    assert_int_equal(connect_ctrl(&f), 0);
    turn(&f);
    for (int i = 0; i < 4; i++) {
        expect_answer(&f, i, GET_SIZE, OK, VIF_HASH_MAPPING_MAX);
    }
    expect_no_answer(&f);
    close_ctrl(&f);
}

static void
test_open_refusals(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 2, 0);
    vif_ctrl_close(f.ctrl);
    vif_ctrl_close(NULL);
    unsigned int n_mapped = f.fake->n_mapped, n_bound = f.fake->n_bound;

    f.fake->bind_error = -EBUSY;
    assert_int_equal(connect_ctrl(&f), -EBUSY);
    assert_null(f.ctrl);
    f.fake->bind_error = 0;
    f.fake->map_error = -EACCES;
    assert_int_equal(connect_ctrl(&f), -EACCES);
    assert_null(f.ctrl);
    f.fake->map_error = 0;
    f.fake->binds_before_error = f.fake->maps_before_error = 0;
    assert_int_equal(f.fake->n_mapped, n_mapped);
    assert_int_equal(f.fake->n_bound, n_bound);
    assert_int_equal(connect_ctrl(&f), 0);
    close_ctrl(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_types),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_xsa_332_work_per_turn),
        cmocka_unit_test(test_xsa_332_grefs_per_turn),
        cmocka_unit_test(test_xsa_332_removals_per_turn),
        cmocka_unit_test(test_index_runs_away),
        cmocka_unit_test(test_index_runs_away_in_a_turn),
        cmocka_unit_test(test_xsa_155_request_rewritten),
        cmocka_unit_test(test_shared_rsp_prod_ignored),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_attach_running_ring),
        cmocka_unit_test(test_open_refusals),
    };

    return cmocka_run_group_tests_name("vif_ctrl", tests, NULL, NULL);
}
