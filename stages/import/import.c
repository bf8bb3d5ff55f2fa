/* import: transcripts of many forms become calls. */
#include "stages/import/import.h"
#include "core/work.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

static const struct reader *const import_readers[] = {
	&reader_dialogue, /* before JSONL: an object on one line could be either */
	&reader_whisper,
	&reader_funasr,
	&reader_vtt, /* subtitles before JSONL too: a line of them may be all in braces */
	&reader_srt,
	&reader_jsonl,
	&reader_plain, /* last: it takes what begins like a dialogue */
	NULL,
};

enum initiator { INITIATOR_AUTO, INITIATOR_LEFT, INITIATOR_RIGHT, INITIATOR_UNKNOWN };
static const char *const source_names[] = {"asr", "published", NULL};
static const char *const initiator_names[] = {"auto", "left", "right", "unknown", NULL};
static const char *const sides_names[] = {"auto", "first", "questions", NULL};

#define AT(field) offsetof(struct import_params, field)

static const struct option options[] = {
	{.name = "inputs",
		.type = OPT_FILES,
		.offset = AT(inputs),
		.flags = OPTION_REQUIRED | OPTION_PER_ITEM,
		.help =
			"Transcript files. The form is recognised by the content: TeleAntiFraud JSONL, full-dialogue JSON, Whisper "
			"and WhisperX JSON, FunASR JSON, WebVTT, SRT, plain text (docs/transcripts.md shows each). A JSONL line "
			"and a full dialogue of one id (give both the same prefix) are one call: labels from the line, text and "
			"order from the dialogue."},
	{.name = "prefix",
		.type = OPT_STRING,
		.offset = AT(prefix),
		.dflt = "''",
		.help = "First part of the ids. Empty: each file's name without its extension."},
	{.name = "source",
		.type = OPT_CHOICE,
		.offset = AT(source),
		.flags = OPTION_SHAPES,
		.dflt = "asr",
		.choices = source_names,
		.help = "Where the calls come from: recognised speech, or a published dataset."},
	{.name = "private",
		.type = OPT_BOOL,
		.offset = AT(is_private),
		.dflt = "true",
		.help = "The calls may hold personal data: they reach no provider and no release before a stage that uses "
				"anonymize. "
				"`show` and `why` print them with --originals only."},
	{.name = "initiator",
		.type = OPT_CHOICE,
		.offset = AT(initiator),
		.flags = OPTION_SHAPES,
		.dflt = "auto",
		.choices = initiator_names,
		.help = "Who dialled. auto: left in fraud calls, right in normal ones."},
	{.name = "label",
		.type = OPT_STRING,
		.offset = AT(label),
		.flags = OPTION_SHAPES,
		.dflt = "''",
		.help =
			"A fraud type or a scene for calls of which neither the file nor labels_csv tells one. Empty: such calls "
			"are quarantined."},
	{.name = "labels_csv",
		.type = OPT_FILE,
		.offset = AT(labels_csv),
		.flags = OPTION_PER_ITEM,
		.dflt = "",
		.help =
			"A CSV file with a header: id (the whole id of a call, or its id within the file), label or fraud_type and "
			"scene, and if you like age, gender, occupation (of the user) and initiator. What a row says goes before "
			"what the transcript says; editing a row works only its call again."},
	{.name = "speakers",
		.type = OPT_MAP,
		.offset = AT(speakers),
		.flags = OPTION_SHAPES,
		.help = "Which side the speakers of a transcript are on: {left: SPEAKER_00}, {right: 'B, C'} or {SPEAKER_00: "
				"left}. "
				"Where one side is known and one speaker is left over, that one has the other side."},
	{.name = "sides",
		.type = OPT_CHOICE,
		.offset = AT(sides),
		.flags = OPTION_SHAPES,
		.dflt = "auto",
		.choices = sides_names,
		.help = "Which of two speakers is left when neither `speakers` nor a name (L, 左, …) says it. auto: who "
				"addresses the "
				"other more politely (您, 请, 麻烦, 我们), as a service does and whoever plays one; if even, who says "
				"more. "
				"first: who speaks first. questions: who asks less in fraud calls, who asks more in others."},
	{.name = "merge_ms",
		.type = OPT_INT,
		.offset = AT(merge_ms),
		.flags = OPTION_SHAPES,
		.dflt = "10000",
		.min = 0,
		.max = 3600000,
		.unit = "ms",
		.help =
			"Segments of one side that follow each other are one turn, unless a pause longer than this lies between "
			"them."},
	{.name = "labels",
		.type = OPT_FILE,
		.offset = AT(labels_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/schemas/labels.yaml'",
		.help = "The closed label sets."},
	{.name = "terminators",
		.type = OPT_FILE,
		.offset = AT(terminators_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/import/terminators.yaml'",
		.help = "Who ended a call, by the words transcripts use, and the control signals."},
};

struct import_state {
	struct labels labels;
	struct terminators terminators;
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_write(ret, "source", 0);
	fields_write(ret, "initiator", 0);
	fields_write(ret, "label", 0);
	fields_write(ret, "turns", 0);
	fields_write(ret, "profile", FIELD_OPTIONAL);
	fields_write(ret, "termination", 0);
}

static bool is_private(const void *params)
{
	return ((const struct import_params *)params)->is_private;
}

static int check(const void *params, struct err *e)
{
	return sides_check(((const struct import_params *)params)->speakers, e);
}

static int init(struct stage *s, struct err *e)
{
	const struct import_params *p = s->params;
	struct import_state *st = ARENA_NEW(&s->arena, struct import_state);
	int r = labels_load(&s->arena, p->labels_file.p, &st->labels, e);
	if (!r)
		r = terminators_load(&s->arena, p->terminators_file.p, &st->terminators, e);
	if (r)
		return r;
	s->state = st;
	return 0;
}

static void destroy(struct stage *s)
{
	struct import_state *st = s->state;
	if (st)
		terminators_release(&st->terminators);
	s->state = NULL;
}

/* labels_csv is the one file of this kind. */
static int check_file(struct stage *s, const char *option, struct buf *ret_doubt, struct err *e)
{
	const struct import_params *p = s->params;
	const struct import_state *st = s->state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rows *rows = NULL;
	const char *first;
	int rc = rows_load(&a, p->labels_csv.p, &st->labels, &rows, e);
	if (rc)
		return err_context(e, "%s", option);
	size_t n = rows_problems(rows, &first);
	if (n)
		buf_printf(
			ret_doubt, "%s: %s; the calls of %zu such row%s will be quarantined", option, first, n, n == 1 ? "" : "s");
	rows_free(rows);
	return 0;
}

/* --- Listing --- */

static const struct reader *reader_for(struct str text)
{
	for (size_t i = 0; import_readers[i]; i++)
		if (import_readers[i]->recognises(text))
			return import_readers[i];
	return NULL;
}

static void reader_names(struct buf *b)
{
	for (size_t i = 0; import_readers[i]; i++)
		buf_printf(b, "%s%s", i ? "; " : "", import_readers[i]->help);
}

static struct str encoded(struct arena *a, struct str s)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	id_encode(&b, s);
	return arena_str(a, buf_view(&b));
}

static void broken_file(struct import_list *l, const struct import_file *f, const char *reason)
{
	CLEANUP(buf_release) struct buf toolong = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct str id = record_lone_id(a, f, str_of(NULL), &toolong);
	if (!id.p)
		id = str_of(arena_printf(a, "file-%d", f->index));
	lister_broken(l->lister, id, (struct locator){.file = f->index}, reason);
}

/* By how files of sound begin: WAV, MP3, FLAC, Ogg, MP4. */
static bool is_sound(struct str s)
{
	static const char *const heads[] = {"RIFF", "ID3", "\xff\xfb", "\xff\xf3", "\xff\xf2", "fLaC", "OggS"};
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (str_starts(s, heads[i]))
			return true;
	return s.n >= 8 && memcmp(s.p + 4, "ftyp", 4) == 0;
}

/* Find the file's form. A file that cannot be read, or that no reader knows, is a broken item; the rest goes on. */
static int open_file(struct import_list *l, struct import_file *f, struct err *e)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct err own = ERR_INIT;
	int r = lister_file(l->lister, f->index, &f->text, &own);
	if (r && err_class_of(r) != CLASS_DATA)
		return err_set(e, r, "%s", own.text);
	if (r) {
		broken_file(l, f, own.text);
		return 0;
	}
	if (str_starts(f->text, "\xef\xbb\xbf")) {
		f->text = str_n(f->text.p + 3, f->text.n - 3);
		f->skipped = 3;
	}
	f->reader = reader_for(f->text);
	if (f->reader)
		return 0;
	if (str_trim(f->text).n == 0) {
		broken_file(l, f, "the file is empty");
		return 0;
	}
	if (is_sound(f->text)) {
		broken_file(l, f,
			"a sound: import reads transcripts, whose calls are then spoken; a recording has to be transcribed first");
		return 0;
	}
	if (str_starts(f->text, "\xff\xfe") || str_starts(f->text, "\xfe\xff"))
		buf_puts(&why, "the file is in UTF-16: iconv -f UTF-16 -t UTF-8; ");
	else if (utf8_invalid(f->text) >= 0)
		buf_puts(&why, "the file is not in UTF-8; if it is in GBK: iconv -f GBK -t UTF-8; ");
	buf_puts(&why, "not a form that import knows: ");
	reader_names(&why);
	broken_file(l, f, why.data);
	return 0;
}

