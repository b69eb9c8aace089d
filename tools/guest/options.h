/* netdom-guest's command line.
 *
 * Errors: a usage error is one line on stderr and exit status 2. */

#ifndef GUEST_OPTIONS_H
#define GUEST_OPTIONS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/frontend_keys.h"
#include "tools/guest/pktgen_spec.h"
#include "tools/guest/sink.h"
#include "tools/guest/tap.h"

#define OPTIONS_ADDRESSES_MAX 8

struct guest_options {
    const char *name;
    char *run_dir;
    char *xen_dir;
    uint32_t devid;
    struct frontend_options frontend;
    uint32_t busy_poll_us;

    struct tap_options tap;             /* 'name' null: no tap. */
    const char *addresses[OPTIONS_ADDRESSES_MAX];
    bool pktgen;
    struct pktgen_spec pktgen_spec;
    bool sink;
    struct sink_spec sink_spec;
    bool has_mac;
    uint8_t mac[6];

    bool json;
    const char *output;                 /* File for the report, or null. */
    char *unixctl;
};

void guest_options_parse(struct guest_options *, int argc, char *argv[]);
void guest_options_finish(struct guest_options *);

#endif /* options.h */
