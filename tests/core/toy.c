#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/spawn.h"
#include "worker/worker.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const toy_types[] = {"toy-lines", "toy-copy", "toy-judge", "toy-net", "toy-sound", "toy-hear",
	"toy-more", "toy-rank", "toy-list", "toy-lib", "toy-tell", "toy-ask", "toy-kin", "toy-peers", "toy-mark"};
static atomic_int worked[COUNT_OF(toy_types)];
static atomic_int at_once, most_at_once;
const char *toy_libraries = "toylib 1";

int toy_most_at_once(void)
{
	return most_at_once;
}

static void count(const char *type)
{
	for (size_t i = 0; i < COUNT_OF(toy_types); i++)
		if (strcmp(toy_types[i], type) == 0)
			worked[i]++;
}

int toy_worked(const char *type)
{
	for (size_t i = 0; i < COUNT_OF(toy_types); i++)
		if (strcmp(toy_types[i], type) == 0)
			return worked[i];
	return -1;
}

/* --- toy-lines --- */

#define ROW(n, t, at, f, d, low, high, c, u, h) \
	{ \
		.name = n, .type = t, .offset = at, .flags = f, .dflt = d, .min = low, .max = high, .choices = c, .unit = u, \
		.help = h \
	}
struct lines_params {
	struct option_list files;
	bool is_private;
};
static const struct option lines_options[] = {
	ROW("files", OPT_FILES, offsetof(struct lines_params, files), OPTION_REQUIRED | OPTION_PER_ITEM, NULL, 0, 0, NULL,
		NULL, "lines id=text"),
	ROW("private", OPT_BOOL, offsetof(struct lines_params, is_private), 0, "false", 0, 0, NULL, NULL,
		"whether calls are private"),
};

static bool lines_private(const void *params)
{
	return ((const struct lines_params *)params)->is_private;
}

static void lines_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_write(f, "turns", 0);
	fields_write(f, "length", 0);
}

static int lines_list(struct stage *s, struct lister *l, struct err *e)
{
	const struct lines_params *p = s->params;
	for (size_t i = 0; i < p->files.n; i++) {
		struct str text, line;
		int rc = lister_file(l, (int)i, &text, e);
		if (rc < 0)
			return rc;
		for (int n = 1; str_line(&text, &line); n++) {
			struct locator at = {(int)i, 0, 0, n};
			ptrdiff_t eq = str_find(line, STR("=")), broken = str_find(line, STR("!"));
			if (line.n == 0 || line.p[0] == '#')
				continue;
			if (eq < 0 && broken > 0) {
				lister_broken(l, str_n(line.p, (size_t)broken), at, line.p[broken + 1] == 'x' ? "broken x" : "broken y");
				continue;
			}
			if (eq <= 0)
				return err_set(e, ERR_DATA, "line %d is no id=text", n);
			struct json *content = json_object(lister_arena(l));
			json_set_str(lister_arena(l), content, "text", str_trim(str_n(line.p + eq + 1, line.n - (size_t)eq - 1)));
			lister_add(l, str_n(line.p, (size_t)eq), content, at, NULL, 0);
		}
	}
	return 0;
}

static int lines_process(struct work *w, struct err *e)
{
	(void)e;
	count("toy-lines");
	struct str text = json_get_str(w->call, "text");
	struct json *turn = json_object(w->arena), *turns = json_array(w->arena);
	json_set_text(w->arena, turn, "role", "left");
	json_set_str(w->arena, turn, "text", text);
	json_append(turns, turn);
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "turns", turns);
	json_set_int(w->arena, w->fields, "length", (int64_t)text.n);
	return 0;
}

/* --- toy-copy, toy-net --- */

