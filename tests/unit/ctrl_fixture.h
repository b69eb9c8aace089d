/* A VIF of several queues with a control ring, on a fake Xen with a clock of
 * its own, for the tests of vif_ctrl; wrong results fail the running cmocka
 * test. */

#ifndef TESTS_UNIT_CTRL_FIXTURE_H
#define TESTS_UNIT_CTRL_FIXTURE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_ctrl.h"
#include "datapath/vif_journal.h"
#include "tests/fakes/ctrl_front.h"
#include "tests/fakes/vif_front.h"

#define CTRL_RETIRED_MAX 64u

struct ctrl_fixture {
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_front fronts[VIF_QUEUES_MAX];
    struct ctrl_front front;
    struct vif_frontend frontend;
    struct vif_journal *journal;
    struct vif_conn *queues[VIF_QUEUES_MAX];
    struct vif_ctrl *ctrl;
    uint64_t now_ns;

    /* A page of the guest for tables and lists, which may be written. */
    uint8_t *table;
    uint32_t table_gref;

    /* What was handed over. */
    struct vif_hash hash;
    unsigned int n_set_hash;
    struct {
        void (*done)(void *);
        void *arg;
    } retired[CTRL_RETIRED_MAX];
    unsigned int n_retired;
};

/* 'index' is where the rings' indices start. */
void open_ctrl(struct ctrl_fixture *, unsigned int n_queues, uint32_t index);
void close_ctrl(struct ctrl_fixture *);

/* Opens only the control ring (again). */
int connect_ctrl(struct ctrl_fixture *);

/* Enough time for a next turn passes, and it runs. */
uint64_t turn(struct ctrl_fixture *);

/* No polling thread holds what was retired any more. */
void finish_retired(struct ctrl_fixture *);

/* Puts a request and runs; the answer must be there.  Returns its status, and
 * its data in '*data', unless that is null. */
uint32_t ask(struct ctrl_fixture *, uint16_t type, uint32_t data0,
             uint32_t data1, uint32_t data2, uint32_t *data);

/* The next answer; none. */
void expect_answer(struct ctrl_fixture *, uint16_t id, uint16_t type,
                   uint32_t status, uint32_t data);
void expect_no_answer(struct ctrl_fixture *);

#endif /* tests/unit/ctrl_fixture.h */
