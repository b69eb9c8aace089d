/* The domain, its nodes, its connection. */

#include "tests/hostile/hostile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

#include <xen/io/xenbus.h>

#include "tools/guest/xs_node.h"

#define MEMORY_PAGES 4096u
#define POLL_MS 2

int
hostile_fail(struct hostile *h, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(h->why, sizeof h->why, format, args);
    va_end(args);
    return -1;
}

uint64_t
hostile_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void
hostile_sleep_ms(unsigned int ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

uint64_t
hostile_random(struct hostile *h)
{
    uint64_t z = h->random += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

void
hostile_write_bytes(struct hostile *h, const char *leaf, const void *value,
                    uint32_t bytes)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", h->dir, leaf);
    xs_write(h->domain.xs, XBT_NULL, path, value, bytes);
}

void
hostile_write(struct hostile *h, const char *leaf, const char *value)
{
    hostile_write_bytes(h, leaf, value, strlen(value));
}

void
hostile_write_uint(struct hostile *h, const char *leaf, uint32_t value)
{
    xs_node_write_uint(h->domain.xs, XBT_NULL, h->dir, leaf, value);
}

void
hostile_remove(struct hostile *h, const char *leaf)
{
    xs_node_remove(h->domain.xs, XBT_NULL, h->dir, leaf);
}

void
hostile_set_state(struct hostile *h, unsigned int state)
{
    hostile_write_uint(h, "state", state);
}

uint32_t
hostile_backend_uint(struct hostile *h, const char *leaf, uint32_t fallback)
{
    return xs_node_read_uint(h->domain.xs, h->backend_dir, leaf, UINT32_MAX,
                             fallback);
}

unsigned int
hostile_backend_state(struct hostile *h)
{
    return hostile_backend_uint(h, "state", XenbusStateUnknown);
}

char *
hostile_backend_error(struct hostile *h)
{
    return xs_node_read(h->domain.xs, h->backend_dir, "error");
}

int
hostile_wait_backend(struct hostile *h, unsigned int state,
                     unsigned int timeout_ms)
{
    for (unsigned int ms = 0; ms <= timeout_ms; ms += POLL_MS) {
        if (hostile_backend_state(h) == state) {
            return 0;
        }
        hostile_sleep_ms(POLL_MS);
    }
    return hostile_fail(h, "backend does not reach state %u, it is in %u",
                        state, hostile_backend_state(h));
}

int
hostile_wait_cut_off(struct hostile *h)
{
    return hostile_wait_backend(h, XenbusStateClosed, 3000);
}

int
hostile_need(struct hostile *h, const char *feature)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)) {
        return -1;
    }
    return hostile_backend_uint(h, feature, 0)
           ? 0 : hostile_fail(h, "backend does not offer %s", feature);
}

void
hostile_expect(struct hostile *h, const char *name, uint64_t min,
               uint64_t max)
{
    for (unsigned int i = 0; i < h->n_expects; i++) {
        if (!strcmp(h->expect[i].name, name)) {
            h->expect[i].min += min;
            h->expect[i].max += max;
            return;
        }
    }
    if (h->n_expects < HOSTILE_EXPECT_MAX) {
        h->expect[h->n_expects++] = (struct hostile_expect) {
            name, min, max,
        };
    }
}

int
hostile_init(struct hostile *h, const char *xen_dir, const char *name)
{
    char *error = NULL;

    h->xen_dir = xen_dir;
    if (guest_domain_init(&h->domain, xen_dir, name, &error)) {
        hostile_fail(h, "%s", error);
        free(error);
        return -1;
    }
    if (guest_memory_init(&h->memory, MEMORY_PAGES)
        || guest_domain_set_memory(&h->domain, &h->memory)
        || guest_memory_take(&h->memory, h->tx_pages, HOSTILE_SLOTS)
        || guest_memory_take(&h->memory, h->rx_pages, HOSTILE_SLOTS)) {
        return hostile_fail(h, "no memory for the guest");
    }
    h->n_queues = 1;
    for (unsigned int i = 0; i < HOSTILE_QUEUES_MAX; i++) {
        h->queues[i].channels[0].kick_fd = -1;
        h->queues[i].channels[1].kick_fd = -1;
    }
    h->ctrl_channel.kick_fd = -1;
    snprintf(h->dir, sizeof h->dir, "/local/domain/%u/device/vif/0",
             h->domain.domid);
    return 0;
}

void
hostile_finish(struct hostile *h)
{
    guest_domain_finish(&h->domain);
    guest_memory_finish(&h->memory);
}

