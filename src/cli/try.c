/* taf try: one stage on one call, with nothing stored: its input, what providers were asked, what it would write, and how that differs from what is
 * stored. */
#include "core/try.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/fields.h"
#include "cli/folder.h"
#include "cli/machine.h"
#include "cli/say.h"
#include "core/engine.h"
#include "core/objects.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 40

struct try_options {
	struct where where;
	const char *keep;
	bool originals, json;
};

#define AT(field) offsetof(struct try_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct try_options),
	{0, "keep", CLI_TEXT, AT(keep), "DIR", 0, 0, "copy the sounds that are made into this folder (made if needed)"},
	{0, "originals", CLI_FLAG, AT(originals), NULL, 0, 0,
		"show also what may hold personal data: what a private call said before anonymize"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct trial_view {
	const struct try_options *o;
	const char *stage, *uses;
	struct try_result r;
	struct json *sounds; /* [{digest, size, made, file?}] */
	struct buf stored;   /* the folder of objects of the work folder */
	const char *made;    /* the one of this trial */
	bool hide_in, hide_out;
	bool keeps; /* answers */
};

static void view_release(struct trial_view *v)
{
	try_release(&v->r);
	buf_release(&v->stored);
}

/* --- The folder of temporaries --- */

struct scratch {
	char *path; /* NULL: none */
};

static void scratch_remove(struct scratch *s)
{
	if (s->path)
		fs_remove_tree(s->path, NULL);
	free(s->path);
}

static int scratch_make(struct scratch *s, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	const char *dir = getenv("TMPDIR");
	buf_printf(&path, "%s/taf-try-XXXXXX", dir && *dir ? dir : "/tmp");
	if (!mkdtemp(path.data))
		return err_errno(e, "making the temporary folder %s", path.data);
	s->path = buf_take(&path);
	return 0;
}

/* By what its first bytes say. */
static const char *sound_ending(struct str bytes)
{
	if (str_starts(bytes, "fLaC"))
		return "flac";
	if (str_starts(bytes, "RIFF"))
		return "wav";
	if (str_starts(bytes, "ID3") || (bytes.n > 1 && (unsigned char)bytes.p[0] == 0xFF && (bytes.p[1] & 0xE0) == 0xE0))
		return "mp3";
	return "bin";
}

/* Where an object lies: in the work folder, or among those made just now. */
static bool sound_path(const struct trial_view *v, const struct digest *d, struct buf *ret, bool *ret_made)
{
	*ret_made = objects_size(v->stored.data, d) < 0;
	objects_path(ret, *ret_made ? v->made : v->stored.data, d);
	return !*ret_made || objects_size(v->made, d) >= 0;
}

static int keep_sound(struct trial_view *v, struct str hex, const struct digest *d, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	struct arena *a = &v->r.arena;
	bool made;
	if (!sound_path(v, d, &path, &made))
		return 0; /* hex digits that name no object */
	int rc = fs_read(path.data, OBJECT_MAX, &bytes, e);
	if (rc < 0)
		return rc;
	struct json *row = json_object(a);
	json_set_str(a, row, "digest", hex);
	json_set_int(a, row, "size", (int64_t)bytes.len);
	json_set(a, row, "made", json_bool(a, made));
	json_append(v->sounds, row);
	if (v->o->keep) {
		rc = fs_mkdirs(v->o->keep, e);
		buf_clear(&path);
		buf_printf(&path, "%s/%.12s.%s", v->o->keep, hex.p, sound_ending(buf_view(&bytes)));
		if (rc == 0)
			rc = fs_write_atomic(path.data, bytes.data, bytes.len, 0644, e);
	}
	if (v->o->keep || !made)
		json_set_text(a, row, "file", path.data);
	return rc;
}

static bool sound_seen(const struct json *sounds, struct str hex)
{
	JSON_EACH(row, sounds) {
		if (str_eq(json_get_str(row, "digest"), hex))
			return true;
	}
	return false;
}

/* The sounds that the result names. */
static int keep_sounds(struct trial_view *v, const struct json *fields, struct err *e)
{
	struct digest d;
	int rc = 0;
	if (json_is(fields, JSON_STRING) && digest_parse(fields->u.s, &d) && !sound_seen(v->sounds, fields->u.s))
		return keep_sound(v, fields->u.s, &d, e);
	JSON_EACH(kid, fields) {
		if (rc == 0)
			rc = keep_sounds(v, kid, e);
	}
	return rc;
}

/* --- For people --- */

static void put_head(struct buf *b, const struct trial_view *v)
{
	const struct try_result *r = &v->r;
	buf_printf(b, "%s (%s) on %s", v->stage, v->uses, r->id);
	if (r->place)
		buf_printf(b, ", listed at %s", r->place);
	if (r->slots)
		buf_printf(b, " (each parent gets %d)", r->slots);
	buf_puts(b, v->keeps ? "; nothing is stored but answers that are paid for\n" : "; nothing is stored\n");
	for (size_t i = 0; i < r->stale.n; i++)
		buf_printf(b, "%s%.*s", i ? ", " : "note: made under another configuration, and taken as it is: what stage ",
			STR_FMT(r->stale.v[i]));
	buf_puts(b, r->stale.n ? " wrote\n" : "");
}

static void put_hidden(struct buf *b)
{
	buf_puts(b, "  (withheld: it may hold personal data; --originals shows it)\n");
}

static void put_calls(struct buf *b, const struct json *peers)
{
	buf_puts(b, "\npeers:\n");
	JSON_EACH(peer, peers)
		buf_printf(b, "  %.*s\n", STR_FMT(json_get_str(peer, "id")));
}

static void put_input(struct buf *b, const struct trial_view *v)
{
	buf_puts(b, "\ninput:\n");
	if (v->hide_in)
		put_hidden(b);
	else if (v->r.input)
		put_fields(b, v->r.input);
	else
		buf_puts(b, "  (none)\n");
	if (v->r.peers)
		put_calls(b, v->r.peers);
}

static void put_no_answer(struct buf *b, struct str why)
{
	buf_puts(b, why.n ? "    (none that will do: " : "    (none");
	put_clean(b, why);
	buf_puts(b, ")\n");
}

static void put_asks(struct buf *b, const struct trial_view *v)
{
	size_t n = 0;
	if (!v->r.asks)
		return;
	buf_puts(b, "\nprovider requests:\n");
	if (v->hide_in || v->hide_out) {
		put_hidden(b);
		return;
	}
	JSON_EACH(ask, v->r.asks) {
		const struct json *answer = json_get(ask, "answer");
		bool stored = json_get_bool(ask, "stored", false);
		struct str step = json_get_str(ask, "step");
		buf_printf(b, step.n ? "  request %zu (%.*s):\n" : "  request %zu:\n", ++n, STR_FMT(step));
		put_nested(b, json_get(ask, "request"));
		buf_printf(b, "  answer%s:\n", stored ? " (stored, so it is not asked again)" : "");
		if (json_is(answer, JSON_NULL))
			put_no_answer(b, json_get_str(ask, "why"));
		else
			put_nested(b, answer);
	}
	if (v->r.tokens_in + v->r.tokens_out) {
		buf_puts(b, "  asked just now: ");
		put_taken(b, is_characters(v->r.unit), v->r.tokens_in, v->r.tokens_out);
	}
	if (v->r.cost > 0)
		buf_printf(b, ", cost %.4f", v->r.cost);
	if (v->r.tokens_in + v->r.tokens_out)
		buf_puts(b, "; the answers are kept\n");
}

static void put_output(struct buf *b, const struct trial_view *v)
{
	const struct try_result *r = &v->r;
	if (r->code < 0) {
		buf_printf(b, "\nthe work failed (%s): ", err_class_name(err_class_of(r->code)));
		put_clean(b, str_of(v->hide_in ? "(withheld: --originals shows it)" : r->error));
		buf_putc(b, '\n');
		return;
	}
	buf_printf(b, "\nit would %s", r->rejected ? "reject the call, and write" : "write");
	buf_printf(b, r->us < 1000 ? " (work: under 1 ms):\n" : " (work: %lld ms):\n", (long long)(r->us / 1000));
	if (v->hide_out)
		put_hidden(b);
	else
		put_fields(b, r->fields);
}

static void put_sounds(struct buf *b, const struct trial_view *v)
{
	if (!json_count(v->sounds))
		return;
	buf_puts(b, "\nsounds:\n");
	JSON_EACH(sound, v->sounds) {
		struct str file = json_get_str(sound, "file");
		buf_puts(b, "  ");
		put_bytes(b, json_get_int(sound, "size", 0));
		if (file.n)
			buf_printf(b, "  %.*s\n", STR_FMT(file));
		else
			buf_printf(
				b, "  %.12s…, made for this and dropped again; --keep DIR keeps it\n", json_get_str(sound, "digest").p);
	}
}

static struct json *stored_changes(const struct trial_view *v, struct arena *a)
{
	const struct try_result *r = &v->r;
	if (!r->stored.fields || !r->fields)
		return NULL;
	return changes_between(a, r->stored.fields, r->fields, CHANGES_MAX);
}

static void put_stored(struct buf *b, const struct trial_view *v)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const struct try_stored *s = &v->r.stored;
	const struct json *changes = stored_changes(v, &a);
	buf_puts(b, "\nstored: ");
	if (!s->outcome) {
		buf_puts(b, "nothing; the stage has not worked on this call yet\n");
		return;
	}
	buf_printf(b, "%s, since run %s", s->outcome, s->run);
	if (s->reason)
		buf_printf(b, "; a run would work on it again (%s)", s->reason);
	buf_putc(b, '\n');
	if (s->failure) {
		buf_puts(b, "  ");
		put_clean(b, str_of(v->hide_in ? "(withheld: --originals shows it)" : s->failure));
		buf_putc(b, '\n');
	}
	if (!changes)
		return;
	if (!json_count(changes) && s->rejected == v->r.rejected)
		buf_puts(b, "  the same as this\n");
	JSON_EACH(change, changes) {
		buf_puts(b, "  ");
		if (v->hide_out)
			put_clean(b, json_get_str(change, "path"));
		else
			change_text(b, change);
		buf_putc(b, '\n');
	}
}

