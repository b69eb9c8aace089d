/* In a guest of the bench: sends so many bytes over TCP, or receives and judges
 * them.  Each byte follows from where it stands, so that nothing need be kept
 * to compare with, and the first that is wrong has an offset. */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PART_BYTES 65536u
#define PATIENCE_S 30

static uint8_t wanted[PART_BYTES], got[PART_BYTES];

/* What stands at 'offset', a multiple of 8 (SplitMix64; Steele et al., OOPSLA
 * 2014). */
static uint64_t
word_at(uint64_t offset)
{
    uint64_t z = (offset / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
fill(uint64_t offset)
{
    for (uint32_t i = 0; i < PART_BYTES; i += 8) {
        uint64_t word = word_at(offset + i);

        memcpy(wanted + i, &word, 8);
    }
}

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int
fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    return 2;
}

static size_t
part_of(uint64_t done, uint64_t bytes)
{
    uint64_t in_part = PART_BYTES - done % PART_BYTES;

    return in_part < bytes - done ? in_part : bytes - done;
}

static int
send_all(int fd, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        uint32_t at = done % PART_BYTES;

        if (!at) {
            fill(done);
        }
        ssize_t n = send(fd, wanted + at, part_of(done, bytes), MSG_NOSIGNAL);
        if (n <= 0) {
            return fail("send");
        }
        done += n;
    }
    /* Over when the other has all of it. */
    shutdown(fd, SHUT_WR);
    return recv(fd, got, 1, 0) == 1 ? 0 : fail("no answer");
}

static int
receive_all(int fd, uint64_t bytes)
{
    uint64_t done = 0;

    for (;;) {
        uint32_t at = done % PART_BYTES;
        ssize_t n = recv(fd, got, done < bytes ? part_of(done, bytes) : 1, 0);

        if (n < 0) {
            return fail("recv");
        } else if (!n) {
            break;
        }
        if (!at) {
            fill(done);
        }
        for (ssize_t i = 0; i < n; i++) {
            if (done >= bytes || got[i] != wanted[at + i]) {
                printf("byte %" PRIu64 " is %02x, not %02x\n", done, got[i],
                       wanted[(at + i) % PART_BYTES]);
                return 1;
            }
            done++;
        }
    }
    if (done < bytes) {
        printf("only %" PRIu64 " bytes\n", done);
        return 1;
    }
    return send(fd, "", 1, MSG_NOSIGNAL) == 1 ? 0 : fail("send");
}

static int
usage(void)
{
    fprintf(stderr, "usage: stream send ADDRESS PORT BYTES\n"
            "       stream receive PORT BYTES\n");
    return 2;
}

int
main(int argc, char *argv[])
{
    bool sends = argc == 5 && !strcmp(argv[1], "send");
    struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_in to = { .sin_family = AF_INET };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (!sends && (argc != 4 || strcmp(argv[1], "receive"))) {
        return usage();
    }
    to.sin_port = htons(atoi(argv[argc - 2]));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (sends) {
        if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
            return usage();
        }
        if (connect(fd, (struct sockaddr *) &to, sizeof to)) {
            return fail("connect");
        }
    } else {
        if (bind(fd, (struct sockaddr *) &to, sizeof to) || listen(fd, 1)) {
            return fail("listen");
        }
        fd = accept(fd, NULL, NULL);
        if (fd < 0) {
            return fail("accept");
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }

    uint64_t bytes = strtoull(argv[argc - 1], NULL, 10);
    double begun_s = now_s();
    int error = sends ? send_all(fd, bytes) : receive_all(fd, bytes);
    if (!error) {
        printf("%.2f\n", now_s() - begun_s);
    }
    return error;
}
