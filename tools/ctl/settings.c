#include <config.h>

#include "tools/ctl/settings.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "qos/profile.h"
#include "qos/rate_text.h"
#include "qos/toolstack_rate.h"
#include "qos/tree.h"
#include "tools/ctl/check.h"

const struct setting limit_settings[] = {
    { "tx_rate", "tx_rate_bps", canon_rate, .optional = true },
    { "tx_burst", "tx_burst_bytes", canon_burst, .optional = true },
    { "rx_rate", "rx_rate_bps", canon_rate, .optional = true },
    { "rx_burst", "rx_burst_bytes", canon_burst, .optional = true },
    { "tx_rate_bps", "tx_rate_bps", canon_integer, QOS_RATE_MIN_BPS,
      QOS_RATE_MAX_BPS, true },
    { "tx_burst_bytes", "tx_burst_bytes", canon_integer, QOS_BURST_MIN_BYTES,
      QOS_BURST_MAX_BYTES, true },
    { "rx_rate_bps", "rx_rate_bps", canon_integer, QOS_RATE_MIN_BPS,
      QOS_RATE_MAX_BPS, true },
    { "rx_burst_bytes", "rx_burst_bytes", canon_integer, QOS_BURST_MIN_BYTES,
      QOS_BURST_MAX_BYTES, true },
    { "tx_rate_pps", "tx_rate_pps", canon_integer, 1, QOS_RATE_MAX_PPS,
      true },
    { "tx_burst_packets", "tx_burst_packets", canon_integer, 1,
      QOS_CHARGE_MAX, true },
    { "tx_min_rate", "tx_min_rate_bps", canon_rate, .optional = true },
    { "tx_min_burst", "tx_min_burst_bytes", canon_burst,
      .optional = true },
    { "tx_min_rate_bps", "tx_min_rate_bps", canon_integer,
      QOS_RATE_MIN_BPS, QOS_RATE_MAX_BPS, true },
    { "tx_min_burst_bytes", "tx_min_burst_bytes", canon_integer,
      QOS_BURST_MIN_BYTES, QOS_BURST_MAX_BYTES, true },
    { "tx_weight", "tx_weight", canon_integer, 1, QOS_WEIGHT_MAX,
      true },
    { "rx_rate_pps", "rx_rate_pps", canon_integer, 1, QOS_RATE_MAX_PPS,
      true },
    { "rx_burst_packets", "rx_burst_packets", canon_integer, 1,
      QOS_CHARGE_MAX, true },
    { "rx_min_rate", "rx_min_rate_bps", canon_rate, .optional = true },
    { "rx_min_burst", "rx_min_burst_bytes", canon_burst,
      .optional = true },
    { "rx_min_rate_bps", "rx_min_rate_bps", canon_integer,
      QOS_RATE_MIN_BPS, QOS_RATE_MAX_BPS, true },
    { "rx_min_burst_bytes", "rx_min_burst_bytes", canon_integer,
      QOS_BURST_MIN_BYTES, QOS_BURST_MAX_BYTES, true },
    { "rx_weight", "rx_weight", canon_integer, 1, QOS_WEIGHT_MAX,
      true },
    { "xen_rate", NULL, NULL, .optional = true,
      .limit = qos_xen_rate_parse },
    { "xapi_kbps", NULL, NULL, .optional = true,
      .limit = qos_xapi_kbps_parse },
    { NULL, NULL, NULL, 0, 0, false, NULL },
};

void
put_quoted(struct ds *text, const char *value)
{
    json_string_escape(value, text);
}

void
put_row(struct ds *text, const struct ovsdb_idl_row *row)
{
    ds_put_format(text, UUID_FMT, UUID_ARGS(&row->uuid));
}

