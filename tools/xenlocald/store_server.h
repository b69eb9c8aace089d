/* Serves the store on one socket per domain.
 *
 * Thread: main.
 * Errors: 0 or -errno.
 * Trust:  a connection is the domain whose socket it came through. */

#ifndef XENLOCALD_STORE_SERVER_H
#define XENLOCALD_STORE_SERVER_H 1

#include <stdint.h>

struct store;
struct store_listener;
struct store_server;

struct store_server *store_server_create(struct store *);
/* Accepts NULL.  Listeners must have been destroyed. */
void store_server_destroy(struct store_server *);

/* Serves domain 'domid' at 'listen_fd', which becomes the listener's (closed
 * on error), until the listener is destroyed.  Connections that the store has
 * cut go at the next run. */
int store_listener_create(struct store_server *, uint32_t domid,
                          int listen_fd, struct store_listener **);
void store_listener_destroy(struct store_listener *);   /* Accepts NULL. */

void store_server_run(struct store_server *);
void store_server_wait(struct store_server *);

#endif /* store_server.h */
