#include <config.h>
#include "tools/guest/frontend_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"

#include "tools/guest/endpoint.h"
#include "tools/guest/memory.h"
#include "tools/guest/vif.h"
#include "tools/guest/xs_node.h"

VLOG_DEFINE_THIS_MODULE(frontend_keys);

#define MULTICAST_KEY "request-multicast-control"
#define XDP_KEY "xdp-headroom"

#define MTU_MIN 68
#define MTU_MAX 65521
#define MTU_DEFAULT 1500

/* Commits may meet those of others; more often than this, something is
 * wrong. */
#define TRANSACTION_TRIES 20

static bool
feature(struct xs_handle *xs, const char *dir, const char *key)
{
    return xs_node_read_uint(xs, dir, key, 1, 0);
}

void
backend_features_read(struct xs_handle *xs, const char *dir,
                      struct backend_features *f)
{
    *f = (struct backend_features) {
        .rx_copy = feature(xs, dir, "feature-rx-copy"),
        .split_event_channels
            = feature(xs, dir, "feature-split-event-channels"),
        .ctrl_ring = feature(xs, dir, "feature-ctrl-ring"),
        .multicast_control = feature(xs, dir, "feature-multicast-control"),
        .xdp_headroom = feature(xs, dir, "feature-xdp-headroom"),
        .max_queues = xs_node_read_uint(xs, dir, "multi-queue-max-queues",
                                        UINT16_MAX, 1),
        .takes = {
            .sg = feature(xs, dir, "feature-sg"),
            .csum4 = !feature(xs, dir, "feature-no-csum-offload"),
            .csum6 = feature(xs, dir, "feature-ipv6-csum-offload"),
            .gso4 = feature(xs, dir, "feature-gso-tcpv4"),
            .gso6 = feature(xs, dir, "feature-gso-tcpv6"),
        },
    };
}

void
offload_set_wanted(struct offload_set *set, const struct frontend_options *o)
{
    bool csum = !o->no_csum;
    bool gso = csum && !o->no_gso && !o->no_sg;

    *set = (struct offload_set) {
        .sg = !o->no_sg, .csum4 = csum, .csum6 = csum, .gso4 = gso,
        .gso6 = gso,
    };
}

void
vif_config_read(struct xs_handle *xs, const char *dir,
                struct vif_config *config)
{
    char *mac = xs_node_read(xs, dir, "mac");
    struct eth_addr ea;

    memset(config, 0, sizeof *config);
    if (mac && eth_addr_from_string(mac, &ea) && !eth_addr_is_multicast(ea)
        && !eth_addr_is_zero(ea)) {
        memcpy(config->mac, ea.ea, sizeof config->mac);
        config->has_mac = true;
    } else if (mac) {
        VLOG_WARN("%s/mac: \"%s\" is no MAC address; ignored", dir, mac);
    }
    free(mac);

    config->mtu = xs_node_read_uint(xs, dir, "mtu", MTU_MAX, MTU_DEFAULT);
    if (config->mtu < MTU_MIN) {
        config->mtu = MTU_DEFAULT;
    }
}

struct key {
    const char *name;
    uint32_t value;
    bool present;                       /* Otherwise removed. */
};

static int
write_list(struct xs_handle *xs, uint32_t t, const char *dir,
           const struct key *keys, size_t n)
{
    int error = 0;

    for (size_t i = 0; i < n && !error; i++) {
        error = keys[i].present
                ? xs_node_write_uint(xs, t, dir, keys[i].name, keys[i].value)
                : xs_node_remove(xs, t, dir, keys[i].name);
    }
    return error;
}

