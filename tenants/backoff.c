#include "tenants/backoff.h"

#include <limits.h>

void
backoff_init(struct backoff *backoff)
{
    backoff->delay_ms = 0;
    backoff->started_ms = LLONG_MIN;
    backoff->ready_ms = LLONG_MIN;
}

void
backoff_started(struct backoff *backoff, long long int now_ms)
{
    backoff->started_ms = now_ms;
}

void
backoff_died(struct backoff *backoff, long long int now_ms)
{
    if (backoff->started_ms != LLONG_MIN
        && now_ms - backoff->started_ms >= BACKOFF_GOOD_LIFE_MS) {
        backoff->delay_ms = 0;
    }
    backoff->started_ms = LLONG_MIN;
    backoff->ready_ms = now_ms + backoff->delay_ms;

    int next_ms = backoff->delay_ms ? backoff->delay_ms * 2 : BACKOFF_FIRST_MS;
    backoff->delay_ms = next_ms < BACKOFF_MAX_MS ? next_ms : BACKOFF_MAX_MS;
}

bool
backoff_ready(const struct backoff *backoff, long long int now_ms)
{
    return now_ms >= backoff->ready_ms;
}
