#include <config.h>
#include "tools/guest/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command-line.h"
#include "daemon.h"
#include "dirs.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"

#include "tools/guest/tx_path.h"
#include "tools/guest/usage.h"
#include "xenlocal/xenlocal.h"

#define EXIT_USAGE 2
#define RUN_DIR "/run/netdom"
#define BUSY_POLL_US_MAX 10000
#define DEVID_MAX 1023

OVS_NO_RETURN OVS_PRINTF_FORMAT(1, 2)
static void
die(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; --help lists the options\n", stderr);
    exit(EXIT_USAGE);
}

static uint32_t
parse_uint(const char *option, const char *text, unsigned int max)
{
    unsigned int n;

    if (!str_to_uint(text, 10, &n) || n > max) {
        die("%s=%s: expected a number from 0 to %u", option, text, max);
    }
    return n;
}

static void
parse_mac(struct guest_options *o, const char *text)
{
    struct eth_addr ea;

    if (!eth_addr_from_string(text, &ea) || eth_addr_is_multicast(ea)) {
        die("--mac=%s: expected an address like 02:00:00:00:00:01", text);
    }
    memcpy(o->mac, ea.ea, sizeof o->mac);
    o->has_mac = true;
}

/* The key as hexadecimal digits; without, the default one. */
static void
parse_hash(struct control_wishes *c, const char *text)
{
    memset(c->hash_key, 0, sizeof c->hash_key);
    c->hash = true;
    if (!text) {
        memcpy(c->hash_key, toeplitz_default_key, sizeof c->hash_key);
        c->hash_key_bytes = sizeof c->hash_key;
        return;
    }

    size_t n = strlen(text);
    bool ok = n && n % 2 == 0 && n / 2 <= sizeof c->hash_key;
    for (size_t i = 0; ok && i < n / 2; i++) {
        c->hash_key[i] = hexits_value(text + 2 * i, 2, &ok);
    }
    if (!ok) {
        die("--hash=%s: expected up to %zu bytes as hexadecimal digits",
            text, sizeof c->hash_key);
    }
    c->hash_key_bytes = n / 2;
}

/* A folder relative to where we were started stays what it was when the
 * daemon changes to "/". */
static char *
absolute(const char *name)
{
    return abs_file_name(NULL, name);
}

