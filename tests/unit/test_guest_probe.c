/* Probes: what is written is read back, and nothing else is taken for one; a
 * sink finds what is wrong with a generator's frames, and only that; sequence
 * numbers, pacing, and the histogram of delays. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/checksum.h"
#include "tools/guest/histogram.h"
#include "tools/guest/offload.h"
#include "tools/guest/pacer.h"
#include "tools/guest/packet.h"
#include "tools/guest/pattern.h"
#include "tools/guest/pktgen_spec.h"
#include "tools/guest/probe.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/sequence.h"
#include "tools/guest/template.h"
#include "tools/guest/verify.h"

#define DST "dst=02:00:00:00:00:01"

#define SECOND_NS UINT64_C(1000000000)

static const struct offload_set all = { true, true, true, true, true };

static struct pktgen_spec
parse(const char *text)
{
    char error[SPEC_ERROR_BYTES] = "";
    struct pktgen_spec spec;

    if (!pktgen_spec_parse(text, &spec, error)) {
        fail_msg("%s: %s", text, error);
    }
    return spec;
}

/* The frame of 'sequence' as 'text' says.  Returns where its probe is. */
static uint32_t
build(const char *text, uint64_t sequence, uint8_t *frame,
      struct frame_offload *offload)
{
    static const uint8_t src[6] = { 2, 0, 0, 0, 0, 2 };
    struct pktgen_spec spec = parse(text);
    const struct probe probe = {
        .generator = 0xabcd,
        .sequence = sequence,
        .sent_ns = 0x0123456789abcdef,
    };
    struct iovec iov = { frame, spec.frame_bytes };
    struct template t;

    template_init(&t, &spec, src);
    assert_true(template_offload(&t, &all, offload));
    template_write(&t, &probe, offload, &iov, 1);
    return t.head_bytes;
}

static const char *const shapes[] = {
    DST ",size=64", DST ",type=raw,size=60", DST ",vlan=100,size=64",
    DST ",size=80,ip6-src=2001:db8::1", DST ",type=tcp,size=100",
    DST ",type=tcp,size=100,vlan=7,ip6-dst=2001:db8::2",
    DST ",csum=full,size=99", DST ",csum=blank,size=98",
    DST ",type=tcp,csum=blank,size=97,ip6-src=::2",
    DST ",type=tcp,gso=10,size=100,ip6-src=::2",
};

#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static void
test_round_trip(void **state)
{
    for (size_t shape = 0; shape < N_SHAPES; shape++) {
        uint8_t frame[PACKET_HEAD_BYTES];
        struct frame_offload offload;
        struct packet packet;
        struct probe probe;

        uint32_t at = build(shapes[shape], PROBE_SEQUENCE_MAX - 1, frame,
                            &offload);
        uint32_t bytes = parse(shapes[shape]).frame_bytes;

        packet_parse(frame, bytes, &packet);
        assert_int_equal(probe_payload_at(&packet), at);
        assert_true(!packet.ip || packet.end == bytes);
        assert_true(probe_decode(frame, bytes, &packet, &probe));
        assert_int_equal(probe.generator, 0xabcd);
        assert_int_equal(probe.sequence, PROBE_SEQUENCE_MAX - 1);
        assert_int_equal(probe.sent_ns, 0x0123456789abcdef);

        /* One byte short of the probe, and every shorter piece, is none. */
        for (uint32_t n = 0; n < at + PROBE_BYTES; n++) {
            uint8_t *piece = malloc(n ? n : 1);
            memcpy(piece, frame, n);
            packet_parse(piece, n, &packet);
            assert_false(probe_decode(piece, n, &packet, &probe));
            free(piece);
        }
    }
}

static void
test_offloads(void **state)
{
    static const struct offload_set none = { .sg = true };
    static const uint8_t src[6] = { 2, 0, 0, 0, 0, 2 };
    uint8_t frame[PACKET_HEAD_BYTES];
    struct frame_offload o;
    struct template t;

    build(shapes[4], 0, frame, &o);
    assert_false(o.csum_blank || o.gso_bytes);
    build(shapes[8], 0, frame, &o);
    assert_true(o.csum_blank && o.data_validated && !o.gso_bytes);
    build(shapes[9], 0, frame, &o);
    assert_true(o.csum_blank && o.gso_bytes == 10);
    assert_int_equal(o.gso_type, XEN_NETIF_GSO_TYPE_TCPV6);

    /* A frame that needs no cut is no GSO frame. */
    build(DST ",type=tcp,gso=46,size=100", 0, frame, &o);
    assert_true(o.csum_blank && !o.gso_bytes);
    build(DST ",type=tcp,gso=45,size=100", 0, frame, &o);
    assert_int_equal(o.gso_type, XEN_NETIF_GSO_TYPE_TCPV4);

    /* What the backend lacks. */
    struct pktgen_spec spec = parse(shapes[9]);
    template_init(&t, &spec, src);
    assert_false(template_offload(&t, &none, &o));
    spec = parse(shapes[8]);
    template_init(&t, &spec, src);
    assert_true(template_offload(&t, &none, &o));
    assert_false(o.csum_blank);
}