struct copy_params {
	struct str add, fail, into;
	int class;
	bool draw, length;
	int64_t sleep_ms, count;
	struct str file;
};
static const char *const classes[] = {"data", "transient", "account", "machine", "lost", "timeout", NULL};
static const int class_codes[] = {ERR_DATA, ERR_TRANSIENT, ERR_ACCOUNT, ERR_IO, ERR_LOST, ERR_TIMEOUT};
static const struct option copy_options[] = {
	ROW("add", OPT_STRING, offsetof(struct copy_params, add), OPTION_SHAPES, "", 0, 0, NULL, NULL, "text put behind"),
	ROW("fail", OPT_STRING, offsetof(struct copy_params, fail), 0, "", 0, 0, NULL, NULL, "text that fails"),
	ROW("class", OPT_CHOICE, offsetof(struct copy_params, class), 0, "data", 0, 0, classes, NULL, "class of that failure"),
	ROW("length", OPT_BOOL, offsetof(struct copy_params, length), OPTION_SHAPES, "false", 0, 0, NULL, NULL,
		"read the length too"),
	ROW("sleep_ms", OPT_INT, offsetof(struct copy_params, sleep_ms), 0, "0", 0, 10000, NULL, "ms", "how long it takes"),
	ROW("count", OPT_INT, offsetof(struct copy_params, count), 0, "0", 0, 10000, NULL, NULL,
		"a parameter that shapes nothing"),
	ROW("file", OPT_FILE, offsetof(struct copy_params, file), OPTION_SHAPES | OPTION_YAML, "", 0, 0, NULL, NULL, "rules"),
};

static void copy_fields(const void *params, struct stage_fields *f)
{
	fields_read(f, "turns.text", 0);
	if (((const struct copy_params *)params)->length)
		fields_read(f, "length", FIELD_OPTIONAL);
	fields_write(f, "note", 0);
	fields_write(f, "qa.@", FIELD_OPTIONAL);
}

static struct str first_text(const struct work *w)
{
	return json_get_str(json_at(json_get(w->call, "turns"), 0), "text");
}

static int copy_process(struct work *w, struct err *e)
{
	const struct copy_params *p = w->stage->params;
	struct str text = first_text(w);
	count(w->stage->ops->name);
	int now = atomic_fetch_add(&at_once, 1) + 1, most = most_at_once;
	while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
		;
	if (p->sleep_ms)
		clock_sleep_ms(p->sleep_ms);
	atomic_fetch_sub(&at_once, 1);
	if (p->fail.n && str_find(text, p->fail) >= 0)
		return err_set(e, class_codes[p->class], "the text has '%.*s'", STR_FMT(p->fail));
	w->fields = json_object(w->arena);
	const char *drawn = "";
	if (w->stage->ops->flags & STAGE_DRAWS) {
		struct draw d;
		work_draw(w, "letter", &d);
		drawn = arena_printf(w->arena, "%u", draw_below(&d, 1000000));
	}
	json_set_text(
		w->arena, w->fields, "note", arena_printf(w->arena, "%.*s%.*s%s", STR_FMT(text), STR_FMT(p->add), drawn));
	return 0;
}

/* --- toy-tell --- */

struct tell_params {
	struct str provider, fail;
	int class;
};
static const struct option tell_options[] = {
	ROW("provider", OPT_PROVIDER, offsetof(struct tell_params, provider), OPTION_REQUIRED, NULL, 0, 0, NULL, NULL,
		"who answers"),
	ROW("fail", OPT_STRING, offsetof(struct tell_params, fail), 0, "", 0, 0, NULL, NULL, "text that fails"),
	ROW("class", OPT_CHOICE, offsetof(struct tell_params, class), 0, "data", 0, 0, classes, NULL, "class of that failure"),
};

static void tell_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "note", 0);
}

static int tell_asks(struct work *w, struct err *e)
{
	(void)e;
	struct json *request = json_object(w->arena);
	json_set_str(w->arena, request, "say", first_text(w));
	work_ask(w, request);
	return 0;
}

