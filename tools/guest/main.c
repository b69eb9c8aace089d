#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "socket-util.h"
#include "unixctl.h"
#include "util.h"

#include "tools/guest/frontend_change.h"
#include "tools/guest/guest.h"
#include "tools/guest/pktgen.h"

VLOG_DEFINE_THIS_MODULE(guest);

#define EXIT_COULD_NOT_RUN 2

/* 64 MiB, of which only what is used takes room: enough for the rings of all
 * queues several times over, since killed backends keep some pages. */
#define MEMORY_PAGES 16384

/* Between two looks at everything but the rings, while frames move. */
#define CONTROL_NS 1000000

/* How long an orderly close may take, and how long a generator that is done
 * waits for its last frames to be taken. */
#define CLOSE_NS 1500000000ull
#define DRAIN_NS 1000000000ull

/* A sink without an end goes on this long after its own guest's generator. */
#define STRAGGLERS_NS 300000000ull

static int signal_fd = -1;
static volatile sig_atomic_t n_signals;

uint64_t
guest_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void
on_signal(int number)
{
    uint64_t one = 1;

    if (n_signals++) {
        _exit(128 + number);            /* The second one means it. */
    }
    ignore(write(signal_fd, &one, sizeof one));
}

static void
catch_signals(void)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    struct sigaction sa = { .sa_handler = on_signal };

    signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        sigaction(numbers[i], &sa, NULL);
    }
}

OVS_NO_RETURN static void
could_not_run(char *error)
{
    fprintf(stderr, "%s: %s\n", program_name, error);
    exit(EXIT_COULD_NOT_RUN);
}

static void
create_endpoints(struct guest *g)
{
    const struct guest_options *o = &g->options;
    const uint8_t *mac = o->has_mac ? o->mac : NULL;
    char *error = NULL;

    if (o->tap.name) {
        if (tap_create(&g->source, &o->tap, &error)) {
            could_not_run(error);
        }
        g->sink = g->source;
    }
    if (o->sink) {
        sink_create(&g->sink, &o->sink_spec, mac);
        g->source = g->sink;
    }
    if (o->pktgen && pktgen_create(&g->source, &o->pktgen_spec, mac)) {
        could_not_run(xasprintf("cannot create a timer (%s)",
                                ovs_strerror(errno)));
    }
}

static void
start(struct guest *g)
{
    const struct guest_options *o = &g->options;
    char *error = NULL;

    create_endpoints(g);
    if (guest_domain_init(&g->domain, o->xen_dir, o->name, &error)) {
        could_not_run(error);
    }

    int err = guest_memory_init(&g->memory, MEMORY_PAGES);
    if (!err) {
        err = guest_domain_set_memory(&g->domain, &g->memory);
    }
    if (err) {
        could_not_run(xasprintf("cannot set up the guest's memory (%s)",
                                ovs_strerror(-err)));
    }

    vif_init(&g->vif, &g->domain, &g->memory);
    g->vif.source = g->source;
    g->vif.sink = g->sink;
    g->vif.spin_ns = o->busy_poll_us * 1000ull;
    err = frontend_init(&g->frontend, &g->domain, &g->vif, o->devid,
                        &o->frontend);
    if (err) {
        could_not_run(xasprintf("cannot watch xenstore (%s)",
                                ovs_strerror(-err)));
    }
    VLOG_INFO("guest \"%s\" is domain %u", o->name, g->domain.domid);
}

static bool
has_end(const struct endpoint *e)
{
    return e && e->class->is_done;
}

/* Have all endpoints that have an end reached it? */
static bool
is_done(struct guest *g, uint64_t now_ns)
{
    static uint64_t done_ns;
    bool sender_only = g->options.pktgen
                       && !g->options.sink_spec.seconds
                       && !g->options.sink_spec.n_frames;
    bool done = false;

    if (has_end(g->source)) {
        done = g->source->class->is_done(g->source, now_ns);
    }
    if (has_end(g->sink) && g->sink != g->source && !sender_only) {
        bool sink_done = g->sink->class->is_done(g->sink, now_ns);
        done = sink_done && (done || (!g->options.pktgen_spec.n_frames
                                      && !g->options.pktgen_spec.seconds));
    }
    if (!done) {
        return false;
    }
    if (!done_ns) {
        done_ns = now_ns;
    }
    return (vif_is_drained(&g->vif) || now_ns - done_ns > DRAIN_NS)
           && (!g->options.sink || !g->options.pktgen
               || now_ns - done_ns > STRAGGLERS_NS);
}

