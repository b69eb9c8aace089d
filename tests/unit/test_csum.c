/* Checksums that a guest left blank: known frames, odd lengths, every
 * truncation. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "datapath/csum.h"
#include "tests/unit/net_frames.h"

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
        { 42, 1 },                      /* UDP length beyond the frame, */
        { 43, 7 },                      /* below its header, */
        { 43, 10 },                     /* below what IP says. */
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

/* Every kind of frame, odd and even, filled and left blank: right by the
 * reference, and not a byte changed beside the checksum. */
static void
test_kinds_against_reference(void **state)
{
    static struct net_frame frame, before;

    for (unsigned int i = 0; i < 2 * 2 * 3 * 3 * 40; i++) {
        struct net_kind kind = {
            .version = i & 1 ? 6 : 4,
            .protocol = i & 2 ? NET_UDP : NET_TCP,
            .n_tags = i / 4 % 3,
            .ip_option_bytes = i / 12 % 3 * 4,
            .n_extensions = i / 12 % 3,
            .tcp_option_bytes = i / 12 % 3 * 4,
        };
        struct headers h;

        net_frame_make(&frame, &kind, i / 36 * 37);
        uint32_t field = net_l4_offset(&kind)
                         + (kind.protocol == NET_TCP ? 16 : 6);
        assert_true(headers_parse(frame.data, frame.bytes, &h) && h.l4);

        for (int blank = 0; blank < 2; blank++) {
            before = frame;
            if (blank) {
                csum_blank(frame.data, &h);
                assert_true(net_l4_csum_is_blank(frame.data, frame.bytes,
                                                 &kind));
            } else {
                csum_fill(frame.data, &h);
                assert_true(net_l4_csum_is_right(frame.data, frame.bytes,
                                                 &kind));
            }
            memcpy(before.data + field, frame.data + field, 2);
            assert_memory_equal(before.data, frame.data, frame.bytes);
        }

        /* What was in the field before counts for nothing. */
        csum_fill(frame.data, &h);
        assert_true(net_l4_csum_is_right(frame.data, frame.bytes, &kind));

        if (kind.version == 4) {
            assert_false(net_ip_csum_is_right(frame.data, &kind));
            csum_fill_ipv4(frame.data, &h);
            assert_true(net_ip_csum_is_right(frame.data, &kind));
        }
    }
}

/* TCP knows no "none": a sum that comes out as 0 stays so. */
static void
test_tcp_zero_stays(void **state)
{
    static struct net_frame frame;
    struct net_kind kind = { .version = 4, .protocol = NET_TCP };
    struct headers h;

    net_frame_make(&frame, &kind, 10);
    assert_true(headers_parse(frame.data, frame.bytes, &h));
    uint8_t *tcp = frame.data + net_l4_offset(&kind);
    memset(tcp + 14, 0, 2);             /* The window; then it makes up. */
    csum_fill(frame.data, &h);
    memcpy(tcp + 14, tcp + 16, 2);
    csum_fill(frame.data, &h);
    assert_int_equal(net_be16(tcp + 16), 0);
    assert_true(net_l4_csum_is_right(frame.data, frame.bytes, &kind));
}

/* The longest frame there is, all ones: no carry is lost. */
static void
test_all_ones(void **state)
{
    static struct net_frame frame;
    struct net_kind kind = { .version = 4, .protocol = NET_TCP };
    struct headers h;

    net_frame_make(&frame, &kind, 65535 - 40);
    memset(frame.data + net_payload_offset(&kind), 0xff, 65535 - 40);
    assert_true(headers_parse(frame.data, frame.bytes, &h));
    csum_fill(frame.data, &h);
    assert_true(net_l4_csum_is_right(frame.data, frame.bytes, &kind));
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
        cmocka_unit_test(test_kinds_against_reference),
        cmocka_unit_test(test_tcp_zero_stays),
        cmocka_unit_test(test_all_ones),
    };

    return cmocka_run_group_tests_name("csum", tests, NULL, NULL);
}
