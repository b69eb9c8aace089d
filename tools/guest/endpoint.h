/* What stands behind a guest's vif: a tap device, a packet generator, a
 * sink.  The vif moves frames between the rings and its endpoints, and asks
 * nothing else of them.
 *
 * Thread: the guest's only one.
 * Owner:  whoever created it calls its 'destroy'.
 * Errors: 0 or -errno. */

#ifndef GUEST_ENDPOINT_H
#define GUEST_ENDPOINT_H 1

#include <stdbool.h>
#include <stdint.h>

struct endpoint;
struct json;
struct ds;
struct rx_frame;
struct tx_path;

/* What the toolstack says of the vif; options override it. */
struct vif_config {
    uint8_t mac[6];
    bool has_mac;
    uint32_t mtu;
};

struct endpoint_class {
    const char *name;

    /* The vif's nodes were read (again).  May be null. */
    int (*configure)(struct endpoint *, const struct vif_config *);

    /* The vif came up, and its rings are new, or went down: then the path
     * is null.  May be null itself. */
    void (*set_link)(struct endpoint *, const struct tx_path *,
                     uint64_t now_ns);

    /* Puts at most 'budget' frames on the rings; returns how many.  Null if
     * it never sends. */
    unsigned int (*transmit)(struct endpoint *, const struct tx_path *,
                             unsigned int budget, uint64_t now_ns);

    /* Takes a received frame.  Null if it never receives. */
    void (*receive)(struct endpoint *, const struct rx_frame *,
                    uint64_t now_ns);

    /* Registers what wakes it; 'room': the rings can take a frame. */
    void (*wait)(struct endpoint *, bool room);

    /* Has it done all that it was asked to do?  May be null: never. */
    bool (*is_done)(const struct endpoint *, uint64_t now_ns);

    /* Its figures, as members of a JSON object and as lines of text. */
    void (*report_json)(const struct endpoint *, struct json *);
    void (*report_text)(const struct endpoint *, struct ds *);

    void (*destroy)(struct endpoint *);
};

struct endpoint {
    const struct endpoint_class *class;
};

#endif /* endpoint.h */
