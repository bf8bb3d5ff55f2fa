#include "base/alloc.h"
#include "base/fs.h"
#include "core/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct template_slot slots[] = {{"name", true}, {"age", false}, {"turns", false}, {NULL, false}};

struct fixture {
	struct arena a;
	struct problems problems;
	struct buf out;
};
static void release(struct fixture *f)
{
	arena_release(&f->a);
	problems_release(&f->problems);
	buf_release(&f->out);
}
#define FIXTURE CLEANUP(release) struct fixture f = {.a = ARENA_INIT, .problems = PROBLEMS_INIT, .out = BUF_INIT}

static const char *render(struct fixture *f, const char *text, const char *name, const char *age, const char *turns)
{
	struct template t = {.n = 0};
	const struct str values[] = {str_of(name), str_of(age), str_of(turns)};
	buf_clear(&f->out);
	assert_true(template_read(&f->a, &(struct template_source){"p.md", str_of(text)}, slots, &t, &f->problems));
	template_render(&f->out, &t, values);
	return f->out.data;
}

static const char *problems_of(struct fixture *f, struct str text)
{
	struct template t = {.n = 0};
	buf_clear(&f->out);
	assert_false(template_read(&f->a, &(struct template_source){"p.md", text}, slots, &t, &f->problems));
	problems_print(&f->problems, &f->out);
	return f->out.data;
}

static void test_values_are_put_in(void **state)
{
	(void)state;
	FIXTURE;
	assert_string_equal(render(&f, "我叫{{name}}，{{ age }}岁。", "小李", "20", ""), "我叫小李，20岁。");
	assert_string_equal(render(&f, "{{name}}{{name}}", "a", "", ""), "aa");
	assert_string_equal(render(&f, "{{name}}: {\"a\": {\"b\": 1}}", "x", "", ""), "x: {\"a\": {\"b\": 1}}");
	assert_string_equal(render(&f, "{{name}}", "{{age}}", "7", ""), "{{age}}");
}

static void test_lines_of_empty_slots_are_left_out(void **state)
{
	(void)state;
	FIXTURE;
	const char *text = "名：{{name}}\n龄：{{age}}\n\n两者：{{name}} {{age}}\n完\n{{turns}}";
	assert_string_equal(render(&f, text, "李", "", "甲\n乙"), "名：李\n\n两者：李 \n完\n甲\n乙");
	assert_string_equal(render(&f, text, "李", "9", ""), "名：李\n龄：9\n\n两者：李 9\n完\n");
}

static void test_comment_bom_and_line_ends(void **state)
{
	(void)state;
	FIXTURE;
	assert_string_equal(
		render(&f, "\xEF\xBB\xBF<!-- slots: {{anything}}\r\n-->\r\n\r\na {{name}}\r\nb\r\n", "x", "", ""), "a x\nb");
	assert_string_equal(render(&f, "a <!-- stays --> {{name}}", "x", "", ""), "a <!-- stays --> x");
}

static void test_problems_have_places(void **state)
{
	(void)state;
	FIXTURE;
	const char *said = problems_of(&f, STR("好{{nam}}\n{{name}\n {{xyz12345}}\n"));
	assert_non_null(strstr(said, "p.md:1:2: unknown slot 'nam'; did you mean 'name'?"));
	assert_non_null(strstr(said, "p.md:2:1: this {{ is not closed by }} on its line"));
	assert_non_null(strstr(said, "p.md:3:2: unknown slot 'xyz12345'"));
}

