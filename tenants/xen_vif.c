#include <config.h>

#include "tenants/xen_vif.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "tenants/model.h"
#include "tenants/xen.h"
#include "tenants/xen_limits.h"
#include "util.h"

#define TRANSACTION_TRIES 16
#define PATH_BYTES 128

enum { STATE_INITIALISING = 1, STATE_CLOSING = 5 };

struct vif_id {
    uint32_t own;
    uint32_t domid;
    uint32_t devid;
    const struct want_vif *want;
    const struct want_tenant *tenant;
};

struct paths {
    char backend[PATH_BYTES];
    char frontend[PATH_BYTES];
    char netdom[PATH_BYTES];
};

static void
make_paths(const struct vif_id *id, struct paths *paths)
{
    snprintf(paths->backend, PATH_BYTES,
             "/local/domain/%"PRIu32"/backend/vif/%"PRIu32"/%"PRIu32,
             id->own, id->domid, id->devid);
    snprintf(paths->frontend, PATH_BYTES,
             "/local/domain/%"PRIu32"/device/vif/%"PRIu32, id->domid,
             id->devid);
    snprintf(paths->netdom, PATH_BYTES,
             "/netdom/%"PRIu32"/%"PRIu32"/%"PRIu32, id->own, id->domid,
             id->devid);
}

/* Runs 'body' in a transaction until it goes through. */
static int
transact(struct xen *xen,
         bool (*body)(struct xs_handle *, xs_transaction_t,
                      const struct vif_id *), const struct vif_id *id)
{
    struct xs_handle *xs = xen_xs(xen);

    if (!xs) {
        return -ENOTCONN;
    }
    for (int i = 0; i < TRANSACTION_TRIES; i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        if (t == XBT_NULL) {
            return -errno;
        }

        bool ok = body(xs, t, id);
        int error = ok ? 0 : errno ? errno : EIO;
        if (xs_transaction_end(xs, t, !ok)) {
            return -error;
        }
        if (!ok || errno != EAGAIN) {
            return ok ? -errno : -error;
        }
    }
    return -EAGAIN;
}

static bool
put(struct xs_handle *xs, xs_transaction_t t, const char *dir,
    const char *leaf, const char *value)
{
    char path[PATH_BYTES * 2];

    snprintf(path, sizeof path, "%s/%s", dir, leaf);
    return xs_write(xs, t, path, value, strlen(value));
}

static bool
put_number(struct xs_handle *xs, xs_transaction_t t, const char *dir,
           const char *leaf, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%"PRIu64, value);
    return put(xs, t, dir, leaf, text);
}

/* Makes 'dir' anew, 'owner''s, readable by 'reader'; nodes in it inherit
 * that. */
static bool
make_dir(struct xs_handle *xs, xs_transaction_t t, const char *dir,
         uint32_t owner, uint32_t reader)
{
    struct xs_permissions perms[] = {
        { .id = owner, .perms = XS_PERM_NONE },
        { .id = reader, .perms = XS_PERM_READ },
    };

    return xs_mkdir(xs, t, dir)
           && xs_set_permissions(xs, t, dir, perms, ARRAY_SIZE(perms));
}

static bool
put_limits(struct xs_handle *xs, xs_transaction_t t, const char *dir,
           const struct want_vif *want)
{
    return put(xs, t, dir, "mac", want->mac)
           && put_number(xs, t, dir, "mtu", want->mtu)
           && xen_limits_put(xs, t, dir, &want->limits)
           && put(xs, t, dir, "group", want->group ? want->group : "")
           && put(xs, t, dir, "anti-spoof", want->anti_spoof)
           && put(xs, t, dir, "addresses", want->addresses)
           && put_number(xs, t, dir, "release", want->releases);
}

static bool
put_common(struct xs_handle *xs, xs_transaction_t t, const char *dir,
           const struct vif_id *id)
{
    return put_number(xs, t, dir, "handle", id->devid)
           && put(xs, t, dir, "mac", id->want->mac)
           && put_number(xs, t, dir, "mtu", id->want->mtu)
           && put_number(xs, t, dir, "state", STATE_INITIALISING);
}

static bool
remove_dir(struct xs_handle *xs, xs_transaction_t t, const char *dir)
{
    return xs_rm(xs, t, dir) || errno == ENOENT;
}

static bool
admit_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    struct paths p;

    make_paths(id, &p);
    return make_dir(xs, t, p.netdom, 0, id->own)
           && put_limits(xs, t, p.netdom, id->want);
}

static bool
create_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    struct paths p;

    make_paths(id, &p);
    return remove_dir(xs, t, p.frontend)
           && remove_dir(xs, t, p.backend)
           && admit_body(xs, t, id)
           && make_dir(xs, t, p.frontend, id->domid, id->own)
           && put(xs, t, p.frontend, "backend", p.backend)
           && put_number(xs, t, p.frontend, "backend-id", id->own)
           && put_common(xs, t, p.frontend, id)
           && make_dir(xs, t, p.backend, id->own, id->domid)
           && put(xs, t, p.backend, "frontend", p.frontend)
           && put_number(xs, t, p.backend, "frontend-id", id->domid)
           && put(xs, t, p.backend, "online", "1")
           && put_common(xs, t, p.backend, id);
}

