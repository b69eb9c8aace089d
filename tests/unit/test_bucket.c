#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "qos/bucket.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define SECOND_NS 1000000000ull
#define BITNS_PER_BYTE 8000000000ll

static uint64_t
next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return *seed >> 24;
}

/* Refills and takes. */
static bool
pass(struct qos_bucket *bucket, const struct qos_profile *profile,
     uint64_t bytes, uint64_t now_ns)
{
    qos_bucket_refill(bucket, profile, now_ns);
    return qos_bucket_take(bucket, profile, bytes);
}

/* The window rule for every window at once: with T bits passed before time t,
 * no later (t', T') may have T' - T > rate * (t' - t) + burst. */
struct window {
    __int128 passed_bitns;              /* Since the start. */
    __int128 least;                     /* Of passed - rate * now. */
};

static void
window_pass(struct window *window, const struct qos_profile *profile,
            uint64_t bytes, uint64_t now_ns, uint64_t slack_bytes)
{
    __int128 granted = (__int128) profile->rate_bps * now_ns;
    __int128 burst = (__int128) (profile->burst_bytes + slack_bytes)
                     * BITNS_PER_BYTE;

    if (window->passed_bitns - granted < window->least) {
        window->least = window->passed_bitns - granted;
    }
    window->passed_bitns += (__int128) bytes * BITNS_PER_BYTE;
    assert_true(window->passed_bitns - granted - window->least <= burst);
}

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
test_full_at_birth_then_empty(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        const struct qos_profile *p = &profiles[i];
        struct qos_bucket bucket;

        qos_bucket_init(&bucket, p, 12345);
        assert_true(qos_bucket_take(&bucket, p, p->burst_bytes));
        assert_int_equal(bucket.credit_bitns, 0);
        assert_false(qos_bucket_take(&bucket, p, 1));
        assert_true(qos_bucket_take(&bucket, p, 0));
    }
}

static void
test_no_limit(void **state)
{
    const struct qos_profile none = { 0, 0 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &none, 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(qos_bucket_take(&bucket, &none, UINT64_MAX));
        assert_int_equal(qos_bucket_wait_ns(&bucket, &none, UINT64_MAX), 0);
    }
    qos_bucket_refill(&bucket, &none, UINT64_MAX);
    qos_bucket_give(&bucket, &none, UINT64_MAX);
    assert_int_equal(bucket.credit_bitns, 0);
}

/* Random frames at random times never break the window rule. */
static void
test_window_rule(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            const struct qos_profile *p = &profiles[i];
            uint64_t random = seed, now_ns = next_random(&random);
            struct window window = { 0, (__int128) 1 << 120 };
            struct qos_bucket bucket;

            qos_bucket_init(&bucket, p, now_ns);
            for (int n = 0; n < 20000; n++) {
                uint64_t kind = next_random(&random) % 100;
                uint64_t bytes = 60 + next_random(&random) % 1455;

                if (kind < 60) {
                    /* Back to back. */
                } else if (kind < 98) {
                    now_ns += next_random(&random) % 30000;
                } else {
                    now_ns += next_random(&random) % (10 * SECOND_NS);
                }
                if (pass(&bucket, p, bytes, now_ns)) {
                    window_pass(&window, p, bytes, now_ns, 0);
                }
            }
        }
    }
}

/* A backlogged sender gets its rate exactly, for any frame sizes: after each
 * frame, what passed is what was granted, less what is left in the bucket;
 * and no frame could have passed one nanosecond earlier.  (Frames stay below
 * the burst by what one nanosecond grants: a full bucket earns nothing.) */
static void
test_backlogged_gets_exactly_its_rate(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        const struct qos_profile *p = &profiles[i];
        uint64_t random = 99, now_ns = 5 * SECOND_NS;
        __int128 passed = 0, granted;
        struct qos_bucket bucket;

        qos_bucket_init(&bucket, p, now_ns);
        assert_true(qos_bucket_take(&bucket, p, p->burst_bytes));
        for (int n = 0; n < 20000; n++) {
            uint64_t bytes = 60 + next_random(&random) % 1341;
            uint64_t wait_ns = qos_bucket_wait_ns(&bucket, p, bytes);

            if (wait_ns) {
                struct qos_bucket early = bucket;
                assert_false(pass(&early, p, bytes, now_ns + wait_ns - 1));
            }
            now_ns += wait_ns;
            assert_true(pass(&bucket, p, bytes, now_ns));
            passed += (__int128) bytes * BITNS_PER_BYTE;
        }
        granted = (__int128) p->rate_bps * (now_ns - 5 * SECOND_NS);
        assert_true(granted - passed == bucket.credit_bitns);
    }
}

