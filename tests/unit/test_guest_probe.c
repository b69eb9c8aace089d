/* Probes: what is written is read back, and nothing else is taken for one;
 * sequence numbers, pacing, and the histogram of delays. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/guest/histogram.h"
#include "tools/guest/pacer.h"
#include "tools/guest/probe.h"
#include "tools/guest/sequence.h"

#define SECOND_NS UINT64_C(1000000000)

static uint32_t
build(bool udp, uint16_t vlan, uint32_t bytes, uint8_t *frame)
{
    const struct probe_frame f = {
        .frame_bytes = bytes,
        .dst = { 2, 0, 0, 0, 0, 1 },
        .src = { 2, 0, 0, 0, 0, 2 },
        .vlan = vlan,
        .udp = udp,
        .ip_src = 0xc0000201,
        .ip_dst = 0xc0000202,
        .port_src = 1024,
        .port_dst = 9,
    };
    const struct probe probe = {
        .generator = 0xabcd,
        .sequence = PROBE_SEQUENCE_MAX - 1,
        .sent_ns = 0x0123456789abcdef,
    };

    uint32_t at = probe_frame_build(&f, frame);
    probe_encode(&probe, frame + at);
    return at;
}

static void
test_round_trip(void **state)
{
    for (int shape = 0; shape < 4; shape++) {
        bool udp = shape & 1;
        uint16_t vlan = shape & 2 ? 100 : 0;
        uint32_t bytes = probe_frame_bytes_min(udp, vlan);
        uint8_t frame[PROBE_LOOK_BYTES];
        struct probe probe;

        uint32_t at = build(udp, vlan, bytes, frame);
        assert_true(at + PROBE_BYTES <= bytes);
        assert_true(probe_decode(frame, bytes, &probe));
        assert_int_equal(probe.generator, 0xabcd);
        assert_int_equal(probe.sequence, PROBE_SEQUENCE_MAX - 1);
        assert_int_equal(probe.sent_ns, 0x0123456789abcdef);

        /* One byte short of the probe, and every shorter piece, is none. */
        for (uint32_t n = 0; n < at + PROBE_BYTES; n++) {
            uint8_t *piece = malloc(n ? n : 1);
            memcpy(piece, frame, n);
            assert_false(probe_decode(piece, n, &probe));
            free(piece);
        }
    }
}

static void
test_ip_header(void **state)
{
    uint8_t frame[PROBE_LOOK_BYTES];
    uint32_t sum = 0;

    build(true, 0, 100, frame);
    for (int i = 14; i < 34; i += 2) {
        sum += frame[i] << 8 | frame[i + 1];
    }
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    assert_int_equal(frame[16] << 8 | frame[17], 86);
    assert_int_equal(frame[38] << 8 | frame[39], 66);
    assert_int_equal(frame[probe_port_src_offset(false)] << 8
                     | frame[probe_port_src_offset(false) + 1], 1024);
}

static void
test_others(void **state)
{
    uint8_t frame[PROBE_LOOK_BYTES], other[PROBE_LOOK_BYTES];
    struct probe probe;
    uint32_t at = build(true, 0, 64, frame);
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
        assert_false(probe_decode(other, 64, &probe));
    }
    assert_true(probe_decode(frame, 64, &probe));
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
        cmocka_unit_test(test_ip_header),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_sequence_window),
        cmocka_unit_test(test_pacer),
        cmocka_unit_test(test_histogram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
