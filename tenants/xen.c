#include <config.h>

#include "tenants/xen.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "tenants/xen_guests.h"
#include "util.h"
#include "xenlocal/xenlocal.h"

VLOG_DEFINE_THIS_MODULE(xen);

#define RETRY_MS 500
#define PROBE_MS 1000
#define EVENTS_PER_RUN 512
#define GUESTS_TOKEN "guests"

struct xen {
    char *dir;                          /* Null: Xen itself. */
    struct xs_handle *xs;
    int registry;                       /* -1: none. */
    bool was_up;
    bool complained;
    long long int retry_ms;
    long long int probe_ms;

    struct guests guests;
    bool guests_stale;                  /* To be read again. */

    void (*on_backend)(void *aux, uint32_t domid);
    void *aux;
    struct shash watched;               /* Tokens: domids as text. */
};

struct xen *
xen_create(const char *dir, void (*on_backend)(void *, uint32_t), void *aux)
{
    struct xen *xen = xzalloc(sizeof *xen);

    xen->dir = nullable_xstrdup(dir);
    xen->registry = -1;
    xen->on_backend = on_backend;
    xen->aux = aux;
    guests_init(&xen->guests);
    shash_init(&xen->watched);
    return xen;
}

static void
disconnect(struct xen *xen)
{
    if (xen->xs) {
        xs_close(xen->xs);
        xen->xs = NULL;
    }
    if (xen->registry >= 0) {
        close(xen->registry);
        xen->registry = -1;
    }
}

void
xen_destroy(struct xen *xen)
{
    if (!xen) {
        return;
    }
    disconnect(xen);
    guests_finish(&xen->guests);
    shash_destroy(&xen->watched);
    free(xen->dir);
    free(xen);
}

bool
xen_is_up(const struct xen *xen)
{
    return xen->xs && (!xen->dir || xen->registry >= 0);
}

const char *
xen_dir(const struct xen *xen)
{
    return xen->dir;
}

const char *
xen_place(const struct xen *xen)
{
    return xen->dir ? xen->dir : "Xen's xenstore";
}

const struct guests *
xen_guests(const struct xen *xen)
{
    return &xen->guests;
}

struct xs_handle *
xen_xs(struct xen *xen)
{
    return xen->xs;
}

static bool
watch_backend(struct xen *xen, const char *domid)
{
    char *path = xasprintf("/local/domain/%s/backend/vif", domid);
    bool ok = xs_watch(xen->xs, path, domid);

    free(path);
    return ok;
}

static int
connect_registry(struct xen *xen)
{
    if (!xen->dir) {
        return 0;
    }

    char *path = xasprintf("%s/registry.sock", xen->dir);
    int fd = xenlocal_connect(path);

    free(path);
    if (fd >= 0) {
        xen->registry = fd;
        return 0;
    }
    return fd;
}

static int
connect_xenstore(struct xen *xen)
{
    char path[256];

    if (xen->dir) {
        if (!xenlocal_socket_path(path, sizeof path, xen->dir, 0,
                                  "xenstore.sock")) {
            return -ENAMETOOLONG;
        }
        setenv("XENSTORED_PATH", path, 1);
    }
    xen->xs = xs_open(XS_OPEN_SOCKETONLY);
    if (!xen->xs) {
        return errno ? -errno : -ENOTCONN;
    }
    if (!xs_watch(xen->xs, "@introduceDomain", GUESTS_TOKEN)
        || !xs_watch(xen->xs, "@releaseDomain", GUESTS_TOKEN)) {
        return errno ? -errno : -ENOTCONN;
    }

    struct shash_node *node;
    SHASH_FOR_EACH (node, &xen->watched) {
        if (!watch_backend(xen, node->name)) {
            return errno ? -errno : -ENOTCONN;
        }
    }
    return 0;
}

static void
try_connect(struct xen *xen, long long int now_ms)
{
    if (now_ms < xen->retry_ms) {
        return;
    }
    xen->retry_ms = now_ms + RETRY_MS;

    int error = connect_registry(xen);
    if (!error) {
        error = connect_xenstore(xen);
    }
    if (!error) {
        VLOG_INFO("%s: connected", xen_place(xen));
        xen->complained = false;
        xen->guests_stale = true;
        return;
    }
    disconnect(xen);
    if (!xen->complained) {
        VLOG_WARN("%s: cannot connect (%s): is %s running?  "
                  "Trying again every %d ms; what runs goes on",
                  xen_place(xen), ovs_strerror(-error),
                  xen->dir ? "netdom-xenlocald" : "xenstored", RETRY_MS);
        xen->complained = true;
    }
}

