#include "core/objects.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_read_lose(void **state)
{
	(void)state;
	char dir[200];
	snprintf(dir, sizeof(dir), "%s/taf-objects-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	struct err e = ERR_INIT;
	struct digest d;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	assert_int_equal(objects_prepare(dir, &e), 0);
	assert_int_equal(objects_put(dir, STR("hello"), &d, &e), 0);
	assert_int_equal(objects_put(dir, STR("hello"), &d, &e), 0); /* there already */
	assert_int_equal(objects_size(dir, &d), 5);
	assert_int_equal(objects_read(dir, &d, 5, 100, &b, &e), 0);
	assert_string_equal(b.data, "hello");
	buf_clear(&b);
	assert_int_equal(objects_read(dir, &d, 4, 100, &b, &e), ERR_LOST); /* not the length that is known */
	objects_path(&path, dir, &d);
	assert_int_equal(fs_write_atomic(path.data, "hellO", 5, 0644, NULL), 0);
	err_clear(&e);
	assert_int_equal(objects_read(dir, &d, -1, 100, &b, &e), ERR_LOST); /* by digest, and away with it */
	assert_int_equal(b.len, 0);
	assert_int_equal(objects_size(dir, &d), -1);
	assert_int_equal(fs_write_atomic(path.data, "hel", 3, 0644, NULL), 0);
	err_clear(&e);
	assert_int_equal(objects_put(dir, STR("hello"), &d, &e), 0); /* a short one is replaced */
	assert_int_equal(objects_size(dir, &d), 5);
	buf_clear(&path);
	buf_printf(&path, "%s/tmp/123.4", dir);
	assert_int_equal(fs_write_atomic(path.data, "x", 1, 0644, NULL), 0);
	assert_int_equal(objects_sweep(dir, &e), 0);
	struct fs_stat st;
	assert_int_equal(fs_stat(path.data, &st, &e), 0);
	assert_false(st.exists);
	assert_int_equal(objects_remove(dir, &d, &e), 0);
	assert_int_equal(objects_remove(dir, &d, &e), 0);
	fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_read_lose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
