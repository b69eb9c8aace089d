#include <config.h>
#include "tools/guest/vif.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/memory.h"

VLOG_DEFINE_THIS_MODULE(vif);

#define BATCH 32

/* Behind this many owed transmit responses, take them even if no room is
 * needed, so that the backend's ring does not look full for nothing. */
#define REAP_SLOTS (RING_SLOTS / 4)

/* The longest frame's slots, and an extra. */
#define ROOM_SLOTS (RING_FRAME_SLOTS_MAX + 1)

#define FOR_EACH_QUEUE(Q, VIF)                                  \
    for (Q = (VIF)->queues;                                     \
         Q < (VIF)->queues + (VIF)->shape.n_queues; Q++)

static const struct guest_channel closed_channel = {
    .wait_fd = -1, .kick_fd = -1,
};

void
vif_init(struct vif *vif, struct guest_domain *domain,
         struct guest_memory *memory)
{
    *vif = (struct vif) { .domain = domain, .memory = memory };
}

static void
queue_finish(struct vif *vif, struct vif_queue *q)
{
    guest_channel_close(&q->rx_channel, vif->domain);
    guest_channel_close(&q->tx_channel, vif->domain);
    rx_ring_finish(&q->rx);
    tx_ring_finish(&q->tx);
}

static int
queue_init(struct vif *vif, struct vif_queue *q)
{
    const struct vif_shape *shape = &vif->shape;

    q->rx.shared = NULL;
    q->tx_channel = q->rx_channel = closed_channel;

    int error = tx_ring_init(&q->tx, vif->memory, shape->backend_domid,
                             &q->tx_counters);
    if (!error) {
        error = rx_ring_init(&q->rx, vif->memory, shape->backend_domid,
                             &shape->rx_takes, &q->rx_counters);
    }
    if (!error) {
        error = guest_channel_open(&q->tx_channel, vif->domain,
                                   shape->backend_domid);
    }
    if (!error && shape->split) {
        error = guest_channel_open(&q->rx_channel, vif->domain,
                                   shape->backend_domid);
    }
    if (error) {
        queue_finish(vif, q);
    }
    return error;
}

int
vif_connect(struct vif *vif, const struct vif_shape *shape)
{
    vif->shape = *shape;
    vif->path = (struct tx_path) {
        .n_rings = shape->n_queues,
        .takes = shape->tx_takes,
    };
    for (uint32_t i = 0; i < shape->n_queues; i++) {
        int error = queue_init(vif, &vif->queues[i]);
        if (error) {
            while (i--) {
                queue_finish(vif, &vif->queues[i]);
            }
            return error;
        }
        vif->path.rings[i] = &vif->queues[i].tx;
    }
    vif->connected = true;
    vif->up = false;
    vif->broken = false;
    vif->full = false;
    return 0;
}

void
vif_disconnect(struct vif *vif, uint64_t now_ns)
{
    struct vif_queue *q;

    vif_set_up(vif, false, now_ns);
    if (vif->connected) {
        FOR_EACH_QUEUE (q, vif) {
            queue_finish(vif, q);
        }
        vif->connected = false;
    }
}

static void
set_link(struct endpoint *e, const struct tx_path *path, uint64_t now_ns)
{
    if (e && e->class->set_link) {
        e->class->set_link(e, path, now_ns);
    }
}

void
vif_set_up(struct vif *vif, bool up, uint64_t now_ns)
{
    if (up == vif->up) {
        return;
    }
    vif->up = up;
    set_link(vif->source, up ? &vif->path : NULL, now_ns);
    if (vif->sink != vif->source) {
        set_link(vif->sink, up ? &vif->path : NULL, now_ns);
    }
}

static void
set_broken(struct vif *vif, const struct vif_queue *q, const char *ring)
{
    VLOG_ERR("queue %d: the backend broke the protocol of the %s ring: "
             "closing the vif", (int) (q - vif->queues), ring);
    vif->broken = true;
}

static unsigned int
run_rx(struct vif *vif, struct vif_queue *q, uint64_t now_ns)
{
    struct endpoint *sink = vif->sink;
    struct rx_frame frame;
    unsigned int n = 0;
    int taken = 0;

    while (n < BATCH && (taken = rx_ring_take(&q->rx, &frame)) > 0) {
        n++;
        if (vif->hash.active) {
            hash_check_frame(&vif->hash, &frame, q - vif->queues);
        }
        if (sink && sink->class->receive) {
            sink->class->receive(sink, &frame, now_ns);
        }
    }
    if (taken < 0) {
        set_broken(vif, q, "receive");
        return 0;
    }
    if (rx_ring_release(&q->rx) && vif->shape.rx_notify) {
        q->rx_counters.notifies++;
        guest_channel_kick(vif_rx_channel(vif, q));
    }
    return n;
}