static int tell_process(struct work *w, struct err *e)
{
	const struct tell_params *p = w->stage->params;
	count("toy-tell");
	const struct json *answer = json_get(json_at(w->asks, 0), "answer");
	if (!json_is(answer, JSON_OBJECT)) {
		count("toy-ask");
		struct json *fresh = json_object(w->arena);
		json_set_text(w->arena, fresh, "said", arena_printf(w->arena, "%.*s!", STR_FMT(first_text(w))));
		work_answer(w, 0, fresh);
		answer = fresh;
	}
	if (p->fail.n && str_find(first_text(w), p->fail) >= 0)
		return err_set(e, class_codes[p->class], "the text has '%.*s'", STR_FMT(p->fail));
	w->fields = json_object(w->arena);
	json_set_str(w->arena, w->fields, "note", json_get_str(answer, "said"));
	return 0;
}

static int tell_slots(const void *params)
{
	(void)params;
	return 2;
}

static const char *tell_tag(const void *params)
{
	(void)params;
	return "tell";
}

static const char *lib_libraries(void)
{
	return toy_libraries;
}

/* --- toy-judge --- */

struct judge_params {
	struct str bad;
};
static const struct option judge_options[] = {
	ROW("bad", OPT_STRING, offsetof(struct judge_params, bad), OPTION_SHAPES, "bad", 0, 0, NULL, NULL,
		"text that is rejected"),
};

static void judge_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "qa.@", 0);
}

static int judge_process(struct work *w, struct err *e)
{
	(void)e;
	const struct judge_params *p = w->stage->params;
	count("toy-judge");
	bool bad = str_find(first_text(w), p->bad) >= 0;
	struct json *findings = json_array(w->arena);
	if (bad) {
		struct json *f = json_object(w->arena);
		json_set_text(w->arena, f, "rule", "bad");
		json_set_int(w->arena, f, "value", 1);
		json_set_int(w->arena, f, "limit", 0);
		json_append(findings, f);
	}
	work_verdict(w, bad ? "reject" : "pass", findings);
	return 0;
}

/* --- toy-sound, toy-hear: described here, worked in the worker --- */

static void sound_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "blob", 0);
}

static int sound_process(struct work *w, struct err *e)
{
	struct str text = first_text(w);
	if (str_is(text, "crash"))
		abort();
	if (str_is(text, "leave"))
		_exit(7);
	if (str_is(text, "hang"))
		clock_sleep_ms(60000);
	if (str_starts(text, "spin ")) { /* N tenths of a second of CPU time */
		clock_t until = clock() + CLOCKS_PER_SEC / 10 * (text.p[5] - '0');
		while (clock() < until)
			;
	}
	if (str_starts(text, "nap ")) {
		int64_t ms = 0;
		for (size_t i = 4; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
			ms = ms * 10 + (text.p[i] - '0');
		clock_sleep_ms(ms);
	}
	if (str_is(text, "refuse"))
		return err_set(e, ERR_DATA, "refused");
	const char *hex;
	int rc = work_object(w, text, &hex, e);
	if (rc < 0)
		return rc;
	struct json *blob = json_object(w->arena);
	json_set_text(w->arena, blob, "object", hex);
	json_set_text(w->arena, blob, "worker", "yes");
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "blob", blob);
	return 0;
}

static void hear_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "blob.object", 0);
	fields_write(f, "heard", 0);
}

static int hear_process(struct work *w, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int rc = work_object_read(w, json_get_str(json_get(w->call, "blob"), "object"), 1 << 20, &b, e);
	if (rc < 0)
		return rc;
	w->fields = json_object(w->arena);
	json_set_int(w->arena, w->fields, "heard", (int64_t)b.len);
	return 0;
}

/* --- toy-more --- */

struct more_params {
	int64_t slots;
};
static const struct option more_options[] = {
	ROW("slots", OPT_INT, offsetof(struct more_params, slots), 0, "2", 1, 9, NULL, NULL, "new calls a parent"),
};

static void more_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "turns", 0);
	fields_write(f, "parents", 0);
}

