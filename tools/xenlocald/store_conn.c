/* Connections: bytes in, requests run, messages queued, bytes out. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

/* With more replies unread, a client's requests wait. */
#define REPLIES_MAX 8

struct store_conn *
store_conn_create(struct store *store, uint32_t domid, void *aux)
{
    struct store_domain *domain = store_domain_get(store, domid, false);
    struct store_conn *conn;

    if (!domain || !domain->introduced
        || !store_has_room(domain, STORE_CONNECTIONS, 1)) {
        return NULL;
    }
    conn = xzalloc(sizeof *conn);
    conn->store = store;
    conn->domain = domain;
    conn->aux = aux;
    ovs_list_init(&conn->busy_node);
    ovs_list_init(&conn->txns);
    ovs_list_init(&conn->watches);
    ovs_list_init(&conn->output);
    hmap_init(&conn->queued);
    ovs_list_push_back(&store->conns, &conn->node);
    domain->used[STORE_CONNECTIONS]++;
    return conn;
}

void
store_conn_set_busy(struct store_conn *conn)
{
    if (ovs_list_is_empty(&conn->busy_node)) {
        ovs_list_push_back(&conn->store->busy, &conn->busy_node);
    }
}

void *
store_next_busy(struct store *store)
{
    struct store_conn *conn;

    if (ovs_list_is_empty(&store->busy)) {
        return NULL;
    }
    conn = CONTAINER_OF(ovs_list_pop_front(&store->busy), struct store_conn,
                        busy_node);
    ovs_list_init(&conn->busy_node);
    return conn->aux;
}

/* Takes the first message off the queue. */
static void
drop_head(struct store_conn *conn)
{
    struct store_message *m = CONTAINER_OF(ovs_list_pop_front(&conn->output),
                                           struct store_message, node);

    hmap_remove(&conn->queued, &m->queued);
    conn->head_sent = 0;
    if (m->header.type == XS_WATCH_EVENT) {
        conn->n_events--;
        conn->domain->used[STORE_EVENTS]--;
    }
    free(m);
}

void
store_conn_destroy(struct store_conn *conn)
{
    struct store_watch *watch;
    struct store_txn *txn;

    if (!conn) {
        return;
    }
    LIST_FOR_EACH_SAFE (watch, conn_node, &conn->watches) {
        store_watch_destroy(watch);
    }
    LIST_FOR_EACH_SAFE (txn, node, &conn->txns) {
        store_txn_end(conn, txn, false);
    }
    while (!ovs_list_is_empty(&conn->output)) {
        drop_head(conn);
    }
    hmap_destroy(&conn->queued);
    ovs_list_remove(&conn->busy_node);
    ovs_list_remove(&conn->node);
    conn->domain->used[STORE_CONNECTIONS]--;
    free(conn);
}

uint8_t *
store_conn_space(struct store_conn *conn, size_t *bytes)
{
    *bytes = sizeof conn->input - conn->input_bytes;
    return conn->input + conn->input_bytes;
}

bool
store_conn_is_open(const struct store_conn *conn)
{
    size_t n_replies = hmap_count(&conn->queued) - conn->n_events;

    return !conn->cut && n_replies < REPLIES_MAX && !conn->domain->held;
}

bool
store_conn_process(struct store_conn *conn, size_t bytes, int n)
{
    struct xsd_sockmsg header;
    size_t used = 0;

    conn->input_bytes += bytes;
    for (; store_conn_is_open(conn); used += sizeof header + header.len) {
        size_t left = conn->input_bytes - used;

        if (left < sizeof header) {
            break;
        }
        memcpy(&header, conn->input + used, sizeof header);
        conn->cut = header.len > XENSTORE_PAYLOAD_MAX;
        if (conn->cut || left < sizeof header + header.len) {
            break;
        } else if (n-- <= 0) {
            store_conn_set_busy(conn);
            break;
        }
        store_request_run(conn, &header, (const char *) conn->input + used
                                         + sizeof header);
    }
    conn->input_bytes -= used;
    memmove(conn->input, conn->input + used, conn->input_bytes);
    return !conn->cut;
}

void
store_conn_queue(struct store_conn *conn, const struct xsd_sockmsg *header,
                 const void *payload)
{
    size_t bytes = sizeof *header + header->len;
    bool is_event = header->type == XS_WATCH_EVENT;
    struct store_message *other, *m = xmalloc(sizeof *m + header->len);
    uint32_t hash;

    m->header = *header;
    memcpy(m->payload, payload, header->len);
    hash = hash_bytes(&m->header, bytes, 0);
    HMAP_FOR_EACH_WITH_HASH (other, queued, hash, &conn->queued) {
        bool partly_gone = conn->head_sent
                           && &other->node == ovs_list_front(&conn->output);

        if (is_event && !partly_gone && other->header.len == header->len
            && !memcmp(&other->header, &m->header, bytes)) {
            free(m);
            return;
        }
    }
    hmap_insert(&conn->queued, &m->queued, hash);
    ovs_list_push_back(&conn->output, &m->node);
    conn->n_events += is_event;
    conn->domain->used[STORE_EVENTS] += is_event;
    store_conn_set_busy(conn);
}

const uint8_t *
store_conn_output(const struct store_conn *conn, size_t *bytes)
{
    const struct store_message *m;

    LIST_FOR_EACH (m, node, &conn->output) {
        *bytes = sizeof m->header + m->header.len - conn->head_sent;
        return (const uint8_t *) &m->header + conn->head_sent;
    }
    *bytes = 0;
    return NULL;
}

void
store_conn_taken(struct store_conn *conn, size_t bytes)
{
    size_t left;

    store_conn_output(conn, &left);
    conn->head_sent += bytes;
    if (bytes == left) {
        drop_head(conn);
    }
}