int
hostile_wait_plugged(struct hostile *h)
{
    char *dir = NULL, *mac = NULL;

    for (int i = 0; i < 4000 && !mac; i++) {
        free(dir);
        hostile_sleep_ms(5);
        dir = xs_node_read(h->domain.xs, h->dir, "backend");
        mac = dir ? xs_node_read(h->domain.xs, h->dir, "mac") : NULL;
        if (mac && !xs_node_read_uint(h->domain.xs, h->dir, "state", 6, 0)) {
            free(mac);
            mac = NULL;
        }
    }
    if (!mac || !hostile_parse_mac(mac, h->mac)) {
        free(dir);
        free(mac);
        return hostile_fail(h, "nobody plugged the vif in");
    }
    snprintf(h->backend_dir, sizeof h->backend_dir, "%s", dir);
    free(dir);
    free(mac);
    h->backend_domid = xs_node_read_uint(h->domain.xs, h->dir, "backend-id",
                                         UINT16_MAX, 0);
    if (!(h->target[0] | h->target[3] | h->target[5])) {
        memcpy(h->target, h->mac, sizeof h->target);
    }
    for (unsigned int i = 0; i < HOSTILE_SLOTS; i++) {
        uint8_t *page = hostile_page(h, h->tx_pages[i]);

        /* Wherever a frame begins, it is more or less for ourselves, which a
         * switch drops: nobody is flooded by mistake. */
        for (unsigned int j = 0; j < HOSTILE_PAGE_BYTES; j++) {
            page[j] = h->mac[j % 6];
        }
        hostile_ethernet(h, page, h->mac, 0x88b5);
        guest_memory_grant(&h->memory, h->tx_pages[i], h->backend_domid,
                           true);
        guest_memory_grant(&h->memory, h->rx_pages[i], h->backend_domid,
                           false);
    }
    return 0;
}

static int
prepare_channel(struct hostile *h, struct guest_channel *channel)
{
    if (channel->kick_fd >= 0) {
        guest_channel_close(channel, &h->domain);
    }
    return guest_channel_open(channel, &h->domain, h->backend_domid)
           ? hostile_fail(h, "no event channel") : 0;
}

int
hostile_prepare(struct hostile *h)
{
    for (unsigned int i = 0; i < h->n_queues; i++) {
        struct hostile_queue *q = &h->queues[i];

        hostile_ring_init(h, &q->tx, sizeof(union netif_tx_sring_entry),
                          HOSTILE_SLOTS);
        hostile_ring_init(h, &q->rx, sizeof(union netif_rx_sring_entry),
                          HOSTILE_SLOTS);
        q->tx.channel = &q->channels[0];
        q->rx.channel = &q->channels[1];
        if (prepare_channel(h, q->tx.channel)
            || prepare_channel(h, q->rx.channel)) {
            return -1;
        }
    }
    if (h->with_ctrl) {
        hostile_ring_init(h, &h->ctrl,
                          sizeof(union xen_netif_ctrl_sring_entry),
                          HOSTILE_CTRL_SLOTS);
        h->ctrl.channel = &h->ctrl_channel;
        return prepare_channel(h, &h->ctrl_channel);
    }
    return 0;
}

static void
write_queue_keys(struct hostile *h, const struct hostile_queue *q,
                 const char *dir)
{
    const struct {
        const char *name;
        uint32_t value;
    } keys[] = {
        { "tx-ring-ref", q->tx.gref },
        { "rx-ring-ref", q->rx.gref },
        { "event-channel-tx", q->channels[0].port },
        { "event-channel-rx", q->channels[1].port },
    };
    char leaf[64];

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        snprintf(leaf, sizeof leaf, "%s%s", dir, keys[i].name);
        hostile_write_uint(h, leaf, keys[i].value);
    }
}

void
hostile_write_keys(struct hostile *h)
{
    static const char *const unused[] = {
        "event-channel", "ctrl-ring-ref", "event-channel-ctrl",
        "multi-queue-num-queues", "feature-gso-tcpv4", "feature-gso-tcpv6",
        "feature-ipv6-csum-offload", "feature-no-csum-offload",
        "request-multicast-control", "mtu",
    };

    for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++) {
        hostile_remove(h, unused[i]);
    }
    if (h->n_queues == 1) {
        write_queue_keys(h, &h->queues[0], "");
    } else {
        char dir[32];

        hostile_write_uint(h, "multi-queue-num-queues", h->n_queues);
        for (unsigned int i = 0; i < h->n_queues; i++) {
            snprintf(dir, sizeof dir, "queue-%u/", i);
            write_queue_keys(h, &h->queues[i], dir);
        }
    }
    if (h->with_ctrl) {
        hostile_write_uint(h, "ctrl-ring-ref", h->ctrl.gref);
        hostile_write_uint(h, "event-channel-ctrl", h->ctrl_channel.port);
    }
    hostile_write_uint(h, "request-rx-copy", 1);
    hostile_write_uint(h, "feature-rx-notify", 1);
    hostile_write_uint(h, "feature-sg", 1);
}

int
hostile_answer(struct hostile *h)
{
    for (int i = 0; i < 2000; i++) {
        if (hostile_backend_state(h) == XenbusStateConnected) {
            h->connected++;
            return 1;
        }
        char *error = hostile_backend_error(h);
        if (error) {
            free(error);
            h->refused++;
            return 0;
        }
        hostile_sleep_ms(POLL_MS);
    }
    return hostile_fail(h, "backend neither connects nor says why; its state "
                        "is %u", hostile_backend_state(h));
}

int
hostile_connect(struct hostile *h)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)
        || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    hostile_set_state(h, XenbusStateConnected);
    switch (hostile_answer(h)) {
    case 1:
        return 0;
    case 0:
        return hostile_fail(h, "backend refuses an honest connection");
    default:
        return -1;
    }
}

int
hostile_close(struct hostile *h)
{
    hostile_set_state(h, XenbusStateClosing);
    hostile_sleep_ms(POLL_MS);
    hostile_set_state(h, XenbusStateClosed);
    if (hostile_wait_backend(h, XenbusStateClosed, 3000)) {
        return -1;
    }
    hostile_set_state(h, XenbusStateInitialising);
    return 0;
}
