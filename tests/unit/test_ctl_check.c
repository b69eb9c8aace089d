/* What netdom-ctl takes for a name, an address, a device, a controller. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/ctl/check.h"

#define N(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static char error[CHECK_ERROR_BYTES];

/* What was refused must say why, in one line that fits. */
static void
expect_error(bool ok, const char *part)
{
    assert_false(ok);
    assert_in_range(strlen(error), 1, CHECK_ERROR_BYTES - 1);
    assert_null(strchr(error, '\n'));
    if (!strstr(error, part)) {
        fail_msg("\"%s\" does not say \"%s\"", error, part);
    }
}

static void
names(void **state)
{
    static const char *const good[] = { "a", "red", "Red-1.x_y", "0",
                                        "9lives" };
    static const char *const bad[] = { "-red", ".red", "..", "_x", "a/b",
                                       "a b", "a\n", "r\xc3\xa9", "a;b" };
    char long_name[66];

    for (size_t i = 0; i < N(good); i++) {
        assert_true(check_name(good[i], 64, error));
    }
    for (size_t i = 0; i < N(bad); i++) {
        assert_false(check_name(bad[i], 64, error));
    }
    expect_error(check_name("", 64, error), "empty");
    memset(long_name, 'x', 65);
    long_name[65] = '\0';
    expect_error(check_name(long_name, 64, error), "at most 64");
    long_name[64] = '\0';
    assert_true(check_name(long_name, 64, error));
    expect_error(check_name(long_name, 32, error), "at most 32");
}

static void
guests(void **state)
{
    assert_true(check_guest("web-1", error));
    assert_true(check_guest("a+b:c@d", error));
    expect_error(check_guest("", error), "empty");
    expect_error(check_guest("a b", error), "without spaces");
    expect_error(check_guest("a/b", error), "slashes");
    expect_error(check_guest("a\"b", error), "quotes");
    expect_error(check_guest("a\x7f", error), "printable");
    expect_error(check_guest("netdom-red", error), "tenant's own domain");
}

static void
interfaces(void **state)
{
    assert_true(check_iface("eth0", error));
    assert_true(check_iface("enp3s0f0v12.abc", error));
    expect_error(check_iface("enp3s0f0v12.abcd", error), "1 to 15");
    expect_error(check_iface("", error), "1 to 15");
    /* It becomes part of a DPDK device argument. */
    expect_error(check_iface("x,path=/", error), "letters");
    expect_error(check_iface("a/b", error), "letters");
    expect_error(check_iface("..", error), "begin with");
    expect_error(check_iface("-x", error), "begin with");
}

static void
pci_addresses(void **state)
{
    static const char *const bad[] = {
        "", "3b", "3b:02", "3b:02.", "3b:02.8", "3b:20.0", "3b:02.1 ",
        "0000:3b:02.1x", "000:3b:02.1", "123456789:3b:02.1", "g0:02.1",
        "3b:02.1,path=/x", ":3b:02.1", "0000:3b:02.10",
    };
    char pci[CHECK_PCI_BYTES];

    assert_true(check_pci("0000:3b:02.1", pci, error));
    assert_string_equal(pci, "0000:3b:02.1");
    assert_true(check_pci("3B:02.1", pci, error));
    assert_string_equal(pci, "0000:3b:02.1");
    assert_true(check_pci("ABCDEF01:ff:1f.7", pci, error));
    assert_string_equal(pci, "abcdef01:ff:1f.7");
    for (size_t i = 0; i < N(bad); i++) {
        expect_error(check_pci(bad[i], pci, error), "lspci");
    }
}

static void
macs(void **state)
{
    static const char *const bad[] = {
        "", "00", "00:16:3e:12:34", "00:16:3e:12:34:5", "00:16:3e:12:34:567",
        "00:16:3e:12:34:56:78", "00-16-3e-12-34-56", "0016.3e12.3456",
        "00:16:3e:12:34:5g", " 00:16:3e:12:34:56", "00:16:3e:12:34:56 ",
        "00:16:3e:12:34:", "::::::", "+0:16:3e:12:34:56",
    };
    char mac[CHECK_MAC_BYTES];

    assert_true(check_mac("00:16:3E:aB:34:56", mac, error));
    assert_string_equal(mac, "00:16:3e:ab:34:56");
    for (size_t i = 0; i < N(bad); i++) {
        expect_error(check_mac(bad[i], mac, error), "six bytes");
    }
    expect_error(check_mac("01:00:5e:00:00:01", mac, error), "multicast");
    expect_error(check_mac("ff:ff:ff:ff:ff:ff", mac, error), "multicast");
    expect_error(check_mac("00:00:00:00:00:00", mac, error), "all zero");
}

