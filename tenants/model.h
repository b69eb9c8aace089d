/* What the controller knows, as plain data: what the database wants ("want")
 * and what the host has ("have").  The planner (plan.h) compares the two.
 *
 * Thread: one at a time.
 * Owner:  each struct owns all that its pointers point to; the *_destroy()
 *         functions free it and accept null.
 * Errors: none.
 * Trust:  "want" has been checked by parse.h.  "have" may hold text written
 *         by a tenant or a guest: it is compared, never believed. */

#ifndef TENANTS_MODEL_H
#define TENANTS_MODEL_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"
#include "qos/tree.h"
#include "smap.h"
#include "svec.h"

#define BRIDGE_NAME "br0"
#define UPLINK_PORT "vf0"
#define MTU_DEFAULT 1500

struct limits {
    struct qos_settings tx, rx;         /* Seen from the guests. */
};

/* One row of VIF: all that the switch and the guest are to be told. */
struct want_vif {
    struct uuid row;
    char *name;
    char *guest;
    uint16_t devid;
    char *mac;                          /* Lower case. */
    int mtu;
    bool mtu_set;                       /* The admin chose 'mtu'. */
    unsigned int queues;                /* At most; 0: not said. */
    int vlan_tag;                       /* -1: none. */
    int64_t *trunks;                    /* Ascending. */
    size_t n_trunks;
    struct limits limits;
    char *group;                        /* Name, null: of none. */
    char *anti_spoof;                   /* "mac arp ip", any of them. */
    char *addresses;                    /* Separated by spaces. */
    uint64_t releases;                  /* From a quarantine, so far. */
};

/* One target of a tenant's OpenFlow controllers. */
struct want_controller {
    struct uuid row;
    char *target;                       /* As the database has it. */
    char *relay;                        /* socat's address of the far end, or
                                         * null if the switch connects by
                                         * itself. */
};

/* What a physical function holds of one of its VFs. */
struct vf_settings {
    char mac[18];                       /* "": as it is. */
    int vlan;                           /* 0: none. */
    unsigned int rate_mbps;             /* 10^6 bit/s at most; 0: no limit. */
};

/* Limits that VIFs of a tenant share. */
struct want_group {
    struct uuid row;
    char *name;
    struct limits limits;
};

struct want_tenant {
    struct uuid row;
    char *name;
    struct limits limits;               /* Of all its VIFs together. */
    struct want_group *groups;          /* Ascending by name. */
    size_t n_groups;
    uint64_t vf_rate_bps;               /* What its VF may send; 0: not
                                         * said. */
    uint64_t uplink_bps;                /* What it may send there now; 0: no
                                         * limit. */
    char *link;                         /* The physical link that its VF is
                                         * on, null: not said. */
    uint64_t link_bps;                  /* What that carries. */
    char *vf;                           /* Name of its VF, null: no uplink. */
    struct vf_settings pf;              /* For that VF. */
    char *iface;                        /* The VF's stand-in, or its address
                                         * on PCI. */
    char *fail_mode;                    /* "standalone" or "secure". */
    struct want_controller *controllers;
    size_t n_controllers;
    struct want_vif *vifs;              /* Ascending by name. */
    size_t n_vifs;
};

/* All of this host's tenants, by name. */
struct want {
    struct shash tenants;               /* Contains struct want_tenant. */
};

enum proc_state {
    PROC_NONE,                          /* May be started now. */
    PROC_HELD,                          /* Died; its back-off runs. */
    PROC_RUNNING,
    PROC_STOPPING,
};

enum iface_place {
    IFACE_NOWHERE,
    IFACE_ON_HOST,
    IFACE_INSIDE,                       /* In the tenant's domain. */
};

/* A port of the tenant's bridge, wanted or found. */
struct port_spec {
    char *name;
    bool ours;                          /* Found: carries our mark. */
    char *type;
    struct smap *options;
    int vlan_tag;                       /* -1: none. */
    int64_t *trunks;
    size_t n_trunks;
    int mtu_request;                    /* 0: none. */
    char *error;                        /* Found: the switch's complaint. */
    struct smap *limits;                /* Found: what the switch says that
                                         * is in force; null: nothing. */
};

/* A vif's nodes in xenstore, keyed by the guest's domid and the devid. */
struct have_vif {
    uint32_t domid;
    uint32_t devid;
    bool backend;                       /* The backend's directory exists. */
    bool online;
    bool closed;                        /* Closed, or given up waiting. */
    bool managed;                       /* Its /netdom node exists. */
    int state;                          /* The backend's XenbusState. */
    char *mac;                          /* As in /netdom, as are these: */
    int mtu;
    struct limits limits;
    char *group;                        /* Null: of none. */
    char *anti_spoof;
    char *addresses;
    uint64_t releases;
    char *error;                        /* From the backend, or null. */
    char *quarantine;                   /* The same: its reason. */
    uint64_t quarantine_release;        /* 'releases' when it began. */
    bool busy;                          /* Being attached or detached. */
};

