#include "appliance/measured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#define PART_BYTES 65536
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void
to_hex(const unsigned char *digest, unsigned int n, char *hex)
{
    for (unsigned int i = 0; i < n; i++) {
        sprintf(hex + 2 * i, "%02x", digest[i]);
    }
}

static int
write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0) {
            return -errno;
        }
        bytes += done;
        n -= done;
    }
    return 0;
}

/* Copies 'from' into 'to', and what is copied into 'md'. */
static int
copy(int from, int to, EVP_MD_CTX *md)
{
    static char part[PART_BYTES];
    ssize_t n;
    int error = 0;

    while (!error && (n = read(from, part, sizeof part)) > 0) {
        EVP_DigestUpdate(md, part, n);
        error = write_all(to, part, n);
    }
    if (!error && n < 0) {
        error = -errno;
    }
    return !error && fcntl(to, F_ADD_SEALS, SEALS) ? -errno : error;
}

/* Returns a sealed copy of the file at 'path', or -errno; 'hex' gets its
 * SHA-256. */
static int
copy_sealed(const char *path, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n;
    int from = open(path, O_RDONLY | O_CLOEXEC);

    if (from < 0) {
        return -errno;
    }

    int to = memfd_create("netdom-measured", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int error = to < 0 ? -errno : 0;

    if (!error && (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))) {
        error = -ENOMEM;
    }
    if (!error) {
        error = copy(from, to, md);
    }
    if (!error) {
        EVP_DigestFinal_ex(md, digest, &n);
        to_hex(digest, n, hex);
    }
    EVP_MD_CTX_free(md);
    close(from);
    if (error && to >= 0) {
        close(to);
    }
    return error ? error : to;
}

int
measured_open(struct measured *m, const char *kernel, const char *initramfs,
              const char **whichp)
{
    char hex[2][MEASUREMENT_CHARS + 1] = { "", "" };
    char text[2 * MEASUREMENT_CHARS + 32];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n;

    *whichp = kernel;
    m->kernel_fd = copy_sealed(kernel, hex[0]);
    if (m->kernel_fd < 0) {
        return m->kernel_fd;
    }
    *whichp = initramfs;
    m->initramfs_fd = copy_sealed(initramfs, hex[1]);
    if (m->initramfs_fd < 0) {
        close(m->kernel_fd);
        return m->initramfs_fd;
    }
    snprintf(text, sizeof text, "kernel %s\ninitramfs %s\n", hex[0], hex[1]);
    if (!EVP_Digest(text, strlen(text), digest, &n, EVP_sha256(), NULL)) {
        measured_close(m);
        return -ENOMEM;
    }
    to_hex(digest, n, m->measurement);
    return 0;
}

void
measured_close(struct measured *m)
{
    close(m->kernel_fd);
    close(m->initramfs_fd);
}
