/* The victim beside each attack, exactly: with isolation it notices no more
 * than of somebody who spins in the attacker's place, without it very much.
 *
 * These are the attacks on the data path of two vifs of one tenant.  What acts
 * on other threads and processes (storms of events, OpenFlow and OVSDB, a crash
 * loop), or on a guest's own memory (a slow reader), has no twin on a simulated
 * clock. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/isolation_world.h"

/* Costs are of the right size, not measured: what matters is that they differ
 * by a factor of a thousand, and that one frame is no dearer than a quantum. */
static const struct attack floods[] = {
    { "64-byte flood", 64, 1, 100, 0, false, 32 },
    { "64 KiB GSO flood", 65536, 44, 12000, 0, false, 32 },
    { "new-flow flood", 64, 1, 40000, 0, true, 32 },
    { "tuple-space explosion", 64, 1, 45000, 0, true, 32 },
};

/* These want the thread's time, and little of the link. */
static const struct attack others[] = {
    { "port scan", 64, 1, 40000, 50000, true, 32 },
    { "conntrack churn", 64, 1, 5000, 0, false, 32 },
    { "broadcast to eight", 64, 1, 1000, 0, false, 32 },
    { "bad ring", 0, 0, 2000, 0, false, 32 },
};

#define N(ARRAY) (sizeof (ARRAY) / sizeof (ARRAY)[0])

/* 'harm_percent': what the attack does to the victim without isolation, in
 * parts of what it does with it, at least; otherwise it is too weak to show
 * anything. */
static void
check(const struct attack *a, unsigned int harm_percent)
{
    struct isolation_result r[N_ARMS];

    for (int arm = 0; arm < N_ARMS; arm++) {
        isolation_run(a, arm, &r[arm]);
    }
    print_message("# %s: p99 %llu ns alone, %llu beside a spinner, %llu "
                  "attacked, %llu without isolation (%u lost)\n", a->name,
                  (unsigned long long) r[ARM_ALONE].p99_ns,
                  (unsigned long long) r[ARM_SPINNER].p99_ns,
                  (unsigned long long) r[ARM_ATTACKED].p99_ns,
                  (unsigned long long) r[ARM_OFF].p99_ns, r[ARM_OFF].n_lost);
    assert_int_equal(r[ARM_ALONE].n_lost, 0);
    assert_int_equal(r[ARM_ATTACKED].n_lost, 0);
    assert_true(r[ARM_ATTACKED].n_sent >= r[ARM_ALONE].n_sent * 99 / 100);
    assert_true(r[ARM_ATTACKED].p99_ns * 100 <= r[ARM_SPINNER].p99_ns * 110);
    assert_true(r[ARM_OFF].mean_ns * 100
                >= r[ARM_ATTACKED].mean_ns * harm_percent);
}

static void
test_floods(void **state)
{
    for (size_t i = 0; i < N(floods); i++) {
        check(&floods[i], 1000);
    }
}

static void
test_others(void **state)
{
    for (size_t i = 0; i < N(others); i++) {
        check(&others[i], 110);
    }
}

/* Nobody pays for isolation while nobody attacks: the link is full, and the
 * attacker has what the victim leaves. */
static void
test_work_conserving(void **state)
{
    struct isolation_result on, off;

    isolation_run(&floods[1], ARM_ATTACKED, &on);
    isolation_run(&floods[1], ARM_OFF, &off);
    assert_true(on.attacker_frames >= off.attacker_frames * 95 / 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_work_conserving),
    };

    return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
