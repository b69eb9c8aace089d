/* netdom-hostile: carries out one attack of the table, and says what came of
 * it as one JSON object.  Exit status: 0 the attack was carried out; 2 it
 * could not be. */

#include "tests/hostile/hostile.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#define HONEST_FRAMES 64u

static const struct hostile_attack *const families[] = {
    hostile_index, hostile_race, hostile_slots, hostile_extra, hostile_gso,
    hostile_csum, hostile_grant, hostile_rx, hostile_storm, hostile_keys,
    hostile_ctrl, hostile_mapping, hostile_death, hostile_mcast,
};

static const char *const verdicts[] = {
    [HOSTILE_NOTHING] = "nothing",
    [HOSTILE_DROPS] = "drops",
    [HOSTILE_REFUSED] = "refused",
    [HOSTILE_QUARANTINE] = "quarantine",
    [HOSTILE_EITHER] = "either",
    [HOSTILE_GONE] = "gone",
};

static const char usage[] =
    "netdom-hostile: a guest whose frontend lies to netdom-vswitchd\n"
    "usage: netdom-hostile --run-dir=DIR --name=GUEST --attack=NAME "
    "[OPTION]...\n"
    "       netdom-hostile --list\n\n"
    "  --run-dir=DIR      run folder of netdom-xenlocald\n"
    "  --name=GUEST       name of the domain\n"
    "  --attack=NAME      what to do, once a vif is plugged in\n"
    "  --variant=N        which run of an attack that has several; default 0\n"
    "  --seconds=S        how long races and storms last; default 0.4\n"
    "  --seed=N           of what is random; default 1\n"
    "  --target=MAC       whom to send to; default: itself\n"
    "  --victim=MAC       whom to pretend to be; default: nobody\n"
    "  --stay             go on living after the report, until SIGTERM\n"
    "  --list             print the attacks: name, what must follow, how many\n"
    "                     runs, what dom0 holds it to, what the error node "
    "must say,\n"
    "                     what it does; separated by tabs\n";

static void
list(void)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (const struct hostile_attack *a = families[i]; a->name; a++) {
            printf("%s\t%s\t%u\t%s\t%s\t%s\n", a->name,
                   verdicts[a->verdict], a->n_variants ? a->n_variants : 1,
                   a->policy ? a->policy : "", a->says ? a->says : "",
                   a->does);
        }
    }
}

static const struct hostile_attack *
find(const char *name)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (const struct hostile_attack *a = families[i]; a->name; a++) {
            if (!strcmp(a->name, name)) {
                return a;
            }
        }
    }
    return NULL;
}

static void
print_string(const char *name, const char *text)
{
    printf("\"%s\":\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            printf("\\%c", *text);
        } else if ((unsigned char) *text >= ' ') {
            putchar(*text);
        }
    }
    printf("\",");
}

static void
print_number(const char *name, uint64_t value)
{
    printf("\"%s\":%"PRIu64",", name, value);
}

/* 'again' is the state of the backend after an honest frontend came back;
 * 0: none did. */
static void
report(struct hostile *h, const struct hostile_attack *attack, bool done,
       const char *error, unsigned int state, unsigned int again)
{
    printf("{");
    print_string("attack", attack->name);
    print_number("variant", h->variant);
    printf("\"done\":%s,", done ? "true" : "false");
    print_string("why", done ? "" : h->why);
    print_number("domid", h->domain.domid);
    print_number("frames", h->frames);
    print_number("turns", h->turns);
    print_number("okay", h->okay);
    print_number("error_answers", h->error);
    print_number("null", h->null);
    print_number("strange", h->strange);
    print_number("wrong_ids", h->wrong_ids);
    print_number("received", h->received);
    print_number("refused", h->refused);
    print_number("connected", h->connected);
    print_string("error", error ? error : "");
    print_number("state", state);
    print_number("again", again);
    printf("\"accounted\":%s,\"drops\":{", h->accounted ? "true" : "false");
    for (unsigned int i = 0; i < h->n_expects; i++) {
        printf("%s\"%s\":[%"PRIu64",%"PRIu64"]", i ? "," : "",
               h->expect[i].name, h->expect[i].min, h->expect[i].max);
    }
    printf("}}\n");
    fflush(stdout);
}

