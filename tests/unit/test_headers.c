/* Where headers are: every layout, every truncation, every lie about a
 * length. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "datapath/headers.h"
#include "tests/unit/net_frames.h"

static struct net_frame frame;

#define MEMORY_BYTES (1u << 17)

/* Parses 'bytes' of the frame in memory that ends with them: who reads on
 * dies. */
static bool
parse(uint32_t bytes, struct headers *h)
{
    static uint8_t *memory;

    if (!memory) {
        memory = mmap(NULL, 2 * MEMORY_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(memory, MAP_FAILED);
        assert_int_equal(mprotect(memory + MEMORY_BYTES, MEMORY_BYTES,
                                  PROT_NONE), 0);
    }
    uint8_t *copy = memory + MEMORY_BYTES - bytes;
    memcpy(copy, frame.data, bytes);
    return headers_parse(copy, bytes, h);
}

static void
expect_sound(const struct net_kind *kind, uint32_t bytes)
{
    struct headers h;

    assert_true(parse(bytes, &h));
    assert_int_equal(h.ip_version, kind->version);
    assert_int_equal(h.protocol, kind->protocol);
    assert_false(h.fragment);
    assert_true(h.l4);
    assert_int_equal(h.l3_offset, net_l3_offset(kind));
    assert_int_equal(h.l4_offset, net_l4_offset(kind));
    assert_int_equal(h.payload_offset, net_payload_offset(kind));
    assert_int_equal(h.end, frame.bytes);
}

/* Everything that a frame can be made of; cut at every byte it is no IP
 * any more, and with bytes behind it (Ethernet's padding) it ends where it
 * did. */
static void
test_layouts_and_cuts(void **state)
{
    struct headers h;

    for (unsigned int i = 0; i < 2 * 2 * 5 * 5 * 4; i++) {
        struct net_kind kind = {
            .version = i & 1 ? 6 : 4,
            .protocol = i & 2 ? NET_UDP : NET_TCP,
            .n_tags = i / 4 % 5,
            .n_labels = i / 20 % 5,
            .ip_option_bytes = i / 100 * 12,
            .n_extensions = i / 100,
            .tcp_option_bytes = i / 100 * 12,
        };

        if (kind.ip_option_bytes > 40) {
            kind.ip_option_bytes = 40;
        }
        net_frame_make(&frame, &kind, 5);
        expect_sound(&kind, frame.bytes);
        expect_sound(&kind, frame.bytes + 7);
        for (uint32_t bytes = 0; bytes < frame.bytes; bytes++) {
            assert_false(parse(bytes, &h));
        }
    }
}

static void
test_too_many_tags_or_labels(void **state)
{
    struct net_kind kind = { .version = 4, .protocol = NET_TCP };
    struct headers h;

    kind.n_tags = 5;
    net_frame_make(&frame, &kind, 100);
    assert_false(parse(frame.bytes, &h));
    kind.n_tags = 0;
    kind.n_labels = 5;
    net_frame_make(&frame, &kind, 100);
    assert_false(parse(frame.bytes, &h));
    kind.n_labels = 1;
    net_frame_make(&frame, &kind, 100);
    net_put_be16(frame.data + 12, 0x8848);
    assert_true(parse(frame.bytes, &h));
}

/* One byte is changed; then it is no IP, or has no L4. */
static void
test_lies(void **state)
{
    enum { NO_IP, NO_L4 };
    static const struct {
        struct net_kind kind;
        uint32_t l3_byte, l4_byte;      /* One of them; the other 0. */
        uint8_t value;
        int want;
    } lies[] = {
        { { 4, NET_TCP, .n_tags = 1 }, 0, 0, 0x65, NO_IP },
        { { 4, NET_TCP }, 0, 0, 0x44, NO_IP },      /* Header too short, */
        { { 4, NET_TCP }, 0, 0, 0x4f, NO_L4 },      /* too long. */
        { { 4, NET_TCP, .ip_option_bytes = 8 }, 0, 0, 0x4e, NO_L4 },
        { { 4, NET_TCP }, 2, 0, 1, NO_IP },         /* Total too long, */
        { { 4, NET_TCP }, 3, 0, 19, NO_IP },        /* too short. */
        { { 4, NET_TCP }, 3, 0, 39, NO_L4 },
        { { 4, NET_TCP }, 6, 0, 0x20, NO_L4 },      /* More fragments. */
        { { 4, NET_TCP }, 6, 0, 0x01, NO_L4 },      /* A later one. */
        { { 4, NET_TCP }, 7, 0, 0x01, NO_L4 },
        { { 4, NET_TCP }, 9, 0, 1, NO_L4 },         /* ICMP. */
        { { 4, NET_TCP }, 0, 12, 0x40, NO_L4 },     /* TCP too short, */
        { { 4, NET_TCP }, 0, 12, 0xf0, NO_L4 },     /* too long. */
        { { 4, NET_UDP }, 0, 4, 1, NO_L4 },         /* UDP too long, */
        { { 4, NET_UDP }, 0, 5, 7, NO_L4 },         /* too short for its */
        { { 4, NET_UDP }, 0, 5, 27, NO_L4 },        /* header, for IP. */
        { { 4, NET_UDP }, 0, 5, 29, NO_L4 },
        { { 6, NET_TCP }, 0, 0, 0x40, NO_IP },
        { { 6, NET_TCP }, 4, 0, 1, NO_IP },
        { { 6, NET_TCP }, 5, 0, 19, NO_L4 },
        { { 6, NET_TCP }, 6, 0, 59, NO_L4 },        /* No next header. */
        { { 6, NET_TCP }, 6, 0, 50, NO_L4 },        /* ESP. */
        { { 6, NET_TCP, .n_extensions = 1 }, 41, 0, 200, NO_IP },
        { { 6, NET_TCP, .n_extensions = 1 }, 5, 0, 7, NO_IP },
        { { 6, NET_UDP, .n_extensions = 2 }, 0, 5, 7, NO_L4 },
        { { 6, NET_UDP }, 5, 0, 7, NO_L4 },         /* No room for UDP. */
        { { 4, NET_UDP }, 3, 0, 27, NO_L4 },
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        const struct net_kind *kind = &lies[i].kind;
        struct headers h;

        net_frame_make(&frame, kind, 20);
        assert_true(parse(frame.bytes, &h) && h.l4);
        frame.data[lies[i].l4_byte
                   ? net_l4_offset(kind) + lies[i].l4_byte
                   : net_l3_offset(kind) + lies[i].l3_byte] = lies[i].value;

        bool sound = parse(frame.bytes, &h);
        if (sound != (lies[i].want == NO_L4) || (sound && h.l4)) {
            fail_msg("lie %zu", i);
        }
    }
}

static void
test_no_ip(void **state)
{
    static const uint16_t types[] = { 0, 0x0806, 0x05dc, 0x88cc, 0xffff };
    struct net_kind kind = { .version = 4, .protocol = NET_TCP };
    struct headers h;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        net_frame_make(&frame, &kind, 20);
        net_put_be16(frame.data + 12, types[i]);
        assert_false(parse(frame.bytes, &h));
    }
}

