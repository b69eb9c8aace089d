/* Requests on nodes, in or out of a transaction. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <string.h>

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

struct store_edit
store_view_edit(struct store_view *view)
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
    int error = store_txn_touch(view, path, children ? STORE_TOUCHED_CHILDREN
                                                     : STORE_TOUCHED);

    return error ? error : lookup(view, path, STORE_READ, node);
}

/* Quota for 'n_new' more nodes of 'view''s domain. */
bool
store_view_may_add(struct store_view *view, long n_new)
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

void
store_view_put(struct store_view *view, const char *path, const void *value,
         size_t value_bytes, const struct store_perms *perms)
{
    struct store_edit edit = store_view_edit(view);
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
    if (!store_view_may_add(view, n_new)) {
        return ENOSPC;
    }
    if (view->txn && view->domid
        && view->txn->n_touched + n_new + 1
           > view->store->quota.transaction_nodes) {
        return ENOSPC;
    }

    memcpy(part, path, bytes);
    part[bytes] = '\0';
    error = store_txn_touch(view, bytes ? part : "/", STORE_TOUCHED);
    while (!error && path[bytes]) {
        size_t end = bytes + 1 + strcspn(path + bytes + 1, "/");
        bool last = !path[end];

        memcpy(part, path, end);
        part[end] = '\0';
        error = store_txn_touch(view, part, STORE_PUT);
        if (!error) {
            store_view_put(view, part, last ? value : "",
                           last ? value_bytes : 0, &perms);
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
        int over = store_txn_touch(view, path, STORE_TOUCHED);
        return over ? over : error;
    }
    error = store_txn_touch(view, path, value ? STORE_PUT : STORE_TOUCHED);
    if (!error && value) {
        store_view_put(view, path, value, value_bytes, NULL);
    }
    return error;
}

int
store_view_remove(struct store_view *view, const char *path)
{
    const struct store_node *node;
    int error = store_txn_touch(view, path, STORE_TOUCHED);

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
        store_txn_touch_removed(view->txn, path);
    } else {
        store_watch_fire_removal(view->store, path);
    }
    struct store_edit edit = store_view_edit(view);
    store_tree_remove(view_root(view), path, &edit);
    return 0;
}

int
store_view_set_perms(struct store_view *view, const char *path,
                     const struct store_perms *perms)
{
    const struct store_node *node;
    int error = store_txn_touch(view, path, STORE_TOUCHED);

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
    error = store_txn_touch(view, path, STORE_PUT);
    if (!error) {
        store_view_put(view, path, NULL, 0, perms);
    }
    return error;
}
