#include "qos/fair.h"

#include <string.h>

void
qos_fair_init(struct qos_fair *fair)
{
    memset(fair, 0, sizeof *fair);
    for (unsigned int i = 0; i < QOS_FAIR_SOURCES; i++) {
        qos_limit_init(&fair->sources[i].guarantee, QOS_BYTES, 0, 0);
    }
}

void
qos_fair_wait(struct qos_fair *fair, unsigned int i, uint64_t first_bytes,
              uint32_t weight, uint64_t guarantee_bps,
              uint64_t guarantee_burst_bytes, uint64_t now_ns)
{
    struct qos_fair_source *s = &fair->sources[i];

    s->weight = weight ? weight : 1;
    s->first_bytes = first_bytes;
    qos_limit_set(&s->guarantee, guarantee_bps, guarantee_burst_bytes,
                  now_ns);
    if (!s->waits) {
        s->waits = true;
        s->deficit_bytes = 0;
        fair->turns[fair->n_turns++] = i;
    }
}

/* The link owes it its first frame.  One above the guarantee's burst counts
 * when that is half full, and leaves a debt. */
static bool
is_owed(const struct qos_fair_source *s, uint64_t now_ns)
{
    return qos_limit_on(&s->guarantee)
           && qos_limit_room(&s->guarantee, s->first_bytes, 0, now_ns)
              >= s->first_bytes;
}

static void
next_turn(struct qos_fair *fair)
{
    fair->turn = (fair->turn + 1) % fair->n_turns;
    fair->turn_begun = false;
}

unsigned int
qos_fair_next(struct qos_fair *fair, uint64_t now_ns, bool *guaranteed)
{
    *guaranteed = true;
    for (unsigned int k = 0; k < fair->n_turns; k++) {
        unsigned int i = fair->turns[(fair->turn + k) % fair->n_turns];

        if (is_owed(&fair->sources[i], now_ns)) {
            return i;
        }
    }

    *guaranteed = false;
    while (fair->n_turns) {
        unsigned int i = fair->turns[fair->turn];
        struct qos_fair_source *s = &fair->sources[i];

        if (!fair->turn_begun) {
            s->deficit_bytes += (uint64_t) s->weight * QOS_FAIR_QUANTUM_BYTES;
            fair->turn_begun = true;
        }
        if (s->deficit_bytes >= (int64_t) s->first_bytes) {
            return i;
        }
        next_turn(fair);
    }
    return QOS_FAIR_NONE;
}

static void
leave(struct qos_fair *fair, unsigned int i)
{
    unsigned int k = 0;

    while (fair->turns[k] != i) {
        k++;
    }
    memmove(&fair->turns[k], &fair->turns[k + 1],
            (fair->n_turns - k - 1) * sizeof fair->turns[0]);
    fair->n_turns--;
    if (k < fair->turn) {
        fair->turn--;
    } else if (k == fair->turn) {
        fair->turn_begun = false;
    }
    if (fair->turn >= fair->n_turns) {
        fair->turn = 0;
    }
    fair->sources[i].waits = false;
}

void
qos_fair_sent(struct qos_fair *fair, unsigned int i, bool guaranteed,
              uint64_t next_bytes, uint64_t now_ns)
{
    struct qos_fair_source *s = &fair->sources[i];

    if (guaranteed) {
        qos_limit_owe(&s->guarantee, s->first_bytes, now_ns, &s->rest);
    } else {
        s->deficit_bytes -= s->first_bytes;
    }
    s->first_bytes = next_bytes;
    if (!next_bytes) {
        leave(fair, i);
    }
}
