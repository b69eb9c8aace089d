/* A domain's birth and death. */

#include <config.h>

#include "tools/xenlocald/registry_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/vlog.h"
#include "tools/xenlocald/broker.h"
#include "tools/xenlocald/folder.h"
#include "tools/xenlocald/peer.h"
#include "tools/xenlocald/store.h"
#include "tools/xenlocald/store_server.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(registry_domain);

/* Makes folder and sockets, and has store and broker serve them. */
static int
domain_open(struct registry *registry, struct registry_domain *domain)
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
    error = store_listener_create(registry->store_server, domain->domid,
                                  store_fd, &domain->store_listener);
    if (error) {
        close(broker_fd);
        goto remove_folder;
    }
    error = broker_domain_add(registry->broker, domain->domid, broker_fd);
    if (error) {
        store_listener_destroy(domain->store_listener);
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
domain_announce(struct registry *registry,
                const struct registry_domain *domain)
{
    char path[64], domid[16];

    snprintf(domid, sizeof domid, "%"PRIu32, domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s", domid);
    store_write(registry->store, path, "", domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s/name", domid);
    store_write(registry->store, path, domain->name, domain->domid);
    snprintf(path, sizeof path, "/local/domain/%s/domid", domid);
    store_write(registry->store, path, domid, domain->domid);
    store_domain_introduce(registry->store, domain->domid);
}

int
registry_domain_create(struct registry *registry, uint32_t domid,
                       const char *name, uint32_t uid,
                       struct registry_domain **domainp)
{
    struct registry_domain *domain = xzalloc(sizeof *domain);
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

void
registry_domain_destroy(struct registry *registry,
                        struct registry_domain *domain)
{
    char path[64];
    int error;

    store_listener_destroy(domain->store_listener);
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
