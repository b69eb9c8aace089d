/* Where the headers of an Ethernet frame are: for checksums, segmentation and
 * hashing.  VLAN tags and MPLS labels (up to four), IPv4 with options, IPv6 with extension
 * headers, TCP, UDP.
 *
 * Thread: any.   Owner: the caller's frame.   Errors: false.
 * Trust:  the frame is hostile but private; no length in it is believed
 *         beyond 'bytes', and work is bounded by HEADERS_MAX_BYTES. */

#ifndef DATAPATH_HEADERS_H
#define DATAPATH_HEADERS_H 1

#include <stdbool.h>
#include <stdint.h>

/* All headers of a frame end before this, or it is not understood: Ethernet,
 * two tags, IPv6 with many options, TCP with all of its own.  DPDK's mbuf
 * cannot say more of the middle part (l3_len has 9 bits). */
#define HEADERS_MAX_BYTES 384u

#define HEADERS_TCP 6u
#define HEADERS_UDP 17u

struct headers {
    uint8_t ip_version;                 /* 4, 6. */
    uint8_t protocol;                   /* Behind extension headers. */
    bool fragment;                      /* Then there is no L4 to look at. */
    bool l4;                            /* TCP or UDP, whole and sound. */
    uint16_t l3_offset, l4_offset;
    uint16_t payload_offset;            /* If 'l4': behind its header. */
    uint32_t end;                       /* Where IP says that it ends. */
};

static inline uint32_t
headers_be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* True if 'frame' is IP with sound headers; '*h' is then filled in. */
bool headers_parse(const uint8_t *frame, uint32_t bytes, struct headers *h);

#endif /* datapath/headers.h */
