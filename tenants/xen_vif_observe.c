#include <config.h>

#include "tenants/xen_vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "tenants/model.h"
#include "tenants/xen.h"
#include "tenants/xen_limits.h"
#include "util.h"

#define PATH_BYTES 160
#define TEXT_BYTES_MAX 2048
#define STATE_CLOSED 6

/* The caller frees the text; null if there is none or it is not text. */
static char *
get(struct xs_handle *xs, const char *dir, const char *leaf)
{
    char path[PATH_BYTES];
    unsigned int bytes;

    snprintf(path, sizeof path, "%s/%s", dir, leaf);

    char *value = xs_read(xs, XBT_NULL, path, &bytes);
    if (value && (bytes > TEXT_BYTES_MAX || strlen(value) != bytes)) {
        free(value);
        value = NULL;
    }
    return value;
}

static uint64_t
get_number(struct xs_handle *xs, const char *dir, const char *leaf,
           uint64_t otherwise)
{
    char *text = get(xs, dir, leaf);
    unsigned long long int value;
    bool ok = text && str_to_ullong(text, 10, &value);

    free(text);
    return ok ? value : otherwise;
}

/* A backend's sentence ends up in the database: printable text only.  Null if
 * there is none. */
static char *
get_sentence(struct xs_handle *xs, const char *dir, const char *leaf)
{
    char *sentence = get(xs, dir, leaf);

    for (char *p = sentence; p && *p; p++) {
        if ((unsigned char) *p < ' ' || (unsigned char) *p > '~') {
            *p = '?';
        }
    }
    if (sentence && !*sentence) {
        free(sentence);
        sentence = NULL;
    }
    return sentence;
}

static void
observe_one(struct xs_handle *xs, uint32_t own, struct have_vif *vif)
{
    char backend[PATH_BYTES - 32], netdom[PATH_BYTES - 32];

    snprintf(backend, sizeof backend,
             "/local/domain/%"PRIu32"/backend/vif/%"PRIu32"/%"PRIu32, own,
             vif->domid, vif->devid);
    snprintf(netdom, sizeof netdom, "/netdom/%"PRIu32"/%"PRIu32"/%"PRIu32,
             own, vif->domid, vif->devid);

    char *frontend = get(xs, backend, "frontend");
    vif->backend = frontend != NULL;
    free(frontend);
    vif->online = get_number(xs, backend, "online", 0) == 1;
    vif->state = MIN(get_number(xs, backend, "state", 0), 16);
    vif->closed = vif->state == STATE_CLOSED;
    vif->error = get_sentence(xs, backend, "error");
    vif->quarantine = get_sentence(xs, backend, "quarantine");
    vif->quarantine_release = get_number(xs, backend, "quarantine-release",
                                         0);

    vif->managed = true;
    vif->mac = get(xs, netdom, "mac");
    vif->mtu = MIN(get_number(xs, netdom, "mtu", 0), 65535);
    xen_limits_get(xs, netdom, &vif->limits);
    vif->group = get(xs, netdom, "group");
    if (vif->group && !vif->group[0]) {
        free(vif->group);
        vif->group = NULL;
    }
    vif->anti_spoof = get(xs, netdom, "anti-spoof");
    vif->addresses = get(xs, netdom, "addresses");
    vif->releases = get_number(xs, netdom, "release", UINT64_MAX);
}

static char **
list(struct xs_handle *xs, const char *dir, unsigned int *n)
{
    *n = 0;
    return xs_directory(xs, XBT_NULL, dir, n);
}

static void
observe_guest(struct xs_handle *xs, uint32_t own, uint32_t domid,
              struct have_vif **vifs, size_t *n_vifs)
{
    char dir[PATH_BYTES];
    unsigned int n;

    snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/%"PRIu32, own, domid);

    char **devids = list(xs, dir, &n);
    for (unsigned int i = 0; i < n; i++) {
        unsigned int devid;

        if (!str_to_uint(devids[i], 10, &devid)) {
            continue;
        }
        *vifs = xrealloc(*vifs, (*n_vifs + 1) * sizeof **vifs);

        struct have_vif *vif = &(*vifs)[(*n_vifs)++];
        memset(vif, 0, sizeof *vif);
        vif->domid = domid;
        vif->devid = devid;
        observe_one(xs, own, vif);
    }
    free(devids);
}

int
xen_vifs_observe(struct xen *xen, uint32_t own, struct have_vif **vifs,
                 size_t *n_vifs)
{
    struct xs_handle *xs = xen_xs(xen);
    char dir[PATH_BYTES];
    unsigned int n;

    *vifs = NULL;
    *n_vifs = 0;
    if (!xs) {
        return -ENOTCONN;
    }
    snprintf(dir, sizeof dir, "/netdom/%"PRIu32, own);

    char **domids = list(xs, dir, &n);
    if (!domids && errno != ENOENT) {
        return errno ? -errno : -EIO;
    }
    for (unsigned int i = 0; i < n; i++) {
        unsigned int domid;

        if (str_to_uint(domids[i], 10, &domid)) {
            observe_guest(xs, own, domid, vifs, n_vifs);
        }
    }
    free(domids);
    return 0;
}
