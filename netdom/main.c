/* netdom-vswitchd: an ovs-vswitchd whose process also is the netback. */

#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bridge.h"
#include "command-line.h"
#include "daemon.h"
#include "datapath/tenantvf.h"
#include "dirs.h"
#include "dns-resolve.h"
#include "dpdk.h"
#include "dpif.h"
#include "dummy.h"
#include "fatal-signal.h"
#include "memory.h"
#include "netdev.h"
#include "netdom/backend.h"
#include "netdom/counters.h"
#include "netdom/eal.h"
#include "netdom/platform.h"
#include "netdom/plug.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vconn.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "ovs-router.h"
#include "ovs-thread.h"
#include "simap.h"
#include "stream-ssl.h"
#include "stream.h"
#include "unixctl.h"
#include "util.h"
#include "xenlocal/xenlocal.h"

VLOG_DEFINE_THIS_MODULE(netdom);

#define DOMID_MAX 0x7fef                /* DOMID_FIRST_RESERVED - 1. */

struct options {
    char *remote;                       /* Of the Open_vSwitch database. */
    char *unixctl_path;
    bool mlockall;
    const char *eal_args;               /* Null: DPDK is not started. */
    struct platform_options platform;
    const char *plug;                   /* The bridge; null: ports are added
                                         * by others. */
};

static void parse_options(int argc, char *argv[], struct options *);
OVS_NO_RETURN static void usage(void);

static void
lock_memory(void)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
        VLOG_ERR("mlockall failed: %s", ovs_strerror(errno));
    } else {
        set_memory_locked();
    }
}

static void
report_memory(void)
{
    struct simap usage_;

    simap_init(&usage_);
    bridge_get_memory_usage(&usage_);
    memory_report(&usage_);
    simap_destroy(&usage_);
}

struct exit_request {
    bool exiting;
    bool cleanup;
};

static void
handle_exit(struct unixctl_conn *conn, int argc, const char *argv[],
            void *request_)
{
    struct exit_request *request = request_;

    request->exiting = true;
    request->cleanup = argc == 2 && !strcmp(argv[1], "--cleanup");
    unixctl_command_reply(conn, NULL);
}

int
main(int argc, char *argv[])
{
    struct exit_request request = { false, false };
    struct unixctl_server *unixctl;
    struct options o;

    /* The name decides pidfile and control socket, so that a link called
     * ovs-vswitchd suits tools that expect one. */
    set_program_name(argv[0]);
    ovsthread_id_init();
    dns_resolve_init(true);
    ovs_cmdl_proctitle_init(argc, argv);
    service_start(&argc, &argv);
    parse_options(argc, argv, &o);
    fatal_ignore_sigpipe();

    daemonize_start(true);
    if (o.mlockall) {
        lock_memory();
    }
    if (unixctl_server_create(o.unixctl_path, &unixctl)) {
        exit(EXIT_FAILURE);
    }
    unixctl_command_register("exit", "[--cleanup]", 0, 1, handle_exit,
                             &request);

    int domid = platform_start(&o.platform);
    if (o.plug) {
        plug_init(domid, o.remote, o.plug);
    }
    tenantvf_register();
    counters_init();
    if (o.eal_args) {
        eal_start(o.eal_args);
    }
    bridge_init(o.remote);
    free(o.remote);

    while (!request.exiting) {
        memory_run();
        if (memory_should_report()) {
            report_memory();
        }
        bridge_run();
        unixctl_server_run(unixctl);
        netdev_run();
        backends_run();
        plug_run();

        memory_wait();
        bridge_wait();
        unixctl_server_wait(unixctl);
        netdev_wait();
        backends_wait();
        plug_wait();
        if (request.exiting) {
            poll_immediate_wake();
        }
        poll_block();
        if (should_service_stop()) {
            request.exiting = true;
        }
    }

    plug_exit();
    bridge_exit(request.cleanup);
    unixctl_server_destroy(unixctl);
    service_stop();
    vlog_disable_async();
    ovsrcu_exit();
    dns_resolve_destroy();
    return 0;
}

