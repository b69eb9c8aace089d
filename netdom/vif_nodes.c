#include "netdom/vif_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "netdom/xenbus_fsm.h"

void
vif_backend_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                 struct xenvif_id id)
{
    snprintf(path, XS_PATH_BYTES, "/local/domain/%u/backend/vif/%u/%u",
             own_domid, id.domid, id.devid);
}

void
vif_frontend_path(char path[XS_PATH_BYTES], struct xenvif_id id)
{
    snprintf(path, XS_PATH_BYTES, "/local/domain/%u/device/vif/%u",
             id.domid, id.devid);
}

void
vif_policy_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                struct xenvif_id id)
{
    snprintf(path, XS_PATH_BYTES, "/netdom/%u/%u/%u", own_domid, id.domid,
             id.devid);
}

/* The frontend's nodes, for frontend_nodes.h. */
struct frontend_dir {
    struct xs_handle *h;
    char path[XS_PATH_BYTES];
};

static int
read_frontend_node(void *aux, const char *leaf,
                   char value[FRONTEND_VALUE_BYTES], size_t *bytes)
{
    const struct frontend_dir *dir = aux;

    int error = xs_get_start(dir->h, XBT_NULL, dir->path, leaf, value,
                             FRONTEND_VALUE_BYTES, bytes);
    return error == -EACCES ? -ENOENT : error;
}

static struct frontend_nodes
open_frontend(struct frontend_dir *dir, struct xs_handle *h,
              struct xenvif_id id)
{
    dir->h = h;
    vif_frontend_path(dir->path, id);
    return (struct frontend_nodes) { read_frontend_node, dir };
}

int
vif_read_frontend(struct xs_handle *h, struct xenvif_id id,
                  unsigned int max_queues, struct vif_frontend *frontend,
                  char why[VIF_WHY_BYTES])
{
    struct frontend_dir dir;
    struct frontend_nodes nodes = open_frontend(&dir, h, id);

    return frontend_parse(&nodes, id.domid, max_queues, frontend, why);
}

int
vif_read_multicast_control(struct xs_handle *h, struct xenvif_id id,
                           bool *on)
{
    struct frontend_dir dir;
    struct frontend_nodes nodes = open_frontend(&dir, h, id);

    return frontend_parse_multicast_control(&nodes, on);
}

int
vif_read_xdp_headroom(struct xs_handle *h, struct xenvif_id id,
                      uint16_t *bytes)
{
    struct frontend_dir dir;
    struct frontend_nodes nodes = open_frontend(&dir, h, id);

    return frontend_parse_xdp_headroom(&nodes, bytes);
}

struct write_aux {
    uint16_t own_domid;
    struct xenvif_id id;
    unsigned int max_queues;
    const struct quarantine *quarantine;
};

static int
put_number(struct xs_handle *h, xs_transaction_t t, const char *dir,
           const char *leaf, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return xs_put(h, t, dir, leaf, text);
}

static int
write_features(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    static const struct {
        const char *leaf;
        unsigned int value;
    } nodes[] = {
        { "feature-rx-copy", 1 },
        { "feature-rx-flip", 0 },
        { "feature-sg", 1 },
        { "feature-gso-tcpv4", 1 },
        { "feature-gso-tcpv6", 1 },
        { "feature-ipv6-csum-offload", 1 },
        { "feature-multicast-control", 1 },
        { "feature-dynamic-multicast-control", 1 },
        { "feature-split-event-channels", 1 },
        { "feature-ctrl-ring", 1 },
        { "feature-xdp-headroom", 1 },
    };
    const struct write_aux *a = aux;
    char dir[XS_PATH_BYTES];
    int error = 0;

    vif_backend_path(dir, a->own_domid, a->id);
    for (size_t i = 0; !error && i < sizeof nodes / sizeof nodes[0]; i++) {
        error = put_number(h, t, dir, nodes[i].leaf, nodes[i].value);
    }
    if (!error) {
        error = put_number(h, t, dir, "multi-queue-max-queues",
                           a->max_queues);
    }
    if (!error) {
        error = xs_put(h, t, dir, "hotplug-status", "connected");
    }
    return error ? error : put_number(h, t, dir, "state",
                                      XENBUS_INIT_WAIT);
}

int
vif_write_features(struct xs_handle *h, uint16_t own_domid,
                   struct xenvif_id id, unsigned int max_queues)
{
    struct write_aux aux = {
        .own_domid = own_domid, .id = id, .max_queues = max_queues
    };

    return xs_atomically(h, write_features, &aux);
}

int
vif_write_max_queues(struct xs_handle *h, uint16_t own_domid,
                     struct xenvif_id id, unsigned int max_queues)
{
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, own_domid, id);
    return put_number(h, XBT_NULL, dir, "multi-queue-max-queues",
                      max_queues);
}

int
vif_write_carrier(struct xs_handle *h, uint16_t own_domid,
                  struct xenvif_id id, bool on)
{
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, own_domid, id);
    return xs_put(h, XBT_NULL, dir, "carrier", on ? "1" : "0");
}

int
vif_write_error(struct xs_handle *h, uint16_t own_domid, struct xenvif_id id,
                const char *error)
{
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, own_domid, id);
    return error ? xs_put(h, XBT_NULL, dir, "error", error)
                 : xs_remove(h, XBT_NULL, dir, "error");
}

int
vif_read_quarantine(struct xs_handle *h, uint16_t own_domid,
                    struct xenvif_id id, struct quarantine *q)
{
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, own_domid, id);
    memset(q, 0, sizeof *q);
    int error = xs_get_text(h, XBT_NULL, dir, "quarantine", q->reason,
                            sizeof q->reason);
    if (error == -ENOENT || error == -EIO) {
        return error == -EIO ? error : 0;
    } else if (error) {
        snprintf(q->reason, sizeof q->reason, "a reason that is not text");
    }
    q->on = true;

    /* Without it, any number of dom0's is a release. */
    error = xs_get_u64(h, XBT_NULL, dir, "quarantine-release", 0, UINT64_MAX,
                       &q->release);
    return error == -EIO ? error : 0;
}

static int
write_quarantine(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    const struct write_aux *a = aux;
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, a->own_domid, a->id);
    int error = xs_put(h, t, dir, "quarantine", a->quarantine->reason);
    return error ? error : put_number(h, t, dir, "quarantine-release",
                                      a->quarantine->release);
}

static int
clear_quarantine(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    const struct write_aux *a = aux;
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, a->own_domid, a->id);
    int error = xs_remove(h, t, dir, "quarantine");
    return error ? error : xs_remove(h, t, dir, "quarantine-release");
}

int
vif_write_quarantine(struct xs_handle *h, uint16_t own_domid,
                     struct xenvif_id id, const struct quarantine *q)
{
    struct write_aux aux = {
        .own_domid = own_domid, .id = id, .quarantine = q
    };

    return xs_atomically(h, q->on ? write_quarantine : clear_quarantine,
                         &aux);
}
