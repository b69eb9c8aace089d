/* A polling thread's time: whoever sends what costs much has no more of it
 * than the others, and none where nobody wants it goes unused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qos/cpu.h"

#define MEMBERS_MAX 8u
#define BURST 32u
#define EMPTY_NS 100u                   /* A look at a ring. */
#define MS UINT64_C(1000000)

/* A thread that polls members in turn; each has frames without end of a cost,
 * or, with a rate, one each so many ns. */
static struct member {
    struct qos_cpu_share share;
    uint64_t frame_ns;                  /* 0: it has none. */
    uint64_t every_ns, next_ns;
    unsigned int n_shares;
    uint64_t used_ns, n_frames, waited_ns;
} members[MEMBERS_MAX];
static unsigned int n_members;
static uint64_t now_ns;

static struct qos_cpu cpu;

static int
reset(void **state)
{
    for (unsigned int i = 0; i < MEMBERS_MAX; i++) {
        members[i] = (struct member) { .n_shares = 1 };
    }
    cpu = (struct qos_cpu) { .some = false };
    n_members = 0;
    now_ns = 0;
    return 0;
}

static struct member *
add(uint64_t frame_ns)
{
    members[n_members].frame_ns = frame_ns;
    return &members[n_members++];
}

static void
poll(struct member *m)
{
    unsigned int max = qos_cpu_turn(&cpu, &m->share, BURST), n = 0;

    if (max && m->every_ns && now_ns >= m->next_ns) {
        m->waited_ns = now_ns - m->next_ns > m->waited_ns
                       ? now_ns - m->next_ns : m->waited_ns;
        m->next_ns += m->every_ns;
        n = 1;
    } else if (max && !m->every_ns && m->frame_ns) {
        n = max;
    }
    uint64_t used_ns = EMPTY_NS + n * m->frame_ns;
    now_ns += used_ns;
    m->used_ns += used_ns;
    m->n_frames += n;
    qos_cpu_charge(&cpu, &m->share, m->n_shares, used_ns, n,
                   !m->every_ns && m->frame_ns);
}

static void
run(uint64_t ns)
{
    for (uint64_t end_ns = now_ns + ns; now_ns < end_ns;) {
        qos_cpu_round(&cpu);
        for (unsigned int i = 0; i < n_members; i++) {
            poll(&members[i]);
        }
    }
}

/* In a thousandth of all time. */
static unsigned int
permille(const struct member *m)
{
    return (m->used_ns * 1000 + now_ns / 2) / now_ns;
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
    for (unsigned int i = 0; i < 3; i++) {
        assert_in_range(permille(&members[i]), 300, 367);
    }
}

/* Alone, it has all there is. */
static void
test_alone(void **state)
{
    static const uint64_t costs_ns[] = { 40, 1000, 100000, 5000000 };

    for (unsigned int i = 0; i < 4; i++) {
        reset(state);
        add(costs_ns[i]);
        add(0);
        run(1000 * MS);
        /* But for looks at rings. */
        assert_true(members[0].n_frames * costs_ns[i] > now_ns * 85 / 100);
    }
}

/* One that sends little waits for a quantum, or for one frame of another's. */
static void
test_wait_is_bounded(void **state)
{
    for (uint64_t cost_ns = 100; cost_ns <= 1000000; cost_ns *= 10) {
        reset(state);
        struct member *victim = add(50);
        victim->every_ns = 100000 + 2 * cost_ns;
        add(cost_ns);
        run(100 * MS);              /* What it costs is found out. */
        victim->waited_ns = 0;
        run(1000 * MS);
        uint64_t most_ns = cost_ns > QOS_CPU_QUANTUM_NS ? cost_ns
                                                        : QOS_CPU_QUANTUM_NS;
        assert_true(victim->waited_ns <= most_ns + 2000);
    }
}

/* A vif with four queues has no more than one with one. */
static void
test_queues(void **state)
{
    for (unsigned int i = 0; i < 4; i++) {
        add(20000)->n_shares = 4;
    }
    add(20000);
    run(1000 * MS);
    unsigned int four = 0;
    for (unsigned int i = 0; i < 4; i++) {
        four += permille(&members[i]);
    }
    assert_in_range(four, 450, 550);
}

/* What became dear is cut short at once, what became cheap is in whole bursts
 * again soon. */
static void
test_costs_change(void **state)
{
    struct member *m = add(40);

    run(10 * MS);
    assert_int_equal(qos_cpu_turn(&cpu, &m->share, BURST), BURST);
    m->frame_ns = 100000;
    run(20 * MS);
    qos_cpu_round(&cpu);
    assert_int_equal(qos_cpu_turn(&cpu, &m->share, BURST), 1);
    m->frame_ns = 40;
    run(MS);
    qos_cpu_round(&cpu);
    assert_int_equal(qos_cpu_turn(&cpu, &m->share, BURST), BURST);
}

/* The thread was away for long: the one that was polled pays for some of it,
 * not for ever. */
static void
test_away(void **state)
{
    add(1000);
    add(1000);
    run(10 * MS);
    uint64_t before = members[0].n_frames;
    qos_cpu_charge(&cpu, &members[0].share, 1, UINT64_MAX, 1, true);
    run(QOS_CPU_USE_MAX_NS + 10 * MS);
    assert_true(members[0].n_frames > before + 3000);
    assert_true(members[0].n_frames < before + 7000);
}

/* One that was idle has saved nothing up, and one that goes away does not hold
 * the others back. */
static void
test_idle(void **state)
{
    struct member *a = add(1000), *b = add(0);

    run(100 * MS);
    b->frame_ns = 1000;
    uint64_t before = a->used_ns;
    run(10 * MS);
    assert_in_range(a->used_ns - before, 4800000, 5200000);
    b->frame_ns = 0;
    before = a->used_ns;
    run(10 * MS);
    assert_true(a->used_ns - before > 9000000);
}

/* One that comes from a thread on which much more time was used begins where
 * the busy ones are. */
static void
test_another_thread(void **state)
{
    struct qos_cpu other = { .id = 1 };

    add(1000);
    add(1000);
    run(500 * MS);
    cpu = other;
    uint64_t before = members[0].n_frames;
    add(1000);
    run(30 * MS);
    assert_in_range(members[0].n_frames - before, 8000, 12000);
    assert_in_range(members[2].n_frames, 8000, 12000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_equal_time, reset),
        cmocka_unit_test_setup(test_alone, reset),
        cmocka_unit_test_setup(test_wait_is_bounded, reset),
        cmocka_unit_test_setup(test_queues, reset),
        cmocka_unit_test_setup(test_costs_change, reset),
        cmocka_unit_test_setup(test_away, reset),
        cmocka_unit_test_setup(test_idle, reset),
        cmocka_unit_test_setup(test_another_thread, reset),
    };

    return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
