/* Frames as the guest sees them: where their headers are, checksums, hashes,
 * and what a tap device says of them. */

#include <errno.h>
#include <linux/virtio_net.h>
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
#include "tools/guest/packet.h"
#include "tools/guest/toeplitz.h"
#include "tools/guest/vnet.h"

#define FRAME_BYTES 1200u

enum shape { TCP4, UDP4, TCP6, UDP6, N_SHAPES };

static const struct offload_set all = { true, true, true, true, true };

/* A frame with a blank checksum, all but the last byte of it payload. */
static uint16_t
build(uint8_t *frame, enum shape shape, bool vlan)
{
    bool tcp = shape == TCP4 || shape == TCP6;
    uint16_t at = 12;

    for (uint32_t i = 0; i < FRAME_BYTES; i++) {
        frame[i] = i * 7;
    }
    if (vlan) {
        packet_put16(frame + at, 0x8100);
        at += 4;
    }
    packet_put16(frame + at, shape < TCP6 ? 0x0800 : 0x86dd);
    at += 2;
    if (shape < TCP6) {
        memset(frame + at, 0, 12);
        frame[at] = 0x45;
        packet_put16(frame + at + 2, FRAME_BYTES - 1 - at);
        frame[at + 9] = tcp ? PACKET_TCP : PACKET_UDP;
        at += 20;
    } else {
        memset(frame + at, 0, 8);
        frame[at] = 0x60;
        packet_put16(frame + at + 4, FRAME_BYTES - 1 - at - 40);
        frame[at + 6] = tcp ? PACKET_TCP : PACKET_UDP;
        at += 40;
    }
    if (tcp) {
        frame[at + 12] = 0x80;          /* 32 bytes. */
    }
    return at;
}

static void
test_parse(void **state)
{
    uint8_t frame[FRAME_BYTES];
    struct packet p;

    for (int i = 0; i < N_SHAPES * 2; i++) {
        enum shape shape = i / 2;
        uint16_t l4 = build(frame, shape, i & 1);
        bool tcp = shape == TCP4 || shape == TCP6;

        packet_parse(frame, sizeof frame, &p);
        assert_int_equal(p.ip, shape < TCP6 ? 4 : 6);
        assert_int_equal(p.l4, l4);
        assert_int_equal(p.payload, l4 + (tcp ? 32 : 8));
        assert_int_equal(p.end, FRAME_BYTES - 1);
        assert_int_equal(packet_checksum_at(&p), l4 + (tcp ? 16 : 6));

        /* Cut anywhere: nothing beyond the cut is read or pointed at. */
        for (uint32_t n = 0; n < 120; n++) {
            uint8_t *piece = malloc(n ? n : 1);

            memcpy(piece, frame, n);
            packet_parse(piece, n, &p);
            assert_true(p.payload <= n);
            assert_true(!p.l4 || packet_checksum_at(&p) + 2u <= n);
            packet_flow_hash(piece, n);
            free(piece);
        }
    }
}

static void
test_parse_odd(void **state)
{
    uint8_t frame[FRAME_BYTES];
    struct packet p;

    build(frame, UDP4, false);
    frame[20] = 0x20;                   /* A first fragment. */
    packet_parse(frame, sizeof frame, &p);
    assert_true(p.ip == 4 && p.fragment && !p.l4);
    frame[20] = 0;
    frame[14] = 0x44;
    packet_parse(frame, sizeof frame, &p);
    assert_int_equal(p.ip, 0);

    build(frame, TCP4, false);
    frame[14 + 20 + 12] = 0x40;         /* Shorter than its own header. */
    packet_parse(frame, sizeof frame, &p);
    assert_true(p.l4 && !p.payload);

    /* Hop-by-hop options, then UDP; then a fragment header. */
    uint16_t at = build(frame, UDP6, false);
    frame[20] = 0;
    frame[at] = PACKET_UDP;
    frame[at + 1] = 1;
    packet_parse(frame, sizeof frame, &p);
    assert_int_equal(p.l4, at + 16);
    frame[at] = 44;
    packet_parse(frame, sizeof frame, &p);
    assert_true(p.fragment && !p.l4 && p.ip == 6);

    packet_put16(frame + 12, 0x0806);
    packet_parse(frame, sizeof frame, &p);
    assert_true(!p.ip && p.l3 == 14 && p.type == 0x0806);
}

