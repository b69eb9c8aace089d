/* A limit that several threads draw from: for any number of them, in any
 * order, with clocks that differ, it is one limit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "qos/limit.h"
#include "tests/unit/property.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define SECOND_NS 1000000000ull
#define BITNS_PER_BYTE 8000000000ll
#define THREADS_MAX 8u
#define SKEW_NS 200u
#define STEPS 3000u

static const struct {
    uint64_t rate_bps, burst_bytes;
} limits[] = {
    { 8000, 1514 }, { 9601, 65536 }, { 10000000, 16384 },
    { 99999989, 65536 }, { 1000000000, 500000 }, { 25000000007, 20003 },
    { 399999999999, 1u << 20 }, { 400000000000, 1514 },
};

/* The rule for every window at once: with T passed before time t, no later
 * (t', T') may have T' - T > rate * (t' - t) + burst.  In 10^-9 bits. */
struct window {
    __int128 passed, least;             /* Least of passed - granted. */
};

static bool
window_holds(struct window *w, uint64_t rate_bps, uint64_t bytes,
             uint64_t now_ns, __int128 most)
{
    __int128 granted = (__int128) rate_bps * now_ns;

    if (w->passed - granted < w->least) {
        w->least = w->passed - granted;
    }
    w->passed += (__int128) bytes * BITNS_PER_BYTE;
    return w->passed - granted - w->least <= most;
}

static const struct window window_begin = { 0, (__int128) 1 << 120 };

static unsigned int
make(uint64_t seed, struct property_step *steps)
{
    uint64_t rate = limits[seed % ARRAY_SIZE(limits)].rate_bps;
    uint64_t frame_ns = 1514 * (uint64_t) BITNS_PER_BYTE / rate;
    uint64_t random = seed;

    for (unsigned int i = 0; i < STEPS; i++) {
        uint64_t r = property_random(&random);
        struct property_step *step = &steps[i];

        step->kind = r % 64;
        step->who = r >> 8 & 0xff;
        /* Small frames, full ones, and bursts of up to 64 KiB. */
        step->size = r >> 16 & 1 ? 60 + (r >> 20) % 1455
                     : r >> 17 & 1 ? 1514 : 60 + (r >> 20) % 65000;
        step->after_ns = r >> 18 & 3 ? 0 : property_random(&random)
                                          % (frame_ns * 4 + 2);
        if (step->kind == 63) {
            step->after_ns = property_random(&random) % (10 * SECOND_NS);
        }
    }
    return STEPS;
}

/* 1 to 8 threads, by the seed. */
static int
run_window(uint64_t seed, const struct property_step *steps, unsigned int n,
           char text[PROPERTY_TEXT_BYTES])
{
    uint64_t rate = limits[seed % ARRAY_SIZE(limits)].rate_bps;
    uint64_t burst = limits[seed % ARRAY_SIZE(limits)].burst_bytes;
    unsigned int n_threads = 1 + seed % THREADS_MAX;
    uint64_t now_ns = SECOND_NS, rests[THREADS_MAX] = { 0 };
    struct window window = window_begin;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, rate, burst);
    for (unsigned int i = 0; i < n; i++) {
        unsigned int who = steps[i].who % n_threads;
        uint64_t bytes = steps[i].size;

        now_ns += steps[i].after_ns;
        if (!qos_limit_take(&limit, bytes, bytes, 0,
                            now_ns - who * SKEW_NS / THREADS_MAX,
                            &rests[who])) {
            continue;
        }
        uint64_t over = bytes > burst ? bytes : 0;
        if (!window_holds(&window, rate, bytes, now_ns,
                          (__int128) (burst + over) * BITNS_PER_BYTE
                          + (__int128) rate * (2 + n_threads + SKEW_NS))) {
            snprintf(text, PROPERTY_TEXT_BYTES, "step %u: %"PRIu64" bytes too"
                     " many in a window, %u threads", i, bytes, n_threads);
            return -1;
        }
    }
    return 0;
}

