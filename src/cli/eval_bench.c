/* Reading a benchmark, in any of the forms in which it lies about. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/eval.h"
#include "cli/rows.h"
#include "core/call.h"
#include "io/zip.h"

#include <stdlib.h>
#include <string.h>

const char *const eval_task_names[EVAL_TASKS] = {"scene", "fraud", "fraud_type"};
const char *const eval_task_keys[EVAL_TASKS] = {"scene", "is_fraud", "fraud_type"};
const char *const eval_strata[EVAL_STRATA] = {"source", "label", "type", "duration"};

struct reading {
	struct eval_bench *b;
	const char *name; /* of the file or entry, for messages */
	int (*take)(void *arg, const struct eval_item *item, const struct json *row, struct err *e);
	void *arg;
	int task; /* told by the file's name; -1: by each item */
	size_t line;
};

/* --- Labels --- */

int eval_label(const struct eval_labels *l, struct str label)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], label))
			return (int)i;
	return -1;
}

static int label_of(struct eval_bench *b, enum eval_task task, struct str label)
{
	struct eval_labels *l = &b->labels[task];
	int at = eval_label(l, label);
	if (at >= 0 || task == EVAL_FRAUD || l->n == EVAL_LABELS || !label.n)
		return at;
	l->v[l->n] = arena_str(&b->arena, label);
	return (int)l->n++;
}

static int load_labels(struct eval_bench *b, struct err *e)
{
	struct labels closed;
	int rc = labels_load(&b->arena, NULL, &closed, e);
	if (rc < 0)
		return rc;
	b->labels[EVAL_FRAUD] = (struct eval_labels){.v = {STR("fraud"), STR("normal")}, .n = 2};
	for (size_t i = 0; i < closed.nscenes && i < EVAL_LABELS; i++)
		label_of(b, EVAL_SCENE, closed.scenes[i]);
	for (size_t i = 0; i < closed.nfraud_types && i < EVAL_LABELS; i++)
		label_of(b, EVAL_TYPE, closed.fraud_types[i]);
	return 0;
}

/* --- Prompts --- */

/* `<audio>PATH</audio>` in a text: where it begins, and its length with the newline behind. */
static bool find_audio(struct str text, struct str *ret_whole, struct str *ret_path)
{
	const struct str open = STR("<audio>"), shut = STR("</audio>");
	ptrdiff_t from = str_find(text, open);
	if (from < 0)
		return false;
	struct str rest = str_n(text.p + from + open.n, text.n - (size_t)from - open.n);
	ptrdiff_t end = str_find(rest, shut);
	if (end < 0)
		return false;
	*ret_path = str_n(rest.p, (size_t)end);
	size_t n = open.n + (size_t)end + shut.n;
	if ((size_t)from + n < text.n && text.p[(size_t)from + n] == '\n')
		n++;
	*ret_whole = str_n(text.p + from, n);
	return true;
}

static struct str prompt_audio(const struct json *prompt)
{
	struct str whole, path;
	JSON_EACH(message, prompt) {
		if (find_audio(json_get_str(message, "content"), &whole, &path))
			return path;
	}
	return (struct str){NULL, 0};
}

struct json *eval_swift_messages(struct arena *a, const struct json *prompt, struct str audio)
{
	struct json *out = json_copy(a, prompt);
	for (struct json *m = json_first(out); audio.n && m; m = m->next) {
		struct str text = json_get_str(m, "content"), whole, path;
		if (!find_audio(text, &whole, &path))
			continue;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		buf_add(&b, text.p, (size_t)(whole.p - text.p));
		buf_puts(&b, "<audio>");
		buf_add(&b, whole.p + whole.n, text.n - (size_t)(whole.p - text.p) - whole.n);
		json_set_str(a, m, "content", buf_view(&b));
	}
	return out;
}

static struct str file_name(struct str path)
{
	size_t from = path.n;
	while (from > 0 && path.p[from - 1] != '/')
		from--;
	return str_n(path.p + from, path.n - from);
}

void eval_swift_digest(const struct json *messages, struct str audio, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, messages);
	buf_putc(&b, '\n');
	buf_str(&b, file_name(audio));
	digest_of(b.data, b.len, ret);
}

static void prompt_digest(const struct json *prompt, struct digest *ret)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, prompt);
	digest_of(b.data, b.len, ret);
}

/* The evaluation scripts' rule: the task is told by the answer's key in the prompt. */
static int task_of_prompt(const struct json *prompt)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, prompt);
	for (int task = EVAL_TASKS - 1; task >= 0; task--) /* type, then fraud, then scene */
		if (str_find(buf_view(&b), str_of(eval_task_keys[task])) >= 0)
			return task;
	return -1;
}

/* --- Items --- */

static int wrong(const struct reading *r, struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, "%s:%zu: %s", r->name, r->line, what);
}

static void join_by(struct map *m, const struct digest *d, size_t index)
{
	bool fresh;
	struct map_entry *entry = map_put(m, str_n((const char *)d->b, DIGEST_SIZE), &fresh);
	entry->value.i = fresh ? (int64_t)index + 1 : -1;
}