/* The keys of one queue, in 'dir'; removes them if it has none. */
static int
write_queue(struct xs_handle *xs, uint32_t t, const char *dir,
            const struct vif_queue *q, bool split)
{
    const struct key keys[] = {
        { "tx-ring-ref", q ? q->tx.page : 0, q },
        { "rx-ring-ref", q ? q->rx.page : 0, q },
        { "event-channel", q ? q->tx_channel.port : 0, q && !split },
        { "event-channel-tx", q ? q->tx_channel.port : 0, q && split },
        { "event-channel-rx", q ? q->rx_channel.port : 0, q && split },
    };

    return write_list(xs, t, dir, keys, ARRAY_SIZE(keys));
}

static int
write_queues(struct xs_handle *xs, uint32_t t, const char *dir,
             const struct vif *vif)
{
    uint32_t n = vif->shape.n_queues;
    bool one = n == 1;

    int error = write_queue(xs, t, dir, one ? vif->queues : NULL,
                            vif->shape.split);
    for (uint32_t i = 0; i < QUEUES_MAX && !error; i++) {
        char *sub = xasprintf("queue-%u", i);

        if (one || i >= n) {
            error = xs_node_remove(xs, t, dir, sub);
        } else {
            char *path = xasprintf("%s/%s", dir, sub);
            error = write_queue(xs, t, path, &vif->queues[i],
                                vif->shape.split);
            free(path);
        }
        free(sub);
    }
    return error;
}

static int
write_keys(struct xs_handle *xs, uint32_t t, const char *dir,
           const struct frontend_keys *k)
{
    const struct vif *vif = k->vif;
    const struct offload_set *takes = &vif->shape.rx_takes;
    const struct key keys[] = {
        { "multi-queue-num-queues", vif->shape.n_queues,
          vif->shape.n_queues > 1 },
        { "request-rx-copy", 1, true },
        { "feature-rx-notify", 1, vif->shape.rx_notify },
        { "feature-sg", 1, takes->sg },
        { "feature-no-csum-offload", 1, !takes->csum4 },
        { "feature-ipv6-csum-offload", 1, takes->csum6 },
        { "feature-gso-tcpv4", 1, takes->gso4 },
        { "feature-gso-tcpv6", 1, takes->gso6 },
        { "ctrl-ring-ref", k->ctrl_ring_ref, k->ctrl_ring_ref },
        { "event-channel-ctrl", k->event_channel_ctrl, k->ctrl_ring_ref },
        { MULTICAST_KEY, 1, k->multicast_control },
        { XDP_KEY, MAX(k->xdp_headroom, 0), k->xdp_headroom >= 0 },
    };

    int error = write_queues(xs, t, dir, vif);
    return error ? error : write_list(xs, t, dir, keys, ARRAY_SIZE(keys));
}

int
frontend_keys_write(struct xs_handle *xs, const char *dir,
                    const struct frontend_keys *k)
{
    for (int i = 0; i < TRANSACTION_TRIES; i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        if (t == XBT_NULL) {
            return -errno;
        }

        int error = write_keys(xs, t, dir, k);
        if (error) {
            xs_transaction_end(xs, t, true);
            return error;
        }
        if (xs_transaction_end(xs, t, false)) {
            return 0;
        }
        if (errno != EAGAIN) {
            return -errno;
        }
    }
    return -EAGAIN;
}

int
frontend_key_multicast_control(struct xs_handle *xs, const char *dir, bool on)
{
    return xs_node_write_uint(xs, XBT_NULL, dir, MULTICAST_KEY, on);
}

int
frontend_key_xdp_headroom(struct xs_handle *xs, const char *dir,
                          uint32_t bytes)
{
    return xs_node_write_uint(xs, XBT_NULL, dir, XDP_KEY, bytes);
}

int
frontend_renew_memory(struct guest_domain *domain, struct guest_memory *memory)
{
    struct guest_memory fresh;

    int error = guest_memory_init(&fresh, memory->bytes / RING_PAGE_BYTES);
    if (error) {
        return error;
    }
    error = guest_domain_renew_memory(domain, &fresh);
    if (error) {
        guest_memory_finish(&fresh);
        return error;
    }
    guest_memory_finish(memory);
    *memory = fresh;
    return 0;
}
