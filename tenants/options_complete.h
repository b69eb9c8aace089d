/* The controller's command line, inside: shared by options.c and
 * options_complete.c only.
 *
 * Thread: main.   Owner: all is there to the program's end.
 * Errors: a line on stderr, and exit status 2. */

#ifndef TENANTS_OPTIONS_COMPLETE_H
#define TENANTS_OPTIONS_COMPLETE_H 1

#include <stdbool.h>

#define RUN_DIR "/run/netdom"

struct controller_config;

/* As they were said; null: they were not. */
struct options {
    char *db;
    char *run_dir;
    char *host;
    char *vswitchd;
    char *image;
    char *measurement;
    char *serial;
    char *memory_mib;
    char *vcpus;
    bool xen;
    char *cpus;
    char *unixctl;
};

/* Fills in what was not said, and refuses what cannot be. */
void options_complete(struct options *, struct controller_config *);

#endif /* tenants/options_complete.h */
