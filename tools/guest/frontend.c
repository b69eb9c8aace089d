#include <config.h>
#include "tools/guest/frontend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include <xen/xen.h>
#include <xen/io/xenbus.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/frontend_change.h"
#include "tools/guest/frontend_rings.h"
#include "tools/guest/xs_node.h"

VLOG_DEFINE_THIS_MODULE(frontend);

/* How long to wait for the backend to follow when we close. */
#define CLOSE_TIMEOUT_NS 3000000000ull

/* A connection that lasted this long ends the back-off. */
#define GOOD_CONNECTION_NS 1000000000ull
#define BACKOFF_MS_MIN 50
#define BACKOFF_MS_MAX 5000

#define STEPS_MAX 16                    /* In one run, against loops. */

#define OWN_TOKEN "own"
#define BACKEND_TOKEN "backend"

int
frontend_init(struct frontend *f, struct guest_domain *domain,
              struct vif *vif, uint32_t devid,
              const struct frontend_options *options)
{
    *f = (struct frontend) {
        .domain = domain,
        .vif = vif,
        .devid = devid,
        .options = *options,
        .wanted = true,
        .dir = xasprintf("/local/domain/%u/device/vif/%u", domain->domid,
                         devid),
        .dirty = true,
    };
    if (!xs_watch(domain->xs, f->dir, OWN_TOKEN)) {
        int error = -errno;
        VLOG_ERR("%s: cannot watch (%s)", f->dir, ovs_strerror(-error));
        free(f->dir);
        f->dir = NULL;
        return error;
    }
    return 0;
}

static void
unwatch_backend(struct frontend *f)
{
    if (f->backend_dir) {
        xs_unwatch(f->domain->xs, f->backend_dir, BACKEND_TOKEN);
        free(f->backend_dir);
        f->backend_dir = NULL;
    }
}

void
frontend_finish(struct frontend *f, uint64_t now_ns)
{
    if (f->dir) {
        frontend_rings_drop(f, now_ns);
        unwatch_backend(f);
        xs_unwatch(f->domain->xs, f->dir, OWN_TOKEN);
        free(f->dir);
        f->dir = NULL;
    }
}

bool
frontend_is_closed(const struct frontend *f)
{
    return !f->vif->connected;
}

/* Follows the toolstack's word on who our backend is. */
static int
find_backend(struct frontend *f)
{
    struct xs_handle *xs = f->domain->xs;
    char *dir = xs_node_read(xs, f->dir, "backend");

    if (dir && !*dir) {
        free(dir);
        dir = NULL;
    }
    f->backend_domid = xs_node_read_uint(xs, f->dir, "backend-id",
                                         DOMID_FIRST_RESERVED - 1,
                                         UINT32_MAX);
    if (!nullable_string_is_equal(dir, f->backend_dir)) {
        unwatch_backend(f);
        if (dir && !xs_watch(xs, dir, BACKEND_TOKEN)) {
            int error = -errno;
            VLOG_ERR("%s: cannot watch (%s)", dir, ovs_strerror(-error));
            free(dir);
            return error;
        }
        VLOG_INFO("%s: %s%s", f->dir, dir ? "backend " : "unplugged",
                  dir ? dir : "");
        f->backend_dir = dir;
    } else {
        free(dir);
    }
    return 0;
}

static int
configure(struct endpoint *e, const struct vif_config *config)
{
    return e && e->class->configure ? e->class->configure(e, config) : 0;
}

/* Tells the endpoints of the vif's MAC and MTU if they changed. */
static int
update_config(struct frontend *f)
{
    struct vif_config config;

    vif_config_read(f->domain->xs, f->dir, &config);
    if (!memcmp(&config, &f->config, sizeof config)) {
        return 0;
    }
    f->config = config;

    int error = configure(f->vif->source, &config);
    if (!error && f->vif->sink != f->vif->source) {
        error = configure(f->vif->sink, &config);
    }
    return error;
}

/* Looks at xenstore and fills in f->view. */
static int
look(struct frontend *f, uint64_t now_ns)
{
    struct xs_handle *xs = f->domain->xs;
    struct frontend_view *v = &f->view;
    bool was_connected = v->was_connected;

    int error = find_backend(f);
    if (error) {
        return error;
    }
    *v = (struct frontend_view) {
        .own = xs_node_read_uint(xs, f->dir, "state",
                                 XenbusStateReconfigured, 0),
        .wanted = f->wanted && !f->restart,
        .rings = f->vif->connected,
        .mapped = control_has_mappings(&f->control),
        .was_connected = was_connected,
        .broken = f->vif->broken
                  || (f->close_by_ns && now_ns >= f->close_by_ns),
        .may_connect = now_ns >= f->connect_at_ns,
    };
    /* A toolstack that writes one node after another may not be done. */
    v->plugged = f->backend_dir && f->backend_domid != UINT32_MAX && v->own;
    v->same_backend = nullable_string_is_equal(f->backend_dir,
                                               f->rings_backend_dir);
    if (!v->plugged) {
        f->carrier = false;
        return 0;
    }
    v->backend = xs_node_read_uint(xs, f->backend_dir, "state",
                                   XenbusStateReconfigured, 0);
    v->reconfigure = f->reconfigure;
    v->reconfigured = now_ns >= f->reconfigured_by_ns
                      || (v->backend == XenbusStateReconfigured
                          && !f->reconfigured_before);
    v->online = xs_node_read_uint(xs, f->backend_dir, "online", 1, 0);
    f->carrier = xs_node_read_uint(xs, f->backend_dir, "carrier", 1, 1);
    return update_config(f);
}

