#include "tools/guest/pacer.h"

void
pacer_init(struct pacer *p, double pps, uint64_t now_ns)
{
    *p = (struct pacer) { .pps = pps, .due = 1, .updated_ns = now_ns };
}

uint32_t
pacer_due(struct pacer *p, uint32_t max, uint64_t now_ns)
{
    if (!p->pps) {
        p->updated_ns = now_ns;
        return max;
    }

    double most = p->pps * PACER_OWED_SECONDS;
    if (most < PACER_OWED_FRAMES_MIN) {
        most = PACER_OWED_FRAMES_MIN;
    }
    p->due += (now_ns - p->updated_ns) * 1e-9 * p->pps;
    p->updated_ns = now_ns;
    if (p->due > most) {
        p->forgone += p->due - most;
        p->due = most;
    }
    return p->due < max ? (uint32_t) p->due : max;
}

void
pacer_sent(struct pacer *p, uint32_t n)
{
    if (p->pps) {
        p->due -= n;
    }
}

uint64_t
pacer_next_ns(const struct pacer *p)
{
    if (!p->pps || p->due >= 1) {
        return 0;
    }
    return p->updated_ns + (uint64_t) ((1 - p->due) / p->pps * 1e9) + 1;
}
