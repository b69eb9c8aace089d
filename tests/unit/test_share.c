/* A link divided among tenants that share no memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "qos/share.h"
#include "tests/unit/property.h"

#define MBIT UINT64_C(1000000)
#define LINK_BPS (1000 * MBIT)
#define N_MAX 1000u

static void
test_alone(void **state)
{
    struct qos_share one = { .weight = 1, .wants = true };

    qos_share_divide(LINK_BPS, &one, 1);
    assert_int_equal(one.share_bps, LINK_BPS);
    one.max_bps = 300 * MBIT;
    qos_share_divide(LINK_BPS, &one, 1);
    assert_int_equal(one.share_bps, 300 * MBIT);
    one.wants = false;
    qos_share_divide(LINK_BPS, &one, 1);
    assert_int_equal(one.share_bps, 300 * MBIT);
}

/* A guarantee is there at once, although its tenant is idle and others want
 * all. */
static void
test_guarantee(void **state)
{
    struct qos_share s[] = {
        { .weight = 1, .guarantee_bps = 400 * MBIT },
        { .weight = 1000, .wants = true, .used_bps = LINK_BPS },
    };

    qos_share_divide(LINK_BPS, s, 2);
    assert_true(s[0].share_bps >= 400 * MBIT);
    assert_true(s[1].share_bps >= 590 * MBIT);
    /* Both want: the guarantee, and of the rest by weight. */
    s[0].wants = true;
    s[1].weight = 1;
    qos_share_divide(LINK_BPS, s, 2);
    assert_int_equal(s[0].share_bps, 700 * MBIT);
    assert_int_equal(s[1].share_bps, 300 * MBIT);
}

/* One that was idle finds some room, fills it, and has its part when that is
 * seen: two rounds. */
static void
test_newcomer(void **state)
{
    struct qos_share s[] = {
        { .weight = 1, .wants = true, .used_bps = LINK_BPS },
        { .weight = 3 },
    };

    qos_share_divide(LINK_BPS, s, 2);
    assert_true(s[0].share_bps >= 950 * MBIT);
    assert_true(s[1].share_bps >= 40 * MBIT);
    s[1].used_bps = s[1].share_bps;
    s[1].wants = true;
    qos_share_divide(LINK_BPS, s, 2);
    assert_int_equal(s[0].share_bps, 250 * MBIT);
    assert_int_equal(s[1].share_bps, 750 * MBIT);
    /* And gives it back as it goes. */
    s[1].wants = false;
    s[1].used_bps = 100 * MBIT;
    qos_share_divide(LINK_BPS, s, 2);
    assert_int_equal(s[1].share_bps, 125 * MBIT);
    assert_int_equal(s[0].share_bps, 875 * MBIT);
}

/* Two that would send all that they may, 3 to 1, whose use is known here
 * 'lag' rounds later.  The second begins when the first has nearly all. */
static void
flood(unsigned int lag)
{
    struct qos_share s[] = {
        { .weight = 1, .share_bps = 970 * MBIT },
        { .weight = 3, .share_bps = 30 * MBIT },
    };
    uint64_t before_bps[2][2];

    for (int i = 0; i < 2; i++) {
        before_bps[i][0] = before_bps[i][1] = s[i].share_bps;
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2; i++) {
            uint64_t share_bps = s[i].share_bps;

            s[i].used_bps = lag ? before_bps[i][lag - 1] : share_bps;
            s[i].wants = qos_share_wants(s[i].used_bps, true, share_bps,
                                         before_bps[i][0]);
            before_bps[i][1] = before_bps[i][0];
            before_bps[i][0] = share_bps;
        }
        qos_share_divide(LINK_BPS, s, 2);
        if (round > 2) {
            assert_int_equal(s[0].share_bps, 250 * MBIT);
            assert_int_equal(s[1].share_bps, 750 * MBIT);
        }
    }
}

static void
test_what_is_known_late(void **state)
{
    flood(0);
    flood(1);
}

static void
test_wants(void **state)
{
    assert_true(qos_share_wants(70 * MBIT, true, 100 * MBIT, 100 * MBIT));
    assert_false(qos_share_wants(69 * MBIT, true, 100 * MBIT, 100 * MBIT));
    assert_false(qos_share_wants(100 * MBIT, false, 100 * MBIT, 100 * MBIT));
    /* Its share has just grown, or shrunk. */
    assert_true(qos_share_wants(21 * MBIT, true, 75 * MBIT, 21 * MBIT));
    assert_true(qos_share_wants(75 * MBIT, true, 21 * MBIT, 75 * MBIT));
}

