#include "tools/guest/vary.h"

#include <string.h>

#include "tools/guest/checksum.h"

/* The same number each time for the same one (splitmix64: Steele, Lea and
 * Flood, OOPSLA 2014). */
static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A number of 'n_bits' bits that has some of the first ones of 'value', then a
 * different one, then any: each length is as likely as another. */
static uint32_t
near(uint32_t value, unsigned int n_bits, uint64_t random)
{
    unsigned int n_low = random % n_bits;
    uint32_t low = random >> 32 & ((UINT32_C(1) << n_low) - 1);

    return (((value >> n_low) ^ 1) << n_low) | low;
}

static void
put_port(uint8_t *port, uint32_t by)
{
    packet_put16(port, packet_get16(port) + by);
}

void
vary_write(enum pktgen_vary vary, uint32_t n_flows, uint64_t sequence,
           uint8_t *head, const struct packet *p)
{
    uint8_t *ip = head + p->l3, *l4 = head + p->l4;
    uint64_t random = mix(sequence);

    if (!p->l4) {
        return;
    }
    switch (vary) {
    case PKTGEN_VARY_PORT_SRC:
        put_port(l4, sequence % n_flows);
        return;
    case PKTGEN_VARY_PORT_DST:
        put_port(l4 + 2, sequence % n_flows);
        return;
    case PKTGEN_VARY_PREFIX:
        for (int i = 0; i < 2; i++) {
            packet_put32(ip + 12 + 4 * i,
                         near(packet_get32(ip + 12 + 4 * i), 32,
                              mix(random + i)));
            packet_put16(l4 + 2 * i, near(packet_get16(l4 + 2 * i), 16,
                                          mix(random + 2 + i)));
        }
        break;
    case PKTGEN_VARY_ALL:
        packet_put32(ip + 12, random);
        packet_put32(ip + 16, random >> 32);
        packet_put32(l4, mix(random));
        break;
    }
    memset(ip + 10, 0, 2);

    uint16_t sum = ~checksum_fold(checksum_add(0, ip, 20));
    memcpy(ip + 10, &sum, sizeof sum);
}