static void
test_flows(void **state)
{
    uint8_t frame[FRAME_BYTES];
    uint32_t queues[4] = { 0 };

    for (int i = 0; i < N_SHAPES; i++) {
        uint16_t l4 = build(frame, i, false);
        uint32_t hash = packet_flow_hash(frame, sizeof frame);

        frame[l4 + 9] ^= 1;             /* No part of a flow's name. */
        assert_int_equal(packet_flow_hash(frame, sizeof frame), hash);
        frame[l4 + 1] ^= 1;
        assert_int_not_equal(packet_flow_hash(frame, sizeof frame), hash);
    }
    for (uint16_t port = 0; port < 400; port++) {
        packet_put16(frame + build(frame, TCP4, false), 40000 + port);
        queues[packet_flow_hash(frame, sizeof frame) % 4]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(queues[i], 60, 140);
    }
}

/* Sums up byte by byte, as RFC 1071 says. */
static uint16_t
slow_sum(const uint8_t *data, size_t bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < bytes; i++) {
        sum += i & 1 ? data[i] : data[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static void
test_checksum(void **state)
{
    uint8_t frame[FRAME_BYTES];

    build(frame, TCP4, false);
    for (size_t n = 0; n < 100; n++) {
        uint16_t sum = checksum_fold(checksum_add(0, frame, n));
        assert_int_equal(packet_get16((uint8_t *) &sum), slow_sum(frame, n));
    }
}

/* A checksum of zero would mean that there is none. */
static void
test_zero_checksum(void **state)
{
    const struct packet udp = { .protocol = PACKET_UDP };
    const struct packet tcp = { .protocol = PACKET_TCP };
    const struct virtio_net_hdr hdr = { .csum_start = 34, .csum_offset = 6 };
    uint8_t frame[100] = { [40] = 0xff, [41] = 0xff };
    struct iovec iov = { frame, sizeof frame };

    assert_int_equal(checksum_finish(0xffff, &udp), 0xffff);
    assert_int_equal(checksum_finish(0xffff, &tcp), 0);
    assert_int_equal(checksum_finish(0x1234, &udp), 0xedcb);
    vnet_fill_checksum(&hdr, &iov, 1, sizeof frame);
    assert_int_equal(packet_get16(frame + 40), 0xffff);
}

/* The kernel leaves a checksum blank; a backend does not take that: we fill
 * it in.  The backend leaves one blank: the kernel finds its pseudo header
 * summed up.  Both over every cut of the frame in two. */
static void
test_fill(void **state)
{
    for (uint32_t i = 0; i < N_SHAPES * 600; i++) {
        enum shape shape = i % N_SHAPES;
        uint32_t cut = 100 + i / N_SHAPES / 2 * 2;
        uint8_t frame[FRAME_BYTES];
        uint16_t l4 = build(frame, shape, false);
        struct iovec iov[2] = {
            { frame, cut }, { frame + cut, FRAME_BYTES - cut },
        };
        const struct frame_offload blank = { .csum_blank = true };
        struct virtio_net_hdr hdr;
        struct packet p;

        packet_parse(frame, sizeof frame, &p);
        memset(frame + packet_checksum_at(&p), 0, 2);
        assert_int_equal(vnet_from_offload(&blank, iov, 2, &hdr), 0);
        assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
        assert_int_equal(hdr.csum_start, l4);
        assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
        assert_false(checksum_is_good(frame, &p));
        vnet_fill_checksum(&hdr, iov, 2, FRAME_BYTES - 1);
        assert_true(checksum_is_good(frame, &p));
        frame[FRAME_BYTES - 2] ^= 0x10;
        assert_false(checksum_is_good(frame, &p));
    }
}

static void
test_to_offload(void **state)
{
    const struct offload_set none = { .sg = true };
    uint8_t frame[FRAME_BYTES];
    struct frame_offload o;
    bool fill;

    for (int shape = 0; shape < N_SHAPES; shape++) {
        bool tcp = shape == TCP4 || shape == TCP6;
        uint16_t l4 = build(frame, shape, false);
        struct virtio_net_hdr hdr = { .flags = 0 };

        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         0);
        assert_false(o.csum_blank || o.data_validated || o.gso_bytes || fill);

        hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        hdr.csum_start = l4;
        hdr.csum_offset = tcp ? 16 : 6;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         0);
        assert_true(o.csum_blank && o.data_validated && !fill);
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &none, &o, &fill),
                         0);
        assert_true(!o.csum_blank && fill);

        /* Something else's checksum, as in a tunnel. */
        hdr.csum_start += 2;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         0);
        assert_true(!o.csum_blank && fill);
        hdr.csum_start -= 2;

        hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        hdr.gso_size = 1000;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         shape == TCP4 ? 0 : -EINVAL);
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &none, &o, &fill),
                         shape == TCP4 ? -EOPNOTSUPP : -EINVAL);
        hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         shape == TCP6 ? 0 : -EINVAL);
        hdr.gso_size = 0;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         -EINVAL);
        hdr.gso_type = VIRTIO_NET_HDR_GSO_UDP;
        assert_int_equal(vnet_to_offload(&hdr, frame, 100, &all, &o, &fill),
                         -EINVAL);
    }
}

