#include <config.h>

#include "tenants/xen_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tenants/model.h"
#include "util.h"

#define PATH_BYTES 256

/* What each node is called behind "tx-" and "rx-", and where its value is. */
static const struct {
    const char *leaf;
    size_t offset;
} numbers[] = {
    { "rate-bps", offsetof(struct qos_settings, rate_bps) },
    { "burst-bytes", offsetof(struct qos_settings, burst_bytes) },
    { "rate-pps", offsetof(struct qos_settings, rate_pps) },
    { "burst-packets", offsetof(struct qos_settings, burst_packets) },
    { "min-rate-bps", offsetof(struct qos_settings, guarantee_bps) },
    { "min-burst-bytes",
      offsetof(struct qos_settings, guarantee_burst_bytes) },
};

static bool
put_number(struct xs_handle *xs, xs_transaction_t t, const char *dir,
           const char *direction, const char *leaf, uint64_t value)
{
    char path[PATH_BYTES], text[24];

    ovs_assert(snprintf(path, sizeof path, "%s/%s-%s", dir, direction, leaf)
               < (int) sizeof path);
    snprintf(text, sizeof text, "%"PRIu64, value);
    return xs_write(xs, t, path, text, strlen(text));
}

static bool
put_settings(struct xs_handle *xs, xs_transaction_t t, const char *dir,
             const char *direction, const struct qos_settings *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint64_t value;

        memcpy(&value, (const char *) s + numbers[i].offset, sizeof value);
        if (!put_number(xs, t, dir, direction, numbers[i].leaf, value)) {
            return false;
        }
    }
    return put_number(xs, t, dir, direction, "weight", s->weight);
}

bool
xen_limits_put(struct xs_handle *xs, xs_transaction_t t, const char *dir,
               const struct limits *limits)
{
    return put_settings(xs, t, dir, "tx", &limits->tx)
           && put_settings(xs, t, dir, "rx", &limits->rx);
}

/* UINT64_MAX if there is no such number. */
static uint64_t
get_number(struct xs_handle *xs, const char *dir, const char *direction,
           const char *leaf)
{
    unsigned long long int value;
    char path[PATH_BYTES];
    unsigned int bytes;

    snprintf(path, sizeof path, "%s/%s-%s", dir, direction, leaf);

    char *text = xs_read(xs, XBT_NULL, path, &bytes);
    bool ok = text && str_to_ullong(text, 10, &value);

    free(text);
    return ok ? value : UINT64_MAX;
}

static void
get_settings(struct xs_handle *xs, const char *dir, const char *direction,
             struct qos_settings *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint64_t value = get_number(xs, dir, direction, numbers[i].leaf);

        memcpy((char *) s + numbers[i].offset, &value, sizeof value);
    }
    s->weight = MIN(get_number(xs, dir, direction, "weight"), UINT32_MAX);
}

void
xen_limits_get(struct xs_handle *xs, const char *dir, struct limits *limits)
{
    memset(limits, 0, sizeof *limits);
    get_settings(xs, dir, "tx", &limits->tx);
    get_settings(xs, dir, "rx", &limits->rx);
}

static void
add_have(struct xs_handle *xs, const char *dir, const char *name,
         struct have_group **groups, size_t *n)
{
    *groups = xrealloc(*groups, (*n + 1) * sizeof **groups);

    struct have_group *group = &(*groups)[(*n)++];
    uint64_t uplink_bps = get_number(xs, dir, "uplink", "rate-bps");

    group->name = xstrdup(name);
    group->uplink_bps = uplink_bps == UINT64_MAX ? 0 : uplink_bps;
    xen_limits_get(xs, dir, &group->limits);
}

int
xen_shared_observe(struct xs_handle *xs, uint32_t own,
                   struct have_group **groups, size_t *n_groups)
{
    char dir[PATH_BYTES];
    unsigned int n;

    *groups = NULL;
    *n_groups = 0;
    snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/limits", own);
    char **leaves = xs_directory(xs, XBT_NULL, dir, &n);
    if (leaves) {
        add_have(xs, dir, "", groups, n_groups);
    } else if (errno != ENOENT) {
        return errno ? -errno : -EIO;
    }
    free(leaves);

    snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/groups", own);
    char **names = xs_directory(xs, XBT_NULL, dir, &n);
    if (!names) {
        return errno == ENOENT ? 0 : errno ? -errno : -EIO;
    }
    for (unsigned int i = 0; i < n; i++) {
        snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/groups/%s", own,
                 names[i]);
        add_have(xs, dir, names[i], groups, n_groups);
    }
    free(names);
    return 0;
}

bool
xen_shared_put(struct xs_handle *xs, xs_transaction_t t, uint32_t own,
               const struct want_tenant *want)
{
    char dir[PATH_BYTES];

    /* All anew: nothing that is not wanted is left, and who watches sees one
     * change. */
    snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/groups", own);
    if (!xs_rm(xs, t, dir) && errno != ENOENT) {
        return false;
    }
    for (size_t i = 0; i < want->n_groups; i++) {
        snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/groups/%s", own,
                 want->groups[i].name);
        if (!xen_limits_put(xs, t, dir, &want->groups[i].limits)) {
            return false;
        }
    }

    snprintf(dir, sizeof dir, "/netdom/%"PRIu32"/limits", own);
    if (limits_are_none(&want->limits) && !want->uplink_bps) {
        return xs_rm(xs, t, dir) || errno == ENOENT;
    }
    return xen_limits_put(xs, t, dir, &want->limits)
           && put_number(xs, t, dir, "uplink", "rate-bps", want->uplink_bps);
}