/* Guarantees that nobody refused are cut, not added up. */
static void
test_too_much_promised(void **state)
{
    struct qos_share s[] = {
        { .weight = 1, .guarantee_bps = 700 * MBIT, .wants = true },
        { .weight = 1, .guarantee_bps = 700 * MBIT, .wants = true },
    };

    qos_share_divide(LINK_BPS, s, 2);
    assert_int_equal(s[0].share_bps, 700 * MBIT);
    assert_int_equal(s[1].share_bps, 300 * MBIT);
}

static void
test_near(void **state)
{
    assert_true(qos_share_is_near(LINK_BPS, 500 * MBIT, 520 * MBIT));
    assert_true(qos_share_is_near(LINK_BPS, 520 * MBIT, 500 * MBIT));
    assert_false(qos_share_is_near(LINK_BPS, 500 * MBIT, 521 * MBIT));
}

/* Any number of them, of any kind, on any link. */
static unsigned int
make_tenants(uint64_t seed, struct property_step *steps)
{
    unsigned int n = 1 + property_random(&seed) % (seed % 4 ? 12 : N_MAX);

    for (unsigned int i = 0; i < n; i++) {
        steps[i].kind = property_random(&seed);
        steps[i].who = 1 + property_random(&seed) % 255;
        steps[i].size = property_random(&seed);
        steps[i].after_ns = property_random(&seed);
    }
    return n;
}

static int
run_tenants(uint64_t seed, const struct property_step *steps, unsigned int n,
            char text[PROPERTY_TEXT_BYTES])
{
    static struct qos_share s[N_MAX];
    static const uint64_t links[] = { 8000, 1000000, 10000000000,
                                      400000000000 };
    uint64_t link_bps = links[seed % 4], sum = 0;
    bool some_want = false;

    for (unsigned int i = 0; i < n; i++) {
        s[i] = (struct qos_share) {
            .weight = steps[i].who,
            .wants = steps[i].kind & 1,
            .used_bps = steps[i].after_ns % (2 * link_bps),
            .max_bps = steps[i].kind & 2
                       ? 1 + steps[i].size % (link_bps + 1) : 0,
        };
        /* No more than 95 % in all. */
        if (steps[i].kind & 4) {
            s[i].guarantee_bps = link_bps * 95 / 100 / n;
        }
        if (s[i].max_bps && s[i].guarantee_bps > s[i].max_bps) {
            s[i].guarantee_bps = s[i].max_bps;
        }
    }
    qos_share_divide(link_bps, s, n);
    for (unsigned int i = 0; i < n; i++) {
        sum += s[i].share_bps;
        some_want |= s[i].wants && (!s[i].max_bps
                                    || s[i].share_bps < s[i].max_bps);
        if (s[i].share_bps < s[i].guarantee_bps
            || (s[i].max_bps && s[i].share_bps > s[i].max_bps)) {
            snprintf(text, PROPERTY_TEXT_BYTES, "%u has %llu", i,
                     (unsigned long long) s[i].share_bps);
            return -1;
        }
    }
    if (sum > link_bps) {
        snprintf(text, PROPERTY_TEXT_BYTES, "%llu of %llu",
                 (unsigned long long) sum, (unsigned long long) link_bps);
        return -1;
    }
    /* Nothing is left while one wants more, but for what weights leave. */
    if (some_want && link_bps - sum > 2 * 255 * N_MAX) {
        snprintf(text, PROPERTY_TEXT_BYTES, "%llu of %llu are left",
                 (unsigned long long) (link_bps - sum),
                 (unsigned long long) link_bps);
        return -1;
    }
    /* Two that want, with no maximum: beyond their guarantees by weight. */
    for (unsigned int i = 1; i < n; i++) {
        const struct qos_share *a = &s[i - 1], *b = &s[i];

        if (a->wants && b->wants && !a->max_bps && !b->max_bps) {
            double x = (double) (a->share_bps - a->guarantee_bps) / a->weight;
            double y = (double) (b->share_bps - b->guarantee_bps) / b->weight;
            double jain = x + y ? (x + y) * (x + y) / 2 / (x * x + y * y) : 1;

            if (jain < 0.999 && x + y > 100) {
                snprintf(text, PROPERTY_TEXT_BYTES, "%g and %g", x, y);
                return -1;
            }
        }
    }
    return 0;
}

static void
test_any(void **state)
{
    static const struct property tenants = {
        "tenants", 400, make_tenants, run_tenants,
    };

    property_check(&tenants);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_guarantee),
        cmocka_unit_test(test_newcomer),
        cmocka_unit_test(test_what_is_known_late),
        cmocka_unit_test(test_wants),
        cmocka_unit_test(test_too_much_promised),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_any),
    };

    return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
