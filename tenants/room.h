/* A controller's own room on the host: folders below its run folder, and a
 * range of uids.
 *
 * Thread: main.  Owner: the controller.  Errors: 0 or -errno, with a sentence
 * in '*errorp' that the caller frees. */

#ifndef TENANTS_ROOM_H
#define TENANTS_ROOM_H 1

#include <stdint.h>

int room_make(const char *run_dir, char **errorp);

/* Removes what is empty. */
void room_remove(const char *run_dir);

/* The first uid for tenants.  Controllers with different run folders get
 * different ones. */
uint32_t room_uid_base(const char *run_dir);

#endif /* tenants/room.h */
