#include <config.h>

#include "tools/xenlocald/events.h"

#include <errno.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(events);

#define EVENTS_PER_TURN 64

static int epoll_fd = -1;

/* The turn's events; removing a source takes it out. */
static struct epoll_event turn[EVENTS_PER_TURN];
static int n_turn;

void
events_init(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        VLOG_FATAL("epoll_create1: %s", ovs_strerror(errno));
    }
}

int
source_add(struct source *source)
{
    struct epoll_event event = { .events = source->events,
                                 .data.ptr = source };

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event)
           ? -errno : 0;
}

void
source_set(struct source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    if (events != source->events) {
        source->events = events;
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
    }
}

void
source_remove(struct source *source)
{
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    for (int i = 0; i < n_turn; i++) {
        if (turn[i].data.ptr == source) {
            turn[i].data.ptr = NULL;
        }
    }
}

void
events_run(void)
{
    n_turn = epoll_wait(epoll_fd, turn, EVENTS_PER_TURN, 0);
    for (int i = 0; i < n_turn; i++) {
        struct source *source = turn[i].data.ptr;

        if (source) {
            source->ready(source, turn[i].events);
        }
    }
    n_turn = 0;
}

void
events_wait(void)
{
    poll_fd_wait(epoll_fd, POLLIN);
}
