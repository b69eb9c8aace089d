#include "tools/xenlocald/store_wire.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#define REL_PATH_MAX XENSTORE_REL_PATH_MAX

_Static_assert(sizeof(struct xsd_sockmsg) == STORE_HEADER_BYTES, "header");
_Static_assert(XENSTORE_PAYLOAD_MAX == STORE_PAYLOAD_BYTES, "payload");
_Static_assert(XENSTORE_ABS_PATH_MAX + 1 == STORE_PATH_BYTES, "path");

ssize_t
store_wire_parse(const void *data, size_t bytes, struct store_request *req)
{
    struct xsd_sockmsg header;

    if (bytes < sizeof header) {
        return 0;
    }
    memcpy(&header, data, sizeof header);
    if (header.len > STORE_PAYLOAD_BYTES) {
        return -EPROTO;
    }
    if (bytes < sizeof header + header.len) {
        return 0;
    }

    *req = (struct store_request) {
        .type = header.type,
        .req_id = header.req_id,
        .tx_id = header.tx_id,
        .payload_bytes = header.len,
        .payload = (const char *) data + sizeof header,
    };
    return sizeof header + header.len;
}

void
store_wire_header(uint8_t bytes[STORE_HEADER_BYTES], uint32_t type,
                  uint32_t req_id, uint32_t tx_id, uint32_t payload_bytes)
{
    struct xsd_sockmsg header = {
        .type = type,
        .req_id = req_id,
        .tx_id = tx_id,
        .len = payload_bytes,
    };
    memcpy(bytes, &header, sizeof header);
}

bool
store_wire_strings(const struct store_request *req, const char *strings[],
                   size_t n)
{
    const char *p = req->payload;
    const char *end = p + req->payload_bytes;

    for (size_t i = 0; i < n; i++) {
        const char *nul = p < end ? memchr(p, '\0', end - p) : NULL;
        if (!nul) {
            return false;
        }
        strings[i] = p;
        p = nul + 1;
    }
    return p == end;
}

bool
store_wire_head(const struct store_request *req, const char **head,
                const char **rest, size_t *rest_bytes)
{
    const char *nul = req->payload_bytes
        ? memchr(req->payload, '\0', req->payload_bytes) : NULL;
    if (!nul) {
        return false;
    }
    *head = req->payload;
    *rest = nul + 1;
    *rest_bytes = req->payload + req->payload_bytes - *rest;
    return true;
}

bool
store_wire_number(const char *s, uint32_t *number)
{
    uint64_t n = 0;

    if (!*s || strlen(s) > 10) {
        return false;
    }
    for (; *s; s++) {
        if (*s < '0' || *s > '9') {
            return false;
        }
        n = n * 10 + (*s - '0');
    }
    *number = n;
    return n <= UINT32_MAX;
}

static bool
is_path_char(char c)
{
    return isascii((unsigned char) c)
           && (isalnum((unsigned char) c) || strchr("-/_@", c));
}

int
store_path_resolve(uint32_t domid, const char *given, bool special_ok,
                   char path[STORE_PATH_BYTES])
{
    size_t length = strlen(given);
    bool special = given[0] == '@';
    bool relative = given[0] != '/' && !special;
    int n;

    if (!length || (special && !special_ok)
        || (relative && length > REL_PATH_MAX)
        || (length > 1 && given[length - 1] == '/') || strstr(given, "//")) {
        return -EINVAL;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_path_char(given[i])) {
            return -EINVAL;
        }
    }

    if (relative) {
        n = snprintf(path, STORE_PATH_BYTES, "/local/domain/%"PRIu32"/%s",
                     domid, given);
    } else {
        n = snprintf(path, STORE_PATH_BYTES, "%s", given);
    }
    return n > 0 && (size_t) n < STORE_PATH_BYTES ? 0 : -EINVAL;
}

bool
store_path_is_below(const char *path, const char *ancestor)
{
    size_t n = strlen(ancestor);

    if (n == 1 && *ancestor == '/') {
        return path[0] == '/' && path[1];
    }
    return !strncmp(path, ancestor, n) && path[n] == '/';
}

static const char access_letters[] = {
    [STORE_NONE] = 'n',
    [STORE_READ] = 'r',
    [STORE_WRITE] = 'w',
    [STORE_READ | STORE_WRITE] = 'b',
};

int
store_perms_parse(const char *text, size_t text_bytes,
                  struct store_perms *perms)
{
    const char *end = text + text_bytes;

    perms->n = 0;
    while (text < end) {
        const char *nul = memchr(text, '\0', end - text);
        const char *letter;
        struct store_perm perm;

        if (!nul || nul == text) {
            return -EINVAL;
        }
        letter = memchr(access_letters, *text, sizeof access_letters);
        if (!letter || !store_wire_number(text + 1, &perm.domid)) {
            return -EINVAL;
        }
        if (perms->n >= STORE_PERMS_MAX) {
            return -ENOSPC;
        }
        perm.access = letter - access_letters;
        perms->entry[perms->n++] = perm;
        text = nul + 1;
    }
    return perms->n ? 0 : -EINVAL;
}

size_t
store_perms_format(const struct store_perms *perms,
                   char text[STORE_PERMS_TEXT_BYTES])
{
    size_t used = 0;

    for (uint32_t i = 0; i < perms->n; i++) {
        const struct store_perm *perm = &perms->entry[i];
        used += snprintf(text + used, STORE_PERMS_TEXT_BYTES - used,
                         "%c%"PRIu32, access_letters[perm->access],
                         perm->domid) + 1;
    }
    return used;
}

uint32_t
store_perms_for(const struct store_perms *perms, uint32_t domid)
{
    if (!domid || perms->entry[0].domid == domid) {
        return STORE_READ | STORE_WRITE | STORE_OWNER;
    }
    for (uint32_t i = 1; i < perms->n; i++) {
        if (perms->entry[i].domid == domid) {
            return perms->entry[i].access;
        }
    }
    return perms->entry[0].access;
}

const char *
store_wire_error(int error)
{
    for (size_t i = 0; i < sizeof xsd_errors / sizeof xsd_errors[0]; i++) {
        if (xsd_errors[i].errnum == error) {
            return xsd_errors[i].errstring;
        }
    }
    return "EINVAL";
}