int
xen_vif_create(struct xen *xen, uint32_t own, uint32_t domid, uint32_t devid,
               const struct want_vif *want)
{
    struct vif_id id = { own, domid, devid, want, NULL };

    return transact(xen, create_body, &id);
}

int
xen_vif_admit(struct xen *xen, uint32_t own, uint32_t domid, uint32_t devid,
              const struct want_vif *want)
{
    struct vif_id id = { own, domid, devid, want, NULL };

    return transact(xen, admit_body, &id);
}

static bool
limits_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    struct paths p;

    make_paths(id, &p);
    return put_limits(xs, t, p.netdom, id->want);
}

int
xen_vif_limits(struct xen *xen, uint32_t own, uint32_t domid, uint32_t devid,
               const struct want_vif *want)
{
    struct vif_id id = { own, domid, devid, want, NULL };

    return transact(xen, limits_body, &id);
}

static bool
offline_body(struct xs_handle *xs, xs_transaction_t t,
             const struct vif_id *id)
{
    struct paths p;

    make_paths(id, &p);
    return put(xs, t, p.backend, "online", "0")
           && put_number(xs, t, p.backend, "state", STATE_CLOSING);
}

int
xen_vif_offline(struct xen *xen, uint32_t own, uint32_t domid,
                uint32_t devid)
{
    struct vif_id id = { own, domid, devid, NULL, NULL };

    return transact(xen, offline_body, &id);
}

/* Removes 'dir' and then its parent, if that is now empty. */
static bool
remove_with_parent(struct xs_handle *xs, xs_transaction_t t, char *dir)
{
    unsigned int n = 1;

    if (!remove_dir(xs, t, dir)) {
        return false;
    }
    *strrchr(dir, '/') = '\0';

    char **rest = xs_directory(xs, t, dir, &n);
    free(rest);
    return !rest || n || remove_dir(xs, t, dir);
}

static bool
forget_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    struct paths p;

    make_paths(id, &p);
    return remove_with_parent(xs, t, p.netdom);
}

static bool
remove_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    char leaf[PATH_BYTES + 16];
    unsigned int bytes;
    struct paths p;

    make_paths(id, &p);

    /* The guest's side goes only if it is this vif's: the number may have a
     * new owner. */
    snprintf(leaf, sizeof leaf, "%s/backend", p.frontend);
    char *backend = xs_read(xs, t, leaf, &bytes);
    bool ours = backend && !strcmp(backend, p.backend);

    free(backend);
    return (!ours || remove_dir(xs, t, p.frontend))
           && remove_with_parent(xs, t, p.backend)
           && forget_body(xs, t, id);
}

int
xen_vif_remove(struct xen *xen, uint32_t own, uint32_t domid, uint32_t devid)
{
    struct vif_id id = { own, domid, devid, NULL, NULL };

    return transact(xen, remove_body, &id);
}

int
xen_vif_forget(struct xen *xen, uint32_t own, uint32_t domid, uint32_t devid)
{
    struct vif_id id = { own, domid, devid, NULL, NULL };

    return transact(xen, forget_body, &id);
}

static bool
shared_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    return xen_shared_put(xs, t, id->own, id->tenant);
}

int
xen_shared_limits(struct xen *xen, uint32_t own,
                  const struct want_tenant *tenant)
{
    struct vif_id id = { .own = own, .tenant = tenant };

    return transact(xen, shared_body, &id);
}

static bool
manage_body(struct xs_handle *xs, xs_transaction_t t, const struct vif_id *id)
{
    char dir[PATH_BYTES];

    snprintf(dir, sizeof dir, "/netdom/%"PRIu32, id->own);
    return make_dir(xs, t, dir, 0, id->own)
           && put(xs, t, dir, "managed", "1");
}

int
xen_manage(struct xen *xen, uint32_t own)
{
    struct vif_id id = { .own = own };

    return transact(xen, manage_body, &id);
}

static bool
unmanage_body(struct xs_handle *xs, xs_transaction_t t,
              const struct vif_id *id)
{
    char dir[PATH_BYTES];

    snprintf(dir, sizeof dir, "/netdom/%"PRIu32, id->own);
    return remove_dir(xs, t, dir);
}

int
xen_unmanage(struct xen *xen, uint32_t own)
{
    struct vif_id id = { .own = own };

    return transact(xen, unmanage_body, &id);
}

bool
xen_is_managed(struct xen *xen, uint32_t own)
{
    char path[PATH_BYTES];
    unsigned int bytes;

    snprintf(path, sizeof path, "/netdom/%"PRIu32"/managed", own);

    char *value = xen_xs(xen) ? xs_read(xen_xs(xen), XBT_NULL, path, &bytes)
                              : NULL;
    bool managed = value && !strcmp(value, "1");

    free(value);
    return managed;
}
