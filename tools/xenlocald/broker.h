/* The broker: hands out guests' memory and event channels.
 *
 * A port belongs to the connection that allocated or bound it, and goes with
 * it.  An event channel is a pair of eventfds; the broker keeps both as long
 * as the allocator's port lives, so that another binder can follow a dead
 * one, and kicks whoever stays when the other end goes.
 *
 * Thread: main.
 * Errors: 0 or -errno; clients get theirs in replies.
 * Trust:  a connection is the domain whose socket it came through; all that
 *         it sends may be hostile, descriptors included. */

#ifndef XENLOCALD_BROKER_H
#define XENLOCALD_BROKER_H 1

#include <stddef.h>
#include <stdint.h>

struct broker;

struct broker_usage {
    size_t connections, ports, memories;
};

struct broker *broker_create(void);
void broker_destroy(struct broker *);   /* Accepts NULL. */

/* Serves domain 'domid' at 'listen_fd', which becomes the broker's (closed on
 * error). */
int broker_domain_add(struct broker *, uint32_t domid, int listen_fd);

/* The domain is dead: closes its connections, ports and memory; ports of
 * others that were for it get their last event. */
void broker_domain_remove(struct broker *, uint32_t domid);

void broker_usage(const struct broker *, struct broker_usage *);

#endif /* broker.h */
