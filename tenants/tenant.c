#include <config.h>

#include "tenants/tenant.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "socket-util.h"
#include "tenants/counters.h"
#include "tenants/driver.h"
#include "tenants/ovsconf.h"
#include "tenants/pf.h"
#include "tenants/plan.h"
#include "tenants/tenant_apply.h"
#include "tenants/xen.h"
#include "tenants/xen_limits.h"
#include "tenants/xen_vif.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(tenant);

#define CLOSE_MS 2000                   /* A vif's time to close. */
#define ROUND_MS 5                      /* Between plans that do things, */
#define ROUNDS_QUICK 40                 /* this many times, then: */
#define ROUND_SLOW_MS 500
#define POLL_MS 5000                    /* Look without being told to. */
#define POLL_MISSING_MS 1000            /* An interface may come. */
#define POLL_PER_TENANT_MS 20
#define PROBE_MS 50
#define PF_AGAIN_MS 30000               /* Its link may be up by then. */

static const char *
name_of_port(const void *tenant_, const char *port)
{
    const struct tenant *tenant = tenant_;
    unsigned int domid, devid;
    int n = 0;

    if (!tenant->want || sscanf(port, "vif%u.%u%n", &domid, &devid, &n) != 2
        || port[n]) {
        return NULL;
    }
    for (size_t i = 0; i < tenant->want->n_vifs; i++) {
        const struct want_vif *vif = &tenant->want->vifs[i];

        if (vif->devid == devid
            && guests_find(xen_guests(tenant->env->xen), vif->guest)
               == domid) {
            return vif->name;
        }
    }
    return NULL;
}

static bool
vif_lives(const void *tenant_, const char *name)
{
    const struct tenant *tenant = tenant_;

    for (size_t i = 0; tenant->want && i < tenant->want->n_vifs; i++) {
        if (!strcmp(tenant->want->vifs[i].name, name)) {
            return true;
        }
    }
    return false;
}

struct tenant *
tenant_create(const struct domain_driver *driver, struct driver_env *env,
              const char *name)
{
    struct tenant *tenant = xzalloc(sizeof *tenant);

    tenant->name = xstrdup(name);
    tenant->driver = driver;
    tenant->env = env;
    tenant->domain = driver->open(env, name);
    tenant->counters = counters_create(name_of_port, tenant);
    tenant->have = have_tenant_create(name);
    tenant->dirty = true;
    backoff_init(&tenant->backoff);
    return tenant;
}

void
tenant_destroy(struct tenant *tenant)
{
    if (!tenant) {
        return;
    }
    if (tenant->watched) {
        xen_unwatch(tenant->env->xen, tenant->watched);
    }
    ovsconf_destroy(tenant->conf);
    counters_destroy(tenant->counters);
    tenant->driver->close(tenant->domain);
    want_tenant_destroy(tenant->want);
    have_tenant_destroy(tenant->have);
    free(tenant->closing);
    free(tenant->error);
    free(tenant->pf_error);
    free(tenant->name);
    free(tenant);
}

void
tenant_set_want(struct tenant *tenant, const struct want_tenant *want)
{
    if (want && tenant->want && want_tenant_equals(want, tenant->want)) {
        return;
    }
    want_tenant_destroy(tenant->want);
    tenant->want = want ? want_tenant_clone(want) : NULL;
    counters_prune(tenant->counters, vif_lives);

    /* A new wish deserves a new try at once. */
    backoff_init(&tenant->backoff);
    tenant_touch(tenant);
}

void
tenant_touch(struct tenant *tenant)
{
    tenant->dirty = true;
    tenant->n_rounds = 0;
}

static struct closing_vif *
find_closing(const struct tenant *tenant, uint32_t domid, uint32_t devid)
{
    for (size_t i = 0; i < tenant->n_closing; i++) {
        if (tenant->closing[i].domid == domid
            && tenant->closing[i].devid == devid) {
            return &tenant->closing[i];
        }
    }
    return NULL;
}

/* Gives up on backends that do not close, and remembers since when each is
 * waited for. */
