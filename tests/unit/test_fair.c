/* Fair queues in front of a link: weights in bytes, guarantees first, and
 * nobody waits while the link is free. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "qos/fair.h"
#include "tests/unit/property.h"

#define MBIT UINT64_C(1000000)
#define MS UINT64_C(1000000)

/* A link of 100 Mbit/s in front of which sources have frames without end. */
#define LINK_BPS (100 * MBIT)

static struct qos_fair fair;
static uint64_t now_ns;
static uint64_t sizes[QOS_FAIR_SOURCES], sent[QOS_FAIR_SOURCES];

static int
reset(void **state)
{
    qos_fair_init(&fair);
    now_ns = 0;
    for (unsigned int i = 0; i < QOS_FAIR_SOURCES; i++) {
        sizes[i] = sent[i] = 0;
    }
    return 0;
}

static void
add(unsigned int i, uint64_t bytes, uint32_t weight, uint64_t guarantee_bps)
{
    sizes[i] = bytes;
    qos_fair_wait(&fair, i, bytes, weight, guarantee_bps,
                  guarantee_bps / 8 / 100, now_ns);
}

/* Sends one frame; false: there is none. */
static bool
send_one(void)
{
    bool guaranteed;
    unsigned int i = qos_fair_next(&fair, now_ns, &guaranteed);

    if (i == QOS_FAIR_NONE) {
        return false;
    }
    uint64_t bytes = fair.sources[i].first_bytes;
    sent[i] += bytes;
    now_ns += bytes * 8 * UINT64_C(1000000000) / LINK_BPS;
    qos_fair_sent(&fair, i, guaranteed, sizes[i], now_ns);
    return true;
}

static void
run(uint64_t ns)
{
    for (uint64_t end_ns = now_ns + ns; now_ns < end_ns && send_one();) {
        continue;
    }
}

static uint64_t
permille(unsigned int i)
{
    return (sent[i] * 8 * 1000000 * 1000 / LINK_BPS * 1000 + now_ns / 2)
           / now_ns;
}

/* Small frames, large ones, and pieces of 64 KiB: the same bytes. */
static void
test_equal_bytes(void **state)
{
    add(3, 64, 1, 0);
    add(7, 1514, 1, 0);
    add(63, 65536, 1, 0);
    run(2000 * MS);
    assert_in_range(permille(3), 330, 337);
    assert_in_range(permille(7), 330, 337);
    assert_in_range(permille(63), 330, 337);
}

static void
test_weights(void **state)
{
    add(0, 1514, 1, 0);
    add(1, 300, 2, 0);
    add(2, 9000, 5, 0);
    run(2000 * MS);
    assert_in_range(permille(0), 122, 128);
    assert_in_range(permille(1), 247, 253);
    assert_in_range(permille(2), 622, 628);
}

/* What is guaranteed comes before what weights would give; it is no more than
 * that, and the rest goes by weight to all. */
static void
test_guarantee(void **state)
{
    add(0, 1514, 1, 60 * MBIT);
    for (unsigned int i = 1; i < 10; i++) {
        add(i, 1514, 1, 0);
    }
    run(10000 * MS);
    assert_in_range(permille(0), 637, 643);     /* 60 % and a tenth of 40 %. */
    assert_in_range(permille(5), 38, 42);
}

/* A frame larger than its guarantee's burst is late, never stuck. */
static void
test_frame_above_guarantee(void **state)
{
    add(0, 65536, 1, 10 * MBIT);
    for (unsigned int i = 1; i < 50; i++) {
        add(i, 1514, 1000, 0);
    }
    run(5000 * MS);
    assert_in_range(permille(0), 95, 110);
}

/* Alone, it has the link; one that comes waits for what was begun. */
static void
test_newcomer(void **state)
{
    bool guaranteed;

    add(0, 65536, 1, 0);
    run(100 * MS);
    assert_in_range(permille(0), 999, 1010);
    add(1, 64, 1, 0);
    unsigned int before = 0;
    while (!sent[1]) {
        assert_true(send_one());
        before++;
    }
    assert_true(before <= 2);
    sizes[0] = sizes[1] = 0;
    while (send_one()) {
        continue;
    }
    assert_int_equal(qos_fair_next(&fair, now_ns, &guaranteed),
                     QOS_FAIR_NONE);
}

/* Sources come and go as a script says: every frame that waits is sent, while
 * one waits the link is not idle, and who waits all the time has its part. */
static unsigned int
make_script(uint64_t seed, struct property_step *steps)
{
    unsigned int n = 200 + property_random(&seed) % 400;

    for (unsigned int i = 0; i < n; i++) {
        steps[i].who = 1 + property_random(&seed) % (QOS_FAIR_SOURCES - 1);
        steps[i].kind = property_random(&seed) % 3;
        steps[i].size = 60 + property_random(&seed) % 9000;
        steps[i].after_ns = property_random(&seed) % (2 * MS);
    }
    return n;
}

static int
run_script(uint64_t seed, const struct property_step *steps, unsigned int n,
           char text[PROPERTY_TEXT_BYTES])
{
    uint64_t all = 0, most_waiting = 1, weight = 1 + seed % 3;

    reset(NULL);
    add(0, 1000, weight, 0);
    for (unsigned int i = 0; i < n; i++) {
        const struct property_step *s = &steps[i];

        if (s->kind) {
            add(s->who, s->size, 1, s->kind == 2 ? 100000 : 0);
        } else {
            sizes[s->who] = 0;          /* After the frame that waits. */
        }
        uint64_t before_ns = now_ns;
        run(s->after_ns);
        most_waiting = fair.n_turns > most_waiting ? fair.n_turns
                                                   : most_waiting;
        if (now_ns < before_ns + s->after_ns) {
            snprintf(text, PROPERTY_TEXT_BYTES, "idle at step %u", i);
            return -1;
        }
    }
    for (unsigned int i = 0; i < QOS_FAIR_SOURCES; i++) {
        all += sent[i];
    }
    /* Guarantees are little here: 6.3 Mbit/s of 100 together. */
    uint64_t part = all * 9 / 10 * weight / (weight + most_waiting - 1);
    if (sent[0] + 20000 < part) {
        snprintf(text, PROPERTY_TEXT_BYTES, "%llu of %llu bytes, %llu wait",
                 (unsigned long long) sent[0], (unsigned long long) all,
                 (unsigned long long) most_waiting);
        return -1;
    }
    return 0;
}

static void
test_scripts(void **state)
{
    static const struct property scripts = {
        "fair", 200, make_script, run_script,
    };

    property_check(&scripts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_equal_bytes, reset),
        cmocka_unit_test_setup(test_weights, reset),
        cmocka_unit_test_setup(test_guarantee, reset),
        cmocka_unit_test_setup(test_frame_above_guarantee, reset),
        cmocka_unit_test_setup(test_newcomer, reset),
        cmocka_unit_test_setup(test_scripts, reset),
    };

    return cmocka_run_group_tests_name("fair", tests, NULL, NULL);
}
