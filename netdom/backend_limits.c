/* What a vif may send and receive: dom0's policy, and the toolstack's "rate",
 * of which the tighter holds; and its MTU, as far as the toolstack has a
 * wish. */

#include <config.h>

#include "netdom/backend_private.h"

#include <errno.h>
#include <string.h>

#include "util.h"

/* Appends what happens in spite of 'why'. */
static void
add_consequence(char why[VIF_WHY_BYTES], const char *consequence)
{
    size_t used = strlen(why);

    snprintf(why + used, VIF_WHY_BYTES - used, "; %s", consequence);
}

static void
refresh_policy(struct backend *b, struct xs_handle *xs, uint16_t own_domid)
{
    struct xenvif_policy policy;
    char why[VIF_WHY_BYTES];

    int error = vif_read_policy(xs, own_domid, b->id, &policy, why);
    if (!error) {
        b->have_policy = true;
        b->policy = policy;
        backend_set_why(b, xs, own_domid, WHY_POLICY, "");
    } else if (error == -EIO || (error == -ENOENT && b->have_policy)) {
        /* The xenstore is gone, or the vif's removal is under way: what held
         * goes on holding. */
    } else {
        if (b->have_policy) {
            add_consequence(why, "the limits before stay in force");
        }
        backend_set_why(b, xs, own_domid, WHY_POLICY, why);
    }
}

static void
refresh_rate(struct backend *b, struct xs_handle *xs, uint16_t own_domid)
{
    struct qos_profile rate;
    char why[VIF_WHY_BYTES];

    int error = vif_read_rate(xs, own_domid, b->id, &rate, why);
    if (!error) {
        b->have_rate = true;
        b->rate = rate;
        backend_set_why(b, xs, own_domid, WHY_RATE, "");
    } else if (error != -EIO) {
        add_consequence(why, b->have_rate ? "the one before stays in force"
                                          : "not connected until then");
        backend_set_why(b, xs, own_domid, WHY_RATE, why);
    }
}

void
backend_refresh_limits(struct backend *b, struct xs_handle *xs,
                       uint16_t own_domid)
{
    refresh_policy(b, xs, own_domid);
    refresh_rate(b, xs, own_domid);
    if (b->have_policy && b->have_rate) {
        struct xenvif_policy policy = b->policy;
        const char *source;
        struct qos_profile limit = backend_tx_limit(b, &source);

        policy.tx.rate_bps = limit.rate_bps;
        policy.tx.burst_bytes = limit.burst_bytes;
        policy.tx_source = source;
        xenvif_set_policy(b->id, &policy);
    }
}

struct qos_profile
backend_tx_limit(const struct backend *b, const char **source)
{
    const struct qos_profile policy = {
        b->policy.tx.rate_bps, b->policy.tx.burst_bytes,
    };
    struct qos_profile limit = qos_profile_lower(&policy, &b->rate);

    *source = (!b->have_policy || !b->have_rate ? "not known yet"
               : !limit.rate_bps ? "none"
               : limit.rate_bps == policy.rate_bps ? "policy"
               : "rate");
    return limit;
}

void
backend_refresh_mtu(struct backend *b, struct xs_handle *xs,
                    uint16_t own_domid)
{
    unsigned int mtu;

    int error = vif_read_mtu(xs, own_domid, b->id, &mtu);
    if (!error) {
        error = xenvif_set_mtu_wish(b->id, mtu);
    }
    if (error != -EIO) {
        backend_set_why(b, xs, own_domid, WHY_MTU, error != -EINVAL ? ""
                        : "mtu must be from 68 to 9000; the one before stays "
                          "in force");
    }
}
