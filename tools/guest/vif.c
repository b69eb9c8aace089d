#include <config.h>
#include "tools/guest/vif.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/endpoint.h"
#include "tools/guest/memory.h"

VLOG_DEFINE_THIS_MODULE(vif);

#define BATCH 32

/* Behind this many owed transmit responses, take them even if no room is
 * needed, so that the backend's ring does not look full for nothing. */
#define REAP_SLOTS (RING_SLOTS / 4)

void
vif_init(struct vif *vif, struct guest_domain *domain,
         struct guest_memory *memory)
{
    *vif = (struct vif) {
        .domain = domain,
        .memory = memory,
        .tx_channel = { .wait_fd = -1, .kick_fd = -1 },
        .rx_channel = { .wait_fd = -1, .kick_fd = -1 },
    };
}

static const struct guest_channel *
rx_channel(const struct vif *vif)
{
    return vif->split ? &vif->rx_channel : &vif->tx_channel;
}

int
vif_connect(struct vif *vif, uint16_t backend_domid, bool split, bool sg)
{
    int error = tx_ring_init(&vif->tx, vif->memory, backend_domid,
                             &vif->tx_counters);
    if (error) {
        return error;
    }
    error = rx_ring_init(&vif->rx, vif->memory, backend_domid,
                         &vif->rx_counters);
    if (error) {
        goto finish_tx;
    }
    error = guest_channel_open(&vif->tx_channel, vif->domain, backend_domid);
    if (error) {
        goto finish_rx;
    }
    if (split) {
        error = guest_channel_open(&vif->rx_channel, vif->domain,
                                   backend_domid);
        if (error) {
            goto close_tx;
        }
    }
    vif->split = split;
    vif->sg = sg;
    vif->connected = true;
    vif->up = false;
    vif->broken = false;
    vif->full = false;
    return 0;

close_tx:
    guest_channel_close(&vif->tx_channel, vif->domain);
finish_rx:
    rx_ring_finish(&vif->rx);
finish_tx:
    tx_ring_finish(&vif->tx);
    return error;
}

void
vif_disconnect(struct vif *vif, uint64_t now_ns)
{
    vif_set_up(vif, false, now_ns);
    if (vif->connected) {
        guest_channel_close(&vif->rx_channel, vif->domain);
        guest_channel_close(&vif->tx_channel, vif->domain);
        rx_ring_finish(&vif->rx);
        tx_ring_finish(&vif->tx);
        vif->connected = false;
    }
}

static void
set_link(struct endpoint *e, bool up, uint64_t now_ns)
{
    if (e && e->class->set_link) {
        e->class->set_link(e, up, now_ns);
    }
}

void
vif_set_up(struct vif *vif, bool up, uint64_t now_ns)
{
    if (up == vif->up) {
        return;
    }
    vif->up = up;
    set_link(vif->source, up, now_ns);
    if (vif->sink != vif->source) {
        set_link(vif->sink, up, now_ns);
    }
    if (up) {
        vif->busy_ns = now_ns;
        guest_channel_kick(&vif->tx_channel);
        if (vif->split) {
            guest_channel_kick(&vif->rx_channel);
        }
    }
}

static void
set_broken(struct vif *vif, const char *ring)
{
    if (!vif->broken) {
        VLOG_ERR("the backend broke the %s ring's protocol; closing", ring);
        vif->broken = true;
    }
}

static unsigned int
run_rx(struct vif *vif, uint64_t now_ns)
{
    struct endpoint *sink = vif->sink;
    struct rx_frame frame;
    unsigned int n = 0;
    int taken = 0;

    while (n < BATCH && (taken = rx_ring_take(&vif->rx, &frame)) > 0) {
        n++;
        if (sink && sink->class->receive) {
            sink->class->receive(sink, &frame, now_ns);
        }
    }
    if (taken < 0) {
        set_broken(vif, "receive");
        return 0;
    }
    if (rx_ring_release(&vif->rx)) {
        guest_channel_kick(rx_channel(vif));
    }
    return n;
}

static bool
needs_room(const struct vif *vif)
{
    return !tx_ring_has_room(&vif->tx, RING_FRAME_SLOTS_MAX);
}

static unsigned int
run_tx(struct vif *vif, uint64_t now_ns)
{
    struct endpoint *source = vif->source;

    if (needs_room(vif) || tx_ring_owed(&vif->tx) > REAP_SLOTS) {
        if (tx_ring_reap(&vif->tx)) {
            set_broken(vif, "transmit");
            return 0;
        }
    }
    if (!source || !source->class->transmit) {
        return 0;
    }
    if (needs_room(vif)) {
        vif->tx_counters.full += !vif->full;
        vif->full = true;
        return 0;
    }
    vif->full = false;

    unsigned int n = source->class->transmit(source, &vif->tx, vif->sg, BATCH,
                                             now_ns);
    if (tx_ring_push(&vif->tx)) {
        guest_channel_kick(&vif->tx_channel);
    }
    return n;
}

unsigned int
vif_run(struct vif *vif, uint64_t now_ns)
{
    if (!vif->up || vif->broken) {
        return 0;
    }

    unsigned int n = run_rx(vif, now_ns) + run_tx(vif, now_ns);
    if (n) {
        vif->busy_ns = now_ns;
    }
    return n;
}

bool
vif_is_drained(struct vif *vif)
{
    if (!vif->connected || vif->broken) {
        return true;
    }
    if (tx_ring_reap(&vif->tx)) {
        set_broken(vif, "transmit");
        return true;
    }
    return !tx_ring_owed(&vif->tx);
}

/* Asks for the events we need.  True if there is work already. */
static bool
arm(struct vif *vif, bool *room)
{
    const struct endpoint *source = vif->source;

    *room = !needs_room(vif);
    if (rx_ring_arm(&vif->rx)) {
        return true;
    }
    return !*room && source && source->class->transmit
           && tx_ring_arm(&vif->tx, false);
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

    guest_channel_clear(&vif->tx_channel);
    if (vif->split) {
        guest_channel_clear(&vif->rx_channel);
    }
    if (arm(vif, &room)) {
        poll_immediate_wake();
        return;
    }
    poll_fd_wait(vif->tx_channel.wait_fd, POLLIN);
    if (vif->split) {
        poll_fd_wait(vif->rx_channel.wait_fd, POLLIN);
    }
    if (vif->source) {
        vif->source->class->wait(vif->source, room);
    }
    if (vif->sink && vif->sink != vif->source) {
        vif->sink->class->wait(vif->sink, false);
    }
}
