/* What parses must be a limit that can be, and what does not must leave the
 * result alone and say why. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qos/toolstack_rate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)
#define UNTOUCHED 0x5ca1ab1e5ca1ab1eull

typedef bool parse_func(const char *, struct qos_profile *,
                        char error[QOS_TEXT_BYTES]);

static void
check(parse_func *parse, const char *input)
{
    struct qos_profile profile = { UNTOUCHED, UNTOUCHED };
    char error[QOS_TEXT_BYTES];

    if (parse(input, &profile, error)) {
        CHECK(profile.rate_bps && !qos_profile_check(&profile));
        return;
    }
    CHECK(profile.rate_bps == UNTOUCHED && profile.burst_bytes == UNTOUCHED);

    const char *end = memchr(error, '\0', QOS_TEXT_BYTES);
    CHECK(end && end > error);
    for (const char *p = error; p < end; p++) {
        CHECK(*p >= ' ' && *p <= '~');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *input = malloc(size + 1);

    CHECK(input);
    memcpy(input, data, size);
    input[size] = '\0';
    check(qos_xen_rate_parse, input);
    check(qos_xapi_kbps_parse, input);
    free(input);
    return 0;
}
