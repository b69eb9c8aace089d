#include "datapath/headers.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88a8u
#define ETHERTYPE_MPLS 0x8847u
#define ETHERTYPE_MPLS_MCAST 0x8848u
#define TAGS_MAX 4

#define IPV6_HOP_BY_HOP 0u
#define IPV6_ROUTING 43u
#define IPV6_FRAGMENT 44u
#define IPV6_DESTINATION 60u

/* Offset of what is below an MPLS label stack that begins at 'offset', and
 * its type by its first bits; 0 if it is no IP (RFC 3032 does not say). */
static uint32_t
skip_labels(const uint8_t *frame, uint32_t bytes, uint32_t offset,
            uint32_t *ethertype)
{
    for (int labels = 0; labels < TAGS_MAX && bytes > offset + 4; labels++) {
        bool last = frame[offset + 2] & 1;

        offset += 4;
        if (last) {
            *ethertype = frame[offset] >> 4 == 4 ? ETHERTYPE_IPV4
                                                 : ETHERTYPE_IPV6;
            return offset;
        }
    }
    return 0;
}

/* Offset of the L3 header and its type; 0 if it is none of ours. */
static uint32_t
find_l3(const uint8_t *frame, uint32_t bytes, uint32_t *ethertype)
{
    uint32_t offset = 12;

    for (int tags = 0; bytes >= offset + 2 && tags <= TAGS_MAX; tags++) {
        *ethertype = headers_be16(frame + offset);
        offset += 2;
        switch (*ethertype) {
        case ETHERTYPE_IPV4:
        case ETHERTYPE_IPV6:
            return offset;
        case ETHERTYPE_VLAN:
        case ETHERTYPE_QINQ:
            offset += 2;                /* The tag's own two bytes. */
            break;
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_MCAST:
            return skip_labels(frame, bytes, offset, ethertype);
        default:
            return 0;
        }
    }
    return 0;
}

static bool
parse_ipv4(const uint8_t *frame, uint32_t bytes, struct headers *h)
{
    const uint8_t *ip = frame + h->l3_offset;
    uint32_t left = bytes - h->l3_offset;

    if (left < 20 || ip[0] >> 4 != 4) {
        return false;
    }

    uint32_t header_bytes = (ip[0] & 0xf) * 4;
    uint32_t total_bytes = headers_be16(ip + 2);
    if (header_bytes < 20 || total_bytes < header_bytes
        || total_bytes > left) {
        return false;
    }
    h->ip_version = 4;
    h->fragment = headers_be16(ip + 6) & 0x3fff;
    h->protocol = ip[9];
    h->l4_offset = h->l3_offset + header_bytes;
    h->end = h->l3_offset + total_bytes;
    return true;
}

/* Walks the extension headers, each at least 8 bytes, as far as
 * HEADERS_MAX_BYTES. */
static bool
parse_ipv6(const uint8_t *frame, uint32_t bytes, struct headers *h)
{
    const uint8_t *ip = frame + h->l3_offset;
    uint32_t left = bytes - h->l3_offset;

    if (left < 40 || ip[0] >> 4 != 6
        || headers_be16(ip + 4) > left - 40) {
        return false;
    }

    uint32_t offset = h->l3_offset + 40;
    uint8_t next = ip[6];
    h->ip_version = 6;
    h->end = offset + headers_be16(ip + 4);
    while (next == IPV6_HOP_BY_HOP || next == IPV6_ROUTING
           || next == IPV6_DESTINATION || next == IPV6_FRAGMENT) {
        const uint8_t *extension = frame + offset;

        if (offset + 8 > h->end || offset > HEADERS_MAX_BYTES) {
            return false;
        }
        if (next == IPV6_FRAGMENT) {
            /* Anything but offset 0 with none to follow (RFC 6946). */
            h->fragment |= headers_be16(extension + 2) & 0xfff9;
            offset += 8;
        } else {
            offset += 8 + extension[1] * 8u;
        }
        next = extension[0];
    }
    if (offset > h->end || offset > HEADERS_MAX_BYTES) {
        return false;
    }
    h->protocol = next;
    h->l4_offset = offset;
    return true;
}

static void
parse_l4(const uint8_t *frame, struct headers *h)
{
    const uint8_t *l4 = frame + h->l4_offset;
    uint32_t l4_bytes = h->end - h->l4_offset;
    uint32_t header_bytes;

    if (h->fragment) {
        return;
    }
    if (h->protocol == HEADERS_TCP) {
        if (l4_bytes < 20) {
            return;
        }
        header_bytes = (l4[12] >> 4) * 4;
        h->l4 = header_bytes >= 20 && header_bytes <= l4_bytes;
    } else if (h->protocol == HEADERS_UDP) {
        header_bytes = 8;
        /* Both lengths the same: the checksum goes by UDP's own. */
        h->l4 = l4_bytes >= 8 && headers_be16(l4 + 4) == l4_bytes;
    } else {
        return;
    }

    uint32_t payload_offset = h->l4_offset + header_bytes;
    h->l4 &= payload_offset <= HEADERS_MAX_BYTES;
    h->payload_offset = payload_offset;
}

bool
headers_parse(const uint8_t *frame, uint32_t bytes, struct headers *h)
{
    uint32_t ethertype = 0;
    uint32_t l3_offset = find_l3(frame, bytes, &ethertype);

    if (!l3_offset) {
        return false;
    }
    *h = (struct headers) { .l3_offset = l3_offset };
    if (!(ethertype == ETHERTYPE_IPV4 ? parse_ipv4(frame, bytes, h)
                                      : parse_ipv6(frame, bytes, h))) {
        return false;
    }
    parse_l4(frame, h);
    return true;
}
