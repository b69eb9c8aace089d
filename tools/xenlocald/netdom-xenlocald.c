/* netdom-xenlocald: the stand-in for Xen.  Three parts that share no parser:
 * the store (store_*.c), the broker (broker*.c, channel.c) and the registry
 * (registry*.c, folder.c).  See xenlocal/xenlocal.h for what clients see. */

#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command-line.h"
#include "daemon.h"
#include "dirs.h"
#include "fatal-signal.h"
#include "memory.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "simap.h"
#include "tools/xenlocald/broker.h"
#include "tools/xenlocald/events.h"
#include "tools/xenlocald/folder.h"
#include "tools/xenlocald/registry.h"
#include "tools/xenlocald/store.h"
#include "tools/xenlocald/store_server.h"
#include "unixctl.h"
#include "util.h"
#include "xenlocal/xenlocal.h"

VLOG_DEFINE_THIS_MODULE(xenlocald);

#define EXIT_USAGE 2

struct xenlocald {
    struct store *store;
    struct store_server *store_server;
    struct broker *broker;
    struct registry *registry;
    int run_fd;
    int lock_fd;
    bool exiting;
};

struct options {
    char *run_dir;
    char *unixctl_path;
};

static void
usage(void)
{
    printf("\
%s: stand-in for Xen: xenstore, grants, event channels, domains\n\
usage: %s [OPTION]...\n\
\n\
Serves, below the run folder:\n\
  registry.sock              creates, looks up and destroys domains\n\
  N/xenstore.sock            domain N's xenstore: point XENSTORED_PATH at it\n\
  N/broker.sock              domain N's memory and event channels\n\
Domain 0 exists from the start and is the toolstack.\n\
\n\
Options:\n\
  --run-dir=DIR              folder for all sockets (default: %s)\n\
                             and for pidfile and log, unless OVS_RUNDIR and\n\
                             OVS_LOGDIR say otherwise\n\
  --unixctl=SOCKET           control socket (default: in OVS_RUNDIR)\n",
           program_name, program_name, XENLOCAL_RUN_DIR);
    daemon_usage();
    vlog_usage();
    printf("\n\
Other options:\n\
  -h, --help                 display this help message\n\
  -V, --version              display version information\n\
\n\
Control commands (ovs-appctl -t netdom-xenlocald COMMAND):\n\
  domain/list                the living domains\n\
  xenstore/ls [PATH]         nodes with values and permissions\n\
  memory/show                how much of everything there is\n\
  exit                       end all domains, remove the sockets, exit\n\
\n\
SIGTERM does what `exit' does.\n\
\n\
Exit status: 0 after `exit', 2 on wrong usage or if it could not start.\n");
    exit(EXIT_SUCCESS);
}

/* OVS's libraries look for OVS_RUNDIR as soon as they parse --pidfile, and
 * open the log as soon as they parse --log-file: --run-dir must be known
 * before.  Both files may lie in it, so it is made before, too. */
static char *
find_run_dir(int argc, char *argv[])
{
    const char *dir = XENLOCAL_RUN_DIR;
    bool has_files = false;
    char *path;

    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strncmp(argv[i], "--run-dir=", 10)) {
            dir = argv[i] + 10;
        } else if (!strcmp(argv[i], "--run-dir") && i + 1 < argc) {
            dir = argv[i + 1];
        }
        has_files |= (!strncmp(argv[i], "--log-file", 10)
                      || !strncmp(argv[i], "--pidfile", 9));
    }
    path = abs_file_name(NULL, dir);
    if (has_files) {
        folder_make(path);              /* Errors show when it is taken. */
    }
    return path;
}

