/* Producer indices that lie. */

#include "tests/hostile/hostile.h"

#include <xen/io/xenbus.h>

static const uint32_t leaps[] = { 257, 1000000, 0x7fffffff, 0x80000000u };

static int
leap(struct hostile *h, struct hostile_ring *ring, uint32_t by)
{
    __atomic_store_n(&ring->page->req_prod, ring->prod + by,
                     __ATOMIC_SEQ_CST);
    guest_channel_kick(ring->channel);
    return hostile_wait_cut_off(h);
}

static int
tx_runs_away(struct hostile *h)
{
    return hostile_connect(h)
           || leap(h, &h->queues[0].tx, leaps[h->variant]) ? -1 : 0;
}

static int
tx_goes_back(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 8; i++) {
        hostile_tx_frame(h, i, 60);
    }
    hostile_tx_push(h);
    return hostile_tx_settle(h)
           || leap(h, &h->queues[0].tx, -1 - h->variant) ? -1 : 0;
}

/* The index of Rx is looked at when there is something to deliver: the talker
 * sees to that. */
static int
rx_runs_away(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_post(h, 8, NULL);
    return leap(h, &h->queues[0].rx, leaps[h->variant]);
}

static int
rx_goes_back(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_serve(h, 20, NULL);
    return leap(h, &h->queues[0].rx,
                -(h->queues[0].rx.prod - h->queues[0].rx.cons) - 1);
}

static int
ctrl_leaps(struct hostile *h, uint32_t by)
{
    h->with_ctrl = true;
    if (hostile_need(h, "feature-ctrl-ring") || hostile_connect(h)) {
        return -1;
    }
    return leap(h, &h->ctrl, by);
}

static int
ctrl_runs_away(struct hostile *h)
{
    return ctrl_leaps(h, leaps[h->variant] < 1000 ? 129 : leaps[h->variant]);
}

static int
ctrl_goes_back(struct hostile *h)
{
    return ctrl_leaps(h, -1);
}

/* Of two queues, the second one lies. */
static int
second_queue_runs_away(struct hostile *h)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)) {
        return -1;
    }
    if (hostile_backend_uint(h, "multi-queue-max-queues", 1) < 2) {
        return hostile_fail(h, "backend does not offer two queues");
    }
    h->n_queues = 2;
    return hostile_connect(h)
           || leap(h, &h->queues[1].tx, leaps[h->variant]) ? -1 : 0;
}

/* To and fro by one: behind what was consumed, if all was. */
static void
flip_by_one(struct hostile *h, uint64_t i)
{
    struct hostile_ring *tx = &h->queues[0].tx;
    uint32_t prod = __atomic_load_n(&tx->prod, __ATOMIC_ACQUIRE);

    __atomic_store_n(&tx->page->req_prod, prod - (i & 1 ? 1 : 0),
                     __ATOMIC_SEQ_CST);
}

static void
flip_away(struct hostile *h, uint64_t i)
{
    __atomic_store_n(&h->queues[0].tx.page->req_prod,
                     h->queues[0].tx.prod + (i & 1 ? 100000 : 0),
                     __ATOMIC_SEQ_CST);
}

static int
tx_flips(struct hostile *h)
{
    struct hostile_ring *tx = &h->queues[0].tx;
    struct hostile_racer racer;

    if (hostile_connect(h)) {
        return -1;
    }

    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;
    if (hostile_race_begin(h, &racer, flip_by_one)) {
        return -1;
    }
    while (hostile_now_ns() < until_ns
           && hostile_backend_state(h) == XenbusStateConnected) {
        hostile_tx_take(h, tx);
        while (tx->prod - tx->cons < HOSTILE_SLOTS - 2) {
            hostile_tx_frame(h, tx->prod, 60);
        }
        guest_channel_kick(tx->channel);
    }
    hostile_race_end(h, &racer);
    h->frames = 0;
    return 0;
}

static int
tx_flips_away(struct hostile *h)
{
    struct hostile_racer racer;

    if (hostile_connect(h) || hostile_race_begin(h, &racer, flip_away)) {
        return -1;
    }
    guest_channel_kick(h->queues[0].tx.channel);
    int error = hostile_wait_cut_off(h);
    hostile_sleep_ms(h->seconds * 1000);
    hostile_race_end(h, &racer);
    return error;
}

/* Before there is a connection: indices that cannot be those of a ring. */
static int
born_broken(struct hostile *h)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)
        || hostile_prepare(h)) {
        return -1;
    }
    struct hostile_ring *ring = h->variant & 1 ? &h->queues[0].rx
                                               : &h->queues[0].tx;
    ring->page->req_prod = h->variant & 2 ? 10 : 300;
    ring->page->rsp_prod = h->variant & 2 ? 11 : 0;
    hostile_write_keys(h);
    hostile_set_state(h, XenbusStateConnected);
    return hostile_answer(h) < 0 ? -1 : 0;
}

const struct hostile_attack hostile_index[] = {
    { "tx_producer_runs_away", HOSTILE_QUARANTINE, "ran away",
      "moves the Tx producer further ahead than the ring is long",
      tx_runs_away, 4 },
    { "tx_producer_goes_back", HOSTILE_QUARANTINE, "ran away",
      "moves the Tx producer behind what was consumed", tx_goes_back, 3 },
    { "rx_producer_runs_away", HOSTILE_QUARANTINE, "ran away",
      "moves the Rx producer further ahead than the ring is long",
      rx_runs_away, 4 },
    { "rx_producer_goes_back", HOSTILE_QUARANTINE, "ran away",
      "moves the Rx producer behind what was consumed", rx_goes_back, 1 },
    { "second_queue_producer_runs_away", HOSTILE_QUARANTINE, "ran away",
      "moves the second queue's Tx producer out of its ring",
      second_queue_runs_away, 4 },
    { "ctrl_producer_runs_away", HOSTILE_QUARANTINE, "ran away",
      "moves the control ring's producer further ahead than it is long",
      ctrl_runs_away, 4 },
    { "ctrl_producer_goes_back", HOSTILE_QUARANTINE, "ran away",
      "moves the control ring's producer behind what was consumed",
      ctrl_goes_back, 1 },
    { "tx_producer_flips", HOSTILE_EITHER, NULL,
      "a thread moves the Tx producer to and fro by one", tx_flips, 4 },
    { "tx_producer_flips_away", HOSTILE_QUARANTINE, "ran away",
      "a thread moves the Tx producer away and back", tx_flips_away, 1 },
    { "ring_born_broken", HOSTILE_REFUSED, "cannot attach",
      "connects with indices that cannot be those of a ring", born_broken,
      4 },
    { NULL },
};
