#include "qos/toolstack_rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qos/interval_rate.h"

#define DEFAULT_USEC 50000u
#define SECOND_USEC UINT64_C(1000000)
#define XAPI_KB_BYTES 1024u
#define SHOWN_BYTES 32                  /* Of what was written. */

/* What can be printed of the beginning of 'text'. */
static void
show(const char *text, char shown[SHOWN_BYTES])
{
    size_t i;

    for (i = 0; text[i] && i < SHOWN_BYTES - 1; i++) {
        shown[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    }
    shown[i] = '\0';
}

/* Reads digits; a number that is too large is UINT64_MAX.  Null: there are
 * none. */
static const char *
read_digits(const char *p, uint64_t *number)
{
    const char *start = p;

    for (*number = 0; *p >= '0' && *p <= '9'; p++) {
        unsigned int digit = *p - '0';

        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX
                                                      : *number * 10 + digit;
    }
    return p > start ? p : NULL;
}

static bool
skip(const char **p, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*p, word, n)) {
        return false;
    }
    *p += n;
    return true;
}

/* What follows the rate in xl's form; nothing is 50 ms. */
static bool
read_interval(const char *p, uint64_t *usec)
{
    uint64_t unit_usec;

    *usec = DEFAULT_USEC;
    if (!*p) {
        return true;
    }
    if (!skip(&p, "@") || !(p = read_digits(p, usec))) {
        return false;
    }
    if (skip(&p, "us") || skip(&p, "u")) {
        unit_usec = 1;
    } else if (skip(&p, "ms") || skip(&p, "m")) {
        unit_usec = 1000;
    } else {
        skip(&p, "s");
        unit_usec = SECOND_USEC;
    }
    *usec = *usec > UINT32_MAX / unit_usec ? UINT64_MAX : *usec * unit_usec;
    return !*p;
}

/* The limit that a backend would be given as "BYTES,MICROSECONDS". */
static bool
finish(const char *shown, uint64_t bytes_per_s, uint64_t usec,
       struct qos_profile *profile, char error[QOS_TEXT_BYTES])
{
    unsigned __int128 bytes = (unsigned __int128) bytes_per_s * usec
                              / SECOND_USEC;
    char text[48], why[QOS_TEXT_BYTES];
    struct qos_profile found;

    if (usec && usec <= UINT32_MAX && bytes && bytes <= UINT32_MAX) {
        snprintf(text, sizeof text, "%" PRIu64 ",%" PRIu64, (uint64_t) bytes,
                 usec);
        if (qos_interval_rate_parse(text, &found, why)) {
            *profile = found;
            return true;
        }
    }
    snprintf(error, QOS_TEXT_BYTES, "\"%s\" is out of range: write 8 kbit/s to "
             "400 Gbit/s, and an interval in which one byte passes, but no "
             "more than 4 GiB", shown);
    return false;
}

bool
qos_xen_rate_parse(const char *text, struct qos_profile *profile,
                   char error[QOS_TEXT_BYTES])
{
    char shown[SHOWN_BYTES];
    uint64_t number, usec, factor;
    const char *p = read_digits(text, &number);

    error[0] = '\0';
    show(text, shown);
    if (!p) {
        goto malformed;
    }
    factor = (skip(&p, "G") ? 1000000000 : skip(&p, "M") ? 1000000
              : skip(&p, "K") ? 1000 : 1);

    bool bits = skip(&p, "b");
    if ((!bits && !skip(&p, "B")) || !skip(&p, "/s")
        || !read_interval(p, &usec)) {
        goto malformed;
    }
    if (number > UINT64_MAX / factor) {
        number = UINT64_MAX / factor;   /* Out of range all the same. */
    }
    return finish(shown, number * factor / (bits ? 8 : 1), usec, profile,
                  error);

malformed:
    snprintf(error, QOS_TEXT_BYTES, "\"%s\" is no rate of xl's: write it like "
             "10Mb/s (bits), 1MB/s (bytes) or 10Mb/s@20ms", shown);
    return false;
}

bool
qos_xapi_kbps_parse(const char *text, struct qos_profile *profile,
                    char error[QOS_TEXT_BYTES])
{
    char shown[SHOWN_BYTES];
    uint64_t number, usec = DEFAULT_USEC;
    const char *p = read_digits(text, &number);

    error[0] = '\0';
    show(text, shown);
    if (p && skip(&p, ",")) {
        p = read_digits(p, &usec);
    }
    if (!p || *p) {
        snprintf(error, QOS_TEXT_BYTES, "\"%s\" is no kbps of XAPI's: write a "
                 "whole number of units of 1024 bytes per second, like 1220 "
                 "for 10 Mbit/s", shown);
        return false;
    }
    if (number > UINT64_MAX / XAPI_KB_BYTES) {
        number = UINT64_MAX / XAPI_KB_BYTES;
    }
    return finish(shown, number * XAPI_KB_BYTES, usec, profile, error);
}
