/* Requests on nodes, in or out of a transaction. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

/* The node at 'path' or its nearest ancestor; the caller may change what a
 * transaction sees, and with 'own' what the tree has. */
static struct store_node *
find(struct store_call *call, bool own, const char **left)
{
    if (call->txn) {
        return store_txn_find_node(call->store, call->txn, call->path,
                                   left)->copy;
    }
    return store_tree_find(call->path[0] == '@' ? &call->store->special
                           : &call->store->root, call->path, own, left);
}

/* What a transaction sees of the path of the node above, which the path that
 * ends at 'slash' has. */
static struct store_seen *
look_above(struct store_call *call, const char *slash)
{
    return store_txn_look(call->store, call->txn, call->path,
                          slash - call->path);
}

int
store_node_look_up(struct store_call *call, uint32_t access)
{
    struct store_txn *txn = call->txn;

    if (txn && !store_txn_seen(txn, call->path)
        && !store_fits(call, STORE_TRANSACTION_NODES,
                       hmap_count(&txn->seen) + 1)) {
        return ENOSPC;
    }
    if (txn && access > STORE_READ
        && !store_fits(call, STORE_TRANSACTION_NODES, ++txn->n_log)) {
        return ENOSPC;
    }
    call->node = find(call, false, &call->left);
    if (store_perms_for(call->node->data, call->domain->domid) & access) {
        return *call->left ? ENOENT : 0;
    }
    if (txn && !*call->left && call->path[1]) {
        look_above(call, strrchr(call->path, '/'));
    }
    return EACCES;
}

/* READ and GET_PERMS. */
int
store_node_read(struct store_call *call)
{
    const struct store_node *node = call->node;

    if (call->header.type == XS_READ) {
        ds_put_buffer(&call->reply, node->data + node->perms_bytes,
                      node->value_bytes);
    } else {
        ds_put_buffer(&call->reply, node->data, node->perms_bytes - 1);
    }
    return 0;
}

/* The names below a node, all or those from a byte of their list on. */
int
store_node_directory(struct store_call *call)
{
    bool is_part = call->header.type == XS_DIRECTORY_PART;
    const struct store_node *node = call->node;
    uint32_t offset = 0, from = 0;

    if (is_part) {
        if (!store_parse_number(call->args[1], &from)) {
            return EINVAL;
        }
        ds_put_format(&call->reply, "%"PRIu64"%c", node->generation, 0);
    }
    for (size_t i = 0; i < node->n_children; i++) {
        size_t bytes = strlen(node->children[i]->name) + 1;

        if (offset >= from) {
            if (call->reply.length + bytes + is_part > XENSTORE_PAYLOAD_MAX) {
                return is_part ? 0 : E2BIG;
            }
            ds_put_buffer(&call->reply, node->children[i]->name, bytes);
        }
        offset += bytes;
    }
    ds_put_buffer(&call->reply, "", is_part);
    return 0;
}

static void
count(struct store_call *call, const char *perms, int n)
{
    uint32_t owner = store_perms_owner(perms);

    if (!call->txn) {
        store_domain_get(call->store, owner, true)->used[STORE_NODES] += n;
    } else if (owner == call->domain->domid) {
        call->txn->n_nodes += n;
    }
}

static void
count_removed(struct store_call *call, const struct store_node *node)
{
    count(call, node->data, -1);
    for (size_t i = 0; i < node->n_children; i++) {
        count_removed(call, node->children[i]);
    }
}

/* In a transaction: sets the node at 'path' or makes it. */
static void
put_seen(struct store_call *call, const char *perms, size_t perms_bytes,
         bool tells)
{
    struct store_seen *seen = store_txn_look(call->store, call->txn,
                                             call->path, strlen(call->path));

    if (!seen->copy) {
        char *slash = strrchr(call->path, '/');

        struct store_seen *above = look_above(call, slash);
        size_t n_before = above->copy->n_children;

        /* xenstored adds the name once more if the node was removed in the tree
         * since the transaction saw it listed. */
        store_node_add(above->copy, slash + 1);
        above->twice |= above->copy->n_children == n_before;
        seen->copy = store_node_create(slash + 1);
    } else {
        count(call, seen->copy->data, -1);
    }
    seen->written |= tells;
    count(call, perms, 1);
    free(store_node_set(seen->copy, perms, perms_bytes, call->rest,
                        call->rest_bytes));
}