static void
test_others(void **state)
{
    uint8_t frame[PACKET_HEAD_BYTES], other[PACKET_HEAD_BYTES];
    struct frame_offload offload;
    struct packet packet;
    struct probe probe;
    uint32_t at = build(shapes[0], 0, frame, &offload);
    const struct {
        uint32_t offset;
        uint8_t value;
    } changes[] = {
        { 12, 0x86 },                   /* Another EtherType. */
        { 14, 0x44 },                   /* A short IP header. */
        { 14, 0x65 },                   /* Another IP version. */
        { 21, 1 },                      /* A later fragment. */
        { 20, 0x60 },                   /* A first fragment. */
        { 23, 6 },                      /* TCP. */
        { at, 0 },                      /* Another magic number. */
        { 14, 0x4f },                   /* Options up to beyond the end. */
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(other, frame, sizeof other);
        other[changes[i].offset] = changes[i].value;
        packet_parse(other, 64, &packet);
        assert_false(probe_decode(other, 64, &packet, &probe));
    }
    packet_parse(frame, 64, &packet);
    assert_true(probe_decode(frame, 64, &packet, &probe));
}

static struct verify v;

/* Shows the sink 'bytes' of 'frame'. */
static bool
sink_takes(uint8_t *frame, uint32_t bytes, struct frame_offload offload)
{
    struct rx_frame rx = {
        .iov = { { frame, 30 }, { frame + 30, bytes - 30 } },
        .n_iov = 2,
        .bytes = bytes,
        .offload = offload,
    };

    return verify_frame(&v, &rx);
}

/* What is built is found good; with any one byte changed behind the Ethernet
 * header it is not, except where there is nothing to tell it by. */
static void
test_verify(void **state)
{
    for (size_t shape = 0; shape < N_SHAPES; shape++) {
        uint8_t frame[PACKET_HEAD_BYTES];
        struct frame_offload offload;
        uint32_t bytes = parse(shapes[shape]).frame_bytes;

        memset(&v, 0, sizeof v);
        uint32_t at = build(shapes[shape], 5, frame, &offload);
        assert_false(sink_takes(frame, bytes, offload));
        assert_int_equal(v.n_bad_length + v.n_bad_checksum, 0);
        assert_int_equal(v.n_bad_content, 0);
        assert_int_equal(v.n_contents, 1);
        assert_int_equal(verify_lost_bytes(&v), 0);

        for (uint32_t i = at + PROBE_BYTES; i < bytes; i++) {
            frame[i] ^= 0x40;
            uint64_t n_bad = v.n_bad_content;
            sink_takes(frame, bytes, offload);
            assert_int_equal(v.n_bad_content, n_bad + 1);
            frame[i] ^= 0x40;
        }
    }
}

static void
test_verify_checksums(void **state)
{
    uint8_t frame[PACKET_HEAD_BYTES];
    struct frame_offload offload;

    memset(&v, 0, sizeof v);
    build(DST ",type=tcp,size=100", 5, frame, &offload);
    for (uint32_t i = 14; i < 100; i++) {
        uint64_t bad = v.n_bad_checksum + v.n_bad_length;

        if (i == 14 || i == 20 || i == 21 || i == 23 || i == 46) {
            continue;                   /* Then it is no TCP any more. */
        }
        frame[i] ^= 1;
        sink_takes(frame, 100, offload);
        assert_int_equal(v.n_bad_checksum + v.n_bad_length, bad + 1);
        frame[i] ^= 1;
    }
    /* One that is blank is not there to be checked. */
    uint64_t n = v.n_checksums;
    offload.csum_blank = true;
    sink_takes(frame, 100, offload);
    assert_int_equal(v.n_checksums, n);

    build(DST ",csum=full,size=100,ip6-src=::2", 5, frame, &offload);
    uint64_t bad = v.n_bad_checksum;
    sink_takes(frame, 100, offload);
    assert_int_equal(v.n_bad_checksum, bad);
    memset(frame + 60, 0, 2);           /* IPv6 knows no "none". */
    sink_takes(frame, 100, offload);
    assert_int_equal(v.n_bad_checksum, bad + 1);
}

