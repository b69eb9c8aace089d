#include "appliance/domain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libxl_utils.h>
#include <xenstore.h>

#include "appliance/handover.h"
#include "appliance/measured.h"

static bool
parse_pci(const char *text, libxl_device_pci *pci)
{
    unsigned int domain, bus, dev, func;
    char rest;

    if (sscanf(text, "%4x:%2x:%2x.%1u%c", &domain, &bus, &dev, &func,
               &rest) != 4) {
        return false;
    }
    libxl_device_pci_init(pci);
    pci->domain = domain;
    pci->bus = bus;
    pci->dev = dev;
    pci->func = func;
    return true;
}

static bool
parse_type(const char *text, libxl_domain_type *type)
{
    *type = (!strcmp(text, "pv") ? LIBXL_DOMAIN_TYPE_PV
             : !strcmp(text, "pvh") ? LIBXL_DOMAIN_TYPE_PVH
             : !strcmp(text, "hvm") ? LIBXL_DOMAIN_TYPE_HVM
             : LIBXL_DOMAIN_TYPE_INVALID);
    return *type != LIBXL_DOMAIN_TYPE_INVALID;
}

/* Where others than we find our file, too: a device model is a process of its
 * own. */
static char *
fd_path(int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int) getpid(), fd);
    return strdup(path);
}

/* An HVM domain of which nothing is seen. */
static void
hide(libxl_domain_build_info *b, const char *serial)
{
    b->u.hvm.vga.kind = LIBXL_VGA_INTERFACE_TYPE_NONE;
    libxl_defbool_set(&b->u.hvm.nographic, true);
    libxl_defbool_set(&b->u.hvm.vnc.enable, false);
    libxl_defbool_set(&b->u.hvm.sdl.enable, false);
    libxl_defbool_set(&b->u.hvm.usb, false);
    b->u.hvm.serial = strdup(serial);
}

static bool
configure(libxl_ctx *ctx, libxl_domain_config *c, const struct options *o,
          const struct measured *m)
{
    libxl_domain_type type;
    char line[1024];

    libxl_domain_config_init(c);
    if (!parse_type(o->type, &type)) {
        return false;
    }
    c->c_info.type = type;
    c->c_info.name = strdup(o->name);
    libxl_uuid_generate(&c->c_info.uuid);
    libxl_defbool_set(&c->c_info.driver_domain, true);
    if (o->has_domid) {
        c->c_info.domid = o->domid;
    }
    libxl_domain_build_info_init_type(&c->b_info, type);
    c->b_info.max_vcpus = o->n_vcpus;
    if (libxl_cpu_bitmap_alloc(ctx, &c->b_info.avail_vcpus, o->n_vcpus)) {
        return false;
    }
    libxl_bitmap_set_any(&c->b_info.avail_vcpus);
    /* A polling thread reads the TSC in each turn; the domain stays on its
     * host. */
    c->b_info.tsc_mode = LIBXL_TSC_MODE_NATIVE;
    c->b_info.max_memkb = c->b_info.target_memkb = o->memory_mib * 1024ull;
    c->b_info.kernel = fd_path(m->kernel_fd);
    c->b_info.ramdisk = fd_path(m->initramfs_fd);
    snprintf(line, sizeof line, "console=%s quiet net.ifnames=0 panic=5 %s",
             type == LIBXL_DOMAIN_TYPE_HVM ? "ttyS0" : "hvc0", o->extra);
    c->b_info.cmdline = strdup(line);
    if (type == LIBXL_DOMAIN_TYPE_HVM) {
        hide(&c->b_info, o->serial);
    }
    if (o->pci) {
        c->pcidevs = calloc(1, sizeof *c->pcidevs);
        c->num_pcidevs = 1;
        if (!c->pcidevs || !parse_pci(o->pci, c->pcidevs)) {
            return false;
        }
    }
    /* Whoever made it looks after it. */
    c->on_poweroff = c->on_reboot = c->on_crash = c->on_watchdog
        = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
    return true;
}

int
domain_destroy(libxl_ctx *ctx, unsigned int domid)
{
    return (libxl_domain_destroy(ctx, domid, NULL)
            ? domain_refuse("destroy", "Xen does not destroy the domain")
            : DONE);
}

/* Of the clock by which libxl judges when a number was used last; it counts
 * whole seconds. */
static void
wait_next_second(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    until.tv_nsec = 0;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
           == EINTR) {
        continue;
    }
}

/* What is left to do once it is there; half of it is worse than nothing. */
static int
begin(libxl_ctx *ctx, const struct options *o, uint32_t domid,
      unsigned int *n_vifs)
{
    int status = DONE;

    if (o->has_domid) {
        struct xs_handle *xs = xs_open(0);
        int error = xs ? handover_vifs(xs, domid, n_vifs) : -errno;

        if (error) {
            status = domain_refuse("hand over vifs", strerror(-error));
        }
        if (xs) {
            xs_close(xs);
        }
    }
    if (status == DONE && libxl_domain_unpause(ctx, domid, NULL)) {
        status = domain_refuse("unpause", "Xen does not run the domain");
    }
    if (status) {
        domain_destroy(ctx, domid);
    }
    return status;
}

int
domain_create(libxl_ctx *ctx, const struct options *o,
              const struct measured *m, uint32_t *domidp)
{
    libxl_domain_config c;
    uint32_t domid = 0;
    unsigned int n_vifs = 0;
    int status = DONE;

    if (o->has_domid) {
        wait_next_second();
    }
    if (!configure(ctx, &c, o, m)) {
        fprintf(stderr, "netdom-domain: --type or --pci makes no sense; "
                "--help says more\n");
        status = USAGE;
    } else if (c.num_pcidevs
               && libxl_device_pci_assignable_add(ctx, c.pcidevs, 0)) {
        status = domain_refuse(o->pci, "dom0 does not let go of it");
    } else if (libxl_domain_create_new(ctx, &c, &domid, NULL, NULL)) {
        status = domain_refuse("create", "Xen does not make the domain");
    } else {
        status = begin(ctx, o, domid, &n_vifs);
    }
    libxl_domain_config_dispose(&c);
    if (status == DONE) {
        *domidp = domid;
        printf("%u\n", domid);
        fflush(stdout);
        if (o->has_domid) {
            fprintf(stderr, "netdom-domain: %u vifs handed over\n", n_vifs);
        }
    }
    return status;
}
