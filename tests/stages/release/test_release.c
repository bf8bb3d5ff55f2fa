/* stages/release over a hand-made set of calls: what it writes, that bytes depend on nothing else, and what it refuses. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/work.h"
#include "io/digest.h"
#include "io/zip.h"
#include "stages/release/release.h"

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

extern const struct stage_ops stage_release;

static char folder[512];

static const char *path_of(const char *name)
{
	static char path[4][1024];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void ok(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%d %s", rc, e->text);
}

/* --- The engine's side: calls in memory, objects in a folder --- */

struct world {
	struct arena arena, call_arena;
	struct gather_io io;
	struct gather gather;
	const struct json **calls; /* with their id in "id" */
	size_t at;
	struct stage stage;
	struct release_params params;
	struct stage_fields fields;
	int lost; /* objects that were asked for in vain */
};

static int world_next(void *arg, struct str *ret_id, const struct json **ret_call, struct err *e)
{
	struct world *w = arg;
	(void)e;
	if (w->at == w->io.count)
		return 0;
	arena_reset(&w->call_arena);
	const struct json *call = w->calls[w->at++];
	*ret_id = json_get_str(call, "id");
	*ret_call = fields_project(&w->call_arena, call, w->fields.reads, w->fields.nreads);
	return 1;
}

static void world_rewind(void *arg)
{
	((struct world *)arg)->at = 0;
}

static int world_object(void *arg, struct str hex, struct buf *ret, struct err *e)
{
	struct world *w = arg;
	buf_clear(ret);
	buf_printf(ret, "%s/objects/%.*s", folder, STR_FMT(hex));
	struct fs_stat st;
	int rc = fs_stat(ret->data, &st, e);
	if (rc < 0 || st.exists)
		return rc;
	w->lost++;
	return err_set(e, ERR_LOST, "the object %.*s is missing", STR_FMT(hex));
}

static const char *object(const char *bytes)
{
	static char hex[DIGEST_HEX + 1];
	struct digest d;
	struct err e = ERR_INIT;
	digest_of(bytes, strlen(bytes), &d);
	digest_hex(&d, hex);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/objects/%s", folder, hex);
	ok(fs_write_atomic(path.data, bytes, strlen(bytes), 0644, &e), &e);
	return hex;
}

static const struct json *parse(struct arena *a, const char *text)
{
	struct err e = ERR_INIT;
	struct json *v = NULL;
	ok(json_parse(a, str_of(text), &v, &e), &e);
	return v;
}

static const struct json *call_of(struct arena *a, int i)
{
	bool fraud = i % 3 != 0;
	struct json *call = json_copy(a,
		parse(a,
			"{\"turns\":[{\"role\":\"left\",\"text\":\"您好，这里是客服\",\"emotion\":\"calm\"},{\"role\":\"right\","
			"\"text\":\"喂？\"}],"
			"\"termination\":{\"by\":\"left\",\"reason\":\"张三的电话断了\"},\"profile\":{\"name\":\"张三\"},"
			"\"audio\":{\"sample_rate\":24000,\"channels\":2,\"loudness_mlufs\":-23050,\"true_peak_mdbtp\":-1200}}"));
	json_set_text(a, call, "id", arena_printf(a, "%s/%06d", fraud ? "fraud-run" : "normal-run", i));
	json_set_text(a, call, "source", i % 2 ? "asr" : "synthetic");
	struct json *label = json_object(a);
	json_set(a, label, "is_fraud", json_bool(a, fraud));
	json_set_text(a, label, fraud ? "fraud_type" : "scene", fraud ? "银行诈骗" : "打车服务");
	json_set(a, call, "label", label);
	struct json *audio = json_get(call, "audio");
	json_set_text(a, audio, "object", object(arena_printf(a, "sound %d", i % 50)));
	json_set_int(a, audio, "duration_ms", 1000 + i);
	return call;
}

static int by_id(const void *a, const void *b)
{
	return str_cmp(
		json_get_str(*(const struct json *const *)a, "id"), json_get_str(*(const struct json *const *)b, "id"));
}

static void world_init(struct world *w, int n)
{
	*w = (struct world){.arena = ARENA_INIT, .call_arena = ARENA_INIT};
	w->calls = arena_array(&w->arena, (size_t)n + 1, sizeof(*w->calls));
	for (int i = 0; i < n; i++)
		w->calls[i] = call_of(&w->arena, i);
	qsort(w->calls, (size_t)n, sizeof(*w->calls), by_id);
	w->params = (struct release_params){.max_quarantined = 0.01, .license = STR("apache-2.0")};
	w->stage = (struct stage){
		.ops = &stage_release, .name = "release", .params = &w->params, .dataset = "测试-demo", .base = "."};
	w->params.preview = 4;
	w->params.rounds_file = STR("stages/release/rounds.yaml");
	w->params.labels_file = STR("schemas/labels.yaml");
	struct err e = ERR_INIT;
	ok(stage_release.init(&w->stage, &e), &e);
	stage_release.fields(&w->params, &w->fields);
	w->io = (struct gather_io){
		.next = world_next, .rewind = world_rewind, .arg = w, .count = (size_t)n, .object_path = world_object};
	w->io.facts.rejected = 4;
	w->io.facts.stages = parse(&w->arena, "[{\"name\":\"clean\",\"uses\":\"screen\",\"version\":1,\"rejected\":4,"
										  "\"quarantined\":0,\"rules\":{\"too-short\":3,\"empty\":1}}]");
	w->io.facts.pipeline = parse(&w->arena, "{\"name\":\"测试-demo\",\"seed\":7,\"digest\":\"abcd\",\"taf\":\"0.1.0\","
											"\"tools\":{\"libmp3lame\":\"3.100\"}}");
	w->gather.io = &w->io;
}

