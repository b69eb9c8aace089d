#include "tests/fakes/fake_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xenlocal/xenlocal.h"

#define CHECK(CONDITION)                                                    \
    do {                                                                    \
        if (!(CONDITION)) {                                                 \
            fprintf(stderr, "%s:%d: fake broker: " #CONDITION               \
                    " is false (%s)\n", __FILE__, __LINE__,                 \
                    strerror(errno));                                       \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct fake_broker {
    char dir[64], domain_dir[96], path[108];
    int listener, stop_fd;
    int channel[2];                     /* Backend's wait, guest's wait. */
    pthread_t thread;

    pthread_mutex_t mutex;
    const struct fake_memory *memory;
    uint64_t generation;
    int64_t lie_bytes;
    int32_t lie_count;
    bool hang_up;
    unsigned int n_connections, n_closes;
};

void
fake_memory_init(struct fake_memory *memory, uint64_t bytes,
                 uint32_t n_grant_pages, int seals)
{
    int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    CHECK(fd >= 0);
    CHECK(!ftruncate(fd, bytes));
    CHECK(!fcntl(fd, F_ADD_SEALS, seals));
    *memory = (struct fake_memory) {
        .fd = fd,
        .base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
        .bytes = bytes,
        .n_grant_pages = n_grant_pages,
    };
    CHECK(memory->base != MAP_FAILED);
    memory->grants = (struct grant_entry_v1 *) memory->base;
}

void
fake_memory_finish(struct fake_memory *memory)
{
    munmap(memory->base, memory->bytes);
    close(memory->fd);
}

static void
get_memory(struct fake_broker *broker, const struct xenlocal_request *request,
           struct xenlocal_reply *reply, int fds[2])
{
    if (!broker->memory || request->domid != FAKE_BROKER_GUEST_DOMID) {
        reply->error = -ENOENT;
        return;
    }
    reply->bytes = broker->memory->bytes + broker->lie_bytes;
    reply->count = broker->memory->n_grant_pages + broker->lie_count;
    reply->generation = broker->generation;
    fds[0] = broker->memory->fd;
}

static void
handle(struct fake_broker *broker, const struct xenlocal_request *request,
       struct xenlocal_reply *reply, int fds[2])
{
    switch (request->op) {
    case XENLOCAL_GET_MEMORY:
        get_memory(broker, request, reply, fds);
        break;

    case XENLOCAL_EVTCHN_BIND:
        if (request->domid != FAKE_BROKER_GUEST_DOMID || request->port != 3) {
            reply->error = -ENOENT;
            break;
        }
        reply->port = 40;
        fds[0] = broker->channel[0];
        fds[1] = broker->channel[1];
        CHECK(!eventfd_write(fds[0], 1));
        break;

    case XENLOCAL_EVTCHN_CLOSE:
        CHECK(request->port == 40);
        broker->n_closes++;
        break;

    default:
        reply->error = -ENOSYS;
        break;
    }
}

static void
send_reply(int sock, const struct xenlocal_reply *reply, const int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = { .bytes = { 0 } };
    struct iovec iov = { (void *) reply, sizeof *reply };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    size_t n_fds = (fds[0] >= 0) + (fds[1] >= 0);

    if (n_fds) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));

        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
    }
    CHECK(sendmsg(sock, &msg, MSG_NOSIGNAL) == sizeof *reply
          || errno == EPIPE);
}

/* Answers one request.  False: the connection is at its end. */
static bool
serve(struct fake_broker *broker, int sock)
{
    struct xenlocal_request request;
    struct xenlocal_reply reply = { .error = 0 };
    int fds[2] = { -1, -1 };

    if (recv(sock, &request, sizeof request, 0) != sizeof request) {
        return false;
    }

    pthread_mutex_lock(&broker->mutex);
    bool hang_up = broker->hang_up;
    broker->hang_up = false;
    if (!hang_up) {
        handle(broker, &request, &reply, fds);
        send_reply(sock, &reply, fds);
    }
    pthread_mutex_unlock(&broker->mutex);
    return !hang_up;
}