static void
note_closing(struct tenant *tenant, struct have_tenant *have,
             long long int now_ms)
{
    struct closing_vif *closing = xcalloc(have->n_vifs, sizeof *closing);
    size_t n = 0;

    for (size_t i = 0; i < have->n_vifs; i++) {
        struct have_vif *vif = &have->vifs[i];

        if (!vif->backend || vif->online) {
            continue;
        }

        const struct closing_vif *old = find_closing(tenant, vif->domid,
                                                     vif->devid);
        closing[n].domid = vif->domid;
        closing[n].devid = vif->devid;
        closing[n].since_ms = old ? old->since_ms : now_ms;
        vif->closed |= now_ms - closing[n].since_ms >= CLOSE_MS;
        n++;
    }
    free(tenant->closing);
    tenant->closing = closing;
    tenant->n_closing = n;
}

static void
watch(struct tenant *tenant, uint32_t domid)
{
    if (tenant->watched != domid) {
        if (tenant->watched) {
            xen_unwatch(tenant->env->xen, tenant->watched);
        }
        tenant->watched = domid;
        if (domid) {
            xen_watch(tenant->env->xen, domid);
        }
    }
}

static void
look_at_pf(const struct tenant *tenant, struct have_tenant *have,
           long long int now_ms)
{
    const char *vf = tenant->want ? tenant->want->iface : NULL;
    char *ignored = NULL;

    if (vf && vf_is_pci(vf)) {
        have->pf_known = !pf_read(vf, &have->pf, &ignored);
        free(ignored);
    }
    if (now_ms - tenant->pf_refused_ms < PF_AGAIN_MS) {
        have->pf_refused = tenant->pf_refused;
    }
}

static void
look(struct tenant *tenant, long long int now_ms)
{
    struct have_tenant *have = have_tenant_create(tenant->name);
    struct xen *xen = tenant->env->xen;

    have->xen_up = xen_is_up(xen);
    tenant->driver->observe(tenant->domain,
                            tenant->want ? tenant->want->iface : NULL,
                            now_ms, have);
    look_at_pf(tenant, have, now_ms);
    if (have->xen_up && have->domid && !have->stale) {
        /* The watch first, so that nothing falls between. */
        watch(tenant, have->domid);
        if (xen_vifs_observe(xen, have->domid, &have->vifs,
                             &have->n_vifs)
            || xen_shared_observe(xen_xs(xen), have->domid, &have->groups,
                                  &have->n_groups)) {
            have->xen_up = false;
        }
    }
    if (have->xen_up) {
        tenant->driver->observe_vifs(tenant->domain, have);
        note_closing(tenant, have, now_ms);
    }
    if (have->db != PROC_RUNNING && tenant->conf) {
        ovsconf_destroy(tenant->conf);
        tenant->conf = NULL;
    }
    if (tenant->conf) {
        ovsconf_observe(tenant->conf, have);
    }
    have_tenant_destroy(tenant->have);
    tenant->have = have;
}

static void
make_plan(const struct tenant *tenant, struct plan *plan)
{
    plan_init(plan);
    plan_tenant(tenant->have, tenant->want, xen_guests(tenant->env->xen),
                plan);
}

static void
log_plan(const struct tenant *tenant, const struct plan *plan)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    plan_format(plan, tenant->name, &ds);
    for (char *save = NULL, *line = strtok_r(ds_cstr(&ds), "\n", &save);
         line; line = strtok_r(NULL, "\n", &save)) {
        VLOG_INFO("plan: %s", line);
    }
    ds_destroy(&ds);
}

static void
work(struct tenant *tenant, long long int now_ms, size_t n_tenants)
{
    struct plan plan;

    tenant->dirty = false;
    look(tenant, now_ms);
    make_plan(tenant, &plan);
    tenant->idle = !plan.n_actions;
    if (tenant->idle) {
        if (!tenant->looked && tenant->want) {
            VLOG_INFO("plan: %s: nothing to do", tenant->name);
        }
        tenant->n_rounds = 0;
        free(tenant->error);
        tenant->error = NULL;
    } else if (backoff_ready(&tenant->backoff, now_ms)) {
        log_plan(tenant, &plan);

        char *error = tenant_apply(tenant, &plan, now_ms);
        if (error) {
            if (!text_equals(error, tenant->error)) {
                VLOG_WARN("%s: %s", tenant->name, error);
            }
            backoff_died(&tenant->backoff, now_ms);
        } else {
            backoff_init(&tenant->backoff);
        }
        free(tenant->error);
        tenant->error = error;
        tenant->dirty = true;
        tenant->n_rounds++;
    } else {
        tenant->dirty = true;
    }
    plan_finish(&plan);
    tenant->looked = true;

    bool missing = tenant->want && tenant->want->iface
                   && tenant->have->place == IFACE_NOWHERE;
    tenant->look_ms = now_ms + (tenant->n_rounds < ROUNDS_QUICK
                                ? ROUND_MS : ROUND_SLOW_MS);
    if (tenant->backoff.ready_ms > tenant->look_ms) {
        tenant->look_ms = tenant->backoff.ready_ms;
    }
    tenant->poll_ms = now_ms + (missing ? POLL_MISSING_MS : POLL_MS)
                      + (long long int) n_tenants * POLL_PER_TENANT_MS;
    for (size_t i = 0; i < tenant->n_closing; i++) {
        long long int end_ms = tenant->closing[i].since_ms + CLOSE_MS;

        if (end_ms > now_ms) {
            tenant->poll_ms = MIN(tenant->poll_ms, end_ms);
        }
    }
}

