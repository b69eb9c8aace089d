/* Who gets what in a tenant: guarantees first, the rest by weight, and what
 * one leaves the others have. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/unit/qos_world.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define NONE WORLD_GROUPS_MAX
#define SECOND_NS 1000000000ull
#define ROUND_NS 3000u

static struct world world;

static int
finish(void **state)
{
    world_disconnect(&world);
    return 0;
}

/* The share in the tenant's rate, in a thousandth. */
static unsigned int
permille(unsigned int vif)
{
    return (world.vif_counts[vif].bytes * 1000
            + world.tenant_count.bytes / 2) / world.tenant_count.bytes;
}

/* What passed all in all, in bit/s. */
static uint64_t
rate_bps(uint64_t bytes, uint64_t ns)
{
    return (__int128) bytes * BITNS_PER_BYTE / ns;
}

/* The tenant has all that it may, but for 'frame_bytes' on their way. */
static void
expect_no_waste(uint32_t frame_bytes)
{
    uint64_t ns = world.now_ns - WORLD_BEGIN_NS;
    uint64_t rate = world.tenant_settings.rate_bps;
    uint64_t most = (__int128) rate * ns / BITNS_PER_BYTE
                    + world.tenant_settings.burst_bytes;

    assert_in_range(world.tenant_count.bytes,
                    most - world.tenant_settings.burst_bytes
                    - 2 * frame_bytes - rate / 8 / 100000,
                    most + frame_bytes);
}

/* Equal ones, polled in the same order each time, as soon as there is room for
 * one frame: the first would have it all. */
static void
test_equal_shares(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings vif = { .weight = 1 };
    double shares[4];

    world_init(&world, &tenant);
    for (int i = 0; i < 4; i++) {
        world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    }
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    for (int i = 0; i < 4; i++) {
        shares[i] = world.vif_counts[i].bytes;
    }
    assert_true(world_jain(shares, 4) >= 0.999);
    expect_no_waste(1514);
}

static void
test_weights(void **state)
{
    static const uint32_t weights[] = { 1, 2, 3, 10, 100, 884 };
    static const uint32_t sizes[] = { 1514, 64, 9000, 1514, 64, 1514 };
    struct qos_settings tenant = world_settings(10000000000);
    double shares[ARRAY_SIZE(weights)];

    world_init(&world, &tenant);
    for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
        struct qos_settings vif = { .weight = weights[i] };

        world_flood(&world, world_add_vif(&world, NONE, 1, &vif), sizes[i]);
    }
    world_connect(&world);
    /* Weights count from when the burst has been used up.  Fast enough a poll
     * for small frames: 32 of 64 bytes take 1.6 us. */
    world_run(&world, SECOND_NS / 10, 100);
    for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
        shares[i] = -(double) world.vif_counts[i].bytes / weights[i];
    }
    world_run(&world, SECOND_NS, 100);
    for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
        shares[i] += (double) world.vif_counts[i].bytes / weights[i];
    }
    assert_true(world_jain(shares, ARRAY_SIZE(weights)) >= 0.999);
    expect_no_waste(9000);
}

/* A frame of 64 KiB gets by beside small ones, and is no advantage. */
static void
test_large_beside_small(void **state)
{
    struct qos_settings tenant = world_settings(100000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 60);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 65000);
    world_connect(&world);
    world_run(&world, 10 * SECOND_NS, ROUND_NS);
    assert_in_range(permille(0), 495, 505);
    assert_in_range(permille(1), 495, 505);
}

/* What one cannot take, by its own maximum, the others have by weight. */
static void
test_work_conserving(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings slow = world_settings(100000000);
    struct qos_settings vif = { .weight = 1 };
    struct qos_settings heavy = { .weight = 2 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &slow), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &heavy), 1514);
    world_add_vif(&world, NONE, 1, &heavy);     /* Has nothing to send. */
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    assert_in_range(permille(0), 99, 102);
    assert_in_range(permille(1), 298, 302);
    assert_in_range(permille(2), 597, 602);
    expect_no_waste(1514);
}

