/* Checksums and Toeplitz hashes from their definitions, a byte or a bit at a
 * time.
 *
 * Thread: any.  Pure.   Owner: the caller's memory.   Errors: none. */

#ifndef TESTS_FUZZ_NET_MODEL_H
#define TESTS_FUZZ_NET_MODEL_H 1

#include <stdbool.h>
#include <stdint.h>

/* Adds 'bytes' at 'p' to 'sum', as big-endian words (RFC 1071). */
static inline uint64_t
model_sum(const uint8_t *p, uint32_t bytes, uint64_t sum)
{
    for (uint32_t i = 0; i < bytes; i++) {
        sum += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return sum;
}

static inline uint16_t
model_fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return sum;
}

/* The pseudo header's sum, of the IP header at 'ip' and 'l4_bytes' of
 * 'protocol' behind it. */
static inline uint64_t
model_pseudo_sum(const uint8_t *ip, uint32_t l4_bytes, uint8_t protocol)
{
    uint64_t sum = ip[0] >> 4 == 4 ? model_sum(ip + 12, 8, 0)
                                   : model_sum(ip + 8, 32, 0);

    return sum + l4_bytes + protocol;
}

/* The Toeplitz hash of 'bytes' at 'p' with a key of 40 bytes: for each bit
 * that is set, the 32 bits of the key that begin there. */
static inline uint32_t
model_toeplitz(const uint8_t key[40], const uint8_t *p, uint32_t bytes)
{
    uint32_t hash = 0;

    for (uint32_t bit = 0; bit < bytes * 8; bit++) {
        if (p[bit / 8] << bit % 8 & 0x80) {
            for (uint32_t i = 0; i < 32; i++) {
                uint32_t at = bit + i;

                hash ^= (uint32_t) (key[at / 8] >> (7 - at % 8) & 1)
                        << (31 - i);
            }
        }
    }
    return hash;
}

#endif /* tests/fuzz/net_model.h */
