#include <config.h>

#include "tools/xenlocald/registry.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/vlog.h"
#include "tools/xenlocald/peer.h"
#include "tools/xenlocald/registry_private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(registry);

#define REGISTRY_LEAF "registry.sock"
#define DOMID_FIRST_RESERVED 0x7ff0u    /* Of xen/xen.h. */
#define CONNECTIONS_MAX 16384

static struct registry_domain *
domain_find_name(const struct registry *registry, const char *name)
{
    struct registry_domain *domain;

    HMAP_FOR_EACH_WITH_HASH (domain, name_node, hash_string(name, 0),
                             &registry->names) {
        if (!strcmp(domain->name, name)) {
            return domain;
        }
    }
    return NULL;
}

static struct registry_domain *
domain_find(const struct registry *registry, uint32_t domid)
{
    struct registry_domain *domain;

    LIST_FOR_EACH (domain, node, &registry->domains) {
        if (domain->domid == domid) {
            return domain;
        }
    }
    return NULL;
}

static bool
name_is_good(const char name[XENLOCAL_NAME_BYTES])
{
    size_t length = strnlen(name, XENLOCAL_NAME_BYTES);

    if (!length || length == XENLOCAL_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = name[i];
        if (!isascii(c) || (!isalnum(c) && !strchr("-_.", c))) {
            return false;
        }
    }
    return true;
}

static int
run_create(struct registry_conn *conn, const struct xenlocal_request *request,
           struct xenlocal_reply *reply)
{
    struct registry *registry = conn->registry;
    struct registry_domain *domain;
    int error;

    if (!name_is_good(request->name)
        || request->flags & ~XENLOCAL_F_WITH_CONNECTION
        || request->uid == UINT32_MAX) {
        return -EINVAL;
    }
    if (domain_find_name(registry, request->name)) {
        return -EEXIST;
    }
    do {
        if (registry->next_domid >= DOMID_FIRST_RESERVED) {
            return -ENOSPC;
        }
        error = registry_domain_create(registry, registry->next_domid++,
                                       request->name, request->uid, &domain);
    } while (error == -EEXIST);
    if (error) {
        return error;
    }

    if (request->flags & XENLOCAL_F_WITH_CONNECTION) {
        domain->with_connection = true;
        ovs_list_push_back(&conn->domains, &domain->conn_node);
    }
    VLOG_INFO("domain %"PRIu32" (%s, uid %"PRIu32") created", domain->domid,
              domain->name, domain->uid);
    reply->domid = domain->domid;
    return 0;
}

static int
run_destroy(struct registry *registry, const struct xenlocal_request *request)
{
    struct registry_domain *domain = domain_find(registry, request->domid);

    if (!request->domid) {
        return -EPERM;
    }
    if (!domain) {
        return -ENOENT;
    }
    VLOG_INFO("domain %"PRIu32" (%s) destroyed", domain->domid, domain->name);
    registry_domain_destroy(registry, domain);
    return 0;
}

static int
run_lookup(const struct registry *registry,
           const struct xenlocal_request *request,
           struct xenlocal_reply *reply)
{
    const struct registry_domain *domain;

    if (!name_is_good(request->name)) {
        return -EINVAL;
    }
    domain = domain_find_name(registry, request->name);
    if (!domain) {
        return -ENOENT;
    }
    reply->domid = domain->domid;
    return 0;
}

static void
conn_destroy(struct registry_conn *conn)
{
    struct registry *registry = conn->registry;
    struct registry_domain *domain;

    LIST_FOR_EACH_SAFE (domain, conn_node, &conn->domains) {
        VLOG_INFO("domain %"PRIu32" (%s) died", domain->domid, domain->name);
        registry_domain_destroy(registry, domain);
    }
    ovs_list_remove(&conn->node);
    registry->n_conns--;
    source_remove(&conn->source);
    close(conn->source.fd);
    free(conn);
}

