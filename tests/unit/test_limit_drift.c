/* A thousand million charges leave no trace of rounding: 1 byte at a time, at
 * a rate that no whole number of nanoseconds fits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qos/limit.h"

#define SECOND_NS 1000000000ull
#define BITNS_PER_BYTE 8000000000ll

#ifdef __SANITIZE_ADDRESS__
#define CHARGES 10000000u               /* They are slow then. */
#else
#define CHARGES 1000000000u
#endif

static void
test_no_drift(void **state)
{
    const uint64_t rate = 24000000007, n_bytes = CHARGES;
    uint64_t now_ns = SECOND_NS, rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, rate, 1u << 30);
    for (uint64_t n = 0; n < n_bytes; n++) {
        qos_limit_owe(&limit, 1, now_ns, &rest);
    }

    __int128 level_ns = (limit.word >> 4) - now_ns;
    assert_true(level_ns * rate + rest == (__int128) n_bytes
                                          * BITNS_PER_BYTE);
    for (uint64_t n = 0; n < n_bytes / 100; n++) {
        qos_limit_give(&limit, 100, now_ns, &rest);
    }
    assert_int_equal(limit.word >> 4, now_ns);
    assert_int_equal(rest, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_drift),
    };

    return cmocka_run_group_tests_name("limit_drift", tests, NULL, NULL);
}
