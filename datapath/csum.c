#include "datapath/csum.h"

#include <string.h>

/* Sums are of 16-bit words as they lie in memory: the ones' complement sum
 * comes out in the same order, whatever it is (RFC 1071, section 2). */

static uint16_t
swap16(uint32_t host)
{
    const uint8_t wire[2] = { host >> 8, host };
    uint16_t word;

    memcpy(&word, wire, sizeof word);
    return word;
}

static uint64_t
sum_bytes(const uint8_t *p, uint32_t bytes, uint64_t sum)
{
    for (; bytes >= 16; p += 16, bytes -= 16) {
        uint32_t words[4];

        memcpy(words, p, sizeof words);
        sum += (uint64_t) words[0] + words[1] + words[2] + words[3];
    }
    for (; bytes >= 2; p += 2, bytes -= 2) {
        uint16_t word;

        memcpy(&word, p, sizeof word);
        sum += word;
    }
    if (bytes) {
        const uint8_t last[2] = { *p, 0 };
        uint16_t word;

        memcpy(&word, last, sizeof word);
        sum += word;
    }
    return sum;
}

static uint16_t
fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint64_t
pseudo_header(const uint8_t *frame, const struct headers *h)
{
    const uint8_t *ip = frame + h->l3_offset;
    uint64_t sum = h->ip_version == 4 ? sum_bytes(ip + 12, 8, 0)
                                      : sum_bytes(ip + 8, 32, 0);

    return sum + swap16(h->end - h->l4_offset) + swap16(h->protocol);
}

static uint8_t *
csum_field(uint8_t *frame, const struct headers *h)
{
    return frame + h->l4_offset + (h->protocol == HEADERS_TCP ? 16 : 6);
}

void
csum_fill(uint8_t *frame, const struct headers *h)
{
    uint8_t *field = csum_field(frame, h);

    field[0] = field[1] = 0;
    uint16_t csum = ~fold(sum_bytes(frame + h->l4_offset,
                                    h->end - h->l4_offset,
                                    pseudo_header(frame, h)));
    if (!csum && h->protocol == HEADERS_UDP) {
        csum = 0xffff;                  /* RFC 768: 0 would mean none. */
    }
    memcpy(field, &csum, sizeof csum);
}

void
csum_blank(uint8_t *frame, const struct headers *h)
{
    uint16_t sum = fold(pseudo_header(frame, h));

    memcpy(csum_field(frame, h), &sum, sizeof sum);
}

void
csum_fill_ipv4(uint8_t *frame, const struct headers *h)
{
    uint8_t *ip = frame + h->l3_offset;

    ip[10] = ip[11] = 0;
    uint16_t csum = ~fold(sum_bytes(ip, h->l4_offset - h->l3_offset, 0));
    memcpy(ip + 10, &csum, sizeof csum);
}