static int add_item(const struct reading *r, struct eval_item *item, struct err *e)
{
	struct eval_bench *b = r->b;
	bool fresh;
	const struct str *strata = item->audio.n ? map_ptr(&b->by_audio, item->audio) : NULL;
	for (size_t i = 0; strata && i < EVAL_STRATA; i++)
		item->strata[i] = strata[i];
	struct map_entry *entry = map_put(&b->by_id, item->id, &fresh);
	if (!fresh)
		return err_set(
			e, ERR_DATA, "%s:%zu: the id '%.*s' stands twice in the bench", r->name, r->line, STR_FMT(item->id));
	entry->value.i = (int64_t)b->n + 1;
	join_by(&b->by_prompt, &item->prompt, b->n);
	join_by(&b->by_swift, &item->swift, b->n);
	GROW(b->items, b->n, b->cap);
	b->items[b->n++] = *item;
	return 0;
}

static int task_named(struct str name)
{
	for (int i = 0; i < EVAL_TASKS; i++)
		if (str_is(name, eval_task_names[i]))
			return i;
	return -1;
}

static int read_truth(const struct reading *r, const struct json *row, struct eval_item *item, struct err *e)
{
	const struct json *answer = json_get(row, "answer");
	struct str label = json_get_str(row, "answer");
	if (json_is(answer, JSON_BOOL))
		label = answer->u.b ? STR("fraud") : STR("normal");
	item->truth = label_of(r->b, item->task, str_trim(label));
	if (item->truth >= 0)
		return 0;
	return wrong(r, e,
		item->task == EVAL_FRAUD ? "the answer of an item of task fraud must be fraud or normal"
								 : "the answer is missing, or there are too many different ones");
}

/* An item without an id gets one from its sound, else from its place; ids are the same for every form of the bench. */
static void name_item(const struct reading *r, const struct json *row, struct eval_item *item)
{
	struct arena *a = &r->b->arena;
	struct str id = json_get_str(row, "id"), file = file_name(item->audio);
	const char *task = eval_task_names[item->task];
	if (id.n) {
		item->id = arena_str(a, id);
		return;
	}
	if (file.n) {
		ptrdiff_t dot = str_find(file, STR("."));
		if (dot > 0)
			file.n = (size_t)dot;
		item->id = str_of(arena_printf(a, "%.*s.%s", STR_FMT(file), task));
		if (!map_find(&r->b->by_id, item->id))
			return;
	}
	item->id = str_of(arena_printf(a, "%s.%zu", task, r->b->n + 1));
}

static int take_item(const struct reading *r, const struct json *row, struct err *e)
{
	struct eval_item item = {.found = EVAL_MISSING};
	const struct json *prompt = json_get(row, "prompt");
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	if (json_count(prompt) == 0 || prompt->kind != JSON_ARRAY)
		return wrong(r, e, "an item of a bench has a prompt, a list of messages");
	int task = r->task >= 0 ? r->task : task_of_prompt(prompt);
	if (task < 0)
		return wrong(r, e, "the task is not to be told: the prompt names none of scene, is_fraud, fraud_type");
	item.task = (enum eval_task)task;
	item.audio = arena_str(&r->b->arena, prompt_audio(prompt));
	prompt_digest(prompt, &item.prompt);
	eval_swift_digest(eval_swift_messages(&a, prompt, item.audio), item.audio, &item.swift);
	name_item(r, row, &item);
	int rc = read_truth(r, row, &item, e);
	if (rc == 0)
		rc = add_item(r, &item, e);
	return rc == 0 && r->take ? r->take(r->arg, &item, row, e) : rc;
}

/* A line of key.jsonl. */
static int take_key(const struct reading *r, const struct json *row, struct err *e)
{
	struct eval_item item = {.found = EVAL_MISSING};
	struct arena *a = &r->b->arena;
	int task = task_named(json_get_str(row, "task"));
	item.id = arena_str(a, json_get_str(row, "id"));
	item.audio = arena_str(a, json_get_str(row, "audio"));
	if (task < 0 || !item.id.n || !digest_parse(json_get_str(row, "prompt_sha256"), &item.prompt) ||
		!digest_parse(json_get_str(row, "swift_sha256"), &item.swift))
		return wrong(r, e, "no line of a key file as taf eval prepare writes it");
	item.task = (enum eval_task)task;
	for (size_t i = 0; i < EVAL_STRATA; i++)
		item.strata[i] = arena_str(a, json_get_str(json_get(row, "strata"), eval_strata[i]));
	int rc = read_truth(r, row, &item, e);
	return rc < 0 ? rc : add_item(r, &item, e);
}

static int read_rows(struct reading *r, struct str text, bool key, struct err *e)
{
	struct rows rows;
	struct arena a = ARENA_INIT;
	struct json *row;
	int rc;
	rows_init(&rows, r->name, text);
	while ((rc = rows_next(&rows, &a, &row, e)) > 0) {
		r->line = rows.line;
		rc = key ? take_key(r, row, e) : take_item(r, row, e);
		if (rc < 0)
			break;
		arena_reset(&a);
	}
	arena_release(&a);
	return rc;
}

