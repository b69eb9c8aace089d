/* What a guest says of a frame besides its bytes: each lie has a name. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <xen/io/netif.h>

#include "datapath/gso.h"
#include "datapath/vif_offload.h"
#include "tests/unit/net_frames.h"

#define ROOM_BYTES 1514u
#define V4 XEN_NETIF_GSO_TYPE_TCPV4
#define V6 XEN_NETIF_GSO_TYPE_TCPV6

static struct net_frame frame;

static const struct net_kind tcp4 = { 4, NET_TCP };
static const struct net_kind tcp6 = { 6, NET_TCP };
static const struct net_kind udp4 = { 4, NET_UDP };

/* Judges 'bytes' of the frame in memory that ends with them. */
static enum vif_drop
judge(uint32_t bytes, const struct vif_claim *claim, struct vif_offload *o)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, frame.data, bytes);
    enum vif_drop drop = vif_offload_judge(copy, bytes, claim, ROOM_BYTES, o);
    free(copy);
    return drop;
}

static void
expect(const struct vif_claim *claim, enum vif_drop want)
{
    struct vif_offload o;

    assert_int_equal(judge(frame.bytes, claim, &o), want);
    if (want == VIF_N_DROPS) {
        assert_int_equal(o.csum, claim->csum_blank || claim->gso_type);
    }
}

static void
test_no_claim(void **state)
{
    struct vif_claim claim = { 0 };
    struct vif_offload o;

    /* Nothing is looked at. */
    memset(frame.data, 0xff, 2000);
    for (frame.bytes = 0; frame.bytes < 2000; frame.bytes += 333) {
        assert_int_equal(judge(frame.bytes, &claim, &o), VIF_N_DROPS);
        assert_false(o.csum);
        assert_int_equal(o.mss_bytes, 0);
        assert_int_equal(vif_offload_wire_bytes(&o, frame.bytes),
                         frame.bytes);
    }
}

static void
test_blank_checksums(void **state)
{
    struct vif_claim claim = { .csum_blank = true };
    struct net_kind kind = udp4;

    net_frame_make(&frame, &tcp4, 100);
    expect(&claim, VIF_N_DROPS);
    net_frame_make(&frame, &tcp6, 100);
    expect(&claim, VIF_N_DROPS);
    net_frame_make(&frame, &udp4, 100);
    expect(&claim, VIF_N_DROPS);

    frame.data[14 + 6] = 0x20;          /* A fragment. */
    expect(&claim, VIF_DROP_TX_CHECKSUM);
    net_frame_make(&frame, &udp4, 100);
    frame.data[14 + 9] = 1;             /* ICMP. */
    expect(&claim, VIF_DROP_TX_CHECKSUM);
    net_frame_make(&frame, &udp4, 100);
    frame.data[13] = 6;                 /* ARP. */
    expect(&claim, VIF_DROP_TX_CHECKSUM);
    kind.n_tags = 5;
    net_frame_make(&frame, &kind, 100);
    expect(&claim, VIF_DROP_TX_CHECKSUM);
}

/* XSA-423 and what it was to mend: headers that end anywhere. */
static void
test_xsa_423_headers_cut_at_every_byte(void **state)
{
    static const struct net_kind kinds[] = {
        { 4, NET_TCP, .tcp_option_bytes = 12 },
        { 4, NET_TCP, .n_tags = 2, .ip_option_bytes = 40 },
        { 6, NET_TCP, .n_extensions = 3, .tcp_option_bytes = 40 },
        { 6, NET_TCP, .n_tags = 1, .n_labels = 2 },
    };

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        uint8_t type = kinds[k].version == 4 ? V4 : V6;
        struct vif_claim gso = { true, type, 100 };
        struct vif_claim blank = { .csum_blank = true };
        struct vif_offload o;

        net_frame_make(&frame, &kinds[k], 1000);
        assert_int_equal(judge(frame.bytes, &gso, &o), VIF_N_DROPS);
        assert_int_equal(o.mss_bytes, 100);
        for (uint32_t bytes = 0; bytes < frame.bytes; bytes++) {
            assert_int_equal(judge(bytes, &gso, &o), VIF_DROP_TX_GSO);
            assert_int_equal(o.mss_bytes, 0);
            assert_int_equal(judge(bytes, &blank, &o), VIF_DROP_TX_CHECKSUM);
        }
    }
}