/* One that sends a little now and then holds nobody up. */
static void
test_trickle_holds_nobody_up(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world.queues[world_add_vif(&world, NONE, 1, &vif)].frame_bytes = 100;
    world_connect(&world);
    for (int i = 0; i < 1000; i++) {
        world.queues[1].backlog_frames++;
        world_run(&world, SECOND_NS / 1000, ROUND_NS);
    }
    assert_true(world.vif_counts[1].bytes >= 999 * 100);
    expect_no_waste(1514);
}

/* One that was idle for long begins where the busy ones are. */
static void
test_newcomer_claims_nothing(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    for (int i = 0; i < 3; i++) {
        world_add_vif(&world, NONE, 1, &vif);
    }
    world_flood(&world, 0, 1514);
    world_flood(&world, 1, 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    world_flood(&world, 2, 1514);

    uint64_t before = world.vif_counts[0].bytes;
    world_run(&world, SECOND_NS / 100, ROUND_NS);
    uint64_t got = world.vif_counts[0].bytes - before;
    assert_in_range(got, 1250000 / 3 - 20000, 1250000 / 3 + 20000);
}

/* It went away in the middle of its turn: the others wait a while, once. */
static void
test_gone_while_it_waited(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS / 10, ROUND_NS);
    assert_true(world.queues[1].leaf.wants);
    world.queues[1].ready_ns = UINT64_MAX;      /* Nobody polls it. */

    uint64_t before = world.vif_counts[0].bytes;
    world_run(&world, 110000000, ROUND_NS);
    assert_true(world.vif_counts[0].bytes - before > 10000000 / 8);
    before = world.vif_counts[0].bytes;
    world_run(&world, SECOND_NS / 10, ROUND_NS);
    assert_true(world.vif_counts[0].bytes - before > 12400000);
}

/* It has its guarantee beside any number of floods, however heavy. */
static void
test_guarantee(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings heavy = { .weight = QOS_WEIGHT_MAX };
    struct qos_settings poor = {
        .weight = 1, .guarantee_bps = 300000000,
        .guarantee_burst_bytes = 30000,
    };

    world_init(&world, &tenant);
    for (int i = 0; i < 8; i++) {
        world_flood(&world, world_add_vif(&world, NONE, 1, &heavy), 64 << i);
    }
    world_flood(&world, world_add_vif(&world, NONE, 1, &poor), 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS, 1000);
    assert_in_range(permille(8), 298, 303);
    expect_no_waste(8192);
    assert_true(world_worst_burst(&world.tenant_count)
                <= tenant.burst_bytes + 8192);
}

/* Also if its frames are larger than what it may claim at once; and the
 * tenant's maximum holds, though several are. */
static void
test_guarantee_of_large_frames(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings heavy = { .weight = QOS_WEIGHT_MAX };
    struct qos_settings large = {
        .weight = 1, .guarantee_bps = 20000000,
        .guarantee_burst_bytes = 25000,
    };

    tenant.burst_bytes = 150000;
    world_init(&world, &tenant);
    for (int i = 0; i < 4; i++) {
        world_flood(&world, world_add_vif(&world, NONE, 1, &heavy), 1514);
    }
    for (int i = 0; i < 4; i++) {
        world_flood(&world, world_add_vif(&world, NONE, 1, &large), 65000);
    }
    world_connect(&world);
    world_run(&world, 10 * SECOND_NS, ROUND_NS);
    for (int i = 4; i < 8; i++) {
        assert_in_range(permille(i), 20, 21);
    }
    expect_no_waste(65000);
    assert_true(world_worst_burst(&world.tenant_count)
                <= tenant.burst_bytes + 65000 + 1);
}

/* Guarantees first, then the rest by weight. */
static void
test_guarantee_then_weight(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings a = {
        .weight = 1, .guarantee_bps = 400000000,
        .guarantee_burst_bytes = 100000,
    };
    struct qos_settings b = { .weight = 3 };
    struct qos_settings c = { .weight = 2 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &a), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &b), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &c), 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    assert_in_range(permille(0), 497, 503);
    assert_in_range(permille(1), 297, 303);
    assert_in_range(permille(2), 197, 203);
    expect_no_waste(1514);
}

