/* Follows the sequence numbers of one generator: what is missing, what came
 * late, what came twice.
 *
 * The first number seen is where counting begins.  A window of the latest
 * SEQUENCE_WINDOW numbers tells a late frame from a duplicate; a frame that
 * is older than the window cannot be told and is counted apart.
 *
 * Thread: one at a time.  Pure: no clock, no allocation. */

#ifndef GUEST_SEQUENCE_H
#define GUEST_SEQUENCE_H 1

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_WINDOW 8192u           /* A power of 2. */

struct sequence {
    bool started;
    uint64_t first;                     /* Where counting began. */
    uint64_t next;                      /* Highest number seen, plus 1. */
    uint64_t n_unique;                  /* Different numbers seen. */
    uint64_t n_reordered;               /* Came after a higher one. */
    uint64_t n_duplicates;
    uint64_t n_stale;                   /* Older than the window. */
    uint64_t seen[SEQUENCE_WINDOW / 64];
};

void sequence_init(struct sequence *);
void sequence_add(struct sequence *, uint64_t number);

/* Numbers from the first to the highest that never came. */
uint64_t sequence_lost(const struct sequence *);

#endif /* sequence.h */
