/* stages/release over annotated calls: training rows, benchmark, preview, croissant.json. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/zip.h"
#include "tests/stages/release/releasekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct json *zip_text(struct world *w, const char *zip, const char *entry, struct buf *text)
{
	struct err e = ERR_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of(zip), &z, &e), &e);
	buf_clear(text);
	for (int64_t i = 0; i < zip_reader_count(z); i++)
		if (strcmp(zip_reader_name(z, i), entry) == 0) {
			ok(zip_reader_read(z, i, 1 << 24, text, &e), &e);
			return text->data[0] == '[' ? parse(&w->arena, text->data) : NULL;
		}
	fail_msg("%s has no %s", zip, entry);
	return NULL;
}

static void training_rows(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 30);
	world_annotate(&w);
	ok(pack(&w, "sft", &e), &e);
	zip_text(&w, "sft/sft.zip", "train.jsonl", &text);
	struct str rest = buf_view(&text), line;
	int n = 0, fraud = 0;
	for (; str_line(&rest, &line); n++) {
		struct json *row = NULL;
		ok(json_parse(&w.arena, line, &row, &e), &e);
		const struct json *m = json_get(row, "messages");
		assert_int_equal(json_count(row), 2);
		assert_true(json_count(m) == 5 || json_count(m) == 7);
		fraud += json_count(m) == 7;
		assert_true(str_is(json_get_str(json_at(m, 0), "role"), "system"));
		assert_true(str_starts(json_get_str(json_at(m, 1), "content"), "<audio>请判断"));
		assert_true(str_find(json_get_str(json_at(m, 3), "content"), STR("<audio>")) < 0);
		assert_true(str_starts(json_get_str(json_at(m, 2), "content"), "<think>想一想"));
		assert_true(str_ends(json_get_str(json_at(m, 2), "content"), "}</answer>"));
		assert_true(str_starts(json_at(json_get(row, "audios"), 0)->u.s, "audio/"));
	}
	/* Exactly once: what a training run sees. Confidence has two decimals, the words of a later round's key are told in Chinese. */
	assert_non_null(strstr(text.data, "<answer>{\\\"scene\\\":\\\"咨询客服\\\",\\\"reason\\\":\\\"不是 "
									  "是否诈骗\\\",\\\"confidence\\\":0.95}</answer>"));
	assert_non_null(strstr(text.data, "\\\"confidence\\\":1.00,\\\"is_fraud\\\":true}"));
	assert_non_null(strstr(text.data, "\\\"confidence\\\":0.07}"));
	assert_non_null(strstr(text.data, "想一想 诈骗类型"));
	read_file("sft/stats.json", &text);
	const struct json *s = parse(&w.arena, text.data);
	assert_int_equal(json_path(s, "sft.train")->u.i, n);
	assert_true(fraud > 0 && fraud < n);
	assert_int_equal(json_path(s, "sft.test")->u.i, 6);
	assert_int_equal(json_path(s, "surrogates.mobile")->u.i, 30);
	assert_int_equal(json_path(s, "annotations.calls")->u.i, 30);
	/* A fraud call without a scene has that of its annotation, and says so. */
	assert_int_equal(json_path(s, "scenes.咨询客服")->u.i, 20);
	assert_int_equal(json_path(s, "scene_origins.model")->u.i, 20);
	assert_int_equal(json_path(s, "splits.dev")->u.i, json_path(s, "sft.dev")->u.i);
	read_file("sft/README.md", &text);
	assert_non_null(strstr(text.data, "The annotations of 30 calls were filled into templates"));
	assert_non_null(strstr(text.data, "| `fraud` | 6 |"));
	assert_non_null(strstr(text.data, "annotations_creators:\n- machine-generated"));
}

/* What the public scripts do: join on the whole prompt, tell the task by its words, read the answer. */
static void bench_items(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 60);
	world_annotate(&w);
	ok(pack(&w, "bench", &e), &e);
	read_file("bench/stats.json", &text);
	const struct json *s = parse(&w.arena, text.data);
	struct map prompts = MAP_INIT;
	for (int task = 0; task < RELEASE_ROUNDS; task++) {
		char entry[64];
		snprintf(entry, sizeof(entry), "%s.json", release_round_name(task));
		const struct json *list = zip_text(&w, "bench/bench.zip", entry, &text);
		int64_t count = 0;
		JSON_EACH(answer, json_get(json_get(s, "bench"), release_round_name(task)))
			count += answer->u.i;
		assert_int_equal(json_count(list), count);
		assert_true(count > 0);
		JSON_EACH(item, list) {
			CLEANUP(buf_release) struct buf prompt = BUF_INIT;
			bool fresh;
			json_write(&prompt, json_get(item, "prompt"));
			map_put(&prompts, buf_view(&prompt), &fresh);
			assert_true(fresh);
			assert_int_equal(json_count(json_get(item, "prompt")), 2 + 2 * task);
			assert_int_equal(release_task_of(buf_view(&prompt)), task);
			const struct json *response = parse(&w.arena, json_get_str(item, "response").p);
			struct str answer = json_get_str(item, "answer");
			if (task == RELEASE_FRAUD)
				assert_true(str_is(answer, json_get_bool(response, "is_fraud", false) ? "fraud" : "normal"));
			else
				assert_true(str_eq(answer, json_get_str(response, task ? "fraud_type" : "scene")));
			assert_true(json_get_str(item, "reasoning").n > 0);
		}
	}
	map_release(&prompts);
}

