/* The store's life, its domains, and what its own program does with it. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

/* Domain 0's programs: bounded only by what the machine bears. */
#define DOM0_TIMES 1024

const uint32_t store_quota_default[STORE_N_USES] = {
    [STORE_NODES] = 1000,
    [STORE_WATCHES] = 128,
    [STORE_TRANSACTIONS] = 10,
    [STORE_CONNECTIONS] = 16,
    [STORE_EVENTS] = 256,
    [STORE_NODE_BYTES] = 2047,
    [STORE_PERMS] = 5,
    [STORE_TRANSACTION_NODES] = 1024,
};

struct store *
store_create(const uint32_t quota[STORE_N_USES])
{
    struct store *store = xzalloc(sizeof *store);

    memcpy(store->quota, quota, sizeof store->quota);
    store->root = store_node_create("");
    store->special = store_node_create("");
    store_node_add(store->special, "@introduceDomain");
    store_node_add(store->special, "@releaseDomain");
    store->release_ms = INT64_MAX;
    hmap_init(&store->domains);
    hmap_init(&store->watches);
    ovs_list_init(&store->conns);
    ovs_list_init(&store->busy);
    store_domain_get(store, 0, true)->used[STORE_NODES] = 1;
    return store;
}

void
store_destroy(struct store *store)
{
    struct store_domain *domain;

    if (!store) {
        return;
    }
    HMAP_FOR_EACH_POP (domain, node, &store->domains) {
        free(domain);
    }
    hmap_destroy(&store->domains);
    hmap_destroy(&store->watches);
    store_node_unref(store->root);
    store_node_unref(store->special);
    free(store);
}

size_t
store_usage(const struct store *store, enum store_use use)
{
    const struct store_domain *domain;
    long total = 0;

    HMAP_FOR_EACH (domain, node, &store->domains) {
        total += domain->used[use];
    }
    return total;
}

struct store_domain *
store_domain_get(struct store *store, uint32_t domid, bool make)
{
    uint32_t hash = hash_int(domid, 0);
    struct store_domain *domain;

    HMAP_FOR_EACH_WITH_HASH (domain, node, hash, &store->domains) {
        if (domain->domid == domid) {
            return domain;
        }
    }
    if (!make) {
        return NULL;
    }
    domain = xzalloc(sizeof *domain);
    domain->domid = domid;
    domain->quota = store->quota;
    hmap_insert(&store->domains, &domain->node, hash);
    return domain;
}

long
store_limit(const struct store_domain *domain, enum store_use use)
{
    return (long) domain->quota[use] * (domain->domid ? 1 : DOM0_TIMES);
}

bool
store_has_room(const struct store_domain *domain, enum store_use use, long n)
{
    return n <= 0 || domain->used[use] + n <= store_limit(domain, use);
}

void
store_domain_introduce(struct store *store, uint32_t domid)
{
    store_domain_get(store, domid, true)->introduced = true;
    store_watch_fire(store, "@introduceDomain", NULL);
}

void
store_domain_remove(struct store *store, uint32_t domid)
{
    struct store_conn *conn;

    store_domain_get(store, domid, true)->introduced = false;
    LIST_FOR_EACH (conn, node, &store->conns) {
        if (conn->domain->domid == domid) {
            conn->cut = true;
            store_conn_set_busy(conn);
        }
    }
    store_watch_fire(store, "@releaseDomain", NULL);
}

void
store_write(struct store *store, const char *path, const char *value,
            uint32_t owner)
{
    struct ds payload = DS_EMPTY_INITIALIZER;

    ds_put_format(&payload, "%s%c%s", path, 0, value);
    store_request_apply(store, 0, XS_WRITE, payload.string, payload.length);
    ds_truncate(&payload, strlen(path) + 1);
    ds_put_format(&payload, "n%"PRIu32"%c", owner, 0);
    store_request_apply(store, 0, XS_SET_PERMS, payload.string,
                        payload.length);
    ds_destroy(&payload);
}

void
store_remove(struct store *store, const char *path)
{
    store_request_apply(store, 0, XS_RM, path, strlen(path) + 1);
}

struct store_node *
store_nearest(struct store *store, const char *path)
{
    const char *left;

    return store_tree_find(path[0] == '@' ? &store->special : &store->root,
                           path, false, &left);
}

static void
walk(const struct store_node *node, struct ds *path, store_walk_cb *cb,
     void *aux)
{
    size_t bytes = path->length;

    cb(aux, bytes ? ds_cstr(path) : "/", node->data,
       node->data + node->perms_bytes, node->value_bytes);
    for (size_t i = 0; i < node->n_children; i++) {
        ds_put_format(path, "/%s", node->children[i]->name);
        walk(node->children[i], path, cb, aux);
        ds_truncate(path, bytes);
    }
}

bool
store_walk(struct store *store, const char *path, store_walk_cb *cb,
           void *aux)
{
    const char *left;
    struct store_node *node = store_tree_find(&store->root, path, false,
                                              &left);
    struct ds at = DS_EMPTY_INITIALIZER;

    if (!*left) {
        ds_put_cstr(&at, path[1] ? path : "");
        walk(node, &at, cb, aux);
        ds_destroy(&at);
    }
    return !*left;
}

void
store_run(struct store *store, int64_t now_ms)
{
    struct store_conn *conn;

    store->now_ms = now_ms;
    if (now_ms >= store->release_ms) {
        store->release_ms = INT64_MAX;
        LIST_FOR_EACH (conn, node, &store->conns) {
            conn->domain->held = false;
            store_conn_set_busy(conn);
        }
    }
}

int64_t
store_deadline_ms(const struct store *store)
{
    return ovs_list_is_empty(&store->busy) ? store->release_ms : store->now_ms;
}