static void
test_verify_lengths(void **state)
{
    uint8_t frame[PACKET_HEAD_BYTES];
    struct frame_offload offload;

    memset(&v, 0, sizeof v);
    build(DST ",size=100", 5, frame, &offload);
    sink_takes(frame, 99, offload);
    assert_int_equal(v.n_bad_length, 1);
    sink_takes(frame, 101, offload);
    assert_int_equal(v.n_bad_length, 2);
    frame[39]++;                        /* UDP's. */
    sink_takes(frame, 100, offload);
    assert_int_equal(v.n_bad_length, 3);
    frame[39]--;
    sink_takes(frame, 100, offload);
    assert_int_equal(v.n_bad_length, 3);
}

/* Cuts the segment 'i' of 'mss' out of a TCP frame of 'bytes'. */
static uint32_t
cut(const uint8_t *frame, uint32_t bytes, uint32_t i, uint32_t mss,
    uint8_t *segment)
{
    uint32_t skip = i * mss;
    uint32_t n = bytes - 54 - skip < mss ? bytes - 54 - skip : mss;

    memcpy(segment, frame, 54);
    memcpy(segment + 54, frame + 54 + skip, n);
    packet_put16(segment + 16, 40 + n);
    packet_put16(segment + 24, 0);
    uint16_t sum = ~checksum_fold(checksum_add(0, segment + 14, 20));
    memcpy(segment + 24, &sum, sizeof sum);
    packet_put32(segment + 38, packet_get32(frame + 38) + skip);
    return 54 + n;
}

/* Streams of two flows, whose frames come whole or in segments, some lost. */
static void
test_verify_streams(void **state)
{
    static const char text[] = DST ",type=tcp,gso=700,size=3000,flows=2";
    uint8_t frame[3000], segment[1000];
    struct frame_offload offload, blank = { .csum_blank = true };

    memset(&v, 0, sizeof v);
    for (uint64_t sequence = 0; sequence < 100; sequence++) {
        build(text, sequence, frame, &offload);
        if (sequence % 3) {
            assert_false(sink_takes(frame, 3000, offload));
            continue;
        }
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t n = cut(frame, 3000, i, 700, segment);

            if (sequence == 30 && i == 2) {
                continue;
            }
            assert_int_equal(sink_takes(segment, n, blank), i > 0);
        }
    }
    assert_int_equal(v.n_bad_content, 0);
    assert_int_equal(v.n_bad_length, 0);
    assert_int_equal(v.n_bad_checksum, 0);
    assert_int_equal(v.n_segments, 34 * 4 - 1);
    assert_int_equal(verify_lost_bytes(&v), 700);
    assert_int_equal(v.n_tcp_reordered, 0);

    /* It comes late. */
    build(text, 30, frame, &offload);
    sink_takes(segment, cut(frame, 3000, 2, 700, segment), blank);
    assert_int_equal(verify_lost_bytes(&v), 0);
    assert_int_equal(v.n_tcp_reordered, 1);
}

/* Around the end of TCP's 32 bits. */
static void
test_verify_wrap(void **state)
{
    uint8_t frame[100];
    struct frame_offload offload;
    uint64_t n = (UINT64_C(1) << 32) / 46 - 3;

    memset(&v, 0, sizeof v);
    for (int i = 0; i < 10; i++) {
        build(DST ",type=tcp,size=100", n + i, frame, &offload);
        if (i != 4) {
            sink_takes(frame, 100, offload);
        }
    }
    assert_int_equal(v.n_bad_content, 0);
    assert_int_equal(verify_lost_bytes(&v), 46);

    /* The first one seen is of just behind it, the next of before. */
    memset(&v, 0, sizeof v);
    build(DST ",type=tcp,size=100", n + 5, frame, &offload);
    sink_takes(frame, 100, offload);
    build(DST ",type=tcp,size=100", n, frame, &offload);
    sink_takes(frame, 100, offload);
    assert_int_equal(verify_lost_bytes(&v), 0);
    assert_int_equal(v.n_tcp_reordered, 1);
}

