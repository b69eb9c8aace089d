#include <config.h>

#include "tenants/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "tenants/place.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(uplink);

#define HOST_NET "/proc/thread-self/ns/net"

static int
connect_here(struct nl_sock **sockp)
{
    struct nl_sock *sock = nl_socket_alloc();
    int error = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

    if (error) {
        nl_socket_free(sock);
        return error;
    }
    *sockp = sock;
    return 0;
}

/* Opens a netlink socket in the tenant's namespace (null: in the host's): a
 * socket stays where it was made. */
static int
connect_in(const char *ns_dir, struct nl_sock **sockp)
{
    if (!ns_dir) {
        return connect_here(sockp);
    }

    int inside = place_open_net(ns_dir);
    int host = open(HOST_NET, O_RDONLY | O_CLOEXEC);
    int error = -NLE_FAILURE;

    if (inside >= 0 && host >= 0 && !setns(inside, CLONE_NEWNET)) {
        error = connect_here(sockp);
        if (setns(host, CLONE_NEWNET)) {
            /* Nothing may go on in the wrong namespace. */
            VLOG_ABORT("cannot return to the host's network namespace: %s",
                       ovs_strerror(errno));
        }
    }
    if (inside >= 0) {
        close(inside);
    }
    if (host >= 0) {
        close(host);
    }
    return error;
}

bool
uplink_is_there(const char *ns_dir, const char *name)
{
    struct rtnl_link *link = NULL;
    struct nl_sock *sock;

    if (!ns_dir) {
        return if_nametoindex(name) != 0;
    }
    if (connect_in(ns_dir, &sock)) {
        return false;
    }

    bool there = !rtnl_link_get_kernel(sock, 0, name, &link);
    if (there) {
        rtnl_link_put(link);
    }
    nl_socket_free(sock);
    return there;
}

/* Changes interface 'name' as seen by 'sock': up or down, and into the
 * namespace 'net' unless that is -1. */
static int
change(struct nl_sock *sock, const char *name, bool up, int net)
{
    struct rtnl_link *link = NULL, *wish = rtnl_link_alloc();
    int error = wish ? rtnl_link_get_kernel(sock, 0, name, &link)
                     : -NLE_NOMEM;

    if (!error) {
        if (up) {
            rtnl_link_set_flags(wish, IFF_UP);
        } else {
            rtnl_link_unset_flags(wish, IFF_UP);
        }
        if (net >= 0) {
            rtnl_link_set_ns_fd(wish, net);
        }
        error = rtnl_link_change(sock, link, wish, 0);
    }
    if (link) {
        rtnl_link_put(link);
    }
    if (wish) {
        rtnl_link_put(wish);
    }
    return error;
}

static int
complain(const char *name, const char *what, int nl_error, char **errorp)
{
    *errorp = xasprintf("interface %s: cannot %s: %s", name, what,
                        nl_geterror(nl_error));
    return -EIO;
}

int
uplink_take(const char *ns_dir, const char *name, char **errorp)
{
    struct nl_sock *outside = NULL, *inside = NULL;
    int net = place_open_net(ns_dir);
    int error = net < 0 ? -NLE_FAILURE : connect_in(NULL, &outside);

    if (!error) {
        error = change(outside, name, false, net);
    }
    if (!error) {
        error = connect_in(ns_dir, &inside);
    }
    if (!error) {
        error = change(inside, name, true, -1);
    }
    nl_socket_free(outside);
    nl_socket_free(inside);
    if (net >= 0) {
        close(net);
    }
    return error ? complain(name, "move it to the tenant", error, errorp) : 0;
}

int
uplink_return(const char *ns_dir, const char *name, char **errorp)
{
    struct nl_sock *inside = NULL;
    int host = open(HOST_NET, O_RDONLY | O_CLOEXEC);
    int error = host < 0 ? -NLE_FAILURE : connect_in(ns_dir, &inside);

    if (!error) {
        error = change(inside, name, false, host);
    }
    nl_socket_free(inside);
    if (host >= 0) {
        close(host);
    }
    if (error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND) {
        return 0;                       /* Gone is gone. */
    }
    return error ? complain(name, "move it to the host", error, errorp) : 0;
}
