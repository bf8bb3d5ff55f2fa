/* overrides.jsonl: what a person decided, applied to single calls; what is wrong with the file, told at once. */
#include "base/alloc.h"
#include "core/call.h"
#include "stages/screen/rules.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A "您好，这里是市民服务热线，请问有什么可以帮您？"
#define B "你好，我想问一下周末图书馆几点开门。"
#define C "周末是上午九点到下午五点，节假日另有安排。"
#define D "明白了，谢谢你，再见。"

struct desk {
	struct kit k;
	struct arena arena;
	const char *folder;
	struct err err;
	int rc;
};

static void open_desk(struct desk *d, const char *lines)
{
	*d = (struct desk){.arena = ARENA_INIT, .err = ERR_INIT};
	d->folder = kit_folder(&d->arena);
	kit_write(d->folder, "overrides.jsonl", lines, strlen(lines));
	d->rc = kit_open(&d->k, &stage_screen, "{overrides: overrides.jsonl}", d->folder, &d->err);
}

static void close_desk(struct desk *d)
{
	kit_close(&d->k);
	kit_remove_folder(d->folder);
	arena_release(&d->arena);
}

static struct work screen(struct desk *d, const char *id)
{
	static const char *const texts[] = {A, B, C, D};
	struct json *call = json_object(&d->k.arena), *turns = json_array(&d->k.arena);
	struct work w;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		json_append(turns, turn_new(&d->k.arena, i % 2 ? "right" : "left", str_of(texts[i])));
	json_set(&d->k.arena, call, "turns", turns);
	json_set_text(&d->k.arena, call, "id", id);
	d->rc = kit_work(&d->k, id, call, &w, &d->err);
	return w;
}

static void applies(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d, "\xef\xbb\xbf# by hand\r\n\r\n"
				  "{\"id\":\"r/1\",\"action\":\"drop\",\"reason\":\"答非所问\"}\r\n"
				  "{\"id\":\"r/2\",\"action\":\"relabel\",\"label\":\"客服诈骗\",\"reason\":\"要验证码\"}\n"
				  "{\"id\":\"r/2\",\"action\":\"edit\",\"turn\":3,\"was\":\"" D
				  "\",\"text\":\"好，再见。\",\"reason\":\"改错字\"}\n"
				  "{\"id\":\"r/3\",\"action\":\"relabel\",\"label\":\"咨询客服\",\"reason\":\"正常通话\"}\n"
				  "{\"id\":\"r/4\",\"action\":\"edit\",\"turn\":1,\"text\":\"" A "\",\"reason\":\"x\"}\n");
	if (d.rc)
		fail_msg("%s", d.err.text);
	struct work w = screen(&d, "r/1");
	assert_true(w.rejected);
	assert_string_equal(kit_json(&d.k, json_path(w.fields, "qa.@.findings")),
		"[{\"limit\":0,\"rule\":\"dropped_by_hand\",\"unit\":\"overrides\",\"value\":\"答非所问\"}]");
	w = screen(&d, "r/2");
	assert_false(w.rejected);
	assert_string_equal(kit_json(&d.k, json_get(w.fields, "label")), "{\"fraud_type\":\"客服诈骗\",\"is_fraud\":true}");
	assert_true(str_is(turn_text(json_at(json_get(w.fields, "turns"), 3)), "好，再见。"));
	assert_true(str_is(turn_text(json_at(json_get(w.fields, "turns"), 0)), A));
	assert_string_equal(kit_json(&d.k, json_get(w.fields, "overrides")),
		"[{\"action\":\"relabel\",\"reason\":\"要验证码\"},{\"action\":\"edit\",\"reason\":\"改错字\",\"turn\":3}]");
	w = screen(&d, "r/3");
	assert_string_equal(kit_json(&d.k, json_get(w.fields, "label")),
		"{\"is_fraud\":false,\"scene\":\"咨询客服\",\"scene_origin\":\"given\"}");
	assert_null(json_get(w.fields, "turns"));
	w = screen(&d, "r/4"); /* the rules see what was edited */
	assert_false(w.rejected);
	w = screen(&d, "r/5");
	assert_null(json_get(w.fields, "overrides"));
	close_desk(&d);
}

static void rules_come_after(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d, "{\"id\":\"r/1\",\"action\":\"edit\",\"turn\":2,\"text\":\"" A "\",\"reason\":\"x\"}\n");
	struct work w = screen(&d, "r/1");
	assert_true(w.rejected); /* it repeats turn 0 now */
	assert_true(str_is(json_get_str(json_at(json_path(w.fields, "qa.@.findings"), 0), "rule"), "repeated_turns"));
	close_desk(&d);
}

static void edits_must_fit(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d, "{\"id\":\"r/1\",\"action\":\"edit\",\"turn\":4,\"text\":\"a\",\"reason\":\"x\"}\n"
				  "{\"id\":\"r/2\",\"action\":\"edit\",\"turn\":0,\"was\":\"b\",\"text\":\"a\",\"reason\":\"x\"}\n");
	screen(&d, "r/1");
	assert_int_equal(d.rc, ERR_DATA);
	assert_non_null(strstr(d.err.text, "turn 4, but the call has 4 turns"));
	err_clear(&d.err);
	screen(&d, "r/2");
	assert_int_equal(d.rc, ERR_DATA);
	assert_non_null(strstr(d.err.text, "'was' is not what stands there"));
	close_desk(&d);
}

static void tells_all_that_is_wrong(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d, "{\"id\":\"r/1\",\"action\":\"drop\",\"reason\":\"x\"}\n"
				  "{\"id\":\"r/1\",\"action\":\"drop\",\"reason\":\"y\"}\n"
				  "{\"id\":\"r/2\",\"action\":\"remove\",\"reason\":\"x\"}\n"
				  "not json\n"
				  "{\"id\":\"r/3\",\"action\":\"relabel\",\"label\":\"诈骗\",\"reason\":\"x\"}\n"
				  "{\"id\":\"R 4\",\"action\":\"drop\",\"reason\":\"x\"}\n"
				  "{\"id\":\"r/5\",\"action\":\"drop\",\"why\":\"x\"}\n"
				  "{\"id\":\"r/6\",\"action\":\"edit\",\"turn\":-1,\"text\":\"a\",\"reason\":\"\"}\n");
	assert_int_equal(d.rc, ERR_CONFIG);
	static const char *const parts[] = {"overrides.jsonl:2:", "a second drop",
		"overrides.jsonl:3:", "drop, relabel or edit", "overrides.jsonl:4:", "overrides.jsonl:5:", "neither a fraud type",
		"overrides.jsonl:6:", "is no id", "overrides.jsonl:7:", "unknown member 'why'",
		"overrides.jsonl:8:", "'reason' is missing", "'turn' is the number"};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (!strstr(d.err.text, parts[i]))
			fail_msg("'%s' is not in: %s", parts[i], d.err.text);
	close_desk(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applies),
		cmocka_unit_test(rules_come_after),
		cmocka_unit_test(edits_must_fit),
		cmocka_unit_test(tells_all_that_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