/* Vifs in groups: each group is one sibling, whatever it consists of. */
static void
test_groups(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings group = { .weight = 1 };
    struct qos_settings slow = world_settings(200000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    unsigned int many = world_add_group(&world, &group);
    unsigned int one = world_add_group(&world, &group);
    unsigned int bound = world_add_group(&world, &slow);
    for (int i = 0; i < 5; i++) {
        world_flood(&world, world_add_vif(&world, many, 1, &vif), 1514);
    }
    world_flood(&world, world_add_vif(&world, one, 1, &vif), 1514);
    for (int i = 0; i < 2; i++) {
        world_flood(&world, world_add_vif(&world, bound, 1, &vif), 1514);
    }
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    for (int i = 0; i < 5; i++) {
        assert_in_range(permille(i), 78, 82);
    }
    assert_in_range(permille(5), 397, 403);
    assert_in_range(permille(6), 98, 102);
    assert_in_range(permille(7), 98, 102);
    expect_no_waste(1514);
}

/* A group's guarantee is for all its vifs together, theirs included. */
static void
test_guarantee_of_a_group(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings group = {
        .weight = 1, .guarantee_bps = 500000000,
        .guarantee_burst_bytes = 200000,
    };
    struct qos_settings member = {
        .weight = 1, .guarantee_bps = 100000000,
        .guarantee_burst_bytes = 20000,
    };
    struct qos_settings other = { .weight = 1 };
    struct qos_settings heavy = { .weight = QOS_WEIGHT_MAX };

    world_init(&world, &tenant);
    unsigned int g = world_add_group(&world, &group);
    world_flood(&world, world_add_vif(&world, g, 1, &member), 1514);
    world_flood(&world, world_add_vif(&world, g, 1, &other), 1514);
    for (int i = 0; i < 4; i++) {
        world_flood(&world, world_add_vif(&world, NONE, 1, &heavy), 1514);
    }
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    assert_in_range(permille(0), 298, 303);     /* 100, and half of 400. */
    assert_in_range(permille(1), 198, 203);
    expect_no_waste(1514);
}

/* One vif on several queues: one limit, fair among them, on any number. */
static void
test_queues(void **state)
{
    for (unsigned int n = 1; n <= 8; n *= 2) {
        struct qos_settings tenant = { .weight = 1 };
        struct qos_settings vif = world_settings(1000000000);
        double shares[8];

        world_init(&world, &tenant);
        unsigned int first = world_add_vif(&world, NONE, n, &vif);
        for (unsigned int i = 0; i < n; i++) {
            world_flood(&world, first + i, i & 1 ? 300 : 1514);
        }
        world_connect(&world);
        world_run(&world, SECOND_NS, ROUND_NS);
        for (unsigned int i = 0; i < n; i++) {
            shares[i] = world.queues[first + i].bytes;
        }
        assert_true(world_jain(shares, n) >= 0.999);
        assert_in_range(world.vif_counts[0].bytes, 125000000,
                        125000000 + vif.burst_bytes + 1514);
        assert_true(world_worst_burst(&world.vif_counts[0])
                    <= vif.burst_bytes + n);
        world_disconnect(&world);
    }
    world_connect(&world);
}

/* A vif comes into a group and leaves it, and others came and went meanwhile:
 * each time it begins where the others are. */
static void
test_move(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings vif = { .weight = 1 };
    struct qos_settings slow = world_settings(100000000);

    world_init(&world, &tenant);
    unsigned int group = world_add_group(&world, &slow);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_flood(&world, world_add_vif(&world, group, 1, &vif), 1514);
    world_connect(&world);
    for (int i = 0; i < 10; i++) {
        world.group_of[1] = i & 1 ? group : NONE;
        qos_node_move(&world.vifs[1], i & 1 ? &world.groups[group]
                                            : &world.tenant);
        world_connect(&world);
        world_run(&world, SECOND_NS / 50, ROUND_NS);

        uint64_t before = world.vif_counts[1].bytes;
        world_run(&world, SECOND_NS / 50, ROUND_NS);
        uint64_t got = rate_bps(world.vif_counts[1].bytes - before,
                                SECOND_NS / 50);
        assert_in_range(got, i & 1 ? 48000000 : 440000000,
                        i & 1 ? 52000000 : 460000000);
    }
}

static void
test_packets(void **state)
{
    struct qos_settings tenant = world_settings(10000000000);
    struct qos_settings vif = {
        .weight = 1, .rate_pps = 100000, .burst_packets = 64,
    };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 2, &vif), 64);
    world_flood(&world, 1, 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS, ROUND_NS);
    for (int i = 0; i < 2; i++) {
        assert_in_range(world.vif_counts[i].packets, 100000, 100064);
    }
}

