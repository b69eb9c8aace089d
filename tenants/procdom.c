#include <config.h>

#include "tenants/procdom.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "sset.h"
#include "tenants/parse.h"
#include "tenants/plan.h"
#include "tenants/slot.h"
#include "tenants/uplink.h"
#include "tenants/xen_vif.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(procdom);

#define RECORD_SUFFIX ".record"

char *
domain_path(const struct driver_env *env, const char *name, const char *leaf)
{
    return xasprintf("%s/tenants/%s%s%s", env->run_dir, name,
                     leaf ? "/" : "", leaf ? leaf : "");
}

void
domain_driver_list(const struct driver_env *env, struct sset *names)
{
    char *path = xasprintf("%s/controller", env->run_dir);
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        size_t n_suffix = strlen(RECORD_SUFFIX);

        if (n > n_suffix
            && !strcmp(entry->d_name + n - n_suffix, RECORD_SUFFIX)) {
            char *name = xmemdup0(entry->d_name, n - n_suffix);

            if (parse_name_ok(name)) {
                sset_add(names, name);
            }
            free(name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(path);
}

uid_t
procdom_uid(const struct domain *domain)
{
    return slot_uid(domain->env, domain->record.slot);
}

uid_t
procdom_relay_uid(const struct domain *domain)
{
    return slot_relay_uid(domain->env, domain->record.slot);
}

void
procdom_launcher(struct domain *domain, struct launcher *launcher)
{
    *launcher = (struct launcher) {
        domain->env, domain->name, &domain->record, domain->record_path,
    };
}

int
procdom_save(struct domain *domain, char **errorp)
{
    struct launcher launcher;

    procdom_launcher(domain, &launcher);

    int error = launch_save(&launcher, errorp);
    domain->recorded |= !error;
    return error;
}

static struct proc *
find_proc(struct domain *domain, const char *what)
{
    return !strcmp(what, "db") ? &domain->db
           : !strcmp(what, "switch") ? &domain->vswitch
           : &procdom_relay_add(domain, what)->proc;
}

static struct domain *
procdom_open(struct driver_env *env, const char *name)
{
    struct domain *domain = xzalloc(sizeof *domain);

    domain->env = env;
    domain->name = xstrdup(name);
    domain->record_path = xasprintf("%s/controller/%s%s", env->run_dir, name,
                                    RECORD_SUFFIX);
    domain->ns_dir = xasprintf("%s/controller/ns/%s", env->run_dir, name);
    proc_init(&domain->db);
    proc_init(&domain->vswitch);
    shash_init(&domain->relays);

    int error = record_load(domain->record_path, &domain->record);
    domain->recorded = error != -ENOENT;
    if (!error) {
        struct launcher launcher;

        procdom_launcher(domain, &launcher);
        launch_adopt(&launcher, find_proc, domain);
    } else if (error != -ENOENT) {
        VLOG_ERR("%s: %s: starting over with this tenant",
                 domain->record_path, ovs_strerror(-error));
    }
    return domain;
}

static void
procdom_close(struct domain *domain)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &domain->relays) {
        procdom_relay_free(node->data);
    }
    shash_destroy(&domain->relays);
    proc_finish(&domain->db);
    proc_finish(&domain->vswitch);
    record_finish(&domain->record);
    free(domain->name);
    free(domain->record_path);
    free(domain->ns_dir);
    free(domain->warning);
    free(domain);
}

static bool
run_proc(struct domain *domain, struct proc *proc, const char *what,
         const char *output, uid_t uid, long long int now_ms)
{
    struct launcher launcher;

    procdom_launcher(domain, &launcher);
    return launch_ended(&launcher, proc, what, output, uid, now_ms);
}

static bool
procdom_run(struct domain *domain, long long int now_ms)
{
    uid_t uid = procdom_uid(domain);
    bool changed = false;
    struct shash_node *node;

    changed |= run_proc(domain, &domain->db, "db", "ovsdb-server.out",
                        uid, now_ms);
    changed |= run_proc(domain, &domain->vswitch, "switch",
                        "netdom-vswitchd.out", uid, now_ms);
    SHASH_FOR_EACH_SAFE (node, &domain->relays) {
        struct relay *relay = node->data;
        bool stopping = relay->proc.stopping;

        if (run_proc(domain, &relay->proc, node->name, "relay/socat.out",
                     procdom_relay_uid(domain), now_ms)) {
            changed = true;
            if (stopping) {
                shash_delete(&domain->relays, node);
                procdom_relay_free(relay);
            }
        }
    }
    return changed;
}

