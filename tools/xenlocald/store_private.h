/* What the store's own files share; nobody else includes this.
 *
 * Thread: one.
 * Errors: 0 or a positive errno, as the wire says it. */

#ifndef XENLOCALD_STORE_PRIVATE_H
#define XENLOCALD_STORE_PRIVATE_H 1

#include "tools/xenlocald/store.h"
#include "tools/xenlocald/store_tree.h"

#define WATCH_BUCKETS 1024
#define STORE_HOLD_MS 20

enum store_special {
    STORE_INTRODUCE_DOMAIN,
    STORE_RELEASE_DOMAIN,
    STORE_N_SPECIAL,
};

struct store_domain {
    uint32_t domid;
    bool introduced;
    bool is_dead;
    int32_t n_nodes;                    /* Below 0 if domain 0 gave it nodes
                                         * before it was known. */
    uint32_t n_watches, n_transactions, n_connections;
    int64_t held_until_ms;
};

struct store {
    struct store_quota quota;
    struct store_node *root;
    uint64_t generation;                /* The last one given out. */
    struct store_domain **domains;      /* By domid; null: unknown. */
    size_t n_domains;
    struct store_conn *conns;
    struct store_conn *busy, **busy_tail;   /* See store_next_busy(). */
    struct store_watch *buckets[WATCH_BUCKETS];
    struct store_perms special[STORE_N_SPECIAL];
    int64_t now_ms;
    int64_t hold_check_ms;              /* 0: no domain is held. */
    struct store_usage usage;
};

struct store_message {
    struct store_message *next;
    bool is_event;
    uint32_t hash;                      /* Of an event's bytes. */
    size_t bytes;
    uint8_t data[];
};

struct store_conn {
    struct store *store;
    struct store_domain *domain;
    void *aux;
    struct store_conn *next, **prev;
    struct store_conn *next_busy, **prev_busy;  /* Null: not busy. */
    bool cut;
    uint32_t last_tx_id;
    struct store_txn *txns;
    struct store_watch *watches;

    uint8_t input[STORE_MESSAGE_BYTES];
    size_t input_bytes;
    struct store_message *head, **tail;
    size_t head_sent;                   /* Bytes of 'head' already taken. */
    uint32_t n_replies, n_events;       /* In the queue. */
};

enum store_touch {
    STORE_TOUCHED = 0,                  /* Its value and permissions. */
    STORE_TOUCHED_CHILDREN = 1,         /* The names below it too. */
    STORE_REMOVED = 2,                  /* With all below, before PUT. */
    STORE_PUT = 4,
};

struct store_touched {
    char *path;
    unsigned int what;                  /* enum store_touch. */
};

struct store_txn {
    struct store_txn *next;
    uint32_t tx_id;
    uint32_t domid;
    struct store_node *base;            /* The tree when it began. */
    struct store_node *root;            /* With its own changes. */
    struct store_touched *touched;      /* Sorted by path: parents first. */
    size_t n_touched, n_allocated;
    long n_nodes;                       /* Made, less removed, by 'domid'. */
};

/* What one request works on: the tree itself or a transaction's view. */
struct store_view {
    struct store *store;
    uint32_t domid;
    struct store_txn *txn;              /* Null: the tree itself. */
};

/* store.c */
struct store_domain *store_domain_find(const struct store *, uint32_t domid);
void store_domain_release(struct store *, uint32_t domid);

/* store_conn.c; 'hash' tells events apart. */
void store_conn_set_busy(struct store_conn *);
void store_conn_cut(struct store_conn *);
void store_conn_queue(struct store_conn *, uint32_t type, uint32_t req_id,
                      uint32_t tx_id, const void *, size_t bytes,
                      uint32_t hash);

/* store_request.c: runs a request and queues its reply. */
void store_request_run(struct store_conn *, const struct store_request *);

/* store_txn.c */
struct store_txn *store_txn_find(struct store_conn *, uint32_t tx_id);
int store_txn_start(struct store_conn *, uint32_t *tx_id);
int store_txn_end(struct store_conn *, struct store_txn *, bool commit);
void store_txn_abort_all(struct store_conn *);
/* Notes in 'view''s transaction, if it has one, that 'path' was touched. */
int store_txn_touch(struct store_view *, const char *path, unsigned int what);
/* The same, that 'path', touched already, and all below it was removed. */
void store_txn_touch_removed(struct store_txn *, const char *path);

/* store_view.c: reading and changing nodes.  Paths are absolute.  Permissions
 * are checked, quotas kept; changes outside a transaction fire watches at
 * once. */
int store_view_get(struct store_view *, const char *path, bool children,
                   const struct store_node **);
/* 'value' null: as MKDIR does, leaves a node that exists alone. */
int store_view_write(struct store_view *, const char *path,
                     const void *value, size_t value_bytes);
int store_view_remove(struct store_view *, const char *path);
int store_view_set_perms(struct store_view *, const char *path,
                         const struct store_perms *);

/* Without those checks: who edits, whether 'n_new' more nodes are within the
 * domain's quota, and the change itself. */
struct store_edit store_view_edit(struct store_view *);
bool store_view_may_add(struct store_view *, long n_new);
void store_view_put(struct store_view *, const char *path, const void *value,
                    size_t value_bytes, const struct store_perms *);

/* store_watch.c */
int store_watch_check(struct store_conn *, const char *path,
                      const char *token);
/* After store_watch_check() let it pass; 'given': 'path' as the client said
 * it. */
void store_watch_add(struct store_conn *, const char *path, const char *given,
                     const char *token);
int store_watch_remove(struct store_conn *, const char *path,
                       const char *token);
void store_watch_remove_all(struct store_conn *);
/* After 'path' changed; 'old': its permissions before (null: it is new).
 * Whoever may read it, before or after, or its parent, hears of it. */
void store_watch_fire(struct store *, const char *path,
                      const struct store_perms *old);
/* Before 'path' and all below goes. */
void store_watch_fire_removal(struct store *, const char *path);
void store_watch_fire_special(struct store *, enum store_special);

extern const char *const store_special_names[STORE_N_SPECIAL];

#endif /* store_private.h */