static void annotations_that_cannot_be_used(void **state)
{
	(void)state;
	static const struct {
		const char *path, *value;
	} bad[] = {
		{"annotations.fraud.answer",
			"{\"is_fraud\":false,\"reason\":\"无\",\"confidence_percent\":1}"}, /* at odds with the label */
		{"annotations.fraud_type.answer", "{\"fraud_type\":\"彩票诈骗\",\"reason\":\"无\",\"confidence_percent\":1}"},
		{"annotations.fraud_type", "{\"thinking\":\"\",\"answer\":{}}"},
		{"annotations.scene.answer", "{\"scene\":\"咨询客服\",\"reason\":\"无\",\"confidence_percent\":101}"},
		{"annotations.scene.answer", "{\"scene\":\"咨询客服\",\"reason\":\"</answer>\",\"confidence_percent\":1}"},
		{"annotations.scene.answer", "{\"reason\":\"无\",\"confidence_percent\":1}"},
	};
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 30);
	world_annotate(&w);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct json *call = json_copy(&w.arena, w.calls[i]); /* ids of fraud calls come first */
		char parent[64];
		const char *dot = strrchr(bad[i].path, '.');
		snprintf(parent, sizeof(parent), "%.*s", (int)(dot - bad[i].path), bad[i].path);
		assert_int_equal(release_rounds_of(call), 3);
		json_set(&w.arena, json_path(call, parent), dot + 1, json_copy(&w.arena, parse(&w.arena, bad[i].value)));
		assert_int_equal(release_rounds_of(call), -1);
		w.calls[i] = call;
	}
	ok(pack(&w, "unusable", &e), &e);
	read_file("unusable/stats.json", &text);
	const struct json *s = parse(&w.arena, text.data);
	assert_int_equal(json_path(s, "annotations.unusable")->u.i, COUNT_OF(bad));
	assert_int_equal(json_path(s, "annotations.calls")->u.i, 30 - COUNT_OF(bad));
	read_file("unusable/README.md", &text);
	assert_non_null(strstr(text.data, "The annotations of 6 more are at odds"));
}

/* Annotated, but no split: all for training, and no benchmark. */
static void no_split(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 10);
	world_annotate(&w);
	for (size_t i = 0; i < 10; i++)
		json_set(&w.arena, (struct json *)(uintptr_t)w.calls[i], "split", json_null(&w.arena));
	ok(pack(&w, "nosplit", &e), &e);
	struct fs_stat st;
	ok(fs_stat(path_of("nosplit/bench.zip"), &st, &e), &e);
	assert_false(st.exists);
	read_file("nosplit/stats.json", &text);
	assert_int_equal(json_path(parse(&w.arena, text.data), "sft.train")->u.i, 10);
	read_file("nosplit/README.md", &text);
	assert_non_null(strstr(text.data, "there is no `bench.zip`"));
}

static void rounds_that_would_mislead(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"system: 说 scene\nscene: scene\nfraud: is_fraud\nfraud_type: fraud_type\n",
			":1:9: the system text must name no"},
		{"system: 好\nscene: scene 或 is_fraud\nfraud: is_fraud\nfraud_type: fraud_type\n",
			":2:8: the text must name its own"},
		{"system: 好\nscene: scene\nfraud: 判断\nfraud_type: fraud_type\n", ":3:8: the text must name its own"},
		{"system: 好\nscene: <audio>scene\nfraud: is_fraud\nfraud_type: fraud_type\n", "<audio> is put in"},
		{"system: 好\nscene: scene\nfraud: is_fraud\n", "a text is wanted"},
	};
	struct arena a = ARENA_INIT;
	struct labels labels;
	struct release_rounds rounds;
	struct err e = ERR_INIT;
	ok(labels_load(&a, "schemas/labels.yaml", &labels, &e), &e);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		ok(fs_write_atomic(path_of("rounds.yaml"), bad[i].text, strlen(bad[i].text), 0644, &e), &e);
		assert_int_equal(release_rounds_load(&a, path_of("rounds.yaml"), &labels, &rounds, &e), ERR_CONFIG);
		if (!strstr(e.text, bad[i].words))
			fail_msg("'%s' does not say '%s'", e.text, bad[i].words);
		err_clear(&e);
	}
	ok(release_rounds_load(&a, "stages/release/rounds.yaml", &labels, &rounds, &e), &e);
	assert_true(str_find(rounds.ask[RELEASE_TYPE], STR("投资诈骗、钓鱼诈骗")) > 0);
	assert_true(str_find(rounds.ask[RELEASE_SCENE], STR("{labels}")) < 0);
	arena_release(&a);
}

