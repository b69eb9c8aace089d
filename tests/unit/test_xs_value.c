/* Values of xenstore nodes, truncated, overlong and hostile. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netdom/xs_value.h"

static void
test_numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "4", true, 4 },
        { "007", true, 7 },
        { "18446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, 0 },
        { "99999999999999999999", false, 0 },
        { "000000000000000000001", false, 0 },  /* 21 digits. */
        { "", false, 0 },
        { "-1", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1\n", false, 0 },
        { "0x10", false, 0 },
        { "1e3", false, 0 },
        { "\xff", false, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 42;

        assert_int_equal(xs_value_u64(rows[i].text, strlen(rows[i].text), 0,
                                      UINT64_MAX, &value), rows[i].ok);
        assert_int_equal(value, rows[i].ok ? rows[i].value : 42);
    }
}

static void
test_bounds(void **state)
{
    uint64_t value = 0;

    assert_true(xs_value_u64("5", 1, 5, 5, &value));
    assert_false(xs_value_u64("4", 1, 5, 6, &value));
    assert_false(xs_value_u64("7", 1, 5, 6, &value));
    assert_true(xs_value_u64("12", 1, 0, 9, &value));   /* Truncated: "1". */
    assert_int_equal(value, 1);
}

static void
test_nulls(void **state)
{
    uint64_t value = 0;

    assert_true(xs_value_u64("12\0", 3, 0, 99, &value));
    assert_int_equal(value, 12);
    assert_false(xs_value_u64("1\0002", 3, 0, 99, &value));
    assert_false(xs_value_u64("12\0\0", 4, 0, 99, &value));
    assert_false(xs_value_u64("\0", 1, 0, 99, &value));
}

static void
test_bool(void **state)
{
    bool value = false;

    assert_true(xs_value_bool("1", 1, &value));
    assert_true(value);
    assert_true(xs_value_bool("0", 1, &value));
    assert_false(value);
    assert_false(xs_value_bool("2", 1, &value));
    assert_false(xs_value_bool("true", 4, &value));
    assert_false(xs_value_bool("", 0, &value));
}

static void
test_text(void **state)
{
    char text[8] = "before";

    assert_true(xs_value_text("mac arp", 7, text, sizeof text));
    assert_string_equal(text, "mac arp");
    assert_true(xs_value_text("", 0, text, sizeof text));
    assert_string_equal(text, "");
    assert_false(xs_value_text("12345678", 8, text, sizeof text));
    assert_false(xs_value_text("a\nb", 3, text, sizeof text));
    assert_false(xs_value_text("a\x1b[2J", 5, text, sizeof text));
    assert_false(xs_value_text("\xc3\xa4", 2, text, sizeof text));
    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_bool),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests_name("xs_value", tests, NULL, NULL);
}
