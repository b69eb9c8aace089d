#include <config.h>

#include "datapath/tenantvf_queue.h"

#include "datapath/backlog.h"
#include "datapath/isolation.h"
#include "datapath/xenvif_port.h"
#include "dp-packet.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
tenantvf_queue_init(struct tenantvf_queue *q)
{
    ovs_mutex_init(&q->mutex);
    ovs_mutex_lock(&q->mutex);
    qos_fair_init(&q->fair);
    memset(q->sources, 0, sizeof q->sources);
    q->rest = 0;
    ovs_mutex_unlock(&q->mutex);
    qos_limit_init(&q->limit, QOS_BYTES, 0, 0);
    atomic_init(&q->limited, false);
    atomic_init(&q->n_waiting, 0);
    atomic_init(&q->n_queued, 0);
    atomic_init(&q->n_held, 0);
    atomic_init(&q->n_full, 0);
}

/* The source's first frame, which it no longer has. */
static struct tenantvf_frame
take(struct tenantvf_queue *q, struct tenantvf_source *source)
{
    struct tenantvf_frame frame = source->frames[source->head];
    uint32_t orig;

    source->head = (source->head + 1) % TENANTVF_QUEUE_FRAMES;
    source->n--;
    if (source->backlog) {
        atomic_sub_relaxed(&source->backlog->bytes, frame.cost_bytes, &orig);
    }
    atomic_sub_relaxed(&q->n_waiting, 1, &orig);
    return frame;
}

void
tenantvf_queue_finish(struct tenantvf_queue *q)
{
    ovs_mutex_lock(&q->mutex);
    for (unsigned int i = 0; i < QOS_FAIR_SOURCES; i++) {
        struct tenantvf_source *source = q->sources[i];

        while (source && source->n) {
            dp_packet_delete(take(q, source).packet);
        }
        if (source) {
            vif_backlog_unref(source->backlog);
            free(source);
        }
    }
    ovs_mutex_unlock(&q->mutex);
    ovs_mutex_destroy(&q->mutex);
}

void
tenantvf_queue_set_limit(struct tenantvf_queue *q, uint64_t rate_bps,
                         uint64_t burst_bytes)
{
    qos_limit_set(&q->limit, rate_bps, burst_bytes, doorbell_now_ns());
    atomic_store_relaxed(&q->limited, rate_bps != 0);
}

void
tenantvf_queue_describe(struct tenantvf_queue *q, struct ds *ds)
{
    struct qos_pace pace = qos_limit_pace(&q->limit);
    uint64_t n_queued, n_full;
    const char *sep = "";

    if (pace.rate) {
        ds_put_format(ds, "at most %"PRIu64" bit/s (burst %"PRIu64" bytes, %"
                      PRId64" left)", pace.rate, pace.burst,
                      qos_limit_credit(&q->limit, doorbell_now_ns()));
    } else {
        ds_put_cstr(ds, "no limit");
    }
    ovs_mutex_lock(&q->mutex);
    for (unsigned int i = 0; i < QOS_FAIR_SOURCES; i++) {
        const struct tenantvf_source *source = q->sources[i];

        if (source && source->n) {
            ds_put_format(ds, "%s%s %u frames (weight %"PRIu32")",
                          *sep ? sep : "; wait: ",
                          i ? source->name : "others",
                          source->n, q->fair.sources[i].weight);
            sep = ", ";
        }
    }
    ovs_mutex_unlock(&q->mutex);
    atomic_read_relaxed(&q->n_queued, &n_queued);
    atomic_read_relaxed(&q->n_full, &n_full);
    ds_put_format(ds, "%s; %"PRIu64" went through, %"PRIu64" found no room\n",
                  *sep ? "" : "; nothing waits", n_queued, n_full);
}

bool
tenantvf_queue_is_free(struct tenantvf_queue *q)
{
    uint32_t n_waiting;
    bool limited;

    atomic_read_relaxed(&q->limited, &limited);
    atomic_read_relaxed(&q->n_waiting, &n_waiting);
    return !limited && !n_waiting;
}

/* The queue of the vif 'key'; one that stood empty becomes it, and if there is
 * none of these, what is nobody's is in the same. */
