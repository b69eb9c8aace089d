#include <config.h>

#include "netdom/backend.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "netdom/backend_private.h"
#include "netdom/shared_limits.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "seq.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(backend);

#define EVENTS_PER_TURN 1024
#define LOOKS_PER_TURN 16
#define REOPEN_MS 1000

static struct hmap backends = HMAP_INITIALIZER(&backends);
/* Those with news, in the order in which they had them. */
static struct ovs_list due = OVS_LIST_INITIALIZER(&due);
static long long int next_look_ms = LLONG_MAX;
static struct xs_handle *xs;
static uint16_t own_domid;
static long long int reopen_ms;
static uint64_t ports_seqno;
static bool serving;
static bool shared_limits_due;

static uint64_t
now_ns(void)
{
    return time_msec() * UINT64_C(1000000);
}

static void
add_news(struct backend *b, unsigned int news)
{
    b->news |= news;
    if (ovs_list_is_empty(&b->due_node)) {
        ovs_list_push_back(&due, &b->due_node);
    }
}

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
set_watch(const struct backend *b, bool on, char kind, const char *path)
{
    char token[32];

    snprintf(token, sizeof token, "%c%u/%u", kind, b->id.domid, b->id.devid);
    if (on ? !xs_watch(xs, path, token) : !xs_unwatch(xs, path, token)) {
        if (on) {
            VLOG_WARN("cannot watch %s: %s", path, ovs_strerror(errno));
        }
    }
}

/* The token's first letter says whose nodes they are. */
static void
watch_backend(const struct backend *b, bool on)
{
    char path[XS_PATH_BYTES];
    size_t used;

    vif_frontend_path(path, b->id);
    used = strlen(path);
    ovs_strlcpy(path + used, "/state", sizeof path - used);
    set_watch(b, on, 's', path);
    ovs_strlcpy(path + used, "/request-multicast-control",
                sizeof path - used);
    set_watch(b, on, 'm', path);

    vif_policy_path(path, own_domid, b->id);
    set_watch(b, on, 'p', path);
    vif_backend_path(path, own_domid, b->id);
    set_watch(b, on, 'b', path);
}

/* What the change of 'path' in the backend's folder may mean.  Most of it is
 * written by ourselves. */
static unsigned int
backend_news(const struct backend *b, const char *path)
{
    char dir[XS_PATH_BYTES];
    size_t n;

    vif_backend_path(dir, own_domid, b->id);
    n = strlen(dir);
    if (strncmp(path, dir, n) || path[n] != '/') {
        return NEWS_ALL;
    }
    path += n + 1;
    return (!strcmp(path, "state") || !strcmp(path, "online") ? NEWS_STATE
            : !strcmp(path, "rate") ? NEWS_LIMITS
            : !strcmp(path, "mtu") ? NEWS_MTU : 0);
}