/* Asking often grants no more and no less than asking once. */
static void
test_no_drift(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        const struct qos_profile *p = &profiles[i];
        struct qos_bucket often, once;
        uint64_t now_ns = 0;

        qos_bucket_init(&often, p, 0);
        assert_true(qos_bucket_take(&often, p, p->burst_bytes));
        once = often;
        for (int n = 0; n < 200000; n++) {
            now_ns++;
            qos_bucket_refill(&often, p, now_ns);
        }
        qos_bucket_refill(&once, p, now_ns);
        assert_int_equal(often.credit_bitns, once.credit_bitns);
        assert_int_equal(often.refilled_ns, once.refilled_ns);
    }
}

static void
test_one_nanosecond_at_each_rate(void **state)
{
    static const uint64_t rates[] = {
        8000, 8001, 64000, 1000003, 100000000, 10000000000, 399999999999,
        400000000000,
    };

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        const struct qos_profile p = { rates[i], QOS_BURST_MAX_BYTES };
        struct qos_bucket bucket;

        qos_bucket_init(&bucket, &p, 0);
        assert_true(qos_bucket_take(&bucket, &p, QOS_BURST_MAX_BYTES));
        qos_bucket_refill(&bucket, &p, 1);
        assert_int_equal(bucket.credit_bitns, rates[i]);
        qos_bucket_refill(&bucket, &p, SECOND_NS);
        assert_true(bucket.credit_bitns == (__int128) rates[i] * SECOND_NS
                    || bucket.credit_bitns
                       == (int64_t) QOS_BURST_MAX_BYTES * BITNS_PER_BYTE);
    }
}

static void
test_time_that_jumps(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        const struct qos_profile *p = &profiles[i];
        struct qos_bucket bucket;

        /* From empty, and from the deepest debt, to the end of time. */
        qos_bucket_init(&bucket, p, 0);
        assert_true(qos_bucket_take(&bucket, p, p->burst_bytes));
        qos_bucket_refill(&bucket, p, UINT64_MAX);
        assert_int_equal(bucket.credit_bitns,
                         (int64_t) p->burst_bytes * BITNS_PER_BYTE);

        qos_bucket_init(&bucket, p, 0);
        assert_true(qos_bucket_take(&bucket, p, UINT64_MAX));
        qos_bucket_refill(&bucket, p, UINT64_MAX);
        assert_int_equal(bucket.credit_bitns,
                         (int64_t) p->burst_bytes * BITNS_PER_BYTE);
    }
}

static void
test_time_that_runs_backwards(void **state)
{
    const struct qos_profile p = { 1000000, 2000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &p, SECOND_NS);
    assert_true(qos_bucket_take(&bucket, &p, 2000));
    qos_bucket_refill(&bucket, &p, 0);
    assert_int_equal(bucket.credit_bitns, 0);

    /* Clocks that disagree by a little do not earn anything twice. */
    for (int n = 0; n < 1000; n++) {
        qos_bucket_refill(&bucket, &p, SECOND_NS - 1000);
        qos_bucket_refill(&bucket, &p, SECOND_NS);
    }
    assert_int_equal(bucket.credit_bitns, 0);
    qos_bucket_refill(&bucket, &p, SECOND_NS + 8000);
    assert_true(qos_bucket_take(&bucket, &p, 1));
    assert_false(qos_bucket_take(&bucket, &p, 1));
}

/* A frame above the burst passes a bucket that is half full, and only that,
 * and the debt is paid at the profile's rate. */
static void
test_debt(void **state)
{
    const struct qos_profile p = { 8000000, 2000 };     /* 1 byte/us. */
    struct qos_bucket bucket;
    uint64_t now_ns = SECOND_NS;

    qos_bucket_init(&bucket, &p, now_ns);
    assert_true(qos_bucket_take(&bucket, &p, 1001));
    assert_false(qos_bucket_take(&bucket, &p, 64000));
    assert_int_equal(qos_bucket_wait_ns(&bucket, &p, 64000), 1000);

    now_ns += 1000;
    assert_true(pass(&bucket, &p, 64000, now_ns));
    assert_int_equal(bucket.credit_bitns, -63000 * BITNS_PER_BYTE);
    assert_int_equal(qos_bucket_wait_ns(&bucket, &p, 0), 63000 * 1000);
    assert_int_equal(qos_bucket_wait_ns(&bucket, &p, 60), 63060 * 1000);
    assert_false(pass(&bucket, &p, 60, now_ns + 63060 * 1000 - 1));
    assert_true(pass(&bucket, &p, 60, now_ns + 63060 * 1000));
}

