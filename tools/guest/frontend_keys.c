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

#define MTU_MIN 68
#define MTU_MAX 65521
#define MTU_DEFAULT 1500

/* Commits may meet those of others; more often than this, something is
 * wrong. */
#define TRANSACTION_TRIES 20

void
backend_features_read(struct xs_handle *xs, const char *backend_dir,
                      struct backend_features *features)
{
    *features = (struct backend_features) {
        .rx_copy = xs_node_read_uint(xs, backend_dir, "feature-rx-copy",
                                     1, 0),
        .sg = xs_node_read_uint(xs, backend_dir, "feature-sg", 1, 0),
        .split_event_channels
            = xs_node_read_uint(xs, backend_dir,
                                "feature-split-event-channels", 1, 0),
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
write_keys(struct xs_handle *xs, uint32_t t, const char *dir,
           const struct vif *vif)
{
    const struct key keys[] = {
        { "tx-ring-ref", vif->tx.page, true },
        { "rx-ring-ref", vif->rx.page, true },
        { "event-channel", vif->tx_channel.port, !vif->split },
        { "event-channel-tx", vif->tx_channel.port, vif->split },
        { "event-channel-rx", vif->rx_channel.port, vif->split },
        { "request-rx-copy", 1, true },
        { "feature-rx-notify", 1, true },
        { "feature-sg", 1, true },
        /* Our frames have their checksums, and so must the backend's. */
        { "feature-no-csum-offload", 1, true },
        { "multi-queue-num-queues", 0, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        int error = keys[i].present
                    ? xs_node_write_uint(xs, t, dir, keys[i].name,
                                         keys[i].value)
                    : xs_node_remove(xs, t, dir, keys[i].name);
        if (error) {
            return error;
        }
    }
    return 0;
}

int
frontend_keys_write(struct xs_handle *xs, const char *dir,
                    const struct vif *vif)
{
    for (int i = 0; i < TRANSACTION_TRIES; i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        if (t == XBT_NULL) {
            return -errno;
        }

        int error = write_keys(xs, t, dir, vif);
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
frontend_renew_memory(struct guest_domain *domain, struct guest_memory *memory)
{
    struct guest_memory fresh;

    int error = guest_memory_init(&fresh, memory->bytes / RING_PAGE_BYTES);
    if (error) {
        return error;
    }
    error = guest_domain_set_memory(domain, &fresh);
    if (error) {
        guest_memory_finish(&fresh);
        return error;
    }
    guest_memory_finish(memory);
    *memory = fresh;
    return 0;
}
