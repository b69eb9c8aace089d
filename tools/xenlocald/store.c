#include "tools/xenlocald/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xenlocald/store_private.h"

const struct store_quota store_quota_default = {
    .nodes = 1000,
    .value_bytes = 2048,
    .perms = 5,
    .watches = 128,
    .transactions = 10,
    .transaction_nodes = 1024,
    .connections = 16,
    .events = 256,
};

/* Every store_domain lives until the store goes: domids are not used again,
 * and nodes may outlive their owner. */
struct store *
store_create(const struct store_quota *quota)
{
    struct store *store = store_alloc(sizeof *store);

    memset(store, 0, sizeof *store);
    store->quota = *quota;
    store->busy_tail = &store->busy;
    store->root = store_tree_create();
    store->usage.nodes = 1;
    store->special[STORE_INTRODUCE_DOMAIN].n = 1;
    store->special[STORE_RELEASE_DOMAIN].n = 1;
    return store;
}

void
store_destroy(struct store *store)
{
    if (!store) {
        return;
    }
    for (size_t i = 0; i < store->n_domains; i++) {
        free(store->domains[i]);
    }
    free(store->domains);
    store_node_unref(store->root);
    free(store);
}

struct store_domain *
store_domain_find(const struct store *store, uint32_t domid)
{
    return domid < store->n_domains ? store->domains[domid] : NULL;
}

void
store_domain_add(struct store *store, uint32_t domid)
{
    struct store_domain *domain = store_domain_find(store, domid);

    if (domid >= store->n_domains) {
        size_t n = domid + 1 + domid / 2;

        store->domains = store_resize(store->domains,
                                      n * sizeof *store->domains);
        memset(store->domains + store->n_domains, 0,
               (n - store->n_domains) * sizeof *store->domains);
        store->n_domains = n;
    }
    if (!domain) {
        domain = store_alloc(sizeof *domain);
        *domain = (struct store_domain) { .domid = domid };
        store->domains[domid] = domain;
    }
}

void
store_domain_introduce(struct store *store, uint32_t domid)
{
    store_domain_find(store, domid)->introduced = true;
    store_watch_fire_special(store, STORE_INTRODUCE_DOMAIN);
}

void
store_domain_release(struct store *store, uint32_t domid)
{
    struct store_domain *domain = store_domain_find(store, domid);

    domain->introduced = false;
    for (struct store_conn *conn = store->conns; conn; conn = conn->next) {
        if (conn->domain == domain) {
            store_conn_cut(conn);
        }
    }
    store_watch_fire_special(store, STORE_RELEASE_DOMAIN);
}

void
store_domain_remove(struct store *store, uint32_t domid)
{
    struct store_domain *domain = store_domain_find(store, domid);

    if (domain && !domain->is_dead) {
        domain->is_dead = true;
        store_domain_release(store, domid);
    }
}

void
store_write(struct store *store, const char *path, const char *value,
            uint32_t owner)
{
    struct store_view view = { .store = store };
    struct store_perms perms = { .n = 1, .entry = { { .domid = owner } } };
    bool is_new = !store_tree_get(store->root, path);

    store_view_write(&view, path, value, strlen(value));
    if (is_new && owner) {
        store_view_set_perms(&view, path, &perms);
    }
}

void
store_remove(struct store *store, const char *path)
{
    struct store_view view = { .store = store };

    store_view_remove(&view, path);
}

static void
walk(const struct store_node *node, char *path, size_t bytes,
     void (*cb)(void *aux, const char *path, const struct store_node *),
     void *aux)
{
    cb(aux, bytes ? path : "/", node);
    for (size_t i = 0; i < node->n_children; i++) {
        const struct store_node *child = node->children[i];
        int n = snprintf(path + bytes, STORE_PATH_BYTES - bytes, "/%s",
                         child->name);

        walk(child, path, bytes + n, cb, aux);
        path[bytes] = '\0';
    }
}

bool
store_walk(const struct store *store, const char *given,
           void (*cb)(void *aux, const char *path, const struct store_node *),
           void *aux)
{
    char path[STORE_PATH_BYTES];
    const struct store_node *node;

    if (store_path_resolve(0, given, false, path)) {
        return false;
    }
    node = store_tree_get(store->root, path);
    if (node) {
        walk(node, path, strcmp(path, "/") ? strlen(path) : 0, cb, aux);
    }
    return node != NULL;
}

void
store_usage(const struct store *store, struct store_usage *usage)
{
    *usage = store->usage;
}

int64_t
store_run(struct store *store, int64_t now_ms)
{
    bool any_held = false;

    store->now_ms = now_ms;
    if (store->hold_check_ms && now_ms >= store->hold_check_ms) {
        for (struct store_conn *conn = store->conns; conn;
             conn = conn->next) {
            store_conn_set_busy(conn);
            any_held |= conn->domain->held_until_ms > now_ms;
        }
        store->hold_check_ms = any_held ? now_ms + STORE_HOLD_MS : 0;
    }
    return store->hold_check_ms ? store->hold_check_ms : INT64_MAX;
}
