/* A frontend that lies: a guest domain at the stand-in for Xen, with raw
 * access to its rings, grants, event channels and nodes, and a table of named
 * attacks that use it.
 *
 * Thread: one, and the racers that an attack starts; a racer touches shared
 *         memory and event channels only.
 * Owner:  hostile_finish() ends the domain, and with it everything.
 * Errors: 0 or -1; then 'why' says why the attack could not be carried out.
 * Trust:  we are the ones not to be trusted.  The backend's answers are held
 *         against what the protocol owes us. */

#ifndef HOSTILE_H
#define HOSTILE_H 1

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/netif.h>

#include "tools/guest/domain.h"
#include "tools/guest/memory.h"

#define HOSTILE_PAGE_BYTES 4096u
#define HOSTILE_SLOTS 256u              /* Of the Tx and of the Rx ring. */
#define HOSTILE_CTRL_SLOTS 128u
#define HOSTILE_QUEUES_MAX 8u
#define HOSTILE_EXPECT_MAX 8
#define HOSTILE_NAME_BYTES 64

/* What frontend and backend see of a ring's head; the slots follow. */
struct hostile_ring_page {
    uint32_t req_prod, req_event;
    uint32_t rsp_prod, rsp_event;
    uint8_t pad[48];
    uint8_t slots[HOSTILE_PAGE_BYTES - 64];
};

struct hostile_ring {
    uint32_t gref;                      /* Of the page, and its number. */
    struct hostile_ring_page *page;
    uint32_t prod;                      /* Filled, perhaps not yet pushed. */
    uint32_t cons;                      /* Responses taken. */
    uint32_t slot_bytes, n_slots;
    struct guest_channel *channel;
    uint16_t ids[HOSTILE_SLOTS];        /* Of requests; what they must echo. */
    bool extra[HOSTILE_SLOTS];          /* Extra info: no id to echo. */
    bool extra_follows;                 /* Rx: the next response is one. */
};

struct hostile_queue {
    struct hostile_ring tx, rx;
    struct guest_channel channels[2];
};

/* Drops that must be counted under a name. */
struct hostile_expect {
    const char *name;
    uint64_t min, max;
};

struct hostile {
    struct guest_domain domain;
    struct guest_memory memory;
    uint32_t backend_domid;
    const char *xen_dir;
    char dir[80], backend_dir[96];
    uint8_t mac[6];                     /* Our vif's. */
    uint8_t target[6];                  /* A machine to send to. */
    uint8_t victim[6];                  /* One to pretend to be. */
    uint32_t n_queues;                  /* Of the next connection. */
    bool with_ctrl;                     /* The next one has a control ring. */

    struct hostile_queue queues[HOSTILE_QUEUES_MAX];
    struct hostile_ring ctrl;
    struct guest_channel ctrl_channel;
    uint32_t tx_pages[HOSTILE_SLOTS];   /* Granted read-only. */
    uint32_t rx_pages[HOSTILE_SLOTS];

    /* Options. */
    double seconds;
    uint64_t random;
    unsigned int variant;

    /* What is reported. */
    uint64_t frames, turns;
    uint64_t okay, error, null, strange, wrong_ids;
    uint64_t received;                  /* Rx responses that hold data. */
    uint64_t refused, connected;        /* Connections, by the answer. */
    bool accounted;                     /* Each frame passed or was dropped
                                         * under a name, and no more. */
    struct hostile_expect expect[HOSTILE_EXPECT_MAX];
    unsigned int n_expects;
    char why[200];
};

/* What must follow. */
enum hostile_verdict {
    HOSTILE_NOTHING,                    /* And all goes on. */
    HOSTILE_DROPS,                      /* As 'expect' says. */
    HOSTILE_REFUSED,                    /* Not connected; 'says' in error. */
    HOSTILE_QUARANTINE,                 /* 'says' in error. */
    HOSTILE_EITHER,                     /* It is a race: quarantine or not. */
    HOSTILE_GONE,                       /* The domain has died. */
};

struct hostile_attack {
    const char *name;
    enum hostile_verdict verdict;
    const char *says;                   /* Part of the "error" node. */
    const char *does;                   /* One line. */
    int (*run)(struct hostile *);
    unsigned int n_variants;            /* Runs, each a vif; 0 is 1. */
    const char *policy;                 /* "limited": has a rate limit;
                                         * "slow": one for what it receives;
                                         * "fenced": must use its own MAC;
                                         * null: none of it. */
};

/* Families, each ending with a null name. */
extern const struct hostile_attack hostile_index[], hostile_race[],
    hostile_slots[], hostile_extra[], hostile_gso[], hostile_csum[],
    hostile_grant[], hostile_rx[], hostile_storm[], hostile_keys[],
    hostile_ctrl[], hostile_mapping[], hostile_death[], hostile_mcast[];

/* hostile.c: the domain, its nodes and its connection. */

int hostile_init(struct hostile *, const char *xen_dir, const char *name);
void hostile_finish(struct hostile *);
int hostile_wait_plugged(struct hostile *);

