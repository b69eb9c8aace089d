/* Watches and their events.
 *
 * Watches hang in a hash table by path, so that a change looks up only the
 * changed path and its ancestors.  The queue of events is bounded: past the
 * bound a watch fires for its own path, once. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

void
store_watch_queue(struct store_watch *watch, const char *path)
{
    struct store_conn *conn = watch->conn;
    size_t token_bytes = strlen(watch->token) + 1;
    struct ds payload = DS_EMPTY_INITIALIZER;

    if (conn->n_events >= store_limit(conn->domain, STORE_EVENTS)
        || strlen(path + watch->strip_bytes) + 1 + token_bytes
           > XENSTORE_PAYLOAD_MAX) {
        path = watch->path;
    }
    ds_put_cstr(&payload, path + watch->strip_bytes);
    ds_put_char(&payload, '\0');
    ds_put_buffer(&payload, watch->token, token_bytes);
    store_conn_queue(conn, &(struct xsd_sockmsg) { XS_WATCH_EVENT, 0, 0,
                                                   payload.length },
                     payload.string);
    ds_destroy(&payload);
}

struct store_watch *
store_watch_find(struct store_conn *conn, const char *path, const char *token)
{
    struct store_watch *watch;

    HMAP_FOR_EACH_WITH_HASH (watch, node, hash_bytes(path, strlen(path), 0),
                             &conn->store->watches) {
        if (watch->conn == conn && !strcmp(watch->path, path)
            && !strcmp(watch->token, token)) {
            return watch;
        }
    }
    return NULL;
}

struct store_watch *
store_watch_create(struct store_conn *conn, const char *path,
                   const char *given, const char *token)
{
    struct store_watch *watch = xzalloc(sizeof *watch);

    watch->conn = conn;
    watch->strip_bytes = strlen(path) - strlen(given);
    watch->path = xstrdup(path);
    watch->token = xstrdup(token);
    hmap_insert(&conn->store->watches, &watch->node,
                hash_bytes(path, strlen(path), 0));
    ovs_list_push_back(&conn->watches, &watch->conn_node);
    conn->domain->used[STORE_WATCHES]++;
    return watch;
}

void
store_watch_destroy(struct store_watch *watch)
{
    hmap_remove(&watch->conn->store->watches, &watch->node);
    ovs_list_remove(&watch->conn_node);
    watch->conn->domain->used[STORE_WATCHES]--;
    free(watch->path);
    free(watch->token);
    free(watch);
}

/* May 'watch''s domain know that 'path' changed, whose permissions were 'old'
 * (null: it is new)?  If it may read it, before or after, or its parent. */
static bool
may_know(const struct store_watch *watch, const char *path, const char *old)
{
    struct store *store = watch->conn->store;
    uint32_t domid = watch->conn->domain->domid;
    const char *slash = strrchr(path, '/');
    char *parent = xmemdup0(path, slash ? slash - path : 1);
    uint32_t access
        = store_perms_for(store_nearest(store, path)->data, domid)
          | store_perms_for(store_nearest(store, parent)->data, domid)
          | (old ? store_perms_for(old, domid) : 0);

    free(parent);
    return access & STORE_READ;
}

/* Fires the watches on the first 'bytes' bytes of 'path'. */
static void
fire_at(struct store *store, const char *path, size_t bytes, const char *old)
{
    struct store_watch *watch;

    HMAP_FOR_EACH_WITH_HASH (watch, node, hash_bytes(path, bytes, 0),
                             &store->watches) {
        if (!strncmp(watch->path, path, bytes) && !watch->path[bytes]
            && may_know(watch, path, old)) {
            store_watch_queue(watch, path);
        }
    }
}

void
store_watch_fire(struct store *store, const char *path, const char *old)
{
    size_t length = strlen(path);

    for (size_t i = 1; i <= length; i++) {
        if (i == 1 || i == length || path[i] == '/') {
            fire_at(store, path, i, old);
        }
    }
}

static void
fire_removed(void *store, const char *path, const char *perms OVS_UNUSED,
             const char *value OVS_UNUSED, size_t value_bytes OVS_UNUSED)
{
    fire_at(store, path, strlen(path), NULL);
}

void
store_watch_fire_removal(struct store *store, const char *path)
{
    store_watch_fire(store, path, NULL);
    store_walk(store, path, fire_removed, store);
}
