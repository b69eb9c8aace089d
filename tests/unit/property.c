#include "tests/unit/property.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SHOWN_STEPS 40u

uint64_t
property_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Leaves out as many steps as it can; the time that they took stays.  Returns
 * how many are left. */
static unsigned int
shrink(const struct property *p, uint64_t seed, struct property_step *steps,
       unsigned int n, char text[PROPERTY_TEXT_BYTES])
{
    struct property_step *tried = calloc(n + 1, sizeof *tried);
    char other[PROPERTY_TEXT_BYTES];

    for (unsigned int part = n / 2; part; part /= 2) {
        for (unsigned int at = 0; at + part <= n;) {
            unsigned int rest = n - at - part;

            memcpy(tried, steps, at * sizeof *tried);
            memcpy(tried + at, steps + at + part, rest * sizeof *tried);
            for (unsigned int i = at; rest && i < at + part; i++) {
                tried[at].after_ns += steps[i].after_ns;
            }
            if (p->run(seed, tried, n - part, other)) {
                n -= part;
                memcpy(steps, tried, n * sizeof *tried);
                memcpy(text, other, sizeof other);
            } else {
                at += part;
            }
        }
    }
    free(tried);
    return n;
}

void
property_check(const struct property *p)
{
    static struct property_step steps[PROPERTY_STEPS_MAX];
    char text[PROPERTY_TEXT_BYTES];

    for (uint64_t seed = 1; seed <= p->n_seeds; seed++) {
        unsigned int n = p->make(seed, steps);

        if (!p->run(seed, steps, n, text)) {
            continue;
        }
        n = shrink(p, seed, steps, n, text);
        print_error("%s: seed %"PRIu64", %u steps: %s\n", p->name, seed, n,
                    text);
        for (unsigned int i = n > SHOWN_STEPS ? n - SHOWN_STEPS : 0; i < n;
             i++) {
            print_error("  +%"PRIu64" ns: kind %u, who %u, size %"PRIu32"\n",
                        steps[i].after_ns, steps[i].kind, steps[i].who,
                        steps[i].size);
        }
        fail();
    }
}
