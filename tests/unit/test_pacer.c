/* How often a vif is looked at, by a clock of the test's own. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "netdom/pacer.h"

#define SECOND_NS UINT64_C(1000000000)
#define START_NS (1234 * SECOND_NS)

static void
test_handshake_is_not_slowed(void **state)
{
    struct pacer p;

    pacer_init(&p, START_NS);
    for (unsigned int i = 0; i < PACER_BURST_LOOKS; i++) {
        assert_true(pacer_may_look(&p, START_NS));
    }
    assert_int_equal(p.n_looks, PACER_BURST_LOOKS);
    assert_int_equal(p.n_deferred, 0);
}

static void
test_xsa_332_xsa_349_storm_is_bounded(void **state)
{
    struct pacer p;
    unsigned int n = 0;

    /* Every millisecond, for 10 s. */
    pacer_init(&p, START_NS);
    for (uint64_t ms = 0; ms < 10000; ms++) {
        n += pacer_may_look(&p, START_NS + ms * 1000000);
    }
    assert_in_range(n, PACER_BURST_LOOKS + 10 * PACER_LOOKS_PER_S - 1,
                    PACER_BURST_LOOKS + 10 * PACER_LOOKS_PER_S);
    assert_int_equal(p.n_looks, n);
    /* After the burst, and what was earned during it, all had to wait; each
     * counts once. */
    assert_int_equal(p.n_deferred, n - PACER_BURST_LOOKS - 1);
}

static void
test_wait_is_as_long_as_it_says(void **state)
{
    struct pacer p;
    uint64_t now_ns = START_NS;

    pacer_init(&p, now_ns);
    while (pacer_may_look(&p, now_ns)) {
        continue;
    }
    for (int i = 0; i < 100; i++) {
        uint64_t wait_ns = pacer_wait_ns(&p);

        assert_in_range(wait_ns, 1, SECOND_NS / PACER_LOOKS_PER_S);
        assert_false(pacer_may_look(&p, now_ns + wait_ns - 1));
        now_ns += wait_ns;
        assert_true(pacer_may_look(&p, now_ns));
        assert_false(pacer_may_look(&p, now_ns));
    }
}

static void
test_calm_forgives(void **state)
{
    struct pacer p;

    pacer_init(&p, START_NS);
    while (pacer_may_look(&p, START_NS)) {
        continue;
    }
    for (unsigned int i = 0; i < PACER_BURST_LOOKS; i++) {
        assert_true(pacer_may_look(&p, START_NS + SECOND_NS));
    }
    assert_false(pacer_may_look(&p, START_NS + SECOND_NS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_is_not_slowed),
        cmocka_unit_test(test_xsa_332_xsa_349_storm_is_bounded),
        cmocka_unit_test(test_wait_is_as_long_as_it_says),
        cmocka_unit_test(test_calm_forgives),
    };

    return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
