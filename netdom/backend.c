#include <config.h>

#include "netdom/backend.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/xenvif.h"
#include "netdom/vif_nodes.h"
#include "netdom/xenbus_fsm.h"
#include "netdom/xs.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "seq.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(backend);

#define STEPS_PER_TURN 16               /* For one vif. */
#define EVENTS_PER_TURN 1024
#define REOPEN_MS 1000

/* Why a vif does not do what it should, the most serious first: the first one
 * that holds is in its "error" node. */
enum backend_why {
    WHY_QUARANTINE,
    WHY_FRONTEND,
    WHY_POLICY,
    N_WHYS,
};

struct backend {
    struct hmap_node node;              /* By id. */
    struct xenvif_id id;
    bool have_port;
    bool dirty;                         /* Look at it. */

    /* What the handshake has to remember; the rest is in xenstore. */
    enum xenbus_state seen;             /* Frontend's state, seen last. */
    bool attached;
    bool we_closed, refused, quarantined;
    bool have_policy;
    char why[N_WHYS][VIF_WHY_BYTES];    /* "": does not hold. */
    char error[VIF_WHY_BYTES];          /* In the "error" node; "": none. */
};

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
    HMAP_FOR_EACH (b, node, &backends) {
        b->have_port = false;
        b->dirty = true;                /* Detached, or cut off, perhaps. */
    }
    for (size_t i = 0; i < n; i++) {
        b = backend_find(ids[i]);
        if (!b) {
            b = xzalloc(sizeof *b);
            b->id = ids[i];
            b->seen = XENBUS_UNKNOWN;
            /* What an earlier process left half closed was our wish. */
            b->we_closed = true;
            hmap_insert(&backends, &b->node, id_hash(b->id));
            watch_backend(b, true);
            b->dirty = true;
        }
        b->have_port = true;
    }
    free(ids);
}

/* The handshake. */

static void
publish_error(struct backend *b)
{
    const char *error = "";
    char dir[XS_PATH_BYTES];

    for (int i = N_WHYS - 1; i >= 0; i--) {
        error = b->why[i][0] ? b->why[i] : error;
    }
    if (!strcmp(b->error, error)) {
        return;
    }
    ovs_strzcpy(b->error, error, sizeof b->error);
    vif_backend_path(dir, own_domid, b->id);
    if (error[0]) {
        VLOG_WARN("vif%u.%u: %s", b->id.domid, b->id.devid, error);
        xs_put(xs, XBT_NULL, dir, "error", error);
    } else {
        strcat(dir, "/error");
        xs_rm(xs, XBT_NULL, dir);
    }
}

static void
set_why(struct backend *b, enum backend_why why, const char *text)
{
    ovs_strzcpy(b->why[why], text, sizeof b->why[why]);
    publish_error(b);
}

static void
set_state(struct backend *b, enum xenbus_state state)
{
    char dir[XS_PATH_BYTES], text[12];

    VLOG_INFO("vif%u.%u: %s", b->id.domid, b->id.devid,
              xenbus_state_name(state));
    vif_backend_path(dir, own_domid, b->id);
    snprintf(text, sizeof text, "%d", state);
    int error = xs_put(xs, XBT_NULL, dir, "state", text);
    if (error) {
        VLOG_WARN("vif%u.%u: cannot write state (%s)", b->id.domid,
                  b->id.devid, ovs_strerror(-error));
    }
}

static void
refresh_policy(struct backend *b)
{
    struct xenvif_policy policy;
    char why[VIF_WHY_BYTES];

    int error = vif_read_policy(xs, own_domid, b->id, &policy, why);
    if (!error) {
        b->have_policy = true;
        xenvif_set_policy(b->id, &policy);
        set_why(b, WHY_POLICY, "");
    } else if (error == -ENOENT && b->have_policy) {
        /* Its removal is under way: what held goes on holding. */
    } else {
        if (b->have_policy) {
            size_t used = strlen(why);
            snprintf(why + used, sizeof why - used,
                     "; the limits before stay in force");
        }
        set_why(b, WHY_POLICY, why);
    }
}

static void
attach(struct backend *b)
{
    struct vif_conn_params params;
    char why[VIF_WHY_BYTES];

    int error = vif_read_frontend(xs, b->id, &params, why);
    if (!error) {
        error = xenvif_attach(b->id, &params);
        if (error == -EBUSY) {
            return;                     /* Not yet unmapped: comes again. */
        }
        snprintf(why, sizeof why, "cannot attach to the frontend's rings "
                 "(%s)", ovs_strerror(-error));
    }
    if (error) {
        b->refused = true;
        set_why(b, WHY_FRONTEND, why);
        return;
    }
    b->attached = true;
    set_why(b, WHY_FRONTEND, "");
    set_state(b, XENBUS_CONNECTED);
}

