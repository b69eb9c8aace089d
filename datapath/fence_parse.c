#include "datapath/fence.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES 52                  /* Longest IPv6 address and "/128". */
#define SHOWN_BYTES 40

/* Writes a sentence into 'error'; always false, for the caller to return. */
static bool __attribute__((format(printf, 2, 3)))
refuse(char error[FENCE_ERROR_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, FENCE_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

/* Copies 'bytes' of 'text' into 'shown', cut and with '?' for what is no
 * printable ASCII: it comes from xenstore and goes to a log. */
static const char *
show(const char *text, size_t bytes, char shown[SHOWN_BYTES])
{
    size_t n = bytes < SHOWN_BYTES - 1 ? bytes : SHOWN_BYTES - 1;

    for (size_t i = 0; i < n; i++) {
        bool printable = text[i] >= ' ' && text[i] <= '~';
        shown[i] = printable ? text[i] : '?';
    }
    shown[n] = '\0';
    return shown;
}

/* Finds the next word in '*text' and moves '*text' past it.  Returns its
 * length, 0 if there are no more. */
static size_t
next_word(const char **text, const char **word)
{
    size_t bytes;

    *word = *text + strspn(*text, " ");
    bytes = strcspn(*word, " ");
    *text = *word + bytes;
    return bytes;
}

static bool
parse_checks(const char *text, struct fence *fence,
             char error[FENCE_ERROR_BYTES])
{
    const char *word;
    size_t bytes;

    while ((bytes = next_word(&text, &word)) != 0) {
        if (bytes == 3 && !memcmp(word, "mac", 3)) {
            fence->check_mac = true;
        } else if (bytes == 3 && !memcmp(word, "arp", 3)) {
            fence->check_arp = true;
        } else if (bytes == 2 && !memcmp(word, "ip", 2)) {
            fence->check_ip = true;
        } else {
            char shown[SHOWN_BYTES];
            return refuse(error, "unknown anti-spoof check \"%s\": "
                          "write mac, arp, ip or several of them",
                          show(word, bytes, shown));
        }
    }
    return true;
}

static int
hex_digit(char c)
{
    return (c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
            : -1);
}

static bool
parse_mac(const char *text, uint8_t mac[6], char error[FENCE_ERROR_BYTES])
{
    static const uint8_t zero[6];
    char shown[SHOWN_BYTES];
    const char *p = text;

    for (int i = 0; i < 6; i++) {
        int high = hex_digit(p[0]);
        int low = high < 0 ? -1 : hex_digit(p[1]);

        if (low < 0 || p[2] != (i < 5 ? ':' : '\0')) {
            return refuse(error, "\"%s\" is not a MAC address: "
                          "write it like 00:16:3e:00:00:01",
                          show(text, strlen(text), shown));
        }
        mac[i] = high << 4 | low;
        p += 3;
    }
    if (mac[0] & 1 || !memcmp(mac, zero, 6)) {
        return refuse(error, "MAC address \"%s\" cannot be a sender's: write "
                      "a unicast one", show(text, strlen(text), shown));
    }
    return true;
}

/* Parses the prefix length "/N" at 'text', at most 'max'; -1 if it is none.
 * An empty text is 'max': a host. */
static int
parse_prefix(const char *text, int max)
{
    int bits = 0;

    if (!*text) {
        return max;
    }
    if (text[0] != '/' || !text[1] || strlen(text) > 4) {
        return -1;
    }
    for (const char *p = text + 1; *p; p++) {
        if (*p < '0' || *p > '9') {
            return -1;
        }
        bits = bits * 10 + (*p - '0');
    }
    return bits <= max ? bits : -1;
}

static bool
parse_address(const char *word, size_t bytes, struct fence_address *address,
              char error[FENCE_ERROR_BYTES])
{
    char shown[SHOWN_BYTES];
    char token[TOKEN_BYTES];
    int prefix = -1;

    show(word, bytes, shown);
    if (bytes < sizeof token) {
        memcpy(token, word, bytes);
        token[bytes] = '\0';

        char *slash = strchr(token, '/');
        char suffix[TOKEN_BYTES] = "";
        if (slash) {
            strcpy(suffix, slash);
            *slash = '\0';
        }

        address->v6 = strchr(token, ':') != NULL;
        if (inet_pton(address->v6 ? AF_INET6 : AF_INET, token,
                      address->bytes) == 1) {
            prefix = parse_prefix(suffix, address->v6 ? 128 : 32);
        }
    }
    if (prefix < 0) {
        return refuse(error, "\"%s\" is not an address: write it like "
                      "10.0.0.1, 10.0.0.0/24 or 2001:db8::/64", shown);
    }

    bool host_bits = false;
    for (int i = 0; i < 16; i++) {
        int bits = prefix - i * 8;

        address->mask[i] = (bits >= 8 ? 0xff
                            : bits <= 0 ? 0
                            : 0xff << (8 - bits) & 0xff);
        host_bits |= (address->bytes[i] & ~address->mask[i]) != 0;
    }
    if (host_bits) {
        return refuse(error, "\"%s\" has bits set behind its prefix: write "
                      "the host alone, or the network's own address", shown);
    }
    if (prefix > 0 && (address->v6 ? address->bytes[0] == 0xff
                       : (address->bytes[0] & 0xf0) == 0xe0)) {
        return refuse(error, "\"%s\" is multicast and no sender's address: "
                      "remove it", shown);
    }
    return true;
}

static bool
parse_addresses(const char *text, struct fence *fence,
                char error[FENCE_ERROR_BYTES])
{
    const char *word;
    size_t bytes;

    while ((bytes = next_word(&text, &word)) != 0) {
        if (fence->n_addresses == FENCE_ADDRESSES_MAX) {
            return refuse(error, "more than %d addresses: join some of them "
                          "to a prefix", FENCE_ADDRESSES_MAX);
        }
        if (!parse_address(word, bytes,
                           &fence->addresses[fence->n_addresses], error)) {
            return false;
        }
        fence->n_addresses++;
    }
    return true;
}

bool
fence_parse(const char *checks, const char *mac, const char *addresses,
            struct fence *fence, char error[FENCE_ERROR_BYTES])
{
    struct fence parsed = { 0 };

    error[0] = '\0';
    if (!parse_checks(checks, &parsed, error)) {
        return false;
    }

    /* Without a check nobody asks for the MAC. */
    bool any = parsed.check_mac || parsed.check_arp || parsed.check_ip;
    if ((any || mac[0]) && !parse_mac(mac, parsed.mac, error)) {
        return false;
    }
    if (!parse_addresses(addresses, &parsed, error)) {
        return false;
    }
    *fence = parsed;
    return true;
}