/* --- For programs --- */

static void set_unless(struct arena *a, struct json *out, const char *key, const struct json *v, bool hidden)
{
	if (v && !hidden)
		json_set(a, out, key, json_copy(a, v));
}

static struct json *stored_json(struct trial_view *v)
{
	struct arena *a = &v->r.arena;
	const struct try_stored *s = &v->r.stored;
	struct json *out = json_object(a), *changes = stored_changes(v, a), *paths = json_array(a);
	json_set_text(a, out, "outcome", s->outcome);
	json_set_text(a, out, "run", s->run);
	if (s->reason)
		json_set_text(a, out, "reason", s->reason);
	if (s->failure && !v->hide_in)
		json_set_text(a, out, "failure", s->failure);
	set_unless(a, out, "fields", s->fields, v->hide_out);
	if (!changes)
		return out;
	JSON_EACH(change, changes) {
		struct json *row = json_object(a);
		json_set_str(a, row, "path", json_get_str(change, "path"));
		json_append(paths, v->hide_out ? row : json_copy(a, change));
	}
	json_set(a, out, "changes", paths);
	return out;
}

/* {stage, uses, id, place?, withheld, input?, peers?, asks?, error?, rejected, fields?, sounds, seconds, stale, stored?} */
static void put_json(struct buf *b, struct trial_view *v)
{
	struct try_result *r = &v->r;
	struct arena *a = &r->arena;
	struct json *out = json_object(a), *stale = json_array(a);
	json_set_text(a, out, "stage", v->stage);
	json_set_text(a, out, "uses", v->uses);
	json_set_text(a, out, "id", r->id);
	if (r->place)
		json_set_text(a, out, "place", r->place);
	json_set(a, out, "withheld", json_bool(a, v->hide_in || v->hide_out));
	set_unless(a, out, "input", r->input, v->hide_in);
	set_unless(a, out, "peers", r->peers, v->hide_in);
	set_unless(a, out, "asks", r->asks, v->hide_in || v->hide_out);
	if (r->code < 0) {
		struct json *error = json_object(a);
		json_set_text(a, error, "class", err_class_name(err_class_of(r->code)));
		json_set_text(a, error, "reason", v->hide_in ? "(withheld)" : r->error);
		json_set(a, out, "error", error);
	}
	json_set(a, out, "rejected", json_bool(a, r->rejected));
	set_unless(a, out, "fields", r->fields, v->hide_out);
	json_set(a, out, "sounds", v->sounds);
	json_set(a, out, "seconds", json_real(a, (double)r->us / 1e6));
	for (size_t i = 0; i < r->stale.n; i++)
		json_append(stale, json_str(a, r->stale.v[i]));
	json_set(a, out, "stale", stale);
	if (r->stored.outcome)
		json_set(a, out, "stored", stored_json(v));
	json_write(b, out);
	buf_putc(b, '\n');
}

