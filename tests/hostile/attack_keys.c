/* Nonsense in the nodes of a frontend, and queues that are none. */

#include "tests/hostile/hostile.h"

#include <stdio.h>
#include <string.h>

#include <xen/io/xenbus.h>

struct value {
    const char *text;
    uint32_t bytes;                     /* 0: strlen(text). */
};

#define LONG64 "111111111111111111111111111111111111111111111111111111111111"
#define LONG1024 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 \
                 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64

/* Numbers to nobody. */
static const struct value nonsense[] = {
    { "" }, { " " }, { "-1" }, { "0x10" }, { "1e9" }, { "no number" },
    { "8 " }, { "4294967296" }, { "18446744073709551617" }, { "%s%n%s%n" },
    { "\xff\xfe" }, { "8\0009", 3 }, { "\0", 1 }, { LONG1024 },
    { NULL },                           /* No such node. */
};
#define N_NONSENSE (sizeof nonsense / sizeof nonsense[0])

/* One connection with 'leaf' set to 'value'.  1: it was taken. */
static int
try(struct hostile *h, const char *leaf, const struct value *value)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)
        || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    if (!strcmp(leaf, "event-channel")) {
        hostile_remove(h, "event-channel-tx");
        hostile_remove(h, "event-channel-rx");
    }
    if (value->text) {
        hostile_write_bytes(h, leaf, value->text,
                            value->bytes ? value->bytes
                                         : strlen(value->text));
    } else {
        hostile_remove(h, leaf);
    }
    hostile_set_state(h, XenbusStateConnected);
    h->turns++;
    return hostile_answer(h);
}

/* A key without which there is no connection: every nonsense is refused.  The
 * last one stays, for the verdict. */
static int
required(struct hostile *h, const char *leaf)
{
    for (unsigned int i = 0; i < N_NONSENSE; i++) {
        int taken = try(h, leaf, &nonsense[i]);

        if (taken < 0) {
            return -1;
        } else if (taken) {
            return hostile_fail(h, "%s=\"%.20s\" made a connection", leaf,
                                nonsense[i].text ? nonsense[i].text : "-");
        }
        if (i + 1 < N_NONSENSE && hostile_close(h)) {
            return -1;
        }
    }
    return 0;
}

/* A key that may be missing: an answer is owed, of either kind. */
static int
optional(struct hostile *h, const char *leaf)
{
    for (unsigned int i = 0; i < N_NONSENSE; i++) {
        if (try(h, leaf, &nonsense[i]) < 0 || hostile_close(h)) {
            return -1;
        }
        hostile_remove(h, leaf);
    }
    return hostile_connect(h);
}

#define REQUIRED(NAME, LEAF)                                                \
    static int                                                              \
    NAME(struct hostile *h)                                                 \
    {                                                                       \
        return required(h, LEAF);                                           \
    }
#define OPTIONAL(NAME, LEAF)                                                \
    static int                                                              \
    NAME(struct hostile *h)                                                 \
    {                                                                       \
        return optional(h, LEAF);                                           \
    }

REQUIRED(key_tx_ring_ref, "tx-ring-ref")
REQUIRED(key_rx_ring_ref, "rx-ring-ref")
REQUIRED(key_event_channel, "event-channel")
REQUIRED(key_event_channel_tx, "event-channel-tx")
REQUIRED(key_event_channel_rx, "event-channel-rx")
REQUIRED(key_request_rx_copy, "request-rx-copy")
OPTIONAL(key_rx_notify, "feature-rx-notify")
OPTIONAL(key_sg, "feature-sg")
OPTIONAL(key_gso_tcpv4, "feature-gso-tcpv4")
OPTIONAL(key_gso_tcpv6, "feature-gso-tcpv6")
OPTIONAL(key_no_csum, "feature-no-csum-offload")
OPTIONAL(key_ipv6_csum, "feature-ipv6-csum-offload")
OPTIONAL(key_mcast, "request-multicast-control")
OPTIONAL(key_xdp_headroom, "xdp-headroom")
OPTIONAL(key_mtu, "mtu")
OPTIONAL(key_mac, "mac")
OPTIONAL(key_handle, "handle")
OPTIONAL(key_ctrl_ring_ref, "ctrl-ring-ref")
OPTIONAL(key_event_channel_ctrl, "event-channel-ctrl")

