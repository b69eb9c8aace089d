/* The planner: what it does, that it stops doing it, and that it does it from
 * wherever a host happens to be. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/plan_host.h"
#include "util.h"

#define RANDOM_HOSTS 300
#define RANDOM_STEPS 12

static void
add_vif(struct want_tenant *tenant, const char *name, const char *guest,
        uint16_t devid)
{
    tenant->vifs = xrealloc(tenant->vifs,
                            (tenant->n_vifs + 1) * sizeof *tenant->vifs);

    struct want_vif *vif = &tenant->vifs[tenant->n_vifs++];
    memset(vif, 0, sizeof *vif);
    vif->name = xstrdup(name);
    vif->guest = xstrdup(guest);
    vif->devid = devid;
    vif->mac = xasprintf("02:00:00:00:00:%02x", devid);
    vif->mtu = MTU_DEFAULT;
    vif->vlan_tag = -1;
    vif->limits.tx.rate_bps = 1000000;
    vif->limits.tx.burst_bytes = 16384;
    vif->anti_spoof = xstrdup("mac");
    vif->addresses = xstrdup("10.0.0.1");
}

static void
add_group(struct want_tenant *tenant, const char *name)
{
    static const struct limits none = LIMITS_NONE;

    if (want_group_find(tenant, name)) {
        return;
    }
    tenant->groups = xrealloc(tenant->groups, (tenant->n_groups + 1)
                                              * sizeof *tenant->groups);
    tenant->groups[tenant->n_groups++] = (struct want_group) {
        .name = xstrdup(name), .limits = none,
    };
}

static struct want_tenant *
make_tenant(void)
{
    struct want_tenant *tenant = xzalloc(sizeof *tenant);

    tenant->name = xstrdup("red");
    tenant->vf = xstrdup("vf-test");
    tenant->iface = xstrdup("veth-test");
    tenant->fail_mode = xstrdup("standalone");
    tenant->controllers = xzalloc(sizeof *tenant->controllers);
    tenant->n_controllers = 1;
    tenant->controllers[0].target = xstrdup("tcp:10.1.1.1:6653");
    tenant->controllers[0].relay = xstrdup("TCP4:10.1.1.1:6653");
    tenant->limits = (struct limits) LIMITS_NONE;
    tenant->uplink_bps = 1000000000;
    add_vif(tenant, "red1", "guest1", 0);
    add_vif(tenant, "red2", "guest2", 1);
    return tenant;
}

static void
assert_plan(const struct plan_host *host, const struct want_tenant *want,
            const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct plan plan;

    plan_init(&plan);
    plan_tenant(host->have, want, &host->guests, &plan);
    plan_format(&plan, "red", &ds);
    assert_string_equal(ds_cstr(&ds), expected);
    plan_finish(&plan);
    ds_destroy(&ds);
}

/* Everything that 'want' asks for is there, and nothing else. */
static void
assert_as_wanted(const struct plan_host *host, const struct want_tenant *want)
{
    const struct have_tenant *have = host->have;
    size_t n_vifs = 0;

    if (!want) {
        assert_false(have->remains);
        return;
    }
    for (size_t i = 0; i < want->n_vifs; i++) {
        uint32_t domid = guests_find(&host->guests, want->vifs[i].guest);
        if (!domid) {
            continue;
        }
        n_vifs++;

        const struct have_vif *vif = have_vif_find(have, domid,
                                                   want->vifs[i].devid);
        char *name = vif_port_name(domid, want->vifs[i].devid);
        assert_non_null(have_port_find(have, name));
        free(name);
        assert_non_null(vif);
        assert_true(vif->online);
        assert_string_equal(vif->mac, want->vifs[i].mac);
        assert_true(limits_equal(&vif->limits, &want->vifs[i].limits));
        assert_true(text_equals(vif->group, want->vifs[i].group));
    }
    const struct have_group *all = have_group_find(have, "");
    assert_int_equal(have->n_groups, want->n_groups + (all != NULL));
    assert_true(all ? limits_equal(&all->limits, &want->limits)
                      && all->uplink_bps == want->uplink_bps
                    : limits_are_none(&want->limits) && !want->uplink_bps);
    for (size_t i = 0; i < want->n_groups; i++) {
        const struct have_group *group
            = have_group_find(have, want->groups[i].name);

        assert_non_null(group);
        assert_true(limits_equal(&group->limits, &want->groups[i].limits));
    }
    assert_int_equal(have->n_vifs, n_vifs);
    assert_int_equal(have->vswitch, PROC_RUNNING);
    assert_int_equal(have->db, PROC_RUNNING);

    bool uplink = want->iface && host->vf_on_host
                  && !strcmp(want->iface, host->vf_iface);
    assert_int_equal(have->n_ports, n_vifs + uplink);
    assert_int_equal(have->iface != NULL, uplink);
    assert_int_equal(have->targets.n, want->n_controllers);
}

