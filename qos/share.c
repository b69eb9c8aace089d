#include "qos/share.h"

#include "qos/minmax.h"

static uint64_t
part(uint64_t whole, uint64_t of, uint64_t sum)
{
    return (unsigned __int128) whole * of / sum;
}

/* The most that it may have. */
static uint64_t
most(const struct qos_share *s, uint64_t link_bps)
{
    return s->max_bps ? min(s->max_bps, link_bps) : link_bps;
}

/* What it may be brought up to: what it should have, if there is enough, or all
 * that it may have. */
static uint64_t
ceiling(const struct qos_share *s, uint64_t link_bps, uint64_t weights,
        bool all)
{
    uint64_t most_bps = most(s, link_bps);

    if (all || s->wants) {
        return most_bps;
    }

    uint64_t used_bps = min(s->used_bps, link_bps);
    uint64_t idle_bps = part(link_bps, s->weight, weights)
                        / QOS_SHARE_IDLE_PART;
    return min(max(used_bps + used_bps * QOS_SHARE_HEADROOM_PERCENT / 100,
                   idle_bps), most_bps);
}

/* One round of giving 'left_bps' to those below their ceilings, whose weights
 * add up to 'wanting'.  Those that need less than their part get what they
 * need; if there are none of these, all get their part.  Returns what was
 * given. */
static uint64_t
give(uint64_t link_bps, uint64_t left_bps, bool all, uint64_t weights,
     uint64_t wanting, bool whole_parts, struct qos_share *shares, size_t n)
{
    uint64_t given_bps = 0;

    for (size_t i = 0; i < n; i++) {
        struct qos_share *s = &shares[i];
        uint64_t top_bps = ceiling(s, link_bps, weights, all);
        uint64_t part_bps = part(left_bps, s->weight, wanting);

        if (s->share_bps < top_bps
            && (whole_parts || top_bps - s->share_bps <= part_bps)) {
            uint64_t bps = min(top_bps - s->share_bps, part_bps);

            s->share_bps += bps;
            given_bps += bps;
        }
    }
    return given_bps;
}

/* Gives 'left_bps' by weight.  Returns what nobody took. */
static uint64_t
fill(uint64_t link_bps, uint64_t left_bps, bool all, uint64_t weights,
     struct qos_share *shares, size_t n)
{
    uint64_t given_bps;

    do {
        uint64_t wanting = 0;

        for (size_t i = 0; i < n; i++) {
            const struct qos_share *s = &shares[i];

            if (s->share_bps < ceiling(s, link_bps, weights, all)) {
                wanting += s->weight;
            }
        }
        if (!wanting) {
            break;
        }
        given_bps = give(link_bps, left_bps, all, weights, wanting, false,
                         shares, n);
        if (!given_bps) {
            left_bps -= give(link_bps, left_bps, all, weights, wanting, true,
                             shares, n);
        }
        left_bps -= given_bps;
    } while (given_bps);
    return left_bps;
}

void
qos_share_divide(uint64_t link_bps, struct qos_share *shares, size_t n)
{
    uint64_t left_bps = link_bps, weights = 0;

    for (size_t i = 0; i < n; i++) {
        struct qos_share *s = &shares[i];

        s->share_bps = min(min(s->guarantee_bps, most(s, link_bps)),
                           left_bps);
        left_bps -= s->share_bps;
        weights += s->weight;
    }
    left_bps = fill(link_bps, left_bps, false, weights, shares, n);
    fill(link_bps, left_bps, true, weights, shares, n);
}

bool
qos_share_wants(uint64_t used_bps, bool held, uint64_t share_bps,
                uint64_t before_bps)
{
    uint64_t least_bps = min(share_bps, before_bps);

    return held && used_bps / 100 >= least_bps / 10000
                                     * QOS_SHARE_WANTS_PERCENT;
}

bool
qos_share_is_near(uint64_t link_bps, uint64_t a_bps, uint64_t b_bps)
{
    return max(a_bps, b_bps) - min(a_bps, b_bps) <= link_bps / 50;
}
