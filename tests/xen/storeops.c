/* Random operations on a xenstore, and what came of each, for two stores to be
 * compared: the same seed does the same to each.
 *
 *     netdom-xen-storeops BASE SEED N [--no-watches]
 *
 * works below BASE, which is there and is ours, and prints a line for each
 * operation, and one for each event.  In a guest Linux is in between and keeps
 * watches itself: there are none with --no-watches.  Domains' numbers differ
 * between the stores, so that ours is printed as "self".  Exit status: 0,
 * whatever the store said; 2, it could not run. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#define N_TXNS 3
#define PATH_BYTES 4096
#define N_EVENTS 4096

static struct xs_handle *xs;
static const char *base;
static bool watches = true;
static unsigned int self;
static xs_transaction_t txns[N_TXNS];
static unsigned long long state;

/* Marsaglia, Xorshift RNGs (2003). */
static unsigned int
below(unsigned int n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % n;
}

/* Most are below 'base'; some no store takes. */
static const char *
pick_path(char path[PATH_BYTES])
{
    static const char *const bad[] = {
        "", "/", "//", "a//b", "a/", "a b", "a\tb", "a/\303\244", "@a",
        "data//",
    };
    static const char *const names[] = { "a", "b", "c", "A-1_2@x" };

    if (!below(25)) {
        const char *odd = bad[below(sizeof bad / sizeof bad[0])];
        bool under = below(2);

        snprintf(path, PATH_BYTES, "%s%s%s", under ? base : "",
                 under ? "/" : "", odd);
        return path;
    }
    if (!below(100)) {
        /* Around the longest that there may be, relative and absolute. */
        unsigned int n = (below(2) ? 2048 : 3072) - 2 + below(4);

        snprintf(path, PATH_BYTES, "%s/", base);
        for (size_t i = strlen(path); i < n; i++) {
            path[i] = 'x';
            path[i + 1] = '\0';
        }
        return path;
    }
    snprintf(path, PATH_BYTES, "%s", base);
    for (unsigned int depth = below(4); depth > 0; depth--) {
        strcat(path, "/");
        strcat(path, names[below(4)]);
    }
    return path;
}

static xs_transaction_t
pick_txn(int *which)
{
    *which = (int) below(2 * N_TXNS) - N_TXNS;
    if (*which < 0 || txns[*which] == XBT_NULL) {
        *which = -1;
        return XBT_NULL;
    }
    return txns[*which];
}

static void
print_text(const char *text, unsigned int n)
{
    putchar('"');
    for (unsigned int i = 0; i < n && i < 80; i++) {
        unsigned char c = text[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            printf("\\%03o", c);
        } else {
            putchar(c);
        }
    }
    printf("\"%s", n > 80 ? "..." : "");
}

static void
print_path(const char *path)
{
    size_t n = strlen(path);

    if (!strncmp(path, base, strlen(base))) {
        path += strlen(base);
        printf("BASE");
    }
    if (n > 200) {
        printf("(%zu bytes)", n);
    } else {
        print_text(path, strlen(path));
    }
}

static void
print_status(bool ok)
{
    printf(" -> %s\n", ok ? "ok" : strerror(errno));
}

static void
print_domid(unsigned int domid)
{
    if (domid == self) {
        printf("self");
    } else {
        printf("%u", domid);
    }
}

/* The operations. */

static void
do_write(const char *path, xs_transaction_t t)
{
    static char value[5000];
    unsigned int n = (!below(40) ? 2040 + below(16)
                      : !below(60) ? 4096 - below(100) : below(12));

    for (unsigned int i = 0; i < n; i++) {
        value[i] = below(10) ? 'a' + below(26) : below(256);
    }
    print_status(xs_write(xs, t, path, value, n));
}

