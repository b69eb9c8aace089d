/* Transactions.
 *
 * A transaction is a snapshot of the tree, a private copy that its requests
 * change, and a list of the paths that they touched.  It commits if none of
 * the touched nodes has changed in the tree since; then the nodes it changed
 * are made in the tree what they are in the copy. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of 'path' in the list, or where it would go. */
static size_t
touched_find(const struct store_txn *txn, const char *path, bool *found)
{
    size_t low = 0, high = txn->n_touched;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(txn->touched[middle].path, path);

        if (!order) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int
store_txn_touch(struct store_view *view, const char *path, unsigned int what)
{
    struct store_txn *txn = view->txn;
    bool found;

    if (!txn) {
        return 0;
    }
    size_t i = touched_find(txn, path, &found);
    if (!found) {
        if (txn->domid
            && txn->n_touched >= view->store->quota.transaction_nodes) {
            return ENOSPC;
        }
        if (txn->n_touched == txn->n_allocated) {
            txn->n_allocated = txn->n_allocated * 2 + 8;
            txn->touched = store_resize(
                txn->touched, txn->n_allocated * sizeof *txn->touched);
        }
        memmove(&txn->touched[i + 1], &txn->touched[i],
                (txn->n_touched - i) * sizeof *txn->touched);
        txn->touched[i].path = store_copy(path, strlen(path) + 1);
        txn->touched[i].what = STORE_TOUCHED;
        txn->n_touched++;
    }
    txn->touched[i].what |= what;
    return 0;
}

void
store_txn_touch_removed(struct store_txn *txn, const char *path)
{
    bool found;

    for (size_t i = 0; i < txn->n_touched; i++) {
        if (store_path_is_below(txn->touched[i].path, path)) {
            txn->touched[i].what &= ~(STORE_REMOVED | STORE_PUT);
        }
    }
    struct store_touched *touched
        = &txn->touched[touched_find(txn, path, &found)];
    touched->what = (touched->what & ~STORE_PUT) | STORE_REMOVED;
}

struct store_txn *
store_txn_find(struct store_conn *conn, uint32_t tx_id)
{
    struct store_txn *txn = conn->txns;

    while (txn && txn->tx_id != tx_id) {
        txn = txn->next;
    }
    return txn;
}

int
store_txn_start(struct store_conn *conn, uint32_t *tx_id)
{
    struct store *store = conn->store;

    if (conn->domain->domid
        && conn->domain->n_transactions >= store->quota.transactions) {
        return ENOSPC;
    }
    do {
        conn->last_tx_id++;
    } while (!conn->last_tx_id || store_txn_find(conn, conn->last_tx_id));

    struct store_txn *txn = store_alloc(sizeof *txn);
    *txn = (struct store_txn) {
        .next = conn->txns,
        .tx_id = conn->last_tx_id,
        .domid = conn->domain->domid,
        .base = store_node_ref(store->root),
        .root = store_node_ref(store->root),
    };
    conn->txns = txn;
    conn->domain->n_transactions++;
    store->usage.transactions++;
    *tx_id = txn->tx_id;
    return 0;
}

/* Has 'touched' changed in the tree since 'txn' began? */
static bool
conflicts(const struct store *store, const struct store_txn *txn,
          const struct store_touched *touched)
{
    const struct store_node *then = store_tree_get(txn->base, touched->path);
    const struct store_node *now = store_tree_get(store->root, touched->path);

    if (!then || !now) {
        return then || now;
    }
    return then->generation != now->generation
           || (touched->what & STORE_TOUCHED_CHILDREN
               && then->children_generation != now->children_generation);
}

/* 'path' broke a transaction of domain 0: lets the domain that wrote it wait
 * a little, so that it cannot break every try. */
static void
hold_writer(struct store *store, const char *path)
{
    size_t bytes;
    const struct store_node *node
        = store_tree_ancestor(store->root, path, &bytes);
    struct store_domain *domain = store_domain_find(store, node->writer);

    if (domain && domain->domid) {
        domain->held_until_ms = store->now_ms + STORE_HOLD_MS;
        if (!store->hold_check_ms) {
            store->hold_check_ms = domain->held_until_ms;
        }
    }
}

static int
commit(struct store_conn *conn, struct store_txn *txn)
{
    struct store *store = conn->store;
    struct store_view view = { .store = store, .domid = txn->domid };

    for (size_t i = 0; i < txn->n_touched; i++) {
        if (conflicts(store, txn, &txn->touched[i])) {
            if (!txn->domid) {
                hold_writer(store, txn->touched[i].path);
            }
            return EAGAIN;
        }
    }
    if (!store_view_may_add(&view, txn->n_nodes)) {
        return ENOSPC;
    }

    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct store_touched *touched = &txn->touched[i];

        if (touched->what & STORE_REMOVED
            && store_tree_get(store->root, touched->path)) {
            struct store_edit edit = store_view_edit(&view);
            store_watch_fire_removal(store, touched->path);
            store_tree_remove(&store->root, touched->path, &edit);
        }
        if (touched->what & STORE_PUT) {
            const struct store_node *node
                = store_tree_get(txn->root, touched->path);
            store_view_put(&view, touched->path, node->value ? node->value
                     : (const uint8_t *) "", node->value_bytes, &node->perms);
        }
    }
    return 0;
}

int
store_txn_end(struct store_conn *conn, struct store_txn *txn, bool do_commit)
{
    int error = do_commit ? commit(conn, txn) : 0;
    struct store_txn **link = &conn->txns;

    while (*link != txn) {
        link = &(*link)->next;
    }
    *link = txn->next;
    conn->domain->n_transactions--;
    conn->store->usage.transactions--;

    for (size_t i = 0; i < txn->n_touched; i++) {
        free(txn->touched[i].path);
    }
    free(txn->touched);
    store_node_unref(txn->base);
    store_node_unref(txn->root);
    free(txn);
    return error;
}

void
store_txn_abort_all(struct store_conn *conn)
{
    while (conn->txns) {
        store_txn_end(conn, conn->txns, false);
    }
}
