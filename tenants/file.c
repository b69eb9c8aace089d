#include <config.h>

#include "tenants/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define TAIL_BYTES 512

static ssize_t
read_all(int fd, char *buffer, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = read(fd, buffer + done, bytes - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (!n) {
            break;
        }
        done += n;
    }
    return done;
}

char *
file_read(const char *path, size_t bytes_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }

    char *text = xmalloc(bytes_max + 1);
    ssize_t n = read_all(fd, text, bytes_max);
    int error = errno;

    close(fd);
    if (n < 0) {
        free(text);
        errno = error;
        return NULL;
    }
    text[n] = '\0';
    return text;
}

int
file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }

    int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int
file_replace(const char *path, const char *text)
{
    char *new = xasprintf("%s.new", path);
    int error = 0;
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0) {
        error = -errno;
        goto out;
    }
    if (write(fd, text, strlen(text)) != (ssize_t) strlen(text)) {
        error = errno ? -errno : -EIO;
    }
    close(fd);
    if (!error && rename(new, path)) {
        error = -errno;
    }
    if (error) {
        unlink(new);
    }

out:
    free(new);
    return error;
}

static char *
last_line(char *text)
{
    size_t n = strlen(text);

    while (n && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
        text[--n] = '\0';
    }

    char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    for (char *p = line; *p; p++) {
        if ((unsigned char) *p < ' ' || (unsigned char) *p > '~') {
            *p = '?';
        }
    }
    return *line ? xstrdup(line) : NULL;
}

char *
file_tail(const char *path, uid_t uid)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[TAIL_BYTES + 1];
    char *line = NULL;
    struct stat s;

    if (fd < 0) {
        return NULL;
    }
    if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_uid == uid) {
        if (s.st_size > TAIL_BYTES) {
            lseek(fd, -TAIL_BYTES, SEEK_END);
        }

        ssize_t n = read_all(fd, text, TAIL_BYTES);
        if (n > 0) {
            text[n] = '\0';
            line = last_line(text);
        }
    }
    close(fd);
    return line;
}

static int
remove_one(const char *path, const struct stat *s OVS_UNUSED,
           int type OVS_UNUSED, struct FTW *ftw OVS_UNUSED)
{
    return remove(path) && errno != ENOENT ? -1 : 0;
}

int
file_remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT)
        && errno != ENOENT) {
        return -errno;
    }
    return 0;
}

int
file_make_dir(const char *path, mode_t mode, uid_t uid)
{
    if (mkdir(path, 0700) && errno != EEXIST) {
        return -errno;
    }

    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }

    int error = fchown(fd, uid, uid) || fchmod(fd, mode) ? -errno : 0;
    close(fd);
    return error;
}
