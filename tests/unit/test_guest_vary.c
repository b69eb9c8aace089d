/* What tells a generator's flows apart. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tools/guest/checksum.h"
#include "tools/guest/offload.h"
#include "tools/guest/packet.h"
#include "tools/guest/pktgen_spec.h"
#include "tools/guest/probe.h"
#include "tools/guest/template.h"

#define DST "dst=02:00:00:00:00:01"
#define BYTES 64

/* The frame of 'sequence' as 'text' says. */
static void
build(const char *text, uint64_t sequence, uint8_t frame[BYTES])
{
    static const uint8_t src[6] = { 2, 0, 0, 0, 0, 2 };
    const struct probe probe = { .sequence = sequence };
    const struct frame_offload offload = { .csum_blank = false };
    const struct iovec iov = { frame, BYTES };
    char error[SPEC_ERROR_BYTES] = "";
    struct pktgen_spec spec;
    struct template t;

    if (!pktgen_spec_parse(text, &spec, error)) {
        fail_msg("%s: %s", text, error);
    }
    template_init(&t, &spec, src);
    template_write(&t, &probe, &offload, &iov, 1);
}

/* How many first bits two numbers of 'n_bits' have in common. */
static unsigned int
common_bits(uint32_t a, uint32_t b, unsigned int n_bits)
{
    unsigned int n = 0;

    while (n < n_bits && !((a ^ b) >> (n_bits - 1 - n) & 1)) {
        n++;
    }
    return n;
}

static void
test_vary_ports(void **state)
{
    uint8_t frame[BYTES];

    for (uint64_t sequence = 0; sequence < 20; sequence++) {
        build(DST ",flows=7", sequence, frame);
        assert_int_equal(packet_get16(frame + 34), 1024 + sequence % 7);
        assert_int_equal(packet_get16(frame + 36), 9);
        build(DST ",flows=7,vary=port-dst", sequence, frame);
        assert_int_equal(packet_get16(frame + 34), 1024);
        assert_int_equal(packet_get16(frame + 36), 9 + sequence % 7);
    }
}

/* Each length of a common beginning is as likely as another: 31 + 31 + 15 + 15
 * bits at most, and right checksums all the time. */
static void
test_vary_prefix(void **state)
{
    static const struct {
        unsigned int at, n_bits;
        uint32_t value;
    } fields[] = {
        { 26, 32, 0xc6120001 }, { 30, 32, 0xc6130001 }, { 34, 16, 1024 },
        { 36, 16, 9 },
    };
    unsigned int n_of[4][33] = { { 0 } };
    uint8_t frame[BYTES];

    for (uint64_t sequence = 0; sequence < 3200; sequence++) {
        build(DST ",vary=prefix", sequence, frame);
        assert_int_equal(checksum_fold(checksum_add(0, frame + 14, 20)),
                         0xffff);
        for (int i = 0; i < 4; i++) {
            uint32_t x = fields[i].n_bits == 32
                         ? packet_get32(frame + fields[i].at)
                         : packet_get16(frame + fields[i].at);
            n_of[i][common_bits(x, fields[i].value, fields[i].n_bits)]++;
        }
    }
    for (int i = 0; i < 4; i++) {
        unsigned int mean = 3200 / fields[i].n_bits;

        for (unsigned int n = 0; n < fields[i].n_bits; n++) {
            assert_in_range(n_of[i][n], mean / 2, mean * 2);
        }
        assert_int_equal(n_of[i][fields[i].n_bits], 0);
    }
}

static void
test_vary_all(void **state)
{
    uint8_t frame[BYTES], other[BYTES];

    build(DST ",vary=all", 1, frame);
    build(DST ",vary=all", 1, other);
    assert_memory_equal(frame, other, BYTES);
    build(DST ",vary=all,csum=full", 2, other);
    assert_true(packet_flow_hash(frame, BYTES) != packet_flow_hash(other, BYTES));
    assert_memory_equal(frame, other, 14);

    struct packet packet;
    packet_parse(other, 64, &packet);
    assert_true(checksum_is_good(other, &packet));
    assert_int_equal(checksum_fold(checksum_add(0, other + 14, 20)), 0xffff);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vary_ports),
        cmocka_unit_test(test_vary_prefix),
        cmocka_unit_test(test_vary_all),
    };

    return cmocka_run_group_tests_name("guest_vary", tests, NULL, NULL);
}
