/* Sockets in the run folder: to listen on one, and to move the fixed-size
 * messages of xenlocal.h.  Interprets nothing.
 *
 * Thread: main.
 * Errors: 0 or -errno.
 * Trust:  peers may send anything, at any size, with any descriptors. */

#ifndef XENLOCALD_PEER_H
#define XENLOCALD_PEER_H 1

#include <stdbool.h>

#include "xenlocal/xenlocal.h"

/* Binds a listening, non-blocking socket of 'type' at 'leaf' in the folder
 * 'dir_fd', mode 0600.  Returns the descriptor or -errno. */
int peer_listen(int dir_fd, const char *leaf, int type);

/* Accepts a connection: its descriptor, non-blocking, or -EAGAIN if nobody
 * waits.  Whoever comes when descriptors have run out is turned away. */
int peer_accept(int listen_fd);

/* Takes one request off 'fd'; '*rights' is the descriptor that came with it
 * (-1: none) and becomes the caller's.  -EAGAIN: none there; -EPIPE: the peer
 * is gone; -EPROTO: it does not speak the protocol. */
int peer_recv(int fd, struct xenlocal_request *, int *rights);

/* Sends 'reply' with 'n_fds' descriptors, which stay the caller's.  -EAGAIN:
 * the peer does not read its replies. */
int peer_send(int fd, const struct xenlocal_reply *, const int fds[],
              unsigned int n_fds);

#endif /* peer.h */
