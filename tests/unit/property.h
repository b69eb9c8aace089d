/* Property tests: scripts made from a seed are run on a model; one that fails
 * is cut down to the shortest that still does, and printed.
 *
 * Thread: one.  Owner: the caller's memory.  Errors: the test fails. */

#ifndef TESTS_UNIT_PROPERTY_H
#define TESTS_UNIT_PROPERTY_H 1

#include <stdint.h>

#define PROPERTY_STEPS_MAX 4096u
#define PROPERTY_TEXT_BYTES 200

/* What a step means, its test says. */
struct property_step {
    uint8_t kind, who;
    uint32_t size;
    uint64_t after_ns;                  /* Since the step before. */
};

struct property {
    const char *name;
    unsigned int n_seeds;
    /* Fills in up to PROPERTY_STEPS_MAX steps; returns how many. */
    unsigned int (*make)(uint64_t seed, struct property_step *);
    /* Runs 'n' steps made from 'seed'.  Returns 0, or -1 with what is wrong
     * in 'text'. */
    int (*run)(uint64_t seed, const struct property_step *, unsigned int n,
               char text[PROPERTY_TEXT_BYTES]);
};

void property_check(const struct property *);

/* The next of a sequence of numbers: splitmix64 (Steele, Lea and Flood,
 * OOPSLA 2014). */
uint64_t property_random(uint64_t *seed);

#endif /* tests/unit/property.h */