static void
handle_event(const char *path, const char *token)
{
    unsigned int domid, devid;
    char kind;

    if (!strcmp(token, SHARED_LIMITS_TOKEN)) {
        shared_limits_due = true;
        return;
    }
    if (sscanf(token, "%c%u/%u", &kind, &domid, &devid) != 3) {
        return;
    }

    struct backend *b = backend_find((struct xenvif_id) { domid, devid });
    unsigned int news = (!b ? 0
                         : kind == 's' ? NEWS_STATE
                         : kind == 'm' ? NEWS_MULTICAST
                         : kind == 'p' ? NEWS_LIMITS : backend_news(b, path));
    if (news) {
        add_news(b, news);
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
        handle_event(event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
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
    shared_limits_watch(xs, own_domid);
    shared_limits_due = true;
    HMAP_FOR_EACH (b, node, &backends) {
        watch_backend(b, true);
        add_news(b, NEWS_ALL);
    }
    return true;
}

/* Ports come and go. */

static struct backend_port
see_port(struct xenvif_id id)
{
    return (struct backend_port) {
        .serial = xenvif_port_serial(id),
        .malice = xenvif_malice(id),
        .carrier = xenvif_carrier(id),
        .max_queues = xenvif_max_queues(id),
    };
}

static void
refresh_port(struct backend *b)
{
    struct backend_port port = see_port(b->id);

    if (port.serial != b->port.serial) {
        /* A new port has neither rings nor limits yet, even if the one
         * before it went in the same turn. */
        b->attached = b->have_policy = b->have_rate = false;
        add_news(b, NEWS_ALL);
    } else if (port.malice != b->port.malice
               || b->waits_for_port
               || port.carrier != b->port.carrier
               || port.max_queues != b->port.max_queues) {
        add_news(b, NEWS_STATE);
    }
    b->port = port;
}

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
            b->carrier = -1;
            ovs_list_init(&b->due_node);
            pacer_init(&b->pacer, now_ns());
            b->rl = (struct vlog_rate_limit) VLOG_RATE_LIMIT_INIT(60, 60);
            hmap_insert(&backends, &b->node, id_hash(b->id));
            watch_backend(b, true);
        }
    }
    free(ids);

    HMAP_FOR_EACH (b, node, &backends) {
        refresh_port(b);
    }
}

/* Looks at those that are due and may be looked at, each once, and some at
 * most: what one guest causes does not keep another's handshake waiting for
 * longer than its own turn. */
static void
look_at_due(void)
{
    size_t n = ovs_list_size(&due);
    int n_looks = 0;

    next_look_ms = LLONG_MAX;
    for (; n && xs && n_looks < LOOKS_PER_TURN; n--) {
        struct backend *b = CONTAINER_OF(ovs_list_pop_front(&due),
                                         struct backend, due_node);
        unsigned int news = b->news;

        ovs_list_init(&b->due_node);
        if (!pacer_may_look(&b->pacer, now_ns())) {
            long long int wait_ms
                = DIV_ROUND_UP(pacer_wait_ns(&b->pacer), 1000000);

            next_look_ms = MIN(next_look_ms, time_msec() + wait_ms);
            add_news(b, news);
            continue;
        }
        n_looks++;
        b->news = 0;
        if (backend_vif_run(b, xs, own_domid, news)) {
            add_news(b, NEWS_STATE);
            next_look_ms = 0;
        }
    }
    if (n) {
        next_look_ms = 0;               /* There is more, for the next turn. */
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
    if (xs && shared_limits_due) {
        shared_limits_due = false;
        shared_limits_refresh(xs, own_domid);
    }
    look_at_due();

    HMAP_FOR_EACH_SAFE (b, node, &backends) {
        if (xs && !b->port.serial && ovs_list_is_empty(&b->due_node)
            && !b->waits_for_port && !b->quarantine.on) {
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
        poll_timer_wait_until(next_look_ms);
    } else {
        poll_timer_wait_until(reopen_ms);
    }
}

static void
show_backend(struct ds *ds, const struct backend *b)
{
    const char *source;
    struct qos_profile limit = backend_tx_limit(b, &source);

    ds_put_format(ds, "vif%u.%u: port %s, rings %s, frontend %s%s%s\n",
                  b->id.domid, b->id.devid, b->port.serial ? "yes" : "no",
                  b->attached ? "attached" : "detached",
                  xenbus_state_name(b->seen),
                  b->error[0] ? ", " : "", b->error);
    ds_put_cstr(ds, "  transmit limit: ");
    if (limit.rate_bps) {
        ds_put_format(ds, "%"PRIu64" bit/s, burst %"PRIu64" bytes, from ",
                      limit.rate_bps, limit.burst_bytes);
    }
    ds_put_format(ds, "%s\n  looks: %"PRIu64", deferred %"PRIu64"\n",
                  source, b->pacer.n_looks, b->pacer.n_deferred);
    if (b->quarantine.on) {
        ds_put_format(ds, "  quarantine: %s\n", b->quarantine.reason);
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
        show_backend(&ds, b);
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