/* --- The preview --- */

static size_t chosen_of(int calls, int from, size_t *ret_fraud, uint64_t *hashes)
{
	struct release_preview p = {.want = 10};
	*ret_fraud = 0;
	for (int i = from; i < calls; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%012x", (unsigned)i);
		release_preview_offer(&p, name, i % 4 == 0, (size_t)i);
	}
	release_preview_choose(&p);
	size_t n = p.nchosen;
	for (size_t i = 0; i < n; i++) {
		*ret_fraud += p.chosen[i].fraud;
		hashes[i] = p.chosen[i].hash;
		assert_ptr_equal(release_preview_find(&p, p.chosen[i].index), &p.chosen[i]);
		assert_true(i == 0 || p.chosen[i - 1].hash < p.chosen[i].hash);
	}
	release_preview_free(&p);
	return n;
}

static void preview_choice(void **state)
{
	(void)state;
	uint64_t a[10], b[10];
	size_t fraud, same = 0;
	assert_int_equal(chosen_of(1000, 0, &fraud, a), 10);
	assert_int_equal(fraud, 5);
	assert_int_equal(chosen_of(6, 1, &fraud, b), 5);
	assert_int_equal(fraud, 1);
	assert_int_equal(chosen_of(14, 0, &fraud, b), 10); /* 4 fraud: filled up with normal ones */
	assert_int_equal(fraud, 4);
	assert_int_equal(chosen_of(1050, 0, &fraud, b), 10); /* 5% more calls change few */
	for (size_t i = 0; i < 10; i++)
		for (size_t k = 0; k < 10; k++)
			same += a[i] == b[k];
	assert_true(same >= 8);
}

static void preview_page(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf copy = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 6);
	world_annotate(&w);
	for (size_t i = 0; i < 6; i++)
		json_set_text(&w.arena, json_at(json_get(w.calls[i], "turns"), 1), "text", "<script>alert(\"'&\")</script>");
	ok(pack(&w, "page", &e), &e);
	read_file("page/preview/index.html", &text);
	assert_null(strstr(text.data, "<script"));
	assert_non_null(strstr(text.data, "&lt;script&gt;alert(&quot;&#39;&amp;&quot;)&lt;/script&gt;"));
	assert_non_null(strstr(text.data, "想一想"));
	size_t sections = 0;
	for (const char *at = text.data; (at = strstr(at, "<audio controls preload=\"none\" src=\"")); sections++) {
		char name[64];
		at += strlen("<audio controls preload=\"none\" src=\"");
		snprintf(name, sizeof(name), "page/preview/%.16s", at);
		read_file(name, &copy);
		assert_true(str_find(buf_view(&copy), STR("sound ")) > 0);
	}
	assert_int_equal(sections, 4);
	w.params.preview = 0;
	ok(pack(&w, "page", &e), &e);
	struct fs_stat st;
	ok(fs_stat(path_of("page/preview"), &st, &e), &e);
	assert_false(st.exists);
}

static void croissant_names_the_zips(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 20);
	world_annotate(&w);
	w.params.url = STR("https://example.org/set");
	w.params.creator = STR("某组织");
	ok(pack(&w, "croissant", &e), &e);
	read_file("croissant/croissant.json", &text);
	const struct json *c = parse(&w.arena, text.data);
	assert_true(str_is(json_get_str(c, "conformsTo"), "http://mlcommons.org/croissant/1.0"));
	assert_true(str_is(json_get_str(c, "url"), "https://example.org/set"));
	assert_true(str_is(json_get_str(json_get(c, "creator"), "name"), "某组织"));
	int zips = 0;
	JSON_EACH(file, json_get(c, "distribution")) {
		struct str hex = json_get_str(file, "sha256");
		struct digest d;
		int64_t size;
		char got[DIGEST_HEX + 1], name[128];
		if (!hex.n)
			continue;
		snprintf(name, sizeof(name), "croissant/%s", json_get_str(file, "contentUrl").p);
		ok(digest_file(path_of(name), &d, &size, &e), &e);
		digest_hex(&d, got);
		assert_true(str_is(hex, got));
		zips++;
	}
	assert_int_equal(zips, 5);
	assert_int_equal(json_count(json_get(c, "recordSet")), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(training_rows),
		cmocka_unit_test(bench_items),
		cmocka_unit_test(annotations_that_cannot_be_used),
		cmocka_unit_test(no_split),
		cmocka_unit_test(rounds_that_would_mislead),
		cmocka_unit_test(preview_choice),
		cmocka_unit_test(preview_page),
		cmocka_unit_test(croissant_names_the_zips),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