static void test_what_a_whole_prompt_lacks(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {{"", "p.md:1:1: this prompt is empty"}, {" \n<!-- x -->\n", "this prompt is empty"},
		{"{{age}}", "this prompt has no {{name}}, which it needs"}, {"<!-- x", "p.md:1:1: this comment is not closed"},
		{"{{name}}\xFF", "no valid UTF-8"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		FIXTURE;
		assert_non_null(strstr(problems_of(&f, str_of(cases[i].text)), cases[i].words));
	}
	FIXTURE;
	CLEANUP(buf_release) struct buf big = BUF_INIT;
	memset(buf_reserve(&big, TEMPLATE_BYTES_MAX + 1), 'a', TEMPLATE_BYTES_MAX + 1);
	assert_non_null(strstr(problems_of(&f, str_n(big.data, TEMPLATE_BYTES_MAX + 1)), "at most 256 KiB"));
}

static void test_load(void **state)
{
	(void)state;
	FIXTURE;
	struct err e = ERR_INIT;
	struct template t = {.n = 0};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	char folder[] = "/tmp/taf-template-XXXXXX";
	assert_non_null(mkdtemp(folder));
	fs_join(&path, folder, "p.md");
	assert_int_equal(fs_write_atomic(path.data, "甲{{name}}", strlen("甲{{name}}"), 0600, &e), 0);
	assert_int_equal(template_load(&f.a, path.data, slots, &t, &e), 0);
	assert_int_equal(template_bytes(&t), strlen("甲"));
	assert_int_equal(fs_write_atomic(path.data, "{{no}}", 6, 0600, &e), 0);
	assert_int_equal(template_load(&f.a, path.data, slots, &t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "p.md:1:1: unknown slot 'no'"));
	assert_int_equal(fs_remove_tree(folder, NULL), 0);
	e.code = 0;
	assert_int_equal(template_load(&f.a, path.data, slots, &t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "p.md"));
}

static const struct template_spec specs[] = {
	{"one", {{"name", true}}}, {"two", {{"age", false}}}, {NULL, {{NULL, false}}}};

/* The words of what is wrong with a set of files "NAME=TEXT"; "" for none. */
static const char *load_set(struct fixture *f, const char *const *files, struct template *ret)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct str names[8];
	struct option_list list = {.v = names, .n = 0};
	struct err e = ERR_INIT;
	char folder[] = "/tmp/taf-template-XXXXXX";
	assert_non_null(mkdtemp(folder));
	for (; *files; files++) {
		const char *text = strchr(*files, '=') + 1;
		fs_join(&path, folder, arena_printf(&f->a, "%.*s", (int)(text - 1 - *files), *files));
		assert_int_equal(fs_mkdirs(arena_printf(&f->a, "%s/b", folder), NULL), 0);
		assert_int_equal(fs_write_atomic(path.data, text, strlen(text), 0600, NULL), 0);
		names[list.n++] = str_of(arena_strdup(&f->a, path.data));
	}
	int rc = templates_load(&f->a, &list, specs, ret, &e);
	assert_int_equal(fs_remove_tree(folder, NULL), 0);
	assert_int_equal(rc, e.text[0] ? ERR_CONFIG : 0);
	return arena_strdup(&f->a, e.text);
}

static void test_a_set_of_prompts(void **state)
{
	(void)state;
	FIXTURE;
	struct template t[2] = {{.n = 0}};
	const struct str values[] = {STR("甲")};
	assert_string_equal(load_set(&f, (const char *const[]){"two.md=二", "one.md=一{{name}}", NULL}, t), "");
	template_render(&f.out, &t[0], values);
	template_render(&f.out, &t[1], values);
	assert_string_equal(f.out.data, "一甲二");
	assert_int_equal(template_named(specs, STR("two")), 1);
	assert_int_equal(template_named(specs, STR("three")), -1);
	const char *said =
		load_set(&f, (const char *const[]){"one.md={{nam}}", "tow.md=x", "two.md=x", "b/two.md=y", NULL}, t);
	assert_non_null(strstr(said, "one.md:1:1: unknown slot 'nam'"));
	assert_non_null(strstr(said, "no prompt of the name 'tow'; did you mean 'two'?"));
	assert_non_null(strstr(said, "another file for the prompt two"));
	assert_non_null(
		strstr(load_set(&f, (const char *const[]){"two.md=x", NULL}, t), "prompts: there is no file one.md"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_put_in),
		cmocka_unit_test(test_lines_of_empty_slots_are_left_out),
		cmocka_unit_test(test_comment_bom_and_line_ends),
		cmocka_unit_test(test_problems_have_places),
		cmocka_unit_test(test_what_a_whole_prompt_lacks),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_a_set_of_prompts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
