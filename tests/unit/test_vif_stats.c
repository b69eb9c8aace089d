/* Counters: each has a name of its own, and each is added up. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_stats.h"

#define N_COUNTERS (sizeof(struct vif_stats) / sizeof(uint64_t))

_Static_assert(sizeof(struct vif_stats) % sizeof(uint64_t) == 0,
               "counters only");

static void
test_add(void **state)
{
    uint64_t sum[N_COUNTERS], more[N_COUNTERS];
    struct vif_stats a, b;

    for (size_t i = 0; i < N_COUNTERS; i++) {
        sum[i] = 1000 + i;
        more[i] = i * i;
    }
    memcpy(&a, sum, sizeof a);
    memcpy(&b, more, sizeof b);
    vif_stats_add(&a, &b);
    memcpy(sum, &a, sizeof sum);
    for (size_t i = 0; i < N_COUNTERS; i++) {
        assert_int_equal(sum[i], 1000 + i + i * i);
    }
    memcpy(sum, &b, sizeof sum);
    assert_memory_equal(sum, more, sizeof sum);
}

static void
expect_distinct(const char *const *names, int from, int n)
{
    for (int i = from; i < n; i++) {
        assert_non_null(names[i]);
        for (int j = from; j < i; j++) {
            assert_string_not_equal(names[i], names[j]);
        }
    }
}

static void
test_names(void **state)
{
    expect_distinct(vif_drop_names, 0, VIF_N_DROPS);
    expect_distinct(vif_malice_names, 1, VIF_N_MALICES);
    expect_distinct(vif_malice_sentences, 1, VIF_N_MALICES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("vif_stats", tests, NULL, NULL);
}