/* Whoever comes late for a frame above the burst, by less than half of it,
 * loses nothing. */
static void
test_debt_and_lateness(void **state)
{
    const struct qos_profile p = { 8000000, 16384 };
    uint64_t random = 5, now_ns = 0, n_bytes = 0;
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &p, now_ns);
    while (n_bytes < 100000000) {
        now_ns += qos_bucket_wait_ns(&bucket, &p, 65000)
                  + next_random(&random) % 8000000;     /* 8 ms. */
        assert_true(pass(&bucket, &p, 65000, now_ns));
        n_bytes += 65000;
    }
    /* 1 byte/us. */
    assert_true(n_bytes * 1000 <= now_ns + (16384 + 65000) * UINT64_C(1000));
    assert_true(n_bytes * 1000 >= now_ns - 65000 * UINT64_C(1000));
}

/* Oversize frames alone keep to the rate as well. */
static void
test_debt_keeps_the_rate(void **state)
{
    const struct qos_profile p = { 100000000, 3000 };
    struct window window = { 0, (__int128) 1 << 120 };
    uint64_t random = 7, now_ns = 0;
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &p, now_ns);
    for (int n = 0; n < 20000; n++) {
        uint64_t bytes = 60 + next_random(&random) % 65476;

        now_ns += qos_bucket_wait_ns(&bucket, &p, bytes);
        assert_true(pass(&bucket, &p, bytes, now_ns));
        window_pass(&window, &p, bytes, now_ns, 65536);
    }
}

static void
test_debt_without_end_saturates(void **state)
{
    const struct qos_profile p = { QOS_RATE_MIN_BPS, QOS_BURST_MIN_BYTES };
    struct qos_bucket bucket;
    uint64_t wait_ns;

    qos_bucket_init(&bucket, &p, 0);
    assert_true(qos_bucket_take(&bucket, &p, UINT64_MAX));
    assert_true(bucket.credit_bitns < 0);
    assert_false(qos_bucket_take(&bucket, &p, UINT64_MAX));
    assert_false(qos_bucket_take(&bucket, &p, 0));

    wait_ns = qos_bucket_wait_ns(&bucket, &p, QOS_BURST_MIN_BYTES);
    assert_false(pass(&bucket, &p, QOS_BURST_MIN_BYTES, wait_ns - 1));
    assert_true(pass(&bucket, &p, QOS_BURST_MIN_BYTES, wait_ns));
}

static void
test_give(void **state)
{
    const struct qos_profile p = { 8000000, 2000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &p, 0);
    assert_true(qos_bucket_take(&bucket, &p, 1500));
    qos_bucket_give(&bucket, &p, 1500);
    assert_true(qos_bucket_take(&bucket, &p, 2000));
    qos_bucket_give(&bucket, &p, 500);
    assert_true(qos_bucket_take(&bucket, &p, 500));
    assert_false(qos_bucket_take(&bucket, &p, 1));

    /* Never above the burst, whatever is given. */
    qos_bucket_give(&bucket, &p, UINT64_MAX);
    assert_true(qos_bucket_take(&bucket, &p, 2000));
    assert_false(qos_bucket_take(&bucket, &p, 1));
}

static void
test_change_earns_at_the_old_rate(void **state)
{
    const struct qos_profile slow = { 8000000, 100000 };
    const struct qos_profile fast = { 800000000, 200000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &slow, 0);
    assert_true(qos_bucket_take(&bucket, &slow, 100000));
    qos_bucket_change(&bucket, &slow, &fast, 1000000);  /* 1 ms: 1000 B. */
    assert_int_equal(bucket.credit_bitns, 1000 * BITNS_PER_BYTE);
    qos_bucket_refill(&bucket, &fast, 2000000);         /* 1 ms: 100 kB. */
    assert_int_equal(bucket.credit_bitns, 101000 * BITNS_PER_BYTE);
}

