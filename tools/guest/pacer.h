/* Paces a generator: how many frames are due now.
 *
 * What could not be sent in time is owed for at most PACER_OWED_SECONDS;
 * beyond that it is forgone, so that no flood follows a hold-up.
 *
 * Thread: one at a time.  Pure: time is passed in. */

#ifndef GUEST_PACER_H
#define GUEST_PACER_H 1

#include <stdint.h>

#define PACER_OWED_SECONDS 0.02
#define PACER_OWED_FRAMES_MIN 64

struct pacer {
    double pps;                         /* 0: no limit. */
    double due;                         /* Frames owed now. */
    uint64_t updated_ns;
    double forgone;                     /* Frames given up. */
};

void pacer_init(struct pacer *, double pps, uint64_t now_ns);

/* At most 'max' frames that are due. */
uint32_t pacer_due(struct pacer *, uint32_t max, uint64_t now_ns);

/* 'n' of them were sent. */
void pacer_sent(struct pacer *, uint32_t n);

/* When the next frame is due, 0 if one is due already. */
uint64_t pacer_next_ns(const struct pacer *);

#endif /* pacer.h */
