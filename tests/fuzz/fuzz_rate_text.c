/* What parses must be in range, survive formatting and parsing again, and
 * what does not must leave the result alone and say why. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qos/profile.h"
#include "qos/rate_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)
#define UNTOUCHED 0x5ca1ab1e5ca1ab1eull

static void
check_error(const char error[QOS_TEXT_BYTES])
{
    const char *end = memchr(error, '\0', QOS_TEXT_BYTES);

    CHECK(end && end > error);
    for (const char *p = error; p < end; p++) {
        CHECK(*p >= ' ' && *p <= '~');
    }
}

static void
check_rate(const char *input)
{
    char error[QOS_TEXT_BYTES], text[QOS_TEXT_BYTES];
    uint64_t rate_bps = UNTOUCHED, again = UNTOUCHED;

    if (!qos_rate_parse(input, &rate_bps, error)) {
        CHECK(rate_bps == UNTOUCHED);
        check_error(error);
        return;
    }
    CHECK(rate_bps >= QOS_RATE_MIN_BPS && rate_bps <= QOS_RATE_MAX_BPS);
    qos_rate_format(rate_bps, text);
    CHECK(qos_rate_parse(text, &again, error) && again == rate_bps);
}

static void
check_burst(const char *input)
{
    char error[QOS_TEXT_BYTES], text[QOS_TEXT_BYTES];
    uint64_t burst_bytes = UNTOUCHED, again = UNTOUCHED;

    if (!qos_burst_parse(input, &burst_bytes, error)) {
        CHECK(burst_bytes == UNTOUCHED);
        check_error(error);
        return;
    }
    CHECK(burst_bytes >= QOS_BURST_MIN_BYTES);
    CHECK(burst_bytes <= QOS_BURST_MAX_BYTES);
    qos_burst_format(burst_bytes, text);
    CHECK(qos_burst_parse(text, &again, error) && again == burst_bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *input = malloc(size + 1);

    CHECK(input);
    memcpy(input, data, size);
    input[size] = '\0';
    check_rate(input);
    check_burst(input);
    free(input);
    return 0;
}
