#include <config.h>
#include "netdom/shared_limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "util.h"

#include "datapath/tenantvf.h"
#include "datapath/xenvif.h"
#include "netdom/vif_nodes.h"
#include "netdom/xs.h"

VLOG_DEFINE_THIS_MODULE(shared_limits);

/* More groups than a domain has vifs are a mistake. */
#define GROUPS_MAX 1024u

struct wanted {
    uint16_t own_domid;
    struct xenvif_shared *shared;
    size_t n, allocated;
    struct qos_settings uplink;         /* What leaves the domain. */
    char why[VIF_WHY_BYTES];
};

static int
add(struct xs_handle *h, xs_transaction_t t, struct wanted *w,
    const char *dir, const char *name)
{
    if (w->n >= w->allocated) {
        w->shared = x2nrealloc(w->shared, &w->allocated, sizeof *w->shared);
    }

    struct xenvif_shared *shared = &w->shared[w->n];
    memset(shared, 0, sizeof *shared);
    ovs_strlcpy(shared->name, name, sizeof shared->name);
    int error = vif_read_settings(h, t, dir, "tx", &shared->tx, w->why);
    if (!error) {
        error = vif_read_settings(h, t, dir, "rx", &shared->rx, w->why);
    }
    w->n += !error;
    return error;
}

/* What is missing, or may not be read because it is missing. */
static bool
is_nothing(int error)
{
    return error == ENOENT || error == EACCES;
}

static int
read_groups(struct xs_handle *h, xs_transaction_t t, struct wanted *w)
{
    char dir[XS_PATH_BYTES];
    unsigned int n = 0;
    int error = 0;

    snprintf(dir, sizeof dir, "/netdom/%u/groups", w->own_domid);
    char **names = xs_directory(h, t, dir, &n);
    if (!names) {
        return is_nothing(errno) ? 0 : -EIO;
    }
    for (unsigned int i = 0; i < n && !error; i++) {
        snprintf(dir, sizeof dir, "/netdom/%u/groups/%s", w->own_domid,
                 names[i]);
        if (i >= GROUPS_MAX || strlen(names[i]) >= XENVIF_GROUP_BYTES) {
            snprintf(w->why, sizeof w->why, "more than %u groups, or a name "
                     "of more than %d letters", GROUPS_MAX,
                     XENVIF_GROUP_BYTES - 1);
            error = -EINVAL;
        } else {
            error = add(h, t, w, dir, names[i]);
        }
    }
    free(names);
    return error;
}

static int
read_all(struct xs_handle *h, xs_transaction_t t, void *w_)
{
    char dir[XS_PATH_BYTES];
    struct wanted *w = w_;
    unsigned int n;

    w->n = 0;
    w->uplink = (struct qos_settings) { .weight = 1 };
    snprintf(dir, sizeof dir, "/netdom/%u/limits", w->own_domid);
    char **leaves = xs_directory(h, t, dir, &n);
    if (!leaves && !is_nothing(errno)) {
        return -EIO;
    }
    int error = leaves ? add(h, t, w, dir, "") : 0;
    if (leaves && !error) {
        error = vif_read_settings(h, t, dir, "uplink", &w->uplink, w->why);
    }
    free(leaves);
    return error ? error : read_groups(h, t, w);
}

static void
watch(struct xs_handle *h, uint16_t own_domid, const char *what)
{
    char path[XS_PATH_BYTES];

    snprintf(path, sizeof path, "/netdom/%u/%s", own_domid, what);
    if (!xs_watch(h, path, SHARED_LIMITS_TOKEN)) {
        VLOG_WARN("cannot watch %s: %s", path, ovs_strerror(errno));
    }
}

void
shared_limits_watch(struct xs_handle *h, uint16_t own_domid)
{
    watch(h, own_domid, "limits");
    watch(h, own_domid, "groups");
}

void
shared_limits_refresh(struct xs_handle *h, uint16_t own_domid)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);
    struct wanted w = { .own_domid = own_domid };

    int error = xs_atomically(h, read_all, &w);
    if (!error) {
        xenvif_set_shared(w.shared, w.n);
        tenantvf_set_limit(w.uplink.rate_bps, w.uplink.burst_bytes);
    } else if (error != -EIO) {
        VLOG_WARN_RL(&rl, "the limits that vifs share stay as they are: %s",
                     w.why[0] ? w.why : ovs_strerror(-error));
    }
    free(w.shared);
}
