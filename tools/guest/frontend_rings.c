#include <config.h>
#include "tools/guest/frontend_rings.h"

#include <errno.h>
#include <stdlib.h>
#include <xenstore.h>

#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/frontend.h"
#include "tools/guest/frontend_keys.h"
#include "tools/guest/memory.h"
#include "tools/guest/xs_node.h"

VLOG_DEFINE_THIS_MODULE(frontend_rings);

void
frontend_say(struct frontend *f, enum xenbus_state state)
{
    int error = xs_node_write_uint(f->domain->xs, XBT_NULL, f->dir, "state",
                                   state);

    if (error) {
        VLOG_WARN("%s/state: cannot write %d (%s)", f->dir, state,
                  ovs_strerror(-error));
    }
    VLOG_DBG("own state %s", frontend_state_name(state));
}

/* What we and the backend agree on. */
static void
agree(const struct frontend *f, const struct backend_features *features,
      struct vif_shape *shape)
{
    const struct frontend_options *o = &f->options;
    const struct offload_set *has = &features->takes;
    struct offload_set *tx = &shape->tx_takes;

    *shape = (struct vif_shape) {
        .backend_domid = f->backend_domid,
        .n_queues = MAX(1, MIN(o->n_queues, features->max_queues)),
        .split = !o->shared_evtchn && features->split_event_channels,
        .rx_notify = !o->no_rx_notify,
    };
    offload_set_wanted(&shape->rx_takes, o);
    *tx = shape->rx_takes;
    tx->sg &= has->sg;
    tx->csum4 &= has->csum4;
    tx->csum6 &= has->csum6;
    tx->gso4 &= has->gso4 && tx->sg && tx->csum4;
    tx->gso6 &= has->gso6 && tx->sg && tx->csum6;
}

/* Makes the rings and writes their keys. */
static int
make(struct frontend *f, const struct backend_features *features,
     uint64_t now_ns)
{
    const struct control_wishes *wishes = &f->options.control;
    struct frontend_keys keys = {
        .vif = f->vif,
        .multicast_control = features->multicast_control
                             && f->options.multicast_control,
        .xdp_headroom = features->xdp_headroom
                        ? (int32_t) f->options.xdp_headroom : -1,
    };
    struct vif_shape shape;

    agree(f, features, &shape);
    guest_memory_retry_held(f->vif->memory);

    int error = vif_connect(f->vif, &shape);
    if (error == -ENOMEM) {
        /* Dead backends hold too many pages: start with new memory. */
        error = frontend_renew_memory(f->domain, f->vif->memory);
        if (!error) {
            error = vif_connect(f->vif, &shape);
        }
    }
    if (error) {
        return error;
    }
    if (wishes->hash || wishes->persistent_grants) {
        if (!features->ctrl_ring) {
            VLOG_INFO("%s: no control ring, hence neither hash nor "
                      "persistent grants", f->backend_dir);
        } else {
            error = control_open(&f->control, f->vif, wishes);
            keys.ctrl_ring_ref = f->control.ring.page;
            keys.event_channel_ctrl = f->control.channel.port;
        }
    }
    if (!error) {
        error = frontend_keys_write(f->domain->xs, f->dir, &keys);
    }
    if (error) {
        control_close(&f->control);
        vif_disconnect(f->vif, now_ns);
    }
    return error;
}

int
frontend_rings_make(struct frontend *f, uint64_t now_ns)
{
    struct backend_features features;

    backend_features_read(f->domain->xs, f->backend_dir, &features);
    if (!features.rx_copy) {
        VLOG_ERR("%s: the backend does not offer feature-rx-copy, and this "
                 "guest knows no other way", f->backend_dir);
        return -EOPNOTSUPP;
    }

    int error = make(f, &features, now_ns);
    if (error) {
        VLOG_ERR("%s: cannot connect (%s)", f->dir, ovs_strerror(-error));
        return error;
    }
    f->reconfigure = false;
    f->rings_backend_dir = xstrdup(f->backend_dir);
    return 0;
}

void
frontend_rings_drop(struct frontend *f, uint64_t now_ns)
{
    control_close(&f->control);
    vif_disconnect(f->vif, now_ns);
    free(f->rings_backend_dir);
    f->rings_backend_dir = NULL;
}
