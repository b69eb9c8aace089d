/* Rows of the database to plain data: what is right, what is wrong and what
 * is said about it, and that a bad row spoils nothing else. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ovsdb-schema/netdom-idl.h"
#include "tenants/parse.h"
#include "util.h"
#include "uuid.h"

/* A database on paper: one host with two VFs, two tenants. */
struct paper {
    struct ndrec_netdom root;
    struct ndrec_host host, other_host;
    struct ndrec_host *hosts[2];
    struct ndrec_vf vfs[3];
    struct ndrec_vf *host_vfs[2];
    struct ndrec_tenant tenants[2];
    struct ndrec_tenant *tenant_rows[2];
    struct ndrec_vif vifs[3];
    struct ndrec_vif *red_vifs[2], *blue_vifs[1];
    struct want before, want;
    struct row_errors errors;
};

static void
make_vif(struct ndrec_vif *vif, unsigned int n)
{
    static char *const names[] = { "red-a", "red-b", "blue-a" };
    static char *const guests[] = { "ga", "gb", "gc" };
    static char *const macs[] = {
        "02:00:00:00:00:01", "02:00:00:00:00:0B", "02:00:00:00:00:01",
    };

    vif->header_.uuid.parts[0] = 100 + n;
    vif->name = names[n];
    vif->guest = guests[n];
    vif->mac = macs[n];
}

static int
set_up(void **state)
{
    struct paper *p = xzalloc(sizeof *p);

    p->root.hosts = p->hosts;
    p->root.n_hosts = 1;
    p->root.tenants = p->tenant_rows;
    p->root.n_tenants = 2;
    p->hosts[0] = &p->host;
    p->hosts[1] = &p->other_host;
    p->host.name = "here";
    p->other_host.name = "there";
    p->host.vfs = p->host_vfs;
    p->host.n_vfs = 2;
    for (unsigned int i = 0; i < 3; i++) {
        static char *const names[] = { "vf0", "vf1", "vf-elsewhere" };
        static char *const ifaces[] = { "veth0", "veth1", "veth2" };

        p->vfs[i].header_.uuid.parts[0] = 10 + i;
        p->vfs[i].name = names[i];
        p->vfs[i].iface = ifaces[i];
        make_vif(&p->vifs[i], i);
    }
    for (unsigned int i = 0; i < 2; i++) {
        static char *const names[] = { "red", "blue" };

        p->host_vfs[i] = &p->vfs[i];
        p->tenant_rows[i] = &p->tenants[i];
        p->tenants[i].header_.uuid.parts[0] = 1 + i;
        p->tenants[i].name = names[i];
        p->tenants[i].fail_mode = "standalone";
        p->tenants[i].host = &p->host;
        p->tenants[i].vf = &p->vfs[i];
        p->red_vifs[i] = &p->vifs[i];
    }
    p->tenants[0].vifs = p->red_vifs;
    p->tenants[0].n_vifs = 2;
    p->blue_vifs[0] = &p->vifs[2];
    p->tenants[1].vifs = p->blue_vifs;
    p->tenants[1].n_vifs = 1;
    want_init(&p->before);
    want_init(&p->want);
    row_errors_init(&p->errors);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct paper *p = *state;

    want_finish(&p->before);
    want_finish(&p->want);
    row_errors_finish(&p->errors);
    free(p);
    return 0;
}

/* Parses; what was wanted until now is what was before. */
static void
run(struct paper *p)
{
    shash_swap(&p->before.tenants, &p->want.tenants);
    want_finish(&p->want);
    want_init(&p->want);
    row_errors_finish(&p->errors);
    row_errors_init(&p->errors);
    parse(&p->root, &p->host, &p->before, &p->want, &p->errors);
}

static void
assert_error(const struct paper *p, const struct ovsdb_idl_row *row,
             const char *part)
{
    const char *error = row_errors_find(&p->errors, &row->uuid);

    if (!part) {
        assert_null(error);
    } else {
        assert_non_null(error);
        assert_non_null(strstr(error, part));
    }
}

