/* netdom-domain: makes, watches and ends tenants' domains on Xen, and attaches
 * guests' vifs to them, through libxl.  What it boots is what it measured; a
 * domain that is made anew keeps its number, and with it its guests' rings. */

#include "appliance/domain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "appliance/measured.h"

#define MEMORY_MIB 256
#define MEMORY_MAX_MIB 1048576
#define VCPUS_MAX 64                    /* As many as there are PMD cores. */
#define MTU 1500
/* 0 is dom0, and numbers above this one mean something else. */
#define DOMID_MAX 32751

static const char usage[] =
    "netdom-domain: a tenant's domain on Xen\n"
    "usage: netdom-domain create --name=NAME --kernel=FILE --ramdisk=FILE\n"
    "                            [OPTION]...\n"
    "       netdom-domain recreate --domid=N --name=NAME --kernel=FILE\n"
    "                              --ramdisk=FILE [OPTION]...\n"
    "       netdom-domain run [--domid=N] --name=NAME --kernel=FILE\n"
    "                         --ramdisk=FILE [OPTION]...\n"
    "       netdom-domain destroy --domid=N\n"
    "       netdom-domain measure --kernel=FILE --ramdisk=FILE\n"
    "       netdom-domain vif-add --domid=N --guest=N --devid=N --mac=MAC\n"
    "                             [--mtu=BYTES]\n"
    "       netdom-domain vif-remove --domid=N --guest=N --devid=N\n\n"
    "create prints the new domain's number.  recreate destroys a domain and\n"
    "makes it anew with its number; its guests stay connected, and the new\n"
    "domain goes on with their rings.  run goes on with the domain of that\n"
    "name, or makes it (with the number that it had, --domid), and stays: until\n"
    "the domain ends, or until SIGTERM, which destroys it.  measure prints what\n"
    "--measurement has to be, which tools/make-appliance prints as well.\n"
    "vif-add attaches a vif to a running guest whose backend is domain N;\n"
    "vif-remove detaches it.\n\n"
    "  --measurement=SHA256  refuse to boot anything else\n"
    "  --memory-mib=N        memory (default: 256)\n"
    "  --vcpus=N             virtual processors, each with a polling thread\n"
    "                        (default: 1)\n"
    "  --type=pv|pvh|hvm     kind of domain (default: pv)\n"
    "  --pci=DDDD:BB:DD.F    a VF that it owns; dom0 is made to let go of it\n"
    "  --serial=WHERE        where the console of an HVM domain goes, as in\n"
    "                        xl.cfg(5) (default: pty)\n"
    "  --extra=TEXT          more of the kernel's command line\n"
    "  --help\n\n"
    "Exit status: 0, done; 1, Xen refused it, or it was measured as something\n"
    "else, or (run) the domain ended by itself; 2, its options make no\n"
    "sense.\n";

int
domain_refuse(const char *what, const char *why)
{
    fprintf(stderr, "netdom-domain: %s: %s\n", what, why);
    return REFUSED;
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
        return domain_refuse("libxl", "there is no Xen to speak with");
    }
    if (!strcmp(command, "run")) {
        status = domain_run(ctx, o, m);
    } else if (!strcmp(command, "vif-add")) {
        status = domain_vif_add(ctx, o);
    } else if (!strcmp(command, "vif-remove")) {
        status = domain_vif_remove(ctx, o);
    } else {
        uint32_t domid;

        if (o->has_domid) {
            status = domain_destroy(ctx, o->domid);
        }
        if (status == DONE && strcmp(command, "destroy")) {
            status = domain_create(ctx, o, m, &domid);
        }
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

    if (!o->kernel) {
        return run_with_xen(command, o, NULL);
    }

    int error = measured_open(&m, o->kernel, o->ramdisk, &which);
    if (error) {
        return domain_refuse(which, strerror(-error));
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
    bool has_vif = o->has_domid && o->guest && o->has_devid && !o->kernel;

    return (!strcmp(command, "create") ? o->name && has_files && !o->has_domid
            : !strcmp(command, "recreate") ? o->name && has_files
                                             && o->has_domid
            : !strcmp(command, "run") ? o->name && has_files
            : !strcmp(command, "destroy") ? o->has_domid && !o->kernel
            : !strcmp(command, "vif-add") ? has_vif && o->mac
            : !strcmp(command, "vif-remove") ? has_vif
            : !strcmp(command, "measure") && has_files);
}

int
main(int argc, char *argv[])
{
    enum { NAME = 1, KERNEL, RAMDISK, MEASUREMENT, DOMID, MEMORY, VCPUS,
           TYPE, PCI, SERIAL, EXTRA, GUEST, DEVID, MAC, MTU_BYTES, HELP };
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
        { "guest", required_argument, NULL, GUEST },
        { "devid", required_argument, NULL, DEVID },
        { "mac", required_argument, NULL, MAC },
        { "mtu", required_argument, NULL, MTU_BYTES },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    struct options o = { .memory_mib = MEMORY_MIB, .n_vcpus = 1, .type = "pv",
                         .serial = "pty", .extra = "", .mtu = MTU };
    bool ok = true;
    int c;

    while (ok && (c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case NAME: o.name = optarg; break;
        case KERNEL: o.kernel = optarg; break;
        case RAMDISK: o.ramdisk = optarg; break;
        case MEASUREMENT: o.measurement = optarg; break;
        case DOMID:
            ok = parse_number(optarg, DOMID_MAX, &o.domid) && o.domid;
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
        case GUEST:
            ok = parse_number(optarg, DOMID_MAX, &o.guest) && o.guest;
            break;
        case DEVID:
            ok = o.has_devid = parse_number(optarg, 65535, &o.devid);
            break;
        case MAC: o.mac = optarg; break;
        case MTU_BYTES:
            ok = parse_number(optarg, 65535, &o.mtu) && o.mtu >= 68;
            break;
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
