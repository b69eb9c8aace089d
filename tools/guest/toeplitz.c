#include "tools/guest/toeplitz.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/packet.h"

const uint8_t toeplitz_default_key[TOEPLITZ_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

uint32_t
toeplitz(const uint8_t key[TOEPLITZ_KEY_BYTES], const uint8_t *data,
         size_t bytes)
{
    uint32_t window = packet_get32(key);
    uint32_t hash = 0;

    for (size_t i = 0; i < bytes; i++) {
        uint8_t next = i + 4 < TOEPLITZ_KEY_BYTES ? key[i + 4] : 0;

        for (int bit = 7; bit >= 0; bit--) {
            if (data[i] >> bit & 1) {
                hash ^= window;
            }
            window = window << 1 | (next >> bit & 1);
        }
    }
    return hash;
}

bool
toeplitz_frame(const uint8_t key[TOEPLITZ_KEY_BYTES], const uint8_t *head,
               const struct packet *p, uint8_t *type, uint32_t *hash)
{
    size_t address_bytes = p->ip == 4 ? 8 : 32;
    bool tcp = p->l4 && p->protocol == PACKET_TCP;
    uint8_t data[36];

    if (!p->ip) {
        return false;
    }
    memcpy(data, head + p->l3 + (p->ip == 4 ? 12 : 8), address_bytes);
    if (tcp) {
        memcpy(data + address_bytes, head + p->l4, 4);
    }
    *type = p->ip == 4 ? tcp ? _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
                             : _XEN_NETIF_CTRL_HASH_TYPE_IPV4
                       : tcp ? _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
                             : _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
    *hash = toeplitz(key, data, address_bytes + (tcp ? 4 : 0));
    return true;
}