static void
test_all_in_order(void **state)
{
    struct paper *p = *state;

    p->vifs[1].releases = 7;
    run(p);
    assert_int_equal(hmap_count(&p->errors.by_row), 0);
    assert_int_equal(shash_count(&p->want.tenants), 2);

    const struct want_tenant *red = want_find(&p->want, "red");
    assert_string_equal(red->iface, "veth0");
    assert_int_equal(red->n_vifs, 2);
    assert_string_equal(red->vifs[1].mac, "02:00:00:00:00:0b");
    assert_int_equal(red->vifs[0].mtu, 1500);
    assert_int_equal(red->vifs[0].vlan_tag, -1);
    assert_int_equal(red->vifs[0].limits.tx.rate_bps, 0);
    assert_int_equal(red->vifs[0].releases, 0);
    assert_int_equal(red->vifs[1].releases, 7);
}

static void
test_limits_column_by_column(void **state)
{
    struct paper *p = *state;
    int64_t rate = 1000000, burst = 20000, own = 2000000;
    struct ndrec_qos_profile profile = {
        .tx_rate_bps = &rate, .n_tx_rate_bps = 1,
        .tx_burst_bytes = &burst, .n_tx_burst_bytes = 1,
        .rx_burst_bytes = &burst, .n_rx_burst_bytes = 1,
    };

    p->vifs[0].profile = &profile;
    p->vifs[0].tx_rate_bps = &own;
    p->vifs[0].n_tx_rate_bps = 1;
    p->vifs[1].rx_rate_bps = &own;
    p->vifs[1].n_rx_rate_bps = 1;
    run(p);

    const struct want_tenant *red = want_find(&p->want, "red");
    assert_int_equal(red->vifs[0].limits.tx.rate_bps, 2000000);
    assert_int_equal(red->vifs[0].limits.tx.burst_bytes, 20000);
    assert_int_equal(red->vifs[0].limits.rx.rate_bps, 0);
    assert_int_equal(red->vifs[0].limits.rx.burst_bytes, 0);
    assert_int_equal(red->vifs[1].limits.rx.rate_bps, 2000000);
    assert_true(red->vifs[1].limits.rx.burst_bytes >= 1514);
}

static void
test_bad_vifs(void **state)
{
    static const struct {
        const char *mac, *guest, *address, *error;
    } cases[] = {
        { "02:00:00:00:00:zz", "ga", "10.0.0.1", "not a MAC address" },
        { "03:00:00:00:00:01", "ga", "10.0.0.1", "cannot be a guest's" },
        { "ff:ff:ff:ff:ff:ff", "ga", "10.0.0.1", "cannot be a guest's" },
        { "00:00:00:00:00:00", "ga", "10.0.0.1", "cannot be a guest's" },
        { "02:00:00:00:00:0b", "ga", "10.0.0.1", NULL },
        { "02:00:00:00:00:01", "netdom-red", "10.0.0.1", "own domain" },
        { "02:00:00:00:00:01", "g/../a", "10.0.0.1", "character" },
        { "02:00:00:00:00:01", "ga", "10.0.0.999", "neither an IPv4" },
        { "02:00:00:00:00:01", "ga", "10.0.0.0/33", "neither an IPv4" },
        { "02:00:00:00:00:01", "ga", "fe80::/200", "neither an IPv4" },
        { "02:00:00:00:00:01", "ga", "10.0.0.1 1::1", "neither an IPv4" },
        { "02:00:00:00:00:01", "ga", "10.0.0.0/255.0.0.0", "neither" },
        { "02:00:00:00:00:01", "ga", "10.0.0.1/", "neither an IPv4" },
        { "02:00:00:00:00:01", "ga", "2001:db8::/64", NULL },
        { "02:00:00:00:00:01", "ga", "10.0.0.0/24", NULL },
    };
    struct paper *p = *state;

    p->red_vifs[0] = &p->vifs[0];
    p->tenants[0].n_vifs = 1;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *address = xstrdup(cases[i].address);

        p->vifs[0].mac = CONST_CAST(char *, cases[i].mac);
        p->vifs[0].guest = CONST_CAST(char *, cases[i].guest);
        p->vifs[0].addresses = &address;
        p->vifs[0].n_addresses = 1;
        want_finish(&p->want);
        want_init(&p->want);
        run(p);
        assert_error(p, &p->vifs[0].header_, cases[i].error);
        assert_int_equal(want_find(&p->want, "red")->n_vifs,
                         !cases[i].error);
        assert_int_equal(want_find(&p->want, "blue")->n_vifs, 1);
        free(address);
    }
}