/* --- The command --- */

/* What to do about a call that has not come so far. */
static void say_missing(const struct trial_view *v, const char *id, const struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	const struct where *w = &v->o->where;
	buf_puts(&b, e->text);
	for (size_t i = 0; i < v->r.near.n; i++)
		buf_printf(&b, "%s%.*s", i ? ", " : "; did you mean ", STR_FMT(v->r.near.v[i]));
	if (v->r.near.n)
		buf_putc(&b, '?');
	if (v->r.until) {
		buf_printf(&b, ": make it with taf run --until %s --only %s", v->r.until, id);
		where_put(&b, w);
		where_put_changes(&b, w);
	}
	say_error("%s", b.data);
}

static int exit_of(const struct try_result *r)
{
	if (r->code == 0)
		return EXIT_DONE;
	enum err_class class = err_class_of(r->code);
	return class == CLASS_DATA || class == CLASS_INVALID ? EXIT_QUARANTINED : EXIT_ERROR;
}

static int report(struct trial_view *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	v->hide_in = v->r.private_in && !v->o->originals;
	v->hide_out = v->r.private_out && !v->o->originals;
	if (v->o->json) {
		put_json(&b, v);
	} else {
		put_head(&b, v);
		put_input(&b, v);
		put_asks(&b, v);
		put_output(&b, v);
		put_sounds(&b, v);
		put_stored(&b, v);
	}
	say_out(&b);
	return exit_of(&v->r);
}

