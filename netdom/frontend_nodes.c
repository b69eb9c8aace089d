#include "netdom/frontend_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "netdom/xs_value.h"

#define LEAF_BYTES 48
#define IDS_MAX (2 * VIF_QUEUES_MAX + 1)

struct reader {
    const struct frontend_nodes *nodes;
    char *why;
    bool unread;                        /* -EIO, once. */
};

/* A number.  -ENOENT: it is missing; -EINVAL: it is none, or above 'max'. */
static int
get_number(struct reader *r, const char *leaf, uint64_t max, uint64_t *n)
{
    char value[FRONTEND_VALUE_BYTES];
    size_t bytes;

    int error = r->nodes->read(r->nodes->aux, leaf, value, &bytes);
    if (error) {
        r->unread |= error == -EIO;
        return error;
    }
    return (bytes <= sizeof value && xs_value_u64(value, bytes, 0, max, n)
            ? 0 : -EINVAL);
}

/* A number that must be there. */
static int
need_u32(struct reader *r, const char *leaf, uint32_t *result)
{
    uint64_t n;

    int error = get_number(r, leaf, UINT32_MAX, &n);
    if (!error) {
        *result = n;
    } else if (error != -EIO) {
        snprintf(r->why, VIF_WHY_BYTES, "frontend's %s is %s", leaf,
                 error == -EINVAL ? "not a number from 0 to 4294967295"
                                  : "missing");
    }
    return error;
}

/* A 0 or 1; what is missing or neither is 0. */
static bool
get_flag(struct reader *r, const char *leaf)
{
    uint64_t n;

    return !get_number(r, leaf, 1, &n) && n;
}

static uint16_t
get_xdp_headroom(struct reader *r)
{
    uint64_t n;

    if (get_number(r, "xdp-headroom", UINT64_MAX, &n)) {
        return 0;
    }
    return n < VIF_XDP_HEADROOM_MAX ? n : VIF_XDP_HEADROOM_MAX;
}

static int
get_n_queues(struct reader *r, unsigned int max_queues,
             struct vif_frontend *frontend)
{
    uint64_t n;

    int error = get_number(r, "multi-queue-num-queues", UINT64_MAX, &n);
    if (error == -EIO) {
        return error;
    } else if (error == -ENOENT) {
        n = 1;
    } else if (error || !n || n > max_queues) {
        /* A backend that believed a 0 had no queue where all of its code
         * expects a first one (CVE-2026-45890). */
        snprintf(r->why, VIF_WHY_BYTES, "frontend's multi-queue-num-queues "
                 "must be from 1 to %u", max_queues);
        return -EINVAL;
    }
    frontend->n_queues = n;
    return 0;
}

/* One channel for each ring, or one for both. */
static int
get_channels(struct reader *r, const char *prefix,
             struct vif_queue_params *queue)
{
    char tx[LEAF_BYTES], rx[LEAF_BYTES], both[LEAF_BYTES];
    uint64_t n;

    snprintf(tx, sizeof tx, "%sevent-channel-tx", prefix);
    snprintf(rx, sizeof rx, "%sevent-channel-rx", prefix);
    snprintf(both, sizeof both, "%sevent-channel", prefix);

    int error = get_number(r, tx, UINT64_MAX, &n);
    if (error == -EIO) {
        return error;
    } else if (error != -ENOENT) {
        error = need_u32(r, tx, &queue->tx_port);
        return error ? error : need_u32(r, rx, &queue->rx_port);
    }
    error = need_u32(r, both, &queue->tx_port);
    queue->rx_port = queue->tx_port;
    return error;
}

/* A single queue is at the top level, several are in folders. */
static int
get_queue(struct reader *r, struct vif_frontend *frontend, unsigned int i)
{
    struct vif_queue_params *queue = &frontend->queues[i];
    char prefix[24] = "", leaf[LEAF_BYTES];

    if (frontend->n_queues > 1) {
        snprintf(prefix, sizeof prefix, "queue-%u/", i);
    }
    snprintf(leaf, sizeof leaf, "%stx-ring-ref", prefix);
    int error = need_u32(r, leaf, &queue->tx_gref);
    if (!error) {
        snprintf(leaf, sizeof leaf, "%srx-ring-ref", prefix);
        error = need_u32(r, leaf, &queue->rx_gref);
    }
    return error ? error : get_channels(r, prefix, queue);
}