static void
back_off(struct frontend *f, uint64_t now_ns)
{
    f->backoff_ms = f->backoff_ms ? MIN(f->backoff_ms * 2, BACKOFF_MS_MAX)
                                  : BACKOFF_MS_MIN;
    f->connect_at_ns = now_ns + f->backoff_ms * 1000000ull;
}

static void
destroy_rings(struct frontend *f, uint64_t now_ns)
{
    bool good = f->view.was_connected
                && now_ns - f->connected_ns >= GOOD_CONNECTION_NS;

    frontend_rings_drop(f, now_ns);
    f->view.was_connected = false;
    f->close_by_ns = 0;
    f->reconfigured_by_ns = 0;
    f->restart = false;
    f->n_closes++;
    if (good) {
        f->backoff_ms = 0;
        f->connect_at_ns = 0;
    } else {
        back_off(f, now_ns);
    }
}

static void
connect_rings(struct frontend *f, uint64_t now_ns)
{
    int error = frontend_rings_make(f, now_ns);

    if (error) {
        back_off(f, now_ns);
        return;
    }
    f->connected_ns = now_ns;
    f->connect_at_ns = 0;
    frontend_say(f, XenbusStateConnected);
}

/* Does one step.  False if nothing is left to do until something changes. */
static bool
take_step(struct frontend *f, enum frontend_step step, uint64_t now_ns)
{
    switch (step) {
    case FRONTEND_REST:
        return false;

    case FRONTEND_CONNECT:
        connect_rings(f, now_ns);
        return f->vif->connected;

    case FRONTEND_CLOSE:
        VLOG_INFO("%s: closed (backend %s)", f->dir,
                  frontend_state_name(f->view.backend));
        destroy_rings(f, now_ns);
        frontend_say(f, XenbusStateClosed);
        return true;

    case FRONTEND_FORGET:
        destroy_rings(f, now_ns);
        return true;

    case FRONTEND_SAY_INIT:
        frontend_say(f, XenbusStateInitialising);
        return true;

    case FRONTEND_UNMAP:
        vif_set_up(f->vif, false, now_ns);
        control_unmap(&f->control);
        return false;

    case FRONTEND_RECONFIGURE:
        frontend_reconfigure(f, now_ns);
        return true;

    case FRONTEND_SAY_CONNECTED:
        f->reconfigured_by_ns = 0;
        frontend_say(f, XenbusStateConnected);
        return true;

    case FRONTEND_SAY_CLOSING:
        f->close_by_ns = now_ns + CLOSE_TIMEOUT_NS;
        vif_set_up(f->vif, false, now_ns);
        frontend_say(f, XenbusStateClosing);
        return true;

    case FRONTEND_SAY_CLOSED:
        frontend_say(f, XenbusStateClosed);
        return true;
    }
    return false;
}

/* The backend's word on whether frames may move. */
static void
update_link(struct frontend *f, uint64_t now_ns)
{
    struct frontend_view *v = &f->view;

    if (!f->vif->connected) {
        return;
    }
    if (!v->was_connected && v->backend == XenbusStateConnected) {
        v->was_connected = true;
        f->n_connects++;
        VLOG_INFO("%s: connected to domain %u (%u queue%s, %s event "
                  "channels)", f->dir, f->backend_domid,
                  f->vif->shape.n_queues,
                  f->vif->shape.n_queues > 1 ? "s" : "",
                  f->vif->shape.split ? "split" : "shared");
    }
    bool connected = v->backend == XenbusStateConnected
                     || v->backend == XenbusStateReconfiguring
                     || v->backend == XenbusStateReconfigured;
    bool own = v->own == XenbusStateConnected
               || v->own == XenbusStateReconfiguring;
    vif_set_up(f->vif, v->was_connected && connected && own && f->carrier
               && v->wanted && !control_is_busy(&f->control), now_ns);
}

/* Takes the watches that fired. */
static void
drain_watches(struct frontend *f)
{
    char **event;

    while ((event = xs_check_watch(f->domain->xs))) {
        f->dirty = true;
        free(event);
    }
}

int
frontend_run(struct frontend *f, uint64_t now_ns)
{
    drain_watches(f);
    if (f->view.was_connected && control_run(&f->control, now_ns)) {
        f->dirty = true;
    }
    if (f->vif->broken || (f->close_by_ns && now_ns >= f->close_by_ns)
        || (f->reconfigured_by_ns && now_ns >= f->reconfigured_by_ns)
        || (f->connect_at_ns && now_ns >= f->connect_at_ns)) {
        f->dirty = true;
    }
    if (!f->dirty) {
        return 0;
    }
    f->dirty = false;
    if (now_ns >= f->connect_at_ns) {
        f->connect_at_ns = 0;
    }

    for (int i = 0; i < STEPS_MAX; i++) {
        int error = look(f, now_ns);
        if (error) {
            return error;
        }
        if (!take_step(f, frontend_next(&f->view), now_ns)) {
            break;
        }
    }
    update_link(f, now_ns);
    return 0;
}

static void
wait_until(uint64_t deadline_ns, uint64_t now_ns)
{
    if (deadline_ns) {
        poll_timer_wait(deadline_ns > now_ns
                        ? (deadline_ns - now_ns) / 1000000 + 1 : 0);
    }
}

void
frontend_wait(const struct frontend *f, uint64_t now_ns)
{
    if (f->dirty || f->vif->broken) {
        poll_immediate_wake();
    }
    if (f->view.was_connected) {
        control_wait(&f->control, now_ns);
    }
    wait_until(f->close_by_ns, now_ns);
    wait_until(f->reconfigured_by_ns, now_ns);
    wait_until(f->connect_at_ns, now_ns);
}
