/* What is guaranteed must be there: who is refused, what is said, and that
 * what was before goes on. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "qos/profile.h"
#include "tenants/parse.h"
#include "tenants/parse_limits.h"
#include "util.h"
#include "uuid.h"

#define MBIT UINT64_C(1000000)

static struct want_tenant *before, *tenant;
static struct row_errors errors;

static int
set_up(void **state)
{
    tenant = xzalloc(sizeof *tenant);
    tenant->name = xstrdup("red");
    tenant->fail_mode = xstrdup("standalone");
    tenant->row.parts[0] = 1;
    tenant->limits = (struct limits) LIMITS_NONE;
    row_errors_init(&errors);
    return 0;
}

static int
tear_down(void **state)
{
    want_tenant_destroy(before);
    want_tenant_destroy(tenant);
    before = NULL;
    row_errors_finish(&errors);
    return 0;
}

static struct want_group *
add_group(const char *name)
{
    static const struct limits none = LIMITS_NONE;

    tenant->groups = xrealloc(tenant->groups, (tenant->n_groups + 1)
                                              * sizeof *tenant->groups);
    struct want_group *group = &tenant->groups[tenant->n_groups++];
    *group = (struct want_group) { .name = xstrdup(name), .limits = none };
    group->row.parts[0] = 100 + tenant->n_groups;
    return group;
}

static struct want_vif *
add_vif(const char *name, const char *group, uint64_t tx_mbit)
{
    static const struct limits none = LIMITS_NONE;

    tenant->vifs = xrealloc(tenant->vifs, (tenant->n_vifs + 1)
                                          * sizeof *tenant->vifs);
    struct want_vif *vif = &tenant->vifs[tenant->n_vifs++];
    *vif = (struct want_vif) {
        .name = xstrdup(name), .guest = xstrdup(name), .mac = xstrdup("x"),
        .anti_spoof = xstrdup(""), .addresses = xstrdup(""),
        .group = nullable_xstrdup(group), .limits = none,
    };
    vif->row.parts[0] = 1000 + tenant->n_vifs;
    vif->limits.tx.guarantee_bps = tx_mbit * MBIT;
    return vif;
}

/* Admits; what is wanted is what is before, the next time. */
static void
admit(void)
{
    row_errors_finish(&errors);
    row_errors_init(&errors);
    parse_admit(before, tenant, &errors);
}

static void
keep(void)
{
    want_tenant_destroy(before);
    before = want_tenant_clone(tenant);
}

static void
expect_error(const struct uuid *row, const char *part)
{
    const char *error = row_errors_find(&errors, row);

    if (!part) {
        assert_null(error);
    } else {
        assert_non_null(error);
        assert_non_null(strstr(error, part));
    }
}

static void
expect_errors(size_t n)
{
    assert_int_equal(hmap_count(&errors.by_row), n);
}

static void
test_all_that_fits(void **state)
{
    tenant->limits.tx.rate_bps = 1000 * MBIT;
    tenant->vf_rate_bps = 10000 * MBIT;
    add_group("web")->limits.tx.guarantee_bps = 600 * MBIT;
    add_vif("a", NULL, 400);
    add_vif("b", "web", 300);
    add_vif("c", "web", 300);
    admit();
    expect_errors(0);
    assert_int_equal(tenant->vifs[0].limits.tx.guarantee_bps, 400 * MBIT);
}

/* Without a maximum nothing is too much. */
static void
test_no_maximum(void **state)
{
    add_vif("a", NULL, 400000);
    add_vif("b", NULL, 400000);
    admit();
    expect_errors(0);
}

/* The one that asks for more is refused, not the one that had it. */
static void
test_newcomer(void **state)
{
    tenant->limits.tx.rate_bps = 1000 * MBIT;
    add_vif("b", NULL, 700);
    admit();
    expect_errors(0);
    keep();
    add_vif("a", NULL, 400)->limits.tx.rate_bps = 500 * MBIT;
    admit();
    expect_errors(1);
    expect_error(&tenant->vifs[1].row, "tx guarantees in tenant \"red\" would "
                 "add up to 1100000000 bit/s, and the tenant's maximum is "
                 "1000000000 bit/s");
    assert_int_equal(tenant->vifs[0].limits.tx.guarantee_bps, 700 * MBIT);
    assert_int_equal(tenant->vifs[1].limits.tx.guarantee_bps, 0);
    assert_int_equal(tenant->vifs[1].limits.tx.rate_bps, 500 * MBIT);
}

