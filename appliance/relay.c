/* netdom-relay: carries the bytes of a stream socket between dom0 and a driver
 * domain through libxenvchan, and reads none of them.
 *
 * In the domain a process has some channels for a service, and a thread for
 * each, which carries one connection after the other to a socket there; in dom0
 * a socket is listened on, and each connection takes a channel that is free.
 * Where they meet is a folder of the domain's own in xenstore,
 * data/netdom/SERVICE/NUMBER; the node 'turn' there is another text each time that
 * the channel is offered.  A channel whose turn was used is one whose end the
 * domain has not seen yet. */

#include <errno.h>
#include <getopt.h>
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

#define RING_BYTES 16384
#define N_CHANNELS 8                    /* Connections at a time. */
#define PATIENCE_S 10
#define RETRY_NS 50000000
#define TURN_BYTES 32
#define PATH_BYTES 128

static const char usage[] =
    "netdom-relay: carries a stream between dom0 and a driver domain\n"
    "usage: netdom-relay --serve=SERVICE --to=SOCKET\n"
    "       netdom-relay --domid=N --service=SERVICE --listen=SOCKET\n\n"
    "  --serve=SERVICE    in the domain: offer SERVICE to dom0\n"
    "  --to=SOCKET        and connect whoever comes to this unix socket\n"
    "  --domid=N          in dom0: whose\n"
    "  --service=SERVICE  service\n"
    "  --listen=SOCKET    this unix socket is connected to\n"
    "  --help\n\n"
    "Up to eight connections at a time.  It runs until SIGTERM.  Exit\n"
    "status: 2, it could not start, or its options make no sense.\n";

static void
nap(void)
{
    struct timespec ts = { 0, RETRY_NS };

    nanosleep(&ts, NULL);
}

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

/* One of a service's channels, in the domain. */
struct served {
    const char *service, *to;
    int number;
};

/* The channel at 'path' can be taken from now on. */
static void
write_turn(const char *path)
{
    struct xs_handle *xs = xs_open(0);
    char turn_path[PATH_BYTES + 8], turn[TURN_BYTES];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(turn, sizeof turn, "%lld.%09ld", (long long int) now.tv_sec,
             now.tv_nsec);
    snprintf(turn_path, sizeof turn_path, "%s/turn", path);
    if (!xs || !xs_write(xs, XBT_NULL, turn_path, turn, strlen(turn))) {
        fprintf(stderr, "netdom-relay: cannot write %s\n", turn_path);
        exit(2);
    }
    xs_close(xs);
}

/* Offers the channel at 'path', as often as it takes. */
static struct libxenvchan *
offer_channel(const char *path)
{
    bool told = false;

    for (;;) {
        struct libxenvchan *channel
            = libxenvchan_server_init(NULL, 0, path, RING_BYTES, RING_BYTES);

        if (channel) {
            write_turn(path);
            return channel;
        }
        if (!told) {
            fprintf(stderr, "netdom-relay: cannot offer %s yet: %s\n", path,
                    strerror(errno));
            told = true;
        }
        nap();
    }
}

static void *
serve_channel(void *served_)
{
    const struct served *served = served_;
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "data/netdom/%s/%d", served->service,
             served->number);
    for (;;) {
        struct libxenvchan *channel = offer_channel(path);

        channel->blocking = 1;
        while (libxenvchan_is_open(channel) == 2) {
            libxenvchan_wait(channel);
        }
        int fd = connect_unix(served->to);
        if (fd < 0) {
            libxenvchan_close(channel);
            nap();
        } else {
            carry(channel, fd);
        }
    }
    return NULL;
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

static void
serve(const char *service, const char *to)
{
    static struct served served[N_CHANNELS];

    for (int i = 0; i < N_CHANNELS; i++) {
        served[i] = (struct served) { service, to, i };
        start_thread(serve_channel, &served[i]);
    }
    for (;;) {
        pause();
    }
}

/* One connection, in dom0. */
struct connection {
    struct libxenvchan *channel;
    int fd;
    atomic_bool busy;
    char turn[TURN_BYTES];              /* The last one that was taken. */
};