/* --- The manifest: what calls are counted by --- */

static struct str duration_words(int64_t ms)
{
	return ms < 30000 ? STR("under 30 s") : ms < 60000 ? STR("30 to 60 s") : STR("over 60 s");
}

static void take_manifest(struct eval_bench *b, const struct json *row)
{
	struct str *strata = arena_array(&b->arena, EVAL_STRATA, sizeof(*strata));
	struct str type = json_get_str(row, "fraud_type"), audio = json_get_str(row, "audio");
	const struct json *ms = json_get(row, "duration_ms");
	if (!audio.n)
		return;
	strata[STRATUM_SOURCE] = arena_str(&b->arena, json_get_str(row, "source"));
	strata[STRATUM_LABEL] = arena_str(&b->arena, json_get_str(row, "label"));
	strata[STRATUM_TYPE] = arena_str(&b->arena, type.n ? type : json_get_str(row, "scene"));
	if (json_is(ms, JSON_INT))
		strata[STRATUM_DURATION] = duration_words(ms->u.i);
	map_put(&b->by_audio, audio, NULL)->value.p = strata;
}

static int read_manifest(struct eval_bench *b, const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rows rows;
	struct json *row;
	struct fs_stat st;
	fs_join(&path, folder, "manifest.jsonl");
	int rc = fs_stat(path.data, &st, e);
	if (rc < 0 || !st.exists)
		return rc;
	rc = fs_read(path.data, ROWS_FILE_MAX, &text, e);
	if (rc < 0)
		return rc;
	rows_init(&rows, path.data, buf_view(&text));
	while ((rc = rows_next(&rows, &a, &row, e)) > 0) {
		take_manifest(b, row);
		arena_reset(&a);
	}
	return rc;
}

/* --- Files --- */

static int read_file(struct reading *r, const char *path, bool key, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	int rc = fs_read(path, ROWS_FILE_MAX, &text, e);
	r->name = path;
	r->task = key ? -1 : task_named(fs_stem(path));
	return rc < 0 ? rc : read_rows(r, buf_view(&text), key, e);
}

static int read_zip(struct reading *r, const char *path, struct err *e)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	size_t lists = 0;
	int rc = zip_reader_open(path, &z, e);
	for (int64_t i = 0; rc == 0 && i < zip_reader_count(z); i++) {
		const char *entry = zip_reader_name(z, i);
		if (!str_ends(str_of(entry), ".json"))
			continue;
		lists++;
		buf_clear(&text);
		buf_clear(&name);
		buf_printf(&name, "%s: %s", path, entry);
		rc = zip_reader_read(z, i, ROWS_FILE_MAX, &text, e);
		r->name = name.data;
		r->task = task_named(fs_stem(entry));
		if (rc == 0)
			rc = read_rows(r, buf_view(&text), false, e);
	}
	if (rc == 0 && !lists)
		rc = err_set(e, ERR_DATA, "%s holds no list of items (scene.json, fraud.json, fraud_type.json)", path);
	return rc;
}

static int read_folder(struct reading *r, const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_stat st;
	fs_join(&path, folder, "key.jsonl");
	if (fs_stat(path.data, &st, NULL) == 0 && st.exists)
		return read_file(r, path.data, true, e);
	fs_join(&path, folder, "bench.zip");
	if (fs_stat(path.data, &st, NULL) < 0 || !st.exists)
		return err_set(e, ERR_NOTFOUND,
			"%s has no bench.zip (a release has one when annotated calls are in its test split) and no key.jsonl",
			folder);
	int rc = read_manifest(r->b, folder, e);
	return rc < 0 ? rc : read_zip(r, path.data, e);
}

int eval_bench_read(struct eval_bench *b, const char *path,
	int (*take)(void *arg, const struct eval_item *item, const struct json *row, struct err *e), void *arg, struct err *e)
{
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	struct reading r = {.b = b, .take = take, .arg = arg, .name = path};
	struct fs_stat st;
	int rc = load_labels(b, e);
	if (rc == 0)
		rc = fs_stat(path, &st, e);
	if (rc == 0 && !st.exists)
		rc = err_set(e, ERR_NOTFOUND, "%s is not there", path);
	if (rc < 0)
		return rc;
	fs_dirname(&folder, path);
	struct str name = str_of(path);
	if (st.is_dir) {
		rc = read_folder(&r, path, e);
	} else if (str_ends(name, ".jsonl")) {
		rc = read_file(&r, path, true, e);
	} else {
		rc = read_manifest(b, folder.data, e);
		if (rc == 0)
			rc = str_ends(name, ".json") ? read_file(&r, path, false, e) : read_zip(&r, path, e);
	}
	if (rc == 0 && b->n == 0)
		rc = err_set(e, ERR_DATA, "%s has no items", path);
	return rc;
}

void eval_bench_release(struct eval_bench *b)
{
	free(b->items);
	map_release(&b->by_id);
	map_release(&b->by_prompt);
	map_release(&b->by_swift);
	map_release(&b->by_audio);
	arena_release(&b->arena);
}