/* Sets the node at 'path' or makes it: its parent exists.  'rest' is its
 * value.  Watchers are told if it is what was asked for, not one that was
 * missing above that. */
static void
put(struct store_call *call, const char *perms, size_t perms_bytes,
    bool tells)
{
    const char *left;

    if (call->txn) {
        put_seen(call, perms, perms_bytes, tells);
        return;
    }

    uint64_t generation = ++call->store->generation;
    struct store_node *node = find(call, true, &left);

    node->writer = call->domain->domid;
    node->generation = generation;
    if (*left) {
        node = store_node_add(node, left);
        node->writer = call->domain->domid;
        node->generation = generation;
    } else {
        count(call, node->data, -1);
    }
    count(call, perms, 1);

    char *old = store_node_set(node, perms, perms_bytes, call->rest,
                               call->rest_bytes);
    if (tells && call->path[0] == '/') {
        store_watch_fire(call->store, call->path, old);
    }
    free(old);
}

static size_t
count_perms(const char *perms)
{
    size_t n = 0;

    while (*perms) {
        perms += strlen(perms) + 1;
        n++;
    }
    return n;
}

static size_t
children_bytes(const struct store_node *node)
{
    size_t bytes = 0;

    for (size_t i = 0; i < node->n_children; i++) {
        bytes += strlen(node->children[i]->name) + 1;
    }
    return bytes;
}

/* As xenstored (4.17) keeps a node: a header, the permissions, the value, the
 * children's names. */
static bool
node_fits(const struct store_call *call, size_t n_perms, size_t value_bytes,
          size_t names_bytes)
{
    return store_fits(call, STORE_NODE_BYTES,
                      24 + 8 * n_perms + value_bytes + names_bytes);
}

/* May the node at 'path' and those missing above it be made?  'left' begins with
 * the name of the first that is missing. */
static bool
may_grow(const struct store_call *call, const char *left)
{
    const struct store_node *node = call->node;
    size_t n_perms = count_perms(node->data);
    size_t name_bytes = strcspn(left, "/") + 1;
    bool fits = node_fits(call, n_perms, node->value_bytes,
                          children_bytes(node) + name_bytes);

    while (fits && left[name_bytes - 1]) {
        left += name_bytes;
        name_bytes = strcspn(left, "/") + 1;
        fits = node_fits(call, n_perms, 0, name_bytes);
    }
    return fits && node_fits(call, n_perms, call->rest_bytes, 0);
}

/* Makes the node at 'path' and those missing above it; they inherit from the
 * nearest ancestor that is there. */
static int
create(struct store_call *call)
{
    const struct store_node *node = call->node;
    const char *others = node->data + strlen(node->data) + 1;
    uint32_t domid = call->domain->domid;
    struct ds perms = DS_EMPTY_INITIALIZER;
    char *end = call->path + (call->left - call->path) - 1;
    long n_new = call->txn ? call->txn->n_nodes : 0;
    size_t value_bytes = call->rest_bytes;

    for (const char *p = end; p; p = strchr(p + 1, '/')) {
        n_new++;
    }
    if (!store_fits(call, STORE_NODES, n_new)
        || !may_grow(call, call->left)) {
        return ENOSPC;
    }
    ds_put_format(&perms, "%c%"PRIu32"%c", *node->data,
                  domid ? domid : store_perms_owner(node->data), 0);
    ds_put_buffer(&perms, others, node->data + node->perms_bytes - others);

    while (end) {
        *end = '/';
        end = strchr(end + 1, '/');
        if (end) {
            *end = '\0';
        }
        call->rest_bytes = end ? 0 : value_bytes;
        put(call, perms.string, perms.length, !end);
    }
    ds_destroy(&perms);
    return 0;
}

