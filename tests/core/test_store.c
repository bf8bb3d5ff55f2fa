/* taf.db: versions, mode, results at once and after, failures before they are committed, drops, a failing writer. */
#include "core/store.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[200];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/taf-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static struct store *must_open(enum db_mode mode)
{
	struct store *s = NULL;
	struct err e = ERR_INIT;
	if (store_open(dir, mode, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static struct digest key_of(const char *text)
{
	struct digest d;
	digest_of(text, strlen(text), &d);
	return d;
}

static void versions_and_mode(void **state)
{
	(void)state;
	struct store *s = NULL;
	struct err e = ERR_INIT;
	assert_int_equal(store_open(dir, DB_READ, &s, &e), ERR_NOTFOUND);
	store_close(must_open(DB_WRITE), false);
	char path[300];
	struct stat st;
	snprintf(path, sizeof(path), "%s/taf.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct db *db;
	assert_int_equal(db_open(path, DB_WRITE, &db, NULL), 0);
	assert_int_equal(db_exec(db, "PRAGMA user_version=999", NULL), 0);
	db_close(db);
	err_clear(&e);
	assert_int_equal(store_open(dir, DB_WRITE, &s, &e), ERR_DB);
	assert_non_null(strstr(e.text, "newer taf"));
	err_clear(&e);
	assert_int_equal(store_open(dir, DB_READ, &s, &e), ERR_DB);
}

static void results(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct digest a = key_of("a"), b = key_of("b");
	struct result r = {.fields = BUF_INIT};
	assert_int_equal(store_find(s, &a, &r, NULL), 0);
	int64_t n = store_put_result(s, &a, true, STR("{\"x\":1}"));
	assert_int_equal(store_find(s, &a, &r, NULL), 1); /* the moment it was put */
	assert_int_equal(r.n, n);
	assert_true(r.rejected);
	assert_string_equal(r.fields.data, "{\"x\":1}");
	store_put_object(s, &b, 5, n);
	store_flush(s, NULL);
	assert_int_equal(store_object_size(s, &b), 5);
	assert_int_equal(store_object_size(s, &a), -1);
	store_close(s, false);
	s = must_open(DB_READ);
	assert_int_equal(store_find(s, &a, &r, NULL), 1);
	assert_int_equal(store_lose_objects(s, &b, 1, NULL), 0); /* only as if */
	store_close(s, true);
	s = must_open(DB_READ);
	assert_int_equal(store_lose_objects(s, &b, 1, NULL), 0);
	assert_int_equal(store_find(s, &a, &r, NULL), 0);
	store_close(s, true);
	s = must_open(DB_WRITE);
	store_drop_result(s, &a, n); /* before any look-up: the index is not read yet */
	assert_int_equal(store_find(s, &a, &r, NULL), 0);
	struct err e = ERR_INIT;
	store_flush(s, NULL);
	assert_int_equal(store_result(s, n, &r, &e), ERR_LOST);
	int64_t m = store_put_result(s, &a, false, STR("{}"));
	assert_true(m > n);
	assert_int_equal(store_find(s, &a, &r, NULL), 1);
	assert_int_equal(r.n, m);
	store_put_object(s, &b, 5, m);
	assert_int_equal(store_lose_objects(s, &b, 1, NULL), 0);
	assert_int_equal(store_find(s, &a, &r, NULL), 0);
	assert_int_equal(store_object_size(s, &b), -1);
	buf_release(&r.fields);
	store_close(s, false);
}

/* An answer is read at once, by its own draw, and stays after the store was closed. */
static void answers_at_once(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct digest request = key_of("request"), other = key_of("other request");
	CLEANUP(stored_answer_release) struct stored_answer b = {.text = BUF_INIT};
	struct answer_row row = {.request = request,
		.draw = 7,
		.tokens_in = 30,
		.tokens_out = 4,
		.answer = STR("{\"a\":1}"),
		.sent = STR("{}"),
		.model = STR("m")};
	assert_int_equal(store_answer(s, &request, 7, &b, NULL), 0);
	store_put_answer(s, &row);
	assert_int_equal(store_answer(s, &request, 7, &b, NULL), 1);
	assert_string_equal(b.text.data, "{\"a\":1}");
	assert_int_equal(b.tokens_in, 30);
	assert_int_equal(b.tokens_out, 4);
	assert_int_equal(store_answer(s, &request, 8, &b, NULL), 0);
	assert_int_equal(store_answer(s, &other, 7, &b, NULL), 0);
	store_close(s, false);
	s = must_open(DB_READ);
	assert_int_equal(store_answer(s, &request, 7, &b, NULL), 1);
	store_close(s, false);
}

static void failures_at_once(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct failure f = {.stage = 1, .item = 2, .run = 3, .code = ERR_DATA, .key = key_of("k"), .text = BUF_INIT},
				   got = {.text = BUF_INIT};
	assert_int_equal(store_find_failure(s, &f.key, f.item, &got, NULL), 0);
	buf_puts(&f.text, "why");
	store_put_failure(s, &f);
	assert_int_equal(store_find_failure(s, &f.key, f.item, &got, NULL), 1);
	assert_int_equal(got.code, ERR_DATA);
	store_flush(s, NULL);
	assert_int_equal(store_find_failure(s, &f.key, f.item, &got, NULL), 1);
	assert_string_equal(got.text.data, "why");
	store_drop_failure(s, &f.key, f.item);
	assert_int_equal(store_find_failure(s, &f.key, f.item, &got, NULL), 0);
	buf_release(&f.text);
	buf_release(&got.text);
	store_close(s, false);
}

static void dropped_at_close(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct digest a = key_of("kept"), b = key_of("dropped");
	store_put_result(s, &a, false, STR("{}"));
	assert_int_equal(store_flush(s, NULL), 0);
	store_put_result(s, &b, false, STR("{}"));
	store_close(s, true);
	s = must_open(DB_WRITE);
	assert_int_equal(store_find(s, &a, NULL, NULL), 1);
	assert_int_equal(store_find(s, &b, NULL, NULL), 0);
	store_close(s, false);
}

static void full_disk(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	CLEANUP(buf_release) struct buf big = BUF_INIT;
	for (int i = 0; i < 20000; i++)
		buf_puts(&big, "0123456789");
	struct rlimit old, small;
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 400000;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	struct err e = ERR_INIT;
	for (int i = 0; i < 10; i++) {
		struct digest k = key_of((char[]){(char)('a' + i), 0});
		store_put_result(s, &k, false, buf_view(&big));
	}
	int rc = store_flush(s, &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(rc < 0);
	assert_int_equal(err_class_of(rc), CLASS_MACHINE);
	assert_true(store_failed(s, &e) < 0);
	store_put_result(s, &(struct digest){{1}}, false, STR("{}")); /* takes nothing more, and says so */
	assert_true(store_flush(s, NULL) < 0);
	store_close(s, false);
	store_close(must_open(DB_WRITE), false); /* as good as before */
}

static int take_memo(void *arg, const struct memo *m)
{
	*(struct memo *)arg = *m;
	return 0;
}

static void memos_and_names(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	int32_t one = store_stage(s, "one", "t"), two = store_stage(s, "two", "t");
	assert_int_not_equal(one, two);
	assert_int_equal(store_stage(s, "one", "t"), one);
	struct memo m = {.item = 7,
					.outcome = OUTCOME_PASSED,
					.reason = REASON_FILE,
					.input = "0123456789abcde",
					.fingerprint = 3,
					.changed = 4,
					.checked = 5,
					.was_fingerprint = 6,
					.result = (int64_t)1 << 40,
					.was_result = 9},
				got = {0};
	store_put_memo(s, two, &m);
	store_put_stage_state(s, two, STR("{\"x\":1}"));
	store_put_item(s, 7, STR("a/b"));
	store_close(s, false);
	s = must_open(DB_READ);
	assert_int_equal(store_find_stage(s, "two"), two);
	assert_int_equal(store_find_stage(s, "three"), 0);
	assert_int_equal(store_memos(s, one, take_memo, &got, NULL), 0);
	assert_int_equal(got.item, 0);
	assert_int_equal(store_memos(s, two, take_memo, &got, NULL), 0);
	assert_memory_equal(&got, &m, sizeof(m));
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	assert_int_equal(store_stage_state(s, two, &b, NULL), 0);
	assert_string_equal(b.data, "{\"x\":1}");
	store_close(s, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_and_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(results, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(dropped_at_close, setup, teardown),
		cmocka_unit_test_setup_teardown(full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(memos_and_names, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
