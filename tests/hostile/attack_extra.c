/* Extra info that lies. */

#include "tests/hostile/hostile.h"

#define EXTRA_TYPE_XDP 5                /* Netif.h names it in prose only. */
#define EXTRA_TYPES 5u

static void
put_extra(struct hostile *h, uint8_t type, bool more)
{
    struct netif_extra_info *extra = hostile_tx_extra(h);

    extra->type = type;
    extra->flags = more ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
    if (type == XEN_NETIF_EXTRA_TYPE_GSO) {
        extra->u.gso.size = 1400;
        extra->u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
    } else if (type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD) {
        extra->u.mcast.addr[0] = 1;
    }
}

static void
put_frame(struct hostile *h)
{
    hostile_tx_frame(h, 0, 60)->flags = NETTXF_extra_info;
}

static int
unknown_type(struct hostile *h)
{
    static const uint8_t types[] = { 0, 6, 7, 128, 255 };

    if (hostile_connect(h)) {
        return -1;
    }
    put_frame(h);
    put_extra(h, types[h->variant], false);
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

static int
without_end(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    /* A ring full of them, or one more than there are types. */
    unsigned int n = h->variant < 2 ? HOSTILE_SLOTS - 1 : EXTRA_TYPES + 1;

    put_frame(h);
    for (unsigned int i = 0; i < n; i++) {
        put_extra(h, h->variant & 1 ? EXTRA_TYPE_XDP
                                    : XEN_NETIF_EXTRA_TYPE_HASH, i + 1 < n);
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

static int
past_producer(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    put_frame(h);
    for (unsigned int i = 0; i < h->variant; i++) {
        put_extra(h, XEN_NETIF_EXTRA_TYPE_HASH, true);
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

/* A type twice: nonsense, whichever way the backend sees it. */
static int
twice(struct hostile *h)
{
    static const uint8_t types[] = {
        XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
        XEN_NETIF_EXTRA_TYPE_HASH, EXTRA_TYPE_XDP,
    };

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 50; i++) {
        if (hostile_tx_room(h, 3)) {
            return -1;
        }
        put_frame(h);
        put_extra(h, types[h->variant], true);
        put_extra(h, types[h->variant], false);
    }
    hostile_tx_push(h);
    if (hostile_tx_settle(h)) {
        h->why[0] = '\0';               /* Cut off is as good an answer. */
    }
    return 0;
}

/* Every flag that netif.h does not have. */
static int
unknown_flags(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int bit = 4; bit < 16; bit++) {
        hostile_tx_frame(h, bit, 60)->flags = 1u << bit;
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* A hash for a frame, of every type and algorithm there is not. */
static int
strange_hash(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 512; i++) {
        if (hostile_tx_room(h, 2)) {
            return -1;
        }
        put_frame(h);

        struct netif_extra_info *extra = hostile_tx_extra(h);
        extra->type = XEN_NETIF_EXTRA_TYPE_HASH;
        extra->u.hash.type = i;
        extra->u.hash.algorithm = i >> 1;
        extra->u.hash.value[0] = i;
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

const struct hostile_attack hostile_extra[] = {
    { "extra_unknown_type", HOSTILE_QUARANTINE, "unknown type",
      "sends extra info of a type that does not exist", unknown_type, 5 },
    { "extra_without_end", HOSTILE_QUARANTINE, "extra info",
      "sends more extra info with a frame than there are types of it",
      without_end, 4 },
    { "extra_runs_past_producer", HOSTILE_QUARANTINE, "past the requests",
      "says that extra info follows, and posts none", past_producer, 3 },
    { "extra_type_twice", HOSTILE_EITHER, NULL,
      "sends two extra infos of one type with a frame", twice, 4 },
    { "extra_strange_hash", HOSTILE_NOTHING, NULL,
      "sends hashes of unknown types and algorithms", strange_hash, 1 },
    { "request_unknown_flags", HOSTILE_NOTHING, NULL,
      "sets flags that netif.h does not have", unknown_flags, 1 },
    { NULL },
};
