#include "tests/stages/release/releasekit.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "io/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[512];

const char *path_of(const char *name)
{
	static char path[4][1024];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

void ok(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%d %s", rc, e->text);
}

/* --- The engine's side: calls in memory, objects in a folder --- */

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

const char *object(const char *bytes, size_t n)
{
	static char hex[DIGEST_HEX + 1];
	struct digest d;
	struct err e = ERR_INIT;
	digest_of(bytes, n, &d);
	digest_hex(&d, hex);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/objects/%s", folder, hex);
	struct fs_stat st;
	if (fs_stat(path.data, &st, NULL) < 0 || !st.exists)
		ok(fs_write_atomic(path.data, bytes, n, 0644, &e), &e);
	return hex;
}

/* 42 frames of MPEG-2, layer III, 24 kHz, 8 kbit/s, two channels: 24 bytes and 24 ms each. */
const char *sound(struct arena *a, int i, size_t *ret_n)
{
	enum { FRAMES = 42, FRAME = 24 };
	char *bytes = arena_alloc(a, (size_t)FRAMES * FRAME);
	for (int k = 0; k < FRAMES; k++) {
		memcpy(bytes + (size_t)k * FRAME, "\xff\xf3\x14\x00", 4);
		snprintf(bytes + (size_t)k * FRAME + 4, FRAME - 4, "sound %d", i % 50);
	}
	*ret_n = (size_t)FRAMES * FRAME;
	return bytes;
}

const struct json *parse(struct arena *a, const char *text)
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
	size_t n;
	const char *bytes = sound(a, i, &n);
	json_set_text(a, audio, "object", object(bytes, n));
	json_set_int(a, audio, "duration_ms", 1000 + i);
	return call;
}

static int by_id(const void *a, const void *b)
{
	return str_cmp(
		json_get_str(*(const struct json *const *)a, "id"), json_get_str(*(const struct json *const *)b, "id"));
}

void world_init(struct world *w, int n)
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

void world_annotate(struct world *w)
{
	for (size_t i = 0; i < w->io.count; i++) {
		struct json *call = json_copy(&w->arena, w->calls[i]);
		annotate(&w->arena, call, (int)i);
		w->calls[i] = call;
	}
}

void world_release(struct world *w)
{
	arena_release(&w->stage.arena);
	arena_release(&w->arena);
	arena_release(&w->call_arena);
}

int pack(struct world *w, const char *name, struct err *e)
{
	ok(fs_remove_tree(path_of(name), e), e);
	ok(fs_mkdirs(path_of(name), e), e);
	world_rewind(w);
	return stage_release.sink(&w->stage, &w->gather, path_of(name), e);
}

int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-release.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) && fs_mkdirs(path_of("objects"), NULL) == 0 ? 0 : -1;
}

int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(folder, NULL);
}

void read_file(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;
	buf_clear(ret);
	ok(fs_read(path_of(name), BUF_DEFAULT_MAX, ret, &e), &e);
}
