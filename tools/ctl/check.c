#include "tools/ctl/check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_MAX 64
#define TARGET_MAX 256
#define IFACE_MAX 15                    /* IFNAMSIZ without the null. */

static bool __attribute__((format(printf, 2, 3)))
fail(char error[CHECK_ERROR_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, CHECK_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

/* isalnum() without a locale. */
static bool
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}

bool
check_name(const char *text, size_t max, char error[CHECK_ERROR_BYTES])
{
    size_t n = strlen(text);

    if (!n) {
        return fail(error, "is empty: give a name");
    }
    if (n > max) {
        return fail(error, "is too long: use at most %zu characters", max);
    }
    if (!is_plain(text[0])) {
        return fail(error, "must begin with a letter or a digit");
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_plain(text[i]) && !strchr("._-", text[i])) {
            return fail(error, "may hold letters, digits, '.', '_' and '-' "
                        "only");
        }
    }
    return true;
}

bool
check_guest(const char *text, char error[CHECK_ERROR_BYTES])
{
    size_t n = strlen(text);

    if (!n) {
        return fail(error, "is empty: give the guest's name in Xen");
    }
    if (n > GUEST_MAX) {
        return fail(error, "is too long: use at most %d characters",
                    GUEST_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = text[i];

        if (c <= ' ' || c >= 0x7f || strchr("/\\\"'`", c)) {
            return fail(error, "may hold printable ASCII only, without "
                        "spaces, slashes and quotes");
        }
    }
    if (!strncmp(text, "netdom-", 7)) {
        return fail(error, "is a tenant's own domain: give the name of a "
                    "guest");
    }
    return true;
}

bool
check_iface(const char *text, char error[CHECK_ERROR_BYTES])
{
    size_t n = strlen(text);

    if (!n || n > IFACE_MAX) {
        return fail(error, "is not a network device's name: use 1 to %d "
                    "characters", IFACE_MAX);
    }
    if (text[0] == '.' || text[0] == '-') {
        return fail(error, "is not a network device's name that can be used "
                    "here: begin with a letter or a digit");
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_plain(text[i]) && !strchr("._-@", text[i])) {
            return fail(error, "is not a network device's name that can be "
                        "used here: letters, digits, '.', '_', '-' and '@' "
                        "only");
        }
    }
    return true;
}

/* Reads between 'min' and 'max' hexadecimal digits; null if there are fewer
 * or more. */
