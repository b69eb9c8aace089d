/* An event channel's descriptors, and what must hold of a guest's memory.
 *
 * Thread: main.
 * Errors: 0 or -errno.
 * Trust:  the other holders of these descriptors may do to them whatever the
 *         kernel lets them: fill a counter, make it blocking. */

#ifndef XENLOCALD_CHANNEL_H
#define XENLOCALD_CHANNEL_H 1

#include <stdint.h>

/* end[0] waits on fd[0] and kicks fd[1], end[1] the reverse. */
struct channel {
    int fd[2];
};

int channel_open(struct channel *);
void channel_close(struct channel *);

/* Makes 'eventfd' readable.  Never blocks for longer than a few
 * milliseconds. */
void channel_kick(int eventfd);

/* Is 'fd' a memfd of 'bytes' bytes that cannot change its size, with room for
 * 'count' pages of grant table and more?  -EPERM: seals; -EINVAL: the
 * rest. */
int memory_check(int fd, uint64_t bytes, uint32_t count);

#endif /* channel.h */
