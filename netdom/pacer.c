#include "netdom/pacer.h"

void
pacer_init(struct pacer *p, uint64_t now_ns)
{
    *p = (struct pacer) { .asked_ns = now_ns };
    qos_limit_init(&p->limit, QOS_PACKETS, PACER_LOOKS_PER_S,
                   PACER_BURST_LOOKS);
}

bool
pacer_may_look(struct pacer *p, uint64_t now_ns)
{
    p->asked_ns = now_ns;
    if (!qos_limit_take(&p->limit, 1, 1, 0, now_ns, &p->rest)) {
        p->waits = true;
        return false;
    }
    p->n_looks++;
    p->n_deferred += p->waits;
    p->waits = false;
    return true;
}

uint64_t
pacer_wait_ns(const struct pacer *p)
{
    return qos_limit_ready_ns(&p->limit, 1, 0, p->asked_ns) - p->asked_ns;
}