static int more_slots(const void *params)
{
	return (int)((const struct more_params *)params)->slots;
}

static const char *more_tag(const void *params)
{
	(void)params;
	return "more";
}

static int more_process(struct work *w, struct err *e)
{
	(void)e;
	count("toy-more");
	struct json *turn = json_object(w->arena), *turns = json_array(w->arena);
	json_set_text(w->arena, turn, "text", arena_printf(w->arena, "%.*s/%d", STR_FMT(first_text(w)), w->slot));
	json_append(turns, turn);
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "turns", turns);
	return 0;
}

/* --- toy-mark --- */

struct mark_params {
	struct str whole, second, word;
};
static const struct option mark_options[] = {
	ROW("whole", OPT_STRING, offsetof(struct mark_params, whole), OPTION_SHAPES, "", 0, 0, NULL, NULL,
		"the call that gets a mark with first alone"),
	ROW("second", OPT_STRING, offsetof(struct mark_params, second), OPTION_SHAPES, "", 0, 0, NULL, NULL,
		"the call whose mark gets a second"),
	ROW("word", OPT_STRING, offsetof(struct mark_params, word), OPTION_SHAPES, "one", 0, 0, NULL, NULL, "what first is"),
};

static void mark_fields(const void *params, struct stage_fields *f)
{
	const struct mark_params *p = params;
	fields_read(f, "id", 0);
	fields_write(f, p->second.n ? "mark.second" : "mark", FIELD_OPTIONAL);
}

static int mark_process(struct work *w, struct err *e)
{
	(void)e;
	count("toy-mark");
	const struct mark_params *p = w->stage->params;
	struct str id = json_get_str(w->call, "id");
	struct json *mark = json_object(w->arena);
	w->fields = json_object(w->arena);
	if (p->second.n)
		json_set_str(w->arena, mark, "second", id);
	else
		json_set_str(w->arena, mark, "first", p->word);
	if (str_eq(id, p->second.n ? p->second : p->whole))
		json_set(w->arena, w->fields, "mark", mark);
	return 0;
}

/* --- toy-kin: like toy-more, of a pool --- */

struct kin_params {
	int64_t slots, peers, most;
	bool basis;
};
static const struct option kin_options[] = {
	ROW("slots", OPT_INT, offsetof(struct kin_params, slots), 0, "1", 1, 9, NULL, NULL, "new calls a parent"),
	ROW("peers", OPT_INT, offsetof(struct kin_params, peers), OPTION_SHAPES, "1", 0, 9, NULL, NULL, "seen of the pool"),
	ROW("basis", OPT_BOOL, offsetof(struct kin_params, basis), OPTION_SHAPES, "false", 0, 0, NULL, NULL,
		"the size of the pool decides too"),
	ROW("most", OPT_INT, offsetof(struct kin_params, most), 0, "0", 0, 1000, NULL, NULL,
		"parents, the first by id; 0: all"),
};

static int64_t kin_parents(const void *params)
{
	return ((const struct kin_params *)params)->most;
}

static int kin_slots(const void *params)
{
	return (int)((const struct kin_params *)params)->slots;
}

static const char *kin_tag(const void *params)
{
	(void)params;
	return "kin";
}

/* Calls whose text begins with "solo" are no parents; the others see those that come next by id. */
static int kin_peers(struct stage *s, struct gather *g, struct err *e)
{
	const struct kin_params *p = s->params;
	struct str id;
	const struct json *call;
	char basis[32];
	size_t n = gather_count(g), peers[9];
	count("toy-peers");
	snprintf(basis, sizeof(basis), "%zu", n);
	int64_t named = 0;
	for (size_t i = 0; gather_next(g, &id, &call, e); i++) {
		size_t k = 0;
		if (p->most > 0 && named == p->most)
			continue;
		for (; k < (size_t)p->peers && i + k + 1 < n; k++)
			peers[k] = i + k + 1;
		if (!str_starts(json_get_str(json_at(json_get(call, "turns"), 0), "text"), "solo")) {
			gather_parent(g, peers, k, p->basis ? str_of(basis) : (struct str){NULL, 0});
			named++;
		}
	}
	return e->code;
}

