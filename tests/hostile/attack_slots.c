/* Layouts of slots: how many, how long, where in their pages. */

#include "tests/hostile/hostile.h"

#include <string.h>

#define LEGAL_SLOTS 18u
#define FATAL_SLOTS 21u                 /* From here on. */
#define ROOM_BYTES 1518u                /* MTU and Ethernet with a tag. */

/* Around every bound of one slot's size. */
static const uint16_t sizes[] = {
    0, 1, 13, 14, 15, 59, 60, 750, 1514, 1518, 1519, 4095, 4096,
};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

/* One frame: 'n' slots; the first one's size field, and sizes of those after
 * it.  Says what a backend owes it, as netif.h's rules are. */
static int
send(struct hostile *h, unsigned int n, uint32_t total, const uint16_t *rest)
{
    uint32_t rest_bytes = 0;

    if (hostile_tx_room(h, n)) {
        return -1;
    }
    for (unsigned int i = 0; i < n; i++) {
        struct netif_tx_request *req = hostile_tx(h);

        req->gref = h->tx_pages[i];
        req->size = i ? rest[i - 1] : total;
        req->flags = i + 1 < n ? NETTXF_more_data : 0;
        rest_bytes += i ? rest[i - 1] : 0;
    }
    h->frames++;

    /* The first reason that is met counts. */
    const char *drop = NULL;
    uint32_t seen = 0;
    for (unsigned int i = 1; i < n && !drop; i++) {
        if (i >= LEGAL_SLOTS) {
            drop = "tx_drop_slots";
        } else if ((seen += rest[i - 1]) > total) {
            drop = "tx_drop_length";
        }
    }
    if (!drop && total < 14) {
        drop = "tx_drop_runt";
    } else if (!drop && total > ROOM_BYTES) {
        drop = "tx_drop_oversize";
    }
    if (drop) {
        hostile_expect(h, drop, 1, 1);
    }
    return 0;
}

/* Every first size with every size in one later place, the others of a size
 * each; with that, every pair of bounds meets in every place.  Up to three
 * slots, all combinations. */
static int
layouts_of(struct hostile *h, unsigned int n)
{
    static const uint16_t few[] = { 0, 1, 60 };
    const uint16_t *others = n > 3 ? few : sizes;
    unsigned int n_others = n > 3 ? 3 : n > 2 ? N_SIZES : 1;
    uint16_t rest[24];

    for (unsigned int first = 0; first < N_SIZES; first++) {
        for (unsigned int place = 0; place + 1 < n || place == 0; place++) {
            for (unsigned int size = 0; size < (n > 1 ? N_SIZES : 1);
                 size++) {
                for (unsigned int o = 0; o < n_others; o++) {
                    for (unsigned int i = 0; i + 1 < n; i++) {
                        rest[i] = others[o];
                    }
                    rest[place] = sizes[size];

                    uint32_t rest_bytes = 0;
                    for (unsigned int i = 0; i + 1 < n; i++) {
                        rest_bytes += rest[i];
                    }
                    /* As the first slot's own bytes, and as the total.  What
                     * a page cannot hold is fatal, and another attack. */
                    uint32_t total = rest_bytes + sizes[first];
                    if (total <= UINT16_MAX && send(h, n, total, rest)) {
                        return -1;
                    }
                    if (sizes[first] < rest_bytes
                        && send(h, n, sizes[first], rest)) {
                        return -1;
                    }
                }
            }
        }
    }
    return 0;
}

