/* What limits cost per packet: our tree of them, beside DPDK's rte_meter and
 * rte_sched doing the same job, in one run, one after the other, in rounds.
 *
 * Prints one JSON object: for each arm its cycles per packet, round by round.
 * netdom-bench judges them.
 *
 * Thread: one, on the core that it is started on.
 * Owner:  the process.
 * Errors: one line on stderr, exit status 2. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_meter.h>
#include <rte_sched.h>

#include "qos/tree.h"

#define BURST 32u
#define FRAME_BYTES 64u
#define WARM_UP 200u
#define BATCH_NS 1000u                  /* A burst's time, simulated. */
#define GBIT 1000000000ull

static void
die(const char *what, int error)
{
    fprintf(stderr, "bench-qos-cost: %s: %s\n", what, strerror(error));
    exit(2);
}

/* Our own: 'n_levels' limits one above the other, of bytes and of packets,
 * with a guarantee at the lowest. */

static struct qos_node nodes[QOS_LEVELS_MAX];
static struct qos_leaf leaf;
static uint64_t now_ns = GBIT;

static void
tree_set_up(unsigned int n_levels, bool limited)
{
    const struct qos_settings none = { .weight = 1 };

    for (unsigned int i = n_levels; i--;) {
        struct qos_settings s = {
            .rate_bps = 100 * GBIT, .burst_bytes = 1 << 20,
            .rate_pps = GBIT, .burst_packets = 100000,
            .guarantee_bps = i ? 0 : GBIT,
            .guarantee_burst_bytes = 100000, .weight = 1,
        };

        qos_node_init(&nodes[i], i + 1 < n_levels ? &nodes[i + 1] : NULL,
                      limited ? &s : &none);
    }
    qos_leaf_init(&leaf, &nodes[0]);
}

static void
tree_batch(void)
{
    struct qos_budget budget;

    now_ns += BATCH_NS;
    if (!qos_leaf_limited(&leaf)) {
        return;
    }
    qos_leaf_ask(&leaf, FRAME_BYTES, now_ns, &budget);
    if (budget.bytes < BURST * FRAME_BYTES || budget.packets < BURST
        || !qos_leaf_charge(&leaf, &budget, BURST * FRAME_BYTES, BURST,
                            now_ns)) {
        die("a limit was in the way", EBUSY);
    }
    qos_leaf_idle(&leaf);
}

/* rte_meter: a meter of RFC 2697 for each level, asked for each packet. */

static struct rte_meter_srtcm_profile profile;
static struct rte_meter_srtcm meters[QOS_LEVELS_MAX];
static unsigned int n_red;

static void
meter_set_up(void)
{
    struct rte_meter_srtcm_params params = {
        .cir = 100 * GBIT / 8, .cbs = 1 << 20, .ebs = 1 << 20,
    };
    int error = rte_meter_srtcm_profile_config(&profile, &params);

    for (unsigned int i = 0; !error && i < QOS_LEVELS_MAX; i++) {
        error = rte_meter_srtcm_config(&meters[i], &profile);
    }
    if (error) {
        die("rte_meter", -error);
    }
}

static void
meter_batch(void)
{
    uint64_t now = rte_rdtsc();

    for (unsigned int i = 0; i < BURST; i++) {
        for (unsigned int level = 0; level < QOS_LEVELS_MAX; level++) {
            n_red += rte_meter_srtcm_color_blind_check(
                         &meters[level], &profile, now, FRAME_BYTES)
                     == RTE_COLOR_RED;
        }
    }
}

/* rte_sched: in and out of a port with one subport and its pipes. */

static struct rte_sched_port *port;
static struct rte_mbuf *mbufs[BURST];
static unsigned int n_waiting;

