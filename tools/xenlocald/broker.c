#include <config.h>

#include "tools/xenlocald/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/vlog.h"
#include "tools/xenlocald/broker_private.h"
#include "tools/xenlocald/peer.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(broker);

/* Per domain. */
#define CONNECTIONS_MAX 64
#define ALLOCATED_MAX 512               /* Two descriptors each. */
#define BOUND_MAX 4096

static struct broker_domain *
domain_find(const struct broker *broker, uint32_t domid)
{
    struct broker_domain *domain;

    HMAP_FOR_EACH_WITH_HASH (domain, node, hash_int(domid, 0),
                             &broker->domains) {
        if (domain->domid == domid) {
            return domain;
        }
    }
    return NULL;
}

static void
memory_drop(struct broker_domain *domain)
{
    if (domain->memory_fd >= 0) {
        close(domain->memory_fd);
        domain->memory_fd = -1;
        domain->memory_conn = NULL;
        domain->broker->usage.memories--;
    }
}

static int
set_memory(struct broker_conn *conn, const struct xenlocal_request *request,
           int *rights)
{
    struct broker_domain *domain = conn->domain;
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
get_memory(struct broker_conn *conn, const struct xenlocal_request *request,
           struct xenlocal_reply *reply, int *fd)
{
    const struct broker_domain *domain = domain_find(conn->domain->broker,
                                                     request->domid);
    const struct broker_port *port;

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
evtchn_alloc(struct broker_conn *conn, const struct xenlocal_request *request,
             struct xenlocal_reply *reply, int fds[2])
{
    struct broker_domain *remote =
        domain_find(conn->domain->broker, request->domid);
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

    struct broker_port *port = broker_port_create(conn, true);
    port->channel = channel;
    port->remote = remote;
    ovs_list_push_back(&remote->offers, &port->remote_node);
    reply->port = port->number;
    fds[0] = channel.fd[0];
    fds[1] = channel.fd[1];
    return 0;
}

static int
evtchn_bind(struct broker_conn *conn, const struct xenlocal_request *request,
            struct xenlocal_reply *reply, int fds[2])
{
    const struct broker_domain *remote = domain_find(conn->domain->broker,
                                                     request->domid);
    struct broker_port *offer =
        remote ? broker_port_find(remote, request->port) : NULL;

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

    struct broker_port *port = broker_port_create(conn, false);
    port->peer = offer;
    offer->peer = port;
    reply->port = port->number;
    fds[0] = offer->channel.fd[1];
    fds[1] = offer->channel.fd[0];
    channel_kick(fds[0]);               /* Pending once. */
    return 0;
}

static int
evtchn_close(struct broker_conn *conn, const struct xenlocal_request *request)
{
    struct broker_port *port;

    LIST_FOR_EACH (port, conn_node, &conn->ports) {
        if (port->number == request->port) {
            broker_port_destroy(port);
            return 0;
        }
    }
    return -ENOENT;
}

static void
conn_destroy(struct broker_conn *conn)
{
    struct broker_domain *domain = conn->domain;
    struct broker_port *port;

    LIST_FOR_EACH_SAFE (port, conn_node, &conn->ports) {
        broker_port_destroy(port);
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
    struct broker_conn *conn =
        CONTAINER_OF(source, struct broker_conn, source);
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
    struct broker_domain *domain =
        CONTAINER_OF(source, struct broker_domain, source);
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

    struct broker_conn *conn = xzalloc(sizeof *conn);
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
    struct broker_domain *domain;

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
    struct broker_domain *domain = xzalloc(sizeof *domain);
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
    struct broker_domain *domain = domain_find(broker, domid);
    struct broker_conn *conn;
    struct broker_port *port;

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
