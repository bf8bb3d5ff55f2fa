/* stages/release over a hand-made set of calls: what it writes, that bytes depend on nothing else, and what it refuses. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/digest.h"
#include "io/zip.h"
#include "tests/stages/release/releasekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Tests --- */

static void writes_all_files(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 30);
	ok(pack(&w, "all", &e), &e);
	struct fs_names names = {.v = NULL};
	ok(fs_list(path_of("all"), &names, &e), &e);
	static const char *const want[] = {"README.md", "README.zh-CN.md", "SHA256SUMS", "audio.zip",
		"binary_classification.zip", "croissant.json", "manifest.jsonl", "preview", "stats.json"};
	assert_int_equal(names.n, COUNT_OF(want));
	for (size_t i = 0; i < names.n; i++)
		assert_string_equal(names.v[i], want[i]);
	fs_names_free(&names);

	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file("all/manifest.jsonl", &text);
	struct str rest = buf_view(&text), line;
	size_t n = 0;
	struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of("all/audio.zip"), &z, &e), &e);
	assert_int_equal(zip_reader_count(z), 30);
	CLEANUP(buf_release) struct buf entry = BUF_INIT;
	for (; str_line(&rest, &line); n++) {
		struct json *row = NULL;
		ok(json_parse(&w.arena, line, &row, &e), &e);
		assert_true(str_eq(json_get_str(row, "id"), json_get_str(w.calls[n], "id")));
		char name[RELEASE_NAME_HEX + 1];
		release_name("测试-demo", json_get_str(row, "id"), name);
		assert_true(str_is(json_get_str(row, "name"), name));
		assert_true(str_is(json_get_str(row, "audio"), zip_reader_name(z, (int64_t)n)));
		assert_true(
			str_is(json_get_str(row, "label"), str_starts(json_get_str(row, "id"), "fraud") ? "fraud" : "normal"));
		buf_clear(&entry);
		ok(zip_reader_read(z, (int64_t)n, 2000, &entry, &e), &e);
		assert_int_equal(json_get_int(row, "bytes", 0), entry.len);
		struct digest d;
		char hex[DIGEST_HEX + 1];
		digest_of(entry.data, entry.len, &d);
		digest_hex(&d, hex);
		assert_true(str_is(json_get_str(row, "sha256"), hex));
	}
	assert_int_equal(n, 30);
	zip_reader_free(z);
	/* Free text of the origin is not published. */
	assert_null(strstr(text.data, "张三"));
}

static void timelines_in_the_upstream_form(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf entry = BUF_INIT;
	struct err e = ERR_INIT;
	struct zip_reader *z = NULL;
	world_init(&w, 7);
	for (size_t i = 0; i < 7; i++) {
		struct json *call = json_copy(&w.arena, w.calls[i]), *audio = json_copy(&w.arena, json_get(call, "audio"));
		json_set(&w.arena, audio, "segments",
			json_copy(
				&w.arena, parse(&w.arena, "[{\"turn\":0,\"role\":\"left\",\"start_ms\":300,\"end_ms\":61234},"
										  "{\"turn\":1,\"role\":\"right\",\"start_ms\":61700,\"end_ms\":3661005}]")));
		json_set(&w.arena, call, "audio", audio);
		w.calls[i] = call;
	}
	w.params.timelines = true;
	ok(pack(&w, "timelines", &e), &e);
	ok(zip_reader_open(path_of("timelines/timelines.zip"), &z, &e), &e);
	assert_int_equal(zip_reader_count(z), 7);
	for (size_t i = 0; i < 7; i++) {
		char name[RELEASE_NAME_HEX + 1], want[64];
		release_name("测试-demo", json_get_str(w.calls[i], "id"), name);
		snprintf(want, sizeof want, "timelines/%s.json", name);
		assert_string_equal(zip_reader_name(z, (int64_t)i), want);
		buf_clear(&entry);
		ok(zip_reader_read(z, (int64_t)i, 5000, &entry, &e), &e);
		assert_string_equal(entry.data,
			"{\"audio_segments\":[{\"content\":\"您好，这里是客服\",\"end_time\":\"01:01.234\",\"role\":\"left\","
			"\"seconds\":60.934,\"start_time\":\"00:00.300\"},{\"content\":\"喂？\",\"end_time\":\"61:01.005\","
			"\"role\":\"right\",\"seconds\":3599.305,\"start_time\":\"01:01.700\"}]}\n");
	}
	zip_reader_free(z);
	buf_clear(&entry);
	read_file("timelines/croissant.json", &entry);
	assert_non_null(strstr(entry.data, "timelines.zip"));
	buf_clear(&entry);
	read_file("timelines/README.md", &entry);
	assert_non_null(strstr(entry.data, "`timelines/<name>.json`"));
	assert_non_null(strstr(entry.data, "the left channel is the fraudster"));
}

