#include "qos/rate_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qos/profile.h"

#define SHOWN_BYTES 33              /* Of the text, in an error. */
#define FRACTION_DIGITS_MAX 12      /* A Tbit's last bit. */

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, as formatting wants them.  "bit", "bit/s" and "bps" follow
 * the prefix. */
static const struct unit rate_prefixes[] = {
    { "T", 1000000000000ull },
    { "G", 1000000000ull },
    { "M", 1000000ull },
    { "k", 1000ull },
    { "", 1ull },
};

static const struct unit size_units[] = {
    { "GiB", 1ull << 30 },
    { "GB", 1000000000ull },
    { "MiB", 1ull << 20 },
    { "MB", 1000000ull },
    { "KiB", 1ull << 10 },
    { "kB", 1000ull },
    { "B", 1ull },
};

#define N_UNITS(UNITS) (sizeof(UNITS) / sizeof((UNITS)[0]))

/* A decimal number as written: whole + fraction / 10^digits. */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    unsigned int digits;
    bool too_large;                 /* 'whole' is above any use. */
    bool too_fine;                  /* Digits beyond 'fraction' are lost. */
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies 'text' into 'shown', cut and with '?' for what is no printable
 * ASCII: it may come from anybody and go to a terminal. */
static const char *
show(const char *text, char shown[SHOWN_BYTES])
{
    size_t i;

    for (i = 0; text[i] && i < SHOWN_BYTES - 1; i++) {
        bool printable = text[i] >= ' ' && text[i] <= '~';
        shown[i] = printable ? text[i] : '?';
    }
    shown[i] = '\0';
    if (text[i]) {
        memcpy(&shown[SHOWN_BYTES - 4], "...", 4);
    }
    return shown;
}

/* Reads a number without sign or exponent and returns what follows it, past
 * one space if there is one, or null if there is no number. */
static const char *
read_decimal(const char *text, struct decimal *number)
{
    const char *p = text;

    *number = (struct decimal) { 0 };
    if (!is_digit(*p)) {
        return NULL;
    }
    for (; is_digit(*p); p++) {
        if (number->whole > QOS_RATE_MAX_BPS) {
            number->too_large = true;
        } else {
            number->whole = number->whole * 10 + (*p - '0');
        }
    }
    if (*p == '.') {
        p++;
        if (!is_digit(*p)) {
            return NULL;
        }
        for (; is_digit(*p); p++) {
            if (number->digits < FRACTION_DIGITS_MAX) {
                number->fraction = number->fraction * 10 + (*p - '0');
                number->digits++;
            } else if (*p != '0') {
                number->too_fine = true;
            }
        }
    }
    return *p == ' ' ? p + 1 : p;
}

/* Sets '*value' to 'number' times 'factor'.  Returns false if that is no
 * whole number; a value above 64 bits comes out as UINT64_MAX. */
static bool
scale(const struct decimal *number, uint64_t factor, uint64_t *value)
{
    unsigned __int128 part = (unsigned __int128) number->fraction * factor;

    if (number->too_fine) {
        return false;
    }
    for (unsigned int i = 0; i < number->digits; i++) {
        if (part % 10) {
            return false;
        }
        part /= 10;
    }

    unsigned __int128 sum = (unsigned __int128) number->whole * factor + part;
    *value = sum < UINT64_MAX ? (uint64_t) sum : UINT64_MAX;
    return true;
}

/* Returns the factor of the rate unit 'name', 0 if there is no such unit. */
static uint64_t
rate_factor(const char *name)
{
    for (size_t i = 0; i < N_UNITS(rate_prefixes); i++) {
        const struct unit *prefix = &rate_prefixes[i];
        size_t length = strlen(prefix->name);

        if (!strncmp(name, prefix->name, length)) {
            const char *rest = name + length;
            if (!strcmp(rest, "bit") || !strcmp(rest, "bit/s")
                || !strcmp(rest, "bps")) {
                return prefix->factor;
            }
        }
    }
    return 0;
}

static uint64_t
size_factor(const char *name)
{
    for (size_t i = 0; i < N_UNITS(size_units); i++) {
        if (!strcmp(name, size_units[i].name)) {
            return size_units[i].factor;
        }
    }
    return 0;
}