static void
test_change_makes_no_burst(void **state)
{
    const struct qos_profile large = { 1000000000, 1000000 };
    const struct qos_profile small = { 1000000, 10000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &large, 0);
    qos_bucket_change(&bucket, &large, &small, 5);
    assert_int_equal(bucket.credit_bitns, 10000 * BITNS_PER_BYTE);
    qos_bucket_change(&bucket, &small, &large, 5);
    assert_int_equal(bucket.credit_bitns, 10000 * BITNS_PER_BYTE);

    /* To and fro at one moment earns nothing. */
    assert_true(qos_bucket_take(&bucket, &large, 10000));
    for (int n = 0; n < 100; n++) {
        qos_bucket_change(&bucket, &large, &small, 5);
        qos_bucket_change(&bucket, &small, &large, 5);
    }
    assert_int_equal(bucket.credit_bitns, 0);
}

static void
test_change_makes_no_gap(void **state)
{
    const struct qos_profile before = { 100000000, 50000 };
    const struct qos_profile after = { 50000000, 25000 };
    uint64_t now_ns = 0, last_ns = 0;
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &before, 0);
    for (int n = 0; n < 2000; n++) {
        const struct qos_profile *p = n < 1000 ? &before : &after;

        if (n == 1000) {
            qos_bucket_change(&bucket, &before, &after, now_ns);
        }
        now_ns += qos_bucket_wait_ns(&bucket, p, 1500);
        assert_true(pass(&bucket, p, 1500, now_ns));
        assert_true(now_ns - last_ns <= 1500 * 8 * SECOND_NS / p->rate_bps);
        last_ns = now_ns;
    }
}

static void
test_change_keeps_debt(void **state)
{
    const struct qos_profile before = { 8000000, 2000 };
    const struct qos_profile after = { 16000000, 4000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &before, 0);
    assert_true(qos_bucket_take(&bucket, &before, 12000));
    qos_bucket_change(&bucket, &before, &after, 0);
    assert_int_equal(bucket.credit_bitns, -10000 * BITNS_PER_BYTE);
    assert_int_equal(qos_bucket_wait_ns(&bucket, &after, 0), 5000000);
}

static void
test_change_from_and_to_no_limit(void **state)
{
    const struct qos_profile none = { 0, 0 };
    const struct qos_profile limit = { 8000000, 2000 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &none, 0);
    qos_bucket_change(&bucket, &none, &limit, 10);
    assert_int_equal(bucket.refilled_ns, 10);
    assert_true(qos_bucket_take(&bucket, &limit, 2000));
    assert_false(qos_bucket_take(&bucket, &limit, 1));

    qos_bucket_change(&bucket, &limit, &none, 20);
    assert_true(qos_bucket_take(&bucket, &none, 1000000));

    /* A clock that ran backwards meanwhile earns nothing twice. */
    qos_bucket_change(&bucket, &none, &limit, 5);
    assert_int_equal(bucket.refilled_ns, 20);
}

/* The window rule holds across changes, with the larger of the profiles. */
static void
test_window_rule_across_changes(void **state)
{
    const struct qos_profile a = { 50000000, 100000 };
    const struct qos_profile b = { 500000000, 20000 };
    const struct qos_profile most = { 500000000, 100000 };
    struct window window = { 0, (__int128) 1 << 120 };
    const struct qos_profile *p = &a;
    uint64_t random = 3, now_ns = 0;
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, p, now_ns);
    for (int n = 0; n < 100000; n++) {
        uint64_t bytes = 60 + next_random(&random) % 1455;

        now_ns += next_random(&random) % 20000;
        if (next_random(&random) % 50 == 0) {
            const struct qos_profile *other = p == &a ? &b : &a;
            qos_bucket_change(&bucket, p, other, now_ns);
            p = other;
        }
        if (pass(&bucket, p, bytes, now_ns)) {
            window_pass(&window, &most, bytes, now_ns, 0);
        }
    }
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
        cmocka_unit_test(test_full_at_birth_then_empty),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_window_rule),
        cmocka_unit_test(test_backlogged_gets_exactly_its_rate),
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_one_nanosecond_at_each_rate),
        cmocka_unit_test(test_time_that_jumps),
        cmocka_unit_test(test_time_that_runs_backwards),
        cmocka_unit_test(test_debt),
        cmocka_unit_test(test_debt_and_lateness),
        cmocka_unit_test(test_debt_keeps_the_rate),
        cmocka_unit_test(test_debt_without_end_saturates),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_change_earns_at_the_old_rate),
        cmocka_unit_test(test_change_makes_no_burst),
        cmocka_unit_test(test_change_makes_no_gap),
        cmocka_unit_test(test_change_keeps_debt),
        cmocka_unit_test(test_change_from_and_to_no_limit),
        cmocka_unit_test(test_window_rule_across_changes),
        cmocka_unit_test(test_lower),
    };

    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