/* Numbers that are numbers, of things that are not there or not ours. */
static int
refs_of_nothing(struct hostile *h)
{
    static const char *const leaves[] = {
        "tx-ring-ref", "rx-ring-ref", "event-channel-tx", "event-channel-rx",
    };
    static const char *const values[] = {
        "0", "7", "77777", "2147483648", "4294967295",
    };

    for (unsigned int i = 0; i < 20; i++) {
        struct value value = { values[i % 5] };
        int taken = try(h, leaves[i / 5], &value);

        if (taken < 0) {
            return -1;
        } else if (taken) {
            return hostile_fail(h, "%s=%s made a connection", leaves[i / 5],
                                value.text);
        }
        if (i < 19 && hostile_close(h)) {
            return -1;
        }
    }
    return 0;
}

/* A channel that was allocated for another domain. */
static int
foreign_channel(struct hostile *h)
{
    struct guest_channel channel;
    char text[16];

    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)) {
        return -1;
    }
    if (guest_channel_open(&channel, &h->domain, h->domain.domid)) {
        return hostile_fail(h, "no channel to ourselves");
    }
    snprintf(text, sizeof text, "%u", channel.port);
    struct value value = { text };
    return try(h, h->variant ? "event-channel-rx" : "event-channel-tx",
               &value)
           ? hostile_fail(h, "the backend bound another's channel") : 0;
}

static int
rx_copy_refused(struct hostile *h)
{
    static const struct value no = { "0" };

    return try(h, "request-rx-copy", &no)
           ? hostile_fail(h, "page flipping made a connection") : 0;
}

static int
state_nonsense(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < N_NONSENSE; i++) {
        if (nonsense[i].text) {
            hostile_write_bytes(h, "state", nonsense[i].text,
                                nonsense[i].bytes ? nonsense[i].bytes
                                : strlen(nonsense[i].text));
        } else {
            hostile_remove(h, "state");
        }
        hostile_sleep_ms(5);
    }
    return 0;
}

/* Queues. */

static int
queues_number(struct hostile *h)
{
    static const struct value numbers[] = {
        { "0" }, { "1000" }, { "4294967295" }, { "-1" }, { "two" }, { "" },
    };

    return try(h, "multi-queue-num-queues", &numbers[h->variant])
           ? hostile_fail(h, "%s queues made a connection",
                          numbers[h->variant].text) : 0;
}

/* Two queues, with 'spoil' done to their nodes. */
static int
queues_two(struct hostile *h, void (*spoil)(struct hostile *))
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)) {
        return -1;
    }
    if (hostile_backend_uint(h, "multi-queue-max-queues", 1) < 2) {
        return hostile_fail(h, "backend does not offer two queues");
    }
    h->n_queues = 2;
    if (hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    spoil(h);
    hostile_set_state(h, XenbusStateConnected);
    return hostile_answer(h)
           ? hostile_fail(h, "the backend connected to it") : 0;
}

static void
without_second(struct hostile *h)
{
    hostile_remove(h, "queue-1");
}

static void
half_second(struct hostile *h)
{
    hostile_remove(h, "queue-1/rx-ring-ref");
}

static void
same_tx_ring(struct hostile *h)
{
    hostile_write_uint(h, "queue-1/tx-ring-ref", h->queues[0].tx.gref);
}

static void
same_rx_ring(struct hostile *h)
{
    hostile_write_uint(h, "queue-1/rx-ring-ref", h->queues[0].rx.gref);
}

