#include <config.h>

#include "netdom/backend.h"

#include <errno.h>
#include <stdlib.h>

#include "netdom/backend_private.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "seq.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(backend);

#define EVENTS_PER_TURN 1024
#define REOPEN_MS 1000

static struct hmap backends = HMAP_INITIALIZER(&backends);
static struct xs_handle *xs;
static uint16_t own_domid;
static long long int reopen_ms;
static uint64_t ports_seqno;
static bool serving;

static uint32_t
id_hash(struct xenvif_id id)
{
    return (uint32_t) id.domid << 16 | id.devid;
}

static struct backend *
backend_find(struct xenvif_id id)
{
    struct backend *b;

    HMAP_FOR_EACH_WITH_HASH (b, node, id_hash(id), &backends) {
        if (b->id.domid == id.domid && b->id.devid == id.devid) {
            return b;
        }
    }
    return NULL;
}

/* Watches, and the events they bring. */

static void
watch_backend(struct backend *b, bool on)
{
    char path[XS_PATH_BYTES], token[32];

    snprintf(token, sizeof token, "%u/%u", b->id.domid, b->id.devid);
    vif_frontend_path(path, b->id);
    strcat(path, "/state");
    if (!(on ? xs_watch(xs, path, token) : xs_unwatch(xs, path, token))
        && on) {
        VLOG_WARN("cannot watch %s: %s", path, ovs_strerror(errno));
    }

    vif_policy_path(path, own_domid, b->id);
    if (!(on ? xs_watch(xs, path, token) : xs_unwatch(xs, path, token))
        && on) {
        VLOG_WARN("cannot watch %s: %s", path, ovs_strerror(errno));
    }

    vif_backend_path(path, own_domid, b->id);
    if (!(on ? xs_watch(xs, path, token) : xs_unwatch(xs, path, token))
        && on) {
        VLOG_WARN("cannot watch %s: %s", path, ovs_strerror(errno));
    }
}

static void
handle_event(const char *token)
{
    unsigned int domid, devid;

    if (sscanf(token, "%u/%u", &domid, &devid) == 2) {
        struct backend *b = backend_find((struct xenvif_id) { domid, devid });
        if (b) {
            b->dirty = true;
        }
    }
}

/* Takes what events there are.  However many a guest causes, its vif is
 * looked at once. */
static void
drain_events(void)
{
    for (int i = 0; i < EVENTS_PER_TURN; i++) {
        char **event = xs_check_watch(xs);

        if (!event) {
            if (errno != EAGAIN) {
                VLOG_WARN("xenstore went away (%s): trying again",
                          ovs_strerror(errno));
                xs_close(xs);
                xs = NULL;
                reopen_ms = time_msec() + REOPEN_MS;
            }
            return;
        }
        handle_event(event[XS_WATCH_TOKEN]);
        free(event);
    }
    poll_immediate_wake();
}

static bool
open_xenstore(void)
{
    struct backend *b;

    if (xs) {
        return true;
    }
    if (time_msec() < reopen_ms) {
        return false;
    }
    xs = xs_open(0);
    if (!xs) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
        VLOG_WARN_RL(&rl, "xenstore is out of reach (%s): trying again every "
                     "%d s", ovs_strerror(errno), REOPEN_MS / 1000);
        reopen_ms = time_msec() + REOPEN_MS;
        return false;
    }
    HMAP_FOR_EACH (b, node, &backends) {
        watch_backend(b, true);
        b->dirty = true;
    }
    return true;
}

/* Ports come and go. */

static void
refresh_ports(void)
{
    size_t n = xenvif_list(NULL, 0);
    struct xenvif_id *ids = xmalloc(n * sizeof *ids + 1);
    struct backend *b;

    n = MIN(n, xenvif_list(ids, n));
    for (size_t i = 0; i < n; i++) {
        if (!backend_find(ids[i])) {
            b = xzalloc(sizeof *b);
            b->id = ids[i];
            b->seen = XENBUS_UNKNOWN;
            hmap_insert(&backends, &b->node, id_hash(b->id));
            watch_backend(b, true);
        }
    }
    free(ids);

    HMAP_FOR_EACH (b, node, &backends) {
        uint64_t port = xenvif_port_serial(b->id);

        if (port != b->port) {
            /* A new port has neither rings nor limits yet, even if the one
             * before it went in the same turn. */
            b->port = port;
            b->attached = b->have_policy = false;
        }
        b->dirty = true;                /* Detached, or cut off, perhaps. */
    }
}

void
backends_run(void)
{
    struct backend *b;

    if (!serving || !open_xenstore()) {
        return;
    }

    uint64_t seqno = seq_read(xenvif_seq());
    if (seqno != ports_seqno) {
        ports_seqno = seqno;
        refresh_ports();
    }
    drain_events();

    HMAP_FOR_EACH_SAFE (b, node, &backends) {
        if (xs && b->dirty) {
            b->dirty = false;
            if (backend_vif_run(b, xs, own_domid)) {
                b->dirty = true;
                poll_immediate_wake();
            }
        }
        if (xs && !b->port && !b->dirty && !b->quarantined) {
            watch_backend(b, false);
            hmap_remove(&backends, &b->node);
            free(b);
        }
    }
}

void
backends_wait(void)
{
    if (!serving) {
        return;
    }
    if (xs) {
        seq_wait(xenvif_seq(), ports_seqno);
        poll_fd_wait(xs_fileno(xs), POLLIN);
    } else {
        poll_timer_wait_until(reopen_ms);
    }
}

static void
backends_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct backend *b;

    ds_put_format(&ds, "xenstore: %s\n",
                  !serving ? "not used" : xs ? "connected" : "out of reach");
    HMAP_FOR_EACH (b, node, &backends) {
        ds_put_format(&ds, "vif%u.%u: port %s, rings %s, frontend %s%s%s\n",
                      b->id.domid, b->id.devid, b->port ? "yes" : "no",
                      b->attached ? "attached" : "detached",
                      xenbus_state_name(b->seen),
                      b->error[0] ? ", " : "", b->error);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
backends_init(uint16_t own_domid_, const char *xenstore_path)
{
    own_domid = own_domid_;
    if (xenstore_path) {
        setenv("XENSTORED_PATH", xenstore_path, 1);
    }
    serving = true;
    unixctl_command_register("netdom/backends", "", 0, 0, backends_show,
                             NULL);
}