static void
do_read(const char *path, xs_transaction_t t)
{
    unsigned int n;
    char *value = xs_read(xs, t, path, &n);

    if (value) {
        printf(" -> %u ", n);
        print_text(value, n);
        putchar('\n');
    } else {
        print_status(false);
    }
    free(value);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* A store may keep children in any order. */
static void
do_directory(const char *path, xs_transaction_t t)
{
    unsigned int n;
    char **names = xs_directory(xs, t, path, &n);

    if (!names) {
        print_status(false);
        return;
    }
    qsort(names, n, sizeof *names, by_name);
    printf(" ->");
    for (unsigned int i = 0; i < n; i++) {
        putchar(' ');
        print_text(names[i], strlen(names[i]));
    }
    putchar('\n');
    free(names);
}

static void
do_get_permissions(const char *path, xs_transaction_t t)
{
    unsigned int n;
    struct xs_permissions *perms = xs_get_permissions(xs, t, path, &n);

    if (!perms) {
        print_status(false);
        return;
    }
    printf(" ->");
    for (unsigned int i = 0; i < n; i++) {
        printf(" %u:", perms[i].perms);
        print_domid(perms[i].id);
    }
    putchar('\n');
    free(perms);
}

static void
do_set_permissions(const char *path, xs_transaction_t t)
{
    struct xs_permissions perms[7];
    unsigned int n = 1 + below(below(10) ? 3 : 7);

    for (unsigned int i = 0; i < n; i++) {
        static const unsigned int ids[] = { 0, 77, 78 };

        perms[i].id = below(2) ? self : ids[below(3)];
        perms[i].perms = below(4);
        printf(" %u:", perms[i].perms);
        print_domid(perms[i].id);
    }
    print_status(xs_set_permissions(xs, t, path, perms, n));
}

static void
do_txn(void)
{
    unsigned int i = below(N_TXNS);

    if (txns[i] == XBT_NULL) {
        txns[i] = xs_transaction_start(xs);
        printf("transaction %u start", i);
        print_status(txns[i] != XBT_NULL);
    } else {
        bool gives_up = below(4) == 0;
        bool ok = xs_transaction_end(xs, txns[i], gives_up);

        printf("transaction %u %s", i, gives_up ? "abort" : "commit");
        print_status(ok);
        txns[i] = XBT_NULL;
    }
}

static void
do_watch(const char *path)
{
    char token[8];
    bool on = below(3);

    snprintf(token, sizeof token, "t%u", below(3));
    printf("%s ", on ? "watch" : "unwatch");
    print_path(path);
    printf(" %s", token);
    print_status(on ? xs_watch(xs, path, token) : xs_unwatch(xs, path, token));
}

static void
do_one(void)
{
    static const struct {
        const char *name;
        void (*run)(const char *path, xs_transaction_t);
        unsigned int weight;
    } ops[] = {
        { "write", do_write, 8 }, { "read", do_read, 6 },
        { "directory", do_directory, 4 },
        { "permissions", do_get_permissions, 3 },
        { "set", do_set_permissions, 2 },
    };
    char path[PATH_BYTES];
    unsigned int kind = below(32);
    int which;

    pick_path(path);
    if (kind < 4) {
        do_txn();
        return;
    } else if (kind < 6) {
        if (watches) {
            do_watch(path);
        }
        return;
    }

    xs_transaction_t t = pick_txn(&which);

    if (kind < 9) {
        bool makes = kind < 8;

        printf("%s %d ", makes ? "mkdir" : "rm", which);
        print_path(path);
        print_status(makes ? xs_mkdir(xs, t, path) : xs_rm(xs, t, path));
        return;
    }
    kind -= 9;
    for (unsigned int i = 0; i < 5; i++) {
        if (kind < ops[i].weight) {
            printf("%s %d ", ops[i].name, which);
            print_path(path);
            ops[i].run(path, t);
            return;
        }
        kind -= ops[i].weight;
    }
}

static int
by_event(const void *a_, const void *b_)
{
    char **a = *(char **const *) a_, **b = *(char **const *) b_;
    int order = strcmp(a[XS_WATCH_PATH], b[XS_WATCH_PATH]);

    return order ? order : strcmp(a[XS_WATCH_TOKEN], b[XS_WATCH_TOKEN]);
}

/* An answer comes after the events that were there before.  A store may bring
 * those of one operation in any order. */
static void
print_events(void)
{
    static char **events[N_EVENTS];
    unsigned int n = 0;

    free(xs_get_domain_path(xs, 0));
    while (n < N_EVENTS && (events[n] = xs_check_watch(xs))) {
        n++;
    }
    qsort(events, n, sizeof events[0], by_event);
    for (unsigned int i = 0; i < n; i++) {
        printf("  event ");
        print_path(events[i][XS_WATCH_PATH]);
        printf(" %s\n", events[i][XS_WATCH_TOKEN]);
        free(events[i]);
    }
}

int
main(int argc, char *argv[])
{
    if (argc == 5 && !strcmp(argv[4], "--no-watches")) {
        watches = false;
        argc--;
    }
    if (argc != 4 || !(xs = xs_open(0))) {
        fprintf(stderr, "storeops: BASE SEED N [--no-watches], and a"
                " xenstore\n");
        return 2;
    }
    base = argv[1];
    state = strtoull(argv[2], NULL, 0) * 2654435761u + 1;

    char *domid = xs_read(xs, XBT_NULL, "domid", NULL);
    self = domid ? atoi(domid) : 0;
    free(domid);
    for (int i = 0; i < atoi(argv[3]); i++) {
        do_one();
        print_events();
    }
    return 0;
}
