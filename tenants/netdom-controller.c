/* netdom-controller: see netdom-controller(8). */

#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-line.h"
#include "daemon.h"
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "stream-ssl.h"
#include "stream.h"
#include "tenants/controller.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdom_controller);

#define RUN_DIR "/run/netdom"
#define CLEANUP_MS 30000
#define CPU_MAX 64                      /* As far as a mask reaches. */

struct options {
    char *db;
    char *run_dir;
    char *host;
    char *vswitchd;
    char *cpus;
    char *unixctl;
};

/* Who asked for the end, and gets an answer when it has come. */
struct exit_request {
    bool exiting;
    bool cleanup;
    struct unixctl_conn **conns;
    size_t n_conns;
};

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
           "  --platform=local        tenants without Xen, the only "
           "platform so far\n"
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
parse_options(int argc, char *argv[], struct options *o)
{
    enum {
        OPT_DB = UCHAR_MAX + 1,
        OPT_RUN_DIR,
        OPT_HOST,
        OPT_PLATFORM,
        OPT_VSWITCHD,
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
            if (strcmp(optarg, "local")) {
                VLOG_FATAL("--platform=%s: only \"local\" is there", optarg);
            }
            break;

        case OPT_VSWITCHD:
            o->vswitchd = optarg;
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

OVS_NO_RETURN static void OVS_PRINTF_FORMAT(1, 2)
refuse(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(2);
}

/* Adds cores FIRST to LAST that this process may use. */
static void
add_cpus(const char *text, int first, int last, struct controller_config *c)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed)) {
        refuse("cannot tell which cores there are: %s", ovs_strerror(errno));
    }
    for (int cpu = first; cpu <= last; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            c->cpus[c->n_cpus++] = cpu;
        } else if (text) {
            refuse("--cpus=%s: there is no core %d for this program", text,
                   cpu);
        }
        if (c->n_cpus >= CPU_MAX) {
            return;
        }
    }
}

/* "1-3,6" or null for all. */
static void
parse_cpus(const char *text, struct controller_config *c)
{
    c->cpus = xcalloc(CPU_MAX, sizeof *c->cpus);
    if (!text) {
        add_cpus(NULL, 0, CPU_MAX - 1, c);
        return;
    }

    char *copy = xstrdup(text), *save = NULL;
    for (char *part = strtok_r(copy, ",", &save); part;
         part = strtok_r(NULL, ",", &save)) {
        char *dash = strchr(part, '-');
        int first, last;

        if (dash) {
            *dash++ = '\0';
        }
        if (!str_to_int(part, 10, &first)
            || !str_to_int(dash ? dash : part, 10, &last)
            || first < 0 || last < first || last >= CPU_MAX) {
            refuse("--cpus=%s: write core numbers below %d, such as 1-3,6",
                   text, CPU_MAX);
        }
        add_cpus(text, first, last, c);
    }
    free(copy);
    if (!c->n_cpus) {
        refuse("--cpus=%s: names no core", text);
    }
}

/* Beside this program when it is installed, or in the build tree. */
static char *
find_vswitchd(void)
{
    static const char *const places[] = {
        "netdom-vswitchd", "../netdom/netdom-vswitchd",
        "../sbin/netdom-vswitchd",
    };
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
            char *path = xasprintf("%s/%s", self, places[i]);

            if (!access(path, X_OK)) {
                return path;
            }
            free(path);
        }
    }
    refuse("netdom-vswitchd is not beside this program: say where with "
           "--vswitchd=PATH");
}

static char *
host_name(void)
{
    char name[65] = "";

    if (gethostname(name, sizeof name - 1) || !name[0]) {
        refuse("this host has no name: give one with --host=NAME");
    }
    return xstrdup(name);
}

