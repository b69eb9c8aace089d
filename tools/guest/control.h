/* A vif's control ring with its event channel, driven by control_script.h.
 *
 * Thread: the guest's only one.
 * Owner:  control_close() gives back all that control_open() took.
 * Errors: 0 or -errno.  A backend that breaks the protocol here, or does not
 *         answer in time, is asked nothing more; the vif goes on without. */

#ifndef GUEST_CONTROL_H
#define GUEST_CONTROL_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/control_script.h"
#include "tools/guest/ctrl_ring.h"
#include "tools/guest/domain.h"

struct vif;

struct control {
    struct vif *vif;
    bool open;
    struct control_script script;
    struct ctrl_ring ring;
    struct guest_channel channel;
    uint32_t table;                     /* Page, granted. */
    struct xen_netif_ctrl_request request;
    bool asked;                         /* 'request' is unanswered. */
    uint64_t answer_by_ns;
    bool deaf;                          /* The backend: ask nothing more. */
};

/* For a vif that has just been connected. */
int control_open(struct control *, struct vif *,
                 const struct control_wishes *);
void control_close(struct control *);

/* Takes responses and makes requests.  True if it has just come to an end of
 * what it had to say. */
bool control_run(struct control *, uint64_t now_ns);
void control_wait(const struct control *, uint64_t now_ns);

/* Is it still setting up, or still unmapping? */
bool control_is_busy(const struct control *);

/* Does the backend keep pages mapped that it could be asked to let go? */
bool control_has_mappings(const struct control *);
void control_unmap(struct control *);

#endif /* control.h */
