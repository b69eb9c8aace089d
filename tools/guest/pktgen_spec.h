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
    PKTGEN_UDP,                         /* IPv4, UDP without checksum. */
    PKTGEN_RAW,                         /* A local-experiment EtherType. */
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
    uint32_t ip_src, ip_dst;            /* Host order. */
    uint16_t port_src, port_dst;
    uint32_t n_flows;                   /* Source ports used in turn. */
    uint16_t id;                        /* Of the generator. */
    bool has_id;
};

/* Parses "key=value,key=value".  'dst' is required. */
bool pktgen_spec_parse(const char *text, struct pktgen_spec *,
                       char error[SPEC_ERROR_BYTES]);

/* Parses the value of "rate" alone: "max", "100kpps", "100Mbit". */
bool pktgen_rate_parse(const char *text, struct pktgen_spec *,
                       char error[SPEC_ERROR_BYTES]);

/* The rate in frames per second; 0: as fast as it goes. */
double pktgen_spec_pps(const struct pktgen_spec *);

struct sink_spec {
    double seconds;                     /* From the first frame; 0: no end. */
    uint64_t n_frames;                  /* 0: no end. */
    uint32_t interval_ms;               /* Of the series over time. */
};

/* Parses "key=value,key=value"; null or "" is all defaults. */
bool sink_spec_parse(const char *text, struct sink_spec *,
                     char error[SPEC_ERROR_BYTES]);

#endif /* pktgen_spec.h */
