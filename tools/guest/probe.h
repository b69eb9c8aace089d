/* The frames that --pktgen sends and --sink counts: an Ethernet header,
 * perhaps a VLAN tag, IPv4 and UDP or a local-experiment EtherType, and a
 * probe of 18 bytes: who sent it, its sequence number, and when.
 *
 * Thread: any.  Trust: probe_decode() takes any bytes. */

#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_BYTES 18u
#define PROBE_SEQUENCE_MAX ((1ull << 48) - 1)

/* As much of a frame as probe_decode() ever looks at: two tags, IPv4 with
 * all options, UDP, probe. */
#define PROBE_LOOK_BYTES 128u

struct probe {
    uint16_t generator;
    uint64_t sequence;                  /* At most PROBE_SEQUENCE_MAX. */
    uint64_t sent_ns;                   /* CLOCK_MONOTONIC. */
};

/* What all frames of a generator share. */
struct probe_frame {
    uint32_t frame_bytes;
    uint8_t dst[6], src[6];
    uint16_t vlan;                      /* 0: no tag. */
    bool udp;
    uint32_t ip_src, ip_dst;            /* Host order. */
    uint16_t port_src, port_dst;
};

/* The shortest frame that holds a probe. */
uint32_t probe_frame_bytes_min(bool udp, bool vlan);

/* Writes the headers and a payload of zeros into 'frame', which has room for
 * frame_bytes.  Returns where its probe belongs. */
uint32_t probe_frame_build(const struct probe_frame *, uint8_t *frame);

/* Where the UDP source port is in a frame of this shape. */
uint32_t probe_port_src_offset(bool vlan);

void probe_encode(const struct probe *, uint8_t at[PROBE_BYTES]);

/* Finds the probe in the first 'bytes' bytes of a frame.  False if it is not
 * one of ours. */
bool probe_decode(const uint8_t *frame, size_t bytes, struct probe *);

#endif /* probe.h */