/* Fills in what was not said, and refuses what cannot be. */
static void
complete_options(struct options *o, struct controller_config *config)
{
    if (!o->run_dir) {
        o->run_dir = RUN_DIR;
    }
    if (o->run_dir[0] != '/' || strlen(o->run_dir) > 60) {
        refuse("--run-dir=%s: must be an absolute path of at most 60 "
               "characters (paths of sockets are short)", o->run_dir);
    }
    if (geteuid()) {
        refuse("must be root: it makes namespaces and moves interfaces");
    }
    if (mkdir(o->run_dir, 0755) && errno != EEXIST) {
        refuse("%s: %s: choose another --run-dir", o->run_dir,
               ovs_strerror(errno));
    }

    char *run_dir = realpath(o->run_dir, NULL);
    config->run_dir = run_dir ? run_dir : o->run_dir;
    config->db = o->db ? o->db : xasprintf("unix:%s/db.sock",
                                           config->run_dir);
    config->host = o->host ? o->host : host_name();
    config->vswitchd = o->vswitchd ? o->vswitchd : find_vswitchd();
    if (access(config->vswitchd, X_OK)) {
        refuse("--vswitchd=%s: %s", config->vswitchd, ovs_strerror(errno));
    }
    if (!config->host[0] || strlen(config->host) > 64) {
        refuse("--host=%s: must have 1 to 64 characters", config->host);
    }
    parse_cpus(o->cpus, config);

    /* Where OVS's library and its tools expect pidfile and socket. */
    setenv("OVS_RUNDIR", config->run_dir, 1);
    setenv("OVS_LOGDIR", config->run_dir, 0);
}

static void
request_exit(struct unixctl_conn *conn, int argc, const char *argv[],
             void *request_)
{
    struct exit_request *request = request_;

    if (argc > 1 && strcmp(argv[1], "--cleanup")) {
        unixctl_command_reply_error(conn, "exit takes --cleanup only");
        return;
    }
    request->exiting = true;
    request->cleanup |= argc > 1;
    request->conns = xrealloc(request->conns, (request->n_conns + 1)
                                              * sizeof *request->conns);
    request->conns[request->n_conns++] = conn;
}

static void
answer_exit(struct exit_request *request, const char *error)
{
    for (size_t i = 0; i < request->n_conns; i++) {
        if (error) {
            unixctl_command_reply_error(request->conns[i], error);
        } else {
            unixctl_command_reply(request->conns[i], NULL);
        }
    }
    free(request->conns);
}

/* A name that does not change: RUN/netdom-controller.ctl. */
static void
link_control_socket(const struct unixctl_server *unixctl,
                    const char *run_dir)
{
    const char *path = unixctl_server_get_path(unixctl);
    char *link = xasprintf("%s/netdom-controller.ctl", run_dir);

    if (strcmp(path, link)) {
        unlink(link);
        if (symlink(path, link)) {
            VLOG_WARN("%s: %s", link, ovs_strerror(errno));
        } else {
            fatal_signal_add_file_to_unlink(link);
        }
    }
    free(link);
}

int
main(int argc, char *argv[])
{
    struct options o = { NULL };
    struct controller_config config = { NULL };
    struct exit_request request = { false };
    struct unixctl_server *unixctl;
    char *error = NULL;
    int status = EXIT_SUCCESS;

    ovs_cmdl_proctitle_init(argc, argv);
    set_program_name(argv[0]);
    service_start(&argc, &argv);
    parse_options(argc, argv, &o);
    complete_options(&o, &config);
    fatal_ignore_sigpipe();
    set_pidfile(NULL);
    daemonize_start(false);
    if (unixctl_server_create(o.unixctl, &unixctl)) {
        exit(2);
    }
    unixctl_command_register("exit", "[--cleanup]", 0, 1, request_exit,
                             &request);
    link_control_socket(unixctl, config.run_dir);

    struct controller *controller = controller_create(&config, &error);
    if (!controller) {
        refuse("%s", error);
    }
    commands_init(controller);
    daemonize_complete();

    long long int deadline_ms = LLONG_MAX;
    while (!request.exiting || (request.cleanup && !status)) {
        controller_run(controller);
        unixctl_server_run(unixctl);
        if (request.cleanup && !controller->cleanup) {
            controller->cleanup = true;
            deadline_ms = time_msec() + CLEANUP_MS;
            poll_immediate_wake();
        }
        if (controller_is_clean(controller)) {
            break;
        }
        if (time_msec() >= deadline_ms) {
            status = EXIT_FAILURE;
        }

        controller_wait(controller);
        unixctl_server_wait(unixctl);
        if (controller->cleanup) {
            poll_timer_wait_until(deadline_ms);
        }
        if (request.exiting && !request.cleanup) {
            poll_immediate_wake();
        }
        poll_block();
        if (should_service_stop()) {
            request.exiting = true;
        }
    }

    if (status) {
        VLOG_WARN("not all tenants could be taken down");
    }
    answer_exit(&request, status ? "not all tenants could be taken down; "
                                   "netdom/status and the log say why" : NULL);
    unixctl_server_run(unixctl);
    controller_destroy(controller);
    unixctl_server_destroy(unixctl);
    service_stop();
    return status;
}
