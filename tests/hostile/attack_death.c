/* Death in the middle of it. */

#include "tests/hostile/hostile.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static unsigned int life_us;

/* Ends the process after its time, whatever it is at. */
static void
turn_die(struct hostile *h, uint64_t i)
{
    struct timespec time = { 0, life_us * 1000 };

    nanosleep(&time, NULL);
    kill(getpid(), SIGKILL);
}

/* Odd variants live from before the handshake, even ones from after it. */
static int
die(struct hostile *h)
{
    struct hostile_racer racer;

    for (unsigned int i = 0; i <= h->variant; i++) {
        life_us = hostile_random(h) % 30000;
    }
    if (!(h->variant & 1) && hostile_connect(h)) {
        return -1;
    }
    if (hostile_race_begin(h, &racer, turn_die)
        || (h->variant & 1 && hostile_connect(h))) {
        return -1;
    }
    for (unsigned int i = 0; ; i++) {
        struct hostile_ring *rx = &h->queues[0].rx;

        if (hostile_tx_room(h, 3)) {
            return -1;
        }
        hostile_tx_frame(h, i, 1400)->flags = NETTXF_more_data;
        hostile_tx_frame(h, i + 1, 100)->flags = NETTXF_more_data;
        hostile_tx_frame(h, i + 2, 100);
        if (i % 16 == 0) {
            hostile_rx_take(h);
            hostile_rx_post(h, HOSTILE_SLOTS - (rx->prod - rx->cons), NULL);
            hostile_tx_push(h);
        }
    }
}

const struct hostile_attack hostile_death[] = {
    { "death_at_any_instruction", HOSTILE_GONE, NULL,
      "kills itself at a random point of a busy transfer", die, 50,
      "limited" },
    { NULL },
};