/* WRITE, and MKDIR, which leaves a node that exists alone. */
int
store_node_write(struct store_call *call)
{
    const struct store_node *node = call->node;

    if (*call->left) {
        return create(call);
    } else if (call->header.type == XS_WRITE) {
        if (!node_fits(call, count_perms(node->data), call->rest_bytes,
                       children_bytes(node))) {
            return ENOSPC;
        }
        put(call, call->node->data, call->node->perms_bytes, true);
    }
    return 0;
}

/* In a transaction: is all there that is said to be below 'path', once?  It is not
 * if somebody removed it in the tree. */
static bool
is_whole(struct store_call *call, const char *path)
{
    const struct store_seen *seen
        = store_txn_look(call->store, call->txn, path, strlen(path));
    const struct store_node *node = seen->copy;
    bool whole = node && !seen->twice;

    for (size_t i = 0; whole && i < node->n_children; i++) {
        char *child = xasprintf("%s/%s", path, node->children[i]->name);

        whole = is_whole(call, child);
        free(child);
    }
    return whole;
}

/* In a transaction: removes 'path' and all below. */
static void
remove_seen(struct store_call *call, const char *path)
{
    struct store_seen *seen = store_txn_look(call->store, call->txn, path,
                                             strlen(path));
    struct store_node *node = seen->copy;

    for (size_t i = 0; i < node->n_children; i++) {
        char *child = xasprintf("%s/%s", path, node->children[i]->name);

        remove_seen(call, child);
        free(child);
    }
    count(call, node->data, -1);
    store_node_unref(node);
    seen->copy = NULL;
    seen->written = true;
}

static void
remove_live(struct store_call *call, char *slash)
{
    struct store_node *parent;

    store_watch_fire_removal(call->store, call->path);
    count_removed(call, call->node);
    *slash = '\0';
    parent = find(call, true, &call->left);
    parent->generation = ++call->store->generation;
    parent->writer = call->domain->domid;
    store_node_remove(parent, slash + 1);
}

/* That the node is gone already is fine, if it could have been there. */
int
store_node_rm(struct store_call *call)
{
    char *slash = strrchr(call->path, '/');

    if (*call->left) {
        return strchr(call->left, '/') ? ENOENT : 0;
    } else if (!call->path[1]) {
        return EINVAL;
    }
    if (!call->txn) {
        remove_live(call, slash);
    } else {
        struct store_seen *above = look_above(call, slash);

        if (!above->copy) {
            return EINVAL;              /* Somebody removed it meanwhile. */
        } else if (!is_whole(call, call->path)) {
            return EIO;
        }
        remove_seen(call, call->path);
        store_node_remove(above->copy, slash + 1);
    }
    return 0;
}

int
store_node_check_perms(const struct store_call *call)
{
    struct ds perms = DS_EMPTY_INITIALIZER;
    long n_strings = 0;

    for (size_t i = 0; i < call->rest_bytes; i++) {
        n_strings += !call->rest[i];
    }
    if (!store_fits(call, STORE_PERMS, n_strings)) {
        return ENOSPC;
    }

    size_t n = store_parse_perms(call->rest, call->rest_bytes, &perms);
    uint32_t owner = n ? store_perms_owner(perms.string) : 0;
    const struct store_domain *domain = store_domain_get(call->store, owner,
                                                         false);

    ds_destroy(&perms);
    return !n ? EINVAL
           : owner && !(domain && domain->introduced) ? ENOENT : 0;
}

int
store_node_set_perms(struct store_call *call)
{
    const struct store_node *node = call->node;
    uint32_t domid = call->domain->domid;
    struct ds perms = DS_EMPTY_INITIALIZER;
    size_t n = store_parse_perms(call->rest, call->rest_bytes, &perms);
    int error = !n ? EINVAL
                : *call->left ? ENOENT
                : domid && call->path[0] == '@' ? EACCES
                : domid && store_perms_owner(perms.string) != domid ? EPERM
                : !node_fits(call, n, node->value_bytes, children_bytes(node))
                ? ENOSPC : 0;

    if (!error) {
        call->rest = node->data + node->perms_bytes;
        call->rest_bytes = node->value_bytes;
        put(call, perms.string, perms.length, true);
    }
    ds_destroy(&perms);
    return error;
}

