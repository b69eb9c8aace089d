/* Small files, whole.
 *
 * Thread: any.
 * Owner:  the caller frees what file_read() returns.
 * Errors: 0 or -errno; file_read() returns null and sets errno.
 * Trust:  file_tail() is for a folder that belongs to a tenant. */

#ifndef TENANTS_FILE_H
#define TENANTS_FILE_H 1

#include <stddef.h>
#include <sys/types.h>

/* Reads 'path', at most 'bytes_max' of it, as a string. */
char *file_read(const char *path, size_t bytes_max);

/* Writes 'text' into the existing file 'path' with one write().  Safe after
 * fork(). */
int file_write(const char *path, const char *text);

/* Puts 'text' in 'path''s place, in one piece whatever happens. */
int file_replace(const char *path, const char *text);

/* The last line of text in 'path', if that is a plain file of 'uid''s, with
 * what is not printable taken out; null if there is none.  Never follows a
 * link, never waits. */
char *file_tail(const char *path, uid_t uid);

/* Removes the folder 'path' with all in it; links are not followed, mounts
 * not crossed. */
int file_remove_tree(const char *path);

/* Makes folder 'path' (its parent exists) if need be and gives it to 'uid',
 * without following a link. */
int file_make_dir(const char *path, mode_t mode, uid_t uid);

#endif /* tenants/file.h */