void import_add(struct import_list *l, const struct import_file *f, struct str id, struct json *content, struct locator at)
{
	const struct json *row = NULL;
	const char *problem = NULL;
	/* The id within the file: behind the prefix, or all of it. */
	struct str part = id.n > f->prefix.n ? str_n(id.p + f->prefix.n + 1, id.n - f->prefix.n - 1) : id;
	if (l->rc)
		return;
	if (l->rows)
		l->rc = rows_find(l->rows, id, part, &row, &problem, l->e);
	l->added++;
	if (problem) {
		lister_broken(l->lister, id, at, problem);
		return;
	}
	if (l->is_private && shown_number_in(id)) {
		lister_broken(l->lister, str_of(arena_printf(lister_arena(l->lister), "file-%d/line-%d", at.file, at.line)), at,
			"its id holds a telephone number or a resident id, and ids are published: change the name of the file, or "
			"the id "
			"in it");
		return;
	}
	if (row)
		json_set(lister_arena(l->lister), content, "row", json_copy(lister_arena(l->lister), row));
	lister_add(l->lister, id, content, at, NULL, 0);
}

static int list_files(struct import_list *l, struct import_file *files, size_t n, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	int r = 0;
	for (size_t i = 0; !r && i < n; i++) {
		r = open_file(l, &files[i], e);
		if (r || !files[i].reader)
			continue;
		struct str id = files[i].reader->lone_id(&scratch, &files[i]);
		if (id.p) {
			bool fresh = false;
			struct map_entry *entry = map_put(&l->dialogues, id, &fresh);
			if (fresh)
				entry->value.i = (int64_t)i + 1;
		}
		arena_reset(&scratch);
	}
	arena_release(&scratch);
	/* Forms of many records first: their lines take the dialogues that belong to them. */
	for (int lone = 0; !r && lone < 2; lone++) {
		for (size_t i = 0; !r && i < n; i++) {
			if (!files[i].reader || (files[i].reader == &reader_dialogue) != (lone == 1))
				continue;
			r = files[i].reader->list(l, &files[i], e);
			if (!r)
				r = l->rc;
		}
	}
	return r || !l->rows || l->added == 0 ? r : rows_end(l->rows, e);
}

