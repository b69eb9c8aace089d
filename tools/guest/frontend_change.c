#include <config.h>
#include "tools/guest/frontend_change.h"

#include <errno.h>

#include <xen/xen.h>
#include <xen/io/xenbus.h>

#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/frontend.h"
#include "tools/guest/frontend_keys.h"
#include "tools/guest/frontend_rings.h"

VLOG_DEFINE_THIS_MODULE(frontend_change);

/* How long the backend may take to become Reconfigured, and how long one that
 * still is gets to read the new headroom: nothing would tell. */
#define RECONFIGURE_NS 3000000000ull
#define REREAD_NS 200000000ull

void
frontend_set_wanted(struct frontend *f, bool wanted)
{
    f->wanted = wanted;
    f->connect_at_ns = 0;
    f->dirty = true;
}

void
frontend_restart(struct frontend *f)
{
    f->restart = f->vif->connected;
    f->connect_at_ns = 0;
    f->dirty = true;
}

int
frontend_suspend(struct frontend *f, uint64_t now_ns)
{
    frontend_rings_drop(f, now_ns);
    f->view.was_connected = false;
    f->close_by_ns = f->reconfigured_by_ns = 0;
    f->connect_at_ns = 0;
    f->restart = false;
    f->dirty = true;
    f->n_suspends++;

    int error = frontend_renew_memory(f->domain, f->vif->memory);
    if (!error && f->view.plugged) {
        VLOG_INFO("%s: woke up", f->dir);
        frontend_say(f, XenbusStateInitialising);
    }
    return error;
}

int
frontend_set_multicast_control(struct frontend *f, bool on)
{
    f->options.multicast_control = on;
    return f->vif->connected
           ? frontend_key_multicast_control(f->domain->xs, f->dir, on) : 0;
}

int
frontend_set_xdp_headroom(struct frontend *f, uint32_t bytes)
{
    struct backend_features features;

    if (f->vif->connected) {
        backend_features_read(f->domain->xs, f->backend_dir, &features);
        if (!features.xdp_headroom) {
            return -EOPNOTSUPP;
        }
    }
    f->options.xdp_headroom = bytes;
    f->reconfigure = f->vif->connected;
    f->dirty = true;
    return 0;
}

void
frontend_reconfigure(struct frontend *f, uint64_t now_ns)
{
    int error = frontend_key_xdp_headroom(f->domain->xs, f->dir,
                                          f->options.xdp_headroom);

    if (error) {
        VLOG_WARN("%s: cannot write its XDP headroom (%s)", f->dir,
                  ovs_strerror(-error));
    }
    f->reconfigure = false;
    f->reconfigured_before = f->view.backend == XenbusStateReconfigured;
    f->reconfigured_by_ns = now_ns + (f->reconfigured_before
                                      ? REREAD_NS : RECONFIGURE_NS);
    frontend_say(f, XenbusStateReconfiguring);
}