/* An IPv6 fragment header says so, unless it is the only fragment. */
static void
test_ipv6_fragments(void **state)
{
    struct net_kind kind = { .version = 6, .protocol = NET_TCP,
                             .n_extensions = 1 };
    static const uint16_t offsets[] = { 0, 1, 8, 0xfff8, 6 };

    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct headers h;

        net_frame_make(&frame, &kind, 20);
        frame.data[14 + 6] = 44;
        net_put_be16(frame.data + 14 + 40 + 2, offsets[i]);
        assert_true(parse(frame.bytes, &h));
        /* The two bits between offset and flag are reserved. */
        bool whole = !offsets[i] || offsets[i] == 6;
        assert_int_equal(h.fragment, !whole);
        assert_int_equal(h.l4, whole);
    }
}

/* A packet that is nothing but its header. */
static void
test_no_payload(void **state)
{
    static const struct net_kind kinds[] = { { 4, NET_TCP }, { 6, NET_TCP } };

    for (int i = 0; i < 2; i++) {
        uint32_t l4_offset = net_l4_offset(&kinds[i]);
        struct headers h;

        net_frame_make(&frame, &kinds[i], 0);
        net_put_be16(frame.data + 14 + (i ? 4 : 2), i ? 0 : 20);
        assert_true(parse(l4_offset, &h));
        assert_int_equal(h.end, l4_offset);
        assert_int_equal(h.l4_offset, l4_offset);
        assert_false(h.l4);
        assert_false(parse(l4_offset - 1, &h));
    }
}

/* Options of any number, as far as HEADERS_MAX_BYTES; work has a bound, too:
 * a packet that is nothing but extension headers is not walked to its end. */
static void
test_extensions_are_bounded(void **state)
{
    struct net_kind kind = { .version = 6, .protocol = NET_TCP,
                             .n_extensions = 1 };

    for (uint32_t extra = 0; extra < 60; extra++) {
        struct headers h;
        uint8_t *extension = frame.data + 54;

        net_frame_make(&frame, &kind, 1000);
        /* It swallows what is behind it; TCP is put behind that. */
        extension[1] = extra;
        uint8_t *tcp = extension + 8 + extra * 8;
        memset(tcp, 0, 20);
        tcp[12] = 0x50;

        uint32_t l4_offset = 54 + 8 + extra * 8;
        bool sound = parse(frame.bytes, &h);
        assert_int_equal(sound, l4_offset <= HEADERS_MAX_BYTES);
        if (sound) {
            assert_int_equal(h.l4_offset, l4_offset);
            assert_int_equal(h.l4, l4_offset + 20 <= HEADERS_MAX_BYTES);
        }
    }

    struct headers h;
    net_frame_make(&frame, &kind, 60000);
    for (uint32_t offset = 54; offset < 60000; offset += 8) {
        memset(frame.data + offset, 0, 8);
        frame.data[offset] = 60;
    }
    assert_false(parse(frame.bytes, &h));
}

/* An IPv6 packet, and its frame, that end in each byte of its extension
 * headers. */
static void
test_extensions_cut_short(void **state)
{
    struct net_kind kind = { 6, NET_TCP, .n_extensions = 3 };
    struct headers h;

    net_frame_make(&frame, &kind, 20);
    uint32_t l4 = net_l4_offset(&kind);
    for (uint32_t bytes = net_l3_offset(&kind) + 40; bytes <= l4; bytes++) {
        net_put_be16(frame.data + net_l3_offset(&kind) + 4,
                     bytes - net_l3_offset(&kind) - 40);
        assert_int_equal(parse(bytes, &h), bytes == l4);
    }
    assert_false(h.l4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts_and_cuts),
        cmocka_unit_test(test_too_many_tags_or_labels),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_no_ip),
        cmocka_unit_test(test_ipv6_fragments),
        cmocka_unit_test(test_no_payload),
        cmocka_unit_test(test_extensions_are_bounded),
        cmocka_unit_test(test_extensions_cut_short),
    };

    return cmocka_run_group_tests_name("headers", tests, NULL, NULL);
}
