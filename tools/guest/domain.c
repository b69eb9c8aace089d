#include <config.h>
#include "tools/guest/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "openvswitch/poll-loop.h"
#include "socket-util.h"
#include "util.h"

#include "tools/guest/memory.h"
#include "xenlocal/xenlocal.h"

static int
create(struct guest_domain *d, const char *xen_dir, const char *name,
       char **error)
{
    char *path = xasprintf("%s/registry.sock", xen_dir);
    struct xenlocal_request request = {
        .op = XENLOCAL_DOMAIN_CREATE,
        .flags = XENLOCAL_F_WITH_CONNECTION,
        .uid = getuid(),
    };
    struct xenlocal_reply reply;
    int err;

    ovs_strlcpy(request.name, name, sizeof request.name);
    d->registry = xenlocal_connect(path);
    if (d->registry < 0) {
        err = d->registry;
        *error = xasprintf("%s: cannot connect (%s); is netdom-xenlocald "
                           "running, and is --xen-dir its run folder?",
                           path, ovs_strerror(-err));
        goto out;
    }
    err = xenlocal_call(d->registry, &request, -1, &reply, NULL);
    if (err == -EEXIST) {
        *error = xasprintf("a domain called \"%s\" is already running; "
                           "choose another --name", name);
    } else if (err) {
        *error = xasprintf("%s: the domain \"%s\" was refused (%s)", path,
                           name, ovs_strerror(-err));
    } else {
        d->domid = reply.domid;
    }

out:
    free(path);
    return err;
}

static int
open_broker(struct guest_domain *d, const char *xen_dir, char **error)
{
    char path[PATH_MAX];

    if (!xenlocal_socket_path(path, sizeof path, xen_dir, d->domid,
                              "broker.sock")) {
        *error = xasprintf("%s: name too long", xen_dir);
        return -ENAMETOOLONG;
    }
    d->broker = xenlocal_connect(path);
    if (d->broker < 0) {
        *error = xasprintf("%s: cannot connect (%s)", path,
                           ovs_strerror(-d->broker));
        return d->broker;
    }
    d->broker_path = xstrdup(path);
    return 0;
}

static int
open_xenstore(struct guest_domain *d, const char *xen_dir, char **error)
{
    char path[PATH_MAX];

    if (!xenlocal_socket_path(path, sizeof path, xen_dir, d->domid,
                              "xenstore.sock")) {
        *error = xasprintf("%s: name too long", xen_dir);
        return -ENAMETOOLONG;
    }
    setenv("XENSTORED_PATH", path, true);
    d->xs = xs_open(0);
    if (!d->xs) {
        int err = -errno;
        *error = xasprintf("%s: cannot connect (%s)", path,
                           ovs_strerror(-err));
        return err;
    }
    return 0;
}

int
guest_domain_init(struct guest_domain *d, const char *xen_dir,
                  const char *name, char **error)
{
    *d = (struct guest_domain) { .registry = -1, .broker = -1 };

    int err = create(d, xen_dir, name, error);
    if (!err) {
        err = open_broker(d, xen_dir, error);
    }
    if (!err) {
        err = open_xenstore(d, xen_dir, error);
    }
    if (err) {
        guest_domain_finish(d);
    }
    return err;
}

void
guest_domain_finish(struct guest_domain *d)
{
    xs_close(d->xs);
    free(d->broker_path);
    if (d->broker >= 0) {
        close(d->broker);
    }
    if (d->registry >= 0) {
        close(d->registry);
    }
    *d = (struct guest_domain) { .registry = -1, .broker = -1 };
}

bool
guest_domain_is_alive(const struct guest_domain *d)
{
    struct pollfd fds[] = {
        { .fd = d->registry, .events = POLLIN },
        { .fd = d->broker, .events = POLLIN },
    };

    /* Neither ever speaks unasked, so anything at all means the end. */
    return poll(fds, ARRAY_SIZE(fds), 0) <= 0;
}

void
guest_domain_wait(const struct guest_domain *d)
{
    poll_fd_wait(d->registry, POLLIN);
    poll_fd_wait(d->broker, POLLIN);
    poll_fd_wait(xs_fileno(d->xs), POLLIN);
}

int
guest_domain_set_memory(struct guest_domain *d, const struct guest_memory *m)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_SET_MEMORY,
        .bytes = m->bytes,
        .count = m->n_grant_pages,
    };
    struct xenlocal_reply reply;

    return xenlocal_call(d->broker, &request, m->fd, &reply, NULL);
}

int
guest_domain_renew_memory(struct guest_domain *d, const struct guest_memory *m)
{
    int old = d->broker;
    int broker = xenlocal_connect(d->broker_path);

    if (broker < 0) {
        return broker;
    }
    d->broker = broker;

    int error = guest_domain_set_memory(d, m);
    if (error) {
        d->broker = old;
        close(broker);
        return error;
    }
    close(old);
    return 0;
}

int
guest_channel_open(struct guest_channel *c, struct guest_domain *d,
                   uint32_t remote_domid)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_EVTCHN_ALLOC,
        .domid = remote_domid,
    };
    struct xenlocal_reply reply;
    int fds[2];

    *c = (struct guest_channel) { .wait_fd = -1, .kick_fd = -1 };

    int err = xenlocal_call(d->broker, &request, -1, &reply, fds);
    if (err) {
        return err;
    }
    *c = (struct guest_channel) { reply.port, fds[0], fds[1] };
    if (fds[0] < 0 || fds[1] < 0) {
        guest_channel_close(c, d);
        return -EPROTO;
    }
    set_nonblocking(c->wait_fd);
    set_nonblocking(c->kick_fd);
    return 0;
}

void
guest_channel_close(struct guest_channel *c, struct guest_domain *d)
{
    if (c->port) {
        struct xenlocal_request request = {
            .op = XENLOCAL_EVTCHN_CLOSE,
            .port = c->port,
        };
        struct xenlocal_reply reply;

        xenlocal_call(d->broker, &request, -1, &reply, NULL);
    }
    if (c->wait_fd >= 0) {
        close(c->wait_fd);
    }
    if (c->kick_fd >= 0) {
        close(c->kick_fd);
    }
    *c = (struct guest_channel) { .wait_fd = -1, .kick_fd = -1 };
}

void
guest_channel_kick(const struct guest_channel *c)
{
    uint64_t one = 1;

    /* EAGAIN means that the peer has yet to see earlier kicks. */
    ignore(write(c->kick_fd, &one, sizeof one));
}

void
guest_channel_clear(const struct guest_channel *c)
{
    uint64_t n;

    ignore(read(c->wait_fd, &n, sizeof n));
}
