/* Requests on nodes, and transactions.
 *
 * A transaction is a snapshot of the tree, a private copy that its requests
 * change, and a list of the paths that they touched.  It commits if none of
 * the touched nodes has changed in the tree since; then the nodes it changed
 * are made in the tree what they are in the copy. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum touch {
    TOUCHED = 0,                        /* Its value and permissions. */
    TOUCHED_CHILDREN = 1,               /* The names below it too. */
    REMOVED = 2,                        /* With all below, before PUT. */
    PUT = 4,
};

struct touched {
    char *path;
    unsigned int what;                  /* enum touch. */
};

struct store_txn {
    struct store_txn *next;
    uint32_t tx_id;
    uint32_t domid;
    struct store_node *base;            /* The tree when it began. */
    struct store_node *root;            /* With its own changes. */
    struct touched *touched;            /* Sorted by path: parents first. */
    size_t n_touched, n_allocated;
    long n_nodes;                       /* Made, less removed, by 'domid'. */
};

static void
count_in_store(void *store_, uint32_t owner, int n)
{
    struct store *store = store_;
    struct store_domain *domain = store_domain_find(store, owner);

    store->usage.nodes += n;
    if (domain) {
        domain->n_nodes += n;
    }
}

static void
count_in_txn(void *txn_, uint32_t owner, int n)
{
    struct store_txn *txn = txn_;

    txn->n_nodes += owner == txn->domid ? n : 0;
}

static struct store_edit
view_edit(struct store_view *view)
{
    struct store *store = view->store;

    return (struct store_edit) {
        .generation = ++store->generation,
        .writer = view->domid,
        .count = view->txn ? count_in_txn : count_in_store,
        .aux = view->txn ? (void *) view->txn : store,
    };
}

static struct store_node **
view_root(struct store_view *view)
{
    return view->txn ? &view->txn->root : &view->store->root;
}

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

/* Notes in a transaction that 'path' was touched. */
static int
touch(struct store_view *view, const char *path, unsigned int what)
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
        txn->touched[i].what = TOUCHED;
        txn->n_touched++;
    }
    txn->touched[i].what |= what;
    return 0;
}

/* Looks 'path' up for 'access'.  A domain that may not read the nearest
 * existing ancestor does not learn whether the node exists. */
static int
lookup(struct store_view *view, const char *path, uint32_t access,
       const struct store_node **nodep)
{
    size_t bytes;
    const struct store_node *node
        = store_tree_ancestor(*view_root(view), path, &bytes);
    bool exists = !path[bytes] || !strcmp(path, "/");
    bool allowed = (store_perms_for(&node->perms, view->domid) & access)
                   == access;

    *nodep = exists && allowed ? node : NULL;
    return !allowed ? EACCES : !exists ? ENOENT : 0;
}

int
store_view_get(struct store_view *view, const char *path, bool children,
               const struct store_node **node)
{
    int error = touch(view, path, children ? TOUCHED_CHILDREN : TOUCHED);

    return error ? error : lookup(view, path, STORE_READ, node);
}

/* Quota for 'n_new' more nodes of 'view''s domain. */
static bool
may_add(struct store_view *view, long n_new)
{
    struct store_domain *domain = store_domain_find(view->store, view->domid);
    long quota = view->store->quota.nodes;

    if (!view->domid) {
        return true;
    }
    if (view->txn) {
        n_new += view->txn->n_nodes;
    }
    return n_new <= 0 || (domain && domain->n_nodes + n_new <= quota);
}

static void
view_put(struct store_view *view, const char *path, const void *value,
         size_t value_bytes, const struct store_perms *perms)
{
    struct store_edit edit = view_edit(view);
    struct store_perms old;
    const struct store_node *node = NULL;

    if (!view->txn) {
        node = store_tree_get(view->store->root, path);
        if (node) {
            old = node->perms;
        }
    }
    store_tree_put(view_root(view), path, value, value_bytes, perms, &edit);
    if (!view->txn) {
        store_watch_fire(view->store, path, node ? &old : NULL);
    }
}

/* Makes 'path' and its missing parents; they inherit from the nearest
 * existing ancestor. */