/* Connects to the tenant's database as soon as that listens. */
static void
probe_db(struct tenant *tenant, long long int now_ms)
{
    if (tenant->conf || tenant->have->db != PROC_RUNNING
        || now_ms < tenant->probe_ms) {
        return;
    }
    tenant->probe_ms = now_ms + PROBE_MS;

    char *path = domain_path(tenant->env, tenant->name, "db.sock");
    int fd = make_unix_socket(SOCK_STREAM, true, NULL, path);

    if (fd >= 0) {
        close(fd);
        tenant->conf = ovsconf_create(path, tenant->name);
    }
    free(path);
}

static bool
anything_held(const struct have_tenant *have)
{
    bool held = have->db == PROC_HELD || have->vswitch == PROC_HELD;

    for (size_t i = 0; i < have->n_relays; i++) {
        held |= have->relays[i].state == PROC_HELD;
    }
    return held;
}

/* A switch is up once it has taken up its configuration, and stays so while
 * that changes, until it dies.  Returns true if that is news. */
static bool
note_up(struct tenant *tenant)
{
    const struct have_tenant *have = tenant->have;
    bool was_up = tenant->up;

    if (!have->domain || have->vswitch != PROC_RUNNING) {
        tenant->up = false;
    } else if (tenant->conf && ovsconf_is_settled(tenant->conf)) {
        tenant->up = true;
    }
    tenant->ran |= tenant->up;
    return tenant->up != was_up;
}

bool
tenant_run(struct tenant *tenant, long long int now_ms, size_t n_tenants)
{
    if (tenant->driver->run(tenant->domain, now_ms)) {
        tenant_touch(tenant);
    }
    probe_db(tenant, now_ms);
    if (tenant->conf && ovsconf_run(tenant->conf)) {
        tenant->dirty = true;
    }

    bool changed = false;
    if ((tenant->dirty || now_ms >= tenant->poll_ms
         || anything_held(tenant->have)) && now_ms >= tenant->look_ms) {
        work(tenant, now_ms, n_tenants);
        changed = true;
    }
    changed |= note_up(tenant);

    unsigned int n_deaths;
    pid_t pid = tenant->driver->switch_pid(tenant->domain, &n_deaths);
    char *control = tenant->driver->control(tenant->domain);

    counters_run(tenant->counters, control, pid, now_ms);
    free(control);
    return changed;
}

void
tenant_wait(struct tenant *tenant)
{
    tenant->driver->wait(tenant->domain);
    counters_wait(tenant->counters);
    if (tenant->conf) {
        ovsconf_wait(tenant->conf);
    } else if (tenant->have->db == PROC_RUNNING) {
        poll_timer_wait_until(tenant->probe_ms);
    }
    poll_timer_wait_until(tenant->dirty ? tenant->look_ms
                                        : tenant->poll_ms);
}

bool
tenant_is_gone(const struct tenant *tenant)
{
    return !tenant->want && !tenant->dirty && tenant->idle
           && !tenant->have->remains;
}

bool
tenant_is_applied(const struct tenant *tenant)
{
    if (!tenant->want) {
        return tenant_is_gone(tenant);
    }
    return tenant->error || tenant->have->failing
           || (!tenant->dirty && tenant->idle && tenant->up
               && !have_release_pending(tenant->have)
               && tenant->conf && ovsconf_is_settled(tenant->conf));
}
