/* Transactions.
 *
 * A transaction is a snapshot of the tree, a private copy that its requests
 * change, a list of the paths that they touched, and a log of those that
 * changed something.  It commits if none of the touched nodes has changed in
 * the tree since; then the log runs again on the tree, to the same effect. */

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
    txn->base = txn->root = conn->store->root;
    txn->base->refs += 2;
    simap_init(&txn->touched);
    ovs_list_push_back(&conn->txns, &txn->node);
    conn->domain->used[STORE_TRANSACTIONS]++;
    return txn->tx_id;
}

/* The path of a node that 'txn' touched and that has changed in the tree
 * since it began, or null. */
static const char *
conflict(struct store *store, struct store_txn *txn)
{
    const struct simap_node *touched;

    SIMAP_FOR_EACH (touched, &txn->touched) {
        const char *path = touched->name, *then_left, *now_left;
        const struct store_node *then
            = store_tree_find(&txn->base, path, false, &then_left);
        const struct store_node *now
            = store_tree_find(&store->root, path, false, &now_left);

        if (!*then_left != !*now_left
            || (!*now_left
                && (then->generation != now->generation
                    || (touched->data && then->children_generation
                                         != now->children_generation)))) {
            return path;
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
    uint64_t generation = store->generation;
    const struct simap_node *touched;
    struct xsd_sockmsg header;

    for (size_t at = 0; at < txn->log.length; at += header.len) {
        memcpy(&header, txn->log.string + at, sizeof header);
        at += sizeof header;
        store_request_apply(store, domid, header.type, txn->log.string + at,
                            header.len);
    }
    /* For those that may read a parent only since a later request. */
    SIMAP_FOR_EACH (touched, &txn->touched) {
        const char *left;
        const struct store_node *node
            = store_tree_find(&store->root, touched->name, false, &left);

        if (!*left && node->generation > generation) {
            store_watch_fire(store, touched->name, NULL);
        }
    }
}

int
store_txn_end(struct store_conn *conn, struct store_txn *txn, bool commit)
{
    int error = commit ? may_commit(conn, txn) : 0;

    ovs_list_remove(&txn->node);
    conn->domain->used[STORE_TRANSACTIONS]--;
    store_node_unref(txn->base);        /* The tree need not be copied. */
    store_node_unref(txn->root);
    if (commit && !error) {
        replay(conn->store, conn->domain->domid, txn);
    }
    simap_destroy(&txn->touched);
    ds_destroy(&txn->log);
    free(txn);
    return error;
}
