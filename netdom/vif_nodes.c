#include "netdom/vif_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

struct read_aux {
    uint16_t own_domid;
    struct xenvif_id id;
    struct vif_frontend *frontend;
    struct xenvif_policy *policy;
    char *why;
};

/* A number that must be there. */
static int
need_u32(struct xs_handle *h, xs_transaction_t t, const char *dir,
         const char *leaf, uint32_t *result, char *why)
{
    uint64_t n;

    int error = xs_get_u64(h, t, dir, leaf, 0, UINT32_MAX, &n);
    if (error) {
        snprintf(why, VIF_WHY_BYTES, "frontend's %s is %s", leaf,
                 error == -EINVAL ? "not a number from 0 to 4294967295"
                                  : "missing");
        return error;
    }
    *result = n;
    return 0;
}

/* A 0 or 1 that may be missing. */
static bool
may_bool(struct xs_handle *h, xs_transaction_t t, const char *dir,
         const char *leaf)
{
    bool value = false;

    return !xs_get_bool(h, t, dir, leaf, &value) && value;
}

static int
read_channels(struct xs_handle *h, xs_transaction_t t, const char *dir,
              struct read_aux *a)
{
    struct vif_queue_params *queue = &a->frontend->queues[0];

    int error = need_u32(h, t, dir, "event-channel-tx", &queue->tx_port,
                         a->why);
    if (!error) {
        return need_u32(h, t, dir, "event-channel-rx", &queue->rx_port,
                        a->why);
    }
    error = need_u32(h, t, dir, "event-channel", &queue->tx_port, a->why);
    queue->rx_port = queue->tx_port;
    return error;
}

static int
read_frontend(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    struct read_aux *a = aux;
    char dir[XS_PATH_BYTES];
    uint64_t n_queues;

    vif_frontend_path(dir, a->id);
    int error = xs_get_u64(h, t, dir, "multi-queue-num-queues", 0,
                           UINT32_MAX, &n_queues);
    if (error == -EINVAL || (!error && n_queues != 1)) {
        snprintf(a->why, VIF_WHY_BYTES,
                 "frontend's multi-queue-num-queues must be 1 here");
        return -EINVAL;
    }
    if (!may_bool(h, t, dir, "request-rx-copy")) {
        snprintf(a->why, VIF_WHY_BYTES, "frontend must set request-rx-copy=1:"
                 " page flipping is not supported");
        return -EOPNOTSUPP;
    }

    struct vif_queue_params *queue = &a->frontend->queues[0];
    error = need_u32(h, t, dir, "tx-ring-ref", &queue->tx_gref, a->why);
    if (!error) {
        error = need_u32(h, t, dir, "rx-ring-ref", &queue->rx_gref, a->why);
    }
    if (!error) {
        error = read_channels(h, t, dir, a);
    }
    a->frontend->sg = may_bool(h, t, dir, "feature-sg");
    a->frontend->rx_notify = may_bool(h, t, dir, "feature-rx-notify");
    return error;
}

int
vif_read_frontend(struct xs_handle *h, struct xenvif_id id,
                  struct vif_frontend *frontend, char why[VIF_WHY_BYTES])
{
    struct read_aux aux = { .id = id, .frontend = frontend, .why = why };

    *frontend = (struct vif_frontend) { .domid = id.domid, .n_queues = 1 };
    snprintf(why, VIF_WHY_BYTES, "frontend's nodes cannot be read");
    return xs_atomically(h, read_frontend, &aux);
}

static int
read_rate(struct xs_handle *h, xs_transaction_t t, const char *dir,
          const char *direction, struct qos_profile *profile, char *why)
{
    char leaf[32];
    uint64_t n;

    *profile = (struct qos_profile) { 0, 0 };
    snprintf(leaf, sizeof leaf, "%s-rate-bps", direction);
    int error = xs_get_u64(h, t, dir, leaf, 0, QOS_RATE_MAX_BPS, &n);
    if (error == -ENOENT) {
        return 0;
    } else if (error) {
        goto bad;
    }
    profile->rate_bps = n;
    if (!n) {
        return 0;
    }

    snprintf(leaf, sizeof leaf, "%s-burst-bytes", direction);
    error = xs_get_u64(h, t, dir, leaf, 0, QOS_BURST_MAX_BYTES, &n);
    if (error && error != -ENOENT) {
        goto bad;
    }
    profile->burst_bytes = (!error && n
                            ? n : qos_burst_default_bytes(profile->rate_bps));

    const char *wrong = qos_profile_check(profile);
    if (wrong) {
        snprintf(why, VIF_WHY_BYTES, "%s limit: %s", direction, wrong);
        return -EINVAL;
    }
    return 0;

bad:
    snprintf(why, VIF_WHY_BYTES, "%s/%s is not a number in range", dir, leaf);
    return error;
}

