#include <config.h>

#include "tools/xenlocald/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "xenlocal/xenlocal.h"

#define KICK_TIMEOUT_US 2000
#define MEMORY_BYTES_MAX (UINT64_C(64) << 30)
#define GRANT_PAGES_MAX 64u

int
channel_open(struct channel *channel)
{
    channel->fd[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (channel->fd[0] < 0) {
        return -errno;
    }
    channel->fd[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (channel->fd[1] < 0) {
        int error = errno;
        close(channel->fd[0]);
        return -error;
    }
    return 0;
}

void
channel_close(struct channel *channel)
{
    close(channel->fd[0]);
    close(channel->fd[1]);
}

static void
interrupt(int signo)
{
    (void) signo;
}

/* A full counter is an event that waits already.  Another holder may have
 * made the file blocking and may fill it between poll() and write(): then a
 * timer's signal gets us out. */
void
channel_kick(int fd)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
    struct sigaction action = { .sa_handler = interrupt }, old_action;
    struct itimerval timer = {
        .it_value.tv_usec = KICK_TIMEOUT_US,
        .it_interval.tv_usec = KICK_TIMEOUT_US,
    };
    uint64_t one = 1;

    if (poll(&pollfd, 1, 0) != 1 || !(pollfd.revents & POLLOUT)) {
        return;
    }
    sigaction(SIGALRM, &action, &old_action);
    setitimer(ITIMER_REAL, &timer, NULL);
    ssize_t n = write(fd, &one, sizeof one);
    (void) n;
    setitimer(ITIMER_REAL, &(struct itimerval) { .it_value = { 0, 0 } }, NULL);
    sigaction(SIGALRM, &old_action, NULL);
}

int
memory_check(int fd, uint64_t bytes, uint32_t count)
{
    struct statfs fs;
    struct stat s;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || fstat(fd, &s) || fstatfs(fd, &fs)) {
        return -EINVAL;
    }
    if ((seals & (F_SEAL_SHRINK | F_SEAL_GROW))
        != (F_SEAL_SHRINK | F_SEAL_GROW)) {
        return -EPERM;
    }
    /* A backend writes to it; huge pages may be missing when it does. */
    if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
        || fs.f_type != TMPFS_MAGIC
        || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR) {
        return -EINVAL;
    }
    if (s.st_size < 0 || (uint64_t) s.st_size != bytes
        || bytes % XENLOCAL_PAGE_BYTES || bytes > MEMORY_BYTES_MAX
        || !count || count > GRANT_PAGES_MAX
        || bytes / XENLOCAL_PAGE_BYTES <= count) {
        return -EINVAL;
    }
    return 0;
}
