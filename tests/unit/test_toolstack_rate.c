/* Limits as toolstacks let people write them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "qos/toolstack_rate.h"

struct good {
    const char *text;
    uint64_t rate_bps, burst_bytes;
};

typedef bool parse_func(const char *, struct qos_profile *,
                        char error[QOS_TEXT_BYTES]);

static void
expect(parse_func *parse, const struct good *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct qos_profile profile = { 1, 1 };
        char error[QOS_TEXT_BYTES];

        if (!parse(cases[i].text, &profile, error)) {
            fail_msg("%s: %s", cases[i].text, error);
        }
        assert_string_equal(error, "");
        assert_int_equal(profile.rate_bps, cases[i].rate_bps);
        assert_int_equal(profile.burst_bytes, cases[i].burst_bytes);
    }
}

static void
expect_none(parse_func *parse, const char *const texts[], size_t n,
            const char *says)
{
    for (size_t i = 0; i < n; i++) {
        struct qos_profile profile = { 7, 8 };
        char error[QOS_TEXT_BYTES];

        if (parse(texts[i], &profile, error)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
        if (!strstr(error, says)) {
            fail_msg("\"%s\": %s", texts[i], error);
        }
        assert_int_equal(profile.rate_bps, 7);
        assert_int_equal(profile.burst_bytes, 8);
    }
}

#define N(ARRAY) (sizeof (ARRAY) / sizeof (ARRAY)[0])

static void
test_xen(void **state)
{
    static const struct good cases[] = {
        { "10Mb/s@50ms", 10000000, 62500 },
        { "10Mb/s", 10000000, 62500 },
        { "1MB/s@20ms", 8000000, 20000 },
        { "250KB/s", 2000000, 12500 },
        { "1GB/s@1000us", 8000000000, 1000000 },
        { "1Gb/s@1s", 1000000000, 125000000 },
        { "1Gb/s@1", 1000000000, 125000000 },
        { "100Mb/s@10m", 100000000, 125000 },
        { "100Mb/s@10000u", 100000000, 125000 },
        { "1000B/s@1s", 8000, 1514 },
        { "8000b/s@1s", 8000, 1514 },
        /* Rounded down: 12 bits are a byte, and 50 ms of 1001 are 50. */
        { "1001B/s", 8000, 1514 },
        { "50GB/s@1ms", 400000000000, 50000000 },
    };
    static const char *const malformed[] = {
        "", "10", "10Mb", "Mb/s", "10mb/s", "10 Mb/s", "10Mb/s@", "10Mb/s@ms",
        "10Mb/s@50ms ", "10Mb/s@50msx", "10Mb/s50ms", "-1Mb/s", "0x10Mb/s",
        "10Mbit", "10Mbit/s", "10Tb/s", "1.5Mb/s", "10Mb/sec",
    };
    static const char *const beyond[] = {
        "0Mb/s", "1B/s", "7999b/s@1s", "401Gb/s", "51GB/s",
        "18446744073709551615GB/s", "99999999999999999999999b/s",
        "10Mb/s@0ms", "10Mb/s@4295s", "10Mb/s@99999999999999999999us",
        "40GB/s@1s",
    };

    expect(qos_xen_rate_parse, cases, N(cases));
    expect_none(qos_xen_rate_parse, malformed, N(malformed), "rate of xl's");
    expect_none(qos_xen_rate_parse, beyond, N(beyond), "out of range");
}

static void
test_xapi(void **state)
{
    static const struct good cases[] = {
        { "1000", 8192000, 51200 },     /* Not 1 Mbit/s, nor 8. */
        { "1220", 9994240, 62464 },
        { "125000", 1024000000, 6400000 },
        { "1000,20000", 8192000, 20480 },
        { "1", 8160, 1514 },            /* 51 bytes in 50 ms. */
    };
    static const char *const malformed[] = {
        "", "x", "1000kB", "1000,", ",1000", "1000,1,2", " 1000", "1e3", "-1",
    };
    static const char *const beyond[] = {
        "0", "99999999999999999999", "60000000", "1000,0",
        "1000,99999999999",
    };

    expect(qos_xapi_kbps_parse, cases, N(cases));
    expect_none(qos_xapi_kbps_parse, malformed, N(malformed), "kbps of XAPI");
    expect_none(qos_xapi_kbps_parse, beyond, N(beyond), "out of range");
}

/* However long the text is, the sentence is whole and says it. */
static void
test_long_text(void **state)
{
    char text[1000], error[QOS_TEXT_BYTES];
    struct qos_profile profile;

    memset(text, '9', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(qos_xen_rate_parse(text, &profile, error));
    assert_non_null(strstr(error, "write it like"));
    assert_false(qos_xapi_kbps_parse(text, &profile, error));
    assert_non_null(strstr(error, "out of range"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xen),
        cmocka_unit_test(test_xapi),
        cmocka_unit_test(test_long_text),
    };

    return cmocka_run_group_tests_name("toolstack_rate", tests, NULL, NULL);
}
