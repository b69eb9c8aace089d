#include "datapath/csum.h"

#include <string.h>

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88a8u
#define IPPROTO_TCP_ 6u
#define IPPROTO_UDP_ 17u

static uint16_t
be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint64_t
sum_bytes(const uint8_t *p, uint32_t bytes, uint64_t sum)
{
    while (bytes >= 2) {
        sum += be16(p);
        p += 2;
        bytes -= 2;
    }
    return bytes ? sum + (p[0] << 8) : sum;
}

static uint16_t
fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum;
}

/* Fills the checksum of the 'bytes' bytes of L4 at 'l4', whose pseudo header
 * without length and protocol sums to 'sum'. */
static bool
fill_l4(uint8_t *l4, uint32_t bytes, uint8_t protocol, uint64_t sum)
{
    uint32_t field, min_bytes;

    if (protocol == IPPROTO_TCP_) {
        field = 16, min_bytes = 20;
    } else if (protocol == IPPROTO_UDP_) {
        field = 6, min_bytes = 8;
    } else {
        return false;
    }
    if (bytes < min_bytes
        || (protocol == IPPROTO_UDP_ && be16(l4 + 4) > bytes)) {
        return false;
    }

    l4[field] = l4[field + 1] = 0;
    uint16_t csum = fold(sum_bytes(l4, bytes, sum + bytes + protocol));
    if (!csum && protocol == IPPROTO_UDP_) {
        csum = 0xffff;                  /* RFC 768: 0 would mean none. */
    }
    l4[field] = csum >> 8;
    l4[field + 1] = csum & 0xff;
    return true;
}

static bool
fill_ipv4(uint8_t *ip, uint32_t bytes)
{
    if (bytes < 20 || ip[0] >> 4 != 4) {
        return false;
    }

    uint32_t header_bytes = (ip[0] & 0xf) * 4;
    uint32_t total_bytes = be16(ip + 2);
    bool fragment = be16(ip + 6) & 0x3fff;
    if (header_bytes < 20 || total_bytes < header_bytes
        || total_bytes > bytes || fragment) {
        return false;
    }
    return fill_l4(ip + header_bytes, total_bytes - header_bytes, ip[9],
                   sum_bytes(ip + 12, 8, 0));
}

static bool
fill_ipv6(uint8_t *ip, uint32_t bytes)
{
    if (bytes < 40 || ip[0] >> 4 != 6) {
        return false;
    }

    uint32_t payload_bytes = be16(ip + 4);
    if (payload_bytes > bytes - 40) {
        return false;
    }
    return fill_l4(ip + 40, payload_bytes, ip[6], sum_bytes(ip + 8, 32, 0));
}

bool
csum_fill(uint8_t *frame, uint32_t bytes)
{
    uint32_t offset = 12;

    for (int tags = 0; bytes >= offset + 2; tags++) {
        uint16_t type = be16(frame + offset);

        offset += 2;
        if (type == ETHERTYPE_IPV4) {
            return fill_ipv4(frame + offset, bytes - offset);
        } else if (type == ETHERTYPE_IPV6) {
            return fill_ipv6(frame + offset, bytes - offset);
        } else if ((type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
                   || tags == 2) {
            return false;
        }
        offset += 2;                    /* The tag's own two bytes. */
    }
    return false;
}