static int try_call(const struct cli_given *given)
{
	CLEANUP(config_cleanup) struct config *config = NULL;
	CLEANUP(view_release) struct trial_view v = {.o = given->opts, .stage = given->args[0], .stored = BUF_INIT};
	CLEANUP(scratch_remove) struct scratch scratch = {NULL};
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	CLEANUP(buf_release) struct buf worker = BUF_INIT;
	CLEANUP(fs_close) int lock = -1;
	struct err e = ERR_INIT;
	if (where_config(&v.o->where, &config) < 0 || !folder_stage_known(config, "try", v.stage))
		return EXIT_BAD_CONFIG;
	const struct stage_ops *ops = config->stages[config_stage_index(config, str_of(v.stage))].stage.ops;
	v.uses = ops->name;
	where_work(&v.o->where, &work);
	where_id(given->args[1], &id);
	const struct provider *provider = config->stages[config_stage_index(config, str_of(v.stage))].stage.provider;
	int rc = machine_worker(&worker, ops->exec == EXEC_SOUND, &e);
	/* Answers are paid for, so they are kept; while a run works here, only those that are stored are used. */
	struct err busy = ERR_INIT;
	bool asks = provider && (provider->ops->ask || provider->ops->speak),
		 keep = asks && folder_lock(work.data, &lock, &busy) == 0;
	v.keeps = keep;
	if (asks && !keep)
		say_error("note: %s; only stored answers are used", busy.text);
	if (rc == 0)
		rc = scratch_make(&scratch, &e);
	const char *command[] = {worker.data, NULL};
	struct try_args args = {.config = config,
		.work = work.data,
		.stage = v.stage,
		.id = buf_view(&id),
		.keep = keep,
		.objects = scratch.path,
		.worker = command};
	if (rc == 0)
		rc = try_stage(&args, &v.r, &e);
	if (rc == 0) {
		buf_printf(&v.stored, "%s/objects", work.data);
		v.made = scratch.path;
		v.sounds = json_array(&v.r.arena);
		rc = keep_sounds(&v, v.r.fields, &e);
	}
	if (rc == 0)
		return report(&v);
	say_missing(&v, id.data, &e);
	return err_class_of(rc) == CLASS_CONFIG ? EXIT_BAD_CONFIG : EXIT_ERROR;
}

const struct cli_command command_try = {
	.name = "try",
	.usage = "STAGE ID [options]",
	.help = "one stage on one call, shown and not stored: input, requests, result, what would change",
	.about = "The stages before it must have worked on the call. Of an expand stage, ID is a new call (a1+e.2) or a "
			 "parent "
			 "(its first).\nExit status 3 when the work fails on this call.",
	.example = "taf try clean demo-normal/normal_004",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct try_options),
	.min_args = 2,
	.max_args = 2,
	.run = try_call,
};
