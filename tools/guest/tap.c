#include <config.h>
#include "tools/guest/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_net.h>
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
#include "tools/guest/packet.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tap_device.h"
#include "tools/guest/tx_path.h"
#include "tools/guest/vnet.h"

VLOG_DEFINE_THIS_MODULE(tap);

/* Ethernet header, two VLAN tags. */
#define L2_BYTES 22

/* Of the longest frame that a ring carries. */
#define LONG_FRAME_SLOTS 16

struct tap {
    struct endpoint up;
    const struct tap_options *options;
    struct tap_device device;
    uint32_t mtu;
    bool configured;
    bool long_frames;                   /* The kernel sends GSO frames. */
    uint32_t ring;                      /* Where the last frame went. */

    uint64_t rx_drops;                  /* The kernel took them not. */
    uint64_t rx_bad_offload;            /* Not what they are said to be. */
    uint64_t tx_too_long;               /* Did not fit the buffers. */
    uint64_t tx_no_sg;                  /* The backend has no feature-sg. */
    uint64_t tx_no_gso;                 /* Sent before the kernel knew that
                                         * the backend takes them not. */
    uint64_t tx_csum_filled;            /* Checksums that we completed. */
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
tap_set_link(struct endpoint *e, const struct tx_path *path,
             uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);

    if (path) {
        const struct offload_set *takes = &path->takes;

        tap->long_frames = takes->gso4 || takes->gso6;
        tap->ring = 0;
        report(tap, "set its offloads",
               tap_device_set_offload(&tap->device,
                                      takes->csum4 || takes->csum6,
                                      takes->gso4, takes->gso6));
    }
    report(tap, "set its carrier",
           tap_device_set_carrier(&tap->device, path != NULL));
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

/* Pages for a frame from the kernel.  One that fills them to the last byte
 * was cut. */
static uint32_t
slots_for_next(const struct tap *tap)
{
    uint32_t n_slots = ring_slots_for(tap->mtu + L2_BYTES + 1);

    return tap->long_frames ? LONG_FRAME_SLOTS
                            : MIN(n_slots, LONG_FRAME_SLOTS);
}

/* The ring of the flow of the frame that lies in the buffers 'iov' of
 * tap->ring.  Flows come in runs, so it is mostly in the right one; else it
 * moves. */
static struct tx_ring *
choose_ring(struct tap *tap, const struct tx_path *path,
            const struct iovec *iov, uint32_t n_slots, uint32_t bytes)
{
    uint32_t head_bytes = MIN(bytes, PACKET_HEAD_BYTES);
    uint32_t ring = path->n_rings == 1 ? 0
                    : packet_flow_hash(iov[0].iov_base, head_bytes)
                      % path->n_rings;

    if (ring != tap->ring) {
        struct iovec to[LONG_FRAME_SLOTS];

        tx_ring_buffers(path->rings[ring], to, n_slots);
        for (uint32_t i = 0; bytes; i++) {
            uint32_t part = MIN(bytes, RING_PAGE_BYTES);

            memcpy(to[i].iov_base, iov[i].iov_base, part);
            bytes -= part;
        }
        tap->ring = ring;
    }
    return path->rings[ring];
}

/* Puts the frame that was read into the buffers 'iov'. */
static void
put_frame(struct tap *tap, const struct tx_path *path,
          const struct virtio_net_hdr *hdr, const struct iovec *iov,
          uint32_t n_slots, uint32_t bytes)
{
    struct frame_offload offload;
    bool fill;

    if (bytes == n_slots * RING_PAGE_BYTES) {
        handle_long_frame(tap);
        return;
    }
    if (bytes > RING_PAGE_BYTES && !path->takes.sg) {
        tap->tx_no_sg++;
        return;
    }
    if (vnet_to_offload(hdr, iov[0].iov_base, MIN(bytes, PACKET_HEAD_BYTES),
                        &path->takes, &offload, &fill)) {
        tap->tx_no_gso++;
        return;
    }
    if (fill) {
        vnet_fill_checksum(hdr, iov, n_slots, bytes);
        tap->tx_csum_filled++;
    }
    tx_ring_put(choose_ring(tap, path, iov, n_slots, bytes), bytes, &offload);
}

static unsigned int
tap_transmit(struct endpoint *e, const struct tx_path *path,
             unsigned int budget, uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);
    uint32_t n_slots = slots_for_next(tap);
    struct virtio_net_hdr hdr;
    struct iovec iov[LONG_FRAME_SLOTS + 1] = {
        { .iov_base = &hdr, .iov_len = sizeof hdr },
    };
    unsigned int n;

    for (n = 0; n < budget && tx_path_has_room(path, n_slots + 1); n++) {
        tx_ring_buffers(path->rings[tap->ring], iov + 1, n_slots);

        ssize_t bytes = readv(tap->device.fd, iov, n_slots + 1);
        if (bytes <= (ssize_t) sizeof hdr) {
            if (bytes < 0 && errno == EBADFD) {
                VLOG_FATAL("%s: someone removed the interface",
                           tap->device.name);
            }
            break;
        }
        put_frame(tap, path, &hdr, iov + 1, n_slots, bytes - sizeof hdr);
    }
    return n;
}

static void
tap_receive(struct endpoint *e, const struct rx_frame *frame,
            uint64_t now_ns OVS_UNUSED)
{
    struct tap *tap = tap_cast(e);
    struct virtio_net_hdr hdr;
    struct iovec iov[RING_FRAME_SLOTS_MAX + 1] = {
        { .iov_base = &hdr, .iov_len = sizeof hdr },
    };

    if (vnet_from_offload(&frame->offload, frame->iov, frame->n_iov, &hdr)) {
        tap->rx_bad_offload++;
        return;
    }
    memcpy(iov + 1, frame->iov, frame->n_iov * sizeof *iov);
    if (writev(tap->device.fd, iov, frame->n_iov + 1) < 0) {
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
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        { "mtu", tap->mtu },
        { "rx_drops", tap->rx_drops },
        { "rx_bad_offload", tap->rx_bad_offload },
        { "tx_too_long", tap->tx_too_long },
        { "tx_no_sg", tap->tx_no_sg },
        { "tx_no_gso", tap->tx_no_gso },
        { "tx_csum_filled", tap->tx_csum_filled },
    };

    json_object_put_string(json, "name", tap->device.name);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_object_put(json, members[i].name,
                        json_integer_create(members[i].value));
    }
    json_object_put(object, "tap", json);
}

static void
tap_report_text(const struct endpoint *e, struct ds *ds)
{
    const struct tap *tap = tap_cast(e);

    ds_put_format(ds, "tap %s: mtu %u, not taken by the kernel %"PRIu64
                  ", of wrong offload %"PRIu64", too long %"PRIu64
                  ", without feature-sg %"PRIu64", without feature-gso %"
                  PRIu64", checksums completed %"PRIu64"\n",
                  tap->device.name, tap->mtu, tap->rx_drops,
                  tap->rx_bad_offload, tap->tx_too_long, tap->tx_no_sg,
                  tap->tx_no_gso, tap->tx_csum_filled);
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
