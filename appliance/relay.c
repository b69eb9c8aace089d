/* netdom-relay: carries the bytes of stream sockets between dom0 and a driver
 * domain through libxenvchan, and reads none of them.
 *
 * A service has a name.  One side listens on a socket for it, and whoever
 * connects there is connected to the socket that the other side has for it.
 * Channels are the domain's to offer (channel.h): for what dom0 listens to it
 * keeps some on offer, for what it listens to itself it offers one when somebody
 * has come. */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libxenvchan.h>
#include <xenstore.h>

#include "appliance/carry.h"
#include "appliance/channel.h"

#define N_CHANNELS 8                    /* Connections at a time. */
#define SERVICES_MAX 16
#define PATIENCE_S 10
#define LOOK_MS 1000
#define PATH_BYTES 128

static const char usage[] =
    "netdom-relay: carries streams between dom0 and a driver domain\n"
    "usage: netdom-relay [--domid=N] --listen=SERVICE:SOCKET...\n"
    "                    --connect=SERVICE:SOCKET...\n\n"
    "Whoever connects to the unix socket that one side listens on is connected\n"
    "to the one that the other side has for the service of that name.\n\n"
    "  --listen=SERVICE:SOCKET   listen there; at least one of these\n"
    "  --connect=SERVICE:SOCKET  connect to there; or of these\n"
    "  --domid=N                 in dom0: with which domain (none: in the\n"
    "                            domain, with dom0)\n"
    "  --help\n\n"
    "Up to eight connections at a time for a service that dom0 listens to, one\n"
    "for others.  It runs until SIGTERM.  Exit status: 2, it could not start,\n"
    "or its options make no sense.\n";

/* In dom0: how often the domain has gone.  It tells nobody, and is not gone before
 * all have let go of its memory. */
static atomic_uint n_deaths;

/* One --listen or --connect. */
struct service {
    char *name, *socket;
    bool listens;
    int domid;                          /* -1: this is the domain. */
    int listening;                      /* The descriptor. */
};

static bool
unix_address(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    return strlen(path) < sizeof address->sun_path
           && strcpy(address->sun_path, path);
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && unix_address(path, &address)
        && !connect(fd, (struct sockaddr *) &address, sizeof address)) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static int
listen_unix(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !unix_address(path, &address)
        || (unlink(path) && errno != ENOENT)
        || bind(fd, (struct sockaddr *) &address, sizeof address)
        || listen(fd, 16)) {
        fprintf(stderr, "netdom-relay: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    return fd;
}

static void
start_thread(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, arg) || pthread_detach(thread)) {
        fprintf(stderr, "netdom-relay: no thread\n");
        exit(2);
    }
}

static struct xs_handle *
open_xenstore(void)
{
    struct xs_handle *xs = xs_open(0);

    if (!xs) {
        fprintf(stderr, "netdom-relay: xenstore: %s\n", strerror(errno));
        exit(2);
    }
    return xs;
}

/* Carries, or closes the channel if there is nobody to carry to. */
static void
carry_to(struct libxenvchan *channel, const char *socket_path)
{
    int fd = connect_unix(socket_path);

    if (fd >= 0) {
        carry(channel, fd, &n_deaths);
    } else {
        libxenvchan_close(channel);
        channel_nap();
    }
}

/* In the domain, for what dom0 listens to: one of the channels on offer. */
struct offered {
    const struct service *service;
    int number;
};

static void *
run_offered(void *offered_)
{
    const struct offered *offered = offered_;

    for (;;) {
        struct libxenvchan *channel = channel_offer(offered->service->name,
                                                    offered->number);

        channel->blocking = 1;
        while (libxenvchan_is_open(channel) == 2) {
            libxenvchan_wait(channel);
        }
        carry_to(channel, offered->service->socket);
    }
    return NULL;
}

static void *
domain_connects(void *service)
{
    struct offered *offered = calloc(N_CHANNELS, sizeof *offered);

    for (int i = 0; offered && i < N_CHANNELS; i++) {
        offered[i] = (struct offered) { service, i };
        start_thread(run_offered, &offered[i]);
    }
    return NULL;
}

/* In the domain, for what it listens to itself. */
static void *
domain_listens(void *service_)
{
    const struct service *service = service_;

    for (;;) {
        int fd = accept4(service->listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
            continue;
        }

        time_t until = time(NULL) + PATIENCE_S;
        struct libxenvchan *channel = channel_offer(service->name, 0);

        channel->blocking = 1;
        while (libxenvchan_is_open(channel) == 2 && time(NULL) < until) {
            channel_nap();
        }
        channel_withdraw(service->name, 0);
        if (libxenvchan_is_open(channel) == 1) {
            carry(channel, fd, &n_deaths);
        } else {
            libxenvchan_close(channel);
            close(fd);
        }
    }
    return NULL;
}

