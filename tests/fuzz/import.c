#include "tests/fuzz/import.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/problems.h"
#include "core/work.h"
#include "io/text.h"

#include <string.h>

#define WORKED_MAX 40 /* items of one input that become calls: the others are like them */

struct fuzz_import {
	const struct reader *reader;
	struct str text; /* of the file, whole */
	size_t items;
};
static struct fuzz_import *current; /* for list_reader, which the lister calls */

/* As import.c does it for a file that this reader takes. */
static int list_reader(struct stage *s, struct lister *lister, struct err *e)
{
	struct str text = current->text;
	size_t skipped = str_starts(text, "\xef\xbb\xbf") ? 3 : 0;
	struct import_file f = {.index = 0,
		.text = str_n(text.p + skipped, text.n - skipped),
		.skipped = skipped,
		.prefix = STR("run"),
		.stem = STR("input"),
		.named = true,
		.reader = current->reader};
	struct import_list l = {.lister = lister, .dialogues = MAP_INIT, .files = &f, .e = e};
	struct arena a = ARENA_INIT;
	int r = 0;
	(void)s;
	if (current->reader->recognises(f.text)) {
		struct str id = current->reader->lone_id(&a, &f);
		ASSERT(!id.p || id_valid(id));
		r = current->reader->list(&l, &f, e);
	}
	arena_release(&a);
	map_release(&l.dialogues);
	return r ? r : l.rc;
}

static const struct stage *import_stage(void)
{
	static struct stage_ops ops;
	static struct stage stage;
	static struct option_list inputs;
	static struct str input;
	struct err e = ERR_INIT;
	if (stage.ops)
		return &stage;
	struct problems problems = PROBLEMS_INIT;
	struct yaml_node *with;
	const char *file = fuzz_file(NULL, 0);
	fuzz_data(".");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	buf_printf(&text, "{inputs: ['%s'], label: 客服诈骗, speakers: {left: SPEAKER_00}}", file);
	ASSERT(yaml_parse(&stage.arena, "with", buf_view(&text), &with, &e) == 0);
	stage.name = "fuzzed";
	stage.params = arena_alloc(&stage.arena, stage_import.params_size);
	ASSERT(options_parse(
		&stage.arena, stage_import.options, stage_import.noptions, with, "/", "import", stage.params, &problems));
	problems_release(&problems);
	ops = stage_import;
	ops.list = list_reader;
	ASSERT(ops.init(&stage, &e) == 0);
	input = STR("input");
	inputs = (struct option_list){&input, 1}; /* messages name the file: always the same */
	((struct import_params *)stage.params)->inputs = inputs;
	stage.ops = &ops;
	return &stage;
}

static void check_call(const struct json *call)
{
	static const char *const names[] = {"source", "initiator", "label", "turns", "profile", "termination"};
	size_t n = 0, known = 0;
	JSON_EACH(member, call)
		n++;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		known += json_get(call, names[i]) != NULL;
	ASSERT(known == n && json_get(call, "label") && json_get(call, "termination"));
	const struct json *turns = json_get(call, "turns");
	ASSERT(json_is(turns, JSON_ARRAY) && json_count(turns) <= CALL_TURNS_MAX);
	JSON_EACH(turn, turns) {
		CLEANUP(buf_release) struct buf nfc = BUF_INIT;
		struct str role = turn_role(turn), text = turn_text(turn);
		int64_t start = json_get_int(turn, "start_ms", 0), end = json_get_int(turn, "end_ms", IMPORT_TIME_MAX);
		ASSERT(str_is(role, "left") || str_is(role, "right"));
		ASSERT(text.p && utf8_count(text) <= CALL_TURN_TEXT_MAX);
		ASSERT(text_nfc(&nfc, text, NULL) == 0 && str_eq(text, buf_view(&nfc)));
		ASSERT(start >= 0 && start <= end && end <= IMPORT_TIME_MAX);
	}
	struct str original = json_get_str(json_get(call, "termination"), "original");
	ASSERT(utf8_count(original) <= CALL_TURN_TEXT_MAX);
}

/* What is listed is stored as canonical JSON and read again before it is worked. */
static const struct json *stored(struct arena *a, const struct json *v)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *back;
	json_write(&text, v);
	fuzz_text(buf_view(&text));
	ASSERT(!buf_error(&text) && json_parse(a, buf_view(&text), &back, &e) == 0);
	ASSERT(json_equal(v, back));
	return back;
}

static int take_item(void *arg, struct str id, const struct json *content, struct locator at, const int *uses,
	size_t nuses, const char *broken)
{
	struct fuzz_import *f = arg;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct work_io io = {.file = NULL};
	(void)uses;
	ASSERT(id_valid(id) && nuses == 0 && (content || broken));
	ASSERT(at.file == 0 && at.line >= 0 && at.offset >= 0 && at.length >= 0);
	ASSERT((uint64_t)at.offset + (uint64_t)at.length <= f->text.n);
	if (broken) {
		ASSERT(*broken != '\0');
		fuzz_text(str_of(broken));
	} else if (f->items++ < WORKED_MAX) {
		struct work w = {.stage = (struct stage *)import_stage(), .id = id, .arena = &a, .at = at, .io = &io};
		w.call = stored(&a, content);
		int r = stage_import.process(&w, &e);
		if (r)
			fuzz_failed(r, 0, &e);
		else
			check_call(stored(&a, w.fields));
	}
	arena_release(&a);
	return 0;
}

static int take_file(void *arg, int file, struct str *ret, struct err *e)
{
	(void)file;
	(void)e;
	*ret = ((struct fuzz_import *)arg)->text;
	return 0;
}

int fuzz_reader(const struct reader *reader, const uint8_t *data, size_t size)
{
	struct fuzz_import f = {.reader = reader, .text = fuzz_str(data, size)};
	struct lister_sink sink = {.add = take_item, .file = take_file, .arg = &f};
	struct stage *stage = (struct stage *)import_stage();
	struct import_params *params = stage->params;
	struct err e = ERR_INIT;
	/* All ways to find out the sides, each for a third of the inputs. */
	params->sides = (int)(size % 3);
	current = &f;
	int r = lister_run(stage, &sink, stage_item_files(stage), &e);
	current = NULL;
	ASSERT(r == 0); /* what is wrong with a transcript never stops the run */
	return 0;
}
