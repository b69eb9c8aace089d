/* Text that clients send: numbers, paths, permissions. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

/* What xenstored allows below a domain's own folder, and elsewhere in all. */
#define PATH_BYTES_MAX XENSTORE_REL_PATH_MAX

bool
store_parse_number(const char *s, uint32_t *number)
{
    size_t digits = strspn(s, "0123456789");
    uint64_t n = digits <= 10 ? strtoull(s, NULL, 10) : UINT64_MAX;

    *number = n;
    return digits && !s[digits] && n <= UINT32_MAX;
}

/* The bytes of "/local/domain/N/", if 'path' begins so. */
static int
own_bytes(const char *path)
{
    unsigned int domid;
    int bytes = 0;

    return sscanf(path, "/local/domain/%5u/%n", &domid, &bytes) == 1
           ? bytes : 0;
}

bool
store_parse_path(uint32_t domid, const char *given, bool special_ok,
                 char path[STORE_PATH_BYTES])
{
    static const char valid[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@"
                                "abcdefghijklmnopqrstuvwxyz";
    size_t bytes = strlen(given);
    bool relative = !strchr("/@", given[0]);
    int n;

    if (!bytes || given[strspn(given, valid)] || strstr(given, "//")
        || (bytes > 1 && given[bytes - 1] == '/')
        || (given[0] == '@' && !special_ok)
        || (relative && bytes > XENSTORE_REL_PATH_MAX)) {
        return false;
    }
    n = relative ? snprintf(path, STORE_PATH_BYTES,
                            "/local/domain/%"PRIu32"/%s", domid, given)
                 : snprintf(path, STORE_PATH_BYTES, "%s", given);
    return n < STORE_PATH_BYTES && n - own_bytes(path) <= PATH_BYTES_MAX;
}

size_t
store_parse_perms(const char *text, size_t bytes, struct ds *perms)
{
    const char *end = text + bytes;
    size_t n = 0;

    for (; text < end; text += strlen(text) + 1, n++) {
        uint32_t domid;

        if (end[-1] || !*text || !strchr("nrwb", *text)
            || !store_parse_number(text + 1, &domid)) {
            return 0;
        }
        ds_put_format(perms, "%c%"PRIu32"%c", *text, domid, 0);
    }
    ds_put_char(perms, '\0');
    return n;
}

uint32_t
store_perms_owner(const char *perms)
{
    return strtoul(perms + 1, NULL, 10);
}

uint32_t
store_perms_for(const char *perms, uint32_t domid)
{
    const char *entry = perms;

    if (!domid || store_perms_owner(perms) == domid) {
        return STORE_READ | STORE_WRITE | STORE_OWNER;
    }
    do {
        entry += strlen(entry) + 1;
    } while (*entry && store_perms_owner(entry) != domid);

    char letter = *entry ? *entry : *perms;
    return (strchr("rb", letter) ? STORE_READ : 0)
           | (strchr("wb", letter) ? STORE_WRITE : 0);
}