static int list(struct stage *s, struct lister *lister, struct err *e)
{
	const struct import_params *p = s->params;
	size_t n = p->inputs.n;
	struct arena names = ARENA_INIT;
	const struct import_state *st = s->state;
	struct import_list l = {.lister = lister, .dialogues = MAP_INIT, .e = e, .is_private = p->is_private};
	struct import_file *files = arena_array(&names, n ? n : 1, sizeof(*files));
	for (size_t i = 0; i < n; i++) {
		struct str stem = encoded(&names, fs_stem(p->inputs.v[i].p));
		files[i].index = (int)i;
		files[i].stem = stem;
		files[i].named = p->prefix.n > 0;
		files[i].prefix = files[i].named ? encoded(&names, p->prefix) : stem;
	}
	l.files = files;
	int r = p->labels_csv.n ? rows_load(&names, p->labels_csv.p, &st->labels, &l.rows, e) : 0;
	if (!r)
		r = list_files(&l, files, n, e);
	rows_free(l.rows);
	map_release(&l.dialogues);
	arena_release(&names);
	return r;
}

/* --- The call --- */

static bool zero_width(uint32_t cp)
{
	return (cp >= 0x200B && cp <= 0x200D) || cp == 0x2060 || cp == 0xFEFF;
}

/* NFC, without zero-width characters, control signals cut, trimmed; otherwise as it is. */
static int clean_text(struct arena *a, const struct import_state *st, struct str text, struct transcript *t,
	struct str *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf nfc = BUF_INIT;
	CLEANUP(buf_release) struct buf visible = BUF_INIT;
	CLEANUP(buf_release) struct buf cut = BUF_INIT;
	uint32_t cp;
	for (struct str rest = text; utf8_next(&rest, &cp);) {
		char bytes[4];
		if (!zero_width(cp))
			buf_add(&visible, bytes, utf8_put(cp, bytes));
	}
	signals_cut(&st->terminators, buf_view(&visible), &cut, &t->signal);
	int r = text_nfc(&nfc, buf_view(&cut), e); /* last: what was taken out may have stood between letter and accent */
	if (r)
		return r;
	struct str s = str_trim(buf_view(&nfc));
	/* Blanks beyond ASCII: at the front, then at the back (the bytes of a code point end where the next begins). */
	struct str rest = s;
	while (utf8_next(&rest, &cp) && utf8_is_space(cp))
		s = rest;
	for (size_t end = s.n; end > 0; s.n = end) {
		do
			end--;
		while (end > 0 && ((unsigned char)s.p[end] & 0xC0) == 0x80);
		struct str last = str_n(s.p + end, s.n - end);
		if (!utf8_next(&last, &cp) || !utf8_is_space(cp))
			break;
	}
	*ret = arena_str(a, s);
	return 0;
}