static int
layouts(struct hostile *h, unsigned int from, unsigned int to)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int n = from; n <= to; n++) {
        if (layouts_of(h, n)) {
            return -1;
        }
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* Each number of slots is a vif, so that a wrong count is easily found. */
static int
layouts_legal(struct hostile *h)
{
    unsigned int from = 1 + h->variant * 3;

    return layouts(h, from, from + 2);
}

static int
layouts_dropped(struct hostile *h)
{
    return layouts(h, LEGAL_SLOTS + 1 + h->variant,
                   LEGAL_SLOTS + 1 + h->variant);
}

static int
layouts_fatal(struct hostile *h)
{
    unsigned int n = FATAL_SLOTS + h->variant;

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < n; i++) {
        struct netif_tx_request *req = hostile_tx_frame(h, i, i ? 60 : 1400);

        req->flags = i + 1 < n ? NETTXF_more_data : 0;
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

/* In which slot, and by how much. */
static int
crosses_page(struct hostile *h)
{
    static const struct {
        uint8_t slot;
        uint16_t offset, bytes;
    } cases[] = {
        { 0, 4096, 60 }, { 0, 4037, 60 }, { 0, 65535, 65535 },
        { 1, 4096, 1 }, { 1, 1, 4096 }, { 1, 65535, 1 },
        { 17, 4095, 2 }, { 17, 65535, 65535 },
    };
    unsigned int slot = cases[h->variant].slot;

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i <= slot; i++) {
        struct netif_tx_request *req = hostile_tx_frame(h, i, i ? 10 : 1400);

        req->flags = i < slot ? NETTXF_more_data : 0;
        if (i == slot) {
            req->offset = cases[h->variant].offset;
            req->size = cases[h->variant].bytes;
        }
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

/* A page's last byte is in the page. */
static int
ends_at_page(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int bytes = 14; bytes <= ROOM_BYTES; bytes++) {
        if (hostile_tx_room(h, 1)) {
            return -1;
        }
        hostile_tx_frame(h, bytes, bytes)->offset
            = HOSTILE_PAGE_BYTES - bytes;
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* All slots are the same bytes of the same page. */
static int
overlap(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int k = 0; k < 200; k++) {
        if (hostile_tx_room(h, LEGAL_SLOTS)) {
            return -1;
        }
        for (unsigned int i = 0; i < LEGAL_SLOTS; i++) {
            struct netif_tx_request *req = hostile_tx(h);

            req->gref = h->tx_pages[0];
            req->offset = k & 1 ? i : 0;
            req->size = i ? 60 : LEGAL_SLOTS * 60;
            req->flags = i + 1 < LEGAL_SLOTS ? NETTXF_more_data : 0;
        }
        h->frames++;
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* Slots without bytes, whose grant references mean nothing. */
static int
empty(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int n = 1; n <= LEGAL_SLOTS; n++) {
        for (unsigned int whole = 0; whole < n; whole++) {
            if (hostile_tx_room(h, n)) {
                return -1;
            }
            for (unsigned int i = 0; i < n; i++) {
                struct netif_tx_request *req = hostile_tx(h);

                req->gref = i == whole ? h->tx_pages[0] : 0xffffff00 + i;
                req->size = i == 0 || i == whole ? 64 : 0;
                req->flags = i + 1 < n ? NETTXF_more_data : 0;
            }
            h->frames++;
        }
        /* No bytes at all. */
        if (hostile_tx_room(h, n)) {
            return -1;
        }
        for (unsigned int i = 0; i < n; i++) {
            struct netif_tx_request *req = hostile_tx(h);

            req->gref = 0xffffff00;
            req->flags = i + 1 < n ? NETTXF_more_data : 0;
        }
        h->frames++;
        hostile_expect(h, "tx_drop_runt", 1, 1);
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* A frame's headers, over slots of one byte each. */
static int
split_headers(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int k = 0; k < HOSTILE_SLOTS; k++) {
        hostile_tcp_frame(h, hostile_page(h, h->tx_pages[k]), k & 1, 600,
                          NULL);
    }
    for (unsigned int cut = 0; cut <= 90; cut++) {
        for (unsigned int n = 2; n <= LEGAL_SLOTS; n++) {
            unsigned int offset = cut;

            if (hostile_tx_room(h, n)) {
                return -1;
            }
            for (unsigned int i = 0; i < n; i++) {
                struct netif_tx_request *req = hostile_tx(h);
                unsigned int bytes = i + 1 < n ? 1 : 600 - offset;

                req->gref = h->tx_pages[n];
                req->offset = i ? offset : 0;
                req->size = i ? bytes : 600;
                req->flags = (i + 1 < n ? NETTXF_more_data : 0)
                             | NETTXF_csum_blank | NETTXF_data_validated;
                offset += i ? bytes : 0;
            }
            h->frames++;
        }
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* A chain that says "more" at the producer. */
static int
past_producer(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i <= h->variant; i++) {
        hostile_tx_frame(h, i, i ? 1 : 60)->flags = NETTXF_more_data;
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

const struct hostile_attack hostile_slots[] = {
    { "slots_1_to_18_every_layout", HOSTILE_DROPS, NULL,
      "sends frames of 1 to 18 slots with sizes around every bound",
      layouts_legal, 6 },
    { "slots_19_to_20_every_layout", HOSTILE_DROPS, NULL,
      "sends frames of 19 and 20 slots with sizes around every bound",
      layouts_dropped, 2 },
    { "slots_21_to_24", HOSTILE_QUARANTINE, "too many slots",
      "sends a frame of 21 to 24 slots", layouts_fatal, 4 },
    { "slot_crosses_page", HOSTILE_QUARANTINE, "crosses its page",
      "sends a slot that goes beyond its page", crosses_page, 8 },
    { "slot_ends_at_page", HOSTILE_NOTHING, NULL,
      "sends slots of every length whose last byte is their page's",
      ends_at_page, 1 },
    { "slots_overlap", HOSTILE_NOTHING, NULL,
      "sends frames all of whose slots are the same page", overlap, 1 },
    { "slots_empty", HOSTILE_DROPS, NULL,
      "sends frames with slots of no bytes and no grant", empty, 1 },
    { "headers_split_at_every_byte", HOSTILE_NOTHING, NULL,
      "sends TCP headers over slots of one byte each, from every byte on",
      split_headers, 1 },
    { "chain_runs_past_producer", HOSTILE_QUARANTINE, "past the requests",
      "says that a slot follows, and posts none", past_producer, 3 },
    { NULL },
};
