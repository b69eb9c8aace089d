/* netdom-ctl: the admin's command line for the Netdom database. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "process.h"
#include "stream-ssl.h"
#include "stream.h"
#include "util.h"

#define RUN_DIR_DEFAULT "/run/netdom"
#define TIMEOUT_DEFAULT_S 30

struct ctl_opts ctl_opts = {
    .timeout_s = TIMEOUT_DEFAULT_S,
    .style = TABLE_STYLE_DEFAULT,
};

/* How the database commands name a row: by its name. */
static const struct ctl_table_class tables[NDREC_N_TABLES] = {
    [NDREC_TABLE_HOST].row_ids[0] = { &ndrec_host_col_name, NULL, NULL },
    [NDREC_TABLE_VF].row_ids[0] = { &ndrec_vf_col_name, NULL, NULL },
    [NDREC_TABLE_TENANT].row_ids[0] = { &ndrec_tenant_col_name, NULL, NULL },
    [NDREC_TABLE_VIF].row_ids[0] = { &ndrec_vif_col_name, NULL, NULL },
    [NDREC_TABLE_QOS_PROFILE].row_ids[0]
    = { &ndrec_qos_profile_col_name, NULL, NULL },
    [NDREC_TABLE_OPENFLOW_CONTROLLER].row_ids[0]
    = { &ndrec_openflow_controller_col_target, NULL, NULL },
};

static void
register_commands(void)
{
    ctl_init(&ndrec_idl_class, ndrec_table_classes, tables, NULL,
             ctl_exit_clean);
    ctl_register_commands(host_commands);
    ctl_register_commands(link_commands);
    ctl_register_commands(vf_commands);
    ctl_register_commands(tenant_commands);
    ctl_register_commands(openflow_commands);
    ctl_register_commands(vif_commands);
    ctl_register_commands(limit_commands);
    ctl_register_commands(group_commands);
    ctl_register_commands(qos_commands);
    ctl_register_commands(show_commands);
}

OVS_NO_RETURN static void
usage(void)
{
    printf("\
%s: defines tenants, their VIFs and limits in the Netdom database\n\
usage: %s [OPTIONS] COMMAND [ARG...] [-- COMMAND [ARG...]]...\n\
\n\
Hosts and VFs:\n\
  init                        prepare the database, if it is not yet\n\
  host-add HOST               add HOST\n\
  host-del HOST               delete HOST and its VFs\n\
  host-list                   list hosts\n\
  vf-add VF iface=IFACE|pci=ADDRESS [vlan=N] [max_rate=RATE] [link=LINK]\n\
         [host=HOST]\n\
                              add VF, a virtual function of HOST's\n\
  vf-del VF                   delete VF\n\
  vf-list                     list VFs\n\
  link-set LINK RATE [HOST]   say that HOST has physical link LINK, and what\n\
                              it carries: tenants on it share that\n\
  link-del LINK [HOST]        delete it\n\
  link-list                   list links\n\
\n\
Tenants:\n\
  tenant-add TENANT [host=HOST] [vf=VF] [fail_mode=MODE]\n\
                              add TENANT\n\
  tenant-set TENANT KEY=VALUE...  change TENANT\n\
  tenant-del TENANT           delete TENANT; --force: with its VIFs\n\
  tenant-list                 list tenants\n\
  set-controller TENANT TARGET...  set the OpenFlow controllers\n\
  get-controller TENANT       print the OpenFlow controllers\n\
  del-controller TENANT       delete the OpenFlow controllers\n\
  set-fail-mode TENANT standalone|secure\n\
                              what the bridge does without its controller\n\
  get-fail-mode TENANT        print it\n\
\n\
VIFs and limits:\n\
  vif-add TENANT VIF guest=GUEST [devid=N] [mac=MAC] [KEY=VALUE]...\n\
                              add VIF, device N of GUEST\n\
  vif-set VIF KEY=VALUE...    change VIF\n\
  vif-del VIF                 delete VIF\n\
  vif-release VIF             end its quarantine: its guest broke the\n\
                              protocol and was cut off\n\
  vif-list [TENANT]           list VIFs\n\
  qos-show [TENANT|VIF]       print what limits them, and who said so\n\
      KEY is one of mtu, queues, vlan_tag, vlan_trunks, addresses, anti_spoof,\n\
      profile, group, tx_rate, tx_burst, tx_min_rate, tx_min_burst,\n\
      tx_weight, tx_rate_pps, tx_burst_packets, and the same with rx_; tx is\n\
      what the guest sends, rx what it receives; an empty VALUE clears it;\n\
      xen_rate (xl's 10Mb/s@50ms) and xapi_kbps (units of 1024 bytes per\n\
      second) set tx_rate and tx_burst\n\
  set-rate VIF|PROFILE [tx|rx|both] RATE [burst SIZE]\n\
                              limit it to RATE (such as 100Mbit)\n\
  set-rate VIF|PROFILE [tx|rx|both] none\n\
                              lift the limit\n\
  profile-add PROFILE [tx_rate=RATE] [rx_rate=RATE] [...]\n\
                              add PROFILE, limits for many VIFs\n\
  profile-set PROFILE KEY=VALUE...  change PROFILE\n\
  profile-del PROFILE         delete PROFILE\n\
  profile-list                list profiles\n\
  group-add TENANT GROUP [profile=PROFILE]\n\
                              add GROUP, of VIFs that share limits\n\
  group-set TENANT GROUP profile=PROFILE\n\
                              change its limits\n\
  group-del TENANT GROUP      delete GROUP\n\
  group-list [TENANT]         list groups\n\
\n\
  show                        print all of it, with limits and state\n\
\n\
--may-exist before an -add command accepts what is there already, and sets\n\
the KEYs given; --if-exists before -set and -del accepts what is not there.\n\
\n\
%s\
%s\
\n\
Options:\n\
  --db=DATABASE               connect to DATABASE\n\
                              (default: unix:%s/db.sock)\n\
  --run-dir=DIR               connect to unix:DIR/db.sock\n\
  --wait                      wait until the controllers have applied the\n\
                              change, and tell of what is not well; before\n\
                              reading, until all changes are applied\n\
  --no-wait                   do not (the default)\n\
  -t, --timeout=SECS          give up after SECS seconds, 0: never\n\
                              (default: %d)\n\
  --retry                     keep trying to connect, until the timeout\n\
  --dry-run                   do not commit changes to the database\n\
  --oneline                   print exactly one line of output per command\n",
           program_name, program_name, ctl_get_db_cmd_usage(),
           ctl_list_db_tables_usage(), RUN_DIR_DEFAULT, TIMEOUT_DEFAULT_S);
    table_usage();
    vlog_usage();
    printf("\
  --no-syslog                 as --verbose=netdom_ctl:syslog:warn\n");
    stream_usage("database", true, false, true);
    printf("\n\
Other options:\n\
  -h, --help                  display this help message\n\
  -V, --version               display version information\n\
\n\
Exit status: 0 done; 1 refused, or a changed row has failed; 2 wrong usage,\n\
or the database is out of reach.\n");
    exit(EXIT_SUCCESS);
}

