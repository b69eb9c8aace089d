/* Watches and their events.
 *
 * Watches hang in a hash table by path, so that a change looks up only the
 * changed path and its ancestors.  An event that waits on a connection
 * already is not queued again, and the queue is bounded: past the bound a
 * watch fires for its own path, once. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#define DOM0_EVENTS 8192

struct store_watch {
    struct store_watch *next_in_bucket;
    struct store_watch *next;           /* On the same connection. */
    struct store_conn *conn;
    uint32_t hash;                      /* Of 'path'. */
    size_t strip_bytes;                 /* Of an event's path: the client
                                         * gave a relative one. */
    char *path;
    char *token;
};

const char *const store_special_names[STORE_N_SPECIAL] = {
    [STORE_INTRODUCE_DOMAIN] = "@introduceDomain",
    [STORE_RELEASE_DOMAIN] = "@releaseDomain",
};

/* FNV-1a, so that a path's hash goes on from its parent's. */
#define HASH_START 2166136261u

static uint32_t
hash_byte(uint32_t hash, char c)
{
    return (hash ^ (uint8_t) c) * 16777619u;
}

static uint32_t
hash_bytes(uint32_t hash, const void *p_, size_t n)
{
    const char *p = p_;

    for (size_t i = 0; i < n; i++) {
        hash = hash_byte(hash, p[i]);
    }
    return hash;
}

static bool
is_queued(const struct store_conn *conn, const void *payload, size_t bytes,
          uint32_t hash)
{
    const struct store_message *m = conn->head;

    if (m && conn->head_sent) {
        m = m->next;                    /* Partly gone: does not count. */
    }
    for (; m; m = m->next) {
        if (m->is_event && m->hash == hash
            && m->bytes == STORE_HEADER_BYTES + bytes
            && !memcmp(m->data + STORE_HEADER_BYTES, payload, bytes)) {
            return true;
        }
    }
    return false;
}

static void
queue_event(struct store_watch *watch, const char *path)
{
    struct store_conn *conn = watch->conn;
    uint32_t limit = conn->domain->domid ? conn->store->quota.events
                                         : DOM0_EVENTS;
    char payload[STORE_PAYLOAD_BYTES];

    if (conn->cut) {
        return;
    }
    if (conn->n_events >= limit && path[0] == '/') {
        path = watch->path;
    }
    path += watch->strip_bytes;

    size_t path_bytes = strlen(path) + 1;
    size_t token_bytes = strlen(watch->token) + 1;
    if (path_bytes + token_bytes > sizeof payload) {
        return;
    }
    memcpy(payload, path, path_bytes);
    memcpy(payload + path_bytes, watch->token, token_bytes);

    size_t bytes = path_bytes + token_bytes;
    uint32_t hash = hash_bytes(HASH_START, payload, bytes);
    if (!is_queued(conn, payload, bytes, hash)) {
        store_conn_queue(conn, XS_WATCH_EVENT, 0, 0, payload, bytes, hash);
    }
}

static struct store_watch *
watch_find(struct store_conn *conn, const char *path, const char *token)
{
    struct store_watch *watch = conn->watches;

    while (watch
           && (strcmp(watch->path, path) || strcmp(watch->token, token))) {
        watch = watch->next;
    }
    return watch;
}

int
store_watch_check(struct store_conn *conn, const char *path,
                  const char *token)
{
    if (watch_find(conn, path, token)) {
        return EEXIST;
    }
    return conn->domain->domid
           && conn->domain->n_watches >= conn->store->quota.watches
           ? E2BIG : 0;
}

void
store_watch_add(struct store_conn *conn, const char *path, const char *given,
                const char *token)
{
    struct store *store = conn->store;
    struct store_watch *watch = store_alloc(sizeof *watch);
    *watch = (struct store_watch) {
        .conn = conn,
        .next = conn->watches,
        .hash = hash_bytes(HASH_START, path, strlen(path)),
        .strip_bytes = strlen(path) - strlen(given),
        .path = store_copy(path, strlen(path) + 1),
        .token = store_copy(token, strlen(token) + 1),
    };
    conn->watches = watch;

    struct store_watch **bucket = &store->buckets[watch->hash % WATCH_BUCKETS];
    watch->next_in_bucket = *bucket;
    *bucket = watch;

    conn->domain->n_watches++;
    store->usage.watches++;
    queue_event(watch, watch->path);
}

