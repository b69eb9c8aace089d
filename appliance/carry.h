/* A byte stream between a channel of libxenvchan and a socket; none of it is
 * read.
 *
 * Thread: any; one for each connection.
 * Trust:  the other side of the channel may do what it likes: it is cut off, or
 *         gets what it sent. */

#ifndef APPLIANCE_CARRY_H
#define APPLIANCE_CARRY_H 1

#include <stdatomic.h>

struct libxenvchan;

/* Carries until either side closes or dies, or until '*n_deaths' is another
 * number (looked at once a second), then closes both. */
void carry(struct libxenvchan *, int fd, const atomic_uint *n_deaths);

#endif /* appliance/carry.h */
