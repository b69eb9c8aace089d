/* A frame against each set of checks, and text against the parser.
 *
 * Input: one byte, even: the rest is a frame; odd: the rest is the checks,
 * the MAC and the addresses, separated by newlines. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/fence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)

static const uint8_t own_mac[6] = { 0, 0x16, 0x3e, 0, 0, 1 };

static struct fence
make_fence(bool check_mac, bool check_arp, bool check_ip)
{
    char error[FENCE_ERROR_BYTES];
    struct fence fence;

    CHECK(fence_parse("", "00:16:3e:00:00:01", "10.0.0.1 2001:db8::/64",
                      &fence, error));
    fence.check_mac = check_mac;
    fence.check_arp = check_arp;
    fence.check_ip = check_ip;
    return fence;
}

/* What must hold of an untagged frame that passed all checks, said in another
 * way than fence.c does. */
static void
check_passed(const uint8_t *frame, size_t bytes)
{
    static const uint8_t own_ip[4] = { 10, 0, 0, 1 }, no_ip[4];

    CHECK(bytes >= 14 && !memcmp(frame + 6, own_mac, 6));
    if (frame[12] == 8 && frame[13] == 0) {
        CHECK(bytes >= 34);
        CHECK(!memcmp(frame + 26, own_ip, 4)
              || (!memcmp(frame + 26, no_ip, 4) && frame[23] == 17));
    } else if (frame[12] == 8 && frame[13] == 6) {
        CHECK(bytes >= 42 && !memcmp(frame + 22, own_mac, 6));
        CHECK(!memcmp(frame + 28, own_ip, 4)
              || !memcmp(frame + 28, no_ip, 4));
    } else if (frame[12] == 0x86 && frame[13] == 0xdd) {
        CHECK(bytes >= 54);
        CHECK(frame[22] == 0x20 || frame[22] == 0xfe || frame[22] == 0);
        if (frame[20] == 58 && bytes >= 78 && frame[54] == 136) {
            CHECK(frame[22] != 0);
            CHECK(frame[62] == 0x20 || frame[62] == 0xfe);
        }
    }
}

static void
fuzz_frame(const uint8_t *frame, size_t bytes)
{
    enum vif_drop verdicts[8];

    for (int checks = 0; checks < 8; checks++) {
        struct fence fence = make_fence(checks & 1, checks & 2, checks & 4);

        verdicts[checks] = fence_judge(&fence, frame, bytes);
        switch (verdicts[checks]) {
        case VIF_DROP_TX_RUNT:
            CHECK(checks && bytes < 14);
            break;
        case VIF_DROP_TX_SPOOF_MAC:
            CHECK(checks & 1);
            break;
        case VIF_DROP_TX_SPOOF_ARP:
            CHECK(checks & 2);
            break;
        case VIF_DROP_TX_SPOOF_IP:
            CHECK(checks & 4);
            break;
        case VIF_N_DROPS:
            break;
        default:
            abort();
        }
    }

    /* Several checks pass exactly what each of them passes. */
    for (int checks = 0; checks < 8; checks++) {
        bool each = true;

        for (int bit = 1; bit < 8; bit <<= 1) {
            each &= !(checks & bit) || verdicts[bit] == VIF_N_DROPS;
        }
        CHECK(each == (verdicts[checks] == VIF_N_DROPS));
    }
    if (verdicts[7] == VIF_N_DROPS) {
        check_passed(frame, bytes);
    }
}

static void
fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 3), *lines[3];
    char error[FENCE_ERROR_BYTES];
    struct fence fence, before;

    CHECK(text);
    memcpy(text, data, size);
    memcpy(text + size, "\n\n", 3);
    lines[0] = text;
    for (int i = 0; i < 2; i++) {
        char *end = lines[i] + strcspn(lines[i], "\n");
        lines[i + 1] = *end ? end + 1 : end;
        *end = '\0';
    }

    memset(&fence, 0x5a, sizeof fence);
    before = fence;
    if (!fence_parse(lines[0], lines[1], lines[2], &fence, error)) {
        const char *end = memchr(error, '\0', sizeof error);

        CHECK(end && end > error);
        for (const char *p = error; p < end; p++) {
            CHECK(*p >= ' ' && *p <= '~');
        }
        CHECK(!memcmp(&fence, &before, sizeof fence));
    } else {
        CHECK(fence.n_addresses <= FENCE_ADDRESSES_MAX);
        for (unsigned int i = 0; i < fence.n_addresses; i++) {
            for (int j = 0; j < 16; j++) {
                CHECK(!(fence.addresses[i].bytes[j]
                        & ~fence.addresses[i].mask[j]));
            }
        }
    }
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    if (data[0] % 2) {
        fuzz_text(data + 1, size - 1);
    } else {
        fuzz_frame(data + 1, size - 1);
    }
    return 0;
}
