#include "base/map.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

static void test_put_find(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	char key[16];
	bool is_new;
	assert_null(map_find(&m, STR("a")));
	assert_int_equal(map_int(&m, STR("a"), -3), -3);
	for (int i = 0; i < 20000; i++) {
		int n = snprintf(key, sizeof(key), "key%d", i);
		struct map_entry *entry = map_put(&m, str_n(key, (size_t)n), &is_new);
		assert_true(is_new);
		assert_int_equal(entry->value.i, 0);
		entry->value.i = i;
	}
	for (int i = 0; i < 20000; i++) {
		int n = snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(map_int(&m, str_n(key, (size_t)n), -1), i);
		assert_string_equal(m.entries[i].key.p, key); /* in order of insertion, terminated */
	}
	struct map_entry *again = map_put(&m, STR("key5"), &is_new);
	assert_false(is_new);
	assert_int_equal(again->value.i, 5);
	assert_int_equal(m.n, 20000);
	assert_null(map_find(&m, STR("key20000")));
	assert_null(map_find(&m, STR("key")));
	map_release(&m);
	assert_int_equal(m.n, 0);
}

static void test_odd_keys(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	map_put(&m, (struct str){NULL, 0}, NULL)->value.i = 1;
	map_put(&m, STR("a\0b"), NULL)->value.i = 2;
	map_put(&m, STR("a"), NULL)->value.p = &m;
	assert_int_equal(map_int(&m, STR(""), -1), 1);
	assert_int_equal(map_int(&m, STR("a\0b"), -1), 2);
	assert_int_equal(map_int(&m, STR("a\0c"), -1), -1);
	assert_ptr_equal(map_ptr(&m, STR("a")), &m);
	assert_null(map_ptr(&m, STR("b")));
	map_clear(&m);
	assert_int_equal(m.n, 0);
	assert_null(map_find(&m, STR("a")));
	map_put(&m, STR("a"), NULL)->value.i = 9;
	assert_int_equal(map_int(&m, STR("a"), -1), 9);
	map_release(&m);
	map_release(&m);
}

/** Seeds and orders rest on these: they come from a second implementation and never change. */
static void test_hash_fixed(void **state)
{
	(void)state;
	assert_true(hash_bytes("", 0, 0) == UINT64_C(0xf52a15e9a9b5e89b));
	assert_true(hash_bytes("a", 1, 0) == UINT64_C(0x02c0bdbf481420f8));
	assert_true(hash_bytes("foobar", 6, 0) == UINT64_C(0x404da9e3b74078c2));
	assert_true(hash_bytes("foobar", 6, 12345) == UINT64_C(0xecec74fe96fcea82));
	assert_true(hash_bytes("你好", 6, 1) == UINT64_C(0x00dacb623461b599));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_find),
		cmocka_unit_test(test_odd_keys),
		cmocka_unit_test(test_hash_fixed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
