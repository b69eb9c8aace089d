/* Buffers for receiving that are not there, or not what they should be.  The
 * talker sends to this guest all the time. */

#include "tests/hostile/hostile.h"

#define LISTEN_MS 300u

static uint32_t
read_only(struct hostile *h, unsigned int i)
{
    return h->tx_pages[i];
}

static uint32_t
for_another(struct hostile *h, unsigned int i)
{
    hostile_entry(h, h->rx_pages[i])->domid = h->domain.domid;
    return h->rx_pages[i];
}

static uint32_t
no_such_grant(struct hostile *h, unsigned int i)
{
    return i & 1 ? 0xffffffff - i : 0;
}

static uint32_t
one_page(struct hostile *h, unsigned int i)
{
    return h->rx_pages[0];
}

static uint32_t
ring_page(struct hostile *h, unsigned int i)
{
    return h->queues[0].tx.gref;
}

static uint32_t
own_ring_page(struct hostile *h, unsigned int i)
{
    return h->queues[0].rx.gref;
}

/* Every buffer is refused: each frame is lost, with its name, and answered. */
static int
refused(struct hostile *h, uint32_t (*gref)(struct hostile *, unsigned int))
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_serve(h, LISTEN_MS, gref);
    if (h->received || !h->error) {
        return hostile_fail(h, "%u frames came, %u errors",
                            (unsigned int) h->received,
                            (unsigned int) h->error);
    }
    hostile_expect(h, "rx_drop_grant", h->error, h->error + HOSTILE_SLOTS);
    return 0;
}

static int
rx_read_only(struct hostile *h)
{
    return refused(h, read_only);
}

static int
rx_foreign(struct hostile *h)
{
    return refused(h, for_another);
}

static int
rx_no_grant(struct hostile *h)
{
    return refused(h, no_such_grant);
}

static int
rx_one_page(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_serve(h, LISTEN_MS, one_page);
    return h->received ? 0 : hostile_fail(h, "nothing came");
}

/* Frames are written over the Tx ring, from its producer index on. */
static int
rx_into_tx_ring(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_serve(h, LISTEN_MS, ring_page);
    return 0;
}

static int
rx_into_rx_ring(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_rx_serve(h, LISTEN_MS, own_ring_page);
    h->wrong_ids = h->strange = 0;
    return 0;
}

/* No buffer, for long enough to be called stalled. */
static int
rx_never_filled(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    hostile_sleep_ms(1300);
    hostile_expect(h, "rx_drop_stalled", 0, UINT32_MAX);
    hostile_expect(h, "rx_drop_queue_full", 1, UINT32_MAX);
    hostile_rx_serve(h, LISTEN_MS, NULL);
    return h->received ? 0 : hostile_fail(h, "nothing came afterwards");
}

/* One buffer at a time, now and then. */
static int
rx_drip(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 40; i++) {
        hostile_rx_post(h, 1, NULL);
        hostile_sleep_ms(10);
        hostile_rx_take(h);
    }
    hostile_expect(h, "rx_drop_queue_full", 0, UINT32_MAX);
    return h->received ? 0 : hostile_fail(h, "nothing came");
}

/* A single-slot frontend (no feature-sg), and buffers posted without ever an
 * event. */
static int
rx_never_notifies(struct hostile *h)
{
    struct hostile_ring *rx = &h->queues[0].rx;

    if (hostile_wait_backend(h, 2, 5000) || hostile_prepare(h)) {
        return -1;
    }
    hostile_write_keys(h);
    hostile_remove(h, "feature-rx-notify");
    hostile_remove(h, "feature-sg");
    hostile_set_state(h, 4);
    if (hostile_answer(h) != 1) {
        return -1;
    }
    /* A channel that leads nowhere. */
    struct guest_channel nowhere = { .wait_fd = -1, .kick_fd = -1 };
    struct guest_channel *channel = rx->channel;

    rx->channel = &nowhere;
    hostile_rx_serve(h, LISTEN_MS, NULL);
    rx->channel = channel;
    return h->received ? 0 : hostile_fail(h, "nothing came");
}

const struct hostile_attack hostile_rx[] = {
    { "rx_ring_never_filled", HOSTILE_DROPS, NULL,
      "posts no buffer at all, then does", rx_never_filled, 1, "slow" },
    { "rx_ring_drips", HOSTILE_NOTHING, NULL,
      "posts one buffer at a time", rx_drip, 1 },
    { "rx_never_notifies", HOSTILE_NOTHING, NULL,
      "posts buffers and never says so", rx_never_notifies, 1 },
    { "rx_grants_read_only", HOSTILE_DROPS, NULL,
      "posts buffers that cannot be written to", rx_read_only, 1 },
    { "rx_grants_foreign", HOSTILE_DROPS, NULL,
      "posts buffers that were granted to another domain", rx_foreign, 1 },
    { "rx_grants_missing", HOSTILE_DROPS, NULL,
      "posts buffers that were granted to nobody", rx_no_grant, 1 },
    { "rx_one_page_for_all", HOSTILE_NOTHING, NULL,
      "posts one page as all of its buffers", rx_one_page, 1 },
    { "rx_into_tx_ring", HOSTILE_EITHER, NULL,
      "posts its Tx ring's page as all of its buffers", rx_into_tx_ring, 1 },
    { "rx_into_rx_ring", HOSTILE_EITHER, NULL,
      "posts its Rx ring's page as all of its buffers", rx_into_rx_ring, 1 },
    { NULL },
};