static unsigned int
find_source(struct tenantvf_queue *q, uint64_t key, const char *name,
            struct vif_backlog *backlog)
    OVS_REQUIRES(q->mutex)
{
    unsigned int found = 0;

    for (unsigned int i = 1; key && i < QOS_FAIR_SOURCES; i++) {
        struct tenantvf_source *source = q->sources[i];

        if (source && source->key == key) {
            return i;
        }
        if (!found && (!source || !source->n)) {
            found = i;
        }
    }
    struct tenantvf_source *source = q->sources[found];
    if (!source) {
        source = q->sources[found] = xzalloc(sizeof *source);
    }
    if (found && source->key != key) {  /* Once for each vif. */
        vif_backlog_unref(source->backlog);
        source->key = key;
        ovs_strlcpy(source->name, name, sizeof source->name);
        source->backlog = vif_backlog_ref(backlog);
    }
    return found;
}

static uint32_t
enough_bytes(const struct tenantvf_queue *q)
{
    uint64_t bytes = qos_limit_pace(&q->limit).rate / 8 * TENANTVF_ENOUGH_US
                     / 1000000;

    return (!bytes || bytes > TENANTVF_ENOUGH_MAX_BYTES
            ? TENANTVF_ENOUGH_MAX_BYTES
            : MAX(bytes, TENANTVF_ENOUGH_MIN_BYTES));
}

/* The source has frames, and these are its vif's weight and guarantee now. */
static void
tell(struct tenantvf_queue *q, unsigned int i, const struct xenvif *vif,
     uint64_t now_ns)
    OVS_REQUIRES(q->mutex)
{
    struct tenantvf_source *source = q->sources[i];
    struct qos_pace guarantee = { .rate = 0 };
    uint32_t weight = 1;

    if (i) {
        guarantee = qos_limit_pace(&vif->tx_node.guarantee);
        weight = __atomic_load_n(&vif->tx_node.member.weight,
                                 __ATOMIC_RELAXED);
    }
    qos_fair_wait(&q->fair, i, source->frames[source->head].cost_bytes,
                  weight, guarantee.rate, guarantee.burst, now_ns);
    if (source->backlog) {
        atomic_store_relaxed(&source->backlog->enough_bytes,
                             enough_bytes(q));
    }
}

void
tenantvf_queue_put(struct tenantvf_queue *q,
                   struct dp_packet *const packets[],
                   const uint32_t costs_bytes[], size_t n, int qid,
                   uint64_t now_ns)
{
    struct doorbell_member *m = doorbell_polled();
    struct xenvif_queue *from = m ? xenvif_queue_of_member(m) : NULL;
    struct xenvif *vif = from && isolation_is_on() ? from->vif : NULL;
    unsigned int i = find_source(q, vif ? vif->serial : 0,
                                 vif ? netdev_get_name(&vif->up) : "",
                                 vif ? vif->backlog : NULL);
    struct tenantvf_source *source = q->sources[i];
    size_t n_put = MIN(n, TENANTVF_QUEUE_FRAMES - source->n);
    uint32_t bytes = 0, orig;
    uint64_t count;

    for (size_t k = 0; k < n_put; k++) {
        source->frames[(source->head + source->n++) % TENANTVF_QUEUE_FRAMES]
            = (struct tenantvf_frame) { packets[k], costs_bytes[k], qid };
        bytes += costs_bytes[k];
    }
    for (size_t k = n_put; k < n; k++) {
        dp_packet_delete(packets[k]);
    }
    if (source->backlog) {
        atomic_add_relaxed(&source->backlog->bytes, bytes, &orig);
    }
    atomic_add_relaxed(&q->n_waiting, n_put, &orig);
    atomic_add_relaxed(&q->n_queued, n_put, &count);
    atomic_add_relaxed(&q->n_full, n - n_put, &count);
    if (source->n) {
        tell(q, i, vif, now_ns);
    }
}

struct dp_packet *
tenantvf_queue_pop(struct tenantvf_queue *q, uint64_t now_ns, int *qid,
                   uint64_t *ready_ns)
{
    bool guaranteed;
    unsigned int i = qos_fair_next(&q->fair, now_ns, &guaranteed);

    *ready_ns = UINT64_MAX;
    if (i == QOS_FAIR_NONE) {
        return NULL;
    }

    struct tenantvf_source *source = q->sources[i];
    uint32_t cost_bytes = source->frames[source->head].cost_bytes;
    if (!qos_limit_take(&q->limit, cost_bytes, cost_bytes, 0, now_ns,
                        &q->rest)) {
        uint64_t orig;

        atomic_add_relaxed(&q->n_held, 1, &orig);
        *ready_ns = qos_limit_ready_ns(&q->limit, cost_bytes, 0, now_ns);
        return NULL;
    }

    struct tenantvf_frame frame = take(q, source);
    qos_fair_sent(&q->fair, i, guaranteed,
                  source->n ? source->frames[source->head].cost_bytes : 0,
                  now_ns);
    *qid = frame.qid;
    return frame.packet;
}
