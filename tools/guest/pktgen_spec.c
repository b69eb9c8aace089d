#include "tools/guest/pktgen_spec.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qos/rate_text.h"
#include "tools/guest/probe.h"

#define VALUE_BYTES 64
#define PPS_MAX 1e9
#define SECONDS_MAX (365.0 * 86400)
#define FRAME_BYTES_MIN 60u
#define FRAME_BYTES_MAX 65535u

__attribute__((format(printf, 2, 3)))
static bool
fail(char error[SPEC_ERROR_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, SPEC_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

static bool
parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    char *end;

    if (*text < '0' || *text > '9') {
        return false;
    }
    unsigned long long n = strtoull(text, &end, 10);
    if (*end || n < min || n > max) {
        return false;
    }
    *value = n;
    return true;
}

/* A positive decimal number; what follows it begins at '*end'. */
static bool
parse_decimal(const char *text, double max, double *value, const char **end)
{
    size_t n = strspn(text, "0123456789.");
    char digits[VALUE_BYTES];
    char *stop;

    if (!n || n >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    *value = strtod(digits, &stop);
    *end = text + n;
    return !*stop && *value > 0 && *value <= max;
}

static bool
parse_mac(const char *text, uint8_t mac[6])
{
    unsigned int b[6];
    int n = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
               &b[4], &b[5], &n) != 6 || text[n] || n != 17) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        mac[i] = b[i];
    }
    return true;
}

static bool
parse_ip(const char *text, uint32_t *ip)
{
    struct in_addr in;

    if (inet_pton(AF_INET, text, &in) != 1) {
        return false;
    }
    *ip = ntohl(in.s_addr);
    return true;
}

static bool
parse_ip6(const char *text, struct pktgen_spec *spec, uint8_t ip6[16])
{
    spec->ipv6 = true;
    return inet_pton(AF_INET6, text, ip6) == 1;
}

/* The place of 'word' in 'words', or -1. */
static int
parse_word(const char *word, const char *const words[], int n)
{
    int i = 0;

    while (i < n && strcmp(word, words[i])) {
        i++;
    }
    return i < n ? i : -1;
}

static bool
parse_type(const char *text, struct pktgen_spec *spec)
{
    static const char *const types[] = {
        [PKTGEN_UDP] = "udp", [PKTGEN_TCP] = "tcp", [PKTGEN_RAW] = "raw",
    };
    int type = parse_word(text, types, PKTGEN_RAW + 1);

    spec->type = type < 0 ? PKTGEN_UDP : type;
    return type >= 0;
}

static bool
parse_csum(const char *text, struct pktgen_spec *spec)
{
    static const char *const csums[] = {
        [PKTGEN_CSUM_DEFAULT] = "default", [PKTGEN_CSUM_NONE] = "none",
        [PKTGEN_CSUM_FULL] = "full", [PKTGEN_CSUM_BLANK] = "blank",
    };
    int csum = parse_word(text, csums, PKTGEN_CSUM_BLANK + 1);

    spec->csum = csum < 0 ? PKTGEN_CSUM_DEFAULT : csum;
    return csum >= 0;
}

static bool
parse_vary(const char *text, struct pktgen_spec *spec)
{
    static const char *const words[] = {
        [PKTGEN_VARY_PORT_SRC] = "port-src",
        [PKTGEN_VARY_PORT_DST] = "port-dst",
        [PKTGEN_VARY_PREFIX] = "prefix", [PKTGEN_VARY_ALL] = "all",
    };
    int vary = parse_word(text, words, PKTGEN_VARY_ALL + 1);

    spec->vary = vary < 0 ? PKTGEN_VARY_PORT_SRC : vary;
    return vary >= 0;
}

bool
pktgen_rate_parse(const char *text, struct pktgen_spec *spec,
                  char error[SPEC_ERROR_BYTES])
{
    char why[QOS_TEXT_BYTES];
    uint64_t rate_bps = 0;
    double rate_pps = 0;
    const char *unit;

    if (strcmp(text, "max")) {
        double scale = 0;

        if (parse_decimal(text, PPS_MAX, &rate_pps, &unit)) {
            scale = !strcmp(unit, "pps") ? 1
                    : !strcmp(unit, "kpps") ? 1e3
                    : !strcmp(unit, "Mpps") ? 1e6 : 0;
        }
        rate_pps *= scale;
        if ((!rate_pps || rate_pps > PPS_MAX)
            && !qos_rate_parse(text, &rate_bps, why)) {
            return fail(error, "rate=%s is neither \"max\", nor frames per "
                        "second (100kpps), nor a bit rate (%s)", text, why);
        }
    }
    spec->rate_bps = rate_bps;
    spec->rate_pps = rate_bps ? 0 : rate_pps;
    return true;
}

