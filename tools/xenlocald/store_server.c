#include <config.h>

#include "tools/xenlocald/store_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "tools/xenlocald/events.h"
#include "tools/xenlocald/peer.h"
#include "tools/xenlocald/store.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(store_server);

/* What a connection may do before the others have their turn. */
#define REQUESTS_PER_TURN 16
#define BUSY_PER_TURN 256

struct store_listener {
    struct source source;
    struct store_server *server;
    uint32_t domid;
};

struct client {
    struct source source;
    struct ovs_list node;
    struct store_conn *conn;
};

struct store_server {
    struct store *store;
    struct ovs_list clients;
};

struct store_server *
store_server_create(struct store *store)
{
    struct store_server *server = xzalloc(sizeof *server);

    server->store = store;
    ovs_list_init(&server->clients);
    return server;
}

static void
client_destroy(struct client *client)
{
    ovs_list_remove(&client->node);
    store_conn_destroy(client->conn);
    source_remove(&client->source);
    close(client->source.fd);
    free(client);
}

void
store_listener_destroy(struct store_listener *listener)
{
    if (!listener) {
        return;
    }
    source_remove(&listener->source);
    close(listener->source.fd);
    free(listener);
}

void
store_server_destroy(struct store_server *server)
{
    struct client *client;

    if (!server) {
        return;
    }
    LIST_FOR_EACH_SAFE (client, node, &server->clients) {
        client_destroy(client);
    }
    free(server);
}

static bool
would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Sends what waits.  False if the client is gone. */
static bool
client_flush(struct client *client)
{
    const uint8_t *data;
    size_t bytes;

    while ((data = store_conn_output(client->conn, &bytes))) {
        ssize_t n = send(client->source.fd, data, bytes,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return would_block();
        }
        store_conn_taken(client->conn, n);
    }
    return true;
}

/* Reads what the client sent.  Returns the bytes, below 0 if it is gone. */
static ssize_t
client_read(struct client *client)
{
    size_t room;
    uint8_t *p = store_conn_space(client->conn, &room);
    ssize_t n = room ? recv(client->source.fd, p, room, MSG_DONTWAIT) : 0;

    return n > 0 || !room || (n < 0 && would_block()) ? MAX(n, 0) : -1;
}

/* Does one turn's work; destroys 'client' if it is gone or cut. */
static void
client_run(struct client *client, bool hung_up)
{
    bool alive = client_flush(client);
    bool open = alive && store_conn_is_open(client->conn);
    ssize_t n = open ? client_read(client) : hung_up ? -1 : 0;
    size_t bytes;

    if (!store_conn_process(client->conn, MAX(n, 0), REQUESTS_PER_TURN)
        || !alive || n < 0 || !client_flush(client)) {
        client_destroy(client);
        return;
    }
    source_set(&client->source,
               (store_conn_is_open(client->conn) ? EPOLLIN : 0)
               | (store_conn_output(client->conn, &bytes) ? EPOLLOUT : 0));
}

static void
client_ready(struct source *source, uint32_t events)
{
    client_run(CONTAINER_OF(source, struct client, source),
               events & (EPOLLHUP | EPOLLERR));
}

static void
listener_ready(struct source *source, uint32_t events OVS_UNUSED)
{
    struct store_listener *listener
        = CONTAINER_OF(source, struct store_listener, source);
    struct store_server *server = listener->server;
    int fd = peer_accept(source->fd);

    if (fd < 0) {
        return;
    }

    struct client *client = xzalloc(sizeof *client);
    client->conn = store_conn_create(server->store, listener->domid, client);
    client->source = (struct source) { fd, EPOLLIN, client_ready };
    if (!client->conn) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
        VLOG_WARN_RL(&rl, "domain %"PRIu32" has too many connections to its "
                     "store: closing the new one", listener->domid);
    } else if (!source_add(&client->source)) {
        ovs_list_push_back(&server->clients, &client->node);
        return;
    }
    store_conn_destroy(client->conn);
    close(fd);
    free(client);
}

int
store_listener_create(struct store_server *server, uint32_t domid, int fd,
                      struct store_listener **listenerp)
{
    struct store_listener *listener = xzalloc(sizeof *listener);
    int error;

    listener->source = (struct source) { fd, EPOLLIN, listener_ready };
    listener->server = server;
    listener->domid = domid;
    error = source_add(&listener->source);
    if (error) {
        close(fd);
        free(listener);
        return error;
    }
    *listenerp = listener;
    return 0;
}

void
store_server_run(struct store_server *server)
{
    struct client *client;

    store_run(server->store, time_msec());
    for (int i = 0; i < BUSY_PER_TURN
         && (client = store_next_busy(server->store)); i++) {
        client_run(client, false);
    }
}

void
store_server_wait(struct store_server *server)
{
    poll_timer_wait_until(store_deadline_ms(server->store));
}
