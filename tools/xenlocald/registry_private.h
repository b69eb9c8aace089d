/* What the registry's own files share.
 *
 * Thread: main.
 * Errors: 0 or -errno. */

#ifndef XENLOCALD_REGISTRY_PRIVATE_H
#define XENLOCALD_REGISTRY_PRIVATE_H 1

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "tools/xenlocald/events.h"
#include "tools/xenlocald/registry.h"
#include "xenlocal/xenlocal.h"

struct registry_domain {
    struct hmap_node name_node;
    struct ovs_list node;               /* In 'domains', by number. */
    struct ovs_list conn_node;          /* In its connection's 'domains'. */
    bool with_connection;
    uint32_t domid;
    uint32_t uid;
    struct store_listener *store_listener;
    char name[XENLOCAL_NAME_BYTES];
};

struct registry_conn {
    struct source source;
    struct ovs_list node;
    struct registry *registry;
    struct ovs_list domains;            /* That die with it. */
};

struct registry {
    struct source source;               /* The listener. */
    int run_fd;
    struct store *store;
    struct store_server *store_server;
    struct broker *broker;
    struct hmap names;
    struct ovs_list domains;
    struct ovs_list conns;
    size_t n_conns;
    uint32_t next_domid;
};

/* Makes a domain: its folder and sockets, what a toolstack writes about it,
 * its place in store and broker.  -EEXIST: something is in its folder's
 * place. */
int registry_domain_create(struct registry *, uint32_t domid,
                           const char *name, uint32_t uid,
                           struct registry_domain **);

/* Undoes all that. */
void registry_domain_destroy(struct registry *, struct registry_domain *);

#endif /* registry_private.h */
