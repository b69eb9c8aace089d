/* Checksums said to be blank where there is none to fill in. */

#include "tests/hostile/hostile.h"

#include <netinet/in.h>
#include <string.h>

#define BLANK (NETTXF_csum_blank | NETTXF_data_validated)

static int
settle(struct hostile *h)
{
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* A frame of which nobody can fill in a checksum. */
static uint8_t *
put(struct hostile *h, unsigned int i, uint16_t bytes)
{
    hostile_tx_frame(h, i, bytes)->flags = BLANK;
    hostile_expect(h, "tx_drop_checksum", 1, 1);
    return hostile_page(h, h->tx_pages[i % HOSTILE_SLOTS]);
}

static int
on_arp(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 50; i++) {
        static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
        uint8_t *arp = hostile_ethernet(h, put(h, i, 42), h->mac, 0x0806);

        memset(arp, 0, 28);
        memcpy(arp, head, sizeof head);
        memcpy(arp + 8, h->mac, 6);
    }
    return settle(h);
}

static int
on_fragments(struct hostile *h)
{
    static const uint16_t fields[] = { 0x2000, 0x2001, 0x0001, 0x1fff };

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 4; i++) {
        struct hostile_tcp lie = { .fragment = fields[i] };

        hostile_tcp_frame(h, put(h, i, 154), false, 100, &lie);
    }
    return settle(h);
}

/* Frames cut at every byte of their headers. */
static int
beyond_end(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 2; i++) {
        unsigned int headers = 14 + (i ? 40 : 20) + 20;

        for (unsigned int bytes = 14; bytes < headers; bytes++) {
            hostile_tcp_frame(h, put(h, bytes + i * 80, bytes), i, 0, NULL);
        }
    }
    return settle(h);
}

/* Lengths that go beyond the frame, or that are less than a header. */
static int
lengths(struct hostile *h)
{
    static const uint16_t claims[] = { 1, 19, 20, 39, 141, 1500, 65535 };

    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 7; i++) {
        struct hostile_tcp lie = { .ip_bytes = claims[i] };

        hostile_tcp_frame(h, put(h, i, 154), false, 100, &lie);
    }
    static const uint16_t claims6[] = { 1, 19, 121, 1500, 65535 };

    for (unsigned int i = 0; i < 5; i++) {
        struct hostile_tcp lie = { .ip_bytes = claims6[i] };

        hostile_tcp_frame(h, put(h, 10 + i, 174), true, 100, &lie);
    }
    return settle(h);
}

/* Every protocol but TCP and UDP, and UDP whose length is a lie. */
static int
protocols(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 1; i < 256; i++) {
        struct hostile_tcp lie = { .protocol = i };

        if (i == IPPROTO_TCP || i == IPPROTO_UDP) {
            continue;
        }
        if (hostile_tx_room(h, 1)) {
            return -1;
        }
        hostile_tcp_frame(h, put(h, i, 154), i & 1, i & 1 ? 80 : 100, &lie);
    }
    struct hostile_tcp udp = { .protocol = IPPROTO_UDP };
    if (hostile_tx_room(h, 1)) {
        return -1;
    }
    uint8_t *frame = put(h, 0, 154);
    hostile_tcp_frame(h, frame, false, 100, &udp);
    frame[14 + 20 + 4] = 0xff;
    return settle(h);
}

const struct hostile_attack hostile_csum[] = {
    { "csum_blank_on_arp", HOSTILE_DROPS, NULL,
      "says that the checksum of ARP is blank", on_arp, 1 },
    { "csum_blank_on_fragments", HOSTILE_DROPS, NULL,
      "says that the TCP checksum of fragments is blank", on_fragments, 1 },
    { "csum_blank_beyond_end", HOSTILE_DROPS, NULL,
      "cuts frames with blank checksums at every byte of their headers",
      beyond_end, 1 },
    { "csum_blank_lengths_disagree", HOSTILE_DROPS, NULL,
      "sends blank checksums under IP lengths that are not the frame's",
      lengths, 1 },
    { "csum_blank_on_every_protocol", HOSTILE_DROPS, NULL,
      "sends blank checksums with protocols that have none", protocols, 1 },
    { NULL },
};