bool
qos_rate_parse(const char *text, uint64_t *rate_bps,
               char error[QOS_TEXT_BYTES])
{
    char shown[SHOWN_BYTES];
    struct decimal number;
    uint64_t factor, value;
    const char *unit = read_decimal(text, &number);

    error[0] = '\0';
    show(text, shown);
    if (!unit) {
        snprintf(error, QOS_TEXT_BYTES,
                 "\"%s\" is not a rate: write a number and its unit, "
                 "for example 100Mbit or 1.5Gbit", shown);
        return false;
    }
    if (!*unit) {
        snprintf(error, QOS_TEXT_BYTES,
                 "rate \"%s\" has no unit: write bit, kbit, Mbit or Gbit "
                 "behind it, for example 100Mbit", shown);
        return false;
    }

    factor = rate_factor(unit);
    if (!factor) {
        bool bytes = strchr(unit, 'B') != NULL;
        snprintf(error, QOS_TEXT_BYTES,
                 bytes ? "rate \"%s\" is in bytes: write bits per second, "
                         "for example 800Mbit for 100 million bytes"
                       : "rate \"%s\" has an unknown unit: write bit, kbit, "
                         "Mbit or Gbit, for example 100Mbit", shown);
        return false;
    }
    if (!number.whole && !number.fraction && !number.too_fine) {
        snprintf(error, QOS_TEXT_BYTES,
                 "rate \"%s\" would stop all traffic: write at least 8kbit, "
                 "or remove the limit", shown);
        return false;
    }
    if (!scale(&number, factor, &value)) {
        snprintf(error, QOS_TEXT_BYTES,
                 "rate \"%s\" is no whole number of bits per second: "
                 "write fewer decimals", shown);
        return false;
    }
    if (number.too_large || value < QOS_RATE_MIN_BPS
        || value > QOS_RATE_MAX_BPS) {
        snprintf(error, QOS_TEXT_BYTES,
                 "rate \"%s\" is out of range: write 8kbit to 400Gbit",
                 shown);
        return false;
    }

    *rate_bps = value;
    return true;
}

bool
qos_burst_parse(const char *text, uint64_t *burst_bytes,
                char error[QOS_TEXT_BYTES])
{
    char shown[SHOWN_BYTES];
    struct decimal number;
    uint64_t factor, value;
    const char *unit = read_decimal(text, &number);

    error[0] = '\0';
    show(text, shown);
    if (!unit) {
        snprintf(error, QOS_TEXT_BYTES,
                 "\"%s\" is not a size: write a number and its unit, "
                 "for example 64KiB", shown);
        return false;
    }
    if (!*unit) {
        snprintf(error, QOS_TEXT_BYTES,
                 "size \"%s\" has no unit: write B, kB (1000) or KiB (1024) "
                 "behind it, for example 64KiB", shown);
        return false;
    }

    factor = size_factor(unit);
    if (!factor) {
        snprintf(error, QOS_TEXT_BYTES,
                 "size \"%s\" has an unknown unit: write B, kB (1000), "
                 "KiB (1024), MB or MiB, for example 64KiB", shown);
        return false;
    }
    if (!scale(&number, factor, &value)) {
        snprintf(error, QOS_TEXT_BYTES,
                 "size \"%s\" is no whole number of bytes: "
                 "write fewer decimals", shown);
        return false;
    }
    if (number.too_large || value < QOS_BURST_MIN_BYTES
        || value > QOS_BURST_MAX_BYTES) {
        snprintf(error, QOS_TEXT_BYTES,
                 "size \"%s\" is out of range: write 1514B (one frame) "
                 "to 1GiB", shown);
        return false;
    }

    *burst_bytes = value;
    return true;
}

/* Writes 'value' in the first of 'units' that divides it, then 'suffix'. */
static void
format(uint64_t value, const struct unit *units, size_t n_units,
       const char *suffix, char text[QOS_TEXT_BYTES])
{
    size_t i = 0;

    while (i < n_units - 1 && (!value || value % units[i].factor)) {
        i++;
    }
    snprintf(text, QOS_TEXT_BYTES, "%" PRIu64 "%s%s",
             value / units[i].factor, units[i].name, suffix);
}

void
qos_rate_format(uint64_t rate_bps, char text[QOS_TEXT_BYTES])
{
    format(rate_bps, rate_prefixes, N_UNITS(rate_prefixes), "bit", text);
}

void
qos_burst_format(uint64_t burst_bytes, char text[QOS_TEXT_BYTES])
{
    format(burst_bytes, size_units, N_UNITS(size_units), "", text);
}
