/* Holds received frames against what a generator must have sent: lengths,
 * checksums, contents, and for TCP, whose frames may arrive whole or in
 * segments, that no byte of a stream is missing.
 *
 * Thread: one at a time.  Pure, but for its memory.
 * Owner:  the caller's, of struct verify.
 * Trust:  any frame; the number of streams told apart is bounded. */

#ifndef GUEST_VERIFY_H
#define GUEST_VERIFY_H 1

#include <stdbool.h>
#include <stdint.h>

#define VERIFY_STREAMS_MAX 1024u        /* A power of 2. */
#define VERIFY_KEY_BYTES 36u            /* IPv6 addresses, ports. */

struct packet;
struct rx_frame;

/* One direction of a TCP connection. */
struct verify_stream {
    bool used;
    uint8_t key[VERIFY_KEY_BYTES];
    uint64_t first, next;               /* Positions, beyond 32 bits. */
    uint64_t n_bytes;
};

struct verify {
    uint64_t n_bad_length;
    uint64_t n_bad_checksum;
    uint64_t n_bad_content;
    uint64_t n_checksums;               /* That were there to be checked. */
    uint64_t n_contents;                /* Frames whose contents were. */
    uint64_t n_segments;                /* TCP without a probe of its own. */
    uint64_t n_tcp_reordered;           /* Behind a later one, or doubled. */
    uint64_t n_untold;                  /* Of too many streams. */
    struct verify_stream streams[VERIFY_STREAMS_MAX];
    uint8_t frame[65536];               /* Private copy. */
};

/* True if the frame is a part of a known stream without a probe in it. */
bool verify_frame(struct verify *, const struct rx_frame *);

/* TCP bytes between the first and the last of each stream that never came. */
uint64_t verify_lost_bytes(const struct verify *);

#endif /* verify.h */
