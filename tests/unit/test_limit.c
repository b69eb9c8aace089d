/* A limit for one thread: what it lets pass, to the byte and nanosecond. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qos/limit.h"
#include "tests/unit/property.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define SECOND_NS 1000000000ull
#define BITNS_PER_BYTE 8000000000ll

static const struct {
    uint64_t rate_bps, burst_bytes;
} limits[] = {
    { 8000, 1514 },
    { 8000, 1u << 30 },
    { 9601, 1515 },
    { 10000000, 16384 },
    { 99999989, 65536 },
    { 1000000000, 500000 },
    { 25000000007, 12500003 },
    { 399999999999, 1514 },
    { 400000000000, 1514 },
    { 400000000000, 1u << 30 },
};

static bool
take(struct qos_limit *limit, uint64_t bytes, uint64_t now_ns,
     uint64_t *rest)
{
    return qos_limit_take(limit, bytes, bytes, 0, now_ns, rest);
}

static void
test_full_at_birth_then_empty(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        uint64_t burst = limits[i].burst_bytes, now_ns = SECOND_NS, rest = 0;
        struct qos_limit limit;

        qos_limit_init(&limit, QOS_BYTES, limits[i].rate_bps, burst);
        assert_true(qos_limit_on(&limit));
        assert_int_equal(qos_limit_room(&limit, 60, 0, now_ns), burst);
        assert_int_equal(qos_limit_credit(&limit, now_ns), burst);
        assert_int_equal(qos_limit_ready_ns(&limit, burst, 0, now_ns),
                         now_ns);
        assert_true(take(&limit, burst, now_ns, &rest));
        /* But for the nanosecond that is begun. */
        assert_true(qos_limit_credit(&limit, now_ns)
                    <= (int64_t) (limits[i].rate_bps / BITNS_PER_BYTE));
        assert_int_equal(qos_limit_room(&limit, 1514, 0, now_ns), 0);
        assert_false(take(&limit, 1514, now_ns, &rest));
    }
}

static void
test_no_limit(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 0, 0);
    assert_false(qos_limit_on(&limit));
    for (int i = 0; i < 100; i++) {
        assert_true(take(&limit, UINT64_MAX, i, &rest));
        qos_limit_owe(&limit, UINT64_MAX, i, &rest);
        qos_limit_give(&limit, UINT64_MAX, i, &rest);
        assert_int_equal(qos_limit_room(&limit, 9000, 5000, i), UINT64_MAX);
        assert_int_equal(qos_limit_ready_ns(&limit, 9000, 5000, i), i);
        assert_int_equal(qos_limit_credit(&limit, i), 0);
    }
    assert_int_equal(rest, 0);
    assert_int_equal(limit.word, 0);
}

/* A backlogged sender gets its rate exactly, for any sizes of frames: each
 * passes at the first nanosecond that has paid for it.  At all times, what
 * passed is what was granted, less what is missing for the next frame. */
static void
test_backlogged_gets_exactly_its_rate(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        uint64_t rate = limits[i].rate_bps, burst = limits[i].burst_bytes;
        uint64_t seed = 99, begun_ns = 5 * SECOND_NS, now_ns = begun_ns;
        uint64_t rest = 0;
        __int128 passed = 0;
        struct qos_limit limit;

        qos_limit_init(&limit, QOS_BYTES, rate, burst);
        for (int n = 0; n < 20000; n++) {
            uint64_t bytes = 60 + property_random(&seed) % 1455;
            uint64_t ready_ns = qos_limit_ready_ns(&limit, bytes, 0, now_ns);

            if (ready_ns > now_ns) {
                assert_false(take(&limit, bytes, ready_ns - 1, &rest));
            }
            now_ns = ready_ns;
            assert_true(take(&limit, bytes, now_ns, &rest));
            passed += bytes;

            /* In units of 10^-9 bits.  Each of the two roundings up may be a
             * nanosecond's. */
            __int128 granted = (__int128) rate * (now_ns - begun_ns)
                               + (__int128) burst * BITNS_PER_BYTE;
            __int128 left = granted - passed * BITNS_PER_BYTE;
            assert_true(left >= -2 * (__int128) rate);
            if (now_ns > begun_ns && bytes <= burst) {
                assert_true(left <= 2 * (__int128) rate);
            }
        }
    }
}

