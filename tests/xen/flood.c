/* In a guest of the bench: datagrams without end, of many flows, as fast as the
 * network takes them; what it does not take is not waited for. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DATAGRAM_BYTES 1400
#define FLOWS_MAX 64
#define FIRST_PORT 20000
#define NAP_NS 1000000

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int
open_flow(unsigned int number)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET, .sin_port = htons(FIRST_PORT + number),
    };
    int on = 1, bytes = 16 * DATAGRAM_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return bind(fd, (struct sockaddr *) &from, sizeof from) ? -1 : fd;
}

int
main(int argc, char *argv[])
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
    unsigned int n_flows = argc == 4 ? atoi(argv[2]) : 0;
    static const char datagram[DATAGRAM_BYTES];
    unsigned long n_sent = 0;
    int fds[FLOWS_MAX];

    if (!n_flows || n_flows > FLOWS_MAX
        || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: flood ADDRESS FLOWS SECONDS\n");
        return 2;
    }
    for (unsigned int i = 0; i < n_flows; i++) {
        fds[i] = open_flow(i);
        if (fds[i] < 0) {
            printf("flow %u: %s\n", i, strerror(errno));
            return 2;
        }
    }
    for (double until_s = now_s() + atof(argv[3]); now_s() < until_s;) {
        unsigned long before = n_sent;

        for (unsigned int i = 0; i < n_flows; i++) {
            n_sent += sendto(fds[i], datagram, sizeof datagram, MSG_DONTWAIT,
                             (struct sockaddr *) &to, sizeof to)
                      == sizeof datagram;
        }
        if (n_sent == before) {
            struct timespec nap = { 0, NAP_NS };

            nanosleep(&nap, NULL);
        }
    }
    printf("%lu\n", n_sent);
    return 0;
}
