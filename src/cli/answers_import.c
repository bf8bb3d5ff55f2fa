/* taf answers import: answers of another work folder, as if they had been asked for here. The file is read twice: all of it is looked at before anything
 * of it is taken, so a damaged one changes nothing. What is here already stays. */
#include "cli/answers.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "core/engine.h"
#include "core/objects.h"
#include "core/query.h"
#include "io/zip.h"

#include <string.h>

#define DRAW_MAX ((int64_t)1 << 53) /* what JSON holds exactly */
#define TOKENS_MAX ((int64_t)1 << 40)
#define STEP_MAX 200

struct import_options {
	struct where where;
	bool json;
};

#define AT(field) offsetof(struct import_options, field)
static const struct cli_option options[] = {
	WORK_OPTIONS(struct import_options),
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct import {
	const char *path, *objects;
	struct store *store;
	struct zip_reader *zip;
	struct arena arena;
	struct str taf, dataset; /* who made the file */
	int64_t line, answers;   /* seen in this reading */
	bool ended;
	struct buf answer, sent, sound;
	int64_t new_answers, known, differ, refused, sounds;
};

/* --- One line --- */

static int bad_line(const struct import *m, const char *what, struct err *e)
{
	return err_set(e, ERR_DATA, "line %lld: %s", (long long)m->line, what);
}

static int take_head(struct import *m, const struct json *v, struct err *e)
{
	if (!str_is(json_get_str(v, "format"), ANSWERS_FORMAT))
		return bad_line(m, "no file of `taf answers export`", e);
	int64_t version = json_get_int(v, "version", 0);
	if (version != ANSWERS_VERSION)
		return err_set(
			e, ERR_DATA, "version %lld of the format; this taf reads version %d", (long long)version, ANSWERS_VERSION);
	m->taf = arena_str(&m->arena, utf8_clip(json_get_str(v, "taf"), 100));
	m->dataset = arena_str(&m->arena, utf8_clip(json_get_str(v, "dataset"), 200));
	return 0;
}

static bool between(const struct json *v, const char *key, int64_t max)
{
	int64_t n = json_get_int(v, key, -1);
	return n >= 0 && n <= max;
}

/* What an answer must be; its texts are the line's. */
static int read_row(const struct import *m, const struct json *v, struct answer_row *ret, struct err *e)
{
	*ret = (struct answer_row){.draw = json_get_int(v, "draw", -1),
		.model = json_get_str(v, "model"),
		.tokens_in = json_get_int(v, "tokens_in", 0),
		.tokens_out = json_get_int(v, "tokens_out", 0),
		.asked = (int)json_get_int(v, "asked", 0),
		.step = json_get_str(v, "step"),
		.object = json_get_str(v, "object"),
		.imported = true};
	struct digest object;
	const struct json *answer = json_get(v, "answer");
	struct str named = json_get_str(answer, "object");
	if (!digest_parse(json_get_str(v, "key"), &ret->request) || !between(v, "draw", DRAW_MAX))
		return bad_line(m, "key and draw do not name an answer", e);
	if (!json_is(answer, JSON_OBJECT) || !json_is(json_get(v, "request"), JSON_OBJECT))
		return bad_line(m, "request and answer must be objects", e);
	if (!between(v, "tokens_in", TOKENS_MAX) || !between(v, "tokens_out", TOKENS_MAX) || !between(v, "asked", INT32_MAX))
		return bad_line(m, "tokens_in, tokens_out and asked must be counts", e);
	if (!ret->model.p || !ret->step.p || ret->model.n > STEP_MAX || ret->step.n > STEP_MAX)
		return bad_line(m, "model and step must be short texts", e);
	if (!str_eq(named, ret->object) || (ret->object.p && !digest_parse(ret->object, &object)))
		return bad_line(m, "object is not the sound that the answer names", e);
	return 0;
}

static int64_t packed_object(const struct import *m, struct str hex)
{
	char name[sizeof(ANSWERS_OBJECTS) + DIGEST_HEX] = ANSWERS_OBJECTS;
	memcpy(name + sizeof(ANSWERS_OBJECTS) - 1, hex.p, DIGEST_HEX);
	return zip_reader_find(m->zip, name);
}

/* --- The first reading: is it all as it should be? --- */

static int check_end(struct import *m, const struct json *v, struct err *e)
{
	m->ended = true;
	if (json_get_int(v, "answers", -1) != m->answers || json_get_int(v, "objects", -1) != zip_reader_count(m->zip) - 1)
		return bad_line(m, "the numbers of answers and sounds are not those of the file", e);
	return 0;
}

static int check_line(void *arg, struct str line, struct err *e)
{
	struct import *m = arg;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = NULL;
	struct answer_row row;
	m->line++;
	if (m->ended)
		return bad_line(m, "more behind the last line", e);
	int rc = json_parse(&a, line, &v, e);
	if (rc < 0)
		return err_context(e, "line %lld", (long long)m->line);
	if (m->line == 1)
		return take_head(m, v, e);
	if (json_get_bool(v, "end", false))
		return check_end(m, v, e);
	m->answers++;
	return read_row(m, v, &row, e);
}

static int check_object(struct import *m, int64_t index, struct err *e)
{
	const char *name = zip_reader_name(m->zip, index);
	struct digest said, got;
	if (!str_starts(str_of(name), ANSWERS_OBJECTS) || !digest_parse(str_of(name + strlen(ANSWERS_OBJECTS)), &said))
		return err_set(e, ERR_DATA, "the entry %s does not belong there", name);
	buf_clear(&m->sound);
	int rc = zip_reader_read(m->zip, index, ANSWERS_OBJECT_MAX, &m->sound, e);
	if (rc < 0)
		return rc;
	digest_of(m->sound.data, m->sound.len, &got);
	return digest_equal(&said, &got) ? 0 : err_set(e, ERR_DATA, "the sound %s is another than its name says", name);
}

static int check_file(struct import *m, struct err *e)
{
	struct zip_lines lines = {ANSWERS_LINE_MAX, check_line, m};
	int64_t at = zip_reader_find(m->zip, ANSWERS_ENTRY);
	if (at < 0)
		return err_set(e, ERR_DATA, "no file of `taf answers export`: it has no " ANSWERS_ENTRY);
	int rc = zip_reader_lines(m->zip, at, &lines, e);
	if (rc == 0 && !m->ended)
		rc = err_set(e, ERR_DATA, "the last line is missing: the file is not whole");
	for (int64_t i = 0; rc == 0 && i < zip_reader_count(m->zip); i++)
		if (i != at)
			rc = check_object(m, i, e);
	return rc;
}

/* --- The second: taking it over --- */

/* 1: the sound is here; 0: neither here nor in the file. */
static int take_object(struct import *m, struct str hex, struct err *e)
{
	struct digest said, got;
	int64_t at = packed_object(m, hex);
	if (at < 0)
		return digest_parse(hex, &said) && store_object_size(m->store, &said) >= 0 &&
			   objects_size(m->objects, &said) >= 0;
	buf_clear(&m->sound);
	int rc = zip_reader_read(m->zip, at, ANSWERS_OBJECT_MAX, &m->sound, e);
	if (rc == 0)
		rc = objects_put(m->objects, buf_view(&m->sound), &got, e);
	if (rc == 0 && (!digest_parse(hex, &said) || !digest_equal(&said, &got)))
		rc = err_set(e, ERR_DATA, "the file changed while it was read");
	if (rc < 0)
		return rc;
	store_put_object(m->store, &got, (int64_t)m->sound.len, 0);
	m->sounds++;
	return 1;
}

/* Who asked, as far as it is known here. */
static int find_asker(struct import *m, const struct json *v, struct answer_row *row, struct err *e)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct str call = json_get_str(v, "call");
	buf_str(&name, json_get_str(v, "stage"));
	row->stage = store_find_stage(m->store, name.data);
	int rc = call.n ? query_item(m->store, call, &row->item, e) : 0;
	if (row->stage == 0 || row->item == 0)
		row->stage = row->item = 0;
	return rc < 0 ? rc : 0;
}

