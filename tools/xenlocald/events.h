/* Which of many descriptors are ready: one epoll set behind OVS's poll loop,
 * so that a turn costs what is ready, not what exists.
 *
 * Thread: main.
 * Owner:  the caller embeds a struct source where its state is, and removes
 *         it before it frees that or closes the descriptor. */

#ifndef XENLOCALD_EVENTS_H
#define XENLOCALD_EVENTS_H 1

#include <stdint.h>
#include <sys/epoll.h>

struct source {
    int fd;
    uint32_t events;                    /* EPOLLIN, EPOLLOUT. */
    void (*ready)(struct source *, uint32_t events);
};

void events_init(void);

/* Fill in '*source' first.  Returns 0 or -errno. */
int source_add(struct source *);
void source_set(struct source *, uint32_t events);
void source_remove(struct source *);

/* Calls ready() for those that are, a bounded number in turn. */
void events_run(void);
void events_wait(void);

#endif /* events.h */