/* No piece of the pattern looks like a probe. */
static void
test_pattern(void **state)
{
    for (uint32_t i = 0; i < 65536; i++) {
        assert_int_not_equal(*pattern_at(i), PROBE_MAGIC >> 8);
    }
    assert_memory_equal(pattern_at(65535) + 1, pattern_at(0), 1000);
}

static void
add_all(struct sequence *s, const int *numbers, size_t n)
{
    sequence_init(s);
    for (size_t i = 0; i < n; i++) {
        sequence_add(s, numbers[i]);
    }
}

static void
test_sequence(void **state)
{
    static const int numbers[] = { 10, 11, 13, 12, 12, 20, 15, 9 };
    struct sequence s;

    sequence_init(&s);
    assert_int_equal(sequence_lost(&s), 0);
    add_all(&s, numbers, sizeof numbers / sizeof numbers[0]);
    assert_int_equal(s.n_unique, 6);
    assert_int_equal(s.n_reordered, 2);         /* 12, 15 */
    assert_int_equal(s.n_duplicates, 1);        /* 12 */
    assert_int_equal(s.n_stale, 1);             /* 9 */
    assert_int_equal(sequence_lost(&s), 5);     /* 14, 16 to 19 */
}

static void
test_sequence_window(void **state)
{
    struct sequence s;

    sequence_init(&s);
    sequence_add(&s, 0);
    sequence_add(&s, SEQUENCE_WINDOW);          /* 0 falls out, 1 is in. */
    sequence_add(&s, 1);
    sequence_add(&s, 1);
    sequence_add(&s, 0);
    assert_int_equal(s.n_reordered, 1);
    assert_int_equal(s.n_duplicates, 1);
    assert_int_equal(s.n_stale, 1);

    /* A jump of many windows clears it all. */
    sequence_add(&s, UINT64_C(1) << 47);
    sequence_add(&s, (UINT64_C(1) << 47) - 1);
    assert_int_equal(s.n_duplicates, 1);
    assert_int_equal(s.n_reordered, 2);
    assert_int_equal(sequence_lost(&s), (UINT64_C(1) << 47) + 1 - s.n_unique);
}

static void
test_pacer(void **state)
{
    struct pacer p;

    pacer_init(&p, 1000, SECOND_NS);
    assert_int_equal(pacer_due(&p, 100, SECOND_NS), 1);
    assert_int_equal(pacer_next_ns(&p), 0);
    pacer_sent(&p, 1);
    assert_int_equal(pacer_due(&p, 100, SECOND_NS + 500000), 0);
    assert_int_equal(pacer_next_ns(&p) / 1000, SECOND_NS / 1000 + 1000);

    /* Many uneven steps lose nothing. */
    uint64_t now_ns = SECOND_NS + 500000;
    uint32_t sent = 1;
    for (int i = 0; i < 30000; i++) {
        now_ns += 33333 + i % 3;
        uint32_t n = pacer_due(&p, 100, now_ns);
        pacer_sent(&p, n);
        sent += n;
    }
    assert_in_range(sent, (now_ns - SECOND_NS) / 1000000,
                    (now_ns - SECOND_NS) / 1000000 + 1);
    assert_true(p.forgone == 0);

    /* After a hold-up a bounded burst, the rest is forgone. */
    now_ns += 10 * SECOND_NS;
    assert_int_equal(pacer_due(&p, 100000, now_ns), PACER_OWED_FRAMES_MIN);
    assert_true(p.forgone > 9900);

    pacer_init(&p, 0, 0);
    assert_int_equal(pacer_due(&p, 32, 0), 32);
    pacer_sent(&p, 32);
    assert_int_equal(pacer_next_ns(&p), 0);
}

static void
test_histogram(void **state)
{
    struct histogram h;

    histogram_init(&h);
    assert_int_equal(histogram_quantile(&h, .5), 0);
    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_add(&h, i * 1000);
    }
    assert_int_equal(h.min, 1000);
    assert_in_range(histogram_quantile(&h, .5), 500000, 500000 * 17 / 16);
    assert_in_range(histogram_quantile(&h, .99), 990000, 1000000);
    assert_int_equal(histogram_quantile(&h, 1), 1000000);
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, 0);
    assert_int_equal(histogram_quantile(&h, 1), UINT64_MAX);
    assert_int_equal(histogram_quantile(&h, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_offloads),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_verify_checksums),
        cmocka_unit_test(test_verify_lengths),
        cmocka_unit_test(test_verify_streams),
        cmocka_unit_test(test_verify_wrap),
        cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_sequence_window),
        cmocka_unit_test(test_pacer),
        cmocka_unit_test(test_histogram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