static void
sched_set_up(void)
{
    static struct rte_sched_pipe_params pipe = {
        .tb_rate = 100 * GBIT / 8, .tb_size = 1 << 20, .tc_period = 10,
        .tc_ov_weight = 1, .wrr_weights = { 1, 1, 1, 1 },
    };
    static struct rte_sched_subport_profile_params subport_profile = {
        .tb_rate = 100 * GBIT / 8, .tb_size = 1 << 20, .tc_period = 10,
    };
    static struct rte_sched_subport_params subport = {
        .n_pipes_per_subport_enabled = 16,
        .pipe_profiles = &pipe, .n_pipe_profiles = 1, .n_max_pipe_profiles = 1,
    };
    struct rte_sched_port_params params = {
        .name = "cost", .rate = 100 * GBIT / 8, .mtu = 1522,
        .frame_overhead = 0, .n_subports_per_port = 1,
        .subport_profiles = &subport_profile, .n_subport_profiles = 1,
        .n_max_subport_profiles = 1, .n_pipes_per_subport = 16,
    };

    for (unsigned int i = 0; i < RTE_SCHED_TRAFFIC_CLASSES_PER_PIPE; i++) {
        pipe.tc_rate[i] = pipe.tb_rate;
        subport_profile.tc_rate[i] = subport_profile.tb_rate;
        subport.qsize[i] = 64;
    }
    port = rte_sched_port_config(&params);
    int error = port ? rte_sched_subport_config(port, 0, &subport, 0)
                     : -EINVAL;
    for (unsigned int i = 0; !error && i < 16; i++) {
        error = rte_sched_pipe_config(port, 0, i, 0);
    }
    if (error) {
        die("rte_sched", -error);
    }

    struct rte_mempool *pool = rte_pktmbuf_pool_create(
        "cost", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (!pool || rte_pktmbuf_alloc_bulk(pool, mbufs, BURST)) {
        die("mbufs", ENOMEM);
    }
    for (unsigned int i = 0; i < BURST; i++) {
        mbufs[i]->pkt_len = mbufs[i]->data_len = FRAME_BYTES;
        rte_sched_port_pkt_write(port, mbufs[i], 0, i % 16,
                                 RTE_SCHED_TRAFFIC_CLASS_BE, 0,
                                 RTE_COLOR_GREEN);
    }
}

static void
sched_batch(void)
{
    rte_sched_port_enqueue(port, mbufs, BURST);

    unsigned int n = rte_sched_port_dequeue(port, mbufs, BURST);
    for (unsigned int i = 0; n < BURST && i < 1000; i++) {
        n_waiting++;                    /* Its own clock is late. */
        n += rte_sched_port_dequeue(port, mbufs + n, BURST - n);
    }
    if (n < BURST) {
        die("rte_sched kept packets", EBUSY);
    }
}

static void
set_up_none(void)
{
    tree_set_up(3, false);
}

static void
set_up_one(void)
{
    tree_set_up(1, true);
}

static void
set_up_three(void)
{
    tree_set_up(3, true);
}

static const struct arm {
    const char *name;
    void (*set_up)(void);
    void (*batch)(void);
} arms[] = {
    { "none", set_up_none, tree_batch },
    { "vif", set_up_one, tree_batch },
    { "tree", set_up_three, tree_batch },
    { "rte_meter", meter_set_up, meter_batch },
    { "rte_sched", sched_set_up, sched_batch },
};
#define N_ARMS (sizeof arms / sizeof arms[0])

static double
measure(const struct arm *arm, unsigned int n_batches)
{
    for (unsigned int i = 0; i < WARM_UP; i++) {
        arm->batch();
    }
    uint64_t begin = rte_rdtsc_precise();
    for (unsigned int i = 0; i < n_batches; i++) {
        arm->batch();
    }
    return (double) (rte_rdtsc_precise() - begin) / n_batches / BURST;
}

int
main(int argc, char *argv[])
{
    static char *eal_args[] = {
        "bench-qos-cost", "--no-huge", "--no-shconf", "--no-pci",
        "--no-telemetry", "-m", "64", "--log-level=*:error", NULL,
    };
    unsigned int n_rounds = argc > 1 ? atoi(argv[1]) : 0;
    unsigned int n_batches = argc > 2 ? atoi(argv[2]) : 0;

    if (argc != 3 || !n_rounds || n_rounds > 1000 || !n_batches) {
        fprintf(stderr, "usage: bench-qos-cost ROUNDS BATCHES: started by "
                "\"netdom-bench qos-cost\"\n");
        return 2;
    }
    double (*found)[N_ARMS] = calloc(n_rounds, sizeof *found);
    if (!found || rte_eal_init(sizeof eal_args / sizeof eal_args[0] - 1,
                               eal_args) < 0) {
        die("DPDK does not start", ENOMEM);
    }
    sched_set_up();
    meter_set_up();

    /* There and back, so that what changes in time falls on all. */
    for (unsigned int round = 0; round < n_rounds; round++) {
        for (size_t i = 0; i < N_ARMS; i++) {
            size_t which = round & 1 ? N_ARMS - 1 - i : i;

            if (arms[which].batch == tree_batch) {
                arms[which].set_up();
            }
            found[round][which] = measure(&arms[which], n_batches);
        }
    }
    printf("{\"burst\": %u, \"frame_bytes\": %u, \"red\": %u, \"waits\": %u",
           BURST, FRAME_BYTES, n_red, n_waiting);
    for (size_t i = 0; i < N_ARMS; i++) {
        printf(", \"%s\": [", arms[i].name);
        for (unsigned int round = 0; round < n_rounds; round++) {
            printf("%s%.3f", round ? ", " : "", found[round][i]);
        }
        printf("]");
    }
    printf("}\n");
    free(found);
    return 0;
}
