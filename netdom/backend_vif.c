/* One vif's handshake: looks at both sides' nodes, takes one step after the
 * other, and says in the vif's "error" node why it cannot. */

#include <config.h>

#include "netdom/backend_private.h"

#include <errno.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(backend_vif);

#define STEPS_PER_TURN 16

/* Of the turn that runs; the main thread has one at a time. */
static struct xs_handle *xs;
static uint16_t own_domid;

static void
publish_error(struct backend *b, struct xs_handle *h, uint16_t domid)
{
    const char *error = "";

    for (int i = N_WHYS - 1; i >= 0; i--) {
        error = b->why[i][0] ? b->why[i] : error;
    }
    if (!strcmp(b->error, error)) {
        return;
    }
    ovs_strzcpy(b->error, error, sizeof b->error);
    vif_write_error(h, domid, b->id, error[0] ? error : NULL);
}

void
backend_set_why(struct backend *b, struct xs_handle *h, uint16_t domid,
                enum backend_why why, const char *text)
{
    if (text[0] && strcmp(b->why[why], text)) {
        VLOG_WARN_RL(&b->rl, "vif%u.%u: %s", b->id.domid, b->id.devid, text);
    }
    ovs_strzcpy(b->why[why], text, sizeof b->why[why]);
    publish_error(b, h, domid);
}

static void
set_why(struct backend *b, enum backend_why why, const char *text)
{
    backend_set_why(b, xs, own_domid, why, text);
}

static void
set_state(struct backend *b, enum xenbus_state state)
{
    char dir[XS_PATH_BYTES], text[12];

    VLOG_INFO_RL(&b->rl, "vif%u.%u: %s", b->id.domid, b->id.devid,
                 xenbus_state_name(state));
    vif_backend_path(dir, own_domid, b->id);
    snprintf(text, sizeof text, "%d", state);
    int error = xs_put(xs, XBT_NULL, dir, "state", text);
    if (!error) {
        b->begun = true;
    } else {
        VLOG_WARN_RL(&b->rl, "vif%u.%u: cannot write state (%s)",
                     b->id.domid, b->id.devid, ovs_strerror(-error));
    }
}

/* What a frontend may ask for while it is connected. */

static void
refresh_multicast_control(struct backend *b)
{
    bool on;

    if (!vif_read_multicast_control(xs, b->id, &on)) {
        xenvif_set_multicast_control(b->id, on);
    }
}

static void
reconfigure(struct backend *b)
{
    uint16_t bytes;

    if (!vif_read_xdp_headroom(xs, b->id, &bytes)) {
        xenvif_set_xdp_headroom(b->id, bytes);
        set_state(b, XENBUS_RECONFIGURED);
    }
}

/* What we have said of the port follows it.  How many queues it has matters
 * until the frontend has decided. */
static void
refresh_offer(struct backend *b, enum xenbus_state ours)
{
    if (ours == XENBUS_INIT_WAIT && b->port.serial
        && b->offered_queues != b->port.max_queues
        && !vif_write_max_queues(xs, own_domid, b->id,
                                 b->port.max_queues)) {
        b->offered_queues = b->port.max_queues;
    }
    if (b->port.serial && b->carrier != b->port.carrier
        && !vif_write_carrier(xs, own_domid, b->id, b->port.carrier)) {
        b->carrier = b->port.carrier;
    }
}

static void
attach(struct backend *b)
{
    struct vif_frontend frontend;
    char why[VIF_WHY_BYTES];

    int error = vif_read_frontend(xs, b->id, b->port.max_queues,
                                  &frontend, why);
    if (error == -EIO) {
        return;                         /* Not the frontend's fault. */
    } else if (b->memory.resume && (error || frontend.has_ctrl
                                    || frontend.multicast_control)) {
        /* Its hash, its mapped pages and its addresses went with the process
         * before us. */
        xenbus_cannot_resume(&b->memory);
        return;
    } else if (!error) {
        error = xenvif_attach(b->id, &frontend);
        if (error == -EBUSY) {
            b->waits_for_port = true;
            return;
        }
        snprintf(why, sizeof why, "cannot attach to the frontend's rings "
                 "(%s)", ovs_strerror(-error));
    }
    if (error) {
        b->refused = true;
        xenbus_cannot_resume(&b->memory);
        set_why(b, WHY_FRONTEND, why);
        return;
    }
    b->attached = true;
    if (b->memory.resume) {
        VLOG_INFO_RL(&b->rl, "vif%u.%u: goes on where the process before "
                     "left it", b->id.domid, b->id.devid);
    }
    xenbus_connected(&b->memory);
    set_why(b, WHY_FRONTEND, "");
    set_state(b, XENBUS_CONNECTED);
}

