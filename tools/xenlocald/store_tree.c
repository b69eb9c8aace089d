#include "tools/xenlocald/store_tree.h"

#include <stdlib.h>
#include <string.h>

void *
store_alloc(size_t bytes)
{
    return store_resize(NULL, bytes);
}

void *
store_resize(void *p, size_t bytes)
{
    p = realloc(p, bytes ? bytes : 1);
    if (!p) {
        abort();
    }
    return p;
}

void *
store_copy(const void *p, size_t bytes)
{
    void *copy = store_alloc(bytes);

    if (bytes) {
        memcpy(copy, p, bytes);
    }
    return copy;
}

static struct store_node *
node_create(const char *name, size_t name_bytes)
{
    struct store_node *node = store_alloc(sizeof *node + name_bytes + 1);

    memset(node, 0, sizeof *node);
    node->refs = 1;
    memcpy(node->name, name, name_bytes);
    node->name[name_bytes] = '\0';
    return node;
}

struct store_node *
store_tree_create(void)
{
    struct store_node *root = node_create("", 0);

    root->perms.n = 1;
    return root;
}

struct store_node *
store_node_ref(struct store_node *node)
{
    node->refs++;
    return node;
}

void
store_node_unref(struct store_node *node)
{
    if (!node || --node->refs) {
        return;
    }
    for (size_t i = 0; i < node->n_children; i++) {
        store_node_unref(node->children[i]);
    }
    free(node->children);
    free(node->value);
    free(node);
}

/* Makes '*slot' a node that nobody else holds. */
static struct store_node *
node_own(struct store_node **slot)
{
    struct store_node *old = *slot;
    struct store_node *node;

    if (old->refs == 1) {
        return old;
    }
    node = store_copy(old, sizeof *old + strlen(old->name) + 1);
    node->refs = 1;
    node->value = store_copy(old->value, old->value_bytes);
    node->n_allocated = old->n_children;
    node->children = store_copy(old->children,
                                old->n_children * sizeof *old->children);
    for (size_t i = 0; i < node->n_children; i++) {
        node->children[i]->refs++;
    }
    old->refs--;
    *slot = node;
    return node;
}

/* Takes the next name off '*path': sets 'name' and its length.  False at the
 * end. */
static bool
next_name(const char **path, const char **name, size_t *bytes)
{
    *name = *path + (**path == '/');
    *bytes = strcspn(*name, "/");
    *path = *name + *bytes;
    return *bytes > 0;
}

/* Index of the child 'name', or where it would go. */
static size_t
child_find(const struct store_node *node, const char *name, size_t bytes,
           bool *found)
{
    size_t low = 0, high = node->n_children;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = node->children[middle]->name;
        int order = strncmp(other, name, bytes);

        if (!order && !other[bytes]) {
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

const struct store_node *
store_tree_ancestor(const struct store_node *node, const char *path,
                    size_t *path_bytes)
{
    const char *rest = path, *name;
    size_t bytes;

    *path_bytes = 0;
    while (next_name(&rest, &name, &bytes)) {
        bool found;
        size_t i = child_find(node, name, bytes, &found);

        if (!found) {
            break;
        }
        node = node->children[i];
        *path_bytes = rest - path;
    }
    return node;
}

const struct store_node *
store_tree_get(const struct store_node *root, const char *path)
{
    size_t bytes;
    const struct store_node *node = store_tree_ancestor(root, path, &bytes);

    return path[bytes] && strcmp(path, "/") ? NULL : node;
}

/* Owns the nodes from '*slot' down to the parent of the last name in 'path'.
 * Returns that parent and sets 'name', or returns null if it is missing.
 * Callers have made sure that it exists if copying is to be avoided. */
static struct store_node *
parent_own(struct store_node **slot, const char *path, const char **name,
           size_t *bytes)
{
    struct store_node *node = node_own(slot);
    const char *rest = path;

    next_name(&rest, name, bytes);
    while (*rest) {
        bool found;
        size_t i = child_find(node, *name, *bytes, &found);

        if (!found) {
            return NULL;
        }
        node = node_own(&node->children[i]);
        next_name(&rest, name, bytes);
    }
    return node;
}

static struct store_node *
child_add(struct store_node *parent, size_t index, const char *name,
          size_t bytes, const struct store_edit *edit)
{
    struct store_node *node = node_create(name, bytes);

    if (parent->n_children == parent->n_allocated) {
        parent->n_allocated = parent->n_allocated * 2 + 4;
        parent->children = store_resize(
            parent->children, parent->n_allocated * sizeof node);
    }
    memmove(&parent->children[index + 1], &parent->children[index],
            (parent->n_children - index) * sizeof node);
    parent->children[index] = node;
    parent->n_children++;
    parent->children_generation = edit->generation;
    parent->writer = edit->writer;
    node->children_generation = edit->generation;
    return node;
}

bool
store_tree_put(struct store_node **root, const char *path, const void *value,
               size_t value_bytes, const struct store_perms *perms,
               const struct store_edit *edit)
{
    struct store_node *node;
    bool found = true;

    if (!strcmp(path, "/")) {
        node = node_own(root);
    } else {
        const char *name;
        size_t bytes;
        struct store_node *parent = parent_own(root, path, &name, &bytes);
        if (!parent) {
            return false;
        }
        size_t i = child_find(parent, name, bytes, &found);
        node = found ? node_own(&parent->children[i])
                     : child_add(parent, i, name, bytes, edit);
    }

    node->generation = edit->generation;
    node->writer = edit->writer;
    if (perms) {
        if (found) {
            edit->count(edit->aux, node->perms.entry[0].domid, -1);
        }
        node->perms = *perms;
        edit->count(edit->aux, node->perms.entry[0].domid, 1);
    }
    if (value) {
        free(node->value);
        node->value = store_copy(value, value_bytes);
        node->value_bytes = value_bytes;
    }
    return true;
}

static void
count_removed(const struct store_node *node, const struct store_edit *edit)
{
    edit->count(edit->aux, node->perms.entry[0].domid, -1);
    for (size_t i = 0; i < node->n_children; i++) {
        count_removed(node->children[i], edit);
    }
}

bool
store_tree_remove(struct store_node **root, const char *path,
                  const struct store_edit *edit)
{
    struct store_node *parent;
    const char *name;
    size_t bytes;
    bool found;

    if (!store_tree_get(*root, path)) {
        return false;
    }
    parent = parent_own(root, path, &name, &bytes);
    size_t i = child_find(parent, name, bytes, &found);
    struct store_node *node = parent->children[i];

    count_removed(node, edit);
    parent->n_children--;
    memmove(&parent->children[i], &parent->children[i + 1],
            (parent->n_children - i) * sizeof node);
    parent->children_generation = edit->generation;
    parent->writer = edit->writer;
    store_node_unref(node);
    return true;
}

size_t
store_node_names(const struct store_node *node, size_t from, char *text,
                 size_t room, bool *end)
{
    size_t offset = 0, used = 0;

    *end = true;
    for (size_t i = 0; i < node->n_children; i++) {
        const char *name = node->children[i]->name;
        size_t bytes = strlen(name) + 1;

        if (offset >= from) {
            if (used + bytes > room) {
                *end = false;
                break;
            }
            memcpy(text + used, name, bytes);
            used += bytes;
        }
        offset += bytes;
    }
    return used;
}
