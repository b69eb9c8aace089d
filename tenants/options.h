/* The command line of netdom-controller.
 *
 * Thread: main, before anything else runs.
 * Owner:  the program, to its end.
 * Errors: told on standard error, with exit status 2. */

#ifndef TENANTS_OPTIONS_H
#define TENANTS_OPTIONS_H 1

#include "openvswitch/compiler.h"

struct controller_config;

/* Fills in 'config' from the command line, '*unixctl' (null: the default
 * control socket) too.  Makes the run folder if need be, and tells OVS's
 * library about it. */
void options_parse(int argc, char *argv[], struct controller_config *config,
                   char **unixctl);

/* Says what is wrong and ends the program. */
OVS_NO_RETURN void options_refuse(const char *format, ...)
    OVS_PRINTF_FORMAT(1, 2);

#endif /* tenants/options.h */