static void
test_window(void **state)
{
    static const struct property property = {
        "window", 400, make, run_window,
    };

    property_check(&property);
}

/* All that passes is what one thread alone would have passed, whoever asks:
 * same steps, same answers, but for the frames that a nanosecond decides. */
static int
run_invariance(uint64_t seed, const struct property_step *steps,
               unsigned int n, char text[PROPERTY_TEXT_BYTES])
{
    uint64_t rate = limits[seed % ARRAY_SIZE(limits)].rate_bps;
    uint64_t burst = limits[seed % ARRAY_SIZE(limits)].burst_bytes;
    unsigned int n_threads = 2 + seed % (THREADS_MAX - 1);
    uint64_t now_ns = SECOND_NS, rests[THREADS_MAX] = { 0 }, rest = 0;
    int64_t one_bytes = 0, many_bytes = 0;
    struct qos_limit one, many;

    qos_limit_init(&one, QOS_BYTES, rate, burst);
    qos_limit_init(&many, QOS_BYTES, rate, burst);
    for (unsigned int i = 0; i < n; i++) {
        uint64_t bytes = steps[i].size;

        now_ns += steps[i].after_ns;
        if (qos_limit_take(&one, bytes, bytes, 0, now_ns, &rest)) {
            one_bytes += bytes;
        }
        if (qos_limit_take(&many, bytes, bytes, 0, now_ns,
                           &rests[steps[i].who % n_threads])) {
            many_bytes += bytes;
        }
        int64_t differ = one_bytes - many_bytes;
        if (differ > 130000 || differ < -130000) {
            snprintf(text, PROPERTY_TEXT_BYTES, "step %u: %"PRId64" bytes"
                     " passed by one, %"PRId64" by %u", i, one_bytes,
                     many_bytes, n_threads);
            return -1;
        }
    }
    return 0;
}

static void
test_invariance(void **state)
{
    static const struct property property = {
        "invariance", 200, make, run_invariance,
    };

    property_check(&property);
}

/* N backlogged queues that are polled at random, none later than the jitter:
 * what passes is the rate, less one segment and the jitter. */
static int
run_backlogged(uint64_t seed, const struct property_step *steps,
               unsigned int n, char text[PROPERTY_TEXT_BYTES])
{
    uint64_t rate = limits[seed % ARRAY_SIZE(limits)].rate_bps;
    unsigned int n_threads = 1 + seed % THREADS_MAX;
    uint64_t jitter_ns = 65600 * (uint64_t) BITNS_PER_BYTE / rate;
    uint64_t burst = 3 * 65600, begun_ns = SECOND_NS, now_ns = begun_ns;
    uint64_t rests[THREADS_MAX] = { 0 };
    __int128 passed = burst;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, rate, burst);
    qos_limit_owe(&limit, burst, now_ns, &rests[0]);
    for (unsigned int i = 0; i < n; i++) {
        unsigned int who = steps[i].who % n_threads;
        uint64_t bytes = steps[i].size;

        now_ns += steps[i].after_ns % (jitter_ns + 1);
        while (qos_limit_take(&limit, bytes, bytes, 0, now_ns, &rests[who])) {
            passed += bytes;
        }
        __int128 missing = (__int128) rate * (now_ns - begun_ns)
                           + (__int128) burst * BITNS_PER_BYTE
                           - passed * BITNS_PER_BYTE;
        if (missing > (__int128) bytes * BITNS_PER_BYTE + 2 * rate) {
            snprintf(text, PROPERTY_TEXT_BYTES, "step %u: %"PRId64" bytes are"
                     " missing, %u threads", i,
                     (int64_t) (missing / BITNS_PER_BYTE), n_threads);
            return -1;
        }
    }
    return 0;
}

static void
test_backlogged(void **state)
{
    static const struct property property = {
        "backlogged", 200, make, run_backlogged,
    };

    property_check(&property);
}

