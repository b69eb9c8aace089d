#include "tools/guest/probe.h"

#include <string.h>

#define ETH_BYTES 14u
#define VLAN_BYTES 4u
#define IP_BYTES 20u
#define UDP_BYTES 8u

#define TYPE_IPV4 0x0800
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TYPE_PROBE 0x88b5               /* IEEE 802's local experiment 1. */
#define PROTOCOL_UDP 17

#define MAGIC 0x4e44                    /* "ND" */
#define FRAME_BYTES_MIN 60u

static void
put16(uint8_t *p, uint16_t x)
{
    p[0] = x >> 8;
    p[1] = x;
}

static void
put32(uint8_t *p, uint32_t x)
{
    put16(p, x >> 16);
    put16(p + 2, x);
}

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
    return (uint32_t) get16(p) << 16 | get16(p + 2);
}

static uint16_t
ip_checksum(const uint8_t header[IP_BYTES])
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < IP_BYTES; i += 2) {
        sum += get16(header + i);
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum;
}

uint32_t
probe_frame_bytes_min(bool udp, bool vlan)
{
    uint32_t bytes = ETH_BYTES + (vlan ? VLAN_BYTES : 0)
                     + (udp ? IP_BYTES + UDP_BYTES : 0) + PROBE_BYTES;

    return bytes > FRAME_BYTES_MIN ? bytes : FRAME_BYTES_MIN;
}

uint32_t
probe_port_src_offset(bool vlan)
{
    return ETH_BYTES + (vlan ? VLAN_BYTES : 0) + IP_BYTES;
}

static uint32_t
build_ip_udp(const struct probe_frame *f, uint8_t *ip, uint32_t bytes)
{
    uint8_t *udp = ip + IP_BYTES;

    ip[0] = 0x45;
    put16(ip + 2, bytes);
    put16(ip + 6, 0x4000);              /* Do not fragment. */
    ip[8] = 64;
    ip[9] = PROTOCOL_UDP;
    put32(ip + 12, f->ip_src);
    put32(ip + 16, f->ip_dst);
    put16(ip + 10, ip_checksum(ip));

    put16(udp, f->port_src);
    put16(udp + 2, f->port_dst);
    put16(udp + 4, bytes - IP_BYTES);
    return IP_BYTES + UDP_BYTES;
}

uint32_t
probe_frame_build(const struct probe_frame *f, uint8_t *frame)
{
    uint32_t at = 12;

    memset(frame, 0, f->frame_bytes);
    memcpy(frame, f->dst, 6);
    memcpy(frame + 6, f->src, 6);
    if (f->vlan) {
        put16(frame + at, TYPE_VLAN);
        put16(frame + at + 2, f->vlan);
        at += VLAN_BYTES;
    }
    put16(frame + at, f->udp ? TYPE_IPV4 : TYPE_PROBE);
    at += 2;
    if (f->udp) {
        at += build_ip_udp(f, frame + at, f->frame_bytes - at);
    }
    return at;
}

void
probe_encode(const struct probe *probe, uint8_t at[PROBE_BYTES])
{
    put16(at, MAGIC);
    put16(at + 2, probe->generator);
    put16(at + 4, probe->sequence >> 32);
    put32(at + 6, probe->sequence);
    put32(at + 10, probe->sent_ns >> 32);
    put32(at + 14, probe->sent_ns);
}

/* Where an IPv4 UDP datagram's payload begins behind 'at'; 0 if it is no
 * such datagram. */
static size_t
skip_ip_udp(const uint8_t *frame, size_t bytes, size_t at)
{
    if (bytes < at + IP_BYTES || frame[at] >> 4 != 4) {
        return 0;
    }

    size_t ip_bytes = (frame[at] & 0xf) * 4u;
    if (ip_bytes < IP_BYTES || frame[at + 9] != PROTOCOL_UDP
        || get16(frame + at + 6) & 0x3fff) {
        return 0;                       /* A fragment, or not UDP. */
    }
    return at + ip_bytes + UDP_BYTES;
}

bool
probe_decode(const uint8_t *frame, size_t bytes, struct probe *probe)
{
    size_t at = 12;
    uint16_t type = 0;

    for (int tags = 0; tags <= 2; tags++) {
        if (bytes < at + 2) {
            return false;
        }
        type = get16(frame + at);
        at += 2;
        if (type != TYPE_VLAN && type != TYPE_QINQ) {
            break;
        }
        at += 2;
    }
    if (type == TYPE_IPV4) {
        at = skip_ip_udp(frame, bytes, at);
        if (!at) {
            return false;
        }
    } else if (type != TYPE_PROBE) {
        return false;
    }
    if (bytes < at + PROBE_BYTES || get16(frame + at) != MAGIC) {
        return false;
    }

    const uint8_t *p = frame + at;
    *probe = (struct probe) {
        .generator = get16(p + 2),
        .sequence = (uint64_t) get16(p + 4) << 32 | get32(p + 6),
        .sent_ns = (uint64_t) get32(p + 10) << 32 | get32(p + 14),
    };
    return true;
}
