#include "qos/codel.h"

/* The whole part of the square root, below 2^40. */
static uint64_t
square_root(uint64_t n)
{
    uint64_t root = 0;

    for (uint64_t bit = 1u << 19; bit; bit >>= 1) {
        uint64_t more = root | bit;

        if (more * more <= n) {
            root |= bit;
        }
    }
    return root;
}

/* Drops come at intervals that shrink with the square root of their number,
 * so that TCP's rate falls linearly. */
static uint64_t
next_drop_ns(uint64_t from_ns, uint32_t n_drops)
{
    uint64_t n = n_drops < (1u << 23) ? n_drops : 1u << 23;

    return from_ns + QOS_CODEL_INTERVAL_NS * 256 / square_root(n << 16);
}

/* Has it been above the target for an interval? */
static bool
is_standing(struct qos_codel *c, uint64_t waited_ns, uint64_t target_ns,
            uint64_t queue_bytes, uint64_t frame_bytes, uint64_t now_ns)
{
    if (waited_ns < target_ns || queue_bytes <= frame_bytes) {
        c->above_ns = 0;
        return false;
    }
    if (!c->above_ns) {
        c->above_ns = now_ns + QOS_CODEL_INTERVAL_NS;
        return false;
    }
    return now_ns >= c->above_ns;
}

bool
qos_codel_drop(struct qos_codel *c, uint64_t waited_ns, uint64_t target_ns,
               uint64_t queue_bytes, uint64_t frame_bytes, uint64_t now_ns)
{
    bool standing = is_standing(c, waited_ns, target_ns, queue_bytes,
                                frame_bytes, now_ns);

    if (c->dropping) {
        if (!standing) {
            c->dropping = false;
            return false;
        }
        if (now_ns < c->next_ns) {
            return false;
        }
        c->n_drops++;
        c->next_ns = next_drop_ns(c->next_ns, c->n_drops);
        return true;
    }
    if (!standing) {
        return false;
    }

    /* One that comes back soon goes on about as often as it left off. */
    uint32_t since = c->n_drops - c->n_drops_before;
    bool soon = now_ns < c->next_ns + 16 * QOS_CODEL_INTERVAL_NS;

    c->dropping = true;
    c->n_drops = since > 1 && soon ? since : 1;
    c->n_drops_before = c->n_drops;
    c->next_ns = next_drop_ns(now_ns, c->n_drops);
    return true;
}
