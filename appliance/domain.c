/* netdom-domain: makes, ends and makes anew a tenant's domain on Xen, through
 * libxl.  What it boots is what it measured; a domain that is made anew keeps its
 * number, and with it its guests' rings. */

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <libxl.h>
#include <libxl_utils.h>
#include <xenstore.h>

#include "appliance/handover.h"
#include "appliance/measured.h"

#define MEMORY_MIB 256
#define MEMORY_MAX_MIB 1048576
#define VCPUS_MAX 64                    /* As many as there are PMD cores. */

enum { DONE, REFUSED, USAGE };

struct options {
    const char *name, *kernel, *ramdisk, *measurement, *extra, *pci, *type,
               *serial;
    unsigned int domid, memory_mib, n_vcpus;
    bool has_domid;
};

static const char usage[] =
    "netdom-domain: a tenant's domain on Xen\n"
    "usage: netdom-domain create --name=NAME --kernel=FILE --ramdisk=FILE\n"
    "                            [OPTION]...\n"
    "       netdom-domain recreate --domid=N --name=NAME --kernel=FILE\n"
    "                              --ramdisk=FILE [OPTION]...\n"
    "       netdom-domain destroy --domid=N\n"
    "       netdom-domain measure --kernel=FILE --ramdisk=FILE\n\n"
    "create prints the new domain's number.  recreate destroys a domain and\n"
    "makes it anew with its number; its guests stay connected, and the new\n"
    "domain goes on with their rings.  measure prints what --measurement has\n"
    "to be, which tools/make-appliance prints as well.\n\n"
    "  --measurement=SHA256  refuse to boot anything else\n"
    "  --memory-mib=N        memory (default: 256)\n"
    "  --vcpus=N             virtual processors, each with a polling thread\n"
    "                        (default: 1)\n"
    "  --type=pv|pvh|hvm     kind of domain (default: pv)\n"
    "  --pci=DDDD:BB:DD.F    a VF that it owns; dom0 must have made it\n"
    "                        assignable (xl pci-assignable-add)\n"
    "  --serial=WHERE        where the console of an HVM domain goes, as in\n"
    "                        xl.cfg(5) (default: pty)\n"
    "  --extra=TEXT          more of the kernel's command line\n"
    "  --help\n\n"
    "Exit status: 0, done; 1, Xen refused it, or it was measured as something\n"
    "else; 2, its options make no sense.\n";

static int
refuse(const char *what, const char *why)
{
    fprintf(stderr, "netdom-domain: %s: %s\n", what, why);
    return REFUSED;
}

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

static int
destroy(libxl_ctx *ctx, unsigned int domid)
{
    return (libxl_domain_destroy(ctx, domid, NULL)
            ? refuse("destroy", "Xen does not destroy the domain") : DONE);
}

/* Makes the domain, and runs it; with its old number, its guests' vifs are
 * handed over in between. */
static int
create(libxl_ctx *ctx, const struct options *o, const struct measured *m)
{
    libxl_domain_config c;
    uint32_t domid = 0;
    unsigned int n_vifs = 0;
    int status = DONE;

    if (!configure(ctx, &c, o, m)) {
        fprintf(stderr, "netdom-domain: --type or --pci makes no sense; "
                "--help says more\n");
        status = USAGE;
    } else if (libxl_domain_create_new(ctx, &c, &domid, NULL, NULL)) {
        status = refuse("create", "Xen does not make the domain");
    } else if (o->has_domid) {
        struct xs_handle *xs = xs_open(0);
        int error = xs ? handover_vifs(xs, domid, &n_vifs) : -errno;

        if (error) {
            status = refuse("hand over vifs", strerror(-error));
        }
        xs_close(xs);
    }
    if (status == DONE && libxl_domain_unpause(ctx, domid, NULL)) {
        status = refuse("unpause", "Xen does not run the domain");
    }
    libxl_domain_config_dispose(&c);
    if (status == DONE) {
        printf("%u\n", domid);
        if (o->has_domid) {
            fprintf(stderr, "netdom-domain: %u vifs handed over\n", n_vifs);
        }
    }
    return status;
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

/* With a Xen to speak with: what is not "measure". */
static int
run_with_xen(const char *command, const struct options *o,
             const struct measured *m)
{
    xentoollog_logger_stdiostream *log
        = xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    int status = DONE;
    libxl_ctx *ctx;

    /* The number may be used again in the next second. */
    setenv("LIBXL_DOMID_REUSE_TIMEOUT", "0", 1);
    if (!log || libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0,
                                (xentoollog_logger *) log)) {
        return refuse("libxl", "there is no Xen to speak with");
    }
    if (o->has_domid) {
        status = destroy(ctx, o->domid);
    }
    if (status == DONE && strcmp(command, "destroy")) {
        if (o->has_domid) {
            wait_next_second();
        }
        status = create(ctx, o, m);
    }
    libxl_ctx_free(ctx);
    return status;
}

