/* A polling thread's time: whoever sends what costs much has no more of it
 * than the others, and none where nobody wants it goes unused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/property.h"
#include "qos/cpu.h"

#define VIFS_MAX 8u
#define BURST 32u
#define EMPTY_NS 100u                   /* A look at a ring. */
#define MS UINT64_C(1000000)

/* A thread that polls vifs in turn; each has frames without end of a cost, or,
 * with 'every_ns', one each so many ns. */
static struct vif {
    unsigned int account, n_queues;
    uint64_t frame_ns;                  /* 0: it has none. */
    uint64_t every_ns, next_ns;
    uint64_t used_ns, n_frames, waited_ns;
} vifs[VIFS_MAX];
static unsigned int n_vifs;
static uint64_t now_ns;

static struct qos_cpu cpu;

static int
reset(void **state)
{
    for (unsigned int i = 0; i < VIFS_MAX; i++) {
        vifs[i] = (struct vif) { .n_queues = 1 };
    }
    cpu = (struct qos_cpu) { .round = 0 };
    n_vifs = 0;
    now_ns = 0;
    return 0;
}

static struct vif *
add(uint64_t frame_ns)
{
    vifs[n_vifs].frame_ns = frame_ns;
    return &vifs[n_vifs++];
}

static unsigned int
may_have(struct vif *v)
{
    v->account = qos_cpu_account(&cpu, 1000 + (v - vifs), v->account);
    return qos_cpu_turn(&cpu, v->account, v->n_queues, QOS_CPU_QUANTUM_NS,
                        BURST);
}

/* One queue's turn. */
static void
poll(struct vif *v)
{
    unsigned int max = may_have(v), n = 0;

    if (max && v->every_ns && now_ns >= v->next_ns) {
        v->waited_ns = now_ns - v->next_ns > v->waited_ns
                       ? now_ns - v->next_ns : v->waited_ns;
        v->next_ns += v->every_ns;
        n = 1;
    } else if (max && !v->every_ns && v->frame_ns) {
        n = max;
    }
    uint64_t used_ns = EMPTY_NS + n * v->frame_ns;
    now_ns += used_ns;
    v->used_ns += used_ns;
    v->n_frames += n;
    qos_cpu_charge(&cpu, v->account, used_ns, n,
                   !v->every_ns && v->frame_ns);
}

static void
run_round(void)
{
    for (unsigned int i = 0; i < n_vifs; i++) {
        for (unsigned int k = 0; k < vifs[i].n_queues; k++) {
            poll(&vifs[i]);
        }
    }
    qos_cpu_round(&cpu);
}

static void
run(uint64_t ns)
{
    for (uint64_t end_ns = now_ns + ns; now_ns < end_ns;) {
        run_round();
    }
}

/* Jain's index of the time that the first 'n' used, in millionths. */
static uint64_t
jain_millionths(unsigned int n)
{
    double sum = 0, squares = 0;

    for (unsigned int i = 0; i < n; i++) {
        sum += vifs[i].used_ns;
        squares += (double) vifs[i].used_ns * vifs[i].used_ns;
    }
    return sum * sum / n / squares * 1e6;
}

/* Frames of 40 ns, of 1 us, and of 100 us, as those that need a flow each:
 * equal parts of the time. */
static void
test_equal_time(void **state)
{
    add(40);
    add(1000);
    add(100000);
    run(1000 * MS);
    assert_true(jain_millionths(3) >= 999000);
}

/* Alone, it has all there is. */
static void
test_alone(void **state)
{
    static const uint64_t costs_ns[] = { 40, 1000, 100000, 4000000 / BURST };

    for (unsigned int i = 0; i < 4; i++) {
        reset(state);
        add(costs_ns[i]);
        add(0);
        run(1000 * MS);
        /* But for looks at rings. */
        assert_true(vifs[0].n_frames * costs_ns[i] > now_ns * 85 / 100);
    }
}

