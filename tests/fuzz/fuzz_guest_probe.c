/* Any bytes as a frame for --sink, and any text as a specification for
 * --pktgen and --sink. */

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guest/pktgen_spec.h"
#include "tools/guest/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[SPEC_ERROR_BYTES] = "";
    struct pktgen_spec spec;
    struct sink_spec sink;
    struct probe probe;

    if (probe_decode(data, bytes, &probe)) {
        assert(bytes >= 14 + PROBE_BYTES);
        assert(probe.sequence <= PROBE_SEQUENCE_MAX);
    }

    char *text = malloc(bytes + 1);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    if (pktgen_spec_parse(text, &spec, error)) {
        assert(spec.frame_bytes >= 60 && spec.frame_bytes <= 65535);
        assert(spec.vlan <= 4094 && spec.n_flows);
        assert(isfinite(pktgen_spec_pps(&spec)));
        assert(pktgen_spec_pps(&spec) >= 0);
    } else {
        assert(error[0] && strlen(error) < sizeof error);
    }
    if (sink_spec_parse(text, &sink, error)) {
        assert(sink.interval_ms >= 10 && sink.seconds >= 0);
    }
    free(text);
    return 0;
}