/* layout: mono of normalize. */
static void a_card_of_calls_of_one_channel(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 2);
	for (size_t i = 0; i < 2; i++) {
		struct json *call = json_copy(&w.arena, w.calls[i]), *audio = json_copy(&w.arena, json_get(call, "audio"));
		json_set_int(&w.arena, audio, "channels", 1);
		json_set(&w.arena, call, "audio", audio);
		w.calls[i] = call;
	}
	ok(pack(&w, "mono", &e), &e);
	read_file("mono/README.md", &text);
	assert_non_null(strstr(text.data, "both sides are on one channel"));
	assert_null(strstr(text.data, "left channel"));
	assert_null(strstr(text.data, "timelines.zip"));
	buf_clear(&text);
	read_file("mono/README.zh-CN.md", &text);
	assert_non_null(strstr(text.data, "双方在同一声道"));
	assert_null(strstr(text.data, "左声道"));
}

static void other_sounds_than_mp3_are_refused(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 3);
	struct json *call = json_copy(&w.arena, w.calls[1]), *audio = json_copy(&w.arena, json_get(call, "audio"));
	json_set_text(&w.arena, audio, "format", "flac");
	json_set(&w.arena, call, "audio", audio);
	w.calls[1] = call;
	assert_int_equal(pack(&w, "flac", &e), ERR_REFUSED);
	assert_non_null(strstr(e.text, "format: mp3"));
}

static void classification_rows(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 3);
	ok(pack(&w, "rows", &e), &e);
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of("rows/binary_classification.zip"), &z, &e), &e);
	assert_int_equal(zip_reader_count(z), 1);
	assert_string_equal(zip_reader_name(z, 0), "binary_classification.jsonl");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	ok(zip_reader_read(z, 0, 1 << 20, &text, &e), &e);
	char name[RELEASE_NAME_HEX + 1];
	release_name("测试-demo", STR("fraud-run/000001"), name);
	CLEANUP(buf_release) struct buf want = BUF_INIT;
	buf_printf(&want,
		"{\"audio\":\"audio/%s.mp3\",\"label\":\"fraud\",\"text\":\"left：您好，这里是客服\\nright：喂？\"}\n", name);
	assert_int_equal(str_find(buf_view(&text), buf_view(&want)), 0);
}

