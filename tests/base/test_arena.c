#include "base/arena.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

static void test_alloc(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	uint32_t x = 1;
	char *seen[2000];
	size_t sizes[2000];
	for (size_t i = 0; i < COUNT_OF(seen); i++) {
		x = x * 1664525u + 1013904223u;
		sizes[i] = i % 97 == 0 ? x % 400000 : x % 300;
		seen[i] = arena_alloc(&a, sizes[i]);
		assert_non_null(seen[i]);
		assert_int_equal((uintptr_t)seen[i] % 16, 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_true(seen[i][k] == 0);
		memset(seen[i], (int)(i % 251) + 1, sizes[i]);
	}
	for (size_t i = 0; i < COUNT_OF(seen); i++) { /* nothing overlaps */
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal((unsigned char)seen[i][k], i % 251 + 1);
	}
	arena_release(&a);
	assert_int_equal(a.total, 0);
	arena_release(&a);
}

static void test_copies(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	assert_string_equal(arena_strdup(&a, "abc"), "abc");
	assert_string_equal(arena_dup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_dup(&a, NULL, 0), "");
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 5), "x-5");
	assert_int_equal(strlen(arena_printf(&a, "%10000d", 5)), 10000);
	struct str s = arena_str(&a, STR("a\0b"));
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);
	uint64_t *v = arena_array(&a, 10, sizeof(*v));
	assert_true(v[0] == 0 && v[9] == 0);
	struct str *one = ARENA_NEW(&a, struct str);
	assert_null(one->p);
	arena_release(&a);
}

static void test_reset(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	arena_reset(&a);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 200; i++) {
			unsigned char *p = arena_alloc(&a, 100);
			for (size_t k = 0; k < 100; k++)
				assert_int_equal(p[k], 0); /* also where the round before wrote */
			memset(p, 0xAA, 100);
		}
		arena_reset(&a);
		assert_true(a.total > 0 && a.total < 100000);
	}
	size_t kept = a.total;
	arena_alloc(&a, 10);
	assert_int_equal(a.total, kept); /* the kept block is used again */
	arena_alloc(&a, 10 << 20);
	arena_reset(&a);
	assert_true(a.total < 1 << 20); /* a large one is not kept */
	arena_release(&a);
	arena_alloc(&a, 10 << 20); /* also when it is the only one */
	arena_reset(&a);
	assert_int_equal(a.total, 0);
	arena_release(&a);
}

/** A large thing in between does not waste the block that is in use. */
static void test_large_between(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	char *before = arena_alloc(&a, 16);
	arena_alloc(&a, 1 << 20);
	char *after = arena_alloc(&a, 16);
	assert_true(after - before > 0 && after - before <= 64);
	arena_release(&a);
}

static void test_poison(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	struct arena a = ARENA_INIT;
	char *p = arena_alloc(&a, 10), *q = arena_alloc(&a, 32);
	assert_false(__asan_address_is_poisoned(p + 9));
	assert_true(__asan_address_is_poisoned(p + 10));
	assert_true(__asan_address_is_poisoned(q + 32));
	assert_true(__asan_address_is_poisoned(q - 1));
	assert_false(__asan_address_is_poisoned(q + 31));
	arena_reset(&a);
	assert_true(__asan_address_is_poisoned(p));
	assert_true(__asan_address_is_poisoned(q));
	arena_release(&a);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_large_between),
		cmocka_unit_test(test_poison),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
