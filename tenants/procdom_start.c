#include <config.h>

#include "tenants/procdom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/vlog.h"
#include "svec.h"
#include "tenants/file.h"
#include "tenants/spawn.h"
#include "tenants/xen.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(procdom_start);

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"

/* Makes the database if there is none yet, whole or not at all, and goes on
 * as the server: one process to watch, nothing for the controller to do in a
 * folder that is not its own. */
#define DB_SCRIPT \
    "set -e; " \
    "if [ ! -f \"$1\" ]; then " \
        "rm -f \"$1.new\"; ovsdb-tool create \"$1.new\" \"$2\"; " \
        "mv \"$1.new\" \"$1\"; " \
    "fi; " \
    "shift 2; exec ovsdb-server \"$@\""

struct command {
    const char *program;
    struct svec argv;
    struct svec envp;
    char *output;
    bool inside;
};

static void
command_init(struct command *command, const struct domain *domain)
{
    char *own = domain_path(domain->env, domain->name, NULL);

    memset(command, 0, sizeof *command);
    svec_init(&command->argv);
    svec_init(&command->envp);
    command->inside = true;
    svec_add(&command->envp, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    svec_add(&command->envp, "LC_ALL=C");
    svec_add(&command->envp, "HOME=/");
    svec_add_nocopy(&command->envp, xasprintf("OVS_RUNDIR=%s", own));
    svec_add_nocopy(&command->envp, xasprintf("OVS_LOGDIR=%s", own));
    svec_add_nocopy(&command->envp, xasprintf("OVS_DBDIR=%s", own));
    svec_add_nocopy(&command->envp, xasprintf("RUNTIME_DIRECTORY=%s", own));
    free(own);
}

static void
command_finish(struct command *command)
{
    svec_destroy(&command->argv);
    svec_destroy(&command->envp);
    free(command->output);
}

static void
db_command(struct command *command, const struct domain *domain)
{
    char *db = domain_path(domain->env, domain->name, "conf.db");
    char *sock = domain_path(domain->env, domain->name, "db.sock");

    command->program = "/bin/sh";
    command->output = domain_path(domain->env, domain->name,
                                  "ovsdb-server.out");
    svec_add(&command->argv, "sh");
    svec_add(&command->argv, "-c");
    svec_add(&command->argv, DB_SCRIPT);
    svec_add(&command->argv, "netdom-db");
    svec_add(&command->argv, db);
    svec_add(&command->argv, SCHEMA);
    svec_add(&command->argv, db);
    svec_add_nocopy(&command->argv, xasprintf("--remote=punix:%s", sock));
    svec_add(&command->argv, "--pidfile");
    svec_add(&command->argv, "-vconsole:err");  /* Before --log-file. */
    svec_add(&command->argv, "--log-file");
    free(db);
    free(sock);
}

static void
switch_command(struct command *command, const struct domain *domain)
{
    const struct record *record = &domain->record;
    char *sock = domain_path(domain->env, domain->name, "db.sock");

    command->program = domain->env->vswitchd;
    command->output = domain_path(domain->env, domain->name,
                                  "netdom-vswitchd.out");
    svec_add(&command->argv, "netdom-vswitchd");
    svec_add_nocopy(&command->argv, xasprintf("unix:%s", sock));
    svec_add_nocopy(&command->argv, xasprintf(
        "--eal-args=--no-huge --legacy-mem --no-shconf --no-pci "
        "--no-telemetry -m 256 -l %d", MAX(record->cpu, 0)));
    svec_add_nocopy(&command->argv,
                    xasprintf("--domid=%"PRIu32, record->domid));
    svec_add_nocopy(&command->argv,
                    xasprintf("--xen-dir=%s", xen_dir(domain->env->xen)));
    svec_add(&command->argv, "--xen=local");
    svec_add(&command->argv, "--pidfile");
    svec_add(&command->argv, "-vconsole:err");  /* Before --log-file. */
    svec_add(&command->argv, "--log-file");
    free(sock);
}

static void
relay_command(struct command *command, const struct domain *domain,
              const struct relay *relay, const struct want_controller *c)
{
    command->program = "/usr/bin/socat";
    command->inside = false;
    command->output = domain_path(domain->env, domain->name,
                                  "relay/socat.out");
    svec_add(&command->argv, "socat");
    svec_add_nocopy(&command->argv, xasprintf(
        "UNIX-LISTEN:%s,fork,max-children=8,unlink-early,mode=0666",
        relay->socket));
    svec_add_nocopy(&command->argv,
                    xasprintf("%s,connect-timeout=10,keepalive", c->relay));
}

struct relay *
procdom_relay_add(struct domain *domain, const char *target)
{
    struct relay *relay = shash_find_data(&domain->relays, target);

    if (!relay) {
        char *leaf = xasprintf("relay/%08"PRIx32".sock",
                               hash_string(target, 0));

        relay = xzalloc(sizeof *relay);
        proc_init(&relay->proc);
        relay->target = xstrdup(target);
        relay->socket = domain_path(domain->env, domain->name, leaf);
        shash_add(&domain->relays, target, relay);
        free(leaf);
    }
    return relay;
}

void
procdom_relay_free(struct relay *relay)
{
    proc_finish(&relay->proc);
    free(relay->target);
    free(relay->socket);
    free(relay);
}

/* Starts 'command' as 'what', recorded before it runs. */
static int
launch(struct domain *domain, struct proc *proc, const char *what,
       struct command *command, long long int now_ms, char **errorp)
{
    svec_terminate(&command->argv);
    svec_terminate(&command->envp);

    struct spawn_spec spec = {
        .program = command->program,
        .argv = command->argv.names,
        .envp = command->envp.names,
        .ns_dir = command->inside ? domain->ns_dir : NULL,
        .uid = procdom_relay_uid(domain),
        .output = command->output,
        .cgroups = &domain->env->cgroups,
        .tenant = domain->name,
    };
    struct spawned spawned;
    int error = spawn_begin(&spec, &spawned, errorp);

    if (error) {
        return error;
    }
    record_set_proc(&domain->record, what, spawned.pid,
                    proc_start_ticks(spawned.pid));
    error = procdom_save(domain, errorp);
    if (error) {
        spawn_cancel(&spawned);
        return error;
    }
    if (!proc_started(proc, spawned.pid, now_ms)) {
        error = -errno;
        *errorp = xasprintf("cannot watch process %d: %s",
                            (int) spawned.pid, ovs_strerror(-error));
        spawn_cancel(&spawned);
        return error;
    }
    return spawn_release(&spawned, errorp);
}

int
procdom_start(struct domain *domain, enum domain_proc kind,
              const struct want_controller *controller,
              long long int now_ms, char **errorp)
{
    struct proc *proc;
    const char *what;
    struct command command;

    command_init(&command, domain);
    if (kind == DOMAIN_DB) {
        proc = &domain->db;
        what = "db";
        db_command(&command, domain);
    } else if (kind == DOMAIN_SWITCH) {
        proc = &domain->vswitch;
        what = "switch";
        switch_command(&command, domain);
    } else {
        struct relay *relay = procdom_relay_add(domain, controller->target);

        proc = &relay->proc;
        what = relay->target;
        relay_command(&command, domain, relay, controller);
    }

    int error = launch(domain, proc, what, &command, now_ms, errorp);
    if (error) {
        char *ignored = NULL;

        record_set_proc(&domain->record, what, 0, 0);
        procdom_save(domain, &ignored);
        free(ignored);
        proc_failed(proc, xasprintf("%s: %s", what,
                                    *errorp ? *errorp : "cannot start"),
                    now_ms);
    } else {
        VLOG_INFO("%s: started %s, process %d", domain->name, what,
                  (int) proc->pid);
    }
    command_finish(&command);
    return error;
}