static void
check_name(const char *name)
{
    size_t n = strlen(name);

    if (!n || n >= XENLOCAL_NAME_BYTES
        || strspn(name, "abcdefghijklmnopqrstuvwxyz"
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n
        || name[0] == '.') {
        die("--name=%s: expected at most %d letters, digits, '.', '_' and "
            "'-'", name, XENLOCAL_NAME_BYTES - 1);
    }
}

/* Fills in what follows from other options, and checks that they fit. */
static void
complete(struct guest_options *o, bool default_pidfile)
{
    if (!o->name) {
        die("--name=NAME is missing: what is the guest called?");
    }
    check_name(o->name);
    if (!o->tap.name && !o->pktgen && !o->sink) {
        die("say what stands behind the vif: --tap=NAME, --pktgen=SPEC or "
            "--sink");
    }
    if (o->tap.name && (o->pktgen || o->sink)) {
        die("--tap goes with neither --pktgen nor --sink");
    }
    if (!o->tap.name && (o->tap.netns || o->tap.n_addresses || o->tap.mtu
                         || o->tap.tx_queue_len)) {
        die("--netns, --address, --mtu and --txqueuelen are about --tap");
    }
    o->tap.mac = o->has_mac ? o->mac : NULL;
    o->tap.addresses = o->addresses;

    if (!o->run_dir && o->xen_dir) {
        o->run_dir = dir_name(o->xen_dir);
    } else if (!o->run_dir) {
        o->run_dir = xstrdup(RUN_DIR);
    }
    if (!o->xen_dir) {
        o->xen_dir = xasprintf("%s/xen", o->run_dir);
    }

    char *dir = xasprintf("%s/guests", o->run_dir);
    if (mkdir(dir, 0755) && errno != EEXIST) {
        die("%s: cannot create (%s); does %s exist, and may you write "
            "there?", dir, ovs_strerror(errno), o->run_dir);
    }
    if (!o->unixctl) {
        o->unixctl = xasprintf("%s/%s.ctl", dir, o->name);
    }
    if (default_pidfile) {
        char *pidfile = xasprintf("%s/%s.pid", dir, o->name);
        set_pidfile(pidfile);
        free(pidfile);
    }
    free(dir);
}

void
guest_options_parse(struct guest_options *o, int argc, char *argv[])
{
    enum {
        OPT_NAME = UCHAR_MAX + 1, OPT_RUN_DIR, OPT_XEN_DIR, OPT_DEVID,
        OPT_SHARED_EVTCHN, OPT_QUEUES, OPT_NO_SG, OPT_NO_GSO, OPT_NO_CSUM,
        OPT_NO_RX_NOTIFY, OPT_HASH, OPT_PERSISTENT_GRANTS,
        OPT_MULTICAST_CONTROL, OPT_XDP_HEADROOM, OPT_BUSY_POLL, OPT_TAP,
        OPT_NETNS, OPT_MAC, OPT_MTU, OPT_TXQUEUELEN, OPT_ADDRESS, OPT_PKTGEN,
        OPT_SINK, OPT_JSON, OPT_OUTPUT, OPT_UNIXCTL,
        VLOG_OPTION_ENUMS,
        DAEMON_OPTION_ENUMS,
    };
    static const struct option long_options[] = {
        { "name", required_argument, NULL, OPT_NAME },
        { "run-dir", required_argument, NULL, OPT_RUN_DIR },
        { "xen-dir", required_argument, NULL, OPT_XEN_DIR },
        { "devid", required_argument, NULL, OPT_DEVID },
        { "shared-evtchn", no_argument, NULL, OPT_SHARED_EVTCHN },
        { "queues", required_argument, NULL, OPT_QUEUES },
        { "hash", optional_argument, NULL, OPT_HASH },
        { "persistent-grants", no_argument, NULL, OPT_PERSISTENT_GRANTS },
        { "multicast-control", no_argument, NULL, OPT_MULTICAST_CONTROL },
        { "xdp-headroom", required_argument, NULL, OPT_XDP_HEADROOM },
        { "no-sg", no_argument, NULL, OPT_NO_SG },
        { "no-gso", no_argument, NULL, OPT_NO_GSO },
        { "no-csum", no_argument, NULL, OPT_NO_CSUM },
        { "no-rx-notify", no_argument, NULL, OPT_NO_RX_NOTIFY },
        { "busy-poll-us", required_argument, NULL, OPT_BUSY_POLL },
        { "tap", required_argument, NULL, OPT_TAP },
        { "netns", required_argument, NULL, OPT_NETNS },
        { "mac", required_argument, NULL, OPT_MAC },
        { "mtu", required_argument, NULL, OPT_MTU },
        { "txqueuelen", required_argument, NULL, OPT_TXQUEUELEN },
        { "address", required_argument, NULL, OPT_ADDRESS },
        { "pktgen", required_argument, NULL, OPT_PKTGEN },
        { "sink", optional_argument, NULL, OPT_SINK },
        { "json", no_argument, NULL, OPT_JSON },
        { "output", required_argument, NULL, OPT_OUTPUT },
        { "unixctl", required_argument, NULL, OPT_UNIXCTL },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        VLOG_LONG_OPTIONS,
        DAEMON_LONG_OPTIONS,
        { NULL, 0, NULL, 0 },
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);
    char error[SPEC_ERROR_BYTES];
    bool default_pidfile = false;
    int c;

    *o = (struct guest_options) {
        .busy_poll_us = 10,
        .frontend.n_queues = 1,
    };
    while ((c = getopt_long(argc, argv, short_options, long_options, NULL))
           != -1) {
        if (c == OPT_PIDFILE && !optarg) {
            default_pidfile = true;     /* Named once the guest's is known. */
            continue;
        }
        switch (c) {
        case OPT_NAME:
            o->name = optarg;
            break;
        case OPT_RUN_DIR:
            free(o->run_dir);
            o->run_dir = absolute(optarg);
            break;
        case OPT_XEN_DIR:
            free(o->xen_dir);
            o->xen_dir = absolute(optarg);
            break;
        case OPT_DEVID:
            o->devid = parse_uint("--devid", optarg, DEVID_MAX);
            break;
        case OPT_SHARED_EVTCHN:
            o->frontend.shared_evtchn = true;
            break;
        case OPT_QUEUES:
            o->frontend.n_queues = parse_uint("--queues", optarg, QUEUES_MAX);
            if (!o->frontend.n_queues) {
                die("--queues=0: at least 1");
            }
            break;
        case OPT_HASH:
            parse_hash(&o->frontend.control, optarg);
            break;
        case OPT_PERSISTENT_GRANTS:
            o->frontend.control.persistent_grants = true;
            break;
        case OPT_MULTICAST_CONTROL:
            o->frontend.multicast_control = true;
            break;
        case OPT_XDP_HEADROOM:
            o->frontend.xdp_headroom = parse_uint("--xdp-headroom", optarg,
                                                  XDP_HEADROOM_MAX);
            break;
        case OPT_NO_SG:
            o->frontend.no_sg = true;
            break;
        case OPT_NO_GSO:
            o->frontend.no_gso = true;
            break;
        case OPT_NO_CSUM:
            o->frontend.no_csum = true;
            break;
        case OPT_NO_RX_NOTIFY:
            o->frontend.no_rx_notify = true;
            break;
        case OPT_BUSY_POLL:
            o->busy_poll_us = parse_uint("--busy-poll-us", optarg,
                                         BUSY_POLL_US_MAX);
            break;
        case OPT_TAP:
            o->tap.name = optarg;
            break;
        case OPT_NETNS:
            o->tap.netns = strchr(optarg, '/') ? absolute(optarg) : optarg;
            break;
        case OPT_MAC:
            parse_mac(o, optarg);
            break;
        case OPT_MTU:
            o->tap.mtu = parse_uint("--mtu", optarg, 65521);
            break;
        case OPT_TXQUEUELEN:
            o->tap.tx_queue_len = parse_uint("--txqueuelen", optarg, 100000);
            break;
        case OPT_ADDRESS:
            if (o->tap.n_addresses == OPTIONS_ADDRESSES_MAX) {
                die("--address: at most %d", OPTIONS_ADDRESSES_MAX);
            }
            o->addresses[o->tap.n_addresses++] = optarg;
            break;
        case OPT_PKTGEN:
            if (!pktgen_spec_parse(optarg, &o->pktgen_spec, error)) {
                die("--pktgen: %s", error);
            }
            o->pktgen = true;
            break;
        case OPT_SINK:
            if (!sink_spec_parse(optarg, &o->sink_spec, error)) {
                die("--sink: %s", error);
            }
            o->sink = true;
            break;
        case OPT_JSON:
            o->json = true;
            break;
        case OPT_OUTPUT:
            o->output = absolute(optarg);
            break;
        case OPT_UNIXCTL:
            o->unixctl = absolute(optarg);
            break;
        case 'h':
            guest_usage();
            exit(EXIT_SUCCESS);
        case 'V':
            printf("netdom-guest (netdom) %s\n", NETDOM_VERSION);
            exit(EXIT_SUCCESS);

        VLOG_OPTION_HANDLERS
        DAEMON_OPTION_HANDLERS

        case '?':
            exit(EXIT_USAGE);
        default:
            OVS_NOT_REACHED();
        }
    }
    free(short_options);
    if (optind < argc) {
        die("\"%s\": there are options only", argv[optind]);
    }
    complete(o, default_pidfile);
}

void
guest_options_finish(struct guest_options *o)
{
    free(o->run_dir);
    free(o->xen_dir);
    free(o->unixctl);
}
