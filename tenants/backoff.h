/* When to start again what died: the first time at once, then after 0.1 s,
 * and twice as long each time up to 30 s; a minute of good life makes the
 * slate clean.
 *
 * Thread: one at a time.
 * Owner:  the caller's memory; nothing to free.
 * Errors: none.  Time is passed in, monotonic, in milliseconds. */

#ifndef TENANTS_BACKOFF_H
#define TENANTS_BACKOFF_H 1

#include <stdbool.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000
#define BACKOFF_GOOD_LIFE_MS 60000

struct backoff {
    int delay_ms;                       /* Next one to be imposed. */
    long long int started_ms;
    long long int ready_ms;
};

void backoff_init(struct backoff *);

/* It was started at 'now_ms' (an adopted process: when it was adopted). */
void backoff_started(struct backoff *, long long int now_ms);

/* It died, or starting it failed.  Decides when backoff_ready() says so. */
void backoff_died(struct backoff *, long long int now_ms);

bool backoff_ready(const struct backoff *, long long int now_ms);

#endif /* tenants/backoff.h */
