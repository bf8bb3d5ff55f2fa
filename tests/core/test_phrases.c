/* Lists of texts in YAML files. */
#include "core/phrases.h"

#include "base/alloc.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int load(struct arena *a, const char *yaml, struct phrase_list *one, struct phrase_list *two, struct err *e)
{
	const struct phrase_key keys[] = {{"one", one}, {"two", two}, {"three", two}};
	const char *folder = kit_folder(a);
	kit_write(folder, "lists.yaml", yaml, strlen(yaml));
	int rc = phrases_load(a, arena_printf(a, "%s/lists.yaml", folder), keys, COUNT_OF(keys), e);
	kit_remove_folder(folder);
	return rc;
}

static void lists_are_folded(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf folded = BUF_INIT;
	struct phrase_list one = {0}, two = {0};
	struct err e = ERR_INIT;
	assert_int_equal(load(&a, "one: [ＡＰＩ 错误, '##']\ntwo: []\n", &one, &two, &e), 0);
	assert_int_equal(one.n, 2);
	assert_int_equal(two.n, 0);
	assert_true(phrases_have(&one, STR("api 错误")));
	assert_false(phrases_have(&one, STR("api")));
	assert_int_equal(phrases_fold(&folded, STR("出了 Api 错误（＃＃）"), &e), 0);
	assert_true(str_is(phrases_find(&one, buf_view(&folded)), "api 错误"));
	assert_null(phrases_find(&one, STR("没事")).p);
	assert_int_equal(phrases_fold(&folded, STR("\xff"), &e), ERR_PARSE);
}

static void mistakes_have_a_place(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *says;
	} bad[] = {
		{"- a\n", "lists.yaml:1:1: expected the keys one, two and three"},
		{"one: []\nfour: []\n", "lists.yaml:2:7: unknown key; expected one, two or three"},
		{"one: a\n", "lists.yaml:1:6: expected a list of texts"},
		{"one: [a, {b: c}]\n", "lists.yaml:1:10: expected a text"},
		{"one: [a, '']\n", "lists.yaml:1:10: this text is empty"},
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct phrase_list one = {0}, two = {0};
		struct err e = ERR_INIT;
		assert_int_equal(load(&a, bad[i].yaml, &one, &two, &e), ERR_CONFIG);
		if (!strstr(e.text, bad[i].says))
			fail_msg("'%s' does not say '%s'", e.text, bad[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_folded),
		cmocka_unit_test(mistakes_have_a_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
