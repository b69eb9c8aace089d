/* What a frame leaves to whoever takes it, in either direction: a checksum
 * to fill in, a TCP segment to cut; and which of that a side can take.
 *
 * Thread: any. */

#ifndef GUEST_OFFLOAD_H
#define GUEST_OFFLOAD_H 1

#include <stdbool.h>
#include <stdint.h>

/* One frame.  All zeros: whole, with its checksum, not yet checked. */
struct frame_offload {
    bool csum_blank;        /* The TCP or UDP checksum is still to fill in. */
    bool data_validated;    /* The data need no check. */
    uint8_t gso_type;       /* XEN_NETIF_GSO_TYPE_*. */
    uint16_t gso_bytes;     /* TCP payload of a segment; 0: no GSO. */
};

/* What one side takes. */
struct offload_set {
    bool sg;                /* Frames of several slots. */
    bool csum4, csum6;      /* Blank checksums, by IP version. */
    bool gso4, gso6;
};

#endif /* offload.h */