static void *
run(void *broker_)
{
    struct fake_broker *broker = broker_;
    int conn = -1;

    for (;;) {
        struct pollfd pollfds[] = {
            { .fd = broker->stop_fd, .events = POLLIN },
            { .fd = conn < 0 ? broker->listener : conn, .events = POLLIN },
        };

        CHECK(poll(pollfds, 2, -1) > 0);
        if (pollfds[0].revents) {
            break;
        }
        if (conn < 0) {
            conn = accept(broker->listener, NULL, NULL);
            CHECK(conn >= 0);
            pthread_mutex_lock(&broker->mutex);
            broker->n_connections++;
            pthread_mutex_unlock(&broker->mutex);
        } else if (!serve(broker, conn)) {
            close(conn);
            conn = -1;
        }
    }
    if (conn >= 0) {
        close(conn);
    }
    return NULL;
}

struct fake_broker *
fake_broker_create(void)
{
    struct fake_broker *broker = calloc(1, sizeof *broker);
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    CHECK(broker);
    strcpy(broker->dir, "/tmp/netdom-fake-broker-XXXXXX");
    CHECK(mkdtemp(broker->dir));
    snprintf(broker->domain_dir, sizeof broker->domain_dir, "%s/%d",
             broker->dir, FAKE_BROKER_OWN_DOMID);
    CHECK(!mkdir(broker->domain_dir, 0700));
    CHECK(xenlocal_socket_path(broker->path, sizeof broker->path, broker->dir,
                               FAKE_BROKER_OWN_DOMID, "broker.sock"));

    strcpy(sun.sun_path, broker->path);
    broker->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(broker->listener >= 0);
    CHECK(!bind(broker->listener, (struct sockaddr *) &sun, sizeof sun));
    CHECK(!listen(broker->listener, 4));
    broker->stop_fd = eventfd(0, EFD_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        broker->channel[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        CHECK(broker->channel[i] >= 0);
    }
    pthread_mutex_init(&broker->mutex, NULL);
    CHECK(!pthread_create(&broker->thread, NULL, run, broker));
    return broker;
}

void
fake_broker_destroy(struct fake_broker *broker)
{
    CHECK(!eventfd_write(broker->stop_fd, 1));
    pthread_join(broker->thread, NULL);
    pthread_mutex_destroy(&broker->mutex);
    close(broker->listener);
    close(broker->stop_fd);
    close(broker->channel[0]);
    close(broker->channel[1]);
    unlink(broker->path);
    rmdir(broker->domain_dir);
    rmdir(broker->dir);
    free(broker);
}

const char *
fake_broker_dir(const struct fake_broker *broker)
{
    return broker->dir;
}

void
fake_broker_set_memory(struct fake_broker *broker,
                       const struct fake_memory *memory)
{
    pthread_mutex_lock(&broker->mutex);
    broker->memory = memory;
    broker->generation++;
    pthread_mutex_unlock(&broker->mutex);
}

void
fake_broker_lie(struct fake_broker *broker, int64_t bytes, int32_t count)
{
    pthread_mutex_lock(&broker->mutex);
    broker->lie_bytes = bytes;
    broker->lie_count = count;
    broker->generation++;
    pthread_mutex_unlock(&broker->mutex);
}

void
fake_broker_hang_up(struct fake_broker *broker)
{
    pthread_mutex_lock(&broker->mutex);
    broker->hang_up = true;
    pthread_mutex_unlock(&broker->mutex);
}

int
fake_broker_guest_wait_fd(const struct fake_broker *broker)
{
    return broker->channel[1];
}

int
fake_broker_guest_kick_fd(const struct fake_broker *broker)
{
    return broker->channel[0];
}

static unsigned int
locked_read(const struct fake_broker *broker, const unsigned int *number)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *) &broker->mutex;

    pthread_mutex_lock(mutex);
    unsigned int n = *number;
    pthread_mutex_unlock(mutex);
    return n;
}

unsigned int
fake_broker_connections(const struct fake_broker *broker)
{
    return locked_read(broker, &broker->n_connections);
}

unsigned int
fake_broker_closes(const struct fake_broker *broker)
{
    return locked_read(broker, &broker->n_closes);
}
