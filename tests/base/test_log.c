#include "base/log.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

/** What `fn` writes to the terminal goes to `terminal`, its log file to `file`. */
static void capture(void (*fn)(void), bool with_file, struct buf *terminal, struct buf *file)
{
	FILE *err_file = tmpfile(), *log_file = tmpfile();
	assert_non_null(err_file);
	assert_non_null(log_file);
	int saved = dup(2);
	fflush(stderr);
	dup2(fileno(err_file), 2);
	if (with_file)
		log_set_file(log_file);
	fn();
	log_set_file(NULL);
	dup2(saved, 2);
	close(saved);
	char chunk[4096];
	size_t n;
	rewind(err_file);
	while ((n = fread(chunk, 1, sizeof(chunk), err_file)) > 0)
		buf_add(terminal, chunk, n);
	rewind(log_file);
	while ((n = fread(chunk, 1, sizeof(chunk), log_file)) > 0)
		buf_add(file, chunk, n);
	fclose(err_file);
	fclose(log_file);
}

static void write_levels(void)
{
	log_error("speak a/1", "broken %d", 5);
	log_warn(NULL, "careful");
	log_info("x", "told");
	log_debug("x", "deep");
	log_line(LOG_TRACE, "x", "flood");
}

static void test_levels(void **state)
{
	(void)state;
	struct buf terminal = BUF_INIT, file = BUF_INIT;
	capture(write_levels, true, &terminal, &file);
	assert_string_equal(terminal.data, "taf: error speak a/1: broken 5\ntaf: warn: careful\n");
	assert_non_null(strstr(file.data, "\",\"level\":\"error\",\"object\":\"speak a/1\",\"text\":\"broken 5\"}\n"));
	assert_non_null(strstr(file.data, "\",\"level\":\"warn\",\"text\":\"careful\"}\n"));
	assert_non_null(strstr(file.data, "\"level\":\"debug\""));
	assert_null(strstr(file.data, "flood"));
	static const char form[] = "{\"v\":1,\"t\":\"2026-11-21T18:44:36.123Z\",";
	for (size_t i = 0; i < sizeof(form) - 1; i++) { /* digits stand for any digit */
		bool digit = form[i] >= '0' && form[i] <= '9' && i > 6;
		assert_true(digit ? file.data[i] >= '0' && file.data[i] <= '9' : file.data[i] == form[i]);
	}
	buf_release(&terminal);
	buf_release(&file);
}

static void test_wanted(void **state)
{
	(void)state;
	assert_true(log_wanted(LOG_WARN));
	assert_false(log_wanted(LOG_INFO));
	log_terminal_level = LOG_TRACE;
	assert_true(log_wanted(LOG_TRACE));
	struct buf terminal = BUF_INIT, file = BUF_INIT;
	capture(write_levels, false, &terminal, &file);
	assert_non_null(strstr(terminal.data, "taf: trace x: flood\n"));
	assert_int_equal(file.len, 0);
	log_terminal_level = LOG_WARN;
	log_set_file(stderr);
	assert_true(log_wanted(LOG_DEBUG));
	assert_false(log_wanted(LOG_TRACE));
	log_set_file(NULL);
	assert_false(log_wanted(LOG_DEBUG));
	buf_release(&terminal);
	buf_release(&file);
}

static void write_dirt(void)
{
	log_error("o\"b", "a\x1b[31m\tb\n\"你\\\xff");
}

static void test_dirt(void **state)
{
	(void)state;
	struct buf terminal = BUF_INIT, file = BUF_INIT;
	capture(write_dirt, true, &terminal, &file);
	assert_string_equal(terminal.data, "taf: error o\"b: a\xEF\xBF\xBD[31m\tb\n\"你\\\xEF\xBF\xBD\n");
	assert_non_null(
		strstr(file.data, "\"object\":\"o\\\"b\",\"text\":\"a\\u001b[31m\\u0009b\\n\\\"你\\\\\xEF\xBF\xBD\"}\n"));
	buf_release(&terminal);
	buf_release(&file);
}

static int before_n, after_n;
static void before(void *arg)
{
	assert_int_equal(before_n++, after_n);
	fputs(arg, stderr);
}
static void after(void *arg)
{
	(void)arg;
	after_n++;
}

static void test_hook(void **state)
{
	(void)state;
	struct buf terminal = BUF_INIT, file = BUF_INIT;
	char clear[] = "(clear)";
	log_set_hook(before, after, clear);
	capture(write_levels, true, &terminal, &file);
	log_set_hook(NULL, NULL, NULL);
	assert_int_equal(before_n, 2); /* only for what goes to the terminal */
	assert_int_equal(after_n, 2);
	assert_string_equal(terminal.data, "(clear)taf: error speak a/1: broken 5\n(clear)taf: warn: careful\n");
	buf_release(&terminal);
	buf_release(&file);
}

static void *write_many(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info(arg, "%s %d end", (const char *)arg, i);
	return NULL;
}

static void write_threads(void)
{
	static char names[4][2] = {"a", "b", "c", "d"};
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, names[i]), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
}

static void test_threads(void **state)
{
	(void)state;
	struct buf terminal = BUF_INIT, file = BUF_INIT;
	capture(write_threads, true, &terminal, &file);
	struct str rest = buf_view(&file), line;
	int n = 0;
	for (; str_line(&rest, &line); n++)
		assert_true(str_starts(line, "{\"v\":1,") && str_ends(line, " end\"}"));
	assert_int_equal(n, 800);
	buf_release(&terminal);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_dirt),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