static void
test_from_gso(void **state)
{
    uint8_t frame[FRAME_BYTES];
    struct iovec iov = { frame, sizeof frame };
    struct frame_offload o = {
        .gso_bytes = 100, .gso_type = XEN_NETIF_GSO_TYPE_TCPV6,
    };
    struct virtio_net_hdr hdr;

    uint16_t l4 = build(frame, TCP6, true);
    assert_int_equal(vnet_from_offload(&o, &iov, 1, &hdr), 0);
    assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
    assert_int_equal(hdr.gso_size, 100);
    assert_int_equal(hdr.hdr_len, l4 + 32);

    /* What it is not. */
    o.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
    assert_int_equal(vnet_from_offload(&o, &iov, 1, &hdr), -EINVAL);
    build(frame, UDP4, true);
    assert_int_equal(vnet_from_offload(&o, &iov, 1, &hdr), -EINVAL);
    frame[18] = 0;
    o = (struct frame_offload) { .csum_blank = true };
    assert_int_equal(vnet_from_offload(&o, &iov, 1, &hdr), -EINVAL);
    o = (struct frame_offload) { .data_validated = true };
    assert_int_equal(vnet_from_offload(&o, &iov, 1, &hdr), 0);
    assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_DATA_VALID);
}

/* Microsoft's verification suite for RSS. */
static void
test_toeplitz(void **state)
{
    static const uint8_t src4[] = { 66, 9, 149, 187 };
    static const uint8_t dst4[] = { 161, 142, 100, 80 };
    static const uint8_t src6[] = {
        0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7,
    };
    static const uint8_t dst6[] = {
        0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1,
    };
    uint8_t frame[FRAME_BYTES];
    struct packet p;
    uint32_t hash;
    uint8_t type;

    uint16_t l4 = build(frame, TCP4, true);
    memcpy(frame + 18 + 12, src4, 4);
    memcpy(frame + 18 + 16, dst4, 4);
    packet_put16(frame + l4, 2794);
    packet_put16(frame + l4 + 2, 1766);
    packet_parse(frame, sizeof frame, &p);
    assert_true(toeplitz_frame(toeplitz_default_key, frame, &p, &type,
                               &hash));
    assert_int_equal(type, _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP);
    assert_int_equal(hash, 0x51ccc178);
    frame[18 + 9] = PACKET_UDP;
    packet_parse(frame, sizeof frame, &p);
    toeplitz_frame(toeplitz_default_key, frame, &p, &type, &hash);
    assert_int_equal(type, _XEN_NETIF_CTRL_HASH_TYPE_IPV4);
    assert_int_equal(hash, 0x323e8fc2);

    l4 = build(frame, TCP6, false);
    memcpy(frame + 14 + 8, src6, 16);
    memcpy(frame + 14 + 24, dst6, 16);
    packet_put16(frame + l4, 2794);
    packet_put16(frame + l4 + 2, 1766);
    packet_parse(frame, sizeof frame, &p);
    toeplitz_frame(toeplitz_default_key, frame, &p, &type, &hash);
    assert_int_equal(type, _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP);
    assert_int_equal(hash, 0x40207d3d);
    frame[14 + 6] = PACKET_UDP;
    packet_parse(frame, sizeof frame, &p);
    toeplitz_frame(toeplitz_default_key, frame, &p, &type, &hash);
    assert_int_equal(type, _XEN_NETIF_CTRL_HASH_TYPE_IPV6);
    assert_int_equal(hash, 0x2cc18cd5);

    packet_put16(frame + 12, 0x0806);
    packet_parse(frame, sizeof frame, &p);
    assert_false(toeplitz_frame(toeplitz_default_key, frame, &p, &type,
                                &hash));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_odd),
        cmocka_unit_test(test_flows),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_zero_checksum),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_to_offload),
        cmocka_unit_test(test_from_gso),
        cmocka_unit_test(test_toeplitz),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
