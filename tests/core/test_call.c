/* core/call: ids and the closed label sets. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void encodes_ids(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"tts_fraud_00001", "tts_fraud_00001"},
		{"a-b.c/d+e", "a-b.c/d+e"},
		{"Ab c", "%41b%20c"},
		{"电", "%e7%94%b5"},
		{"50%", "50%25"},
		{"", ""},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		id_encode(&b, str_of(cases[i][0]));
		assert_string_equal(b.data, cases[i][1]);
	}
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	id_encode(&b, str_n("\0", 1));
	assert_string_equal(b.data, "%00");
}

static void knows_valid_ids(void **state)
{
	(void)state;
	char longest[CALL_ID_MAX + 2];
	memset(longest, 'a', sizeof(longest));
	assert_true(id_valid(str_of("run/tts_fraud_00001+w.3")));
	assert_true(id_valid(str_of("%e7%94%b5")));
	assert_true(id_valid(str_n(longest, CALL_ID_MAX)));
	assert_false(id_valid(str_n(longest, CALL_ID_MAX + 1)));
	assert_false(id_valid(str_of("")));
	assert_false(id_valid(str_of("A")));
	assert_false(id_valid(str_of("a b")));
	assert_false(id_valid(str_of("%E7")));
	assert_false(id_valid(str_of("%e")));
	assert_false(id_valid(str_of("a%")));
	assert_false(id_valid(str_n("a\0b", 3)));
}

static void reads_the_labels_of_the_project(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct labels l;
	if (labels_load(&a, "schemas/labels.yaml", &l, &e))
		fail_msg("%s", e.text);
	assert_int_equal(l.nfraud_types, 8);
	assert_int_equal(l.nscenes, 7);
	assert_true(labels_is_fraud_type(&l, STR("投资诈骗")));
	assert_false(labels_is_fraud_type(&l, STR("订餐服务")));
	assert_true(labels_is_scene(&l, STR("订餐服务")));
	assert_false(labels_is_scene(&l, STR("订餐")));
	assert_false(labels_is_scene(&l, str_of(NULL)));
	arena_release(&a);
}

static void finds_the_labels_by_the_data_root(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct labels l;
	setenv("TAF_DATA", ".", 1);
	assert_int_equal(labels_load(&a, NULL, &l, NULL), 0);
	assert_int_equal(l.nscenes, 7);
	arena_release(&a);
}

static void refuses_bad_label_files(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"fraud_types: [a]\nscenes: [b, a]\n", ":2:"},
		{"fraud_types: [a]\n", "both"},
		{"fraud_types: [a]\nscenes: [b]\nscene: [c]\n", "unknown key"},
		{"fraud_types: a\nscenes: [b]\n", "expected a list"},
		{"fraud_types: []\nscenes: [b]\n", "expected a list"},
		{"fraud_types: [[a]]\nscenes: [b]\n", "must be a text"},
		{"- a\n", "expected the keys"},
	};
	char folder[] = "/tmp/taf-labels-XXXXXX";
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct labels l = {.nscenes = 77};
		CLEANUP(buf_release) struct buf path = BUF_INIT;
		fs_join(&path, folder, "labels.yaml");
		assert_int_equal(fs_write_atomic(path.data, cases[i][0], strlen(cases[i][0]), 0644, NULL), 0);
		assert_int_equal(labels_load(&a, path.data, &l, &e), ERR_CONFIG);
		if (!strstr(e.text, cases[i][1]))
			fail_msg("'%s' is not in: %s", cases[i][1], e.text);
		assert_int_equal(l.nscenes, 77); /* untouched on failure */
		arena_release(&a);
	}
	assert_int_equal(fs_remove_tree(folder, NULL), 0);
}

static void makes_and_reads_turns(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct json *turn = turn_new(&a, "left", STR("喂"));
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, turn);
	assert_string_equal(b.data, "{\"role\":\"left\",\"text\":\"喂\"}");
	assert_true(str_is(turn_role(turn), "left"));
	assert_true(str_is(turn_text(turn), "喂"));
	assert_null(turn_text(json_object(&a)).p);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_ids),
		cmocka_unit_test(knows_valid_ids),
		cmocka_unit_test(reads_the_labels_of_the_project),
		cmocka_unit_test(finds_the_labels_by_the_data_root),
		cmocka_unit_test(refuses_bad_label_files),
		cmocka_unit_test(makes_and_reads_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
