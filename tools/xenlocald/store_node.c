/* Requests on nodes, in or out of a transaction. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

static struct store_node *
find(struct store_call *call, bool own, const char **left)
{
    return store_tree_find(call->path[0] == '@' ? &call->store->special
                           : call->txn ? &call->txn->root
                           : &call->store->root, call->path, own, left);
}

/* Notes in a transaction that it depends on the node at 'path' and, if
 * 'names', on which are below. */
static void
touch(struct store_call *call, bool names)
{
    if (call->txn) {
        names |= simap_get(&call->txn->touched, call->path);
        simap_put(&call->txn->touched, call->path, names);
    }
}

int
store_node_look_up(struct store_call *call, uint32_t access, bool names)
{
    struct store_txn *txn = call->txn;

    if (txn && !simap_contains(&txn->touched, call->path)
        && !store_fits(call, STORE_TRANSACTION_NODES,
                       simap_count(&txn->touched) + 1)) {
        return ENOSPC;
    }
    if (txn && access > STORE_READ
        && !store_fits(call, STORE_TRANSACTION_NODES, ++txn->n_log)) {
        return ENOSPC;
    }
    touch(call, names);
    call->node = find(call, false, &call->left);
    return !(store_perms_for(call->node->data, call->domain->domid) & access)
           ? EACCES : *call->left ? ENOENT : 0;
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
        ds_put_format(&call->reply, "%"PRIu64"%c", node->children_generation,
                      0);
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

/* Sets the node at 'path' or makes it: its parent exists.  'rest' is its
 * value. */
static void
put(struct store_call *call, const char *perms, size_t perms_bytes)
{
    uint64_t generation = ++call->store->generation;
    const char *left;
    struct store_node *node = find(call, true, &left);

    node->writer = call->domain->domid;
    if (*left) {
        node->children_generation = generation;
        node = store_node_add(node, left);
        node->writer = call->domain->domid;
        node->children_generation = generation;
    } else {
        count(call, node->data, -1);
    }
    node->generation = generation;
    count(call, perms, 1);

    char *old = store_node_set(node, perms, perms_bytes, call->rest,
                               call->rest_bytes);
    if (!call->txn && call->path[0] == '/') {
        store_watch_fire(call->store, call->path, old);
    }
    free(old);
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
    if (!store_fits(call, STORE_NODES, n_new)) {
        return ENOSPC;
    }
    ds_put_format(&perms, "%c%"PRIu32"%c", *node->data,
                  domid ? domid : store_perms_owner(node->data), 0);
    ds_put_buffer(&perms, others, node->data + node->perms_bytes - others);

    *end = '\0';
    touch(call, false);
    while (end) {
        *end = '/';
        end = strchr(end + 1, '/');
        if (end) {
            *end = '\0';
        }
        touch(call, false);
        call->rest_bytes = end ? 0 : value_bytes;
        put(call, perms.string, perms.length);
    }
    ds_destroy(&perms);
    return 0;
}

/* WRITE, and MKDIR, which leaves a node that exists alone. */
int
store_node_write(struct store_call *call)
{
    if (!store_fits(call, STORE_VALUE_BYTES, call->rest_bytes)) {
        return ENOSPC;
    } else if (*call->left) {
        return create(call);
    } else if (call->header.type == XS_WRITE) {
        put(call, call->node->data, call->node->perms_bytes);
    }
    return 0;
}

/* That the node is gone already is fine, if it could have been there. */
int
store_node_rm(struct store_call *call)
{
    char *slash = strrchr(call->path, '/');
    struct store_node *parent;

    if (*call->left) {
        return strchr(call->left, '/') ? ENOENT : 0;
    } else if (!call->path[1]) {
        return EINVAL;
    }
    if (!call->txn) {
        store_watch_fire_removal(call->store, call->path);
    }
    count_removed(call, call->node);
    *slash = '\0';
    parent = find(call, true, &call->left);
    parent->children_generation = ++call->store->generation;
    parent->writer = call->domain->domid;
    store_node_remove(parent, slash + 1);
    return 0;
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
                : !store_fits(call, STORE_PERMS, n) ? ENOSPC : 0;

    if (!error) {
        call->rest = node->data + node->perms_bytes;
        call->rest_bytes = node->value_bytes;
        put(call, perms.string, perms.length);
    }
    ds_destroy(&perms);
    return error;
}

