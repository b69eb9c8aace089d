/* Ports: their numbers, their owners, and what happens to the other end. */

#include <config.h>

#include "tools/xenlocald/broker_private.h"

#include <stdlib.h>

#include "hash.h"
#include "util.h"

struct broker_port *
broker_port_find(const struct broker_domain *domain, uint32_t number)
{
    struct broker_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_int(number, 0),
                             &domain->ports) {
        if (port->number == number) {
            return port;
        }
    }
    return NULL;
}

struct broker_port *
broker_port_create(struct broker_conn *conn, bool is_allocated)
{
    struct broker_domain *domain = conn->domain;
    struct broker_port *port = xzalloc(sizeof *port);

    /* Numbers come again late, so that a stale one finds nothing. */
    do {
        domain->last_port = domain->last_port % INT32_MAX + 1;
    } while (broker_port_find(domain, domain->last_port));

    port->number = domain->last_port;
    port->domain = domain;
    port->is_allocated = is_allocated;
    hmap_insert(&domain->ports, &port->node, hash_int(port->number, 0));
    ovs_list_push_back(&conn->ports, &port->conn_node);
    ovs_list_init(&port->remote_node);
    (is_allocated ? domain->n_allocated++ : domain->n_bound++);
    domain->broker->usage.ports++;
    return port;
}

void
broker_port_destroy(struct broker_port *port)
{
    struct broker_domain *domain = port->domain;

    if (port->is_allocated) {
        if (port->peer) {
            channel_kick(port->channel.fd[1]);
            port->peer->peer = NULL;
        }
        channel_close(&port->channel);
        domain->n_allocated--;
    } else {
        if (port->peer) {
            channel_kick(port->peer->channel.fd[0]);
            port->peer->peer = NULL;
        }
        domain->n_bound--;
    }
    hmap_remove(&domain->ports, &port->node);
    ovs_list_remove(&port->conn_node);
    ovs_list_remove(&port->remote_node);
    domain->broker->usage.ports--;
    free(port);
}
