/* Between the moment that a queue asks what its limit allows and the moment
 * that it charges it, another queue has drawn: frames go back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/unit/vif_fixture.h"

/* What others draw before each of the next charges. */
static uint64_t others_bytes[8];
static unsigned int n_others;

bool __real_qos_leaf_charge(struct qos_leaf *, const struct qos_budget *,
                            uint64_t bytes, uint64_t packets,
                            uint64_t now_ns);

bool __wrap_qos_leaf_charge(struct qos_leaf *, const struct qos_budget *,
                            uint64_t bytes, uint64_t packets,
                            uint64_t now_ns);

bool
__wrap_qos_leaf_charge(struct qos_leaf *leaf, const struct qos_budget *budget,
                       uint64_t bytes, uint64_t packets, uint64_t now_ns)
{
    if (n_others) {
        uint64_t rest = 0;

        qos_limit_owe(&leaf->node->bytes, others_bytes[--n_others], now_ns,
                      &rest);
    }
    return __real_qos_leaf_charge(leaf, budget, bytes, packets, now_ns);
}

/* Five frames of 1000 bytes, the third of them in two slots. */
static void
put_frames(struct fixture *f)
{
    put(f, page_of(f, 1), 0, 1000, 0);                  /* 0 */
    put(f, page_of(f, 2), 0, 1000, 0);                  /* 1 */
    put(f, page_of(f, 3), 0, 1000, NETTXF_more_data);   /* 2 */
    put(f, page_of(f, 4), 0, 500, 0);                   /* 3 */
    put(f, page_of(f, 5), 0, 1000, 0);                  /* 4 */
    put(f, page_of(f, 6), 0, 1000, 0);                  /* 5 */
    vif_front_tx_push(&f->front);
}

static void
test_some_go_back(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 10000);
    put_frames(&f);

    /* 7500 are left of 10000: three frames instead of five. */
    others_bytes[0] = 7000;
    n_others = 1;
    assert_int_equal(burst(&f), 3);
    assert_int_equal(f.gate.blocked_bytes, 1000);
    assert_int_equal(fixture_credit(&f), 0);
    assert_int_equal(f.supply.small.n, N_BUFFERS - 3);
    assert_int_equal(f.fake->counts.copy_segs, 4);
    for (int id = 0; id < 4; id++) {
        expect_response(&f, id, NETIF_RSP_OKAY);
    }
    expect_no_response(&f);
    assert_int_equal(f.stats.tx_frames, 3);
    assert_int_equal(f.stats.tx_bytes, 3000);

    /* What went back comes later, once. */
    f.gate.now_ns = 10000000;
    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.frames[0].bytes, 1000);
    assert_int_equal(frame_data(&f, 0)[999], 5);
    assert_int_equal(frame_data(&f, 1)[999], 6);
    expect_response(&f, 4, NETIF_RSP_OKAY);
    expect_response(&f, 5, NETIF_RSP_OKAY);
    assert_int_equal(f.gate.blocked_bytes, 0);
    assert_int_equal(f.stats.tx_frames, 5);
    close_fixture(&f);
}

static void
test_all_go_back(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 10000);
    put_frames(&f);
    others_bytes[0] = 9500;
    n_others = 1;
    assert_int_equal(burst(&f), 0);
    assert_int_equal(f.gate.blocked_bytes, 1000);
    assert_int_equal(fixture_credit(&f), 500);
    assert_int_equal(f.supply.small.n, N_BUFFERS);
    assert_int_equal(f.fake->counts.copy_calls, 0);
    expect_no_response(&f);
    assert_true(vif_conn_tx_pending(f.conn));
    assert_false(vif_conn_arm(f.conn, false));
    close_fixture(&f);
}

/* Others are quicker time and again: it ends. */
static void
test_always_too_late(void **state)
{
    static const uint64_t draws[] = { 1000, 1500, 1000, 1000, 5500 };
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 10000);
    put_frames(&f);
    n_others = sizeof draws / sizeof draws[0];
    memcpy(others_bytes, draws, sizeof draws);
    assert_int_equal(burst(&f), 0);
    assert_int_equal(n_others, 0);
    assert_int_equal(fixture_credit(&f), 0);
    expect_no_response(&f);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_go_back),
        cmocka_unit_test(test_all_go_back),
        cmocka_unit_test(test_always_too_late),
    };

    return cmocka_run_group_tests_name("vif_tx_race", tests, NULL, NULL);
}