static void
parse_options(int argc, char *argv[], struct options *o)
{
    enum {
        OPT_PEER_CA_CERT = UCHAR_MAX + 1,
        OPT_MLOCKALL,
        OPT_UNIXCTL,
        VLOG_OPTION_ENUMS,
        OPT_BOOTSTRAP_CA_CERT,
        OPT_ENABLE_DUMMY,
        OPT_DISABLE_SYSTEM,
        OPT_DISABLE_SYSTEM_ROUTE,
        DAEMON_OPTION_ENUMS,
        OPT_DPDK,
        SSL_OPTION_ENUMS,
        OPT_DUMMY_NUMA,
        OPT_EAL_ARGS,
        OPT_VF_DRIVERS,
        OPT_XEN,
        OPT_XEN_DIR,
        OPT_PLUG,
        OPT_DOMID,
    };
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"mlockall", no_argument, NULL, OPT_MLOCKALL},
        {"unixctl", required_argument, NULL, OPT_UNIXCTL},
        DAEMON_LONG_OPTIONS,
        VLOG_LONG_OPTIONS,
        STREAM_SSL_LONG_OPTIONS,
        {"peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT},
        {"bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT},
        {"enable-dummy", optional_argument, NULL, OPT_ENABLE_DUMMY},
        {"disable-system", no_argument, NULL, OPT_DISABLE_SYSTEM},
        {"disable-system-route", no_argument, NULL, OPT_DISABLE_SYSTEM_ROUTE},
        {"dpdk", optional_argument, NULL, OPT_DPDK},
        {"dummy-numa", required_argument, NULL, OPT_DUMMY_NUMA},
        {"eal-args", required_argument, NULL, OPT_EAL_ARGS},
        {"vf-drivers", required_argument, NULL, OPT_VF_DRIVERS},
        {"xen", required_argument, NULL, OPT_XEN},
        {"xen-dir", required_argument, NULL, OPT_XEN_DIR},
        {"domid", required_argument, NULL, OPT_DOMID},
        {"plug", required_argument, NULL, OPT_PLUG},
        {NULL, 0, NULL, 0},
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);

    *o = (struct options) {
        .platform = { .domid = -1, .xen_dir = XENLOCAL_RUN_DIR },
    };
    for (;;) {
        int c = getopt_long(argc, argv, short_options, long_options, NULL);
        if (c == -1) {
            break;
        }

        switch (c) {
        case 'h':
            usage();

        case 'V':
            ovs_print_version(0, 0);
            print_dpdk_version();
            exit(EXIT_SUCCESS);

        case OPT_MLOCKALL:
            o->mlockall = true;
            break;

        case OPT_UNIXCTL:
            o->unixctl_path = optarg;
            break;

        VLOG_OPTION_HANDLERS
        DAEMON_OPTION_HANDLERS
        STREAM_SSL_OPTION_HANDLERS

        case OPT_PEER_CA_CERT:
            stream_ssl_set_peer_ca_cert_file(optarg);
            break;

        case OPT_BOOTSTRAP_CA_CERT:
            stream_ssl_set_ca_cert_file(optarg, true);
            break;

        case OPT_ENABLE_DUMMY:
            dummy_enable(optarg);
            break;

        case OPT_DISABLE_SYSTEM:
            dp_disallow_provider("system");
            break;

        case OPT_DISABLE_SYSTEM_ROUTE:
            ovs_router_disable_system_routing_table();
            break;

        case OPT_DPDK:
            ovs_fatal(0, "--dpdk is not supported: give DPDK's arguments "
                      "with --eal-args=\"ARGS\"");

        case OPT_DUMMY_NUMA:
            ovs_numa_set_dummy(optarg);
            break;

        case OPT_EAL_ARGS:
            o->eal_args = optarg;
            break;

        case OPT_VF_DRIVERS:
            devargs_allow(optarg);
            break;

        case OPT_XEN:
            o->platform.xen = optarg;
            break;

        case OPT_XEN_DIR:
            o->platform.xen_dir = optarg;
            break;

        case OPT_PLUG:
            o->plug = optarg;
            break;

        case OPT_DOMID:
            if (!str_to_int(optarg, 10, &o->platform.domid)
                || o->platform.domid < 0 || o->platform.domid > DOMID_MAX) {
                ovs_fatal(0, "--domid=%s: must be a number from 0 to %d",
                          optarg, DOMID_MAX);
            }
            break;

        case '?':
            exit(EXIT_FAILURE);

        default:
            abort();
        }
    }
    free(short_options);
    platform_check(&o->platform);
    if (o->plug && !strcmp(o->platform.xen, "none")) {
        ovs_fatal(0, "--plug=%s needs a Xen: give --domid=N or --xen=xen",
                  o->plug);
    }

    argc -= optind;
    argv += optind;
    if (argc > 1) {
        VLOG_FATAL("at most one non-option argument accepted; "
                   "use --help for usage");
    }
    o->remote = argc ? xstrdup(argv[0])
                     : xasprintf("unix:%s/db.sock", ovs_rundir());
}

static void
usage(void)
{
    printf("%s: Open vSwitch daemon that serves the vifs of Xen guests\n"
           "usage: %s [OPTIONS] [DATABASE]\n"
           "where DATABASE is a socket on which ovsdb-server is listening\n"
           "      (default: \"unix:%s/db.sock\").\n"
           "\nIt takes every option and control command of ovs-vswitchd(8).\n",
           program_name, program_name, ovs_rundir());
    stream_usage("DATABASE", true, false, true);
    daemon_usage();
    vlog_usage();
    printf("\nDPDK options:\n"
           "  --eal-args=ARGS           start DPDK with these EAL arguments;\n"
           "                            without it the port types xenvif,\n"
           "                            tenantvf and dpdk are not available\n"
           "                            (no hugepages: --no-huge --legacy-mem\n"
           "                            --no-shconf --no-pci --no-telemetry\n"
           "                            -m 256)\n"
           "  --vf-drivers=LIST         virtual drivers that dpdk-devargs may\n"
           "                            name (default: %s)\n"
           "\nXen options:\n"
           "  --domid=N                 this domain's number\n"
           "  --xen=local|xen|none      how guests are reached (default:\n"
           "                            local if --domid is given)\n"
           "  --plug=BRIDGE             add a port to this bridge for each vif\n"
           "                            that the toolstack makes\n"
           "  --xen-dir=DIR             netdom-xenlocald's run folder\n"
           "                            (default: %s)\n"
           "\nOther options:\n"
           "  --unixctl=SOCKET          override default control socket name\n"
           "  -h, --help                display this help message\n"
           "  -V, --version             display version information\n",
           DEVARGS_DRIVERS, XENLOCAL_RUN_DIR);
    exit(EXIT_SUCCESS);
}
