/* Segments, put together again: the payload is whole, and each is a frame of
 * its own that a receiver would take. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/gso.h"
#include "tests/unit/net_frames.h"

static const struct net_kind kinds[] = {
    { 4, NET_TCP },
    { 4, NET_TCP, .tcp_option_bytes = 12 },
    { 4, NET_TCP, .n_tags = 1, .ip_option_bytes = 40 },
    { 4, NET_TCP, .n_tags = 2, .n_labels = 3, .tcp_option_bytes = 40 },
    { 6, NET_TCP },
    { 6, NET_TCP, .tcp_option_bytes = 12 },
    { 6, NET_TCP, .n_tags = 1, .n_extensions = 1 },
    { 6, NET_TCP, .n_labels = 1, .n_extensions = 4, .tcp_option_bytes = 40 },
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static struct net_frame whole;

static void
begin(struct gso *gso, const struct net_kind *kind, uint32_t payload_bytes,
      uint32_t mss_bytes)
{
    struct headers h;

    net_frame_make(&whole, kind, payload_bytes);
    assert_true(headers_parse(whole.data, whole.bytes, &h));
    assert_true(h.l4);
    gso_begin(gso, whole.data, &h, mss_bytes);
}

/* Compares with the whole frame's headers what must be the same in all. */
static void
check_constant(const uint8_t *segment, const struct net_kind *kind)
{
    uint8_t got[HEADERS_MAX_BYTES], want[HEADERS_MAX_BYTES];
    uint32_t bytes = net_payload_offset(kind);

    memcpy(got, segment, bytes);
    memcpy(want, whole.data, bytes);
    for (int i = 0; i < 2; i++) {
        uint8_t *headers = i ? got : want;
        uint8_t *ip = headers + net_l3_offset(kind);
        uint8_t *tcp = headers + net_l4_offset(kind);

        memset(ip + (kind->version == 4 ? 2 : 4), 0, 2);    /* Length. */
        if (kind->version == 4) {
            memset(ip + 4, 0, 2);                           /* ID. */
            memset(ip + 10, 0, 2);                          /* Checksum. */
        }
        memset(tcp + 4, 0, 4);                              /* Sequence. */
        tcp[13] = 0;
        memset(tcp + 16, 0, 2);                             /* Checksum. */
    }
    assert_memory_equal(got, want, bytes);
}

static void
check_segment(const uint8_t *segment, uint32_t bytes,
              const struct net_kind *kind, uint32_t index, uint32_t at,
              bool last)
{
    const uint8_t *ip = segment + net_l3_offset(kind);
    const uint8_t *tcp = segment + net_l4_offset(kind);

    check_constant(segment, kind);
    if (kind->version == 4) {
        assert_int_equal(net_be16(ip + 2), bytes - net_l3_offset(kind));
        assert_int_equal(net_be16(ip + 4), (0xfffe + index) & 0xffff);
        assert_true(net_ip_csum_is_right(segment, kind));
    } else {
        assert_int_equal(net_be16(ip + 4), bytes - net_l3_offset(kind) - 40);
    }
    assert_int_equal(net_be32(tcp + 4), (uint32_t) (0xfffff000 + at));
    assert_int_equal(tcp[13], NET_ACK | (last ? NET_FIN | NET_PSH : 0)
                                      | (index ? 0 : NET_CWR));
}

/* Cuts a frame, and checks all that comes out. */
static void
cut(const struct net_kind *kind, uint32_t payload_bytes, uint32_t mss_bytes,
    bool blank)
{
    static uint8_t segment[NET_FRAME_MAX_BYTES];
    struct gso gso;
    struct headers h;
    uint32_t index = 0, at = 0;

    begin(&gso, kind, payload_bytes, mss_bytes);
    uint32_t n = gso_segments(payload_bytes, mss_bytes);
    while (gso_more(&gso)) {
        bool last = ++index == n;
        uint32_t part = last ? payload_bytes - at : mss_bytes;
        uint32_t room = gso_frame_bytes(&gso.headers, mss_bytes);

        segment[room] = 0xa5;
        uint32_t bytes = gso_next(&gso, segment, blank, &h);
        assert_int_equal(bytes, net_payload_offset(kind) + part);
        assert_int_equal(h.end, bytes);
        assert_int_equal(h.payload_offset, net_payload_offset(kind));
        assert_int_equal(segment[room], 0xa5);
        check_segment(segment, bytes, kind, index - 1, at, last);
        assert_true(blank ? net_l4_csum_is_blank(segment, bytes, kind)
                          : net_l4_csum_is_right(segment, bytes, kind));
        assert_memory_equal(segment + net_payload_offset(kind),
                            whole.data + net_payload_offset(kind) + at, part);
        at += part;
    }
    assert_int_equal(index, n);
    assert_int_equal(at, payload_bytes);
}

