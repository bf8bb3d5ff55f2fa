#include "base/alloc.h"
#include "base/clock.h"
#include "io/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static struct yaml_node *parse(const char *text)
{
	struct err e = ERR_INIT;
	struct yaml_node *root = NULL;
	if (yaml_parse(&arena, "f.yaml", str_of(text), &root, &e))
		fail_msg("%s", e.text);
	return root;
}

/* The error's words; fails the test when there is none. */
static const char *parse_bad(struct str text)
{
	static struct err e;
	e = (struct err)ERR_INIT;
	struct yaml_node *root = NULL;
	int rc = yaml_parse(&arena, "f.yaml", text, &root, &e);
	assert_int_not_equal(rc, 0);
	assert_null(root);
	return e.text;
}

static void assert_starts(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not start with \"%s\"", text, start);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not have \"%s\"", text, part);
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void test_tree_and_marks(void **state)
{
	(void)state;
	struct yaml_node *root = parse("\xEF\xBB\xBFname: x\r\n# c\r\nlist:\r\n  - 甲乙: {k: \"v\"}\r\n  - two\r\n");
	assert_int_equal(root->kind, YAML_MAP);
	assert_int_equal(root->n, 2);
	struct yaml_node *name = yaml_get(root, "name");
	assert_true(str_is(name->text, "x"));
	assert_true(name->plain);
	assert_int_equal(name->mark.line, 1);
	assert_int_equal(name->mark.col, 7);
	assert_int_equal(name->keymark.col, 1);
	struct yaml_node *list = yaml_get(root, "list");
	assert_int_equal(list->kind, YAML_LIST);
	assert_int_equal(list->n, 2);
	struct yaml_node *v = yaml_get(yaml_get(list->first, "甲乙"), "k");
	assert_true(str_is(v->text, "v"));
	assert_false(v->plain);
	assert_int_equal(v->mark.line, 4);
	assert_int_equal(v->mark.col, 13); /* code points, not bytes */
	assert_string_equal(v->mark.file, "f.yaml");
	assert_null(yaml_get(root, "absent"));
	assert_null(yaml_get(name, "x"));
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(parse("")->kind, YAML_MAP);
	assert_int_equal(parse("# only words\n")->n, 0);
	assert_int_equal(parse("--- {a: 1}\n...\n")->n, 1);
}

static void test_anchors(void **state)
{
	(void)state;
	struct yaml_node *root = parse("a: &x {k: [1, 2]}\nb: *x\nc: *x\n");
	struct yaml_node *b = yaml_get(root, "b"), *c = yaml_get(root, "c");
	assert_int_equal(yaml_get(b, "k")->n, 2);
	assert_ptr_not_equal(yaml_get(b, "k"), yaml_get(c, "k"));
	assert_int_equal(b->mark.line, 2);
	assert_int_equal(b->keymark.line, 2);
	assert_int_equal(yaml_get(b, "k")->mark.line, 1);
	assert_starts(parse_bad(STR("a: &x [*x]\n")), "f.yaml:1:8: ");
	assert_starts(parse_bad(STR("a: *nothing\n")), "f.yaml:1:4: ");
}

