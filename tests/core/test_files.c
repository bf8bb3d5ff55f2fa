#include "core/files.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char path[200];

static struct digest of(const char *text, enum file_way way)
{
	struct digest d = {{0}};
	struct err e = ERR_INIT;
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, NULL), 0);
	struct files *f = files_new(NULL, false);
	if (files_digest(f, str_of(path), way, &d, &e) < 0)
		fail_msg("%s", e.text);
	files_free(f);
	return d;
}

static void same(const char *a, const char *b, enum file_way way, bool want)
{
	struct digest x = of(a, way), y = of(b, way);
	if (digest_equal(&x, &y) != want)
		fail_msg("'%s' and '%s'", a, b);
}

static void by_content(void **state)
{
	(void)state;
	char dir[100] = "/tmp/taf-files-XXXXXX";
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	same("a\nb\n",
		"\xef\xbb\xbf"
		"a  \r\nb\t\r\n\r\n\n",
		FILE_TEXT, true);
	same("a\nb\n", "a\nb", FILE_TEXT, true);
	same("a\nb\n", "a\n\nb\n", FILE_TEXT, false); /* an empty line inside is content */
	same("a\nb\n", " a\nb\n", FILE_TEXT, false);
	same("a\nb\n", "a\nb\nc\n", FILE_TEXT, false);
	same("a: 1\nb: [x]\n", "# c\nb: # d\n  - x\na: 1\n", FILE_YAML, true);
	same("a: 1\n", "a: 2\n", FILE_YAML, false);
	same("a: 1\n", "a: '1'\n", FILE_TEXT, false);
	struct digest d;
	struct err e = ERR_INIT;
	struct files *f = files_new(NULL, false);
	assert_int_equal(files_digest(f, STR("/nonexistent/x"), FILE_TEXT, &d, &e), ERR_NOTFOUND);
	files_free(f);
	fs_remove_tree(dir, NULL);
}

static void young_files_are_not_trusted(void **state)
{
	(void)state;
	const int64_t s = 1000000000;
	struct fs_stat st = {.exists = true, .size = 5, .mtime_ns = 100 * s, .ctime_ns = 100 * s, .ino = 3};
	struct seen seen = {.size = 5, .mtime_ns = 100 * s, .ctime_ns = 100 * s, .ino = 3, .hashed_ms = 103000};
	assert_true(seen_holds(&seen, &st));
	seen.hashed_ms = 101500; /* hashed 1.5 s after the change */
	assert_false(seen_holds(&seen, &st));
	seen.hashed_ms = 103000;
	st.ctime_ns += 1; /* same size and mtime, set by hand */
	assert_false(seen_holds(&seen, &st));
	st.ctime_ns -= 1;
	st.ino = 4;
	assert_false(seen_holds(&seen, &st));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_content),
		cmocka_unit_test(young_files_are_not_trusted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
