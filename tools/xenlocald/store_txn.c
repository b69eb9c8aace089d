/* Transactions, as Xen's xenstored has them.
 *
 * A transaction keeps a copy of each node that its requests looked at, as it was
 * when the first of them did; what they change, they change there.  Nodes that
 * it has not looked at are those of the tree: it is no snapshot.  It commits if
 * none of the nodes that it looked at has changed in the tree since; then the
 * log of what changed something runs again on the tree, to the same effect.
 *
 * A node has changed when its value, its permissions or the names below it have.
 * One that is not there is looked at together with its ancestors, up to the first
 * that is, since those say whether the domain may know. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

struct store_txn *
store_txn_find(struct store_conn *conn, uint32_t tx_id)
{
    struct store_txn *txn;

    LIST_FOR_EACH (txn, node, &conn->txns) {
        if (txn->tx_id == tx_id) {
            return txn;
        }
    }
    return NULL;
}

uint32_t
store_txn_start(struct store_conn *conn)
{
    struct store_txn *txn = xzalloc(sizeof *txn);

    do {
        txn->tx_id = ++conn->last_tx_id;
    } while (!txn->tx_id || store_txn_find(conn, txn->tx_id));
    hmap_init(&txn->seen);
    ovs_list_push_back(&conn->txns, &txn->node);
    conn->domain->used[STORE_TRANSACTIONS]++;
    return txn->tx_id;
}

/* The tree's node at 'path', or null. */
static const struct store_node *
live_node(struct store *store, const char *path)
{
    const char *left;
    const struct store_node *node = store_tree_find(&store->root, path, false,
                                                    &left);
    return *left ? NULL : node;
}

struct store_seen *
store_txn_seen(const struct store_txn *txn, const char *path)
{
    struct store_seen *seen;

    HMAP_FOR_EACH_WITH_HASH (seen, node, hash_string(path, 0), &txn->seen) {
        if (!strcmp(seen->path, path)) {
            return seen;
        }
    }
    return NULL;
}

struct store_seen *
store_txn_look(struct store *store, struct store_txn *txn, const char *path,
               size_t bytes)
{
    /* The path of the root has one byte, and nobody's ends in a slash. */
    char *key = xmemdup0(bytes ? path : "/", MAX(bytes, 1));
    struct store_seen *seen = store_txn_seen(txn, key);

    if (seen) {
        free(key);
        return seen;
    }

    const struct store_node *node = live_node(store, key);
    seen = xzalloc(sizeof *seen);
    seen->path = key;
    seen->generation = node ? node->generation : 0;
    seen->copy = node ? store_node_copy(node) : NULL;
    hmap_insert(&txn->seen, &seen->node, hash_string(key, 0));
    return seen;
}

struct store_seen *
store_txn_find_node(struct store *store, struct store_txn *txn,
                    const char *path, const char **left)
{
    size_t bytes = strlen(path);

    *left = path + bytes;
    for (;;) {
        struct store_seen *seen = store_txn_look(store, txn, path, bytes);

        if (seen->copy) {
            return seen;
        }
        while (path[--bytes] != '/') {
            continue;
        }
        *left = path + bytes + 1;
    }
}

/* The path of a node that 'txn' looked at and that has changed in the tree
 * since, or null. */
static const char *
conflict(struct store *store, struct store_txn *txn)
{
    const struct store_seen *seen;

    HMAP_FOR_EACH (seen, node, &txn->seen) {
        const struct store_node *now = live_node(store, seen->path);

        if (seen->generation != (now ? now->generation : 0)) {
            return seen->path;
        }
    }
    return NULL;
}

/* 'path' broke a transaction of domain 0: lets the domain that wrote it wait
 * a little, so that it cannot break every try. */
static void
hold_writer(struct store *store, const char *path)
{
    uint32_t writer = store_nearest(store, path)->writer;

    if (writer) {
        store_domain_get(store, writer, true)->held = true;
        store->release_ms = store->now_ms + STORE_HOLD_MS;
    }
}

static int
may_commit(struct store_conn *conn, struct store_txn *txn)
{
    const char *path = conflict(conn->store, txn);

    if (path && !conn->domain->domid) {
        hold_writer(conn->store, path);
    }
    return path ? EAGAIN
           : !store_has_room(conn->domain, STORE_NODES, txn->n_nodes) ? ENOSPC
           : 0;
}

/* Does in the tree what 'txn' did. */
static void
replay(struct store *store, uint32_t domid, const struct store_txn *txn)
{
    const struct store_seen *seen;
    struct xsd_sockmsg header;

    for (size_t at = 0; at < txn->log.length; at += header.len) {
        memcpy(&header, txn->log.string + at, sizeof header);
        at += sizeof header;
        store_request_apply(store, domid, header.type, txn->log.string + at,
                            header.len);
    }
    /* For those that may read a parent only since a later request. */
    HMAP_FOR_EACH (seen, node, &txn->seen) {
        if (seen->written && seen->copy) {
            store_watch_fire(store, seen->path, NULL);
        }
    }
}

static void
forget(struct store_txn *txn)
{
    struct store_seen *seen;

    HMAP_FOR_EACH_POP (seen, node, &txn->seen) {
        if (seen->copy) {
            store_node_unref(seen->copy);
        }
        free(seen->path);
        free(seen);
    }
    hmap_destroy(&txn->seen);
}

int
store_txn_end(struct store_conn *conn, struct store_txn *txn, bool commit)
{
    int error = commit ? may_commit(conn, txn) : 0;

    ovs_list_remove(&txn->node);
    conn->domain->used[STORE_TRANSACTIONS]--;
    if (commit && !error) {
        replay(conn->store, conn->domain->domid, txn);
    }
    forget(txn);
    ds_destroy(&txn->log);
    free(txn);
    return error;
}
