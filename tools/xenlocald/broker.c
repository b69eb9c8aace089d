#include <config.h>

#include "tools/xenlocald/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "tools/xenlocald/channel.h"
#include "tools/xenlocald/events.h"
#include "tools/xenlocald/peer.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(broker);

/* Per domain. */
#define CONNECTIONS_MAX 64
#define ALLOCATED_MAX 512               /* Two descriptors each. */
#define BOUND_MAX 4096

/* A port: an end of an event channel.  The allocator's has 'channel'; the
 * binder's has 'peer', the allocator's port, until that goes. */
struct port {
    struct hmap_node node;              /* In its domain's 'ports'. */
    struct ovs_list conn_node;          /* In its connection's 'ports'. */
    struct ovs_list remote_node;        /* In 'remote''s 'offers', if
                                         * allocated and 'remote' lives. */
    uint32_t number;
    struct domain *domain;
    bool is_allocated;
    struct domain *remote;              /* Null: it is dead. */
    struct channel channel;
    struct port *peer;                  /* Null: not bound. */
};

struct conn {
    struct source source;
    struct ovs_list node;               /* In its domain's 'conns'. */
    struct domain *domain;
    struct ovs_list ports;
    bool has_set_memory;
};

struct domain {
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
    struct conn *memory_conn;           /* Whose it is. */
    uint64_t memory_bytes, generation;
    uint32_t grant_pages;
};

struct broker {
    struct hmap domains;
    struct broker_usage usage;
};

static struct domain *
domain_find(const struct broker *broker, uint32_t domid)
{
    struct domain *domain;

    HMAP_FOR_EACH_WITH_HASH (domain, node, hash_int(domid, 0),
                             &broker->domains) {
        if (domain->domid == domid) {
            return domain;
        }
    }
    return NULL;
}

static struct port *
port_find(const struct domain *domain, uint32_t number)
{
    struct port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_int(number, 0),
                             &domain->ports) {
        if (port->number == number) {
            return port;
        }
    }
    return NULL;
}