static int kin_process(struct work *w, struct err *e)
{
	(void)e;
	count("toy-kin");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	buf_printf(&text, "%.*s/%d", STR_FMT(first_text(w)), w->slot);
	JSON_EACH(peer, w->peers) {
		buf_printf(&text, " %.*s:", STR_FMT(json_get_str(peer, "id")));
		buf_str(&text, json_get_str(json_at(json_get(peer, "turns"), 0), "text"));
	}
	struct json *turn = json_object(w->arena), *turns = json_array(w->arena);
	json_set_str(w->arena, turn, "text", arena_str(w->arena, buf_view(&text)));
	json_append(turns, turn);
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "turns", turns);
	return 0;
}

/* --- toy-rank --- */

static void rank_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "rank", 0);
}

static int rank_reduce(struct stage *s, struct gather *g, struct err *e)
{
	(void)s;
	count("toy-rank");
	struct arena a = ARENA_INIT;
	struct json *seen = json_object(&a);
	struct str id;
	const struct json *call;
	for (int n = 0; gather_next(g, &id, &call, e); n++) {
		struct str text = json_get_str(json_at(json_get(call, "turns"), 0), "text");
		bool doubled = json_get_key(seen, text) != NULL;
		json_set_key(&a, seen, text, json_null(&a));
		struct json *fields = json_object(&a);
		json_set_int(&a, fields, "rank", n);
		gather_set(g, fields, doubled);
	}
	arena_release(&a);
	return e->code;
}

/* --- toy-list --- */

static void list_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", FIELD_OPTIONAL);
	fields_read(f, "note", FIELD_OPTIONAL);
	fields_read(f, "rank", FIELD_OPTIONAL);
	fields_read(f, "heard", FIELD_OPTIONAL);
	fields_read(f, "qa", FIELD_OPTIONAL);
	fields_read(f, "blob.object", FIELD_OPTIONAL);
	fields_read(f, "mark.first", FIELD_OPTIONAL);
	fields_read(f, "mark.second", FIELD_OPTIONAL);
}

static int list_sink(struct stage *s, struct gather *g, const char *folder, struct err *e)
{
	(void)s;
	count("toy-list");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct str id;
	const struct json *call;
	while (gather_next(g, &id, &call, e)) {
		struct str object = json_get_str(json_get(call, "blob"), "object");
		int rc = object.n ? gather_object(g, object, &path, e) : 0;
		if (rc < 0)
			return rc;
		buf_str(&text, id);
		buf_putc(&text, '\t');
		json_write(&text, call);
		buf_putc(&text, '\n');
	}
	if (e->code)
		return e->code;
	fs_join(&path, folder, "list.txt");
	return fs_write_atomic(path.data, text.data, text.len, 0644, e);
}

#define OPTIONS(table) .options = (table), .noptions = COUNT_OF(table)

static const struct stage_ops lines_ops = {.name = "toy-lines",
	.help = "lines",
	.version = 1,
	.kind = STAGE_SOURCE,
	.params_size = sizeof(struct lines_params),
	OPTIONS(lines_options),
	.fields = lines_fields,
	.list = lines_list,
	.process = lines_process,
	.is_private = lines_private};
static const struct stage_ops copy_ops = {.name = "toy-copy",
	.help = "copy",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct copy_params),
	OPTIONS(copy_options),
	.fields = copy_fields,
	.process = copy_process};
static const struct stage_ops copy2_ops = {.name = "toy-copy2",
	.help = "copy, a later version",
	.version = 2,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct copy_params),
	OPTIONS(copy_options),
	.fields = copy_fields,
	.process = copy_process};
