/* The tree.  Writers copy the nodes of the path they change that somebody
 * else holds too. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

struct store_node *
store_node_create(const char *name)
{
    size_t bytes = strlen(name) + 1;
    struct store_node *node = xzalloc(sizeof *node + bytes);

    node->refs = 1;
    memcpy(node->name, name, bytes);
    store_node_set(node, "n0\0", 4, "", 0);
    return node;
}

void
store_node_unref(struct store_node *node)
{
    if (--node->refs) {
        return;
    }
    for (size_t i = 0; i < node->n_children; i++) {
        store_node_unref(node->children[i]);
    }
    free(node->children);
    free(node->data);
    free(node);
}

struct store_node *
store_node_copy(const struct store_node *old)
{
    struct store_node *node = xmemdup(old,
                                      sizeof *old + strlen(old->name) + 1);

    node->refs = 1;
    node->data = xmemdup(old->data, old->perms_bytes + old->value_bytes);
    node->children = xmalloc(old->n_children * sizeof *node->children);
    for (size_t i = 0; i < node->n_children; i++) {
        node->children[i] = old->children[i];
        node->children[i]->refs++;
    }
    return node;
}

/* Makes '*slot' a node that nobody else holds. */
static struct store_node *
node_own(struct store_node **slot)
{
    struct store_node *old = *slot;

    if (old->refs > 1) {
        *slot = store_node_copy(old);
        old->refs--;
    }
    return *slot;
}

/* The index of the child 'name', or where it would go. */
static size_t
child_find(const struct store_node *node, const char *name, size_t bytes,
           bool *found)
{
    size_t low = 0, high = node->n_children;

    *found = false;
    while (low < high && !*found) {
        size_t middle = (low + high) / 2;
        const char *other = node->children[middle]->name;
        int order = strncmp(other, name, bytes);

        *found = !order && !other[bytes];
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high;
}

struct store_node *
store_tree_find(struct store_node **slot, const char *path, bool own,
                const char **left)
{
    for (bool found = true;; path += strcspn(path, "/")) {
        struct store_node *node = own ? node_own(slot) : *slot;

        path += *path == '/';
        *left = path;
        size_t i = child_find(node, path, strcspn(path, "/"), &found);
        if (!*path || !found) {
            return node;
        }
        slot = &node->children[i];
    }
}

struct store_node *
store_node_add(struct store_node *parent, const char *name)
{
    bool found;
    size_t i = child_find(parent, name, strlen(name), &found);
    size_t n = parent->n_children;

    if (found) {
        return parent->children[i];
    }
    parent->n_children++;

    struct store_node **children
        = xrealloc(parent->children, (n + 1) * sizeof *children);

    memmove(&children[i + 1], &children[i], (n - i) * sizeof *children);
    children[i] = store_node_create(name);
    parent->children = children;
    return children[i];
}

void
store_node_remove(struct store_node *parent, const char *name)
{
    bool found;
    size_t i = child_find(parent, name, strlen(name), &found);
    struct store_node **child = &parent->children[i];

    if (!found) {
        return;
    }

    size_t n_after = --parent->n_children - i;
    store_node_unref(*child);
    memmove(child, child + 1, n_after * sizeof *child);
}

char *
store_node_set(struct store_node *node, const char *perms, size_t perms_bytes,
               const char *value, size_t value_bytes)
{
    char *old = node->data;

    node->data = xmalloc(perms_bytes + value_bytes);
    memcpy(node->data, perms, perms_bytes);
    memcpy(node->data + perms_bytes, value, value_bytes);
    node->perms_bytes = perms_bytes;
    node->value_bytes = value_bytes;
    return old;
}
