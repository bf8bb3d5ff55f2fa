/* taf answers export: the stored answers of providers, with their sounds, into one file. */
#include "cli/answers.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "cli/trace.h"
#include "core/engine.h"
#include "core/objects.h"
#include "io/zip.h"

#include <fcntl.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20) /* bytes of lines that are written at a time */

struct export_options {
	struct where where;
	bool private, json;
};

#define AT(field) offsetof(struct export_options, field)
static const struct cli_option options[] = {
	WORK_OPTIONS(struct export_options),
	{0, "private", CLI_FLAG, AT(private), NULL, 0, 0, "also answers of stages that may have seen calls before anonymize"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct export
{
	const struct export_options *o;
	const char *path, *objects; /* the file; the folder of objects */
	struct store *store;
	struct arena arena;
	struct query_stage *stages;
	size_t nstages;
	struct db_stmt *item; /* an item's id */
	struct zip_writer *zip;
	struct buf lines;
	int lines_fd;
	struct map packed; /* objects, by hex digest */
	int64_t answers, bytes, left_out;
};

/* --- Lines --- */

static int flush_lines(struct export *x, struct err *e)
{
	int rc = fs_write_all(x->lines_fd, x->lines.data, x->lines.len, x->path, e);
	buf_clear(&x->lines);
	return rc;
}

static int put_line(struct export *x, const struct json *v, struct err *e)
{
	json_write(&x->lines, v);
	buf_putc(&x->lines, '\n');
	if (buf_error(&x->lines))
		return err_set(e, ERR_TOOBIG, "an answer of over %zu bytes", ANSWERS_LINE_MAX);
	return x->lines.len >= CHUNK ? flush_lines(x, e) : 0;
}

static const char *stage_name(const struct export *x, int32_t n)
{
	for (size_t i = 0; i < x->nstages; i++)
		if (x->stages[i].n == n)
			return x->stages[i].name;
	return "";
}

static int set_call(struct export *x, struct arena *a, struct json *out, int32_t item, struct err *e)
{
	db_int(x->item, 1, item);
	int rc = db_step(x->item, e);
	json_set_str(a, out, "call", rc > 0 ? db_col_str(x->item, 0) : STR(""));
	db_reset(x->item);
	return rc < 0 ? rc : 0;
}

/* 1: it is in the file; 0: the sound is not there any more. */
static int pack_object(struct export *x, struct str hex, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct digest d;
	bool fresh;
	int64_t size = digest_parse(hex, &d) ? objects_size(x->objects, &d) : -1;
	if (size < 0 || size > (int64_t)ANSWERS_OBJECT_MAX)
		return 0;
	map_put(&x->packed, hex, &fresh);
	if (!fresh)
		return 1;
	x->bytes += size;
	objects_path(&path, x->objects, &d);
	buf_printf(&name, ANSWERS_OBJECTS "%.*s", STR_FMT(hex));
	int rc = zip_writer_file(x->zip, name.data, path.data, e);
	return rc < 0 ? rc : 1;
}

static int take_answer(void *arg, const struct answer_row *row, struct err *e)
{
	struct export *x = arg;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *out = json_object(&a), *sent = NULL, *answer = NULL;
	char hex[DIGEST_HEX + 1];
	int rc = json_parse(&a, row->sent, &sent, e);
	if (rc == 0)
		rc = json_parse(&a, row->answer, &answer, e);
	if (rc == 0 && row->object.n) {
		rc = pack_object(x, row->object, e);
		if (rc == 0) {
			x->left_out++;
			return 0;
		}
		json_set_str(&a, out, "object", row->object);
	}
	if (rc < 0)
		return err_context(e, "a stored answer");
	digest_hex(&row->request, hex);
	json_set_text(&a, out, "key", hex);
	json_set_int(&a, out, "draw", row->draw);
	json_set_str(&a, out, "model", row->model);
	json_set_int(&a, out, "tokens_in", row->tokens_in);
	json_set_int(&a, out, "tokens_out", row->tokens_out);
	json_set_text(&a, out, "stage", stage_name(x, row->stage));
	json_set_str(&a, out, "step", row->step);
	json_set_int(&a, out, "asked", row->asked);
	json_set(&a, out, "request", sent);
	json_set(&a, out, "answer", answer);
	rc = set_call(x, &a, out, row->item, e);
	x->answers++;
	return rc < 0 ? rc : put_line(x, out, e);
}

static int put_head(struct export *x, struct err *e)
{
	CLEANUP(config_cleanup) struct config *config = where_config_quiet(&x->o->where);
	struct json *out = json_object(&x->arena);
	json_set_text(&x->arena, out, "format", ANSWERS_FORMAT);
	json_set_int(&x->arena, out, "version", ANSWERS_VERSION);
	json_set_text(&x->arena, out, "taf", TAF_VERSION);
	json_set_text(&x->arena, out, "dataset", config ? config->name : "");
	return put_line(x, out, e);
}

static int put_end(struct export *x, struct err *e)
{
	struct json *out = json_object(&x->arena);
	json_set(&x->arena, out, "end", json_bool(&x->arena, true));
	json_set_int(&x->arena, out, "answers", x->answers);
	json_set_int(&x->arena, out, "objects", (int64_t)x->packed.n);
	int rc = put_line(x, out, e);
	return rc < 0 ? rc : flush_lines(x, e);
}

/* --- Privacy --- */

/* A private call cannot come to a stage that asks a provider (core/graph.c), so this finds stages that were something else once. */
static int refuse_private(struct export *x, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = x->o->private ? 0 : db_prepare(store_db(x->store), "SELECT 1 FROM answer WHERE stage=? LIMIT 1", &st, e);
	for (size_t i = 0; rc == 0 && st && i < x->nstages; i++) {
		if (!trace_noted_private(x->stages[i].state))
			continue;
		db_int(st, 1, x->stages[i].n);
		rc = db_step(st, e);
		db_reset(st);
		if (rc > 0)
			return err_set(e,
				ERR_REFUSED, "stage %s saw private calls, so its answers may hold personal data; --private exports them all the same",
				x->stages[i].name);
	}
	return rc;
}

/* --- The file --- */

/* All lines, then the file of lines as the zip's first entry: libzip reads files when it is closed. */
static int export_lines(struct export *x, const char *lines_path, struct err *e)
{
	x->lines_fd = open(lines_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (x->lines_fd < 0)
		return err_errno(e, "%s: cannot be written", lines_path);
	int rc = zip_writer_file_deflated(x->zip, ANSWERS_ENTRY, lines_path, e);
	if (rc == 0)
		rc = put_head(x, e);
	if (rc == 0)
		rc = store_answers(x->store, &(struct answer_query){.item = 0}, take_answer, x, e);
	if (rc == 0)
		rc = put_end(x, e);
	fs_close(&x->lines_fd);
	return rc;
}

static int export_zip(struct export *x, struct err *e)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	CLEANUP(buf_release) struct buf zip = BUF_INIT;
	buf_printf(&lines, "%s.lines.tmp", x->path);
	buf_printf(&zip, "%s.tmp", x->path);
	int rc = zip_writer_open(zip.data, &x->zip, e);
	if (rc == 0)
		rc = export_lines(x, lines.data, e);
	if (rc == 0) {
		struct zip_writer *z = x->zip;
		x->zip = NULL;
		rc = zip_writer_close(z, e);
	}
	if (rc == 0)
		rc = fs_rename(zip.data, x->path, e);
	zip_writer_abort(x->zip);
	x->zip = NULL;
	fs_remove(lines.data, NULL);
	if (rc < 0)
		fs_remove(zip.data, NULL);
	return rc;
}

/* One view of the database: a run may be going on. */
static int export_all(struct export *x, struct err *e)
{
	struct fs_stat st;
	int rc = fs_stat(x->path, &st, e);
	if (rc == 0 && st.exists)
		return err_set(e, ERR_REFUSED, "%s is there already; nothing was written", x->path);
	if (rc == 0)
		rc = db_exec(store_db(x->store), "BEGIN", e);
	if (rc == 0)
		rc = query_stages(x->store, &x->arena, &x->stages, &x->nstages, e);
	if (rc == 0)
		rc = db_prepare(store_db(x->store), "SELECT id FROM item WHERE n=?", &x->item, e);
	if (rc == 0)
		rc = refuse_private(x, e);
	if (rc == 0)
		rc = export_zip(x, e);
	db_finalize(x->item);
	return rc;
}

static void report(const struct export *x)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (x->o->json) {
		buf_printf(&b, "{\"answers\":%lld,\"left_out\":%lld,\"objects\":%zu}\n", (long long)x->answers,
			(long long)x->left_out, x->packed.n);
		say_out(&b);
		return;
	}
	buf_printf(&b, "%s: ", x->path);
	put_many(&b, x->answers, "answer");
	buf_puts(&b, ", ");
	put_many(&b, (int64_t)x->packed.n, "sound");
	if (x->packed.n) {
		buf_puts(&b, " of ");
		put_bytes(&b, x->bytes);
	}
	buf_putc(&b, '\n');
	if (x->left_out) {
		put_many(&b, x->left_out, "answer");
		buf_puts(&b, " left out: the sound is missing, the next run makes it again\n");
	}
	say_out(&b);
}

static int export_answers(const struct cli_given *given)
{
	const struct export_options *o = given->opts;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf objects = BUF_INIT;
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct err e = ERR_INIT;
	where_work(&o->where, &work);
	fs_join(&objects, work.data, "objects");
	int rc = folder_open(work.data, &store, &e);
	struct export x = {.o = o, .path = given->args[0], .objects = objects.data, .store = store, .lines_fd = -1};
	buf_init(&x.lines, ANSWERS_LINE_MAX);
	if (rc == 0)
		rc = export_all(&x, &e);
	if (rc == 0)
		report(&x);
	else
		say_error("answers export: %s", e.text);
	map_release(&x.packed);
	buf_release(&x.lines);
	arena_release(&x.arena);
	return rc < 0 ? EXIT_ERROR : EXIT_DONE;
}

const struct cli_command command_answers_export = {
	.name = "answers export",
	.usage = "FILE [options]",
	.help = "pack the stored answers of providers, with their sounds, into a zip",
	.about = "Whoever imports it pays nothing for what this work folder has asked. It holds the texts that were sent "
			 "to providers,\n"
			 "so hand it only to who may read them.",
	.example = "taf answers export answers.zip",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct export_options),
	.min_args = 1,
	.max_args = 1,
	.run = export_answers,
};