static enum xenbus_link
link_state(struct backend *b)
{
    if (b->attached) {
        return b->have_port ? XENBUS_ATTACHED : XENBUS_DETACHED;
    }
    return xenvif_detached(b->id) ? XENBUS_DETACHED : XENBUS_DETACHING;
}

/* Reads both sides' nodes.  False if the toolstack knows no such vif. */
static bool
look(struct backend *b, struct xenbus_input *in)
{
    char dir[XS_PATH_BYTES];
    uint64_t state;

    memset(in, 0, sizeof *in);
    vif_backend_path(dir, own_domid, b->id);
    int error = xs_get_u64(xs, XBT_NULL, dir, "state", 0,
                           XENBUS_N_STATES - 1, &state);
    if (error && error != -EINVAL) {
        return false;
    }
    in->ours = error ? XENBUS_UNKNOWN : state;
    if (xs_get_bool(xs, XBT_NULL, dir, "online", &in->online)) {
        in->online = false;
    }

    vif_frontend_path(dir, b->id);
    error = xs_get_u64(xs, XBT_NULL, dir, "state", 0, XENBUS_N_STATES - 1,
                       &state);
    in->theirs = error ? XENBUS_UNKNOWN : state;
    if (in->theirs != b->seen) {
        b->seen = in->theirs;
        b->refused = false;
        set_why(b, WHY_FRONTEND, "");
    }
    b->we_closed = xenbus_still_unseen(b->we_closed, in->theirs);

    if (!b->have_port) {
        b->attached = false;
        b->have_policy = false;
    }
    const char *malice = xenvif_malice(b->id);
    if (malice && !b->quarantined) {
        char why[VIF_WHY_BYTES];

        b->quarantined = true;
        snprintf(why, sizeof why, "closed for breaking the protocol: %s",
                 malice);
        set_why(b, WHY_QUARANTINE, why);
    }
    in->link = link_state(b);
    in->have_port = b->have_port;
    in->have_policy = b->have_policy;
    in->quarantined = b->quarantined;
    in->refused = b->refused;
    in->we_closed = b->we_closed;
    return true;
}

/* One step of the handshake.  False if there is nothing more to do now. */
static bool
step(struct backend *b, const struct xenbus_input *in)
{
    char dir[XS_PATH_BYTES];
    enum xenbus_action action = xenbus_next(in);

    switch (action) {
    case XENBUS_WAIT:
        return false;

    case XENBUS_WRITE_FEATURES:
        if (vif_write_features(xs, own_domid, b->id)) {
            return false;
        }
        VLOG_INFO("vif%u.%u: InitWait", b->id.domid, b->id.devid);
        return true;

    case XENBUS_ATTACH:
        attach(b);
        return b->attached;

    case XENBUS_DETACH:
        b->attached = false;
        xenvif_detach(b->id);
        return true;

    case XENBUS_SET_CLOSING:
        b->we_closed = (in->theirs == XENBUS_CONNECTED
                        || (in->theirs == XENBUS_CLOSED && b->we_closed));
        set_state(b, XENBUS_CLOSING);
        return true;

    case XENBUS_SET_CLOSED:
        set_state(b, XENBUS_CLOSED);
        return true;

    case XENBUS_REMOVE:
        vif_backend_path(dir, own_domid, b->id);
        xs_rm(xs, XBT_NULL, dir);
        VLOG_INFO("vif%u.%u: removed", b->id.domid, b->id.devid);
        return false;
    }
    OVS_NOT_REACHED();
}

/* The toolstack has taken the vif away. */
static void
forget(struct backend *b)
{
    if (b->attached) {
        b->attached = false;
        xenvif_detach(b->id);
    }
    b->quarantined = b->refused = b->have_policy = false;
    b->we_closed = true;
    memset(b->why, 0, sizeof b->why);
    b->error[0] = '\0';
}

static void
backend_run(struct backend *b)
{
    struct xenbus_input in;

    b->dirty = false;
    if (b->have_port) {
        refresh_policy(b);
    }
    for (int i = 0; i < STEPS_PER_TURN; i++) {
        if (!look(b, &in)) {
            forget(b);
            return;
        }
        if (!step(b, &in)) {
            return;
        }
    }
    b->dirty = true;
    poll_immediate_wake();
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
            backend_run(b);
        }
        if (xs && !b->have_port && !b->dirty) {
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
    seq_wait(xenvif_seq(), ports_seqno);
    if (xs) {
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
                      b->id.domid, b->id.devid, b->have_port ? "yes" : "no",
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
