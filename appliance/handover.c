#include "appliance/handover.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#define PATH_BYTES 256

static int
put(struct xs_handle *xs, const char *dir, const char *name,
    const char *value, unsigned int n)
{
    char path[2 * PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return xs_write(xs, XBT_NULL, path, value, n) ? 0 : -errno;
}

/* 'owner' has 'path' and all below, 'reader' may read it. */
static int
allow(struct xs_handle *xs, const char *path, unsigned int owner,
      unsigned int reader)
{
    struct xs_permissions perms[] = {
        { .id = owner, .perms = XS_PERM_NONE },
        { .id = reader, .perms = XS_PERM_READ },
    };

    if (!xs_set_permissions(xs, XBT_NULL, path, perms, 2)) {
        return -errno;
    }

    unsigned int n;
    char **names = xs_directory(xs, XBT_NULL, path, &n);
    int error = 0;

    for (unsigned int i = 0; names && i < n && !error; i++) {
        char child[2 * PATH_BYTES];

        snprintf(child, sizeof child, "%s/%s", path, names[i]);
        error = allow(xs, child, owner, reader);
    }
    free(names);
    return error;
}

/* Copies the toolstack's nodes of a vif, 'from', to the backend's folder. */
static int
copy_nodes(struct xs_handle *xs, const char *from, const char *to)
{
    unsigned int n;
    char **names = xs_directory(xs, XBT_NULL, from, &n);
    int error = names ? 0 : -errno;

    for (unsigned int i = 0; !error && i < n; i++) {
        char path[2 * PATH_BYTES];
        unsigned int bytes;

        if (!strcmp(names[i], "backend") || !strcmp(names[i], "state")) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", from, names[i]);
        char *value = xs_read(xs, XBT_NULL, path, &bytes);
        if (value) {
            error = put(xs, to, names[i], value, bytes);
        }
        free(value);
    }
    free(names);
    if (!error) {
        error = put(xs, to, "online", "1", 1);
    }
    if (!error) {
        error = put(xs, to, "hotplug-status", "connected", 9);
    }
    return error ? error : put(xs, to, "state", "4", 1);
}

static bool
is_connected(struct xs_handle *xs, const char *frontend)
{
    char path[2 * PATH_BYTES];

    snprintf(path, sizeof path, "%s/state", frontend);

    char *state = xs_read(xs, XBT_NULL, path, NULL);
    bool connected = state && !strcmp(state, "4");

    free(state);
    return connected;
}

/* Vif 'devid' of 'guest'.  Returns 1 if it is 'domid''s and was handed over, 0
 * if it is somebody else's, or -errno. */
static int
handover_vif(struct xs_handle *xs, unsigned int domid, unsigned int guest,
             const char *devid)
{
    char kept[PATH_BYTES], path[2 * PATH_BYTES], frontend[PATH_BYTES];
    char expected[PATH_BYTES];

    snprintf(kept, sizeof kept, "/libxl/%u/device/vif/%s", guest, devid);
    snprintf(frontend, sizeof frontend, "/local/domain/%u/device/vif/%s",
             guest, devid);
    snprintf(expected, sizeof expected, "/local/domain/%u/backend/vif/%u/%s",
             domid, guest, devid);
    snprintf(path, sizeof path, "%s/backend", kept);

    char *backend = xs_read(xs, XBT_NULL, path, NULL);
    bool is_ours = backend && !strcmp(backend, expected);

    free(backend);
    if (!is_ours || !is_connected(xs, frontend)) {
        return 0;
    }

    int error = xs_mkdir(xs, XBT_NULL, expected) ? 0 : -errno;
    if (!error) {
        error = copy_nodes(xs, kept, expected);
    }
    if (!error) {
        error = allow(xs, expected, domid, guest);
    }
    if (!error) {
        error = allow(xs, frontend, guest, domid);
    }
    return error ? error : 1;
}

static int
handover_guest(struct xs_handle *xs, unsigned int domid, unsigned int guest,
               unsigned int *n_vifs)
{
    char path[PATH_BYTES];
    unsigned int n;

    snprintf(path, sizeof path, "/libxl/%u/device/vif", guest);
    char **devids = xs_directory(xs, XBT_NULL, path, &n);
    int error = 0;

    for (unsigned int i = 0; devids && i < n && error >= 0; i++) {
        error = handover_vif(xs, domid, guest, devids[i]);
        *n_vifs += error > 0;
    }
    free(devids);
    return error < 0 ? error : 0;
}

/* The folders in between are the domain's, as the toolstack makes them. */
static int
make_folders(struct xs_handle *xs, unsigned int domid)
{
    struct xs_permissions perms = { .id = domid, .perms = XS_PERM_NONE };
    char path[PATH_BYTES];
    static const char *const leaves[] = { "backend", "backend/vif" };

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/local/domain/%u/%s", domid, leaves[i]);
        if (!xs_mkdir(xs, XBT_NULL, path)
            || !xs_set_permissions(xs, XBT_NULL, path, &perms, 1)) {
            return -errno;
        }
    }
    return 0;
}

/* What netdom-controller told the domain of its vifs, if it did: xenstored takes
 * a dead domain's rights away. */
static int
handover_limits(struct xs_handle *xs, unsigned int domid)
{
    char path[PATH_BYTES];
    int error;

    snprintf(path, sizeof path, "/netdom/%u", domid);
    error = allow(xs, path, 0, domid);
    return error == -ENOENT ? 0 : error;
}

int
handover_vifs(struct xs_handle *xs, unsigned int domid,
              unsigned int *n_vifsp)
{
    unsigned int n;
    char **guests = xs_directory(xs, XBT_NULL, "/libxl", &n);
    int error = make_folders(xs, domid);

    *n_vifsp = 0;
    for (unsigned int i = 0; guests && i < n && !error; i++) {
        error = handover_guest(xs, domid, atoi(guests[i]), n_vifsp);
    }
    free(guests);
    return error ? error : handover_limits(xs, domid);
}
