/* The store and its wire parser, fed by three domains at once.
 *
 * An input is a sequence of records: which connection (and whether its output
 * is read), a request's type, its transaction, the payload's length, the
 * payload.  Type 0xff puts the payload on the connection as it is, header and
 * all; 0xfe makes the connection anew; 0xfd is a domain's death and birth. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "tools/xenlocald/store.h"

#define MESSAGE_BYTES (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)
#define N_CONNS 4
#define RAW 0xff
#define RECONNECT 0xfe
#define REBIRTH 0xfd

static const uint32_t domid_of[N_CONNS] = { 0, 1, 1, 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_store: %s\n", what);
        abort();
    }
}

static void
drain(struct store_conn *conn, bool all)
{
    const uint8_t *data;
    size_t bytes;

    while ((data = store_conn_output(conn, &bytes))) {
        check(bytes && bytes <= MESSAGE_BYTES, "size of a message");
        store_conn_taken(conn, all ? bytes : (bytes + 1) / 2);
        if (!all) {
            break;
        }
    }
}

static void
feed(struct store_conn *conn, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        size_t room;
        uint8_t *p = store_conn_space(conn, &room);

        if (room > bytes) {
            room = bytes;
        }
        if (!room) {
            return;
        }
        memcpy(p, data, room);
        store_conn_process(conn, room, 4);
        data += room;
        bytes -= room;
    }
}

static void
add_domain(struct store *store, uint32_t domid)
{
    char path[32];

    snprintf(path, sizeof path, "/local/domain/%u", domid);
    store_write(store, path, "", domid);
    store_domain_introduce(store, domid);
}

static void
count_node(void *n, const char *path, const char *perms, const char *value,
           size_t value_bytes)
{
    (void) value, (void) value_bytes;
    check(*perms, "permissions");
    ++*(size_t *) n;
    check(path[0] == '/', "a path");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t quota[STORE_N_USES] = {
        [STORE_NODES] = 12, [STORE_NODE_BYTES] = 80, [STORE_PERMS] = 3,
        [STORE_WATCHES] = 4, [STORE_TRANSACTIONS] = 2,
        [STORE_TRANSACTION_NODES] = 8, [STORE_CONNECTIONS] = 2,
        [STORE_EVENTS] = 4,
    };
    struct store *store = store_create(quota);
    struct store_conn *conns[N_CONNS] = { NULL };
    int64_t now_ms = 1;
    size_t n_nodes = 0;

    for (uint32_t i = 0; i < 3; i++) {
        add_domain(store, i);
    }
    while (size >= 4) {
        uint8_t which = data[0] % N_CONNS, type = data[1], tx_id = data[2];
        bool read = data[0] & 0x80;
        size_t bytes = data[3] < size - 4 ? data[3] : size - 4;
        struct store_conn **conn = &conns[which];
        uint8_t message[sizeof(struct xsd_sockmsg) + UINT8_MAX];

        if (!*conn) {
            *conn = store_conn_create(store, domid_of[which], conn);
        }
        if (type == RECONNECT) {
            store_conn_destroy(*conn);
            *conn = NULL;
        } else if (type == REBIRTH) {
            store_domain_remove(store, domid_of[which]);
            store_remove(store, "/local/domain/1");
            add_domain(store, domid_of[which]);
        } else if (*conn && type == RAW) {
            feed(*conn, data + 4, bytes);
        } else if (*conn) {
            struct xsd_sockmsg header = { type, 1, tx_id, bytes };

            memcpy(message, &header, sizeof header);
            memcpy(message + sizeof header, data + 4, bytes);
            feed(*conn, message, sizeof header + bytes);
        }
        if (*conn) {
            drain(*conn, read);
        }
        for (struct store_conn **busy; (busy = store_next_busy(store));) {
            check(busy >= conns && busy < conns + N_CONNS && *busy,
                  "a busy connection");
            if (!store_conn_process(*busy, 0, 4)) {
                store_conn_destroy(*busy);
                *busy = NULL;
            }
        }
        store_run(store, now_ms += 7);
        data += 4 + bytes;
        size -= 4 + bytes;
    }

    for (int i = 0; i < N_CONNS; i++) {
        store_conn_destroy(conns[i]);
    }
    for (int i = 0; i < STORE_N_COUNTED; i++) {
        check(i == STORE_NODES || !store_usage(store, i),
              "something is left of the connections");
    }
    store_walk(store, "/", count_node, &n_nodes);
    check(n_nodes == store_usage(store, STORE_NODES), "the count of nodes");
    store_destroy(store);
    return 0;
}