/* Annotations as `annotate` writes them, a split, and what else the coming stages add. */
static void annotate(struct arena *a, struct json *call, int i)
{
	bool fraud = str_is(release_label(call), "fraud");
	json_set(a, call, "annotations",
		json_copy(a,
			parse(a,
				fraud ? "{\"writer\":\"script\",\"hears\":\"text\","
						"\"scene\":{\"thinking\":\"想一想 "
						"fraud_type\",\"answer\":{\"scene\":\"咨询客服\",\"reason\":\"不是"
						" is_fraud\",\"confidence_percent\":95}},"
						"\"fraud\":{\"thinking\":\"再想\",\"answer\":{\"is_fraud\":true,\"reason\":\"要\\\"转账\\\"\","
						"\"confidence_percent\":100}},"
						"\"fraud_type\":{\"thinking\":\"三想\",\"answer\":{\"fraud_type\":\"银行诈骗\",\"reason\":"
						"\"冒充\","
						"\"confidence_percent\":7}}}"
					  : "{\"writer\":\"script\",\"hears\":\"text\","
						"\"scene\":{\"thinking\":\"想一想\",\"answer\":{\"scene\":\"打车服务\",\"reason\":\"叫车\","
						"\"confidence_percent\":90}},"
						"\"fraud\":{\"thinking\":\"再想\",\"answer\":{\"is_fraud\":false,\"reason\":\"正常\","
						"\"confidence_percent\":88}}}")));
	json_set_text(a, call, "split", i % 5 == 0 ? "test" : i % 7 == 0 ? "dev" : "train");
	json_set_str(a, call, "group", json_get_str(call, "id"));
	json_set(a, call, "privacy",
		json_copy(a, parse(a, "{\"replaced\":[{\"kind\":\"mobile\",\"form\":\"digits\","
							  "\"at\":0,\"chars\":11}]}")));
}

static void world_annotate(struct world *w)
{
	for (size_t i = 0; i < w->io.count; i++) {
		struct json *call = json_copy(&w->arena, w->calls[i]);
		annotate(&w->arena, call, (int)i);
		w->calls[i] = call;
	}
}

static void world_release(struct world *w)
{
	arena_release(&w->stage.arena);
	arena_release(&w->arena);
	arena_release(&w->call_arena);
}

static int pack(struct world *w, const char *name, struct err *e)
{
	ok(fs_remove_tree(path_of(name), e), e);
	ok(fs_mkdirs(path_of(name), e), e);
	world_rewind(w);
	return stage_release.sink(&w->stage, &w->gather, path_of(name), e);
}

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-release.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) && fs_mkdirs(path_of("objects"), NULL) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(folder, NULL);
}

static void read_file(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;
	buf_clear(ret);
	ok(fs_read(path_of(name), BUF_DEFAULT_MAX, ret, &e), &e);
}

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
		ok(zip_reader_read(z, (int64_t)n, 1000, &entry, &e), &e);
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
		text.data, "语音均由程序合成，不是真人录音。 5 通的文本来自转写稿。 3 通的文本由模板（场景或其他通话）拼成"));
	read_file("origin/preview/index.html", &text);
	assert_non_null(strstr(text.data, "no person is heard"));
	read_file("origin/stats.json", &text);
	assert_non_null(strstr(text.data, "\"writers\":{\"script\":3}"));
}

/* --- Annotated calls --- */

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
	CLEANUP(buf_release) struct buf sound = BUF_INIT;
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
		read_file(name, &sound);
		assert_int_equal(str_find(buf_view(&sound), STR("sound ")), 0);
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
	static const char *const gone[] = {"sound 3", "sound 7"};
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&path);
		buf_printf(&path, "objects/%s", object(gone[i]));
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
	object(gone[0]);
	object(gone[1]);
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
		cmocka_unit_test(classification_rows),
		cmocka_unit_test(counts_are_true),
		cmocka_unit_test(means_round),
		cmocka_unit_test(same_bytes_again),
		cmocka_unit_test(a_card_with_its_date),
		cmocka_unit_test(too_many_quarantined),
		cmocka_unit_test(a_card_that_tells_the_origin),
		cmocka_unit_test(training_rows),
		cmocka_unit_test(bench_items),
		cmocka_unit_test(annotations_that_cannot_be_used),
		cmocka_unit_test(no_split),
		cmocka_unit_test(rounds_that_would_mislead),
		cmocka_unit_test(preview_choice),
		cmocka_unit_test(preview_page),
		cmocka_unit_test(croissant_names_the_zips),
		cmocka_unit_test(nothing_arrived),
		cmocka_unit_test(lost_objects),
		cmocka_unit_test(clashing_names),
		cmocka_unit_test(names_do_not_tell),
		cmocka_unit_test(many_calls),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
