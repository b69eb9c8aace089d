/* The planner, where a tenant's domain is one of Xen's: it takes its time to
 * come, owns its VF itself, and the toolstack attaches vifs. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "tenants/plan.h"
#include "util.h"

#define VF "0000:3b:02.1"

struct paper {
    struct want_tenant want;
    struct want_vif vif;
    struct have_tenant *have;
    struct guests guests;
};

static int
set_up(void **state)
{
    static const struct limits none = LIMITS_NONE;
    struct paper *p = xzalloc(sizeof *p);

    p->vif = (struct want_vif) {
        .name = CONST_CAST(char *, "v1"), .guest = CONST_CAST(char *, "g1"),
        .mac = CONST_CAST(char *, "02:00:00:00:00:01"), .mtu = MTU_DEFAULT,
        .vlan_tag = -1, .limits = none,
        .anti_spoof = CONST_CAST(char *, ""),
        .addresses = CONST_CAST(char *, ""),
    };
    p->want = (struct want_tenant) {
        .name = CONST_CAST(char *, "red"), .limits = none,
        .fail_mode = CONST_CAST(char *, "standalone"),
        .vf = CONST_CAST(char *, "vf1"), .iface = CONST_CAST(char *, VF),
        .vifs = &p->vif, .n_vifs = 1,
    };
    p->have = have_tenant_create("red");
    p->have->xen_up = p->have->is_xen = true;
    p->have->place = IFACE_ON_HOST;
    guests_init(&p->guests);
    *state = p;
    return 0;
}

static int
tear_down(void **state)
{
    struct paper *p = *state;

    have_tenant_destroy(p->have);
    guests_finish(&p->guests);
    free(p);
    return 0;
}

/* The domain is up, and its bridge as it should be. */
static void
serve(struct paper *p)
{
    p->have->domain = p->have->remains = true;
    p->have->domid = 4;
    p->have->place = IFACE_INSIDE;
    p->have->iface = xstrdup(VF);
    p->have->db = p->have->vswitch = PROC_RUNNING;
    p->have->db_ready = p->have->bridge = p->have->bridge_ours = true;
    p->have->datapath_type = xstrdup("netdev");
    p->have->fail_mode = xstrdup("standalone");
    p->have->pmd_mask = xstrdup("0x1");     /* The domain's own affair. */
}

static void
assert_plan(const struct paper *p, const struct want_tenant *want,
            const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct plan plan;

    plan_init(&plan);
    plan_tenant(p->have, want, &p->guests, &plan);
    plan_format(&plan, "red", &ds);
    assert_string_equal(ds_cstr(&ds), expected);
    plan_finish(&plan);
    ds_destroy(&ds);
}

static void
add_have_vif(struct paper *p, bool there, bool busy)
{
    struct have_vif *vif = xzalloc(sizeof *vif);

    vif->domid = 7;
    vif->backend = vif->online = there;
    vif->busy = busy;
    vif->managed = true;
    vif->mac = xstrdup(p->vif.mac);
    vif->mtu = p->vif.mtu;
    vif->limits = p->vif.limits;
    vif->anti_spoof = xstrdup("");
    vif->addresses = xstrdup("");
    p->have->vifs = vif;
    p->have->n_vifs = 1;
}

static void
test_is_made_with_its_vf(void **state)
{
    struct paper *p = *state;
    struct plan plan;

    plan_init(&plan);
    plan_tenant(p->have, &p->want, &p->guests, &plan);
    assert_int_equal(plan.actions[0].type, ACT_DOMAIN_CREATE);
    assert_string_equal(plan.actions[0].object, VF);
    plan_finish(&plan);

    p->want.iface = NULL;
    plan_init(&plan);
    plan_tenant(p->have, &p->want, &p->guests, &plan);
    assert_int_equal(plan.actions[0].type, ACT_DOMAIN_CREATE);
    assert_null(plan.actions[0].object);
    plan_finish(&plan);
}

