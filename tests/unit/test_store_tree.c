#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/xenlocald/store_private.h"
#include "util.h"

static const struct store_node *
get(struct store_node *root, const char *path)
{
    const char *left;
    const struct store_node *node = store_tree_find(&root, path, false,
                                                    &left);

    return *left ? NULL : node;
}

static bool
put(struct store_node **root, const char *path, const char *value)
{
    const char *left;
    struct store_node *node = store_tree_find(root, path, true, &left);

    if (strchr(left, '/')) {
        return false;
    }
    if (*left) {
        node = store_node_add(node, left);
    }
    free(store_node_set(node, "n1\0", 4, value, strlen(value)));
    return true;
}

static bool
drop(struct store_node **root, const char *path)
{
    size_t parent_bytes = strrchr(path, '/') - path;
    char *parent = xmemdup0(path, parent_bytes);
    struct store_node *node;
    const char *left;

    if (get(*root, path)) {
        node = store_tree_find(root, parent, true, &left);
        store_node_remove(node, path + parent_bytes + 1);
        left = NULL;
    } else {
        left = path;
    }
    free(parent);
    return !left;
}

static void
expect(struct store_node *root, const char *path, const char *value)
{
    const struct store_node *node = get(root, path);

    if (!value) {
        assert_null(node);
    } else {
        assert_non_null(node);
        assert_int_equal(node->value_bytes, strlen(value));
        assert_memory_equal(node->data + node->perms_bytes, value,
                            strlen(value));
    }
}

static void
test_put_get_remove(void **state)
{
    struct store_node *root = store_node_create("");
    const char *left;

    assert_ptr_equal(get(root, "/"), root);
    assert_false(put(&root, "/a/b", "x"));
    assert_true(put(&root, "/a", "1"));
    assert_true(put(&root, "/a/b", "2"));
    assert_true(put(&root, "/ab", "3"));
    assert_true(put(&root, "/a/b", "22"));
    assert_true(put(&root, "/", "root"));
    expect(root, "/a", "1");
    expect(root, "/a/b", "22");
    expect(root, "/ab", "3");
    expect(root, "/", "root");
    expect(root, "/a/bb", NULL);
    expect(root, "/a/b/c", NULL);

    assert_string_equal(store_tree_find(&root, "/a/b/c/d", false,
                                        &left)->name, "b");
    assert_string_equal(left, "c/d");
    assert_ptr_equal(store_tree_find(&root, "/x/y", false, &left), root);
    assert_string_equal(left, "x/y");
    assert_ptr_equal(store_tree_find(&root, "", false, &left), root);

    assert_false(drop(&root, "/b"));
    assert_true(drop(&root, "/a"));
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
    struct store_node *root = store_node_create("");
    char path[32], value[32];

    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "/n%d", i * 7919 % 2000);
        assert_true(put(&root, path, path));
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
            assert_true(drop(&root, path));
        }
    }
    assert_int_equal(root->n_children, 1000);
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
    struct store_node *root = store_node_create("");

    put(&root, "/a", "a");
    put(&root, "/a/b", "b");
    put(&root, "/a/b/c", "c");
    put(&root, "/d", "d");

    struct store_node *first = root;
    first->refs++;
    put(&root, "/a/b/c", "C");
    put(&root, "/a/b/e", "e");
    struct store_node *second = root;
    second->refs++;
    drop(&root, "/a");
    put(&root, "/d", "D");

    expect(first, "/a/b/c", "c");
    expect(first, "/a/b/e", NULL);
    expect(first, "/d", "d");
    expect(second, "/a/b/c", "C");
    expect(second, "/a/b/e", "e");
    expect(second, "/d", "d");
    expect(root, "/a/b", NULL);
    expect(root, "/d", "D");

    /* What did not change is shared. */
    assert_ptr_equal(get(first, "/d"), get(second, "/d"));
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
