/* Any bytes as a frame for --sink, and any text as a specification for
 * --pktgen and --sink. */

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guest/offload.h"
#include "tools/guest/packet.h"
#include "tools/guest/pktgen_spec.h"
#include "tools/guest/probe.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/template.h"
#include "tools/guest/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct verify v;

/* The sink looks at any frame. */
static void
verify(const uint8_t *data, size_t bytes)
{
    struct rx_frame frame = { .n_iov = 1 };

    if (bytes && bytes <= UINT16_MAX) {
        frame.iov[0].iov_base = memcpy(malloc(bytes), data, bytes);
        frame.iov[0].iov_len = frame.bytes = bytes;
        frame.offload.csum_blank = bytes & 1;
        verify_frame(&v, &frame);
        free(frame.iov[0].iov_base);
    }
}

/* The sink finds nothing wrong with what a generator makes. */
static void
generate(const struct pktgen_spec *spec)
{
    static const struct offload_set all = { true, true, true, true, true };
    static const uint8_t src[6] = { 2 };
    const struct probe probe = { .sequence = 12345 };
    struct rx_frame frame = { .n_iov = 1, .bytes = spec->frame_bytes };
    struct template t;

    template_init(&t, spec, src);
    assert(template_offload(&t, &all, &frame.offload));
    frame.iov[0].iov_base = malloc(frame.bytes);
    frame.iov[0].iov_len = frame.bytes;
    template_write(&t, &probe, &frame.offload, frame.iov, 1);
    memset(&v, 0, sizeof v);
    assert(!verify_frame(&v, &frame));
    assert(!v.n_bad_length && !v.n_bad_checksum && !v.n_bad_content);
    assert(v.n_contents == 1);
    free(frame.iov[0].iov_base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[SPEC_ERROR_BYTES] = "";
    struct pktgen_spec spec;
    struct sink_spec sink;
    struct packet packet;
    struct probe probe;

    packet_parse(data, bytes, &packet);
    if (probe_decode(data, bytes, &packet, &probe)) {
        assert(bytes >= 14 + PROBE_BYTES);
        assert(probe.sequence <= PROBE_SEQUENCE_MAX);
    }
    verify(data, bytes);

    char *text = malloc(bytes + 1);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    if (pktgen_spec_parse(text, &spec, error)) {
        assert(spec.frame_bytes >= 60 && spec.frame_bytes <= 65535);
        assert(spec.vlan <= 4094 && spec.n_flows);
        assert(isfinite(pktgen_spec_pps(&spec)));
        assert(pktgen_spec_pps(&spec) >= 0);
        assert(spec.frame_bytes >= pktgen_spec_head_bytes(&spec)
                                   + PROBE_BYTES);
        assert(pktgen_spec_head_bytes(&spec) <= TEMPLATE_HEAD_BYTES);
        assert(spec.csum != PKTGEN_CSUM_DEFAULT);
        generate(&spec);
    } else {
        assert(error[0] && strlen(error) < sizeof error);
    }
    if (sink_spec_parse(text, &sink, error)) {
        assert(sink.interval_ms >= 10 && sink.seconds >= 0);
    }
    free(text);
    return 0;
}
