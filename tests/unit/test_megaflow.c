/* What a flow looks at: never less than was needed, and of few kinds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "datapath/megaflow.h"

#define BYTES_MAX 16u

/* The first 'n_bits' bits. */
static void
prefix(uint8_t mask[BYTES_MAX], unsigned int n_bits)
{
    memset(mask, 0, BYTES_MAX);
    for (unsigned int i = 0; i < n_bits; i++) {
        mask[i / 8] |= 0x80 >> i % 8;
    }
}

/* How many masks are left of all prefixes of so many bytes. */
static unsigned int
count_kinds(size_t bytes, size_t step)
{
    uint8_t kinds[8 * BYTES_MAX + 1][BYTES_MAX];
    unsigned int n_kinds = 0;

    for (unsigned int n_bits = 0; n_bits <= 8 * bytes; n_bits++) {
        uint8_t mask[BYTES_MAX], before[BYTES_MAX];
        unsigned int k = 0;

        prefix(mask, n_bits);
        memcpy(before, mask, sizeof mask);
        megaflow_round(mask, bytes, step);
        for (size_t i = 0; i < BYTES_MAX; i++) {
            assert_int_equal(mask[i] & before[i], before[i]);
        }
        while (k < n_kinds && memcmp(kinds[k], mask, sizeof mask)) {
            k++;
        }
        if (k == n_kinds) {
            memcpy(kinds[n_kinds++], mask, sizeof mask);
        }
    }
    return n_kinds;
}

static void
test_kinds(void **state)
{
    assert_int_equal(count_kinds(4, MEGAFLOW_STEP_IPV4), 5);
    assert_int_equal(count_kinds(16, MEGAFLOW_STEP_IPV6), 5);
    assert_int_equal(count_kinds(2, MEGAFLOW_STEP_PORT), 3);
}

/* A byte that nobody looked at stays so: an ICMP type is half a port. */
static void
test_untouched(void **state)
{
    uint8_t type[] = { 0, 0x0f }, holes[] = { 0, 1, 0, 0x80 };

    megaflow_round(type, sizeof type, MEGAFLOW_STEP_PORT);
    assert_memory_equal(type, ((uint8_t[]) { 0, 0xff }), sizeof type);
    megaflow_round(holes, sizeof holes, MEGAFLOW_STEP_IPV4);
    assert_memory_equal(holes, ((uint8_t[]) { 0, 0xff, 0, 0xff }),
                        sizeof holes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
