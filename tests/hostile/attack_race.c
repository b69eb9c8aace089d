/* Descriptors and indices that change while they are read.  Each value that a
 * racer writes would be fine by itself; what it is after is a mixture, or one
 * value judged and another one used. */

#include "tests/hostile/hostile.h"

#include <string.h>

#include <xen/io/xenbus.h>

static struct netif_tx_request *
any_request(struct hostile *h, uint64_t i)
{
    return hostile_ring_slot(&h->queues[0].tx, i * 17);
}

#define SET(FIELD, VALUE) \
    __atomic_store_n(&(FIELD), (VALUE), __ATOMIC_RELAXED)

static void
turn_size(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->size, i & 1 ? 4000 : 60);
}

static void
turn_size_over(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->size, i & 1 ? 65535 : 60);
}

static void
turn_offset(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->offset, i & 1 ? 4096 - 60 : 0);
}

/* Every eighth slot ends a chain, so that none is fatally long. */
static void
turn_flags(struct hostile *h, uint64_t i)
{
    if (i * 17 % 8) {
        SET(any_request(h, i)->flags, i & 1 ? NETTXF_more_data : 0);
    }
}

static void
turn_flags_extra(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->flags, i & 1 ? NETTXF_extra_info : 0);
}

static void
turn_gref(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->gref, i & 1 ? h->memory.bytes / 4096 + 7
                                       : h->tx_pages[i % HOSTILE_SLOTS]);
}

static void
turn_id(struct hostile *h, uint64_t i)
{
    SET(any_request(h, i)->id, i);
}

/* All at once: whole slots of random bytes. */
static void
turn_all(struct hostile *h, uint64_t i)
{
    uint32_t *words = (uint32_t *) any_request(h, i);

    words[i % 3] = (i + h->random) * 2654435761u;
}

static void
turn_our_indices(struct hostile *h, uint64_t i)
{
    struct hostile_ring_page *tx = h->queues[0].tx.page;
    struct hostile_ring_page *rx = h->queues[0].rx.page;

    SET(tx->rsp_prod, i * 2654435761u);
    SET(rx->rsp_prod, i * 2654435761u);
    SET(tx->req_event, i);
    SET(rx->req_event, i);
    SET(tx->rsp_event, i & 1 ? 0xffffffff : i);
    SET(rx->rsp_event, i & 1 ? 0xffffffff : i);
}

/* The contents, while they are copied: what was checked is what is sent. */
static void
turn_data(struct hostile *h, uint64_t i)
{
    uint8_t *page = hostile_page(h, h->tx_pages[i % HOSTILE_SLOTS]);

    SET(page[12], i & 1 ? 0x08 : 0x86);
    SET(page[13], i & 1 ? 0x00 : 0xdd);
    SET(page[14], i & 1 ? 0x4f : 0x45);
    SET(page[23], i & 1 ? 6 : 17);
}

/* Keeps the ring full of frames, whose responses do not count, while 'turn'
 * runs. */
static int
race_tx(struct hostile *h, void (*turn)(struct hostile *, uint64_t i))
{
    struct hostile_ring *tx = &h->queues[0].tx;
    struct hostile_racer racer;

    if (hostile_connect(h)) {
        return -1;
    }
    for (uint32_t i = 0; i < HOSTILE_SLOTS; i++) {
        struct netif_tx_request *req = hostile_ring_slot(tx, i);

        *req = (struct netif_tx_request) {
            .gref = h->tx_pages[i], .id = i, .size = 60,
        };
    }
    if (hostile_race_begin(h, &racer, turn)) {
        return -1;
    }
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;
    bool alive = true;
    for (unsigned int i = 0; alive && hostile_now_ns() < until_ns; i++) {
        uint32_t rsp = __atomic_load_n(&tx->page->rsp_prod,
                                       __ATOMIC_ACQUIRE);

        /* Answers fill the slots: put requests there again. */
        while (turn != turn_our_indices && tx->cons != rsp) {
            struct netif_tx_request *req
                = hostile_ring_slot(tx, tx->cons++);

            req->gref = h->tx_pages[tx->cons % HOSTILE_SLOTS];
            req->offset = 0;
            req->flags = 0;
            req->size = 60;
        }
        tx->prod = turn == turn_our_indices ? tx->prod + (i % 64 == 0)
                                            : tx->cons + HOSTILE_SLOTS;
        hostile_ring_push(tx);
        if (i % 256 == 0) {
            hostile_rx_take(h);
            alive = hostile_backend_state(h) == XenbusStateConnected;
        }
    }
    hostile_race_end(h, &racer);
    h->frames = h->wrong_ids = h->strange = 0;
    return h->turns ? 0 : hostile_fail(h, "the racer did not run");
}

