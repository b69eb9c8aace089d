/* The mark that --pktgen leaves in each of its frames and --sink looks for,
 * in the first bytes of what UDP or TCP carries, or behind a local-experiment
 * EtherType: who sent it, its sequence number, and when.
 *
 * Thread: any.  Trust: probe_decode() takes any bytes. */

#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_BYTES 18u
#define PROBE_SEQUENCE_MAX ((1ull << 48) - 1)
#define PROBE_MAGIC 0x4e44              /* "ND" */
#define PROBE_ETHERTYPE 0x88b5          /* IEEE 802's local experiment 1. */

struct packet;

struct probe {
    uint16_t generator;
    uint64_t sequence;                  /* At most PROBE_SEQUENCE_MAX. */
    uint64_t sent_ns;                   /* CLOCK_MONOTONIC. */
};

void probe_encode(const struct probe *, uint8_t at[PROBE_BYTES]);

/* Where the probe or other payload of a frame of ours begins; 0 if the frame
 * is none. */
uint32_t probe_payload_at(const struct packet *);

/* Finds the probe in the first 'bytes' bytes of a frame.  False if it is not
 * one of ours. */
bool probe_decode(const uint8_t *head, size_t bytes, const struct packet *,
                  struct probe *);

#endif /* probe.h */