/* An honest frontend on the same vif.  Returns the backend's state then:
 * Connected only if frames pass as well. */
static unsigned int
come_back(struct hostile *h, bool may)
{
    h->n_queues = 1;
    h->with_ctrl = false;
    if (!may) {
        hostile_set_state(h, XenbusStateClosed);
        hostile_set_state(h, XenbusStateInitialising);
        hostile_sleep_ms(30);
        hostile_set_state(h, XenbusStateConnected);
        hostile_sleep_ms(30);
        return hostile_backend_state(h);
    }

    uint64_t okay = h->okay, frames = h->frames, connected = h->connected;
    int refused = hostile_close(h) || hostile_connect(h);
    h->connected = connected;
    if (refused) {
        return hostile_backend_state(h) == XenbusStateConnected
               ? XenbusStateUnknown : hostile_backend_state(h);
    }
    for (unsigned int i = 0; i < HONEST_FRAMES; i++) {
        guest_memory_grant(&h->memory, h->tx_pages[i], h->backend_domid,
                           true);
        hostile_ethernet(h, hostile_page(h, h->tx_pages[i]), h->mac, 0x88b5);
        hostile_tx_frame(h, i, 60);
    }
    hostile_tx_push(h);
    int error = hostile_tx_settle(h);
    bool passed = h->okay == okay + HONEST_FRAMES;
    h->okay = okay;
    h->frames = frames;
    if (error || !passed) {
        hostile_fail(h, "honest frames do not pass afterwards");
        return XenbusStateUnknown;
    }
    return XenbusStateConnected;
}

static int
carry_out(struct hostile *h, const struct hostile_attack *attack)
{
    if (hostile_wait_plugged(h) || attack->run(h)) {
        report(h, attack, false, "", 0, 0);
        return 2;
    }

    if (attack->verdict == HOSTILE_EITHER) {
        hostile_sleep_ms(30);           /* The verdict may be on its way. */
    }
    char *error = hostile_backend_error(h);
    bool cut_off = error && strstr(error, "breaking the protocol");
    if (cut_off) {
        hostile_wait_cut_off(h);
    }
    unsigned int state = hostile_backend_state(h);
    unsigned int again = come_back(h, !cut_off);
    report(h, attack, true, error, state, again);
    free(error);
    return 0;
}

int
main(int argc, char *argv[])
{
    enum { RUN_DIR = 1, NAME, ATTACK, VARIANT, SECONDS, SEED, TARGET, VICTIM,
           STAY, LIST, HELP };
    static const struct option options[] = {
        { "run-dir", required_argument, NULL, RUN_DIR },
        { "name", required_argument, NULL, NAME },
        { "attack", required_argument, NULL, ATTACK },
        { "variant", required_argument, NULL, VARIANT },
        { "seconds", required_argument, NULL, SECONDS },
        { "seed", required_argument, NULL, SEED },
        { "target", required_argument, NULL, TARGET },
        { "victim", required_argument, NULL, VICTIM },
        { "stay", no_argument, NULL, STAY },
        { "list", no_argument, NULL, LIST },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    static struct hostile h = { .seconds = 0.4, .random = 1 };
    const struct hostile_attack *attack = NULL;
    const char *run_dir = NULL, *name = NULL;
    bool stay = false;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case RUN_DIR: run_dir = optarg; break;
        case NAME: name = optarg; break;
        case ATTACK: attack = find(optarg); break;
        case VARIANT: h.variant = atoi(optarg); break;
        case SECONDS: h.seconds = atof(optarg); break;
        case SEED: h.random = strtoull(optarg, NULL, 0); break;
        case STAY: stay = true; break;
        case LIST: list(); return 0;
        case HELP: fputs(usage, stdout); return 0;
        case TARGET: hostile_parse_mac(optarg, h.target); break;
        case VICTIM: hostile_parse_mac(optarg, h.victim); break;
        default: return 2;
        }
    }
    if (!run_dir || !name || !attack) {
        fputs("netdom-hostile: give --run-dir, --name and an --attack of "
              "--list\n", stderr);
        return 2;
    }

    int status = 2;
    if (hostile_init(&h, run_dir, name)) {
        report(&h, attack, false, "", 0, 0);
    } else {
        status = carry_out(&h, attack);
    }
    if (stay) {
        pause();
    }
    hostile_finish(&h);
    return status;
}
