#include <config.h>

#include "tenants/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "daemon.h"
#include "openvswitch/vlog.h"
#include "stream-ssl.h"
#include "stream.h"
#include "tenants/controller.h"
#include "tenants/options_complete.h"
#include "util.h"

void
options_refuse(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(2);
}

OVS_NO_RETURN static void
usage(void)
{
    printf("%s: creates this host's tenants and keeps them as the database "
           "says\n"
           "usage: %s [OPTIONS]\n"
           "\n"
           "Options:\n"
           "  --db=DATABASE           the database Netdom (default: "
           "unix:RUN/db.sock)\n"
           "  --run-dir=RUN           run folder (default: " RUN_DIR ")\n"
           "  --host=NAME             this host's name in the database "
           "(default: its\n"
           "                          host name)\n"
           "  --platform=PLATFORM     local: tenants without Xen (default); "
           "xen: in\n"
           "                          domains of Xen's, made of an image:\n"
           "  --image=FOLDER          what tools/make-appliance made (needed "
           "on Xen)\n"
           "  --measurement=SHA256    what that has to be measured as (the "
           "same)\n"
           "  --domain-memory-mib=N   memory of a tenant's domain (default: "
           "256)\n"
           "  --domain-vcpus=N        its virtual processors (default: 1)\n"
           "  --domain-console=FOLDER where consoles of domains with a VF are "
           "written\n"
           "                          (default: nowhere)\n"
           "  --vswitchd=PATH         netdom-vswitchd to start (default: "
           "beside this\n"
           "                          program)\n"
           "  --cpus=LIST             cores that tenants may poll, such as "
           "1-3,6\n"
           "                          (default: those this program may "
           "use)\n"
           "  --unixctl=SOCKET        override the default control socket\n"
           "  -h, --help              display this help message\n"
           "  -V, --version           display version information\n",
           program_name, program_name);
    stream_usage("database", true, false, false);
    daemon_usage();
    vlog_usage();
    printf("\nExit status: 0 ended as asked, 1 not all could be taken down,\n"
           "2 could not run or wrong usage.\n");
    exit(EXIT_SUCCESS);
}

static void
read_options(int argc, char *argv[], struct options *o)
{
    enum {
        OPT_DB = UCHAR_MAX + 1,
        OPT_RUN_DIR,
        OPT_HOST,
        OPT_PLATFORM,
        OPT_VSWITCHD,
        OPT_IMAGE,
        OPT_MEASUREMENT,
        OPT_MEMORY,
        OPT_VCPUS,
        OPT_CONSOLE,
        OPT_CPUS,
        OPT_UNIXCTL,
        VLOG_OPTION_ENUMS,
        DAEMON_OPTION_ENUMS,
        SSL_OPTION_ENUMS,
    };
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"db", required_argument, NULL, OPT_DB},
        {"run-dir", required_argument, NULL, OPT_RUN_DIR},
        {"host", required_argument, NULL, OPT_HOST},
        {"platform", required_argument, NULL, OPT_PLATFORM},
        {"vswitchd", required_argument, NULL, OPT_VSWITCHD},
        {"image", required_argument, NULL, OPT_IMAGE},
        {"measurement", required_argument, NULL, OPT_MEASUREMENT},
        {"domain-memory-mib", required_argument, NULL, OPT_MEMORY},
        {"domain-vcpus", required_argument, NULL, OPT_VCPUS},
        {"domain-console", required_argument, NULL, OPT_CONSOLE},
        {"cpus", required_argument, NULL, OPT_CPUS},
        {"unixctl", required_argument, NULL, OPT_UNIXCTL},
        DAEMON_LONG_OPTIONS,
        VLOG_LONG_OPTIONS,
        STREAM_SSL_LONG_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);

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
            exit(EXIT_SUCCESS);

        case OPT_DB:
            o->db = optarg;
            break;

        case OPT_RUN_DIR:
            o->run_dir = optarg;
            break;

        case OPT_HOST:
            o->host = optarg;
            break;

        case OPT_PLATFORM:
            o->xen = !strcmp(optarg, "xen");
            if (!o->xen && strcmp(optarg, "local")) {
                options_refuse("--platform=%s: there are \"local\" and "
                               "\"xen\"", optarg);
            }
            break;

        case OPT_VSWITCHD:
            o->vswitchd = optarg;
            break;

        case OPT_IMAGE:
            o->image = optarg;
            break;

        case OPT_MEASUREMENT:
            o->measurement = optarg;
            break;

        case OPT_MEMORY:
            o->memory_mib = optarg;
            break;

        case OPT_VCPUS:
            o->vcpus = optarg;
            break;

        case OPT_CONSOLE:
            o->serial = optarg;
            break;

        case OPT_CPUS:
            o->cpus = optarg;
            break;

        case OPT_UNIXCTL:
            o->unixctl = optarg;
            break;

        VLOG_OPTION_HANDLERS
        DAEMON_OPTION_HANDLERS
        STREAM_SSL_OPTION_HANDLERS

        default:
            fprintf(stderr, "%s: --help tells the options\n", program_name);
            exit(2);
        }
    }
    free(short_options);
    if (optind < argc) {
        fprintf(stderr, "%s: \"%s\": no arguments are taken; --help tells "
                "the options\n", program_name, argv[optind]);
        exit(2);
    }
}

void
options_parse(int argc, char *argv[], struct controller_config *config,
              char **unixctl)
{
    struct options o = { NULL };

    read_options(argc, argv, &o);
    options_complete(&o, config);
    *unixctl = o.unixctl;
}