static const char *
read_hex(const char *p, int min, int max, unsigned long *value)
{
    int n = 0;

    *value = 0;
    while (isxdigit((unsigned char) p[n])) {
        unsigned char c = p[n];

        if (++n > max) {
            return NULL;
        }
        *value = *value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n >= min ? p + n : NULL;
}

bool
check_pci(const char *text, char pci[CHECK_PCI_BYTES],
          char error[CHECK_ERROR_BYTES])
{
    unsigned long domain, bus, device, function;
    const char *p = read_hex(text, 4, 8, &domain);

    if (p && *p == ':') {
        p++;
    } else {
        p = text;
        domain = 0;
    }
    p = read_hex(p, 2, 2, &bus);
    p = p && *p == ':' ? read_hex(p + 1, 2, 2, &device) : NULL;
    p = p && *p == '.' ? read_hex(p + 1, 1, 1, &function) : NULL;
    if (!p || *p || device > 0x1f || function > 7) {
        return fail(error, "is not a PCI address: write it as lspci does, "
                    "0000:3b:02.1");
    }
    snprintf(pci, CHECK_PCI_BYTES, "%04lx:%02lx:%02lx.%lx",
             domain & 0xffffffff, bus & 0xff, device, function);
    return true;
}

bool
check_mac(const char *text, char mac[CHECK_MAC_BYTES],
          char error[CHECK_ERROR_BYTES])
{
    const char *p = text;
    uint8_t bytes[6], any = 0;

    for (int i = 0; i < 6; i++) {
        unsigned long byte = 0;

        if (i && p && *p++ != ':') {
            p = NULL;
        }
        p = p ? read_hex(p, 2, 2, &byte) : NULL;
        bytes[i] = byte;
        any |= bytes[i];
    }
    if (!p || *p) {
        return fail(error, "is not a MAC address: write six bytes, "
                    "00:16:3e:12:34:56");
    }
    if (bytes[0] & 1) {
        return fail(error, "is a multicast address: a VIF needs a unicast "
                    "one, its first byte even");
    }
    if (!any) {
        return fail(error, "is all zero: choose another, or leave mac= out "
                    "to get one made from the VIF's name");
    }
    snprintf(mac, CHECK_MAC_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x",
             bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
    return true;
}

/* True if a bit of 'bytes' behind the first 'prefix' is set. */
static bool
bits_behind(const uint8_t *bytes, int n_bytes, int prefix)
{
    for (int bit = prefix; bit < n_bytes * 8; bit++) {
        if (bytes[bit / 8] & (0x80 >> (bit % 8))) {
            return true;
        }
    }
    return false;
}

bool
check_address(const char *text, char address[CHECK_ADDRESS_BYTES],
              char error[CHECK_ERROR_BYTES])
{
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t) (slash - text) : strlen(text);
    char host[INET6_ADDRSTRLEN];
    int64_t prefix;
    uint8_t bytes[16];
    int family, bits;

    if (n >= sizeof host) {
        return fail(error, "is too long for an IP address");
    }
    memcpy(host, text, n);
    host[n] = '\0';
    family = strchr(host, ':') ? AF_INET6 : AF_INET;
    bits = family == AF_INET6 ? 128 : 32;
    if (inet_pton(family, host, bytes) != 1) {
        return fail(error, "is not an IP address: write 10.0.0.1, "
                    "10.0.0.0/24 or 2001:db8::1");
    }
    prefix = bits;
    if (slash && !check_integer(slash + 1, 0, bits, &prefix, error)) {
        return fail(error, "has no good prefix length: use 0 to %d", bits);
    }
    if (bits_behind(bytes, bits / 8, prefix)) {
        return fail(error, "has bits behind its prefix of %d: write the "
                    "address alone, or the network it stands for",
                    (int) prefix);
    }
    if (family == AF_INET6 ? bytes[0] == 0xff
                           : (bytes[0] & 0xf0) == 0xe0) {
        return fail(error, "is multicast, which nobody sends from: give a "
                    "unicast address");
    }
    inet_ntop(family, bytes, host, sizeof host);
    if (prefix < bits) {
        snprintf(address, CHECK_ADDRESS_BYTES, "%s/%d", host, (int) prefix);
    } else {
        snprintf(address, CHECK_ADDRESS_BYTES, "%s", host);
    }
    return true;
}

/* True if 'text' is a port, and nothing follows it. */
static bool
is_port(const char *text)
{
    char error[CHECK_ERROR_BYTES];
    int64_t port;

    return check_integer(text, 1, 65535, &port, error);
}

/* True if 'text' is "HOST", or "HOST:PORT". */
static bool
is_host_port(const char *text)
{
    bool ip6 = *text == '[';
    size_t n = ip6 ? strcspn(text, "]") : strcspn(text, ":[]");

    if (ip6) {
        if (n < 3 || !text[n]) {
            return false;
        }
        n++;
    }
    return n > 0 && (!text[n] || (text[n] == ':' && is_port(text + n + 1)));
}

/* True if 'text' is "", "PORT" or "PORT:HOST". */
static bool
is_port_host(const char *text)
{
    const char *colon = strchr(text, ':');
    char port[6];
    size_t n = colon ? (size_t) (colon - text) : strlen(text);

    if (n >= sizeof port) {
        return false;
    }
    memcpy(port, text, n);
    port[n] = '\0';
    return (!n || is_port(port)) && (!colon || is_host_port(colon + 1));
}

bool
check_target(const char *text, char error[CHECK_ERROR_BYTES])
{
    const char *rest = strchr(text, ':');
    size_t n = rest ? (size_t) (rest++ - text) : 0;
    bool listens = n && text[0] == 'p';
    const char *scheme = text + listens;
    bool good = false;

    n -= listens;
    if (strlen(text) > TARGET_MAX) {
        return fail(error, "is too long: use at most %d characters",
                    TARGET_MAX);
    }
    for (const char *p = text; *p; p++) {
        if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f) {
            return fail(error, "may hold printable ASCII only, without "
                        "spaces");
        }
    }
    if (n == 4 && !strncmp(scheme, "unix", n)) {
        good = *rest;
    } else if (n == 3
               && (!strncmp(scheme, "tcp", n) || !strncmp(scheme, "ssl", n))) {
        good = listens ? is_port_host(rest) : is_host_port(rest);
    }
    if (!good) {
        return fail(error, "is no OpenFlow controller: write "
                    "tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, ptcp:PORT to "
                    "listen for one, or unix:FILE");
    }
    return true;
}

bool
check_integer(const char *text, int64_t min, int64_t max, int64_t *value,
              char error[CHECK_ERROR_BYTES])
{
    int64_t total = 0;
    size_t n = 0;

    while (text[n] >= '0' && text[n] <= '9' && total <= max) {
        int digit = text[n++] - '0';

        total = total > (INT64_MAX - digit) / 10 ? INT64_MAX
                                                 : total * 10 + digit;
    }
    if (!n || (text[n] && total <= max)) {
        return fail(error, "is not a whole number: use %lld to %lld",
                    (long long int) min, (long long int) max);
    }
    if (total < min || total > max) {
        return fail(error, "is out of range: use %lld to %lld",
                    (long long int) min, (long long int) max);
    }
    *value = total;
    return true;
}

void
mac_from_name(const char *name, unsigned int attempt,
              char mac[CHECK_MAC_BYTES])
{
    /* FNV-1a: small, and the same for ever. */
    uint32_t hash = 2166136261u;

    for (const char *p = name; *p; p++) {
        hash = (hash ^ (uint8_t) *p) * 16777619u;
    }
    for (int i = 0; i < 4; i++) {
        hash = (hash ^ ((attempt >> (8 * i)) & 0xff)) * 16777619u;
    }
    hash ^= hash >> 24;
    snprintf(mac, CHECK_MAC_BYTES, "00:16:3e:%02x:%02x:%02x",
             (hash >> 16) & 0xff, (hash >> 8) & 0xff, hash & 0xff);
}

unsigned int
text_distance(const char *a, const char *b, unsigned int limit)
{
    enum { MAX = 64 };
    unsigned int rows[3][MAX + 1];      /* For a[i - 2], a[i - 1], a[i]. */
    size_t n_a = strlen(a), n_b = strlen(b);

    if (n_a > MAX || n_b > MAX) {
        return limit;
    }
    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        const unsigned int *before = rows[(i + 1) % 3];
        const unsigned int *last = rows[(i + 2) % 3];
        unsigned int *row = rows[i % 3];

        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned int best = last[j - 1] + (a[i - 1] != b[j - 1]);

            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[n_a % 3][n_b] < limit ? rows[n_a % 3][n_b] : limit;
}
