/* A store with domains 0, 1 and 2 and a connection of each, for unit tests:
 * requests go in as bytes, replies and events come out as text. */

#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <xen/io/xs_wire.h>

#include "tools/xenlocald/store.h"

#define N_DOMAINS 3
#define EVENTS_TEXT_BYTES 65536

struct fixture {
    struct store *store;
    struct store_conn *conn[N_DOMAINS];
    char events[N_DOMAINS][EVENTS_TEXT_BYTES];  /* "path token\n"... */
    char reply[8192];                   /* The last one; nulls as '|'. */
    size_t reply_bytes;
    int64_t now_ms;
};

void open_fixture(struct fixture *);
void close_fixture(struct fixture *);

/* Gives domain 'domid' a new connection instead of its old one. */
void reconnect(struct fixture *, int domid);

/* Sends a request of domain 'domid' whose payload is 'bytes' bytes, and
 * returns the reply as text: "OK", "value", "a|b|", or "!ENOENT". */
const char *ask_bytes(struct fixture *, int domid, uint32_t type,
                      uint32_t tx_id, const void *payload, size_t bytes);

/* The same, payload as text: '|' stands for null; a null is added at the end,
 * but not to WRITE. */
const char *ask(struct fixture *, int domid, uint32_t type, uint32_t tx_id,
                const char *payload);

/* Starts a transaction and returns its number. */
uint32_t begin(struct fixture *, int domid);

/* Takes the events that domain 'domid' got so far, as "path token\n". */
const char *take_events(struct fixture *, int domid);

#endif /* store_fixture.h */
