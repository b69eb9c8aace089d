/* Frames, honest but for what a lie says. */

#include "tests/hostile/hostile.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool
hostile_parse_mac(const char *text, uint8_t mac[6])
{
    return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
                  &mac[2], &mac[3], &mac[4], &mac[5]) == 6;
}

static uint8_t *
put_be16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value;
    return p + 2;
}

uint8_t *
hostile_ethernet(const struct hostile *h, uint8_t *p, const uint8_t dst[6],
                 uint16_t type)
{
    memcpy(p, dst, 6);
    memcpy(p + 6, h->mac, 6);
    return put_be16(p + 12, type);
}

static uint16_t
sum(const uint8_t *p, unsigned int bytes, uint32_t start)
{
    for (unsigned int i = 0; i + 1 < bytes; i += 2) {
        start += p[i] << 8 | p[i + 1];
    }
    while (start >> 16) {
        start = (start & 0xffff) + (start >> 16);
    }
    return start;
}

static uint8_t *
put_ipv4(uint8_t *p, unsigned int bytes, const struct hostile_tcp *lie)
{
    static const uint8_t addresses[] = { 198, 18, 9, 1, 198, 18, 9, 2 };

    memset(p, 0, 20);
    p[0] = 0x45;
    put_be16(p + 2, lie && lie->ip_bytes ? lie->ip_bytes : bytes);
    put_be16(p + 6, lie ? lie->fragment : 0);
    p[8] = 64;
    p[9] = lie && lie->protocol ? lie->protocol : IPPROTO_TCP;
    memcpy(p + 12, addresses, sizeof addresses);
    put_be16(p + 10, ~sum(p, 20, 0));
    return p + 20;
}

static uint8_t *
put_ipv6(uint8_t *p, unsigned int bytes, const struct hostile_tcp *lie)
{
    memset(p, 0, 40);
    p[0] = 0x60;
    put_be16(p + 4, lie && lie->ip_bytes ? lie->ip_bytes : bytes - 40);
    p[6] = lie && lie->protocol ? lie->protocol : IPPROTO_TCP;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    p[23] = 1;
    p[39] = 2;
    return p + 40;
}

unsigned int
hostile_tcp_frame(const struct hostile *h, uint8_t *frame, bool v6,
                  unsigned int payload, const struct hostile_tcp *lie)
{
    unsigned int ip_header = v6 ? 40 : 20;
    unsigned int bytes = ip_header + 20 + payload;
    uint8_t *ip = hostile_ethernet(h, frame, h->target, v6 ? 0x86dd : 0x0800);
    uint8_t *tcp = v6 ? put_ipv6(ip, bytes, lie) : put_ipv4(ip, bytes, lie);

    memset(tcp, 0, 20);
    put_be16(tcp, 1025);
    put_be16(tcp + 2, 9);
    tcp[12] = (lie && lie->tcp_words ? lie->tcp_words : 5) << 4;
    tcp[13] = 0x10;                     /* ACK. */
    put_be16(tcp + 14, 0xffff);

    /* A blank checksum holds the sum of the pseudo header. */
    put_be16(tcp + 16, sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8,
                           IPPROTO_TCP + 20 + payload));
    memset(tcp + 20, 'x', payload);
    return 14 + bytes;
}