static const struct stage_ops draw_ops = {.name = "toy-draw",
	.help = "copy with a draw",
	.version = 1,
	.kind = STAGE_MAP,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct copy_params),
	OPTIONS(copy_options),
	.fields = copy_fields,
	.process = copy_process};
static const struct stage_ops net_ops = {.name = "toy-net",
	.help = "copy",
	.version = 1,
	.kind = STAGE_MAP,
	.exec = EXEC_NETWORK,
	.params_size = sizeof(struct copy_params),
	OPTIONS(copy_options),
	.fields = copy_fields,
	.process = copy_process};
static const struct stage_ops judge_ops = {.name = "toy-judge",
	.help = "judge",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct judge_params),
	OPTIONS(judge_options),
	.fields = judge_fields,
	.process = judge_process};
static const struct stage_ops sound_ops = {
	.name = "toy-sound", .help = "sound", .version = 1, .kind = STAGE_MAP, .exec = EXEC_SOUND, .fields = sound_fields};
static const struct stage_ops hear_ops = {
	.name = "toy-hear", .help = "hear", .version = 1, .kind = STAGE_MAP, .exec = EXEC_SOUND, .fields = hear_fields};
static const struct stage_ops more_ops = {.name = "toy-more",
	.help = "more",
	.version = 1,
	.kind = STAGE_EXPAND,
	.params_size = sizeof(struct more_params),
	OPTIONS(more_options),
	.fields = more_fields,
	.process = more_process,
	.slots = more_slots,
	.tag = more_tag};
static const struct stage_ops mark_ops = {.name = "toy-mark",
	.help = "mark",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct mark_params),
	OPTIONS(mark_options),
	.fields = mark_fields,
	.process = mark_process};
static const struct stage_ops kin_ops = {.name = "toy-kin",
	.help = "more, of a pool",
	.version = 1,
	.kind = STAGE_EXPAND,
	.params_size = sizeof(struct kin_params),
	OPTIONS(kin_options),
	.fields = more_fields,
	.process = kin_process,
	.slots = kin_slots,
	.tag = kin_tag,
	.peers = kin_peers,
	.parents = kin_parents};
static const struct stage_ops rank_ops = {
	.name = "toy-rank", .help = "rank", .version = 1, .kind = STAGE_REDUCE, .fields = rank_fields, .reduce = rank_reduce};
static const struct stage_ops list_ops = {
	.name = "toy-list", .help = "list", .version = 1, .kind = STAGE_SINK, .fields = list_fields, .sink = list_sink};

static const struct stage_ops lib_ops = {.name = "toy-lib",
	.help = "copy by a library",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct copy_params),
	OPTIONS(copy_options),
	.fields = copy_fields,
	.process = copy_process,
	.libraries = lib_libraries};
static const struct stage_ops tell_ops = {.name = "toy-tell",
	.help = "ask",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct tell_params),
	OPTIONS(tell_options),
	.fields = tell_fields,
	.process = tell_process,
	.asks = tell_asks,
	.serves = PROVIDER_TTS};

static const struct stage_ops tell_more_ops = {.name = "toy-tell-more",
	.help = "ask for more",
	.version = 1,
	.kind = STAGE_EXPAND,
	.params_size = sizeof(struct tell_params),
	OPTIONS(tell_options),
	.fields = tell_fields,
	.process = tell_process,
	.asks = tell_asks,
	.slots = tell_slots,
	.tag = tell_tag,
	.serves = PROVIDER_TTS};

static const struct stage_ops *const all[] = {&lines_ops, &copy_ops, &copy2_ops, &draw_ops, &net_ops, &judge_ops,
	&sound_ops, &hear_ops, &more_ops, &rank_ops, &list_ops, &lib_ops, &tell_ops, &kin_ops, &mark_ops, &tell_more_ops,
	NULL};
const struct stage_registry toy_registry = {all};

static const struct stage_sound sound_work = {.name = "toy-sound", .process = sound_process},
								hear_work = {.name = "toy-hear", .process = hear_process};