/* Moves frames until there are none for a while, or until it is time to look
 * at everything else.  Returns the time. */
static uint64_t
run_vif(struct guest *g)
{
    uint64_t start_ns = guest_now_ns();
    uint64_t now_ns = start_ns;

    while (vif_run(&g->vif, now_ns)
           || now_ns - g->vif.busy_ns < g->vif.spin_ns) {
        now_ns = guest_now_ns();
        if (now_ns - start_ns >= CONTROL_NS) {
            break;
        }
    }
    return now_ns;
}

/* Runs until told to stop, or done.  Returns the exit status. */
static int
run(struct guest *g, struct unixctl_server *unixctl)
{
    uint64_t stop_by_ns = 0;
    uint64_t control_ns = 0;

    for (;;) {
        uint64_t now_ns = run_vif(g);

        /* These cost system calls: not at each of a frame's wake-ups.  What
         * is left undone wakes the loop again at once. */
        if (now_ns - control_ns >= CONTROL_NS) {
            control_ns = now_ns;
            if (!guest_domain_is_alive(&g->domain)) {
                VLOG_ERR("netdom-xenlocald went away: this guest has no host "
                         "any more");
                return EXIT_FAILURE;
            }
            unixctl_server_run(unixctl);
        }
        int error = frontend_run(&g->frontend, now_ns);
        if (error) {
            VLOG_ERR("cannot go on (%s)", ovs_strerror(-error));
            return EXIT_FAILURE;
        }

        if (n_signals || is_done(g, now_ns)) {
            g->stopping = true;
        }
        if (g->stopping && !stop_by_ns) {
            stop_by_ns = now_ns + CLOSE_NS;
            frontend_set_wanted(&g->frontend, false);
        }
        if (g->stopping && (frontend_is_closed(&g->frontend)
                            || now_ns >= stop_by_ns)) {
            return EXIT_SUCCESS;
        }

        vif_wait(&g->vif, now_ns);
        frontend_wait(&g->frontend, now_ns);
        guest_domain_wait(&g->domain);
        unixctl_server_wait(unixctl);
        poll_fd_wait(signal_fd, POLLIN);
        if (g->stopping) {
            poll_timer_wait(10);
        } else if (g->options.pktgen || g->options.sink) {
            poll_timer_wait(100);       /* For its end. */
        }
        poll_block();
    }
}

static int
print_report(const struct guest *g)
{
    const struct guest_options *o = &g->options;
    FILE *file = stdout;

    if (!o->pktgen && !o->sink && !o->json && !o->output) {
        return 0;
    }
    if (o->output) {
        file = fopen(o->output, "w");
        if (!file) {
            int error = errno;
            VLOG_ERR("%s: cannot write the report (%s)", o->output,
                     ovs_strerror(error));
            return -error;
        }
    }
    if (o->json) {
        struct json *json = guest_report_json(g);
        char *text = json_to_string(json, JSSF_SORT);

        fprintf(file, "%s\n", text);
        free(text);
        json_destroy(json);
    } else {
        struct ds ds = DS_EMPTY_INITIALIZER;

        guest_report_text(g, &ds);
        fputs(ds_cstr(&ds), file);
        ds_destroy(&ds);
    }
    if (file != stdout) {
        fclose(file);
    } else {
        fflush(file);
    }
    return 0;
}

static void
finish(struct guest *g)
{
    frontend_finish(&g->frontend, guest_now_ns());
    if (g->source != g->sink && g->source) {
        g->source->class->destroy(g->source);
    }
    if (g->sink) {
        g->sink->class->destroy(g->sink);
    }
    guest_domain_finish(&g->domain);
    guest_memory_finish(&g->memory);
    guest_options_finish(&g->options);
}

int
main(int argc, char *argv[])
{
    struct unixctl_server *unixctl;
    struct guest guest = { .stopping = false };

    set_program_name(argv[0]);
    guest_options_parse(&guest.options, argc, argv);
    fatal_ignore_sigpipe();
    daemonize_start(false);
    catch_signals();

    if (unixctl_server_create(guest.options.unixctl, &unixctl)) {
        exit(EXIT_COULD_NOT_RUN);
    }
    guest_commands_register(&guest);
    start(&guest);
    daemonize_complete();

    int status = run(&guest, unixctl);
    if (print_report(&guest) && !status) {
        status = EXIT_FAILURE;
    }
    finish(&guest);
    unixctl_server_destroy(unixctl);
    ovsrcu_exit();
    return status;
}
