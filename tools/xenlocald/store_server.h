/* Serves the store on one socket per domain.
 *
 * Thread: main.
 * Errors: 0 or -errno.
 * Trust:  a connection is the domain whose socket it came through. */

#ifndef XENLOCALD_STORE_SERVER_H
#define XENLOCALD_STORE_SERVER_H 1

#include <stdint.h>

struct store;
struct store_server;

struct store_server *store_server_create(struct store *);
void store_server_destroy(struct store_server *);       /* Accepts NULL. */

/* Serves domain 'domid' at 'listen_fd', which becomes the server's (closed on
 * error). */
int store_server_add(struct store_server *, uint32_t domid, int listen_fd);
/* Stops; connections that the store has cut go at the next run. */
void store_server_remove(struct store_server *, uint32_t domid);

void store_server_run(struct store_server *);
void store_server_wait(struct store_server *);

#endif /* store_server.h */
