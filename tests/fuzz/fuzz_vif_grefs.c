/* The table of a guest's mapped pages, changed by a script, against a plain
 * list; its hash's secret is known to the guest here. */

#include <string.h>

#include "datapath/vif_grefs.h"
#include "tests/fuzz/script.h"

#define N_GREFS 600u
#define STEPS_MAX 30                    /* Each may be a long walk. */

/* A reference whose place in the table is the guest's choice: multiples of
 * the secret's inverse fall into one run. */
static uint32_t
make_gref(uint32_t number, uint32_t inverse)
{
    return (number << 18) * inverse;
}

static uint32_t
invert(uint32_t odd)
{
    uint32_t x = odd;

    for (int i = 0; i < 5; i++) {
        x *= 2 - odd * x;
    }
    return x;
}

static void
compare(const struct vif_grefs *grefs, uint8_t *const pages[N_GREFS],
        uint32_t inverse, unsigned int n)
{
    CHECK(grefs->n == n && n <= VIF_GREFS_MAX);
    for (uint32_t i = 0; i < N_GREFS; i++) {
        if (!pages[i] && i % 37) {
            continue;                   /* A miss is a walk of all. */
        }

        const struct vif_gref *found
            = vif_grefs_find(grefs, make_gref(i, inverse));

        CHECK((found ? found->page : NULL) == pages[i]);
        CHECK(!found || found->readonly == (i & 1));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[N_GREFS];
    struct script in = { data, size };
    uint8_t *pages[N_GREFS] = { NULL };
    struct vif_grefs *grefs = vif_grefs_copy(NULL);
    unsigned int n = 0;

    CHECK(grefs && grefs->secret % 2);
    grefs->secret = next32(&in) | 1;
    uint32_t inverse = invert(grefs->secret);
    CHECK(inverse * grefs->secret == 1);

    for (int step = 0; in.size && step < STEPS_MAX; step++) {
        uint8_t op = next8(&in);
        uint32_t first = next16(&in) % N_GREFS;
        uint32_t count = !step && op & 2 ? N_GREFS
                         : op >= 0x80 ? next8(&in) % 16 : 1;

        for (uint32_t j = first; j < first + count; j++) {
            uint32_t i = j % N_GREFS;

            if (op % 4) {
                CHECK(vif_grefs_add(grefs, &(struct vif_gref) {
                    make_gref(i, inverse), i & 1, &memory[i],
                }) == (!pages[i] && n < VIF_GREFS_MAX));
                if (!pages[i] && n < VIF_GREFS_MAX) {
                    pages[i] = &memory[i];
                    n++;
                }
            } else {
                CHECK(vif_grefs_remove(grefs, make_gref(i, inverse))
                      == pages[i]);
                n -= pages[i] != NULL;
                pages[i] = NULL;
            }
        }
        if (op & 0x40) {
            struct vif_grefs *copy = vif_grefs_copy(grefs);

            CHECK(copy);
            vif_grefs_destroy(grefs);
            grefs = copy;
        }
    }
    compare(grefs, pages, inverse, n);
    vif_grefs_destroy(grefs);
    return 0;
}
