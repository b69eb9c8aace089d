#include <config.h>

#include "tenants/procdom.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "tenants/file.h"
#include "tenants/place.h"
#include "tenants/slot.h"
#include "tenants/xen.h"
#include "tenants/xen_vif.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(procdom_make);

#define MEMORY_BYTES (1ull << 30)
#define TASKS 256
#define CPU_WEIGHT 100

/* Finds or makes the domain in the registry. */
static int
make_domain(struct domain *domain, uint32_t *domid, char **errorp)
{
    char *name = xasprintf("netdom-%s", domain->name);
    struct xen *xen = domain->env->xen;
    int error = xen_domain_lookup(xen, name, domid);

    if (error == -ENOENT) {
        /* Namespaces that are there show the folder of a dead domain, even
         * if this one should get the same number. */
        place_remove(domain->ns_dir);
        error = xen_domain_create(xen, name, procdom_uid(domain), domid);
    }
    if (!error) {
        error = xen_manage(xen, *domid);
    }
    if (error) {
        *errorp = xasprintf("domain %s: %s", name, ovs_strerror(-error));
    }
    free(name);
    return error;
}

static int
make_place(struct domain *domain, uint32_t domid, char **errorp)
{
    const char *run_dir = domain->env->run_dir;
    char *own = domain_path(domain->env, domain->name, NULL);
    char *sockets = xasprintf("%s/%"PRIu32, xen_dir(domain->env->xen), domid);
    char *keep = xasprintf("%s/controller/ns", run_dir);
    struct place_spec spec = {
        .ns_dir = domain->ns_dir,
        .hide = run_dir,
        .show = { own, sockets },
        .keep = keep,
        .hostname = domain->name,
        .uid = procdom_uid(domain),
    };
    int error = 0;

    if (place_exists(domain->ns_dir) && domain->record.domid == domid) {
        goto out;
    }
    place_remove(domain->ns_dir);
    domain->record.domid = domid;
    error = procdom_save(domain, errorp);
    if (!error) {
        error = place_create(&spec, errorp);
    }

out:
    free(own);
    free(sockets);
    free(keep);
    return error;
}

int
procdom_create(struct domain *domain, const char *vf OVS_UNUSED,
               long long int now_ms OVS_UNUSED, char **errorp)
{
    const struct cgroup_limits limits = {
        .cpu_weight = CPU_WEIGHT,
        .memory_bytes = MEMORY_BYTES,
        .pids = TASKS,
    };
    struct ds warning = DS_EMPTY_INITIALIZER;
    struct launcher launcher;
    uint32_t domid;
    int error = 0;

    procdom_launcher(domain, &launcher);
    if (!domain->recorded) {
        error = slot_choose(domain->env, &domain->record);
        if (error) {
            *errorp = xasprintf("more than %d tenants on one host",
                                SLOTS_MAX);
            return error;
        }
        error = procdom_save(domain, errorp);
    }
    if (!error) {
        error = make_domain(domain, &domid, errorp);
    }
    if (!error) {
        error = launch_make_folders(&launcher, procdom_uid(domain),
                                    procdom_relay_uid(domain), errorp);
    }
    if (!error) {
        error = make_place(domain, domid, errorp);
    }
    if (error) {
        return error;
    }

    cgroup_create(&domain->env->cgroups, domain->name, &limits, &warning);
    free(domain->warning);
    domain->warning = warning.length ? ds_steal_cstr(&warning) : NULL;
    if (domain->warning) {
        VLOG_WARN("%s: %s", domain->name, domain->warning);
    }
    ds_destroy(&warning);
    return 0;
}

/* The real uid of 'pid', from a file that root alone can falsify; -1 if there
 * is no such process. */
static int64_t
uid_of(int pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", pid);

    char *text = file_read(path, 4096);
    char *line = text ? strstr(text, "\nUid:") : NULL;
    unsigned int uid;
    bool ok = line && sscanf(line, "\nUid: %u", &uid) == 1;

    free(text);
    return ok ? (int64_t) uid : -1;
}

void
procdom_kill_uid(const struct driver_env *env, uid_t uid)
{
    if (uid < env->uid_base
        || uid >= env->uid_base + SLOTS_MAX * UIDS_PER_SLOT) {
        return;
    }

    DIR *dir = opendir("/proc");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        int pid;

        if (!str_to_int(entry->d_name, 10, &pid) || pid <= 1) {
            continue;
        }

        /* The pidfd first: what is looked at then is what is hit. */
        int pidfd = pidfd_open(pid, 0);
        if (pidfd >= 0) {
            if (uid_of(pid) == (int64_t) uid) {
                pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
            }
            close(pidfd);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

int
procdom_destroy(struct domain *domain, char **errorp)
{
    struct xen *xen = domain->env->xen;
    char *own = domain_path(domain->env, domain->name, NULL);
    char *name = xasprintf("netdom-%s", domain->name);
    uint32_t domid;
    int error = 0;

    procdom_kill_uid(domain->env, procdom_uid(domain));
    procdom_kill_uid(domain->env, procdom_relay_uid(domain));
    if (xen_is_up(xen) && !xen_domain_lookup(xen, name, &domid)) {
        xen_unmanage(xen, domid);
        error = xen_domain_destroy(xen, domid);
        if (error && error != -ENOENT) {
            *errorp = xasprintf("domain %s: %s", name, ovs_strerror(-error));
            goto out;
        }
    }
    place_remove(domain->ns_dir);
    cgroup_remove(&domain->env->cgroups, domain->name);
    error = file_remove_tree(own);
    if (error) {
        *errorp = xasprintf("%s: %s", own, ovs_strerror(-error));
        goto out;
    }
    unlink(domain->record_path);
    domain->recorded = false;
    record_finish(&domain->record);
    record_init(&domain->record);

out:
    free(own);
    free(name);
    return error;
}
