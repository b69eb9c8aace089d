#include "tools/guest/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#include "tools/guest/packet.h"

uint64_t
checksum_add(uint64_t sum, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint64_t word, high = 0;
    uint16_t half;

    /* Halves of words, so that nothing is carried away. */
    for (; bytes >= sizeof word; bytes -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        sum += word & UINT32_MAX;
        high += word >> 32;
    }
    sum += high;
    for (; bytes >= sizeof half; bytes -= sizeof half, p += sizeof half) {
        memcpy(&half, p, sizeof half);
        sum += half;
    }
    if (bytes) {
        half = 0;
        memcpy(&half, p, 1);
        sum += half;
    }
    return sum;
}

uint16_t
checksum_fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

uint64_t
checksum_pseudo(const uint8_t *head, const struct packet *p,
                uint32_t l4_bytes)
{
    uint64_t sum = htons(p->protocol);

    sum += htonl(l4_bytes);
    return p->ip == 4 ? checksum_add(sum, head + p->l3 + 12, 8)
                      : checksum_add(sum, head + p->l3 + 8, 32);
}

uint16_t
checksum_finish(uint64_t sum, const struct packet *p)
{
    uint16_t checksum = ~checksum_fold(sum);

    return checksum || p->protocol != PACKET_UDP ? checksum : 0xffff;
}

bool
checksum_is_good(const uint8_t *frame, const struct packet *p)
{
    uint32_t l4_bytes = p->end - p->l4;
    uint16_t field;

    memcpy(&field, frame + packet_checksum_at(p), sizeof field);
    if (!field && p->protocol == PACKET_UDP) {
        return p->ip == 4;
    }
    return checksum_fold(checksum_add(checksum_pseudo(frame, p, l4_bytes),
                                      frame + p->l4, l4_bytes)) == 0xffff;
}
