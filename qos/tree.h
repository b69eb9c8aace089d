/* Limits in a tree: queues share a vif, vifs a group or the tenant, groups the
 * tenant.  Each node has a maximum (bit/s and packets/s), and may have a
 * guarantee and a weight among its siblings:
 *
 * - No node ever passes more than its own maximum, nor than any above it.
 * - What is within a node's guarantee passes whatever its siblings do.
 * - Beyond it a node borrows from its parent while that has room.  Siblings
 *   that all want more get it by weight: whoever was served least, by start
 *   tags (Goyal, Vin and Chen, Start-time Fair Queuing, SIGCOMM 1996).  What
 *   one does not use, the others get.
 *
 * So that guarantees need nobody's leave and the parent's maximum still holds,
 * borrowers leave alone that part of the parent's burst which its children
 * could claim at once: the reserve.  A frame above the burst of its guarantee
 * cannot be paid from there: it is borrowed, but before all others.
 *
 * Thread: any for what takes a leaf, one at a time for each leaf; what takes
 *         settings or a family is for one thread, while others draw.
 * Owner:  the caller's memory.  Nodes and families that are taken out of the
 *         tree must stay until no thread can be using them.
 * Errors: none; settings were checked by qos_settings_check(). */

#ifndef QOS_TREE_H
#define QOS_TREE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "qos/limit.h"

#define QOS_LEVELS_MAX 3                /* Vif, group, tenant. */
#define QOS_WEIGHT_MAX 1000
#define QOS_RATE_MAX_PPS 10000000000ull         /* One each 0.1 ns. */

struct qos_settings {
    uint64_t rate_bps, burst_bytes;     /* The maximum; a rate of 0: none. */
    uint64_t rate_pps, burst_packets;
    uint64_t guarantee_bps, guarantee_burst_bytes;  /* 0: none. */
    uint32_t weight;                    /* 1 to QOS_WEIGHT_MAX. */
};

/* One of those who share a node. */
struct qos_member {
    uint64_t served;                    /* What it borrowed, by weight. */
    uint64_t wants_until_ns;            /* It wants more, and may not yet. */
    const void *wanter;                 /* The leaf that said so. */
    uint32_t weight;
    bool urgent;                        /* Its guarantee owes it that. */
};

struct qos_family {
    unsigned int n;
    struct qos_member *members[];
};

struct qos_node {
    struct qos_node *parent;            /* Null: the root.  Others may be
                                         * reading it: qos_node_parent(). */
    struct qos_limit bytes, packets, guarantee;
    uint64_t reserve_bytes;
    struct qos_member member;           /* Among the parent's. */

    /* Those who share it. */
    struct qos_family *family;
    uint64_t contended_until_ns;        /* Some want more, until then. */
    uint64_t floor;                     /* Where a newcomer begins. */
};

/* A queue: the only one who draws. */
struct qos_leaf {
    struct qos_node *node;
    struct qos_member member;
    bool wants;
    struct qos_rests {
        uint64_t bytes, packets, guarantee;
    } rests[QOS_LEVELS_MAX];
};

/* What a leaf may draw, and from which nodes: one may be moved meanwhile. */
struct qos_budget {
    unsigned int n_levels;
    struct qos_node *nodes[QOS_LEVELS_MAX];
    uint64_t first_bytes, bytes, packets;
    /* Below each level: what passes it by guarantees; and what need not wait
     * for its turn there, since it is a large frame's that was guaranteed. */
    uint64_t guaranteed_bytes[QOS_LEVELS_MAX + 1];
    uint64_t urgent_bytes[QOS_LEVELS_MAX + 1];
};

/* Null, or a sentence for a person (constant memory) that says what is
 * wrong and what would be right. */
const char *qos_settings_check(const struct qos_settings *);

bool qos_settings_equal(const struct qos_settings *,
                        const struct qos_settings *);

/* Makes the maximum of 's' the lower of both, rate by rate and burst by
 * burst; a guarantee is not above it. */
void qos_settings_lower(struct qos_settings *s,
                        const struct qos_settings *by);

/* Gives each rate that has no burst one that suits it. */
void qos_settings_complete(struct qos_settings *);

/* A node without members, below 'parent', which may be null. */
void qos_node_init(struct qos_node *, struct qos_node *parent,
                   const struct qos_settings *);

/* Without a burst or a gap; see qos_limit_set(). */
void qos_node_set(struct qos_node *, const struct qos_settings *,
                  uint64_t now_ns);

static inline struct qos_node *
qos_node_parent(const struct qos_node *node)
{
    return __atomic_load_n(&node->parent, __ATOMIC_ACQUIRE);
}

/* From now on the node is below 'parent', null: it is a root.  Families and
 * reserves are the caller's to set. */
void qos_node_move(struct qos_node *, struct qos_node *parent);

/* From now on these share the node, which borrows the family; null: nobody.
 * Returns the family that did. */
struct qos_family *qos_node_share(struct qos_node *, struct qos_family *);

/* What borrowers must leave alone, in bytes: the sum over its children of
 * their guarantee's burst or else of their own reserve. */
void qos_node_set_reserve(struct qos_node *, uint64_t reserve_bytes);

/* A leaf below 'node', not yet of its family. */
void qos_leaf_init(struct qos_leaf *, struct qos_node *node);

/* Is there a limit on its way up? */
bool qos_leaf_limited(const struct qos_leaf *);

/* How much may pass now if the next frame is of 'first_bytes'.  If that is
 * more than 'bytes', nothing may. */
void qos_leaf_ask(const struct qos_leaf *, uint64_t first_bytes,
                  uint64_t now_ns, struct qos_budget *);

/* Charges frames that are within the budget.  False: somebody else was
 * quicker and nothing was charged; ask again. */
bool qos_leaf_charge(struct qos_leaf *, const struct qos_budget *,
                     uint64_t bytes, uint64_t packets, uint64_t now_ns);

/* Gives back what was charged and did not pass, or owes what it cost beyond
 * that ('bytes' above 0).  Fairness does not count it. */
void qos_leaf_correct(struct qos_leaf *, int64_t bytes, int64_t packets,
                      uint64_t now_ns);

/* The leaf has a frame of 'first_bytes' that may not pass: notes where it
 * waits, and returns when to ask again. */
uint64_t qos_leaf_wait(struct qos_leaf *, uint64_t first_bytes,
                       uint64_t now_ns);

/* The leaf has nothing that waits. */
void qos_leaf_idle(struct qos_leaf *);

#endif /* qos/tree.h */
