/* Event channels of the stand-in: an eventfd each way. */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "datapath/xen_local.h"

struct xen_evtchn {
    struct xen_platform *platform;
    uint32_t port;                      /* Ours, */
    uint64_t broker_epoch;              /* on this connection. */
    int wait_fd, kick_fd;
    int epoll_fd;                       /* Readable: 'wait_fd' is, unmasked. */
    bool masked;
};

static void
watch(struct xen_evtchn *evtchn, uint32_t events)
{
    struct epoll_event event = { .events = events };

    epoll_ctl(evtchn->epoll_fd, EPOLL_CTL_MOD, evtchn->wait_fd, &event);
}

static int
open_epoll(struct xen_evtchn *evtchn)
{
    struct epoll_event event = { .events = EPOLLIN };

    evtchn->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (evtchn->epoll_fd < 0
        || epoll_ctl(evtchn->epoll_fd, EPOLL_CTL_ADD, evtchn->wait_fd,
                     &event)) {
        return -errno;
    }
    return 0;
}

int
xen_local_evtchn_bind(struct xen_platform *platform, uint16_t domid,
                      uint32_t port, struct xen_evtchn **evtchnp)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_EVTCHN_BIND,
        .domid = domid,
        .port = port,
    };
    struct xenlocal_reply reply;
    int fds[2];

    *evtchnp = NULL;
    struct xen_evtchn *evtchn = calloc(1, sizeof *evtchn);
    if (!evtchn) {
        return -ENOMEM;
    }

    pthread_mutex_lock(&platform->mutex);
    int error = xen_local_call(platform, &request, &reply, fds);
    uint64_t epoch = platform->broker_epoch;
    pthread_mutex_unlock(&platform->mutex);
    if (error) {
        free(evtchn);
        return error;
    }

    *evtchn = (struct xen_evtchn) {
        .platform = platform,
        .port = reply.port,
        .broker_epoch = epoch,
        .wait_fd = fds[0],
        .kick_fd = fds[1],
        .epoll_fd = -1,
    };
    error = fds[0] < 0 || fds[1] < 0 ? -EPROTO : open_epoll(evtchn);
    if (error) {
        xen_local_evtchn_unbind(evtchn);
        return error;
    }
    *evtchnp = evtchn;
    return 0;
}

static void
close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void
xen_local_evtchn_unbind(struct xen_evtchn *evtchn)
{
    if (!evtchn) {
        return;
    }

    struct xen_platform *platform = evtchn->platform;
    struct xenlocal_request request = {
        .op = XENLOCAL_EVTCHN_CLOSE,
        .port = evtchn->port,
    };
    struct xenlocal_reply reply;

    /* A broken connection has closed the port already, and on a new one its
     * number may be another's. */
    pthread_mutex_lock(&platform->mutex);
    if (platform->broker >= 0
        && platform->broker_epoch == evtchn->broker_epoch) {
        xen_local_call(platform, &request, &reply, NULL);
    }
    pthread_mutex_unlock(&platform->mutex);

    close_fd(evtchn->epoll_fd);
    close_fd(evtchn->wait_fd);
    close_fd(evtchn->kick_fd);
    free(evtchn);
}

int
xen_local_evtchn_fd(const struct xen_evtchn *evtchn)
{
    return evtchn->epoll_fd;
}

void
xen_local_evtchn_notify(struct xen_evtchn *evtchn)
{
    uint64_t one = 1;

    /* A counter that is full is as pending as can be.  A guest that fills it
     * and also makes the file blocking holds us up: the kernel has no call
     * that writes to an eventfd and cannot block at a bearable price
     * (io_submit() with IOCB_FLAG_RESFD costs three writes).  An event
     * channel of Xen has no such hold on us. */
    ssize_t n = write(evtchn->kick_fd, &one, sizeof one);
    (void) n;
    xen_local_count(&evtchn->platform->counts.notifies, 1);
}

/* Never blocks, although the guest can clear O_NONBLOCK: an eventfd's file
 * flags are shared by all who hold it. */
static bool
take_events(int fd)
{
    uint64_t events;
    struct iovec iov = { &events, sizeof events };

    return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof events;
}

bool
xen_local_evtchn_pending(struct xen_evtchn *evtchn)
{
    if (evtchn->masked || !take_events(evtchn->wait_fd)) {
        return false;
    }
    evtchn->masked = true;
    watch(evtchn, 0);
    return true;
}

void
xen_local_evtchn_unmask(struct xen_evtchn *evtchn)
{
    if (evtchn->masked) {
        evtchn->masked = false;
        watch(evtchn, EPOLLIN);
    }
}