/* Who raises its own is refused, and has what it had. */
static void
test_raised(void **state)
{
    tenant->limits.tx.rate_bps = 1000 * MBIT;
    add_vif("a", NULL, 500);
    add_vif("b", NULL, 500);
    admit();
    keep();
    tenant->vifs[0].limits.tx.guarantee_bps = 600 * MBIT;
    tenant->vifs[0].limits.tx.weight = 7;
    admit();
    expect_errors(1);
    expect_error(&tenant->vifs[0].row, "1100000000 bit/s");
    assert_int_equal(tenant->vifs[0].limits.tx.guarantee_bps, 500 * MBIT);
    assert_int_equal(tenant->vifs[0].limits.tx.weight, 1);
}

/* The tenant's maximum is lowered below what it has promised. */
static void
test_maximum_lowered(void **state)
{
    tenant->limits.tx.rate_bps = 1000 * MBIT;
    add_group("web")->limits.tx.guarantee_bps = 400 * MBIT;
    add_vif("a", NULL, 500);
    admit();
    expect_errors(0);
    keep();
    tenant->limits.tx.rate_bps = 800 * MBIT;
    tenant->limits.tx.burst_bytes = 0;
    tenant->groups[0].limits.tx.guarantee_burst_bytes = 0;
    admit();
    expect_errors(1);
    expect_error(&tenant->row, "add up to 900000000 bit/s, and the tenant's "
                 "maximum is 800000000");
    assert_int_equal(tenant->limits.tx.rate_bps, 1000 * MBIT);
    assert_int_equal(tenant->groups[0].limits.tx.guarantee_bps, 400 * MBIT);
}

/* Of a link 95 % may be promised, in the direction that it is used. */
static void
test_link(void **state)
{
    tenant->vf_rate_bps = 1000 * MBIT;
    add_vif("a", NULL, 950)->limits.rx.guarantee_bps = 2000 * MBIT;
    admit();
    expect_errors(0);
    keep();
    add_vif("b", NULL, 1);
    admit();
    expect_error(&tenant->vifs[1].row, "951000000 bit/s, and 95 % of its VF's "
                 "rate is 950000000");
    expect_errors(1);

    /* It became slower: nobody's doing, but said. */
    keep();
    tenant->vf_rate_bps = 100 * MBIT;
    admit();
    expect_errors(1);
    expect_error(&tenant->row, "95 % of its VF's rate is 95000000");
    assert_int_equal(tenant->vifs[0].limits.tx.guarantee_bps, 950 * MBIT);
}

static void
test_group(void **state)
{
    struct want_group *group = add_group("web");

    group->limits.rx.rate_bps = 100 * MBIT;
    group->limits.tx.guarantee_bps = 50 * MBIT;
    group->limits.tx.rate_bps = 500 * MBIT;
    add_vif("a", "web", 0)->limits.rx.guarantee_bps = 60 * MBIT;
    add_vif("b", "web", 0)->limits.rx.guarantee_bps = 60 * MBIT;
    add_vif("c", "web", 51);
    add_vif("d", NULL, 1000)->limits.rx.guarantee_bps = 1000 * MBIT;
    admit();
    expect_errors(2);
    expect_error(&tenant->vifs[1].row, "rx guarantees in group \"web\" would "
                 "add up to 120000000 bit/s, and the group's maximum is");
    expect_error(&tenant->vifs[2].row, "tx guarantees in group \"web\" would "
                 "add up to 51000000 bit/s, and the group's own guarantee is");
    assert_int_equal(tenant->vifs[1].limits.rx.guarantee_bps, 0);
    assert_int_equal(tenant->vifs[2].limits.tx.guarantee_bps, 0);

    /* A group that shrinks is refused as well, and one that wants too much of
     * its tenant. */
    keep();
    tenant->groups[0].limits.rx.rate_bps = 50 * MBIT;
    admit();
    expect_errors(1);
    expect_error(&tenant->groups[0].row, "add up to 60000000 bit/s, and the "
                 "group's maximum is 50000000");
    assert_int_equal(tenant->groups[0].limits.rx.rate_bps, 100 * MBIT);
    keep();
    tenant->limits.tx.rate_bps = 2000 * MBIT;
    admit();
    expect_errors(0);
    keep();
    tenant->groups[0].limits.tx.guarantee_bps = 1100 * MBIT;
    admit();
    expect_errors(1);
    expect_error(&tenant->groups[0].row, "tenant \"red\" would add up to "
                 "2100000000");
    assert_int_equal(tenant->groups[0].limits.tx.guarantee_bps, 50 * MBIT);
}

/* A vif that changes its group takes its claim along. */
static void
test_other_group(void **state)
{
    add_group("one")->limits.tx.rate_bps = 100 * MBIT;
    add_group("two")->limits.tx.rate_bps = 100 * MBIT;
    add_vif("a", "one", 60);
    add_vif("b", "two", 60);
    admit();
    expect_errors(0);
    keep();
    free(tenant->vifs[0].group);
    tenant->vifs[0].group = xstrdup("two");
    admit();
    expect_errors(1);
    expect_error(&tenant->vifs[0].row, "group \"two\"");
    assert_string_equal(tenant->vifs[0].group, "one");
}

