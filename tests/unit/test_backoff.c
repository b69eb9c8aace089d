/* The back-off, on a clock of our own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tenants/backoff.h"

static void
test_grows_to_its_cap(void **state)
{
    static const int delays_ms[] = {
        0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000,
    };
    struct backoff b;
    long long int now_ms = 5000;

    backoff_init(&b);
    assert_true(backoff_ready(&b, now_ms));
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0]; i++) {
        backoff_started(&b, now_ms);
        now_ms += 10;
        backoff_died(&b, now_ms);
        if (delays_ms[i]) {
            assert_false(backoff_ready(&b, now_ms + delays_ms[i] - 1));
        }
        now_ms += delays_ms[i];
        assert_true(backoff_ready(&b, now_ms));
    }
}

static void
test_good_life_is_remembered(void **state)
{
    struct backoff b;

    backoff_init(&b);
    for (int i = 0; i < 5; i++) {
        backoff_started(&b, 0);
        backoff_died(&b, 1);
    }
    assert_false(backoff_ready(&b, 100));

    backoff_started(&b, 1000);
    backoff_died(&b, 1000 + BACKOFF_GOOD_LIFE_MS);
    assert_true(backoff_ready(&b, 1000 + BACKOFF_GOOD_LIFE_MS));
}

static void
test_failing_to_start_counts(void **state)
{
    struct backoff b;

    backoff_init(&b);
    backoff_died(&b, 0);
    assert_true(backoff_ready(&b, 0));
    backoff_died(&b, 0);
    assert_false(backoff_ready(&b, 99));
    assert_true(backoff_ready(&b, 100));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_its_cap),
        cmocka_unit_test(test_good_life_is_remembered),
        cmocka_unit_test(test_failing_to_start_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