static int clean_turns(struct work *w, const struct import_state *st, struct transcript *t, struct err *e)
{
	static const char *const times[] = {"start_ms", "end_ms"};
	struct json *out = json_array(w->arena);
	JSON_EACH(turn, t->turns) {
		struct str text;
		int r = clean_text(w->arena, st, turn_text(turn), t, &text, e);
		if (r)
			return err_context(e, "turn %zu", json_count(out) + 1);
		if (text.n == 0 && t->segments)
			continue; /* there was nothing but a signal in it */
		struct json *made = turn_new(w->arena, str_is(turn_role(turn), "left") ? "left" : "right", text);
		for (size_t i = 0; i < COUNT_OF(times); i++)
			if (json_get(turn, times[i]))
				json_set_int(w->arena, made, times[i], json_get_int(turn, times[i], 0));
		json_append(out, made);
	}
	t->turns = out;
	return 0;
}

static int unknown_label(struct str name, const char *what, struct err *e)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	shown_label(&shown, name);
	return err_set(e, ERR_DATA, "unknown label %s: %s of labels.yaml", shown.data, what);
}

static int make_label(
	struct work *w, const struct import_state *st, const struct transcript *t, bool *ret_fraud, struct err *e)
{
	const struct import_params *p = w->stage->params;
	struct str name = str_trim(t->label), scene = str_trim(t->scene);
	if (name.n == 0 && scene.n == 0)
		name = p->label;
	if (name.n == 0 && scene.n == 0)
		return err_set(e,
			ERR_DATA, "no label: neither the transcript nor a row of labels_csv tells one; set `labels_csv` or `label` in the import's `with`");
	struct json *label = json_object(w->arena);
	bool fraud = labels_is_fraud_type(&st->labels, name);
	if (fraud)
		json_set_str(w->arena, label, "fraud_type", name);
	else if (scene.n == 0 && name.n)
		scene = name;
	else if (name.n && !str_eq(name, scene))
		return unknown_label(name, "not a fraud type", e);
	if (scene.n && !labels_is_scene(&st->labels, scene))
		return unknown_label(scene, "neither a fraud type nor a scene", e);
	if (scene.n) {
		json_set_str(w->arena, label, "scene", scene);
		json_set_text(w->arena, label, "scene_origin", "given");
	}
	json_set(w->arena, label, "is_fraud", json_bool(w->arena, fraud));
	json_set(w->arena, w->fields, "label", label);
	*ret_fraud = fraud;
	return 0;
}

