/* taf.db: answers with who asked and what they cost, the answers a result was made of, and a database of format 1. */
#include "core/store.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[200];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/taf-answers-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
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

/** Whose texts are joined: "STEP draw cost sent answer; …". */
static int join(void *arg, const struct answer_row *row, struct err *e)
{
	struct buf *b = arg;
	(void)e;
	buf_printf(b, "%.*s %d %d %.*s %.*s%s; ", STR_FMT(row->step), (int)row->draw, (int)row->cost, STR_FMT(row->sent),
		STR_FMT(row->answer), row->imported ? " imported" : "");
	return 0;
}

static void expect(struct store *s, struct answer_query q, const char *wanted)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (store_answers(s, &q, join, &b, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(b.data, wanted);
}

static int stop(void *arg, const struct answer_row *row, struct err *e)
{
	(void)row;
	++*(int *)arg;
	return err_set(e, ERR_STOPPED, "enough");
}

static void who_asked_and_what_it_cost(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct digest one = key_of("one"), two = key_of("two"), three = key_of("three"), result = key_of("result");
	struct answer_row row = {.request = one,
		.draw = 5,
		.answer = STR("{\"content\":\"好\"}"),
		.sent = STR("{\"messages\":[]}"),
		.model = STR("m"),
		.tokens_in = 100,
		.tokens_out = 20,
		.cost = 30,
		.stage = 2,
		.item = 9,
		.asked = 1,
		.step = STR("left 1")};
	store_put_answer(s, &row);
	row.request = two;
	row.draw = 4;
	row.asked = 0;
	row.step = STR("opening");
	row.cost = 7;
	store_put_answer(s, &row);
	row.request = three;
	row.imported = true;
	row.item = row.stage = 0;
	row.asked = 0;
	row.cost = 0;
	store_put_answer(s, &row);
	struct answer_ref refs[] = {{three, 4}, {one, 5}};
	int64_t n = store_put_result_row(
		s, &(struct result_row){.key = &result, .fields = STR("{}"), .answers = refs, .nanswers = 2});
	assert_int_equal(store_flush(s, NULL), 0);
	struct spent spent = {-1, -1, -1, -1};
	assert_int_equal(store_spent(s, &spent, NULL), 0);
	assert_int_equal(spent.cost, 37);
	expect(s, (struct answer_query){.item = 9, .stage = 2},
		"opening 4 7 {\"messages\":[]} {\"content\":\"好\"}; left 1 5 30 {\"messages\":[]} {\"content\":\"好\"}; ");
	expect(s, (struct answer_query){.item = 9, .stage = 3}, "");
	expect(s, (struct answer_query){.result = n},
		"opening 4 0 {\"messages\":[]} {\"content\":\"好\"} imported; left 1 5 30 {\"messages\":[]} "
		"{\"content\":\"好\"}; ");
	CLEANUP(buf_release) struct buf all = BUF_INIT;
	int calls = 0;
	struct err e = ERR_INIT;
	assert_int_equal(store_answers(s, &(struct answer_query){.item = 0}, join, &all, NULL), 0);
	assert_int_equal(all.len, strlen("opening 4 7 {\"messages\":[]} {\"content\":\"好\"}; ") * 2 +
								  strlen("left 1 5 30 {\"messages\":[]} {\"content\":\"好\"}; ") + strlen(" imported"));
	assert_int_equal(store_answers(s, &(struct answer_query){.item = 0}, stop, &calls, &e), ERR_STOPPED);
	assert_int_equal(calls, 1);
	/* Asked and paid a second time: the row is replaced, the money is gone twice. */
	row = (struct answer_row){.request = one, .draw = 5, .answer = STR("{}"), .sent = STR("{}"), .cost = 30};
	store_put_answer(s, &row);
	store_drop_result(s, &result, n);
	store_flush(s, NULL);
	store_spent(s, &spent, NULL);
	assert_int_equal(spent.cost, 67);
	expect(s, (struct answer_query){.result = n}, "");
	store_close(s, false);
	s = must_open(DB_READ);
	store_spent(s, &spent, NULL);
	assert_int_equal(spent.cost, 67);
	store_close(s, false);
}

/* Results of a lost object forget their answers; the answers that name it go. */
static void lost_objects(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct digest request = key_of("r"), object = key_of("o"), result = key_of("k");
	char hex[DIGEST_HEX + 1];
	digest_hex(&object, hex);
	struct answer_row row = {
		.request = request, .answer = STR("{}"), .sent = STR("{}"), .model = STR("m"), .object = str_of(hex), .cost = 3};
	store_put_answer(s, &row);
	struct answer_ref ref = {request, 0};
	int64_t n = store_put_result_row(
		s, &(struct result_row){.key = &result, .fields = STR("{}"), .answers = &ref, .nanswers = 1});
	store_put_object(s, &object, 5, n);
	store_flush(s, NULL);
	expect(s, (struct answer_query){.result = n}, " 0 3 {} {}; ");
	assert_int_equal(store_lose_objects(s, &object, 1, NULL), 0);
	int64_t left = -1;
	struct spent spent = {-1, -1, -1, -1};
	db_query_int(
		store_db(s), "SELECT (SELECT count(*) FROM answer)+(SELECT count(*) FROM result_answer)", 0, &left, NULL);
	assert_int_equal(left, 0);
	store_spent(s, &spent, NULL);
	assert_int_equal(spent.cost, 3);
	store_close(s, false);
}

static void damaged_request(void **state)
{
	(void)state;
	struct store *s = must_open(DB_WRITE);
	struct answer_row row = {.request = key_of("r"), .answer = STR("{}"), .sent = STR("{\"a\":1}"), .model = STR("m")};
	store_put_answer(s, &row);
	store_flush(s, NULL);
	assert_int_equal(db_exec(store_db(s), "UPDATE answer SET sent=x'789c00'", NULL), 0);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(stored_answer_release) struct stored_answer answer = {.text = BUF_INIT};
	struct err e = ERR_INIT;
	assert_int_equal(store_answers(s, &(struct answer_query){.item = 0}, join, &b, &e), ERR_PARSE);
	assert_string_equal(e.text, "the request of a stored answer: packed bytes: damaged or cut short");
	assert_int_equal(store_answer(s, &row.request, 0, &answer, NULL), 1); /* the answer itself is whole */
	store_close(s, false);
}

static int count(void *arg, const struct answer_row *row, struct err *e)
{
	struct digest d;
	(void)e;
	assert_true(row->item == 0 && row->cost == 0 && !row->imported && row->step.n == 0);
	assert_true(str_is(row->model, "espeak") && digest_parse(row->object, &d));
	assert_true(str_starts(row->sent, "{\"text\":\"") && str_ends(row->sent, "}}"));
	++*(int *)arg;
	return 0;
}

/* tests/fixtures/store/format-1.sql was written by that format's taf. */
static void format_1(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct db *db;
	struct digest request, sound;
	const char *top = getenv("TAF_TOP");
	buf_printf(&b, "%s/tests/fixtures/store/format-1.sql", top ? top : ".");
	assert_int_equal(fs_read(b.data, 1 << 20, &sql, &e), 0);
	buf_clear(&b);
	buf_printf(&b, "%s/taf.db", dir);
	assert_int_equal(db_open(b.data, DB_WRITE, &db, &e), 0);
	assert_int_equal(db_exec(db, sql.data, &e), 0);
	db_close(db);
	assert_true(digest_parse(STR("fd66ed93b63420179dcab9d58d8a6ca96e5dcce92be69ffa9a38bc33132eb0ad"), &request));
	assert_true(digest_parse(STR("827322c3bcdafcb0dc228fec5f58a5ce87409e0c47615ba8a451f8b5d517c2d4"), &sound));
	/* Read as it is, then brought up to date by who may write, then read again; twice, since a second opening finds nothing to do. */
	for (int i = 0; i < 4; i++) {
		struct store *s = must_open(i == 0 ? DB_READ : i == 3 ? DB_READ : DB_WRITE);
		struct run_row run = {.stats = BUF_INIT};
		struct spent spent = {-1, -1, -1, -1};
		int n = 0;
		assert_int_equal(store_run(s, 0, &run, &e), 1);
		assert_string_equal(run.state, "done");
		buf_release(&run.stats);
		CLEANUP(stored_answer_release) struct stored_answer answer = {.text = BUF_INIT};
		assert_int_equal(store_answer(s, &request, 0, &answer, &e), 1);
		assert_non_null(strstr(answer.text.data, "\"duration_ms\":1090"));
		assert_int_equal(store_object_size(s, &sound), 35115);
		assert_int_equal(store_spent(s, &spent, &e), 0);
		assert_int_equal(spent.cost, 0);
		assert_int_equal(store_answers(s, &(struct answer_query){.item = 0}, count, &n, &e), 0);
		assert_int_equal(n, i == 0 ? 0 : 4);
		struct result r = {.fields = BUF_INIT};
		assert_int_equal(store_result(s, 91, &r, &e), 0);
		buf_release(&r.fields);
		int64_t version = 0;
		db_query_int(store_db(s), "PRAGMA user_version", 0, &version, NULL);
		assert_int_equal(version, i == 0 ? 1 : STORE_VERSION);
		store_close(s, false);
	}
	/* Nothing is left of the old table, and what is new is like that of a fresh file. */
	struct store *s = must_open(DB_READ);
	int64_t left = -1;
	db_query_int(store_db(s), "SELECT count(*) FROM sqlite_master WHERE name LIKE 'answer%'", 0, &left, NULL);
	assert_int_equal(left, 3);
	store_close(s, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_asked_and_what_it_cost, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_request, setup, teardown),
		cmocka_unit_test_setup_teardown(format_1, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
