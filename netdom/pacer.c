#include "netdom/pacer.h"

/* A bucket counts bytes: one is a look here. */
static const struct qos_profile looks = {
    .rate_bps = PACER_LOOKS_PER_S * 8,
    .burst_bytes = PACER_BURST_LOOKS,
};

void
pacer_init(struct pacer *p, uint64_t now_ns)
{
    *p = (struct pacer) { .waits = false };
    qos_bucket_init(&p->bucket, &looks, now_ns);
}

bool
pacer_may_look(struct pacer *p, uint64_t now_ns)
{
    qos_bucket_refill(&p->bucket, &looks, now_ns);
    if (!qos_bucket_take(&p->bucket, &looks, 1)) {
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
    return qos_bucket_wait_ns(&p->bucket, &looks, 1);
}