/* What nobody chose is 10 ms, and what is claimed at once besides. */
static void
test_bursts(void **state)
{
    struct want_group *group = add_group("web");

    tenant->limits.tx.rate_bps = 1000 * MBIT;
    tenant->limits.tx.rate_pps = 1000;
    group->limits.tx.rate_bps = 800 * MBIT;
    add_vif("a", NULL, 100);
    add_vif("b", "web", 200);
    add_vif("c", "web", 8)->limits.tx.guarantee_burst_bytes = 5000;
    admit();
    expect_errors(0);
    assert_int_equal(tenant->vifs[0].limits.tx.guarantee_burst_bytes, 125000);
    assert_int_equal(tenant->groups[0].limits.tx.burst_bytes,
                     1000000 + 250000 + 5000);
    assert_int_equal(tenant->limits.tx.burst_bytes,
                     1250000 + 125000 + 250000 + 5000);
    assert_int_equal(tenant->limits.tx.burst_packets, 32);
    assert_int_equal(tenant->limits.rx.burst_bytes, 0);

    /* What somebody chose stays. */
    tenant->limits.tx.burst_bytes = 20000;
    tenant->groups[0].limits.tx.guarantee_bps = 300 * MBIT;
    admit();
    assert_int_equal(tenant->limits.tx.burst_bytes, 20000);
    assert_int_equal(tenant->groups[0].limits.tx.guarantee_burst_bytes,
                     375000 + 255000);
}

#define RUN(TEST) cmocka_unit_test_setup_teardown(TEST, set_up, tear_down)

/* Tenants of one link. */
static struct want_tenant *
add_tenant(struct want *want, const char *name, const char *link,
           uint64_t tx_mbit)
{
    struct want_tenant *t = xzalloc(sizeof *t);

    t->name = xstrdup(name);
    t->fail_mode = xstrdup("standalone");
    t->row.parts[0] = 5000 + shash_count(&want->tenants);
    t->limits = (struct limits) LIMITS_NONE;
    t->limits.tx.guarantee_bps = tx_mbit * MBIT;
    t->link = nullable_xstrdup(link);
    t->link_bps = link ? 1000 * MBIT : 0;
    shash_add(&want->tenants, name, t);
    return t;
}

static void
test_links(void **state)
{
    struct want old, new;

    want_init(&old);
    want_init(&new);
    add_tenant(&old, "a", "pf0", 500);
    add_tenant(&old, "b", "pf0", 400);
    parse_admit_links(&new, &old, &errors);
    expect_errors(0);

    /* One that asks for more than it had is refused; what it had stays. */
    struct want_tenant *a = add_tenant(&new, "a", "pf0", 551);
    struct want_tenant *b = add_tenant(&new, "b", "pf0", 400);
    add_tenant(&new, "c", "pf1", 950);
    add_tenant(&new, "d", NULL, 5000);
    parse_admit_links(&old, &new, &errors);
    expect_errors(1);
    expect_error(&a->row, "would add up to 951000000 bit/s, and 95 % of its "
                 "rate is 950000000 bit/s");
    assert_int_equal(a->limits.tx.guarantee_bps, 500 * MBIT);
    assert_int_equal(b->limits.tx.guarantee_bps, 400 * MBIT);

    /* One that is new gets nothing of what is too much. */
    row_errors_finish(&errors);
    row_errors_init(&errors);
    struct want_tenant *e = add_tenant(&new, "e", "pf0", 51);
    e->limits.tx.rate_bps = 80 * MBIT;
    parse_admit_links(&old, &new, &errors);
    expect_errors(1);
    expect_error(&e->row, "951000000");
    assert_int_equal(e->limits.tx.guarantee_bps, 0);
    assert_int_equal(e->limits.tx.rate_bps, 80 * MBIT);

    /* A link that became slower is said, and no promise is taken back. */
    row_errors_finish(&errors);
    row_errors_init(&errors);
    a->link_bps = b->link_bps = e->link_bps = 500 * MBIT;
    parse_admit_links(&new, &new, &errors);
    assert_true(hmap_count(&errors.by_row) > 0);
    assert_int_equal(a->limits.tx.guarantee_bps, 500 * MBIT);
    want_finish(&old);
    want_finish(&new);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_all_that_fits),
        RUN(test_no_maximum),
        RUN(test_newcomer),
        RUN(test_raised),
        RUN(test_maximum_lowered),
        RUN(test_link),
        RUN(test_group),
        RUN(test_other_group),
        RUN(test_bursts),
        cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("admit", tests, NULL, NULL);
}
