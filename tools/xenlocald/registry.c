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
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "tools/xenlocald/broker.h"
#include "tools/xenlocald/events.h"
#include "tools/xenlocald/folder.h"
#include "tools/xenlocald/peer.h"
#include "tools/xenlocald/store.h"
#include "tools/xenlocald/store_server.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(registry);

#define REGISTRY_LEAF "registry.sock"
#define DOMID_FIRST_RESERVED 0x7ff0u    /* Of xen/xen.h. */
#define CONNECTIONS_MAX 16384

struct domain {
    struct hmap_node name_node;
    struct ovs_list node;               /* In 'domains', by number. */
    struct ovs_list conn_node;          /* In its connection's 'domains'. */
    bool with_connection;
    uint32_t domid;
    uint32_t uid;
    char name[XENLOCAL_NAME_BYTES];
};

struct conn {
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

static struct domain *
domain_find_name(const struct registry *registry, const char *name)
{
    struct domain *domain;

    HMAP_FOR_EACH_WITH_HASH (domain, name_node, hash_string(name, 0),
                             &registry->names) {
        if (!strcmp(domain->name, name)) {
            return domain;
        }
    }
    return NULL;
}

static struct domain *
domain_find(const struct registry *registry, uint32_t domid)
{
    struct domain *domain;

    LIST_FOR_EACH (domain, node, &registry->domains) {
        if (domain->domid == domid) {
            return domain;
        }
    }
    return NULL;
}

/* Makes folder and sockets, and has store and broker serve them. */
static int
domain_open(struct registry *registry, const struct domain *domain)
{
    int dir, error, store_fd, broker_fd;

    error = folder_create(registry->run_fd, domain->domid, &dir);
    if (error) {
        return error;
    }
    store_fd = peer_listen(dir, "xenstore.sock", SOCK_STREAM);
    if (store_fd < 0) {
        error = store_fd;
        goto remove_folder;
    }
    broker_fd = peer_listen(dir, "broker.sock", SOCK_SEQPACKET);
    if (broker_fd < 0) {
        error = broker_fd;
        close(store_fd);
        goto remove_folder;
    }
    error = folder_give(dir, domain->uid);
    if (error) {
        close(store_fd);
        close(broker_fd);
        goto remove_folder;
    }
    error = store_server_add(registry->store_server, domain->domid, store_fd);
    if (error) {
        close(broker_fd);
        goto remove_folder;
    }
    error = broker_domain_add(registry->broker, domain->domid, broker_fd);
    if (error) {
        store_server_remove(registry->store_server, domain->domid);
        goto remove_folder;
    }
    close(dir);
    return 0;

remove_folder:
    close(dir);
    folder_remove(registry->run_fd, domain->domid);
    return error;
}

/* What a toolstack writes about a new domain. */
static void
domain_announce(struct registry *registry, const struct domain *domain)
{
    char path[64], domid[16];

    store_domain_add(registry->store, domain->domid);
    snprintf(domid, sizeof domid, "%"PRIu32, domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s", domid);
    store_write(registry->store, path, "", domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s/name", domid);
    store_write(registry->store, path, domain->name, domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s/domid", domid);
    store_write(registry->store, path, domid, domain->domid);
    store_domain_introduce(registry->store, domain->domid);
}

static int
domain_create(struct registry *registry, uint32_t domid, const char *name,
              uint32_t uid, struct domain **domainp)
{
    struct domain *domain = xzalloc(sizeof *domain);
    int error;

    domain->domid = domid;
    domain->uid = uid;
    ovs_strlcpy(domain->name, name, sizeof domain->name);
    ovs_list_init(&domain->conn_node);

    error = domain_open(registry, domain);
    if (error) {
        free(domain);
        return error;
    }
    hmap_insert(&registry->names, &domain->name_node, hash_string(name, 0));
    ovs_list_push_back(&registry->domains, &domain->node);
    domain_announce(registry, domain);
    *domainp = domain;
    return 0;
}

static void
domain_destroy(struct registry *registry, struct domain *domain)
{
    char path[64];
    int error;

    store_server_remove(registry->store_server, domain->domid);
    broker_domain_remove(registry->broker, domain->domid);
    error = folder_remove(registry->run_fd, domain->domid);
    if (error) {
        VLOG_WARN("domain %"PRIu32": its folder cannot be removed: %s",
                  domain->domid, ovs_strerror(-error));
    }

    snprintf(path, sizeof path, "/local/domain/%"PRIu32, domain->domid);
    store_remove(registry->store, path);
    store_domain_remove(registry->store, domain->domid);

    hmap_remove(&registry->names, &domain->name_node);
    ovs_list_remove(&domain->node);
    ovs_list_remove(&domain->conn_node);
    free(domain);
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
run_create(struct conn *conn, const struct xenlocal_request *request,
           struct xenlocal_reply *reply)
{
    struct registry *registry = conn->registry;
    struct domain *domain;
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
        error = domain_create(registry, registry->next_domid++, request->name,
                              request->uid, &domain);
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
    struct domain *domain = domain_find(registry, request->domid);

    if (!request->domid) {
        return -EPERM;
    }
    if (!domain) {
        return -ENOENT;
    }
    VLOG_INFO("domain %"PRIu32" (%s) destroyed", domain->domid, domain->name);
    domain_destroy(registry, domain);
    return 0;
}

static int
run_lookup(const struct registry *registry,
           const struct xenlocal_request *request,
           struct xenlocal_reply *reply)
{
    const struct domain *domain;

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
conn_destroy(struct conn *conn)
{
    struct registry *registry = conn->registry;
    struct domain *domain;

    LIST_FOR_EACH_SAFE (domain, conn_node, &conn->domains) {
        VLOG_INFO("domain %"PRIu32" (%s) died", domain->domid, domain->name);
        domain_destroy(registry, domain);
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
    struct conn *conn = CONTAINER_OF(source, struct conn, source);
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
    struct conn *conn = xzalloc(sizeof *conn);
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
    struct domain *domain;
    int error;

    registry->run_fd = run_fd;
    registry->store = store;
    registry->store_server = server;
    registry->broker = broker;
    registry->next_domid = 1;
    hmap_init(&registry->names);
    ovs_list_init(&registry->domains);
    ovs_list_init(&registry->conns);

    error = domain_create(registry, 0, "Domain-0", geteuid(), &domain);
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
    domain_destroy(registry, domain);
free_registry:
    hmap_destroy(&registry->names);
    free(registry);
    return error;
}

void
registry_destroy(struct registry *registry)
{
    struct domain *domain;
    struct conn *conn;

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
        domain_destroy(registry, domain);
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
    const struct domain *domain;

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