static void
parse_options(int argc, char *argv[], struct options *options)
{
    enum {
        OPT_RUN_DIR = UCHAR_MAX + 1,
        OPT_UNIXCTL,
        DAEMON_OPTION_ENUMS,
        VLOG_OPTION_ENUMS,
    };
    static const struct option long_options[] = {
        { "run-dir", required_argument, NULL, OPT_RUN_DIR },
        { "unixctl", required_argument, NULL, OPT_UNIXCTL },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        DAEMON_LONG_OPTIONS,
        VLOG_LONG_OPTIONS,
        { NULL, 0, NULL, 0 },
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);

    options->run_dir = find_run_dir(argc, argv);
    setenv("OVS_RUNDIR", options->run_dir, false);
    setenv("OVS_LOGDIR", options->run_dir, false);

    for (;;) {
        int c = getopt_long(argc, argv, short_options, long_options, NULL);
        if (c == -1) {
            break;
        }
        switch (c) {
        case OPT_RUN_DIR:
            break;
        case OPT_UNIXCTL:
            free(options->unixctl_path);
            options->unixctl_path = xstrdup(optarg);
            break;
        case 'h':
            usage();
            break;
        case 'V':
            ovs_print_version(0, 0);
            exit(EXIT_SUCCESS);
        DAEMON_OPTION_HANDLERS
        VLOG_OPTION_HANDLERS
        case '?':
            exit(EXIT_USAGE);
        default:
            abort();
        }
    }
    free(short_options);
    if (optind < argc) {
        fprintf(stderr, "%s: no argument is expected: \"%s\"; "
                "see --help\n", program_name, argv[optind]);
        exit(EXIT_USAGE);
    }
}

static void
unixctl_exit(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *xenlocald_)
{
    struct xenlocald *xenlocald = xenlocald_;

    xenlocald->exiting = true;
    unixctl_command_reply(conn, NULL);
}

static void
list_domain(void *out, uint32_t domid, const char *name, uint32_t uid,
            bool with_connection)
{
    ds_put_format(out, "%5"PRIu32" uid=%"PRIu32"%s %s\n", domid, uid,
                  with_connection ? " with-connection" : "", name);
}

static void
unixctl_domain_list(struct unixctl_conn *conn, int argc OVS_UNUSED,
                    const char *argv[] OVS_UNUSED, void *xenlocald_)
{
    const struct xenlocald *xenlocald = xenlocald_;
    struct ds out = DS_EMPTY_INITIALIZER;

    registry_list(xenlocald->registry, list_domain, &out);
    unixctl_command_reply(conn, ds_cstr(&out));
    ds_destroy(&out);
}

static void
list_node(void *out, const char *path, const char *perms, const char *value,
          size_t value_bytes)
{
    ds_put_format(out, "%s = \"", path);
    for (size_t i = 0; i < value_bytes; i++) {
        uint8_t c = value[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            ds_put_format(out, "\\x%02x", c);
        } else {
            ds_put_char(out, c);
        }
    }
    ds_put_cstr(out, "\"   ");
    for (const char *p = perms; *p; p += strlen(p) + 1) {
        ds_put_format(out, "%c%s", p == perms ? '(' : ',', p);
    }
    ds_put_cstr(out, ")\n");
}

static void
unixctl_xenstore_ls(struct unixctl_conn *conn, int argc, const char *argv[],
                    void *xenlocald_)
{
    const struct xenlocald *xenlocald = xenlocald_;
    struct ds out = DS_EMPTY_INITIALIZER;

    if (store_walk(xenlocald->store, argc > 1 ? argv[1] : "/", list_node,
                   &out)) {
        unixctl_command_reply(conn, ds_cstr(&out));
    } else {
        unixctl_command_reply_error(conn, "no such node");
    }
    ds_destroy(&out);
}

static void
report_memory(const struct xenlocald *xenlocald)
{
    const struct store *store = xenlocald->store;
    struct broker_usage broker;
    struct simap usage = SIMAP_INITIALIZER(&usage);

    if (!memory_should_report()) {
        return;
    }
    broker_usage(xenlocald->broker, &broker);
    simap_put(&usage, "domains", registry_n_domains(xenlocald->registry));
    simap_put(&usage, "nodes", store_usage(store, STORE_NODES));
    simap_put(&usage, "watches", store_usage(store, STORE_WATCHES));
    simap_put(&usage, "transactions",
              store_usage(store, STORE_TRANSACTIONS));
    simap_put(&usage, "store-connections",
              store_usage(store, STORE_CONNECTIONS));
    simap_put(&usage, "queued-events", store_usage(store, STORE_EVENTS));
    simap_put(&usage, "broker-connections", broker.connections);
    simap_put(&usage, "ports", broker.ports);
    simap_put(&usage, "memories", broker.memories);
    memory_report(&usage);
    simap_destroy(&usage);
}