static void
test_its_pf_is_told_first(void **state)
{
    struct paper *p = *state;

    p->have->pf_known = true;
    p->want.pf.rate_mbps = 100;
    assert_plan(p, &p->want, "red: vf-set " VF "\n");

    /* A card has a MAC of its own for each VF. */
    ovs_strlcpy(p->have->pf.mac, "02:00:00:00:00:99", sizeof p->have->pf.mac);
    p->have->pf.rate_mbps = 100;
    assert_plan(p, &p->want, "red: domain-create " VF "\n");
    ovs_strlcpy(p->want.pf.mac, "02:00:00:00:00:01", sizeof p->want.pf.mac);
    assert_plan(p, &p->want, "red: vf-set " VF "\n");

    /* What was refused is asked for no more, until it is something else. */
    p->have->pf_refused = p->want.pf;
    assert_plan(p, &p->want, "red: domain-create " VF "\n");
    p->want.pf.rate_mbps = 200;
    assert_plan(p, &p->want, "red: vf-set " VF "\n");
}

/* Of a VF that is in another VLAN the tenant gets nothing. */
static void
test_a_vlan_that_is_refused(void **state)
{
    struct paper *p = *state;

    p->want.pf.vlan = 10;
    assert_plan(p, &p->want, "red: domain-create\n");   /* Who knows? */
    p->have->pf_known = true;
    assert_plan(p, &p->want, "red: vf-set " VF "\n");
    p->have->pf_refused = p->want.pf;
    assert_plan(p, &p->want, "red: domain-create\n");

    serve(p);
    assert_plan(p, &p->want, "red: uplink-return " VF "\n");
    p->have->pf.vlan = 10;
    assert_plan(p, &p->want, "");
}

static void
test_is_waited_for_while_it_is_made(void **state)
{
    struct paper *p = *state;

    p->have->making = p->have->remains = true;
    p->have->vswitch = PROC_RUNNING;
    assert_plan(p, &p->want, "");

    /* But not if it is not wanted any more. */
    assert_plan(p, NULL, "red: switch-stop\n");
}

static void
test_uplink_is_where_the_domain_says(void **state)
{
    struct paper *p = *state;
    struct plan plan;

    serve(p);
    assert_plan(p, &p->want, "");

    p->have->vf_address = xstrdup("0000:00:04.0");
    plan_init(&plan);
    plan_tenant(p->have, &p->want, &p->guests, &plan);
    assert_int_equal(plan.n_actions, 1);
    assert_int_equal(plan.actions[0].type, ACT_PORT_SET);
    assert_string_equal(plan.actions[0].port->type, "tenantvf");
    assert_string_equal(smap_get(plan.actions[0].port->options,
                                 "dpdk-devargs"), "0000:00:04.0");
    plan_finish(&plan);
}

static void
test_another_vf_needs_another_domain(void **state)
{
    struct paper *p = *state;

    serve(p);
    p->want.iface = CONST_CAST(char *, "0000:3b:02.2");
    p->have->place = IFACE_NOWHERE;
    assert_plan(p, &p->want, "red: uplink-return " VF "\n");
}

static void
test_without_its_vf_until_that_is_there(void **state)
{
    struct paper *p = *state;

    p->have->place = IFACE_NOWHERE;
    assert_plan(p, &p->want, "red: domain-create\n");
    serve(p);
    free(p->have->iface);
    p->have->iface = NULL;
    p->have->place = IFACE_NOWHERE;
    assert_plan(p, &p->want, "");
    p->have->place = IFACE_ON_HOST;
    assert_plan(p, &p->want, "red: uplink-take " VF "\n");
}

static void
test_busy_vif_is_left_alone(void **state)
{
    struct paper *p = *state;

    serve(p);
    guests_put(&p->guests, "g1", 7);
    p->have->vf_address = NULL;
    assert_plan(p, &p->want, "red: vif-create vif7.0\nred: port-set vif7.0\n");

    add_have_vif(p, false, true);           /* Is being attached. */
    assert_plan(p, &p->want, "red: port-set vif7.0\n");
    p->have->vifs->busy = false;            /* It failed. */
    assert_plan(p, &p->want, "red: vif-remove vif7.0\nred: vif-create vif7.0\n"
                "red: port-set vif7.0\n");

    p->have->vifs->backend = p->have->vifs->online = true;
    assert_plan(p, &p->want, "red: port-set vif7.0\n");
    p->want.n_vifs = 0;
    assert_plan(p, &p->want, "red: vif-offline vif7.0\n");
    p->have->vifs->busy = true;             /* Is being detached. */
    assert_plan(p, &p->want, "");
    assert_plan(p, NULL, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_is_made_with_its_vf, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_its_pf_is_told_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_vlan_that_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_is_waited_for_while_it_is_made,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_uplink_is_where_the_domain_says,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_vf_needs_another_domain,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_without_its_vf_until_that_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy_vif_is_left_alone, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
