/* Checksums that a guest left blank: known frames, odd lengths, every
 * truncation. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "datapath/csum.h"

/* 10.0.0.1:4096 > 10.0.0.2:80, UDP, "abc", in 802.1Q VLAN 5; the checksum is
 * at byte 44, worked out by hand from RFC 768: pseudo header 1403 + 0011 +
 * 000b, ports and length 1000 + 0050 + 000b, payload 6162 + 6300. */
static const uint8_t udp_vlan[] = {
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 8, 0,
    0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    0x10, 0, 0, 80, 0, 11, 0, 0, 'a', 'b', 'c',
};

/* Completes 'frame' if it can be. */
static bool
fill(uint8_t *frame, uint32_t bytes)
{
    struct headers h;

    if (!headers_parse(frame, bytes, &h) || !h.l4) {
        return false;
    }
    csum_fill(frame, &h);
    return true;
}

static uint16_t
reference_csum(const uint8_t *l4, uint32_t bytes, uint32_t sum)
{
    for (uint32_t i = 0; i < bytes; i++) {
        sum += i & 1 ? l4[i] : l4[i] << 8;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void
test_udp_in_vlan(void **state)
{
    uint8_t frame[sizeof udp_vlan];
    uint32_t sum = 0x1403 + 0x11 + 0xb + 0x1000 + 0x50 + 0xb + 0x6162
                   + 0x6300;

    sum = (sum & 0xffff) + (sum >> 16);
    memcpy(frame, udp_vlan, sizeof frame);
    frame[44] = 0xde, frame[45] = 0xad;     /* The guest's pseudo header. */
    assert_true(fill(frame, sizeof frame));
    assert_int_equal(frame[44] << 8 | frame[45], ~sum & 0xffff);
}

static void
test_tcp_over_ipv6(void **state)
{
    uint8_t frame[14 + 40 + 21] = {
        [12] = 0x86, [13] = 0xdd, [14] = 0x60, [19] = 21, [20] = 6,
        [22] = 0xfe, [23] = 0x80, [37] = 1, [38] = 0xfe, [39] = 0x80,
        [53] = 2, [54 + 12] = 0x50, [74] = 'x',
    };

    assert_true(fill(frame, sizeof frame));
    uint16_t got = frame[70] << 8 | frame[71];
    frame[70] = frame[71] = 0;
    assert_int_equal(got, reference_csum(frame + 54, 21,
                                         2 * 0xfe80 + 3 + 21 + 6));
}

static void
test_zero_becomes_ones(void **state)
{
    /* Port chosen so that the sum comes out as 0, which means "none". */
    uint8_t frame[sizeof udp_vlan];

    memcpy(frame, udp_vlan, sizeof frame);
    assert_true(fill(frame, sizeof frame));
    uint16_t csum = frame[44] << 8 | frame[45];
    uint32_t port = (frame[38] << 8 | frame[39]) + csum;
    port = (port & 0xffff) + (port >> 16);
    frame[38] = port >> 8, frame[39] = port & 0xff;
    assert_true(fill(frame, sizeof frame));
    assert_int_equal(frame[44] << 8 | frame[45], 0xffff);
}

static void
test_refusals_change_nothing(void **state)
{
    static const struct {
        uint32_t offset;
        uint8_t value;
    } faults[] = {
        { 16, 0x42 },                   /* Not IP. */
        { 18, 0x65 },                   /* Version 6 in an IPv4 frame. */
        { 18, 0x41 },                   /* Header of 4 bytes. */
        { 18, 0x4f },                   /* Header longer than the frame. */
        { 20, 0x10 },                   /* Total length beyond the frame. */
        { 24, 0x20 },                   /* A fragment. */
        { 27, 1 },                      /* ICMP. */
        { 42, 1 },                      /* UDP length beyond the frame. */
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint8_t frame[sizeof udp_vlan], before[sizeof udp_vlan];

        memcpy(frame, udp_vlan, sizeof frame);
        frame[faults[i].offset] = faults[i].value;
        memcpy(before, frame, sizeof frame);
        assert_false(fill(frame, sizeof frame));
        assert_memory_equal(frame, before, sizeof frame);
    }
}

static void
test_every_truncation(void **state)
{
    for (uint32_t bytes = 0; bytes < sizeof udp_vlan; bytes++) {
        uint8_t *frame = test_malloc(bytes + 1);

        memcpy(frame, udp_vlan, bytes);
        assert_false(fill(frame, bytes));
        test_free(frame);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp_in_vlan),
        cmocka_unit_test(test_tcp_over_ipv6),
        cmocka_unit_test(test_zero_becomes_ones),
        cmocka_unit_test(test_refusals_change_nothing),
        cmocka_unit_test(test_every_truncation),
    };

    return cmocka_run_group_tests_name("csum", tests, NULL, NULL);
}
