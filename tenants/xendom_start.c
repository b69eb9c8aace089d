#include <config.h>

#include "tenants/xendom.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tenants/file.h"
#include "tenants/slot.h"
#include "tenants/xen.h"
#include "tenants/xen_vif.h"
#include "timeval.h"
#include "util.h"

static uid_t
socat_uid(const struct domain *domain)
{
    return slot_relay_uid(domain->env, domain->record.slot);
}

static void
add_number(struct command *command, const char *option, uint64_t number)
{
    svec_add_nocopy(&command->argv,
                    xasprintf("--%s=%"PRIu64, option, number));
}

static void
add_text(struct command *command, const char *option, const char *text)
{
    svec_add_nocopy(&command->argv, xasprintf("--%s=%s", option, text));
}

/* Starts what makes the domain and looks after it. */
static int
start_life(struct domain *domain, long long int now_ms, char **errorp)
{
    const struct xen_settings *on_xen = &domain->env->on_xen;
    char *own = domain_path(domain->env, domain->name, NULL);
    struct launcher launcher;
    struct command command;

    command_init(&command, on_xen->domain_program, own);
    command.root = true;
    command.output = domain_path(domain->env, domain->name,
                                 "netdom-domain.out");
    svec_add(&command.argv, "netdom-domain");
    svec_add(&command.argv, "run");
    add_text(&command, "name", domain->xen_name);
    svec_add_nocopy(&command.argv,
                    xasprintf("--kernel=%s/vmlinuz", on_xen->image));
    svec_add_nocopy(&command.argv,
                    xasprintf("--ramdisk=%s/initramfs.cpio.xz", on_xen->image));
    add_text(&command, "measurement", on_xen->measurement);
    add_number(&command, "memory-mib", on_xen->memory_mib);
    add_number(&command, "vcpus", on_xen->n_vcpus);
    add_text(&command, "extra", "netdom.managed");
    if (domain->record.iface) {
        add_text(&command, "type", "hvm");
        add_text(&command, "pci", domain->record.iface);
        if (on_xen->serial) {
            svec_add_nocopy(&command.argv,
                            xasprintf("--serial=file:%s/%s.log", on_xen->serial,
                                      domain->xen_name));
        }
    }
    if (domain->record.domid) {
        add_number(&command, "domid", domain->record.domid);
    }
    xendom_launcher(domain, &launcher);

    int error = launch(&launcher, &domain->life, "domain", &command, now_ms,
                       errorp);

    command_finish(&command);
    free(own);
    return error;
}

/* What was said of vifs to a domain of another number says nothing to this
 * one. */
static int
begin_to_manage(struct domain *domain, uint32_t domid, char **errorp)
{
    struct xen *xen = domain->env->xen;
    struct launcher launcher;
    int error;

    if (domain->record.domid && domain->record.domid != domid) {
        xen_unmanage(xen, domain->record.domid);
    }
    domain->record.domid = domid;
    xendom_launcher(domain, &launcher);
    error = launch_save(&launcher, errorp);
    if (!error) {
        error = xen_manage(xen, domid);
        if (error) {
            *errorp = xasprintf("domain %s: %s", domain->xen_name,
                                ovs_strerror(-error));
        }
    }
    return error;
}

int
xendom_create(struct domain *domain, const char *vf, long long int now_ms,
              char **errorp)
{
    uint32_t domid = xendom_find(domain);
    struct launcher launcher;
    int error = 0;

    xendom_launcher(domain, &launcher);
    if (!domain->recorded) {
        error = slot_choose(domain->env, &domain->record);
        if (error) {
            *errorp = xasprintf("more than %d tenants on one host",
                                SLOTS_MAX);
            return error;
        }
        domain->record.cpu = -1;
        error = launch_save(&launcher, errorp);
        domain->recorded = !error;
    }
    if (!error) {
        error = launch_make_folders(&launcher, 0, socat_uid(domain), errorp);
    }
    if (!error && !domain->life.pid) {
        free(domain->record.iface);
        domain->record.iface = nullable_xstrdup(vf);
        error = start_life(domain, now_ms, errorp);
    } else if (!error && domid) {
        error = begin_to_manage(domain, domid, errorp);
    }
    return error;
}

