/* Who ends a quarantine, and who does not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netdom/quarantine.h"

static void
test_only_another_number_releases(void **state)
{
    struct quarantine q = { .on = false };

    assert_false(quarantine_release(&q, 7));

    quarantine_begin(&q, "the ring ran away", 3);
    assert_true(q.on);
    assert_string_equal(q.reason, "the ring ran away");
    for (int i = 0; i < 3; i++) {
        assert_false(quarantine_release(&q, 3));
        assert_true(q.on);
    }
    assert_true(quarantine_release(&q, 4));
    assert_false(q.on);
    assert_string_equal(q.reason, "");
    assert_false(quarantine_release(&q, 5));

    /* Also a lower one: the row in the database may be a new one. */
    quarantine_begin(&q, "again", 4);
    assert_true(quarantine_release(&q, 0));
}

static void
test_first_reason_stays(void **state)
{
    struct quarantine q = { .on = false };

    quarantine_begin(&q, "one", 1);
    quarantine_begin(&q, "two", 2);
    assert_string_equal(q.reason, "one");
    assert_false(quarantine_release(&q, 1));
    assert_true(quarantine_release(&q, 2));
}

static void
test_long_reason_is_cut(void **state)
{
    char reason[2 * QUARANTINE_REASON_BYTES];
    struct quarantine q = { .on = false };

    memset(reason, 'x', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    quarantine_begin(&q, reason, 0);
    assert_int_equal(strlen(q.reason), QUARANTINE_REASON_BYTES - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_another_number_releases),
        cmocka_unit_test(test_first_reason_stays),
        cmocka_unit_test(test_long_reason_is_cut),
    };

    return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}