/* One that sends little waits for a quantum, or for one frame of another's. */
static void
test_wait_is_bounded(void **state)
{
    for (uint64_t cost_ns = 100; cost_ns <= 1000000; cost_ns *= 10) {
        reset(state);
        struct vif *victim = add(50);
        victim->every_ns = 100000 + 2 * cost_ns;
        add(cost_ns);
        run(100 * MS);                  /* What it costs is found out. */
        victim->waited_ns = 0;
        run(1000 * MS);
        uint64_t most_ns = cost_ns > QOS_CPU_QUANTUM_NS ? cost_ns
                                                        : QOS_CPU_QUANTUM_NS;
        assert_true(victim->waited_ns <= most_ns + 2000);
    }
}

/* One that sends little, but not all the time in need, does not wait for those
 * that owe or are owed, whoever else floods. */
static void
test_modest_among_floods(void **state)
{
    struct vif *victim = add(2000);

    victim->every_ns = 20000;           /* A tenth of the time. */
    add(40);
    add(30000);
    run(100 * MS);
    victim->waited_ns = victim->n_frames = 0;
    run(1000 * MS);
    assert_true(victim->waited_ns <= 2 * QOS_CPU_QUANTUM_NS);
    assert_true(victim->n_frames >= 49900);
}

/* A vif with four queues has no more than one with one. */
static void
test_queues(void **state)
{
    add(20000)->n_queues = 4;
    add(20000);
    add(50)->n_queues = 4;
    run(1000 * MS);
    assert_true(jain_millionths(3) >= 999000);
}

/* What became dear is cut short at once, what became cheap is in whole bursts
 * again soon. */
static void
test_costs_change(void **state)
{
    struct vif *v = add(40);

    add(40);
    run(10 * MS);
    assert_int_equal(may_have(v), BURST);
    v->frame_ns = 100000;
    run(20 * MS);
    assert_int_equal(cpu.accounts[v->account].frame_ns / 1000, 100);
    v->frame_ns = 40;
    run(MS);
    assert_true(cpu.accounts[v->account].frame_ns < 1000);
}

/* The thread was away for long: the one that was polled pays for some of it,
 * not for ever. */
static void
test_away(void **state)
{
    add(1000);
    add(1000);
    run(10 * MS);
    uint64_t before = vifs[0].n_frames;
    qos_cpu_charge(&cpu, vifs[0].account, UINT64_MAX, 1, true);
    run(QOS_CPU_DEBT_MAX_NS + 10 * MS);
    assert_true(vifs[0].n_frames > before + 4000);
    assert_true(vifs[0].n_frames < before + 7000);
}

/* One that was idle has saved nothing up, and one that goes away does not hold
 * the others back, whatever they owed. */
static void
test_idle(void **state)
{
    struct vif *a = add(1000), *b = add(0);

    run(100 * MS);
    b->frame_ns = 100;
    uint64_t before = a->used_ns;
    run(10 * MS);
    assert_in_range(a->used_ns - before, 4800000, 5200000);
    b->frame_ns = 0;
    a->frame_ns = 100000;
    before = a->used_ns;
    run(10 * MS);
    assert_true(a->used_ns - before > 9000000);
}

/* A frame of 200 us: one, or as many as a longer turn has room for. */
static void
test_longer_turn(void **state)
{
    unsigned int slow = qos_cpu_account(&cpu, 1000, 0);
    qos_cpu_charge(&cpu, slow, 200000, 1, true);
    assert_int_equal(qos_cpu_turn(&cpu, slow, 1, QOS_CPU_QUANTUM_NS, BURST),
                     1);
    assert_int_equal(qos_cpu_turn(&cpu, slow, 1, 2000000, BURST), 10);
    assert_int_equal(qos_cpu_turn(&cpu, slow, 2, 2000000, BURST), 5);
}

/* Accounts of those that are gone make room; whoever finds none has all its
 * turns. */
