#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "qos/profile.h"
#include "qos/rate_text.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))

static void
test_rates_that_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t rate_bps;
    } cases[] = {
        { "100Mbit", 100000000 },
        { "1.5Gbit", 1500000000 },
        { "64kbit", 64000 },
        { "8000bit", 8000 },
        { "8kbit", 8000 },
        { "400Gbit", 400000000000 },
        { "0.4Tbit", 400000000000 },
        { "100Mbit/s", 100000000 },
        { "100Mbps", 100000000 },
        { "9600bps", 9600 },
        { "100 Mbit", 100000000 },
        { "007Mbit", 7000000 },
        { "2.50Gbit", 2500000000 },
        { "8000.000000000000000bit", 8000 },
        { "0.000000009001Tbit", 9001 },
        { "8.001kbit", 8001 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char error[QOS_TEXT_BYTES];
        uint64_t rate_bps = 0;

        if (!qos_rate_parse(cases[i].text, &rate_bps, error)) {
            fail_msg("%s: %s", cases[i].text, error);
        }
        assert_int_equal(rate_bps, cases[i].rate_bps);
        assert_string_equal(error, "");
    }
}

/* Each wrong text must be answered with a sentence that holds 'hint'. */
struct wrong {
    const char *text;
    const char *hint;
};

static void
check_wrong(bool (*parse)(const char *, uint64_t *, char *),
            const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char error[QOS_TEXT_BYTES];
        uint64_t value = 77;

        if (parse(cases[i].text, &value, error)) {
            fail_msg("\"%s\" was taken as %llu", cases[i].text,
                     (unsigned long long) value);
        }
        assert_int_equal(value, 77);
        if (!strstr(error, cases[i].hint)) {
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].text,
                     error, cases[i].hint);
        }
    }
}

static void
test_rates_that_do_not(void **state)
{
    static const struct wrong cases[] = {
        { "", "is not a rate" },
        { "Mbit", "is not a rate" },
        { "-5Mbit", "is not a rate" },
        { "+5Mbit", "is not a rate" },
        { " 5Mbit", "is not a rate" },
        { ".5Mbit", "is not a rate" },
        { "5.Mbit", "is not a rate" },
        { "fast", "is not a rate" },
        { "100", "has no unit" },
        { "100 ", "has no unit" },
        { "1e9", "unknown unit" },
        { "100mbit", "unknown unit" },
        { "100Mibit", "unknown unit" },
        { "100Mb", "unknown unit" },
        { "100  Mbit", "unknown unit" },
        { "100Mbit ", "unknown unit" },
        { "100Mbit/sec", "unknown unit" },
        { "1.5.5Mbit", "unknown unit" },
        { "0x10Mbit", "unknown unit" },
        { "100MB/s", "is in bytes" },
        { "100MBps", "is in bytes" },
        { "100MiB/s", "is in bytes" },
        { "0Mbit", "would stop all traffic" },
        { "0.000kbit", "would stop all traffic" },
        { "7999bit", "out of range" },
        { "7.999kbit", "out of range" },
        { "401Gbit", "out of range" },
        { "400000000001bit", "out of range" },
        { "1Tbit", "out of range" },
        { "18446744073709551617bit", "out of range" },
        { "99999999999999999999999999999999999999Tbit", "out of range" },
        { "8.0001kbit", "no whole number" },
        { "8000.5bit", "no whole number" },
        { "0.0000000000000000001Tbit", "no whole number" },
    };

    check_wrong(qos_rate_parse, cases, ARRAY_SIZE(cases));
}

static void
test_bursts_that_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t burst_bytes;
    } cases[] = {
        { "1514B", 1514 },
        { "64kB", 64000 },
        { "64KiB", 65536 },
        { "1MB", 1000000 },
        { "1.5MiB", 1572864 },
        { "1GiB", 1u << 30 },
        { "1GB", 1000000000 },
        { "64 KiB", 65536 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char error[QOS_TEXT_BYTES];
        uint64_t burst_bytes = 0;

        if (!qos_burst_parse(cases[i].text, &burst_bytes, error)) {
            fail_msg("%s: %s", cases[i].text, error);
        }
        assert_int_equal(burst_bytes, cases[i].burst_bytes);
    }
}

