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
    if (!error) {
        b->begun = true;
    } else {
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
    struct vif_frontend frontend;
    char why[VIF_WHY_BYTES];

    int error = vif_read_frontend(xs, b->id, &frontend, why);
    if (error == -EIO) {
        return;                         /* Not the frontend's fault. */
    } else if (!error) {
        error = xenvif_attach(b->id, &frontend);
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
    return xenvif_detached(b->id) ? XENBUS_DETACHED : XENBUS_DETACHING;
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
    b->quarantined = b->refused = b->begun = false;
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

    const char *malice = xenvif_malice(b->id);
    if (malice && !b->quarantined) {
        char why[VIF_WHY_BYTES];

        b->quarantined = true;
        snprintf(why, sizeof why, "closed for breaking the protocol: %s",
                 malice);
        set_why(b, WHY_QUARANTINE, why);
    }
    in->link = link_state(b);
    in->have_port = b->port;
    in->have_policy = b->have_policy;
    in->quarantined = b->quarantined;
    in->refused = b->refused;
    in->unseen = b->memory.unseen;
    in->invite = b->memory.invite;
    return 0;
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
        b->begun = true;
        VLOG_INFO("vif%u.%u: InitWait", b->id.domid, b->id.devid);
        return true;

    case XENBUS_ATTACH:
        attach(b);
        return b->attached;

    case XENBUS_DETACH:
        b->attached = false;
        xenvif_detach(b->id);
        return true;

    case XENBUS_RECONFIGURE:
        set_state(b, XENBUS_RECONFIGURED);
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

bool
backend_vif_run(struct backend *b, struct xs_handle *xs_,
                uint16_t own_domid_)
{
    struct xenbus_input in;

    xs = xs_;
    own_domid = own_domid_;
    if (b->port) {
        refresh_policy(b);
    }
    for (int i = 0; i < STEPS_PER_TURN; i++) {
        int error = look(b, &in);
        if (error) {
            if (error == -ENOENT) {
                forget(b);
                b->have_policy = false;
            }
            return false;
        }
        if (!step(b, &in)) {
            return false;
        }
    }
    return true;
}
