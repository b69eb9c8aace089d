#include <config.h>

#include "tenants/procdom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "tenants/xen.h"
#include "util.h"

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

static void
db_command(struct command *command, const struct domain *domain)
{
    char *db = domain_path(domain->env, domain->name, "conf.db");
    char *sock = domain_path(domain->env, domain->name, "db.sock");

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
    bool pci = record->iface && vf_is_pci(record->iface);
    char *sock = domain_path(domain->env, domain->name, "db.sock");

    command->output = domain_path(domain->env, domain->name,
                                  "netdom-vswitchd.out");
    svec_add(&command->argv, "netdom-vswitchd");
    svec_add_nocopy(&command->argv, xasprintf("unix:%s", sock));
    command->locks_memory = pci;

    /* With "-a" the EAL takes no device but that one and those that are added
     * later. */
    svec_add_nocopy(&command->argv, xasprintf(
        "--eal-args=--no-huge --legacy-mem --no-shconf %s%s "
        "--no-telemetry -m 256 -l %d", pci ? "--iova-mode=va -a " : "--no-pci",
        pci ? record->iface : "", MAX(record->cpu, 0)));
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
    command->ns_dir = NULL;
    command->output = domain_path(domain->env, domain->name,
                                  "relay/socat.out");
    command_relay(command, relay->socket, c->relay);
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

static const char *
program_of(const struct domain *domain, enum domain_proc kind)
{
    return kind == DOMAIN_DB ? "/bin/sh"
           : kind == DOMAIN_SWITCH ? domain->env->vswitchd
           : "/usr/bin/socat";
}

int
procdom_start(struct domain *domain, enum domain_proc kind,
              const struct want_controller *controller,
              long long int now_ms, char **errorp)
{
    struct launcher launcher;
    char *own = domain_path(domain->env, domain->name, NULL);
    struct proc *proc;
    const char *what;
    struct command command;

    procdom_launcher(domain, &launcher);
    command_init(&command, program_of(domain, kind), own);
    command.ns_dir = domain->ns_dir;
    command.uid = procdom_relay_uid(domain);
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

    int error = launch(&launcher, proc, what, &command, now_ms, errorp);

    command_finish(&command);
    free(own);
    return error;
}