static void make_profile(struct work *w, const struct transcript *t)
{
	struct json *right = json_object(w->arena);
	if (t->age >= 0)
		json_set_int(w->arena, right, "age", t->age);
	if (str_trim(t->occupation).n)
		json_set_str(w->arena, right, "occupation", str_trim(t->occupation));
	if (str_trim(t->awareness).n)
		json_set_str(w->arena, right, "awareness", str_trim(t->awareness));
	if (t->gender)
		json_set_text(w->arena, right, "gender", t->gender);
	if (json_count(right) == 0)
		return;
	struct json *profile = json_object(w->arena);
	json_set(w->arena, profile, "right", right);
	json_set(w->arena, w->fields, "profile", profile);
}

static void make_termination(struct work *w, const struct import_state *st, const struct transcript *t)
{
	struct json *end = json_object(w->arena);
	json_set_text(w->arena, end, "by", terminator_side(&st->terminators, t->terminator));
	if (t->terminator.p)
		json_set_str(w->arena, end, "original", t->terminator);
	if (t->reason.p)
		json_set_str(w->arena, end, "reason", t->reason);
	if (t->signal)
		json_set_text(w->arena, end, "signal", t->signal);
	json_set(w->arena, w->fields, "termination", end);
}

static const char *initiator_of(const struct import_params *p, bool fraud)
{
	if (p->initiator == INITIATOR_AUTO)
		return fraud ? "left" : "right";
	return initiator_names[p->initiator];
}

static int make_call(struct work *w, struct err *e)
{
	const struct import_params *p = w->stage->params;
	const struct import_state *st = w->stage->state;
	const struct reader *reader = NULL;
	struct transcript t = {.age = -1};
	bool fraud = false;
	for (size_t i = 0; import_readers[i]; i++)
		if (str_is(json_get_str(w->call, "reader"), import_readers[i]->name))
			reader = import_readers[i];
	if (!reader)
		return err_set(e, ERR_BUG, "the item names no reader of this program");
	int r = reader->read(w, w->call, &t, e);
	if (r)
		return r;
	rows_apply(json_get(w->call, "row"), &t);
	if (json_count(t.turns) == 0 && !t.segments)
		return err_set(e, ERR_DATA, "empty call: it has no turns");
	w->fields = json_object(w->arena);
	r = make_label(w, st, &t, &fraud, e);
	if (!r && t.segments)
		r = sides_turns(w, t.segments, fraud, &t.turns, e);
	if (!r)
		r = clean_turns(w, st, &t, e);
	if (r)
		return r;
	json_set_text(w->arena, w->fields, "source", source_names[p->source]);
	json_set_text(w->arena, w->fields, "initiator", t.initiator ? t.initiator : initiator_of(p, fraud));
	json_set(w->arena, w->fields, "turns", t.turns);
	make_profile(w, &t);
	make_termination(w, st, &t);
	return 0;
}

static int process(struct work *w, struct err *e)
{
	int r = make_call(w, e);
	if (r >= 0 || !e || err_class_of(r) != CLASS_DATA)
		return r;
	CLEANUP(buf_release) struct buf where = BUF_INIT;
	locator_text(&where, w->at, stage_item_files(w->stage));
	return err_context(e, "%s", where.data);
}

const struct stage_ops stage_import = {
	.name = "import",
	.help = "Transcripts from files become calls: true turn order, labels, profile, who ended it.",
	.version = 1,
	.kind = STAGE_SOURCE,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct import_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.init = init,
	.check_file = check_file,
	.destroy = destroy,
	.list = list,
	.process = process,
	.is_private = is_private,
};
