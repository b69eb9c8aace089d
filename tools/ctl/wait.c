/* How long to wait, for what, and what to say if it does not come. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "ovsdb-idl.h"
#include "timeval.h"
#include "util.h"

static long long int deadline_ms = LLONG_MAX;

void
ctl_deadline_start(void)
{
    if (ctl_opts.timeout_s) {
        deadline_ms = time_msec() + ctl_opts.timeout_s * 1000LL;
    }
}

void
ctl_die_unreachable(int error)
{
    const char *db = ctl_opts.db;
    const char *path = !strncmp(db, "unix:", 5) ? db + 5 : NULL;

    switch (error) {
    case 0:
        ctl_die(CTL_EXIT_UNUSABLE, "%s: the database server there has no "
                "Netdom database: give it one, made with \"ovsdb-tool create "
                "FILE netdom.ovsschema\", or name another server with --db= "
                "or --run-dir=", db);
    case EAFNOSUPPORT:
        ctl_die(CTL_EXIT_UNUSABLE, "--db=%s: this is no database server: "
                "write unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT", db);
    case EACCES:
    case EPERM:
        ctl_die(CTL_EXIT_UNUSABLE, "%s: you may not open it: run as root, or "
                "as the user whose database it is", db);
    default:
        ctl_die(CTL_EXIT_UNUSABLE, "%s: no database server answers there "
                "(%s): start ovsdb-server with a Netdom database and "
                "--remote=p%s%s, or say where it is with --db= or --run-dir=",
                db, ovs_retval_to_string(error), path ? "unix:" : "tcp:PORT",
                path ? path : "");
    }
}

void
ctl_block_or_die(struct ovsdb_idl *idl)
{
    if (time_msec() >= deadline_ms) {
        int error = ovsdb_idl_get_last_error(idl);

        if (!ovsdb_idl_has_ever_connected(idl)) {
            ctl_die_unreachable(error ? error : ETIMEDOUT);
        }
        ctl_die(CTL_EXIT_REFUSED, "%s: not done within %u s: give it longer "
                "with --timeout=SECS", ctl_opts.db, ctl_opts.timeout_s);
    }
    ovsdb_idl_wait(idl);
    poll_timer_wait_until(deadline_ms);
    poll_block();
}

/* Names the hosts that have not applied configuration 'cfg'. */
static char *
late_hosts(struct ovsdb_idl *idl, int64_t cfg)
{
    struct ds names = DS_EMPTY_INITIALIZER;
    const struct ndrec_host *host;

    NDREC_HOST_FOR_EACH (host, idl) {
        if (host->cur_cfg < cfg) {
            ds_put_format(&names, "%s%s", names.length ? ", " : " on host ",
                          host->name);
        }
    }
    ds_put_cstr(&names, "");
    return ds_steal_cstr(&names);
}

void
ctl_wait_for_controllers(struct ovsdb_idl *idl, int64_t cfg)
{
    ovsdb_idl_enable_reconnect(idl);
    for (;;) {
        const struct ndrec_netdom *root;

        ovsdb_idl_run(idl);
        root = ndrec_netdom_first(idl);
        if (root && root->cur_cfg >= cfg) {
            return;
        }
        if (time_msec() >= deadline_ms) {
            ctl_die(CTL_EXIT_REFUSED, "what is in the database is not "
                    "applied within %u s%s: see that netdom-controller runs "
                    "there; it will be applied then", ctl_opts.timeout_s, late_hosts(idl, cfg));
        }
        ctl_block_or_die(idl);
    }
}
