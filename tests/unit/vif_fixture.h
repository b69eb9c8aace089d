/* A connected queue on a fake Xen, for the tests of vif_conn; wrong results
 * fail the running cmocka test. */

#ifndef TESTS_UNIT_VIF_FIXTURE_H
#define TESTS_UNIT_VIF_FIXTURE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_judge.h"
#include "tests/fakes/vif_front.h"
#include "tests/fakes/xen_ops_fake.h"

#define OWN_DOMID 1
#define GUEST_DOMID 7
#define ROOM_BYTES 9000u
#define N_BUFFERS VIF_BURST_FRAMES
#define BIG_ROOM_BYTES 65535u
#define N_BIG_BUFFERS 4u

/* A connected queue and the guest on its other end. */
struct fixture {
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_front front;
    struct vif_frontend frontend;
    struct vif_journal *journal;
    struct vif_conn *conn;
    struct vif_stats stats;
    struct vif_gate gate;
    struct qos_node limit;              /* With limit_fixture(). */
    struct qos_leaf leaf;
    struct xen_region region;
    struct vif_frame frames[N_BUFFERS];
    struct vif_supply supply;
    uint16_t next_id;
};

/* (Re)connects to 'f->frontend'. */
int connect_fixture(struct fixture *);
void disconnect_fixture(struct fixture *);

/* 'index' is where the rings' indices start. */
void open_fixture(struct fixture *, uint32_t index, bool split_ports,
                  bool can_sg);
void close_fixture(struct fixture *);

/* From now on frames from the guest are limited; the limit is full. */
void limit_fixture(struct fixture *, uint64_t rate_bps, uint64_t burst_bytes);
int64_t fixture_credit(const struct fixture *);

/* What frame 'i' holds now. */
const uint8_t *frame_data(const struct fixture *, unsigned int i);

/* Grants a page full of 'fill', read-only. */
uint32_t page_of(struct fixture *, int fill);

/* Puts a Tx request; ids count up from 0. */
void put(struct fixture *, uint32_t gref, uint16_t offset, uint16_t size,
         uint16_t flags);

/* Puts an extra; 'more': another one follows. */
void put_gso(struct fixture *, uint8_t type, uint16_t size, bool more);
void put_mcast(struct fixture *, uint8_t type, uint8_t last_byte, bool more);

/* Puts a frame of 'n_slots' times 4000 bytes, to be segmented. */
void put_big(struct fixture *, uint32_t gref, unsigned int n_slots,
             uint8_t type, uint16_t size);

/* A Tx burst into fresh buffers, of at most 'n' frames. */
int burst(struct fixture *);
int burst_n(struct fixture *, unsigned int n);

/* The next Tx response; 'id' -1: any. */
void expect_response(struct fixture *, int id, int status);
void expect_no_response(struct fixture *);

/* The next burst finds malice, answers nothing, and so it stays. */
void expect_malice(struct fixture *);

/* Posts 'n' Rx buffers, each a page of its own; ids count up from 500. */
unsigned int post_rx(struct fixture *, unsigned int n, uint32_t *grefs);

/* Makes frame 'i' one for the guest, all of it 'fill'. */
void fill_frame(struct fixture *, unsigned int i, uint32_t bytes, int fill);

/* The guest's page behind 'gref'. */
const uint8_t *guest_data(const struct fixture *, uint32_t gref);

uint64_t total_drops(const struct fixture *);

#endif /* tests/unit/vif_fixture.h */
