/* Any tenant, any arrivals, any order of polls: what must always hold. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/property.h"
#include "tests/unit/qos_world.h"

#define STEPS 3000u
#define FRAME_BYTES_MAX 65000u

static struct world world;

static struct qos_settings
random_settings(uint64_t *random, uint64_t rate_bps, bool limited)
{
    struct qos_settings s = {
        .weight = 1 + property_random(random) % 1000,
    };
    uint64_t r = property_random(random);

    if (limited || r % 2) {
        s.rate_bps = rate_bps / (1 + r / 2 % 8) + r / 16 % 1000;
        s.burst_bytes = 200000 + r / 1024 % 200000;
    }
    if (r / 4096 % 4 == 0) {
        s.rate_pps = 1000 + r / 8192 % 1000000;
        s.burst_packets = 1 + r / 32768 % 100;
    }
    return s;
}

/* A guarantee of at most 'left_bps', taken off it. */
static void
random_guarantee(uint64_t *random, struct qos_settings *s, uint64_t *left_bps,
                 uint64_t *left_bytes)
{
    uint64_t bps = property_random(random) % (*left_bps / 2 + 1);
    uint64_t bytes = 1514 + property_random(random) % (*left_bytes / 4 + 1);

    if (property_random(random) % 2 || bps < 8000 || bytes > *left_bytes
        || (s->rate_bps && bps > s->rate_bps)) {
        return;
    }
    s->guarantee_bps = bps;
    s->guarantee_burst_bytes = bytes;
    *left_bps -= bps;
    *left_bytes -= bytes;
}

/* What is guaranteed is admitted: within its parent's rate and burst. */
static void
make_world(uint64_t seed)
{
    uint64_t random = seed;
    uint64_t rate_bps = 1000000ull << property_random(&random) % 14;
    struct qos_settings tenant = random_settings(&random, rate_bps, true);
    uint64_t left_bps = tenant.rate_bps / 20 * 19;
    uint64_t left_bytes = tenant.burst_bytes - 1514;
    uint64_t group_bps[WORLD_GROUPS_MAX], group_bytes[WORLD_GROUPS_MAX];

    world_init(&world, &tenant);
    for (uint64_t n = property_random(&random) % (WORLD_GROUPS_MAX + 1); n;
         n--) {
        struct qos_settings s = random_settings(&random, tenant.rate_bps,
                                                false);

        random_guarantee(&random, &s, &left_bps, &left_bytes);
        group_bps[world.n_groups] = s.guarantee_bps / 20 * 19;
        group_bytes[world.n_groups] = s.guarantee_burst_bytes / 2;
        world_add_group(&world, &s);
    }
    for (uint64_t n = 1 + property_random(&random) % 8; n; n--) {
        struct qos_settings s = random_settings(&random, tenant.rate_bps,
                                                false);
        unsigned int group = property_random(&random) % (world.n_groups + 1);
        unsigned int n_queues = 1 + property_random(&random) % 4;

        if (group == world.n_groups) {
            group = WORLD_GROUPS_MAX;
            random_guarantee(&random, &s, &left_bps, &left_bytes);
        } else {
            random_guarantee(&random, &s, &group_bps[group],
                             &group_bytes[group]);
        }

        unsigned int first = world_add_vif(&world, group, n_queues, &s);
        for (unsigned int i = 0; i < n_queues; i++) {
            world.queues[first + i].frame_bytes = property_random(&random) % 4
                                                  ? 1514 : FRAME_BYTES_MAX;
            world.queues[first + i].seed = property_random(&random) | 1;
        }
    }
    world_connect(&world);
}

static unsigned int
make(uint64_t seed, struct property_step *steps)
{
    uint64_t random = ~seed;

    for (unsigned int i = 0; i < STEPS; i++) {
        uint64_t r = property_random(&random);

        steps[i] = (struct property_step) {
            .kind = r % 64, .who = r >> 8 & 0xff, .size = r >> 16 & 0x3ff,
            .after_ns = r >> 26 & 1 ? 0 : (r >> 27) % 2000,
        };
        if (steps[i].kind == 63) {
            steps[i].after_ns = (r >> 27) % 100000000;
        }
    }
    return STEPS;
}

static bool
holds(const struct world_count *c, const struct qos_settings *s)
{
    /* A frame beyond the burst, and the nanosecond that is begun. */
    return !s->rate_bps
           || world_worst_burst(c) <= s->burst_bytes + FRAME_BYTES_MAX
                                      + s->rate_bps / BITNS_PER_BYTE + 2;
}

/* No node passes more than its rate and burst, whatever its children are
 * guaranteed. */
