/* What --pktgen and --sink are asked to do, as text.
 *
 * Thread: any.  Owner: nothing is allocated.
 * Errors: false and a sentence for a person in 'error'. */

#ifndef GUEST_PKTGEN_SPEC_H
#define GUEST_PKTGEN_SPEC_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEC_ERROR_BYTES 200

enum pktgen_type {
    PKTGEN_UDP,
    PKTGEN_TCP,
    PKTGEN_RAW,                         /* A local-experiment EtherType. */
};

enum pktgen_csum {
    PKTGEN_CSUM_DEFAULT,                /* As the type is mostly sent. */
    PKTGEN_CSUM_NONE,                   /* Zero: only for UDP over IPv4. */
    PKTGEN_CSUM_FULL,
    PKTGEN_CSUM_BLANK,                  /* Left to the backend. */
};

/* What tells flows apart. */
enum pktgen_vary {
    PKTGEN_VARY_PORT_SRC,               /* 'n_flows' of these in turn, */
    PKTGEN_VARY_PORT_DST,               /* or of these. */
    PKTGEN_VARY_PREFIX,                 /* Each frame: addresses and ports that
                                         * begin like those given; */
    PKTGEN_VARY_ALL,                    /* any. */
};

struct pktgen_spec {
    uint32_t frame_bytes;               /* L2, without FCS. */
    uint64_t rate_bps;                  /* One of the two rates, or */
    double rate_pps;                    /* neither: as fast as it goes. */
    uint64_t n_frames;                  /* 0: no end. */
    double seconds;                     /* 0: no end. */
    uint8_t dst[6];
    uint8_t src[6];
    bool has_src;                       /* Otherwise the vif's MAC. */
    uint16_t vlan;                      /* 0: no tag. */
    enum pktgen_type type;
    enum pktgen_csum csum;
    uint16_t gso_bytes;                 /* 0: no segmentation. */
    uint32_t ip_src, ip_dst;            /* Host order. */
    bool ipv6;                          /* Use these instead: */
    uint8_t ip6_src[16], ip6_dst[16];
    uint16_t port_src, port_dst;
    enum pktgen_vary vary;
    uint32_t n_flows;                   /* Ports used in turn. */
    uint16_t id;                        /* Of the generator. */
    bool has_id;
};

/* Parses "key=value,key=value".  'dst' is required. */
bool pktgen_spec_parse(const char *text, struct pktgen_spec *,
                       char error[SPEC_ERROR_BYTES]);

/* Bytes before the payload of such frames. */
uint32_t pktgen_spec_head_bytes(const struct pktgen_spec *);

/* Parses the value of "rate" alone: "max", "100kpps", "100Mbit". */
bool pktgen_rate_parse(const char *text, struct pktgen_spec *,
                       char error[SPEC_ERROR_BYTES]);

/* The rate in frames per second; 0: as fast as it goes. */
double pktgen_spec_pps(const struct pktgen_spec *);

struct sink_spec {
    double seconds;                     /* From the first frame; 0: no end. */
    uint64_t n_frames;                  /* 0: no end. */
    uint32_t interval_ms;               /* Of the series over time. */
    bool verify;                        /* Lengths, checksums, contents. */
};

/* Parses "key=value,key=value"; null or "" is all defaults. */
bool sink_spec_parse(const char *text, struct sink_spec *,
                     char error[SPEC_ERROR_BYTES]);

#endif /* pktgen_spec.h */