static int
create(struct store_view *view, const char *path, const void *value,
       size_t value_bytes)
{
    char part[STORE_PATH_BYTES];
    size_t bytes;
    const struct store_node *ancestor
        = store_tree_ancestor(*view_root(view), path, &bytes);
    struct store_perms perms = ancestor->perms;
    long n_new = 0;
    int error;

    if (view->domid) {
        perms.entry[0].domid = view->domid;
    }
    for (const char *p = path + bytes; *p; p++) {
        n_new += *p == '/';
    }
    if (!may_add(view, n_new)) {
        return ENOSPC;
    }
    if (view->txn && view->domid
        && view->txn->n_touched + n_new + 1
           > view->store->quota.transaction_nodes) {
        return ENOSPC;
    }

    memcpy(part, path, bytes);
    part[bytes] = '\0';
    error = touch(view, bytes ? part : "/", TOUCHED);
    while (!error && path[bytes]) {
        size_t end = bytes + 1 + strcspn(path + bytes + 1, "/");
        bool last = !path[end];

        memcpy(part, path, end);
        part[end] = '\0';
        error = touch(view, part, PUT);
        if (!error) {
            view_put(view, part, last ? value : "", last ? value_bytes : 0,
                     &perms);
        }
        bytes = end;
    }
    return error;
}

int
store_view_write(struct store_view *view, const char *path, const void *value,
                 size_t value_bytes)
{
    const struct store_node *node;
    int error;

    if (view->domid && value_bytes > view->store->quota.value_bytes) {
        return ENOSPC;
    }
    error = lookup(view, path, STORE_WRITE, &node);
    if (error == ENOENT) {
        return create(view, path, value ? value : "", value_bytes);
    } else if (error) {
        int over = touch(view, path, TOUCHED);
        return over ? over : error;
    }
    error = touch(view, path, value ? PUT : TOUCHED);
    if (!error && value) {
        view_put(view, path, value, value_bytes, NULL);
    }
    return error;
}

int
store_view_remove(struct store_view *view, const char *path)
{
    const struct store_node *node;
    int error = touch(view, path, TOUCHED);

    if (error) {
        return error;
    }
    error = lookup(view, path, STORE_WRITE, &node);
    if (error == ENOENT) {
        /* Gone already is fine, if it could have been there. */
        size_t bytes;
        store_tree_ancestor(*view_root(view), path, &bytes);
        return strchr(path + bytes + 1, '/') ? ENOENT : 0;
    } else if (error) {
        return error;
    } else if (!strcmp(path, "/")) {
        return EINVAL;
    }

    if (view->txn) {
        for (size_t i = 0; i < view->txn->n_touched; i++) {
            if (store_path_is_below(view->txn->touched[i].path, path)) {
                view->txn->touched[i].what &= ~(REMOVED | PUT);
            }
        }
        bool found;
        size_t i = touched_find(view->txn, path, &found);
        view->txn->touched[i].what &= ~PUT;
        view->txn->touched[i].what |= REMOVED;
    } else {
        store_watch_fire_removal(view->store, path);
    }
    struct store_edit edit = view_edit(view);
    store_tree_remove(view_root(view), path, &edit);
    return 0;
}

int
store_view_set_perms(struct store_view *view, const char *path,
                     const struct store_perms *perms)
{
    const struct store_node *node;
    int error = touch(view, path, TOUCHED);

    error = error ? error : lookup(view, path, STORE_OWNER, &node);
    if (error) {
        return error;
    }
    if (view->domid && perms->entry[0].domid != view->domid) {
        return EPERM;
    }
    if (view->domid && perms->n > view->store->quota.perms) {
        return ENOSPC;
    }
    error = touch(view, path, PUT);
    if (!error) {
        view_put(view, path, NULL, 0, perms);
    }
    return error;
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
          const struct touched *touched)
{
    const struct store_node *then = store_tree_get(txn->base, touched->path);
    const struct store_node *now = store_tree_get(store->root, touched->path);

    if (!then || !now) {
        return then || now;
    }
    return then->generation != now->generation
           || (touched->what & TOUCHED_CHILDREN
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
    if (!may_add(&view, txn->n_nodes)) {
        return ENOSPC;
    }

    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct touched *touched = &txn->touched[i];

        if (touched->what & REMOVED
            && store_tree_get(store->root, touched->path)) {
            struct store_edit edit = view_edit(&view);
            store_watch_fire_removal(store, touched->path);
            store_tree_remove(&store->root, touched->path, &edit);
        }
        if (touched->what & PUT) {
            const struct store_node *node
                = store_tree_get(txn->root, touched->path);
            view_put(&view, touched->path, node->value ? node->value
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