static void
test_a_vif_that_goes_bad_goes_on(void **state)
{
    struct paper *p = *state;
    int64_t rate = 3000000;

    run(p);
    p->vifs[0].mac = "nonsense";
    p->vifs[0].tx_rate_bps = &rate;
    p->vifs[0].n_tx_rate_bps = 1;
    run(p);
    assert_error(p, &p->vifs[0].header_, "not a MAC address");
    assert_error(p, &p->vifs[1].header_, NULL);

    const struct want_tenant *red = want_find(&p->want, "red");
    assert_int_equal(red->n_vifs, 2);
    assert_string_equal(red->vifs[0].mac, "02:00:00:00:00:01");
    assert_int_equal(red->vifs[0].limits.tx.rate_bps, 0);

    p->vifs[0].mac = "02:00:00:00:00:05";
    run(p);
    red = want_find(&p->want, "red");
    assert_int_equal(hmap_count(&p->errors.by_row), 0);
    assert_string_equal(red->vifs[0].mac, "02:00:00:00:00:05");
    assert_int_equal(red->vifs[0].limits.tx.rate_bps, 3000000);
}

static void
test_clashes_in_a_tenant(void **state)
{
    struct paper *p = *state;
    int64_t tags[] = { 5, 6 };

    p->vifs[1].mac = p->vifs[0].mac;
    run(p);
    assert_error(p, &p->vifs[1].header_, "the same MAC");
    assert_int_equal(want_find(&p->want, "red")->n_vifs, 1);
    assert_int_equal(want_find(&p->want, "blue")->n_vifs, 1);

    for (int i = 0; i < 2; i++) {
        p->vifs[i].vlan_tag = &tags[i];
        p->vifs[i].n_vlan_tag = 1;
    }
    run(p);
    assert_int_equal(want_find(&p->want, "red")->n_vifs, 2);

    int64_t trunk = 7;
    p->vifs[0].vlan_trunks = &trunk;
    p->vifs[0].n_vlan_trunks = 1;
    run(p);
    assert_error(p, &p->vifs[0].header_, "exclude each other");
}

/* A bad row holds on to its guest; another tenant cannot have it yet. */
static void
test_plugged_twice(void **state)
{
    struct paper *p = *state;

    run(p);
    p->vifs[2].mac = "nonsense";
    p->vifs[2].guest = "gd";
    p->vifs[0].guest = "gc";
    run(p);
    assert_error(p, &p->vifs[0].header_, "tenant blue still");
    assert_error(p, &p->vifs[2].header_, "not a MAC address");
    assert_int_equal(want_find(&p->want, "red")->n_vifs, 1);
    assert_string_equal(want_find(&p->want, "red")->vifs[0].name, "red-b");
    assert_string_equal(want_find(&p->want, "blue")->vifs[0].guest, "gc");

    p->vifs[2].mac = "02:00:00:00:00:01";
    run(p);
    assert_int_equal(hmap_count(&p->errors.by_row), 0);
    assert_string_equal(want_find(&p->want, "red")->vifs[0].guest, "gc");
}

static void
test_vfs(void **state)
{
    struct paper *p = *state;

    /* Wanted twice: who has it keeps it. */
    run(p);
    p->tenants[0].vf = &p->vfs[1];
    run(p);
    assert_error(p, &p->tenants[0].header_, "is tenant blue's");
    assert_string_equal(want_find(&p->want, "red")->iface, "veth0");
    assert_string_equal(want_find(&p->want, "blue")->iface, "veth1");

    p->tenants[0].vf = &p->vfs[2];
    run(p);
    assert_error(p, &p->tenants[0].header_, "is not on host");

    p->tenants[0].vf = NULL;
    run(p);
    assert_error(p, &p->tenants[0].header_, NULL);
    assert_null(want_find(&p->want, "red")->iface);

    p->tenants[0].vf = &p->vfs[0];
    p->vfs[0].iface = "a,b=c";
    run(p);
    assert_error(p, &p->tenants[0].header_, "not an interface's name");
    p->vfs[0].iface = NULL;
    run(p);
    assert_error(p, &p->tenants[0].header_, "neither iface nor pci_address");
}

