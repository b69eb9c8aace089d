/* The control ring: requests that are none, hash state that cannot be. */

#include "tests/hostile/hostile.h"

#include <string.h>

#define KEY_BYTES_MAX 40u
#define MAPPING_MAX 128u
#define OK XEN_NETIF_CTRL_STATUS_SUCCESS

static int
begin(struct hostile *h)
{
    h->with_ctrl = true;
    return hostile_need(h, "feature-ctrl-ring") || hostile_connect(h)
           ? -1 : 0;
}

/* Fails if the request is taken for a good one. */
static int
must_refuse(struct hostile *h, uint16_t type, uint32_t data0, uint32_t data1,
            uint32_t data2)
{
    int status = hostile_ctrl_call(h, type, data0, data1, data2, NULL);

    h->turns++;
    return status < 0 ? -1
           : status == OK ? hostile_fail(h, "control request %u (%u, %u, %u) "
                                         "was taken", type, data0, data1,
                                         data2)
           : 0;
}

static int
must_take(struct hostile *h, uint16_t type, uint32_t data0, uint32_t data1,
          uint32_t data2)
{
    int status = hostile_ctrl_call(h, type, data0, data1, data2, NULL);

    return status < 0 ? -1
           : status ? hostile_fail(h, "control request %u (%u, %u, %u) was "
                                   "refused (%d)", type, data0, data1, data2,
                                   status)
           : 0;
}

static int
unknown_types(struct hostile *h)
{
    if (begin(h)) {
        return -1;
    }
    for (unsigned int type = 11; type < 300; type++) {
        if (must_refuse(h, type, type, type, type)) {
            return -1;
        }
    }
    return must_refuse(h, 0, 0, 0, 0) || must_refuse(h, 0x8001, 0, 0, 0)
           || must_refuse(h, 0xffff, ~0u, ~0u, ~0u) ? -1 : 0;
}

static int
bad_parameters(struct hostile *h)
{
    uint32_t page = h->tx_pages[0];

    if (begin(h)) {
        return -1;
    }
    /* Flags before an algorithm; algorithms and flags that are none. */
    if (must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 1, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 2, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, ~0u, 0, 0)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                     XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 0x10, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, ~0u, 0, 0)) {
        return -1;
    }
    /* Keys: too long, or nowhere. */
    static const uint32_t lengths[] = {
        KEY_BYTES_MAX + 1, 4096, 4097, 0x80000000, 0xffffffff,
    };
    for (unsigned int i = 0; i < 5; i++) {
        if (must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, page,
                        lengths[i], 0)) {
            return -1;
        }
    }
    return must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0xffffffff,
                       KEY_BYTES_MAX, 0)
           || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0, 1, 0)
           ? -1 : 0;
}

/* Tables too long, beyond their own end, at offsets that wrap, of queues
 * that are not there, in pages that are not ours. */
static int
bad_mapping(struct hostile *h)
{
    uint32_t page = h->tx_pages[0];
    uint32_t *table = (uint32_t *) hostile_page(h, page);

    if (begin(h)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                     XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
                       MAPPING_MAX + 1, 0, 0)
        || must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, ~0u, 0,
                       0)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
                     MAPPING_MAX, 0, 0)) {
        return -1;
    }
    memset(table, 0, HOSTILE_PAGE_BYTES);

    static const struct {
        uint32_t entries, offset;
    } cases[] = {
        { 129, 0 }, { 1, 128 }, { 128, 1 }, { 64, 65 }, { 1, 0xffffffff },
        { 0xffffffff, 1 }, { 0xffffffff, 0xffffffff }, { 0x80000000, 0 },
        { 0x40000001, 0 }, { 2, 0xfffffffe }, { 1025, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, page,
                        cases[i].entries, cases[i].offset)) {
            return -1;
        }
    }

    static const uint32_t queues[] = { 1, 8, 255, 65536, 0x80000000, ~0u };
    for (unsigned int i = 0; i < 12; i++) {
        memset(table, 0, HOSTILE_PAGE_BYTES);
        table[i & 1 ? 127 : 0] = queues[i / 2];
        if (must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, page, 128,
                        0)) {
            return -1;
        }
    }
    return must_refuse(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, 0xffffffff,
                       128, 0);
}

static void
turn_table(struct hostile *h, uint64_t i)
{
    uint32_t *table = (uint32_t *) hostile_page(h, h->tx_pages[0]);

    __atomic_store_n(&table[i % MAPPING_MAX],
                     i / MAPPING_MAX & 1 ? 0 : 0x7fffffff, __ATOMIC_RELAXED);
}

