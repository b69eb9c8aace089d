#include "datapath/xen_ops.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datapath/xen_local.h"

static int
connect_broker(struct xen_platform *platform)
{
    int fd = xenlocal_connect(platform->broker_path);
    if (fd < 0) {
        return fd;
    }
    platform->broker = fd;
    platform->broker_epoch++;
    return 0;
}

/* Errors of the talk itself, not the broker's answer. */
static bool
connection_broke(int error)
{
    switch (-error) {
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
    case EPROTO:
    case ETIMEDOUT:                     /* Its late reply would confuse. */
        return true;
    default:
        return false;
    }
}

int
xen_local_call(struct xen_platform *platform,
               const struct xenlocal_request *request,
               struct xenlocal_reply *reply, int fds[2])
{
    if (platform->broker < 0 && connect_broker(platform)) {
        return -EIO;
    }

    int error = xenlocal_call(platform->broker, request, -1, reply, fds);
    if (connection_broke(error)) {
        close(platform->broker);
        platform->broker = -1;
        return -EIO;
    }
    return error;
}

static void
local_close(struct xen_platform *platform)
{
    if (!platform) {
        return;
    }
    if (platform->broker >= 0) {
        close(platform->broker);
    }
    pthread_mutex_destroy(&platform->mutex);
    munmap(platform, sizeof *platform);
}

static int
local_open(uint16_t own_domid, const char *where,
           struct xen_platform **platformp)
{
    struct xen_platform *platform;

    *platformp = NULL;
    if (own_domid >= XEN_LOCAL_DOMIDS) {
        return -EINVAL;
    }

    /* Mostly a table of which few pages are ever touched: take them from the
     * kernel, zero and not yet there. */
    platform = mmap(NULL, sizeof *platform, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (platform == MAP_FAILED) {
        return -ENOMEM;
    }
    platform->own_domid = own_domid;
    platform->broker = -1;
    pthread_mutex_init(&platform->mutex, NULL);

    int error;
    if (!xenlocal_socket_path(platform->broker_path,
                              sizeof platform->broker_path, where, own_domid,
                              "broker.sock")) {
        error = -ENAMETOOLONG;
    } else {
        error = connect_broker(platform);
    }
    if (error) {
        local_close(platform);
        return error;
    }
    *platformp = platform;
    return 0;
}

static void
local_counts(const struct xen_platform *platform, struct xen_ops_counts *out)
{
    xen_ops_counts_read(&platform->counts, out);
}

const struct xen_ops xen_ops_local = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .evtchn_bind = xen_local_evtchn_bind,
    .evtchn_unbind = xen_local_evtchn_unbind,
    .evtchn_fd = xen_local_evtchn_fd,
    .evtchn_notify = xen_local_evtchn_notify,
    .evtchn_pending = xen_local_evtchn_pending,
    .evtchn_unmask = xen_local_evtchn_unmask,
    .grant_map = xen_local_grant_map,
    .grant_unmap = xen_local_grant_unmap,
    .grant_copy = xen_local_grant_copy,
    .counts = local_counts,
};
