/* What the store's own files share; nobody else includes this.
 *
 * Thread: one.
 * Errors: 0 or a positive errno, as the wire says it.
 * Trust:  what a request carries has gone through store_parse_*(). */

#ifndef XENLOCALD_STORE_PRIVATE_H
#define XENLOCALD_STORE_PRIVATE_H 1

#include <errno.h>                      /* Before xs_wire.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "simap.h"
#include "tools/xenlocald/store.h"
#include "util.h"

#define STORE_MESSAGE_BYTES (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)
#define STORE_PATH_BYTES (XENSTORE_ABS_PATH_MAX + 1)
#define STORE_HOLD_MS 20

enum store_access {
    STORE_READ = 1,
    STORE_WRITE = 2,
    STORE_OWNER = 4,
};

/* A node.  References are counted: a transaction's copy of a node shares the
 * nodes below, of which it needs the names. */
struct store_node {
    uint32_t refs;
    uint32_t writer;                    /* Domain that changed it last. */
    uint64_t generation;                /* Of value, permissions, and names
                                         * below. */
    char *data;                         /* Permissions as on the wire and an
                                         * empty string, then the value. */
    size_t perms_bytes, value_bytes;
    struct store_node **children;       /* Sorted by name. */
    size_t n_children;
    char name[];
};

struct store_domain {
    struct hmap_node node;              /* In 'domains', by domid. */
    uint32_t domid;
    bool introduced;
    bool held;                          /* Until the store's 'release_ms'. */
    const uint32_t *quota;
    long used[STORE_N_USES];
};

struct store {
    uint32_t quota[STORE_N_USES];
    struct store_node *root;
    struct store_node *special;         /* Its children: "@...". */
    uint64_t generation;                /* The last one given out. */
    struct hmap domains;                /* Never removed: domids are not used
                                         * again, nodes outlive owners. */
    struct hmap watches;                /* By path. */
    struct ovs_list conns, busy;
    int64_t now_ms;
    int64_t release_ms;                 /* When holds end. */
};

struct store_message {
    struct ovs_list node;
    struct hmap_node queued;            /* By its bytes. */
    struct xsd_sockmsg header;
    char payload[];
};

struct store_conn {
    struct store *store;
    struct store_domain *domain;
    void *aux;
    struct ovs_list node, busy_node;
    bool cut;
    uint32_t last_tx_id;
    struct ovs_list txns, watches;
    struct ovs_list output;             /* Of messages; also in 'queued'. */
    struct hmap queued;
    size_t head_sent;                   /* Bytes of the first one taken. */
    uint32_t n_events;                  /* Of them; the others are replies. */
    size_t input_bytes;
    uint8_t input[STORE_MESSAGE_BYTES];
};

/* What a transaction has seen of the node at a path, and made of it. */
struct store_seen {
    struct hmap_node node;              /* In 'seen', by 'path'. */
    char *path;
    uint64_t generation;                /* When it was looked at first; 0: it
                                         * was not there. */
    struct store_node *copy;            /* Null: it is not there. */
    bool written;                       /* Its value or permissions. */
    bool twice;                         /* A child's name is in it twice. */
};

struct store_txn {
    struct ovs_list node;
    uint32_t tx_id;
    struct hmap seen;
    struct ds log;                      /* The requests that changed it. */
    size_t n_log;
    long n_nodes;                       /* Made, less removed, by its domain
                                         * as owner. */
};

struct store_watch {
    struct hmap_node node;              /* In 'watches', by 'path'. */
    struct ovs_list conn_node;
    struct store_conn *conn;
    size_t strip_bytes;                 /* Of an event's path: the client
                                         * gave a relative one. */
    char *path;
    char *token;
};

/* A request on its way to its reply.  What it carries has been taken apart
 * and its node looked up as its row in the table says. */
struct store_call {
    struct store *store;
    struct store_domain *domain;        /* Whose it is. */
    struct store_conn *conn;            /* Null: then it has no quota. */
    struct store_txn *txn;              /* Null: the tree itself. */
    struct xsd_sockmsg header;
    const char *args[2];                /* As given. */
    const char *rest;                   /* What follows them. */
    size_t rest_bytes;
    char path[STORE_PATH_BYTES];        /* args[0], if it is one. */
    const struct store_node *node;      /* At 'path', or its nearest */
    const char *left;                   /* ancestor; the names missing. */
    struct ds reply;
    struct store_watch *watch;          /* To fire after the reply. */
};

/* store.c */
/* Domain 'domid'; if it is unknown, null or, with 'make', a new one. */
struct store_domain *store_domain_get(struct store *, uint32_t domid,
                                      bool make);
