/* The store's tree: nodes with a value, permissions and children.
 *
 * A tree is shared by counting references, so a snapshot costs nothing:
 * whoever holds a reference to a root sees it unchanged.  Writers copy the
 * nodes of the path they change that somebody else holds too.
 *
 * Thread: one.
 * Errors: none; memory exhaustion aborts.
 * Trust:  paths have gone through store_path_resolve(). */

#ifndef XENLOCALD_STORE_TREE_H
#define XENLOCALD_STORE_TREE_H 1

#include "tools/xenlocald/store_wire.h"

struct store_node {
    uint32_t refs;
    uint32_t writer;                    /* Domain that changed it last. */
    uint64_t generation;                /* Of value and permissions. */
    uint64_t children_generation;       /* Of the set of names below. */
    struct store_perms perms;
    uint8_t *value;
    size_t value_bytes;
    struct store_node **children;       /* Sorted by name. */
    size_t n_children, n_allocated;
    char name[];
};

/* Who changes a tree, with which generation, and who counts the nodes. */
struct store_edit {
    uint64_t generation;
    uint32_t writer;
    void (*count)(void *aux, uint32_t owner, int n_nodes);
    void *aux;
};

/* malloc() and family that abort instead of returning null. */
void *store_alloc(size_t bytes);
void *store_resize(void *, size_t bytes);
void *store_copy(const void *, size_t bytes);

/* A tree that consists of "/", which belongs to domain 0. */
struct store_node *store_tree_create(void);
struct store_node *store_node_ref(struct store_node *);
void store_node_unref(struct store_node *);             /* Accepts NULL. */

/* The node at 'path', or null. */
const struct store_node *store_tree_get(const struct store_node *root,
                                        const char *path);

/* The nearest ancestor of 'path' that exists; 'path_bytes' becomes the length
 * of its path ("/": 0). */
const struct store_node *store_tree_ancestor(const struct store_node *root,
                                             const char *path,
                                             size_t *path_bytes);

/* Copies the names of a node's children, each with its null, into 'text' from
 * byte 'from' of their list on, as many as fit whole.  Returns the bytes
 * used; '*end' says if the list ended. */
size_t store_node_names(const struct store_node *, size_t from, char *text,
                        size_t room, bool *end);

/* Sets value or permissions (null: leaves them) of the node at 'path'; makes
 * it if it is missing, then 'perms' must be given.  Its parent must exist
 * (false otherwise). */
bool store_tree_put(struct store_node **root, const char *path,
                    const void *value, size_t value_bytes,
                    const struct store_perms *, const struct store_edit *);

/* Removes the node at 'path', not "/", and all below it.  False if there is
 * none. */
bool store_tree_remove(struct store_node **root, const char *path,
                       const struct store_edit *);

#endif /* store_tree.h */
