/* The store's wire format: pure functions on buffers, no state, no I/O.
 *
 * Thread: any.
 * Errors: 0 or -errno.
 * Trust:  every byte comes from a client and may be hostile. */

#ifndef XENLOCALD_STORE_WIRE_H
#define XENLOCALD_STORE_WIRE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_PAYLOAD_BYTES 4096u       /* XENSTORE_PAYLOAD_MAX. */
#define STORE_HEADER_BYTES 16u
#define STORE_MESSAGE_BYTES (STORE_HEADER_BYTES + STORE_PAYLOAD_BYTES)

#define STORE_PATH_BYTES (3072u + 1)    /* XENSTORE_ABS_PATH_MAX and null. */
#define STORE_PERMS_MAX 16u             /* Entries in a node's list. */
#define STORE_PERMS_TEXT_BYTES (STORE_PERMS_MAX * 12)

enum store_access {
    STORE_NONE = 0,
    STORE_READ = 1,
    STORE_WRITE = 2,
    STORE_OWNER = 4,
};

struct store_perm {
    uint32_t domid;
    uint32_t access;                    /* STORE_READ | STORE_WRITE. */
};

/* The first entry names the owner, and what domains not listed may do. */
struct store_perms {
    uint32_t n;
    struct store_perm entry[STORE_PERMS_MAX];
};

/* One request; 'payload' points into the buffer that was parsed. */
struct store_request {
    uint32_t type;                      /* XS_*, perhaps unknown. */
    uint32_t req_id;
    uint32_t tx_id;
    uint32_t payload_bytes;
    const char *payload;
};

/* Parses the request at the start of the 'bytes' bytes of 'data'.  Returns
 * its size, 0 if there is not yet a whole one, or -EPROTO if no request can
 * begin like this. */
ssize_t store_wire_parse(const void *data, size_t bytes,
                         struct store_request *);

/* Writes a message's header to 'header'. */
void store_wire_header(uint8_t header[STORE_HEADER_BYTES], uint32_t type,
                       uint32_t req_id, uint32_t tx_id,
                       uint32_t payload_bytes);

/* True, and points 'strings' into the payload, if the payload consists of
 * exactly 'n' strings, each with its null. */
bool store_wire_strings(const struct store_request *, const char *strings[],
                        size_t n);

/* True, and sets '*rest', if the payload begins with a string and its null;
 * the bytes after it are '*rest', '*rest_bytes'. */
bool store_wire_head(const struct store_request *, const char **head,
                     const char **rest, size_t *rest_bytes);

/* Parses a decimal number without sign, and nothing else. */
bool store_wire_number(const char *, uint32_t *);

/* Makes 'given', as domain 'domid' wrote it, an absolute path in 'path'.
 * '@' paths come through as they are if 'special_ok'. */
int store_path_resolve(uint32_t domid, const char *given, bool special_ok,
                       char path[STORE_PATH_BYTES]);

/* Is 'path' below 'ancestor' (and not it)?  Both absolute. */
bool store_path_is_below(const char *path, const char *ancestor);

/* Parses a permission list as SET_PERMS carries it: "n0", null, "r1", ... */
int store_perms_parse(const char *text, size_t text_bytes,
                      struct store_perms *);

/* The reverse.  Returns the bytes used. */
size_t store_perms_format(const struct store_perms *,
                          char text[STORE_PERMS_TEXT_BYTES]);

/* What 'domid' may do with a node that has these permissions. */
uint32_t store_perms_for(const struct store_perms *, uint32_t domid);

/* The wire's name of a positive errno; one that it cannot say is EINVAL. */
const char *store_wire_error(int error);

#endif /* store_wire.h */