static void counts_are_true(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 30);
	w.io.facts.quarantined = 0;
	ok(pack(&w, "counts", &e), &e);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file("counts/stats.json", &text);
	const struct json *s = parse(&w.arena, text.data);
	assert_int_equal(json_get_int(s, "calls", 0), 30);
	assert_int_equal(json_path(s, "labels.fraud")->u.i, 20);
	assert_int_equal(json_path(s, "labels.normal")->u.i, 10);
	assert_int_equal(json_path(s, "fraud_types.银行诈骗")->u.i, 20);
	assert_int_equal(json_path(s, "scenes.打车服务")->u.i, 10);
	assert_int_equal(json_path(s, "sources.asr")->u.i, 15);
	assert_int_equal(json_path(s, "duration_ms.total")->u.i, 30 * 1000 + 29 * 30 / 2);
	assert_int_equal(json_path(s, "duration_ms.mean")->u.i, 1015); /* 1014.5 */
	assert_int_equal(json_path(s, "duration_ms.max")->u.i, 1029);
	assert_int_equal(json_path(s, "turns.total")->u.i, 60);
	assert_int_equal(json_path(s, "characters.min")->u.i, 10);
	assert_int_equal(json_path(s, "audio.loudness_mlufs.mean")->u.i, -23050);
	assert_int_equal(json_path(s, "audio.sample_rates.24000")->u.i, 30);
	assert_int_equal(json_path(s, "left_out.rejected")->u.i, 4);
	assert_int_equal(json_path(json_first(json_get(s, "stages")), "rules.too-short")->u.i, 3);
	assert_true(str_is(json_get_str(json_get(s, "build"), "digest"), "abcd"));
	/* Canonical: written as json_write would. */
	CLEANUP(buf_release) struct buf canonical = BUF_INIT;
	json_write(&canonical, s);
	buf_putc(&canonical, '\n');
	assert_string_equal(canonical.data, text.data);

	read_file("counts/README.md", &text);
	assert_int_equal(str_find(buf_view(&text), STR("---\nlicense: \"apache-2.0\"\n")), 0);
	assert_non_null(strstr(text.data, "30 Chinese telephone calls"));
	assert_non_null(strstr(text.data, "20 fraudulent, 10 normal"));
	assert_non_null(strstr(text.data, "| 打车服务 | 10 |"));
	assert_non_null(strstr(text.data, "| clean | too-short | 3 |"));
	assert_non_null(strstr(text.data, "-23.1 LUFS")); /* -23.05 */
	assert_null(strstr(text.data, "Released"));
	assert_non_null(strstr(text.data, "no `sft.zip` and no `bench.zip`"));
	assert_non_null(strstr(text.data, "| fraud | 0 min 20 s |"));
	read_file("counts/README.zh-CN.md", &text);
	assert_non_null(strstr(text.data, "其中诈骗 20 通"));
	assert_non_null(strstr(text.data, "| 打车服务 | 10 |"));
}

static void means_round(void **state)
{
	(void)state;
	assert_int_equal(release_mean(&(struct release_range){.n = 0}), 0);
	assert_int_equal(release_mean(&(struct release_range){.n = 2, .total = 3}), 2);
	assert_int_equal(release_mean(&(struct release_range){.n = 2, .total = -3}), -1);
	assert_int_equal(release_mean(&(struct release_range){.n = 3, .total = -5}), -2);
	assert_int_equal(release_mean(&(struct release_range){.n = 3, .total = -4}), -1);
	assert_int_equal(release_mean(&(struct release_range){.n = 3, .total = 4}), 1);
}

static void same_bytes_again(void **state)
{
	(void)state;
	static const char *const files[] = {"README.md", "README.zh-CN.md", "SHA256SUMS", "audio.zip", "bench.zip",
		"binary_classification.zip", "croissant.json", "manifest.jsonl", "preview/index.html", "sft.zip", "stats.json"};
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 40);
	world_annotate(&w);
	ok(pack(&w, "first", &e), &e);
	setenv("TZ", "Asia/Shanghai", 1);
	ok(pack(&w, "second", &e), &e);
	unsetenv("TZ");
	CLEANUP(buf_release) struct buf a = BUF_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char name[128];
		snprintf(name, sizeof(name), "first/%s", files[i]);
		read_file(name, &a);
		snprintf(name, sizeof(name), "second/%s", files[i]);
		read_file(name, &b);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.data, b.data, a.len);
	}
	CLEANUP(buf_release) struct buf command = BUF_INIT;
	buf_printf(
		&command, "cd '%s' && sha256sum --quiet -c SHA256SUMS && test $(wc -l <SHA256SUMS) = 14", path_of("first"));
	FILE *p = popen(command.data, "r");
	assert_non_null(p);
	assert_int_equal(pclose(p), 0);
}

static void a_card_with_its_date(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 2);
	w.params.date = STR("2026-11-21");
	ok(stage_release.check(&w.params, &e), &e);
	ok(pack(&w, "dated", &e), &e);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file("dated/README.md", &text);
	assert_non_null(strstr(text.data, "Released 2026-11-21."));
	/* The pipeline's date stands in for the option. */
	w.params.date = (struct str){NULL, 0};
	w.io.facts.pipeline = parse(&w.arena, "{\"date\":\"2025-01-02\"}");
	ok(pack(&w, "dated", &e), &e);
	read_file("dated/README.md", &text);
	assert_non_null(strstr(text.data, "Released 2025-01-02."));
	w.params.date = STR("21.11.2026");
	assert_int_equal(stage_release.check(&w.params, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "YYYY-MM-DD"));
	err_clear(&e);
	w.params = (struct release_params){.license = STR("a\nb")};
	assert_int_equal(stage_release.check(&w.params, &e), ERR_CONFIG);
}