static int
read_identity(struct xs_handle *h, xs_transaction_t t, const char *dir,
              struct xenvif_policy *policy, char *why)
{
    char checks[32] = "", mac[24] = "", addresses[2048] = "";

    int error = xs_get_text(h, t, dir, "mac", mac, sizeof mac);
    if (!error || error == -ENOENT) {
        error = xs_get_text(h, t, dir, "anti-spoof", checks, sizeof checks);
    }
    if (!error || error == -ENOENT) {
        error = xs_get_text(h, t, dir, "addresses", addresses,
                            sizeof addresses);
    }
    if (error && error != -ENOENT) {
        snprintf(why, VIF_WHY_BYTES, "%s: mac, anti-spoof or addresses "
                 "cannot be read", dir);
        return error;
    }

    char wrong[FENCE_ERROR_BYTES];
    if (!fence_parse(checks, mac, addresses, &policy->fence, wrong)) {
        snprintf(why, VIF_WHY_BYTES, "%.*s", VIF_WHY_BYTES - 1, wrong);
        return -EINVAL;
    }
    return 0;
}

static int
read_policy(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    struct read_aux *a = aux;
    char dir[XS_PATH_BYTES];
    unsigned int n;

    memset(a->policy, 0, sizeof *a->policy);
    vif_policy_path(dir, a->own_domid, a->id);
    char **leaves = xs_directory(h, t, dir, &n);
    free(leaves);
    /* xenstored says EACCES of a missing node whose parent is not ours to
     * read. */
    if (!leaves && errno != ENOENT && errno != EACCES) {
        return -EIO;
    }
    if (!leaves) {
        snprintf(dir, sizeof dir, "/netdom/%u", a->own_domid);
        bool managed = false;
        int error = xs_get_bool(h, t, dir, "managed", &managed);
        if (error == -EIO) {
            return error;
        }
        /* Nonsense is not a "0". */
        if (managed || error == -EINVAL) {
            snprintf(a->why, VIF_WHY_BYTES, "waiting for dom0 to say the "
                     "limits of this vif in /netdom");
            return -ENOENT;
        }
        return 0;
    }

    int error = read_rate(h, t, dir, "tx", &a->policy->tx, a->why);
    if (!error) {
        error = read_rate(h, t, dir, "rx", &a->policy->rx, a->why);
    }
    if (!error) {
        error = read_identity(h, t, dir, a->policy, a->why);
    }
    return error;
}

int
vif_read_policy(struct xs_handle *h, uint16_t own_domid, struct xenvif_id id,
                struct xenvif_policy *policy, char why[VIF_WHY_BYTES])
{
    struct read_aux aux = {
        .own_domid = own_domid, .id = id, .policy = policy, .why = why
    };

    snprintf(why, VIF_WHY_BYTES, "the limits in /netdom cannot be read");
    return xs_atomically(h, read_policy, &aux);
}

static int
write_features(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    static const char *const nodes[][2] = {
        { "feature-rx-copy", "1" },
        { "feature-rx-flip", "0" },
        { "feature-sg", "1" },
        { "feature-split-event-channels", "1" },
        { "multi-queue-max-queues", "1" },
        { "hotplug-status", "connected" },
        { "state", "2" },               /* XENBUS_INIT_WAIT. */
    };
    struct read_aux *a = aux;
    char dir[XS_PATH_BYTES];

    vif_backend_path(dir, a->own_domid, a->id);
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        int error = xs_put(h, t, dir, nodes[i][0], nodes[i][1]);
        if (error) {
            return error;
        }
    }
    return 0;
}

int
vif_write_features(struct xs_handle *h, uint16_t own_domid,
                   struct xenvif_id id)
{
    struct read_aux aux = { .own_domid = own_domid, .id = id };

    return xs_atomically(h, write_features, &aux);
}
