#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_sizes(void **state)
{
	(void)state;
	char *p = xmalloc(0);
	assert_non_null(p);
	p = xrealloc(p, 0);
	assert_non_null(p);
	free(p);
	unsigned char *z = xcalloc(7, 3);
	for (size_t i = 0; i < 21; i++)
		assert_int_equal(z[i], 0);
	z = xreallocarray(z, 100, 3);
	memset(z, 1, 300);
	free(z);
	free(xcalloc(0, 5));
}

static void test_copies(void **state)
{
	(void)state;
	CLEANUP(free_ptr) char *a = xstrdup("abc");
	CLEANUP(free_ptr) char *b = xstrndup("abc", 2);
	CLEANUP(free_ptr) char *c = xstrndup("abc", 10);
	assert_string_equal(a, "abc");
	assert_string_equal(b, "ab");
	assert_string_equal(c, "abc");
}

static char *hand_on(void)
{
	CLEANUP(free_ptr) char *p = xstrdup("kept");
	return TAKE(p);
}

static void test_take(void **state)
{
	(void)state;
	char *p = hand_on();
	assert_string_equal(p, "kept");
	free_ptr(&p);
	assert_null(p);
	free_ptr(&p);
}

static void test_grow(void **state)
{
	(void)state;
	int *v = NULL;
	size_t n = 0, cap = 0;
	for (int i = 0; i < 1000; i++) {
		GROW(v, n, cap);
		v[n++] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v[i], i);
	assert_true(cap >= n);
	free(v);
}

/** What kills a child that calls `fn`, or 0. */
static int death_of(void (*fn)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		close(2);
		fn();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void overflow_calloc(void)
{
	free(xcalloc(SIZE_MAX / 2, 3));
}
static void overflow_realloc(void)
{
	free(xreallocarray(NULL, (size_t)1 << 33, (size_t)1 << 33));
}
static void nothing(void)
{
}

static void test_overflow_aborts(void **state)
{
	(void)state;
	assert_int_equal(death_of(nothing), 0);
	assert_int_equal(death_of(overflow_calloc), SIGABRT);
	assert_int_equal(death_of(overflow_realloc), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_overflow_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
