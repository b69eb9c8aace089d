#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/fence.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define MAC "00:16:3e:00:00:01"

static void
parse(const char *checks, const char *addresses, struct fence *fence)
{
    char error[FENCE_ERROR_BYTES];

    if (!fence_parse(checks, MAC, addresses, fence, error)) {
        fail_msg("\"%s\" \"%s\": %s", checks, addresses, error);
    }
    assert_string_equal(error, "");
}

static void
test_checks(void **state)
{
    struct fence fence;

    parse("", "", &fence);
    assert_false(fence.check_mac || fence.check_arp || fence.check_ip);
    parse("mac", "", &fence);
    assert_true(fence.check_mac && !fence.check_arp && !fence.check_ip);
    parse("ip arp", "", &fence);
    assert_true(!fence.check_mac && fence.check_arp && fence.check_ip);
    parse("  mac  arp ip mac ", "", &fence);
    assert_true(fence.check_mac && fence.check_arp && fence.check_ip);
}

static void
test_mac(void **state)
{
    static const uint8_t mac[6] = { 0xa2, 0xbc, 0xde, 0xf0, 0x12, 0x34 };
    char error[FENCE_ERROR_BYTES];
    struct fence fence;

    assert_true(fence_parse("mac", "a2:BC:de:F0:12:34", "", &fence, error));
    assert_memory_equal(fence.mac, mac, 6);
    assert_true(fence_parse("", "", "", &fence, error));
}

static void
test_addresses(void **state)
{
    struct fence fence;

    parse("ip", " 10.0.0.1  192.168.0.0/20 2001:db8::/61 ::/0 fe80::1 ",
          &fence);
    assert_int_equal(fence.n_addresses, 5);

    const uint8_t host[4] = { 10, 0, 0, 1 };
    assert_false(fence.addresses[0].v6);
    assert_memory_equal(fence.addresses[0].bytes, host, 4);
    assert_int_equal(fence.addresses[0].mask[3], 0xff);

    const uint8_t mask20[4] = { 255, 255, 240, 0 };
    assert_memory_equal(fence.addresses[1].mask, mask20, 4);

    const uint8_t mask61[16] = { 255, 255, 255, 255, 255, 255, 255, 0xf8 };
    assert_true(fence.addresses[2].v6);
    assert_int_equal(fence.addresses[2].bytes[1], 1);
    assert_memory_equal(fence.addresses[2].mask, mask61, 16);

    assert_int_equal(fence.addresses[3].mask[0], 0);
    assert_int_equal(fence.addresses[4].mask[15], 0xff);
}

static void
test_prefix_lengths(void **state)
{
    for (int bits = 0; bits <= 32; bits++) {
        char text[] = "0.0.0.0/00";
        struct fence fence;
        int ones = 0;

        text[8] = '0' + bits / 10;
        text[9] = '0' + bits % 10;
        parse("ip", text, &fence);
        for (int i = 0; i < 16; i++) {
            ones += __builtin_popcount(fence.addresses[0].mask[i]);
        }
        assert_int_equal(ones, bits);
    }
}

static void
test_most_addresses(void **state)
{
    char text[FENCE_ADDRESSES_MAX * 12 + 32] = "";
    char error[FENCE_ERROR_BYTES];
    struct fence fence;

    for (int i = 0; i < FENCE_ADDRESSES_MAX; i++) {
        strcat(text, "10.0.0.1 ");
    }
    parse("ip", text, &fence);
    assert_int_equal(fence.n_addresses, FENCE_ADDRESSES_MAX);

    strcat(text, "10.0.0.2");
    assert_false(fence_parse("ip", MAC, text, &fence, error));
    assert_non_null(strstr(error, "more than 32 addresses"));
}

static void
test_what_is_wrong(void **state)
{
    static const struct {
        const char *checks, *mac, *addresses, *hint;
    } cases[] = {
        { "macs", MAC, "", "unknown anti-spoof check \"macs\"" },
        { "mac,arp", MAC, "", "unknown anti-spoof check" },
        { "MAC", MAC, "", "unknown anti-spoof check" },
        { "mac\t", MAC, "", "unknown anti-spoof check" },
        { "mac", "", "", "is not a MAC address" },
        { "ip", "", "10.0.0.1", "is not a MAC address" },
        { "mac", "00:16:3e:00:00", "", "is not a MAC address" },
        { "mac", "00:16:3e:00:00:1", "", "is not a MAC address" },
        { "mac", "00:16:3e:00:00:01 ", "", "is not a MAC address" },
        { "mac", "00:16:3e:00:00:01:02", "", "is not a MAC address" },
        { "mac", "00-16-3e-00-00-01", "", "is not a MAC address" },
        { "mac", "00:16:3e:00:00:0g", "", "is not a MAC address" },
        { "mac", "0", "", "is not a MAC address" },
        { "", "nonsense", "", "is not a MAC address" },
        { "mac", "01:16:3e:00:00:01", "", "cannot be a sender's" },
        { "mac", "ff:ff:ff:ff:ff:ff", "", "cannot be a sender's" },
        { "mac", "00:00:00:00:00:00", "", "cannot be a sender's" },
        { "ip", MAC, "10.0.0", "is not an address" },
        { "ip", MAC, "10.0.0.256", "is not an address" },
        { "ip", MAC, "10.0.0.1,10.0.0.2", "is not an address" },
        { "ip", MAC, "10.0.0.0/33", "is not an address" },
        { "ip", MAC, "10.0.0.0/", "is not an address" },
        { "ip", MAC, "10.0.0.0/2x", "is not an address" },
        { "ip", MAC, "10.0.0.0/-1", "is not an address" },
        { "ip", MAC, "10.0.0.0/0024", "is not an address" },
        { "ip", MAC, "/24", "is not an address" },
        { "ip", MAC, "2001:db8::/129", "is not an address" },
        { "ip", MAC, "2001:db8:::1", "is not an address" },
        { "ip", MAC, "fe80::1%eth0", "is not an address" },
        { "ip", MAC, "10.0.0.1\n", "is not an address" },
        { "ip", MAC, "\x1b[2J", "\"?[2J\" is not an address" },
        { "ip", MAC, "1111111111111111111111111111111111111111111111111111"
                     "11111111111111111111", "is not an address" },
        { "ip", MAC, "10.0.0.5/24", "has bits set behind its prefix" },
        { "ip", MAC, "10.0.0.1/0", "has bits set behind its prefix" },
        { "ip", MAC, "2001:db8::1/64", "has bits set behind its prefix" },
        { "ip", MAC, "224.0.0.1", "is multicast" },
        { "ip", MAC, "224.0.0.0/4", "is multicast" },
        { "ip", MAC, "ff02::1", "is multicast" },
        { "ip", MAC, "10.0.0.1 bad", "\"bad\" is not an address" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char error[FENCE_ERROR_BYTES];
        struct fence fence, before;

        memset(&fence, 0x5a, sizeof fence);
        before = fence;
        if (fence_parse(cases[i].checks, cases[i].mac, cases[i].addresses,
                        &fence, error)) {
            fail_msg("\"%s\" \"%s\" \"%s\" was taken", cases[i].checks,
                     cases[i].mac, cases[i].addresses);
        }
        if (!strstr(error, cases[i].hint)) {
            fail_msg("\"%s\" does not say \"%s\"", error, cases[i].hint);
        }
        assert_memory_equal(&fence, &before, sizeof fence);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_prefix_lengths),
        cmocka_unit_test(test_most_addresses),
        cmocka_unit_test(test_what_is_wrong),
    };

    return cmocka_run_group_tests_name("fence_parse", tests, NULL, NULL);
}