static void too_many_quarantined(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	world_init(&w, 99);
	w.io.facts.quarantined = 1; /* 1 of 100: just within, whether --partial is given or not */
	w.io.facts.partial = true;
	ok(pack(&w, "quarantine", &e), &e);
	read_file("quarantine/README.md", &text);
	assert_null(strstr(text.data, "partial release"));
	read_file("quarantine/stats.json", &text);
	assert_non_null(strstr(text.data, "\"partial\":false"));
	w.io.facts.partial = false;
	ok(pack(&w, "quarantine", &e), &e);
	w.io.facts.quarantined = 2;
	assert_int_equal(pack(&w, "quarantine", &e), ERR_REFUSED);
	assert_int_equal(err_class_of(ERR_REFUSED), CLASS_MACHINE);
	assert_non_null(strstr(e.text, "2 of 101 calls are quarantined (2.0%), over max_quarantined (1.0%)"));
	assert_non_null(strstr(e.text, "--partial"));
	err_clear(&e);
	struct fs_names names = {.v = NULL};
	ok(fs_list(path_of("quarantine"), &names, &e), &e);
	assert_int_equal(names.n, 0);
	fs_names_free(&names);
	w.io.facts.partial = true;
	ok(pack(&w, "quarantine", &e), &e);
	read_file("quarantine/README.md", &text);
	assert_non_null(strstr(text.data, "2 could not be made"));
	assert_non_null(strstr(text.data, "partial release"));
}

/* Who gets only the zips must not take the calls for recordings. */
static void a_card_that_tells_the_origin(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	world_init(&w, 10);
	ok(pack(&w, "origin", &e), &e);
	read_file("origin/README.md", &text);
	assert_null(strstr(text.data, "no person is heard"));
	assert_null(strstr(text.data, "scenario templates"));
	for (int i = 0; i < 3; i++) {
		struct json *call = json_copy(&w.arena, w.calls[i]);
		json_set(&w.arena, call, "scenario", json_copy(&w.arena, parse(&w.arena, "{\"writer\":\"script\"}")));
		w.calls[i] = call;
	}
	w.io.facts.stages = parse(&w.arena, "[{\"name\":\"say\",\"uses\":\"speak\"}]");
	ok(pack(&w, "origin", &e), &e);
	read_file("origin/README.md", &text);
	assert_non_null(strstr(text.data, "The speech is synthetic: no person is heard"));
	assert_non_null(strstr(text.data,
		"The text of 3 calls was put together from templates (scenarios, or other calls), without a model."));
	assert_non_null(strstr(text.data, "The text of 5 calls comes from transcripts."));
	assert_non_null(strstr(text.data, "results on them say little about real calls"));
	read_file("origin/README.zh-CN.md", &text);
	assert_non_null(strstr(
		text.data, "语音均由程序合成，不是真人录音。5 通的文本来自转写稿。3 通的文本由模板（场景或其他通话）拼成"));
	read_file("origin/preview/index.html", &text);
	assert_non_null(strstr(text.data, "no person is heard"));
	w.io.facts.pipeline = parse(&w.arena,
		"{\"tools\":{\"openai-speech\":{\"kind\":\"openai-speech\",\"options\":{\"model\":\"CosyVoice2\"}}}}");
	ok(pack(&w, "spoken", &e), &e);
	read_file("spoken/README.md", &text);
	assert_non_null(strstr(text.data, "The speech is synthetic, by CosyVoice2: no person is heard"));
	read_file("spoken/README.zh-CN.md", &text);
	assert_non_null(strstr(text.data, "语音均由程序（CosyVoice2）合成，不是真人录音。"));
	read_file("origin/stats.json", &text);
	assert_non_null(strstr(text.data, "\"writers\":{\"script\":3}"));
}

