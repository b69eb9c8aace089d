/* Ethernet frames with IP in them, and a judgement of their checksums that
 * shares no code with datapath/: from the layout that was asked for, a byte at
 * a time (RFC 1071).
 *
 * Thread: any.   Owner: the caller's memory.
 * Errors: wrong use fails the running cmocka test. */

#ifndef TESTS_UNIT_NET_FRAMES_H
#define TESTS_UNIT_NET_FRAMES_H 1

#include <stdbool.h>
#include <stdint.h>

#define NET_TCP 6u
#define NET_UDP 17u
#define NET_FRAME_MAX_BYTES 65700u

#define NET_FIN 0x01u
#define NET_PSH 0x08u
#define NET_ACK 0x10u
#define NET_CWR 0x80u

/* What a frame is made of. */
struct net_kind {
    uint8_t version;                    /* 4, 6. */
    uint8_t protocol;
    uint8_t n_tags, n_labels;           /* 802.1Q; MPLS behind them. */
    uint8_t ip_option_bytes;            /* IPv4: a multiple of 4. */
    uint8_t n_extensions;               /* IPv6: 8 bytes, 16, 24, ... */
    uint8_t tcp_option_bytes;           /* A multiple of 4. */
};

struct net_frame {
    uint8_t data[NET_FRAME_MAX_BYTES];
    uint32_t bytes;
};

uint32_t net_l3_offset(const struct net_kind *);
uint32_t net_l4_offset(const struct net_kind *);
uint32_t net_payload_offset(const struct net_kind *);

/* The byte at 'i' of each payload. */
static inline uint8_t
net_payload_byte(uint32_t i)
{
    return i * 31 + (i >> 8) * 7 + (i >> 16);
}

/* Makes a frame; its checksums are wrong. */
void net_frame_make(struct net_frame *, const struct net_kind *,
                    uint32_t payload_bytes);

uint32_t net_be16(const uint8_t *);
uint32_t net_be32(const uint8_t *);
void net_put_be16(uint8_t *, uint32_t value);
void net_put_be32(uint8_t *, uint32_t value);

/* The ones' complement sum of 'bytes' at 'p', added to 'sum' and folded. */
uint32_t net_sum(const uint8_t *p, uint32_t bytes, uint32_t sum);

/* That of the pseudo header of a frame with 'l4_bytes' behind IP. */
uint32_t net_pseudo_sum(const uint8_t *frame, const struct net_kind *,
                        uint32_t l4_bytes);

bool net_l4_csum_is_right(const uint8_t *frame, uint32_t bytes,
                          const struct net_kind *);
bool net_l4_csum_is_blank(const uint8_t *frame, uint32_t bytes,
                          const struct net_kind *);
/* True for IPv6, too, which has none. */
bool net_ip_csum_is_right(const uint8_t *frame, const struct net_kind *);

#endif /* tests/unit/net_frames.h */