long store_limit(const struct store_domain *, enum store_use);
/* May the domain use 'n' more? */
bool store_has_room(const struct store_domain *, enum store_use, long n);
/* The live tree's node at 'path' or its nearest ancestor. */
struct store_node *store_nearest(struct store *, const char *path);

/* store_tree.c */
struct store_node *store_node_create(const char *name);
/* Another one like it, with the same nodes below. */
struct store_node *store_node_copy(const struct store_node *);
void store_node_unref(struct store_node *);
/* The node at 'path' or, if it is missing, its nearest ancestor; '*left' is
 * the rest of the path, "" if it is the node.  With 'own', the caller may
 * change it: nobody else holds it or what is above. */
struct store_node *store_tree_find(struct store_node **root, const char *path,
                                   bool own, const char **left);
/* On nodes that are the caller's to change.  What is there already is not
 * added, what is not there not removed.  store_node_set() returns the old
 * data, which becomes the caller's. */
struct store_node *store_node_add(struct store_node *parent,
                                  const char *name);
void store_node_remove(struct store_node *parent, const char *name);
char *store_node_set(struct store_node *, const char *perms,
                     size_t perms_bytes, const char *value,
                     size_t value_bytes);

/* store_parse.c: hostile text into what it means. */
bool store_parse_number(const char *, uint32_t *);
/* Makes 'given', as domain 'domid' wrote it, an absolute path.  '@' paths
 * come through as they are if 'special_ok'. */
bool store_parse_path(uint32_t domid, const char *given, bool special_ok,
                      char path[STORE_PATH_BYTES]);
/* Appends a list of permissions and its end to 'perms'.  Returns how many
 * there are, 0 if 'text' is no such list. */
size_t store_parse_perms(const char *text, size_t bytes, struct ds *perms);
uint32_t store_perms_owner(const char *perms);
/* What 'domid' may do with a node that has these permissions. */
uint32_t store_perms_for(const char *perms, uint32_t domid);

/* store_conn.c: an event that waits already is not queued again. */
void store_conn_queue(struct store_conn *, const struct xsd_sockmsg *,
                      const void *payload);
void store_conn_set_busy(struct store_conn *);

/* store_node.c.  store_node_look_up() sets 'node' and 'left'; a domain that
 * may not access the nearest existing ancestor does not learn whether the
 * node exists. */
int store_node_look_up(struct store_call *, uint32_t access);
int store_node_read(struct store_call *);       /* And GET_PERMS. */
int store_node_directory(struct store_call *);  /* And DIRECTORY_PART. */
int store_node_write(struct store_call *);      /* And MKDIR. */
int store_node_rm(struct store_call *);
int store_node_set_perms(struct store_call *);
/* Before it is looked up: ENOSPC if XS_SET_PERMS gives it too many, EINVAL or
 * ENOENT if the owner is none, or not there.  The others need not be. */
int store_node_check_perms(const struct store_call *);

/* store_request.c: may its domain use 'n' more? */
bool store_fits(const struct store_call *, enum store_use, long n);
/* Runs a request and queues its reply; runs one as domain
 * 'domid', without quota, on the tree itself, and tells nobody. */
void store_request_run(struct store_conn *, const struct xsd_sockmsg *,
                       const char *payload);
void store_request_apply(struct store *, uint32_t domid, uint32_t type,
                         const char *payload, size_t bytes);

/* store_txn.c */
struct store_txn *store_txn_find(struct store_conn *, uint32_t tx_id);
uint32_t store_txn_start(struct store_conn *);  /* Its number. */
/* What it has seen at 'path', or null. */
struct store_seen *store_txn_seen(const struct store_txn *, const char *path);
/* What it sees at the first 'bytes' of 'path'; looks if it has not yet. */
struct store_seen *store_txn_look(struct store *, struct store_txn *,
                                  const char *path, size_t bytes);
/* The same of 'path', or the nearest ancestor that is there; 'left' as
 * store_tree_find() says. */
struct store_seen *store_txn_find_node(struct store *, struct store_txn *,
                                       const char *path, const char **left);
int store_txn_end(struct store_conn *, struct store_txn *, bool commit);

/* store_watch.c: a new watch has not fired yet. */
struct store_watch *store_watch_create(struct store_conn *, const char *path,
                                       const char *given, const char *token);
struct store_watch *store_watch_find(struct store_conn *, const char *path,
                                     const char *token);
void store_watch_destroy(struct store_watch *);
void store_watch_queue(struct store_watch *, const char *path);
/* After 'path' changed; 'old': its permissions before (null: it is new).
 * Whoever may read it, before or after, or its parent, hears of it. */
void store_watch_fire(struct store *, const char *path, const char *old);
/* Before 'path' and all below goes. */
void store_watch_fire_removal(struct store *, const char *path);

#endif /* store_private.h */
