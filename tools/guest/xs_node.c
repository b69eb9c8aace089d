#include <config.h>
#include "tools/guest/xs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "util.h"

#define VALUE_BYTES_MAX 1024

char *
xs_node_read(struct xs_handle *xs, const char *dir, const char *leaf)
{
    char *path = xasprintf("%s/%s", dir, leaf);
    unsigned int bytes;
    char *value = xs_read(xs, XBT_NULL, path, &bytes);

    free(path);
    if (value && (bytes > VALUE_BYTES_MAX || memchr(value, 0, bytes))) {
        free(value);
        value = NULL;
    }
    return value;
}

bool
xs_uint_parse(const char *text, uint32_t max, uint32_t *value)
{
    uint64_t n = 0;

    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        n = n * 10 + (*text - '0');
        if (n > max) {
            return false;
        }
    }
    *value = n;
    return true;
}

uint32_t
xs_node_read_uint(struct xs_handle *xs, const char *dir, const char *leaf,
                  uint32_t max, uint32_t fallback)
{
    char *text = xs_node_read(xs, dir, leaf);
    uint32_t value;

    if (!text || !xs_uint_parse(text, max, &value)) {
        value = fallback;
    }
    free(text);
    return value;
}

int
xs_node_write(struct xs_handle *xs, uint32_t t, const char *dir,
              const char *leaf, const char *value)
{
    char *path = xasprintf("%s/%s", dir, leaf);
    int error = xs_write(xs, t, path, value, strlen(value)) ? 0 : -errno;

    free(path);
    return error;
}

int
xs_node_write_uint(struct xs_handle *xs, uint32_t t, const char *dir,
                   const char *leaf, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof text, "%u", value);
    return xs_node_write(xs, t, dir, leaf, text);
}

int
xs_node_remove(struct xs_handle *xs, uint32_t t, const char *dir,
               const char *leaf)
{
    char *path = xasprintf("%s/%s", dir, leaf);
    int error = xs_rm(xs, t, path) || errno == ENOENT ? 0 : -errno;

    free(path);
    return error;
}
