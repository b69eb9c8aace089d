/* Rates and bursts: which can be, and the lower of two. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "qos/profile.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))

static const struct qos_profile profiles[] = {
    { QOS_RATE_MIN_BPS, QOS_BURST_MIN_BYTES },
    { QOS_RATE_MIN_BPS, QOS_BURST_MAX_BYTES },
    { 9601, 1515 },
    { 10000000, 16384 },
    { 99999989, 65536 },
    { 1000000000, 500000 },
    { 25000000007, 12500003 },
    { QOS_RATE_MAX_BPS, QOS_BURST_MIN_BYTES },
    { QOS_RATE_MAX_BPS, QOS_BURST_MAX_BYTES },
};

static void
test_profile_check(void **state)
{
    static const struct {
        struct qos_profile profile;
        const char *hint;               /* Null: good. */
    } cases[] = {
        { { 0, 0 }, NULL },
        { { 0, 5 }, NULL },
        { { QOS_RATE_MIN_BPS, QOS_BURST_MIN_BYTES }, NULL },
        { { QOS_RATE_MAX_BPS, QOS_BURST_MAX_BYTES }, NULL },
        { { QOS_RATE_MIN_BPS - 1, 65536 }, "below 8 kbit/s" },
        { { QOS_RATE_MAX_BPS + 1, 65536 }, "above 400 Gbit/s" },
        { { UINT64_MAX, 65536 }, "above 400 Gbit/s" },
        { { 1000000, QOS_BURST_MIN_BYTES - 1 }, "below one Ethernet frame" },
        { { 1000000, 0 }, "below one Ethernet frame" },
        { { 1000000, QOS_BURST_MAX_BYTES + 1ull }, "above 1 GiB" },
        { { 1000000, UINT64_MAX }, "above 1 GiB" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *error = qos_profile_check(&cases[i].profile);

        if (!cases[i].hint) {
            assert_null(error);
        } else {
            assert_non_null(error);
            assert_non_null(strstr(error, cases[i].hint));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        assert_null(qos_profile_check(&profiles[i]));
    }
}

static void
test_burst_default(void **state)
{
    assert_int_equal(qos_burst_default_bytes(0), 16384);
    assert_int_equal(qos_burst_default_bytes(8000), 16384);
    assert_int_equal(qos_burst_default_bytes(13107200), 16384);
    assert_int_equal(qos_burst_default_bytes(100000000), 125000);
    assert_int_equal(qos_burst_default_bytes(1000000000), 1250000);
    assert_int_equal(qos_burst_default_bytes(QOS_RATE_MAX_BPS), 500000000);
    assert_int_equal(qos_burst_default_bytes(UINT64_MAX),
                     QOS_BURST_MAX_BYTES);
}

static void
test_lower(void **state)
{
    static const struct qos_profile none = { 0, 0 };
    static const struct qos_profile slow = { 1000000, 90000 };
    static const struct qos_profile fast = { 2000000, 20000 };
    struct qos_profile lower = qos_profile_lower(&slow, &fast);

    assert_int_equal(lower.rate_bps, 1000000);
    assert_int_equal(lower.burst_bytes, 20000);
    lower = qos_profile_lower(&fast, &slow);
    assert_int_equal(lower.rate_bps, 1000000);
    assert_int_equal(lower.burst_bytes, 20000);
    lower = qos_profile_lower(&none, &fast);
    assert_memory_equal(&lower, &fast, sizeof fast);
    lower = qos_profile_lower(&fast, &none);
    assert_memory_equal(&lower, &fast, sizeof fast);
    lower = qos_profile_lower(&none, &none);
    assert_int_equal(lower.rate_bps, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_check),
        cmocka_unit_test(test_burst_default),
        cmocka_unit_test(test_lower),
    };

    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