/* Sets 'value' of 'key'.  False with an empty 'error' if the value makes no
 * sense. */
static bool
set_key(struct pktgen_spec *spec, const char *key, const char *value,
        char error[SPEC_ERROR_BYTES])
{
    const char *end;
    uint64_t n;

    error[0] = '\0';
    if (!strcmp(key, "size")) {
        return parse_uint(value, 1, FRAME_BYTES_MAX, &n)
               && (spec->frame_bytes = n, true);
    } else if (!strcmp(key, "rate")) {
        return pktgen_rate_parse(value, spec, error);
    } else if (!strcmp(key, "count")) {
        return parse_uint(value, 1, PROBE_SEQUENCE_MAX, &spec->n_frames);
    } else if (!strcmp(key, "seconds")) {
        return parse_decimal(value, SECONDS_MAX, &spec->seconds, &end)
               && !*end;
    } else if (!strcmp(key, "dst")) {
        return parse_mac(value, spec->dst);
    } else if (!strcmp(key, "src")) {
        return parse_mac(value, spec->src) && !(spec->src[0] & 1)
               && (spec->has_src = true);
    } else if (!strcmp(key, "vlan")) {
        return parse_uint(value, 1, 4094, &n) && (spec->vlan = n, true);
    } else if (!strcmp(key, "type")) {
        return parse_type(value, spec);
    } else if (!strcmp(key, "csum")) {
        return parse_csum(value, spec);
    } else if (!strcmp(key, "gso")) {
        return parse_uint(value, 1, 65535, &n) && (spec->gso_bytes = n, true);
    } else if (!strcmp(key, "ip6-src")) {
        return parse_ip6(value, spec, spec->ip6_src);
    } else if (!strcmp(key, "ip6-dst")) {
        return parse_ip6(value, spec, spec->ip6_dst);
    } else if (!strcmp(key, "ip-src")) {
        return parse_ip(value, &spec->ip_src);
    } else if (!strcmp(key, "ip-dst")) {
        return parse_ip(value, &spec->ip_dst);
    } else if (!strcmp(key, "port-src")) {
        return parse_uint(value, 1, 65535, &n) && (spec->port_src = n, true);
    } else if (!strcmp(key, "port-dst")) {
        return parse_uint(value, 1, 65535, &n) && (spec->port_dst = n, true);
    } else if (!strcmp(key, "flows")) {
        return parse_uint(value, 1, 65535, &n) && (spec->n_flows = n, true);
    } else if (!strcmp(key, "vary")) {
        return parse_vary(value, spec);
    } else if (!strcmp(key, "id")) {
        return parse_uint(value, 0, 65535, &n)
               && (spec->id = n, spec->has_id = true);
    }
    return fail(error, "\"%s\" is not known; known are size, rate, count, "
                "seconds, dst, src, vlan, type, csum, gso, ip-src, ip-dst, "
                "ip6-src, ip6-dst, port-src, port-dst, flows, vary, id", key);
}

/* Calls 'set' for each "key=value" of 'text'. */
static bool
for_each_key(const char *text, void *spec,
             bool (*set)(void *, const char *, const char *, char *),
             char error[SPEC_ERROR_BYTES])
{
    while (*text) {
        size_t n = strcspn(text, ",");
        char pair[VALUE_BYTES];

        if (n >= sizeof pair) {
            return fail(error, "\"%.20s...\" is too long", text);
        }
        memcpy(pair, text, n);
        pair[n] = '\0';
        text += n + (text[n] == ',');

        char *value = strchr(pair, '=');
        if (!value) {
            return fail(error, "\"%s\" is not of the form key=value", pair);
        }
        *value++ = '\0';
        if (!set(spec, pair, value, error)) {
            return error[0] ? false
                            : fail(error, "%s=%s makes no sense there", pair,
                                   value);
        }
    }
    return true;
}

static bool
set_pktgen_key(void *spec, const char *key, const char *value, char *error)
{
    return set_key(spec, key, value, error);
}

static bool
is_zero_mac(const uint8_t mac[6])
{
    static const uint8_t zero[6];

    return !memcmp(mac, zero, sizeof zero);
}

uint32_t
pktgen_spec_head_bytes(const struct pktgen_spec *spec)
{
    uint32_t bytes = spec->vlan ? 18 : 14;

    if (spec->type != PKTGEN_RAW) {
        bytes += spec->ipv6 ? 40 : 20;
        bytes += spec->type == PKTGEN_TCP ? 20 : 8;
    }
    return bytes;
}

