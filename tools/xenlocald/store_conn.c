/* Connections: bytes in, requests run, messages queued, bytes out. */

#include "tools/xenlocald/store_private.h"

#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

/* With more replies unread, a client's requests wait. */
#define REPLIES_MAX 8

/* Domain 0's programs: bounded only by what the machine bears. */
#define DOM0_CONNECTIONS 4096

struct store_conn *
store_conn_create(struct store *store, uint32_t domid, void *aux)
{
    struct store_domain *domain = store_domain_find(store, domid);
    uint32_t limit = domid ? store->quota.connections : DOM0_CONNECTIONS;

    if (!domain || !domain->introduced || domain->n_connections >= limit) {
        return NULL;
    }
    struct store_conn *conn = store_alloc(sizeof *conn);
    memset(conn, 0, sizeof *conn);
    conn->store = store;
    conn->domain = domain;
    conn->aux = aux;
    conn->tail = &conn->head;
    conn->prev = &store->conns;
    conn->next = store->conns;
    if (conn->next) {
        conn->next->prev = &conn->next;
    }
    store->conns = conn;
    domain->n_connections++;
    store->usage.connections++;
    return conn;
}

void *
store_conn_aux(const struct store_conn *conn)
{
    return conn->aux;
}

void
store_conn_set_busy(struct store_conn *conn)
{
    struct store *store = conn->store;

    if (!conn->prev_busy) {
        conn->prev_busy = store->busy_tail;
        conn->next_busy = NULL;
        *store->busy_tail = conn;
        store->busy_tail = &conn->next_busy;
    }
}

static void
clear_busy(struct store_conn *conn)
{
    if (conn->prev_busy) {
        *conn->prev_busy = conn->next_busy;
        if (conn->next_busy) {
            conn->next_busy->prev_busy = conn->prev_busy;
        } else {
            conn->store->busy_tail = conn->prev_busy;
        }
        conn->prev_busy = NULL;
    }
}

bool
store_is_busy(const struct store *store)
{
    return store->busy != NULL;
}

struct store_conn *
store_next_busy(struct store *store)
{
    struct store_conn *conn = store->busy;

    if (conn) {
        clear_busy(conn);
    }
    return conn;
}

void
store_conn_cut(struct store_conn *conn)
{
    store_watch_remove_all(conn);
    store_txn_abort_all(conn);
    conn->cut = true;
    store_conn_set_busy(conn);
}

/* Takes the first message off the queue. */
static void
drop_head(struct store_conn *conn)
{
    struct store_message *m = conn->head;

    conn->head = m->next;
    conn->head_sent = 0;
    if (!conn->head) {
        conn->tail = &conn->head;
    }
    if (m->is_event) {
        conn->n_events--;
        conn->store->usage.events--;
    } else {
        conn->n_replies--;
    }
    free(m);
}

void
store_conn_destroy(struct store_conn *conn)
{
    if (!conn) {
        return;
    }
    store_watch_remove_all(conn);
    store_txn_abort_all(conn);
    while (conn->head) {
        drop_head(conn);
    }

    clear_busy(conn);
    *conn->prev = conn->next;
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    conn->domain->n_connections--;
    conn->store->usage.connections--;
    free(conn);
}

uint8_t *
store_conn_space(struct store_conn *conn, size_t *bytes)
{
    *bytes = sizeof conn->input - conn->input_bytes;
    return conn->input + conn->input_bytes;
}

void
store_conn_filled(struct store_conn *conn, size_t bytes)
{
    conn->input_bytes += bytes;
}

bool
store_conn_is_open(const struct store_conn *conn)
{
    return !conn->cut && conn->n_replies < REPLIES_MAX
           && conn->domain->held_until_ms <= conn->store->now_ms;
}

bool
store_conn_is_cut(const struct store_conn *conn)
{
    return conn->cut;
}

void
store_conn_process(struct store_conn *conn, int n)
{
    struct store_request request;
    size_t used = 0;
    ssize_t bytes = 0;

    for (; store_conn_is_open(conn); used += bytes, n--) {
        bytes = store_wire_parse(conn->input + used,
                                 conn->input_bytes - used, &request);
        if (bytes < 0) {
            store_conn_cut(conn);
        }
        if (bytes <= 0 || n <= 0) {
            break;
        }
        store_request_run(conn, &request);
    }
    if (used) {
        conn->input_bytes -= used;
        memmove(conn->input, conn->input + used, conn->input_bytes);
    }
    if (bytes > 0 && store_conn_is_open(conn)) {
        store_conn_set_busy(conn);
    }
}

void
store_conn_queue(struct store_conn *conn, uint32_t type, uint32_t req_id,
                 uint32_t tx_id, const void *payload, size_t bytes,
                 uint32_t hash)
{
    struct store_message *m
        = store_alloc(sizeof *m + STORE_HEADER_BYTES + bytes);

    *m = (struct store_message) {
        .is_event = type == XS_WATCH_EVENT,
        .hash = hash,
        .bytes = STORE_HEADER_BYTES + bytes,
    };
    store_wire_header(m->data, type, req_id, tx_id, bytes);
    if (bytes) {
        memcpy(m->data + STORE_HEADER_BYTES, payload, bytes);
    }
    *conn->tail = m;
    conn->tail = &m->next;
    store_conn_set_busy(conn);
    if (m->is_event) {
        conn->n_events++;
        conn->store->usage.events++;
    } else {
        conn->n_replies++;
    }
}

const uint8_t *
store_conn_output(const struct store_conn *conn, size_t *bytes)
{
    if (!conn->head) {
        *bytes = 0;
        return NULL;
    }
    *bytes = conn->head->bytes - conn->head_sent;
    return conn->head->data + conn->head_sent;
}

void
store_conn_taken(struct store_conn *conn, size_t bytes)
{
    conn->head_sent += bytes;
    if (conn->head && conn->head_sent == conn->head->bytes) {
        drop_head(conn);
    }
}