static void
conn_ready(struct source *source, uint32_t events OVS_UNUSED)
{
    struct registry_conn *conn =
        CONTAINER_OF(source, struct registry_conn, source);
    struct xenlocal_request request;
    struct xenlocal_reply reply = { 0 };
    int rights;
    int error = peer_recv(source->fd, &request, &rights);

    if (error == -EAGAIN) {
        return;
    } else if (error) {
        conn_destroy(conn);
        return;
    }
    if (rights >= 0) {
        close(rights);
    }

    switch (request.op) {
    case XENLOCAL_DOMAIN_CREATE:
        reply.error = run_create(conn, &request, &reply);
        break;
    case XENLOCAL_DOMAIN_DESTROY:
        reply.error = run_destroy(conn->registry, &request);
        break;
    case XENLOCAL_DOMAIN_LOOKUP:
        reply.error = run_lookup(conn->registry, &request, &reply);
        break;
    default:
        reply.error = -ENOSYS;
        break;
    }
    if (peer_send(source->fd, &reply, NULL, 0)) {
        conn_destroy(conn);
    }
}

static void
listener_ready(struct source *source, uint32_t events OVS_UNUSED)
{
    struct registry *registry = CONTAINER_OF(source, struct registry, source);
    int fd = peer_accept(source->fd);

    if (fd < 0) {
        return;
    }
    if (registry->n_conns >= CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    struct registry_conn *conn = xzalloc(sizeof *conn);
    conn->source = (struct source) { fd, EPOLLIN, conn_ready };
    conn->registry = registry;
    ovs_list_init(&conn->domains);
    if (source_add(&conn->source)) {
        close(fd);
        free(conn);
        return;
    }
    ovs_list_push_back(&registry->conns, &conn->node);
    registry->n_conns++;
}

int
registry_create(int run_fd, struct store *store, struct store_server *server,
                struct broker *broker, struct registry **registryp)
{
    struct registry *registry = xzalloc(sizeof *registry);
    struct registry_domain *domain;
    int error;

    registry->run_fd = run_fd;
    registry->store = store;
    registry->store_server = server;
    registry->broker = broker;
    registry->next_domid = 1;
    hmap_init(&registry->names);
    ovs_list_init(&registry->domains);
    ovs_list_init(&registry->conns);

    error =
        registry_domain_create(registry, 0, "Domain-0", geteuid(), &domain);
    if (error) {
        goto free_registry;
    }
    int fd = peer_listen(run_fd, REGISTRY_LEAF, SOCK_SEQPACKET);
    if (fd < 0) {
        error = fd;
        goto destroy_domain;
    }
    registry->source = (struct source) { fd, EPOLLIN, listener_ready };
    error = source_add(&registry->source);
    if (error) {
        close(fd);
        unlinkat(run_fd, REGISTRY_LEAF, 0);
        goto destroy_domain;
    }
    *registryp = registry;
    return 0;

destroy_domain:
    registry_domain_destroy(registry, domain);
free_registry:
    hmap_destroy(&registry->names);
    free(registry);
    return error;
}

void
registry_destroy(struct registry *registry)
{
    struct registry_domain *domain;
    struct registry_conn *conn;

    if (!registry) {
        return;
    }
    source_remove(&registry->source);
    close(registry->source.fd);
    unlinkat(registry->run_fd, REGISTRY_LEAF, 0);
    LIST_FOR_EACH_SAFE (conn, node, &registry->conns) {
        conn_destroy(conn);
    }
    LIST_FOR_EACH_SAFE (domain, node, &registry->domains) {
        registry_domain_destroy(registry, domain);
    }
    hmap_destroy(&registry->names);
    free(registry);
}

void
registry_list(const struct registry *registry,
              void (*cb)(void *aux, uint32_t domid, const char *name,
                         uint32_t uid, bool with_connection),
              void *aux)
{
    const struct registry_domain *domain;

    LIST_FOR_EACH (domain, node, &registry->domains) {
        cb(aux, domain->domid, domain->name, domain->uid,
           domain->with_connection);
    }
}

size_t
registry_n_domains(const struct registry *registry)
{
    return hmap_count(&registry->names);
}