/* libxenstore says nothing when the daemon dies: ask. */
static void
probe(struct xen *xen, long long int now_ms)
{
    struct pollfd pfd = { .fd = xen->registry, .events = POLLIN };
    unsigned int n;
    char *domid = NULL;

    /* The registry speaks only when spoken to: readable means gone. */
    bool gone = xen->dir && poll(&pfd, 1, 0) > 0;
    if (!gone && now_ms >= xen->probe_ms) {
        xen->probe_ms = now_ms + PROBE_MS;
        domid = xs_read(xen->xs, XBT_NULL, "/local/domain/0/domid", &n);
        gone = !domid && errno != ENOENT && errno != EACCES;
        free(domid);
    }
    if (gone) {
        VLOG_WARN("%s: connection lost; what runs goes on",
                  xen_place(xen));
        disconnect(xen);
        xen->complained = true;
        xen->retry_ms = now_ms;
    }
}

static void
read_events(struct xen *xen)
{
    for (int i = 0; i < EVENTS_PER_RUN; i++) {
        char **event = xs_check_watch(xen->xs);
        unsigned int domid;

        if (!event) {
            return;
        }
        if (!strcmp(event[XS_WATCH_TOKEN], GUESTS_TOKEN)) {
            xen->guests_stale = true;
        } else if (str_to_uint(event[XS_WATCH_TOKEN], 10, &domid)) {
            xen->on_backend(xen->aux, domid);
        }
        free(event);
    }
    poll_immediate_wake();
}

void
xen_run(struct xen *xen, long long int now_ms, struct xen_news *news)
{
    news->guests_changed = false;
    if (xen_is_up(xen)) {
        probe(xen, now_ms);
    }
    if (!xen_is_up(xen)) {
        try_connect(xen, now_ms);
    }
    if (xen_is_up(xen)) {
        read_events(xen);
        if (xen->guests_stale) {
            xen->guests_stale = false;
            news->guests_changed = xen_guests_read(xen->xs, &xen->guests,
                                                   &xen->guests_stale);
        }
    }
    news->up_changed = xen->was_up != xen_is_up(xen);
    xen->was_up = xen_is_up(xen);
}

void
xen_wait(struct xen *xen)
{
    if (xen_is_up(xen)) {
        poll_fd_wait(xs_fileno(xen->xs), POLLIN);
        if (xen->dir) {
            poll_fd_wait(xen->registry, POLLIN);
        }
        poll_timer_wait_until(xen->probe_ms);
    } else {
        poll_timer_wait_until(xen->retry_ms);
    }
}

void
xen_watch(struct xen *xen, uint32_t domid)
{
    char *token = xasprintf("%"PRIu32, domid);

    if (shash_add_once(&xen->watched, token, NULL) && xen->xs) {
        watch_backend(xen, token);
    }
    free(token);
}

void
xen_unwatch(struct xen *xen, uint32_t domid)
{
    char *token = xasprintf("%"PRIu32, domid);
    char *path = xasprintf("/local/domain/%s/backend/vif", token);

    shash_find_and_delete(&xen->watched, token);
    if (xen->xs) {
        xs_unwatch(xen->xs, path, token);
    }
    free(path);
    free(token);
}

static int
call(struct xen *xen, struct xenlocal_request *request, const char *name,
     uint32_t *domid)
{
    struct xenlocal_reply reply;

    if (xen->registry < 0) {
        return -ENOTCONN;
    }
    if (name) {
        ovs_strlcpy(request->name, name, sizeof request->name);
    }

    int error = xenlocal_call(xen->registry, request, -1, &reply, NULL);
    if (error == -EPIPE || error == -EPROTO || error == -ETIMEDOUT) {
        /* The talk itself failed: start over. */
        disconnect(xen);
    }
    if (!error && domid) {
        *domid = reply.domid;
    }
    return error;
}

/* What is known of guests is as old as the last event. */
static bool
is_called(struct xen *xen, uint32_t domid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/local/domain/%"PRIu32"/name", domid);

    char *now = xen->xs ? xs_read(xen->xs, XBT_NULL, path, NULL) : NULL;
    bool same = now && !strcmp(now, name);

    free(now);
    return same;
}

int
xen_domain_lookup(struct xen *xen, const char *name, uint32_t *domid)
{
    struct xenlocal_request request = { .op = XENLOCAL_DOMAIN_LOOKUP };

    if (!xen->dir) {
        *domid = guests_find(&xen->guests, name);
        return *domid && is_called(xen, *domid, name) ? 0 : -ENOENT;
    }
    return call(xen, &request, name, domid);
}

int
xen_domain_create(struct xen *xen, const char *name, uid_t uid,
                  uint32_t *domid)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_DOMAIN_CREATE,
        .uid = uid,
    };

    return call(xen, &request, name, domid);
}

int
xen_domain_destroy(struct xen *xen, uint32_t domid)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_DOMAIN_DESTROY,
        .domid = domid,
    };

    return call(xen, &request, NULL, NULL);
}