static void
test_gso_lies(void **state)
{
    struct vif_claim v4 = { true, V4, 500 }, v6 = { true, V6, 500 };

    /* Of the other version, of no TCP, of no whole one, of no IP. */
    net_frame_make(&frame, &tcp4, 3000);
    expect(&v4, VIF_N_DROPS);
    expect(&v6, VIF_DROP_TX_GSO);
    net_frame_make(&frame, &tcp6, 3000);
    expect(&v6, VIF_N_DROPS);
    expect(&v4, VIF_DROP_TX_GSO);
    net_frame_make(&frame, &udp4, 3000);
    expect(&v4, VIF_DROP_TX_GSO);
    net_frame_make(&frame, &tcp4, 3000);
    frame.data[14 + 7] = 1;
    expect(&v4, VIF_DROP_TX_GSO);
    net_frame_make(&frame, &tcp4, 3000);
    frame.data[13] = 6;
    expect(&v4, VIF_DROP_TX_GSO);

    /* Its IP packet is longer than the frame; TCP's header than that. */
    net_frame_make(&frame, &tcp4, 3000);
    frame.bytes--;
    expect(&v4, VIF_DROP_TX_GSO);
    net_frame_make(&frame, &tcp4, 10);
    frame.data[34 + 12] = 0xf0;
    expect(&v4, VIF_DROP_TX_GSO);

    /* Without a blank checksum it is GSO all the same. */
    v4.csum_blank = false;
    net_frame_make(&frame, &tcp4, 3000);
    expect(&v4, VIF_N_DROPS);
}

/* Sizes around every bound. */
static void
test_gso_sizes(void **state)
{
    for (uint32_t mss = 1; mss <= 1600; mss++) {
        struct vif_claim claim = { true, V4, mss };
        struct vif_offload o;

        net_frame_make(&frame, &tcp4, 3000);
        enum vif_drop drop = judge(frame.bytes, &claim, &o);
        if (mss < VIF_GSO_MIN_BYTES) {
            assert_int_equal(drop, VIF_DROP_TX_GSO);
        } else if (mss + 54 > ROOM_BYTES) {
            assert_int_equal(drop, VIF_DROP_TX_OVERSIZE);
        } else {
            assert_int_equal(drop, VIF_N_DROPS);
            assert_int_equal(o.mss_bytes, mss);
        }
    }
}

/* A size beyond the payload is one segment: none is cut, and it must fit. */
static void
test_gso_of_one_segment(void **state)
{
    for (uint32_t payload = 0; payload <= 1600; payload++) {
        struct vif_claim claim = { true, V4, payload < 8 ? 8 : payload };
        struct vif_offload o;

        net_frame_make(&frame, &tcp4, payload);
        enum vif_drop drop = judge(frame.bytes, &claim, &o);
        assert_int_equal(drop, frame.bytes > ROOM_BYTES
                               ? VIF_DROP_TX_OVERSIZE : VIF_N_DROPS);
        assert_int_equal(o.mss_bytes, 0);
        assert_true(o.csum);
        claim.gso_bytes = 65535;
        assert_int_equal(judge(frame.bytes, &claim, &o), drop);
        assert_int_equal(o.mss_bytes, 0);
    }

    /* One that says it is short, and is not. */
    struct vif_claim claim = { true, V4, 1000 };
    net_frame_make(&frame, &tcp4, 500);
    frame.bytes = ROOM_BYTES + 1;
    expect(&claim, VIF_DROP_TX_OVERSIZE);
    frame.bytes = ROOM_BYTES;
    expect(&claim, VIF_N_DROPS);
}

/* No frame becomes more, or longer, ones than it was judged for. */
static void
test_wire_bytes(void **state)
{
    static uint8_t segment[NET_FRAME_MAX_BYTES];
    static const uint32_t payloads[] = { 1, 8, 9, 1460, 1461, 5000, 65000 };

    for (size_t p = 0; p < sizeof payloads / sizeof payloads[0]; p++) {
        for (uint32_t mss = 8; mss <= 1460; mss += 121) {
            for (int six = 0; six < 2; six++) {
                struct vif_claim claim = { true, six ? V6 : V4, mss };
                struct vif_offload o;
                uint64_t sum = 0;

                net_frame_make(&frame, six ? &tcp6 : &tcp4, payloads[p]);
                enum vif_drop drop = judge(frame.bytes, &claim, &o);
                if (drop != VIF_N_DROPS) {
                    assert_int_equal(drop, VIF_DROP_TX_OVERSIZE);
                    continue;
                }
                uint64_t want = vif_offload_wire_bytes(&o, frame.bytes);
                if (!o.mss_bytes) {
                    assert_int_equal(want, frame.bytes);
                    continue;
                }

                struct gso gso;
                gso_begin(&gso, frame.data, &o.headers, o.mss_bytes);
                while (gso_more(&gso)) {
                    struct headers h;
                    uint32_t bytes = gso_next(&gso, segment, true, &h);

                    assert_true(bytes <= ROOM_BYTES);
                    sum += bytes;
                }
                assert_int_equal(sum, want);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_claim),
        cmocka_unit_test(test_blank_checksums),
        cmocka_unit_test(test_xsa_423_headers_cut_at_every_byte),
        cmocka_unit_test(test_gso_lies),
        cmocka_unit_test(test_gso_sizes),
        cmocka_unit_test(test_gso_of_one_segment),
        cmocka_unit_test(test_wire_bytes),
    };

    return cmocka_run_group_tests_name("vif_offload", tests, NULL, NULL);
}
