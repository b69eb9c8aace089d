/* Multicast control, and frames for many. */

#include "tests/hostile/hostile.h"

#include <string.h>

#define ADDRESSES_MAX 64u

/* A dummy request with one address. */
static int
put_mcast(struct hostile *h, uint8_t type, unsigned int address)
{
    if (hostile_tx_room(h, 2)) {
        return -1;
    }

    struct netif_tx_request *req = hostile_tx(h);
    req->flags = NETTXF_extra_info;
    req->size = 60;
    req->gref = h->tx_pages[0];

    struct netif_extra_info *extra = hostile_tx_extra(h);
    extra->type = type;
    extra->u.mcast.addr[0] = 1;
    extra->u.mcast.addr[4] = address >> 8;
    extra->u.mcast.addr[5] = address;
    return 0;
}

static int
begin(struct hostile *h)
{
    if (hostile_need(h, "feature-multicast-control")
        || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    hostile_write(h, "request-multicast-control", "1");
    hostile_set_state(h, 4);
    return hostile_answer(h) == 1
           ? 0 : hostile_fail(h, "backend refuses multicast control");
}

static int
flood_list(struct hostile *h)
{
    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 2000; i++) {
        if (put_mcast(h, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, i)) {
            return -1;
        }
    }
    hostile_tx_push(h);
    if (hostile_tx_settle(h)) {
        return -1;
    }
    return h->okay == ADDRESSES_MAX && h->error == 2000 - ADDRESSES_MAX
           ? 0 : hostile_fail(h, "backend took %u addresses",
                              (unsigned int) h->okay);
}

static int
delete_unknown(struct hostile *h)
{
    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 1000; i++) {
        if (put_mcast(h, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, i)
            || put_mcast(h, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, i % 3)) {
            return -1;
        }
    }
    hostile_tx_push(h);
    return hostile_tx_settle(h);
}

/* As many frames as the limit lets pass. */
static int
flood(struct hostile *h, const uint8_t dst[6])
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < HOSTILE_SLOTS; i++) {
        hostile_ethernet(h, hostile_page(h, h->tx_pages[i]), dst, 0x88b5);
    }
    for (unsigned int i = 0; hostile_now_ns() < until_ns; i++) {
        if (hostile_tx_room(h, 1)) {
            return -1;
        }
        hostile_tx_frame(h, i, 60);
        if (i % 32 == 0) {
            hostile_rx_take(h);
        }
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

static int
flood_self(struct hostile *h)
{
    return flood(h, h->mac);
}

static int
flood_broadcast(struct hostile *h)
{
    static const uint8_t broadcast[6] = "\xff\xff\xff\xff\xff\xff";

    return flood(h, broadcast);
}

static int
flood_target(struct hostile *h)
{
    return flood(h, h->target);
}

const struct hostile_attack hostile_mcast[] = {
    { "mcast_list_flooded", HOSTILE_NOTHING, NULL,
      "adds 2000 addresses to the multicast list", flood_list, 1 },
    { "mcast_delete_unknown", HOSTILE_NOTHING, NULL,
      "deletes multicast addresses that were never added", delete_unknown,
      1 },
    { "flood_itself", HOSTILE_NOTHING, NULL,
      "sends frames to itself as fast as it can", flood_self, 1 },
    { "flood_broadcast", HOSTILE_NOTHING, NULL,
      "sends broadcasts as fast as its limit lets it", flood_broadcast, 1, "limited" },
    { "flood_neighbour", HOSTILE_NOTHING, NULL,
      "sends frames to one neighbour as fast as it can", flood_target, 1 },
    { NULL },
};