/* Says why the attack cannot be carried out.  Returns -1. */
int hostile_fail(struct hostile *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

uint64_t hostile_now_ns(void);
void hostile_sleep_ms(unsigned int ms);
uint64_t hostile_random(struct hostile *);

/* Nodes of ours; what cannot be written is not. */
void hostile_write(struct hostile *, const char *leaf, const char *value);
void hostile_write_bytes(struct hostile *, const char *leaf,
                         const void *value, uint32_t bytes);
void hostile_write_uint(struct hostile *, const char *leaf, uint32_t value);
void hostile_remove(struct hostile *, const char *leaf);
void hostile_set_state(struct hostile *, unsigned int state);

/* The backend's nodes; 'fallback' if there is none. */
uint32_t hostile_backend_uint(struct hostile *, const char *leaf,
                              uint32_t fallback);
unsigned int hostile_backend_state(struct hostile *);
int hostile_wait_backend(struct hostile *, unsigned int state,
                         unsigned int timeout_ms);
char *hostile_backend_error(struct hostile *);      /* The caller frees. */

/* Fails unless the backend advertises 'feature'. */
int hostile_need(struct hostile *, const char *feature);

/* The steps of an honest connection, and all of them.  Queues, rings and
 * channels are made anew by prepare. */
int hostile_prepare(struct hostile *);
void hostile_write_keys(struct hostile *);
int hostile_connect(struct hostile *);

/* Waits for the answer to state 4: 1 connected, 0 refused, -1 neither. */
int hostile_answer(struct hostile *);

/* Down to Closed on both sides, ready to connect again. */
int hostile_close(struct hostile *);

/* Fails unless the backend cuts us off in time. */
int hostile_wait_cut_off(struct hostile *);

/* Declares that 'name' must have been counted from 'min' to 'max' times;
 * adds up over calls. */
void hostile_expect(struct hostile *, const char *name, uint64_t min,
                    uint64_t max);

/* ring.c: raw rings. */

void hostile_ring_init(struct hostile *, struct hostile_ring *,
                       uint32_t slot_bytes, uint32_t n_slots);
static inline void *
hostile_ring_slot(struct hostile_ring *ring, uint32_t idx)
{
    return ring->page->slots + (idx & (ring->n_slots - 1)) * ring->slot_bytes;
}
void hostile_ring_push(struct hostile_ring *);      /* And an event. */

/* The first queue's Tx ring.  A slot is zero but for its id. */
struct netif_tx_request *hostile_tx(struct hostile *);
struct netif_extra_info *hostile_tx_extra(struct hostile *);
void hostile_tx_push(struct hostile *);

/* Room for 'n' more slots; pushes and settles if there is none. */
int hostile_tx_room(struct hostile *, unsigned int n);

/* Waits until all that was pushed is answered.  -1 if it is not. */
int hostile_tx_settle(struct hostile *);
int hostile_tx_settle_ring(struct hostile *, struct hostile_ring *);

/* Takes what responses there are; does not wait. */
void hostile_tx_take(struct hostile *, struct hostile_ring *);

/* An honest frame of one slot, not pushed; its data is in tx_pages[i]. */
struct netif_tx_request *hostile_tx_frame(struct hostile *, unsigned int i,
                                          uint16_t bytes);

/* Rx: posts 'n' buffers, 'gref(i)' each or rx_pages if null; takes responses
 * back. */
void hostile_rx_post(struct hostile *, unsigned int n,
                     uint32_t (*gref)(struct hostile *, unsigned int i));
void hostile_rx_take(struct hostile *);

/* Posts and takes for 'ms'. */
void hostile_rx_serve(struct hostile *, unsigned int ms,
                      uint32_t (*gref)(struct hostile *, unsigned int i));

/* Control ring: sends one request and waits for its response's status, or
 * returns -1. */
int hostile_ctrl_call(struct hostile *, uint16_t type, uint32_t data0,
                      uint32_t data1, uint32_t data2, uint32_t *data);

/* Pages and grants. */
static inline uint8_t *
hostile_page(struct hostile *h, uint32_t page)
{
    return guest_memory_page(&h->memory, page);
}

static inline struct grant_entry_v1 *
hostile_entry(struct hostile *h, uint32_t gref)
{
    return (struct grant_entry_v1 *) h->memory.base + gref;
}

/* Racing threads: calls 'turn' until it is ended. */
struct hostile_racer {
    pthread_t thread;
    bool stop;
    uint64_t turns;
    struct hostile *h;
    void (*turn)(struct hostile *, uint64_t i);
};
int hostile_race_begin(struct hostile *, struct hostile_racer *,
                       void (*turn)(struct hostile *, uint64_t i));
void hostile_race_end(struct hostile *, struct hostile_racer *);

/* frame.c: frames. */

bool hostile_parse_mac(const char *text, uint8_t mac[6]);

struct hostile_tcp {
    bool v6;
    uint16_t ip_bytes;                  /* As claimed by the IP header. */
    uint8_t tcp_words;                  /* As claimed by the TCP header. */
    uint8_t protocol;
    uint16_t fragment;                  /* IPv4's flags and offset. */
};

/* Header of an Ethernet frame from us to 'dst'; returns its end. */
uint8_t *hostile_ethernet(const struct hostile *, uint8_t *,
                          const uint8_t dst[6], uint16_t type);

/* A TCP frame to our target: headers and 'payload' bytes, honest except for
 * what 'lie' says (null: nothing).  Returns its length. */
unsigned int hostile_tcp_frame(const struct hostile *, uint8_t *, bool v6,
                               unsigned int payload,
                               const struct hostile_tcp *lie);

#endif /* hostile.h */
