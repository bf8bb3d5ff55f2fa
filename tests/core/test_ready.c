/* What a provider lacks is told with the place of the option that the words name. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char yaml[] = "providers:\n"
						   "  voices:\n"
						   "    kind: openai-speech\n"
						   "    base_url: http://a/v1\n"
						   "    api_key_env: SOME_KEY\n"
						   "    voices: [ann female, annabel young, bo]\n"
						   "    extra:\n"
						   "      stream: 1\n"
						   "      stream_mode: 2\n";

struct lacking {
	struct arena arena;
	struct provider p;
	struct provider_ops ops;
};
static const char *words;

static int lacks(const struct provider *p, struct err *e)
{
	(void)p;
	return err_set(e, ERR_CONFIG, "%s", words);
}

static int stopped(const struct provider *p, struct err *e)
{
	(void)p;
	return err_set(e, ERR_STOPPED, "%s", words);
}

static void lacking_init(struct lacking *l, const char *file)
{
	struct yaml_node *root = NULL;
	struct err e = ERR_INIT;
	*l = (struct lacking){.arena = ARENA_INIT, .ops = {.kind = "openai-speech", .ready = lacks}};
	assert_int_equal(yaml_parse(&l->arena, file, str_of(yaml), &root, &e), 0);
	l->p = (struct provider){.name = "voices", .ops = &l->ops, .node = yaml_get(yaml_get(root, "providers"), "voices")};
}

static void test_places(void **state)
{
	(void)state;
	static const struct {
		const char *words;
		int line, col;
	} cases[] = {
		/* the provider is named like an option: its own name is not what is meant */
		{"provider voices: base_url holds a user", 4, 15},
		{"provider voices: voices: there must be two at least", 6, 13},
		{"provider voices: voices: ann is there twice", 6, 14},
		{"provider voices: voices: annabel is there twice", 6, 26},
		{"provider voices: voices: 'bo' will not do; base_url may", 6, 41},
		{"provider voices: extra: stream cannot be set there", 8, 7},
		{"provider voices: extra: stream_mode cannot be set there", 9, 7},
		{"provider voices: the environment variable SOME_KEY is not set", 5, 18},
		{"provider voices: give base_urls", 2, 3}, /* not there, and not base_url */
		{"provider voices: nothing of these", 2, 3},
	};
	struct lacking l;
	lacking_init(&l, "p.yaml");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct yaml_mark at = config_provider_place(&l.p, str_of(cases[i].words));
		if (at.line != cases[i].line || at.col != cases[i].col)
			print_message("%s: %d:%d\n", cases[i].words, at.line, at.col);
		assert_int_equal(at.line, cases[i].line);
		assert_int_equal(at.col, cases[i].col);
		assert_string_equal(at.file, "p.yaml");
	}
	l.p.node = NULL;
	assert_null(config_provider_place(&l.p, STR("provider voices: base_url")).file);
	arena_release(&l.arena);
}

static void test_ready(void **state)
{
	(void)state;
	char folder[64], file[80];
	struct err e = ERR_INIT;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%.40s/taf-ready.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof file, "%s/p.yaml", folder);
	assert_int_equal(fs_write_atomic(file, yaml, sizeof yaml - 1, 0600, &e), 0);
	struct lacking l;
	struct config c = {.file = file};
	CLEANUP(buf_release) struct buf wanted = BUF_INIT;
	lacking_init(&l, file);
	words = "provider voices: base_url must begin with https://";
	buf_printf(&wanted, "%s:4:15: %s\n        base_url: http://a/v1\n                  ^\n", file, words);
	assert_int_equal(config_ready(&c, &l.p, &e), ERR_CONFIG);
	assert_string_equal(e.text, wanted.data);
	e = (struct err)ERR_INIT;
	l.ops.ready = stopped;
	assert_int_equal(config_ready(&c, &l.p, &e), ERR_STOPPED);
	assert_string_equal(e.text, words);
	l.ops.ready = NULL;
	assert_int_equal(config_ready(&c, &l.p, NULL), 0);
	arena_release(&l.arena);
	assert_int_equal(fs_remove_tree(folder, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
