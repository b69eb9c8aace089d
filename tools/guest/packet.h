/* Where the headers of a frame are, read from a copy of its first bytes.
 *
 * Thread: any.  Pure.
 * Trust:  any bytes: nothing is read beyond those given, and what is found
 *         lies within them. */

#ifndef GUEST_PACKET_H
#define GUEST_PACKET_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* As much of a frame as is ever looked at for its headers. */
#define PACKET_HEAD_BYTES 192u

#define PACKET_TCP 6
#define PACKET_UDP 17

struct packet {
    uint8_t ip;                 /* 4, 6, or 0: no IP header. */
    uint8_t protocol;           /* The last one found. */
    bool fragment;
    uint16_t type;              /* EtherType behind VLAN tags. */
    uint16_t l3;                /* Where the headers begin: behind Ethernet */
    uint16_t l4;                /* and VLAN tags; TCP or UDP, 0: neither; */
    uint16_t payload;           /* what is behind it, 0: likewise. */
    uint32_t end;               /* Where IP says that its packet ends. */
};

/* 'bytes' are the first ones of the frame, at most all of it. */
void packet_parse(const uint8_t *head, size_t bytes, struct packet *);

/* Where the L4 checksum is; 0 if there is none, or it is not in the bytes
 * that were parsed. */
uint16_t packet_checksum_at(const struct packet *);

/* The same for all frames of a flow (addresses, protocol, ports), and as
 * different as can be for others. */
uint32_t packet_flow_hash(const uint8_t *head, size_t bytes);

/* Copies 'bytes' from 'at' on out of (or into) a scattered frame; returns how
 * many there were. */
size_t packet_gather(const struct iovec *, uint32_t n, size_t at, void *,
                     size_t bytes);
size_t packet_scatter(const struct iovec *, uint32_t n, size_t at,
                      const void *, size_t bytes);

static inline uint16_t
packet_get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static inline uint32_t
packet_get32(const uint8_t *p)
{
    return (uint32_t) packet_get16(p) << 16 | packet_get16(p + 2);
}

static inline void
packet_put16(uint8_t *p, uint16_t x)
{
    p[0] = x >> 8;
    p[1] = x;
}

static inline void
packet_put32(uint8_t *p, uint32_t x)
{
    packet_put16(p, x >> 16);
    packet_put16(p + 2, x);
}

#endif /* packet.h */