static int take_row(struct import *m, const struct json *v, struct answer_row *row, struct err *e)
{
	CLEANUP(stored_answer_release) struct stored_answer own = {.text = BUF_INIT};
	buf_clear(&m->answer);
	buf_clear(&m->sent);
	json_write(&m->answer, json_get(v, "answer"));
	json_write(&m->sent, json_get(v, "request"));
	row->answer = buf_view(&m->answer);
	row->sent = buf_view(&m->sent);
	int rc = store_answer(m->store, &row->request, row->draw, &own, e);
	if (rc > 0) {
		m->known++;
		m->differ += !str_eq(buf_view(&own.text), row->answer);
		return 0;
	}
	if (rc == 0)
		rc = row->object.n ? take_object(m, row->object, e) : 1;
	if (rc == 0)
		m->refused++;
	if (rc <= 0)
		return rc;
	rc = find_asker(m, v, row, e);
	if (rc == 0)
		store_put_answer(m->store, row);
	m->new_answers += rc == 0;
	return rc == 0 ? store_failed(m->store, e) : rc;
}

static int take_line(void *arg, struct str line, struct err *e)
{
	struct import *m = arg;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = NULL;
	struct answer_row row;
	int rc = json_parse(&a, line, &v, e);
	if (rc < 0 || m->line++ == 0 || json_get_bool(v, "end", false))
		return rc;
	rc = read_row(m, v, &row, e);
	return rc < 0 ? rc : take_row(m, v, &row, e);
}

