#include "xenlocal/xenlocal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_TIMEOUT_S 5

int
xenlocal_connect(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_S };

    if (strlen(path) >= sizeof sun.sun_path) {
        return -ENAMETOOLONG;
    }
    strcpy(sun.sun_path, path);

    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *) &sun, sizeof sun)
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout)
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout)) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int
send_request(int sock, const struct xenlocal_request *request, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { .bytes = { 0 } };
    struct iovec iov = { (void *) request, sizeof *request };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;

        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
    }

    ssize_t n;
    do {
        n = sendmsg(sock, &msg, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    return n == sizeof *request ? 0 : -EPROTO;
}

/* Takes at most two descriptors out of 'msg'; closes any others. */
static void
take_fds(struct msghdr *msg, int fds[2])
{
    int n_taken = 0;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
         cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            continue;
        }

        size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
            if (fds && n_taken < 2) {
                fds[n_taken++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

int
xenlocal_call(int sock, const struct xenlocal_request *request, int send_fd,
              struct xenlocal_reply *reply, int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = { reply, sizeof *reply };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };

    if (fds) {
        fds[0] = fds[1] = -1;
    }

    int error = send_request(sock, request, send_fd);
    if (error) {
        return error;
    }

    ssize_t n;
    do {
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }

    take_fds(&msg, fds);
    if (n != sizeof *reply) {
        error = n ? -EPROTO : -EPIPE;
    } else if (reply->error > 0) {
        error = -EPROTO;
    } else {
        error = reply->error;
    }
    if (error && fds) {
        for (int i = 0; i < 2; i++) {
            if (fds[i] >= 0) {
                close(fds[i]);
                fds[i] = -1;
            }
        }
    }
    return error;
}

bool
xenlocal_socket_path(char *path, unsigned int path_bytes, const char *run_dir,
                     uint32_t domid, const char *leaf)
{
    int n = snprintf(path, path_bytes, "%s/%u/%s", run_dir, domid, leaf);
    return n >= 0 && (unsigned int) n < path_bytes;
}