static void test_errors_have_places(void **state)
{
	(void)state;
	const struct {
		struct str text;
		const char *start, *words;
	} rows[] = {
		{STR("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: ", "'a' stands twice (first at line 1)"},
		{STR("a: 1\n\tb: 2\n"), "f.yaml:2:", "not tabs"},
		{STR("a: {b: 1\n"), "f.yaml:2:1: ", ""},
		{STR("a: @x\n"), "f.yaml:1:4: ", "quotes"},
		{STR("a: 1\n---\nb: 1\n"), "f.yaml:2:1: ", "second document"},
		{STR("a: &x {}\nb:\n  <<: *x\n"), "f.yaml:3:3: ", "merge keys"},
		{STR("? [a]\n: 1\n"), "f.yaml:1:3: ", "a key must be a text"},
		{STR("a: !!int 3\n"), "f.yaml:1:4: ", "tags"},
		{STR("a: !thing {}\n"), "f.yaml:1:4: ", "tags"},
		{STR("a: 甲\nb: \xff\xfe\n"), "f.yaml:2:4: ", "UTF-8"},
		{STR("a: 甲\nb: x\0y\n"), "f.yaml:2:5: ", "U+0000"},
		{STR("a: \x01\n"), "f.yaml:1:4: ", "U+0001"},
		{STR("a: \"x\\0y\"\n"), "f.yaml:1:4: ", "U+0000"},
		{STR("a: 'x\n"), "f.yaml:2:1: ", ""},
		{STR(": x\n"), "f.yaml:1:", "key"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = parse_bad(rows[i].text);
		assert_starts(text, rows[i].start);
		assert_has(text, rows[i].words);
	}
}

static void test_shows_the_line(void **state)
{
	(void)state;
	const char *text = parse_bad(STR("top:\n  名字: [1, 2}\n"));
	assert_has(text, "\n      名字: [1, 2}\n");
	/* two wide characters count double, so the caret stands under the brace */
	assert_has(text, "\n                 ^");
}

static void test_large_maps_find_doubles(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (int i = 0; i < 50; i++)
		buf_printf(&b, "key%d: %d\n", i, i);
	assert_int_equal(parse(b.data)->n, 50);
	buf_puts(&b, "key49: again\n");
	assert_starts(parse_bad(buf_view(&b)), "f.yaml:51:1: ");
	buf_truncate(&b, b.len - strlen("key49: again\n"));
	buf_puts(&b, "key3: again\n");
	assert_has(parse_bad(buf_view(&b)), "first at line 4");
}

static void test_bombs(void **state)
{
	(void)state;
	int64_t start = clock_ms();
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++) {
		buf_printf(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_printf(&b, "%s*a%d", k ? "," : "", i - 1);
		buf_puts(&b, "]\n");
	}
	assert_has(parse_bad(buf_view(&b)), "too much");
	arena_release(&arena);

	buf_clear(&b);
	for (int i = 0; i < 200000; i++)
		buf_puts(&b, "[");
	assert_has(parse_bad(buf_view(&b)), "deep");
	buf_clear(&b);
	buf_puts(&b, "a: ");
	for (int i = 0; i < 200000; i++)
		buf_puts(&b, "- ");
	(void)parse_bad(buf_view(&b));
	buf_clear(&b);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "%*s- k:\n", i * 2, "");
	assert_has(parse_bad(buf_view(&b)), "deep");
	buf_clear(&b);
	for (int i = 0; i < 400000; i++)
		buf_printf(&b, "%%TAG !a%d! tag:x,2000:\n", i);
	assert_has(parse_bad(buf_view(&b)), "%");
	buf_clear(&b);
	for (int i = 0; i < 400000; i++)
		buf_puts(&b, "{? ");
	(void)parse_bad(buf_view(&b));
	assert_true(clock_ms() - start < 20000);
}

static void test_large_files(void **state)
{
	(void)state;
	int64_t start = clock_ms();
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	char *p = buf_reserve(&b, (size_t)17 << 20);
	memset(p, 'a', (size_t)17 << 20);
	struct err e = ERR_INIT;
	struct yaml_node *root = NULL;
	assert_int_equal(yaml_parse(&arena, "f.yaml", str_n(p, (size_t)17 << 20), &root, &e), ERR_TOOBIG);
	/* Within the limit: one long value, and one with too many. */
	memcpy(p, "a: ", 3);
	e = (struct err)ERR_INIT;
	assert_int_equal(yaml_parse(&arena, "f.yaml", str_n(p, (size_t)15 << 20), &root, &e), 0);
	assert_int_equal(root->first->text.n, ((size_t)15 << 20) - 3);
	for (size_t i = 0; i < (size_t)15 << 20; i += 2)
		memcpy(p + i, i % 64 ? "a," : "\n,", 2);
	memcpy(p, "[ ", 2);
	(void)parse_bad(str_n(p, (size_t)15 << 20));
	for (size_t i = 0; i < (size_t)10 << 20; i += 4)
		memcpy(p + i, "- a\n", 4);
	assert_has(parse_bad(str_n(p, (size_t)10 << 20)), "too much");
	assert_true(clock_ms() - start < 30000);
}

static void test_scalars(void **state)
{
	(void)state;
	struct yaml_node *root = parse("[12, -3, +4, 0x1F, 0o17, '12', 1_0, 1e3, 1.5, .5, 5., -1.5e-2, .inf, 1.2.3, true, "
								   "False, yes, ~, null, '', \"\", abc, "
								   "9223372036854775807, 9223372036854775808, 0x, '-', 007]");
	static const struct {
		int is_int;
		int64_t i;
		int is_real;
		double d;
		int is_bool, is_null;
	} rows[] = {{1, 12, 1, 12, 0, 0}, {1, -3, 1, -3, 0, 0}, {1, 4, 1, 4, 0, 0}, {1, 31, 1, 31, 0, 0},
		{1, 15, 1, 15, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 1, 1000, 0, 0}, {0, 0, 1, 1.5, 0, 0},
		{0, 0, 1, .5, 0, 0}, {0, 0, 1, 5, 0, 0}, {0, 0, 1, -1.5e-2, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0},
		{0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1},
		{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {1, INT64_MAX, 1, 9223372036854775807.0, 0, 0},
		{0, 0, 1, 9223372036854775808.0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {1, 7, 1, 7, 0, 0}};
	assert_int_equal(root->n, COUNT_OF(rows));
	size_t at = 0;
	YAML_EACH(item, root) {
		int64_t i = 0;
		double d = 0;
		bool b;
		assert_int_equal(yaml_int(item, &i), rows[at].is_int);
		assert_true(i == rows[at].i);
		assert_int_equal(yaml_real(item, &d), rows[at].is_real);
		assert_true(d == rows[at].d);
		assert_int_equal(yaml_bool(item, &b), rows[at].is_bool);
		assert_int_equal(yaml_is_null(item), rows[at].is_null);
		at++;
	}
	assert_false(yaml_is_null(NULL));
	assert_true(yaml_is_null(yaml_get(parse("a:\n"), "a")));
}

static void canonical(const char *text, struct buf *b)
{
	buf_clear(b);
	yaml_canonical(b, parse(text));
}

static void test_canonical(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf a = BUF_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	canonical("b: 1\na: [x, 'y']\n", &a);
	canonical("# words\na:\n- x\n- \"y\"\nb:   1\r\n", &b);
	assert_string_equal(a.data, b.data);
	canonical("b: '1'\na: [x, 'y']\n", &b);
	assert_string_not_equal(a.data, b.data);
	canonical("a: [xy]\nb: 1\n", &b);
	assert_string_not_equal(a.data, b.data);
}

static void test_building(void **state)
{
	(void)state;
	struct yaml_mark none = {NULL, 0, 0};
	struct yaml_node *map = yaml_new(&arena, YAML_MAP, none);
	yaml_set(&arena, map, STR("a"), yaml_scalar(&arena, STR("1"), true, none));
	yaml_set(&arena, map, STR("b"), yaml_scalar(&arena, STR("2"), true, none));
	yaml_set(&arena, map, STR("c"), yaml_scalar(&arena, STR("3"), true, none));
	yaml_set(&arena, map, STR("b"), yaml_scalar(&arena, STR("4"), true, none));
	yaml_set(&arena, map, STR("c"), yaml_scalar(&arena, STR("5"), true, none));
	assert_int_equal(map->n, 3);
	assert_true(str_is(yaml_get(map, "b")->text, "4"));
	assert_true(str_is(map->last->text, "5"));
	assert_true(str_is(map->first->next->next->key, "c"));
}

static void test_secrets(void **state)
{
	(void)state;
	static const char *const keys[] = {
		"api_key", "API_KEY", "apiKey", "token", "hf_token", "password", "Authorization", "client_secret", "x-api-key"};
	static const char *const open_keys[] = {
		"api_key_env", "key_file", "key", "max_tokens", "tokens_per_min", "broken", "secretary"};
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (!yaml_secret_key(str_of(keys[i])))
			fail_msg("%s is a secret's name", keys[i]);
	for (size_t i = 0; i < COUNT_OF(open_keys); i++)
		if (yaml_secret_key(str_of(open_keys[i])))
			fail_msg("%s is no secret's name", open_keys[i]);
	assert_true(yaml_secret_value(STR("sk-abcdefghij0123456789")));
	assert_true(yaml_secret_value(STR("Bearer abcdefghij0123456789")));
	assert_true(yaml_secret_value(STR("https://me:pass@host/v1")));
	assert_false(yaml_secret_value(STR("https://host/v1?a=b:c@d")));
	assert_false(yaml_secret_value(STR("sk-learn")));
	assert_false(yaml_secret_value(STR("risk-assessment-of-the-year")));
	assert_false(yaml_secret_value(STR("")));
	/* and are not shown */
	const char *text = parse_bad(STR("p: {api_key: sk-abcdefghij0123456789, b: ]}\n"));
	assert_null(strstr(text, "abcdef"));
	text = parse_bad(STR("p: [x, sk-abcdefghij0123456789, {]\n"));
	assert_null(strstr(text, "abcdef"));
	assert_has(text, "sk-*");
}

static void test_point(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, (struct yaml_mark){"f", 2, 3}, STR("one\r\nt\two\x1b[31m\nthree"), "wrong");
	assert_string_equal(b.data, "f:2:3: wrong\n    t wo\xEF\xBF\xBD[31m\n      ^");
	buf_clear(&b);
	yaml_point(&b, (struct yaml_mark){"--set a=1", 0, 0}, STR("one"), "wrong");
	assert_string_equal(b.data, "--set a=1: wrong");
	buf_clear(&b);
	yaml_point(&b, (struct yaml_mark){NULL, 0, 0}, STR("one"), "wrong");
	assert_string_equal(b.data, "wrong");
	buf_clear(&b);
	yaml_point(&b, (struct yaml_mark){"f", 9, 1}, STR("one"), "wrong");
	assert_string_equal(b.data, "f:9:1: wrong");
	/* a long line is cut on both sides of the mark */
	char line[3001];
	memset(line, 'x', 3000);
	line[1499] = 'Y';
	line[3000] = 0;
	buf_clear(&b);
	yaml_point(&b, (struct yaml_mark){"f", 1, 1500}, str_of(line), "wrong");
	assert_true(b.len < 400);
	const char *y = strchr(b.data, 'Y'), *start = strchr(b.data, '\n') + 1, *caret = strchr(b.data, '^');
	const char *caret_line = strrchr(b.data, '\n') + 1;
	assert_int_equal(y - start - 2, caret - caret_line); /* "…" is three bytes wide one column */
}

static void test_speed(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (int i = 0; b.len < 20000; i++)
		buf_printf(
			&b, "phase%d:\n  - {say: \"您好，这里是客服中心\", when: [a, b], weight: %d}\n  - 请您稍等一下\n", i, i);
	int64_t start = clock_ms();
	for (int i = 0; i < 30; i++) {
		parse(b.data);
		arena_reset(&arena);
	}
	int64_t took = clock_ms() - start;
	printf("30 files of %zu bytes: %lld ms\n", b.len, (long long)took);
	assert_true(took < 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_tree_and_marks, teardown),
		cmocka_unit_test_teardown(test_empty, teardown),
		cmocka_unit_test_teardown(test_anchors, teardown),
		cmocka_unit_test_teardown(test_errors_have_places, teardown),
		cmocka_unit_test_teardown(test_shows_the_line, teardown),
		cmocka_unit_test_teardown(test_large_maps_find_doubles, teardown),
		cmocka_unit_test_teardown(test_bombs, teardown),
		cmocka_unit_test_teardown(test_large_files, teardown),
		cmocka_unit_test_teardown(test_scalars, teardown),
		cmocka_unit_test_teardown(test_canonical, teardown),
		cmocka_unit_test_teardown(test_building, teardown),
		cmocka_unit_test_teardown(test_secrets, teardown),
		cmocka_unit_test_teardown(test_point, teardown),
		cmocka_unit_test_teardown(test_speed, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