static int
run_conservation(uint64_t seed, const struct property_step *steps,
                 unsigned int n, char text[PROPERTY_TEXT_BYTES])
{
    int error = 0;

    make_world(seed);
    for (unsigned int i = 0; i < n && !error; i++) {
        unsigned int queue = steps[i].who % world.n_queues;
        struct world_queue *q = &world.queues[queue];

        world.now_ns += steps[i].after_ns;
        if (steps[i].kind < 6) {
            q->backlog_frames = steps[i].size;
        } else if (steps[i].kind < 8) {
            q->backlog_frames = UINT64_MAX;
        }
        world_poll(&world, queue);
        if (!holds(&world.tenant_count, &world.tenant_settings)) {
            snprintf(text, PROPERTY_TEXT_BYTES, "step %u: the tenant passed"
                     " %"PRIu64" bytes at once", i,
                     world_worst_burst(&world.tenant_count));
            error = -1;
        }
        for (unsigned int g = 0; g < world.n_groups; g++) {
            if (!holds(&world.group_counts[g], &world.group_settings[g])) {
                snprintf(text, PROPERTY_TEXT_BYTES, "step %u: group %u passed"
                         " %"PRIu64" bytes at once", i, g,
                         world_worst_burst(&world.group_counts[g]));
                error = -1;
            }
        }
        for (unsigned int v = 0; v < world.n_vifs; v++) {
            if (!holds(&world.vif_counts[v], &world.vif_settings[v])) {
                snprintf(text, PROPERTY_TEXT_BYTES, "step %u: vif %u passed"
                         " %"PRIu64" bytes at once", i, v,
                         world_worst_burst(&world.vif_counts[v]));
                error = -1;
            }
        }
    }
    world_disconnect(&world);
    return error;
}

static void
test_conservation(void **state)
{
    static const struct property property = {
        "conservation", 500, make, run_conservation,
    };

    property_check(&property);
}

/* All flood: each has its guarantee, and nothing is left over that one of them
 * might have. */
static int
run_guarantees(uint64_t seed, const struct property_step *steps,
               unsigned int n, char text[PROPERTY_TEXT_BYTES])
{
    uint64_t vif_bytes[WORLD_VIFS_MAX], tenant_bytes;
    uint64_t begun_ns, ns;
    bool insatiable = false;
    int error = 0;

    make_world(seed);
    for (unsigned int q = 0; q < world.n_queues; q++) {
        world.queues[q].backlog_frames = UINT64_MAX;
        world.queues[q].frame_bytes = 1514;
    }
    for (unsigned int v = 0; v < world.n_vifs; v++) {
        const struct qos_settings *s = &world.vif_settings[v];
        unsigned int g = world.group_of[v];

        insatiable |= !s->rate_bps && !s->rate_pps
                      && (g == WORLD_GROUPS_MAX
                          || (!world.group_settings[g].rate_bps
                              && !world.group_settings[g].rate_pps));
    }

    /* A frame's time at the tenant's rate, and no less than a poll's. */
    uint64_t round_ns = 800 * (uint64_t) BITNS_PER_BYTE
                        / world.tenant_settings.rate_bps + 100;
    world_run(&world, 4000 * round_ns, round_ns);
    begun_ns = world.now_ns;
    tenant_bytes = world.tenant_count.bytes;
    for (unsigned int v = 0; v < world.n_vifs; v++) {
        vif_bytes[v] = world.vif_counts[v].bytes;
    }
    world_run(&world, 4000 * round_ns, round_ns);
    ns = world.now_ns - begun_ns;

    for (unsigned int v = 0; v < world.n_vifs; v++) {
        const struct qos_settings *s = &world.vif_settings[v];
        unsigned int g = world.group_of[v];
        uint64_t least = (__int128) s->guarantee_bps * ns / BITNS_PER_BYTE;
        uint64_t got = world.vif_counts[v].bytes - vif_bytes[v];

        /* A limit of packets is none of bytes. */
        if (got + 5 * 1514 < least && !s->rate_pps
            && !world.tenant_settings.rate_pps
            && (g == WORLD_GROUPS_MAX || !world.group_settings[g].rate_pps)) {
            snprintf(text, PROPERTY_TEXT_BYTES, "vif %u got %"PRIu64" of the"
                     " %"PRIu64" bytes that it was guaranteed", v, got,
                     least);
            error = -1;
        }
    }
    uint64_t all = (__int128) world.tenant_settings.rate_bps * ns
                   / BITNS_PER_BYTE;
    uint64_t got = world.tenant_count.bytes - tenant_bytes;
    if (insatiable && !world.tenant_settings.rate_pps
        && got + 5 * 1514 < all) {
        snprintf(text, PROPERTY_TEXT_BYTES, "the tenant passed %"PRIu64" of"
                 " %"PRIu64" bytes", got, all);
        error = -1;
    }
    world_disconnect(&world);
    return error;
}

static unsigned int
make_nothing(uint64_t seed, struct property_step *steps)
{
    return 0;
}

static void
test_guarantees(void **state)
{
    static const struct property property = {
        "guarantees", 400, make_nothing, run_guarantees,
    };

    property_check(&property);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conservation),
        cmocka_unit_test(test_guarantees),
    };

    return cmocka_run_group_tests_name("tree_random", tests, NULL, NULL);
}