static void
test_vf_on_pci(void **state)
{
    struct paper *p = *state;
    int64_t vlan = 12, rate_bps = 2500000000;

    p->vfs[0].iface = NULL;
    p->vfs[0].pci_address = "0000:01:00.1";
    p->vfs[0].mac = "02:00:00:00:00:01";
    p->vfs[0].vlan = &vlan;
    p->vfs[0].n_vlan = 1;
    p->vfs[0].max_rate_bps = &rate_bps;
    p->vfs[0].n_max_rate_bps = 1;
    run(p);
    assert_error(p, &p->tenants[0].header_, NULL);

    const struct want_tenant *red = want_find(&p->want, "red");
    assert_string_equal(red->iface, "0000:01:00.1");
    assert_string_equal(red->pf.mac, "02:00:00:00:00:01");
    assert_int_equal(red->pf.vlan, 12);
    assert_int_equal(red->pf.rate_mbps, 2500);

    /* A card knows no less than one, and no limit is 0. */
    rate_bps = 8000;
    run(p);
    assert_int_equal(want_find(&p->want, "red")->pf.rate_mbps, 1);
    p->vfs[0].n_max_rate_bps = 0;
    run(p);
    assert_int_equal(want_find(&p->want, "red")->pf.rate_mbps, 0);

    p->vfs[0].pci_address = "01:00.1";
    run(p);
    assert_error(p, &p->tenants[0].header_, "not an address on PCI");

    /* On Xen an interface is no VF. */
    p->host.platform = "xen";
    p->vfs[0].pci_address = NULL;
    p->vfs[0].iface = "veth0";
    run(p);
    assert_error(p, &p->tenants[0].header_, "no pci_address");
}

static void
test_whose_tenants(void **state)
{
    struct paper *p = *state;

    p->tenants[1].host = &p->other_host;
    run(p);
    assert_null(want_find(&p->want, "blue"));

    p->tenants[1].host = NULL;
    run(p);
    assert_non_null(want_find(&p->want, "blue"));
    p->root.n_hosts = 2;
    run(p);
    assert_null(want_find(&p->want, "blue"));
    assert_non_null(want_find(&p->want, "red"));
}

static void
test_names_become_paths(void **state)
{
    static char *const bad[] = {
        "", "..", ".", "a/b", "-x", "a b", "a\n", ".hidden", "\xc3\xa4",
    };
    struct paper *p = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        p->tenants[0].name = bad[i];
        run(p);
        assert_error(p, &p->tenants[0].header_, "use letters");
        assert_int_equal(shash_count(&p->want.tenants), 1);
    }
    assert_true(parse_name_ok("Tenant_1.eu-west"));
}

static void
test_controllers(void **state)
{
    static const struct {
        const char *target, *relay, *error;
    } cases[] = {
        { "tcp:127.0.0.1:6653", "TCP4:127.0.0.1:6653", NULL },
        { "tcp:127.0.0.1", "TCP4:127.0.0.1:6653", NULL },
        { "tcp:[::1]:1234", "TCP6:[::1]:1234", NULL },
        { "tcp:10.0.0.1:1,fork", NULL, "numbers" },
        { "tcp:10.0.0.1:99999", NULL, "numbers" },
        { "tcp:example.org:6653", NULL, "numbers" },
        { "tcp:", NULL, "numbers" },
        { "ssl:10.0.0.1:6653", NULL, "TLS" },
        { "unix:/run/x.sock", NULL, NULL },
        { "unix:", NULL, "cannot be reached" },
        { "ptcp:6653", NULL, "cannot be reached" },
        { "exec:reboot", NULL, "cannot be reached" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ndrec_openflow_controller row = {
            .target = CONST_CAST(char *, cases[i].target),
        };
        struct want_controller c;
        char *error = parse_controller(&row, &c);

        if (cases[i].error) {
            assert_non_null(error);
            assert_non_null(strstr(error, cases[i].error));
            free(error);
            continue;
        }
        assert_null(error);
        assert_string_equal(c.target, cases[i].target);
        if (cases[i].relay) {
            assert_string_equal(c.relay, cases[i].relay);
        } else {
            assert_null(c.relay);
        }
        free(c.target);
        free(c.relay);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_column_by_column, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bad_vifs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_vif_that_goes_bad_goes_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clashes_in_a_tenant, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_plugged_twice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_vfs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vf_on_pci, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whose_tenants, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_names_become_paths, set_up,
                                        tear_down),
        cmocka_unit_test(test_controllers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
