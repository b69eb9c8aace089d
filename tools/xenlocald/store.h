/* The store: what xenstored is on Xen, for clients of libxenstore.  It does
 * no I/O: its caller moves bytes between connections and sockets.
 *
 * A domain is known by the number its connection was made with.  Domain 0
 * may do everything and has 1024 times the quota of others.
 *
 * Thread: one.
 * Errors: memory exhaustion aborts.
 * Trust:  all that comes through store_conn_process() may be hostile. */

#ifndef XENLOCALD_STORE_H
#define XENLOCALD_STORE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_conn;

/* What a domain may use only so much of. */
enum store_use {
    STORE_NODES,                        /* That it owns: ENOSPC. */
    STORE_WATCHES,                      /* E2BIG. */
    STORE_TRANSACTIONS,                 /* Open at once: ENOSPC. */
    STORE_CONNECTIONS,
    STORE_EVENTS,                       /* Queued on one connection. */
    STORE_N_COUNTED,                    /* Those above are counted. */
    STORE_NODE_BYTES = STORE_N_COUNTED,     /* One node, with permissions and
                                             * names of children: ENOSPC. */
    STORE_PERMS,                        /* In one node: ENOSPC. */
    STORE_TRANSACTION_NODES,            /* Touched in one, or changes made in
                                         * it: ENOSPC. */
    STORE_N_USES,
};

/* For a domain other than 0: xenstored's own figures where it has any.  More
 * watch events than that are not queued: the watch fires once for its own
 * path, as it does when it is set. */
extern const uint32_t store_quota_default[STORE_N_USES];

struct store *store_create(const uint32_t quota[STORE_N_USES]);
void store_destroy(struct store *);     /* Accepts NULL.  Connections must
                                         * have been destroyed. */

/* All domains' uses together. */
size_t store_usage(const struct store *, enum store_use);

/* Lets domain 'domid' connect, and fires @introduceDomain. */
void store_domain_introduce(struct store *, uint32_t domid);

/* Forgets it, cuts its connections and fires @releaseDomain.  Its nodes stay,
 * as after a domain's death on Xen. */
void store_domain_remove(struct store *, uint32_t domid);

/* As domain 0, outside any transaction: writes 'value' to 'path', which is
 * 'owner''s alone from then on, or removes 'path' and all below.  For the
 * toolstack's part that this program plays. */
void store_write(struct store *, const char *path, const char *value,
                 uint32_t owner);
void store_remove(struct store *, const char *path);

/* Calls 'cb' for 'path' and every node below it, parents first.  'perms' is
 * a list of strings, an empty one at its end.  False if there is no such
 * node. */
typedef void store_walk_cb(void *aux, const char *path, const char *perms,
                           const char *value, size_t value_bytes);
bool store_walk(struct store *, const char *path, store_walk_cb *, void *aux);

/* Tells the time, for the hold on domains whose writes broke a transaction of
 * domain 0; and when that is due again (at once if a connection is busy). */
void store_run(struct store *, int64_t now_ms);
int64_t store_deadline_ms(const struct store *);

/* Takes a connection off the list of those that have got output, were cut,
 * may be read again or have requests left: its caller goes on with them.
 * Returns its 'aux', or null if there is none. */
void *store_next_busy(struct store *);

/* A connection of domain 'domid'; null if there is no such domain or it has
 * too many.  'aux' is the caller's. */
struct store_conn *store_conn_create(struct store *, uint32_t domid,
                                     void *aux);
void store_conn_destroy(struct store_conn *);           /* Accepts NULL. */

/* Where the bytes that the client sent go: fill in up to '*bytes' bytes, 0
 * when requests wait to be run.  Then say how many came, and run at most 'n'
 * requests; if more could run, the connection is busy.  False if it must be
 * destroyed: the client broke the protocol or its domain is gone. */
uint8_t *store_conn_space(struct store_conn *, size_t *bytes);
bool store_conn_process(struct store_conn *, size_t bytes, int n);

/* May the client's bytes be read now?  Not while it leaves replies unread or
 * its domain is held. */
bool store_conn_is_open(const struct store_conn *);

/* Bytes that wait for the client (null: none); how many of them it took. */
const uint8_t *store_conn_output(const struct store_conn *, size_t *bytes);
void store_conn_taken(struct store_conn *, size_t bytes);

#endif /* store.h */
