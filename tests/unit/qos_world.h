/* A tenant on a simulated clock: queues with frames that wait, polled as a
 * switch's thread would, through a tree of limits.
 *
 * Thread: one.  Owner: the caller's memory.  Errors: none. */

#ifndef TESTS_UNIT_QOS_WORLD_H
#define TESTS_UNIT_QOS_WORLD_H 1

#include <stdbool.h>
#include <stdint.h>

#include "qos/tree.h"

#define WORLD_GROUPS_MAX 3u
#define WORLD_VIFS_MAX 16u
#define WORLD_QUEUES_MAX 64u
#define WORLD_BURST 32u
#define WORLD_BEGIN_NS 1000000000ull
#define BITNS_PER_BYTE 8000000000ll

/* What has passed a node, and the window rule for every window at once: with
 * T passed before time t, no later (t', T') may have
 * T' - T > rate * (t' - t) + burst. */
struct world_count {
    uint64_t bytes, packets;
    __int128 least;
    __int128 worst;                     /* Most of what was beyond rate * t,
                                         * in 10^-9 bits. */
};

struct world_queue {
    struct qos_leaf leaf;
    unsigned int vif;
    uint64_t backlog_frames;            /* UINT64_MAX: without end. */
    uint32_t frame_bytes;
    uint64_t seed;                      /* Not 0: sizes up to that. */
    uint64_t bytes, ready_ns;
    uint32_t next_bytes;
};

struct world {
    uint64_t now_ns;
    struct qos_settings tenant_settings;
    struct qos_node tenant;
    struct world_count tenant_count;
    unsigned int n_groups, n_vifs, n_queues;
    struct qos_settings group_settings[WORLD_GROUPS_MAX];
    struct qos_node groups[WORLD_GROUPS_MAX];
    struct world_count group_counts[WORLD_GROUPS_MAX];
    struct qos_settings vif_settings[WORLD_VIFS_MAX];
    struct qos_node vifs[WORLD_VIFS_MAX];
    struct world_count vif_counts[WORLD_VIFS_MAX];
    unsigned int group_of[WORLD_VIFS_MAX];  /* WORLD_GROUPS_MAX: of none. */
    struct world_queue queues[WORLD_QUEUES_MAX];
};

/* Of 'rate_bps' with 10 ms of burst, and weight 1. */
struct qos_settings world_settings(uint64_t rate_bps);

void world_init(struct world *, const struct qos_settings *tenant);
unsigned int world_add_group(struct world *, const struct qos_settings *);
/* 'group' may be WORLD_GROUPS_MAX.  A vif begins with 'n_queues' queues, which
 * have nothing to send; returns the number of the first of them. */
unsigned int world_add_vif(struct world *, unsigned int group,
                           unsigned int n_queues,
                           const struct qos_settings *);
/* All has been added: families and reserves. */
void world_connect(struct world *);
void world_disconnect(struct world *);

/* 'queue' sends frames of 'bytes' without end. */
void world_flood(struct world *, unsigned int queue, uint32_t bytes);

/* Polls a queue now; returns how many frames it sent. */
unsigned int world_poll(struct world *, unsigned int queue);

/* Polls all, in turn, each 'round_ns', for 'ns'. */
void world_run(struct world *, uint64_t ns, uint64_t round_ns);

/* How many bytes a node passed beyond rate * w in its worst window. */
uint64_t world_worst_burst(const struct world_count *);

/* Jain's index of fairness of 'n' shares. */
double world_jain(const double *shares, unsigned int n);

#endif /* tests/unit/qos_world.h */