static void
test_time_that_jumps(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 8000000, 10000);  /* 1 us a byte. */
    assert_true(take(&limit, 10000, 5000000, &rest));

    /* Back: nothing is earned, and nothing twice. */
    assert_false(take(&limit, 1, 1000000, &rest));
    assert_int_equal(qos_limit_ready_ns(&limit, 1000, 0, 1000000), 6000000);
    assert_true(take(&limit, 1000, 6000000, &rest));
    assert_false(take(&limit, 1, 6000000, &rest));

    /* Ahead: full, and no fuller. */
    assert_int_equal(qos_limit_room(&limit, 1, 0, 1ull << 58), 10000);
    assert_true(take(&limit, 10000, 1ull << 58, &rest));
    assert_false(take(&limit, 1, 1ull << 58, &rest));
}

/* A frame above the burst is late, not stuck, and the rate holds. */
static void
test_larger_than_the_burst(void **state)
{
    uint64_t now_ns = 0, rest = 0, passed = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 8000000, 10000);
    for (int n = 0; n < 100; n++) {
        now_ns = qos_limit_ready_ns(&limit, 64000, 0, now_ns);
        assert_int_equal(qos_limit_room(&limit, 64000, 0, now_ns), 64000);
        assert_true(take(&limit, 64000, now_ns, &rest));
        passed += 64000;
        assert_true(qos_limit_credit(&limit, now_ns) < 0);
        assert_int_equal(qos_limit_room(&limit, 60, 0, now_ns), 0);
    }
    assert_in_range(passed * 1000, now_ns, now_ns + 74000000);
}

/* What is reserved is for others. */
static void
test_reserve(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 8000000, 10000);
    assert_int_equal(qos_limit_room(&limit, 60, 4000, 0), 6000);
    assert_false(qos_limit_take(&limit, 6001, 60, 4000, 0, &rest));
    assert_true(qos_limit_take(&limit, 6000, 60, 4000, 0, &rest));
    assert_int_equal(qos_limit_room(&limit, 60, 4000, 0), 0);
    assert_int_equal(qos_limit_room(&limit, 60, 0, 0), 4000);
    assert_int_equal(qos_limit_ready_ns(&limit, 60, 4000, 0), 60000);

    /* A large frame passes at half of what is left of the burst. */
    assert_int_equal(qos_limit_ready_ns(&limit, 9000, 4000, 0), 3000000);
    assert_int_equal(qos_limit_room(&limit, 9000, 4000, 2999999), 0);
    assert_int_equal(qos_limit_room(&limit, 9000, 4000, 3000000), 9000);

    /* More than there is: it never is there, but large frames pass. */
    assert_int_equal(qos_limit_room(&limit, 60, 20000, SECOND_NS), 60);
    assert_int_equal(qos_limit_room(&limit, 60, 20000, 0), 0);
}

static void
test_give(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 8000000, 2000);
    assert_true(take(&limit, 1500, 0, &rest));
    qos_limit_give(&limit, 1500, 0, &rest);
    assert_true(take(&limit, 2000, 0, &rest));
    qos_limit_give(&limit, 500, 0, &rest);
    assert_true(take(&limit, 500, 0, &rest));
    assert_false(take(&limit, 1, 0, &rest));

    /* Never above the burst, whatever is given. */
    qos_limit_give(&limit, UINT64_MAX, 0, &rest);
    assert_true(take(&limit, 2000, 0, &rest));
    assert_false(take(&limit, 1, 0, &rest));
}

/* However much is owed, the debt has an end, and no sum wraps. */
static void
test_debt_saturates(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, 8000, 1514);
    for (int i = 0; i < 1000; i++) {
        qos_limit_owe(&limit, UINT64_MAX, SECOND_NS, &rest);
        assert_true(qos_limit_credit(&limit, SECOND_NS) < 0);
        assert_false(take(&limit, 1, SECOND_NS, &rest));
    }
    assert_int_equal(limit.word >> 4, (1ull << 59) + SECOND_NS);
}

static void
test_packets(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_PACKETS, 1000, 32);
    assert_true(qos_limit_take(&limit, 32, 1, 0, 0, &rest));
    assert_false(qos_limit_take(&limit, 1, 1, 0, 999999, &rest));
    assert_int_equal(qos_limit_ready_ns(&limit, 1, 0, 999999), 1000000);
    assert_true(qos_limit_take(&limit, 1, 1, 0, 1000000, &rest));
    assert_int_equal(qos_limit_room(&limit, 1, 0, 11000000), 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_at_birth_then_empty),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_backlogged_gets_exactly_its_rate),
        cmocka_unit_test(test_time_that_jumps),
        cmocka_unit_test(test_larger_than_the_burst),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_debt_saturates),
        cmocka_unit_test(test_packets),
    };

    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