static void
test_all_kinds(void **state)
{
    static const uint32_t sizes[] = { 8, 9, 100, 536, 1447, 1448, 8949, 9000 };

    for (size_t k = 0; k < N_KINDS; k++) {
        uint32_t most = 65535 - net_payload_offset(&kinds[k]);

        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            uint32_t mss = sizes[s];
            const uint32_t payloads[] = {
                1, mss - 1, mss, mss + 1, 2 * mss - 1, 2 * mss, 2 * mss + 1,
                most,
            };

            for (size_t p = 0; p < sizeof payloads / sizeof payloads[0];
                 p++) {
                cut(&kinds[k], payloads[p], mss, p & 1);
                if (payloads[p] != most) {
                    cut(&kinds[k], payloads[p], mss, !(p & 1));
                }
            }
        }
    }
}

static void
test_every_mss(void **state)
{
    for (uint32_t mss = 8; mss <= 9000; mss++) {
        const struct net_kind *kind = &kinds[mss % N_KINDS];

        cut(kind, mss * 2 + mss % 7 + 1, mss, mss & 8);
    }
}

/* What is behind the IP packet, padding say, belongs to no segment. */
static void
test_padding(void **state)
{
    struct net_kind kind = { 4, NET_TCP };
    uint8_t segment[200];
    struct headers h;
    struct gso gso;

    net_frame_make(&whole, &kind, 150);
    assert_true(headers_parse(whole.data, whole.bytes + 50, &h));
    gso_begin(&gso, whole.data, &h, 100);
    assert_int_equal(gso_next(&gso, segment, false, &h), 154);
    assert_int_equal(gso_next(&gso, segment, false, &h), 104);
    assert_false(gso_more(&gso));
}

/* Back from every point to every point before it: what follows is the same
 * again. */
static void
test_rewind(void **state)
{
    enum { N = 7, MSS = 100, LAST = 33 };
    static uint8_t first[N][500], again[500];

    for (size_t k = 0; k < N_KINDS; k++) {
        struct gso gso, before[N + 1];
        uint32_t bytes[N];
        struct headers h;

        begin(&gso, &kinds[k], (N - 1) * MSS + LAST, MSS);
        for (int i = 0; i < N; i++) {
            before[i] = gso;
            bytes[i] = gso_next(&gso, first[i], i & 1, &h);
        }
        before[N] = gso;
        assert_false(gso_more(&gso));
        for (int made = 0; made <= N; made++) {
            for (int from = 0; from <= made && from < N; from++) {
                for (int n = 0; from + n < N && from + n <= made; n++) {
                    gso = before[made];
                    gso_rewind(&gso, &before[from], n);
                    for (int i = from + n; i < N; i++) {
                        assert_true(gso_more(&gso));
                        assert_int_equal(gso_next(&gso, again, i & 1, &h),
                                         bytes[i]);
                        assert_memory_equal(again, first[i], bytes[i]);
                    }
                    assert_false(gso_more(&gso));
                }
            }
        }
    }
}

static void
test_counts(void **state)
{
    assert_int_equal(gso_segments(0, 100), 1);
    assert_int_equal(gso_segments(100, 100), 1);
    assert_int_equal(gso_segments(101, 100), 2);
    assert_int_equal(gso_segments(200, 100), 2);
    assert_int_equal(gso_segments(65535, 8), 8192);
    assert_int_equal(gso_segments(65535, 0), 1);    /* Not to be cut. */
}

/* Whatever the headers and the wire: a segment's frame fits it. */
static void
test_fit(void **state)
{
    for (size_t k = 0; k < N_KINDS; k++) {
        uint32_t headers_bytes = net_payload_offset(&kinds[k]);
        struct headers h;

        net_frame_make(&whole, &kinds[k], 3000);
        assert_true(headers_parse(whole.data, whole.bytes, &h));
        for (uint32_t room_bytes = 0; room_bytes < 600; room_bytes++) {
            uint32_t most_bytes = room_bytes > headers_bytes
                                  ? room_bytes - headers_bytes : 0;

            assert_int_equal(gso_fit(&h, 0, room_bytes), most_bytes);
            assert_int_equal(gso_fit(&h, 8948, room_bytes), most_bytes);
            assert_int_equal(gso_fit(&h, 8, room_bytes),
                             most_bytes < 8 ? most_bytes : 8);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_every_mss),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_fit),
    };

    return cmocka_run_group_tests_name("gso", tests, NULL, NULL);
}