static void
crossed_rings(struct hostile *h)
{
    hostile_write_uint(h, "queue-1/rx-ring-ref", h->queues[0].tx.gref);
}

static void
same_channel(struct hostile *h)
{
    hostile_write_uint(h, "queue-1/event-channel-tx",
                       h->queues[0].channels[0].port);
}

static int
queues_spoilt(struct hostile *h)
{
    static void (*const spoils[])(struct hostile *) = {
        without_second, half_second, same_tx_ring, same_rx_ring,
        crossed_rings, same_channel,
    };

    return queues_two(h, spoils[h->variant]);
}

static int
one_ring_for_both(struct hostile *h)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)
        || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    hostile_write_uint(h, "rx-ring-ref", h->queues[0].tx.gref);
    hostile_set_state(h, XenbusStateConnected);
    return hostile_answer(h)
           ? hostile_fail(h, "one page was taken for both rings") : 0;
}

#define KEY_REQUIRED(KEY, RUN)                                              \
    { "key_" KEY, HOSTILE_REFUSED, KEY, "writes nonsense to " KEY, RUN, 1 }
#define KEY_OPTIONAL(KEY, RUN)                                              \
    { "key_" KEY, HOSTILE_NOTHING, NULL, "writes nonsense to " KEY, RUN, 1 }

const struct hostile_attack hostile_keys[] = {
    KEY_REQUIRED("tx-ring-ref", key_tx_ring_ref),
    KEY_REQUIRED("rx-ring-ref", key_rx_ring_ref),
    KEY_REQUIRED("event-channel", key_event_channel),
    { "key_event-channel-tx", HOSTILE_REFUSED, "event-channel",
      "writes nonsense to event-channel-tx", key_event_channel_tx, 1 },
    KEY_REQUIRED("event-channel-rx", key_event_channel_rx),
    KEY_REQUIRED("request-rx-copy", key_request_rx_copy),
    KEY_OPTIONAL("feature-rx-notify", key_rx_notify),
    KEY_OPTIONAL("feature-sg", key_sg),
    KEY_OPTIONAL("feature-gso-tcpv4", key_gso_tcpv4),
    KEY_OPTIONAL("feature-gso-tcpv6", key_gso_tcpv6),
    KEY_OPTIONAL("feature-no-csum-offload", key_no_csum),
    KEY_OPTIONAL("feature-ipv6-csum-offload", key_ipv6_csum),
    KEY_OPTIONAL("request-multicast-control", key_mcast),
    KEY_OPTIONAL("xdp-headroom", key_xdp_headroom),
    KEY_OPTIONAL("mtu", key_mtu),
    KEY_OPTIONAL("mac", key_mac),
    KEY_OPTIONAL("handle", key_handle),
    KEY_OPTIONAL("ctrl-ring-ref", key_ctrl_ring_ref),
    KEY_OPTIONAL("event-channel-ctrl", key_event_channel_ctrl),
    { "key_state", HOSTILE_NOTHING, NULL, "writes nonsense to state",
      state_nonsense, 1 },
    { "rings_and_channels_of_nothing", HOSTILE_REFUSED, "cannot attach",
      "names grants and channels that are not there", refs_of_nothing, 1 },
    { "channel_of_other_domain", HOSTILE_REFUSED, "cannot attach",
      "names an event channel that it has with another domain",
      foreign_channel, 2 },
    { "request_rx_copy_0", HOSTILE_REFUSED, "request-rx-copy",
      "asks for page flipping", rx_copy_refused, 1 },
    { "one_page_for_both_rings", HOSTILE_REFUSED, "",
      "names one page as its Tx and its Rx ring", one_ring_for_both, 1 },
    { "queues_number", HOSTILE_REFUSED, "multi-queue-num-queues",
      "wants no queue, or too many", queues_number, 6 },
    { "queues_spoilt", HOSTILE_REFUSED, "",
      "names fewer queues than it has, or one ring for two", queues_spoilt,
      6 },
    { NULL },
};