static void
watch_destroy(struct store_watch *watch)
{
    struct store_conn *conn = watch->conn;
    struct store_watch **link
        = &conn->store->buckets[watch->hash % WATCH_BUCKETS];

    while (*link != watch) {
        link = &(*link)->next_in_bucket;
    }
    *link = watch->next_in_bucket;

    for (link = &conn->watches; *link != watch; link = &(*link)->next) {
        continue;
    }
    *link = watch->next;

    conn->domain->n_watches--;
    conn->store->usage.watches--;
    free(watch->path);
    free(watch->token);
    free(watch);
}

int
store_watch_remove(struct store_conn *conn, const char *path,
                   const char *token)
{
    struct store_watch *watch = watch_find(conn, path, token);

    if (!watch) {
        return ENOENT;
    }
    watch_destroy(watch);
    return 0;
}

void
store_watch_remove_all(struct store_conn *conn)
{
    while (conn->watches) {
        watch_destroy(conn->watches);
    }
}

static bool
may_read(const struct store_perms *perms, const struct store_watch *watch)
{
    return perms
           && store_perms_for(perms, watch->conn->domain->domid) & STORE_READ;
}

/* A changed node: who may know of it. */
struct change {
    const char *path;
    const struct store_perms *before, *after, *parent;
};

static void
fire_at(struct store *store, const struct change *change,
        const char *watched, size_t watched_bytes, uint32_t hash)
{
    for (struct store_watch *watch = store->buckets[hash % WATCH_BUCKETS];
         watch; watch = watch->next_in_bucket) {
        if (watch->hash == hash
            && !strncmp(watch->path, watched, watched_bytes)
            && !watch->path[watched_bytes]
            && (may_read(change->before, watch)
                || may_read(change->after, watch)
                || may_read(change->parent, watch))) {
            queue_event(watch, change->path);
        }
    }
}

static const struct store_perms *
parent_perms(const struct store *store, const char *path)
{
    char parent[STORE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    const struct store_node *node;
    size_t bytes = slash - path;

    memcpy(parent, path, bytes);
    parent[bytes] = '\0';
    node = store_tree_get(store->root, bytes ? parent : "/");
    return node ? &node->perms : NULL;
}

static struct change
change_of(const struct store *store, const char *path,
          const struct store_perms *before)
{
    const struct store_node *node = store_tree_get(store->root, path);

    return (struct change) {
        .path = path,
        .before = before,
        .after = node ? &node->perms : NULL,
        .parent = parent_perms(store, path),
    };
}

void
store_watch_fire(struct store *store, const char *path,
                 const struct store_perms *before)
{
    struct change change = change_of(store, path, before);
    uint32_t hash = HASH_START;

    fire_at(store, &change, "/", 1, hash_byte(hash, '/'));
    if (!path[1]) {
        return;
    }
    for (size_t i = 0; path[i]; i++) {
        hash = hash_byte(hash, path[i]);
        if (path[i + 1] == '/' || !path[i + 1]) {
            fire_at(store, &change, path, i + 1, hash);
        }
    }
}

void
store_watch_fire_removal(struct store *store, const char *path)
{
    store_watch_fire(store, path, NULL);
    for (size_t i = 0; i < WATCH_BUCKETS; i++) {
        for (struct store_watch *watch = store->buckets[i]; watch;
             watch = watch->next_in_bucket) {
            if (store_path_is_below(watch->path, path)
                && store_tree_get(store->root, watch->path)) {
                struct change change = change_of(store, watch->path, NULL);

                if (may_read(change.after, watch)
                    || may_read(change.parent, watch)) {
                    queue_event(watch, watch->path);
                }
            }
        }
    }
}

void
store_watch_fire_special(struct store *store, enum store_special special)
{
    const char *name = store_special_names[special];
    size_t bytes = strlen(name);
    struct change change = {
        .path = name,
        .before = &store->special[special],
    };

    fire_at(store, &change, name, bytes, hash_bytes(HASH_START, name, bytes));
}
