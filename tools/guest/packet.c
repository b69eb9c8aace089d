#include "tools/guest/packet.h"

#include <string.h>

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8

#define TAGS_MAX 2
#define EXTENSIONS_MAX 8

#define IP4_BYTES 20u
#define IP6_BYTES 40u
#define TCP_BYTES 20u
#define UDP_BYTES 8u

/* TCP or UDP at 'at'. */
static void
parse_l4(const uint8_t *head, size_t bytes, size_t at, struct packet *p)
{
    if (p->protocol == PACKET_UDP && bytes >= at + UDP_BYTES) {
        p->l4 = at;
        p->payload = at + UDP_BYTES;
    } else if (p->protocol == PACKET_TCP && bytes >= at + TCP_BYTES) {
        size_t tcp_bytes = (head[at + 12] >> 4) * 4u;

        p->l4 = at;
        if (tcp_bytes >= TCP_BYTES && bytes >= at + tcp_bytes) {
            p->payload = at + tcp_bytes;
        }
    }
}

static void
parse_ipv4(const uint8_t *head, size_t bytes, struct packet *p)
{
    const uint8_t *ip = head + p->l3;

    if (bytes < p->l3 + IP4_BYTES || ip[0] >> 4 != 4) {
        return;
    }

    size_t ip_bytes = (ip[0] & 0xf) * 4u;
    if (ip_bytes < IP4_BYTES) {
        return;
    }
    p->ip = 4;
    p->protocol = ip[9];
    p->end = p->l3 + packet_get16(ip + 2);
    p->fragment = packet_get16(ip + 6) & 0x3fff;
    if (!p->fragment) {
        parse_l4(head, bytes, p->l3 + ip_bytes, p);
    }
}

/* Skips one extension header of type 'next' at '*at'.  False if it is none,
 * or cut short. */
static bool
skip_extension(const uint8_t *head, size_t bytes, uint8_t *next, size_t *at,
               struct packet *p)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, OPTIONS = 60 };
    uint8_t type = *next;

    if ((type != HOP_BY_HOP && type != ROUTING && type != FRAGMENT
         && type != OPTIONS) || bytes < *at + 8) {
        return false;
    }
    *next = head[*at];
    p->fragment |= type == FRAGMENT;
    *at += type == FRAGMENT ? 8u : (head[*at + 1] + 1) * 8u;
    return true;
}

static void
parse_ipv6(const uint8_t *head, size_t bytes, struct packet *p)
{
    const uint8_t *ip = head + p->l3;
    size_t at = p->l3 + IP6_BYTES;

    if (bytes < at || ip[0] >> 4 != 6) {
        return;
    }
    p->ip = 6;
    p->protocol = ip[6];
    p->end = at + packet_get16(ip + 4);
    for (int i = 0; i < EXTENSIONS_MAX && !p->fragment; i++) {
        if (!skip_extension(head, bytes, &p->protocol, &at, p)) {
            break;
        }
    }
    if (!p->fragment) {
        parse_l4(head, bytes, at, p);
    }
}

void
packet_parse(const uint8_t *head, size_t bytes, struct packet *p)
{
    size_t at = 12;

    memset(p, 0, sizeof *p);
    if (bytes > UINT16_MAX) {
        bytes = UINT16_MAX;
    }
    for (int tags = 0; tags <= TAGS_MAX; tags++) {
        if (bytes < at + 2) {
            return;
        }
        p->type = packet_get16(head + at);
        at += 2;
        if (p->type != TYPE_VLAN && p->type != TYPE_QINQ) {
            break;
        }
        at += 2;
    }
    p->l3 = at;
    if (p->type == TYPE_IPV4) {
        parse_ipv4(head, bytes, p);
    } else if (p->type == TYPE_IPV6) {
        parse_ipv6(head, bytes, p);
    }
}

uint16_t
packet_checksum_at(const struct packet *p)
{
    return !p->l4 ? 0 : p->l4 + (p->protocol == PACKET_TCP ? 16 : 6);
}

static uint32_t
mix(uint32_t hash, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ data[i]) * 0x01000193;
    }
    return hash;
}

uint32_t
packet_flow_hash(const uint8_t *head, size_t bytes)
{
    uint32_t hash = 0x811c9dc5;
    struct packet p;

    packet_parse(head, bytes, &p);
    if (p.ip == 4) {
        hash = mix(hash, head + p.l3 + 12, 8);
    } else if (p.ip == 6) {
        hash = mix(hash, head + p.l3 + 8, 32);
    } else {
        hash = mix(hash, head, bytes < 12 ? bytes : 12);
    }
    if (p.l4) {
        hash = mix(hash, head + p.l4, 4);
    }
    hash = mix(hash, &p.protocol, 1);

    /* The lower bits, which choose a queue, shall depend on all. */
    hash ^= hash >> 16;
    hash *= 0x85ebca6b;
    return hash ^ hash >> 13;
}

/* Moves between 'data' and the frame; one of the two directions. */
static size_t
move(const struct iovec *iov, uint32_t n, size_t at, void *out,
     const void *in, size_t bytes)
{
    size_t done = 0;

    for (uint32_t i = 0; i < n && done < bytes; i++) {
        if (at >= iov[i].iov_len) {
            at -= iov[i].iov_len;
            continue;
        }

        uint8_t *base = (uint8_t *) iov[i].iov_base + at;
        size_t part = iov[i].iov_len - at;
        if (part > bytes - done) {
            part = bytes - done;
        }
        if (out) {
            memcpy((uint8_t *) out + done, base, part);
        } else {
            memcpy(base, (const uint8_t *) in + done, part);
        }
        done += part;
        at = 0;
    }
    return done;
}

size_t
packet_gather(const struct iovec *iov, uint32_t n, size_t at, void *data,
              size_t bytes)
{
    return move(iov, n, at, data, NULL, bytes);
}

size_t
packet_scatter(const struct iovec *iov, uint32_t n, size_t at,
               const void *data, size_t bytes)
{
    if (n && at + bytes <= iov[0].iov_len) {
        memcpy((uint8_t *) iov[0].iov_base + at, data, bytes);
        return bytes;                   /* Nearly always. */
    }
    return move(iov, n, at, NULL, data, bytes);
}