static const struct stage_sound *const sounds[] = {&sound_work, &hear_work, NULL};

/* --- Harness --- */

static const char *worker_command[] = {NULL, "--worker", NULL};

int toy_worker(int argc, char **argv)
{
	static char self[4096];
	if (argc > 1 && strcmp(argv[1], "--worker") == 0) {
		static const struct worker_kit kit = {&toy_registry, sounds, NULL};
		return worker_main(&kit, WORKER_FD);
	}
	if (argc > 2 && strcmp(argv[1], "--stuck") == 0) { /* a worker that never says READY */
		clock_sleep_ms(20000);
		return 0;
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	worker_command[0] = self;
	if (argc > 2 && strcmp(argv[1], "--run") == 0) {
		struct toy t = {.args = {.jobs = 2}};
		snprintf(t.dir, sizeof(t.dir), "%s", argv[2]);
		int rc = toy_run(&t);
		run_status_free(&t.status);
		return rc;
	}
	return -1;
}

void toy_begin(struct toy *t)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->dir, sizeof(t->dir), "%s/taf-engine-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(t->dir));
	t->args.jobs = 2;
}

void toy_end(struct toy *t)
{
	run_status_free(&t->status);
	fs_remove_tree(t->dir, NULL);
}

static char *path_of(struct toy *t, const char *name)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "%s/%s", t->dir, name);
	return buf_take(&b);
}

void toy_write(struct toy *t, const char *name, const char *text)
{
	CLEANUP(free_ptr) char *path = path_of(t, name);
	struct err e = ERR_INIT;
	if (fs_write_atomic(path, text, strlen(text), 0644, &e) < 0)
		fail_msg("%s", e.text);
}

char *toy_read(struct toy *t, const char *name)
{
	CLEANUP(free_ptr) char *path = path_of(t, name);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (fs_read(path, 1 << 24, &b, NULL) < 0)
		return NULL;
	return buf_take(&b);
}

void toy_remove(struct toy *t, const char *name)
{
	CLEANUP(free_ptr) char *path = path_of(t, name);
	fs_remove_tree(path, NULL);
}

static struct config *load(struct toy *t, const char *file)
{
	size_t n = 0;
	while (t->sets && t->sets[n])
		n++;
	struct problems problems = PROBLEMS_INIT;
	struct config_args args = {.file = file, .sets = t->sets, .nsets = n, .registry = &toy_registry};
	struct config *config = NULL;
	if (config_load(&args, &config, &problems) < 0) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		problems_print(&problems, &b);
		fail_msg("%s", b.data);
	}
	problems_release(&problems);
	return config;
}

/* Stage names in a status point into the config: they are kept with the toy's arena-like leak-free copies. */
static void keep_names(struct toy *t)
{
	static char names[64][2][72];
	for (size_t i = 0; i < t->status.nstages && i < 64; i++) {
		snprintf(names[i][0], sizeof(names[i][0]), "%s", t->status.stages[i].name);
		snprintf(names[i][1], sizeof(names[i][1]), "%s", t->status.stages[i].uses);
		t->status.stages[i].name = names[i][0];
		t->status.stages[i].uses = names[i][1];
	}
}

static int go(struct toy *t, bool plan)
{
	CLEANUP(free_ptr) char *file = path_of(t, "pipeline.yaml");
	CLEANUP(free_ptr) char *work = path_of(t, "work");
	struct config *config = load(t, file);
	if (!plan)
		fs_mkdirs(work, NULL);
	t->args.config = config;
	t->args.work = work;
	t->args.worker = t->worker ? t->worker : worker_command;
	struct provider_ops wild[8];
	for (size_t i = 0; t->wild && i < config->nproviders && i < COUNT_OF(wild); i++) {
		wild[i] = *config->providers[i].ops;
		wild[i].deterministic = false;
		config->providers[i].ops = &wild[i];
	}
	most_at_once = 0;
	err_clear(&t->err);
	run_status_free(&t->status);
	for (size_t i = 0; i < COUNT_OF(worked); i++)
		worked[i] = 0;
	int rc = plan ? engine_plan(&t->args, &t->status, &t->err) : engine_run(&t->args, &t->status, &t->err);
	keep_names(t);
	config_free(config);
	return rc;
}

