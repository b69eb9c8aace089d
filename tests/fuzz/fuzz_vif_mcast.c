/* A guest's multicast list, amended by a script, against a plain set. */

#include <string.h>

#include "datapath/vif_mcast.h"
#include "tests/fuzz/script.h"

/* Addresses that scripts use: one bit of each byte, 12 bits in all. */
#define N_ADDRESSES 4096u
#define STEPS_MAX 400

static void
make_address(uint16_t number, uint8_t addr[6])
{
    addr[0] = (number & 1) | (number & 0x800 ? 0xfe : 0x32);
    for (int i = 1; i < 6; i++) {
        addr[i] = (number >> (2 * i - 1) & 3) * 0x55;
    }
}

struct run {
    struct vif_mcast mcast;
    bool set[N_ADDRESSES], wanted;
    unsigned int n;
};

static void
add(struct run *run, uint16_t number)
{
    uint8_t addr[6];

    make_address(number, addr);
    bool known = run->set[number];
    bool ok = addr[0] & 1 && (known || run->n < VIF_MCAST_MAX);
    CHECK(vif_mcast_amend(&run->mcast, true, addr) == ok);
    run->n += ok && !known;
    run->set[number] |= ok;
}

static void
delete(struct run *run, uint16_t number)
{
    uint8_t addr[6];

    make_address(number, addr);
    CHECK(vif_mcast_amend(&run->mcast, false, addr) == run->set[number]);
    run->n -= run->set[number];
    run->set[number] = false;
}

static void
check(const struct run *run, uint16_t number)
{
    uint8_t addr[6];

    make_address(number, addr);
    bool broadcast = !memcmp(addr, "\xff\xff\xff\xff\xff\xff", 6);
    CHECK(vif_mcast_match(&run->mcast, addr)
          == (!(addr[0] & 1) || !run->wanted || broadcast
              || run->set[number]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, size };
    struct run run = { .n = 0 };

    for (int step = 0; in.size && step < STEPS_MAX; step++) {
        uint8_t op = next8(&in);
        uint16_t number = next16(&in) % N_ADDRESSES;

        switch (op % 8) {
        case 0:
        case 1:
        case 2:
            add(&run, number);
            break;
        case 3:
            for (uint16_t i = 0; i < 64; i++) {
                add(&run, (number + i) % N_ADDRESSES);
            }
            break;
        case 4:
        case 5:
            delete(&run, number);
            break;
        case 6:
            run.wanted = op & 8;
            vif_mcast_want(&run.mcast, run.wanted);
            break;
        }

        /* This one, and its neighbours. */
        for (uint16_t i = 0; i < 8; i++) {
            check(&run, (number & ~7u) + i);
        }
        CHECK(run.mcast.n == run.n && run.n <= VIF_MCAST_MAX);
        CHECK(!run.mcast.busy);
    }
    return 0;
}
