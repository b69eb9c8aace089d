/* bench-sink: what comes out of an uplink, counted as netdom-guest's sink does.
 *
 * usage: bench-sink IFNAME GENERATOR FILE
 *
 * Reads the frames of one generator from an interface, in the kernel's filter
 * by where they go to, which is 02:4e:44:00: and the generator's number.  FILE
 * gets a line for each fiftieth of a second until SIGTERM, a JSON object:
 * begin_ns and end_ns (CLOCK_MONOTONIC), frames, lost (of sequence numbers that
 * were passed in this time; below 0 if some came late), and delays, as in
 * netdom-guest's report. */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/guest/histogram.h"
#include "tools/guest/packet.h"
#include "tools/guest/probe.h"
#include "tools/guest/sequence.h"

#define SLICE_NS 20000000
#define BUFFER_BYTES (4 << 20)

/* Of the slice that is under way. */
struct slice {
    uint64_t begin_ns;
    uint64_t n_frames;
    uint64_t n_lost;                    /* Of all slices before. */
    struct histogram delays_ns;
};

static struct sequence sequence;
static struct slice slice;

static uint64_t
clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void
fail(const char *what)
{
    fprintf(stderr, "bench-sink: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int
open_socket(const char *interface, uint16_t generator)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x024e4400, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, generator, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, PACKET_HEAD_BYTES),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = { sizeof code / sizeof code[0], code };
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(interface),
    };
    struct timeval patience = { .tv_usec = SLICE_NS / 1000 };
    int bytes = BUFFER_BYTES;
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (fd < 0 || !address.sll_ifindex
        || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
                      sizeof filter)
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)
        || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes)
        || bind(fd, (struct sockaddr *) &address, sizeof address)) {
        fail(interface);
    }
    return fd;
}

/* The slice is over; the next begins. */
static void
tell(FILE *file, uint64_t now_ns)
{
    const struct histogram *h = &slice.delays_ns;
    uint64_t n_lost = sequence_lost(&sequence);
    const char *sep = "";

    fprintf(file, "{\"begin_ns\":%"PRIu64",\"end_ns\":%"PRIu64
            ",\"frames\":%"PRIu64",\"lost\":%"PRId64",\"delays\":[",
            slice.begin_ns, now_ns, slice.n_frames,
            (int64_t) (n_lost - slice.n_lost));
    for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->counts[i]) {
            fprintf(file, "%s[%"PRIu64",%"PRIu64"]", sep,
                    histogram_bucket_end(i), h->counts[i]);
            sep = ",";
        }
    }
    fprintf(file, "]}\n");
    if (fflush(file)) {
        fail("cannot write");
    }
    slice.begin_ns = now_ns;
    slice.n_frames = 0;
    slice.n_lost = n_lost;
    histogram_init(&slice.delays_ns);
}

static void
count(const uint8_t *head, size_t bytes, uint16_t generator, uint64_t now_ns)
{
    struct packet packet;
    struct probe probe;

    packet_parse(head, bytes, &packet);
    if (probe_decode(head, bytes, &packet, &probe)
        && probe.generator == generator) {
        slice.n_frames++;
        sequence_add(&sequence, probe.sequence);
        if (probe.sent_ns <= now_ns) {
            histogram_add(&slice.delays_ns, now_ns - probe.sent_ns);
        }
    }
}

int
main(int argc, char *argv[])
{
    uint8_t head[PACKET_HEAD_BYTES];

    if (argc != 4) {
        fprintf(stderr, "usage: bench-sink IFNAME GENERATOR FILE\n");
        return 2;
    }
    uint16_t generator = atoi(argv[2]);
    int fd = open_socket(argv[1], generator);

    FILE *file = fopen(argv[3], "w");
    if (!file) {
        fail(argv[3]);
    }
    sequence_init(&sequence);
    histogram_init(&slice.delays_ns);
    slice.begin_ns = clock_ns();
    for (;;) {
        ssize_t n = recv(fd, head, sizeof head, 0);
        uint64_t now_ns = clock_ns();

        if (n > 0) {
            count(head, n, generator, now_ns);
        } else if (n < 0 && errno != EAGAIN && errno != EINTR
                   && errno != ENETDOWN) {
            fail(argv[1]);
        }
        if (now_ns - slice.begin_ns >= SLICE_NS) {
            tell(file, now_ns);
        }
    }
}
