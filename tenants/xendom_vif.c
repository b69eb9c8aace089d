#include <config.h>

#include "tenants/xendom.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tenants/plan.h"
#include "tenants/xen_vif.h"
#include "util.h"

/* libxl itself gives up on a backend sooner. */
#define STOP_MS 60000

/* How a record calls it. */
static char *
job_name(const struct vif_job *job)
{
    return xasprintf("%s %"PRIu32" %"PRIu32, job->adds ? "vif-add"
                     : "vif-remove", job->guest, job->devid);
}

static struct vif_job *
find_job(const struct domain *domain, uint32_t guest, uint32_t devid)
{
    for (size_t i = 0; i < domain->n_jobs; i++) {
        struct vif_job *job = domain->jobs[i];

        if (job->guest == guest && job->devid == devid) {
            return job;
        }
    }
    return NULL;
}

static struct vif_job *
add_job(struct domain *domain, uint32_t guest, uint32_t devid, bool adds)
{
    struct vif_job *job = xzalloc(sizeof *job);

    job->guest = guest;
    job->devid = devid;
    job->adds = adds;
    proc_init(&job->proc);
    job->proc.stop_ms = STOP_MS;
    job->proc.ends = true;
    domain->jobs = xrealloc(domain->jobs, (domain->n_jobs + 1)
                                          * sizeof *domain->jobs);
    domain->jobs[domain->n_jobs++] = job;
    return job;
}

static void
remove_job(struct domain *domain, size_t i)
{
    proc_finish(&domain->jobs[i]->proc);
    free(domain->jobs[i]);
    domain->jobs[i] = domain->jobs[--domain->n_jobs];
}

struct vif_job *
xendom_vif_job(struct domain *domain, const char *what)
{
    unsigned int guest, devid;
    int n = 0;
    bool adds = sscanf(what, "vif-add %u %u%n", &guest, &devid, &n) == 2;

    if ((!adds && sscanf(what, "vif-remove %u %u%n", &guest, &devid, &n) != 2)
        || what[n]) {
        return NULL;
    }

    struct vif_job *job = find_job(domain, guest, devid);
    return job ? job : add_job(domain, guest, devid, adds);
}

/* libxl waits for guest and backend: not in this process. */
static int
start_job(struct domain *domain, const struct action *a, bool adds,
          long long int now_ms)
{
    struct vif_job *job = find_job(domain, a->domid, a->devid);
    char *own = domain_path(domain->env, domain->name, NULL);
    struct launcher launcher;
    struct command command;
    char *error_text = NULL;

    if (!job) {
        job = add_job(domain, a->domid, a->devid, adds);
    }
    job->adds = adds;
    command_init(&command, domain->env->on_xen.domain_program, own);
    command.root = true;
    command.output = domain_path(domain->env, domain->name, "vif.out");
    svec_add(&command.argv, "netdom-domain");
    svec_add(&command.argv, adds ? "vif-add" : "vif-remove");
    svec_add_nocopy(&command.argv, xasprintf("--domid=%"PRIu32,
                                             domain->record.domid));
    svec_add_nocopy(&command.argv, xasprintf("--guest=%"PRIu32, a->domid));
    svec_add_nocopy(&command.argv, xasprintf("--devid=%"PRIu32, a->devid));
    if (adds) {
        svec_add_nocopy(&command.argv, xasprintf("--mac=%s", a->vif->mac));
        svec_add_nocopy(&command.argv, xasprintf("--mtu=%d", a->vif->mtu));
    }
    xendom_launcher(domain, &launcher);

    char *what = job_name(job);
    int error = launch(&launcher, &job->proc, what, &command, now_ms,
                       &error_text);

    command_finish(&command);
    free(error_text);
    free(what);
    free(own);
    return error;
}

int
xendom_vif(struct domain *domain, const struct action *a,
           long long int now_ms)
{
    struct xen *xen = domain->env->xen;
    uint32_t own = domain->record.domid;
    int error;

    switch (a->type) {
    case ACT_VIF_CREATE:
        /* What the switch is to know comes before the vif does. */
        error = xen_vif_admit(xen, own, a->domid, a->devid, a->vif);
        return error ? error : start_job(domain, a, true, now_ms);
    case ACT_VIF_LIMITS:
        return xen_vif_limits(xen, own, a->domid, a->devid, a->vif);
    case ACT_VIF_OFFLINE:
        return start_job(domain, a, false, now_ms);
    default:
        return xen_vif_forget(xen, own, a->domid, a->devid);
    }
}

bool
xendom_vifs_run(struct domain *domain, long long int now_ms)
{
    bool changed = false;

    for (size_t i = domain->n_jobs; i-- > 0; ) {
        struct vif_job *job = domain->jobs[i];
        char *what = job_name(job);

        if (xendom_ended(domain, &job->proc, what, "vif.out", now_ms)) {
            changed = true;
            if (job->proc.error) {
                free(domain->vif_error);
                domain->vif_error = xstrdup(job->proc.error);
            }
        }
        free(what);

        /* One that failed is there until it may be tried again. */
        if (proc_state(&job->proc, now_ms) == PROC_NONE) {
            changed = true;
            remove_job(domain, i);
        }
    }
    return changed;
}

void
xendom_vifs_wait(const struct domain *domain)
{
    for (size_t i = 0; i < domain->n_jobs; i++) {
        proc_wait(&domain->jobs[i]->proc);
    }
}

void
xendom_vifs_close(struct domain *domain)
{
    while (domain->n_jobs) {
        remove_job(domain, 0);
    }
    free(domain->jobs);
}