static int take_file(struct import *m, struct err *e)
{
	struct zip_lines lines = {ANSWERS_LINE_MAX, take_line, m};
	m->line = 0;
	int rc = objects_prepare(m->objects, e);
	if (rc == 0)
		rc = zip_reader_lines(m->zip, zip_reader_find(m->zip, ANSWERS_ENTRY), &lines, e);
	if (rc == 0)
		rc = store_flush(m->store, e);
	if (rc < 0)
		err_context(e, "what was taken over so far stays; import it again for the rest");
	return rc;
}

/* --- The command --- */

static void report(const struct import *m, bool json)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (json) {
		buf_printf(&b, "{\"differ\":%lld,\"known\":%lld,\"new\":%lld,\"objects\":%lld,\"refused\":%lld}\n",
			(long long)m->differ, (long long)m->known, (long long)m->new_answers, (long long)m->sounds,
			(long long)m->refused);
		say_out(&b);
		return;
	}
	buf_printf(&b, "%s (dataset ", m->path);
	put_clean(&b, m->dataset.n ? m->dataset : STR("unknown"));
	buf_puts(&b, ", taf ");
	put_clean(&b, m->taf);
	buf_puts(&b, "): ");
	put_many(&b, m->new_answers, "new answer");
	buf_puts(&b, " with ");
	put_many(&b, m->sounds, "sound");
	buf_puts(&b, ", ");
	put_count(&b, m->known);
	buf_puts(&b, " known\n");
	if (m->differ) {
		put_count(&b, m->differ);
		buf_puts(&b, " of the known are other answers than those of the file; those that were here stay\n");
	}
	if (m->refused) {
		put_many(&b, m->refused, "answer");
		buf_puts(&b, " refused: the sound is neither in the file nor here\n");
	}
	if (m->new_answers)
		buf_puts(&b, "they cost nothing here, and count as 0 in costs\n");
	say_out(&b);
}

static int open_work(const char *work, int *ret_lock, struct store **ret, struct err *e)
{
	int rc = fs_mkdirs(work, e); /* maybe no run was made here yet */
	if (rc == 0)
		rc = folder_lock(work, ret_lock, e);
	return rc < 0 ? rc : store_open(work, DB_WRITE, ret, e);
}

static int import_file(struct import *m, const struct import_options *o, struct err *e)
{
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf objects = BUF_INIT;
	CLEANUP(fs_close) int lock = -1;
	where_work(&o->where, &work);
	fs_join(&objects, work.data, "objects");
	m->objects = objects.data;
	int rc = zip_reader_open(m->path, &m->zip, e);
	if (rc < 0)
		return rc;
	rc = check_file(m, e);
	if (rc < 0)
		return err_context(e, "%s: nothing of it was taken over", m->path);
	rc = open_work(work.data, &lock, &m->store, e);
	if (rc == 0)
		rc = take_file(m, e);
	store_close(m->store, false);
	m->store = NULL;
	return rc;
}

static int import_answers(const struct cli_given *given)
{
	const struct import_options *o = given->opts;
	struct err e = ERR_INIT;
	struct import m = {.path = given->args[0], .answer = BUF_INIT, .sent = BUF_INIT};
	buf_init(&m.sound, ANSWERS_OBJECT_MAX);
	int rc = import_file(&m, o, &e);
	if (rc == 0)
		report(&m, o->json);
	else
		say_error("answers import: %s", e.text);
	zip_reader_free(m.zip);
	buf_release(&m.answer);
	buf_release(&m.sent);
	buf_release(&m.sound);
	arena_release(&m.arena);
	return rc < 0 ? EXIT_ERROR : EXIT_DONE;
}

const struct cli_command command_answers_import = {
	.name = "answers import",
	.usage = "FILE [options]",
	.help = "take over answers that `taf answers export` packed",
	.about = "What is here already stays, so it may be done again. A run uses them as its own: take them only from "
			 "people you trust.",
	.example = "taf answers import answers.zip",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct import_options),
	.min_args = 1,
	.max_args = 1,
	.run = import_answers,
};