static enum xenbus_link
link_state(struct backend *b)
{
    if (b->attached) {
        return XENBUS_ATTACHED;
    }
    b->waits_for_port = !xenvif_detached(b->id);
    return b->waits_for_port ? XENBUS_DETACHING : XENBUS_DETACHED;
}

/* Ends quarantine, or begins to hold one that is in the backend's path
 * already. */
static void
set_quarantined(struct backend *b, bool on)
{
    char why[VIF_WHY_BYTES] = "";

    if (on) {
        snprintf(why, sizeof why, "closed for breaking the protocol: %s",
                 b->quarantine.reason);
    } else {
        xenvif_pardon(b->id);
    }
    set_why(b, WHY_QUARANTINE, why);
}

/* What the process before us has left, at the first look.  A vif that the
 * toolstack has just made owes nothing.  -EIO: come again. */
static int
look_back(struct backend *b, enum xenbus_state ours)
{
    int error;

    if (ours == XENBUS_INITIALISING) {
        error = vif_write_quarantine(xs, own_domid, b->id, &b->quarantine);
    } else {
        error = vif_read_quarantine(xs, own_domid, b->id, &b->quarantine);
    }
    if (!error) {
        b->looked = true;
        b->error[0] = '\0';
        vif_write_error(xs, own_domid, b->id, NULL);
        if (b->quarantine.on) {
            set_quarantined(b, true);
        }
    }
    return error;
}

/* Begins a quarantine, or ends it if dom0 has said so since. */
static void
judge(struct backend *b, const struct xenbus_input *in)
{
    const char *malice = xenvif_malice(b->id);
    struct quarantine *q = &b->quarantine;
    uint64_t release = 0;

    b->port.malice = malice;            /* Another one is news. */
    if (!q->on && !malice) {
        return;
    }

    int error = vif_read_release(xs, own_domid, b->id, &release);
    if (error == -EIO) {
        return;                         /* A 0 would be another number than
                                         * the one that is there. */
    }
    if (!q->on) {
        quarantine_begin(q, malice, release);
        b->unsaved = true;
        set_quarantined(b, true);
    } else if (!error && in->ours == XENBUS_CLOSED
               && in->link == XENBUS_DETACHED
               && quarantine_release(q, release)) {
        b->unsaved = true;
        set_quarantined(b, false);
        b->port.malice = NULL;
        xenbus_pardoned(&b->memory, in->theirs);
        VLOG_INFO("vif%u.%u: released", b->id.domid, b->id.devid);
    }
    if (b->unsaved) {
        b->unsaved = vif_write_quarantine(xs, own_domid, b->id, q) != 0;
    }
    if (q->on && !malice) {
        xenvif_accuse(b->id, q->reason);
    }
}

/* The toolstack has taken the vif away. */
static void
forget(struct backend *b)
{
    if (b->attached) {
        b->attached = false;
        xenvif_detach(b->id);
    }
    xenvif_pardon(b->id);
    memset(&b->quarantine, 0, sizeof b->quarantine);
    b->looked = b->refused = b->begun = b->unsaved = false;
    b->have_policy = b->have_rate = b->waits_for_port = false;
    b->carrier = -1;
    b->offered_queues = 0;
    b->seen = XENBUS_UNKNOWN;
    memset(&b->memory, 0, sizeof b->memory);
    memset(b->why, 0, sizeof b->why);
    b->error[0] = '\0';
}

/* Reads a state node.  XENBUS_UNKNOWN: nonsense. */
static int
read_state(const char *dir, enum xenbus_state *state)
{
    uint64_t n;

    int error = xs_get_u64(xs, XBT_NULL, dir, "state", 0,
                           XENBUS_N_STATES - 1, &n);
    *state = error ? XENBUS_UNKNOWN : n;
    return error == -EINVAL ? 0 : error;
}

