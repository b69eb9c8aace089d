/* The stand-in for Xen, as its clients see it: what netdom-xenlocald speaks
 * on its registry and broker sockets, and calls to speak it.
 *
 * Trust:  the broker hands a guest's memory to a domain only if that guest
 *         has offered the domain an event channel.  That is weaker than Xen:
 *         the whole memory is handed over, not the granted pages, so this
 *         platform does not protect a guest from a hostile backend.
 * Thread: a connection belongs to one thread at a time.
 * Errors: 0 or -errno.
 *
 * Below the run folder (default /run/netdom/xen):
 *
 *     registry.sock           dom0 only: domains are created and destroyed
 *     N/xenstore.sock         domain N's xenstore (XENSTORED_PATH)
 *     N/broker.sock           domain N's grants and event channels
 *
 * Folder N is mode 0700 and owned by the uid given at creation.  All sockets
 * but xenstore.sock are SOCK_SEQPACKET; each request is one struct
 * xenlocal_request, each reply one struct xenlocal_reply, descriptors ride
 * along as SCM_RIGHTS. */

#ifndef XENLOCAL_H
#define XENLOCAL_H 1

#include <stdbool.h>
#include <stdint.h>

#define XENLOCAL_NAME_BYTES 64          /* With the terminating null. */
#define XENLOCAL_PAGE_BYTES 4096u

/* Where the stand-in's sockets are unless someone says otherwise. */
#define XENLOCAL_RUN_DIR "/run/netdom/xen"

enum xenlocal_op {
    /* Registry (registry.sock). */

    /* name, uid, flags -> domid.  Makes the folder and both sockets, and in
     * xenstore /local/domain/DOMID (owned by it) with 'name' and 'domid';
     * fires @introduceDomain.  Names are unique among living domains. */
    XENLOCAL_DOMAIN_CREATE = 1,
    /* domid.  Ends it as its death would: sockets and folder go, its event
     * channels break, @releaseDomain fires.  /local/domain/DOMID is removed
     * (the part that a toolstack would do). */
    XENLOCAL_DOMAIN_DESTROY,
    /* name -> domid, or -ENOENT. */
    XENLOCAL_DOMAIN_LOOKUP,

    /* Broker (N/broker.sock): always on behalf of domain N. */

    /* bytes, +1 descriptor: this domain's memory, a memfd sealed against
     * shrinking and growing.  Its first 'count' pages are a v1 grant table
     * (struct grant_entry_v1 of xen/grant_table.h) that the domain edits
     * itself.  Once per connection; a new one replaces the old. */
    XENLOCAL_SET_MEMORY,
    /* domid -> bytes, count (grant table pages), generation, +1 descriptor.
     * -EACCES unless that domain has a port allocated for this one. */
    XENLOCAL_GET_MEMORY,
    /* domid (remote) -> port, +2 descriptors: [0] to wait on, [1] to kick
     * the remote end with. */
    XENLOCAL_EVTCHN_ALLOC,
    /* domid, port (remote's) -> port (ours), +2 descriptors, as above.
     * -ENOENT: no such port; -EACCES: not for us; -EBUSY: already bound.
     * The binder's wait descriptor is the allocator's kick descriptor.
     * As in Xen, a fresh binding is pending once. */
    XENLOCAL_EVTCHN_BIND,
    /* port.  Closes our end; an allocator's port that was bound by the other
     * side becomes bindable again when that side closes or dies. */
    XENLOCAL_EVTCHN_CLOSE,
};

/* XENLOCAL_DOMAIN_CREATE's flags. */
#define XENLOCAL_F_WITH_CONNECTION 0x1u  /* Dies with the registry connection
                                          * that created it. */

struct xenlocal_request {
    uint32_t op;                        /* enum xenlocal_op. */
    uint32_t flags;
    uint32_t domid;
    uint32_t port;
    uint32_t uid;
    uint32_t count;
    uint64_t bytes;
    char name[XENLOCAL_NAME_BYTES];
};

struct xenlocal_reply {
    int32_t error;                      /* 0 or -errno. */
    uint32_t domid;
    uint32_t port;
    uint32_t count;
    uint64_t bytes;
    uint64_t generation;                /* Of that domain's memory. */
};

/* Connects to the socket at 'path'.  Returns a descriptor (close-on-exec)
 * that the caller owns, or -errno. */
int xenlocal_connect(const char *path);

/* Sends 'request' with 'send_fd' (-1: none), waits for the reply, stores it
 * in '*reply' and up to two descriptors in 'fds' (-1 where there is none; may
 * be null if the op returns none).  The caller owns the descriptors.
 *
 * Returns 0, the reply's error, or -errno if the talk itself failed (-EPROTO:
 * the peer does not speak this protocol; -EPIPE: it went away).  Blocks at
 * most 5 s (-ETIMEDOUT). */
int xenlocal_call(int sock, const struct xenlocal_request *request,
                  int send_fd, struct xenlocal_reply *reply, int fds[2]);

/* Writes domain 'domid''s socket 'leaf' ("xenstore.sock", "broker.sock")
 * below 'run_dir' into 'path'.  False if it does not fit. */
bool xenlocal_socket_path(char *path, unsigned int path_bytes,
                          const char *run_dir, uint32_t domid,
                          const char *leaf);

#endif /* xenlocal.h */