/* Every domain and event channel needs descriptors. */
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Says what went wrong and ends the start. */
static void OVS_PRINTF_FORMAT(2, 3) OVS_NO_RETURN
fail(int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ovs_error_valist(error, format, args);
    va_end(args);
    exit(EXIT_USAGE);
}

/* Ends the start if another one serves 'run_dir'. */
static void
refuse_owner(const char *run_dir)
{
    pid_t pid = folder_owner(run_dir);

    if (pid) {
        fail(0, "%s is served by another %s (process %ld): stop it with "
             "`OVS_RUNDIR=%s ovs-appctl -t %s exit', or choose another "
             "--run-dir", run_dir, program_name, (long) pid, run_dir,
             program_name);
    }
}

/* Also runs on the way out after SIGTERM. */
static void
xenlocald_finish(void *xenlocald_)
{
    struct xenlocald *xenlocald = xenlocald_;

    registry_destroy(xenlocald->registry);
    broker_destroy(xenlocald->broker);
    store_server_destroy(xenlocald->store_server);
    store_destroy(xenlocald->store);
    unlinkat(xenlocald->run_fd, "lock", 0);
}

static void
xenlocald_init(struct xenlocald *xenlocald, const char *run_dir)
{
    int error = folder_take(run_dir, &xenlocald->run_fd, &xenlocald->lock_fd);

    if (error) {
        refuse_owner(run_dir);
        fail(-error, "%s: cannot be used as run folder", run_dir);
    }
    events_init();
    xenlocald->store = store_create(store_quota_default);
    xenlocald->store_server = store_server_create(xenlocald->store);
    xenlocald->broker = broker_create();
    error = registry_create(xenlocald->run_fd, xenlocald->store,
                            xenlocald->store_server, xenlocald->broker,
                            &xenlocald->registry);
    if (error) {
        fail(-error, "%s: cannot make domain 0's sockets", run_dir);
    }
    fatal_signal_add_hook(xenlocald_finish, NULL, xenlocald, true);
}

int
main(int argc, char *argv[])
{
    static struct xenlocald xenlocald;  /* Outlives main() for the hook. */
    struct options options = { NULL, NULL };
    struct unixctl_server *unixctl;

    set_program_name(argv[0]);
    ovs_cmdl_proctitle_init(argc, argv);
    parse_options(argc, argv, &options);
    fatal_ignore_sigpipe();

    refuse_owner(options.run_dir);      /* A better word than OVS's. */
    daemonize_start(false);
    raise_descriptor_limit();
    xenlocald_init(&xenlocald, options.run_dir);
    if (unixctl_server_create(options.unixctl_path, &unixctl)) {
        fail(0, "no control socket: is OVS_RUNDIR (%s) a folder that can be "
             "written to?", ovs_rundir());
    }
    unixctl_command_register("exit", "", 0, 0, unixctl_exit, &xenlocald);
    unixctl_command_register("domain/list", "", 0, 0, unixctl_domain_list,
                             &xenlocald);
    unixctl_command_register("xenstore/ls", "[PATH]", 0, 1,
                             unixctl_xenstore_ls, &xenlocald);
    daemonize_complete();
    VLOG_INFO("serving %s", options.run_dir);

    while (!xenlocald.exiting) {
        memory_run();
        report_memory(&xenlocald);
        events_run();
        store_server_run(xenlocald.store_server);
        unixctl_server_run(unixctl);

        memory_wait();
        events_wait();
        store_server_wait(xenlocald.store_server);
        unixctl_server_wait(unixctl);
        if (xenlocald.exiting) {
            poll_immediate_wake();      /* Who asked may be gone already. */
        }
        poll_block();
    }

    unixctl_server_destroy(unixctl);
    free(options.run_dir);
    free(options.unixctl_path);
    return EXIT_SUCCESS;                /* The hook cleans up. */
}
