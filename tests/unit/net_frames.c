#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/net_frames.h"

#include <string.h>

uint32_t
net_l3_offset(const struct net_kind *kind)
{
    return 14 + 4u * (kind->n_tags + kind->n_labels);
}

static uint32_t
extension_bytes(unsigned int i)
{
    return 8 * (i + 1);
}

uint32_t
net_l4_offset(const struct net_kind *kind)
{
    uint32_t offset = net_l3_offset(kind);

    if (kind->version == 4) {
        return offset + 20 + kind->ip_option_bytes;
    }
    offset += 40;
    for (unsigned int i = 0; i < kind->n_extensions; i++) {
        offset += extension_bytes(i);
    }
    return offset;
}

uint32_t
net_payload_offset(const struct net_kind *kind)
{
    return net_l4_offset(kind)
           + (kind->protocol == NET_TCP ? 20 + kind->tcp_option_bytes : 8);
}

uint32_t
net_be16(const uint8_t *p)
{
    return (uint32_t) p[0] << 8 | p[1];
}

uint32_t
net_be32(const uint8_t *p)
{
    return net_be16(p) << 16 | net_be16(p + 2);
}

void
net_put_be16(uint8_t *p, uint32_t value)
{
    p[0] = value >> 8;
    p[1] = value;
}

void
net_put_be32(uint8_t *p, uint32_t value)
{
    net_put_be16(p, value >> 16);
    net_put_be16(p + 2, value);
}

/* Returns the offset of the L3 header. */
static uint32_t
put_l2(uint8_t *frame, const struct net_kind *kind)
{
    uint32_t offset = 12;

    memcpy(frame, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
    for (unsigned int i = 0; i < kind->n_tags; i++) {
        net_put_be16(frame + offset, i + 1 < kind->n_tags ? 0x88a8 : 0x8100);
        net_put_be16(frame + offset + 2, 0x2001 + i);
        offset += 4;
    }
    net_put_be16(frame + offset, kind->n_labels ? 0x8847
                                 : kind->version == 4 ? 0x0800 : 0x86dd);
    offset += 2;
    for (unsigned int i = 0; i < kind->n_labels; i++) {
        bool last = i + 1 == kind->n_labels;

        net_put_be32(frame + offset, (16 + i) << 12 | last << 8 | 64);
        offset += 4;
    }
    return offset;
}

static void
put_ipv4(uint8_t *ip, const struct net_kind *kind, uint32_t l4_bytes)
{
    uint32_t header_bytes = 20 + kind->ip_option_bytes;

    ip[0] = 0x40 | header_bytes / 4;
    ip[1] = 0x03;
    net_put_be16(ip + 2, header_bytes + l4_bytes);
    net_put_be16(ip + 4, 0xfffe);       /* So that it wraps. */
    net_put_be16(ip + 6, 0x4000);
    ip[8] = 63;
    ip[9] = kind->protocol;
    net_put_be16(ip + 10, 0xdead);
    memcpy(ip + 12, "\x0a\x01\x02\x03\xc0\xa8\xfe\x09", 8);
    memset(ip + 20, 1, kind->ip_option_bytes);      /* No operation. */
}

static void
put_ipv6(uint8_t *ip, const struct net_kind *kind, uint32_t l4_bytes)
{
    static const uint8_t types[] = { 0, 60, 43, 60 };
    uint8_t *at = ip + 40, *next = ip + 6;

    ip[0] = 0x60;
    ip[1] = ip[2] = 0x11;
    ip[7] = 63;
    memcpy(ip + 8, "\xfd\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"
                   "\xfd\x91\x92\x93\x94\x95\x96\x97\x98\x99\0\0\0\0\0\1",
           32);
    for (unsigned int i = 0; i < kind->n_extensions; i++) {
        *next = types[i];
        next = at;
        memset(at, 0, extension_bytes(i));
        at[1] = extension_bytes(i) / 8 - 1;
        at += extension_bytes(i);
    }
    *next = kind->protocol;
    net_put_be16(ip + 4, at - ip - 40 + l4_bytes);
}

void
net_frame_make(struct net_frame *frame, const struct net_kind *kind,
               uint32_t payload_bytes)
{
    uint32_t l4_offset = net_l4_offset(kind);
    uint32_t payload_offset = net_payload_offset(kind);
    uint32_t l4_bytes = payload_offset - l4_offset + payload_bytes;
    uint8_t *l4 = frame->data + l4_offset;

    assert_true(payload_offset + payload_bytes <= sizeof frame->data);
    frame->bytes = payload_offset + payload_bytes;
    uint8_t *ip = frame->data + put_l2(frame->data, kind);
    if (kind->version == 4) {
        put_ipv4(ip, kind, l4_bytes);
    } else {
        put_ipv6(ip, kind, l4_bytes);
    }

    memset(l4, 0, payload_offset - l4_offset);
    net_put_be16(l4, 4096);
    net_put_be16(l4 + 2, 443);
    if (kind->protocol == NET_TCP) {
        net_put_be32(l4 + 4, 0xfffff000);
        net_put_be32(l4 + 8, 0x01020304);
        l4[12] = (20 + kind->tcp_option_bytes) / 4 << 4;
        l4[13] = NET_ACK | NET_PSH | NET_FIN | NET_CWR;
        net_put_be16(l4 + 14, 0x7000);
        net_put_be16(l4 + 16, 0xbeef);
        memset(l4 + 20, 1, kind->tcp_option_bytes);
    } else {
        net_put_be16(l4 + 4, l4_bytes);
        net_put_be16(l4 + 6, 0xbeef);
    }
    for (uint32_t i = 0; i < payload_bytes; i++) {
        frame->data[payload_offset + i] = net_payload_byte(i);
    }
}

uint32_t
net_sum(const uint8_t *p, uint32_t bytes, uint32_t start)
{
    uint64_t sum = start;

    for (uint32_t i = 0; i < bytes; i++) {
        sum += i & 1 ? p[i] : (uint32_t) p[i] << 8;
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

uint32_t
net_pseudo_sum(const uint8_t *frame, const struct net_kind *kind,
               uint32_t l4_bytes)
{
    const uint8_t *ip = frame + net_l3_offset(kind);
    uint8_t tail[4] = { l4_bytes >> 8, l4_bytes, 0, kind->protocol };

    return kind->version == 4
           ? net_sum(ip + 12, 8, net_sum(tail, 4, 0))
           : net_sum(ip + 8, 32, net_sum(tail, 4, 0));
}

bool
net_l4_csum_is_right(const uint8_t *frame, uint32_t bytes,
                     const struct net_kind *kind)
{
    uint32_t l4_bytes = bytes - net_l4_offset(kind);

    return net_sum(frame + net_l4_offset(kind), l4_bytes,
                   net_pseudo_sum(frame, kind, l4_bytes)) == 0xffff;
}

bool
net_l4_csum_is_blank(const uint8_t *frame, uint32_t bytes,
                     const struct net_kind *kind)
{
    uint32_t offset = net_l4_offset(kind);

    return net_be16(frame + offset + (kind->protocol == NET_TCP ? 16 : 6))
           == net_pseudo_sum(frame, kind, bytes - offset);
}

bool
net_ip_csum_is_right(const uint8_t *frame, const struct net_kind *kind)
{
    return kind->version == 6
           || net_sum(frame + net_l3_offset(kind),
                      20 + kind->ip_option_bytes, 0) == 0xffff;
}
