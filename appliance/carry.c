#include "appliance/carry.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libxenvchan.h>

#define BUFFER_BYTES 16384
#define ALIVE_MS 1000

/* Bytes on their way in one direction. */
struct pipe_buffer {
    char bytes[BUFFER_BYTES];
    size_t begin, end;
};

/* From the channel to the socket, as far as it goes.  False: no further. */
static bool
channel_to_socket(struct libxenvchan *channel, int fd, struct pipe_buffer *b)
{
    if (b->begin == b->end) {
        int n = libxenvchan_read(channel, b->bytes, sizeof b->bytes);

        b->begin = 0;
        b->end = n > 0 ? n : 0;
        if (n < 0 || (!n && libxenvchan_is_open(channel) != 1)) {
            return false;
        }
    }
    while (b->begin < b->end) {
        ssize_t n = send(fd, b->bytes + b->begin, b->end - b->begin,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        b->begin += n;
    }
    return true;
}

/* The other way. */
static bool
socket_to_channel(int fd, struct libxenvchan *channel, struct pipe_buffer *b)
{
    if (b->begin == b->end) {
        ssize_t n = recv(fd, b->bytes, sizeof b->bytes, MSG_DONTWAIT);

        b->begin = 0;
        b->end = n > 0 ? n : 0;
        if (n < 0 ? errno != EAGAIN && errno != EINTR : !n) {
            return false;
        }
    }
    while (b->begin < b->end) {
        int n = libxenvchan_write(channel, b->bytes + b->begin,
                                  b->end - b->begin);
        if (n <= 0) {
            return !n;
        }
        b->begin += n;
    }
    return true;
}

void
carry(struct libxenvchan *channel, int fd, const atomic_uint *n_deaths)
{
    unsigned int n_before = atomic_load(n_deaths);
    static _Thread_local struct pipe_buffer in, out;

    channel->blocking = 0;
    in.begin = in.end = out.begin = out.end = 0;
    while (atomic_load(n_deaths) == n_before
           && channel_to_socket(channel, fd, &in)
           && socket_to_channel(fd, channel, &out)) {
        struct pollfd fds[] = {
            { libxenvchan_fd_for_select(channel), POLLIN, 0 },
            { fd, (out.begin == out.end ? POLLIN : 0)
                  | (in.begin < in.end ? POLLOUT : 0), 0 },
        };

        if (libxenvchan_data_ready(channel) && in.begin == in.end) {
            continue;
        }
        /* Of a side that was killed there is no event. */
        poll(fds, 2, ALIVE_MS);
        if (fds[0].revents) {
            libxenvchan_wait(channel);
        }
    }
    libxenvchan_close(channel);
    close(fd);
}