/* The rule holds with the larger of the rates and bursts while they change,
 * and a change earns nothing. */
static int
run_changes(uint64_t seed, const struct property_step *steps, unsigned int n,
            char text[PROPERTY_TEXT_BYTES])
{
    unsigned int n_threads = 1 + seed % THREADS_MAX;
    uint64_t now_ns = SECOND_NS, rests[THREADS_MAX] = { 0 };
    uint64_t rate = 50000000, burst = 100000;
    const uint64_t most_rate = 500000000, most_burst = 100000;
    struct window window = window_begin;
    struct qos_limit limit;

    qos_limit_init(&limit, QOS_BYTES, rate, burst);
    for (unsigned int i = 0; i < n; i++) {
        unsigned int who = steps[i].who % n_threads;
        uint64_t bytes = 60 + steps[i].size % 1455;

        now_ns += steps[i].after_ns % 30000;
        if (steps[i].kind < 3) {
            rate = steps[i].kind == 0 ? 50000000 : 500000000;
            burst = steps[i].kind == 2 ? 20000 : 100000;

            int64_t before = qos_limit_credit(&limit, now_ns);
            qos_limit_set(&limit, rate, burst, now_ns);
            int64_t after = qos_limit_credit(&limit, now_ns);
            int64_t least = before < (int64_t) burst ? before : (int64_t) burst;
            if (after > least || after < least - 1 - (int64_t) (rate
                                                      / BITNS_PER_BYTE)) {
                snprintf(text, PROPERTY_TEXT_BYTES, "step %u: a change made"
                         " %"PRId64" of %"PRId64, i, after, before);
                return -1;
            }
        }
        if (qos_limit_take(&limit, bytes, bytes, 0, now_ns, &rests[who])
            && !window_holds(&window, most_rate, bytes, now_ns,
                             (__int128) most_burst * BITNS_PER_BYTE
                             + (__int128) most_rate * (2 + n_threads))) {
            snprintf(text, PROPERTY_TEXT_BYTES, "step %u: too much", i);
            return -1;
        }
    }
    return 0;
}

static void
test_changes(void **state)
{
    static const struct property property = {
        "changes", 400, make, run_changes,
    };

    property_check(&property);
}

static void
test_change_is_seamless(void **state)
{
    uint64_t rest = 0;
    struct qos_limit limit;

    /* What was earned before is earned at the old rate. */
    qos_limit_init(&limit, QOS_BYTES, 8000000, 100000);
    assert_true(qos_limit_take(&limit, 100000, 60, 0, 0, &rest));
    qos_limit_set(&limit, 800000000, 200000, 1000000);  /* 1 ms: 1000 B. */
    assert_int_equal(qos_limit_credit(&limit, 1000000), 1000);
    assert_int_equal(qos_limit_credit(&limit, 2000000), 101000);

    /* Debt stays. */
    qos_limit_owe(&limit, 111000, 2000000, &rest);
    qos_limit_set(&limit, 16000000, 4000, 2000000);
    assert_int_equal(qos_limit_credit(&limit, 2000000), -10000);
    assert_int_equal(qos_limit_ready_ns(&limit, 0, 0, 2000000), 7000000);

    /* From and to no limit: it begins full. */
    qos_limit_set(&limit, 0, 0, 2000000);
    assert_false(qos_limit_on(&limit));
    assert_true(qos_limit_take(&limit, 1000000, 60, 0, 2000000, &rest));
    qos_limit_set(&limit, 8000000, 2000, 2000000);
    assert_true(qos_limit_take(&limit, 2000, 60, 0, 2000000, &rest));
    assert_false(qos_limit_take(&limit, 1, 1, 0, 2000000, &rest));

    /* What was left of a slow rate's nanosecond is no wait at a fast one. */
    rest = 7999;
    qos_limit_set(&limit, 400000000000, 2000, 9000000);
    assert_true(qos_limit_take(&limit, 2000, 60, 0, 9000000, &rest));
    assert_int_equal(qos_limit_ready_ns(&limit, 60, 0, 9000000), 9000002);
    rest = 399999999999;
    qos_limit_set(&limit, 8000, 2000, 19000000);
    assert_true(qos_limit_take(&limit, 1000, 60, 0, 19000000, &rest));
    assert_in_range(qos_limit_credit(&limit, 19000000), 999, 1000);
}