static void
procdom_wait(struct domain *domain)
{
    struct shash_node *node;

    proc_wait(&domain->db);
    proc_wait(&domain->vswitch);
    SHASH_FOR_EACH (node, &domain->relays) {
        const struct relay *relay = node->data;
        proc_wait(&relay->proc);
    }
}

static void
procdom_stop(struct domain *domain, enum domain_proc kind,
             const char *target, long long int now_ms)
{
    struct proc *proc = kind == DOMAIN_DB ? &domain->db : &domain->vswitch;

    if (kind == DOMAIN_RELAY) {
        struct shash_node *node = shash_find(&domain->relays, target);
        if (!node) {
            return;
        }

        struct relay *relay = node->data;
        proc = &relay->proc;
        if (!proc->pid) {
            shash_delete(&domain->relays, node);
            procdom_relay_free(relay);
            return;
        }
    }
    proc_stop(proc, now_ms);
}

static int
procdom_uplink_take(struct domain *domain, const char *iface, char **errorp)
{
    /* Written down first: a new controller must know whose it is. */
    free(domain->record.iface);
    domain->record.iface = xstrdup(iface);

    int error = procdom_save(domain, errorp);
    if (error) {
        return error;
    }
    if (vf_is_pci(iface)) {
        /* One that was started for an interface knows of no PCI. */
        proc_stop(&domain->vswitch, time_msec());
        return uplink_pci_take(iface, procdom_uid(domain), errorp);
    }
    return uplink_take(domain->ns_dir, iface, errorp);
}

static int
procdom_uplink_return(struct domain *domain, const char *iface,
                      char **errorp)
{
    int error;

    if (vf_is_pci(iface)) {
        /* It is only given back once nobody has it open, and that must not be
         * for the tenant to decide. */
        procdom_kill_uid(domain->env, procdom_uid(domain));
        error = uplink_pci_return(iface, errorp);
    } else {
        error = uplink_return(domain->ns_dir, iface, errorp);
    }
    if (!error) {
        free(domain->record.iface);
        domain->record.iface = NULL;
        error = procdom_save(domain, errorp);
    }
    return error;
}

/* In the stand-in's xenstore, we are the toolstack. */
static int
procdom_vif(struct domain *domain, const struct action *a,
            long long int now_ms OVS_UNUSED)
{
    struct xen *xen = domain->env->xen;
    uint32_t own = domain->record.domid;

    return a->type == ACT_VIF_CREATE
           ? xen_vif_create(xen, own, a->domid, a->devid, a->vif)
           : a->type == ACT_VIF_LIMITS
           ? xen_vif_limits(xen, own, a->domid, a->devid, a->vif)
           : a->type == ACT_VIF_OFFLINE
           ? xen_vif_offline(xen, own, a->domid, a->devid)
           : xen_vif_remove(xen, own, a->domid, a->devid);
}

static void
procdom_observe_vifs(struct domain *domain OVS_UNUSED,
                     struct have_tenant *have OVS_UNUSED)
{
}

static char *
procdom_control(const struct domain *domain)
{
    char *leaf = xasprintf("netdom-vswitchd.%d.ctl",
                           (int) domain->vswitch.pid);
    char *path = domain_path(domain->env, domain->name, leaf);

    free(leaf);
    return path;
}

static pid_t
procdom_switch_pid(const struct domain *domain, unsigned int *n_deaths)
{
    *n_deaths = domain->vswitch.n_deaths;
    return domain->vswitch.pid;
}

const struct domain_driver domain_driver_process = {
    .name = "process",
    .open = procdom_open,
    .close = procdom_close,
    .run = procdom_run,
    .wait = procdom_wait,
    .create = procdom_create,
    .destroy = procdom_destroy,
    .start = procdom_start,
    .stop = procdom_stop,
    .uplink_take = procdom_uplink_take,
    .uplink_return = procdom_uplink_return,
    .vif = procdom_vif,
    .observe = procdom_observe,
    .observe_vifs = procdom_observe_vifs,
    .error = procdom_error,
    .status = procdom_status,
    .switch_pid = procdom_switch_pid,
    .control = procdom_control,
};