static void
test_room_for_accounts(void **state)
{
    for (uint64_t key = 1; key <= QOS_CPU_ACCOUNTS; key++) {
        assert_int_equal(qos_cpu_account(&cpu, key, 0), key - 1);
    }
    unsigned int none = qos_cpu_account(&cpu, 999, 0);
    assert_int_equal(none, QOS_CPU_NONE);
    qos_cpu_charge(&cpu, none, 1000, 1, true);
    assert_int_equal(qos_cpu_turn(&cpu, none, 1, QOS_CPU_QUANTUM_NS,
                                      BURST), BURST);
    assert_int_equal(qos_cpu_told(&cpu, none), 0);
    qos_cpu_round(&cpu);

    unsigned int last = qos_cpu_account(&cpu, QOS_CPU_ACCOUNTS, 0);
    qos_cpu_charge(&cpu, last, 1234, 1, true);
    qos_cpu_round(&cpu);
    unsigned int moved = qos_cpu_account(&cpu, QOS_CPU_ACCOUNTS, last);
    assert_int_equal(moved, 0);
    assert_int_equal(qos_cpu_told(&cpu, moved), 1234);
    assert_int_equal(qos_cpu_told(&cpu, moved), 0);
    assert_int_equal(qos_cpu_account(&cpu, 999, none), 1);
}

/* Vifs whose costs change all the time: those that want all that they can get
 * have equal parts of it in the end, and the thread is never idle while
 * somebody has frames. */
static unsigned int
make_changes(uint64_t seed, struct property_step *steps)
{
    unsigned int n = 20 + property_random(&seed) % 20;

    for (unsigned int i = 0; i < n; i++) {
        steps[i].who = property_random(&seed) % 4;
        steps[i].size = 30u << property_random(&seed) % 12;
        steps[i].after_ns = property_random(&seed) % (20 * MS);
    }
    return n;
}

static int
run_changes(uint64_t seed, const struct property_step *steps, unsigned int n,
            char text[PROPERTY_TEXT_BYTES])
{
    uint64_t used_ns = 0, least_ns = UINT64_MAX, most_ns = 0;

    reset(NULL);
    for (unsigned int i = 0; i < 4; i++) {
        add(100)->n_queues = 1 + property_random(&seed) % 3;
    }
    for (unsigned int i = 0; i < n; i++) {
        vifs[steps[i].who].frame_ns = steps[i].size;
        run(steps[i].after_ns);
    }
    for (unsigned int i = 0; i < 4; i++) {
        used_ns += vifs[i].used_ns;
        least_ns = vifs[i].used_ns < least_ns ? vifs[i].used_ns : least_ns;
        most_ns = vifs[i].used_ns > most_ns ? vifs[i].used_ns : most_ns;
    }
    if (used_ns != now_ns) {
        snprintf(text, PROPERTY_TEXT_BYTES, "the thread was idle");
        return -1;
    }
    /* A burst that got dear for each change, and what all may owe. */
    uint64_t slack_ns = (n + 2) * QOS_CPU_DEBT_MAX_NS / 2 + used_ns / 50;
    if (most_ns - least_ns > slack_ns) {
        snprintf(text, PROPERTY_TEXT_BYTES, "%llu us against %llu us",
                 (unsigned long long) least_ns / 1000,
                 (unsigned long long) most_ns / 1000);
        return -1;
    }
    return 0;
}

static void
test_changing_costs(void **state)
{
    static const struct property changes = {
        "changes", 200, make_changes, run_changes,
    };

    property_check(&changes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_equal_time, reset),
        cmocka_unit_test_setup(test_alone, reset),
        cmocka_unit_test_setup(test_wait_is_bounded, reset),
        cmocka_unit_test_setup(test_modest_among_floods, reset),
        cmocka_unit_test_setup(test_queues, reset),
        cmocka_unit_test_setup(test_costs_change, reset),
        cmocka_unit_test_setup(test_away, reset),
        cmocka_unit_test_setup(test_idle, reset),
        cmocka_unit_test_setup(test_longer_turn, reset),
        cmocka_unit_test_setup(test_room_for_accounts, reset),
        cmocka_unit_test_setup(test_changing_costs, reset),
    };

    return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