/* Limits change while all send: no burst above the larger, and no gap. */
static void
test_settings_change(void **state)
{
    struct qos_settings tenant = world_settings(1000000000);
    struct qos_settings slow = world_settings(100000000);
    struct qos_settings vif = { .weight = 1 };

    world_init(&world, &tenant);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_flood(&world, world_add_vif(&world, NONE, 1, &vif), 1514);
    world_connect(&world);
    world_run(&world, SECOND_NS / 10, ROUND_NS);
    for (int i = 0; i < 20; i++) {
        uint64_t before = world.tenant_count.bytes;

        qos_node_set(&world.tenant, i & 1 ? &tenant : &slow, world.now_ns);
        world_run(&world, SECOND_NS / 100, ROUND_NS);
        uint64_t got = rate_bps(world.tenant_count.bytes - before,
                                SECOND_NS / 100);
        if (i & 1) {
            assert_in_range(got, 980000000, 1020000000);
        } else {
            assert_in_range(got, 95000000, 120000000);
        }
    }
    assert_true(world_worst_burst(&world.tenant_count)
                <= tenant.burst_bytes + 1514);
}

static void
test_settings_check(void **state)
{
    static const struct {
        struct qos_settings settings;
        const char *hint;
    } cases[] = {
        { { .weight = 1 }, NULL },
        { { 1000000, 20000, 1000, 32, 500000, 16384, 1000 }, NULL },
        { { .weight = 0 }, "weight" },
        { { .weight = 1001 }, "weight" },
        { { .weight = 1, .rate_bps = 1 }, "below 8 kbit/s" },
        { { .weight = 1, .rate_bps = 1000000 }, "burst" },
        { { .weight = 1, .guarantee_bps = 1000000 }, "the guarantee is no" },
        { { 1000000, 20000, 0, 0, 1000001, 16384, 1 },
          "guarantee is above the maximum" },
        { { .weight = 1, .rate_pps = 1000 }, "number of packets" },
        { { .weight = 1, .rate_pps = 1000, .burst_packets = 1ull << 31 },
          "number of packets" },
        { { .weight = 1, .rate_pps = 10000000001, .burst_packets = 32 },
          "packet rate" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *error = qos_settings_check(&cases[i].settings);

        if (!cases[i].hint) {
            assert_null(error);
        } else {
            assert_non_null(error);
            assert_non_null(strstr(error, cases[i].hint));
        }
    }
}

#define RUN(TEST) cmocka_unit_test_teardown(TEST, finish)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_equal_shares),
        RUN(test_weights),
        RUN(test_large_beside_small),
        RUN(test_work_conserving),
        RUN(test_trickle_holds_nobody_up),
        RUN(test_newcomer_claims_nothing),
        RUN(test_gone_while_it_waited),
        RUN(test_guarantee),
        RUN(test_guarantee_of_large_frames),
        RUN(test_guarantee_then_weight),
        RUN(test_groups),
        RUN(test_guarantee_of_a_group),
        RUN(test_queues),
        RUN(test_move),
        RUN(test_packets),
        RUN(test_settings_change),
        cmocka_unit_test(test_settings_check),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
