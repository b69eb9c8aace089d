#include <config.h>

#include "tenants/options_complete.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenants/controller.h"
#include "tenants/options.h"
#include "util.h"

#define CPU_MAX 64                      /* As far as a mask reaches. */

/* Adds cores FIRST to LAST that this process may use. */
static void
add_cpus(const char *text, int first, int last, struct controller_config *c)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed)) {
        options_refuse("cannot tell which cores there are: %s",
                       ovs_strerror(errno));
    }
    for (int cpu = first; cpu <= last; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            c->cpus[c->n_cpus++] = cpu;
        } else if (text) {
            options_refuse("--cpus=%s: there is no core %d for this program",
                           text, cpu);
        }
        if (c->n_cpus >= CPU_MAX) {
            return;
        }
    }
}

/* "1-3,6" or null for all. */
static void
parse_cpus(const char *text, struct controller_config *c)
{
    c->cpus = xcalloc(CPU_MAX, sizeof *c->cpus);
    if (!text) {
        add_cpus(NULL, 0, CPU_MAX - 1, c);
        return;
    }

    char *copy = xstrdup(text), *save = NULL;
    for (char *part = strtok_r(copy, ",", &save); part;
         part = strtok_r(NULL, ",", &save)) {
        char *dash = strchr(part, '-');
        int first, last;

        if (dash) {
            *dash++ = '\0';
        }
        if (!str_to_int(part, 10, &first)
            || !str_to_int(dash ? dash : part, 10, &last)
            || first < 0 || last < first || last >= CPU_MAX) {
            options_refuse("--cpus=%s: write core numbers below %d, such as "
                           "1-3,6", text, CPU_MAX);
        }
        add_cpus(text, first, last, c);
    }
    free(copy);
    if (!c->n_cpus) {
        options_refuse("--cpus=%s: names no core", text);
    }
}

/* Path of 'program', which lies beside this one: installed, in one of the
 * folders for programs, or in the build tree.  Null if it is not there. */
static char *
find_program(const char *program)
{
    static const char *const places[] = {
        ".", "../netdom", "../sbin", "../appliance", "../libexec/netdom",
    };
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n <= 0) {
        return NULL;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        char *path = xasprintf("%s/%s/%s", self, places[i], program);

        if (!access(path, X_OK)) {
            return path;
        }
        free(path);
    }
    return NULL;
}

static char *
host_name(void)
{
    char name[65] = "";

    if (gethostname(name, sizeof name - 1) || !name[0]) {
        options_refuse("this host has no name: give one with --host=NAME");
    }
    return xstrdup(name);
}

static void
complete_local(const struct options *o, struct controller_config *config)
{
    config->vswitchd = o->vswitchd ? o->vswitchd
                                   : find_program("netdom-vswitchd");
    if (!config->vswitchd) {
        options_refuse("netdom-vswitchd is not beside this program: say where "
                       "with --vswitchd=PATH");
    }
    if (access(config->vswitchd, X_OK)) {
        options_refuse("--vswitchd=%s: %s", config->vswitchd,
                       ovs_strerror(errno));
    }
}

static unsigned int
number_of(const char *option, const char *text, unsigned int otherwise,
          unsigned int max)
{
    unsigned int value = otherwise;

    if (text && (!str_to_uint(text, 10, &value) || !value || value > max)) {
        options_refuse("--%s=%s: must be a number from 1 to %u", option, text,
                       max);
    }
    return value;
}

static void
complete_xen(const struct options *o, struct controller_config *config)
{
    config->xen = true;
    config->on_xen.domain_program = find_program("netdom-domain");
    config->on_xen.relay_program = find_program("netdom-relay");
    if (!config->on_xen.domain_program || !config->on_xen.relay_program) {
        options_refuse("netdom-domain and netdom-relay are not beside this "
                       "program, nor in ../libexec/netdom");
    }
    if (!o->image || !o->measurement) {
        options_refuse("on Xen, --image and --measurement are needed: "
                       "tools/make-appliance makes the one and prints the "
                       "other");
    }
    config->on_xen.image = o->image;
    config->on_xen.measurement = o->measurement;
    config->on_xen.serial = o->serial;
    config->on_xen.memory_mib = number_of("domain-memory-mib", o->memory_mib, 256,
                                   1048576);
    config->on_xen.n_vcpus = number_of("domain-vcpus", o->vcpus, 1, 64);
    if (o->image[0] != '/' || access(o->image, R_OK)) {
        options_refuse("--image=%s: must be the absolute path of a folder",
                       o->image);
    }
    if (strlen(o->measurement) != 64
        || strspn(o->measurement, "0123456789abcdefABCDEF") != 64) {
        options_refuse("--measurement=%s: must have 64 hexadecimal digits",
                       o->measurement);
    }
}

void
options_complete(struct options *o, struct controller_config *config)
{
    if (!o->run_dir) {
        o->run_dir = RUN_DIR;
    }
    if (o->run_dir[0] != '/' || strlen(o->run_dir) > 60) {
        options_refuse("--run-dir=%s: must be an absolute path of at most "
                       "60 characters (paths of sockets are short)",
                       o->run_dir);
    }
    if (geteuid()) {
        options_refuse("must be root: it makes namespaces and moves "
                       "interfaces");
    }
    if (mkdir(o->run_dir, 0755) && errno != EEXIST) {
        options_refuse("%s: %s: choose another --run-dir", o->run_dir,
                       ovs_strerror(errno));
    }

    char *run_dir = realpath(o->run_dir, NULL);
    config->run_dir = run_dir ? run_dir : o->run_dir;
    config->db = o->db ? o->db : xasprintf("unix:%s/db.sock",
                                           config->run_dir);
    config->host = o->host ? o->host : host_name();
    if (o->xen) {
        complete_xen(o, config);
    } else {
        complete_local(o, config);
    }
    if (!config->host[0] || strlen(config->host) > 64) {
        options_refuse("--host=%s: must have 1 to 64 characters",
                       config->host);
    }
    parse_cpus(o->cpus, config);

    /* Where OVS's library and its tools expect pidfile and socket. */
    setenv("OVS_RUNDIR", config->run_dir, 1);
    setenv("OVS_LOGDIR", config->run_dir, 0);
}
