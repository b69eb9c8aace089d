#include "appliance/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libxenvchan.h>
#include <xenstore.h>

#define RING_BYTES 16384
#define RETRY_NS 50000000
#define PATH_BYTES 128

void
channel_nap(void)
{
    struct timespec ts = { 0, RETRY_NS };

    nanosleep(&ts, NULL);
}

static void
own_path(char path[PATH_BYTES], const char *service, int number)
{
    snprintf(path, PATH_BYTES, "data/netdom/%s/%d", service, number);
}

static void
write_turn(const char *path, const char *turn)
{
    struct xs_handle *xs = xs_open(0);
    char turn_path[PATH_BYTES + 8];

    snprintf(turn_path, sizeof turn_path, "%s/turn", path);
    if (!xs || !xs_write(xs, XBT_NULL, turn_path, turn, strlen(turn))) {
        fprintf(stderr, "netdom-relay: cannot write %s\n", turn_path);
        exit(2);
    }
    xs_close(xs);
}

/* All at once, they would fail at each other's transactions in xenstore. */
static pthread_mutex_t offering = PTHREAD_MUTEX_INITIALIZER;

static struct libxenvchan *
try_offer(const char *path)
{
    struct libxenvchan *channel;

    pthread_mutex_lock(&offering);
    channel = libxenvchan_server_init(NULL, 0, path, RING_BYTES, RING_BYTES);
    pthread_mutex_unlock(&offering);
    return channel;
}

struct libxenvchan *
channel_offer(const char *service, int number)
{
    struct libxenvchan *channel;
    char path[PATH_BYTES], turn[CHANNEL_TURN_BYTES];
    struct timespec now;
    bool told = false;

    own_path(path, service, number);
    while (!(channel = try_offer(path))) {
        if (!told) {
            fprintf(stderr, "netdom-relay: cannot offer %s yet: %s\n", path,
                    strerror(errno));
            told = true;
        }
        channel_nap();
    }
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(turn, sizeof turn, "%lld.%09ld", (long long int) now.tv_sec,
             now.tv_nsec);
    write_turn(path, turn);
    return channel;
}

void
channel_withdraw(const char *service, int number)
{
    char path[PATH_BYTES];

    own_path(path, service, number);
    write_turn(path, "");
}

/* 'turn' gets whose turn it is at 'path'; "": nobody's. */
static void
read_turn(struct xs_handle *xs, const char *path,
          char turn[CHANNEL_TURN_BYTES])
{
    char turn_path[PATH_BYTES + 8];

    snprintf(turn_path, sizeof turn_path, "%s/turn", path);
    char *text = xs_read(xs, XBT_NULL, turn_path, NULL);
    snprintf(turn, CHANNEL_TURN_BYTES, "%s", text ? text : "");
    free(text);
}

struct libxenvchan *
channel_take(struct xs_handle *xs, int domid, const char *service, int number,
             char turn[CHANNEL_TURN_BYTES])
{
    char path[PATH_BYTES], now[CHANNEL_TURN_BYTES], then[CHANNEL_TURN_BYTES];

    snprintf(path, sizeof path, "/local/domain/%d/data/netdom/%s/%d", domid,
             service, number);
    read_turn(xs, path, now);
    if (!now[0] || !strcmp(now, turn)) {
        return NULL;
    }

    struct libxenvchan *channel = libxenvchan_client_init(NULL, domid, path);
    if (!channel) {
        return NULL;
    }
    read_turn(xs, path, then);
    if (libxenvchan_is_open(channel) != 1 || strcmp(now, then)) {
        libxenvchan_close(channel);
        return NULL;
    }
    memcpy(turn, now, CHANNEL_TURN_BYTES);
    return channel;
}
