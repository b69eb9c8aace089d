#include <config.h>
#include "tools/guest/tap.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/endpoint.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tap_device.h"
#include "tools/guest/tx_ring.h"

VLOG_DEFINE_THIS_MODULE(tap);

/* Ethernet header, two VLAN tags. */
#define L2_BYTES 22

struct tap {
    struct endpoint up;
    const struct tap_options *options;
    struct tap_device device;
    uint32_t mtu;
    bool configured;

    uint64_t rx_drops;                  /* The kernel took them not. */
    uint64_t tx_too_long;               /* Did not fit the buffers. */
    uint64_t tx_no_sg;                  /* The backend has no feature-sg. */
};

static struct tap *
tap_cast(const struct endpoint *e)
{
    return CONTAINER_OF(e, struct tap, up);
}

static int
report(const struct tap *tap, const char *what, int error)
{
    if (error) {
        VLOG_ERR("%s: cannot %s (%s)", tap->device.name, what,
                 ovs_strerror(-error));
    }
    return error;
}

static int
tap_configure(struct endpoint *e, const struct vif_config *config)
{
    struct tap *tap = tap_cast(e);
    const struct tap_options *o = tap->options;
    const uint8_t *mac = o->mac ? o->mac
                                : config->has_mac ? config->mac : NULL;
    int error;

    if (mac) {
        error = report(tap, "set its MAC address",
                       tap_device_set_mac(&tap->device, mac));
        if (error) {
            return error;
        }
    }
    tap->mtu = o->mtu ? o->mtu : config->mtu;
    error = report(tap, "set its MTU",
                   tap_device_set_mtu(&tap->device, tap->mtu));
    if (error || tap->configured) {
        return error;
    }

    for (size_t i = 0; i < o->n_addresses; i++) {
        error = tap_device_add_address(&tap->device, o->addresses[i]);
        if (error) {
            VLOG_ERR("%s: cannot add the address %s (%s)", tap->device.name,
                     o->addresses[i], ovs_strerror(-error));
            return error;
        }
    }
    error = report(tap, "bring it up", tap_device_set_up(&tap->device));
    if (!error) {
        tap->configured = true;
    }
    return error;
}

static void
tap_set_link(struct endpoint *e, bool up, uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);

    report(tap, "set its carrier", tap_device_set_carrier(&tap->device, up));
}

/* A frame filled all the buffers that it was given: perhaps the MTU was
 * changed from inside the guest. */
static void
handle_long_frame(struct tap *tap)
{
    uint32_t mtu;

    tap->tx_too_long++;
    if (!tap_device_get_mtu(&tap->device, &mtu) && mtu != tap->mtu) {
        VLOG_INFO("%s: its MTU is now %u", tap->device.name, mtu);
        tap->mtu = mtu;
    }
}

static unsigned int
tap_transmit(struct endpoint *e, struct tx_ring *tx, bool sg,
             unsigned int budget, uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);
    /* A frame that fills its buffers to the last byte was cut. */
    uint32_t n_slots = ring_slots_for(tap->mtu + L2_BYTES + 1);
    struct iovec iov[RING_FRAME_SLOTS_MAX];
    unsigned int n;

    n_slots = MIN(n_slots, RING_FRAME_SLOTS_MAX);
    for (n = 0; n < budget && tx_ring_has_room(tx, n_slots); n++) {
        tx_ring_buffers(tx, iov, n_slots);

        ssize_t bytes = n_slots > 1
                        ? readv(tap->device.fd, iov, n_slots)
                        : read(tap->device.fd, iov[0].iov_base,
                               iov[0].iov_len);
        if (bytes <= 0) {
            if (bytes < 0 && errno == EBADFD) {
                VLOG_FATAL("%s: someone removed the interface",
                           tap->device.name);
            }
            break;
        }
        if (bytes == n_slots * RING_PAGE_BYTES) {
            handle_long_frame(tap);
        } else if (bytes > RING_PAGE_BYTES && !sg) {
            tap->tx_no_sg++;
        } else {
            tx_ring_put(tx, bytes);
        }
    }
    return n;
}

static void
tap_receive(struct endpoint *e, const struct rx_frame *frame,
            uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);
    ssize_t n = frame->n_iov == 1
                ? write(tap->device.fd, frame->iov[0].iov_base,
                        frame->iov[0].iov_len)
                : writev(tap->device.fd, frame->iov, frame->n_iov);

    if (n < 0) {
        tap->rx_drops++;
    }
}

static void
tap_wait(struct endpoint *e, bool room)
{
    if (room) {
        poll_fd_wait(tap_cast(e)->device.fd, POLLIN);
    }
}

static void
tap_report_json(const struct endpoint *e, struct json *object)
{
    const struct tap *tap = tap_cast(e);
    struct json *json = json_object_create();

    json_object_put_string(json, "name", tap->device.name);
    json_object_put(json, "mtu", json_integer_create(tap->mtu));
    json_object_put(json, "rx_drops", json_integer_create(tap->rx_drops));
    json_object_put(json, "tx_too_long",
                    json_integer_create(tap->tx_too_long));
    json_object_put(json, "tx_no_sg", json_integer_create(tap->tx_no_sg));
    json_object_put(object, "tap", json);
}

static void
tap_report_text(const struct endpoint *e, struct ds *ds)
{
    const struct tap *tap = tap_cast(e);

    ds_put_format(ds, "tap %s: mtu %u, not taken by the kernel %"PRIu64
                  ", too long %"PRIu64", without feature-sg %"PRIu64"\n",
                  tap->device.name, tap->mtu, tap->rx_drops, tap->tx_too_long,
                  tap->tx_no_sg);
}

static void
tap_destroy(struct endpoint *e)
{
    if (e) {
        struct tap *tap = tap_cast(e);

        tap_device_close(&tap->device);
        free(tap);
    }
}

static const struct endpoint_class tap_class = {
    .name = "tap",
    .configure = tap_configure,
    .set_link = tap_set_link,
    .transmit = tap_transmit,
    .receive = tap_receive,
    .wait = tap_wait,
    .report_json = tap_report_json,
    .report_text = tap_report_text,
    .destroy = tap_destroy,
};

int
tap_create(struct endpoint **ep, const struct tap_options *options,
           char **error)
{
    struct tap *tap = xzalloc(sizeof *tap);

    tap->up.class = &tap_class;
    tap->options = options;
    tap->mtu = options->mtu ? options->mtu : 1500;

    int err = tap_device_open(&tap->device, options->name, options->netns,
                              error);
    if (err) {
        free(tap);
        return err;
    }
    err = tap_device_set_carrier(&tap->device, false);
    if (err == -EINVAL || err == -ENOTTY) {
        *error = xasprintf("%s: this kernel has no TUNSETCARRIER (it came "
                           "with Linux 4.20)", options->name);
    } else if (err) {
        *error = xasprintf("%s: cannot set its carrier (%s)", options->name,
                           ovs_strerror(-err));
    }
    if (!err && options->tx_queue_len) {
        err = tap_device_set_queue_len(&tap->device, options->tx_queue_len);
        if (err) {
            *error = xasprintf("%s: cannot set its queue's length (%s)",
                               options->name, ovs_strerror(-err));
        }
    }
    if (err) {
        tap_destroy(&tap->up);
        return err;
    }
    *ep = &tap->up;
    return 0;
}
