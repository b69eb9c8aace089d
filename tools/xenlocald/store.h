/* The store: what xenstored is on Xen, for clients of libxenstore.  It does
 * no I/O: its caller moves bytes between connections and sockets.
 *
 * A domain is known by the number its connection was made with.  Domain 0
 * may do everything and has no quota, only the bounds on its connections.
 *
 * Thread: one.
 * Errors: 0 or -errno; memory exhaustion aborts.
 * Trust:  all that comes through store_conn_filled() may be hostile. */

#ifndef XENLOCALD_STORE_H
#define XENLOCALD_STORE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_conn;

/* What one domain other than 0 may use; xenstored's own figures where it has
 * any.  More watch events than 'events' are not queued: the watch fires once
 * for its own path, as it does when it is set. */
struct store_quota {
    uint32_t nodes;                     /* That it owns: ENOSPC. */
    uint32_t value_bytes;               /* In one node: ENOSPC. */
    uint32_t perms;                     /* In one node: ENOSPC. */
    uint32_t watches;                   /* E2BIG. */
    uint32_t transactions;              /* Open at once: ENOSPC. */
    uint32_t transaction_nodes;         /* Touched in one: ENOSPC. */
    uint32_t connections;
    uint32_t events;                    /* Queued on one connection. */
};
extern const struct store_quota store_quota_default;

struct store_usage {
    size_t nodes, watches, transactions, connections, events;
};

struct store *store_create(const struct store_quota *);
void store_destroy(struct store *);     /* Accepts NULL.  Connections must
                                         * have been destroyed. */

/* Makes domain 'domid' known, so that what it owns counts. */
void store_domain_add(struct store *, uint32_t domid);

/* Lets it connect, and fires @introduceDomain. */
void store_domain_introduce(struct store *, uint32_t domid);

/* Forgets it, cuts its connections and fires @releaseDomain.  Its nodes stay,
 * as after a domain's death on Xen. */
void store_domain_remove(struct store *, uint32_t domid);

/* As domain 0, outside any transaction: writes 'value' to 'path' (made with
 * its parents if missing; made nodes belong to 'owner'), or removes 'path'
 * and all below.  For the toolstack's part that this program plays. */
void store_write(struct store *, const char *path, const char *value,
                 uint32_t owner);
void store_remove(struct store *, const char *path);

/* Calls 'cb' for 'path' and every node below it, parents first.  False if
 * there is no such node. */
struct store_node;
bool store_walk(const struct store *, const char *path,
                void (*cb)(void *aux, const char *path,
                           const struct store_node *),
                void *aux);

void store_usage(const struct store *, struct store_usage *);

/* Tells the time, for the hold on domains whose writes broke a transaction of
 * domain 0.  Returns when to call again, or INT64_MAX. */
int64_t store_run(struct store *, int64_t now_ms);

/* Takes a connection off the list of those that have got output, were cut,
 * may be read again or have requests left: its caller goes on with them.
 * Null: there is none. */
struct store_conn *store_next_busy(struct store *);
bool store_is_busy(const struct store *);

/* A connection of domain 'domid'; null if there is no such domain or it has
 * too many.  'aux' is the caller's. */
struct store_conn *store_conn_create(struct store *, uint32_t domid,
                                     void *aux);
void *store_conn_aux(const struct store_conn *);
void store_conn_destroy(struct store_conn *);           /* Accepts NULL. */

/* Where the bytes that the client sent go: fill up to '*bytes' bytes at the
 * result, then say how many to store_conn_filled().  '*bytes' is 0 when
 * requests wait to be run. */
uint8_t *store_conn_space(struct store_conn *, size_t *bytes);
void store_conn_filled(struct store_conn *, size_t bytes);

/* Runs at most 'n' waiting requests; if more could run, the connection is
 * busy. */
void store_conn_process(struct store_conn *, int n);

/* May the client's bytes be read now?  Not while it leaves replies unread or
 * its domain is held. */
bool store_conn_is_open(const struct store_conn *);

/* Bytes that wait for the client (null: none); how many of them it took. */
const uint8_t *store_conn_output(const struct store_conn *, size_t *bytes);
void store_conn_taken(struct store_conn *, size_t bytes);

/* True if the connection must be destroyed: its client broke the protocol or
 * its domain is gone. */
bool store_conn_is_cut(const struct store_conn *);

#endif /* store.h */
