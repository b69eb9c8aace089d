/* A domain's kernel and initramfs, measured, and booted as measured: both are
 * read once, into memory that nobody can change any more, and what Xen's
 * toolstack then reads is that memory.
 *
 * The measurement is the SHA-256 of two lines, "kernel HEX" and "initramfs
 * HEX", HEX being the SHA-256 of each; tools/make-appliance prints the same.
 *
 * Thread: any.
 * Owner:  the caller closes what it opened. */

#ifndef APPLIANCE_MEASURED_H
#define APPLIANCE_MEASURED_H 1

#include <stdbool.h>

#define MEASUREMENT_CHARS 64            /* Hexadecimal, without the end. */

struct measured {
    int kernel_fd, initramfs_fd;        /* Sealed memfds. */
    char measurement[MEASUREMENT_CHARS + 1];
};

/* 0, or -errno, with the file that it is about in '*whichp'. */
int measured_open(struct measured *, const char *kernel,
                  const char *initramfs, const char **whichp);
void measured_close(struct measured *);

#endif /* appliance/measured.h */