static struct port *
port_create(struct conn *conn, bool is_allocated)
{
    struct domain *domain = conn->domain;
    struct port *port = xzalloc(sizeof *port);

    /* Numbers come again late, so that a stale one finds nothing. */
    do {
        domain->last_port = domain->last_port % INT32_MAX + 1;
    } while (port_find(domain, domain->last_port));

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

/* Closes an end; the other one gets an event. */
static void
port_destroy(struct port *port)
{
    struct domain *domain = port->domain;

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

static void
memory_drop(struct domain *domain)
{
    if (domain->memory_fd >= 0) {
        close(domain->memory_fd);
        domain->memory_fd = -1;
        domain->memory_conn = NULL;
        domain->broker->usage.memories--;
    }
}

static int
set_memory(struct conn *conn, const struct xenlocal_request *request,
           int *rights)
{
    struct domain *domain = conn->domain;
    int error;

    if (*rights < 0) {
        return -EINVAL;
    }
    if (conn->has_set_memory) {
        return -EBUSY;
    }
    error = memory_check(*rights, request->bytes, request->count);
    if (error) {
        return error;
    }

    memory_drop(domain);
    domain->memory_fd = *rights;
    *rights = -1;
    domain->memory_conn = conn;
    domain->memory_bytes = request->bytes;
    domain->grant_pages = request->count;
    domain->generation++;
    domain->broker->usage.memories++;
    conn->has_set_memory = true;
    return 0;
}

static int
get_memory(struct conn *conn, const struct xenlocal_request *request,
           struct xenlocal_reply *reply, int *fd)
{
    const struct domain *domain = domain_find(conn->domain->broker,
                                              request->domid);
    const struct port *port;

    if (!domain) {
        return -ENOENT;
    }
    LIST_FOR_EACH (port, remote_node, &conn->domain->offers) {
        if (port->domain == domain) {
            if (domain->memory_fd < 0) {
                return -ENOENT;
            }
            reply->bytes = domain->memory_bytes;
            reply->count = domain->grant_pages;
            reply->generation = domain->generation;
            *fd = domain->memory_fd;
            return 0;
        }
    }
    return -EACCES;
}

static int
evtchn_alloc(struct conn *conn, const struct xenlocal_request *request,
             struct xenlocal_reply *reply, int fds[2])
{
    struct domain *remote = domain_find(conn->domain->broker, request->domid);
    struct channel channel;
    int error;

    if (!remote) {
        return -ENOENT;
    }
    if (conn->domain->n_allocated >= ALLOCATED_MAX) {
        return -ENOSPC;
    }
    error = channel_open(&channel);
    if (error) {
        return error;
    }

    struct port *port = port_create(conn, true);
    port->channel = channel;
    port->remote = remote;
    ovs_list_push_back(&remote->offers, &port->remote_node);
    reply->port = port->number;
    fds[0] = channel.fd[0];
    fds[1] = channel.fd[1];
    return 0;
}

static int
evtchn_bind(struct conn *conn, const struct xenlocal_request *request,
            struct xenlocal_reply *reply, int fds[2])
{
    const struct domain *remote = domain_find(conn->domain->broker,
                                              request->domid);
    struct port *offer = remote ? port_find(remote, request->port) : NULL;

    if (!offer || !offer->is_allocated) {
        return -ENOENT;
    }
    if (offer->remote != conn->domain) {
        return -EACCES;
    }
    if (offer->peer) {
        return -EBUSY;
    }
    if (conn->domain->n_bound >= BOUND_MAX) {
        return -ENOSPC;
    }

    struct port *port = port_create(conn, false);
    port->peer = offer;
    offer->peer = port;
    reply->port = port->number;
    fds[0] = offer->channel.fd[1];
    fds[1] = offer->channel.fd[0];
    channel_kick(fds[0]);               /* Pending once. */
    return 0;
}

static int
evtchn_close(struct conn *conn, const struct xenlocal_request *request)
{
    struct port *port;

    LIST_FOR_EACH (port, conn_node, &conn->ports) {
        if (port->number == request->port) {
            port_destroy(port);
            return 0;
        }
    }
    return -ENOENT;
}

static void
conn_destroy(struct conn *conn)
{
    struct domain *domain = conn->domain;
    struct port *port;

    LIST_FOR_EACH_SAFE (port, conn_node, &conn->ports) {
        port_destroy(port);
    }
    if (domain->memory_conn == conn) {
        memory_drop(domain);
    }
    ovs_list_remove(&conn->node);
    domain->n_conns--;
    domain->broker->usage.connections--;
    source_remove(&conn->source);
    close(conn->source.fd);
    free(conn);
}

static void
conn_ready(struct source *source, uint32_t events OVS_UNUSED)
{
    struct conn *conn = CONTAINER_OF(source, struct conn, source);
    struct xenlocal_request request;
    struct xenlocal_reply reply = { 0 };
    unsigned int n_fds = 0;
    int fds[2], rights;
    int error = peer_recv(source->fd, &request, &rights);

    if (error == -EAGAIN) {
        return;
    } else if (error) {
        conn_destroy(conn);
        return;
    }

    switch (request.op) {
    case XENLOCAL_SET_MEMORY:
        reply.error = set_memory(conn, &request, &rights);
        break;
    case XENLOCAL_GET_MEMORY:
        reply.error = get_memory(conn, &request, &reply, &fds[0]);
        n_fds = 1;
        break;
    case XENLOCAL_EVTCHN_ALLOC:
        reply.error = evtchn_alloc(conn, &request, &reply, fds);
        n_fds = 2;
        break;
    case XENLOCAL_EVTCHN_BIND:
        reply.error = evtchn_bind(conn, &request, &reply, fds);
        n_fds = 2;
        break;
    case XENLOCAL_EVTCHN_CLOSE:
        reply.error = evtchn_close(conn, &request);
        break;
    default:
        reply.error = -ENOSYS;
        break;
    }
    if (rights >= 0) {
        close(rights);
    }
    if (peer_send(source->fd, &reply, fds, reply.error ? 0 : n_fds)) {
        conn_destroy(conn);
    }
}

static void
listener_ready(struct source *source, uint32_t events OVS_UNUSED)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
    struct domain *domain = CONTAINER_OF(source, struct domain, source);
    int fd = peer_accept(source->fd);

    if (fd < 0) {
        return;
    }
    if (domain->n_conns >= CONNECTIONS_MAX) {
        VLOG_WARN_RL(&rl, "domain %"PRIu32" has too many connections to its "
                     "broker: closing the new one", domain->domid);
        close(fd);
        return;
    }

    struct conn *conn = xzalloc(sizeof *conn);
    conn->source = (struct source) { fd, EPOLLIN, conn_ready };
    conn->domain = domain;
    ovs_list_init(&conn->ports);
    if (source_add(&conn->source)) {
        close(fd);
        free(conn);
        return;
    }
    ovs_list_push_back(&domain->conns, &conn->node);
    domain->n_conns++;
    domain->broker->usage.connections++;
}

struct broker *
broker_create(void)
{
    struct broker *broker = xzalloc(sizeof *broker);

    hmap_init(&broker->domains);
    return broker;
}

void
broker_destroy(struct broker *broker)
{
    struct domain *domain;

    if (!broker) {
        return;
    }
    HMAP_FOR_EACH_SAFE (domain, node, &broker->domains) {
        broker_domain_remove(broker, domain->domid);
    }
    hmap_destroy(&broker->domains);
    free(broker);
}

int
broker_domain_add(struct broker *broker, uint32_t domid, int listen_fd)
{
    struct domain *domain = xzalloc(sizeof *domain);
    int error;

    domain->source = (struct source) { listen_fd, EPOLLIN, listener_ready };
    domain->broker = broker;
    domain->domid = domid;
    domain->memory_fd = -1;
    error = source_add(&domain->source);
    if (error) {
        close(listen_fd);
        free(domain);
        return error;
    }
    ovs_list_init(&domain->conns);
    ovs_list_init(&domain->offers);
    hmap_init(&domain->ports);
    hmap_insert(&broker->domains, &domain->node, hash_int(domid, 0));
    return 0;
}

void
broker_domain_remove(struct broker *broker, uint32_t domid)
{
    struct domain *domain = domain_find(broker, domid);
    struct conn *conn;
    struct port *port;

    if (!domain) {
        return;
    }
    LIST_FOR_EACH_SAFE (conn, node, &domain->conns) {
        conn_destroy(conn);
    }
    LIST_FOR_EACH_SAFE (port, remote_node, &domain->offers) {
        port->remote = NULL;
        ovs_list_remove(&port->remote_node);
        ovs_list_init(&port->remote_node);
        channel_kick(port->channel.fd[0]);
    }
    hmap_remove(&broker->domains, &domain->node);
    hmap_destroy(&domain->ports);
    source_remove(&domain->source);
    close(domain->source.fd);
    free(domain);
}

void
broker_usage(const struct broker *broker, struct broker_usage *usage)
{
    *usage = broker->usage;
}
