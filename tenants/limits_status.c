#include <config.h>

#include "tenants/limits_status.h"

#include <ctype.h>
#include <string.h>

#include "smap.h"
#include "util.h"

#define SOURCE_MAX 40

static bool
is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n && n < 20 && !text[n];
}

static bool
is_source(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char) text[n]) || text[n] == ' '
           || text[n] == '\'') {
        n++;
    }
    return n && n <= SOURCE_MAX && !text[n];
}

struct smap *
limits_in_force(const struct smap *status)
{
    static const struct {
        const char *key;
        bool (*is_good)(const char *);
    } known[] = {
        { "rate_bps", is_number }, { "burst_bytes", is_number },
        { "rate_pps", is_number }, { "min_rate_bps", is_number },
        { "weight", is_number }, { "source", is_source },
    };
    struct smap *limits = xmalloc(sizeof *limits);

    smap_init(limits);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(known); i++) {
        char *key = xasprintf("%s_%s", i % 2 ? "rx" : "tx", known[i / 2].key);
        const char *value = smap_get(status, key);

        if (value && known[i / 2].is_good(value)) {
            smap_add(limits, key, value);
        }
        free(key);
    }
    return limits;
}
