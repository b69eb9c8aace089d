/* Storms of events, of watches, of states. */

#include "tests/hostile/hostile.h"

#include <stdio.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

static void
turn_tx_event(struct hostile *h, uint64_t i)
{
    guest_channel_kick(&h->queues[0].channels[0]);
}

static void
turn_rx_event(struct hostile *h, uint64_t i)
{
    guest_channel_kick(&h->queues[0].channels[1]);
}

static void
turn_ctrl_event(struct hostile *h, uint64_t i)
{
    guest_channel_kick(&h->ctrl_channel);
}

/* Events without work, while honest frames go on. */
static int
events(struct hostile *h, void (*turn)(struct hostile *, uint64_t))
{
    struct hostile_racer racer;
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;

    if (hostile_connect(h) || hostile_race_begin(h, &racer, turn)) {
        return -1;
    }
    int error = 0;
    while (!error && hostile_now_ns() < until_ns) {
        hostile_tx_frame(h, 0, 60);
        hostile_tx_push(h);
        error = hostile_tx_settle(h);
        hostile_sleep_ms(1);
    }
    hostile_race_end(h, &racer);
    h->accounted = true;
    if (error) {
        return -1;
    }
    return h->turns > h->seconds * 20000
           ? 0 : hostile_fail(h, "only %u events", (unsigned int) h->turns);
}

static int
tx_events(struct hostile *h)
{
    return events(h, turn_tx_event);
}

static int
rx_events(struct hostile *h)
{
    return events(h, turn_rx_event);
}

static int
ctrl_events(struct hostile *h)
{
    h->with_ctrl = true;
    return hostile_need(h, "feature-ctrl-ring")
           ? -1 : events(h, turn_ctrl_event);
}

/* What the backend watches, and what it does not, as fast as xenstore takes
 * it. */
static int
watches(struct hostile *h, bool many)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;
    char leaf[32];

    if (hostile_connect(h)) {
        return -1;
    }
    while (hostile_now_ns() < until_ns) {
        uint64_t i = h->turns++;

        if (many) {
            snprintf(leaf, sizeof leaf, "state/%u", (unsigned int) i % 500);
            hostile_write(h, leaf, "x");
            if (i % 500 == 499) {
                hostile_set_state(h, XenbusStateConnected);
            }
        } else {
            hostile_set_state(h, XenbusStateConnected);
            hostile_write_uint(h, "request-multicast-control", i & 1);
        }
    }
    for (unsigned int i = 0; many && i < 500; i++) {
        snprintf(leaf, sizeof leaf, "state/%u", i);
        hostile_remove(h, leaf);
    }
    hostile_remove(h, "request-multicast-control");
    hostile_sleep_ms(20);
    return hostile_backend_state(h) == XenbusStateConnected
           ? 0 : hostile_fail(h, "the storm closed the vif");
}

static int
watch_storm(struct hostile *h)
{
    return watches(h, false);
}

static int
watch_storm_below(struct hostile *h)
{
    return watches(h, true);
}

static int
state_storm(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;

    if (hostile_connect(h)) {
        return -1;
    }
    while (hostile_now_ns() < until_ns) {
        hostile_set_state(h, hostile_random(h) % 9);
        h->turns++;
        if (hostile_random(h) % 64 == 0) {
            hostile_sleep_ms(hostile_random(h) % 4);
        }
    }
    return 0;
}

/* Connects and closes as fast as the backend follows, with new rings. */
static int
reconnect_storm(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;

    while (hostile_now_ns() < until_ns) {
        if (hostile_connect(h)) {
            return -1;
        }
        hostile_tx_frame(h, 0, 60);
        hostile_tx_push(h);
        if (h->turns++ & 1 && hostile_tx_settle(h)) {
            return -1;
        }
        if (hostile_close(h)) {
            return -1;
        }
    }
    h->frames = 0;
    if (h->turns < 3) {
        return hostile_fail(h, "only %u times", (unsigned int) h->turns);
    }
    return hostile_connect(h);
}

/* Of channels that are being closed: each is kicked on after its end. */
static int kick_fds[2] = { -1, -1 };

static void
turn_old_channels(struct hostile *h, uint64_t i)
{
    uint64_t one = 1;
    int fd = __atomic_load_n(&kick_fds[i & 1], __ATOMIC_ACQUIRE);

    if (fd >= 0 && write(fd, &one, sizeof one) < 0) {
        return;                         /* It is full. */
    }
}

static int
events_while_closing(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;
    struct hostile_racer racer;
    int error = 0;

    if (hostile_race_begin(h, &racer, turn_old_channels)) {
        return -1;
    }
    for (unsigned int i = 0; !error && hostile_now_ns() < until_ns; i++) {
        error = hostile_connect(h);

        int old = __atomic_exchange_n(
            &kick_fds[i & 1], dup(h->queues[0].channels[i / 2 & 1].kick_fd),
            __ATOMIC_ACQ_REL);
        hostile_sleep_ms(1);
        if (old >= 0) {
            close(old);
        }
        error = error || hostile_close(h);
    }
    hostile_race_end(h, &racer);
    return error ? -1 : hostile_connect(h);
}

/* Every pair of states, from one to the other without waiting. */
static int
state_pairs(struct hostile *h)
{
    for (unsigned int from = 0; from < 9; from++) {
        for (unsigned int to = 0; to < 9; to++) {
            hostile_set_state(h, from);
            hostile_sleep_ms(2);
            hostile_set_state(h, to);
            hostile_sleep_ms(2);
            h->turns++;
        }
    }
    hostile_set_state(h, XenbusStateClosed);
    return hostile_wait_backend(h, XenbusStateClosed, 3000);
}

const struct hostile_attack hostile_storm[] = {
    { "events_storm_tx", HOSTILE_NOTHING, NULL,
      "a thread sends Tx events without work", tx_events, 1 },
    { "events_storm_rx", HOSTILE_NOTHING, NULL,
      "a thread sends Rx events without work", rx_events, 1 },
    { "events_storm_ctrl", HOSTILE_NOTHING, NULL,
      "a thread sends events of the control ring without work", ctrl_events,
      1 },
    { "watch_storm", HOSTILE_NOTHING, NULL,
      "rewrites nodes that the backend watches", watch_storm, 1 },
    { "watch_storm_below", HOSTILE_NOTHING, NULL,
      "makes and rewrites 500 nodes below one that is watched",
      watch_storm_below, 1 },
    { "state_storm", HOSTILE_NOTHING, NULL,
      "writes states, real ones and others, in random order", state_storm,
      1 },
    { "state_every_pair", HOSTILE_NOTHING, NULL,
      "goes from every state to every other", state_pairs, 1 },
    { "reconnect_storm", HOSTILE_NOTHING, NULL,
      "connects and closes as fast as it can", reconnect_storm, 1 },
    { "events_storm_while_closing", HOSTILE_NOTHING, NULL,
      "a thread sends events of channels while they are closed",
      events_while_closing, 1 },
    { NULL },
};
