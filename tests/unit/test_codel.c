/* A queue that stands is made short, one that absorbs a burst is left alone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qos/codel.h"

#define MS UINT64_C(1000000)
#define FRAME_BYTES 1500u
#define QUEUE_MAX 4096u

/* A queue that is served at a rate, and by whom it is filled: a sender that
 * has so many frames under way, one more for each window that arrives, and half
 * of them when one is lost. */
static struct qos_codel codel;
static uint64_t now_ns, came_ns[QUEUE_MAX];
static unsigned int head, n_queued, n_dropped, n_sent;
static uint64_t waited_ns, most_ns;

static int
reset(void **state)
{
    codel = (struct qos_codel) { .n_drops = 0 };
    now_ns = 1;
    head = n_queued = n_dropped = n_sent = 0;
    waited_ns = most_ns = 0;
    return 0;
}

static void
put(unsigned int n)
{
    while (n-- && n_queued < QUEUE_MAX) {
        came_ns[(head + n_queued++) % QUEUE_MAX] = now_ns;
    }
}

/* One frame leaves.  True: it was dropped. */
static bool
take(void)
{
    waited_ns = now_ns - came_ns[head];
    head = (head + 1) % QUEUE_MAX;
    n_queued--;
    if (qos_codel_drop(&codel, waited_ns, QOS_CODEL_TARGET_NS,
                       n_queued * FRAME_BYTES, FRAME_BYTES, now_ns)) {
        n_dropped++;
        return true;
    }
    n_sent++;
    return false;
}

/* TCP, more or less, through a queue that sends a frame each 'frame_ns': after
 * 'settle_ns', how long frames wait at most, and how many were sent. */
static void
run_sender(uint64_t frame_ns, uint64_t rtt_ns, uint64_t settle_ns,
           uint64_t ns)
{
    unsigned int window = 10, arrived = 0;
    uint64_t cut_ns = 0, end_ns = now_ns + settle_ns + ns;
    uint64_t settled_ns = now_ns + settle_ns;

    put(window);
    while (now_ns < end_ns) {
        if (!n_queued) {
            now_ns += rtt_ns / window;
            put(1);
            continue;
        }
        if (take()) {
            if (now_ns >= cut_ns) {     /* Once a round trip. */
                window = window > 3 ? window / 2 : 2;
                cut_ns = now_ns + rtt_ns;
            }
            continue;
        }
        now_ns += frame_ns;
        if (now_ns > settled_ns) {
            most_ns = waited_ns > most_ns ? waited_ns : most_ns;
        } else {
            n_sent = 0;
        }
        if (++arrived >= window) {
            arrived = 0;
            window++;
        }
        put(n_queued + rtt_ns / frame_ns < window ? 2 : 1);
        while (n_queued > window) {     /* Those under way are counted. */
            n_queued--;
        }
    }
}

/* A frame above the target now and then, or a burst that is gone within an
 * interval, costs nothing. */
static void
test_bursts_are_absorbed(void **state)
{
    for (unsigned int i = 0; i < 50; i++) {
        put(60);
        while (n_queued) {
            assert_false(take());
            now_ns += MS;               /* 60 ms for all of them. */
        }
        now_ns += 10 * MS;
    }
    assert_int_equal(n_dropped, 0);
    assert_int_equal(n_sent, 50 * 60);
}

/* One that has stood for an interval loses a frame, and then, while it stands,
 * the next after an interval over the square root of their number. */
static void
test_drops_come_faster(void **state)
{
    uint64_t drops_ns[8], began_ns;
    unsigned int n = 0;

    put(QUEUE_MAX);
    now_ns += 6 * MS;
    began_ns = now_ns;
    while (n < 8) {
        if (take()) {
            drops_ns[n++] = now_ns;
        }
        put(1);
        came_ns[(head + n_queued - 1) % QUEUE_MAX] -= 6 * MS;
        now_ns += MS / 10;
    }
    assert_in_range(drops_ns[0] - began_ns, 100 * MS, 101 * MS);
    assert_in_range(drops_ns[1] - drops_ns[0], 99 * MS, 101 * MS);
    assert_in_range(drops_ns[2] - drops_ns[1], 70 * MS, 72 * MS);
    assert_in_range(drops_ns[3] - drops_ns[2], 57 * MS, 59 * MS);
    assert_in_range(drops_ns[7] - drops_ns[6], 36 * MS, 39 * MS);
}

/* What is left is less than a frame, or the target is the time of one: nothing
 * can be gained. */
static void
test_shortest(void **state)
{
    for (unsigned int i = 0; i < 1000; i++) {
        assert_false(qos_codel_drop(&codel, 50 * MS, QOS_CODEL_TARGET_NS,
                                    1514, 1514, now_ns));
        assert_false(qos_codel_drop(&codel, 50 * MS, 60 * MS, 100000, 1514,
                                    now_ns));
        now_ns += 10 * MS;
    }
}

/* A sender that fills any queue: it stands no longer than it should, and the
 * wire is busy. */
static void
test_sender(void **state)
{
    static const struct { uint64_t frame_ns, rtt_ns; } cases[] = {
        { 1200000, 20 * MS },           /* 10 Mbit/s */
        { 120000, 1 * MS },             /* 100 Mbit/s */
        { 120000, 50 * MS },
        { 12000, 1 * MS },              /* 1 Gbit/s */
    };

    for (unsigned int i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reset(state);
        run_sender(cases[i].frame_ns, cases[i].rtt_ns, 5000 * MS, 10000 * MS);
        assert_true(n_dropped > 0);
        assert_true(most_ns < 40 * MS);
        assert_true(n_sent * cases[i].frame_ns > 9000 * MS);
    }
}

/* Short again: it stops at once; standing again soon: it goes on about as
 * often as it left off. */
static void
test_comes_back(void **state)
{
    unsigned int n;

    put(QUEUE_MAX);
    now_ns += 6 * MS;
    for (n = 0; n < 20;) {
        n += take();
        put(1);
        came_ns[(head + n_queued - 1) % QUEUE_MAX] -= 6 * MS;
        now_ns += MS / 10;
    }
    assert_false(qos_codel_drop(&codel, 0, QOS_CODEL_TARGET_NS, 100000, 1514,
                                now_ns));
    assert_false(codel.dropping);
    for (n = 0; !n;) {
        n = qos_codel_drop(&codel, 6 * MS, QOS_CODEL_TARGET_NS, 100000, 1514,
                           now_ns);
        now_ns += MS / 10;
    }
    assert_true(codel.n_drops > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_bursts_are_absorbed, reset),
        cmocka_unit_test_setup(test_drops_come_faster, reset),
        cmocka_unit_test_setup(test_shortest, reset),
        cmocka_unit_test_setup(test_sender, reset),
        cmocka_unit_test_setup(test_comes_back, reset),
    };

    return cmocka_run_group_tests_name("codel", tests, NULL, NULL);
}