static void
addresses(void **state)
{
    static const char *const good[][2] = {
        { "10.0.0.1", "10.0.0.1" },
        { "10.0.0.0/24", "10.0.0.0/24" },
        { "10.0.0.1/32", "10.0.0.1" },
        { "0.0.0.0/0", "0.0.0.0/0" },
        { "2001:DB8::1", "2001:db8::1" },
        { "2001:db8:0:0::/64", "2001:db8::/64" },
        { "fd00::2/128", "fd00::2" },
        { "::/0", "::/0" },
    };
    static const char *const bad[] = {
        "", "10", "10.0.0", "10.0.0.256", "10.0.0.1.2", "x", "10.0.0.1 ",
        "2001:db8::g", ":", "10.0.0.01x", "[::1]", "/24",
        "0123456789012345678901234567890123456789012345678901234567890",
    };
    char address[CHECK_ADDRESS_BYTES];

    for (size_t i = 0; i < N(good); i++) {
        assert_true(check_address(good[i][0], address, error));
        assert_string_equal(address, good[i][1]);
    }
    for (size_t i = 0; i < N(bad); i++) {
        expect_error(check_address(bad[i], address, error), "IP address");
    }
    expect_error(check_address("10.0.0.0/33", address, error), "0 to 32");
    expect_error(check_address("10.0.0.0/", address, error), "0 to 32");
    expect_error(check_address("10.0.0.0/-1", address, error), "0 to 32");
    expect_error(check_address("fd00::/129", address, error), "0 to 128");
    expect_error(check_address("10.0.0.5/24", address, error),
                 "bits behind its prefix of 24");
    expect_error(check_address("fd00::1/64", address, error),
                 "bits behind its prefix of 64");
    expect_error(check_address("224.0.0.1", address, error), "multicast");
    expect_error(check_address("ff02::1", address, error), "multicast");
}

static void
targets(void **state)
{
    static const char *const good[] = {
        "tcp:127.0.0.1:6653", "tcp:127.0.0.1", "ssl:controller.example:6653",
        "tcp:[fd00::1]:6653", "tcp:[fd00::1]", "unix:/run/c.sock",
        "punix:/run/c.sock", "ptcp:6653", "ptcp:", "ptcp:6653:127.0.0.1",
        "pssl:6653:[::1]", "tcp:[fe80::1%eth0]:1",
    };
    static const char *const bad[] = {
        "", "foo", "tcp", "tcp:", "tcp::6653", "tcp:1.2.3.4:", "unix:",
        "tcp:1.2.3.4:0", "tcp:1.2.3.4:65536", "tcp:1.2.3.4:x", "ptcp:x",
        "tcp:fd00::1:6653", "tcp:[fd00::1", "tcp:[]:1", "tcp:[::1]x",
        "udp:1.2.3.4:5", "ptcp:6653:", "pfoo:1", "p:1", ":1", "ptcp:123456",
        "http://x",
    };
    char long_text[300];

    for (size_t i = 0; i < N(good); i++) {
        if (!check_target(good[i], error)) {
            fail_msg("%s %s", good[i], error);
        }
    }
    for (size_t i = 0; i < N(bad); i++) {
        if (check_target(bad[i], error)) {
            fail_msg("\"%s\" passed", bad[i]);
        }
        expect_error(false, "tcp:ADDRESS:PORT");
    }
    expect_error(check_target("unix:/a b", error), "without spaces");
    expect_error(check_target("unix:/a\nb", error), "printable");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    memcpy(long_text, "unix:", 5);
    expect_error(check_target(long_text, error), "at most 256");
    long_text[256] = '\0';
    assert_true(check_target(long_text, error));
}

static void
integers(void **state)
{
    int64_t value = -1;

    assert_true(check_integer("0", 0, 10, &value, error));
    assert_int_equal(value, 0);
    assert_true(check_integer("0010", 0, 10, &value, error));
    assert_int_equal(value, 10);
    assert_true(check_integer("400000000000", 8000, 400000000000, &value,
                              error));
    assert_true(value == 400000000000);
    expect_error(check_integer("11", 0, 10, &value, error), "use 0 to 10");
    expect_error(check_integer("4", 5, 10, &value, error), "out of range");
    expect_error(check_integer("99999999999999999999999", 0, 10, &value,
                               error), "out of range");
    expect_error(check_integer("", 0, 10, &value, error), "whole number");
    expect_error(check_integer("1x", 0, 10, &value, error), "whole number");
    expect_error(check_integer("-1", 0, 10, &value, error), "whole number");
    expect_error(check_integer("1.5", 0, 10, &value, error), "whole number");
    expect_error(check_integer(" 1", 0, 10, &value, error), "whole number");
    assert_true(value == 400000000000);
}

static void
made_macs(void **state)
{
    char mac[CHECK_MAC_BYTES], again[CHECK_MAC_BYTES], canon[CHECK_MAC_BYTES];

    mac_from_name("red-1", 0, mac);
    /* The same for ever: guests remember it. */
    assert_string_equal(mac, "00:16:3e:23:2d:07");
    assert_true(check_mac(mac, canon, error));
    mac_from_name("red-1", 0, again);
    assert_string_equal(mac, again);
    mac_from_name("red-1", 1, again);
    assert_string_not_equal(mac, again);
    mac_from_name("red-2", 0, again);
    assert_string_not_equal(mac, again);
    assert_memory_equal(again, "00:16:3e:", 9);
}

static void
distances(void **state)
{
    char long_text[100];

    assert_int_equal(text_distance("red", "red", 5), 0);
    assert_int_equal(text_distance("rde", "red", 5), 1);
    assert_int_equal(text_distance("der", "red", 5), 2);
    assert_int_equal(text_distance("vf-rde", "vf-free", 5), 2);
    assert_int_equal(text_distance("re", "red", 5), 1);
    assert_int_equal(text_distance("", "red", 5), 3);
    assert_int_equal(text_distance("kitten", "sitting", 5), 3);
    assert_int_equal(text_distance("kitten", "sitting", 2), 2);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(text_distance(long_text, "red", 3), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(guests),
        cmocka_unit_test(interfaces),
        cmocka_unit_test(pci_addresses),
        cmocka_unit_test(macs),
        cmocka_unit_test(addresses),
        cmocka_unit_test(targets),
        cmocka_unit_test(integers),
        cmocka_unit_test(made_macs),
        cmocka_unit_test(distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
