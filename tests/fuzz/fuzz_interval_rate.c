/* What parses is no limit or one in range, and means what it says; what does
 * not leaves the result alone and says why. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qos/interval_rate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)

static void
check_meaning(const char *input, const struct qos_profile *profile)
{
    unsigned __int128 bytes = strtoull(input, NULL, 10);
    unsigned __int128 usec = strtoull(strchr(input, ',') + 1, NULL, 10);

    CHECK(!qos_profile_check(profile));
    CHECK(!profile->rate_bps == !bytes);
    if (bytes) {
        CHECK(profile->rate_bps * usec <= bytes * 8000000);
        CHECK((profile->rate_bps + (unsigned __int128) 1) * usec
              > bytes * 8000000);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qos_profile profile = { 1, 2 };
    char error[QOS_TEXT_BYTES];
    char *input = malloc(size + 1);

    CHECK(input);
    memcpy(input, data, size);
    input[size] = '\0';
    if (qos_interval_rate_parse(input, &profile, error)) {
        CHECK(!error[0]);
        check_meaning(input, &profile);
    } else {
        CHECK(profile.rate_bps == 1 && profile.burst_bytes == 2);
        CHECK(error[0] && memchr(error, '\0', sizeof error));
        for (const char *p = error; *p; p++) {
            CHECK(*p >= ' ' && *p <= '~');
        }
    }
    free(input);
    return 0;
}