static void
test_bursts_that_do_not(void **state)
{
    static const struct wrong cases[] = {
        { "", "is not a size" },
        { "KiB", "is not a size" },
        { "-64KiB", "is not a size" },
        { "65536", "has no unit" },
        { "64KB", "unknown unit" },
        { "64kiB", "unknown unit" },
        { "64kbit", "unknown unit" },
        { "64K", "unknown unit" },
        { "1513B", "out of range" },
        { "0KiB", "out of range" },
        { "1.1GiB", "no whole number" },
        { "2GiB", "out of range" },
        { "1073741825B", "out of range" },
        { "99999999999999999999999999GiB", "out of range" },
        { "1514.5B", "no whole number" },
    };

    check_wrong(qos_burst_parse, cases, ARRAY_SIZE(cases));
}

static void
test_errors_are_safe_to_print(void **state)
{
    char error[QOS_TEXT_BYTES], text[5000];
    uint64_t value;

    memset(text, '\x1b', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(qos_rate_parse(text, &value, error));
    assert_null(strchr(error, '\x1b'));
    assert_non_null(strstr(error, "...\""));
    assert_false(qos_burst_parse(text, &value, error));
    assert_null(strchr(error, '\x1b'));

    memset(text, '9', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(qos_rate_parse(text, &value, error));
    assert_true(strlen(error) < QOS_TEXT_BYTES);
}

static void
test_format(void **state)
{
    static const struct {
        uint64_t rate_bps;
        const char *text;
    } rates[] = {
        { 100000000, "100Mbit" },
        { 1500000, "1500kbit" },
        { 8001, "8001bit" },
        { 400000000000, "400Gbit" },
        { 1000000000, "1Gbit" },
        { 0, "0bit" },
    };
    static const struct {
        uint64_t burst_bytes;
        const char *text;
    } bursts[] = {
        { 65536, "64KiB" },
        { 64000, "64kB" },
        { 1514, "1514B" },
        { 1u << 30, "1GiB" },
        { 1572864, "1536KiB" },
        { 1000000, "1MB" },
        { 0, "0B" },
    };
    char text[QOS_TEXT_BYTES];

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        qos_rate_format(rates[i].rate_bps, text);
        assert_string_equal(text, rates[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bursts); i++) {
        qos_burst_format(bursts[i].burst_bytes, text);
        assert_string_equal(text, bursts[i].text);
    }
}

/* What is formatted reads back as the same number. */
static void
test_round_trip(void **state)
{
    uint64_t seed = 1;

    for (int i = 0; i < 20000; i++) {
        char text[QOS_TEXT_BYTES], error[QOS_TEXT_BYTES];
        uint64_t in, out;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        in = QOS_RATE_MIN_BPS
             + (seed >> 20) % (QOS_RATE_MAX_BPS - QOS_RATE_MIN_BPS + 1);
        in = in >> (seed & 15) < QOS_RATE_MIN_BPS ? in : in >> (seed & 15);
        qos_rate_format(in, text);
        assert_true(qos_rate_parse(text, &out, error));
        assert_int_equal(in, out);

        in = QOS_BURST_MIN_BYTES
             + (seed >> 20) % (QOS_BURST_MAX_BYTES - QOS_BURST_MIN_BYTES + 1);
        qos_burst_format(in, text);
        assert_true(qos_burst_parse(text, &out, error));
        assert_int_equal(in, out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_that_parse),
        cmocka_unit_test(test_rates_that_do_not),
        cmocka_unit_test(test_bursts_that_parse),
        cmocka_unit_test(test_bursts_that_do_not),
        cmocka_unit_test(test_errors_are_safe_to_print),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
    };

    return cmocka_run_group_tests_name("rate_text", tests, NULL, NULL);
}
