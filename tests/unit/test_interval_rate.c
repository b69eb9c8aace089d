/* A limit as bytes in microseconds. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "qos/interval_rate.h"

static void
test_good(void **state)
{
    static const struct {
        const char *text;
        struct qos_profile profile;
    } rows[] = {
        /* As xl writes 100Mb/s, 10MB/s@20ms and 1KB/s. */
        { "625000,50000", { 100000000, 625000 } },
        { "200000,20000", { 80000000, 200000 } },
        { "1000,1000000", { 8000, 1514 } },
        { "50,50000", { 8000, 1514 } },
        { "0,0", { 0, 0 } },
        { "0,50000", { 0, 0 } },
        { "00625000,0050000", { 100000000, 625000 } },
        { "1514,1000", { 12112000, 1514 } },
        { "10000,3", { 26666666666, 10000 } },      /* Rounded down. */
        { "50000,1", { 400000000000, 50000 } },
        { "1073741824,1000000", { 8589934592, 1u << 30 } },
        { "1073741825,1000000", { 8589934600, 1u << 30 } },
        /* bytes * 8000000 is above 64 bits. */
        { "18446744073709551615,18446744073709551615", { 8000000, 1u << 30 } },
        { "18446744073709551615,368934881474192",
          { 399999999999, 1u << 30 } },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct qos_profile profile = { 42, 42 };
        char error[QOS_TEXT_BYTES];

        print_message("# %s\n", rows[i].text);
        assert_true(qos_interval_rate_parse(rows[i].text, &profile, error));
        assert_int_equal(profile.rate_bps, rows[i].profile.rate_bps);
        assert_int_equal(profile.burst_bytes, rows[i].profile.burst_bytes);
        assert_string_equal(error, "");
        assert_null(qos_profile_check(&profile));
    }
}

static void
test_bad(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "", "625000,50000" },
        { "fast", "two whole numbers" },
        { "100Mbit", "two whole numbers" },
        { "1000", "two whole numbers" },
        { "1000,", "two whole numbers" },
        { ",1000", "two whole numbers" },
        { "0,", "two whole numbers" },
        { "1000,1000,", "two whole numbers" },
        { "1000,1000 ", "two whole numbers" },
        { " 1000,1000", "two whole numbers" },
        { "1000, 1000", "two whole numbers" },
        { "+1000,1000", "two whole numbers" },
        { "-1000,1000", "two whole numbers" },
        { "1000,-1000", "two whole numbers" },
        { "1e6,1000", "two whole numbers" },
        { "0x10,1000", "two whole numbers" },
        { "18446744073709551616,1", "two whole numbers" },
        { "1000,18446744073709551616", "two whole numbers" },
        { "1000,0", "at least 1 microsecond" },
        { "1,1000000", "below 8000" },
        { "999,1000000", "below 8000" },
        { "1,18446744073709551615", "below 8000" },
        { "50001,1", "above 400000000000" },
        { "18446744073709551615,1", "above 400000000000" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct qos_profile profile = { 42, 43 };
        char error[QOS_TEXT_BYTES];

        print_message("# %s\n", rows[i].text);
        assert_false(qos_interval_rate_parse(rows[i].text, &profile, error));
        assert_non_null(strstr(error, rows[i].says));
        assert_int_equal(profile.rate_bps, 42);
        assert_int_equal(profile.burst_bytes, 43);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests_name("interval_rate", tests, NULL, NULL);
}
