/* In a guest of the bench: runs what dom0 asks for, one command after the
 * other, and says what came of it.  Both through the guest's folder in xenstore:
 * data/run holds a number, a space and a command for sh; data/done then holds
 * the number, the exit status, and the last of what the command printed.  A loop
 * of a shell in the guest would fork without end. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenstore.h>

#define OUT_BYTES 1500

static void
put(struct xs_handle *xs, const char *path, const char *text)
{
    xs_write(xs, XBT_NULL, path, text, strlen(text));
}

/* Runs 'command'; '*out' gets the end of what it printed. */
static int
run(const char *command, char out[OUT_BYTES + 1])
{
    FILE *child = popen(command, "r");
    size_t n = 0, got;
    char part[OUT_BYTES];

    while (child && (got = fread(part, 1, sizeof part, child)) > 0) {
        size_t keep = n + got > OUT_BYTES ? OUT_BYTES - got : n;

        memmove(out, out + n - keep, keep);
        memcpy(out + keep, part, got);
        n = keep + got;
    }
    out[n] = '\0';

    int status = child ? pclose(child) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
main(void)
{
    struct xs_handle *xs = xs_open(0);
    static char out[OUT_BYTES + 1], answer[OUT_BYTES + 64];
    unsigned long last = 0;

    if (!xs || !xs_watch(xs, "data/run", "run")) {
        fprintf(stderr, "agent: no xenstore\n");
        return 2;
    }
    put(xs, "data/agent", "ready");
    for (;;) {
        unsigned int n;
        char **event = xs_read_watch(xs, &n);
        char *text = xs_read(xs, XBT_NULL, "data/run", &n);
        char *command = NULL;
        unsigned long number = text ? strtoul(text, &command, 10) : 0;

        if (number > last) {
            last = number;
            int status = run(command, out);
            snprintf(answer, sizeof answer, "%lu %d %s", number, status, out);
            put(xs, "data/done", answer);
        }
        free(text);
        free(event);
    }
}