static void *
run_connection(void *connection_)
{
    struct connection *c = connection_;

    carry(c->channel, c->fd);
    atomic_store(&c->busy, false);
    return NULL;
}

/* 'turn' gets whose turn it is at 'path'; "": nobody's. */
static void
read_turn(struct xs_handle *xs, const char *path, char turn[TURN_BYTES])
{
    char turn_path[PATH_BYTES + 8];

    snprintf(turn_path, sizeof turn_path, "%s/turn", path);
    char *text = xs_read(xs, XBT_NULL, turn_path, NULL);
    snprintf(turn, TURN_BYTES, "%s", text ? text : "");
    free(text);
}

static bool
try_channel(struct xs_handle *xs, int domid, const char *service, int number,
            struct connection *c)
{
    char path[PATH_BYTES], turn[TURN_BYTES], then[TURN_BYTES];

    snprintf(path, sizeof path, "/local/domain/%d/data/netdom/%s/%d", domid,
             service, number);
    read_turn(xs, path, turn);
    if (!turn[0] || !strcmp(turn, c->turn)) {
        return false;
    }
    c->channel = libxenvchan_client_init(NULL, domid, path);
    if (!c->channel) {
        return false;
    }
    read_turn(xs, path, then);
    if (libxenvchan_is_open(c->channel) != 1 || strcmp(turn, then)) {
        libxenvchan_close(c->channel);
        return false;
    }
    memcpy(c->turn, turn, sizeof c->turn);
    return true;
}

/* Finds a channel that is free.  The domain offers one again once the last
 * connection through it is over. */
static bool
take_channel(struct xs_handle *xs, int domid, const char *service,
             struct connection *connections, int fd)
{
    time_t until = time(NULL) + PATIENCE_S;

    do {
        for (int i = 0; i < N_CHANNELS; i++) {
            struct connection *c = &connections[i];

            if (!atomic_load(&c->busy)
                && try_channel(xs, domid, service, i, c)) {
                c->fd = fd;
                atomic_store(&c->busy, true);
                start_thread(run_connection, c);
                return true;
            }
        }
        nap();
    } while (time(NULL) < until);
    return false;
}

static void
offer(int domid, const char *service, const char *listen_path)
{
    static struct connection connections[N_CHANNELS];
    int listening = listen_unix(listen_path);
    struct xs_handle *xs = xs_open(0);

    if (!xs) {
        fprintf(stderr, "netdom-relay: xenstore: %s\n", strerror(errno));
        exit(2);
    }

    for (;;) {
        int fd = accept(listening, NULL, NULL);

        if (fd < 0) {
            continue;
        }
        if (!take_channel(xs, domid, service, connections, fd)) {
            fprintf(stderr, "netdom-relay: domain %d does not offer %s\n",
                    domid, service);
            close(fd);
        }
    }
}

int
main(int argc, char *argv[])
{
    enum { SERVE = 1, TO, DOMID, SERVICE, LISTEN, HELP };
    static const struct option options[] = {
        { "serve", required_argument, NULL, SERVE },
        { "to", required_argument, NULL, TO },
        { "domid", required_argument, NULL, DOMID },
        { "service", required_argument, NULL, SERVICE },
        { "listen", required_argument, NULL, LISTEN },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    const char *served = NULL, *to = NULL, *service = NULL, *place = NULL;
    int domid = -1, c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case SERVE: served = optarg; break;
        case TO: to = optarg; break;
        case DOMID: domid = atoi(optarg); break;
        case SERVICE: service = optarg; break;
        case LISTEN: place = optarg; break;
        case HELP: fputs(usage, stdout); return 0;
        default: return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    if (served && to && !service && !place) {
        serve(served, to);
    } else if (domid >= 0 && service && place && !served) {
        offer(domid, service, place);
    }
    fputs("netdom-relay: give --serve and --to, or --domid, --service and "
          "--listen; --help says more\n", stderr);
    return 2;
}
