#include <config.h>

#include "netdom/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "datapath/xen_ops.h"
#include "datapath/xenvif.h"
#include "netdom/backend.h"
#include "openvswitch/vlog.h"
#include "util.h"
#include "xenlocal/xenlocal.h"

VLOG_DEFINE_THIS_MODULE(platform);

void
platform_check(struct platform_options *o)
{
    if (!o->xen) {
        o->xen = o->domid >= 0 ? "local" : "none";
    }
    if (!strcmp(o->xen, "local") && o->domid < 0) {
        ovs_fatal(0, "--xen=local needs --domid=N, this domain's number in "
                  "netdom-xenlocald");
    } else if (!strcmp(o->xen, "xen") && o->domid >= 0) {
        ovs_fatal(0, "--xen=xen asks Xen for this domain's number: leave "
                  "--domid away");
    } else if (strcmp(o->xen, "local") && strcmp(o->xen, "xen")
               && strcmp(o->xen, "none")) {
        ovs_fatal(0, "--xen=%s: must be local, xen or none", o->xen);
    }
}

static int
start_local(const struct platform_options *o)
{
    struct xen_platform *platform;
    char path[108];

    int error = xen_ops_local.open(o->domid, o->xen_dir, &platform);
    if (error) {
        VLOG_FATAL("cannot reach netdom-xenlocald below %s as domain %d (%s):"
                   " start it first, or give --xen=none", o->xen_dir,
                   o->domid, ovs_strerror(-error));
    }
    xenvif_register(&xen_ops_local, platform);
    if (!xenlocal_socket_path(path, sizeof path, o->xen_dir, o->domid,
                              "xenstore.sock")) {
        VLOG_FATAL("--xen-dir %s is too long a path for a socket",
                   o->xen_dir);
    }
    backends_init(o->domid, path);
    return o->domid;
}

/* A path that is not absolute is below this domain's own. */
static int
own_domid(void)
{
    struct xs_handle *xs = xs_open(0);
    unsigned int bytes;
    int domid = -1;

    if (!xs) {
        VLOG_FATAL("xenstore is out of reach (%s): is /dev/xen/xenbus there, "
                   "and may this process open it?", ovs_strerror(errno));
    }
    char *text = xs_read(xs, XBT_NULL, "domid", &bytes);
    if (!text || !str_to_int(text, 10, &domid) || domid < 0) {
        VLOG_FATAL("xenstore does not say which domain this is");
    }
    free(text);
    xs_close(xs);
    return domid;
}

static int
start_on_xen(void)
{
    struct xen_platform *platform;
    int domid = own_domid();

    int error = xen_ops_xen.open(domid, NULL, &platform);
    if (error) {
        VLOG_FATAL("cannot open Xen's grants (%s): is /dev/xen/gntdev there, "
                   "and may this process open it?", ovs_strerror(-error));
    }
    xenvif_register(&xen_ops_xen, platform);
    backends_init(domid, NULL);
    VLOG_INFO("this is domain %d", domid);
    return domid;
}

int
platform_start(const struct platform_options *o)
{
    if (!strcmp(o->xen, "none")) {
        xenvif_register(NULL, NULL);
        return -1;
    }
    return !strcmp(o->xen, "xen") ? start_on_xen() : start_local(o);
}
