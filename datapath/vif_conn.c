#include "datapath/vif_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/vif_conn_private.h"

static int
map_ring(struct vif_conn *conn, uint32_t gref, struct vif_ring *ring)
{
    void *page;

    int error = conn->ops->grant_map(conn->platform, conn->domid, &gref, 1,
                                     true, &page);
    if (!error) {
        ring->page = page;
    }
    return error;
}

static void
unmap_ring(struct vif_conn *conn, uint32_t gref, struct vif_ring *ring)
{
    if (ring->page) {
        conn->ops->grant_unmap(conn->platform, conn->domid, ring->page,
                               &gref, 1, true);
    }
}

/* Takes the ring up where its last backend left it; only the frontend ever
 * initialises it, and requests that it posted already must not be lost. */
static bool
attach_ring(struct vif_ring *ring)
{
    ring->cons = __atomic_load_n(&ring->page->rsp_prod, __ATOMIC_ACQUIRE);
    if (vif_ring_waiting(ring) > VIF_RING_SLOTS) {
        return false;
    }
    ring->prod_seen = ring->cons;
    return true;
}

static int
bind_ports(struct vif_conn *conn, uint32_t tx_port, uint32_t rx_port)
{
    int error = conn->ops->evtchn_bind(conn->platform, conn->domid, tx_port,
                                       &conn->tx_evtchn);
    if (error || tx_port == rx_port) {
        conn->rx_evtchn = conn->tx_evtchn;
        return error;
    }
    return conn->ops->evtchn_bind(conn->platform, conn->domid, rx_port,
                                  &conn->rx_evtchn);
}

int
vif_conn_open(const struct xen_ops *ops, struct xen_platform *platform,
              struct vif_journal *journal, unsigned int queue,
              struct vif_conn **connp)
{
    const struct vif_frontend *frontend = &journal->frontend;
    const struct vif_queue_params *params = &frontend->queues[queue];
    struct vif_conn *conn;
    int error;

    *connp = NULL;
    if (params->tx_gref == params->rx_gref) {
        return -EINVAL;
    }

    conn = aligned_alloc(VIF_CACHE_LINE_BYTES, sizeof *conn);
    if (!conn) {
        return -ENOMEM;
    }
    *conn = (struct vif_conn) {
        .ops = ops,
        .platform = platform,
        .journal = &journal->queues[queue],
        .mcast = &journal->mcast,
        .domid = frontend->domid,
        .sg = frontend->sg,
        .tx_gref = params->tx_gref,
        .rx_gref = params->rx_gref,
        .xdp_headroom_bytes = frontend->xdp_headroom_bytes,
    };

    error = bind_ports(conn, params->tx_port, params->rx_port);
    if (error) {
        goto close;
    }
    error = map_ring(conn, params->tx_gref, &conn->tx);
    if (error) {
        goto close;
    }
    error = map_ring(conn, params->rx_gref, &conn->rx);
    if (error) {
        goto close;
    }
    if (!attach_ring(&conn->tx) || !attach_ring(&conn->rx)) {
        error = -EPROTO;
        goto close;
    }
    vif_journal_note(&conn->journal->tx, conn->tx.cons, 0);
    vif_journal_note(&conn->journal->rx, conn->rx.cons, 0);

    *connp = conn;
    return 0;

close:
    vif_conn_close(conn);
    return error;
}

void
vif_conn_close(struct vif_conn *conn)
{
    if (!conn) {
        return;
    }
    unmap_ring(conn, conn->rx_gref, &conn->rx);
    unmap_ring(conn, conn->tx_gref, &conn->tx);
    if (conn->rx_evtchn != conn->tx_evtchn) {
        conn->ops->evtchn_unbind(conn->rx_evtchn);
    }
    conn->ops->evtchn_unbind(conn->tx_evtchn);
    free(conn);
}

bool
vif_conn_arm(struct vif_conn *conn, bool want_rx)
{
    bool work = false;

    if (conn->malice) {
        return true;                    /* The next burst will say so. */
    }
    if (!conn->tx_gated && !conn->tx_starved) {
        /* Requests that a burst saw and did not reach are work as well. */
        work |= vif_ring_arm(&conn->tx);
        work |= conn->tx.prod_seen != conn->tx.cons;
    }
    if (want_rx) {
        work |= vif_ring_arm(&conn->rx);
    }
    return work;
}

static void
ack(struct vif_conn *conn, struct xen_evtchn *evtchn)
{
    if (conn->ops->evtchn_pending(evtchn)) {
        conn->ops->evtchn_unmask(evtchn);
    }
}

void
vif_conn_ack(struct vif_conn *conn)
{
    ack(conn, conn->tx_evtchn);
    if (conn->rx_evtchn != conn->tx_evtchn) {
        ack(conn, conn->rx_evtchn);
    }
}

unsigned int
vif_conn_fds(const struct vif_conn *conn, int fds[2])
{
    fds[0] = conn->ops->evtchn_fd(conn->tx_evtchn);
    if (conn->rx_evtchn == conn->tx_evtchn) {
        return 1;
    }
    fds[1] = conn->ops->evtchn_fd(conn->rx_evtchn);
    return 2;
}

bool
vif_conn_tx_pending(const struct vif_conn *conn)
{
    return conn->malice
           || __atomic_load_n(&conn->tx.page->req_prod, __ATOMIC_RELAXED)
              != conn->tx.cons;
}

unsigned int
vif_conn_rx_posted(const struct vif_conn *conn)
{
    return __atomic_load_n(&conn->rx.page->req_prod, __ATOMIC_RELAXED)
           - conn->rx.cons;
}

struct vif_grefs *
vif_conn_set_grefs(struct vif_conn *conn, struct vif_grefs *grefs)
{
    return __atomic_exchange_n(&conn->grefs, grefs, __ATOMIC_ACQ_REL);
}

const struct vif_grefs *
vif_conn_grefs(const struct vif_conn *conn)
{
    return __atomic_load_n(&conn->grefs, __ATOMIC_ACQUIRE);
}

void
vif_conn_set_xdp_headroom(struct vif_conn *conn, uint16_t bytes)
{
    __atomic_store_n(&conn->xdp_headroom_bytes, bytes, __ATOMIC_RELAXED);
}

enum vif_malice
vif_conn_malice(const struct vif_conn *conn)
{
    return __atomic_load_n(&conn->malice, __ATOMIC_ACQUIRE);
}

void
vif_conn_info(const struct vif_conn *conn, struct vif_conn_info *info)
{
    uint32_t tx_cons = __atomic_load_n(&conn->tx.cons, __ATOMIC_RELAXED);
    uint32_t rx_cons = __atomic_load_n(&conn->rx.cons, __ATOMIC_RELAXED);

    *info = (struct vif_conn_info) {
        .tx_req_prod = __atomic_load_n(&conn->tx.page->req_prod,
                                       __ATOMIC_RELAXED),
        .tx_req_cons = tx_cons,
        .tx_rsp_prod = tx_cons,
        .rx_req_prod = __atomic_load_n(&conn->rx.page->req_prod,
                                       __ATOMIC_RELAXED),
        .rx_req_cons = rx_cons,
        .rx_rsp_prod = rx_cons,
    };
}