/* Do the parts of the specification fit each other? */
static bool
check(struct pktgen_spec *spec, char error[SPEC_ERROR_BYTES])
{
    if (is_zero_mac(spec->dst)) {
        return fail(error, "dst=MAC is missing: who shall get the frames?");
    }
    bool dst = spec->vary == PKTGEN_VARY_PORT_DST;
    uint32_t port = dst ? spec->port_dst : spec->port_src;
    if (port + spec->n_flows - 1 > UINT16_MAX) {
        return fail(error, "port-%s=%u,flows=%u goes beyond port 65535",
                    dst ? "dst" : "src", port, spec->n_flows);
    }
    if (spec->vary >= PKTGEN_VARY_PREFIX
        && (spec->type != PKTGEN_UDP || spec->ipv6 || spec->n_flows > 1)) {
        return fail(error, "vary=prefix and vary=all are for UDP over IPv4, "
                    "and without flows");
    }

    uint32_t min = pktgen_spec_head_bytes(spec) + PROBE_BYTES;
    min = min > FRAME_BYTES_MIN ? min : FRAME_BYTES_MIN;
    if (spec->frame_bytes < min) {
        return fail(error, "size=%u has no room for the headers and the "
                    "sequence number; at least %u", spec->frame_bytes, min);
    }
    if (spec->gso_bytes && spec->type != PKTGEN_TCP) {
        return fail(error, "gso=%u is for type=tcp", spec->gso_bytes);
    }
    if (spec->gso_bytes && spec->csum != PKTGEN_CSUM_DEFAULT
        && spec->csum != PKTGEN_CSUM_BLANK) {
        return fail(error, "gso=%u goes with csum=blank only",
                    spec->gso_bytes);
    }
    if (spec->csum == PKTGEN_CSUM_NONE
        && (spec->type == PKTGEN_TCP || spec->ipv6)) {
        return fail(error, "csum=none is for UDP over IPv4");
    }
    return true;
}

bool
pktgen_spec_parse(const char *text, struct pktgen_spec *spec,
                  char error[SPEC_ERROR_BYTES])
{
    *spec = (struct pktgen_spec) {
        .frame_bytes = 64,
        .ip_src = 0xc6120001,           /* 198.18.0.1, RFC 2544's range. */
        .ip_dst = 0xc6130001,           /* 198.19.0.1 */
        .ip6_src = { 0x20, 1, 0, 2, [15] = 1 },     /* RFC 5180's. */
        .ip6_dst = { 0x20, 1, 0, 2, [7] = 1, [15] = 1 },
        .port_src = 1024,
        .port_dst = 9,                  /* Discard. */
        .n_flows = 1,
    };
    if (!for_each_key(text, spec, set_pktgen_key, error)
        || !check(spec, error)) {
        return false;
    }
    if (spec->csum == PKTGEN_CSUM_DEFAULT) {
        spec->csum = spec->gso_bytes ? PKTGEN_CSUM_BLANK
                     : spec->type == PKTGEN_UDP && !spec->ipv6
                       ? PKTGEN_CSUM_NONE : PKTGEN_CSUM_FULL;
    }
    return true;
}

double
pktgen_spec_pps(const struct pktgen_spec *spec)
{
    return spec->rate_bps ? spec->rate_bps / (8.0 * spec->frame_bytes)
                          : spec->rate_pps;
}

static bool
set_sink_key(void *spec_, const char *key, const char *value, char *error)
{
    struct sink_spec *spec = spec_;
    const char *end;
    uint64_t n;

    error[0] = '\0';
    if (!strcmp(key, "seconds")) {
        return parse_decimal(value, SECONDS_MAX, &spec->seconds, &end)
               && !*end;
    } else if (!strcmp(key, "count")) {
        return parse_uint(value, 1, UINT64_MAX, &spec->n_frames);
    } else if (!strcmp(key, "interval-ms")) {
        return parse_uint(value, 10, 60000, &n)
               && (spec->interval_ms = n, true);
    } else if (!strcmp(key, "verify")) {
        return parse_uint(value, 0, 1, &n) && (spec->verify = n, true);
    }
    return fail(error, "\"%s\" is not known; known are seconds, count, "
                "interval-ms, verify", key);
}

bool
sink_spec_parse(const char *text, struct sink_spec *spec,
                char error[SPEC_ERROR_BYTES])
{
    *spec = (struct sink_spec) { .interval_ms = 1000 };
    return !text || for_each_key(text, spec, set_sink_key, error);
}
