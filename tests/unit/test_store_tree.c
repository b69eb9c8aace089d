#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/xenlocald/store_tree.h"

static const struct store_perms owner_1 = { .n = 1, .entry = { { 1, 0 } } };

static void
count(void *total, uint32_t owner, int n)
{
    *(int *) total += n;
    assert_true(owner <= 1);
}

static bool
put(struct store_node **root, const char *path, const char *value, int *total)
{
    static uint64_t generation;
    struct store_edit edit = { ++generation, 1, count, total };

    return store_tree_put(root, path, value, strlen(value),
                          store_tree_get(*root, path) ? NULL : &owner_1,
                          &edit);
}

static bool
drop(struct store_node **root, const char *path, int *total)
{
    struct store_edit edit = { UINT64_MAX, 1, count, total };

    return store_tree_remove(root, path, &edit);
}

static void
expect(const struct store_node *root, const char *path, const char *value)
{
    const struct store_node *node = store_tree_get(root, path);

    if (!value) {
        assert_null(node);
    } else {
        assert_non_null(node);
        assert_int_equal(node->value_bytes, strlen(value));
        assert_memory_equal(node->value, value, strlen(value));
    }
}

static void
test_put_get_remove(void **state)
{
    struct store_node *root = store_tree_create();
    size_t bytes;
    int total = 0;

    assert_ptr_equal(store_tree_get(root, "/"), root);
    assert_false(put(&root, "/a/b", "x", &total));
    assert_true(put(&root, "/a", "1", &total));
    assert_true(put(&root, "/a/b", "2", &total));
    assert_true(put(&root, "/ab", "3", &total));
    assert_true(put(&root, "/a/b", "22", &total));
    assert_true(put(&root, "/", "root", &total));
    assert_int_equal(total, 3);
    expect(root, "/a", "1");
    expect(root, "/a/b", "22");
    expect(root, "/ab", "3");
    expect(root, "/", "root");
    expect(root, "/a/bb", NULL);
    expect(root, "/a/b/c", NULL);

    assert_string_equal(store_tree_ancestor(root, "/a/b/c/d", &bytes)->name,
                        "b");
    assert_int_equal(bytes, 4);
    assert_ptr_equal(store_tree_ancestor(root, "/x/y", &bytes), root);
    assert_int_equal(bytes, 0);

    assert_false(drop(&root, "/b", &total));
    assert_true(drop(&root, "/a", &total));
    assert_int_equal(total, 1);
    expect(root, "/a", NULL);
    expect(root, "/a/b", NULL);
    expect(root, "/ab", "3");
    store_node_unref(root);
}

/* Names sort, prefixes of each other included, whatever the order in which
 * they come. */
static void
test_many_children(void **state)
{
    struct store_node *root = store_tree_create();
    char path[32], value[32];
    int total = 0;

    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "/n%d", i * 7919 % 2000);
        assert_true(put(&root, path, path, &total));
    }
    assert_int_equal(root->n_children, 2000);
    for (int i = 1; i < 2000; i++) {
        assert_true(strcmp(root->children[i - 1]->name,
                           root->children[i]->name) < 0);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "/n%d", i);
        snprintf(value, sizeof value, "%s", path);
        expect(root, path, value);
        if (i % 2) {
            assert_true(drop(&root, path, &total));
        }
    }
    assert_int_equal(total, 1000);
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "/n%d", i);
        expect(root, path, i % 2 ? NULL : path);
    }
    store_node_unref(root);
}

/* A snapshot does not see what changes after it, at any depth. */
static void
test_snapshot(void **state)
{
    struct store_node *root = store_tree_create();
    int total = 0;

    put(&root, "/a", "a", &total);
    put(&root, "/a/b", "b", &total);
    put(&root, "/a/b/c", "c", &total);
    put(&root, "/d", "d", &total);

    struct store_node *first = store_node_ref(root);
    uint64_t generation = store_tree_get(root, "/a")->generation;
    put(&root, "/a/b/c", "C", &total);
    put(&root, "/a/b/e", "e", &total);
    struct store_node *second = store_node_ref(root);
    drop(&root, "/a", &total);
    put(&root, "/d", "D", &total);

    expect(first, "/a/b/c", "c");
    expect(first, "/a/b/e", NULL);
    expect(first, "/d", "d");
    expect(second, "/a/b/c", "C");
    expect(second, "/a/b/e", "e");
    expect(second, "/d", "d");
    expect(root, "/a/b", NULL);
    expect(root, "/d", "D");

    /* A change below does not make a node another. */
    assert_int_equal(store_tree_get(second, "/a")->generation, generation);
    assert_ptr_equal(store_tree_get(first, "/d"), store_tree_get(second,
                                                                 "/d"));
    store_node_unref(first);
    expect(second, "/a/b/c", "C");
    store_node_unref(second);
    expect(root, "/d", "D");
    store_node_unref(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_many_children),
        cmocka_unit_test(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