/* Reads both sides' nodes.  -ENOENT: the toolstack knows no such vif; -EIO:
 * the xenstore does not answer, which says nothing about the vif. */
static int
look(struct backend *b, struct xenbus_input *in)
{
    char dir[XS_PATH_BYTES];

    memset(in, 0, sizeof *in);
    vif_backend_path(dir, own_domid, b->id);
    int error = read_state(dir, &in->ours);
    if (error) {
        return error == -EIO ? -EIO : -ENOENT;
    }
    if (in->ours == XENBUS_INITIALISING && b->begun) {
        /* Removed and made anew between two looks. */
        forget(b);
    }
    error = xs_get_bool(xs, XBT_NULL, dir, "online", &in->online);
    if (error == -EIO) {
        return error;
    }

    vif_frontend_path(dir, b->id);
    error = read_state(dir, &in->theirs);
    if (error == -EIO) {
        return error;
    }
    if (in->theirs != b->seen) {
        b->seen = in->theirs;
        b->refused = false;
        set_why(b, WHY_FRONTEND, "");
    }
    xenbus_looked(&b->memory, in->ours, in->theirs);
    return 0;
}

/* Adds what we know by ourselves. */
static void
consider(struct backend *b, struct xenbus_input *in)
{
    in->link = link_state(b);
    judge(b, in);
    in->have_port = b->port.serial;
    in->have_policy = b->have_policy && b->have_rate;
    in->quarantined = b->quarantine.on || b->port.malice;
    in->refused = b->refused;
    in->unseen = b->memory.unseen;
    in->invite = b->memory.invite;
    in->resume = b->memory.resume;
}

/* One step of the handshake.  False if there is nothing more to do now. */
static bool
step(struct backend *b, const struct xenbus_input *in)
{
    char dir[XS_PATH_BYTES];
    enum xenbus_action action = xenbus_next(in);
    int error;

    switch (action) {
    case XENBUS_WAIT:
        return false;

    case XENBUS_WRITE_FEATURES:
        error = vif_write_features(xs, own_domid, b->id, b->port.max_queues);
        if (error) {
            return error == -EAGAIN;
        }
        b->begun = true;
        b->offered_queues = b->port.max_queues;
        VLOG_INFO_RL(&b->rl, "vif%u.%u: InitWait", b->id.domid, b->id.devid);
        return true;

    case XENBUS_ATTACH: {
        bool resumed = b->memory.resume;

        attach(b);
        return b->attached || (resumed && !b->memory.resume);
    }

    case XENBUS_DETACH:
        b->attached = false;
        xenvif_detach(b->id);
        return true;

    case XENBUS_RECONFIGURE:
        reconfigure(b);
        return true;

    case XENBUS_SET_CONNECTED:
        set_state(b, XENBUS_CONNECTED);
        return true;

    case XENBUS_SET_CLOSING:
        xenbus_closing(&b->memory, in->theirs);
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

static void
refresh(struct backend *b, unsigned int news)
{
    if (b->port.serial && news & NEWS_LIMITS) {
        backend_refresh_limits(b, xs, own_domid);
    }
    if (b->port.serial && news & NEWS_MTU) {
        backend_refresh_mtu(b, xs, own_domid);
    }
    if (b->attached && news & NEWS_MULTICAST) {
        refresh_multicast_control(b);
    }
}

bool
backend_vif_run(struct backend *b, struct xs_handle *xs_,
                uint16_t own_domid_, unsigned int news)
{
    struct xenbus_input in;

    xs = xs_;
    own_domid = own_domid_;
    for (int i = 0; i < STEPS_PER_TURN; i++) {
        int error = look(b, &in);
        if (!error && !b->looked) {
            error = look_back(b, in.ours);
            news = NEWS_ALL;
        }
        if (error) {
            if (error == -ENOENT) {
                forget(b);
            }
            return error == -EAGAIN;
        }
        refresh(b, news);
        news = 0;
        consider(b, &in);
        refresh_offer(b, in.ours);
        if (!step(b, &in)) {
            return false;
        }
    }
    return true;
}
