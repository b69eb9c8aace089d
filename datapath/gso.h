/* Cuts a TCP frame of up to 64 KiB into the frames that go on the wire, one
 * after the other: copies, renumbers, and sums what is still in the cache.
 *
 * DPDK 22.11's librte_gso does not know TCP over IPv6, and what it makes are
 * chains of mbufs, which OVS 3.1 does not take; hence this.
 *
 * Thread: one at a time per struct gso.   Owner: the caller's memory.
 * Errors: none; the frame was judged by vif_offload_judge().
 * Trust:  the frame is private and must stay as it is until the end. */

#ifndef DATAPATH_GSO_H
#define DATAPATH_GSO_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/headers.h"

struct gso {
    const uint8_t *frame;               /* Null: nothing is under way. */
    struct headers headers;
    uint32_t mss_bytes;                 /* Payload of a segment. */
    uint32_t next;                      /* Offset of payload to come. */
    uint16_t index;                     /* Of the next segment. */
};

/* Begins.  'mss_bytes' is not 0; 'headers' are TCP's of 'frame'. */
void gso_begin(struct gso *, const uint8_t *frame, const struct headers *,
               uint32_t mss_bytes);

/* Is there a segment left? */
static inline bool
gso_more(const struct gso *gso)
{
    return gso->frame != NULL;
}

/* Writes the next segment to 'out', whose room is at least gso_frame_bytes();
 * its checksum is left blank if 'blank'.  Returns its bytes, and its headers
 * in '*headers'. */
uint32_t gso_next(struct gso *, uint8_t *out, bool blank,
                  struct headers *headers);

/* As if only 'n' segments had been made since it was '*before'. */
void gso_rewind(struct gso *, const struct gso *before, unsigned int n);

/* Bytes of a whole segment's frame. */
static inline uint32_t
gso_frame_bytes(const struct headers *headers, uint32_t mss_bytes)
{
    return headers->payload_offset + mss_bytes;
}

/* A segment's payload for a wire that takes frames of 'room_bytes': what the
 * sender said, 0 if it did not, but in no case more than there is room for
 * behind the headers.  0: there is none. */
static inline uint32_t
gso_fit(const struct headers *headers, uint32_t said_bytes,
        uint32_t room_bytes)
{
    uint32_t payload_bytes = room_bytes > headers->payload_offset
                             ? room_bytes - headers->payload_offset : 0;

    return said_bytes && said_bytes < payload_bytes ? said_bytes
                                                    : payload_bytes;
}

/* Into how many frames 'payload_bytes' go. */
static inline uint32_t
gso_segments(uint32_t payload_bytes, uint32_t mss_bytes)
{
    return mss_bytes && payload_bytes > mss_bytes
           ? (payload_bytes - 1) / mss_bytes + 1 : 1;
}

#endif /* datapath/gso.h */