int
xendom_destroy(struct domain *domain, char **errorp)
{
    char *own = domain_path(domain->env, domain->name, NULL);
    int error = 0;

    if (xendom_find(domain)) {
        /* Whatever looked after it is gone: another does, and is then told to
         * end it. */
        error = start_life(domain, time_msec(), errorp);
        if (!error) {
            *errorp = xasprintf("domain %s is still there", domain->xen_name);
            error = -EBUSY;
        }
        goto out;
    }
    if (domain->record.domid) {
        error = xen_unmanage(domain->env->xen, domain->record.domid);
    }
    if (!error) {
        error = file_remove_tree(own);
    }
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
    return error;
}

struct far_controller *
xendom_far(struct domain *domain, const char *target, bool make)
{
    struct far_controller *free_one = NULL;

    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        struct far_controller *far = &domain->far[i];

        if (text_equals(far->target, target)) {
            return far;
        }
        if (!far->target && !free_one) {
            free_one = far;
        }
    }
    if (!make || !free_one) {
        return NULL;
    }
    free_one->target = xstrdup(target);
    return free_one;
}

/* From dom0 on; netdom-relay comes to its socket. */
static int
start_far(struct domain *domain, const struct want_controller *c,
          long long int now_ms, char **errorp)
{
    struct far_controller *far = xendom_far(domain, c->target, true);

    if (!far) {
        *errorp = xasprintf("%s: no more than %d OpenFlow controllers can be "
                            "reached from a domain", c->target,
                            XENDOM_CONTROLLERS_MAX);
        return -ENOSPC;
    }

    char *own = domain_path(domain->env, domain->name, NULL);
    char *what = xasprintf("controller%d %s", (int) (far - domain->far),
                           far->target);
    struct launcher launcher;
    struct command command;

    command_init(&command, "/usr/bin/socat", own);
    command.uid = socat_uid(domain);
    command.output = domain_path(domain->env, domain->name,
                                 "relay/socat.out");
    command_relay(&command, far->socket, c->relay);
    xendom_launcher(domain, &launcher);

    int error = launch(&launcher, &far->proc, what, &command, now_ms, errorp);

    command_finish(&command);
    free(what);
    free(own);
    return error;
}

static int
start_relay(struct domain *domain, long long int now_ms, char **errorp)
{
    static const struct {
        const char *service, *leaf;
    } ways[] = {
        { "ovsdb", "db.sock" },
        { "openflow", "br0.mgmt" },
        { "control", "control.sock" },
    };
    char *own = domain_path(domain->env, domain->name, NULL);
    struct launcher launcher;
    struct command command;

    /* It maps the domain's memory, and needs to own its devices for that. */
    command_init(&command, domain->env->on_xen.relay_program, own);
    command.root = command.bare = true;
    command.output = domain_path(domain->env, domain->name,
                                 "netdom-relay.out");
    svec_add(&command.argv, "netdom-relay");
    add_number(&command, "domid", domain->record.domid);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        svec_add_nocopy(&command.argv,
                        xasprintf("--listen=%s:%s/%s", ways[i].service, own,
                                  ways[i].leaf));
    }
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        svec_add_nocopy(&command.argv,
                        xasprintf("--connect=controller%"PRIuSIZE":%s", i,
                                  domain->far[i].socket));
    }
    xendom_launcher(domain, &launcher);

    domain->relay_domid = domain->record.domid;

    int error = launch(&launcher, &domain->relay, "relay", &command, now_ms,
                       errorp);

    command_finish(&command);
    free(own);
    return error;
}

int
xendom_start(struct domain *domain, enum domain_proc kind,
             const struct want_controller *controller, long long int now_ms,
             char **errorp)
{
    if (kind == DOMAIN_DB) {
        return start_relay(domain, now_ms, errorp);
    }
    if (kind == DOMAIN_RELAY) {
        return start_far(domain, controller, now_ms, errorp);
    }
    return 0;                           /* The domain starts its switch. */
}