#define RACE(NAME, TURN)                                                    \
    static int                                                              \
    NAME(struct hostile *h)                                                 \
    {                                                                       \
        return race_tx(h, TURN);                                            \
    }

RACE(race_size_over, turn_size_over)
RACE(race_offset, turn_offset)
RACE(race_flags, turn_flags)
RACE(race_flags_extra, turn_flags_extra)
RACE(race_gref, turn_gref)
RACE(race_id, turn_id)
RACE(race_all, turn_all)
RACE(race_our_indices, turn_our_indices)
RACE(race_data, turn_data)

/* One is dropped, the other is not; neither is fatal. */
static int
race_size(struct hostile *h)
{
    hostile_expect(h, "tx_drop_oversize", 1, UINT32_MAX);
    return race_tx(h, turn_size);
}

/* Whose frame it is changes between the look at it and the copy of it, or so
 * the racer hopes: a switch that believed it would send the victim's frames
 * here. */
static void
turn_source(struct hostile *h, uint64_t i)
{
    memcpy(hostile_page(h, h->tx_pages[i % HOSTILE_SLOTS]) + 6,
           i / HOSTILE_SLOTS & 1 ? h->victim : h->mac, 6);
}

static int
race_source(struct hostile *h)
{
    hostile_expect(h, "tx_drop_spoof_mac", 1, UINT32_MAX);
    return race_tx(h, turn_source);
}

/* Buffers posted for receiving, whose gref and id change. */
static void
turn_rx(struct hostile *h, uint64_t i)
{
    struct netif_rx_request *req
        = hostile_ring_slot(&h->queues[0].rx, i * 17);

    SET(req->gref, i & 1 ? h->rx_pages[i % HOSTILE_SLOTS] : i);
    SET(req->id, i);
}

static int
race_rx(struct hostile *h)
{
    struct hostile_racer racer;

    if (hostile_connect(h) || hostile_race_begin(h, &racer, turn_rx)) {
        return -1;
    }
    hostile_rx_serve(h, h->seconds * 1000, NULL);
    hostile_race_end(h, &racer);
    h->wrong_ids = 0;
    hostile_expect(h, "rx_drop_grant", 0, UINT32_MAX);
    return 0;
}

const struct hostile_attack hostile_race[] = {
    { "race_tx_size", HOSTILE_DROPS, NULL,
      "a thread changes the sizes of Tx requests between 60 and 4000",
      race_size, 1 },
    { "race_tx_size_over_page", HOSTILE_QUARANTINE, "crosses its page",
      "a thread changes the sizes of Tx requests between 60 and 65535",
      race_size_over, 4 },
    { "race_tx_offset", HOSTILE_NOTHING, NULL,
      "a thread changes the offsets of Tx requests", race_offset, 1 },
    { "race_tx_flags", HOSTILE_EITHER, NULL,
      "a thread sets and clears more_data in Tx requests", race_flags, 4 },
    { "race_tx_flags_extra", HOSTILE_EITHER, NULL,
      "a thread sets and clears extra_info in Tx requests",
      race_flags_extra, 4 },
    { "race_tx_gref", HOSTILE_EITHER, NULL,
      "a thread changes grant references between good and none", race_gref,
      1 },
    { "race_tx_id", HOSTILE_NOTHING, NULL,
      "a thread changes the ids of Tx requests", race_id, 1 },
    { "race_tx_all", HOSTILE_EITHER, NULL,
      "a thread overwrites all of the Tx ring with noise", race_all, 8 },
    { "race_tx_data", HOSTILE_EITHER, NULL,
      "a thread changes headers in pages while they are copied", race_data,
      1 },
    { "race_source_mac", HOSTILE_DROPS, NULL,
      "a thread changes the source of frames to a neighbour's", race_source,
      1, "fenced" },
    { "race_backend_indices", HOSTILE_EITHER, NULL,
      "a thread scribbles on rsp_prod, req_event and rsp_event",
      race_our_indices, 2 },
    { "race_rx_requests", HOSTILE_EITHER, NULL,
      "a thread changes grefs and ids of posted Rx buffers", race_rx, 1 },
    { NULL },
};