int toy_run(struct toy *t)
{
	return go(t, false);
}

int toy_plan(struct toy *t)
{
	return go(t, true);
}

const struct stage_counts *toy_counts(struct toy *t, const char *stage)
{
	for (size_t i = 0; i < t->status.nstages; i++)
		if (strcmp(t->status.stages[i].name, stage) == 0)
			return &t->status.stages[i].c;
	fail_msg("no stage %s in the status", stage);
	return NULL;
}

/* --- Shorthands of tests --- */

static int show_failure(void *arg, const struct failure *f)
{
	(void)arg;
	print_error("  quarantined: stage %d item %d run %d: %s\n", (int)f->stage, (int)f->item, (int)f->run, f->text.data);
	return 0;
}

void toy_run_ok(struct toy *t, int want)
{
	int rc = toy_run(t);
	if (rc == want)
		return;
	CLEANUP(free_ptr) char *work = path_of(t, "work");
	CLEANUP(store_cleanup) struct store *store = NULL;
	if (store_open(work, DB_READ, &store, NULL) == 0)
		store_failures(store, show_failure, NULL, NULL);
	fail_msg("exit status %d, not %d: %s", rc, want, t->err.text);
}

bool toy_run_killed(struct toy *t, const char *crash, int64_t ms)
{
	const char *argv[] = {worker_command[0], "--run", t->dir, NULL};
	pid_t pid = fork();
	if (pid == 0) {
		if (crash)
			setenv("TAF_CRASH", crash, 1);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (!crash) {
		clock_sleep_ms(ms);
		kill(pid, SIGKILL);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void *run_aside(void *arg)
{
	struct toy *t = arg;
	t->rc = toy_run(t);
	return NULL;
}

void toy_start(struct toy *t)
{
	assert_int_equal(pthread_create(&t->thread, NULL, run_aside, t), 0);
}

int toy_join(struct toy *t)
{
	pthread_join(t->thread, NULL);
	return t->rc;
}

void toy_computed(struct toy *t, const char *stage, int64_t want)
{
	int64_t got = toy_counts(t, stage)->computed;
	if (got != want)
		fail_msg("stage %s computed %lld, not %lld", stage, (long long)got, (long long)want);
}

void toy_nothing_computed(struct toy *t)
{
	for (size_t i = 0; i < t->status.nstages; i++)
		toy_computed(t, t->status.stages[i].name, 0);
}

struct counted {
	const char *part;
	int n;
};

static int count_failure(void *arg, const struct failure *f)
{
	struct counted *c = arg;
	c->n += str_find(buf_view(&f->text), str_of(c->part)) >= 0;
	return 0;
}

int toy_failures(struct toy *t, const char *part)
{
	CLEANUP(free_ptr) char *work = path_of(t, "work");
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct err e = ERR_INIT;
	struct counted c = {part, 0};
	if (store_open(work, DB_READ, &store, &e) < 0 || store_failures(store, count_failure, &c, &e) < 0)
		fail_msg("%s", e.text);
	return c.n;
}

void toy_file_is(struct toy *t, const char *name, const char *text)
{
	CLEANUP(free_ptr) char *got = toy_read(t, name);
	if (!got)
		fail_msg("%s is missing", name);
	assert_string_equal(got, text);
}

void toy_object(struct toy *t, const char *bytes, char *ret, size_t size)
{
	(void)t;
	struct digest d;
	char hex[DIGEST_HEX + 1];
	digest_of(bytes, strlen(bytes), &d);
	digest_hex(&d, hex);
	snprintf(ret, size, "work/objects/%.2s/%s", hex, hex + 2);
}
