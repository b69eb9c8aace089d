/* Which Xen: the stand-in's, the real one, or none.
 *
 * Thread: main, before other threads are.
 * Owner:  what is opened lives as long as the process.
 * Errors: the process ends with a sentence that says what to do. */

#ifndef NETDOM_PLATFORM_H
#define NETDOM_PLATFORM_H 1

struct platform_options {
    const char *xen;                    /* "local", "xen", "none"; null: local
                                         * if there is a domid. */
    const char *xen_dir;                /* Of netdom-xenlocald. */
    int domid;                          /* -1: not given. */
};

/* Refuses options that would leave guests without a switch, silently. */
void platform_check(struct platform_options *);

/* Opens it, and has the vifs of this domain served.  Returns this domain's
 * number; -1 if there is no Xen. */
int platform_start(const struct platform_options *);

#endif /* netdom/platform.h */
