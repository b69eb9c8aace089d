/* Queues that share a limit: each gets its share, in whatever order they are
 * polled, and none waits for one that has gone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_turns.h"
#include "qos/bucket.h"

#define N_QUEUES 4u

static const struct qos_profile profile = { 8000000000, 16384 };
static struct qos_bucket bucket;
static struct vif_turns turns;
static uint64_t drawn_bytes[N_QUEUES];

static int
reset(void **state)
{
    qos_bucket_init(&bucket, &profile, 1);
    memset(&turns, 0, sizeof turns);
    memset(drawn_bytes, 0, sizeof drawn_bytes);
    return 0;
}

/* Queue 'id' has frames of 'bytes' without end and is polled. */
static void
poll(unsigned int id, uint64_t bytes, uint64_t now_ns)
{
    bool drew = false;

    if (!vif_turns_mine(&turns, id, now_ns)) {
        return;
    }
    qos_bucket_refill(&bucket, &profile, now_ns);
    while (qos_bucket_take(&bucket, &profile, bytes)) {
        drawn_bytes[id] += bytes;
        drew = true;
    }
    vif_turns_drawn(&turns, id, drew,
                    bucket.refilled_ns + qos_bucket_wait_ns(&bucket, &profile,
                                                            bytes), now_ns);
}

/* All in the same order each time, as soon as there is credit for one frame:
 * the first would have it all. */
static void
test_first_has_no_more(void **state)
{
    for (uint64_t now_ns = 1; now_ns < 100000000; now_ns += 1500) {
        for (unsigned int id = 0; id < N_QUEUES; id++) {
            poll(id, 1500, now_ns);
        }
    }
    for (unsigned int id = 0; id < N_QUEUES; id++) {
        assert_in_range(drawn_bytes[id], 24000000, 26000000);
    }
}

/* A frame that needs half a bucket gets by beside small ones. */
static void
test_large_beside_small(void **state)
{
    for (uint64_t now_ns = 1; now_ns < 100000000; now_ns += 1500) {
        for (unsigned int id = 0; id < 2; id++) {
            poll(id, id ? 60000 : 60, now_ns);
        }
    }
    assert_in_range(drawn_bytes[1], 30000000, 99000000);
    assert_in_range(drawn_bytes[0], 900000, 30000000);
}

/* One that was waiting is not there any more. */
static void
test_gone(void **state)
{
    const uint64_t now_ns = 1000;

    turns.waiting = 1u << 3 | 1u << 2;
    turns.next = 3;
    turns.ready_ns = now_ns;
    assert_false(vif_turns_mine(&turns, 0, now_ns));
    assert_false(vif_turns_mine(&turns, 2, now_ns + VIF_TURNS_LATE_NS));
    assert_true(vif_turns_mine(&turns, 2, now_ns + VIF_TURNS_LATE_NS + 1));
    vif_turns_drawn(&turns, 2, true, 0, now_ns);
    assert_int_equal(turns.waiting, 1u << 0);
    assert_int_equal(turns.next, 0);
}

/* Alone, nobody waits for anybody. */
static void
test_alone(void **state)
{
    for (uint64_t now_ns = 1; now_ns < 1000000; now_ns += 10) {
        assert_true(vif_turns_mine(&turns, 7, now_ns));
        vif_turns_drawn(&turns, 7, now_ns % 3, now_ns % 2 ? now_ns + 99 : 0,
                        now_ns);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_has_no_more, reset),
        cmocka_unit_test_setup(test_large_beside_small, reset),
        cmocka_unit_test_setup(test_gone, reset),
        cmocka_unit_test_setup(test_alone, reset),
    };

    return cmocka_run_group_tests_name("vif_turns", tests, NULL, NULL);
}