/* A control ring has both of its nodes, or there is none. */
static int
get_ctrl(struct reader *r, struct vif_frontend *frontend)
{
    uint64_t n;
    int ring = get_number(r, "ctrl-ring-ref", UINT64_MAX, &n);
    int port = get_number(r, "event-channel-ctrl", UINT64_MAX, &n);

    if (r->unread) {
        return -EIO;
    } else if (ring == -ENOENT && port == -ENOENT) {
        return 0;
    }
    frontend->has_ctrl = true;
    int error = need_u32(r, "ctrl-ring-ref", &frontend->ctrl_gref);
    return error ? error : need_u32(r, "event-channel-ctrl",
                                    &frontend->ctrl_port);
}

static void
get_features(struct reader *r, struct vif_frontend *frontend)
{
    frontend->sg = get_flag(r, "feature-sg");
    frontend->csum_v4 = !get_flag(r, "feature-no-csum-offload");
    frontend->csum_v6 = get_flag(r, "feature-ipv6-csum-offload");
    frontend->rx_notify = get_flag(r, "feature-rx-notify");

    /* A segment of 64 KiB is in several slots, and its checksum is blank. */
    frontend->gso_v4 = (get_flag(r, "feature-gso-tcpv4") && frontend->sg
                        && frontend->csum_v4);
    frontend->gso_v6 = (get_flag(r, "feature-gso-tcpv6") && frontend->sg
                        && frontend->csum_v6);
    frontend->multicast_control = get_flag(r, "request-multicast-control");
    frontend->xdp_headroom_bytes = get_xdp_headroom(r);
}

/* Returns true if one of 'n' is there twice. */
static bool
any_twice(const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ids[i] == ids[j]) {
                return true;
            }
        }
    }
    return false;
}

/* Two rings in one page, or woken by one channel, are no honest frontend's,
 * except for the two of one queue, which may share a channel. */
static int
check_distinct(const struct vif_frontend *frontend, char *why)
{
    uint32_t grefs[IDS_MAX], ports[IDS_MAX];
    size_t n_grefs = 0, n_ports = 0;

    for (unsigned int i = 0; i < frontend->n_queues; i++) {
        const struct vif_queue_params *queue = &frontend->queues[i];

        grefs[n_grefs++] = queue->tx_gref;
        grefs[n_grefs++] = queue->rx_gref;
        ports[n_ports++] = queue->tx_port;
        if (queue->rx_port != queue->tx_port) {
            ports[n_ports++] = queue->rx_port;
        }
    }
    if (frontend->has_ctrl) {
        grefs[n_grefs++] = frontend->ctrl_gref;
        ports[n_ports++] = frontend->ctrl_port;
    }

    bool page = any_twice(grefs, n_grefs);
    if (page || any_twice(ports, n_ports)) {
        snprintf(why, VIF_WHY_BYTES, "frontend gives one %s to two rings: "
                 "each needs its own", page ? "page" : "event channel");
        return -EINVAL;
    }
    return 0;
}

int
frontend_parse(const struct frontend_nodes *nodes, uint16_t domid,
               unsigned int max_queues, struct vif_frontend *frontend,
               char why[VIF_WHY_BYTES])
{
    struct reader r = { .nodes = nodes, .why = why };

    *frontend = (struct vif_frontend) { .domid = domid };
    if (max_queues > VIF_QUEUES_MAX) {
        max_queues = VIF_QUEUES_MAX;
    }
    if (!get_flag(&r, "request-rx-copy") && !r.unread) {
        snprintf(why, VIF_WHY_BYTES, "frontend must set request-rx-copy=1:"
                 " page flipping is not supported");
        return -EOPNOTSUPP;
    }

    int error = get_n_queues(&r, max_queues, frontend);
    for (unsigned int i = 0; !error && i < frontend->n_queues; i++) {
        error = get_queue(&r, frontend, i);
    }
    if (!error) {
        error = get_ctrl(&r, frontend);
    }
    if (!error) {
        error = check_distinct(frontend, why);
    }
    if (!error) {
        get_features(&r, frontend);
    }
    return r.unread ? -EIO : error;
}

int
frontend_parse_multicast_control(const struct frontend_nodes *nodes,
                                 bool *on)
{
    struct reader r = { .nodes = nodes };

    *on = get_flag(&r, "request-multicast-control");
    return r.unread ? -EIO : 0;
}

int
frontend_parse_xdp_headroom(const struct frontend_nodes *nodes,
                            uint16_t *bytes)
{
    struct reader r = { .nodes = nodes };

    *bytes = get_xdp_headroom(&r);
    return r.unread ? -EIO : 0;
}
