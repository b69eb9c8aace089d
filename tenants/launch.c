#include <config.h>

#include "tenants/launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "tenants/driver.h"
#include "tenants/file.h"
#include "tenants/proc.h"
#include "tenants/record.h"
#include "tenants/spawn.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(launch);

void
command_init(struct command *command, const char *program,
             const char *tenant_dir)
{
    memset(command, 0, sizeof *command);
    command->program = program;
    svec_init(&command->argv);
    svec_init(&command->envp);
    svec_add(&command->envp, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    svec_add(&command->envp, "LC_ALL=C");
    svec_add(&command->envp, "HOME=/");
    svec_add_nocopy(&command->envp, xasprintf("OVS_RUNDIR=%s", tenant_dir));
    svec_add_nocopy(&command->envp, xasprintf("OVS_LOGDIR=%s", tenant_dir));
    svec_add_nocopy(&command->envp, xasprintf("OVS_DBDIR=%s", tenant_dir));
    svec_add_nocopy(&command->envp, xasprintf("RUNTIME_DIRECTORY=%s",
                                              tenant_dir));
}

void
command_relay(struct command *command, const char *socket,
              const char *address)
{
    svec_add(&command->argv, "socat");
    svec_add_nocopy(&command->argv, xasprintf(
        "UNIX-LISTEN:%s,fork,max-children=8,unlink-early,mode=0666", socket));
    svec_add_nocopy(&command->argv,
                    xasprintf("%s,connect-timeout=10,keepalive", address));
}

void
command_finish(struct command *command)
{
    svec_destroy(&command->argv);
    svec_destroy(&command->envp);
    free(command->output);
}

int
launch_save(const struct launcher *launcher, char **errorp)
{
    int error = record_save(launcher->record_path, launcher->record);

    if (error) {
        *errorp = xasprintf("%s: %s", launcher->record_path,
                            ovs_strerror(-error));
    }
    return error;
}

int
launch_make_folders(const struct launcher *launcher, uid_t uid,
                    uid_t relay_uid, char **errorp)
{
    char *tenants = xasprintf("%s/tenants", launcher->env->run_dir);
    char *own = domain_path(launcher->env, launcher->tenant, NULL);
    char *relay = domain_path(launcher->env, launcher->tenant, "relay");
    int error = file_make_dir(tenants, 0755, 0);

    if (!error) {
        error = file_make_dir(own, 0755, uid);
    }
    if (!error) {
        error = file_make_dir(relay, 0755, relay_uid);
    }
    if (error) {
        *errorp = xasprintf("%s: %s", own, ovs_strerror(-error));
    }
    free(tenants);
    free(own);
    free(relay);
    return error;
}

void
launch_adopt(const struct launcher *launcher,
             struct proc *(*find)(struct domain *, const char *what),
             struct domain *domain)
{
    struct record *record = launcher->record;

    for (size_t i = record->n_procs; i-- > 0; ) {
        struct record_proc *rp = &record->procs[i];
        struct proc *proc = find(domain, rp->what);

        if (proc && proc_adopt(proc, rp->pid, rp->start_ticks,
                               time_msec())) {
            VLOG_INFO("%s: adopted %s, process %d", launcher->tenant,
                      rp->what, (int) rp->pid);
        } else {
            VLOG_INFO("%s: %s, process %d, is gone", launcher->tenant,
                      rp->what, (int) rp->pid);
            char *what = xstrdup(rp->what);
            record_set_proc(record, what, 0, 0);
            free(what);
        }
    }
}

bool
launch_ended(const struct launcher *launcher, struct proc *proc,
             const char *what, const char *output, uid_t uid,
             long long int now_ms)
{
    bool stopping = proc->stopping;
    char *ignored = NULL;

    if (!proc_run(proc, now_ms)) {
        return false;
    }
    record_set_proc(launcher->record, what, 0, 0);
    launch_save(launcher, &ignored);
    free(ignored);
    if (!stopping && proc->error) {
        char *path = domain_path(launcher->env, launcher->tenant, output);
        char *words = file_tail(path, uid);
        char *error = xasprintf("%s %s%s%s", what, proc->error,
                                words ? ": " : "", words ? words : "");

        VLOG_WARN("%s: %s", launcher->tenant, error);
        free(proc->error);
        proc->error = error;
        free(words);
        free(path);
    }
    return true;
}

static int
try_launch(const struct launcher *launcher, struct proc *proc,
           const char *what, struct command *command, long long int now_ms,
           char **errorp)
{
    svec_terminate(&command->argv);
    svec_terminate(&command->envp);

    struct spawn_spec spec = {
        .program = command->program,
        .argv = command->argv.names,
        .envp = command->envp.names,
        .ns_dir = command->ns_dir,
        .root = command->root,
        .bare = command->bare,
        .uid = command->uid,
        .locks_memory = command->locks_memory,
        .output = command->output,
        .cgroups = &launcher->env->cgroups,
        .tenant = launcher->tenant,
    };
    struct spawned spawned;
    int error = spawn_begin(&spec, &spawned, errorp);

    if (error) {
        return error;
    }
    record_set_proc(launcher->record, what, spawned.pid,
                    proc_start_ticks(spawned.pid));
    error = launch_save(launcher, errorp);
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
launch(const struct launcher *launcher, struct proc *proc, const char *what,
       struct command *command, long long int now_ms, char **errorp)
{
    int error = try_launch(launcher, proc, what, command, now_ms, errorp);

    if (error) {
        char *ignored = NULL;

        record_set_proc(launcher->record, what, 0, 0);
        launch_save(launcher, &ignored);
        free(ignored);
        proc_failed(proc, xasprintf("%s: %s", what,
                                    *errorp ? *errorp : "cannot start"),
                    now_ms);
    } else {
        VLOG_INFO("%s: started %s, process %d", launcher->tenant, what,
                  (int) proc->pid);
    }
    return error;
}
