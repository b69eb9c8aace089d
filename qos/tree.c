#include "qos/tree.h"

#include <stddef.h>

#include "qos/minmax.h"

/* One who wants more and does not come back within this time has gone without
 * saying so, and its siblings wait no longer.  A thread that shares its core
 * may be away for some tens of milliseconds. */
#define LATE_NS 100000000u

/* While there are several, each takes so much at a time: the share of its
 * node's rate, or this much of those that have none. */
#define QUANTUM_NS 50000u
#define QUANTUM_BYTES 65536u

/* One who waits for another's turn looks again so soon. */
#define TURN_NS 10000u

/* A byte at weight 1, in 'served': a quotient by any weight is fine enough. */
#define SERVED_PER_BYTE (1u << 16)

static uint64_t
beyond(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t
get(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void
put(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

/* Not below 'value' from now on. */
static void
raise_to(uint64_t *p, uint64_t value)
{
    uint64_t old = get(p);

    while (old < value
           && !__atomic_compare_exchange_n(p, &old, value, true,
                                           __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED)) {
        continue;
    }
}

/* Who stands for the leaf in the family of the node above 'below'; null: in
 * that of its own node. */
static struct qos_member *
member_below(struct qos_leaf *leaf, struct qos_node *below)
{
    return below ? &below->member : &leaf->member;
}

static const struct qos_member *
member_below_const(const struct qos_leaf *leaf, const struct qos_node *below)
{
    return below ? &below->member : &leaf->member;
}

static bool
wants(const struct qos_member *m, uint64_t now_ns)
{
    return get(&m->wants_until_ns) > now_ns;
}

/* Where 'm' stands: one who has waited keeps its place, others begin where
 * the busy ones are. */
static uint64_t
start_tag(const struct qos_node *node, const struct qos_member *m,
          uint64_t now_ns)
{
    uint64_t served = get(&m->served);

    return wants(m, now_ns) ? served : max(served, get(&node->floor));
}

/* Do others want what 'm' wants?  Then '*turn' says whether it was served no
 * more than any of them, and none of them is urgent. */
static bool
contended(const struct qos_node *node, const struct qos_member *m,
          uint64_t now_ns, bool *turn)
{
    bool others = false;

    *turn = true;
    if (get(&node->contended_until_ns) <= now_ns) {
        return false;
    }

    const struct qos_family *family
        = __atomic_load_n(&node->family, __ATOMIC_ACQUIRE);
    uint64_t start = start_tag(node, m, now_ns);
    for (unsigned int i = 0; family && i < family->n; i++) {
        const struct qos_member *other = family->members[i];

        if (other != m && wants(other, now_ns)) {
            others = true;
            if (get(&other->served) < start
                || __atomic_load_n(&other->urgent, __ATOMIC_RELAXED)) {
                *turn = false;
                break;
            }
        }
    }
    return others;
}

static uint64_t
quantum_bytes(const struct qos_node *node)
{
    for (; node; node = qos_node_parent(node)) {
        uint64_t bytes = qos_limit_earned(&node->bytes, QUANTUM_NS);

        if (bytes) {
            return min(bytes, QUANTUM_BYTES);
        }
    }
    return QUANTUM_BYTES;
}

/* What 'node' lets through for 'm': 'guaranteed' anyway, 'urgent' as soon as
 * there is room, and more in its turn. */
static uint64_t
node_room(const struct qos_node *node, const struct qos_member *m,
          uint64_t first_bytes, uint64_t guaranteed, uint64_t urgent,
          uint64_t now_ns)
{
    uint64_t reserve = beyond(get(&node->reserve_bytes), guaranteed);
    uint64_t bytes = qos_limit_room(&node->bytes, first_bytes, reserve,
                                    now_ns);
    bool turn;

    if (contended(node, m, now_ns, &turn)) {
        uint64_t quantum = max(quantum_bytes(node), first_bytes);

        bytes = min(bytes, turn ? guaranteed + quantum : urgent);
    }
    return max(bytes, guaranteed);
}

/* What of 'node' passes its parents by its guarantee, in which there must be
 * 'first_bytes' at least.  A frame above the guarantee's burst is '*urgent'
 * instead, when it has waited long enough. */
static uint64_t
guarantee_room(const struct qos_node *node, uint64_t first_bytes,
               uint64_t now_ns, bool *urgent)
{
    uint64_t reserve = get(&node->reserve_bytes), bytes;

    *urgent = false;
    if (!qos_node_parent(node) || !qos_limit_on(&node->guarantee)) {
        return 0;
    }
    bytes = qos_limit_room(&node->guarantee, 0, reserve, now_ns);
    if (bytes >= first_bytes) {
        return bytes;
    }
    *urgent = qos_limit_room(&node->guarantee, first_bytes, reserve, now_ns);
    return 0;
}

void
qos_leaf_ask(const struct qos_leaf *leaf, uint64_t first_bytes,
             uint64_t now_ns, struct qos_budget *budget)
{
    const struct qos_node *below = NULL;
    uint64_t guaranteed = 0, urgent = 0;
    unsigned int i = 0;
    struct qos_node *node = leaf->node;

    budget->first_bytes = first_bytes;
    budget->bytes = budget->packets = UINT64_MAX;
    budget->guaranteed_bytes[0] = budget->urgent_bytes[0] = 0;
    for (; node && i < QOS_LEVELS_MAX;
         below = node, node = qos_node_parent(node)) {
        const struct qos_member *m = member_below_const(leaf, below);
        bool now_urgent;

        budget->packets = min(budget->packets,
                              qos_limit_room(&node->packets, 1, 0, now_ns));
        budget->bytes = min(budget->bytes,
                            node_room(node, m, first_bytes, guaranteed,
                                      urgent, now_ns));
        guaranteed += guarantee_room(node, beyond(first_bytes, guaranteed),
                                     now_ns, &now_urgent);
        urgent = max(urgent, now_urgent ? first_bytes : guaranteed);
        budget->nodes[i++] = node;
        budget->guaranteed_bytes[i] = guaranteed;
        budget->urgent_bytes[i] = urgent;
    }
    budget->n_levels = i;
    if (!budget->packets) {
        budget->bytes = 0;
    }
}

/* What of 'bytes' the guarantees of level 'i' and of those below pay for. */
static uint64_t
insured(const struct qos_budget *budget, unsigned int i, uint64_t bytes)
{
    return min(bytes, budget->urgent_bytes[i + 1]);
}

/* Charges level 'i'.  False: there is no room any more. */
static bool
charge_node(const struct qos_budget *budget, unsigned int i,
            struct qos_rests *rests, uint64_t bytes, uint64_t packets,
            uint64_t now_ns)
{
    struct qos_node *node = budget->nodes[i];
    uint64_t passed = min(bytes, budget->guaranteed_bytes[i]);
    uint64_t own = min(bytes, budget->guaranteed_bytes[i + 1]) - passed;
    uint64_t reserve = get(&node->reserve_bytes);

    if (passed == bytes) {
        qos_limit_owe(&node->bytes, bytes, now_ns, &rests->bytes);
    } else if (!qos_limit_take(&node->bytes, bytes, budget->first_bytes,
                               beyond(reserve, passed), now_ns,
                               &rests->bytes)) {
        return false;
    }
    if (!qos_limit_take(&node->packets, packets, 1, 0, now_ns,
                        &rests->packets)) {
        qos_limit_give(&node->bytes, bytes, now_ns, &rests->bytes);
        return false;
    }
    if (own && !qos_limit_take(&node->guarantee, own, 0, reserve, now_ns,
                               &rests->guarantee)) {
        qos_limit_give(&node->bytes, bytes, now_ns, &rests->bytes);
        qos_limit_give(&node->packets, packets, now_ns, &rests->packets);
        return false;
    }
    /* A guarantee is for all that is below; and a large frame leaves a
     * debt. */
    uint64_t more = insured(budget, i, bytes) - own;
    if (more) {
        qos_limit_owe(&node->guarantee, more, now_ns, &rests->guarantee);
    }
    return true;
}

static void
refund_node(const struct qos_budget *budget, unsigned int i,
            struct qos_rests *rests, uint64_t bytes, uint64_t packets,
            uint64_t now_ns)
{
    struct qos_node *node = budget->nodes[i];

    qos_limit_give(&node->bytes, bytes, now_ns, &rests->bytes);
    qos_limit_give(&node->packets, packets, now_ns, &rests->packets);
    qos_limit_give(&node->guarantee, insured(budget, i, bytes), now_ns,
                   &rests->guarantee);
}

/* 'm' borrowed 'bytes' of 'node'.  Only who is in others' way is counted: the
 * day that somebody must wait, all begin at the same place. */
static void
serve(struct qos_node *node, struct qos_member *m, uint64_t bytes,
      uint64_t now_ns)
{
    if (get(&node->contended_until_ns) <= now_ns) {
        return;
    }

    uint64_t start = start_tag(node, m, now_ns);
    uint64_t weight = __atomic_load_n(&m->weight, __ATOMIC_RELAXED);

    raise_to(&m->served, start);
    __atomic_fetch_add(&m->served, bytes * SERVED_PER_BYTE / weight,
                       __ATOMIC_RELAXED);
    raise_to(&node->floor, start);
}

bool
qos_leaf_charge(struct qos_leaf *leaf, const struct qos_budget *budget,
                uint64_t bytes, uint64_t packets, uint64_t now_ns)
{
    struct qos_node *below = NULL;

    for (unsigned int i = 0; i < budget->n_levels; i++) {
        if (!charge_node(budget, i, &leaf->rests[i], bytes, packets,
                         now_ns)) {
            while (i--) {
                refund_node(budget, i, &leaf->rests[i], bytes, packets,
                            now_ns);
            }
            return false;
        }
    }
    for (unsigned int i = 0; i < budget->n_levels; i++) {
        uint64_t borrowed = beyond(bytes, budget->urgent_bytes[i]);

        if (borrowed) {
            serve(budget->nodes[i], member_below(leaf, below), borrowed,
                  now_ns);
        }
        below = budget->nodes[i];
    }
    return true;
}

void
qos_leaf_correct(struct qos_leaf *leaf, int64_t bytes, int64_t packets,
                 uint64_t now_ns)
{
    struct qos_node *node = leaf->node;

    for (unsigned int i = 0; node && i < QOS_LEVELS_MAX;
         node = qos_node_parent(node), i++) {
        struct qos_rests *rests = &leaf->rests[i];

        if (bytes > 0) {
            qos_limit_owe(&node->bytes, bytes, now_ns, &rests->bytes);
        } else if (bytes < 0) {
            qos_limit_give(&node->bytes, -bytes, now_ns, &rests->bytes);
        }
        if (packets > 0) {
            qos_limit_owe(&node->packets, packets, now_ns, &rests->packets);
        } else if (packets < 0) {
            qos_limit_give(&node->packets, -packets, now_ns,
                           &rests->packets);
        }
    }
}

/* When 'node' has room for the frame. */
static uint64_t
node_ready_ns(const struct qos_node *node, const struct qos_member *m,
              uint64_t first_bytes, uint64_t guaranteed, bool urgent,
              uint64_t now_ns)
{
    uint64_t ready_ns = qos_limit_ready_ns(&node->packets, 1, 0, now_ns);
    bool turn;

    if (guaranteed < first_bytes) {
        uint64_t reserve = beyond(get(&node->reserve_bytes), guaranteed);

        ready_ns = max(ready_ns, qos_limit_ready_ns(&node->bytes, first_bytes,
                                                    reserve, now_ns));
        if (!urgent && contended(node, m, now_ns, &turn) && !turn) {
            ready_ns = max(ready_ns, now_ns + TURN_NS);
        }
    }
    return ready_ns;
}

static void
mark(struct qos_leaf *leaf, struct qos_node *node, struct qos_member *m,
     bool urgent, uint64_t now_ns)
{
    raise_to(&m->served, start_tag(node, m, now_ns));
    __atomic_store_n(&m->wanter, leaf, __ATOMIC_RELAXED);
    __atomic_store_n(&m->urgent, urgent, __ATOMIC_RELAXED);
    put(&m->wants_until_ns, now_ns + LATE_NS);
    put(&node->contended_until_ns, now_ns + LATE_NS);
}

static void
unmark(struct qos_leaf *leaf, struct qos_member *m)
{
    if (__atomic_load_n(&m->wanter, __ATOMIC_RELAXED) == leaf) {
        put(&m->wants_until_ns, 0);
    }
}

uint64_t
qos_leaf_wait(struct qos_leaf *leaf, uint64_t first_bytes, uint64_t now_ns)
{
    struct qos_node *node = leaf->node, *below = NULL;
    uint64_t guaranteed = 0, ready_ns = now_ns, by_guarantee_ns = UINT64_MAX;
    bool urgent = false;

    /* It wants its share of the lowest node that has no room for it, and of
     * those below... */
    for (; node && ready_ns <= now_ns;
         below = node, node = qos_node_parent(node)) {
        struct qos_member *m = member_below(leaf, below);
        bool now_urgent;

        ready_ns = min(by_guarantee_ns,
                       node_ready_ns(node, m, first_bytes, guaranteed, urgent,
                                     now_ns));
        mark(leaf, node, m, urgent, now_ns);

        uint64_t more = guarantee_room(node, beyond(first_bytes, guaranteed),
                                       now_ns, &now_urgent);
        if (!more && !now_urgent && qos_node_parent(node)
            && qos_limit_on(&node->guarantee)) {
            by_guarantee_ns = min(by_guarantee_ns, qos_limit_ready_ns(
                                      &node->guarantee, first_bytes,
                                      get(&node->reserve_bytes), now_ns));
        }
        guaranteed += more;
        urgent |= now_urgent;
    }
    /* ...of those above, it will when it gets there. */
    for (; node; below = node, node = qos_node_parent(node)) {
        unmark(leaf, member_below(leaf, below));
    }
    leaf->wants = true;
    return ready_ns;
}

void
qos_leaf_idle(struct qos_leaf *leaf)
{
    struct qos_node *below = NULL;

    if (!leaf->wants) {
        return;
    }
    for (struct qos_node *node = leaf->node; node;
         below = node, node = qos_node_parent(node)) {
        unmark(leaf, member_below(leaf, below));
    }
    leaf->wants = false;
}
