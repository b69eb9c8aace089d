#include "datapath/gso.h"

#include <string.h>

#include "datapath/csum.h"

#define TCP_SEQ 4u                      /* Offsets in TCP's header. */
#define TCP_FLAGS 13u
#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

static void
put_be16(uint8_t *p, uint32_t value)
{
    p[0] = value >> 8;
    p[1] = value;
}

static uint32_t
be32(const uint8_t *p)
{
    return headers_be16(p) << 16 | headers_be16(p + 2);
}

static void
put_be32(uint8_t *p, uint32_t value)
{
    put_be16(p, value >> 16);
    put_be16(p + 2, value);
}

void
gso_begin(struct gso *gso, const uint8_t *frame,
          const struct headers *headers, uint32_t mss_bytes)
{
    *gso = (struct gso) {
        .frame = frame,
        .headers = *headers,
        .mss_bytes = mss_bytes,
        .next = headers->payload_offset,
    };
}

/* Makes the copied headers of segment 'gso->index' its own. */
static void
renumber(const struct gso *gso, uint8_t *out, const struct headers *h,
         bool last)
{
    uint8_t *ip = out + h->l3_offset;
    uint8_t *tcp = out + h->l4_offset;

    if (h->ip_version == 4) {
        put_be16(ip + 2, h->end - h->l3_offset);
        put_be16(ip + 4, headers_be16(ip + 4) + gso->index);
        csum_fill_ipv4(out, h);
    } else {
        put_be16(ip + 4, h->end - h->l3_offset - 40);
    }

    put_be32(tcp + TCP_SEQ, be32(tcp + TCP_SEQ) + gso->next
                            - gso->headers.payload_offset);
    if (!last) {
        tcp[TCP_FLAGS] &= ~(TCP_FIN | TCP_PSH);
    }
    if (gso->index) {
        tcp[TCP_FLAGS] &= ~TCP_CWR;     /* RFC 3168: once. */
    }
}

uint32_t
gso_next(struct gso *gso, uint8_t *out, bool blank, struct headers *h)
{
    uint32_t left = gso->headers.end - gso->next;
    bool last = left <= gso->mss_bytes;
    uint32_t payload_bytes = last ? left : gso->mss_bytes;

    *h = gso->headers;
    h->end = h->payload_offset + payload_bytes;
    memcpy(out, gso->frame, h->payload_offset);
    memcpy(out + h->payload_offset, gso->frame + gso->next, payload_bytes);
    renumber(gso, out, h, last);
    if (blank) {
        csum_blank(out, h);
    } else {
        csum_fill(out, h);
    }

    gso->next += payload_bytes;
    gso->index++;
    if (last) {
        gso->frame = NULL;
    }
    return h->end;
}

void
gso_rewind(struct gso *gso, const struct gso *before, unsigned int n)
{
    *gso = *before;
    gso->next += n * gso->mss_bytes;
    gso->index += n;
}
