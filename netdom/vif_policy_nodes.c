#include "netdom/vif_nodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qos/interval_rate.h"

/* Limits in one direction: what their nodes are called, and what they mean. */

struct limit_aux {
    struct xs_handle *h;
    xs_transaction_t t;
    const char *dir, *direction;
    char *why;
};

/* Reads DIRECTION-'what'; '*value' stays as it is if there is no such node. */
static int
read_number(const struct limit_aux *a, const char *what, uint64_t max,
            uint64_t *value)
{
    char leaf[48];
    uint64_t n;

    snprintf(leaf, sizeof leaf, "%s-%s", a->direction, what);
    int error = xs_get_u64(a->h, a->t, a->dir, leaf, 0, max, &n);
    if (!error) {
        *value = n;
    } else if (error != -ENOENT) {
        snprintf(a->why, VIF_WHY_BYTES, "%s/%s is not a number in range",
                 a->dir, leaf);
        return error;
    }
    return 0;
}

int
vif_read_settings(struct xs_handle *h, xs_transaction_t t, const char *dir,
                  const char *direction, struct qos_settings *s,
                  char why[VIF_WHY_BYTES])
{
    const struct limit_aux a = { h, t, dir, direction, why };
    uint64_t weight = 1;

    *s = (struct qos_settings) { .rate_bps = 0 };
    int error = read_number(&a, "rate-bps", QOS_RATE_MAX_BPS, &s->rate_bps);
    if (!error) {
        error = read_number(&a, "burst-bytes", QOS_BURST_MAX_BYTES,
                            &s->burst_bytes);
    }
    if (!error) {
        error = read_number(&a, "rate-pps", UINT64_MAX, &s->rate_pps);
    }
    if (!error) {
        error = read_number(&a, "burst-packets", QOS_CHARGE_MAX,
                            &s->burst_packets);
    }
    if (!error) {
        error = read_number(&a, "min-rate-bps", QOS_RATE_MAX_BPS,
                            &s->guarantee_bps);
    }
    if (!error) {
        error = read_number(&a, "min-burst-bytes", QOS_BURST_MAX_BYTES,
                            &s->guarantee_burst_bytes);
    }
    if (!error) {
        error = read_number(&a, "weight", QOS_WEIGHT_MAX, &weight);
    }
    if (error) {
        return error;
    }
    s->weight = weight;
    qos_settings_complete(s);

    const char *wrong = qos_settings_check(s);
    if (wrong) {
        snprintf(why, VIF_WHY_BYTES, "%s limit: %s", direction, wrong);
        return -EINVAL;
    }
    return 0;
}

struct policy_aux {
    uint16_t own_domid;
    struct xenvif_id id;
    struct xenvif_policy *policy;
    char *why;
};

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
read_group(struct xs_handle *h, xs_transaction_t t, const char *dir,
           char group[XENVIF_GROUP_BYTES], char *why)
{
    int error = xs_get_text(h, t, dir, "group", group, XENVIF_GROUP_BYTES);

    if (error && error != -ENOENT) {
        snprintf(why, VIF_WHY_BYTES, "%s/group cannot be read", dir);
        return error;
    }
    if (error) {
        group[0] = '\0';
    }
    return 0;
}

static int
read_policy(struct xs_handle *h, xs_transaction_t t, void *aux)
{
    struct policy_aux *a = aux;
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
        a->policy->tx.weight = a->policy->rx.weight = 1;
        return 0;
    }

    int error = vif_read_settings(h, t, dir, "tx", &a->policy->tx, a->why);
    if (!error) {
        error = vif_read_settings(h, t, dir, "rx", &a->policy->rx, a->why);
    }
    if (!error) {
        error = read_group(h, t, dir, a->policy->group, a->why);
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
    struct policy_aux aux = { own_domid, id, policy, why };

    snprintf(why, VIF_WHY_BYTES, "the limits in /netdom cannot be read");
    return xs_atomically(h, read_policy, &aux);
}

int
vif_read_release(struct xs_handle *h, uint16_t own_domid, struct xenvif_id id,
                 uint64_t *release)
{
    char dir[XS_PATH_BYTES];

    vif_policy_path(dir, own_domid, id);
    int error = xs_get_u64(h, XBT_NULL, dir, "release", 0, UINT64_MAX,
                           release);
    return error == -EACCES ? -ENOENT : error;
}

int
vif_read_rate(struct xs_handle *h, uint16_t own_domid, struct xenvif_id id,
              struct qos_profile *rate, char why[VIF_WHY_BYTES])
{
    char dir[XS_PATH_BYTES], text[48];

    vif_backend_path(dir, own_domid, id);
    int error = xs_get_text(h, XBT_NULL, dir, "rate", text, sizeof text);
    if (error == -ENOENT) {
        *rate = (struct qos_profile) { 0, 0 };
        return 0;
    } else if (error == -EIO) {
        return error;
    }
    /* What is too long, or not text, is no rate either. */
    return qos_interval_rate_parse(error ? "" : text, rate, why)
           ? 0 : -EINVAL;
}

int
vif_read_mtu(struct xs_handle *h, uint16_t own_domid, struct xenvif_id id,
             unsigned int *mtu)
{
    char dir[XS_PATH_BYTES];
    uint64_t n;

    vif_backend_path(dir, own_domid, id);
    int error = xs_get_u64(h, XBT_NULL, dir, "mtu", 0, UINT32_MAX, &n);
    if (!error) {
        *mtu = n;
    }
    return error;
}
