/* The whole guest, for main, its commands and its report.
 *
 * Thread: the guest's only one. */

#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/domain.h"
#include "tools/guest/frontend.h"
#include "tools/guest/memory.h"
#include "tools/guest/options.h"
#include "tools/guest/vif.h"

struct ds;
struct json;

struct guest {
    struct guest_options options;
    struct guest_domain domain;
    struct guest_memory memory;
    struct vif vif;
    struct frontend frontend;
    struct endpoint *source;            /* May be the sink. */
    struct endpoint *sink;
    bool stopping;                      /* Close in order, then exit. */
};

/* Monotonic time. */
uint64_t guest_now_ns(void);

/* Registers guest/show and the other commands. */
void guest_commands_register(struct guest *);

/* Its state and figures. */
struct json *guest_report_json(const struct guest *);
void guest_report_text(const struct guest *, struct ds *);

/* Which rings, channels and nodes it uses, for people. */
void guest_show(const struct guest *, struct ds *);

#endif /* guest.h */