static void nothing_arrived(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 0);
	assert_int_equal(pack(&w, "nothing", &e), ERR_REFUSED);
	assert_non_null(strstr(e.text, "no call arrived (4 rejected"));
}

static void lost_objects(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 30);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	static const int gone[] = {3, 7};
	for (size_t i = 0; i < 2; i++) {
		size_t n;
		const char *bytes = sound(&w.arena, gone[i], &n);
		buf_clear(&path);
		buf_printf(&path, "objects/%s", object(bytes, n));
		ok(fs_remove(path_of(path.data), &e), &e);
	}
	/* Both are asked for, so that one more round mends both; nothing was written. */
	assert_int_equal(pack(&w, "lost", &e), ERR_LOST);
	assert_int_equal(w.lost, 2);
	assert_non_null(strstr(e.text, "is missing"));
	struct fs_names names = {.v = NULL};
	err_clear(&e);
	ok(fs_list(path_of("lost"), &names, &e), &e);
	assert_int_equal(names.n, 0);
	fs_names_free(&names);
	for (size_t i = 0; i < 2; i++) {
		size_t n;
		const char *bytes = sound(&w.arena, gone[i], &n);
		object(bytes, n);
	}
	ok(pack(&w, "lost", &e), &e);
}

static void clashing_names(void **state)
{
	(void)state;
	/* The one way to two equal names in a test: the same id twice. */
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 5);
	w.calls[2] = w.calls[1];
	assert_int_equal(pack(&w, "clash", &e), ERR_REFUSED);
	assert_non_null(strstr(e.text, "fraud-run/000002 and fraud-run/000002"));
}

static void names_do_not_tell(void **state)
{
	(void)state;
	char a[RELEASE_NAME_HEX + 1], b[RELEASE_NAME_HEX + 1];
	release_name("set", STR("fraud/1"), a);
	assert_int_equal(strlen(a), 12);
	assert_int_equal(strspn(a, "0123456789abcdef"), 12);
	release_name("setf", STR("raud/1"), b);
	assert_string_not_equal(a, b);
	/* Fixed for all time: releases are joined by it. */
	assert_string_equal(a, "a511b9d9f01d");
}

/* The size of the dataset: calls are not held. */
static void many_calls(void **state)
{
	(void)state;
	CLEANUP(world_release) struct world w;
	struct err e = ERR_INIT;
	world_init(&w, 50);
	const struct json **some = w.calls;
	const size_t n = 28511;
	w.calls = arena_array(&w.arena, n, sizeof(*w.calls));
	for (size_t i = 0; i < n; i++) {
		struct json *call = json_copy(&w.arena, some[i % 50]);
		json_set_text(&w.arena, call, "id", arena_printf(&w.arena, "calls/%08zu", i));
		w.calls[i] = call;
	}
	w.io.count = n;
	world_annotate(&w);
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	ok(pack(&w, "many", &e), &e);
	getrusage(RUSAGE_SELF, &after);
	long grown = (after.ru_maxrss - before.ru_maxrss) / 1024;
	printf("28,511 calls: %ld MiB more\n", grown);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(grown < 80);
#endif
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	ok(zip_reader_open(path_of("many/audio.zip"), &z, &e), &e);
	assert_int_equal(zip_reader_count(z), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_all_files),
		cmocka_unit_test(timelines_in_the_upstream_form),
		cmocka_unit_test(a_card_of_calls_of_one_channel),
		cmocka_unit_test(other_sounds_than_mp3_are_refused),
		cmocka_unit_test(classification_rows),
		cmocka_unit_test(counts_are_true),
		cmocka_unit_test(means_round),
		cmocka_unit_test(same_bytes_again),
		cmocka_unit_test(a_card_with_its_date),
		cmocka_unit_test(too_many_quarantined),
		cmocka_unit_test(a_card_that_tells_the_origin),
		cmocka_unit_test(nothing_arrived),
		cmocka_unit_test(lost_objects),
		cmocka_unit_test(clashing_names),
		cmocka_unit_test(names_do_not_tell),
		cmocka_unit_test(many_calls),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