enum {
    OPT_DB = UCHAR_MAX + 1,
    OPT_RUN_DIR,
    OPT_ONELINE,
    OPT_NO_SYSLOG,
    OPT_WAIT,
    OPT_NO_WAIT,
    OPT_DRY_RUN,
    OPT_BOOTSTRAP_CA_CERT,
    OPT_PEER_CA_CERT,
    OPT_LOCAL,
    OPT_RETRY,
    OPT_COMMANDS,
    OPT_OPTIONS,
    VLOG_OPTION_ENUMS,
    TABLE_OPTION_ENUMS,
    SSL_OPTION_ENUMS,
};

static const struct option global_options[] = {
    { "db", required_argument, NULL, OPT_DB },
    { "run-dir", required_argument, NULL, OPT_RUN_DIR },
    { "no-syslog", no_argument, NULL, OPT_NO_SYSLOG },
    { "wait", no_argument, NULL, OPT_WAIT },
    { "no-wait", no_argument, NULL, OPT_NO_WAIT },
    { "dry-run", no_argument, NULL, OPT_DRY_RUN },
    { "oneline", no_argument, NULL, OPT_ONELINE },
    { "timeout", required_argument, NULL, 't' },
    { "retry", no_argument, NULL, OPT_RETRY },
    { "help", no_argument, NULL, 'h' },
    { "commands", no_argument, NULL, OPT_COMMANDS },
    { "options", no_argument, NULL, OPT_OPTIONS },
    { "version", no_argument, NULL, 'V' },
    VLOG_LONG_OPTIONS,
    TABLE_LONG_OPTIONS,
    STREAM_SSL_LONG_OPTIONS,
    { "bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT },
    { "peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT },
    { NULL, 0, NULL, 0 },
};

OVS_NO_RETURN static void
print_version(void)
{
    printf("%s %s\nOpen vSwitch library %s\nDB schema %s\n", program_name,
           NETDOM_VERSION, VERSION, ndrec_get_db_version());
    exit(EXIT_SUCCESS);
}

static void
set_run_dir(const char *dir)
{
    if (!*dir) {
        ctl_die(CTL_EXIT_UNUSABLE, "--run-dir: give a folder");
    }
    ctl_opts.db = xasprintf("unix:%s/db.sock", dir);
}

static void
set_format(const char *format)
{
    ctl_opts.format_set = true;
    table_parse_format(&ctl_opts.style, format);
}

static void
handle_option(int c, const char *name, struct shash *local_options)
{
    switch (c) {
    case OPT_DB:
        ctl_opts.db = optarg;
        break;
    case OPT_RUN_DIR:
        set_run_dir(optarg);
        break;
    case OPT_ONELINE:
        ctl_opts.oneline = true;
        break;
    case OPT_NO_SYSLOG:
        vlog_set_levels(vlog_module_from_name("netdom_ctl"), VLF_SYSLOG,
                        VLL_WARN);
        break;
    case OPT_WAIT:
        ctl_opts.wait = true;
        break;
    case OPT_NO_WAIT:
        ctl_opts.wait = false;
        break;
    case OPT_DRY_RUN:
        ctl_opts.dry_run = true;
        break;
    case OPT_RETRY:
        ctl_opts.retry = true;
        break;
    case OPT_LOCAL:
        if (!shash_add_once(local_options, name, nullable_xstrdup(optarg))) {
            ctl_die(CTL_EXIT_UNUSABLE, "option %s is there twice", name);
        }
        break;
    case 'h':
        usage();
    case OPT_COMMANDS:
        ctl_print_commands();
        break;
    case OPT_OPTIONS:
        ctl_print_options(global_options);
        break;
    case 'V':
        print_version();
    case 't':
        if (!str_to_uint(optarg, 10, &ctl_opts.timeout_s)) {
            ctl_die(CTL_EXIT_UNUSABLE, "--timeout=%s: give a number of "
                    "seconds, 0 for no bound", optarg);
        }
        break;
    case 'f':
        set_format(optarg);
        break;
    default:
        abort();
    }
}

/* Options that OVS's libraries handle, then ours. */
static void
parse_option(int c, const char *name, struct shash *local_options)
{
    switch (c) {
    VLOG_OPTION_HANDLERS
    STREAM_SSL_OPTION_HANDLERS

    case 'd':
        table_parse_cell_format(&ctl_opts.style, optarg);
        break;
    case OPT_NO_HEADINGS:
        ctl_opts.style.headings = false;
        break;
    case OPT_PRETTY:
        ctl_opts.style.json_flags |= JSSF_PRETTY;
        break;
    case OPT_BARE:
        set_format("list");
        ctl_opts.style.cell_format = CF_BARE;
        ctl_opts.style.headings = false;
        break;
    case OPT_MAX_COLUMN_WIDTH:
        ctl_opts.style.max_column_width = atoi(optarg);
        break;
    case OPT_PEER_CA_CERT:
        stream_ssl_set_peer_ca_cert_file(optarg);
        break;
    case OPT_BOOTSTRAP_CA_CERT:
        stream_ssl_set_ca_cert_file(optarg, true);
        break;
    case '?':
        exit(CTL_EXIT_UNUSABLE);
    case 0:
        break;
    default:
        handle_option(c, name, local_options);
    }
}

/* Our options and those of the commands ("--may-exist"), which getopt must
 * know together. */
static void
parse_options(int argc, char *argv[], struct shash *local_options)
{
    size_t n_global = ARRAY_SIZE(global_options) - 1;
    struct option *options = xmemdup(global_options, sizeof global_options);
    size_t allocated = ARRAY_SIZE(global_options);
    size_t n = n_global;
    char *letters = ovs_cmdl_long_options_to_short_options(global_options);
    char *short_options = xasprintf("+%s", letters);

    ctl_add_cmd_options(&options, &n, &allocated, OPT_LOCAL);
    for (;;) {
        char *name;
        int idx = 0;
        int c = getopt_long(argc, argv, short_options, options, &idx);

        if (c == -1) {
            break;
        }
        name = xasprintf("--%s", options[idx].name);
        parse_option(c, name, local_options);
        free(name);
    }
    for (size_t i = n_global; options[i].name; i++) {
        free(CONST_CAST(char *, options[i].name));
    }
    free(options);
    free(short_options);
    free(letters);
    if (!ctl_opts.db) {
        set_run_dir(RUN_DIR_DEFAULT);
    }
}

int
main(int argc, char *argv[])
{
    struct shash local_options = SHASH_INITIALIZER(&local_options);
    struct ctl_command *commands;
    size_t n_commands;
    char *args, *error;
    int status;

    set_program_name(argv[0]);
    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_WARN);
    vlog_set_levels_from_string_assert("reconnect:warn");
    /* It warns of long turns, which one of many commands may well be. */
    vlog_set_levels_from_string_assert("timeval:console:err");
    register_commands();

    args = process_escape_args(argc > 1 ? argv + 1 : argv);
    parse_options(argc, argv, &local_options);
    error = ctl_parse_commands(argc - optind, argv + optind, &local_options,
                               &commands, &n_commands);
    if (error) {
        ctl_die(CTL_EXIT_UNUSABLE, "%s%s", error,
                strstr(error, "--help") ? "" : "; use --help for help");
    }
    status = ctl_run(args, commands, n_commands);
    for (size_t i = 0; i < n_commands; i++) {
        shash_destroy_free_data(&commands[i].options);
    }
    free(commands);
    free(args);
    return status;
}
