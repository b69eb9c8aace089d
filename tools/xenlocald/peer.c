#include <config.h>

#include "tools/xenlocald/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "openvswitch/vlog.h"

VLOG_DEFINE_THIS_MODULE(peer);

#define BACKLOG 64
#define RIGHTS_MAX 2

/* Given up for a moment when descriptors have run out. */
static int reserve_fd = -1;

int
peer_listen(int dir_fd, const char *leaf, int type)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    /* The way over the descriptor fits however long the folder's name. */
    snprintf(sun.sun_path, sizeof sun.sun_path, "/proc/self/fd/%d/%s",
             dir_fd, leaf);
    if (bind(fd, (struct sockaddr *) &sun, sizeof sun)
        || fchmodat(dir_fd, leaf, 0600, 0)
        || listen(fd, BACKLOG)) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* With no descriptor left, connections that wait would keep their listener
 * ready for ever: accepts one in the reserve's place and closes it. */
static void
turn_away(int listen_fd)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

    VLOG_WARN_RL(&rl, "out of descriptors: turning a connection away");
    close(reserve_fd);
    reserve_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (reserve_fd >= 0) {
        close(reserve_fd);
    }
    reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int
peer_accept(int listen_fd)
{
    if (reserve_fd < 0) {
        reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }

    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        return fd;
    }
    if (errno == EMFILE || errno == ENFILE) {
        turn_away(listen_fd);
    }
    return -EAGAIN;
}

/* Keeps the first descriptor in 'msg', closes the others. */
static int
take_rights(struct msghdr *msg)
{
    int kept = -1;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
         cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
            if (kept < 0) {
                kept = fd;
            } else {
                close(fd);
            }
        }
    }
    return kept;
}

int
peer_recv(int fd, struct xenlocal_request *request, int *rights)
{
    union {
        char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = { request, sizeof *request };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    *rights = -1;
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
    }
    *rights = take_rights(&msg);
    if (n != sizeof *request || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (*rights >= 0) {
            close(*rights);
            *rights = -1;
        }
        return n ? -EPROTO : -EPIPE;
    }
    return 0;
}

int
peer_send(int fd, const struct xenlocal_reply *reply, const int fds[],
          unsigned int n_fds)
{
    union {
        char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = { .bytes = { 0 } };
    struct iovec iov = { (void *) reply, sizeof *reply };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (n_fds) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof *fds);

        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof *fds);
        memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof *fds);
    }

    ssize_t n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n == sizeof *reply ? 0 : n >= 0 ? -EPROTO : -errno;
}