static int
run(const char *command, const struct options *o)
{
    struct measured m;
    const char *which;
    int status = DONE;

    if (!strcmp(command, "destroy")) {
        return run_with_xen(command, o, NULL);
    }

    int error = measured_open(&m, o->kernel, o->ramdisk, &which);
    if (error) {
        return refuse(which, strerror(-error));
    }
    if (!strcmp(command, "measure")) {
        puts(m.measurement);
    } else if (o->measurement && strcasecmp(m.measurement, o->measurement)) {
        fprintf(stderr, "netdom-domain: measured %s, not %s: nothing was "
                "booted\n", m.measurement, o->measurement);
        status = REFUSED;
    } else {
        status = run_with_xen(command, o, &m);
    }
    measured_close(&m);
    return status;
}

static bool
parse_number(const char *text, unsigned int max, unsigned int *n)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    *n = value;
    return !errno && *text >= '0' && *text <= '9' && !*end && value <= max;
}

static bool
makes_sense(const char *command, const struct options *o)
{
    bool has_files = o->kernel && o->ramdisk;

    return (!strcmp(command, "create") ? o->name && has_files && !o->has_domid
            : !strcmp(command, "recreate") ? o->name && has_files
                                             && o->has_domid
            : !strcmp(command, "destroy") ? o->has_domid
            : !strcmp(command, "measure") && has_files);
}

int
main(int argc, char *argv[])
{
    enum { NAME = 1, KERNEL, RAMDISK, MEASUREMENT, DOMID, MEMORY, VCPUS,
           TYPE, PCI, SERIAL, EXTRA, HELP };
    static const struct option long_options[] = {
        { "name", required_argument, NULL, NAME },
        { "kernel", required_argument, NULL, KERNEL },
        { "ramdisk", required_argument, NULL, RAMDISK },
        { "measurement", required_argument, NULL, MEASUREMENT },
        { "domid", required_argument, NULL, DOMID },
        { "memory-mib", required_argument, NULL, MEMORY },
        { "vcpus", required_argument, NULL, VCPUS },
        { "type", required_argument, NULL, TYPE },
        { "pci", required_argument, NULL, PCI },
        { "serial", required_argument, NULL, SERIAL },
        { "extra", required_argument, NULL, EXTRA },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    struct options o = { .memory_mib = MEMORY_MIB, .n_vcpus = 1, .type = "pv",
                         .serial = "pty", .extra = "" };
    bool ok = true;
    int c;

    while (ok && (c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case NAME: o.name = optarg; break;
        case KERNEL: o.kernel = optarg; break;
        case RAMDISK: o.ramdisk = optarg; break;
        case MEASUREMENT: o.measurement = optarg; break;
        case DOMID:
            /* 0 is dom0, and from 32752 on numbers mean something else. */
            ok = parse_number(optarg, 32751, &o.domid) && o.domid;
            o.has_domid = true;
            break;
        case MEMORY:
            ok = parse_number(optarg, MEMORY_MAX_MIB, &o.memory_mib)
                 && o.memory_mib;
            break;
        case VCPUS:
            ok = parse_number(optarg, VCPUS_MAX, &o.n_vcpus) && o.n_vcpus;
            break;
        case TYPE: o.type = optarg; break;
        case PCI: o.pci = optarg; break;
        case SERIAL: o.serial = optarg; break;
        case EXTRA: o.extra = optarg; break;
        case HELP: fputs(usage, stdout); return DONE;
        default: ok = false;
        }
    }
    if (!ok || optind != argc - 1 || !makes_sense(argv[optind], &o)) {
        fputs("netdom-domain: that makes no sense; --help says more\n",
              stderr);
        return USAGE;
    }
    return run(argv[optind], &o);
}
