#include "tools/guest/sequence.h"

#include <string.h>

void
sequence_init(struct sequence *s)
{
    memset(s, 0, sizeof *s);
}

static uint64_t *
word(struct sequence *s, uint64_t number)
{
    return &s->seen[number % SEQUENCE_WINDOW / 64];
}

static uint64_t
bit(uint64_t number)
{
    return UINT64_C(1) << number % 64;
}

/* Moves the window so that 'number' is its last. */
static void
advance(struct sequence *s, uint64_t number)
{
    if (number - s->next >= SEQUENCE_WINDOW) {
        memset(s->seen, 0, sizeof s->seen);
    } else {
        for (uint64_t n = s->next; n <= number; n++) {
            *word(s, n) &= ~bit(n);
        }
    }
    s->next = number + 1;
}

void
sequence_add(struct sequence *s, uint64_t number)
{
    if (!s->started) {
        s->started = true;
        s->first = s->next = number;
    }
    if (number >= s->next) {
        advance(s, number);
    } else if (number < s->first || s->next - number > SEQUENCE_WINDOW) {
        s->n_stale++;
        return;
    } else if (*word(s, number) & bit(number)) {
        s->n_duplicates++;
        return;
    } else {
        s->n_reordered++;
    }
    *word(s, number) |= bit(number);
    s->n_unique++;
}

uint64_t
sequence_lost(const struct sequence *s)
{
    return s->next - s->first - s->n_unique;
}