/* Real threads, on a clock that they push on themselves. */
struct crowd {
    struct qos_limit limit;
    uint64_t now_ns, stop_ns;
    uint64_t passed_bytes, rests;
    uint64_t rate_bps;
};

static void *
draw(void *crowd_)
{
    struct crowd *c = crowd_;
    uint64_t random = (uintptr_t) &random, passed_bytes = 0, rest = 0;
    uint64_t now_ns = 0;

    while (now_ns < c->stop_ns) {
        uint64_t bytes = 60 + property_random(&random) % 1455;

        now_ns = __atomic_add_fetch(&c->now_ns, 50, __ATOMIC_RELAXED);
        if (qos_limit_take(&c->limit, bytes, bytes, 0, now_ns, &rest)) {
            passed_bytes += bytes;
        }
        if (bytes % 8 == 0) {
            /* What is taken and given back is no matter. */
            qos_limit_owe(&c->limit, 10000, now_ns, &rest);
            qos_limit_give(&c->limit, 10000, now_ns, &rest);
        }
    }
    __atomic_add_fetch(&c->passed_bytes, passed_bytes, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->rests, rest, __ATOMIC_RELAXED);
    return NULL;
}

static void
crowd_run(struct crowd *c, bool change)
{
    pthread_t threads[THREADS_MAX];

    for (unsigned int i = 0; i < THREADS_MAX; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw, c), 0);
    }
    uint64_t now_ns = 0;
    for (int i = 0; change && now_ns < c->stop_ns; i++) {
        now_ns = __atomic_load_n(&c->now_ns, __ATOMIC_RELAXED);
        qos_limit_set(&c->limit, c->rate_bps >> (i & 1), 100000, now_ns);
    }
    for (unsigned int i = 0; i < THREADS_MAX; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void
test_threads(void **state)
{
    struct crowd c = { .stop_ns = 100000000, .rate_bps = 10000000007 };

    qos_limit_init(&c.limit, QOS_BYTES, c.rate_bps, 100000);
    crowd_run(&c, false);

    /* Backlogged from the first to the last, so it was never full again: not
     * a bit is unaccounted for. */
    uint64_t full_ns = c.limit.word >> 4;
    __int128 charged = (__int128) full_ns * c.rate_bps + c.rests;
    __int128 passed = (__int128) c.passed_bytes * BITNS_PER_BYTE;
    __int128 differ = charged - passed;
    /* It began full, at a time between 0 and the first draw. */
    assert_true(differ >= 0 && differ <= (__int128) c.rate_bps * 50000);
    assert_true(passed <= (__int128) c.rate_bps * c.now_ns
                          + (__int128) 100000 * BITNS_PER_BYTE);
}

static void
test_threads_while_it_changes(void **state)
{
    struct crowd c = { .stop_ns = 100000000, .rate_bps = 10000000007 };

    qos_limit_init(&c.limit, QOS_BYTES, c.rate_bps, 100000);
    crowd_run(&c, true);

    __int128 passed = (__int128) c.passed_bytes * BITNS_PER_BYTE;
    __int128 burst = (__int128) 101514 * BITNS_PER_BYTE;
    assert_true(passed <= (__int128) c.rate_bps * c.now_ns + burst);
    assert_true(passed >= (__int128) c.rate_bps / 2 * c.now_ns * 9 / 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_invariance),
        cmocka_unit_test(test_backlogged),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_change_is_seamless),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_threads_while_it_changes),
    };

    return cmocka_run_group_tests_name("limit_shared", tests, NULL, NULL);
}