bool
canon_integer(struct ctl_context *ctx, const struct setting *setting,
              const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES];
    int64_t number;

    if (!check_integer(value, setting->min, setting->max, &number, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    ds_put_format(text, "%"PRId64, number);
    return true;
}

bool
canon_profile(struct ctl_context *ctx,
              const struct setting *setting OVS_UNUSED, const char *value,
              struct ds *text)
{
    const struct ndrec_qos_profile *profile = must_profile(ctx, value);

    if (profile) {
        put_row(text, &profile->header_);
    }
    return profile != NULL;
}

bool
canon_rate(struct ctl_context *ctx, const struct setting *setting,
           const char *value, struct ds *text)
{
    char error[QOS_TEXT_BYTES];
    uint64_t rate_bps;

    if (!qos_rate_parse(value, &rate_bps, error)) {
        ctl_error(ctx, "%s=%s: %s", setting->key, value, error);
        return false;
    }
    ds_put_format(text, "%"PRIu64, rate_bps);
    return true;
}

bool
canon_burst(struct ctl_context *ctx, const struct setting *setting,
            const char *value, struct ds *text)
{
    char error[QOS_TEXT_BYTES];
    uint64_t burst_bytes;

    if (!qos_burst_parse(value, &burst_bytes, error)) {
        ctl_error(ctx, "%s=%s: %s", setting->key, value, error);
        return false;
    }
    ds_put_format(text, "%"PRIu64, burst_bytes);
    return true;
}

const char *
word_of(char *const words[], int n, const char *key)
{
    size_t key_length = strlen(key);
    const char *value = NULL;

    for (int i = 0; i < n; i++) {
        if (!strncmp(words[i], key, key_length)
            && words[i][key_length] == '=') {
            value = words[i] + key_length + 1;
        }
    }
    return value;
}

static const struct setting *
setting_named(const struct setting *settings, const char *key, size_t length)
{
    for (const struct setting *s = settings; s && s->key; s++) {
        if (strlen(s->key) == length && !strncmp(s->key, key, length)) {
            return s;
        }
    }
    return NULL;
}

static void
put_keys(struct ds *s, const struct setting *settings)
{
    for (; settings && settings->key; settings++) {
        ds_put_format(s, "%s ", settings->key);
    }
}

static bool
set_number(struct ctl_context *ctx, const char *table,
           const struct ovsdb_idl_row *row, const char *column,
           uint64_t value)
{
    char *text = (value ? xasprintf("%s=%"PRIu64, column, value)
                  : xasprintf("%s=[]", column));
    char *error = ctl_set_column(table, row, text, ctx->symtab);

    if (error) {
        ctl_error(ctx, "%s: %s", text, error);
        free(error);
    }
    free(text);
    return !error;
}

/* A toolstack's limit, which is for what the guest sends: a rate, and the burst
 * that it implies.  Empty: neither. */
static bool
apply_limit(struct ctl_context *ctx, const char *table,
            const struct ovsdb_idl_row *row, const struct setting *setting,
            const char *value)
{
    struct qos_profile profile = { 0, 0 };
    char error[QOS_TEXT_BYTES];

    if (*value && !setting->limit(value, &profile, error)) {
        ctl_error(ctx, "%s: %s", setting->key, error);
        return false;
    }
    return set_number(ctx, table, row, "tx_rate_bps", profile.rate_bps)
           && set_number(ctx, table, row, "tx_burst_bytes",
                         profile.burst_bytes);
}

static bool
apply_word(struct ctl_context *ctx, const char *table,
           const struct ovsdb_idl_row *row, const struct setting *settings,
           const struct setting *more, const char *word)
{
    const char *equals = strchr(word, '=');
    const struct setting *setting;
    struct ds text = DS_EMPTY_INITIALIZER;
    char *error;

    if (!equals) {
        ctl_error(ctx, "\"%s\" is not KEY=VALUE", word);
        return false;
    }
    if (!strncmp(word, "external_ids:", 13)) {
        ds_put_cstr(&text, word);
        goto write;
    }

    setting = setting_named(settings, word, equals - word);
    if (!setting) {
        setting = setting_named(more, word, equals - word);
    }
    if (!setting) {
        put_keys(&text, settings);
        put_keys(&text, more);
        ctl_error(ctx, "\"%.*s\" cannot be set here: use one of %s"
                  "external_ids:KEY", (int) (equals - word), word,
                  ds_cstr(&text));
        goto fail;
    }

    if (setting->limit) {
        ds_destroy(&text);
        return apply_limit(ctx, table, row, setting, equals + 1);
    }
    if (!setting->column) {
        return true;
    }

    ds_put_format(&text, "%s=", setting->column);
    if (!equals[1] && setting->optional) {
        ds_put_cstr(&text, "[]");
    } else if (!setting->canon(ctx, setting, equals + 1, &text)) {
        goto fail;
    }

write:
    error = ctl_set_column(table, row, ds_cstr(&text), ctx->symtab);
    if (error) {
        ctl_error(ctx, "%s: %s", word, error);
        free(error);
        goto fail;
    }
    ds_destroy(&text);
    return true;

fail:
    ds_destroy(&text);
    return false;
}

bool
apply_words(struct ctl_context *ctx, const char *table,
            const struct ovsdb_idl_row *row, const struct setting *settings,
            const struct setting *more, char *const words[], int n)
{
    for (int i = 0; i < n; i++) {
        if (!apply_word(ctx, table, row, settings, more, words[i])) {
            return false;
        }
    }
    return true;
}

bool
canon_mac(struct ctl_context *ctx, const struct setting *setting,
          const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES], mac[CHECK_MAC_BYTES];

    if (!check_mac(value, mac, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    put_quoted(text, mac);
    return true;
}
