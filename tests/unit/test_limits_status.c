/* What a tenant's switch says of its limits: only what looks as it should is
 * believed. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "smap.h"
#include "tenants/limits_status.h"

static void
finish(struct smap *limits)
{
    smap_destroy(limits);
    free(limits);
}

static void
test_what_is_known(void **state)
{
    struct smap status = SMAP_INITIALIZER(&status);

    smap_add(&status, "tx_rate_bps", "400000000000");
    smap_add(&status, "tx_source", "the port's row");
    smap_add(&status, "rx_weight", "1000");
    smap_add(&status, "state", "connected");
    smap_add(&status, "tx_other", "1");
    struct smap *limits = limits_in_force(&status);
    assert_int_equal(smap_count(limits), 3);
    assert_string_equal(smap_get(limits, "tx_rate_bps"), "400000000000");
    assert_string_equal(smap_get(limits, "tx_source"), "the port's row");
    assert_string_equal(smap_get(limits, "rx_weight"), "1000");
    finish(limits);
    smap_destroy(&status);
}

static void
test_what_is_not_believed(void **state)
{
    static const char *const numbers[] = {
        "", "-1", "1x", "0x10", " 1", "1e9", "99999999999999999999999",
    };
    static const char *const sources[] = {
        "", "a\nb", "\033[31m", "<b>",
        "01234567890123456789012345678901234567890",
    };
    struct smap status = SMAP_INITIALIZER(&status);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        smap_replace(&status, "rx_rate_bps", numbers[i]);
        struct smap *limits = limits_in_force(&status);
        assert_true(smap_is_empty(limits));
        finish(limits);
    }
    smap_clear(&status);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        smap_replace(&status, "rx_source", sources[i]);
        struct smap *limits = limits_in_force(&status);
        assert_true(smap_is_empty(limits));
        finish(limits);
    }
    smap_destroy(&status);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known),
        cmocka_unit_test(test_what_is_not_believed),
    };

    return cmocka_run_group_tests_name("limits_status", tests, NULL, NULL);
}