static bool
needs_room(const struct vif_queue *q)
{
    return !tx_ring_has_room(&q->tx, ROOM_SLOTS);
}

/* Takes responses where it is worth it.  False if a ring stays full. */
static bool
reap(struct vif *vif)
{
    bool full = false;
    struct vif_queue *q;

    FOR_EACH_QUEUE (q, vif) {
        if ((needs_room(q) || tx_ring_owed(&q->tx) > REAP_SLOTS)
            && tx_ring_reap(&q->tx)) {
            set_broken(vif, q, "transmit");
            return false;
        }
        if (needs_room(q)) {
            q->tx_counters.full += !vif->full;
            full = true;
        }
    }
    vif->full = full;
    return !full;
}

static void
push(struct vif *vif)
{
    struct vif_queue *q;

    FOR_EACH_QUEUE (q, vif) {
        if (tx_ring_push(&q->tx)) {
            guest_channel_kick(&q->tx_channel);
        }
    }
}

static unsigned int
run_tx(struct vif *vif, uint64_t now_ns)
{
    struct endpoint *source = vif->source;

    if (!reap(vif) || !source || !source->class->transmit) {
        return 0;
    }

    unsigned int n = source->class->transmit(source, &vif->path, BATCH,
                                             now_ns);
    push(vif);
    return n;
}

unsigned int
vif_run(struct vif *vif, uint64_t now_ns)
{
    unsigned int n = 0;
    struct vif_queue *q;

    if (!vif->up || vif->broken) {
        return 0;
    }
    FOR_EACH_QUEUE (q, vif) {
        n += run_rx(vif, q, now_ns);
    }
    n += vif->broken ? 0 : run_tx(vif, now_ns);
    if (n) {
        vif->busy_ns = now_ns;
    }
    return n;
}

int
vif_send_extra(struct vif *vif, const struct netif_extra_info *extra)
{
    if (!vif->up || vif->broken) {
        return -ENOTCONN;
    }
    if (!tx_ring_has_room(&vif->queues[0].tx, 2)) {
        return -EAGAIN;
    }
    tx_ring_put_extra(&vif->queues[0].tx, extra);
    push(vif);
    return 0;
}

bool
vif_is_drained(struct vif *vif)
{
    bool drained = true;
    struct vif_queue *q;

    if (!vif->connected || vif->broken) {
        return true;
    }
    FOR_EACH_QUEUE (q, vif) {
        if (tx_ring_reap(&q->tx)) {
            set_broken(vif, q, "transmit");
            return true;
        }
        drained = drained && !tx_ring_owed(&q->tx);
    }
    return drained;
}

/* Asks for the events we need.  True if there is work already. */
static bool
arm(struct vif *vif, bool *room)
{
    const struct endpoint *source = vif->source;
    bool sends = source && source->class->transmit;
    bool work = false;
    struct vif_queue *q;

    *room = true;
    FOR_EACH_QUEUE (q, vif) {
        bool full = needs_room(q);

        work |= rx_ring_arm(&q->rx)
                || (full && sends && tx_ring_arm(&q->tx, false));
        *room &= !full;
    }
    return work;
}

static void
clear_events(struct vif *vif)
{
    struct vif_queue *q;

    FOR_EACH_QUEUE (q, vif) {
        guest_channel_clear(&q->tx_channel);
        if (vif->shape.split) {
            guest_channel_clear(&q->rx_channel);
        }
    }
}

static void
wait_events(struct vif *vif)
{
    struct vif_queue *q;

    FOR_EACH_QUEUE (q, vif) {
        poll_fd_wait(q->tx_channel.wait_fd, POLLIN);
        if (vif->shape.split) {
            poll_fd_wait(q->rx_channel.wait_fd, POLLIN);
        }
    }
}

void
vif_wait(struct vif *vif, uint64_t now_ns)
{
    bool room = true;

    if (!vif->up || vif->broken) {
        if (vif->broken) {
            poll_immediate_wake();
        }
        return;
    }
    if (now_ns - vif->busy_ns < vif->spin_ns) {
        poll_immediate_wake();
        return;
    }

    clear_events(vif);
    if (arm(vif, &room)) {
        poll_immediate_wake();
        return;
    }
    wait_events(vif);
    if (vif->source) {
        vif->source->class->wait(vif->source, room);
    }
    if (vif->sink && vif->sink != vif->source) {
        vif->sink->class->wait(vif->sink, false);
    }
}
