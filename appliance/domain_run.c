/* A domain and the process that looks after it. */

#include "appliance/domain.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <libxl_utils.h>
#include <xenstore.h>

#define LOOK_MS 5000                    /* Without being told to. */
#define DYING_S 30
#define DYING_LOOK_MS 50

/* A descriptor that tells of SIGTERM, which does nothing else. */
static int
block_sigterm(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Why the domain runs no more; null if it does. */
static const char *
how_it_ended(libxl_ctx *ctx, uint32_t domid)
{
    libxl_dominfo info;
    const char *how = NULL;

    libxl_dominfo_init(&info);
    if (libxl_domain_info(ctx, &info, domid) || info.dying) {
        how = "was destroyed";
    } else if (info.shutdown) {
        how = info.shutdown_reason == LIBXL_SHUTDOWN_REASON_CRASH
              ? "crashed" : "shut itself down";
    }
    libxl_dominfo_dispose(&info);
    return how;
}

/* Finds the domain of the name and goes on with it, if it was ever begun. */
static bool
adopt(libxl_ctx *ctx, const char *name, uint32_t *domid)
{
    libxl_dominfo info;
    bool usable;

    if (libxl_name_to_domid(ctx, name, domid)) {
        return false;
    }
    libxl_dominfo_init(&info);
    usable = !libxl_domain_info(ctx, &info, *domid) && !info.paused
             && !info.shutdown && !info.dying;
    libxl_dominfo_dispose(&info);
    if (usable) {
        printf("%u\n", *domid);
        fflush(stdout);
    } else {
        domain_destroy(ctx, *domid);
    }
    return usable;
}

/* Until it ends: REFUSED, or until SIGTERM: DONE. */
static int
look_after(libxl_ctx *ctx, const char *name, uint32_t domid, int sigterm)
{
    struct xs_handle *xs = xs_open(0);
    struct pollfd fds[] = {
        { .fd = sigterm, .events = POLLIN },
        { .fd = xs ? xs_fileno(xs) : -1, .events = POLLIN },
    };
    const char *how;

    if (!xs || !xs_watch(xs, "@releaseDomain", "")) {
        return domain_refuse("xenstore", strerror(errno));
    }
    while (!(how = how_it_ended(ctx, domid))) {
        char **event;

        poll(fds, 2, LOOK_MS);
        if (fds[0].revents) {
            xs_close(xs);
            return domain_destroy(ctx, domid);
        }
        while ((event = xs_check_watch(xs))) {
            free(event);
        }
    }
    xs_close(xs);
    fprintf(stderr, "netdom-domain: %s, domain %u, %s\n", name, domid, how);
    domain_destroy(ctx, domid);         /* What may be left of it. */
    return REFUSED;
}

/* True if there is no domain of that number any more.  It may have become
 * somebody else's; one that dies is waited for, since others may not have let go
 * of its memory yet. */
static bool
is_free(libxl_ctx *ctx, uint32_t domid)
{
    time_t until = time(NULL) + DYING_S;

    for (;;) {
        libxl_dominfo info;
        bool there, dying;

        libxl_dominfo_init(&info);
        there = !libxl_domain_info(ctx, &info, domid);
        dying = there && info.dying;
        libxl_dominfo_dispose(&info);
        if (!dying || time(NULL) >= until) {
            return !there;
        }
        poll(NULL, 0, DYING_LOOK_MS);
    }
}

int
domain_run(libxl_ctx *ctx, const struct options *o, const struct measured *m)
{
    int sigterm = block_sigterm();
    int status = DONE;
    uint32_t domid;

    if (!adopt(ctx, o->name, &domid)) {
        struct options now = *o;

        now.has_domid = o->has_domid && is_free(ctx, o->domid);
        status = domain_create(ctx, &now, m, &domid);
    }
    if (status == DONE) {
        status = look_after(ctx, o->name, domid, sigterm);
    }
    close(sigterm);
    return status;
}
