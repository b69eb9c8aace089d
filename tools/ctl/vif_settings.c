#include <config.h>

#include "tools/ctl/vif_settings.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tools/ctl/check.h"
#include "util.h"

#define ADDRESSES_MAX 32

static bool
canon_guest(struct ctl_context *ctx, const struct setting *setting,
            const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES];

    if (!check_guest(value, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    put_quoted(text, value);
    return true;
}

/* Calls 'put' for each word of 'value', which ',' and ' ' part, and joins
 * what it appends as a set. */
static bool
canon_words(struct ctl_context *ctx, const struct setting *setting,
            const char *value, struct ds *text,
            bool (*put)(struct ctl_context *, const struct setting *,
                        const char *word, struct ds *),
            int max_words)
{
    char *copy = xstrdup(value);
    char *save = NULL;
    int n = 0;
    bool ok = true;

    ds_put_char(text, '[');
    for (char *word = strtok_r(copy, ", ", &save); ok && word;
         word = strtok_r(NULL, ", ", &save)) {
        if (n++) {
            ds_put_char(text, ',');
        }
        ok = put(ctx, setting, word, text);
    }
    ds_put_char(text, ']');
    free(copy);
    if (ok && n > max_words) {
        ctl_error(ctx, "%s: %d are too many: give at most %d", setting->key,
                  n, max_words);
        ok = false;
    }
    return ok;
}

static bool
put_address(struct ctl_context *ctx, const struct setting *setting,
            const char *word, struct ds *text)
{
    char error[CHECK_ERROR_BYTES], address[CHECK_ADDRESS_BYTES];

    if (!check_address(word, address, error)) {
        ctl_error(ctx, "%s: \"%s\" %s", setting->key, word, error);
        return false;
    }
    put_quoted(text, address);
    return true;
}

static bool
canon_addresses(struct ctl_context *ctx, const struct setting *setting,
                const char *value, struct ds *text)
{
    return canon_words(ctx, setting, value, text, put_address, ADDRESSES_MAX);
}

static bool
put_anti_spoof(struct ctl_context *ctx, const struct setting *setting,
               const char *word, struct ds *text)
{
    if (strcmp(word, "mac") && strcmp(word, "arp") && strcmp(word, "ip")) {
        ctl_error(ctx, "%s: \"%s\" is no check: use mac, arp and ip, such as "
                  "anti_spoof=mac,arp,ip, or anti_spoof= for none",
                  setting->key, word);
        return false;
    }
    ds_put_cstr(text, word);
    return true;
}

static bool
canon_anti_spoof(struct ctl_context *ctx, const struct setting *setting,
                 const char *value, struct ds *text)
{
    return canon_words(ctx, setting, value, text, put_anti_spoof, 3);
}

/* One VLAN, or "10-20". */
static bool
put_vlans(struct ctl_context *ctx, const struct setting *setting,
          const char *word, struct ds *text)
{
    const char *dash = strchr(word, '-');
    char *first_word = dash ? xmemdup0(word, dash - word) : xstrdup(word);
    char error[CHECK_ERROR_BYTES];
    int64_t first, last;
    bool ok;

    ok = check_integer(first_word, setting->min, setting->max, &first, error);
    if (ok) {
        last = first;
        ok = !dash || check_integer(dash + 1, first, setting->max, &last,
                                    error);
    }
    free(first_word);
    if (!ok) {
        ctl_error(ctx, "%s: \"%s\" %s", setting->key, word, error);
        return false;
    }
    for (int64_t vlan = first; vlan <= last; vlan++) {
        ds_put_format(text, "%s%"PRId64, vlan > first ? "," : "", vlan);
    }
    return true;
}

static bool
canon_trunks(struct ctl_context *ctx, const struct setting *setting,
             const char *value, struct ds *text)
{
    return canon_words(ctx, setting, value, text, put_vlans, 4096);
}

const struct setting vif_settings[] = {
    { "guest", "guest", canon_guest, 0, 0, false },
    { "devid", "devid", canon_integer, 0, 65535, false },
    { "mac", "mac", canon_mac, 0, 0, false },
    { "mtu", "mtu", canon_integer, 68, 9000, true },
    { "queues", "queues", canon_integer, 1, 8, true },
    { "vlan_tag", "vlan_tag", canon_integer, 1, 4094, true },
    { "vlan_trunks", "vlan_trunks", canon_trunks, 0, 4095, true },
    { "addresses", "addresses", canon_addresses, .optional = true },
    { "anti_spoof", "anti_spoof", canon_anti_spoof, .optional = true },
    { "profile", "profile", canon_profile, .optional = true },
    { "group", NULL, NULL, .optional = true },      /* Of its tenant. */
    { NULL, NULL, NULL, 0, 0, false, NULL },
};
