#include <config.h>

#include "tenants/xendom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "tenants/slot.h"
#include "tenants/xen.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xendom);

/* Time to destroy a domain; a device model may have to be ended. */
#define STOP_MS 60000

#define LIFE "domain"
#define RELAY "relay"

void
xendom_launcher(struct domain *domain, struct launcher *launcher)
{
    *launcher = (struct launcher) {
        domain->env, domain->name, &domain->record, domain->record_path,
    };
}

uint32_t
xendom_find(struct domain *domain)
{
    uint32_t domid;

    return xen_is_up(domain->env->xen)
           && !xen_domain_lookup(domain->env->xen, domain->xen_name, &domid)
           ? domid : 0;
}

struct proc *
xendom_proc(struct domain *domain, const char *what)
{
    if (!strcmp(what, LIFE)) {
        return &domain->life;
    }
    if (!strcmp(what, RELAY)) {
        return &domain->relay;
    }

    struct vif_job *job = xendom_vif_job(domain, what);
    if (job) {
        return &job->proc;
    }

    /* "controllerN TARGET" */
    unsigned int i;
    int n = 0;
    if (sscanf(what, "controller%u %n", &i, &n) == 1 && n
        && i < XENDOM_CONTROLLERS_MAX && what[n]) {
        struct far_controller *far = &domain->far[i];

        free(far->target);
        far->target = xstrdup(what + n);
        return &far->proc;
    }
    return NULL;
}

static struct domain *
xendom_open(struct driver_env *env, const char *name)
{
    struct domain *domain = xzalloc(sizeof *domain);

    domain->env = env;
    domain->name = xstrdup(name);
    domain->xen_name = xasprintf("netdom-%s", name);
    domain->record_path = xasprintf("%s/controller/%s.record", env->run_dir,
                                    name);
    proc_init(&domain->life);
    domain->life.stop_ms = STOP_MS;
    proc_init(&domain->relay);
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        char *leaf = xasprintf("relay/controller%"PRIuSIZE, i);

        proc_init(&domain->far[i].proc);
        domain->far[i].socket = domain_path(env, name, leaf);
        free(leaf);
    }

    int error = record_load(domain->record_path, &domain->record);
    domain->recorded = error != -ENOENT;
    if (!error) {
        struct launcher launcher;

        xendom_launcher(domain, &launcher);
        launch_adopt(&launcher, xendom_proc, domain);
        domain->relay_domid = domain->record.domid;
    } else if (error != -ENOENT) {
        VLOG_ERR("%s: %s: starting over with this tenant",
                 domain->record_path, ovs_strerror(-error));
    }
    return domain;
}

void
xendom_far_free(struct far_controller *far)
{
    proc_finish(&far->proc);
    proc_init(&far->proc);
    free(far->target);
    far->target = NULL;
}

static void
xendom_close(struct domain *domain)
{
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        xendom_far_free(&domain->far[i]);
        free(domain->far[i].socket);
    }
    xendom_vifs_close(domain);
    proc_finish(&domain->life);
    proc_finish(&domain->relay);
    record_finish(&domain->record);
    free(domain->name);
    free(domain->xen_name);
    free(domain->record_path);
    free(domain->vif_error);
    free(domain);
}

/* socat's words are its own, all others are root's. */
static uid_t
file_uid(const struct domain *domain, const char *what)
{
    return strncmp(what, "controller", 10)
           ? 0 : slot_relay_uid(domain->env, domain->record.slot);
}

bool
xendom_ended(struct domain *domain, struct proc *proc, const char *what,
             const char *output, long long int now_ms)
{
    struct launcher launcher;

    xendom_launcher(domain, &launcher);
    return launch_ended(&launcher, proc, what, output,
                        file_uid(domain, what), now_ms);
}

static bool
xendom_run(struct domain *domain, long long int now_ms)
{
    bool changed = xendom_ended(domain, &domain->life, LIFE,
                                "netdom-domain.out", now_ms);
    uint32_t domid = xendom_find(domain);

    changed |= xendom_ended(domain, &domain->relay, RELAY,
                            "netdom-relay.out", now_ms);
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        struct far_controller *far = &domain->far[i];
        bool stopping = far->proc.stopping;
        char *what = far->target
            ? xasprintf("controller%"PRIuSIZE" %s", i, far->target) : NULL;

        if (what && xendom_ended(domain, &far->proc, what,
                                 "relay/socat.out", now_ms)) {
            changed = true;
            if (stopping) {
                xendom_far_free(far);
            }
        }
        free(what);
    }
    changed |= xendom_vifs_run(domain, now_ms);

    if (domid && domain->relay.pid && domid != domain->relay_domid) {
        proc_stop(&domain->relay, now_ms);
    }
    changed |= domid != domain->domid;
    domain->domid = domid;
    return changed;
}

static void
xendom_wait(struct domain *domain)
{
    proc_wait(&domain->life);
    proc_wait(&domain->relay);
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        proc_wait(&domain->far[i].proc);
    }
    xendom_vifs_wait(domain);
}

/* The switch is the domain: both end together. */
static void
xendom_stop(struct domain *domain, enum domain_proc kind, const char *target,
            long long int now_ms)
{
    if (kind == DOMAIN_RELAY) {
        struct far_controller *far = xendom_far(domain, target, false);

        if (far && far->proc.pid) {
            proc_stop(&far->proc, now_ms);
        } else if (far) {
            xendom_far_free(far);
        }
        return;
    }
    proc_stop(kind == DOMAIN_DB ? &domain->relay : &domain->life, now_ms);
}

/* A VF is assigned when the domain is made, and is its own until it ends: with
 * another one, it is made anew. */
static int
xendom_uplink_take(struct domain *domain, const char *vf OVS_UNUSED,
                   char **errorp OVS_UNUSED)
{
    proc_stop(&domain->life, time_msec());
    return 0;
}

static int
xendom_uplink_return(struct domain *domain, const char *vf OVS_UNUSED,
                     char **errorp OVS_UNUSED)
{
    proc_stop(&domain->life, time_msec());
    return 0;
}

static pid_t
xendom_switch_pid(const struct domain *domain, unsigned int *n_deaths)
{
    *n_deaths = domain->life.n_deaths;
    return domain->domid ? domain->life.pid : 0;
}

static char *
xendom_control(const struct domain *domain)
{
    return domain_path(domain->env, domain->name, "control.sock");
}

const struct domain_driver domain_driver_xen = {
    .name = "xen",
    .open = xendom_open,
    .close = xendom_close,
    .run = xendom_run,
    .wait = xendom_wait,
    .create = xendom_create,
    .destroy = xendom_destroy,
    .start = xendom_start,
    .stop = xendom_stop,
    .uplink_take = xendom_uplink_take,
    .uplink_return = xendom_uplink_return,
    .vif = xendom_vif,
    .observe = xendom_observe,
    .observe_vifs = xendom_observe_vifs,
    .error = xendom_error,
    .status = xendom_status,
    .switch_pid = xendom_switch_pid,
    .control = xendom_control,
};