/* The main thread's work in dom0. */
static void
watch_domain(int domid)
{
    struct xs_handle *xs = open_xenstore();
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "/local/domain/%d/name", domid);
    xs_watch(xs, "@releaseDomain", "");
    for (;;) {
        unsigned int n;
        char **event = xs_read_watch(xs, &n);
        char *name = xs_read(xs, XBT_NULL, path, NULL);

        if (!event) {
            fprintf(stderr, "netdom-relay: xenstore is gone\n");
            exit(2);
        }
        if (!name) {
            atomic_fetch_add(&n_deaths, 1);
        }
        free(name);
        free(event);
    }
}

/* One connection, in dom0. */
struct connection {
    struct libxenvchan *channel;
    int fd;
    atomic_bool busy;
    char turn[CHANNEL_TURN_BYTES];      /* The last one that was taken. */
};

static void *
run_connection(void *connection_)
{
    struct connection *c = connection_;

    carry(c->channel, c->fd, &n_deaths);
    atomic_store(&c->busy, false);
    return NULL;
}

/* Sleeps until something is written where the domain offers the service's
 * channels, or for a second. */
static void
wait_for_offer(struct xs_handle *xs)
{
    struct pollfd pfd = { .fd = xs_fileno(xs), .events = POLLIN };
    char **event;

    poll(&pfd, 1, LOOK_MS);
    while ((event = xs_check_watch(xs))) {
        free(event);
    }
}

static void
watch_offers(struct xs_handle *xs, const struct service *service)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "/local/domain/%d/data/netdom/%s",
             service->domid, service->name);
    if (!xs_watch(xs, path, "")) {
        fprintf(stderr, "netdom-relay: cannot watch %s\n", path);
        exit(2);
    }
}

/* Finds a channel that is free.  The domain offers one again once the last
 * connection through it is over. */
static bool
take_any(struct xs_handle *xs, const struct service *service,
         struct connection *connections, int fd)
{
    time_t until = time(NULL) + PATIENCE_S;

    do {
        for (int i = 0; i < N_CHANNELS; i++) {
            struct connection *c = &connections[i];

            if (!atomic_load(&c->busy)
                && (c->channel = channel_take(xs, service->domid,
                                              service->name, i, c->turn))) {
                c->fd = fd;
                atomic_store(&c->busy, true);
                start_thread(run_connection, c);
                return true;
            }
        }
        wait_for_offer(xs);
    } while (time(NULL) < until);
    return false;
}

static void *
dom0_listens(void *service_)
{
    const struct service *service = service_;
    struct connection *connections = calloc(N_CHANNELS, sizeof *connections);
    struct xs_handle *xs = open_xenstore();

    watch_offers(xs, service);
    while (connections) {
        int fd = accept4(service->listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
            continue;
        }
        if (!take_any(xs, service, connections, fd)) {
            fprintf(stderr, "netdom-relay: domain %d does not offer %s\n",
                    service->domid, service->name);
            close(fd);
        }
    }
    return NULL;
}

/* In dom0, for what the domain listens to. */
static void *
dom0_connects(void *service_)
{
    const struct service *service = service_;
    struct xs_handle *xs = open_xenstore();
    char turn[CHANNEL_TURN_BYTES] = "";

    watch_offers(xs, service);
    for (;;) {
        wait_for_offer(xs);

        struct libxenvchan *channel = channel_take(xs, service->domid,
                                                   service->name, 0, turn);
        if (channel) {
            carry_to(channel, service->socket);
        }
    }
    return NULL;
}

static void
start(struct service *service)
{
    bool domain = service->domid < 0;

    if (service->listens) {
        service->listening = listen_unix(service->socket);
    }
    start_thread(domain ? service->listens ? domain_listens : domain_connects
                 : service->listens ? dom0_listens : dom0_connects, service);
}

/* "SERVICE:SOCKET" */
static bool
parse_service(char *text, bool listens, struct service *service)
{
    char *colon = strchr(text, ':');

    if (!colon || colon == text || !colon[1]) {
        return false;
    }
    *colon = '\0';
    *service = (struct service) { .name = text, .socket = colon + 1,
                                  .listens = listens, .domid = -1 };
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789")
           == strlen(text) && strlen(text) < 32;
}

int
main(int argc, char *argv[])
{
    enum { LISTEN = 1, CONNECT, DOMID, HELP };
    static const struct option options[] = {
        { "listen", required_argument, NULL, LISTEN },
        { "connect", required_argument, NULL, CONNECT },
        { "domid", required_argument, NULL, DOMID },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    static struct service services[SERVICES_MAX];
    size_t n = 0;
    int domid = -1, c;
    bool ok = true;

    while (ok && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case LISTEN:
        case CONNECT:
            ok = n < SERVICES_MAX
                 && parse_service(optarg, c == LISTEN, &services[n++]);
            break;
        case DOMID:
            ok = sscanf(optarg, "%d", &domid) == 1 && domid > 0;
            break;
        case HELP: fputs(usage, stdout); return 0;
        default: ok = false;
        }
    }
    if (!ok || !n || optind < argc) {
        fputs("netdom-relay: that makes no sense; --help says more\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < n; i++) {
        services[i].domid = domid;
        start(&services[i]);
    }
    if (domid > 0) {
        watch_domain(domid);
    }
    for (;;) {
        pause();
    }
}