static void
turn_requests(struct hostile *h, uint64_t i)
{
    uint32_t *words = hostile_ring_slot(&h->ctrl, i % HOSTILE_CTRL_SLOTS);

    __atomic_store_n(&words[i % 4], i * 2654435761u, __ATOMIC_RELAXED);
}

/* Tables and keys change while they are read; frames come in meanwhile. */
static int
race(struct hostile *h, void (*turn)(struct hostile *, uint64_t))
{
    struct hostile_racer racer;
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;

    if (begin(h)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                     XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 0xf, 0, 0)
        || must_take(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
                     MAPPING_MAX, 0, 0)
        || (turn && hostile_race_begin(h, &racer, turn))) {
        return -1;
    }
    int error = 0;
    for (unsigned int i = 0; !error && hostile_now_ns() < until_ns; i++) {
        error = hostile_ctrl_call(h, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING,
                                  h->tx_pages[0], MAPPING_MAX, 0, NULL) < 0
                || hostile_ctrl_call(h, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY,
                                     h->tx_pages[0], i % 41, 0, NULL) < 0
                || hostile_ctrl_call(h,
                                     XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                                     i & 1, 0, 0, NULL) < 0;
        hostile_rx_take(h);
        hostile_rx_post(h, HOSTILE_SLOTS - (h->queues[0].rx.prod
                                            - h->queues[0].rx.cons), NULL);
    }
    if (turn) {
        hostile_race_end(h, &racer);
    }
    if (turn == turn_requests) {
        h->wrong_ids = 0;
        return 0;
    }
    return error ? -1 : 0;
}

static int
race_mapping(struct hostile *h)
{
    return race(h, turn_table);
}

static int
race_requests(struct hostile *h)
{
    return race(h, turn_requests);
}

static int
changed_under_traffic(struct hostile *h)
{
    return race(h, NULL);
}

/* The ring full of requests, again and again; each is answered. */
static int
flood(struct hostile *h)
{
    struct hostile_ring *ctrl = &h->ctrl;
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;

    if (begin(h)) {
        return -1;
    }
    while (hostile_now_ns() < until_ns) {
        for (unsigned int i = 0; i < HOSTILE_CTRL_SLOTS; i++) {
            struct xen_netif_ctrl_request *req
                = hostile_ring_slot(ctrl, ctrl->prod++);

            *req = (struct xen_netif_ctrl_request) {
                .id = i, .type = i % 12,
                .data = { h->tx_pages[i], i, hostile_random(h) },
            };
        }
        hostile_ring_push(ctrl);

        uint64_t deadline_ns = hostile_now_ns() + 3000000000ull;
        while (__atomic_load_n(&ctrl->page->rsp_prod, __ATOMIC_ACQUIRE)
               != ctrl->prod) {
            if (hostile_now_ns() > deadline_ns) {
                return hostile_fail(h, "control requests are not answered");
            }
            hostile_sleep_ms(1);
        }
        h->turns += HOSTILE_CTRL_SLOTS;
    }
    return 0;
}

/* A page for both a control ring and another one. */
static int
shared_page(struct hostile *h)
{
    h->with_ctrl = true;
    if (hostile_need(h, "feature-ctrl-ring") || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    hostile_write_uint(h, "ctrl-ring-ref", h->variant
                       ? h->queues[0].rx.gref : h->queues[0].tx.gref);
    hostile_set_state(h, 4);
    return hostile_answer(h)
           ? hostile_fail(h, "one page was taken for two rings") : 0;
}

const struct hostile_attack hostile_ctrl[] = {
    { "ctrl_unknown_types", HOSTILE_NOTHING, NULL,
      "sends control requests of types that do not exist", unknown_types,
      1 },
    { "ctrl_bad_parameters", HOSTILE_NOTHING, NULL,
      "sets algorithms, flags and keys that cannot be", bad_parameters, 1 },
    { "ctrl_mapping_out_of_range", HOSTILE_NOTHING, NULL,
      "sets tables of queues out of range, and beyond their ends",
      bad_mapping, 1 },
    { "ctrl_flood", HOSTILE_NOTHING, NULL,
      "keeps the control ring full", flood, 1 },
    { "race_ctrl_mapping", HOSTILE_NOTHING, NULL,
      "a thread changes the mapping table while it is read", race_mapping,
      1 },
    { "race_ctrl_requests", HOSTILE_EITHER, NULL,
      "a thread overwrites the control ring with noise", race_requests, 1 },
    { "hash_changed_under_traffic", HOSTILE_NOTHING, NULL,
      "changes algorithm, key and table while frames are hashed",
      changed_under_traffic, 1 },
    { "ctrl_ring_is_another_ring", HOSTILE_REFUSED, "",
      "names its Tx or Rx ring as its control ring", shared_page, 2 },
    { NULL },
};
