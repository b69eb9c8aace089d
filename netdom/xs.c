#include "netdom/xs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netdom/xs_value.h"

#define TRANSACTION_TRIES 8

static bool
join(char path[XS_PATH_BYTES], const char *dir, const char *leaf)
{
    int n = snprintf(path, XS_PATH_BYTES, "%s/%s", dir, leaf);
    return n > 0 && n < XS_PATH_BYTES;
}

/* Reads a node.  On success the caller frees '*value'. */
static int
get(struct xs_handle *h, xs_transaction_t t, const char *dir,
    const char *leaf, char **value, unsigned int *bytes)
{
    char path[XS_PATH_BYTES];

    if (!join(path, dir, leaf)) {
        return -ENAMETOOLONG;
    }
    *value = xs_read(h, t, path, bytes);
    return *value ? 0 : errno == ENOENT || errno == EACCES ? -errno : -EIO;
}

int
xs_get_u64(struct xs_handle *h, xs_transaction_t t, const char *dir,
           const char *leaf, uint64_t min, uint64_t max, uint64_t *result)
{
    unsigned int bytes;
    char *value;

    int error = get(h, t, dir, leaf, &value, &bytes);
    if (!error) {
        if (!xs_value_u64(value, bytes, min, max, result)) {
            error = -EINVAL;
        }
        free(value);
    }
    return error;
}

int
xs_get_bool(struct xs_handle *h, xs_transaction_t t, const char *dir,
            const char *leaf, bool *result)
{
    uint64_t n;
    int error = xs_get_u64(h, t, dir, leaf, 0, 1, &n);

    if (!error) {
        *result = n;
    }
    return error;
}

int
xs_get_text(struct xs_handle *h, xs_transaction_t t, const char *dir,
            const char *leaf, char *text, size_t text_bytes)
{
    unsigned int bytes;
    char *value;

    int error = get(h, t, dir, leaf, &value, &bytes);
    if (!error) {
        if (!xs_value_text(value, bytes, text, text_bytes)) {
            error = -EINVAL;
        }
        free(value);
    }
    return error;
}

int
xs_get_start(struct xs_handle *h, xs_transaction_t t, const char *dir,
             const char *leaf, char *start, size_t start_bytes, size_t *bytes)
{
    unsigned int value_bytes;
    char *value;

    int error = get(h, t, dir, leaf, &value, &value_bytes);
    if (!error) {
        memcpy(start, value,
               value_bytes < start_bytes ? value_bytes : start_bytes);
        *bytes = value_bytes;
        free(value);
    }
    return error;
}

int
xs_remove(struct xs_handle *h, xs_transaction_t t, const char *dir,
          const char *leaf)
{
    char path[XS_PATH_BYTES];

    if (!join(path, dir, leaf)) {
        return -ENAMETOOLONG;
    }
    return xs_rm(h, t, path) || errno == ENOENT ? 0 : -errno;
}

int
xs_put(struct xs_handle *h, xs_transaction_t t, const char *dir,
       const char *leaf, const char *value)
{
    char path[XS_PATH_BYTES];

    if (!join(path, dir, leaf)) {
        return -ENAMETOOLONG;
    }
    return xs_write(h, t, path, value, strlen(value)) ? 0 : -errno;
}

int
xs_atomically(struct xs_handle *h,
              int (*body)(struct xs_handle *, xs_transaction_t, void *aux),
              void *aux)
{
    for (int i = 0; i < TRANSACTION_TRIES; i++) {
        xs_transaction_t t = xs_transaction_start(h);
        if (t == XBT_NULL) {
            return -errno;
        }

        int error = body(h, t, aux);
        if (xs_transaction_end(h, t, error != 0) || error) {
            return error;
        }
        if (errno != EAGAIN) {
            return -errno;
        }
    }
    return -EAGAIN;
}
