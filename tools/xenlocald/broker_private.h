/* What the broker's own files share: its domains, connections and ports.
 *
 * Thread: main. */

#ifndef XENLOCALD_BROKER_PRIVATE_H
#define XENLOCALD_BROKER_PRIVATE_H 1

#include <stdbool.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "tools/xenlocald/broker.h"
#include "tools/xenlocald/channel.h"
#include "tools/xenlocald/events.h"

/* A port: an end of an event channel.  The allocator's has 'channel'; the
 * binder's has 'peer', the allocator's port, until that goes. */
struct broker_port {
    struct hmap_node node;              /* In its domain's 'ports'. */
    struct ovs_list conn_node;          /* In its connection's 'ports'. */
    struct ovs_list remote_node;        /* In 'remote''s 'offers', if
                                         * allocated and 'remote' lives. */
    uint32_t number;
    struct broker_domain *domain;
    bool is_allocated;
    struct broker_domain *remote;       /* Null: it is dead. */
    struct channel channel;
    struct broker_port *peer;           /* Null: not bound. */
};

struct broker_conn {
    struct source source;
    struct ovs_list node;               /* In its domain's 'conns'. */
    struct broker_domain *domain;
    struct ovs_list ports;
    bool has_set_memory;
};

struct broker_domain {
    struct source source;               /* The listener. */
    struct hmap_node node;              /* In 'domains'. */
    struct broker *broker;
    uint32_t domid;
    struct ovs_list conns;
    struct hmap ports;
    struct ovs_list offers;             /* Others' ports for this domain. */
    size_t n_conns, n_allocated, n_bound;
    uint32_t last_port;

    int memory_fd;                      /* -1: none. */
    struct broker_conn *memory_conn;    /* Whose it is. */
    uint64_t memory_bytes, generation;
    uint32_t grant_pages;
};

struct broker {
    struct hmap domains;
    struct broker_usage usage;
};

struct broker_port *broker_port_find(const struct broker_domain *,
                                     uint32_t number);

/* Makes a port of 'conn''s domain; its caller sets what the kind needs. */
struct broker_port *broker_port_create(struct broker_conn *,
                                       bool is_allocated);

/* Closes an end; the other one gets an event. */
void broker_port_destroy(struct broker_port *);

#endif /* broker_private.h */