static void
test_from_nothing(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    guests_put(&host.guests, "guest1", 3);
    plan_host_tick(&host, want);
    assert_plan(&host, want,
                "red: domain-create\n"
                "red: uplink-take veth-test\n"
                "red: db-start\n"
                "red: relay-start tcp:10.1.1.1:6653\n");
    assert_in_range(plan_host_settle(&host, want), 2, 4);
    assert_as_wanted(&host, want);
    assert_plan(&host, want, "");
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_guest_comes_goes_and_is_reborn(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    plan_host_settle(&host, want);
    guests_put(&host.guests, "guest2", 9);
    assert_plan(&host, want,
                "red: vif-create vif9.1\n"
                "red: port-set vif9.1\n");
    plan_host_settle(&host, want);

    /* It died and lives again under another domid: the old vif is closed in
     * order, its port stays until then, the new one does not wait. */
    guests_put(&host.guests, "guest2", 12);
    assert_plan(&host, want,
                "red: vif-offline vif9.1\n"
                "red: vif-create vif12.1\n"
                "red: port-set vif12.1\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_limit_touches_nothing_else(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    guests_put(&host.guests, "guest1", 3);
    plan_host_settle(&host, want);
    want->vifs[0].limits.tx.rate_bps = 500000000;
    assert_plan(&host, want, "red: vif-limits vif3.0\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);

    /* So is a release from quarantine, which the switch takes up. */
    host.have->vifs[0].quarantine = xstrdup("it lied");
    assert_false(have_release_pending(host.have));
    want->vifs[0].releases = 1;
    assert_plan(&host, want, "red: vif-limits vif3.0\n");
    plan_host_settle(&host, want);
    assert_true(have_release_pending(host.have));
    host.have->vifs[0].quarantine_release = 1;
    assert_false(have_release_pending(host.have));

    /* What vifs share is no vif's matter, but for the group that it is in. */
    want->limits.tx.rate_bps = 1000000000;
    add_group(want, "web");
    assert_plan(&host, want, "red: shared-limits\n");
    plan_host_settle(&host, want);
    want->vifs[0].group = xstrdup("web");
    assert_plan(&host, want, "red: vif-limits vif3.0\n");
    plan_host_settle(&host, want);
    want->groups[0].limits.rx.guarantee_bps = 9000;
    assert_plan(&host, want, "red: shared-limits\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    want->limits.tx.rate_bps = 0;
    assert_plan(&host, want, "red: shared-limits\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);

    /* A MAC is another matter. */
    free(want->vifs[0].mac);
    want->vifs[0].mac = xstrdup("02:00:00:00:00:77");
    assert_plan(&host, want, "red: vif-offline vif3.0\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_what_died_is_started(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    plan_host_settle(&host, want);
    host.have->vswitch = PROC_HELD;
    assert_plan(&host, want, "");
    host.have->vswitch = PROC_NONE;
    assert_plan(&host, want, "red: switch-start\n");
    host.have->vswitch = PROC_RUNNING;
    host.have->db = PROC_NONE;
    host.have->db_ready = false;
    assert_plan(&host, want, "red: db-start\n");
    host.have->db = PROC_RUNNING;
    host.have->db_ready = true;
    host.have->relays[0].state = PROC_NONE;
    assert_plan(&host, want, "red: relay-start tcp:10.1.1.1:6653\n");
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_rows_of_others(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    plan_host_settle(&host, want);

    /* A port that an admin made stays, and takes its name from us. */
    struct have_tenant *have = host.have;
    have->ports = xrealloc(have->ports,
                           (have->n_ports + 2) * sizeof *have->ports);
    port_spec_init(&have->ports[have->n_ports++], "tap7", "internal");
    port_spec_init(&have->ports[have->n_ports++], "vif3.0", "internal");
    assert_plan(&host, want, "");
    guests_put(&host.guests, "guest1", 3);
    assert_plan(&host, want, "");

    /* Ours is put back as it was. */
    struct port_spec *uplink = have_port_find(have, UPLINK_PORT);
    uplink->vlan_tag = 5;
    assert_plan(&host, want, "red: port-set vf0\n");
    uplink->vlan_tag = -1;
    have->bridge_ours = false;
    svec_clear(&have->targets);
    assert_plan(&host, want, "");
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_uplink_changes_hands(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    plan_host_settle(&host, want);
    free(want->iface);
    want->iface = xstrdup("veth-other");
    host.vf_iface = "veth-other";
    plan_host_tick(&host, want);
    assert_plan(&host, want, "red: port-del vf0\n");
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    assert_string_equal(host.have->iface, "veth-other");

    /* No uplink is a way to be, too. */
    free(want->iface);
    want->iface = NULL;
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_taken_down(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    guests_put(&host.guests, "guest1", 3);
    guests_put(&host.guests, "guest2", 4);
    plan_host_settle(&host, want);
    assert_plan(&host, NULL,
                "red: vif-offline vif3.0\n"
                "red: vif-offline vif4.1\n");
    host.lazy_backend = true;
    plan_host_settle(&host, NULL);
    assert_as_wanted(&host, NULL);
    assert_plan(&host, NULL, "");
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

static void
test_without_xen(void **state OVS_UNUSED)
{
    struct want_tenant *want = make_tenant();
    struct plan_host host;

    plan_host_init(&host, "red");
    host.have->xen_up = false;
    plan_host_tick(&host, want);
    assert_plan(&host, want, "");

    host.have->xen_up = true;
    guests_put(&host.guests, "guest1", 3);
    plan_host_settle(&host, want);

    /* The stand-in dies: nothing that runs is touched. */
    host.have->xen_up = false;
    for (size_t i = 0; i < host.have->n_vifs; i++) {
        have_vif_finish(&host.have->vifs[i]);
    }
    host.have->n_vifs = 0;
    guests_finish(&host.guests);
    guests_init(&host.guests);
    assert_plan(&host, want, "");

    /* It is back with no memory, so the domain is another: all anew. */
    host.have->xen_up = true;
    host.have->stale = true;
    plan_host_settle(&host, want);
    assert_as_wanted(&host, want);
    plan_host_finish(&host);
    want_tenant_destroy(want);
}

/* Damages that host and wish may suffer in any order. */
static void
shake(struct plan_host *host, struct want_tenant *want, unsigned int *seed)
{
    struct have_tenant *have = host->have;
    struct want_vif *vif = &want->vifs[rand_r(seed) % want->n_vifs];

    switch (rand_r(seed) % 15) {
    case 0:
        have->vswitch = have->vswitch == PROC_RUNNING ? PROC_HELD
                                                      : have->vswitch;
        break;
    case 1:
        have->db = have->db == PROC_RUNNING ? PROC_HELD : have->db;
        have->db_ready = false;
        break;
    case 2:
        guests_put(&host->guests, vif->guest, 20 + rand_r(seed) % 1000);
        break;
    case 3:
        shash_find_and_delete(&host->guests.by_name, vif->guest);
        break;
    case 4:
        vif->limits.rx.rate_bps = 8000 + rand_r(seed) % 1000;
        break;
    case 5:
        vif->vlan_tag = rand_r(seed) % 3 - 1;
        break;
    case 6:
        free(vif->mac);
        vif->mac = xasprintf("02:00:00:00:01:%02x", rand_r(seed) % 256);
        break;
    case 7:
        if (have->n_ports) {
            port_spec_finish(&have->ports[0]);
            have->ports[0] = have->ports[--have->n_ports];
        }
        break;
    case 8:
        if (have->n_vifs) {
            have->vifs[rand_r(seed) % have->n_vifs].backend = false;
        }
        break;
    case 9:
        free(want->iface);
        want->iface = rand_r(seed) % 2 ? xstrdup("veth-test") : NULL;
        break;
    case 10:
        if (have->n_relays) {
            have->relays[0].state = PROC_HELD;
        }
        break;
    case 11:
        have->stale = have->domain;
        break;
    case 12:
        want->limits.tx.rate_bps = rand_r(seed) % 3 * 1000000;
        break;
    case 13:
        if (want->n_groups < 3) {
            add_group(want, want->n_groups ? "g1" : "g0");
        }
        break;
    case 14:
        if (want->n_groups) {
            want->groups[0].limits.rx.weight = rand_r(seed) % 1000 + 1;
            free(vif->group);
            vif->group = xstrdup(want->groups[0].name);
        }
        break;
    }
}

static void
test_from_anywhere(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < RANDOM_HOSTS; i++) {
        struct want_tenant *want = make_tenant();
        struct plan_host host;
        unsigned int seed = i;

        plan_host_init(&host, "red");
        host.lazy_backend = rand_r(&seed) % 2;
        for (int step = 0; step < RANDOM_STEPS; step++) {
            int n = rand_r(&seed) % 4;

            for (int j = 0; j < n; j++) {
                shake(&host, want, &seed);
            }
            plan_host_settle(&host, want);
            assert_as_wanted(&host, want);
            assert_plan(&host, want, "");
        }
        plan_host_settle(&host, NULL);
        assert_as_wanted(&host, NULL);
        plan_host_finish(&host);
        want_tenant_destroy(want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nothing),
        cmocka_unit_test(test_guest_comes_goes_and_is_reborn),
        cmocka_unit_test(test_limit_touches_nothing_else),
        cmocka_unit_test(test_what_died_is_started),
        cmocka_unit_test(test_rows_of_others),
        cmocka_unit_test(test_uplink_changes_hands),
        cmocka_unit_test(test_taken_down),
        cmocka_unit_test(test_without_xen),
        cmocka_unit_test(test_from_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
