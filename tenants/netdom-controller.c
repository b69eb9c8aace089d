/* netdom-controller: see netdom-controller(8). */

#include <config.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command-line.h"
#include "daemon.h"
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "tenants/controller.h"
#include "tenants/options.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdom_controller);

#define CLEANUP_MS 30000

/* Who asked for the end, and gets an answer when it has come. */
struct exit_request {
    bool exiting;
    bool cleanup;
    struct unixctl_conn **conns;
    size_t n_conns;
};

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
    static struct controller_config config;     /* To the program's end. */
    struct exit_request request = { false };
    struct unixctl_server *unixctl;
    char *error = NULL, *unixctl_path = NULL;
    int status = EXIT_SUCCESS;

    ovs_cmdl_proctitle_init(argc, argv);
    ovs_set_program_name(argv[0], NETDOM_VERSION);
    service_start(&argc, &argv);
    options_parse(argc, argv, &config, &unixctl_path);
    fatal_ignore_sigpipe();
    set_pidfile(NULL);
    daemonize_start(false);
    if (unixctl_server_create(unixctl_path, &unixctl)) {
        exit(2);
    }
    unixctl_command_register("exit", "[--cleanup]", 0, 1, request_exit,
                             &request);
    link_control_socket(unixctl, config.run_dir);

    struct controller *controller = controller_create(&config, &error);
    if (!controller) {
        options_refuse("%s", error);
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