/* Limits that VIFs share, as in /netdom. */
struct have_group {
    char *name;                         /* "": all VIFs. */
    struct limits limits;
    uint64_t uplink_bps;                /* Of "": what leaves the domain; 0:
                                         * no limit. */
};

struct have_relay {
    char *target;
    char *path;                         /* Socket that the switch dials. */
    enum proc_state state;
};

struct have_tenant {
    char *name;
    bool xen_up;                        /* xenstore and registry answer. */
    uint32_t domid;                     /* 0: none. */
    bool domain;                        /* Complete and of this domid. */
    bool making;                        /* It is being made. */
    bool stale;                         /* Made for another domid. */
    bool remains;                       /* Anything at all is left of it. */
    bool failing;                       /* A process dies again and again. */

    enum iface_place place;             /* Of the VF that is wanted. */
    char *iface;                        /* The one inside, or null. */
    bool pf_known;                      /* The VF that is wanted has */
    struct vf_settings pf;              /* this on its PF, which */
    struct vf_settings pf_refused;      /* refused that. */
    bool is_xen;                        /* It is a domain of Xen's: there
                                         * some time after it was made, and
                                         * with a VF on PCI of its own. */
    char *vf_address;                   /* Where that is, inside; null: that
                                         * was not told yet. */

    enum proc_state db;
    enum proc_state vswitch;
    struct have_relay *relays;
    size_t n_relays;

    bool db_ready;                      /* Connected, nothing under way. */
    bool bridge;
    bool bridge_ours;
    char *datapath_type;
    char *fail_mode;
    struct svec targets;                /* Our controllers, sorted. */
    char *pmd_mask;                     /* other_config:pmd-cpu-mask. */
    char *pmd_mask_want;                /* What its core asks for. */
    struct port_spec *ports;
    size_t n_ports;

    struct have_vif *vifs;
    size_t n_vifs;
    struct have_group *groups;
    size_t n_groups;
};

/* Living guests: name to domid (as uintptr_t). */
struct guests {
    struct shash by_name;
};

void want_init(struct want *);
void want_finish(struct want *);
struct want_tenant *want_find(const struct want *, const char *tenant);

void want_vif_finish(struct want_vif *);
void want_vif_clone(struct want_vif *to, const struct want_vif *from);
bool want_vif_equals(const struct want_vif *, const struct want_vif *);

void want_tenant_destroy(struct want_tenant *);
struct want_tenant *want_tenant_clone(const struct want_tenant *);
bool want_tenant_equals(const struct want_tenant *,
                        const struct want_tenant *);

void port_spec_init(struct port_spec *, const char *name, const char *type);
void port_spec_finish(struct port_spec *);
void port_spec_clone(struct port_spec *to, const struct port_spec *from);
/* Compares all but 'ours' and 'error'. */
bool port_spec_equals(const struct port_spec *, const struct port_spec *);

struct have_tenant *have_tenant_create(const char *name);
void have_tenant_destroy(struct have_tenant *);
struct port_spec *have_port_find(const struct have_tenant *,
                                 const char *name);
struct have_vif *have_vif_find(const struct have_tenant *, uint32_t domid,
                               uint32_t devid);
struct have_relay *have_relay_find(const struct have_tenant *,
                                   const char *target);
void have_vif_finish(struct have_vif *);
/* True if a vif's release from quarantine is still to be taken up by the
 * switch. */
bool have_release_pending(const struct have_tenant *);

void guests_init(struct guests *);
void guests_finish(struct guests *);
void guests_put(struct guests *, const char *name, uint32_t domid);
/* Returns 0 if no living domain has that name. */
uint32_t guests_find(const struct guests *, const char *name);

/* "vif3.0".  The caller frees it. */
char *vif_port_name(uint32_t domid, uint32_t devid);

/* Those of somebody of whom nothing is said. */
#define LIMITS_NONE { { .weight = 1 }, { .weight = 1 } }

bool limits_are_none(const struct limits *);
bool limits_equal(const struct limits *, const struct limits *);

/* What was made of a row; null if there is none, or no 'tenant'. */
const struct want_vif *want_vif_of_row(const struct want_tenant *,
                                       const struct uuid *row);
const struct want_group *want_group_of_row(const struct want_tenant *,
                                           const struct uuid *row);

/* Null if there is none of that name. */
struct want_group *want_group_find(const struct want_tenant *,
                                   const char *name);
const struct have_group *have_group_find(const struct have_tenant *,
                                         const char *name);
void have_groups_free(struct have_group *, size_t n);

/* True if 'device' is an address on PCI, "0000:3b:02.1", and no interface's
 * name. */
bool vf_is_pci(const char *device);

/* True if that is what is wanted, as far as anything is wanted. */
bool vf_settings_suit(const struct vf_settings *have,
                      const struct vf_settings *want);

/* True if both are null or both are the same text. */
bool text_equals(const char *, const char *);

#endif /* tenants/model.h */
